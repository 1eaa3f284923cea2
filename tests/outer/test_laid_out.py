"""A truncated unroll as a program gives the numbers of the one that autograd walks, and says when it cannot be one."""

import re
import shutil
import warnings
from typing import Any

import pytest
import torch
from torch import Tensor

from mlteach.inner import CoordinatewiseLSTM, Rule, adam
from mlteach.nets import MLP, cross_entropy
from mlteach.outer import ahead, unrolls
from mlteach.outer.truncated import Truncated, log_score, seen_loss
from mlteach.params import Params, norm, subtract
from mlteach.tasks import Digits, Problems, Quadratics

LSTM = CoordinatewiseLSTM(layers=(4, 3), raw=0.1)
NET = MLP((64, 3, 10), "sigmoid", "uniform")
needs_compiler = pytest.mark.skipif(
    shutil.which("g++") is None and shutil.which("clang++") is None, reason="needs a compiler"
)


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def omega_of(seed: int = 0) -> Params:
    return LSTM.init(generator(seed), torch.float64)


def quadratics(seed: int = 0) -> Problems:
    return Quadratics(4).sample(3, generator=generator(seed), dtype=torch.float64)


def digits(seed: int = 0) -> Problems:
    return Digits.load("train").problems(
        NET, cross_entropy, 2, steps=8, batch=8, generator=generator(seed), dtype=torch.float64
    )


@pytest.fixture
def written(monkeypatch) -> list[Any]:
    """Programs are walked operation by operation, not compiled; those that were made."""
    programs: list[Any] = []

    def program_of(traced: Any, arguments: Any, *, made: Any, made_with: str) -> Any:
        programs.append(made(traced))
        return programs[-1]

    monkeypatch.setattr(unrolls, "program_of", program_of)
    return programs


def apart(a: Any, b: Any) -> float:
    """The largest distance of two nests of tensors, relative to the second's."""
    if isinstance(a, Tensor):
        return ((a - b).norm() / b.norm().clamp(min=1e-30)).item()
    if isinstance(a, int):  # a count of steps
        return abs(a - b)
    if isinstance(a, dict):
        assert a.keys() == b.keys()
        a, b = a.values(), b.values()
    return max((apart(one, other) for one, other in zip(a, b, strict=True)), default=0.0)


def pieces_agree(problems: Problems, omega: Params, rule: Any = LSTM.rule, **how: Any) -> Truncated:
    """Walk a run both ways: gradients, values, and where theta and the memories are after each piece."""
    plain, quick = (
        Truncated(rule, lambda g: problems, compiled=compiled, **how) for compiled in (False, True)
    )
    for piece in range(plain.pieces):
        (expected, value), (found, told) = (each.gradient(omega, problems) for each in (plain, quick))
        assert apart(found, expected) < 1e-10, piece
        assert told["loss"].item() == pytest.approx(value["loss"].item(), rel=1e-10)
        assert (plain._at is None) == (quick._at is None) == (piece == plain.pieces - 1)
        if plain._at and quick._at:
            assert apart(quick._at[1:3], plain._at[1:3]) < 1e-10 and quick._at[3] == plain._at[3]
    return quick


@pytest.mark.parametrize("problems", [quadratics, digits])
@pytest.mark.parametrize("objective", [seen_loss, log_score])
@pytest.mark.parametrize("keep", [False, True])
def test_steps_laid_out_one_after_the_other_are_the_unroll(written, problems, objective, keep):
    """Seven steps in pieces of three: two of them go on from memories, and the last is shorter."""
    pieces_agree(problems(), omega_of(), steps=7, unroll=3, objective=objective, second_order=keep)
    assert len(written) == 2  # one for three steps and one for one


def test_new_problems_and_a_moved_omega_go_through_the_same_program(written):
    quick = Truncated(LSTM.rule, digits, steps=6, unroll=3, compiled=True)
    for seed in range(3):
        plain = Truncated(LSTM.rule, digits, steps=6, unroll=3)
        problems = digits(seed)
        for _ in range(2):
            found, expected = (each.gradient(omega_of(seed), problems)[0] for each in (quick, plain))
            assert norm(subtract(found, expected)) < 1e-10 * norm(expected)
    assert len(written) == 1


def test_a_first_state_that_is_learned_has_its_gradient(written):
    def rule(omega: Params) -> Rule:
        """A rate for every coordinate that halves with each step; its start is omega's."""

        def init(theta: Params) -> Tensor:
            return omega["rate"] * torch.ones_like(theta["theta"])

        def step(theta: Params, gradient: Params, rate: Tensor, /, *, loss: Any) -> tuple[Params, Tensor]:
            return {"theta": theta["theta"] - rate * gradient["theta"] * omega["factor"]}, rate / 2

        return Rule(init, step)

    omega = {name: torch.tensor(0.1, dtype=torch.float64) for name in ("rate", "factor")}
    pieces_agree(quadratics(), omega, rule, steps=4, unroll=2)


def by_step(problems: Problems, theta: Params, t: int) -> Tensor:
    return t * problems.loss(theta, t)


def only_late(problems: Problems, theta: Params, t: int) -> Tensor:
    return problems.loss(theta, t) * (1.0 if t == 3 else 0.5)


def in_closures() -> Problems:
    whole = quadratics()
    return Problems(whole.start, whole.loss, whole.score)


@pytest.mark.parametrize(
    ("how", "problems", "why"),
    [
        ({"objective": by_step}, quadratics, ""),
        ({"objective": only_late}, quadratics, "looks at the number of the step"),
        ({}, in_closures, "make them with Problems.of"),
        ({"rule": lambda omega: adam(omega["output.bias"])}, quadratics, ""),
    ],
)
def test_where_no_program_can_be_made_a_warning_says_so_and_the_numbers_are_the_same(
    written, how, problems, why
):
    with pytest.warns(UserWarning, match=f"cannot be replayed, and is slower so: .*{why}") as said:
        pieces_agree(problems(), omega_of(), steps=4, unroll=2, **how)
    assert len(said) == 1 and not written


def test_without_a_compiler_a_warning_says_so(monkeypatch):
    def refuse(*_: Any, **__: Any) -> Any:
        raise RuntimeError("no C++ compiler")

    monkeypatch.setattr(unrolls, "program_of", refuse)
    with pytest.warns(UserWarning, match="is slower so: no C\\+\\+ compiler"):
        pieces_agree(quadratics(), omega_of(), steps=4, unroll=2)


@needs_compiler
def test_the_compiled_program_is_the_same_and_is_there_for_the_next_process(monkeypatch, tmp_path):
    monkeypatch.setattr(ahead, "kept_programs", lambda: tmp_path)
    tiny = CoordinatewiseLSTM(layers=(2,), raw=0.1)
    omega = tiny.init(generator(0), torch.float64)
    how = {"rule": tiny.rule, "steps": 4, "unroll": 2}
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        pieces_agree(digits(), omega, **how)
        (kept,) = tmp_path.glob("*.pt2")
        monkeypatch.setattr(ahead, "_compile", None)  # nobody may call it again
        pieces_agree(digits(seed=1), omega, **how)
    assert [*tmp_path.glob("*.pt2")] == [kept] and re.fullmatch(r"[0-9a-f]{32}\.pt2", kept.name)
