"""Layers, derived from the ops: each binds a function pair to its parameters.

    model = Sequential(Conv2d(6, 5), MaxPool2d(2), ReLU(), Flatten(), Affine(10))
    model.output_shape((1, 32, 32)), model.cost((1, 32, 32))     # before there are any weights
    model.build((1, 32, 32), rng=np.random.default_rng(0))       # now there are
    scores = model.forward(x, training=True)
    model.backward(dscores)                                      # model.grads beside model.params

Shapes are those of one example, without the batch. `layer_from` makes a layer of a function pair of your own.
"""

from course.layers.base import Cost, Model, Shape
from course.layers.containers import Concat, Residual, Sequential
from course.layers.custom import layer_from
from course.layers.field import ReceptiveField, Window
from course.layers.fixed import (
    ELU,
    AvgPool2d,
    Dropout,
    Flatten,
    GlobalAvgPool2d,
    Identity,
    LeakyReLU,
    LocalResponseNorm,
    MaxPool2d,
    ReLU,
    Sigmoid,
    Swish,
    Tanh,
    UpsampleBilinear2d,
    UpsampleNearest2d,
)
from course.layers.layer import Layer
from course.layers.learned import Affine, BatchNorm, Conv2d, ConvTranspose2d, Maxout, PReLU

__all__ = [
    "ELU", "Affine", "AvgPool2d", "BatchNorm", "Concat", "Conv2d", "ConvTranspose2d", "Cost", "Dropout", "Flatten",
    "GlobalAvgPool2d", "Identity", "Layer", "LeakyReLU", "LocalResponseNorm", "MaxPool2d", "Maxout", "Model",
    "PReLU", "ReLU", "ReceptiveField", "Residual", "Sequential", "Shape", "Sigmoid", "Swish", "Tanh",
    "UpsampleBilinear2d", "UpsampleNearest2d", "Window", "layer_from",
]  # fmt: skip
