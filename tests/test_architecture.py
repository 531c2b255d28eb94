"""The rules of the house: style, types, which way imports point, what may lie where. `pytest` is the only gate."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent

TOP_LEVEL = {
    "course", "solutions", "exercises", "grader", "tests",
    "pyproject.toml", "requirements.lock", "README.md", "LICENSE", "CHANGELOG.md", "CITATION.cff",
}  # fmt: skip
LONGEST_MODULE = 320
LARGEST_FILE = 1_500_000
IGNORED = [line.strip("/") for line in (ROOT / ".gitignore").read_text("utf-8").splitlines() if line]


def files(folder: Path = ROOT) -> Iterator[Path]:
    """The files of the checkout, without what git ignores and without dot folders."""
    for path in sorted(folder.iterdir()):
        if any(fnmatch(path.name, pattern) for pattern in IGNORED) or path.name == ".git":
            continue
        if path.is_dir():
            yield from files(path)
        else:
            yield path


def passes(*command: str | Path) -> None:
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8", timeout=280)
    assert run.returncode == 0, run.stdout + run.stderr


def test_ruff_finds_nothing() -> None:
    passes(sys.executable, "-m", "ruff", "check", "--no-cache")


def test_the_code_is_formatted() -> None:
    passes(sys.executable, "-m", "ruff", "format", "--check", "--no-cache")


def test_types_are_strict() -> None:
    passes(sys.executable, "-m", "mypy")


def test_imports_point_one_way() -> None:
    passes(BIN / "lint-imports", "--no-cache")


def imports(path: Path) -> set[str]:
    """The absolute modules that a file imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            found.add(node.module)
    return found


@pytest.mark.parametrize("path", sorted((ROOT / "course" / "ops").rglob("*.py")), ids=lambda path: path.name)
def test_ops_need_numpy_only(path: Path) -> None:
    own = {name for name in imports(path) if name.split(".")[0] not in sys.stdlib_module_names}
    assert {name for name in own if not re.match(r"numpy|course$|course\.(ops|shapes)", name)} == set()


def test_nothing_imports_notebooks() -> None:
    for folder in ("course", "grader", "tests"):
        for path in (ROOT / folder).rglob("*.py"):
            assert not {name.split(".")[0] for name in imports(path)} & {"solutions", "exercises"}, path


def test_import_course_is_cheap() -> None:
    code = "import sys, course; print(*sorted({name.split('.')[0] for name in sys.modules} - sys.stdlib_module_names))"
    loaded = subprocess.check_output([sys.executable, "-I", "-c", code], text=True).split()
    assert "course" in loaded
    assert not {"numpy", "matplotlib", "ipywidgets", "typer", "jupyterlab"} & set(loaded)


def test_modules_are_one_idea_long() -> None:
    lengths = {
        path.relative_to(ROOT).as_posix(): len(path.read_text("utf-8").splitlines())
        for folder in ("course", "grader")
        for path in (ROOT / folder).rglob("*.py")
    }
    assert {path: length for path, length in lengths.items() if length > LONGEST_MODULE} == {}


def test_the_top_level_is_as_designed() -> None:
    names = {path.relative_to(ROOT).parts[0] for path in files()}
    assert {name for name in names if not name.startswith(".")} - TOP_LEVEL == set()


def test_files_are_small() -> None:
    assert [str(path) for path in files() if path.stat().st_size > LARGEST_FILE] == []


# each pattern is written so that it does not match itself
FORBIDDEN = {
    "a folder outside the project": r"\.\./shar[e]d",
    "a path of some machine": r"(?<![\w.])/wor[k]/|/\.pyen[v]/|/hom[e]/\w+/|[C]:\\\\?Users",
    "the host of a package registry": r"pyp[i]\.org|pythonhoste[d]\.org|anacond[a]\.org|file://[/]",
}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_the_project_stands_alone(what: str) -> None:
    pattern = re.compile(FORBIDDEN[what])
    found = []
    for path in files():
        try:
            text = path.read_text("utf-8")
        except UnicodeDecodeError:  # pictures and arrays
            continue
        found += [f"{path.relative_to(ROOT)}: {match[0]}" for match in pattern.finditer(text)]
    assert found == []


def test_released_exercises_hold_no_solutions() -> None:
    released = list(files(ROOT / "exercises"))
    assert released
    marker = re.compile(r"(BEGIN|END) (SOLUTION|HIDDEN TESTS|MISTAKES?|BLANKS?|MARK SCHEME)")
    assert [path.name for path in released if marker.search(path.read_text("utf-8"))] == []
    assert [path.name for path in released if path.suffix not in (".ipynb", ".json")] == []
