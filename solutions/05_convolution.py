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
# # 05 Convolution
#
# A fully connected layer reads a picture as one long list of numbers. A convolution layer knows that pixels have
# neighbours: it slides small filters over the picture and asks the same question at every place. In this notebook you
# write that layer, first with pencil and paper, then in loops, and let it find edges in a photograph and a word in a
# sentence.
#
# It takes about an hour. Nothing from an earlier notebook is needed. Run the cells from top to bottom; where you find
# `...` or `NotImplementedError`, it is your turn. The cell below each exercise checks your answer at once, as often as
# you like.
#
# Lectures, as they are called below:
#
# - **IIITS**: *Machine Learning*, IIIT Sri City, "Convolutional Neural Network"
# - **HLCV**: *High Level Computer Vision*, Saarland University, "Backpropagation & Convolutional Neural Networks"
# - **EECS 442**: *Computer Vision*, University of Michigan, "Convolutional Neural Networks"
# - **EECS 545**: *Machine Learning*, University of Michigan, Lecture 12
# - **SYSU**: *Artificial Neural Networks*, Sun Yat-sen University, Lecture 7
#
# Symbols: N pictures, C channels, height H, width W; K filters of extent F (FH high, FW wide); stride S, padding P; the
# output is OH high and OW wide.

# %% tags=["setup"]
import numpy as np

from course import data, plots

np.set_printoptions(precision=3, suppress=True)

# %% [markdown]
# ## 1 Why pictures break fully connected layers
#
# *Follows IIITS, "Multi-layer Neural Network & Image", "CNN: Local Connectivity" and "CNN: Weight Sharing"; EECS 545,
# "Motivation: Convolutional Neural Networks".*
#
# EECS 545 takes a colour picture of 150×150 pixels: 67 500 numbers, so **every** neuron of a fully connected layer has
# 67 500 weights. And those weights do not know what a picture is. Below, the pixels of a photograph were shuffled. If all
# pictures of a data set are shuffled in the same way, a fully connected layer learns from them exactly as well as before:
# it never knew which pixels are neighbours.

# %% tags=["demo"]
photo = data.photograph("china")
order = np.random.default_rng(0).permutation(photo.shape[0] * photo.shape[1])
shuffled = photo.reshape(-1, 3)[order].reshape(photo.shape)
plots.show(
    plots.pictures([photo, shuffled], titles=["what you see", "the same numbers in another order"]),
    alt="Left: a photograph of a pavilion above a lake. Right: the same pixels in random "
    "order, coloured noise.",
)

# %% [markdown]
# Two ideas mend this.
#
# - **Local connectivity**: a neuron sees a small window only.
# - **Weight sharing**: all neurons of a map use the same weights, each at its own place.

# %% tags=["demo"]
plots.show(
    plots.connections(7, 3, 3),
    alt="Three layers of 3 neurons above 7 inputs. First: every neuron is connected to all "
    "inputs. Second: each to 3 neighbouring inputs. Third: as the second, but the three "
    "connections of each neuron are drawn in three line styles, and equal styles share a weight.",
)

# %% [markdown]
# ### By hand: count the weights
#
# There are 7 inputs and 3 neurons, each neuron sees 3 inputs if it is connected locally. Count weights, not biases.
# Replace each `...` by a number, here and below.

# %% exercise="by-hand-connections"
### BEGIN BLANKS
weights_connected_to_all = 21
weights_connected_locally = 9
weights_shared = 3
### END BLANKS
### BEGIN MISTAKES
# multiplied by the neurons: you count each neuron's lines anew. With shared weights there is one set of weights for all
#     neurons: count the different line styles in the picture.
#   - weights_shared = 3
#   + weights_shared = 9
# counted the inputs: your number is that of the inputs. Each weight belongs to a pair of an input and a neuron. Count the lines in the picture.
#   - weights_connected_to_all = 21
#   + weights_connected_to_all = 7
# counted the biases: you count a bias for each neuron as well. Asked for are the weights: one for each line of the picture.
#   - weights_connected_to_all = 21
#   + weights_connected_to_all = 24
#   - weights_connected_locally = 9
#   + weights_connected_locally = 12
#   - weights_shared = 3
#   + weights_shared = 6
# counted one neuron: you count the weights of a single neuron. There are three of them, and only the last layer lets
#     them share.
#   - weights_connected_to_all = 21
#   + weights_connected_to_all = 7
#   - weights_connected_locally = 9
#   + weights_connected_locally = 3
# a single weight: you share too much. The three lines of one neuron have weights of their own; what is shared is the
#     set of three: count the different line styles.
#   - weights_shared = 3
#   + weights_shared = 1
# local and shared exchanged: you exchanged two answers. Without sharing, each neuron has a set of weights of its own;
#     with sharing there is one set in all, so that number is the smaller one.
#   - weights_connected_locally = 9
#   + weights_connected_locally = 3
#   - weights_shared = 3
#   + weights_shared = 9
### END MISTAKES

# %% check="by-hand-connections" points=3
from course.check import Check

check = Check("by-hand-connections")
check.blank("weights_connected_to_all", weights_connected_to_all)
check.blank("weights_connected_locally", weights_connected_locally)
check.blank("weights_shared", weights_shared)
check.score()

# %% [markdown]
# ## 2 How many places has a window?
#
# *Follows IIITS and EECS 545, "A closer look at spatial dimensions"; HLCV, "Output dimensions"; EECS 442, "In General".*
#
# A window of extent F slides along a row of N cells in steps of S, the stride. Its first place is at the left edge; each
# further step needs S more cells of the N − F that are left. With P cells of padding at both ends there are
#
# $$O = \frac{N + 2P - F}{S} + 1$$
#
# places, and the output has as many cells. Along the height and along the width the same holds, each with its own N and F.

# %% tags=["demo"]
plots.show(
    plots.window_positions(10, 4, [2, 3, 4]),
    alt="A window of 4 on 10 cells. With stride 2 it has 4 places, with stride 3 it has 3. "
    "With stride 4 it has 2 places, two cells stay unseen, and a third window would end beyond "
    "the edge.",
)

# %% [markdown]
# With stride 4 the window does not fit: the formula gives no whole number. IIITS and HLCV refuse such a layer, and so do
# we. EECS 442 rounds down; then the last cells are never seen.
#
# ### By hand: sizes

# %% exercise="by-hand-sizes"
### BEGIN BLANKS
# N = 7, F = 3, no padding
size_stride_1 = 5
size_stride_2 = 3
size_stride_3 = 2.33  # what the formula gives, to two decimals

# N = 32, F = 5, stride 1, no padding; then the same window once more on the result
after_one_layer = 28
after_two_layers = 24

# N = 32, F = 5, stride 3, no padding
size_stride_3_of_32 = 10

# stride 1: which P keeps the size, if F = 5 and if F = 7?
pad_for_5 = 2
pad_for_7 = 3
### END BLANKS
### BEGIN MISTAKES
# forgot the + 1: you count the steps, (N − F)/S. The window also stands somewhere before its first step.
#   - size_stride_1 = 5
#   + size_stride_1 = 4
#   - size_stride_2 = 3
#   + size_stride_2 = 2
#   - size_stride_3 = 2.33
#   + size_stride_3 = 1.33
#   - after_one_layer = 28
#   + after_one_layer = 27
#   - after_two_layers = 24
#   + after_two_layers = 22
#   - size_stride_3_of_32 = 10
#   + size_stride_3_of_32 = 9
# padding at one end: you pad at one end only. Padding stands at both ends, so P adds 2P cells: draw the row and count.
#   - pad_for_5 = 2
#   + pad_for_5 = 4
#   - pad_for_7 = 3
#   + pad_for_7 = 6
# strides exchanged: you exchanged two answers. A longer step leaves fewer places: stride 2 gives the smaller output.
#   - size_stride_1 = 5
#   + size_stride_1 = 3
#   - size_stride_2 = 3
#   + size_stride_2 = 5
# stride ignored: your answers do not depend on the stride. Divide N − F, the room that is left, by S before you add 1.
#   - size_stride_2 = 3
#   + size_stride_2 = 5
#   - size_stride_3 = 2.33
#   + size_stride_3 = 5
#   - size_stride_3_of_32 = 10
#   + size_stride_3_of_32 = 28
# divided the whole row: you divide N by S. Only the N − F cells beside the first window are there to step into.
#   - size_stride_2 = 3
#   + size_stride_2 = 3.5
#   - size_stride_3_of_32 = 10
#   + size_stride_3_of_32 = 10.67
# one layer only: you let the second window slide over the picture again. It slides over the 28 cells that the first one left.
#   - after_two_layers = 24
#   + after_two_layers = 28
# half a window: your P is no whole number of cells. From (N + 2P − F) + 1 = N follows P = (F − 1)/2: the middle cell of the
#     window needs no padding.
#   - pad_for_5 = 2
#   + pad_for_5 = 2.5
#   - pad_for_7 = 3
#   + pad_for_7 = 3.5
# half a window, rounded up: your output grows by one cell. Put your P into the formula with S = 1: does it give N?
#   - pad_for_5 = 2
#   + pad_for_5 = 3
#   - pad_for_7 = 3
#   + pad_for_7 = 4
# rounded up: you rounded up, and the last window would end beyond the edge. Give what the formula gives, not whole as it is.
#   - size_stride_3 = 2.33
#   + size_stride_3 = 3
# rounded down: you rounded. Give what the formula gives; that it is not whole tells you that the window does not fit.
#   - size_stride_3 = 2.33
#   + size_stride_3 = 2
### END MISTAKES

# %% check="by-hand-sizes" points=8
from course.check import Check

check = Check("by-hand-sizes")
check.blank("size_stride_1", size_stride_1)
check.blank("size_stride_2", size_stride_2)
check.blank("size_stride_3", size_stride_3, decimals=2)
check.blank("after_one_layer", after_one_layer)
check.blank("after_two_layers", after_two_layers)
check.blank("size_stride_3_of_32", size_stride_3_of_32)
check.blank("pad_for_5", pad_for_5)
check.blank("pad_for_7", pad_for_7)
check.score()

# %% [markdown]
# Two of your answers are rules that network designers use every day: how many cells each layer eats without padding, and
# which padding keeps the size. Say both in terms of F before you go on.
#
# ### Write it: the output size


# %% exercise="output_size"
def output_size(size, field, *, stride=1, pad=0):
    """Count the places of a window along one axis: O = (N + 2P − F)/S + 1.

    Args:
        size: N, the number of cells.
        field: F, the extent of the window.
        stride: S, the step from one place to the next.
        pad: P, the cells of padding at either end.

    Returns:
        O, an int.

    Raises:
        ValueError: the window does not fit: it is larger than the padded row, or O is not whole.
            The message shows the arithmetic.

    >>> output_size(10, 4), output_size(10, 4, stride=2), output_size(8, 5, pad=2)
    (7, 4, 8)
    """
    ### BEGIN SOLUTION
    room = size + 2 * pad - field
    if room < 0 or room % stride != 0:
        arithmetic = f"({size} + 2·{pad} − {field})/{stride} + 1 = {room / stride + 1:.2f}"
        raise ValueError(f"{arithmetic}: the window does not fit")
    return room // stride + 1
    ### END SOLUTION
### BEGIN MISTAKES
# rounds down: you round where the window does not fit. Divide with // only after you have asked whether the
#     remainder % is 0, and raise a ValueError if it is not.
#   - if room < 0 or room % stride != 0:
#   + if room < 0:
# padding at one end: you add P once. Padding stands at both ends: draw a row of 4 cells with pad 1 and count.
#   - size + 2 * pad - field
#   + size + pad - field
# forgot the + 1: you count the steps. The window also stands somewhere before its first step: try a window that is
#     as long as the row.
#   - return room // stride + 1
#   + return room // stride
# stride ignored: your answer does not depend on the stride. Compare output_size(7, 3) with output_size(7, 3, stride=2).
#   - return room // stride + 1
#   + return room + 1
# a float: your numbers are right, but / gives a float, and range() refuses 5.0. Use // where you know that it is whole.
#   - return room // stride + 1
#   + return room / stride + 1
# too large a window: you accept a window that is larger than the padded row. Try output_size(3, 5): there is no place
#     for it at all.
#   - if room < 0 or room % stride != 0:
#   + if room % stride != 0:
### END MISTAKES


# %% check="output_size" points=8
from course import shapes
from course.check import Check

check = Check("output_size", output_size, shapes.output_size)
check("stride 1", 7, 3)
check("stride 2", 7, 3, stride=2)
check("padding: HLCV's example", 32, 5, pad=2)
check("the window is as long as the row", 6, 6)
o, f, s, p = check.integers(2, 9), check.integers(5, 7), check.integers(2, 4), check.integers(1, 2)
check("stride and padding, drawn", (o - 1) * s + f - 2 * p, f, stride=s, pad=p)
check.raises("7 cells, a window of 3, stride 3: does not fit", ValueError, 7, 3, stride=3)
check.raises("a window larger than the row", ValueError, 3, 5)
### BEGIN HIDDEN TESTS
check.hide()
o, f, s = check.integers(10, 40), check.integers(4, 9), check.integers(3, 5)
check("another drawn layer", (o - 1) * s + f - 4, f, stride=s, pad=2, points=0.5)
check.raises("another misfit", ValueError, (o - 1) * s + f + 1, f, stride=s, points=0.5)
### END HIDDEN TESTS
check.score(8)

# %% [markdown]
# ## 3 Beyond the edge
#
# *Follows IIITS, "In practice: common to zero pad"; EECS 442, "One Additional Subtlety".*
#
# What stands in the padding? Almost always zeros. EECS 442 shows two other ways: fold the sides over, or wrap around. On
# the row 1 2 3 with P = 2:
#
# ```
# zero        0 0 | 1 2 3 | 0 0
# symmetric   2 1 | 1 2 3 | 3 2      the edge is a mirror: the last cell comes twice
# circular    2 3 | 1 2 3 | 1 2      after the last cell the first one follows
# ```
#
# ### Write it: padding


# %% exercise="pad2d"
def pad2d(x, pad, mode="zero"):
    """Put P cells around each picture.

    Args:
        x: (N, C, H, W), pictures.
        pad: P, at least 0 and at most H and W.
        mode: "zero", "symmetric" or "circular".

    Returns:
        (N, C, H + 2P, W + 2P), a new array of the same dtype.

    Hint: `np.pad` pads each axis by a width of its own. It knows all three modes by other names;
    read its examples with `np.pad?` and choose with care.

    >>> pad2d(np.array([[[[1.0, 2.0, 3.0]]]]), 1, "circular")[0, 0]
    array([[3., 1., 2., 3., 1.],
           [3., 1., 2., 3., 1.],
           [3., 1., 2., 3., 1.]])
    """
    ### BEGIN SOLUTION
    how = {"zero": "constant", "symmetric": "symmetric", "circular": "wrap"}[mode]
    return np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)), mode=how)
    ### END SOLUTION
### BEGIN MISTAKES
# reflect for symmetric: you use NumPy's "reflect", which does not repeat the cell at the edge. Folding the side over does: 2 1 | 1 2 3.
#   - "symmetric": "symmetric"
#   + "symmetric": "reflect"
# edge for symmetric: you repeat the last cell only. Folding the side over goes on with the last but one: 2 1 | 1 2 3.
#   - "symmetric": "symmetric"
#   + "symmetric": "edge"
# every axis: you also pad along N and C. The batch then has pictures of zeros in it: compare x.shape with the result's.
#   - ((0, 0), (0, 0), (pad, pad), (pad, pad))
#   + pad
# one side only: your padding stands before the first row and column, but not after the last ones.
#   - (pad, pad), (pad, pad)
#   + (2 * pad, 0), (2 * pad, 0)
# mode ignored: whatever the mode, you fill with zeros. Print pad2d of the row 1 2 3 in all three modes.
#   - mode=how
#   + mode="constant"
# circular the wrong way: your circle is a mirror. On the left stands the end of the row, on the right its beginning:
#     2 3 | 1 2 3 | 1 2.
#   - "circular": "wrap"
#   + "circular": "symmetric"
### END MISTAKES


# %% check="pad2d" points=6
from course import ops
from course.check import Check

check = Check("pad2d", pad2d, ops.pad2d, returns="y (N, C, H + 2P, W + 2P)")
x = check.normal(2, 3, 4, 5)
check("zeros, 1 cell", x, 1)
check("zeros, 2 cells, float32", x.astype(np.float32), 2, "zero")
check("symmetric", x, 2, "symmetric")
check("circular", x, 3, "circular")
check("no padding at all", x, 0)
### BEGIN HIDDEN TESTS
check.hide()
x = check.normal(3, 2, 6, 3)
check("symmetric, another shape", x, 3, "symmetric", points=0.5)
check("circular, another shape", x, 2, "circular", points=0.5)
### END HIDDEN TESTS
check.score(6)

# %% [markdown]
# What your function does to a photograph:

# %% tags=["experiment"]
modes = ["zero", "symmetric", "circular"]
x = photo.transpose(2, 0, 1)[None] / 255  # (1, 3, H, W): a batch of one picture
plots.show(
    plots.pictures([pad2d(x, 40, mode)[0].transpose(1, 2, 0) for mode in modes], titles=modes),
    alt="The photograph with 40 pixels of padding: a black frame; its mirror image beyond "
    "each edge; its other side beyond each edge, as on a tiled wall.",
)

# %% [markdown]
# ## 4 Slide, multiply, add
#
# *Follows SYSU, "BP: Convolutional layer"; EECS 545, "Discrete Convolution"; EECS 442, "Differences From Earlier
# Filtering".*
#
# Lay the kernel k on a window of the picture x. Multiply each pair of cells that lie on each other, add the products, and
# you have one number of the output. Counting from 0, this is **cross-correlation**, written ⋆:
#
# $$(x \star k)_{i,j} = \sum_{u=0}^{FH-1} \sum_{v=0}^{FW-1} k_{u,v} \; x_{i+u,\, j+v}$$
#
# SYSU's example is a binary picture. Its first number is already there:

# %% tags=["setup"]
x_sysu = np.array(
    [[1, 1, 1, 0, 0], [0, 1, 1, 1, 0], [0, 0, 1, 1, 1], [0, 0, 1, 1, 0], [0, 1, 1, 0, 0]], dtype=float
)
k_sysu = np.array([[1, 0, 1], [0, 1, 0], [1, 0, 1]], dtype=float)

x_545 = np.array([[0, 80, 40], [20, 40, 0], [0, 0, 40]], dtype=float)
k_545 = np.array([[0, 0.25], [0.5, 1]])

# %% tags=["demo"]
y_sysu = np.full((3, 3), np.nan)
y_sysu[0, 0] = 4
marked = {0: (0, 0, 3, 3), 2: (0, 0, 1, 1)}  # first row, first column, rows, columns
plots.show(
    plots.matrices(x_sysu, "⋆", k_sysu, "=", y_sysu, titles=["x", "k", "y"], windows=marked),
    alt="The 5×5 picture x with rows 11100, 01110, 00111, 00110, 01100; the 3×3 kernel k with "
    "rows 101, 010, 101; the output y, of which y[0, 0] = 4 is filled in, from the 3×3 "
    "window in the upper left corner.",
)

# %% [markdown]
# **Convolution**, written ∗, is the same with the kernel turned by 180°: rows and columns run backwards.
#
# $$(x * k)_{i,j} = \sum_{u=0}^{FH-1} \sum_{v=0}^{FW-1} k_{FH-1-u,\; FW-1-v} \; x_{i+u,\, j+v}$$
#
# EECS 545 computes a convolution (its formula counts from 1). The kernel k is turned first, and the turned kernel is what
# slides:

# %% tags=["demo"]
plots.show(
    plots.matrices(x_545, "∗", k_545, "=", np.full((2, 2), np.nan), titles=["x", "k", "y"]),
    alt="The 3×3 picture x with rows 0 80 40, 20 40 0, 0 0 40; the 2×2 kernel k with rows 0 "
    ".25, .5 1; an empty 2×2 y.",
)

# %% [markdown]
# ### By hand: eight numbers

# %% exercise="by-hand-sliding"
### BEGIN BLANKS
# SYSU, x ⋆ k: the middle row of y
sysu_row_1 = [2, 4, 3]

# EECS 545, the convolution x ∗ k: the kernel is turned
convolved = [[45, 110], [40, 40]]

# the same x and k, the cross-correlation x ⋆ k: the kernel as it is; only y[0, 0]
correlated_0_0 = 70
### END BLANKS
### BEGIN MISTAKES
# kernel not turned: you used the kernel as it is. For a convolution turn it by 180° before you lay it on the picture: its last row, read
#     backwards, comes first.
#   - [[45, 110], [40, 40]]
#   + [[70, 30], [10, 40]]
# kernel turned: you turned the kernel. For a cross-correlation it stays as it is: 0 meets the upper left cell of the
#     window.
#   - correlated_0_0 = 70
#   + correlated_0_0 = 45
# i and j swapped: you exchanged rows and columns. The first index counts rows, downwards; the second counts columns, to
#     the right.
#   - [2, 4, 3]
#   + [3, 4, 3]
#   - [[45, 110], [40, 40]]
#   + [[45, 40], [110, 40]]
### END MISTAKES

# %% check="by-hand-sliding" points=8
from course.check import Check

check = Check("by-hand-sliding")
check.blank("sysu_row_1", sysu_row_1)
check.blank("convolved", convolved)
check.blank("correlated_0_0", correlated_0_0)
check.score()

# %% [markdown]
# ### Write it: both operations on one picture


# %% exercise="cross_correlate_2d"
def cross_correlate_2d(x, k):
    """Slide k over x as it is.

        y[i, j] = Σ_u Σ_v k[u, v] · x[i + u, j + v]

    Args:
        x: (H, W), one picture.
        k: (FH, FW), the kernel, not larger than the picture.

    Returns:
        y: (H − FH + 1, W − FW + 1).

    >>> cross_correlate_2d(np.array([[1.0, 2, 3], [4, 5, 6]]), np.array([[1.0, 100]]))
    array([[201., 302.],
           [504., 605.]])
    """
    ### BEGIN SOLUTION
    FH, FW = k.shape
    OH, OW = x.shape[0] - FH + 1, x.shape[1] - FW + 1
    y = np.empty((OH, OW))
    for i in range(OH):
        for j in range(OW):
            y[i, j] = np.sum(k * x[i : i + FH, j : j + FW])
    return y
    ### END SOLUTION
### BEGIN MISTAKES
# kernel turned: you compute the convolution. In the cross-correlation k[0, 0] meets the upper left cell of the window.
#   - np.sum(k * x
#   + np.sum(k[::-1, ::-1] * x
# transposed kernel: you exchange the kernel's rows and columns. Try a kernel that is a single row.
#   - np.sum(k * x
#   + np.sum(k.T * x
# sizes swapped: you take the output's height from the width of the picture. OH belongs to x.shape[0] and k.shape[0].
#   - OH, OW = x.shape[0] - FH + 1, x.shape[1] - FW + 1
#   + OW, OH = x.shape[0] - FH + 1, x.shape[1] - FW + 1
# result transposed: you write to y[j, i]. The window that begins in row i and column j gives y[i, j].
#   - y = np.empty((OH, OW))
#   + y = np.empty((OW, OH))
#   - y[i, j] =
#   + y[j, i] =
# last window missing: your loops end one window early. A window also fits where i + FH is exactly H: hence the + 1.
#   - OH, OW = x.shape[0] - FH + 1, x.shape[1] - FW + 1
#   + OH, OW = x.shape[0] - FH, x.shape[1] - FW
# mean for sum: you average the products. The kernel's weights decide how much each cell counts: only add.
#   - np.sum(k * x
#   + np.mean(k * x
### END MISTAKES


# %% check="cross_correlate_2d" points=6
from course import ops
from course.check import Check


def reference(x, k):
    return ops.conv2d(x[None, None], k[None, None], None)[0][0, 0]


check = Check("cross_correlate_2d", cross_correlate_2d, reference, returns="y (OH, OW)")
check("SYSU's picture and kernel", x_sysu, k_sysu)
check("a square kernel", check.normal(6, 5), check.normal(3, 3))
check("a kernel wider than high", check.normal(5, 7), check.normal(2, 3))
check("a kernel of one row", check.normal(4, 6), check.normal(1, 4))
check("a kernel of one column", check.normal(6, 4), check.normal(4, 1))
### BEGIN HIDDEN TESTS
check.hide()
check("a kernel higher than wide", check.normal(9, 6), check.normal(4, 3))
### END HIDDEN TESTS
check.score(6)


# %% exercise="convolve_2d"
def convolve_2d(x, k):
    """Slide k, turned by 180°, over x.

        y[i, j] = Σ_u Σ_v k[FH − 1 − u, FW − 1 − v] · x[i + u, j + v]

    Args:
        x: (H, W), one picture.
        k: (FH, FW), the kernel, not larger than the picture.

    Returns:
        y: (H − FH + 1, W − FW + 1).

    Hint: one line is enough, and it calls your other function.

    >>> convolve_2d(np.array([[1.0, 2, 3], [4, 5, 6]]), np.array([[1.0, 100]]))
    array([[102., 203.],
           [405., 506.]])
    """
    ### BEGIN SOLUTION
    return cross_correlate_2d(x, k[::-1, ::-1])
    ### END SOLUTION
### BEGIN MISTAKES
# not turned: yours is the cross-correlation. Convolution turns the kernel by 180° first: compare with your numbers for
#     EECS 545's example.
#   - k[::-1, ::-1]
#   + k
# only the rows turned: turning by 180° reverses the rows and the columns. You reverse one of the two.
#   - k[::-1, ::-1]
#   + k[::-1]
# transposed for turned: you transpose: .T mirrors the kernel at its diagonal. Turning by 180° reverses its rows and its
#     columns: print both for a 2×3 kernel.
#   - k[::-1, ::-1]
#   + k.T
# picture turned: you turn the picture. Turn the kernel; with the picture turned your output comes out turned as well.
#   - cross_correlate_2d(x, k[::-1, ::-1])
#   + cross_correlate_2d(x[::-1, ::-1], k)
### END MISTAKES


# %% check="convolve_2d" points=5
from course.check import Check


def reference(x, k):
    """The convolution theorem: multiply the spectra, cut off what wraps around."""
    spectrum = np.fft.rfft2(x) * np.fft.rfft2(k, s=x.shape)
    return np.fft.irfft2(spectrum, s=x.shape)[k.shape[0] - 1 :, k.shape[1] - 1 :]


check = Check("convolve_2d", convolve_2d, reference, returns="y (OH, OW)")
check("a kernel that looks the same when turned", check.normal(5, 6), k_sysu)
check("a square kernel", check.normal(6, 5), check.normal(3, 3))
check("a kernel wider than high", check.normal(5, 7), check.normal(2, 3))
check("a kernel of one column", check.normal(6, 4), check.normal(4, 1))
### BEGIN HIDDEN TESTS
check.hide()
check("a kernel higher than wide", check.normal(9, 6), check.normal(4, 3))
### END HIDDEN TESTS
check.score(5)

# %% [markdown]
# Which one does a CNN use? EECS 442 says it bluntly: forget the difference. The layer computes the cross-correlation and
# is called convolution all the same. Its weights are learned, and a network that needs the turned filter learns the
# turned filter. But *you* must know which one your code computes, above all when you go backwards in notebook 06.
#
# ## 5 Full depth: channels, filters, batches
#
# *Follows IIITS, "Handling multiple input channels" and "Handling multiple output maps"; HLCV, "Convolution Layer" and
# "Summary".*
#
# A picture has C channels, and a filter always spans all of them: a 5×5 filter on a colour picture holds 5·5·3 = 75
# weights. All 75 products and a bias give **one** number. Each of the K filters makes a map of its own, and the K maps
# are the channels of the output.

# %% tags=["demo"]
plots.show(
    plots.volumes(32, 3, 5, 6),
    alt="A 3×32×32 input volume with a small 3×5×5 filter inside that reaches through its "
    "full depth; its 5·5·3 products and a bias give one number in the first of 6 output maps.",
)

# %% [markdown]
# With a batch of N pictures, padding P (the padded picture is written x̃) and stride S:
#
# $$y_{n,k,i,j} = b_k + \sum_{c=0}^{C-1} \sum_{u=0}^{FH-1} \sum_{v=0}^{FW-1} w_{k,c,u,v} \; \tilde x_{n,\,c,\;iS+u,\;jS+v}$$
#
# ### By hand: one number of a volume
#
# IIITS works through a whole volume: three channels of 5×5, padding 1, stride 2, two filters of 3×3×3. The cell below holds
# the numbers of the slide; the pictures show the padded input x and the first filter. The first window is marked.

# %% tags=["setup"]
# the three channels stand side by side, one row of the picture a line
x_iiits = """
    00202 10020 02210
    12220 10101 02001
    02100 00212 11121
    02021 12100 20122
    10220 12202 21100
"""
x_iiits = [[list(row) for row in line.split()] for line in x_iiits.strip().split("\n")]
x_iiits = np.array(x_iiits, dtype=float).transpose(1, 0, 2)[None]  # (N, C, H, W) = (1, 3, 5, 5)

# one channel of one filter a line
w_iiits = [
    [-1, 0, -1, 1, -1, 1, -1, 0, -1],
    [0, -1, 1, 1, 1, 1, -1, 1, -1],
    [0, 0, 0, -1, 1, -1, 1, 1, -1],
    [0, 1, 1, -1, -1, -1, 1, -1, 1],
    [-1, 0, -1, 1, 1, 1, -1, 1, -1],
    [0, 1, 0, 0, 0, -1, 1, -1, 0],
]
w_iiits = np.array(w_iiits, dtype=float).reshape(2, 3, 3, 3)  # (K, C, FH, FW)
b_iiits = np.array([1.0, 0.0])

# %% tags=["demo"]
padded = np.pad(x_iiits[0], ((0, 0), (1, 1), (1, 1)))
first = (0, 0, 3, 3)
plots.show(
    plots.matrices(
        *padded,
        titles=["x, channel 0", "x, channel 1", "x, channel 2"],
        windows={0: first, 1: first, 2: first},
        pad={0: 1, 1: 1, 2: 1},
        cell=0.36,
    ),
    alt="Three 7×7 channels whose outer ring is zero padding. The upper left 3×3 window is "
    "marked. It holds, row by row: channel 0: 000, 000, 012; channel 1: 000, 010, 010; "
    "channel 2: 000, 002, 002.",
)
plots.show(
    plots.matrices(
        *w_iiits[0], titles=["w0, channel 0", "w0, channel 1", "w0, channel 2"], cell=0.42
    ),
    alt="The first filter. Channel 0: −1 0 −1, 1 −1 1, −1 0 −1. Channel 1: 0 −1 1, 1 1 1, −1 "
    "1 −1. Channel 2: 0 0 0, −1 1 −1, 1 1 −1.",
)

# %% exercise="by-hand-volume"
### BEGIN BLANKS
# the first window: the sum of the products of each channel
channel_0 = -2
channel_1 = 2
channel_2 = -4

# the bias of the first filter is 1: the number y[0, 0, 0, 0] of the output
y_0_0_0_0 = -3
### END BLANKS
### BEGIN MISTAKES
# forgot the bias: your sum over the channels is right, but each filter has a bias, here 1, that is added once.
#   - y_0_0_0_0 = -3
#   + y_0_0_0_0 = -4
# bias for each channel: you add the bias for each channel. It belongs to the filter: add it once.
#   - y_0_0_0_0 = -3
#   + y_0_0_0_0 = -1
# kernel turned: you turn the filter. A layer does not: lay each channel of w0 on the window as it is printed.
#   - channel_2 = -4
#   + channel_2 = -2
#   - channel_1 = 2
#   + channel_1 = 0
### END MISTAKES

# %% check="by-hand-volume" points=4
from course.check import Check

check = Check("by-hand-volume")
check.blank("channel_0", channel_0)
check.blank("channel_1", channel_1)
check.blank("channel_2", channel_2)
check.blank("y_0_0_0_0", y_0_0_0_0)
check.score()

# %% [markdown]
# ### Write it: the convolution layer
#
# Write the formula as loops, slow and obvious. Notebook 06 makes it a thousand times faster; this one must be right.
#
# The check uses pictures and windows that are not square, so that no exchanged pair of sizes goes unnoticed.


# %% exercise="conv2d"
def conv2d(x, w, b, *, stride=1, pad=0):
    """Slide K filters over N pictures, with zero padding.

        y[n, k, i, j] = b[k] + Σ_c Σ_u Σ_v w[k, c, u, v] · x̃[n, c, i·S + u, j·S + v]

    Args:
        x: (N, C, H, W), the pictures; x̃ is x with P cells of zeros around it.
        w: (K, C, FH, FW), the filters.
        b: (K,), one bias for each filter.
        stride: S.
        pad: P.

    Returns:
        y: (N, K, OH, OW), of the dtype of x.

    Raises:
        ValueError: the window does not fit.

    Hint: your `output_size` and `pad2d` do half of the work.

    >>> x = np.arange(9.0).reshape(1, 1, 3, 3)
    >>> conv2d(x, np.ones((1, 1, 2, 2)), np.array([0.5]))[0, 0]
    array([[ 8.5, 12.5],
           [20.5, 24.5]])
    """
    ### BEGIN SOLUTION
    N, _, H, W = x.shape
    K, _, FH, FW = w.shape
    OH = output_size(H, FH, stride=stride, pad=pad)
    OW = output_size(W, FW, stride=stride, pad=pad)
    padded = pad2d(x, pad)
    y = np.empty((N, K, OH, OW), dtype=x.dtype)
    for n in range(N):
        for i in range(OH):
            for j in range(OW):
                top, left = i * stride, j * stride
                window = padded[n, :, top : top + FH, left : left + FW]
                for k in range(K):
                    y[n, k, i, j] = np.sum(window * w[k]) + b[k]
    return y
    ### END SOLUTION
### BEGIN MISTAKES
# kernel turned: you turn the filters by 180°. A CNN layer cross-correlates: w[k, :, 0, 0] meets the window's upper left cell.
#   - window * w[k]
#   + window * w[k, :, ::-1, ::-1]
# first channel only: you use one channel of the picture. A filter spans the full depth: sum over c as well, and compare
#     your answer for a picture whose other channels are zero.
#   - np.sum(window * w[k])
#   + np.sum(window[0] * w[k, 0])
# bias never added: you leave out b: each map y[n, k] is off by b[k] everywhere. Call it with w = 0: y must be b.
#   - np.sum(window * w[k]) + b[k]
#   + np.sum(window * w[k])
# bias once a channel: you add b[k] for each channel. Add it after the sum over all channels, once: with w = 0, y must be b.
#   - np.sum(window * w[k]) + b[k]
#   + np.sum(window * w[k]) + x.shape[1] * b[k]
# first bias for all: you add b[0] to every map. Filter k has its own bias b[k]: call it with w = 0 and look at y[0, :, 0, 0].
#   - + b[k]
#   + + b[0]
# stride ignored: your windows move by one cell whatever the stride is. Window (i, j) begins at row i·S, column j·S.
#   - top, left = i * stride, j * stride
#   + top, left = i, j
# stride ignored in the size too: with stride 2 your output is as large as with stride 1. Give the stride to output_size,
#     and let window (i, j) begin at row i·S, column j·S.
#   - OH = output_size(H, FH, stride=stride, pad=pad)
#   - OW = output_size(W, FW, stride=stride, pad=pad)
#   + OH = output_size(H, FH, pad=pad)
#   + OW = output_size(W, FW, pad=pad)
#   - top, left = i * stride, j * stride
#   + top, left = i, j
# stride for the rows only: your windows skip rows, but no columns. The column begins at j·S too.
#   - left = i * stride, j * stride
#   + left = i * stride, j
# sizes swapped: you exchange height and width somewhere. OH belongs to H and FH, OW to W and FW; test with H ≠ W.
#   - OH = output_size(H, FH, stride=stride, pad=pad)
#   - OW = output_size(W, FW, stride=stride, pad=pad)
#   + OW = output_size(H, FH, stride=stride, pad=pad)
#   + OH = output_size(W, FW, stride=stride, pad=pad)
# result transposed: your maps come out with rows and columns exchanged. Window (i, j) gives y[n, k, i, j].
#   - y = np.empty((N, K, OH, OW), dtype=x.dtype)
#   + y = np.empty((N, K, OW, OH), dtype=x.dtype)
#   - y[n, k, i, j] =
#   + y[n, k, j, i] =
# transposed kernel: you exchange rows and columns of the filters. Try a filter that is a single row.
#   - window * w[k]
#   + window * w[k].transpose(0, 2, 1)
# permuted filters: your maps are right but in another order: y[:, k] belongs to filter w[k]. Give one filter zeros and
#     see which map is empty.
#   - window * w[k]
#   + window * w[k - 1]
# first picture only: you give every picture of the batch the answer of the first one. Index x with n.
#   - padded[n, :
#   + padded[0, :
# no padding: you make the output as large as with padding, but do not pad x. Print the shape of your padded picture.
#   - padded = pad2d(x, pad)
#   + padded = x
# padding forgotten: you never use pad. With P = 1 the padded picture has two rows more, and so has the output.
#   - OH = output_size(H, FH, stride=stride, pad=pad)
#   - OW = output_size(W, FW, stride=stride, pad=pad)
#   - padded = pad2d(x, pad)
#   + OH = output_size(H, FH, stride=stride)
#   + OW = output_size(W, FW, stride=stride)
#   + padded = x
# mean for sum: you average over the window. The layer adds the products, the weights decide what counts how much.
#   - np.sum(window * w[k])
#   + np.mean(window * w[k])
# float64 always: your numbers are right, but float32 in must give float32 out. Make y with dtype=x.dtype.
#   - dtype=x.dtype
#   + dtype=np.float64
### END MISTAKES


# %% check="conv2d" points=16
from course import ops
from course.check import Check

check = Check("conv2d", conv2d, ops.conv2d, returns="y (N, K, OH, OW)")
draw = check.normal
# one thing at a time, so that one slip costs what it touches
check("all weights 1: each window is added", draw(1, 1, 6, 4), np.ones((1, 1, 2, 3)), np.zeros(1))
check("one channel, one filter", draw(1, 1, 6, 4), draw(1, 1, 2, 3), np.zeros(1))
check("several channels", draw(1, 4, 5, 4), draw(1, 4, 2, 3), np.zeros(1))
check("several filters", draw(1, 1, 5, 4), draw(3, 1, 2, 3), np.zeros(3))
check("biases", draw(1, 1, 5, 4), draw(3, 1, 2, 3), draw(3))
check("a batch", draw(3, 1, 5, 4), draw(1, 1, 2, 3), np.zeros(1))
check("stride 2", draw(1, 1, 8, 5), draw(1, 1, 2, 3), np.zeros(1), stride=2)
check("padding 1", draw(1, 1, 5, 4), draw(1, 1, 2, 3), np.zeros(1), pad=1)
x, w, b = (draw(*shape, dtype=np.float32) for shape in [(1, 1, 5, 4), (1, 1, 2, 3), (1,)])
check("float32 stays float32", x, w, b)
# all together
check("square windows, padding 1", draw(2, 2, 5, 5), draw(3, 2, 3, 3), draw(3), pad=1)
check("windows of one cell, stride 2", draw(2, 3, 7, 5), draw(4, 3, 1, 1), draw(4), stride=2)
check("padding 2, stride 2", draw(2, 3, 7, 4), draw(4, 3, 3, 2), draw(4), stride=2, pad=2)
check("padding 1, stride 3", draw(2, 2, 9, 6), draw(2, 2, 2, 5), draw(2), stride=3, pad=1)
x, w, b = draw(1, 1, 7, 7), draw(1, 1, 3, 3), draw(1)
check.raises("7×7, windows of 3×3, stride 3: does not fit", ValueError, x, w, b, stride=3)
check("the worked volume of IIITS", x_iiits, w_iiits, b_iiits, stride=2, pad=1)
### BEGIN HIDDEN TESTS
check.hide()
check("another shape", draw(2, 3, 5, 8), draw(4, 3, 4, 2), draw(4), pad=2, points=0.5)
check("another stride", draw(3, 2, 6, 9), draw(2, 2, 4, 3), draw(2), stride=2, pad=1, points=0.5)
### END HIDDEN TESTS
check.score(16)

# %% [markdown]
# ## 6 See it: the sliding window
#
# Your `conv2d` drives this demo. Click the slider *window*, then move it with the arrow keys: each product, their sum,
# and the output that fills up, number by number. A number of yours that is not the sum is framed with dashes.
#
# 1. Find your eight numbers from above: SYSU's, and EECS 545's with the kernel *as it is* and *turned by 180°*.
# 2. Take the 7×7 box, the kernel left–right, and strides 1, 2 and 3.
# 3. Where does left–right answer with a negative number, and why?
# 4. Which padding keeps the size of the 7×7 box under a 3×3 kernel?

# %% tags=["demo"]
from course.demos import convolution

convolution.demo(conv2d)

# %% [markdown]
# ## 7 Count the parameters
#
# *Follows HLCV, "Examples time"; EECS 442, "Multiple out channels via multiple filters" and the example with 5 neurons.*
#
# The number of weights does not depend on the size of the picture, nor on stride and padding. That is what weight
# sharing buys.
#
# ### By hand: parameters
#
# The input is 32×32×3. HLCV takes ten 5×5 filters and compares with a fully connected layer of ten neurons. EECS 442 takes
# five 5×5 filters and five neurons.

# %% exercise="by-hand-parameters"
### BEGIN BLANKS
# HLCV: ten 5×5 filters, padding 2
one_filter = 76  # with its bias
ten_filters = 760
ten_neurons_weights = 30720  # fully connected, weights only

# EECS 442: five 5×5 filters; five fully connected neurons with their biases
five_filters = 380
five_neurons = 15365
### END BLANKS
### BEGIN MISTAKES
# biases forgotten: you count weights only. Each filter, and each neuron, also has one bias.
#   - one_filter = 76
#   + one_filter = 75
#   - ten_filters = 760
#   + ten_filters = 750
#   - five_filters = 380
#   + five_filters = 375
#   - five_neurons = 15365
#   + five_neurons = 15360
# flat filters: your filters are flat. A filter spans the full depth: 5·5·3 weights, not 5·5.
#   - one_filter = 76
#   + one_filter = 26
#   - ten_filters = 760
#   + ten_filters = 260
#   - five_filters = 380
#   + five_filters = 130
# one bias in all: you add one bias for the whole layer. Each filter has a bias of its own, as each neuron has.
#   - ten_filters = 760
#   + ten_filters = 751
#   - five_filters = 380
#   + five_filters = 376
#   - five_neurons = 15365
#   + five_neurons = 15361
# neurons on one channel: your neurons see one channel. Fully connected means to all 32·32·3 numbers.
#   - ten_neurons_weights = 30720
#   + ten_neurons_weights = 10240
#   - five_neurons = 15365
#   + five_neurons = 5125
# biases of the neurons: you count the ten biases too. Asked for are the weights only.
#   - ten_neurons_weights = 30720
#   + ten_neurons_weights = 30730
### END MISTAKES

# %% check="by-hand-parameters" points=5
from course.check import Check

check = Check("by-hand-parameters")
check.blank("one_filter", one_filter)
check.blank("ten_filters", ten_filters)
check.blank("ten_neurons_weights", ten_neurons_weights)
check.blank("five_filters", five_filters)
check.blank("five_neurons", five_neurons)
check.score()

# %% [markdown]
# With stride 3, EECS 442's layer gives out far fewer numbers. It has as many parameters as before.
#
# ### Write it: count for any layer


# %% exercise="conv2d_parameters"
def conv2d_parameters(channels, filters, field):
    """Count the weights and biases of a convolution layer.

    Args:
        channels: C, the channels of its input.
        filters: K.
        field: (FH, FW), the extent of the filters.

    Returns:
        their number, an int.

    >>> conv2d_parameters(1, 2, (3, 4))
    26
    """
    ### BEGIN SOLUTION
    FH, FW = field
    return filters * (channels * FH * FW + 1)
    ### END SOLUTION
### BEGIN MISTAKES
# biases forgotten: your number is too small by the number of filters: each has one bias.
#   - channels * FH * FW + 1
#   + channels * FH * FW
# one bias in all: you add one bias for the whole layer. Each of the K filters has its own: multiply it by K as well.
#   - filters * (channels * FH * FW + 1)
#   + filters * channels * FH * FW + 1
# flat filters: you leave out the channels. A filter spans all channels of its input: how many weights has a 5×5 filter on a colour picture?
#   - channels * FH * FW + 1
#   + FH * FW + 1
# square fields only: you use one extent twice. A filter may be higher than wide: try (1, 7) and (7, 1).
#   - FH * FW + 1
#   + FH * FH + 1
# a bias for each channel: you count a bias for each channel. It belongs to the filter and is added once, after the sum.
#   - channels * FH * FW + 1
#   + channels * (FH * FW + 1)
### END MISTAKES


# %% check="conv2d_parameters" points=5
from course import shapes
from course.check import Check

check = Check("conv2d_parameters", conv2d_parameters, shapes.conv2d_parameters)
check("HLCV's ten filters", 3, 10, (5, 5))
check("1×1 filters", 64, 32, (1, 1))
check("one filter, one channel", 1, 1, (2, 3))
draw = check.integers
check("a drawn layer", draw(2, 9), draw(10, 20), (draw(2, 4), draw(5, 7)))
### BEGIN HIDDEN TESTS
check.hide()
check("another drawn layer", draw(4, 9), draw(20, 90), (draw(1, 3), draw(4, 8)))
### END HIDDEN TESTS
check.score(5)

# %% [markdown] question="like-for-like" points=3
# ### In words: like for like?
#
# Both lectures compare a convolution layer with a fully connected one: you have just counted. How many *numbers* does each
# of EECS 442's two layers give out? How many parameters would a fully connected layer need that gives out as many
# numbers as the convolution layer? Say which part of the saving is due to local connectivity and which to weight sharing,
# and what the layer can no longer do.
#
# ### BEGIN SOLUTION
# The convolution layer gives out 28·28·5 = 3920 numbers, the fully connected layer only 5. A fully connected layer with
# 3920 neurons on 3072 inputs has 3072·3920 + 3920 = 12 046 160 parameters: the lectures' comparison is far too modest.
# With local connectivity alone each of the 3920 neurons has 75 weights and a bias, 297 920 in all: about 40 times fewer.
# Sharing them between the 28·28 = 784 places of a map leaves 380: another 784 times fewer. The price: a neuron sees only
# its 5×5 window, and all neurons of a map look for the same thing.
# ### END SOLUTION
#
# === BEGIN MARK SCHEME ===
# 1 point: 3920 numbers against 5.
#
# 1 point: 12 046 160 parameters (12 042 240 without biases is fine too).
#
# 1 point: separates the two ideas, with numbers (297 920 parameters or a factor 40, then a factor 784) or in clear words,
# and names the price: nothing outside the window is seen, or no place has a feature of its own.
# === END MARK SCHEME ===

# %% [markdown]
# ## 8 Use it: find edges in a photograph
#
# *Follows IIITS, "Convolution as feature extraction"; EECS 442, "You've already seen this before".*
#
# An edge is where neighbouring pixels differ. So let one side of the window count positive and the other negative: on a
# flat patch they cancel. Set the weights of two 3×3 filters by hand:
#
# - filter 0 answers with a positive number where the picture turns from dark to bright **from left to right**, and with 0
#   where it only changes from top to bottom;
# - filter 1 answers with a positive number where it turns from dark to bright **from top to bottom**, and with 0 where it
#   only changes from left to right.


# %% exercise="edge_filters"
def edge_filters():
    """Give the two filters.

    Returns:
        w: (2, 1, 3, 3), an array of floats.
    """
    ### BEGIN SOLUTION
    across = np.array([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]])
    return np.stack([across, across.T])[:, None]
    ### END SOLUTION
### BEGIN MISTAKES
# directions exchanged: your filter 0 answers to changes from top to bottom, filter 1 to changes from left to right.
#   - np.stack([across, across.T])
#   + np.stack([across.T, across])
# signs exchanged: your filters answer with a negative number where it gets brighter. Remember that the layer does not turn
#     its filters: the right column meets the right side of the window.
#   - [[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]]
#   + [[1.0, 0, -1], [2, 0, -2], [1, 0, -1]]
# does not cancel: on a flat patch your filters do not give 0. The weights of each must add up to 0.
#   - [[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]]
#   + [[0.0, 0, 1], [0, 0, 2], [0, 0, 1]]
# diagonal: your filters also answer to changes in the other direction. Within each row, or each column, the weights must
#     cancel.
#   - [[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]]
#   + [[-2.0, -1, 0], [-1, 0, 1], [0, 1, 2]]
### END MISTAKES


# %% check="edge_filters" points=6
from course import ops
from course.check import Check

check = Check("edge_filters", edge_filters)
flat = np.full((6, 7), check.uniform(0.3, 0.7))
across = flat + np.cumsum(check.uniform(0.05, 0.1, 7))  # brighter from left to right
down = across.T  # brighter from top to bottom


def answer(picture, filter):
    w = np.asarray(edge_filters(), dtype=float)
    return ops.conv2d(picture[None, None], w, np.zeros(2))[0][0, filter]


def is_zero(y):
    return np.allclose(y, 0)


def is_positive(y):
    return np.all(y > 0.01)


check.equal("shape of w", lambda: list(np.shape(edge_filters())), [2, 1, 3, 3])
check.holds("0 on a flat patch", lambda: is_zero([answer(flat, 0), answer(flat, 1)]), "it is not so")
check.holds("filter 0, brighter to the right: > 0", lambda: is_positive(answer(across, 0)), "it is not so")
check.holds("filter 0, brighter downwards: 0", lambda: is_zero(answer(down, 0)), "it is not so")
check.holds("filter 1, brighter downwards: > 0", lambda: is_positive(answer(down, 1)), "it is not so")
check.holds("filter 1, brighter to the right: 0", lambda: is_zero(answer(across, 1)), "it is not so")
check.score()

# %% [markdown]
# Your filters and your layer on the photograph, in grey:

# %% tags=["experiment"]
grey = (photo @ [0.299, 0.587, 0.114] / 255)[None, None]  # (1, 1, H, W)
edges = conv2d(grey, edge_filters(), np.zeros(2), pad=1)[0]
plots.show(
    plots.pictures(
        list(edges), titles=["filter 0: left to right", "filter 1: top to bottom"], signed=True
    ),
    alt="The answers of the two filters to the photograph. Filter 0 shows the upright lines: "
    "posts and walls of the pavilion. Filter 1 shows the level lines: the eaves of its "
    "roofs and the shore.",
)
strength = np.sqrt(edges[0] ** 2 + edges[1] ** 2)
strength = np.minimum(strength / np.quantile(strength, 0.99), 1)  # the strongest 1 % are white
plots.show(
    plots.pictures([photo, strength], titles=["photograph", "strength of the edges"]),
    alt="The photograph, and beside it its edges in any direction as bright lines on black: "
    "the outline of the pavilion, the eaves of its roofs, the leaves of the trees.",
)

# %% [markdown]
# Look at the left and right border of filter 0's map. There is no edge in the photograph; the zero padding made one.
#
# Nobody sets such weights by hand in a network. It learns them, and the first layer of almost every CNN ends up with
# filters like yours.
#
# ## 9 Two surprising uses
#
# *Follows HLCV, "(btw, 1x1 convolution layers make perfect sense)" and "3x3 vs 1x1 convolutions".*
#
# **A window of one cell.** A 1×1 filter sees no neighbours, but it spans the full depth: each output pixel is a weighted sum
# of the channels of that one pixel. HLCV goes from 64 channels to 32 in this way. Here, from 3 to 2:

# %% tags=["experiment"]
x = photo.transpose(2, 0, 1)[None] / 255
w = np.array([[0.299, 0.587, 0.114], [2, -1, -1]]).reshape(2, 3, 1, 1)
grey, red = conv2d(x, w, np.zeros(2))[0]
plots.show(
    plots.pictures([grey, red.clip(0, 1)], titles=["0.299 R + 0.587 G + 0.114 B", "2 R − G − B"]),
    alt="Two maps made of the photograph by 1×1 filters: on the left its brightness; on the "
    "right how red it is: the columns and roofs of the pavilion are bright, sky and lake "
    "are black.",
)

# %% [markdown]
# **A picture of height 1.** Nothing in the layer asks for two dimensions: with H = 1 and FH = 1 it runs along a line. A
# sound, a temperature curve or a text will do. For a text, each letter is a channel: x[0, c, 0, j] is 1 if letter c
# stands at place j. Which word does this filter look for, and why is 3 the largest answer?

# %% tags=["experiment"]
letters = " abcdefghijklmnopqrstuvwxyz"
text = "other fathers gather in the theatre"


def one_hot(text):
    x = np.zeros((1, len(letters), 1, len(text)))
    x[0, [letters.index(letter) for letter in text], 0, range(len(text))] = 1
    return x


answers = conv2d(one_hot(text), one_hot("the"), np.zeros(1))
plots.show(
    plots.text_responses(text, answers, threshold=3, title="how many letters of the filter fit"),
    alt="Bars over the letters of “other fathers gather in the theatre”. They reach 3 at each "
    "place where “the” begins.",
)

# %% [markdown]
# And on a noisy measurement one filter smooths, another finds the jumps:

# %% tags=["experiment"]
rng = np.random.default_rng(5)
noisy = np.repeat([0.0, 1.0, 0.3], 50) + 0.2 * rng.standard_normal(150)
x = noisy[None, None, None]  # (N, C, H, W) = (1, 1, 1, 150)
smooth = conv2d(x, np.full((1, 1, 1, 9), 1 / 9), np.zeros(1))
step = conv2d(x, np.repeat([-1 / 8, 1 / 8], 8).reshape(1, 1, 1, 16), np.zeros(1))
plots.show(
    plots.signals({"measured": noisy, "mean of 9": smooth, "right 8 − left 8": step}),
    alt="A noisy signal that jumps up and down again. The mean of 9 neighbours follows it "
    "smoothly; the difference of the 8 values to the right and the 8 to the left has a "
    "peak at the upward jump and a dip at the downward one.",
)

# %% [markdown]
# ## 10 What a neuron sees
#
# *Follows IIITS, "Multilayer Convolution"; HLCV, "The brain/neuron view of CONV Layer".*
#
# The receptive field of a neuron is the part of the input that can change it. In the first layer that is F×F. In the second
# layer the neuron sees F×F neurons of the first, and through them more of the input.

# %% tags=["demo"]
plots.show(
    plots.receptive_field(2, 3),
    alt="One neuron of layer 2 sees 3 neighbouring neurons of layer 1 along each axis, and "
    "through them 5 cells of the input.",
)

# %% [markdown]
# ### By hand: receptive fields
#
# All windows are 3×3. How many cells of the input does one neuron see along one axis? Draw it.

# %% exercise="by-hand-receptive"
### BEGIN BLANKS
three_layers = 7  # stride 1
two_layers_stride_2 = 7  # both with stride 2
### END BLANKS
### BEGIN MISTAKES
# windows side by side: you multiply. The windows of neighbouring neurons overlap, so each further layer only adds F − 1
#     cells: draw them.
#   - three_layers = 7
#   + three_layers = 27
# windows laid end to end: you add three cells a layer. The windows of neighbouring neurons overlap, so each further
#     layer adds F − 1 = 2 cells only: draw them.
#   - three_layers = 7
#   + three_layers = 9
#   - two_layers_stride_2 = 7
#   + two_layers_stride_2 = 6
# stride forgotten: you let neighbouring windows begin one cell apart. With stride 2 neighbouring neurons of layer 1 begin two cells apart, so three of them reach further.
#   - two_layers_stride_2 = 7
#   + two_layers_stride_2 = 5
### END MISTAKES

# %% check="by-hand-receptive" points=2
from course.check import Check

check = Check("by-hand-receptive")
check.blank("three_layers", three_layers)
check.blank("two_layers_stride_2", two_layers_stride_2)
check.score()

# %% [markdown]
# Measure it. The batch below holds 81 pictures, each with a single bright pixel at another place. Two layers of ones run
# over them, and the neuron in the middle says how strongly it feels each pixel.

# %% tags=["experiment"]
x = np.eye(81).reshape(81, 1, 9, 9)
ones = np.ones((1, 1, 3, 3))
y = conv2d(conv2d(x, ones, np.zeros(1)), ones, np.zeros(1))  # (81, 1, 5, 5)
plots.show(
    plots.matrices(y[:, 0, 2, 2].reshape(9, 9), windows={0: (2, 2, 5, 5)}),
    alt="A 9×9 map of how strongly each pixel acts on the middle neuron. Outside the middle "
    "5×5 all is 0; inside, the numbers grow from 1 in the corners to 9 in the centre.",
)

# %% [markdown]
# Exactly 5×5, as in the drawing. The centre counts nine times as much as a corner: nine paths lead from it to the neuron,
# from a corner only one.

# %% [markdown] question="shifted" points=3
# ### In words: a shifted picture
#
# Move the photograph by one pixel to the right before it enters the layer. What happens to
# the output with stride 1, and what with stride 2? Name one kind of picture for which it is wrong to use the same weights
# everywhere, and say why.
#
# ### BEGIN SOLUTION
# With stride 1 the output moves by one pixel too; only at the border it differs, where other pixels, or padding, enter the
# windows. With stride 2 a shift by one pixel puts the windows on pixels that no window began at before: the output is not a
# shifted copy. A shift by two pixels shifts it by one. Sharing is wrong where the same pattern means something else
# at another place: in aligned passport photographs, for example, eyes are only found in the upper half, and a filter for
# mouths is wasted there.
# ### END SOLUTION
#
# === BEGIN MARK SCHEME ===
# 1 point: stride 1: the output is shifted by one pixel (the border may be left out).
#
# 1 point: stride 2: the output is not a shifted copy, or: only shifts by two pixels shift it.
#
# 1 point: a kind of picture in which place carries meaning (aligned faces, digits of a fixed display, spectrograms, board
# positions, …), with the reason.
# === END MARK SCHEME ===

# %% [markdown]
# ## What you have now
#
# - A layer that slides K filters of full depth over pictures of any size, with stride and padding, right to the last element.
# - The output size (N + 2P − F)/S + 1, which must be whole, and the padding (F − 1)/2 that keeps the size.
# - K(C·FH·FW + 1) parameters, whatever the size of the picture.
#
# It is slow: a loop in Python for every window. Notebook 06 turns it into one matrix product, and makes it learn.
