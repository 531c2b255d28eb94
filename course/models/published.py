"""The published networks: the picture that each takes and the parameters that it is known to have."""

from collections.abc import Callable
from typing import NamedTuple

from course.layers import Sequential, Shape
from course.models.alexnet import alexnet, alexnet2012
from course.models.densenet import densenet121
from course.models.googlenet import googlenet
from course.models.lenet import lenet5
from course.models.mobilenet import mobilenet
from course.models.resnet import resnet18, resnet34, resnet50
from course.models.vgg import vgg16

__all__ = ["PUBLISHED", "Published", "totals"]


class Published(NamedTuple):
    """One network."""

    build: Callable[[], Sequential]
    input_shape: Shape
    parameters: int
    """as published or as torchvision counts them; the model must have exactly so many"""
    year: int


PUBLISHED: dict[str, Published] = {
    "lenet5": Published(lenet5, (1, 32, 32), 61_706, 1998),
    "alexnet2012": Published(alexnet2012, (3, 227, 227), 60_965_224, 2012),
    "alexnet": Published(alexnet, (3, 224, 224), 61_100_840, 2014),
    "vgg16": Published(vgg16, (3, 224, 224), 138_357_544, 2014),
    "googlenet": Published(googlenet, (3, 224, 224), 6_624_904, 2014),
    "resnet18": Published(resnet18, (3, 224, 224), 11_689_512, 2015),
    "resnet34": Published(resnet34, (3, 224, 224), 21_797_672, 2015),
    "resnet50": Published(resnet50, (3, 224, 224), 25_557_032, 2015),
    "densenet121": Published(densenet121, (3, 224, 224), 7_978_856, 2016),
    "mobilenet": Published(mobilenet, (3, 224, 224), 4_231_976, 2017),
}
"""By the name of the function that builds it, in the order of the years."""


def totals() -> str:
    """Count every published network and lay the totals out as a table; a wrong one is marked."""
    lines = [f"{'network':<15}{'year':>5}{'input':>13}{'parameters':>14}{'multiply-adds':>17}{'activations':>14}"]
    for name, (build, input_shape, expected, year) in PUBLISHED.items():
        cost = build().cost(input_shape)
        numbers = "".join(f"{f'{n:,}'.replace(',', ' '):>{width}}" for n, width in zip(cost, (14, 17, 14), strict=True))
        shape = "×".join(map(str, input_shape))
        wrong = "" if cost.parameters == expected else f"  should be {expected}"
        lines.append(f"{name:<15}{year:>5}{shape:>13}{numbers}{wrong}")
    return "\n".join(lines)
