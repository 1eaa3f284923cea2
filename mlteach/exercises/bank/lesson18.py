"""Answers to the exercises of lesson 18."""

from mlteach.exercises.bank import Bank

BANK = {
    "18.1": Bank(
        name="matching_logits",
        base="""
def matching_logits(support, y, query, ways, scale):
    similarity = F.normalize(query, dim=-1) @ F.normalize(support, dim=-1).T
    attention = (scale * similarity).softmax(-1)
    shares = [attention[:, y == k].sum(-1) for k in range(ways)]
    return torch.stack(shares, -1).log()
""",
        wrong={
            "product": ("F.normalize(query, dim=-1) @ F.normalize(support, dim=-1).T", "query @ support.T"),
            "scaled product": ("F.normalize(query, dim=-1) @ F.normalize(support, dim=-1).T", "query @ support.T / support.shape[1] ** 0.5"),
            "support alone normalised": ("F.normalize(query, dim=-1)", "query"),
            "query alone normalised": ("F.normalize(support, dim=-1)", "support"),
            "columns normalised": (("F.normalize(query, dim=-1)", "F.normalize(query, dim=0)"), ("F.normalize(support, dim=-1)", "F.normalize(support, dim=0)")),
            "distance": ("F.normalize(query, dim=-1) @ F.normalize(support, dim=-1).T", "-torch.cdist(query, support)"),
            "squared distance": ("F.normalize(query, dim=-1) @ F.normalize(support, dim=-1).T", "-torch.cdist(query, support) ** 2"),
            "minus": ("(scale * similarity)", "(-scale * similarity)"),
            "no scale": ("(scale * similarity)", "similarity"),
            "divided": ("scale * similarity", "similarity / scale"),
            "scale outside": ("(scale * similarity).softmax(-1)", "scale * similarity.softmax(-1)"),
            "softmax over queries": (".softmax(-1)", ".softmax(0)"),
            "exponentials": (".softmax(-1)", ".exp()"),
            "sigmoid": (".softmax(-1)", ".sigmoid()"),
            "sum, then softmax": ((".softmax(-1)", ""), (".log()", ".log_softmax(-1)")),
            "mean, then softmax": ((".softmax(-1)", ""), (".sum(-1)", ".mean(-1)"), (".log()", ".log_softmax(-1)")),
            "mean": (".sum(-1)", ".mean(-1)"),
            "largest": (".sum(-1)", ".amax(-1)"),
            "log before the sum": ((".softmax(-1)", ".log_softmax(-1)"), (".log()", "")),
            "probabilities": (".log()", ""),
            "softmax twice": (".log()", ".softmax(-1)"),
            "log softmax of probabilities": (".log()", ".log_softmax(-1)"),
            "a loss": (".log()", ".log().neg()"),
            "in rows": (("shares = [attention[:, y == k].sum(-1) for k in range(ways)]", "shares = attention.unflatten(1, (ways, -1)).sum(-1).unbind(-1)"),),
            "transposed": ("torch.stack(shares, -1)", "torch.stack(shares)"),
            "the answer": (".log()", ".argmax(-1)"),
            "detached": (".log()", ".log().detach()"),
            "detached support": ("F.normalize(support, dim=-1)", "F.normalize(support.detach(), dim=-1)"),
            "log base 2": (".log()", ".log2()"),
        },
        pitfalls=("product", "support alone normalised", "no scale", "sum, then softmax", "log before the sum", "softmax twice"),
        right={
            "one-hot": ("shares = [attention[:, y == k].sum(-1) for k in range(ways)]\n    return torch.stack(shares, -1).log()", "return (attention @ F.one_hot(y, ways).to(attention.dtype)).log()"),
            "logsumexp": """
def matching_logits(support, y, query, ways, scale):
    logs = (scale * F.cosine_similarity(query[:, None], support[None], dim=-1)).log_softmax(-1)
    return torch.stack([logs[:, y == k].logsumexp(-1) for k in range(ways)], 1)
""",
            "by norms": ("F.normalize(query, dim=-1) @ F.normalize(support, dim=-1).T", "(query @ support.T) / (query.norm(dim=1)[:, None] * support.norm(dim=1))"),
        },
    ),
    "18.2": Bank(
        name="modified_hausdorff",
        base="""
def modified_hausdorff(a, b):
    far = torch.cdist(a, b)
    there, back = far.amin(1).mean(), far.amin(0).mean()
    return torch.maximum(there, back)
""",
        wrong={
            "one way": ("torch.maximum(there, back)", "there"),
            "the other way": ("torch.maximum(there, back)", "back"),
            "mean of both": ("torch.maximum(there, back)", "(there + back) / 2"),
            "sum of both": ("torch.maximum(there, back)", "there + back"),
            "smaller": ("torch.maximum(there, back)", "torch.minimum(there, back)"),
            "hausdorff": ("far.amin(1).mean(), far.amin(0).mean()", "far.amin(1).amax(), far.amin(0).amax()"),
            "median": ("far.amin(1).mean(), far.amin(0).mean()", "far.amin(1).median(), far.amin(0).median()"),
            "all pairs": ("torch.maximum(there, back)", "far.mean()"),
            "nearest pair": ("torch.maximum(there, back)", "far.min()"),
            "farthest": ("far.amin(1).mean(), far.amin(0).mean()", "far.amax(1).mean(), far.amax(0).mean()"),
            "sums": ("far.amin(1).mean(), far.amin(0).mean()", "far.amin(1).sum(), far.amin(0).sum()"),
            "squares": ("torch.cdist(a, b)", "torch.cdist(a, b) ** 2"),
            "city block": ("torch.cdist(a, b)", "torch.cdist(a, b, p=1)"),
            "root of squares": ("torch.maximum(there, back)", "torch.maximum((far ** 2).amin(1).mean(), (far ** 2).amin(0).mean()) ** 0.5"),
            "both": ("torch.maximum(there, back)", "there, back"),
            "stacked": ("torch.maximum(there, back)", "torch.stack([there, back])"),
            "similarity": ("torch.maximum(there, back)", "-torch.maximum(there, back)"),
            "inverse": ("torch.maximum(there, back)", "1 / (1 + torch.maximum(there, back))"),
            "middles": ("torch.maximum(there, back)", "(a.mean(0) - b.mean(0)).norm()"),
            "in order": ("torch.maximum(there, back)", "(a[:min(len(a), len(b))] - b[:min(len(a), len(b))]).norm(dim=1).mean()"),
            "itself": ("torch.cdist(a, b)", "torch.cdist(a, a)"),
            "all points pooled": ("torch.maximum(there, back)", "torch.cat([far.amin(0), far.amin(1)]).mean()"),
            "half": ("torch.maximum(there, back)", "torch.maximum(there, back) / 2"),
        },
        pitfalls=("one way", "mean of both", "hausdorff", "all pairs", "farthest"),
        right={
            "a loop": """
def modified_hausdorff(a, b):
    def one(of, to):
        return torch.stack([(to - point).norm(dim=1).min() for point in of]).mean()
    return max(one(a, b), one(b, a))
""",
            "min with values": ("far.amin(1).mean(), far.amin(0).mean()", "far.min(dim=1).values.mean(), far.min(dim=0).values.mean()"),
            "python max": ("torch.maximum(there, back)", "max(there, back)"),
        },
    ),
    "18.3": Bank(
        name="unmoved_by_order",
        base="""
def unmoved_by_order(answer, support, query, order):
    before = answer(support, query).argmax(-1)
    after = answer(support[order], query).argmax(-1)
    return (before == order[after]).double().mean()
""",
        wrong={
            "places": ("order[after]", "after"),
            "the inverse": ("order[after]", "order.argsort()[after]"),
            "order on the first": ("(before == order[after])", "(order[before] == after)"),
            "order on both": ("(before == order[after])", "(order[before] == order[after])"),
            "those that move": ("before == order[after]", "before != order[after]"),
            "places that move": ("before == order[after]", "before != after"),
            "a count": (".double().mean()", ".double().sum()"),
            "a whole count": (".double().mean()", ".sum()"),
            "percent": ("(before == order[after])", "100 * (before == order[after])"),
            "all": (".double().mean()", ".all().double()"),
            "any": (".double().mean()", ".any().double()"),
            "whether all": (".double().mean()", ".all()"),
            "twice the same": (("support[order]", "support"), ("order[after]", "after")),
            "twice the same, reordered": ("support[order]", "support"),
            "smallest": (("answer(support, query).argmax(-1)", "answer(support, query).argmin(-1)"), ("answer(support[order], query).argmax(-1)", "answer(support[order], query).argmin(-1)")),
            "along the queries": (("answer(support, query).argmax(-1)", "answer(support, query).argmax(0)"), ("answer(support[order], query).argmax(-1)", "answer(support[order], query).argmax(0)"), ("order[after]", "after")),
            "scores": """
def unmoved_by_order(answer, support, query, order):
    return (answer(support, query)[:, order] == answer(support[order], query)).double().mean()
""",
            "scores in place": """
def unmoved_by_order(answer, support, query, order):
    return (answer(support, query) == answer(support[order], query)).double().mean()
""",
            "queries too": ("answer(support[order], query)", "answer(support[order], query.roll(1, 0))"),
            "one by one": (".double().mean()", ""),
            "one by one, numbers": (".double().mean()", ".double()"),
            "never alike": ("(before == order[after]).double().mean()", "torch.tensor(0.0)"),
        },
        pitfalls=("places", "the inverse", "those that move", "twice the same"),
        right={
            "order first": ("(before == order[after]).double().mean()", "(order[after] == before).double().mean()"),
            "python": ("(before == order[after]).double().mean()", "sum(int(b) == int(order[a]) for b, a in zip(before, after)) / len(before)"),
            "back to places": ("(before == order[after])", "(order.argsort()[before] == after)"),
        },
    ),
}  # fmt: skip
