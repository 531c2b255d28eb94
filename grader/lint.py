"""What `build` refuses in a source of the instructor's, one sentence for each fault."""

from __future__ import annotations

import ast
import builtins
import re
import symtable
from collections import Counter
from collections.abc import Iterator

from nbformat import NotebookNode

from .cells import grade_id, is_exercise, is_graded, is_setup, is_solution, is_test
from .mistakes import BadMistake, Mistake, mistaken
from .recording import Run
from .release import BLANKS, numbers_of
from .source import Solution
from .trusted import without_magics

COMPARING = {"gradient", "blank", "raises"}  # methods of a check that look at every element by themselves
PROPERTY = {"sum", "mean", "std", "var", "max", "min", "any", "all", "shape", "size", "ndim", "dtype", "len", "norm"}
HIDDEN = re.compile(r"### BEGIN HIDDEN TESTS\n(.*?)### END HIDDEN TESTS\n", re.DOTALL)
ROUNDING = 1e-9


def lint(solution: Solution) -> list[str]:
    """The faults that can be seen without running anything."""
    if faults := list(_syntax(solution)):  # what follows reads the cells
        return faults
    return [
        *_exercises(solution), *_tests(solution), *_answers(solution), *_borrowed(solution), *_mistakes(solution)
    ]  # fmt: skip


def tests_of(notebook: NotebookNode) -> dict[str, list[str]]:
    """The test cells of each exercise: that which is named after it, or those between it and the next exercise."""
    exercises = [str(grade_id(cell)) for cell in notebook.cells if is_exercise(cell)]
    found: dict[str, list[str]] = {name: [] for name in exercises}
    last = None
    for cell in notebook.cells:
        name = str(grade_id(cell))
        if is_exercise(cell):
            last = name
        elif is_test(cell):
            named = name.removesuffix("-check")
            owner = named if named in found else last
            if owner is not None:
                found[owner].append(name)
    return found


def lint_run(solution: Solution, run: Run) -> list[str]:
    """The faults that show when the solution is run."""
    faults = [f"the cell {name} of the solution ends in {error}" for name, error in run.errors.items()]
    for cell in solution.notebook.cells:
        name = str(grade_id(cell))
        if name not in run.tests:
            continue
        tested, points = run.tests[name], float(cell.metadata.nbgrader.points)
        if tested.error:
            faults.append(f"the test {name} ends in {tested.error} on the solution: {tested.message}")
        elif tested.printed:
            faults.append(f"the test {name} prints a warning on the solution: {tested.printed.strip().splitlines()[0]}")
        elif type(tested.value) not in (int, float):
            faults.append(f"the test {name} ends with {tested.value!r}, not with a number of points")
        elif abs(tested.score - points) > ROUNDING:
            faults.append(f"the test {name} is worth {points:g} points, its solution earns {tested.score:g}")
    checks = Counter(check for tested in run.tests.values() for check in tested.answers)
    faults += [
        f"two tests have a Check called {name!r}: their records would mix" for name, n in checks.items() if n > 1
    ]
    return [f"{solution.name}: {fault}" for fault in faults]


def lint_mistake(solution: Solution, mistake: Mistake, run: Run) -> list[str]:
    """The faults that show when a known mistake is run: it must cost points."""
    points = {
        str(grade_id(cell)): float(cell.metadata.nbgrader.points) for cell in solution.notebook.cells if is_test(cell)
    }
    if all(tested.score >= points[name] - ROUNDING for name, tested in run.tests.items()):
        return [f"{solution.name}: the mistake {mistake.name!r} of {mistake.exercise} keeps full marks"]
    return []


def _syntax(solution: Solution) -> Iterator[str]:
    for cell in solution.notebook.cells:
        if cell.cell_type == "code":
            try:
                ast.parse(without_magics(cell.source))
            except SyntaxError as error:
                yield f"{solution.name}: the cell {_called(cell)} is no Python, in its line {error.lineno}: {error.msg}"


def _exercises(solution: Solution) -> Iterator[str]:
    mistakes = Counter(mistake.exercise for mistake in solution.mistakes)
    tests = tests_of(solution.notebook)
    for cell in solution.notebook.cells:
        if not is_exercise(cell):
            continue
        name, where = str(grade_id(cell)), f"{solution.name}: the exercise {grade_id(cell)}"
        if not tests[name]:
            yield f"{where} has no test"
        if BLANKS.search(cell.source):
            yield from (f"{where} {fault}" for fault in _blanks(cell.source))
        elif "### BEGIN SOLUTION" not in cell.source:
            yield f"{where} has no ### BEGIN SOLUTION … ### END SOLUTION: nothing would be left of it"
        else:
            if not mistakes[name]:
                yield f"{where} has no known mistake beside it"
            if re.search(r"^### BEGIN SOLUTION", cell.source, re.MULTILINE):
                yield f"{where} has its solution outside of a function: in the stub, what it defines would be missing"


def _blanks(source: str) -> Iterator[str]:
    for region in BLANKS.finditer(source):
        for statement in ast.parse(region[1]).body:
            text = ast.unparse(statement)
            if not isinstance(statement, ast.Assign | ast.AnnAssign) or not numbers_of(statement):
                yield f"has a line without a number to fill in among its blanks: {text}"
            elif any(isinstance(node, ast.BinOp | ast.Compare) for node in ast.walk(statement)):
                yield f"has arithmetic among its blanks, where only the answer belongs: {text}"


def _tests(solution: Solution) -> Iterator[str]:
    for cell in solution.notebook.cells:
        if not is_graded(cell):
            continue
        where, points = f"{solution.name}: the graded cell {grade_id(cell)}", cell.metadata.nbgrader.get("points")
        if type(points) not in (int, float) or not points > 0:
            yield f"{where} has no points" if points is None else f"{where} has {points!r} points"
        if not is_test(cell):
            continue
        calls = list(_calls(ast.parse(without_magics(cell.source))))
        if calls and not any(_compares(call) for call in calls):
            yield f"{where} compares only properties such as a sum or a shape; compare every element"
        if hidden := HIDDEN.search(cell.source):
            if ".hide()" not in hidden[1]:
                yield f"{where} has hidden tests that do not begin with check.hide()"
            if any(call.lineno > cell.source[: hidden.end()].count("\n") for call in calls):
                yield f"{where} has cases after its hidden tests; hidden tests come last, before score()"


def _calls(tree: ast.Module) -> Iterator[ast.Call]:
    """The cases of the checks in a test cell."""
    checks = {
        target.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and _name(node.value.func) == "Check"
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            owner = node.func.value if isinstance(node.func, ast.Attribute) else node.func
            cases = {"equal", "holds", *COMPARING}
            is_case = not isinstance(node.func, ast.Attribute) or node.func.attr in cases
            if isinstance(owner, ast.Name) and owner.id in checks and is_case:
                yield node


def _compares(call: ast.Call) -> bool:
    """Whether a case looks at all of an answer."""
    if isinstance(call.func, ast.Name) or _name(call.func) in COMPARING:
        return True
    compared = call.args[1] if len(call.args) > 1 else None
    if isinstance(compared, ast.Lambda):
        compared = compared.body
    return not any(_name(node) in PROPERTY for node in ast.walk(compared)) if compared is not None else True


def _name(node: ast.AST) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _answers(solution: Solution) -> Iterator[str]:
    for cell in solution.notebook.cells:
        if cell.cell_type == "markdown" and is_solution(cell) and "BEGIN MARK SCHEME" not in cell.source:
            yield f"{solution.name}: the question {grade_id(cell)} has no mark scheme"


def _borrowed(solution: Solution) -> Iterator[str]:
    """Students' cells and tests run apart while grading: neither may need a name that only the other defines."""
    code = [cell for cell in solution.notebook.cells if cell.cell_type == "code"]
    of_exercises = {name for cell in code if is_exercise(cell) for name in names_in(cell.source)[0]}
    of_setup = {name for cell in code if is_setup(cell) for name in names_in(cell.source)[0]}
    of_students = {name for cell in code if not is_test(cell) for name in names_in(cell.source)[0]}
    of_tests = {name: _called(cell) for cell in code if is_test(cell) for name in names_in(cell.source)[0]}
    for cell in code:
        where = f"{solution.name}: the {'test' if is_test(cell) else 'cell'} {_called(cell)}"
        bound, used = names_in(cell.source)
        if is_test(cell):
            for name in sorted(used - of_exercises - of_setup - set(dir(builtins))):
                yield f"{where} uses {name}, which is neither the student's nor defined in it or in a setup cell"
            for name in sorted(bound & of_exercises):
                yield f"{where} gives {name} a new meaning, which is the student's"
        else:
            for name in sorted((used - of_students) & of_tests.keys()):
                yield f"{where} uses {name}, which only the test {of_tests[name]} defines"


def names_in(source: str) -> tuple[set[str], set[str]]:
    """The names that a cell binds at its top level, and those it uses from elsewhere.

    >>> names_in("import numpy as np\\ndef f(x): return np.dot(x, w)\\ny = f(z)")
    ({...}, {'w', 'z'})
    """
    table = symtable.symtable(without_magics(source), "<cell>", "exec")
    bound = {symbol.get_name() for symbol in table.get_symbols() if symbol.is_assigned() or symbol.is_imported()}
    used: set[str] = set()
    pending = [table]
    while pending:
        scope = pending.pop()
        pending += scope.get_children()
        top = scope is table
        used |= {s.get_name() for s in scope.get_symbols() if s.is_referenced() and (top or s.is_global())}
    return bound, used - bound


def _mistakes(solution: Solution) -> Iterator[str]:
    for mistake in solution.mistakes:
        try:
            changed = mistaken(solution.notebook, mistake)
            for cell in changed.cells:
                if grade_id(cell) == mistake.exercise:
                    ast.parse(without_magics(cell.source))
        except BadMistake as error:
            yield f"{solution.name}: {error}"
        except SyntaxError as error:
            yield f"{solution.name}: the mistake {mistake.name!r} of {mistake.exercise} leaves no Python: {error.msg}"


def _called(cell: NotebookNode) -> str:
    """A cell's name, or its beginning if it has none."""
    return grade_id(cell) or repr(next((line for line in cell.source.split("\n") if line.strip()), "")[:50])
