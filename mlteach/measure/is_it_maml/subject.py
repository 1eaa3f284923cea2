"""Somebody's MAML behind one face, whether it is functions of dicts or a module and a step.

A subject can be asked two things: what the query loss is at a theta (`loss`), and what its author's meta-gradient is there
(`claim`). Every call gets copies, so that nothing of the author's is moved.
"""

import contextlib
import copy
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import Tensor, nn

from mlteach.errors import MlteachError
from mlteach.measure.is_it_maml.verdict import Order, names_in_words
from mlteach.measure.is_it_maml.watch import Seen, Watch, doubled
from mlteach.params import Params, leaves
from mlteach.tasks.episode import Episode, checked

STATISTICS = ("running_mean", "running_var")  # in a state_dict, but nobody descends on them
SAME = 1e-8  # two calls that differ by a larger share are not the same function


class SettledError(Exception):
    """The verdict is clear, or out of reach, before any slope is measured."""

    def __init__(self, order: Order, reason: str = "") -> None:
        super().__init__(reason)
        self.order, self.reason = order, reason


@dataclass
class Claim:
    """The author's own numbers at theta.

    gradient: the meta-gradient, zeros where nothing came. unused: names that autograd did not meet on its way.
    inner: the inner gradients as they were seen. names: the name behind each place of what `torch.autograd.grad` returned.
    difference: theta - phi, where phi can be seen (Reptile's direction). notes: sentences to add to the verdict.
    """

    loss: float
    gradient: Params
    unused: list[str]
    inner: list[Seen]
    names: list[str] = field(default_factory=list)
    difference: Params | None = None
    moved: bool = True  # phi is more than theta itself
    notes: list[str] = field(default_factory=list)
    cut: list[str] = field(default_factory=list)  # names of phi without history
    by_value: bool = False  # theta's numbers went into a module's own parameters
    normed_by_gathered: bool = False  # batch norm by running statistics that were gathered on the way


class Subject(ABC):
    """What is judged. theta: the float64 parameters that are moved."""

    theta: Params

    @abstractmethod
    def loss(self, theta: Params, watch: Watch) -> float:
        """The query loss after adaptation from ``theta``."""

    @abstractmethod
    def claim(self, theta: Params) -> Claim:
        """The meta-gradient as the author computes it. Raises SettledError when the code cannot be judged or is plainly wrong."""

    @abstractmethod
    def with_other(self, which: Literal["support", "query"]) -> "Subject":
        """The same with one set a little changed. Raises ValueError where it holds nothing that could be changed."""

    @abstractmethod
    def first_order(self, theta: Params) -> Params:
        """What autograd makes of the author's code when inner gradients are constants."""

    @staticmethod
    def _same_again(call: Callable[[], Any], first: float) -> bool:
        """Whether a second call, on what the first has left, comes to the same loss."""
        try:
            return same(first, _number(call())[0])
        except RuntimeError:  # such as going back through a graph that hangs on the .grad of the first call
            return False

    def again(self, theta: Params, first: float) -> None:
        """Call on the same inputs once more. Raises SettledError where another loss comes out."""
        if same(first, self.loss(theta, Watch())):
            return
        torch.manual_seed(0)
        one = self.loss(theta, Watch())
        torch.manual_seed(0)
        if same(one, self.loss(theta, Watch())):
            raise SettledError(
                "cannot tell",
                "two calls on the same inputs differ: the code draws at random (dropout, a random minibatch?). Switch that "
                "off, or begin with torch.manual_seed(0)",
            )
        raise SettledError(
            "cannot tell",
            "two calls on the same inputs differ: something is carried from one call to the next (running statistics, an "
            "optimizer's state), or drawn by a generator of its own, random or numpy. Make it afresh in every call",
        )


def same(a: float, b: float) -> bool:
    """Equal up to the order of sums on a GPU; two NaN are the same."""
    return a == b or (math.isnan(a) and math.isnan(b)) or abs(a - b) <= SAME * max(abs(a), abs(b), 1e-300)


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
                    f"{said} is {_a(function)}; give a function: adapt_fn(theta, x, y) -> phi, loss_fn(phi, x, y) -> loss."
                )
        if not isinstance(episode, tuple | list) or len(episode) != 4:
            raise MlteachError(
                f"The episode is {_a(episode)}; give Episode(support_x, support_y, query_x, query_y), each with a leading "
                "task axis."
            )
        self.adapt_fn: Callable[..., Any] = adapt_fn
        self.loss_fn, self.meta_gradient = loss_fn, meta_gradient
        self.given, self.rebuild = _opened(theta)
        self.theta = {
            name: value
            for name, value in self.given.items()
            if _moves(value) and name.rpartition(".")[2] not in STATISTICS
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
        return _number(self._query_loss(self._start(theta)[1], watch)[1])[0]

    def with_other(self, which: Literal["support", "query"]) -> Subject:
        other = copy.copy(self)
        names = (f"{which}_x", f"{which}_y")
        x, y = _changed(tuple(getattr(self.one, name) for name in names))
        other.one = self.one._replace(**dict(zip(names, (x, y), strict=True)))
        return other

    def first_order(self, theta: Params) -> Params:
        point, start = self._start(theta)
        return _gradient(self._query_loss(start, Watch(cut=True))[1], point)[0]

    def claim(self, theta: Params) -> Claim:
        _finite(theta, "theta itself")
        _finite({name: each for name, each in zip(Episode._fields, self.one, strict=True)}, "the episode")
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
        held = {id(value) for _, value in _flat(start)}
        if not all(id(value) in held for value in point.values()):
            raise SettledError(
                "cannot tell",
                "adapt_fn puts other tensors into the container of theta that it is given, and the next task would start from "
                "them. Begin with a copy of it, such as dict(theta) or list(theta)",
            )
        adapted = _read(phi, list(self.given))
        _finite(
            adapted,
            "phi, after the inner steps,",
            "The inner steps diverge: try a smaller inner rate, or fewer steps",
        )
        value, notes = _number(loss)
        self.again(theta, value)
        accumulated = [name for name, each in point.items() if each.grad is not None]
        if accumulated:
            if not self._same_again(lambda: self._query_loss(start, Watch())[1], value):
                raise SettledError("accumulates")
            notes.append(
                f"It leaves numbers in the .grad of {names_in_words(accumulated, theta)}: an outer backward() would add to them."
            )
        if not math.isfinite(value):
            largest = max((each.abs().max().item() for each in adapted.values() if _moves(each)), default=0.0)
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
            gradient, unused = _gradient(loss, point)
        _finite(
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
            _places(watch.seen, point),
            {n: v - adapted[n].detach() for n, v in theta.items()} if same_names else None,
            any(
                n not in theta or not torch.equal(v.detach(), theta[n])
                for n, v in adapted.items()
                if _moves(v)
            ),
            notes,
            cut=[n for n in theta if n in adapted and _cut(adapted[n], point.get(n))],
            by_value=watch.copied_in and _ends_in_a_module(loss),
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
            given = _read(given, list(theta))
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


class ModuleAndStep(Subject):
    """step(model, support, query) -> query loss, with the meta-gradient left in the parameters' .grad."""

    def __init__(self, model: nn.Module, step: Callable[..., Any], support: Any, query: Any) -> None:
        if not isinstance(model, nn.Module):
            raise MlteachError(
                f"model is {_a(model)}; give an nn.Module, or functions: adapt_fn, loss_fn, theta, episode."
            )
        if not callable(step):
            raise MlteachError(
                f"step is {_a(step)}; with a module give step(model, support, query), which adapts, returns the query loss "
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
                f"The model cannot be copied ({type(error).__name__}: {_first_line(error)}). Give a freshly made one."
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
            loss = _the_loss(loss)
        if loss is None:
            raise SettledError("cannot tell", "step returns None. Let it return the query loss")
        return loss

    def loss(self, theta: Params, watch: Watch) -> float:
        return _number(self._call(self._copy(theta)[0], watch))[0]

    def with_other(self, which: Literal["support", "query"]) -> Subject:
        other = copy.copy(self)
        setattr(other, which, _changed(getattr(self, which)))
        return other

    def first_order(self, theta: Params) -> Params:
        model, own = self._copy(theta)
        loss = self._call(model, Watch(cut=True))
        if all(each.grad is None for each in own.values()):
            return _gradient(loss, own)[0]
        return {n: torch.zeros_like(v) if v.grad is None else v.grad.detach() for n, v in own.items()}

    def claim(self, theta: Params) -> Claim:
        _finite(theta, "the model")
        _finite(_read(self.support, []), "the support set")
        _finite(_read(self.query, []), "the query set")
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
        value, notes = _number(loss)
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
                gradient, unused = _gradient(loss, own)
        if not any(each.any() for each in gradient.values()):
            _emptied(arrived, watch, own)
        _finite(
            gradient,
            "the meta-gradient",
            "The loss is finite, its derivative is not: a square root or a norm at zero?",
        )
        return Claim(
            value,
            gradient,
            unused,
            watch.seen,
            _places(watch.seen, own),
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


def _number(loss: Any) -> tuple[float, list[str]]:
    """The loss as a number, and a sentence if it came in an odd shape."""
    if isinstance(loss, Tensor) and not loss.is_complex():
        if loss.ndim == 0:
            return loss.item(), []
        if loss.numel() == 0:
            raise SettledError("cannot tell", "the query loss is empty. Is the query set?")
        kind = "its one number" if loss.numel() == 1 else "the sum of its numbers"
        return loss.sum().item(), [
            f"The loss has the shape {list(loss.shape)}, not []; {kind} was judged (did something broadcast?)."
        ]
    try:
        return float(loss), []
    except (TypeError, ValueError):
        raise SettledError("cannot tell", f"the query loss is {_a(loss)}. Return a scalar tensor") from None


def _emptied(arrived: list[bool], watch: Watch, own: Params) -> None:
    """Raises SettledError where a gradient was there, and nothing is left of it in ``.grad``."""
    if arrived[0]:
        raise SettledError(
            "cannot tell",
            "backward() has reached the model, and yet its .grad is empty or zero after step. Leave the meta-gradient there: take "
            "zero_grad() away from the end of step",
        )
    last = {number for number, _ in watch.seen[-1].inputs} if watch.seen else set()
    if not watch.backwards and last & {id(each) for each in own.values()}:
        raise SettledError(
            "cannot tell",
            "step leaves nothing in .grad of the model: what torch.autograd.grad returned is not put there. Let it set "
            "parameter.grad for each of model.parameters(), or call backward()",
        )


def _the_loss(several: Sequence[Any]) -> Any:
    """The loss among what step returned, such as (loss, accuracy) or (accuracy, loss)."""
    scalars = [each for each in several if isinstance(each, Tensor) and each.numel() == 1]
    losses = [each for each in scalars if each.requires_grad]
    if len(losses) > 1:
        raise SettledError(
            "cannot tell",
            f"step returns {len(losses)} losses, and which of them the gradients belong to is not said. Return that one alone "
            "(of several tasks their mean, if that is what backward() was called on)",
        )
    return losses[0] if losses else several[0] if scalars and several[0] is scalars[0] else several


def _changed(data: Any) -> Any:
    """Numbers a little nearer to zero, each by another share. Raises ValueError where none changes."""
    changed = False

    def moved(value: Any) -> Any:
        nonlocal changed
        if isinstance(value, Tensor) and value.is_floating_point():
            nearer = 1 - torch.linspace(5e-4, 1e-3, value.numel(), device=value.device).reshape(value.shape)
            changed = changed or bool(value.any())
            return value * nearer
        return value

    data = _refilled(data, map(moved, [value for _, value in _flat(data)]))
    if not changed:
        raise ValueError("nothing to change")
    return data


def _gradient(loss: Any, by: Params) -> tuple[Params, list[str]]:
    """The gradient of ``loss``, zeros where nothing leads back; and the names that autograd did not meet."""
    if not isinstance(loss, Tensor) or not loss.requires_grad:
        return {name: torch.zeros_like(value) for name, value in by.items()}, list(by)
    found = torch.autograd.grad(loss.sum(), list(by.values()), allow_unused=True)
    pairs = list(zip(by.items(), found, strict=True))
    unused = [name for (name, _), g in pairs if g is None]
    return {name: torch.zeros_like(v) if g is None else g for (name, v), g in pairs}, unused


def _places(seen: list[Seen], point: Params) -> list[str]:
    """Which name each place in the inner gradients belongs to; empty where that is not clear."""
    known = {id(value): name for name, value in point.items()}
    for each in seen:
        names = [known.get(number, "") for number, _ in each.inputs]
        if names and all(names) and len(set(names)) == len(names):
            return names if all(len(other.inputs) == len(names) for other in seen) else []
    shapes = [value.shape for value in point.values()]
    every = seen and all([shape for _, shape in each.inputs] == shapes for each in seen)
    return list(point) if every else []


def _cut(value: Tensor, start: Tensor | None) -> bool:
    """Whether phi's tensor leads nowhere: theta's own would lead to theta."""
    return value.is_leaf and value is not start


def _ends_in_a_module(loss: Any) -> bool:
    """Whether the graph of ``loss`` begins at an nn.Parameter."""
    ahead, met = [getattr(loss, "grad_fn", None)], set()
    while ahead:
        node = ahead.pop()
        if node is None or node in met:
            continue
        met.add(node)
        if isinstance(getattr(node, "variable", None), nn.Parameter):
            return True
        ahead += [each for each, _ in node.next_functions]
    return False


def _finite(values: Mapping[str, Tensor], where: str, advice: str = "") -> None:
    for name, value in values.items():
        if value.is_floating_point() and not value.isfinite().all():
            kind = "NaN" if value.isnan().any() else "infinite numbers"
            raise SettledError(
                "cannot tell",
                f"{where} holds {kind} (first in {name})"
                + (f". {advice}" if advice else ". Mend that first"),
            )


def _opened(theta: Any) -> tuple[dict[str, Any], Callable[[dict[str, Any]], Any]]:
    """theta as a dict of float64 copies, and the way back to what the author's functions expect."""
    if isinstance(theta, nn.ParameterDict | nn.ParameterList):
        theta = dict(theta.items()) if isinstance(theta, nn.ParameterDict) else list(theta)
    if isinstance(theta, nn.Module):
        theta = dict(theta.named_parameters())
    if isinstance(theta, Iterator):
        theta = list(theta)
    if not isinstance(theta, Tensor | Mapping | list | tuple):
        raise MlteachError(
            f"theta is {_a(theta)}; give the start as a dict of tensors (a list, a tuple or a module's parameters will do)."
        )
    named: dict[str, Any] = {}
    for name, value in _flat(theta):
        while name in named:  # {"a.b": ..., "a": {"b": ...}}
            name += "'"
        named[name or "theta"] = doubled(value)
    return named, lambda values: _refilled(theta, iter(values.values()))


def _flat(values: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """What lies in dicts, lists and tuples, however deep, with names such as ``layer1.w`` or ``[0][1]``."""
    if isinstance(values, Mapping):
        for name, value in values.items():
            yield from _flat(value, f"{path}.{name}" if path else str(name))
    elif isinstance(values, tuple) and hasattr(values, "_fields"):
        yield from _flat(dict(zip(values._fields, values, strict=True)), path)
    elif isinstance(values, list | tuple) and _pairs(values):
        yield from _flat(dict(values), path)
    elif isinstance(values, list | tuple):
        for place, value in enumerate(values):
            yield from _flat(value, f"{path}[{place}]")
    else:
        yield path, values


def _refilled(values: Any, fresh: Iterator[Any]) -> Any:
    """The same containers with ``fresh`` in them, in the order of `_flat`."""
    if isinstance(values, Mapping):
        filled = {name: _refilled(value, fresh) for name, value in values.items()}
        try:
            return filled if type(values) is dict else type(values)(filled)  # type: ignore[call-arg]
        except TypeError:
            return filled
    if isinstance(values, list | tuple) and _pairs(values):
        return type(values)((name, _refilled(value, fresh)) for name, value in values)
    if isinstance(values, tuple) and hasattr(values, "_fields"):
        return type(values)(*(_refilled(value, fresh) for value in values))
    if isinstance(values, list | tuple):
        return type(values)(_refilled(value, fresh) for value in values)
    return next(fresh)


def _pairs(values: Any) -> bool:
    """Whether this is what named_parameters() gives: pairs of a name and a tensor."""
    return bool(values) and all(
        isinstance(each, tuple) and len(each) == 2 and isinstance(each[0], str) for each in values
    )


def _moves(value: Any) -> bool:
    return isinstance(value, Tensor) and value.is_floating_point() and value.numel() > 0


def _read(values: Any, names: list[str]) -> Params:
    """The tensors in what somebody returned, by name; those of a list by their place."""
    if isinstance(values, nn.Module):
        values = dict(values.named_parameters())
    found = list(_flat(values))
    if (
        isinstance(values, list | tuple | Tensor)
        and not hasattr(values, "_fields")
        and len(found) == len(names)
    ):
        found = [(name, value) for name, (_, value) in zip(names, found, strict=True)]
    return {name or "[0]": value for name, value in found if isinstance(value, Tensor)}


def _a(value: Any) -> str:
    return "None" if value is None else f"of type {type(value).__name__}"


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [""])[0].rstrip(".")
