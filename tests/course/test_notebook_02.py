"""Notebook 02: its rules are the course's, and what it says of descent is so.

What holds for all notebooks, such as what each known mistake costs, is tested for all at once elsewhere.
"""

import numpy as np
import pytest

from course import optim

NAME = "02_gradient_descent"
RULES = ("sgd", "momentum", "adagrad", "rmsprop", "adam")


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_goes_the_same_way_as_the_course_s_own(rule: str, names: dict[str, object]) -> None:
    rng = np.random.default_rng(2)
    (w, state), (right, right_state) = [(rng.standard_normal((3, 2)), {})] * 2
    for _ in range(50):
        dw = rng.standard_normal((3, 2))
        w, state = names[rule](w, dw, state, lr=0.05)
        right, right_state = getattr(optim, rule)(right, dw, right_state, lr=0.05)
    np.testing.assert_allclose(w, right)
    assert state.keys() == right_state.keys()
    for symbol, value in state.items():
        np.testing.assert_allclose(value, right_state[symbol])


@pytest.mark.parametrize(
    "share, size", [(0.9, "less"), (0.999, "less"), (1.0, "same"), (1.001, "more"), (1.02, "more")]
)
def test_descent_diverges_exactly_when_lr_is_beyond_two_over_the_largest_curvature(
    share: float, size: str, names: dict[str, object]
) -> None:
    rng = np.random.default_rng(5)
    for _ in range(20):
        turned, _ = np.linalg.qr(rng.standard_normal((3, 3)))
        curvatures = np.array([rng.uniform(1, 2), rng.uniform(2, 4), 5.0])
        matrix = turned @ np.diag(curvatures) @ turned.T
        trace = names["gradient_descent"](
            lambda w, A=matrix: A @ w, rng.standard_normal(3), lr=share * 2 / 5, steps=5000
        )
        steepest = np.abs(trace @ turned[:, 2])  # the part along the direction of the largest curvature
        grown = steepest[-1] / steepest[0]
        assert {"less": grown < 1e-4, "same": abs(grown - 1) < 1e-6, "more": grown > 1e4}[size]


def test_what_is_filled_in_by_hand_is_what_the_functions_say(names: dict[str, object]) -> None:
    def number(name: str) -> object:
        return pytest.approx(names[name], abs=5e-4)

    trace = names["gradient_descent"](lambda w: 4 * (w - 3), np.array([8.0]), lr=0.2, steps=2)
    assert trace[1:, 0].tolist() == [number("w_after_one"), number("w_after_two")]
    trace = names["gradient_descent"](lambda w: 4 * (w - 3), np.array([8.0]), lr=names["lr_for_ever"], steps=8)
    assert trace[:, 0].tolist() == pytest.approx([8, -2] * 4 + [8])
    cube = names["numerical_gradient"](lambda x: x[0] ** 3, np.array([2.0]), h=1.0)
    assert cube[0] == number("central_quotient")
    (last,) = names["minibatches"](1050, 64, shuffle=np.arange)[-1:]
    assert len(last) == names["size_of_last"]

    w, state = names["momentum"](np.array([10.0]), np.array([4.0]), {}, lr=0.5, alpha=0.8)
    w, state = names["momentum"](w, np.array([3.0]), state, lr=0.5, alpha=0.8)
    assert w[0] == number("w_2") and state["v"][0] == number("v_2")

    w, state = np.ones(2), {}
    w, state = names["adagrad"](w, np.array([3.0, -0.2]), state, lr=0.5, delta=1e-12)
    assert w.tolist() == number("ada_w_1")
    w, state = names["adagrad"](w, np.array([4.0, 0.0]), state, lr=0.5, delta=1e-12)
    assert w[0] == number("ada_w_2")
    state = {"r": np.array([99 * 49.0])}
    w, _ = names["adagrad"](np.zeros(1), np.array([7.0]), state, lr=0.5, delta=1e-12)
    assert -w[0] == number("ada_step_100")

    _, state = names["rmsprop"](np.ones(1), np.array([2.0]), {}, lr=0.5, rho=0.75)
    assert state["r"][0] == number("rms_r_1")
    _, state = names["rmsprop"](np.ones(1), np.zeros(1), state, lr=0.5, rho=0.75)
    assert state["r"][0] == number("rms_r_2")

    state = {}
    for _ in range(500):
        w, state = names["rmsprop"](np.zeros(1), np.array([0.003]), state, lr=0.5, rho=0.75)
    assert -w[0] == number("rms_step_for_ever")

    w, state = names["adam"](np.zeros(1), np.array([4.0]), {}, lr=0.1, rho1=0.5, rho2=0.9375)
    assert w[0] == number("step_1") and state["s"][0] == number("s_1") and state["r"][0] == number("r_1")
    _, state = names["adam"](w, np.zeros(1), state, lr=0.1, rho1=0.5, rho2=0.9375)
    assert state["s"][0] / (1 - 0.5 ** state["t"]) == number("s_hat_2")


def test_the_slide_s_line_climbs_where_the_notebook_s_descends(names: dict[str, object]) -> None:
    """EECS 545 prints Δθ = ε/(δ + √r) ⊙ ĝ for AdaGrad and RMSProp, without the minus sign."""
    w, dw = np.ones(2), np.array([3.0, -0.2])
    down, state = names["adagrad"](w, dw, {}, lr=0.5)
    slide = w + 0.5 / (1e-7 + np.sqrt(state["r"])) * dw
    np.testing.assert_allclose(slide[0], names["slide_w_1"], atol=1e-6)
    assert dw @ (down - w) < 0 < dw @ (slide - w)


def test_the_noise_of_a_mini_batch_falls_with_the_root_of_its_size(names: dict[str, object]) -> None:
    rng = np.random.default_rng(3)
    gradients = rng.standard_normal(10_000)

    def deviation(size: int) -> float:
        return float(np.std([gradients[M].mean() for M in names["minibatches"](10_000, size, shuffle=rng.permutation)]))

    assert deviation(1) / deviation(16) == pytest.approx(4, rel=0.1)
