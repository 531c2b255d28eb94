"""The box from both sides: what may pass, what may not, and how what breaks the rules ends."""

import os
import time
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from grader.box.host import BoxError, StudentError
from grader.box.levels import LEVELS, open_boxes, open_level
from grader.box.limits import Limits
from grader.box.probes import PROBES, Probe
from grader.box.remote import Defined, Names, NotPlainData
from grader.box.starting import Warm
from grader.errors import NoBox

pytestmark = pytest.mark.box

QUICK = Limits(call_seconds=1.0, cell_seconds=3.0, hurried_seconds=0.3, grace_seconds=0.5, callbacks=50)


@pytest.fixture(scope="module")
def zygote():
    with closing(Warm(["course.shapes"], QUICK)) as zygote:
        yield zygote


@pytest.fixture
def box(zygote):
    with zygote.open() as box:
        yield box


@pytest.fixture
def student(box):
    """Run a student's code; get its names as a test cell sees them."""

    def run(code):
        outputs = box.run("import numpy as np\n" + code)
        assert not [output for output in outputs if output["output_type"] == "error"], outputs
        return Names({}, Defined([code]), box)

    return run


def text(outputs):
    return "".join(output.get("text", "") for output in outputs)


# ---- what passes ---------------------------------------------------------------------------------------------------


def test_a_cell_prints_shows_and_fails_like_a_notebook_cell(box):
    outputs = box.run("print('hello')\n1/0")
    assert [output["output_type"] for output in outputs] == ["stream", "error"]
    assert outputs[1]["ename"] == "ZeroDivisionError"
    assert "line 2" in outputs[1]["traceback"][0]
    assert box.run("40 + 2")[0]["data"]["text/plain"] == "42"


def test_a_cell_that_cannot_be_read_says_so_once(box):
    (output,) = box.run("def f(:\n    pass")
    assert output["ename"] == "SyntaxError"
    sources = [
        "x = 5",
        "def f():\n    return (1\n",
        "%time x = 5\nawait x",
        "if x:\ny = 3",
        "return 5",
        "\0",
        "(" * 300,
    ]
    found = box.request("faults", sources)
    assert found[0] == found[2] == ""
    assert found[1] == "SyntaxError in line 2: '(' was never closed\n    return (1"
    assert found[3].startswith("IndentationError in line 2: expected an indented block")
    assert found[4] == "SyntaxError in line 1: 'return' outside function\nreturn 5"
    assert found[5] == "SyntaxError: source code string cannot contain null bytes"
    assert found[6].startswith("SyntaxError in line 1: too many nested parentheses")


def test_a_figure_is_a_picture(box):
    outputs = box.run("import matplotlib.pyplot as plt\nplt.plot([1, 2]);")
    assert any("image/png" in output.get("data", {}) for output in outputs)


@pytest.mark.parametrize(
    "magics",
    [
        "%matplotlib inline",
        "%matplotlib widget",
        "%matplotlib",
        "%gui qt",
        "%config InlineBackend.figure_format = 'retina'",
        "%load_ext autoreload\n%autoreload 2",
        "get_ipython().run_line_magic('matplotlib', 'inline')",
    ],
)
def test_magics_for_the_desk_do_nothing_and_cost_nothing(box, magics):
    outputs = box.run(f"{magics}\nimport matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()\nx = 5")
    assert [output["output_type"] for output in outputs] == ["display_data"], outputs
    assert "image/png" in outputs[0]["data"]
    assert Names({}, Defined(["x = 5"]), box)["x"] == 5


def test_functions_take_and_give_plain_data(student):
    names = student("def f(x, *, k=1):\n    return x * k, {'k': k}")
    y, extra = names["f"](np.arange(3.0), k=2)
    assert type(y) is np.ndarray and y.tolist() == [0, 2, 4]
    assert extra == {"k": 2}


def test_changes_in_place_reach_the_tests_own_arguments(student):
    names = student("def f(x, state, items):\n    x[0] = 9\n    state['n'] = 1\n    items.append(4)")
    x, state, items = np.zeros(2), {}, [3]
    names["f"](x, state, items=items)
    assert x.tolist() == [9, 0] and state == {"n": 1} and items == [3, 4]


def test_values_by_name(student):
    assert student("blank = ...\nsizes = [5, 3]")["sizes"] == [5, 3]


def test_an_object_in_an_answer_can_only_be_handed_back(student):
    names = student("class Cache: pass\ndef f(x):\n    return x, open\ndef g(cache):\n    return cache is open")
    y, cache = names["f"](1)
    assert names["g"](cache) is True
    for use in (
        lambda: cache(1),
        lambda: cache.name,
        lambda: cache == y,
        lambda: bool(cache),
        lambda: np.asarray(cache, dtype=float),
        lambda: float(cache),
        lambda: list(cache),
        lambda: cache + 1,
        lambda: np.allclose(cache, 1.0),
    ):
        with pytest.raises(TypeError):
            use()


def test_classes_of_the_exercise_give_objects_with_methods(student):
    names = student(
        "class Gate:\n"
        "    def __init__(self, k): self.k = k\n"
        "    def forward(self, x): return self.k * x\n"
        "    def __len__(self): return 7\n"
        "    def __getitem__(self, i): return i + 1\n"
    )
    gate = names["Gate"](3)
    assert gate.forward(np.ones(2)).tolist() == [3, 3]
    gate.k = 5
    assert gate.k == 5 and len(gate) == 7 and gate[1] == 2
    assert isinstance(gate, names["Gate"])


def test_a_function_that_poses_as_a_class_builds_nothing(student):
    names = student("class Hidden:\n    x = 1\ndef f(): return Hidden()")
    with pytest.raises(NotPlainData, match="Hidden"):
        names["f"]().x  # noqa: B018


def test_a_test_passes_a_function_of_its_own(student):
    names = student("def slope(f, x):\n    return (f(x + 1) - f(x - 1)) / 2")
    assert names["slope"](lambda v: v * v, np.array([3.0])).tolist() == [6.0]


def test_the_tests_function_may_itself_call_student_code(student):
    names = student("def square(v): return v * v\ndef slope(f, x): return (f(x + 1) - f(x - 1)) / 2")
    assert names["slope"](lambda v: names["square"](v), 3.0) == 6.0


def test_an_error_in_the_tests_function_says_nothing_of_it(student):
    names = student("def f(g):\n    try: g(1)\n    except RuntimeError as e: return str(e)")

    def secret(_):
        raise KeyError("the hidden input")

    assert names["f"](secret) == "the test's function raised KeyError"


def test_calling_back_is_counted(student):
    names = student("def f(g):\n    for _ in range(1000): g(1)")
    with pytest.raises(BoxError, match="more than 50 calls"):
        names["f"](lambda v: v)


def test_a_kept_function_of_an_earlier_test_is_dead(student):
    names = student("kept = []\ndef f(g): kept.append(g)\ndef h():\n    return kept[0](1)")
    names["f"](lambda v: v)
    with pytest.raises(RuntimeError, match="only while the test waits"):
        names["h"]()


def test_the_students_exception_arrives_with_its_type_and_lines(student):
    names = student("def f(x):\n    raise ValueError('H does not fit')")
    with pytest.raises(ValueError, match="H does not fit") as caught:
        names["f"](1)
    assert "line 3" in caught.value.student_tb and "/opt" not in caught.value.student_tb


@pytest.mark.parametrize("name", ["KeyboardInterrupt", "SystemExit", "BaseException", "Odd"])
def test_an_exception_that_is_none_of_ours_is_the_students(student, name):
    names = student(f"class Odd(Exception): pass\ndef f(): raise {name}('x')")
    with pytest.raises(StudentError, match=name):
        names["f"]()


def test_only_asked_names_come_from_the_box(student, box):
    names = student("def f(): return 1")
    box.run("np_ = 3")
    with pytest.raises(KeyError):
        names["np_"]


def test_a_name_that_is_missing_costs_only_what_needs_it(box):
    box.run("size = 5")
    names = Names({}, Defined(["size = 5\npad, stride = 1, 2", "def f(x): pass\nclass Gate: pass"]), box)
    assert names["size"] == 5 and names["pad"] is names["stride"] is Ellipsis
    for name in ("f", "Gate"):
        with pytest.raises(NameError, match=f"{name} is not defined: its cell is missing or ended with an error"):
            names[name](1)


# ---- what does not -------------------------------------------------------------------------------------------------


def test_the_box_holds_neither_reference_nor_grader_nor_the_repository(box):
    code = """
import importlib, os, sys
found = []
for name in ("course.ops", "course.check", "course.layers", "grader", "solutions", "tests"):
    try:
        importlib.import_module(name)
        found.append(name)
    except ImportError:
        pass
skipped = ("/proc", "/usr", "/opt/venv/lib", sys.base_prefix)
for folder, folders, files in os.walk("/"):
    folders[:] = [f for f in folders if not os.path.join(folder, f).startswith(skipped)]
    found += [f"{folder}/{file}" for file in files if file.endswith((".ipynb", ".db"))]
    found += [f"{folder}/{file}" for file in files if file in ("convolution.py", "grade.py", "graft.py")]
print(found)
"""
    assert text(box.run(code)) == "[]\n"


def test_only_the_listed_modules_of_the_course_can_be_imported(box):
    assert text(box.run("import course.shapes; print(course.shapes.output_size(7, 3))")) == "5\n"


def test_nothing_can_be_written_but_scratch(box):
    code = """
import os
for place in ("/", "/opt", "/opt/box", "/opt/box/box", "/opt/venv", "/usr", "/etc", "/home", "/dev", "/proc"):
    try:
        open(os.path.join(place, "evil"), "w").close()
        print(place)
    except OSError:
        pass
"""
    assert text(box.run(code)) == ""


def test_scratch_is_gone_in_the_next_box(zygote):
    with zygote.open() as first:
        first.run("for d in ('/tmp', '/dev/shm', '/home/student'): open(d + '/evil', 'w').write('x')")
    with zygote.open() as second:
        code = "import os; print([os.path.exists(d + '/evil') for d in ('/tmp', '/dev/shm', '/home/student')])"
        assert text(second.run(code)) == "[False, False, False]\n"


def test_there_is_no_network(box):
    code = """
import socket
for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET, "10.0.0.1"), (socket.AF_INET6, "::1")):
    try:
        socket.socket(family).connect((address, 80))
        print("connected")
    except OSError:
        pass
for family in (16, 40):  # netlink, vsock
    try:
        socket.socket(family, socket.SOCK_RAW)
        print("made", family)
    except OSError:
        pass
"""
    assert text(box.run(code)) == ""


def test_no_privilege_and_no_way_to_one(box):
    code = """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
for name, arguments in {
    "unshare": (0x10000000,), "setns": (0, 0), "mount": (b"none", b"/tmp", b"tmpfs", 0, None), "chroot": (b"/",),
    "ptrace": (16, os.getppid(), 0, 0), "setuid": (0,), "sethostname": (b"x", 1), "personality": (0xffffffff,),
}.items():
    ctypes.set_errno(0)
    if getattr(libc, name)(*arguments) != -1:
        print(name)
print(os.getuid() == 0)
"""
    assert text(box.run(code)) == "False\n"


def test_one_box_does_not_see_another(zygote):
    with zygote.open() as first, zygote.open() as second:
        first.run("import subprocess; subprocess.Popen(['sleep', '60'])")
        seen = "import os; print(os.getpid(), [p for p in os.listdir('/proc') if p.isdigit()])"
        assert text(second.run(seen)) in ("1 []\n", "1 ['1']\n")


# ---- how it ends ---------------------------------------------------------------------------------------------------


def test_an_endless_loop_is_interrupted_and_the_rest_goes_on(student, box):
    names = student(
        "def loop():\n    while True:\n        try: pass\n        except Exception: pass\ndef f(): return 1"
    )
    start = time.monotonic()
    with pytest.raises(TimeoutError, match="did not finish within 1 s"):
        names["loop"]()
    with pytest.raises(TimeoutError, match=r"did not finish within 0\.3 s"):
        names["loop"]()
    assert time.monotonic() - start < 20
    assert names["f"]() == 1


def test_a_loop_that_ignores_the_interruption_ends_the_box(box):
    with pytest.raises(BoxError, match="did not stop when interrupted"):
        box.run("import signal\nsignal.signal(signal.SIGALRM, signal.SIG_IGN)\nwhile True: pass")
    with pytest.raises(BoxError, match="did not stop when interrupted"):
        box.run("1")


@pytest.mark.parametrize("code", ["import os; os._exit(0)", "import ctypes; ctypes.string_at(0)"])
def test_the_end_of_the_process_is_the_end_of_the_box_but_not_of_the_zygote(zygote, box, code):
    with pytest.raises(BoxError, match=r"ended its own process|did not stop"):
        box.run(code)
    with zygote.open() as after:
        assert text(after.run("print(1)")) == "1\n"


def test_killing_everything_in_reach_reaches_nobody_else(zygote, box):
    box.run("import os\nfor victim in (0, -1, 1, os.getppid()):\n    try: os.kill(victim, 9)\n    except OSError: pass")
    with zygote.open() as after:
        assert text(after.run("print(1)")) == "1\n"


def test_a_killed_zygote_is_started_again(box, zygote):
    zygote.inside.process.kill()
    zygote.inside.process.wait()
    with zygote.open() as after:
        assert text(after.run("print(1)")) == "1\n"


def test_a_box_that_was_closed_leaves_no_process(zygote):
    if not Path("/proc/self/status").exists():
        pytest.skip("needs /proc")
    name = f"leftover{os.getpid()}"
    with zygote.open() as box:
        sleeper = f"subprocess.Popen(['/usr/bin/sleep', '300'], env={{'MARK': '{name}'}})"
        box.run(f"import subprocess\nfor _ in range(20): {sleeper}")
        assert _running(name)
    deadline = time.monotonic() + 10
    while _running(name) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _running(name)


def _running(mark):
    found = []
    for place in Path("/proc").glob("[0-9]*/environ"):
        try:
            if f"MARK={mark}".encode() in place.read_bytes():
                found.append(place)
        except OSError:
            continue
    return found


def test_output_is_bounded(box):
    outputs = box.run("import sys\nfor _ in range(50): sys.stdout.write('A' * 1_000_000)")
    assert len(text(outputs)) < 2 * QUICK.output_bytes
    assert "output cut here" in text(outputs)


def test_active_content_does_not_leave_the_box(box):
    code = """
from IPython.display import HTML, SVG, Javascript, display
display(HTML("<script>1</script>"), Javascript("1"), {"text/html": "x", "image/svg+xml": "<svg/>"}, raw=False)
"""
    for output in box.run(code):
        assert set(output.get("data", {})) <= {"text/plain", "image/png", "image/jpeg", "text/latex"}


@pytest.mark.parametrize(
    "reply",
    ["None", "b'[' * 100000", "b'x' * 8", "(1 << 60).to_bytes(8, 'little')", "b'\\x02' + bytes(7) + b'[]'"],
)
def test_forged_messages_are_a_clean_verdict(box, reply):
    """The student finds the channel among the open files and writes to it."""
    code = f"""
import os, socket
reply = {reply}
for fd in range(3, 300):
    try:
        channel = socket.socket(fileno=os.dup(fd))
    except OSError:
        continue
    if reply: channel.sendall(reply)
    else: channel.shutdown(socket.SHUT_RDWR)
while True: pass
"""
    with pytest.raises(BoxError):
        box.run(code)


def test_a_refusal_says_what_a_test_may_pass(student):
    names = student("def f(x): return x")
    with pytest.raises(TypeError, match="a test may pass plain data"):
        names["f"](object())


def test_limits_are_checked():
    with pytest.raises(ValueError, match="there is no limit 'cell_secs'"):
        Limits.from_dict({"cell_secs": 1})
    with pytest.raises(ValueError, match="positive number"):
        Limits.from_dict({"memory": -1})


# ---- the levels ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=LEVELS)
def level(request):
    with closing(open_level(request.param, [], QUICK)) as boxes:
        yield boxes


@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: probe.name)
def test_every_level_holds_against_every_probe(level, probe):
    with level.open() as box:
        assert probe.holds(box) == (level.level in probe.levels)


def test_a_box_leaves_no_process(level):
    if level.level == "B":
        pytest.skip("nothing can be started at level B")
    mark = f"{level.level.encode().hex()}{os.getpid()}"
    with level.open() as box:
        box.run(f"import subprocess\nsubprocess.Popen(['/usr/bin/sleep', '300'], env={{'MARK': '{mark}'}})")
        assert _running(mark)
    deadline = time.monotonic() + 10
    while _running(mark) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _running(mark)


def test_a_level_that_does_not_hold_is_not_used(monkeypatch):
    monkeypatch.setattr("grader.box.levels.QUICK", [Probe("do as it likes", "print('done')")])
    with pytest.raises(NoBox, match="did not hold against code that tries to do as it likes"):
        open_boxes([], QUICK)


def test_without_bubblewrap_landlock_locks_in(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with closing(open_boxes([], QUICK)) as boxes:
        assert boxes.level == "B"


def test_without_any_level_nothing_is_run(monkeypatch):
    def no_landlock(*_):
        raise BoxError("this kernel has no Landlock")

    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setitem(LEVELS, "B", no_landlock)
    with pytest.raises(NoBox, match=r"bubblewrap is not installed.*this kernel has no Landlock"):
        open_boxes([], QUICK)
