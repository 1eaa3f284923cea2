"""What every explorer promises, whatever it shows."""

import base64
import json
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch

import mlteach.explore
from mlteach.course.lessons import NOTEBOOKS
from mlteach.explore import (
    EpisodeInspector,
    GradientCell,
    LearnedStep,
    LossLandscape,
    LstmGates,
    MethodMap,
    style,
)
from mlteach.explore.base import Explorer, script, sig, stylesheet
from mlteach.inner import CoordinatewiseLSTM

HERE = Path(mlteach.explore.__file__).parent
FILES = sorted(HERE.glob("*/*.js"))


def inspector() -> EpisodeInspector:
    return EpisodeInspector.recorded()


def learned_step() -> LearnedStep:
    return LearnedStep(CoordinatewiseLSTM(raw=1.0).init(torch.Generator().manual_seed(0)), 1.0)


EXPLORERS = [GradientCell, LossLandscape, LstmGates, MethodMap, inspector, learned_step]
CHANGES = {
    "GradientCell": ("forget", 0.9),
    "LstmGates": ("forget", (0.9,) * 24),
    "MethodMap": ("method", "Reptile"),
    "LearnedStep": ("unit", 0.1),
    "LossLandscape": ("rate", 0.08),
    "EpisodeInspector": ("step", 1),
}


@pytest.fixture(params=EXPLORERS, ids=lambda make: make.__name__)
def explorer(request: pytest.FixtureRequest) -> Explorer:
    return request.param()


def test_the_same_state_has_the_same_repr_summary_and_picture(request: pytest.FixtureRequest) -> None:
    for make in EXPLORERS:
        one, two = make(), make()
        assert repr(one) == repr(two)
        assert one.summary == two.summary
        assert one.png() == two.png()
        assert "0x" not in repr(one)


def test_a_change_shows_in_summary_repr_and_picture(explorer: Explorer) -> None:
    before = explorer.summary, repr(explorer), explorer.png()
    setattr(explorer, *CHANGES[type(explorer).__name__])
    after = explorer.summary, repr(explorer), explorer.png()
    assert all(a != b for a, b in zip(after, before, strict=True))


def test_the_output_holds_the_widget_a_picture_and_its_alternative_text(explorer: Explorer) -> None:
    data, about = explorer._repr_mimebundle_()
    assert data["application/vnd.jupyter.widget-view+json"]["model_id"] == explorer.model_id
    assert base64.b64decode(data["image/png"]).startswith(b"\x89PNG")
    assert data["text/plain"] == about["image/png"]["alt"] == f"{type(explorer).__name__}. {explorer.summary}"
    assert explorer.model_id not in data["text/plain"]


def test_jupyter_stores_the_picture_with_its_alternative_text(explorer: Explorer) -> None:
    from IPython.core.interactiveshell import InteractiveShell

    data, about = InteractiveShell.instance().display_formatter.format(explorer)
    assert {"text/plain", "image/png", "application/vnd.jupyter.widget-view+json"} <= set(data)
    assert about["image/png"]["alt"] == data["text/plain"]


def test_the_widget_carries_its_own_code_and_looks(explorer: Explorer) -> None:
    state = explorer.get_state()
    assert state["_esm"] == script(explorer.module)
    assert state["_css"] == stylesheet(explorer.module)
    assert 'from "../base/base.js"' not in state["_esm"]


@pytest.mark.parametrize("text", ["http:", "https:", "fetch(", "XMLHttpRequest", "@import", "url("])
def test_nothing_is_loaded_from_anywhere(text: str) -> None:
    for path in [*HERE.glob("*/*.js"), *HERE.glob("*/*.css")]:
        body = path.read_text(encoding="utf-8").replace("http://www.w3.org/", "")
        assert text not in body, f"{path} holds {text}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_the_javascript_parses(node: str, path: Path, tmp_path: Path) -> None:
    file = tmp_path / f"{path.stem}.mjs"
    whole = [script(path.parent.name)] if path.name == "view.js" else []
    for version in (path.read_text(encoding="utf-8"), *whole):
        file.write_text(version, encoding="utf-8")
        done = subprocess.run([node, "--check", str(file)], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


def test_numbers_are_written_the_same_in_both_languages(javascript) -> None:
    rng = np.random.default_rng(1)
    x = [0.0, 1.0, -2.5, 0.125, 0.375, 1234.5, 9999.9, 0.00099951, 1e-9, 5e21, 99.5, 0.05, 1.02]
    x += list(rng.normal(size=400) * 10.0 ** rng.integers(-9, 9, size=400))
    for digits in (1, 2, 3):
        theirs = javascript("gradient_cell", f"data.map((x) => m.sig(x, {digits}))", x)
        assert theirs == [sig(v, digits) for v in x]
    assert [sig(v) for v in (float("inf"), float("nan"), 0.0123, 340.0, 1.2e-5)] == [
        "infinite", "no number", "0.012", "340", "1.2e-5"]  # fmt: skip


def test_explorers_and_figures_share_their_colours() -> None:
    css = (HERE / "base" / "base.css").read_text(encoding="utf-8")
    for name in ("baseline", "lstm", "maml", "fomaml", "reptile", "metric", "warning"):
        assert f"--{name}: {style.color(name)};" in css or f"--{name}: light-dark({style.color(name)}," in css
    for variable, light, dark in style.CELL.values():
        assert f"--{variable}: light-dark({light}, {dark});" in css


def test_the_four_colours_of_a_cell_read_as_text_and_are_those_of_the_formulas() -> None:
    written = "".join(path.read_text(encoding="utf-8") for path in NOTEBOOKS.glob("src/0[23]_*.py"))
    for part, (_, light, dark) in style.CELL.items():
        assert style.cell(part)["color"] == light and f"color{{{light}}}" in written
        assert style.ink(light) == light.lower(), "reads on white"
        assert contrast(dark, "#16181d") >= 4.5 and contrast(dark, "#1f2229") >= 4.5
    assert len({style.cell(part)["linestyle"] for part in style.CELL}) == 4
    with pytest.raises(ValueError, match="c, f, i, g"):
        style.cell("o")


def contrast(one: str, other: str) -> float:
    from matplotlib.colors import to_rgb

    low, high = sorted(style._luminance(to_rgb(colour)) for colour in (one, other))
    return (high + 0.05) / (low + 0.05)


def test_the_bundle_of_d3_says_its_versions_and_its_licence() -> None:
    text = (HERE / "base" / "d3.js").read_text(encoding="utf-8")
    wanted = json.loads((HERE / "base" / "d3" / "package.json").read_text(encoding="utf-8"))["dependencies"]
    assert all(f"{name}@{version}" in text for name, version in wanted.items()), "npm run build in base/d3"
    assert "Permission to use, copy, modify" in text and len(text) < 20_000


def test_what_moves_is_where_its_path_says(javascript) -> None:
    path = [[0, 0], [2, 0], [2, 4]]
    where = javascript(
        "gradient_cell", "data.map((t) => m.along([[0, 0], [2, 0], [2, 4]], t))", [0, 0.5, 1, 1.25, 2, 9]
    )
    assert where == [[0, 0], [1, 0], [2, 0], [2, 1], [2, 4], [2, 4]]
    assert javascript("gradient_cell", "m.until(data, 1.25)", path) == [[0, 0], [2, 0], [2, 1]]


def test_contours_stand_where_the_function_has_their_height(javascript) -> None:
    """A cone: its contour lines are circles, and none runs along the edge of the picture."""
    d = javascript(
        "gradient_cell", "m.contours((x, y) => Math.hypot(x - 60, y - 40), 120, 80, data)", [20, 30]
    )
    points = np.array([[float(v) for v in pair.split()] for pair in re.findall(r"[\d.-]+ [\d.-]+", d)])
    away = np.hypot(points[:, 0] - 60, points[:, 1] - 40)
    inside = (points > 0).all(axis=1) & (points < (120, 80)).all(axis=1)
    assert inside.sum() > 50
    assert np.minimum(abs(away - 20), abs(away - 30))[inside].max() < 0.3


def test_an_explorer_without_its_import_line_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "lonely").mkdir()
    (tmp_path / "lonely" / "view.js").write_text("export default {};", encoding="utf-8")
    monkeypatch.setattr("mlteach.explore.base._EXPLORE", tmp_path)
    with pytest.raises(RuntimeError, match="exactly one line"):
        script("lonely")


def test_unknown_names_are_named() -> None:
    with pytest.raises(AttributeError, match="GradientCell"):
        mlteach.explore.Nothing  # noqa: B018
