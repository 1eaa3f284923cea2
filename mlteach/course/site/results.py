"""What a cell printed, as a slide shows it: columns as a table, checks as ticks, sentences as sentences.

A terminal's look is right where the code stands beside it; from the last row nobody reads a line of 100 narrow letters.
"""

import re
from collections.abc import Iterator
from html import escape
from itertools import groupby

COLUMNS = re.compile(r"\S {2,}\S")
GAP = re.compile(r" {2,}")
TRUTH = re.compile(r"(?P<what>.+): +(?P<truth>True|False)")
SAME = re.compile(
    r"(?P<what>.+): (?:exact, the largest difference is 0|equal to rounding, the largest difference is below (?P<below>\S+))"
)
#: 3, -0.5, 12 %, 0.38 ± 0.04, 11.3 (9.2), 44 s
NUMBER = re.compile(r"[+−-]?\d[\d.,]*(?: ?%| s)?(?: ± \u2007*[\d.]+(?: %)?)?(?: \([^)]*\))?")
#: A narrow number is filled up with these, which a font draws as wide as a digit.
LONG = 48  # a cell of so many letters is a sentence, and wraps
FIGURE_SPACE = "\u2007"


def results(text: str) -> str:
    """HTML of a printed ``text``."""
    text = re.sub(r"\x1b\[[\d;]*m", "", text).rstrip()
    text = re.sub(r"±( +)", lambda found: "± " + FIGURE_SPACE * (len(found[1]) - 1), text)
    parts = []
    for in_columns, lines in groupby(text.split("\n"), key=lambda line: bool(COLUMNS.search(line))):
        rows = [line.rstrip() for line in lines]
        if in_columns:
            parts.append(table(rows) or f'<pre class="printed">{escape(chr(10).join(rows))}</pre>')
        else:
            whole = re.sub(
                r"\n +(?=\S)", " ", "\n".join(rows)
            )  # an indented line goes on with the one before
            parts.extend(sentence(row) for row in whole.split("\n") if row)
    return f'<div class="results" role="group" aria-label="Output">{"".join(parts)}</div>'


def sentence(line: str) -> str:
    """A line alone: a check that holds has a tick, one that does not has a cross."""
    if found := SAME.fullmatch(line):
        how = f"equal to rounding, to within {found['below']}" if found["below"] else "exactly equal"
        return f'<p class="check"><b class="yes">✓</b> {escape(found["what"])}: {escape(how)}</p>'
    if found := TRUTH.fullmatch(line):
        yes, what = found["truth"] == "True", found["what"].strip()
        said = f"{what}: {'yes' if yes else 'no'}" if len(what.split()) < 4 or not yes else what
        return f'<p class="check"><b class="{"yes" if yes else "no"}">{"✓" if yes else "✗"}</b> {escape(said)}</p>'
    return f"<p>{escape(line.strip())}</p>"


def table(lines: list[str]) -> str | None:
    """Lines that stand in columns as a table; None where the columns cannot be told.

    A line that has other columns than most is a label and one wide cell.
    """
    if len(lines) == 1:
        return sentence(re.sub(r" {2,}", " ", lines[0]))
    counts = [len(GAP.findall(line.strip())) for line in lines]
    usual = max(set(counts), key=counts.count)
    for chosen in (lines, [line for line, count in zip(lines, counts, strict=True) if count == usual]):
        between = gutters(chosen)
        rows = {line: list(cells(line, between)) for line in chosen}
        rest = [line.strip() for line in lines if line not in rows]
        if between and not any(
            "   " in cell for cell in (*sum(rows.values(), []), *(GAP.sub("", line, 1) for line in rest))
        ):
            break
    else:
        return None
    width = len(between) + 1
    columns = list(zip(*rows.values(), strict=True))
    numbers = [
        sum(bool(NUMBER.fullmatch(cell)) for cell in column) * 2 >= len(column) - 1 for column in columns
    ]
    first = rows.get(lines[0])
    head = first is not None and any(numbers[1:]) and len(rows) > 2
    head = head and not any(
        NUMBER.fullmatch(cell) for cell, right in zip(first or (), numbers, strict=True) if right
    )
    html = ""
    for k, line in enumerate(lines):
        html += "<tr>"
        if line not in rows:
            label, other = GAP.split(line.strip(), maxsplit=1)
            html += f'<td>{answer(label)}</td><td class="w" colspan="{width - 1}">{answer(other)}</td></tr>'
            continue
        tag = "th" if head and k == 0 else "td"
        for n, (cell, right) in enumerate(zip(rows[line], numbers, strict=True)):
            kind = ' class="n"' if right and n else ' class="w"' if len(cell) > LONG else ""
            html += f"<{tag}{kind}>{answer(cell)}</{tag}>"
        html += "</tr>"
    return f"<table>{html}</table>"


def answer(cell: str) -> str:
    """A cell; a truth is said in words."""
    truth = re.sub(r"\bTrue$", "yes", re.sub(r"\bFalse$", "no", cell))
    return escape(truth)


def gutters(lines: list[str]) -> list[tuple[int, int]]:
    """Where two blanks or more go through all lines, from and to, after the first letter."""
    wide = max(map(len, lines))
    blank = "".join(" " if all(line[k : k + 1] in ("", " ") for line in lines) else "x" for k in range(wide))
    return [found.span() for found in re.finditer(r"(?<=x) {2,}(?=x)", blank)]


def cells(line: str, between: list[tuple[int, int]]) -> Iterator[str]:
    """The line cut at the gutters."""
    begin = 0
    for end, following in between:
        yield line[begin:end].strip(" ")
        begin = following
    yield line[begin:].strip(" ")
