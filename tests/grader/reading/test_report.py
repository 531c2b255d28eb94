"""How a class did: right numbers for one student and for two thousand, strangers' names harmless everywhere."""

import io
import random
import re

import numpy as np
import pytest
from rich.console import Console

from grader import report
from grader.class_report import discrimination, summarize
from grader.classroom import Outcome
from grader.errors import BadAssignment, BadClassroom
from grader.marks import Marks, Sheet

EASY, HARD = ("hw", "easy-check"), ("hw", "hard-check")
EXERCISES = {EASY: 2.0, HARD: 4.0}


def outcome(student, *, level="A", remarks=(), faults=(), seconds=0.1):
    return Outcome(student, "", level, {}, 6.0, list(remarks), list(faults), seconds)


def a_class(scores):
    """A report on students with these scores in the two exercises; None for who has not been graded."""
    sheets = {
        who: Sheet(who, dict(zip(EXERCISES, pair, strict=True))) for who, pair in scores.items() if pair is not None
    }
    outcomes = {who: outcome(who) if pair is not None else None for who, pair in scores.items()}
    return Marks(EXERCISES, sheets, []), outcomes


def in_terminal(summary, width=120):
    text = io.StringIO()
    report.show(summary, Console(file=text, width=width, force_terminal=True, color_system=None))
    return text.getvalue()


def page(summary, tmp_path):
    report.write_html(summary, tmp_path / "report.html")
    return (tmp_path / "report.html").read_text(encoding="utf-8")


def test_the_numbers_of_a_small_class():
    summary = summarize("hw", *a_class({"a": (2, 4), "b": (2, 1), "c": (1, 0), "d": (1, 0)}))
    easy, hard = summary.exercises
    assert (easy.title, easy.mean, easy.full) == ("easy", 0.75, 2)
    assert (hard.title, hard.mean, hard.full) == ("hard", 0.3125, 1)
    assert easy.discrimination is None, "of four students a correlation would be chance"
    assert summary.summary == "4 submissions: from 1 to 6 of 6 points, median 2; half of them between 1 and 3.75."


def test_discrimination_is_the_correlation_with_the_other_exercises():
    pairs = [(0, 0), (0, 1), (1, 2), (1, 3), (2, 3), (2, 4), (3, 5), (3, 5), (4, 7), (4, 6)]
    assert discrimination(pairs) == pytest.approx(0.97, abs=0.005)
    assert discrimination([(a, -b) for a, b in pairs]) == pytest.approx(-0.97, abs=0.005)


@pytest.mark.parametrize("pairs", [[], [(1, 1)] * 10, [(1, n) for n in range(10)], [(n, n) for n in range(9)]])
def test_where_nothing_varies_or_few_took_part_there_is_no_discrimination(pairs):
    assert discrimination(pairs) is None


def test_an_exercise_that_rewards_the_weak_is_pointed_out():
    summary = summarize("hw", *a_class({f"s{n}": (2 - n / 10, 4 * n / 20) for n in range(20)}))
    assert [exercise.discrimination for exercise in summary.exercises] == [-1.0, -1.0]  # its own points do not count
    assert "does not tell strong from weak: look at its text and its test" in summary.exercises[0].notes


def test_what_was_not_accepted_counts_as_0_wherever_points_count_and_is_listed_apart(tmp_path):
    marks, outcomes = a_class({**{f"s{n}": (n % 3, n % 5) for n in range(11)}, "broken": (0, 0)})
    without = summarize("hw", *a_class({f"s{n}": (n % 3, n % 5) for n in range(11)}))
    outcomes["broken"] = outcome("broken", level="", remarks=["Damaged."], seconds=0.0)
    outcomes["s0"].remarks = ["Stopped."]
    summary = summarize("hw", marks, outcomes)
    easy, before = summary.exercises[0], without.exercises[0]
    assert len(summary.scores) == len(easy.shares) == 12 and easy.mean == pytest.approx(before.mean * 11 / 12)
    assert easy.discrimination == before.discrimination, "it says nothing about an exercise"
    assert summary.summary.endswith(" 1 of them was not accepted, and counts as 0 points.")
    marks.sheets["gone"], outcomes["gone"] = Sheet("gone", {EASY: 0, HARD: 0}), outcome("gone", level="", seconds=0.0)
    assert summarize("hw", marks, outcomes).summary.endswith(" 2 of them were not accepted, and count as 0 points.")
    del outcomes["gone"], marks.sheets["gone"]
    assert summary.rejections == {"Damaged.": ["broken"]} and summary.remarks == {"Stopped.": ["s0"]}
    assert dict(summary.levels) == {"A": 11}
    html, text = page(summary, tmp_path), in_terminal(summary)
    assert html.index("Not accepted, and counted as 0 points.") < html.index("1 × Damaged.") < html.index("<h2>Points")
    assert "1× not accepted: Damaged. (broken)" in text and "1× Stopped. (s0)" in text
    assert "unknown" not in html + text and html.count("Damaged.") == 2, "above, and beside the student"


def test_columns_that_would_be_empty_are_left_out(tmp_path):
    small, large = (summarize("hw", *a_class({f"s{n}": (n % 3, n % 5) for n in range(size)})) for size in (4, 12))
    assert "<th>Look at</th>" not in page(small, tmp_path)
    for summary, shown in ((small, False), (large, True)):
        html, text = page(summary, tmp_path), in_terminal(summary)
        assert ('<th class="number">Discrimination</th>' in html) == ("discrimination" in text) == shown
        head, *rows = (
            row.split("</tr>")[0] for row in html.split("<h2>Exercises")[1].split("</table>")[0].split("<tr>")[1:]
        )
        assert {row.count("<td") for row in rows} == {head.count("<th")}


def test_the_picture_leaves_the_first_bar_free_of_the_axis():
    import matplotlib.image

    picture = matplotlib.image.imread(
        io.BytesIO(report.histogram(summarize("hw", *a_class({"a": (0, 0), "b": (2, 4)}))))
    )
    blue = abs(picture[..., :3] - [0x56 / 255, 0xB4 / 255, 0xE9 / 255]).max(axis=2) < 0.02
    left = blue.any(axis=0).argmax()  # the first column of the first bar
    row = int(np.flatnonzero(blue[:, left]).mean())  # where no tick stands
    dark = picture[row, left - 25 : left, :3].max(axis=1) < 0.5
    lines = dark[0] + (dark[1:] & ~dark[:-1]).sum()
    assert lines == 2, "the axis and, apart from it, the edge of the bar"


def test_an_exercise_that_waits_for_a_person_has_no_mean_yet():
    summary = summarize("hw", *a_class({"a": (2, None), "b": (2, 4)}))
    assert summary.exercises[1].mean is None
    assert summary.exercises[1].notes == ["1 waits for a person"]
    assert summary.waiting == 1


def test_known_mistakes_and_failed_cases_are_counted():
    mistake = {"mistake": {"name": "sign", "message": "mind the sign"}}
    cases = {"cases": [{"label": "a matrix", "verdict": "wrong"}, {"label": "a vector", "verdict": "right"}]}
    unwritten = {"cases": [{"label": "a vector", "verdict": "unwritten"}]}
    reports = [(HARD, mistake), (HARD, mistake), (HARD, cases), (HARD, cases), (HARD, unwritten)]
    summary = summarize("hw", *a_class({"a": (2, 4), "b": (2, 4)}), reports)
    assert [(m.exercise, m.name, m.message, m.count) for m in summary.mistakes] == [
        ("hard", "sign", "mind the sign", 2)
    ]
    assert summary.exercises[1].notes == ["2 fail at “a matrix”"]


def test_odd_submissions_are_listed_by_what_happened():
    marks, outcomes = a_class({"a": (2, 4), "b": (2, 4), "c": (0, 0)})
    outcomes["a"].remarks, outcomes["b"].remarks, outcomes["c"].remarks = ["Stopped."], ["Damaged."], ["Damaged."]
    assert summarize("hw", marks, outcomes).remarks == {"Damaged.": ["b", "c"], "Stopped.": ["a"]}


def test_the_instructors_faults_stand_above_everything_but_the_summary(tmp_path):
    marks, outcomes = a_class({"a": (2, 4), "b": (2, 4)})
    for known in outcomes.values():
        known.faults = ["the test cell hard-check printed a warning"]
    summary = summarize("hw", marks, outcomes)
    html, text = page(summary, tmp_path), in_terminal(summary)
    assert html.index("the test cell hard-check printed a warning") < html.index("<h2>Points")
    assert text.index("hard-check printed a warning (2×)") < text.index("Exercises")


def test_levels_and_seconds():
    marks, outcomes = a_class({"a": (2, 4), "b": (2, 4), "c": (2, 4), "d": (2, 4)})
    for known, level, seconds in zip(outcomes.values(), ["A", "A", "B", ""], [0.1, 0.2, 0.9, 0.0], strict=True):
        known.level, known.seconds = level, seconds
    summary = summarize("hw", marks, outcomes)
    assert dict(summary.levels) == {"A": 2, "B": 1}
    assert summary.time == "A submission took 0.20 s (median), the longest 0.90 s, all together 1.2 s."


@pytest.mark.parametrize("count", [0, 1, 2, 2000])
def test_a_class_of_any_size_has_a_page_that_is_complete_in_itself(tmp_path, count):
    rng = random.Random(0)
    summary = summarize("hw", *a_class({f"s{n}": (rng.uniform(0, 2), rng.uniform(0, 4)) for n in range(count)}))
    html = page(summary, tmp_path)
    assert html.rstrip().endswith("</html>")
    assert not re.search(r"""(src|href)=["'](?!data:)""", html) and "<script" not in html
    assert html.count("<img") == (count > 0) and len(html) < 1_000_000
    assert ("<details open><summary>" in html) == (count <= 30)
    assert in_terminal(summary)


def test_what_is_odd_about_a_student_is_told_apart(tmp_path):
    marks, outcomes = a_class({"a": (2, None)})
    marks.sheets["a"].penalty, outcomes["a"].remarks = 0.5, ["Stopped.", "Twice."]
    assert "Stopped.; Twice.; late: −0.5; 1 to grade by hand</td>" in page(summarize("hw", marks, outcomes), tmp_path)


def test_the_picture_says_in_words_what_it_shows(tmp_path):
    html = page(summarize("hw", *a_class({"a": (2, 4), "b": (1, 1)})), tmp_path)
    assert 'alt="Histogram of points. 2 submissions: from 2 to 6 of 6 points, median 4;' in html


@pytest.mark.parametrize(
    "name", ["<script>pwned()</script>", "\x1b[31m", "[bold red]", "\u202eeve", "a\udcff", "x" * 255]
)
def test_a_name_of_any_characters_is_shown_harmlessly(tmp_path, name):
    marks, outcomes = a_class({name: (2, 4), "b": None})
    outcomes[name].remarks = [f"about {name}"]
    summary = summarize("hw", marks, outcomes)
    html, text = page(summary, tmp_path), in_terminal(summary)
    assert "<script" not in html and "\x1b[31m" not in html + text and "\u202e" not in html + text
    text.encode("utf-8")


def test_of_a_real_class(classroom):
    summary = report.collect(classroom, "hw")
    assert [(line.student, line.score) for line in summary.lines] == [
        ("ada", 6.0), ("ben", 4.0), ("cleo", 0.0), ("dan", 0.0),
    ]  # fmt: skip
    assert [exercise.title for exercise in summary.exercises] == ["relu", "step", "why", "draw"]
    assert summary.exercises[0].mean == 0.375
    assert [(m.exercise, m.name, m.count) for m in summary.mistakes] == [("relu", "sign", 1)]
    assert list(summary.faults) == ["the test cell step-check printed a warning or an error"]
    assert summary.remarks == {
        "Stopped: the code ended its own process. What was earned before is kept.": ["cleo"],
    }
    assert summary.rejections == {"the notebook's file is damaged: it is not JSON": ["dan"]}


def test_who_is_not_graded_yet_is_named(classroom):
    (classroom.root / "submitted" / "zoe" / "hw").mkdir(parents=True)
    assert report.collect(classroom, "hw").ungraded == ["zoe"]


def test_an_unknown_assignment_is_named(classroom):
    with pytest.raises(BadAssignment, match="there is no assignment 'hw9'"):
        report.collect(classroom, "hw9")


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(BadClassroom, match="cannot be written: "):
        report.write_html(summarize("hw", *a_class({})), tmp_path / "file" / "report.html")
