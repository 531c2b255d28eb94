"""Count the published networks: `python -m course.models`, `python -m course.models resnet50 --depth 0`."""

import argparse

from course.models.published import PUBLISHED, totals
from course.models.summary import summary


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m course.models", description=__doc__)
    parser.add_argument("network", nargs="?", choices=PUBLISHED, help="show this network layer by layer")
    parser.add_argument("--depth", type=int, help="open so many levels of blocks; by default all")
    chosen = parser.parse_args(arguments)
    if chosen.network is None:
        print(totals())
    else:
        network = PUBLISHED[chosen.network]
        print(summary(network.build(), network.input_shape, depth=chosen.depth))


if __name__ == "__main__":
    main()
