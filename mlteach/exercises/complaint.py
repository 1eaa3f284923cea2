"""A learner's exception as one sentence, with the line of their code, in words that say what to do."""

import linecache
import re
import traceback
from types import CodeType
from typing import Any

from mlteach.exercises.trial import Probe

# Where a message is matched, what is said instead; groups are put in. First come, first served.
TRANSLATIONS: tuple[tuple[type[BaseException], str, str], ...] = (
    (NameError, r"name '(.+?)' is not defined(?:. Did you mean: '(.+?)')?",
     "there is nothing called `{0}` here: a slip of the pen, or one of the inputs by another name"),
    (UnboundLocalError, r"local variable '(.+?)'", "`{0}` is read before anything is put into it"),
    (ZeroDivisionError, r"", "it divides by zero"),
    (RecursionError, r"", "the function calls itself without end"),
    (RuntimeError, r"element 0 of tensors does not require grad",
     "what is differentiated has no way back to an input: `.detach()`, `.data`, `.item()`, `torch.tensor(...)` or "
     "`torch.no_grad()` cut it, or an earlier gradient was taken without create_graph=True"),
    (RuntimeError, r"backward through the graph a second time|saved intermediate values of the graph have already",
     "the way back was used up by the first derivative. create_graph=True (or retain_graph=True) keeps it"),
    (RuntimeError, r"One of the differentiated Tensors.*not.*used in the graph",
     "one of the tensors by which is differentiated has no part in the result: a copy, a `.detach()` or a fresh tensor "
     "stands in its place"),
    (RuntimeError, r"[Oo]ne of the differentiated Tensors does not require grad",
     "it differentiates by a tensor that needs no gradient: by a copy, or by one that was detached"),
    (RuntimeError, r"grad can be implicitly created only for scalar outputs",
     "only a single number can be differentiated: sum it or take its mean first"),
    (RuntimeError, r"a leaf Variable that requires grad is being used in an in-place operation",
     "an input that needs a gradient is changed in place. Build a new tensor: `x = x - ...` in place of `x -= ...`"),
    (RuntimeError, r"a view of a leaf Variable that requires grad is being used in an in-place",
     "a part of an input that needs a gradient is changed in place. Build a new tensor and return it"),
    (RuntimeError, r"modified by an inplace operation",
     "a tensor that the way back still needs was changed in place (`-=`, `mul_`, `x[...] = `). Build a new one"),
    (RuntimeError, r"[Cc]an't call numpy\(\) on Tensor that requires grad",
     "numpy knows no gradients, so `.numpy()` cuts the way back. Stay with torch"),
    (RuntimeError, r"appears to not have been used in the graph|appear to not have been used",
     "it differentiates by something that has no part in the result: another tensor, a copy, or a `.detach()` of it"),
    (RuntimeError, r"Tensors must have same number of dimensions: got (\d+) and (\d+)",
     "tensors with {0} and with {1} axes are put together: give the smaller one an axis, as in x[:, None]"),
    (RuntimeError, r"upper bound and lower bound inconsistent", "a range ends before it begins"),
    (RuntimeError, r"bitwise_xor", "`^` is not a power in Python: write `**`"),
    (TypeError, r"unsupported operand type\(s\) for \^", "`^` is not a power in Python: write `**`"),
    (TypeError, r"len\(\) of a 0-d tensor|iteration over a 0-d tensor", "a single number has no length and no entries"),
    (TypeError, r"got an unexpected keyword argument '(\w+)'", "a function is called with `{0}=`, which it does not know"),
    (TypeError, r"only integer tensors of a single element can be converted to an index|list indices must be integers|tuple indices must be",
     "a list or a tuple is indexed with something that is no whole number: is it to be a dict or a tensor?"),
    (TypeError, r"'(?:function|method|builtin_function_or_method)' object is not iterable",
     "a function stands where its result is needed: ( ) is missing, the call"),
    (TypeError, r"'([\w.]+)' object is not iterable", "a single `{0}` stands where a tensor, or several values, are needed"),
    (RuntimeError, r"linalg\.matrix_norm: dim must be a 2-tuple",
     "`.norm` measures along one axis or two. Flatten the others into one first, or take torch.linalg.vector_norm"),
    (RuntimeError, r"mat1 and mat2 shapes cannot be multiplied \((\d+x\d+) and (\d+x\d+)\)",
     "shapes {0} and {1} do not multiply: the inner two numbers must be equal"),
    (RuntimeError, r"size mismatch, got (?:input|output) \((\d+)\), mat \((\d+x\d+)\), vec \((\d+)\)",
     "a matrix of shape {1} does not multiply a vector of {2}: the matrix's second number must be the vector's length"),
    (RuntimeError, r"inconsistent tensor size, expected tensor \[(\d+)\] and src \[(\d+)\]",
     "two vectors of lengths {0} and {1} have no inner product"),
    (RuntimeError, r"The size of tensor a \((\d+)\) must match the size of tensor b \((\d+)\) at non-singleton dimension (\d+)",
     "two tensors do not fit entry by entry: one has {0} entries along axis {2}, the other {1}"),
    (RuntimeError, r"Sizes of tensors must match except in dimension (\d+)",
     "tensors of unlike shapes are put together along axis {0}"),
    (RuntimeError, r"stack expects each tensor to be equal size, but got (\[.*?\]) at entry 0 and (\[.*?\])",
     "tensors of unlike shapes, {0} and {1}, are stacked"),
    (RuntimeError, r"shape '(\[.*?\])' is invalid for input of size (\d+)", "{1} numbers do not fill the shape {0}"),
    (RuntimeError, r"[Ii]ndex put requires the source and destination dtypes match, got (\w+).*? and (\w+)",
     "numbers of one type are put into a tensor of another ({0}, {1}): make new tensors with dtype=x.dtype"),
    (RuntimeError, r"zero-dimensional tensor .*cannot be concatenated", "single numbers are put together by torch.stack, not by cat"),
    (RuntimeError, r"1D tensors expected, but got (\d)D and (\d)D",
     "an inner product of two vectors is asked of tensors with {0} and {1} axes"),
    (RuntimeError, r"both arguments to matmul need to be at least 1D",
     "`@` is asked of a single number: multiply by it with `*`"),
    (RuntimeError, r"expanded size of the tensor \((\d+)\) must match the existing size \((\d+)\)",
     "{1} numbers do not fit where {0} are"),
    (RuntimeError, r"output with shape (\[.*?\]) doesn't match the broadcast shape (\[.*?\])",
     "a tensor of shape {0} cannot take in, in place, what has the shape {1}"),
    (RuntimeError, r"could not infer output dtype|only supports? floating|[Ii]nput dtype must be either a floating",
     "whole numbers have no mean and no spread: `.double()` first"),
    (RuntimeError, r"result type (\w+) can't be cast to the desired output type (\w+)",
     "numbers of type {0} do not fit into a tensor of type {1}"),
    (RuntimeError, r"Only Tensors of floating point.*can require gradients", "only floating-point numbers can have gradients"),
    (RuntimeError, r"grad requires non-empty inputs", "there is nothing to differentiate by: the list of inputs is empty"),
    (RuntimeError, r"Trying to create tensor with negative dimension", "a tensor of negative length is asked for"),
    (RuntimeError, r"expected scalar type (\w+) but found (\w+)|expected m1 and m2 to have the same dtype|same dtype",
     "two types of numbers meet, such as float32 and float64: make new tensors with dtype=x.dtype"),
    (RuntimeError, r"Boolean value of Tensor with more than one value is ambiguous",
     "an `if` (or `and`, `max`) asks a tensor of several numbers for one yes or no. Use torch.where"),
    (RuntimeError, r"only one element tensors can be converted|a Tensor with \d+ elements cannot be converted to Scalar",
     "a tensor of several numbers is made into one number (`float`, `.item()`, `math....`). Use torch's function"),
    (IndexError, r"Dimension out of range \(expected to be in range of \[(-?\d+), (-?\d+)\], but got (-?\d+)\)",
     "there is no axis {2}: the tensor's axes are {0} to {1}"),
    (IndexError, r"too many indices for tensor of dimension (\d+)", "more indices than the {0} axes the tensor has"),
    (IndexError, r"invalid index of a 0-dim tensor", "a single number has no entries to pick"),
    (IndexError, r"index (-?\d+) is out of bounds for dimension (\d+) with size (\d+)",
     "there is no entry {0} along axis {1}, which has {2} (counted from 0)"),
    (IndexError, r"(list|tuple) index out of range", "the {0} has no entry of that number"),
    (IndexError, r"tensors used as indices must be long", "indices must be whole numbers: torch.long"),
    (KeyError, r"'?(.+?)'?$", "there is no `{0}` in the dict"),
    (ValueError, r"only one element tensors can be converted to Python scalars",
     "a tensor of several numbers is made into one number (`float`, `.item()`, `math....`). Use torch's function"),
    (ValueError, r"not enough values to unpack \(expected (?:at least )?(\d+), got (\d+)\)",
     "{0} values are to be taken out of {1}"),
    (ValueError, r"too many values to unpack \(expected (\d+)", "more than {0} values come where {0} are to be taken out"),
    (ValueError, r"math domain error|expected a (?:non)?negative input|expected a positive input",
     "a logarithm or a root of a number below zero (or a logarithm of zero) is asked for"),
    (OverflowError, r"", "a number grows too large to be kept"),
    (TypeError, r"cannot unpack non-iterable (\w+) object", "several values are to be taken out of a single `{0}`"),
    (TypeError, r"missing (\d+) required positional arguments?: (.*)", "a call leaves out {1}"),
    (TypeError, r"takes (?:from )?(\d+).* positional arguments? but (\d+) (?:was|were) given",
     "a function that takes {0} values is called with {1}"),
    (TypeError, r"'(\w+)' object is not callable", "something that is no function but a `{0}` is called with ( )"),
    (TypeError, r"'(?:builtin_function_or_method|method|function)' object is not subscriptable",
     "a function is indexed with [ ] before it is called: ( ) is missing"),
    (TypeError, r"'(\w+)' object is not subscriptable", "a `{0}` has no entries to pick"),
    (TypeError, r"unsupported operand type\(s\) for (.+?): 'NoneType' and|unsupported operand type\(s\) for (.+?): '\w+' and 'NoneType'",
     "one side of the sum or product is None: a function without `return`, or a `.grad` that was never filled"),
    (TypeError, r"can't multiply sequence by non-int|unsupported operand type\(s\) for (.+?): '(list|tuple|dict)' and '(\w+)'",
     "arithmetic is done with a list, a tuple, a dict or a text (a name, and not what stands under it?). Take the tensors out one by one, or make one tensor of them"),
    (TypeError, r"unsupported operand type\(s\) for (.+?): '(\w+)' and '(list|tuple|dict|function|builtin_function_or_method)'",
     "arithmetic is done with a `{2}`. Take the tensors out one by one, or call the function"),
    (TypeError, r"unsupported operand type\(s\) for (.+?): '(\w+)' and '(\w+)'", "`{0}` does not go between a `{1}` and a `{2}`"),
    (TypeError, r"'(\w+)' object does not support item assignment", "nothing can be put into a `{0}`: make a new one"),
    (TypeError, r"invalid data type 'str'", "a text stands where numbers are needed"),
    (TypeError, r"must be (?:a )?Tensor,? not (\w+)|argument '\w+' \(position \d+\) must be Tensor, not (\w+)|must be tuple of Tensors, not (\w+)",
     "torch is given a plain number or list where it needs a tensor: torch.stack or torch.tensor makes one, or use math"),
    (TypeError, r"expected Tensor as element (\d+) in argument \d+, but got (\w+)",
     "a `{1}` stands among tensors that are put together"),
    (TypeError, r"must be real number, not (\w+)|must be a real number, not (\w+)", "a number is needed where something else stands"),
    (AttributeError, r"'(?:float|int)' object has no attribute '(\w+)'",
     "`.{0}` is asked of a plain number; only tensors have it"),
    (AttributeError, r"'NoneType' object has no attribute '(\w+)'",
     "`.{0}` is asked of None: a function without `return`, or a `.grad` that was never filled"),
    (AttributeError, r"'(\w+)' object has no attribute '(\w+)'", "a `{0}` has no `.{1}`"),
    (AttributeError, r"module '([\w.]+)' has no attribute '(\w+)'", "`{0}` has no `{1}`"),
)  # fmt: skip


def complaint(error: BaseException, answer: Any) -> tuple[str, bool]:
    """What stopped the answer: one clause with the learner's own line, and whether it was put into our words."""
    message = " ".join(str(error).split())
    line = _line(error, answer)
    where = f"stops at `{line}`: " if line else "stops: "
    for kind, pattern, words in TRANSLATIONS:
        if isinstance(error, kind) and (found := re.search(pattern, message)):
            groups = [group or "" for group in found.groups()]
            return f"{where}{words.format(*groups, '', '', '', '')} ({type(error).__name__}).", True
    said = shortened(message or "no message", 160)
    return f"{where}{type(error).__name__}: {said}{'' if said.endswith(('.', '!', '?')) else '.'}", False


def is_own(error: BaseException) -> bool:
    """Whether the error came out of the learner's code, not out of what was done with its result."""
    return any(frame.f_code is Probe.__call__.__code__ for frame, _ in traceback.walk_tb(error.__traceback__))


def _code(answer: Any) -> CodeType | None:
    inner = getattr(answer, "__wrapped__", answer)
    inner = getattr(inner, "__func__", getattr(inner, "func", inner))
    return getattr(inner, "__code__", None)


def _line(error: BaseException, answer: Any) -> str:
    """The last line of the learner's own code on the way to the error."""
    code = _code(answer)
    if code is None:
        return ""
    frames = list(traceback.walk_tb(error.__traceback__))
    began = [k for k, (frame, _) in enumerate(frames) if frame.f_code is Probe.__call__.__code__]
    frames = frames[began[-1] :] if began else frames
    lines = [line for frame, line in frames if frame.f_code.co_filename == code.co_filename]
    return shortened(linecache.getline(code.co_filename, lines[-1]).strip(), 90) if lines else ""


def shortened(text: str, most: int) -> str:
    """At most ``most`` characters, never cut inside a word."""
    if len(text) <= most:
        return text
    kept = text[: most + 1].rsplit(" ", 1)[0]
    return f"{kept[:most].rstrip(',;: ')} ..."
