"""What a student reads: one screen of text, the same as HTML, and as data for those who grade.

Everything that comes from the student is escaped; nothing in the HTML is active.
"""

from dataclasses import dataclass
from html import escape
from typing import Any

from .cases import Case

__all__ = ["MIME", "Report", "show"]

MIME = "application/vnd.convnet-course.check+json"

_MARKS = {"right": "✓", "unwritten": "…"}
_WORDS = {
    "right": "right",
    "wrong": "wrong",
    "error": "error",
    "timeout": "not finished",
    "unwritten": "not written yet",
}
_AGAIN = ", as above"
_SHORT = 40  # characters that are as quickly read as "as above": a wrong number that two blanks share
_ABOVE = "the mistake named above"
_DETAILED = 5  # failed cases that are shown in full; of more, one line each


@dataclass
class Report:
    """The outcome of one check."""

    exercise: str
    cases: list[Case]
    out_of: float
    mistake: dict[str, str] | None = None
    note: str = ""  # what to know before reading on

    @property
    def points(self) -> float:
        total = sum(case.points for case in self.cases)
        earned = sum(case.points for case in self.cases if case.is_right)
        return self.out_of if earned == total else round(self.out_of * earned / total, 4)

    @property
    def unwritten(self) -> bool:
        return all(case.verdict == "unwritten" for case in self.cases)

    def bundle(self) -> dict[str, Any]:
        """The report as a MIME bundle."""
        return {"text/plain": self.text(), "text/html": self.html(), MIME: self.data()}

    def heading(self) -> str:
        if self.unwritten:
            return "not written yet"
        return f"{_amount(self.points)} of {plural_points(self.out_of)}"

    def text(self) -> str:
        rows = [f"{self.exercise}: {self.heading()}", *([f"  {self.note}"] if self.note else [])]
        if self.mistake:
            rows.append(f"  This looks like a known mistake, {self.mistake['name']}: {self.mistake['message']}")
        for case, lines in self._shown():
            word = "" if case.is_right else f"   {_WORDS[case.verdict]}"
            if lines == [_AGAIN]:
                word, lines = word + _AGAIN, []
            rows.append(f"  {_MARKS.get(case.verdict, '✗')} {case.label}{word}")
            rows += [f"      {line}" for line in lines]
            rows += [f"      {row}" for row in case.plane.split("\n") if len(lines) > 1 and row]
        return "\n".join(rows)

    def html(self) -> str:
        """The report as HTML: marks and words carry the meaning, colour only repeats it."""
        colour = "#009E73" if self.points == self.out_of else "#D55E00"  # Okabe and Ito's green and vermilion
        rows = [f"<p><strong>{escape(self.exercise)}</strong>: {escape(self.heading())}</p>"]
        if self.note:
            rows.append(f"<p><strong>{escape(self.note)}</strong></p>")
        if self.mistake:
            name, message = escape(self.mistake["name"]), escape(self.mistake["message"])
            rows.append(f"<p>This looks like a known mistake, <strong>{name}</strong>: {message}</p>")
        items = "".join(self._item(case, lines) for case, lines in self._shown())
        if items:
            rows.append(f'<ul style="list-style: none; padding-left: 0; margin: 0">{items}</ul>')
        return f'<div style="border-left: 4px solid {colour}; padding-left: 0.8em">{"".join(rows)}</div>'

    def _item(self, case: Case, lines: list[str]) -> str:
        word = "" if case.is_right else f" <em>{_WORDS[case.verdict]}</em>"
        if lines == [_AGAIN]:
            word, lines = word + _AGAIN, []
        below = "<br>".join(escape(line) for line in lines)
        table = (
            f'<pre style="line-height: 1.1; font-family: monospace">{escape(case.plane)}</pre>'
            if len(lines) > 1 and case.plane
            else ""
        )
        indented = f'<div style="margin: 0 0 0.4em 1.6em">{below}{table}</div>' if below else ""
        mark = _MARKS.get(case.verdict, "✗")
        return f'<li><span aria-hidden="true">{mark}</span> {escape(case.label)}{word}{indented}</li>'

    def _shown(self) -> list[tuple[Case, list[str]]]:
        """Each case with the lines to show: of hidden cases none, of many failures only the first in full.

        What was said above is not said again.
        """
        if self.unwritten:
            return []
        rows: list[tuple[Case, list[str]]] = []
        seen: set[tuple[str, ...]] = set()
        hints = {self.mistake["message"]: _ABOVE} if self.mistake else {}
        hints[""] = ""
        for case in self.cases:
            more = f"called as {case.called}" if case.called else ""
            hint = hints.get(case.hint, f"Hint: {case.hint}")
            if hint == _ABOVE and len(case.lines) == 1 and not more:
                lines = [f"{case.lines[0]}: {hint}"]
            else:
                lines = [*case.lines, *filter(None, [more, hint])]
            # how long it took is not worth saying again
            what = tuple(case.lines[1:] if case.verdict == "timeout" else case.lines)
            if case.hidden or case.verdict == "unwritten":
                lines = []
            elif case.is_right:
                lines = case.lines
            elif what in seen and not case.blank and (case.verdict != "wrong" or len(" ".join(what)) > _SHORT):
                lines = [_AGAIN]
            elif len(seen) == _DETAILED:
                lines = lines[:1]
            else:
                seen.add(what)
                hints.setdefault(case.hint, "the same hint as above")
            rows.append((case, lines))
        return rows

    def data(self) -> dict[str, Any]:
        """The report as JSON."""
        return {
            "exercise": self.exercise,
            "points": self.points,
            "out_of": self.out_of,
            "written": not self.unwritten,
            "mistake": self.mistake,
            "cases": [case.data() for case in self.cases],
        }


def plural_points(points: float) -> str:
    return f"{_amount(points)} point{'' if points == 1 else 's'}"


def show(report: Report) -> None:
    """Show a report: in a notebook as HTML, elsewhere as text."""
    try:
        from IPython import get_ipython
        from IPython.display import display
    except ImportError:
        print(report.text())
        return
    if get_ipython() is None:
        print(report.text())
    else:
        display(report.bundle(), raw=True)


def _amount(points: float) -> str:
    return f"{points:.2f}".rstrip("0").rstrip(".")
