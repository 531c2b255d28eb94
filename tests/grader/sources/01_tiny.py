# ---
# jupyter:
#   convnet_course:
#     box_modules: [course.data]
# ---

# %% [markdown]
# # Sums that slide
#
# A filter of extent $F$ adds what lies under it.

# %% tags=["setup"]
import numpy as np

# %% [markdown]
# ## By hand

# %% exercise="by-hand"
# Fill in each `...`.
### BEGIN BLANKS
positions = 5
window = [3, -1.5]
### END BLANKS
### BEGIN MISTAKES
# one too few: count the first position too, (N − F)/S + 1.
#   - positions = 5
#   + positions = 4
### END MISTAKES

# %% check="by-hand" points=3
from course.check import Check

check = Check("by-hand")
check.blank("positions", positions)
check.blank("window", window, decimals=1)
check.score()


# %% exercise="slide"
def slide(x, w, *, stride=1):
    """Cross-correlate: y[i] = Σ x[i·S + f] · w[f], for x (N,) and w (F,)."""
    ### BEGIN SOLUTION
    size = (len(x) - len(w)) // stride + 1
    y = np.zeros(size, x.dtype)
    for i in range(size):
        y[i] = (x[i * stride : i * stride + len(w)] * w).sum()
    return y
    ### END SOLUTION
    ### BEGIN MISTAKES
    # flipped filter: that is convolution; a CNN layer does not turn the filter round.
    #   - * w).sum()
    #   + * w[::-1]).sum()
    # stride ignored: the window moves by stride, not by 1.
    #   - x[i * stride : i * stride + len(w)]
    #   + x[i : i + len(w)]
    # last window lost: there are (N − F)/S + 1 positions,
    #     the first one counts too.
    #   - size = (len(x) - len(w)) // stride + 1
    #   - y = np.zeros(size, x.dtype)
    #   + size = (len(x) - len(w)) // stride
    #   + y = np.zeros(size, x.dtype)
    ### END MISTAKES


# %% check="slide" points=4
from course.check import Check


def reference(x, w, *, stride=1):
    return np.correlate(x, w, "valid")[::stride].copy()


check = Check("slide", slide, reference, returns="y (OW,)")
x, w = check.normal(11), check.normal(3)
check("stride 1", x, w)
check("stride 2", x, w, stride=2)
### BEGIN HIDDEN TESTS
check.hide()
check("a long stride", check.normal(20), w, stride=4)
### END HIDDEN TESTS
check.score(points=4)

# %% tags=["demo"]
slide(np.arange(5.0), np.ones(2))

# %% [markdown] question="why" points=2
# Why is the answer shorter than the input?
#
# ### BEGIN SOLUTION
# The window must fit.
# ### END SOLUTION
#
# === BEGIN MARK SCHEME ===
# 2 points: the window must lie inside.
# === END MARK SCHEME ===
