"""``python -m mlteach.exercises.bank [NN ...] [--show]``: a table of what the judge makes of the banks."""

import argparse
import time

from mlteach.exercises import exercises
from mlteach.exercises.bank import banks, counts, tried

COLUMNS = ("wrong", "named", "generic", "accepted", "right", "refused")


def main() -> None:
    """Print one row for every exercise; with --show also the sentence that each answer gets."""
    parser = argparse.ArgumentParser(prog="python -m mlteach.exercises.bank", description=main.__doc__)
    parser.add_argument("lessons", nargs="*", metavar="NN", help="lessons (05) or exercises (05.2); else all")
    parser.add_argument("--show", action="store_true", help="print what each answer is told")
    chosen = parser.parse_args()
    known = banks()
    print("exercise", *(f"{name:>8}" for name in COLUMNS), f"{'seconds':>8}")
    total = dict.fromkeys(COLUMNS, 0)
    for id in exercises():
        if chosen.lessons and id not in chosen.lessons and id[:2] not in chosen.lessons:
            continue
        if id not in known:
            print(f"{id:8} has no bank")
            continue
        start = time.perf_counter()
        every = list(tried(id, known[id]))
        seconds = time.perf_counter() - start
        found = counts(every)
        row = {name: len(getattr(found, name)) for name in COLUMNS}
        total = {name: total[name] + row[name] for name in COLUMNS}
        print(f"{id:8}", *(f"{row[name]:8}" for name in COLUMNS), f"{seconds:8.1f}")
        if lost := [label for label in known[id].pitfalls if label not in found.named]:
            print(f"    pitfalls that are not named: {', '.join(lost)}")
        if chosen.show:
            for t in every:
                mark = "right" if t.is_right else "wrong"
                kind = "accepted" if t.verdict.passed else "named" if t.verdict.named else "generic"
                print(f"    {mark} {kind:8} {t.label}: {t.verdict.message}")
    print(f"{'all':8}", *(f"{total[name]:8}" for name in COLUMNS))


if __name__ == "__main__":
    main()
