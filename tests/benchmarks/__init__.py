"""Measurements, not tests.

python -m tests.benchmarks            the reference CNN against PyTorch
python -m tests.benchmarks.grading    seconds a submission, beside stock nbgrader
python -m tests.benchmarks.hostile    what cheats and harms, through stock nbgrader and through ours
"""
