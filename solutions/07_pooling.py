# ---
# jupyter:
#   convnet_course:
#     box_modules:
#     - course.data
#     - course.plots
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 07 Pooling
#
# A convolution layer says at every place how well its filters fit. Rarely does a network need to know that to the
# pixel. Pooling puts one number in the place of a whole window: its largest, or its mean. The maps shrink, and all that
# follows has less to compute. In this notebook you write both kinds, forwards and backwards, and measure what they are
# good for, and what they are not.
#
# It takes about an hour. Nothing from an earlier notebook is needed. Run the cells from top to bottom; where you find
# `...` or `NotImplementedError`, it is your turn.
#
# Lectures, as they are called below:
#
# - **SYSU**: *Artificial Neural Networks*, Sun Yat-sen University, Lecture 7.3, "Derivative of
#   Pooling Layer"
# - **EECS 442**: *Computer Vision*, University of Michigan, "Convolutional Neural Networks"
# - **HLCV**: *High Level Computer Vision*, Saarland University, "Backpropagation & Convolutional Neural Networks"
# - **IIITS**: *Machine Learning*, IIIT Sri City, "Convolutional Neural Network"
# - **EECS 545**: *Machine Learning*, University of Michigan, Lecture 12
#
# Symbols: N pictures, C channels, height H, width W; windows of extent F (FH high, FW wide), stride S; the output is OH
# high and OW wide. dy is ∂L/∂y, the upstream gradient, and dx is ∂L/∂x.

# %% tags=["setup"]
import numpy as np

from course import data, plots
from course.plots.pooling import against_shift, jitter, line_windows, walk

np.set_printoptions(precision=3, suppress=True)


def pair(number):
    """Give (vertical, horizontal): 3 means (3, 3), a pair stays as it is."""
    return number if isinstance(number, tuple) else (number, number)


def output_size(size, field, stride):
    """Count the places of a window along one axis, as in notebook 05; without padding, as is usual for pooling."""
    room = size - field
    if room < 0 or room % stride != 0:
        raise ValueError(
            f"({size} − {field})/{stride} + 1 is no whole number: the window does not fit"
        )
    return room // stride + 1


# %% [markdown]
# ## 1 Smaller maps
#
# *Follows EECS 442, "Idea: want spatial resolution of activations / images smaller"; EECS 545, "Pooling"; SYSU,
# "Pooling".*
#
# On the left the edges of a photograph, as a filter of notebook 05 finds them. On the right each window of 6×6 is one
# number, its maximum. 36 times fewer numbers, and the pavilion is still there.

# %% tags=["demo"]
from course import ops

grey = (data.photograph("china") @ [0.299, 0.587, 0.114] / 255)[None, None]
sobel = np.array([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]])[None, None]
edges = np.minimum(np.abs(ops.conv2d(grey, sobel, np.zeros(1))[0])[:, :, 2:-2, 2:-2] / 2, 1)
plots.show(
    plots.pictures([edges[0, 0], ops.max_pool2d(edges, 6)[0][0, 0]], titles=["edges", "pooled"]),
    alt="Left: the upright edges of a pavilion, bright lines on black. Right: the same in 36 times fewer, larger squares; "
    "the outline of the pavilion can still be made out.",
)

# %% [markdown]
# A pooling layer works on each picture and **each channel by itself**. It has no weights. Max pooling asks "is this
# feature somewhere in the window?", mean pooling "how much of it is there?".
#
# ### By hand: eight numbers
#
# EECS 442's example: windows of 2×2 with stride 2. Replace each `...` by a number, here and below.

# %% tags=["setup"]
x_442 = np.array([[1, 1, 2, 4], [5, 6, 7, 8], [3, 2, 1, 0], [1, 1, 3, 4]], dtype=float)

# %% tags=["demo"]
empty = np.full((2, 2), np.nan)
plots.show(
    plots.matrices(
        x_442,
        "→",
        empty,
        empty,
        titles=["x", "max", "mean"],
        windows={0: (0, 0, 2, 2), 1: (0, 0, 1, 1), 2: (0, 0, 1, 1)},
    ),
    alt="The 4×4 picture x with rows 1 1 2 4, 5 6 7 8, 3 2 1 0, 1 1 3 4, and two empty 2×2 outputs, max and mean. The "
    "upper left 2×2 window of x is marked, and the upper left cell of each output.",
)

# %% exercise="by-hand-pooling"
### BEGIN BLANKS
max_pooled = [[6, 8], [3, 4]]
mean_pooled = [[3.25, 5.25], [1.75, 2]]
### END BLANKS
### BEGIN MISTAKES
# sums for means: you added. The mean of a window of four cells is a quarter of their sum.
#   - [[3.25, 5.25], [1.75, 2]]
#   + [[13, 21], [7, 8]]
# stride 1: you moved the window by one cell. With stride 2 the windows stand side by side: the next one begins at the 2 in the first row.
#   - [[6, 8], [3, 4]]
#   + [[6, 7], [6, 7]]
#   - [[3.25, 5.25], [1.75, 2]]
#   + [[3.25, 4], [4, 4]]
# rows and columns exchanged: your numbers are right, but the window to the right of the first one belongs to the right of the output.
#   - [[6, 8], [3, 4]]
#   + [[6, 3], [8, 4]]
#   - [[3.25, 5.25], [1.75, 2]]
#   + [[3.25, 1.75], [5.25, 2]]
### END MISTAKES

# %% check="by-hand-pooling" points=8
from course.check import Check

check = Check("by-hand-pooling")
check.blank("max_pooled", max_pooled)
check.blank("mean_pooled", mean_pooled)
check.score()

# %% [markdown]
# ## 2 Field and stride
#
# *Follows EECS 442, "Max-pool 3x3 Filter Stride 2"; HLCV and IIITS, "(Max) Pooling Layer".*
#
# The size is that of notebook 05, O = (N − F)/S + 1 along each axis. HLCV's slide says that pooling "requires three
# hyperparameters" and lists two; IIITS has it right: two, F and S. Padding is rare here.
#
# Mostly S = F, and the windows stand side by side. Where S < F they **overlap**, and a cell belongs to several windows.
# EECS 442 takes 7×7 cells and windows of 3×3 with stride 2; AlexNet pools in the same way. The first two windows of the
# first row share a column:

# %% tags=["demo"]
cells = np.full((7, 7), np.nan)
plots.show(
    plots.matrices(
        cells,
        cells,
        titles=["first window", "second"],
        windows={0: (0, 0, 3, 3), 1: (0, 2, 3, 3)},
        cell=0.36,
    ),
    alt="Two 7×7 pictures without numbers. On the left the first window, rows 0 to 2 and columns 0 to 2; on the right the "
    "second window, rows 0 to 2 and columns 2 to 4. Column 2 is in both.",
)

# %% exercise="by-hand-windows"
### BEGIN BLANKS
# 7×7 cells, windows of 3×3, stride 2
output_height = 3
windows_with_the_corner = 1  # how many windows hold the cell in row 0, column 0?
windows_with_row_2_column_2 = 4  # and how many the cell in row 2, column 2?

# 10 channels go in
weights_of_the_layer = 0
channels_that_come_out = 10
### END BLANKS
### BEGIN MISTAKES
# windows along one axis: you count along one axis only. The cell stands at the end of a window and at the beginning of the next one, in its row and in its column.
#   - windows_with_row_2_column_2 = 4
#   + windows_with_row_2_column_2 = 2
# a filter's weights: you count weights as if it were a convolution. A maximum has nothing to learn.
#   - weights_of_the_layer = 0
#   + weights_of_the_layer = 9
# channels merged: you pool over the channels too. Each channel is pooled by itself, so all of them come out again.
#   - channels_that_come_out = 10
#   + channels_that_come_out = 1
# side by side: you put the windows side by side. With stride 2 a window of 3 begins two cells after the last one: 0, 2, 4.
#   - output_height = 3
#   + output_height = 2
### END MISTAKES

# %% check="by-hand-windows" points=5
from course.check import Check

check = Check("by-hand-windows")
check.blank("output_height", output_height)
check.blank("windows_with_the_corner", windows_with_the_corner)
check.blank("windows_with_row_2_column_2", windows_with_row_2_column_2)
check.blank("weights_of_the_layer", weights_of_the_layer)
check.blank("channels_that_come_out", channels_that_come_out)
check.score()

# %% [markdown]
# ## 3 Max pooling keeps its winner
#
# *Follows SYSU, "Max Pooling" and "Max Pooling layer at layer l"; HLCV, "MAX POOLING".*
#
# $$y_{n,c,i,j} = \max_{u<FH,\;v<FW} \; x_{n,\,c,\;iS+u,\;jS+v}$$
#
# On the way back we shall need to know **which** cell won. So we keep its place in an array `winner` of the shape of y.
# A place is one number: the cells of a map are counted row by row, the cell in row p, column q is number p·W + q. SYSU
# writes P(l, m, i, j) for it.
#
# Two details, and both are in the check:
#
# - **Ties.** Where several cells of a window are the largest, exactly one wins: the first in reading order, row by row.
#   So do `np.argmax` and our reference.
# - **Windows below zero.** The largest of −3, −5, −1, −2 is −1. Nothing says that a maximum is positive.


# %% exercise="max_pool2d"
def max_pool2d(x, field=2, *, stride=None):
    """Take the largest number of each window, and keep the place that it came from.

        y[n, c, i, j] = max over u < FH, v < FW of x[n, c, i·S + u, j·S + v]

    Args:
        x: (N, C, H, W).
        field: the windows' extent, (FH, FW) or a number for both.
        stride: S, (SH, SW) or a number for both; None means the field: windows side by side.

    Returns:
        y: (N, C, OH, OW), of the dtype of x.
        cache: the tuple (x.shape, winner). winner (N, C, OH, OW) holds integers: p·W + q if the cell in
            row p, column q of the whole map won. Of equal cells the first one wins.

    Raises:
        ValueError: the window does not fit.

    Hint: `pair` and `output_size` stand in the first cell. One window of all pictures and channels at
    once, made flat, is an array (N, C, FH·FW); `np.divmod` turns a place in the window into row and column.

    >>> x = np.array([[[[1.0, 1, 2], [5, 6, 6]]]])
    >>> y, (shape, winner) = max_pool2d(x, 2, stride=1)
    >>> y
    array([[[[6., 6.]]]])
    >>> winner                      # row 1, column 1, W = 3: number 4, both times
    array([[[[4, 4]]]])
    """
    ### BEGIN SOLUTION
    (FH, FW), (SH, SW) = pair(field), pair(field if stride is None else stride)
    N, C, H, W = x.shape
    OH, OW = output_size(H, FH, SH), output_size(W, FW, SW)
    y = np.empty((N, C, OH, OW), dtype=x.dtype)
    winner = np.empty((N, C, OH, OW), dtype=int)
    for i in range(OH):
        for j in range(OW):
            top, left = i * SH, j * SW
            window = x[:, :, top : top + FH, left : left + FW].reshape(N, C, FH * FW)
            u, v = np.divmod(window.argmax(axis=2), FW)
            y[:, :, i, j] = window.max(axis=2)
            winner[:, :, i, j] = (top + u) * W + left + v
    return y, (x.shape, winner)
    ### END SOLUTION


### BEGIN MISTAKES
# starts at zero: your maximum is never below 0: you compare with a 0 that is in no window. Begin with the first cell, or with −∞.
#   - window.max(axis=2)
#   + window.max(axis=2, initial=0)
# stride ignored: your windows stand side by side whatever the stride is. Window (i, j) begins in row i·SH, column j·SW.
#   - pair(field if stride is None else stride)
#   + pair(field)
# stride 1 by default: you take stride 1 where none is given. Then None means the field: windows side by side.
#   - pair(field if stride is None else stride)
#   + pair(1 if stride is None else stride)
# field turned: you exchange the height and the width of the window. field is (FH, FW): try (1, 3) on a single row.
#   - (FH, FW), (SH, SW) = pair(field), pair(field if stride is None else stride)
#   + (FW, FH), (SW, SH) = pair(field), pair(field if stride is None else stride)
# strides exchanged: you exchange the two strides. SH moves the window down, SW to the right.
#   - top, left = i * SH, j * SW
#   - window = x[:, :, top : top + FH, left : left + FW].reshape(N, C, FH * FW)
#   + top, left = min(i * SW, H - FH), min(j * SH, W - FW)
#   + window = x[:, :, top : top + FH, left : left + FW].reshape(N, C, FH * FW)
# last of equal cells: your y is right, but of equal cells the last one wins. The first in reading order should: argmax does it so.
#   - np.divmod(window.argmax(axis=2), FW)
#   + np.divmod(FH * FW - 1 - window[:, :, ::-1].argmax(axis=2), FW)
# place in the window: your y is right, but winner counts from the corner of the window. Count in the whole map: add top to the row and left to the column.
#   - winner[:, :, i, j] = (top + u) * W + left + v
#   + winner[:, :, i, j] = u * FW + v
# rows of height H: your y is right, but a row of the map has W cells, not H: the cell in row p, column q is number p·W + q.
#   - winner[:, :, i, j] = (top + u) * W + left + v
#   + winner[:, :, i, j] = (top + u) * H + left + v
# winner column by column: your y is right, but you take the width of the window for its height: u, v = divmod(place, FW).
#   - np.divmod(window.argmax(axis=2), FW)
#   + np.divmod(window.argmax(axis=2), FH)
# one maximum for all channels: you pool over the channels too. Each channel is pooled by itself, so leave the axes N and C alone.
#   - window.max(axis=2)
#   + window.max(axis=(1, 2))[:, None]
# one maximum for all pictures: you take the maximum over the batch. Each picture is pooled by itself.
#   - window.max(axis=2)
#   + window.max(axis=(0, 2))
# largest in size: you take the number that is furthest from 0. The largest of −3 and 1 is 1: no abs here.
#   - window.max(axis=2)
#   + np.abs(window).max(axis=2)
# smallest: you take the smallest number of each window.
#   - window.max(axis=2)
#   + window.min(axis=2)
# mean for max: you take the mean of each window. That comes in section 5.
#   - window.max(axis=2)
#   + window.mean(axis=2)
# result transposed: your maps come out with rows and columns exchanged. Window (i, j) gives y[n, c, i, j].
#   - y = np.empty((N, C, OH, OW), dtype=x.dtype)
#   + y = np.empty((N, C, OW, OH), dtype=x.dtype)
#   - y[:, :, i, j] = window
#   + y[:, :, j, i] = window
# float64 always: your numbers are right, but float32 in must give float32 out. Make y with dtype=x.dtype.
#   - y = np.empty((N, C, OH, OW), dtype=x.dtype)
#   + y = np.empty((N, C, OH, OW))
# rounds down: you accept a window that does not fit. `output_size` refuses it with a ValueError.
#   - OH, OW = output_size(H, FH, SH), output_size(W, FW, SW)
#   + OH, OW = (H - FH) // SH + 1, (W - FW) // SW + 1
### END MISTAKES


# %% check="max_pool2d" points=16
from functools import partial

from course import ops
from course.check import Check


def winner_of(x, field=2, *, stride=None):
    answer = max_pool2d(x, field, stride=stride)
    if (
        type(answer) is not tuple
        or len(answer) != 2
        or type(answer[1]) is not tuple
        or len(answer[1]) != 2
    ):
        raise TypeError("max_pool2d should return y and the cache (x.shape, winner)")
    return {"winner": np.asarray(answer[1][1]).astype(float)}


def right_winner(x, field=2, *, stride=None):
    # where does a gradient of 1 for one window go? That cell has won
    y, cache = ops.max_pool2d(x, field, stride=stride)
    routes = [
        ops.max_pool2d_backward(dy.reshape(y.shape), cache) for dy in np.eye(y.size, dtype=x.dtype)
    ]
    places = np.argmax([dx.ravel() for dx in routes], axis=1) % (x.shape[2] * x.shape[3])
    return {"winner": places.astype(float).reshape(y.shape)}


check = Check("max_pool2d", max_pool2d, ops.max_pool2d, returns="y (N, C, OH, OW)")
x = x_442[None, None]
check("EECS 442's picture", x)
check("all numbers below 0", -check.uniform(1, 2, 1, 1, 4, 4))
# from here on numbers above 0, so that a slip below 0 costs one case only
draw = partial(check.uniform, 0, 1)
check("one window", draw(1, 1, 3, 3), 3)
check("a batch", draw(3, 1, 4, 4))
check("several channels", draw(1, 3, 4, 4))
check("a window wider than high", draw(1, 1, 4, 9), (2, 3))
check("windows of 3, stride 2: they overlap", draw(1, 1, 7, 5), 3, stride=2)
check("windows of 2, stride 3: they leave gaps", draw(1, 1, 5, 8), 2, stride=3)
check("two strides", draw(1, 1, 7, 6), (3, 2), stride=(2, 1))
check("float32 stays float32", draw(1, 2, 4, 6, dtype=np.float32))
check.raises("5 cells, a window of 2, stride 2: does not fit", ValueError, draw(1, 1, 5, 4))
check.equal(
    "winner: EECS 442's picture",
    lambda: winner_of(x),
    {"winner": np.array([[[[5.0, 7], [8, 15]]]])},
)
x = draw(2, 2, 5, 7)
check.equal(
    "winner: windows that overlap",
    lambda: winner_of(x, 3, stride=2),
    right_winner(x, 3, stride=2),
)
x = draw(1, 2, 6, 4)
check.equal(
    "winner: windows higher than wide",
    lambda: winner_of(x, (3, 2)),
    right_winner(x, (3, 2)),
)
x = check.integers(0, 2, 1, 2, 4, 6).astype(float)
check.equal(
    "winner: of equal cells the first",
    lambda: winner_of(x),
    right_winner(x),
    points=2,
    hint="the first in reading order: row by row",
)
### BEGIN HIDDEN TESTS
check.hide()
x = -check.integers(1, 4, 2, 2, 6, 5).astype(float)
check("another shape", x, (2, 3), stride=(2, 1), points=0.5)
wanted = right_winner(x, (2, 3), stride=(2, 1))
check.equal("another winner", lambda: winner_of(x, (2, 3), stride=(2, 1)), wanted, points=0.5)
### END HIDDEN TESTS
check.score(16)

# %% [markdown]
# ## 4 Back through the maximum
#
# *Follows SYSU, "Derivative of Max Pooling layer at layer l"; HLCV, the max gate in "Patterns in backward flow".*
#
# Move a cell that did not win a little: y stays what it was, so its derivative is 0. Move the winner: y moves with it,
# its derivative is 1. The maximum is a **switch**: each dy goes to the winner of its window, whole, and nobody else
# gets anything.
#
# A cell that won several windows gets all of their dy: gradients of the branches add, hence `+=` and not `=`. SYSU's
# slide says so too.
#
# ### By hand: one line
#
# Four cells, windows of two with stride 1, and the dy of the three windows. Fill in dx for max pooling, and then for
# mean pooling: every cell of a window is half of its mean.

# %% tags=["demo"]
plots.show(
    line_windows([1, 4, 2, 3], [10, 1, 5], field=2),
    alt="Four cells x: 1, 4, 2, 3. Above them three windows of two neighbouring cells each, with dy = 10, 1 and 5.",
)

# %% exercise="by-hand-backward"
### BEGIN BLANKS
dx_of_max = [0, 11, 0, 5]
dx_of_mean = [5, 5.5, 3, 2.5]
### END BLANKS
### BEGIN MISTAKES
# the last window only: you overwrite. The 4 wins two windows, and what both send adds up.
#   - [0, 11, 0, 5]
#   + [0, 1, 0, 5]
# value times dy: you multiply by x. The derivative of the maximum with respect to its winner is 1: dy passes unchanged.
#   - [0, 11, 0, 5]
#   + [0, 44, 0, 15]
# not divided: you send the whole dy to every cell of the window. Each cell is half of the mean, so it gets half of dy.
#   - [5, 5.5, 3, 2.5]
#   + [10, 11, 6, 5]
### END MISTAKES

# %% check="by-hand-backward" points=8
from course.check import Check

check = Check("by-hand-backward")
check.blank("dx_of_max", dx_of_max)
check.blank("dx_of_mean", dx_of_mean)
check.score()

# %% [markdown]
# ### Write it
#
# The check brings its own caches, made by a right forward pass, in the form that the docstring of `max_pool2d`
# describes. So this exercise can be right even if your forward pass is not.


# %% exercise="max_pool2d_backward"
def max_pool2d_backward(dy, cache):
    """Send each dy to the cell that won its window.

        dx[n, c, p, q] = Σ dy[n, c, i, j] over all windows (i, j) that cell (p, q) has won

    Args:
        dy: (N, C, OH, OW), the upstream gradient.
        cache: (x.shape, winner), as `max_pool2d` returns it.

    Returns:
        dx: (N, C, H, W), of the dtype of dy.

    >>> winner = np.array([[[[1, 1, 3]]]])          # of one row of five cells
    >>> max_pool2d_backward(np.array([[[[2.0, 3, 7]]]]), ((1, 1, 1, 5), winner))
    array([[[[0., 5., 0., 7., 0.]]]])
    """
    ### BEGIN SOLUTION
    shape, winner = cache
    W = shape[3]
    dx = np.zeros(shape, dtype=dy.dtype)
    for n, c, i, j in np.ndindex(dy.shape):
        p, q = divmod(winner[n, c, i, j], W)
        dx[n, c, p, q] += dy[n, c, i, j]
    return dx
    ### END SOLUTION


### BEGIN MISTAKES
# overwritten: a cell keeps only what its last window sent. You write =, or += with an array as index, which also writes each
#     cell once. Add one number after the other, or read np.add.at?
#   - dx[n, c, p, q] += dy[n, c, i, j]
#   + dx[n, c, p, q] = dy[n, c, i, j]
# divided by the windows won: you take the mean of what the windows send. Gradients of branches add.
#   - return dx
#   + return dx / np.maximum([[np.bincount(w.ravel(), minlength=shape[2] * W).reshape(shape[2:]) for w in c] for c in winner], 1)
# rows of height H: you divide by H to find the row. A row has W cells: p, q = divmod(winner, W).
#   - W = shape[3]
#   + W = shape[2]
# row and column exchanged: you exchange the row and the column of the winner. Number p·W + q lies in row p, column q.
#   - p, q = divmod(winner[n, c, i, j], W)
#   - dx[n, c, p, q] += dy[n, c, i, j]
#   + q, p = divmod(winner[n, c, i, j], W)
#   + dx[n, c, p % shape[2], q % W] += dy[n, c, i, j]
# one channel for all: you add what every channel sends to channel 0. Each channel has winners of its own.
#   - dx[n, c, p, q] += dy[n, c, i, j]
#   + dx[n, 0, p, q] += dy[n, c, i, j]
# first picture only: you add what every picture sends to the first one.
#   - dx[n, c, p, q] += dy[n, c, i, j]
#   + dx[0, c, p, q] += dy[n, c, i, j]
# winners of the first channel: you use the winners of channel 0 for every channel.
#   - divmod(winner[n, c, i, j], W)
#   + divmod(winner[n, 0, i, j], W)
# a one for each winner: you write how often a cell has won. What it gets is the dy of those windows.
#   - dx[n, c, p, q] += dy[n, c, i, j]
#   + dx[n, c, p, q] += 1
# float64 always: your numbers are right, but float32 in must give float32 out. Make dx with dtype=dy.dtype.
#   - np.zeros(shape, dtype=dy.dtype)
#   + np.zeros(shape)
### END MISTAKES


# %% check="max_pool2d_backward" points=10
from course import ops
from course.check import Check

caches = []  # the reference's own; the last one belongs to the case at hand


def reference(dy, cache):
    return ops.max_pool2d_backward(dy, caches[-1])


def case(label, x, field=2, *, stride=None, points=1):
    # the cells differ, so a right y says by itself where it comes from
    y, own = ops.max_pool2d(x, field, stride=stride)
    caches.append(own)
    cells = x.reshape(*x.shape[:2], 1, -1)
    winner = np.argmax(cells == y.reshape(*y.shape[:2], -1, 1), axis=3).reshape(y.shape)
    check(label, check.normal(*y.shape, dtype=x.dtype), (x.shape, winner), points=points)


check = Check("max_pool2d_backward", max_pool2d_backward, reference, returns="dx (N, C, H, W)")
draw = check.normal
case("one window", draw(1, 1, 3, 3), 3)
case("windows side by side", draw(1, 1, 4, 6))
case("windows higher than wide", draw(1, 1, 6, 4), (3, 2))
case("windows that overlap", draw(1, 1, 7, 5), 3, stride=2)
case("stride 1: some cells win many windows", draw(1, 1, 5, 6), 3, stride=1)
case("several channels", draw(1, 3, 4, 6))
case("a batch", draw(3, 1, 4, 6))
case("float32", draw(2, 2, 4, 6, dtype=np.float32))
x, dy = draw(2, 3, 7, 6), draw(2, 3, 3, 5)
expected = ops.max_pool2d_backward(dy, ops.max_pool2d(x, (3, 2), stride=(2, 1))[1])
check.equal(
    "after your own max_pool2d, all together",
    lambda: max_pool2d_backward(dy, max_pool2d(x, (3, 2), stride=(2, 1))[1]),
    expected,
)
### BEGIN HIDDEN TESTS
check.hide()
case("another shape", check.normal(2, 3, 5, 9), (2, 3), stride=(1, 2))
### END HIDDEN TESTS
check.score(10)

# %% [markdown]
# What about ties? Two equal cells: move either of them up, and y moves; move it down, and y stays. At that point the
# maximum has no derivative, and SYSU's "subgradient" is the word for what we do: any choice between the two is
# defensible, and giving all of dy to the first cell is one. Half for each would be another. After a ReLU ties are
# common: whole windows are 0.

# %% tags=["experiment"]
y, cache = max_pool2d(np.zeros((1, 1, 4, 4)))
plots.show(
    plots.matrices(
        np.zeros((4, 4)),
        "→",
        max_pool2d_backward(np.ones((1, 1, 2, 2)), cache)[0, 0],
        titles=["x", "dx, if dy = 1"],
    ),
    alt="A 4×4 picture of zeros, and its gradient: 1 in the upper left cell of each 2×2 window, 0 elsewhere.",
)

# %% [markdown]
# ## 5 Mean pooling spreads its gradient
#
# *Follows SYSU, "Mean pooling" and "Derivative of mean pooling"; EECS 545, "Average Pooling".*
#
# $$y_{n,c,i,j} = \frac{1}{FH\cdot FW} \sum_{u,v} \; x_{n,\,c,\;iS+u,\;jS+v}$$
#
# A mean is a convolution whose weights are all 1/(FH·FW), channel by channel, and nothing is learned. Every cell of the
# window has the same share in y, so on the way back every cell of the window is sent dy/(FH·FW).
#
# **An erratum.** SYSU's slide writes for the derivative, with windows of K×K:
#
# $$\frac{d\mathrm{Div}}{dY} = \frac{1}{K^2} \sum_{k=1}^{K} \sum_{n=1}^{K} \frac{d\mathrm{Div}}{dy(l, m, k, n)}$$
#
# That sums K×K gradients of *outputs*, the same ones for every cell. But a cell does not hear from K×K outputs in the
# corner: it hears from the windows that **hold it**. With windows side by side that is one, and there is no sum at all:
#
# $$dx_{n,c,p,q} = \sum_{\text{windows } (i,j) \text{ that hold } (p,q)} \frac{dy_{n,c,i,j}}{FH\cdot FW}$$
#
# No winner has to be kept: the cache is only what tells the shapes.


# %% exercise="avg_pool2d"
def avg_pool2d(x, field=2, *, stride=None):
    """Take the mean of each window.

        y[n, c, i, j] = 1/(FH·FW) · Σ_u Σ_v x[n, c, i·S + u, j·S + v]

    Args:
        x: (N, C, H, W).
        field: the windows' extent, (FH, FW) or a number for both.
        stride: S, (SH, SW) or a number for both; None means the field.

    Returns:
        y: (N, C, OH, OW), of the dtype of x.
        cache: the tuple (x.shape, (FH, FW), (SH, SW)).

    Raises:
        ValueError: the window does not fit.

    >>> y, cache = avg_pool2d(np.array([[[[1.0, 3, 5, 8]]]]), (1, 2))
    >>> y
    array([[[[2. , 6.5]]]])
    >>> cache
    ((1, 1, 1, 4), (1, 2), (1, 2))
    """
    ### BEGIN SOLUTION
    (FH, FW), (SH, SW) = pair(field), pair(field if stride is None else stride)
    N, C, H, W = x.shape
    OH, OW = output_size(H, FH, SH), output_size(W, FW, SW)
    y = np.empty((N, C, OH, OW), dtype=x.dtype)
    for i in range(OH):
        for j in range(OW):
            top, left = i * SH, j * SW
            y[:, :, i, j] = x[:, :, top : top + FH, left : left + FW].mean(axis=(2, 3))
    return y, (x.shape, (FH, FW), (SH, SW))
    ### END SOLUTION


### BEGIN MISTAKES
# sum for mean: you add and do not divide. The mean of a window is its sum divided by FH·FW.
#   - .mean(axis=(2, 3))
#   + .sum(axis=(2, 3))
# divided by the stride: you divide by SH·SW. A mean is taken over the cells of the window: FH·FW of them, whatever the stride.
#   - .mean(axis=(2, 3))
#   + .sum(axis=(2, 3)) / (SH * SW)
# divided by FH squared: you divide by FH·FH. A window need not be square: it has FH·FW cells.
#   - .mean(axis=(2, 3))
#   + .sum(axis=(2, 3)) / (FH * FH)
# max for mean: you take the maximum of each window.
#   - .mean(axis=(2, 3))
#   + .max(axis=(2, 3))
# mean over the channels: you take the mean over the channels too. Each channel is pooled by itself.
#   - .mean(axis=(2, 3))
#   + .mean(axis=(1, 2, 3))[:, None]
# stride ignored: your windows stand side by side whatever the stride is.
#   - pair(field if stride is None else stride)
#   + pair(field)
# stride 1 by default: you take stride 1 where none is given. Then None means the field: windows side by side.
#   - pair(field if stride is None else stride)
#   + pair(1 if stride is None else stride)
# float64 always: your numbers are right, but float32 in must give float32 out. Make y with dtype=x.dtype.
#   - y = np.empty((N, C, OH, OW), dtype=x.dtype)
#   + y = np.empty((N, C, OH, OW))
### END MISTAKES


# %% check="avg_pool2d" points=8
from course import ops
from course.check import Check

check = Check("avg_pool2d", avg_pool2d, ops.avg_pool2d, returns="y (N, C, OH, OW)")
draw = check.normal
check("EECS 442's picture", x_442[None, None])
check("several channels and pictures", draw(3, 2, 4, 4))
check("a window wider than high", draw(1, 1, 4, 9), (2, 3))
check("windows of 3, stride 2: they overlap", draw(1, 1, 7, 5), 3, stride=2)
check("two strides", draw(1, 1, 8, 5), (2, 3), stride=(3, 1))
check("float32 stays float32", draw(1, 2, 4, 6, dtype=np.float32))
check.raises("5 cells, a window of 2, stride 2: does not fit", ValueError, draw(1, 1, 5, 4))
### BEGIN HIDDEN TESTS
check.hide()
check("another shape", check.normal(2, 3, 7, 8), (3, 2), stride=(2, 3))
### END HIDDEN TESTS
check.score(8)


# %% exercise="avg_pool2d_backward"
def avg_pool2d_backward(dy, cache):
    """Spread each dy evenly over its window.

        dx[n, c, p, q] = Σ dy[n, c, i, j]/(FH·FW) over all windows (i, j) that hold cell (p, q)

    Args:
        dy: (N, C, OH, OW), the upstream gradient.
        cache: (x.shape, (FH, FW), (SH, SW)), as `avg_pool2d` returns it.

    Returns:
        dx: (N, C, H, W), of the dtype of dy.

    Hint: dy[:, :, i, j] has the shape (N, C). With two more axes it can be added to a whole window at once.

    >>> avg_pool2d_backward(np.array([[[[2.0, 4]]]]), ((1, 1, 1, 5), (1, 2), (1, 3)))
    array([[[[1., 1., 0., 2., 2.]]]])
    """
    ### BEGIN SOLUTION
    shape, (FH, FW), (SH, SW) = cache
    OH, OW = dy.shape[2:]
    dx = np.zeros(shape, dtype=dy.dtype)
    for i in range(OH):
        for j in range(OW):
            top, left = i * SH, j * SW
            dx[:, :, top : top + FH, left : left + FW] += dy[:, :, i, j, None, None] / (FH * FW)
    return dx
    ### END SOLUTION


### BEGIN MISTAKES
# overwritten: you write = where windows overlap, so a cell keeps only what its last window sent. Add with +=.
#   - += dy[:, :, i, j, None, None] / (FH * FW)
#   + = dy[:, :, i, j, None, None] / (FH * FW)
# not divided: you send the whole dy to every cell. A cell is only 1/(FH·FW) of the mean.
#   - / (FH * FW)
#   + / 1
# divided by the stride: you divide by SH·SW. The share of a cell is 1/(FH·FW), whatever the stride.
#   - / (FH * FW)
#   + / (SH * SW)
# divided by the windows: you divide by the number of windows. A window shares its dy among its own FH·FW cells.
#   - / (FH * FW)
#   + / (OH * OW)
# divided by FH squared: you divide by FH·FH. A window need not be square: it has FH·FW cells.
#   - / (FH * FW)
#   + / (FH * FH)
# the slide's sum: you sum FH×FW gradients of outputs for every cell, as the slide has it. A cell hears only from windows that hold it: dy[:, :, i, j].
#   - dy[:, :, i, j, None, None]
#   + dy[:, :, :FH, :FW].sum(axis=(2, 3), keepdims=True)
# one cell only: you send all of dy to the first cell of the window, as if it had won. All cells have the same share.
#   - dx[:, :, top : top + FH, left : left + FW] += dy[:, :, i, j, None, None] / (FH * FW)
#   + dx[:, :, top, left] += dy[:, :, i, j]
# stride ignored: your windows stand side by side. Window (i, j) began in row i·SH, column j·SW.
#   - top, left = i * SH, j * SW
#   + top, left = min(i * FH, shape[2] - FH), min(j * FW, shape[3] - FW)
# field turned: you exchange the height and the width of the window.
#   - shape, (FH, FW), (SH, SW) = cache
#   + shape, (FW, FH), (SH, SW) = cache
# float64 always: your numbers are right, but float32 in must give float32 out. Make dx with dtype=dy.dtype.
#   - np.zeros(shape, dtype=dy.dtype)
#   + np.zeros(shape)
### END MISTAKES


# %% check="avg_pool2d_backward" points=9
from course import ops
from course.check import Check


def reference(dy, cache):
    shape, field, stride = cache
    return ops.avg_pool2d_backward(
        dy, ops.avg_pool2d(np.zeros(shape, dy.dtype), field, stride=stride)[1]
    )


check = Check("avg_pool2d_backward", avg_pool2d_backward, reference, returns="dx (N, C, H, W)")
draw = check.normal
check("one window", draw(1, 1, 1, 1), ((1, 1, 3, 3), (3, 3), (3, 3)))
check("windows side by side", draw(1, 1, 2, 3), ((1, 1, 4, 6), (2, 2), (2, 2)))
check("windows higher than wide", draw(1, 1, 2, 2), ((1, 1, 6, 4), (3, 2), (3, 2)))
check("windows that overlap", draw(1, 1, 3, 2), ((1, 1, 7, 5), (3, 3), (2, 2)))
check("windows with gaps", draw(1, 1, 2, 3), ((1, 1, 5, 8), (2, 2), (3, 3)))
check("several channels and pictures", draw(3, 2, 2, 3), ((3, 2, 4, 6), (2, 2), (2, 2)))
check("float32", draw(2, 2, 2, 3, dtype=np.float32), ((2, 2, 4, 6), (2, 2), (2, 2)))
x, dy = draw(2, 3, 7, 6), draw(2, 3, 3, 5)
expected = ops.avg_pool2d_backward(dy, ops.avg_pool2d(x, (3, 2), stride=(2, 1))[1])
check.equal(
    "after your own avg_pool2d, all together",
    lambda: avg_pool2d_backward(dy, avg_pool2d(x, (3, 2), stride=(2, 1))[1]),
    expected,
)
### BEGIN HIDDEN TESTS
check.hide()
check("another shape", check.normal(2, 3, 4, 4), ((2, 3, 5, 9), (2, 3), (1, 2)))
### END HIDDEN TESTS
check.score(9)

# %% [markdown]
# Your function can count. Let every dy be FH·FW; then each window sends 1 to each of its cells, and dx says **how many
# windows hold a cell**. EECS 442's case is on the left: do you find your two numbers of section 2? In the middle stride
# 3, without overlap. On the right a layer with gaps: some cells are never seen, and never hear anything.

# %% tags=["experiment"]
counts = [
    avg_pool2d_backward(np.full((1, 1, o, o), f * f * 1.0), ((1, 1, n, n), (f, f), (s, s)))[0, 0]
    for n, f, s, o in [(7, 3, 2, 3), (6, 3, 3, 2), (8, 2, 3, 3)]
]
plots.show(
    plots.matrices(*counts, titles=["3×3, stride 2", "3×3, stride 3", "2×2, stride 3"], cell=0.36),
    alt="How many windows hold each cell. Windows of 3×3 with stride 2 on 7×7 cells: rows and columns 2 and 4 count double, "
    "where they cross the count is 4. Windows of 3×3 with stride 3: 1 everywhere. Windows of 2×2 with stride 3: every third row and "
    "column has 0.",
)

# %% [markdown]
# ## 6 See it: a gradient on its way back
#
# Your four functions drive this demo. Click the slider *window*, then move it with the arrow keys: on the left the
# window and its winner, in the middle y with its dy, on the right the dx that has come back so far.
#
# 1. EECS 442's picture, max: which cells stay 0 to the end? And with mean?
# 2. The stroke with 3×3 and stride 1: how much does the 9 in row 4 collect? Compare with what mean pooling sends it.
# 3. The picture below 0: find a window with a tie. Who wins?
# 4. The stroke, max, 2×2 and stride 2. Move it by 1 with *shift*: how many pixels are what they were, how many outputs
#    (=)? Then the same with mean, and with a shift of 2.

# %% tags=["demo"]
from course.demos import pooling

pooling.demo(max_pool2d, max_pool2d_backward, avg_pool2d, avg_pool2d_backward)

# %% [markdown]
# ## 7 One number for a whole map
#
# *Follows EECS 442, "Suppose we want to convert a 32x32x3 image into a 10x1 vector" and "An Alternate Conclusion".*
#
# Let the window be as large as the map: **global average pooling** leaves one number a channel, whatever H and W are.
#
# $$y_{n,c} = \frac{1}{H\,W}\sum_{p,q} x_{n,c,p,q} \qquad\qquad dx_{n,c,p,q} = \frac{dy_{n,c}}{H\,W}$$


# %% exercise="global_avg_pool2d"
def global_avg_pool2d(x):
    """Take the mean of each whole map.

    Args:
        x: (N, C, H, W).

    Returns:
        y: (N, C), of the dtype of x.
        cache: the tuple (N, C, H, W), the shape of x.

    >>> global_avg_pool2d(np.arange(6.0).reshape(1, 2, 1, 3))
    (array([[1., 4.]]), (1, 2, 1, 3))
    """
    ### BEGIN SOLUTION
    return x.mean(axis=(2, 3)), x.shape
    ### END SOLUTION


### BEGIN MISTAKES
# axes kept: your numbers are right, but y should have the two axes (N, C): a fully connected layer comes next.
#   - x.mean(axis=(2, 3))
#   + x.mean(axis=(2, 3), keepdims=True)
# sum for mean: you add and do not divide by H·W.
#   - x.mean(axis=(2, 3))
#   + x.sum(axis=(2, 3))
# max for mean: you take the maximum of each map.
#   - x.mean(axis=(2, 3))
#   + x.max(axis=(2, 3))
# mean over the channels: you take the mean over the wrong axes: the rows of x are axis 2, its columns axis 3.
#   - x.mean(axis=(2, 3))
#   + x.mean(axis=(1, 2))
### END MISTAKES


# %% check="global_avg_pool2d" points=4
from course import ops
from course.check import Check

check = Check("global_avg_pool2d", global_avg_pool2d, ops.global_avg_pool2d, returns="y (N, C)")
check("one map", check.normal(1, 1, 3, 4))
check("several channels and pictures", check.normal(3, 2, 4, 5))
check("another size, float32", check.normal(2, 3, 2, 7, dtype=np.float32))
check("a map of one cell", check.normal(2, 3, 1, 1), points=0.5)
### BEGIN HIDDEN TESTS
check.hide()
check("another shape", check.normal(2, 4, 6, 3), points=0.5)
### END HIDDEN TESTS
check.score(4)


# %% exercise="global_avg_pool2d_backward"
def global_avg_pool2d_backward(dy, cache):
    """Spread each dy evenly over its map: dx[n, c, p, q] = dy[n, c]/(H·W).

    Args:
        dy: (N, C), the upstream gradient.
        cache: the shape of x, (N, C, H, W).

    Returns:
        dx: (N, C, H, W), a new array of the dtype of dy.

    >>> global_avg_pool2d_backward(np.array([[6.0, 9]]), (1, 2, 1, 3))
    array([[[[2., 2., 2.]],
    <BLANKLINE>
            [[3., 3., 3.]]]])
    """
    ### BEGIN SOLUTION
    H, W = cache[2:]
    dx = np.empty(cache, dtype=dy.dtype)
    dx[:] = dy[:, :, None, None] / (H * W)
    return dx
    ### END SOLUTION


### BEGIN MISTAKES
# not divided: you send the whole dy to every cell. A cell is only 1/(H·W) of the mean.
#   - / (H * W)
#   + / 1
# divided by H squared: you divide by H·H. A map need not be square: it has H·W cells.
#   - / (H * W)
#   + / (H * H)
# divided by all cells: you divide by the number of all cells of x. Each map has a mean of its own, over H·W cells.
#   - / (H * W)
#   + / np.prod(cache)
# not spread: your dx has one cell a map. It should have the shape of x: np.broadcast_to, or write into an array.
#   - dx = np.empty(cache, dtype=dy.dtype)
#   + dx = np.empty((*cache[:2], 1, 1), dtype=dy.dtype)
# float64 always: your numbers are right, but float32 in must give float32 out. Make dx with dtype=dy.dtype.
#   - dx = np.empty(cache, dtype=dy.dtype)
#   + dx = np.empty(cache)
### END MISTAKES


# %% check="global_avg_pool2d_backward" points=4
from course import ops
from course.check import Check


def reference(dy, cache):
    return ops.global_avg_pool2d_backward(dy, (cache, dy.dtype))


check = Check(
    "global_avg_pool2d_backward", global_avg_pool2d_backward, reference, returns="dx (N, C, H, W)"
)
check("one map", check.normal(1, 1), (1, 1, 3, 4))
check("several channels and pictures", check.normal(3, 2), (3, 2, 4, 5))
check("float32", check.normal(2, 3, dtype=np.float32), (2, 3, 2, 5))
x, dy = check.normal(2, 3, 4, 2), check.normal(2, 3)
expected = reference(dy, x.shape)
check.equal(
    "after your own global_avg_pool2d",
    lambda: global_avg_pool2d_backward(dy, global_avg_pool2d(x)[1]),
    expected,
    points=0.5,
)
### BEGIN HIDDEN TESTS
check.hide()
check("another shape", check.normal(2, 4), (2, 4, 6, 3), points=0.5)
### END HIDDEN TESTS
check.score(4)

# %% [markdown]
# ### By hand: EECS 442's walk
#
# A colour picture goes in, ten class scores come out. All convolution layers have ten filters of 3×3, stride 1 and
# padding 1 (the slide names the padding only for the first two; the sizes on it say that all have it). Pooling is 2×2
# with stride 2.

# %% tags=["demo"]
plots.show(
    walk([(3, 32, 32), (10, 16, 16), (10, 8, 8), (10, 4, 4)], ["conv, ReLU\nconv, ReLU\npool"] * 3),
    alt="32×32×3 → 16×16×10 → 8×8×10 → 4×4×10, drawn as maps that shrink. Each arrow stands for convolution, ReLU, convolution, ReLU, "
    "pooling.",
)

# %% exercise="by-hand-walk"
### BEGIN BLANKS
# weights and biases
first_conv = 280
second_conv = 910
pooling_layer = 0

# the end on the slide: 4×4×10, made flat, then a fully connected layer with 10 neurons
fully_connected = 1610

# the alternate end: global average pooling of 4×4×10, then a fully connected layer with 10 neurons
after_average_pooling = 110

# everything with the first end: six convolution layers and the fully connected one
all_parameters = 6440
### END BLANKS
### BEGIN MISTAKES
# biases forgotten: you count weights only. Each filter, and each neuron, also has one bias.
#   - first_conv = 280
#   + first_conv = 270
#   - second_conv = 910
#   + second_conv = 900
#   - fully_connected = 1610
#   + fully_connected = 1600
#   - after_average_pooling = 110
#   + after_average_pooling = 100
#   - all_parameters = 6440
#   + all_parameters = 6370
# three channels everywhere: the picture has 3 channels, but the second layer reads the 10 maps of the first one.
#   - second_conv = 910
#   + second_conv = 280
#   - all_parameters = 6440
#   + all_parameters = 3290
# four convolution layers: you count the four layers that the slide shows. It says "until 4×4": three times two layers.
#   - all_parameters = 6440
#   + all_parameters = 4620
### END MISTAKES

# %% check="by-hand-walk" points=6
from course.check import Check

check = Check("by-hand-walk")
check.blank("first_conv", first_conv)
check.blank("second_conv", second_conv)
check.blank("pooling_layer", pooling_layer)
check.blank("fully_connected", fully_connected)
check.blank("after_average_pooling", after_average_pooling)
check.blank("all_parameters", all_parameters)
check.score()

# %% [markdown] question="alternate-ending" points=3
# ### In words: the two ends
#
# Compare EECS 442's two ends. Besides the number of parameters: which of the two networks can also read a picture of
# 48×48, without any change, and why? And what can the fully connected layer on 4×4×10 still tell that the one after
# average pooling cannot?
#
# ### BEGIN SOLUTION
# The network with average pooling reads any size: its maps become 6×6, their mean is still one number a channel, and
# the last layer still gets 10. The other end has weights for exactly 160 inputs; from 48×48 there come 6·6·10 = 360.
# But the mean forgets the place: it tells how much of a feature there is, not where. The fully connected layer has a
# weight of its own for each of the 16 places, so it can, for example, tell a stroke above from one below.
# ### END SOLUTION
#
# === BEGIN MARK SCHEME ===
# 1 point: the one with global average pooling.
#
# 1 point: why: its last layer gets one number a channel whatever H and W are; the other one needs exactly 160 inputs
# (360 come).
#
# 1 point: place: after the mean it cannot be told where in the map a feature was.
# === END MARK SCHEME ===

# %% [markdown]
# ## 8 Fast: a few cells instead of many windows
#
# Your loop runs over all windows. There are many windows, but each has only a few cells. So turn it round, as `im2col`
# does in notebook 06: take the upper left cell of **every** window at once, a strided slice of x; then the cell beside
# it, and so on. The maximum of these FH·FW slices, element by element, is the answer.
#
# With windows of 2×2 and stride 2 there are four slices: x[:, :, 0::2, 0::2], x[:, :, 0::2, 1::2], x[:, :, 1::2, 0::2],
# x[:, :, 1::2, 1::2]. In general, slice (u, v) begins at row u and column v and has OH×OW cells, S apart.


# %% exercise="max_pool2d_fast"
def max_pool2d_fast(x, field=2, *, stride=None):
    """Pool by the maximum with a loop over the cells of a window, not over the windows.

    Args:
        x: (N, C, H, W).
        field: (FH, FW), or a number for both.
        stride: (SH, SW), or a number for both; None means the field.

    Returns:
        y: (N, C, OH, OW), what `max_pool2d` gives; no cache.

    Raises:
        ValueError: the window does not fit.

    Hint: np.maximum(a, b) compares two arrays element by element. Where a slice has to end matters if windows overlap.

    >>> max_pool2d_fast(np.array([[[[1.0, 3, 5, 2]]]]), (1, 2), stride=1)
    array([[[[3., 5., 5.]]]])
    """
    ### BEGIN SOLUTION
    (FH, FW), (SH, SW) = pair(field), pair(field if stride is None else stride)
    OH, OW = output_size(x.shape[2], FH, SH), output_size(x.shape[3], FW, SW)
    y = np.full((*x.shape[:2], OH, OW), -np.inf, dtype=x.dtype)
    for u in range(FH):
        for v in range(FW):
            y = np.maximum(y, x[:, :, u : u + OH * SH : SH, v : v + OW * SW : SW])
    return y
    ### END SOLUTION


### BEGIN MISTAKES
# starts at zero: your maximum is never below 0. Begin with the first slice, or with −∞.
#   - -np.inf
#   + 0
# last slice only: you keep the last slice instead of the larger of both: y = np.maximum(y, slice).
#   - y = np.maximum(y, x[:, :, u : u + OH * SH : SH, v : v + OW * SW : SW])
#   + y = x[:, :, u : u + OH * SH : SH, v : v + OW * SW : SW].copy()
# sum for max: you add the slices.
#   - -np.inf
#   + 0
#   - y = np.maximum(y, x
#   + y = np.add(y, x
# slices too long: your slices do not end: where windows overlap, they have more than OH·OW cells, and np.maximum refuses. End at u + OH·SH.
#   - x[:, :, u : u + OH * SH : SH, v : v + OW * SW : SW])
#   + x[:, :, u::SH, v::SW])
# blocks for slices: you leave the step out of your slices: x[start : stop : step]. The upper left cells of neighbouring windows are S apart.
#   - u : u + OH * SH : SH, v : v + OW * SW : SW
#   + u : u + OH, v : v + OW
# field turned: you exchange the height and the width of the window: u runs up to FH, v up to FW.
#   - for u in range(FH):
#   -     for v in range(FW):
#   + for u in range(min(FW, x.shape[2] - (OH - 1) * SH)):
#   +     for v in range(min(FH, x.shape[3] - (OW - 1) * SW)):
# stride 1 by default: you take stride 1 where none is given. Then None means the field.
#   - pair(field if stride is None else stride)
#   + pair(1 if stride is None else stride)
### END MISTAKES


# %% check="max_pool2d_fast" points=6
from course import ops
from course.check import Check


def reference(x, field=2, *, stride=None):
    return ops.max_pool2d(x, field, stride=stride)[0]


check = Check("max_pool2d_fast", max_pool2d_fast, reference, returns="y (N, C, OH, OW)")
draw = check.normal
check("EECS 442's picture", x_442[None, None])
check("several channels and pictures, float32", draw(2, 3, 6, 4, dtype=np.float32))
check("windows wider than high", draw(1, 2, 4, 9), (2, 3))
check("windows that overlap", draw(1, 2, 7, 5), 3, stride=2)
check("all numbers below 0", -1 - draw(1, 1, 6, 6) ** 2, 3)
### BEGIN HIDDEN TESTS
check.hide()
check("another shape", check.normal(3, 2, 8, 7), (4, 3), stride=(2, 1))
### END HIDDEN TESTS
check.score(6)

# %% tags=["experiment"]
from time import perf_counter

x = np.random.default_rng(0).standard_normal((16, 16, 64, 64), dtype=np.float32)
for function in (max_pool2d, max_pool2d_fast):
    best = np.inf
    for _ in range(3):
        began = perf_counter()
        function(x)
        best = min(best, perf_counter() - began)
    print(f"{function.__name__:16} {1000 * best:6.1f} ms")

# %% [markdown]
# `course.ops.max_pool2d` goes one step further: the maximum of a window is the maximum of its rows' maxima, so it needs
# FH + FW slices instead of FH·FW, and it remembers the winners too. Read it when you have finished.
#
# ## 9 Use it: a digit that jitters
#
# *Follows SYSU, "Pooling": pools "groups of values to reduce jitter-sensitivity".*
#
# Is it true? Move a digit by one pixel and measure how much a feature of it changes:
#
# $$\mathrm{change}_n = \frac{\lVert f(x'_n) - f(x_n) \rVert}{\lVert f(x_n) \rVert}$$
#
# where x′ is x, moved to the right, and ‖·‖ is the root of the sum of all squares of one picture's feature.


# %% exercise="change_by_shift"
def change_by_shift(feature, x, right):
    """Measure how much a feature changes when the pictures move to the right.

        change[n] = ‖f(x′)[n] − f(x)[n]‖ / ‖f(x)[n]‖

    Args:
        feature: f, a function of a batch (N, C, H, W); it returns (N, …), with any number of axes.
        x: (N, C, H, W), not changed.
        right: by how many columns to move, 0 or more. Zeros come in on the left; what leaves on the right is lost.

    Returns:
        change: (N,), one number a picture.

    >>> x = np.array([[[[3.0, 4, 0, 0]]], [[[0, 0, 2, 0]]]])
    >>> change_by_shift(lambda x: x, x, 2)
    array([1.414, 1.   ])
    """
    ### BEGIN SOLUTION
    moved = np.zeros_like(x)
    moved[:, :, :, right:] = x[:, :, :, : x.shape[3] - right]
    before, after = feature(x), feature(moved)
    others = tuple(range(1, before.ndim))
    return np.sqrt(np.sum((after - before) ** 2, axis=others) / np.sum(before**2, axis=others))
    ### END SOLUTION


### BEGIN MISTAKES
# wraps around: what leaves on the right comes in on the left: np.roll does that. Zeros should come in.
#   - moved = np.zeros_like(x)
#   - moved[:, :, :, right:] = x[:, :, :, : x.shape[3] - right]
#   + moved = np.roll(x, right, axis=3)
# moved to the left: you move the picture to the left.
#   - moved[:, :, :, right:] = x[:, :, :, : x.shape[3] - right]
#   + moved[:, :, :, : x.shape[3] - right] = x[:, :, :, right:]
# moved down: you move the picture down. Columns are the last axis.
#   - moved[:, :, :, right:] = x[:, :, :, : x.shape[3] - right]
#   + moved[:, :, right:] = x[:, :, : x.shape[2] - right]
# one number for all: you sum over the batch too. Each picture has a change of its own: keep axis 0.
#   - others = tuple(range(1, before.ndim))
#   + others = tuple(range(before.ndim))
# root forgotten: you give the square of the change. A norm is the root of a sum of squares.
#   - np.sqrt(np.sum((after - before) ** 2, axis=others) / np.sum(before**2, axis=others))
#   + np.sum((after - before) ** 2, axis=others) / np.sum(before**2, axis=others)
# not relative: you leave out ‖f(x)‖. Without it a feature with large numbers seems to change more.
#   - / np.sum(before**2, axis=others)
#   + / 1
# relative to the moved picture: you divide by the norm after the shift; the formula divides by that before.
#   - / np.sum(before**2, axis=others)
#   + / np.sum(after**2, axis=others)
# difference of norms: you compare the two norms. The feature may move without becoming larger: subtract first, then take the norm.
#   - np.sqrt(np.sum((after - before) ** 2, axis=others) / np.sum(before**2, axis=others))
#   + np.abs(np.sqrt(np.sum(after**2, axis=others)) / np.sqrt(np.sum(before**2, axis=others)) - 1)
### END MISTAKES


# %% check="change_by_shift" points=7
from course.check import Check


def reference(feature, x, right):
    moved = np.pad(x, ((0, 0), (0, 0), (0, 0), (right, 0)))[:, :, :, : x.shape[3]]
    pairs = zip(feature(x), feature(moved), strict=True)
    return np.array(
        [
            np.linalg.norm((after - before).ravel()) / np.linalg.norm(before.ravel())
            for before, after in pairs
        ]
    )


def square_of_rows(x):
    return np.square(x).sum(axis=3) * [1.0, 2, 3, 4]


check = Check("change_by_shift", change_by_shift, reference, returns="change (N,)")
inner = np.pad(
    check.normal(3, 1, 4, 4), ((0, 0), (0, 0), (0, 0), (2, 2))
)  # nothing reaches the edge
check("the picture itself, moved by 1", np.copy, inner, 1, points=2)
check("the picture itself, moved by 2", np.copy, inner, 2)
check("something leaves at the edge", np.copy, check.normal(2, 2, 4, 5), 2)
check("a feature with three axes", square_of_rows, check.normal(2, 1, 4, 5), 3)
check("not moved at all", np.copy, check.normal(2, 1, 3, 5), 0)
### BEGIN HIDDEN TESTS
check.hide()
check("another batch", square_of_rows, check.normal(4, 3, 4, 6), 2)
### END HIDDEN TESTS
check.score(7)

# %% [markdown]
# First a picture of it. The feature is an upright edge, dark to bright, after a ReLU. The digit moves by **one** pixel.

# %% tags=["experiment"]
from course import ops

rng = np.random.default_rng(3)
digits, _ = data.translated_digits(200, size=16, zoom=2, noise=0, part="test", rng=rng)
digits = np.pad(digits, ((0, 0), (0, 0), (4, 4), (4, 4)))  # (200, 1, 24, 24)
sobel32 = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]], dtype=np.float32)[None, None]


def edge(x):
    return np.maximum(ops.conv2d(x, sobel32, None, pad=1)[0], 0)


features = {
    "picture": np.copy,
    "feature": edge,
    "max of 4×4": lambda x: max_pool2d(edge(x), 4)[0],
    "mean of 4×4": lambda x: avg_pool2d(edge(x), 4)[0],
}
one, moved = digits[10:11], np.roll(digits[10:11], 1, axis=3)
plots.show(
    jitter(
        {name: f(one)[0, 0] for name, f in features.items()},
        {name: f(moved)[0, 0] for name, f in features.items()},
    ),
    alt="A digit, its edge feature, and that feature pooled by maximum and by mean of 4×4, before and after a shift by one "
    "pixel, and the difference. The feature changes almost everywhere along the stroke; of the pooled maps some squares change "
    "and others stay as they were.",
)

# %% [markdown]
# The edge is more sensitive than the picture itself, for it is thinner than the stroke: so the pooled edge has regained
# what the filter lost. Now 200 digits, and further shifts:

# %% tags=["experiment"]
features["max of 12×12"] = lambda x: max_pool2d(edge(x), 12)[0]
features["global mean"] = lambda x: global_avg_pool2d(edge(x))[0]
del features["picture"]
curves = {
    name: [float(np.mean(change_by_shift(f, digits, right))) for right in range(5)]
    for name, f in features.items()
}
plots.show(
    against_shift(curves, ylabel="change", title="How much a feature changes, 200 digits"),
    alt="Change against shift, from 0 to 4 pixels. The unpooled feature changes most, the features pooled by 4×4 about half as much "
    "for one pixel, the maximum of 12×12 less, the global mean not at all.",
)
print({name: [round(value, 2) for value in values] for name, values in curves.items()})

# %% [markdown]
# Every lecture's claim holds: for a shift that is small **compared with the window**, the pooled feature changes much
# less. And the larger the window, the less it changes: the global mean does not notice at all.
#
# Does a network that pools therefore read moved digits better? Train three small ones on digits that all stand in the
# middle: one convolution layer, pooling by *your* functions or none, one fully connected layer. Then test them on
# digits that were moved.

# %% tags=["experiment"]
from course.layers import Affine, Conv2d, Flatten, ReLU, Sequential, layer_from
from course.optim import Optimizer
from course.train import evaluate, fit


def centred(part):
    x, labels = data.translated_digits(
        size=16, zoom=2, noise=0, part=part, rng=np.random.default_rng(0)
    )
    return np.pad(x, ((0, 0), (0, 0), (2, 2), (2, 2))), labels  # (N, 1, 20, 20)


def accuracies(*pooling):
    """Train a network with or without a pooling layer.

    Returns:
        the number of its parameters, and its accuracy on test digits moved by 0, 1, 2, 3 pixels.
    """
    rng, (x, labels) = np.random.default_rng(1), centred("train")
    model = Sequential(Conv2d(8, 5, pad=2), ReLU(), *pooling, Flatten(), Affine(10))
    model.build(x.shape[1:], rng=rng)
    fit(model, (x, labels), optimizer=Optimizer(model, "adam", lr=1e-2), epochs=3, rng=rng)
    x, labels = centred("test")
    read = []
    for k in range(4):
        sideways, down = np.roll(x, k, axis=3), np.roll(x, k, axis=2)
        read.append(np.mean([evaluate(model, (moved, labels))[1] for moved in (sideways, down)]))
    return sum(w.size for w in model.params.values()), read


measured = {
    "no pooling": accuracies(),
    "max of 4×4": accuracies(layer_from(max_pool2d, max_pool2d_backward, field=4)),
    "mean of 4×4": accuracies(layer_from(avg_pool2d, avg_pool2d_backward, field=4)),
}
plots.show(
    against_shift(
        {f"{name}:\n{count} parameters": read for name, (count, read) in measured.items()},
        ylabel="digits read",
        title="Trained in the middle, tested on moved digits",
    ),
    alt="Accuracy against shift for three networks. All start above 90 % and fall steeply, to about a third or less at "
    "three pixels. The network with max pooling starts beside the one without, with a fifteenth of its "
    "parameters, and falls a little later.",
)
for name, (count, read) in measured.items():
    print(f"{name:12} {count:6} parameters, reads", np.array(read))

# %% [markdown]
# An honest measurement, but of one seed. With the seeds 1 to 20 for `rng`, these networks read on average:
#
# | digits moved by | 0 | 1 | 2 | 3 pixels |
# |---|---|---|---|---|
# | no pooling | 97 % | 88 % | 50 % | 22 % |
# | max of 4×4 | 95 % | 87 % | 61 % | 34 % |
# | mean of 4×4 | 93 % | 83 % | 54 % | 29 % |
#
# With max pooling a fifteenth of the parameters reads centred digits nearly as well. The tolerance is real, but modest:
# nothing at one pixel, about one digit in ten at two and at three, where no network reads much. At two pixels the gain
# lies between −1 and 19 digits in a hundred, and it is seed 1 that gains most: never trust a single run. The fully
# connected layer behind the pooling has weights for each place, and what stood in one window now stands in the next
# one. Tolerance has to be *learned*, from moved pictures.
#
# So pooling can be done without, and EECS 545 notes a trend "towards getting rid of POOL/FC layers": a convolution with
# stride 2 shrinks a map too.

# %% [markdown] question="when-it-stays" points=3
# ### In words: when does it stay?
#
# A feature map holds a single bright cell on black. It is pooled by maximum with windows of 2×2, stride 2, and the
# picture moves by one pixel to the right. For which places of the bright cell does the pooled map stay exactly as it
# was, and for which not? How large is the share of places, and what would it be with windows of 4×4, stride 4? What is
# the price of the larger window?
#
# ### BEGIN SOLUTION
# It stays if the cell is still in the same window: from an even column (0, 2, …) it moves to an odd one within the
# window. From an odd column it moves to the next window, and the pooled map moves by a whole cell. So it stays for one
# half of the places. With windows of four columns it stays from three columns of four. The price: one cannot tell any
# more where in the 4×4 cells the feature was, nor how often it was there.
# ### END SOLUTION
#
# === BEGIN MARK SCHEME ===
# 1 point: stays from even columns (the left one of a window), changes from odd ones, where the cell enters the next
# window.
#
# 1 point: one half of the places with 2×2; three quarters with 4×4.
#
# 1 point: the price: the place inside the window is lost (or: several features in a window become one; the map is
# coarser).
# === END MARK SCHEME ===

# %% [markdown]
# ## What you have now
#
# - Max and mean pooling for any field and stride, right for overlap, gaps, ties and numbers below 0, and both of their
#   ways back.
# - The maximum is a switch: dy goes whole to the winner. The mean spreads it: dy/(FH·FW) to each cell. Where windows
#   overlap, both add.
# - Global average pooling: one number a map, whatever its size, and a network with few parameters at its end.
# - A measured answer to what pooling is for: it makes networks small. It makes single features steady, but not the
#   whole network.
#
# Notebook 08 goes between the layers: it keeps the numbers in a range in which a deep network learns.
