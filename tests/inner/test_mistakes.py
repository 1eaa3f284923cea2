"""What people give for a rule, a rate, a loss or an episode, and the one sentence they get."""

import functools

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from mlteach.errors import EpisodeError, MlteachError, RuleError
from mlteach.inner import (
    CoordinatewiseLSTM,
    MetaLSTM,
    Rule,
    adam,
    adapt,
    lstm_cell,
    momentum,
    nesterov,
    rmsprop,
    sgd,
)
from mlteach.measure import accuracy, path_of, step_accuracy
from mlteach.nets import MLP, cross_entropy, squared_error
from mlteach.outer import maml_gradient, maml_gradient_loop, maml_losses, reptile_gradient
from mlteach.tasks import Episode

net = MLP((2, 6, 3))
theta = net.init(torch.Generator().manual_seed(0))
g = torch.Generator().manual_seed(1)
x, y = (
    torch.randn(4, 3, 2, generator=g),
    torch.arange(3).expand(4, 3),
)  # as many points as classes: the hardest case
episode = Episode(x, y, x, y)
ONE = Rule(init=lambda theta: None, step=sgd(0.1).step)

METHODS = {
    "maml_gradient": lambda rule=ONE, steps=1, loss=cross_entropy, e=episode: maml_gradient(
        net, loss, theta, e, rule, steps
    ),
    "maml_losses": lambda rule=ONE, steps=1, loss=cross_entropy, e=episode: maml_losses(
        net, loss, theta, e, rule, steps
    ),
    "maml_gradient_loop": lambda rule=ONE, steps=1, loss=cross_entropy, e=episode: maml_gradient_loop(
        net, loss, theta, e, rule, steps
    ),
    "reptile_gradient": lambda rule=ONE, steps=1, loss=cross_entropy, e=episode: reptile_gradient(
        net, loss, theta, e, rule, steps
    ),
    "path_of": lambda rule=ONE, steps=1, e=episode: path_of(net, theta, e, rule, steps),
    "accuracy": lambda rule=ONE, steps=1, e=episode: accuracy(_modes, theta, [e], rule, steps),
    "step_accuracy": lambda rule=ONE, steps=1, e=episode: step_accuracy(_modes, theta, [e], rule, steps),
    "adapt": lambda rule=ONE, steps=1: adapt(lambda p: cross_entropy(net(p, x[0]), y[0]), theta, rule, steps),
}


def _modes(params, x, *mode, **support):
    return net(params, x)


def sentence(error: pytest.ExceptionInfo[BaseException]) -> str:
    text = str(error.value)
    assert isinstance(error.value, MlteachError) and text.endswith(".") and "\n" not in text, text
    return text


def mine(alpha):
    """A rule somebody wrote."""
    return Rule(lambda theta: None, lambda theta, gradient, state, *, loss: (theta, state))


RULES = {
    "a bare number": (0.4, r"bare rate, 0.4; .*sgd\(0.4\)"),
    "a numpy number": (np.float32(0.5), r"sgd\(0.5\)"),
    "a bare tensor": (torch.tensor(0.25), "bare rate"),
    "sgd without its call": (sgd, "function sgd itself; call it"),
    "adam without its call": (adam, "function adam itself"),
    "lstm_cell without its call": (lstm_cell, "function lstm_cell itself"),
    "a partial without its call": (functools.partial(momentum, mu=0.9), "function momentum itself"),
    "one's own without its call": (mine, "function mine itself"),
    "a name": ("sgd", "The rule is a str"),
    "nothing": (None, "The rule is a NoneType"),
    "two functions": ((lambda t: None, sgd(0.1).step), "The rule is a tuple"),
    "a torch optimizer": (torch.optim.SGD, "function SGD itself"),
    "a class": (MetaLSTM, "function MetaLSTM itself"),
}


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("method", METHODS)
def test_what_is_no_rule(method, name):
    rule, says = RULES[name]
    with pytest.raises(RuleError, match=says) as error:
        METHODS[method](rule=rule)
    sentence(error)


def test_a_function_that_makes_no_rule():
    with pytest.raises(RuleError, match="made a float of theta"):
        METHODS["maml_gradient"](rule=lambda phi: 0.4)


def test_learned_rules_are_still_made_from_theta():
    """Methods of an object, functions of the meta-parameters, under any other name."""
    rates = {f"rate.{name}": torch.tensor(0.1) for name in theta}
    both = theta | rates

    def start(meta):
        return {name: meta[name] for name in theta}

    def learned(meta):
        return sgd({name: meta[f"rate.{name}"] for name in theta})

    found, _ = maml_gradient(net, cross_entropy, both, episode, learned, 1, start=start)
    assert found.keys() == both.keys() and all(
        found[name].abs().sum() > 0 for name in rates if "weight" in name
    )
    lstm = MetaLSTM(hidden=4)
    meta = theta | lstm.init(torch.Generator().manual_seed(2))
    maml_gradient(net, cross_entropy, meta, episode, lstm.rule, 1, first_order=True, start=lstm.start)
    assert CoordinatewiseLSTM().rule  # a bound method too


@pytest.mark.parametrize("make", [sgd, adam, rmsprop, lambda a: momentum(a, 0.9), lambda a: nesterov(a, 0.9), lambda a: lstm_cell(1.0, a)])  # fmt: skip
@pytest.mark.parametrize(
    "rate", ["0.4", None, float("nan"), float("inf"), [0.1], {"layer1.weight": "x"}, True]
)
def test_what_is_no_rate(make, rate):
    with pytest.raises(RuleError, match="A rate is a finite number") as error:
        make(rate)
    sentence(error)


@pytest.mark.parametrize(
    "rate", [1, 0.1, -0.1, 0, np.float64(0.1), np.float32(0.1), torch.tensor(0.1), {"a": 0.1}]
)
def test_what_is_a_rate(rate):
    assert isinstance(sgd(rate), Rule)


def test_a_rate_that_is_missing_is_named():
    with pytest.raises(
        RuleError, match="no rate for 'layer1.bias'; there are rates for layer1.weight"
    ) as error:
        METHODS["maml_gradient"](rule=sgd({"layer1.weight": 0.1}))
    sentence(error)


@pytest.mark.parametrize("steps", [-1, 1.5, "5", None, True])
@pytest.mark.parametrize("method", METHODS)
def test_what_is_no_number_of_steps(method, steps):
    with pytest.raises(RuleError, match="whole number from 0 on") as error:
        METHODS[method](steps=steps)
    sentence(error)


LOSSES = {
    "torch's, which takes the second axis for the classes": F.cross_entropy,
    "a mean over tasks": lambda o, y: cross_entropy(o, y).mean(),
    "a number for each point": lambda o, y: F.cross_entropy(
        o.flatten(0, -2), y.flatten(), reduction="none"
    ).view(y.shape),
    "one number too many": lambda o, y: cross_entropy(o, y).unsqueeze(-1),
    "a float": lambda o, y: 0.5,
    "nothing": lambda o, y: None,
    "the wrong one of ours": squared_error,
    "one that takes three": lambda o, y, z: o,
    "one that fails": lambda o, y: o @ y,
    "mse of labels": F.mse_loss,
}


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("method", ["maml_gradient", "maml_losses", "reptile_gradient"])
@pytest.mark.parametrize("steps", [0, 1])
@pytest.mark.filterwarnings("ignore:Using a target size")
def test_what_is_no_loss_over_tasks(method, name, steps):
    with pytest.raises(EpisodeError) as error:
        METHODS[method](loss=LOSSES[name], steps=steps)
    assert "cross_entropy" in sentence(error) or "targets" in sentence(error)


@pytest.mark.parametrize(
    "name", [name for name in LOSSES if name.startswith(("a number", "one", "a float", "nothing"))]
)
def test_what_is_no_loss_of_one_task(name):
    with pytest.raises(EpisodeError) as error:
        METHODS["maml_gradient_loop"](loss=LOSSES[name])
    sentence(error)


def test_what_is_right_is_right():
    """torch's own loss, a task at a time; and with the task axis in the place where torch wants it."""
    METHODS["maml_gradient_loop"](loss=F.cross_entropy)
    found, _ = METHODS["maml_gradient"](
        loss=lambda o, y: F.cross_entropy(o.movedim(-1, 1), y, reduction="none").mean(-1)
    )
    plain, _ = METHODS["maml_gradient"]()
    assert all(torch.allclose(found[name], plain[name], atol=1e-6) for name in plain)


@pytest.mark.parametrize(
    ("loss", "says"),
    [
        (lambda p: 0.5, "gave a float"),
        (lambda p: torch.tensor(0.5), "does not depend on the parameters"),
        (lambda p: net({n: v.detach() for n, v in p.items()}, x[0]).mean(), "does not depend"),
        (lambda p: net(p, x[0]).square(), r"shape \(3, 3\)"),
        (lambda p: net(p, x[0]).square().mean(-1).repeat(5), r"shape \(15,\), and no parameter begins"),
    ],
)
def test_what_an_inner_loop_cannot_descend_on(loss, says):
    with pytest.raises(EpisodeError, match=says) as error:
        adapt(loss, theta, sgd(0.1), 1)
    sentence(error)


@pytest.mark.parametrize(
    "method", [name for name in METHODS if name not in ("adapt", "accuracy", "step_accuracy")]
)
@pytest.mark.parametrize(
    ("given", "says"),
    [
        ([episode, episode], "One episode is wanted.*a list of 2 came"),
        (tuple(episode), "An episode is wanted, and a tuple came"),
        (x, "a Tensor came"),
        (None, "a NoneType came"),
        (episode._replace(query_y=y[:2]), "same leading task axis"),
    ],
)
def test_what_is_no_episode(method, given, says):
    with pytest.raises(EpisodeError, match=says) as error:
        METHODS[method](e=given)
    sentence(error)


@pytest.mark.parametrize("measure", [accuracy, step_accuracy])
@pytest.mark.parametrize(
    ("given", "says"),
    [
        (episode, r"Several episodes are wanted, and one came.*\[episode\]"),
        ([], "no episode in the list"),
        (iter([]), "no episode in the list"),
        (None, "a NoneType came"),
        ([x, y], "a Tensor came"),
        ([[episode]], "One episode is wanted"),
        ([episode, None], "a NoneType came"),
    ],
)
def test_what_is_no_list_of_episodes(measure, given, says):
    with pytest.raises(EpisodeError, match=says) as error:
        measure(_modes, theta, given, sgd(0.1), 1)
    sentence(error)
