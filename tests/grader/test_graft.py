"""Only the text of the student's cells survives; everything else is the instructor's."""

import copy
import json

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell

from grader.graft import MISSING, graft
from grader.intake import read_cells


def grafted(source, submitted):
    return graft(source, read_cells(json.dumps(submitted).encode()))


def texts(notebook):
    return {cell.id: cell.source for cell in notebook.cells}


@pytest.fixture
def submitted(source):
    notebook = copy.deepcopy(source)
    notebook.cells[1].source = "def double(x): return x + x"
    return notebook


def test_the_students_text_comes_in(source, submitted):
    assert texts(grafted(source, submitted))["double"] == "def double(x): return x + x"


def test_a_changed_test_is_the_instructors_again(source, submitted):
    submitted.cells[2].source = "pass"
    submitted.cells[2].metadata.nbgrader.points = 100
    result = grafted(source, submitted)
    assert result.cells[2].source == source.cells[2].source
    assert result.cells[2].metadata == source.cells[2].metadata


def test_deleted_cells_come_back_in_their_place(source, submitted):
    submitted.cells = [cell for cell in submitted.cells if cell.id not in ("double", "double-check")]
    result = grafted(source, submitted)
    assert [cell.id for cell in result.cells] == [cell.id for cell in source.cells]
    assert result.cells[1].source == MISSING


def test_an_added_cell_stays_after_the_one_before_it(source, submitted):
    submitted.cells.insert(1, new_code_cell("helper = 1"))
    submitted.cells.insert(0, new_markdown_cell("My notes"))
    result = grafted(source, submitted)
    assert [cell.source for cell in result.cells][:3] == ["My notes", "import numpy as np", "helper = 1"]


def test_moved_cells_go_back(source, submitted):
    submitted.cells.reverse()
    assert [cell.id for cell in grafted(source, submitted).cells] == [cell.id for cell in source.cells]


def test_of_a_copied_cell_the_last_counts_and_the_others_are_the_students_own(source, submitted):
    copied = copy.deepcopy(submitted.cells[1])
    copied.source = "draft = 1"
    submitted.cells.insert(1, copied)
    result = grafted(source, submitted)
    assert texts(result)["double"] == "def double(x): return x + x"
    assert [cell.source for cell in result.cells].index("draft = 1") == 1


def test_every_cell_has_an_id_of_its_own(source, submitted):
    submitted.cells[1:1] = [new_code_cell("a"), new_code_cell("b")]
    submitted.cells.append(new_code_cell("c"))
    ids = [cell.id for cell in grafted(source, submitted).cells]
    assert len(set(ids)) == len(ids)


def test_a_test_turned_into_text_is_a_test_again(source, submitted):
    submitted.cells[2].cell_type = "markdown"
    assert grafted(source, submitted).cells[2].cell_type == "code"


def test_html_in_an_answer_is_shown_as_text(source, submitted):
    submitted.cells[5].source = "a < b <script>alert(1)</script>"
    submitted.cells.append(new_markdown_cell("<img src=x onerror=alert(1)>"))
    shown = [cell.source for cell in grafted(source, submitted).cells]
    assert "a < b &lt;script>alert(1)&lt;/script>" in shown
    assert "&lt;img src=x onerror=alert(1)>" in shown


def test_outputs_attachments_and_metadata_of_the_submission_are_gone(source, submitted):
    submitted.cells[0].outputs = [{"output_type": "stream", "name": "stdout", "text": "2"}]
    submitted.cells[1].metadata["evil"] = 1
    submitted.metadata.kernelspec = {"name": "bash", "display_name": "bash", "language": "bash"}
    result = grafted(source, submitted)
    assert result.metadata == source.metadata
    assert all(not cell.outputs for cell in result.cells if cell.cell_type == "code")
    assert "evil" not in json.dumps(result)


def test_checksums_of_the_release_mark_answers_left_as_they_came(source, submitted):
    cells = read_cells(json.dumps(submitted).encode())
    result = graft(source, cells, {"why": "abc"})
    assert result.cells[5].metadata.nbgrader.checksum == "abc"


def test_the_instructors_notebook_is_not_changed(source, submitted):
    before = copy.deepcopy(source)
    grafted(source, submitted)
    assert source == before
