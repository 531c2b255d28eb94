"""Calling what a student wrote, whatever it does."""

import signal
import threading
import time
import warnings
from typing import Any

import numpy as np
import pytest

from course.check import Check
from course.check.calls import Outcome, call

LIMIT = 0.2


def loop_for_ever() -> None:
    while True:
        time.sleep(0)


def loop_that_catches_everything() -> None:
    while True:
        try:
            time.sleep(0)
        except:  # noqa: E722
            return  # gives up at the second interruption at the latest


def swallow_once() -> None:
    try:
        loop_for_ever()
    except BaseException:
        loop_for_ever()


@pytest.mark.parametrize("endless", [loop_for_ever, swallow_once])
def test_an_endless_loop_is_ended_and_its_line_is_said(endless: Any) -> None:
    outcome = call(endless, seconds=LIMIT)
    assert outcome.verdict == "timeout"
    assert outcome.message == "did not finish within 0.2 s: is there a loop that never ends?"
    assert outcome.where.startswith("in loop_for_ever, line ")


def test_code_that_catches_everything_comes_to_an_end_too() -> None:
    assert call(loop_that_catches_everything, seconds=LIMIT).verdict == ""


def test_an_endless_loop_is_ended_in_a_thread_too() -> None:
    found: list[Outcome] = []
    thread = threading.Thread(target=lambda: found.append(call(swallow_once, seconds=LIMIT)))
    thread.start()
    thread.join()
    assert found[0].verdict == "timeout"
    assert found[0].where.startswith("in loop_for_ever, line ")


def test_somebody_elses_alarm_goes_on() -> None:
    rung: list[int] = []
    before = signal.signal(signal.SIGALRM, lambda *_: rung.append(1))
    was = signal.setitimer(signal.ITIMER_REAL, 1000)
    try:
        call(loop_for_ever, seconds=LIMIT)
        left, _ = signal.getitimer(signal.ITIMER_REAL)
        assert 900 < left < 1000
        signal.raise_signal(signal.SIGALRM)
        assert rung == [1]
    finally:
        signal.setitimer(signal.ITIMER_REAL, *was)
        signal.signal(signal.SIGALRM, before)


def test_after_one_endless_loop_the_others_get_less_time(capsys: pytest.CaptureFixture[str]) -> None:
    check = Check("loop", lambda _: loop_for_ever(), lambda x: x, seconds=LIMIT)
    check._seconds = 20.0 if check._seconds is None else check._seconds
    for i in range(3):
        check(f"case {i}", i)
    assert check.score() == 0
    shown = capsys.readouterr().out
    assert shown.count("is there a loop that never ends?") == 1
    assert shown.count("not finished, as above\n") == 2, "beside the case, not below it"


def test_arguments_are_copies_however_deep() -> None:
    given = np.zeros(2), [np.zeros(2)], {"a": (np.zeros(2),)}

    def change(a: Any, b: Any, c: Any) -> None:
        a += 1
        b[0] += 1
        c["a"][0][:] = 1

    outcome = call(change, given, seconds=None, names=["x", "y"])
    assert not given[0].any()
    assert not given[1][0].any()
    assert not given[2]["a"][0].any()
    assert outcome.changed == ["x", "y", "argument 3"]


@pytest.mark.parametrize(
    "change",
    [lambda x: x.resize(3, refcheck=False), lambda x: x.__setitem__(0, np.nan), lambda x: setattr(x, "shape", (2, 1))],
    ids=["resized", "NaN", "reshaped"],
)
@pytest.mark.filterwarnings("ignore:Setting the shape")
def test_every_change_in_place_is_seen(change: Any) -> None:
    assert call(change, [np.zeros(2)], seconds=None, names=["x"]).changed == ["x"]


def test_nan_that_was_there_before_is_no_change() -> None:
    assert call(lambda x: None, [np.array([np.nan])], seconds=None).changed == []


def test_each_call_gets_the_same_random_numbers() -> None:
    rng = np.random.default_rng(0)
    first, second = (call(lambda rng: rng.normal(), [rng], seconds=None).value for _ in range(2))
    assert first == second


def test_warnings_are_heard_and_go_no_further() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        outcome = call(lambda: np.log(np.array([-1.0])), seconds=None)
    assert outcome.verdict == ""
    assert outcome.warned == ["RuntimeWarning: invalid value encountered in log"]


def test_recursion_without_end_is_named() -> None:
    def again() -> Any:
        return again()

    outcome = call(again, seconds=None)
    assert outcome.error == "RecursionError"
    assert outcome.message == "it calls itself without end"


def test_a_line_of_ours_is_never_said_to_be_the_students() -> None:
    """When the box is gone, the frames are the grader's."""
    namespace: dict[str, Any] = {"__name__": "grader.box.host"}
    exec("def ask():\n    raise RuntimeError('the box is gone')", namespace)
    outcome = call(namespace["ask"], seconds=None)
    assert (outcome.error, outcome.where) == ("RuntimeError", "")


def test_an_error_that_is_too_long_is_cut() -> None:
    def fail() -> None:
        raise ValueError("x" * 10**6 + "\n" * 100)

    assert len(call(fail, seconds=None).message) <= 300
