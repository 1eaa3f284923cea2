"""Answers to the exercises of lesson 19."""

from mlteach.exercises.bank import Bank

BANK = {
    "19.1": Bank(
        name="lookup",
        base="""
def lookup(question, keys, values, sharpness):
    fits = keys @ question
    shares = (sharpness * fits).softmax(0)
    return shares @ values
""",
        wrong={
            "no sharpness": ("sharpness * fits", "fits"),
            "divided": ("sharpness * fits", "fits / sharpness"),
            "sharp after": (("(sharpness * fits).softmax(0)", "sharpness * fits.softmax(0)"),),
            "to the power": ("(sharpness * fits).softmax(0)", "fits.softmax(0) ** sharpness"),
            "minus": ("sharpness * fits", "-sharpness * fits"),
            "best alone": ("return shares @ values", "return values[shares.argmax()]"),
            "no softmax": ("(sharpness * fits).softmax(0)", "sharpness * fits"),
            "exponentials": ("(sharpness * fits).softmax(0)", "(sharpness * fits).exp()"),
            "sigmoid": ("(sharpness * fits).softmax(0)", "torch.sigmoid(sharpness * fits)"),
            "by the sum": ("(sharpness * fits).softmax(0)", "sharpness * fits / (sharpness * fits).sum()"),
            "cosine": ("keys @ question", "F.cosine_similarity(keys, question[None], dim=-1)"),
            "distance": ("keys @ question", "(keys - question).square().sum(-1)"),
            "minus distance": ("keys @ question", "-(keys - question).square().sum(-1)"),
            "root of d": ("keys @ question", "keys @ question / keys.shape[1] ** 0.5"),
            "reads keys": ("shares @ values", "shares @ keys"),
            "the address": ("return shares @ values", "return shares"),
            "not summed": ("shares @ values", "shares[:, None] * values"),
            "wrong axis": ("shares @ values", "(shares[:, None] * values).sum(1)"),
            "mean of products": ("shares @ values", "(shares[:, None] * values).mean(0)"),
            "all alike": ("shares @ values", "values.mean(0)"),
            "softmax at the end": ("return shares @ values", "return (shares @ values).softmax(0)"),
            "detached": ("return shares @ values", "return (shares @ values).detach()"),
            "detached shares": ("return shares @", "return shares.detach() @"),
            "log softmax": (".softmax(0)", ".log_softmax(0)"),
        },
        pitfalls=("no sharpness", "sharp after", "best alone", "no softmax", "cosine", "reads keys"),
        right={
            "einsum": ("shares @ values", "torch.einsum('n,nv->v', shares, values)"),
            "by hand": ("(sharpness * fits).softmax(0)", "(sharpness * fits).exp() / (sharpness * fits).exp().sum()"),
            "sum of products": ("shares @ values", "(shares[:, None] * values).sum(0)"),
            "attention": """
def lookup(question, keys, values, sharpness):
    found = F.scaled_dot_product_attention(question[None], keys, values, scale=sharpness)
    return found[0]
""",
        },
    ),
    "19.2": Bank(
        name="write",
        base="""
def write(memory, vector, read, usage, gate):
    least = F.one_hot(usage.argmin(), len(usage)).to(memory.dtype)
    weights = gate * read + (1 - gate) * least
    wiped = memory * (1 - least)[:, None]
    return wiped + weights[:, None] * vector, weights
""",
        wrong={
            "most used": ("usage.argmin()", "usage.argmax()"),
            "last read": ("usage.argmin()", "read.argmin()"),
            "where read": ("usage.argmin()", "read.argmax()"),
            "gate turned": ("gate * read + (1 - gate) * least", "(1 - gate) * read + gate * least"),
            "no second share": ("(1 - gate) * least", "least"),
            "no first share": ("gate * read +", "read +"),
            "sum": ("gate * read + (1 - gate) * least", "read + least"),
            "least alone": ("gate * read + (1 - gate) * least", "least"),
            "read alone": ("gate * read + (1 - gate) * least", "read"),
            "hard gate": ("gate * read + (1 - gate) * least", "read if gate > 0.5 else least"),
            "sigmoid again": ("    weights =", "    gate = torch.sigmoid(gate)\n    weights ="),
            "usage in the weights": ("(1 - gate) * least", "(1 - gate) * usage"),
            "not wiped": ("wiped = memory * (1 - least)[:, None]", "wiped = memory"),
            "wiped after": (
                ("wiped = memory * (1 - least)[:, None]", "wiped = memory"),
                ("return wiped + weights[:, None] * vector,", "return (wiped + weights[:, None] * vector) * (1 - least)[:, None],"),
            ),
            "all wiped": ("memory * (1 - least)[:, None]", "memory * 0"),
            "all but least wiped": ("memory * (1 - least)[:, None]", "memory * least[:, None]"),
            "fades": ("memory * (1 - least)[:, None]", "memory * (1 - weights)[:, None]"),
            "to every row": ("weights[:, None] * vector", "vector"),
            "to the least alone": ("weights[:, None] * vector", "least[:, None] * vector"),
            "nothing written": ("return wiped + weights[:, None] * vector, weights", "return wiped, weights"),
            "subtracted": ("return wiped +", "return wiped -"),
            "turned": ("return wiped + weights[:, None] * vector, weights", "return weights, wiped + weights[:, None] * vector"),
            "memory alone": ("return wiped + weights[:, None] * vector, weights", "return wiped + weights[:, None] * vector"),
            "detached vector": ("weights[:, None] * vector", "weights[:, None] * vector.detach()"),
            "detached memory": ("wiped = memory", "wiped = memory.detach()"),
        },
        pitfalls=("most used", "gate turned", "not wiped", "wiped after", "least alone", "to every row"),
        right={
            "outer": ("weights[:, None] * vector", "torch.outer(weights, vector)"),
            "by index": """
def write(memory, vector, read, usage, gate):
    free = usage.argmin()
    weights = gate * read
    weights[free] = weights[free] + 1 - gate
    after = memory.clone()
    after[free] = 0
    return after + torch.outer(weights, vector), weights
""",
            "by where": ("memory * (1 - least)[:, None]", "torch.where(least[:, None] > 0, 0.0, memory)"),
        },
    ),
    "19.3": Bank(
        name="peeks",
        base="""
def peeks(answer, x, y, ways):
    before = answer(x, y)
    moved = []
    for t in range(len(y)):
        other = y.clone()
        other[t:] = (other[t:] + 1) % ways
        after = answer(x, other)
        moved.append((after[t] != before[t]).any())
    return torch.stack(moved).double().mean()
""",
        wrong={
            "later alone": ("other[t:] = (other[t:] + 1) % ways", "other[t + 1:] = (other[t + 1:] + 1) % ways"),
            "before": ("other[t:] = (other[t:] + 1) % ways", "other[:t] = (other[:t] + 1) % ways"),
            "all at once": ("other[t:] = (other[t:] + 1) % ways", "other = (other + 1) % ways"),
            "its own alone": ("other[t:] = (other[t:] + 1) % ways", "other[t] = (other[t] + 1) % ways"),
            "argmax": ("(after[t] != before[t]).any()", "after[t].argmax() != before[t].argmax()"),
            "a threshold": ("(after[t] != before[t]).any()", "((after[t] - before[t]).abs() > 0.1).any()"),
            "all steps": ("(after[t] != before[t]).any()", "(after != before).any()"),
            "from t on": ("(after[t] != before[t]).any()", "(after[t:] != before[t:]).any()"),
            "the last step": ("(after[t] != before[t]).any()", "(after[-1] != before[-1]).any()"),
            "the step before": ("(after[t] != before[t]).any()", "(after[t - 1] != before[t - 1]).any()"),
            "the same labels": ("after = answer(x, other)", "after = answer(x, y)"),
            "stays": ("(after[t] != before[t]).any()", "(after[t] == before[t]).all()"),
            "all logits": ("(after[t] != before[t]).any()", "(after[t] != before[t]).all()"),
            "a count": (".double().mean()", ".double().sum()"),
            "percent": (".double().mean()", ".double().mean() * 100"),
            "any": ("torch.stack(moved).double().mean()", "torch.stack(moved).any()"),
            "all": ("torch.stack(moved).double().mean()", "float(torch.stack(moved).all())"),
            "how far": ("(after[t] != before[t]).any()", "(after[t] - before[t]).abs().max()"),
            "right": ("(after[t] != before[t]).any()", "before[t].argmax() == y[t]"),
            "zeros": ("(other[t:] + 1) % ways", "0"),
            "clamped": ("(other[t:] + 1) % ways", "(other[t:] + 1).clamp(max=ways - 1)"),
            "flipped": ("(other[t:] + 1) % ways", "other[t:].flip(0)"),
            "pictures": (("after = answer(x, other)", "after = answer(x + 1, y)"),),
            "no clone": ("other = y.clone()", "other = y"),
        },
        pitfalls=("later alone", "before", "all at once", "argmax", "all steps", "a count"),
        right={
            "float": (".double().mean()", ".float().mean()"),
            "a number": (".double().mean()", ".double().mean().item()"),
            "the other way": ("(other[t:] + 1)", "(other[t:] - 1)"),
            "not equal": ("(after[t] != before[t]).any()", "~(after[t] == before[t]).all()"),
            "by cat": """
def peeks(answer, x, y, ways):
    before, count = answer(x, y), 0
    for t in range(len(y)):
        other = torch.cat([y[:t], (y[t:] + 1) % ways])
        count += int(not torch.equal(answer(x, other)[t], before[t]))
    return count / len(y)
""",
        },
    ),
}  # fmt: skip
