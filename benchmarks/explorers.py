"""How long a reader waits for an explorer: from a key press to the frame with a new picture.

    .venv/bin/python -m pip install -c constraints.txt -e ".[benchmarks]"
    .venv/bin/python -m benchmarks.explorers

In one run: every explorer in the static page and in JupyterLab, and there beside them the same curve (the cell's loss
after each of 20 steps) drawn by ``ipywidgets.interactive`` with inline matplotlib, by ipympl, and by a widget that asks
the kernel for its numbers. Real key presses through Chromium, at no fixed moment of a frame.

Beside them also the floor: a slider that changes one word of an otherwise empty picture, in an empty page and in JupyterLab. No
explorer can be quicker than that on the same machine.

``shown``: from the key press to the end of the paint of the first frame with a new picture, the wait for that frame with it
(0 to 16.7 ms at 60 frames a second). ``work``: what the page computed, drew and painted for it, without that wait; below
16.7 ms the picture stands in the next frame. ``next``: how many of the new pictures stood in the very next frame. Rasterising and the screen's own delay come on top, for all alike.

Writes ``data/results/explorers.json`` and the table in ``benchmarks/README.md``. Keep the machine quiet meanwhile.
"""

import os
import platform
import random
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tqdm import tqdm

from benchmarks import race
from mlteach.course.lessons import NOTEBOOKS, RESULTS
from mlteach.course.site import build_page
from tests.browser.chromium import browser, watched_page
from tests.browser.explorers import ROWS, Keys, title, variable
from tests.browser.lab import Notebook, jupyterlab
from tests.browser.view import View

HERE = Path(__file__).parent
WARM_UP, PRESSES = 20, 200
FRAME, KERNEL, TIMES = 16.7, 50.0, 5.0  # ms, ms, and how many times faster than `interactive`
BACK = {
    "ArrowLeft": "ArrowRight", "ArrowRight": "ArrowLeft", "ArrowUp": "ArrowDown", "ArrowDown": "ArrowUp",
    "Home": "End", "End": "Home", "PageUp": "PageDown", "PageDown": "PageUp",
}  # fmt: skip

_CURVE = """
from mlteach.explore.gradient_cell import SURFACES, walk
def losses(gate):
    return [SURFACES["ravine"].loss(*point) for point in walk("ravine", (-0.8, 1.1), 1.0, gate, 0.0, 20)]
"""
_INTERACTIVE = """
import matplotlib.pyplot as plt
from ipywidgets import FloatSlider, interactive
def draw(gate):
    fig, ax = plt.subplots(figsize=(6, 3.5))
    ax.semilogy(losses(gate))
    ax.set(xlabel="step", ylabel="loss", ylim=(1e-4, 100))
    plt.show()
interactive(draw, gate=FloatSlider(value=0.05, min=0.01, max=0.06, step=0.001))
"""
_IPYMPL = """
%matplotlib widget
import matplotlib.pyplot as plt
from ipywidgets import FloatSlider
with plt.ioff():
    fig, ax = plt.subplots(figsize=(6, 3.5))
line, = ax.semilogy(losses(0.05))
ax.set(xlabel="step", ylabel="loss", ylim=(1e-4, 100))
slider = FloatSlider(value=0.05, min=0.01, max=0.06, step=0.001)
def draw(change):
    line.set_ydata(losses(change.new))
    fig.canvas.draw_idle()
slider.observe(draw, "value")
display(slider, fig.canvas)
"""
_KERNEL = '''
import anywidget, numpy, traitlets
class Curve(anywidget.AnyWidget):
    """The slider and the drawing in JavaScript, the numbers from Python."""
    gate = traitlets.Float(0.05).tag(sync=True)
    losses = traitlets.Bytes(numpy.float32(losses(0.05)).tobytes()).tag(sync=True)
    @traitlets.observe("gate")
    def _compute(self, change):
        self.losses = numpy.float32(losses(change.new)).tobytes()
    _esm = """
    export default { render({ model, el }) {
      const slider = Object.assign(document.createElement("input"), { type: "range", min: 0.01, max: 0.06, step: 0.001, value: model.get("gate") });
      slider.setAttribute("data-lm-suppress-shortcuts", "true");
      const canvas = Object.assign(document.createElement("canvas"), { width: 600, height: 350 }), pen = canvas.getContext("2d");
      const draw = () => {
        const view = model.get("losses");
        pen.clearRect(0, 0, 600, 350);
        pen.beginPath();
        for (let k = 0; k < view.byteLength / 4; k++) pen.lineTo(20 + 28 * k, 200 - 60 * Math.log10(view.getFloat32(4 * k, true)));
        pen.stroke();
      };
      slider.oninput = () => { model.set("gate", Number(slider.value)); model.save_changes(); };
      model.on("change:losses", () => requestAnimationFrame(draw));
      el.append(slider, canvas);
      draw();
    } };
    """
Curve()
'''
_WORD = """
  const slider = Object.assign(document.createElement("input"), { type: "range", min: 0, max: 100, value: 50 });
  slider.setAttribute("data-lm-suppress-shortcuts", "true");
  slider.setAttribute("aria-label", "word");
  el.innerHTML = "<svg width='300' height='100'><text x='10' y='50'>50</text></svg>";
  const word = el.querySelector("text");
  slider.oninput = () => requestAnimationFrame(() => { word.textContent = slider.value; });
  el.append(slider);
"""
_FLOOR_PAGE = f"<!doctype html><title>floor</title><div id=root></div><script>const el = document.getElementById('root');{_WORD}</script>"
_FLOOR = f'''
import anywidget
class Word(anywidget.AnyWidget):
    """The least a widget can show."""
    _esm = """export default {{ render({{ el }}) {{ {_WORD} }} }};"""
Word()
'''
FLOOR = "the floor: one word changes"
PEERS = {
    FLOOR: (_FLOOR, "input", "drawing"),
    "interactive + inline matplotlib": (_INTERACTIVE, "[role=slider]", "image"),
    "ipympl": (_IPYMPL, "[role=slider]", "drawing"),
    "a widget whose numbers come from the kernel": (_KERNEL, "input", "drawing"),
}
_, INTERACTIVE, _, BACKED = PEERS


def measure(page: Any, root: Any, control: Any, key: str, kind: str = "drawing") -> dict[str, Any]:
    """Press ``key`` and its opposite in turn; medians and 95th percentiles in milliseconds."""
    root.evaluate("(root, kind) => stopwatch.watch(root, kind)", kind)
    control.focus()
    moment, found = random.Random(0), []
    for press in range(WARM_UP + PRESSES):
        time.sleep(0.03 + 0.03 * moment.random())  # what came before is over, and a frame may be at any point
        page.evaluate("() => { stopwatch.arm(); }")
        page.keyboard.press(BACK.get(key, key) if press % 2 else key)  # a switch is its own way back
        found.append(page.evaluate("() => stopwatch.result"))
    shown, work = ([one[name] for one in found[WARM_UP:]] for name in ("shown", "work"))
    return {
        "median": round(statistics.median(shown), 1),
        "p95": round(percentile(shown), 1),
        "work_median": round(statistics.median(work), 1),
        "work_p95": round(percentile(work), 1),
        "next": round(statistics.mean(one["late"] <= 0 for one in found[WARM_UP:]), 3),
    }


def percentile(values: list[float]) -> float:
    """The 95th."""
    return statistics.quantiles(values, n=20, method="inclusive")[-1]


def explorer(view: View, keys: Keys) -> dict[str, Any]:
    """One of ours, wherever it stands."""
    control = view.root.get_by_label(keys.label, exact=True)
    return measure(view.page, view.root, control, keys.press[0])


@contextmanager
def timed_page(running: Any, **context: Any) -> Iterator[Any]:
    """A page with a stopwatch; fails when it complained."""
    page, complaints = watched_page(running, **context)
    page.context.add_init_script(path=HERE / "stopwatch.js")
    yield page
    page.context.close()
    assert not complaints, complaints


def in_static_page(running: Any, gallery: Path, folder: Path) -> Iterator[dict[str, Any]]:
    floor = folder / "floor.html"
    floor.write_text(_FLOOR_PAGE, encoding="utf-8")
    with timed_page(running, offline=True) as page:
        page.goto(floor.as_uri())
        slider = page.get_by_label("word")
        yield {"name": FLOOR, "home": "static page"} | measure(
            page, page.locator("#root"), slider, "ArrowRight"
        )
    file = build_page(gallery, folder / "explorers.html")
    for name, row in ROWS.items():
        with timed_page(running, offline=True) as page:
            page.goto(file.as_uri())
            page.wait_for_selector("html[data-explorers=ready]")
            view = View(page, page.get_by_role("region", name=title(name), exact=True))
            yield {"name": name, "home": "static page"} | explorer(view, row.keys)


def in_jupyterlab(running: Any, gallery: Path, folder: Path) -> Iterator[dict[str, Any]]:
    import nbformat

    (folder / gallery.name).write_bytes(gallery.read_bytes())
    for number, (source, _, _) in enumerate(PEERS.values()):
        cells = [nbformat.v4.new_code_cell(text.strip()) for text in (_CURVE, source)]
        spec = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
        nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=spec), folder / f"peer{number}.ipynb")
    with jupyterlab(folder) as address:
        for number, (name, (_, control, kind)) in enumerate(PEERS.items()):
            with timed_page(running) as page:
                notebook = Notebook(page, address, f"peer{number}.ipynb")
                notebook.run_all()
                cell = notebook.show(1)
                slider = cell.locator(f".jp-OutputArea {control}").first
                slider.wait_for()
                root = cell.locator(".jp-OutputArea").first
                yield {"name": name, "home": "JupyterLab"} | measure(page, root, slider, "ArrowRight", kind)
        with timed_page(running) as page:
            notebook = Notebook(page, address, gallery.name)
            notebook.run_all()
            for name, row in ROWS.items():
                cell = notebook.show(notebook.find(f"{variable(name)} = {name}"))
                yield {"name": name, "home": "JupyterLab"} | explorer(
                    View(page, cell.locator(".mlx")), row.keys
                )


def table(about: dict[str, Any]) -> str:
    """The figures as a markdown table, with the aims and whether they were met."""
    figures = about["figures"]
    ours = [figure for figure in figures if figure["name"] in ROWS]
    slow = next(figure["median"] for figure in figures if figure["name"] == INTERACTIVE)
    backed = next(figure["median"] for figure in figures if figure["name"] == BACKED)
    lines = [
        "| what | where | shown: median | 95th percentile | work: median | 95th percentile | in the next frame | times faster than "
        "`interactive` |",
        "|---|---|--:|--:|--:|--:|--:|--:|",
    ]
    for figure in figures:
        drawn_here = figure in ours or figure["name"] == FLOOR
        work = [f"{figure[name]:.1f}" for name in ("work_median", "work_p95")] + [f"{figure['next']:.0%}"]
        numbers = [
            f"{figure['median']:.1f}",
            f"{figure['p95']:.1f}",
            *(work if drawn_here else [""] * len(work)),
            f"{slow / figure['median']:.1f}",
        ]
        lines.append(f"| {' | '.join([figure['name'], figure['home'], *numbers])} |")
    late = [f"{f['name']} ({f['home']})" for f in ours if f["work_p95"] > FRAME]
    frames = [f"{f['name']} ({f['home']})" for f in ours if f["next"] < 0.95]
    floor = [f["home"] for f in figures if f["name"] == FLOOR and f["work_p95"] > FRAME]
    below = [f"{f['name']} ({f['home']})" for f in ours if slow / f["median"] < TIMES]
    aims = [
        ("a new picture in the very next frame, 95 times in 100", frames),
        (f"work within one frame ({FRAME} ms) at the 95th percentile", late),
        (
            f"a picture from the kernel in under {KERNEL:.0f} ms at the median",
            [BACKED] if backed >= KERNEL else [],
        ),
        (f"at least {TIMES:.0f} times faster than `interactive` at the median", below),
    ]
    said = [
        f"- {aim}: {'not met by ' + ', '.join(failed) if failed else 'met by all'}." for aim, failed in aims
    ]
    if floor:
        said.append(
            f"- The floor itself, one word in an empty picture, needs more than one frame ({FRAME} ms) of work at the 95th percentile in: "
            f"{', '.join(floor)}."
        )
    how = f"Milliseconds, {about['presses']} key presses each, {about['cores']} CPU cores, no graphics card, {about['browser']}, {about['date'][:10]}."
    return "\n".join([how, "", *lines, "", "Aims:", "", *said])


def in_readme(text: str, about: dict[str, Any]) -> str:
    """``text`` with the table between its two marks."""
    return race.in_readme(text, "explorers", table(about))


def main() -> None:
    """Measure all and write both files."""
    (gallery,) = NOTEBOOKS.glob("90_*.ipynb")
    figures = []
    with browser() as running, tempfile.TemporaryDirectory() as folder:
        homes = (in_static_page, in_jupyterlab)
        with tqdm(total=2 * len(ROWS) + len(PEERS) + 1, unit="explorer") as bar:
            for home in homes:
                for figure in home(running, gallery, Path(folder)):
                    figures.append(figure | {"unit": "ms", "device": "cpu"})
                    bar.update()
        about = {
            "profile": "latency",
            "date": datetime.now(UTC).isoformat(timespec="seconds"),
            "presses": PRESSES,
            "cores": os.cpu_count(),
            "browser": f"Chromium {running.version}",
            "versions": {"python": platform.python_version()}
            | {
                name: version(name)
                for name in ("jupyterlab", "ipywidgets", "anywidget", "matplotlib", "ipympl")
            },
            "figures": figures,
        }
    race.keep_at(RESULTS / "explorers.json", "explorers", about, table(about))
    print(table(about))


if __name__ == "__main__":
    main()
