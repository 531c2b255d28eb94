"""The data that travels with the package, the generated data, splitting and standardising."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course import data
from course.data import handwriting

FILES = Path(handwriting.__file__).parent / "files"


def rng(seed=0):
    return np.random.default_rng(seed)


# ---- the package


def test_importing_costs_only_what_is_used():
    code = (
        "import sys, course.data; print([m for m in sys.modules if m.startswith(('numpy', 'pooch', 'course.data.'))])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
    code = "import sys; from course import data; data.digits(); print(sorted({'pooch', 'requests'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_every_name_is_there():
    for name in data.__all__:
        assert getattr(data, name) is not None
    assert set(data.__all__) <= set(dir(data))
    with pytest.raises(AttributeError, match="has no attribute 'digit'"):
        data.digit  # noqa: B018


def test_every_file_is_small_and_has_its_source_and_licence():
    sources = (FILES / "SOURCES.md").read_text(encoding="utf-8")
    sections = dict(
        zip(re.findall(r"^## (.+)$", sources, re.M), re.split(r"^## .+$", sources, flags=re.M)[1:], strict=True)
    )
    files = {path.name for path in FILES.iterdir()} - {"SOURCES.md"}
    assert files == set(sections)
    for name, text in sections.items():
        assert (FILES / name).stat().st_size <= 60_000
        assert "- Source:" in text
        assert "https://creativecommons.org/licenses/by/" in text


# ---- digits


def test_digits_are_the_ones_of_the_repository():
    x, y = data.digits()
    assert x.shape == (1797, 1, 8, 8)
    assert (x.dtype, y.dtype) == (np.float32, np.int64)
    np.testing.assert_array_equal(np.bincount(y), [178, 182, 177, 183, 181, 182, 181, 179, 174, 180])
    assert set(np.unique(x * 16)) == set(range(17))
    first = "0 0 5 13 9 1 0 0 0 0 13 15 10 15 5 0 0 3 15 2 0 11 8 0 0 4 12 0 0 8 8 0"
    np.testing.assert_array_equal(x[0].ravel()[:32] * 16, np.array(first.split(), float))
    assert x.sum() * 16 == 561_718  # every pixel of scikit-learn's copy, added up


def test_the_parts_are_disjoint_and_complete_and_hold_all_digits():
    x, _ = data.digits()
    (x_train, y_train), (x_test, y_test) = data.digits("train"), data.digits("test")
    assert len(x_train) + len(x_test) == len(x)
    rows = {a.tobytes() for a in x}
    assert {a.tobytes() for a in x_train} | {a.tobytes() for a in x_test} == rows
    assert not {a.tobytes() for a in x_train} & {a.tobytes() for a in x_test}
    assert np.bincount(y_test).min() > 30
    assert np.bincount(y_train).min() > 100


def test_what_one_caller_changes_no_other_sees():
    x, y = data.digits()
    x[:], y[:] = 7, 7
    again, labels = data.digits()
    assert again.max() == 1
    assert set(labels) == set(range(10))


def test_no_such_part():
    with pytest.raises(ValueError, match='part is \'dev\'; "all", "train" or "test" would fit'):
        data.digits("dev")


# ---- translated digits


def test_each_digit_is_somewhere_in_its_frame():
    x, y = data.digits("test")
    frames, labels = data.translated_digits(size=(14, 20), noise=0, part="test", rng=rng())
    assert frames.shape == (450, 1, 14, 20)
    windows = np.lib.stride_tricks.sliding_window_view(frames[:, 0], (8, 8), axis=(1, 2))
    ink = x.sum(axis=(1, 2, 3))
    seen, used = set(), []
    for frame, label, places in zip(frames, labels, windows, strict=True):
        candidates = np.flatnonzero((abs(ink - frame.sum()) < 1e-3) & (y == label))
        found = [(i, *np.argwhere((places == x[i, 0]).all(axis=(2, 3)))[0]) for i in candidates
                 if (places == x[i, 0]).all(axis=(2, 3)).any()]  # fmt: skip
        assert found
        used.append(found[0][0])
        seen.add(found[0][1:])
    assert len(set(used)) == 450  # without n, every digit once
    assert len(seen) > 60  # of 7·13 places, most


def test_the_order_is_drawn():
    _, y = data.translated_digits(rng=rng())
    _, again = data.translated_digits(rng=rng(1))
    assert not np.array_equal(y, again)
    assert not np.array_equal(y, data.digits()[1])
    assert len(np.unique(y[:40])) == 10


def test_places_are_drawn_evenly():
    frames, _ = data.translated_digits(4000, size=11, noise=0, rng=rng())
    columns, rows = frames[:, 0].sum(axis=1), frames[:, 0].sum(axis=2)
    for profile in (columns, rows):
        mean = profile.mean(axis=0)
        np.testing.assert_allclose(mean, mean[::-1], atol=0.35)  # as much at one edge as at the other


def test_more_than_there_are_begin_again():
    x, y = data.translated_digits(1000, part="test", rng=rng())
    assert len(x) == len(y) == 1000
    counts = np.bincount(y) / np.bincount(data.digits("test")[1])
    assert counts.min() > 1.9
    assert counts.max() < 2.6


def test_the_test_part_shows_handwriting_that_the_training_part_does_not():
    places = {}
    for part in ("train", "test"):
        frames, _ = data.translated_digits(size=8, noise=0, part=part, rng=rng())
        places[part] = {frame.tobytes() for frame in frames}
    assert len(places["train"]) == 1347
    assert not places["train"] & places["test"]


def test_noise_and_seed():
    a, b = (data.translated_digits(50, noise=0.2, rng=rng(3))[0] for _ in range(2))
    np.testing.assert_array_equal(a, b)
    assert a.min() >= 0
    assert a.max() <= 1
    assert a.dtype == np.float32
    clean, _ = data.translated_digits(50, noise=0, rng=rng(3))
    ground = a[clean == 0]  # half of a normal distribution, the other half cut to 0
    assert (ground == 0).mean() == pytest.approx(0.5, abs=0.02)
    assert ground[ground > 0].mean() == pytest.approx(0.2 * np.sqrt(2 / np.pi), rel=0.03)


def test_zoom_enlarges():
    small, labels = data.translated_digits(30, size=8, noise=0, rng=rng(1))
    large, again = data.translated_digits(30, size=24, zoom=3, noise=0, rng=rng(1))
    np.testing.assert_array_equal(labels, again)
    # the middle of each block of 3×3 is the old pixel, and in between nothing exceeds its neighbours
    np.testing.assert_allclose(large[:, :, 1::3, 1::3], small, atol=1e-6)
    assert large.max() <= 1
    assert 7 < large.sum() / small.sum() < 9.5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"size": 7}, "size is 7×7, a digit 8×8; at least 8×8 would fit"),
        ({"size": (20, 15), "zoom": 2}, "size is 20×15, a digit 16×16"),
        ({"size": 0}, "size is 0; 1 or more would fit"),
        ({"zoom": 0}, "zoom is 0; 1 or more"),
        ({"noise": -0.1}, "noise is -0.1; 0 or more"),
        ({"n": -1}, "n is -1; 0 or more"),
    ],
)
def test_frames_that_do_not_fit(arguments, message):
    with pytest.raises(ValueError, match=message):
        data.translated_digits(**arguments, rng=rng())


@pytest.mark.parametrize("wrong", [None, 3, np.random])
def test_a_seed_is_no_generator(wrong):
    x = np.ones((4, 2))
    for draw in (
        lambda **r: data.translated_digits(5, **r), lambda **r: data.shapes(2, **r), lambda **r: data.blobs(9, **r),
        lambda **r: data.moons(9, **r), lambda **r: data.spirals(9, **r), lambda **r: data.split(x, x, **r),
    ):  # fmt: skip
        with pytest.raises(TypeError, match=rf"rng is {re.escape(repr(wrong))}; np.random.default_rng\(0\) would fit"):
            draw(rng=wrong)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: data.translated_digits(2.5, rng=rng()), "n is 2.5; a whole number would fit"),
        (lambda: data.translated_digits(zoom=1.5, rng=rng()), "zoom is 1.5; a whole number"),
        (lambda: data.translated_digits(noise=None, rng=rng()), "noise is None; a number"),
        (lambda: data.shapes(True, rng=rng()), "n is True; a whole number"),
        (lambda: data.shapes(2, noise="0", rng=rng()), "noise is '0'; a number"),
        (lambda: data.translated_digits(9, size=16.5, rng=rng()), "size is 16.5; a whole number"),
        (
            lambda: data.translated_digits(9, size=(16,), rng=rng()),
            r"size is \(16,\); a whole number or \(H, W\) would",
        ),
        (lambda: data.translated_digits(9, size=None, rng=rng()), "size is None; a whole number"),
        (lambda: data.shapes(2, size="16", rng=rng()), "size is '16'; a whole number"),
        (lambda: data.shapes(2, size=(16, 20.0), rng=rng()), "size is 20.0; a whole number"),
        (lambda: data.shapes(2, count=(1.5, 2), rng=rng()), "count is 1.5; a whole number"),
        (lambda: data.shapes(2, count=(1, 2, 3), rng=rng()), r"count is \(1, 2, 3\); .* or \(fewest, most\) would fit"),
        (lambda: data.shapes(2, radius=0.2, rng=rng()), r"radius is 0.2; \(smallest, largest\) would fit"),
        (lambda: data.shapes(2, radius=("0.1", "0.2"), rng=rng()), "radius is '0.1'; a number"),
        (lambda: data.spirals(9, turns=None, rng=rng()), "turns is None; a number"),
        (lambda: data.blobs(9, classes=1.5, rng=rng()), "classes is 1.5; a whole number"),
        (lambda: data.moons("9", rng=rng()), "n is '9'; a whole number"),
        (lambda: data.spirals(9, noise=None, rng=rng()), "noise is None; a number"),
        (lambda: data.split([1.0, 2.0], [0, 1], rng=rng()), "x is a list; a NumPy array"),
        (lambda: data.split(np.ones(3), np.ones(3), test="0.5", rng=rng()), "test is '0.5'; a number"),
        (lambda: data.standardize([[1.0]]), "x is a list; a NumPy array"),
    ],
)
def test_what_is_of_the_wrong_kind(call, message):
    with pytest.raises(TypeError, match=message):
        call()


def test_noise_that_is_not_finite():
    for draw in (data.translated_digits, data.shapes, data.blobs, data.moons, data.spirals):
        with pytest.raises(ValueError, match="noise is nan; a finite number would fit"):
            draw(9, noise=np.nan, rng=rng())
    with pytest.raises(ValueError, match="turns is nan; a finite number would fit"):
        data.spirals(9, turns=np.nan, rng=rng())


def test_numpys_whole_numbers_are_whole():
    assert len(data.translated_digits(np.int64(3), zoom=np.uint8(1), rng=rng())[0]) == 3
    assert data.translated_digits(3, size=np.int64(9), rng=rng())[0].shape == (3, 1, 9, 9)
    drawn = data.shapes(2, size=np.array([16, 20]), count=np.int64(2), rng=rng())
    assert (drawn.x.shape, drawn.labels.shape) == ((2, 1, 16, 20), (2, 2))
    assert len(data.blobs(np.int32(9), classes=np.int64(3), rng=rng())[0]) == 9


def test_no_digits_at_all():
    x, y = data.translated_digits(0, rng=rng())
    assert (x.shape, y.shape) == ((0, 1, 16, 16), (0,))


# ---- photographs, points


@pytest.mark.parametrize("name", ["china", "flower"])
def test_photograph(name):
    rgb = data.photograph(name)
    assert rgb.shape == (120, 180, 3)
    assert rgb.dtype == np.uint8
    assert rgb.std() > 30
    rgb[:] = 0  # the caller's own
    assert data.photograph(name).any()


def test_the_photographs_show_what_they_should():
    sky = data.photograph("china")[:20, :60].mean(axis=(0, 1))
    assert sky[2] > sky[0] > 150  # a bright sky, rather blue
    red, green, blue = data.photograph("flower")[50:70, 75:95].mean(axis=(0, 1))
    assert red > green > blue  # an orange dahlia


def test_no_such_photograph():
    with pytest.raises(ValueError, match="name is 'cat'; 'china' or 'flower' would fit"):
        data.photograph("cat")


@pytest.mark.parametrize(("draw", "classes"), [(data.blobs, 3), (data.moons, 2), (data.spirals, 3)])
def test_points(draw, classes):
    x, y = draw(302, rng=rng())
    assert x.shape == (302, 2)
    assert (x.dtype, y.dtype) == (np.float32, np.int64)
    assert np.ptp(np.bincount(y)) <= 1
    assert len(np.bincount(y)) == classes
    assert len(set(y[:20])) == classes  # mixed
    again, _ = draw(302, rng=rng())
    np.testing.assert_array_equal(x, again)
    with pytest.raises(ValueError, match="noise is -1; 0 or more"):
        draw(10, noise=-1, rng=rng())
    with pytest.raises(ValueError, match=f"n is 1; at least {classes} would fit"):
        draw(1, rng=rng())


def best_line(x, y):
    """The share of points that a straight line through the least squares of the labels gets right."""
    ones = np.column_stack([x, np.ones(len(x))])
    scores = ones @ np.linalg.lstsq(ones, np.eye(y.max() + 1)[y], rcond=None)[0]
    return (scores.argmax(axis=1) == y).mean()


def test_from_easy_to_hard():
    assert best_line(*data.blobs(600, classes=2, rng=rng())) > 0.98
    assert 0.8 < best_line(*data.moons(600, rng=rng())) < 0.95
    assert best_line(*data.spirals(600, rng=rng())) < 0.7


# ---- shapes


@given(
    st.integers(0, 1000),
    st.tuples(st.integers(20, 40), st.integers(20, 40)),
    st.sampled_from([1, 2, (0, 3)]),
    st.sampled_from([0, 20, 45]),
)
def test_boxes_masks_labels_and_corners_say_the_same(seed, size, count, tilt):
    s = data.shapes(4, size=size, count=count, tilt=tilt, radius=(0.12, 0.25), noise=0, rng=rng(seed))
    height, width = size
    for i in range(4):
        fewest, most = count if isinstance(count, tuple) else (count, count)
        assert fewest <= (s.labels[i] >= 0).sum() <= most
        np.testing.assert_array_equal(s.x[i, 0] > 0, s.masks[i] > 0)
        covered = np.zeros(size, int)
        for label, (left, top, right, bottom), corners in zip(s.labels[i], s.boxes[i], s.corners[i], strict=True):
            if label < 0:
                assert (left, top, right, bottom) == (0, 0, 0, 0)
                assert np.isnan(corners).all()
                continue
            assert 0 <= left < right <= width
            assert 0 <= top < bottom <= height
            box = np.s_[int(top) : int(bottom), int(left) : int(right)]
            covered[box] += 1
            mask = s.masks[i][box] == label + 1
            assert mask.any(axis=0)[[0, -1]].all()  # tight: every edge is touched
            assert mask.any(axis=1)[[0, -1]].all()
            assert set(s.masks[i][box].ravel()) <= {0, label + 1}
            known = corners[~np.isnan(corners[:, 0])]
            assert len(known) == {"disk": 0, "square": 4, "triangle": 3, "cross": 4}[data.KINDS[label]]
            assert (known >= np.array([left, top]) - 1.5).all()
            assert (known <= np.array([right, bottom]) + 1.5).all()
        assert covered.max(initial=0) <= 1  # boxes do not overlap
        assert (s.masks[i][covered == 0] == 0).all()


def test_corners_are_where_the_shape_is():
    s = data.shapes(40, size=64, kinds=["square"], radius=(0.2, 0.3), tilt=30, noise=0, rng=rng())
    for corners, mask in zip(s.corners[:, 0], s.masks, strict=True):
        centre, sides = corners.mean(axis=0), np.diff(corners, axis=0, append=corners[:1])
        lengths = np.linalg.norm(sides, axis=1)
        np.testing.assert_allclose(lengths, lengths[0], rtol=1e-4)
        assert mask.sum() == pytest.approx(lengths[0] ** 2, rel=0.06)
        for corner in corners:  # just inside is shape, just outside is ground
            for distance, inside in ((0.85, True), (1.15, False)):
                px, py = (centre + distance * (corner - centre)).astype(int)
                if 0 <= px < 64 and 0 <= py < 64:
                    assert (mask[py, px] > 0) == inside
        (a, b), (c, d) = sides[:2]
        assert a * d - b * c > 0  # clockwise, as y runs downwards
        assert corners[0].sum() == corners.sum(axis=1).min()  # from the upper left


def test_kinds_have_the_areas_of_geometry():
    for kind, share in {"disk": np.pi / 4, "square": 1, "triangle": 0.5, "cross": 5 / 9}.items():
        s = data.shapes(60, size=48, kinds=[kind], radius=(0.2, 0.4), noise=0, rng=rng())
        left, top, right, bottom = s.boxes[:, 0].T
        assert ((s.masks > 0).sum(axis=(1, 2)) / ((right - left) * (bottom - top))).mean() == pytest.approx(
            share, rel=0.06
        )


def test_kinds_are_drawn_evenly_and_labels_count_those_that_were_asked_for():
    s = data.shapes(400, size=16, kinds=["cross", "disk"], rng=rng())
    assert 150 < (s.labels == 0).sum() < 250
    assert set(s.labels.ravel()) == {0, 1}
    again = data.shapes(400, size=16, kinds=["cross", "disk"], rng=rng())
    for name, values in s._asdict().items():
        np.testing.assert_array_equal(values, getattr(again, name))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n": -1}, "n is -1; 0 or more"),
        ({"size": 0}, "size is 0; 1 or more would fit"),
        ({"count": -1}, "count is -1; 0 or more would fit"),
        ({"radius": (0.1, np.inf)}, "radius is inf; a finite number would fit"),
        ({"count": (3, 1)}, r"count is \(3, 1\); \(fewest, most\)"),
        ({"kinds": "disk"}, "kinds is 'disk'; some of"),
        ({"kinds": ["star"]}, r"kinds is \['star'\]; some of"),
        ({"kinds": []}, r"kinds is \[\]; some of"),
        ({"radius": (0.1, 0.6)}, r"radius is \(0.1, 0.6\); between 0.047 .* and 0.500"),
        ({"radius": (0.01, 0.2)}, r"radius is \(0.01, 0.2\); between 0.047"),
        ({"radius": (0.1, 0.4), "tilt": 45}, r"radius is .* and 0.354 "),
        ({"tilt": 90}, "tilt is 90; 0 to 45 degrees"),
        ({"noise": -1}, "noise is -1; 0 or more"),
        ({"count": 30}, r"no room for 30 shapes \(count\)"),
    ],
)
def test_shapes_that_do_not_fit(arguments, message):
    with pytest.raises(ValueError, match=message):
        data.shapes(**{"n": 2, **arguments}, rng=rng())


# ---- splitting and standardising


@given(st.integers(2, 60), st.floats(0.01, 0.99), st.integers(0, 99))
def test_split_shares_out_every_sample_once(n, test, seed):
    x = np.arange(n)
    (x_train, y_train), (x_test, y_test) = data.split(x[:, None], 10 * x, test=test, rng=rng(seed))
    np.testing.assert_array_equal(np.sort(np.concatenate([x_train, x_test])[:, 0]), x)
    np.testing.assert_array_equal(y_train, 10 * x_train[:, 0])  # labels stay with their samples
    np.testing.assert_array_equal(y_test, 10 * x_test[:, 0])
    assert len(x_train) >= 1
    assert len(x_test) >= 1
    assert abs(len(x_test) - test * n) <= 1


def test_split_is_random_and_repeatable():
    x = np.arange(100)
    one, two, other = (data.split(x, x, rng=rng(seed))[1][0] for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, two)
    assert set(one) != set(other)


def test_what_split_refuses():
    with pytest.raises(ValueError, match="x has 3 samples, y has 2; one label a sample"):
        data.split(np.ones(3), np.ones(2), rng=rng())
    with pytest.raises(ValueError, match="x has 1 samples; at least 2"):
        data.split(np.ones(1), np.ones(1), rng=rng())
    for test in (0, 1, 1.5):
        with pytest.raises(ValueError, match=f"test is {test}; a share between 0 and 1"):
            data.split(np.ones(3), np.ones(3), test=test, rng=rng())


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_standardize_each_channel(dtype):
    x = (rng().random((50, 3, 8, 9)) * [[[[1.0]], [[5.0]], [[0.1]]]] + 1000).astype(dtype)
    before = x.copy()
    z = data.standardize(x)
    assert z.dtype == dtype
    np.testing.assert_array_equal(x, before)
    tolerance = 1e-3 if dtype == np.float32 else 1e-9
    np.testing.assert_allclose(z.mean(axis=(0, 2, 3), dtype=np.float64), 0, atol=tolerance)
    np.testing.assert_allclose(z.std(axis=(0, 2, 3), dtype=np.float64), 1, atol=tolerance)


def test_standardize_many_samples_in_float32():
    """A hundred thousand numbers near 1000, added up in float32, would be off by more than their deviation."""
    x = (1000 + rng().random((100_000, 2))).astype(np.float32)
    z = data.standardize(x)
    np.testing.assert_allclose(z.mean(axis=0, dtype=np.float64), 0, atol=1e-3)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("constant", [0.1, -1e-30, 1e6 / 3])
def test_a_constant_channel_becomes_0(dtype, constant):
    """0.1 added up a thousand times is not quite 100: the deviation is tiny, not 0."""
    x = np.stack([np.full(1000, constant), constant * (1 + np.arange(1000) % 2)], axis=1).astype(dtype)
    z = data.standardize(x)
    assert (z[:, 0] == 0).all()
    np.testing.assert_allclose(abs(z[:, 1]), 1, rtol=1e-3)


def test_standardize_by_what_the_training_set_says():
    train, test = np.array([[0.0, 1.0], [2.0, 1.0]]), np.array([[5.0, 3.0]])
    np.testing.assert_allclose(data.standardize(test, like=train), [[4.0, 0.0]])  # (5 − 1)/1; a constant gives 0
    x = rng().random((4, 2, 5, 5))
    z = data.standardize(x, per="all")
    assert z.mean() == pytest.approx(0, abs=1e-12)
    assert abs(z.mean(axis=(0, 2, 3))).max() > 1e-4


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: data.standardize(np.zeros((2, 2), np.uint8)), TypeError, "x has dtype uint8; float32 or float64"),
        (lambda: data.standardize(np.zeros((0, 2))), ValueError, r"x has shape \(0, 2\); nothing can be measured"),
        (lambda: data.standardize(np.zeros((2, 3)), like=np.zeros((2, 2))), ValueError, "the same channels would fit"),
        (lambda: data.standardize(np.zeros((2, 3)), per="pixel"), ValueError, 'per is \'pixel\'; "channel" or "all"'),
    ],
)
def test_what_standardize_refuses(call, error, message):
    with pytest.raises(error, match=message):
        call()
