"""Answers to the exercises of lesson 13."""

from mlteach.exercises.bank import Bank

BANK = {
    "13.1": Bank(
        name="inner_loop",
        base="""
def inner_loop(loss, theta, alpha, steps, moves):
    phi = dict(theta)
    for _ in range(steps):
        gradient = torch.autograd.grad(loss(phi), [phi[name] for name in moves], create_graph=True)
        phi = phi | {name: phi[name] - alpha * g for name, g in zip(moves, gradient)}
    return phi
""",
        wrong={
            "create_graph forgotten": (", create_graph=True", ""),
            "retain_graph in its place": ("create_graph=True", "retain_graph=True"),
            "gradient detached": ("alpha * g for", "alpha * g.detach() for"),
            "all layers move": """
def inner_loop(loss, theta, alpha, steps, moves):
    phi = dict(theta)
    for _ in range(steps):
        gradient = torch.autograd.grad(loss(phi), list(phi.values()), create_graph=True)
        phi = {name: value - alpha * g for (name, value), g in zip(phi.items(), gradient)}
    return phi
""",
            "the others move": """
def inner_loop(loss, theta, alpha, steps, moves):
    phi = dict(theta)
    for _ in range(steps):
        gradient = torch.autograd.grad(loss(phi), list(phi.values()), create_graph=True)
        phi = {name: value if name in moves else value - alpha * g
               for (name, value), g in zip(phi.items(), gradient)}
    return phi
""",
            "frozen detached at the start": (
                "phi = dict(theta)",
                "phi = {n: v if n in moves else v.detach() for n, v in theta.items()}",
            ),
            "frozen detached at the end": (
                "return phi",
                "return {n: v if n in moves else v.detach() for n, v in phi.items()}",
            ),
            "phi detached": ("return phi", "return {n: v.detach() for n, v in phi.items()}"),
            "from a detached copy": (
                "phi = dict(theta)",
                "phi = {n: v.detach().clone().requires_grad_() for n, v in theta.items()}",
            ),
            "what moves from a detached copy": (
                "phi = dict(theta)",
                "phi = {n: v.detach().clone().requires_grad_() if n in moves else v for n, v in theta.items()}",
            ),
            "value detached in the step": ("phi[name] - alpha", "phi[name].detach() - alpha"),
            "only what moves": ("return phi", "return {name: phi[name] for name in moves}"),
            "gradient at theta": ("loss(phi), [phi[name]", "loss(theta), [theta[name]"),
            "one step": ("range(steps)", "range(1)"),
            "a step too few": ("range(steps)", "range(steps - 1)"),
            "a step too many": ("range(steps)", "range(steps + 1)"),
            "returns in the loop": ("    return phi", "        return phi"),
            "uphill": ("- alpha * g", "+ alpha * g"),
            "no rate": ("alpha * g", "g"),
            "rate squared": ("alpha * g", "alpha ** 2 * g"),
            "the change": ("return phi", "return {name: phi[name] - theta[name] for name in phi}"),
            "every step": """
def inner_loop(loss, theta, alpha, steps, moves):
    phi = dict(theta)
    path = [phi]
    for _ in range(steps):
        gradient = torch.autograd.grad(loss(phi), [phi[name] for name in moves], create_graph=True)
        phi = phi | {name: phi[name] - alpha * g for name, g in zip(moves, gradient)}
        path.append(phi)
    return path
""",
            "in place": """
def inner_loop(loss, theta, alpha, steps, moves):
    for _ in range(steps):
        gradient = torch.autograd.grad(loss(theta), [theta[name] for name in moves])
        with torch.no_grad():
            for name, g in zip(moves, gradient):
                theta[name] -= alpha * g
    return theta
""",
            "the head whatever moves says": ("in moves", 'in ["head"]'),
            "theta in the step": ("phi[name] - alpha", "theta[name] - alpha"),
        },
        right={
            "all gradients asked, some used": """
def inner_loop(loss, theta, alpha, steps, moves):
    phi = dict(theta)
    for _ in range(steps):
        gradient = torch.autograd.grad(loss(phi), list(phi.values()), create_graph=True)
        phi = {name: value - alpha * g if name in moves else value
               for (name, value), g in zip(phi.items(), gradient)}
    return phi
""",
            "copied by hand": ("phi = dict(theta)", "phi = {name: value for name, value in theta.items()}"),
            "updated in the new dict": """
def inner_loop(loss, theta, alpha, steps, moves):
    phi = theta.copy()
    for _ in range(steps):
        names = list(moves)
        for name, g in zip(names, torch.autograd.grad(loss(phi), [phi[n] for n in names], create_graph=True)):
            phi[name] = phi[name] - alpha * g
    return phi
""",
        },
        pitfalls=(
            "create_graph forgotten",
            "all layers move",
            "frozen detached at the start",
            "only what moves",
        ),
    ),
    "13.2": Bank(
        name="linear_cka",
        base="""
def linear_cka(x, y):
    x, y = x - x.mean(0), y - y.mean(0)
    return (y.T @ x).square().sum() / ((x.T @ x).norm() * (y.T @ y).norm())
""",
        wrong={
            "not centred": ("    x, y = x - x.mean(0), y - y.mean(0)\n", ""),
            "one centred": ("x - x.mean(0), y - y.mean(0)", "x, y - y.mean(0)"),
            "the other centred": ("x - x.mean(0), y - y.mean(0)", "x - x.mean(0), y"),
            "pictures centred": (
                "x - x.mean(0), y - y.mean(0)",
                "x - x.mean(1, keepdim=True), y - y.mean(1, keepdim=True)",
            ),
            "one mean for all": ("x - x.mean(0), y - y.mean(0)", "x - x.mean(), y - y.mean()"),
            "standardised": (
                "x - x.mean(0), y - y.mean(0)",
                "(x - x.mean(0)) / x.std(0), (y - y.mean(0)) / y.std(0)",
            ),
            "pictures of length 1": (
                "x - x.mean(0), y - y.mean(0)",
                "F.normalize(x - x.mean(0), dim=1), F.normalize(y - y.mean(0), dim=1)",
            ),
            "traces below": ("(x.T @ x).norm() * (y.T @ y).norm()", "x.square().sum() * y.square().sum()"),
            "lengths of x and y": ("(x.T @ x).norm() * (y.T @ y).norm()", "x.norm() * y.norm()"),
            "traces by name": (
                "(x.T @ x).norm() * (y.T @ y).norm()",
                "torch.trace(x.T @ x) * torch.trace(y.T @ y)",
            ),
            "no denominator": (" / ((x.T @ x).norm() * (y.T @ y).norm())", ""),
            "by the number of pictures": ("((x.T @ x).norm() * (y.T @ y).norm())", "len(x) ** 2"),
            "squared below": (
                "(x.T @ x).norm() * (y.T @ y).norm()",
                "(x.T @ x).square().sum() * (y.T @ y).square().sum()",
            ),
            "not squared above": ("(y.T @ x).square().sum()", "(y.T @ x).norm()"),
            "root of all": (
                "return (y.T @ x).square().sum() / ((x.T @ x).norm() * (y.T @ y).norm())",
                "return ((y.T @ x).square().sum() / ((x.T @ x).norm() * (y.T @ y).norm())).sqrt()",
            ),
            "sum above": ("(y.T @ x).square().sum()", "(y.T @ x).sum()"),
            "square of the sum": ("(y.T @ x).square().sum()", "(y.T @ x).sum().square()"),
            "absolute values": ("(y.T @ x).square().sum()", "(y.T @ x).abs().sum()"),
            "mean of squares": ("square().sum() /", "square().mean() /"),
            "one minus": ("return (y.T", "return 1 - (y.T"),
            "x below twice": ("* (y.T @ y).norm()", "* (x.T @ x).norm()"),
            "y below twice": ("(x.T @ x).norm()", "(y.T @ y).norm()"),
            "y'x below": ("(x.T @ x).norm() * (y.T @ y).norm()", "(y.T @ x).norm() ** 2"),
            "grams not centred": """
def linear_cka(x, y):
    k, m = x @ x.T, y @ y.T
    return (k * m).sum() / (k.norm() * m.norm())
""",
        },
        right={
            "from grams": """
def linear_cka(x, y):
    x, y = x - x.mean(0), y - y.mean(0)
    k, m = x @ x.T, y @ y.T
    return (k * m).sum() / (k.norm() * m.norm())
""",
            "centring matrix": """
def linear_cka(x, y):
    n = len(x)
    h = torch.eye(n, dtype=x.dtype) - torch.ones(n, n, dtype=x.dtype) / n
    k, m = h @ x @ x.T @ h, h @ y @ y.T @ h
    return torch.trace(k @ m) / torch.sqrt(torch.trace(k @ k) * torch.trace(m @ m))
""",
            "x'y": ("(y.T @ x).square()", "(x.T @ y).square()"),
            "norm squared": ("(y.T @ x).square().sum()", "torch.linalg.matrix_norm(y.T @ x) ** 2"),
        },
        pitfalls=("not centred", "pictures centred", "traces below", "not squared above"),
    ),
    "13.3": Bank(
        name="nearest_mean",
        base="""
def nearest_mean(support, labels, query, ways):
    means = torch.stack([support[labels == n].mean(0) for n in range(ways)])
    return F.normalize(query, dim=1) @ F.normalize(means, dim=1).T
""",
        wrong={
            "the class": (
                "return F.normalize(query, dim=1) @ F.normalize(means, dim=1).T",
                "return (F.normalize(query, dim=1) @ F.normalize(means, dim=1).T).argmax(1)",
            ),
            "inner products": ("F.normalize(query, dim=1) @ F.normalize(means, dim=1).T", "query @ means.T"),
            "scaled inner products": (
                "F.normalize(query, dim=1) @ F.normalize(means, dim=1).T",
                "query @ means.T / query.shape[1] ** 0.5",
            ),
            "query alone": ("F.normalize(means, dim=1).T", "means.T"),
            "means alone": ("F.normalize(query, dim=1) @", "query @"),
            "distance": (
                "F.normalize(query, dim=1) @ F.normalize(means, dim=1).T",
                "torch.cdist(query, means)",
            ),
            "minus distance": (
                "F.normalize(query, dim=1) @ F.normalize(means, dim=1).T",
                "-torch.cdist(query, means)",
            ),
            "minus squared distance": (
                "F.normalize(query, dim=1) @ F.normalize(means, dim=1).T",
                "-(query[:, None] - means).square().sum(-1)",
            ),
            "one minus": ("return F", "return 1 - F"),
            "minus": ("return F", "return -F"),
            "probabilities": (
                "return F.normalize(query, dim=1) @ F.normalize(means, dim=1).T",
                "return (F.normalize(query, dim=1) @ F.normalize(means, dim=1).T).softmax(1)",
            ),
            "log probabilities": (
                "return F.normalize(query, dim=1) @ F.normalize(means, dim=1).T",
                "return (F.normalize(query, dim=1) @ F.normalize(means, dim=1).T).log_softmax(-1)",
            ),
            "transposed": (
                "F.normalize(query, dim=1) @ F.normalize(means, dim=1).T",
                "F.normalize(means, dim=1) @ F.normalize(query, dim=1).T",
            ),
            "over the pictures": (
                "F.normalize(query, dim=1) @ F.normalize(means, dim=1).T",
                "F.normalize(query, dim=0) @ F.normalize(means, dim=0).T",
            ),
            "means over the pictures": ("F.normalize(means, dim=1)", "F.normalize(means, dim=0)"),
            "one length for all": (
                "F.normalize(query, dim=1) @ F.normalize(means, dim=1).T",
                "(query / query.norm()) @ (means / means.norm()).T",
            ),
            "pictures of length 1 first": (
                "support[labels == n].mean",
                "F.normalize(support, dim=1)[labels == n].mean",
            ),
            "mean of cosines": """
def nearest_mean(support, labels, query, ways):
    cosines = F.normalize(query, dim=1) @ F.normalize(support, dim=1).T
    return torch.stack([cosines[:, labels == n].mean(1) for n in range(ways)], 1)
""",
            "attention": """
def nearest_mean(support, labels, query, ways):
    cosines = F.normalize(query, dim=1) @ F.normalize(support, dim=1).T
    return cosines.softmax(1) @ F.one_hot(labels, ways).to(cosines.dtype)
""",
            "single pictures": ("F.normalize(means, dim=1)", "F.normalize(support, dim=1)"),
            "nearest picture": """
def nearest_mean(support, labels, query, ways):
    cosines = F.normalize(query, dim=1) @ F.normalize(support, dim=1).T
    return torch.stack([cosines[:, labels == n].amax(1) for n in range(ways)], 1)
""",
            "first picture": ("support[labels == n].mean(0)", "support[labels == n][0]"),
            "as they come": ("range(ways)])", "dict.fromkeys(labels.tolist())])"),
            "as if sorted": (
                "torch.stack([support[labels == n].mean(0) for n in range(ways)])",
                "support.reshape(ways, -1, support.shape[1]).mean(1)",
            ),
            "centred by the support": """
def nearest_mean(support, labels, query, ways):
    centre = support.mean(0)
    means = torch.stack([support[labels == n].mean(0) for n in range(ways)])
    return F.normalize(query - centre, dim=1) @ F.normalize(means - centre, dim=1).T
""",
            "the means": ("return F.normalize(query, dim=1) @ F.normalize(means, dim=1).T", "return means"),
        },
        right={
            "sums in place of means": ("support[labels == n].mean(0)", "support[labels == n].sum(0)"),
            "by one-hot": """
def nearest_mean(support, labels, query, ways):
    member = F.one_hot(labels, ways).to(support.dtype)
    means = member.T @ support / member.sum(0)[:, None]
    return (query @ means.T) / (query.norm(dim=1)[:, None] * means.norm(dim=1))
""",
            "cosine_similarity": (
                "F.normalize(query, dim=1) @ F.normalize(means, dim=1).T",
                "F.cosine_similarity(query[:, None], means[None], dim=-1)",
            ),
        },
        pitfalls=("inner products", "distance", "as they come", "pictures of length 1 first"),
    ),
}
