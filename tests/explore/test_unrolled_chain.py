"""UnrolledChain: its slopes are autograd's, with each dashed edge kept or cut, and JavaScript computes the same."""

import numpy as np
import pytest
import torch
import traitlets

from mlteach.explore import UnrolledChain
from mlteach.explore.unrolled_chain import MOST, READINGS


def chains(many: int, seed: int = 0) -> list[UnrolledChain]:
    rng = np.random.default_rng(seed)

    def between(low: float, high: float) -> float:
        return float(rng.uniform(low, high))

    made = []
    for _ in range(many):
        steps = int(rng.integers(1, MOST + 1))
        made.append(
            UnrolledChain(
                reading=str(rng.choice(list(READINGS))), steps=steps, rate=between(0.05, 2.5), forget=between(0.5, 1),
                curvature=between(0.1, 2), start=between(-2, 2), support=between(-2, 2), query=between(-2, 2),
                keep=tuple(bool(rng.random() < 0.5) for _ in range(MOST)),
                at=None if rng.random() < 0.3 else int(rng.integers(0, 3 * steps + 3)),
            )
        )  # fmt: skip
    return made


def test_slopes_are_those_of_autograd_whichever_edges_are_cut() -> None:
    for chain in chains(60):
        for keep in (chain.keep, (True,) * MOST, (False,) * MOST):
            numbers = [chain.start] + [chain.rate] * chain.steps + [chain._f] * chain.steps
            leaves = [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in numbers]
            start, gates, forgets = leaves[0], leaves[1 : chain.steps + 1], leaves[chain.steps + 1 :]
            weights = [start]
            for k in range(chain.steps):
                seen = weights[-1] if keep[k] else weights[-1].detach().requires_grad_()
                support = chain.curvature / 2 * (seen - chain.support) ** 2
                (gradient,) = torch.autograd.grad(support, seen, create_graph=True)
                gradient = gradient if keep[k] else gradient.detach()
                weights.append(forgets[k] * weights[-1] + gates[k] * -gradient)
            loss = chain.curvature / 2 * (weights[-1] - chain.query) ** 2
            found = torch.autograd.grad(loss, [*weights, *gates, *forgets], allow_unused=True)
            ours, n = chain.slopes(keep), chain.steps
            assert chain.loss == pytest.approx(loss.item(), rel=1e-12)
            near = lambda x: pytest.approx(torch.stack(list(x)).numpy(), rel=1e-10, abs=1e-12)  # noqa: E731
            assert np.array(ours.weights) == near(found[: n + 1])
            assert np.array(ours.gates) == near(found[n + 1 : 2 * n + 1])
            assert np.array(ours.forgets) == near(found[2 * n + 1 :])
            assert ours.start == ours.weights[0]
            assert ours.gate == pytest.approx(sum(ours.gates)) and ours.forget == pytest.approx(
                sum(ours.forgets)
            )


def test_a_large_rate_turns_the_sign() -> None:
    chain = UnrolledChain(steps=2, rate=1.5)
    assert chain.learned()["i"] == (0.25, 0.25, -0.125)
    chain.keep = False
    assert chain.learned()["i"] == (0.25, -0.125, -0.125)
    assert (
        "Its slope for i: -0.125; with every dashed edge 0.25, with none -0.125, which has the opposite sign."
        in chain.summary
    )


def test_cutting_all_edges_is_the_packages_first_order_gradient() -> None:
    from mlteach.inner import adapt, sgd

    chain = UnrolledChain(reading="MAML", steps=3, rate=0.4, curvature=1.3, support=0.5, query=-0.2)
    for first_order, name in ((False, 0), (True, 2)):
        theta = torch.tensor(chain.start, dtype=torch.float64, requires_grad=True)
        adapted = adapt(
            lambda p: 1.3 / 2 * (p["w"] - 0.5) ** 2, {"w": theta}, sgd(0.4), 3, first_order=first_order
        )["w"]
        (slope,) = torch.autograd.grad(1.3 / 2 * (adapted + 0.2) ** 2, theta)
        assert chain.learned()["θ₀"][name] == pytest.approx(slope.item(), rel=1e-12)


def test_moments_tell_the_way_there_and_back() -> None:
    chain = UnrolledChain(steps=1, rate=0.5)
    said = []
    for at in range(chain.last + 1):
        chain.at = at
        said.append(chain.moment)
        assert chain.summary.endswith(chain.moment)
    assert said == [
        "It begins at θ₀ = 1.",
        "Forward: at θ₀ the support batch has the gradient 1.",
        "Forward: θ₁ = 1 · 1 + 0.5 · (-1) = 0.5.",
        "Forward: at θ₁ the query loss is 0.125.",
        "Back: the slope at θ₁ is 0.5.",
        "Back to θ₀: 0.5 · 1 along the memory, 0.5 · (-0.5) along the dashed edge; together 0.25. Step 1 has the share -0.5 in the slope for i.",
    ]
    chain.at = 99  # later than the last moment is the last
    assert chain.moment == said[-1]
    assert chain.png() != UnrolledChain(steps=1, rate=0.5, keep=False).png()


def test_only_readings_with_a_forget_gate_use_it() -> None:
    for name, reading in READINGS.items():
        path = UnrolledChain(reading=name, steps=1, forget=0.5).path()
        assert path[1] == pytest.approx(0.1 if reading.forget == "f" else 0.6)


@pytest.mark.parametrize(
    "name, value", [("reading", "Reptile"), ("steps", 6), ("rate", 0), ("forget", 1.1), ("at", -1)]
)
def test_values_out_of_range_are_refused(name: str, value) -> None:
    with pytest.raises(traitlets.TraitError):
        UnrolledChain(**{name: value})


@pytest.mark.parametrize("value", [(True,), "yes", 3, (1, 0, 1, 0, 1)])
def test_edges_that_are_none_are_refused_in_a_sentence(value) -> None:
    with pytest.raises(
        traitlets.TraitError, match="keep says of the dashed edges of steps 1 to 5 whether each is kept"
    ):
        UnrolledChain(keep=value)


def test_javascript_computes_the_same_bits_and_says_the_same(javascript) -> None:
    made = chains(150, seed=2) + [UnrolledChain(reading=name) for name in READINGS]
    states = [{key: getattr(chain, key) for key in chain.shows} for chain in made]
    theirs = javascript(
        "unrolled_chain",
        "data.map((s) => [m.positions(s), m.loss(s), m.slopes(s), m.learned(s), m.moment(s), m.summary(s)])",
        states,
    )
    for chain, (path, loss, slopes, learned, moment, summary) in zip(made, theirs, strict=True):
        assert (path, loss) == (chain.path(), chain.loss)
        assert {
            k: tuple(v) if isinstance(v, list) else v for k, v in slopes.items()
        } == chain.slopes()._asdict()
        assert {name: tuple(values) for name, values in learned.items()} == chain.learned()
        assert (moment, summary) == (chain.moment, chain.summary)
