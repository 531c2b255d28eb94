"""Measurements, not tests: `python -m tests.benchmarks` (against PyTorch), `python -m tests.benchmarks.grading`."""
