"""How the minutes of reading are counted."""

import nbformat
import pytest

from mlteach.course.lessons import sources
from mlteach.course.reading import Reading, reading, table, words

V4 = nbformat.v4


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (4, "Two words, **two** more."),
        (3, "## A [link](https://example.org/far) counts."),
        (3, "With $a + b = c$ inside."),
        (2, "One $$\na\n=\nb$$."),
        (3, "| a | b |\n|---|--:|\n| c | – |"),
        (2, '<span data-moves="A.b">0.9</span> stays.'),
        (6, "<details><summary>Why?</summary>\n\nIt is read as well.</details>"),
        (0, "<details><summary>Hint 2</summary>No part of the text.</details>"),
        (1, "Read.\n<details><summary>Solution</summary>\n\n```python\nx = 1\n```\n\n</details>"),
    ],
)
def test_what_is_a_word(count: int, text: str) -> None:
    assert words(text) == count


def test_what_is_counted_and_what_is_not() -> None:
    notebook = V4.new_notebook(
        cells=[
            V4.new_markdown_cell("word " * 400),
            V4.new_code_cell("import torch", metadata={"tags": ["setup"]}),
            V4.new_code_cell("print(1)"),
            V4.new_code_cell("answer = ...", metadata={"tags": ["exercise"]}),
            V4.new_code_cell('check("01.1", answer)'),
            V4.new_code_cell("figure()"),
            V4.new_markdown_cell("## Appendix: more\n\n" + "word " * 400),
            V4.new_code_cell("print(2)"),
        ]
    )
    found = reading(notebook)
    assert found == Reading(words=400, cells=2)
    assert (found.minutes, found.promised) == (3.0, 5)
    assert Reading(words=2000, cells=0).promised == 10 and Reading(words=2001, cells=0).promised == 15


def test_the_table_has_every_lesson() -> None:
    assert [row[:2] for row in table().splitlines()[1:]] == [path.stem[:2] for path in sources()]
