"""What every test may rely on."""

import ctypes
import os
import shutil
import signal
from collections.abc import Callable, Generator
from pathlib import Path

import numpy as np
import pytest


def program(name: str) -> Callable[[], bool]:
    return lambda: shutil.which(name) is not None


def library(name: str) -> Callable[[], bool]:
    def loads() -> bool:
        try:
            ctypes.CDLL(name)
        except OSError:
            return False
        return True

    return loads


# marker → Debian's packages that its tests need, and how to tell that they are there
NEEDS = {
    "box": {"bubblewrap": program("bwrap")},
    "browser": {"chromium": program("chromium"), "libatomic1": library("libatomic.so.1")},
}


def pytest_runtest_setup(item: pytest.Item) -> None:
    """What lacks a program is skipped at a desk and fails in CI, where a skip would hide it for ever."""
    needs = [need for marker in item.iter_markers() for need in NEEDS.get(marker.name, {}).items()]
    missing = [package for package, is_there in needs if not is_there()]
    if missing:
        reason = f"needs sudo apt install {' '.join(missing)}"
        if os.environ.get("CI"):
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)


def pytest_configure() -> None:
    """A shell starts what runs in its background deaf to Ctrl-C, and the tests send it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol() -> Generator[None, object, object]:
    """Notebooks that run in this process set how NumPy prints; the next test shall not see it."""
    with np.printoptions():
        return (yield)


# notebooks as text, for tests to build: no modules to be searched for examples
collect_ignore_glob = ["*/sources/*"]


@pytest.fixture(scope="session")
def root() -> Path:
    """The top of the checkout."""
    return Path(__file__).parent.parent


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A throw-away HOME, so that no one's Jupyter settings decide a test, and no test changes them."""
    place = tmp_path / "home"
    place.mkdir()
    monkeypatch.setenv("HOME", str(place))
    for name in [name for name in os.environ if name.startswith(("JUPYTER", "XDG_", "IPYTHONDIR"))]:
        monkeypatch.delenv(name)
    return place
