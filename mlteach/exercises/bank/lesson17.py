"""Answers to the exercises of lesson 17."""

from mlteach.exercises.bank import Bank

BANK = {
    "17.1": Bank(
        name="nt_xent",
        base="""
def nt_xent(a, b, temperature):
    n = len(a)
    both = F.normalize(torch.cat([a, b]), dim=-1)
    similar = both @ both.T / temperature
    similar = similar.masked_fill(torch.eye(2 * n, dtype=torch.bool), -torch.inf)
    partner = torch.cat([torch.arange(n) + n, torch.arange(n)])
    return F.cross_entropy(similar, partner)
""",
        wrong={
            "not normalised": ("F.normalize(torch.cat([a, b]), dim=-1)", "torch.cat([a, b])"),
            "normalised by column": ("dim=-1", "dim=0"),
            "one length for all": ("F.normalize(torch.cat([a, b]), dim=-1)", "torch.cat([a, b]) / torch.cat([a, b]).norm()"),
            "times temperature": ("/ temperature", "* temperature"),
            "no temperature": (" / temperature", ""),
            "with itself": ("    similar = similar.masked_fill(torch.eye(2 * n, dtype=torch.bool), -torch.inf)\n", ""),
            "zero on the diagonal": ("-torch.inf", "0.0"),
            "minus one on the diagonal": ("-torch.inf", "-1.0"),
            "one subtracted": ("similar = similar.masked_fill(torch.eye(2 * n, dtype=torch.bool), -torch.inf)", "similar = similar - torch.eye(2 * n) / temperature"),
            "own number": ("torch.cat([torch.arange(n) + n, torch.arange(n)])", "torch.arange(2 * n)"),
            "modulo": ("torch.cat([torch.arange(n) + n, torch.arange(n)])", "torch.arange(2 * n) % n"),
            "from behind": ("torch.cat([torch.arange(n) + n, torch.arange(n)])", "torch.arange(2 * n).flip(0)"),
            "neighbours": ("torch.cat([torch.arange(n) + n, torch.arange(n)])", "torch.arange(2 * n) ^ 1"),
            "first half": ("F.cross_entropy(similar, partner)", "F.cross_entropy(similar[:n], partner[:n])"),
            "second half": ("F.cross_entropy(similar, partner)", "F.cross_entropy(similar[n:], partner[n:])"),
            "sum": ("(similar, partner)", "(similar, partner, reduction='sum')"),
            "each": ("(similar, partner)", "(similar, partner, reduction='none')"),
            "half": ("return F", "return 0.5 * F"),
            "minus": ("return F", "return -F"),
            "softmax twice": ("(similar, partner)", "(similar.softmax(-1), partner)"),
            "probability": ("F.cross_entropy(similar, partner)", "similar.softmax(-1)[torch.arange(2 * n), partner].mean()"),
            "minus probability": ("F.cross_entropy(similar, partner)", "-similar.softmax(-1)[torch.arange(2 * n), partner].mean()"),
            "cosine alone": ("F.cross_entropy(similar, partner)", "-similar[torch.arange(2 * n), partner].mean()"),
            "matching": """
def nt_xent(a, b, temperature):
    similar = F.normalize(b, dim=-1) @ F.normalize(a, dim=-1).T / temperature
    return F.cross_entropy(similar, torch.arange(len(a)))
""",
            "both directions": """
def nt_xent(a, b, temperature):
    similar = F.normalize(b, dim=-1) @ F.normalize(a, dim=-1).T / temperature
    right = torch.arange(len(a))
    return (F.cross_entropy(similar, right) + F.cross_entropy(similar.T, right)) / 2
""",
            "without the partner below": """
def nt_xent(a, b, temperature):
    n = len(a)
    both = F.normalize(torch.cat([a, b]), dim=-1)
    e = torch.exp(both @ both.T / temperature) * (1 - torch.eye(2 * n))
    own = torch.cat([e[:n, n:].diagonal(), e[n:, :n].diagonal()])
    return -(own / (e.sum(1) - own)).log().mean()
""",
            "log of the mean": ("F.cross_entropy(similar, partner)", "-similar.softmax(-1)[torch.arange(2 * n), partner].mean().log()"),
            "distance": ("both @ both.T", "-torch.cdist(both, both)"),
            "first detached": ("torch.cat([a, b])", "torch.cat([a.detach(), b])"),
            "all detached": ("return F.cross_entropy(similar, partner)", "return F.cross_entropy(similar, partner).detach()"),
        },
        pitfalls=("not normalised", "with itself", "times temperature", "matching", "own number", "zero on the diagonal"),
        right={
            "by exponentials": """
def nt_xent(a, b, temperature):
    n = len(a)
    both = torch.cat([a, b])
    both = both / both.norm(dim=1, keepdim=True)
    e = torch.exp(both @ both.T / temperature) * (1 - torch.eye(2 * n))
    own = torch.cat([e[:n, n:].diagonal(), e[n:, :n].diagonal()])
    return -(own / e.sum(1)).log().mean()
""",
            "roll": ("torch.cat([torch.arange(n) + n, torch.arange(n)])", "torch.arange(2 * n).roll(n)"),
            "large number": ("-torch.inf", "-1e9"),
            "second side first": (("torch.cat([a, b])", "torch.cat([b, a])"),),
        },
    ),
    "17.2": Bank(
        name="partners_found",
        base="""
def partners_found(a, b):
    similar = F.normalize(b, dim=-1) @ F.normalize(a, dim=-1).T
    nearest = similar.argmax(-1)
    return (nearest == torch.arange(len(a))).double().mean()
""",
        wrong={
            "other direction": ("argmax(-1)", "argmax(0)"),
            "a asks": ("F.normalize(b, dim=-1) @ F.normalize(a, dim=-1).T", "F.normalize(a, dim=-1) @ F.normalize(b, dim=-1).T"),
            "products": ("F.normalize(b, dim=-1) @ F.normalize(a, dim=-1).T", "b @ a.T"),
            "only b at length one": ("F.normalize(a, dim=-1)", "a"),
            "by column": (("F.normalize(b, dim=-1)", "F.normalize(b, dim=0)"), ("F.normalize(a, dim=-1)", "F.normalize(a, dim=0)")),
            "farthest": ("argmax", "argmin"),
            "distance": ("F.normalize(b, dim=-1) @ F.normalize(a, dim=-1).T", "-torch.cdist(b, a)"),
            "those lost": ("==", "!="),
            "count": (".mean()", ".sum()"),
            "percent": ("return (", "return 100 * ("),
            "each": (".double().mean()", ".double()"),
            "bools": (".double().mean()", ""),
            "all": (".double().mean()", ".all().double()"),
            "how similar": ("return (nearest == torch.arange(len(a))).double().mean()", "return similar.diagonal().mean()"),
            "how likely": ("return (nearest == torch.arange(len(a))).double().mean()", "return similar.softmax(-1).diagonal().mean()"),
            "over a half": ("return (nearest == torch.arange(len(a))).double().mean()", "return (similar.diagonal() > 0.5).double().mean()"),
            "above the mean": ("return (nearest == torch.arange(len(a))).double().mean()", "return (similar.diagonal() > similar.mean(-1)).double().mean()"),
            "a with a": ("F.normalize(b, dim=-1)", "F.normalize(a, dim=-1).clone()"),
            "two nearest": ("return (nearest == torch.arange(len(a))).double().mean()", "return (similar.topk(2).indices == torch.arange(len(a))[:, None]).any(1).double().mean()"),
            "both ways": ("(nearest == torch.arange(len(a)))", "((nearest == torch.arange(len(a))) & (similar.argmax(0) == torch.arange(len(a))))"),
            "zero": ("torch.arange(len(a))", "0"),
        },
        pitfalls=("other direction", "products", "count", "those lost", "how similar"),
        right={
            "a number": (".double().mean()", ".double().mean().item()"),
            "float": (".double()", ".float()"),
            "cosine_similarity": ("F.normalize(b, dim=-1) @ F.normalize(a, dim=-1).T", "F.cosine_similarity(b[:, None], a, dim=-1)"),
            "by rows": """
def partners_found(a, b):
    found = 0
    for n, row in enumerate(b):
        found += int(F.cosine_similarity(row[None], a, dim=-1).argmax() == n)
    return found / len(b)
""",
        },
    ),
    "17.3": Bank(
        name="pull",
        base="""
def pull(predicted, target):
    target = target.detach()
    cosine = F.cosine_similarity(predicted, target, dim=-1)
    return (2 - 2 * cosine).mean()
""",
        wrong={
            "target moves": ("target = target.detach()", "pass"),
            "prediction held": ("target = target.detach()", "predicted = predicted.detach()"),
            "both held": ("F.cosine_similarity(predicted,", "F.cosine_similarity(predicted.detach(),"),
            "loss detached": (".mean()", ".mean().detach()"),
            "no grad": """
def pull(predicted, target):
    with torch.no_grad():
        cosine = F.cosine_similarity(predicted, target, dim=-1)
    return (2 - 2 * cosine).mean()
""",
            "plus": ("2 - 2 * cosine", "2 + 2 * cosine"),
            "minus the loss": ("2 - 2 * cosine", "2 * cosine - 2"),
            "cosine": ("2 - 2 * cosine", "cosine"),
            "minus cosine": ("2 - 2 * cosine", "-cosine"),
            "one minus": ("2 - 2 * cosine", "1 - cosine"),
            "minus two": ("2 - 2 * cosine", "-2 * cosine"),
            "two minus one": ("2 - 2 * cosine", "2 - cosine"),
            "sum": (".mean()", ".sum()"),
            "each": (".mean()", ""),
            "columns": ("dim=-1", "dim=0"),
            "distance of rows": ("(2 - 2 * cosine).mean()", "(predicted - target).square().sum(-1).mean()"),
            "mse": ("(2 - 2 * cosine).mean()", "F.mse_loss(predicted, target)"),
            "products": ("F.cosine_similarity(predicted, target, dim=-1)", "(predicted * target).sum(-1)"),
            "prediction at length one": ("F.cosine_similarity(predicted, target, dim=-1)", "(F.normalize(predicted, dim=-1) * target).sum(-1)"),
            "target at length one": ("F.cosine_similarity(predicted, target, dim=-1)", "(predicted * F.normalize(target, dim=-1)).sum(-1)"),
            "mean of squares": ("(2 - 2 * cosine).mean()", "(F.normalize(predicted, dim=-1) - F.normalize(target, dim=-1)).square().mean()"),
            "not squared": ("(2 - 2 * cosine).mean()", "(F.normalize(predicted, dim=-1) - F.normalize(target, dim=-1)).norm(dim=-1).mean()"),
            "all pairs": ("F.cosine_similarity(predicted, target, dim=-1)", "F.normalize(predicted, dim=-1) @ F.normalize(target, dim=-1).T"),
            "contrast": ("(2 - 2 * cosine).mean()", "F.cross_entropy(F.normalize(predicted, dim=-1) @ F.normalize(target, dim=-1).T, torch.arange(len(target)))"),
        },
        pitfalls=("target moves", "prediction held", "plus", "one minus", "mse"),
        right={
            "squared distance": ("(2 - 2 * cosine).mean()", "(F.normalize(predicted, dim=-1) - F.normalize(target, dim=-1)).square().sum(-1).mean()"),
            "mean first": ("(2 - 2 * cosine).mean()", "2 - 2 * cosine.mean()"),
            "by no_grad": """
def pull(predicted, target):
    with torch.no_grad():
        goal = F.normalize(target, dim=-1)
    return (2 - 2 * (F.normalize(predicted, dim=-1) * goal).sum(-1)).mean()
""",
        },
    ),
}  # fmt: skip
