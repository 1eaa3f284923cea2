"""What the other methods are measured against computes what ours compute: the same gradient in float64, and no other."""

import json
from collections.abc import Sequence
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from benchmarks import methods, race
from benchmarks.peers import Setting, adapting, comparing, remembering
from mlteach.course.lessons import RESULTS
from mlteach.inner import sgd
from mlteach.memory import MANN, recall_gradient, sequences
from mlteach.methods import METHODS, maml_plus_plus
from mlteach.nets import MLP, Conv4
from mlteach.outer import implicit_gradient, maml_gradient
from mlteach.outer.multi_step import annealed
from mlteach.tasks import Episode, Sinusoids

WEIGHTS = annealed(5, 0.5)


def pictures(tasks: int, ways: int) -> Episode:
    g = torch.Generator().manual_seed(0)
    y = torch.arange(ways).expand(tasks, -1)
    x, asked = torch.rand(2, tasks, ways, 1, 28, 28, generator=g, dtype=torch.float64)
    return Episode(x, y, asked, y)


def same(found: Sequence[Tensor], base: Sequence[Tensor]) -> bool:
    return race.error(found, base) < 1e-10


def test_the_multi_step_loss_by_hand() -> None:
    net = Conv4(3, 4, head="flatten")
    setting = Setting(net, net.init(torch.Generator().manual_seed(1)), pictures(2, 3), 5, 0.1).double(2)
    found = adapting.multi_step_by_hand(setting, WEIGHTS)()

    def ours(weights: Sequence[float]) -> list[Tensor]:
        rule = sgd(setting.rate)
        gradient, _ = maml_gradient(
            net, setting.loss, setting.theta, setting.episode, rule, 5, weights=weights
        )
        return list(gradient.values())

    assert same(found, ours(WEIGHTS))
    assert not same(found, ours(annealed(5, 0.6)))


def test_maml_plus_plus_in_a_loop() -> None:
    theta, episode = methods.begun(maml_plus_plus.init, torch.float64), pictures(2, 5)
    # another row for each step and another rate, so that a step that reads the wrong one is seen
    g = torch.Generator().manual_seed(2)
    theta = {name: value + 0.05 * torch.rand(value.shape, generator=g) for name, value in theta.items()}
    ours = list(maml_plus_plus.gradient(theta, episode, weights=WEIGHTS)[0].values())
    assert same(adapting.plus_plus(theta, episode, maml_plus_plus.ONLY, WEIGHTS)(), ours)
    assert not same(adapting.plus_plus(theta, episode, maml_plus_plus.ONLY, annealed(5, 1.0))(), ours)


def test_implicit_maml_a_task_at_a_time() -> None:
    net = MLP((1, 20, 20, 1), "tanh", "uniform")
    g = torch.Generator().manual_seed(1)
    setting = Setting(net, net.init(g), Sinusoids.finn().sample(3, 10, 10, generator=g), 8, 0.02).double(3)

    def ours(solves: int) -> list[Tensor]:
        s = setting
        gradient, _ = implicit_gradient(
            net, s.loss, s.theta, s.episode, sgd(s.rate), s.steps, strength=10.0, solves=solves
        )
        return list(gradient.values())

    assert same(adapting.implicit(setting, 10.0, 5)(), ours(5))
    assert not same(adapting.implicit(setting, 10.0, 4)(), ours(5))
    assert not same(adapting.implicit(replace(setting, steps=7), 10.0, 5)(), ours(5))


@pytest.mark.parametrize(
    ("name", "loss", "other"),
    [
        ("prototypes", comparing.prototypes(0.05), comparing.prototypes(0.06)),
        ("matching", comparing.matching, comparing.linear_attention),
        ("linear attention", comparing.linear_attention, comparing.matching),
    ],
)
def test_methods_that_compare_in_a_loop(name: str, loss: comparing.Loss, other: comparing.Loss) -> None:
    method, episode, net = METHODS[name], pictures(2, 3), Conv4(3, 32, head="flatten")
    theta = methods.begun(method.init, torch.float64)
    ours = list(method.gradient(theta, episode)[0].values())
    assert same(comparing.comparing(net, theta, episode, loss)(), ours)
    both = theta | {"matching.log_scale": torch.ones(()), "linear.log_rate": torch.zeros(())}
    layers = range(len(net.body_names))  # what both have; the numbers beside are each method's own
    wrong = comparing.comparing(net, both, episode, other)()
    assert not same([wrong[layer] for layer in layers], [ours[layer] for layer in layers])


def test_the_attention_layer_in_nn_linear() -> None:
    found = methods.attention(torch.float64)
    base, ours = (run() for run in found.values())
    assert same(ours, base)
    assert not same(ours, [each.mT for each in base])


def test_the_memory_network_an_episode_at_a_time() -> None:
    net, g = MANN(6, 3, hidden=10, slots=7, width=5, heads=2), torch.Generator().manual_seed(3)
    episode = sequences(torch.randn(8, 4, 6, generator=g), 3, ways=3, shows=4, generator=g)
    episode = episode.to(dtype=torch.float64)
    theta = methods.begun(net.init, torch.float64)
    ours = list(recall_gradient(net, theta, episode, ways=3)[0].values())
    assert same(remembering.mann(net, theta, episode)(), ours)
    assert not same(remembering.mann(replace(net, decay=0.5), theta, episode)(), ours)


def test_a_case_is_measured_and_said_in_a_table() -> None:
    (case,) = (case for case in methods.CASES if "attention layer" in case.said)
    found = methods.measure(replace(case, repeats=1), rounds=1)
    assert [row["name"] for row in found] == ["plain torch", "mlteach"]
    assert (found[0]["ratio"], found[0]["unit"]) == (1.0, "tasks/s")
    assert found[1]["error"] < 1e-10
    first, second = methods.table(found).splitlines()[2:]
    assert first.startswith(f"| {case.said} | plain torch | ")
    assert second.startswith("|  | mlteach | ")
    another = methods.table([row | {"error": None, "value": 12.34} for row in found])
    assert another.count("| another gradient |") == 2 and " 12.3 tasks " in another


def test_what_is_recorded_computes_the_same_gradient() -> None:
    recorded = json.loads((RESULTS / "speed-methods.json").read_text(encoding="utf-8"))
    errors = [row["error"] for row in recorded["figures"] if row["error"] is not None]
    assert len(errors) > 15 and max(errors) < 1e-10
