"""The course as a website: one self-contained page a lesson, and a map of them. It executes nothing.

build_page(Path("notebooks/03_gradient_descent_is_an_lstm_cell.ipynb"), Path("page.html"))
build_site(Path("site"))
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mlteach.course.lessons import LessonError, notebook, sources
from mlteach.course.site.folder import free, publish
from mlteach.course.site.lesson import Lesson, about, all_lessons, fresh, read, write

#: A page may not be larger: it is opened on phones, and mailed.
MOST_BYTES = 3_000_000


def build_page(notebook_path: Path, target: Path, lessons: Sequence[Lesson] | None = None) -> Path:
    """Write the executed notebook as one HTML file that needs no kernel, no network and no other file.

    ``lessons``: those of the site, in order; links and "next" lead to them. Without them: all that have a source.
    Raises LessonError for a formula that cannot be read, a dead link, a widget that would be dead.
    """
    return write(target, page(notebook_path, all_lessons() if lessons is None else lessons))


def build_site(target: Path, *, progress: bool = True) -> Path:
    """Write all lessons and the map of the course into the folder ``target``; returns the map's file.

    Nothing is executed, and nothing is written before everything is made; then the site is exchanged as a whole, and
    files that are not its own stay as they are. Raises LessonError, also for a notebook that is older than its source or
    cannot be read: a course with a hole in it is no site.
    """
    from tqdm import tqdm

    from mlteach.course.site.map import course_map

    free(target)
    for source in sources():
        fresh(source)
    lessons = all_lessons()
    names = tqdm(
        [each.name for each in lessons], desc="site", unit="page", delay=2, disable=None if progress else True
    )
    pages = {name: page(notebook(Path(name)), lessons) for name in names}
    files = {f"{name}.html": html for name, html in pages.items()}
    files["index.html"] = course_map(
        read(notebook(Path(lessons[0].name))), lessons, pages
    )  # the last: it links all
    publish(files, target, kind="site", all_of_it=True)
    return target / "index.html"


def page(notebook_path: Path, lessons: Sequence[Lesson]) -> str:
    """The HTML of one lesson. Raises LessonError, see `build_page`."""
    from mlteach.course.site.explorers import explorers
    from mlteach.course.site.exporter import Exporter, as_script, self_contained
    from mlteach.course.site.markdown import Page
    from mlteach.course.site.story import first_explorer, references, told

    name = notebook_path.stem
    lesson = read(notebook_path)
    place = next((k for k, each in enumerate(lessons) if each.name == name), None)
    packed = explorers(lesson, name=name)
    site: dict[str, Any] = {
        "lesson": about(lesson, name),
        "styles": packed.pop("styles"),
        "explorers": as_script(packed),
        "before": lessons[place - 1] if place else None,
        "after": lessons[place + 1] if place is not None and place + 1 < len(lessons) else None,
    }
    names = {each.name for each in lessons} | {name}
    try:
        story = told(lesson)
    except LessonError as error:
        raise LessonError(f"{name}: {error}") from error
    site["explorer"] = first_explorer(story)
    about_page = Page(name, names, references=references(lesson))
    html, _ = Exporter("mlteach", about_page, site).from_notebook_node(story)
    html = self_contained(html, name=name, pages={f"{each}.html" for each in (*names, "index")})
    if len(html.encode()) > MOST_BYTES:
        raise LessonError(f"{name}: its page is over {MOST_BYTES:,} bytes; draw fewer or smaller pictures.")
    return html
