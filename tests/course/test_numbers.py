"""Every number of the lectures that the shapes and the operations must produce, each a test with its source.

Totals of whole networks (AlexNet, VGG-16, …) are tested with the models, the graph's gates with the graph.
"""

from itertools import pairwise
from math import log, prod
from typing import ClassVar

import numpy as np
import pytest

from course import ops
from course.optim import Optimizer
from course.shapes import affine_parameters, conv2d_parameters, conv2d_shape, output_size, pool2d_shape


def numbers(*rows):
    """Rows of source, computed, printed."""
    return pytest.mark.parametrize(("computed", "printed"), [pytest.param(c, p, id=s) for s, c, p in rows])


def maps(*rows):
    """Pictures of one channel, as float64 (1, 1, H, W)."""
    return np.array(rows, float)[None, None]


def perceptron(*sizes):
    return sum(affine_parameters(d, m) for d, m in pairwise(sizes))


def conv(h, w, c, k, f, **hyper):
    """Height, width and channels after a convolution, in the slides' order."""
    _, k, oh, ow = conv2d_shape((1, c, h, w), (k, c, f, f), **hyper)
    return oh, ow, k


def pool(h, w, c, f, **hyper):
    _, c, oh, ow = pool2d_shape((1, c, h, w), f, **hyper)
    return oh, ow, c


# 01 Linear classifiers and losses

EVEN, HAND = (np.zeros((5, 10)), np.arange(5)), (np.array([[3.0, 5, -2]]), np.array([0]))


@numbers(
    ("HLCV, softmax: −log(1/C) at the start", ops.softmax_loss(*EVEN)[0], -log(1 / 10)),
    ("HLCV, SVM with margin 1: C − 1 at the start", ops.hinge_loss(*EVEN)[0], 9),
    ("HLCV, SVM by hand: max(0, 5 − 3 + 1) + max(0, −2 − 3 + 1)", ops.hinge_loss(*HAND)[0], 3),
)
def test_losses(computed, printed):
    assert computed == pytest.approx(printed)


# 03 Backpropagation, with the operations as gates


def simple_example():
    """f = (x + y)·z at (−2, 5, −4)."""
    q, add = ops.affine(np.array([[-2.0, 5.0]]), np.ones((2, 1)), np.zeros(1))
    f, multiply = ops.affine(q, np.array([[-4.0]]), np.zeros(1))
    dq, dz, _ = ops.affine_backward(np.ones((1, 1)), multiply)
    dxy, _, _ = ops.affine_backward(dq, add)
    return [q.item(), f.item(), *dxy[0], dz.item()]


def sigmoid_circuit():
    """f = σ(w₀x₀ + w₁x₁ + w₂) with w = (2, −3, −3), x = (−1, −2)."""
    s, sum_gate = ops.affine(np.array([[-1.0, -2.0]]), np.array([[2.0], [-3.0]]), np.array([-3.0]))
    f, sigmoid_gate = ops.sigmoid(s)
    ds = ops.sigmoid_backward(np.ones((1, 1)), sigmoid_gate)
    dx, dw, db = ops.affine_backward(ds, sum_gate)
    return [f.item(), ds.item(), dw[0, 0], dx[0, 0], dw[1, 0], dx[0, 1], db[0]]


SIMPLE, CIRCUIT = simple_example(), sigmoid_circuit()
# 442's f(x) = (−x + 3)² is the squared loss of −x against −3; here at x = 5
SQUARE, D_SQUARE = ops.squared_loss(np.array([-5.0]), np.array([-3.0]))


@numbers(
    ("HLCV, A Simple Example: q", SIMPLE[0], 3),
    ("HLCV, A Simple Example: f", SIMPLE[1], -12),
    ("HLCV, A Simple Example: df/dx", SIMPLE[2], -4),
    ("HLCV, A Simple Example: df/dy", SIMPLE[3], -4),
    ("HLCV, A Simple Example: df/dz", SIMPLE[4], 3),
    ("HLCV, sigmoid circuit: output 0.73", round(CIRCUIT[0], 2), 0.73),
    ("HLCV, sigmoid circuit: 0.20 at the sum", round(CIRCUIT[1], 2), 0.20),
    ("HLCV, sigmoid circuit: 0.1966 at the sum", round(CIRCUIT[1], 4), 0.1966),
    ("HLCV, sigmoid circuit: dw0 −0.1966", round(CIRCUIT[2], 4), -0.1966),
    ("HLCV, sigmoid circuit: dx0 0.3932", round(CIRCUIT[3], 4), 0.3932),
    ("HLCV, sigmoid circuit: dw1 −0.3932", round(CIRCUIT[4], 4), -0.3932),
    ("HLCV, sigmoid circuit: dx1 −0.5898", round(CIRCUIT[5], 4), -0.5898),
    ("HLCV, sigmoid circuit: dw2 0.1966", round(CIRCUIT[6], 4), 0.1966),
    ("EECS 442, Backpropagation: f(5) = (−5 + 3)²", SQUARE, 4),
    ("EECS 442, Backpropagation: f′(5) = −2(−5 + 3)", -D_SQUARE[0], 4),
)
def test_circuits(computed, printed):
    assert computed == printed


# 04 Neural networks: parameters

P = 285 * 350


@numbers(
    ("EECS 442, How many parameters? 1×2 weights", perceptron(2, 1), 3),
    ("EECS 442, How many parameters? 1×4 + 4×2 weights", perceptron(2, 4, 1), 17),
    ("EECS 442, How many parameters? 3×4 + 4×4 + 4×2 weights", perceptron(2, 4, 4, 3), 47),
    ("EECS 442, P: 285×350, H: 1000, O: 3 (the slide rounds to 102 million)", perceptron(P, 1000, 3), 99_754_003),
    ("EECS 442, H: 2P (the slide rounds to 100 billion)", perceptron(P, 2 * P, 3), 19_900_923_003),
    ("EECS 545, 200×200 image, 40k units (~2B)", affine_parameters(200 * 200, 40_000, bias=False), 1_600_000_000),
)
def test_fully_connected(computed, printed):
    assert computed == printed


# 05 Convolution: sizes and parameters


@numbers(
    ("IIITS, Local Connectivity: global 3×7", affine_parameters(7, 3, bias=False), 21),
    ("IIITS, Local Connectivity: local 3×3", output_size(7, 3, stride=2) * affine_parameters(3, 1, bias=False), 9),
    ("IIITS, Weight Sharing: 3×1", conv2d_parameters(1, 1, (1, 3), bias=False), 3),
    ("HLCV, Output dimensions: stride 1", output_size(7, 3), 5),
    ("HLCV, Output dimensions: stride 2", output_size(7, 3, stride=2), 3),
    ("EECS 442, Output Size, rounded down: stride 3", output_size(7, 3, stride=3, floor=True), 2),
    ("HLCV, zero pad, F = 3 ⇒ 1", output_size(7, 3, pad=1), 7),
    ("HLCV, zero pad, F = 5 ⇒ 2", output_size(7, 5, pad=2), 7),
    ("HLCV, zero pad, F = 7 ⇒ 3", output_size(7, 7, pad=3), 7),
    ("HLCV, shrinks: 32 → 28", output_size(32, 5), 28),
    ("HLCV, shrinks: 28 → 24", output_size(28, 5), 24),
    ("HLCV, six 5×5 filters: 28×28×6", conv(32, 32, 3, 6, 5), (28, 28, 6)),
    ("EECS 442, Multiple out channels: 28×28×200", conv(32, 32, 3, 200, 5), (28, 28, 200)),
    ("HLCV, Examples time: 32×32×10", conv(32, 32, 3, 10, 5, pad=2), (32, 32, 10)),
    ("HLCV, Examples time: 76 parameters a filter", conv2d_parameters(3, 1, 5), 76),
    ("HLCV, Examples time: 760 parameters", conv2d_parameters(3, 10, 5), 760),
    ("HLCV, Examples time: FC 30 720 weights", affine_parameters(32 * 32 * 3, 10, bias=False), 30_720),
    ("EECS 442, five 5×5: 28×28×5", conv(32, 32, 3, 5, 5), (28, 28, 5)),
    ("EECS 442, five 5×5: 380 parameters", conv2d_parameters(3, 5, 5), 380),
    ("EECS 442, five 5×5: FC 15 365", affine_parameters(32 * 32 * 3, 5), 15_365),
    ("EECS 442, stride 3: 10×10×5", conv(32, 32, 3, 5, 5, stride=3), (10, 10, 5)),
    ("HLCV, 1×1 CONV with 32 filters keeps the size", conv(56, 56, 64, 32, 1), (56, 56, 32)),
    ("SYSU, depth-wise: N·M + M·K², 10 outputs, 4 inputs, 3×3",
     conv2d_parameters(4, 10, 1, bias=False) + conv2d_parameters(4, 4, 3, groups=4, bias=False), 10 * 4 + 4 * 9),
    ("SYSU, conventional: N·M·K²", conv2d_parameters(4, 10, 3, bias=False), 10 * 4 * 9),
)  # fmt: skip
def test_sizes_and_parameters(computed, printed):
    assert computed == printed


def test_hlcv_stride_3_does_not_fit():
    with pytest.raises(ValueError, match=r"^\(7 − 3\)/3 \+ 1 = 2\.33 is not whole"):
        output_size(7, 3, stride=3)
    with pytest.raises(ValueError, match=r"^\(7 − 3\)/3 \+ 1 = 2\.33 is not whole"):
        ops.conv2d(np.zeros((1, 1, 7, 7)), np.zeros((1, 1, 3, 3)), None, stride=3)


# 05 Convolution: worked examples


def test_545_discrete_convolution():
    x, k = maps([0, 80, 40], [20, 40, 0], [0, 0, 40]), maps([0, 0.25], [0.5, 1])
    y, _ = ops.conv2d(x, k[..., ::-1, ::-1], None)  # a convolution flips, a convolutional layer does not
    np.testing.assert_array_equal(y, maps([45, 110], [40, 40]))


BINARY = maps([1, 1, 1, 0, 0], [0, 1, 1, 1, 0], [0, 0, 1, 1, 1], [0, 0, 1, 1, 0], [0, 1, 1, 0, 0])


def test_sysu_binary_image():
    y, _ = ops.conv2d(BINARY, maps([1, 0, 1], [0, 1, 0], [1, 0, 1]), None)
    np.testing.assert_array_equal(y, maps([4, 3, 4], [2, 4, 3], [2, 3, 4]))


def digits(text, *shape):
    """The numbers of a slide, read from left to right and top to bottom."""
    return np.array(text.split(), float).reshape(shape)


# the slide's 7×7×3 volume without its border of zeros, which pad=1 adds again
VOLUME = digits(
    """ 0 0 2 0 2   1 2 2 2 0   0 2 1 0 0   0 2 0 2 1   1 0 2 2 0
        1 0 0 2 0   1 0 1 0 1   0 0 2 1 2   1 2 1 0 0   1 2 2 0 2
        0 2 2 1 0   0 2 0 0 1   1 1 1 2 1   2 0 1 2 2   2 1 1 0 0 """,
    1, 3, 5, 5,
)  # fmt: skip
W0_W1 = digits(
    """ -1 0 -1   1 -1 1   -1 0 -1     0 -1 1   1 1 1   -1 1 -1     0 0 0   -1 1 -1   1 1 -1
         0 1 1   -1 -1 -1   1 -1 1    -1 0 -1   1 1 1   -1 1 -1     0 1 0    0 0 -1   1 -1 0 """,
    2, 3, 3, 3,
)  # fmt: skip


@pytest.mark.parametrize(
    ("filter_", "printed"),
    [
        (0, [[-3, -1, 0], [-1, -8, 2], [3, 0, 3]]),
        (1, [[1, 4, 2], [-1, 4, 5], [3, 1, 3]]),
    ],
)
def test_iiits_worked_volume(filter_, printed):
    y, _ = ops.conv2d(VOLUME, W0_W1, np.array([1.0, 0.0]), stride=2, pad=1)
    np.testing.assert_array_equal(y[0, filter_], printed)


# 06 Convolution backward: how Y(2, 2) influences z(x′, y′): by w(2 − x′, 2 − y′)


@pytest.mark.parametrize(
    ("z", "w"),
    [
        ((0, 0), (2, 2)),
        ((1, 0), (1, 2)),
        ((2, 0), (0, 2)),
        ((0, 1), (2, 1)),
        ((1, 1), (1, 1)),
        ((2, 1), (0, 1)),
        ((0, 2), (2, 0)),
        ((1, 2), (1, 0)),  # the slide prints w(2, 1); by its own rule it is w(1, 0)
        ((2, 2), (0, 0)),
    ],
)
def test_sysu_how_a_single_y_influences_z(z, w):
    filters = np.arange(9.0).reshape(1, 1, 3, 3)
    _, cache = ops.conv2d(BINARY, filters, None)
    dz = np.zeros((1, 1, 3, 3))
    dz[0, 0, *z] = 1
    dx, _, _ = ops.conv2d_backward(dz, cache)
    assert dx[0, 0, 2, 2] == filters[0, 0, *w]


# 07 Pooling

SLICE = maps([1, 1, 2, 4], [5, 6, 7, 8], [3, 2, 1, 0], [1, 1, 3, 4])


@numbers(
    ("IIITS, Max Pooling 2×2 stride 2", ops.max_pool2d(SLICE, 2)[0], maps([6, 8], [3, 4])),
    ("EECS 442, Avg-pool 2×2 stride 2", ops.avg_pool2d(SLICE, 2)[0], maps([3.25, 5.25], [1.75, 2])),
    ("EECS 442, average pool to one number", ops.global_avg_pool2d(SLICE)[0], np.array([[49 / 16]])),
)
def test_pooling(computed, printed):
    np.testing.assert_array_equal(computed, printed)


@numbers(
    ("EECS 442, Max-pool 3×3 stride 2 on 7×7", pool(7, 7, 1, 3, stride=2), (3, 3, 1)),
    ("EECS 442, Squeezing: CONV 32×32×10", conv(32, 32, 3, 10, 3, pad=1), (32, 32, 10)),
    ("EECS 442, Squeezing: 280 parameters", conv2d_parameters(3, 10, 3), 280),
    ("EECS 442, Squeezing: 910 parameters", conv2d_parameters(10, 10, 3), 910),
    ("EECS 442, Squeezing: POOL 16×16×10", pool(32, 32, 10, 2), (16, 16, 10)),
    ("EECS 442, Squeezing: POOL 8×8×10", pool(16, 16, 10, 2), (8, 8, 10)),
    ("EECS 442, Squeezing: until 4×4×10", pool(8, 8, 10, 2), (4, 4, 10)),
    ("EECS 442, Squeezing: FC 1610", affine_parameters(4 * 4 * 10, 10), 1610),
    ("EECS 442, An Alternate Conclusion: FC 110", affine_parameters(10, 10), 110),
)
def test_squeezing_a_loaf_of_bread(computed, printed):
    assert computed == printed


# 08 Batch normalisation: the slide's chain, with ∂ℓ/∂μ where it names ∂ℓ/∂σ


def test_545_batch_normalization_backpropagation():
    rng = np.random.default_rng(0)
    x, dy, gamma, eps, m = rng.normal(3, 2, (6, 2)), rng.standard_normal((6, 2)), rng.standard_normal(2), 1e-5, 6
    mu, var = x.mean(axis=0), x.var(axis=0)
    dxhat = dy * gamma
    dvar = (dxhat * (x - mu) * -0.5 * (var + eps) ** -1.5).sum(axis=0)
    dmu = (dxhat * -1 / np.sqrt(var + eps)).sum(axis=0)
    through_var = dvar * (-2 * (x - mu)).mean(axis=0)  # the part of ∂ℓ/∂μ that the slide leaves out
    np.testing.assert_allclose(through_var, 0, atol=1e-14)
    dx = dxhat / np.sqrt(var + eps) + dvar * 2 * (x - mu) / m + dmu / m

    _, cache = ops.batch_norm(x, gamma, np.zeros(2), None, training=True, eps=eps)
    got = ops.batch_norm_backward(dy, cache)
    np.testing.assert_allclose(got[0], dx, atol=1e-14)
    np.testing.assert_allclose(got[1], (dy * (x - mu) / np.sqrt(var + eps)).sum(axis=0))
    np.testing.assert_allclose(got[2], dy.sum(axis=0))


# 09 Training: momentum 0.9 and weight decay 5·10⁻⁴


def test_sysu_momentum_and_weight_decay():
    """w = 2, gradient 1, ε = 0.1, twice: v ← 0.9·v − 0.1·(1 + 0.0005·w), w ← w + v."""

    class Single:
        params: ClassVar = {"w": np.array([[2.0]])}
        grads: ClassVar = {"w": np.array([[1.0]])}

    optimizer = Optimizer(Single, "momentum", lr=0.1, weight_decay=5e-4)  # 0.9 is the rule's own default
    optimizer.step()  # v = −0.1·(1 + 0.001)
    assert optimizer.state["w"]["v"][0, 0] == pytest.approx(-0.1001, abs=1e-12)
    assert Single.params["w"][0, 0] == pytest.approx(1.8999, abs=1e-12)
    optimizer.step()  # v = −0.09009 − 0.1·(1 + 0.00094995) = −0.190184995
    assert Single.params["w"][0, 0] == pytest.approx(1.709715005, abs=1e-12)


# 09 and 10: LeNet-5 and AlexNet, layer by layer


@numbers(
    ("SYSU, LeNet-5 Conv1: 6 28×28 maps", conv(32, 32, 1, 6, 5), (28, 28, 6)),
    ("SYSU, LeNet-5 Pool1: 6 14×14 maps", pool(28, 28, 6, 2), (14, 14, 6)),
    ("SYSU, LeNet-5 Conv2: 16 10×10 maps", conv(14, 14, 6, 16, 5), (10, 10, 16)),
    ("SYSU, LeNet-5 Pool2: 16 5×5 maps", pool(10, 10, 16, 2), (5, 5, 16)),
    ("SYSU, LeNet-5: 400 values in all", prod(pool(10, 10, 16, 2)), 400),
    ("LeNet-5 parameters: Conv1", conv2d_parameters(1, 6, 5), 156),
    ("LeNet-5 parameters: Conv2", conv2d_parameters(6, 16, 5), 2416),
    ("LeNet-5 parameters: 400 to 120", affine_parameters(400, 120), 48_120),
    ("LeNet-5 parameters: 120 to 84", affine_parameters(120, 84), 10_164),
    ("LeNet-5 parameters: 84 to 10", affine_parameters(84, 10), 850),
    ("LeNet-5 parameters in all",
     conv2d_parameters(1, 6, 5) + conv2d_parameters(6, 16, 5) + perceptron(400, 120, 84, 10), 61_706),
    ("EECS 545, AlexNet conv1: 55×55×96", conv(227, 227, 3, 96, 11, stride=4), (55, 55, 96)),
    ("EECS 545, AlexNet conv1: 34 944 parameters", conv2d_parameters(3, 96, 11), 34_944),
    ("EECS 545, AlexNet conv1 as MLP: 43.7·10⁹ (with 224, not 227)",
     round(affine_parameters(224 * 224 * 3, 55 * 55 * 96) / 1e9, 1), 43.7),
    ("SYSU, AlexNet pool1", pool(55, 55, 96, 3, stride=2), (27, 27, 96)),
    ("SYSU, AlexNet conv2, with the paper's stride 1", conv(27, 27, 96, 256, 5, pad=2), (27, 27, 256)),
    ("SYSU, AlexNet pool2", pool(27, 27, 256, 3, stride=2), (13, 13, 256)),
    ("SYSU, AlexNet conv3", conv(13, 13, 256, 384, 3, pad=1), (13, 13, 384)),
    ("SYSU, AlexNet pool3", pool(13, 13, 256, 3, stride=2), (6, 6, 256)),
    ("HLCV, AlexNet without layer 7: −16 million", affine_parameters(4096, 4096) // 10**6, 16),
    ("HLCV, AlexNet without layers 6 and 7: ~ −50 million",
     round((perceptron(6 * 6 * 256, 4096, 4096, 1000) - perceptron(6 * 6 * 256, 1000)) / 1e7), 5),
    ("EECS 545, VGG-16: three 3×3 see what a 7×7 sees", output_size(output_size(output_size(7, 3), 3), 3), 1),
)  # fmt: skip
def test_lenet_and_alexnet(computed, printed):
    assert computed == printed


def test_sysu_alexnet_conv2_with_the_printed_stride_2_leads_nowhere():
    h, w, c = conv(27, 27, 96, 256, 5, pad=2, stride=2)
    with pytest.raises(ValueError, match=r"\(14 − 3\)/2 \+ 1 = 6\.5 is not whole"):
        pool(h, w, c, 3, stride=2)
