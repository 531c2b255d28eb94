"""What every test may rely on."""

import os
import shutil
from pathlib import Path

import pytest

# marker → the program that its tests run, and Debian's package of it
PROGRAMS = {"browser": ("chromium", "chromium"), "box": ("bwrap", "bubblewrap")}


def pytest_runtest_setup(item: pytest.Item) -> None:
    """A test whose program is missing is skipped at a desk and fails in CI, where a skip would hide it for ever."""
    for marker, (program, package) in PROGRAMS.items():
        if item.get_closest_marker(marker) and shutil.which(program) is None:
            reason = f"{program} is not installed: sudo apt install {package}"
            if os.environ.get("CI"):
                pytest.fail(reason, pytrace=False)
            pytest.skip(reason)


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
