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
# # 01 Linear classifiers and losses
#
# A classifier looks at a picture and gives every class a score. The simplest one is a matrix and a few biases, and yet
# all that a deep network needs is here: scores, a loss that says how bad they are, a penalty on large weights, and the
# question of how to find better weights. The last layer of almost every CNN is exactly the classifier of this notebook.
#
# It takes about 90 minutes; the end of section 2 is a good place for a break. Nothing else is needed first. Run the
# cells from top to bottom; where you find `...` or `NotImplementedError`, it is your turn. The cell below each
# exercise checks your answer at once, as often as you like.
#
# Lectures: **HLCV** is *High Level Computer Vision*, Saarland University, "Backpropagation & Convolutional Neural
# Networks"; **EECS 442** is *Convolutional Neural Networks*, University of Michigan; **IIITS** is the lecture
# *Convolutional Neural Network*, IIIT Sri City. Symbols: N pictures in a batch, one a row; D numbers in a picture; C
# classes; x (N, D), w (D, C), b (C,), scores s (N, C); the label y is the number of the right class, and i counts the
# pictures.

# %% tags=["setup"]
import numpy as np

from course import data, plots
from course.plots.linear_classifier import hyperplanes

np.set_printoptions(precision=3, suppress=True)

# %% [markdown]
# ## 1 One line, three views
#
# *Follows HLCV, "Parametric Approach: Linear Classifier" and "Linear Classifier: Three Viewpoints".*
#
# Write the pixels of a picture as one row x of D numbers. Then
#
# $$s = x\,w + b$$
#
# gives C scores, and the class with the highest score is the answer. There are three ways to see this line.
#
# **Algebra.** Each score is a sum over the pixels, weighted by one column of w. Here is a picture of four pixels and
# three classes. HLCV writes s = Wx, with a picture as a column and without b; we write pictures as rows, so that a
# batch of them is a matrix, and w is the transpose of HLCV's W.

# %% tags=["setup"]
x_tiny = np.array([[3.0, 1, 0, 2]])
w_tiny = np.array([[1.0, 0, -1], [-2, 3, 2], [4, -1, 5], [0, -2, 1]])
b_tiny = np.array([-2.0, 4, 3])

# %% tags=["demo"]
plots.show(
    plots.matrices(
        *[x_tiny, "·", w_tiny, "+", b_tiny, "=", np.full((1, 3), np.nan)],
        titles=["x (1, 4)", "w (4, 3)", "b (3,)", "s (1, 3)"],
    ),
    alt="The row x = 3 1 0 2, times the matrix w with rows 1 0 −1, −2 3 2, 4 −1 5, 0 −2 1, "
    "plus b = −2 4 3, equals an empty row s of three cells.",
)

# %% [markdown]
# **Pictures.** A column of w has as many numbers as the picture: it *is* a picture, the **template** of its class.
# The score says how well the two match. Below you see the mean of all handwritten 3s, and then ten templates: the
# mean of each class, minus the mean of all digits. That is not yet a good classifier, but you see what a template
# wants: ink where it is violet, none where it is orange.

# %% tags=["demo"]
digits, digit_labels = data.digits("train")
class_means = [digits[digit_labels == c].mean(axis=0)[0] for c in range(10)]
means = [mean - digits.mean(axis=0)[0] for mean in class_means]
plots.show(
    plots.pictures([class_means[3]], titles=["mean of all 3s"], width=2.2),
    alt="The mean of all handwritten 3s, 8×8 pixels, white on black: a blurred 3.",
)
plots.show(
    plots.pictures(
        means, titles=[f"class {c}" for c in range(10)], columns=5, signed=True, width=7.5
    ),
    alt="Ten templates of 8×8 pixels, one for each digit, white at 0. That of class 0 is a "
    "violet ring with an orange middle, that of class 1 a violet bar between orange sides; the "
    "others, such as 2, 5 and 8, are hardly digits: what all digits share is gone.",
)

# %% [markdown]
# **Geometry.** A picture is a point in a space of D dimensions. Two classes j and k score alike where
# $x\,(w_{:,j} - w_{:,k}) + b_j - b_k = 0$ ($w_{:,j}$ is column j of w): a line if D = 2, a plane if D = 3, a
# hyperplane in general (EECS 442, "What Can We Represent"). It is perpendicular to the difference of the two
# templates, and b moves it. On one side j wins, on the other k:

# %% tags=["demo"]
points, point_labels = data.blobs(90, classes=3, noise=0.3, rng=np.random.default_rng(1))
w_blobs = np.array([[0.0, -1, 1], [1, -0.5, -0.5]])
plots.show(
    hyperplanes(
        points,
        point_labels,
        [(w_blobs, np.zeros(3)), (w_blobs, np.array([-0.8, 0, 0.5]))],
        titles=["b = (0, 0, 0)", "b = (−0.8, 0, 0.5)"],
    ),
    alt="Three clouds of points: circles above, triangles at the lower left, squares at the "
    "lower right. Three lines from one common point separate them; the arrow of each class "
    "points into its region. On the right, with another b, the same lines are shifted: class 0 "
    "has lost room and some circles are hollow, that is, wrong.",
)

# %% [markdown]
# ### By hand: scores
#
# Take x, w and b from the first figure. Replace each `...` by a number, here and below.

# %% exercise="by-hand-scores"
### BEGIN BLANKS
scores_tiny = [-1, 3, 4]
predicted_class = 2

# the same picture, every pixel twice as bright: the score of class 2
score_2_twice_as_bright = 5

# ten classes, pictures of 8×8 pixels: how many numbers does the classifier learn, w and b together?
numbers_learned = 650
### END BLANKS
### BEGIN MISTAKES
# b forgotten: you leave out b. It is added once to each score, after the sum over the pixels.
#   - scores_tiny = [-1, 3, 4]
#   + scores_tiny = [1, -1, 1]
#   - score_2_twice_as_bright = 5
#   + score_2_twice_as_bright = 2
# the score for the class: that is the highest score. The answer is the number of the class that has it, counted from 0.
#   - predicted_class = 2
#   + predicted_class = 4
# counted from 1: classes are counted from 0, as everywhere in this course.
#   - predicted_class = 2
#   + predicted_class = 3
# score doubled: you double b too. Only the pixels are twice as bright.
#   - score_2_twice_as_bright = 5
#   + score_2_twice_as_bright = 8
# biases not counted: each class has a bias as well.
#   - numbers_learned = 650
#   + numbers_learned = 640
# one bias: there is one bias for each class, not one in all.
#   - numbers_learned = 650
#   + numbers_learned = 641
### END MISTAKES

# %% check="by-hand-scores" points=6
from course.check import Check

check = Check("by-hand-scores")
check.blank("scores_tiny", scores_tiny)
check.blank("predicted_class", predicted_class)
check.blank("score_2_twice_as_bright", score_2_twice_as_bright)
check.blank("numbers_learned", numbers_learned)
check.score(6)

# %% [markdown]
# ### Write it: scores, and the way back
#
# The function returns the scores and a **cache**: what the way back will need. For N pictures, one line of NumPy is
# enough.


# %% exercise="linear_scores"
def linear_scores(x, w, b):
    """Give every picture a score for each class: s = x·w + b.

    Args:
        x: (N, D), one picture a row.
        w: (D, C), one template a column.
        b: (C,), one bias a class.

    Returns:
        scores: (N, C), of the dtype of x.
        cache: (x, w), for `linear_scores_backward`.

    >>> x, w, b = np.array([[1.0, 2.0]]), np.array([[1.0, 0, 5], [10, 1, 0]]), np.array([0.0, 0, 1])
    >>> scores, cache = linear_scores(x, w, b)
    >>> scores
    array([[21.,  2.,  6.]])
    """
    ### BEGIN SOLUTION
    return x @ w + b, (x, w)
    ### END SOLUTION
### BEGIN MISTAKES
# bias forgotten: you leave out b. With x = 0 the scores must be b.
#   - return x @ w + b, (x, w)
#   + return x @ w, (x, w)
# first bias for all: you add b[0] to every score. Class c has its own bias b[c]: call it with x = 0.
#   - return x @ w + b, (x, w)
#   + return x @ w + b[0], (x, w)
# w transposed: you use w.T. A template is a column of w here: w has the shape (D, C), and x @ w fits as it is.
#   - return x @ w + b, (x, w)
#   + return x @ w.T + b, (x, w)
# w before x: you multiply in the other order. Pictures are rows here: x (N, D) comes first, then w (D, C).
#   - return x @ w + b, (x, w)
#   + return w @ x + b, (x, w)
# b subtracted: you subtract b. With x = 0 the scores must be b.
#   - return x @ w + b, (x, w)
#   + return x @ w - b, (x, w)
# float64 always: your numbers are right, but float32 in must give float32 out: make no new array of another dtype.
#   - return x @ w + b, (x, w)
#   + return x.astype(float) @ w + b, (x, w)
### END MISTAKES


# %% check="linear_scores" points=5
from course import ops
from course.check import Check

check = Check("linear_scores", linear_scores, ops.affine, returns="scores (N, C)")
check("the picture of four pixels", x_tiny, w_tiny, b_tiny, points=0.5)
check("no bias", check.normal(1, 5), check.normal(5, 3), np.zeros(3))
check("a batch", check.normal(4, 6), check.normal(6, 3), check.normal(3))
square = check.normal(4, 4), check.normal(4, 4)
check("as many pictures as pixels as classes", *square, check.normal(4))
x, w, b = (check.normal(*shape, dtype=np.float32) for shape in [(3, 2), (2, 5), (5,)])
check("float32 stays float32", x, w, b, points=0.5)


def kept():
    answer = linear_scores(x, w, b)
    if type(answer) is not tuple or len(answer) != 2:
        raise TypeError("linear_scores returns the scores and a cache, the tuple (x, w)")
    return answer[1]


check.equal("the cache is (x, w)", kept, (x, w), points=0.5)
### BEGIN HIDDEN TESTS
check.hide()
check("another batch", check.normal(2, 7), check.normal(7, 5), check.normal(5), points=0.5)
### END HIDDEN TESTS
check.score(5)

# %% [markdown]
# Now backwards. Section 2 turns the scores into one number L, the loss, which says how bad they are. Suppose that
# somebody tells you its slope with respect to each score: `dscores`, of the shape of the scores. Each w[d, c] acts on
# the scores of class c, in every picture, by the factor x[i, d]. So
#
# $$dw_{d,c} = \sum_i x_{i,d}\; dscores_{i,c} \qquad db_c = \sum_i dscores_{i,c} \qquad
# dx_{i,d} = \sum_c w_{d,c}\; dscores_{i,c}$$
#
# Two of these are matrix products with something transposed. The shapes tell you which: dw looks like w, db like b,
# dx like x.


# %% exercise="linear_scores_backward"
def linear_scores_backward(dscores, cache):
    """Go back through `linear_scores`.

    Args:
        dscores: (N, C), the gradient of the loss with respect to the scores.
        cache: (x, w) with x (N, D) and w (D, C).

    Returns:
        dx (N, D), dw (D, C), db (C,).

    >>> x, w = np.array([[1.0, 2.0]]), np.array([[1.0, 0.0], [3.0, 1.0]])
    >>> dx, dw, db = linear_scores_backward(np.array([[1.0, -1.0]]), (x, w))
    >>> dx, dw, db
    (array([[1., 2.]]), array([[ 1., -1.],
           [ 2., -2.]]), array([ 1., -1.]))
    """
    ### BEGIN SOLUTION
    x, w = cache
    dx = dscores @ w.T
    dw = x.T @ dscores
    db = dscores.sum(axis=0)
    return dx, dw, db
    ### END SOLUTION
### BEGIN MISTAKES
# divided by N: you divide by N. The loss is a mean already, and so dscores holds the 1/N: only add up here.
#   - dw = x.T @ dscores
#   - db = dscores.sum(axis=0)
#   + dw = x.T @ dscores / len(x)
#   + db = dscores.mean(axis=0)
# db over the classes: you add dscores up along each picture. A bias belongs to a class: sum over the pictures, axis=0.
#   - db = dscores.sum(axis=0)
#   + db = dscores.sum(axis=1)
# db not summed: your db still has a row for each picture. All pictures share b: sum over them.
#   - db = dscores.sum(axis=0)
#   + db = dscores
# dw transposed: your dw has the shape (C, D). It must look like w, which is (D, C).
#   - dw = x.T @ dscores
#   + dw = dscores.T @ x
# w not transposed: you multiply dscores by w as it is. Its columns are the classes: for dx you need them as rows, w.T.
#   - dx = dscores @ w.T
#   + dx = dscores @ w
# order exchanged: you return dw first. The gradients come in the order of the arguments of linear_scores: x, w, b.
#   - return dx, dw, db
#   + return dw, dx, db
### END MISTAKES


# %% check="linear_scores_backward" points=6
from course import ops
from course.check import Check


def student(wanted, dscores, x, w):
    answer = linear_scores_backward(dscores, (x, w))
    if type(answer) is not tuple or len(answer) != 3:
        raise TypeError("linear_scores_backward returns three arrays: dx, dw, db")
    return answer[["dx", "dw", "db"].index(wanted)]


def reference(wanted, dscores, x, w):
    return ops.affine_backward(dscores, (x, w))[["dx", "dw", "db"].index(wanted)]


check = Check("linear_scores_backward", student, reference)
# dx, dw and db are judged one by one: a slip in one does not cost the others
one = check.normal(1, 3), check.normal(1, 5), check.normal(5, 3)
several = check.normal(6, 4), check.normal(6, 4), check.normal(4, 4)  # as many pixels as classes
for wanted in ("dx", "dw", "db"):
    check(f"{wanted}: one picture", wanted, *one, points=0.5)
    check(f"{wanted}: a batch, as many pixels as classes", wanted, *several)
### BEGIN HIDDEN TESTS
check.hide()
other = check.normal(4, 2), check.normal(4, 6), check.normal(6, 2)
for wanted in ("dx", "dw", "db"):
    check(f"{wanted}: another batch", wanted, *other, points=0.5)
### END HIDDEN TESTS
check.score(6)

# %% [markdown]
# ## 2 The hinge loss: enough is enough
#
# *Follows HLCV, "Where we are... : Parametric Approach"; IIITS, "Loss/Classification Layer".*
#
# Which scores are good? A **loss** turns them into one number, the smaller the better. The multi-class **support
# vector machine** (SVM) wants the label's score to lead every other score by a margin of 1. Each class that comes
# closer costs what is missing:
#
# $$L_i = \sum_{j \ne y_i} \max(0,\; s_j - s_{y_i} + 1) \qquad L = \frac1N \sum_i L_i$$
#
# The figure shows it for two classes, as the label's lead over the other one grows. The other curve is the loss of
# section 3.

# %% tags=["demo"]
lead = np.linspace(-3, 5, 17)
plots.show(
    plots.curves(
        lead,
        {"hinge loss": np.maximum(0, 1 - lead), "softmax loss": np.log1p(np.exp(-lead))},
        xlabel="lead of the label over the only other class",
        ylabel="loss of one picture",
    ),
    alt="Both losses of one picture with two classes, against the label's lead. The hinge loss "
    "falls in a straight line and is exactly 0 from a lead of 1 on. The softmax loss is a "
    "smooth curve: it lies below the hinge loss up to a lead of about 0.5, above it afterwards, "
    "and never reaches 0.",
)

# %% [markdown]
# **The gradient.** Raise s_j a little: if class j is within the margin, L_i grows by as much; if not, nothing
# happens. Raise the label's score, and L_i falls once for *each* class within the margin. Hence, for every picture,
# +1 for each class that counts, minus their number for the label, all divided by N. A class exactly at the margin
# does not count. For example, with the scores (6, 1, 5.5) and label 0, class 2 alone comes too close: before the
# division by N the pushes are (−1, 0, +1).
#
# ### By hand: three pictures
#
# | picture | s₀ | s₁ | s₂ | label |
# |---|---|---|---|---|
# | 0 | 2 | 4 | 1 | 0 |
# | 1 | −1 | 5 | 2 | 1 |
# | 2 | 9 | 4 | 3 | 2 |

# %% exercise="by-hand-hinge"
### BEGIN BLANKS
hinge_losses = [3, 0, 9]  # of each picture
hinge_mean = 4

# the pushes on the scores of picture 0, and on those of picture 2, before the division by N
pushes_0 = [-1, 1, 0]
pushes_2 = [1, 1, -2]

# before any training all scores are about 0. What is the hinge loss then, with ten classes?
hinge_at_start = 9
### END BLANKS
### BEGIN MISTAKES
# the label counted: you count the label too: s_y − s_y + 1 = 1. The sum leaves it out.
#   - hinge_losses = [3, 0, 9]
#   + hinge_losses = [4, 1, 10]
#   - hinge_at_start = 9
#   + hinge_at_start = 10
# mean with the label: that is the mean of 4, 1 and 10, where the label is counted too. If your three losses are others, look at them first.
#   - hinge_mean = 4
#   + hinge_mean = 5
# pushes divided by N: you divided by N = 3 already. The pushes before that division are asked: whole numbers.
#   - pushes_0 = [-1, 1, 0]
#   + pushes_0 = [-0.333, 0.333, 0]
#   - pushes_2 = [1, 1, -2]
#   + pushes_2 = [0.333, 0.333, -0.667]
# no margin: you leave out the + 1: a label that only just wins is not good enough.
#   - hinge_losses = [3, 0, 9]
#   + hinge_losses = [2, 0, 7]
#   - hinge_mean = 4
#   + hinge_mean = 3
#   - hinge_at_start = 9
#   + hinge_at_start = 0
# not cut off at 0: you subtract what is more than enough. max(0, …) makes it 0.
#   - hinge_losses = [3, 0, 9]
#   + hinge_losses = [3, -7, 9]
# sum for mean: you add the pictures up. The loss of the batch is their mean.
#   - hinge_mean = 4
#   + hinge_mean = 12
# the label pushed once: the label is pushed up once for each class that is within the margin.
#   - pushes_2 = [1, 1, -2]
#   + pushes_2 = [1, 1, -1]
# at the margin: class 2 of picture 0 is exactly at the margin: its max is 0 already and it does not count.
#   - pushes_0 = [-1, 1, 0]
#   + pushes_0 = [-2, 1, 1]
### END MISTAKES

# %% check="by-hand-hinge" points=11
from course.check import Check

check = Check("by-hand-hinge")
check.blank("hinge_losses", hinge_losses)
check.blank("hinge_mean", hinge_mean)
check.blank("pushes_0", pushes_0)
check.blank("pushes_2", pushes_2)
check.blank("hinge_at_start", hinge_at_start)
check.score(11)

# %% [markdown]
# ### Write it: the hinge loss and its gradient
#
# A loss is the last gate of a network: nothing comes after it, so it returns its gradient at once. Begin with two
# loops, over pictures and classes, if you like; then try without. `scores[np.arange(N), labels]` picks the label's
# score in each row. The lone `*` among the arguments means: what comes after it is given by name, as in `margin=2.5`.


# %% exercise="hinge_loss"
def hinge_loss(scores, labels, *, margin=1.0):
    """Compute the mean multi-class SVM loss of a batch, and its gradient.

        L = 1/N Σ_i Σ_{j≠y_i} max(0, s[i, j] − s[i, y_i] + margin)

    Args:
        scores: (N, C).
        labels: (N,), integers from 0 to C − 1.
        margin: by how much the label's score is to lead.

    Returns:
        loss: L, a number.
        dscores: (N, C), ∂L/∂scores, of the dtype of scores.

    >>> hinge_loss(np.array([[1.0, 3.0, -4.0]]), np.array([0]))
    (np.float64(3.0), array([[-1.,  1.,  0.]]))
    """
    ### BEGIN SOLUTION
    N = len(scores)
    rows = np.arange(N)
    short = np.maximum(0, scores - scores[rows, labels][:, None] + margin)
    short[rows, labels] = 0
    loss = short.sum() / N
    dscores = (short > 0).astype(scores.dtype)
    dscores[rows, labels] = -dscores.sum(axis=1)
    return loss, dscores / N
    ### END SOLUTION
### BEGIN MISTAKES
# the label counted: you count the label itself: each picture's loss is too large by the margin. The sum runs over j ≠ y.
#   - short[rows, labels] = 0
#   + pass
# the label counted in the loss: your gradient is right, but you count the label itself in the loss, which is too large by the margin.
#     The sum runs over j ≠ y.
#   - loss = short.sum() / N
#   + loss = short.sum() / N + margin
# whole columns: scores[:, labels] picks whole columns. scores[np.arange(N), labels] picks one score in each row.
#   - scores[rows, labels][:, None] + margin
#   + scores[:, labels] + margin
# no margin: you leave out the margin: two scores that are alike must cost 1.
#   - [:, None] + margin)
#   + [:, None])
# margin always 1: you use 1 whatever `margin` is.
#   - [:, None] + margin)
#   + [:, None] + 1)
# sign turned: you punish a label that leads. What costs is s_j − s_y + margin, where another class comes close to the label.
#   - scores - scores[rows, labels][:, None] + margin
#   + scores[rows, labels][:, None] - scores + margin
# sum for mean: your loss is the sum over the pictures. Divide it by N, and the gradient as well.
#   - loss = short.sum() / N
#   + loss = short.sum()
#   - return loss, dscores / N
#   + return loss, dscores
# gradient not divided: your loss is right, but its gradient is N times too large: the loss is a mean.
#   - return loss, dscores / N
#   + return loss, dscores
# mean over classes too: you divide by N·C. The loss of a picture is a sum over the classes.
#   - loss = short.sum() / N
#   + loss = short.mean()
# label pushed once: you push the label up by 1. It is pushed once for each class within the margin: minus their number.
#   - dscores[rows, labels] = -dscores.sum(axis=1)
#   + dscores[rows, labels] = -1
# label not pushed: you forget the label's own score: raising it lowers every term of the sum.
#   - dscores[rows, labels] = -dscores.sum(axis=1)
#   + dscores[rows, labels] = 0
# worst class only: you take the most dangerous class alone. The sum takes all classes that come too close.
#   - loss = short.sum() / N
#   - dscores = (short > 0).astype(scores.dtype)
#   + loss = short.max(axis=1).sum() / N
#   + dscores = ((short > 0) & (short == short.max(axis=1, keepdims=True))).astype(scores.dtype)
# squared: you square what is missing. That is another loss, the squared hinge.
#   - loss = short.sum() / N
#   + loss = (short**2).sum() / N
#   - dscores = (short > 0).astype(scores.dtype)
#   + dscores = 2 * short
# amounts for pushes: your gradient holds by how much the classes are too close. Each of them pushes with the same force 1.
#   - dscores = (short > 0).astype(scores.dtype)
#   + dscores = short
# at the margin: a class that is exactly at the margin costs nothing and does not push: > 0, not ≥ 0.
#   - dscores = (short > 0).astype(scores.dtype)
#   + dscores = (scores - scores[rows, labels][:, None] + margin >= 0).astype(scores.dtype)
#   + dscores[rows, labels] = 0
# float64 always: your numbers are right, but float32 in must give a gradient in float32: use scores.dtype.
#   - .astype(scores.dtype)
#   + .astype(float)
### END MISTAKES


# %% check="hinge_loss" points=9
from course import ops
from course.check import Check


def student(wanted, scores, labels, **how):
    # changed in place? That costs one case: all others work on a copy
    untouched = wanted == "dscores, scores untouched"
    answer = hinge_loss(scores if untouched else scores.copy(), labels, **how)
    if type(answer) is not tuple or len(answer) != 2:
        raise TypeError("hinge_loss returns the loss and dscores")
    return answer[["loss", "dscores"].index(wanted.split(",")[0])]


def reference(wanted, scores, labels, **how):
    return ops.hinge_loss(scores, labels, **how)[["loss", "dscores"].index(wanted.split(",")[0])]


check = Check("hinge_loss", student, reference)
hand = np.array([[2.0, 4, 1], [-1, 5, 2], [9, 4, 3]]), np.array([0, 1, 2])
one = np.array([[0.4, 0.9, -0.3, 2.2]]) + check.normal(), np.array([1])
batch = 2 * check.normal(7, 5), check.labels(7, 5)
check("loss: your three pictures", "loss", *hand)
check("dscores: your three pictures", "dscores", *hand)
check("loss: one picture", "loss", *one)
check("dscores: one picture", "dscores", *one)
check("loss: a batch", "loss", *batch)
check("dscores: a batch", "dscores", *batch)
check("loss: margin 2.5", "loss", *batch, margin=2.5, points=0.75)
check("dscores: margin 2.5", "dscores", *batch, margin=2.5, points=0.75)
single = check.normal(3, 4, dtype=np.float32), check.labels(3, 4)
check("dscores: float32, scores left as they are", "dscores, scores untouched", *single, points=0.5)
### BEGIN HIDDEN TESTS
check.hide()
batch = check.normal(6, 4), check.labels(6, 4)
check("loss: another batch", "loss", *batch, points=0.5)
check("dscores: another batch", "dscores", *batch, points=0.5)
### END HIDDEN TESTS
check.score(9)

# %% [markdown]
# ## 3 The softmax loss: never enough
#
# *Follows HLCV, "Where we are... : Parametric Approach" and, for the formula of softmax, "Convolutional Neural
# Networks".*
#
# The second loss reads scores as probabilities. **Softmax** makes them positive by e to the power of s, and lets them
# add up to 1:
#
# $$p_j = \frac{e^{s_j}}{\sum_k e^{s_k}} \qquad L_i = -\log p_{y_i} \qquad L = \frac1N \sum_i L_i$$
#
# log is the natural logarithm. If the label has probability 1, the loss is 0; the less probable it is, the larger the
# loss. This is also called the cross-entropy loss.
#
# **A slip on a slide.** On "Convolutional Neural Networks" HLCV prints softmax as $e^{-z_i}/\sum_j e^{-z_j}$. With
# the minus sign the class with the *lowest* score would be the most probable one. On "Where we are..." the same
# lecture has the usual $e^{s}$ in its loss, and so have we. (In physics z is an energy, and the state of the lowest
# energy is indeed the most probable: there the sign belongs.)
#
# **The gradient** is as simple as it could be: the probabilities that you have, minus those that you want, which are
# 1 for the label and 0 for all others:
#
# $$\frac{\partial L}{\partial s_{i,j}} = \frac1N \left(p_{i,j} - [\,j = y_i\,]\right)$$
#
# ### By hand: probabilities
#
# The scores of one picture (N = 1) are s = (0, log 2, log 5), so that e^s = (1, 2, 5). Three decimals are enough; use
# Python as a calculator if you like: `np.log`.

# %% exercise="by-hand-softmax"
### BEGIN BLANKS
p = [0.125, 0.25, 0.625]

# the loss and dscores, if the label is class 0
loss_if_0 = 2.079
dscores_if_0 = [-0.875, 0.25, 0.625]

# the probability of class 2 by the slip of the slide, with e^(−s)
p_2_with_minus = 0.118

# the same picture, all scores raised by 1000: the probability of class 2
p_2_plus_1000 = 0.625

# before any training all scores are about 0. What is the softmax loss then, with ten classes?
softmax_at_start = 2.303
### END BLANKS
### BEGIN MISTAKES
# scores for e^s: you divide the scores by their sum. First comes e to the power of each: 1, 2, 5.
#   - p = [0.125, 0.25, 0.625]
#   + p = [0, 0.301, 0.699]
# probabilities exchanged: by the slip the lowest score would win. p follows e^s: class 2 has the highest score.
#   - p = [0.125, 0.25, 0.625]
#   + p = [0.588, 0.294, 0.118]
#   - p_2_with_minus = 0.118
#   + p_2_with_minus = 0.625
# two decimals: you rounded to two decimals. Give three.
#   - p = [0.125, 0.25, 0.625]
#   + p = [0.13, 0.25, 0.63]
#   - dscores_if_0 = [-0.875, 0.25, 0.625]
#   + dscores_if_0 = [-0.88, 0.25, 0.63]
#   - p_2_with_minus = 0.118
#   + p_2_with_minus = 0.12
#   - p_2_plus_1000 = 0.625
#   + p_2_plus_1000 = 0.63
# two decimals, rounded down: you rounded to two decimals. Give three.
#   - p = [0.125, 0.25, 0.625]
#   + p = [0.12, 0.25, 0.62]
#   - dscores_if_0 = [-0.875, 0.25, 0.625]
#   + dscores_if_0 = [-0.87, 0.25, 0.62]
#   - p_2_plus_1000 = 0.625
#   + p_2_plus_1000 = 0.62
# probability for loss: that is the probability. The loss is −log of it.
#   - loss_if_0 = 2.079
#   + loss_if_0 = 0.125
# logarithm to base 10: use the natural logarithm, np.log.
#   - loss_if_0 = 2.079
#   + loss_if_0 = 0.903
#   - softmax_at_start = 2.303
#   + softmax_at_start = 1
# label not subtracted: subtract 1 from the probability of the label.
#   - dscores_if_0 = [-0.875, 0.25, 0.625]
#   + dscores_if_0 = [0.125, 0.25, 0.625]
# sign turned: the label's own score is to rise: its gradient is negative, p − 1.
#   - dscores_if_0 = [-0.875, 0.25, 0.625]
#   + dscores_if_0 = [0.875, -0.25, -0.625]
# certain by 1000: raising all scores changes nothing: e^1000 cancels between the numerator and the sum.
#   - p_2_plus_1000 = 0.625
#   + p_2_plus_1000 = 1
# probability at the start: that is the probability of each class, 1/C. The loss is −log(1/C).
#   - softmax_at_start = 2.303
#   + softmax_at_start = 0.1
### END MISTAKES

# %% check="by-hand-softmax" points=10
from course.check import Check

check = Check("by-hand-softmax")
check.blank("p", p, decimals=3)
check.blank("loss_if_0", loss_if_0, decimals=2)
check.blank("dscores_if_0", dscores_if_0, decimals=3)
check.blank("p_2_with_minus", p_2_with_minus, decimals=3)
check.blank("p_2_plus_1000", p_2_plus_1000, decimals=3)
check.blank("softmax_at_start", softmax_at_start, decimals=2)
check.score(10)

# %% [markdown]
# The last number is worth remembering: a new classifier with C classes begins at a loss of about −log(1/C) = log C.
# If yours does not, something is wrong before the training has begun.
#
# ### Write it: softmax
#
# e^1000 is too large for a float64: it becomes `inf`, and inf/inf is NaN. But you have just seen that only
# *differences* of scores matter. So subtract a number of its own from each row first. Which one makes the largest power of the row exactly
# e^0 = 1?


# %% exercise="softmax"
def softmax(scores):
    """Turn each row of scores into probabilities: p[i, j] = e^s[i, j] / Σ_k e^s[i, k].

    Args:
        scores: (N, C), of any size: a thousand more or less must not matter.

    Returns:
        p: (N, C), positive, each row adds up to 1.

    >>> softmax(np.array([[0.0, 0.0], [1000.0, 0.0]]))
    array([[0.5, 0.5],
           [1. , 0. ]])
    """
    ### BEGIN SOLUTION
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)
    ### END SOLUTION
### BEGIN MISTAKES
# the minus sign of the slide: you compute e^(−s): the lowest score wins. That is the slip on HLCV's slide; use e^s.
#   - np.exp(scores - scores.max(axis=1, keepdims=True))
#   + np.exp(scores.min(axis=1, keepdims=True) - scores)
# overflow: e^1000 is inf, and inf/inf is not a number. Subtract each row's largest score first.
#   - np.exp(scores - scores.max(axis=1, keepdims=True))
#   + np.exp(scores)
# keepdims forgotten: without keepdims=True the sums (N,) are laid along the classes, not along the pictures: row i must be
#     divided by sum i. Print the shapes.
#   - powers / powers.sum(axis=1, keepdims=True)
#   + powers / powers.sum(axis=1)
# keepdims forgotten twice: without keepdims=True the maxima and the sums (N,) are laid along the classes, not along the
#     pictures. Print the shapes.
#   - scores.max(axis=1, keepdims=True)
#   + scores.max(axis=1)
#   - powers / powers.sum(axis=1, keepdims=True)
#   + powers / powers.sum(axis=1)
# one maximum for all: you subtract the largest score of the whole batch. In a row that lies far below it all powers become 0: take
#     each row's own maximum, axis=1.
#   - scores.max(axis=1, keepdims=True)
#   + scores.max()
# minimum subtracted: you subtract each row's smallest score. The largest may still be far above it: subtract the largest.
#   - scores.max(axis=1, keepdims=True)
#   + scores.min(axis=1, keepdims=True)
# mean subtracted: you subtract each row's mean. One score far above the others still overflows: subtract the largest.
#   - scores.max(axis=1, keepdims=True)
#   + scores.mean(axis=1, keepdims=True)
# the other axis: you take the maximum and the sum over the pictures, axis=0. Each picture, a row, has probabilities of its own:
#     axis=1, keepdims=True.
#   - scores.max(axis=1, keepdims=True)
#   + scores.max(axis=0, keepdims=True)
#   - powers.sum(axis=1, keepdims=True)
#   + powers.sum(axis=0, keepdims=True)
# logarithm returned: you return log p. softmax returns p itself; the logarithm comes with the loss.
#   - return powers / powers.sum(axis=1, keepdims=True)
#   + return scores - scores.max(axis=1, keepdims=True) - np.log(powers.sum(axis=1, keepdims=True))
# summed over the batch: you divide by the sum over the pictures. The probabilities of one picture, a row, add up to 1.
#   - powers.sum(axis=1, keepdims=True)
#   + powers.sum(axis=0, keepdims=True)
# one sum for all: you divide by the sum of everything. Each row has to add up to 1 by itself: axis=1, keepdims=True.
#   - powers.sum(axis=1, keepdims=True)
#   + powers.sum()
# not divided: you do not divide by the sum: the row with the highest score has 1, whatever the others are.
#   - return powers / powers.sum(axis=1, keepdims=True)
#   + return powers
### END MISTAKES


# %% check="softmax" points=7
from course import ops
from course.check import Check


def student(scores, *, untouched=False):
    # changed in place? That costs one case: all others work on a copy
    return softmax(scores if untouched else scores.copy())


def reference(scores, *, untouched=False):
    return ops.softmax(scores)


check = Check("softmax", student, reference, returns="p (N, C)")
check("one picture, scores left as they are", check.normal(1, 4), untouched=True, points=0.5)
check("a batch", check.normal(5, 3))
check("as many pictures as classes", check.normal(4, 4))
check("all scores raised by 1000", check.normal(4, 3) + 1000)
check("all scores lowered by 1000", check.normal(4, 3) - 1000)
apart = np.array([[1000.0], [0], [-1000]])
check("one picture far above, one far below", check.normal(3, 4) + apart)
steep = np.array([[2000.0, 0, 0], [0, 0, -2500]])
check("one score far above the others", check.normal(2, 3) + steep)
### BEGIN HIDDEN TESTS
check.hide()
check("another batch", 3 * check.normal(4, 6), points=0.5)
### END HIDDEN TESTS
check.score(7)

# %% [markdown]
# ### Write it: the softmax loss and its gradient
#
# Here is one more trap. If the label lies 1000 below another class, p is e^(−1000), which is 0 in the computer, and
# log 0 is −inf. On paper the loss is simply 1000. So do not take the logarithm of p; take it on paper first:
#
# $$\log p_j = s_j - \log \sum_k e^{s_k}$$
#
# again with each row's largest score subtracted before.


# %% exercise="softmax_loss"
def softmax_loss(scores, labels):
    """Compute the mean cross-entropy loss of a batch, and its gradient.

        L = 1/N Σ_i −log p[i, y_i],     ∂L/∂s[i, j] = (p[i, j] − [j = y_i])/N

    Args:
        scores: (N, C), of any size.
        labels: (N,), integers from 0 to C − 1.

    Returns:
        loss: L, a number.
        dscores: (N, C), ∂L/∂scores, of the dtype of scores.

    >>> loss, dscores = softmax_loss(np.array([[0.0, 0.0], [0.0, 1000.0]]), np.array([0, 0]))
    >>> loss.round(3), dscores
    (np.float64(500.347), array([[-0.25,  0.25],
           [-0.5 ,  0.5 ]]))
    """
    ### BEGIN SOLUTION
    N = len(scores)
    rows = np.arange(N)
    shifted = scores - scores.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    loss = -log_p[rows, labels].mean()
    dscores = np.exp(log_p)
    dscores[rows, labels] -= 1
    return loss, dscores / N
    ### END SOLUTION
### BEGIN MISTAKES
# logarithm of zero: you take the logarithm of p. Where p is too small for a number it is 0, and the loss inf: use log p = s − log Σ e^s.
#   - loss = -log_p[rows, labels].mean()
#   + loss = -np.log(np.exp(log_p)[rows, labels]).mean()
# overflow: e^1000 is inf. Subtract each row's largest score first: it changes no probability.
#   - shifted = scores - scores.max(axis=1, keepdims=True)
#   + shifted = scores
# keepdims forgotten: without keepdims=True the sums (N,) are laid along the classes, not along the pictures. Print the shapes.
#   - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
#   + np.log(np.exp(shifted).sum(axis=1))
# one maximum for all: you subtract the largest score of the whole batch; a row far below it has only zeros left. Take each row's own.
#   - scores.max(axis=1, keepdims=True)
#   + scores.max()
# the minus sign of the slide: you compute with e^(−s): the lowest score wins. That is the slip on HLCV's slide.
#   - shifted = scores - scores.max(axis=1, keepdims=True)
#   + shifted = scores.min(axis=1, keepdims=True) - scores
# sign of the loss: your loss is negative: log p ≤ 0, the loss is −log p.
#   - loss = -log_p[rows, labels].mean()
#   + loss = log_p[rows, labels].mean()
# sum for mean: your loss is the sum over the pictures. Divide it by N, and the gradient as well.
#   - loss = -log_p[rows, labels].mean()
#   + loss = -log_p[rows, labels].sum()
#   - return loss, dscores / N
#   + return loss, dscores
# gradient not divided: your loss is right, but its gradient is N times too large: the loss is a mean.
#   - return loss, dscores / N
#   + return loss, dscores
# sum for mean in the loss: your gradient is right, but your loss is the sum over the pictures: divide it by N.
#   - loss = -log_p[rows, labels].mean()
#   + loss = -log_p[rows, labels].sum()
# mean of everything: you average log p over all classes. Only the label's counts: pick log_p[np.arange(N), labels] first.
#   - loss = -log_p[rows, labels].mean()
#   + loss = -log_p.mean()
# something added before the logarithm: you add a small number to p, or clip it, so that log 0 does not occur. Then the loss stops
#     growing at about 28; on paper it goes on. Use log p = s − log Σ e^s.
#   - loss = -log_p[rows, labels].mean()
#   + loss = -np.log(np.exp(log_p)[rows, labels] + 1e-12).mean()
# clipped before the logarithm: you clip p, so that log 0 does not occur. Then the loss stops growing; on paper it goes on. Use
#     log p = s − log Σ e^s.
#   - loss = -log_p[rows, labels].mean()
#   + loss = -np.log(np.maximum(np.exp(log_p)[rows, labels], 1e-15)).mean()
# whole columns: dscores[:, labels] takes whole columns. Subtract 1 from one number in each row: dscores[np.arange(N), labels].
#   - dscores[rows, labels] -= 1
#   + dscores[:, labels] -= 1
# 1 from all: you subtract 1 from every class. Only the label's probability should be 1: dscores[np.arange(N), labels] -= 1.
#   - dscores[rows, labels] -= 1
#   + dscores -= 1
# divided by C: you divide the gradient by the number of classes. The loss is a mean over the N pictures.
#   - return loss, dscores / N
#   + return loss, dscores / scores.shape[1]
# label not subtracted: your gradient is p. At the label it is p − 1: there a higher score lowers the loss.
#   - dscores[rows, labels] -= 1
#   + pass
# only the label: your gradient is 0 for the other classes. They are pushed down, by their probability.
#   - dscores = np.exp(log_p)
#   + dscores = np.zeros_like(scores)
#   + dscores[rows, labels] = np.exp(log_p[rows, labels])
# sign of the gradient: your gradient points downhill. It is p − 1 at the label, and p elsewhere.
#   - return loss, dscores / N
#   + return loss, -dscores / N
# all classes: you take −log p of every class. Only that of the label counts.
#   - loss = -log_p[rows, labels].mean()
#   + loss = -log_p.sum(axis=1).mean()
# logarithm to base 2: you use a logarithm to another base. Take the natural one, np.log.
#   - loss = -log_p[rows, labels].mean()
#   + loss = -log_p[rows, labels].mean() / np.log(2)
### END MISTAKES


# %% check="softmax_loss" points=10
from course import ops
from course.check import Check


def student(wanted, scores, labels):
    # changed in place? That costs one case: all others work on a copy
    untouched = wanted == "dscores, scores untouched"
    answer = softmax_loss(scores if untouched else scores.copy(), labels)
    if type(answer) is not tuple or len(answer) != 2:
        raise TypeError("softmax_loss returns the loss and dscores")
    return answer[["loss", "dscores"].index(wanted.split(",")[0])]


def reference(wanted, scores, labels):
    return ops.softmax_loss(scores, labels)[["loss", "dscores"].index(wanted.split(",")[0])]


check = Check("softmax_loss", student, reference)
hand = np.log(np.array([[1.0, 2, 5]])), np.array([0])
batch = 2 * check.normal(7, 5), check.labels(7, 5)
apart = check.normal(4, 4) + np.array([[0.0], [1000], [-1000], [0]]), check.labels(4, 4)
hopeless = np.array([[0.0, 2000, 3], [2, 0, -900]]) + check.normal(2, 3), np.array([0, 2])
check("loss: your picture", "loss", *hand, points=0.75)
check("dscores: your picture", "dscores", *hand, points=0.75)
check("loss: a batch", "loss", *batch)
check("dscores: a batch", "dscores", *batch)
check("loss: scores + 1000", "loss", batch[0] + 1000, batch[1])
check("dscores: scores + 1000", "dscores", batch[0] + 1000, batch[1])
check("loss: one picture far above, one far below", "loss", *apart)
check("dscores: one picture far above, one far below", "dscores", *apart)
check("loss: a label that lies far below", "loss", *hopeless)
single = check.normal(3, 4, dtype=np.float32), check.labels(3, 4)
check("dscores: float32, scores left as they are", "dscores, scores untouched", *single, points=0.5)
### BEGIN HIDDEN TESTS
check.hide()
batch = check.normal(6, 4), check.labels(6, 4)
check("loss: another batch", "loss", *batch, points=0.5)
check("dscores: another batch", "dscores", *batch, points=0.5)
### END HIDDEN TESTS
check.score(10)

# %% [markdown]
# Does the gradient tell the truth? Move one score by a tiny h in both directions and measure the slope. You will do
# that for whole networks in notebook 02.

# %% tags=["experiment"]
scores, labels, h = np.array([[0.5, -1.0, 2.0], [1.0, 0.0, 0.2]]), np.array([0, 2]), 1e-5
step = np.zeros_like(scores)
step[0, 2] = h
for loss in (hinge_loss, softmax_loss):
    measured = (loss(scores + step, labels)[0] - loss(scores - step, labels)[0]) / (2 * h)
    told = loss(scores, labels)[1][0, 2]
    print(f"{loss.__name__:12}  measured {measured:.6f}  dscores[0, 2] {told:.6f}")

# %% [markdown]
# ## 4 See it: drag a point
#
# Three classes in the plane, so D = 2 and C = 3. All numbers are those of your own functions. Take the ring with the
# mouse, or click it and use the arrow keys (with Shift in larger steps). A number of yours that is not right is
# framed with dashes.
#
# 1. Drag the point up, deep into the region of its class. Which loss becomes exactly 0, and where? Which one never
#    does?
# 2. Put the point on a solid line. Which two probabilities are equal? What is the hinge loss there at least?
# 3. Drag it across a solid line and straight on into the foreign region. By how much does each loss grow with every
#    step, at first and far out?
# 4. Set *scale* to 4: all weights and biases are multiplied. No dot changes its side. What happens to both losses,
#    and to the probabilities?
# 5. Choose w0, w1 or w2 under *drag*: now the ring is the template of a class. Try to bring all 30 dots to where they
#    belong, and both mean losses as far down as you can. Which border stays on its line when you drag w0?

# %% tags=["demo"]
from course.demos import linear_classifier

linear_classifier.demo(linear_scores, hinge_loss, softmax, softmax_loss)

# %% [markdown]
# ## 5 The full loss: data loss and penalty
#
# *Follows HLCV, "Where we are... : Parametric Approach": full loss = data loss + regularization.*
#
# You have seen it in the demo: larger weights lower the softmax loss, although no dot changes its side. If all dots
# are right, that goes on for ever; nothing in the data stops the weights from growing. So a **penalty** R(W) is
# added, which prefers small weights. HLCV leaves open which one. We take the usual square, L2:
#
# $$L = \frac1N \sum_i L_i + R(w) \qquad R(w) = \frac{\lambda}{2} \sum_{d,c} w_{d,c}^2$$
#
# λ is its strength (`strength` in the code: `lambda` is a word of Python's own). The ½ is there so that the gradient
# is simply λw: each weight is pulled towards 0 in proportion to its size, and the name of this pull in later lectures
# is *weight decay*. The biases are not penalised: b only moves a border.
#
# ### By hand: the penalty
#
# w = [[1, −2], [3, 0]] and λ = 0.1. Then: the picture x = (1, 2) and λ = 1. The templates (5, 0) and (1, 2) give it
# the same score, 5. Which one does the penalty prefer?

# %% exercise="by-hand-penalty"
### BEGIN BLANKS
penalty = 0.7
dpenalty_at_minus_2 = -0.2  # the gradient of the penalty at the weight −2

penalty_of_5_0 = 12.5
penalty_of_1_2 = 2.5
### END BLANKS
### BEGIN MISTAKES
# half forgotten: you leave out the ½ of λ/2.
#   - penalty = 0.7
#   + penalty = 1.4
#   - penalty_of_5_0 = 12.5
#   + penalty_of_5_0 = 25
#   - penalty_of_1_2 = 2.5
#   + penalty_of_1_2 = 5
# not squared: you add the weights as they are. Square each first: 1 + 4 + 9 + 0.
#   - penalty = 0.7
#   + penalty = 0.1
#   - penalty_of_5_0 = 12.5
#   + penalty_of_5_0 = 2.5
#   - penalty_of_1_2 = 2.5
#   + penalty_of_1_2 = 1.5
# gradient with the half: the derivative of λ/2·w² is λw: the 2 of the square cancels the ½.
#   - dpenalty_at_minus_2 = -0.2
#   + dpenalty_at_minus_2 = -0.1
# gradient without the half: you differentiate λw². With the ½ in front, the derivative of λ/2·w² is λw.
#   - dpenalty_at_minus_2 = -0.2
#   + dpenalty_at_minus_2 = -0.4
# gradient without sign: the gradient has the sign of the weight: a negative weight is pulled up.
#   - dpenalty_at_minus_2 = -0.2
#   + dpenalty_at_minus_2 = 0.2
### END MISTAKES

# %% check="by-hand-penalty" points=4
from course.check import Check

check = Check("by-hand-penalty")
check.blank("penalty", penalty)
check.blank("dpenalty_at_minus_2", dpenalty_at_minus_2)
check.blank("penalty_of_5_0", penalty_of_5_0)
check.blank("penalty_of_1_2", penalty_of_1_2)
check.score(4)

# %% [markdown]
# The penalty prefers (1, 2): a template that uses both pixels a little, rather than one of them a lot. (Of all
# templates that give x the score 5, the one along x is the cheapest: the geometry of section 1.)
#
# ### Write it: the penalty and the full loss


# %% exercise="l2_penalty"
def l2_penalty(w, *, strength):
    """Compute R = λ/2 Σ w² and its gradient.

    Args:
        w: weights, an array of any shape.
        strength: λ, at least 0.

    Returns:
        penalty: R, a number.
        dw: ∂R/∂w, of the shape of w.

    >>> l2_penalty(np.array([2.0, -4.0]), strength=0.5)
    (np.float64(5.0), array([ 1., -2.]))
    """
    ### BEGIN SOLUTION
    return 0.5 * strength * np.sum(w**2), strength * w
    ### END SOLUTION
### BEGIN MISTAKES
# half forgotten: your penalty is twice too large: R = λ/2 Σ w².
#   - 0.5 * strength * np.sum(w**2)
#   + strength * np.sum(w**2)
# gradient of the other form: your gradient is 2λw. With the ½ in R it is λw.
#   - , strength * w
#   + , 2 * strength * w
# half in the gradient: your gradient still has the ½. The 2 of the square cancels it: λw.
#   - , strength * w
#   + , 0.5 * strength * w
# absolute values: you add |w|: that is the L1 penalty. Square the weights.
#   - np.sum(w**2), strength * w
#   + np.sum(np.abs(w)), strength * np.sign(w)
# mean for sum: you average over the weights. R adds them up: a larger classifier pays more.
#   - 0.5 * strength * np.sum(w**2), strength * w
#   + 0.5 * strength * np.mean(w**2), strength * w / w.size
# mean for sum in R: your gradient is right, but R is the mean over the weights. It is λ/2 times their sum of squares.
#   - np.sum(w**2)
#   + np.mean(w**2)
# absolute values in R: you add |w|, not w². Your gradient is that of the squares already.
#   - np.sum(w**2)
#   + np.sum(np.abs(w))
# the L1 penalty: that is λ Σ |w|, the L1 penalty. This one squares the weights: λ/2 Σ w².
#   - 0.5 * strength * np.sum(w**2), strength * w
#   + strength * np.sum(np.abs(w)), strength * np.sign(w)
# a root: you take the length of w. R is its square.
#   - 0.5 * strength * np.sum(w**2)
#   + 0.5 * strength * np.sqrt(np.sum(w**2))
# strength forgotten in the gradient: your gradient does not depend on λ.
#   - , strength * w
#   + , w
### END MISTAKES


# %% check="l2_penalty" points=5
from course.check import Check
from course.gradcheck import numerical_gradient


def student(wanted, w, *, strength):
    answer = l2_penalty(w, strength=strength)
    if type(answer) is not tuple or len(answer) != 2:
        raise TypeError("l2_penalty returns the penalty and dw")
    return answer[["penalty", "dw"].index(wanted)]


def reference(wanted, w, *, strength):
    def penalty(v):
        return strength * np.vdot(v, v) / 2

    return penalty(w) if wanted == "penalty" else numerical_gradient(penalty, w)


check = Check("l2_penalty", student, reference, tolerance=1e-5)
w, v = check.normal(3, 2), 2 * check.normal(5)
check("penalty: a matrix", "penalty", w, strength=0.3)
check("dw: a matrix", "dw", w, strength=0.3)
check("penalty: a vector, another strength", "penalty", v, strength=1.7)
check("dw: a vector, another strength", "dw", v, strength=1.7)
### BEGIN HIDDEN TESTS
check.hide()
w = check.normal(4, 3)
check("penalty: another matrix", "penalty", w, strength=0.45, points=0.5)
check("dw: another matrix", "dw", w, strength=0.45, points=0.5)
### END HIDDEN TESTS
check.score(5)

# %% [markdown]
# Now put everything together: scores, data loss, the way back, penalty. Four of your functions, one line each. The
# function is told *which* loss to use; both have the same form. Its first lines call your own functions. The check
# hands over right ones instead, so that a mistake from above is not counted twice.


# %% exercise="full_loss"
def full_loss(x, labels, w, b, *, data_loss, strength, forward=None, backward=None, penalise=None):
    """Compute the loss of a linear classifier on a batch, with penalty, and its gradients.

        L = data_loss(x·w + b, labels) + R(w)

    Args:
        x: (N, D).
        labels: (N,).
        w: (D, C).
        b: (C,), not penalised.
        data_loss: a function `loss, dscores = data_loss(scores, labels)`, such as `hinge_loss`.
        strength: λ of the penalty.
        forward, backward, penalise: what to use for `linear_scores`, `linear_scores_backward` and
            `l2_penalty`; leave them as they are.

    Returns:
        loss: L, a number.
        dw: (D, C).
        db: (C,).

    >>> x, w = np.array([[1.0, 2.0]]), np.array([[1.0, 0.0], [3.0, 1.0]])
    >>> full_loss(x, np.array([1]), w, np.zeros(2), data_loss=hinge_loss, strength=0.2)
    (np.float64(7.1), array([[ 1.2, -1. ],
           [ 2.6, -1.8]]), array([ 1., -1.]))
    """
    forward = forward or linear_scores
    backward = backward or linear_scores_backward
    penalise = penalise or l2_penalty
    ### BEGIN SOLUTION
    scores, cache = forward(x, w, b)
    loss, dscores = data_loss(scores, labels)
    _, dw, db = backward(dscores, cache)
    penalty, dpenalty = penalise(w, strength=strength)
    return loss + penalty, dw + dpenalty, db
    ### END SOLUTION
### BEGIN MISTAKES
# penalty left out: your loss does not grow with the strength. Add R(w) to the data loss.
#   - return loss + penalty, dw + dpenalty, db
#   + return loss, dw + dpenalty, db
# gradient of the penalty left out: your loss is right, but dw lacks the gradient of the penalty: λw is added to it.
#   - return loss + penalty, dw + dpenalty, db
#   + return loss + penalty, dw, db
# no penalty at all: you leave the penalty out, in the loss and in dw.
#   - return loss + penalty, dw + dpenalty, db
#   + return loss, dw, db
# penalty a picture: you divide the penalty by N. Only the data loss is a mean over the pictures; R(w) is added once.
#   - return loss + penalty, dw + dpenalty, db
#   + return loss + penalty / len(x), dw + dpenalty / len(x), db
# biases penalised: you penalise b as well. Only the weights are pulled to 0.
#   - return loss + penalty, dw + dpenalty, db
#   + more, db_penalty = penalise(b, strength=strength)
#   + return loss + penalty + more, dw + dpenalty, db + db_penalty
# one loss always: you always use softmax_loss. Call the function that you are given, data_loss.
#   - data_loss(scores, labels)
#   + softmax_loss(scores, labels)
# strength twice: you multiply the penalty by λ once more. l2_penalty has done so already.
#   - return loss + penalty, dw + dpenalty, db
#   + return loss + strength * penalty, dw + strength * dpenalty, db
# penalty subtracted: you subtract the penalty: then large weights would be a reward.
#   - return loss + penalty, dw + dpenalty, db
#   + return loss - penalty, dw - dpenalty, db
# order of the arguments: you exchange dw and db.
#   - return loss + penalty, dw + dpenalty, db
#   + return loss + penalty, db, dw + dpenalty
### END MISTAKES


# %% check="full_loss" points=9
from course import ops
from course.check import Check
from course.gradcheck import numerical_gradient


def forward_rightly(x, w, b):
    return ops.affine(x, w, b)


def backward_rightly(dscores, cache):
    return ops.affine_backward(dscores, tuple(cache))


def penalise_rightly(w, *, strength):
    return strength * np.vdot(w, w) / 2, strength * w


RIGHT = {"forward": forward_rightly, "backward": backward_rightly, "penalise": penalise_rightly}
LOSSES = {"hinge": ops.hinge_loss, "softmax": ops.softmax_loss}


def student(wanted, loss, x, labels, w, b, *, strength):
    answer = full_loss(x, labels, w, b, data_loss=LOSSES[loss], strength=strength, **RIGHT)
    if type(answer) is not tuple or len(answer) != 3:
        raise TypeError("full_loss returns the loss, dw and db")
    return answer[["loss", "dw", "db"].index(wanted)]


def reference(wanted, loss, x, labels, w, b, *, strength):
    """The gradients by difference quotients of the loss."""

    def full(w, b):
        return LOSSES[loss](x @ w + b, labels)[0] + strength * np.vdot(w, w) / 2

    if wanted == "dw":
        return numerical_gradient(lambda v: full(v, b), w)
    return full(w, b) if wanted == "loss" else numerical_gradient(lambda v: full(w, v), b)


check = Check("full_loss", student, reference, tolerance=1e-5)
batch = check.normal(5, 4), check.labels(5, 3), check.normal(4, 3), check.normal(3)
for wanted in ("loss", "dw", "db"):
    check(f"{wanted}: hinge, no penalty", wanted, "hinge", *batch, strength=0.0, points=0.5)
    check(f"{wanted}: softmax, strength 0.4", wanted, "softmax", *batch, strength=0.4)
    check(f"{wanted}: hinge, strength 1.5", wanted, "hinge", *batch, strength=1.5)
### BEGIN HIDDEN TESTS
check.hide()
batch = check.normal(6, 3), check.labels(6, 4), check.normal(3, 4), check.normal(4)
for wanted in ("loss", "dw", "db"):
    check(f"{wanted}: another batch", wanted, "softmax", *batch, strength=0.7, points=0.5)
### END HIDDEN TESTS
check.score(9)

# %% [markdown]
# ## 6 Searching for weights: blindly, or along the slope
#
# *Follows HLCV, "Strategies": #1 random search, #2 follow the slope.*
#
# How do we find the best w? The first idea needs no gradient at all: draw many, keep the best. Who draws? Not your
# function: it is given the candidates, so that it gives the same answer on every machine.


# %% exercise="random_search"
def random_search(loss, candidates):
    """Try all candidates and keep the best.

    Args:
        loss: a function of one candidate; it returns a number. Call it once for each candidate:
            it is expensive.
        candidates: (T, …), one a row.

    Returns:
        best: the candidate with the lowest loss, the first of them if there are several.
        trace: (T,), the lowest loss found so far, after each candidate.

    >>> best, trace = random_search(lambda w: (w - 3) ** 2, np.array([0.0, 2.0, 8.0, 4.0]))
    >>> best, trace
    (np.float64(2.0), array([9., 1., 1., 1.]))
    """
    ### BEGIN SOLUTION
    best, lowest, trace = None, np.inf, []
    for candidate in candidates:
        found = loss(candidate)
        if found < lowest:
            best, lowest = candidate, found
        trace.append(lowest)
    return best, np.array(trace)
    ### END SOLUTION
### BEGIN MISTAKES
# highest kept: you keep the candidate with the highest loss. Lower is better.
#   - best, lowest, trace = None, np.inf, []
#   + best, lowest, trace = None, -np.inf, []
#   - if found < lowest:
#   + if found > lowest:
# last one kept: you return the last candidate, whatever its loss.
#   - if found < lowest:
#   + lowest = min(found, lowest)
#   + if True:
#   - best, lowest = candidate, found
#   + best = candidate
# trace of every loss: your trace holds the loss of each candidate. It should hold the lowest so far: it never rises.
#   - trace.append(lowest)
#   + trace.append(found)
# begins at 0: you begin with a lowest loss of 0: no positive loss is lower. Begin at infinity, or with the first candidate.
#   - None, np.inf, []
#   + None, 0.0, []
# begins at 0 with a candidate: you begin with a lowest loss of 0: no positive loss is lower, and the candidate you begin with
#     stays. Begin at infinity.
#   - None, np.inf, []
#   + candidates[0], 0.0, []
# number for candidate: you return the number of the best candidate. Return the candidate itself, candidates[number].
#   - for candidate in candidates:
#   + for number, candidate in enumerate(candidates):
#   - best, lowest = candidate, found
#   + best, lowest = number, found
# loss for candidate: you return the lowest loss. Return the candidate that has it.
#   - return best, np.array(trace)
#   + return lowest, np.array(trace)
# first not tried: you never try the first candidate.
#   - for candidate in candidates:
#   + trace.append(loss(candidates[0]))
#   + for candidate in candidates[1:]:
# last of equals: of several candidates with the same loss keep the first: <, not ≤.
#   - if found < lowest:
#   + if found <= lowest:
# called again: your answer is right, but you call the loss more than once for a candidate. Remember what it said.
#   - best, lowest = candidate, found
#   + best, lowest = candidate, loss(candidate)
### END MISTAKES


# %% check="random_search" points=6
from course.check import Check


def student(wanted, target, candidates, *, offset=0.0):
    calls = []

    def loss(w):
        calls.append(w)
        return float(np.sum((w - target) ** 2) + offset)

    answer = random_search(loss, candidates)
    if type(answer) is not tuple or len(answer) != 2:
        raise TypeError("random_search returns the best candidate and the trace")
    return {"best": answer[0], "trace": answer[1], "calls": len(calls)}[wanted]


def reference(wanted, target, candidates, *, offset=0.0):
    """By sorting, which the exercise does not need."""
    losses = ((candidates - target) ** 2).reshape(len(candidates), -1).sum(axis=1) + offset
    order = np.argsort(losses, kind="stable")
    trace = [losses[order[order <= t][0]] for t in range(len(losses))]
    return {"best": candidates[order[0]], "trace": np.array(trace), "calls": len(losses)}[wanted]


check = Check("random_search", student, reference)
target, drawn = check.normal(4, 3), check.normal(12, 4, 3)
best_first = drawn[np.argsort(((drawn - target) ** 2).sum(axis=(1, 2)))]
check("best: twelve matrices", "best", target, drawn)
check("trace: twelve matrices", "trace", target, drawn)
check("best: the best comes first", "best", target, best_first)
check("best: losses below 0", "best", target, drawn, offset=-50.0)
twins = np.array([[1.0, 0], [4.0, 1], [1.0, 2], [-2.0, 1]])  # two are equally far from (1, 1)
check("best: two that are equally good", "best", np.array([1.0, 1]), twins, points=0.5)
check("the loss is called once for each", "calls", target, drawn, points=0.5)
### BEGIN HIDDEN TESTS
check.hide()
target, drawn = check.normal(5), check.normal(15, 5)
check("best: fifteen vectors", "best", target, drawn, points=0.5)
check("trace: fifteen vectors", "trace", target, drawn, points=0.5)
### END HIDDEN TESTS
check.score(6)

# %% [markdown]
# Let it search: 600 real digits of 8×8 pixels, 400 random classifiers of 650 numbers each. Beside it, 400 steps along
# the slope: subtract a little of the gradient, again and again. (Why that works, and how to do it well, is notebook
# 02.) Both look at the full loss 400 times.

# %% tags=["experiment"]
x_train, y_train = (part[:600] for part in data.digits("train"))
x_test, y_digits = data.digits("test")
x_train, x_test = (part.reshape(len(part), -1).astype(float) for part in (x_train, x_test))
T, LAMBDA = 400, 1e-3


def loss_of(wb):
    return full_loss(x_train, y_train, wb[:-1], wb[-1], data_loss=softmax_loss, strength=LAMBDA)[0]


def follow_the_slope(data_loss, lr):
    w, b, trace = np.zeros((64, 10)), np.zeros(10), []
    for _ in range(T):
        loss, dw, db = full_loss(x_train, y_train, w, b, data_loss=data_loss, strength=LAMBDA)
        w, b = w - lr * dw, b - lr * db
        trace.append(loss)
    return w, b, np.array(trace)


def accuracy(w, b):
    return np.mean(linear_scores(x_test, w, b)[0].argmax(axis=1) == y_digits)


candidates = 0.1 * np.random.default_rng(0).standard_normal((T, 65, 10))
lucky, searched = random_search(loss_of, candidates)
w_softmax, b_softmax, descended = follow_the_slope(softmax_loss, lr=1.0)
tries = np.array([1, 2, 4, 8, 16, 32, 64, 128, 256, 400])
plots.show(
    plots.curves(
        tries,
        {"random search": searched[tries - 1], "along the slope": descended[tries - 1]},
        xlabel="how often the full loss was computed",
        ylabel="lowest loss so far",
        logarithmic=True,
    ),
    alt="Lowest loss so far against the number of computations. Random search falls from "
    f"{searched[0]:.2f} to {searched[-1]:.2f}; along the slope the loss "
    f"{'falls' if descended[-1] < descended[0] else 'does not fall: it goes'} from "
    f"{descended[0]:.2f} to {descended[-1]:.2f}.",
)
print(f"at the start the loss along the slope is {descended[0]:.3f} = log 10")
print("of 450 digits never seen,")
print(f"  random search reads {accuracy(lucky[:-1], lucky[-1]):.0%}")
print(f"  the slope reads {accuracy(w_softmax, b_softmax):.0%}")

# %% [markdown]
# HLCV says of random search: "can work... but very expensive". In 650 dimensions it hardly works at all: almost every
# direction is a bad one, and the best of 400 draws knows nothing about where to go next. The gradient does.
#
# ## 7 Use it: what has it learned?
#
# *Follows HLCV, "Linear Classifier: Three Viewpoints": one template per class.*
#
# Train a second classifier with the hinge loss, and look at the columns of w of both as pictures.

# %% tags=["experiment"]
w_hinge, b_hinge, _ = follow_the_slope(hinge_loss, lr=0.2)
for name, w, b in (("softmax", w_softmax, b_softmax), ("hinge", w_hinge, b_hinge)):
    print(f"{name}: {accuracy(w, b):.1%} of 450 unseen digits")
    plots.show(
        plots.pictures(
            list(w.T.reshape(10, 8, 8)),
            titles=[f"{name}: {c}" for c in range(10)],
            columns=5,
            signed=True,
            width=7.5,
        ),
        alt=f"Ten templates of 8×8 pixels, learned with the {name} loss. Class 0 is orange in "
        "the middle, where a 0 has no ink. Single pixels stand out; few of the templates look "
        "like a digit.",
    )

# %% [markdown]
# Compare with the means of section 1. A template does not show what a 3 looks like; it shows what tells a 3 *from all
# other digits*. A single picture shows how a score comes about: pixel times weight, added up. Below, a digit, and its
# products with two templates.

# %% tags=["experiment"]
w, b, _ = follow_the_slope(softmax_loss, lr=1.0)
said = linear_scores(x_test, w, b)[0]
second = np.argsort(said, axis=1)[:, -2]
n = int(np.flatnonzero(said.argmax(axis=1) == y_digits)[4])
right, rival = int(y_digits[n]), int(second[n])
evidence = [x_test[n] * w[:, c] for c in (right, rival)]
print(f"score of class {right}: {said[n, right]:.1f}; of class {rival}: {said[n, rival]:.1f}")
plots.show(
    plots.pictures([x_test[n].reshape(8, 8)], titles=[f"a {right}"], width=2.2),
    alt=f"A handwritten {right} of 8×8 pixels, white on black.",
)
plots.show(
    plots.pictures(
        [e.reshape(8, 8) for e in evidence],
        titles=[f"times template {c}" for c in (right, rival)],
        signed=True,
        width=5.5,
    ),
    alt=f"The products of its pixels with template {right} and with template {rival}: violet "
    f"pixels speak for the class, orange ones against it. With the bias they add up to "
    f"{said[n, right]:.1f} and {said[n, rival]:.1f}.",
)

# %% [markdown]
# **Where lines are not enough.** Three blobs are no problem. Three spirals are: no three straight regions can hold
# them, whatever the loss and however long you train.

# %% tags=["experiment"]
def train_2d(x, y):
    w, b = np.zeros((2, 3)), np.zeros(3)
    for _ in range(300):
        _, dw, db = full_loss(x, y, w, b, data_loss=softmax_loss, strength=1e-3)
        w, b = w - dw, b - db
    return w, b, np.mean(linear_scores(x, w, b)[0].argmax(axis=1) == y)


for name in ("blobs", "spirals"):
    x, y = getattr(data, name)(120, classes=3, rng=np.random.default_rng(4))
    x = x.astype(float)
    w, b, share = train_2d(x, y)
    plots.show(
        hyperplanes(x, y, [(w, b)], titles=[f"{name}: {share:.0%} right"]),
        alt=f"Three {name} of points with the regions of a linear classifier: {share:.0%} of "
        "the points lie in their own region; the others are hollow.",
    )

# %% [markdown]
# A network that bends these lines is built in notebook 04, from the classifier of this one.

# %% [markdown] question="satisfied" points=3
# ### In words: satisfied or not
#
# A picture with label 0 has the scores (8, 2, 5). A moment later they are (80, 2, 5), and later still (8, 6.5, 6.5).
# What does each of the two losses say in the three cases, and what does each of their gradients do? Name one
# situation in which you would rather have the one, and one in which you would rather have the other.
#
# ### BEGIN SOLUTION
# Hinge: 0 in all three cases: the label leads by at least 1 (8 − 6.5 = 1.5), and the gradient is exactly 0. It does
# not care how large the lead is. Softmax: about 0.05 for (8, 2, 5), practically 0 for (80, 2, 5), about 0.37 for (8,
# 6.5, 6.5); its gradient always pushes the label up and the others down, however little. Hinge is good where right is
# enough and pictures that are right should not distract from those that are wrong. Softmax is good where
# probabilities are wanted, for instance to refuse to answer, or where two classes are to be weighed against each
# other.
# ### END SOLUTION
#
# === BEGIN MARK SCHEME ===
# 1 point: hinge is 0 with gradient 0 in all three cases, because every lead is at least 1.
#
# 1 point: softmax is positive in all three, largest for (8, 6.5, 6.5), and its gradient never is exactly 0.
#
# 1 point: one sensible use of each (probabilities wanted; satisfied pictures should not count).
# === END MARK SCHEME ===

# %% [markdown] question="one-template" points=3
# ### In words: one template
#
# Somebody adds to the digits every picture once more with black and white exchanged, with the same label. (a) What
# would the best template of class 1 look like, and why is a linear classifier now almost helpless? (b) Give the
# geometric reason in one sentence. (c) Would a stronger penalty help?
#
# ### BEGIN SOLUTION
# (a) A picture x and its negative 1 − x have to get a high score from the same template: x·w + (1 − x)·w is the sum
# of all weights, the same for each picture. What speaks for the class in the one speaks against it in the other, so
# the best template is close to 0 everywhere: grey. Measured: 8 % of unseen digits, and a loss of 2.29; chance is 10 %
# and 2.30. (b) The two versions of a class lie opposite each other, with the other classes in between, and a region
# cut out by hyperplanes is convex (in one piece, without a hole): it cannot hold both without holding what is between
# them. (c) No: the classifier is too simple, and a penalty makes it simpler still.
# ### END SOLUTION
#
# === BEGIN MARK SCHEME ===
# 1 point: (a) both versions share one template and cancel: it becomes flat, near 0.
#
# 1 point: (b) regions of a linear classifier are convex / one straight border between each two classes, so two
# opposite clusters do not fit.
#
# 1 point: (c) no, with the reason that it underfits already.
# === END MARK SCHEME ===

# %% [markdown]
# ## What you have now
#
# - A score function s = x·w + b, seen as algebra, as templates and as hyperplanes, and its way back.
# - Two losses with their gradients: hinge, which is satisfied by a margin of 1, and softmax, which never is, and
#   which survives scores of a thousand.
# - A full loss: data loss plus penalty.
# - Two numbers to check any new classifier by: with C classes it begins at a softmax loss of log C and a hinge loss
#   of C − 1.
#
# Notebook 02 follows the slope properly.
