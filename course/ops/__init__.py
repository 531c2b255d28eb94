"""The mathematics of the course, each operation once: a forward function and its `_backward`."""
