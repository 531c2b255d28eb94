"""The networks of the lectures, from a linear classifier to DenseNet, and miniatures that train in seconds.

    model = models.lenet5()                                    # the plan; nothing is allocated
    models.summary(model, (1, 32, 32))                         # layer by layer: shapes, parameters, products
    model.build((1, 32, 32), rng=np.random.default_rng(0))     # the weights

`python -m course.models` counts all that are published.
"""

from course.models.alexnet import alexnet, alexnet2012
from course.models.densenet import densenet121
from course.models.googlenet import googlenet
from course.models.lenet import lenet5
from course.models.miniatures import (
    mini_cnn,
    mini_densenet,
    mini_fcn,
    mini_inception,
    mini_localizer,
    mini_mobilenet,
    mini_resnet,
)
from course.models.mobilenet import mobilenet
from course.models.perceptrons import linear, mlp
from course.models.published import PUBLISHED
from course.models.resnet import resnet18, resnet34, resnet50
from course.models.summary import Summary, summary
from course.models.vgg import vgg16

__all__ = [
    "PUBLISHED", "Summary", "alexnet", "alexnet2012", "densenet121", "googlenet", "lenet5", "linear", "mini_cnn",
    "mini_densenet", "mini_fcn", "mini_inception", "mini_localizer", "mini_mobilenet", "mini_resnet", "mlp",
    "mobilenet", "resnet18", "resnet34", "resnet50", "summary", "vgg16",
]  # fmt: skip
