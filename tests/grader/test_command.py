"""An assignment by its number; commands that can be copied as they stand."""

import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import nbformat
import pytest
from typer.testing import CliRunner

from grader import build
from grader.classroom import CONFIG, CONFIG_TEXT, Classroom
from grader.cli import app
from grader.command import command, enter, which
from grader.errors import BadAssignment
from grader.gradebook import Book

NAMES = ["05_convolution", "06_convolution_backward", "exam"]


@pytest.mark.parametrize(
    ("wanted", "name"),
    [
        ("5", "05_convolution"),
        ("05", "05_convolution"),
        ("005", "05_convolution"),
        ("05_convolution", "05_convolution"),
        ("convolution", "05_convolution"),  # the whole topic, before a part of another
        ("BACKWARD", "06_convolution_backward"),
        ("exam", "exam"),
    ],
)
def test_an_assignment_has_short_names(wanted, name):
    assert which(wanted, NAMES) == name


@pytest.mark.parametrize("wanted", ["7", "0", "", "..", "convolution/", "²", "5 "])
def test_what_is_no_assignment_is_said_with_those_that_there_are(wanted):
    with pytest.raises(BadAssignment, match=r"there is no assignment '.*; the assignments here: 05_convolution, 06_"):
        which(wanted, NAMES)


def test_a_part_of_several_names_is_no_name():
    with pytest.raises(BadAssignment, match="'con' means more than one assignment: 05_convolution, 06_conv"):
        which("con", NAMES)
    with pytest.raises(BadAssignment, match="the assignments here: none"):
        which("5", [])


@pytest.fixture
def small_class(tmp_path, source):
    place = tmp_path / "my class" / "solutions" / "05_hw"
    place.mkdir(parents=True)
    nbformat.write(source, place / "05_hw.ipynb")
    (tmp_path / "my class" / CONFIG).write_text(CONFIG_TEXT, encoding="utf-8")
    return tmp_path / "my class"


@pytest.mark.parametrize("arguments", [("autograde",), ("feedback",), ("report",), ("export",)])
def test_every_command_takes_a_number_and_names_the_one_that_comes_first(small_class, tmp_path, monkeypatch, arguments):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("UV", raising=False)
    said = CliRunner().invoke(app, [*arguments, "5", "-c", "my class"])
    assert said.exit_code == 2
    assert "05_hw has not been released in this class" in said.output
    if arguments != ("autograde",):
        assert "uv run grader release 05_hw --class 'my class' does it" in said.output


def test_the_release_says_what_comes_next(small_class, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    said = CliRunner().invoke(app, ["release", "5", "--class", "my class"]).output
    assert "Released 05_hw." in said and (small_class / "exercises" / "05_hw" / "05_hw.ipynb").exists()
    assert f"{small_class}/submitted/STUDENT/05_hw/05_hw.ipynb" in said
    assert "uv run grader autograde 05_hw --class 'my class'\n" in said


def test_autograde_and_feedback_say_what_comes_next(small_class, submit, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    CliRunner().invoke(app, ["release", "5", "-c", "my class"])
    place = small_class / "submitted" / "ada" / "05_hw"
    place.mkdir(parents=True)
    (place / "05_hw.ipynb").write_bytes(submit()[:-9])  # damaged: graded without a sandbox
    said = CliRunner().invoke(app, ["autograde", "5", "-c", "my class", "--workers", "1"]).output
    assert "Next:\n  uv run grader feedback 05_hw --class 'my class'\n  uv run grader report 05_hw --class" in said
    said = CliRunner().invoke(app, ["feedback", "5", "-c", "my class"]).output
    assert f"Send each student their page, {small_class}/feedback/STUDENT/05_hw/05_hw.html; with nbgrader's" in said


def test_a_command_is_named_as_it_was_called(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("UV", raising=False)
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(sys, "argv", [".venv/bin/grader", "release"])
    assert command("build") == ".venv/bin/grader build"
    assert command("build", folder=tmp_path) == ".venv/bin/grader build", "in the folder of the class"
    assert command("build", folder=tmp_path.parent) == f".venv/bin/grader build --class {tmp_path.parent}"
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "grader").touch(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setattr(sys, "argv", [str(tmp_path / "bin" / "grader"), "release"])
    assert command("build") == "grader build"
    monkeypatch.setenv("UV", "/usr/bin/uv")
    assert command("build") == "uv run grader build"


def test_the_command_that_is_named_runs(small_class, monkeypatch):
    """As a person would: copy what an error says, run it, and the error is gone."""
    grader = shutil.which("grader", path=str(Path(sys.executable).parent))
    assert grader
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(small_class)}

    def call(line):
        return subprocess.run(line, shell=True, cwd=small_class.parent, env=environment, capture_output=True, text=True)

    failed = call(f"{grader} export 5 -c 'my class'")
    assert failed.returncode == 2
    said = failed.stderr.partition("in this class; ")[2].removesuffix(" does it\n")
    assert call(said).returncode == 0
    assert call(f"{grader} export 5 -c 'my class'").returncode == 0


@pytest.mark.parametrize("arguments", [("autograde",), ("feedback",)])
def test_who_did_not_submit_is_named_and_entered_nowhere(small_class, tmp_path, monkeypatch, arguments):
    """A slip of the pen is no student."""
    monkeypatch.chdir(tmp_path)
    assert CliRunner().invoke(app, ["release", "5", "-c", "my class"]).exit_code == 0
    said = CliRunner().invoke(app, [*arguments, "5", "-c", "my class", "-s", "zoe", "--student", "\x1b[1mk\udcff"])
    assert said.exit_code == 2
    assert f"'zoe' has not submitted 05_hw: there is no submitted/zoe/05_hw in {small_class}" in said.output
    assert not (small_class / "autograded").exists() and not (small_class / "feedback").exists()
    with Book(Classroom(small_class).db_url) as book:
        assert list(book.table("05_hw")) == []


@pytest.mark.box
def test_the_demonstration_runs_again_in_its_own_folder_and_never_in_that_of_a_class(small_class, tmp_path):
    checkout = tmp_path / "checkout"
    (checkout / "solutions").mkdir(parents=True)
    shutil.copy(Path(__file__).parent / "sources" / "01_tiny.py", checkout / "solutions")
    build.build(checkout, tell=lambda _: None)

    def demo(folder):
        arguments = ["demo", str(folder), "--notebook", "01_tiny", "--course", str(checkout), "--workers", "1"]
        return CliRunner().invoke(app, arguments)

    def files():
        return {path: path.read_bytes() for path in small_class.rglob("*") if path.is_file()}

    before = files()
    said = demo(small_class)
    assert said.exit_code == 2 and "is the folder of a class, not of a demonstration; name a new folder" in said.output
    assert files() == before
    for _ in range(2):
        said = demo(tmp_path / "demo")
        assert said.exit_code == 0, said.output


def test_outside_the_course_the_command_says_how_to_name_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for arguments in (["init", "new"], ["demo", "new"]):
        said = CliRunner().invoke(app, arguments)
        assert said.exit_code == 2 and "is not the course's folder" in said.output
        assert said.output.strip().endswith("; say where that is with --course")
    assert not (tmp_path / "new").exists()


def test_outside_a_class_the_command_says_how_to_name_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    said = CliRunner().invoke(app, ["release", "5"])
    assert said.exit_code == 2
    assert (
        f"{tmp_path} is not the folder of a class: name one with --class, or make one: uv run grader init"
        in said.output
    )


def test_help_shows_the_whole_way():
    said = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "100"}).output
    for name in ("init my-class", "release 5", "autograde 5", "feedback 5", "report 5", "export 5"):
        assert f"grader {name}" in said


@pytest.mark.parametrize("arguments", [["-h"], ["release", "-h"], []])
def test_help_has_its_short_option(arguments):
    assert "Usage: " in CliRunner().invoke(app, arguments).output


def test_the_version_is_that_of_the_package():
    said = CliRunner().invoke(app, ["--version"])
    assert (said.exit_code, said.output) == (0, f"{version('convnet-course')}\n")


def test_the_file_for_canvas_is_another_one_and_what_it_leaves_empty_is_said(small_class, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    CliRunner().invoke(app, ["release", "5", "-c", "my class"])
    with Book(Classroom(small_class).db_url) as book:
        book.book.add_student("zoe")
    table, canvas = (CliRunner().invoke(app, ["export", "5", "-c", "my class", *more]) for more in ([], ["--canvas"]))
    assert table.output == "Wrote my class/05_hw.csv\n"
    assert canvas.output.splitlines() == [
        "Wrote my class/05_hw-canvas.csv",
        "1 grade is left empty, and Canvas keeps what it has: 1 is not graded yet.",
    ]
    assert "Login" not in (small_class / "05_hw.csv").read_text(encoding="utf-8")


def test_a_class_and_an_assignment_are_entered_together(small_class):
    classroom, name = enter(small_class, "5")
    assert (classroom.root, name) == (small_class, "05_hw")
