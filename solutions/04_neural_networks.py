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
# # 04 Neural networks and activations
#
# A linear classifier cuts the plane with one straight line. Put many such lines side by side, bend each at zero, and cut
# once more: that is a neural network, and it can cut out any shape. In this notebook you set the weights of small networks
# by hand, write their layers and activations, count what they cost, and let one learn.
#
# **Time:** an hour and a half if matrix shapes come easily to you, two hours otherwise. Sections 1 to 5 are half of it, and the
# end of section 5 is a good place for a break. Nothing from an earlier notebook is needed, only the chain rule. Run the cells from
# top to bottom; where you find `...` or `NotImplementedError`, it is your turn. The cell below each exercise checks your answer at
# once, as often as you like.
#
# Lectures: HLCV (*High Level Computer Vision*, Saarland University), "Backpropagation & Convolutional Neural Networks";
# IIITS (*Machine Learning*, IIIT Sri City), "Convolutional Neural Network"; EECS 442 (*Computer Vision*, Michigan),
# "Convolutional Neural Networks"; EECS 545 (*Machine Learning*, Michigan), "Lecture 12". Symbols: N rows in a batch, D
# inputs, M neurons; x (N, D), w (D, M), b (M,). dy is ∂L/∂y, the upstream gradient, and dx is ∂L/∂x.

# %% tags=["setup"]
import numpy as np

from course import data, plots
from course.plots.neural_networks import approximations, half_plane, networks, regions

np.set_printoptions(precision=3, suppress=True)

# %% [markdown]
# ## 1 One neuron: a line, and the distance from it
#
# *Follows EECS 442, "What Can We Represent".*
#
# A neuron adds up its inputs, s = w·x + b. Where s = 0 is a line, and s grows in the direction of w, by ‖w‖ for each step of
# length 1. So s/‖w‖ is the **signed distance** from the line, and s is proportional to it. ReLU, max(0, s), keeps one side
# and forgets the other: **a half-space, and how deep you are in it**. With more than two inputs the line becomes a
# hyperplane; all else stays.

# %% tags=["demo"]
window = (0, 8, 0, 6)  # left, right, lower and upper edge
plots.show(
    half_plane((3, 4), -19, {"A": (5, 5), "B": (1, 1)}, extent=window),
    alt="A plane with the line 3x₁ + 4x₂ − 19 = 0, which falls to the right. Above it the plane is "
    "shaded, with dotted lines at the distances 1, 2, 3 and so on. The point A = (5, 5) lies above, "
    "B = (1, 1) below; a dashed line leads from each to the nearest point of the line.",
)

# %% [markdown]
# EECS 442 writes max(w·x + b, 0) = "distance to line". That is so only if ‖w‖ = 1; otherwise it is ‖w‖ times the distance.
#
# ### By hand: the neuron of the picture
#
# w = (3, 4), b = −19, A = (5, 5), B = (1, 1). Replace each `...` by a number, here and below.

# %% exercise="by-hand-neuron"
### BEGIN BLANKS
s_of_A = 16
distance_of_A = 3.2
signed_distance_of_B = -2.4

# which w and b have the same line, and give the signed distance itself?
w_of_length_1 = [0.6, 0.8]
b_for_it = -3.8
### END BLANKS
### BEGIN MISTAKES
# s for the distance: that is s. Divide it by ‖w‖, the root of 3² + 4².
#   - distance_of_A = 3.2
#   + distance_of_A = 16
#   - signed_distance_of_B = -2.4
#   + signed_distance_of_B = -12
# divided by the sum: you divide by 3 + 4. The length of w is the root of 3² + 4².
#   - distance_of_A = 3.2
#   + distance_of_A = 2.286
#   - signed_distance_of_B = -2.4
#   + signed_distance_of_B = -1.714
# sign forgotten: B lies on the other side of the line, where s is negative.
#   - signed_distance_of_B = -2.4
#   + signed_distance_of_B = 2.4
# b left alone: divide b by ‖w‖ too. Otherwise the line moves away.
#   - b_for_it = -3.8
#   + b_for_it = -19
### END MISTAKES

# %% check="by-hand-neuron" points=6
from course.check import Check

check = Check("by-hand-neuron")
check.blank("s_of_A", s_of_A)
check.blank("distance_of_A", distance_of_A)
check.blank("signed_distance_of_B", signed_distance_of_B)
check.blank("w_of_length_1", w_of_length_1)
check.blank("b_for_it", b_for_it)
check.score(6)

# %% [markdown]
# ## 2 Many neurons: the fully connected layer
#
# *Follows EECS 442, "Setting Up A Neural Net" and 'Define New Block: "Linear Layer"'; IIITS, "Fully Connected Layer"; HLCV,
# "Standard Neural Networks".*
#
# In a fully connected layer every neuron is connected to every input. M neurons are M columns of one matrix, and a batch is
# N rows:
#
# $$y = x\,w + b \qquad\quad dx = dy\; w^{\mathsf T} \qquad dw = x^{\mathsf T}\, dy \qquad db = \sum_n dy_n$$
#
# EECS 442 calls it a linear layer and says itself that it is affine, because of b. HLCV writes W·x, with one picture as a
# column, and leaves the biases out; the code of this course has rows, x·w. You need no memory for the gradients, only shapes:
# dw has the shape of w, (D, M), and only xᵀ·dy gives that.
#
# ### Write it: forwards


# %% exercise="affine"
def affine(x, w, b):
    """Compute y = x·w + b.

    Args:
        x: (N, D), one input a row.
        w: (D, M), one column a neuron.
        b: (M,), one bias a neuron.

    Returns:
        y: (N, M).
        cache: (x, w), what the way back needs.

    >>> x, w = np.array([[1.0, 2.0]]), np.array([[1.0, 0.0, -1.0], [3.0, 1.0, 1.0]])
    >>> y, cache = affine(x, w, np.array([0.0, 1.0, 2.0]))
    >>> y
    array([[7., 3., 3.]])
    """
    ### BEGIN SOLUTION
    return x @ w + b, (x, w)
    ### END SOLUTION
### BEGIN MISTAKES
# bias forgotten: you leave out b. Call it with w = 0: every row of y must be b.
#   - return x @ w + b, (x, w)
#   + return x @ w, (x, w)
# bias subtracted: you subtract b. Call it with w = 0: every row of y must be b.
#   - return x @ w + b, (x, w)
#   + return x @ w - b, (x, w)
# first bias for all: you add b[0] to every neuron. Each has its own: print x·0 + b.
#   - return x @ w + b, (x, w)
#   + return x @ w + b[0], (x, w)
# w transposed: you read w as one row a neuron. Here a neuron is a column: w is (D, M). A matrix that is not square would not even
#     fit.
#   - return x @ w + b, (x, w)
#   + return x @ w.reshape(w.shape[::-1]).T + b, (x, w)
# rows added up: you add up all rows of the batch. Each row is answered by itself.
#   - return x @ w + b, (x, w)
#   + return (x @ w).sum(axis=0, keepdims=True) + b, (x, w)
# no cache: y is right, but alone. Return two things: y, and the tuple (x, w), without which nobody finds the way back.
#   - return x @ w + b, (x, w)
#   + return x @ w + b
# cache exchanged: your cache is (w, x). affine_backward unpacks it as (x, w).
#   - return x @ w + b, (x, w)
#   + return x @ w + b, (w, x)
# b in the cache: your cache holds b too. The way back needs x and w only.
#   - return x @ w + b, (x, w)
#   + return x @ w + b, (x, w, b)
### END MISTAKES


# %% check="affine" points=4
from course import ops
from course.check import Check

check = Check("affine", affine, ops.affine, returns="y (N, M)")
draw = check.normal
check("one row, one neuron, b = 0", draw(1, 3), draw(3, 1), np.zeros(1), points=0.5)
check("one row, four neurons, b = 0", draw(1, 3), draw(3, 4), np.zeros(4), points=0.5)
check("b alone: w = 0", draw(3, 2), np.zeros((2, 4)), draw(4))
check("a batch", draw(5, 3), draw(3, 2), draw(2))
check("float32, square", *(draw(*shape, dtype=np.float32) for shape in [(3, 3), (3, 3), (3,)]))
batch = draw(4, 2), draw(2, 3), draw(3)


def cache():
    answer = affine(*batch)
    if type(answer) is not tuple or len(answer) != 2:
        raise TypeError("affine returns y and a cache; the cache is the tuple (x, w)")
    return answer[1]


check.equal("the cache is (x, w)", cache, batch[:2], points=1.5, hint="in this order: x, w = cache")
### BEGIN HIDDEN TESTS
check.hide()
check("another shape", draw(4, 6), draw(6, 5), draw(5), points=0.5)
### END HIDDEN TESTS
check.score(4)

# %% [markdown]
# ### Write it: backwards


# %% exercise="affine_backward"
def affine_backward(dy, cache):
    """Go back through `affine`: dx = dy·wᵀ, dw = xᵀ·dy, db = Σₙ dy.

    Args:
        dy: (N, M).
        cache: (x, w), as `affine` returns it.

    Returns:
        dx (N, D), dw (D, M), db (M,).

    >>> x, w = np.array([[1.0, 2.0]]), np.array([[1.0, 0.0], [3.0, 1.0]])
    >>> dx, dw, db = affine_backward(np.array([[1.0, -1.0]]), (x, w))
    >>> dx, dw, db
    (array([[1., 2.]]), array([[ 1., -1.],
           [ 2., -2.]]), array([ 1., -1.]))
    """
    ### BEGIN SOLUTION
    x, w = cache
    return dy @ w.T, x.T @ dy, dy.sum(axis=0)
    ### END SOLUTION
### BEGIN MISTAKES
# w not transposed: dx takes wᵀ: (N, M) times (M, D) is (N, D). Without .T it fits only if D = M, and is wrong even then.
#   - dy @ w.T,
#   + dy @ (w if w.shape[0] == w.shape[1] else w.T),
# dw transposed: your dw has the shape (M, D). It must have that of w, (D, M): xᵀ·dy.
#   - x.T @ dy,
#   + dy.T @ x,
# db not summed: your db still has a row for each sample. b goes into every row, so its shares add up: sum over axis 0.
#   - dy.sum(axis=0)
#   + dy
# mean over the batch: you take means over the rows. If the loss is a mean, that factor is in dy already: only add.
#   - x.T @ dy, dy.sum(axis=0)
#   + x.T @ dy / len(dy), dy.mean(axis=0)
# wrong axis: you sum db over the neurons. Each neuron has its bias: sum over the rows, axis 0.
#   - dy.sum(axis=0)
#   + dy.sum(axis=1)
# upstream forgotten in dw: your dw does not depend on dy. It is xᵀ times dy.
#   - x.T @ dy,
#   + x.T @ np.ones_like(dy),
# order: the gradients come in the order of the arguments: dx, dw, db.
#   - return dy @ w.T, x.T @ dy, dy.sum(axis=0)
#   + return x.T @ dy, dy @ w.T, dy.sum(axis=0)
### END MISTAKES


# %% check="affine_backward" points=6
from course import ops
from course.check import Check


def student(wanted, dy, x, w):
    cache = (x, w)
    if wanted == "dx by your own cache":
        answer = affine(x, w, np.zeros(w.shape[1], w.dtype))
        if type(answer) is not tuple or len(answer) != 2 or type(answer[1]) is not tuple:
            raise TypeError("affine, above, returns y and a cache; the cache is the tuple (x, w)")
        wanted, cache = "dx", answer[1]
    answer = affine_backward(dy, cache)
    if type(answer) is not tuple or len(answer) != 3:
        raise TypeError("affine_backward returns three arrays: dx, dw, db")
    return answer[["dx", "dw", "db"].index(wanted)]


def reference(wanted, dy, x, w):
    _, cache = ops.affine(x, w, np.zeros(w.shape[1], w.dtype))
    return ops.affine_backward(dy, cache)[["dx", "dw", "db"].index(wanted[:2])]


check = Check("affine_backward", student, reference)
draw = check.normal
several = draw(5, 2), draw(5, 3), draw(3, 2)
square = tuple(draw(3, 3, dtype=np.float32) for _ in range(3))
for what in ("dx", "dw", "db"):
    check(f"{what}: a batch of 5", what, *several)
    check(f"{what}: N = D = M, float32", what, *square)
check("dx: forwards and back by your own functions", "dx by your own cache", *several, points=0.5)
### BEGIN HIDDEN TESTS
check.hide()
for what in ("dx", "dw", "db"):
    check(f"{what}: another shape", what, draw(2, 5), draw(2, 4), draw(4, 5), points=0.5)
### END HIDDEN TESTS
check.score(6)

# %% [markdown]
# **Stacking alone is not enough.** (x·w₁)·w₂ = x·(w₁·w₂): two layers without a bend between them are one layer, and so are
# a hundred.
#
# ### By hand: with and without a bend
#
# One input, one hidden neuron: h = 2x + 1, then y = 3h − 5.

# %% exercise="by-hand-bend"
### BEGIN BLANKS
# without activation y is a straight line in x
slope = 6
constant = -2

# now with ReLU: h = max(0, 2x + 1)
y_at_minus_3_with_relu = -5
x_where_it_bends = -0.5
### END BLANKS
### BEGIN MISTAKES
# slopes added: the second layer multiplies what the first gives out: 3·(2x + 1) − 5.
#   - slope = 6
#   + slope = 5
#   - constant = -2
#   + constant = -4
# bias left out: at x = 0 the hidden neuron says 1, not 0: 3·1 − 5.
#   - constant = -2
#   + constant = -5
# bias not multiplied: the 1 of the first layer is multiplied by 3 as well.
#   - constant = -2
#   + constant = -4
# ReLU forgotten: at x = −3 the hidden neuron has 2x + 1 < 0, so h = 0.
#   - y_at_minus_3_with_relu = -5
#   + y_at_minus_3_with_relu = -20
# ReLU at the end: only h goes through ReLU. The last layer has none: scores may be negative.
#   - y_at_minus_3_with_relu = -5
#   + y_at_minus_3_with_relu = 0
# bends at 0: it bends where 2x + 1 = 0, not where x = 0.
#   - x_where_it_bends = -0.5
#   + x_where_it_bends = 0
### END MISTAKES

# %% check="by-hand-bend" points=4
from course.check import Check

check = Check("by-hand-bend")
check.blank("slope", slope)
check.blank("constant", constant)
check.blank("y_at_minus_3_with_relu", y_at_minus_3_with_relu)
check.blank("x_where_it_bends", x_where_it_bends)
check.score(4)

# %% [markdown]
# ## 3 Activations
#
# *Follows IIITS, "Non-linearity Layer" and "Activation Functions"; HLCV, "Backpropagation", for the sigmoid's slope.*
#
# An activation bends each number by itself. Forwards it is one formula; backwards dx = dy · slope, element by element.
#
# | | y | slope ∂y/∂x | |
# |---|---|---|---|
# | sigmoid | σ(x) = 1/(1 + e⁻ˣ) | y(1 − y) | between 0 and 1; **saturates**: far out the slope is nearly 0 |
# | tanh | (eˣ − e⁻ˣ)/(eˣ + e⁻ˣ) | 1 − y² | between −1 and 1, around zero; saturates too |
# | ReLU | max(0, x) | 1 if x > 0, else 0 | does not saturate to the right; a neuron that is never positive is *dead* |
# | leaky ReLU | max(0.1x, x) | 1 if x > 0, else 0.1 | never dead |
# | PReLU | max(0, x) + a·min(0, x) | 1 if x > 0, else a | the slope a is learned: da = Σ dy·x over all x ≤ 0 |
# | ELU | x if x ≥ 0, else α(eˣ − 1) | 1 if x ≥ 0, else y + α | levels off at −α |
# | Swish | x·σ(x) | σ(x) + y(1 − σ(x)) | smooth, with a dip below 0 |
# | maxout | maxₚ (x·wₚ + bₚ) | that of the winning piece | learns its own bend, for P times the weights |
#
# ### By hand: activations forwards and backwards
#
# Whenever a gradient arrives below, it is dy = 5, unless another one is named.

# %% exercise="by-hand-activations"
### BEGIN BLANKS
# leaky ReLU with slope 0.1, at x = −2
leaky_dx = 0.5

# a sigmoid that gave y = 0.8; a tanh that gave y = 0.6
sigmoid_dx = 0.8
tanh_dx = 3.2

# a gradient of 512 goes back through four sigmoids in a row, with weights 1. How much of it arrives at best?
largest_after_four_sigmoids = 2

# ELU with α = 2 that gave y = −1.5
elu_dx = 2.5

# PReLU with a = 0.25, on x = −4, 2, −6 with dy = 1, 4, 2
prelu_y_of_the_first = -1
prelu_da = -16

# maxout with x = (1, 2): the pieces are w = (1, 1), b = 1 and w = (−1, 3), b = −2
maxout_dx = [5, 5]
### END BLANKS
### BEGIN MISTAKES
# dy forgotten: that is the slope alone. Multiply it by dy = 5.
#   - sigmoid_dx = 0.8
#   + sigmoid_dx = 0.16
#   - tanh_dx = 3.2
#   + tanh_dx = 0.64
#   - leaky_dx = 0.5
#   + leaky_dx = 0.1
#   - elu_dx = 2.5
#   + elu_dx = 0.5
# tanh's square forgotten: the slope of tanh is 1 − y².
#   - tanh_dx = 3.2
#   + tanh_dx = 2
# sigmoid's slope for tanh's: y(1 − y) is the slope of the sigmoid. That of tanh is 1 − y².
#   - tanh_dx = 3.2
#   + tanh_dx = 1.2
# slopes added: four slopes in a row are multiplied, each 1/4 at best.
#   - largest_after_four_sigmoids = 2
#   + largest_after_four_sigmoids = 128
# slope 1/2: σ(0) = 1/2 is the value. The slope y(1 − y) is 1/4 at best.
#   - largest_after_four_sigmoids = 2
#   + largest_after_four_sigmoids = 32
# α forgotten: the slope of ELU on the left is αeˣ, which is y + α: here −1.5 + 2.
#   - elu_dx = 2.5
#   + elu_dx = -7.5
# da over all x: where x > 0 the slope a plays no part: add up dy·x over the negative x only.
#   - prelu_da = -16
#   + prelu_da = -8
# da without dy: da adds up dy·x, upstream times local.
#   - prelu_da = -16
#   + prelu_da = -10
# both pieces: dy goes to the winning piece only: the loser does not change y.
#   - maxout_dx = [5, 5]
#   + maxout_dx = [0, 20]
# wrong winner: 1 + 2 + 1 is more than −1 + 6 − 2.
#   - maxout_dx = [5, 5]
#   + maxout_dx = [-5, 15]
### END MISTAKES

# %% check="by-hand-activations" points=9
from course.check import Check

check = Check("by-hand-activations")
check.blank("leaky_dx", leaky_dx)
check.blank("sigmoid_dx", sigmoid_dx)
check.blank("tanh_dx", tanh_dx)
check.blank("largest_after_four_sigmoids", largest_after_four_sigmoids)
check.blank("elu_dx", elu_dx)
check.blank("prelu_y_of_the_first", prelu_y_of_the_first)
check.blank("prelu_da", prelu_da)
check.blank("maxout_dx", maxout_dx)
check.score(9)

# %% [markdown]
# Now write them, each with its way back. Each function returns two things, y and a cache. The cache is a tuple, and the
# docstring says of what; a tuple of one is written `(y,)`, since the comma makes it a tuple: `(y)` is only y. So `return y, (y,)`; and whoever wants y alone writes
# `y, _ = sigmoid(x)`. The cache holds whatever makes the slope cheapest. The slope of sigmoid and tanh is said best by y. That is why the cache holds y, not x.
#
# ### Write it: sigmoid and tanh


# %% exercise="sigmoid"
def sigmoid(x):
    """Compute σ(x) = 1/(1 + e⁻ˣ), for any x.

    Args:
        x: any shape.

    Returns:
        y: as x.
        cache: (y,).

    Hint: e^1000 is too large for a number. e⁻ˣ can be inf, and 1/inf is 0; but inf/inf is nan. If
    NumPy warns, and you want it quiet: e^min(x, 0) / (1 + e^−|x|) is the same function, and none of
    its exponents is positive.

    >>> y, cache = sigmoid(np.array([-1000.0, 0.0, 1.0, 1000.0]))
    >>> y
    array([0.   , 0.5  , 0.731, 1.   ])
    """
    ### BEGIN SOLUTION
    y = np.exp(np.minimum(x, 0)) / (1 + np.exp(-np.abs(x)))
    return y, (y,)
    ### END SOLUTION


def sigmoid_backward(dy, cache):
    """Compute dx = dy·y·(1 − y).

    Args:
        dy: as x.
        cache: (y,), as `sigmoid` returns it.

    Returns:
        dx: as x.

    >>> sigmoid_backward(np.array([1.0]), (np.array([0.75]),))
    array([0.188])
    """
    ### BEGIN SOLUTION
    (y,) = cache
    return dy * y * (1 - y)
    ### END SOLUTION
### BEGIN MISTAKES
# sign of the exponent: your curve falls. In σ stands e⁻ˣ: for a large x it is 0, and y is 1.
#   - y = np.exp(np.minimum(x, 0)) / (1 + np.exp(-np.abs(x)))
#   + y = np.exp(np.minimum(-x, 0)) / (1 + np.exp(-np.abs(x)))
# overflow: far out you divide inf by inf, which is nan. Use 1/(1 + e⁻ˣ), or the formula of the hint.
#   - y = np.exp(np.minimum(x, 0)) / (1 + np.exp(-np.abs(x)))
#   + y = np.exp(x) / (1 + np.exp(x))
# tanh for sigmoid: yours runs from −1 to 1: that is tanh. σ(0) is 0.5.
#   - y = np.exp(np.minimum(x, 0)) / (1 + np.exp(-np.abs(x)))
#   + y = np.tanh(x)
# x for y in the slope: the cache holds y, and you put it into σ once more. The slope is y·(1 − y) straight away.
#   - (y,) = cache
#   + (y,) = cache
#   + y = 1 / (1 + np.exp(-y))
# upstream forgotten: you give the local slope alone. Multiply it by dy.
#   - return dy * y * (1 - y)
#   + return y * (1 - y)
# slope of tanh: 1 − y² is the slope of tanh. That of the sigmoid is y·(1 − y).
#   - return dy * y * (1 - y)
#   + return dy * (1 - y * y)
# half a slope: you forget one of the two factors: y·(1 − y).
#   - return dy * y * (1 - y)
#   + return dy * (1 - y)
# no tuple: sigmoid returns y *and* a cache, and the cache is a tuple of one: `return y, (y,)`. The comma makes the tuple: (y) is only y.
#   - return y, (y,)
#   + return y, (y)
# x in the cache: your cache holds x. The docstring asks for y: from y the slope is cheapest.
#   - return y, (y,)
#   + return y, (x,)
### END MISTAKES


# %% check="sigmoid" points=5
from course import ops
from course.check import Check


def student(wanted, x, dy):
    if wanted == "dx":
        return sigmoid_backward(dy, ops.sigmoid(x)[1])
    answer = sigmoid(x)
    if wanted == "y":
        return answer[0] if type(answer) is tuple and answer else answer
    cache = answer[1] if type(answer) is tuple and len(answer) == 2 else None
    if type(cache) is not tuple or len(cache) != 1:
        raise TypeError("sigmoid returns y and a cache; the cache is a tuple of one, written (y,)")
    return sigmoid_backward(dy, cache)


def reference(wanted, x, dy):
    y, cache = ops.sigmoid(x)
    return y if wanted == "y" else ops.sigmoid_backward(dy, cache)


check = Check("sigmoid", student, reference)
draw = check.normal
x, dy = 2 * draw(4, 5), draw(4, 5)
check("y: both signs", "y", x, dy)
x_32, dy_32 = draw(2, 3, 2, 4, dtype=np.float32), draw(2, 3, 2, 4, dtype=np.float32)
check("y: pictures, float32", "y", x_32, dy_32)
check("y: far out", "y", np.array([-1000.0, -30.0, 5.0, 20.0, 1000.0]), np.ones(5), points=0.5)
check("dx: by the cache of the docstring", "dx", x, dy, points=1.5)
check("dx: pictures, float32", "dx", x_32, dy_32, points=0.5)
check("dx: forwards and back by your own functions", "dx of both", x, dy, points=0.5)
### BEGIN HIDDEN TESTS
check.hide()
x, dy = draw(3, 7), draw(3, 7)
check("y: another shape", "y", x, dy, points=0.25)
check("dx: another shape", "dx", x, dy, points=0.25)
### END HIDDEN TESTS
check.score(5)


# %% exercise="tanh"
def tanh(x):
    """Compute the hyperbolic tangent, (eˣ − e⁻ˣ)/(eˣ + e⁻ˣ), for any x. NumPy has it.

    Args:
        x: any shape.

    Returns:
        y: as x.
        cache: (y,).

    >>> y, cache = tanh(np.array([-1000.0, 0.0, 1.0]))
    >>> y
    array([-1.   ,  0.   ,  0.762])
    """
    ### BEGIN SOLUTION
    y = np.tanh(x)
    return y, (y,)
    ### END SOLUTION


def tanh_backward(dy, cache):
    """Compute dx = dy·(1 − y²).

    Args:
        dy: as x.
        cache: (y,), as `tanh` returns it.

    Returns:
        dx: as x.

    >>> tanh_backward(np.array([10.0]), (np.array([0.5]),))
    array([7.5])
    """
    ### BEGIN SOLUTION
    (y,) = cache
    return dy * (1 - y**2)
    ### END SOLUTION
### BEGIN MISTAKES
# sigmoid for tanh: yours runs from 0 to 1: that is the sigmoid. tanh(0) is 0.
#   - y = np.tanh(x)
#   + y = 1 / (1 + np.exp(-x))
# a sigmoid stretched once: tanh is a sigmoid stretched along both axes: 2σ(2x) − 1. You stretch only upwards.
#   - y = np.tanh(x)
#   + y = 2 / (1 + np.exp(-x)) - 1
# overflow: far out you divide inf by inf, which is nan: np.tanh knows how to avoid that.
#   - y = np.tanh(x)
#   + y = (np.exp(x) - np.exp(-x)) / (np.exp(x) + np.exp(-x))
# slope of the sigmoid: y·(1 − y) is the slope of the sigmoid. That of tanh is 1 − y².
#   - return dy * (1 - y**2)
#   + return dy * y * (1 - y)
# square forgotten: the slope is 1 − y², you have 1 − y.
#   - return dy * (1 - y**2)
#   + return dy * (1 - y)
# square of the wrong thing: you square 1 − y. Only y is squared: 1 − y².
#   - return dy * (1 - y**2)
#   + return dy * (1 - y) ** 2
# no tuple: tanh returns y *and* a cache, and the cache is a tuple of one: `return y, (y,)`. The comma makes the tuple: (y) is only y.
#   - return y, (y,)
#   + return y, (y)
# tanh twice: the cache holds y, and you put it into tanh once more: 1 − y² straight away.
#   - return dy * (1 - y**2)
#   + return dy * (1 - np.tanh(y) ** 2)
# upstream forgotten: you give the local slope alone. Multiply it by dy.
#   - return dy * (1 - y**2)
#   + return 1 - y**2
# x in the cache: your cache holds x. The docstring asks for y: from y the slope is cheapest.
#   - return y, (y,)
#   + return y, (x,)
### END MISTAKES


# %% check="tanh" points=4
from course import ops
from course.check import Check


def student(wanted, x, dy):
    if wanted == "dx":
        return tanh_backward(dy, ops.tanh(x)[1])
    answer = tanh(x)
    if wanted == "y":
        return answer[0] if type(answer) is tuple and answer else answer
    cache = answer[1] if type(answer) is tuple and len(answer) == 2 else None
    if type(cache) is not tuple or len(cache) != 1:
        raise TypeError("tanh returns y and a cache; the cache is a tuple of one, written (y,)")
    return tanh_backward(dy, cache)


def reference(wanted, x, dy):
    y, cache = ops.tanh(x)
    return y if wanted == "y" else ops.tanh_backward(dy, cache)


check = Check("tanh", student, reference)
draw = check.normal
x, dy = 2 * draw(4, 5), draw(4, 5)
check("y: both signs", "y", x, dy)
x_32, dy_32 = draw(2, 3, 2, 4, dtype=np.float32), draw(2, 3, 2, 4, dtype=np.float32)
check("y: pictures, float32", "y", x_32, dy_32)
check("y: far out", "y", np.array([-1000.0, -30.0, 5.0, 20.0, 1000.0]), np.ones(5), points=0.5)
check("dx: by the cache of the docstring", "dx", x, dy, points=1.5)
check("dx: pictures, float32", "dx", x_32, dy_32, points=0.5)
check("dx: forwards and back by your own functions", "dx of both", x, dy, points=0.5)
### BEGIN HIDDEN TESTS
check.hide()
x, dy = draw(3, 7), draw(3, 7)
check("y: another shape", "y", x, dy, points=0.25)
check("dx: another shape", "dx", x, dy, points=0.25)
### END HIDDEN TESTS
check.score(4)

# %% [markdown]
# ### Write it: ReLU and leaky ReLU
#
# At x = 0 ReLU has a corner and no slope. Any number between both sides would do; the course takes the left one, 0, and for the
# leaky one the leak.


# %% exercise="relu"
def relu(x):
    """Compute max(0, x).

    Args:
        x: any shape.

    Returns:
        y: as x, a new array.
        cache: (y,); y > 0 exactly where x > 0.

    >>> y, cache = relu(np.array([-2.0, 0.0, 3.0]))
    >>> y
    array([0., 0., 3.])
    """
    ### BEGIN SOLUTION
    y = np.maximum(x, 0)
    return y, (y,)
    ### END SOLUTION


def relu_backward(dy, cache):
    """Compute dx = dy where x > 0, else 0.

    Args:
        dy: as x.
        cache: (y,), as `relu` returns it.

    Returns:
        dx: as x, a new array.

    >>> relu_backward(np.array([5.0, -5.0, -5.0]), (np.array([0.0, 0.0, 3.0]),))
    array([ 0., -0., -5.])
    """
    ### BEGIN SOLUTION
    (y,) = cache
    return dy * (y > 0)
    ### END SOLUTION
### BEGIN MISTAKES
# absolute value: you turn negative numbers positive. ReLU makes them 0.
#   - y = np.maximum(x, 0)
#   + y = np.abs(x)
# min for max: you keep the negative numbers. ReLU keeps the positive ones.
#   - y = np.maximum(x, 0)
#   + y = np.minimum(x, 0)
# x is changed: your numbers are right, but you write into x itself. Give a new array: someone may still need x.
#   - y = np.maximum(x, 0)
#   + x[x < 0] = 0
#   + y = x
# ReLU of the gradient: you put dy through ReLU. A negative gradient passes as well as a positive one: only x decides.
#   - return dy * (y > 0)
#   + return np.maximum(dy, 0)
# all passes: you pass dy everywhere. Where x was negative, nothing passes. y is never negative: `y >= 0` is always true, ask for `y > 0`.
#   - return dy * (y > 0)
#   + return dy * (y >= 0)
# no tuple: relu returns y *and* a cache, and the cache is a tuple of one: `return y, (y,)`. The comma makes the tuple: (y) is only y.
#   - return y, (y,)
#   + return y, (y)
# y for the slope: you multiply by y. The slope on the right is 1, however large y is.
#   - return dy * (y > 0)
#   + return dy * y
# dy is changed: your numbers are right, but you write into dy itself. Give a new array: the caller may still need dy.
#   - return dy * (y > 0)
#   + dy[y <= 0] = 0
#   + return dy
# upstream forgotten: you give the local slope alone, 0 or 1. Multiply it by dy.
#   - return dy * (y > 0)
#   + return (y > 0).astype(dy.dtype)
### END MISTAKES


# %% check="relu" points=5
from course import ops
from course.check import Check


def student(wanted, x, dy):
    if wanted == "dx":
        return relu_backward(dy, ops.relu(x)[1])
    answer = relu(x)
    if wanted == "y":
        return answer[0] if type(answer) is tuple and answer else answer
    cache = answer[1] if type(answer) is tuple and len(answer) == 2 else None
    if type(cache) is not tuple or len(cache) != 1:
        raise TypeError("relu returns y and a cache; the cache is a tuple of one, written (y,)")
    return relu_backward(dy, cache)


def reference(wanted, x, dy):
    y, cache = ops.relu(x)
    return y if wanted == "y" else ops.relu_backward(dy, cache)


check = Check("relu", student, reference)
draw = check.normal
x, dy = 2 * draw(4, 5), draw(4, 5)
check("y: both signs", "y", x, dy)
x_32, dy_32 = draw(2, 3, 2, 4, dtype=np.float32), draw(2, 3, 2, 4, dtype=np.float32)
check("y: pictures, float32", "y", x_32, dy_32)
check("dx: by the cache of the docstring", "dx", x, dy, points=1.5)
check("dx: pictures, float32", "dx", x_32, dy_32, points=0.5)
check("dx: at x = 0", "dx", np.array([0.0, 0.0, 2.0]), np.array([3.0, -3.0, 3.0]))
check("dx: forwards and back by your own functions", "dx of both", x, dy, points=0.5)
### BEGIN HIDDEN TESTS
check.hide()
x, dy = draw(3, 7), draw(3, 7)
check("y: another shape", "y", x, dy, points=0.25)
check("dx: another shape", "dx", x, dy, points=0.25)
### END HIDDEN TESTS
check.score(5)


# %% exercise="leaky_relu"
def leaky_relu(x, *, slope=0.1):
    """Compute max(slope·x, x), with a slope from 0 to 1.

    Args:
        x: any shape.
        slope: on the left of 0; 0.1 as on the slide.

    Returns:
        y: as x.
        cache: (x, slope).

    >>> y, cache = leaky_relu(np.array([-7.0, 0.0, 3.0]))
    >>> y
    array([-0.7,  0. ,  3. ])
    """
    ### BEGIN SOLUTION
    return np.maximum(slope * x, x), (x, slope)
    ### END SOLUTION


def leaky_relu_backward(dy, cache):
    """Compute dx = dy where x > 0, else slope·dy.

    Args:
        dy: as x.
        cache: (x, slope), as `leaky_relu` returns it.

    Returns:
        dx: as x.

    >>> leaky_relu_backward(np.array([8.0, 8.0, 8.0]), (np.array([-7.0, 0.0, 3.0]), 0.1))
    array([0.8, 0.8, 8. ])
    """
    ### BEGIN SOLUTION
    x, slope = cache
    return np.where(x > 0, dy, slope * dy)
    ### END SOLUTION
### BEGIN MISTAKES
# slope ignored: you leak 0.1 whatever the slope is. Use the argument.
#   - np.maximum(slope * x, x), (x, slope)
#   + np.maximum(0.1 * x, x), (x, slope)
# sides exchanged: you shrink the positive numbers. The leak is on the left.
#   - np.maximum(slope * x, x), (x, slope)
#   + np.minimum(slope * x, x), (x, slope)
# no leak: yours is ReLU: on the left stands slope·x, not 0.
#   - np.maximum(slope * x, x), (x, slope)
#   + np.maximum(0 * x, x), (x, slope)
# constant leak: on the left you give −slope, a constant. It is slope·x.
#   - np.maximum(slope * x, x), (x, slope)
#   + np.where(x > 0, x, -slope + 0 * x), (x, slope)
# nothing leaks back: you pass nothing where x is negative. There the slope is `slope`: dx = slope·dy.
#   - np.where(x > 0, dy, slope * dy)
#   + np.where(x > 0, dy, 0 * dy)
# upstream forgotten on the left: on the left you give the slope alone. Multiply it by dy.
#   - np.where(x > 0, dy, slope * dy)
#   + np.where(x > 0, dy, slope)
# dy decides: you ask for the sign of dy. The side is decided by x.
#   - np.where(x > 0, dy, slope * dy)
#   + np.where(dy > 0, dy, slope * dy)
# at 0: x = 0 belongs to the left here: ask for x > 0.
#   - np.where(x > 0, dy, slope * dy)
#   + np.where(x >= 0, dy, slope * dy)
### END MISTAKES


# %% check="leaky_relu" points=5
from course import ops
from course.check import Check


def student(wanted, x, dy, **how):
    if wanted == "dx":
        return leaky_relu_backward(dy, ops.leaky_relu(x, **how)[1])
    answer = leaky_relu(x, **how)
    if wanted == "y":
        return answer[0] if type(answer) is tuple and answer else answer
    cache = answer[1] if type(answer) is tuple and len(answer) == 2 else None
    if type(cache) is not tuple or len(cache) != 2:
        raise TypeError("leaky_relu returns y and a cache; the cache is the tuple (x, slope)")
    return leaky_relu_backward(dy, cache)


def reference(wanted, x, dy, **how):
    y, cache = ops.leaky_relu(x, **how)
    return y if wanted == "y" else ops.leaky_relu_backward(dy, cache)


check = Check("leaky_relu", student, reference)
draw = check.normal
x, dy = 2 * draw(4, 5), draw(4, 5)
check("y: both signs, slope 0.1", "y", x, dy)
x_32, dy_32 = draw(2, 3, 2, 4, dtype=np.float32), draw(2, 3, 2, 4, dtype=np.float32)
check("y: slope 0.3, float32", "y", x_32, dy_32, slope=0.3)
check("dx: by the cache of the docstring, slope 0.1", "dx", x, dy)
check("dx: slope 0.4", "dx", x, dy, slope=0.4)
check("dx: at x = 0", "dx", np.array([0.0, -1.0, 2.0]), np.full(3, 5.0), slope=0.2, points=0.5)
check("dx: forwards and back by your own functions", "dx of both", x, dy, points=0.5)
### BEGIN HIDDEN TESTS
check.hide()
x, dy = draw(3, 7), draw(3, 7)
check("y: another shape", "y", x, dy, slope=0.25, points=0.25)
check("dx: another shape", "dx", x, dy, slope=0.25, points=0.25)
### END HIDDEN TESTS
check.score(5)

# %% [markdown]
# ### Write it: ELU and Swish


# %% exercise="elu"
def elu(x, *, alpha=1.0):
    """Compute x where x ≥ 0, else α(eˣ − 1), for any x.

    Args:
        x: any shape.
        alpha: α > 0; far to the left y is −α.

    Returns:
        y: as x.
        cache: (y, alpha).

    Hint: np.where computes both sides everywhere, and e^1000 is inf. np.minimum(x, 0) keeps the
    exponent small.

    >>> y, cache = elu(np.array([-1000.0, -1.0, 0.0, 2.0]))
    >>> y
    array([-1.   , -0.632,  0.   ,  2.   ])
    """
    ### BEGIN SOLUTION
    y = np.where(x >= 0, x, alpha * (np.exp(np.minimum(x, 0)) - 1))
    return y, (y, alpha)
    ### END SOLUTION


def elu_backward(dy, cache):
    """Compute dx = dy where x ≥ 0, else dy·αeˣ, which is dy·(y + α).

    Args:
        dy: as x.
        cache: (y, alpha), as `elu` returns it; y ≥ 0 exactly where x ≥ 0.

    Returns:
        dx: as x.

    >>> elu_backward(np.array([10.0, 10.0]), (np.array([-0.8, 2.0]), 1.5))
    array([ 7., 10.])
    """
    ### BEGIN SOLUTION
    y, alpha = cache
    return np.where(y >= 0, dy, dy * (y + alpha))
    ### END SOLUTION
### BEGIN MISTAKES
# − 1 forgotten: on the left stands α(eˣ − 1). Without the − 1 there is a jump at 0.
#   - alpha * (np.exp(np.minimum(x, 0)) - 1)
#   + alpha * np.exp(np.minimum(x, 0))
# α inside only: α multiplies all of eˣ − 1. Far to the left y must be −α.
#   - alpha * (np.exp(np.minimum(x, 0)) - 1)
#   + alpha * np.exp(np.minimum(x, 0)) - 1
# α ignored: you take α = 1 whatever it is.
#   - alpha * (np.exp(np.minimum(x, 0)) - 1)
#   + np.exp(np.minimum(x, 0)) - 1
# α in the exponent: α stands in front, not in the exponent.
#   - alpha * (np.exp(np.minimum(x, 0)) - 1)
#   + np.exp(alpha * np.minimum(x, 0)) - 1
# slope y: the slope on the left is αeˣ, and y = αeˣ − α, so it is y + α.
#   - dy * (y + alpha)
#   + dy * y
# α is 1 in the slope: you take α = 1 on the way back. The slope is y + α.
#   - dy * (y + alpha)
#   + dy * (y + 1)
# exponent of y: the cache holds y, not x: αe^y is not the slope. y + α is, without any exponential.
#   - dy * (y + alpha)
#   + dy * alpha * np.exp(np.minimum(y, 0))
# ReLU's slope: you pass nothing on the left. There the slope is y + α.
#   - dy * (y + alpha)
#   + 0 * dy
# upstream forgotten on the left: on the left you give the slope alone. Multiply it by dy.
#   - dy * (y + alpha)
#   + y + alpha
# x in the cache: your cache holds x. The docstring asks for y and alpha: from y the slope is cheapest.
#   - return y, (y, alpha)
#   + return y, (x, alpha)
### END MISTAKES


# %% check="elu" points=5
from course import ops
from course.check import Check


def student(wanted, x, dy, **how):
    if wanted == "dx":
        return elu_backward(dy, ops.elu(x, **how)[1])
    answer = elu(x, **how)
    if wanted == "y":
        return answer[0] if type(answer) is tuple and answer else answer
    cache = answer[1] if type(answer) is tuple and len(answer) == 2 else None
    if type(cache) is not tuple or len(cache) != 2:
        raise TypeError("elu returns y and a cache; the cache is the tuple (y, alpha)")
    return elu_backward(dy, cache)


def reference(wanted, x, dy, **how):
    y, cache = ops.elu(x, **how)
    return y if wanted == "y" else ops.elu_backward(dy, cache)


check = Check("elu", student, reference)
draw = check.normal
x, dy = 2 * draw(4, 5), draw(4, 5)
check("y: both signs, α = 1", "y", x, dy)
x_32, dy_32 = draw(2, 3, 2, 4, dtype=np.float32), draw(2, 3, 2, 4, dtype=np.float32)
check("y: α = 0.4, float32", "y", x_32, dy_32, alpha=0.4)
check("y: far out", "y", np.array([-1000.0, -30.0, 5.0, 20.0, 1000.0]), np.ones(5), points=0.5)
check("dx: by the cache of the docstring, α = 1", "dx", x, dy)
check("dx: α = 3", "dx", x, dy, alpha=3.0)
check("dx: forwards and back by your own functions", "dx of both", x, dy, points=0.5)
### BEGIN HIDDEN TESTS
check.hide()
x, dy = draw(3, 7), draw(3, 7)
check("y: another shape", "y", x, dy, alpha=1.7, points=0.25)
check("dx: another shape", "dx", x, dy, alpha=1.7, points=0.25)
### END HIDDEN TESTS
check.score(5)


# %% exercise="swish"
def swish(x):
    """Compute x·σ(x), for any x.

    Args:
        x: any shape.

    Returns:
        y: as x.
        cache: (y, s) with s = σ(x).

    >>> y, cache = swish(np.array([-1.0, 0.0, 1.0]))
    >>> y
    array([-0.269,  0.   ,  0.731])
    """
    ### BEGIN SOLUTION
    s = np.exp(np.minimum(x, 0)) / (1 + np.exp(-np.abs(x)))
    y = x * s
    return y, (y, s)
    ### END SOLUTION


def swish_backward(dy, cache):
    """Compute dx = dy·(σ(x) + y·(1 − σ(x))): the product rule, x·σ(x)(1 − σ(x)) + σ(x).

    Args:
        dy: as x.
        cache: (y, s) with s = σ(x), as `swish` returns it.

    Returns:
        dx: as x.

    >>> swish_backward(np.array([10.0]), (np.array([0.6]), np.array([0.75])))
    array([9.])
    """
    ### BEGIN SOLUTION
    y, s = cache
    return dy * (s + y * (1 - s))
    ### END SOLUTION
### BEGIN MISTAKES
# sigmoid alone: you give σ(x). Swish is x·σ(x).
#   - y = x * s
#   + y = s
# sigmoid of the wrong sign: you multiply x by σ(−x). For a large x Swish is x itself.
#   - y = x * s
#   + y = x * (1 - s)
# overflow: far out you divide inf by inf, which is nan.
#   - s = np.exp(np.minimum(x, 0)) / (1 + np.exp(-np.abs(x)))
#   + s = np.exp(x) / (1 + np.exp(x))
# both results of sigmoid: sigmoid returns y *and* a cache, and you multiply x by both: `s, _ = sigmoid(x)`.
#   - s = np.exp(np.minimum(x, 0)) / (1 + np.exp(-np.abs(x)))
#   + s = sigmoid(x)
# first half of the product rule: x stands twice in x·σ(x): you have σ(x), the other half y·(1 − σ(x)) is missing.
#   - return dy * (s + y * (1 - s))
#   + return dy * s
# second half of the product rule: x stands twice in x·σ(x): you have y·(1 − σ(x)), the other half σ(x) is missing.
#   - return dy * (s + y * (1 - s))
#   + return dy * y * (1 - s)
# slope of the sigmoid: s(1 − s) is the slope of σ alone. It stands in a product with x, and x = y/s.
#   - return dy * (s + y * (1 - s))
#   + return dy * (s + s * (1 - s))
# upstream forgotten: you give the local slope alone. Multiply it by dy.
#   - return dy * (s + y * (1 - s))
#   + return s + y * (1 - s)
# x in the cache: your cache holds x. The docstring asks for y and s: from y the slope is cheapest.
#   - return y, (y, s)
#   + return y, (x, s)
### END MISTAKES


# %% check="swish" points=4
from course import ops
from course.check import Check


def student(wanted, x, dy):
    if wanted == "dx":
        return swish_backward(dy, ops.swish(x)[1])
    answer = swish(x)
    if wanted == "y":
        return answer[0] if type(answer) is tuple and answer else answer
    cache = answer[1] if type(answer) is tuple and len(answer) == 2 else None
    if type(cache) is not tuple or len(cache) != 2:
        raise TypeError("swish returns y and a cache; the cache is the tuple (y, s)")
    return swish_backward(dy, cache)


def reference(wanted, x, dy):
    y, cache = ops.swish(x)
    return y if wanted == "y" else ops.swish_backward(dy, cache)


check = Check("swish", student, reference)
draw = check.normal
x, dy = 2 * draw(4, 5), draw(4, 5)
check("y: both signs", "y", x, dy)
x_32, dy_32 = draw(2, 3, 2, 4, dtype=np.float32), draw(2, 3, 2, 4, dtype=np.float32)
check("y: pictures, float32", "y", x_32, dy_32)
check("y: far out", "y", np.array([-1000.0, -30.0, 5.0, 20.0, 1000.0]), np.ones(5), points=0.5)
check("dx: by the cache of the docstring", "dx", x, dy, points=1.5)
check("dx: pictures, float32", "dx", x_32, dy_32, points=0.5)
check("dx: forwards and back by your own functions", "dx of both", x, dy, points=0.5)
### BEGIN HIDDEN TESTS
check.hide()
x, dy = draw(3, 7), draw(3, 7)
check("y: another shape", "y", x, dy, points=0.25)
check("dx: another shape", "dx", x, dy, points=0.25)
### END HIDDEN TESTS
check.score(4)

# %% [markdown]
# ### Write it: maxout
#
# Maxout has weights of its own. Its P pieces are P affine layers side by side: w is (P, D, M), b is (P, M). IIITS writes P = 2. For
# every row and neuron the largest piece wins. On the way back only the winner gets anything: a small change of a loser does not change y. Of equal
# pieces the first one wins. `x @ w` multiplies x by all P matrices at once and gives (P, N, M).


# %% exercise="maxout"
def maxout(x, w, b):
    """Compute y = maxₚ (x·wₚ + bₚ).

    Args:
        x: (N, D).
        w: (P, D, M), the weights of P pieces.
        b: (P, M).

    Returns:
        y: (N, M).
        cache: (x, w, winner), where winner (N, M) holds the p that has won.

    >>> w, b = np.array([[[2.0], [0.0]], [[0.0], [5.0]]]), np.array([[3.0], [0.0]])
    >>> y, cache = maxout(np.array([[3.0, 1.0], [0.0, 4.0]]), w, b)
    >>> y, cache[2]
    (array([[ 9.],
           [20.]]), array([[0],
           [1]]))
    """
    ### BEGIN SOLUTION
    pieces = x @ w + b[:, None]  # (P, N, M)
    return pieces.max(axis=0), (x, w, pieces.argmax(axis=0))
    ### END SOLUTION


def maxout_backward(dy, cache):
    """Route dy to the winning pieces, and go back through their affine maps.

    Args:
        dy: (N, M).
        cache: (x, w, winner), as `maxout` returns it.

    Returns:
        dx (N, D), dw (P, D, M), db (P, M).

    Hint: a loop over the pieces is fine. What piece p is sent is `dy * (winner == p)`, and from
    there on it is an affine layer.

    >>> x, w = np.array([[3.0, 1.0]]), np.array([[[2.0], [0.0]], [[0.0], [5.0]]])
    >>> dx, dw, db = maxout_backward(np.array([[10.0]]), (x, w, np.array([[1]])))
    >>> dx, db
    (array([[ 0., 50.]]), array([[ 0.],
           [10.]]))
    """
    ### BEGIN SOLUTION
    x, w, winner = cache
    dx, dw = np.zeros_like(x), np.zeros_like(w)
    db = np.zeros((w.shape[0], w.shape[2]), dtype=w.dtype)
    for p in range(len(w)):
        sent = dy * (winner == p)
        dx += sent @ w[p].T
        dw[p] = x.T @ sent
        db[p] = sent.sum(axis=0)
    return dx, dw, db
    ### END SOLUTION
### BEGIN MISTAKES
# sum for max: you add the pieces up. The largest one wins alone.
#   - return pieces.max(axis=0), (x, w
#   + return pieces.sum(axis=0), (x, w
# max over the neurons: you take the maximum over the neurons. It is over the pieces, the first axis.
#   - return pieces.max(axis=0), (x, w
#   + return pieces.max(axis=2)[0][:, None] + 0 * pieces[0], (x, w
# biases forgotten: you leave out b. Each piece has a bias for each neuron, and it may decide who wins.
#   - pieces = x @ w + b[:, None]
#   + pieces = x @ w
# biases after the maximum: you add the first bias after the maximum. Each piece has its own, and it may decide who wins.
#   - pieces = x @ w + b[:, None]
#   + pieces = x @ w + b[0]
# b without its axis: (P, N, M) + (P, M) puts the pieces of b beside the rows of x. b[:, None] is (P, 1, M).
#   - pieces = x @ w + b[:, None]
#   + pieces = x @ w + b
# smallest for winner: y is right, but `winner` names the smallest piece: argmax, not argmin.
#   - (x, w, pieces.argmax(axis=0))
#   + (x, w, pieces.argmin(axis=0))
# winner over the neurons: y is right, but `winner` is looked for among the neurons. The pieces are axis 0: argmax(axis=0).
#   - (x, w, pieces.argmax(axis=0))
#   + (x, w, pieces.argmax(axis=-1))
# ReLU behind it: you cut off at 0 too. Maxout is the maximum of its pieces, and may be negative.
#   - return pieces.max(axis=0), (x, w
#   + return np.maximum(pieces.max(axis=0), 0), (x, w
# all pieces get dy: you send dy to all pieces. Only the winner of each row and neuron gets it.
#   - sent = dy * (winner == p)
#   + sent = dy
# last piece only: you keep only what the last piece gives to dx. The pieces add up: +=.
#   - dx += sent @ w[p].T
#   + dx = sent @ w[p].T
# losers get dy: you send dy to those that have lost.
#   - sent = dy * (winner == p)
#   + sent = dy * (winner != p)
# one winner for a row: you take the winner of the first neuron for all of them. Every neuron has its own.
#   - sent = dy * (winner == p)
#   + sent = dy * (winner[:, :1] == p)
# sum over everything: you add up db over the neurons too. Every neuron has its bias: sum over the rows, axis 0.
#   - db[p] = sent.sum(axis=0)
#   + db[p] = sent.sum()
# mean for sum: db is a sum over the rows that the piece has won.
#   - db[p] = sent.sum(axis=0)
#   + db[p] = sent.mean(axis=0)
### END MISTAKES


# %% check="maxout" points=8
from course import ops
from course.check import Check


def student(wanted, x, w, b, dy):
    if wanted in ("y", "winner", "dx of both"):
        answer = maxout(x, w, b)
        if wanted == "y":
            return answer[0] if type(answer) is tuple and answer else answer
        cache = answer[1] if type(answer) is tuple and len(answer) == 2 else None
        if type(cache) is not tuple or len(cache) != 3:
            raise TypeError("maxout returns y and a cache; the cache is the tuple (x, w, winner)")
        if wanted == "winner":
            return cache[2]
        wanted = "dx"
    else:
        cache = ops.maxout(x, w, b)[1]
    answer = maxout_backward(dy, cache)
    if type(answer) is not tuple or len(answer) != 3:
        raise TypeError("maxout_backward returns three arrays: dx, dw, db")
    return answer[["dx", "dw", "db"].index(wanted)]


def reference(wanted, x, w, b, dy):
    y, cache = ops.maxout(x, w, b)
    if wanted == "winner":
        return cache[2]
    return dict(zip(["y", "dx", "dw", "db"], [y, *ops.maxout_backward(dy, cache)], strict=True))[wanted[:2]]


check = Check("maxout", student, reference)
draw = check.normal
one = draw(5, 2), draw(1, 2, 3), draw(1, 3), draw(5, 3)  # N = 5, D = 2, P = 1, M = 3
two = draw(5, 3), draw(2, 3, 4), 0 * draw(2, 4), draw(5, 4)  # P = 2
three = draw(6, 2), draw(3, 2, 4), 2 * draw(3, 4), draw(6, 4)  # P = 3
for what in ("y", "dx", "dw", "db"):
    check(f"{what}: a single piece", what, *one, points=0.5)
    check(f"{what}: two pieces, b = 0", what, *two, points=0.5)
    check(f"{what}: three pieces", what, *three)
check("winner, in the cache: three pieces", "winner", *three, points=1.5)
check("dx: forwards and back by your own functions", "dx of both", *three, points=0.5)
below = np.ones((1, 1)), -np.ones((2, 1, 1)), np.array([[-1.0], [-2.0]]), np.ones((1, 1))
check("y: all pieces below 0", "y", *below, points=0.5)
### BEGIN HIDDEN TESTS
check.hide()
for what in ("y", "dx", "dw", "db"):
    check(f"{what}: another shape", what, draw(3, 4), draw(4, 4, 2), draw(4, 2), draw(3, 2), points=0.5)
### END HIDDEN TESTS
check.score(8)

# %% [markdown]
# ## 4 See it: a gallery of activations
#
# Your functions draw this: y as a solid line, the slope (your backward, sent dy = 1) as a dashed one. Grey is where an activation
# **saturates**: its slope is below 0.05, and a gradient that comes by is all but lost. A dashed frame marks a function that is not right yet. Move *x* and *layers* with the arrow keys.
#
# 1. At x = 0: which functions send a gradient back through ten layers alive?
# 2. At x = −3 only one does. Which, and what has its slope to do with it?
# 3. Which function has a slope above 1 somewhere? Find the place.
# 4. maxout has here the pieces x and −x. Which function of school mathematics is it?

# %% tags=["demo"]
from course.demos import activation_gallery

activation_gallery.demo(
    {
        "sigmoid": (sigmoid, sigmoid_backward),
        "tanh": (tanh, tanh_backward),
        "ReLU": (relu, relu_backward),
        "leaky ReLU": (leaky_relu, leaky_relu_backward),
        "ELU": (elu, elu_backward),
        "Swish": (swish, swish_backward),
        "maxout": (maxout, maxout_backward),
    }
)

# %% [markdown]
# The slope of a sigmoid is 1/4 at best, and then only in the middle. That is why deep networks of sigmoids did not learn, and why
# ReLU, with a slope of exactly 1, changed so much. Its price: a neuron that is negative for all data gets no gradient, and stays so.
#
# ## 5 Count the parameters
#
# *Follows EECS 442, "How many parameters does this network have?" and the 285×350 picture; EECS 545, "Scaling to larger-sized
# images".*

# %% tags=["demo"]
plots.show(
    networks([(2, 1), (2, 4, 1), (2, 4, 4, 3)], titles=["first", "second", "third"]),
    alt="Three fully connected networks. The first: 2 inputs, 1 neuron. The second: 2 inputs, "
    "4 hidden neurons, 1 output. The third: 2 inputs, twice 4 hidden neurons, 3 outputs.",
)

# %% [markdown]
# Every line is a weight. Every circle that is no input has a bias too: nobody draws it.
#
# ### By hand: count
#
# Then two networks on a grey picture of 285×350 pixels, each pixel an input, with one hidden layer of H neurons and 3 outputs. (EECS 442 writes P for the number of
# pixels; it has nothing to do with the P pieces of maxout.) And
# EECS 545's picture of 200×200 pixels with 40 000 hidden neurons. A pocket calculator is allowed, and digits count: the checks know all of them.
# (Python reads 1_000_000 as a million.)

# %% exercise="by-hand-parameters"
### BEGIN BLANKS
# the three networks of the picture, weights and biases
first_network = 3
second_network = 17
third_network = 47

# the picture of 285×350: H = 1000; then H = 2P, a neuron for the change to the right and one for that downwards at each pixel
picture_with_1000 = 99754003
picture_with_2P = 19900923003

# EECS 545: the weights between the 200×200 picture and 40 000 hidden neurons, without biases
weights_of_545 = 1600000000
### END BLANKS
### BEGIN MISTAKES
# biases forgotten: you count the lines. Every neuron has a bias too; the inputs have none.
#   - first_network = 3
#   + first_network = 2
#   - second_network = 17
#   + second_network = 12
#   - third_network = 47
#   + third_network = 36
#   - picture_with_1000 = 99754003
#   + picture_with_1000 = 99753000
#   - picture_with_2P = 19900923003
#   + picture_with_2P = 19900723500
# outputs without biases: the hidden neurons have biases in your count, the 3 outputs have none. They are neurons too.
#   - picture_with_1000 = 99754003
#   + picture_with_1000 = 99754000
#   - picture_with_2P = 19900923003
#   + picture_with_2P = 19900923000
# inputs with biases: you give the inputs biases as well. An input is only a number.
#   - first_network = 3
#   + first_network = 5
#   - second_network = 17
#   + second_network = 19
#   - third_network = 47
#   + third_network = 49
# neurons counted: that is the number of neurons. Count what they have to learn: weights and biases.
#   - second_network = 17
#   + second_network = 5
#   - third_network = 47
#   + third_network = 11
# last layer forgotten: you count the first layer only. From each hidden neuron a weight leads to each output, and the outputs have
#     biases.
#   - picture_with_1000 = 99754003
#   + picture_with_1000 = 99751000
#   - picture_with_2P = 19900923003
#   + picture_with_2P = 19900324500
# biases counted: this time weights only: inputs times neurons.
#   - weights_of_545 = 1600000000
#   + weights_of_545 = 1600040000
### END MISTAKES

# %% check="by-hand-parameters" points=6
from course.check import Check

check = Check("by-hand-parameters")
check.blank("first_network", first_network)
check.blank("second_network", second_network)
check.blank("third_network", third_network)
check.blank("picture_with_1000", picture_with_1000)
check.blank("picture_with_2P", picture_with_2P)
check.blank("weights_of_545", weights_of_545)
check.score(6)

# %% [markdown]
# **The slides round.** EECS 442 prints "102 million" for H = 1000 and "100 billion" for H = 2P; EECS 545 prints "~2B". Compare with your exact numbers: the
# first is 2 % too much, the second about five times too much, the third a quarter too much. The argument does not suffer. A layer that merely notes the change
# of brightness at each pixel of a small picture takes some 80 GB in float32 (the slide says 400), and nearly all of its weights would be zero. Notebook 05 shows the
# way out.
#
# ### Write it: count for any network


# %% exercise="count_parameters"
def count_parameters(sizes):
    """Count the weights and biases of a fully connected network.

    Args:
        sizes: the number of inputs, then of the neurons of each layer: (2, 4, 1) has two layers.

    Returns:
        their number, an int.

    >>> count_parameters((5, 3)), count_parameters((5, 3, 2))
    (18, 26)
    """
    ### BEGIN SOLUTION
    total = 0
    for layer in range(1, len(sizes)):
        D, M = sizes[layer - 1], sizes[layer]
        total += (D + 1) * M
    return total
    ### END SOLUTION
### BEGIN MISTAKES
# biases forgotten: your number is too small by the number of neurons: each has a bias.
#   - (D + 1) * M
#   + D * M
# biases for the inputs: you count a bias for each input of a layer. It belongs to the neuron: M of them.
#   - (D + 1) * M
#   + D * (M + 1)
# inputs with biases: you count a bias for each input of the network too. An input is only a number: biases belong to neurons.
#   - total = 0
#   + total = sizes[0]
# one bias a layer: you count one bias for a whole layer. Every neuron has its own.
#   - (D + 1) * M
#   + D * M + 1
# first layer only: you count one layer. The neurons of a layer are the inputs of the next.
#   - range(1, len(sizes))
#   + range(1, 2)
# every layer sees the inputs: you connect the inputs to every layer. Each layer sees the one before it only.
#   - D, M = sizes[layer - 1], sizes[layer]
#   + D, M = sizes[0], sizes[layer]
# last layer forgotten: you leave out the last layer. The outputs are neurons too.
#   - range(1, len(sizes))
#   + range(1, len(sizes) - 1)
### END MISTAKES


# %% check="count_parameters" points=5
from course.check import Check
from course.models import mlp


def reference(sizes):
    """What the course's own network says of itself, without a single weight drawn."""
    inputs, *hidden, classes = sizes
    return mlp(*hidden, classes=classes).cost((inputs,)).parameters


check = Check("count_parameters", count_parameters, reference)
draw = check.integers
check("one layer", (draw(5, 9), draw(2, 4)))
check("two layers", (draw(3, 5), draw(7, 9), draw(10, 12)))
check("a small picture, 1000 hidden neurons", (20 * 30, 1000, draw(5, 9)))
check("four drawn layers", (draw(20, 30), draw(10, 15), draw(4, 8), draw(16, 19), draw(2, 3)))
### BEGIN HIDDEN TESTS
check.hide()
check("other drawn layers", (draw(20, 90), draw(10, 50), draw(4, 30)))
### END HIDDEN TESTS
check.score(5)

# %% [markdown]
# *A good place for a break: half of the work is done. What follows needs your `affine`, `relu` and their ways back.*
#
# ## 6 Carve a region out of the plane
#
# *Follows EECS 442, "Three Neurons Demo" and its question: "How would you set the weights by hand if you were forced to be a deep
# net".*
#
# Three hidden neurons are three half-planes. The output neuron adds up what they say. Set all weights by hand, so that the score is
# **positive inside the triangle** with the corners (1, 1), (5, 1), (1, 4), and **negative outside**. Points nearer than 0.2 to the border are not
# asked about.

# %% tags=["demo"]
corners = [(1, 1), (5, 1), (1, 4)]
plots.show(
    regions(lambda x: -np.ones((len(x), 1)), extent=window, outline=corners),
    alt="A plane from 0 to 8 and from 0 to 6 with a dashed triangle: "
    "corners (1, 1), (5, 1) and (1, 4).",
)

# %% [markdown]
# Three ideas on the way. The slanted edge is the line of section 1, and you know a w of length 1 for it. Let each neuron answer 0 *inside* its edge and
# with the distance *outside*; then outside at least one of them speaks up. What must the output neuron do with three numbers that are all 0 inside?


# %% exercise="carve"
def carve():
    """Give the weights of a network with ReLU: score = relu(x·w1 + b1)·w2 + b2.

    Returns:
        w1 (2, M), b1 (M,), w2 (M, 1), b2 (1,): arrays of floats; M = 3 is enough.
    """
    ### BEGIN SOLUTION
    # outside is: to the left, below, beyond the slanted edge
    w1 = np.array([[-1.0, 0, 0.6], [0, -1, 0.8]])
    b1 = np.array([1.0, 1, -3.8])
    w2 = np.array([[-1.0], [-1], [-1]])
    b2 = np.array([0.1])
    return w1, b1, w2, b2
    ### END SOLUTION
### BEGIN MISTAKES
# 0 is not positive: inside, your score is exactly 0: all three neurons say 0 there, and so does your output. It has to be positive there: give it a small bias.
#   - b2 = np.array([0.1])
#   + b2 = np.array([0.0])
# too generous: your region reaches beyond all three edges. Outside, close to an edge, its neuron must outvote b2: does every neuron answer 0 inside and the
#     distance outside, and is b2 less than 0.2 times its weight?
#   - b2 = np.array([0.1])
#   + b2 = np.array([1.0])
# output upside down: your score is positive outside. Whoever speaks up must lower it: w2 negative, b2 positive.
#   - w2 = np.array([[-1.0], [-1], [-1]])
#   - b2 = np.array([0.1])
#   + w2 = np.array([[1.0], [1], [1]])
#   + b2 = np.array([-0.1])
# edge turned: the neuron for the slanted edge speaks up inside. Its w must point outwards.
#   - w1 = np.array([[-1.0, 0, 0.6], [0, -1, 0.8]])
#   - b1 = np.array([1.0, 1, -3.8])
#   + w1 = np.array([[-1.0, 0, -0.6], [0, -1, -0.8]])
#   + b1 = np.array([1.0, 1, 3.8])
# slanted edge mirrored: you exchange 3 and 4: your slanted edge does not pass through (5, 1) and (1, 4). Put both into w·x + b: it must be 0.
#   - w1 = np.array([[-1.0, 0, 0.6], [0, -1, 0.8]])
#   + w1 = np.array([[-1.0, 0, 0.8], [0, -1, 0.6]])
# signs of b1: your upright and level edges lie at −1. −x₁ + b is 0 at x₁ = 1 if b = 1.
#   - b1 = np.array([1.0, 1, -3.8])
#   + b1 = np.array([-1.0, -1, -3.8])
# b2 below 0: inside all three neurons say 0, so your score there is b2, and b2 is negative.
#   - b2 = np.array([0.1])
#   + b2 = np.array([-0.1])
# signs of all b1: every b1 has its sign turned, so that your edges lie on the other side of the origin. Put a corner into w·x + b: it must be 0.
#   - b1 = np.array([1.0, 1, -3.8])
#   + b1 = np.array([-1.0, -1, 3.8])
# an edge missing: beyond the slanted edge nobody speaks up. Three edges take three neurons.
#   - w2 = np.array([[-1.0], [-1], [-1]])
#   + w2 = np.array([[-1.0], [-1], [0]])
### END MISTAKES


# %% check="carve" points=7
from course import ops
from course.check import Check

check = Check("carve", carve)


def score(points):
    w1, b1, w2, b2 = (np.asarray(part, dtype=float) for part in carve())
    hidden = ops.relu(ops.affine(points, w1, b1)[0])[0]
    return ops.affine(hidden, w2.reshape(-1, 1), b2.reshape(1))[0][:, 0]


def signs_inside(points):
    """1 where the score is positive, as it should be; a network that says the same everywhere says nothing."""
    inside, elsewhere = score(points), score(far)
    return np.where(inside > elsewhere.min(), np.sign(inside), np.minimum(np.sign(inside), 0))


def signs_outside(points):
    """-1 where the score is negative, as it should be, and lower than inside."""
    outside, within = score(points), score(middle[None])
    return np.where(outside < within, np.sign(outside), np.maximum(np.sign(outside), 0))


def first_wrong(points, sign):
    """A place with the wrong score, in words."""
    try:
        said, within = score(points), score(middle[None])[0]
    except Exception:
        return ""  # the case itself says what is wrong
    wrong = np.flatnonzero(~(sign * said > 0))
    if len(wrong):
        (x1, x2), value = points[wrong[0]], said[wrong[0]]
        side, want = ("inside", "positive") if sign > 0 else ("outside", "negative")
        return f"({x1:.2f}, {x2:.2f}) is {side}: your score there is {value:.3g}, should be {want}"
    return f"your score is {within:.3g} inside at (2, 2), and not lower outside"


def along(start, end, count):
    """Points between two corners, none quite at them."""
    t = check.uniform(0.05, 0.95, count)[:, None]
    return (1 - t) * np.array(start, dtype=float) + t * np.array(end, dtype=float)


def out(points, normal, low, high):
    """Points moved outwards, by low to high."""
    return points + check.uniform(low, high, len(points))[:, None] * np.array(normal)


def check_inside(label, places, **worth):
    right, hint = np.ones(len(places)), first_wrong(places, 1)
    check.equal(label, lambda: signs_inside(places), right, hint=hint, **worth)


def check_outside(label, places, **worth):
    right, hint = -np.ones(len(places)), first_wrong(places, -1)
    check.equal(label, lambda: signs_outside(places), right, hint=hint, **worth)


# the mean of a random point on two edges and the centre of the triangle: well inside
middle = np.array([2.0, 2.0])
far = np.array([[-20.0, 2], [2, -20], [30, 30]])
edges = [((1, 1), (5, 1)), ((5, 1), (1, 4)), ((1, 4), (1, 1))]
inside = np.concatenate([0.75 * along(a, b, 8) + 0.25 * middle for a, b in edges])
check_inside("inside: the sign of the score", inside, points=2)
for edge, a, b, normal in (
    ("left", (1, 1), (1, 4), (-1, 0)),
    ("lower", (1, 1), (5, 1), (0, -1)),
    ("slanted", (5, 1), (1, 4), (0.6, 0.8)),
):
    close = out(along(a, b, 8), normal, 0.2, 0.8)
    check_outside(f"close to the {edge} edge, outside: the sign", close)
check_outside("far to the lower left: the sign", -check.uniform(1, 50, 8, 2))
check_outside("far to the upper right: the sign", check.uniform(5.5, 50, 8, 2))
### BEGIN HIDDEN TESTS
check.hide()
check_inside("other points inside", 0.6 * along((5, 1), (1, 4), 8) + 0.4 * middle, points=0.5)
check_outside("other points outside", out(along((5, 1), (1, 4), 8), (0.6, 0.8), 0.5, 9), points=0.5)
### END HIDDEN TESTS
check.score(7)

# %% [markdown]
# Your region, by your own functions:

# %% tags=["experiment"]
w1, b1, w2, b2 = carve()


def score(points):
    return affine(relu(affine(points, w1, b1)[0])[0], w2, b2)[0]


grid = np.stack(np.meshgrid(np.linspace(0, 8, 161), np.linspace(0, 6, 121)), axis=-1).reshape(-1, 2)
is_inside = (grid >= 1).all(axis=1) & (grid @ [3, 4] <= 19)
positive = score(grid)[:, 0] > 0
plots.show(
    regions(score, extent=window, outline=corners),
    alt="The region where the network's score is positive, hatched. It holds "
    f"{positive[is_inside].mean():.0%} of the dashed triangle and {positive[~is_inside].mean():.0%} "
    "of the plane around it.",
)

# %% [markdown]
# **See it: a boundary that bends.** Below you move the hidden neurons themselves. Every dashed line is one of them, with its number on the side where it
# speaks; the output weights are chosen for you after each move, by least squares. Your `affine` and `relu` compute the score.
#
# 1. *island*, with 1, 2, 3 and 4 neurons: how many does it take to enclose anything at all?
# 2. Pick one neuron and move its *offset*, then its *angle*. Where does the boundary bend, and where does it stay straight?
# 3. Three neurons at the right places part the *moons* without a mistake, four the *spirals*. Find such places, or use a few more.

# %% tags=["demo"]
from course.demos import decision_boundary

decision_boundary.demo(affine, relu)

# %% [markdown]
# The boundary bends only where it crosses a dashed line. Between the lines the network is affine: it is made of flat pieces.
#
# ## 7 Any function: a promise that promises little
#
# *Follows EECS 442, the universal approximation theorem and "In practice, doesn't give a practical guarantee. Why?"*
#
# Cybenko (1989) and Hornik (1991): one hidden layer with enough neurons approximates any continuous function on a bounded domain, as
# well as you like. For one input and ReLU you can see how. Go through the points $(t_0, v_0), (t_1, v_1), \dots$ in straight pieces
# with slopes $m_k = (v_{k+1} - v_k)/(t_{k+1} - t_k)$. At each $t_k$ one neuron bends the line, from the old slope to the new one:
#
# $$y(x) = v_0 + \sum_{k} (m_k - m_{k-1}) \cdot \max(0, x - t_k) \qquad \text{with } m_{-1} = 0$$
#
# So the weights of the hidden neurons are 1, their biases −t_k, and the output weights the changes of the slope. The promise kept, and what it costs:

# %% tags=["experiment"]


def curve(x):
    return np.sin(3 * x) + 0.4 * np.sin(11 * x)


x = np.linspace(0, 3, 601)
nets, bends, errors = {}, {}, []
counts = [4, 8, 16, 32, 64, 128, 256]
for neurons in counts:
    t = np.linspace(0, 3, neurons + 1)
    slopes = np.diff(curve(t)) / np.diff(t)
    hidden = relu(affine(x[:, None], np.ones((1, neurons)), -t[:-1])[0])[0]
    y = affine(hidden, np.diff(slopes, prepend=0)[:, None], curve(t)[:1])[0][:, 0]
    errors.append(np.abs(y - curve(x)).max())
    print(f"{neurons:3} neurons: largest error {errors[-1]:.4f}")
    if neurons <= 16:
        nets[f"{neurons} neurons"], bends[f"{neurons} neurons"] = y, t
plots.show(
    approximations(x, curve(x), nets, bends),
    alt="A wavy curve and networks of straight pieces through points on it. Largest error: "
    + ", ".join(f"{error:.2f} with {n} neurons" for n, error in zip(counts[:3], errors, strict=False)) + ".",
)

# %% [markdown]
# Twice as many neurons, a quarter of the error: in the long run. For **one** input. In D dimensions a grid with 10 points along each axis has 10^D of them, and
# EECS 442's small picture has D = 99 750. So the theorem says that a network *exists*. It does not say
#
# - **how many** neurons it takes: often more than there are atoms;
# - **how to find** the weights: you knew the curve; a network that learns has a few noisy points and gradient descent;
# - **what happens elsewhere**: not outside of the domain, and not between the points that you know. A network through all of them may have learned
#   nothing but those.
#
# A table with an entry for each input "approximates any function" too. What counts is how much must be stored, and what is said of an input that is new.

# %% [markdown] question="promise" points=3
# ### In words: a salesman's theorem
#
# Somebody sells a network with one hidden layer of 10 000 neurons for telling apart X-ray pictures of 1000×1000 pixels, and quotes the universal
# approximation theorem: "It can represent any function, so it needs no convolutions and no depth." Give three separate reasons why the theorem does not
# say that this network will be any good. Use a number in at least one of them.
#
# ### BEGIN SOLUTION
# The theorem says that some number of neurons is enough, not that 10 000 are. A grid with only 2 points along each of a million axes has
# 2^1 000 000 cells, against 10 000 bends. It says that good weights exist, not that gradient descent finds them: 10^10 weights in the first layer, to be learned from perhaps 10^5
# pictures. And it says nothing of pictures that are not among those: any function can be matched at finitely many points by infinitely many networks that differ everywhere
# else. Convolution and depth build in what we know of pictures, so fewer examples suffice.
# ### END SOLUTION
#
# === BEGIN MARK SCHEME ===
# 1 point: existence for *some* number of neurons; it can be huge (a number such as 2^D, 10^D or 10^10 weights).
#
# 1 point: existence of weights is not a way to find them (training, few and noisy data).
#
# 1 point: nothing about inputs that were not seen (generalisation, or outside of the bounded domain).
#
# If no number occurs, 2 points at most.
# === END MARK SCHEME ===

# %% [markdown]
# ## 8 A network with two layers
#
# *Follows EECS 442, "Putting It All Together"; HLCV, $f = W_2 \max(0, W_1 x)$ and "Backpropagation".*
#
# Now the network finds its weights itself. The loss at its end is softmax with cross-entropy, given in the next cell. It turns the scores s of a row into
# probabilities, and L is the mean of −log p of the right classes:
#
# $$p_j = \frac{e^{s_j}}{\sum_k e^{s_k}} \qquad\quad dscores_j = \frac{p_j - [\,j \text{ is the right class}\,]}{N}$$
#
# where the bracket is 1 or 0 and dscores, the gradient, has the shape of the scores. So every row pushes its right class up and the others down, the harder the more it is mistaken.

# %% tags=["setup"]


def softmax_loss(scores, labels):
    """Give the mean cross-entropy of scores (N, C) and labels (N,), and its gradient dscores (N, C)."""
    p = np.exp(scores - scores.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    rows = np.arange(len(scores))
    dscores = p.copy()
    dscores[rows, labels] -= 1
    return -np.log(p[rows, labels]).mean(), dscores / len(scores)


# %% tags=["demo"]
plots.show(
    plots.matrices(
        [[1, 2]], [[1, 2], [1, -1]], [[0, -1]], [[1, 0], [2, 5]], [[-3, 0]],
        titles=["x", "w1", "b1", "w2", "b2"],
    ),
    alt="x is the row 1 2. w1 has the rows 1 2 and 1 −1, b1 is 0 −1. w2 has the rows 1 0 and 2 5, "
    "b2 is −3 0.",
)

# %% [markdown]
# ### By hand: forwards and backwards
#
# One row x, its label is class 0: h = relu(x·w1 + b1), scores = h·w2 + b2. Then walk back. A tip: the scores come out equal.

# %% exercise="by-hand-two-layers"
### BEGIN BLANKS
# forwards
h = [3, 0]

# backwards
dscores = [-0.5, 0.5]
dh = [-0.5, 1.5]
dw1_second_row = [-1, 0]
### END BLANKS
### BEGIN MISTAKES
# ReLU forgotten: the second hidden neuron is negative before ReLU.
#   - h = [3, 0]
#   + h = [3, -1]
# probabilities for the gradient: dscores is p with 1 taken away at the right class.
#   - dscores = [-0.5, 0.5]
#   + dscores = [0.5, 0.5]
# wrong class: the label is class 0: there 1 is taken away.
#   - dscores = [-0.5, 0.5]
#   + dscores = [0.5, -0.5]
# w2 not transposed: dh has one number for each hidden neuron: its row of w2 times dscores.
#   - dh = [-0.5, 1.5]
#   + dh = [0.5, 2.5]
# ReLU forgotten on the way back: the second hidden neuron was cut off. What dh says of it does not pass.
#   - dw1_second_row = [-1, 0]
#   + dw1_second_row = [-1, 3]
# first row: that is the row of x = 1. The second row belongs to x = 2.
#   - dw1_second_row = [-1, 0]
#   + dw1_second_row = [-0.5, 0]
### END MISTAKES

# %% check="by-hand-two-layers" points=8
from course.check import Check

check = Check("by-hand-two-layers")
check.blank("h", h)
check.blank("dscores", dscores)
check.blank("dh", dh)
check.blank("dw1_second_row", dw1_second_row)
check.score(8)

# %% [markdown]
# ### Write it: the loss and all its gradients
#
# Four calls forwards, the same four backwards in the opposite order. Each backward gets the cache of its own forward. The line that is given
# names your four layers: `linear` is your `affine`, `bend` your `relu`. The check hands over right ones instead, so that a mistake from above is not counted twice. HLCV's network of three layers,
# $f = W_3 \max(0, W_2 \max(0, W_1 x))$, has two calls more either way, and nothing else is new.


# %% exercise="two_layer_loss"
def two_layer_loss(params, x, labels, *, layers=None):
    """Compute the loss of a network with one hidden layer of ReLU, and all its gradients.

        scores = relu(x·w1 + b1)·w2 + b2

    Args:
        params: a dict: "w1" (D, H), "b1" (H,), "w2" (H, C), "b2" (C,).
        x: (N, D).
        labels: (N,), whole numbers from 0 to C − 1.
        layers: leave it out; the check hands over right layers here.

    Returns:
        loss: a number.
        grads: a dict with the keys and shapes of params.

    Hint: each forward returns y and a cache: `h, cache_bend = bend(s)`. `softmax_loss` stands above.

    >>> params = {"w1": np.array([[1.0, 2], [1, -1]]), "b1": np.array([0.0, -1]),
    ...           "w2": np.array([[1.0, 0], [2, 5]]), "b2": np.array([-3.0, 0])}
    >>> loss, grads = two_layer_loss(params, np.array([[1.0, 3.0]]), np.array([0]))
    >>> f"{loss:.3f}", grads["b2"]
    ('0.313', array([-0.269,  0.269]))
    """
    linear, linear_backward, bend, bend_backward = layers or (affine, affine_backward, relu, relu_backward)
    ### BEGIN SOLUTION
    s, cache1 = linear(x, params["w1"], params["b1"])
    h, cache_bend = bend(s)
    scores, cache2 = linear(h, params["w2"], params["b2"])
    loss, dscores = softmax_loss(scores, labels)

    dh, dw2, db2 = linear_backward(dscores, cache2)
    ds = bend_backward(dh, cache_bend)
    _, dw1, db1 = linear_backward(ds, cache1)
    return loss, {"w1": dw1, "b1": db1, "w2": dw2, "b2": db2}
    ### END SOLUTION
### BEGIN MISTAKES
# ReLU forgotten: your network has no ReLU between its layers: it is one affine map.
#   - scores, cache2 = linear(h, params["w2"], params["b2"])
#   + scores, cache2 = linear(s, params["w2"], params["b2"])
#   - ds = bend_backward(dh, cache_bend)
#   + ds = dh
# ReLU forgotten on the way back: your loss is right, but dh reaches the first layer unfiltered. Neurons that were cut off pass nothing: bend_backward.
#   - ds = bend_backward(dh, cache_bend)
#   + ds = dh
# ReLU at the end: you put the scores through ReLU. Scores may be negative; only the hidden layer is bent.
#   - loss, dscores = softmax_loss(scores, labels)
#   + loss, dscores = softmax_loss(np.maximum(scores, 0), labels)
# caches exchanged: you go back through the second layer with the input of the first one. Each backward gets the cache of its own forward.
#   - _, dw1, db1 = linear_backward(ds, cache1)
#   + dw1, db1 = x.T @ ds, linear_backward(ds, cache1)[2]
#   - dh, dw2, db2 = linear_backward(dscores, cache2)
#   + dh, _, db2 = linear_backward(dscores, cache2)
#   + dw2 = s.T @ dscores
# not averaged: your gradients are those of the sum. softmax_loss divides by N already: use its dscores as they are.
#   - dh, dw2, db2 = linear_backward(dscores, cache2)
#   + dh, dw2, db2 = linear_backward(len(x) * dscores, cache2)
# averaged twice: you divide by N once more. softmax_loss has done it.
#   - dh, dw2, db2 = linear_backward(dscores, cache2)
#   + dh, dw2, db2 = linear_backward(dscores / len(x), cache2)
# biases exchanged: you return the gradients of the two biases under each other's names: compare shapes.
#   - "b1": db1, "w2": dw2, "b2": db2
#   + "b1": db2, "w2": dw2, "b2": db1
# first bias forgotten: you leave out b1.
#   - linear(x, params["w1"], params["b1"])
#   + linear(x, params["w1"], 0 * params["b1"])
# both results of ReLU: bend returns y *and* a cache, and you hand on both: `h, cache_bend = bend(s)`.
#   - h, cache_bend = bend(s)
#   + h = cache_bend = bend(s)
### END MISTAKES


# %% check="two_layer_loss" points=9
from course import ops
from course.check import Check

LAYERS = (ops.affine, ops.affine_backward, ops.relu, ops.relu_backward)


def student(wanted, params, x, labels):
    answer = two_layer_loss(params, x, labels, layers=LAYERS)
    if type(answer) is not tuple or len(answer) != 2 or type(answer[1]) is not dict:
        raise TypeError("two_layer_loss returns the loss and a dict of gradients")
    loss, grads = answer
    return loss if wanted == "loss" else grads[wanted]


def reference(wanted, params, x, labels):
    s, cache1 = ops.affine(x, params["w1"], params["b1"])
    h, bent = ops.relu(s)
    scores, cache2 = ops.affine(h, params["w2"], params["b2"])
    loss, dscores = ops.softmax_loss(scores, labels)
    dh, dw2, db2 = ops.affine_backward(dscores, cache2)
    _, dw1, db1 = ops.affine_backward(ops.relu_backward(dh, bent), cache1)
    return {"loss": loss, "w1": dw1, "b1": db1, "w2": dw2, "b2": db2}[wanted]


check = Check("two_layer_loss", student, reference)
draw = check.normal


def network(D, H, C):
    return {"w1": draw(D, H), "b1": draw(H), "w2": draw(H, C), "b2": draw(C)}


x, labels = draw(1, 2), np.array([1])
# every hidden neuron is positive
upright = {"w1": np.abs(draw(2, 3)), "b1": np.full(3, 10.0), "w2": draw(3, 2), "b2": draw(2)}
for wanted in ("loss", "w1", "w2"):
    check(f"{wanted}: a single row, nothing is cut off", wanted, upright, x, labels, points=0.5)
params, x, labels = network(2, 5, 3), draw(7, 2), check.labels(7, 3)
for wanted, worth in (("loss", 2), ("w1", 1.5), ("b1", 1.5), ("w2", 1.25), ("b2", 1.25)):
    check(f"{wanted}: a batch", wanted, params, x, labels, points=worth)
### BEGIN HIDDEN TESTS
check.hide()
params, x, labels = network(4, 3, 2), draw(6, 4), check.labels(6, 2)
for wanted in ("loss", "w1", "b1", "w2", "b2"):
    check(f"{wanted}: another network", wanted, params, x, labels, points=0.2)
### END HIDDEN TESTS
check.score(9)

# %% [markdown]
# ## 9 How to begin: the first weights
#
# *IIITS names "Weight Initialization" for its next class; EECS 442's training loop begins with `initializeWeights()`. The formulas are those of Glorot and Bengio (2010)
# and He et al. (2015).*
#
# All weights 0? Then all hidden neurons say the same, get the same gradient, and stay equal for ever: they must be **random**, to be different. But how large? A neuron adds up D
# products. If x has mean 0 and variance 1, and w has mean 0, then
#
# $$\operatorname{Var}(s) = D \cdot \operatorname{Var}(w) \cdot \operatorname{Var}(x)$$
#
# With Var(w) = 1/D the next layer sees what this one saw. Every other choice is a factor that is repeated layer by layer. D is called the *fan-in*, the number of inputs of a neuron. M is the
# *fan-out*, the number of neurons that one input goes to. Each number of dx adds up M products, so on the way back the right variance is 1/M. Xavier Glorot's compromise serves both directions. Kaiming He adds that ReLU throws away
# half of the signal:
#
# $$\text{Xavier: } \operatorname{Var}(w) = \frac{2}{D + M} \qquad\qquad \text{He: } \operatorname{Var}(w) = \frac{2}{D}$$
#
# ### By hand: variances and deviations

# %% exercise="by-hand-init"
### BEGIN BLANKS
# He's standard deviation for D = 50
he_deviation = 0.2
# Xavier's standard deviation for D = 300, M = 500
xavier_deviation = 0.05

# ten linear layers, each with Var(w) = 1/(4D): what is left of a deviation of 1?
deviation_after_ten = 0.0009766  # to seven decimals
### END BLANKS
### BEGIN MISTAKES
# variance for deviation: that is the variance. Take the root.
#   - he_deviation = 0.2
#   + he_deviation = 0.04
#   - xavier_deviation = 0.05
#   + xavier_deviation = 0.0025
# Xavier for one direction: Xavier divides by D + M, both ways.
#   - xavier_deviation = 0.05
#   + xavier_deviation = 0.0816
# variance after ten: the variance shrinks to a quarter in each layer, so the deviation to a half.
#   - deviation_after_ten = 0.0009766
#   + deviation_after_ten = 0.000001
# layers added: each layer multiplies by the same factor: ½ ten times over.
#   - deviation_after_ten = 0.0009766
#   + deviation_after_ten = 0.05
### END MISTAKES

# %% check="by-hand-init" points=3
from course.check import Check

check = Check("by-hand-init")
check.blank("he_deviation", he_deviation)
check.blank("xavier_deviation", xavier_deviation)
check.blank("deviation_after_ten", deviation_after_ten, decimals=7)
check.score(3)

# %% [markdown]
# ### Write it: He and Xavier
#
# Draw from a normal distribution with mean 0, by `rng`. The line that is given turns a seed into a generator, and leaves a generator as it is: so a training can be
# repeated, and the check can compare number by number. Draw once, all D·M numbers in the shape of w.


# %% exercise="he_init"
def he_init(D, M, *, rng):
    """Draw weights with variance 2/D, for a layer before a ReLU.

    Args:
        D: the number of inputs.
        M: the number of neurons.
        rng: a np.random.Generator, or a seed for one.

    Returns:
        w: (D, M), normally distributed around 0.

    >>> w = he_init(400, 600, rng=0)
    >>> w.shape, f"{400 * w.var():.2f}"
    ((400, 600), '2.00')
    """
    rng = np.random.default_rng(rng)
    ### BEGIN SOLUTION
    return np.sqrt(2 / D) * rng.standard_normal((D, M))
    ### END SOLUTION
### BEGIN MISTAKES
# variance for deviation: you multiply by 2/D, the variance. The factor in front of standard normal numbers is the deviation, its root.
#   - np.sqrt(2 / D)
#   + 2 / D
# the 2 forgotten: your variance is 1/D: right for a linear layer, but ReLU throws half of the signal away: 2/D.
#   - np.sqrt(2 / D)
#   + np.sqrt(1 / D)
# fan-out: you divide by M, the number of neurons. A neuron adds up D products: divide by D.
#   - np.sqrt(2 / D)
#   + np.sqrt(2 / M)
# Xavier for He: you divide by D + M: that is Xavier. He divides by D.
#   - np.sqrt(2 / D)
#   + np.sqrt(2 / (D + M))
# not around 0: your numbers are evenly drawn from 0 to 1, so none is negative. Draw normal ones, around 0.
#   - rng.standard_normal((D, M))
#   + rng.random((D, M))
# uniform: your numbers are evenly drawn. That exists, with the same variance; here the docstring asks for a normal distribution.
#   - rng.standard_normal((D, M))
#   + rng.uniform(-np.sqrt(3), np.sqrt(3), (D, M))
# transposed: your w has the shape (M, D). One column a neuron: (D, M).
#   - rng.standard_normal((D, M))
#   + rng.standard_normal((M, D))
# rng not used: your numbers do not come from `rng`, so nobody can repeat your training.
#   - rng.standard_normal((D, M))
#   + np.random.default_rng(0).standard_normal((D, M))
### END MISTAKES


# %% check="he_init" points=4
from course import initializers
from course.check import Check


def reference(D, M, *, rng):
    return initializers.he((D, M), dtype=np.float64, rng=np.random.default_rng(rng))


def variance(D, M, seed):
    return float(np.mean(np.square(he_init(D, M, rng=seed))))


def scaled(w):
    return w / np.sqrt(np.mean(np.square(w)))


check = Check("he_init", he_init, reference)
seed = check.integers
check("more inputs than neurons", 7, 4, rng=seed(1, 10**6))
check("fewer inputs than neurons", 3, 8, rng=seed(1, 10**6))
check("as many", 5, 5, rng=seed(1, 10**6), points=0.5)
check.equal(
    "variance of 120 000 weights: 2/D, within 3 %",
    lambda: variance(300, 400, seed(1, 10**6)), 2 / 300, tolerance=0.03,
)
number = seed(1, 10**6)
check.equal(
    "the draws, whatever their size: scaled to variance 1",
    lambda: scaled(he_init(4, 6, rng=number)),
    scaled(reference(4, 6, rng=number)),
    hint="draw once, by rng.standard_normal((D, M)): not by np.random, not by a seed of your own",
)
### BEGIN HIDDEN TESTS
check.hide()
check("another shape", 6, 9, rng=seed(1, 10**6), points=0.5)
### END HIDDEN TESTS
check.score(4)


# %% exercise="xavier_init"
def xavier_init(D, M, *, rng):
    """Draw weights with variance 2/(D + M), for a layer before tanh, sigmoid or nothing.

    Args:
        D: the number of inputs.
        M: the number of neurons.
        rng: a np.random.Generator, or a seed for one.

    Returns:
        w: (D, M), normally distributed around 0.

    >>> w = xavier_init(400, 600, rng=0)
    >>> w.shape, f"{(400 + 600) * w.var():.2f}"
    ((400, 600), '2.00')
    """
    rng = np.random.default_rng(rng)
    ### BEGIN SOLUTION
    return np.sqrt(2 / (D + M)) * rng.standard_normal((D, M))
    ### END SOLUTION
### BEGIN MISTAKES
# variance for deviation: you multiply by 2/(D + M), the variance. The factor in front of standard normal numbers is the deviation, its root.
#   - np.sqrt(2 / (D + M))
#   + 2 / (D + M)
# the 2 forgotten: D and M are averaged: 1 over the mean of both is 2/(D + M).
#   - np.sqrt(2 / (D + M))
#   + np.sqrt(1 / (D + M))
# He for Xavier: you divide by D alone: that is He. Xavier serves both directions: D + M.
#   - np.sqrt(2 / (D + M))
#   + np.sqrt(2 / D)
# brackets forgotten: 2 / D + M is (2/D) + M. The sum stands below the line: 2 / (D + M).
#   - np.sqrt(2 / (D + M))
#   + np.sqrt(2 / D + M)
# rng not used: your numbers do not come from `rng`, so nobody can repeat your training.
#   - rng.standard_normal((D, M))
#   + np.random.default_rng(0).standard_normal((D, M))
# product for sum: you divide by D·M. It is the sum.
#   - np.sqrt(2 / (D + M))
#   + np.sqrt(2 / (D * M))
# transposed: your w has the shape (M, D). One column a neuron: (D, M).
#   - rng.standard_normal((D, M))
#   + rng.standard_normal((M, D))
# uniform: your numbers are evenly drawn. That exists, with the same variance; here the docstring asks for a normal distribution.
#   - rng.standard_normal((D, M))
#   + rng.uniform(-np.sqrt(3), np.sqrt(3), (D, M))
### END MISTAKES


# %% check="xavier_init" points=4
from course import initializers
from course.check import Check


def reference(D, M, *, rng):
    return initializers.xavier((D, M), dtype=np.float64, rng=np.random.default_rng(rng))


def variance(D, M, seed):
    return float(np.mean(np.square(xavier_init(D, M, rng=seed))))


def scaled(w):
    return w / np.sqrt(np.mean(np.square(w)))


check = Check("xavier_init", xavier_init, reference)
seed = check.integers
check("more inputs than neurons", 8, 5, rng=seed(1, 10**6))
check("fewer inputs than neurons", 2, 7, rng=seed(1, 10**6))
check("as many", 4, 4, rng=seed(1, 10**6), points=0.5)
check.equal(
    "variance of 120 000 weights: 2/(D + M), within 3 %",
    lambda: variance(300, 400, seed(1, 10**6)), 2 / 700, tolerance=0.03,
)
number = seed(1, 10**6)
check.equal(
    "the draws, whatever their size: scaled to variance 1",
    lambda: scaled(xavier_init(4, 6, rng=number)),
    scaled(reference(4, 6, rng=number)),
    hint="draw once, by rng.standard_normal((D, M)): not by np.random, not by a seed of your own",
)
### BEGIN HIDDEN TESTS
check.hide()
check("another shape", 9, 6, rng=seed(1, 10**6), points=0.5)
### END HIDDEN TESTS
check.score(4)

# %% [markdown]
# A signal on its way through 20 layers of 200 neurons, by your functions. How much of it is left?

# %% tags=["experiment"]
rng = np.random.default_rng(0)
layers = np.arange(21)


def small(D, M, *, rng):
    return 0.05 * rng.standard_normal((D, M))


def sizes(init, activation):
    """The root of the mean square of the signal, before the first layer and after each."""
    y = rng.standard_normal((100, 200))
    found = [1.0]
    for _ in layers[1:]:
        y = activation(affine(y, init(200, 200, rng=rng), np.zeros(200))[0])[0]
        found.append(np.sqrt(np.mean(y**2)))
    return np.log10(found)


signals = {
    "He, ReLU": sizes(he_init, relu),
    "Xavier, ReLU": sizes(xavier_init, relu),
    "0.05, tanh": sizes(small, tanh),
}
figure = plots.curves(layers, signals, xlabel="layer", ylabel="log₁₀ of the signal's size")
figure.axes[0].set_xticks(layers[::5])
plots.show(
    figure,
    alt="The size of a signal through 20 layers, as a logarithm. "
    + " ".join(f"{name}: {row[-1]:.1f} at the end." for name, row in signals.items()),
)

# %% [markdown]
# He's weights keep the signal at its size through all 20 ReLU layers. Xavier's are right for a linear layer; behind ReLU each layer halves the variance, and after 20 of them
# a thousandth is left. With a deviation of 0.05 each tanh layer multiplies by 0.05·√200 ≈ 0.7, so about as much is lost. The gradients on their way back fare alike.
#
# ## 10 Use it: three spirals
#
# *Follows EECS 442, "Putting It All Together": sample, go back, step.*
#
# Everything here is yours: the layers, the gradients, the first weights. No straight lines can part these three classes; 100 hidden neurons and plain gradient descent
# do.

# %% tags=["experiment"]
x, labels = data.spirals(300, rng=np.random.default_rng(1))
x = x.astype(float)


def new_network(init, rng):
    w1, w2 = init(2, 100, rng=rng), init(100, 3, rng=rng)
    return {"w1": w1, "b1": np.zeros(100), "w2": w2, "b2": np.zeros(3)}


def scores_of(params, points):
    hidden = relu(affine(points, params["w1"], params["b1"])[0])[0]
    return affine(hidden, params["w2"], params["b2"])[0]


def train(params, steps=3000, lr=0.5):
    """Gradient descent on all points; the loss of every step."""
    losses = []
    for _ in range(steps):
        loss, grads = two_layer_loss(params, x, labels)
        losses.append(loss)
        for name in params:
            params[name] = params[name] - lr * grads[name]
    return losses


params = new_network(he_init, np.random.default_rng(0))
losses = train(params)
right = np.mean(scores_of(params, x).argmax(axis=1) == labels)
parameters = count_parameters((2, 100, 3))
print(
    f"{parameters} parameters, loss {losses[0]:.2f} → {losses[-1]:.2f}, "
    f"{right:.0%} of the points are right"
)
plots.show(
    regions(lambda points: scores_of(params, points), x, labels, extent=(-1.3, 1.3, -1.3, 1.3)),
    alt="Three spiral arms of points, of three classes, wound into each other. "
    "The network's three regions wind with them.",
)

# %% [markdown]
# And with other first weights?


# %% tags=["experiment"]
def tiny(D, M, *, rng):
    return 1e-4 * rng.standard_normal((D, M))


def zeros(D, M, *, rng):
    return np.zeros((D, M))


runs = {}
for name, init in (("He", he_init), ("0.0001", tiny), ("all zero", zeros)):
    runs[name] = train(new_network(init, np.random.default_rng(0)))
every = 150
plots.show(
    plots.curves(
        np.arange(0, 3000, every), {name: run[::every] for name, run in runs.items()},
        xlabel="step", ylabel="loss",
    ),
    alt="Loss against steps of gradient descent for three ways to draw the first weights. "
    + " ".join(f"{name}: {run[-1]:.2f} at the end." for name, run in runs.items()),
)

# %% [markdown]
# Tiny weights are not zero: the neurons do become different, and the loss does fall, but late. dw1 is computed with w2, and dw2 with h, which is computed
# with w1: tiny weights make each other's gradients tiny. With zeros nothing ever moves.

# %% [markdown] question="zeros" points=3
# ### In words: all alike
#
# (a) Why does the network whose weights are all zero never leave its first loss, log 3 ≈ 1.10? Follow the gradients by name: dw2, db2, dh, dw1. (b) Somebody sets all
# weights to 0.3 instead, and now the loss falls. What is still wrong with the hidden layer, after any number of steps? (c) Why is it no harm at all that the *biases* begin at zero?
#
# ### BEGIN SOLUTION
# (a) h = relu(0) = 0, so dw2 = hᵀ·dscores = 0; dh = dscores·w2ᵀ = 0, so dw1 and db1 are 0 too. Only db2 is left, and as the three classes are equally frequent it is 0 as well: nothing
# moves. (b) All hidden neurons compute the same number, and all get the same gradient, so they stay equal for ever: 100 neurons are worth one. (c) The random weights make the neurons differ already; each
# bias gets its own gradient and moves away from zero by itself.
# ### END SOLUTION
#
# === BEGIN MARK SCHEME ===
# 1 point: (a) h = 0 makes dw2 = 0, and w2 = 0 makes dh and so dw1 = 0 (db2 may be left out; with equal classes it is 0).
#
# 1 point: (b) all hidden neurons stay equal: they compute and learn the same thing (symmetry).
#
# 1 point: (c) the symmetry is broken by the weights; each bias receives a gradient of its own.
# === END MARK SCHEME ===

# %% [markdown]
# ## What you have now
#
# - A neuron as a half-space and a distance; a layer as M of them; a network that cuts any region out of the plane.
# - Eight activations with their slopes, and where they saturate.
# - (D + 1)·M parameters for every layer, and why pictures need something else.
# - A theorem that promises everything, and no way to get it.
# - First weights that keep a signal alive, and a network that learns three spirals with nothing but your code.
#
# Notebook 05 connects a neuron to its neighbourhood only, and lets all places share its weights.
