"""Runs a command beside which anything may happen, and tells what did: a program of its own, inside a sandbox.

    python harm.py < job.json > observed.json

It copies a class, runs the commands as another user where it may, and compares what was there before and after: files,
rows of the gradebook, processes, calls over the network. Needs nothing but Python.
"""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import json
import os
import re
import resource
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

PORT = 48123  # where a hostile case tries to call
SET_CHILD_SUBREAPER = 36
GIGABYTE = 1 << 30
LIMITS = {"AS": 4 * GIGABYTE, "NPROC": 400, "FSIZE": GIGABYTE // 4, "NOFILE": 2048, "CORE": 0}
SCORES = """
    select sa.student_id, sum(coalesce(g.manual_score, g.auto_score, 0) + coalesce(g.extra_credit, 0)),
        count(g.manual_score) + count(g.extra_credit), count(g.auto_score)
    from grade g join submitted_notebook sn on g.notebook_id = sn.id
    join submitted_assignment sa on sn.assignment_id = sa.id group by 1
"""
# what differs from run to run in a file's name
NUMBERS = re.compile(r"(?<=/tmp/)tmp\w+|[0-9a-f]{8}-[0-9a-f-]{20,}|[0-9a-f]{16,}|\d+")

Job = dict[str, Any]


def fingerprint(folder: Path) -> dict[str, str]:
    """Everything below a folder: plain files by their content, anything else by what it is."""
    found = {}
    for place, folders, names in os.walk(folder):
        for name in [*folders, *names]:
            path = Path(place) / name
            mode = "link" if path.is_symlink() else "folder" if path.is_dir() else "other"
            if mode == "other" and path.is_file():
                with contextlib.suppress(OSError):
                    mode = hashlib.sha256(path.read_bytes()).hexdigest()
            found[str(path)] = mode
    return found


def listen(received: list[int]) -> None:
    """Count the bytes that anybody sends to the address that a hostile case knows."""
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(("127.0.0.1", PORT))
        server.listen()
        while True:
            connection, _ = server.accept()
            with connection, contextlib.suppress(OSError):
                connection.settimeout(5)
                while data := connection.recv(1 << 16):
                    received.append(len(data))


def descendants() -> dict[int, str]:
    """The processes that came from this one and still run, with their names."""
    parents: dict[int, int] = {}
    names: dict[int, str] = {}
    for place in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, IndexError):
            name, _, rest = (place / "stat").read_text(errors="replace").rpartition(")")
            state, parent = rest.split()[:2]
            if state not in "ZX":
                parents[int(place.name)], names[int(place.name)] = int(parent), name.partition("(")[2]
    ours = {os.getpid()}
    while more := {pid for pid, parent in parents.items() if parent in ours and pid not in ours}:
        ours |= more
    return {pid: names[pid] for pid in ours - {os.getpid()} if pid in names}


def reap() -> None:
    """Bury those whose parents died: they come to this process."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def bound() -> None:
    """In the child: limits that keep the machine alive."""
    for name, value in LIMITS.items():
        resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (value, value))


def run(job: Job) -> dict[str, Any]:
    """Run the commands one after the other, all within the given seconds."""
    user: dict[str, Any] = {}
    if job["user"] is not None and os.getuid() == 0:
        user = {"user": job["user"], "group": job["user"], "extra_groups": [], "preexec_fn": bound}
    elif job["user"] is not None:
        user = {"preexec_fn": bound}
    start, codes = time.monotonic(), []
    deadline = start + job["seconds"]
    log = Path(job["log"])
    for command in job["commands"]:
        with log.open("ab") as said:
            process = subprocess.Popen(
                command, cwd=job["class"], stdin=subprocess.DEVNULL, stdout=said, stderr=said,
                start_new_session=True, **user,
            )  # fmt: skip
            try:
                codes.append(process.wait(max(0.1, deadline - time.monotonic())))
            except subprocess.TimeoutExpired:
                codes.append("time-out")
                break
    return {"codes": codes, "seconds": round(time.monotonic() - start, 1)}


def settle(seconds: float) -> dict[int, str]:
    """What still runs after a while that is enough for a kernel to shut down."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        reap()
        if not descendants():
            break
        time.sleep(0.1)
    return descendants()


def gradebook(path: Path) -> dict[str, Any]:
    """Everyone's points, how many scores a person would have given, and how many a test gave."""
    try:
        with contextlib.closing(sqlite3.connect(path, timeout=5)) as book:
            return {"rows": {student: rest for student, *rest in book.execute(SCORES).fetchall()}}
    except sqlite3.Error as error:
        return {"rows": {}, "broken": str(error)}


def leaks(notebook: Path, marker: str) -> dict[str, bool]:
    """Whether something of a hidden test stands in what a graded notebook put out, and whether in tests' tracebacks."""
    found = {"output": False, "traceback": False}
    try:
        cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    except (OSError, ValueError, KeyError):
        return found
    for cell in cells:
        test = cell["metadata"].get("nbgrader", {}).get("grade")
        for output in cell.get("outputs", []):
            where = "traceback" if test and output["output_type"] == "error" else "output"
            found[where] |= marker in json.dumps(output)
    return found


def observe(job: Job) -> dict[str, Any]:
    """Everything that a job did, as plain data."""
    ctypes.CDLL(None).prctl(SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    received: list[int] = []
    threading.Thread(target=listen, args=(received,), daemon=True).start()
    root = Path(job["class"])
    subprocess.run(["cp", "-a", f"{job['given']}/.", str(root)], check=True)
    if job["user"] is not None and os.getuid() == 0:
        subprocess.run(["chown", "-Rh", f"{job['user']}:{job['user']}", str(root)], check=True)
    places = [root, *map(Path, job["scratch"])]
    before = {path: kind for place in places for path, kind in fingerprint(place).items()}
    observed = run(job)
    survivors = settle(0.0 if "time-out" in observed["codes"] else 5.0)
    for pid in survivors:
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGKILL)
    settle(2.0)
    after = {path: kind for place in places for path, kind in fingerprint(place).items()}
    kept = tuple(str(root / step) for step in ("submitted", "solutions", "exercises", "nbgrader_config.py"))
    graded = root / "autograded"
    theirs = graded / job["student"] / job["assignment"]
    pages = root.joinpath("feedback", job["student"]).rglob("*.html")
    log = Path(job["log"]).read_text(encoding="utf-8", errors="replace")
    return observed | {
        "gradebook": gradebook(root / "gradebook.db"),
        "graded": sorted(path.parts[-3] for path in graded.glob(f"*/{job['assignment']}/{job['assignment']}.ipynb")),
        "changed": sorted(path for path in before if path.startswith(kept) and after.get(path) != before[path]),
        "planted": sorted({NUMBERS.sub("#", path) for path in after if path not in before}),
        "survivors": sorted(survivors.values()),
        "received": sum(received),
        "leaks": leaks(theirs / f"{job['assignment']}.ipynb", job["marker"]),
        "active": any(re.search(job["active"], page.read_text(encoding="utf-8")) for page in pages),
        "bytes": sum(path.stat().st_size for path in theirs.rglob("*") if path.is_file()) if theirs.exists() else 0,
        "said": log[-4000:],
    }


if __name__ == "__main__":
    json.dump(observe(json.load(sys.stdin)), sys.stdout)
