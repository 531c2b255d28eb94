"""Known mistakes are recognised, blanks are checked, and neither gives the answer away."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from course.check import Check
from course.check.calls import Outcome
from course.check.records import FORMAT, alike, canonical, diagnose, digest, fingerprint, load
from course.check.report import MIME


def of(value: Any) -> Any:
    return fingerprint(Outcome(value))


a = np.random.default_rng(0).normal(size=(4, 5))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (a, a * (1 + 1e-9)),
        (a.astype("f4"), (a * (1 + 1e-6)).astype("f4")),
        ((a, a[0]), [a, a[0]]),
        ({"m": a, "v": 2.0}, {"v": 2.0, "m": a}),
        (np.array([np.nan, 1.0]), np.array([np.nan, 1.0])),
        (3, 3),
        (None, None),
    ],
)
def test_the_same_answer_up_to_rounding_is_alike(one: Any, other: Any) -> None:
    assert alike(of(one), of(other))
    assert alike(json.loads(json.dumps(of(one), allow_nan=False)), of(other)), "through the file"


@pytest.mark.parametrize(
    "other", [a.T, a[::-1], a[:, ::-1], -a, a + 0.01, a.astype("f4"), a.ravel(), (a,), None, 3.0, "a", {"m": a}]
)
def test_another_answer_is_not_alike(other: Any) -> None:
    assert not alike(of(a), of(other))


def test_swapping_two_elements_between_the_samples_shows() -> None:
    b = np.arange(100.0)
    c = b.copy()
    c[[3, 4]] = c[[4, 3]]
    assert not alike(of(b), of(c))


def test_errors_are_alike_by_type_and_message() -> None:
    def failed(error: str, message: str) -> Any:
        return fingerprint(Outcome(verdict="error", error=error, message=message))

    assert alike(failed("ValueError", "a"), failed("ValueError", "a"))
    assert not alike(failed("ValueError", "a"), failed("ValueError", "b"))
    assert not alike(failed("ValueError", "a"), failed("TypeError", "a"))
    assert fingerprint(Outcome(verdict="timeout")) is None


def test_an_argument_changed_in_place_is_part_of_the_answer() -> None:
    assert not alike(of(a), fingerprint(Outcome(a, changed=["x"])))


RECORDS = {
    "mistakes": [
        {"name": "flipped", "message": "do not flip", "answers": {"one": of(a[::-1]), "two": of(2 * a[::-1])}},
        {"name": "stride", "message": "use it", "answers": {"one": "=", "two": of(a[:2])}},
        {"name": "both", "message": "one thing", "answers": {"one": "=", "two": of(2 * a[::-1])}},
    ]
}


@pytest.mark.parametrize(
    ("answers", "failed", "named"),
    [
        ({"one": a[::-1], "two": 2 * a[::-1]}, {"one", "two"}, "flipped"),
        ({"one": a, "two": a[:2]}, {"two"}, "stride"),
        ({"one": a, "two": 2 * a[::-1]}, {"two"}, "both"),
        ({"one": a - 1, "two": a - 2}, {"one", "two"}, None),
        ({"one": a, "two": a}, {"two"}, None),
        ({"one": a - 1, "two": a[:2]}, {"one", "two"}, None),  # half of it fits
    ],
)
def test_the_mistake_that_fits_best_is_named(answers: dict[str, Any], failed: set[str], named: str | None) -> None:
    found = diagnose(RECORDS, {label: of(answer) for label, answer in answers.items()}, failed)
    assert (found and found["name"]) == named


def test_truth_values_name_a_mistake_only_if_all_of_them_agree() -> None:
    records = {"mistakes": [{"name": "n", "message": "m", "answers": {"a": of(False), "b": of(False), "c": "="}}]}
    assert diagnose(records, {"a": of(False), "b": of(False), "c": of(True)}, {"a", "b"})
    assert not diagnose(records, {"a": of(False), "b": of(True), "c": of(True)}, {"a"})


def test_on_secret_draws_no_mistake_is_named() -> None:
    """The records are of the public draws; the grader runs a failed test once more on those."""
    cell = """
from course.check import Check
check = Check("f", lambda: 3, lambda: 2)
check("the only case")
score = check.score()
"""
    answers: dict[str, Any] = {}
    run(cell, answers=answers)
    entry = {"name": "three", "message": "m", "answers": answers["f"]}
    records = {"format": FORMAT, "exercises": {"f": {"mistakes": [entry]}}}
    named = [run(cell, records=records, seed=seed)[1][MIME]["mistake"] for seed in (None, 1)]
    assert named == [{"name": "three", "message": "m"}, None]


@pytest.mark.parametrize(
    "damaged",
    [
        {"mistakes": 7},
        {"mistakes": [7]},
        {"mistakes": [{"answers": 7}]},
        {"mistakes": [{"answers": {"the only case": {"form": 3}}}]},
        {"mistakes": [{"answers": {"the only case": {"form": "i8[]", "numbers": ["x"]}}}]},
        {"mistakes": [{"answers": {"the only case": {"form": "i8[]", "numbers": 7}}}]},
        {"blanks": 7},
        7,
    ],
)
def test_a_damaged_file_names_no_mistake_and_breaks_nothing(damaged: Any) -> None:
    cell = "from course.check import Check\ncheck = Check('f', lambda: 3, lambda: 2)\ncheck('the only case')\n"
    records = {"format": FORMAT, "exercises": {"f": damaged}}
    score, bundle = run(f"{cell}score = check.score()", records=records)
    assert score == 0
    assert bundle[MIME]["mistake"] is None


def test_a_case_without_a_record_does_not_matter() -> None:
    answers = {"one": of(a), "two": of(a[:2]), "new": of(7)}
    found = diagnose(RECORDS, answers, {"two", "new"})
    assert found == {"name": "stride", "message": "use it"}


@pytest.mark.parametrize("value", [5, 5.0, np.int64(5), np.float32(5), 5.0000001, -0.0 + 5])
def test_the_same_number_has_one_canonical_text(value: Any) -> None:
    assert canonical(value, 3) == "5.000"


def test_canonical_texts() -> None:
    assert canonical(-0.0, 2) == canonical(0, 2) == "0.00"
    assert canonical(7 / 3, 2) == canonical(2.33, 2)
    assert canonical("  Padding ", 2) == "padding"
    assert canonical(True, 2) == "true" != canonical(1, 2)
    assert canonical(float("nan"), 2) == "nan"
    assert canonical(None, 2) is canonical([1], 2) is canonical(10**400, 2) is None


def test_a_digest_depends_on_answer_and_salt() -> None:
    assert len({digest("5", "a"), digest("5", "b"), digest("6", "a")}) == 3
    assert digest("5", "a") == digest("5", "a")


BY_HAND = """
from course.check import Check
check = Check("by-hand")
check.blank("size", {size}, decimals=2, hint="count them")
check.blank("row", {row})
score = check.score()
"""


def run(cell: str, **grading: Any) -> tuple[Any, dict[str, Any]]:
    shown: list[dict[str, Any]] = []
    namespace = {"__grading__": {"seed": None, "records": None, "display": shown.append, **grading}, "np": np}
    exec(cell, namespace)
    return namespace["score"], shown[0]


@pytest.fixture(scope="module")
def records() -> dict[str, Any]:
    """What the build records of the right answers, and of one mistake."""
    answers: dict[str, Any] = {}
    assert run(BY_HAND.format(size=5, row=[1, -2.5]), answers=answers, salt="05")[0] == 3
    by_hand: dict[str, Any] = {"blanks": answers["by-hand"], "salt": "05/by-hand", "mistakes": []}
    found = {"format": FORMAT, "exercises": {"by-hand": by_hand}}
    mistaken: dict[str, Any] = {}
    assert run(BY_HAND.format(size=4, row=[1, -2.5]), answers=mistaken, salt="05", records=found)[0] == 2
    entry = {"name": "one too few", "message": "the first one counts", "answers": {"size": mistaken["by-hand"]["size"]}}
    by_hand["mistakes"].append(entry)
    return found


@pytest.mark.parametrize(
    ("size", "row", "points"),
    [
        (5, [1, -2.5], 3),
        (5.001, (1.0, -2.5), 3),
        ("np.int64(5)", "np.array([1, -2.5])", 3),
        (5, [1, 2.5], 2),
        (3, [], 0),
    ],
)
def test_blanks_are_checked_without_the_answers(records: dict[str, Any], size: Any, row: Any, points: float) -> None:
    assert run(BY_HAND.format(size=size, row=row), records=records)[0] == points


def test_each_blank_has_its_own_verdict(records: dict[str, Any]) -> None:
    score, bundle = run(BY_HAND.format(size=4, row="[..., 2.5]"), records=records)
    assert score == 0
    text = bundle["text/plain"]
    assert "  This looks like a known mistake, one too few: the first one counts\n" in text
    assert "4 is not right: the mistake named above\n" in text
    assert text.count("the first one counts") == 1
    assert "… row[0]   not written yet" in text
    assert "2.5 is not right" in text
    assert bundle[MIME]["mistake"] == {"name": "one too few", "message": "the first one counts"}


def test_a_wrong_blank_without_a_known_mistake_shows_the_hint(records: dict[str, Any]) -> None:
    assert "Hint: count them" in run(BY_HAND.format(size=99, row=[1, -2.5]), records=records)[1]["text/plain"]


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("None", "this is None, should be a single number"),
        ("print", "should be a single number"),
        ("[5, 3]", "this is a list of 2, should be a single number"),
        ("np.array([5])", "this is an array of shape (1,), int64, should be a single number"),
        ("'5'", "'5' is a text: write it without quotes"),
        ("'16/5'", "'16/5' is a text: write it without quotes"),
        ("'five'", "'five' is not right"),
    ],
)
def test_what_is_no_answer_is_said(records: dict[str, Any], value: str, says: str) -> None:
    assert says in run(BY_HAND.format(size=value, row=[1, -2.5]), records=records)[1]["text/plain"]


@pytest.mark.parametrize("row", [7, [], [1], [1, -2.5, 3], "one", [[1, -2.5]], [[1], [-2.5]]])
def test_a_list_of_another_form_is_said_to_be_one(records: dict[str, Any], row: Any) -> None:
    """Every blank of it is wrong, so that leaving some out does not make the rest count more."""
    score, bundle = run(BY_HAND.format(size=5, row=repr(row)), records=records)
    assert score == 1 and bundle[MIME]["out_of"] == 3
    asked = "should be a single number" if row == [[1], [-2.5]] else "should be a list of 2"
    assert asked in bundle["text/plain"] and ".json" not in bundle["text/plain"]


def test_an_array_for_a_list_is_called_one(records: dict[str, Any]) -> None:
    text = run(BY_HAND.format(size="np.array(5)", row="np.ones((1, 3))"), records=records)[1]["text/plain"]
    assert "✓ size" in text
    assert "this is an array of shape (1, 3), float64, should be a list of 2" in text


@pytest.mark.parametrize(
    ("answer", "right", "rounded"),
    [
        (0.13, 0.125, True),
        (0.12, 0.125, True),  # cut
        (-0.13, -0.125, True),
        ("np.float64(0.13)", 0.125, True),
        (0.15, 0.125, False),
        (0.13, 0.12, False),
        (0.1, 0.125, False),  # too many numbers become 0.1
        (2, 1.999, False),
    ],
)
def test_a_number_that_is_the_right_one_rounded(answer: Any, right: float, rounded: bool) -> None:
    cell = 'from course.check import Check\ncheck = Check("m")\ncheck.blank("m", {})\nscore = check.score()'
    answers: dict[str, Any] = {}
    run(cell.format(right), answers=answers, salt="05")
    found = {"format": FORMAT, "exercises": {"m": {"blanks": answers["m"], "salt": "05/m", "mistakes": []}}}
    score, bundle = run(cell.format(answer), records=found)
    assert score == 0
    assert ("is not right: rounded? 3 decimals are asked for" in bundle["text/plain"]) == rounded


def test_a_matrix_is_asked_for_in_words() -> None:
    cell = 'from course.check import Check\ncheck = Check("m")\ncheck.blank("m", {})\nscore = check.score()'
    answers: dict[str, Any] = {}
    run(cell.format([[1, 2, 3], [4, 5, 6]]), answers=answers, salt="05")
    found = {"format": FORMAT, "exercises": {"m": {"blanks": answers["m"], "salt": "05/m", "mistakes": []}}}
    score, bundle = run(cell.format([1, 2]), records=found)
    assert score == 0 and bundle[MIME]["out_of"] == 6
    # the rows are two, as they should be: each of them is not a list
    assert "m[0][0]   wrong\n      this is 1, should be a list of 3" in bundle["text/plain"]
    assert "this is 9, should be a list of 2 lists of 3" in run(cell.format(9), records=found)[1]["text/plain"]
    assert run(cell.format("[..., [4, 5, 6]]"), records=found)[0] == 3


def test_a_hint_is_given_once(records: dict[str, Any]) -> None:
    cell = BY_HAND.replace('check.blank("row", {row})', "check.blank(\"row\", {row}, hint='count them')")
    text = run(cell.format(size=99, row=[7, 8]), records=records)[1]["text/plain"]
    assert text.count("Hint: count them") == 1 and text.count("the same hint as above") == 2


def test_a_number_that_two_blanks_share_is_shown_in_both(records: dict[str, Any]) -> None:
    text = run(BY_HAND.format(size=7, row=[7, 7]), records=records)[1]["text/plain"]
    assert text.count("7 is not right") == 3 and "as above" not in text
    word = "a word of more than forty letters is not right either"
    text = run(BY_HAND.format(size=repr(word), row=[word, word]), records=records)[1]["text/plain"]
    assert text.count("is not right") == 6 and "as above" not in text
    long = run(BY_HAND.format(size=5, row=[1, 2, 3]), records=records)[1]["text/plain"]
    assert long.count("this is a list of 3, should be a list of 2") == 1 and "row[1]   wrong, as above" in long


def test_the_mistake_in_blanks_is_known_whatever_the_seed(records: dict[str, Any]) -> None:
    assert run(BY_HAND.format(size=4, row=[1, -2.5]), records=records, seed=7)[1][MIME]["mistake"] == {
        "name": "one too few",
        "message": "the first one counts",
    }


def test_blanks_that_are_all_empty_are_not_written_yet(records: dict[str, Any]) -> None:
    with pytest.raises(NotImplementedError, match=r"^by-hand: not written yet$"):
        run(BY_HAND.format(size="...", row="np.array([..., ...])"), records=records)


def test_the_records_do_not_hold_the_answers(records: dict[str, Any]) -> None:
    text = json.dumps(records)
    assert "5.0" not in text
    assert "2.5" not in text


def test_without_the_file_a_blank_says_why_it_cannot_be_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    check = Check("by-hand")
    check.blank("size", 5)
    check.score()
    (case,) = check._cases
    (line,) = case.lines
    assert line.startswith("cannot be checked: the .json file that belongs beside this notebook is missing or older")
    assert "`course lab` puts it there" in line


def test_the_records_are_found_beside_the_notebook(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, records: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "05.json").write_text(json.dumps(records), encoding="utf-8")
    (tmp_path / "01.json").write_text("{not json", encoding="utf-8")
    (tmp_path / "02.json").write_text("[1, 2]", encoding="utf-8")
    (tmp_path / "03.json").write_bytes(b"\xff\xfe")
    (tmp_path / "04.json").mkdir()
    for name in ("01", "02", "03", "04", "05"):
        (tmp_path / f"{name}.ipynb").touch()
    monkeypatch.chdir(tmp_path)
    check = Check("by-hand")
    check.blank("size", 5, decimals=2)
    assert check.score() == 1
    assert load("by-hand", tmp_path) == records["exercises"]["by-hand"]
    assert load("another", tmp_path) == {}
    (tmp_path / "05.ipynb").unlink()
    assert load("by-hand", tmp_path) == {}, "a file that belongs to no notebook is not opened"


def test_the_notebook_that_is_open_comes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, records: dict[str, Any]
) -> None:
    for name in ("05", "06"):
        records["exercises"]["by-hand"]["salt"] = name
        (tmp_path / f"{name}.json").write_text(json.dumps(records), encoding="utf-8")
        (tmp_path / f"{name}.ipynb").touch()
    monkeypatch.setenv("JPY_SESSION_NAME", "/somewhere/06.ipynb")
    assert load("by-hand", tmp_path)["salt"] == "06"
