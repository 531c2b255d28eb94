"""Boxes, masks and receptive fields by hand, and gradients of scores with respect to pictures."""

from math import ceil

import numpy as np
import pytest

from course import models, vision
from course.layers import (
    Affine,
    AvgPool2d,
    BatchNorm,
    Concat,
    Conv2d,
    ConvTranspose2d,
    Dropout,
    Flatten,
    GlobalAvgPool2d,
    Identity,
    MaxPool2d,
    ReLU,
    Residual,
    Sequential,
    UpsampleBilinear2d,
    UpsampleNearest2d,
)

# Five boxes, from 4×4 pixels around the origin: the same, half of it, shifted, touching, far away
FIVE = np.array([[0, 0, 4, 4], [0, 0, 4, 2], [2, 2, 6, 6], [4, 0, 8, 4], [9, 9, 10, 10]])


# ---- boxes ------------------------------------------------------------------------------------------------------


def test_iou_by_hand():
    # areas 16, 8, 16, 16, 1; common with the first: 16, 8, 4, 0, 0; unions 16, 16, 28, 32, 17
    assert vision.area(FIVE).tolist() == [16, 8, 16, 16, 1]
    assert vision.iou(FIVE[:1], FIVE)[0] == pytest.approx([1, 8 / 16, 4 / 28, 0, 0])


def test_iou_of_all_pairs():
    matrix = vision.iou(FIVE, FIVE[:3])
    assert matrix.shape == (5, 3)
    assert (vision.iou(FIVE[:3], FIVE) == matrix.T).all()
    assert vision.iou([[2, 3, 4, 9]], [[3, 1, 9, 5]]) == pytest.approx(2 / (12 + 24 - 2))  # width ≠ height


def test_iou_of_nothing():
    assert vision.iou(np.zeros((0, 4)), FIVE).shape == (0, 5)
    assert vision.iou([], FIVE).shape == (0, 5)
    assert vision.iou([[1, 1, 1, 1]], [[1, 1, 1, 1]]).tolist() == [[0]], "0/0 is no overlap"


def test_iou_agrees_with_counting_pixels():
    rng = np.random.default_rng(0)
    corners = np.sort(rng.integers(0, 12, (20, 2, 2)), axis=1)
    boxes = corners.reshape(20, 4)
    masks = np.zeros((20, 12, 12), bool)
    for mask, (x1, y1, x2, y2) in zip(masks, boxes, strict=True):
        mask[y1:y2, x1:x2] = True
    both = (masks[:, None] & masks).sum(axis=(2, 3))
    either = (masks[:, None] | masks).sum(axis=(2, 3))
    assert vision.iou(boxes, boxes) == pytest.approx(np.where(either, both / np.maximum(either, 1), 0))


def test_nms_by_hand():
    scores = [0.6, 0.9, 0.8, 0.7, 0.1]
    # 0.9 is best (box 1) and drops nothing above 0.5: IoU with box 0 is exactly 0.5
    assert vision.nms(FIVE, scores, threshold=0.5).tolist() == [1, 2, 3, 0, 4]
    assert vision.nms(FIVE, scores, threshold=0.49).tolist() == [1, 2, 3, 4]
    assert vision.nms(FIVE, scores, threshold=0.0).tolist() == [1, 2, 4], "box 3 meets box 2 at 2×2"
    assert vision.nms(FIVE, scores, threshold=1.0).tolist() == [1, 2, 3, 0, 4]


def test_nms_drops_only_what_overlaps_a_box_that_is_kept():
    # B overlaps A, C overlaps B but not A: A drops B, and C stays
    chain = [[0, 0, 4, 4], [1, 0, 5, 4], [2, 0, 6, 4]]
    assert vision.nms(chain, [0.9, 0.8, 0.7], threshold=0.5).tolist() == [0, 2]
    assert vision.nms(chain, [0.7, 0.9, 0.8], threshold=0.5).tolist() == [1]


def test_nms_takes_the_first_of_equal_scores_and_nothing_from_nothing():
    assert vision.nms([[0, 0, 2, 2]] * 3, [0.5, 0.5, 0.5]).tolist() == [0]
    assert vision.nms([], []).tolist() == []


def test_match_gives_each_object_to_its_best_detection():
    truth = [[0, 0, 4, 4], [4, 0, 8, 4]]
    boxes = [[0, 0, 4, 4], [0, 0, 4, 3], [4, 0, 8, 3], [5, 5, 9, 9]]
    assert vision.match(boxes, [0.5, 0.9, 0.8, 0.95], truth).tolist() == [False, True, True, False]
    assert vision.match(boxes, [0.5, 0.9, 0.8, 0.95], truth, threshold=0.8).tolist() == [True, False, False, False]
    assert vision.match(boxes, [0.5, 0.9, 0.8, 0.95], []).tolist() == [False] * 4


def test_average_precision_by_hand():
    # by score: hit, miss, hit, miss, hit; 4 objects, one is never found
    hits, scores = [True, True, False, True, False], [0.9, 0.7, 0.8, 0.5, 0.6]
    precision, recall = vision.precision_recall(hits, scores, 4)
    assert precision == pytest.approx([1, 1 / 2, 2 / 3, 2 / 4, 3 / 5])
    assert recall == pytest.approx([1 / 4, 1 / 4, 2 / 4, 2 / 4, 3 / 4])
    # the curve made to fall: 1 up to ¼, ⅔ up to ½, 3/5 up to ¾, and nothing after
    assert vision.average_precision(hits, scores, 4) == pytest.approx((1 + 2 / 3 + 3 / 5) / 4)
    # miss, hit, hit: precision 0, ½, ⅔ rises, and the best from there on counts, ⅔ for both objects
    assert vision.average_precision([True, False, True], [0.5, 0.9, 0.7], 2) == pytest.approx(2 / 3)


def test_average_precision_at_its_ends():
    assert vision.average_precision([True, True], [0.9, 0.8], 2) == 1
    assert vision.average_precision([False, False], [0.9, 0.8], 2) == 0
    assert vision.average_precision([], [], 2) == 0


def test_boxes_name_what_does_not_fit():
    with pytest.raises(ValueError, match=r"a has shape \(3,\); \(N, 4\) would fit"):
        vision.iou([1, 2, 3], FIVE)
    with pytest.raises(ValueError, match=r"b\[1\] is \[4.0, 0.0, 2.0, 2.0\]; x1 ≤ x2 and y1 ≤ y2 would fit"):
        vision.iou(FIVE, [[0, 0, 1, 1], [4, 0, 2, 2]])
    with pytest.raises(ValueError, match=r"boxes\[0\] is \[nan"):
        vision.nms([[np.nan, 0, 1, 1]], [1.0])
    with pytest.raises(ValueError, match=r"scores has shape \(2,\); \(5,\) numbers would fit"):
        vision.nms(FIVE, [0.1, 0.2])
    with pytest.raises(ValueError, match="scores has a NaN"):
        vision.nms(FIVE[:1], [np.nan])
    with pytest.raises(ValueError, match=r"threshold=50; 0 to 1 would fit"):
        vision.nms(FIVE, np.ones(5), threshold=50)
    with pytest.raises(ValueError, match=r"objects=1; at least 2 would fit"):
        vision.average_precision([True, True], [0.1, 0.2], 1)


INFINITE = [[0, 0, np.inf, 1]]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: vision.match(FIVE, np.ones(5), FIVE, threshold=0), ValueError, "threshold=0; more than 0, up to 1,"),
        (lambda: vision.match(FIVE, np.ones(5), FIVE, threshold=50), ValueError, "threshold=50; more than 0, up to 1,"),
        (lambda: vision.match([], [], [], threshold=np.nan), ValueError, "threshold is nan; a finite number would fit"),
        (lambda: vision.match([], [], [], threshold="½"), TypeError, "threshold is '½'; a number would fit"),
        (lambda: vision.nms([], [], threshold=None), TypeError, "threshold is None; a number would fit"),
        (lambda: vision.area(INFINITE), ValueError, r"boxes\[0\] is .*inf.*; finite numbers would fit"),
        (lambda: vision.iou(INFINITE, FIVE), ValueError, r"a\[0\] is .*inf.*; finite numbers would fit"),
        (lambda: vision.iou(FIVE, [[-np.inf, 0, 1, 1]]), ValueError, r"b\[0\] is .*inf.*; finite numbers would fit"),
        (
            lambda: vision.precision_recall([0.5, 2.0], [1, 2], 3),
            TypeError,
            r"hits is \[0.5, 2.0\]; True or False would",
        ),
        (lambda: vision.precision_recall([[True]], [1], 3), ValueError, r"hits has shape \(1, 1\); \(N,\) would fit"),
        (lambda: vision.precision_recall([True], [1], 1.5), TypeError, "objects is 1.5; a whole number would fit"),
        (lambda: vision.average_precision([True], [1], np.nan), TypeError, "objects is nan; a whole number would fit"),
        (lambda: vision.average_precision([], [], 0), ValueError, "objects is 0; 1 or more would fit"),
    ],
)
def test_what_detections_do_not_take(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_boxes_are_not_changed():
    boxes, scores = FIVE.astype(float), np.arange(5.0)
    boxes.flags.writeable = scores.flags.writeable = False
    vision.nms(boxes, scores)
    vision.match(boxes, scores, boxes)
    vision.average_precision(np.ones(5, bool), scores, 5)


# ---- masks ------------------------------------------------------------------------------------------------------


def test_mean_iou_by_hand():
    truth = np.array([[0, 0, 1], [0, 2, 1]])
    predicted = np.array([[0, 1, 1], [0, 2, 2]])
    # class 0: 2 of 3 pixels, class 1: 1 of 3, class 2: 1 of 2
    assert vision.class_iou(predicted, truth) == pytest.approx([2 / 3, 1 / 3, 1 / 2])
    assert vision.mean_iou(predicted, truth) == pytest.approx(0.5)
    assert vision.mean_iou(truth, truth) == 1


def test_mean_iou_leaves_out_what_occurs_nowhere_and_what_is_ignored():
    truth, predicted = np.array([0, 3, 255, 3]), np.array([0, 3, 1, 0])
    found = vision.class_iou(predicted, truth, classes=5, ignore=255)
    assert found == pytest.approx([1 / 2, np.nan, np.nan, 1 / 2, np.nan], nan_ok=True)
    assert vision.mean_iou(predicted, truth, classes=5, ignore=255) == 0.5


def test_a_large_label_takes_little_room():
    found = vision.class_iou(np.array([0, 10**6]), np.array([0, 10**6]))  # a table of all pairs would be 7 TiB
    assert found.shape == (10**6 + 1,) and found[[0, -1]].tolist() == [1, 1]


def test_mean_iou_names_what_does_not_fit():
    labels = np.array([0, 1, 4])
    with pytest.raises(ValueError, match=r"predicted has shape \(3,\), truth has \(2,\)"):
        vision.mean_iou(labels, labels[:2])
    with pytest.raises(TypeError, match="predicted has dtype float64; whole numbers would fit"):
        vision.mean_iou(labels / 2, labels)
    with pytest.raises(ValueError, match=r"labels go from 0 to 4; 0 to 2 would fit"):
        vision.mean_iou(labels, labels, classes=3)
    with pytest.raises(ValueError, match=r"labels go from -1 to 1"):
        vision.mean_iou(np.array([-1]), np.array([1]))
    with pytest.raises(TypeError, match=r"classes is 2.5; a whole number would fit"):
        vision.class_iou(labels, labels, classes=2.5)
    with pytest.raises(ValueError, match="classes is -1; 1 or more would fit"):
        vision.class_iou(labels, labels, classes=-1)
    with pytest.raises(ValueError, match="there is no pixel that counts"):
        vision.mean_iou(np.array([1]), np.array([7]), ignore=7)


# ---- receptive fields -------------------------------------------------------------------------------------------


def test_three_small_windows_see_as_much_as_a_large_one():
    """EECS 545, "VGG-16": lots of 3×3 windows against a single 7×7."""
    assert vision.receptive_field([(3, 1)] * 3).field == vision.receptive_field([(7, 1)]).field == (7, 7)


def test_a_walk_by_hand():
    #          window  r               j        start
    # conv 7/2  pad 3  1 + 6·1 = 7     2        −3
    # pool 3/2  pad 1  7 + 2·2 = 11    4        −3 − 1·2 = −5
    # conv 3    pad 1  11 + 2·4 = 19   4        −5 − 1·4 = −9
    seen = vision.receptive_field([(7, 2, 3), (3, 2, 1), (3, 1, 1)])
    assert seen == ((19, 19), (4, 4), (-9, -9))
    assert seen.box(0, 0) == (-9, -9, 10, 10)
    assert seen.box(3, 5) == (-9 + 20, -9 + 12, 10 + 20, 10 + 12)
    assert seen.box(0, 5, size=(8, 28)) == (11, 0, 28, 8)


def test_windows_that_are_not_square():
    assert vision.receptive_field([((5, 1), (2, 1)), ((1, 3), 1)]) == ((5, 3), (2, 1), (0, 0))


@pytest.mark.parametrize("whole_map", [GlobalAvgPool2d(), Flatten()], ids=repr)
@pytest.mark.parametrize("size", [(1, 33, 33), (1, 34, 21)])
def test_a_tuple_makes_the_map_smaller_as_its_layer_does(whole_map, size):
    field, stride, pad = (3, 5), (2, 3), (1, 2)
    layer = Conv2d(1, field, stride=stride, pad=pad, floor=True)
    seen = vision.receptive_field([(field, stride, pad), whole_map], size)
    assert seen == vision.receptive_field([layer, whole_map], size)
    assert vision.receptive_field([(3, 2), GlobalAvgPool2d()], (1, 33, 33)).field == (33, 33)


def test_a_dilated_window_sees_further():
    assert vision.receptive_field([Conv2d(1, 3, dilation=2), Conv2d(1, (1, 3), dilation=(1, 3))]).field == (5, 11)


def test_layers_that_look_at_no_neighbours_change_nothing():
    layers = [Conv2d(4, 5), BatchNorm(), ReLU(), Dropout(0.5), Identity()]
    assert vision.receptive_field(layers) == vision.receptive_field(layers[:1])


def test_lenet_sees_the_whole_picture():
    assert vision.receptive_field(models.lenet5(), (1, 32, 32)).field == (32, 32)
    assert vision.receptive_field(models.lenet5()[:6]).field == (16, 16)
    with pytest.raises(ValueError, match=r"Flatten\(\) sees the whole map; the input_shape would tell"):
        vision.receptive_field(models.lenet5())


def test_branches_see_what_any_of_them_sees():
    block = Residual(Conv2d(4, 3, pad=1), Conv2d(4, 3, pad=1))
    assert vision.receptive_field([block]) == ((5, 5), (1, 1), (-2, -2))
    inception = Concat(Conv2d(1, 1), Conv2d(1, 5, pad=2), Sequential(MaxPool2d(3, stride=1, pad=1), Conv2d(1, 1)))
    assert vision.receptive_field([Conv2d(1, 2, stride=2), inception]) == ((10, 10), (2, 2), (-4, -4))
    with pytest.raises(ValueError, match="equal steps would fit"):
        vision.receptive_field([Concat(Identity(), Conv2d(1, 2, stride=2))])


SEEING = {
    "conv": lambda: Conv2d(1, (3, 2), stride=(2, 1), pad=(1, 0), floor=True),
    "pool": lambda: Sequential(AvgPool2d(2), Conv2d(1, 3, pad=1)),
    "dilated": lambda: Sequential(Conv2d(2, 3, pad=1), Conv2d(1, 2, dilation=3)),
    "residual": lambda: Residual(Conv2d(1, 3, pad=1), Conv2d(1, 3, pad=1)),
    "inception": lambda: Sequential(Conv2d(2, 2, stride=2), Concat(Conv2d(1, 1), Conv2d(1, 3, pad=1))),
    "global": lambda: Sequential(Conv2d(2, 3, pad=1), GlobalAvgPool2d()),
    "lenet": lambda: Sequential(Conv2d(2, 5), AvgPool2d(2), Conv2d(2, 3), Flatten(), Affine(2)),
}


def touched(model, shape, i, j):
    """Find the box of pixels that have a gradient from the neurons in row i and column j."""
    y = model.forward(np.ones((1, *shape)))
    dy = np.zeros((1, y.shape[1], *(y.shape[2:] or (1, 1))))
    dy[0, :, i, j] = 1
    cells = np.argwhere(model.backward(dy.reshape(y.shape))[0, 0])
    (y1, x1), (y2, x2) = cells.min(axis=0), cells.max(axis=0) + 1
    return int(x1), int(y1), int(x2), int(y2)


def positive(model, shape):
    model.build(shape, rng=np.random.default_rng(0), dtype=np.float64)
    for w in model.params.values():
        np.abs(w, out=w)  # nothing cancels
        w += 0.1
    return model


@pytest.mark.parametrize("kind", SEEING)
def test_the_field_is_where_the_gradient_is(kind):
    shape = (1, 12, 14)
    model = positive(SEEING[kind](), shape)
    seen = vision.receptive_field(model, shape)
    rows, columns, *_ = *model.output_shape(shape)[1:], 1, 1
    for i, j in np.ndindex(rows, columns):
        assert touched(model, shape, i, j) == seen.box(i, j, shape[1:]), (i, j)


@pytest.mark.parametrize(
    ("enlarge", "field"),
    [
        (UpsampleNearest2d(2), 3 + 2),  # a neighbour may come from the next cell, 2 pixels on
        (UpsampleBilinear2d(2), 3 + 2 + 2),  # two cells each, and the neighbours' next
        (ConvTranspose2d(1, 4, stride=2, pad=1), 3 + 2 + 2),  # a 4×4 stamp every 2: two cells each
        (ConvTranspose2d(1, 2, stride=2), 3 + 2),
    ],
    ids=repr,
)
def test_enlarging_layers_come_back_to_smaller_steps(enlarge, field):
    shape = (1, 20, 24)
    model = positive(Sequential(Conv2d(1, 3, pad=1, stride=2, floor=True), enlarge, Conv2d(1, 3, pad=1)), shape)
    seen = vision.receptive_field(model, shape)
    assert seen.jump == (1, 1)
    boxes = np.array([touched(model, shape, i, j) for i in range(6, 12) for j in range(6, 12)])
    assert {int(size) for size in (boxes[:, 2:] - boxes[:, :2]).max(axis=0)} == {field} == {*map(ceil, seen.field)}
    near = np.array([seen.box(i, j) for i in range(6, 12) for j in range(6, 12)])
    assert np.abs(boxes - near).max() <= 2


# ---- saliency ---------------------------------------------------------------------------------------------------


def test_saliency_of_a_linear_classifier_is_its_template():
    """s = W·x + b: ∂s_k/∂x is the k-th column of w, whatever x is; the largest channel of each pixel counts."""
    rng = np.random.default_rng(0)
    model = models.linear(3).build((2, 4, 5), rng=rng, dtype=np.float64)
    templates = np.abs(model.params["1.w"].T.reshape(3, 2, 4, 5)).max(axis=1)
    x = rng.standard_normal((2, 2, 4, 5))
    assert (vision.saliency(model, x, 1) == templates[[1, 1]]).all()
    assert (vision.saliency(model, x, [2, 0]) == templates[[2, 0]]).all()


def test_saliency_points_at_what_matters():
    """A network that looks at one corner is not moved by the rest; dropout and batch statistics stay out of it."""
    rng = np.random.default_rng(0)
    model = Sequential(Dropout(0.5), BatchNorm(), Flatten(), Affine(2)).build((1, 6, 6), rng=rng)
    model.params["3.w"].reshape(6, 6, 2)[2:] = 0
    x = rng.standard_normal((3, 1, 6, 6), dtype=np.float32)
    x.flags.writeable = False
    found = vision.saliency(model, x, 0)
    assert found.shape == (3, 6, 6) and found.dtype == np.float32
    assert (found[:, :2] > 0).all() and (found[:, 2:] == 0).all()
    assert (found[0] == found[1]).all(), "in training the batch would matter"


def test_fooling_moves_no_further_than_it_must():
    rng = np.random.default_rng(0)
    model = models.mini_cnn(4).build((1, 12, 12), rng=rng)
    x = rng.standard_normal((32, 1, 12, 12), dtype=np.float32)
    before = x.copy()
    changed, fooled = vision.fool(model, x, 2, step=0.2)
    assert fooled.all() and (model.forward(changed).argmax(axis=1) == 2).all()
    assert (x == before).all() and changed.dtype == np.float32
    already = model.forward(x).argmax(axis=1) == 2
    assert already.any() and not already.all(), "the test needs both kinds"
    moved = np.sqrt(np.square(changed - x).sum(axis=(1, 2, 3)))
    assert (moved[already] == 0).all() and (moved[~already] > 0).all()
    assert moved.max() < 0.3 * np.sqrt(np.square(x).sum(axis=(1, 2, 3))).min(), "and stays small"
    _, fooled = vision.fool(model, x, 2, step=1e-6, steps=3)
    assert (fooled == already).all()


def test_saliency_names_what_does_not_fit():
    model = models.linear(3).build((1, 4, 4), rng=np.random.default_rng(0))
    x = np.zeros((2, 1, 4, 4), np.float32)
    with pytest.raises(ValueError, match=r"x has shape \(1, 4, 4\); \(N, C, H, W\) would fit"):
        vision.saliency(model, x[0], 0)
    with pytest.raises(ValueError, match=r"label=3; whole numbers from 0 to 2 would fit"):
        vision.saliency(model, x, 3)
    with pytest.raises(ValueError, match=r"label=\[0, -1\]"):
        vision.fool(model, x, [0, -1])
    with pytest.raises(ValueError, match=r"label has shape \(3,\); one class or 2 would fit"):
        vision.saliency(model, x, [0, 1, 2])
    with pytest.raises(ValueError, match=r"the model gives scores of shape \(2, 3, 4, 4\); \(N, classes\) would fit"):
        vision.saliency(models.mini_fcn(3).build((1, 4, 4), rng=np.random.default_rng(0)), x, 0)
    for look in (vision.saliency, vision.fool):
        for value in (np.nan, np.inf):
            with pytest.raises(ValueError, match="x holds nan or infinity; finite numbers would fit"):
                look(model, np.full_like(x, value), 0)
        with pytest.raises(TypeError, match="x has dtype int64; float32 or float64 would fit"):
            look(model, x.astype(np.int64), 0)
        with pytest.raises(TypeError, match="x is a list; a NumPy array would fit"):
            look(model, [[[[0.0]]]], 0)
    with pytest.raises(TypeError, match=r"steps is 2.5; a whole number would fit"):
        vision.fool(model, x, 0, steps=2.5)
    with pytest.raises(ValueError, match="steps is -1; 0 or more would fit"):
        vision.fool(model, x, 0, steps=-1)
    with pytest.raises(ValueError, match="step is nan; a finite number would fit"):
        vision.fool(model, x, 0, step=np.nan)
