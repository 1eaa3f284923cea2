"""What remembers, against computations by plain loops, finite differences, and what must be so."""

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from mlteach.errors import EpisodeError
from mlteach.fit import fit
from mlteach.memory import (
    MANN,
    Alone,
    Attend,
    Eye,
    Lookup,
    addresses,
    bound,
    by_showing,
    ceiling,
    halved,
    labels_shown,
    lookup,
    recall,
    recall_gradient,
    recall_logits,
    sequences,
    showing,
)
from mlteach.nets import Conv4, cross_entropy
from mlteach.params import Params

D, WAYS, SHOWS = 6, 3, 4


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def rows() -> Tensor:
    """Twelve classes of five drawings, float64."""
    means = torch.randn(12, 1, D, generator=seeded(1), dtype=torch.float64)
    return means + 0.3 * torch.randn(12, 5, D, generator=seeded(2), dtype=torch.float64)


def episode(tasks: int = 2) -> Any:
    return sequences(rows(), tasks, ways=WAYS, shows=SHOWS, generator=seeded(3))


LEARNERS: dict[str, Callable[[], Any]] = {
    "lookup": lambda: Lookup(D, 4),
    "attention": lambda: Attend(D, WAYS, width=8, layers=2, heads=2, steps=WAYS * SHOWS),
    "LSTM": lambda: Alone(D, WAYS, hidden=7),
    "MANN": lambda: MANN(D, WAYS, hidden=7, slots=6, width=4, heads=2),
    "MANN, both": lambda: MANN(D, WAYS, hidden=7, slots=6, width=4, heads=1, strength=True, separate=True),
}


def made(name: str) -> tuple[Any, Params]:
    learner = LEARNERS[name]()
    return learner, learner.init(seeded(4), torch.float64)


# Recall ---------------------------------------------------------------------------------------------------------------


def test_a_sequence_shows_each_class_so_often_and_no_drawing_twice() -> None:
    numbers = torch.arange(60, dtype=torch.float64).view(12, 5, 1)
    each = sequences(numbers, 50, ways=WAYS, shows=SHOWS, generator=seeded())
    places, classes = each.support_x[..., 0].long(), each.support_x[..., 0].long() // 5
    for task in range(50):
        assert len(set(places[task].tolist())) == WAYS * SHOWS
        pairs = set(zip(classes[task].tolist(), each.support_y[task].tolist(), strict=True))
        assert len(pairs) == WAYS  # one label a class
        assert each.support_y[task].bincount().tolist() == [SHOWS] * WAYS
    assert len({tuple(y.tolist()) for y in each.support_y}) > 40
    with pytest.raises(EpisodeError, match="13 classes"):
        sequences(numbers, 1, ways=13, generator=seeded())


def test_labels_come_late_and_pictures_are_bound_to_them() -> None:
    y = torch.tensor([[2, 0, 1]])
    assert labels_shown(y, 3)[0].tolist() == [[0, 0, 0], [0, 0, 1], [1, 0, 0]]
    assert labels_shown(y, 3, late=False)[0].argmax(-1).tolist() == [2, 0, 1]
    x = torch.arange(6.0).view(1, 3, 2)
    assert bound(x)[0].tolist() == [[0, 1, 0, 0], [2, 3, 0, 1], [4, 5, 2, 3]]


def test_showings_are_counted() -> None:
    y = torch.tensor([[0, 1, 0, 0, 1, 2]])
    assert showing(y)[0].tolist() == [1, 1, 2, 3, 2, 1]
    right = torch.tensor([[True, False, True, False, False, True]])
    assert by_showing(right, y, 3)[0].tolist() == pytest.approx([2 / 3, 1 / 2, 0])


def test_the_ceiling_is_what_an_oracle_gets_who_guesses_among_unused_labels() -> None:
    assert ceiling(5) == pytest.approx(137 / 300)
    assert ceiling(15) == pytest.approx(0.2212, abs=5e-5)  # the paper's other number of classes
    for ways in (5, 15):
        y = torch.rand(4000, ways, generator=seeded()).argsort(-1)  # first showings alone
        unused = 1 - labels_shown(y, ways).cumsum(1)
        guess = (unused * torch.rand(unused.shape, generator=seeded(1))).argmax(-1)
        assert (guess == y).double().mean().item() == pytest.approx(ceiling(ways), abs=0.02)


@pytest.mark.parametrize("name", ["lookup", "LSTM"])
def test_with_labels_of_another_sequence_every_learner_is_at_chance_at_every_showing(name: str) -> None:
    learner, theta = made(name)
    here = episode(2000)
    of_another = labels_shown(here.support_y.roll(1, 0), WAYS, like=here.support_x)
    right = learner(theta, here.support_x, of_another).argmax(-1) == here.support_y
    seen = by_showing(right, here.support_y, SHOWS).mean(0)
    assert seen.tolist() == pytest.approx([1 / WAYS] * SHOWS, abs=0.025)
    if name == "lookup":  # with its own it knows them
        assert recall(learner, theta, [here], ways=WAYS)[:, -1].mean() > 0.6


@pytest.mark.parametrize("name", LEARNERS)
def test_no_answer_depends_on_its_own_label_or_a_later_one(name: str) -> None:
    learner, theta = made(name)
    here = episode()
    at, y = 5, here.support_y.clone()
    y[:, at:] = (y[:, at:] + 1) % WAYS
    moved = here._replace(support_y=y)
    for late in (True, False):
        before, after = (recall_logits(learner, theta, e, ways=WAYS, late=late) for e in (here, moved))
        same = (before - after).abs().amax((0, 2)) == 0
        assert same[:at].all()
        if late:
            assert same[at]
        else:
            assert not same[at]


@pytest.mark.parametrize("name", LEARNERS)
def test_the_gradient_is_that_of_finite_differences(name: str) -> None:
    learner, theta = made(name)
    here = episode()
    found, numbers = recall_gradient(learner, theta, here, ways=WAYS)
    way = {
        key: torch.randn(value.shape, generator=seeded(5), dtype=value.dtype) for key, value in theta.items()
    }

    def loss(step: float) -> float:
        moved = {key: value + step * way[key] for key, value in theta.items()}
        return cross_entropy(recall_logits(learner, moved, here, ways=WAYS), here.support_y).mean().item()

    slope = (loss(1e-5) - loss(-1e-5)) / 2e-5
    assert sum((found[key] * way[key]).sum().item() for key in theta) == pytest.approx(slope, rel=1e-6)
    assert numbers["loss"].item() == pytest.approx(loss(0.0), abs=1e-12)


def test_it_trains_under_fit_and_remembers() -> None:
    learner = Lookup(D, 4)
    run = fit(
        lambda theta, e: recall_gradient(learner, theta, e, ways=WAYS), learner.init(seeded(4), torch.float64),
        lambda draw: sequences(rows(), 8, ways=WAYS, shows=SHOWS, generator=draw), steps=60, generator=seeded(),
        lr=0.05, progress=None,
    )  # fmt: skip
    seen = recall(
        learner, run.theta, [sequences(rows(), 50, ways=WAYS, shows=SHOWS, generator=seeded(9))], ways=WAYS
    )
    assert seen.shape == (50, SHOWS)
    assert seen[:, 0].mean() <= ceiling(WAYS) + 0.05
    assert seen[:, 1:].mean() > 0.9


# Lookup ---------------------------------------------------------------------------------------------------------------


def test_a_lookup_is_its_closed_form_and_attention() -> None:
    draw = seeded()
    question, keys, values = (
        torch.randn(shape, generator=draw, dtype=torch.float64) for shape in ((2, D), (2, 5, D), (2, 5, 3))
    )
    found = lookup(question, keys, values, 1.7)
    for task in range(2):
        weights = [
            math.exp(1.7 * sum(float(q * k) for q, k in zip(question[task], key, strict=True)))
            for key in keys[task]
        ]
        for n in range(3):
            mean = sum(w * float(v[n]) for w, v in zip(weights, values[task], strict=True)) / sum(weights)
            assert found[task, n].item() == pytest.approx(mean, abs=1e-12)
    attended = torch.nn.functional.scaled_dot_product_attention(
        question.unsqueeze(1), keys, values, scale=1.7
    )
    assert torch.allclose(found, attended.squeeze(1), atol=1e-12, rtol=0)
    assert addresses(question, keys, 1e6).amax() == 1  # so sharp that it is a dictionary


def test_recall_by_lookup_is_a_plain_loop() -> None:
    learner, theta = made("lookup")
    here = episode(1)
    x, y = here.support_x[0] @ theta["key.weight"].T, here.support_y[0].tolist()
    found = recall_logits(learner, theta, here, ways=WAYS)[0]
    s, new = theta["sharpness"].exp().item(), theta["new"].item()
    for t in range(WAYS * SHOWS):
        fits = [torch.cosine_similarity(x[t], x[before], dim=0).item() for before in range(t)]
        shares = [math.exp(s * fit) for fit in [*fits, new]]
        unused = [k for k in range(WAYS) if k not in y[:t]]
        chance = [0.0] * WAYS
        for weight, label in zip(shares, y[:t], strict=False):
            chance[label] += weight / sum(shares)
        for k in unused:
            chance[k] += shares[-1] / sum(shares) / len(unused)
        told = [math.log(each + 1e-4) for each in chance]
        assert found[t].tolist() == pytest.approx(told, abs=1e-10)


# MANN -----------------------------------------------------------------------------------------------------------------


def plain_mann(net: MANN, theta: Params, x: Tensor, labels: Tensor) -> list[list[float]]:
    """One task, number by number, written from the paper's equations."""
    p = {name: value.tolist() for name, value in theta.items()}

    def times(matrix: list[list[float]], vector: list[float]) -> list[float]:
        return [sum(a * b for a, b in zip(row, vector, strict=True)) for row in matrix]

    def sigmoid(a: float) -> float:
        return 1 / (1 + math.exp(-a))

    H, N, W, R = net.hidden, net.slots, net.width, net.heads
    rows = [[1e-6] * W for _ in range(N)]
    reads = [[1.0] + [0.0] * (N - 1) for _ in range(R)]
    usage, h, c, r, out = [0.0] * N, [0.0] * H, [0.0] * H, [0.0] * (R * W), []
    for t in range(len(x)):
        parts = (times(p["input.weight"], [*x[t].tolist(), *labels[t].tolist()]), p["input.bias"],
                 times(p["hidden.weight"], h), times(p["read.weight"], r))  # fmt: skip
        z = [sum(each) for each in zip(*parts, strict=True)]
        c = [sigmoid(z[H + j]) * c[j] + sigmoid(z[j]) * math.tanh(z[2 * H + j]) for j in range(H)]
        h = [sigmoid(z[3 * H + j]) * math.tanh(c[j]) for j in range(H)]
        said = {
            name: [a + b for a, b in zip(times(p[f"{name}.weight"], h), p[f"{name}.bias"], strict=True)]
            for name in ("key", "gate", *(["vector"] if net.separate else []))
        }
        keys = [[math.tanh(a) for a in said["key"][j * W : j * W + W]] for j in range(R)]
        vectors = (
            [[math.tanh(a) for a in said["vector"][j * W : j * W + W]] for j in range(R)]
            if net.separate
            else keys
        )
        order = sorted(range(N), key=lambda i: usage[i])
        writes = []
        for j in range(R):
            g = sigmoid(said["gate"][j])
            writes.append([g * reads[j][i] + (1 - g) * (i == order[j]) for i in range(N)])
        rows[order[0]] = [0.0] * W
        for j in range(R):
            rows = [
                [m + writes[j][i] * v for m, v in zip(rows[i], vectors[j], strict=True)] for i in range(N)
            ]
        sharp, reads, r = theta["strength"].exp().item() if net.strength else 1.0, [], []
        for j in range(R):
            key_length = math.sqrt(sum(a * a for a in keys[j]))
            fits = []
            for row in rows:
                length = max(math.sqrt(sum(a * a for a in row)), 1e-6)
                fits.append(sum(a * b for a, b in zip(row, keys[j], strict=True)) / length / key_length)
            whole = sum(math.exp(sharp * fit) for fit in fits)
            reads.append([math.exp(sharp * fit) / whole for fit in fits])
            r += [sum(reads[j][i] * rows[i][n] for i in range(N)) for n in range(W)]
        usage = [net.decay * u + sum(read[i] for read in reads) + sum(write[i] for write in writes) for i, u in enumerate(usage)]  # fmt: skip
        out.append([a + b for a, b in zip(times(p["head.weight"], [*h, *r]), p["head.bias"], strict=True)])
    return out


@pytest.mark.parametrize("name", ["MANN", "MANN, both"])
def test_a_mann_is_its_equations_number_by_number(name: str) -> None:
    net, theta = made(name)
    here = episode()
    found = recall_logits(net, theta, here, ways=WAYS)
    labels = labels_shown(here.support_y, WAYS, like=here.support_x)
    for task in range(here.tasks):
        told = torch.tensor(plain_mann(net, theta, here.support_x[task], labels[task]), dtype=torch.float64)
        assert (found[task] - told).abs().max() < 1e-10


def test_weights_of_a_mann_are_shares_and_its_usage_settles() -> None:
    net, theta = made("MANN")
    kept: list[Any] = []
    net(
        theta,
        torch.randn(1, 300, D, generator=seeded(), dtype=torch.float64),
        torch.zeros(1, 300, WAYS).double(),
        kept,
    )
    for _, memory, write in kept:
        assert torch.allclose(write.sum(-1), torch.ones(1, 2).double())
        assert torch.allclose(memory.read.sum(-1), torch.ones(1, 2).double())
    settled = 2 * net.heads / (1 - net.decay)
    assert kept[-1][1].usage.sum().item() == pytest.approx(settled, rel=1e-5)


def test_an_lstm_alone_is_torchs_cell_step_by_step() -> None:
    learner, theta = made("LSTM")
    here = episode()
    cell = torch.nn.LSTMCell(D + WAYS, 7).double()
    cell.load_state_dict(
        {name: theta[f"lstm.{name}_l0"] for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")}
    )
    state, labels = None, labels_shown(here.support_y, WAYS, like=here.support_x)
    found = recall_logits(learner, theta, here, ways=WAYS)
    for t in range(WAYS * SHOWS):
        state = cell(torch.cat([here.support_x[:, t], labels[:, t]], -1), state)
        told = state[0] @ theta["head.weight"].T + theta["head.bias"]
        assert torch.allclose(found[:, t], told, atol=1e-12)


# The eye --------------------------------------------------------------------------------------------------------------


def test_an_eye_sees_each_picture_by_itself_and_in_units_of_the_training_set() -> None:
    net = Conv4(5, 4, head="flatten")
    theta = {name: v for name, v in net.init(seeded()).items() if name in net.body_names}
    images = torch.randint(0, 256, (3, 20, 28, 28), generator=seeded(), dtype=torch.uint8)
    eye = Eye.frozen(net, theta, images.flatten(0, 1).unsqueeze(1).float() / 255)
    seen = eye(images, at_once=7)
    assert seen.shape == (3, 20, net.features)
    assert torch.allclose(seen[1:2, 3:4], eye(images[1:2, 3:4]), atol=1e-5)
    assert seen.norm(dim=-1).square().mean().sqrt().item() == pytest.approx(3.0, rel=0.05)
    assert halved(images).shape == (3, 20, 196)
    assert torch.allclose(halved(images)[0, 0, 0], images[0, 0, :2, :2].float().mean() / 255)
