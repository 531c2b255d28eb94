import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from course import shapes
from course.shapes import (
    affine_parameters,
    conv2d_parameters,
    conv2d_shape,
    conv_transpose2d_shape,
    four,
    output_size,
    pair,
    pool2d_shape,
    transposed_size,
)

small = st.integers(1, 12)
geometry = {"size": small, "field": st.integers(1, 5), "stride": st.integers(1, 4), "pad": st.integers(0, 3)}


def positions(size, field, stride, pad, dilation):
    """Slide the window by hand: the first cells of all positions at which it lies on the padded input."""
    first, found = -pad, []
    while first + dilation * (field - 1) <= size + pad - 1:
        found.append(first)
        first += stride
    return found


@given(**geometry, dilation=st.integers(1, 3))
def test_floor_counts_the_positions_of_a_sliding_window(size, field, stride, pad, dilation):
    found = positions(size, field, stride, pad, dilation)
    assume(found)
    assert output_size(size, field, stride=stride, pad=pad, dilation=dilation, floor=True) == len(found)


@given(**geometry, dilation=st.integers(1, 3))
def test_a_window_fits_when_the_last_position_reaches_the_end(size, field, stride, pad, dilation):
    found = positions(size, field, stride, pad, dilation)
    arguments = {"stride": stride, "pad": pad, "dilation": dilation}
    if found and found[-1] + dilation * (field - 1) == size + pad - 1:
        assert output_size(size, field, **arguments) == len(found)
    else:
        with pytest.raises(ValueError, match="is not whole" if found else "is not a size"):
            output_size(size, field, **arguments)
        if not found:
            with pytest.raises(ValueError, match="is not a size"):
                output_size(size, field, floor=True, **arguments)


@given(**geometry)
def test_transposed_undoes_output(size, field, stride, pad):
    assume((size - 1) * stride + field > 2 * pad)
    whole = transposed_size(size, field, stride=stride, pad=pad)
    assume(whole + 2 * pad >= field)
    assert output_size(whole, field, stride=stride, pad=pad) == size


@given(size=small, half=st.integers(0, 4))
def test_padding_by_half_the_field_keeps_the_size(size, half):
    assert output_size(size, 2 * half + 1, pad=half) == size


MESSAGES = [
    (
        (7, 3, {"stride": 3}),
        "(7 − 3)/3 + 1 = 2.33 is not whole: a field of 3 does not fit on 7 cells with stride 3; "
        "stride 1, 2, 4 would fit, or floor=True, which never sees the last 1",
    ),
    (
        (3, 5, {}),
        "(3 − 5)/1 + 1 = −1 is not a size: a field of 5 does not fit on 3 cells; pad 1 would be enough",
    ),
    (
        (224, 7, {"stride": 2, "pad": 3}),
        "(224 + 2·3 − 7)/2 + 1 = 112.5 is not whole: a field of 7 does not fit on 224 cells padded by 3 "
        "with stride 2; stride 1, 223 would fit, or floor=True, which never sees the last 1",
    ),
    (
        (10, 3, {"stride": 4, "dilation": 2}),
        "(10 − 5)/4 + 1 = 2.25 is not whole: a field of 3, spread over 5 by dilation 2, does not fit on 10 cells "
        "with stride 4; stride 1, 5 would fit, or floor=True, which never sees the last 1",
    ),
    ((1002, 1, {"stride": 1000}), "(1002 − 1)/1000 + 1 = 2.001 is not whole"),
]


@pytest.mark.parametrize(("arguments", "message"), MESSAGES)
def test_what_does_not_fit_shows_the_arithmetic(arguments, message):
    size, field, hyper = arguments
    with pytest.raises(ValueError) as caught:
        output_size(size, field, **hyper)
    assert str(caught.value).startswith(message)


@given(**geometry, dilation=st.integers(1, 3))
def test_the_advice_is_right(size, field, stride, pad, dilation):
    try:
        output_size(size, field, stride=stride, pad=pad, dilation=dilation)
    except ValueError as error:
        advice = str(error).split("; ")[-1]
        if advice.startswith("pad"):
            enough = int(advice.split()[1])
            assert output_size(size, field, stride=stride, pad=enough, dilation=dilation, floor=True) >= 1
            with pytest.raises(ValueError, match="is not a size"):
                output_size(size, field, stride=stride, pad=enough - 1, dilation=dilation, floor=True)
        else:
            for fitting in advice.removeprefix("stride ").split(" would")[0].split(", "):
                assert output_size(size, field, stride=int(fitting), pad=pad, dilation=dilation)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((0, 3, {}), ValueError, "size=0 is too small; 1 or more would fit"),
        ((7, 0, {}), ValueError, "field=0 is too small; 1 or more would fit"),
        ((7, 3, {"stride": 0}), ValueError, "stride=0 is too small; 1 or more would fit"),
        ((7, 3, {"pad": -1}), ValueError, "pad=-1 is too small; 0 or more would fit"),
        ((7, 3, {"dilation": 0}), ValueError, "dilation=0 is too small; 1 or more would fit"),
        ((7.0, 3, {}), TypeError, r"size=7\.0 is not a whole number"),
        ((7, "3", {}), TypeError, "field='3' is not a whole number"),
        ((7, 3, {"stride": True}), TypeError, "stride=True is not a whole number"),
        ((7, 3, {"stride": None}), TypeError, "stride=None is not a whole number"),
    ],
)
def test_arguments_that_mean_nothing(arguments, error, message):
    size, field, hyper = arguments
    with pytest.raises(error, match=message):
        output_size(size, field, **hyper)


def test_numbers_from_numpy_are_whole_numbers_too():
    assert output_size(np.int64(7), np.int32(3), stride=np.uint8(2)) == 3
    assert type(output_size(np.int64(7), np.int32(3))) is int


def test_transposed_size_by_hand_and_what_it_refuses():
    assert transposed_size(2, 3, stride=2) == 5  # (2 − 1)·2 + 3
    assert transposed_size(4, 4, stride=2, pad=1) == 8
    with pytest.raises(ValueError, match="= 0 is not a size: pad 1 cuts everything off; 0 or less would fit"):
        transposed_size(1, 2, pad=1)
    with pytest.raises(ValueError) as caught:
        transposed_size(2, 2, pad=3)
    assert str(caught.value) == "(2 − 1)·1 + 2 − 2·3 = −3 is not a size: pad 3 cuts everything off; 1 or less would fit"


def test_pair():
    assert pair(3) == (3, 3)
    assert pair((1, 2)) == pair([1, 2]) == (1, 2)
    assert pair(0, least=0) == (0, 0)
    with pytest.raises(ValueError, match=r"stride=\(1, 2, 3\) has length 3; a number or a pair"):
        pair((1, 2, 3), "stride")
    with pytest.raises(TypeError, match=r"pad=1\.5 is not a whole number"):
        pair((1, 1.5), "pad")
    with pytest.raises(TypeError, match="field='33' is not a whole number"):
        pair("33", "field")
    with pytest.raises(ValueError, match="field=0 is too small; 1 or more would fit"):
        pair((1, 0), "field")


def test_a_number_that_is_not_whole_is_told_what_would_fit():
    with pytest.raises(TypeError, match=r"^stride=1\.0 is not a whole number; an int of 1 or more would fit$"):
        output_size(7, 3, stride=1.0)
    with pytest.raises(TypeError, match=r"^pad=None is not a whole number; an int of 0 or more would fit$"):
        output_size(7, 3, pad=None)


def test_four():
    assert four([np.int64(0), 3, 7, 8]) == (0, 3, 7, 8)
    with pytest.raises(TypeError, match=r"^x=7 is not a shape; \(N, C, H, W\) would fit, four whole numbers$"):
        four(7, "x")
    with pytest.raises(TypeError, match=r"^shape=\(1, 2, 3, 4\.5\) is not a shape"):
        four((1, 2, 3, 4.5))
    with pytest.raises(ValueError, match=r"^x has shape \(1, 3, 0, 8\); \(N, C, H, W\) would fit, H and W at least 1"):
        conv2d_shape((1, 3, 0, 8), (2, 3, 3, 3))
    with pytest.raises(
        ValueError, match=r"^w has shape .*; \(K, C, FH, FW\) would fit, FH and FW at least 1, K and C at"
    ):
        conv2d_shape((1, 3, 8, 8), (2, 3, 3, 0))


def test_conv2d_shape():
    assert conv2d_shape((2, 3, 7, 9), (4, 3, 3, 2)) == (2, 4, 5, 8)
    assert conv2d_shape((2, 3, 7, 9), (4, 3, 3, 3), stride=(2, 3), pad=(1, 0)) == (2, 4, 4, 3)
    assert conv2d_shape((2, 4, 9, 9), (6, 2, 3, 3), groups=2, dilation=(1, 2)) == (2, 6, 7, 5)
    assert conv2d_shape((2, 3, 8, 8), (4, 3, 3, 3), stride=2, floor=True) == (2, 4, 3, 3)
    assert conv2d_shape((0, 3, 8, 8), (4, 3, 3, 3)) == (0, 4, 6, 6)


@pytest.mark.parametrize(
    ("x", "w", "hyper", "message"),
    [
        ((1, 3, 8, 8), (2, 4, 3, 3), {}, "^w has 4 channels, x has 3$"),
        ((1, 4, 8, 8), (2, 4, 3, 3), {"groups": 2}, "w has 4 channels, x has 4; in 2 groups its filters must have 2"),
        ((1, 3, 8, 8), (2, 1, 3, 3), {"groups": 2}, "groups=2 must divide both: x has 3 channels, w has 2 filters"),
        ((1, 4, 8, 8), (3, 2, 3, 3), {"groups": 2}, "groups=2 must divide both: x has 4 channels, w has 3 filters"),
        ((3, 8, 8), (2, 3, 3, 3), {}, r"x has shape \(3, 8, 8\); \(N, C, H, W\) would fit"),
        ((1, 3, 8, 8), (2, 3, 3), {}, r"w has shape \(2, 3, 3\); \(K, C, FH, FW\) would fit"),
        ((1, 3, 8, 8), (2, 3, 3, 9), {}, r"\(8 − 9\)/1 \+ 1 = 0 is not a size"),
    ],
)  # fmt: skip
def test_conv2d_shape_refuses(x, w, hyper, message):
    with pytest.raises(ValueError, match=message):
        conv2d_shape(x, w, **hyper)


def test_pool2d_shape():
    assert pool2d_shape((2, 3, 8, 6), 2) == (2, 3, 4, 3)
    assert pool2d_shape((2, 3, 7, 9), (3, 2), stride=(2, 1), pad=(1, 0)) == (2, 3, 4, 8)
    assert pool2d_shape((2, 3, 7, 7), 2, floor=True) == (2, 3, 3, 3)
    with pytest.raises(ValueError, match=r"\(7 − 2\)/2 \+ 1 = 3\.5 is not whole"):
        pool2d_shape((2, 3, 7, 7), 2)
    with pytest.raises(ValueError, match=r"pad=\(2, 0\) is not smaller than field=\(2, 3\)"):
        pool2d_shape((2, 3, 8, 8), (2, 3), pad=(2, 0))
    with pytest.raises(ValueError, match=r"pad=\(0, 2\) is not smaller than field=\(2, 2\)"):
        pool2d_shape((2, 3, 8, 8), 2, pad=(0, 2))
    with pytest.raises(ValueError, match=r"x has shape \(8, 8\); \(N, C, H, W\) would fit"):
        pool2d_shape((8, 8), 2)


def test_conv_transpose2d_shape():
    assert conv_transpose2d_shape((2, 3, 4, 5), (3, 6, 2, 3)) == (2, 6, 5, 7)
    assert conv_transpose2d_shape((2, 3, 4, 5), (3, 6, 2, 3), stride=(2, 1), pad=(0, 1)) == (2, 6, 8, 5)
    with pytest.raises(ValueError, match=r"w has 4 channels, x has 3; w is \(C, K, FH, FW\)"):
        conv_transpose2d_shape((2, 3, 4, 5), (4, 6, 2, 2))


def test_parameters():
    assert affine_parameters(400, 120) == 48120
    assert affine_parameters(400, 120, bias=False) == 48000
    assert conv2d_parameters(3, 10, (5, 3)) == (45 + 1) * 10
    assert conv2d_parameters(3, 10, 5, bias=False) == 750
    assert conv2d_parameters(32, 32, 3, groups=32, bias=False) == 288
    with pytest.raises(ValueError, match="groups=2 must divide both: 3 channels, 4 filters"):
        conv2d_parameters(3, 4, 3, groups=2)


def test_public_names_are_sorted_and_there():
    assert sorted(shapes.__all__) == shapes.__all__
    assert all(hasattr(shapes, name) for name in shapes.__all__)
