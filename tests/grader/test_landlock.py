"""Level B, where there is no bubblewrap: what Landlock and the narrower filter refuse, one by one."""

import json
import time
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

import course
from grader.box import bare, landlock
from grader.box.limits import Limits
from grader.box.remote import Defined, Names
from grader.box.seccomp import program
from grader.box.starting import Alone

LIMITS = Limits(call_seconds=3.0, cell_seconds=3.0, grace_seconds=0.5)

pytestmark = pytest.mark.skipif(landlock.version() < landlock.NEEDED, reason="this kernel's Landlock is too old")


@pytest.fixture(scope="module")
def boxes():
    with closing(Alone(["course.data"], LIMITS)) as boxes:
        yield boxes


@pytest.fixture
def box(boxes):
    with boxes.open() as box:
        yield box


def run(box, code):
    return "".join(output.get("text", output.get("evalue", "")) for output in box.run(code))


def test_a_function_of_the_students_takes_and_gives_arrays(box):
    code = "import numpy as np\ndef double(x): return 2 * x"
    box.run(code)
    double = Names({}, Defined([code]), box)["double"]
    assert np.array_equal(double(np.arange(3.0)), [0, 2, 4])


def test_what_notebooks_use_works(box):
    code = """
import threading
import numpy as np
from course import data
import matplotlib.pyplot as plt
plt.imshow(data.digits()[0][0].squeeze()); plt.title("a digit"); plt.show()
done = []
thread = threading.Thread(target=lambda: done.append(np.linalg.svd(np.eye(50))[1].sum())); thread.start(); thread.join()
print(done)
"""
    outputs = box.run(code)
    assert [output["output_type"] for output in outputs if output["output_type"] == "error"] == [], outputs
    assert any("image/png" in output.get("data", {}) for output in outputs)
    assert "50.0" in "".join(output.get("text", "") for output in outputs)


REFUSED = {
    "read the course's reference": f"open({str(Path(course.__file__).parent / 'ops' / '__init__.py')!r})",
    "read this test": f"open({__file__!r})",
    "list everyone's files": "os.listdir('/tmp')",
    "write beside itself": "open('here.txt', 'w')",
    "write into a folder of its user's": "open(os.environ['IPYTHONDIR'] + '/startup.py', 'w')",
    "change the mode of its user's file": "os.chmod(os.environ['IPYTHONDIR'], 0o777)",
    "change the times of its user's file": "os.utime(os.environ['IPYTHONDIR'])",
    "change the owner of its user's file": "os.chown(os.environ['IPYTHONDIR'], os.getuid(), -1)",
    "mark its user's file": "os.setxattr(os.environ['IPYTHONDIR'], 'user.mark', b'1')",
    "remove its user's file": "os.rmdir(os.environ['HOME'])",
    "rename its user's file": "os.rename(os.environ['HOME'], os.environ['HOME'] + '2')",
    "fork": "os.fork()",
    "start a program": "os.execv('/usr/bin/env', ['env'])",
    "spawn a program": "os.posix_spawn('/usr/bin/env', ['env'], {})",
    "make a socket": "socket.socket(socket.AF_UNIX)",
    "signal its supervisor": "os.kill(os.getppid(), 0)",
    "signal its group": "os.kill(0, 0)",
    "signal everybody": "os.kill(-1, 0)",
    "watch a process": "os.pidfd_open(os.getppid())",
    "limit its supervisor": "resource.prlimit(os.getppid(), resource.RLIMIT_CPU, (1, 1))",
    "slow its supervisor": "os.setpriority(os.PRIO_PROCESS, os.getppid(), 19)",
    "move its supervisor": "os.sched_setaffinity(os.getppid(), {0})",
    "send signals by a file": "fcntl.fcntl(0, fcntl.F_SETOWN, os.getppid())",
    "read another's environment": "open(f'/proc/{os.getppid()}/environ')",
    "take memory that nobody shows": "os.memfd_create('x')",
}


@pytest.mark.parametrize("what", REFUSED)
def test_it_is_refused(box, what):
    code = f"""
import fcntl, os, resource, socket
try:
    {REFUSED[what]}
    print("open")
except PermissionError as error:
    print("refused")
"""
    assert run(box, code) == "refused\n"


def test_it_may_signal_and_ask_after_itself(box):
    code = "import os, resource, signal\nos.kill(os.getpid(), 0)\nprint(resource.getrlimit(resource.RLIMIT_CORE))"
    assert run(box, code) == "(0, 0)\n"


def test_its_folder_is_gone_afterwards():
    with closing(Alone((), LIMITS)) as boxes, boxes.open() as box:
        folder = Path(run(box, "import os; print(os.environ['PYTHONPATH'])").strip())
        assert folder.is_dir()
    assert not folder.exists()


def test_a_box_that_was_hung_up_is_ended(boxes):
    with boxes.open() as box:
        pid = int(run(box, "import os; print(os.getpid())"))
        assert Path(f"/proc/{pid}").exists()
    deadline = time.monotonic() + 5
    while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not Path(f"/proc/{pid}").exists()


def test_packages_of_ours_among_others_are_left_out(tmp_path):
    for name in ("lib/numpy", "lib/course/ops", "lib/grader", "bin"):
        (tmp_path / name).mkdir(parents=True)
    parts = dict(bare._around(tmp_path, {tmp_path / "lib/course", tmp_path / "lib/grader"}))
    whole = {str(path.relative_to(tmp_path)) for path, all_of_it in parts.items() if all_of_it}
    assert whole == {"lib/numpy", "bin"}
    assert {path for path, all_of_it in parts.items() if not all_of_it} == {tmp_path, tmp_path / "lib"}


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_the_filter_is_short_enough_for_the_kernel(machine):
    assert len(program(machine, alone=True)) // 8 < 4096


def test_what_it_may_read_is_no_more_than_python():
    folder = bare.Folder(["course.data"])
    with closing(folder):
        readable, listable = folder.readable()
    ours = Path(__file__).parents[2]
    assert json.dumps([readable, listable])  # passes to the other side as text
    inside = [Path(path) for path in readable if Path(path).is_relative_to(ours)]
    allowed = {ours / "grader" / "box", ours / "course" / "__init__.py", ours / "course" / "data"}
    assert {path for path in inside if ".venv" not in path.parts} <= allowed
