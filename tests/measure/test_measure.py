import json
import math
from pathlib import Path

import pytest
import torch

from mlteach.errors import DataError
from mlteach.inner import sgd
from mlteach.measure import (
    Interval,
    accuracy,
    compare,
    difference,
    floor_of,
    ledger,
    over_seeds,
    over_tasks,
    step_accuracy,
)
from mlteach.nets import Conv4, cross_entropy
from mlteach.outer.chunks import tasks_at_once, walks_at_once
from mlteach.tasks import Characters
from mlteach.tasks.episode import Episode


def test_an_interval_over_tasks_is_1_96_standard_errors():
    values = torch.tensor([0.0, 1.0, 1.0, 0.0, 1.0])
    found = over_tasks(values)
    assert found.mean == pytest.approx(0.6)
    assert found.half_width == pytest.approx(1.96 * values.double().std().item() / math.sqrt(5))
    assert str(Interval(95.26, 0.449, 600)) == "95.3 ± 0.4"
    with pytest.raises(ValueError, match="at least one"):
        over_tasks([])


def test_over_a_few_seeds_student_s_t_makes_it_wider():
    found = over_seeds([95.0, 96.0, 97.0])
    assert found.half_width == pytest.approx(4.303 * 1.0 / math.sqrt(3))
    assert math.isnan(over_seeds([95.0]).half_width)


@pytest.mark.parametrize(
    ("rate", "queries", "published"),
    [(0.987, 5, 0.41), (0.999, 25, 0.05), (0.958, 20, 0.36), (0.487, 5, 1.79)],
)
def test_i35_published_intervals_are_the_counting_floor(rate, queries, published):
    assert 100 * floor_of(rate, queries, 600) == pytest.approx(published, abs=0.01)


def test_accuracy_gives_both_modes_for_every_step():
    net = Conv4(5, filters=4)
    g = torch.Generator().manual_seed(0)
    y = torch.arange(5).expand(3, 5)
    x = torch.rand(3, 5, 1, 28, 28, generator=g)
    episodes = [Episode(x, y, x, y)] * 2  # the queries are the support pictures: both modes must agree
    each = step_accuracy(net, net.init(g), episodes, sgd(1.0), 3)
    assert set(each) == {"transductive", "support"} and each["support"].shape == (6, 4)
    assert torch.equal(each["transductive"], each["support"])
    assert each["support"][:, -1].mean() > each["support"][:, 0].mean()
    found = accuracy(net, net.init(g), episodes, sgd(1.0), 3)
    assert found["support"].n == 6 and 0 <= found["support"].mean <= 100


def test_compare_says_exact_rounding_or_not(capsys):
    a = torch.tensor([1.0, 2.0], dtype=torch.float64)
    assert compare("ours", a, "theirs", a.clone())
    assert compare("ours", {"x": a}, "theirs", {"x": a + 1e-9})
    assert not compare("ours", a, "theirs", a + 0.1)
    said = capsys.readouterr().out.splitlines()
    assert "exact" in said[0] and "below 1e-06" in said[1] and "NOT equal" in said[2]
    with pytest.raises(ValueError, match="shapes"):
        compare("ours", a, "theirs", a[:1])


def test_figures_are_recorded_only_when_a_run_asks_and_replace_their_namesakes(tmp_path, monkeypatch):
    target = tmp_path / "results.json"
    monkeypatch.delenv(ledger.RECORD_TO, raising=False)
    ledger.record("accuracy", 95.0, unit="%", seeds=[0])
    assert not target.exists()
    monkeypatch.setenv(ledger.RECORD_TO, str(target))
    ledger.record("accuracy", 90.0, unit="%", seeds=[0])
    ledger.record("accuracy", Interval(95.0, 0.4, 600), unit="%", seeds=[0], seconds=12.34)
    (figure,) = json.loads(target.read_text())
    assert (figure["value"], figure["interval"], figure["tasks"], figure["seconds"]) == (95.0, 0.4, 600, 12.3)


def test_published_numbers_have_a_source_and_unknown_ones_are_named():
    assert ledger.published("maml.omniglot.5way1shot")["value"] == 98.7
    numbers = json.loads((ledger.data_folder() / "published.json").read_text())
    assert all(each["source"] and each["link"].startswith("https://") for each in numbers.values())
    with pytest.raises(DataError, match=r"maml\.omniglot"):
        ledger.published("maml.imagenet")


def test_every_published_accuracy_says_what_one_batch_held():
    """Null where it was not found, and then the row says so. The official twenty runs are people and programs, each its own."""
    numbers = json.loads((ledger.data_folder() / "published.json").read_text())
    for name, each in numbers.items():
        if each["unit"] == "%":
            assert {"batch_norm", "batch_holds"} <= each.keys(), name
            assert each["batch_holds"] or each["where"], name


@pytest.mark.parametrize(
    ("seeds", "point"), [(2, 12.706), (11, 2.228), (12, 2.201), (13, 2.179), (21, 2.086), (61, 2.000)]
)
def test_over_seeds_uses_student_s_t_for_any_number_of_seeds(seeds, point):
    values = torch.arange(seeds, dtype=torch.float64)
    wanted = point * values.std().item() / seeds**0.5
    assert over_seeds(values.tolist()).half_width == pytest.approx(wanted, rel=2e-3)


def test_dicts_are_compared_name_by_name():
    a, b = {"x": torch.ones(2), "y": torch.zeros(2)}, {"y": torch.zeros(2), "x": torch.ones(2)}
    assert difference(a, b) == 0
    assert math.isnan(difference(a, b | {"y": torch.tensor([0.0, math.nan])}))
    with pytest.raises(ValueError, match="only one of the two has y, z"):
        difference(a, {"x": torch.ones(2), "z": torch.zeros(2)})
    with pytest.raises(ValueError, match="shapes"):
        difference(a, {"x": torch.ones(1, 2), "y": torch.zeros(2)})


def test_what_a_benchmark_keeps_is_what_a_lesson_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "published.json").write_text("{}")
    monkeypatch.chdir(tmp_path)
    figures = [{"name": "MAML", "value": 95.6}]
    path = ledger.keep_results("09_omniglot_maml", "choice", figures, outer_steps=600)
    assert path == tmp_path / "data" / "results" / "09-choice.json"
    assert ledger.recorded("09", "choice") == {"MAML": figures[0]}
    assert json.loads(path.read_text())["outer_steps"] == 600
    assert ledger.keep_results("part3", "rows", figures).name == "part3-rows.json"


def test_intervals_print_as_intervals_wherever_they_stand():
    percent, share = Interval(95.312, 0.4159, 600), Interval(0.95312, 0.004159, 600)
    assert str(percent) == "95.3 ± 0.4" and f"{percent:>12}" == "  95.3 ± 0.4"
    assert (
        repr({"transductive": percent, "support": share})
        == "{'transductive': 95.31 ± 0.42, 'support': 0.9531 ± 0.0042}"
    )
    assert repr([Interval(12345.0, 678.0, 3)]) == "[12345 ± 678]"
    assert (
        repr(Interval(95.0, float("nan"), 1)) == "95.00 ± nan"
        and repr(Interval(1.0, 0.0, 2)) == "1.00 ± 0.00"
    )
    assert repr(Interval(95.312, 9.96, 5)) == "95.3 ± 10.0"
    mean, half_width, n = percent  # and it is still three numbers
    assert (mean, half_width, n) == (95.312, 0.4159, 600)


def test_one_function_is_called_accuracy_and_it_counts_in_percent():
    import mlteach.measure
    import mlteach.nets
    import mlteach.nets.loss

    assert not hasattr(mlteach.nets, "accuracy") and not hasattr(mlteach.nets.loss, "accuracy")
    net, g = Conv4(5, filters=4), torch.Generator().manual_seed(0)
    pictures = Characters.glyphs(classes=8)
    episodes = [pictures.sample(3, ways=5, shots=1, queries=2, generator=g)]
    theta = net.init(g)
    percent = mlteach.measure.accuracy(net, theta, episodes, sgd(0.1), 1)
    shares = step_accuracy(net, theta, episodes, sgd(0.1), 1)
    for mode, each in shares.items():
        assert percent[mode].mean == pytest.approx(100 * each[:, -1].mean().item())


@pytest.mark.parametrize("last", [False, True])
def test_tasks_that_walk_together_are_judged_as_each_alone(last: bool, monkeypatch: pytest.MonkeyPatch):
    """Twelve tasks: their few pictures walk in batches, their many queries are asked one task after the other."""
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)  # of many threads each would get a task
    net, g = Conv4(5, filters=8, head="flatten"), torch.Generator().manual_seed(0)
    theta = net.init(g, torch.float64)
    episode = Characters.glyphs(classes=8).sample(12, ways=5, shots=1, queries=15, generator=g)
    episode = episode.to(dtype=torch.float64)
    assert walks_at_once(net, cross_entropy, episode) > 1 == tasks_at_once(episode.query_x)
    alone = [episode.part(slice(task, task + 1)) for task in range(12)]
    together = step_accuracy(net, theta, [episode], sgd(0.5), 3, last=last)
    each = step_accuracy(net, theta, alone, sgd(0.5), 3, last=last)
    assert all(torch.equal(together[mode], each[mode]) for mode in ("transductive", "support"))
    assert together["support"].shape == (12, 1 if last else 4) and together["support"].std() > 0


class Apples:
    """A tensor on a device without float64, as far as anybody asks."""

    device = torch.device("mps")

    def double(self):
        raise TypeError(
            "Cannot convert a MPS Tensor to float64 dtype as the MPS framework doesn't support float64."
        )


def test_no_double_precision_where_the_device_has_none():
    from mlteach.params import in_double, widest

    apple = Apples()
    assert in_double(apple) is apple
    assert in_double(torch.ones(2)).dtype == torch.float64
    assert widest(apple.device) == torch.float32 and widest(torch.device("cpu")) == torch.float64


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, torch.tensor(math.nan)])
def test_what_is_not_finite_is_kept_as_json_has_it_and_read_as_it_was(tmp_path, monkeypatch, value) -> None:
    monkeypatch.setenv(ledger.RECORD_TO, str(tmp_path / "figures.json"))
    ledger.record("loss", value, unit="", seeds=[0], interval=math.inf, note="diverged")
    ledger.record("steps", torch.tensor(3.0), unit="", seeds=[0])
    first, second = ledger.read_json(tmp_path / "figures.json", "", list)
    assert (
        first["value"] is None and first["interval"] is None and first["note"] == f"diverged ({float(value)})"
    )
    assert second["value"] == 3.0
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "published.json").write_text("{}")
    monkeypatch.chdir(tmp_path)
    path = ledger.keep_results("98_small", "smoke", [first], curve=[1.0, math.nan])
    read = ledger.recorded("98", "smoke")["loss"]["value"]
    assert "NaN" not in path.read_text() and repr(read) == repr(float(value))
    ledger.keep_results(
        "98_small", "smoke", [first | {"note": ""}]
    )  # what a study keeps as nothing stays nothing
    assert ledger.recorded("98", "smoke")["loss"]["value"] is None


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "3", "\x00", '{"figures": 3}', '{"figures": [3]}', '{"figures": [{}]}', '{"figures": [{"name": "a", "value": NaN}]}', "[" * 9999]
)  # fmt: skip
def test_a_file_of_numbers_that_is_not_whole_is_a_sentence(tmp_path, monkeypatch, content) -> None:
    (tmp_path / "data" / "results").mkdir(parents=True)
    for name in ("published.json", "results/98-smoke.json"):
        (tmp_path / "data" / name).write_text(content)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(ledger.RECORD_TO, str(tmp_path / "data" / "results" / "98-smoke.json"))
    reads = [lambda: ledger.recorded("98", "smoke"), lambda: ledger.published("maml")]
    if content != "[]":
        reads.append(lambda: ledger.record("x", 1.0, unit="", seeds=[0]))
    for read in reads:
        with pytest.raises(DataError) as caught:
            read()
        assert "\n" not in str(caught.value) and str(caught.value).endswith(".")
