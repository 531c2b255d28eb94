"""What the build refuses, one clear sentence each."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.build import Refused, make
from grader.errors import Trouble
from grader.lint import lint, names_in
from grader.lint import tests_of as by_exercise
from grader.source import parse

TINY = (Path(__file__).parent / "sources" / "01_tiny.py").read_text(encoding="utf-8")


def refused(text: str) -> str:
    """All that is said against a source."""
    with pytest.raises(Trouble) as trouble:
        make(parse(text, "01_tiny"))
    return str(trouble.value)


def replaced(old: str, new: str) -> str:
    assert TINY.count(old) == 1, old
    return TINY.replace(old, new)


MISTAKES = TINY[
    TINY.rindex("    ### BEGIN MISTAKES") : TINY.rindex("    ### END MISTAKES") + len("    ### END MISTAKES\n")
]
CHECK = 'check = Check("slide", slide, reference, returns="y (OW,)")'
CASES = TINY[TINY.index('check("stride 1"') : TINY.index("check.score(points=4)")]


def test_the_tiny_notebook_has_no_fault() -> None:
    assert lint(parse(TINY, "01_tiny")) == []
    make(parse(TINY, "01_tiny"))


def test_the_tests_of_an_exercise_are_found_by_name_or_by_place() -> None:
    assert by_exercise(parse(TINY, "t").notebook) == {"by-hand": ["by-hand-check"], "slide": ["slide-check"]}
    renamed = replaced('check="slide" points', 'check="another-name" points')
    assert by_exercise(parse(renamed, "t").notebook)["slide"] == ["another-name-check"]


SCORE = "check.score(points=4)"
FLIPPED = "    #   + * w[::-1]).sum()"

FAULTS = [
    ('exercise="slide"', 'exercise="by-hand"', "2 cells are called by-hand"),
    ('check="slide" points=4', 'check="slide"', "the graded cell slide-check has no points"),
    ('check="slide" points=4', 'check="slide" points=0', "the graded cell slide-check has 0 points"),
    ('check="slide" points=4', 'check="slide" points="4"', "the graded cell slide-check has '4' points"),
    (MISTAKES, "", "the exercise slide has no known mistake beside it"),
    ('# %% check="slide" points=4', '# %% tags=["demo"]', "the exercise slide has no test"),
    ("# === BEGIN MARK SCHEME ===\n", "", "the question why has no mark scheme"),
    ("    ### BEGIN SOLUTION\n    size", "    size", "the exercise slide has no ### BEGIN SOLUTION"),
    ("    return y\n", "    return y)\n", "the cell slide is no Python, in its line 8: unmatched ')'"),
    ("\npositions = 5\n", "\npositions = 2 + 3\n", "has arithmetic among its blanks"),
    ("\npositions = 5\n", "\nprint(5)\n", "has a line without a number to fill in among its blanks"),
    ("slide(np.arange(5.0), np.ones(2))", "slide(x)", "the cell 'slide(x)' uses x, which only the test slide-check"),
    (
        "    size = (len(x) - len(w)) // stride + 1\n    y",
        "    reference\n    y",
        "cell slide uses reference, which only",
    ),
    (SCORE, f"slide = None\n{SCORE}", "the test slide-check gives slide a new meaning, which is the student's"),
    ('check = Check("by-hand")', 'check = Chek("by-hand")', "uses Chek, which is neither the student's nor"),
    (SCORE, "check.score(points=3)", "the test slide-check is worth 4 points, its solution earns 3"),
    (SCORE, "None", "the test slide-check ends with None, not with a number of points"),
    (SCORE, "1 / 0", "the test slide-check ends in ZeroDivisionError on the solution: division by zero"),
    (SCORE, f"np.log(0.0)\n{SCORE}", "the test slide-check prints a warning on the solution: "),
    ("import numpy as np", "import numpi as np", "of the solution ends in ModuleNotFoundError"),
    ("check.hide()", "pass", "slide-check has hidden tests that do not begin with check.hide()"),
    ("### END HIDDEN TESTS\n", "### END HIDDEN TESTS\ncheck('late', x, w)\n", "has cases after its hidden tests"),
    ('Check("by-hand")', 'Check("slide")', "two tests have a Check called 'slide'"),
    (FLIPPED, "    #   + * w).sum() + 0", "the mistake 'flipped filter' of slide keeps full marks"),
    (FLIPPED, "    #   + * w[::-1]).sum(", "the mistake 'flipped filter' of slide leaves no Python"),
    ("    #   - * w).sum()", "    #   - y", "replaces 'y', which stands 4 times in the solution"),
    ("points=2\n", "points=two\n", "are not key=value with JSON values"),
    ('exercise="slide"', 'exercise="a b"', "the name 'a b' does not suit a cell"),
    ("[markdown] question", "question", "the question 'why' is a cell of code"),
    ('exercise="slide"', 'exercise="slide" question="slide"', "the cell 'slide' is marked twice"),
]


@pytest.mark.parametrize(("old", "new", "says"), FAULTS, ids=[says for _, _, says in FAULTS])
def test_a_fault_is_refused_in_one_sentence(old: str, new: str, says: str) -> None:
    said = refused(replaced(old, new))
    assert says in said
    assert all(line.startswith("01_tiny: ") for line in said.splitlines())


@pytest.mark.parametrize(
    "cases",
    [
        'check.equal("sum", lambda: slide(x, w).sum(), 1.0)',
        'check.equal("shape", slide(x, w).shape, (9,))',
        'check.holds("length", len(slide(x, w)) == 9)\ncheck.holds("mean", np.mean(slide(x, w)) < 9)',
    ],
)
def test_a_test_that_sees_only_properties_is_refused(cases: str) -> None:
    assert "slide-check compares only properties such as a sum or a shape" in refused(TINY.replace(CASES, f"{cases}\n"))


@pytest.mark.parametrize("case", ['check("a", x, w)', 'check.equal("a", slide(x, w), reference(x, w))'])
def test_a_test_that_sees_every_element_too_is_not(case: str) -> None:
    text = TINY.replace(CASES, f'check.equal("shape", slide(x, w).shape, (9,))\n{case}\n')
    assert lint(parse(text, "01_tiny")) == []


def test_a_solution_outside_of_a_function_is_refused() -> None:
    solution = TINY[TINY.index("def slide") : TINY.index('# %% check="slide"')]
    outside = "### BEGIN SOLUTION\nslide = np.correlate\n### END SOLUTION\n"
    assert "the exercise slide has its solution outside of a function" in refused(TINY.replace(solution, outside))


def test_several_faults_are_said_at_once() -> None:
    text = replaced(MISTAKES, "").replace("=== BEGIN MARK SCHEME ===", "")
    assert len(refused(text).splitlines()) == 2


def test_an_unchanged_solution_that_its_own_test_refuses_is_the_builds_fault_not_the_students() -> None:
    with pytest.raises(Refused, match="is worth 4 points, its solution earns 0"):
        make(parse(replaced("* w).sum()\n    return", "* w).sum() * 1.5\n    return"), "01_tiny"))


def test_names_in_a_cell() -> None:
    source = (
        "from a import b as c\ndef f(x, y=z):\n    global g\n    g = x\n    return h(x)\nq = [i for i in q0]\n%magic\n"
    )
    bound, used = names_in(source)
    assert {"c", "f", "q"} <= bound
    assert used >= {"z", "h", "q0"}
    assert not used & {"x", "y", "i", "c", "magic"}
