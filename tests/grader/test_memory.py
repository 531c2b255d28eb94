"""What a box's processes take together is bounded: counted by its supervisor, and by a cgroup where there is one."""

import subprocess
import sys
from contextlib import closing

import pytest

from grader.box import cgroups
from grader.box.host import BoxError
from grader.box.levels import LEVELS
from grader.box.limits import MIB, Limits

pytestmark = pytest.mark.box
SMALL = Limits(call_seconds=5.0, cell_seconds=5.0, total_memory=600 * MIB)
TAKES = {
    "one process": "block = bytearray(b'1') * (700 << 20)",
    "its children": """
import os, time
for _ in range(8):
    if os.fork() == 0: block = bytearray(b'1') * (100 << 20); time.sleep(30)
""",
    "orphans": """
import os
for _ in range(8):
    if os.fork() == 0:
        if os.fork() == 0: block = bytearray(b'1') * (100 << 20); time.sleep(30)
        os._exit(0)
""",
    "memory that processes share": """
import mmap
shared = mmap.mmap(-1, 700 << 20)
for at in range(0, 700 << 20, 4096): shared[at] = 1
""",
}


@pytest.fixture(scope="module", params=LEVELS)
def boxes(request):
    with closing(LEVELS[request.param]((), SMALL)) as boxes:
        yield boxes


@pytest.mark.parametrize("how", TAKES)
def test_a_box_that_takes_too_much_is_ended_and_told_so(boxes, how):
    if boxes.level == "B" and "fork" in TAKES[how]:
        pytest.skip("nothing can be forked at level B")
    with boxes.open() as box, pytest.raises(BoxError, match="more than the 600 MiB of memory"):
        box.run("import time\n" + TAKES[how] + "\ntime.sleep(5)")


def test_what_is_given_back_does_not_count(boxes):
    code = "for _ in range(4): block = bytearray(b'1') * (300 << 20); time.sleep(0.1); del block\nprint('done')"
    with boxes.open() as box:
        assert box.run("import time\n" + code)[0]["text"] == "done\n"


@pytest.mark.parametrize("hidden", ["os.memfd_create('x')", "libc.shmget(0, 4096, 0o1600)"])
def test_memory_that_no_process_shows_cannot_be_had(boxes, hidden):
    code = f"""
import ctypes, os
libc = ctypes.CDLL(None)
try:
    print({hidden} == -1)
except PermissionError:
    print(True)
"""
    with boxes.open() as box:
        assert box.run(code)[0]["text"] == "True\n"


@pytest.fixture
def cgroup(monkeypatch):
    monkeypatch.setattr(cgroups, "OURS", 0)
    made = cgroups.make(Limits(total_memory=100 * MIB))
    if made is None:
        pytest.skip("this user can have no memory cgroup here")
    with closing(made):
        yield made
    assert not made.folder.exists()


@pytest.mark.parametrize(("size", "ends"), [(40, 0), (200, -9)])
def test_a_cgroup_ends_what_takes_too_much(cgroup, size, ends):
    take = [sys.executable, "-c", f"bytearray(b'1') * ({size} << 20)"]
    assert subprocess.run(cgroup.command(take), check=False).returncode == ends


def test_a_cgroup_ends_what_is_left_in_it(cgroup):
    child = subprocess.Popen(cgroup.command(["sleep", "60"]), stdin=subprocess.DEVNULL)
    while child.poll() is None and str(child.pid) not in (cgroup.folder / "cgroup.procs").read_text(encoding="utf-8"):
        pass
    cgroup.close()
    assert child.wait(timeout=10) == -9


def test_what_a_killed_grader_left_is_swept_away(cgroup):
    died = subprocess.Popen(["true"])
    died.wait()
    left = cgroup.folder.parent / f"{cgroups.NAME}-{died.pid}-0"
    left.mkdir()
    with closing(cgroups.make(Limits())):
        assert not left.exists()


def test_where_no_cgroup_can_be_made_there_is_none(monkeypatch, tmp_path):
    monkeypatch.setattr(cgroups, "MOUNT", tmp_path / "no-such-mount")
    assert cgroups.make(Limits()) is None


def test_a_cgroup_whose_limit_does_not_hold_is_not_used(tmp_path):
    with pytest.raises(OSError, match="no memory limit"):
        cgroups.Cgroup(tmp_path / "plain", "missing/memory.max", MIB)
    assert not (tmp_path / "plain").exists()
