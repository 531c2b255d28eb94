"""Random hostile input: whatever comes is a clean verdict, never a crash.

    HYPOTHESIS_PROFILE=long pytest tests/grader/test_fuzz.py      tens of thousands of cases

By default each property sees few, and all of them within seconds.
"""

from __future__ import annotations

import contextlib
import copy
import html.parser
import json
import math
import os
import re
import socket
import struct
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from nbconvert.filters.markdown import markdown2html
from nbformat.v4 import new_code_cell, new_notebook

from grader.assignment import Assignment
from grader.box import wire
from grader.box.codec import Decoder, Encoder
from grader.box.host import Box, BoxError
from grader.box.levels import open_boxes
from grader.box.limits import Limits
from grader.box.remote import Kind, Remote
from grader.box.wire import Closed, Malformed
from grader.grade import grade
from grader.gradebook import _moment
from grader.graft import escape, graft
from grader.intake import Cell, Rejected, inspect_folder, read_beside, read_bytes, read_cells, show

LONG = os.environ.get("HYPOTHESIS_PROFILE") == "long"


def fuzz(examples: int, long: int) -> settings:
    """How many cases a property sees by default, and in the long run."""
    return settings(
        max_examples=long if LONG else examples,
        deadline=None,
        database=None,
        report_multiple_bugs=False,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture],
    )


pytestmark = pytest.mark.timeout(3600 if LONG else 300)

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
numbers = st.integers(-2, 2**40) | st.sampled_from([0, 1, 2, 3, 8, 2**31, 2**63, 2**64, -1])


# ---- what a student's file may be ----------------------------------------------------------------------------------

KEYS = ["cells", "source", "metadata", "nbgrader", "grade_id", "id", "cell_type", "worksheets", "input", "outputs"]
KEYS += ["solution", "points", "checksum", "tags", "attachments", "nbformat", "grade", "locked", "task"]
IDS = ["double", "double-check", "apply", "apply-check", "why", "end", "setup", "student-0", "", "x" * 70, "\ud800"]
words = st.sampled_from([*IDS, "code", "markdown", "raw", "import numpy as np", "1", "<script>alert(1)</script>"])
json_values = st.recursive(
    scalars | words,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5),
    max_leaves=15,
)
cells = st.fixed_dictionaries(
    {},
    optional={
        "cell_type": words | json_values,
        "id": st.sampled_from(IDS) | json_values,
        "source": st.lists(words, max_size=3) | words | json_values,
        "input": words,
        "outputs": json_values,
        "metadata": st.fixed_dictionaries(
            {}, optional={"nbgrader": st.fixed_dictionaries({}, optional={"grade_id": st.sampled_from(IDS)})}
        )
        | json_values,
    },
)
notebooks = st.fixed_dictionaries({"cells": st.lists(cells | json_values, max_size=12)}, optional={"nbformat": scalars})


def submitted(value: Any) -> bytes:
    return json.dumps(value).encode("utf-8")


@st.composite
def damaged(draw: st.DrawFn, whole: bytes) -> bytes:
    """Bytes in which a few places were cut, copied, or written over."""
    data = bytearray(whole)
    for _ in range(draw(st.integers(1, 6))):
        start = draw(st.integers(0, len(data)))
        stop = min(len(data), start + draw(st.integers(0, 40)))
        kind = draw(st.sampled_from(["cut", "copy", "write", "end"]))
        if kind == "cut":
            del data[start:stop]
        elif kind == "copy":
            data[start:start] = data[start:stop] * draw(st.integers(1, 3))
        elif kind == "write":
            data[start:stop] = draw(
                st.binary(max_size=12)
                | st.sampled_from([b"\xff", b'"', b"[", b"{", b"}", b"null", b"1e999", b"\\ud800"])
            )
        else:
            del data[start:]
    return bytes(data)


def taken_in(data: bytes) -> list[Cell] | None:
    """The cells, or None for a rejection in words."""
    try:
        found = read_cells(data)
    except Rejected as rejection:
        assert str(rejection)
        return None
    for cell in found:
        cell.text.encode("utf-8")
        assert cell.kind in ("code", "markdown")
    return found


@pytest.fixture(scope="module")
def instructors(make_source):
    return make_source()


@fuzz(300, 20_000)
@given(st.data())
def test_a_damaged_file_is_cells_or_a_rejection(make_submission, data):
    taken_in(data.draw(damaged(make_submission())))


@fuzz(300, 10_000)
@given(json_values | notebooks | st.fixed_dictionaries({"worksheets": st.lists(notebooks, max_size=2) | json_values}))
def test_any_json_is_cells_or_a_rejection(value):
    taken_in(submitted(value))


@fuzz(200, 10_000)
@given(value=notebooks)
def test_whatever_is_grafted_the_notebook_is_the_instructors(instructors, value):
    found = taken_in(submitted(value))
    if found is None:
        return
    made = graft(instructors, found, {"why": "0" * 32})
    nbformat.validate(made)
    json.dumps(made).encode("utf-8")
    ids = [cell.id for cell in made.cells]
    assert len(set(ids)) == len(ids)
    assert made.metadata == instructors.metadata
    kept = [cell for cell in made.cells if not cell.metadata.get("convnet_course")]
    assert [cell.id for cell in kept] == [cell.id for cell in instructors.cells]
    for cell, original in zip(kept, instructors.cells, strict=True):
        mark, its = (
            {k: v for k, v in c.metadata.get("nbgrader", {}).items() if k != "checksum"} for c in (cell, original)
        )
        assert (mark, cell.cell_type) == (its, original.cell_type)
        if mark and not mark["solution"]:
            assert cell.source == original.source
        assert not cell.get("outputs") and "attachments" not in cell


@fuzz(100, 3000)
@given(st.data())
def test_any_folder_is_plain_files_or_a_rejection(tmp_path_factory, data):
    root = tmp_path_factory.mktemp("folder")
    (root / "outside").write_text("secret", encoding="utf-8")
    folder = root / "hw"
    folder.mkdir()
    names = st.binary(min_size=1, max_size=12).filter(
        lambda n: b"/" not in n and b"\0" not in n and n not in (b".", b"..")
    )
    strange = False
    for name in data.draw(st.lists(names | st.sampled_from([b"hw.ipynb", b"timestamp.txt"]), max_size=5, unique=True)):
        place = folder / os.fsdecode(name)
        kind = data.draw(st.sampled_from(["file", "file", "folder", "link", "loop", "hard link", "pipe", "dangling"]))
        strange |= kind not in ("file", "folder")
        match kind:
            case "file":
                place.write_bytes(data.draw(st.binary(max_size=30)))
            case "folder":
                place.mkdir()
            case "link":
                place.symlink_to(root / "outside")
            case "loop":
                place.symlink_to(folder)
            case "hard link":
                place.hardlink_to(root / "outside")
            case "pipe":
                os.mkfifo(place)
            case "dangling":
                place.symlink_to("nowhere")
    try:
        inspect_folder(folder)
        assert not strange
    except Rejected as rejection:
        assert strange and str(rejection).isprintable()
    for place in folder.iterdir():
        with contextlib.suppress(Rejected):
            assert b"secret" not in read_bytes(place) or not strange
        assert show(place.name).isprintable()
    assert "secret" not in "".join(read_beside(folder).values()) or not strange


@fuzz(300, 20_000)
@given(
    st.text("0123456789-:/., TZ+UTCJanmpW'\"\\\0\n()eE∞", max_size=40)
    | st.text(max_size=30)
    | st.from_regex(
        r"\d{1,5}-\d{1,3}-\d{1,3}( \d{1,3}:\d{1,3}(:\d{1,3}(\.\d{1,9})?)?)?( [A-Z+-]{0,4}\d{0,20})?", fullmatch=True
    )
)
@pytest.mark.filterwarnings("ignore")  # dateutil's own, of timezones that it does not know
def test_any_time_of_submission_is_a_moment_or_none(text):
    moment = _moment(text)
    assert moment is None or (type(moment) is datetime and moment.tzinfo is None)


# ---- what an answer in words may do to its reader ------------------------------------------------------------------

PIECES = [
    "[x]",
    "(",
    ")",
    "]",
    "[",
    "<",
    ">",
    "!",
    "&",
    ";",
    ":",
    "\\",
    "javascript:alert(1)",
    "javascript",
    "java",
    "script",
]
PIECES += [
    "\n",
    "\t",
    " ",
    "\n\n",
    "`",
    "```\n",
    "$",
    "$$",
    "> ",
    "- ",
    "    ",
    "&#106;",
    "&colon;",
    "&Tab;",
    "&NewLine;",
]
PIECES += [
    "&#x6a;",
    "<script>",
    "<img src=x onerror=alert(1)>",
    "<a href='",
    "](",
    "]:",
    "][r]",
    "[r]: ",
    "![",
    "data:text/html,",
]
PIECES += [
    "https://evil.test/",
    "\x01",
    "\x00",
    "\u2028",
    "\ufeff",
    "\u00a0",
    "'",
    '"',
    "|",
    "\\begin{x}",
    "\\end{x}",
    "%6a",
    "#",
    "*",
    "_",
]
PIECES += [
    "vbscript:",
    "//",
    "/",
    "?",
    "&lt;",
    "&amp;",
    "<!--",
    "-->",
    "<?",
    "<svg/onload=alert(1)>",
    "a",
    "1. ",
    "~",
    "[^1]",
    "\u202e",
]
LINKS = [
    "[x](%s)",
    "![x](%s)",
    "[x](<%s>)",
    "[r]\n\n[r]: %s\n",
    "> [r]:\n> %s\n\n[r]\n",
    "<%s>",
    "$\\href{%s}{x}$",
    "[x](\n%s 'y')",
]
SCHEMES = [
    "javascript:1",
    "java\tscript:1",
    "&#106;avascript:1",
    "javascript&colon;1",
    "javascript\\:1",
    "\x01javascript:1",
]
SCHEMES += [
    "data:text/html,1",
    "https://evil.test/a.png",
    "vbscript:1",
    "&NewLine;javascript:1",
    "/logout",
    "%6aavascript:1",
]
some = st.lists(st.sampled_from([*PIECES, *SCHEMES]), max_size=5).map("".join) | st.sampled_from(SCHEMES)
LEADS = re.compile(r"[\s\x00-\x1f]*(javascript|vbscript|data)\s*:", re.IGNORECASE)


class Active(html.parser.HTMLParser):
    """Finds what a browser would run or fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in (
            "script",
            "iframe",
            "svg",
            "object",
            "embed",
            "link",
            "style",
            "meta",
            "base",
            "form",
            "img",
            "video",
        ):
            self.found.append(tag)
        for name, value in attrs:
            leads = name in ("href", "src") and LEADS.match(re.sub(r"[\t\n\r]", "", value or ""))
            if name.startswith("on") or leads:
                self.found.append(f"{tag} {name}={value}")


@fuzz(300, 20_000)
@given(st.lists(some | st.sampled_from(LINKS).flatmap(lambda link: some.map(link.__mod__)), max_size=4).map("".join))
def test_no_answer_runs_or_fetches_anything_where_it_is_shown(text):
    shown = Active()
    shown.feed(markdown2html(escape(text)))
    assert shown.found == []


@pytest.mark.parametrize(
    "text",
    [
        "](" + " " * 199_000,
        "[x](<" * 40_000,
        "[\\a" * 60_000,
        "](\n>" * 40_000,
        "> " * 99_000,
        "[\n" * 99_000,
        "](a:" * 50_000,
    ],
)
def test_no_answer_keeps_the_graft_busy(text):
    """Each of these took minutes when a search began anew at every character."""
    assert len(escape(text)) >= len(text)


def test_an_answer_that_was_left_as_it_came_is_the_instructors_own_text(instructors):
    from nbgrader.utils import compute_checksum

    source = copy.deepcopy(instructors)
    why = next(cell for cell in source.cells if cell.id == "why")
    why.source = "Why is <b>this</b> so?\n\n![a picture](picture.png)"
    left, changed = Cell("markdown", why.source, "why", "why"), Cell("markdown", why.source + " So.", "why", "why")
    checksums = {"why": compute_checksum(why)}
    assert why.source in [cell.source for cell in graft(source, [left], checksums).cells]
    assert "<b>" not in json.dumps(graft(source, [changed], checksums))


# ---- what a box may send -------------------------------------------------------------------------------------------

TAGS = ["value", "int", "float", "complex", "ellipsis", "slice", "list", "tuple", "dict", "array", "scalar", "dtype"]
TAGS += ["scalar_type", "handle"]
DTYPES = ["<f8", "<f4", "|u1", "?", "<c16", "<U3", "|S2", "O", "V4", "<M8[s]", "a5", "<f8,<f8", "(2,)f8", "U0", "S0"]
DTYPES += [
    "<U999999999",
    "f2",
    "g",
    ">i8",
    "=f8",
    "i",
    "l",
    "p",
    "b1",
    "c",
    "B",
    "H",
    "f16",
    "F",
    "datetime64",
    "{",
    "<f8 ",
]
bodies = st.deferred(lambda: encoded | scalars | st.lists(encoded | scalars, max_size=3))
encoded = st.recursive(
    st.fixed_dictionaries(
        {"array": st.tuples(st.sampled_from(DTYPES) | st.text(max_size=6), st.lists(numbers, max_size=4))}
    )
    | st.fixed_dictionaries({"scalar": st.sampled_from(DTYPES)})
    | st.fixed_dictionaries({"dtype": st.sampled_from(DTYPES)})
    | st.fixed_dictionaries({"scalar_type": st.sampled_from(DTYPES)})
    | st.fixed_dictionaries({"int": st.text("0123456789abcdefx-_ +", max_size=12) | st.just("f" * 299)})
    | st.fixed_dictionaries(
        {"float": st.text("0123456789abcdefpxn.+-", max_size=12) | st.sampled_from(["nan", "-inf", "0x1p9999"])}
    )
    | st.dictionaries(st.sampled_from(TAGS), scalars, max_size=2),
    lambda inner: st.one_of(
        [st.fixed_dictionaries({tag: st.lists(inner, max_size=3)}) for tag in ("list", "tuple", "slice", "complex")]
        + [st.fixed_dictionaries({"dict": st.lists(st.tuples(inner, inner) | inner, max_size=3)})]
        + [
            st.fixed_dictionaries(
                {"handle": st.dictionaries(st.sampled_from(["id", "type", "callable", "callback"]), scalars | inner)}
            )
        ]
    ),
    max_leaves=8,
)
PLAIN = (type(None), bool, int, float, complex, str, list, tuple, dict, slice, np.ndarray, type(Ellipsis), Remote)


def refuse(value: Any) -> Any:
    raise TypeError(type(value).__name__)


def assert_plain(value: Any) -> None:
    """Exactly the types that may pass, all the way down."""
    kind = type(value)
    assert (
        kind in PLAIN
        or isinstance(value, np.generic | np.dtype | Remote)
        or (kind is type and issubclass(value, np.generic))
    )
    if kind is np.ndarray:
        assert value.dtype.kind in "biufcUS" and value.dtype.fields is None and value.flags.writeable
        value.tobytes()
    for part in value if kind in (list, tuple) else [*value, *value.values()] if kind is dict else []:
        assert_plain(part)


@fuzz(500, 40_000)
@example({"scalar": "a5"}, [bytearray(5)])
@example({"tuple": [{"array": ["<f8", []]}]}, [])
@given(encoded | bodies, st.lists(st.integers(0, 64).map(bytearray), max_size=3))
def test_anything_encoded_is_plain_data_or_malformed(value, buffers):
    with contextlib.suppress(Malformed):
        assert_plain(Decoder(buffers, refuse).decode(json.loads(json.dumps(value))))


def message(head: Any, buffers: list[bytes]) -> bytes:
    raw = json.dumps([head, [len(buffer) for buffer in buffers]]).encode()
    return struct.pack("<Q", len(raw)) + raw + b"".join(buffers)


def real_message() -> bytes:
    encoder = Encoder(refuse)
    value = encoder.encode([np.arange(6.0).reshape(2, 3), {"a": (1, 2.5, "x")}, np.float32(2), slice(1, None)])
    return message({"value": value, "changed": []}, encoder.buffers)


@contextlib.contextmanager
def peer_sends(raw: bytes) -> Iterator[socket.socket]:
    """Our end of a channel at whose other end all of that was sent, and nothing more will be."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.settimeout(1)
        theirs.sendall(raw[:100_000])
        theirs.shutdown(socket.SHUT_WR)
        yield ours


@fuzz(500, 40_000)
@given(st.binary(max_size=80) | st.deferred(lambda: damaged(real_message())))
def test_any_bytes_are_a_message_or_a_clean_verdict(raw):
    with peer_sends(raw) as ours, contextlib.suppress(Closed, Malformed, TimeoutError):
        head, buffers = wire.receive(ours, limit=1 << 20, deadline=time.monotonic() + 5)
        assert type(head) is dict and all(type(buffer) is bytearray for buffer in buffers)


replies = st.fixed_dictionaries(
    {},
    optional={
        "value": encoded | bodies,
        "changed": st.lists(st.tuples(st.integers(-2, 3) | scalars, encoded) | scalars, max_size=2) | scalars,
        "error": st.sampled_from(["ValueError", "SystemExit", "KeyboardInterrupt", "BoxError", "UnicodeDecodeError"])
        | scalars
        | bodies,
        "message": scalars,
        "traceback": scalars | st.lists(scalars, max_size=2),
        "callback": st.integers(-1, 2) | scalars | bodies,
        "args": st.lists(encoded, max_size=2) | scalars,
        "kwargs": st.dictionaries(st.text(max_size=3), encoded, max_size=2) | scalars,
        "outputs": scalars | st.lists(st.deferred(lambda: outputs) | scalars, max_size=3),
    },
)
outputs = st.fixed_dictionaries(
    {},
    optional={
        "output_type": st.sampled_from(["stream", "error", "display_data", "execute_result", "update_display_data"])
        | scalars,
        "name": st.sampled_from(["stdout", "stderr"]) | scalars,
        "text": scalars | st.lists(scalars, max_size=2),
        "ename": scalars,
        "evalue": scalars,
        "traceback": st.lists(scalars, max_size=3) | scalars,
        "data": scalars
        | st.dictionaries(
            st.sampled_from(["text/plain", "text/html", "image/png", "image/svg+xml"]), scalars | json_values
        ),
        "metadata": json_values,
        "execution_count": scalars,
    },
)


@fuzz(500, 40_000)
@example([{"callback": 0, "args": None}], [], Kind.OPAQUE)
@example([{"value": {"value": None}, "changed": None}], [], Kind.OPAQUE)
@given(
    st.lists(replies, min_size=1, max_size=3), st.lists(st.binary(max_size=24), max_size=2), st.sampled_from(list(Kind))
)
def test_any_reply_to_a_request_is_plain_data_or_a_verdict(heads, buffers, kind):
    """The student's exceptions are `Exception`s of builtin types; whatever breaks the rules closes the box in words."""
    given_list, given_array = [1, 2], np.arange(3.0)
    with peer_sends(b"".join(message(head, buffers) for head in heads)) as ours:
        box = Box(ours, Limits(call_seconds=5, callbacks=3))
        try:
            value = box.request("call", lambda x: x, given_list, given_array, kwargs={"k": {"a": 1}}, answers=kind)
        except BoxError as error:
            assert box.broken and str(error) == box.broken
        except Exception as error:
            assert any("error" in head for head in heads), repr(error)
        else:
            assert_plain(value)
    assert given_array.dtype == float and given_array.shape == (3,)


@fuzz(500, 40_000)
@example({"callback": 0, "args": None}, [])
@given(replies, st.lists(outputs, max_size=4))
def test_any_outputs_of_a_cell_make_a_valid_notebook(head, made):
    with peer_sends(message({**head, "outputs": made} if made else head, [])) as ours:
        box = Box(ours, Limits())
        try:
            found = box.run("1")
        except BoxError:
            return
    notebook = new_notebook(cells=[new_code_cell("1", outputs=[nbformat.NotebookNode(output) for output in found])])
    nbformat.validate(notebook)
    json.dumps(notebook)
    assert not re.search(r"text/html|svg|javascript", " ".join(k for o in found for k in o.get("data", {})))


# ---- from end to end -----------------------------------------------------------------------------------------------

LINES = [
    "def double(x): return x * 2",
    "def double(x):\n    return x",
    "double = 4",
    "raise SystemExit",
    "import os; os._exit(0)",
]
LINES += [
    "def apply(f, x): return f(x)",
    "apply = lambda *a: [a]",
    "while True: pass",
    "print('2')",
    "2",
    "class double: pass",
]
LINES += [
    "def double(x):\n    x[:] = 7\n    return x",
    "def apply(f, x):\n    raise f",
    "import numpy as np\nnp.array_equal = print",
]
LINES += [
    "def double(x):\n    raise ValueError(2)",
    "(",
    "\x00",
    "%%bash\nls",
    "!ls",
    "del np",
    "double",
    "__grading__ = 3",
    "None",
]


@pytest.fixture(scope="module")
def boxes() -> Iterator[Any]:
    opened = open_boxes(
        [], Limits(cell_seconds=0.3, call_seconds=0.3, hurried_seconds=0.1, grace_seconds=0.3, total_seconds=3)
    )
    yield opened
    opened.close()


@pytest.mark.box
@fuzz(15, 1500)
@given(value=st.data())
def test_any_submission_is_graded_with_points_in_bounds(make_source, make_submission, boxes, tmp_path_factory, value):
    path: Path = tmp_path_factory.getbasetemp() / "fuzzed" / "hw.ipynb"
    if not path.exists():
        path.parent.mkdir()
        nbformat.write(make_source(), path)
    texts = {
        name: "\n".join(value.draw(st.lists(st.sampled_from(LINES), max_size=3)))
        for name in ("setup", "double", "apply")
    }
    raw = make_submission(**texts)
    if value.draw(st.booleans()):
        raw = value.draw(damaged(raw))
    graded = grade(Assignment.read(path), raw, 1, boxes)
    assert set(graded.scores) == {"double-check", "apply-check"}
    assert 0 <= graded.scores["double-check"] <= 2 and 0 <= graded.scores["apply-check"] <= 1
    assert math.isfinite(graded.total) and graded.faults == []
    nbformat.validate(graded.notebook)
