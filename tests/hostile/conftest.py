"""One class in which every hostile case sits between two honest students; it is graded once."""

from __future__ import annotations

import hashlib
import inspect
import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest

from grader import new_class, pool
from grader.classroom import Classroom

from . import mutations

NAME = mutations.NAME
LIMITS = {"cell_seconds": 3, "call_seconds": 2, "hurried_seconds": 0.2, "grace_seconds": 1, "total_seconds": 20}
HONEST = ("aaron", "zoe")  # graded before and after everyone else


@dataclass(frozen=True)
class Case:
    """A text that stands in the solution cell of one exercise, or of all."""

    name: str
    tries: str
    into: str
    says: str
    code: str

    @classmethod
    def read(cls, path: Path) -> Case:
        head, _, code = path.read_text(encoding="utf-8").partition("\n\n")
        fields = dict(line.removeprefix("# ").split(": ", 1) for line in head.splitlines())
        return cls(path.stem, fields["tries"], fields["into"], fields.get("says", ""), code)


CODE = {case.name: case for case in map(Case.read, sorted((Path(__file__).parent / "code").glob("*.txt")))}


def fingerprint(folder: Path) -> dict[str, str]:
    """Every file below a folder by its content; links are not followed."""
    files = (Path(place) / name for place, _, names in os.walk(folder) for name in names)
    plain = [path for path in files if path.is_file() and not path.is_symlink()]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in plain}


@pytest.fixture(scope="session")
def hostile(tmp_path_factory, root):
    """The class after grading: its outcomes by student, and what was there before."""
    folder = tmp_path_factory.mktemp("hostile") / "class"
    classroom, _ = new_class.make(folder, root)
    shutil.rmtree(folder / "solutions")
    for suffix in (".ipynb", ".json"):
        source = root / "solutions" / NAME / f"{NAME}{suffix}"
        place = folder / "solutions" / NAME / source.name
        place.parent.mkdir(parents=True, exist_ok=True)
        text = source.read_text(encoding="utf-8")
        if suffix == ".ipynb":
            notebook = json.loads(text)
            notebook["metadata"].setdefault("convnet_course", {})["limits"] = LIMITS
            text = json.dumps(notebook)
        place.write_text(text, encoding="utf-8")
    released = new_class.release(classroom, NAME) / f"{NAME}.ipynb"
    stub = released.read_text(encoding="utf-8")

    for student in HONEST:
        hand_in(
            folder, student, json.loads((folder / "solutions" / NAME / f"{NAME}.ipynb").read_text(encoding="utf-8"))
        )
    for case in CODE.values():
        notebook = json.loads(stub)
        for cell in notebook["cells"]:
            exercise = cell["cell_type"] == "code" and mutations.mark(cell).get("solution")
            if exercise and case.into in ("all", mutations.mark(cell)["grade_id"]):
                cell["source"] = case.code
        hand_in(folder, case.name, notebook)
    for name, mutate in mutations.MUTATIONS.items():
        notebook = json.loads(stub)
        if len(inspect.signature(mutate).parameters) == 1:
            mutate(notebook)
            hand_in(folder, name, notebook)
        else:
            hand_in(folder, name, notebook)
            mutate(notebook, folder / "submitted" / name / NAME)

    kept = ("solutions", "submitted", "exercises")
    before = {step: fingerprint(folder / step) for step in kept}
    outcomes = pool.autograde(Classroom(folder), NAME, pool.Local(2))
    after = {step: fingerprint(folder / step) for step in kept}
    return SimpleNamespace(
        folder=folder, outcomes={o.student: o for o in outcomes}, before=before, after=after, classroom=classroom
    )


def hand_in(folder: Path, student: str, notebook: mutations.Notebook) -> None:
    place = folder / "submitted" / student / NAME
    place.mkdir(parents=True)
    (place / f"{NAME}.ipynb").write_text(json.dumps(notebook), encoding="utf-8")


@pytest.fixture
def told(hostile):
    """Everything that a student reads of what happened: the remarks and the outputs of the graded notebook."""

    def tell(student):
        notebook = nbformat.read(hostile.folder / "autograded" / student / NAME / f"{NAME}.ipynb", as_version=4)
        outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
        return "\n".join([*hostile.outcomes[student].remarks, json.dumps(outputs, ensure_ascii=False)])

    return tell
