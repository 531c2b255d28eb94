"""The command `course`, as a student runs it: real processes, a real server, a throw-away HOME."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from course.lab import ONE_THREAD, calm_kernels

COURSE = [sys.executable, "-m", "course"]
# lets another Python import what this one imports
PATH = os.pathsep.join([str(Path(__file__).parent.parent), *(path for path in sys.path if "site-packages" in path)])

pytestmark = pytest.mark.usefixtures("home")


def course(*arguments: object, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    return subprocess.run(
        [*COURSE, *map(str, arguments)],
        cwd=cwd,
        env=os.environ | {"COLUMNS": "200", "NO_COLOR": "1"} | environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
    )


@contextmanager
def lab(*arguments: object, cwd: Path) -> Iterator[tuple[subprocess.Popen[str], str, str]]:
    """A running `course lab --no-browser`: its process, what it said until it listened, and the URL."""
    process = subprocess.Popen(
        [*COURSE, "lab", "--no-browser", *map(str, arguments)],
        cwd=cwd,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
    )
    assert process.stdout is not None
    try:
        said = ""
        for line in process.stdout:
            said += line
            if "Ctrl-C" in line:
                break
        url = re.search(r"http://\S+", said)
        assert url, said
        yield process, said, url[0]
    finally:
        process.kill()
        process.communicate()


def fetch(url: str) -> str:
    with urllib.request.urlopen(url, timeout=30) as response:
        return str(response.read().decode())


def test_help_teaches(tmp_path: Path) -> None:
    for arguments in ([], ["--help"], ["-h"]):
        said = course(*arguments, cwd=tmp_path)
        assert "course lab" in said.stdout and "doctor" in said.stdout
        assert "Traceback" not in said.stderr
    said = course("lab", "--help", cwd=tmp_path)
    assert all(word in said.stdout for word in ("--folder", "--no-browser", "--port", "never overwritten", "my-course"))


def test_version(tmp_path: Path) -> None:
    from importlib.metadata import version

    assert course("--version", cwd=tmp_path).stdout.strip() == version("convnet-course")


def test_help_loads_neither_numpy_nor_jupyter(tmp_path: Path) -> None:
    """What makes it quick, measured without a clock."""
    code = (
        "import sys, course.cli; print([m for m in ('numpy', 'matplotlib', 'jupyterlab', 'rich') if m in sys.modules])"
    )
    assert subprocess.check_output([sys.executable, "-c", code], cwd=tmp_path, text=True).strip() == "[]"


def test_the_first_start_copies_the_notebooks_and_serves_them(tmp_path: Path, home: Path) -> None:
    with lab("5", cwd=tmp_path) as (process, said, url):
        own = tmp_path / "my-course"
        assert "New: 05_convolution" in said and str(own) in said
        assert "/lab/tree/05_convolution/05_convolution.ipynb?token=" in url
        assert (own / "05_convolution" / "05_convolution.ipynb").exists()
        assert "JupyterLab" in fetch(url)

        api = url.replace("/lab/tree/", "/api/contents/")
        notebook = json.loads(fetch(api))
        assert notebook["type"] == "notebook" and notebook["writable"]

        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=60)
        assert process.returncode == 0
        assert "Stopped" in rest and "Traceback" not in said + rest
        assert not list((home / ".local/share/jupyter/runtime").glob("*server*")), "Jupyter forgot this server"


def test_opening_again_leaves_work_alone_and_a_busy_port_makes_way(tmp_path: Path) -> None:
    own = tmp_path / "elsewhere"
    work = own / "05_convolution" / "05_convolution.ipynb"
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        with lab("--folder", own, "--port", port, cwd=tmp_path) as (_, said, url):
            assert f"Port {port} is busy" in said and f":{port}/" not in url
            assert "JupyterLab" in fetch(url)
    mine = json.loads(work.read_text("utf-8"))
    mine["cells"][0]["source"] = "my work"
    work.write_text(json.dumps(mine), "utf-8")
    with lab("--folder", own, cwd=tmp_path) as (_, said, _):
        assert "New" not in said and "Newer" not in said
    assert json.loads(work.read_text("utf-8")) == mine


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--folder", "file"], "file is a file. Name a folder for your notebooks with --folder."),
        (["--folder", "file/below"], "cannot write your notebooks to file/below: Not a directory"),
        (["13"], "'13' is no notebook of the course. There is "),
        (["--port", "80"], "Invalid value for '--port'"),
        (["--port", "123456"], "Invalid value for '--port'"),
        (["--port", "eighty"], "Invalid value for '--port'"),
        (["--fodler", "x"], "No such option"),
    ],
)
def test_foreseeable_trouble_is_a_sentence(tmp_path: Path, arguments: list[str], sentence: str) -> None:
    (tmp_path / "file").touch()
    said = course("lab", "--no-browser", *arguments, cwd=tmp_path)
    assert said.returncode == 2
    assert sentence in said.stderr
    assert "Traceback" not in said.stderr
    assert [path.name for path in tmp_path.iterdir() if path.name != "home"] == ["file"], "nothing half made"


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_is_a_sentence(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    said = course("lab", "--no-browser", cwd=tmp_path)
    tmp_path.chmod(0o700)
    assert said.returncode == 2
    assert "cannot write your notebooks to my-course: Permission denied" in said.stderr


def test_the_doctor_finds_this_installation_fine(tmp_path: Path) -> None:
    said = course("doctor", cwd=tmp_path)
    assert said.returncode == 0, said.stdout
    assert "✗" not in said.stdout
    assert "All that a student needs is there." in said.stdout
    assert re.search(r"✓ fine +kernel python3 +starts this Python", said.stdout)
    assert "Traceback" not in said.stderr


def test_what_only_instructors_need_stands_below_a_heading_of_its_own(tmp_path: Path) -> None:
    said = course("doctor", cwd=tmp_path, PATH=str(tmp_path)).stdout
    students, _, others = said.partition("\nOnly for instructors and developers\n")
    assert students.startswith("What the notebooks need\n") and "· note" not in students
    assert students.endswith("All that a student needs is there.\n"), "before the others are named"
    assert re.search(r"· note +bwrap +not on PATH; needed for the box", others)
    assert "→ instructors: sudo apt install bubblewrap" in others


@pytest.mark.parametrize(
    ("uv", "command"), [("", f"{sys.executable} -m course doctor"), ("uv", "uv run course doctor")]
)
def test_where_jupyterlab_does_not_load_the_command_that_helps_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, uv: str, command: str
) -> None:
    from course.lab import LabError, serve

    monkeypatch.setitem(sys.modules, "jupyterlab.labapp", None)  # as where it is not installed
    monkeypatch.delenv("UV", raising=False)
    if uv:
        monkeypatch.setenv("UV", uv)
    with pytest.raises(LabError, match=rf"JupyterLab does not load .*: {re.escape(command)}$"):
        serve(tmp_path, "n.ipynb", port=8888, browser=False, announce=lambda *_: None)


def test_the_doctor_names_a_kernel_that_starts_another_python(tmp_path: Path) -> None:
    """As when an earlier `ipykernel install --user` from another Python hides the right one."""
    other = tmp_path / "other"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", other], check=True)
    spec = tmp_path / "jupyter" / "kernels" / "python3"
    spec.mkdir(parents=True)
    kernel = {
        "argv": [str(other / "bin" / "python"), "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "env": {"PYTHONPATH": PATH},
        "display_name": "Python 3",
        "language": "python",
    }
    (spec / "kernel.json").write_text(json.dumps(kernel), "utf-8")
    said = course("doctor", cwd=tmp_path, JUPYTER_PATH=str(tmp_path / "jupyter"))
    assert said.returncode == 1
    assert re.search(r"✗ broken +kernel python3 .*starts another Python, \S*other", said.stdout)
    assert f"→ remove {spec}, which hides the right one" in said.stdout
    assert "1 to mend" in said.stdout


def test_the_doctor_names_missing_widgets_and_a_kernel_that_does_not_start(tmp_path: Path) -> None:
    """A Python that sees the packages, but none of the files that they put beside it."""
    bare = tmp_path / "bare"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", bare], check=True)
    spec = tmp_path / "jupyter" / "kernels" / "python3"
    spec.mkdir(parents=True)
    kernel = {"argv": ["/bin/false", "{connection_file}"], "display_name": "Python 3", "language": "python"}
    (spec / "kernel.json").write_text(json.dumps(kernel), "utf-8")
    said = subprocess.run(
        [bare / "bin" / "python", "-m", "course", "doctor"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": PATH, "JUPYTER_PATH": str(tmp_path / "jupyter")},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert said.returncode == 1
    assert re.search(r"✗ broken +kernel python3 +does not start", said.stdout)
    assert re.search(r"✗ broken +widgets .*jupyterlab-manager and anywidget", said.stdout)
    assert re.search(r"→ \S+.* install .*--force-reinstall jupyterlab_widgets anywidget", said.stdout)


@pytest.mark.parametrize(("said", "found"), [(None, ["1", "1", "1"]), ("4", ["4", None, None])])
def test_kernels_begin_with_one_thread_for_products_unless_the_student_says_how_many(monkeypatch, said, found):
    for name in ONE_THREAD:
        monkeypatch.delenv(name, raising=False)
    if said is not None:
        monkeypatch.setenv("OPENBLAS_NUM_THREADS", said)
    monkeypatch.setattr(os, "environ", dict(os.environ))
    calm_kernels()
    assert [os.environ.get(name) for name in ONE_THREAD] == found
