"""What is raced: each contender of ours beside the same computation in PyTorch, with the same numbers."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from course import models, ops
from course.layers import Model
from course.ops import RunningStatistics
from course.ops._memory import forget
from course.optim import Optimizer
from course.train import DataParallel

Arrays = list[np.ndarray]


@dataclass(frozen=True)
class Pair:
    """Ours and PyTorch's, and how to see that they compute the same."""

    name: str
    ours: Callable[[], Arrays]
    theirs: Callable[[], Arrays]
    operations: float = 0.0  # floating point operations of one run, for what is mostly matrix products
    tolerance: float = 2e-4

    def same(self) -> float:
        """The largest difference of an output or a gradient, relative to its largest element; an error if too large."""
        worst = 0.0
        for mine, peer in zip(self.ours(), self.theirs(), strict=True):
            if mine.shape != peer.shape or mine.dtype != peer.dtype:
                raise AssertionError(f"{self.name}: {mine.shape} {mine.dtype} beside {peer.shape} {peer.dtype}")
            worst = max(worst, float(np.abs(mine - peer).max() / (np.abs(peer).max() + 1e-30)))
        if worst > self.tolerance:
            raise AssertionError(f"{self.name}: the answers differ by {worst:.1e}")
        return worst


# N, C, H and W, K, F, S, P: small pictures and large, few channels and many, 1×1 and strided
SHAPES = (
    (32, 3, 32, 32, 3, 1, 1),
    (64, 32, 32, 64, 3, 1, 1),
    (128, 1, 28, 6, 5, 1, 0),
    (128, 6, 14, 16, 5, 1, 0),
    (16, 64, 56, 64, 3, 1, 1),
    (16, 64, 28, 256, 1, 1, 0),
    (32, 32, 32, 64, 5, 2, 2),
)


def drawn(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)


def leaf(array: np.ndarray) -> torch.Tensor:
    """A tensor of its own whose gradient is wanted."""
    return torch.from_numpy(array.copy()).requires_grad_()


def convolution(shape: tuple[int, ...]) -> Pair:
    """Forward and backward of one convolution."""
    n, c, size, k, field, stride, pad = shape
    floor = (size + 2 * pad - field) % stride != 0
    x, w, b = drawn(n, c, size, size), drawn(k, c, field, field, seed=1), drawn(k, seed=2)
    out = (size + 2 * pad - field) // stride + 1
    dy = drawn(n, k, out, out, seed=3)

    def ours() -> Arrays:
        y, cache = ops.conv2d(x, w, b, stride=stride, pad=pad, floor=floor)
        return [y, *ops.conv2d_backward(dy, cache)]

    tx, tw, tb, upstream = leaf(x), leaf(w), leaf(b), torch.from_numpy(dy)

    def theirs() -> Arrays:
        y = F.conv2d(tx, tw, tb, stride=stride, padding=pad)
        gradients = torch.autograd.grad(y, (tx, tw, tb), upstream)
        return [y.detach().numpy(), *(gradient.numpy() for gradient in gradients)]

    name = f"{n}×{c}×{size}² → {k}, {field}×{field}" + (f" stride {stride}" if stride > 1 else "")
    return Pair(name, ours, theirs, operations=3 * 2.0 * n * k * out * out * c * field * field)


def memory(shape: tuple[int, ...]) -> tuple[float, float]:
    """Bytes that a convolution takes at its peak beyond x, y, dx and what it returns; and one picture's columns."""
    n, c, size, k, field, stride, pad = shape
    floor = (size + 2 * pad - field) % stride != 0
    x, w, b = drawn(n, c, size, size), drawn(k, c, field, field, seed=1), drawn(k, seed=2)
    out = (size + 2 * pad - field) // stride + 1
    dy = drawn(n, k, out, out, seed=3)
    forget()  # what kernels work in counts as well
    tracemalloc.start()
    try:
        y, cache = ops.conv2d(x, w, b, stride=stride, pad=pad, floor=floor)
        results = ops.conv2d_backward(dy, cache)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    kept = y.nbytes + sum(array.nbytes for array in results)
    return peak - kept, float(4 * c * field * field * out * out)


def operators() -> Iterator[Pair]:
    """Operators other than convolution, forward and backward."""
    x, dy = drawn(64, 32, 32, 32), drawn(64, 32, 16, 16, seed=1)
    tx, tdy = leaf(x), torch.from_numpy(dy)

    def pool() -> Arrays:
        y, cache = ops.max_pool2d(x, 2)
        return [y, ops.max_pool2d_backward(dy, cache)]

    def torch_pool() -> Arrays:
        y = F.max_pool2d(tx, 2)
        return [y.detach().numpy(), torch.autograd.grad(y, tx, tdy)[0].numpy()]

    yield Pair("max pool 2×2, 64×32×32²", pool, torch_pool)

    gamma, beta, full = drawn(32, seed=2), drawn(32, seed=3), drawn(64, 32, 32, 32, seed=4)
    tg, tb, tfull = leaf(gamma), leaf(beta), torch.from_numpy(full)

    def norm() -> Arrays:
        running = RunningStatistics(np.zeros(32, np.float32), np.ones(32, np.float32))
        y, cache = ops.batch_norm(x, gamma, beta, running, training=True)
        return [y, *ops.batch_norm_backward(full, cache)]

    def torch_norm() -> Arrays:
        y = F.batch_norm(tx, torch.zeros(32), torch.ones(32), tg, tb, training=True)
        return [y.detach().numpy(), *(g.numpy() for g in torch.autograd.grad(y, (tx, tg, tb), tfull))]

    yield Pair("batch norm, 64×32×32²", norm, torch_norm)

    for n, classes in ((128, 10), (256, 1000)):
        scores, labels = drawn(n, classes), np.random.default_rng(5).integers(0, classes, n)
        yield softmax(scores, labels)
    yield adam()


def softmax(scores: np.ndarray, labels: np.ndarray) -> Pair:
    """The loss of a batch of scores and its gradient."""
    ts, tl = leaf(scores), torch.from_numpy(labels)

    def ours() -> Arrays:
        loss, dscores = ops.softmax_loss(scores, labels)
        return [np.asarray(loss, np.float32), dscores]

    def theirs() -> Arrays:
        loss = F.cross_entropy(ts, tl)
        return [loss.detach().numpy(), torch.autograd.grad(loss, ts)[0].numpy()]

    return Pair(f"softmax loss, {scores.shape[0]}×{scores.shape[1]}", ours, theirs)


def adam() -> Pair:
    """One step of Adam over the parameters of LeNet-5."""
    model = models.lenet5()
    model.build((1, 32, 32), rng=np.random.default_rng(0))
    gradients = {name: drawn(*w.shape, seed=i) for i, (name, w) in enumerate(model.params.items())}
    tensors = [leaf(w) for w in model.params.values()]
    for tensor, gradient in zip(tensors, gradients.values(), strict=True):
        tensor.grad = torch.from_numpy(gradient.copy())

    class Given:
        params, grads = model.params, gradients

    optimizer, peer = Optimizer(Given, "adam", lr=1e-3), torch.optim.Adam(tensors, lr=1e-3)

    def ours() -> Arrays:
        optimizer.step()
        return list(Given.params.values())

    def theirs() -> Arrays:
        peer.step()
        return [tensor.detach().numpy() for tensor in tensors]

    return Pair("Adam, LeNet-5's 61 706 weights", ours, theirs)


# ---- whole networks ------------------------------------------------------------------------------------------------


def conv(c: int, k: int, field: int, *, stride: int = 1, pad: int = 0, bias: bool = False) -> torch.nn.Conv2d:
    return torch.nn.Conv2d(c, k, field, stride=stride, padding=pad, bias=bias)


class Block(torch.nn.Module):
    """The residual block of `course.models`, its parameters in the same order."""

    def __init__(self, c: int, k: int, stride: int) -> None:
        super().__init__()
        norm = torch.nn.BatchNorm2d
        self.body = torch.nn.Sequential(
            conv(c, k, 3, stride=stride, pad=1), norm(k), torch.nn.ReLU(), conv(k, k, 3, pad=1), norm(k)
        )
        changes = stride > 1 or c != k
        self.shortcut = torch.nn.Sequential(conv(c, k, 1, stride=stride), norm(k)) if changes else torch.nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.relu(self.body(x) + self.shortcut(x))


def torch_lenet() -> torch.nn.Module:
    """LeNet-5 as `course.models` has it: ReLU after the pool, which gives the same values for a quarter of the work."""
    nn = torch.nn
    return nn.Sequential(
        conv(1, 6, 5, bias=True), nn.MaxPool2d(2), nn.ReLU(),
        conv(6, 16, 5, bias=True), nn.MaxPool2d(2), nn.ReLU(),
        nn.Flatten(), nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10),
    )  # fmt: skip


def torch_resnet() -> torch.nn.Module:
    nn = torch.nn
    return nn.Sequential(
        conv(3, 16, 3, pad=1), nn.BatchNorm2d(16), nn.ReLU(),
        Block(16, 16, 1), Block(16, 32, 2), Block(32, 64, 2),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10),
    )  # fmt: skip


def networks() -> Iterator[Pair]:
    """Training steps: forward, loss, backward, momentum."""
    yield step("LeNet-5 step, batch 128", models.lenet5(), torch_lenet(), (1, 32, 32))
    yield step("small ResNet step (3 stages, 8 layers), batch 128", models.mini_resnet(), torch_resnet(), (3, 32, 32))


def step(name: str, model: Model, peer: torch.nn.Module, shape: tuple[int, ...]) -> Pair:
    """A training step of both, from the same weights on the same batch; the loss and the gradients are compared.

    Not closely: of half a million ReLUs a few see so nearly 0 that rounding opens them in one and closes them in the
    other, and each moves a gradient by about a hundredth.
    """
    model.build(shape, rng=np.random.default_rng(0))
    copy_weights(model.params, peer)
    x, labels = drawn(128, *shape), np.random.default_rng(1).integers(0, 10, 128)
    tx, tl = torch.from_numpy(x.copy()), torch.from_numpy(labels)
    peers = torch.optim.SGD(peer.parameters(), lr=1e-4, momentum=0.9)
    peer.train()
    # the batch shared by processes, unless it is wanted whole, for batch normalisation
    shared = torch.get_num_threads() > 1 and not model.state
    team = DataParallel(model, torch.get_num_threads()) if shared else model
    optimizer = Optimizer(team, "momentum", lr=1e-4, alpha=0.9)

    def ours() -> Arrays:
        loss, dscores = ops.softmax_loss(team.forward(x, training=True), labels)
        team.backward(dscores, need_dx=False)
        optimizer.step()
        return [np.asarray(loss, np.float32), *team.grads.values()]

    def theirs() -> Arrays:
        peers.zero_grad()
        loss = F.cross_entropy(peer(tx), tl)
        loss.backward()
        peers.step()
        return [loss.detach().numpy(), *(gradient_of(tensor) for tensor in peer.parameters())]

    return Pair(name, ours, theirs, tolerance=0.05)


def gradient_of(tensor: torch.Tensor) -> np.ndarray:
    """The gradient of a parameter, as ours has it: Linear transposed."""
    assert tensor.grad is not None
    gradient = tensor.grad.numpy()
    return gradient.T if gradient.ndim == 2 else gradient


def copy_weights(params: dict[str, Any], peer: torch.nn.Module) -> None:
    """Give PyTorch's network our weights; both list them in the same order, Linear transposed."""
    with torch.no_grad():
        for (name, w), tensor in zip(params.items(), peer.parameters(), strict=True):
            source = w.T if w.ndim == 2 else w
            if source.shape != tuple(tensor.shape):
                raise AssertionError(f"{name}: {source.shape} beside {tuple(tensor.shape)}")
            tensor.copy_(torch.from_numpy(np.ascontiguousarray(source)))
