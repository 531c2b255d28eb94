"""What a test cell works with: draws inputs, compares answers case by case, shows a report, counts points."""

import sys
from collections.abc import Callable, Mapping, Sequence
from types import FunctionType
from typing import Any

import numpy as np

from . import desk, records
from .blanks import Blanks
from .calls import Outcome, call, copied
from .cases import Case, judge, settle
from .compare import compare, outputs, without_cache
from .draws import Draws
from .elements import Difference
from .gradients import Quotients, forward_fault, parameter_names
from .parts import Parts, asks_for_return, lacks_return, select
from .report import Report, show
from .wording import a_call, kind, say

__all__ = ["Check"]

Function = Callable[..., Any]

_AFTER_A_TIMEOUT = 2.0  # seconds for each later case: one endless loop is enough to wait for


class Check(Draws):
    """Compares a student's function with a reference, case by case.

    Args:
        exercise: its name; the draws depend on it, and messages begin with it.
        function: the student's.
        reference: the right one; not needed for `equal`, `holds` and `raises`. If it returns a cache last (a tuple),
            the student may return the values alone or with a cache of any kind.
        returns: names and axes of what is returned, as in "dx (N, C, H, W), db (K,)"; messages use them.
        tolerance: the relative error allowed; by default 1e-6 in float64 and 1e-4 in float32.
        seconds: how long one case may take at the student's desk.

    >>> def double(x):
    ...     return x + x
    >>> check = Check("double", double, lambda x: 2 * x)
    >>> check("a matrix", check.normal(2, 3))
    >>> check.score()
    double: 1 of 1 point
      ✓ a matrix
    1.0

    While grading, the test cell's globals hold `__grading__`: the seed of the draws, the records, where to display
    and, while the build records, where to keep the answers.
    """

    def __init__(
        self,
        exercise: str,
        function: Any = None,
        reference: Function | None = None,
        *,
        returns: str = "",
        tolerance: float | None = None,
        seconds: float = 10.0,
    ) -> None:
        frame = sys._getframe(1)
        grading: dict[str, Any] | None = frame.f_globals.get("__grading__")
        self._cell = frame.f_code.co_filename if frame.f_code.co_name == "<module>" else ""
        self.exercise, self.function, self.reference = exercise, function, reference
        self.tolerance, self._named = tolerance, outputs(returns)
        self._grading = grading or {}
        # while grading, the box has its own limits
        self._seconds: float | None = seconds if grading is None else self._grading.get("seconds")
        self._seed: int | None = self._grading.get("seed")
        super().__init__(exercise, self._seed)
        recorded = self._grading.get("records")
        self._records = records.load(exercise) if grading is None else records.of_exercise(recorded, exercise)
        self._blanks = Blanks(exercise, self._records, self._grading)
        self._cases: list[Case] = []
        self._answers: dict[str, records.Fingerprint | None] = {}
        self._hiding, self._parts = False, Parts()

    # ---- cases -------------------------------------------------------------------------------------------------

    def hide(self) -> None:
        """Show of the following cases only label and verdict, and draw from a stream of their own.

        The first line of a hidden test, which comes last: what is cut from the release must not move the other draws.
        """
        self._hiding = True
        self.rng = Draws(f"{self.exercise}: hidden", self._seed).rng

    def __call__(
        self,
        label: str,
        /,
        *args: Any,
        only: str = "",
        points: float = 1,
        hint: str = "",
        tolerance: float | None = None,
        **kwargs: Any,
    ) -> None:
        """Call the student's function and the reference with the same arguments, and compare everything.

        Args:
            label: the case, in words; in a hidden test it must not tell the inputs.
            args: the arguments of both; `kwargs` too.
            only: of the values named in `returns`, the one that this case is about: a slip in one costs no other.
            points: the weight of the case.
            hint: shown if the case fails.
            tolerance: for this case.
        """
        if self.reference is None:
            raise TypeError(f"the check of {self.exercise} has no reference to compare with; equal and holds need none")
        expected = self.reference(*copied(args), **copied(kwargs))
        outcome = self._attempt(self.function, args, kwargs)
        expected, outcome.value = without_cache(expected, outcome.value)
        fault = None
        if only and not outcome.verdict:
            outcome.value, expected, fault = select(only, outcome.value, expected, self._named, self.exercise)
        difference = fault or self._compare(outcome, expected, tolerance, only)
        self._add(label, outcome, difference, points, hint, a_call(self.exercise, args, kwargs, self.function))
        if difference and not fault:
            self._parts.add((only, *args) if only else args, kwargs, outcome.value, expected, self._cases[-1])

    def equal(
        self, label: str, got: Any, expected: Any, *, points: float = 1, hint: str = "", tolerance: float | None = None
    ) -> None:
        """Compare a value with the right one. `got` may be a `lambda: …`, so that an error in it is one failed case."""
        outcome = self._attempt(got) if type(got) is FunctionType else Outcome(got)
        self._add(label, outcome, self._compare(outcome, expected, tolerance), points, hint)

    def holds(self, label: str, condition: Any, message: str = "", *, points: float = 1, hint: str = "") -> None:
        """Ask that a condition, or what a `lambda: …` returns, is True; if not, show the message."""
        outcome = self._attempt(condition) if type(condition) is FunctionType else Outcome(condition)
        is_true = type(outcome.value) in (bool, np.bool_) and bool(outcome.value)
        failed = None if is_true else Difference("value", message or "this does not hold")
        self._add(label, outcome, failed, points, hint)

    def raises(
        self, label: str, error: type[Exception], /, *args: Any, points: float = 1, hint: str = "", **kwargs: Any
    ) -> None:
        """Ask that the student's function refuses these arguments with an error of this type."""
        outcome = self._attempt(self.function, args, kwargs)
        difference = None
        if isinstance(outcome.exception, error):
            outcome.verdict = ""
            outcome.value = error.__name__
        elif not outcome.verdict:
            difference = Difference("value", f"returned {say(outcome.value)}, should raise {error.__name__}")
        elif outcome.verdict == "error":
            instead = f" (should raise {error.__name__})"
            outcome.message, outcome.said = (
                f"{outcome.message}{instead}".lstrip(),
                outcome.said and outcome.said + instead,
            )
        self._add(label, outcome, difference, points, hint, a_call(self.exercise, args, kwargs, self.function))
        self._cases[-1].refusal = True

    def gradient(
        self,
        label: str,
        forward: Function,
        /,
        *args: Any,
        against: Function | None = None,
        points: float = 1,
        hint: str = "",
        tolerance: float | None = None,
        **kwargs: Any,
    ) -> None:
        """Check the student's backward function on the cache of `forward`, with a random upstream gradient.

        Args:
            label: the case, in words.
            forward: the student's `y, cache = forward(*args, **kwargs)`.
            args: its arguments.
            against: the reference's forward function; its gradients, by the reference, are the right ones. Without it
                they are difference quotients of `forward`: two calls for each element.
            points: the weight of the case.
            hint: shown if the case fails.
            tolerance: for this case; 1e-5 if compared with difference quotients in float64.
        """
        outcome, difference = self._attempt(forward, args, kwargs), None
        if not outcome.verdict:
            outcome, difference = self._backward(label, outcome, forward, args, kwargs, against, tolerance)
        self._add(label, outcome, difference, points, hint, a_call("the forward function", args, kwargs))

    def _backward(
        self,
        label: str,
        outcome: Outcome,
        forward: Function,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        against: Function | None,
        tolerance: float | None,
    ) -> tuple[Outcome, Difference | None]:
        right, right_cache = against(*copied(args), **copied(kwargs)) if against else (None, None)
        if fault := forward_fault(outcome.value, right, tolerance or self.tolerance):
            return outcome, fault
        y, cache = outcome.value
        # a stream of its own: what the student returns must not move the other draws
        draws = Draws(f"{self.exercise}: {label}", self._seed)
        dy = draws.normal(*np.shape(y), dtype=np.asarray(y).dtype)
        outcome = self._attempt(self.function, (dy, cache))
        if outcome.verdict:
            return outcome, None
        if against and self.reference:
            return outcome, self._compare(outcome, self.reference(dy, right_cache), tolerance)
        quotients = Quotients(forward, args, dict(kwargs), dy)
        if quotients.are_many:
            found = self._attempt(lambda: quotients.slopes(outcome.value, draws))
            outcome.value, found.value = found.value or (None, None)
        else:
            found = self._attempt(quotients.gradients)
        if found.verdict:
            return found, None
        return outcome, self._compare(outcome, found.value, tolerance or self.tolerance or 1e-5)

    def blank(self, label: str, value: Any, *, decimals: int = 3, points: float = 1, hint: str = "") -> None:
        """Check what the student filled in by hand, against the digest of the right answer; a list one by one.

        Args:
            label: the name of the blank.
            value: a number, a word, or a list of such; `...` where nothing is filled in yet.
            decimals: how many of them count.
            points: for each blank.
            hint: shown beside a wrong one.
        """
        for case, answer in self._blanks.check(label, value, decimals):
            case.points, case.hint, case.hidden = points, case.hint or hint, self._hiding
            self._keep(case, answer)

    # ---- the result --------------------------------------------------------------------------------------------

    def score(self, points: float | None = None) -> float:
        """Show the report and give the points earned: the last line of a test cell.

        Args:
            points: what the whole check is worth; by default the sum of its cases.

        Raises:
            NotImplementedError: the student has not begun.
        """
        if not self._cases:
            raise ValueError(f"the check of {self.exercise} has no case")
        settle(self._cases)
        report = Report(self.exercise, self._cases, float(points or sum(case.points for case in self._cases)))
        recording = self._grading.get("answers")
        if recording is not None:
            shown = {case.label for case in self._cases if not case.hidden}
            recording[self.exercise] = {label: self._answers[label] for label in self._answers if label in shown}
        failed = {case.label for case in self._cases if not case.is_right and not case.hidden}
        is_drawn = any(isinstance(answer, dict) for answer in self._answers.values())
        if failed and (self._seed is None or not is_drawn):  # other draws have other answers
            report.mistake = records.diagnose(self._records, self._answers, failed)
        display = self._grading.get("display")
        if display is not None:
            display(report.bundle())
        else:
            report.note = desk.changed(self.exercise) or desk.uses_reference(self.exercise)
            show(report)
        if report.unwritten:
            raise desk.quiet(NotImplementedError(f"{self.exercise}: not written yet"))
        return report.points if display is not None else desk.points(report.points)

    # ---- inside ------------------------------------------------------------------------------------------------

    def _attempt(self, function: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None) -> Outcome:
        if not callable(function):
            message = f"{self.exercise} is {kind(function)}, should be a function"
            return Outcome(verdict="error", error="TypeError", message=message)
        names = parameter_names(self.reference, function) if function is self.function else []
        outcome = call(function, args, kwargs, seconds=self._seconds, names=names, cell=self._cell)
        if function is self.function and outcome.value is None and not outcome.verdict:
            outcome.without_return = lacks_return(function, self.exercise, self._cell)
        if outcome.verdict == "timeout" and self._seconds:
            self._seconds = min(self._seconds, _AFTER_A_TIMEOUT)
        return outcome

    def _compare(self, outcome: Outcome, expected: Any, tolerance: float | None, only: str = "") -> Difference | None:
        if outcome.verdict:
            return None
        named = [output for output in self._named if only in ("", output.name)]
        found = compare(outcome.value, expected, tolerance=tolerance or self.tolerance, named=named)
        return asks_for_return(found) if found and outcome.without_return else found

    def _add(
        self, label: str, outcome: Outcome, difference: Difference | None, points: float, hint: str, called: str = ""
    ) -> None:
        case = judge(label, outcome, difference, called)
        case.points, case.hint, case.hidden = points, hint, self._hiding
        self._keep(case, records.fingerprint(outcome))

    def _keep(self, case: Case, answer: records.Fingerprint | None) -> None:
        if case.label in self._answers:
            raise ValueError(f"the check of {self.exercise} has two cases called {case.label!r}")
        self._answers[case.label] = answer
        self._cases.append(case)
