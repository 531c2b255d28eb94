"""How bubblewrap builds the outer walls: an almost empty file system, read-only, with Python and nothing of ours."""

from __future__ import annotations

import importlib.util
import os
import shutil
import site
import sys
import sysconfig
from collections.abc import Iterable
from pathlib import Path

from .limits import Limits
from .walls import HOME

PACKAGE = Path(__file__).parent
VENV = Path("/opt/venv")
INSIDE = Path("/opt/box")  # holds this package as `box`, and those modules of the course that the notebook may use
SYSTEM = ("/usr", "/etc/fonts", "/etc/ld.so.cache", "/etc/alternatives")
HIDDEN = (
    "course",
    "grader",
    "solutions",
    "exercises",
    "tests",
    "torch",
)  # installed beside us, not for students
ENVIRONMENT = {
    "PATH": "/usr/bin:/bin",
    "HOME": HOME,
    "LANG": "C.UTF-8",
    "PYTHONPATH": str(INSIDE),
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONNOUSERSITE": "1",
    "PYTHONSAFEPATH": "1",
    "MPLBACKEND": "agg",
    "MPLCONFIGDIR": "/opt/matplotlib",
    "IPYTHONDIR": f"{HOME}/.ipython",
    # one thread: a forked BLAS has lost its others, and several boxes share the processors
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
}


def program() -> str | None:
    """Where bubblewrap is, if it is installed."""
    return shutil.which("bwrap")


def python(course_modules: Iterable[str], limits: Limits) -> list[str]:
    """The command that starts a Python inside the walls."""
    command = [program() or "bwrap", "--die-with-parent", "--new-session", "--hostname", "box", "--clearenv"]
    command += ["--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try"]
    if os.getuid() == 0:  # root needs no user namespace; inside, it becomes an unprivileged user at once
        command += ["--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
    else:
        command += ["--unshare-user"]
    for name, value in ENVIRONMENT.items():
        command += ["--setenv", name, value]
    size = ["--size", str(limits.file_bytes)]
    command += [*size, "--perms", "1777", "--tmpfs", "/tmp"]
    for folder in SYSTEM:
        command += ["--ro-bind-try", folder, folder]
    command += [
        "--symlink",
        "usr/lib",
        "/lib",
        "--symlink",
        "usr/lib64",
        "/lib64",
        "--symlink",
        "usr/bin",
        "/bin",
    ]
    command += _python()
    command += _parents(INSIDE / "box")
    command += ["--ro-bind", str(PACKAGE), str(INSIDE / "box")]
    command += _course(course_modules)
    command += _matplotlib_cache()
    command += ["--proc", "/proc", "--dev", "/dev"]
    command += [*size, "--perms", "0777", "--tmpfs", HOME, "--chdir", HOME]
    return [*command, "--remount-ro", "/dev", "--remount-ro", "/", _interpreter()]


def _interpreter() -> str:
    """The Python to start, by its path inside the walls."""
    if sys.prefix == sys.base_prefix:
        return sys.executable
    return str(VENV / Path(sys.executable).relative_to(sys.prefix))


def _python() -> list[str]:
    """Python itself and its packages, with everything of ours masked."""
    base, environment = Path(sys.base_prefix), Path(sys.prefix)
    command = []
    if not base.is_relative_to("/usr"):
        command += _parents(base)
        command += ["--ro-bind", str(base), str(base)]
    if environment != base:
        command += _parents(VENV)
        command += ["--ro-bind", str(environment), str(VENV)]
    for packages in {*site.getsitepackages(), sysconfig.get_path("purelib")}:
        for name in HIDDEN:
            folder = Path(packages) / name
            if folder.is_dir():
                inside = folder
                if environment != base and folder.is_relative_to(environment):
                    inside = VENV / folder.relative_to(environment)
                command += ["--tmpfs", str(inside)]
    return command


def _course(modules: Iterable[str]) -> list[str]:
    """Only those modules of the course that the instructor's notebook lists."""
    command = _parents(INSIDE / "course" / "__init__.py")
    for source in course(modules):
        command += ["--ro-bind", str(source), str(INSIDE / "course" / source.name)]
    return command


def course(modules: Iterable[str]) -> list[Path]:
    """The files and folders of those modules of the course that the instructor's notebook lists.

    Raises:
        ValueError: a name that is no module of the course.
    """
    spec = importlib.util.find_spec("course")  # locates the package, imports nothing
    if spec is None or spec.origin is None:
        return []
    folder = Path(spec.origin).parent
    sources = [Path(spec.origin)]
    for module in sorted(set(modules)):
        package, _, name = module.partition(".")
        if package != "course" or not name.isidentifier():
            raise ValueError(f"a box may import modules like course.data, not {module!r}")
        source = folder / name if (folder / name).is_dir() else folder / f"{name}.py"
        if not source.exists():
            raise ValueError(f"the notebook lists {module}, but the course has no such module")
        sources.append(source)
    return sources


def _parents(path: Path) -> list[str]:
    """The folders above a mount; left to itself bubblewrap makes them for its own user only."""
    command = []
    for parent in reversed(path.parents[:-1]):
        command += ["--perms", "0755", "--dir", str(parent)]
    return command


def _matplotlib_cache() -> list[str]:
    """The font list that matplotlib would otherwise rebuild at every start."""
    import matplotlib

    return ["--ro-bind-try", matplotlib.get_cachedir(), "/opt/matplotlib"]
