import inspect
import re
from pathlib import Path

import pytest

from course import ops
from course.ops import convolution_naive, pooling_naive

# no pair: losses hold their gradient, im2col and col2im are each other's backward
SINGLE = {"RunningStatistics", "softmax_loss", "hinge_loss", "squared_loss", "im2col", "col2im"}
FORWARD = [name for name in ops.__all__ if not name.endswith("_backward") and name not in SINGLE]


def test_the_front_door_is_sorted_and_complete():
    assert ops.__all__ == sorted(ops.__all__)
    assert set(SINGLE) <= set(ops.__all__)
    assert [f"{name}_backward" for name in FORWARD] == [name for name in ops.__all__ if name.endswith("_backward")]


@pytest.mark.parametrize("name", FORWARD)
def test_signatures_follow_the_contract(name):
    """Arrays first, then keywords; a backward takes dy and the cache."""
    forward, backward = getattr(ops, name), getattr(ops, f"{name}_backward")
    positional = [p.name for p in inspect.signature(forward).parameters.values() if p.kind is not p.KEYWORD_ONLY]
    extra = {"batch_norm": ["running"], "pad2d": ["pad", "mode"], "max_pool2d": ["field"], "avg_pool2d": ["field"]}
    extra |= {"upsample_nearest2d": ["scale"], "upsample_bilinear2d": ["scale"]}
    arrays = {"x", "w", "b", "a", "gamma", "beta", "scores"}
    assert set(positional) <= arrays | set(extra.get(name, []))
    assert list(inspect.signature(backward).parameters)[:2] == ["dy", "cache"]


@pytest.mark.parametrize("name", ops.__all__)
def test_every_public_docstring_shows_an_example(name):
    assert ">>> " in inspect.getdoc(getattr(ops, name)) or name == "RunningStatistics"


FUNCTIONS = [(ops, name) for name in ops.__all__ if name != "RunningStatistics"]
FUNCTIONS += [(module, name) for module in (convolution_naive, pooling_naive) for name in module.__all__]


@pytest.mark.parametrize(("module", "name"), FUNCTIONS, ids=lambda part: getattr(part, "__name__", part))
def test_every_public_docstring_is_complete(module, name):
    """Shapes (or arguments and results), errors, a source and an example, in this order; the errors by their kind."""
    text = inspect.getdoc(getattr(module, name))
    first = ["Shapes:"] if "Shapes:" in text else ["Args:", "Returns:"]
    places = [text.find(part) for part in (*first, "Raises:", "Source:", ">>> ")]
    assert -1 not in places and places == sorted(places)
    assert "TypeError" in text.partition("Raises:")[2].partition("Source:")[0]


def test_the_introduction_says_where_to_read_every_module():
    modules = {path.stem for path in Path(ops.__file__).parent.glob("*.py")} - {"__init__"}
    assert modules <= set(re.findall(r"\w+", ops.__doc__))
    assert "course/NOTATION.md" in ops.__doc__
