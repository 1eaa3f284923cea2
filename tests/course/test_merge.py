"""Whatever a learner does to a copy and whatever becomes of the lesson: what the learner wrote is still there.

Random edits over three versions of a lesson. Each cell of the lesson bears a mark of its own, ``cell_7``, that stays with
it, and each text of the learner's one as well, ``mine_7``; so what should be where can be read off the texts.
"""

import copy
import json
import re
from collections import Counter
from typing import Any

import nbformat
from hypothesis import given, note, settings
from hypothesis import strategies as st

from mlteach.course.align import align, what
from mlteach.course.copies import parse
from mlteach.course.merge import OURS, Merged, came, merge

Lesson = list[tuple[int, int]]  # its cells: which one, and in which version its text is


def text(cell: int, version: int) -> str:
    """The text of a lesson's cell: most of its words stay from version to version."""
    head = (f"def cell_{cell}(x):", f"## The question of cell_{cell}", f'check("98.{cell}", cell_{cell})')[
        cell % 3
    ]
    return (
        f"{head}\n"
        + " ".join(f"word{cell}_{k}" for k in range(6))
        + (f" version{version}" if version else "")
    )


def fresh(lesson: Lesson) -> Any:
    """A fresh copy of a lesson, its cells numbered by their place as the build does."""
    make = [nbformat.v4.new_code_cell, nbformat.v4.new_markdown_cell, nbformat.v4.new_code_cell]
    cells = [
        make[cell % 3](text(cell, version), id=f"98-{at:03d}") for at, (cell, version) in enumerate(lesson)
    ]
    mark = nbformat.from_dict({"lesson": "98_small", "version": str(lesson), "came": came(cells)})
    return nbformat.v4.new_notebook(cells=cells, metadata={OURS: mark})


places = st.integers(0, 100)
revisions = st.lists(
    st.tuples(st.sampled_from(["change", "insert", "drop", "move"]), places, places), max_size=6
)
edits = st.lists(
    st.tuples(
        st.sampled_from(
            [
                "append",
                "replace",
                "add",
                "delete",
                "move",
                "run",
                "swap ids",
                "double",
                "kind",
                "new id",
                "into the note",
            ]
        ),
        places,
        places,
    ),
    max_size=10,
)


def revised(lesson: Lesson, revision: list[tuple[str, int, int]], version: int) -> Lesson:
    """The next version of a lesson."""
    lesson = list(lesson)
    for k, (how, at, to) in enumerate(revision):
        at = at % max(1, len(lesson))
        if how == "insert":
            lesson.insert(at, (100 * version + k, version))
        elif lesson and how == "change":
            lesson[at] = (lesson[at][0], version)
        elif lesson and how == "drop":
            del lesson[at]
        elif lesson:
            lesson.insert(to % len(lesson), lesson.pop(at))
    return lesson


def edited(copied: Any, edit: list[tuple[str, int, int]], marks: Any) -> Any:
    """A copy after a learner has worked in it."""
    copied = copy.deepcopy(copied)
    cells = copied.cells
    for how, at, to in edit:
        if how == "add" or not cells:
            cells.insert(at % (len(cells) + 1), nbformat.v4.new_code_cell(f"mine_{next(marks)}"))
            continue
        cell, other = cells[at % len(cells)], cells[to % len(cells)]
        if how == "append":
            cell.source += f"\nmine_{next(marks)}"
        elif how == "replace":
            cell.source = f"mine_{next(marks)}"
        elif how == "delete":
            del cells[at % len(cells)]
        elif how == "move":
            cells.insert(to % len(cells), cells.pop(at % len(cells)))
        elif how == "run" and cell.cell_type == "code":
            cell.execution_count = 7
            cell.outputs = [nbformat.v4.new_output("stream", text=f"result of {cell.source}")]
        elif how == "swap ids":
            cell.id, other.id = other.id, cell.id
        elif how == "double":
            cells.insert(to % len(cells), copy.deepcopy(cell))  # with its id
        elif how == "new id":
            cell.id = "/".join([cell.id, "x"])[-10:]
        elif how == "kind":
            make = nbformat.v4.new_markdown_cell if cell.cell_type == "code" else nbformat.v4.new_raw_cell
            cells[at % len(cells)] = make(f"{cell.source} mine_{next(marks)}")
            cells[at % len(cells)].id = cell.id
        elif how == "into the note":
            for each in cells:
                if is_note(each):
                    each.source += f" mine_{next(marks)}"
    return copied


def saved(copied: Any, ids: bool) -> Any:
    """A copy as another program may save it, without ids as format 4.4 has it, read again."""
    raw = json.loads(json.dumps(copied))
    if not ids:
        raw["nbformat_minor"] = 4
        for cell in raw["cells"]:
            del cell["id"]
    return parse(json.dumps(raw).encode())


def is_note(cell: Any) -> bool:
    return bool(cell.metadata.get(OURS))


def texts(cells: Any) -> list[str]:
    return [cell.source for cell in cells if not is_note(cell)]


def bearing(cells: Any, cell: int) -> list[str]:
    """The texts that bear the mark of one of the lesson's cells, but for notes, also those the learner wrote into."""
    return [
        each for each in texts(cells) if not each.startswith("> **") and re.search(rf"\bcell_{cell}\b", each)
    ]


def look(before: Lesson, mine: Any, after: Lesson, done: Merged) -> None:
    """Everything that must hold of a merge."""
    cells = done.notebook.cells
    nbformat.validate(done.notebook)
    assert len({cell.id for cell in cells}) == len(cells)
    assert [cell["source"] for cell in done.notebook.metadata[OURS]["came"]] == [
        text(*cell) for cell in after
    ]

    wrote = [cell.source for cell in mine.cells if "mine_" in cell.source]
    found = [cell.source for cell in cells if "mine_" in cell.source]
    assert Counter(wrote) <= Counter(found)
    moved = [cell for cell, _ in after if cell in dict(before)] != [
        cell for cell, _ in before if cell in dict(after)
    ]
    if not moved:
        assert wrote == found

    old, new = dict(before), dict(after)
    for cell in old | new:
        had, has = bearing(mine.cells, cell), bearing(cells, cell)
        if cell not in old:
            if not had:  # of an earlier version, if the learner kept it
                assert has == [text(cell, new[cell])]
        elif not had:
            assert has == [], "deleted by the learner, and back again"
        elif had == [text(cell, old[cell])]:
            assert has == ([text(cell, new[cell])] if cell in new else []), (
                "untouched, and not as the lesson has it"
            )
        else:
            assert set(has) >= {each for each in had if "mine_" in each}

    results = {cell.source: cell.outputs for cell in mine.cells if cell.get("outputs")}
    for cell in cells:
        if cell.get("outputs"):
            assert cell.outputs == results[cell.source]
    kept = [cell for cell in cells if cell.source in results and "mine_" in cell.source]
    assert all(cell.outputs for cell in kept if cell.cell_type == "code" and wrote.count(cell.source) == 1)

    notes = {cells[k + 1].id: cell.source for k, cell in enumerate(cells) if is_note(cell)}
    assert set(done.both) <= set(notes) and set(done.dropped) <= set(notes)
    for name in done.both:
        assert "Both changed" in notes[name] and "word" in notes[name]


@settings(max_examples=100)
@given(st.integers(0, 9), revisions, revisions, edits, edits, st.booleans(), st.booleans())
def test_nothing_of_the_learners_is_lost_over_three_versions(
    size: int, to_2: Any, to_3: Any, first: Any, second: Any, ids_2: bool, ids_3: bool
) -> None:
    marks = iter(range(1000))
    versions: list[Lesson] = [[(cell, 0) for cell in range(size)]]
    versions += [revised(versions[0], to_2, 1)]
    versions += [revised(versions[1], to_3, 2)]
    copied = fresh(versions[0])
    for before, after, edit, ids in zip(
        versions, versions[1:], (first, second), (ids_2, ids_3), strict=False
    ):
        mine = saved(edited(copied, edit, marks), ids)
        note(f"{before} -> {after}\n{texts(mine.cells)}")
        untouched = copy.deepcopy(mine)
        done = merge(mine, fresh(after))
        assert mine == untouched
        look(before, mine, after, done)
        again = merge(done.notebook, fresh(after))
        assert [what(cell) for cell in again.notebook.cells] == [what(cell) for cell in done.notebook.cells]
        copied = done.notebook


@given(st.lists(st.text(max_size=8), max_size=6), st.lists(st.text(max_size=8), max_size=6))
def test_any_cells_are_aligned_one_to_one(old: list[str], new: list[str]) -> None:
    a, b = ([nbformat.v4.new_code_cell(each) for each in every] for every in (old, new))
    found = align(a, b)
    assert len(set(found.values())) == len(found)
    if old == new:
        assert found == {k: k for k in range(len(old))}


def merged(learner: Any, before: Lesson, after: Lesson) -> tuple[list[str], Merged]:
    """The texts of a copy that ``learner`` has changed, after a merge."""
    copied = fresh(before)
    learner(copied.cells)
    done = merge(saved(copied, True), fresh(after))
    return [cell.source for cell in done.notebook.cells], done


def test_both_changed_is_shown_above_and_a_second_time_only_if_it_is_new() -> None:
    def solve(cells: Any) -> None:
        cells[0].source = "def cell_0(x):\n    return 2 * x"

    found, done = merged(solve, [(0, 0), (1, 0)], [(0, 1), (1, 0)])
    assert len(found) == 3 and text(0, 1) in found[0] and "```python" in found[0]
    assert found[1:] == ["def cell_0(x):\n    return 2 * x", text(1, 0)]
    assert done.both == ["98-000"]

    third = merge(done.notebook, fresh([(0, 2), (1, 0)]))  # the note is replaced, not doubled
    found = [cell.source for cell in third.notebook.cells]
    assert len(found) == 3 and text(0, 2) in found[0] and text(0, 1) not in found[0]

    third.notebook.cells[1].source = text(0, 2)  # taken over; then the note has nothing to say
    fourth = merge(third.notebook, fresh([(0, 2), (1, 3)]))
    assert [cell.source for cell in fourth.notebook.cells] == [text(0, 2), text(1, 3)]


def test_a_note_that_the_learner_deleted_stays_deleted_until_the_lesson_changes_again() -> None:
    def solve(cells: Any) -> None:
        cells[0].source = "mine_0"

    _, done = merged(solve, [(0, 0), (1, 0)], [(0, 1), (1, 0)])
    del done.notebook.cells[0]
    third = merge(done.notebook, fresh([(0, 1), (1, 2)]))
    assert [cell.source for cell in third.notebook.cells] == ["mine_0", text(1, 2)]
    fourth = merge(third.notebook, fresh([(0, 3), (1, 2)]))
    assert "Both changed" in fourth.notebook.cells[0].source


def test_where_the_learners_cells_stand() -> None:
    def work(cells: Any) -> None:
        cells.insert(2, nbformat.v4.new_markdown_cell("mine_1"))  # a remark on cell 1
        cells.append(cells.pop(0))  # cell 0 to the end
        cells.insert(0, nbformat.v4.new_markdown_cell("mine_2"))  # above everything

    before = [(cell, 0) for cell in range(4)]
    found, _ = merged(work, before, [(0, 0), (1, 0), (9, 1), (2, 0), (3, 0)])
    assert found == ["mine_2", *[text(1, 0), "mine_1", text(9, 1), text(2, 0), text(3, 0)], text(0, 0)]


def test_a_dropped_cell_that_the_learner_changed_stays_under_a_note() -> None:
    def solve(cells: Any) -> None:
        cells[1].source += "\nmine_0"

    found, done = merged(solve, [(0, 0), (1, 0), (2, 0)], [(0, 0)])
    assert len(found) == 3 and "No longer in the lesson" in found[1] and found[2] == text(1, 0) + "\nmine_0"
    assert done.dropped == ["98-001"] and done.gone == ["98-002"]


def test_metadata_is_merged_entry_by_entry() -> None:
    before, after = fresh([(0, 0)]), fresh([(0, 0)])
    before.cells[0].metadata = nbformat.from_dict({"tags": ["exercise"], "jupyter": {"source_hidden": True}})
    before.metadata[OURS].came = came(before.cells)
    after.cells[0].metadata = nbformat.from_dict(
        {"tags": ["exercise", "new"], "jupyter": {"source_hidden": True}}
    )
    mine = copy.deepcopy(before)
    mine.cells[0].metadata = nbformat.from_dict(
        {"tags": ["exercise"], "jupyter": {"source_hidden": False}, "own": 1}
    )
    done = merge(mine, after).notebook.cells[0].metadata
    assert done == {"tags": ["exercise", "new"], "jupyter": {"source_hidden": False}, "own": 1}


def test_fences_in_a_cell_do_not_end_the_note() -> None:
    def solve(cells: Any) -> None:
        cells[0].source = "mine_0"

    copied = fresh([(0, 0)])
    solve(copied.cells)
    new = fresh([(0, 1)])
    new.cells[0].source += "\n````\ntext\n````"
    above = merge(copied, new).notebook.cells[0].source
    assert above.count("`````") == 2 and new.cells[0].source in above
