"""Answers to the exercises of lesson 20."""

from mlteach.exercises.bank import Bank

BANK = {
    "20.1": Bank(
        name="attend",
        base="""
def attend(tokens, context, Q, K, V, P):
    seen = tokens[..., :context, :]
    weights = (tokens @ Q.T) @ (seen @ K.T).mT / context
    return tokens + weights @ (seen @ V.T) @ P.T
""",
        wrong={
            "nothing added": ("return tokens + weights", "return weights"),
            "taken away": ("return tokens + weights", "return tokens - weights"),
            "sum": (" / context", ""),
            "by all tokens": (" / context", " / tokens.shape[-2]"),
            "everybody is looked at": ("seen = tokens[..., :context, :]", "seen = tokens"),
            "everybody, by their number": (
                ("seen = tokens[..., :context, :]", "seen = tokens"),
                (" / context", " / tokens.shape[-2]"),
            ),
            "Q and K swapped": ("(tokens @ Q.T) @ (seen @ K.T)", "(tokens @ K.T) @ (seen @ Q.T)"),
            "softmax": (" / context", "\n    weights = weights.softmax(-1)"),
            "softmax with a root": (
                " / context",
                " / tokens.shape[-1] ** 0.5\n    weights = weights.softmax(-1)",
            ),
            "softmax of the mean": ("    return", "    weights = weights.softmax(-1)\n    return"),
            "root of the width": (" / context", " / tokens.shape[-1] ** 0.5"),
            "mean and root": (" / context", " / context / tokens.shape[-1] ** 0.5"),
            "nothing transposed": (
                ("tokens @ Q.T", "tokens @ Q"),
                ("seen @ K.T", "seen @ K"),
                ("seen @ V.T", "seen @ V"),
                ("@ P.T", "@ P"),
            ),
            "Q from the other side": ("tokens @ Q.T", "tokens @ Q"),
            "K from the other side": ("seen @ K.T", "seen @ K"),
            "V from the other side": ("seen @ V.T", "seen @ V"),
            "P from the other side": ("@ P.T", "@ P"),
            "no P": (" @ P.T", ""),
            "no V": ("(seen @ V.T)", "seen"),
            "no Q": ("(tokens @ Q.T)", "tokens"),
            "no K": ("(seen @ K.T)", "seen"),
            "neither Q nor K": (("(tokens @ Q.T)", "tokens"), ("(seen @ K.T)", "seen")),
            "P and V swapped": (("seen @ V.T", "seen @ P.T"), (") @ P.T\n", ") @ V.T\n")),
            "only the questions": (
                "return tokens + weights @ (seen @ V.T) @ P.T",
                "return (tokens + weights @ (seen @ V.T) @ P.T)[..., context:, :]",
            ),
            "only the last slot": (
                "return tokens + weights @ (seen @ V.T) @ P.T",
                "return (tokens + weights @ (seen @ V.T) @ P.T)[..., -1]",
            ),
            "only the pairs": (
                "return tokens + weights @ (seen @ V.T) @ P.T",
                "return (tokens + weights @ (seen @ V.T) @ P.T)[..., :context, :]",
            ),
        },
        pitfalls=("nothing added", "sum", "everybody is looked at", "softmax", "Q from the other side"),
        right={
            "einsum": (
                "(tokens @ Q.T) @ (seen @ K.T).mT / context",
                "torch.einsum('...ia,...ja->...ij', tokens @ Q.T, seen @ K.T) / context",
            ),
            "mean at the end": (
                ("/ context", ""),
                ("weights @ (seen @ V.T) @ P.T", "weights @ (seen @ V.T) @ P.T / context"),
            ),
            "linear": ("(tokens @ Q.T)", "F.linear(tokens, Q)"),
            "transpose": (".mT", ".transpose(-1, -2)"),
            "products first": ("(seen @ V.T) @ P.T", "(seen @ (P @ V).T)"),
        },
    ),
    "20.2": Bank(
        name="step_weights",
        base="""
def step_weights(size, rate):
    compare = torch.eye(size + 1, dtype=torch.float64)
    compare[-1, -1] = 0
    V = torch.zeros(size + 1, size + 1, dtype=torch.float64)
    V[-1, -1] = -1
    P = rate * torch.eye(size + 1, dtype=torch.float64)
    return compare, compare, V, P
""",
        wrong={
            "V plus": ("V[-1, -1] = -1", "V[-1, -1] = 1"),
            "P minus": ("P = rate", "P = -rate"),
            "last slot compared": ("    compare[-1, -1] = 0\n", ""),
            "no rate": ("P = rate * ", "P = "),
            "rate twice": ("V[-1, -1] = -1", "V[-1, -1] = -rate"),
            "rate in Q and K": (("compare = torch", "compare = rate * torch"), ("P = rate * ", "P = ")),
            "rate everywhere": ("compare = torch", "compare = rate * torch"),
            "one over the rate": (
                "P = rate * torch.eye(size + 1, dtype=torch.float64)",
                "P = torch.eye(size + 1, dtype=torch.float64) / rate",
            ),
            "by the inputs": ("P = rate * ", "P = rate / size * "),
            "by the slots": ("P = rate * ", "P = rate / (size + 1) * "),
            "two": ("P = rate * ", "P = 2 * rate * "),
            "a half": ("P = rate * ", "P = rate / 2 * "),
            "V the identity": (
                "V = torch.zeros(size + 1, size + 1, dtype=torch.float64)\n    V[-1, -1] = -1",
                "V = torch.eye(size + 1, dtype=torch.float64)",
            ),
            "V minus the identity": (
                "V = torch.zeros(size + 1, size + 1, dtype=torch.float64)\n    V[-1, -1] = -1",
                "V = -torch.eye(size + 1, dtype=torch.float64)",
            ),
            "V moves inputs": (
                "V = torch.zeros(size + 1, size + 1, dtype=torch.float64)",
                "V = torch.eye(size + 1, dtype=torch.float64)",
            ),
            "V of the inputs": ("return compare, compare, V, P", "return compare, compare, compare, P"),
            "P drops the last slot": (
                "P = rate * torch.eye(size + 1, dtype=torch.float64)",
                "P = rate * compare",
            ),
            "V zero": ("    V[-1, -1] = -1\n", ""),
            "V in the first row": ("V[-1, -1]", "V[0, -1]"),
            "V in the first column": ("V[-1, -1]", "V[-1, 0]"),
            "V first": ("V[-1, -1]", "V[0, 0]"),
            "first slot dropped": ("compare[-1, -1]", "compare[0, 0]"),
            "V, K swapped": ("return compare, compare, V, P", "return compare, V, compare, P"),
            "V first of all": ("return compare, compare, V, P", "return V, compare, compare, P"),
        },
        pitfalls=("V plus", "last slot compared", "no rate", "V the identity", "V moves inputs"),
        right={
            "rate in V": (("V[-1, -1] = -1", "V[-1, -1] = -rate"), ("P = rate * ", "P = ")),
            "rate in Q": ("return compare, compare, V, P", "return rate * compare, compare, V, P / rate"),
            "two minuses": (("V[-1, -1] = -1", "V[-1, -1] = 1"), ("P = rate", "P = -rate")),
            "P of one entry": ("P = rate * torch.eye(size + 1, dtype=torch.float64)", "P = -rate * V"),
            "diag": (
                "compare = torch.eye(size + 1, dtype=torch.float64)\n    compare[-1, -1] = 0",
                "compare = torch.diag(torch.tensor([1.0] * size + [0.0], dtype=torch.float64))",
            ),
        },
    ),
    "20.3": Bank(
        name="foretold",
        base="""
def foretold(answer, x, y):
    errors = []
    for i in range(len(x) // 2, len(x)):
        said = answer(x[:i], y[:i], x[i:i + 1])
        errors.append((said - y[i:i + 1]).square().mean())
    return torch.stack(errors).mean()
""",
        wrong={
            "itself seen": ("answer(x[:i], y[:i],", "answer(x[:i + 1], y[:i + 1],"),
            "all seen": ("answer(x[:i], y[:i],", "answer(x, y,"),
            "all seen, all asked": (
                ("answer(x[:i], y[:i],", "answer(x, y,"),
                ("range(len(x) // 2, len(x))", "range(len(x))"),
            ),
            "after the first half": ("answer(x[:i], y[:i],", "answer(x[:len(x) // 2], y[:len(x) // 2],"),
            "from the second point": ("range(len(x) // 2, len(x))", "range(1, len(x))"),
            "from the third point": ("range(len(x) // 2, len(x))", "range(2, len(x))"),
            "the first half": ("range(len(x) // 2, len(x))", "range(1, len(x) // 2)"),
            "the last alone": ("range(len(x) // 2, len(x))", "range(len(x) - 1, len(x))"),
            "a point late": ("range(len(x) // 2, len(x))", "range(len(x) // 2 + 1, len(x))"),
            "a point early": ("range(len(x) // 2, len(x))", "range(len(x) // 2 - 1, len(x))"),
            "without the last": ("range(len(x) // 2, len(x))", "range(len(x) // 2, len(x) - 1)"),
            "the one before": ("answer(x[:i], y[:i],", "answer(x[i - 1:i], y[i - 1:i],"),
            "one less": ("answer(x[:i], y[:i],", "answer(x[:i - 1], y[:i - 1],"),
            "first left out": ("answer(x[:i], y[:i],", "answer(x[1:i], y[1:i],"),
            "absolute": (".square()", ".abs()"),
            "signed": (".square()", ""),
            "root": ("torch.stack(errors).mean()", "torch.stack(errors).mean().sqrt()"),
            "sum": ("torch.stack(errors).mean()", "torch.stack(errors).sum()"),
            "by all": ("torch.stack(errors).mean()", "torch.stack(errors).sum() / len(x)"),
            "one by one": ("torch.stack(errors).mean()", "torch.stack(errors)"),
            "worst": ("torch.stack(errors).mean()", "torch.stack(errors).max()"),
            "median": ("torch.stack(errors).mean()", "torch.stack(errors).median()"),
            "against the input": ("said - y[i:i + 1]", "said - x[i:i + 1]"),
            "against the point before": ("said - y[i:i + 1]", "said - y[i - 1:i]"),
            "no comparison": ("(said - y[i:i + 1])", "said"),
        },
        pitfalls=("itself seen", "all seen", "after the first half", "sum", "root"),
        right={
            "a sum and a count": ("torch.stack(errors).mean()", "sum(errors) / len(errors)"),
            "half by shape": ("range(len(x) // 2, len(x))", "range(x.shape[0] // 2, x.shape[0])"),
            "with index": ("(said - y[i:i + 1])", "(said[0] - y[i])"),
            "list": ("    errors = []\n", "    errors = list()\n"),
        },
    ),
}
