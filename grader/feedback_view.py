"""What of a graded notebook a feedback page shows: the rules on hidden tests, bounds on size, no layout."""

from __future__ import annotations

import builtins
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from markupsafe import Markup
from nbformat import NotebookNode
from nbgrader.preprocessors import ClearHiddenTests, ClearMarkScheme
from traitlets.config import Config

from . import harmless
from .cells import grade_id, is_graded, is_solution, is_test
from .found import UNWRITTEN, checks, error_names, found
from .grade import CHECK, OURS
from .graft import is_students
from .marks import Key, Sheet
from .pages import exercise_name

CHARACTERS = 20_000  # of one cell or output
PAGE_CHARACTERS = 2_000_000  # of what the student wrote and printed
FORMATTED = 100_000  # of that, highlighted or read as markdown; the rest stands as it is
PICTURES = 10_000_000  # characters of all pictures
ADDED = "Cell added by you"
UNANSWERED = "not answered"


@dataclass(frozen=True)
class Regions:
    """How lines of an instructor's cell are marked that no student may see: pairs of begin and end."""

    hidden: tuple[str, str] = ("BEGIN HIDDEN TESTS", "END HIDDEN TESTS")
    scheme: tuple[str, str] = ("=== BEGIN MARK SCHEME ===", "=== END MARK SCHEME ===")

    @classmethod
    def configured(cls, config: Config) -> Regions:
        """The marks that nbgrader goes by in this class."""
        tests, scheme = ClearHiddenTests(config=config), ClearMarkScheme(config=config)
        return cls(
            (tests.begin_test_delimeter, tests.end_test_delimeter),
            (scheme.begin_mark_scheme_delimeter, scheme.end_mark_scheme_delimeter),
        )

    def has_hidden_tests(self, cell: NotebookNode) -> bool:
        return is_test(cell) and self.hidden[0] in cell.source

    def cut(self, source: str) -> str:
        """The source without those regions; one without an end reaches to the end of the cell.

        >>> print(Regions().cut("a = 1\\n### BEGIN HIDDEN TESTS\\nb = 2\\n### END HIDDEN TESTS\\nc = 3"))
        a = 1
        # … hidden tests
        c = 3
        """
        for (begin, end), instead in ((self.hidden, ["# … hidden tests"]), (self.scheme, [])):
            kept: list[str] = []
            inside = False
            for line in source.split("\n"):
                if begin in line and not inside:
                    kept += instead
                    inside = True
                elif end in line:
                    inside = False
                elif not inside:
                    kept.append(line)
            source = "\n".join(kept)
        return source


@dataclass
class Part:
    """Something of a cell: `kind` is source, how (it was tested), html, picture, text, error, mistake or note."""

    kind: str
    content: str | Markup
    name: str = ""


@dataclass
class Row:
    """An exercise's line in the table of points."""

    title: str
    worth: float
    earned: float | None = None  # None waits for a person
    found: list[str] = field(default_factory=list)  # by the test, in a few words
    anchor: str = ""


@dataclass
class Block:
    """A cell, or what lies between two that matter: folded prose of the notebook."""

    kind: str  # exercise, test, answer, own, prose
    title: str
    parts: list[Part] = field(default_factory=list)
    row: Row | None = None
    comment: Markup | None = None
    folded: bool = False  # needs no reading


@dataclass
class View:
    """What a page shows of one notebook."""

    rows: list[Row]
    blocks: list[Block] = field(default_factory=list)
    rejected: str = ""  # why the submission could not be graded at all

    @property
    def is_untouched(self) -> bool:
        """Whether nothing was written anywhere."""
        return bool(self.rows) and all(row.found in ([UNWRITTEN], [UNANSWERED]) for row in self.rows)


def view(
    graded: NotebookNode, notebook: str, sheet: Sheet, exercises: dict[Key, float], regions: Regions = Regions()
) -> View:
    """Decide what is shown of a graded notebook."""
    return _Viewer(notebook, sheet, exercises, regions).view(graded)


class _Viewer:
    def __init__(self, notebook: str, sheet: Sheet, exercises: dict[Key, float], regions: Regions) -> None:
        self.notebook, self.sheet, self.regions = notebook, sheet, regions
        self.rows = {
            key[1]: Row(exercise_name(key[1]), worth, sheet.scores.get(key), anchor=f"cell-{number}")
            for number, (key, worth) in enumerate(exercises.items())
            if key[0] == notebook
        }
        self.untouched: dict[str, Block] = {}  # exercises that were left as they came, by title
        self.tested = False  # a hidden test has run: student code may know its inputs
        self.characters, self.formatted, self.pictures = PAGE_CHARACTERS, FORMATTED, PICTURES

    def view(self, graded: NotebookNode) -> View:
        shown = View(list(self.rows.values()))
        tests = [cell for cell in graded.cells if is_test(cell)]
        if tests and all(error_names(cell) == {"Rejected"} for cell in tests):
            shown.rejected = next(output.evalue for output in tests[0].outputs if output.output_type == "error")
            return shown
        for cell in graded.cells:
            block = self._block(cell)
            if block.row and cell.cell_type == "code":
                block.row.found += found(cell)
            last = shown.blocks[-1] if shown.blocks else None
            if block.kind == "prose" and last and last.kind == "prose":
                last.parts += block.parts
                last.title = last.title or block.title
            elif (block.parts or block.kind != "prose") and not self._is_folded_away(block):
                shown.blocks.append(block)
            self.tested |= self.regions.has_hidden_tests(cell)
        return shown

    def _is_folded_away(self, block: Block) -> bool:
        """Fold what needs no reading: a passed test, what was left as it came; whether a test went into that fold."""
        if block.row is None or block.comment:
            return False
        passed = block.row.earned is not None and block.row.earned >= block.row.worth > 0
        block.folded = passed if block.kind == "test" else block.row.found == [UNANSWERED]
        written = self.untouched.get(block.row.title) if block.kind == "test" else None
        if written is None or block.row.found != [UNWRITTEN] or written.comment:
            return False
        written.folded, written.row = True, block.row
        written.parts += [part for part in block.parts if part.kind == "how"]
        return True

    def _block(self, cell: NotebookNode) -> Block:
        name = grade_id(cell) or ""
        added = bool(cell.metadata.get("convnet_course", {}).get("added"))
        untouched = (self.notebook, name) in self.sheet.untouched
        parts = [*self._source(cell, students=added or is_students(cell)), *self._outputs(cell)]
        if is_test(cell):
            kind, title = "test", f"Test of {exercise_name(name)}"
        elif is_solution(cell) or is_graded(cell):
            kind, title = ("exercise" if cell.cell_type == "code" else "answer"), exercise_name(name)
        elif added or any(part.kind == "error" for part in parts):
            kind, title = "own", ADDED if added else "Cell of the notebook"
        else:
            kind, title = "prose", _heading(cell)
        row, comment = self.rows.get(name), self.sheet.comments.get((self.notebook, name))
        if row and untouched:
            row.found.append(UNANSWERED)
        if comment:
            for other in self.rows.values():
                other.found += ["see the comment"] if other.title == exercise_name(name) else []
        told = harmless.theirs(self._text(comment)) if comment else None
        block = Block(kind, title, parts, row, told)
        if untouched and kind == "exercise":
            self.untouched[title] = block
        return block

    def _source(self, cell: NotebookNode, *, students: bool) -> Iterator[Part]:
        if not cell.source.strip():
            return
        if not students:
            source = self.regions.cut(cell.source)
            attachments = json.dumps(cell.get("attachments", {}), sort_keys=True)
            shown = harmless.code(source) if cell.cell_type == "code" else harmless.ours(source, attachments)
        else:
            text = self._text(cell.source)
            self.formatted -= len(text)
            if self.formatted < 0:
                shown = Markup("<pre>{}</pre>").format(text)
            else:
                shown = harmless.code(text) if cell.cell_type == "code" else harmless.theirs(text)
        yield Part("how" if is_test(cell) else "source", shown)

    def _text(self, text: str) -> str:
        """A student's text, within the bounds of a cell and of the page."""
        limit = max(0, min(CHARACTERS, self.characters))
        self.characters -= min(len(text), limit)
        return harmless.plain(text, limit)

    # ---- outputs -----------------------------------------------------------------------------------------------

    def _outputs(self, cell: NotebookNode) -> Iterator[Part]:
        if cell.cell_type != "code":
            return
        if is_test(cell):
            yield from sorted(self._of_test(cell), key=lambda part: part.kind != "mistake")  # the best help first
        elif self.tested and cell.outputs:
            yield from _of_cell_after_hidden_test(cell)
        else:
            yield from self._of_cell(cell)

    def _of_test(self, cell: NotebookNode) -> Iterator[Part]:
        """What trusted code made: reports, and what went wrong. Of hidden tests only what the reports say."""
        hidden, reported, kept = self.regions.has_hidden_tests(cell), False, list(checks(cell))
        for output in cell.outputs:
            data = output.get("data", {})
            if output.output_type == "display_data" and isinstance(report := data.get(CHECK), dict):
                reported = True
                if report not in kept:
                    continue
                if "cases" not in report:
                    mistake = report.get("mistake", {})
                    yield Part("mistake", str(mistake.get("message")), str(mistake.get("name")))
                elif "text/html" in data:
                    yield Part("html", harmless.fragment(data["text/html"]))
                else:
                    yield Part("text", self._text(data.get("text/plain", "")))
            elif output.output_type == "error":
                if not (reported and output.ename == "NotImplementedError"):
                    yield self._of_failed_test(output, hidden)
            elif output.output_type != "execute_result" and not hidden:
                yield from self._of_output(output)

    def _of_failed_test(self, output: NotebookNode, hidden: bool) -> Part:
        if output.ename in OURS:
            return Part("error", output.evalue)
        if output.ename == "NotImplementedError":
            return Part("error", UNWRITTEN)
        if hidden:
            return Part("error", "The test ended early, with an error; not shown, for the test has hidden parts.")
        return Part("error", self._text(f"{output.ename}: {output.evalue}" if output.evalue else output.ename))

    def _of_cell(self, cell: NotebookNode) -> Iterator[Part]:
        for output in cell.outputs:
            if output.output_type == "error" and output.ename in OURS:
                yield Part("error", output.evalue)
            elif output.output_type == "error":
                yield Part("error", self._text("\n".join(output.traceback) or f"{output.ename}: {output.evalue}"))
            else:
                yield from self._of_output(output)

    def _of_output(self, output: NotebookNode) -> Iterator[Part]:
        """A picture, or text."""
        data = output.get("data", {"text/plain": output.get("text", "")})
        for kind in harmless.SIGNATURES:
            if (encoded := data.get(f"image/{kind}")) is not None:
                self.pictures -= len(encoded)
                found = harmless.picture(kind, encoded) if self.pictures >= 0 else None
                yield Part("picture", found) if found else Part("note", "A picture is not shown: damaged or too large.")
                return
        text = data.get("text/plain") or data.get("text/latex") or ""
        if text and self.characters > 0:
            yield Part("text", self._text(text))


def _of_cell_after_hidden_test(cell: NotebookNode) -> Iterator[Part]:
    """Of outputs that could tell a hidden test's inputs, only what cannot: the grader's words, the kind of an error."""
    for output in cell.outputs:
        if output.output_type == "error" and output.ename in OURS:
            yield Part("error", output.evalue)
        elif output.output_type == "error":
            known = isinstance(getattr(builtins, output.ename, None), type)
            yield Part("error", f"This cell raised {output.ename if known else 'an error'}.")
    yield Part("note", "What this cell printed is not shown: it ran after a test with hidden parts.")


def _heading(cell: NotebookNode) -> str:
    """The first heading in a markdown cell, as plain text."""
    match = re.search(r"^#{1,6}\s+(.+?)\s*#*$", cell.source, re.MULTILINE) if cell.cell_type == "markdown" else None
    return Markup(harmless.ours(match[1])).striptags() if match else ""
