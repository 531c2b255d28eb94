"""Ours beside PyTorch on the processor, in turns, in one process: times, share of the machine's peak, memory.

    uv run --group bench python -m tests.benchmarks                          everything, with 1 and with 2 threads
    uv run --group bench python -m tests.benchmarks --quick --threads 1      a look
    uv run --group bench python -m tests.benchmarks --only convolution       rows of one kind, or with this in the name
    uv run --group bench python -m tests.benchmarks --threads 1 --busy       on a machine that others use too

Each row runs forward and backward, float32, on the same numbers; outputs and gradients are compared before any clock
is started. "ours / PyTorch" is the median of the ratios of neighbouring turns, with its quartiles: below 1 ours is
faster. "of peak" is the rate of a plain convolution's operations beside that of a matrix product of 1536² in the same
process; more than all of it is possible with fewer multiplications (Winograd).

For each number of threads a process of its own starts, since a BLAS reads its threads from the environment once. Ours
gets them as COURSE_WORKERS beside a BLAS of one thread, a network without batch normalisation as so many processes
(`course.train.DataParallel`), PyTorch as `torch.set_num_threads`. Both get all instructions
that the processor has: variables that would keep one side from some of them are set aside, and named in the title
(OPENBLAS_CORETYPE=Haswell, for one, halves NumPy's rate where there is AVX-512 and leaves PyTorch's as it is).
--as-is keeps them.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import time
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

# variables that choose instructions or blocks for one side, NumPy's BLAS or PyTorch
HOLDING = (
    *("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "BLIS_ARCH_TYPE", "MKL_ENABLE_INSTRUCTIONS"),
    *("ATEN_CPU_CAPABILITY", "ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA"),
)
# seconds of one turn: a network trains for long, and threads that have rested need a while to spread over the cores
TURN = {"convolution": 0.02, "operator": 0.02, "network": 0.3}
console = Console(width=max(130, Console().width))


def environment(threads: int, as_is: bool) -> dict[str, str]:
    """The environment of a process whose convolutions use this many threads."""
    one = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    kept = {name: value for name, value in os.environ.items() if as_is or name not in HOLDING}
    return {**kept, **one, "COURSE_WORKERS": str(threads)}


def measure(threads: int, rounds: int, only: str, busy: bool) -> dict[str, Any]:
    """Everything for one number of threads, in this process."""
    import torch

    from . import peers
    from .racing import gemm_peak, race

    torch.set_num_threads(threads)
    clock = time.process_time if busy else time.perf_counter
    peak = gemm_peak(clock=clock)
    pairs = [("convolution", peers.convolution(shape)) for shape in peers.SHAPES]
    pairs += [("operator", pair) for pair in peers.operators()] + [("network", pair) for pair in peers.networks()]
    pairs = [(kind, pair) for kind, pair in pairs if only in pair.name or only == kind]
    rows = []
    for number, (kind, pair) in enumerate(pairs):
        print(json.dumps([number, len(pairs), pair.name]), file=sys.stderr, flush=True)
        difference = pair.same()
        outcome = race(pair.ours, pair.theirs, rounds=rounds, seconds=TURN[kind], clock=clock)
        share = pair.operations / outcome.ours / peak if pair.operations else None
        rows.append({"kind": kind, "name": pair.name, "difference": difference, "share": share, **vars(outcome)})
    shapes = {peers.convolution(shape).name: shape for shape in peers.SHAPES} if threads == 1 else {}
    memory = {row["name"]: peers.memory(shapes[row["name"]]) for row in rows if row["name"] in shapes}
    return {"rows": rows, "peak": peak, "memory": memory, "versions": versions()}


def versions() -> str:
    import numpy
    import torch

    return f"NumPy {numpy.__version__}, PyTorch {torch.__version__}, Python {sys.version.split()[0]}"


def held(as_is: bool) -> str:
    """What the environment would keep one side from, and whether it did."""
    found = ", ".join(f"{name}={os.environ[name]}" for name in HOLDING if name in os.environ)
    return f"; {'kept' if as_is else 'set aside'}: {found}" if found else ""


def show(threads: int, result: dict[str, Any], busy: bool, as_is: bool) -> None:
    """One table for a number of threads."""
    clock = "processor time" if busy else "time on the clock"
    peak = f"GEMM peak on one thread {result['peak'] / 1e9:.0f} GFLOP/s"
    title = f"{threads} thread{'s' * (threads > 1)}, {clock}; {peak}; {result['versions']}{held(as_is)}"
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
        memory = Table(title="Memory of a convolution beyond x, y, dx and dw, at its peak", title_justify="left")
        memory.add_column("convolution")
        memory.add_column("MiB", justify="right")
        memory.add_column("one picture's columns, MiB", justify="right")
        for name, (extra, columns) in result["memory"].items():
            memory.add_row(name, f"{extra / 2**20:.2f}", f"{columns / 2**20:.2f}")
        console.print(memory)


def run(threads: int, arguments: list[str], as_is: bool) -> dict[str, Any]:
    """Measure in a process of its own, with a bar that follows it."""
    command = [sys.executable, "-m", "tests.benchmarks", "--child", str(threads), *arguments]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    heard = []
    with (
        Progress(console=console, transient=True) as progress,
        subprocess.Popen(command, env=environment(threads, as_is), encoding="utf-8", **pipes) as process,  # type: ignore[call-overload]
    ):
        bar = progress.add_task(f"{threads} thread(s)", total=None)
        for line in process.stderr:
            try:
                number, total, name = json.loads(line)
                progress.update(bar, completed=number, total=total, description=f"{threads} thread(s): {name}")
            except ValueError:
                heard.append(line)
        said = process.stdout.read()
    if process.returncode:
        missing = any("No module named 'torch'" in line for line in heard)
        hint = "PyTorch is not installed: uv run --group bench python -m tests.benchmarks"
        raise SystemExit(hint if missing else "".join(heard))
    result: dict[str, Any] = json.loads(said)
    return result


def main(
    threads: Annotated[list[int] | None, typer.Option(help="A number of threads; may be repeated. 1 and 2.")] = None,
    rounds: Annotated[int, typer.Option(help="Pairs of turns for each row.")] = 25,
    quick: Annotated[bool, typer.Option("--quick", help="A fifth of the rounds: a look, not a measurement.")] = False,
    only: Annotated[str, typer.Option(help="Rows with this in the name; or convolution, operator, network.")] = "",
    busy: Annotated[
        bool, typer.Option("--busy", help="Count processor time instead of time on the clock; for 1 thread.")
    ] = False,
    as_is: Annotated[
        bool, typer.Option("--as-is", help="Keep variables that hold back one side's instructions.")
    ] = False,
    child: Annotated[int, typer.Option(hidden=True)] = 0,
) -> None:
    """Race ours against PyTorch and print tables: median times, ratios with quartiles, share of the peak, memory."""
    rounds = max(5, rounds // 5) if quick else rounds
    counts = threads or ([1] if busy else [1, 2])
    if busy and counts != [1]:
        raise typer.BadParameter(
            "processor time adds up over threads; --busy goes with --threads 1", param_hint="--busy"
        )
    if child:
        print(json.dumps(measure(child, rounds, only, busy)))
        return
    for count in counts:
        arguments = ["--rounds", str(rounds), "--only", only, *(["--busy"] if busy else [])]
        show(count, run(count, arguments, as_is), busy, as_is)


if __name__ == "__main__":
    typer.run(main)
