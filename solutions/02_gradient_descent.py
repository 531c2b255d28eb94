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
# # 02 Gradient descent and its variants
#
# A loss says how bad the weights are. It does not say which weights are better. Its slope does: go against it, a little, and
# the loss falls. In this notebook you follow the slope, first with pencil and paper, then in code. You find out how long a step
# may be, and put that to the test on a hundred landscapes. Then you write the five update rules that train almost every network, and let
# them race.
#
# It takes about an hour and a half, in two halves: sections 1 to 5 are about the gradient and the step, 6 to 10 about the five
# rules. After section 5 is a good place for a break. Nothing from an earlier notebook is needed, only derivatives and NumPy. Run the
# cells from top to bottom; where you find `...` or `NotImplementedError`, it is your turn. The cell below each exercise checks your
# answer at once, as often as you like.
#
# Lectures: HLCV, *High Level Computer Vision* (Saarland), the part on gradient descent; EECS 545 *Lecture 12* (Michigan),
# "Optimization"; SYSU *Lecture 7* (Sun Yat-sen University), "Training CNNs through Gradient Descent".
#
# Symbols: w are the weights, L the loss, ∇L its gradient; N samples. The step size has three names in the lectures: α in HLCV,
# η in SYSU, ε in EECS 545, where α is something else. Here it is `lr`, the learning rate, and formulas follow EECS 545: θ for the
# weights (`w`), ĝ for the gradient on a mini-batch (`dw`), ε for `lr`. Code counts from 0, so the first of several weights is w₀. A lone
# `*` in a signature means that what follows it is given by name, as in `lr=0.1`.

# %% tags=["setup"]
from copy import deepcopy

import numpy as np

from course import data, plots
from course.plots.gradient_descent import descents, directions, lines, paths

np.set_printoptions(precision=3, suppress=True)


def on_copies(function):
    """For the checks: your function on copies; that it changes nothing is a case of its own."""
    return lambda *args, **hyper: function(*deepcopy(args), **deepcopy(hyper))


def weights_and_state(check, label, *args, points=1, **hyper):
    """For the checks: two cases, so that who has one of the two right is paid for it."""

    def part(n):
        answer = check.function(*args, **hyper)
        if not isinstance(answer, (tuple, list)) or len(answer) != 2:
            raise TypeError(f"{check.exercise} should return two values, as in return w, {{…}}")
        return answer[n]

    for n, name in enumerate(["w", "state"]):
        right = check.reference(*deepcopy(args), **hyper)[n]
        check.equal(f"{label}: {name}", lambda n=n: part(n), right, points=points / 2)

# %% [markdown]
# ## 1 Downhill, with one weight
#
# *Follows HLCV, "Strategies" and "Gradient Descent (in 1 dimension)".*
#
# How do we find weights with a low loss? HLCV names two strategies. Random search tries weights at random and keeps the best: it can
# work, and it is very expensive. The other strategy follows the slope. Begin somewhere, compute the derivative, take a step
# in the *negative* direction of the derivative, repeat:
#
# $$w^{(t+1)} \leftarrow w^{(t)} - \mathrm{lr} \cdot \frac{\partial L(w^{(t)})}{\partial w}$$
#
# The rule has one number to choose, and everything hangs on it:

# %% tags=["demo"]
traces = {}
for lr in (0.05, 0.4, 1.05):
    w = [-3.0]
    for _ in range(12):
        w.append(w[-1] - lr * 2 * (w[-1] - 1))
    traces[f"lr = {lr:g}"] = w
plots.show(
    descents(lambda w: (w - 1) ** 2, traces, reach=(-4, 6)),
    alt="The parabola (w − 1)² three times, descent from w = −3. With lr 0.05 many short steps that are "
    "still under way after twelve. With lr 0.4 the bottom after a few. With lr 1.05 each step jumps to "
    "the other side and higher than before.",
)

# %% [markdown]
# ### By hand: three starts
#
# Another parabola: L(w) = 2(w − 3)², so its derivative is 4(w − 3). Start each time at w = 8. Replace each `...` by a number,
# here and below.

# %% exercise="by-hand-steps"
### BEGIN BLANKS
# lr = 0.2
w_after_one = 4
w_after_two = 3.2

# lr = 0.6
far_after_two = 12.8

# with this lr, w jumps between 8 and −2 for ever
lr_for_ever = 0.5
### END BLANKS
### BEGIN MISTAKES
# upwards: you added the slope. It points to where the loss grows: subtract it.
#   - w_after_one = 4
#   + w_after_one = 12
#   - w_after_two = 3.2
#   + w_after_two = 19.2
#   - far_after_two = 12.8
#   + far_after_two = 60.8
# the old slope again: for the second step compute the slope anew, at the place where you are now.
#   - w_after_two = 3.2
#   + w_after_two = 0
#   - far_after_two = 12.8
#   + far_after_two = -16
# one step only: that is where the first step leads. Take the second one from there.
#   - far_after_two = 12.8
#   + far_after_two = -4
#   - w_after_two = 3.2
#   + w_after_two = 4
# factor lost: the derivative of 2(w − 3)² is 4(w − 3): the exponent comes down and meets the 2.
#   - w_after_one = 4
#   + w_after_one = 6
#   - w_after_two = 3.2
#   + w_after_two = 4.8
#   - far_after_two = 12.8
#   + far_after_two = 3.2
#   - lr_for_ever = 0.5
#   + lr_for_ever = 1
# the step for w: that is how far you went. The new w is the old one minus lr times the slope.
#   - w_after_two = 3.2
#   + w_after_two = 0.8
#   - far_after_two = 12.8
#   + far_after_two = -16.8
### END MISTAKES

# %% check="by-hand-steps" points=4
from course.check import Check

check = Check("by-hand-steps")
check.blank("w_after_one", w_after_one)
check.blank("w_after_two", w_after_two)
check.blank("far_after_two", far_after_two)
check.blank("lr_for_ever", lr_for_ever)
check.score()

# %% [markdown]
# ## 2 The slope, without calculus
#
# *Follows HLCV, "Gradient Descent (in two dimensions)" and "(in multiple dimensions)".*
#
# With n weights there are n partial derivatives: the slope along each weight while the others stand still. Together they are the
# gradient ∇L. You can measure each of them by asking for the loss at two nearby places:
#
# $$\frac{\partial L}{\partial w_i} \approx \frac{L(w + h\,e_i) - L(w - h\,e_i)}{2h}$$
#
# where $e_i$ is 1 at weight i and 0 elsewhere. This is the **central** difference quotient. The **forward** quotient
# asks at w + h eᵢ and at w itself, and divides by h.
#
# ### By hand: two quotients
#
# Take f(x) = x³ at x = 2. The derivative is 3x² = 12.

# %% exercise="by-hand-quotients"
### BEGIN BLANKS
# h = 1
forward_quotient = 19
central_quotient = 13

# how often is the loss computed for the central quotients of 5000 weights?
losses_computed = 10000
### END BLANKS
### BEGIN MISTAKES
# divided by h: the two places of the central quotient are 2h apart: divide by 2h.
#   - central_quotient = 13
#   + central_quotient = 26
# the other quotient: that is the forward quotient. The central one asks at x + h and at x − h.
#   - central_quotient = 13
#   + central_quotient = 19
# the derivative itself: 12 is what both quotients come near to. Put in the numbers: h is 1 here.
#   - central_quotient = 13
#   + central_quotient = 12
#   - forward_quotient = 19
#   + forward_quotient = 12
# backwards: you asked at x and at x − h. The forward quotient asks at x + h and at x.
#   - forward_quotient = 19
#   + forward_quotient = 7
# one loss a weight: each weight needs the loss at two places of its own.
#   - losses_computed = 10000
#   + losses_computed = 5000
### END MISTAKES

# %% check="by-hand-quotients" points=3
from course.check import Check

check = Check("by-hand-quotients")
check.blank("forward_quotient", forward_quotient)
check.blank("central_quotient", central_quotient)
check.blank("losses_computed", losses_computed)
check.score()

# %% [markdown]
# The central quotient is 1 too large. With h = 0.1 it is 12.01: ten times smaller h, a hundred times smaller error, which is of the order
# of h². The forward quotient, 12.61, has an error of the order of h. So we take the central one.
#
# ### Write it: the numerical gradient


# %% exercise="numerical_gradient"
def numerical_gradient(f, x, *, h=1e-5):
    """Differentiate a function by central quotients, one weight after the other.

        gradient[i] = (f(x + h·eᵢ) − f(x − h·eᵢ)) / 2h

    Args:
        f: takes an array of the shape of x and gives one number.
        x: an array of floats of any shape. It must not be changed.
        h: half the distance of the two places.

    Returns:
        the gradient, of the shape of x.

    Hint: `for i in np.ndindex(x.shape)` runs through the indices of an array of any shape.

    >>> numerical_gradient(lambda x: x[0] ** 2 * x[1], np.array([3.0, 5.0]))
    array([30.,  9.])
    """
    ### BEGIN SOLUTION
    gradient = np.empty_like(x)
    for i in np.ndindex(x.shape):
        above, below = x.copy(), x.copy()
        above[i] += h
        below[i] -= h
        gradient[i] = (f(above) - f(below)) / (2 * h)
    return gradient
    ### END SOLUTION
### BEGIN MISTAKES
# forward quotient: you compare with the loss at x itself. Ask at x + h and at x − h, and divide by 2h.
#   - gradient[i] = (f(above) - f(below)) / (2 * h)
#   + gradient[i] = (f(above) - f(x)) / h
# backward quotient: you ask at x and at x − h. Ask at x + h and at x − h, and divide by 2h.
#   - gradient[i] = (f(above) - f(below)) / (2 * h)
#   + gradient[i] = (f(x) - f(below)) / h
# divided by h: the two places are 2h apart, not h: your gradient is twice as large as it should be.
#   - / (2 * h)
#   + / h
# precedence: / 2 * h divides by 2 and then multiplies by h. Write / (2 * h).
#   - / (2 * h)
#   + / 2 * h
# all weights moved: you move every weight at once. A partial derivative moves one weight, the others stand still.
#   - above[i] += h
#   - below[i] -= h
#   + above += h
#   + below -= h
# not moved back: once moved, a weight stays moved while you ask for the next ones. Begin with a fresh copy of x for each weight.
#   -     for i in np.ndindex(x.shape):
#   -         above, below = x.copy(), x.copy()
#   +     above, below = x.copy(), x.copy()
#   +     for i in np.ndindex(x.shape):
# the same array: `above = x` is no copy but a second name: both places are then one, and x itself is changed. Use x.copy().
#   - above, below = x.copy(), x.copy()
#   + above, below = x, x
# a flat gradient: the gradient has the shape of x: x may be a matrix.
#   - return gradient
#   + return gradient.ravel()
# sign: you took f(x − h) − f(x + h). The slope is positive where f grows.
#   - (f(above) - f(below))
#   + (f(below) - f(above))
# h ignored: whatever h is, you use your own. Print numerical_gradient(lambda x: x[0] ** 3, np.array([2.0]), h=1.0): it is 13.
#   - gradient = np.empty_like(x)
#   + gradient, h = np.empty_like(x), 1e-5
# put back by adding: (x + h − 2h) + h is x only up to rounding, so that x drifts. Work on a copy, or keep the old number and put that back.
#   -         above, below = x.copy(), x.copy()
#   -         above[i] += h
#   -         below[i] -= h
#   -         gradient[i] = (f(above) - f(below)) / (2 * h)
#   +         x[i] += h
#   +         up = f(x)
#   +         x[i] -= 2 * h
#   +         down = f(x)
#   +         x[i] += h
#   +         gradient[i] = (up - down) / (2 * h)
# only the first axis: `for i in range(len(x))` runs through the rows of a matrix and moves a whole row at once. Use np.ndindex(x.shape).
#   - np.ndindex(x.shape)
#   + range(len(x))
# too early: your `return` stands inside the loop, so only the first weight is ever done. Move it to the left.
#   -     gradient = np.empty_like(x)
#   +     gradient = np.zeros_like(x)
#   -         gradient[i] = (f(above) - f(below)) / (2 * h)
#   -     return gradient
#   +         gradient[i] = (f(above) - f(below)) / (2 * h)
#   +         return gradient
# a list: you return a list. The gradient is an array of the shape of x.
#   - return gradient
#   + return list(gradient)
# left at x − h: you never put the weight back, so the next ones are measured elsewhere, and x is changed. Work on a copy.
#   -         above, below = x.copy(), x.copy()
#   -         above[i] += h
#   -         below[i] -= h
#   -         gradient[i] = (f(above) - f(below)) / (2 * h)
#   +         x[i] += h
#   +         up = f(x)
#   +         x[i] -= 2 * h
#   +         gradient[i] = (up - f(x)) / (2 * h)
# h halved: you go h/2 each way. The formula goes h each way, so that the two places are 2h apart.
#   -         above[i] += h
#   -         below[i] -= h
#   -         gradient[i] = (f(above) - f(below)) / (2 * h)
#   +         above[i] += h / 2
#   +         below[i] -= h / 2
#   +         gradient[i] = (f(above) - f(below)) / h
### END MISTAKES


# %% check="numerical_gradient" points=7
from course import gradcheck
from course.check import Check

reference = gradcheck.numerical_gradient
check = Check("numerical_gradient", on_copies(numerical_gradient), reference, returns="gradient")
c = check.uniform(0.5, 2, 3)
check("f(x) = x³ at 2, h = 1", lambda x: float(x[0] ** 3), np.array([2.0]), h=1.0)
check("a plane: the same slope everywhere", lambda x: float(c @ x), check.normal(3), h=0.5)
check("three weights, each for itself", lambda x: float(c @ x**2), check.normal(3))
check(
    "three weights, multiplied", lambda x: float(x[0] * x[1] * x[2] + x[0] ** 2), check.normal(3), h=0.2
)
check("h = 0.3", lambda x: float(c @ x**3), check.normal(3), h=0.3)
a = check.normal(2, 3)
check("a matrix of weights", lambda x: float(np.sum(a * np.exp(a * x))), check.normal(2, 3), h=0.1)
check.function = numerical_gradient  # no copies now
check("x stays as it was", lambda x: float(x[0] ** 2 * x[1]), check.normal(2), h=0.1)
### BEGIN HIDDEN TESTS
check.hide()
a = check.normal(2, 2, 3)
check(
    "another shape", lambda x: float(np.sum(a * x**3) + x[0, 1, 2] ** 2), check.normal(2, 2, 3), h=0.05
)
### END HIDDEN TESTS
check.score(7)

# %% [markdown]
# **Why against the gradient?** A short step d changes the loss by about $d \cdot \nabla L$. Among all steps of one length this
# product is smallest when d points exactly against ∇L. Try it: one step of length 0.01 in every direction, from one place of a
# landscape.

# %% tags=["experiment"]
def landscape(w):
    return w[0] ** 2 + 3 * w[1] ** 2 + w[0] * w[1]


place = np.array([-1.0, 0.8])
angles = np.arange(0, 360, 3)
turned = np.radians(angles)
steps = 0.01 * np.stack([np.cos(turned), np.sin(turned)], axis=1)
changes = [landscape(place + step) - landscape(place) for step in steps]
slope = numerical_gradient(landscape, place)
downhill = np.degrees(np.arctan2(-slope[1], -slope[0])) % 360
plots.show(
    directions(angles, changes, downhill),
    alt="Change of the loss against the direction of the step: one wave. It is lowest near "
    f"{angles[np.argmin(changes)]} degrees; the negative gradient points to {downhill:.0f} degrees.",
)

# %% [markdown]
# A wave: half of all directions lead down. Along two directions the loss hardly changes at all: they follow the contour line, and the gradient
# stands at right angles to it.
#
# Measuring a slope is fine for a test, and much too slow for learning: 10 000 losses for a small network, and that for a single step.
# Notebook 03 shows how to get all slopes for the price of about two losses.
#
# ## 3 Descent with many weights
#
# *Follows HLCV, "Gradient Descent (“Code”)"; SYSU, "Training CNNs through Gradient Descent".*
#
# With n weights the rule stays the same: each weight follows its own partial derivative. Written for all at once:
#
# $$w \leftarrow w - \mathrm{lr} \cdot \nabla L(w)$$
#
# ### By hand: two weights
#
# L(w) = w₀² + 4w₁². Start at w = (5, 1) with lr = 0.1.

# %% exercise="by-hand-two"
### BEGIN BLANKS
w_after_step = [4, 0.2]

# every step multiplies w₀ by one number, and w₁ by another. That of w₁:
factor_of_w1 = 0.2
### END BLANKS
### BEGIN MISTAKES
# factor 2 forgotten: the derivative of w₀² is 2w₀, that of 4w₁² is 8w₁.
#   - w_after_step = [4, 0.2]
#   + w_after_step = [4.5, 0.6]
# upwards: you added lr times the gradient. Subtract it.
#   - w_after_step = [4, 0.2]
#   + w_after_step = [6, 1.8]
#   - factor_of_w1 = 0.2
#   + factor_of_w1 = 1.8
# the step for w: that is lr times the gradient. Subtract it from the start.
#   - w_after_step = [4, 0.2]
#   + w_after_step = [1, 0.8]
# what is lost: that is the part that the step takes away. What stays is 1 minus it.
#   - factor_of_w1 = 0.2
#   + factor_of_w1 = 0.8
### END MISTAKES

# %% check="by-hand-two" points=3
from course.check import Check

check = Check("by-hand-two")
check.blank("w_after_step", w_after_step)
check.blank("factor_of_w1", factor_of_w1)
check.score()

# %% [markdown]
# ### Write it: gradient descent
#
# Return the whole **trace**: all places that the descent went through, the start first. We shall look at it from all sides.


# %% exercise="gradient_descent"
def gradient_descent(gradient, w, *, lr, steps):
    """Go downhill and keep the trace: w ← w − lr·∇L(w).

    Args:
        gradient: a function that takes w and gives ∇L(w), of the shape of w.
        w: the start, an array of floats of any shape. It must not be changed.
        lr: the learning rate.
        steps: T, how many steps to take.

    Returns:
        (T + 1, …), an array: the start, then the weights after each step.

    >>> gradient_descent(lambda w: 4 * (w - 3), np.array([8.0]), lr=0.25, steps=2)
    array([[8.],
           [3.],
           [3.]])
    """
    ### BEGIN SOLUTION
    trace = [w]
    for _ in range(steps):
        w = w - lr * gradient(w)
        trace.append(w)
    return np.array(trace)
    ### END SOLUTION
### BEGIN MISTAKES
# upwards: you add the gradient. It points to where the loss grows: go against it.
#   - w = w - lr * gradient(w)
#   + w = w + lr * gradient(w)
# one array for all: `w -= …` changes the array that is already in your trace, so that all rows become the last one.
#     It may also change the start that you were given. Write w = w - …, which makes a new array.
#   - w = w - lr * gradient(w)
#   + w -= lr * gradient(w)
# start left out: your trace begins after the first step. Its first row is the start: T steps, T + 1 places.
#   - return np.array(trace)
#   + return np.array(trace[1:]).reshape(steps, *w.shape)
# last place left out: your trace ends one step early. T steps, T + 1 places.
#   - for _ in range(steps):
#   + for _ in range(steps - 1):
# the end only: you return the last place. The whole trace is wanted, the start first.
#   - return np.array(trace)
#   + return w
# one slope for all steps: you compute the gradient once, at the start. It changes from place to place: compute it in each step.
#   -     for _ in range(steps):
#   -         w = w - lr * gradient(w)
#   +     slope = gradient(w)
#   +     for _ in range(steps):
#   +         w = w - lr * slope
# lr forgotten: you step by the whole gradient. Multiply it by lr.
#   - w = w - lr * gradient(w)
#   + w = w - gradient(w)
# steps of one length: you divide by the length of the gradient. Gradient descent does not: its steps become shorter where it gets flat.
#   - w = w - lr * gradient(w)
#   + w = w - lr * gradient(w) / np.linalg.norm(gradient(w))
# kept too early: you keep w before the step, so the start is in your trace twice and the last place is not. First the step, then append.
#   -         w = w - lr * gradient(w)
#   -         trace.append(w)
#   +         trace.append(w)
#   +         w = w - lr * gradient(w)
# one step too many: T steps, so range(steps). The start is there already.
#   - range(steps)
#   + range(steps + 1)
# stacked side by side: np.vstack and np.concatenate join the rows of matrices. np.array(trace) gives the trace an axis of its own.
#   - np.array(trace)
#   + np.concatenate([np.atleast_1d(w) for w in trace])
# a list: you return a list of arrays. np.array(trace) makes one array of it.
#   - np.array(trace)
#   + trace
# two answers: you return the last w as well. Only the trace is wanted, its last row is that w.
#   - return np.array(trace)
#   + return w, np.array(trace)
# signs only: you step by lr whatever the size of the gradient. Multiply lr by the gradient itself.
#   - lr * gradient(w)
#   + lr * np.sign(gradient(w))
# the start changed: `w -= …` changes the array that was given to you, and that array is the first row of your trace. Write w = w - ….
#   - w = w - lr * gradient(w)
#   + w -= lr * gradient(w)
#   - trace.append(w)
#   + trace.append(w.copy())
### END MISTAKES


# %% check="gradient_descent" points=8
from course import optim
from course.check import Check


def reference(gradient, w, *, lr, steps):
    trace = np.empty((steps + 1, *w.shape))
    trace[0] = w
    for t in range(steps):
        trace[t + 1], _ = optim.sgd(trace[t], gradient(trace[t]), lr=lr)
    return trace


check = Check("gradient_descent", on_copies(gradient_descent), reference, returns="trace")
check("one weight, one step", lambda w: 4 * (w - 3), np.array([8.0]), lr=0.2, steps=1)
check("one weight, five steps", lambda w: 4 * (w - 3), np.array([8.0]), lr=0.2, steps=5)
A = np.array([[2.0, 0.5], [0.5, 8]])
check("two weights, a ravine", lambda w: A @ w, check.normal(2), lr=0.15, steps=6)
check("no step at all: the start", lambda w: A @ w, check.normal(2), lr=0.15, steps=0, points=0.5)
c = check.normal(3, 2)
check("a matrix of weights", lambda w: w**3 + c, check.normal(3, 2), lr=0.05, steps=4)
start = check.normal(3, 2)


def places(function, part):
    return function(lambda w: w**3 + c, start.copy(), lr=0.05, steps=7)[part]


first, last = slice(3), slice(-3, None)
check.equal(
    "a trace begins", lambda: places(gradient_descent, first), places(reference, first), points=2.5
)
check.equal(
    "a trace ends", lambda: places(gradient_descent, last), places(reference, last), points=2.5
)
check.function = gradient_descent  # no copies now
check("the start stays as it was", lambda w: A @ w, check.normal(2), lr=0.15, steps=2)
### BEGIN HIDDEN TESTS
check.hide()
c = check.normal(2, 4)
check("another shape", lambda w: np.sin(w) + c, check.normal(2, 4), lr=0.3, steps=3, points=0.5)
### END HIDDEN TESTS
check.score(8)

# %% [markdown]
# Your descents in a **ravine**: L = ½(w₀² + 20 w₁²) is steep across and almost flat along. EECS 545 lists such high curvature first among the
# troubles of gradient descent.

# %% tags=["experiment"]
curvature = np.array([1.0, 20.0])


def in_ravine(lr, steps=30):
    return gradient_descent(lambda w: curvature * w, np.array([-4.0, 1.0]), lr=lr, steps=steps)


def told(traces):
    """Traces in words: where each ends, and how often it changed from one side of the valley to the other."""
    return "; ".join(
        f"{name} ends at ({w[-1, 0]:.2f}, {w[-1, 1]:.2f}) and changed sides "
        f"{np.sum(w[1:, 1] * w[:-1, 1] < 0)} times"
        for name, w in traces.items()
    )


traces = {"lr 0.02": in_ravine(0.02), "lr 0.095": in_ravine(0.095)}
plots.show(
    paths(
        lambda a, b: 0.5 * (a**2 + 20 * b**2), traces,
        x=(-4.4, 1.6), y=(-1.2, 1.9), levels=[0.5, 2, 5, 10, 20],
    ),
    alt="Contour lines of a long, narrow valley with its lowest point at (0, 0), and two descents of 30 "
    f"steps from (−4, 1): {told(traces)}.",
)  # fmt: skip

# %% [markdown]
# A rate that suits the flat direction is too large for the steep one. How large may it be?
#
# ## 4 How long a step may be
#
# *Goes beyond the lectures; EECS 545, "Limitations of GD and SGD" names the trouble.*
#
# Near a minimum every smooth loss looks like a quadratic, L(w) = ½ wᵀA w, with the gradient A w. Along an eigenvector of A with the
# eigenvalue λ, its curvature, one step is
#
# $$w \leftarrow w - \mathrm{lr}\,\lambda\, w = (1 - \mathrm{lr}\,\lambda)\, w$$
#
# so each direction shrinks or grows by a factor of its own. It shrinks if |1 − lr λ| < 1, that is if lr < 2/λ. The steepest direction decides:
#
# $$\text{descent diverges exactly when} \quad \mathrm{lr} > \frac{2}{\lambda_{\max}}$$
#
# (from any start that is not, by accident, without a part in the steepest direction). At lr = 2/λmax itself the factor is −1: it jumps to and
# fro for ever, as with `lr_for_ever` above.
#
# ### By hand: the limit
#
# L(w) = w₀² + 4w₁² once more, so the curvatures are 2 and 8.

# %% exercise="by-hand-limit"
### BEGIN BLANKS
lr_limit = 0.25
factor_beyond = -1.4  # of w₁ with lr = 0.3

# the best rate: the two factors are of the same size, one positive, one negative
best_lr = 0.2
### END BLANKS
### BEGIN MISTAKES
# 1/λ for 2/λ: at 1/λ one step lands exactly at the bottom of that direction. It may still go as far again: 2/λ.
#   - lr_limit = 0.25
#   + lr_limit = 0.125
# the flattest direction: you took the smaller curvature. The steepest direction is the first to diverge.
#   - lr_limit = 0.25
#   + lr_limit = 1
# coefficient for curvature: the curvature of 4w₁² is its second derivative, 8.
#   - factor_beyond = -1.4
#   + factor_beyond = -0.2
# sign lost: 1 − 0.3·8 is negative: w₁ changes sides with each step.
#   - factor_beyond = -1.4
#   + factor_beyond = 1.4
# the limit is not the best: at the limit w₁ does not shrink at all. Set 1 − 2·lr = −(1 − 8·lr).
#   - best_lr = 0.2
#   + best_lr = 0.25
# halfway: you took the mean of 1/2 and 1/8. The two factors 1 − 2·lr and 1 − 8·lr must add up to 0.
#   - best_lr = 0.2
#   + best_lr = 0.3125
# the steep one only: with 1/8 the steep direction is done at once, and the flat one keeps 0.75. Both factors count.
#   - best_lr = 0.2
#   + best_lr = 0.125
### END MISTAKES

# %% check="by-hand-limit" points=3
from course.check import Check

check = Check("by-hand-limit")
check.blank("lr_limit", lr_limit)
check.blank("factor_beyond", factor_beyond)
check.blank("best_lr", best_lr)
check.score()

# %% [markdown]
# With the best rate both weights keep 0.6 of themselves a step. For the curvatures 1 and 99 the best rate is 0.02, and 0.98 is kept: the longer
# the ravine, the slower.
#
# Do not believe the limit: try it. A hundred random quadratics in four dimensions, each descended twice: with a rate 2 % below its limit, and with one 2 % above.
# The cell stops with an error if the theory is ever wrong, or your `gradient_descent`.

# %% tags=["experiment"]
rng = np.random.default_rng(2)
for _ in range(100):
    turned, _ = np.linalg.qr(rng.standard_normal((4, 4)))
    A = turned @ np.diag(rng.uniform(0.1, 5, 4)) @ turned.T  # symmetric, all eigenvalues above 0
    limit = 2 / np.linalg.eigvalsh(A).max()
    w = rng.standard_normal(4)
    below, above = (
        gradient_descent(lambda w, A=A: A @ w, w, lr=share * limit, steps=1000)[-1]
        for share in (0.98, 1.02)
    )
    assert np.linalg.norm(below) < 1e-6 * np.linalg.norm(w), "it should have converged"
    assert np.linalg.norm(above) > 1e6 * np.linalg.norm(w), "it should have diverged"
print("100 quadratics: below 2/λmax all converged, above it all diverged.")

shares = np.linspace(0.02, 1.2, 60)
ends = [np.linalg.norm(in_ravine(share * 2 / 20, 60)[-1]) / np.linalg.norm([4, 1]) for share in shares]
plots.show(
    lines(shares, {"": {"ravine": ends}}, xlabel="lr, as a share of 2/λmax", ylabel="what is left of w",
          logarithmic="y", limit=1, says="2/λmax"),
    alt="What is left of w after 60 steps in the ravine, against the rate. It is least, "
    f"{min(ends):.2g}, at {shares[np.argmin(ends)]:.2g} of 2/λmax, and {ends[-1]:.2g} at {shares[-1]:.2g}.",
)  # fmt: skip

# %% [markdown]
# The best rate lies just before the cliff. That is why one tries larger and larger rates until training explodes, and then takes a little less.
#
# ## 5 One step, how many samples?
#
# *Follows HLCV, "Gradient Descent - Variants..."; EECS 545, "Stochastic Gradient Descent".*
#
# The loss is a mean over samples, $L(w) = \frac1N \sum_i L_i(w)$, and so is its gradient. With many samples one step becomes expensive. HLCV lists three
# ways:
#
# - **batch** training: all N samples for each step;
# - **stochastic** gradient descent: one sample, chosen at random;
# - **mini-batch** training: a subset M, with the mean over |M| samples.
#
# A random subset gives, on average, the right gradient; it is only noisy, and the deviation of the noise falls with $1/\sqrt{|M|}$. In practice nearly everybody
# takes mini-batches, and calls them SGD all the same. An **epoch** shows every sample once, in a new random order.
#
# ### By hand: batches
#
# N = 1050 samples, mini-batches of 64. The last one is smaller. Then a small data set: five samples with the gradients 6, −2, 1, 3, 7 (of a single weight,
# all at the same w). Cut in this order into mini-batches of 2, they give the gradients 2, 2 and 7.

# %% exercise="by-hand-batches"
### BEGIN BLANKS
steps_an_epoch = 17
size_of_last = 26

full_gradient = 3  # of the loss over all five samples

# the gradient of one sample deviates by 4. By how much does that of a mini-batch of 16?
deviation_of_16 = 1
### END BLANKS
### BEGIN MISTAKES
# last batch lost: 16 full batches hold 1024 samples. The other 26 count too: they are a smaller batch.
#   - steps_an_epoch = 17
#   + steps_an_epoch = 16
# a full batch: 1050 − 16·64 is what is left for the last batch.
#   - size_of_last = 26
#   + size_of_last = 64
# a sum for a mean: the loss is a mean over the samples, and so is its gradient.
#   - full_gradient = 3
#   + full_gradient = 15
# mean of means: you averaged the three batches. The last one holds a single sample and would count twice: take the mean over all five.
#   - full_gradient = 3
#   + full_gradient = 3.667
# divided by 16: the deviation falls with the root of the size: four times as many samples halve it.
#   - deviation_of_16 = 1
#   + deviation_of_16 = 0.25
### END MISTAKES

# %% check="by-hand-batches" points=4
from course.check import Check

check = Check("by-hand-batches")
check.blank("steps_an_epoch", steps_an_epoch)
check.blank("size_of_last", size_of_last)
check.blank("full_gradient", full_gradient)
check.blank("deviation_of_16", deviation_of_16)
check.score()

# %% [markdown]
# ### Write it: the mini-batches of one epoch


# %% exercise="minibatches"
def minibatches(n, size, *, shuffle):
    """Cut the samples 0 … n − 1 into mini-batches, in random order; every sample occurs once.

    Args:
        n: N, the number of samples.
        size: |M|, the size of a batch; the last one is smaller if n is not a multiple of it.
        shuffle: shuffle(n) gives the numbers 0 … n − 1 in a new order, as an array. Call it
            once. With NumPy it is `rng.permutation`.

    Returns:
        a list of arrays of sample numbers, which run through that order.

    >>> minibatches(5, 2, shuffle=lambda n: np.array([4, 1, 0, 3, 2]))
    [array([4, 1]), array([0, 3]), array([2])]
    """
    ### BEGIN SOLUTION
    order = shuffle(n)
    return [order[start : start + size] for start in range(0, n, size)]
    ### END SOLUTION
### BEGIN MISTAKES
# last batch lost: you leave out the samples that do not fill a batch. They are a smaller batch of their own.
#   - for start in range(0, n, size)]
#   + for start in range(0, n - size + 1, size)]
# not shuffled: your batches are in the order of the data. If that is sorted by class, each batch sees one class only.
#   - order = shuffle(n)
#   + order = np.arange(n)
# drawn with replacement: you shuffle anew for each batch. Some samples then occur twice in an epoch and others never: shuffle once, then cut.
#   - return [order[start : start + size] for start in range(0, n, size)]
#   + return [shuffle(n)[:size][: n - start] for start in range(0, n, size)]
# overlapping: your batches begin one sample apart, not one batch.
#   - for start in range(0, n, size)]
#   + for start in range(0, n - size + 1)]
# equal parts: you made the batches about equally large. All have `size` samples, only the last is smaller.
#   - return [order[start : start + size] for start in range(0, n, size)]
#   + return list(np.array_split(order, -(-n // size)))
# every k-th sample: you deal the samples out like cards. A batch is a run of neighbours in the shuffled order.
#   - return [order[start : start + size] for start in range(0, n, size)]
#   + return [order[start :: -(-n // size)] for start in range(-(-n // size))]
# shuffled for each batch: every call of shuffle gives another order, so a sample may come twice and another never. Call it once, before you cut.
#   - return [order[start : start + size] for start in range(0, n, size)]
#   + return [shuffle(n)[start : start + size] for start in range(0, n, size)]
# an empty batch: where n is a multiple of size your last batch is empty: n // size + 1 is one too many then.
#   - return [order[start : start + size] for start in range(0, n, size)]
#   + return [order[k * size : (k + 1) * size] for k in range(n // size + 1)]
# a shuffle of your own: use the one that is given, or nobody can repeat your run.
#   - order = shuffle(n)
#   + order = np.random.default_rng(n).permutation(n)
# filled up: your last batch is filled up with samples that had their turn. It is smaller.
#   - return [order[start : start + size] for start in range(0, n, size)]
#   + return [order[max(min(start, n - size), 0) :][:size] for start in range(0, n, size)]
# size for number: np.array_split(order, size) makes `size` batches. You want batches of that size.
#   - return [order[start : start + size] for start in range(0, n, size)]
#   + return list(np.array_split(order, size))
# lists: each batch is an array of sample numbers, so that x[M] works at once. You made lists.
#   - return [order[start : start + size] for start in range(0, n, size)]
#   + return [order[start : start + size].tolist() for start in range(0, n, size)]
# the end left out: a slice ends before its second number: order[start : start + size] has `size` samples.
#   - order[start : start + size]
#   + order[start : start + size - 1]
### END MISTAKES


# %% check="minibatches" points=7
from course.check import Check


def reference(n, size, *, shuffle):
    order = shuffle(n)
    return [order[i * size : (i + 1) * size] for i in range((n + size - 1) // size)]


def anew(function):
    """With a shuffle that gives another order each time it is called."""
    return lambda n, size, *, seed: function(
        n, size, shuffle=np.random.default_rng(seed).permutation
    )


check = Check("minibatches", anew(minibatches), anew(reference))
check("12 samples, batches of 4", 12, 4, seed=7)
check("11 samples, batches of 4", 11, 4, seed=7)
check("stochastic: batches of 1", 6, 1, seed=7)
check("batch training: all 9 at once", 9, 9, seed=7)
check("a batch larger than the data", 5, 8, seed=7)
n = check.integers(40, 60)
check("drawn sizes", n, check.integers(6, 9), seed=7)
all_of = lambda n, size: check.function(n, size, seed=8)  # noqa: E731
check.equal("every sample once", lambda: sorted(i for M in all_of(11, 4) for i in M), list(range(11)))
check.equal("the sizes of the batches", lambda: [len(M) for M in all_of(14, 4)], [4, 4, 4, 2])
### BEGIN HIDDEN TESTS
check.hide()
check("other sizes", check.integers(60, 80), check.integers(10, 13), seed=7, points=0.5)
### END HIDDEN TESTS
check.score(7)

# %% [markdown]
# How noisy is it? Below, a linear classifier of the digits (8×8 pixels, ten classes) with random weights. For each size, 200 mini-batches: how
# far is their gradient from that of all 1500 samples? `loss_and_gradient`
# is given: a loss of the classifier (softmax cross-entropy) and its gradient. What matters here is only that both are means over the samples.

# %% tags=["experiment"]
pictures, labels = data.digits()
ones = np.ones((len(pictures), 1))  # for the bias
x_all = np.hstack([pictures.reshape(-1, 64), ones]).astype(float)
mixed = np.random.default_rng(0).permutation(len(x_all))
x, y = x_all[mixed[:1500]], labels[mixed[:1500]]
x_unseen, y_unseen = x_all[mixed[1500:]], labels[mixed[1500:]]


def loss_and_gradient(w, x, y):
    scores = x @ w
    scores -= scores.max(axis=1, keepdims=True)
    p = np.exp(scores)
    p /= p.sum(axis=1, keepdims=True)
    loss = -np.log(p[range(len(y)), y] + 1e-300).mean()
    p[range(len(y)), y] -= 1
    return loss, x.T @ p / len(y)


rng = np.random.default_rng(1)
w = 0.1 * rng.standard_normal((65, 10))
_, whole = loss_and_gradient(w, x, y)
sizes = [1, 4, 16, 64, 256]
deviations = []
for size in sizes:
    some = [minibatches(1500, size, shuffle=rng.permutation)[0] for _ in range(200)]
    gradients = [loss_and_gradient(w, x[M], y[M])[1] for M in some]
    squares = [np.sum((gradient - whole) ** 2) for gradient in gradients]
    deviations.append(np.sqrt(np.mean(squares)))
expected = deviations[0] / np.sqrt(sizes)
plots.show(
    lines(sizes, {"": {"measured": deviations, "1/√|M|": expected}}, xlabel="samples in a batch, |M|",
          ylabel="deviation of the gradient", logarithmic="xy"),
    alt="Deviation of the gradient against the batch size, both logarithmic; beside it the line of "
    "1/√|M|. Measured, as a share of that line: "
    + ", ".join(f"{d / e:.2f} at {n}" for n, d, e in zip(sizes, deviations, expected)) + ".",
)  # fmt: skip

# %% [markdown]
# A batch of 64 costs 64 times as much as a single sample, and is only 8 times less noisy. That is the whole case for small batches. The case against them: a computer multiplies
# one matrix of 64 rows much faster than 64 matrices of one row. (At 256 the noise lies a little below the line: such a batch is a good part of all 1500.)
#
# *Half of the way. A good place for a break.*
#
# ## 6 Momentum
#
# *Follows EECS 545, "Limitations of GD and SGD", "Momentum" and "Optimization with SGD and its variants".*
#
# The lecture names three troubles: high curvature, gradients that are small but consistent, and noise. One idea against them: do not follow the gradient, let it
# push a ball that has a **velocity** v. The share α of the velocity is kept from step to step:
#
# $$v \leftarrow \alpha v - \varepsilon \hat g \qquad \text{then} \qquad \theta \leftarrow \theta + v$$
#
# Pushes that agree add up, pushes to and fro cancel. An update rule now has a memory, its **state**. From here on a rule takes the weights, the gradient and the state, and returns new
# weights and a new state. It is *pure*: it changes nothing that it was given.
#
# ### By hand: momentum
#
# One weight, ε = 0.5, α = 0.8. At first w = 10 and v = 0. The gradient is 4 in the first step and 3 in the second.

# %% exercise="by-hand-momentum"
### BEGIN BLANKS
# after the second step
v_2 = -3.1
w_2 = 4.9

# the gradient is 1 for ever, ε = 0.1 and α = 0.9. Where does the velocity settle?
# There it no longer changes: v = α·v − ε
v_for_ever = -1
### END BLANKS
### BEGIN MISTAKES
# velocity forgotten: you stepped by the new gradient alone. Keep α = 0.8 of the old velocity.
#   - v_2 = -3.1
#   + v_2 = -1.5
#   - w_2 = 4.9
#   + w_2 = 6.5
# nothing lost: you kept the whole old velocity. Only the share α of it stays.
#   - v_2 = -3.1
#   + v_2 = -3.5
#   - w_2 = 4.9
#   + w_2 = 4.5
# upwards: the push is −ε times the gradient, and the velocity is added to w.
#   - v_2 = -3.1
#   + v_2 = 3.1
#   - w_2 = 4.9
#   + w_2 = 15.1
#   - v_for_ever = -1
#   + v_for_ever = 1
# w of the first step: w is 8 after the first step. The second step goes on from there, with the new velocity.
#   - w_2 = 4.9
#   + w_2 = 8
# the first step left out: w is 8 after the first step. The second goes on from there, not from 10.
#   - w_2 = 4.9
#   + w_2 = 6.9
# v of the first step: that is v after the first step. The share α of it is kept, and a new push is added.
#   - v_2 = -3.1
#   + v_2 = -2
# lr twice: ε is already in the velocity: w moves by v.
#   - w_2 = 4.9
#   + w_2 = 7.45
# a mean: you averaged old and new with α and 1 − α. The rule adds the whole push: α·v − ε·ĝ.
#   - v_2 = -3.1
#   + v_2 = -1.9
#   - v_for_ever = -1
#   + v_for_ever = -0.1
### END MISTAKES

# %% check="by-hand-momentum" points=3
from course.check import Check

check = Check("by-hand-momentum")
check.blank("v_2", v_2)
check.blank("w_2", w_2)
check.blank("v_for_ever", v_for_ever)
check.score()

# %% [markdown]
# So α = 0.9 makes steps up to 1/(1 − α) = 10 times as long where the gradient stays the same, and α = 0.99 a hundred times.
#
# ### Write it: SGD and momentum
#
# Plain SGD has nothing to remember; its state is the empty dict. It gets one all the same, so that all five rules are called alike.


# %% exercise="sgd"
def sgd(w, dw, state, *, lr):
    """Go against the gradient: θ ← θ − ε·ĝ.

    Args:
        w: θ, the weights, an array of any shape. It must not be changed.
        dw: ĝ, the gradient at w, of the same shape.
        state: {}; SGD remembers nothing.
        lr: ε, the learning rate.

    Returns:
        the new weights, of the shape and dtype of w, and the new state {}.

    >>> sgd(np.array([1.0, 2.0]), np.array([10.0, -10.0]), {}, lr=0.1)
    (array([0., 3.]), {})
    """
    ### BEGIN SOLUTION
    return w - lr * dw, {}
    ### END SOLUTION
### BEGIN MISTAKES
# upwards: you add the gradient. It points to where the loss grows.
#   - w - lr * dw
#   + w + lr * dw
# lr forgotten: you step by the whole gradient. Multiply it by lr.
#   - w - lr * dw
#   + w - dw
# in place: `w -= …` changes the array that you were given. A rule is pure: w - … makes a new one.
#   - return w - lr * dw, {}
#   + w -= lr * dw
#   + return w, {}
# no pair: a rule returns exactly two things, the new weights and the new state, which is one dict.
#   - return w - lr * dw, {}
#   + return w - lr * dw
# the step only: you return the step. Add it to the weights.
#   - return w - lr * dw, {}
#   + return -lr * dw, {}
# the sign only: you step by lr whatever the size of the gradient. Long where it is steep, short where it is flat.
#   - w - lr * dw
#   + w - lr * np.sign(dw)
# the state is a dict: SGD remembers nothing: its state is {}, the empty dict.
#   - return w - lr * dw, {}
#   + return w - lr * dw, None
# exchanged: first the new weights, then the state.
#   - return w - lr * dw, {}
#   + return {}, w - lr * dw
# one mean for all: each weight follows its own partial derivative, not the mean of them.
#   - w - lr * dw
#   + w - lr * dw.mean()
# steps of one length: you divide by the length of the gradient. SGD does not: its steps become shorter where it gets flat.
#   - w - lr * dw
#   + w - lr * dw / np.linalg.norm(dw + 1e-300)
# divided by lr: multiply the gradient by lr. A small rate makes small steps.
#   - w - lr * dw
#   + w - dw / lr
### END MISTAKES


# %% check="sgd" points=4
from course import optim
from course.check import Check

check = Check("sgd", on_copies(sgd), optim.sgd, returns="w, state")
draw = check.normal
check("one weight", draw(1), 5 * draw(1), {}, lr=0.3)
check("a matrix of weights", draw(3, 2), 5 * draw(3, 2), {}, lr=0.1)
check(
    "float32 stays float32",
    draw(4, dtype=np.float32), draw(4, dtype=np.float32), {}, lr=0.2, points=0.5,
)
check("no gradient: nothing moves", draw(3), np.zeros(3), {}, lr=0.3, points=0.5)
check.function = sgd  # no copies now
check("changes nothing that it was given", draw(3), draw(3), {}, lr=0.3)
check.score()


# %% exercise="momentum"
def momentum(w, dw, state, *, lr, alpha=0.9):
    """Roll down like a ball: v ← α·v − ε·ĝ, then θ ← θ + v.

    Args:
        w: θ, the weights, an array of any shape. It must not be changed.
        dw: ĝ, the gradient at w, of the same shape.
        state: {} at first, which means v = 0; later {"v": velocity}. Leave it as it is, too.
        lr: ε, the learning rate.
        alpha: α, the share of the velocity that is kept.

    Returns:
        the new weights and the new state.

    Hint: `state.get("v", …)` gives what the state holds, or else its second argument.

    >>> momentum(np.array([6.0]), np.array([5.0]), {"v": np.array([2.0])}, lr=0.2, alpha=0.5)
    (array([6.]), {'v': array([0.])})
    """
    ### BEGIN SOLUTION
    v = alpha * state.get("v", np.zeros_like(w)) - lr * dw
    return w + v, {"v": v}
    ### END SOLUTION
### BEGIN MISTAKES
# upwards: your velocity points uphill: v ← α·v − ε·ĝ.
#   - - lr * dw
#   + + lr * dw
# velocity subtracted: you subtract v, but its minus is already inside. θ ← θ + v.
#   - return w + v, {"v": v}
#   + return w - v, {"v": v}
# old velocity forgotten: you begin with v = 0 each time. Take what the state remembers: the first step is right, the second is not.
#   - state.get("v", np.zeros_like(w))
#   + np.zeros_like(w)
# no state yet: in the first step the state is {}, and state["v"] is a KeyError. state.get("v", np.zeros_like(w)) gives zeros then.
#   - state.get("v", np.zeros_like(w))
#   + state["v"]
# nothing lost: you keep the whole old velocity. Multiply it by α.
#   - v = alpha * state.get
#   + v = state.get
# a mean: you weigh the push with 1 − α. That is another convention; EECS 545 adds the whole push.
#   - - lr * dw
#   + - (1 - alpha) * lr * dw
# the old velocity moves: you step with the velocity from before. First the new v, then θ + v.
#   - return w + v, {"v": v}
#   + return w + state.get("v", np.zeros_like(w)), {"v": v}
# lr twice: lr is already in the velocity.
#   - return w + v, {"v": v}
#   + return w + lr * v, {"v": v}
# α on the push too: you multiply the whole velocity by α. Only the old part loses.
#   - v = alpha * state.get("v", np.zeros_like(w)) - lr * dw
#   + v = alpha * (state.get("v", np.zeros_like(w)) - lr * dw)
# lr outside: you keep v without lr and multiply later. That moves w alike, but the state is another: EECS 545's v is a step.
#   - v = alpha * state.get("v", np.zeros_like(w)) - lr * dw
#   - return w + v, {"v": v}
#   + v = alpha * state.get("v", np.zeros_like(w)) - dw
#   + return w + lr * v, {"v": v}
# state not returned: you return the state that you were given. The next step then knows nothing of this one.
#   - return w + v, {"v": v}
#   + return w + v, dict(state)
# state changed: you changed the state that you were given, the dict or the velocity in it. A rule is pure: make a new array and a
#     new dict.
#   - v = alpha * state.get("v", np.zeros_like(w)) - lr * dw
#   + v = state.get("v", np.zeros_like(w))
#   + v *= alpha
#   + v -= lr * dw
# no pair: a rule returns exactly two things, the new weights and the new state, which is one dict.
#   - return w + v, {"v": v}
#   + return w + v

# no longer float32: np.zeros(w.shape) is float64, and makes everything float64 that it is added to. np.zeros_like(w) takes the dtype of w.
#   - np.zeros_like(w)
#   + np.zeros(w.shape)

# uphill and back: your v points uphill and you subtract it. That moves w alike, but EECS 545's v is the step itself: α·v − ε·ĝ, then w + v.
#   - - lr * dw
#   + + lr * dw
#   - return w + v, {"v": v}
#   + return w - v, {"v": v}
# α ignored: you take 0.9 whatever alpha is.
#   - v = alpha * state.get
#   + v = 0.9 * state.get
# α and 1 − α exchanged: α is the share of the old velocity that is kept.
#   - v = alpha * state.get
#   + v = (1 - alpha) * state.get
# Nesterov: you look ahead, which is another rule. Here w moves by the new v, once.
#   - return w + v, {"v": v}
#   + return w + alpha * v - lr * dw, {"v": v}
# the step only: you return the step v. Add it to the weights.
#   - return w + v, {"v": v}
#   + return v, {"v": v}
# no dict: the state is a dict, {"v": v}. You return v itself.
#   - return w + v, {"v": v}
#   + return w + v, v
# w changed: `w += v` changes the array that you were given. A rule is pure: w + v makes a new one.
#   - return w + v, {"v": v}
#   + w += v
#   + return w, {"v": v}
# a mean of gradients: you keep a running mean of the gradients and multiply by lr later. EECS 545's v is a step: α·v − ε·ĝ, the whole push.
#   - v = alpha * state.get("v", np.zeros_like(w)) - lr * dw
#   - return w + v, {"v": v}
#   + v = alpha * state.get("v", np.zeros_like(w)) - (1 - alpha) * dw
#   + return w + lr * v, {"v": v}
# another key: the state's only key is "v". Whoever hands your state on looks for it there.
#   - return w + v, {"v": v}
#   + return w + v, {"velocity": v}
# the place for the velocity: the state holds v, the velocity. You keep the new weights.
#   - return w + v, {"v": v}
#   + return w + v, {"v": w + v}
# dw changed: `v = dw` is no copy but a second name, and `v *= …` changes the gradient that you were given.
#   - v = alpha * state.get("v", np.zeros_like(w)) - lr * dw
#   + v = dw
#   + v *= -lr
#   + v += alpha * state.get("v", np.zeros_like(w))
### END MISTAKES


# %% check="momentum" points=9
from course import optim
from course.check import Check

check = Check("momentum", on_copies(momentum), optim.momentum, returns="w, state")
draw = check.normal
check("the first step, by hand", np.array([10.0]), np.array([4.0]), {}, lr=0.5, alpha=0.8)
check(
    "the second step, by hand",
    np.array([8.0]), np.array([3.0]), {"v": np.array([-2.0])}, lr=0.5, alpha=0.8,
)
weights_and_state(check, "α = 0 is SGD", draw(3), draw(3), {"v": draw(3)}, lr=0.3, alpha=0.0)
weights_and_state(
    check, "no gradient: it rolls on", draw(3), np.zeros(3), {"v": draw(3)}, lr=0.3, alpha=0.7
)
weights_and_state(check, "a matrix, the first step", draw(3, 2), draw(3, 2), {}, lr=0.2)
weights_and_state(check, "a matrix, later", draw(3, 2), 4 * draw(3, 2), {"v": draw(3, 2)}, lr=0.2)
w, dw = draw(4, dtype=np.float32), draw(4, dtype=np.float32)
check("float32 stays float32", w, dw, {}, lr=0.2, points=0.5)
check.function = momentum  # no copies now
check("changes nothing that it was given", draw(3), draw(3), {"v": draw(3)}, lr=0.3)
### BEGIN HIDDEN TESTS
check.hide()
weights_and_state(
    check, "another shape", draw(2, 5), draw(2, 5), {"v": draw(2, 5)}, lr=0.4, alpha=0.6, points=0.5
)
### END HIDDEN TESTS
check.score(9)

# %% [markdown]
# The three troubles, without and with momentum:

# %% tags=["experiment"]
def follow(rule, gradient, w, *, steps, **hyper):
    """Let a rule run; gradient(w, t) is asked at every step t."""
    trace, state = [w], {}
    for t in range(steps):
        w, state = rule(w, gradient(w, t), state, **hyper)
        trace.append(w)
    return np.array(trace)


start = np.array([-4.0, 1.0])
traces = {
    "sgd": follow(sgd, lambda w, t: curvature * w, start, steps=30, lr=0.02),
    "momentum": follow(momentum, lambda w, t: curvature * w, start, steps=30, lr=0.02, alpha=0.8),
}
plots.show(
    paths(
        lambda a, b: 0.5 * (a**2 + 20 * b**2), traces,
        x=(-4.4, 1.6), y=(-1.2, 1.9), levels=[0.5, 2, 5, 10, 20],
    ),
    alt=f"The ravine again, 30 steps with lr 0.02 from (−4, 1): {told(traces)}.",
)
for name, trace in traces.items():
    loss = 0.5 * curvature @ trace[-1] ** 2
    print(f"ravine, 30 steps with lr 0.02: {name:9} ends at a loss of {loss:.3f}")

for rule in (sgd, momentum):
    (way,) = follow(rule, lambda w, t: np.full(1, 0.01), np.zeros(1), steps=100, lr=0.1)[-1]
    print(f"small but consistent, 100 steps with lr 0.1: {rule.__name__:9} moves by {-way:.2f}")

noise = np.random.default_rng(0).standard_normal((4000, 2))
for rule, lr in ((sgd, 0.1), (momentum, 0.1), (momentum, 0.01)):
    wobble = follow(rule, lambda w, t: w + noise[t], np.zeros(2), steps=4000, lr=lr)[200:].std()
    print(f"noise around a minimum, lr {lr:<4}: {rule.__name__:9} wobbles by {wobble:.2f}")

# %% [markdown]
# Against curvature and flatness momentum helps a great deal. Noise is another matter: the velocity averages gradients, but it also carries each of them ten times as far. With the same
# lr it wobbles three times as much around the minimum; with a tenth of the lr, just as much as SGD.
#
# ## 7 A rate for each weight
#
# *Follows EECS 545, "Adaptive Learning Methods: Motivation" and "Optimization with SGD and its variants".*
#
# So far all weights share one learning rate. But some features are strong and frequent, others weak and rare: their gradients have different sizes. The idea of the adaptive
# methods: divide the rate of each weight by the amplitude of *its* gradients. **AdaGrad** adds up the squares of all gradients so far. **RMSProp** forgets:
# it keeps a running mean.
#
# $$\text{AdaGrad:} \quad r \leftarrow r + \hat g \odot \hat g \qquad\qquad \text{RMSProp:} \quad r \leftarrow \rho\, r + (1 - \rho)\, \hat g \odot \hat g$$
#
# $$\text{both then:} \quad \theta \leftarrow \theta - \frac{\varepsilon}{\delta + \sqrt r} \odot \hat g$$
#
# Everything goes element by element (⊙), and δ is tiny: it only keeps the quotient finite.
#
# **An erratum.** The slide of EECS 545 prints for both methods
#
# $$\Delta\theta \leftarrow \frac{\varepsilon}{\delta + \sqrt r} \odot \hat g, \qquad \text{then} \qquad \theta \leftarrow \theta + \Delta\theta$$
#
# The minus sign is lost: these two lines climb the slope. The same slide has it right for SGD and momentum, where −ε ĝ stands, and for Adam, where
# Δθ = −ε ŝ/(√r̂ + δ). Below you work out where the printed line leads.
#
# ### By hand: AdaGrad
#
# Two weights, w = (1, 1), ε = 0.5, δ = 0. The gradient is (3, −0.2) in the first step and (4, 0) in the second.

# %% exercise="by-hand-adagrad"
### BEGIN BLANKS
# both weights after the first step
ada_w_1 = [0.5, 1.5]

# where the line on the slide, without its minus sign, leads the first weight in the first step
slide_w_1 = 1.5

# the first weight after the second step
ada_w_2 = 0.1

# the gradient of one weight is 7 in every step: how long is the 100th step?
ada_step_100 = 0.05
### END BLANKS
### BEGIN MISTAKES
# r begins anew: r is the sum of all squares: 9 from the first step and 16 from the second.
#   - ada_w_2 = 0.1
#   + ada_w_2 = 0
# not squared: r adds up the squares of the gradients.
#   - ada_w_2 = 0.1
#   + ada_w_2 = -0.256
#   - ada_w_1 = [0.5, 1.5]
#   + ada_w_1 = [0.134, 1.224]
# the rule divides it out: the first gradient is divided by the root of its own square. Only its sign is left.
#   - ada_w_1 = [0.5, 1.5]
#   + ada_w_1 = [-0.5, 1.1]
# the slide's sign: you climbed. Descent subtracts: the step goes against the gradient in each weight.
#   - ada_w_1 = [0.5, 1.5]
#   + ada_w_1 = [1.5, 0.5]
# no root: you divided by r. Divide by its root: √25 = 5.
#   - ada_w_2 = 0.1
#   + ada_w_2 = 0.42
#   - ada_w_1 = [0.5, 1.5]
#   + ada_w_1 = [0.833, 3.5]
# the slide corrected: without its minus sign the printed line is 1 + 0.5·3/3: it climbs.
#   - slide_w_1 = 1.5
#   + slide_w_1 = 0.5
# it does not forget: after 100 steps r is 100·7², its root is 70, and the step is 0.5·7/70.
#   - ada_step_100 = 0.05
#   + ada_step_100 = 0.5
### END MISTAKES

# %% check="by-hand-adagrad" points=5
from course.check import Check

check = Check("by-hand-adagrad")
check.blank("ada_w_1", ada_w_1)
check.blank("slide_w_1", slide_w_1)
check.blank("ada_w_2", ada_w_2)
check.blank("ada_step_100", ada_step_100)
check.score()

# %% [markdown]
# Both weights moved by ε in the first step, though one gradient was 15 times the other: only the sign of a first gradient counts. And the steps only ever shrink.
#
# ### Write it: AdaGrad


# %% exercise="adagrad"
def adagrad(w, dw, state, *, lr, delta=1e-7):
    """Divide each weight's rate by the size of all its gradients.

        r ← r + ĝ²        θ ← θ − ε/(δ + √r)·ĝ

    Args:
        w: θ, the weights, an array of any shape.
        dw: ĝ, the gradient at w, of the same shape.
        state: {} at first, which means r = 0; later {"r": sum of squared gradients}.
        lr: ε, the learning rate.
        delta: δ, added to the root.

    Returns:
        the new weights and the new state. Nothing that was given is changed.

    >>> adagrad(np.array([7.0]), np.array([4.0]), {"r": np.array([9.0])}, lr=5)
    (array([3.]), {'r': array([25.])})
    """
    ### BEGIN SOLUTION
    r = state.get("r", np.zeros_like(w)) + dw * dw
    return w - lr / (delta + np.sqrt(r)) * dw, {"r": r}
    ### END SOLUTION
### BEGIN MISTAKES
# state changed: you changed the state that you were given, the dict or the array in it (`r += …` does that too). A rule is pure: make
#     a new array and a new dict.
#   - * dw, {"r": r}
#   + * dw, state.update(r=r) or state
# the slide's sign: you climb, as the line on the slide does. Its minus sign was lost: subtract.
#   - return w - lr /
#   + return w + lr /
# r begins anew: you forget all earlier gradients. Add the new square to what the state remembers.
#   - r = state.get("r", np.zeros_like(w)) + dw * dw
#   + r = dw * dw
# no longer float32: np.zeros(w.shape) is float64, and makes everything float64 that it is added to. np.zeros_like(w) takes the dtype of w.
#   - np.zeros_like(w)
#   + np.zeros(w.shape)
# no root: you divide by r, the sum of squares. Divide by its root, which has the size of a gradient.
#   - delta + np.sqrt(r)
#   + delta + r
# δ inside the root: δ is added to the root: δ + √r. You have √(δ + r).
#   - delta + np.sqrt(r)
#   + np.sqrt(delta + r)
# δ forgotten: you never use delta. A weight whose gradient was always 0 would be divided by 0.
#   - delta + np.sqrt(r)
#   + np.sqrt(r) + 1e-7
# the old r: you divide by the root of the r from before this step. First the new r, then the step with it.
#   - delta + np.sqrt(r)
#   + delta + np.sqrt(state.get("r", np.zeros_like(w)))
# not squared: r adds up squares: a negative gradient makes it larger too.
#   - + dw * dw
#   + + np.abs(dw)
# one r for all: you add the squares of all weights up. Each weight has an r of its own, that is the whole idea.
#   - + dw * dw
#   + + np.sum(dw * dw)
# a mean: that is RMSProp. AdaGrad adds the whole square.
#   - r = state.get("r", np.zeros_like(w)) + dw * dw
#   + r = 0.9 * state.get("r", np.zeros_like(w)) + 0.1 * dw * dw
# gradient forgotten: the adapted rate is multiplied by the gradient. You step by the rate alone.
#   - (delta + np.sqrt(r)) * dw
#   + (delta + np.sqrt(r))
# state not returned: you return the state that you were given. The next step then knows nothing of this one.
#   - * dw, {"r": r}
#   + * dw, dict(state)
# no pair: a rule returns exactly two things, the new weights and the new state, which is one dict.
#   - * dw, {"r": r}
#   + * dw

# lr inside the root: only r stands under the root: ε·ĝ/(δ + √r).
#   - w - lr / (delta + np.sqrt(r)) * dw
#   + w - dw * np.sqrt(lr / (delta + r))
# no brackets: ε is divided by the whole sum: write lr / (delta + np.sqrt(r)).
#   - lr / (delta + np.sqrt(r)) * dw
#   + lr / delta + np.sqrt(r) * dw
# divided by ĝ: ĝ multiplies the fraction, it does not stand below its line.
#   - lr / (delta + np.sqrt(r)) * dw
#   + lr / ((delta + np.sqrt(r)) * dw)
# the root is kept: the state holds r itself. The root is only taken for the step.
#   - {"r": r}
#   + {"r": np.sqrt(r)}
# no dict: the state is a dict, {"r": r}. You return r itself.
#   - * dw, {"r": r}
#   + * dw, r
# multiplied: divide ε by the root: a large r makes steps small.
#   - lr / (delta + np.sqrt(r))
#   + lr * (delta + np.sqrt(r))
# w changed: `w -= …` changes the array that you were given. A rule is pure: w - … makes a new one.
#   -     return w - lr / (delta + np.sqrt(r)) * dw, {"r": r}
#   +     w -= lr / (delta + np.sqrt(r)) * dw
#   +     return w, {"r": r}

# w for ĝ: r adds up the squares of the gradients, not of the weights.
#   - + dw * dw
#   + + w * w
### END MISTAKES


# %% check="adagrad" points=8
from course import optim
from course.check import Check

check = Check("adagrad", on_copies(adagrad), optim.adagrad, returns="w, state")
draw = check.normal
check("the first step, by hand", np.array([1.0, 1.0]), np.array([3.0, -0.2]), {}, lr=0.5)
r = np.array([9.0, 0.04])
check("the second step, by hand", np.array([0.5, 1.5]), np.array([4.0, 0.1]), {"r": r}, lr=0.5)
weights_and_state(check, "a matrix, the first step", draw(3, 2), 5 * draw(3, 2), {}, lr=0.2)
r = check.uniform(1, 9, 3, 2)
weights_and_state(check, "a matrix, later", draw(3, 2), 5 * draw(3, 2), {"r": r}, lr=0.2)
weights_and_state(check, "δ = 0.5", draw(3), draw(3), {"r": check.uniform(1, 9, 3)}, lr=0.3, delta=0.5)
w, dw = draw(4, dtype=np.float32), draw(4, dtype=np.float32)
check("float32 stays float32", w, dw, {}, lr=0.2, points=0.5)
weights_and_state(
    check, "no gradient: no step", draw(3), np.zeros(3), {"r": check.uniform(1, 9, 3)}, lr=0.3
)
check.function = adagrad  # no copies now
check("changes nothing that it was given", draw(3), draw(3), {"r": check.uniform(1, 9, 3)}, lr=0.3)
### BEGIN HIDDEN TESTS
check.hide()
r = check.uniform(0.1, 2, 2, 5)
weights_and_state(
    check, "another shape", draw(2, 5), draw(2, 5), {"r": r}, lr=0.4, delta=0.2, points=0.5
)
### END HIDDEN TESTS
check.score(8)

# %% [markdown]
# ### By hand: RMSProp
#
# One weight, ε = 0.5, ρ = 0.75, δ = 0, and r = 0 at first. The gradient is 2 in the first step and 0 in the second.

# %% exercise="by-hand-rmsprop"
### BEGIN BLANKS
rms_r_1 = 1
rms_r_2 = 0.75

# another weight: its gradient is 0.003 in every step. How long is a step in the end,
# when r has settled?
rms_step_for_ever = 0.5
### END BLANKS
### BEGIN MISTAKES
# 1 − ρ forgotten: the new square counts only with 1 − ρ = 0.25.
#   - rms_r_1 = 1
#   + rms_r_1 = 4
#   - rms_r_2 = 0.75
#   + rms_r_2 = 3
# ρ and 1 − ρ exchanged: ρ is the share of the old r that is kept, the new square counts with 1 − ρ.
#   - rms_r_1 = 1
#   + rms_r_1 = 3
#   - rms_r_2 = 0.75
#   + rms_r_2 = 0.25
# nothing forgotten: a gradient of 0 does not leave r as it is: the share ρ of it stays.
#   - rms_r_2 = 0.75
#   + rms_r_2 = 1
# short where it is flat: r settles at 0.003², its root is 0.003, and the gradient cancels: the step is ε.
#   - rms_step_for_ever = 0.5
#   + rms_step_for_ever = 0.0015
# no root: you divided by r = 0.003². Divide by its root.
#   - rms_step_for_ever = 0.5
#   + rms_step_for_ever = 166.6667
# 1 − ρ for ever: r settles where it no longer changes, r = 0.75·r + 0.25·0.003²: at 0.003² itself.
#   - rms_step_for_ever = 0.5
#   + rms_step_for_ever = 1
# not squared: r is the mean of the squares: 0.25·2² in the first step.
#   - rms_r_1 = 1
#   + rms_r_1 = 0.5
#   - rms_r_2 = 0.75
#   + rms_r_2 = 0.375
### END MISTAKES

# %% check="by-hand-rmsprop" points=3
from course.check import Check

check = Check("by-hand-rmsprop")
check.blank("rms_r_1", rms_r_1)
check.blank("rms_r_2", rms_r_2)
check.blank("rms_step_for_ever", rms_step_for_ever, decimals=4)
check.score()

# %% [markdown]
# Small but consistent gradients, the lecture's second trouble, are no trouble at all here: however flat it is, the step settles at ε. But near a minimum, too, the step
# stays about ε: RMSProp never quite comes to rest.
#
# ### Write it: RMSProp


# %% exercise="rmsprop"
def rmsprop(w, dw, state, *, lr, rho=0.9, delta=1e-7):
    """AdaGrad that forgets.

        r ← ρ·r + (1 − ρ)·ĝ²        θ ← θ − ε/(δ + √r)·ĝ

    Args:
        w: θ, the weights, an array of any shape.
        dw: ĝ, the gradient at w, of the same shape.
        state: {} at first, which means r = 0; later {"r": running mean of squared gradients}.
        lr: ε, the learning rate.
        rho: ρ, the share of r that is kept.
        delta: δ, added to the root.

    Returns:
        the new weights and the new state. Nothing that was given is changed.

    >>> rmsprop(np.array([1.0]), np.array([5.0]), {"r": np.array([7.0])}, lr=0.2, rho=0.5)
    (array([0.75]), {'r': array([16.])})
    """
    ### BEGIN SOLUTION
    r = rho * state.get("r", np.zeros_like(w)) + (1 - rho) * dw * dw
    return w - lr / (delta + np.sqrt(r)) * dw, {"r": r}
    ### END SOLUTION
### BEGIN MISTAKES
# state changed: you changed the state that you were given, the dict or the array in it (`r += …` does that too). A rule is pure: make
#     a new array and a new dict.
#   - * dw, {"r": r}
#   + * dw, state.update(r=r) or state
# the slide's sign: you climb, as the line on the slide does. Its minus sign was lost: subtract.
#   - return w - lr /
#   + return w + lr /
# ρ and 1 − ρ exchanged: ρ is the share of the old r that is kept, the new square counts with 1 − ρ.
#   - r = rho * state.get("r", np.zeros_like(w)) + (1 - rho) * dw * dw
#   + r = (1 - rho) * state.get("r", np.zeros_like(w)) + rho * dw * dw
# 1 − ρ forgotten: you add the whole square. Then r settles not at the mean of the squares but at ten times as much.
#   - (1 - rho) * dw * dw
#   + dw * dw
# nothing forgotten: that is AdaGrad. RMSProp keeps only the share ρ of the old r.
#   - r = rho * state.get("r", np.zeros_like(w)) + (1 - rho) * dw * dw
#   + r = state.get("r", np.zeros_like(w)) + dw * dw
# r begins anew: you begin with r = 0 each time. Take what the state remembers.
#   - rho * state.get("r", np.zeros_like(w))
#   + 0
# no root: you divide by r, a mean of squares. Divide by its root, which has the size of a gradient.
#   - delta + np.sqrt(r)
#   + delta + r
# δ inside the root: δ is added to the root: δ + √r. You have √(δ + r).
#   - delta + np.sqrt(r)
#   + np.sqrt(delta + r)
# δ forgotten: you never use delta. A weight whose gradient was always 0 would be divided by 0.
#   - delta + np.sqrt(r)
#   + np.sqrt(r) + 1e-7
# not squared: the mean is one of squares. You averaged the gradients' sizes.
#   - (1 - rho) * dw * dw
#   + (1 - rho) * np.abs(dw)
# the old r: you divide by the root of the r from before this step. First the new r, then the step with it.
#   - delta + np.sqrt(r)
#   + delta + np.sqrt(state.get("r", np.zeros_like(w)))
# ρ ignored: you take 0.9 whatever rho is.
#   - r = rho * state.get("r", np.zeros_like(w)) + (1 - rho) * dw * dw
#   + r = 0.9 * state.get("r", np.zeros_like(w)) + (1 - 0.9) * dw * dw
# no pair: a rule returns exactly two things, the new weights and the new state, which is one dict.
#   - * dw, {"r": r}
#   + * dw

# lr inside the root: only r stands under the root: ε·ĝ/(δ + √r).
#   - w - lr / (delta + np.sqrt(r)) * dw
#   + w - dw * np.sqrt(lr / (delta + r))
# no brackets: ε is divided by the whole sum: write lr / (delta + np.sqrt(r)).
#   - lr / (delta + np.sqrt(r)) * dw
#   + lr / delta + np.sqrt(r) * dw
# divided by ĝ: ĝ multiplies the fraction, it does not stand below its line.
#   - lr / (delta + np.sqrt(r)) * dw
#   + lr / ((delta + np.sqrt(r)) * dw)
# the root is kept: the state holds r itself. The root is only taken for the step.
#   - {"r": r}
#   + {"r": np.sqrt(r)}
# no dict: the state is a dict, {"r": r}. You return r itself.
#   - * dw, {"r": r}
#   + * dw, r
# multiplied: divide ε by the root: a large r makes steps small.
#   - lr / (delta + np.sqrt(r))
#   + lr * (delta + np.sqrt(r))
# w changed: `w -= …` changes the array that you were given. A rule is pure: w - … makes a new one.
#   -     return w - lr / (delta + np.sqrt(r)) * dw, {"r": r}
#   +     w -= lr / (delta + np.sqrt(r)) * dw
#   +     return w, {"r": r}

# no longer float32: np.zeros(w.shape) is float64, and makes everything float64 that it is added to. np.zeros_like(w) takes the dtype of w.
#   - np.zeros_like(w)
#   + np.zeros(w.shape)

# squared with its share: you square (1 − ρ)·ĝ. Only ĝ is squared: (1 − ρ)·ĝ².
#   - (1 - rho) * dw * dw
#   + ((1 - rho) * dw) ** 2
# corrected: RMSProp begins at r = 0 and does not correct for it. Adam does, in the next section.
#   - delta + np.sqrt(r)
#   + delta + np.sqrt(r / (1 - rho))
# ρ on both: ρ multiplies the old r only. You multiply the sum of old and new.
#   - r = rho * state.get("r", np.zeros_like(w)) + (1 - rho) * dw * dw
#   + r = rho * (state.get("r", np.zeros_like(w)) + (1 - rho) * dw * dw)
# another key: the state's only key is "r". Whoever hands your state on looks for it there.
#   - {"r": r}
#   + {"s": r}
### END MISTAKES


# %% check="rmsprop" points=8
from course import optim
from course.check import Check

check = Check("rmsprop", on_copies(rmsprop), optim.rmsprop, returns="w, state")
draw = check.normal
check("the first step, by hand", np.array([1.0]), np.array([2.0]), {}, lr=0.5, rho=0.75)
w, dw, r = np.array([0.0]), np.array([3.0]), np.array([0.75])
weights_and_state(check, "another gradient, later", w, dw, {"r": r}, lr=0.5, rho=0.75)
weights_and_state(check, "a matrix, the first step", draw(3, 2), 5 * draw(3, 2), {}, lr=0.2)
r = check.uniform(1, 9, 3, 2)
weights_and_state(check, "a matrix, later", draw(3, 2), 5 * draw(3, 2), {"r": r}, lr=0.2)
r = check.uniform(1, 9, 3)
weights_and_state(check, "δ = 0.5, ρ = 0.6", draw(3), draw(3), {"r": r}, lr=0.3, rho=0.6, delta=0.5)
w, dw = draw(4, dtype=np.float32), draw(4, dtype=np.float32)
check("float32 stays float32", w, dw, {}, lr=0.2, points=0.5)
weights_and_state(
    check, "no gradient: no step", draw(3), np.zeros(3), {"r": check.uniform(1, 9, 3)}, lr=0.3
)
check.function = rmsprop  # no copies now
check("changes nothing that it was given", draw(3), draw(3), {"r": check.uniform(1, 9, 3)}, lr=0.3)
### BEGIN HIDDEN TESTS
check.hide()
r = check.uniform(0.1, 2, 2, 5)
how = {"lr": 0.4, "rho": 0.8, "delta": 0.2}
weights_and_state(check, "another shape", draw(2, 5), draw(2, 5), {"r": r}, **how, points=0.5)
### END HIDDEN TESTS
check.score(8)

# %% [markdown]
# ## 8 Adam
#
# *Follows EECS 545, "Optimization with SGD and its variants".*
#
# **Adam** takes both ideas: a running mean s of the gradients, as momentum has, over the root of a running mean r of their squares, as RMSProp has.
#
# $$s \leftarrow \rho_1 s + (1 - \rho_1)\, \hat g \qquad r \leftarrow \rho_2 r + (1 - \rho_2)\, \hat g \odot \hat g$$
#
# Both means begin at 0, and for a long time they remember that: after the first step s is only (1 − ρ₁)ĝ, and r only (1 − ρ₂)ĝ². So both are **corrected** by the share
# of real gradients that they hold. (Elsewhere ρ₁ and ρ₂ are called β₁ and β₂, and s and r are m and v.) In step t = 1, 2, 3, … that is
#
# $$\hat s = \frac{s}{1 - \rho_1^t} \qquad \hat r = \frac{r}{1 - \rho_2^t} \qquad \Delta\theta = -\varepsilon\, \frac{\hat s}{\sqrt{\hat r} + \delta} \qquad
# \theta \leftarrow \theta + \Delta\theta$$
#
# ### By hand: Adam
#
# One weight, ε = 0.1, ρ₁ = 0.5, ρ₂ = 0.9375 (which is 15/16), δ = 0. The gradient is 4 in the first step and 0 in the second.

# %% exercise="by-hand-adam"
### BEGIN BLANKS
# t = 1
s_1 = 2
r_1 = 1
step_1 = -0.1

# the first step if nobody corrected s and r
step_1_uncorrected = -0.2

# t = 2
s_hat_2 = 1.333  # to three decimals
### END BLANKS
### BEGIN MISTAKES
# shares exchanged: ρ is the share of the old mean. The new gradient counts with 1 − ρ.
#   - r_1 = 1
#   + r_1 = 15
# multiplied: divide by 1 − ρᵗ: the mean is too small at first, the correction makes it larger.
#   - step_1 = -0.1
#   + step_1 = -0.4
#   - s_hat_2 = 1.333
#   + s_hat_2 = 0.75
# not corrected yet: that is s. Divide it by 1 − ρ₁².
#   - s_hat_2 = 1.333
#   + s_hat_2 = 1
# not squared: r is the mean of the squares: 4² counts with 1/16.
#   - r_1 = 1
#   + r_1 = 0.25
# the corrected ones: those are ŝ and r̂. s and r are the means as they are, before the division.
#   - s_1 = 2
#   + s_1 = 4
#   - r_1 = 1
#   + r_1 = 16
# t stays 1: in the second step it is 1 − 0.5² = 0.75.
#   - s_hat_2 = 1.333
#   + s_hat_2 = 2
# not corrected: you used s and r as they are. The step has ŝ above and √r̂ below.
#   - step_1 = -0.1
#   + step_1 = -0.2
# no root: you divided by r̂. Divide by its root.
#   - step_1 = -0.1
#   + step_1 = -0.025
# upwards: the step goes against the gradient: Adam's line on the slide has its minus sign.
#   - step_1 = -0.1
#   + step_1 = 0.1
#   - step_1_uncorrected = -0.2
#   + step_1_uncorrected = 0.2
### END MISTAKES

# %% check="by-hand-adam" points=5
from course.check import Check

check = Check("by-hand-adam")
check.blank("s_1", s_1)
check.blank("r_1", r_1)
check.blank("step_1", step_1)
check.blank("step_1_uncorrected", step_1_uncorrected)
check.blank("s_hat_2", s_hat_2)
check.score()

# %% [markdown]
# Corrected, the first step has the length ε, whatever the gradient. Uncorrected, it depends on ρ₁ and ρ₂: with the usual 0.9 and 0.999 it would be
# 0.1/√0.001 = 3.2 times too long, and no step for the next thousand would be quite right.
#
# ### Write it: Adam


# %% exercise="adam"
def adam(w, dw, state, *, lr, rho1=0.9, rho2=0.999, delta=1e-8):
    """Momentum and RMSProp together, both corrected for having begun at 0.

        s ← ρ₁·s + (1 − ρ₁)·ĝ        ŝ = s/(1 − ρ₁ᵗ)
        r ← ρ₂·r + (1 − ρ₂)·ĝ²       r̂ = r/(1 − ρ₂ᵗ)        θ ← θ − ε·ŝ/(√r̂ + δ)

    Args:
        w: θ, the weights, an array of any shape.
        dw: ĝ, the gradient at w, of the same shape.
        state: {} at first, which means s = 0, r = 0 and t = 0; later {"s": …, "r": …, "t": …},
            with t the steps so far, and the means as they are, not corrected.
        lr: ε, the learning rate.
        rho1: ρ₁, the share of s that is kept.
        rho2: ρ₂, the share of r that is kept.
        delta: δ, added to the root.

    Returns:
        the new weights and the new state, whose t has grown by 1. Nothing given is changed.

    >>> w, state = adam(np.array([1.0]), np.array([-8.0]), {}, lr=0.5, rho1=0.75, rho2=0.75)
    >>> w, state
    (array([1.5]), {'s': array([-2.]), 'r': array([16.]), 't': 1})
    """
    ### BEGIN SOLUTION
    t = state.get("t", 0) + 1
    s = rho1 * state.get("s", np.zeros_like(w)) + (1 - rho1) * dw
    r = rho2 * state.get("r", np.zeros_like(w)) + (1 - rho2) * dw * dw
    s_hat = s / (1 - rho1**t)
    r_hat = r / (1 - rho2**t)
    return w - lr * s_hat / (np.sqrt(r_hat) + delta), {"s": s, "r": r, "t": t}
    ### END SOLUTION
### BEGIN MISTAKES
# not corrected: you use s and r as they are. Both began at 0: divide by 1 − ρᵗ before the step.
#   - s_hat = s / (1 - rho1**t)
#   - r_hat = r / (1 - rho2**t)
#   + s_hat, r_hat = s, r
# only s corrected: r began at 0 as well: r̂ = r/(1 − ρ₂ᵗ).
#   - r_hat = r / (1 - rho2**t)
#   + r_hat = r
# only r corrected: s began at 0 as well: ŝ = s/(1 − ρ₁ᵗ).
#   - s_hat = s / (1 - rho1**t)
#   + s_hat = s
# always the first step: your correction divides by 1 − ρ, as if t were always 1. The first step is right, later ones are too long.
#   - s_hat = s / (1 - rho1**t)
#   - r_hat = r / (1 - rho2**t)
#   + s_hat = s / (1 - rho1)
#   + r_hat = r / (1 - rho2)
# precedence: 1 - rho1**t stands below the line: write s / (1 - rho1**t), with brackets.
#   - s_hat = s / (1 - rho1**t)
#   - r_hat = r / (1 - rho2**t)
#   + s_hat = s / 1 - rho1**t
#   + r_hat = r / 1 - rho2**t
# state changed: you changed the state that you were given, the dict or the arrays in it (`s *= …` does that too). A rule is pure: make
#     new arrays and a new dict.
#   -     return w - lr * s_hat / (np.sqrt(r_hat) + delta), {"s": s, "r": r, "t": t}
#   +     state.update(s=s, r=r, t=t)
#   +     return w - lr * s_hat / (np.sqrt(r_hat) + delta), state
# t counted twice: you correct with t + 1. In the first step t is 1.
#   - s_hat = s / (1 - rho1**t)
#   - r_hat = r / (1 - rho2**t)
#   + s_hat = s / (1 - rho1 ** (t + 1))
#   + r_hat = r / (1 - rho2 ** (t + 1))
# t counted late: you correct with the t from before this step: in the first step you divide by 1 − ρ⁰ = 0.
#   - s_hat = s / (1 - rho1**t)
#   - r_hat = r / (1 - rho2**t)
#   + s_hat = s / (1 - rho1 ** (t - 1))
#   + r_hat = r / (1 - rho2 ** (t - 1))
# corrected means kept: your state holds ŝ and r̂, and the next step corrects them once more. Keep s and r.
#   - {"s": s, "r": r, "t": t}
#   + {"s": s_hat, "r": r_hat, "t": t}
# ρ₁ and ρ₂ exchanged: ρ₁ belongs to the gradients s, ρ₂ to the squares r.
#   - t = state.get("t", 0) + 1
#   + rho1, rho2, t = rho2, rho1, state.get("t", 0) + 1
# not squared: r is the mean of the squares ĝ ⊙ ĝ.
#   - (1 - rho2) * dw * dw
#   + (1 - rho2) * np.abs(dw)
# no root: you divide by r̂. Divide by its root, which has the size of a gradient.
#   - np.sqrt(r_hat) + delta
#   + r_hat + delta
# δ inside the root: δ is added to the root: √r̂ + δ. You have √(r̂ + δ).
#   - np.sqrt(r_hat) + delta
#   + np.sqrt(r_hat + delta)
# δ forgotten: you never use delta. A weight whose gradient was always 0 would be divided by 0.
#   - np.sqrt(r_hat) + delta
#   + np.sqrt(r_hat) + 1e-8
# the bare gradient above: that is RMSProp with a correction. Above the line stands ŝ, the mean of the gradients.
#   - w - lr * s_hat /
#   + w - lr * dw /
# upwards: you climb. Δθ = −ε·ŝ/(√r̂ + δ) has a minus sign.
#   - w - lr * s_hat /
#   + w + lr * s_hat /
# t not counted: your t stays what it was. It grows by 1 with each step.
#   - {"s": s, "r": r, "t": t}
#   + {"s": s, "r": r, "t": state.get("t", 0)}
# means begin anew: you begin with s = 0 and r = 0 each time. Take what the state remembers.
#   - s = rho1 * state.get("s", np.zeros_like(w)) + (1 - rho1) * dw
#   - r = rho2 * state.get("r", np.zeros_like(w)) + (1 - rho2) * dw * dw
#   + s, r = (1 - rho1) * dw, (1 - rho2) * dw * dw
# no pair: a rule returns exactly two things, the new weights and the new state, which is one dict.
#   - return w - lr * s_hat / (np.sqrt(r_hat) + delta), {"s": s, "r": r, "t": t}
#   + return w - lr * s_hat / (np.sqrt(r_hat) + delta)

# times for power: ρᵗ is a power, rho1**t. You multiply by t, which gives 0 below the line, or less.
#   - s_hat = s / (1 - rho1**t)
#   - r_hat = r / (1 - rho2**t)
#   + s_hat = s / (1 - rho1 * t)
#   + r_hat = r / (1 - rho2 * t)
# t one ahead: your state holds the number of the next step. It holds the steps taken so far: 1 after the first.
#   - t = state.get("t", 0) + 1
#   + t = state.get("t", 1)
#   - {"s": s, "r": r, "t": t}
#   + {"s": s, "r": r, "t": t + 1}
# t never grows: the state holds the steps so far: this one is one more, state.get("t", 0) + 1.
#   - t = state.get("t", 0) + 1
#   + t = state.get("t", 1)
# one ρ for both: r̂ is r/(1 − ρ₂ᵗ). You divide it by 1 − ρ₁ᵗ.
#   - r_hat = r / (1 - rho2**t)
#   + r_hat = r / (1 - rho1**t)
# multiplied: divide by 1 − ρᵗ: the means are too small at first, the correction makes them larger.
#   - s_hat = s / (1 - rho1**t)
#   - r_hat = r / (1 - rho2**t)
#   + s_hat = s * (1 - rho1**t)
#   + r_hat = r * (1 - rho2**t)
# squares of s: r is the mean of the squares of the gradients ĝ. You square s.
#   - (1 - rho2) * dw * dw
#   + (1 - rho2) * s * s
# squared with its share: you square (1 − ρ₂)·ĝ. Only ĝ is squared: (1 − ρ₂)·ĝ².
#   - (1 - rho2) * dw * dw
#   + ((1 - rho2) * dw) ** 2
# sum for mean: the new gradient counts with 1 − ρ₁. You add the whole of it, as momentum does.
#   - + (1 - rho1) * dw
#   + + dw
# δ before the correction: δ is added to √r̂, the corrected root. In your form it is divided by √(1 − ρ₂ᵗ) too.
#   - (np.sqrt(r_hat) + delta)
#   + ((np.sqrt(r) + delta) / (1 - rho2**t) ** 0.5)
# no dict: the state is a dict, {"s": s, "r": r, "t": t}.
#   - {"s": s, "r": r, "t": t}
#   + (s, r, t)
# s and r exchanged in the state: "s" is the mean of the gradients, "r" that of their squares.
#   - {"s": s, "r": r, "t": t}
#   + {"s": r, "r": s, "t": t}
# t left out: the state needs t as well, or the next step does not know its number.
#   - {"s": s, "r": r, "t": t}
#   + {"s": s, "r": r}
# other names: elsewhere they are called m and v. Here the keys of the state are "s", "r" and "t".
#   - {"s": s, "r": r, "t": t}
#   + {"m": s, "v": r, "t": t}
# one share for both: r keeps ρ₂, so the new square counts with 1 − ρ₂. You took 1 − ρ₁.
#   - (1 - rho2) * dw * dw
#   + (1 - rho1) * dw * dw
# w changed: `w -= …` changes the array that you were given. A rule is pure: w - … makes a new one.
#   -     return w - lr * s_hat / (np.sqrt(r_hat) + delta), {"s": s, "r": r, "t": t}
#   +     w -= lr * s_hat / (np.sqrt(r_hat) + delta)
#   +     return w, {"s": s, "r": r, "t": t}
# no longer float32: np.zeros(w.shape) is float64, and makes everything float64 that it is added to. np.zeros_like(w) takes the dtype of w.
#   -     s = rho1 * state.get("s", np.zeros_like(w)) + (1 - rho1) * dw
#   -     r = rho2 * state.get("r", np.zeros_like(w)) + (1 - rho2) * dw * dw
#   +     s = rho1 * state.get("s", np.zeros(w.shape)) + (1 - rho1) * dw
#   +     r = rho2 * state.get("r", np.zeros(w.shape)) + (1 - rho2) * dw * dw
### END MISTAKES


# %% check="adam" points=10
from course import optim
from course.check import Check

check = Check("adam", on_copies(adam), optim.adam, returns="w, state")
draw = check.normal
check("the first step, by hand", np.array([1.0]), np.array([4.0]), {}, lr=0.1, rho1=0.5, rho2=0.9375)
state = {"s": np.array([2.0]), "r": np.array([1.0]), "t": 1}
w, dw = np.array([0.9]), np.array([3.0])
weights_and_state(check, "the second step, gradient 3", w, dw, state, lr=0.1, rho1=0.5, rho2=0.9375)
weights_and_state(check, "a matrix, the first step", draw(3, 2), 5 * draw(3, 2), {}, lr=0.2)


def after(steps, *shape):
    """The state after some steps of the reference."""
    w, state = draw(*shape), {}
    for _ in range(steps):
        w, state = optim.adam(w, 3 * draw(*shape), state, lr=0.2)
    return state


weights_and_state(
    check, "a matrix, from t = 3 on", draw(3, 2), 5 * draw(3, 2), after(3, 3, 2), lr=0.2, points=2
)
weights_and_state(
    check, "a matrix, from t = 40 on", draw(3, 2), 5 * draw(3, 2), after(40, 3, 2), lr=0.2
)
how = {"lr": 0.3, "rho1": 0.7, "rho2": 0.8}
weights_and_state(check, "other ρ₁ and ρ₂, from t = 2 on", draw(4), draw(4), after(2, 4), **how)
weights_and_state(check, "δ = 0.5, the first step", draw(3), draw(3), {}, lr=0.3, delta=0.5)
weights_and_state(check, "δ = 0.5, from t = 5 on", draw(3), draw(3), after(5, 3), lr=0.3, delta=0.5)
weights_and_state(check, "no gradient: it rolls on", draw(3), np.zeros(3), after(4, 3), lr=0.3)
w, dw = draw(4, dtype=np.float32), draw(4, dtype=np.float32)
check("float32 stays float32", w, dw, {}, lr=0.2, points=0.5)
check.function = adam  # no copies now
check("changes nothing that it was given", draw(3), draw(3), after(2, 3), lr=0.3)
### BEGIN HIDDEN TESTS
check.hide()
how = {"lr": 0.4, "delta": 0.1}
weights_and_state(
    check, "another shape, later", draw(2, 5), draw(2, 5), after(7, 2, 5), **how, points=0.5
)
### END HIDDEN TESTS
check.score(10)

# %% [markdown]
# ## 9 See it: the race
#
# Your five rules start at the same place with the same learning rate. Drag the start with the mouse, or focus it and use the arrow keys; click a slider, then use the
# arrow keys. Each rule has a colour, a dash and a marker of its own; on the right is its loss from step to step.
#
# 1. **Ravine** (curvatures 1 and 20). At which rate does SGD begin to diverge? Compare with 2/λmax. What does momentum do there? And the other three?
# 2. Which rate is best for each rule? Is there one that suits all five?
# 3. **Saddle.** Put the start as near to the ridge (w₁ = 0) as you can. Who leaves first, and why? Then put it exactly on the ridge: no rule knows which way to turn.
# 4. **Noise.** A round bowl, but every gradient is noisy. Who comes to rest, who does not, and what does a smaller rate change?
# 5. Set α to 0, then to 0.99.

# %% tags=["demo"]
from course.demos import optimiser_race

optimiser_race.demo(sgd, momentum, adagrad, rmsprop, adam)

# %% [markdown]
# ## 10 Use it: train a classifier
#
# *Follows EECS 545, "Adaptive Learning Methods: Motivation".*
#
# Now for real: the linear classifier of the digits, your `minibatches`, your five rules. Each gets the best of nine learning rates, five epochs, batches of 64.

# %% tags=["experiment"]
rules = {"sgd": sgd, "momentum": momentum, "adagrad": adagrad, "rmsprop": rmsprop, "adam": adam}


def train(rule, x, y, *, lr, epochs, size=64, seed=0):
    """Train from zero; gives the weights and, for each epoch, the mean loss of its mini-batches."""
    rng = np.random.default_rng(seed)
    w, state, losses = np.zeros((x.shape[1], 10)), {}, []
    for _ in range(epochs):
        seen = []
        for M in minibatches(len(x), size, shuffle=rng.permutation):
            loss, dw = loss_and_gradient(w, x[M], y[M])
            w, state = rule(w, dw, state, lr=lr)
            seen.append(loss)
        losses.append(np.mean(seen))
    return w, losses


rates = 10.0 ** np.arange(-3, 1.1, 0.5)
best, curves = {}, {}
for name, rule in rules.items():
    best[name] = min(rates, key=lambda lr: train(rule, x, y, lr=lr, epochs=5)[1][-1])
    w, curves[name] = train(rule, x, y, lr=best[name], epochs=5)
    right = np.mean(np.argmax(x_unseen @ w, axis=1) == y_unseen)
    found = f"best lr {best[name]:<7.2g} loss {curves[name][-1]:.3f}"
    print(f"{name:9} {found}   unseen digits right: {right:.1%}")
plots.show(
    lines(range(1, 6), {"": curves}, xlabel="epoch", ylabel="mean loss of its batches",
          logarithmic="y"),
    alt="Loss against epochs for the five rules, each at its best rate. After five epochs: "
    + ", ".join(f"{name} {loss[-1]:.3f}" for name, loss in curves.items()) + ".",
)  # fmt: skip

# %% [markdown]
# With a good rate of its own every rule does well here. The lecture claims something else: that with the adaptive methods the choice of the rate
# matters less, and that they cope with features that differ in importance. Let us see. On the left the pixels as they are. On the right each pixel was multiplied by a factor between 1/30 and
# 30: the same information, on different scales.

# %% tags=["experiment"]
factors = 10 ** np.random.default_rng(3).uniform(-1.5, 1.5, x.shape[1])
panels = {}
for title, inputs in {"pixels as they are": x, "pixels on different scales": x * factors}.items():
    with np.errstate(over="ignore", invalid="ignore"):  # some of these diverge, that is the point
        panels[title] = {
            name: [train(rule, inputs, y, lr=lr, epochs=3)[1][-1] for lr in rates]
            for name, rule in rules.items()
        }
plots.show(
    lines(rates, panels, xlabel="learning rate", ylabel="loss in epoch 3", logarithmic="xy",
          highest=10),
    alt="Loss in the third epoch against the learning rate, for the five rules. "
    + "; ".join(
        f"{title}: best "
        + ", ".join(f"{name} {np.nanmin(losses):.2f}" for name, losses in series.items())
        for title, series in panels.items()
    ) + ".",
)  # fmt: skip

# %% [markdown]
# Read it with care; what follows held for five different sets of factors. On the left Adam is the least choosy, but RMSProp is no less choosy than momentum: the lecture's claim is half true. On
# the right, the best rates of SGD and momentum have moved by a factor of 30 to 300, those of AdaGrad, RMSProp and Adam by 3 to 10, and SGD's loss is one and a half to three times
# theirs. That is the gain: a rate that worked elsewhere is a fair first guess on data that you know nothing about. It is no miracle: they too did better when all pixels had the same scale. Bring the
# inputs to one scale, then choose a rule.

# %% [markdown] question="ravine" points=3
# ### In words: the long ravine
#
# A loss has the curvatures 1 and 10 000. What is the largest rate that plain gradient descent survives, and about how many steps does it then need along the flat direction until a tenth
# of the distance is left? What does momentum change about this, and what does AdaGrad change? Would AdaGrad still help if the ravine ran diagonally, so that both weights have the same
# curvature?
#
# ### BEGIN SOLUTION
# The rate must stay below 2/10 000 = 0.0002. Along the flat direction a step multiplies by about 1 − 0.0002, so a tenth is left after ln(10)/0.0002 ≈ 11 500 steps. Momentum adds up
# the small but consistent pushes along the ravine, up to 1/(1 − α) times one step, while the pushes across it change sign and cancel. AdaGrad divides the rate of each weight by the size of
# its own gradients: the flat weight gets a larger one, and the ravine becomes about round. On a diagonal ravine both weights see gradients of the same size and get the same rate, so
# this no longer helps: AdaGrad, RMSProp and Adam rescale along the axes only.
# ### END SOLUTION
#
# === BEGIN MARK SCHEME ===
# 1 point: the rate 2/10 000 = 0.0002, and of the order of 10 000 steps (anything from 5 000 to 25 000 with a reason).
#
# 1 point: momentum: consistent pushes add up (up to 1/(1 − α) times), alternating ones cancel; AdaGrad: a rate of its own for each weight.
#
# 1 point: diagonal: no, since both weights then get the same rate; it works along the axes only.
# === END MARK SCHEME ===

# %% [markdown] question="noisy-epoch" points=3
# ### In words: an epoch of mini-batches
#
# A friend says: “An epoch of mini-batches adds up the same gradients as one step of batch training, so it comes to the same thing.” Give two reasons why that is not so. Then say why
# stochastic descent with a fixed rate does not come to rest at the minimum although batch training does, and what one does about it.
#
# ### BEGIN SOLUTION
# First, the weights move after each mini-batch, so the later gradients are taken at other places: an epoch is many steps, not one, and that is why it makes more progress. Second, if N is no
# multiple of the batch size, the last batch is smaller, and its samples count more; and a step of batch training divides the sum by N, while the epoch adds N/|M| means. At the minimum the mean of all
# gradients is 0, but that of a few samples is not: each step leaves the minimum again, by about lr times the noise. One lowers the rate over time, or takes larger batches, or
# averages the weights.
# ### END SOLUTION
#
# === BEGIN MARK SCHEME ===
# 1 point: the weights change between the batches, so that the gradients are taken at different places.
#
# 1 point: a second reason: unequal last batch, means that are added instead of one mean (a longer way for the same rate), or the random order.
#
# 1 point: at the minimum single gradients are not 0, only their mean is; a remedy: falling rate, larger batches, averaging.
# === END MARK SCHEME ===

# %% [markdown]
# ## What you have now
#
# - The rule w ← w − lr·∇L, why it points downhill, and the limit 2/λmax beyond which it explodes.
# - Gradients measured by central quotients: slow, and the best test there is for gradients that are computed.
# - Mini-batches: every sample once an epoch, noise that falls with the root of their size.
# - SGD, momentum, AdaGrad, RMSProp and Adam, right to the last element of their states.
#
# What is missing is a fast way to the gradient. Notebook 03 finds it: backpropagation.
