"""Benchmarks are run by hand: they need PyTorch, and time is no assertion."""

collect_ignore_glob = ["*.py"]
