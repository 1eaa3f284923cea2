"""What makes a run this run and no other: its settings, as JSON that is the same in every process.

The settings of a training run stand in functions: a rate in a closure, a number of steps in a partial, a constant in the
code of a lambda. `describe` writes them down, without addresses; `differences` says in words where two runs part.

    describe(partial(maml_gradient, net, squared_error, rule=sgd(0.1), steps=1))
    {"is": "partial", "function": "mlteach.outer.maml.maml_gradient", "net": {"is": "MLP", "sizes": [1, 40, 40, 1], ...},
     "rule": {"is": "Rule", "step": {"function": "mlteach.inner.sgd.sgd.<locals>.step", "alpha": 0.1}, ...}, "steps": 1}

Functions of this package and of other libraries stand by their names; a user's own by what they do, the constants in them
and the values they use. What is no setting is left out: the state of random generators, names with a leading underscore,
and what changed while the run went on (`settled`). A function may say itself what makes it: ``function.made_with``, a dict.
"""

import dataclasses
import dis
import enum
import functools
import hashlib
import inspect
import json
import os
import random
import re
import sys
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from types import BuiltinFunctionType, BuiltinMethodType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor

CODE = ("code", "constants")  # what another Python may compile in another way
MOVES = "changes while it trains"  # in the place of what is no setting
UNKNOWN = "cannot be told: "

FEW = 20  # so many values are written out; of more, a digest
DEPTH, PARTS = 16, 5_000  # no setting lies deeper, no run has more

_ADDRESS = re.compile(r"\b0x[0-9a-fA-F]{4,}")


Digests = dict[int, tuple[Tensor, int, str]]


def describe(value: Any, digests: Digests | None = None) -> Any:
    """``value`` as JSON: numbers, texts, lists and dicts. What cannot be described is a text that begins with UNKNOWN.

    digests: a dict kept between calls; a large tensor that has not changed since is not read again.
    """
    describer = _Describer({} if digests is None else digests)
    found = describer.of(value)
    if digests is not None:  # what is gone is not held on to
        digests.clear()
        digests.update(describer.fresh)
    return found


def unknown(description: Any, path: str = "") -> list[str]:
    """The names of what could not be described, such as "sample.drawn (generator)"."""
    if isinstance(description, dict):
        return [each for key, part in description.items() for each in unknown(part, _join(path, key))]
    if isinstance(description, list):
        return [each for k, part in enumerate(description) for each in unknown(part, f"{path}[{k}]")]
    if isinstance(description, str) and description.startswith(UNKNOWN):
        return [f"{path} ({description.removeprefix(UNKNOWN)})"]
    return []


def differences(
    theirs: Any, ours: Any, *, allowed: Collection[str] = (), code: bool = True, path: str = ""
) -> dict[str, str]:
    """Where two descriptions part: the name of each place, and what to say of it, "was 0, is now 0.1".

    allowed: names (and all below them) that may differ. code: whether to compare what functions do.
    """
    if any(path == name or path.startswith(f"{name}.") for name in allowed) or _untold(theirs, ours):
        return {}
    if isinstance(theirs, dict) and isinstance(ours, dict) and theirs.get("is") == ours.get("is"):
        if code and theirs.get("code") != ours.get("code") and theirs.keys() != ours.keys():
            return {path: "is another function now"}
        found: dict[str, str] = {}
        for key in theirs | ours:
            if code or key not in CODE:
                there, here = (each.get(key, _Missing()) for each in (theirs, ours))
                found |= differences(there, here, allowed=allowed, code=code, path=_join(path, key))
        return found
    if theirs == ours and type(theirs) is type(ours):
        return {}
    plain = (int, float)
    if type(theirs) in plain and type(ours) in plain and theirs == ours:
        return {}
    return {
        path: "is not what it was"
        if path.endswith(".code")
        else f"was {_short(theirs)}, is now {_short(ours)}"
    }


def settled(before: Any, after: Any) -> Any:
    """``before`` with MOVES in the place of all that is another by now: a memory, a counter, but no setting."""
    if before == after or before == MOVES:
        return before
    if isinstance(before, dict) and isinstance(after, dict) and before.get("is") == after.get("is"):
        if before.keys() == after.keys() or "is" in before:
            return {k: settled(before[k], after.get(k)) if k in before else MOVES for k in before | after}
    return MOVES


def moving_too(theirs: Any, ours: Any) -> Any:
    """``ours`` with MOVES wherever ``theirs`` has it."""
    if theirs == MOVES:
        return MOVES
    if isinstance(theirs, dict) and isinstance(ours, dict):
        return {key: moving_too(theirs.get(key), part) for key, part in ours.items()}
    return ours


class _Missing:
    def __repr__(self) -> str:
        return "missing"


def _untold(*parts: Any) -> bool:
    return any(isinstance(each, str) and (each == MOVES or each.startswith(UNKNOWN)) for each in parts)


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _short(value: Any) -> str:
    """As it stands in a sentence."""
    if isinstance(value, dict) and "is" in value:
        return repr(value["is"])
    if isinstance(value, dict) and "code" in value:
        return "another function"
    text = repr(value)
    return text if len(text) < 200 else f"{text[:200]}..."


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


@functools.cache
def _is_library(module: str | None) -> bool:
    """Whether a module is installed (Python's own, this package, site-packages) and so known by its name alone."""
    if not module or (top := module.split(".")[0]) == "__main__":
        return False
    if top in sys.stdlib_module_names or top == "mlteach":
        return True
    file = getattr(sys.modules.get(top), "__file__", None) or ""
    return any(each in file for each in ("site-packages", "dist-packages"))


class _Describer:
    """One description: what it is inside of just now, and how many parts it has seen."""

    def __init__(self, digests: Digests) -> None:
        self.digests, self.fresh = digests, Digests()
        self.within: list[int] = []
        self.asked: list[set[str]] = []  # the attributes that the functions it is inside of name
        self.parts = 0

    def of(self, value: Any) -> Any:
        if value is None or isinstance(value, bool | str):
            return value
        if isinstance(value, enum.Enum):
            return f"{value} = {json.dumps(self.of(value.value))}"
        if isinstance(value, int | float | np.number | np.bool_):
            number = value.item() if isinstance(value, np.generic) else value
            finite = not isinstance(number, float) or abs(number) < float("inf")
            return number if finite and not isinstance(number, complex) else repr(number)
        if isinstance(value, Tensor):
            return self.tensor(value)
        if isinstance(value, np.ndarray) and value.dtype != object:
            return f"array {value.dtype} {list(value.shape)} {_digest(np.ascontiguousarray(value).tobytes())}"
        if isinstance(value, torch.Generator):
            return f"a generator on {value.device}"  # its state moves with every step, and a checkpoint keeps the run's
        if isinstance(value, random.Random | np.random.Generator | np.random.RandomState):
            return f"a {type(value).__qualname__}"
        if isinstance(value, bytes | bytearray):
            return f"bytes {_digest(bytes(value))}"
        if isinstance(value, complex | range | slice | torch.dtype | torch.device | torch.Size | os.PathLike):
            return str(value)
        if id(value) in self.within:
            return "itself"
        self.parts += 1
        if len(self.within) >= DEPTH or self.parts > PARTS:
            return f"{UNKNOWN}{type(value).__qualname__}"
        self.within.append(id(value))
        try:
            return self.made(value)
        finally:
            self.within.pop()

    def made(self, value: Any) -> Any:
        """What is made of parts."""
        if isinstance(made_with := getattr(value, "made_with", None), dict):
            return {"is": _name(value)} | self.entries(made_with)
        if isinstance(value, functools.partial):
            return self.partial(value)
        if isinstance(value, MethodType):
            return self.method(value)
        if isinstance(value, FunctionType):
            return self.function(value)
        if isinstance(value, BuiltinFunctionType | BuiltinMethodType):
            owner = value.__self__
            at = {} if owner is None or isinstance(owner, ModuleType | type) else {"of": self.of(owner)}
            return {"function": _name(value), **at} if at else _name(value)
        if isinstance(value, type | ModuleType):
            return self.named(value)
        if isinstance(value, tuple) and hasattr(value, "_fields"):
            return {"is": type(value).__qualname__} | self.entries(
                dict(zip(value._fields, value, strict=True))
            )
        if isinstance(value, list | tuple):
            return self.few([self.of(each) for each in value])
        if isinstance(value, set | frozenset):
            return self.few(sorted((self.of(each) for each in value), key=json.dumps))
        if isinstance(value, Mapping):
            factory = getattr(value, "default_factory", None)
            return self.entries(value) | ({"default_factory": self.of(factory)} if factory else {})
        return self.object(value)

    def few(self, parts: list[Any]) -> Any:
        """A list, or of a long one its length and a digest."""
        if len(parts) <= FEW or unknown(parts):
            return parts
        return f"{len(parts)} values {_digest(json.dumps(parts).encode())}"

    def entries(self, mapping: Mapping[Any, Any]) -> dict[str, Any]:
        return {_key(key): self.of(part) for key, part in mapping.items()}

    def tensor(self, value: Tensor) -> str:
        kind = str(value.dtype).removeprefix("torch.")
        try:
            if value.numel() <= 4:
                return f"tensor {kind} {value.detach().cpu().tolist()}"
            version = 0 if value.is_inference() else value._version  # counts the changes in place
            known = self.digests.get(id(value))
            if known is None or known[0] is not value or known[1] != version:
                flat = value.detach().cpu().resolve_conj().contiguous().reshape(-1)
                digest = _digest(flat.view(torch.uint8).numpy().tobytes())
                known = value, version, digest
            self.fresh[id(value)] = known
            return f"tensor {kind} {list(value.shape)} {known[2]}"
        except (RuntimeError, NotImplementedError, TypeError):  # sparse, without memory, inside a transform
            return f"{UNKNOWN}tensor {kind} {list(value.shape)}"

    def partial(self, value: functools.partial) -> dict[str, Any]:
        try:  # by the names of the parameters, in the order of the signature
            given = inspect.signature(value.func).bind_partial(*value.args, **value.keywords).arguments
        except (TypeError, ValueError):
            given = {f"argument {k + 1}": each for k, each in enumerate(value.args)} | value.keywords
        found = {"is": "partial", "function": self.of(value.func)}
        with self.asking(_asked(value.func)):  # it is these that the function works with
            return found | self.entries(given)

    def method(self, value: MethodType) -> Any:
        found = self.of(value.__func__)
        named = {"function": found} if isinstance(found, str) else found
        with self.asking(_asked(value)):
            return named | {"self": self.of(value.__self__)}

    @contextmanager
    def asking(self, attributes: set[str]) -> Iterator[None]:
        """Whatever is described within may be asked for these attributes."""
        self.asked.append(attributes)
        try:
            yield
        finally:
            self.asked.pop()

    def called(self, kind: type) -> dict[str, Any]:
        """The methods and properties of a user's own class that may be called: by name, by an operator, and by each other."""
        found: dict[str, Any] = {}
        asked = {"__call__", "forward", *_OPERATORS}.union(*self.asked)
        while names := sorted(name for name in asked - found.keys() if _function_in(kind, name)):
            for name in names:
                function = _function_in(kind, name)
                assert function is not None
                asked |= _asked(function)
                with self.asking(asked):
                    found[name] = self.of(function)
        return found

    def function(self, value: FunctionType) -> Any:
        """By its name where it is a library's; else what it does, and the values it uses."""
        inside: dict[str, Any] = {}
        for name, cell in zip(value.__code__.co_freevars, value.__closure__ or (), strict=True):
            try:
                inside[name] = cell.cell_contents
            except ValueError:  # not yet filled
                continue
        if _is_library(module := value.__globals__.get("__name__")):
            name = f"{module}.{value.__code__.co_qualname}"
            if wrapped := getattr(
                value, "__wrapped__", None
            ):  # torch.func.grad, torch.no_grad, torch.compile, ...
                plain = {n: part for n, part in inside.items() if _is_plain(part)}
                return {"function": name, "wraps": self.of(wrapped)} | self.entries(plain)
            return {"function": name} | self.entries(inside) if inside else name
        defaults = {
            name: each.default
            for name, each in inspect.signature(value).parameters.items()
            if each.default is not inspect.Parameter.empty
        }
        does, constants, names, attributes = _read(value.__code__)
        found: dict[str, Any] = {
            "code": _digest(does.encode()),
            "constants": [self.of(each) for each in constants],
        }
        with self.asking(attributes):
            used = {name: value.__globals__[name] for name in names if name in value.__globals__}
            return found | self.entries(defaults | inside | vars(value) | used)

    def named(self, value: type | ModuleType) -> Any:
        """By its name; a user's own module or class also by what the functions around it may be asking for."""
        module = value.__module__ if isinstance(value, type) else value.__name__
        if _is_library(module):
            return _name(value)
        if isinstance(value, enum.EnumMeta):
            members: dict[str, Any] = dict(value.__members__)
            return {"name": _name(value)} | self.entries({name: each.value for name, each in members.items()})
        asked = set().union(*self.asked)
        if isinstance(value, ModuleType):
            parts = {name: vars(value)[name] for name in asked if name in vars(value)}
            return {"name": _name(value)} | self.entries(parts) if parts else _name(value)
        shared = {
            name: part
            for each in reversed(value.__mro__)
            for name, part in vars(each).items()
            if name in asked
        }
        parts = {
            name: part for name, part in shared.items() if _is_data(name, part) or isinstance(part, type)
        }
        found = self.entries(parts) | self.called(value)
        if self.asked and (begin := _function_in(value, "__init__")):  # it may be made anew
            found["__init__"] = self.of(begin)
        return {"name": _name(value)} | found if found else _name(value)

    def object(self, value: Any) -> Any:
        """Any other object: its type and its attributes. Of a library's the private ones are left out."""
        kind = type(value)
        own = not _is_library(kind.__module__)
        found: dict[str, Any] = {"is": kind.__qualname__}
        if isinstance(value, Iterator):  # what it will give cannot be seen
            return f"{UNKNOWN}{kind.__qualname__}"
        if callable(wrapped := getattr(value, "__wrapped__", None)):  # functools.cache
            return found | {"wraps": self.of(wrapped)}
        if own:
            found |= self.called(kind)
        parts = dict(getattr(value, "__dict__", {}))
        for each in kind.__mro__:
            slots = each.__dict__.get("__slots__", ())
            for name in [slots] if isinstance(slots, str) else slots:
                if hasattr(value, name):
                    parts[name] = getattr(value, name)
            if not _is_library(each.__module__):  # what all its objects share, if it is no method
                parts = {n: part for n, part in vars(each).items() if _is_data(n, part)} | parts
        if isinstance(value, torch.nn.Module):
            inside = {name: part for name, part in parts.items() if not name.startswith("_")}
            tensors = dict(value.named_parameters(recurse=False)) | dict(value.named_buffers(recurse=False))
            layers = dict(value.named_children())
            return found | {"layers": _digest(repr(value).encode())} | self.entries(inside | tensors | layers)
        if dataclasses.is_dataclass(value):
            parts = {each.name: getattr(value, each.name) for each in dataclasses.fields(value)} | (
                parts if own else {}
            )
        if parts or own or "__dict__" in dir(value):
            cached = {
                n
                for n in parts
                if isinstance(inspect.getattr_static(kind, n, None), functools.cached_property)
            }
            told = {
                n: part for n, part in parts.items() if n not in cached and (own or not n.startswith("_"))
            }
            if told or own:
                return found | self.entries(told)
        text = repr(value)
        return text if not _ADDRESS.search(text) and len(text) < 1000 else f"{UNKNOWN}{kind.__qualname__}"


def _is_data(name: str, part: Any) -> bool:
    """Whether an entry of a class is a value, and no method, property or the class's own affair."""
    return not (
        name.startswith("__") or name.startswith("_abc") or callable(part) or hasattr(part, "__get__")
    )


#: What Python calls without a name.
_OPERATORS = [
    f"__{name}__"
    for name in "getitem iter next len contains enter exit getattr getattribute add radd sub rsub mul rmul truediv rtruediv "
    "matmul pow neg abs bool float int lt le gt ge".split()
]


def _function_in(kind: type, name: str) -> FunctionType | None:
    """The function behind a method or a property of a class, if it is a user's own."""
    part: Any = inspect.getattr_static(kind, name, None)
    for attribute in (
        "__func__",
        "fget",
        "func",
    ):  # of a class method, of a property, of a cached or partial one
        part = getattr(part, attribute, part)
    return (
        part if isinstance(part, FunctionType) and not _is_library(part.__globals__.get("__name__")) else None
    )


def _asked(value: Any) -> set[str]:
    """The attributes that a function, a method or what a partial calls names."""
    while isinstance(value, functools.partial):
        value = value.func
    code = getattr(getattr(value, "__func__", value), "__code__", None)
    return _read(code)[3] if isinstance(code, CodeType) else set()


def _key(key: Any) -> str:
    return key if isinstance(key, str) else _name(key) if _ADDRESS.search(repr(key)) else repr(key)


def _name(value: Any) -> str:
    if isinstance(value, ModuleType):
        return value.__name__
    name = getattr(value, "__qualname__", None) or type(value).__qualname__
    module = getattr(value, "__module__", None)
    return f"{module}.{name}" if module and _is_library(module) and module != "builtins" else name


def _is_plain(value: Any) -> bool:
    """Whether it is a number, a text, nothing, or a tuple of such."""
    if isinstance(value, tuple):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, bool | int | float | str)


def _read(
    code: CodeType, cells: Mapping[str, str] | None = None
) -> tuple[str, list[Any], list[str], set[str]]:
    """What a function does, without its constants; these; the globals and the attributes it names. Functions in it too.

    cells: the local variables of the functions around it that it may use; what they are called is no setting.
    """
    cells = cells or {}
    within = {**cells, **{name: f"{len(cells)}.{k}" for k, name in enumerate(code.co_cellvars)}}
    does: list[str] = []
    constants: list[Any] = []
    names: list[str] = []
    attributes: set[str] = set()
    for each in dis.get_instructions(code):
        if isinstance(each.argval, CodeType):
            inner = _read(each.argval, within)
            does.append(f"({inner[0]})")
            constants += inner[1]
            names += inner[2]
            attributes |= inner[3]
        elif each.opname in ("LOAD_CONST", "RETURN_CONST", "LOAD_SMALL_INT"):
            does.append("constant")
            if each.argval is not None:
                constants.append(each.argval)
        else:
            if each.opname == "KW_NAMES":
                which: Any = code.co_consts[each.arg or 0]
            elif each.opcode in dis.hasjrel or each.opcode in dis.hasjabs:
                which = each.argval - each.offset
            elif each.opcode in dis.hasfree and each.argval in code.co_freevars:
                which = cells.get(each.argval, each.argval)  # a setting has its name
            else:
                which = each.argrepr if each.opcode in (*dis.hasname, *dis.hascompare) else each.arg
            does.append(f"{each.opname} {which}")
            if each.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
                names.append(each.argval)
            elif each.opcode in dis.hasname:
                attributes.add(each.argval)
    return "\n".join(does), constants, list(dict.fromkeys(names)), attributes
