"""The numbers of all cases as sheets, output for output, for the relations."""

from typing import Any

from mlteach.exercises.reference import Reference
from mlteach.exercises.sheets import Sheet, Sheets, same
from mlteach.exercises.trial import Outcome
from mlteach.exercises.values import Pair, closeness, paired

Row = tuple[tuple[int | str, ...], Sheets]


def sheets_of(known: Reference, came: list[Outcome], beside: dict[int, Outcome] | None = None) -> list[Row]:
    """The numbers of all cases, output for output; empty where there is more to compare than numbers.

    With ``beside``, another answer's outcomes by the number of the case, these stand in the place of the right ones.
    """
    rows: dict[tuple[int | str, ...], Sheets] = {}
    rights = dict(enumerate(known.right)) if beside is None else beside
    for k, right in rights.items():
        case, yours = known.cases[k], came[k]
        if right.error or yours.error:
            return []
        inputs = known.given.get(case.name, {})
        groups: dict[tuple[int | str, ...], list[Pair]] = {}
        for pair in paired(right.value, yours.value):
            if not isinstance(pair, Pair):
                return []
            if pair.is_tensor:
                groups.setdefault(() if is_one(known, right.value) else pair.path[:1], []).append(pair)
            elif closeness(pair, known.exercise.tolerance) == "":
                return []
        for path, pairs in groups.items():
            numbers = [(p.expected.detach().double(), p.came.detach().cpu().double()) for p in pairs]
            keys = tuple(p.path[-1] for p in pairs if p.path)
            sheet = Sheet(case.name, inputs, tuple(e for e, _ in numbers), tuple(c for _, c in numbers), keys)
            rows.setdefault(path, []).append(sheet)
    return list(rows.items())


def is_one(known: Reference, value: Any) -> bool:
    """Whether a list is one thing to the learner: where it is long, or of another length from case to case."""
    if not isinstance(value, (tuple, list)) or known.exercise.outputs:
        return False
    lengths = {len(value)} | {len(r.value) for r in known.right if isinstance(r.value, (tuple, list))}
    return len(lengths) > 1 or max(lengths) > 5


def joined(rows: list[Row]) -> Sheets:
    """Several outputs as one, where each has every case."""
    count = {len(sheets) for _, sheets in rows}
    if len(count) != 1:
        return []
    return [
        Sheet(
            s[0].case,
            s[0].inputs,
            sum((x.right for x in s), ()),
            sum((x.yours for x in s), ()),
            sum((x.keys for x in s), ()),
        )
        for s in zip(*(sheets for _, sheets in rows), strict=True)
    ]


def is_right(sheets: Sheets) -> bool:
    return all(same(e, c) for s in sheets for e, c in zip(s.right, s.yours, strict=True))


def other_order(rows: list[Row]) -> str | None:
    """Whether each output is right in another's place, one for one."""
    places = []
    for _, mine in rows:
        found = [
            k for k, (_, theirs) in enumerate(rows)
            if len(theirs) == len(mine) and all(
                len(t.right) == len(m.yours) and all(same(e, c) for e, c in zip(t.right, m.yours, strict=True))
                for t, m in zip(theirs, mine, strict=True)
            )
        ]  # fmt: skip
        places.append(found[0] if found else None)
    if None in places or sorted(places) != list(range(len(rows))):  # type: ignore[type-var]
        return None
    return " (from back to front)" if places == list(range(len(rows)))[::-1] and len(rows) > 2 else ""
