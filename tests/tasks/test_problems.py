"""Quadratics and digits: what is drawn, what is refused, and that comparisons are paired."""

import builtins
import math

import pytest
import torch

from mlteach.errors import DataError, EpisodeError
from mlteach.nets import MLP, cross_entropy
from mlteach.tasks import Digits, Problems, Quadratics
from mlteach.tasks.digits import _digits

NET = MLP((64, 5, 10), "sigmoid", "uniform")


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_a_quadratic_is_what_it_says():
    problems = Quadratics(6, size=2.0).sample(500, generator=seeded(), dtype=torch.float64)
    theta = {"theta": torch.zeros(500, 6, dtype=torch.float64)}
    assert problems.count == 500 and problems.start["theta"].shape == (500, 6)
    assert problems.start["theta"].std().item() == pytest.approx(0.01, rel=0.1)
    assert problems.loss(theta, 0).mean().item() == pytest.approx(
        6, rel=0.1
    )  # |y|^2, y of 6 standard normals
    assert torch.equal(problems.loss(theta, 7), problems.score(theta))
    one = torch.func.hessian(lambda p: problems.score({"theta": p.expand(500, -1)})[0])(theta["theta"][0])
    assert (torch.linalg.eigvalsh(one) > 0).all()  # W theta - y has one minimum
    trace = [
        torch.func.hessian(lambda p, k=k: problems.score({"theta": p.expand(500, -1)})[k])(
            theta["theta"][0]
        ).trace()
        for k in range(50)
    ]
    assert torch.stack(trace).mean().item() == pytest.approx(
        2 * 6 * 6 * 4, rel=0.1
    )  # 2 sum of W^2, entries of size 2


def test_one_seed_means_the_same_problems_in_every_precision():
    single, double = (
        Quadratics().sample(3, generator=seeded(4), dtype=dtype) for dtype in (torch.float32, torch.float64)
    )
    torch.testing.assert_close(single.start["theta"].double(), double.start["theta"], rtol=1e-6, atol=1e-8)


def test_the_digits_are_there_once_each_and_shuffled():
    every, train, test = (Digits.load(half) for half in ("all", "train", "test"))
    assert every.x.shape == (1797, 64) and every.x.min() == 0 and every.x.max() == 1
    assert len(train.y) == 898 and len(test.y) == 899
    assert torch.equal(torch.cat([train.x, test.x]), every.x)
    assert all(half.y.bincount().min() > 70 for half in (train, test))


def test_a_digits_problem_is_the_mean_loss_on_its_own_minibatch():
    problems = Digits.load("train").problems(NET, cross_entropy, 3, steps=4, batch=16, generator=seeded())
    again = Digits.load("train").problems(NET, cross_entropy, 3, steps=4, batch=16, generator=seeded())
    theta = problems.start
    assert problems.count == 3 and theta["layer1.weight"].shape == (3, 5, 64)
    assert not torch.equal(theta["layer1.weight"][0], theta["layer1.weight"][1])
    losses = [problems.loss(theta, t) for t in range(5)]
    assert all(torch.equal(a, again.loss(theta, t)) for t, a in enumerate(losses))
    assert not torch.equal(losses[0], losses[1])
    assert problems.score(theta).mean().item() == pytest.approx(math.log(10), rel=0.1)
    data = Digits.load("train")
    single = {name: value[1] for name, value in theta.items()}
    whole = cross_entropy(NET(single, data.x.float()), data.y)
    torch.testing.assert_close(problems.score(theta)[1], whole)


def test_the_loss_that_is_seen_goes_on_to_the_next_minibatch():
    problems = Digits.load("test").problems(NET, cross_entropy, 2, steps=4, batch=8, generator=seeded())
    seen = problems.seen(1)
    assert [torch.equal(seen(problems.start), problems.loss(problems.start, t)) for t in (1, 2, 3)] == [
        True
    ] * 3


@pytest.mark.parametrize(
    "make",
    [
        lambda: Quadratics(0),
        lambda: Quadratics().sample(0, generator=seeded()),
        lambda: Digits.load().problems(NET, cross_entropy, 0, steps=1, generator=seeded()),
        lambda: Digits.load().problems(NET, cross_entropy, 1, steps=0, generator=seeded()),
    ],
)
def test_counts_below_one_are_refused(make):
    with pytest.raises(EpisodeError, match="at least one"):
        make()


def test_without_scikit_learn_a_sentence_says_what_to_install(monkeypatch):
    real = builtins.__import__

    def without(name, *rest, **more):
        if name.startswith("sklearn"):
            raise ImportError(name)
        return real(name, *rest, **more)

    _digits.cache_clear()
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(DataError, match="pip install scikit-learn"):
        Digits.load()


def test_the_uniform_start_is_that_of_torch():
    theta = MLP((400, 300, 10), start="uniform").init(seeded())
    torch.manual_seed(0)
    for layer, (inputs, outputs) in enumerate(((400, 300), (300, 10)), start=1):
        theirs = torch.nn.Linear(inputs, outputs)
        for name, value in (("weight", theirs.weight), ("bias", theirs.bias)):
            ours = theta[f"layer{layer}.{name}"]
            assert ours.shape == value.shape and ours.abs().max() <= inputs**-0.5
        assert theta[f"layer{layer}.weight"].std().item() == pytest.approx(
            theirs.weight.std().item(), rel=0.05
        )


def test_problems_of_tensors_give_their_losses_what_belongs_to_the_step():
    def loss(theta, data):
        return (theta["w"] - data["target"]).square() * data["weight"]

    def score(theta, data):
        return data["target"]

    target, weights = torch.tensor([1.0, 2.0]), torch.tensor([[1.0, 1.0], [0.0, 3.0]])
    start = {"w": torch.zeros(2)}
    problems = Problems.of(start, loss, score, data={"target": target}, batches={"weight": weights})
    assert problems.loss(start, 0).tolist() == [1, 4] and problems.loss(start, 1).tolist() == [0, 12]
    assert problems.score(start) is target and problems.count == 2
    seen = problems.seen(1)
    assert seen(start).tolist() == [0, 12]
    with pytest.raises(IndexError):
        seen(start)  # there are batches for two steps


def test_draws_of_one_family_have_the_same_functions_and_other_tensors():
    """So that a program made for one draw serves the next."""
    for one, other in (
        [Quadratics(3).sample(2, generator=seeded(s)) for s in (0, 1)],
        [Digits.load("train").problems(NET, cross_entropy, 2, steps=2, generator=seeded(s)) for s in (0, 1)],
    ):
        assert one.functions == other.functions and hash(one.functions) == hash(other.functions)
        assert not all(torch.equal(one.start[name], other.start[name]) for name in one.start)
    assert one.functions[0] != one.functions[1]
