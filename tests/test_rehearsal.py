"""`course check`: a notebook run from the top, as it will be graded, and what its student is told."""

import json
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest

from course import rehearsal
from course.rehearsal import RehearsalError, Result, rehearse

ROOT = Path(__file__).parent.parent
NAME = "05_convolution"

pytestmark = pytest.mark.usefixtures("home")


def solved(folder: Path, **changes: tuple[str, str]) -> Path:
    """The solution as a student's notebook; of the cell of each exercise named, a text is changed."""
    home = folder / "my-course" / NAME
    shutil.copytree(ROOT / "exercises" / NAME, home)
    notebook = nbformat.read(ROOT / "solutions" / NAME / f"{NAME}.ipynb", as_version=4)
    for cell in notebook.cells:
        old, new = changes.get(cell.metadata.get("nbgrader", {}).get("grade_id", ""), ("", ""))
        assert old in cell.source
        cell.source = cell.source.replace(old, new, 1) if old else cell.source
    nbformat.write(notebook, home / f"{NAME}.ipynb")
    return home / f"{NAME}.ipynb"


def small(folder: Path, *answers: str) -> Path:
    """A notebook of a student with a cell and its check, of 2 points, for each answer."""
    notebook = nbformat.v4.new_notebook()
    for number, answer in enumerate(answers):
        name = f"task{number}"
        graded = {"grade_id": f"{name}-check", "grade": True, "points": 2, "solution": False}
        written = {"grade_id": name, "grade": False, "solution": True}
        check = f"from course.check import Check\ncheck = Check('{name}')\ncheck.equal('it', x, 1)\ncheck.score(2)"
        notebook.cells += [
            nbformat.v4.new_code_cell(answer, metadata={"nbgrader": written}),
            nbformat.v4.new_code_cell(check, metadata={"nbgrader": graded}),
        ]
    nbformat.write(notebook, folder / "small.ipynb")
    return folder / "small.ipynb"


def test_what_is_missing_is_said_and_the_file_stays(tmp_path: Path) -> None:
    file = solved(
        tmp_path,
        pad2d=("def pad2d", "def pad2d("),
        conv2d=("### BEGIN SOLUTION", "from course import ops"),
        output_size=("return room // stride + 1", "return room // stride"),
    )
    before, seen = file.read_bytes(), []
    results = {result.exercise: result for result in rehearse(file, lambda done, all_: seen.append((done, all_)))}
    assert results["by-hand-sizes"] == Result("by-hand-sizes", 8, 8, "")
    assert results["pad2d"].points == 0 and re.fullmatch(r"SyntaxError: .* \(line 1\)", results["pad2d"].remark)
    assert "course.ops is not there when graded: write it with NumPy" in results["conv2d"].remark
    assert results["output_size"].points < 8 and results["output_size"].remark.startswith("not right: ")
    assert results["like-for-like"] == Result("like-for-like", None, 3, "")
    assert seen[-1][0] == seen[-1][1] > 20
    assert file.read_bytes() == before
    assert sorted(path.name for path in file.parent.iterdir()) == [f"{NAME}.ipynb", f"{NAME}.json"]


def test_the_command_shows_a_table_and_the_sum(tmp_path: Path) -> None:
    file = solved(tmp_path)
    command = [sys.executable, "-m", "course", "check"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, encoding="utf-8", timeout=200)
    assert run.returncode == 0 and run.stderr == ""
    assert "82 of 82 points by these checks, and up to 6 for answers in words." in " ".join(run.stdout.split())
    assert "16 of 16" in run.stdout and str(file.relative_to(tmp_path)) in run.stdout


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["3"], "There is no my-course/03_backpropagation/03_backpropagation.ipynb. `course lab` puts"),
        (["99"], "'99' is no notebook of the course."),
        ([NAME], f"my-course/{NAME}/{NAME}.ipynb cannot be read as a notebook: "),
    ],
)
def test_what_cannot_be_run_is_a_sentence(arguments: list[str], sentence: str, tmp_path: Path) -> None:
    (tmp_path / "my-course" / NAME).mkdir(parents=True)
    (tmp_path / "my-course" / NAME / f"{NAME}.ipynb").write_text("{", encoding="utf-8")
    command = [sys.executable, "-m", "course", "check", *arguments]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, encoding="utf-8", timeout=100)
    assert run.returncode == 2 and sentence in run.stderr and "Traceback" not in run.stderr


def test_each_cell_stands_for_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rehearsal, "SECONDS", 3)
    monkeypatch.setenv("JPY_SESSION_NAME", "in-jupyterlab.ipynb")
    endless, nothing = "while True:\n    pass", "raise NotImplementedError('task3: not written yet')"
    file = small(tmp_path, "x = 1", "x = 2", endless, nothing, "x = 1")
    results = rehearse(file)
    assert [result.points for result in results] == [2, 0, 0, 0, 2]
    assert results[1].remark == "not right: it"
    assert "KeyboardInterrupt" in results[2].remark
    assert results[3].remark == "NotImplementedError: task3: not written yet; not right: it"
    assert results[0].remark == results[4].remark == ""  # what went wrong above is not theirs


def test_what_is_only_shown_is_not_run(tmp_path: Path) -> None:
    file = small(tmp_path, "pass")
    notebook = nbformat.read(file, as_version=4)
    for tag in ("demo", "experiment"):
        notebook.cells.insert(0, nbformat.v4.new_code_cell("x = 1", metadata={"tags": [tag]}))
    nbformat.write(notebook, file)
    (result,) = rehearse(file)
    assert result.points == 0 and "name 'x' is not defined" in result.remark


@pytest.mark.parametrize("begun", ["kernel", "cell"])
def test_ctrl_c_is_a_sentence_and_leaves_no_kernel(begun: str, tmp_path: Path) -> None:
    mark = tmp_path / "begun"
    file = tmp_path / "my-course" / NAME / f"{NAME}.ipynb"
    file.parent.mkdir(parents=True)
    endless = f"import os, pathlib\npathlib.Path({str(mark)!r}).write_text(str(os.getpid()))\nwhile True: pass"
    small(tmp_path, endless).rename(file)
    command = [sys.executable, "-m", "course", "check", "5"]
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, cwd=tmp_path, stdout=pipe, stderr=pipe, text=True, encoding="utf-8")
    try:
        deadline = time.monotonic() + 60
        while not (mark.exists() and mark.read_text() if begun == "cell" else _children(process.pid)):
            assert time.monotonic() < deadline and process.poll() is None
            time.sleep(0.02)
        kernels = _children(process.pid)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    finally:
        process.kill()
    assert "Stopped. Your notebook is as it was." in said and "Traceback" not in said
    assert kernels and not any(Path(f"/proc/{kernel}").exists() for kernel in kernels)


def _children(pid: int) -> list[int]:
    found = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in found.read_text().split()] if found.exists() else []


def test_a_kernel_that_ends_is_said_with_the_cell(tmp_path: Path) -> None:
    with pytest.raises(RehearsalError, match="The kernel ended in the cell of task0: did the code end Python"):
        rehearse(small(tmp_path, "import os; os._exit(1)"))


def test_a_notebook_without_exercises_is_none_of_the_course_s(tmp_path: Path) -> None:
    file = tmp_path / "mine.ipynb"
    file.write_text(json.dumps({"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}), encoding="utf-8")
    with pytest.raises(RehearsalError, match=r"mine.ipynb has no exercises: is it a notebook of the course\?"):
        rehearse(file)
