"""Attention over (embedding, label): the plain formula of a matching network, and a zero head's first step of MAML."""

import pytest
import torch

from mlteach.inner import adapt, sgd
from mlteach.metric import (
    init_linear,
    init_matching,
    linear_logits,
    matching_logits,
    prototypes,
    read_linear,
    read_matching,
    reading_accuracy,
    reading_gradient,
)
from mlteach.nets import Conv4, cross_entropy
from mlteach.outer import in_context_gradient, maml_gradient
from mlteach.params import stack
from mlteach.tasks import Characters, Episode

WAYS = 4
NET = Conv4(WAYS, 4, head="flatten")


def made(shots: int = 2) -> Episode:
    draw = torch.Generator().manual_seed(0)
    return Characters.glyphs(20).sample(3, WAYS, shots, 2, generator=draw, dtype=torch.float64)


def test_softmax_attention_over_labels_is_a_matching_network() -> None:
    g = torch.Generator().manual_seed(1)
    support, query = (torch.randn(2, n, 6, generator=g, dtype=torch.float64) for n in (8, 3))
    y = torch.stack([torch.randperm(8, generator=g) % WAYS for _ in range(2)])
    logits = matching_logits(support, y, query, WAYS, scale=5.0)
    for task in range(2):
        for q in range(3):
            weight = [
                torch.exp(5 * torch.cosine_similarity(query[task, q], each, dim=0)) for each in support[task]
            ]
            for k in range(WAYS):
                mass = sum(w for w, label in zip(weight, y[task], strict=True) if label == k) / sum(weight)
                assert logits[task, q, k].exp().item() == pytest.approx(mass.item(), abs=1e-12)
    unit = torch.nn.functional.normalize
    values = torch.nn.functional.one_hot(y, WAYS).double()
    library = torch.nn.functional.scaled_dot_product_attention(
        unit(query, dim=-1), unit(support, dim=-1), values, scale=5.0
    )
    torch.testing.assert_close(logits.exp(), library, rtol=0, atol=1e-12)
    one = matching_logits(support[0], torch.zeros(8, dtype=torch.int64), query[0], 2, scale=1.0)
    assert (one[:, 1] == -torch.inf).all()  # nobody there to copy from


@pytest.mark.parametrize("shots", [1, 3])
def test_a_zero_heads_first_step_is_linear_attention_and_so_are_its_outer_gradients(shots: int) -> None:
    episode = made(shots)
    theta = NET.init(torch.Generator().manual_seed(0), torch.float64)
    body = {name: theta[name] for name in NET.body_names}
    rates = sgd(dict.fromkeys(NET.body_names, 0.4) | dict.fromkeys(NET.head_names, 2.0 * WAYS))
    begin = stack(NET.zero_head(body), episode.tasks)
    phi = adapt(lambda p: cross_entropy(NET(p, episode.support_x), episode.support_y), begin, rates, 1)
    features = NET.features_of(stack(body, episode.tasks), episode.support_x)
    means = prototypes(features, episode.support_y, WAYS)
    torch.testing.assert_close(
        phi["head.weight"], 2 * (means - means.mean(1, keepdim=True)), rtol=0, atol=1e-12
    )
    assert phi["head.bias"].abs().max() < 1e-14
    assert all(torch.equal(phi[name], begin[name]) for name in NET.body_names)  # the body has not moved

    asked = NET.features_of(stack(body, episode.tasks), episode.query_x)
    logits = linear_logits(features, episode.support_y, asked, WAYS, rate=2.0 * WAYS)
    torch.testing.assert_close(logits, NET(phi, episode.query_x), rtol=0, atol=1e-12)

    # and the outer gradients, where support and queries are batches of their own in both
    def split(params, x, y, questions):  # noqa: ANN001, ANN202
        seen, query = (NET.features_of(stack(params, len(x)), each) for each in (x, questions))
        return linear_logits(seen, y, query, WAYS, rate=2.0 * WAYS)

    ours, _ = in_context_gradient(split, cross_entropy, body, episode)
    theirs, _ = maml_gradient(NET, cross_entropy, body, episode, rates, 1, start=NET.zero_head)
    for name in body:
        torch.testing.assert_close(ours[name], theirs[name], rtol=0, atol=1e-10)


def test_a_reading_trains_its_own_number_and_is_judged_task_by_task() -> None:
    episode = made()
    theta = NET.init(torch.Generator().manual_seed(0), torch.float64)
    body = {name: theta[name] for name in NET.body_names}
    for reading, start in (
        (read_matching(), init_matching(dtype=torch.float64)),
        (read_linear, init_linear(torch.float64)),
    ):
        (own,) = start
        gradient, numbers = reading_gradient(NET.features_of, reading, body | start, episode)
        assert gradient[own].abs() > 0 and 0 <= numbers["accuracy"] <= 1
        both = reading_accuracy(NET.features_of, reading, body | start, [episode])
        one_by_one = [episode.part(slice(k, k + 1)) for k in range(3)]
        alone = reading_accuracy(NET.features_of, reading, body | start, one_by_one)
        assert all(torch.equal(both[mode], alone[mode]) for mode in ("transductive", "support"))
