"""Layers: predicted shape = actual shape, gradients right, caches consumed, a student's own pair trains."""

import pickle
import tracemalloc
from copy import copy, deepcopy

import numpy as np
import pytest

from course import ops
from course.gradcheck import check_gradients
from course.layers import (
    ELU,
    Affine,
    AvgPool2d,
    BatchNorm,
    Concat,
    Conv2d,
    ConvTranspose2d,
    Cost,
    Dropout,
    Flatten,
    GlobalAvgPool2d,
    Identity,
    LeakyReLU,
    LocalResponseNorm,
    Maxout,
    MaxPool2d,
    Model,
    PReLU,
    ReLU,
    Residual,
    Sequential,
    Sigmoid,
    Swish,
    Tanh,
    UpsampleBilinear2d,
    UpsampleNearest2d,
    layer_from,
)
from course.optim import Optimizer

PICTURE, ROW = (4, 6, 7), (6,)

# every kind of layer, in every way that it can be used: (layer, shape of one example)
KINDS = {
    "affine": (lambda: Affine(3), ROW),
    "maxout": (lambda: Maxout(3, 4), ROW),
    "conv": (lambda: Conv2d(3, (3, 2)), PICTURE),
    "conv, all options": (
        lambda: Conv2d(6, (2, 3), stride=(3, 1), pad=(1, 2), dilation=(1, 2), groups=2, floor=True), PICTURE,
    ),
    "conv without bias": (lambda: Conv2d(3, 3, pad=1, bias=False), PICTURE),
    "depth-wise conv": (lambda: Conv2d(4, 3, pad=1, groups=4), PICTURE),
    "transposed conv": (lambda: ConvTranspose2d(3, (4, 3), stride=(2, 3), pad=1), PICTURE),
    "transposed conv without bias": (lambda: ConvTranspose2d(3, 2, stride=2, bias=False), PICTURE),
    "max pool": (lambda: MaxPool2d(2, floor=True), PICTURE),
    "max pool, overlapping": (lambda: MaxPool2d(3, stride=1, pad=1), PICTURE),
    "mean pool": (lambda: AvgPool2d((3, 2), stride=1, pad=(1, 0)), PICTURE),
    "global pool": (GlobalAvgPool2d, PICTURE),
    "flatten": (Flatten, PICTURE),
    "flatten a row": (Flatten, ROW),
    "nearest": (lambda: UpsampleNearest2d((2, 3)), PICTURE),
    "bilinear": (lambda: UpsampleBilinear2d(2), PICTURE),
    "batch norm": (BatchNorm, PICTURE),
    "batch norm of rows": (lambda: BatchNorm(momentum=0.3, eps=1e-3), ROW),
    "local response norm": (lambda: LocalResponseNorm(size=3, alpha=0.1), PICTURE),
    "dropout": (lambda: Dropout(0.4), PICTURE),
    "relu": (ReLU, PICTURE),
    "leaky relu": (lambda: LeakyReLU(slope=0.2), PICTURE),
    "prelu": (PReLU, PICTURE),
    "elu": (lambda: ELU(alpha=0.7), PICTURE),
    "sigmoid": (Sigmoid, ROW),
    "tanh": (Tanh, ROW),
    "swish": (Swish, PICTURE),
    "identity": (Identity, PICTURE),
    "sequential": (lambda: Sequential(Conv2d(3, 3), Tanh(), Flatten(), Affine(2)), PICTURE),
    "residual": (lambda: Residual(Conv2d(4, 3, pad=1), Tanh()), PICTURE),
    "residual with a shortcut": (
        lambda: Residual(Conv2d(3, 3, pad=1, stride=(1, 2)), shortcut=Conv2d(3, 1, stride=(1, 2))), PICTURE,
    ),
    "union": (lambda: Concat(Identity(), Conv2d(2, 3, pad=1)), PICTURE),
    "branches": (lambda: Concat(Conv2d(2, 1), Sequential(MaxPool2d(3, stride=1, pad=1), Conv2d(3, 1))), PICTURE),
    "heads": (lambda: Concat(Affine(2), Affine(3)), ROW),
}  # fmt: skip


@pytest.fixture
def rng():
    return np.random.default_rng(1)


def batch(shape, rng, n=3, dtype=np.float64):
    x = rng.standard_normal((n, *shape))
    return (x + 0.1 * np.sign(x)).astype(dtype)  # clear of the kink at 0


@pytest.mark.parametrize("kind", KINDS)
def test_predicted_shape_is_the_actual_shape(kind, rng):
    make, shape = KINDS[kind]
    model = make()
    predicted, cost = model.output_shape(shape), model.cost(shape)
    model.build(shape, rng=rng)
    for n in (1, 3):
        y = model.forward(batch(shape, rng, n, np.float32))
        assert y.shape == (n, *predicted) and y.dtype == np.float32
        dx = model.backward(np.ones_like(y))
        assert dx.shape == (n, *shape) and dx.dtype == np.float32
    assert cost.parameters == sum(w.size for w in model.params.values())
    assert {name: (w.shape, w.dtype) for name, w in model.params.items()} == {
        name: (dw.shape, dw.dtype) for name, dw in model.grads.items()
    }


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_gradients_of_every_kind(kind, training, rng):
    make, shape = KINDS[kind]
    model = make().build(shape, rng=rng, dtype=np.float64)
    names = list(model.params)
    for w in model.params.values():
        w += 0.1 * rng.standard_normal(w.shape)  # biases too: 0 hides a bias that is not added
    start = {name: generator.bit_generator.state for name, generator in model.generators.items()}
    start_state = {name: value.copy() for name, value in model.state.items()}

    def forward(x, *params):
        for name, value in zip(names, params, strict=True):
            model.params[name][...] = value
        for name, generator in model.generators.items():
            generator.bit_generator.state = start[name]
        for name, value in model.state.items():
            value[...] = start_state[name]
        return model.forward(x, training), ()

    def backward(dy, _):
        dx = model.backward(dy)
        return dx, *(model.grads[name] for name in names)

    params = [w.copy() for w in model.params.values()]
    errors = check_gradients(forward, backward, batch(shape, rng), *params, rng=rng)
    assert len(errors) == 1 + len(names)


@pytest.mark.parametrize(
    ("layer", "op"),
    [
        (LeakyReLU(slope=0.3), lambda x: ops.leaky_relu(x, slope=0.3)),
        (ELU(alpha=0.3), lambda x: ops.elu(x, alpha=0.3)),
        (
            LocalResponseNorm(size=3, alpha=0.1, beta=0.5, k=1.5),
            lambda x: ops.local_response_norm(x, size=3, alpha=0.1, beta=0.5, k=1.5),
        ),
        (MaxPool2d(3, stride=(1, 2), pad=(1, 0)), lambda x: ops.max_pool2d(x, 3, stride=(1, 2), pad=(1, 0))),
        (AvgPool2d((2, 3), stride=1, pad=1), lambda x: ops.avg_pool2d(x, (2, 3), stride=1, pad=1)),
        (MaxPool2d(4, floor=True), lambda x: ops.max_pool2d(x, 4, floor=True)),
        (UpsampleNearest2d((1, 3)), lambda x: ops.upsample_nearest2d(x, (1, 3))),
        (UpsampleBilinear2d((1, 3)), lambda x: ops.upsample_bilinear2d(x, (1, 3))),
    ],
    ids=repr,
)
def test_a_layer_computes_what_its_op_does(layer, op, rng):
    x = batch(PICTURE, rng)
    assert (layer.build(PICTURE, rng=rng).forward(x) == op(x)[0]).all()


def test_batch_norm_hands_its_numbers_on(rng):
    layer, running = (
        BatchNorm(momentum=0.3, eps=0.1).build(PICTURE, rng=rng, dtype=np.float64),
        ops.RunningStatistics.start(4),
    )
    x, one, zero = batch(PICTURE, rng), np.ones(4), np.zeros(4)
    for training in (True, False):
        y, _ = ops.batch_norm(x, one, zero, running, training=training, momentum=0.3, eps=0.1)
        assert (layer.forward(x, training) == y).all()


def test_every_dropout_draws_its_own(rng):
    model = Sequential(Dropout(0.5), Dropout(0.9)).build(ROW, rng=rng)
    again = Sequential(Dropout(0.5), Dropout(0.9)).build(ROW, rng=rng)
    x = np.ones((50, 6), np.float32)
    lost = [layer.forward(x, True) == 0 for part in (model, again) for layer in part]
    assert [round(where.mean(), 1) for where in lost] == [0.5, 0.9, 0.5, 0.9]
    assert (lost[0] != lost[2]).any(), "another build, other draws"
    assert (lost[0] & ~lost[1]).any(), "with the same draws the second would lose all that the first loses"


@pytest.mark.parametrize("kind", KINDS)
def test_inputs_are_read_only(kind, rng):
    make, shape = KINDS[kind]
    model = make().build(shape, rng=rng)
    x = batch(shape, rng, dtype=np.float32)
    x.flags.writeable = False
    y = model.forward(x, True)
    dy = np.ones_like(y)
    dy.flags.writeable = False
    model.backward(dy)


def test_a_cache_is_consumed(rng):
    for make, shape in KINDS.values():
        model = make().build(shape, rng=rng)
        with pytest.raises(RuntimeError, match="nothing to go back through"):
            model.backward(np.ones((2, *model.output_shape(shape)), np.float32))
        y = model.forward(batch(shape, rng, dtype=np.float32))
        model.backward(y)
        with pytest.raises(RuntimeError, match="each backward takes a forward of its own"):
            model.backward(y)


@pytest.mark.parametrize("kind", KINDS)
def test_a_gradient_that_does_not_fit_consumes_nothing(kind, rng):
    make, shape = KINDS[kind]
    model = Sequential(make(), Identity()).build(shape, rng=rng)
    x = batch(shape, rng, dtype=np.float32)
    y = model.forward(x)
    wanted = model.backward(np.ones_like(y))
    for last in (model, model[0]):  # an identity could hand a wrong gradient on
        model.forward(x)
        for wrong, error in (
            (np.ones((3, 1 + y.shape[1], *y.shape[2:]), np.float32), ValueError),
            (np.ones(y.shape), TypeError),
            (y.tolist(), TypeError),
        ):
            with pytest.raises(error, match=r"dy (has|is)"):
                last.backward(wrong)
        np.testing.assert_array_equal(last.backward(np.ones_like(y)), wanted)


# ---- costs, by hand ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("layer", "shape", "cost"),
    [
        # HLCV, "Examples time": ten 5×5 filters on 32×32×3, pad 2: 76 parameters a filter
        (Conv2d(10, 5, pad=2), (3, 32, 32), Cost(760, 32 * 32 * 750, 10 * 32 * 32)),
        # EECS 442: five 5×5 filters, stride 3: 10×10×5, 380 parameters; fully connected 15 365
        (Conv2d(5, 5, stride=3), (3, 32, 32), Cost(380, 10 * 10 * 375, 500)),
        (Affine(5), (32 * 32 * 3,), Cost(15_365, 15_360, 5)),
        (Conv2d(2, (3, 2)), (4, 6, 7), Cost(50, 4 * 6 * 48, 2 * 4 * 6)),
        # EECS 545, "AlexNet": 55×55×96, 34 944 parameters
        (Conv2d(96, 11, stride=4), (3, 227, 227), Cost(34_944, 55 * 55 * 34_848, 55 * 55 * 96)),
        # SYSU, "Conventional vs. depth-wise convolution", M = 8, N = 16, K = 3: N·M·K² against M·K² and N·M
        (Conv2d(16, 3, pad=1, bias=False), (8, 5, 5), Cost(16 * 8 * 9, 25 * 16 * 8 * 9, 400)),
        (Conv2d(8, 3, pad=1, groups=8, bias=False), (8, 5, 5), Cost(8 * 9, 25 * 8 * 9, 200)),
        (Conv2d(16, 1, bias=False), (8, 5, 5), Cost(16 * 8, 25 * 16 * 8, 400)),
        # each of 2·3·3 numbers stamps a 4×4 filter into each of 5 maps
        (ConvTranspose2d(5, 4, stride=2, pad=1), (2, 3, 3), Cost(165, 2 * 9 * 5 * 16, 5 * 36)),
        (Maxout(3, 4), (6,), Cost(4 * 21, 72, 3)),
        (BatchNorm(), (8, 5, 5), Cost(16, 0, 200)),
        (PReLU(), (8, 5, 5), Cost(8, 0, 200)),
        (MaxPool2d(2), (8, 4, 4), Cost(0, 0, 32)),
        (Flatten(), (8, 4, 4), Cost()),
        # 4·4·9 + 4 weights; 4 maps of 5×5 from the convolution and again from the sum
        (Residual(Conv2d(4, 3, pad=1)), (4, 5, 5), Cost(148, 25 * 144, 200)),
        # 2 new maps, then 6 in the union
        (Concat(Identity(), Conv2d(2, 3, pad=1)), (4, 5, 5), Cost(74, 25 * 72, 50 + 150)),
    ],
    ids=repr,
)
def test_costs(layer, shape, cost):
    assert layer.cost(shape) == cost


def test_eecs_442_walks_from_a_picture_to_ten_scores():
    """280, 910, 910, 910 parameters, 4×4×10, then 1610; or 110 after average pooling."""
    maps = Sequential(
        Conv2d(10, 3, pad=1), ReLU(), Conv2d(10, 3, pad=1), ReLU(), MaxPool2d(2),
        Conv2d(10, 3, pad=1), ReLU(), Conv2d(10, 3, pad=1), ReLU(), MaxPool2d(2), MaxPool2d(2),
    )  # fmt: skip
    assert [part.cost(shape).parameters for _, part, shape in maps.parts((3, 32, 32)) if isinstance(part, Conv2d)] == [
        280, 910, 910, 910,
    ]  # fmt: skip
    assert maps.output_shape((3, 32, 32)) == (10, 4, 4)
    assert Sequential(maps, Flatten(), Affine(10)).cost((3, 32, 32)).parameters == 280 + 3 * 910 + 1610
    assert Sequential(maps, GlobalAvgPool2d(), Affine(10)).cost((3, 32, 32)).parameters == 280 + 3 * 910 + 110


# ---- names, state, randomness -----------------------------------------------------------------------------------


def test_names_of_nested_parameters(rng):
    model = Sequential(
        Conv2d(4, 3, pad=1), Residual(Conv2d(4, 1), BatchNorm(), Dropout(0.5)), Concat(Identity(), Conv2d(2, 1))
    ).build(PICTURE, rng=rng)
    names = ["0.w", "0.b", "1.body.0.w", "1.body.0.b", "1.body.1.gamma", "1.body.1.beta", "2.1.w", "2.1.b"]
    assert list(model.params) == names
    assert list(model.state) == ["1.body.1.mean", "1.body.1.var"]
    assert list(model.generators) == ["1.body.2.rng"]
    model.backward(model.forward(batch(PICTURE, rng, dtype=np.float32), True))
    assert list(model.grads) == names


def test_parameters_are_updated_in_place(rng):
    model = Sequential(Affine(2), Affine(1)).build((3,), rng=rng)
    x = np.ones((1, 3), np.float32)
    for w in model.params.values():
        w[...] = 1
    assert model.forward(x).item() == 9  # (3 + 1) + (3 + 1) + 1


@pytest.mark.parametrize("whole", [True, False])
def test_what_is_assigned_counts(whole, rng):
    """As a single layer does, a container takes the array itself, and its optimizer the gradient that was clipped."""
    layer = Affine(1)
    model = (Sequential(Residual(layer)) if whole else layer).build((1,), rng=rng, dtype=np.float64)
    w, b = model.params
    new = np.array([[3.0]])
    model.params[w] = new
    assert layer.params["w"] is new and model.params[w] is new
    model.backward(np.ones_like(model.forward(np.array([[2.0]]))))
    model.grads[w] = np.clip(model.grads[w], -1, 1)
    model.grads.update({b: np.array([5.0])})
    Optimizer(model, lr=0.5).step()
    assert new.item() == 3 - 0.5 * 1 and model.params[b].item() == -0.5 * 5


def test_everything_that_has_a_name_can_be_assigned(rng):
    model = Sequential(BatchNorm(), Dropout(0.5)).build((1,), rng=rng, dtype=np.float64)
    model.state["0.mean"] = np.array([7.0])
    assert model.forward(np.array([[7.0]])).item() == 0
    model.generators["1.rng"] = generator = np.random.default_rng(0)
    assert model[1].generators["rng"] is generator


def test_the_entries_of_a_container_read_like_a_dict(rng):
    model = Sequential(Affine(2), Affine(1)).build((3,), rng=rng)
    params = model.params
    plain = {"0.w": params["0.w"], "0.b": params["0.b"], "1.w": params["1.w"], "1.b": params["1.b"]}
    assert params == plain and dict(params) == plain and list(params.values()) == list(plain.values())
    for copied in (copy(params), deepcopy(params), pickle.loads(pickle.dumps(params))):
        assert type(copied) is dict and copied.keys() == plain.keys()
        copied["0.b"] = None
    assert model.params["0.b"] is plain["0.b"]
    with pytest.raises(ValueError, match=r"name is '2.w'; one of 0.w, 0.b, 1.w, 1.b would fit"):
        model.params["2.w"] = params["0.w"]
    with pytest.raises(ValueError, match=r"name is '0.w'; before build or backward there is none to assign"):
        model.grads["0.w"] = params["0.w"]


def test_batch_norm_moves_its_state_in_training_only(rng):
    model = Sequential(BatchNorm()).build(ROW, rng=rng, dtype=np.float64)
    x = batch(ROW, rng) + 5
    model.forward(x)
    assert (model.state["0.mean"] == 0).all() and (model.state["0.var"] == 1).all()
    model.forward(x, True)
    assert model.state["0.mean"] == pytest.approx(0.1 * x.mean(axis=0))
    assert model.forward(x[:1]).shape == (1, 6), "a single example will do afterwards"


def test_the_same_seed_gives_the_same_network_in_both_precisions():
    def outputs(dtype, seed):
        model = Sequential(Conv2d(3, 3), Dropout(0.5), Flatten(), Affine(2))
        model.build(PICTURE, rng=np.random.default_rng(seed), dtype=dtype)
        return model.forward(np.ones((2, *PICTURE), dtype), True)

    assert outputs(np.float32, 0).dtype == np.float32 and outputs(np.float64, 0).dtype == np.float64
    assert (outputs(np.float64, 0) == outputs(np.float64, 0)).all()
    assert outputs(np.float32, 0) == pytest.approx(outputs(np.float64, 0), rel=1e-4)
    assert (outputs(np.float64, 0) != outputs(np.float64, 1)).any()


def test_weights_start_with_hes_variance(rng):
    """Var(w) = 2/fan_in; a transposed convolution with stride S sums C·FH·FW/S² products."""
    for layer, shape, fan_in in (
        (Affine(200), (300,), 300),
        (Conv2d(64, 3), (50, 9, 9), 450),
        (Conv2d(64, 3, groups=2), (50, 9, 9), 225),
        (ConvTranspose2d(60, 4, stride=2), (40, 5, 5), 160),
        (Maxout(100, 3), (200,), 200),
    ):
        params = layer.build(shape, rng=rng).params
        assert params["w"].var() * fan_in == pytest.approx(2, rel=0.05)
        assert not params["b"].any()


def test_building_again_draws_anew(rng):
    model = Sequential(Affine(3)).build(ROW, rng=rng)
    before = model.params["0.w"].copy()
    assert model.build(ROW, rng=rng) is model
    assert (model.params["0.w"] != before).any()


def test_need_dx_spares_the_first_layer_its_work(rng):
    model = Sequential(Conv2d(3, 3), ReLU(), Conv2d(2, 3), Flatten(), Affine(2)).build(PICTURE, rng=rng)
    x = batch(PICTURE, rng, dtype=np.float32)
    dy = np.ones_like(model.forward(x))
    assert model.backward(dy).shape == x.shape
    wanted = model.grads
    model.forward(x)
    assert model.backward(dy, need_dx=False) is None
    assert all((model.grads[name] == dw).all() for name, dw in wanted.items())


@pytest.mark.parametrize("kind", KINDS)
def test_need_dx_changes_no_gradient(kind, rng):
    make, shape = KINDS[kind]
    model = make().build(shape, rng=rng)
    x = batch(shape, rng, dtype=np.float32)
    y = model.forward(x)
    model.backward(y)
    wanted = model.grads
    model.forward(x)
    model.backward(y, need_dx=False)
    assert all((model.grads[name] == dw).all() for name, dw in wanted.items())


def test_nothing_is_copied_between_layers(rng):
    seen = []

    def look(x):
        seen.append(x)
        return x, ()

    def look_backward(dy, cache):
        seen.append(dy)
        return dy

    model = Sequential(ReLU(), layer_from(look, look_backward), Flatten(), layer_from(look, look_backward))
    x = batch(PICTURE, rng)
    y = model.forward(x)
    assert y is seen[1] and np.shares_memory(*seen)
    model.backward(y)
    assert np.shares_memory(*seen[2:])


# ---- containers -------------------------------------------------------------------------------------------------


def test_residual_adds_and_its_gradient_goes_both_ways():
    """With body(x) = x·w: y = x·w + x and dx = dy·(w + 1)."""
    model = Residual(Affine(1)).build((1,), rng=np.random.default_rng(0), dtype=np.float64)
    model.params["body.0.w"][...] = 3
    assert model.forward(np.array([[2.0]])).item() == 8
    assert model.backward(np.array([[10.0]])).item() == 40


def test_residual_as_on_the_slide(rng):
    """SYSU, "ResNet": conv1, bn1, relu, conv2, bn2, add, relu, with the ops one by one."""
    model = Sequential(
        Residual(Conv2d(4, 3, pad=1), BatchNorm(), ReLU(), Conv2d(4, 3, pad=1), BatchNorm()), ReLU()
    ).build(PICTURE, rng=rng, dtype=np.float64)
    x = batch(PICTURE, rng)
    p = {name.removeprefix("0.body."): w for name, w in model.params.items()}
    out, _ = ops.conv2d(x, p["0.w"], p["0.b"], pad=1)
    out, _ = ops.batch_norm(out, p["1.gamma"], p["1.beta"], None, training=True)
    out, _ = ops.relu(out)
    out, _ = ops.conv2d(out, p["3.w"], p["3.b"], pad=1)
    out, _ = ops.batch_norm(out, p["4.gamma"], p["4.beta"], None, training=True)
    out, _ = ops.relu(out + x)
    assert (model.forward(x, True) == out).all()


def test_concat_stacks_channels_in_the_order_of_the_branches(rng):
    model = Concat(Identity(), layer_from(lambda x: (2 * x, ()), lambda dy, _: 2 * dy))
    x = batch(PICTURE, rng)
    y = model.forward(x)
    assert (y[:, :4] == x).all() and (y[:, 4:] == 2 * x).all()
    dy = batch((8, 6, 7), rng)
    assert (model.backward(dy) == dy[:, :4] + 2 * dy[:, 4:]).all()


def test_a_slice_is_a_model_of_the_same_layers(rng):
    model = Sequential(Affine(4), ReLU(), Affine(2)).build(ROW, rng=rng)
    features = model[:-1]
    assert isinstance(features, Sequential) and len(features) == 2 and features[0] is model[0]
    x = batch(ROW, rng, dtype=np.float32)
    assert (model[2].forward(features.forward(x)) == model.forward(x)).all()


def test_containers_name_what_does_not_fit(rng):
    relu = ReLU()
    with pytest.raises(ValueError, match=r"ReLU\(\) stands in two places"):
        Sequential(Affine(3), relu, Residual(Affine(3), relu))
    with pytest.raises(ValueError, match=r"the body gives \(5, 6, 7\), the shortcut \(4, 6, 7\)"):
        Residual(Conv2d(5, 1)).output_shape(PICTURE)
    with pytest.raises(ValueError, match=r"branches give \(4, 6, 7\), \(2, 4, 5\); only their channels may differ"):
        Concat(Identity(), Conv2d(2, 3)).build(PICTURE, rng=rng)


def test_layers_name_what_does_not_fit(rng):
    x = batch(PICTURE, rng, dtype=np.float32)
    with pytest.raises(RuntimeError, match=r"Conv2d\(6, 5, pad=2\) has no weights yet: model.build"):
        Sequential(Conv2d(6, 5, pad=2)).forward(x)
    with pytest.raises(ValueError, match=r"Affine\(3\) meets in_shape=\(4, 6, 7\); \(D,\), with a Flatten"):
        Affine(3).output_shape(PICTURE)
    with pytest.raises(ValueError, match=r"MaxPool2d\(2\) meets in_shape=\(2, 4, 6, 7\).*without the batch"):
        MaxPool2d(2).output_shape((2, *PICTURE))
    with pytest.raises(ValueError, match=r"\(7 − 2\)/2 \+ 1 = 3.5 is not whole"):
        MaxPool2d(2).output_shape(PICTURE)
    with pytest.raises(ValueError, match="w has 4 channels, x has 3"):
        Conv2d(6, 5, pad=2).build(PICTURE, rng=rng).forward(x[:, :3])
    with pytest.raises(RuntimeError, match=r"Dropout\(p=0.5\) has no rng yet: model.build"):
        Dropout(0.5).forward(x, True)
    assert (Dropout(0.5).forward(x) == x).all(), "without training nothing needs to be built"


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Sequential([Affine(3), ReLU()]), TypeError, r"part 0 is a list; layers without brackets, or Sequ"),
        (lambda: Concat(Identity(), (ReLU(),)), TypeError, "part 1 is a tuple; layers without brackets"),
        (lambda: Sequential(Affine(3), ReLU), TypeError, r"part 1 is the class ReLU; ReLU\(…\) would fit"),
        (lambda: Sequential(3), TypeError, r"part 0 is 3; a layer such as ReLU\(\) would fit"),
        (lambda: Residual(None), TypeError, "part 0 is None; a layer such as"),
        (lambda: Residual(ReLU(), shortcut=[]), TypeError, "part shortcut is a list; layers without"),
        (lambda: Affine(2.5), TypeError, "outputs is 2.5; a whole number would fit"),
        (lambda: Affine(True), TypeError, "outputs is True; a whole number would fit"),
        (lambda: Affine(0), ValueError, "outputs is 0; 1 or more would fit"),
        (lambda: Maxout(3, 0), ValueError, "pieces is 0; 1 or more would fit"),
        (lambda: Maxout("a"), TypeError, "outputs is 'a'; a whole number would fit"),
        (lambda: Conv2d(8, 3, groups=0), ValueError, "groups is 0; 1 or more would fit"),
        (lambda: Conv2d(None, 3), TypeError, "filters is None; a whole number would fit"),
        (lambda: ConvTranspose2d(2.5, 3), TypeError, "filters is 2.5; a whole number would fit"),
        (lambda: ConvTranspose2d(8, "a"), TypeError, "field='a' is not a whole number"),
        (lambda: ConvTranspose2d(8, 3, stride=0), ValueError, "stride=0 is too small; 1 or more would fit"),
        (lambda: Dropout(2), ValueError, "p=2.0; 0 or more and less than 1 would fit"),
        (lambda: Dropout("a"), TypeError, "p='a' is not a number"),
        (lambda: LeakyReLU(slope=2), ValueError, "slope=2.0; 0 to 1 would fit"),
        (lambda: LeakyReLU(slope="a"), TypeError, "slope='a' is not a number"),
        (lambda: LeakyReLU(slope=np.ones(2)), TypeError, r"slope=array\(\[1., 1.\]\) is not a number"),
        (lambda: ELU(alpha=-1), ValueError, "alpha=-1.0; a positive number would fit"),
        (lambda: BatchNorm(momentum=7), ValueError, "momentum=7(.0)?; 0 to 1 would fit"),
        (lambda: BatchNorm(eps=0), ValueError, "eps=0(.0)?; a positive number would fit"),
        (lambda: LocalResponseNorm(size=4), ValueError, "size=4; an odd number would fit"),
        (lambda: layer_from(3), TypeError, "forward is 3, which is no function; a function that gives y, cache"),
        (lambda: layer_from(my_affine, 3), TypeError, "backward is 3, which is no function"),
        (lambda: layer_from(my_affine, output_shape=3), TypeError, "output_shape is 3, which is no function"),
        (lambda: layer_from(my_affine, params=["w"]), TypeError, r"params is \['w'\]; {\"w\": \(4, 3\)} would fit"),
        (lambda: layer_from(my_affine, params={"w": 3}), TypeError, r"params\[\"w\"\] is 3; an array, or a shape"),
        (lambda: layer_from(my_affine, params={"w": [1.0, 2.0]}), TypeError, r"params\[\"w\"\] is \[1.0, 2.0\]; an"),
        (lambda: layer_from(my_affine, params={"w": (3, 0)}), ValueError, r"params\[\"w\"\] is \(3, 0\); an array"),
        (lambda: layer_from(my_affine, like="Affine"), TypeError, r"like is 'Affine'; a layer such as Affine\(3\)"),
    ],
)
def test_what_does_not_fit_is_refused_when_a_model_is_made(make, error, message):
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize(
    ("in_shape", "given", "error", "message"),
    [
        (3, {}, TypeError, r"in_shape is 3; \(C, H, W\) or \(D,\) would fit, whole numbers from 1"),
        ((2.5,), {}, TypeError, r"in_shape is \(2.5,\); \(C, H, W\) or \(D,\) would fit"),
        ((0,), {}, ValueError, r"in_shape is \(0,\); \(C, H, W\) or \(D,\) would fit"),
        ((3,), {"rng": 0}, TypeError, r"rng is 0; np.random.default_rng\(0\) would fit"),
        ((3,), {"dtype": int}, TypeError, "dtype is int64; float32 or float64 would fit"),
    ],
)
@pytest.mark.parametrize("make", [BatchNorm, PReLU, ReLU, lambda: Affine(2), lambda: Dropout(0.5)])
def test_what_does_not_fit_is_refused_by_build(make, in_shape, given, error, message, whole, rng):
    model = Sequential(make()) if whole else make()
    with pytest.raises(error, match=message):
        model.build(in_shape, **{"rng": rng, **given})


def test_shapes_are_asked_for_with_a_shape():
    for ask in (Sequential(ReLU()).output_shape, Affine(3).output_shape, Affine(3).cost):
        with pytest.raises(TypeError, match="in_shape is 3; "):
            ask(3)


def test_numpys_whole_numbers_are_whole_numbers(rng):
    n = np.int64(2)
    model = Sequential(
        Conv2d(n, n, stride=n, pad=n, groups=n), ConvTranspose2d(n, n, stride=n), MaxPool2d(n),
        LocalResponseNorm(size=n + 1), UpsampleNearest2d(n), Flatten(), Affine(n), Maxout(n, n),
    ).build((n, n + 2, n + 2), rng=rng)  # fmt: skip
    assert model.forward(np.ones((1, 2, 4, 4), np.float32)).shape == (1, 2)
    assert repr(model[6]) == "Affine(2)"


def test_repr_is_how_one_would_write_it():
    model = Sequential(Conv2d(6, (5, 3), stride=2, floor=True), Residual(Affine(3)), name="net")
    assert repr(model) == (
        "Sequential(\n    Conv2d(6, (5, 3), stride=2),\n    Residual(\n        Sequential(\n"
        "            Affine(3),\n        ),\n        Identity(),\n    ),\n)"
    )


def test_planning_allocates_nothing():
    tracemalloc.start()
    model = Sequential(Flatten(), Affine(100_000), ReLU(), Affine(100_000))
    assert model.cost((3, 500, 500)).parameters > 8e10
    assert model.output_shape((3, 500, 500)) == (100_000,)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1e6


# ---- a student's own pair ---------------------------------------------------------------------------------------


def my_affine(x, w, b):
    return x @ w + b, (x, w)


def my_affine_backward(dy, cache):
    x, w = cache
    return dy @ w.T, x.T @ dy, dy.sum(axis=0)


def train(model, steps=60):
    rng = np.random.default_rng(3)
    x = rng.standard_normal((64, 6)).astype(np.float32)
    labels = (x[:, 0] * x[:, 1] > 0).astype(int)  # no line separates it
    losses = []
    for _ in range(steps):
        loss, dscores = ops.softmax_loss(model.forward(x, True), labels)
        model.backward(dscores)
        for name, w in model.params.items():
            w -= 0.5 * model.grads[name]
        losses.append(float(loss))
    return losses


def test_a_students_pair_trains_a_network():
    layers = {
        "like": lambda n: layer_from(my_affine, my_affine_backward, like=Affine(n)),
        "shapes": lambda n: layer_from(my_affine, my_affine_backward, params={"w": (6, n), "b": (n,)}),
    }
    for make in layers.values():
        ours = Sequential(Affine(16), ReLU(), Affine(2)).build((6,), rng=np.random.default_rng(0))
        theirs = Sequential(make(16), ReLU(), Affine(2)).build((6,), rng=np.random.default_rng(0))
        losses = train(theirs)
        assert losses == pytest.approx(train(ours), rel=1e-4)
        assert losses[0] > 0.6 > 0.25 > losses[-1]


def test_like_takes_shapes_and_hyperparameters_over(rng):
    def conv(x, w, b, *, stride=1, pad=3):  # another default than the course's
        y, cache = ops.conv2d(x, w, b, stride=stride, pad=pad)
        return y, cache

    original = Conv2d(3, 3, pad=1, stride=(1, 3))
    layer = layer_from(conv, ops.conv2d_backward, like=original)
    assert repr(layer) == "conv(3, 3, stride=(1, 3), pad=1)"
    assert layer.cost(PICTURE) == original.cost(PICTURE)
    assert layer.build(PICTURE, rng=rng).forward(batch(PICTURE, rng, dtype=np.float32)).shape == (3, 3, 6, 3)
    assert original.params == {}, "the layer that it is like stays as it was"


def test_params_given_as_arrays_are_copied(rng):
    w = np.array([[2.0], [3.0]])
    layer = layer_from(lambda x, w: (x @ w, (x, w)), lambda dy, c: (dy @ c[1].T, c[0].T @ dy), params={"w": w})
    layer.build((2,), rng=rng, dtype=np.float64)
    assert layer.forward(np.array([[1.0, 1.0]])).item() == 5
    layer.params["w"] += 1
    assert w.tolist() == [[2], [3]]


def test_the_shape_is_found_by_trying(rng):
    def halve(x, w, *, step):
        return x[:, :, ::step] * w, ()

    layer = layer_from(halve, params={"w": (1,)}, step=2)
    assert layer.output_shape(PICTURE) == (4, 3, 7)
    assert layer_from(halve, output_shape=lambda shape: shape[:1], step=2).output_shape(PICTURE) == (4,)
    with pytest.raises(RuntimeError, match="has no backward function"):
        layer.build(PICTURE, rng=rng).backward(np.ones((1, 4, 3, 7)))


def test_a_hyperparameter_may_be_an_array():
    layer = layer_from(lambda x, *, mask=None: (x * mask, ()), mask=np.array([0.0, 1.0]))
    assert layer.forward(np.ones((1, 2))).tolist() == [[0, 1]]


def test_what_is_no_array_is_not_handed_on():
    with pytest.raises(TypeError, match="y is a list; a NumPy array would fit"):
        layer_from(lambda x: x.tolist()).forward(np.ones((1, 2)))


def test_a_forward_may_return_y_alone(rng):
    layer = layer_from(lambda x: 2 * x)
    assert (layer.forward(np.ones((1, 2))) == 2).all()


def test_training_and_rng_reach_a_function_that_asks_for_them(rng):
    seen = []

    def noisy(x, *, scale=1.0, training, rng):
        seen.append((training, rng))
        return x + scale * rng.standard_normal(x.shape).astype(x.dtype), ()

    layer = layer_from(noisy, lambda dy, _: dy, output_shape=lambda shape: shape, scale=3.0).build(ROW, rng=rng)
    layer.forward(np.ones((2, 6)), training=True)
    assert seen == [(True, layer.generators["rng"])]


def test_wrong_gradients_of_a_student_are_named(rng):
    layer = layer_from(my_affine, lambda dy, cache: (dy, dy), like=Affine(3)).build(ROW, rng=rng)
    layer.forward(batch(ROW, rng, dtype=np.float32))
    with pytest.raises(ValueError, match=r"gradients of shapes \[\(3, 3\)\]; dw \(6, 3\), db \(3,\) would fit"):
        layer.backward(np.ones((3, 3), np.float32))
    with pytest.raises(TypeError, match="like=… says it all"):
        layer_from(my_affine, my_affine_backward, like=Affine(3), params={"w": (6, 3)})


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_can_go_to_another_process(kind, rng):
    make, shape = KINDS[kind]
    model = make().build(shape, rng=rng)
    x = batch(shape, rng, dtype=np.float32)
    again = pickle.loads(pickle.dumps(model))
    assert (again.forward(x, True) == model.forward(x, True)).all()


def test_every_layer_is_listed():
    import course.layers

    kinds = {name for name in course.layers.__all__ if isinstance(getattr(course.layers, name), type)}
    kinds = {name for name in kinds if issubclass(getattr(course.layers, name), Model)} - {"Model", "Layer"}
    tested = {type(make()).__name__ for make, _ in KINDS.values()}
    assert kinds == tested


def test_running_statistics_keep_the_digits_of_a_large_mean():
    rng = np.random.default_rng(0)
    layer, mean, var = BatchNorm().build((4,), rng=rng), np.zeros(4), np.ones(4)
    for _ in range(300):
        x = rng.normal(1e4, 1, (64, 4)).astype(np.float32)
        layer.forward(x, training=True)
        mean = 0.9 * mean + 0.1 * x.astype(np.float64).mean(axis=0)
        var = 0.9 * var + 0.1 * x.astype(np.float64).var(axis=0, ddof=1)
    y = layer.forward(x)
    assert y.dtype == np.float32
    np.testing.assert_allclose(y, (x - mean) / np.sqrt(var + 1e-5), rtol=0, atol=1e-3)  # in float32: 2.6e-3
