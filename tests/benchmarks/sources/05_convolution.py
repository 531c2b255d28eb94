# ---
# jupyter:
#   convnet_course:
#     box_modules: []
# ---

# Five exercises with tests as instructors write them: asserts, NumPy's own, partial credit, hidden parts.

# %% tags=["setup"]
import numpy as np


# %% exercise="output_size"
def output_size(n, f, *, stride=1, pad=0):
    ### BEGIN SOLUTION
    return (n + 2 * pad - f) // stride + 1
    ### END SOLUTION


# %% check="output_size" points=8
cases = [(7, 3, 1, 0, 5), (7, 3, 2, 1, 4), (11, 5, 2, 2, 6)]
right = sum(2 for n, f, s, p, o in cases if output_size(n, f, stride=s, pad=p) == o)
### BEGIN HIDDEN TESTS
no_one_shall_see = output_size(32, 5, stride=3)
right += 2 * (no_one_shall_see == 10)
### END HIDDEN TESTS
right


# %% exercise="pad2d"
def pad2d(x, pad):
    ### BEGIN SOLUTION
    return np.pad(x, pad)
    ### END SOLUTION


# %% check="pad2d" points=2
x = np.arange(6.0).reshape(2, 3)
np.testing.assert_array_equal(pad2d(x, 2), np.pad(x, 2))
2


# %% exercise="cross_correlate_2d"
def cross_correlate_2d(x, w):
    ### BEGIN SOLUTION
    windows = np.lib.stride_tricks.sliding_window_view(x, w.shape)
    return (windows * w).sum(axis=(2, 3))
    ### END SOLUTION


# %% check="cross_correlate_2d" points=4
x, w = np.arange(30.0).reshape(5, 6) % 7, np.array([[1.0, -2.0], [3.0, 0.5]])
windows = np.lib.stride_tricks.sliding_window_view(x, w.shape)
error = np.abs(cross_correlate_2d(x, w) - (windows * w).sum(axis=(2, 3))).max()
float(4 * (1 - min(error, 1.0)))


# %% exercise="convolve_2d"
def convolve_2d(x, w):
    ### BEGIN SOLUTION
    return cross_correlate_2d(x, w[::-1, ::-1])
    ### END SOLUTION


# %% check="convolve_2d" points=4
x, w = np.eye(4), np.array([[1.0, 2.0], [3.0, 4.0]])
assert np.allclose(convolve_2d(x, w), [[5, 2, 0], [3, 5, 2], [0, 3, 5]])
### BEGIN HIDDEN TESTS
no_one_shall_see = convolve_2d(np.ones((3, 3)), w)
assert np.allclose(no_one_shall_see, 10)
### END HIDDEN TESTS
4


# %% exercise="conv2d"
def conv2d(x, w, b, *, stride=1, pad=0):
    ### BEGIN SOLUTION
    x = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    windows = np.lib.stride_tricks.sliding_window_view(x, w.shape[2:], axis=(2, 3))
    y = np.einsum("nchwij,kcij->nkhw", windows[:, :, ::stride, ::stride], w)
    return y + b[:, None, None]
    ### END SOLUTION


# %% check="conv2d" points=6
x, w, b = np.ones((2, 3, 5, 6)), np.ones((4, 3, 3, 2)), np.arange(4.0)
np.testing.assert_allclose(conv2d(x, w, b, stride=2), np.broadcast_to(18 + b[:, None, None], (2, 4, 2, 3)))
### BEGIN HIDDEN TESTS
no_one_shall_see = conv2d(x, w, b, pad=1).sum()
np.testing.assert_allclose(no_one_shall_see, 4164)
### END HIDDEN TESTS
6

# %% [markdown] question="why" points=2
# Why?
