"""Finds out which box this machine can build, by running hostile code in it."""

from __future__ import annotations

import platform
import time
from contextlib import closing
from importlib.metadata import version

from rich.console import Console
from rich.table import Table

from .box.levels import open_boxes
from .box.limits import MIB, Limits
from .box.probes import PROBES
from .errors import NoBox

LIMITS = Limits(cell_seconds=3.0, grace_seconds=1.0, total_memory=512 * MIB)


def examine(console: Console) -> bool:
    """Run every probe against the level that was found, show a table; whether student code may be graded here."""
    python = platform.python_version()
    console.print(f"Python {python}, nbgrader {version('nbgrader')}, {platform.system()} {platform.release()}")
    try:
        boxes = open_boxes((), LIMITS)
    except NoBox as trouble:
        console.print(f"[bold red]✗ no sandbox:[/] {trouble}", highlight=False)
        console.print("Student code will not be graded on this machine.")
        return False
    for reason in boxes.missed:
        console.print(f"[yellow]not the full box:[/] {reason}", highlight=False)
    table = Table(title=f"Box level {boxes.level}: {boxes.meaning}", title_justify="left", header_style="bold")
    table.add_column("hostile code tries to")
    table.add_column("outcome")
    table.add_column("seconds", justify="right")
    failed = 0
    with closing(boxes), console.status("running hostile code") as status:
        for probe in PROBES:
            if boxes.level not in probe.levels:
                table.add_row(probe.name, "[yellow]– not promised at this level[/]", "")
                continue
            status.update(f"{probe.name} …")
            start = time.monotonic()
            with boxes.open() as box:
                held = probe.holds(box)
            failed += not held
            outcome = "[green]✓ held[/]" if held else "[bold red]✗ NOT HELD[/]"
            table.add_row(probe.name, outcome, f"{time.monotonic() - start:.2f}")
    console.print(table)
    if failed:
        console.print(f"[bold red]{failed} probes were not held: do not grade here.[/]")
    else:
        console.print("All probes were held. Student code can be graded here.")
    return not failed
