"""UNICORN's shared vector is the zero head wherever the loss forgets a shift of all logits and the rule reads no weights."""

import pytest
import torch
import torch.nn.functional as F

from mlteach.inner import Rule, adam, momentum, sgd
from mlteach.measure import orders_of, path_of, permuted_accuracy, permuted_logits, spread_of
from mlteach.measure.permutations import relabelled
from mlteach.nets import Conv4, cross_entropy
from mlteach.outer import maml_gradient, tied_head
from mlteach.params import norm
from mlteach.tasks import Characters

NET = Conv4(5, 4, head="flatten")
BODY = {
    n: v for n, v in NET.init(torch.Generator().manual_seed(0), torch.float64).items() if n in NET.body_names
}
EPISODE = Characters.glyphs(classes=10, seed=0).sample(
    2, 5, 1, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64
)
VECTOR = torch.randn(NET.features, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def tied(scale: float):
    return BODY | {"tied.weight": scale * VECTOR, "tied.bias": torch.tensor(0.7 * scale, dtype=torch.float64)}


def decaying(rule: Rule, decay: float) -> Rule:
    def step(theta, gradient, state, /, *, loss):
        return rule.step(theta, {n: gradient[n] + decay * theta[n] for n in theta}, state, loss=loss)

    return Rule(rule.init, step)


RULES = {
    "sgd": sgd(0.1),
    "momentum": momentum(0.03, 0.9),
    "weight decay": decaying(sgd(0.1), 0.1),
    "adam": adam(0.01, eps=1e-4),  # its first body gradient is rounding: by 1e-8 that would be 1e-9
}


def answers(theta, rule, steps=5):
    phi = path_of(NET, theta, EPISODE, rule, steps, start=tied_head(NET))[-1]
    return NET(phi, EPISODE.query_x)


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_with_softmax_the_vector_is_nothing(rule):
    one, zero = (answers(tied(scale), rule).softmax(-1) for scale in (1.0, 0.0))
    assert (one - zero).abs().max() < 1e-12
    if rule is RULES["adam"]:
        return  # a root of nothing has no derivative: what gets no gradient at all would make the meta-gradient nan
    gradient, _ = maml_gradient(NET, cross_entropy, tied(1.0), EPISODE, rule, 5, start=tied_head(NET))
    body = norm({n: gradient[n] for n in BODY})
    assert gradient["tied.weight"].norm() < 1e-10 * body
    assert gradient["tied.bias"].abs() < 1e-10 * body


def test_with_a_sigmoid_for_each_class_it_is_not():
    def descent(net, theta, seen, t):
        truth = F.one_hot(seen.support_y, 5).double()
        return F.binary_cross_entropy_with_logits(net(theta, seen.support_x), truth, reduction="none").mean(
            (1, 2)
        )

    rule = sgd(0.1)._replace(objective=descent)
    assert (answers(tied(1.0), rule) - answers(tied(0.0), rule)).abs().max() > 1e-3


def test_label_orders_change_a_learned_head_and_not_a_tied_one():
    task, orders = EPISODE.part(slice(0, 1)), orders_of(5)[::12]
    assert len(orders_of(5)) == 120
    learned = NET.init(torch.Generator().manual_seed(3), torch.float64)
    flat = permuted_logits(NET, tied(1.0), task, sgd(0.1), (0, 3), orders, start=tied_head(NET)).softmax(-1)
    assert (flat - flat[:, :1]).abs().max() < 1e-12
    bent = permuted_logits(NET, learned, task, sgd(0.1), (3,), orders)
    assert (bent - bent[:, :1]).abs().max() > 1e-3
    # one order by hand: adapt on its labels, and read the columns back
    one = relabelled(task, orders[4:5])
    by_hand = NET(path_of(NET, learned, one, sgd(0.1), 3)[-1], one.query_x)
    assert torch.allclose(bent[0, 4], by_hand[0][:, orders[4]])
    shares = permuted_accuracy(bent[0], task)
    right = (by_hand.argmax(-1) == one.query_y).double().mean()
    assert shares[4] == right
    (row,) = spread_of(shares[None])
    assert row.spread == pytest.approx(row.best - row.worst)
    assert row.worst <= row.mean <= row.best
