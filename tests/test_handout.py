"""The student's folder is brought up to date, and no sequence of events loses what the student wrote."""

import shutil
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from course.handout import MANIFEST, Change, HandoutError, find_notebook, hand_out, names_in, released_folder

NAME = "05_convolution"
NOTEBOOK = f"{NAME}/{NAME}.ipynb"
RECORDS = f"{NAME}/{NAME}.json"


def write(folder: Path, path: str, text: str) -> None:
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_text(text, "utf-8")


def texts(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != MANIFEST)
    return {path.relative_to(folder).as_posix(): path.read_text("utf-8") for path in files}


@pytest.fixture
def released(tmp_path: Path) -> Path:
    folder = tmp_path / "released"
    write(folder, NOTEBOOK, "notebook, version 1")
    write(folder, RECORDS, "records, version 1")
    return folder


@pytest.fixture
def mine(released: Path, tmp_path: Path) -> Path:
    """A folder into which version 1 was handed out."""
    folder = tmp_path / "mine"
    assert hand_out(released, folder) == [Change("new", NAME, NAME)]
    return folder


def release(released: Path, version: int) -> None:
    write(released, NOTEBOOK, f"notebook, version {version}")
    write(released, RECORDS, f"records, version {version}")


def test_the_first_time_everything_is_copied(mine: Path) -> None:
    assert texts(mine) == {NOTEBOOK: "notebook, version 1", RECORDS: "records, version 1"}


def test_nothing_new_changes_nothing(released: Path, mine: Path) -> None:
    write(mine, NOTEBOOK, "my work")
    assert hand_out(released, mine) == []
    assert texts(mine) == {NOTEBOOK: "my work", RECORDS: "records, version 1"}


def test_a_new_notebook_is_added(released: Path, mine: Path) -> None:
    write(mine, NOTEBOOK, "my work")
    write(released, "06_backward/06_backward.ipynb", "the next")
    assert hand_out(released, mine) == [Change("new", "06_backward", "06_backward")]
    assert texts(mine)[NOTEBOOK] == "my work"
    assert texts(mine)["06_backward/06_backward.ipynb"] == "the next"


def test_a_newer_version_replaces_what_the_student_has_not_changed(released: Path, mine: Path) -> None:
    release(released, 2)
    assert hand_out(released, mine) == [Change("updated", NAME, NAME)]
    assert texts(mine) == texts(released)


def test_a_newer_version_is_put_beside_work(released: Path, mine: Path) -> None:
    write(mine, NOTEBOOK, "my work")
    release(released, 2)
    assert hand_out(released, mine) == [Change("beside", NAME, f"{NAME}.new")]
    assert texts(mine) == {
        NOTEBOOK: "my work",
        RECORDS: "records, version 1",  # still fits the notebook it lies beside
        f"{NAME}.new/{NAME}.ipynb": "notebook, version 2",
        f"{NAME}.new/{NAME}.json": "records, version 2",
    }
    assert hand_out(released, mine) == [], "said once, not at every start"


def test_a_newer_version_is_not_written_over_work_in_the_one_beside(released: Path, mine: Path) -> None:
    write(mine, NOTEBOOK, "my work")
    release(released, 2)
    hand_out(released, mine)
    write(mine, f"{NAME}.new/{NAME}.ipynb", "my work in version 2")
    release(released, 3)
    assert hand_out(released, mine) == [Change("beside", NAME, f"{NAME}.new2")]
    assert {"my work", "my work in version 2", "notebook, version 3"} <= set(texts(mine).values())


def test_a_deleted_notebook_comes_back_as_new(released: Path, mine: Path) -> None:
    (mine / NOTEBOOK).unlink()
    assert hand_out(released, mine) == [Change("restored", NAME, NAME)]
    assert texts(mine) == texts(released)


@pytest.mark.parametrize("manifest", ["", "{", "[1]", '{"05_convolution": 3}', "null"])
def test_an_unreadable_memory_counts_everything_as_work(released: Path, mine: Path, manifest: str) -> None:
    write(mine, MANIFEST, manifest)
    write(mine, NOTEBOOK, "my work")
    assert hand_out(released, mine) == [Change("beside", NAME, f"{NAME}.new")]
    assert texts(mine)[NOTEBOOK] == "my work"


def test_what_jupyter_leaves_in_a_released_folder_is_not_handed_out(released: Path, tmp_path: Path) -> None:
    write(released, f"{NAME}/.ipynb_checkpoints/{NAME}-checkpoint.ipynb", "old")
    write(released, f"{NAME}/__pycache__/x.pyc", "bytes")
    hand_out(released, tmp_path / "mine")
    assert set(texts(tmp_path / "mine")) == {NOTEBOOK, RECORDS}


def test_a_folder_that_cannot_be_one_is_named_in_a_sentence(released: Path, tmp_path: Path) -> None:
    write(tmp_path, "file", "")
    with pytest.raises(HandoutError, match=r"file is a file\. Name a folder"):
        hand_out(released, tmp_path / "file")
    with pytest.raises(HandoutError, match=r"cannot write your notebooks to .*below: Not a directory"):
        hand_out(released, tmp_path / "file" / "below")
    with pytest.raises(HandoutError, match=r"holds the released notebooks themselves"):
        hand_out(released, released / NAME)


def test_a_file_in_the_way_of_a_notebook_stays(released: Path, tmp_path: Path) -> None:
    write(tmp_path, f"mine/{NAME}", "not a folder")
    with pytest.raises(HandoutError, match="cannot write your notebooks"):
        hand_out(released, tmp_path / "mine")
    assert texts(tmp_path / "mine") == {NAME: "not a folder"}


def test_a_notebook_is_found_by_number_name_or_part() -> None:
    names = ["05_convolution", "06_convolution_backward", "07_pooling"]
    assert [find_notebook(wanted, names) for wanted in (None, "6", "07", "05_convolution", "Pool", "convolution")] == [
        "05_convolution", "06_convolution_backward", "07_pooling", "05_convolution", "07_pooling", "05_convolution",
    ]  # fmt: skip
    assert find_notebook(None, ["03_backpropagation", *names]) == "05_convolution"
    assert find_notebook(None, ["03_backpropagation"]) == "03_backpropagation"
    with pytest.raises(HandoutError, match=r"'conv' means more than one notebook: 05_convolution or 06_conv"):
        find_notebook("conv", names)
    with pytest.raises(HandoutError, match=r"'8' is no notebook of the course\. There is 05_convolution, 06_"):
        find_notebook("8", names)


def test_the_checkout_releases_its_exercises(root: Path) -> None:
    assert released_folder() == root / "exercises"
    assert NAME in names_in(released_folder())


class Term(RuleBasedStateMachine):
    """Releases, work, deletions and openings in any order."""

    def __init__(self) -> None:
        super().__init__()
        import tempfile

        self.top = Path(tempfile.mkdtemp())
        self.released, self.mine = self.top / "released", self.top / "mine"
        self.work: dict[str, str] = {}  # what the student wrote and has neither changed again nor deleted
        self.versions = self.edits = 0
        self.publish()

    def teardown(self) -> None:
        shutil.rmtree(self.top)

    @rule()
    def publish(self) -> None:
        self.versions += 1
        release(self.released, self.versions)

    @rule()
    def open(self) -> None:
        hand_out(self.released, self.mine)
        assert f"notebook, version {self.versions}" in texts(self.mine).values() or any(
            path.endswith(".ipynb") for path in self.work
        )

    @precondition(lambda self: self.mine.exists())
    @rule(data=st.data())
    def edit(self, data: st.DataObject) -> None:
        self.edits += 1
        path = data.draw(st.sampled_from(sorted(texts(self.mine)) or [NOTEBOOK]))
        self.work[path] = f"work {self.edits}"
        write(self.mine, path, self.work[path])

    @precondition(lambda self: self.mine.exists() and texts(self.mine))
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        path = data.draw(st.sampled_from(sorted(texts(self.mine))))
        (self.mine / path).unlink()
        self.work.pop(path, None)

    @precondition(lambda self: self.mine.exists())
    @rule()
    def forget(self) -> None:
        (self.mine / MANIFEST).unlink(missing_ok=True)

    @invariant()
    def no_work_is_lost(self) -> None:
        assert self.work.items() <= texts(self.mine).items()


Term.TestCase.settings = settings(max_examples=40, stateful_step_count=15, deadline=None)
TestTerm = Term.TestCase
