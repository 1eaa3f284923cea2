"""What a change touches: the tests and the lessons that could come out otherwise, and no others.

Files say which lesson they belong to by their names. For the package's modules the imports say it: whatever a changed module is
imported by, over any number of steps (`grimp`, which also keeps the direction of imports). What nothing is known of touches everything.
"""

import ast
import re
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from mlteach.course.lessons import ROOT, notebook, sources
from mlteach.errors import MlteachError

LESSON = re.compile(
    r"(?:notebooks/(?:src/)?|data/(?:results|checkpoints|lectures)/|studies/lesson|mlteach/exercises/(?:bank/)?lesson)(\d\d)(?!\d)"
)
EXPLORER = re.compile(r"mlteach/explore/(\w+)/\w+\.(?:py|js|css)$")
SITE = re.compile(r"mlteach/course/(?:site/|slides\.py|jupyter/)|mlteach/explore/base/")
#: Written with every notebook, and held against them by the check of the lessons.
BUILT = "data/built.json"
#: Only read, never run.
WORDS = re.compile(r"(?:docs/|[A-Z]+\.md$|data/README\.md$|CITATION\.cff$|LICENSE$)|.*\.png$")


class Touched(NamedTuple):
    """Test files and folders, lessons by number, and what of the browser's tests: names for pytest's -k."""

    tests: list[str]
    lessons: list[str]
    browser: list[str]

    def words(self) -> str:
        """What is touched, in words."""
        of_tests = f"{len(self.tests)} of the test files and folders" if self.tests else ""
        of_lessons = (
            f"lesson{'s' * (len(self.lessons) > 1)} {', '.join(self.lessons)}" if self.lessons else ""
        )
        of_browser = f"in the browser {', '.join(self.browser)}" if self.browser else ""
        return "; ".join(filter(None, (of_tests, of_lessons, of_browser))) or "no test and no lesson"

    def commands(self) -> list[list[str]]:
        """What pytest is to be called with, one list after the other."""
        found = [self.tests] if self.tests else []
        if self.lessons:
            chosen = [source for source in sources() if source.stem[:2] in self.lessons]
            names = " or ".join(source.stem for source in chosen)
            found.append(["tests/lessons/test_contract.py", "tests/browser/test_decks.py", "-k", names])
            found.append([notebook(source).relative_to(ROOT).as_posix() for source in chosen])
        if self.browser:
            found.append(["tests/browser", "-k", " or ".join(self.browser)])
        return found


def changed_files(since: str) -> list[str]:
    """Files that differ from the commit ``since``, and those that git does not know yet. Raises MlteachError without git."""
    found: list[str] = []
    for asked in (["diff", "--name-only", since, "--"], ["ls-files", "--others", "--exclude-standard"]):
        try:
            done = subprocess.run(["git", *asked], cwd=ROOT, capture_output=True, text=True)
        except OSError as error:
            raise MlteachError(
                "What has changed is asked of git, and git is not here; run the whole test."
            ) from error
        if done.returncode:
            said = done.stderr.strip().splitlines()
            raise MlteachError(
                f"git cannot say what has changed since {since} ({said[0] if said else 'no reason'}); name a commit with --since, "
                "or run the whole test."
            )
        found += done.stdout.splitlines()
    return sorted(set(found))


def touched_by(files: Iterable[str]) -> Touched | None:
    """What these files touch, or None for everything."""
    tests, lessons, browser, modules = set[str](), set[str](), set[str](), set[str]()
    for file in files:
        of_lesson = LESSON.match(file)
        if of_lesson:
            lessons.add(of_lesson[1])
        if file.startswith("tests/"):
            path = Path(file)
            tests.add(file if path.name.startswith("test_") else path.parent.as_posix())
        elif file.startswith("mlteach/") and file.endswith(".py"):
            modules.add(file.removesuffix(".py").removesuffix("/__init__").replace("/", "."))
        elif not (
            of_lesson
            or file == BUILT
            or file.startswith(("mlteach/", "studies/", "benchmarks/"))
            or WORDS.match(file)
        ):
            return None
        if (found := EXPLORER.match(file)) and found[1] != "base":
            tests |= {f"tests/explore/test_{found[1]}.py", "tests/explore/test_base.py"}
            browser.add(found[1].title().replace("_", ""))
        if SITE.match(file):
            tests |= {"tests/explore/test_base.py", "tests/course", "tests/browser"}
        if file.startswith("mlteach/exercises/"):  # found by their names, not by imports
            tests.add("tests/exercises")
        if WORDS.match(file):
            tests |= {"tests/test_project.py", "tests/robustness"}
    affected = users_of(modules)
    tests |= {path for path, named in imports_of(ROOT.glob("tests/**/test_*.py")).items() if named & affected}
    lessons |= {Path(path).stem[:2] for path, named in imports_of(sources()).items() if named & affected}
    for source in sources():  # a lesson with an explorer that was changed shows another one
        if any(re.search(rf"\b{name}\b", source.read_text(encoding="utf-8")) for name in browser):
            lessons.add(source.stem[:2])
    there = sorted(test for test in tests if (ROOT / test).exists())
    return Touched(without_nested(there), sorted(lessons), sorted(browser))


def users_of(modules: set[str]) -> set[str]:
    """These modules and all that import them, over any number of steps. One that is gone is still named by those who miss it."""
    if not modules:
        return set()
    import grimp

    graph = grimp.build_graph("mlteach")
    found = set(modules)
    for module in modules & graph.modules:
        found |= graph.find_downstream_modules(module)
    return found


def imports_of(paths: Iterable[Path]) -> dict[str, set[str]]:
    """The modules of the package that each file names in an import."""
    found: dict[str, set[str]] = {}
    for path in paths:
        named: set[str] = set()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                named |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                named |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        found[path.relative_to(ROOT).as_posix()] = {name for name in named if name.startswith("mlteach")}
    return found


def without_nested(paths: list[str]) -> list[str]:
    """The paths without those that lie in a folder among them."""
    return [path for path in paths if not any(Path(other) in Path(path).parents for other in paths)]
