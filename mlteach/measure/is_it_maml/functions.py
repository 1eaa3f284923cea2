"""The first way in: functions of dicts."""

import copy
import math
from collections.abc import Callable, Iterator
from typing import Any, Literal

import torch
from torch import Tensor, nn

from mlteach.errors import MlteachError
from mlteach.measure.is_it_maml.containers import can_move, flattened, kind_of, opened, read_params
from mlteach.measure.is_it_maml.reading import (
    changed_data,
    ends_in_a_module,
    gradient_for,
    is_cut,
    number_of,
    places_of,
    refuse_not_finite,
)
from mlteach.measure.is_it_maml.subject import Claim, Subject
from mlteach.measure.is_it_maml.verdict import SettledError, names_in_words
from mlteach.measure.is_it_maml.watch import Watch, doubled
from mlteach.params import Params, leaves
from mlteach.tasks.episode import Episode, checked

STATISTICS = ("running_mean", "running_var")  # in a state_dict, but nobody descends on them


class Functions(Subject):
    """adapt_fn(theta, x, y) -> phi and loss_fn(phi, x, y) -> loss."""

    def __init__(
        self,
        adapt_fn: Callable[..., Any],
        loss_fn: Callable[..., Any],
        theta: Any,
        episode: Any,
        meta_gradient: Callable[..., Any] | None,
    ) -> None:
        if isinstance(loss_fn, nn.Module) and not isinstance(episode, Episode):
            raise MlteachError("The model comes first: is_it_maml(model, step, support, query).")
        if isinstance(adapt_fn, type) and issubclass(adapt_fn, nn.Module):
            raise MlteachError(
                f"{adapt_fn.__name__} is a class; give a model made from it: {adapt_fn.__name__}(...)."
            )
        if isinstance(theta, Episode):
            raise MlteachError(
                "theta and the episode have changed places: is_it_maml(adapt_fn, loss_fn, theta, episode)."
            )
        for said, function in (("adapt_fn", adapt_fn), ("loss_fn", loss_fn)):
            if not callable(function):
                raise MlteachError(
                    f"{said} is {kind_of(function)}; give a function: adapt_fn(theta, x, y) -> phi, loss_fn(phi, x, y) -> loss."
                )
        if not isinstance(episode, tuple | list) or len(episode) != 4:
            raise MlteachError(
                f"The episode is {kind_of(episode)}; give Episode(support_x, support_y, query_x, query_y), each with a leading "
                "task axis."
            )
        self.adapt_fn: Callable[..., Any] = adapt_fn
        self.loss_fn, self.meta_gradient = loss_fn, meta_gradient
        self.given, self.rebuild = opened(theta)
        self.theta = {
            name: value
            for name, value in self.given.items()
            if can_move(value) and name.rpartition(".")[2] not in STATISTICS
        }
        if not self.theta:
            raise MlteachError(
                "theta holds no tensor of floating-point numbers, so there is nothing to move."
            )
        self.one = doubled(checked(Episode(*episode)).part(slice(0, 1)))

    def _start(self, theta: Params) -> tuple[Params, Any]:
        """Fresh leaves, and the same in the container that the author works with."""
        point = leaves(theta)
        return point, self.rebuild(doubled(self.given) | point)

    def _query_loss(self, start: Any, watch: Watch) -> tuple[Any, Any]:
        """phi and the query loss, from theta as the author knows it."""
        support_x, support_y, query_x, query_y = (each[0] for each in doubled(self.one))
        with watch:
            phi = self.adapt_fn(start, support_x, support_y)
            if isinstance(phi, Iterator):
                phi = list(phi)
            if phi is None:
                raise SettledError(
                    "cannot tell", "adapt_fn returns None. Let it return the adapted parameters"
                )
            return phi, self.loss_fn(phi, query_x, query_y)

    def loss(self, theta: Params, watch: Watch) -> float:
        return number_of(self._query_loss(self._start(theta)[1], watch)[1])[0]

    def with_other(self, which: Literal["support", "query"]) -> Subject:
        other = copy.copy(self)
        names = (f"{which}_x", f"{which}_y")
        x, y = changed_data(tuple(getattr(self.one, name) for name in names))
        other.one = self.one._replace(**dict(zip(names, (x, y), strict=True)))
        return other

    def first_order(self, theta: Params) -> Params:
        point, start = self._start(theta)
        return gradient_for(self._query_loss(start, Watch(cut=True))[1], point)[0]

    def claim(self, theta: Params) -> Claim:
        refuse_not_finite(theta, "theta itself")
        refuse_not_finite(
            {name: each for name, each in zip(Episode._fields, self.one, strict=True)}, "the episode"
        )
        point, start = self._start(theta)
        watch = Watch()
        try:
            phi, loss = self._query_loss(start, watch)
        except SettledError:
            self._in_place(point, theta)
            raise
        except Exception as error:
            x, y = (list(each.shape[1:]) for each in self.one[:2])
            error.add_note(
                "is_it_maml called adapt_fn(theta, x, y), then loss_fn(phi, x, y), on the first task of the episode, without its "
                f"task axis: the support set is x {x}, y {y}."
            )
            raise
        self._in_place(point, theta)
        held = {id(value) for _, value in flattened(start)}
        if not all(id(value) in held for value in point.values()):
            raise SettledError(
                "cannot tell",
                "adapt_fn puts other tensors into the container of theta that it is given, and the next task would start from "
                "them. Begin with a copy of it, such as dict(theta) or list(theta)",
            )
        adapted = read_params(phi, list(self.given))
        refuse_not_finite(
            adapted,
            "phi, after the inner steps,",
            "The inner steps diverge: try a smaller inner rate, or fewer steps",
        )
        value, notes = number_of(loss)
        self.again(theta, value)
        accumulated = [name for name, each in point.items() if each.grad is not None]
        if accumulated:
            if not self._same_again(lambda: self._query_loss(start, Watch())[1], value):
                raise SettledError("accumulates")
            notes.append(
                f"It leaves numbers in the .grad of {names_in_words(accumulated, theta)}: an outer backward() would add to them."
            )
        if not math.isfinite(value):
            largest = max(
                (each.abs().max().item() for each in adapted.values() if can_move(each)), default=0.0
            )
            why = (
                f"and phi holds numbers up to {largest:.0e}. The inner steps diverge: try a smaller inner rate, or fewer steps"
                if largest > 1e3
                else "although phi is finite and moderate. Look at loss_fn: a logarithm or a division by zero?"
            )
            raise SettledError("cannot tell", f"the query loss is {value}, {why}")
        if not isinstance(loss, Tensor) and not self.meta_gradient:
            notes.append(
                "The query loss is a plain number, and no gradient flows through one: return the tensor, without .item()."
            )
        unused: list[str] = []
        if self.meta_gradient:
            gradient = self._claimed(theta)
        else:
            gradient, unused = gradient_for(loss, point)
        refuse_not_finite(
            gradient,
            "the meta-gradient",
            "The loss is finite, its derivative is not: a square root or a norm at zero?",
        )
        same_names = adapted.keys() >= theta.keys() and all(
            adapted[n].shape == v.shape for n, v in theta.items()
        )
        return Claim(
            value,
            gradient,
            unused,
            watch.seen,
            places_of(watch.seen, point),
            {n: v - adapted[n].detach() for n, v in theta.items()} if same_names else None,
            any(
                n not in theta or not torch.equal(v.detach(), theta[n])
                for n, v in adapted.items()
                if can_move(v)
            ),
            notes,
            cut=[n for n in theta if n in adapted and is_cut(adapted[n], point.get(n))],
            by_value=watch.copied_in and ends_in_a_module(loss),
            normed_by_gathered=watch.normed_by_gathered,
        )

    def _in_place(self, point: Params, theta: Params) -> None:
        if any(not torch.equal(point[name], value) for name, value in theta.items()):
            raise SettledError("in place")

    def _claimed(self, theta: Params) -> Params:
        """The author's own meta-gradient, asked for twice."""
        assert self.meta_gradient
        found = []
        for _ in range(2):
            with Watch():
                given = self.meta_gradient(self._start(theta)[1], doubled(self.one))
            if given is None:
                raise SettledError(
                    "cannot tell",
                    "meta_gradient returns None. Let it return a gradient for each name of theta",
                )
            given = read_params(given, list(theta))
            for name, value in given.items():
                if name in theta and value.shape != theta[name].shape:
                    raise SettledError(
                        "cannot tell",
                        f"meta_gradient gives {list(value.shape)} for {name}, whose shape is {list(theta[name].shape)}. "
                        "Return a tensor of the same shape for each name",
                    )
            found.append(
                {n: given[n].detach() if n in given else torch.zeros_like(v) for n, v in theta.items()}
            )
        if any(
            not torch.allclose(found[0][n], found[1][n], rtol=1e-6, atol=0, equal_nan=True) for n in theta
        ):
            raise SettledError(
                "cannot tell",
                "two calls of meta_gradient on the same inputs differ. Take random draws and carried state out of it",
            )
        return found[0]
