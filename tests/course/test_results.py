"""What a cell printed, on a slide: columns become tables, checks ticks; nothing that was printed is lost."""

import re
from html import unescape
from typing import Any

import pytest

from mlteach.course.lessons import notebook, sources
from mlteach.course.site.lesson import read
from mlteach.course.site.results import FIGURE_SPACE, results
from mlteach.course.slides import slides


def rows(html: str) -> list[list[str]]:
    return [
        re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in re.findall(r"<tr>(.*?)</tr>", html, re.S)
    ]


def test_columns_become_a_table_with_its_head_and_its_numbers_at_the_right() -> None:
    html = results("    error    steps\nMAML   0.38 ± 0.04  1\njoint, long name  13.40 ±  2   32\n")
    assert "<table>" not in html  # the columns run into each other
    html = results(
        "          after 1 step   blown up\nMAML       0.38 ± 0.04         no\njoint      13.4 ±  2         False\n"
    )
    assert rows(html) == [
        ["", "after 1 step", "blown up"],
        ["MAML", "0.38 ± 0.04", "no"],
        ["joint", f"13.4 ± {FIGURE_SPACE}2", "no"],
    ]
    assert html.count("<th") == 3 and html.count('class="n"') == 3


def test_a_line_with_other_columns_is_a_label_and_a_wide_cell() -> None:
    html = results("a   1   by hand\nb   2   by hand\nc   not recorded yet\nIt is < 3 seeds.")
    assert rows(html)[2] == ["c", "not recorded yet"] and 'colspan="2"' in html
    assert "<p>It is &lt; 3 seeds.</p>" in html


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("ours and theirs: exact, the largest difference is 0", "✓ ours and theirs: exactly equal"),
        (
            "a and b: equal to rounding, the largest difference is below 1e-12",
            "✓ a and b: equal to rounding, to within 1e-12",
        ),
        ("two of them agree on less than three: True", "✓ two of them agree on less than three"),
        ("torch.equal says: True", "✓ torch.equal says: yes"),
        ("one query alone gets the same: False", "✗ one query alone gets the same: no"),
        ("first line\n  goes on", "first line goes on"),
    ],
)
def test_a_check_has_a_mark(line: str, said: str) -> None:
    assert unescape(re.sub(r"<[^>]*>", "", results(line))) == said


def printed() -> list[Any]:
    found = []
    for source in sources():
        for slide in slides(read(notebook(source))):
            for cell in slide.cells:
                found += [output.text for output in cell.get("outputs", []) if output.output_type == "stream"]
    return found


def test_nothing_that_the_lessons_print_is_lost() -> None:
    def words(text: str) -> list[str]:
        text = re.sub(
            r"exact, the largest difference is 0|, the largest difference is below|True|False", "", text
        )
        return re.findall(r"[\w.]+", text)

    for text in printed():
        shown = unescape(re.sub(r"<[^>]*>", " ", results(text)))
        assert [word for word in words(text) if word not in words(shown)] == []
