"""Update rules by hand and by theory, the optimizer that applies them in pieces, schedules."""

import inspect
import math
import re

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from course import optim
from course.optim import RULES, Optimizer, cosine, plateau, step
from course.optim.optimizer import _pieces

EVERY = pytest.mark.parametrize("name", RULES)


class Parameters:
    """A model reduced to what an optimizer sees of it."""

    def __init__(self, **params):
        self.params = params
        self.grads = {}


@pytest.fixture
def rng():
    return np.random.default_rng(3)


def draw(rng, *shape, dtype=np.float64):
    return rng.standard_normal(shape).astype(dtype)


# ---- the rules, by hand


def trace(rule, gradients, w=1.0, **hyper):
    """Let a rule run on one weight, and give the weight after each step."""
    w, state, seen = np.array([w]), {}, []
    for g in gradients:
        w, state = rule(w, np.array([g]), state, **hyper)
        seen.append(w[0])
    return seen


def test_sgd_by_hand():
    # 1 − 0.1·2 = 0.8; 0.8 − 0.1·(−4) = 1.2
    assert trace(optim.sgd, [2.0, -4.0], lr=0.1) == pytest.approx([0.8, 1.2])


def test_momentum_by_hand():
    # v: −0.2, then 0.9·(−0.2) − 0.1·2 = −0.38, then −0.342 + 0.4 = 0.058
    assert trace(optim.momentum, [2.0, 2.0, -4.0], lr=0.1) == pytest.approx([0.8, 0.42, 0.478])


def test_nesterov_by_hand():
    # v as for momentum; w moves by 0.9·v − 0.1·g: −0.18 − 0.2, then −0.342 − 0.2
    assert trace(optim.nesterov, [2.0, 2.0], lr=0.1) == pytest.approx([0.62, 0.078])


def test_adagrad_by_hand():
    # r: 9, then 25; steps 0.5/3·3 and 0.5/5·4
    assert trace(optim.adagrad, [3.0, 4.0], lr=0.5) == pytest.approx([0.5, 0.1])


def test_rmsprop_by_hand():
    # ρ = 3/4. r: 4/4 = 1, then 3/4 + 1/4 = 1; steps 0.1/1·2 and 0.1/1·1
    assert trace(optim.rmsprop, [2.0, 1.0], lr=0.1, rho=0.75) == pytest.approx([0.8, 0.7])


def test_adam_by_hand():
    # ρ₁ = 1/2, ρ₂ = 3/4. g = 2:  s = 1, r = 1, ŝ = 1/(1/2) = 2, r̂ = 1/(1/4) = 4: a step of 0.1·2/2
    # g = −1: s = 0, r = 3/4 + 1/4 = 1, ŝ = 0: no step
    # g = 4:  s = 2, r = 3/4 + 4 = 4.75, ŝ = 2/(7/8) = 16/7, r̂ = 4.75/(37/64) = 304/37
    last = 0.9 - 0.1 * (16 / 7) / math.sqrt(304 / 37)
    assert trace(optim.adam, [2.0, -1.0, 4.0], lr=0.1, rho1=0.5, rho2=0.75) == pytest.approx([0.9, 0.9, last])


def test_adamw_is_adam_beside_a_decay_of_its_own():
    # the step of adam is 0.1 whatever the gradient; the decay takes 0.1·0.5 of the weight besides
    assert trace(optim.adamw, [2.0], w=3.0, lr=0.1, weight_decay=0.5) == pytest.approx([3 - 0.1 - 0.15])
    gradients = [1.0, -3.0, 2.0]
    assert trace(optim.adamw, gradients, lr=0.1, weight_decay=0) == trace(optim.adam, gradients, lr=0.1)


@pytest.mark.parametrize("name", ["adam", "adagrad", "rmsprop"])
def test_adaptive_steps_do_not_depend_on_the_scale_of_the_gradient(name):
    g = np.array([3.0, -0.01, 500.0])
    w, _ = RULES[name](np.zeros(3), g, {}, lr=0.1)
    first = {"rmsprop": 0.1 / math.sqrt(0.1)}.get(name, 0.1)
    np.testing.assert_allclose(w, -first * np.sign(g), rtol=1e-4)


@pytest.mark.parametrize("name", ["momentum", "nesterov"])
def test_momentum_without_memory_is_sgd(name, rng):
    w, dw = draw(rng, 3, 4), draw(rng, 3, 4)
    np.testing.assert_allclose(RULES[name](w, dw, {}, lr=0.3, alpha=0)[0], optim.sgd(w, dw, lr=0.3)[0])


def test_momentum_gathers_up_to_one_over_one_minus_alpha():
    seen = trace(optim.momentum, [1.0] * 200, lr=0.01, alpha=0.9)
    assert seen[-2] - seen[-1] == pytest.approx(0.01 / (1 - 0.9))


# ---- theory: on a quadratic ½·wᵀHw, gradient descent converges exactly for lr < 2/λmax


@given(st.integers(0, 10_000), st.floats(0.05, 20), st.floats(0.05, 1))
def test_descent_on_a_quadratic_diverges_exactly_above_two_over_the_largest_curvature(seed, largest, smallest):
    rng = np.random.default_rng(seed)
    curvature = np.array([largest, largest * smallest, largest * smallest**2])
    basis, _ = np.linalg.qr(rng.standard_normal((3, 3)))
    H = basis @ np.diag(curvature) @ basis.T
    start = basis @ np.ones(3)  # something of every direction

    def size_after(lr, steps=200):
        w, state = start, {}
        for _ in range(steps):
            w, state = optim.sgd(w, H @ w, state, lr=lr)
        return 0.5 * w @ H @ w / (0.5 * start @ H @ start)

    assert size_after(1.95 / largest) < 1  # (1 − 1.95)² < 1: every direction shrinks
    assert size_after(2.05 / largest) > 1e3  # (1 − 2.05)⁴⁰⁰ = 3·10⁸ in the steepest


def test_on_the_edge_descent_neither_converges_nor_diverges():
    # curvature 1 and lr 2: w ← w − 2w = −w for ever
    w = np.array([3.0])
    for _ in range(7):
        w, _ = optim.sgd(w, w, lr=2.0)
    assert w[0] == -3.0


@pytest.mark.parametrize("alpha", [0.5, 0.9])
def test_momentum_bears_larger_steps_up_to_two_times_one_plus_alpha(alpha):
    # w and v form a linear recurrence with characteristic z² − (1 + α − ε·λ)·z + α: stable exactly for ε·λ < 2(1 + α)
    for lr, converges in ((0.99 * 2 * (1 + alpha), True), (1.01 * 2 * (1 + alpha), False)):
        w, state = np.array([1.0]), {}
        for _ in range(3000):
            w, state = optim.momentum(w, w, state, lr=lr, alpha=alpha)
        assert (abs(w[0]) < 1) == converges


# ---- what all rules promise


@EVERY
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_rule_is_pure_and_keeps_the_dtype(name, dtype, rng):
    w, dw, rule = draw(rng, 3, 5, dtype=dtype), draw(rng, 3, 5, dtype=dtype), RULES[name]
    _, state = rule(w, dw, None, lr=0.1)
    for array in (w, dw, *(v for v in state.values() if isinstance(v, np.ndarray))):
        array.flags.writeable = False  # changing one would raise
    before = dict(state)
    new, after = rule(w, dw, state, lr=0.1)
    assert state.keys() == before.keys()
    # one of NumPy's own floats must not turn float32 into float64 on the way
    np.testing.assert_array_equal(rule(w, dw, state, lr=np.float64(0.1))[0], new)
    assert new.dtype == dtype
    assert new.shape == w.shape
    for symbol, value in after.items():
        if isinstance(value, np.ndarray):
            assert value.dtype == dtype
            assert not np.shares_memory(value, state[symbol])


@EVERY
def test_a_rule_works_on_every_weight_by_itself(name, rng):
    w, dw = draw(rng, 4, 6), draw(rng, 4, 6)
    together, state = RULES[name](w, dw, {}, lr=0.1)
    together, _ = RULES[name](together, dw, state, lr=0.1)
    for i in range(4):
        row, state = RULES[name](w[i], dw[i], {}, lr=0.1)
        row, _ = RULES[name](row, dw[i], state, lr=0.1)
        np.testing.assert_array_equal(row, together[i])


@EVERY
def test_a_rule_finds_the_minimum_of_a_bowl(name):
    w, state, target = np.array([3.0, -2.0]), {}, np.array([1.0, 0.5])
    lr = {"adagrad": 0.5, "sgd": 0.1, "momentum": 0.02, "nesterov": 0.02}.get(name, 0.05)
    hyper = {"weight_decay": 0.0} if name == "adamw" else {}
    for k in range(2000):
        w, state = RULES[name](w, w - target, state, lr=lr * 0.997**k, **hyper)
    np.testing.assert_allclose(w, target, atol=1e-3)


@EVERY
def test_what_a_rule_refuses(name, rng):
    rule, w = RULES[name], np.ones((2, 3))
    with pytest.raises(ValueError, match=r"dw has shape \(3, 2\), w has \(2, 3\)"):
        rule(w, np.ones((3, 2)), {}, lr=0.1)
    with pytest.raises(TypeError, match="dw has dtype float32, w has float64"):
        rule(w, np.ones((2, 3), np.float32), {}, lr=0.1)
    with pytest.raises(TypeError, match="w has dtype int64; float32 or float64"):
        rule(np.ones(3, int), np.ones(3, int), {}, lr=0.1)
    with pytest.raises(ValueError, match=r"lr is -0.1; 0 or more would fit"):
        rule(w, w, {}, lr=-0.1)
    with pytest.raises(ValueError, match="lr is nan"):
        rule(w, w, {}, lr=math.nan)
    with pytest.raises(ValueError, match="lr is inf; a finite number would fit"):
        rule(w, w, {}, lr=math.inf)
    for keyword, parameter in inspect.signature(rule).parameters.items():
        if parameter.kind is parameter.KEYWORD_ONLY and keyword != "lr":
            with pytest.raises(ValueError, match=f"{keyword} is -1; "):
                rule(w, w, {}, lr=0.1, **{keyword: -1})
        if parameter.kind is parameter.KEYWORD_ONLY:
            for wrong in (None, "0.1", [0.1], True):
                with pytest.raises(TypeError, match=re.escape(f"{keyword} is {wrong!r}; a number would fit")):
                    rule(w, w, {}, **{"lr": 0.1, keyword: wrong})
            with pytest.raises(ValueError, match=f"{keyword} is nan; a finite number would fit"):
                rule(w, w, {}, **{"lr": 0.1, keyword: math.nan})
    with pytest.raises(TypeError, match="w is a list; a NumPy array would fit"):
        rule([1.0], [1.0], {}, lr=0.1)
    with pytest.raises(TypeError, match="dw is a NoneType; a NumPy array would fit"):
        rule(w, None, {}, lr=0.1)
    with pytest.raises(TypeError, match=r"state is 0.1; {} would fit, or the state that the last step returned"):
        rule(w, w, 0.1)
    _, state = rule(w, w, {}, lr=0.1)
    if state:
        with pytest.raises(ValueError, match=r"state\['\w'\] has shape \(2, 3\), w has \(4,\)"):
            rule(np.ones(4), np.ones(4), state, lr=0.1)
        with pytest.raises(ValueError, match="state has x, not"):
            rule(w, w, {"x": 1}, lr=0.1)


@EVERY
def test_as_pytorch(name, rng):
    """Many steps on changing gradients give PyTorch's weights."""
    torch = pytest.importorskip("torch")
    kinds = {
        "sgd": (torch.optim.SGD, {}, {}),
        "momentum": (torch.optim.SGD, {"momentum": 0.9}, {}),
        "nesterov": (torch.optim.SGD, {"momentum": 0.9, "nesterov": True}, {}),
        "adagrad": (torch.optim.Adagrad, {"eps": 1e-7}, {}),
        "rmsprop": (torch.optim.RMSprop, {"alpha": 0.9, "eps": 1e-7}, {}),
        "adam": (torch.optim.Adam, {}, {}),
        "adamw": (torch.optim.AdamW, {"weight_decay": 0.1}, {"weight_decay": 0.1}),
    }
    kind, theirs, ours = kinds[name]
    w, state = draw(rng, 7, 5), {}
    peer = torch.tensor(w.copy(), requires_grad=True)
    peers = kind([peer], lr=0.05, **theirs)
    for _ in range(20):
        dw = draw(rng, 7, 5)
        w, state = RULES[name](w, dw, state, lr=0.05, **ours)
        peer.grad = torch.tensor(dw)
        peers.step()
    np.testing.assert_allclose(w, peer.detach().numpy(), rtol=1e-10)


# ---- the optimizer


SIZES = {"small": (3, 4), "b": (5,), "wide": (300, 400), "long": (70_000,), "one": (1, 1), "zero": (0, 3)}


@EVERY
def test_the_optimizer_gives_what_the_rule_gives(name, rng):
    """Large parameters are cut and small ones gathered; nothing of that may be seen in the result."""
    model = Parameters(**{k: draw(rng, *shape, dtype=np.float32) for k, shape in SIZES.items()})
    arrays = dict(model.params)
    expected = {k: (w.copy(), {}) for k, w in arrays.items()}
    optimizer = Optimizer(model, name, lr=0.1)
    for _ in range(3):
        model.grads = {k: draw(rng, *w.shape, dtype=np.float32) for k, w in arrays.items()}
        for k, (w, state) in expected.items():
            extra = {"weight_decay": 0.0} if name == "adamw" else {}
            expected[k] = RULES[name](w, model.grads[k], state, lr=0.1, **extra)
        optimizer.step()
    for k, (w, state) in expected.items():
        assert model.params[k] is arrays[k], "updated in place"
        np.testing.assert_array_equal(arrays[k], w)
        assert arrays[k].dtype == np.float32
        assert optimizer.state[k].keys() == state.keys()
        for symbol, value in state.items():
            np.testing.assert_array_equal(optimizer.state[k][symbol], value)


@given(st.lists(st.integers(0, 40), max_size=12), st.integers(1, 16))
@example([3, 3, 3, 3], 8)
@example([10], 4)
def test_pieces_hold_every_element_once_and_are_neither_too_large_nor_needlessly_small(sizes, most):
    seen = [np.zeros(size, int) for size in sizes]
    for piece in _pieces(sizes, most):
        assert sum(part.stop - part.start for _, part in piece) <= most
        for k, part in piece:
            seen[k][part] += 1
    assert all((count == 1).all() for count in seen)
    fewest = [math.ceil(size / most) for size in sizes if size > most // 2]
    assert sum(len(piece) == 1 and sizes[piece[0][0]] > most // 2 for piece in _pieces(sizes, most)) == sum(fewest)


def test_any_memory_layout_and_any_precision_is_updated_in_place(rng):
    base = draw(rng, 6, 8)
    params = {
        "c": draw(rng, 3, 4),
        "fortran": np.asfortranarray(draw(rng, 5, 3)),
        "strided": base[::2, ::2],
        "single": draw(rng, 3, dtype=np.float32),
        "number": np.array(2.0),
    }
    model = Parameters(**params)
    model.grads = {k: np.asarray(draw(rng, *w.shape[::-1], dtype=w.dtype).T) for k, w in params.items() if w.ndim}
    model.grads["number"] = np.array(0.5)
    expected = {k: RULES["adam"](w, model.grads[k], {}, lr=0.1)[0] for k, w in params.items()}
    Optimizer(model, "adam", lr=0.1).step()
    for k, w in expected.items():
        np.testing.assert_array_equal(model.params[k], w)
    np.testing.assert_array_equal(base[::2, ::2], expected["strided"])


def test_weight_decay_shrinks_weights_but_not_biases(rng):
    model = Parameters(w=draw(rng, 2, 3), b=draw(rng, 3))
    model.grads = {"w": draw(rng, 2, 3), "b": draw(rng, 3)}
    w, b = model.params["w"].copy(), model.params["b"].copy()
    Optimizer(model, "sgd", lr=0.1, weight_decay=0.5).step()
    np.testing.assert_allclose(model.params["w"], w - 0.1 * (model.grads["w"] + 0.5 * w))
    np.testing.assert_allclose(model.params["b"], b - 0.1 * model.grads["b"])


def test_weight_decay_is_the_gradient_of_a_penalty_except_for_adamw(rng):
    """adam divides the penalty's gradient by √r̂ too, so that its first step is ε whatever λ; adamw does not."""
    steps = {}
    for rule in ("adam", "adamw"):
        model = Parameters(w=np.full((1, 1), 10.0))
        model.grads = {"w": np.full((1, 1), 0.5)}
        Optimizer(model, rule, lr=0.1, weight_decay=0.2).step()
        steps[rule] = 10.0 - model.params["w"][0, 0]
    assert steps == pytest.approx({"adam": 0.1, "adamw": 0.1 + 0.1 * 0.2 * 10})


def test_the_biases_of_a_maxout_layer_do_not_decay_though_they_have_two_axes():
    model = Parameters(**{"0.w": np.ones((2, 2, 2)), "0.b": np.full((2, 2), 5.0)})
    model.grads = {name: np.zeros_like(w) for name, w in model.params.items()}
    Optimizer(model, lr=0.1, weight_decay=1.0).step()
    assert (model.params["0.w"] == 0.9).all() and (model.params["0.b"] == 5).all()


@pytest.mark.parametrize(
    ("rule", "error", "message"),
    [
        (lambda w, dw, s, *, lr: w, TypeError, r"the rule returned array\(.*; new weights and a state, a dict, would"),
        (lambda w, dw, s, *, lr: (w, None), TypeError, "the rule returned .*; new weights and a state, a dict, would"),
        (lambda w, dw, s, *, lr: (w.mean(), {}), ValueError, r"weights of shape \(\); \(1, 1\) would fit, that of w"),
        (lambda w, dw, s, *, lr: (w, {"last": None}), TypeError, "the rule keeps last=None; a number or an array"),
        (lambda w, dw, s, *, lr: (w, {"mode": "fast"}), TypeError, "the rule keeps mode='fast'; a number or an array"),
        (None, TypeError, "rule is None, which is no function; 'adam', or a function"),
        (3, TypeError, "rule is 3, which is no function"),
    ],
)
def test_what_is_no_rule(rule, error, message):
    with pytest.raises(error, match=message):
        Optimizer(Parameters(w=np.ones((2, 3))), rule, lr=0.1)


def test_a_rule_that_gives_one_weight_for_all_is_refused_before_they_are_lost():
    model = Parameters(w=np.arange(6.0).reshape(2, 3))
    model.grads = {"w": np.ones((2, 3))}
    with pytest.raises(ValueError, match=r"the rule returned weights of shape \(1, 1\); \(2, 3\) would fit"):
        Optimizer(model, lambda w, dw, s, *, lr: (w.mean(keepdims=True), {}), lr=0.1).step()
    np.testing.assert_array_equal(model.params["w"], np.arange(6.0).reshape(2, 3))


def test_a_rule_of_ones_own_sees_each_parameter_whole(rng):
    def normalized(w, dw, state, *, lr):
        """Step by lr in the direction of the gradient, however long that is."""
        return w - lr * dw / np.linalg.norm(dw), {"steps": (state or {}).get("steps", 0) + 1}

    model = Parameters(w=np.zeros((300, 300)), b=np.zeros(2))
    model.grads = {"w": draw(rng, 300, 300), "b": np.array([3.0, 4.0])}
    optimizer = Optimizer(model, normalized, lr=1.0)
    optimizer.step()
    optimizer.step()
    assert np.linalg.norm(model.params["w"]) == pytest.approx(2)
    np.testing.assert_allclose(model.params["b"], [-1.2, -1.6])
    assert optimizer.state["b"] == {"steps": 2}


def test_the_learning_rate_may_be_set_between_steps():
    model = Parameters(w=np.array([1.0]))
    model.grads = {"w": np.array([1.0])}
    optimizer = Optimizer(model, lr=0.5)
    optimizer.step()
    optimizer.lr = 0.25
    optimizer.step()
    assert model.params["w"][0] == 0.25


def test_a_parameter_without_axes_goes_on_from_a_saved_state():
    model = Parameters(w=np.array(2.0))
    model.grads = {"w": np.array(0.5)}
    one, two = Optimizer(model, "adam", lr=0.1), Optimizer(model, "adam", lr=0.1)
    one.step()
    two.load_state_dict(one.state_dict())
    one.step()
    after = model.params["w"].copy()
    two.step()
    assert two.state["w"]["t"] == 2 and model.params["w"] < after


def saved_state(rule="adam", **changes):
    model = Parameters(a=np.ones(3), b=np.ones((2, 2)))
    model.grads = {name: np.ones_like(w) for name, w in model.params.items()}
    optimizer = Optimizer(model, rule, lr=0.1)
    optimizer.step()
    saved = {**optimizer.state_dict(), **changes}
    return {name: value for name, value in saved.items() if value is not None}


@pytest.mark.parametrize(
    ("saved", "message"),
    [
        (saved_state(**{"a/s": np.ones(7)}), r"the state s of a is float64 \(7,\); float64 \(3,\) would fit: another"),
        (saved_state(**{"a/s": np.ones(3, np.float32)}), r"the state s of a is float32 \(3,\); float64 \(3,\) would"),
        (saved_state(**{"a/t": np.ones(3)}), r"the state t of a is float64 \(3,\); float64 \(\) would fit"),
        (saved_state(**{"a/s": None}), "the state of a holds r, t; s, r, t would fit, as adam keeps"),
        (saved_state(**{"a/s": None, "a/r": None, "a/t": None}), "saved has no state for a; one for each parameter"),
        (saved_state(**{"b/t": np.array(100)}), "counts other steps for one parameter than for another"),
        (saved_state("momentum"), "the state of a holds v; s, r, t would fit, as adam keeps"),
        (saved_state(lr=np.array(np.nan)), "lr is nan; a finite number would fit"),
        (saved_state(lr=np.array(-1.0)), "lr is -1.0; 0 or more would fit"),
    ],
)
def test_a_saved_state_that_does_not_fit_is_refused_and_nothing_changes(saved, message):
    optimizer = Optimizer(Parameters(a=np.ones(3), b=np.ones((2, 2))), "adam", lr=0.3)
    with pytest.raises(ValueError, match=message):
        optimizer.load_state_dict(saved)
    assert optimizer.state == {} and optimizer.lr == 0.3


def test_a_model_that_was_built_anew_needs_a_new_optimizer():
    model = Parameters(w=np.ones((2, 2)))
    model.grads = {"w": np.ones((2, 2))}
    optimizer = Optimizer(model, "adam", lr=0.1)
    optimizer.step()
    model.params["w"], model.grads["w"] = np.ones((2, 3)), np.ones((2, 3))
    with pytest.raises(
        ValueError, match=r"the state s of w is float64 \(2, 2\); float64 \(2, 3\) would fit: another model"
    ):
        optimizer.step()
    assert (model.params["w"] == 1).all()


@EVERY
def test_an_optimizer_goes_on_from_a_saved_state(name, rng):
    def model():
        return Parameters(**{k: np.ones(shape) for k, shape in SIZES.items()})

    gradients = [{k: draw(rng, *shape) for k, shape in SIZES.items()} for _ in range(4)]
    straight, broken = model(), model()
    first, one = Optimizer(straight, name, lr=0.1), Optimizer(broken, name, lr=0.1)
    for straight.grads in gradients:
        first.step()
    for broken.grads in gradients[:2]:
        one.step()
    saved, weights = one.state_dict(), {k: w.copy() for k, w in broken.params.items()}
    for broken.grads in gradients[2:]:
        one.step()  # goes on after saving: what was saved must not follow
    fresh = Parameters(**weights)
    two = Optimizer(fresh, name, lr=0.7)
    two.load_state_dict(saved)
    assert two.lr == 0.1
    for fresh.grads in gradients[2:]:
        two.step()
    for k in SIZES:
        np.testing.assert_array_equal(fresh.params[k], straight.params[k])


def test_what_the_optimizer_refuses(rng):
    model = Parameters(w=np.ones((2, 2)), b=np.ones(2))
    with pytest.raises(ValueError, match="rule is 'adamm'; one of sgd, momentum"):
        Optimizer(model, "adamm", lr=0.1)
    with pytest.raises(TypeError, match="beta"):
        Optimizer(model, "adam", lr=0.1, beta=0.9)
    with pytest.raises(ValueError, match=r"rho is 1.5; from 0"):
        Optimizer(model, "rmsprop", lr=0.1, rho=1.5)
    with pytest.raises(ValueError, match="weight_decay is -1; 0 or more"):
        Optimizer(model, lr=0.1, weight_decay=-1)
    with pytest.raises(TypeError, match="lr is None; a number would fit"):
        Optimizer(model, lr=None)
    with pytest.raises(ValueError, match="lr is inf; a finite number would fit"):
        Optimizer(model, lr=math.inf)
    with pytest.raises(ValueError, match="weight_decay is nan; a finite number would fit"):
        Optimizer(model, lr=0.1, weight_decay=math.nan)
    with pytest.raises(TypeError, match="model is None; a model, with params and grads, would fit"):
        Optimizer(None, lr=0.1)
    with pytest.raises(ValueError, match=r"the model has no parameters; model.build\(…\) before step\(\)"):
        Optimizer(Parameters(), lr=0.1).step()
    optimizer = Optimizer(model, lr=0.1)
    with pytest.raises(ValueError, match=r"w has no gradient; model.backward\(…\) before step\(\)"):
        optimizer.step()
    for wrong in (np.ones(3), np.ones(2, np.float32)):
        model.grads = {"w": np.ones((2, 2)), "b": wrong}
        with pytest.raises(ValueError, match=r"the gradient of b is float\d\d \(.*; float64 \(2,\) would fit"):
            optimizer.step()
    model.grads["b"] = np.ones(2)
    optimizer.lr = -1.0
    with pytest.raises(ValueError, match=r"lr is -1.0; 0 or more"):
        optimizer.step()
    optimizer.lr = math.inf
    with pytest.raises(ValueError, match="lr is inf; a finite number"):
        optimizer.step()
    assert (model.params["w"] == 1).all()  # nothing happened
    with pytest.raises(ValueError, match="saved has a state for 'v'; the model has w, b"):
        optimizer.load_state_dict({"lr": np.array(0.1), "v/r": np.ones(2)})
    with pytest.raises(ValueError, match="with lr, would fit"):
        optimizer.load_state_dict({})


# ---- schedules


def test_step_and_cosine():
    assert [step(every=3)(epoch, []) for epoch in (0, 2, 3, 6)] == pytest.approx([1, 1, 0.1, 0.01])
    half = cosine(epochs=10, floor=0.2)
    assert [half(epoch, []) for epoch in (0, 5, 10, 99)] == pytest.approx([1, 0.6, 0.2, 0.2])
    falling = [half(epoch, []) for epoch in range(11)]
    assert falling == sorted(falling, reverse=True)


@pytest.mark.parametrize(
    ("losses", "factor"),
    [
        ([], 1),
        ([3, 2, 1], 1),  # always better
        ([1, 2, 3], 1),  # two epochs without a new best
        ([1, 2, 3, 4], 0.1),  # three
        ([1, 2, 3, 4, 5, 6], 0.1),  # a reduction begins a new wait
        ([1, 2, 3, 4, 5, 6, 7], 0.01),
        ([1, 2, 3, 0.5, 2, 3], 1),  # a new best begins one too
        ([1, math.nan, math.nan, math.nan], 0.1),  # nan is never better
    ],
)
def test_plateau(losses, factor):
    assert plateau(patience=3)(len(losses), losses) == pytest.approx(factor)


def test_plateau_with_a_tolerance():
    creeping = [1 - 0.01 * k for k in range(6)]
    assert plateau(patience=2)(6, creeping) == 1
    assert plateau(patience=2, tolerance=0.1)(6, creeping) == pytest.approx(0.01)


def test_a_schedule_says_what_it_is():
    assert repr(plateau(patience=3)) == "plateau(patience=3, factor=0.1, tolerance=0.0)"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: step(every=0), "every is 0; 1 or more"),
        (lambda: step(every=1, factor=1.0), "factor is 1.0; between 0 and 1"),
        (lambda: cosine(epochs=0), "epochs is 0"),
        (lambda: cosine(epochs=3, floor=2), "floor is 2; 0 to 1"),
        (lambda: plateau(patience=0), "patience is 0"),
        (lambda: plateau(tolerance=-1), "tolerance is -1; 0 or more"),
    ],
)
def test_what_a_schedule_refuses(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: step(every=1.5), "every is 1.5; a whole number would fit"),
        (lambda: step(every=1, factor=None), "factor is None; a number would fit"),
        (lambda: cosine(epochs="10"), "epochs is '10'; a whole number"),
        (lambda: cosine(epochs=3, floor=None), "floor is None; a number"),
        (lambda: plateau(patience=True), "patience is True; a whole number"),
        (lambda: plateau(tolerance="0"), "tolerance is '0'; a number"),
    ],
)
def test_what_is_no_number_for_a_schedule(make, message):
    with pytest.raises(TypeError, match=message):
        make()
