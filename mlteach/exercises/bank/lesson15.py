"""Answers to the exercises of lesson 15."""

from mlteach.exercises.bank import Bank

BANK = {
    "15.1": Bank(
        name="robust",
        base="""
def robust(r, width):
    return 2 * width**2 * ((1 + (r / width) ** 2).sqrt() - 1)
""",
        wrong={
            "half of it": ("2 * width**2", "width**2"),
            "one width": ("width**2 *", "width *"),
            "no width in front": ("2 * width**2 *", "2 *"),
            "width not squared outside, and no two": ("2 * width**2 *", "width *"),
            "not zero at zero": (" - 1)", ")"),
            "one taken from the whole": (".sqrt() - 1)", ".sqrt()) - 1"),
            "the width not under the root": ("(r / width) ** 2", "r ** 2"),
            "times the width": ("(r / width)", "(r * width)"),
            "divided once": ("(r / width) ** 2", "r ** 2 / width"),
            "no root": (".sqrt()", ""),
            "no square under the root": ("(r / width) ** 2", "(r / width).abs()"),
            "the pull": (
                "2 * width**2 * ((1 + (r / width) ** 2).sqrt() - 1)",
                "2 * r / (1 + (r / width) ** 2).sqrt()",
            ),
            "the squared error": ("2 * width**2 * ((1 + (r / width) ** 2).sqrt() - 1)", "r ** 2"),
            "the absolute error": ("2 * width**2 * ((1 + (r / width) ** 2).sqrt() - 1)", "r.abs()"),
            "Huber in two pieces": """
def robust(r, width):
    return torch.where(r.abs() < width, r**2, 2 * width * r.abs() - width**2)
""",
            "Huber with a half": """
def robust(r, width):
    return torch.where(r.abs() <= width, r**2 / 2, width * (r.abs() - width / 2))
""",
            "torch's own": """
def robust(r, width):
    return F.huber_loss(r, torch.zeros_like(r), reduction="none", delta=float(width))
""",
            "Cauchy": (
                "2 * width**2 * ((1 + (r / width) ** 2).sqrt() - 1)",
                "width**2 * torch.log(1 + (r / width) ** 2)",
            ),
            "Geman and McClure": (
                "2 * width**2 * ((1 + (r / width) ** 2).sqrt() - 1)",
                "r**2 / (1 + (r / width) ** 2)",
            ),
            "cut off": (
                "2 * width**2 * ((1 + (r / width) ** 2).sqrt() - 1)",
                "torch.clamp(r**2, max=float(width)**2)",
            ),
            "r times the pull": (
                "2 * width**2 * ((1 + (r / width) ** 2).sqrt() - 1)",
                "r * 2 * r / (1 + (r / width) ** 2).sqrt()",
            ),
            "the mean": (" - 1)", " - 1).mean()"),
            "the sum": (" - 1)", " - 1).sum()"),
            "log cosh": (
                "2 * width**2 * ((1 + (r / width) ** 2).sqrt() - 1)",
                "2 * width**2 * torch.log(torch.cosh(r / width))",
            ),
        },  # fmt: skip
        pitfalls=(
            "half of it",
            "not zero at zero",
            "the pull",
            "the width not under the root",
            "Huber in two pieces",
            "the mean",
        ),
        right={
            "the width inside": """
def robust(r, width):
    return 2 * width * ((width**2 + r**2).sqrt() - width)
""",
            "hypot": """
def robust(r, width):
    w = torch.as_tensor(width, dtype=r.dtype)
    return 2 * w * (torch.hypot(r, w.expand_as(r)) - w)
""",
            "by parts": """
def robust(r, width):
    u = r / width
    root = torch.sqrt(1 + u * u)
    return 2 * width * width * (root - 1)
""",
        },
    ),
    "15.2": Bank(
        name="turned",
        base="""
def turned(weights, gamma, delta, scale, shift):
    return {name: (1 + scale[name] * gamma[name]) * w + shift[name] * delta[name] for name, w in weights.items()}
""",
        wrong={
            "no one": ("(1 + scale[name] * gamma[name])", "scale[name] * gamma[name]"),
            "no scale": ("scale[name] * gamma[name]", "gamma[name]"),
            "no shift": ("shift[name] * delta[name]", "delta[name]"),
            "neither": (
                ("scale[name] * gamma[name]", "gamma[name]"),
                ("shift[name] * delta[name]", "delta[name]"),
            ),
            "nothing added": (" + shift[name] * delta[name]", ""),
            "nothing scaled": ("(1 + scale[name] * gamma[name]) * w", "w"),
            "exchanged": (
                ("* gamma[name]", "* delta[name] "),
                ("shift[name] * delta[name] for", "shift[name] * gamma[name] for"),
            ),
            "scale and shift exchanged": (
                ("scale[name] *", "shift[name]  *"),
                ("+ shift[name] * delta", "+ scale[name] * delta"),
            ),
            "the other sign": ("1 + scale", "1 - scale"),
            "taken away": ("w + shift", "w - shift"),
            "shift in the bracket": (
                "(1 + scale[name] * gamma[name]) * w + shift[name] * delta[name]",
                "(1 + scale[name] * gamma[name] + shift[name] * delta[name]) * w",
            ),
            "the sum scaled": ("* w + shift[name] * delta[name]", "* (w + shift[name] * delta[name])"),
            "added": (
                ("scale[name] * gamma", "scale[name] + gamma"),
                ("shift[name] * delta", "shift[name] + delta"),
            ),
            "weights detached": (" * w +", " * w.detach() +"),
            "all detached": ("delta[name] for", "delta[name].detach() for"),
            "gamma detached": ("gamma[name])", "gamma[name].detach())"),
            "in place": """
def turned(weights, gamma, delta, scale, shift):
    for name in weights:
        weights[name] = (1 + scale[name] * gamma[name]) * weights[name] + shift[name] * delta[name]
    return weights
""",
            "a list": """
def turned(weights, gamma, delta, scale, shift):
    return [(1 + scale[name] * gamma[name]) * w + shift[name] * delta[name] for name, w in weights.items()]
""",
            "the first name alone": """
def turned(weights, gamma, delta, scale, shift):
    name = next(iter(weights))
    return weights | {name: (1 + scale[name] * gamma[name]) * weights[name] + shift[name] * delta[name]}
""",
            "returns in the loop": """
def turned(weights, gamma, delta, scale, shift):
    new = {}
    for name, w in weights.items():
        new[name] = (1 + scale[name] * gamma[name]) * w + shift[name] * delta[name]
        return new
""",
            "no return": """
def turned(weights, gamma, delta, scale, shift):
    new = {name: (1 + scale[name] * gamma[name]) * w + shift[name] * delta[name] for name, w in weights.items()}
""",
            "weights as they are": """
def turned(weights, gamma, delta, scale, shift):
    return weights
""",
            "matrix product": ("* gamma[name]) * w", "@ gamma[name]) * w"),
            "gamma to the power": ("scale[name] * gamma[name]", "gamma[name] ** scale[name]"),
        },  # fmt: skip
        pitfalls=(
            "no one",
            "no scale",
            "neither",
            "exchanged",
            "weights detached",
            "in place",
            "the sum scaled",
        ),
        right={
            "a loop": """
def turned(weights, gamma, delta, scale, shift):
    new = {}
    for name in weights:
        factor = 1 + scale[name] * gamma[name]
        new[name] = weights[name] * factor + delta[name] * shift[name]
    return new
""",
            "the change written out": """
def turned(weights, gamma, delta, scale, shift):
    return {n: weights[n] + scale[n] * gamma[n] * weights[n] + shift[n] * delta[n] for n in weights}
""",
        },
    ),
    "15.3": Bank(
        name="kmeans_step",
        base="""
def kmeans_step(points, means):
    group = torch.cdist(points, means).argmin(1)
    moved = [points[group == k].mean(0) if (group == k).any() else means[k] for k in range(len(means))]
    return torch.stack(moved), group
""",
        wrong={
            "empty groups": (" if (group == k).any() else means[k]", ""),
            "empty is zero": ("else means[k]", "else torch.zeros_like(means[k])"),
            "farthest": ("argmin(1)", "argmax(1)"),
            "the other axis": ("argmin(1)", "argmin(0)"),
            "means stay": ("return torch.stack(moved)", "return means"),
            "sums": (".mean(0)", ".sum(0)"),
            "medians": (".mean(0)", ".median(0).values"),
            "mean of everything": ("points[group == k].mean(0)", "points[group == k].mean()"),
            "mean over the wrong axis": ("points[group == k].mean(0)", "points.mean(0)"),
            "old mean taken in": (
                "points[group == k].mean(0)",
                "(points[group == k].mean(0) + means[k]) / 2",
            ),
            "products": ("torch.cdist(points, means).argmin(1)", "(points @ means.T).argmax(1)"),
            "products, least": ("torch.cdist(points, means).argmin(1)", "(points @ means.T).argmin(1)"),
            "city blocks": ("torch.cdist(points, means)", "torch.cdist(points, means, p=1)"),
            "first number alone": ("torch.cdist(points, means)", "torch.cdist(points[:, :1], means[:, :1])"),
            "differences not squared": (
                "torch.cdist(points, means)",
                "(points[:, None] - means).sum(2).abs()",
            ),
            "signed differences": ("torch.cdist(points, means)", "(points[:, None] - means).sum(2)"),
            "exchanged": ("torch.stack(moved), group", "group, torch.stack(moved)"),
            "means alone": ("torch.stack(moved), group", "torch.stack(moved)"),
            "groups alone": ("return torch.stack(moved), group", "return group"),
            "a list": ("torch.stack(moved)", "moved"),
            "two steps": """
def kmeans_step(points, means):
    for _ in range(2):
        group = torch.cdist(points, means).argmin(1)
        means = torch.stack([points[group == k].mean(0) if (group == k).any() else means[k] for k in range(len(means))])
    return means, group
""",
            "regrouped": """
def kmeans_step(points, means):
    group = torch.cdist(points, means).argmin(1)
    means = torch.stack([points[group == k].mean(0) if (group == k).any() else means[k] for k in range(len(means))])
    return means, torch.cdist(points, means).argmin(1)
""",
            "means in place": """
def kmeans_step(points, means):
    group = torch.cdist(points, means).argmin(1)
    for k in range(len(means)):
        if (group == k).any():
            means[k] = points[group == k].mean(0)
    return means, group
""",
            "the last left out": ("range(len(means))", "range(len(means) - 1)"),
            "cosine": (
                "torch.cdist(points, means).argmin(1)",
                "F.cosine_similarity(points[:, None], means, dim=2).argmax(1)",
            ),
        },  # fmt: skip
        pitfalls=("empty groups", "farthest", "city blocks", "regrouped", "sums", "exchanged"),
        right={
            "squares": """
def kmeans_step(points, means):
    distance = ((points[:, None] - means[None]) ** 2).sum(-1)
    group = distance.argmin(dim=1)
    new = means.clone()
    for k in range(len(means)):
        own = points[group == k]
        if len(own):
            new[k] = own.mean(0)
    return new, group
""",
            "one-hot": """
def kmeans_step(points, means):
    group = torch.cdist(points, means).argmin(1)
    member = F.one_hot(group, len(means)).to(points.dtype)
    count = member.sum(0)[:, None]
    new = torch.where(count > 0, member.T @ points / count.clamp(min=1), means)
    return new, group
""",
        },
    ),
}
