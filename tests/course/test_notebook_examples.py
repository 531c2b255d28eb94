"""Every notebook: what a student is to write has an example in its docstring, and the solution does what it says."""

import doctest
import inspect
from pathlib import Path

import pytest

from grader import source

FINDER = doctest.DocTestFinder()


@pytest.fixture(scope="module", params=source.names(Path(__file__).parents[2]))
def notebook(request: pytest.FixtureRequest) -> str:
    return request.param


def test_the_examples_in_the_docstrings_run(solution: source.Solution, names: dict[str, object]) -> None:
    callables = [name for name in solution.exercises() if callable(names.get(name))]
    # a function of no arguments is a constant: an example would be the answer
    written = [n for n in callables if isinstance(names[n], type) or inspect.signature(names[n]).parameters]
    tests = {
        name: [test for test in FINDER.find(names[name], name, globs=dict(names), module=False) if test.examples]
        for name in written
    }
    assert written and [name for name in written if not tests[name]] == []
    for test in (test for found in tests.values() for test in found):
        assert doctest.DocTestRunner(verbose=False).run(test).failed == 0, test.name
