"""What a student wrote in notebooks 05 to 08 is enough to build and train LeNet-5: no `course.ops` in sight."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import numpy as np
import pytest

from course import data
from grader.cells import is_exercise, is_setup
from grader.source import load_solution
from grader.trusted import run_cell

CLASSES = 10


class WithoutOps:
    """Refuses to import the reference."""

    def find_spec(self, name, path=None, target=None):
        if name.startswith("course.ops"):
            raise ImportError(f"{name} is not for this test")


@pytest.fixture
def students(root, monkeypatch):
    """The functions of the solutions, notebook by notebook, as if a student had written them."""
    for name in [name for name in sys.modules if name.startswith("course.ops")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [WithoutOps(), *sys.meta_path])
    with pytest.raises(ImportError, match="not for this test"):
        __import__("course.ops.affine")

    def functions(name):
        namespace = {"__name__": "__main__"}
        for cell in load_solution(root, name).notebook.cells:
            if is_setup(cell) or is_exercise(cell):
                errors = [output for output in run_cell(cell.source, namespace) if output["output_type"] == "error"]
                assert not errors, errors
        return SimpleNamespace(**namespace)

    return SimpleNamespace(
        loops=functions("05_convolution"),
        convolution=functions("06_convolution_backward"),
        pooling=functions("07_pooling"),
        normalisation=functions("08_normalisation"),
    )


def he(rng, *shape):
    return (rng.standard_normal(shape) * np.sqrt(2 / np.prod(shape[1:]))).astype(np.float32)


def lenet(rng):
    """Filters and biases layer by layer; a fully connected layer is a convolution whose field is all there is."""
    shapes = [(6, 1, 5, 5), (16, 6, 5, 5), (120, 16, 5, 5), (84, 120, 1, 1), (CLASSES, 84, 1, 1)]
    return [(he(rng, *shape), np.zeros(shape[0], np.float32)) for shape in shapes]


def forward(s, weights, x, u):
    """Scores (N, 10) and what the way back needs."""
    caches = []
    for number, (w, b) in enumerate(weights):
        x, cache = s.convolution.conv2d_fast(x, w, b)
        caches.append((s.convolution.conv2d_fast_backward, cache))
        if number < 2:
            x, cache = s.pooling.max_pool2d(x, 2)
            caches.append((s.pooling.max_pool2d_backward, cache))
        if number < 4:
            positive = x > 0
            x = x * positive
            caches.append((np.multiply, positive))
        if number == 3:
            x, cache = s.normalisation.dropout(x, u, p=0.1, training=True)
            caches.append((s.normalisation.dropout_backward, cache))
    return x[:, :, 0, 0], caches


def backward(dscores, caches):
    """The gradients of filters and biases, layer by layer."""
    dx, gradients = dscores[:, :, None, None], []
    for way_back, cache in reversed(caches):
        dx = way_back(dx, cache)
        if isinstance(dx, tuple):
            dx, dw, db = dx
            gradients.append((dw, db))
    return gradients[::-1]


def cross_entropy(scores, labels):
    shifted = scores - scores.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    dscores = np.exp(log_p)
    dscores[np.arange(len(labels)), labels] -= 1
    return -log_p[np.arange(len(labels)), labels].mean(), dscores / len(labels)


def test_lenet_5_of_the_students_functions_learns(students):
    rng = np.random.default_rng(0)
    x, labels = data.translated_digits(1000, size=32, zoom=2, part="train", rng=rng)
    weights = lenet(rng)
    assert sum(w.size + b.size for w, b in weights) == 61_706
    velocity = [[np.zeros_like(p) for p in pair] for pair in weights]
    losses = []
    for _ in range(200):
        chosen = rng.choice(len(x), 32, replace=False)
        u = rng.random((32, 84, 1, 1)).astype(np.float32)
        scores, caches = forward(students, weights, x[chosen], u)
        loss, dscores = cross_entropy(scores, labels[chosen])
        losses.append(loss)
        for pair, gradient, speed in zip(weights, backward(dscores, caches), velocity, strict=True):
            for p, dp, v in zip(pair, gradient, speed, strict=True):
                assert dp.shape == p.shape and dp.dtype == np.float32
                v *= 0.9
                v -= 0.03 * dp
                p += v
    assert losses[0] > 1.5
    assert np.mean(losses[-20:]) < 0.5 * losses[0]


def test_batch_norm_and_the_loops_fit_the_same_network(students):
    """The slow and the fast convolution agree on LeNet's first layer, and batch norm joins the way back."""
    rng = np.random.default_rng(1)
    x = data.translated_digits(4, size=16, part="train", rng=rng)[0].astype(float)
    w, b = rng.standard_normal((6, 1, 5, 5)), rng.standard_normal(6)
    y, cache = students.convolution.conv2d_fast(x, w, b)
    np.testing.assert_allclose(y, students.loops.conv2d(x, w, b), rtol=1e-9, atol=1e-12)
    running = {"mean": np.zeros(6), "var": np.ones(6)}
    normed, norm_cache = students.normalisation.batch_norm2d(y, np.ones(6), np.zeros(6), running, training=True)
    np.testing.assert_allclose(normed.mean(axis=(0, 2, 3)), 0, atol=1e-9)
    dy, dgamma, dbeta = students.normalisation.batch_norm2d_backward(rng.standard_normal(y.shape), norm_cache)
    dx, dw, db = students.convolution.conv2d_fast_backward(dy, cache)
    assert (dx.shape, dw.shape, db.shape, dgamma.shape, dbeta.shape) == (x.shape, w.shape, b.shape, (6,), (6,))
    np.testing.assert_allclose(db, 0, atol=1e-9)  # batch norm takes the mean away, and a bias with it
