"""Every committed notebook runs from its first cell to its last, stubs included, each in a kernel of its own.

nbval runs in a process of its own for each notebook, on a copy, so that nothing is written into the checkout. Cells
tagged `raises-exception` may raise: they are the exercises of a stub and their checks. That a stub raises exactly what
it should, and that a solution raises nothing, is tested where notebooks are graded.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted(
    path.relative_to(ROOT).as_posix() for kind in ("solutions", "exercises") for path in (ROOT / kind).glob("*/*.ipynb")
)
SECONDS_A_CELL = 60

# what a reader would see in red above a figure is an error here
WARNINGS = "error::RuntimeWarning,error::UserWarning,error::DeprecationWarning:__main__"


def nbval(folder: Path, notebook: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pytest", "--nbval", "--nbval-current-env", f"--nbval-cell-timeout={SECONDS_A_CELL}",
         "-p", "no:cacheprovider", "-q", "--color=no", f"--rootdir={folder}", notebook],
        cwd=folder,
        env=os.environ | {"PYTHONWARNINGS": WARNINGS},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=280,
    )  # fmt: skip


@pytest.mark.parametrize("notebook", NOTEBOOKS)
def test_every_cell_runs(notebook: str, tmp_path: Path) -> None:
    place = tmp_path / "notebook"
    shutil.copytree((ROOT / notebook).parent, place)
    run = nbval(place, Path(notebook).name)
    assert run.returncode == 0, run.stdout + run.stderr


def test_there_is_a_notebook_for_every_source() -> None:
    sources = {path.stem for path in (ROOT / "solutions").glob("*.py")}
    assert sources
    for kind in ("solutions", "exercises"):
        assert {Path(notebook).stem for notebook in NOTEBOOKS if notebook.startswith(kind)} == sources


def test_an_error_and_a_warning_fail_but_an_announced_error_does_not(tmp_path: Path) -> None:
    """The test above can go red."""
    cells = [
        nbformat.v4.new_code_cell("print(1)"),
        nbformat.v4.new_code_cell("1 / 0"),
        nbformat.v4.new_code_cell("1 / 0", metadata={"tags": ["raises-exception"]}),
        nbformat.v4.new_code_cell("import numpy; numpy.log(numpy.zeros(1))"),
    ]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "four.ipynb")
    run = nbval(tmp_path, "four.ipynb")
    failed = [line.split()[1] for line in run.stdout.splitlines() if line.startswith("FAILED")]
    assert failed == ["four.ipynb::Cell", "four.ipynb::Cell"], run.stdout + run.stderr
    assert "Cell 1: Cell execution caused an exception" in run.stdout
    assert "Cell 3: Cell execution caused an exception" in run.stdout
    assert "2 failed, 2 passed" in run.stdout
