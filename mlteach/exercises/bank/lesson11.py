"""Answers to the exercises of lesson 11."""

from mlteach.exercises.bank import Bank

BANK = {
    "11.1": Bank(
        name="fitted",
        base="""
def fitted(direction, weight):
    if weight.ndim == 1:
        return torch.zeros_like(weight)
    long = weight.flatten(1).norm(dim=1)
    own = direction.flatten(1).norm(dim=1)
    ratio = long / own
    return direction * ratio.view(-1, *[1] * (weight.ndim - 1))
""",
        wrong={
            "inverted": ("long / own", "own / long"),
            "the tensor as a whole": (
                "ratio = long / own",
                "ratio = (weight.norm() / direction.norm()).expand(len(weight))",
            ),
            "not divided": ("long / own", "long"),
            "unit filters": ("long / own", "1 / own"),
            "squared": ("long / own", "(long / own) ** 2"),
            "root of it": ("long / own", "(long / own).sqrt()"),
            "the first filter for all": ("long / own", "(long / own)[0].expand(len(weight))"),
            "the mean factor for all": ("long / own", "(long / own).mean().expand(len(weight))"),
            "biases move": (
                "        return torch.zeros_like(weight)",
                "        return direction * weight.norm() / direction.norm()",
            ),
            "biases number by number": (
                "        return torch.zeros_like(weight)",
                "        return direction * weight.abs() / direction.abs()",
            ),
            "biases as they are": ("return torch.zeros_like(weight)", "return direction"),
            "biases stay at the weight": ("return torch.zeros_like(weight)", "return weight"),
            "biases are ones": ("torch.zeros_like(weight)", "torch.ones_like(weight)"),
            "a zero for a bias": ("return torch.zeros_like(weight)", "return 0.0"),
            "no word about biases": (
                "    if weight.ndim == 1:\n        return torch.zeros_like(weight)\n",
                "",
            ),
            "columns": (
                ("weight.flatten(1).norm(dim=1)", "weight.transpose(0, 1).flatten(1).norm(dim=1)"),
                ("direction.flatten(1).norm(dim=1)", "direction.transpose(0, 1).flatten(1).norm(dim=1)"),
                ("ratio.view(-1, *[1] * (weight.ndim - 1))", "ratio.view(1, -1, *[1] * (weight.ndim - 2))"),
            ),
            "along axis 0": (
                ("weight.flatten(1).norm(dim=1)", "weight.flatten(1).norm(dim=0)"),
                ("direction.flatten(1).norm(dim=1)", "direction.flatten(1).norm(dim=0)"),
                (
                    "direction * ratio.view(-1, *[1] * (weight.ndim - 1))",
                    "(direction.flatten(1) * ratio).view_as(direction)",
                ),
            ),
            "each slice of a kernel": """
def fitted(direction, weight):
    if weight.ndim == 1:
        return torch.zeros_like(weight)
    axes = (2, 3) if weight.ndim == 4 else (1,)
    length = lambda t: t.pow(2).sum(axes, keepdim=True).sqrt()
    return direction * length(weight) / length(direction)
""",
            "number by number": """
def fitted(direction, weight):
    if weight.ndim == 1:
        return torch.zeros_like(weight)
    return direction * weight.abs() / direction.abs()
""",
            "the largest number": (
                ("weight.flatten(1).norm(dim=1)", "weight.flatten(1).abs().amax(1)"),
                ("direction.flatten(1).norm(dim=1)", "direction.flatten(1).abs().amax(1)"),
            ),
            "sums of sizes": (
                ("weight.flatten(1).norm(dim=1)", "weight.flatten(1).norm(p=1, dim=1)"),
                ("direction.flatten(1).norm(dim=1)", "direction.flatten(1).norm(p=1, dim=1)"),
            ),
            "standard deviations": (
                ("weight.flatten(1).norm(dim=1)", "weight.flatten(1).std(1)"),
                ("direction.flatten(1).norm(dim=1)", "direction.flatten(1).std(1)"),
            ),
            "squares without a root": (
                ("weight.flatten(1).norm(dim=1)", "weight.flatten(1).square().sum(1)"),
                ("direction.flatten(1).norm(dim=1)", "direction.flatten(1).square().sum(1)"),
            ),
            "the weight scaled": ("return direction * ratio", "return weight * ratio"),
            "weight and direction swapped": (
                "def fitted(direction, weight)",
                "def fitted(weight, direction)",
            ),
            "added to the weight": ("return direction * ratio", "return weight + direction * ratio"),
            "absolute direction": ("return direction * ratio", "return direction.abs() * ratio"),
            "a minus": ("return direction * ratio", "return -direction * ratio"),
            "the factors alone": (
                "return direction * ratio.view(-1, *[1] * (weight.ndim - 1))",
                "return ratio",
            ),
            "no axes for the factor": ("ratio.view(-1, *[1] * (weight.ndim - 1))", "ratio"),
            "matrices only": ("ratio.view(-1, *[1] * (weight.ndim - 1))", "ratio.view(-1, 1)"),
            "flat": (
                "return direction * ratio.view(-1, *[1] * (weight.ndim - 1))",
                "return direction.flatten(1) * ratio.view(-1, 1)",
            ),
            "in place": (
                "return direction * ratio",
                "return direction.mul_(ratio.view(-1, *[1] * (weight.ndim - 1)))\n    return direction * ratio",
            ),
            "no return": ("    return direction * ratio", "    direction = direction * ratio"),
        },  # fmt: skip
        pitfalls=(
            "the tensor as a whole",
            "inverted",
            "biases as they are",
            "columns",
            "each slice of a kernel",
            "not divided",
        ),
        right={
            "the solution": """
def fitted(direction, weight):
    if weight.ndim == 1:
        return torch.zeros_like(weight)
    ratio = weight.flatten(1).norm(dim=1) / direction.flatten(1).norm(dim=1)
    return direction * ratio.view(-1, *[1] * (weight.ndim - 1))
""",
            "a loop over filters": """
def fitted(direction, weight):
    if weight.dim() == 1:
        return weight * 0
    return torch.stack([d * w.norm() / d.norm() for d, w in zip(direction, weight)])
""",
            "keepdim": """
def fitted(direction, weight):
    if weight.ndim < 2:
        return torch.zeros(weight.shape, dtype=weight.dtype)
    axes = tuple(range(1, weight.ndim))
    return direction * (weight.square().sum(axes, keepdim=True) / direction.square().sum(axes, keepdim=True)).sqrt()
""",
            "linalg": """
def fitted(direction, weight):
    if len(weight.shape) == 1:
        return torch.zeros_like(direction)
    n = torch.linalg.vector_norm
    axes = list(range(1, weight.ndim))
    return direction / n(direction, dim=axes, keepdim=True) * n(weight, dim=axes, keepdim=True)
""",
            "normalize": """
def fitted(direction, weight):
    if weight.ndim == 1:
        return torch.zeros_like(weight)
    unit = F.normalize(direction.flatten(1), dim=1)
    return (unit * weight.flatten(1).norm(dim=1, keepdim=True)).view_as(weight)
""",
            "einsum": """
def fitted(direction, weight):
    if weight.ndim == 1:
        return torch.zeros_like(weight)
    r = weight.reshape(len(weight), -1).norm(dim=1) / direction.reshape(len(weight), -1).norm(dim=1)
    return torch.einsum("i,i...->i...", r, direction)
""",
            "transposed twice": """
def fitted(direction, weight):
    if weight.ndim == 1:
        return torch.zeros_like(weight)
    ratio = weight.flatten(1).norm(dim=1) / direction.flatten(1).norm(dim=1)
    return (direction.movedim(0, -1) * ratio).movedim(-1, 0)
""",
        },  # fmt: skip
    ),
    "11.2": Bank(
        name="place",
        base="""
def place(point, origin, x, y):
    offset = point - origin
    a = offset @ x / (x @ x)
    b = offset @ y / (y @ y)
    left = offset - a * x - b * y
    return a, b, left.norm()
""",
        wrong={
            "from zero": ("point - origin", "point"),
            "the other way": ("point - origin", "origin - point"),
            "not divided": (("offset @ x / (x @ x)", "offset @ x"), ("offset @ y / (y @ y)", "offset @ y")),
            "by the length": (("(x @ x)", "x.norm()"), ("(y @ y)", "y.norm()")),
            "b not divided": ("offset @ y / (y @ y)", "offset @ y"),
            "b by x": ("(y @ y)", "(x @ x)"),
            "by the offset": (("(x @ x)", "(offset @ offset)"), ("(y @ y)", "(offset @ offset)")),
            "a cosine": (
                ("(x @ x)", "(x.norm() * offset.norm())"),
                ("(y @ y)", "(y.norm() * offset.norm())"),
            ),
            "distance to the origin": ("left.norm()", "offset.norm()"),
            "the shadow's size": ("left.norm()", "(a * x + b * y).norm()"),
            "squared": ("left.norm()", "left @ left"),
            "the vector": ("left.norm()", "left"),
            "left out": ("return a, b, left.norm()", "return a, b"),
            "the distance alone": ("return a, b, left.norm()", "return left.norm()"),
            "swapped": ("return a, b", "return b, a"),
            "distance first": ("return a, b, left.norm()", "return left.norm(), a, b"),
            "only x taken away": ("offset - a * x - b * y", "offset - a * x"),
            "only y taken away": ("offset - a * x - b * y", "offset - b * y"),
            "from the point": ("left = offset -", "left = point -"),
            "added": ("offset - a * x - b * y", "offset + a * x + b * y"),
            "mean square": ("left.norm()", "left.square().mean().sqrt()"),
            "sum of sizes": ("left.norm()", "left.abs().sum()"),
            "largest number": ("left.norm()", "left.abs().max()"),
            "sum": ("left.norm()", "left.sum()"),
            "a and b in one": ("return a, b, left.norm()", "return a * x + b * y, left.norm()"),
            "lengths along": (
                ("a = offset @ x / (x @ x)", "a = offset @ x / (x @ x) * x.norm()"),
                ("b = offset @ y / (y @ y)", "b = offset @ y / (y @ y) * y.norm()"),
                ("left = offset - a * x - b * y", "left = offset - a * x / x.norm() - b * y / y.norm()"),
            ),
            "shadows, not coordinates": ("return a, b, left.norm()", "return a * x, b * y, left.norm()"),
            "sizes of the shadows": (
                "return a, b, left.norm()",
                "return (a * x).norm(), (b * y).norm(), left.norm()",
            ),
            "number by number": (
                ("offset @ x / (x @ x)", "(offset * x / (x * x)).mean()"),
                ("offset @ y / (y @ y)", "(offset * y / (y * y)).mean()"),
            ),
            "absolute": (
                ("a = offset @ x", "a = (offset @ x).abs()"),
                ("b = offset @ y", "b = (offset @ y).abs()"),
            ),
            "distance to the shadow from the point, from zero": (
                "left.norm()",
                "(point - a * x - b * y).norm()",
            ),
            "origin taken from the axes": (
                ("offset @ x / (x @ x)", "offset @ (x - origin) / (x @ x)"),
                ("offset @ y / (y @ y)", "offset @ (y - origin) / (y @ y)"),
            ),
            "no return": ("return a", "found = a"),
            "in place": ("offset = point - origin", "offset = point.sub_(origin)"),
        },  # fmt: skip
        pitfalls=(
            "from zero",
            "not divided",
            "by the length",
            "distance to the origin",
            "squared",
            "left out",
        ),
        right={
            "the solution": """
def place(point, origin, x, y):
    offset = point - origin
    a, b = offset @ x / (x @ x), offset @ y / (y @ y)
    return a, b, (offset - a * x - b * y).norm()
""",
            "floats": ("return a, b, left.norm()", "return a.item(), b.item(), left.norm().item()"),
            "a list": ("return a, b, left.norm()", "return [a, b, left.norm()]"),
            "one tensor": ("return a, b, left.norm()", "return torch.stack([a, b, left.norm()])"),
            "an array": (
                "return a, b, left.norm()",
                "import numpy as np\n    return np.array([a, b, left.norm()])",
            ),
            "float32": ("return a, b, left.norm()", "return a.float(), b.float(), left.norm().float()"),
            "least squares": """
def place(point, origin, x, y):
    plane = torch.stack([x, y], 1)
    offset = (point - origin)[:, None]
    found = torch.linalg.lstsq(plane, offset).solution
    return found[0], found[1], torch.dist(offset, plane @ found)
""",
            "pythagoras": """
def place(point, origin, x, y):
    offset = point - origin
    a, b = torch.dot(offset, x) / x.square().sum(), torch.dot(offset, y) / y.square().sum()
    return a, b, (offset @ offset - a**2 * (x @ x) - b**2 * (y @ y)) ** 0.5
""",
            "unit vectors": """
def place(point, origin, x, y):
    u, w = x / x.norm(), y / y.norm()
    d = point - origin
    return d @ u / x.norm(), d @ w / y.norm(), torch.linalg.norm(d - (d @ u) * u - (d @ w) * w)
""",
        },  # fmt: skip
    ),
    "11.3": Bank(
        name="hessian_times",
        base="""
def hessian_times(loss, theta, v):
    gradient = torch.autograd.grad(loss(theta), theta, create_graph=True)[0]
    product = torch.autograd.grad(gradient @ v, theta)[0]
    return product
""",
        wrong={
            "create_graph missing": (", create_graph=True", ""),
            "retain_graph in its place": ("create_graph=True", "retain_graph=True"),
            "the gradient": ("return product", "return gradient.detach()"),
            "gradient times v": (
                "    product = torch.autograd.grad(gradient @ v, theta)[0]\n",
                "    product = (gradient * v).detach()\n",
            ),
            "gradient dot v": (
                "    product = torch.autograd.grad(gradient @ v, theta)[0]\n",
                "    product = (gradient @ v).detach()\n",
            ),
            "v forgotten": ("gradient @ v", "gradient.sum()"),
            "v afterwards": (
                "torch.autograd.grad(gradient @ v, theta)[0]",
                "torch.autograd.grad(gradient.sum(), theta)[0] * v",
            ),
            "gradient with itself": ("gradient @ v", "gradient @ gradient"),
            "half of gradient with itself": ("gradient @ v", "gradient @ gradient / 2"),
            "a whole v apart": """
def hessian_times(loss, theta, v):
    gradient = lambda at: torch.autograd.grad(loss(at), at)[0]
    return gradient((theta + v).detach().requires_grad_()) - gradient(theta)
""",
            "the quadratic form": ("return product", "return product @ v"),
            "along v": ("return product", "return (product @ v) * v"),
            "Rayleigh's quotient": ("return product", "return product @ v / (v @ v)"),
            "a minus": ("return product", "return -product"),
            "doubled": ("return product", "return 2 * product"),
            "half": ("return product", "return product / 2"),
            "at v": ("loss(theta), theta", "loss(v.requires_grad_()), v"),
            "third derivative": (
                "    return product",
                "    return torch.autograd.grad(torch.autograd.grad(torch.autograd.grad(loss(theta), theta, create_graph=True)[0] @ v, theta, create_graph=True)[0] @ v, theta)[0]",
            ),
            "the whole Hessian": ("return product", "return torch.autograd.functional.hessian(loss, theta)"),
            "the diagonal": (
                "return product",
                "return torch.autograd.functional.hessian(loss, theta).diagonal() * v",
            ),
            "Gauss-Newton of the gradient": (
                "return product",
                "return gradient.detach() * (gradient.detach() @ v)",
            ),
            "normalised": ("return product", "return product / product.norm()"),
            "v made a unit vector": ("gradient @ v", "gradient @ (v / v.norm())"),
            "a gradient step": ("return product", "return v - product"),
            "tuple": (
                "torch.autograd.grad(gradient @ v, theta)[0]",
                "torch.autograd.grad(gradient @ v, theta)",
            ),
            "not the first of the tuple": ("theta, create_graph=True)[0]", "theta, create_graph=True)"),
            "backward": """
def hessian_times(loss, theta, v):
    gradient = torch.autograd.grad(loss(theta), theta, create_graph=True)[0]
    (gradient @ v).backward()
    return theta.grad
""",
            "backward twice": """
def hessian_times(loss, theta, v):
    loss(theta).backward(create_graph=True)
    (theta.grad @ v).backward()
    return theta.grad
""",
            "detached on the way": ("gradient @ v", "gradient.detach() @ v"),
            "by v": (
                "torch.autograd.grad(gradient @ v, theta)[0]",
                "torch.autograd.grad((gradient * v.requires_grad_()).sum(), v)[0]",
            ),
            "loss not called": ("loss(theta), theta", "loss, theta"),
            "no return": ("    return product\n", ""),
            "a big difference": """
def hessian_times(loss, theta, v):
    gradient = lambda at: torch.autograd.grad(loss(at), at)[0]
    at = theta.detach()
    return (gradient((at + 0.1 * v).requires_grad_()) - gradient(at.requires_grad_())) / 0.1
""",
            "one-sided, not divided": """
def hessian_times(loss, theta, v):
    gradient = lambda at: torch.autograd.grad(loss(at), at)[0]
    return gradient((theta + 1e-5 * v).detach().requires_grad_()) - gradient(theta)
""",
        },  # fmt: skip
        pitfalls=(
            "create_graph missing",
            "the gradient",
            "v forgotten",
            "v afterwards",
            "a whole v apart",
            "the quadratic form",
        ),
        right={
            "the solution": """
def hessian_times(loss, theta, v):
    (gradient,) = torch.autograd.grad(loss(theta), theta, create_graph=True)
    (product,) = torch.autograd.grad(gradient @ v, theta)
    return product
""",
            "grad_outputs": (
                "torch.autograd.grad(gradient @ v, theta)[0]",
                "torch.autograd.grad(gradient, theta, grad_outputs=v)[0]",
            ),
            "summed": ("gradient @ v", "(gradient * v).sum()"),
            "hvp": "def hessian_times(loss, theta, v):\n    return torch.autograd.functional.hvp(loss, theta, v)[1]\n",
            "the whole Hessian times v": "def hessian_times(loss, theta, v):\n    return torch.autograd.functional.hessian(loss, theta) @ v\n",
            "torch.func": "def hessian_times(loss, theta, v):\n    return torch.func.jvp(torch.func.grad(loss), (theta,), (v,))[1]\n",
            "graph kept": ("gradient @ v, theta", "gradient @ v, theta, create_graph=True"),
            "a copy of theta": """
def hessian_times(loss, theta, v):
    at = theta.detach().clone().requires_grad_()
    g, = torch.autograd.grad(loss(at), at, create_graph=True)
    return torch.autograd.grad(torch.dot(g, v), at)[0]
""",
        },  # fmt: skip
    ),
}
