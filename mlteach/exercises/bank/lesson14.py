"""Answers to the exercises of lesson 14."""

from mlteach.exercises.bank import Bank

BANK = {
    "14.1": Bank(
        name="vote",
        base="""
def vote(logits, orders):
    probabilities = logits.softmax(-1)
    where = orders[:, None].expand_as(probabilities)
    own = probabilities.gather(-1, where)
    return own.mean(0)
""",
        wrong={
            "orders left as they are": ("own = probabilities.gather(-1, where)", "own = probabilities"),
            "orders done twice": (
                "own = probabilities.gather(-1, where)",
                "own = torch.zeros_like(probabilities).scatter(-1, where, probabilities)",
            ),
            "the inverse read": ("orders[:, None]", "orders.argsort(-1)[:, None]"),
            "logits averaged": (
                ("logits.softmax(-1)", "logits"),
                ("return own.mean(0)", "return own.mean(0).softmax(-1)"),
            ),
            "logits, no softmax": ("logits.softmax(-1)", "logits"),
            "log probabilities": ("logits.softmax(-1)", "logits.log_softmax(-1)"),
            "a sum": ("return own.mean(0)", "return own.sum(0)"),
            "the winners": ("return own.mean(0)", "return own.mean(0).argmax(-1)"),
            "votes counted": (
                "return own.mean(0)",
                "return F.one_hot(own.argmax(-1), own.shape[-1]).double().mean(0)",
            ),
            "votes counted, a sum": (
                "return own.mean(0)",
                "return F.one_hot(own.argmax(-1), own.shape[-1]).double().sum(0)",
            ),
            "not averaged": ("return own.mean(0)", "return own"),
            "averaged over queries": ("return own.mean(0)", "return own.mean(1)"),
            "averaged over classes": ("return own.mean(0)", "return own.mean(-1)"),
            "softmax over queries": ("logits.softmax(-1)", "logits.softmax(1)"),
            "softmax over orders": ("logits.softmax(-1)", "logits.softmax(0)"),
            "a softmax too many": ("return own.mean(0)", "return own.mean(0).softmax(-1)"),
            "a logarithm": ("return own.mean(0)", "return own.mean(0).log()"),
            "the first order for all": ("orders[:, None]", "orders[:1].expand_as(orders)[:, None]"),
            "the first alone": ("return own.mean(0)", "return own[0]"),
            "the largest": ("return own.mean(0)", "return own.amax(0)"),
            "the median": ("return own.mean(0)", "return own.median(0).values"),
            "queries and classes turned": ("return own.mean(0)", "return own.mean(0).T"),
            "one minus": ("return own.mean(0)", "return 1 - own.mean(0)"),
            "a mean that is reordered": """
def vote(logits, orders):
    return logits.softmax(-1).mean(0)[:, orders[0]]
""",
            "nothing": ("return own.mean(0)", "own.mean(0)"),
        },
        right={
            "one after the other": """
def vote(logits, orders):
    total = 0
    for z, order in zip(logits, orders):
        total = total + z.softmax(-1)[:, order]
    return total / len(orders)
""",
            "stacked": """
def vote(logits, orders):
    return torch.stack([z.softmax(-1)[:, o] for z, o in zip(logits, orders)]).mean(0)
""",
            "softmax after": """
def vote(logits, orders):
    own = logits.gather(-1, orders.unsqueeze(1).expand(-1, logits.shape[1], -1))
    return own.softmax(-1).mean(0)
""",
            "take_along_dim": """
def vote(logits, orders):
    return torch.take_along_dim(logits.softmax(-1), orders[:, None], dim=-1).mean(0)
""",
            "matrices of zeros and ones": """
def vote(logits, orders):
    turn = F.one_hot(orders, orders.shape[-1]).to(logits.dtype)
    return (logits.softmax(-1) @ turn.transpose(1, 2)).mean(0)
""",
        },
        pitfalls=("orders left as they are", "the inverse read", "logits averaged"),
    ),
    "14.2": Bank(
        name="tied_gradient",
        base="""
def tied_gradient(error, features):
    each = error.sum(1)
    return each @ features
""",
        wrong={
            "a row for each class": ("return each @ features", "return error.T @ features"),
            "a row for each class, turned": ("return each @ features", "return features.T @ error"),
            "mean over classes": ("error.sum(1)", "error.mean(1)"),
            "mean over pictures": ("return each @ features", "return each @ features / len(features)"),
            "mean of the products": ("return each @ features", "return (each[:, None] * features).mean(0)"),
            "all errors, all features": ("return each @ features", "return error.sum() * features.sum(0)"),
            "mean features": ("return each @ features", "return error.sum() * features.mean(0)"),
            "one for each picture": ("return each @ features", "return each[:, None] * features"),
            "a number": ("return each @ features", "return (each @ features).sum()"),
            "no features": ("return each @ features", "return each"),
            "classes without features": ("return each @ features", "return error.sum(0)"),
            "zeros": ("return each @ features", "return torch.zeros_like(features[0])"),
            "zeros in single precision": ("return each @ features", "return torch.zeros(features.shape[1])"),
            "minus": ("return each @ features", "return -(each @ features)"),
            "absolute errors": ("error.sum(1)", "error.abs().sum(1)"),
            "softmax of the error": ("error.sum(1)", "error.softmax(1).sum(1)"),
            "squares": ("error.sum(1)", "error.square().sum(1)"),
            "the first class": ("error.sum(1)", "error[:, 0]"),
            "the largest error": ("error.sum(1)", "error.amax(1)"),
            "centred": ("error.sum(1)", "(error - error.mean(1, keepdim=True)).sum(1)"),
            "the first picture": ("return each @ features", "return each[0] * features[0]"),
            "an axis too many": ("return each @ features", "return (each @ features)[None]"),
            "for every row": (
                "return each @ features",
                "return (each @ features).expand(error.shape[1], -1)",
            ),
            "rows averaged": ("return each @ features", "return (error.T @ features).mean(0)"),
            "length of the error": ("error.sum(1)", "error.norm(dim=1)"),
            "wrong axis": ("error.sum(1)", "error.sum(0)"),
            "nothing": ("return each @ features", "each @ features"),
        },
        right={
            "sum of rows": ("return each @ features", "return (error.T @ features).sum(0)"),
            "products added up": ("return each @ features", "return (each[:, None] * features).sum(0)"),
            "einsum": ("return each @ features", "return torch.einsum('nc,nf->f', error, features)"),
            "a loop": """
def tied_gradient(error, features):
    total = torch.zeros_like(features[0])
    for e, f in zip(error, features):
        for one in e:
            total = total + one * f
    return total
""",
            "by autograd": """
def tied_gradient(error, features):
    w = torch.zeros(features.shape[1], dtype=features.dtype, requires_grad=True)
    logits = (features @ w)[:, None].expand_as(error)
    return torch.autograd.grad((logits * error).sum(), w)[0]
""",
        },
        pitfalls=("a row for each class", "mean over classes", "one for each picture"),
    ),
    "14.3": Bank(
        name="conjugate_gradient",
        base="""
def conjugate_gradient(times, b, solves):
    x, r, p = torch.zeros_like(b), b, b
    rr = (r * r).sum(-1, keepdim=True)
    for _ in range(solves):
        Ap = times(p)
        a = rr / (p * Ap).sum(-1, keepdim=True)
        x = x + a * p
        r = r - a * Ap
        new = (r * r).sum(-1, keepdim=True)
        p = r + new / rr * p
        rr = new
    return x
""",
        wrong={
            "one length for all tasks": (
                ("rr = (r * r).sum(-1, keepdim=True)", "rr = (r * r).sum()"),
                ("(p * Ap).sum(-1, keepdim=True)", "(p * Ap).sum()"),
                ("new = (r * r).sum(-1, keepdim=True)", "new = (r * r).sum()"),
            ),
            "steepest descent": ("p = r + new / rr * p", "p = r"),
            "gradient descent": """
def conjugate_gradient(times, b, solves):
    x = torch.zeros_like(b)
    for _ in range(solves):
        x = x - 0.1 * (times(x) - b)
    return x
""",
            "beta upside down": ("new / rr * p", "rr / new * p"),
            "beta of lengths": ("new / rr * p", "(new / rr).sqrt() * p"),
            "rr never replaced": ("        rr = new\n", ""),
            "beta is one": (
                "        p = r + new / rr * p\n        rr = new",
                "        rr = new\n        p = r + new / rr * p",
            ),
            "no beta": ("r + new / rr * p", "r + p"),
            "beta at the residual": ("r + new / rr * p", "new / rr * r + p"),
            "minus beta": ("r + new / rr * p", "r - new / rr * p"),
            "direction from b": ("r + new / rr * p", "b + new / rr * p"),
            "direction stays": ("        p = r + new / rr * p\n", ""),
            "residual grows": ("r = r - a * Ap", "r = r + a * Ap"),
            "residual stays": ("        r = r - a * Ap\n", ""),
            "x goes back": ("x = x + a * p", "x = x - a * p"),
            "length upside down": (
                "rr / (p * Ap).sum(-1, keepdim=True)",
                "(p * Ap).sum(-1, keepdim=True) / rr",
            ),
            "length one": ("rr / (p * Ap).sum(-1, keepdim=True)", "1.0"),
            "no curvature": ("rr / (p * Ap).sum(-1, keepdim=True)", "rr"),
            "x starts at b": ("torch.zeros_like(b), b, b", "b, b, b"),
            "the residual returned": ("return x", "return r"),
            "two returned": ("return x", "return x, r"),
            "returned too early": ("    return x", "        return x\n    return x"),
            "one too many": ("range(solves)", "range(solves + 1)"),
            "one too few": ("range(solves)", "range(solves - 1)"),
            "A applied": """
def conjugate_gradient(times, b, solves):
    return times(b)
""",
            "x from the old direction": (
                ("        x = x + a * p\n", ""),
                ("        rr = new\n", "        rr = new\n        x = x + a * p\n"),
            ),
            "in place on b": ("r = r - a * Ap", "r -= a * Ap"),
            "no task axis kept": (
                ("rr = (r * r).sum(-1, keepdim=True)", "rr = (r * r).sum(0)"),
                ("(p * Ap).sum(-1, keepdim=True)", "(p * Ap).sum(0)"),
                ("new = (r * r).sum(-1, keepdim=True)", "new = (r * r).sum(0)"),
            ),
            "nothing": ("    return x", "    x"),
        },
        right={
            "einsum": (
                "a = rr / (p * Ap).sum(-1, keepdim=True)",
                "a = rr / torch.einsum('tn,tn->t', p, Ap)[:, None]",
            ),
            "the residual computed": ("r = r - a * Ap", "r = b - times(x)"),
            "x from the start": (
                "torch.zeros_like(b), b, b",
                "torch.zeros(b.shape, dtype=b.dtype), b.clone(), b.clone()",
            ),
            "guarded": ("new / rr * p", "new / rr.clamp(min=1e-300) * p"),
            "beta by the other formula": (
                "        r = r - a * Ap\n        new = (r * r).sum(-1, keepdim=True)\n        p = r + new / rr * p\n",
                "        r = r - a * Ap\n        new = (r * r).sum(-1, keepdim=True)\n"
                "        p = r - (r * Ap).sum(-1, keepdim=True) / (p * Ap).sum(-1, keepdim=True) * p\n",
            ),
            "one task after the other": """
def conjugate_gradient(times, b, solves):
    xs = []
    for i in range(len(b)):
        def A(v):
            whole = torch.zeros_like(b)
            whole[i] = v
            return times(whole)[i]
        x, r = torch.zeros_like(b[i]), b[i]
        p = r
        for _ in range(solves):
            Ap = A(p)
            a = r @ r / (p @ Ap)
            x = x + a * p
            fresh = r - a * Ap
            p = fresh + (fresh @ fresh) / (r @ r) * p
            r = fresh
        xs.append(x)
    return torch.stack(xs)
""",
        },
        pitfalls=("one length for all tasks", "steepest descent", "rr never replaced"),
    ),
}
