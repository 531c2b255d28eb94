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
# # 08 Normalisation and dropout
#
# A deep network is a chain of factors. If each layer makes its numbers a little smaller, nothing is left at the end; if
# each makes them a little larger, they explode. Batch normalisation puts every layer's numbers back to one size, whatever
# the weights are. In this notebook you work it out on five numbers, write it forwards and backwards, once step by step and
# once in a single formula, and take it to pictures. Then you write dropout, which hides part of the network from itself.
#
# It takes about an hour. Nothing from an earlier notebook is needed. Run the cells from top to bottom; where you find
# `...` or `NotImplementedError`, it is your turn.
#
# Lectures, as they are called below:
#
# - **EECS 545**: *Machine Learning*, University of Michigan, Lecture 12, "Batch Normalization"
# - **SYSU**: *Artificial Neural Networks*, Sun Yat-sen University, Lecture 7, "Learning magic in
#   AlexNet" and "ResNet details for the curious.."
# - **EECS 442**: *Computer Vision*, University of Michigan, "Convolutional Neural Networks"
#
# Symbols: N samples, C channels (or inputs), height H, width W. μ and σ² are mean and variance of a batch, taken over m
# values; ε keeps a root away from 0; γ (`gamma`) and β (`beta`) are learned. dy is ∂ℓ/∂y, the upstream gradient, ℓ the loss.

# %% tags=["setup"]
import numpy as np

from course import data, plots
from course.plots.normalisation import parabola, sharing, steps, thinned

np.set_printoptions(precision=3, suppress=True)

# %% [markdown]
# ## 1 One channel, four steps
#
# *Follows EECS 545, "Batch Normalization" and "Batch Normalization: forward prop".*
#
# Take one channel: one number from each sample of the batch, $x_1 \dots x_m$. Subtract the mean, divide by the deviation,
# then scale and shift by two numbers that the network learns:
#
# $$\mu = \frac1m \sum_i x_i \qquad \sigma^2 = \frac1m \sum_i (x_i - \mu)^2 \qquad
# \hat x_i = \frac{x_i - \mu}{\sqrt{\sigma^2 + \varepsilon}} \qquad y_i = \gamma\, \hat x_i + \beta$$

# %% tags=["demo"]
batch = np.random.default_rng(3).gamma(2, 2, size=12) + 3
plots.show(
    steps(batch, gamma=2, beta=1),
    alt="Twelve dots on four lines, one below the other; one dot, far to the right of the others, is a diamond. A bar shows mean and "
    "deviation. x lies between 3 and 15. x − μ has the same distances around 0. x̂ is squeezed to deviation 1. y is twice as "
    "wide and moved by 1. The diamond stays far to the right in each.",
)

# %% [markdown]
# Whatever the mean and the deviation of x were, those of y are β and γ (up to ε). The dots keep their order and their relative distances:
# the diamond stays an outlier. So read the slide's words "normalize … to N(0, 1)" with care: mean 0 and deviation 1, yes, but a
# normal distribution only if it was one before. Two more slips of the slides: the symbol σ_B² that is called "standard deviation" is the
# variance; and γ and β are not kept "for each weight", but for each channel.
#
# **Why γ and β?** A sigmoid is almost straight between −1 and 1. If its inputs always had deviation 1, the network would have lost
# something. With γ and β it can take any mean and any deviation again, even undo the normalisation: but now by two numbers of its own,
# and no longer by accident of all the layers below.
#
# **And at test time?** A single picture has no batch to be compared with, and its answer should not depend on who else is asked about at
# the same time. So training keeps running averages, and the test uses them as constants:
#
# $$\text{running} \leftarrow (1 - \text{momentum}) \cdot \text{running} + \text{momentum} \cdot \text{batch}$$
#
# They start at mean 0 and variance 1. The running variance takes the batch's variance *divided by m − 1* instead of m: an estimate for
# pictures that were not in the batch. The slides do not say so; the paper and PyTorch do it.
#
# ### By hand: forwards
#
# A batch of five: x = 1, 3, 4, 5, 7. Let ε = 0, γ = 2, β = 10 and momentum 0.1. Replace each `...` by a number, here and below.

# %% exercise="by-hand-forward"
### BEGIN BLANKS
mean = 4
variance = 4
x_hat_first = -1.5  # of x = 1
y_last = 13  # of x = 7

# the running averages were at mean 0 and variance 1; after this batch
running_mean = 0.4
running_variance = 1.4

# much later they are at mean 5 and variance 9. Test time: a single x = 11
y_test = 14
# the same single x = 11, but somebody takes the mean of this batch of one; let ε be tiny, not 0
y_test_with_batch_statistics = 10

# which γ and β would give y = x for our batch?
gamma_that_undoes = 2
beta_that_undoes = 4
### END BLANKS
### BEGIN MISTAKES
# divided by m − 1: inside the layer the variance is a plain mean: the sum of squares divided by m = 5.
#   - variance = 4
#   + variance = 5
# deviation for variance: that is the deviation. The variance is its square.
#   - variance = 4
#   + variance = 2
# divided by the variance: you divide by σ². Divide by the deviation, its root.
#   - x_hat_first = -1.5
#   + x_hat_first = -0.75
# sign forgotten: x = 1 lies below the mean.
#   - x_hat_first = -1.5
#   + x_hat_first = 1.5
# the variance of the layer in the running one: the running variance takes the sum of squares divided by m − 1 = 4.
#   - running_variance = 1.4
#   + running_variance = 1.3
# momentum the other way round: 0.1 is the weight of the new batch, 0.9 that of the old average.
#   - running_mean = 0.4
#   + running_mean = 3.6
#   - running_variance = 1.4
#   + running_variance = 4.6
# scale and shift forgotten: that is x̂. γ and β act at test time too.
#   - y_test = 14
#   + y_test = 2
# not compared with itself: a single number is its own mean, so x − μ = 0: what is left of y?
#   - y_test_with_batch_statistics = 10
#   + y_test_with_batch_statistics = 14
# they undo by inverse: multiply x̂ by what it was divided by.
#   - gamma_that_undoes = 2
#   + gamma_that_undoes = 0.5
### END MISTAKES

# %% check="by-hand-forward" points=10
from course.check import Check

check = Check("by-hand-forward")
check.blank("mean", mean)
check.blank("variance", variance)
check.blank("x_hat_first", x_hat_first)
check.blank("y_last", y_last)
check.blank("running_mean", running_mean)
check.blank("running_variance", running_variance)
check.blank("y_test", y_test)
check.blank("y_test_with_batch_statistics", y_test_with_batch_statistics)
check.blank("gamma_that_undoes", gamma_that_undoes)
check.blank("beta_that_undoes", beta_that_undoes)
check.score(10)

# %% [markdown]
# ## 2 Write it: forwards
#
# *Follows EECS 545, "Batch Normalization: forward prop".*
#
# Now x has N rows and C channels, and each channel is normalised by itself. `running` is a plain dict with two arrays, and your function
# updates it: put new arrays into it, or change the arrays; both reach the caller. A new dict would not.


# %% exercise="batch_norm"
def batch_norm(x, gamma, beta, running, *, training, momentum=0.1, eps=1e-5):
    """Normalise each channel over the batch, then scale and shift it: y = γ·(x − μ)/√(σ² + ε) + β.

    Args:
        x: (N, C).
        gamma, beta: (C,).
        running: {"mean": (C,), "var": (C,)}. In training it follows the batch: (1 − momentum)·running + momentum·batch,
            where the batch's variance is divided by N − 1. At test time it takes the place of μ and σ², and stays as it is.
        training: whether μ and σ² are those of the batch; that σ² is divided by N.
        momentum: the weight of the new batch in the running averages.
        eps: ε.

    Returns:
        y: (N, C), of the dtype of x.
        cache: (x_hat, std, gamma), with x_hat (N, C) and std = √(σ² + ε), (C,).

    Raises:
        ValueError: training with a single row: it has no variance.

    >>> running = {"mean": np.zeros(1), "var": np.ones(1)}
    >>> y, cache = batch_norm(np.array([[1.0], [3.0]]), np.ones(1), np.zeros(1), running, training=True)
    >>> y.ravel(), running["mean"], running["var"]
    (array([-1.,  1.]), array([0.2]), array([1.1]))
    >>> y, cache = batch_norm(np.array([[1.0]]), np.ones(1), np.zeros(1), running, training=False)
    >>> y.ravel()
    array([0.763])
    """
    ### BEGIN SOLUTION
    if training:
        N = len(x)
        if N < 2:
            raise ValueError(f"x has {N} row; training needs 2 or more")
        mean = x.mean(axis=0)
        var = ((x - mean) ** 2).mean(axis=0)
        unbiased = var * N / (N - 1)
        running["mean"] = (1 - momentum) * running["mean"] + momentum * mean
        running["var"] = (1 - momentum) * running["var"] + momentum * unbiased
    else:
        mean, var = running["mean"], running["var"]
    std = np.sqrt(var + eps)
    x_hat = (x - mean) / std
    return gamma * x_hat + beta, (x_hat, std, gamma)
    ### END SOLUTION
### BEGIN MISTAKES
# biased running variance: your running variance takes the batch's variance divided by N. For the running one, divide by N − 1.
#   - unbiased = var * N / (N - 1)
#   + unbiased = var
# unbiased in the batch: you divide by N − 1 inside the layer too. The batch is normalised by its own variance, divided by N;
#     N − 1 is for the running one only.
#   - var = ((x - mean) ** 2).mean(axis=0)
#   - unbiased = var * N / (N - 1)
#   + var = unbiased = ((x - mean) ** 2).sum(axis=0) / (N - 1)
# momentum the other way round: you give the new batch the weight 1 − momentum. momentum = 0.1 is the weight of the new one.
#   - (1 - momentum) * running["mean"] + momentum * mean
#   + momentum * running["mean"] + (1 - momentum) * mean
#   - (1 - momentum) * running["var"] + momentum * unbiased
#   + momentum * running["var"] + (1 - momentum) * unbiased
# last batch only: your running statistics are those of the last batch. Keep 1 − momentum of what was there.
#   - (1 - momentum) * running["mean"] + momentum * mean
#   + mean
#   - (1 - momentum) * running["var"] + momentum * unbiased
#   + unbiased
# running never changes: your function leaves `running` as it was. If you build a new dict, the caller never sees it: write into
#     the one that you were given.
#   - running["mean"] = (1 - momentum)
#   + running = dict(running)
#   + running["mean"] = (1 - momentum)
# running statistics in training: you normalise a training batch by the running averages. They are for the test; the batch is
#     compared with itself.
#   - mean, var = running["mean"], running["var"]
#   + pass
#   - std = np.sqrt(var + eps)
#   + mean, var = running["mean"], running["var"]
#   + std = np.sqrt(var + eps)
# batch statistics at test time: you normalise by the batch at test time too. A single sample then always gives β: use `running`.
#   - mean, var = running["mean"], running["var"]
#   + mean, var = x.mean(axis=0), x.var(axis=0)
# running changed at test time: you update the running averages with test data. They are learned in training only.
#   - mean, var = running["mean"], running["var"]
#   + mean, var = running["mean"], running["var"]
#   + running["mean"] = (1 - momentum) * mean + momentum * x.mean(axis=0)
#   + running["var"] = (1 - momentum) * var + momentum * x.var(axis=0)
# one mean for all: you take one mean and one variance for all channels together. Each channel has its own: axis=0.
#   - mean = x.mean(axis=0)
#   + mean = x.mean() * np.ones_like(x[0])
#   - ((x - mean) ** 2).mean(axis=0)
#   + ((x - mean) ** 2).mean() * np.ones_like(x[0])
# axis 1: your mean and variance are those of each row. They belong to a channel, over all rows of the batch: axis=0.
#   - mean = x.mean(axis=0)
#   + mean = x.mean(axis=1)
#   - ((x - mean) ** 2).mean(axis=0)
#   + x.var(axis=1)
# over the channels: you normalise each row over its channels. That exists, as layer normalisation; here a channel is compared with
#     the same channel of the other samples: axis=0.
#   - x_hat = (x - mean) / std
#   + if training:
#   +     x_hat = (x - x.mean(axis=1, keepdims=True)) / np.sqrt(x.var(axis=1, keepdims=True) + eps)
#   + else:
#   +     x_hat = (x - mean) / std
# divided by the variance: you divide by σ² + ε. Divide by its root, the deviation.
#   - std = np.sqrt(var + eps)
#   + std = var + eps
# ε outside of the root: you add ε to the deviation. It stands under the root: √(σ² + ε).
#   - std = np.sqrt(var + eps)
#   + std = np.sqrt(var) + eps
# ε forgotten: where a channel is constant you divide 0 by 0. Add ε under the root.
#   - std = np.sqrt(var + eps)
#   + std = np.sqrt(var)
# β scaled too: you multiply β by γ. First scale, then shift: γ·x̂ + β.
#   - return gamma * x_hat + beta
#   + return gamma * (x_hat + beta)
# variance by E[x²] − E[x]²: your formula for the variance is right on paper, but it subtracts two huge numbers that are almost equal,
#     and float32 has only seven digits. Subtract the mean first, then square.
#   - ((x - mean) ** 2).mean(axis=0)
#   + (x**2).mean(axis=0) - mean**2
# a single row is trained on: one row has no variance, and N − 1 = 0. Raise a ValueError.
#   - if N < 2:
#   -     raise ValueError(f"x has {N} row; training needs 2 or more")
#   - mean = x.mean(axis=0)
#   + mean = x.mean(axis=0)
#   - unbiased = var * N / (N - 1)
#   + unbiased = var * N / max(N - 1, 1)
### END MISTAKES


# %% check="batch_norm" points=14
from course import ops
from course.check import Check


def student(wanted, x, gamma, beta, mean, var, **how):
    running = {"mean": mean.copy(), "var": var.copy()}
    answer = batch_norm(x, gamma, beta, running, **how)
    return (answer[0] if type(answer) is tuple else answer) if wanted == "y" else running[wanted]


def reference(wanted, x, gamma, beta, mean, var, **how):
    running = ops.RunningStatistics(mean.copy(), var.copy())
    y, _ = ops.batch_norm(x, gamma, beta, running, **how)
    return {"y": y, "mean": running.mean, "var": running.var}[wanted]


check = Check("batch_norm", student, reference)
draw = check.normal


def statistics(C):
    return draw(C), check.uniform(0.5, 2, C)  # a mean and a variance for each channel


x, one, zero, start = 3 * draw(6, 1) + 5, np.ones(1), np.zeros(1), (np.zeros(1), np.ones(1))
check("training: y, one channel", "y", x, one, zero, *start, training=True)
x, gamma, beta, averages = 2 * draw(5, 3) + [1, -4, 8], draw(3), draw(3), statistics(3)
check("training: y, three channels, γ and β", "y", x, gamma, beta, *averages, training=True)
check("training: running mean", "mean", x, gamma, beta, *averages, training=True)
check("training: running variance", "var", x, gamma, beta, *averages, training=True, points=2)
check("training: running mean, momentum 0.7", "mean", x, gamma, beta, *averages, training=True, momentum=0.7, points=0.5)
check("training: running variance, momentum 0.7", "var", x, gamma, beta, *averages, training=True, momentum=0.7, points=0.5)
check("training: y, ε = 0.5", "y", x, gamma, beta, *averages, training=True, eps=0.5)
constant = np.repeat([[2.0, -1.0]], 4, axis=0)
check("training: a channel that is constant gives β", "y", constant, draw(2), draw(2), *statistics(2), training=True)
check("test: y", "y", x, gamma, beta, *averages, training=False)
check("test: y of a single row", "y", x[:1], gamma, beta, *averages, training=False, points=2)
check("test: running mean stays", "mean", x, gamma, beta, *averages, training=False, points=0.5)
check("test: running variance stays", "var", x, gamma, beta, *averages, training=False, points=0.5)
far = (draw(8, 2) + 1000).astype(np.float32)
ones, zeros = np.ones(2, np.float32), np.zeros(2, np.float32)
check("training: y, float32, far from 0", "y", far, ones, zeros, zeros, ones, training=True, tolerance=2e-3)
check.raises("training with a single row", ValueError, "y", x[:1], gamma, beta, *averages, training=True)
### BEGIN HIDDEN TESTS
check.hide()
x, gamma, beta, averages = 3 * check.normal(7, 4) - 2, check.normal(4), check.normal(4), statistics(4)
check("training, another shape", "y", x, gamma, beta, *averages, training=True, points=0.5)
check("running variance, another shape", "var", x, gamma, beta, *averages, training=True, momentum=0.3, points=0.5)
### END HIDDEN TESTS
check.score(14)

# %% [markdown]
# ## 3 See it: numbers on their way through a deep network
#
# *Follows EECS 545, "Batch Normalization": what changes in one layer reaches all above it.*
#
# Below is a network of six layers. All its weights are drawn with the same deviation, the *scale*, in hundredths. Above you see what each
# layer gives out, below the same network with your `batch_norm` before each activation. Click the slider and use the arrow keys.
#
# 1. tanh, without: at which scale do the numbers die out, at which do they stick to ±1? Why is either bad for a gradient?
# 2. A layer has 100 inputs. What is so good about 1/√100 = 0.10 for tanh, and about √(2/100) ≈ 0.14 for ReLU?
# 3. How far can you move the scale before the lower row changes? Why does your function not notice a factor?

# %% tags=["demo"]
from course.demos import normalisation

normalisation.demo(batch_norm)

# %% [markdown]
# A factor in front of all weights of a layer cancels in (x − μ)/σ. So the network with batch normalisation trains where the other one does not
# even start. EECS 545 explains the success by *internal covariate shift*: while one layer learns, its inputs change because the layers
# below learn too. That was the inventors' reason. Later experiments (Santurkar et al., 2018) found little of it, and a loss that changes more
# smoothly instead. That it works, nobody doubts.
#
# ## 4 Backwards, step by step
#
# *Follows EECS 545, "Batch Normalization: backpropagation".*
#
# x acts on y along three ways: directly, through μ, and through σ². The chain rule goes back through each gate:
#
# $$d\hat x_i = dy_i \cdot \gamma \qquad d\sigma^2 = \sum_i d\hat x_i \,(x_i - \mu) \cdot \frac{-1}{2} (\sigma^2 + \varepsilon)^{-3/2} \qquad
# d\mu = \sum_i d\hat x_i \cdot \frac{-1}{\sqrt{\sigma^2 + \varepsilon}}$$
#
# $$dx_i = d\hat x_i \cdot \frac{1}{\sqrt{\sigma^2 + \varepsilon}} + d\sigma^2 \cdot \frac{2 (x_i - \mu)}{m} + d\mu \cdot \frac1m
# \qquad d\gamma = \sum_i dy_i\, \hat x_i \qquad d\beta = \sum_i dy_i$$
#
# **A slip on the slide.** It writes ∂ℓ/∂σ_B for what is dμ here, twice. The formula is that of ∂ℓ/∂μ_B.
#
# **A term that is missing, rightly.** μ also acts on σ², so dμ should have a second part, $d\sigma^2 \cdot \partial\sigma^2/\partial\mu$ with
#
# $$\frac{\partial \sigma^2}{\partial \mu} = \frac{-2}{m} \sum_i (x_i - \mu)$$
#
# The slide leaves it out without a word. Here is why it may. As a function of μ, the mean of (x − μ)² is a parabola:

# %% tags=["demo"]
plots.show(
    parabola([1, 2, 4, 5, 8]),
    alt="The mean squared distance of the batch 1, 2, 4, 5, 8 from a point μ, against μ: a parabola. Its lowest point is at the mean, 4, "
    "where the tangent is level: the slope is 0.",
)

# %% [markdown]
# Its lowest point is the mean, and there it is flat. In numbers: what lies above the mean outweighs what lies below, Σ(xᵢ − μ) = 0. The term is not
# small; it is exactly 0, for every batch.
#
# ### By hand: backwards
#
# Once more x = 1, 3, 4, 5, 7, with ε = 0 and γ = 1. Only the last sample has something to say: dy = 0, 0, 0, 0, 10.

# %% exercise="by-hand-backward"
### BEGIN BLANKS
dgamma = 15
dbeta = 10
sum_of_deviations = 0  # the sum of all x − μ
dvariance = -1.875  # dσ²
dmean = -5  # dμ
dx_last = 1.75  # of x = 7
dx_middle = -1  # of x = 4
sum_of_dx = 0
### END BLANKS
### BEGIN MISTAKES
# x for x̂: dγ adds up dy·x̂, not dy·x.
#   - dgamma = 15
#   + dgamma = 70
# mean over the batch: dβ is the sum of dy: y holds β once for each sample. The mean of the loss is in dy already.
#   - dgamma = 15
#   + dgamma = 3
#   - dbeta = 10
#   + dbeta = 2
# σ for σ³: the power −3/2 of σ² is 1/σ³ = 1/8.
#   - dvariance = -1.875
#   + dvariance = -7.5
# factor ½ forgotten: the derivative of a root brings a factor ½.
#   - dvariance = -1.875
#   + dvariance = -3.75
# sign of dμ: μ is subtracted, so its gradient has the opposite sign.
#   - dmean = -5
#   + dmean = 5
# direct way only: you follow the direct way only. x = 7 also moves μ and σ².
#   - dx_last = 1.75
#   + dx_last = 5
#   - dx_middle = -1
#   + dx_middle = 0
# through σ² only: the third way is missing, through μ: dμ/m.
#   - dx_last = 1.75
#   + dx_last = 2.75
#   - dx_middle = -1
#   + dx_middle = 0
# through μ only: the way through σ² is missing: dσ²·2(x − μ)/m.
#   - dx_last = 1.75
#   + dx_last = 4
### END MISTAKES

# %% check="by-hand-backward" points=8
from course.check import Check

check = Check("by-hand-backward")
check.blank("dgamma", dgamma)
check.blank("dbeta", dbeta)
check.blank("sum_of_deviations", sum_of_deviations)
check.blank("dvariance", dvariance)
check.blank("dmean", dmean)
check.blank("dx_last", dx_last)
check.blank("dx_middle", dx_middle)
check.blank("sum_of_dx", sum_of_dx)
check.score(8)

# %% [markdown]
# ### Write it: backwards by the graph
#
# Write one line for each formula above. The cache holds x̂ and √(σ² + ε); you get x − μ back as their product. All of this is about training: at test
# time μ and σ² are constants, and only the direct way is left.


# %% exercise="batch_norm_backward_graph"
def batch_norm_backward_graph(dy, cache):
    """Go back through batch normalisation gate by gate: through x̂, σ² and μ.

    Args:
        dy: (N, C).
        cache: (x_hat, std, gamma) of training, as `batch_norm` returns it: (N, C), (C,), (C,), and std = √(σ² + ε).

    Returns:
        dx (N, C), dgamma (C,), dbeta (C,).

    >>> x_hat = np.array([[-1.5], [-0.5], [0], [0.5], [1.5]])
    >>> dx, dgamma, dbeta = batch_norm_backward_graph(np.array([[10.0], [0], [0], [0], [0]]), (x_hat, np.full(1, 2.0), np.ones(1)))
    >>> dx.ravel(), dgamma, dbeta
    (array([ 1.75, -1.75, -1.  , -0.25,  1.25]), array([-15.]), array([10.]))
    """
    ### BEGIN SOLUTION
    x_hat, std, gamma = cache
    m = len(dy)
    centred = x_hat * std  # x − μ
    # y = γ·x̂ + β
    dbeta = dy.sum(axis=0)
    dgamma = (dy * x_hat).sum(axis=0)
    dx_hat = dy * gamma
    # x̂ = (x − μ)/√(σ² + ε)
    dvar = (dx_hat * centred).sum(axis=0) * -0.5 / std**3
    dmean = -dx_hat.sum(axis=0) / std
    # x stands in x̂, in σ² and in μ
    dx = dx_hat / std + dvar * 2 * centred / m + dmean / m
    return dx, dgamma, dbeta
    ### END SOLUTION
### BEGIN MISTAKES
# direct way only: you follow the direct way only, as at test time. In training x also moves μ and σ².
#   - dx = dx_hat / std + dvar * 2 * centred / m + dmean / m
#   + dx = dx_hat / std
# nothing through μ: the way through μ is missing in your dx: dμ/m.
#   - centred / m + dmean / m
#   + centred / m
# nothing through σ²: the way through σ² is missing in your dx: dσ²·2(x − μ)/m.
#   - dx_hat / std + dvar * 2 * centred / m + dmean / m
#   + dx_hat / std + dmean / m
# 1/m forgotten: μ and σ² are means, so each x moves them by 1/m only: both terms are divided by m.
#   - dvar * 2 * centred / m + dmean / m
#   + dvar * 2 * centred + dmean
# factor 2 forgotten: the derivative of (x − μ)² is 2(x − μ).
#   - dvar * 2 * centred / m
#   + dvar * centred / m
# power of the root: in dσ² stands (σ² + ε) to the power −3/2. std is its root already, so std³.
#   - * -0.5 / std**3
#   + * -0.5 / std**1.5
# sign of dσ²: a larger σ² makes x̂ smaller: there is a minus in dσ².
#   - * -0.5 / std**3
#   + * 0.5 / std**3
# sign of dμ: μ is subtracted, so dμ has a minus.
#   - dmean = -dx_hat.sum(axis=0) / std
#   + dmean = dx_hat.sum(axis=0) / std
# γ forgotten: between y and x̂ stands γ: dx̂ = dy·γ.
#   - dx_hat = dy * gamma
#   + dx_hat = dy
# x̂ for x − μ: you use x̂ where x − μ stands. The cache has x̂; multiply it by the deviation.
#   - centred = x_hat * std
#   + centred = x_hat
# x − μ for x̂ in dγ: γ multiplied x̂, so dγ adds up dy·x̂.
#   - dgamma = (dy * x_hat)
#   + dgamma = (dy * centred)
# mean over the batch: you divide dγ and dβ by m. They are sums: the mean of the loss is in dy already.
#   - dbeta = dy.sum(axis=0)
#   - dgamma = (dy * x_hat).sum(axis=0)
#   + dbeta = dy.mean(axis=0)
#   + dgamma = (dy * x_hat).mean(axis=0)
# γ and β exchanged: the gradients come in the order of the arguments: dx, dγ, dβ.
#   - return dx, dgamma, dbeta
#   + return dx, dbeta, dgamma
# summed over the channels: dγ and dβ have one number a channel: sum over the batch, axis=0.
#   - dbeta = dy.sum(axis=0)
#   - dgamma = (dy * x_hat).sum(axis=0)
#   + dbeta = dy.sum()
#   + dgamma = (dy * x_hat).sum()
### END MISTAKES


# %% check="batch_norm_backward_graph" points=10
from course import ops
from course.check import Check


def cache_of(x, gamma):
    # x̂ by the course's own forward pass, so that yours may be wrong; the deviation is the ratio of two ranges
    x_hat, _ = ops.batch_norm(x, np.ones_like(gamma), np.zeros_like(gamma), None, training=True)
    return x_hat, np.ptp(x, axis=0) / np.ptp(x_hat, axis=0), gamma


def student(wanted, dy, x, gamma):
    answer = batch_norm_backward_graph(dy, cache_of(x, gamma))
    if type(answer) is not tuple or len(answer) != 3:
        raise TypeError("batch_norm_backward_graph returns three arrays: dx, dgamma, dbeta")
    return answer[["dx", "dgamma", "dbeta"].index(wanted)]


def reference(wanted, dy, x, gamma):
    _, cache = ops.batch_norm(x, gamma, np.zeros_like(gamma), None, training=True)
    return ops.batch_norm_backward(dy, cache)[["dx", "dgamma", "dbeta"].index(wanted)]


check = Check("batch_norm_backward_graph", student, reference)
draw = check.normal
x, dy, gamma = 2 * draw(6, 1) + 3, draw(6, 1), draw(1)
line = np.polynomial.Polynomial.fit(x[:, 0], dy[:, 0], 1)
rest = dy - line(x)  # adds up to 0, and does not grow with x
check("dx: dy acts on neither μ nor σ²", "dx", rest, x, gamma)
check("dx: dy acts on μ, not on σ²", "dx", rest + 2, x, gamma)
check("dx: dy acts on σ², not on μ", "dx", rest + x - x.mean(), x, gamma)
check("dx: all three ways", "dx", dy, x, gamma)
dy, x, gamma = draw(4, 3), draw(4, 3) * [0.5, 1, 3], draw(3)
check("dx: three channels", "dx", dy, x, gamma, points=2)
check("dgamma: three channels", "dgamma", dy, x, gamma, points=1.5)
check("dbeta: three channels", "dbeta", dy, x, gamma, points=1.5)
dy, x, gamma = draw(6, 2, dtype=np.float32), draw(6, 2, dtype=np.float32), draw(2, dtype=np.float32)
check("dx: float32", "dx", dy, x, gamma)
check("dgamma: float32", "dgamma", dy, x, gamma, points=0.5)
### BEGIN HIDDEN TESTS
check.hide()
check("dx: another shape", "dx", check.normal(7, 4), 3 * check.normal(7, 4), check.normal(4), points=0.5)
### END HIDDEN TESTS
check.score(10)

# %% [markdown]
# ## 5 Backwards, in one formula
#
# Put dσ² and dμ into dx and pull out γ/√(σ² + ε). The sums that remain are old friends:
#
# $$dx_i = \frac{\gamma}{\sqrt{\sigma^2 + \varepsilon}} \left( dy_i - \frac1m \underbrace{\sum_j dy_j}_{d\beta}
# \;-\; \hat x_i \cdot \frac1m \underbrace{\sum_j dy_j\, \hat x_j}_{d\gamma} \right)$$
#
# Do it on paper: it takes five lines. Then read it: from dy is taken away what all samples have in common (its mean), and what grows in step with x̂. For
# the layer would take away such changes of x anyhow: a shift of the whole batch, and a stretch.
#
# ### Write it: backwards in closed form


# %% exercise="batch_norm_backward"
def batch_norm_backward(dy, cache):
    """Go back through batch normalisation in closed form: dx = γ/√(σ² + ε) · (dy − dβ/m − x̂·dγ/m).

    Args:
        dy: (N, C).
        cache: (x_hat, std, gamma) of training: (N, C), (C,), (C,), and std = √(σ² + ε).

    Returns:
        dx (N, C), dgamma (C,), dbeta (C,).

    >>> x_hat = np.array([[-1.5], [-0.5], [0], [0.5], [1.5]])
    >>> dx, dgamma, dbeta = batch_norm_backward(np.array([[10.0], [0], [0], [0], [0]]), (x_hat, np.full(1, 2.0), np.ones(1)))
    >>> dx.ravel(), dgamma, dbeta
    (array([ 1.75, -1.75, -1.  , -0.25,  1.25]), array([-15.]), array([10.]))
    """
    ### BEGIN SOLUTION
    x_hat, std, gamma = cache
    m = len(dy)
    dbeta = dy.sum(axis=0)
    dgamma = (dy * x_hat).sum(axis=0)
    dx = gamma / std * (dy - dbeta / m - x_hat * (dgamma / m))
    return dx, dgamma, dbeta
    ### END SOLUTION
### BEGIN MISTAKES
# test time: you subtract nothing: that is dx at test time, when μ and σ² are constants.
#   - (dy - dbeta / m - x_hat * (dgamma / m))
#   + dy
# dβ forgotten: you do not subtract the mean of dy, so the sum of your dx is not 0: move all x together and see that nothing changes.
#   - (dy - dbeta / m - x_hat
#   + (dy - x_hat
# dγ forgotten: you do not subtract what goes through σ²: x̂·dγ/m.
#   - (dy - dbeta / m - x_hat * (dgamma / m))
#   + (dy - dbeta / m)
# x̂ forgotten: you subtract dγ/m from every row alike. It is multiplied by the row's own x̂.
#   - x_hat * (dgamma / m)
#   + dgamma / m
# 1/m forgotten: both sums are divided by m: they are means over the batch.
#   - (dy - dbeta / m - x_hat * (dgamma / m))
#   + (dy - dbeta - x_hat * dgamma)
# γ forgotten: the factor in front is γ/√(σ² + ε).
#   - gamma / std * (
#   + 1 / std * (
# γ twice: γ stands once, in front. dγ and dβ are sums over dy, which γ has not touched yet.
#   - x_hat * (dgamma / m))
#   + x_hat * (gamma * dgamma / m))
# divided by the variance: the factor in front is γ/√(σ² + ε), and std is that root.
#   - gamma / std * (
#   + gamma / std**2 * (
# a plus: both terms are subtracted.
#   - dbeta / m - x_hat
#   + dbeta / m + x_hat
# γ and β exchanged: the gradients come in the order of the arguments: dx, dγ, dβ.
#   - return dx, dgamma, dbeta
#   + return dx, dbeta, dgamma
### END MISTAKES


# %% check="batch_norm_backward" points=7
from course import ops
from course.check import Check


def cache_of(x, gamma):
    x_hat, _ = ops.batch_norm(x, np.ones_like(gamma), np.zeros_like(gamma), None, training=True)
    return x_hat, np.ptp(x, axis=0) / np.ptp(x_hat, axis=0), gamma


def student(wanted, dy, x, gamma):
    answer = batch_norm_backward(dy, cache_of(x, gamma))
    if type(answer) is not tuple or len(answer) != 3:
        raise TypeError("batch_norm_backward returns three arrays: dx, dgamma, dbeta")
    return answer[["dx", "dgamma", "dbeta"].index(wanted)]


def reference(wanted, dy, x, gamma):
    _, cache = ops.batch_norm(x, gamma, np.zeros_like(gamma), None, training=True)
    return ops.batch_norm_backward(dy, cache)[["dx", "dgamma", "dbeta"].index(wanted)]


check = Check("batch_norm_backward", student, reference)
draw = check.normal
x, dy, gamma = 2 * draw(6, 1) + 3, draw(6, 1), draw(1)
line = np.polynomial.Polynomial.fit(x[:, 0], dy[:, 0], 1)
rest = dy - line(x)  # adds up to 0, and does not grow with x
check("dx: dy acts on neither μ nor σ²", "dx", rest, x, gamma)
check("dx: dy acts on μ, not on σ²", "dx", rest + 2, x, gamma)
check("dx: dy acts on σ², not on μ", "dx", rest + x - x.mean(), x, gamma)
check("dx: all three ways", "dx", dy, x, gamma)
dy, x, gamma = draw(4, 3), draw(4, 3) * [0.5, 1, 3], draw(3)
check("dx: three channels", "dx", dy, x, gamma, points=2)
check("dgamma: three channels", "dgamma", dy, x, gamma)
check("dbeta: three channels", "dbeta", dy, x, gamma)
dy, x, gamma = draw(6, 2, dtype=np.float32), draw(6, 2, dtype=np.float32), draw(2, dtype=np.float32)
check("dx: float32", "dx", dy, x, gamma)
### BEGIN HIDDEN TESTS
check.hide()
check("dx: another shape", "dx", check.normal(7, 4), 3 * check.normal(7, 4), check.normal(4), points=0.5)
### END HIDDEN TESTS
check.score(7)

# %% [markdown]
# The same numbers, and how much sooner? Both of your functions on batches of growing size:

# %% tags=["experiment"]
from time import perf_counter


def milliseconds(backward, dy, cache, times=7):
    """The best time of a few runs."""
    best = np.inf
    for _ in range(times):
        start = perf_counter()
        backward(dy, cache)
        best = min(best, perf_counter() - start)
    return 1000 * best


rng = np.random.default_rng(0)
rows = [256, 1024, 4096, 16384]
times = {"step by step": [], "in one formula": []}
for N in rows:
    x, dy = rng.standard_normal((2, N, 64))
    running = {"mean": np.zeros(64), "var": np.ones(64)}
    _, cache = batch_norm(x, np.ones(64), np.zeros(64), running, training=True)
    times["step by step"].append(milliseconds(batch_norm_backward_graph, dy, cache))
    times["in one formula"].append(milliseconds(batch_norm_backward, dy, cache))
one, other = (f(dy, cache)[0] for f in (batch_norm_backward_graph, batch_norm_backward))
print(f"largest difference of the two dx: {np.abs(one - other).max():.0e}")
plots.show(
    plots.curves(rows, times, xlabel="rows of the batch, each of 64 channels", ylabel="milliseconds", logarithmic=True),
    alt=f"Time of a backward pass against the number of rows. With {rows[-1]} rows: step by step {times['step by step'][-1]:.1f} ms, in one "
    f"formula {times['in one formula'][-1]:.1f} ms.",
)

# %% [markdown]
# Neither does anything clever. The closed form reads and writes arrays of the size of x less often, and memory is what such a layer waits for.

# %% [markdown] question="no-bias" points=3
# ### In words: two things that a batch cannot say
#
# Between an affine layer y = x·w + b and its activation, somebody puts batch normalisation. What is the gradient of b, and why? Would you keep b? And the
# weights: multiply all of w by 10. What happens to the layer's output, and, more difficult, to the gradient of w?
#
# ### BEGIN SOLUTION
# db is the sum over the batch of what batch normalisation sends down, and that sum is 0: adding b to all samples moves μ by b, and x − μ does not
# change. So b never learns and changes nothing; leave it out: β does its work. With 10·w both x − μ and σ are ten times as large, so the output stays the same
# (up to ε). As the loss does not change along that direction, but every step is ten times smaller in proportion, the gradient of w is a tenth: the factor 1/σ in dx has
# become ten times smaller.
# ### END SOLUTION
#
# === BEGIN MARK SCHEME ===
# 1 point: db = 0, with a reason (the mean is subtracted; or Σ dx = 0), and b can go: β replaces it.
#
# 1 point: the output stays the same (up to ε): the factor cancels in (x − μ)/σ.
#
# 1 point: the gradient of w becomes a tenth (1/σ in dx, or: the same change of the output needs a step ten times as large).
# === END MARK SCHEME ===

# %% [markdown]
# ## 6 Pictures: one mean for each channel
#
# *Follows SYSU, "ResNet details for the curious..": batch normalisation after each convolution.*
#
# A filter looks at all places with the same weights, so all its answers are normalised alike: one mean and one variance for each channel, over
# all pictures *and* all places. Then m = N·H·W: with pictures, even N = 1 has something to average in training.

# %% tags=["demo"]
plots.show(
    sharing(4, 3, 3, 3),
    alt="On the left a batch of four rows of three numbers: the column of channel 1 is hatched, m = 4. On the right a batch of four "
    "pictures of three channels of 3×3: all nine cells of channel 1 of all four pictures are hatched, m = 4·3·3 = 36.",
)

# %% [markdown]
# Nothing new has to be computed: each **pixel** of each picture becomes a row of C numbers. Move the axis C to the end, make N·H·W rows of it, call
# what you have, and go back.
#
# ### Write it: batch normalisation of pictures


# %% exercise="batch_norm2d"
def batch_norm2d(x, gamma, beta, running, *, training, momentum=0.1, eps=1e-5):
    """Normalise each channel of pictures, over all pictures and all places.

    Args:
        x: (N, C, H, W).
        gamma, beta, running, training, momentum, eps: as of `batch_norm`.

    Returns:
        y: (N, C, H, W).
        cache: that of `batch_norm` for the rows: (x_hat, std, gamma), where row (n·H + i)·W + j of x_hat, (N·H·W, C), is pixel
            (i, j) of picture n.

    Hint: `reshape` moves no number. Bring the axes into the order N, H, W, C by `transpose` first; on the way back the other way round.

    >>> running = {"mean": np.zeros(2), "var": np.ones(2)}
    >>> x = np.array([[[[1.0, 3.0]], [[10.0, 30.0]]]])  # one picture, two channels of 1×2
    >>> y, cache = batch_norm2d(x, np.ones(2), np.zeros(2), running, training=True)
    >>> y[0, 0], y[0, 1], running["mean"]
    (array([[-1.,  1.]]), array([[-1.,  1.]]), array([0.2, 2. ]))
    """
    ### BEGIN SOLUTION
    N, C, H, W = x.shape
    rows = x.transpose(0, 2, 3, 1).reshape(-1, C)  # (N·H·W, C)
    y, cache = batch_norm(rows, gamma, beta, running, training=training, momentum=momentum, eps=eps)
    return y.reshape(N, H, W, C).transpose(0, 3, 1, 2), cache
    ### END SOLUTION
### BEGIN MISTAKES
# reshape without moving: you make rows by reshape alone. It moves no number, so your rows mix channels: bring C to the end first.
#   - rows = x.transpose(0, 2, 3, 1).reshape(-1, C)
#   + rows = x.reshape(-1, C)
#   - y.reshape(N, H, W, C).transpose(0, 3, 1, 2)
#   + y.reshape(N, C, H, W)
# rows by reshape alone: you make rows by reshape alone, so a row holds neighbouring pixels, not the channels of one. First move C to the end:
#     x.transpose(0, 2, 3, 1).
#   - rows = x.transpose(0, 2, 3, 1).reshape(-1, C)
#   + rows = x.reshape(-1, C)
# not moved back: your rows are right, but on the way back you only reshape. First (N, H, W, C), then move C to its place.
#   - y.reshape(N, H, W, C).transpose(0, 3, 1, 2)
#   + y.reshape(N, C, H, W)
# height and width exchanged: on the way back you take the width for the height.
#   - y.reshape(N, H, W, C).transpose(0, 3, 1, 2)
#   + y.reshape(N, W, H, C).transpose(0, 3, 2, 1)
# hyperparameters lost: you do not hand momentum and eps on.
#   - training=training, momentum=momentum, eps=eps)
#   + training=training)
# always training: you normalise by the batch at test time too: hand `training` on.
#   - training=training, momentum
#   + training=True, momentum
# each picture by itself: you normalise each picture by itself. All pictures of the batch share the mean of a channel.
#   - return y.reshape(N, H, W, C).transpose(0, 3, 1, 2), cache
#   + if training:
#   +     deviation = np.sqrt(x.var(axis=(2, 3), keepdims=True) + eps)
#   +     x_hat = (x - x.mean(axis=(2, 3), keepdims=True)) / deviation
#   +     return gamma[:, None, None] * x_hat + beta[:, None, None], cache
#   + return y.reshape(N, H, W, C).transpose(0, 3, 1, 2), cache
# one mean for all channels: you take one mean over everything. Each channel has its own.
#   - return y.reshape(N, H, W, C).transpose(0, 3, 1, 2), cache
#   + y = y.reshape(N, H, W, C).transpose(0, 3, 1, 2)
#   + if training:
#   +     y = gamma[:, None, None] * (x - x.mean()) / np.sqrt(x.var() + eps) + beta[:, None, None]
#   + return y, cache
### END MISTAKES


# %% check="batch_norm2d" points=7
from course import ops
from course.check import Check


def student(wanted, x, gamma, beta, mean, var, **how):
    running = {"mean": mean.copy(), "var": var.copy()}
    answer = batch_norm2d(x, gamma, beta, running, **how)
    return (answer[0] if type(answer) is tuple else answer) if wanted == "y" else running[wanted]


def reference(wanted, x, gamma, beta, mean, var, **how):
    running = ops.RunningStatistics(mean.copy(), var.copy())
    y, _ = ops.batch_norm(x, gamma, beta, running, **how)
    return {"y": y, "mean": running.mean, "var": running.var}[wanted]


check = Check("batch_norm2d", student, reference)
draw = check.normal
x, averages = 2 * draw(3, 1, 4, 5) + 1, (draw(1), check.uniform(0.5, 2, 1))
check("training: one channel", "y", x, draw(1), draw(1), *averages, training=True)
x, gamma, beta, averages = draw(2, 3, 4, 2) * [[[1]], [[3]], [[0.5]]], draw(3), draw(3), (draw(3), check.uniform(0.5, 2, 3))
check("training: three channels", "y", x, gamma, beta, *averages, training=True, points=2)
check("training: running mean", "mean", x, gamma, beta, *averages, training=True)
check("training: running variance, momentum 0.4", "var", x, gamma, beta, *averages, training=True, momentum=0.4)
check("training: a single picture, ε = 0.1", "y", x[:1], gamma, beta, *averages, training=True, eps=0.1)
check("test: a single picture", "y", x[:1], gamma, beta, *averages, training=False)
### BEGIN HIDDEN TESTS
check.hide()
x, gamma, beta, averages = check.normal(3, 4, 2, 5), check.normal(4), check.normal(4), (check.normal(4), np.ones(4))
check("training, another shape", "y", x, gamma, beta, *averages, training=True)
### END HIDDEN TESTS
check.score(7)

# %% [markdown]
# ### Write it: and backwards


# %% exercise="batch_norm2d_backward"
def batch_norm2d_backward(dy, cache):
    """Go back through `batch_norm2d`.

    Args:
        dy: (N, C, H, W).
        cache: (x_hat, std, gamma) for the rows: (N·H·W, C), (C,), (C,); row (n·H + i)·W + j is pixel (i, j) of picture n.

    Returns:
        dx (N, C, H, W), dgamma (C,), dbeta (C,).

    >>> x_hat = np.array([[-1.5], [-0.5], [0], [0.5], [1.5]])
    >>> dy = np.array([[[[10.0, 0, 0, 0, 0]]]])  # one picture of 1×5
    >>> dx, dgamma, dbeta = batch_norm2d_backward(dy, (x_hat, np.full(1, 2.0), np.ones(1)))
    >>> dx[0, 0], dgamma, dbeta
    (array([[ 1.75, -1.75, -1.  , -0.25,  1.25]]), array([-15.]), array([10.]))
    """
    ### BEGIN SOLUTION
    N, C, H, W = dy.shape
    rows = dy.transpose(0, 2, 3, 1).reshape(-1, C)  # (N·H·W, C)
    dx, dgamma, dbeta = batch_norm_backward(rows, cache)
    return dx.reshape(N, H, W, C).transpose(0, 3, 1, 2), dgamma, dbeta
    ### END SOLUTION
### BEGIN MISTAKES
# reshape without moving: you make rows by reshape alone. It moves no number: the rows of dy have to match those of x̂, with C at the end.
#   - rows = dy.transpose(0, 2, 3, 1).reshape(-1, C)
#   + rows = dy.reshape(-1, C)
#   - dx.reshape(N, H, W, C).transpose(0, 3, 1, 2)
#   + dx.reshape(N, C, H, W)
# not moved back: on the way back you only reshape. First (N, H, W, C), then move C to its place.
#   - dx.reshape(N, H, W, C).transpose(0, 3, 1, 2)
#   + dx.reshape(N, C, H, W)
# height and width exchanged: your rows run through the picture from top to bottom. Those of x̂ run from left to right.
#   - rows = dy.transpose(0, 2, 3, 1).reshape(-1, C)
#   + rows = dy.transpose(0, 3, 2, 1).reshape(-1, C)
# mean over the places: you divide dγ and dβ by H·W. They are sums over all that γ and β have touched.
#   - transpose(0, 3, 1, 2), dgamma, dbeta
#   + transpose(0, 3, 1, 2), dgamma / (H * W), dbeta / (H * W)
# γ and β exchanged: the gradients come in the order of the arguments: dx, dγ, dβ.
#   - transpose(0, 3, 1, 2), dgamma, dbeta
#   + transpose(0, 3, 1, 2), dbeta, dgamma
### END MISTAKES


# %% check="batch_norm2d_backward" points=5
from course import ops
from course.check import Check


def student(wanted, dy, x, gamma):
    rows = np.stack([channel.ravel() for channel in np.swapaxes(x, 0, 1)], axis=1)
    x_hat, _ = ops.batch_norm(rows, np.ones_like(gamma), np.zeros_like(gamma), None, training=True)
    answer = batch_norm2d_backward(dy, (x_hat, np.ptp(rows, axis=0) / np.ptp(x_hat, axis=0), gamma))
    if type(answer) is not tuple or len(answer) != 3:
        raise TypeError("batch_norm2d_backward returns three arrays: dx, dgamma, dbeta")
    return answer[["dx", "dgamma", "dbeta"].index(wanted)]


def reference(wanted, dy, x, gamma):
    _, cache = ops.batch_norm(x, gamma, np.zeros_like(gamma), None, training=True)
    return ops.batch_norm_backward(dy, cache)[["dx", "dgamma", "dbeta"].index(wanted)]


check = Check("batch_norm2d_backward", student, reference)
draw = check.normal
check("dx: one channel", "dx", draw(2, 1, 3, 4), draw(2, 1, 3, 4), draw(1))
dy, x, gamma = draw(3, 2, 4, 5), 2 * draw(3, 2, 4, 5) + 1, draw(2)
check("dx: two channels", "dx", dy, x, gamma, points=2)
check("dgamma: two channels", "dgamma", dy, x, gamma)
check("dbeta: two channels", "dbeta", dy, x, gamma)
### BEGIN HIDDEN TESTS
check.hide()
check("dx: another shape", "dx", check.normal(2, 3, 5, 2), check.normal(2, 3, 5, 2), check.normal(3))
### END HIDDEN TESTS
check.score(5)

# %% [markdown]
# ## 7 Use it: how large must a batch be?
#
# A mean over two samples is a poor mean. Below, a small network learns the handwritten digits with batches of different sizes, with your layer and without.
# Every run makes the same number of updates, 640, with the same learning rate.
#
# Before you run it: what is x̂ if a batch has two samples?

# %% tags=["experiment"]
from course.layers import Affine, BatchNorm, ReLU, Sequential, layer_from
from course.optim import Optimizer
from course.train import fit, predict


def forward(x, gamma, beta, running, *, training):
    return batch_norm(x, gamma, beta, vars(running), training=training)  # its attributes as a dict


def normalised():
    return layer_from(forward, batch_norm_backward, like=BatchNorm())


x_train, y_train = (part[:1280] for part in data.digits("train"))
x_test, y_test_labels = data.digits("test")
x_train, x_test = (part.reshape(len(part), -1) for part in (x_train, x_test))


def accuracy(batch_size, with_norm):
    rng = np.random.default_rng(0)
    hidden = []
    for _ in range(3):
        hidden += [Affine(32), normalised(), ReLU()] if with_norm else [Affine(32), ReLU()]
    model = Sequential(*hidden, Affine(10)).build((64,), rng=rng)
    optimizer, epochs = Optimizer(model, "sgd", lr=0.05), batch_size // 2
    fit(model, (x_train, y_train), optimizer=optimizer, epochs=epochs, batch_size=batch_size, rng=rng)
    return np.mean(predict(model, x_test).argmax(axis=1) == y_test_labels)


sizes = [2, 4, 8, 16, 64]
found = {
    "with your batch_norm": [accuracy(size, True) for size in sizes],
    "without": [accuracy(size, False) for size in sizes],
}
plots.show(
    plots.curves(sizes, found, xlabel="samples in a batch", ylabel="accuracy on unseen digits", logarithmic=True),
    alt="Accuracy on unseen digits against the batch size. "
    + " ".join(f"{name}: {', '.join(f'{a:.0%}' for a in row)} for batches of 2, 4, 8, 16, 64." for name, row in found.items()),
)

# %% [markdown]
# With two samples x̂ is +1 for the larger and −1 for the smaller one, whatever their distance was: almost all that the layers know is lost, and at test time the running
# averages do something else again. From about eight on, the network with normalisation is ahead. Where memory allows only a few large pictures in a batch, people normalise over groups of
# channels of one picture instead (group normalisation): no batch, no running averages.
#
# ## 8 History: normalise over neighbouring channels
#
# *Follows SYSU, "AlexNet"; EECS 442, the layers of Zeiler and Fergus.*
#
# AlexNet (2012) had a "normalisation" layer of another kind: each number is divided by the activity of the five channels around it, at the same place,
#
# $$y_c = x_c \Big/ \Big(k + \alpha \sum_{c'} x_{c'}^2\Big)^{\beta} \qquad k = 2,\; \alpha = 10^{-4},\; \beta = 0.75$$
#
# as a loud neuron damps its neighbours. Nothing is learned, no batch is needed. SYSU calls it "unnecessary", EECS 442 "now ignored": later networks do without. With
# a larger α one can see what it does:

# %% tags=["experiment"]
from course import ops

loud = np.array([1.0, 1, 1, 8, 1, 1, 1, 1]).reshape(1, 8, 1, 1)
damped, _ = ops.local_response_norm(loud, size=5, alpha=0.1, beta=0.75, k=2.0)
print("x", loud.ravel())
print("y", damped.ravel())

# %% [markdown]
# ## 9 Dropout
#
# *Follows SYSU, "Learning magic in AlexNet": dropout 0.5, in the fully connected layers only.*
#
# In training, each number of a layer is lost with probability p, anew for each sample and each step. No neuron can rely on a particular other one. At test
# time nothing is lost.

# %% tags=["demo"]
everyone = [[1, 1, 1, 1], [1, 1, 1, 1, 1], [1, 1, 1]]
plots.show(
    thinned(
        [everyone, [[1] * 4, [1, 0, 1, 1, 0], [1] * 3], [[1] * 4, [0, 0, 1, 1, 1], [1] * 3]],
        titles=["test time", "in training, once", "… and another time"],
    ),
    alt="The same small network three times. At test time all five hidden neurons are there. In training two of them are crossed out and without "
    "connections, each time two others.",
)

# %% [markdown]
# If half of the inputs are missing, a sum over them is half as large. Somebody has to make up for it. *Inverted* dropout does it in training: what is kept is
# divided by 1 − p. The expectation then is
#
# $$E[y] = p \cdot 0 + (1 - p) \cdot \frac{x}{1 - p} = x$$
#
# so that the test needs no correction at all. (The first version multiplied by 1 − p at test time instead.)
#
# ### By hand: dropout

# %% exercise="by-hand-dropout"
### BEGIN BLANKS
# x = 8, p = 0.2
y_if_kept = 10
y_if_lost = 0
y_expected = 8
y_at_test_time = 8

# the same without the division: what is kept stays 8
expected_without_division = 6.4

# dy = 5 arrives at a kept value: dx
dx_kept = 6.25
### END BLANKS
### BEGIN MISTAKES
# divided by p: what is kept is divided by the probability of being kept, 1 − p = 0.8.
#   - y_if_kept = 10
#   + y_if_kept = 40
# not divided: what is kept is divided by 1 − p, so that the expectation stays x.
#   - y_if_kept = 10
#   + y_if_kept = 8
#   - y_expected = 8
#   + y_expected = 6.4
# scaled at test time: inverted dropout has made up for the loss in training. At test time nothing happens.
#   - y_at_test_time = 8
#   + y_at_test_time = 6.4
# p for 1 − p: p is the probability of being lost.
#   - expected_without_division = 6.4
#   + expected_without_division = 1.6
# factor forgotten backwards: y = x/(1 − p), so dx = dy/(1 − p).
#   - dx_kept = 6.25
#   + dx_kept = 5
### END MISTAKES

# %% check="by-hand-dropout" points=6
from course.check import Check

check = Check("by-hand-dropout")
check.blank("y_if_kept", y_if_kept)
check.blank("y_if_lost", y_if_lost)
check.blank("y_expected", y_expected)
check.blank("y_at_test_time", y_at_test_time)
check.blank("expected_without_division", expected_without_division)
check.blank("dx_kept", dx_kept)
check.score(6)

# %% [markdown]
# ### Write it: dropout
#
# Who draws what is lost? Not your function: it is given one uniform number from [0, 1) for each element, `u`. So it is a pure function: the same u loses the same
# values, here, in the check, and when your work is graded on another machine, where a generator of random numbers could not be handed over. A value is lost where u < p.


# %% exercise="dropout"
def dropout(x, u, *, p, training):
    """Lose each value with probability p and divide the others by 1 − p; at test time change nothing.

    Args:
        x: any shape.
        u: uniform numbers from [0, 1), of the shape of x; x is lost where u < p.
        p: the probability of being lost, 0 ≤ p < 1.
        training: whether to lose anything.

    Returns:
        y: of the shape and the dtype of x.
        cache: (factor,), an array: what each x was multiplied by.

    >>> y, cache = dropout(np.array([1.0, 2, 3, 4]), np.array([0.1, 0.9, 0.5, 0.3]), p=0.5, training=True)
    >>> y
    array([0., 4., 6., 0.])
    """
    ### BEGIN SOLUTION
    factor = np.ones_like(x)
    if training:
        factor = (u >= p).astype(x.dtype) / (1 - p)
    return x * factor, (factor,)
    ### END SOLUTION
### BEGIN MISTAKES
# not divided: you lose values, but do not divide the others by 1 − p: on average y is too small.
#   - (u >= p).astype(x.dtype) / (1 - p)
#   + (u >= p).astype(x.dtype)
# kept and lost exchanged: you keep where u < p. p is the probability of being lost.
#   - (u >= p).astype(x.dtype) / (1 - p)
#   + (u < p).astype(x.dtype) / (1 - p)
# divided by p: you divide by p. What is kept, with probability 1 − p, is divided by 1 − p.
#   - (u >= p).astype(x.dtype) / (1 - p)
#   + (u >= p).astype(x.dtype) / p
# p is kept: you take p for the probability of being kept, throughout.
#   - (u >= p).astype(x.dtype) / (1 - p)
#   + (u < p).astype(x.dtype) / p
# active at test time: you lose values at test time too.
#   - if training:
#   + if True:
# scaled at test time: you multiply by 1 − p at test time. Inverted dropout has made up for the loss in training already.
#   - factor = np.ones_like(x)
#   + factor = (1 - p) * np.ones_like(x)
# one draw for all rows: you lose the same values in every row. Each element has its own u.
#   - (u >= p).astype
#   + np.broadcast_to(u[:1] >= p, x.shape).astype
# the border: where u is exactly p, x is kept: with p = 0 nothing may be lost.
#   - (u >= p)
#   + (u > p)
# float64 always: your numbers are right, but float32 in must give float32 out: turn the truth values into x.dtype.
#   - (u >= p).astype(x.dtype)
#   + (u >= p).astype(float)
### END MISTAKES


# %% check="dropout" points=6
from course import ops
from course.check import Check


def student(x, seed, **how):
    # the numbers that ops.dropout will draw from a generator with this seed
    u = np.random.default_rng(seed).random(x.shape, dtype=np.float32)
    answer = dropout(x, u, **how)
    return answer[0] if type(answer) is tuple else answer


def reference(x, seed, *, p, training):
    return ops.dropout(x, p=p, training=training, rng=np.random.default_rng(seed))[0]


check = Check("dropout", student, reference)
draw = check.normal
x, seed = draw(6, 5), check.integers(0, 10**6)
check.equal(
    "which values are lost",
    lambda: student(x, seed, p=0.4, training=True) == 0,
    reference(x, seed, p=0.4, training=True) == 0,
    points=1.5,
)
check("training: p = 0.5", draw(6, 5), check.integers(0, 10**6), p=0.5, training=True)
check("training: p = 0.2", draw(6, 5), check.integers(0, 10**6), p=0.2, training=True)
check("training: pictures, float32", draw(2, 3, 4, 5, dtype=np.float32), check.integers(0, 10**6), p=0.7, training=True)
check("test: nothing is lost", draw(6, 5), check.integers(0, 10**6), p=0.4, training=False, points=1.5)
edge = draw(1, 4)
check.equal(
    "u = 0, p = 0: nothing is lost", lambda: dropout(edge, np.zeros((1, 4)), p=0.0, training=True)[0], edge, points=0.5
)
### BEGIN HIDDEN TESTS
check.hide()
check("training: another p", check.normal(7, 3), check.integers(0, 10**6), p=0.35, training=True, points=0.5)
### END HIDDEN TESTS
check.score(6)

# %% [markdown]
# ### Write it: and backwards


# %% exercise="dropout_backward"
def dropout_backward(dy, cache):
    """Go back through dropout.

    Args:
        dy: the shape of x.
        cache: (factor,), what each x was multiplied by.

    Returns:
        dx, of the shape of x.

    >>> dropout_backward(np.array([1.0, 2, 3]), (np.array([0.0, 2.0, 2.0]),))
    array([0., 4., 6.])
    """
    ### BEGIN SOLUTION
    (factor,) = cache
    return dy * factor
    ### END SOLUTION
### BEGIN MISTAKES
# handed through: you hand dy on as it is. Where x was lost, it had no effect: its gradient is 0.
#   - return dy * factor
#   + return dy.copy()
# factor forgotten: you set what was lost to 0, but forget that what was kept had been divided by 1 − p.
#   - return dy * factor
#   + return dy * (factor > 0)
# divided by the factor: y = x·factor, so dx = dy·factor.
#   - return dy * factor
#   + return np.where(factor > 0, dy / np.maximum(factor, 1e-9), 0)
### END MISTAKES


# %% check="dropout_backward" points=3
from course import ops
from course.check import Check


def of_ones(dy, seed, p):
    # the course's own forward pass, of ones: that is the factor
    return ops.dropout(np.ones_like(dy), p=p, training=True, rng=np.random.default_rng(seed))


def student(dy, seed, p):
    return dropout_backward(dy, (of_ones(dy, seed, p)[0],))


def reference(dy, seed, p):
    return ops.dropout_backward(dy, of_ones(dy, seed, p)[1])


check = Check("dropout_backward", student, reference, returns="dx (N, C)")
check("p = 0.5", check.normal(6, 5), check.integers(0, 10**6), 0.5)
check("p = 0.2", check.normal(6, 5), check.integers(0, 10**6), 0.2)
### BEGIN HIDDEN TESTS
check.hide()
check("another p", check.normal(4, 7), check.integers(0, 10**6), 0.35)
### END HIDDEN TESTS
check.score(3)

# %% [markdown]
# **The expectation, measured.** One picture goes through your dropout many times. Each time half of it is missing; the mean of all comes back to the picture.

# %% tags=["experiment"]
photo = data.photograph("china")[::2, ::2] @ [0.299, 0.587, 0.114] / 255
rng = np.random.default_rng(0)
total, shown = np.zeros_like(photo), []
for count in range(1, 257):
    y, _ = dropout(photo, rng.random(photo.shape), p=0.5, training=True)
    total += y
    if count in (1, 16, 256):
        shown.append((total / count).clip(0, 1))
        print(f"mean of {count:3}: differs from the picture by {np.abs(total / count - photo).mean():.3f} on average")
plots.show(
    plots.pictures(shown, titles=["once", "mean of 16", "mean of 256"]),
    alt="The photograph of a pavilion after dropout with p = 0.5. Once: half of the pixels are black. The mean of 16 is grainy, the mean of 256 "
    "looks like the photograph.",
)

# %% [markdown]
# ## 10 Use it: a network that must not learn by heart
#
# Your functions together: a convolution with your `batch_norm2d` behind it, and a wide layer with your `dropout`. The training is made hard: there are only
# 200 digits, and somebody has labelled about every fifth of them blindly. A network that learns all 200 by heart has learned nonsense too.
# Compare p = 0 and p = 0.5: what each of them knows about the 200, and what about digits that it never saw.

# %% tags=["experiment"]
from course.layers import Conv2d, Dropout, Flatten, MaxPool2d


def pictures(x, gamma, beta, running, *, training):
    return batch_norm2d(x, gamma, beta, vars(running), training=training)


def lose(x, *, p, training, rng):
    u = rng.random(x.shape) if training else np.zeros_like(x)
    return dropout(x, u, p=p, training=training)


def network(p, rng):
    return Sequential(
        Conv2d(8, 3, pad=1),
        layer_from(pictures, batch_norm2d_backward, like=BatchNorm()),
        ReLU(),
        MaxPool2d(2),
        Flatten(),
        Affine(64),
        ReLU(),
        layer_from(lose, dropout_backward, like=Dropout(p)),
        Affine(10),
    ).build((1, 8, 8), rng=rng)


digits, labels = (part[:200] for part in data.digits("train"))
rng = np.random.default_rng(2)
blind = rng.random(200) < 0.2
given = np.where(blind, rng.integers(0, 10, 200), labels)
unseen, losses = data.digits("test"), {}
for p in (0.0, 0.5):
    rng = np.random.default_rng(1)
    model = network(p, rng)
    optimizer = Optimizer(model, "adam", lr=5e-3)
    history = fit(model, (digits, given), optimizer=optimizer, epochs=45, validation=unseen, rng=rng)
    losses[f"p = {p:g}"] = history.val_loss
    known = np.mean(predict(model, digits).argmax(axis=1) == given)
    print(f"p = {p:g}: agrees with {known:.0%} of the 200 labels, reads {history.val_accuracy[-1]:.0%} of 450 unseen digits")
plots.show(
    plots.curves(np.arange(1, 46), losses, xlabel="epoch", ylabel="loss on unseen digits"),
    alt="Loss on unseen digits over 45 epochs. "
    + " ".join(f"{name}: at best {min(row):.2f}, at the end {row[-1]:.2f}." for name, row in losses.items()),
)

# %% [markdown]
# Without dropout the loss on unseen digits falls, and then rises again: from there on the network learns the nonsense. With dropout it learns more slowly,
# agrees with fewer of the 200 labels, and reads more digits rightly.

# %% [markdown] question="one-picture" points=3
# ### In words: the forgotten switch
#
# A colleague puts your network into a telephone. It works in every test, which uses batches of 32 mixed pictures; the users complain. In the program stands
# `model.forward(x, training=True)`. What does batch normalisation do there to (a) a single picture, and (b) a burst of 32 photographs of the same
# thing? And (c): what would a user notice of dropout?
#
# ### BEGIN SOLUTION
# (a) In a convolutional layer the picture is normalised by itself: its own brightness and contrast in each channel are lost, although they may matter; in a fully connected layer a batch of one has
# no variance: x − μ = 0, the output is β whatever the picture shows (or an error). (b) The mean of the burst is subtracted: what all 32 have in common,
# the very thing, is taken away, and their small differences are blown up to deviation 1. In the tests the batches were mixed as in training, so nobody noticed. Besides, the running
# averages drift. (c) The answer changes each time the same picture is asked about, and it is less certain than it could be.
# ### END SOLUTION
#
# === BEGIN MARK SCHEME ===
# 1 point: (a) a single picture: x − μ = 0 gives β in a fully connected layer, or the picture is normalised by itself in a convolutional one.
#
# 1 point: (b) what the pictures have in common is subtracted; the answer depends on the other pictures of the batch.
#
# 1 point: (c) the same picture gives another answer each time.
# === END MARK SCHEME ===

# %% [markdown]
# ## What you have now
#
# - A layer that brings every channel to a mean and a deviation of its own choice, in training by the batch, at test time by running averages.
# - Its way back: three paths, one of which through a term that is exactly 0; then one formula.
# - The same for pictures, where a channel has N·H·W values.
# - Dropout that keeps the expectation, and is not there at test time.
#
# With convolution, pooling and these, all layers of the networks from LeNet to ResNet are in your hands. What is left is to train them.
