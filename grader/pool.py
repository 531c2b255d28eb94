"""Many submissions: graded side by side by workers, written down by one. A crash is a result, never a loss."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, ProcessPoolExecutor, wait
from importlib.metadata import version
from typing import Protocol

import nbformat

from . import crew, intake
from .assignment import Assignment
from .classroom import Classroom, Outcome, write
from .command import command
from .errors import BadGradebook, NoWorkers
from .grade import reject
from .gradebook import Book, answers
from .worker import Done, Job, start, work

PACKAGE = "convnet-course"  # another version of it may grade otherwise


class Workers(Protocol):
    """Something that grades jobs, in any order."""

    def map(self, jobs: Iterable[Job]) -> Iterator[Done]: ...


def autograde(
    classroom: Classroom,
    name: str,
    workers: Workers,
    *,
    students: list[str] | None = None,
    force: bool = False,
    report: Callable[[Outcome, bool], None] = lambda outcome, fresh: None,
) -> list[Outcome]:
    """Grade the submissions of an assignment and write them into the gradebook.

    A submission that was graded before, with the same tests, text, seed and version of this package, is not graded
    again unless `force`.

    Args:
        report: called after each submission with its outcome, and whether it was graded just now.

    Raises:
        BadAssignment, BadGradebook: nothing was graded.
    """
    notebooks = classroom.notebooks(name)
    seed = classroom.seed(name)
    outcomes: list[Outcome] = []
    with Book(classroom.db_url, classroom.config) as book:
        if not book.knows(name):
            release = command("release", name, folder=classroom.root)
            raise BadGradebook(f"{name} has not been released in this class; this does it: {release}")

        def open_jobs() -> Iterator[Job]:
            for student in students if students is not None else classroom.students(name):
                job = take_in(classroom, name, student, notebooks, seed)
                known = classroom.outcome(student, name)
                graded = classroom.folder("autograded", student, name)
                there = all((graded / f"{notebook}.ipynb").is_file() for notebook in notebooks)
                if not force and there and known is not None and known.digest == job.digest:
                    outcomes.append(known)
                    report(known, False)
                else:
                    yield job

        for done in workers.map(open_jobs()):
            outcome = keep(classroom, name, book, done)
            outcomes.append(outcome)
            report(outcome, True)
    return sorted(outcomes, key=lambda outcome: outcome.student)


def take_in(classroom: Classroom, name: str, student: str, notebooks: dict[str, Assignment], seed: int) -> Job:
    """Read a submission, touching nothing that is not a plain file."""
    folder = classroom.folder("submitted", student, name)
    files: dict[str, bytes | str] = {}
    beside: dict[str, str] = {}
    try:
        intake.refuse_link(folder.parent)
        intake.inspect_folder(folder)
        beside = intake.read_beside(folder)
        for notebook in notebooks:
            try:
                files[notebook] = intake.read_bytes(folder / f"{notebook}.ipynb")
            except intake.Rejected as rejection:
                files[notebook] = str(rejection)
    except (intake.Rejected, OSError) as error:
        files = dict.fromkeys(notebooks, str(error))
    digest = hashlib.sha256(f"{version(PACKAGE)}\0{seed}\0{beside.get(intake.TIMESTAMP)}".encode())
    for notebook, assignment in notebooks.items():
        content = files[notebook]
        digest.update(assignment.digest.encode())
        digest.update(hashlib.sha256(content if isinstance(content, bytes) else content.encode()).digest())
    return Job(student, notebooks, files, seed, digest.hexdigest(), beside)


def keep(classroom: Classroom, name: str, book: Book, done: Done) -> Outcome:
    """Write down a graded submission: the gradebook, the notebooks, and last the outcome, which makes it complete."""
    job, known = done.job, classroom.outcome(done.job.student, name)
    scored = {n: (job.notebooks[n], graded) for n, graded in done.graded.items()}
    book.record(job.student, name, scored, job.beside.get(intake.TIMESTAMP), known.answers if known else {})
    folder = classroom.folder("autograded", job.student, name)
    for notebook, graded in done.graded.items():
        write(folder / f"{notebook}.ipynb", nbformat.writes(graded.notebook))
    for file, text in job.beside.items():
        write(folder / file, text)
    results = list(done.graded.values())
    outcome = Outcome(
        job.student,
        job.digest if done.final else "",
        done.level,
        {f"{name}/{cell}": score for name, graded in done.graded.items() for cell, score in graded.scores.items()},
        sum(assignment.automatic_points for assignment in job.notebooks.values()),
        [remark for graded in results for remark in graded.remarks],
        [fault for graded in results for fault in graded.faults],
        sum(graded.seconds for graded in results),
        {key: digest for n, graded in done.graded.items() for key, digest in answers(n, graded.notebook).items()},
    )
    classroom.keep_outcome(name, outcome)
    return outcome


class Local:
    """Worker processes on this machine."""

    def __init__(self, count: int | None = None) -> None:
        self.count = count or len(os.sched_getaffinity(0))

    def map(self, jobs: Iterable[Job]) -> Iterator[Done]:
        """Grade jobs; few are under way at a time, so that memory does not grow with the class."""
        suspects: list[Job] = []
        for job, result in self._round(iter(jobs), self.count):
            if result is None:
                suspects.append(job)
            else:
                yield result
        for job in suspects:  # alone, so that one which kills its worker takes no other with it
            for _, result in self._round(iter([job]), 1):
                yield result or _given_up(job)

    def _round(self, jobs: Iterator[Job], count: int) -> Iterator[tuple[Job, Done | None]]:
        """Grade with one set of workers after another; a job under way when a worker died comes with None."""
        pending = True
        while pending:
            pending = False
            executor = self._workers(count)
            under_way: dict[Future[Done], Job] = {}
            try:
                for job in jobs:
                    under_way[executor.submit(work, job)] = job
                    if len(under_way) > count:
                        yield from _finished(under_way)
                while under_way:
                    yield from _finished(under_way)
            except BrokenExecutor:
                self._prove()
                yield from ((job, None) for job in under_way.values())
                pending = True
            finally:
                executor.shutdown(wait=True, cancel_futures=True)

    def _workers(self, count: int) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(count, mp_context=crew.muster(), initializer=start)

    def _prove(self) -> None:
        """Workers that cannot even start are no submission's fault."""
        with self._workers(1) as executor:
            try:
                executor.submit(os.getpid).result()
            except BrokenExecutor:
                raise NoWorkers("worker processes cannot be started here; what they said stands above") from None


def _finished(under_way: dict[Future[Done], Job]) -> Iterator[tuple[Job, Done]]:
    ready, _ = wait(under_way, return_when=FIRST_COMPLETED)
    for future in ready:
        result = future.result()
        yield under_way.pop(future), result


def _given_up(job: Job) -> Done:
    reason = "the grader's worker process died while it graded this submission, twice; please tell your instructor"
    rejected = {name: reject(assignment, reason) for name, assignment in job.notebooks.items()}
    return Done(job, rejected, final=False)
