"""Every lesson keeps its promises to the reader; and every rule of the contract catches a lesson that does not."""

from collections.abc import Callable
from pathlib import Path

import pytest

from mlteach.course import contract
from mlteach.course.lessons import ROOT, sources
from mlteach.course.reading import reading
from mlteach.course.source import learner_notebook

EXERCISE = """\
# %% [markdown]
# <details><summary>Hint 1</summary>a</details>
# <details><summary>Hint 2</summary>b</details>
# <details><summary>Hint 3</summary>c</details>

# %% tags=["exercise"]
### BEGIN SOLUTION
answer = 1
### END SOLUTION

# %%
check("98.NUMBER", answer)

"""
GOOD = (
    """\
# %% [markdown] slideshow={"slide_type": "slide"}
# # 98 A good lesson
#
# In ten minutes you can write one as well.
#
# **You will be able to**
#
# - do this,
# - do that,
#   at length,
# - and the third.
#
# **Prerequisites:** something you
# know ([here](00_start_here.ipynb)).
#
# **Time:** 5 minutes of reading.
#
# *smoke* takes 5 s. *lecture* takes 2 minutes. *paper* takes 3 h.

# %% [markdown] slideshow={"slide_type": "notes"}
# 42 min. Say it.

# %% tags=["parameters"]
PROFILE = "smoke"

# %%
from mlteach.explore import MethodMap

# %% [markdown]
# **Predict.** How many?
#
# - ( ) about 12: as many as before
# - ( ) about 70
#
# <details><summary>How many?</summary>
#
# About 70. There is room.
#
# </details>

# %%
print(MethodMap().summary)

"""
    + EXERCISE.replace("NUMBER", "1")
    + EXERCISE.replace("NUMBER", "2")
    + """\
# %%
mine = yours("98.2", answer, otherwise=2)

# %% [markdown]
# ## Pitfall: a trap
#
# Here it is.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What you learned
#
# A lot.

# %% [markdown] slideshow={"slide_type": "notes"}
# 1 min. Say it again.

# %% [markdown]
# ## Quiz
#
# <details><summary>One</summary>Because the answer explains itself in a sentence.</details>
# <details><summary>Two</summary>Because the answer explains itself in a sentence.</details>
#
# ## References
#
# [Finn 2017](https://arxiv.org/abs/1703.03400)
#
# ## Next
#
# [Here](00_start_here.ipynb)
"""
)
BREAKS = [
    ("must begin with", "# # 98 A good lesson", "# # A good lesson"),
    ("a sentence of promise", "# In ten minutes you can write one as well.\n#\n", ""),
    ("there are 2", "# - do this,\n", ""),
    ("there are 7", "# - do this,\n", "# - a\n# - b\n# - c\n# - d\n# - e\n"),
    ('a line "Prerequisites"', "([here](00_start_here.ipynb))", ""),
    ("how many minutes of reading", "5 minutes of reading.", "a while."),
    ("it is 5 minutes of reading", "5 minutes of reading.", "10 minutes of reading."),
    ("over 60 it is two lessons", "# Here it is.\n", "# Here it is.\n" + 60 * ("# " + 250 * "word " + "\n")),
    ("no exercise is used", "mine = yours(", "mine = theirs("),
    ("what the profile lecture costs", "*lecture* takes 2 minutes. ", ""),
    ("what the profile paper costs", "*paper* takes 3 h.", ""),
    ('one cell tagged "parameters"', ' tags=["parameters"]', ""),
    ('one cell tagged "parameters"', '"smoke"', '"paper"'),
    ('begins "**Predict.**"', "**Predict.**", "Predict."),
    ("must begin with one of its choices", "# About 70. There", "# Seventy. There"),
    ('gives "70" away', "## Pitfall: a trap", "## Pitfall: 70 traps"),
    ('gives "70" away', "# - do that,", "# - do that 70 times,"),
    ("no code line over 88 columns; 89 has", "print(MethodMap().summary)", "print(MethodMap().summary)" + " " * 2 + "#" + "x" * 60),
    ("no code line over 88 columns; 91 has", "answer = 1\n", "answer = 1  # " + "x" * 77 + "\n"),
    ('in place of "the next cell"', "# Here it is.", "# The next cell shows it."),
    ("imports no explorer", "from mlteach.explore import MethodMap", "pass"),
    ("prints no explorer's summary", ".summary", ""),
    ("which swallows errors", "from mlteach.explore import MethodMap", "from mlteach.explore import MethodMap\nfrom ipywidgets import interact"),
    ("it has 1 exercises", EXERCISE.replace("NUMBER", "2"), ""),
    ('must call check("98.2"', '"98.2"', '"98.1"'),
    ("2 cells are tagged", "### BEGIN SOLUTION\nanswer = 1\n### END SOLUTION", "answer = 1"),
    ("there are 5 hints", "<summary>Hint 3</summary>c", "c"),
    ('no section "Pitfall"', "## Pitfall", "## Careful"),
    ('no section "What you learned"', "## What you learned", "## The end"),
    ("there are 1", "# <details><summary>Two</summary>Because the answer explains itself in a sentence.</details>\n", ""),
    ("does not explain itself", "Two</summary>Because the answer explains itself in a sentence.", "Two</summary>No."),
    ('"References" with links', "(https://arxiv.org/abs/1703.03400)", ""),
    ("needs one notes cell", "42 min. Say it.", "Say it."),
    ("its slides take 39.5 minutes", "42 min.", "38.5 min."),
    ('its last slide must be "What', "# %% [markdown]\n# ## Quiz", '# %% [markdown] slideshow={"slide_type": "slide"}\n# ## Quiz\n\n# %% [markdown] slideshow={"slide_type": "notes"}\n# 1 min. Ask.\n\n# %% [markdown]'),
    ("goes on with a slide", '{"slide_type": "slide"}', '{"slide_type": "fragment"}'),
    ('is a "slides" on the slides', '{"slide_type": "slide"}', '{"slide_type": "slides"}'),
    ('"Next" with a link', "[Here](00_start_here.ipynb)", "Here"),
]  # fmt: skip


@pytest.mark.parametrize("source", sources(), ids=lambda path: path.stem)
def test_every_lesson_keeps_the_contract(source: Path) -> None:
    assert contract.broken(source) == []


@pytest.fixture
def judged(tmp_path: Path) -> Callable[[str], list[str]]:
    def judge(text: str) -> list[str]:
        path = tmp_path / "98_good.py"
        path.write_text(text)
        return contract.broken(path)

    return judge


def test_a_good_lesson_is_good(judged: Callable[[str], list[str]]) -> None:
    assert judged(GOOD) == []


@pytest.mark.parametrize(("sentence", "old", "new"), BREAKS)
def test_each_rule_catches_what_breaks_it(
    judged: Callable[[str], list[str]], sentence: str, old: str, new: str
) -> None:
    assert old in GOOD
    assert any(sentence in found for found in judged(GOOD.replace(old, new, 1)))


@pytest.mark.parametrize("name", ["README.md", "notebooks/src/00_start_here.py"])
def test_the_map_of_lessons_is_honest(name: str) -> None:
    """A lesson that exists is linked; a lesson that does not is marked so."""
    rows = [line.lstrip("# ") for line in (ROOT / name).read_text().splitlines()]
    rows = [row for row in rows if row.startswith("| ") and row[2:4].isdigit()]
    assert [row[2:4] for row in rows] == [f"{number:02d}" for number in range(22)]
    written = {path.stem[:2]: path.stem for path in sources()}
    for row in rows:
        number = row[2:4]
        if number not in written:
            assert "not written yet" in row, row
        elif not (name.startswith("notebooks") and number == "00"):
            assert f"{written[number]}.ipynb)" in row and "not written yet" not in row, row


@pytest.mark.parametrize("source", sources()[:-1], ids=lambda path: path.stem)
def test_the_readme_says_how_long_a_lesson_is_to_read(source: Path) -> None:
    minutes = reading(learner_notebook(source)).promised
    assert f"{source.stem}.ipynb) | {minutes} min |" in (ROOT / "README.md").read_text()
