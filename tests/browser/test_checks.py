"""A check at a student's desk, in a real JupyterLab: what it says while somebody works on an exercise."""

import pytest
from playwright.sync_api import expect

from .conftest import Notebook, Open

pytestmark = pytest.mark.browser

NOT_RUN = "What was run is not what now stands in the exercise's cell."
RIGHT = "weights_connected_to_all = 21\nweights_connected_locally = 9\nweights_shared = 3"


def type_only(notebook: Notebook, index: int, source: str) -> None:
    """Put text into a cell and save, without running it."""
    notebook.page.evaluate(
        """async ([index, source]) => {
             const { content, context } = window.jupyterapp.shell.currentWidget;
             content.model.cells.get(index).sharedModel.setSource(source);
             await context.save();
           }""",
        [index, source],
    )


def test_a_check_says_that_the_cell_above_was_not_run(open_notebook: Open) -> None:
    notebook = open_notebook("05_convolution/05_convolution.ipynb")
    (blanks,) = notebook.find_cells("weights_shared = ...")
    test = notebook.find_cell('Check("by-hand-connections")')
    shown = notebook.cell(test).locator(".jp-OutputArea")

    notebook.run(test)
    expect(shown).to_contain_text("weights_connected_to_all has no value yet. Run the cell above that defines it")
    notebook.screenshot("check before the exercise")

    notebook.write(blanks, RIGHT.replace("21", "[21]"))
    notebook.run(test)
    expect(shown).to_contain_text("2 of 3 points")
    expect(shown).to_contain_text("this is a list of 1, should be a single number")
    expect(shown).not_to_contain_text(NOT_RUN)
    notebook.screenshot("check of a list")

    type_only(notebook, blanks, RIGHT)
    notebook.run(test)
    expect(shown).to_contain_text("2 of 3 points")
    expect(shown).to_contain_text(NOT_RUN)
    notebook.screenshot("check of a cell that was changed")

    notebook.run(blanks)
    notebook.run(test)
    expect(shown).to_contain_text("3 of 3 points")
    expect(shown).not_to_contain_text(NOT_RUN)

    notebook.write(blanks, RIGHT.replace("21", "24").replace("9", "12").replace("= 3", "= 6"))
    notebook.run(test)
    expect(shown).to_contain_text(
        "This looks like a known mistake, counted the biases: you count a bias for each neuron"
    )
    expect(shown).to_contain_text("24 is not right: the mistake named above")
    notebook.screenshot("check of a known mistake")
