"""What is done to a submitted notebook or its folder, beyond the text of a cell. Each function is one case.

A mutation changes the notebook (a dict of its JSON) before it is written; one whose second parameter is `folder` runs
after the notebook lies there.
"""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Callable
from typing import Any

Notebook = dict[str, Any]
NAME = "05_convolution"
MUTATIONS: dict[str, Callable[..., None]] = {}


def mutation(says: str = "") -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Enter a case; `says` must stand in what its author is told."""

    def enter(function: Callable[..., None]) -> Callable[..., None]:
        function.says = says  # type: ignore[attr-defined]
        MUTATIONS[function.__name__.removeprefix("case_")] = function
        return function

    return enter


def mark(cell: Any) -> dict[str, Any]:
    return cell["metadata"].get("nbgrader", {})


def tests(notebook: Notebook) -> list[Any]:
    return [cell for cell in notebook["cells"] if mark(cell).get("grade") and cell["cell_type"] == "code"]


def markdown(text: str) -> Any:
    return {"cell_type": "markdown", "id": "added", "metadata": {}, "source": text}


def code(text: str, **metadata: Any) -> Any:
    return {
        "cell_type": "code",
        "id": "added",
        "metadata": metadata,
        "source": text,
        "outputs": [],
        "execution_count": None,
    }


# ---- tests and points ----------------------------------------------------------------------------------------------


@mutation()
def case_40_edit_the_tests(notebook: Notebook) -> None:
    for cell in tests(notebook):
        cell["source"] = f"{mark(cell)['points']}"


@mutation()
def case_41_raise_the_points(notebook: Notebook) -> None:
    for cell in tests(notebook):
        mark(cell)["points"] = 100


@mutation()
def case_42_strip_the_grade_flag(notebook: Notebook) -> None:
    for cell in tests(notebook):
        mark(cell).update(grade=False, locked=True)
        mark(cell).pop("points")
        cell["source"] = "pass"


@mutation()
def case_43_duplicate_the_tests(notebook: Notebook) -> None:
    notebook["cells"] += [copy.deepcopy(cell) | {"source": "100"} for cell in tests(notebook)]


@mutation()
def case_44_delete_the_tests(notebook: Notebook) -> None:
    notebook["cells"] = [cell for cell in notebook["cells"] if not mark(cell).get("grade")]


@mutation()
def case_45_outputs_that_look_like_points(notebook: Notebook) -> None:
    for cell in tests(notebook):
        data = {"text/plain": str(mark(cell)["points"])}
        cell["outputs"] = [{"output_type": "execute_result", "data": data, "metadata": {}, "execution_count": 1}]


@mutation()
def case_46_tests_turned_into_text(notebook: Notebook) -> None:
    for cell in tests(notebook):
        cell["cell_type"] = "markdown"
        cell["source"] = "hi"


@mutation()
def case_48_a_test_as_ones_own_solution(notebook: Notebook) -> None:
    for cell in tests(notebook):
        mark(cell).update(solution=True, locked=False)
        cell["source"] = "100"


@mutation()
def case_49_ids_exchanged(notebook: Notebook) -> None:
    """Each exercise carries the id of its test, and the test that of the exercise."""
    for cell in notebook["cells"]:
        name = mark(cell).get("grade_id")
        if name:
            mark(cell)["grade_id"] = name.removesuffix("-check") if name.endswith("-check") else f"{name}-check"


@mutation()
def case_84_ids_of_another_script(notebook: Notebook) -> None:
    """Ids that look alike: a Cyrillic о, a zero-width space."""
    for cell in notebook["cells"]:
        if mark(cell):
            mark(cell)["grade_id"] = mark(cell)["grade_id"].replace("o", "о") + "\u200b"
            cell["id"] = "о\u200b"


@mutation()
def case_85_every_cell_copied_a_dozen_times(notebook: Notebook) -> None:
    notebook["cells"] = [copy.deepcopy(cell) for cell in notebook["cells"] for _ in range(12)]


@mutation()
def case_86_cells_in_reverse(notebook: Notebook) -> None:
    notebook["cells"].reverse()


@mutation()
def case_87_metadata_of_every_wrong_type(notebook: Notebook) -> None:
    wrong = [None, 7, "x", [1], {"nbgrader": 3}, {"nbgrader": {"grade_id": {"a": 1}}}, {"tags": 9}]
    for number, cell in enumerate(notebook["cells"]):
        cell["metadata"] = wrong[number % len(wrong)]
        cell["id"] = [number]


@mutation()
def case_88_tags_that_run_outside(notebook: Notebook) -> None:
    """The tag of cells that the trusted process runs too."""
    notebook["cells"].insert(0, code("raise SystemExit('outside')", tags=["setup"]))
    notebook["metadata"]["convnet_course"] = {"box_modules": ["course.ops"], "limits": {"total_seconds": 1e9}}


# ---- the notebook's form -------------------------------------------------------------------------------------------


@mutation()
def case_51_another_kernel(notebook: Notebook) -> None:
    notebook["metadata"]["kernelspec"] = {"name": "bash", "display_name": "bash", "language": "bash"}


@mutation()
def case_56_a_future_schema(notebook: Notebook) -> None:
    for cell in notebook["cells"]:
        if mark(cell):
            mark(cell)["schema_version"] = 99
    notebook["nbformat"], notebook["nbformat_minor"] = 9, 9


@mutation()
def case_89_format_3(notebook: Notebook) -> None:
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell["input"] = cell.pop("source")
    notebook["worksheets"] = [{"cells": notebook.pop("cells")}]
    notebook["nbformat"] = 3


@mutation("at most 2000 are accepted")
def case_90_a_hundred_thousand_cells(notebook: Notebook) -> None:
    notebook["cells"] += [code("1")] * 100_000


@mutation("larger than")
def case_91_outputs_of_thirty_megabytes(notebook: Notebook) -> None:
    notebook["cells"].append(
        code("1") | {"outputs": [{"output_type": "stream", "name": "stdout", "text": "A" * 30_000_000}]}
    )


@mutation("at most")
def case_92_a_cell_of_a_million_characters(notebook: Notebook) -> None:
    notebook["cells"][-1]["source"] = "x = 1\n" * 200_000


@mutation()
def case_93_lone_surrogates(notebook: Notebook) -> None:
    notebook["cells"].append(code("print('\ud800')"))
    notebook["cells"].append(markdown("\udfff"))


@mutation()
def case_50_scripts_in_text(notebook: Notebook) -> None:
    attack = '<script>window.pwned=1</script><img src=x onerror="window.pwned=1">[x](javascript:window.pwned=1)'
    notebook["cells"].insert(0, markdown(attack))
    for cell in notebook["cells"]:
        if mark(cell).get("solution") and cell["cell_type"] == "markdown":
            cell["source"] = attack


# ---- the folder ----------------------------------------------------------------------------------------------------


@mutation("is a link")
def case_47_a_link_to_the_solution(notebook: Notebook, folder: Any) -> None:
    (folder / f"{NAME}.ipynb").unlink()
    (folder / f"{NAME}.ipynb").symlink_to(f"../../../solutions/{NAME}/{NAME}.ipynb")


@mutation("hard link")
def case_94_a_hard_link_to_the_solution(notebook: Notebook, folder: Any) -> None:
    (folder / f"{NAME}.ipynb").unlink()
    (folder / f"{NAME}.ipynb").hardlink_to(folder.parents[2] / "solutions" / NAME / f"{NAME}.ipynb")


@mutation("is a link or a device")
def case_95_a_pipe_that_never_ends(notebook: Notebook, folder: Any) -> None:
    (folder / f"{NAME}.ipynb").unlink()
    os.mkfifo(folder / f"{NAME}.ipynb")


@mutation()
def case_52_a_forged_time(notebook: Notebook, folder: Any) -> None:
    (folder / "timestamp.txt").write_text("2001-01-01 00:00:00 UTC", encoding="utf-8")


@mutation()
def case_53_an_extra_notebook(notebook: Notebook, folder: Any) -> None:
    (folder / f"{NAME}_extra.ipynb").write_text('{"cells": not json', encoding="utf-8")


@mutation("not JSON")
def case_54_broken_json(notebook: Notebook, folder: Any) -> None:
    (folder / f"{NAME}.ipynb").write_text("{broken", encoding="utf-8")


@mutation("nested too deeply")
def case_55_nested_json(notebook: Notebook, folder: Any) -> None:
    (folder / f"{NAME}.ipynb").write_text("[" * 200_000, encoding="utf-8")


@mutation("no list of cells")
def case_96_json_that_is_no_notebook(notebook: Notebook, folder: Any) -> None:
    (folder / f"{NAME}.ipynb").write_text(json.dumps({"cells": {"0": "x"}}), encoding="utf-8")


@mutation("not utf-8")
def case_97_not_utf_8(notebook: Notebook, folder: Any) -> None:
    (folder / f"{NAME}.ipynb").write_bytes(b"\xff\xfe{\x00}\x00")


@mutation()
def case_98_names_with_newlines_and_commands(notebook: Notebook, folder: Any) -> None:
    for name in ("a\nb", "$(touch evil)", "--help", "\x1b[31mred", "'; drop table grade; --"):
        (folder / name).write_text("x", encoding="utf-8")


@mutation("too large")
def case_99_ten_thousand_files(notebook: Notebook, folder: Any) -> None:
    for number in range(10_000):
        (folder / str(number)).touch()


@mutation()
def case_100_modules_beside_the_notebook(notebook: Notebook, folder: Any) -> None:
    for name in ("numpy", "course", "json", "sitecustomize"):
        (folder / f"{name}.py").write_text("raise SystemExit('sabotage')", encoding="utf-8")


@mutation("there is no")
def case_101_no_notebook_at_all(notebook: Notebook, folder: Any) -> None:
    (folder / f"{NAME}.ipynb").unlink()
