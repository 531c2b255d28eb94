"""A test whose program is missing is skipped at a desk with a word on what to install, and fails in CI."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = """
import numpy, pytest

@pytest.mark.box
def test_in_the_box():
    numpy.set_printoptions(precision=2)

def test_after_it():
    assert numpy.get_printoptions()["precision"] == 8
"""


@pytest.mark.parametrize(
    ("ci", "programs", "outcome"),
    [
        ("", [], "1 passed, 1 skipped"),
        ("true", [], "1 passed, 1 error"),
        ("true", ["bwrap"], "2 passed"),
    ],
)
def test_a_missing_program(tmp_path: Path, ci: str, programs: list[str], outcome: str) -> None:
    shutil.copy(Path(__file__).parent / "conftest.py", tmp_path)
    (tmp_path / "test_two.py").write_text(TESTS, "utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = box\n", "utf-8")
    for program in programs:
        (tmp_path / program).touch(0o755)
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-rs", "-p", "no:cacheprovider"],
        cwd=tmp_path,
        env=os.environ | {"PATH": str(tmp_path), "CI": ci},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert outcome in run.stdout
    assert ("sudo apt install bubblewrap" in run.stdout) is (not programs)
