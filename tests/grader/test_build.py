"""From percent text to the students' notebook, and nothing of the solution in it."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode

from grader.build import Differs, build, chosen, make
from grader.errors import Trouble
from grader.recording import run
from grader.release import blanked
from grader.source import load_solution, names, parse

SOURCES = Path(__file__).parent / "sources"
TEXT = (SOURCES / "01_tiny.py").read_text(encoding="utf-8")
MADE = [f"{kind}/01_tiny/01_tiny.{end}" for kind in ("exercises", "solutions") for end in ("ipynb", "json")]


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """A course with one tiny source."""
    shutil.copytree(SOURCES, tmp_path / "solutions")
    return tmp_path


def quiet(_: str) -> None:
    """Tell nobody."""


def read(course: Path, kind: str = "exercises") -> NotebookNode:
    return nbformat.read(course / kind / "01_tiny" / "01_tiny.ipynb", as_version=4)


def cell(notebook: NotebookNode, name: str) -> NotebookNode:
    return next(cell for cell in notebook.cells if cell.id == name)


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_build_makes_four_files_and_no_others(course: Path) -> None:
    written = build(course, tell=quiet)
    assert sorted(path.as_posix() for path in written) == MADE
    assert sorted(files(course)) == sorted([*MADE, "solutions/01_tiny.py"])


def test_building_again_gives_the_same_bytes(course: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    build(course, tell=quiet)
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    shutil.copytree(SOURCES, elsewhere / "solutions")
    build(elsewhere, tell=quiet)
    assert files(course) == files(elsewhere)
    assert build(course, tell=quiet) == []


def test_check_agrees_with_what_was_built(course: Path) -> None:
    build(course, tell=quiet)
    before = files(course)
    assert build(course, check=True, tell=quiet) == []
    assert files(course) == before


@pytest.mark.parametrize("name", MADE)
def test_check_names_each_file_that_differs_by_a_byte(course: Path, name: str) -> None:
    build(course, tell=quiet)
    content = (course / name).read_bytes()
    (course / name).write_bytes(content.replace(b"1", b"2", 1))
    with pytest.raises(Differs, match=rf"^{name} is not what its source says\nuv run grader build writes"):
        build(course, check=True, tell=quiet)
    (course / name).unlink()
    with pytest.raises(Differs, match=name):
        build(course, check=True, tell=quiet)
    build(course, tell=quiet)
    assert (course / name).read_bytes() == content


def test_check_finds_what_was_put_among_the_students_files(course: Path) -> None:
    build(course, tell=quiet)
    (course / "exercises" / "01_tiny" / "answers.txt").write_text("5")
    (course / "exercises" / "01_tiny" / ".ipynb_checkpoints").mkdir()
    (course / "exercises" / "01_tiny" / ".ipynb_checkpoints" / "x.ipynb").write_text("")
    with pytest.raises(Differs, match=r"^exercises/01_tiny/answers.txt comes from no source\n") as found:
        build(course, check=True, tell=quiet)
    assert "checkpoints" not in str(found.value)


def test_the_students_notebook_has_stubs_that_name_the_exercise(course: Path) -> None:
    build(course, tell=quiet)
    stub = read(course)
    assert cell(stub, "slide").source == (
        "def slide(x, w, *, stride=1):\n"
        '    """Cross-correlate: y[i] = Σ x[i·S + f] · w[f], for x (N,) and w (F,)."""\n'
        '    raise NotImplementedError("slide")'
    )
    assert cell(stub, "by-hand").source == "# Fill in each `...`.\npositions = ...\nwindow = [..., ...]"
    assert cell(stub, "why").source == "Why is the answer shorter than the input?\n\n*Your answer here.*"
    assert "hidden" not in cell(stub, "slide-check").source.lower()


def test_nothing_of_the_solution_reaches_the_students(course: Path) -> None:
    build(course, tell=quiet)
    released = b"".join(content for name, content in files(course / "exercises").items()).decode()
    for secret in (
        "BEGIN", "MARK SCHEME", "np.zeros(size", "The window must fit", "must lie inside", "a long stride", "[::-1]",
        "positions = 5", "-1.5", "stride * ", "hide()",
    ):  # fmt: skip
        assert secret not in released, secret
        assert secret in TEXT or secret == "stride * ", "the search can find something"


def test_the_metadata_is_nbgraders(course: Path) -> None:
    build(course, tell=quiet)
    solution, stub = read(course, "solutions"), read(course)
    expected = {
        "grade": True,
        "grade_id": "slide-check",
        "locked": True,
        "points": 4,
        "schema_version": 3,
        "solution": False,
        "task": False,
    }
    assert cell(solution, "slide-check").metadata == {"nbgrader": expected, "tags": ["raises-exception"]}
    assert cell(stub, "slide-check").metadata["editable"] is False
    assert cell(stub, "slide").metadata.get("editable", True) is True
    assert cell(stub, "slide").metadata["deletable"] is False
    question = cell(stub, "why").metadata.nbgrader
    assert (question.grade, question.solution, question.points) == (True, True, 2)
    text = next(cell for cell in stub.cells if cell.cell_type == "markdown")
    assert (text.metadata.editable, text.metadata.deletable) == (False, False)
    demo = next(cell for cell in stub.cells if "demo" in cell.metadata.get("tags", []))
    assert demo.metadata.tags == ["demo", "raises-exception"]


def test_the_notebooks_metadata_is_ours_alone(course: Path) -> None:
    build(course, tell=quiet)
    for kind in ("solutions", "exercises"):
        assert read(course, kind).metadata == {
            "convnet_course": {"box_modules": ["course.data"]},
            "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        }
        for made in read(course, kind).cells:
            assert not made.get("outputs")


def test_ids_do_not_change_and_are_unique(course: Path) -> None:
    build(course, tell=quiet)
    solution, stub = read(course, "solutions"), read(course)
    assert [cell.id for cell in solution.cells] == [cell.id for cell in stub.cells]
    assert len({cell.id for cell in stub.cells}) == len(stub.cells)


def test_full_metadata_in_a_source_is_kept() -> None:
    marks = {"grade": False, "grade_id": "slide", "locked": False, "schema_version": 3, "solution": True, "task": False}
    text = TEXT.replace('exercise="slide"', f"nbgrader={json.dumps(marks)}")
    assert parse(text, "01_tiny").notebook == parse(TEXT, "01_tiny").notebook


def test_the_records_are_beside_both_notebooks_and_hold_no_answers(course: Path) -> None:
    build(course, tell=quiet)
    records = json.loads((course / "exercises/01_tiny/01_tiny.json").read_text(encoding="utf-8"))
    assert records["format"] == "convnet-course.records/1"
    by_hand, slide = records["exercises"]["by-hand"], records["exercises"]["slide"]
    assert set(by_hand["blanks"]) == {"positions", "window[0]", "window[1]"}
    assert [mistake["name"] for mistake in slide["mistakes"]] == [
        "flipped filter",
        "stride ignored",
        "last window lost",
    ]
    assert slide["mistakes"][1]["answers"]["stride 1"] == "="
    assert all(set(mistake["answers"]) == {"stride 1", "stride 2"} for mistake in slide["mistakes"]), "no hidden case"


def test_the_stub_earns_nothing_and_raises_only_what_it_should(course: Path) -> None:
    build(course, tell=quiet)
    found = run(read(course), records=json.loads((course / MADE[1]).read_text(encoding="utf-8")))
    assert found.errors == {}
    assert {name: (test.error, test.message) for name, test in found.tests.items()} == {
        "by-hand-check": ("NotImplementedError", "by-hand: not written yet"),
        "slide-check": ("NotImplementedError", "slide: not written yet"),
    }


@pytest.mark.parametrize("seed", [None, 1, 2**63])
def test_the_solution_earns_everything_on_any_draws(course: Path, seed: int | None) -> None:
    build(course, tell=quiet)
    records = json.loads((course / MADE[1]).read_text(encoding="utf-8"))
    found = run(read(course, "solutions"), records=records, seed=seed)
    assert {name: test.value for name, test in found.tests.items()} == {"by-hand-check": 3.0, "slide-check": 4.0}


def test_what_a_test_defines_is_gone_after_it(course: Path) -> None:
    """While grading it is the same: a test that leans on another would fail there only."""
    notebook = load_solution(course, "01_tiny").notebook
    cell(notebook, "slide-check").source = "check.score()"
    assert run(notebook).tests["slide-check"].error == "NameError"


def test_one_notebook_alone_can_be_built(course: Path) -> None:
    (course / "solutions" / "02_more.py").write_text(TEXT, encoding="utf-8")
    said: list[str] = []
    build(course, only=["02_more"], tell=said.append)
    assert names(course) == ["01_tiny", "02_more"]
    assert not (course / "solutions" / "01_tiny").exists()
    assert said == ["02_more: 9 cells, 2 exercises, 4 known mistakes; written"]
    build(course, only=["02_more"], tell=said.append)
    assert said[-1].endswith("; unchanged")


@pytest.mark.parametrize("only", [None, ["05"]])
def test_a_folder_without_sources_is_said(tmp_path: Path, only: list[str] | None) -> None:
    with pytest.raises(Trouble, match=r"is not the course's folder: it has no solutions/NN_topic.py; name it"):
        build(tmp_path, only=only, tell=quiet)


def test_an_unknown_notebook_is_said(course: Path) -> None:
    with pytest.raises(Trouble, match=r"there is no solutions/05.py; the sources are 01_tiny$"):
        chosen(course, ["05"])
    with pytest.raises(Trouble, match=r"05.py; the sources are 01_tiny$"):
        load_solution(course, "05")


def test_a_faulty_source_leaves_everything_as_it_was(course: Path) -> None:
    build(course, tell=quiet)
    (course / "solutions" / "01_tiny.py").write_text(TEXT + "\n# %% [markdown]\n# More.\n", encoding="utf-8")
    (course / "solutions" / "02_bad.py").write_text(TEXT.replace("points=4\nfrom", "points=5\nfrom"), encoding="utf-8")
    before = files(course)
    with pytest.raises(Trouble, match="02_bad: the test slide-check is worth 5 points, its solution earns 4"):
        build(course, tell=quiet)
    assert files(course) == before


def test_a_source_that_is_no_text_is_said(course: Path) -> None:
    (course / "solutions" / "02_bad.py").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(Trouble, match=r"02_bad.py cannot be read: .*utf-8"):
        build(course, tell=quiet)


def test_a_file_in_the_way_is_said(course: Path) -> None:
    (course / "exercises").write_text("in the way")
    with pytest.raises(Trouble, match=r"exercises/01_tiny/01_tiny.\w+ cannot be written"):
        build(course, tell=quiet)


def test_an_interrupted_write_leaves_no_half_file(course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(self: Path, target: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        build(course, tell=quiet)
    assert not list(course.rglob("*.ipynb"))
    assert not list(course.rglob(".*.ipynb.*")), "nor anything beside it"


def test_building_changes_neither_the_folder_nor_the_environment(course: Path) -> None:
    before = Path.cwd(), dict(os.environ)
    make(load_solution(course, "01_tiny"))
    assert (Path.cwd(), dict(os.environ)) == before


@pytest.mark.parametrize(
    ("blanks", "stub"),
    [
        ("a = 5", "a = ..."),
        ("a = -5  # N − F", "a = ...  # N − F"),
        ("π = 3.14; b = +1e-3", "π = ...; b = ..."),
        ("a, b = 1, -2", "a, b = ..., ..."),
        ("grid = [[1, -2],\n        [3, 4]]", "grid = [[..., ...],\n        [..., ...]]"),
        ("grid = np.array([1, 2])", "grid = np.array([..., ...])"),
        ("d = {'rows': 3}", "d = {'rows': ...}"),
        ("a[0] = 7", "a[0] = ..."),
        ("size: int = 7", "size: int = ..."),
    ],
)
def test_every_number_of_a_blank_is_blanked(blanks: str, stub: str) -> None:
    assert blanked(f"x = 1\n### BEGIN BLANKS\n{blanks}\n### END BLANKS\ny = 2\n") == f"x = 1\n{stub}\ny = 2\n"
