"""UNICORN's shared vector is the zero head wherever the loss forgets a shift of all logits and the rule reads no weights."""

import math
from functools import partial

import pytest
import torch
import torch.nn.functional as F

from mlteach.inner import Rule, adam, adapt, momentum, sgd
from mlteach.measure import is_it_maml, orders_of, path_of, permuted_accuracy, permuted_logits, spread_of
from mlteach.measure.permutations import relabelled
from mlteach.nets import Conv4, cross_entropy
from mlteach.outer import maml_gradient, tied_head
from mlteach.params import norm
from mlteach.tasks import Characters
from studies.lesson14_vector import reads, reads_counted

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


def sigmoids(net, theta, seen, t):
    truth = F.one_hot(seen.support_y, 5).double()
    return F.binary_cross_entropy_with_logits(net(theta, seen.support_x), truth, reduction="none").mean(
        (1, 2)
    )


def squares(net, theta, seen, t):
    truth = F.one_hot(seen.support_y, 5).double()
    return (net(theta, seen.support_x) - truth).square().sum(-1).mean(-1)


def cosines(params, x):
    f, rows = NET.features_of(params, x), params["head.weight"]
    return 5 * F.normalize(f, dim=-1) @ F.normalize(rows, dim=-1).mT


@pytest.mark.parametrize(
    ("rule", "net", "seen_by", "other"),
    [
        (sgd(0.1)._replace(objective=sigmoids), NET, torch.sigmoid, 0.0),
        (sgd(0.02)._replace(objective=squares), NET, lambda z: z, 0.0),
        (sgd(0.1), cosines, lambda z: z.softmax(-1), 0.5),  # a row of zeros has no direction: half the vector
        (reads(0.02), NET, lambda z: z.softmax(-1), 0.0),
    ],
    ids=["a sigmoid a class", "squared error", "cosine head", "a rule that reads the weights"],
)
def test_where_it_is_something_else(rule, net, seen_by, other):
    ends = []
    for scale in (1.0, other):
        phi = path_of(net, tied(scale), EPISODE, rule, 5, start=tied_head(NET))[-1]
        ends.append(seen_by(net(phi, EPISODE.query_x)))
    assert (ends[0] - ends[1]).abs().max() > 1e-3


def test_to_a_rule_that_reads_the_weights_the_vector_is_its_length():
    """The rows' errors sum to zero, so what they learn stands at right angles to w: |W|^2 = 5 |w|^2 + what was learned."""
    vector = BODY | {"tied.weight": VECTOR}
    counted = 5**0.5 * VECTOR.norm()
    one, number = (
        path_of(NET, theta, EPISODE, rule, 5, start=tied_head(NET))[-1]
        for theta, rule in ((vector, reads(0.1)), (BODY, reads(0.1, counted)))
    )
    answer = [NET(phi, EPISODE.query_x).softmax(-1) for phi in (one, number)]
    assert (answer[0] - answer[1]).abs().max() < 1e-10
    other = path_of(
        NET, vector | {"tied.weight": -VECTOR.flip(0)}, EPISODE, reads(0.1), 5, start=tied_head(NET)
    )
    assert (NET(other[-1], EPISODE.query_x).softmax(-1) - answer[0]).abs().max() < 1e-10

    how = (EPISODE, 5)
    of_vector, _ = maml_gradient(NET, cross_entropy, vector, how[0], reads(0.1), how[1], start=tied_head(NET))
    of_number, _ = maml_gradient(
        NET, cross_entropy, BODY | {"counted": counted}, how[0], partial(reads_counted, 0.1), how[1],
        start=NET.zero_head,
    )  # fmt: skip
    along = 5**0.5 * of_number["counted"] * VECTOR / VECTOR.norm()
    assert (of_vector["tied.weight"] - along).norm() < 1e-8 * norm(of_vector)


@pytest.mark.parametrize("scale", [0.0, 1.0], ids=["zero head", "UNICORN"])
def test_before_the_first_step_the_loss_is_log_n_and_finite_differences_call_it_second_order(scale):
    theta, start = tied(scale), tied_head(NET)
    begin = start(theta)

    def loss(phi, x, y):
        return cross_entropy(NET(phi, x), y)

    for index in range(EPISODE.tasks):
        support = EPISODE.support_x[index], EPISODE.support_y[index]
        assert loss(begin, *support).item() == pytest.approx(math.log(5), abs=1e-12)

    def adapted(theta, x, y):
        return adapt(lambda phi: loss(phi, x, y), start(theta), sgd(0.3), 5)

    theta = theta if scale else BODY
    assert is_it_maml(adapted, loss, theta, EPISODE).order == "second"


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
