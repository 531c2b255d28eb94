"""Notebook 05 as its readers have it: it runs, shows described pictures and gives nothing away.

What holds for all notebooks, such as what each known mistake costs, is tested for all at once elsewhere.
"""

import ast
import re
from html.parser import HTMLParser

import nbclient
import nbformat
import pytest

from grader.cells import grade_id, is_exercise
from grader.release import BLANKS, numbers_of, release
from grader.source import Solution, write

NAME = "05_convolution"
COMMON = {"10", "40"}  # answers that also stand elsewhere, in the name of a section or in a picture's pixels


@pytest.fixture(scope="module")
def executed(solution: Solution, tmp_path_factory: pytest.TempPathFactory) -> nbformat.NotebookNode:
    """The solution, run from the first cell to the last in a kernel of its own."""
    notebook = nbformat.from_dict(solution.notebook)
    client = nbclient.NotebookClient(
        notebook, timeout=60, kernel_name="python3", allow_errors=True,
        resources={"metadata": {"path": str(tmp_path_factory.mktemp("notebook"))}},
    )  # fmt: skip
    client.execute()
    return notebook


class Pictures(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.alts: list[str | None] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "img":
            self.alts.append(dict(attrs).get("alt"))


def outputs(notebook: nbformat.NotebookNode):
    return [(cell, output) for cell in notebook.cells for output in cell.get("outputs", [])]


def test_no_cell_of_the_solution_fails_or_warns(executed: nbformat.NotebookNode) -> None:
    """Also those cells that may fail in a stub: demos, experiments and checks."""
    errors = [(cell.source[:60], output.get("evalue", output.get("text")))
              for cell, output in outputs(executed) if output.output_type in ("error", "stream")]  # fmt: skip
    blanks = [found for found in errors if "check.blank" in found[0]]
    assert errors == blanks == []


def test_every_picture_has_a_description_that_says_something(executed: nbformat.NotebookNode) -> None:
    shown = [output.data for _, output in outputs(executed) if "image/png" in output.get("data", {})]
    assert len(shown) >= 14
    for data in shown:
        pictures = Pictures()
        pictures.feed(data["text/html"])
        (alt,) = pictures.alts
        assert alt and len(alt) > 60 and alt.endswith("."), alt


def test_the_demo_leaves_a_picture_for_those_without_a_kernel(executed: nbformat.NotebookNode) -> None:
    (cell,) = [cell for cell in executed.cells if "convolution.demo(conv2d)" in cell.source]
    kinds = [set(output.data) for output in cell.outputs]
    assert kinds[0] == {"text/html", "image/png", "text/plain"}
    assert "application/vnd.jupyter.widget-view+json" in kinds[1]


def test_every_section_says_which_lecture_it_follows(solution: Solution) -> None:
    sections = [cell.source for cell in solution.notebook.cells if re.match(r"## \d", cell.source)]
    silent = [text.splitlines()[0] for text in sections if not re.search(r"\*Follows (IIITS|HLCV|EECS|SYSU)", text)]
    assert silent == ["## 6 See it: the sliding window"]


def test_the_students_copy_does_not_give_the_blanks_away(solution: Solution) -> None:
    """Numbers of two digits or more: where they stood anywhere in the release, one could look them up."""
    stub = release(write(solution.notebook), NAME)
    text = "\n".join(cell.source for cell in stub.cells)
    text = re.sub(r"(?<=\d)[ \u00a0](?=\d{3}\b)", "", text)  # 15 365 is 15365
    found = set(re.findall(r"(?<![\d.])\d+(?:\.\d+)?", text))
    blanks = 0
    for cell in solution.notebook.cells:
        for region in BLANKS.finditer(cell.source) if is_exercise(cell) else []:
            for statement in ast.parse(region[1]).body:
                for value in map(ast.unparse, numbers_of(statement)):
                    blanks += 1
                    given_away = len(value.lstrip("-")) > 1 and value.lstrip("-") in found - COMMON
                    assert not given_away, (grade_id(cell), value)
    assert blanks >= 10


def test_the_mistakes_that_other_courses_let_through_are_known(solution: Solution) -> None:
    known: dict[str, set[str]] = {name: set() for name in solution.exercises()}
    for mistake in solution.mistakes:
        known[mistake.exercise].add(mistake.name)
        assert re.search(r"\b[Yy]ou(rs?)?\b", mistake.message), f"{mistake.name} does not speak to the student"
    assert known["conv2d"] >= {
        "sizes swapped", "kernel turned", "first channel only", "bias never added", "stride ignored",
        "transposed kernel", "permuted filters", "result transposed", "no padding", "float64 always",
    }  # fmt: skip
