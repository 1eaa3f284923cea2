"""The last good state of a run: everything that a step moves, copied whenever all its numbers are known to be finite."""

import copy
import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from mlteach.training.run import Fit

Numbers = Mapping[str, Tensor | float]


class NotFiniteError(ArithmeticError):
    """A number that is none, in words."""


class Watch:
    """Looks at a run's numbers, and remembers it as it was when all were last known to be finite.

        watch = Watch(run, optimizer, generator)
        watch.unseen.append(numbers)        a step was made
        watch.look()                        its numbers go into the history; or NotFiniteError, and the run is what it was before

    unseen: the numbers of the last steps. On a GPU they are tensors: until somebody looks, it need not be waited for.
    drawn: the generator after the last whole step.
    The copies lie in the same memory again and again: on a CPU one is made at every step, and costs some microseconds.
    """

    def __init__(self, run: Fit, optimizer: torch.optim.Optimizer, generator: torch.Generator) -> None:
        self.run, self.optimizer, self.generator = run, optimizer, generator
        self.unseen: list[Numbers] = []
        self.drawn = generator.get_state()
        self._kept: list[Tensor] = []
        self._keep()

    def look(self) -> None:
        """Move what is unseen into the history, if all is finite. Else restore the run and raise NotFiniteError."""
        if not self.unseen:
            return
        seen = floats(self.unseen)
        self.unseen.clear()
        if wrong := not_finite(self.run, seen, self.optimizer):
            self.restore()
            raise NotFiniteError(wrong)
        for numbers in seen:
            for name, value in numbers.items():
                self.run.history.setdefault(name, []).append(value)
        self._keep()

    def restore(self) -> None:
        """Make run, optimizer and generator what they were when all was last known to be good."""
        for key in [key for key in self.optimizer.state if key not in self._other]:
            del self.optimizer.state[key]
        with torch.no_grad():
            for kept, each in zip(self._kept, self._moved(), strict=True):
                each.copy_(kept)
        for key, parts in self._other.items():
            self.optimizer.state[key].update(parts)
        self.generator.set_state(self._drawn)
        self.run.step, self.run.seconds = self._step, self._seconds

    def _keep(self) -> None:
        moved = self._moved()
        if len(moved) != len(self._kept):  # the first time, and when the optimizer has made its memories
            self._kept = [each.detach().clone() for each in moved]
        else:
            with torch.no_grad():
                for kept, each in zip(self._kept, moved, strict=True):
                    kept.copy_(each, non_blocking=True)
        self._other = {
            key: {name: copy.copy(part) for name, part in state.items() if not isinstance(part, Tensor)}
            for key, state in self.optimizer.state.items()
        }
        self._drawn = self.generator.get_state()
        self._step, self._seconds = self.run.step, self.run.seconds

    def _moved(self) -> list[Tensor]:
        """The parameters and what the optimizer remembers of them."""
        memories = (part for state in self.optimizer.state.values() for part in state.values())
        return [*self.run.theta.values(), *(part for part in memories if isinstance(part, Tensor))]


def floats(steps: Sequence[Numbers]) -> list[dict[str, float]]:
    """The numbers of some steps as floats: one wait for the device, not one for each number."""
    seen: list[dict[str, float]] = [{} for _ in steps]
    for name in steps[0] if steps else ():
        values = [each[name] for each in steps]
        if isinstance(values[0], Tensor):
            values = torch.stack(values).tolist()  # type: ignore[arg-type]
        for numbers, value in zip(seen, values, strict=True):
            numbers[name] = float(value)
    return seen


def not_finite(
    run: Fit, unseen: Sequence[Mapping[str, float]], optimizer: torch.optim.Optimizer
) -> str | None:
    """Which of the last steps' numbers, of the gradient, of theta or of the optimizer's memories is not finite, in words.

    None where all are.

    unseen: the numbers of the steps up to the one just made. They are of the parameters before their step.
    """
    for back, numbers in enumerate(unseen, start=1 - len(unseen)):
        for name, value in numbers.items():
            if not math.isfinite(value):
                return f"in step {run.step + back} {name} was {value}"
    gradients = {name: value.grad for name, value in run.theta.items() if value.grad is not None}
    remembered = {
        f"{name} ({key})": part
        for name, value in run.theta.items()
        for key, part in optimizer.state.get(value, {}).items()
        if isinstance(part, Tensor) and part.is_floating_point() and part.device == value.device
    }
    if _plainly_finite([*gradients.values(), *run.theta.values(), *remembered.values()]):
        return None
    said = "what the optimizer remembers of"
    for what, tensors in (("the gradient for", gradients), ("the parameter", run.theta), (said, remembered)):
        for name, tensor in tensors.items():
            if bad := tensor.numel() - int(tensor.isfinite().sum()):
                return f"in step {run.step} {what} {name} was not finite ({bad} of {tensor.numel()} numbers)"
    return None


def _plainly_finite(tensors: list[Tensor]) -> bool:
    """Whether the tensors' lengths are finite numbers: then all of theirs are. One wait for the device."""
    with torch.no_grad():
        lengths = torch._foreach_norm(tensors)
        return bool(torch.stack(list(lengths)).isfinite().all())
