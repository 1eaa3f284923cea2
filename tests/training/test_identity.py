"""What makes a run, written down: the same in every process, another for every setting, and in words."""

import functools
import json
import os
import subprocess
import sys
import textwrap
import threading
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from mlteach.inner import CoordinatewiseLSTM, MetaLSTM, adam, carried, lstm_cell, momentum, sgd
from mlteach.nets import MLP, Conv4, cross_entropy, squared_error
from mlteach.outer import Truncated, maml_gradient, replayed, reptile_gradient
from mlteach.tasks import Quadratics, Sinusoids
from mlteach.training.identity import MOVES, describe, differences, moving_too, settled, unknown

net = MLP((1, 6, 1))
ALPHA = 0.1


def maml(**settings):
    """A partial, as people write it."""
    return partial(maml_gradient, net, squared_error, **({"rule": sgd(0.1), "steps": 1} | settings))


def in_closure(alpha, steps, first_order=False):
    def gradient(theta, episode):
        return maml_gradient(net, squared_error, theta, episode, sgd(alpha), steps, first_order=first_order)

    return gradient


def by_global(theta, episode):
    return maml_gradient(net, squared_error, theta, episode, sgd(ALPHA), 1)


def with_default(theta, episode, alpha=0.1):
    return by_global(theta, episode)


@dataclass
class Recipe:
    rate: float = 0.1
    steps: int = 1

    def gradient(self, theta, episode):
        return maml_gradient(net, squared_error, theta, episode, sgd(self.rate), self.steps)


class Called:
    def __init__(self, rate):
        self.rate, self._cache = rate, {}

    def __call__(self, theta, episode):
        return maml_gradient(net, squared_error, theta, episode, sgd(self.rate), 1)


class Slotted:
    __slots__ = ("rate",)

    def __init__(self, rate):
        self.rate = rate


class Method:
    """A rate in the class, a private one, and a method that calls another."""

    shared = 0.1

    def __init__(self, rate=0.1):
        self._rate = rate

    def gradient(self, theta, episode):
        return self.step(theta, self._rate)

    def step(self, theta, rate):
        return 2.0 * rate * self.shared

    @functools.cached_property
    def seen(self):
        return 7


class Other(Method):
    shared = 0.2


class Third(Method):
    def step(self, theta, rate):
        return 3.0 * rate * self.shared


Other.__qualname__ = Third.__qualname__ = "Method"


def with_attribute(rate):
    def function(theta, episode):
        return function.rate

    function.rate = rate
    return function


class Scaled(torch.nn.Module):
    def __init__(self, factor):
        super().__init__()
        self.factor, self.layer = factor, torch.nn.Linear(1, 1, bias=False)
        torch.nn.init.ones_(self.layer.weight)


PAIRS = {  # two runs, and where they part
    "a rate in a partial": (maml(), maml(rule=sgd(0.2)), {"rule.step.alpha": "was 0.1, is now 0.2"}),
    "inner steps in a partial": (maml(), maml(steps=5), {"steps": "was 1, is now 5"}),
    "first order in a partial": (maml(first_order=False), maml(first_order=True), {"first_order": "was False, is now True"}),
    "another rule": (maml(), maml(rule=momentum(0.1, 0.9)), "rule.step"),
    "another option of the rule": (
        maml(rule=momentum(0.1, 0.9)), maml(rule=momentum(0.1, 0.8)), {"rule.step.mu": "was 0.9, is now 0.8"}
    ),
    "a rate by name": (maml(rule=sgd({"a": 0.1, "b": 1.0})), maml(rule=sgd({"a": 0.2, "b": 1.0})), "rule.step.alpha.a"),
    "a rate in a tensor": (maml(rule=sgd(torch.tensor(0.1))), maml(rule=sgd(torch.tensor(0.2))), "rule.step.alpha"),
    "a gate": (maml(rule=lstm_cell(1.0, 0.1)), maml(rule=lstm_cell(0.9, 0.1)), "rule.step.forget"),
    "Adam's betas": (maml(rule=adam(0.1)), maml(rule=adam(0.1, beta1=0.0)), "rule.step.beta1"),
    "another method": (maml(), partial(reptile_gradient, net, squared_error, rule=sgd(0.1), steps=1), "function"),
    "another loss": (maml(), partial(maml_gradient, net, cross_entropy, rule=sgd(0.1), steps=1), "loss"),
    "another network": (maml(), partial(maml_gradient, MLP((1, 7, 1)), squared_error, rule=sgd(0.1), steps=1), "net.sizes"),
    "what adapts": (maml(only=["layer1.weight"]), maml(only=["layer2.weight"]), "only"),
    "a closure": (in_closure(0.1, 1), in_closure(0.2, 1), {"alpha": "was 0.1, is now 0.2"}),
    "two of a closure": (in_closure(0.1, 1), in_closure(0.1, 5, True), ["first_order", "steps"]),
    "a constant in a lambda": (
        lambda t, e: maml_gradient(net, squared_error, t, e, sgd(0.4), 1),
        lambda t, e: maml_gradient(net, squared_error, t, e, sgd(0.5), 1),
        {"constants": "was [0.4, 1], is now [0.5, 1]"},
    ),
    "an operation in a lambda": (lambda x: x + ALPHA, lambda x: x - ALPHA, "code"),
    "a negative constant": (lambda x: x * 2.0, lambda x: x * -2.0, "constants"),
    "a function in a function": (
        lambda x: [ALPHA * each for each in x if each > 1], lambda x: [ALPHA * each for each in x if each > 2], "constants"
    ),
    "a private attribute": (Method().gradient, Method(0.2).gradient, {"self._rate": "was 0.1, is now 0.2"}),
    "an attribute of the class": (Method().gradient, Other().gradient, {"self.shared": "was 0.1, is now 0.2"}),
    "a method that it calls": (Method().gradient, Third().gradient, "self.step.constants"),
    "an attribute of a function": (with_attribute(0.1), with_attribute(0.2), "rate"),
    "an attribute of a module": (Scaled(0.1), Scaled(0.2), {"factor": "was 0.1, is now 0.2"}),
    "a method's object": (Recipe().gradient, Recipe(steps=5).gradient, "self.steps"),
    "a callable object": (Called(0.1), Called(0.2), "rate"),
    "an object with slots": (Slotted(0.1), Slotted(0.2), "rate"),
    "replayed": (replayed(maml()), replayed(maml(steps=2)), "gradient.steps"),
    "compiled": (replayed(maml()), replayed(maml(), compiled=True), "compiled"),
    "carried": (maml(rule=carried(adam(0.1), {})), maml(rule=carried(adam(0.2), {})), "rule.step.rule.step.alpha"),
    "a learned rule": (maml(rule=MetaLSTM().rule), maml(rule=MetaLSTM(hidden=8).rule), "rule.self.hidden"),
    "a truncated unroll": (
        Truncated(CoordinatewiseLSTM().rule, Quadratics().sample, unroll=20).gradient,
        Truncated(CoordinatewiseLSTM().rule, Quadratics().sample, unroll=10).gradient,
        "self.unroll",
    ),
    "a compiled unroll": (
        Truncated(CoordinatewiseLSTM().rule, Quadratics().sample).gradient,
        Truncated(CoordinatewiseLSTM().rule, Quadratics().sample, compiled=True).gradient,
        "self.compiled",
    ),
    "what it draws": (
        Truncated(CoordinatewiseLSTM().rule, partial(Quadratics().sample, 64)).sample,
        Truncated(CoordinatewiseLSTM().rule, partial(Quadratics().sample, 32)).sample,
        "self.draw.problems",
    ),
    "a zero head": (maml(start=Conv4(5).zero_head), maml(start=Conv4(3).zero_head), "start.self.ways"),
    "data": ({"x": torch.zeros(9)}, {"x": torch.zeros(9).index_fill(0, torch.tensor([4]), 1e-9)}, "x"),
    "an array": ({"x": np.zeros(9)}, {"x": np.ones(9)}, "x"),
    "a precision": ({"x": torch.zeros(9)}, {"x": torch.zeros(9).double()}, "x"),
    "a long list": (list(range(100)), [*range(99), 0], ""),
    "a set": ({1, 2}, {1, 3}, ""),
    "a layer": (torch.nn.Linear(2, 3), torch.nn.Linear(2, 4), "layers"),
    "a transform": (torch.func.grad(in_closure(0.1, 1)), torch.func.grad(in_closure(0.2, 1)), "wraps.alpha"),
    "a cache": (functools.cache(in_closure(0.1, 1)), functools.cache(in_closure(0.2, 1)), "wraps.alpha"),
    "a compiled function": (torch.no_grad()(in_closure(0.1, 1)), torch.no_grad()(in_closure(0.2, 1)), "wraps.alpha"),
    "nothing and something": (None, 0.1, ""),
    "true and one": ({"x": True}, {"x": 1}, "x"),
    "not a number and infinity": ({"x": float("nan")}, {"x": float("inf")}, "x"),
}  # fmt: skip


@pytest.mark.parametrize("name", PAIRS)
def test_every_setting_is_told_from_another_and_equal_to_itself(name):
    first, second, where = PAIRS[name]
    a, b = describe(first), describe(second)
    json.dumps(a, allow_nan=False)
    assert "0x" not in json.dumps(a) and differences(a, describe(first)) == {}
    found = differences(json.loads(json.dumps(a)), b)  # as it comes out of a file
    if isinstance(where, dict):
        assert found == where
    elif isinstance(where, list):
        assert list(found) == where
    else:
        assert any(at == where or at.startswith(f"{where}.") for at in found), found
    assert differences(a, b, allowed=list(found)) == {}


def test_a_global_is_part_of_it(monkeypatch):
    before = describe(by_global)
    monkeypatch.setitem(by_global.__globals__, "ALPHA", 0.5)
    assert differences(before, describe(by_global)) == {"ALPHA": "was 0.1, is now 0.5"}


def test_defaults_and_functions_that_are_called_are_part_of_it():
    found = describe(with_default)
    assert found["alpha"] == 0.1 and found["by_global"]["ALPHA"] == 0.1


def test_whole_and_real_numbers_of_one_value_are_one():
    assert differences({"weight_decay": 0}, {"weight_decay": 0.0}) == {}


@pytest.mark.parametrize(
    "value",
    [iter([1, 2]), (each for each in "ab"), threading.Lock(), open(os.devnull)],  # noqa: SIM115
    ids=["iterator", "generator", "lock", "file"],
)
def test_what_cannot_be_described_says_so_and_is_no_difference(value):
    found = describe({"sample": {"drawn": value}})
    assert [each.split(" ")[0] for each in unknown(found)] == ["sample.drawn"]
    assert differences(found, describe({"sample": {"drawn": iter("x")}})) == {}


def test_the_state_of_a_generator_is_no_setting():
    g = torch.Generator().manual_seed(0)
    before = describe(lambda: g)
    torch.rand(3, generator=g)
    assert differences(before, describe(lambda: g)) == {} and unknown(before) == []


def test_what_contains_itself_comes_to_an_end():
    circle: dict = {"rate": 0.1}
    circle["again"] = circle
    assert describe(circle) == {"rate": 0.1, "again": "itself"}

    def recursive(n):
        return recursive(n - 1)

    assert describe(recursive)["recursive"] == "itself"
    deep: list = []
    for _ in range(200):
        deep = [deep]
    assert unknown(describe(deep))


def test_what_changes_while_it_trains_is_no_setting():
    calls, memory, rates = [], {}, {"a": 0.1}

    def gradient(theta, episode):
        calls.append(len(memory) + rates["a"])

    start = describe(gradient)
    gradient(None, None)
    memory["state"] = torch.ones(5)
    kept = settled(start, describe(gradient))
    assert kept["calls"] == MOVES and kept["memory"] == MOVES and kept["rates"] == {"a": 0.1}
    assert differences(kept, describe(gradient)) == {} and differences(kept, start) == {}
    rates["a"] = 0.2
    assert differences(kept, describe(gradient)) == {"rates.a": "was 0.1, is now 0.2"}
    assert moving_too(kept, start)["calls"] == MOVES  # and it stays so in the next process


def test_an_object_may_gain_attributes_while_it_trains():
    recipe = Called(0.1)
    start = describe(recipe)
    recipe.count = 3
    kept = settled(start, describe(recipe))
    assert kept["count"] == MOVES and kept["rate"] == 0.1
    assert differences(kept, start) == {} and list(differences(kept, describe(Called(0.2)))) == ["rate"]


def test_what_an_object_has_worked_out_already_is_no_setting():
    fresh, used = Method(), Method()
    assert used.seen == 7 and describe(fresh) == describe(used)


def test_large_tensors_are_read_again_only_when_they_have_changed():
    x, digests = torch.zeros(100), {}
    before = describe(x, digests)
    known = digests[id(x)]
    assert describe(x, digests) == before and digests[id(x)] is known
    describe({"x": x, "y": torch.ones(50)}, digests)
    describe(x, digests)
    assert digests.keys() == {id(x)}  # and no other is kept alive
    x[3] = 1
    assert describe(x, digests) == describe(x) != before


def test_the_same_in_another_process(tmp_path):
    """No address, no order of a set, no name of a module that is one thing imported and another run."""
    script = """
        import json, torch
        from functools import partial
        from mlteach.inner import *
        from mlteach.nets import *
        from mlteach.outer import *
        from mlteach.tasks import Sinusoids
        from mlteach.training.identity import describe

        net, names = MLP(), {"layer1.weight", "layer2.weight", "layer3.weight", "layer1.bias"}

        class Task:
            rate = 0.1

        def gradient(theta, episode, task=Task()):
            return maml_gradient(net, squared_error, theta, episode, sgd(task.rate + Task.rate), 1, only=names)

        seen = {
            "gradient": replayed(gradient),
            "partial": partial(maml_gradient, net, rule=adam({"a": torch.ones(7)}), steps=5),
            "sample": lambda g: Sinusoids().sample(25, 5, 10, generator=g),
            "learned": Truncated(CoordinatewiseLSTM().rule, print).gradient,
        }
        print(json.dumps(describe(seen), sort_keys=True))
    """
    given = []
    for seed in ("1", "2"):
        (tmp_path / f"run{seed}.py").write_text(textwrap.dedent(script))
        environment = os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": str(Path(__file__).parents[2])}
        command = [sys.executable, str(tmp_path / f"run{seed}.py")]
        given.append(
            subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
        )
    assert given[0] == given[1] and "0.1" in given[0] and "cannot be told" not in given[0]


def test_a_sampler_of_the_package_says_its_settings():
    found = describe(partial(Sinusoids().sample, 25, 5, 10))
    assert found["tasks"] == 25 and found["shots"] == 5


def written(source: str, name: str = "it"):
    """What a notebook's cell defines."""
    cell: dict = {"__name__": "__main__"}
    exec(textwrap.dedent(source), cell)
    return cell[name]


CELLS = {  # a cell with a $ in it, what stands there in the first run, and in the second
    "a method of a global object": ("class H:\n def step(self, t): return t * $\nh = H()\ndef it(t, e): return h.step(t)", "2.0", "3.0"),
    "a method of a closure's object": (
        "class H:\n def step(self, t): return t * $\ndef make(h): return lambda t, e: h.step(t)\nit = make(H())", "2.0", "3.0"
    ),
    "a method of a partial's object": (
        "from functools import partial\nclass H:\n def step(self, t): return t * $\ndef f(t, e, h): return h.step(t)\nit = partial(f, h=H())",
        "2.0", "3.0",
    ),
    "a method that a method's method calls": (
        "class M:\n def a(self, t, e): return self.b(t)\n def b(self, t): return self.c(t)\n def c(self, t): return t * $\nit = M().a", "2", "3"
    ),
    "a method that a call calls": ("class M:\n def __call__(self, t, e): return self.a(t)\n def a(self, t): return t * $\nit = M()", "2", "3"),
    "a class method": (
        "class A:\n @classmethod\n def g(cls, t, e): return cls.h()\n @classmethod\n def h(cls): return $\nit = A.g", "0.1", "0.2"
    ),
    "what a class method reads": ("class A:\n rate = $\n @classmethod\n def g(cls, t, e): return cls.rate\nit = A.g", "0.1", "0.2"),
    "what a class inherits": ("class P: r = $\nclass A(P): pass\ndef it(t, e): return A.r", "0.1", "0.2"),
    "a class in a class": ("class A:\n class B:\n  r = $\ndef it(t, e): return A.B.r", "0.1", "0.2"),
    "a property": ("class M:\n @property\n def rate(self): return $\n def g(self, t, e): return self.rate\nit = M().g", "0.1", "0.2"),
    "an operator": ("class M:\n def __getitem__(self, k): return $\nm = M()\ndef it(t, e): return m[0]", "0.1", "0.2"),
    "what is made anew": ("class C:\n def __init__(self): self.rate = $\ndef it(t, e): return C().rate", "0.1", "0.2"),
    "a name of Python's": ("pow = $\ndef it(t, e): return pow * t", "2", "3"),
    "an enum": ("import enum\nclass R(enum.Enum):\n A = $\ndef it(t, e): return R.A.value", "0.1", "0.2"),
    "a fraction": ("from fractions import Fraction\nr = Fraction($)\ndef it(t, e): return r * t", "1, 10", "1, 5"),
    "what a dict makes": ("from collections import defaultdict\nc = defaultdict(lambda: $)\ndef it(t, e): return c[1]", "1", "2"),
    "what a layer does": ("import torch\nclass N(torch.nn.Module):\n def forward(self, x): return x * $\nn = N()\ndef it(t, e): return n(t)", "2", "3"),
    "a number in a layer's layer": (
        "import torch\nclass C(torch.nn.Module):\n def __init__(self): super().__init__(); self.f = $\nit = torch.nn.Sequential(C())", "0.1", "0.2"
    ),
    "an option of a transform": ("import torch\ng = torch.func.vmap(lambda x: x, in_dims=$)\ndef it(t, e): return g(t)", "0", "1"),
    "in or not in": ("def it(t, e): return t if e $ (1, 2) else 0", "in", "not in"),
    "is or is not": ("def it(t, e): return [e $ None]", "is", "is not"),
    "the order of a closure's": ("def make(a, b): return lambda t, e: $\nit = make(1.0, 2.0)", "a - b", "b - a"),
    "the name of an argument": ("def f(**k): return k\ndef it(t, e): return f($=1)", "a", "b"),
    "break or continue": ("def it(t, e):\n for k in t:\n  if k > 2: $\n  e += k\n return e", "break", "continue"),
}  # fmt: skip
SAME = {
    "a local name": ("def it(t, e):\n $ = t * 2\n return $ + 1", "x", "y"),
    "a local name that a function within uses": (
        "def it(t, e):\n $ = t\n return lambda: [k + $ for k in e]",
        "x",
        "y",
    ),
    "a comment": ("def it(t, e):\n $\n return t", "'a'", "# nothing\n"),
    "an annotation": ("def it(t$, e): return t", "", ": int"),
    "a method nobody calls": (
        "class M:\n def plot(self): return $\n def g(self, t, e): return t\nit = M().g",
        "1",
        "2",
    ),
    "a name nobody uses": ("z = $\ndef it(t, e): return t", "1", "2"),
    "a cell run again": (
        "class M:\n r = {'a', 'b', 'c'}\n def g(self, t, e): return self.r, t in {'d', 'e'}$\nit = M().g",
        "",
        "",
    ),
}


@pytest.mark.parametrize("name", CELLS)
def test_a_cell_with_another_setting_is_another_run(name):
    source, one, other = CELLS[name]
    a, again, b = (describe(written(source.replace("$", each))) for each in (one, one, other))
    assert differences(a, again) == {} and unknown(a) == []
    assert differences(json.loads(json.dumps(a)), b)


@pytest.mark.parametrize("name", SAME)
def test_a_cell_with_no_other_setting_is_the_same_run(name):
    source, one, other = SAME[name]
    a, b = (describe(written(source.replace("$", each))) for each in (one, other))
    assert differences(json.loads(json.dumps(a)), b) == {}
