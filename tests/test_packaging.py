"""What is installed: the wheel's contents, the lock file, and the commands that the README names."""

import os
import re
import shlex
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import version
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    run = subprocess.run(build, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stderr
    (path,) = folder.glob("*.whl")
    return zipfile.ZipFile(path)


def test_the_wheel_carries_the_notebooks_and_the_data_and_no_solution(wheel: zipfile.ZipFile) -> None:
    names = set(wheel.namelist())
    released = {path.relative_to(ROOT).as_posix() for path in (ROOT / "exercises").rglob("*.ipynb")}
    assert released
    assert {f"course/{path}" for path in released} <= names
    assert {"course/data/files/digits.npz", "course/data/files/SOURCES.md", "course/cli.py", "grader/cli.py"} <= names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert {name.split("/")[0] for name in names} == {
        "course",
        "grader",
        f"convnet_course-{PROJECT['version']}.dist-info",
    }
    assert not [name for name in names if "solutions" in name or "test" in Path(name).stem.split("_")]


def test_an_installed_wheel_opens_the_course(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    """Unpacked is installed, for a wheel without compiled code; nothing of the checkout is in reach."""
    site = tmp_path / "site"
    wheel.extractall(site)
    code = "import course.handout as h; print(h.__file__, h.released_folder(), *h.names_in(h.released_folder()))"
    run = subprocess.run(
        [sys.executable, "-P", "-c", code],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        check=True,
    )
    package, released, *names = run.stdout.split()
    assert package == str(site / "course" / "handout.py")
    assert released == str(site / "course" / "exercises")
    assert "05_convolution" in names


def locked() -> dict[str, str]:
    """Distribution → version, as requirements.lock has them."""
    lines = (ROOT / "requirements.lock").read_text("utf-8").splitlines()
    return dict(re.findall(r"^([a-z0-9.-]+)==([^ ;]+)", "\n".join(lines), re.MULTILINE))


def test_the_lock_covers_what_the_project_requires() -> None:
    versions = locked()
    required = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["grader"]]
    for requirement in map(Requirement, required):
        assert requirement.specifier.contains(versions[requirement.name]), requirement


def test_the_lock_is_hashed_and_names_no_host() -> None:
    text = (ROOT / "requirements.lock").read_text("utf-8")
    entries = re.split(r"^(?=[a-z0-9.-]+==)", text, flags=re.MULTILINE)[1:]
    assert len(entries) >= len(locked()) > 100  # a few have a version for each of several Pythons
    assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []
    assert not re.search(r"://|--index|--find-links|file:", text)


def test_nothing_is_pinned_in_the_project() -> None:
    everything = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["grader"]]
    assert {operator.operator for line in everything for operator in Requirement(line).specifier} == {">="}


def test_versions_agree() -> None:
    import course

    assert course.__version__ == PROJECT["version"] == version("convnet-course")


def commands() -> list[str]:
    """The commands in the README's code blocks, one a line or joined by &&."""
    blocks = re.findall(r"^```(?:sh|bash)?\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    lines = [line.split("  #")[0].strip() for block in blocks for line in block.splitlines()]
    return [command.strip() for line in lines for command in line.split("&&") if command.strip()]


def test_the_readme_begins_with_its_two_commands() -> None:
    assert commands()[:3] == ["pip install uv", "uv run course lab", "uv run pytest"]


def words(program: str) -> list[list[str]]:
    """How the README calls `program`: the words after its name."""
    calls = [shlex.split(command) for command in commands()]
    names = [next((i for i, word in enumerate(call) if Path(word).name == program), None) for call in calls]
    return [call[i + 1 :] for call, i in zip(calls, names, strict=True) if i is not None]


@pytest.mark.parametrize("program", ["course", "grader"])
def test_the_readme_names_commands_and_options_that_exist(program: str) -> None:
    assert words(program)
    for command, *arguments in words(program):
        run = subprocess.run(
            [sys.executable, "-c", f"from {program}.cli import main; main()", command, "--help"],
            env=os.environ | {"COLUMNS": "200", "NO_COLOR": "1"},
            capture_output=True,
            text=True,
            encoding="utf-8",
        )
        assert run.returncode == 0, f"{program} {command}: {run.stderr}"
        for option in (word.split("=")[0] for word in arguments if word.startswith("-")):
            assert option in run.stdout, f"{program} {command} {option}"


def test_the_readme_s_program_trains_and_goes_on_where_it_was(tmp_path: Path) -> None:
    (program,) = re.findall(r"^```python\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    for _ in range(2):
        run = subprocess.run(
            [sys.executable, "-c", program],
            cwd=tmp_path,
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=250,
        )
        assert run.returncode == 0, run.stderr
        share = re.search(r"^reads (\d+)% of 1000 unseen digits$", run.stdout, re.MULTILINE)
        assert share and int(share[1]) >= 80, run.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["lenet5.npz"]


def test_the_readme_links_to_what_exists() -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", README)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_the_readme_lists_the_notebooks_that_exist() -> None:
    named = set(re.findall(r"`?(\d\d_[a-z_]+)`?", README))
    assert named == {path.stem for path in (ROOT / "exercises").glob("*/*.ipynb")}
