"""Ours beside PyTorch on the processor, in turns, in one process: times, share of the machine's peak, memory.

    uv run --group bench python -m tests.benchmarks
    uv run --group bench python -m tests.benchmarks --quick --threads 1

For each number of threads a process of its own starts, since a BLAS reads its threads from the environment once. Ours
gets them as COURSE_WORKERS beside a BLAS of one thread, PyTorch as `torch.set_num_threads`.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

console = Console(width=max(130, Console().width))


def environment(threads: int) -> dict[str, str]:
    """The environment of a process whose convolutions use this many threads."""
    one = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    return {**os.environ, **one, "COURSE_WORKERS": str(threads)}


def measure(threads: int, rounds: int, only: str) -> dict[str, Any]:
    """Everything for one number of threads, in this process."""
    import torch

    from . import peers
    from .racing import gemm_peak, race

    torch.set_num_threads(threads)
    peak = gemm_peak()
    pairs = [("convolution", peers.convolution(shape)) for shape in peers.SHAPES]
    pairs += [("operator", pair) for pair in peers.operators()] + [("network", pair) for pair in peers.networks()]
    rows = []
    for kind, pair in pairs:
        if only in pair.name or only == kind:
            difference = pair.same()
            print(pair.name, file=sys.stderr, flush=True)
            outcome = race(pair.ours, pair.theirs, rounds=rounds)
            share = pair.operations / outcome.ours / peak if pair.operations else None
            rows.append({"kind": kind, "name": pair.name, "difference": difference, "share": share, **vars(outcome)})
    memory = [peers.memory(shape) for shape in peers.SHAPES] if threads == 1 else []
    return {"rows": rows, "peak": peak, "memory": memory, "versions": versions()}


def versions() -> str:
    import numpy
    import torch

    return f"NumPy {numpy.__version__}, PyTorch {torch.__version__}, Python {sys.version.split()[0]}"


def show(threads: int, result: dict[str, Any]) -> None:
    """One table for a number of threads."""
    plural = "thread" if threads == 1 else "threads"
    title = f"{threads} {plural}; GEMM peak on one thread {result['peak'] / 1e9:.0f} GFLOP/s; {result['versions']}"
    table = Table(title=title, title_justify="left")
    table.add_column("forward and backward")
    for column in ("ours, ms", "PyTorch, ms", "ours / PyTorch", "quartiles", "of peak", "difference"):
        table.add_column(column, justify="right")
    for row in result["rows"]:
        share = "" if row["share"] is None else f"{row['share']:.0%}"
        table.add_row(
            row["name"], f"{row['ours'] * 1e3:.2f}", f"{row['theirs'] * 1e3:.2f}", f"[bold]{row['ratio']:.2f}[/]",
            f"{row['low']:.2f}–{row['high']:.2f}", share, f"{row['difference']:.0e}",
        )  # fmt: skip
    ratios = [row["ratio"] for row in result["rows"] if row["kind"] == "convolution"]
    if ratios:
        mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
        table.add_section()
        table.add_row(f"convolutions, geometric mean of {len(ratios)}", "", "", f"[bold]{mean:.2f}[/]")
    console.print(table)
    if result["memory"]:
        names = [row["name"] for row in result["rows"] if row["kind"] == "convolution"]
        memory = Table(title="Memory of a convolution beyond x, y, dx and dw, at its peak", title_justify="left")
        memory.add_column("convolution")
        memory.add_column("MiB", justify="right")
        memory.add_column("one picture's columns, MiB", justify="right")
        for name, (extra, columns) in zip(names, result["memory"], strict=False):
            memory.add_row(name, f"{extra / 2**20:.2f}", f"{columns / 2**20:.2f}")
        console.print(memory)


def main(
    threads: Annotated[
        list[int] | None, typer.Option(help="Numbers of threads, each once; by default 1 and 2.")
    ] = None,
    rounds: Annotated[int, typer.Option(help="Pairs of turns for each row.")] = 25,
    quick: Annotated[bool, typer.Option("--quick", help="A fifth of the rounds: a look, not a measurement.")] = False,
    only: Annotated[str, typer.Option(help="Rows whose name holds this; or convolution, operator, network.")] = "",
    child: Annotated[int, typer.Option(hidden=True)] = 0,
) -> None:
    """Race ours against PyTorch and print tables."""
    rounds = max(5, rounds // 5) if quick else rounds
    if child:
        print(json.dumps(measure(child, rounds, only)))
        return
    for count in threads or [1, 2]:
        command = [
            sys.executable,
            "-m",
            "tests.benchmarks",
            "--child",
            str(count),
            "--rounds",
            str(rounds),
            "--only",
            only,
        ]
        with (
            console.status(f"{count} thread(s)") as status,
            subprocess.Popen(
                command, env=environment(count), stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8"
            ) as process,
        ):
            assert process.stderr is not None and process.stdout is not None
            heard = []
            for line in process.stderr:
                heard.append(line)
                status.update(f"{count} thread(s): {line.strip()}")
            said = process.stdout.read()
        if process.returncode:
            missing = any("No module named 'torch'" in line for line in heard)
            hint = "PyTorch is not installed: uv run --group bench python -m tests.benchmarks"
            raise SystemExit(hint if missing else "".join(heard))
        show(count, json.loads(said))


if __name__ == "__main__":
    typer.run(main)
