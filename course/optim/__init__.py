"""How weights learn from gradients: update rules, the optimizer that applies one to a model, schedules of its rate.

    w, state = rule(w, dw, state, *, lr, …)          pure: sgd, momentum, nesterov, adagrad, rmsprop, adam, adamw
    Optimizer(model, rule, lr=…).step()              the rule for every parameter of a model, in place
    factor = schedule(epoch, measured)               step, plateau, cosine: the learning rate from epoch to epoch

A rule returns new weights and a new state, a dict, and leaves its arguments alone; the state starts as {} or None.

The lecture's θ is w here, its ĝ is dw and its ε the keyword lr; α, ρ and δ are alpha, rho and delta. Its slide adds
Δθ = ε/(δ + √r)·ĝ for AdaGrad and RMSProp, which would climb the slope: the minus sign that it prints for Adam is
missing there. Here every rule descends.
"""

from course.optim._rule import Rule, State
from course.optim.adaptive import adagrad, adam, adamw, rmsprop
from course.optim.descent import momentum, nesterov, sgd
from course.optim.optimizer import RULES, Optimizer
from course.optim.schedules import Schedule, cosine, plateau, step

__all__ = [
    "RULES", "Optimizer", "Rule", "Schedule", "State", "adagrad", "adam", "adamw", "cosine", "momentum",
    "nesterov", "plateau", "rmsprop", "sgd", "step",
]  # fmt: skip
