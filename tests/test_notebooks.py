"""Every notebook of the course: what is committed, what a stub and a solution earn, what each known mistake costs.

All of it runs on the files as they are committed, those of the students in real kernels.
"""

from __future__ import annotations

import json
import re
import shutil
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat import NotebookNode

from grader.build import build
from grader.cells import grade_id, is_exercise, is_test, points
from grader.lint import tests_of as by_exercise
from grader.mistakes import REGION, mistaken
from grader.recording import run
from grader.release import BLANKS
from grader.source import Solution, load_solution, names

ROOT = Path(__file__).parent.parent
CELL_SECONDS = 60
ENOUGH_MISTAKES = 3  # for each function that a student writes
LECTURES = {
    "HLCV": "Saarland",
    "IIITS": "IIIT Sri City",
    "EECS 442": "Michigan",
    "EECS 545": "Michigan",
    "SYSU": "Sun Yat-sen",
}
NAMED = 0.9  # of all known mistakes
OTHER_DRAWS = 20_261_121

every = pytest.mark.parametrize("name", names(ROOT))


@cache
def solution_of(name: str) -> Solution:
    return load_solution(ROOT, name)


@cache
def records_of(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((ROOT / "solutions" / name / f"{name}.json").read_text(encoding="utf-8"))
    return found


def executed(kind: str, name: str, folder: Path) -> NotebookNode:
    """The committed notebook, run in a kernel as Run All does, in a copy of its folder."""
    shutil.copytree(ROOT / kind / name, folder / name)
    notebook = nbformat.read(folder / name / f"{name}.ipynb", as_version=4)
    resources = {"metadata": {"path": str(folder / name)}}
    NotebookClient(notebook, timeout=CELL_SECONDS, kernel_name="python3", resources=resources).execute()
    return notebook


def errors(cell: NotebookNode) -> list[str]:
    outputs = cell.get("outputs", [])
    return [f"{output.ename}: {output.evalue}" for output in outputs if output.output_type == "error"]


def value(cell: NotebookNode) -> float:
    """The points that a test cell ends with."""
    (result,) = [output for output in cell.outputs if output.output_type == "execute_result"]
    return float(result.data["text/plain"])


@every
def test_the_committed_files_are_what_the_source_says(name: str) -> None:
    build(ROOT, check=True, only=[name], tell=lambda _: None)


@every
def test_an_untouched_stub_earns_nothing_and_raises_only_that_it_is_not_written(name: str, tmp_path: Path) -> None:
    notebook = executed("exercises", name, tmp_path)
    tests = [cell for cell in notebook.cells if is_test(cell)]
    assert tests
    for cell in tests:
        (error,) = errors(cell)
        assert re.fullmatch(r"NotImplementedError: \S+: not written yet", error)
        assert not [output for output in cell.outputs if output.output_type == "execute_result"]
    for cell in notebook.cells:
        for error in errors(cell):
            assert error.startswith("NotImplementedError: "), f"{cell.id}: {error}"
            assert "raises-exception" in cell.metadata.tags, f"Run All would stop at {cell.id}"


@every
def test_the_solution_earns_every_point_and_raises_nothing(name: str, tmp_path: Path) -> None:
    notebook = executed("solutions", name, tmp_path)
    assert [f"{cell.id}: {error}" for cell in notebook.cells for error in errors(cell)] == []
    assert {cell.id: value(cell) for cell in notebook.cells if is_test(cell)} == {
        cell.id: points(cell) for cell in notebook.cells if is_test(cell)
    }


@every
@pytest.mark.parametrize("seed", [1, OTHER_DRAWS, 2**63])
def test_the_solution_earns_every_point_on_secret_draws(name: str, seed: int) -> None:
    notebook = solution_of(name).notebook
    found = run(notebook, records=records_of(name), seed=seed)
    assert {id_: (test.error, test.value) for id_, test in found.tests.items()} == {
        cell.id: ("", points(cell)) for cell in notebook.cells if is_test(cell)
    }


@every
def test_every_function_has_known_mistakes_beside_it(name: str) -> None:
    solution = solution_of(name)
    known = Counter(mistake.exercise for mistake in solution.mistakes)
    functions = [cell for cell in solution.notebook.cells if is_exercise(cell) and "BEGIN SOLUTION" in cell.source]
    assert {
        grade_id(cell): known[str(grade_id(cell))] for cell in functions if known[str(grade_id(cell))] < ENOUGH_MISTAKES
    } == {}


@every
def test_every_lecture_is_introduced_at_the_top(name: str) -> None:
    """By an abbreviation alone nobody finds a lecture: the first cell says whose it is."""
    cells = [cell.source for cell in solution_of(name).notebook.cells if cell.cell_type == "markdown"]
    for lecture, university in LECTURES.items():
        if any(lecture in cell for cell in cells):
            assert re.search(
                rf"{lecture}\b.{{0,60}}{university}|{university}.{{0,60}}{lecture}\b", cells[0], re.DOTALL
            ), lecture


@every
def test_each_known_mistake_costs_points_on_any_draws(name: str) -> None:
    solution, tests = solution_of(name), by_exercise(solution_of(name).notebook)
    worth = {cell.id: points(cell) for cell in solution.notebook.cells if is_test(cell)}
    for mistake in solution.mistakes:
        notebook = mistaken(solution.notebook, mistake)
        for seed in (None, OTHER_DRAWS):
            found = run(notebook, records=records_of(name), seed=seed, only=tests[mistake.exercise])
            lost = sum(worth[id_] - test.score for id_, test in found.tests.items())
            assert lost > 1e-6, f"{mistake.exercise}: {mistake.name} keeps full marks with seed {seed}"


@every
def test_nine_in_ten_known_mistakes_are_called_by_their_name(name: str) -> None:
    solution, tests = solution_of(name), by_exercise(solution_of(name).notebook)
    unnamed = []
    for mistake in solution.mistakes:
        found = run(mistaken(solution.notebook, mistake), records=records_of(name), only=tests[mistake.exercise])
        said = [(test.report.get("mistake") or {}).get("name") for test in found.tests.values()]
        if mistake.name not in said:
            unnamed.append(f"{mistake.exercise}: {mistake.name} is called {said}")
    assert len(unnamed) <= (1 - NAMED) * len(solution.mistakes), "\n".join(unnamed)


@every
def test_nothing_of_a_solution_is_in_what_students_get(name: str) -> None:
    solution = solution_of(name)
    released = "\n".join(
        path.read_text(encoding="utf-8") for path in sorted((ROOT / "exercises" / name).glob("*")) if path.is_file()
    )
    text = (ROOT / "solutions" / f"{name}.py").read_text(encoding="utf-8")
    for mark in ("BEGIN SOLUTION", "END SOLUTION", "BEGIN BLANKS", "MISTAKES", "HIDDEN TESTS", "MARK SCHEME"):
        assert mark not in released
    stub = nbformat.read(ROOT / "exercises" / name / f"{name}.ipynb", as_version=4)
    shown = "\n".join(cell.source for cell in stub.cells)
    secrets = secret_lines(text)
    assert len(secrets) > len(solution.exercises()), "the search can find something"
    for line in secrets:
        assert line not in shown, line


CUT = [
    REGION,
    *(
        re.compile(rf"^(?:# )?{begin}(.*?){end}", re.MULTILINE | re.DOTALL)
        for begin, end in [
            ("### BEGIN SOLUTION", "### END SOLUTION"),
            ("### BEGIN MISTAKES", "### END MISTAKES"),
            ("### BEGIN HIDDEN TESTS", "### END HIDDEN TESTS"),
            ("=== BEGIN MARK SCHEME", "=== END MARK SCHEME"),
        ]
    ),
]


def secret_lines(text: str) -> list[str]:
    """The lines of a source that stand only between the markers of what is cut."""
    regions = [found[0] for mark in CUT for found in mark.finditer(text)]
    outside = text
    for region in regions:
        outside = outside.replace(region, "")
    # above and behind a blank stand comments that say what to fill in; students get those
    blanks = {line.split("#")[0].strip() for found in BLANKS.finditer(text) for line in found[1].splitlines()}
    others = (region for region in regions if "### BEGIN BLANKS" not in region)
    lines = {line.strip().removeprefix("# ").strip() for region in others for line in region.splitlines()} | blanks
    # a line as short as `return y` stands in many places
    return sorted(line for line in lines if len(line) >= 12 and line not in outside)
