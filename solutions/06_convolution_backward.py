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
# # 06 Convolution backward and the fast path
#
# A convolution layer learns when somebody tells each of its weights, and each pixel below it, how the loss changes with it.
# In this notebook you work that out on paper, write it as loops, and discover that both gradients are convolutions
# themselves. Then you write all windows into one matrix and let the layer run many times faster. At the end your own
# layer trains a network.
#
# It takes about an hour. Nothing from an earlier notebook is needed: the forward pass of notebook 05 stands below. Run the
# cells from top to bottom; where you find `...` or `NotImplementedError`, it is your turn.
#
# The lecture, as it is called below:
#
# - **SYSU**: *Artificial Neural Networks*, Sun Yat-sen University, Lecture 7.2, "Derivative of
#   Convolution Layer"
#
# Symbols: N pictures, C channels, height H, width W; K filters of extent F (FH high, FW wide); stride S, padding P; the
# output is OH high and OW wide. dy is ∂L/∂y, the upstream gradient; dx, dw and db are ∂L/∂x, ∂L/∂w and ∂L/∂b, with the
# shapes of x, w and b. SYSU writes Y(l − 1) for our x, Z(l) for our y and Div for our L.

# %% tags=["setup"]
import numpy as np

from course import data, plots
from course.plots.backward import line_layer, named

np.set_printoptions(precision=3, suppress=True)


def conv2d(x, w, b, *, stride=1, pad=0):
    """The layer of notebook 05, one window after the other.

    Args:
        x: (N, C, H, W); w: (K, C, FH, FW); b: (K,).
        stride: S.
        pad: P, or a pair: rows above and below, columns on the left and right.

    Returns:
        y (N, K, OH, OW), and the cache for the way back: (x, w, stride, pad).
    """
    vertical, horizontal = np.broadcast_to(pad, 2)
    padded = np.pad(x, ((0, 0), (0, 0), (vertical, vertical), (horizontal, horizontal)))
    N, _, H, W = padded.shape
    K, _, FH, FW = w.shape
    y = np.empty((N, K, (H - FH) // stride + 1, (W - FW) // stride + 1), x.dtype)
    for n, k, i, j in np.ndindex(y.shape):
        top, left = i * stride, j * stride
        window = padded[n, :, top : top + FH, left : left + FW]
        y[n, k, i, j] = np.sum(window * w[k]) + b[k]
    return y, (x, w, stride, pad)


# %% [markdown]
# ## 1 One line, by hand
#
# *Follows SYSU, "Backpropagating through affine map".*
#
# Five cells, one filter of three weights, a bias:
#
# $$y_j = b + w_0\, x_j + w_1\, x_{j+1} + w_2\, x_{j+2}$$
#
# Somebody above has already told us dy: how the loss changes with each y. For every cell and every weight we ask the same:
# **which outputs does it act on, and by which factor?** Multiply each factor by its dy, and add.

# %% tags=["setup"]
x_line = np.array([1.0, 3, -1, 2, 4])
w_line = np.array([2.0, 1, -1])
b_line = 1.0
dy_line = np.array([1.0, -2, 3])

# %% tags=["demo"]
plots.show(
    line_layer(x_line, w_line, dy_line),
    alt="Five cells x with the numbers 1, 3, −1, 2, 4 below; three outputs above with dy 1, −2 and "
    "3. Each output is joined to three cells; the lines of weight w0 = 2 are solid, those of w1 = 1 "
    "dashed, those of w2 = −1 dotted. The first and the last cell have one line, their neighbours "
    "two, the middle cell three.",
)

# %% [markdown]
# Follow the lines of the cell in the middle. Three outputs hold it: the first through w2, the second through w1, the
# third through w0. So its dx is the sum of three products. A weight meets a cell in each of the three windows: three products
# as well. And the bias?
#
# Replace each `...` by a number.

# %% exercise="by-hand-line"
### BEGIN BLANKS
# forwards
line_y = [7, 4, -3]

# backwards: what each of the five cells receives, from left to right
line_dx = [2, -3, 3, 5, -3]

# what each of the three weights receives
line_dw = [-8, 11, 7]

# what the bias receives
line_db = 2
### END BLANKS
### BEGIN MISTAKES
# the filter turned: you let dy meet the filter in the order in which the filter stands. The first output reaches the middle
#     cell through the last weight: follow the lines of one cell.
#   - line_dx = [2, -3, 3, 5, -3]
#   + line_dx = [-1, 3, -3, -1, 6]
# the last one wins: you keep one product for each cell. A cell in several windows receives a product from each: add them.
#   - line_dx = [2, -3, 3, 5, -3]
#   + line_dx = [2, -4, 6, 3, -3]
# bias forgotten: you leave out b, which every output adds once.
#   - line_y = [7, 4, -3]
#   + line_y = [6, 3, -4]
# mean for sum: you divide by the number of outputs. The factor of b in every y is 1: only add the dy.
#   - line_db = 2
#   + line_db = 0.667
# weights swapped: you have the three right sums, but from right to left. w0 meets the left cell of each window.
#   - line_dw = [-8, 11, 7]
#   + line_dw = [7, 11, -8]
### END MISTAKES

# %% check="by-hand-line" points=12
from course.check import Check

check = Check("by-hand-line")
check.blank("line_y", line_y)
check.blank("line_dx", line_dx)
check.blank("line_dw", line_dw)
check.blank("line_db", line_db)
check.score()

# %% [markdown]
# That is the whole of the backward pass. Two dimensions, channels, filters and batches only add more sums.
#
# ## 2 Which outputs does a pixel touch?
#
# *Follows SYSU, "Each Y(l − 1, m, x, y) affects several z(l, n, x′, y′) terms" and "How a single Y(l − 1, m, x, y) influences
# z(l, n, x′, y′)".*
#
# Take a picture of 5×5 and a filter of 3×3. Below, the 1 is the pixel (2, 2), and three of the windows that hold it are
# drawn. In each the pixel has another place, so another weight meets it:

# %% tags=["demo"]
pixel = np.zeros((5, 5))
pixel[2, 2] = 1
plots.show(
    plots.matrices(
        *[pixel] * 3,
        titles=["window (0, 0)", "window (1, 1)", "window (2, 0)"],
        windows={0: (0, 0, 3, 3), 1: (1, 1, 3, 3), 2: (2, 0, 3, 3)},
    ),
    alt="A 5×5 picture of zeros with a 1 in the middle, three times. The window that begins at (0, 0) "
    "holds the 1 in its lower right corner, the window at (1, 1) in its middle, the window at (2, 0) "
    "in its upper right corner.",
)

# %% [markdown]
# The window that begins at (i, j) lays the weight (u, v) on the pixel
# (i + u, j + v). So the pixel (p, q) meets, in window (i, j), the weight
#
# $$(u, v) = (p - i,\; q - j)$$
#
# if there is such a weight. SYSU says it in one line: *the coordinates of z and w sum to those of Y.*
#
# ### By hand: windows and weights

# %% exercise="by-hand-influence"
### BEGIN BLANKS
# stride 1: how many outputs does a pixel act on?
touched_by_corner = 1  # pixel (0, 0)
touched_by_edge = 3  # pixel (2, 0)
touched_by_centre = 9  # pixel (2, 2)

# pixel (2, 2) and output (2, 1): which weight joins them?
weight_row = 0
weight_column = 1

# stride 2: there are 2×2 outputs; window (i, j) begins at (2i, 2j)
touched_by_centre_stride_2 = 4  # pixel (2, 2)
touched_by_1_1_stride_2 = 1  # pixel (1, 1)
### END BLANKS
### BEGIN MISTAKES
# added for subtracted: you take the output's place for that of the weight. The two add up to the pixel: (u, v) = (p − i, q − j).
#   - weight_row = 0
#   + weight_row = 2
# row and column swapped: you exchanged rows and columns of the weight. The first index counts rows, downwards.
#   - weight_row = 0
#   + weight_row = 1
#   - weight_column = 1
#   + weight_column = 0
# every pixel nine times: you give every pixel as many windows as the filter has cells. Near the border fewer windows hold a pixel: slide the window and count.
#   - touched_by_corner = 1
#   + touched_by_corner = 9
#   - touched_by_edge = 3
#   + touched_by_edge = 9
# stride ignored: your windows move by one pixel. With stride 2 they begin in rows and columns 0 and 2 only.
#   - touched_by_centre_stride_2 = 4
#   + touched_by_centre_stride_2 = 9
#   - touched_by_1_1_stride_2 = 1
#   + touched_by_1_1_stride_2 = 4
### END MISTAKES

# %% check="by-hand-influence" points=7
from course.check import Check

check = Check("by-hand-influence")
check.blank("touched_by_corner", touched_by_corner)
check.blank("touched_by_edge", touched_by_edge)
check.blank("touched_by_centre", touched_by_centre)
check.blank("weight_row", weight_row)
check.blank("weight_column", weight_column)
check.blank("touched_by_centre_stride_2", touched_by_centre_stride_2)
check.blank("touched_by_1_1_stride_2", touched_by_1_1_stride_2)
check.score()

# %% [markdown]
# Ask the layer itself. The weight (u, v) of the filter below holds the number 10u + v: it carries its own name. Raise the
# pixel (2, 2) by 1 and see by how much each output grows.

# %% tags=["demo"]
w = np.array([[0.0, 1, 2], [10, 11, 12], [20, 21, 22]])
x = np.random.default_rng(0).integers(0, 9, (5, 5)).astype(float)
raised = x.copy()
raised[2, 2] += 1


def forward(picture):
    return conv2d(picture[None, None], w[None, None], np.zeros(1))[0][0, 0]


growth = forward(raised) - forward(x)
plots.show(
    plots.matrices(w, growth, titles=["w", "growth of y"], windows={1: (1, 2, 1, 1)}),
    alt="Left the filter with rows 0 1 2, 10 11 12, 20 21 22. Right by how much the 3×3 outputs "
    "grow: rows 22 21 20, 12 11 10, 2 1 0. The output in row 1, column 2 is marked: it grows by 10.",
)

# %% [markdown]
# **A slip on the slides.** For the output (1, 2), SYSU prints the weight w(2, 1). By its own rule it is w(2 − 1, 2 − 2) =
# w(1, 0), and the marked number agrees: it is 10, the name of (1, 0), and not 21.
#
# Look once more: the right matrix is the filter **turned by 180°**. You will meet that again in section 5.
#
# ## 3 Write it: backwards in loops
#
# *Follows SYSU, "BP: Convolutional layer" and "The derivative for a single weight".*
#
# Go through the outputs once more, window by window. Each y[n, k, i, j] was a sum of products weight · pixel, and its
# dy[n, k, i, j] goes back along each of them: the pixel receives dy · weight, the weight receives dy · pixel, the bias
# receives dy. Written from the receivers' side, with the padded picture x̃:
#
# $$\tilde{dx}_{n,c,p,q} = \sum_{k,i,j} dy_{n,k,i,j}\; w_{k,c,\,p-iS,\,q-jS} \qquad
# dw_{k,c,u,v} = \sum_{n,i,j} dy_{n,k,i,j}\; \tilde x_{n,c,\,iS+u,\,jS+v} \qquad
# db_k = \sum_{n,i,j} dy_{n,k,i,j}$$
#
# where a weight outside of the filter counts as 0. Nobody wants the gradient of the padding: it is cut off at the end.


# %% exercise="conv2d_backward"
def conv2d_backward(dy, cache):
    """Send each dy back to the pixels, the weights and the bias that made its y.

    Args:
        dy: (N, K, OH, OW), the upstream gradient.
        cache: (x, w, stride, pad), as `conv2d` returns it; pad is an int here.

    Returns:
        dx (N, C, H, W), dw (K, C, FH, FW), db (K,): new arrays, of the dtype of x.

    Hint: begin with arrays of zeros, go through all n, k, i, j, and let each dy add what it sends.

    >>> y, cache = conv2d(np.arange(9.0).reshape(1, 1, 3, 3), np.ones((1, 1, 2, 2)), np.zeros(1))
    >>> dx, dw, db = conv2d_backward(np.ones((1, 1, 2, 2)), cache)
    >>> dx[0, 0]
    array([[1., 2., 1.],
           [2., 4., 2.],
           [1., 2., 1.]])
    >>> dw[0, 0], db
    (array([[ 8., 12.],
           [20., 24.]]), array([4.]))
    """
    ### BEGIN SOLUTION
    x, w, stride, pad = cache
    H, W = x.shape[2:]
    FH, FW = w.shape[2:]
    padded = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    dpadded = np.zeros_like(padded)
    dw = np.zeros_like(w)
    db = np.zeros(len(w), w.dtype)
    for n, k, i, j in np.ndindex(dy.shape):
        rows = slice(i * stride, i * stride + FH)
        columns = slice(j * stride, j * stride + FW)
        dpadded[n, :, rows, columns] += dy[n, k, i, j] * w[k]
        dw[k] += dy[n, k, i, j] * padded[n, :, rows, columns]
        db[k] += dy[n, k, i, j]
    dx = dpadded[:, :, pad : pad + H, pad : pad + W]
    return dx, dw, db
    ### END SOLUTION
### BEGIN MISTAKES
# dx overwritten: you write = where windows overlap, so a pixel keeps only what its last window sent. Add with +=.
#   - dpadded[n, :, rows, columns] += dy
#   + dpadded[n, :, rows, columns] = dy
# dw overwritten: your dw[k] keeps only the last window. The same weights meet every window of every picture: add with +=.
#   - dw[k] += dy
#   + dw[k] = dy
# db overwritten: your db[k] is one single dy. The bias is added at every place of every picture: add with +=.
#   - db[k] += dy
#   + db[k] = dy
# filter turned: you turn the filter by 180° before you add it to the window. Seen from the window nothing is turned: the
#     pixel at (u, v) in it met the weight (u, v).
#   - dy[n, k, i, j] * w[k]
#   + dy[n, k, i, j] * w[k, :, ::-1, ::-1]
# padding forgotten: you never pad the picture, so the last windows reach beyond its edge. Pad x as forwards, and collect dx in an array of that size.
#   - padded = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
#   + padded = x
# padding kept: your dx is as large as the padded picture. Cut the P rows and columns at every edge off again.
#   - dx = dpadded[:, :, pad : pad + H, pad : pad + W]
#   + dx = dpadded
# wrong corner: you cut all of the padding off at the lower right. It stands at every edge: the picture begins at row P, column P.
#   - dx = dpadded[:, :, pad : pad + H, pad : pad + W]
#   + dx = dpadded[:, :, :H, :W]
# stride ignored: your windows move by one pixel whatever the stride was. Window (i, j) began at row i·S, column j·S.
#   - rows = slice(i * stride, i * stride + FH)
#   - columns = slice(j * stride, j * stride + FW)
#   + rows = slice(i, i + FH)
#   + columns = slice(j, j + FW)
# padded with ones: you do not take the same padding as forwards: zeros met the weights there, so that they add nothing to dw.
#   - (pad, pad), (pad, pad)))
#   + (pad, pad), (pad, pad)), constant_values=1)
# first picture only: you give the weights what the first picture says. They are shared by the whole batch: sum over n.
#   - * padded[n, :, rows, columns]
#   + * padded[0, :, rows, columns]
# mean over the batch: you divide by N. The loss has already taken its mean; dy holds that factor, so the layer only adds.
#   - return dx, dw, db
#   + return dx, dw / len(x), db / len(x)
# float64 always: your numbers are right, but float32 in must give float32 out. np.zeros_like(x) takes over the dtype.
#   - np.zeros_like(padded)
#   + np.zeros(padded.shape)
#   - np.zeros_like(w)
#   + np.zeros(w.shape)
#   - np.zeros(len(w), w.dtype)
#   + np.zeros(len(w))
### END MISTAKES


# %% check="conv2d_backward" points=18
from course import ops
from course.check import Check


def gradient(dy, cache, *, part):
    answer = conv2d_backward(dy, cache)
    at = ["dx", "dw", "db"].index(part)
    if type(answer) is not tuple or len(answer) <= at:
        raise TypeError(f"conv2d_backward returns three arrays, dx, dw, db: {part} is missing")
    return answer[at]


def reference(dy, cache, *, part):
    x, w, stride, pad = cache
    _, cache = ops.conv2d(x, w, np.zeros(len(w), w.dtype), stride=stride, pad=pad)
    return ops.conv2d_backward(dy, cache)[["dx", "dw", "db"].index(part)]


check = Check("conv2d_backward", gradient, reference)


def case(label, x, w, points=1, stride=1, pad=0):
    # dx, dw and db are judged one by one: a slip in one does not cost the others
    y, cache = conv2d(x, w, np.zeros(len(w)), stride=stride, pad=pad)
    dy = check.normal(*y.shape, dtype=x.dtype)
    for part in ("dx", "dw", "db"):
        check(f"{part}: {label}", dy, cache, part=part, points=points)


draw = check.normal
case("one window", draw(1, 1, 2, 3), draw(1, 1, 2, 3), points=0.5)
case("windows that overlap", draw(1, 1, 5, 4), draw(1, 1, 2, 3))
case("several channels", draw(1, 3, 4, 5), draw(1, 3, 2, 3), points=0.5)
case("several filters", draw(1, 1, 4, 5), draw(3, 1, 3, 2))
case("a batch", draw(3, 1, 4, 5), draw(1, 1, 2, 3), points=0.5)
case("stride 2", draw(1, 1, 6, 5), draw(1, 1, 2, 3), stride=2)
case("padding 1", draw(1, 1, 4, 5), draw(1, 1, 2, 3), pad=1)
case("float32", draw(2, 2, 4, 5, dtype=np.float32), draw(3, 2, 3, 2, dtype=np.float32), points=0.5)
case("all together", draw(2, 3, 7, 4), draw(4, 3, 3, 2), stride=2, pad=2)
### BEGIN HIDDEN TESTS
check.hide()
case("another shape", check.normal(2, 2, 6, 8), check.normal(3, 2, 4, 2), stride=2, pad=1, points=0.5)
### END HIDDEN TESTS
check.score(18)

# %% [markdown]
# ## 4 See it: from a pixel to its outputs and back
#
# Your `conv2d_backward` drives this demo. Click the slider *row* or *column*, then move the pixel with the arrow keys. On the
# right you see which outputs it acts on, and by which weight; below, the sum that comes back, and what your function says.
#
# 1. Move along a row from the border to the middle: how does the number of outputs grow?
# 2. In which order do the weights appear among the outputs, compared with the filter?
# 3. Take stride 2. How many outputs do neighbouring pixels touch? Find a filter and a stride with which some pixels touch none.
# 4. With padding 1, go into the padding. It acts on outputs too; why does nobody ask for its gradient?

# %% tags=["demo"]
from course.demos import backward

backward.demo(conv2d_backward)

# %% [markdown]
# ## 5 Both gradients are convolutions
#
# *Follows SYSU, "But this is also a convolution" and "The filter derivative".*
#
# Let the stride be 1. In the sum for dw, dy slides over the picture: at place (u, v) it is multiplied with the pixels below it,
# and the products are added.
#
# $$dw_{k,c,u,v} = \sum_n \sum_{i,j} dy_{n,k,i,j}\; \tilde x_{n,c,\,u+i,\,v+j} = \sum_n \bigl(\tilde x_{n,c} \star dy_{n,k}\bigr)_{u,v}$$
#
# **dw is the cross-correlation of the picture with dy**: dy takes the filter's place. SYSU adds: if the picture was
# zero-padded forwards, it must be zero-padded here too.
#
# Compare what is summed: forwards over the channels c, here over the pictures n. So exchange the axes N and C, and the layer's
# own forward pass does all the work.
#
# ### Write it: dw by a forward pass


# %% exercise="weight_gradient"
def weight_gradient(dy, x, *, pad=0):
    """Compute dw of a layer with stride 1 by one call of `conv2d`.

        dw[k, c] = Σ_n x̃[n, c] ⋆ dy[n, k]

    Args:
        dy: (N, K, OH, OW).
        x: (N, C, H, W), as it went into the layer, not yet padded.
        pad: P of the forward pass.

    Returns:
        dw: (K, C, FH, FW), where FH = H + 2P − OH + 1, and FW likewise.

    Hint: which array is the picture, which one the filter? `x.transpose(1, 0, 2, 3)` exchanges the
    first two axes. There is no bias: hand over np.zeros(…) of the right length.

    >>> weight_gradient(np.ones((1, 1, 2, 2)), np.arange(9.0).reshape(1, 1, 3, 3))[0, 0]
    array([[ 8., 12.],
           [20., 24.]])
    """
    ### BEGIN SOLUTION
    pictures = x.transpose(1, 0, 2, 3)  # (C, N, H, W)
    filters = dy.transpose(1, 0, 2, 3)  # (K, N, OH, OW)
    y, _ = conv2d(pictures, filters, np.zeros(len(filters)), pad=pad)  # (C, K, FH, FW)
    return y.transpose(1, 0, 2, 3)
    ### END SOLUTION
### BEGIN MISTAKES
# dy turned: you turn dy by 180°. For dw nothing is turned: SYSU's sum is a plain cross-correlation.
#   - filters = dy.transpose(1, 0, 2, 3)
#   + filters = dy.transpose(1, 0, 2, 3)[:, :, ::-1, ::-1]
# padding forgotten: you leave the padding out: your dw is too small. What was zero-padded forwards is zero-padded backwards.
#   - np.zeros(len(filters)), pad=pad)
#   + np.zeros(len(filters)))
# axes not exchanged back: your dw has its axes in the order (C, K, FH, FW). Filters are (K, C, FH, FW): exchange the first two once more.
#   - return y.transpose(1, 0, 2, 3)
#   + return y
# mean over the batch: you divide by N. The sum over the pictures is a sum: the mean is already in dy.
#   - return y.transpose(1, 0, 2, 3)
#   + return y.transpose(1, 0, 2, 3) / len(dy)
# axes not exchanged: you sum over the channels, where the pictures have to be summed up. In the call, N must stand where C usually stands.
#   - pictures = x.transpose(1, 0, 2, 3)
#   + pictures = x
#   - filters = dy.transpose(1, 0, 2, 3)
#   + filters = dy
# first picture only: you use one picture of the batch. Every picture has its say about dw.
#   - x.transpose(1, 0, 2, 3)
#   + x[:1].transpose(1, 0, 2, 3)
#   - dy.transpose(1, 0, 2, 3)
#   + dy[:1].transpose(1, 0, 2, 3)
### END MISTAKES


# %% check="weight_gradient" points=7
from course import ops
from course.check import Check


def reference(dy, x, *, pad=0):
    FH, FW = (size + 2 * pad - out + 1 for size, out in zip(x.shape[2:], dy.shape[2:], strict=True))
    w = np.zeros((dy.shape[1], x.shape[1], FH, FW), x.dtype)
    return ops.conv2d_backward(dy, ops.conv2d(x, w, None, pad=pad)[1])[1]


check = Check("weight_gradient", weight_gradient, reference, returns="dw (K, C, FH, FW)")
draw = check.normal
check("dy of ones adds windows up", np.ones((1, 1, 3, 2)), draw(1, 1, 5, 4))
check("one channel, one filter", draw(1, 1, 3, 2), draw(1, 1, 5, 4))
check("several channels and filters", draw(1, 3, 2, 4), draw(1, 2, 4, 5))
check("a batch", draw(3, 1, 2, 4), draw(3, 1, 4, 5))
check("padding 1", draw(1, 1, 5, 4), draw(1, 1, 4, 5), pad=1)
dy, x = draw(2, 4, 6, 4, dtype=np.float32), draw(2, 3, 5, 4, dtype=np.float32)
check("all together, float32", dy, x, pad=2)
### BEGIN HIDDEN TESTS
check.hide()
check("another shape", draw(3, 2, 5, 6), draw(3, 4, 6, 5), pad=1)
### END HIDDEN TESTS
check.score(7)

# %% [markdown]
# And dx? Pixel (p, q) receives from output (p − u, q − v) by the weight (u, v):
#
# $$dx_{n,c,p,q} = \sum_k \sum_{u,v} w_{k,c,u,v}\; dy_{n,k,\,p-u,\,q-v}$$
#
# The minus signs say that the filter meets dy **turned by 180°**, as you saw in section 2. And a corner pixel still receives
# from one output, so the window must reach out until only one cell of it lies on dy: pad dy with F − 1 zeros. That is the
# *full* convolution. Where the forward pass had padded the picture with P, the outer P rows and columns of that belong to the
# padding: F − 1 − P zeros are enough.

# %% tags=["demo"]
w, dy = np.array([[1.0, 2], [3, 4]]), np.array([[1.0, 0], [0, 10]])
full = np.array([[1.0, 2, 0], [3, 14, 20], [0, 30, 40]])
plots.show(
    plots.matrices(
        np.pad(dy, 1), "⋆", w[::-1, ::-1], "=", full,
        titles=["dy, padded", "w, turned", "dx"], windows={0: (1, 1, 2, 2), 2: (1, 1, 1, 1)}, pad={0: 1},
    ),
    alt="The 2×2 gradient dy with rows 1 0 and 0 10, padded to 4×4; the filter 1 2, 3 4 turned by "
    "180° to 4 3, 2 1; the result dx with rows 1 2 0, 3 14 20, 0 30 40. The middle window covers all "
    "of dy and gives 14 = 4·1 + 1·10.",
)  # fmt: skip

# %% [markdown]
# ### Write it: dx by a forward pass


# %% exercise="input_gradient"
def input_gradient(dy, w, *, pad=0):
    """Compute dx of a layer with stride 1 by one call of `conv2d`.

        dx[n, c] = Σ_k dy[n, k] ∗ w[k, c]        the full convolution: the filter turned, dy padded

    Args:
        dy: (N, K, OH, OW).
        w: (K, C, FH, FW), the filters of the layer.
        pad: P of the forward pass, at most FH − 1 and FW − 1.

    Returns:
        dx: (N, C, H, W), where H = OH + FH − 1 − 2P, and W likewise.

    Hint: the maps of dy are the channels now, and the channels of x are the maps. `conv2d` takes a
    pair as pad.

    >>> dy, w = np.array([[1.0, 0], [0, 10]]), np.array([[1.0, 2], [3, 4]])
    >>> input_gradient(dy[None, None], w[None, None])[0, 0]
    array([[ 1.,  2.,  0.],
           [ 3., 14., 20.],
           [ 0., 30., 40.]])
    """
    ### BEGIN SOLUTION
    _, C, FH, FW = w.shape
    turned = w[:, :, ::-1, ::-1].transpose(1, 0, 2, 3)  # (C, K, FH, FW)
    dx, _ = conv2d(dy, turned, np.zeros(C), pad=(FH - 1 - pad, FW - 1 - pad))
    return dx
    ### END SOLUTION
### BEGIN MISTAKES
# not turned: you do not turn the filter. The minus signs in the formula turn it by 180°: its rows and its columns run backwards.
#   - w[:, :, ::-1, ::-1].transpose
#   + w.transpose
# only the rows turned: you reverse one of the filter's two axes. Turning by 180° reverses rows and columns.
#   - w[:, :, ::-1, ::-1].transpose
#   + w[:, :, ::-1].transpose
# channels turned too: you reverse more than rows and columns: the order of channels and filters stays.
#   - w[:, :, ::-1, ::-1].transpose
#   + w[::-1, ::-1, ::-1, ::-1].transpose
# not the full convolution: you pad dy with P, as forwards. Its window must reach out to the corner pixels: pad with F − 1 − P.
#   - pad=(FH - 1 - pad, FW - 1 - pad)
#   + pad=pad
# padding of the picture forgotten: you pad dy with F − 1 whatever P was: the outer rows and columns of your dx belong to the padding. Pad with F − 1 − P.
#   - pad=(FH - 1 - pad, FW - 1 - pad)
#   + pad=(FH - 1, FW - 1)
# height for width: you pad by the height of the filter in both directions. Rows need FH − 1 − P, columns FW − 1 − P.
#   - FW - 1 - pad)
#   + FH - 1 - pad)
# axes not exchanged: you leave the filters as (K, C, FH, FW). On the way back K maps come in and C go out: exchange the two axes.
#   - [:, :, ::-1, ::-1].transpose(1, 0, 2, 3)
#   + [:, :, ::-1, ::-1]
#   - np.zeros(C)
#   + np.zeros(len(w))
### END MISTAKES


# %% check="input_gradient" points=8
from course import ops
from course.check import Check


def reference(dy, w, *, pad=0):
    H, W = (out + field - 1 - 2 * pad for out, field in zip(dy.shape[2:], w.shape[2:], strict=True))
    x = np.zeros((len(dy), w.shape[1], H, W), dy.dtype)
    return ops.conv2d_backward(dy, ops.conv2d(x, w, None, pad=pad)[1])[0]


check = Check("input_gradient", input_gradient, reference, returns="dx (N, C, H, W)")
draw = check.normal
check("a filter of ones", draw(1, 1, 3, 4), np.ones((1, 1, 2, 2)))
check("one channel, one filter", draw(1, 1, 3, 3), draw(1, 1, 2, 2))
check("a filter wider than high", draw(1, 1, 3, 2), draw(1, 1, 2, 4))
check("several filters", draw(1, 3, 3, 2), draw(3, 1, 2, 2))
check("several channels", draw(1, 1, 3, 2), draw(1, 3, 2, 2))
check("padding 1", draw(1, 1, 4, 3), draw(1, 1, 3, 3), pad=1)
dy, w = draw(2, 4, 5, 6, dtype=np.float32), draw(4, 3, 3, 4, dtype=np.float32)
check("all together, float32", dy, w, pad=2)
### BEGIN HIDDEN TESTS
check.hide()
check("another shape", draw(3, 2, 5, 4), draw(2, 4, 4, 2), pad=1)
### END HIDDEN TESTS
check.score(8)

# %% [markdown] question="stride-two" points=3
# ### In words: what if the stride is 2?
#
# Both of your functions ask for stride 1. Suppose the forward pass had stride 2. What must be done to dy before
# `input_gradient` gives the right dx? Say why. And what kind of layer, one that *enlarges* pictures, do you have when you
# use this forwards?
#
# ### BEGIN SOLUTION
# With stride 1 the picture would have twice as many windows along each axis. The missing ones were never computed, so nothing
# depends on them: their dy is 0. Put S − 1 = 1 zero between neighbouring rows and columns of dy, then go on as before.
# Pixel (p, q) then receives from those outputs only whose window begins at an even place. That is a
# transposed convolution with stride 2 (learnable upsampling): it makes a small map larger.
# ### END SOLUTION
#
# === BEGIN MARK SCHEME ===
# 1 point: zeros between the rows and columns of dy, S − 1 = 1 of them.
#
# 1 point: why: the skipped windows have no output, so their gradient is 0; or by the formula (p − iS).
#
# 1 point: transposed convolution ("deconvolution", learnable upsampling).
# === END MARK SCHEME ===

# %% [markdown]
# ## 6 All windows in one matrix: im2col
#
# *Follows SYSU, "Backpropagating through affine map": a convolution is an affine map.*
#
# The loops are slow, because Python is asked anew for every window. A product of matrices does the same arithmetic hundreds of times faster. So
# write each window as a **column** of a matrix, and each filter as a **row** of another one:
#
# $$\underbrace{y}_{K \times OH\cdot OW} = \underbrace{w}_{K \times C\cdot FH\cdot FW} \;\cdot\; \underbrace{cols}_{C\cdot FH\cdot FW \times OH\cdot OW} \;+\; b$$
#
# To see where each pixel goes, give the pixels names instead of numbers. Windows are taken from left to right and from top to
# bottom; in a column stand the cells of its window, also row by row; with several channels first all of channel 0, then all of
# channel 1. Here is the first window, and its column:

# %% tags=["setup"]
names = np.array(list("abcdefghi")).reshape(1, 1, 3, 3)

# %% tags=["demo"]
empty = np.full((4, 4), "")
empty[:, 0] = list("abde")
plots.show(
    named(
        names[0, 0], "→", empty, titles=["x", "cols"], windows={0: (0, 0, 2, 2), 1: (0, 0, 4, 1)}
    ),
    alt="The 3×3 picture with rows a b c, d e f, g h i; its upper left 2×2 window is marked. The 4×4 "
    "matrix cols, whose first column, marked, holds a, b, d, e from top to bottom; the other three "
    "columns are empty.",
)

# %% [markdown]
# ### By hand: columns
#
# Count the letters as numbers: a = 1, b = 2, …, i = 9.

# %% exercise="by-hand-columns"
### BEGIN BLANKS
# the columns after the first, each from top to bottom, as numbers of letters
column_1 = [2, 3, 5, 6]
column_2 = [4, 5, 7, 8]

# how often does a letter stand in the whole matrix?
times_a = 1
times_b = 2
times_e = 4

# a colour picture of 32×32, windows of 3×3, stride 1, padding 1
rows_of_cols = 27
columns_of_cols = 1024
times_as_large = 9  # as x without its padding
### END BLANKS
### BEGIN MISTAKES
# columns of the picture: you go through the windows from top to bottom. They come as one reads: first to the right.
#   - column_1 = [2, 3, 5, 6]
#   + column_1 = [4, 5, 7, 8]
#   - column_2 = [4, 5, 7, 8]
#   + column_2 = [2, 3, 5, 6]
# windows side by side: you let the windows stand side by side. With stride 1 the second one begins one cell further: b, c and the two below.
#   - times_b = 2
#   + times_b = 1
#   - times_e = 4
#   + times_e = 1
# flat windows: you count the cells of one channel. A window spans all channels: 3·3·3 cells in a column.
#   - rows_of_cols = 27
#   + rows_of_cols = 9
# padding forgotten: you leave out the padding. With P = 1 and windows of 3×3 there are as many windows as pixels.
#   - columns_of_cols = 1024
#   + columns_of_cols = 900
### END MISTAKES

# %% check="by-hand-columns" points=14
from course.check import Check

check = Check("by-hand-columns")
check.blank("column_1", column_1)
check.blank("column_2", column_2)
check.blank("times_a", times_a)
check.blank("times_b", times_b)
check.blank("times_e", times_e)
check.blank("rows_of_cols", rows_of_cols)
check.blank("columns_of_cols", columns_of_cols)
check.blank("times_as_large", times_as_large)
check.score(14)

# %% [markdown]
# ### Write it: im2col
#
# A loop over the windows works. A faster way: look along a **row** of cols. Its first row holds the upper left cell of every
# window: a b d e again. That is a part of the picture, seen through a step. So loop over the few cells (u, v) of the window, and
# copy one strided slice of the picture for each.


# %% exercise="im2col"
def im2col(x, field, *, stride=1, pad=0):
    """Write each window of each picture into a column of a matrix.

        cols[n, (c·FH + u)·FW + v, i·OW + j] = x̃[n, c, i·S + u, j·S + v]

    Args:
        x: (N, C, H, W), of any dtype, even of names.
        field: (FH, FW), the extent of the windows; they fit.
        stride: S.
        pad: P.

    Returns:
        cols: (N, C·FH·FW, OH·OW), of the dtype of x.

    Hint: fill an array of shape (N, C, FH, FW, OH, OW), and reshape it at the end: nothing has to be moved.

    >>> im2col(np.arange(6.0).reshape(1, 1, 2, 3), (2, 2))[0]
    array([[0., 1.],
           [1., 2.],
           [3., 4.],
           [4., 5.]])
    """
    ### BEGIN SOLUTION
    FH, FW = field
    padded = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    N, C, H, W = padded.shape
    OH, OW = (H - FH) // stride + 1, (W - FW) // stride + 1
    cells = np.empty((N, C, FH, FW, OH, OW), x.dtype)
    for u in range(FH):
        for v in range(FW):
            cells[:, :, u, v] = padded[:, :, u : u + OH * stride : stride, v : v + OW * stride : stride]
    return cells.reshape(N, C * FH * FW, OH * OW)
    ### END SOLUTION
### BEGIN MISTAKES
# windows as rows: your matrix is transposed: each window is a row. Windows are columns here; with several pictures, exchange the last two axes.
#   - return cells.reshape(N, C * FH * FW, OH * OW)
#   + return cells.reshape(N, C * FH * FW, OH * OW).transpose(0, 2, 1)
# reshape without moving: you reshape an array whose axes stand in another order. Reshaping moves no number: FH and FW have to stand before OH and OW.
#   - return cells.reshape(N, C * FH * FW, OH * OW)
#   + return cells.transpose(0, 1, 4, 5, 2, 3).reshape(N, C * FH * FW, OH * OW)
# cells column by column: you write the cells of a window from top to bottom. They come row by row: u is the slow index, v the fast one.
#   - return cells.reshape(N, C * FH * FW, OH * OW)
#   + return cells.transpose(0, 1, 3, 2, 4, 5).reshape(N, C * FH * FW, OH * OW)
# channels last: you put the channels of one cell below each other. First come all cells of channel 0, then all of channel 1.
#   - return cells.reshape(N, C * FH * FW, OH * OW)
#   + return cells.transpose(0, 2, 3, 1, 4, 5).reshape(N, C * FH * FW, OH * OW)
# windows column by column: you take the windows from top to bottom. They come row by row: window (i, j) is column i·OW + j.
#   - return cells.reshape(N, C * FH * FW, OH * OW)
#   + return cells.transpose(0, 1, 2, 3, 5, 4).reshape(N, C * FH * FW, OH * OW)
# stride ignored: your windows are one cell apart whatever the stride is. Slices have a step: x[start : stop : step].
#   - u : u + OH * stride : stride, v : v + OW * stride : stride
#   + u : u + OH, v : v + OW
# padding forgotten: you never pad x, so there are too few windows.
#   - (0, 0), (0, 0), (pad, pad), (pad, pad)
#   + (0, 0), (0, 0), (0, 0), (0, 0)
# first picture only: you give every picture the columns of the first one.
#   - cells[:, :, u, v] = padded[:, :,
#   + cells[:, :, u, v] = padded[:1, :,
# float64 always: your numbers are right, but float32 in must give float32 out. np.empty(shape, x.dtype) takes over the dtype, also that of names.
#   - (N, C, FH, FW, OH, OW), x.dtype)
#   + (N, C, FH, FW, OH, OW), np.float64 if x.dtype.kind == "f" else x.dtype)
### END MISTAKES


# %% check="im2col" points=12
from course import ops
from course.check import Check

check = Check("im2col", im2col, ops.im2col, returns="cols (N, C·FH·FW, OH·OW)")
draw = check.normal
square = [list("abde"), list("bcef"), list("degh"), list("efhi")]  # symmetric, hence the second one
flat = [list("adg"), list("beh"), list("cfi")]
check.equal("the names, windows of 2×2", lambda: im2col(names, (2, 2)).tolist(), [square])
check.equal("the names, windows of 1×3", lambda: im2col(names, (1, 3)).tolist(), [flat])


def in_any_order(label, x, field, **hyper):
    right = ops.im2col(x, field, **hyper)
    check.equal(label, lambda: np.sort(im2col(x, field, **hyper), axis=None), np.sort(right, axis=None))


# the right cells, wherever they stand: one slip in the order does not cost all
in_any_order("in any order: one channel", draw(1, 1, 4, 5), (2, 3))
in_any_order("in any order: several channels and pictures", draw(2, 3, 4, 5), (2, 3))
in_any_order("in any order: stride 2, padding 1", draw(1, 1, 5, 6), (3, 2), stride=2, pad=1)
# and each at its place
check("one channel", draw(1, 1, 4, 5), (2, 3))
check("several channels", draw(1, 3, 4, 3), (2, 2))
check("a batch", draw(3, 1, 3, 4), (2, 3))
check("stride 2", draw(1, 1, 7, 6), (3, 2), stride=2)
check("padding 1", draw(1, 1, 3, 4), (2, 3), pad=1)
check("all together, float32", draw(2, 3, 7, 4, dtype=np.float32), (3, 2), stride=2, pad=2)
### BEGIN HIDDEN TESTS
check.hide()
check("another shape", draw(3, 2, 4, 8), (4, 2), stride=2, pad=1)
### END HIDDEN TESTS
check.score(12)

# %% [markdown]
# Read your matrix. On the right, windows of 3×1:

# %% tags=["experiment"]
plots.show(
    named(
        im2col(names, (2, 2))[0],
        im2col(names, (3, 1))[0],
        titles=["windows of 2×2", "windows of 3×1"],
    ),
    alt="The column matrices of the named picture. Windows of 2×2: rows a b d e, b c e f, d e g h, "
    "e f h i. Windows of 3×1: rows a b c, d e f, g h i, the picture itself.",
)

# %% [markdown]
# ## 7 And back: col2im adds
#
# *Follows SYSU, "Each Y(l − 1, m, x, y) affects several z(l, n, x′, y′) terms".*
#
# im2col copied the pixel e into every window that holds it. Going back, each copy brings a gradient of its own, and gradients of copies **add up**.
# So `col2im` adds each column onto the window that it came from, and cuts the padding off.
#
# If all columns hold ones, each pixel counts the windows that hold it.
#
# ### Write it: col2im


# %% exercise="col2im"
def col2im(cols, shape, field, *, stride=1, pad=0):
    """Add each column of a matrix onto the window that it came from: the backward of `im2col`.

        x̃[n, c, i·S + u, j·S + v] += cols[n, (c·FH + u)·FW + v, i·OW + j]

    Args:
        cols: (N, C·FH·FW, OH·OW).
        shape: (N, C, H, W), that of the pictures, without padding.
        field: (FH, FW).
        stride: S.
        pad: P.

    Returns:
        pictures of that shape, of the dtype of cols.

    Hint: begin as at the end of `im2col`, with a reshape; then the same slices, with +=.

    >>> col2im(np.ones((1, 4, 4)), (1, 1, 3, 3), (2, 2))[0, 0]
    array([[1., 2., 1.],
           [2., 4., 2.],
           [1., 2., 1.]])
    """
    ### BEGIN SOLUTION
    N, C, H, W = shape
    FH, FW = field
    OH, OW = (H + 2 * pad - FH) // stride + 1, (W + 2 * pad - FW) // stride + 1
    cells = cols.reshape(N, C, FH, FW, OH, OW)
    padded = np.zeros((N, C, H + 2 * pad, W + 2 * pad), cols.dtype)
    for u in range(FH):
        for v in range(FW):
            padded[:, :, u : u + OH * stride : stride, v : v + OW * stride : stride] += cells[:, :, u, v]
    return padded[:, :, pad : pad + H, pad : pad + W]
    ### END SOLUTION
### BEGIN MISTAKES
# overwritten: you write = where windows overlap: the last window wins. Add with +=: of ones, e must become 4.
#   - v : v + OW * stride : stride] += cells
#   + v : v + OW * stride : stride] = cells
# averaged: you divide by the number of windows that hold a pixel. That would undo im2col; the gradient is the sum.
#   - return padded[:, :, pad : pad + H, pad : pad + W]
#   + counts = np.zeros_like(padded)
#   + for i, j in np.ndindex(OH, OW):
#   +     counts[:, :, i * stride : i * stride + FH, j * stride : j * stride + FW] += 1
#   + return (padded / np.maximum(counts, 1))[:, :, pad : pad + H, pad : pad + W]
# padding kept: your pictures still wear their padding. Cut P rows and columns off at every edge.
#   - return padded[:, :, pad : pad + H, pad : pad + W]
#   + return padded
# wrong corner: you cut all of the padding off at the lower right. The picture begins at row P, column P.
#   - return padded[:, :, pad : pad + H, pad : pad + W]
#   + return padded[:, :, :H, :W]
# stride ignored: your columns go to windows that are one cell apart. Window (i, j) begins at (i·S, j·S): slices with a step.
#   - u : u + OH * stride : stride, v : v + OW * stride : stride
#   + u : u + OH, v : v + OW
# axes in another order: you read the rows of cols as windows. A row is one cell (c, u, v) of all windows: reshape to (N, C, FH, FW, OH, OW).
#   - cells = cols.reshape(N, C, FH, FW, OH, OW)
#   + cells = cols.reshape(N, C, OH, OW, FH, FW).transpose(0, 1, 4, 5, 2, 3)
# height and width swapped: you exchange u and v: the cells of a window come row by row.
#   - cells = cols.reshape(N, C, FH, FW, OH, OW)
#   + cells = cols.reshape(N, C, FW, FH, OH, OW).transpose(0, 1, 3, 2, 4, 5)
# float64 always: your numbers are right, but float32 in must give float32 out: np.zeros(shape, cols.dtype).
#   - W + 2 * pad), cols.dtype)
#   + W + 2 * pad))
### END MISTAKES


# %% check="col2im" points=11
from course import ops
from course.check import Check

check = Check("col2im", col2im, ops.col2im, returns="x (N, C, H, W)")
draw = check.normal
check("ones count the windows", np.ones((1, 6, 6)), (1, 1, 3, 5), (2, 3))
check("one window, several channels", draw(1, 12, 1), (1, 3, 2, 2), (2, 2))
check("windows of one cell, a batch", draw(2, 1, 15), (2, 1, 3, 5), (1, 1))
check("one channel", draw(1, 6, 9), (1, 1, 4, 5), (2, 3))
# windows that do not overlap, so that one slip costs what it touches
check("side by side: stride 2, windows of 2×2", draw(1, 4, 6), (1, 1, 4, 6), (2, 2), stride=2)
check("side by side, several channels", draw(1, 12, 6), (1, 3, 6, 4), (2, 2), stride=2)
check("side by side, a batch", draw(3, 4, 6), (3, 1, 4, 6), (2, 2), stride=2)
check("stride 2", draw(1, 6, 9), (1, 1, 7, 6), (3, 2), stride=2)
check("side by side, padding 1", draw(1, 4, 6), (1, 1, 2, 4), (2, 2), stride=2, pad=1)
check("all together, float32", draw(2, 18, 20, dtype=np.float32), (2, 3, 7, 4), (3, 2), stride=2, pad=2)
### BEGIN HIDDEN TESTS
check.hide()
check("another shape", draw(3, 16, 10), (3, 2, 4, 8), (4, 2), stride=2, pad=1)
### END HIDDEN TESTS
check.score(11)

# %% [markdown]
# How many windows hold each pixel of a 7×7 picture? Here windows of 3×3 move by 1, by 2 and by 4:

# %% tags=["experiment"]
counts = []
for stride in (1, 2, 4):
    windows = ((7 - 3) // stride + 1) ** 2
    counts.append(col2im(np.ones((1, 9, windows)), (1, 1, 7, 7), (3, 3), stride=stride)[0, 0])
plots.show(
    plots.matrices(*counts, titles=["stride 1", "stride 2", "stride 4"], cell=0.36),
    alt="Three 7×7 maps. Stride 1: the counts grow from 1 in the corners to 9 in the middle. Stride "
    "2: ones, twos and fours: pixels in rows and columns 2 and 4 are in more windows than their "
    "neighbours. Stride 4: four blocks of ones, and a cross of zeros between them: no window sees "
    "these pixels.",
)

# %% [markdown]
# With stride 2 neighbouring pixels receive from different numbers of windows. When such a layer is used to enlarge pictures, as a
# transposed convolution, this shows as a checkerboard.
#
# ## 8 A test for any backward pass: the adjoint identity
#
# *Beyond the lectures.*
#
# im2col only copies: it is a linear map, x ↦ A·x, with a huge matrix A of zeros and ones that nobody writes down. Going back
# is Aᵀ. A matrix and its transpose have one relation that can be tested without ever seeing A:
#
# $$\langle A x,\; c \rangle = \langle x,\; A^{\mathsf T} c \rangle \qquad \text{for all } x \text{ and } c,
# \qquad \langle a, b \rangle = \sum_i a_i b_i$$
#
# Two calls and two sums on random numbers: if `col2im` forgets a single window, the two sides differ. Note what is *not*
# claimed: col2im does not undo im2col. It would give a multiple of each pixel.
#
# ### Write it: the test


# %% exercise="are_adjoint"
def are_adjoint(forward, backward, x, c):
    """Ask whether backward is the adjoint, the transpose, of a linear map.

        ⟨forward(x), c⟩ = ⟨x, backward(c)⟩

    Args:
        forward: a function of an array with the shape of x.
        backward: a function of an array with the shape of c.
        x: random numbers.
        c: random numbers, with the shape of forward(x).

    Returns:
        True or False; the two sides may differ by what rounding does, a relative error of 1e-8.

    >>> double, x, c = (lambda a: 2 * a), np.array([1.0, 2.0]), np.array([3.0, 5.0])
    >>> are_adjoint(double, double, x, c), are_adjoint(double, lambda a: a / 2, x, c)
    (True, False)
    """
    ### BEGIN SOLUTION
    left = np.sum(forward(x) * c)
    right = np.sum(x * backward(c))
    return bool(np.isclose(left, right, rtol=1e-8, atol=1e-12))
    ### END SOLUTION
### BEGIN MISTAKES
# inverse for adjoint: you ask whether backward undoes forward. A transpose is no inverse: the map a ↦ 2a is its own transpose.
#   - left = np.sum(forward(x) * c)
#   - right = np.sum(x * backward(c))
#   - return bool(np.isclose(left, right, rtol=1e-8, atol=1e-12))
#   + return bool(np.allclose(backward(forward(x)), x))
# without the other factor: you compare two plain sums. Each side is a product with the other random array, then a sum.
#   - np.sum(forward(x) * c)
#   + np.sum(forward(x))
#   - np.sum(x * backward(c))
#   + np.sum(backward(c))
# exactly equal: you compare with ==. The two sides add the same numbers in another order, and rounding differs: use np.isclose.
#   - bool(np.isclose(left, right, rtol=1e-8, atol=1e-12))
#   + bool(left == right)
# too generous: you allow an error that a forgotten window would make. Of right pairs the two sides agree to about 15 digits.
#   - rtol=1e-8, atol=1e-12
#   + rtol=0.3, atol=1.0
# absolute values: you ignore the sign. A backward pass with the wrong sign walks uphill.
#   - np.isclose(left, right
#   + np.isclose(abs(left), abs(right)
### END MISTAKES


# %% check="are_adjoint" points=6
from course import ops
from course.check import Check

check = Check("are_adjoint", are_adjoint)
draw = check.normal
A, x, c = draw(40, 30), draw(30), draw(40)
picture, cols = draw(2, 3, 7, 6), draw(2, 18, 24)


def unfold(x):
    return ops.im2col(x, (2, 3))


def fold(c):
    return ops.col2im(c, picture.shape, (2, 3))


def once(c):
    return fold(c) / fold(np.ones_like(c))


def almost(c):
    return fold(c * (np.arange(24) < 23))


def case(label, forward, right, wrong, x, c):
    # a right pair, three times, and a wrong one: always saying the same is worth nothing
    def verdicts():
        said = [are_adjoint(forward, right, k * x, c) for k in (1, 2, 3)]
        return [*said, are_adjoint(forward, wrong, x, c)]

    check.equal(label, verdicts, [True, True, True, False])


def times(matrix):
    # not matrix @ x: how that rounds differs from processor to processor
    return lambda x: (matrix * x).sum(axis=1)


whole = check.integers(-5, 5, 8, 6).astype(float)  # nothing is rounded here
p, q = np.arange(1.0, 7), np.arange(2.0, 10)
case("whole numbers", times(whole), times(whole.T), lambda c: whole.T @ c + 1, p, q)
case("Aᵀ, not the inverse of A", times(A), times(A.T), times(np.linalg.pinv(A)), x, c)
case("Aᵀ, not −Aᵀ", times(A), times(A.T), times(-A.T), x, c)
case("col2im adds, and does not average", unfold, fold, once, picture, cols)
case("a window forgotten", unfold, fold, almost, picture, cols)
### BEGIN HIDDEN TESTS
check.hide()
A, x, c = check.normal(30, 50), check.normal(50), check.normal(30)
case("another map", times(A), times(A.T), times(1.01 * A.T), x, c)
### END HIDDEN TESTS
check.score(6)

# %% [markdown]
# Now test your own pair, on a shape that nobody has chosen with care. The same test works for `conv2d` and your `conv2d_backward`,
# since the layer without bias is linear in x:

# %% tags=["experiment"]
rng = np.random.default_rng(6)
x, cols = rng.standard_normal((2, 3, 9, 8)), rng.standard_normal((2, 18, 25))
w, dy = rng.standard_normal((4, 3, 3, 2)), rng.standard_normal((2, 4, 5, 5))
how = {"stride": 2, "pad": 1}


def layer(x):
    return conv2d(x, w, np.zeros(4), **how)[0]


def layer_backward(dy):
    return conv2d_backward(dy, (x, w, 2, 1))[0]


def unfold(x):
    return im2col(x, (3, 2), **how)


def fold(cols):
    return col2im(cols, x.shape, (3, 2), **how)


print("im2col and col2im:", are_adjoint(unfold, fold, x, cols))
print("conv2d and conv2d_backward:", are_adjoint(layer, layer_backward, x, dy))

# %% [markdown]
# ## 9 The fast path
#
# *Follows SYSU, "Backpropagating through affine map".*
#
# Forwards: unfold, multiply, add the bias, reshape. Backwards, it is the fully connected layer once more. For one picture,
#
# $$y = w \cdot cols + b \qquad\Longrightarrow\qquad dw = dy \cdot cols^{\mathsf T}, \qquad dcols = w^{\mathsf T} \cdot dy,
# \qquad db_k = \sum_j dy_{k,j}$$
#
# with dy reshaped to (K, OH·OW) and w to (K, C·FH·FW). dw and db are added up over the pictures, and `col2im` turns dcols into dx.
#
# In NumPy, `a @ b` multiplies the last two axes and runs over the others: (K, D) @ (N, D, M) gives (N, K, M).
#
# The first line of both functions calls your own `im2col` and `col2im`. The check hands over right ones, so that a mistake
# is counted once only. For the same reason the cache is agreed on.


# %% exercise="conv2d_fast"
def conv2d_fast(x, w, b, *, stride=1, pad=0, unfold=None):
    """Slide K filters over N pictures by one matrix product; the answers are those of `conv2d`.

    Args:
        x: (N, C, H, W).
        w: (K, C, FH, FW).
        b: (K,).
        stride: S.
        pad: P.
        unfold: what to use for `im2col`; leave it as it is.

    Returns:
        y: (N, K, OH, OW), of the dtype of x.
        cache: the tuple (cols, w, x.shape, stride, pad).

    >>> x = np.arange(9.0).reshape(1, 1, 3, 3)
    >>> y, cache = conv2d_fast(x, np.ones((1, 1, 2, 2)), np.array([0.5]))
    >>> y[0, 0]
    array([[ 8.5, 12.5],
           [20.5, 24.5]])
    """
    unfold = unfold or im2col
    ### BEGIN SOLUTION
    N, _, H, W = x.shape
    K, _, FH, FW = w.shape
    OH, OW = (H + 2 * pad - FH) // stride + 1, (W + 2 * pad - FW) // stride + 1
    cols = unfold(x, (FH, FW), stride=stride, pad=pad)  # (N, C·FH·FW, OH·OW)
    y = w.reshape(K, -1) @ cols + b[:, None]  # (N, K, OH·OW)
    return y.reshape(N, K, OH, OW), (cols, w, x.shape, stride, pad)
    ### END SOLUTION
### BEGIN MISTAKES
# bias never added: you leave out b: with w = 0, each map y[n, k] must hold b[k] everywhere.
#   - @ cols + b[:, None]
#   + @ cols
# first bias for all: you add b[0] to every map. Filter k has its own bias b[k].
#   - b[:, None]
#   + b[0]
# bias along the places: you add b along the last axis, where the places stand. It belongs to the filters: b[:, None] is a column.
#   - b[:, None]
#   + np.resize(b, cols.shape[2])
# sizes swapped: you exchange OH and OW. The numbers are right, but reshape puts them into rows of the wrong length.
#   - return y.reshape(N, K, OH, OW)
#   + return y.reshape(N, K, OW, OH)
# filters as columns: you reshape w to (C·FH·FW, K) and transpose. Reshaping moves no number: each filter is a row of w.reshape(K, −1).
#   - w.reshape(K, -1) @
#   + w.reshape(-1, K).T @
# filter turned: you turn the filters. Forwards nothing is turned.
#   - w.reshape(K, -1) @
#   + w[:, :, ::-1, ::-1].reshape(K, -1) @
# stride not handed over: you unfold with stride 1, whatever the stride is.
#   - (FH, FW), stride=stride, pad=pad)
#   + (FH, FW), pad=pad)
# padding not handed over: you unfold without padding.
#   - (FH, FW), stride=stride, pad=pad)
#   + (FH, FW), stride=stride)
# axes not moved: you take the places before the maps. Reshaping (N, OH·OW, K) to (N, K, OH, OW) moves no number: transpose first.
#   - return y.reshape(N, K, OH, OW)
#   + return y.transpose(0, 2, 1).reshape(N, K, OH, OW)
### END MISTAKES


# %% check="conv2d_fast" points=10
from course import ops
from course.check import Check


def unfold_rightly(x, field, *, stride=1, pad=0):
    return ops.im2col(x, field, stride=stride, pad=pad)


def fast(x, w, b, *, stride=1, pad=0):
    return conv2d_fast(x, w, b, stride=stride, pad=pad, unfold=unfold_rightly)


check = Check("conv2d_fast", fast, ops.conv2d, returns="y (N, K, OH, OW)")
draw = check.normal
check("all weights 1: each window is added", draw(1, 1, 5, 4), np.ones((1, 1, 2, 3)), np.zeros(1))
check("one channel, one filter", draw(1, 1, 5, 4), draw(1, 1, 2, 3), np.zeros(1))
check("several channels", draw(1, 3, 4, 5), draw(1, 3, 2, 3), np.zeros(1))
check("several filters", draw(1, 1, 4, 5), draw(2, 1, 2, 3), np.zeros(2))
check("biases", draw(1, 1, 2, 5), draw(3, 1, 2, 2), draw(3))
check("a batch", draw(3, 1, 4, 5), draw(1, 1, 3, 2), np.zeros(1))
check("stride 2", draw(1, 1, 7, 6), draw(1, 1, 3, 2), np.zeros(1), stride=2)
check("padding 1", draw(1, 1, 4, 5), draw(1, 1, 2, 3), np.zeros(1), pad=1)
x, w, b = (draw(*shape, dtype=np.float32) for shape in [(2, 3, 7, 4), (4, 3, 3, 2), (4,)])
check("all together, float32", x, w, b, stride=2, pad=2)
check("a batch as in training", draw(8, 3, 32, 32), draw(16, 3, 3, 3), draw(16), pad=1)
### BEGIN HIDDEN TESTS
check.hide()
check("another shape", draw(3, 2, 6, 8), draw(4, 2, 4, 2), draw(4), stride=2, pad=1)
### END HIDDEN TESTS
check.score(10)


# %% exercise="conv2d_fast_backward"
def conv2d_fast_backward(dy, cache, *, fold=None):
    """Go back through `conv2d_fast` by two matrix products.

    Args:
        dy: (N, K, OH, OW), the upstream gradient.
        cache: (cols, w, shape, stride, pad): cols (N, C·FH·FW, OH·OW), w (K, C, FH, FW), shape that
            of x.
        fold: what to use for `col2im`; leave it as it is.

    Returns:
        dx (N, C, H, W), dw (K, C, FH, FW), db (K,), of the dtype of dy.

    >>> y, cache = conv2d_fast(np.arange(9.0).reshape(1, 1, 3, 3), np.ones((1, 1, 2, 2)), np.zeros(1))
    >>> dx, dw, db = conv2d_fast_backward(np.ones((1, 1, 2, 2)), cache)
    >>> dx[0, 0]
    array([[1., 2., 1.],
           [2., 4., 2.],
           [1., 2., 1.]])
    >>> dw[0, 0], db
    (array([[ 8., 12.],
           [20., 24.]]), array([4.]))
    """
    fold = fold or col2im
    ### BEGIN SOLUTION
    cols, w, shape, stride, pad = cache
    N, K, OH, OW = dy.shape
    dy = dy.reshape(N, K, OH * OW)
    dcols = w.reshape(K, -1).T @ dy  # (N, C·FH·FW, OH·OW)
    dx = fold(dcols, shape, w.shape[2:], stride=stride, pad=pad)
    dw = np.sum(dy @ cols.transpose(0, 2, 1), axis=0)  # (K, C·FH·FW)
    db = np.sum(dy, axis=(0, 2))
    return dx, dw.reshape(w.shape), db
    ### END SOLUTION
### BEGIN MISTAKES
# mean over the batch: you divide by N. The mean is in dy already: add up what the pictures say.
#   - dw.reshape(w.shape), db
#   + dw.reshape(w.shape) / N, db / N
# db of one picture: you add dy over the places, but not over the pictures: db has the shape (K,).
#   - db = np.sum(dy, axis=(0, 2))
#   + db = np.sum(dy, axis=2)
# dw for each picture: you do not add dw over the pictures: it has the shape of w, without N.
#   - dw = np.sum(dy @ cols.transpose(0, 2, 1), axis=0)
#   + dw = dy @ cols.transpose(0, 2, 1)
#   - dw.reshape(w.shape)
#   + dw.reshape(N, *w.shape)
# db forgets the places: you count each map's first place only. The bias is added at every place: sum over both axes of it.
#   - db = np.sum(dy, axis=(0, 2))
#   + db = np.sum(dy[:, :, 0], axis=0)
# first picture only: you take dw of the first picture. All pictures share the weights: sum over them.
#   - np.sum(dy @ cols.transpose(0, 2, 1), axis=0)
#   + (dy @ cols.transpose(0, 2, 1))[0]
# w reshaped for transposed: you reshape w where it must be transposed. Reshaping moves no number: w.reshape(K, −1).T.
#   - w.reshape(K, -1).T @ dy
#   + w.reshape(-1, K) @ dy
# filter turned: you turn the filters. col2im puts every product where it belongs: nothing is turned in the matrix product.
#   - w.reshape(K, -1).T @ dy
#   + w[:, :, ::-1, ::-1].reshape(K, -1).T @ dy
# stride not handed over: you fold with stride 1, whatever the stride was.
#   - w.shape[2:], stride=stride, pad=pad)
#   + w.shape[2:], pad=pad)
# padding not handed over: you fold without the padding.
#   - w.shape[2:], stride=stride, pad=pad)
#   + w.shape[2:], stride=stride)
### END MISTAKES


# %% check="conv2d_fast_backward" points=14
from course import ops
from course.check import Check


def unfold_rightly(x, field, *, stride=1, pad=0):
    return ops.im2col(x, field, stride=stride, pad=pad)


def fold_rightly(cols, shape, field, *, stride=1, pad=0):
    return ops.col2im(cols, tuple(shape), tuple(field), stride=stride, pad=pad)


def gradient(dy, cache, *, part):
    answer = conv2d_fast_backward(dy, cache, fold=fold_rightly)
    at = ["dx", "dw", "db"].index(part)
    if type(answer) is not tuple or len(answer) <= at:
        raise TypeError(f"conv2d_fast_backward returns three arrays, dx, dw, db: {part} is missing")
    return answer[at]


def reference(dy, cache, *, part):
    cols, w, shape, stride, pad = cache
    x = ops.col2im(cols, shape, w.shape[2:], stride=stride, pad=pad)
    counts = ops.col2im(np.ones_like(cols), shape, w.shape[2:], stride=stride, pad=pad)
    _, right = ops.conv2d(x / np.maximum(counts, 1), w, None, stride=stride, pad=pad)
    dx, dw, _ = ops.conv2d_backward(dy, right)
    return {"dx": dx, "dw": dw, "db": dy.sum(axis=(0, 2, 3))}[part]


check = Check("conv2d_fast_backward", gradient, reference)


def case(label, x, w, points=1, stride=1, pad=0):
    # dx, dw and db are judged one by one: a slip in one does not cost the others
    cols = ops.im2col(x, w.shape[2:], stride=stride, pad=pad)
    y, _ = ops.conv2d(x, w, None, stride=stride, pad=pad)
    dy = check.normal(*y.shape, dtype=x.dtype)
    for part in ("dx", "dw", "db"):
        check(f"{part}: {label}", dy, (cols, w, x.shape, stride, pad), part=part, points=points)


draw = check.normal
case("one channel, one filter", draw(1, 1, 5, 4), draw(1, 1, 2, 3))
case("several channels and filters", draw(1, 3, 4, 5), draw(2, 3, 2, 3))
case("a batch", draw(3, 1, 4, 5), draw(2, 1, 3, 2))
case("stride 2", draw(1, 2, 7, 6), draw(2, 2, 3, 2), stride=2)
case("padding 1", draw(1, 2, 4, 5), draw(2, 2, 2, 3), pad=1)
case("float32", draw(2, 3, 4, 5, dtype=np.float32), draw(4, 3, 3, 2, dtype=np.float32))
case("a batch as in training", draw(8, 3, 32, 32), draw(16, 3, 3, 3), pad=1)


def there_and_back(x, w, b, dy):
    _, cache = conv2d_fast(x, w, b, stride=2, pad=1, unfold=unfold_rightly)
    return conv2d_fast_backward(dy, cache, fold=fold_rightly)


x, w, b, dy = draw(2, 3, 5, 6), draw(4, 3, 3, 2), draw(4), draw(2, 4, 3, 4)
expected = ops.conv2d_backward(dy, ops.conv2d(x, w, b, stride=2, pad=1)[1])
check.equal(
    "with the cache of your own conv2d_fast", lambda: list(there_and_back(x, w, b, dy)), list(expected)
)
### BEGIN HIDDEN TESTS
check.hide()
case("another shape", check.normal(3, 2, 6, 8), check.normal(4, 2, 4, 2), stride=2, pad=1, points=0.5)
### END HIDDEN TESTS
check.score(14)

# %% [markdown]
# ## 10 How fast is it?
#
# *Beyond the lectures.*
#
# One forward and one backward pass of the same layer, on the same numbers:

# %% tags=["experiment"]
from time import perf_counter


def seconds(forward, backward, *arrays, times=1):
    """The best time of a forward and a backward pass, and what they compute."""
    best = np.inf
    for _ in range(times):
        start = perf_counter()
        y, cache = forward(*arrays, pad=1)
        gradients = backward(y, cache)  # y serves as dy
        best = min(best, perf_counter() - start)
    return best, (y, *gradients)


rng = np.random.default_rng(0)
x, w, b = (rng.standard_normal(shape).astype(np.float32) for shape in [(4, 3, 32, 32), (8, 3, 3, 3), (8,)])
slow, in_loops = seconds(conv2d, conv2d_backward, x, w, b)
quick, in_matrices = seconds(conv2d_fast, conv2d_fast_backward, x, w, b, times=5)
differences = [np.abs(a - b).max() / np.abs(a).max() for a, b in zip(in_loops, in_matrices, strict=True)]
print(f"loops {1000 * slow:.0f} ms, your matrices {1000 * quick:.1f} ms: {slow / quick:.0f} times as fast")
print(f"largest relative difference of y, dx, dw, db: {max(differences):.0e}")

# %% [markdown]
# And with the size of the picture? `course.ops` is the course's own layer: the same idea, but it unfolds only as many pictures
# at a time as fit into the processor's cache. A curve ends where one run becomes too slow to wait for.

# %% tags=["experiment"]
from course import ops
from course.demos import backward_race

backward_race.run(
    {
        "loops": (conv2d, conv2d_backward),
        "your im2col": (conv2d_fast, conv2d_fast_backward),
        "course.ops": (ops.conv2d, ops.conv2d_backward),
    }
)

# %% [markdown] question="memory" points=3
# ### In words: the price
#
# By which factor is cols larger than x, for windows of 3×3 and stride 1? A layer of a real network has N = 64 pictures
# of C = 64 channels, 112×112 pixels, float32. How much memory do x and cols take? Why is the matrix product still so much
# faster than the loops, although it reads more memory, and what could one do against the price?
#
# ### BEGIN SOLUTION
# By about FH·FW = 9. x holds 64·64·112·112 = 51 380 224 numbers of 4 bytes, about 206 MB (196 MiB); cols nine times that, 1.85 GB. It is faster
# because one call does all multiplications in compiled code that keeps numbers in the cache and uses several at a time,
# whereas the loop pays for the interpreter at every window. Against the price: unfold a few pictures, or rows, at a time, as
# course.ops does; do not keep cols for the backward pass but unfold x once more; or index the picture inside the product, as
# the libraries for graphics cards do.
# ### END SOLUTION
#
# === BEGIN MARK SCHEME ===
# 1 point: factor 9 and both sizes (about 0.2 GB and 1.85 GB; rounding errors and MiB are fine).
#
# 1 point: why: the work of the interpreter is done once and not once a window; or compiled code, cache, several numbers at once.
#
# 1 point: a remedy that works: blocks of pictures, unfolding again in the backward pass, implicit unfolding, 1×1 windows first.
# === END MARK SCHEME ===

# %% [markdown]
# ## 11 Use it: your layer learns
#
# *Follows SYSU, "Training CNNs through Gradient Descent".*
#
# `layer_from` turns a function pair into a layer. Here your pair takes the place of both convolutions of a small network, and
# learns to read handwritten digits at random places of a noisy frame.

# %% tags=["experiment"]
from course.layers import Affine, Conv2d, Flatten, MaxPool2d, ReLU, Sequential, layer_from
from course.optim import Optimizer
from course.train import LiveCurves, fit, predict

rng = np.random.default_rng(0)
train = data.translated_digits(3000, part="train", rng=rng)
test = data.translated_digits(450, part="test", rng=rng)


def convolution(filters):
    return layer_from(conv2d_fast, conv2d_fast_backward, like=Conv2d(filters, 3, pad=1))


model = Sequential(
    convolution(8), MaxPool2d(2), ReLU(), convolution(16), MaxPool2d(2), ReLU(), Flatten(), Affine(10)
).build((1, 16, 16), rng=rng)
optimizer = Optimizer(model, "adam", lr=5e-3)
history = fit(
    model, train, optimizer=optimizer, epochs=8, validation=test, callbacks=[LiveCurves()], rng=rng
)

# %% tags=["experiment"]
x, y = test
guesses = predict(model, x[:10]).argmax(axis=1)
titles = [
    f"{read}" if read == digit else f"{read}, not {digit}"
    for read, digit in zip(guesses, y[:10], strict=True)
]
plots.show(
    plots.pictures(list(1 - x[:10, 0]), titles=titles, columns=5),
    alt="Ten noisy frames, each with a handwritten digit at another place; above each what your "
    "network reads, and where it is wrong, the digit that it is.",
)
print(f"{history.val_accuracy[-1]:.0%} of 450 unseen digits are read rightly; guessing would give 10 %")

# %% [markdown]
# ## What you have now
#
# - Both gradients of a convolution: each dy goes back along the products that made its y, and what meets adds up.
# - dw is the picture ⋆ dy; dx is the full convolution of dy with the filter, turned by 180°.
# - A layer that is one matrix product, and its way back, which is two.
# - A test for any linear map and its backward pass: ⟨Ax, c⟩ = ⟨x, Aᵀc⟩.
#
# Between the convolutions stood a layer that you have not written: pooling. It is the subject of notebook 07.
