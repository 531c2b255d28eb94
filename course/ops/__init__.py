"""The mathematics of the course, each operation once: a forward function and its `_backward`.

    y, cache = op(x, *parameters, keyword-only hyperparameters)
    dx, *dparameters = op_backward(dy, cache)        # in the order of the arguments; a single one comes bare

What holds for all of them:

- float32 or float64, all arguments alike, and so is the result. Integers are refused: convert the pictures first.
- No argument is changed. (Only `RunningStatistics` is there to be changed.) Arrays may be read-only or strided.
- A cache refers to the arguments: leave them alone until the backward call. It is a plain tuple, of no other use.
- An empty batch goes through, with an empty y and parameter gradients of 0. Only where a mean over the batch has
  no value, in a loss and in batch_norm while training, it is an error.
- A NaN goes through: no op hides one or stops at it, and one that wins a maximum takes its gradient. What underflows
  to 0, as e⁻¹⁰⁰⁰ in a softmax, is meant to.
- A backward takes the cache of its own forward, and refuses what has not its form. (A sibling's may have: the cache
  of `softmax` looks like that of `log_softmax`.)
- An error names the argument, what it is and what would fit: TypeError for the kind, ValueError for the value.

Where to read, from top to bottom; course/NOTATION.md says which lectures the short names are:

    what                                    module               lectures
    -----------------------------------------------------------------------------------------------------------
    affine                                  affine               HLCV, EECS 442
    relu, sigmoid, tanh, … (non-linear)     activations, maxout  IIITS, HLCV
    softmax_loss, hinge_loss, squared_loss  losses               HLCV, SYSU
    pad2d                                   _padding             EECS 442
    conv2d, conv_transpose2d                convolution_naive    HLCV, IIITS, SYSU 7.2: the lectures' loops
      im2col, col2im                        _columns             SYSU 7.2: the same as one matrix product, the heart
      what the course calls                 convolution          SYSU 7.2, EECS 545
    max_pool2d, avg_pool2d                  pooling_naive        HLCV, SYSU 7.3: the loops
      the same in whole arrays              pooling              HLCV, SYSU 7.3
    global_avg_pool2d                       global_pooling       EECS 442
    batch_norm, local_response_norm         normalization        EECS 545, SYSU
    dropout                                 dropout              SYSU
    upsample_nearest2d, upsample_bilinear2d resampling           EECS 545

Skip at first what only makes it fast: `_rows`, `_shifts`, `_winograd` and `_phases` are faster ways through some
convolutions, between which `_kernels` chooses, and `_products`, `_memory` and `_workers` serve them. `_geometry` says
where windows lie, and `_validation` what arguments cannot be.
"""

# isort: off
from course.ops.activations import (
    elu, elu_backward, leaky_relu, leaky_relu_backward, prelu, prelu_backward, relu, relu_backward, sigmoid,
    sigmoid_backward, swish, swish_backward, tanh, tanh_backward,
)  # fmt: skip
from course.ops.affine import affine, affine_backward
from course.ops.convolution import (
    col2im, conv2d, conv2d_backward, conv_transpose2d, conv_transpose2d_backward, im2col, pad2d, pad2d_backward,
)  # fmt: skip
from course.ops.dropout import dropout, dropout_backward
from course.ops.global_pooling import global_avg_pool2d, global_avg_pool2d_backward
from course.ops.losses import (
    hinge_loss, log_softmax, log_softmax_backward, softmax, softmax_backward, softmax_loss, squared_loss,
)  # fmt: skip
from course.ops.maxout import maxout, maxout_backward
from course.ops.normalization import (
    RunningStatistics, batch_norm, batch_norm_backward, local_response_norm, local_response_norm_backward,
)  # fmt: skip
from course.ops.pooling import avg_pool2d, avg_pool2d_backward, max_pool2d, max_pool2d_backward
from course.ops.resampling import (
    upsample_bilinear2d, upsample_bilinear2d_backward, upsample_nearest2d, upsample_nearest2d_backward,
)  # fmt: skip

__all__ = [
    "RunningStatistics",
    "affine", "affine_backward",
    "avg_pool2d", "avg_pool2d_backward",
    "batch_norm", "batch_norm_backward",
    "col2im",
    "conv2d", "conv2d_backward",
    "conv_transpose2d", "conv_transpose2d_backward",
    "dropout", "dropout_backward",
    "elu", "elu_backward",
    "global_avg_pool2d", "global_avg_pool2d_backward",
    "hinge_loss",
    "im2col",
    "leaky_relu", "leaky_relu_backward",
    "local_response_norm", "local_response_norm_backward",
    "log_softmax", "log_softmax_backward",
    "max_pool2d", "max_pool2d_backward",
    "maxout", "maxout_backward",
    "pad2d", "pad2d_backward",
    "prelu", "prelu_backward",
    "relu", "relu_backward",
    "sigmoid", "sigmoid_backward",
    "softmax", "softmax_backward", "softmax_loss",
    "squared_loss",
    "swish", "swish_backward",
    "tanh", "tanh_backward",
    "upsample_bilinear2d", "upsample_bilinear2d_backward",
    "upsample_nearest2d", "upsample_nearest2d_backward",
]  # fmt: skip
