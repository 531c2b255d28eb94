"""The published networks have the published totals, without a weight allocated; the miniatures learn."""

import subprocess
import sys
import tracemalloc
from functools import partial
from xml.etree import ElementTree

import numpy as np
import pytest

from course import models, ops
from course.layers import Affine, Conv2d, Flatten, Layer, Sequential
from course.models import PUBLISHED, summary
from course.models.__main__ import main
from course.models.densenet import dense_block, transition
from course.models.googlenet import inception
from course.models.resnet import basic_block, bottleneck


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_totals(name):
    build, input_shape, parameters, _ = PUBLISHED[name]
    model = build()
    assert model.cost(input_shape).parameters == parameters
    assert model.output_shape(input_shape) == ((10,) if name == "lenet5" else (1000,))


def test_published_numbers_are_those_of_the_issue():
    assert {name: network.parameters for name, network in PUBLISHED.items()} == {
        "lenet5": 61_706,
        "alexnet2012": 60_965_224,
        "alexnet": 61_100_840,
        "vgg16": 138_357_544,
        "googlenet": 6_624_904,
        "resnet18": 11_689_512,
        "resnet34": 21_797_672,
        "resnet50": 25_557_032,
        "densenet121": 7_978_856,
        "mobilenet": 4_231_976,
    }


@pytest.mark.parametrize("name", PUBLISHED)
def test_counting_allocates_no_weights(name):
    tracemalloc.start()
    text = str(summary(PUBLISHED[name].build(), PUBLISHED[name].input_shape))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(text) > 500
    assert peak < 3e6  # the smallest of the large ones has 17 MB of weights


# ---- multiply-adds ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "billions"),
    [
        ("vgg16", 15.5), ("googlenet", 1.5), ("resnet18", 1.8), ("resnet34", 3.7), ("resnet50", 4.1),
        ("densenet121", 2.8), ("mobilenet", 0.57), ("alexnet2012", 0.72),
    ],
)  # fmt: skip
def test_multiply_adds(name, billions):
    build, input_shape, *_ = PUBLISHED[name]
    assert build().cost(input_shape).multiply_adds == pytest.approx(billions * 1e9, rel=0.02)


def floored(count):
    """Billions, cut off after the first decimal."""
    return int(count // 1e8) / 10


def test_the_slides_15_3_are_vggs_convolutions_alone():
    """EECS 545, "Residual Networks": 15.3B against 3.8B."""
    model = models.vgg16()
    convolutions = sum(
        part.cost(shape).multiply_adds for _, part, shape in model.parts((3, 224, 224)) if isinstance(part, Conv2d)
    )
    assert floored(convolutions) == 15.3 and floored(model.cost((3, 224, 224)).multiply_adds) == 15.4


def test_the_slides_3_8_have_the_stride_in_the_first_convolution_of_a_block():
    paper, torchvision = (models.resnet50(stride_at=field).cost((3, 224, 224)) for field in (1, 3))
    assert floored(paper.multiply_adds) == 3.8 and floored(torchvision.multiply_adds) == 4.0
    assert paper.parameters == torchvision.parameters


# ---- the lectures' architectures, layer by layer ----------------------------------------------------------------


def test_lenet_layer_by_layer():
    """SYSU, "LeNet-5": 6@28, 6@14, 16@10, 16@5 (400 values), 120, 84, 10."""
    rows = summary(models.lenet5(), (1, 32, 32)).rows
    assert [row.output for row in rows if "ReLU" not in row.title] == [
        (6, 28, 28), (6, 14, 14), (16, 10, 10), (16, 5, 5), (400,), (120,), (84,), (10,),
    ]  # fmt: skip
    assert [row.cost.parameters for row in rows if row.cost.parameters] == [156, 2416, 48_120, 10_164, 850]


def test_alexnet_of_2012():
    """SYSU and EECS 545, "AlexNet": 227×227, 60 million parameters, 650 000 neurons, 55×55×96 and 34 944."""
    rows = summary(models.alexnet2012(), (3, 227, 227)).rows
    weighted = [row for row in rows if row.cost.parameters]
    assert [row.output for row in weighted] == [
        (96, 55, 55), (256, 27, 27), (384, 13, 13), (384, 13, 13), (256, 13, 13), (4096,), (4096,), (1000,),
    ]  # fmt: skip
    assert [row.cost.parameters for row in weighted] == [
        34_944, 307_456, 885_120, 663_936, 442_624, 37_752_832, 16_781_312, 4_097_000,
    ]  # fmt: skip
    assert sum(row.cost.activations for row in weighted) == 659_272
    assert next(row.output for row in rows if "Flatten" in row.title) == (9216,)


@pytest.mark.parametrize(
    ("without", "removed", "share"),
    [
        ((7,), 16_781_312, 0.275),  # the slide: 16 million, 26 %
        ((6, 7), 49_414_144, 0.811),  # ~50 million, 82 %
        ((3, 4), 1_696_512, 0.028),  # ~1 million, < 2 %: it is more, the filters of layer 5 get thinner too
        ((3, 4, 6, 7), 51_110_656, 0.838),
    ],
)
def test_alexnet_with_layers_removed(without, removed, share):
    """HLCV, "Architecture of Krizhevsky et al.": what the parameters are worth."""
    full, less = (models.alexnet2012(without=w).cost((3, 227, 227)).parameters for w in ((), without))
    assert full - less == removed and removed / full == pytest.approx(share, abs=0.001)


def test_alexnet_names_a_layer_that_cannot_be_removed():
    with pytest.raises(TypeError, match=r"without=3; numbers from 1 to 7 would fit, such as \(6, 7\)"):
        models.alexnet(without=3)
    with pytest.raises(ValueError, match=r"without=\[8\]; numbers from 1 to 7 would fit"):
        models.alexnet(without=[8])


def test_vgg_layer_by_layer():
    """EECS 545, "VGG-16", configuration D."""
    rows = summary(models.vgg16(), (3, 224, 224)).rows
    weighted = [row for row in rows if row.cost.parameters]
    assert [row.output[0] for row in weighted[:13]] == [64] * 2 + [128] * 2 + [256] * 3 + [512] * 6
    assert [row.output for row in rows if "MaxPool" in row.title] == [
        (64, 112, 112), (128, 56, 56), (256, 28, 28), (512, 14, 14), (512, 7, 7),
    ]  # fmt: skip
    assert weighted[13].cost.parameters == 102_764_544


def test_googlenet_block_by_block():
    """Szegedy et al. 2015, table 1, the column of output sizes."""
    rows = summary(models.googlenet(), (3, 224, 224), depth=0).rows
    blocks = {row.title.removeprefix("inception "): row.output for row in rows if row.block}
    assert blocks == {
        "3a": (256, 28, 28), "3b": (480, 28, 28), "4a": (512, 14, 14), "4b": (512, 14, 14), "4c": (512, 14, 14),
        "4d": (528, 14, 14), "4e": (832, 14, 14), "5a": (832, 7, 7), "5b": (1024, 7, 7),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "layers"),
    [("alexnet2012", 8), ("vgg16", 16), ("resnet18", 18), ("resnet34", 34), ("resnet50", 50), ("densenet121", 121)],
)
def test_networks_are_as_deep_as_they_are_called(name, layers):
    build, input_shape, *_ = PUBLISHED[name]
    rows = summary(build(), input_shape).rows
    weighted = [row for row in rows if row.cost.multiply_adds and not row.block and "shortcut" not in row.path]
    assert len(weighted) == layers


@pytest.mark.parametrize(
    ("name", "until", "field"),
    [
        ("alexnet2012", "Flatten", 195),
        ("vgg16", "Flatten", 212),
        ("resnet50", "GlobalAvg", 483),
        ("mobilenet", "GlobalAvg", 315),
    ],
)
def test_receptive_fields(name, until, field):
    """Araujo, Norris & Sim 2019, "Computing receptive fields of convolutional neural networks"; ResNet as published."""
    build = PUBLISHED[name].build if name != "resnet50" else partial(models.resnet50, stride_at=1)
    rows = summary(build(), PUBLISHED[name].input_shape, depth=0).rows
    last = next(i for i, row in enumerate(rows) if row.title.startswith(until)) - 1
    assert rows[last].seen.field == (field, field)


def test_depthwise_separable_saves_weights():
    """SYSU, "Conventional vs. depth-wise convolution": N·M + M·K² against N·M·K²."""
    M, N, K = 32, 64, 3
    parts = models.mobilenet()[3].parts((M, 112, 112))
    weights = sum(part.cost(shape).parameters for _, part, shape in parts if isinstance(part, Conv2d))
    assert weights == N * M + M * K**2
    assert Conv2d(N, K, pad=1, bias=False).cost((M, 112, 112)).parameters == N * M * K**2


def test_parameters_of_the_442_networks():
    """EECS 442, "How many parameters": 3 → 4 → 2 neurons and so on, and a 285×350 picture with 1000 hidden ones."""
    assert models.linear(1).cost((2,)).parameters == 3
    assert models.mlp(4, classes=1).cost((2,)).parameters == 17
    assert models.mlp(1000, classes=3).cost((285 * 350,)).parameters == 99_754_003


# ---- they compute -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("build", "shape"),
    [
        (models.linear, (1, 8, 8)),
        (lambda: models.mlp(16, 8), (1, 8, 8)),
        (models.lenet5, (1, 32, 32)),
        (models.alexnet2012, (3, 67, 67)),
        (models.googlenet, (3, 32, 32)),
        (models.resnet18, (3, 33, 32)),
        (models.densenet121, (3, 32, 32)),
        (models.mobilenet, (3, 31, 32)),
        (lambda: Sequential(*basic_block(4, 6, stride=1)), (4, 5, 6)),
        (lambda: Sequential(*bottleneck(8, 2), *bottleneck(8, 3, stride=2)), (8, 5, 6)),
        (lambda: inception(2, 3, 4, 2, 3, 5), (3, 5, 6)),
        (lambda: Sequential(dense_block(3, 4), transition(5)), (6, 5, 6)),
        (models.mini_cnn, (1, 13, 12)),
        (lambda: models.mini_resnet(blocks=2), (3, 17, 16)),
        (lambda: models.mini_resnet(shortcuts=False), (3, 17, 16)),
        (models.mini_inception, (1, 13, 12)),
        (models.mini_densenet, (1, 13, 12)),
        (models.mini_mobilenet, (1, 13, 12)),
        (lambda: models.mini_localizer(3), (1, 13, 12)),
        (lambda: models.mini_fcn(3), (1, 12, 16)),
    ],
)
def test_networks_run_forwards_and_backwards(build, shape):
    rng = np.random.default_rng(0)
    model = build()
    predicted, cost = model.output_shape(shape), model.cost(shape)
    model.build(shape, rng=rng)
    assert sum(w.size for w in model.params.values()) == cost.parameters
    x = rng.standard_normal((2, *shape), dtype=np.float32)
    y = model.forward(x, True)
    assert y.shape == (2, *predicted) and y.dtype == np.float32 and np.isfinite(y).all()
    dx = model.backward(np.ones_like(y))
    assert dx.shape == x.shape and dx.dtype == np.float32
    assert all(model.grads[name].shape == w.shape and model.grads[name].any() for name, w in model.params.items())


@pytest.mark.parametrize(
    ("build", "size"),
    [
        (models.linear, 8), (lambda: models.mlp(64), 8), (models.lenet5, 32), (models.mini_cnn, 12),
        (models.mini_resnet, 12), (models.mini_inception, 12), (models.mini_densenet, 12), (models.mini_mobilenet, 12),
    ],
)  # fmt: skip
def test_the_first_loss_is_near_log_c(build, size):
    rng = np.random.default_rng(0)
    model = build().build((1, size, size), rng=rng)
    x = rng.standard_normal((64, 1, size, size), dtype=np.float32)
    loss, _ = ops.softmax_loss(model.forward(x, True), rng.integers(10, size=64))
    assert loss == pytest.approx(np.log(10), abs=0.1)


def stripes(rng, size, count=96):
    """Noise with rows, columns or a board of light and dark, two pixels wide, wherever they begin."""
    x = rng.standard_normal((count, 1, size, size), dtype=np.float32)
    labels = rng.integers(3, size=count)
    for picture, label in zip(x[:, 0], labels, strict=True):
        i, j = np.indices(picture.shape) // 2 + rng.integers(2, size=(2, 1, 1))
        picture += 1.5 * (-1.0) ** (i, j, i + j)[label]
    return x, labels


@pytest.mark.parametrize(
    ("build", "size"),
    [
        (models.mini_cnn, 12),
        (models.mini_resnet, 12),
        (models.mini_inception, 16),
        (models.mini_densenet, 12),
        (models.mini_mobilenet, 16),
        (models.lenet5, 32),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
def test_small_networks_learn_what_they_can_then_do_on_unseen_pictures(build, size):
    rng = np.random.default_rng(0)
    model = build(3).build((1, size, size), rng=rng)
    x, labels = stripes(rng, size, 256)
    speed = {name: np.zeros_like(w) for name, w in model.params.items()}
    for _ in range(60):
        rows = rng.permutation(len(x))[:32]
        _, dscores = ops.softmax_loss(model.forward(x[rows], True), labels[rows])
        model.backward(dscores, need_dx=False)
        for name, w in model.params.items():
            speed[name] = 0.9 * speed[name] - 0.01 * model.grads[name]
            w += speed[name]
    unseen, truth = stripes(rng, size)
    assert (model.forward(unseen).argmax(axis=1) == truth).mean() > 0.9  # guessing gives 0.33


# ---- summaries --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PUBLISHED)
def test_rows_add_up(name):
    build, input_shape, *_ = PUBLISHED[name]
    table = summary(build(), input_shape)
    layers = [row.cost for row in table.rows if not row.block]
    assert sum(cost.parameters for cost in layers) == table.total.parameters
    assert sum(cost.multiply_adds for cost in layers) == table.total.multiply_adds
    assert table.rows[-1].output == build().output_shape(input_shape)


def test_rows_stand_where_the_parameters_are():
    model = models.mini_resnet().build((1, 12, 12), rng=np.random.default_rng(0))
    rows = {row.path: row for row in summary(model, (1, 12, 12)).rows}
    for name, w in model.params.items():
        assert rows[name.rpartition(".")[0]].cost.parameters >= w.size


def test_a_summary_opens_as_many_levels_as_asked():
    model, shape = models.resnet18(), (3, 224, 224)
    closed, one, all_of_it = (summary(model, shape, depth=depth).rows for depth in (0, 1, None))
    assert len(closed) == 22 and len(closed) < len(one) < len(all_of_it)
    assert {row.depth for row in closed} == {0} and {row.depth for row in one} == {0, 1}
    assert sum(row.cost.parameters for row in closed) == 11_689_512


def test_a_summary_as_text():
    lines = str(summary(models.lenet5(), (1, 32, 32))).splitlines()
    assert lines[0] == "LeNet-5 on 1×32×32"
    assert lines[4].split() == ["Conv2d(6,", "5)", "6×28×28", "156", "117", "600", "4", "704", "5×5"]
    assert lines[-1].split() == ["total", "61", "706", "416", "520", "9", "874"]
    assert len({len(line) for line in lines if line.startswith("─")}) == 1


def test_a_summary_as_html():
    model = Sequential(Flatten(), Affine(3), name="<script>")
    assert "<script>" not in summary(model, (2, 2, 2))._repr_html_()
    table = ElementTree.fromstring(summary(models.mini_resnet(), (1, 12, 12))._repr_html_())
    rows = table.findall("./tbody/tr")
    assert len(rows) == len(summary(models.mini_resnet(), (1, 12, 12)).rows)
    assert [cell.text for cell in rows[0]] == ["Conv2d(16, 3, pad=1)", "16×12×12", "144", "20 736", "2 304", "3×3"]
    assert [cell.text for cell in table.find("./tfoot/tr")][2] == "77 754"


def test_a_summary_of_rows_has_no_receptive_field():
    rows = str(summary(models.mlp(4), (2,))).splitlines()
    assert rows[5].split() == ["Affine(4)", "4", "12", "8", "4"]


def test_a_single_layer_has_a_summary():
    (row,) = summary(Conv2d(2, 3), (1, 5, 5)).rows
    assert row.output == (2, 3, 3) and isinstance(Conv2d(2, 3), Layer)


def test_a_summary_names_what_does_not_fit():
    with pytest.raises(ValueError, match=r"\(13 − 2\)/2 \+ 1 = 6.5 is not whole"):
        summary(models.lenet5(), (1, 17, 17))


# ---- the command ------------------------------------------------------------------------------------------------


def test_the_command_prints_the_totals():
    found = subprocess.run([sys.executable, "-m", "course.models"], capture_output=True, encoding="utf-8", check=True)
    lines = found.stdout.splitlines()
    assert len(lines) == 1 + len(PUBLISHED) and "should be" not in found.stdout
    for line, (name, network) in zip(lines[1:], PUBLISHED.items(), strict=True):
        assert line.startswith(name) and f"{network.parameters:,}".replace(",", " ") in line


def test_the_command_shows_one_network(capsys):
    main(["resnet50", "--depth", "0"])
    printed = capsys.readouterr().out
    assert "conv5_3:" in printed and "25 557 032" in printed and "body" not in printed


def test_a_wrong_total_is_marked(monkeypatch):
    from course.models import published

    wrong = PUBLISHED["lenet5"]._replace(parameters=1)
    monkeypatch.setitem(published.PUBLISHED, "lenet5", wrong)
    assert "should be 1" in published.totals()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: models.lenet5("10"), TypeError, "classes is '10'; a whole number would fit"),
        (lambda: models.lenet5(2.5), TypeError, "classes is 2.5; a whole number would fit"),
        (lambda: models.linear(0), ValueError, "classes is 0; 1 or more would fit"),
        (lambda: models.mini_fcn(2.5), TypeError, "classes is 2.5; a whole number would fit"),
        (lambda: models.mini_resnet(blocks=-1), ValueError, "blocks is -1; 1 or more would fit"),
        (lambda: models.mini_resnet(blocks=1.5), TypeError, "blocks is 1.5; a whole number would fit"),
        (lambda: summary(None, (1, 8, 8)), TypeError, r"model is None; a model would fit, such as models.lenet5\(\)"),
    ],
)
def test_what_no_model_is_made_of(call, error, message):
    with pytest.raises(error, match=message):
        call()
