"""Matching, Siamese networks, full context embeddings: plain loops, identities with one another, gradients by finite differences."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from mlteach.errors import EpisodeError
from mlteach.fit import fit
from mlteach.metric import (
    features_of,
    init_context,
    init_matching,
    init_siamese,
    matching_logits,
    most_certain,
    pair_loss,
    prototype_gradient,
    prototype_logits,
    query_in_context,
    read_in_context,
    read_matching,
    read_prototypes,
    read_siamese,
    reading_accuracy,
    reading_gradient,
    siamese_scores,
    support_in_context,
)
from mlteach.nets import Conv4
from mlteach.params import Params, dot
from mlteach.tasks import Characters, Episode

NET = Conv4(5, 4, head="flatten")
D = NET.features


def points(ways: int = 3, shots: int = 2, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    g = torch.Generator().manual_seed(seed)
    support, query = (torch.randn(2, n, 6, generator=g, dtype=torch.float64) for n in (ways * shots, 4))
    y = torch.stack([torch.randperm(ways * shots, generator=g) % ways for _ in range(2)])
    return support, y, query


def test_matching_is_a_plain_loop_and_attention_whose_values_are_labels() -> None:
    support, y, query = points()
    found = matching_logits(support, y, query, 3, scale=7.0)
    for task in range(2):
        for q in range(4):
            weights = [
                math.exp(7 * F.cosine_similarity(query[task, q], s, dim=0).item()) for s in support[task]
            ]
            for k in range(3):
                share = sum(w for w, label in zip(weights, y[task], strict=True) if label == k) / sum(weights)
                assert found[task, q, k].exp().item() == pytest.approx(share, abs=1e-12)
    unit = [F.normalize(each, dim=-1) for each in (query, support)]
    values = F.one_hot(y, 3).double()
    attention = F.scaled_dot_product_attention(*unit, values, scale=7.0)
    torch.testing.assert_close(found.exp(), attention, rtol=0, atol=1e-12)
    assert matching_logits(support, y, query, 4)[..., 3].eq(-math.inf).all()  # a class that nobody shows
    with pytest.raises(EpisodeError, match="whole numbers"):
        matching_logits(support, y.double(), query, 3)


def test_at_one_shot_the_scale_moves_no_answer_and_unit_prototypes_are_matching() -> None:
    support, y, query = points(ways=5, shots=1)
    answers = [matching_logits(support, y, query, 5, scale=t).argmax(-1) for t in (0.1, 1.0, 40.0)]
    assert answers[0].equal(answers[1]) and answers[0].equal(answers[2])
    unit = [F.normalize(each, dim=-1) for each in (support, query)]
    near = prototype_logits(unit[0], y, unit[1], 5, scale=3.5).log_softmax(-1)  # |q - s|^2 = 2 - 2 cos
    torch.testing.assert_close(near, matching_logits(support, y, query, 5, scale=7.0), rtol=0, atol=1e-12)


@pytest.mark.parametrize("ways", [5, 20])
def test_no_query_is_more_certain_than_the_bound(ways: int) -> None:
    """Reached by a query that is one support picture and the opposite of all others; after a ReLU, orthogonal to them."""
    support = torch.cat(
        [
            torch.eye(ways, dtype=torch.float64)[:1],
            -torch.eye(ways, dtype=torch.float64)[:1].repeat(ways - 1, 1),
        ]
    )
    y = torch.arange(ways)
    assert matching_logits(support, y, support[:1], ways).exp().max().item() == pytest.approx(
        most_certain(ways)
    )
    across = (
        matching_logits(torch.eye(ways).double(), y, torch.eye(ways)[:1].double(), ways).exp().max().item()
    )
    assert across == pytest.approx(most_certain(ways, least=0.0)) and across < most_certain(ways)


def test_siamese_scores_are_symmetric_and_its_loss_weighs_both_kinds_alike() -> None:
    support, y, query = points()
    theta = init_siamese(6, torch.float64) | {"siamese.bias": torch.tensor(0.3, dtype=torch.float64)}
    scores = siamese_scores(theta, query, support)
    torch.testing.assert_close(scores.mT, siamese_scores(theta, support, query))
    itself = siamese_scores(theta, query, query).diagonal(dim1=-2, dim2=-1)
    torch.testing.assert_close(itself, torch.full_like(itself, 0.3))
    query_y = torch.tensor([[0, 1, 2, 0], [2, 2, 1, 1]])
    found = pair_loss(theta, support, y, query, query_y, 3)
    for task in range(2):
        kinds: dict[bool, list[float]] = {True: [], False: []}
        for q in range(4):
            for s in range(6):
                p = 1 / (1 + math.exp(-scores[task, q, s].item()))
                same = bool(query_y[task, q] == y[task, s])
                kinds[same].append(-math.log(p if same else 1 - p))
        by_hand = sum(sum(each) / len(each) for each in kinds.values()) / 2
        assert found[task].item() == pytest.approx(by_hand, abs=1e-12)
    mean = torch.stack([scores[0][:, y[0] == k].mean(1) for k in range(3)], 1)
    torch.testing.assert_close(read_siamese(theta, support, y, query, 3)[0], mean)
    with pytest.raises(EpisodeError, match="two classes"):
        pair_loss(theta, support, y, query, query_y, 1)


def test_context_is_torch_s_own_two_way_lstm_and_a_loop_over_the_paper_s_equations() -> None:
    support, _, query = points()
    theta = init_context(6, torch.Generator().manual_seed(3), torch.float64)
    theta = {name: value + 0.1 for name, value in theta.items()}
    lstm = torch.nn.LSTM(6, 6, bidirectional=True, batch_first=True, dtype=torch.float64)
    with torch.no_grad():
        for way, end in (("forth", ""), ("back", "_reverse")):
            for theirs, ours in (("weight_ih", "x"), ("weight_hh", "h"), ("bias_ih", "bias")):
                getattr(lstm, f"{theirs}_l0{end}").copy_(theta[f"context.{way}.{ours}"])
            getattr(lstm, f"bias_hh_l0{end}").zero_()
        forth, back = lstm(support)[0].chunk(2, -1)
        seen = support_in_context(theta, support)
        torch.testing.assert_close(seen, forth + back + support, rtol=0, atol=1e-12)
        found = query_in_context(theta, seen, query, reads=3)
        for task in range(2):
            for q in range(4):
                x, h, c = query[task, q], torch.zeros(6).double(), torch.zeros(6).double()
                for _ in range(3):
                    weights = torch.stack([(h @ g).exp() for g in seen[task]])
                    r = sum(w / weights.sum() * g for w, g in zip(weights, seen[task], strict=True))
                    gates = theta["context.read.x"] @ x + theta["context.read.hr"][:, :6] @ h
                    gates = gates + theta["context.read.hr"][:, 6:] @ r + theta["context.read.bias"]
                    i, f, u, o = gates.chunk(4)
                    c = f.sigmoid() * c + i.sigmoid() * u.tanh()
                    h = o.sigmoid() * c.tanh() + x
                torch.testing.assert_close(found[task, q], h, rtol=0, atol=1e-12)


def test_silent_context_is_plain_matching_and_any_other_knows_the_order_of_the_support_set() -> None:
    support, y, query = points()
    theta = init_context(6, torch.Generator().manual_seed(3), torch.float64)
    silent = {name: value * 0 if name.startswith("context") else value for name, value in theta.items()}
    plain = matching_logits(support, y, query, 3, scale=10.0)
    torch.testing.assert_close(read_in_context()(silent, support, y, query, 3), plain)
    assert query_in_context(theta, support, query, reads=0) is query
    turned = read_in_context()(theta, support.flip(1), y.flip(1), query, 3)
    assert (turned - read_in_context()(theta, support, y, query, 3)).abs().max() > 1e-3
    torch.testing.assert_close(matching_logits(support.flip(1), y.flip(1), query, 3, scale=10.0), plain)


ARMS = {
    "prototypes": (read_prototypes(0.05), dict, None),
    "matching": (read_matching(), lambda: init_matching(dtype=torch.float64), None),
    "siamese": (read_siamese, lambda: init_siamese(D, torch.float64), pair_loss),
    "context": (
        read_in_context(2),
        lambda: init_context(D, torch.Generator().manual_seed(1), torch.float64),
        None,
    ),
}


def made(arm: str) -> tuple[Params, Episode]:
    g = torch.Generator().manual_seed(0)
    theta = {n: v for n, v in NET.init(g, torch.float64).items() if n in NET.body_names} | ARMS[arm][1]()
    return theta, Characters.glyphs(30).sample(2, 5, 1, 2, generator=g, dtype=torch.float64)


@pytest.mark.parametrize("arm", ARMS)
def test_the_gradient_is_that_of_finite_differences_and_it_trains_under_fit(arm: str) -> None:
    reading, _, loss = ARMS[arm]
    theta, episode = made(arm)
    gradient, numbers = reading_gradient(NET.features_of, reading, theta, episode, loss=loss)
    assert set(gradient) == set(theta)
    way = {
        n: torch.randn(v.shape, generator=torch.Generator().manual_seed(2), dtype=v.dtype)
        for n, v in theta.items()
    }

    def at(step: float) -> float:
        moved = {name: value + step * way[name] for name, value in theta.items()}
        return reading_gradient(NET.features_of, reading, moved, episode, loss=loss)[1]["loss"].item()

    assert dot(gradient, way).item() == pytest.approx((at(1e-6) - at(-1e-6)) / 2e-6, rel=1e-5)
    assert numbers["loss"].item() == pytest.approx(at(0.0), abs=1e-12)
    run = fit(
        lambda theta, episode: reading_gradient(NET.features_of, reading, theta, episode, loss=loss), theta,
        lambda g: episode, steps=8, generator=torch.Generator().manual_seed(0), lr=1e-2, progress=None,
    )  # fmt: skip
    assert run.history["loss"][-1] < run.history["loss"][0]


def test_prototypes_as_a_reading_are_the_package_s_and_accuracy_judges_task_by_task() -> None:
    theta, episode = made("prototypes")
    ours, _ = reading_gradient(NET.features_of, read_prototypes(0.05), theta, episode)
    theirs, _ = prototype_gradient(lambda p, x: NET.features_of(p, x), theta, episode, scale=0.05)
    for name, value in ours.items():
        torch.testing.assert_close(value, theirs[name], rtol=0, atol=1e-12)
    both = reading_accuracy(NET.features_of, read_prototypes(1.0), theta, [episode])
    alone = reading_accuracy(
        NET.features_of, read_prototypes(1.0), theta, [episode.part(slice(k, k + 1)) for k in range(2)]
    )
    assert set(both) == {"transductive", "support"}
    for mode in both:
        torch.testing.assert_close(both[mode], alone[mode])
    seen = features_of(NET.features_of, theta, episode, "support")[1][:, 0]
    changed = episode._replace(query_x=torch.cat([episode.query_x[:, :1], 1 - episode.query_x[:, 1:]], 1))
    torch.testing.assert_close(seen, features_of(NET.features_of, theta, changed, "support")[1][:, 0])
