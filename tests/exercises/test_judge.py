"""What the judge accepts, refuses and names, on small exercises made for it; and that each part of it is needed."""

import dataclasses
import linecache
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mlteach.exercises import Case, Exercise, Mistake, findings, judge
from mlteach.exercises import reference as known

F64 = torch.float64


def normal(seed, *shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=F64)


def exercise(solution, *cases, **more):
    """An exercise of one function, with cases given as tuples of inputs."""
    named = [Case(f"case {k}", inputs) for k, inputs in enumerate(cases, 1)]
    return Exercise(
        "99.1", "made up", solution, ("a", "b", "c"), more.pop("mistakes", ()), lambda: named, **more
    )


def step(theta, gradient, rate):
    return theta - rate * gradient


def pair(x, y):
    return x * y, x - y


def spread(values):
    return 1.96 * values.std() / len(values) ** 0.5


def table(a, b):
    return a @ b


def labels(ways, shots):
    return torch.arange(ways).repeat_interleave(shots)


def over_tasks(losses):
    return losses.mean(0)


def decayed(rate, decay):
    return 1 - rate * decay, rate


STEP = exercise(step, (normal(1, 3), normal(2, 3), 0.1), (normal(3, 2, 4), normal(4, 2, 4), 0.5))
PAIR = exercise(pair, (normal(1, 3), normal(2, 3)), (normal(3, 4), normal(4, 4)), outputs=("product", "gap"))
SPREAD = exercise(spread, (normal(1, 9),), (normal(2, 40),))
TABLE = exercise(table, (normal(1, 3, 3), normal(2, 3, 3)), (normal(3, 2, 4), normal(4, 4, 2)))
LABELS = exercise(labels, (3, 2), (4, 3))
TASKS = exercise(over_tasks, (normal(1, 4, 3),), (normal(2, 5, 2),))
DECAY = exercise(decayed, (0.1, 0.01), (0.5, 0.2), outputs=("f", "i"))
BOWLS = exercise(lambda A, a, B, b: B @ a - 2 * A @ b, *(
    (normal(k, 3, 3), normal(k + 1, 3), normal(k + 2, 3, 3), normal(k + 3, 3)) for k in (1, 5)
))  # fmt: skip
VALUE = Exercise(
    "99.2", "a value", (0.25, -0.125), ("a", "b", "c"), (), tolerance=1e-3, outputs=("with", "without")
)
ONE = Exercise("99.3", "one number", 2.5, ("a", "b", "c"), ())
VECTOR = Exercise("99.4", "a vector", torch.tensor([1.0, 2.0, 4.0], dtype=F64), ("a", "b", "c"), ())


def looped(values):
    mean = sum(values.tolist()) / len(values)
    return 1.96 * math.sqrt(sum((v - mean) ** 2 for v in values.tolist()) / (len(values) - 1) / len(values))


RIGHT = [
    (SPREAD, looped),
    (SPREAD, lambda v: spread(v).item()),
    (SPREAD, lambda v: np.float64(spread(v).item())),
    (SPREAD, lambda v: spread(v).numpy()),
    (SPREAD, lambda v: spread(v)[None]),
    (SPREAD, lambda v: spread(v)[None, None]),
    (SPREAD, lambda v: spread(v.float())),
    (SPREAD, lambda v: spread(v.float()).item()),
    (SPREAD, lambda v: np.float32(spread(v).item())),
    (SPREAD, lambda v: spread(v.detach())),
    (SPREAD, lambda v: float(spread(v).to(torch.float32))),
    (SPREAD, lambda v: spread(v).bfloat16()),
    (DECAY, lambda r, d: [1 - r * d, r]),
    (DECAY, lambda r, d: torch.tensor([1 - r * d, r])),
    (DECAY, lambda r, d: torch.tensor([[1 - r * d], [r]], dtype=F64)),
    (DECAY, lambda r, d: np.array([1 - r * d, r])),
    (DECAY, lambda r, d: (torch.tensor(1 - r * d), torch.tensor(r))),
    (DECAY, lambda r, d: (np.float32(1 - r * d), r)),
    (PAIR, lambda x, y: [x * y, x - y]),
    (PAIR, lambda x, y: torch.stack(pair(x, y))),
    (STEP, lambda t, g, r: torch.add(t, g, alpha=-r)),
    (STEP, lambda t, g, r: (t.numpy() - r * g.numpy())),
    (STEP, lambda t, g, r: step(t.float(), g.float(), r).double()),
    (STEP, lambda t, g, r: t - torch.tensor(r) * g),  # a rate in float32
    (TABLE, lambda a, b: torch.einsum("ij,jk->ik", a, b)),
    (TABLE, lambda a, b: (b.mT @ a.mT).mT),
    (TABLE, lambda a, b: torch.stack([row @ b for row in a])),
    (LABELS, lambda w, s: torch.tensor([k for k in range(w) for _ in range(s)])),
    (LABELS, lambda w, s: [k for k in range(w) for _ in range(s)]),
    (TASKS, lambda losses: sum(losses) / len(losses)),
    (VALUE, [0.25, -0.125]),
    (VALUE, torch.tensor([0.25, -0.125])),
    (VALUE, np.array([0.25, -0.125])),
    (VALUE, (torch.tensor(0.25), np.float32(-0.125))),
    (ONE, 2.5), (ONE, torch.tensor([[2.5]])), (ONE, np.float16(2.5)), (ONE, torch.tensor(2.5, dtype=torch.bfloat16)),
    (VECTOR, [1, 2, 4]), (VECTOR, (1.0, 2.0, 4.0)), (VECTOR, np.array([1, 2, 4.0])), (VECTOR, torch.tensor([1.0, 2.0, 4.0])),
]  # fmt: skip


@pytest.mark.parametrize("k", range(len(RIGHT)))
def test_what_is_right_is_accepted_in_any_container_and_type(k):
    verdict = judge(*RIGHT[k])
    assert verdict.passed, verdict.message


def test_what_is_right_to_single_precision_says_so():
    assert judge(SPREAD, lambda v: spread(v.float())).message.endswith(
        "on all 2 cases, right to single precision."
    )
    assert judge(SPREAD, spread).message.endswith("correct on all 2 cases.")
    assert "right to the precision of bfloat16" in judge(SPREAD, lambda v: spread(v).bfloat16()).message
    large = exercise(lambda n: 1_000_000 * n, (1,), (3,))
    assert not judge(large, lambda n: 1_000_000 * n + 1).passed  # a whole number is not off by one


def test_float32_work_is_held_to_what_float32_rounds():
    logit = exercise(lambda p: math.log(p / (1 - p)), (0.9996327501,))
    assert judge(logit, lambda p: torch.logit(torch.tensor(p))).passed  # ill-conditioned: off by 1e-5
    assert not judge(logit, lambda p: math.log(p / (1 - p)) * (1 + 3e-5)).passed  # no float32 in sight
    assert not judge(SPREAD, lambda v: spread(v.float()) * 1.001).passed


def rate_missing(theta, gradient, rate):
    return theta - gradient


def no_return(theta, gradient, rate):
    theta - rate * gradient


def kept(theta, gradient, rate, memory=[]):  # noqa: B006
    memory.append(0)
    return theta - rate * gradient if len(memory) % 2 else theta


def unwilling(theta, gradient, rate, seen=[]):  # noqa: B006
    """Right, but never twice for the same inputs."""
    if theta.tolist() in seen:
        return theta
    seen.append(theta.tolist())
    return theta - rate * gradient


def in_place(theta, gradient, rate):
    gradient *= rate
    return theta - gradient


NAMED = [
    # what it does to gradients, types and inputs
    (STEP, lambda t, g, r: step(t, g, r).detach(), "the gradient is cut: nothing flows back to the inputs"),
    (STEP, lambda t, g, r: step(t, g.detach(), r), "nothing flows back to `gradient`"),
    (STEP, lambda t, g, r: step(t.data, g, r), "nothing flows back to `theta`"),
    (STEP, lambda t, g, r: torch.tensor(step(t, g, r).tolist(), dtype=F64), "the gradient is cut"),
    (PAIR, lambda x, y: (x * y, (x - y).detach()), "nothing flows back from `gap` to the inputs"),
    (PAIR, lambda x, y: (x * y.detach(), x - y), "nothing flows back from `product` to `y`"),
    (STEP, lambda t, g, r: step(t, g, r).float(), "float32 where float64 went in"),
    (STEP, lambda t, g, r: step(t.half(), g.half(), r), "float16 where float64 went in"),
    (LABELS, lambda w, s: labels(w, s).double(), "come as float64. Asked for are whole numbers"),
    (LABELS, lambda w, s: labels(w, s).int(), "come as int32"),
    (STEP, in_place, "changes its input `gradient` in place"),
    (STEP, kept, "Called a second time on the same inputs"),
    (STEP, lambda t, g, r: step(t, g, r) + 1e-3 * torch.rand(()), "draws at random"),
    # how it is built
    (STEP, no_return, "Is a `return` missing?"),
    (STEP, lambda t, g, r: (step(t, g, r), g), "one value is asked for: the first of yours, which is right, alone"),
    (PAIR, lambda x, y: x * y, "`gap` is missing"),
    (PAIR, lambda x, y: (x * y, x - y, x), "3 values, and 2 are asked for: `product`, `gap`"),
    (PAIR, lambda x, y: (x - y, x * y), "in another order: return `product`, `gap`"),
    (STEP, lambda t, g, r: {"theta": t}, "a dict with the names theta came"),
    # relations
    (SPREAD, lambda v: -spread(v), "with its sign turned"),
    (SPREAD, lambda v: 2 * spread(v), "times 2"),
    (SPREAD, lambda v: v.std() / len(v) ** 0.5, "times 1/1.96"),
    (SPREAD, lambda v: spread(v) / len(v) ** 0.5, "times 1 over the root of N, where N is the length of `values`"),
    (SPREAD, lambda v: spread(v) * ((len(v) - 1) / len(v)) ** 0.5, "the root of (N - 1)/N"),
    (SPREAD, lambda v: spread(v) + 1, "plus 1"),
    (SPREAD, lambda v: 1 / spread(v), "1 over the right one"),
    (SPREAD, lambda v: spread(v) ** 2, "the square of the right one"),
    (SPREAD, lambda v: spread(v).sqrt(), "the square root of the right one"),
    (SPREAD, lambda v: spread(v) * torch.ones(3), "the right numbers several times over"),
    (SPREAD, lambda v: 0.0, "0 everywhere"),
    (TABLE, lambda a, b: (a @ b).mT, "transposed"),
    (TABLE, lambda a, b: (a @ b).flip(0), "in reverse order along axis 0"),
    (TABLE, lambda a, b: (a @ b).flatten(), "an axis too few"),
    (TABLE, lambda a, b: (a @ b)[None], "an axis too many"),
    (TABLE, lambda a, b: (a @ b).sum(1), "the sum along axis 1"),
    (TABLE, lambda a, b: (a @ b)[0], "the first entry along axis 0"),
    (TABLE, lambda a, b: (a @ b).abs(), "the absolute value"),
    (TASKS, lambda losses: losses.sum(0), "times N, where N is the length of axis 0 of `losses`"),
    (TASKS, lambda losses: losses, "not yet brought together: the mean along its axis 0"),
    (TASKS, lambda losses: losses.mean(0, keepdim=True), "an axis too many"),
    (TASKS, lambda losses: losses.mean(), "the mean of what is asked for"),
    (STEP, lambda t, g, r: t + r * g, "the wrong way"),
    (STEP, lambda t, g, r: t - 2 * r * g, "times 2"),
    (STEP, lambda t, g, r: -r * g, "minus `theta`: it is left out"),
    (STEP, lambda t, g, r: t, "`theta` as it came in"),
    (STEP, rate_missing, "1 in place of `rate`: is `rate` left out?"),
    (STEP, lambda t, g, r: t - r * r * g, "`rate` squared in place"),
    (STEP, lambda t, g, r: t.abs() - r * g, "the absolute values of `theta`"),
    (STEP, lambda t, g, r: g - r * t, "`theta` and `gradient` exchanged"),
    (STEP, lambda t, g, r: t - 0.3 * g.sign(), "does not depend on `rate`"),
    (STEP, lambda t, g, r: torch.where(t > 0, step(t, g, r), t), "right where `theta` is positive"),
    (STEP, lambda t, g, r: step(t, g, r) / (t - t), "is infinite"),
    (DECAY, lambda r, d: (1 - r * d, -r), "`f` is right. `i` is the right one with its sign turned"),
    (SPREAD, lambda v: len(v) - spread(v), "is the right one taken away from N, where N is the length of `values`"),
    (STEP, lambda t, g, r: r * g, "is `theta` minus the right one"),
    (TABLE, lambda a, b: 3 * a @ b + 0.5, "is 3 times the right one plus 0.5"),
    (BOWLS, lambda A, a, B, b: A @ b - 2 * B @ a, "`A` and `B` exchanged, and `a` and `b` too"),
    (BOWLS, lambda A, a, B, b: A @ a - 2 * A @ b, "`A` in place of `B`"),
    (LABELS, lambda w, s: labels(w, s) + 1, "plus 1"),
    (LABELS, lambda w, s: torch.arange(w).repeat(s), "in another order"),
    (VALUE, (-0.25, 0.125), "with its sign turned"),
    (VALUE, (0.25, 0.125), "`with` is right. `without` is the right one with its sign turned"),
    (VALUE, (-0.125, 0.25), "in another order"),
    (ONE, 1.25, "times 1/2"),
]  # fmt: skip


@pytest.mark.parametrize("k", range(len(NAMED)))
def test_mistakes_of_a_general_kind_are_named(k):
    asked, answer, words = NAMED[k]
    verdict = judge(asked, answer)
    assert not verdict.passed and verdict.named
    assert words in verdict.message, verdict.message
    assert "\n" not in verdict.message and len(verdict.message) < 400


def test_without_the_relations_only_the_difference_is_shown(monkeypatch):
    for finder in ("_related", "_edited", "_deaf", "_partial"):
        monkeypatch.setattr(findings, finder, lambda *_: None)
    verdict = judge(STEP, lambda t, g, r: t + r * g)
    assert not verdict.passed and not verdict.named
    assert 'On the case "case 1" entry [0]:' in verdict.message and "(there theta[0] = " in verdict.message


def test_a_hint_follows_where_nothing_is_named_and_where_one_belongs_to_the_mistake():
    plain = lambda t, g, r: (t * g).cos() - r  # noqa: E731
    assert judge(STEP, plain).message.endswith(' hint("99.1", 1) may help.')
    asked = lenient(STEP, mistakes=(Mistake("A cosine.", (plain,), hint=2),))
    assert judge(asked, plain).message == '99.1: not yet. A cosine. hint("99.1", 2) may help.'
    assert "hint" not in judge(STEP, lambda t, g, r: t + r * g).message


def test_what_no_relation_explains_is_not_named():
    for wrong in (lambda t, g, r: t - r * g**3 + 0.1 * t**2, lambda t, g, r: (t * g).cos() - r):
        verdict = judge(STEP, wrong)
        assert not verdict.passed and not verdict.named, verdict.message


def lenient(asked, **more):
    return dataclasses.replace(asked, **more)


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        (lenient(STEP, differentiable=()), lambda t, g, r: step(t, g, r).detach()),
        (lenient(STEP, any_float=True), lambda t, g, r: step(t, g, r).float()),
        (lenient(STEP, called_twice=False), unwilling),
    ],
)
def test_what_an_exercise_does_not_ask_for_is_not_refused(asked, answer):
    assert judge(asked, answer).passed


def test_a_declared_input_asks_for_gradients_of_numbers_too():
    strict = lenient(SPREAD, differentiable=("values",))
    assert judge(SPREAD, lambda v: spread(v).item()).passed and judge(strict, spread).passed
    for answer in (lambda v: spread(v).item(), lambda v: spread(v.detach()), lambda v: spread(v.data)):
        assert "nothing flows back to `values`" in judge(strict, answer).message
    partly = judge(strict, lambda v: spread(v) * (v.mean() / v.mean().detach()))
    assert "the gradient that flows back to `values` is another one" in partly.message


def test_second_derivatives_are_compared_where_they_are_asked_for():
    def cube(x):
        return x**3

    def first_order(x):
        square = (x**2).detach()
        return x**3 + 0 * square if not x.requires_grad else Once.apply(x)

    class Once(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x**3

        @staticmethod
        @torch.autograd.function.once_differentiable
        def backward(ctx, gradient):
            (x,) = ctx.saved_tensors
            return 3 * x**2 * gradient

    once = exercise(cube, (normal(1, 4),))
    assert judge(once, first_order).passed
    twice = lenient(once, second_order=True, differentiable=("x",))
    assert judge(twice, cube).passed
    assert not judge(twice, first_order).passed
    cut = judge(twice, lambda x: x**2 * x.detach() + x.detach() ** 2 * x - x.detach() ** 3 + 0 * x)
    assert not cut.passed


def test_leading_axes_are_tried():
    def halves(z):
        a, b = z.chunk(2, -1)
        return a * b

    def one_axis(z):
        half = z.shape[1] // 2
        return z[:, :half] * z[:, half:]

    plain = exercise(halves, (normal(1, 3, 4),))
    assert judge(plain, one_axis).passed
    verdict = judge(lenient(plain, leading=("z",)), one_axis)
    assert not verdict.passed and "with one more leading axis" in verdict.message
    assert judge(lenient(plain, leading=("z",)), halves).passed


def test_drawn_cases_catch_what_fits_the_listed_ones_by_luck():
    lucky = exercise(lambda k: k * (k - 1), (2,), (3,))
    by_luck = lambda k: 4 * k - 6  # noqa: E731
    assert judge(lucky, by_luck).passed

    def draw(generator):
        k = int(torch.randint(4, 9, (), generator=generator))
        return Case(f"k = {k}", (k,))

    assert not judge(lenient(lucky, draw=draw), by_luck).passed
    assert judge(lenient(lucky, draw=draw), lambda k: k**2 - k).message.endswith("correct on all 5 cases.")


def test_the_call_on_its_own_output_is_tried():
    def walk(theta, v):
        return theta - v, 0.9 * v

    asked = exercise(walk, (normal(1, 3), normal(2, 3)), chain=lambda inputs, output: tuple(output))
    assert judge(asked, walk).passed
    assert "2 values were expected" in judge(asked, lambda theta, v: theta).message

    def too_plain(theta, v):
        theta + v.add(0)
        return (theta - v).numpy(), (0.9 * v).numpy()

    stops = judge(asked, too_plain)
    assert not stops.passed and "the next one, on what it returned, stops at" in stops.message

    def hands_on_memory(theta, v, seen={}):  # noqa: B006
        late = any(v is before for before in seen.setdefault("out", []))
        out = theta - (2 * v if late else v), 0.9 * v
        seen["out"].append(out[1])
        return out

    verdict = judge(asked, hands_on_memory)
    assert not verdict.passed and "the next one, on what it returned, is not" in verdict.message
    assert judge(lenient(asked, chain=None), hands_on_memory).passed


def test_a_gradient_left_behind_is_found_in_what_is_observed():
    def inner(loss, theta):
        return theta - torch.autograd.grad(loss(theta), theta, create_graph=True)[0]

    def by_backward(loss, theta):
        loss(theta).backward(create_graph=True)
        return theta - theta.grad

    def cleaned(loss, theta):
        theta.grad = None
        loss(theta).backward(create_graph=True)
        return theta - theta.grad

    def observe(answer, theta):
        return answer(lambda t: (t**4).sum(), theta.detach().requires_grad_()).detach()

    asked = exercise(inner, (normal(1, 3),), observe=observe)
    assert judge(asked, inner).passed
    assert "Called a second time on the same inputs" in judge(asked, by_backward).message
    asked = exercise(
        inner, (lambda t: (t**4).sum(), normal(1, 3).requires_grad_()), differentiable=("theta",)
    )
    assert "leaves a gradient behind in `theta.grad`" in judge(asked, cleaned).message


def test_a_known_mistake_is_told_from_the_solution_by_its_gradient():
    cut = Mistake("You cut the gradient's edge.", (lambda t, g, r: step(t, g.detach(), r),))
    climbs = Mistake("You climb.", (lambda t, g, r: t + r * g,))
    asked = lenient(STEP, mistakes=(cut, climbs))
    assert judge(asked, lambda t, g, r: t - r * g.data).message.endswith("You cut the gradient's edge.")
    assert "flows back to `theta`" in judge(asked, lambda t, g, r: t.detach() - r * g).message
    assert judge(asked, lambda t, g, r: (t + r * g).detach()).message.endswith("You climb.")
    assert judge(asked, step).passed


def test_a_known_mistake_with_a_sign_or_a_factor_on_top_is_named():
    cubed = Mistake("You cube the gradient.", (lambda t, g, r: t - r * g**3,))
    asked = lenient(STEP, mistakes=(cubed,))
    assert judge(asked, lambda t, g, r: r * g**3 - t).message.endswith(
        "cube the gradient. Besides, the sign is turned."
    )
    twice = judge(asked, lambda t, g, r: 2 * (t - r * g**3))
    assert twice.message.endswith("You cube the gradient. Besides, it is multiplied by 2.")
    pair_for_one = Mistake("A pair.", (lambda t, g, r: (t, g * 2),))  # built otherwise than the solution
    assert (
        "cannot be compared"
        not in judge(lenient(STEP, mistakes=(pair_for_one,)), lambda t, g, r: t * g).message
    )
    assert not judge(asked, lambda t, g, r: 2.2 * (t - r * g**3)).named
    assert not judge(lenient(STEP, mistakes=()), lambda t, g, r: 2 * (t - r * g**3)).named


def test_expected_and_came_are_never_the_same_words():
    answer = 2.5 + 4e-4
    message = judge(ONE, answer).message
    assert "2.5 was expected, 2.5004 came" in message
    message = judge(STEP, lambda t, g, r: step(t, g, r) + 1e-4 * t.sin()).message
    words = message.split("entry [0]: ")[-1]
    assert words.split(" was expected")[0] != words.split("expected, ")[1].split(" came")[0]


def written(source):
    """A function whose lines are known, as in a notebook's cell."""
    cell = "<a cell of the test>"
    linecache.cache[cell] = (len(source), None, source.splitlines(keepends=True), cell)
    names = {"torch": torch, "math": math}
    exec(compile(source, cell, "exec"), names)
    return names["answer"]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("return theta - rat * gradient", "there is nothing called `rat` here"),
        ("return theta @ gradient[:-1]", "two vectors of lengths 3 and 2 have no inner product"),
        ("return torch.ones(2, 3) @ torch.ones(2, 3)", "shapes 2x3 and 2x3 do not multiply"),
        ("return theta - gradient[:2]", "one has 3 entries along axis 0, the other 2"),
        ("return torch.autograd.grad(theta.sum(), gradient)[0]", "has no way back to an input"),
        (
            "w = theta.clone().requires_grad_(); s = (w**2).sum(); s.backward(); s.backward()",
            "create_graph=True",
        ),
        ("w = theta.clone().requires_grad_(); w -= 1; return w", "changed in place. Build a new tensor"),
        ("a, b = theta", "more than 2 values come where 2 are to be taken out"),
        ("return math.sqrt(theta)", "a tensor of several numbers is made into one number"),
        ("return [theta] - rate", "arithmetic is done with"),
        ("return theta[5]", "there is no entry 5 along axis 0, which has 3"),
        ("return theta.sum(2)", "there is no axis 2"),
        ("return rate @ theta", "`@` does not go between a `float` and a `Tensor`"),
        (
            "return theta.dot(theta[:, None])",
            "an inner product of two vectors is asked of tensors with 1 and 2 axes",
        ),
        ("return theta ^ 2", "`^` is not a power in Python"),
        ("return theta.squared()", "a `Tensor` has no `.squared`"),
        ("return rate.item()", "`.item` is asked of a plain number"),
        ("return 1 / 0", "it divides by zero"),
        ("return torch.stack(rate)", "torch is given a plain number or list where it needs a tensor"),
        ("if theta > 0: return theta", "asks a tensor of several numbers for one yes or no"),
        ("return answer(theta, gradient, rate)", "calls itself without end"),
    ],
)
def test_an_exception_is_a_sentence_with_the_learners_own_line(line, words):
    verdict = judge(STEP, written(f"def answer(theta, gradient, rate):\n    {line}\n"))
    assert not verdict.passed and verdict.named
    assert words in verdict.message, verdict.message
    assert f"`{line[:40]}" in verdict.message and "\n" not in verdict.message


def test_a_message_nobody_put_into_words_is_not_cut_inside_a_word():
    line = "raise RuntimeError('word ' * 100)"
    verdict = judge(STEP, written(f"def answer(theta, gradient, rate):\n    {line}\n"))
    assert not verdict.named and "word ... hint(" in verdict.message


def test_an_observers_error_is_told_in_terms_of_what_was_returned():
    def observe(answer, theta):
        return answer(theta)["w"].detach()

    asked = exercise(lambda theta: {"w": 2 * theta}, (normal(1, 3),), observe=observe)
    assert "a list of 1 came" in judge(asked, lambda theta: [2 * theta]).message

    def counting(answer, theta):
        came = answer(theta)
        return ("a", "b", came["w"].detach()) if isinstance(came, dict) else came

    asked = exercise(lambda theta: {"w": 2 * theta}, (normal(1, 3),), observe=counting)
    told = judge(asked, lambda theta: (1, 2)).message
    assert (
        "A dict with the names w was expected, a tuple of 2 came" in told
    )  # not the observer's three values
    assert "Is a `return` missing?" in judge(asked, lambda theta: None if len(theta) else 1).message


def test_without_declared_inputs_a_right_answer_need_not_be_differentiable_by_autograd():
    def running(f):
        return f.cumprod(0)

    def filled(f):
        out = torch.ones_like(f)
        for k in range(len(f)):
            out[k] = f[k] * out[k - 1] if k else f[k]
        return out

    asked = exercise(running, (normal(1, 4),))
    assert judge(asked, filled).passed
    assert judge(asked, lambda f: torch.from_numpy(np.cumprod(f.numpy()))).passed
    assert not judge(asked, lambda f: f.cumprod(0).detach()).passed
    strict = judge(lenient(asked, differentiable=("f",)), filled)
    assert not strict.passed and "changed in place" in strict.message


def test_what_an_answer_prints_is_seen_once_a_case(capsys):
    def talks(theta, gradient, rate):
        print("hello")
        return theta + gradient * rate**3

    judge(STEP, talks)
    assert capsys.readouterr().out == "hello\n" * 2


def test_warnings_of_calls_the_learner_did_not_make_are_not_shown(recwarn):
    assert judge(SPREAD, lambda v: float(spread(v))).passed
    assert not recwarn.list


def test_nothing_global_is_left_changed():
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)

    def rude(t, g, r):
        torch.manual_seed(0)
        torch.set_grad_enabled(False)
        torch.set_default_dtype(torch.float64)
        return step(t, g, r)

    judge(STEP, rude)
    assert torch.equal(torch.rand(1), expected)
    assert torch.is_grad_enabled() and torch.get_default_dtype() == torch.float32


def test_an_object_that_breaks_whatever_touches_it_gets_a_sentence():
    class Hostile:
        def __eq__(self, other):
            raise RuntimeError("no")

        def __len__(self):
            raise RuntimeError("no")

    for answer in (Hostile(), lambda t, g, r: Hostile()):
        verdict = judge(STEP, answer)
        assert not verdict.passed and verdict.message.startswith("99.1: not yet.")


def test_a_reference_is_computed_once():
    calls = []

    def counted(x):
        calls.append(1)
        return 2 * x

    asked = exercise(counted, (normal(1, 3),))
    judge(asked, lambda x: 2 * x)
    before = len(calls)
    for _ in range(5):
        judge(asked, lambda x: 2 * x)
    assert len(calls) == before and known.reference(asked) is known.reference(asked)


@given(
    st.integers(0, 2**31 - 1), st.sampled_from(["minus", "twice", "cut", "float", "right", "list", "array"])
)
def test_the_same_verdict_on_any_numbers(seed, kind):
    inputs = (normal(seed, 3), normal(seed + 1, 3), float(normal(seed + 2)) + 3)
    asked = exercise(step, inputs)
    answers = {
        "minus": lambda t, g, r: -step(t, g, r),
        "twice": lambda t, g, r: 2 * step(t, g, r),
        "cut": lambda t, g, r: step(t, g, r).detach(),
        "float": lambda t, g, r: step(t, g, r).float(),
        "right": lambda t, g, r: -(r * g - t),
        "list": lambda t, g, r: step(t, g, r).tolist(),
        "array": lambda t, g, r: step(t, g, r).detach().numpy(),
    }
    assert judge(asked, answers[kind]).passed == (kind in ("right", "list", "array"))


def test_a_mistake_of_many_spellings_is_told_by_a_look_and_asked_last():
    known_by_look = Mistake(
        "Some came out below zero.", (), looks=lambda inputs, right, came: bool((came < 0).any())
    )
    exact = Mistake("You cube.", (lambda x: x**3,))
    asked = exercise(lambda x: x**2, (normal(1, 3),), (normal(2, 4),), mistakes=(known_by_look, exact))
    verdict = judge(asked, lambda x: -(x.exp().sin() ** 2) - 0.1)
    assert verdict.named and "Some came out below zero." in verdict.message
    assert "You cube." in judge(asked, lambda x: x**3).message
    assert "below zero" not in judge(asked, lambda x: x**2 + (x**5).sin() ** 2).message
    assert "below zero" not in judge(asked, lambda x: "text").message  # a look at it raises


def test_nothing_is_said_of_negative_inputs_where_there_are_none():
    zero, some = torch.zeros(4, dtype=F64), normal(5, 4).abs()
    asked = exercise(lambda v, g: v + g, (zero, normal(6, 4)), (some, normal(7, 4)))
    message = judge(asked, lambda v, g: v.sin() + g).message
    assert "negative" not in message and "right where `v` is 0 and wrong elsewhere" in message


def test_a_return_that_is_missing_in_one_branch_is_looked_for_there():
    asked = exercise(lambda x: x + 1, (normal(1, 3),), (normal(2, 3, 2),))

    def one_branch(x):
        if x.ndim == 1:
            return x + 1

    assert 'On the case "case 2" your function returns nothing' in judge(asked, one_branch).message
    assert "Your function returns nothing (None)." in judge(asked, lambda x: print(end="")).message
    assert "a `.grad` that was never filled" in judge(asked, lambda x: x.grad).message
