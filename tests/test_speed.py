"""The benchmarks of speed: everybody is given the same problem, and the README shows what was recorded."""

import json
import time
from dataclasses import replace

import pytest
import torch

from benchmarks import (
    learned_optimizer,
    limit,
    maml,
    methods,
    profile,
    race,
    recipes,
    scaling,
    sinusoid,
    time_to_accuracy,
)
from benchmarks.peers import Setting
from benchmarks.peers.loops import by_hand
from benchmarks.peers.ours import ours
from mlteach.course.lessons import RESULTS, ROOT
from mlteach.nets import MLP, Conv4
from mlteach.outer import unrolls
from mlteach.tasks import Episode, Sinusoids

TABLES = {
    "maml": maml.said_of,
    "sinusoid": sinusoid.said_of,
    "learned-optimizer": learned_optimizer.said_of,
    "time-to-accuracy": time_to_accuracy.said_of,
    "choice": time_to_accuracy.said_of_choice,
    "methods": methods.said_of,
    "profile": profile.said_of,
    "scaling": scaling.said_of,
}


def pictures(ways: int) -> Episode:
    g = torch.Generator().manual_seed(0)
    sets = ((torch.rand(3, ways * each, 1, 28, 28, generator=g), torch.arange(ways).repeat(each).expand(3, -1)) for each in (1, 2))  # fmt: skip
    return Episode(*(part for both in sets for part in both))


@pytest.mark.parametrize("first_order", [False, True])
@pytest.mark.parametrize(
    "net", [Conv4(5, 4, head="mean"), Conv4(3, 4, pool="max"), MLP((1, 8, 8, 1), "tanh")], ids=str
)
def test_the_peers_network_written_with_torch_nn_has_our_gradient(
    net: Conv4 | MLP, first_order: bool
) -> None:
    g = torch.Generator().manual_seed(1)
    episode = Sinusoids.finn().sample(3, 5, 5, generator=g) if isinstance(net, MLP) else pictures(net.ways)
    setting = Setting(net, net.init(g), episode, steps=2, rate=0.1, first_order=first_order).double(3)
    assert race.error(ours(setting)(), by_hand(setting)()) < 1e-10
    assert race.error(ours(setting)(), [2 * each for each in by_hand(setting)()]) == pytest.approx(0.5)


def test_medians_and_ratios_are_taken_round_by_round() -> None:
    seconds = {"base": [4.0, 2.0, 6.0], "quick": [1.0, 1.0, 2.0]}
    base, quick = race.figures(seconds, {"base": 8, "quick": 8}, base="base")
    assert (base["value"], base["ratio"]) == (2.0, 1.0)
    assert (quick["value"], quick["slowest"], quick["quickest"]) == (8.0, 4.0, 8.0)
    assert (quick["ratio"], quick["ratio_spread"]) == (3.0, [2.0, 4.0])
    _, fewer = race.figures(
        seconds, {"base": 8, "quick": 2}, base="base"
    )  # a quarter of the tasks in the same time
    assert (fewer["value"], fewer["ratio"]) == (2.0, 0.75)


def test_a_contestant_in_a_process_of_its_own_is_waited_for_and_its_end_is_told() -> None:
    alone = ["benchmarks.sinusoid", "--serve", "--alone", "Finn's net, 1 step"]
    with race.elsewhere(*alone, "plain loop") as run:
        run()
        begun = time.perf_counter()
        run()
        assert time.perf_counter() - begun > 1e-3  # ten meta-gradients by hand, not an echo
    with (
        race.elsewhere(*alone, "nobody") as run,
        pytest.raises(RuntimeError, match=r"sinusoid .* ended: (.|\n)*KeyError: 'nobody'"),
    ):
        run()


@pytest.mark.parametrize("name", TABLES)
def test_the_speeds_in_the_readme_are_the_recorded_ones(name: str) -> None:
    path = RESULTS / f"speed-{name}.json"
    text = (ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8")
    if path.exists():
        said = TABLES[name](json.loads(path.read_text(encoding="utf-8")))
    else:
        said = f"Not recorded yet. `python -m benchmarks.{name.replace('-', '_')}` writes it here."
    assert f"<!-- {name} -->" in text
    assert race.in_readme(text, name, said) == text


def test_a_setting_measured_anew_leaves_the_others_as_long_as_the_machine_is_the_same(monkeypatch) -> None:
    kept: dict = {}
    monkeypatch.setattr(race, "comparable", lambda name, about: kept.get("figures", []))
    monkeypatch.setattr(race, "keep", lambda name, whole, said: kept.update(whole, said=said))
    monkeypatch.setattr(race, "picture", lambda *_: None)
    row = {
        "value": 1.0,
        "slowest": 1.0,
        "quickest": 1.0,
        "ratio": 1.0,
        "peak_mb": 1,
        "error": 0.0,
        "share": 1.0,
    }
    names = (maml.BASE, maml.OURS, maml.ROUNDED)

    def found(case: str, ratio: float) -> list[dict]:
        return [row | {"name": name, "case": case, "order": "second order", "ratio": ratio} for name in names]

    maml.keep(found("finn", 1.5) + found("lecture", 2.0))
    maml.keep(found("finn", 3.0))
    ratios = {(figure["case"], figure["name"]): figure["ratio"] for figure in kept["figures"]}
    assert ratios["finn", maml.OURS] == 3.0 and ratios["lecture", maml.OURS] == 2.0 and len(ratios) == 6
    assert kept["said"].count("Finn's net, 1 step") == 2 and "3.00" in kept["said"]


def test_figures_of_another_machine_or_version_are_not_comparable(tmp_path, monkeypatch) -> None:
    here = {"device": "cpu", "cores": 2, "versions": {"torch": "2"}}
    monkeypatch.setattr(race, "_path", lambda name: tmp_path / name)
    assert race.comparable("none", here) == []
    (tmp_path / "old").write_text(
        json.dumps(here | {"date": "2026", "figures": [{"a": 1}, {"date": "2025"}]})
    )
    assert race.comparable("old", here) == [{"date": "2026", "a": 1}, {"date": "2025"}]
    for other in ({"cores": 4}, {"versions": {"torch": "3"}}, {"device": "cuda"}):
        assert race.comparable("old", here | other) == []


@pytest.mark.parametrize("problems", [learned_optimizer.quadratics, learned_optimizer.digits])
def test_the_tutorials_loop_over_problems_has_our_gradient(problems) -> None:
    exact = problems(2, torch.float64)
    found, base = learned_optimizer.ours(exact)(), learned_optimizer.serial(exact)()
    assert race.error(found, base) < 1e-10
    other = learned_optimizer.serial(problems(3, torch.float64))()
    assert race.error(other, base) > 1e-3  # the check of the check: another problem is another gradient


@pytest.mark.parametrize("problems", [learned_optimizer.quadratics, learned_optimizer.digits])
def test_what_is_compiled_is_the_same_unroll(problems, monkeypatch) -> None:
    """Walked operation by operation, for compiling it takes a minute: `tests/outer/test_laid_out.py` does so with a small one."""
    monkeypatch.setattr(unrolls, "program_of", lambda traced, _, *, made, made_with: made(traced))
    exact = problems(2, torch.float64)
    assert race.error(learned_optimizer.compiled(exact)(), learned_optimizer.serial(exact)()) < 1e-10


@pytest.mark.parametrize("name", ["ProtoNet", "matching", "attention", "ANIL"])
def test_a_recipe_descends_on_its_own_method(name: str) -> None:
    """After one step of the recipe's own training the tasks it was trained on are easier."""
    recipe = replace(recipes.RECIPES[name], ways=3, meta_batch=3, filters=4)
    theta = recipe.init(torch.Generator().manual_seed(0))
    episode = pictures(3)
    gradient, numbers = recipe.gradient()(theta, episode)
    moved = {key: value - 0.01 * gradient[key] for key, value in theta.items()}
    assert recipe.gradient()(moved, episode)[1]["loss"] < numbers["loss"]
    tested = replace(recipe, method=recipe.method).tested(theta, [pictures(5)])
    assert set(tested) == set(recipes.MODES)


def test_a_training_that_is_kept_is_made_once_and_again_when_its_recipe_is_another(
    tmp_path, monkeypatch
) -> None:
    made = []
    monkeypatch.setattr(time_to_accuracy, "KEPT", tmp_path)
    monkeypatch.setattr(
        time_to_accuracy, "one_run", lambda recipe, seed, characters: made.append(seed) or {"seed": seed}
    )
    recipe = recipes.RECIPES["MAML"]
    for again in (False, False, True):
        assert time_to_accuracy.kept_run(recipe, 1, None, again) == {"seed": 1}  # type: ignore[arg-type]
    time_to_accuracy.kept_run(replace(recipe, aim=1.0), 1, None, False)  # type: ignore[arg-type]
    assert made == [1, 1]
    time_to_accuracy.kept_run(replace(recipe, steps=7), 1, None, False)  # type: ignore[arg-type]
    assert made == [1, 1, 1]


def test_the_limit_is_the_quickest_way_and_a_share_is_taken_within_a_round() -> None:
    seconds = {"slow": [9.0, 9.0, 9.0], "quick": [1.0, 2.0, 4.0], "ours": [2.0, 5.0, 4.0]}
    most = limit.Limit({"slow": list, "quick": list}, tasks=8.0)
    assert most.quickest(seconds) == "quick"
    assert most.share(seconds, "ours", 8) == 0.5  # of 1/2, 2/5 and 1
    assert most.share(seconds, "ours", 2) == 0.125


@pytest.mark.parametrize("first_order", [False, True])
def test_every_way_to_the_limit_sends_the_same_number_of_pictures(first_order: bool) -> None:
    net = Conv4(3, 4)
    g = torch.Generator().manual_seed(1)
    setting = Setting(net, net.init(g), pictures(3), steps=2, rate=0.1, first_order=first_order)
    cores, seen = torch.get_num_threads(), []
    with limit.of(setting, (1, 2)) as most:
        assert len(most.ways) == 2
        assert most.tasks == 2 * cores * 6 / (6 + 3 * 2 * (1 if first_order else 3))
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(Setting, "task_loss", property(lambda self: counted(seen)))
            for run in most.ways.values():
                seen.clear()
                run()
                assert sum(seen) == 2 * cores * 6


def counted(seen: list[int]):
    def loss(logits: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        seen.append(len(y))
        return torch.nn.functional.cross_entropy(logits, y)

    return loss


def test_a_row_of_the_time_to_accuracy_says_the_slowest_the_aim_and_the_test_at_that_moment() -> None:
    def run(there: float | None, asked: float | None, end: float) -> dict:
        at = None if asked is None else {"transductive": asked, "support": asked - 1}
        both = {"transductive": end, "support": end - 1}
        return both | {"there": there, "test_there": at, "seconds": 10.0, "intervals": both}

    recipe = recipes.RECIPES["matching"]
    there = time_to_accuracy.figure_of(
        recipe, [run(7.0, 94.0, 95.0), run(8.0, 94.2, 95.0), run(9.0, 94.4, 95.0)]
    )
    assert (
        "| 95 % | 7.0 to 9.0 | 15 | 94.20 ± 0.50 | 95.00 ± 0.00 | 94.00 ± 0.00 |"
        in time_to_accuracy.table([there])
    )
    never = time_to_accuracy.figure_of(recipe, [run(7.0, 94.0, 95.0), run(None, None, 94.0)])
    assert "| not always | 15 |  |" in time_to_accuracy.table([never])
