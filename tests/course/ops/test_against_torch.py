"""Every operator against PyTorch, forward and backward, one line each: uv run --group bench pytest tests/course/ops."""

from functools import partial

import numpy as np
import pytest

from course import ops

try:
    import torch
    import torch.nn.functional as F
except ModuleNotFoundError:
    pytest.skip("PyTorch is not installed: uv run --group bench pytest", allow_module_level=True)

X, ROWS, ANY = (3, 4, 8, 7), (5, 6), (2, 3, 4)  # X: pictures
FILTERS = (5, 4, 3, 3), (5,)


def statistics():
    return ops.RunningStatistics(np.array([0.5, -1.0, 0.0, 2.0]), np.array([1.0, 0.5, 2.0, 1.5]))


def batch_norm(x, gamma, beta, training, eps=1e-5):
    mean, var = torch.tensor(statistics().mean, dtype=x.dtype), torch.tensor(statistics().var, dtype=x.dtype)
    return F.batch_norm(x, mean, var, gamma, beta, training=training, eps=eps)


def torch_maxout(x, w, b):
    return (torch.einsum("nd,pdm->pnm", x, w) + b[:, None]).amax(dim=0)


def torch_pad(x, pad, mode):
    if mode == "circular":
        return F.pad(x, (pad, pad, pad, pad), mode="circular")
    # PyTorch reflects without repeating the edge: fold the sides over by flipped slices
    x = torch.cat([x[..., :pad, :].flip(-2), x, x[..., -pad:, :].flip(-2)], dim=-2)
    return torch.cat([x[..., :pad].flip(-1), x, x[..., -pad:].flip(-1)], dim=-1)


def avg_padded(x):
    return F.avg_pool2d(x, 3, stride=2, padding=1, count_include_pad=False)


def bn(x, gamma, beta, **hyper):
    return ops.batch_norm(x, gamma, beta, statistics(), **hyper)


def up(mode, scale):
    corners = None if mode == "nearest" else False
    return lambda x: F.interpolate(x, scale_factor=scale, mode=mode, align_corners=corners)


transpose = F.conv_transpose2d

# ours, its keywords; the shapes of the arguments (None: no bias); PyTorch's
OPERATORS = [
    ("affine", {}, [(5, 6), (6, 3), (3,)], lambda x, w, b: x @ w + b),
    ("sigmoid", {}, [ANY], torch.sigmoid),
    ("tanh", {}, [ANY], torch.tanh),
    ("relu", {}, [ANY], F.relu),
    ("leaky_relu", {}, [ANY], lambda x: F.leaky_relu(x, 0.1)),
    ("leaky_relu", {"slope": 0.3}, [ANY], lambda x: F.leaky_relu(x, 0.3)),
    ("prelu", {}, [X, (4,)], F.prelu),
    ("prelu", {}, [ROWS, (1,)], F.prelu),
    ("elu", {}, [ANY], F.elu),
    ("elu", {"alpha": 0.5}, [ANY], lambda x: F.elu(x, 0.5)),
    ("swish", {}, [ANY], F.silu),
    ("maxout", {}, [(5, 6), (3, 6, 4), (3, 4)], torch_maxout),
    ("softmax", {}, [ROWS], partial(F.softmax, dim=1)),
    ("softmax", {}, [X], partial(F.softmax, dim=1)),
    ("log_softmax", {}, [ROWS], partial(F.log_softmax, dim=1)),
    ("conv2d", {}, [X, (5, 4, 3, 2), (5,)], F.conv2d),
    ("conv2d", {}, [X, (5, 4, 3, 3), None], F.conv2d),
    ("conv2d", {}, [X, (6, 4, 1, 1), (6,)], F.conv2d),
    ("conv2d", {"pad": (2, 1)}, [X, (5, 4, 5, 3), (5,)], partial(F.conv2d, padding=(2, 1))),
    ("conv2d", {"stride": (1, 2)}, [X, *FILTERS], partial(F.conv2d, stride=(1, 2))),
    ("conv2d", {"stride": 2, "pad": 1, "floor": True}, [X, *FILTERS], partial(F.conv2d, stride=2, padding=1)),
    ("conv2d", {"dilation": (3, 2)}, [X, (5, 4, 2, 3), (5,)], partial(F.conv2d, dilation=(3, 2))),
    ("conv2d", {"groups": 2}, [X, (6, 2, 3, 3), (6,)], partial(F.conv2d, groups=2)),
    ("conv2d", {"groups": 4, "pad": 1}, [X, (4, 1, 3, 3), (4,)], partial(F.conv2d, groups=4, padding=1)),
    ("conv_transpose2d", {}, [X, (4, 5, 3, 2), (5,)], transpose),
    ("conv_transpose2d", {"stride": 2, "pad": 1}, [X, (4, 5, 4, 4), (5,)], partial(transpose, stride=2, padding=1)),
    ("conv_transpose2d", {"stride": (3, 1)}, [X, (4, 5, 2, 3), None], partial(transpose, stride=(3, 1))),
    ("pad2d", {"pad": 2, "mode": "zero"}, [X], lambda x: F.pad(x, (2, 2, 2, 2))),
    ("pad2d", {"pad": 2, "mode": "symmetric"}, [X], lambda x: torch_pad(x, 2, "symmetric")),
    ("pad2d", {"pad": 2, "mode": "circular"}, [X], lambda x: torch_pad(x, 2, "circular")),
    ("max_pool2d", {"field": (2, 7)}, [X], lambda x: F.max_pool2d(x, (2, 7))),
    ("max_pool2d", {"field": 2, "floor": True}, [X], lambda x: F.max_pool2d(x, 2)),
    ("max_pool2d", {"field": 3, "stride": (1, 2)}, [X], lambda x: F.max_pool2d(x, 3, stride=(1, 2))),
    ("max_pool2d", {"field": 3, "stride": 2, "pad": 1, "floor": True}, [X], lambda x: F.max_pool2d(x, 3, 2, 1)),
    ("avg_pool2d", {"field": (2, 7)}, [X], lambda x: F.avg_pool2d(x, (2, 7))),
    ("avg_pool2d", {"field": 3, "stride": (1, 2)}, [X], lambda x: F.avg_pool2d(x, 3, stride=(1, 2))),
    ("avg_pool2d", {"field": 3, "stride": 2, "pad": 1, "floor": True}, [X], avg_padded),
    ("global_avg_pool2d", {}, [X], lambda x: F.adaptive_avg_pool2d(x, 1)[:, :, 0, 0]),
    ("batch_norm", {"training": True}, [X, (4,), (4,)], partial(batch_norm, training=True)),
    ("batch_norm", {"training": False, "eps": 0.1}, [X, (4,), (4,)], partial(batch_norm, training=False, eps=0.1)),
    ("batch_norm", {"training": True}, [(7, 4), (4,), (4,)], partial(batch_norm, training=True)),
    ("batch_norm", {"training": False}, [(1, 4), (4,), (4,)], partial(batch_norm, training=False)),
    # PyTorch's alpha is for the mean over the channels, the paper's and ours for their sum
    ("local_response_norm", {"size": 3, "alpha": 0.5}, [X], partial(F.local_response_norm, size=3, alpha=1.5, k=2.0)),
    ("upsample_nearest2d", {"scale": (2, 3)}, [X], up("nearest", (2, 3))),
    ("upsample_bilinear2d", {"scale": (2, 3)}, [X], up("bilinear", (2, 3))),
    ("upsample_bilinear2d", {"scale": 1}, [X], up("bilinear", 1)),
]  # fmt: skip

LOSSES = [
    ("softmax_loss", {}, ROWS, F.cross_entropy),
    ("softmax_loss", {}, X, F.cross_entropy),
    ("hinge_loss", {}, ROWS, lambda s, y: s.shape[1] * F.multi_margin_loss(s, y)),
    ("hinge_loss", {"margin": 0.5}, ROWS, lambda s, y: s.shape[1] * F.multi_margin_loss(s, y, margin=0.5)),
    ("squared_loss", {}, (5, 8), lambda p, t: F.mse_loss(p, t, reduction="sum") / len(p)),
]

both = pytest.mark.parametrize(("dtype", "close"), [(np.float32, 2e-5), (np.float64, 1e-11)])


def equal(got, expected, close):
    expected = expected.detach().numpy()
    assert got.shape == expected.shape
    assert got.dtype == expected.dtype
    np.testing.assert_allclose(got, expected, rtol=close, atol=close * max(1, np.abs(expected).max(initial=0)))


@both
@pytest.mark.parametrize(("name", "hyper", "shapes", "theirs"), OPERATORS)
def test_operator(name, hyper, shapes, theirs, dtype, close):
    rng = np.random.default_rng(3)
    args = [None if shape is None else rng.standard_normal(shape).astype(dtype) for shape in shapes]
    tensors = [None if a is None else torch.tensor(a, requires_grad=True) for a in args]
    y, cache = (bn if name == "batch_norm" else getattr(ops, name))(*args, **hyper)
    expected = theirs(*tensors)
    equal(y, expected, close)

    dy = rng.standard_normal(y.shape).astype(dtype)
    expected.backward(torch.tensor(dy))
    gradients = getattr(ops, f"{name}_backward")(dy, cache)
    for got, tensor in zip(gradients if isinstance(gradients, tuple) else (gradients,), tensors, strict=True):
        if tensor is not None:
            equal(got, tensor.grad, close)


@both
@pytest.mark.parametrize(("name", "hyper", "shape", "theirs"), LOSSES)
def test_loss(name, hyper, shape, theirs, dtype, close):
    rng = np.random.default_rng(4)
    scores, target = rng.standard_normal((2, *shape)).astype(dtype)
    if name != "squared_loss":
        target = rng.integers(0, shape[1], (shape[0], *shape[2:]))
    tensor = torch.tensor(scores, requires_grad=True)
    expected = theirs(tensor, torch.tensor(target))
    expected.backward()
    loss, dscores = getattr(ops, name)(scores, target, **hyper)
    equal(loss, expected, close)
    equal(dscores, tensor.grad, close)


@both
def test_im2col_and_col2im(dtype, close):
    x = np.random.default_rng(5).standard_normal(X).astype(dtype)
    cols = ops.im2col(x, (3, 2), stride=(1, 2), pad=(1, 0), floor=True)
    window = {"kernel_size": (3, 2), "stride": (1, 2), "padding": (1, 0)}
    equal(cols, F.unfold(torch.tensor(x), **window), close)
    folded = ops.col2im(cols, X, (3, 2), stride=(1, 2), pad=(1, 0), floor=True)
    equal(folded, F.fold(torch.tensor(cols), X[2:], **window), close)


def test_running_statistics():
    x = np.random.default_rng(6).standard_normal(X)
    ours, mean, var = statistics(), torch.tensor(statistics().mean), torch.tensor(statistics().var)
    for _ in range(3):
        ops.batch_norm(x, np.ones(4), np.zeros(4), ours, training=True, momentum=0.3)
        F.batch_norm(torch.tensor(x), mean, var, training=True, momentum=0.3)
    np.testing.assert_allclose(ours.mean, mean.numpy())
    np.testing.assert_allclose(ours.var, var.numpy())


def test_every_operator_is_here():
    """Dropout draws other numbers than PyTorch's; everything else is compared."""
    compared = {line[0] for line in [*OPERATORS, *LOSSES]} | {"im2col", "col2im", "RunningStatistics", "dropout"}
    assert compared == {name for name in ops.__all__ if not name.endswith("_backward")}
