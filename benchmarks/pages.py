"""How heavy the website's pages are and how soon they answer, as Lighthouse asks, in Chromium.

    .venv/bin/python -m benchmarks.pages

Every page of the site and every deck, opened from the disk with nothing in the cache, ``RUNS`` times; medians. What a new window
draws for its address bar is turned off (``FLAGS`` in `tests.browser.chromium`).

``kB``: the page's one file, and what it weighs as a web server sends it (gzip). ``first paint``: from the click to the first text.
``interactive``: until what is in the window answers, its explorers alive, its slide laid out, and no task of 50 ms or more that
began before is still running. ``whole``: until all explorers are alive and all slides laid out, which is done in pieces, in moments in which the browser has
nothing else to do. ``longest task``: how long the page could not answer at a stretch; below
50 ms Chromium reports none. ``blocked``: the sum of what its tasks took beyond 50 ms.

Writes ``data/results/pages.json`` and the table in ``benchmarks/README.md``. Keep the machine quiet meanwhile.
"""

import gzip
import os
import platform
import statistics
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tqdm import tqdm

from benchmarks import race
from mlteach.course.lessons import RESULTS, notebook, source
from mlteach.course.site import all_lessons, page
from mlteach.course.site.lesson import read
from mlteach.course.site.map import course_map
from mlteach.course.slides import deck, lectured
from tests.browser.chromium import browser, until, watched_page

RUNS = 5
#: The aims: when a page answers and how long it may be deaf at a stretch, in ms; what is sent of it, in kB.
INTERACTIVE, LONGEST, SENT = 300.0, 200.0, 1500.0
WATCH = """
window.tasks = [];
new PerformanceObserver((list) => { for (const each of list.getEntries()) tasks.push([each.startTime, each.duration]); })
  .observe({ type: "longtask", buffered: true });
addEventListener("DOMContentLoaded", () => {
  const root = document.documentElement, there = () => {
    const { explorers, deck } = root.dataset, far = document.querySelector(".slide") ? deck : document.querySelector("figure.explorer") ? explorers : "ready";
    if (window.alive == null && (far == "here" || far == "ready")) window.alive = performance.now();
    if (window.whole == null && far == "ready") window.whole = performance.now();
  };
  new MutationObserver(there).observe(root, { attributes: true });
  there();
});
"""
ASK = """async () => {
  for (let k = 0; k < 10; k++) await new Promise((drawn) => requestAnimationFrame(drawn));
  await new Promise((later) => setTimeout(later, 300));
  const paint = performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? 0;
  const before = tasks.filter(([began]) => began <= alive);
  const ends = before.map(([began, length]) => began + length);
  return { paint, interactive: Math.max(alive, ...ends), whole, longest: Math.max(0, ...tasks.map(([, length]) => length)),
    blocked: tasks.reduce((sum, [, length]) => sum + length - 50, 0), elements: document.querySelectorAll("*").length };
}"""


def pages() -> dict[str, str]:
    """The HTML of the whole site by what the table calls each: nothing at all, the map, the lessons, the decks."""
    lessons = all_lessons()
    html = {lesson.name: page(notebook(source(lesson.name[:2])), lessons) for lesson in lessons}
    whole = {"the floor: an empty page": "<!doctype html><title>empty</title><p>nothing</p>"}
    whole |= {"the map": course_map(read(notebook(source("00"))), lessons, html)}
    whole |= {f"lesson {name[:2]}": text for name, text in html.items()}
    for name in html:
        if name[:2] != "90":
            whole[f"slides {name[:2]}"] = deck(
                lectured(read(notebook(source(name[:2]))), source(name[:2])), name
            )
    return whole


def measure(running: Any, address: str) -> dict[str, float]:
    """One opening of a page; milliseconds."""
    tab, complaints = watched_page(running, offline=True)
    tab.add_init_script(WATCH)
    tab.goto(address)
    until(tab, "window.whole != null")
    found: dict[str, float] = tab.evaluate(ASK)
    tab.context.close()
    assert not complaints, complaints
    return found


def table(about: dict[str, Any]) -> str:
    """The figures as Markdown, with which pages miss Lighthouse's bounds."""
    rows = about["figures"]
    lines = [
        f"Medians of {about['runs']} openings, {about['cores']} CPU cores, no graphics card, {about['browser']}, {about['date'][:10]}.",
        "",
        "| page | kB | kB as sent | elements | first paint, ms | interactive, ms | whole, ms | longest task, ms | blocked, ms |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for row in rows:
        cells = ("kB", "kB_sent", "elements", "paint", "interactive", "whole", "longest", "blocked")
        lines.append(f"| {row['name']} | " + " | ".join(f"{row[key]:.0f}" for key in cells) + " |")
    late = [row["name"] for row in rows if row["interactive"] > INTERACTIVE]
    stuck = [row["name"] for row in rows if row["longest"] > LONGEST]
    heavy = [row["name"] for row in rows if row["kB_sent"] > SENT]
    said = [
        f"{what}: {'all' if not bad else 'not ' + ', '.join(bad)}."
        for what, bad in (
            (f"Interactive within {INTERACTIVE:g} ms", late),
            (f"No task longer than {LONGEST:g} ms", stuck),
            (f"As sent at most {SENT / 1000:g} MB", heavy),
        )
    ]
    return "\n".join([*lines, "", " ".join(said)])


def in_readme(text: str, about: dict[str, Any]) -> str:
    """``text`` with the table between its two marks."""
    return race.in_readme(text, "pages", table(about))


def main() -> None:
    """Measure all and write both files."""
    figures = []
    with browser() as running, tempfile.TemporaryDirectory() as folder:
        for name, html in tqdm(pages().items(), unit="page"):
            file = Path(folder) / "page.html"
            file.write_text(html, encoding="utf-8")
            runs = [measure(running, file.as_uri()) for _ in range(RUNS)]
            middle = {key: round(statistics.median(run[key] for run in runs), 1) for key in runs[0]}
            sent = len(gzip.compress(file.read_bytes(), mtime=0)) / 1000
            figures.append(
                {"name": name, "kB": round(file.stat().st_size / 1000, 1), "kB_sent": round(sent, 1)} | middle
            )
        about = {
            "profile": "pages",
            "date": datetime.now(UTC).isoformat(timespec="seconds"),
            "runs": RUNS,
            "cores": os.cpu_count(),
            "browser": f"Chromium {running.version}",
            "versions": {"python": platform.python_version()},
            "figures": figures,
        }
    race.keep_at(RESULTS / "pages.json", "pages", about, table(about))
    print(table(about))


if __name__ == "__main__":
    main()
