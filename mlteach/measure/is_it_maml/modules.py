"""The second way in: a module, and a step that adapts it and leaves gradients."""

import contextlib
import copy
import math
from collections.abc import Callable, Iterator
from typing import Any, Literal

import torch
from torch import Tensor, nn

from mlteach.errors import MlteachError
from mlteach.measure.is_it_maml.containers import (
    kind_of,
    read_params,
)
from mlteach.measure.is_it_maml.reading import (
    changed_data,
    first_line,
    gradient_for,
    number_of,
    places_of,
    refuse_emptied,
    refuse_not_finite,
    the_loss,
)
from mlteach.measure.is_it_maml.subject import Claim, Subject
from mlteach.measure.is_it_maml.verdict import SettledError, names_in_words
from mlteach.measure.is_it_maml.watch import Watch, doubled
from mlteach.params import Params
from mlteach.tasks.episode import Episode


class ModuleAndStep(Subject):
    """step(model, support, query) -> query loss, with the meta-gradient left in the parameters' .grad."""

    def __init__(self, model: nn.Module, step: Callable[..., Any], support: Any, query: Any) -> None:
        if not isinstance(model, nn.Module):
            raise MlteachError(
                f"model is {kind_of(model)}; give an nn.Module, or functions: adapt_fn, loss_fn, theta, episode."
            )
        if not callable(step):
            raise MlteachError(
                f"step is {kind_of(step)}; with a module give step(model, support, query), which adapts, returns the query loss "
                "and leaves gradients in .grad."
            )
        if any(isinstance(each, nn.UninitializedParameter) for each in model.parameters()):
            raise MlteachError(
                "The model has parameters without a shape yet: call it once on some data, then ask again."
            )
        if isinstance(support, Episode) and query is None:
            raise MlteachError(
                "An episode came where support and query are wanted: give "
                "(episode.support_x[0], episode.support_y[0]), (episode.query_x[0], episode.query_y[0])."
            )
        for said, data in (("support", support), ("query", query)):
            if isinstance(data, Iterator):
                raise MlteachError(
                    f"{said} is an iterator, used up after one call: give what comes out of it, next({said})."
                )
        if support is None:
            raise MlteachError(
                "The support and query sets are missing: is_it_maml(model, step, support, query)."
            )
        history = {  # what a layer keeps as an attribute and computes anew, such as the weight of an old weight_norm
            id(each): each.detach().clone()
            for part in model.modules()
            for each in vars(part).values()
            if isinstance(each, Tensor) and not each.is_leaf
        }
        try:
            self.model = copy.deepcopy(model, history)
        except Exception as error:  # a tensor with history in a list, a lock, a file
            raise MlteachError(
                f"The model cannot be copied ({type(error).__name__}: {first_line(error)}). Give a freshly made one."
            ) from error
        devices = {each.device for each in self.model.parameters()}
        if any(each.type == "mps" for each in devices):
            self.model.to("cpu")
        self.model.double()
        self.model.zero_grad(set_to_none=True)
        self.theta = {
            name: value.detach().clone()
            for name, value in self.model.named_parameters()
            if value.requires_grad
        }
        if not self.theta:
            raise MlteachError(
                "The model has no parameter that requires a gradient, so there is nothing to move."
            )
        self.step, self.support, self.query = step, doubled(support), doubled(query)

    def _copy(self, theta: Params) -> tuple[nn.Module, Params]:
        """A copy of the model with its parameters at ``theta``, and these parameters."""
        model = copy.deepcopy(self.model)
        own: Params = {name: value for name, value in model.named_parameters() if name in theta}
        with torch.no_grad():
            for name, value in own.items():
                value.copy_(theta[name])
        return model, own

    def _call(self, model: nn.Module, watch: Watch) -> Any:
        with watch:
            loss = self.step(model, doubled(self.support), doubled(self.query))
        if isinstance(loss, tuple | list):
            loss = the_loss(loss)
        if loss is None:
            raise SettledError("cannot tell", "step returns None. Let it return the query loss")
        return loss

    def loss(self, theta: Params, watch: Watch) -> float:
        return number_of(self._call(self._copy(theta)[0], watch))[0]

    def with_other(self, which: Literal["support", "query"]) -> Subject:
        other = copy.copy(self)
        setattr(other, which, changed_data(getattr(self, which)))
        return other

    def first_order(self, theta: Params) -> Params:
        model, own = self._copy(theta)
        loss = self._call(model, Watch(cut=True))
        if all(each.grad is None for each in own.values()):
            return gradient_for(loss, own)[0]
        return {n: torch.zeros_like(v) if v.grad is None else v.grad.detach() for n, v in own.items()}

    def claim(self, theta: Params) -> Claim:
        refuse_not_finite(theta, "the model")
        refuse_not_finite(read_params(self.support, []), "the support set")
        refuse_not_finite(read_params(self.query, []), "the query set")
        model, own = self._copy(theta)
        watch, arrived = Watch(), [False]

        def heard(_: Tensor) -> None:
            arrived[0] = True

        for each in own.values():
            each.register_post_accumulate_grad_hook(heard)
        try:
            loss = self._call(model, watch)
        except SettledError:
            raise
        except Exception as error:
            error.add_note(
                "is_it_maml called step(model, support, query) on float64 copies of what was given."
            )
            raise
        value, notes = number_of(loss)
        found = {
            name: None if each.grad is None else each.grad.detach().clone() for name, each in own.items()
        }
        if any(not torch.equal(each.detach(), theta[name]) for name, each in own.items()):
            broken = [name for name, each in own.items() if not each.isfinite().all()]
            if broken:
                raise SettledError(
                    "cannot tell",
                    f"step leaves numbers in {names_in_words(broken, theta)} that are not finite. Try a smaller inner rate",
                )
            raise SettledError("in place", "model")
        self.again(theta, value)
        if not math.isfinite(value):
            raise SettledError(
                "cannot tell",
                f"the query loss is {value}. If the inner steps diverge, try a smaller inner rate, or fewer steps",
            )
        notes += self._once_more(model, own, value)
        gradient = {n: torch.zeros_like(theta[n]) if g is None else g for n, g in found.items()}
        unused = [name for name, each in found.items() if each is None]
        if len(unused) == len(own) and isinstance(loss, Tensor) and loss.requires_grad:
            with contextlib.suppress(RuntimeError):  # where its graph is gone, step has gone back through it
                gradient, unused = gradient_for(loss, own)
        if not any(each.any() for each in gradient.values()):
            refuse_emptied(arrived, watch, own)
        refuse_not_finite(
            gradient,
            "the meta-gradient",
            "The loss is finite, its derivative is not: a square root or a norm at zero?",
        )
        return Claim(
            value,
            gradient,
            unused,
            watch.seen,
            places_of(watch.seen, own),
            notes=notes,
            normed_by_gathered=watch.normed_by_gathered,
        )

    def _once_more(self, model: nn.Module, own: Params, first: float) -> list[str]:
        """The next task meets the same model: what is to be said of it. Raises SettledError when the last one left something
        in it."""
        for name, value in own.items():  # a library may have put other tensors in their place
            parent, _, last = name.rpartition(".")
            if getattr(model.get_submodule(parent), last, None) is not value:
                raise SettledError(
                    "cannot tell",
                    f"after step the model no longer holds its own {name}. Put the start back before step returns",
                )
        if self._same_again(lambda: self._call(model, Watch()), first):
            return []
        for value in own.values():
            value.grad = None
        if self._same_again(lambda: self._call(model, Watch()), first):
            return [
                "It wants .grad empty at its start: without zero_grad() between tasks, what one leaves there is added to the inner "
                "gradients of the next."
            ]
        raise SettledError(
            "cannot tell",
            "a second step with the same model gives another loss: something stays in it (running statistics, an "
            "attribute?). Adapt a copy, or put it back",
        )
