import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course import ops

seeds = st.integers(0, 2**32 - 1)
pictures = st.sampled_from([(), (2, 3)])


def draw(laws, seed, n, classes, picture=()):
    rng = np.random.default_rng(seed)
    return laws.spaced(rng, n, classes, *picture), rng.integers(0, classes, (n, *picture))


def naive_softmax(scores):
    y = np.zeros(scores.shape)
    for n, j, *pixel in np.ndindex(scores.shape):
        total = sum(math.exp(scores[(n, k, *pixel)]) for k in range(scores.shape[1]))
        y[(n, j, *pixel)] = math.exp(scores[(n, j, *pixel)]) / total
    return y


def naive_softmax_loss(scores, labels):
    p = naive_softmax(scores)
    return sum(-math.log(p[(i[0], labels[i], *i[1:])]) for i in np.ndindex(labels.shape)) / labels.size


def naive_hinge_loss(scores, labels, margin=1.0):
    loss = 0.0
    for n, label in enumerate(labels):
        for j in range(scores.shape[1]):
            if j != label:
                loss += max(0.0, scores[n, j] - scores[n, label] + margin)
    return loss / len(scores)


# each against its definition, and the laws


@given(seed=seeds, n=st.integers(1, 3), classes=st.integers(1, 5), picture=pictures)
def test_softmax(laws, seed, n, classes, picture):
    scores, _ = draw(laws, seed, n, classes, picture)
    laws.same(ops.softmax(scores)[0], naive_softmax(scores))
    laws.obeys(ops.softmax, ops.softmax_backward, scores)
    laws.same(ops.log_softmax(scores)[0], np.log(naive_softmax(scores)))
    laws.obeys(ops.log_softmax, ops.log_softmax_backward, scores)


@given(seed=seeds, n=st.integers(1, 3), classes=st.integers(1, 5), picture=pictures)
def test_softmax_loss(laws, seed, n, classes, picture):
    scores, labels = draw(laws, seed, n, classes, picture)
    assert ops.softmax_loss(scores, labels)[0] == pytest.approx(naive_softmax_loss(scores, labels), rel=1e-12)
    laws.obeys(ops.softmax_loss, None, scores, labels)


@given(seed=seeds, n=st.integers(1, 4), classes=st.integers(1, 5), margin=st.sampled_from([0.0, 0.731, 1.0, 2.9]))
def test_hinge_loss(laws, seed, n, classes, margin):
    scores, labels = draw(laws, seed, n, classes)
    scores += 0.001 * np.random.default_rng(seed).standard_normal(scores.shape)  # no difference equals the margin
    expected = naive_hinge_loss(scores, labels, margin)
    assert ops.hinge_loss(scores, labels, margin=margin)[0] == pytest.approx(expected, rel=1e-12, abs=1e-14)
    laws.obeys(ops.hinge_loss, None, scores, labels, margin=margin)


@given(seed=seeds, shape=st.sampled_from([(1,), (3,), (2, 8), (2, 3, 2, 2)]))
def test_squared_loss(laws, seed, shape):
    prediction, target = np.random.default_rng(seed).standard_normal((2, *shape))
    expected = sum((prediction[i] - target[i]) ** 2 for i in np.ndindex(shape)) / shape[0]
    assert ops.squared_loss(prediction, target)[0] == pytest.approx(expected, rel=1e-12)
    laws.obeys(ops.squared_loss, None, prediction, target)


# by hand: three classes, integers; the second sample is right by more than the margin

SCORES = np.array([[3.0, 5.0, -2.0], [0.0, 4.0, 1.0]])
LABELS = np.array([0, 1])


def test_hinge_by_hand():
    # first: max(0, 5 − 3 + 1) + max(0, −2 − 3 + 1) = 3; second: max(0, 0 − 4 + 1) + max(0, 1 − 4 + 1) = 0
    loss, dscores = ops.hinge_loss(SCORES, LABELS)
    assert loss == 1.5
    np.testing.assert_array_equal(dscores, [[-0.5, 0.5, 0], [0, 0, 0]])


def test_hinge_counts_every_class_within_the_margin():
    # margin 6: (5 − 3 + 6) + (−2 − 3 + 6) = 9 and (0 − 4 + 6) + (1 − 4 + 6) = 5
    loss, dscores = ops.hinge_loss(SCORES, LABELS, margin=6)
    assert loss == 7
    np.testing.assert_array_equal(dscores, [[-1, 0.5, 0.5], [0.5, -1, 0.5]])


def test_a_class_exactly_at_the_margin_does_not_push():
    loss, dscores = ops.hinge_loss(np.array([[2.0, 1.0]]), np.array([0]))
    assert loss == 0
    np.testing.assert_array_equal(dscores, [[0, 0]])


def test_softmax_by_hand():
    # e^0 : e^log 3 = 1 : 3
    loss, dscores = ops.softmax_loss(np.array([[0.0, math.log(3)]]), np.array([0]))
    assert loss == pytest.approx(math.log(4))
    np.testing.assert_allclose(dscores, [[1 / 4 - 1, 3 / 4]])


def test_softmax_prefers_the_highest_score():
    # with the e^(−z) that one slide of HLCV prints it would be the lowest
    assert ops.softmax(np.array([[1.0, 2.0, 3.0]]))[0].argmax() == 2


@pytest.mark.parametrize("classes", [2, 10, 1000])
def test_at_the_start_the_loss_is_the_logarithm_of_the_number_of_classes(classes):
    loss, _ = ops.softmax_loss(np.zeros((4, classes)), np.arange(4) % classes)
    assert loss == pytest.approx(math.log(classes))


def test_squared_loss_by_hand():
    # (1 − 3)² + (2 − 2)² and (0 − 1)² + (5 − 3)², halved for two samples
    loss, dprediction = ops.squared_loss(np.array([[1.0, 2.0], [0.0, 5.0]]), np.array([[3.0, 2.0], [1.0, 3.0]]))
    assert loss == 4.5
    np.testing.assert_array_equal(dprediction, [[-2, 0], [-1, 2]])


# numbers that break other implementations


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_logits_of_a_thousand(dtype):
    scores = np.array([[1000, -1000, 0], [-1000, 1000, 1000], [1000, 1000, 1000]], dtype)
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        loss, dscores = ops.softmax_loss(scores, np.array([1, 1, 0]))
        p, _ = ops.softmax(scores)
        log_p, cache = ops.log_softmax(scores)
        ops.log_softmax_backward(np.ones_like(scores), cache)
    third = 1 / 3
    expected = np.array([[1, 0, 0], [0, 0.5, 0.5], [third, third, third]], dtype)
    np.testing.assert_allclose(p, expected, rtol=1e-6)
    np.testing.assert_allclose(log_p[0], [0, -2000, -1000])
    assert loss == pytest.approx((2000 + math.log(2) + math.log(3)) / 3, rel=1e-6)
    one_hot = np.array([[0, 1, 0], [0, 1, 0], [1, 0, 0]])
    np.testing.assert_allclose(dscores, (expected - one_hot) / 3, rtol=1e-6)


def test_adding_a_thousand_changes_nothing():
    scores = np.random.default_rng(0).standard_normal((4, 5))
    labels = np.array([0, 1, 2, 3])
    loss, dscores = ops.softmax_loss(scores, labels)
    shifted_loss, shifted = ops.softmax_loss(scores + 1000, labels)
    assert shifted_loss == pytest.approx(loss, rel=1e-10)
    np.testing.assert_allclose(shifted, dscores, atol=1e-12)


def test_one_row_of_large_scores_leaves_the_others_exact():
    # subtracting the largest of the whole batch would turn the second row into log 0
    loss, _ = ops.softmax_loss(np.array([[1000.0, 0.0], [-1000.0, -1000.0]]), np.array([0, 0]))
    assert loss == pytest.approx(math.log(2) / 2)


def test_nan_makes_the_loss_nan():
    scores = np.array([[np.nan, 1.0], [0.0, 1.0]])
    for loss in (ops.softmax_loss, ops.hinge_loss):
        value, dscores = loss(scores, np.array([1, 1]))
        assert np.isnan(value)
        assert np.isfinite(dscores[1]).all()
    assert np.isnan(ops.squared_loss(scores, scores)[0])


def test_infinite_scores_in_a_softmax():
    mask, bad = [0.0, -np.inf, 0.0], ([0.0, np.inf, 1.0], [-np.inf] * 3, [0.0, np.nan, 1.0])
    scores = np.array([mask, *bad])
    p, cache = ops.softmax(scores)
    assert p[0].tolist() == [0.5, 0, 0.5] and np.isnan(p[1:]).all()
    log_p, log_cache = ops.log_softmax(scores)
    np.testing.assert_array_equal(log_p[0], [-np.log(2), -np.inf, -np.log(2)])
    assert np.isnan(log_p[1:]).all()
    dy = np.array([[1.0, 1.0, 0.0]] * 4)
    np.testing.assert_array_equal(ops.softmax_backward(dy, cache)[0], [0.25, 0, -0.25])
    np.testing.assert_array_equal(ops.log_softmax_backward(dy, log_cache)[0], [0, 1, -1])


@pytest.mark.parametrize("loss", [ops.softmax_loss, ops.hinge_loss])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("label", [0, 1])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("others", [[1.0], [np.inf], [-np.inf], [np.nan], [1000.0, -1000.0], []], ids=str)
def test_a_score_that_is_no_number_spoils_its_sample_and_no_other(loss, dtype, label, bad, others):
    scores = np.zeros((3, 1 + len(others)), dtype)
    scores[1] = [bad, *others]
    labels = np.array([0, min(label, len(others)), 0])
    with np.errstate(all="raise"):
        value, dscores = loss(scores, labels)
        _, alone = loss(scores[::2], labels[::2])
    assert np.isnan(value) and value.dtype == dscores.dtype == dtype
    assert np.isnan(dscores[1]).all()
    np.testing.assert_allclose(dscores[::2] * 3, alone * 2, rtol=1e-6)
    assert np.isfinite(scores[::2]).all() and not np.isfinite(scores[1]).all()  # the argument is as it was


def test_a_pixel_that_is_no_number_spoils_no_other_pixel():
    scores, labels = np.zeros((2, 3, 2, 2)), np.ones((2, 2, 2), int)
    scores[1, 0, 1, 0] = -np.inf
    value, dscores = ops.softmax_loss(scores, labels)
    assert np.isnan(value) and np.isnan(dscores[1, :, 1, 0]).all() and np.isnan(dscores).sum() == 3


@pytest.mark.parametrize("loss", [ops.softmax_loss, ops.hinge_loss])
def test_large_scores_are_numbers(loss):
    largest = np.finfo(np.float32).max / 4
    value, dscores = loss(np.array([[largest, -largest], [largest, largest]], np.float32), np.array([1, 0]))
    assert np.isfinite(value) and np.isfinite(dscores).all()


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.int32, np.int64, np.uint64])
def test_labels_of_any_integer_dtype(dtype):
    scores = np.random.default_rng(0).standard_normal((3, 200))
    labels = np.array([0, 100, 127])
    expected = ops.softmax_loss(scores, labels)
    got = ops.softmax_loss(scores, labels.astype(dtype))
    assert got[0] == expected[0]
    np.testing.assert_array_equal(got[1], expected[1])


def test_a_float64_margin_does_not_widen_float32():
    loss, dscores = ops.hinge_loss(np.ones((2, 3), np.float32), np.array([0, 1]), margin=np.float64(0.5))
    assert loss.dtype == dscores.dtype == np.float32


# errors

S, L = np.zeros((3, 4)), np.zeros(3, int)


@pytest.mark.parametrize("loss", [ops.softmax_loss, ops.hinge_loss])
@pytest.mark.parametrize(
    ("scores", "labels", "error", "message"),
    [
        (S, np.array([0, 3, 4]), ValueError, r"labels\[2\] is 4, scores has 4 classes; 0 to 3 would fit"),
        (S, np.array([0, -1, 3]), ValueError, r"labels\[1\] is -1, scores has 4 classes; 0 to 3 would fit"),
        (S, L[:2], ValueError, r"labels has shape \(2,\); \(3,\) would fit, one label for each sample"),
        (S, np.eye(3, 4, dtype=int), ValueError, r"labels has shape \(3, 4\); \(3,\) would fit"),
        (S, L.astype(float), TypeError, "labels has dtype float64; an array of integers would fit"),
        (S, L.astype(bool), TypeError, "labels has dtype bool; an array of integers would fit"),
        (S, [0, 1, 2], TypeError, "labels has type list; an array of integers would fit"),
        (S.astype(int), L, TypeError, "scores has dtype int64; float32 or float64 would fit"),
        (S[0], L, ValueError, r"scores has shape \(4,\); \(N, C\)"),
        (S[:0], L[:0], ValueError, r"labels has shape \(0,\); a mean needs at least one sample"),
        (S[:, :0], L, ValueError, r"scores has shape \(3, 0\); at least one class would fit"),
    ],
)
def test_what_does_not_fit(loss, scores, labels, error, message):
    with pytest.raises(error, match=message):
        loss(scores, labels)


def test_a_label_out_of_range_in_a_map_is_named_by_pixel():
    labels = np.zeros((2, 3, 3), int)
    labels[1, 0, 2] = 7
    with pytest.raises(ValueError, match=r"labels\[1, 0, 2\] is 7, scores has 4 classes"):
        ops.softmax_loss(np.zeros((2, 4, 3, 3)), labels)


def test_hinge_takes_no_maps_and_no_negative_margin():
    with pytest.raises(ValueError, match=r"scores has shape \(2, 4, 3, 3\); \(N, C\) would fit"):
        ops.hinge_loss(np.zeros((2, 4, 3, 3)), np.zeros((2, 3, 3), int))
    for margin in (-1.0, np.inf, np.nan):
        with pytest.raises(ValueError, match=f"margin={margin}; 0 or more would fit"):
            ops.hinge_loss(S, L, margin=margin)


@pytest.mark.parametrize(
    ("prediction", "target", "error", "message"),
    [
        (S, S[0], ValueError, r"target has shape \(4,\); \(3, 4\) would fit, the shape of prediction"),
        (S, S.astype(np.float32), TypeError, "target has dtype float32, prediction has float64"),
        (S[:0], S[:0], ValueError, r"prediction has shape \(0, 4\); at least one sample, \(N, …\), would fit"),
        (S[0, 0], S[0, 0], ValueError, r"prediction has shape \(\); at least one sample"),
    ],
)
def test_squared_loss_refuses(prediction, target, error, message):
    with pytest.raises(error, match=message):
        ops.squared_loss(prediction, target)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("level", [-2000.0, -100.0, -40.0, -39.0, 0.0, 39.0, 40.0, 90.0, 2000.0])
@pytest.mark.parametrize("alone", [True, False], ids=["all samples there", "one of them near 0"])
def test_only_differences_of_scores_matter_wherever_they_are(dtype, level, alone):
    near = np.random.default_rng(0).integers(-4, 5, (3, 4)).astype(dtype)  # whole numbers: shifted without rounding
    far = near + np.full((3, 1), level, dtype)
    if not alone:
        far[0] = near[0]
    labels = np.array([0, 3, 1])
    (loss, dscores), (expected, wanted) = ops.softmax_loss(far, labels), ops.softmax_loss(near, labels)
    assert loss == pytest.approx(expected, rel=1e-6 if dtype == np.float32 else 1e-13)
    np.testing.assert_allclose(dscores, wanted, atol=1e-7 if dtype == np.float32 else 1e-15)


@pytest.mark.parametrize("classes", [2, 10, 1000])
@pytest.mark.parametrize("level", [-1000, -39, -7.9, 0, 1, 7.9, 8.1, 20, 39, 1000])
def test_float32_loses_a_millionth_wherever_the_scores_are(level, classes):
    rng = np.random.default_rng(0)
    for gap in np.linspace(0.1, 20, 100):
        scores = (level - gap * rng.random((1, classes))).astype(np.float32)
        scores[0, 0] = level
        for label in np.array([[0], [1]]):
            (loss, dscores), (exact, wanted) = (ops.softmax_loss(s, label) for s in (scores, scores.astype(float)))
            assert loss == pytest.approx(exact, rel=1e-6, abs=1e-6)
            np.testing.assert_allclose(dscores, wanted, atol=3e-7)


@pytest.mark.parametrize(("scores", "loss"), [([39, 30], 1.2340e-4), ([39, 24], 3.06e-7)])
def test_a_small_loss_at_large_scores(scores, loss):
    assert ops.softmax_loss(np.array([scores], np.float32), np.array([0]))[0] == pytest.approx(loss, abs=1e-7)
