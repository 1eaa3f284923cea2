"""is_it_maml never blames right code: what stands in the way is said. And each way to lose one gradient is caught."""

import copy
import itertools
import random
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.functional import dropout, mse_loss

from mlteach.errors import MlteachError
from mlteach.inner import Rule, adam, adapt, momentum, sgd
from mlteach.measure import is_it_maml
from mlteach.measure.is_it_maml.watch import Watch, home
from mlteach.nets import MLP, Conv4, cross_entropy, squared_error
from mlteach.params import Params
from mlteach.tasks import Episode

RATE = 0.1
net = MLP((1, 8, 8, 1), activation="tanh")
theta = net.init(torch.Generator().manual_seed(0))
NAMES = list(theta)


def drawn(seed: int = 0) -> Episode:
    generator = torch.Generator().manual_seed(seed)
    return Episode(*(torch.randn(1, 8, 1, generator=generator) for _ in range(4)))


episode = drawn()


def loss(params: Params, x: Tensor, y: Tensor) -> Tensor:
    return squared_error(net(params, x), y)


def slopes(params: Params, x: Tensor, y: Tensor, create_graph: bool = True) -> Params:
    found = torch.autograd.grad(loss(params, x, y), list(params.values()), create_graph=create_graph)
    return dict(zip(params, found, strict=True))


def maml(params: Params, x: Tensor, y: Tensor) -> Params:
    found = slopes(params, x, y)
    return {name: value - RATE * found[name] for name, value in params.items()}


def by_rule(rule: Callable[[], Rule], steps: int = 3, first_order: bool = False) -> Callable[..., Params]:
    return lambda params, x, y: adapt(lambda p: loss(p, x, y), params, rule(), steps, first_order=first_order)


# ------------------------------------------------------------------------------------------- one gradient is lost

WAYS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "phi detached": lambda value, g: (value - RATE * g).detach(),
    "a fresh leaf": lambda value, g: (value - RATE * g).detach().clone().requires_grad_(),
    "theta detached": lambda value, g: value.detach() - RATE * g,
    "theta's data": lambda value, g: value.data - RATE * g,
    "through numpy": lambda value, g: torch.from_numpy((value - RATE * g).detach().numpy().copy()),
    "through a list": lambda value, g: torch.tensor((value - RATE * g).tolist(), dtype=value.dtype),
    "inner gradient detached": lambda value, g: value - RATE * g.detach(),
    "rebuilt as a Parameter": lambda value, g: nn.Parameter(value - RATE * g),
}


@pytest.mark.parametrize("way", WAYS)
def test_every_way_to_lose_one_parameter_s_gradient_is_caught(way: str) -> None:
    for name in NAMES:

        def adapt_fn(params: Params, x: Tensor, y: Tensor, lost: str = name) -> Params:
            found = slopes(params, x, y)
            return {
                n: WAYS[way](v, found[n]) if n == lost else v - RATE * found[n] for n, v in params.items()
            }

        verdict = is_it_maml(adapt_fn, loss, theta, episode)
        assert verdict.order == "neither", f"{way}, {name}: {verdict}"
        assert name in str(verdict), verdict


def test_a_gradient_left_out_of_the_claim_is_named_and_the_rest_is_right() -> None:
    def claim(params: Params, one: Episode) -> Params:
        x, y, qx, qy = (each[0] for each in one)
        found = torch.autograd.grad(loss(maml(params, x, y), qx, qy), list(params.values()))
        return {name: g for name, g in zip(params, found, strict=True) if name != "layer2.bias"}

    verdict = is_it_maml(maml, loss, theta, episode, meta_gradient=claim)
    assert "No gradient reaches layer2.bias; second order for the rest." in str(verdict)
    assert verdict.orders == {name: "none" if name == "layer2.bias" else "second" for name in NAMES}
    assert verdict.errors["layer2.bias"] == pytest.approx(1)
    assert max(error for name, error in verdict.errors.items() if name != "layer2.bias") < 1e-4


def test_names_whose_inner_gradients_are_constants_are_named() -> None:
    for constant in (["layer1.weight"], ["layer1.weight", "layer1.bias", "layer3.bias"]):

        def adapt_fn(params: Params, x: Tensor, y: Tensor, names: list[str] = constant) -> Params:
            found = slopes(params, x, y)
            return {n: v - RATE * (found[n].detach() if n in names else found[n]) for n, v in params.items()}

        said = str(is_it_maml(adapt_fn, loss, theta, episode))
        words = "layer1.weight" if len(constant) == 1 else "layer1, layer3.bias"
        assert f"The inner gradients of {words} are taken for constants, the others are not." in said


def test_a_name_that_nobody_uses_is_mentioned() -> None:
    spare = {"fc3.weight": torch.ones(3, 3), "fc3.bias": torch.ones(3)}

    def adapt_fn(params: Params, x: Tensor, y: Tensor) -> Params:
        return maml({name: params[name] for name in NAMES}, x, y)

    verdict = is_it_maml(adapt_fn, loss, theta | spare, episode)
    assert verdict.order == "second" and str(verdict).endswith("Never used: fc3.")
    assert verdict.orders["fc3.bias"] == "unused"


# ------------------------------------------------------------------------------------------- it cannot tell


def constant(params: Params, x: Tensor, y: Tensor) -> Params:
    return {name: torch.ones_like(value) for name, value in params.items()}


def with_dropout(params: Params, x: Tensor, y: Tensor) -> Params:
    found = torch.autograd.grad(
        squared_error(dropout(net(params, x), 0.3), y), list(params.values()), create_graph=True
    )
    return {name: value - RATE * g for (name, value), g in zip(params.items(), found, strict=True)}


def minibatch(params: Params, x: Tensor, y: Tensor) -> Params:
    chosen = torch.randperm(len(x))[:4]
    return maml(params, x[chosen], y[chosen])


def by_python_s_dice(params: Params, x: Tensor, y: Tensor) -> Params:
    return {name: value * random.random() for name, value in maml(params, x, y).items()}


def remembering() -> Callable[..., Params]:
    calls = itertools.count(1)
    return lambda params, x, y: {n: v * (1 + 1 / next(calls)) for n, v in maml(params, x, y).items()}


def diverging(params: Params, x: Tensor, y: Tensor) -> Params:
    return by_rule(lambda: sgd(1e4), 40)(params, x, y)


def overflowing(params: Params, x: Tensor, y: Tensor) -> Params:
    return {name: value * 1e200 for name, value in maml(params, x, y).items()}


def nothing(params: Params, x: Tensor, y: Tensor) -> None:
    maml(params, x, y)


def unadapted(params: Params, x: Tensor, y: Tensor) -> Params:
    found = slopes(params, x, y)
    return {name: value + 0 * found[name] for name, value in params.items()}


@pytest.mark.parametrize(
    ("adapt_fn", "because"),
    [
        (constant, "does not depend on theta"),
        (with_dropout, "two calls on the same inputs differ: the code draws at random"),
        (minibatch, "two calls on the same inputs differ: the code draws at random"),
        (by_python_s_dice, "two calls on the same inputs differ: something is carried"),
        (remembering(), "two calls on the same inputs differ: something is carried"),
        (overflowing, "phi holds numbers up to"),
        (nothing, "returns None"),
        (unadapted, "do not reach the query loss"),
    ],
)
def test_it_says_why_it_cannot_tell(adapt_fn: Any, because: str) -> None:
    verdict = is_it_maml(adapt_fn, loss, theta, episode)
    assert verdict.order == "cannot tell" and not verdict.is_maml
    assert because in str(verdict) and str(verdict).startswith("Cannot tell, because ")


def test_random_numbers_after_it_are_as_without_it() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    is_it_maml(minibatch, loss, theta, episode)
    assert torch.equal(torch.rand(3), expected)


def test_numbers_that_are_none_are_found_where_they_are() -> None:
    broken = theta | {"layer2.bias": theta["layer2.bias"] * float("nan")}
    assert "theta itself holds NaN (first in layer2.bias)" in str(is_it_maml(maml, loss, broken, episode))
    far = episode._replace(query_y=episode.query_y / 0)
    assert "the episode holds infinite numbers (first in query_y)" in str(is_it_maml(maml, loss, theta, far))

    def phi_broken(params: Params, x: Tensor, y: Tensor) -> Params:
        return maml(params, x, y) | {"layer1.bias": params["layer1.bias"] * float("nan")}

    assert "phi, after the inner steps, holds NaN (first in layer1.bias)" in str(
        is_it_maml(phi_broken, loss, theta, episode)
    )

    def cornered(params: Params, x: Tensor, y: Tensor) -> Tensor:
        return loss(params, x, y) + 0 * (params["layer1.bias"] - params["layer1.bias"]).norm().sqrt()

    assert "the meta-gradient holds NaN" in str(is_it_maml(maml, cornered, theta, episode))


def test_diverging_steps_are_never_called_wrong() -> None:
    relu = MLP((1, 40, 40, 1))

    def far(params: Params, x: Tensor, y: Tensor) -> Tensor:
        return squared_error(relu(params, x), y)

    found = set()
    for seed in range(4):
        one = Episode(*(3 * each for each in drawn(seed)))
        for rate in (0.01, 0.1, 10.0):
            verdict = is_it_maml(
                lambda p, x, y, rate=rate: adapt(lambda q: far(q, x, y), p, sgd(rate), 4),
                far,
                relu.init(torch.Generator().manual_seed(seed)),
                one,
            )
            found.add(verdict.order)
    assert found == {"second", "cannot tell"}


def test_saturated_units_that_diverge_are_never_called_wrong() -> None:
    for rate in (10.0, 100.0, 1000.0):
        assert is_it_maml(by_rule(lambda rate=rate: sgd(rate), 5), loss, theta, episode).order in (
            "second",
            "cannot tell",
        )


# ------------------------------------------------------------------------------------------- kinks


@pytest.mark.parametrize("first_order", [False, True])
@pytest.mark.parametrize("steps", [1, 5])
def test_a_start_that_lies_on_a_kink_is_no_matter(steps: int, first_order: bool) -> None:
    """Biases of 0 and an x of 0: every first-layer unit is exactly at its corner."""
    relu = MLP()
    x = torch.arange(-3.0, 4.0)[None, :, None]

    def corner_loss(params: Params, x: Tensor, y: Tensor) -> Tensor:
        return squared_error(relu(params, x), y)

    def adapt_fn(params: Params, x: Tensor, y: Tensor) -> Params:
        return adapt(lambda p: corner_loss(p, x, y), params, sgd(0.01), steps, first_order=first_order)

    start = relu.init(torch.Generator().manual_seed(0))
    verdict = is_it_maml(adapt_fn, corner_loss, start, Episode(x, x**2, x, x**2))
    assert verdict.order == ("first" if first_order else "second"), verdict


@pytest.mark.parametrize("first_order", [False, True])
def test_max_pools_and_many_relus_are_no_matter(first_order: bool) -> None:
    conv = Conv4(5, filters=16, head="flatten")
    generator = torch.Generator().manual_seed(0)
    y = torch.arange(5)
    pictures = (torch.rand(1, count, 1, 28, 28, generator=generator).round() for count in (5, 25))
    one = Episode(next(pictures), y[None], next(pictures), y.repeat(5)[None])

    def picture_loss(params: Params, x: Tensor, y: Tensor) -> Tensor:
        return cross_entropy(conv(params, x), y)

    def adapt_fn(params: Params, x: Tensor, y: Tensor) -> Params:
        return adapt(lambda p: picture_loss(p, x, y), params, sgd(0.4), 2, first_order=first_order)

    verdict = is_it_maml(adapt_fn, picture_loss, conv.init(generator), one)
    assert verdict.order == ("first" if first_order else "second"), verdict


# ------------------------------------------------------------------------------------------- first order of every rule


@pytest.mark.parametrize("rule", [lambda: sgd(RATE), lambda: momentum(0.05, 0.9), lambda: adam(0.01)])
def test_both_orders_of_every_rule(rule: Callable[[], Rule]) -> None:
    second = is_it_maml(by_rule(rule), loss, theta, episode)
    first = is_it_maml(by_rule(rule, first_order=True), loss, theta, episode)
    assert (second.order, first.order) == ("second", "first")
    assert second.error_first_order == pytest.approx(first.error, rel=1e-3)


def test_first_order_where_rates_are_learned_too() -> None:
    """And the percentage beside the right one is that of this very first order."""
    generator = torch.Generator().manual_seed(3)
    rates = {f"rate.{n}": 0.05 + 0.1 * torch.rand(v.shape, generator=generator) for n, v in theta.items()}

    def meta_sgd(create_graph: bool) -> Callable[..., Params]:
        def adapt_fn(learned: Params, x: Tensor, y: Tensor) -> Params:
            start = {name: learned[name] for name in NAMES}
            found = slopes(start, x, y, create_graph)
            return {name: value - learned[f"rate.{name}"] * found[name] for name, value in start.items()}

        return adapt_fn

    second = is_it_maml(meta_sgd(True), loss, theta | rates, episode)
    first = is_it_maml(meta_sgd(False), loss, theta | rates, episode)
    assert (second.order, first.order) == ("second", "first")
    assert second.error_first_order == pytest.approx(first.error, rel=1e-6)


def test_first_order_where_phi_does_not_start_at_theta() -> None:
    """The start is a learned scale times a learned template: first order goes through both."""

    def adapt_fn(create_graph: bool) -> Callable[..., Params]:
        def run(learned: Params, x: Tensor, y: Tensor) -> Params:
            start = {name: learned[name] * learned["scale"] for name in NAMES}
            found = slopes(start, x, y, create_graph)
            return {name: value - RATE * found[name] for name, value in start.items()}

        return run

    learned = theta | {"scale": torch.tensor(0.8)}
    assert is_it_maml(adapt_fn(True), loss, learned, episode).order == "second"
    assert is_it_maml(adapt_fn(False), loss, learned, episode).order == "first"


def test_signs_have_no_second_order() -> None:
    def signs(params: Params, x: Tensor, y: Tensor) -> Params:
        found = slopes(params, x, y)
        return {name: value - 0.01 * found[name].sign() for name, value in params.items()}

    verdict = is_it_maml(signs, loss, theta, episode)
    assert verdict.order == "both" and "no task would separate the two" in str(verdict)


def test_a_closed_form_has_no_first_order_to_compare_with() -> None:
    def ridge(cut: bool) -> Callable[..., Params]:
        def run(params: Params, x: Tensor, y: Tensor) -> Params:
            z = (x @ params["w"]).tanh()
            head = torch.linalg.solve(z.T @ z + 0.1 * torch.eye(4), z.T @ y)
            return params | {"head": head.detach() if cut else head}

        return run

    def read(params: Params, x: Tensor, y: Tensor) -> Tensor:
        return squared_error((x @ params["w"]).tanh() @ params["head"], y)

    start = {"w": torch.tensor([[0.5, -1.0, 2.0, 0.1]])}
    assert "no inner gradient was seen" in str(is_it_maml(ridge(False), read, start, episode))
    assert is_it_maml(ridge(True), read, start, episode).order == "neither"


# ------------------------------------------------------------------------------------------- .grad


@pytest.mark.filterwarnings("ignore:Using backward")
def test_gradients_left_in_theta_are_found() -> None:
    def backward(emptied: bool) -> Callable[..., Params]:
        def run(params: Params, x: Tensor, y: Tensor) -> Params:
            if emptied:
                for value in params.values():
                    value.grad = None
            loss(params, x, y).backward(create_graph=True)
            return {name: value - RATE * value.grad for name, value in params.items()}  # type: ignore[operator]

        return run

    verdict = is_it_maml(backward(False), loss, theta, episode)
    assert verdict.order == "accumulates" and not verdict.is_maml
    assert "the next call adds to them" in str(verdict)
    verdict = is_it_maml(backward(True), loss, theta, episode)
    assert verdict.order == "second" and "an outer backward() would add to them" in str(verdict)


# ------------------------------------------------------------------------------------------- shapes and types


def test_a_loss_in_an_odd_shape_is_judged_and_said() -> None:
    one = is_it_maml(maml, lambda p, x, y: loss(p, x, y).reshape(1), theta, episode)
    assert one.order == "second" and "has the shape [1], not []; its one number was judged" in str(one)
    many = is_it_maml(maml, lambda p, x, y: (net(p, x) - y).square()[:, 0], theta, episode)
    assert many.order == "second" and "the sum of its numbers was judged" in str(many)
    none = is_it_maml(maml, lambda p, x, y: loss(p, x, y).item(), theta, episode)
    assert none.order == "none" and "plain number" in str(none)


def test_a_claim_in_another_shape_is_not_broadcast() -> None:
    verdict = is_it_maml(
        maml, loss, theta, episode, meta_gradient=lambda p, e: {n: v.sum().reshape(1) for n, v in p.items()}
    )
    assert verdict.order == "cannot tell" and "meta_gradient gives [1] for layer1.weight" in str(verdict)


module = nn.Sequential(nn.Linear(1, 6), nn.Tanh(), nn.Linear(6, 1))


def called(params: Any, x: Tensor, y: Tensor) -> Tensor:
    named = (
        params
        if isinstance(params, dict)
        else dict(zip(dict(module.named_parameters()), params, strict=True))
    )
    return mse_loss(functional_call(module, dict(named), (x,)), y)


def any_container(params: Any, x: Tensor, y: Tensor) -> Any:
    named = params if isinstance(params, dict) else dict(enumerate(params))
    found = torch.autograd.grad(called(params, x, y), list(named.values()), create_graph=True)
    moved = [value - RATE * g for value, g in zip(named.values(), found, strict=True)]
    return type(params)(zip(named, moved, strict=True)) if isinstance(params, dict) else moved


@pytest.mark.parametrize(
    "start",
    [
        dict(module.named_parameters()),
        OrderedDict(module.named_parameters()),
        list(module.parameters()),
        tuple(module.parameters()),
        nn.ParameterList(module.parameters()),
        module,
        module.state_dict(),
    ],
    ids=lambda each: type(each).__name__,
)
def test_theta_comes_in_any_container(start: Any) -> None:
    assert is_it_maml(any_container, called, start, episode).order == "second"


def test_generators_are_read_once_and_serve_as_often_as_needed() -> None:
    verdict = is_it_maml(
        lambda params, x, y: (value for value in any_container(params, x, y)),
        called,
        module.parameters(),
        episode,
    )
    assert verdict.order == "second"


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ((maml, loss, None, episode), "theta is None; give the start as a dict of tensors"),
        ((None, loss, theta, episode), "adapt_fn is None; give a function"),
        ((maml, None, theta, episode), "loss_fn is None; give a function"),
        ((maml, loss, theta, None), "The episode is None; give Episode"),
        ((maml, loss, {"steps": torch.tensor(3)}, episode), "no tensor of floating-point numbers"),
        ((module, None, episode, (1, 2)), "step is None; with a module give step"),
        ((nn.Flatten(), maml, episode, (1, 2)), "no parameter that requires a gradient"),
    ],
)
def test_what_cannot_be_read_ends_in_a_sentence(given: Any, says: str) -> None:
    with pytest.raises(MlteachError, match=says):
        is_it_maml(*given)


def test_a_model_that_is_none_ends_in_a_sentence() -> None:
    with pytest.raises(MlteachError, match="model is of type dict; give an nn.Module"):
        is_it_maml(model=dict(theta), step=maml, support=1, query=2)  # type: ignore[call-overload]


def test_buffers_counts_and_none_are_no_matter() -> None:
    def adapt_fn(params: dict[str, Any], x: Tensor, y: Tensor) -> dict[str, Any]:
        phi = maml({name: params[name] for name in NAMES}, x, y)
        return phi | {"running_mean": torch.zeros(3), "steps": torch.tensor(1), "head": None}

    start = theta | {"steps": torch.tensor(0), "head": None, "bn.running_mean": torch.zeros(3)}
    verdict = is_it_maml(adapt_fn, loss, start, episode)
    assert verdict.order == "second" and "Never used" not in str(verdict)


def test_single_precision_in_the_author_s_code_is_no_matter() -> None:
    constant = torch.rand(8, 8, generator=torch.Generator().manual_seed(1))  # float32, made outside

    def adapt_fn(params: Params, x: Tensor, y: Tensor) -> Params:
        found = slopes(params, x.float(), y.to(torch.float32))
        rate = torch.tensor(RATE, dtype=torch.float32)
        moved = {name: value - rate * found[name] for name, value in params.items()}
        moved["layer2.weight"] = moved["layer2.weight"] @ constant
        made = torch.zeros(moved["layer1.bias"].shape)
        made += moved["layer1.bias"]
        return moved | {"layer1.bias": made}

    assert is_it_maml(adapt_fn, loss, theta, episode).order == "second"
    assert torch.get_default_dtype() == torch.float32


def test_the_default_dtype_comes_back_and_the_author_s_own_error_passes() -> None:
    def broken(params: Params, x: Tensor, y: Tensor) -> Params:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        is_it_maml(broken, loss, theta, episode)
    assert torch.get_default_dtype() == torch.float32


def test_what_lives_on_apple_s_gpu_is_judged_on_the_cpu() -> None:
    assert home(torch.device("mps")) == torch.device("cpu") == home("mps:0")
    assert home(torch.device("cuda:1")) == torch.device("cuda:1")
    with Watch():
        assert torch.zeros(2, device="mps").device.type == "cpu"
        assert torch.zeros(2).to("mps").device.type == "cpu"


def test_inputs_changed_in_place_are_the_author_s_own_copy() -> None:
    before = episode.support_x.clone()

    def centred(params: Params, x: Tensor, y: Tensor) -> Params:
        x -= x.mean()
        return maml(params, x, y)

    assert is_it_maml(centred, loss, theta, episode).order == "second"
    assert torch.equal(episode.support_x, before)


# ------------------------------------------------------------------------------------------- modules


def one_step(model: nn.Module, support: Any, query: Any, create_graph: bool = True) -> Tensor:
    params = {name: value for name, value in model.named_parameters() if value.requires_grad}
    first = mse_loss(functional_call(model, params, (support[0],)), support[1])
    found = torch.autograd.grad(first, list(params.values()), create_graph=create_graph, allow_unused=True)
    phi = {n: v if g is None else v - RATE * g for (n, v), g in zip(params.items(), found, strict=True)}
    outer = mse_loss(functional_call(model, phi, (query[0],)), query[1])
    outer.backward()
    return outer


def pair(seed: int) -> tuple[Tensor, Tensor]:
    one = drawn(seed)
    return one.support_x[0], one.support_y[0]


def test_a_module_keeps_its_numbers_its_gradients_and_its_precision() -> None:
    mine = copy.deepcopy(module)
    before = {name: value.clone() for name, value in mine.state_dict().items()}
    assert is_it_maml(mine, one_step, pair(1), pair(2)).order == "second"
    assert all(torch.equal(value, before[name]) for name, value in mine.state_dict().items())
    assert all(value.grad is None and value.dtype == torch.float32 for value in mine.parameters())


def test_batch_norm_ties_frozen_and_unused_parts() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.two, self.three = nn.Linear(1, 4), nn.Linear(4, 4), nn.Linear(4, 4)
            self.norm, self.head, self.fc3 = nn.BatchNorm1d(4), nn.Linear(4, 1), nn.Linear(2, 2)
            self.three.weight = self.two.weight
            self.one.bias.requires_grad_(False)

        def forward(self, x: Tensor) -> Tensor:
            return self.head(self.norm(self.three(self.two(self.one(x).tanh()).tanh())).relu())

    torch.manual_seed(0)
    mine = Net()
    verdict = is_it_maml(mine, one_step, pair(1), pair(2))
    assert verdict.order == "second" and "Never used: fc3." in str(verdict)
    assert "one.bias" not in verdict.orders
    first = is_it_maml(mine, lambda *given: one_step(*given, create_graph=False), pair(1), pair(2))
    assert first.order == "first"


def test_a_module_with_dropout_cannot_be_judged_until_it_is_off() -> None:
    mine = nn.Sequential(nn.Linear(1, 8), nn.Dropout(0.5), nn.Linear(8, 1))
    assert "draws at random" in str(is_it_maml(mine, one_step, pair(1), pair(2)))
    assert is_it_maml(mine.eval(), one_step, pair(1), pair(2)).order == "second"


def test_the_natural_wrapper_of_a_module_is_found_out() -> None:
    """The module adapts its own parameters, and theta is not used; or theta is loaded into it, and no gradient comes back."""

    def own(params: Params, x: Tensor, y: Tensor) -> nn.Module:
        learner = copy.deepcopy(module)
        inner = torch.optim.SGD(learner.parameters(), lr=RATE)
        mse_loss(learner(x), y).backward()
        inner.step()
        return learner

    def loaded(params: Params, x: Tensor, y: Tensor) -> nn.Module:
        learner = copy.deepcopy(module)
        learner.load_state_dict(params)
        for name, g in zip(
            params, torch.autograd.grad(mse_loss(learner(x), y), list(learner.parameters())), strict=True
        ):
            learner.get_parameter(name).data -= RATE * g
        return learner

    def read(learner: nn.Module, x: Tensor, y: Tensor) -> Tensor:
        return mse_loss(learner(x), y)

    start = dict(module.named_parameters())
    for adapt_fn, why in ((own, "does not depend on theta"), (loaded, "load_state_dict")):
        verdict = is_it_maml(adapt_fn, read, start, episode)
        assert verdict.order == "cannot tell" and why in str(verdict)
        assert "is_it_maml(model, step, support, query)" in str(verdict)


def test_sets_come_in_dicts_and_step_may_return_more_than_the_loss() -> None:
    def step(model: nn.Module, support: dict[str, Tensor], query: dict[str, Tensor]) -> tuple[Tensor, float]:
        return one_step(model, (support["x"], support["y"]), (query["x"], query["y"])), 0.5

    support, query = ({"x": pair(n)[0], "y": pair(n)[1]} for n in (1, 2))
    assert is_it_maml(module, step, support, query).order == "second"
    assert is_it_maml(model=module, step=step, support=support, query=query).order == "second"
