"""What is_it_maml does while somebody else's code runs: float64 throughout, and an eye on every inner gradient.

Nothing is patched. A `TorchFunctionMode` sees each call of PyTorch on its way, with `torch.autograd.grad`, `.backward()` and
every reading of `.grad` among them.
"""

import contextlib
import inspect
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode


class Seen(NamedTuple):
    """One look at an inner gradient.

    given: the numbers. inputs: the id and shape of each input they belong to (none for ``.grad``).
    batches: for each of ``given`` the axes that `torch.vmap` hides from the code, as (axis, level), the outermost first.
    """

    given: tuple[Tensor | None, ...]
    inputs: tuple[tuple[int, torch.Size], ...]
    batches: tuple[tuple[tuple[int, int], ...], ...]


_NORM = inspect.signature(torch.nn.functional.batch_norm)
_C: Any = torch._C._functorch
NARROW = (torch.float32, torch.float16, torch.bfloat16)
_READ_GRAD: Any = torch.Tensor.grad.__get__  # type: ignore[union-attr]
_SET_DATA: Any = torch.Tensor.data.__set__  # type: ignore[attr-defined]
_BACKWARDS = (torch.Tensor.backward, torch.autograd.backward)


class ReplayError(Exception):
    """The code took another path than before, so noted gradients do not fit."""


class Watch(TorchFunctionMode):
    """Notes every inner gradient; with ``replay`` it gives back the noted ones instead: constants, whatever theta is.

    only: positions in what `torch.autograd.grad` returns; the others are computed as ever. None: all.
    cut: compute inner gradients, and let them forget what they were computed from.
    """

    def __init__(
        self, replay: list[Seen] | None = None, only: frozenset[int] | None = None, cut: bool = False
    ) -> None:
        super().__init__()
        self.replay, self.only, self.cut = replay, only, cut
        self.seen: list[Seen] = []
        self.copied_in = False  # numbers were written into an nn.Parameter, as load_state_dict does
        self.backwards = False  # there was a backward()
        self._gathered = False  # a batch norm has updated its running statistics
        self.normed_by_gathered = False  # and then one has normalised by such

    def __exit__(self, *exception: Any) -> None:
        super().__exit__(*exception)
        if self.replay is None:
            self.seen = [
                each._replace(given=tuple(g if g is None else g.detach().clone() for g in each.given))
                for each in self.seen
            ]

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if func is torch.autograd.grad:
            inputs = args[1] if len(args) > 1 else kwargs["inputs"]
            return self._gradients(
                lambda: func(*args, **kwargs), tuple((id(each), each.shape) for each in _several(inputs))
            )
        if func == _READ_GRAD:
            return self._gradients(lambda: (func(*args, **kwargs),), (), read=True)[0]
        if func in _BACKWARDS:
            self.backwards = True
            return func(*args, **kwargs) if self.replay is None or self.only is not None else None
        if func is torch.Tensor.copy_ or (func == _SET_DATA and args[0].data_ptr() != args[1].data_ptr()):
            self.copied_in |= isinstance(args[0], torch.nn.Parameter) or not args[0].requires_grad
        if func is torch.nn.functional.batch_norm:
            given = _NORM.bind(*args, **kwargs).arguments
            training = given.get("training", False)
            self._gathered |= training and given["running_mean"] is not None
            self.normed_by_gathered |= self._gathered and not training
        return _in_double(func, args, kwargs)

    def _gradients(
        self, compute: Callable[[], Any], inputs: tuple[tuple[int, torch.Size], ...], read: bool = False
    ) -> Any:
        if self.replay is None:
            found = compute()
            several = _several(found)
            batches = tuple(() if each is None else _bare(each)[1] for each in several)
            self.seen.append(Seen(tuple(map(_noted, several)), inputs, batches))
            if not self.cut:
                return found
            # in place on what was read is in place on .grad itself, so no copy here
            return tuple(
                each if each is None else _shaped(_batched(_bare(each)[0].detach(), hidden), each.shape)
                for each, hidden in zip(several, batches, strict=True)
            )
        if len(self.seen) >= len(self.replay):
            raise ReplayError
        noted = self.replay[len(self.seen)]
        self.seen.append(noted._replace(inputs=inputs))
        if [shape for _, shape in noted.inputs] != [shape for _, shape in inputs]:
            raise ReplayError
        constant = [
            None if g is None else _batched(g.clone(), hidden)
            for g, hidden in zip(noted.given, noted.batches, strict=True)
        ]
        if not read:
            constant = [
                None if g is None else _shaped(g, shape)
                for g, (_, shape) in zip(constant, inputs, strict=True)
            ]
        if self.only is None:
            return tuple(constant)
        found = compute()
        if read:
            return found
        return tuple(
            old if place in self.only and old is not None else new
            for place, (old, new) in enumerate(zip(constant, found, strict=True))
        )


def _several(given: Any) -> tuple[Any, ...]:
    return (given,) if isinstance(given, Tensor) or given is None else tuple(given)


def _bare(value: Tensor) -> tuple[Tensor, tuple[tuple[int, int], ...]]:
    """Out of all wrappers of `torch.func`, and the axes that `torch.vmap` had hidden."""
    hidden = []
    while _C.is_functorch_wrapped_tensor(value):
        if _C.is_batchedtensor(value):
            hidden.append((_C.maybe_get_bdim(value), _C.maybe_get_level(value)))
        value = _C.get_unwrapped(value)
    return value, tuple(hidden)


def _shaped(value: Tensor, shape: torch.Size) -> Tensor:
    return value if value.shape == shape else value.reshape(shape)


def _batched(value: Tensor, hidden: tuple[tuple[int, int], ...]) -> Tensor:
    """Hide the axes again, at the levels where they were."""
    for axis, level in reversed(hidden):
        value = _C._add_batch_dim(value, axis, level)
    return value


def _noted(value: Tensor | None) -> Tensor | None:
    """The numbers as they are now. Out of the wrappers of `torch.func` they can only be copied when these are gone."""
    if value is None:
        return None
    bare, _ = _bare(value)
    return value.detach().clone() if bare is value else bare


def _in_double(func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Call ``func``; a narrower float that is asked for by name, or that meets a float64, becomes a float64."""
    if func is torch.Tensor.float or func is torch.Tensor.half or func is torch.Tensor.bfloat16:
        func = torch.Tensor.double
    args = tuple(map(_asked, args))
    kwargs = {name: _asked(value) for name, value in kwargs.items()}
    met = {each.dtype for each in _tensors((*args, *kwargs.values())) if each.is_floating_point()}
    if torch.float64 in met and len(met) > 1:
        name = getattr(func, "__name__", "")
        in_place = (name.endswith("_") and not name.startswith("__")) or name in ("__set__", "__setitem__")
        kept = 1 if in_place or name.startswith("__i") else 0
        args = args[:kept] + tuple(map(_widened, args[kept:]))
        kwargs = {name: value if name == "out" else _widened(value) for name, value in kwargs.items()}
    return func(*args, **kwargs)


def _asked(value: Any) -> Any:
    if isinstance(value, torch.dtype):
        return torch.float64 if value in NARROW else value
    if isinstance(value, torch.device | str):
        return home(value)
    return value


def home(device: Any) -> Any:
    """Where to judge what lives on ``device``: Apple's GPUs have no float64, so on the CPU; else where it is."""
    return torch.device("cpu") if str(device).partition(":")[0] == "mps" else device


def _tensors(values: Any) -> Iterator[Tensor]:
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, list | tuple):
            yield from _tensors(value)


def _widened(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value.to(home(value.device), torch.float64) if value.dtype in NARROW else value
    if type(value) in (list, tuple):
        return type(value)(map(_widened, value))
    return value


@contextlib.contextmanager
def double_precision(device: torch.device) -> Iterator[None]:
    """New tensors are float64, gradients are on, random draws leave no trace; all put back whatever happens."""
    before = torch.get_default_dtype()
    numbers = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=numbers), torch.inference_mode(False), torch.enable_grad():
        torch.set_default_dtype(torch.float64)
        try:
            yield
        finally:
            torch.set_default_dtype(before)


def doubled(value: Any) -> Any:
    """A float64 copy of a tensor, or of the tensors in lists, tuples and dicts; anything else as it is."""
    if isinstance(value, Tensor):
        value = value.detach().to(home(value.device))
        return value.to(torch.float64, copy=True) if value.is_floating_point() else value.clone()
    if isinstance(value, dict):
        return {name: doubled(each) for name, each in value.items()}
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*map(doubled, value))
    if isinstance(value, list | tuple):
        return type(value)(map(doubled, value))
    return value
