"""Parameters as people hold them: dicts, lists, tuples, modules, however deep; to names and back."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from torch import Tensor, nn

from mlteach.errors import MlteachError
from mlteach.measure.is_it_maml.watch import doubled
from mlteach.params import Params


def opened(theta: Any) -> tuple[dict[str, Any], Callable[[dict[str, Any]], Any]]:
    """theta as a dict of float64 copies, and the way back to what the author's functions expect."""
    if isinstance(theta, nn.ParameterDict | nn.ParameterList):
        theta = dict(theta.items()) if isinstance(theta, nn.ParameterDict) else list(theta)
    if isinstance(theta, nn.Module):
        theta = dict(theta.named_parameters())
    if isinstance(theta, Iterator):
        theta = list(theta)
    if not isinstance(theta, Tensor | Mapping | list | tuple):
        raise MlteachError(
            f"theta is {kind_of(theta)}; give the start as a dict of tensors (a list, a tuple or a module's parameters will do)."
        )
    named: dict[str, Any] = {}
    for name, value in flattened(theta):
        while name in named:  # {"a.b": ..., "a": {"b": ...}}
            name += "'"
        named[name or "theta"] = doubled(value)
    return named, lambda values: refilled(theta, iter(values.values()))


def flattened(values: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """What lies in dicts, lists and tuples, however deep, with names such as ``layer1.w`` or ``[0][1]``."""
    if isinstance(values, Mapping):
        for name, value in values.items():
            yield from flattened(value, f"{path}.{name}" if path else str(name))
    elif isinstance(values, tuple) and hasattr(values, "_fields"):
        yield from flattened(dict(zip(values._fields, values, strict=True)), path)
    elif isinstance(values, list | tuple) and are_pairs(values):
        yield from flattened(dict(values), path)
    elif isinstance(values, list | tuple):
        for place, value in enumerate(values):
            yield from flattened(value, f"{path}[{place}]")
    else:
        yield path, values


def refilled(values: Any, fresh: Iterator[Any]) -> Any:
    """The same containers with ``fresh`` in them, in the order of `flattened`."""
    if isinstance(values, Mapping):
        filled = {name: refilled(value, fresh) for name, value in values.items()}
        try:
            return filled if type(values) is dict else type(values)(filled)  # type: ignore[call-arg]
        except TypeError:
            return filled
    if isinstance(values, list | tuple) and are_pairs(values):
        return type(values)((name, refilled(value, fresh)) for name, value in values)
    if isinstance(values, tuple) and hasattr(values, "_fields"):
        return type(values)(*(refilled(value, fresh) for value in values))
    if isinstance(values, list | tuple):
        return type(values)(refilled(value, fresh) for value in values)
    return next(fresh)


def are_pairs(values: Any) -> bool:
    """Whether this is what named_parameters() gives: pairs of a name and a tensor."""
    return bool(values) and all(
        isinstance(each, tuple) and len(each) == 2 and isinstance(each[0], str) for each in values
    )


def can_move(value: Any) -> bool:
    return isinstance(value, Tensor) and value.is_floating_point() and value.numel() > 0


def read_params(values: Any, names: list[str]) -> Params:
    """The tensors in what somebody returned, by name; those of a list by their place."""
    if isinstance(values, nn.Module):
        values = dict(values.named_parameters())
    found = list(flattened(values))
    if (
        isinstance(values, list | tuple | Tensor)
        and not hasattr(values, "_fields")
        and len(found) == len(names)
    ):
        found = [(name, value) for name, (_, value) in zip(names, found, strict=True)]
    return {name or "[0]": value for name, value in found if isinstance(value, Tensor)}


def kind_of(value: Any) -> str:
    return "None" if value is None else f"of type {type(value).__name__}"
