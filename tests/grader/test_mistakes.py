"""Known mistakes: read, cut, applied exactly where they belong."""

from __future__ import annotations

import pytest

from grader.mistakes import BadMistake, Mistake, apply, cut

CELL = """def f(x):
    \"\"\"Double: return 2 * x.\"\"\"
    ### BEGIN SOLUTION
    y = 0
    for _ in range(2):
        y += x
    return y
    ### END SOLUTION
"""


def with_mistakes(*lines: str) -> str:
    return "\n".join([CELL.rstrip(), "### BEGIN MISTAKES", *lines, "### END MISTAKES", ""])


def one(*lines: str) -> str:
    """The cell with the one mistake made that these lines describe."""
    source, (mistake,) = cut(with_mistakes(*lines), "f")
    return apply(source, mistake)


def test_mistakes_are_cut_and_nothing_else() -> None:
    source, mistakes = cut(with_mistakes("# name: message.", "#   - y = 0", "#   + y = 1"), "f")
    assert source == CELL.rstrip()
    assert mistakes == [Mistake("f", "name", "message.", (("y = 0", "y = 1"),))]


def test_a_cell_without_mistakes_stays_as_it_is() -> None:
    assert cut(CELL, "f") == (CELL, [])


def test_a_message_may_take_several_lines_and_hold_colons() -> None:
    lines = ("# = for +=: the last one wins: use +=,", "#     which adds.", "#   - y += x", "#   + y = x")
    (mistake,) = cut(with_mistakes(*lines), "f")[1]
    assert (mistake.name, mistake.message) == ("= for +=", "the last one wins: use +=, which adds.")


def test_part_of_a_line_is_replaced() -> None:
    assert "        y = x\n" in one("# n: m", "#   - += x", "#   + = x")


def test_several_lines_in_a_row_are_one_replacement_at_their_indentation() -> None:
    changed = one("# n: m", "#   - for _ in range(2):", "#   -     y += x", "#   + y += x", "#   + y += x")
    assert "    y = 0\n    y += x\n    y += x\n    return y\n" in changed


def test_a_line_may_move_into_a_block_and_out_of_it() -> None:
    moved_in = one("# n: m", "#   - return y", "#   +     return y")
    assert "        y += x\n        return y\n" in moved_in
    moved_out = one("# n: m", "#   -     y += x", "#   - return y", "#   +     pass", "#   + y += x", "#   + return y")
    assert "        pass\n    y += x\n    return y\n" in moved_out


def test_further_groups_are_further_replacements() -> None:
    changed = one("# n: m", "#   - y = 0", "#   + y = 1", "#   - range(2)", "#   + range(3)")
    assert "y = 1\n    for _ in range(3)" in changed


def test_lines_without_a_plus_are_left_out() -> None:
    assert "range" not in one("# n: m", "#   - for _ in range(2):", "#   -     y += x")


def test_only_the_solution_is_changed() -> None:
    assert '"""Double: return 2 * x."""' in one("# n: m", "#   - return y", "#   + return 2 * x")


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        (["# n: m", "#   - y = 7", "#   + y = 1"], "'y = 7', which stands nowhere in the solution"),
        (["# n: m", "#   - y", "#   + z"], "'y', which stands 3 times in the solution"),
        (["# n: m", "#   - return 2 * x", "#   + z"], "stands nowhere"),
        (["# n: m"], "the mistake 'n' of f changes nothing"),
        (["# n: m", "#   + y = 1"], "has + lines without - lines before them"),
        (["# n: m", "#   - y = 0", "# no colon here"], "neither a name with its message nor a change: # no colon here"),
        (["y = 1"], "neither a name with its message nor a change: y = 1"),
        (["#   - y = 0", "#   + y = 1"], "neither a name with its message nor a change"),
        (["# n: m", "#   - y = 0", "#   + y = 1"] * 2, "two mistakes of f have one name"),
    ],
)
def test_what_cannot_be_read_or_applied_is_said(lines: list[str], says: str) -> None:
    with pytest.raises(BadMistake) as refused:
        source, mistakes = cut(with_mistakes(*lines), "f")
        for mistake in mistakes:
            apply(source, mistake)
    assert says in str(refused.value)


@pytest.mark.parametrize("marks", ["### BEGIN MISTAKES", "### END MISTAKES", "### END MISTAKES\n### BEGIN MISTAKES"])
def test_unpaired_marks_are_refused(marks: str) -> None:
    with pytest.raises(BadMistake, match="but not once each"):
        cut(f"{CELL}{marks}\n", "f")
