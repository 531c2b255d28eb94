# ---
# jupyter:
#   convnet_course:
#     box_modules: []
# ---

# %% exercise="scale"
def scale(x, factor):
    """Multiply every element by the factor."""
    ### BEGIN SOLUTION
    return x * factor
    ### END SOLUTION
    ### BEGIN MISTAKES
    # sum instead of product: every element is multiplied by the factor, nothing is added.
    #   - x * factor
    #   + x + factor
    ### END MISTAKES


# %% check="scale" points=4
from course.check import Check

check = Check("scale", scale, lambda x, factor: x * factor)
check("a row", check.normal(5), 3.0)
check("a factor of 1", check.normal(4), 1.0)
check.score(points=4)

# %% [markdown] question="how" points=3
# How does a factor below 0 change the picture?
#
# === BEGIN MARK SCHEME ===
# 3 points: the largest becomes the smallest.
# === END MARK SCHEME ===

# %% [markdown] nbgrader={"grade": false, "grade_id": "draw", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": true}
# Draw the picture before and after, in cells of your own below.
#
# === BEGIN MARK SCHEME ===
# 2 points: one for each picture.
# === END MARK SCHEME ===
