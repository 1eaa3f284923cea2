"""A rule whose state outlives one inner loop: truncated unrolls go on with it, and so does Reptile's inner Adam."""

from typing import Any

from torch import Tensor

from mlteach.inner.rule import Rule, State
from mlteach.params import Params

Memory = dict[str, State]  # empty before the first loop; then "state" holds what the last step left


def carried(rule: Rule, memory: Memory) -> Rule:
    """``rule``, beginning with the state in ``memory`` where there is one, and leaving its last state there.

        memory = {}
        for task in tasks:                                   the second moments go on from task to task
            phi = adapt(task, theta, carried(adam(1e-3, beta1=0), memory), 5)

    Taught in: lessons 04, 10.
    """

    def init(theta: Params) -> State:
        return memory["state"] if "state" in memory else rule.init(theta)

    def step(theta: Params, gradient: Params, state: State, /, *, loss: Tensor) -> tuple[Params, State]:
        theta, memory["state"] = rule.step(theta, gradient, state, loss=loss)
        return theta, memory["state"]

    # what makes a run, for its checkpoint: the memory is none of it
    init.made_with = step.made_with = {"rule": rule}  # type: ignore[attr-defined]
    return rule._replace(init=init, step=step)


def forgotten(state: Any) -> Any:
    """The same state without history: every tensor in it detached, in tuples and dicts of any depth."""
    if isinstance(state, Tensor):
        return state.detach()
    if isinstance(state, dict):
        return {name: forgotten(part) for name, part in state.items()}
    if isinstance(state, tuple):
        parts = map(forgotten, state)
        return type(state)(*parts) if hasattr(state, "_fields") else tuple(parts)
    return state
