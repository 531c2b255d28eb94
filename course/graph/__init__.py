"""The lecture's computational graph, gate by gate: forward computes, backward applies the chain rule.

    x, y, z = Input("x"), Input("y"), Input("z")
    graph = ComputationalGraph((x + y) * z)
    graph.forward({"x": -2, "y": 5, "z": -4})     # −12
    graph.backward()                              # x: −4, y: −4, z: 3
    graph.figure()                                # the picture, values above the wires, gradients below

Source: HLCV, "Computational Graphs" to "Summary so far".
"""

from course.graph.expression import ComputationalGraph, Input, Node, apply
from course.graph.gates import Add, Exp, Gate, Lifted, Max, Multiply, Power, Reciprocal, Scale, Shift, Sigmoid

__all__ = [
    "Add", "ComputationalGraph", "Exp", "Gate", "Input", "Lifted", "Max", "Multiply", "Node", "Power",
    "Reciprocal", "Scale", "Shift", "Sigmoid", "apply",
]  # fmt: skip
