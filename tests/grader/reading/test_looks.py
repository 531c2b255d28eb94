"""What an instructor should look at: once for each exercise, and nothing that is only unwritten or known."""

import json

import pytest

from grader import report
from grader.graft import MISSING
from grader.looks import ABSENT, NOTHING, OUTDATED, RAISED, SLOW, STOPPED, look
from grader.marks import Sheet


def case(verdict, message=""):
    return {"label": "a case", "verdict": verdict, "message": message}


def checked(*cases, **more):
    """What a check of these cases displays."""
    data = {"application/vnd.convnet-course.check+json": {"cases": list(cases), **more}}
    return {"output_type": "display_data", "data": data, "metadata": {}}


LOOP = "did not finish within 10 s in relu, line 2: while True:"
STOP = "the code ended its own process"


@pytest.mark.parametrize(
    ("texts", "outputs", "score", "found"),
    [
        ({}, {}, 4.0, []),
        ({"relu": "def relu("}, {"relu": ["SyntaxError"], "relu-check": ["NameError"]}, 0.0, [RAISED]),
        ({"relu": MISSING}, {"relu-check": ["NameError"]}, 0.0, [ABSENT]),
        ({}, {"relu-check": [checked(case("timeout", LOOP), case("right"))]}, 2.0, [SLOW]),
        ({}, {"relu-check": [checked(case("error", "PermissionError: '/etc/passwd'"))]}, 0.0, [RAISED]),
        ({}, {"relu-check": [checked(case("error", "TypeError"), case("right"))]}, 2.0, []),
        ({}, {"relu-check": [checked(case("wrong"))]}, 0.0, [NOTHING]),
        ({}, {"relu-check": [checked(case("wrong"), mistake={"name": "sign", "message": "mind it"})]}, 0.0, []),
        ({}, {"relu-check": ["AssertionError"]}, 0.0, [NOTHING]),
        ({}, {"relu-check": ["AssertionError"]}, 3.0, []),  # by hand
        ({}, {"try": ["NotImplementedError"], "relu-check": ["NotImplementedError"]}, 0.0, []),
        ({}, {"relu-check": [checked(case("unwritten"), written=False)]}, 0.0, []),
        ({}, {"setup": ["SyntaxError"], "try": ["NameError"], "relu-check": ["NameError"]}, 0.0, [RAISED, RAISED]),
        ({}, {"relu-check": ["BoxError"], "step": ["BoxError"], "step-check": ["BoxError"]}, 0.0, [STOPPED]),
        ({}, {"relu-check": ["Rejected"]}, None, []),
    ],
)
def test_what_needs_a_look(reading, texts, outputs, score, found):
    def error(given):
        return reading.raised(given, STOP) if isinstance(given, str) else given

    told = {cell: [error(one) for one in given] for cell, given in outputs.items()}
    graded = json.loads(json.dumps(reading.graded(texts, told).notebook))
    if score is None:
        graded["cells"] = [cell | {"source": cell["source"] and MISSING} for cell in graded["cells"]]
    sheet = Sheet("ada", {("hw", "relu-check"): score, ("hw", "step-check"): 2.0})
    assert [one.why for one in look(graded, "hw", sheet)] == found


def test_what_was_left_as_it_came_needs_none(reading):
    graded = json.loads(json.dumps(reading.graded({}, {"relu-check": [reading.raised("AssertionError")]}).notebook))
    sheet = Sheet("ada", {("hw", "relu-check"): 0.0}, untouched=[("hw", "relu")])
    assert list(look(graded, "hw", sheet)) == []


def test_a_mark_by_hand_that_another_answer_came_after_needs_one(reading):
    graded = json.loads(json.dumps(reading.graded().notebook))
    (one,) = look(graded, "hw", Sheet("ada", {("hw", "why"): None}, outdated=[("hw", "why")]))
    assert (one.student, one.exercise, one.why) == ("ada", "why", OUTDATED)


def test_the_report_names_student_cell_and_reason(classroom, reading, tmp_path):
    bad = reading.graded({"step": "def step("}, {"step": [reading.raised("SyntaxError", "<b>")]}, {"relu-check": 4.0})
    reading.record(classroom, "eve", bad)
    summary = report.collect(classroom, "hw")
    assert [one.student for one in summary.looks[f"step: {RAISED}"]] == ["eve"]
    assert "dan" not in {one.student for found in summary.looks.values() for one in found}, "not accepted"
    report.write_html(summary, tmp_path / "report.html")
    html = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "1 × step: raised an error" in html and "<bdi>SyntaxError: &lt;b&gt;</bdi>" in html
    assert "without incident" not in html
