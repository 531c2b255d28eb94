"""The first look at a submission: plain files, bounded sizes, text that parses."""

import contextlib
import json
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.intake import CELLS, NOTEBOOK_BYTES, Rejected, inspect_folder, read_beside, read_bytes, read_cells, show


def notebook(*cells, **rest):
    return json.dumps({"cells": list(cells), "nbformat": 4, **rest}).encode()


def test_the_text_of_cells_is_all_that_is_read():
    (cell,) = read_cells(
        notebook(
            {
                "cell_type": "code",
                "id": "a",
                "source": ["x = 1\n", "y = 2"],
                "metadata": {"nbgrader": {"grade_id": "g", "points": 100}},
                "outputs": [{"output_type": "error"}],
            }
        )
    )
    assert (cell.kind, cell.text, cell.grade_id, cell.cell_id) == ("code", "x = 1\ny = 2", "g", "a")


def test_a_notebook_of_format_3_is_read():
    old = {"worksheets": [{"cells": [{"cell_type": "code", "input": "x = 1"}]}], "nbformat": 3}
    assert read_cells(json.dumps(old).encode())[0].text == "x = 1"


@pytest.mark.parametrize(
    "data, reason",
    [
        (b"{broken", "not JSON"),
        (b"", "not JSON"),
        (b"\xff\xfe\x00", "not utf-8"),
        (b"[" * 200_000, "nested too deeply"),
        (b"[1, 2]", "no list of cells"),
        (b'{"cells": 3}', "no list of cells"),
        (notebook(7), "cell 1 of the notebook is not a cell"),
        (notebook({"source": {"a": 1}}), "is not text"),
        (notebook({"source": "x" * 300_000}), "at most"),
        (notebook(*[{}] * (CELLS + 1)), "at most"),
    ],
)
def test_what_is_no_notebook_is_rejected_in_words(data, reason):
    with pytest.raises(Rejected, match=reason):
        read_cells(data)


@settings(max_examples=1000, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_cells_or_a_rejection(data):
    with contextlib.suppress(Rejected):
        assert isinstance(read_cells(data), list)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["cells", "source", "metadata", "nbgrader", "grade_id", "id", "cell_type", "worksheets", "input"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=15,
)


@settings(max_examples=2000, deadline=None)
@given(json_values)
def test_any_json_is_cells_or_a_rejection(value):
    try:
        cells = read_cells(json.dumps({"cells": value} if isinstance(value, list) else value).encode())
    except Rejected:
        return
    for cell in cells:
        cell.text.encode("utf-8")  # can be written


def test_a_lone_surrogate_can_be_written_afterwards():
    (cell,) = read_cells(b'{"cells": [{"source": "a\\ud800b"}]}')
    assert cell.text == "a?b"


def test_links_and_special_files_are_rejected(tmp_path):
    (tmp_path / "real").write_text("x", encoding="utf-8")
    for name, make in {
        "symlink": lambda place: place.symlink_to("/etc/passwd"),
        "hard link": lambda place: place.hardlink_to(tmp_path / "real"),
        "fifo": os.mkfifo,
    }.items():
        folder = tmp_path / name
        folder.mkdir()
        make(folder / "hw.ipynb")
        with pytest.raises(Rejected):
            inspect_folder(folder)
        with pytest.raises(Rejected):
            read_bytes(folder / "hw.ipynb")


def test_a_folder_that_is_a_link_is_rejected(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    with pytest.raises(Rejected, match="is a link"):
        inspect_folder(tmp_path / "link")


def test_too_large_a_notebook_is_rejected_without_reading_it_all(tmp_path):
    with (tmp_path / "hw.ipynb").open("wb") as file:
        file.truncate(NOTEBOOK_BYTES + 1)
    with pytest.raises(Rejected, match="larger than"):
        read_bytes(tmp_path / "hw.ipynb")


def test_a_missing_notebook_is_said_to_be_missing(tmp_path):
    with pytest.raises(Rejected, match=r"there is no 'hw\.ipynb'"):
        read_bytes(tmp_path / "hw.ipynb")


@pytest.mark.parametrize(
    "names, said",
    [
        (["hw (1).ipynb", "notes.txt"], ", but 'hw (1).ipynb'"),
        (["a.ipynb", "b.ipynb", "c.ipynb", "d.ipynb"], ", but 'a.ipynb', 'b.ipynb', 'c.ipynb', …"),
        (["hw.IPYNB.txt"], ", but 'hw.IPYNB.txt'"),
        (["\x1b[1m.ipynb"], ", but '�[1m.ipynb'"),
        (["notes.txt"], ""),
    ],
)
def test_of_a_missing_notebook_it_is_said_what_is_there_instead(tmp_path, names, said):
    for name in names:
        (tmp_path / name).touch()
    with pytest.raises(Rejected) as caught:
        read_bytes(tmp_path / "hw.ipynb")
    assert str(caught.value) == f"there is no 'hw.ipynb' in the submission{said}"


def test_what_the_exchange_puts_beside_is_text_or_nothing(tmp_path):
    assert read_beside(tmp_path) == {}
    (tmp_path / "timestamp.txt").write_text("2026-01-02 03:04:05 UTC\n", encoding="utf-8")
    (tmp_path / "submission_secret.txt").symlink_to("/etc/passwd")
    assert read_beside(tmp_path) == {"timestamp.txt": "2026-01-02 03:04:05 UTC"}
    (tmp_path / "timestamp.txt").write_bytes(b"\xff\xff")
    assert read_beside(tmp_path) == {}


def test_a_name_in_a_message_is_short_and_harmless():
    assert show("a\n\x1b[31mb") == "'a��[31mb'"
    assert len(show("x" * 500)) < 100
