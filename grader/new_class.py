"""Makes the folder of a class: the instructor's notebooks copied from the course, and nbgrader's settings."""

from __future__ import annotations

from pathlib import Path

from nbgrader.converters import GenerateAssignment
from nbgrader.coursedir import CourseDirectory
from traitlets.config import Config

from .classroom import CONFIG, CONFIG_TEXT, Classroom, write
from .errors import BadClassroom
from .gradebook import Book, alembic_on_path
from .release import CannotRelease, Heard


def make(folder: Path, checkout: Path, *, update: bool = False) -> tuple[Classroom, list[Path]]:
    """Make a class, or add the course's new notebooks to one; submissions and the gradebook are not touched.

    Args:
        folder: the class's folder.
        checkout: the folder of the course, whose `solutions/NAME/` are copied.
        update: replace what is there and differs; otherwise it is kept, since an instructor may have edited it.

    Returns:
        the class, and the files that were kept though the course has others.

    Raises:
        BadClassroom: the folder cannot be made, holds something else, or the checkout has no solutions.
    """
    sources = sorted({place.parent for place in (checkout / "solutions").glob("*/*.ipynb")})
    if not sources:
        where = f"{checkout.resolve()} is not the course's folder: it has no notebooks in solutions/"
        raise BadClassroom(f"{where}; say where that is with --course")
    if folder.exists() and not folder.is_dir():
        raise BadClassroom(f"{folder} is a file, not a folder")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / CONFIG).exists():
        raise BadClassroom(f"{folder} holds something else already; name a new folder")
    kept: list[Path] = []
    try:
        for source in sources:
            for file in sorted(source.iterdir()):
                if file.suffix not in (".ipynb", ".json"):
                    continue
                place, text = folder / "solutions" / source.name / file.name, file.read_text(encoding="utf-8")
                if place.exists() and not update:
                    kept += [place] if place.read_text(encoding="utf-8") != text else []
                else:
                    write(place, text)
        for name in ("submitted", "exercises"):
            (folder / name).mkdir(exist_ok=True)
        if not (folder / CONFIG).exists():
            write(folder / CONFIG, CONFIG_TEXT)
    except OSError as error:
        raise BadClassroom(f"the class cannot be made in {folder}: {error.strerror}") from None
    return Classroom(folder), kept


def release(classroom: Classroom, name: str) -> Path:
    """Make the students' version of an assignment with nbgrader, and enter it in the gradebook.

    Returns:
        the folder to hand out.

    Raises:
        BadAssignment: there is no such assignment.
        CannotRelease: nbgrader refuses the notebook.
    """
    classroom.notebooks(name)
    Book(classroom.db_url, classroom.config).close()  # a gradebook that cannot be used is found before anything is made
    config = Config()
    config.merge(classroom.config)
    config.CourseDirectory.update(root=str(classroom.root), assignment_id=name)
    config.GenerateAssignment.update(force=True, create_assignment=True)
    heard = Heard()
    try:
        with heard, alembic_on_path():
            GenerateAssignment(coursedir=CourseDirectory(config=config), config=config, log=heard.log).start()
    except (Exception, SystemExit) as error:
        raise CannotRelease(f"nbgrader cannot release {name}: {heard.lines[-1] if heard.lines else error}") from None
    return classroom.folder("release", ".", name)
