"""The exercises of lesson 19: a soft lookup, the write of a memory, and who reads its own label."""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from mlteach.exercises.exercise import Case, Exercise, Mistake

# 19.1 ---------------------------------------------------------------------------------------------------------------


def lookup(question: Tensor, keys: Tensor, values: Tensor, sharpness: float) -> Tensor:
    """The values [n, v], each as much as its key [n, d] fits the question [d]."""
    return (sharpness * keys @ question).softmax(0) @ values


def _lookup_inputs(seed: int, n: int, d: int, v: int, sharpness: float) -> tuple[Any, ...]:
    generator = torch.Generator().manual_seed(seed)
    sizes = ((d,), (n, d), (n, v))
    return (
        *(torch.randn(size, generator=generator, dtype=torch.float64) for size in sizes),
        sharpness,
    )


def _lookup_cases() -> list[Case]:
    return [
        Case("four keys of three numbers, a sharpness of 2", _lookup_inputs(1, 4, 3, 2, 2.0)),
        Case("three keys of three numbers, a sharpness of 0.5", _lookup_inputs(2, 3, 3, 3, 0.5)),
        Case("two keys of five numbers, a sharpness of 1", _lookup_inputs(3, 2, 5, 4, 1.0)),
    ]


def _draw_lookup(generator: torch.Generator) -> Case:
    n, d, v = (int(torch.randint(2, 6, (), generator=generator)) for _ in range(3))
    sharpness = float(0.2 + 2 * torch.rand((), generator=generator, dtype=torch.float64))
    seed = int(torch.randint(10_000, (), generator=generator))
    return Case(f"drawn, {n} keys of {d} numbers", _lookup_inputs(seed, n, d, v, sharpness))


def _addressed(change: Callable[[Tensor, float], Tensor]) -> Callable[..., Tensor]:
    """Another address made of the fits [n] and the sharpness."""

    def wrong(question: Tensor, keys: Tensor, values: Tensor, sharpness: float) -> Tensor:
        return change(keys @ question, sharpness) @ values

    return wrong


def _fitted(fit: Callable[[Tensor, Tensor], Tensor]) -> Callable[..., Tensor]:
    """Another fit of a question [d] and keys [n, d]."""

    def wrong(question: Tensor, keys: Tensor, values: Tensor, sharpness: float) -> Tensor:
        return (sharpness * fit(question, keys)).softmax(0) @ values

    return wrong


def _read(change: Callable[[Tensor, Tensor, Tensor], Any]) -> Callable[..., Any]:
    """Something else made of the right address [n], the keys and the values."""

    def wrong(question: Tensor, keys: Tensor, values: Tensor, sharpness: float) -> Any:
        return change((sharpness * keys @ question).softmax(0), keys, values)

    return wrong


LOOKUP = Exercise(
    id="19.1",
    title="a soft lookup",
    solution=lookup,
    cases=_lookup_cases,
    draw=_draw_lookup,
    outputs=("what is read",),
    mistakes=(
        Mistake(
            "The sharpness is not used. It multiplies the fits before the softmax.",
            (_addressed(lambda fits, s: fits.softmax(0)),),
            hint=2,
        ),
        Mistake(
            "The sharpness divides where it should multiply: the sharper, the more the best key must win.",
            (_addressed(lambda fits, s: (fits / s).softmax(0)),),
            hint=2,
        ),
        Mistake(
            "The sharpness comes after the softmax: it must sharpen the address, not stretch what is read. Multiply the fits by it.",
            (
                _addressed(lambda fits, s: s * fits.softmax(0)),
                _addressed(lambda fits, s: fits.softmax(0) ** s),
                _addressed(lambda fits, s: fits.softmax(0) / s),
            ),
            hint=2,
        ),
        Mistake(
            "The minus is one too many: the key that fits least would win.",
            (
                _addressed(lambda fits, s: (-s * fits).softmax(0)),
                _fitted(lambda q, k: (k - q).square().sum(-1)),
            ),
        ),
        Mistake(
            "Only the best key answers. That is a dictionary: a soft lookup mixes all values, and can be differentiated.",
            (
                _addressed(lambda fits, s: F.one_hot(fits.argmax(), len(fits)).to(fits.dtype)),
                lambda question, keys, values, sharpness: values[(keys @ question).argmax()],
            ),
            hint=1,
        ),
        Mistake(
            "The fits are not made into shares. Without softmax they do not sum to one, and some are below zero.",
            (
                _addressed(lambda fits, s: s * fits),
                _addressed(lambda fits, s: fits),
                _addressed(lambda fits, s: (s * fits).exp()),
                _addressed(lambda fits, s: (s * fits).sigmoid()),
                _addressed(lambda fits, s: (s * fits).relu()),
            ),
            hint=2,
        ),
        Mistake(
            "You divide by the sum of the fits. Fits can be negative: softmax takes exponentials first.",
            (
                _addressed(lambda fits, s: s * fits / (s * fits).sum()),
                _addressed(lambda fits, s: fits / fits.sum()),
                _addressed(lambda fits, s: (s * fits).sigmoid() / (s * fits).sigmoid().sum()),
                _addressed(lambda fits, s: fits.abs() / fits.abs().sum()),
            ),
            hint=2,
        ),
        Mistake(
            "You compare by the cosine or by a distance. Asked for is the product of question and key, as they are.",
            (
                _fitted(lambda q, k: torch.cosine_similarity(k, q, dim=-1)),
                _fitted(lambda q, k: -(k - q).square().sum(-1)),
                _fitted(lambda q, k: -(k - q).norm(dim=-1)),
                _fitted(lambda q, k: F.normalize(k, dim=-1) @ q),
            ),
        ),
        Mistake(
            "A second factor has come in beside the sharpness, 1/sqrt(d). It is often taken as the sharpness; here that one is given.",
            (
                _fitted(lambda q, k: k @ q / len(q) ** 0.5),
                _fitted(lambda q, k: k @ q / len(q)),
                _addressed(lambda fits, s: (fits / len(fits) ** 0.5).softmax(0)),
            ),
        ),
        Mistake(
            "You read the keys. They say where; what is read are the values.",
            (_read(lambda a, keys, values: a @ keys),),
        ),
        Mistake(
            "That is the address. Multiply it with the values and sum.",
            (_read(lambda a, keys, values: a), _read(lambda a, keys, values: a.unsqueeze(-1))),
            hint=3,
        ),
        Mistake(
            "The values are weighted and not yet summed: [n, v] in place of [v].",
            (
                _read(lambda a, keys, values: a.unsqueeze(-1) * values),
                _read(lambda a, keys, values: (a.unsqueeze(-1) * values).T),
            ),
            hint=3,
        ),
        Mistake(
            "You sum over the wrong axis: over the numbers of a value in place of the rows.",
            (
                _read(lambda a, keys, values: (a.unsqueeze(-1) * values).sum(-1)),
                _read(lambda a, keys, values: values.mean(-1) * a),
            ),
            hint=3,
        ),
        Mistake(
            "Divided by the number of rows once more: the address sums to one already.",
            (_read(lambda a, keys, values: (a.unsqueeze(-1) * values).mean(0)),),
        ),
        Mistake(
            "All values alike: the question plays no part.",
            (
                _read(lambda a, keys, values: values.mean(0)),
                _read(lambda a, keys, values: values.sum(0)),
            ),
        ),
        Mistake(
            "The softmax is taken again over what was read.",
            (_read(lambda a, keys, values: (a @ values).softmax(0)),),
        ),
        Mistake(
            "No gradient reaches the keys: nothing could be learned. Leave out .detach(), torch.no_grad() and numpy.",
            (
                _read(lambda a, keys, values: a.detach() @ values),
                _read(lambda a, keys, values: (a @ values).detach()),
            ),
        ),
    ),
    hints=(
        "Three steps: how well does each key fit, what share does each row get, what is the mean of the values with these shares?",
        "keys @ question gives all fits at once, [n]. Multiply them by the sharpness, then softmax(0).",
        "shares @ values is the weighted mean, [v].",
    ),
)

# 19.2 ---------------------------------------------------------------------------------------------------------------


def write(
    memory: Tensor, vector: Tensor, read: Tensor, usage: Tensor, gate: Tensor | float
) -> tuple[Tensor, Tensor]:
    """One head writes: the memory after [N, W] and the write weights [N]."""
    least = F.one_hot(usage.argmin(), len(usage)).to(memory.dtype)
    weights = gate * read + (1 - gate) * least
    return memory * (1 - least)[:, None] + weights[:, None] * vector, weights


def _write_inputs(
    seed: int, rows: int, width: int, gate: float, usage: list[float] | None = None
) -> tuple[Any, ...]:
    generator = torch.Generator().manual_seed(seed)

    def drawn(*size: int) -> Tensor:
        return torch.randn(size, generator=generator, dtype=torch.float64)

    used = drawn(rows).square() if usage is None else torch.tensor(usage, dtype=torch.float64)
    return (
        drawn(rows, width),
        drawn(width),
        drawn(rows).softmax(0),
        used,
        torch.tensor(gate, dtype=torch.float64),
    )


def _write_cases() -> list[Case]:
    return [
        Case("four rows of three numbers, a gate of 0.3", _write_inputs(1, 4, 3, 0.3)),
        Case("three rows of three numbers, a gate of 0.8", _write_inputs(2, 3, 3, 0.8)),
        Case(
            "an empty memory: two rows were never used",
            _write_inputs(3, 5, 2, 0.5, [0.4, 0.0, 0.9, 0.0, 0.1]),
        ),
    ]


def _draw_write(generator: torch.Generator) -> Case:
    rows, width, seed = (
        int(torch.randint(low, high, (), generator=generator)) for low, high in ((2, 7), (2, 5), (0, 9999))
    )
    gate = float(torch.rand((), generator=generator, dtype=torch.float64))
    return Case(
        f"drawn, {rows} rows of {width} numbers, a gate of {gate:.2f}", _write_inputs(seed, rows, width, gate)
    )


def _other(change: Callable[..., Any]) -> Callable[..., Any]:
    """A wrong answer out of all inputs and the one-hot row that is least used."""

    def wrong(memory: Tensor, vector: Tensor, read: Tensor, usage: Tensor, gate: Tensor) -> Any:
        least = F.one_hot(usage.argmin(), len(usage)).to(memory.dtype)
        return change(memory, vector, read, usage, gate, least)

    return wrong


def _weighted(weights: Callable[..., Tensor]) -> Callable[..., Any]:
    """The rest right, with other write weights of (read, usage, gate, least)."""

    def change(
        memory: Tensor, vector: Tensor, read: Tensor, usage: Tensor, gate: Tensor, least: Tensor
    ) -> Any:
        w = weights(read, usage, gate, least)
        return memory * (1 - least)[:, None] + w[:, None] * vector, w

    return _other(change)


def _stored(store: Callable[..., Tensor]) -> Callable[..., Any]:
    """The write weights right, another memory of (memory, vector, weights, least)."""

    def change(
        memory: Tensor, vector: Tensor, read: Tensor, usage: Tensor, gate: Tensor, least: Tensor
    ) -> Any:
        w = gate * read + (1 - gate) * least
        return store(memory, vector, w, least), w

    return _other(change)


def _chosen(choose: Callable[[Tensor, Tensor], Tensor]) -> Callable[..., Any]:
    """Another row than the least used one, by usage and the last read."""

    def wrong(memory: Tensor, vector: Tensor, read: Tensor, usage: Tensor, gate: Tensor) -> Any:
        least = F.one_hot(choose(usage, read), len(usage)).to(memory.dtype)
        w = gate * read + (1 - gate) * least
        return memory * (1 - least)[:, None] + w[:, None] * vector, w

    return wrong


def _outer(a: Tensor, b: Tensor) -> Tensor:
    return a[:, None] * b


WRITE = Exercise(
    id="19.2",
    title="write to the least used row",
    solution=write,
    cases=_write_cases,
    draw=_draw_write,
    outputs=("the memory", "the write weights"),
    mistakes=(
        Mistake(
            "You write to the row that is used most. The least used one is free.",
            (_chosen(lambda usage, read: usage.argmax()),),
            hint=1,
        ),
        Mistake(
            "You choose the row by what was read last. What says whether a row is free is its usage.",
            (
                _chosen(lambda usage, read: read.argmin()),
                _chosen(lambda usage, read: read.argmax()),
            ),
            hint=1,
        ),
        Mistake(
            "Of rows that are used alike take the first: usage.argmin() does.",
            (_chosen(lambda usage, read: len(usage) - 1 - usage.flip(0).argmin()),),
        ),
        Mistake(
            "The gate is the wrong way round: it opens to the row that was read last, the rest goes to the least used.",
            (_weighted(lambda read, usage, gate, least: (1 - gate) * read + gate * least),),
            hint=2,
        ),
        Mistake(
            "Both weights must sum to one: gate for the last read, 1 - gate for the least used row.",
            (
                _weighted(lambda read, usage, gate, least: gate * read + least),
                _weighted(lambda read, usage, gate, least: read + (1 - gate) * least),
                _weighted(lambda read, usage, gate, least: read + least),
                _weighted(lambda read, usage, gate, least: gate * (read + least)),
                _weighted(lambda read, usage, gate, least: gate * read - (1 - gate) * least),
            ),
            hint=2,
        ),
        Mistake(
            "Only one of the two places is written to. The gate mixes both.",
            (
                _weighted(lambda read, usage, gate, least: least),
                _weighted(lambda read, usage, gate, least: read),
                _weighted(lambda read, usage, gate, least: (1 - gate) * least),
                _weighted(lambda read, usage, gate, least: gate * read),
                _weighted(lambda read, usage, gate, least: read if gate > 0.5 else least),
            ),
            hint=2,
        ),
        Mistake(
            "The gate comes as a share already: no sigmoid again.",
            (
                _weighted(
                    lambda read, usage, gate, least: gate.sigmoid() * read + (1 - gate.sigmoid()) * least
                ),
            ),
        ),
        Mistake(
            "You mix usage into the weights as it is. It says which row is least used, and no more.",
            (
                _weighted(lambda read, usage, gate, least: gate * read + (1 - gate) * usage),
                _weighted(lambda read, usage, gate, least: gate * read + (1 - gate) * (-usage).softmax(0)),
                _weighted(lambda read, usage, gate, least: gate * usage + (1 - gate) * least),
            ),
        ),
        Mistake(
            "The least used row is not wiped: what is old stays in it and is mixed with what is new.",
            (_stored(lambda memory, vector, w, least: memory + _outer(w, vector)),),
            hint=3,
        ),
        Mistake(
            "You wipe after writing, and what was written is gone. Wipe first.",
            (_stored(lambda memory, vector, w, least: (memory + _outer(w, vector)) * (1 - least)[:, None]),),
            hint=3,
        ),
        Mistake(
            "The whole memory is wiped. All rows but the least used one keep what they hold.",
            (
                _stored(lambda memory, vector, w, least: _outer(w, vector)),
                _stored(lambda memory, vector, w, least: memory * least[:, None] + _outer(w, vector)),
            ),
            hint=3,
        ),
        Mistake(
            "Every row fades by its own write weight here. The paper adds to a row; only the least used one is wiped.",
            (
                _stored(lambda memory, vector, w, least: memory * (1 - w)[:, None] + _outer(w, vector)),
                _stored(
                    lambda memory, vector, w, least: (
                        memory * ((1 - least) * (1 - w))[:, None] + _outer(w, vector)
                    )
                ),
            ),
            hint=3,
        ),
        Mistake(
            "The vector goes to every row alike. Row i gets it times the write weight of i.",
            (
                _stored(lambda memory, vector, w, least: memory * (1 - least)[:, None] + vector),
                _stored(lambda memory, vector, w, least: memory * (1 - least)[:, None] + w.sum() * vector),
                _stored(lambda memory, vector, w, least: memory * (1 - least)[:, None] + w.mean() * vector),
            ),
            hint=3,
        ),
        Mistake(
            "The vector is written to the least used row alone; the weights say that a part of it goes to what was read last.",
            (
                _stored(
                    lambda memory, vector, w, least: memory * (1 - least)[:, None] + _outer(least, vector)
                ),
                _stored(
                    lambda memory, vector, w, least: memory * (1 - least)[:, None] + _outer(w * least, vector)
                ),
            ),
            hint=3,
        ),
        Mistake(
            "The memory is as before: nothing was written.",
            (
                _stored(lambda memory, vector, w, least: memory),
                _stored(lambda memory, vector, w, least: memory * (1 - least)[:, None]),
            ),
            hint=3,
        ),
        Mistake(
            "Subtracted in place of added.",
            (_stored(lambda memory, vector, w, least: memory * (1 - least)[:, None] - _outer(w, vector)),),
        ),
        Mistake(
            "Two things come back: the memory, then the write weights.",
            (
                lambda memory, vector, read, usage, gate: write(memory, vector, read, usage, gate)[::-1],
                lambda memory, vector, read, usage, gate: write(memory, vector, read, usage, gate)[0],
                lambda memory, vector, read, usage, gate: write(memory, vector, read, usage, gate)[1],
            ),
        ),
        Mistake(
            "A gradient must pass from the memory to what was written. Leave out .detach() and torch.no_grad().",
            (
                lambda memory, vector, read, usage, gate: write(memory, vector.detach(), read, usage, gate),
                lambda memory, vector, read, usage, gate: write(memory, vector, read, usage, gate.detach()),
                lambda memory, vector, read, usage, gate: write(memory.detach(), vector, read, usage, gate),
                lambda memory, vector, read, usage, gate: write(memory, vector, read.detach(), usage, gate),
            ),
        ),
    ),
    hints=(
        "Which row is free? usage.argmin() says it, and F.one_hot(..., len(usage)) makes weights of it, all in one row (with .to(memory.dtype)).",
        "weights = gate * read + (1 - gate) * least: both parts sum to one.",
        "First wipe: memory * (1 - least)[:, None]. Then add to each row the vector, as much as its weight says: weights[:, None] * vector.",
    ),
)

# 19.3 ---------------------------------------------------------------------------------------------------------------

Answer = Callable[[Tensor, Tensor], Tensor]


def peeks(answer: Answer, x: Tensor, y: Tensor, ways: int) -> Tensor:
    """The share of steps whose answer moves when the labels from that step on do."""
    before, moved = answer(x, y), []
    for t in range(len(y)):
        other = y.clone()
        other[t:] = (other[t:] + 1) % ways
        moved.append((answer(x, other)[t] != before[t]).any())
    return torch.stack(moved).double().mean()


def _honest(ways: int) -> Answer:
    """Answers by the labels before, each as much as its picture fits."""

    def answer(x: Tensor, y: Tensor) -> Tensor:
        fits = -(x[:, None] - x).square().sum(-1)
        past = torch.ones(len(y), len(y), dtype=x.dtype).tril(-1)
        return (fits.exp() * past) @ F.one_hot(y, ways).to(x.dtype)

    return answer


def _cheat(ways: int, where: Callable[[Tensor], Tensor], size: float, ahead: int = 0) -> Answer:
    """The same, and at the steps that ``where`` says it sees its own label, or one ``ahead``, so strongly."""
    honest = _honest(ways)

    def answer(x: Tensor, y: Tensor) -> Tensor:
        seen = F.one_hot(y, ways).to(x.dtype)
        seen = F.pad(seen, (0, 0, 0, ahead))[ahead:] if ahead else seen
        return honest(x, y) + size * where(x).to(x.dtype)[:, None] * seen

    return answer


def _everywhere(x: Tensor) -> Tensor:
    return torch.ones(len(x))


def _sometimes(x: Tensor) -> Tensor:
    return x[:, 0] > 0.2


def _sequence(answer: Answer, seed: int, ways: int, steps: int) -> tuple[Any, ...]:
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(steps, 2, generator=generator, dtype=torch.float64)
    return answer, x, torch.randint(ways, (steps,), generator=generator), ways


def _peek_cases() -> list[Case]:
    return [
        Case("a learner that looks back alone", _sequence(_honest(3), 1, 3, 8)),
        Case("one that sees every label with its picture", _sequence(_cheat(4, _everywhere, 5.0), 2, 4, 9)),
        Case("one that sees some of them", _sequence(_cheat(3, _sometimes, 5.0), 3, 3, 10)),
        Case("one that sees some of them faintly", _sequence(_cheat(5, _sometimes, 1e-3), 4, 5, 12)),
        Case(
            "one that sees the next label, not its own", _sequence(_cheat(4, _everywhere, 5.0, 1), 5, 4, 10)
        ),
    ]


def _probing(
    change: Callable[[Tensor, int, int], Tensor], look: Callable[[Tensor, Tensor, int], Any] | None = None
) -> Callable[..., Any]:
    """Other labels than asked for, (y, t, ways) -> y, or another look at (before, after, t)."""

    def wrong(answer: Answer, x: Tensor, y: Tensor, ways: int) -> Any:
        before, moved = answer(x, y), []
        for t in range(len(y)):
            after = answer(x, change(y.clone(), t, ways))
            moved.append(look(before, after, t) if look else (after[t] != before[t]).any())
        return torch.stack([torch.as_tensor(each) for each in moved]).double().mean()

    return wrong


def _from_here(y: Tensor, t: int, ways: int) -> Tensor:
    y[t:] = (y[t:] + 1) % ways
    return y


def _put(y: Tensor, where: Any, to: Any) -> Tensor:
    y[where] = to
    return y


def _times(change: Callable[[Tensor, int], Any]) -> Callable[..., Any]:
    """Something made of the right share and the number of steps."""
    return lambda answer, x, y, ways: change(peeks(answer, x, y, ways), len(y))


def _at_once(answer: Answer, x: Tensor, y: Tensor, ways: int) -> Tensor:
    return (answer(x, y) != answer(x, (y + 1) % ways)).any(-1).double().mean()


def _without_labels(answer: Answer, x: Tensor, y: Tensor, ways: int) -> Tensor:
    return (answer(x, y) != answer(x, y * 0)).any(-1).double().mean()


def _right(answer: Answer, x: Tensor, y: Tensor, ways: int) -> Tensor:
    return (answer(x, y).argmax(-1) == y).double().mean()


PEEKS = Exercise(
    id="19.3",
    title="who reads its own label?",
    solution=peeks,
    cases=_peek_cases,
    outputs=("the share",),
    differentiable=(),
    mistakes=(
        Mistake(
            "You change only what comes after the step. A learner that sees the label of its own picture is not found: begin at t itself.",
            (_probing(lambda y, t, ways: _put(y, slice(t + 1, None), (y[t + 1 :] + 1) % ways)),),
            hint=2,
        ),
        Mistake(
            "You change the labels before the step. An honest learner reads them; that is what they are for.",
            (
                _probing(lambda y, t, ways: _put(y, slice(0, t), (y[:t] + 1) % ways)),
                _probing(lambda y, t, ways: _put(y, slice(0, t + 1), (y[: t + 1] + 1) % ways)),
            ),
            hint=2,
        ),
        Mistake(
            "All labels change at once, those before the step too. An honest learner reads these, so everybody is accused.",
            (_at_once, _without_labels, _probing(lambda y, t, ways: (y + 1) % ways)),
            hint=1,
        ),
        Mistake(
            "Only the label of the step itself changes. A learner that sees the next label is not found: change all from t on.",
            (_probing(lambda y, t, ways: _put(y, t, (y[t] + 1) % ways)),),
            hint=2,
        ),
        Mistake(
            "You compare what the learner says, argmax. One that peeks a little is not found: compare the logits.",
            (
                _probing(_from_here, lambda a, b, t: a[t].argmax() != b[t].argmax()),
                _probing(_from_here, lambda a, b, t: (a[t] - b[t]).abs().max() > 0.1),
                _probing(_from_here, lambda a, b, t: not torch.allclose(a[t], b[t], atol=1e-2)),
            ),
            hint=3,
        ),
        Mistake(
            "You compare the answers of other steps than t, too. Later ones may change; only the answer at step t must not.",
            (
                _probing(_from_here, lambda a, b, t: (a != b).any()),
                _probing(_from_here, lambda a, b, t: (a[t:] != b[t:]).any()),
                _probing(_from_here, lambda a, b, t: (a[-1] != b[-1]).any()),
            ),
            hint=3,
        ),
        Mistake(
            "You ask at the step before the one from which the labels change. (And t - 1 is the last step where t is 0.)",
            (_probing(_from_here, lambda a, b, t: (a[t - 1] != b[t - 1]).any()),),
            hint=3,
        ),
        Mistake(
            "Nothing is found this way: either both questions have the same labels, or you want every logit to move. One that moves is "
            "enough: any, not all.",
            (_probing(lambda y, t, ways: y), _probing(_from_here, lambda a, b, t: (a[t] != b[t]).all())),
            hint=3,
        ),
        Mistake(
            "That is the share that stays. Asked for is the share that moves.",
            (
                _times(lambda share, n: 1 - share),
                _probing(_from_here, lambda a, b, t: (a[t] == b[t]).all()),
                _probing(_from_here, lambda a, b, t: (a[t] == b[t]).any()),
            ),
        ),
        Mistake(
            "You count the steps. Asked for is their share, between 0 and 1.",
            (_times(lambda share, n: share * n), _times(lambda share, n: 100 * share)),
        ),
        Mistake(
            "That is yes or no for the whole sequence. Some steps may peek and others not: take the share.",
            (
                _times(lambda share, n: float(share > 0)),
                _times(lambda share, n: bool(share > 0)),
                _times(lambda share, n: float(share == 1)),
            ),
        ),
        Mistake(
            "You measure how far the logits move. How strongly it peeks is another question: count the steps at which anything moves.",
            (
                _probing(_from_here, lambda a, b, t: (a[t] - b[t]).abs().mean()),
                _probing(_from_here, lambda a, b, t: (a[t] - b[t]).abs().max()),
            ),
            hint=3,
        ),
        Mistake(
            "You measure how often it is right. A bad learner can peek, and a good one need not.",
            (_right, lambda answer, x, y, ways: 1 - _right(answer, x, y, ways)),
        ),
        Mistake(
            "The labels must stay labels, 0 to ways - 1: after the last comes 0, by % ways. And every one must change.",
            (
                _probing(lambda y, t, ways: _put(y, slice(t, None), 0)),
                _probing(lambda y, t, ways: _put(y, slice(t, None), (y[t:] + 1).clamp(max=ways - 1))),
                _probing(lambda y, t, ways: _put(y, slice(t, None), y[t:].flip(0))),
            ),
            hint=2,
        ),
        Mistake(
            "You change the pictures. That they are looked at is no cheat.",
            (
                lambda answer, x, y, ways: (answer(x, y) != answer(x + 1, y)).any(-1).double().mean(),
                lambda answer, x, y, ways: (answer(x, y) != answer(x * 0, y)).any(-1).double().mean(),
            ),
        ),
    ),
    hints=(
        "For each step t ask twice: with the labels as they are, and with other labels from step t on. Before t nothing may change: a learner may read that.",
        "other = y.clone(), then other[t:] = (other[t:] + 1) % ways.",
        "(answer(x, other)[t] != answer(x, y)[t]).any() says whether step t moved. Take the mean of that over all t.",
    ),
)

EXERCISES = (LOOKUP, WRITE, PEEKS)
