"""Answers to the exercises of lesson 16."""

from mlteach.exercises.bank import Bank

BANK = {
    "16.2": Bank(
        name="between",
        base="""
def between(x_i, y_i, x_j, y_j, share):
    i = y_i.argsort(stable=True)
    j = y_j.argsort(stable=True)
    mixed = share * x_i[i] + (1 - share) * x_j[j]
    return mixed, y_i[i]
""",
        wrong={
            "as they come": (("x_i[i]", "x_i"), ("x_j[j]", "x_j"), ("y_i[i]", "y_i")),
            "as they come, sorted labels": (("x_i[i]", "x_i"), ("x_j[j]", "x_j")),
            "second not ordered": ("x_j[j]", "x_j"),
            "first not ordered": ("x_i[i]", "x_i"),
            "both by the first": ("x_j[j]", "x_j[i]"),
            "both by the second": ("x_i[i]", "x_i[j]"),
            "labels not ordered": ("return mixed, y_i[i]", "return mixed, y_i"),
            "labels of the second": ("return mixed, y_i[i]", "return mixed, y_j"),
            "labels as rows": (("x_i[i]", "x_i[y_i]"), ("x_j[j]", "x_j[y_j]")),
            "shares swapped": ("share * x_i[i] + (1 - share) * x_j[j]", "(1 - share) * x_i[i] + share * x_j[j]"),
            "no second share": ("(1 - share) * x_j[j]", "x_j[j]"),
            "no first share": ("share * x_i[i]", "x_i[i]"),
            "the same share twice": ("(1 - share)", "share"),
            "half and half": ("share * x_i[i] + (1 - share) * x_j[j]", "(x_i[i] + x_j[j]) / 2"),
            "sum": ("share * x_i[i] + (1 - share) * x_j[j]", "x_i[i] + x_j[j]"),
            "difference": ("x_i[i] + (1", "x_i[i] - (1"),
            "first alone": ("share * x_i[i] + (1 - share) * x_j[j]", "x_i[i]"),
            "second alone": ("share * x_i[i] + (1 - share) * x_j[j]", "x_j[j]"),
            "brighter": ("share * x_i[i] + (1 - share) * x_j[j]", "torch.maximum(x_i[i], x_j[j])"),
            "labels mixed": ("return mixed, y_i[i]", "return mixed, share * y_i[i] + (1 - share) * y_j[j] * 0"),
            "new names": ("return mixed, y_i[i]", "return mixed, y_i[i] + y_i.max() + 1"),
            "numbered": ("return mixed, y_i[i]", "return mixed, torch.arange(len(y_i))"),
            "both, one after the other": (
                ("mixed = share * x_i[i] + (1 - share) * x_j[j]", "mixed = torch.cat([share * x_i[i], (1 - share) * x_j[j]])"),
                ("return mixed, y_i[i]", "return mixed, torch.cat([y_i[i], y_j[j]])"),
            ),
            "pictures alone": ("return mixed, y_i[i]", "return mixed"),
            "labels first": ("return mixed, y_i[i]", "return y_i[i], mixed"),
            "detached": ("return mixed,", "return mixed.detach(),"),
            "downwards": ("return mixed, y_i[i]", "return mixed.flip(0), y_i[i].flip(0)"),
            "first's own order": (
                ("mixed = share * x_i[i] + (1 - share) * x_j[j]", "mixed = share * x_i + (1 - share) * x_j[j][i.argsort()]"),
                ("return mixed, y_i[i]", "return mixed, y_i"),
            ),
            "one argsort for all": ("j = y_j.argsort(stable=True)", "j = i"),
            "roots of shares": (
                "share * x_i[i] + (1 - share) * x_j[j]",
                "share**0.5 * x_i[i] + (1 - share) ** 0.5 * x_j[j]",
            ),
        },
        pitfalls=("as they come", "second not ordered", "shares swapped", "both by the first", "first alone"),
        right={
            "lerp": ("share * x_i[i] + (1 - share) * x_j[j]", "torch.lerp(x_j[j], x_i[i], share)"),
            "from the second": ("share * x_i[i] + (1 - share) * x_j[j]", "x_j[j] + share * (x_i[i] - x_j[j])"),
            "labels by sort": ("return mixed, y_i[i]", "return mixed, y_i.sort().values"),
            "class by class": """
def between(x_i, y_i, x_j, y_j, share):
    pictures, labels = [], []
    for k in y_i.unique():
        pictures.append(share * x_i[y_i == k] + (1 - share) * x_j[y_j == k])
        labels.append(y_i[y_i == k])
    return torch.cat(pictures), torch.cat(labels)
""",
        },
    ),
    "16.1": Bank(
        name="prototype_logits",
        base="""
def prototype_logits(support, y, query, ways):
    means = torch.stack([support[y == k].mean(0) for k in range(ways)])
    far = (query[:, None] - means).square().sum(-1)
    return -far
""",
        wrong={
            "no minus": ("return -far", "return far"),
            "no square": (".square().sum(-1)", ".norm(dim=-1)"),
            "absolute": (".square().sum(-1)", ".abs().sum(-1)"),
            "mean of squares": (".square().sum(-1)", ".square().mean(-1)"),
            "summed, then squared": (".square().sum(-1)", ".sum(-1).square()"),
            "sum of a class": (".mean(0)", ".sum(0)"),
            "mean over features": (".mean(0)", ".mean(1)"),
            "median": (".mean(0)", ".median(0).values"),
            "first shot": (".mean(0)", "[0]"),
            "product": ("(query[:, None] - means).square().sum(-1)", "-(query @ means.T)"),
            "cosine": ("(query[:, None] - means).square().sum(-1)", "-torch.cosine_similarity(query[:, None], means, dim=-1)"),
            "no query length": ("(query[:, None] - means).square().sum(-1)", "means.square().sum(-1) - 2 * query @ means.T"),
            "probabilities": ("return -far", "return (-far).softmax(-1)"),
            "log probabilities": ("return -far", "return (-far).log_softmax(-1)"),
            "exponentials": ("return -far", "return torch.exp(-far)"),
            "inverse": ("return -far", "return 1 / far"),
            "transposed": ("return -far", "return -far.T"),
            "the answer": ("return -far", "return (-far).argmax(-1)"),
            "half": ("return -far", "return -far / 2"),
            "by the root of the size": ("return -far", "return -far / support.shape[1] ** 0.5"),
            "softmax over queries": ("return -far", "return (-far).softmax(0)"),
            "in rows": ("torch.stack([support[y == k].mean(0) for k in range(ways)])", "support.unflatten(0, (ways, -1)).mean(1)"),
            "the first rows": ("torch.stack([support[y == k].mean(0) for k in range(ways)])", "support[:ways]"),
            "mean of distances": (
                "far = (query[:, None] - means).square().sum(-1)",
                "far = torch.stack([(query[:, None] - support[y == k]).square().sum(-1).mean(1) for k in range(ways)], 1)",
            ),
            "nearest shot": (
                "far = (query[:, None] - means).square().sum(-1)",
                "far = torch.stack([(query[:, None] - support[y == k]).square().sum(-1).amin(1) for k in range(ways)], 1)",
            ),
            "detached": ("return -far", "return -far.detach()"),
            "detached support": ("support[y == k]", "support.detach()[y == k]"),
            "summed over the wrong axis": (".square().sum(-1)", ".square().sum(0)"),
            "normalised prototypes": ("(query[:, None] - means)", "(query[:, None] - means / means.norm(dim=1, keepdim=True))"),
        },
        pitfalls=("no minus", "no square", "sum of a class", "mean of squares", "product", "in rows"),
        right={
            "cdist": ("(query[:, None] - means).square().sum(-1)", "torch.cdist(query, means, compute_mode='donot_use_mm_for_euclid_dist') ** 2"),
            "multiplied out": (
                "(query[:, None] - means).square().sum(-1)",
                "query.square().sum(1, keepdim=True) - 2 * query @ means.T + means.square().sum(1)",
            ),
            "one-hot": ("torch.stack([support[y == k].mean(0) for k in range(ways)])", "(lambda m: m.T @ support / m.sum(0)[:, None])(F.one_hot(y, ways).to(support.dtype))"),
        },
    ),
    "16.3": Bank(
        name="unmoved",
        base="""
def unmoved(answer, support_x, support_y, query_x, ways):
    before = answer(support_x, support_y, query_x).argmax(-1)
    after = answer(support_x, (support_y + 1) % ways, query_x).argmax(-1)
    return (before == after).double().mean()
""",
        wrong={
            "those that move": ("before == after", "before != after"),
            "those that follow": ("before == after", "(before + 1) % ways == after"),
            "a count": (".double().mean()", ".double().sum()"),
            "percent": ("(before == after)", "100 * (before == after)"),
            "all": (".double().mean()", ".all().double()"),
            "any": (".double().mean()", ".any().double()"),
            "each": (".double().mean()", ".double()"),
            "bools": ("(before == after).double().mean()", "before == after"),
            "the same labels": ("(support_y + 1) % ways", "support_y"),
            "moved together": ("answer(support_x, (support_y + 1) % ways", "answer(support_x.roll(1, 0), support_y.roll(1)"),
            "labels rolled": ("(support_y + 1) % ways", "support_y.roll(1)"),
            "labels flipped": ("(support_y + 1) % ways", "support_y.flip(0)"),
            "mirrored": ("(support_y + 1) % ways", "ways - 1 - support_y"),
            "no wrap": ("(support_y + 1) % ways", "support_y + 1"),
            "clamped": ("(support_y + 1) % ways", "(support_y + 1).clamp(max=ways - 1)"),
            "all zero": ("(support_y + 1) % ways", "support_y * 0"),
            "pictures blank": ("answer(support_x, (support_y + 1) % ways", "answer(support_x * 0, support_y"),
            "queries blank": ("(support_y + 1) % ways, query_x)", "support_y, query_x * 0)"),
            "queries flipped": ("(support_y + 1) % ways, query_x)", "support_y, query_x.flip(0))"),
            "logits equal": (
                ("before = answer(support_x, support_y, query_x).argmax(-1)", "before = answer(support_x, support_y, query_x)"),
                ("% ways, query_x).argmax(-1)", "% ways, query_x)"),
            ),
            "logits apart": (
                ("before = answer(support_x, support_y, query_x).argmax(-1)", "before = answer(support_x, support_y, query_x)"),
                ("% ways, query_x).argmax(-1)", "% ways, query_x)"),
                ("(before == after).double().mean()", "(before - after).abs().mean()"),
            ),
            "over the queries": (
                ("support_y, query_x).argmax(-1)", "support_y, query_x).argmax(0)"),
                ("% ways, query_x).argmax(-1)", "% ways, query_x).argmax(0)"),
            ),
            "yes or no": ("return (before == after).double().mean()", "return float((before == after).double().mean() > 0.5)"),
            "compared with itself": ("before == after", "after == after"),
        },
        pitfalls=("those that move", "the same labels", "labels rolled", "a count", "logits equal"),
        right={
            "float": (".double().mean()", ".float().mean()"),
            "a number": (".double().mean()", ".double().mean().item()"),
            "the other way": ("(support_y + 1)", "(support_y - 1)"),
            "by a loop": """
def unmoved(answer, support_x, support_y, query_x, ways):
    others = torch.tensor([(int(k) + 1) % ways for k in support_y])
    before = answer(support_x, support_y, query_x)
    after = answer(support_x, others, query_x)
    same = [int(a.argmax()) == int(b.argmax()) for a, b in zip(before, after)]
    return sum(same) / len(same)
""",
        },
    ),
}  # fmt: skip
