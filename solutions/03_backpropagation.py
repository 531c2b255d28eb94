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
# # 03 Backpropagation and computational graphs
#
# To learn, a network must know how its loss changes with each of its weights, and there may be millions of them. Nobody
# writes such a formula down. Instead one draws the computation as a graph of small gates. Each gate knows how to go forwards
# and how to send a gradient backwards, and nothing else. In this notebook you walk three graphs with a pencil, write the
# gates, write the graph, and let it learn.
#
# It takes about an hour. Nothing from an earlier notebook is needed. Run the cells from top to bottom; where you find
# `...` or `NotImplementedError`, it is your turn. The cell below each exercise checks your answer at once, as often as
# you like.
#
# Lectures, as they are called below:
#
# - **HLCV**: *High Level Computer Vision*, Saarland University, "Backpropagation & Convolutional Neural Networks", from
#   "Computational Graphs" to "Summary so far"
# - **EECS 442**: *Computer Vision*, University of Michigan, "Convolutional Neural Networks", "Previously – Backpropagation"
#
# Symbols: f is the output; inside a gate, x and y are its inputs, z its output. **dx is ∂f/∂x**: how f, at the very end,
# changes with x. It is not ∂z/∂x.

# %% tags=["setup"]
import numpy as np

from course import data, plots
from course.plots.graphs import decision

np.set_printoptions(precision=3, suppress=True)

# %% [markdown]
# ## 1 A simple graph
#
# *Follows HLCV, "Backpropagation – A Simple Example" and "Local View".*
#
# The function f(x, y, z) = (x + y)·z in two gates: q = x + y, then f = q·z. Values flow from left to right.

# %% tags=["demo"]
from course.demos.backpropagation import figure

plots.show(
    figure("q = x + y; f = q * z", "x = -2, y = 5, z = -4", forwards=False),
    alt="A graph. The inputs x = −2 and y = 5 go into a gate + whose output is q. q and the input z = −4 go into a "
    "gate × whose output is f.",
)

# %% [markdown]
# Now backwards. At the output the gradient is ∂f/∂f = 1. Each gate receives the gradient of its output, the **upstream
# gradient**, and multiplies it by its own **local gradient**, one for each input. That is the chain rule:
#
# $$\underbrace{\frac{\partial f}{\partial x}}_{\text{downstream}} \;=\;
# \underbrace{\frac{\partial f}{\partial q}}_{\text{upstream}} \;\cdot\; \underbrace{\frac{\partial q}{\partial x}}_{\text{local}}$$
#
# The gate + has the local gradients 1 and 1. The gate × has, for q, the local gradient z; and for z, it is q.
#
# ### By hand: every edge
#
# Replace each `...` by a number, here and below.

# %% exercise="by-hand-simple"
### BEGIN BLANKS
# forwards
q = 3
f = -12

# backwards, from the output to the inputs
df = 1
dq = -4
dz = 3
dx = -4
dy = -4
### END BLANKS
### BEGIN MISTAKES
# local gradient only: you give the local gradient of the gate + alone, 1. Multiply it by the upstream gradient, dq.
#   - dx = -4
#   - dy = -4
#   + dx = 1
#   + dy = 1
# not switched: at the gate × each input receives the value of the *other* input: dq is z, and dz is q.
#   - dq = -4
#   - dz = 3
#   + dq = 3
#   + dz = -4
# value for gradient: you begin the way back with the value of f. Its gradient is ∂f/∂f: how does f change with itself?
#   - df = 1
#   + df = -12
# multiplied at the gate +: you multiply dq by the inputs of the gate +. Its local gradients are 1: raise x by 1, and q grows by 1.
#   - dx = -4
#   - dy = -4
#   + dx = 8
#   + dy = -20
### END MISTAKES

# %% check="by-hand-simple" points=7
from course.check import Check

check = Check("by-hand-simple")
check.blank("q", q)
check.blank("f", f)
check.blank("df", df)
check.blank("dq", dq)
check.blank("dz", dz)
check.blank("dx", dx)
check.blank("dy", dy)
check.score()

# %% [markdown]
# What does dx = −4 say? Raise x from −2 to −1.99, and f changes by about −4 · 0.01. Try it in your head.
#
# ## 2 A neuron, gate by gate
#
# *Follows HLCV, "Another example" and its nine steps.*
#
# A neuron with two inputs, two weights and a bias, and the sigmoid behind it:
#
# $$f(w, x) = \frac{1}{1 + e^{-(w_0 x_0 + w_1 x_1 + w_2)}}$$

# %% tags=["demo"]
NEURON = "a = w0 * x0; b = w1 * x1; c = a + b; s = c + w2; m = -s; e = exp(m); d = e + 1; f = 1 / d"
AT = "w0 = 2, x0 = -1, w1 = -3, x1 = -2, w2 = -3"
plots.show(
    figure(NEURON, AT, forwards=False),
    alt="A graph with eight gates. w0 = 2 times x0 = −1 is a; w1 = −3 times x1 = −2 is b; a plus b is c; c plus w2 = −3 is s; "
    "s times −1 is m; the exponential of m is e; e plus 1 is d; 1 over d is f.",
)

# %% [markdown]
# There are four new gates. Each has one input:
#
# | gate | output | local gradient |
# |---|---|---|
# | ×a | a·x | a |
# | +c | x + c | 1 |
# | exp | eˣ | eˣ |
# | 1/x | 1/x | −1/x² |
#
# ### By hand: the neuron forwards
#
# To two decimals; carry four in your calculator (a Python cell will do).

# %% exercise="by-hand-neuron-forward"
### BEGIN BLANKS
value_a = -2
value_b = 6
value_c = 4
value_s = 1
value_m = -1
value_e = 0.37
value_d = 1.37
value_f = 0.73
### END BLANKS
### BEGIN MISTAKES
# sign lost: a product of two negative numbers is positive: w1·x1 = (−3)·(−2).
#   - value_b = 6
#   + value_b = -6
# bias forgotten: you leave out w2. The gate behind c adds it.
#   - value_s = 1
#   + value_s = 4
# minus forgotten: you take e to the power s. The gate ×−1 stands before exp.
#   - value_e = 0.37
#   + value_e = 2.72
### END MISTAKES

# %% check="by-hand-neuron-forward" points=8
from course.check import Check

check = Check("by-hand-neuron-forward")
check.blank("value_a", value_a, decimals=2)
check.blank("value_b", value_b, decimals=2)
check.blank("value_c", value_c, decimals=2)
check.blank("value_s", value_s, decimals=2)
check.blank("value_m", value_m, decimals=2)
check.blank("value_e", value_e, decimals=2)
check.blank("value_d", value_d, decimals=2)
check.blank("value_f", value_f, decimals=2)
check.score()

# %% [markdown]
# ### By hand: the neuron backwards
#
# From the output to the inputs: upstream times local, at every gate. The local gradient of 1/x is taken at the value that
# the gate **saw** on the way forwards: d = 1.37. To two decimals; carry four.

# %% exercise="by-hand-neuron-backward"
### BEGIN BLANKS
grad_f = 1
grad_d = -0.53
grad_e = -0.53
grad_m = -0.20
grad_s = 0.20
grad_c = 0.20
grad_w2 = 0.20
grad_a = 0.20
grad_b = 0.20
grad_w0 = -0.20
grad_x0 = 0.39
grad_w1 = -0.39
grad_x1 = -0.59
### END BLANKS
### BEGIN MISTAKES
# rounded too early: you went on with 0.2 where 0.1966 stood. Carry four decimals, and round at the end only.
#   - grad_x0 = 0.39
#   + grad_x0 = 0.40
#   - grad_w1 = -0.39
#   + grad_w1 = -0.40
#   - grad_x1 = -0.59
#   + grad_x1 = -0.60
# not switched: at a gate × each input receives upstream times the *other* input: dw0 takes x0, and dx0 takes w0.
#   - grad_w0 = -0.20
#   - grad_x0 = 0.39
#   - grad_w1 = -0.39
#   - grad_x1 = -0.59
#   + grad_w0 = 0.39
#   + grad_x0 = -0.20
#   + grad_w1 = -0.59
#   + grad_x1 = -0.39
# minus of 1/x lost: the local gradient of 1/x is −1/x². With more d there is less f.
#   - grad_d = -0.53
#   - grad_e = -0.53
#   - grad_m = -0.20
#   + grad_d = 0.53
#   + grad_e = 0.53
#   + grad_m = 0.20
# upstream forgotten at exp: you give the local gradient of exp alone, 0.37. Multiply it by what comes from above, −0.53.
#   - grad_m = -0.20
#   + grad_m = 0.37
### END MISTAKES

# %% check="by-hand-neuron-backward" points=13
from course.check import Check

check = Check("by-hand-neuron-backward")
check.blank("grad_f", grad_f, decimals=2)
check.blank("grad_d", grad_d, decimals=2)
check.blank("grad_e", grad_e, decimals=2)
check.blank("grad_m", grad_m, decimals=2)
check.blank("grad_s", grad_s, decimals=2)
check.blank("grad_c", grad_c, decimals=2)
check.blank("grad_w2", grad_w2, decimals=2)
check.blank("grad_a", grad_a, decimals=2)
check.blank("grad_b", grad_b, decimals=2)
check.blank("grad_w0", grad_w0, decimals=2)
check.blank("grad_x0", grad_x0, decimals=2)
check.blank("grad_w1", grad_w1, decimals=2)
check.blank("grad_x1", grad_x1, decimals=2)
check.score()

# %% [markdown]
# ## 3 Any piece of a graph can be one gate
#
# *Follows HLCV, "Computational graph representation may not be unique".*
#
# The last four gates together are the sigmoid σ(s) = 1/(1 + e⁻ˢ). If we know its derivative, we may put one gate in their
# place. And it has a beautiful one, which needs only the gate's own output z = σ(s):
#
# $$\frac{d\sigma}{ds} = \frac{e^{-s}}{(1 + e^{-s})^2} = (1 - \sigma(s))\,\sigma(s)$$

# %% tags=["demo"]
plots.show(
    figure("a = w0 * x0; b = w1 * x1; c = a + b; s = c + w2; f = sigmoid(s)", AT, backwards=True),
    alt="The same neuron with five gates; the last is σ. Values: a = −2, b = 6, c = 4, s = 1, f = 0.73. Gradients: 1 at f; "
    "0.20 at s, c, a, b and w2; −0.20 at w0; 0.39 at x0; −0.39 at w1; −0.59 at x1.",
)

# %% [markdown]
# Choose the pieces so that each local gradient is easy. A whole layer of a network is such a piece, too: section 9.
#
# ### By hand: one gate instead of four, and a square
#
# EECS 442 repeats backpropagation with f(x) = (−x + 3)²: a gate ×−1 gives a, a gate +3 gives b, a gate x² gives f. The local
# gradient of x² is 2x. Take x = 5.

# %% exercise="by-hand-square"
### BEGIN BLANKS
# the local gradient of the sigmoid at s = 1, to four decimals, and what x1 receives with it
local_sigmoid = 0.1966
exact_x1 = -0.5898

# f(x) = (−x + 3)² at x = 5, forwards
square_a = -5
square_b = -2
square_f = 4

# and backwards: ∂f/∂f, ∂f/∂b, ∂f/∂a, ∂f/∂x
square_df = 1
square_db = -4
square_da = -4
square_dx = 4
### END BLANKS
### BEGIN MISTAKES
# sigmoid of s for σ′: you give σ(1) itself. Its derivative is (1 − 0.7311)·0.7311.
#   - local_sigmoid = 0.1966
#   + local_sigmoid = 0.7311
# minus lost: the gate ×−1 has the local gradient −1: it turns the sign of the gradient as well.
#   - square_dx = 4
#   + square_dx = -4
# taken at x: the square saw b = −2, not x = 5. A local gradient is taken at what the gate itself has seen.
#   - square_db = -4
#   - square_da = -4
#   - square_dx = 4
#   + square_db = 10
#   + square_da = 10
#   + square_dx = -10
### END MISTAKES

# %% check="by-hand-square" points=9
from course.check import Check

check = Check("by-hand-square")
check.blank("local_sigmoid", local_sigmoid, decimals=4)
check.blank("exact_x1", exact_x1, decimals=4)
check.blank("square_a", square_a)
check.blank("square_b", square_b)
check.blank("square_f", square_f)
check.blank("square_df", square_df)
check.blank("square_db", square_db)
check.blank("square_da", square_da)
check.blank("square_dx", square_dx)
check.score()

# %% [markdown]
# By calculus, f′(x) = 2x − 6 = 4 at x = 5. The graph did not need to know that.
#
# ## 4 Patterns in the backward flow
#
# *Follows HLCV, "Patterns in backward flow" and "Gradients add at branches".*
#
# Three gates are worth knowing by heart:
#
# - **add** hands the upstream gradient to all its inputs: the *distributor*;
# - **max** hands it to the larger input, and 0 to the other: the *router*;
# - **multiply** hands to each input the upstream gradient times the value of the other: the *switcher*.
#
# And where a wire **branches**, the value goes into several gates. Each of them sends a share back, and the shares **add up**:
# if x acts on f along two ways, f changes along both.

# %% tags=["demo"]
plots.show(
    figure("q = y + x; f = q * x", "x = 3, y = -2", forwards=False),
    alt="A graph with a branch: x = 3 goes into a gate + together with y = −2, which gives q, and once more into a gate × "
    "together with q, which gives f.",
)

# %% [markdown]
# ### By hand: three gates and a branch

# %% exercise="by-hand-patterns"
### BEGIN BLANKS
# one gate at a time, with the inputs x = 3 and y = −4. From above comes 2. What do x and y receive?
add_dx = 2
add_dy = 2
max_dx = 2
max_dy = 0
multiply_dx = -8
multiply_dy = 6

# the graph with the branch, f = (x + y)·x at x = 3, y = −2
x_along_multiply = 1  # the share that comes straight from the gate ×
x_along_add = 3  # the share that comes by way of the gate +
branch_dx = 4
branch_dy = 3
### END BLANKS
### BEGIN MISTAKES
# upstream split: a gate + does not divide the gradient among its inputs: each receives all of it.
#   - add_dx = 2
#   - add_dy = 2
#   + add_dx = 1
#   + add_dy = 1
# max to both: only the larger input reaches the output. Change the other a little: nothing happens, so its gradient is 0.
#   - max_dy = 0
#   + max_dy = 2
# upstream forgotten: you give the local gradients of the gate ×. Multiply them by 2, which comes from above.
#   - multiply_dx = -8
#   - multiply_dy = 6
#   + multiply_dx = -4
#   + multiply_dy = 3
# the last one wins: you keep one share of x. Where a wire branches, the shares add up.
#   - branch_dx = 4
#   + branch_dx = 3
### END MISTAKES

# %% check="by-hand-patterns" points=10
from course.check import Check

check = Check("by-hand-patterns")
check.blank("add_dx", add_dx)
check.blank("add_dy", add_dy)
check.blank("max_dx", max_dx)
check.blank("max_dy", max_dy)
check.blank("multiply_dx", multiply_dx)
check.blank("multiply_dy", multiply_dy)
check.blank("x_along_multiply", x_along_multiply)
check.blank("x_along_add", x_along_add)
check.blank("branch_dx", branch_dx)
check.blank("branch_dy", branch_dy)
check.score()

# %% [markdown]
# ## 5 A gate is a class with two methods
#
# *Follows HLCV, "Modularized implementation: forward / backward API".*
#
# - `forward(…)` computes the output, and keeps what the way back will need;
# - `backward(dz)` takes the upstream gradient and returns a **tuple** with one gradient for each input, upstream times local.
#
# Here are the gates that you have met already, written out, and two new ones: subtract and divide. Read them: yours will look
# like them. All work for numbers and, element by element, for NumPy arrays.

# %% tags=["setup"]
class Subtract:
    """z = x − y."""

    def forward(self, x, y):
        return x - y

    def backward(self, dz):
        return dz, -dz


class Divide:
    """z = x/y; the local gradients are 1/y and −x/y²."""

    def forward(self, x, y):
        self.x, self.y = x, y  # the way back needs both
        return x / y

    def backward(self, dz):
        return dz / self.y, -dz * self.x / self.y**2


class Exp:
    """z = eˣ, its own local gradient."""

    def forward(self, x):
        self.z = np.exp(x)
        return self.z

    def backward(self, dz):
        return (dz * self.z,)  # a tuple of one


class Reciprocal:
    """z = 1/x; the local gradient is −1/x²."""

    def forward(self, x):
        self.x = x
        return 1 / x

    def backward(self, dz):
        return (-dz / self.x**2,)


class Square:
    """z = x²; the local gradient is 2x."""

    def forward(self, x):
        self.x = x
        return x**2

    def backward(self, dz):
        return (2 * self.x * dz,)


class Shift:
    """z = x + c with a constant c."""

    def __init__(self, c):
        self.c = c

    def forward(self, x):
        return x + self.c

    def backward(self, dz):
        return (dz,)


class Scale:
    """z = a·x with a constant a."""

    def __init__(self, a):
        self.a = a

    def forward(self, x):
        return self.a * x

    def backward(self, dz):
        return (self.a * dz,)


def use(gate, what, dz, *inputs):
    """Send inputs forwards through a gate and dz backwards; give z, or the gradient of one input: "dx", "dy", …"""
    z = gate.forward(*inputs)
    if what == "z":
        return z
    gradients = gate.backward(dz)
    if type(gradients) is not tuple or len(gradients) != len(inputs):
        raise TypeError(f"backward returns a tuple with one gradient for each input, here {len(inputs)}")
    return gradients[["dx", "dy"].index(what)]


# %% [markdown]
# ### Write it: four gates


# %% exercise="Add"
class Add:
    """z = x + y, the distributor.

    >>> gate = Add()
    >>> gate.forward(-2.0, 5.0)
    3.0
    >>> gate.backward(-4.0)
    (-4.0, -4.0)
    """

    def forward(self, x, y):
        """Add two numbers, or two arrays of the same shape."""
        ### BEGIN SOLUTION
        return x + y
        ### END SOLUTION

    def backward(self, dz):
        """Return (dx, dy)."""
        ### BEGIN SOLUTION
        return dz, dz
        ### END SOLUTION
### BEGIN MISTAKES
# upstream forgotten: your gradients do not depend on dz. The local gradients are 1 and 1: multiply each by dz.
#   - return dz, dz
#   + return 1.0 + 0 * dz, 1.0 + 0 * dz
# upstream split: you divide dz among the inputs. Raise x by 1, and z grows by 1: each input receives all of dz.
#   - return dz, dz
#   + return dz / 2, dz / 2
# one gradient only: you return one gradient. A gate has one for each input, in their order: a tuple of two.
#   - return dz, dz
#   + return dz
# subtracted: you send −dz to y. That is the gate x − y.
#   - return dz, dz
#   + return dz, -dz
### END MISTAKES


# %% check="Add" points=6
from course import graph
from course.check import Check

check = Check("Add", lambda *args: use(Add(), *args), lambda *args: use(graph.Add(), *args))
x, y, above = check.normal(2, 3), check.normal(2, 3), check.normal(2, 3)
for what in ("z", "dx", "dy"):
    check(f"{what}: HLCV's numbers", what, -4.0, -2.0, 5.0)
    check(f"{what}: arrays", what, above, x, y)
check.score()


# %% exercise="Multiply"
class Multiply:
    """z = x·y, element by element: the switcher.

    >>> gate = Multiply()
    >>> gate.forward(3.0, -4.0)
    -12.0
    >>> gate.backward(1.0)
    (-4.0, 3.0)
    """

    def forward(self, x, y):
        """Multiply, and keep what the way back needs."""
        ### BEGIN SOLUTION
        self.x, self.y = x, y
        return x * y
        ### END SOLUTION

    def backward(self, dz):
        """Return (dx, dy)."""
        ### BEGIN SOLUTION
        return dz * self.y, dz * self.x
        ### END SOLUTION
### BEGIN MISTAKES
# not switched: each input receives dz times its own value. It must be the value of the *other* input: dx = dz·y.
#   - return dz * self.y, dz * self.x
#   + return dz * self.x, dz * self.y
# upstream forgotten: you return the local gradients y and x. Multiply each by dz, which comes from above.
#   - return dz * self.y, dz * self.x
#   + return self.y, self.x
# added for multiplied: you add dz to the local gradient. The chain rule multiplies: upstream × local.
#   - return dz * self.y, dz * self.x
#   + return dz + self.y, dz + self.x
# one memory for all gates: you keep x and y where all gates of this class share them, so the next gate overwrites them. Keep them in self.
#   - self.x, self.y = x, y
#   + Multiply.x, Multiply.y = x, y
# matrix product: you use @. This gate multiplies element by element: *.
#   - return x * y
#   + return x @ y if np.ndim(x) else x * y
### END MISTAKES


# %% check="Multiply" points=8
from course import graph
from course.check import Check

check = Check("Multiply", lambda *args: use(Multiply(), *args), lambda *args: use(graph.Multiply(), *args))
x, y, above = check.normal(3, 3), check.normal(3, 3), check.normal(3, 3)
for what in ("z", "dx", "dy"):
    check(f"{what}: numbers", what, 2.0, 3.0, -4.0)
    check(f"{what}: arrays", what, above, x, y)


def first_of_two(x, y, dz):
    first, second = Multiply(), Multiply()
    first.forward(x, y)
    second.forward(dz, dz)
    return first.backward(dz)


check.equal("two gates, each with its own memory", lambda: first_of_two(3.0, -4.0, 2.0), (-8.0, 6.0))
### BEGIN HIDDEN TESTS
check.hide()
check("other arrays", "dx", check.normal(4), check.normal(4), check.normal(4))
### END HIDDEN TESTS
check.score(8)


# %% exercise="Max"
class Max:
    """z = max(x, y), element by element: the router. Of two equal inputs the first wins.

    >>> gate = Max()
    >>> gate.forward(np.array([2.0, 1.0, 3.0]), np.array([1.0, 4.0, 3.0]))
    array([2., 4., 3.])
    >>> gate.backward(np.array([5.0, 6.0, 7.0]))
    (array([5., 0., 7.]), array([0., 6., 0.]))
    """

    def forward(self, x, y):
        """Take the larger input.

        Hint: `if` cannot decide for a whole array; a comparison gives True or False for each element, and True · dz is dz.
        """
        ### BEGIN SOLUTION
        self.first_wins = x >= y
        return np.maximum(x, y)
        ### END SOLUTION

    def backward(self, dz):
        """Return (dx, dy)."""
        ### BEGIN SOLUTION
        return dz * self.first_wins, dz * np.logical_not(self.first_wins)
        ### END SOLUTION
### BEGIN MISTAKES
# numbers only: `max` and `if` cannot decide for a whole array. np.maximum and a comparison do it for each element.
#   - return np.maximum(x, y)
#   + return max(x, y)
# to the loser: dz goes to the smaller input. It must go to the one that reached the output.
#   - self.first_wins = x >= y
#   + self.first_wins = x < y
# to both: both inputs receive dz, as at a gate +. The loser does not act on z: its gradient is 0.
#   - return dz * self.first_wins, dz * np.logical_not(self.first_wins)
#   + return dz, dz
# the second wins: of two equal inputs you let the second win. The first one shall: >=.
#   - self.first_wins = x >= y
#   + self.first_wins = x > y
# counted twice: of two equal inputs both receive dz, so that it counts twice. Only the first one shall: the second receives it where y > x.
#   - return dz * self.first_wins, dz * np.logical_not(self.first_wins)
#   + return dz * self.first_wins, dz * (self.second_wins)
#   - self.first_wins = x >= y
#   + self.first_wins, self.second_wins = x >= y, y >= x
# upstream forgotten: you return 1 and 0, the local gradients. Multiply them by dz.
#   - return dz * self.first_wins, dz * np.logical_not(self.first_wins)
#   + return 1.0 * self.first_wins, 1.0 * np.logical_not(self.first_wins)
# one winner for the whole array: you compare the arrays as a whole. Each element has a winner of its own.
#   - self.first_wins = x >= y
#   + self.first_wins = np.all(x >= y)
### END MISTAKES


# %% check="Max" points=9
from course import graph
from course.check import Check

check = Check("Max", lambda *args: use(Max(), *args), lambda *args: use(graph.Max(), *args)[()])
x, y, above = check.normal(2, 3), check.normal(2, 3), check.normal(2, 3)
tied = np.array([1.0, 2.0, -1.0]), np.array([1.0, 3.0, -1.0])
for what in ("z", "dx", "dy"):
    check(f"{what}: numbers", what, 2.0, 3.0, -4.0)
    check(f"{what}: arrays", what, above, x, y)
for what in ("dx", "dy"):
    check(f"{what}: some inputs are equal", what, np.array([5.0, 6.0, 7.0]), *tied)
### BEGIN HIDDEN TESTS
check.hide()
check("other arrays", "dy", check.normal(5), check.normal(5), check.normal(5))
### END HIDDEN TESTS
check.score(9)


# %% exercise="Sigmoid"
class Sigmoid:
    """z = 1/(1 + e⁻ˣ), four gates in one.

    >>> gate = Sigmoid()
    >>> z, (dx,) = gate.forward(1.0), gate.backward(1.0)
    >>> f"{z:.4f} {dx:.4f}"
    '0.7311 0.1966'
    """

    def forward(self, x):
        """Compute z, and keep what the way back needs."""
        ### BEGIN SOLUTION
        self.z = 1 / (1 + np.exp(-x))
        return self.z
        ### END SOLUTION

    def backward(self, dz):
        """Return (dx,), a tuple of one."""
        ### BEGIN SOLUTION
        return (dz * (1 - self.z) * self.z,)
        ### END SOLUTION
### BEGIN MISTAKES
# minus forgotten: your z falls where it should rise: e to the power −x, not x.
#   - np.exp(-x)
#   + np.exp(x)
# upstream forgotten: you return the local gradient (1 − z)·z alone. Multiply it by dz.
#   - return (dz * (1 - self.z) * self.z,)
#   + return (0 * dz + (1 - self.z) * self.z,)
# taken at x: you compute (1 − x)·x with the input. The formula takes the gate's own output: (1 − z)·z.
#   - self.z = 1 / (1 + np.exp(-x))
#   - return self.z
#   + self.z = x
#   + return 1 / (1 + np.exp(-x))
# derivative of tanh: 1 − z² is the derivative of tanh. The sigmoid has (1 − z)·z.
#   - return (dz * (1 - self.z) * self.z,)
#   + return (dz * (1 - self.z**2),)
# no tuple: you return the gradient bare. A graph wants a tuple with one gradient for each input: (dx,).
#   - return (dz * (1 - self.z) * self.z,)
#   + return dz * (1 - self.z) * self.z
### END MISTAKES


# %% check="Sigmoid" points=6
from course import graph
from course.check import Check

check = Check("Sigmoid", lambda *args: use(Sigmoid(), *args), lambda *args: use(graph.Sigmoid(), *args))
x, above = check.uniform(-4, 4, 3, 4), check.normal(3, 4)
for what in ("z", "dx"):
    check(f"{what}: HLCV's number", what, 1.0, 1.0)
    check(f"{what}: another upstream", what, -3.0, -0.5)
    check(f"{what}: arrays", what, above, x)
check.score()

# %% [markdown]
# ## 6 Each gate after its inputs
#
# *Follows HLCV, "Graph (or Net) object".*
#
# A gate can go forwards once all its inputs are known. So a graph needs its gates in **topological order**: each after the
# gates that it takes its inputs from. Backwards, the same order is walked from the end: then all the branches that leave a
# gate have sent their shares before the gate hands its gradient on.
#
# One way to find it: count, for every gate, how many of its inputs still wait for a gate. Those with 0 are ready. Take a ready
# one, and tell its users that one input less is missing. No recursion is needed: a network may well be thousands of
# gates deep, and Python gives up after about a thousand calls.
#
# ### Write it: topological order


# %% exercise="topological_order"
def topological_order(inputs_of):
    """Put gates into an order in which each stands after its inputs.

    Args:
        inputs_of: dict from the name of each gate to the list of the names of its inputs. A name that is no key is an
            input of the whole graph, known from the start. A gate may use the same input twice.

    Returns:
        A list with the name of every gate, once. Where several orders are possible, any of them.

    Raises:
        ValueError: there is none: some gates wait for each other in a circle.

    >>> topological_order({"f": ["q", "z"], "q": ["x", "y"]})
    ['q', 'f']
    """
    ### BEGIN SOLUTION
    users = {name: [] for name in inputs_of}
    missing = {}
    for name, inputs in inputs_of.items():
        gates = [i for i in inputs if i in inputs_of]
        missing[name] = len(gates)
        for gate in gates:
            users[gate].append(name)
    order = [name for name in inputs_of if missing[name] == 0]
    for name in order:  # grows while we walk along it
        for user in users[name]:
            missing[user] -= 1
            if missing[user] == 0:
                order.append(user)
    if len(order) < len(inputs_of):
        raise ValueError("some gates wait for each other")
    return order
    ### END SOLUTION
### BEGIN MISTAKES
# as given: you return the gates as they stand in the dict. They may stand there in any order.
#   - return order
#   + return list(inputs_of)
# from the output: your order runs from the output to the inputs. That is the way back; forwards a gate comes after its inputs.
#   - return order
#   + return order[::-1]
# inputs too: your list has names that are no gates. Inputs of the whole graph are known from the start: leave them out.
#   - return order
#   + return list(dict.fromkeys(i for name in order for i in [*inputs_of[name], name]))
# circle not noticed: you leave out gates that wait for each other. There is no order then: raise a ValueError.
#   - if len(order) < len(inputs_of):
#   + if len(order) < 0:
# too early: you let a gate follow its first input, whatever its other inputs are. It must wait until none is missing.
#   - if missing[user] == 0:
#   + if user not in order:
# same input twice: a gate that takes one input twice, as x·x does, is lost: its input is counted twice but ticked off once.
#   - users[gate].append(name)
#   + users[gate] += [name] if name not in users[gate] else []
### END MISTAKES


# %% check="topological_order" points=8
from course.check import Check

check = Check("topological_order", topological_order)


def is_order(inputs_of, strict=True):
    order = topological_order(inputs_of)
    if type(order) is list and not strict:  # names that are no gates are judged elsewhere
        order = [name for name in order if name in inputs_of]
    if type(order) is not list or sorted(order) != sorted(inputs_of):
        return False
    place = {name: i for i, name in enumerate(order)}
    return all(place[i] < place[name] for name in order for i in inputs_of[name] if i in place)


def drawn(gates):
    inputs_of = {
        f"g{n}": [f"g{i}" if i >= 0 else "x" for i in check.integers(max(-1, n - 6), n - 1, 2).tolist()]
        for n in range(gates)
    }
    return {name: inputs_of[name] for name in check.rng.permutation(list(inputs_of)).tolist()}


check.equal("HLCV's graph", lambda: topological_order({"f": ["q", "z"], "q": ["x", "y"]}), ["q", "f"])
chain = {"c": ["b"], "e": ["d"], "a": ["x"], "d": ["c"], "b": ["a"]}
check.equal("a chain", lambda: topological_order(chain), ["a", "b", "c", "d", "e"])
twice = {"g": ["h", "x"], "h": ["k", "k"], "k": ["x", "x"]}
check.equal("the same input twice", lambda: topological_order(twice), ["k", "h", "g"])
late = {"f": ["a", "c"], "c": ["b"], "b": ["a"], "a": ["x"]}
check.equal("a short way and a long way", lambda: topological_order(late), ["a", "b", "c", "f"])
graph_of_40 = drawn(40)
check.holds("40 gates, drawn", lambda: is_order(graph_of_40, strict=False), "one is missing, twice, or too early")
long = {f"g{n}": [f"g{n - 1}" if n else "x"] for n in reversed(range(5000))}
check.holds("a chain of 5000 gates", lambda: is_order(long, strict=False), "one is missing, twice, or too early")
check.raises("two gates in a circle", ValueError, {"a": ["x"], "b": ["a", "c"], "c": ["b"]})
### BEGIN HIDDEN TESTS
check.hide()
graph_of_60 = drawn(60)
check.holds("another graph", lambda: is_order(graph_of_60), "one is missing, twice, or too early")
### END HIDDEN TESTS
check.score(8)

# %% [markdown]
# ## 7 The graph
#
# *Follows HLCV, "Graph (or Net) object", "Gradients add at branches" and "Summary so far".*
#
# A graph is a list of gates in topological order. Each is a triple: the name of its output, the kind of gate, the names of its
# inputs. f = (x − y)/z is
#
#     [("q", "subtract", ["x", "y"]), ("f", "divide", ["q", "z"])]
#
# `make_gate` turns a kind into a new gate object; "+3" and "*-1" are the gates with a constant.

# %% tags=["setup"]
GATES = {"subtract": Subtract, "divide": Divide, "exp": Exp, "reciprocal": Reciprocal, "square": Square}


def make_gate(kind):
    """A new gate: a word from GATES, or "+c" or "*a" with a number."""
    if kind[0] in "+*":
        return (Shift if kind[0] == "+" else Scale)(float(kind[1:]))
    return GATES[kind]()


# %% [markdown]
# ### Write it: forwards and backwards through a graph
#
# The graph computes nothing itself: it asks the gates, in the right order, with the right numbers.


# %% exercise="ComputationalGraph"
class ComputationalGraph:
    """Gates in topological order; the last one's output is f.

    Args:
        nodes: a list of (name, kind, names of the inputs).

    Attributes:
        values: after `forward`, a dict from each name, inputs included, to its value.

    >>> graph = ComputationalGraph([("q", "subtract", ["x", "y"]), ("f", "divide", ["q", "z"])])
    >>> graph.forward({"x": 7.0, "y": 1.0, "z": 2.0})
    3.0
    >>> graph.backward()
    {'x': 0.5, 'y': -0.5, 'z': -1.5, 'q': 0.5, 'f': 1.0}
    """

    def __init__(self, nodes):
        # a gate keeps what it saw, so each place of the graph has a gate of its own
        self.nodes = [(name, make_gate(kind), inputs) for name, kind, inputs in nodes]

    def forward(self, inputs):
        """Compute every value.

        Args:
            inputs: dict from the name of each input to its value. It stays as it is.

        Returns:
            f, the value of the last gate; self.values holds all values.
        """
        ### BEGIN SOLUTION
        self.values = dict(inputs)
        for name, gate, names in self.nodes:
            self.values[name] = gate.forward(*[self.values[i] for i in names])
        return self.values[self.nodes[-1][0]]
        ### END SOLUTION

    def backward(self, upstream=1.0):
        """Compute every gradient, after `forward`.

        Args:
            upstream: the gradient of f, by default ∂f/∂f = 1.

        Returns:
            dict from every name, inputs included, to its gradient: the sum of what came along all its branches, and 0.0 for
            what f does not depend on.

        Hint: begin with 0.0 for every name (`dict.fromkeys`), and add. Write d[i] = d[i] + g: += would change an array
        that somebody else holds, too.
        """
        ### BEGIN SOLUTION
        gradients = dict.fromkeys(self.values, 0.0)
        gradients[self.nodes[-1][0]] = upstream
        for name, gate, names in reversed(self.nodes):
            for i, share in zip(names, gate.backward(gradients[name]), strict=True):
                gradients[i] = gradients[i] + share
        return gradients
        ### END SOLUTION
### BEGIN MISTAKES
# the last branch wins: you write = where a wire branches, so a name keeps only the share that came last. Shares add up.
#   - gradients[i] = gradients[i] + share
#   + gradients[i] = share
# upstream ignored: you begin with 1 whatever the upstream gradient is.
#   - gradients[self.nodes[-1][0]] = upstream
#   + gradients[self.nodes[-1][0]] = 0 * upstream + 1.0
# the first branch wins: you keep the share that came first, and forget the later ones. Shares add up.
#   - gradients[i] = gradients[i] + share
#   + gradients[i] = share if np.all(gradients[i] == 0) else gradients[i]
# forwards again: you walk from the inputs to the output, where nothing has arrived yet. Walk the list from its end.
#   - in reversed(self.nodes):
#   + in self.nodes:
# inputs in the wrong order: you give the gates their inputs in reverse: x − y becomes y − x.
#   - [self.values[i] for i in names])
#   + [self.values[i] for i in reversed(names)])
# gradients of the last time: you keep gradients from one backward to the next, and add to them. Begin with 0.0 each time.
#   - gradients = dict.fromkeys(self.values, 0.0)
#   + gradients = self.gradients = getattr(self, "gradients", None) or dict.fromkeys(self.values, 0.0)
# recursion: you let each name send its share to the next by a call in a call. Thousands of gates in a row are too
#     many for that, and where ways branch again and again the calls double each time. Walk the list from its end.
#   - for name, gate, names in reversed(self.nodes):
#   -     for i, share in zip(names, gate.backward(gradients[name]), strict=True):
#   -         gradients[i] = gradients[i] + share
#   + gates = {name: (gate, names) for name, gate, names in self.nodes}
#   + def send(name, dz):
#   +     gate, names = gates.get(name, (None, []))
#   +     for i, share in zip(names, gate.backward(dz) if gate else (), strict=True):
#   +         gradients[i] = gradients[i] + share
#   +         send(i, share)
#   + send(self.nodes[-1][0], upstream)
# inputs changed: you write the values into the dict that you were given. Make a copy: dict(inputs).
#   - self.values = dict(inputs)
#   + self.values = inputs
### END MISTAKES


# %% check="ComputationalGraph" points=20
from course import graph
from course.check import Check


def student(what, nodes, inputs, upstream=1.0):
    made = ComputationalGraph(nodes)
    f = made.forward(dict(inputs))
    if what == "f":
        return f
    return made.values if what == "values" else made.backward(upstream)


def right(what, nodes, inputs, upstream=1.0):
    made = {name: graph.Input(name) for name in inputs}
    for name, kind, names in nodes:
        made[name] = graph.apply(make_gate(kind), *(made[i] for i in names), name=name)
    whole = graph.ComputationalGraph(made[nodes[-1][0]])
    f = whole.forward({name: inputs[name] for name in whole.inputs})
    if what == "f":
        return f
    if what == "values":
        for name, node in made.items():  # also what f does not depend on
            node.value = inputs.get(name)
            node.forward()
        return {name: node.value for name, node in made.items()}
    whole.backward(upstream)
    return {name: 0.0 if node.gradient is None else node.gradient for name, node in made.items()}


def drawn(gates):
    names, nodes = ["x", "y", "z"], []
    for n in range(gates):
        one, other = (names[i] for i in check.integers(max(0, n - 2), n + 2, 2).tolist())
        kind = ["subtract", "*0.5", "subtract", "+1.5"][n % 4]
        nodes.append((f"g{n}", kind, [one, other] if kind == "subtract" else [one]))
        names.append(f"g{n}")
    return nodes


check = Check("ComputationalGraph", student, right)
simple = [("q", "subtract", ["x", "y"]), ("f", "divide", ["q", "z"])]
branch = [("q", "subtract", ["x", "y"]), ("f", "divide", ["q", "x"])]
diamond = [("a", "square", ["x"]), ("b", "exp", ["a"]), ("c", "*0.5", ["a"]), ("f", "subtract", ["c", "b"])]
numbers = {name: check.uniform(0.5, 2) for name in "xyz"}
x = {"x": numbers["x"]}
many = drawn(40)
arrays = {name: check.uniform(0.5, 2, 2, 3) for name in "xyz"}
check("f: (x − y)/z", "f", simple, numbers)
check("values: (x − y)/z", "values", simple, numbers)
check("gradients: no branch, (x − y)/z", "gradients", simple, numbers, points=2)
check("gradients: x branches, (x − y)/x", "gradients", branch, {name: numbers[name] for name in "xy"}, points=2)
check("gradients: a = x² branches, 0.5·a − exp(a)", "gradients", diamond, x, points=2)
check("gradients: x − x", "gradients", [("f", "subtract", ["x", "x"])], x)
check("values: 40 gates, drawn", "values", many, numbers)
check("gradients: 40 gates, drawn", "gradients", many, numbers, points=2)
check("gradients: (x − y)/z, another upstream", "gradients", simple, numbers, -3.0)
check("f: (x − y)/z, arrays", "f", simple, arrays)
check("gradients: (x − y)/x, arrays", "gradients", branch, {name: arrays[name] for name in "xy"}, check.normal(2, 3))


def twice(nodes, inputs):
    made = ComputationalGraph(nodes)
    made.forward(dict(inputs))
    made.backward()
    return made.backward()


def given(nodes, inputs):
    kept = dict(inputs)
    ComputationalGraph(nodes).forward(kept)
    return sorted(kept)


xy = {name: numbers[name] for name in "xy"}
check.equal("gradients: (x − y)/x, backward twice", lambda: twice(branch, xy), right("gradients", branch, xy))
check.equal("the dict of inputs stays as it is", lambda: given(simple, numbers), ["x", "y", "z"])
long = [(f"g{n}", "*-1" if n % 2 else "+0.001", [f"g{n - 1}" if n else "x"]) for n in range(5001)]


def far(what):
    made = ComputationalGraph(long)
    f = made.forward(dict(x))
    return f if what == "f" else made.backward(2.0)["x"]


check.equal("f: a chain of 5001 gates", lambda: far("f"), right("f", long, x))
check.equal("gradients: a chain of 5001 gates", lambda: far("gradient"), right("gradients", long, x, 2.0)["x"], points=2)
### BEGIN HIDDEN TESTS
check.hide()
check("another graph", "gradients", drawn(30), {name: check.uniform(0.5, 2) for name in "xyz"}, points=2)
### END HIDDEN TESTS
check.score(20)

# %% [markdown]
# ## 8 See it: step through a graph
#
# Give your own four gates to your graph, and ask it for the numbers of sections 1 to 3:

# %% tags=["experiment"]
GATES |= {"add": Add, "multiply": Multiply, "max": Max, "sigmoid": Sigmoid}

simple = ComputationalGraph([("q", "add", ["x", "y"]), ("f", "multiply", ["q", "z"])])
print("f =", simple.forward({"x": -2.0, "y": 5.0, "z": -4.0}), " gradients:", simple.backward())
square = ComputationalGraph([("a", "*-1", ["x"]), ("b", "+3", ["a"]), ("f", "square", ["b"])])
print("f =", square.forward({"x": 5.0}), " gradients:", square.backward())

# %% [markdown]
# Now your classes drive this demo. Click the slider *step*, and walk with the arrow keys: forwards to the output, then backwards.
# Values are blue and stand above the wires; gradients are vermilion and stand below. Choose another graph, or type a formula of
# your own and press Enter: + − * /, ** 2, max, exp, sigmoid.
#
# 1. Before each step, say the number that will appear.
# 2. *with a branch*: when does x get its gradient, and why not earlier?
# 3. *your own*: the max gate stops part of the gradient. Change the values until it takes the other way.
# 4. Type `sigmoid(sigmoid(sigmoid(sigmoid(x))))`. What happens to the gradient on its way back?

# %% tags=["demo"]
from course.demos import backpropagation

backpropagation.demo(ComputationalGraph)

# %% [markdown]
# ### Find the bug
#
# One can also write the way back without a graph, line after line. Somebody did so for f = (x·y + z)·(x − z):

# %% tags=["demo"]
def hasty_gradients(x, y, z):
    q = x * y  # line 1
    r = q + z  # line 2
    s = x - z  # line 3
    f = r * s  # line 4, and now backwards:
    dr = s  # line 5
    ds = r  # line 6
    dx = ds  # line 7
    dz = -ds  # line 8
    dq = dr  # line 9
    dz = dr  # line 10
    dx += dq * y  # line 11
    dy = dq * x  # line 12
    return f, (dx, dy, dz)


# %% [markdown]
# It runs, and two of its three gradients are right. Which line is wrong? Take x = 2, y = 3, z = 1; draw the graph, and ask how
# often each input is used.

# %% exercise="by-hand-bug"
### BEGIN BLANKS
bug_line = 10
dz_as_it_is = 1  # at x = 2, y = 3, z = 1
dz_as_it_should_be = -6
dx_as_it_should_be = 10
### END BLANKS
### BEGIN MISTAKES
# sign suspected: line 8 is right: s = x − z, so z receives −ds. Look for an input that is used twice.
#   - bug_line = 10
#   + bug_line = 8
# the one that adds: line 11 adds, and it must: x is used in lines 1 and 3. z is used twice as well.
#   - bug_line = 10
#   + bug_line = 11
# one branch only: this is the share along x − z alone. Add the share along q + z.
#   - dz_as_it_should_be = -6
#   + dz_as_it_should_be = -7
### END MISTAKES

# %% check="by-hand-bug" points=4
from course.check import Check

check = Check("by-hand-bug")
check.blank("bug_line", bug_line)
check.blank("dz_as_it_is", dz_as_it_is)
check.blank("dz_as_it_should_be", dz_as_it_should_be)
check.blank("dx_as_it_should_be", dx_as_it_should_be)
check.score()

# %% [markdown] question="hidden-bug" points=3
# ### In words: a test that saw nothing
#
# The author did test `hasty_gradients`: at x = 1, y = −1, z = 1 all three gradients agreed with difference quotients. Why
# was the bug not seen there? Give one more such point. How should one test gradients, so that this cannot easily happen?
#
# ### BEGIN SOLUTION
# The share that gets lost is −ds = −r = −(x·y + z). At (1, −1, 1) it is 0, so nothing is missing from the sum. It is the same
# wherever z = −x·y, for example at (2, 1, −2) or (0, 5, 0). One should test at several points with random, not round numbers,
# where it is improbable that a share is exactly 0, and compare every input's gradient.
# ### END SOLUTION
#
# === BEGIN MARK SCHEME ===
# 1 point: the lost share is ±r = ±(x·y + z), and it is 0 at that point.
#
# 1 point: another point with x·y + z = 0.
#
# 1 point: random (not special) numbers, or several points.
# === END MARK SCHEME ===

# %% [markdown]
# ## 9 Arrays in a gate
#
# *Follows HLCV, "Gradients for vectorized code"; EECS 442, 'Define New Block: "Linear Layer"'.*
#
# Your gates already take arrays. In theory the local gradient of such a gate is a matrix, the Jacobian: for 4096 inputs and 4096
# outputs it has 16.8 million entries. At an element-by-element gate all but those on its diagonal are 0, so nobody writes it
# down: backward multiplies element by element.
#
# One gate deserves more thought: a **whole layer**. For N rows of D inputs, M neurons:
#
# $$y = x\,w + b \qquad\quad dx = dy\; w^{\mathsf T} \qquad dw = x^{\mathsf T}\, dy \qquad db = \sum_n dy_n$$
#
# with x (N, D), w (D, M), b (M,) and y (N, M). No need to learn that by heart: a gradient has the shape of its array,
# and for dx there is only one way to multiply dy (N, M) and w (D, M) such that (N, D) comes out. And b goes into every row: it
# branches N times, so its shares add up.
#
# ### By hand: two rows, two inputs, one neuron

# %% tags=["demo"]
x = np.array([[1.0, 2], [3, -1]])
w = np.array([[2.0], [-1]])
b = np.array([1.0])
dy = np.array([[1.0], [-2]])
plots.show(
    plots.matrices(x, w, dy, titles=["x", "w", "dy"]),
    alt="x has the rows 1 2 and 3 −1; w is a column with 2 and −1; dy is a column with 1 and −2. The bias b is 1.",
)

# %% exercise="by-hand-affine"
### BEGIN BLANKS
# forwards: y of the first and of the second row; the bias is 1
affine_y = [1, 8]

# backwards
affine_dx_first_row = [2, -1]
affine_dx_second_row = [-4, 2]
affine_dw = [-5, 4]
affine_db = -1
### END BLANKS
### BEGIN MISTAKES
# bias forgotten: you leave out b, which every row adds.
#   - affine_y = [1, 8]
#   + affine_y = [0, 7]
# one row only: the weights meet both rows: dw is a sum over the rows, here 1·1 + 3·(−2) and 2·1 + (−1)·(−2).
#   - affine_dw = [-5, 4]
#   + affine_dw = [1, 2]
# mean over the rows: you take means. db and dw are sums over the rows: a branch adds.
#   - affine_db = -1
#   + affine_db = -0.5
# upstream forgotten: you give w itself. Multiply it by the dy of that row.
#   - affine_dx_second_row = [-4, 2]
#   + affine_dx_second_row = [2, -1]
### END MISTAKES

# %% check="by-hand-affine" points=9
from course.check import Check

check = Check("by-hand-affine")
check.blank("affine_y", affine_y)
check.blank("affine_dx_first_row", affine_dx_first_row)
check.blank("affine_dx_second_row", affine_dx_second_row)
check.blank("affine_dw", affine_dw)
check.blank("affine_db", affine_db)
check.score()

# %% [markdown]
# ### Write it: a layer as one gate


# %% exercise="Affine"
class Affine:
    """y = x·w + b, a fully connected layer.

    >>> gate = Affine()
    >>> gate.forward(np.array([[1.0, 2.0]]), np.array([[1.0, 0.0], [3.0, 1.0]]), np.array([0.0, 1.0]))
    array([[7., 3.]])
    >>> dx, dw, db = gate.backward(np.array([[1.0, -1.0]]))
    >>> dx, dw, db
    (array([[1., 2.]]), array([[ 1., -1.],
           [ 2., -2.]]), array([ 1., -1.]))
    """

    def forward(self, x, w, b):
        """Take x (N, D), w (D, M), b (M,) to y (N, M)."""
        ### BEGIN SOLUTION
        self.x, self.w = x, w
        return x @ w + b
        ### END SOLUTION

    def backward(self, dy):
        """Take dy (N, M) to the tuple dx (N, D), dw (D, M), db (M,)."""
        ### BEGIN SOLUTION
        dx = dy @ self.w.T
        dw = self.x.T @ dy
        db = dy.sum(axis=0)
        return dx, dw, db
        ### END SOLUTION
### BEGIN MISTAKES
# dw transposed: your dw has the shape (M, D). It must have that of w, (D, M): xᵀ·dy.
#   - dw = self.x.T @ dy
#   + dw = dy.T @ self.x
# db not summed: your db still has a row for each n. The bias goes into every row: sum over axis 0.
#   - db = dy.sum(axis=0)
#   + db = dy
# mean over the batch: you take means over the rows. If the loss is a mean, that factor is in dy already: only add.
#   - dw = self.x.T @ dy
#   + dw = self.x.T @ dy / len(dy)
#   - db = dy.sum(axis=0)
#   + db = dy.mean(axis=0)
# wrong axis: you sum db over the neurons. Each neuron has its bias: sum over the rows, axis 0.
#   - db = dy.sum(axis=0)
#   + db = dy.sum(axis=1)
# w not transposed: dx takes wᵀ: (N, M) times (M, D) is (N, D). Without .T it fits only if D = M, and is wrong even then.
#   - dx = dy @ self.w.T
#   + dx = dy @ self.w
# bias forgotten: your y has no bias.
#   - return x @ w + b
#   + return x @ w + 0 * b
### END MISTAKES


# %% check="Affine" points=10
from course import ops
from course.check import Check


def layer(what, x, w, b, dy):
    gate = Affine()
    y = gate.forward(x, w, b)
    if what == "y":
        return y
    gradients = gate.backward(dy)
    if type(gradients) is not tuple or len(gradients) != 3:
        raise TypeError("backward returns a tuple of three: dx, dw, db")
    return gradients[["dx", "dw", "db"].index(what)]


def right(what, x, w, b, dy):
    y, cache = ops.affine(x, w, b)
    return dict(zip(["y", "dx", "dw", "db"], [y, *ops.affine_backward(dy, cache)], strict=True))[what]


check = Check("Affine", layer, right)
draw = check.normal
one, several, square = (
    (draw(1, 3), draw(3, 1), draw(1), draw(1, 1)),
    (draw(5, 3), draw(3, 4), draw(4), draw(5, 4)),
    (draw(3, 3), draw(3, 3), draw(3), draw(3, 3)),
)
for what in ("y", "dx", "dw", "db"):
    check(f"{what}: one row, one neuron", what, *one, points=0.5)
    check(f"{what}: 5 rows, 4 neurons", what, *several)
    check(f"{what}: N = D = M", what, *square, points=0.5)
### BEGIN HIDDEN TESTS
check.hide()
for what in ("y", "dx", "dw", "db"):
    check(f"{what}: another shape", what, draw(4, 2), draw(2, 6), draw(6), draw(4, 6), points=0.5)
### END HIDDEN TESTS
check.score(10)

# %% [markdown]
# ## 10 Use it: your graph learns
#
# Two layers with sigmoids are a graph of four gates. The loss L = mean (p − y)² sends 2(p − y)/N into the output: that is the
# upstream gradient. One walk back then gives the gradients of **all** weights, and each takes a small step downhill.

# %% tags=["experiment"]
GATES |= {"affine": Affine}
network = ComputationalGraph(
    [
        ("s1", "affine", ["x", "w1", "b1"]),
        ("h", "sigmoid", ["s1"]),
        ("s2", "affine", ["h", "w2", "b2"]),
        ("p", "sigmoid", ["s2"]),
    ]
)
rng = np.random.default_rng(3)
x, y = data.moons(200, noise=0.12, rng=rng)
y = y.reshape(-1, 1)  # (N, 1), as p
weights = {
    "w1": 2 * rng.standard_normal((2, 8)),
    "b1": np.zeros(8),
    "w2": rng.standard_normal((8, 1)),
    "b2": np.zeros(1),
}
losses = []
for _ in range(4000):
    p = network.forward({"x": x, **weights})
    losses.append(np.mean((p - y) ** 2))
    gradients = network.backward(2 * (p - y) / len(x))
    for name in weights:
        weights[name] = weights[name] - 2.0 * gradients[name]
print(f"loss {losses[0]:.3f} → {losses[-1]:.3f}; {np.mean((p > 0.5) == y):.0%} of the points are on the right side")
plots.show(
    decision(lambda points: network.forward({"x": points, **weights}), x, y),
    alt="Two interlocked half moons of points, circles for y = 0 and triangles for y = 1. The network's border bends between "
    "them; on the side of the triangles p is near 1, on the other near 0.",
)

# %% [markdown]
# Were all these gradients right? Compare them with difference quotients, and count what those cost: two walks forwards for
# every single weight, where backward took one walk for all.

# %% tags=["experiment"]
worst, walks, h = 0.0, 0, 1e-5
p = network.forward({"x": x, **weights})
gradients = network.backward(2 * (p - y) / len(x))
for name, array in weights.items():
    for place in np.ndindex(array.shape):
        sides = []
        for change in (h, -h):
            moved = array.copy()
            moved[place] += change
            sides.append(np.mean((network.forward({"x": x, **weights, name: moved}) - y) ** 2))
            walks += 1
        worst = max(worst, abs((sides[0] - sides[1]) / (2 * h) - gradients[name][place]))
print(f"largest difference {worst:.0e}, after {walks} walks forwards; backward needed 1 of each")

# %% [markdown] question="large-inputs" points=3
# ### In words: inputs in the thousands
#
# In the layer s = x·w + b, somebody multiplies all inputs x by 1000 (metres become millimetres). Which gate pattern tells what
# this does to dw, and what does it do, if the upstream gradient ds stays the same? What must one change for the training to go
# on as before? And why does ds **not** stay the same, once a sigmoid stands behind the layer?
#
# ### BEGIN SOLUTION
# Multiply switches: dw = xᵀ·ds holds the other factor, the input, so dw becomes 1000 times as large. The learning rate of w
# must shrink; with w divided by 1000 the outputs stay the same, and the steps of w must then be 1000 times smaller than before
# although the gradient is 1000 times larger: the rate falls by 1000². That is why inputs are scaled first. If w is left as it is, s becomes
# thousands, the sigmoid is 0 or 1, its local gradient (1 − z)·z is nearly 0, and hardly anything of the upstream gradient
# passes.
# ### END SOLUTION
#
# === BEGIN MARK SCHEME ===
# 1 point: the multiply gate switches, so dw grows by 1000.
#
# 1 point: a smaller learning rate (a factor of 1000 or 1000², either with a reason), or scaled inputs.
#
# 1 point: the sigmoid saturates: (1 − z)·z is nearly 0.
# === END MARK SCHEME ===

# %% [markdown]
# ## What you have now
#
# - The chain rule as a local rule: downstream = upstream × local, at every gate.
# - Add distributes, max routes, multiply switches, and where a wire branches the shares add up.
# - Gates with `forward` and `backward`, and a graph of any depth that walks them there and back.
# - The layer as one gate, with dx = dy·wᵀ, dw = xᵀ·dy, db = Σ dy: the heart of every network from here on.
