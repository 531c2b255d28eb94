"""The table of points: complete, read rightly by whoever imports it, and no formula in it."""

import csv

import pytest

from grader import export
from grader.errors import BadAssignment, BadClassroom
from grader.gradebook import Book
from grader.marks import Marks, Person, Sheet

HEADER = ["student", "score", "max_score", "late_penalty", "waiting", "relu", "step", "why", "draw",
          "last_name", "first_name", "email"]  # fmt: skip


def rows(path):
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file))


@pytest.fixture
def table(classroom, tmp_path):
    def table(**options):
        export.write_csv(classroom, "hw", tmp_path / "points.csv", **options)
        return rows(tmp_path / "points.csv")

    return table


def test_everyone_is_in_the_table_with_the_points_of_each_exercise(table):
    header, *students = table()
    assert header == HEADER
    assert [row[:9] for row in students] == [
        ["ada", "6", "10", "0", "2", "4", "2", "", ""],
        ["ben", "4", "10", "0", "2", "2", "2", "", ""],
        ["cleo", "0", "10", "0", "2", "0", "0", "", ""],
        ["dan", "0", "10", "0", "0", "0", "0", "0", "0"],
    ]


def test_who_did_not_submit_has_a_line_without_points(classroom, table):
    with Book(classroom.db_url) as book:
        book.book.add_student("zoe", last_name="Müller", first_name="Zoë", email="zoe@example.org")
    assert table()[-1] == ["zoe", "", "10", "", "", "", "", "", "", "Müller", "Zoë", "zoe@example.org"]


def test_a_spreadsheet_reads_it_as_utf8(table, tmp_path):
    table()
    assert (tmp_path / "points.csv").read_bytes().startswith(b"\xef\xbb\xbfstudent,score,")


def test_a_penalty_in_the_gradebook_counts(classroom, table):
    with Book(classroom.db_url) as book:
        book.book.find_submission_notebook("hw", "hw", "ada").late_submission_penalty = 1.5
        book.book.db.commit()
    assert table()[1][:4] == ["ada", "4.5", "10", "1.5"]


def test_a_late_penalty_is_taken_off_and_never_below_zero():
    sheets = {who: Sheet(who, {("hw", "a"): 3.0}, penalty=cost) for who, cost in (("ada", 1.25), ("ben", 5.0))}
    marks = Marks({("hw", "a"): 4.0}, sheets, [Person("ada"), Person("ben")])
    _, ada, ben = export._table(marks)
    assert ada[:4] == ["ada", 1.75, 4.0, 1.25]
    assert ben[:4] == ["ben", 0.0, 4.0, 5.0]


def test_of_several_notebooks_the_columns_tell_which(table):
    marks = Marks({("one", "a-check"): 1.0, ("two", "a-check"): 2.0}, {}, [])
    assert next(export._table(marks))[5:7] == ["one: a", "two: a"]


def test_canvas_gets_its_own_headings_and_only_final_scores(classroom, table):
    with Book(classroom.db_url) as book:
        for cell in ("why", "draw"):
            grade = book.book.find_grade(cell, "hw", "hw", "ada")
            grade.manual_score, grade.needs_manual_grade = 1, False  # as formgrader does
        book.book.db.commit()
    header, possible, ada, ben, *_ = table(layout="canvas")
    assert header == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "hw"]
    assert possible == ["    Points Possible", "", "", "", "", "10"]
    assert ada == ["ada", "", "", "ada", "", "8"]
    assert ben == ["ben", "", "", "ben", "", ""]


def test_of_the_empty_grades_for_canvas_it_is_said_why():
    sheets = {who: Sheet(who, {("hw", "a"): score}) for who, score in (("ada", 1.0), ("ben", None), ("cleo", None))}
    people = [Person(who) for who in ("ada", "ben", "cleo", "dan")]
    assert export.empty_fields(Marks({}, sheets, people)) == (
        "3 grades are left empty, and Canvas keeps what it has: of 2 an answer waits for a person, 1 is not graded yet."
    )
    assert export.empty_fields(Marks({}, sheets, people[:3])).endswith(": of 2 an answer waits for a person.")
    assert export.empty_fields(Marks({}, {"ada": sheets["ada"]}, people[:1])) == ""


@pytest.mark.parametrize(
    "name", ["=1+1", "+1", "-1", "@SUM(A1)", "  =1+1", "\t=1+1", "\r=1", "＝1+1", "\N{ZERO WIDTH SPACE}=1", "\ufeff=1"]
)
def test_no_name_is_a_formula(name):
    assert not export._field(name).startswith(
        ("=", "+", "-", "@", "＝", "\t", "\r", " ", "\N{ZERO WIDTH SPACE}", "\ufeff")
    )


@pytest.mark.parametrize("name", ['a"b', "a,b", "a\nb", "a;b", "<b>", "a\udcff"])
def test_every_name_is_one_field(classroom, tmp_path, name):
    with Book(classroom.db_url) as book:
        book.book.add_student("eve", last_name="" if "\udcff" in name else name)
    export.write_csv(classroom, "hw", tmp_path / "points.csv")
    assert {len(row) for row in rows(tmp_path / "points.csv")} == {len(HEADER)}
    export._field(name).encode("utf-8")


def test_an_unknown_assignment_is_named(classroom, tmp_path):
    with pytest.raises(BadAssignment, match="there is no assignment 'hw9'"):
        export.write_csv(classroom, "hw9", tmp_path / "points.csv")
    assert not (tmp_path / "points.csv").exists()


def test_a_place_that_cannot_be_written_is_named_and_nothing_is_left(classroom, tmp_path):
    (tmp_path / "points.csv").mkdir()
    with pytest.raises(BadClassroom, match="cannot be written: "):
        export.write_csv(classroom, "hw", tmp_path / "points.csv")
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".part"] == []
