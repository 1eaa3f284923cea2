"""Every method of the course as one value: it trains, it answers any task, and no other task of the batch plays a part."""

import pytest
import torch
import torch.nn.functional as F

from mlteach.errors import EpisodeError
from mlteach.methods import METHODS, Method, Norm, fixed_norm, right, steps_within, trained, tuned
from mlteach.methods.readers import GROUPS, STRIDES, WAYS, regrouped
from mlteach.methods.reptile import one_task
from mlteach.params import stack
from mlteach.tasks import Characters

CHARACTERS = Characters.glyphs(60)
TASKS = CHARACTERS.sample(2, 5, 1, 2, generator=torch.Generator().manual_seed(0))
PICTURES = CHARACTERS.sample(1, 20, 1, 1, generator=torch.Generator().manual_seed(1)).support_x[0]
every = pytest.mark.parametrize("name", METHODS)


def fresh(method: Method, seed: int = 0):
    return method.init(torch.Generator().manual_seed(seed))


def answers(method: Method, theta, tasks, norm=None, share=1.0):
    return method.answer(method.adapt(theta, tasks, share, norm or Norm()), tasks, norm or Norm())


@every
def test_an_outer_step_moves_what_is_learned(name):
    method = METHODS[name]
    if not method.learns:
        assert name == "nearest neighbour"
        return
    theta = fresh(method)
    found, numbers = method.gradient(theta, method.sample(CHARACTERS, torch.Generator().manual_seed(2)))
    assert {key: value.shape for key, value in found.items()} == {k: v.shape for k, v in theta.items()}
    assert all(value.isfinite().all() for value in found.values()) and float(numbers["loss"]) > 0
    assert sum(bool(value.any()) for value in found.values()) >= len(found) / 2


@every
def test_answers_are_of_one_task_and_of_all_ways_of_batch_norm(name):
    method = METHODS[name]
    theta = fresh(method)
    double, tasks = {name: value.double() for name, value in theta.items()}, TASKS.to(dtype=torch.float64)
    for norm in (Norm(), Norm("support"), fixed_norm(double, PICTURES.double())):
        both = answers(method, double, tasks, norm, share=0.05)  # short steps: no network is trained
        assert both.shape == (2, 10, 5)
        torch.testing.assert_close(
            both[1:], answers(method, double, tasks.part(slice(1, 2)), norm, share=0.05)
        )
    if method.ways is None:
        wide = CHARACTERS.sample(1, 7, 2, 1, generator=torch.Generator().manual_seed(3))
        assert answers(method, theta, wide).shape == (1, 7, 7)
        assert right(method, theta, [wide])["support"].shape == (1,)
    else:
        with pytest.raises(EpisodeError, match="trained with a head for 5 classes and these tasks have 7"):
            right(method, theta, [CHARACTERS.sample(1, 7, 1, 1, generator=torch.Generator().manual_seed(3))])


def test_no_inner_step_leaves_a_head_of_zeros():
    method = METHODS["MAML"]
    assert not answers(method, fresh(method), TASKS, share=0.0).any()
    assert answers(method, fresh(method), TASKS, share=0.5).any()


def test_nearest_neighbour_is_the_floor_of_lesson_01():
    from mlteach.measure.neighbour import SIGMA, nearest_neighbour

    found = right(METHODS["nearest neighbour"], {}, [TASKS])["support"]
    torch.testing.assert_close(found.double(), nearest_neighbour(TASKS, centre=True, sigma=SIGMA))


def test_reptiles_quick_network_is_the_network():
    method = METHODS["Reptile"]
    theta = {name: value.double() for name, value in fresh(method).items()}
    theta |= {
        "head.weight": torch.randn(5, 128, dtype=torch.float64),
        "head.bias": torch.randn(5, dtype=torch.float64),
    }
    from mlteach.methods import body

    x = TASKS.support_x[:1].double()
    torch.testing.assert_close(one_task(stack(theta, 1), x), body()(stack(theta, 1), x), atol=1e-9, rtol=1e-9)


@pytest.mark.parametrize("stride", STRIDES)
def test_small_tasks_are_tasks(stride):
    """Each of the twenty classes in one of four, under a label that its two queries have as well."""
    episode = CHARACTERS.sample(1, GROUPS * WAYS, 1, 2, generator=torch.Generator().manual_seed(4))
    rows, y, asked, truth = regrouped(episode, stride)
    assert sorted(rows.flatten().tolist()) == list(range(20)) and sorted(asked.flatten().tolist()) == list(
        range(40)
    )
    for group in range(GROUPS):
        assert sorted(y[group].tolist()) == list(range(WAYS))
        label = {int(k): int(v) for k, v in zip(episode.support_y[0][rows[group]], y[group], strict=True)}
        assert [label[int(k)] for k in episode.query_y[0][asked[group]]] == truth[group].tolist()


def test_training_is_repeated_and_watched():
    method = METHODS["prototypes"]
    how = {"seconds": 0, "steps": 6, "progress": None, "looks": 3}
    first, again = (
        trained(
            method,
            CHARACTERS,
            seed=5,
            score=lambda theta: right(method, theta, [TASKS])["support"].mean().item(),
            **how,
        )
        for _ in range(2)
    )
    assert all(torch.equal(first.theta[name], again.theta[name]) for name in first.theta)
    assert first.steps == 6 and [score for _, score in first.curve] == [score for _, score in again.curve]
    assert len(first.curve) == 3 and first.curve[0][0] < first.curve[-1][0] == pytest.approx(first.seconds)
    assert trained(METHODS["nearest neighbour"], CHARACTERS, seconds=1) == ({}, 0, 0.0, [])
    assert steps_within(method, CHARACTERS, 1.0, repeats=1) > 1


def test_the_size_of_the_inner_step_is_chosen():
    method = METHODS["MAML"]
    theta = fresh(method)
    scores = {
        share: right(method, theta, [TASKS], {"": Norm()}, share=share)[""].mean() for share in method.shares
    }
    assert scores[tuned(method, theta, [TASKS])] == max(scores.values())
    assert tuned(METHODS["matching"], theta, [TASKS]) == 1.0


def test_fixed_statistics_are_those_of_the_pictures():
    theta = fresh(METHODS["matching"])
    norm = fixed_norm(theta, PICTURES)
    x = F.conv2d(PICTURES, theta["conv1.weight"], None, 2, 1)
    assert norm.mode == "running" and norm.running is not None
    torch.testing.assert_close(norm.running["norm1"][0], x.mean((0, 2, 3)), atol=1e-5, rtol=1e-4)
    assert fixed_norm({}, PICTURES) == Norm()
