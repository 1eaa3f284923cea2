"""More answers to the exercises of lesson 11, from bases of their own."""

from mlteach.exercises.bank import Bank

BANK = {
    "11.1": Bank(
        name="fitted",
        base="""
def fitted(direction, weight):
    if weight.ndim == 1:
        return torch.zeros_like(weight)
    ratio = weight.flatten(1).norm(dim=1) / direction.flatten(1).norm(dim=1)
    return direction * ratio.view(-1, *[1] * (weight.ndim - 1))
""",
        wrong={
            "whole tensor": (
                "weight.flatten(1).norm(dim=1) / direction.flatten(1).norm(dim=1)",
                "(weight.norm() / direction.norm()).repeat(len(weight))",
            ),
            "whole tensor, short": """
def fitted(direction, weight):
    if weight.ndim == 1:
        return torch.zeros_like(weight)
    return direction * weight.norm() / direction.norm()
""",
            "ratio upside down": (
                "weight.flatten(1).norm(dim=1) / direction.flatten(1).norm(dim=1)",
                "direction.flatten(1).norm(dim=1) / weight.flatten(1).norm(dim=1)",
            ),
            "bias moves": (
                "    if weight.ndim == 1:\n        return torch.zeros_like(weight)\n    ratio = weight.flatten(1).norm(dim=1) / direction.flatten(1).norm(dim=1)",
                "    if weight.ndim == 1:\n        return direction * weight.norm() / direction.norm()\n    ratio = weight.flatten(1).norm(dim=1) / direction.flatten(1).norm(dim=1)",
            ),
            "bias unchanged": ("return torch.zeros_like(weight)", "return direction"),
            "bias is the weight": ("return torch.zeros_like(weight)", "return weight"),
            "bias ones": ("torch.zeros_like", "torch.ones_like"),
            "bias scalar zero": ("torch.zeros_like(weight)", "0"),
            "columns, again": """
def fitted(direction, weight):
    if weight.ndim == 1:
        return torch.zeros_like(weight)
    return direction * weight.norm(dim=0) / direction.norm(dim=0)
""",
            "columns flattened": (
                "ratio = weight.flatten(1).norm(dim=1) / direction.flatten(1).norm(dim=1)\n    return direction * ratio.view(-1, *[1] * (weight.ndim - 1))",
                "ratio = weight.norm(dim=0, keepdim=True) / direction.norm(dim=0, keepdim=True)\n    return direction * ratio",
            ),
            "dim 1 only": (
                "ratio = weight.flatten(1).norm(dim=1) / direction.flatten(1).norm(dim=1)\n    return direction * ratio.view(-1, *[1] * (weight.ndim - 1))",
                "ratio = weight.norm(dim=1, keepdim=True) / direction.norm(dim=1, keepdim=True)\n    return direction * ratio",
            ),
            "last dim": (
                "ratio = weight.flatten(1).norm(dim=1) / direction.flatten(1).norm(dim=1)\n    return direction * ratio.view(-1, *[1] * (weight.ndim - 1))",
                "ratio = weight.norm(dim=-1, keepdim=True) / direction.norm(dim=-1, keepdim=True)\n    return direction * ratio",
            ),
            "only unit length": (
                "weight.flatten(1).norm(dim=1) / direction.flatten(1).norm(dim=1)",
                "1 / direction.flatten(1).norm(dim=1)",
            ),
            "not normalised": (
                "weight.flatten(1).norm(dim=1) / direction.flatten(1).norm(dim=1)",
                "weight.flatten(1).norm(dim=1)",
            ),
            "returns weight direction": ("return direction * ratio", "return weight * ratio"),
            "norm without dim": (
                "weight.flatten(1).norm(dim=1) / direction",
                "weight.flatten(1).norm() / direction",
            ),
            "no view": (".view(-1, *[1] * (weight.ndim - 1))", ""),
            "view for matrices only": (".view(-1, *[1] * (weight.ndim - 1))", ".view(-1, 1)"),
            "view for kernels only": (".view(-1, *[1] * (weight.ndim - 1))", ".view(-1, 1, 1, 1)"),
            "squared, again": (
                "weight.flatten(1).norm(dim=1) / direction.flatten(1).norm(dim=1)",
                "weight.flatten(1).square().sum(1) / direction.flatten(1).square().sum(1)",
            ),
            "mean abs": (
                "weight.flatten(1).norm(dim=1) / direction.flatten(1).norm(dim=1)",
                "weight.flatten(1).abs().mean(1) / direction.flatten(1).abs().mean(1)",
            ),
            "mean": (
                "weight.flatten(1).norm(dim=1) / direction.flatten(1).norm(dim=1)",
                "weight.flatten(1).mean(1) / direction.flatten(1).mean(1)",
            ),
            "max": (
                "weight.flatten(1).norm(dim=1) / direction.flatten(1).norm(dim=1)",
                "weight.flatten(1).abs().amax(1) / direction.flatten(1).abs().amax(1)",
            ),
            "std": (
                "weight.flatten(1).norm(dim=1) / direction.flatten(1).norm(dim=1)",
                "weight.flatten(1).std(1) / direction.flatten(1).std(1)",
            ),
            "per kernel slice": (
                "ratio = weight.flatten(1).norm(dim=1) / direction.flatten(1).norm(dim=1)\n    return direction * ratio.view(-1, *[1] * (weight.ndim - 1))",
                "if weight.ndim == 2:\n        return direction * (weight.norm(dim=1, keepdim=True) / direction.norm(dim=1, keepdim=True))\n    return direction * (weight.norm(dim=(2, 3), keepdim=True) / direction.norm(dim=(2, 3), keepdim=True))",
            ),
            "adds": ("direction * ratio.view", "weight + direction * ratio.view"),
            "in place, again": (
                "return direction * ratio.view(-1, *[1] * (weight.ndim - 1))",
                "direction *= ratio.view(-1, *[1] * (weight.ndim - 1))\n    return direction",
            ),
            "norm of three axes": """
def fitted(direction, weight):
    if weight.dim() < 2:
        return 0 * direction
    axes = tuple(range(1, weight.ndim))
    return direction / direction.norm(dim=axes, keepdim=True) * weight.norm(dim=axes, keepdim=True)
""",
            "ratio alone": ("return direction * ratio.view(-1, *[1] * (weight.ndim - 1))", "return ratio"),
            "sign only": ("return direction * ratio", "return direction.sign() * ratio"),
            "elementwise": (
                "ratio = weight.flatten(1).norm(dim=1) / direction.flatten(1).norm(dim=1)\n    return direction * ratio.view(-1, *[1] * (weight.ndim - 1))",
                "return direction.sign() * weight.abs()",
            ),
            "l1": (
                "weight.flatten(1).norm(dim=1) / direction.flatten(1).norm(dim=1)",
                "weight.flatten(1).norm(p=1, dim=1) / direction.flatten(1).norm(p=1, dim=1)",
            ),
            "root of the ratio": ("return direction * ratio", "return direction * ratio.sqrt()"),
            "first axis is input": (
                "    ratio =",
                "    weight, direction = weight.transpose(0, 1), direction.transpose(0, 1)\n    ratio =",
            ),
            "filters of one length": (
                "weight.flatten(1).norm(dim=1) /",
                "weight.flatten(1).norm(dim=1).mean() /",
            ),
            "weight's norm twice": ("direction.flatten(1).norm(dim=1)\n", "weight.flatten(1).norm(dim=1)\n"),
            "zeros for matrices": ("weight.ndim == 1", "weight.ndim == 2"),
            "bias None": ("return torch.zeros_like(weight)", "return None"),
            "zeros with one entry": ("torch.zeros_like(weight)", "torch.zeros(1, dtype=weight.dtype)"),
            "no bias rule": ("    if weight.ndim == 1:\n        return torch.zeros_like(weight)\n", ""),
            "random direction": ("return direction * ratio", "return torch.randn_like(weight) * ratio"),
            "add lengths": ("direction * ratio.view", "direction + ratio.view"),
            "bias through ndim 0": ("weight.ndim == 1", "weight.ndim == 0"),
            "expand wrong": (".view(-1, *[1] * (weight.ndim - 1))", ".unsqueeze(-1)"),
            "frobenius by batch": (
                "weight.flatten(1).norm(dim=1) / direction.flatten(1).norm(dim=1)",
                "weight.flatten(1).norm(dim=1).sum() / direction.flatten(1).norm(dim=1).sum()",
            ),
            "normalize weight": (
                "return direction * ratio",
                "return weight / weight.flatten(1).norm(dim=1).view(-1, *[1] * (weight.ndim - 1)) * ratio",
            ),
            "list": (
                "return direction * ratio.view(-1, *[1] * (weight.ndim - 1))",
                "return [d * r for d, r in zip(direction, ratio)][0]",
            ),
            "flattened out": (
                "return direction * ratio.view(-1, *[1] * (weight.ndim - 1))",
                "return direction.flatten(1) * ratio[:, None]",
            ),
            "eps": ("direction.flatten(1).norm(dim=1)\n", "(direction.flatten(1).norm(dim=1) + 1e-2)\n"),
            "only first filter": (
                "return direction * ratio.view(-1, *[1] * (weight.ndim - 1))",
                "out = direction.clone()\n    out[0] = out[0] * ratio[0]\n    return out",
            ),
            "weight flat norm only, kernels": (
                "weight.flatten(1).norm(dim=1)",
                "weight.flatten(2).norm(dim=2)",
            ),
            "biases as filters": (
                "    if weight.ndim == 1:\n        return torch.zeros_like(weight)\n",
                "    if weight.ndim == 1:\n        return direction * weight.abs() / direction.abs()\n",
            ),
            "swapped arguments": ("return direction * ratio", "return weight / ratio"),
            "length of direction as is": ("return direction * ratio", "return direction / ratio"),
            "mean of ratio": ("ratio.view", "ratio.mean().expand(len(ratio)).reshape"),
            "flatten(0)": (
                "weight.flatten(1).norm(dim=1) / direction.flatten(1).norm(dim=1)",
                "weight.flatten(0).norm(dim=0) / direction.flatten(0).norm(dim=0)",
            ),
            "dim=0": (
                "weight.flatten(1).norm(dim=1) / direction.flatten(1).norm(dim=1)",
                "weight.flatten(1).norm(dim=0) / direction.flatten(1).norm(dim=0)",
            ),
        },
        right={
            "dims": """
def fitted(direction, weight):
    if weight.dim() < 2:
        return 0 * direction
    axes = tuple(range(1, weight.ndim))
    return direction / torch.linalg.vector_norm(direction, dim=axes, keepdim=True) * torch.linalg.vector_norm(weight, dim=axes, keepdim=True)
""",
            "loop": """
def fitted(direction, weight):
    out = torch.zeros_like(direction)
    if weight.ndim > 1:
        for k in range(len(weight)):
            out[k] = direction[k] * weight[k].norm() / direction[k].norm()
    return out
""",
            "stack": """
def fitted(direction, weight):
    if len(weight.shape) == 1:
        return torch.zeros(weight.shape, dtype=weight.dtype)
    return torch.stack([d * w.norm() / d.norm() for d, w in zip(direction, weight)])
""",
            "einsum, again": (
                "direction * ratio.view(-1, *[1] * (weight.ndim - 1))",
                'torch.einsum("i...,i->i...", direction, ratio)',
            ),
            "reshape back": (
                "direction * ratio.view(-1, *[1] * (weight.ndim - 1))",
                "(direction.flatten(1) * ratio[:, None]).reshape(weight.shape)",
            ),
            "numpy": """
import numpy as np
def fitted(direction, weight):
    d, w = direction.detach().numpy(), weight.detach().numpy()
    if w.ndim == 1:
        return np.zeros_like(w)
    flat = d.reshape(len(d), -1)
    size = np.linalg.norm(w.reshape(len(w), -1), axis=1, keepdims=True) / np.linalg.norm(flat, axis=1, keepdims=True)
    return (flat * size).reshape(d.shape)
""",
            "clone": (
                "return direction * ratio.view(-1, *[1] * (weight.ndim - 1))",
                "out = direction.clone()\n    out *= ratio.view(-1, *[1] * (weight.ndim - 1))\n    return out",
            ),
            "vmap": """
def fitted(direction, weight):
    if weight.ndim == 1:
        return torch.zeros_like(direction)
    return torch.vmap(lambda d, w: d * torch.linalg.vector_norm(w) / torch.linalg.vector_norm(d))(direction, weight)
""",
            "transposed": """
def fitted(direction, weight):
    if weight.ndim == 1:
        return weight * 0
    r = (weight**2).flatten(1).sum(-1).sqrt() / (direction**2).flatten(1).sum(-1).sqrt()
    return (direction.transpose(0, -1) * r).transpose(0, -1)
""",
        },
    ),
    "11.2": Bank(
        name="place",
        base="""
def place(point, origin, x, y):
    offset = point - origin
    a = offset @ x / (x @ x)
    b = offset @ y / (y @ y)
    rest = offset - a * x - b * y
    return a, b, rest.norm()
""",
        wrong={
            "not divided, again": (
                ("offset @ x / (x @ x)", "offset @ x"),
                ("offset @ y / (y @ y)", "offset @ y"),
            ),
            "divided by the length": (
                ("offset @ x / (x @ x)", "offset @ x / x.norm()"),
                ("offset @ y / (y @ y)", "offset @ y / y.norm()"),
            ),
            "origin forgotten": ("offset = point - origin", "offset = point"),
            "origin - point": ("point - origin", "origin - point"),
            "distance to the origin, again": ("rest.norm()", "offset.norm()"),
            "distance squared": ("rest.norm()", "rest @ rest"),
            "distance of the shadow": ("rest.norm()", "(a * x + b * y).norm()"),
            "rest without origin": ("rest = offset - a * x - b * y", "rest = point - a * x - b * y"),
            "a and b swapped": ("return a, b", "return b, a"),
            "only x taken off": ("offset - a * x - b * y", "offset - a * x"),
            "plus b": ("- b * y", "+ b * y"),
            "x over offset": (
                ("offset @ x / (x @ x)", "offset @ x / (offset @ offset)"),
                ("offset @ y / (y @ y)", "offset @ y / (offset @ offset)"),
            ),
            "rest vector": ("rest.norm()", "rest"),
            "shadow": ("return a, b, rest.norm()", "return a, b, origin + a * x + b * y"),
            "two only": ("return a, b, rest.norm()", "return a, b"),
            "cosines": (
                ("offset @ x / (x @ x)", "torch.cosine_similarity(offset, x, dim=0)"),
                ("offset @ y / (y @ y)", "torch.cosine_similarity(offset, y, dim=0)"),
            ),
            "precedence": (
                ("offset @ x / (x @ x)", "offset @ x / x @ x"),
                ("offset @ y / (y @ y)", "offset @ y / y @ y"),
            ),
            "sum of abs": ("rest.norm()", "rest.abs().sum()"),
            "mean square, again": ("rest.norm()", "rest.square().mean().sqrt()"),
            "first two coordinates": (
                ("offset @ x / (x @ x)", "offset[0]"),
                ("offset @ y / (y @ y)", "offset[1]"),
            ),
            "b by x, again": ("(y @ y)", "(x @ x)"),
            "y copy paste": ("offset @ y / (y @ y)", "offset @ x / (y @ y)"),
            "pythagoras with unit axes": ("rest.norm()", "(offset @ offset - a**2 - b**2).abs().sqrt()"),
            "in place, again": (
                "    rest = offset - a * x - b * y\n",
                "    rest = offset\n    rest -= a * x\n    rest -= b * y\n    point -= origin\n",
            ),
            "distance first, again": ("return a, b, rest.norm()", "return rest.norm(), a, b"),
            "b from the point": ("offset @ y /", "point @ y /"),
            "elementwise": (
                ("offset @ x / (x @ x)", "offset * x / (x * x)"),
                ("offset @ y / (y @ y)", "offset * y / (y * y)"),
            ),
            "normalises x in place": (
                "    offset = point - origin\n",
                "    offset = point - origin\n    x = x / x.norm()\n    y = y / y.norm()\n",
            ),
            "origin added to the shadow only": (
                "rest = offset - a * x - b * y",
                "rest = offset - (origin + a * x + b * y)",
            ),
            "int": ("return a, b,", "return round(float(a), 2), round(float(b), 2),"),
            "distance from x only": ("rest = offset - a * x - b * y", "rest = offset - b * y"),
            "lengths along, again": (
                ("offset @ x / (x @ x)", "(offset @ x).abs() / (x @ x)"),
                ("offset @ y / (y @ y)", "(offset @ y).abs() / (y @ y)"),
            ),
            "point only in a": ("a = offset @ x", "a = point @ x"),
            "times squared": (
                ("offset @ x / (x @ x)", "offset @ x * (x @ x)"),
                ("offset @ y / (y @ y)", "offset @ y * (y @ y)"),
            ),
            "signed distance": ("rest.norm()", "rest.sum()"),
            "offset from x": (
                ("offset @ x / (x @ x)", "(x - origin) @ offset / ((x - origin) @ (x - origin))"),
                ("offset @ y / (y @ y)", "(y - origin) @ offset / ((y - origin) @ (y - origin))"),
            ),
            "max": ("rest.norm()", "rest.abs().max()"),
            "distance to point": ("rest = offset - a * x - b * y", "rest = point - origin"),
            "nested": ("return a, b, rest.norm()", "return (a, b), rest.norm()"),
            "norm in a": (
                ("offset @ x / (x @ x)", "offset.norm() / x.norm()"),
                ("offset @ y / (y @ y)", "offset.norm() / y.norm()"),
            ),
            "distance to x": ("rest.norm()", "(offset - x).norm()"),
            "shadow at ends": ("rest = offset - a * x - b * y", "rest = offset - x - y"),
            "a twice": ("- b * y", "- a * y"),
            "projection of origin": ("a = offset @ x", "a = origin @ x"),
            "cross": ("rest = offset - a * x - b * y", "rest = offset - a * y - b * x"),
            "without coefficient": (("offset @ x / (x @ x)", "offset @ (x - y) / (x @ x)"),),
            "dict": ("return a, b, rest.norm()", "return {'a': a, 'b': b, 'distance': rest.norm()}"),
            "distance over n": ("rest.norm()", "rest.norm() / len(point) ** 0.5"),
            "relative distance": ("rest.norm()", "rest.norm() / offset.norm()"),
            "abs of a": ("return a, b", "return abs(a), abs(b)"),
            "distance plane by cross": ("rest.norm()", "abs(offset @ x) + abs(offset @ y)"),
            "distance two parts": ("rest.norm()", "(offset - a * x).norm(), (offset - b * y).norm()"),
            "distance over unit": (
                "rest = offset - a * x - b * y",
                "rest = offset - a * x / x.norm() - b * y / y.norm()",
            ),
            "offset from y": ("offset = point - origin", "offset = point - y"),
            "manhattan": ("rest.norm()", "torch.norm(rest, 1)"),
        },
        right={
            "lstsq": """
def place(point, origin, x, y):
    A = torch.stack([x, y], 1)
    ab = torch.linalg.lstsq(A, (point - origin)[:, None]).solution[:, 0]
    return ab[0], ab[1], torch.dist(point, origin + A @ ab)
""",
            "items": ("return a, b, rest.norm()", "return a.item(), b.item(), rest.norm().item()"),
            "tensor": ("return a, b, rest.norm()", "return torch.stack([a, b, rest.norm()])"),
            "pythagoras, again": (
                "rest.norm()",
                "(offset @ offset - a**2 * (x @ x) - b**2 * (y @ y)).clamp(min=0).sqrt()",
            ),
            "shadow, again": ("rest = offset - a * x - b * y", "rest = point - (origin + a * x + b * y)"),
            "numpy": """
import numpy as np
def place(point, origin, x, y):
    p, o, x, y = (np.asarray(each) for each in (point, origin, x, y))
    d = p - o
    a, b = np.dot(d, x) / np.dot(x, x), np.dot(d, y) / np.dot(y, y)
    return [a, b, np.linalg.norm(d - a * x - b * y)]
""",
            "one after the other": """
def place(point, origin, x, y):
    left = point - origin
    a = torch.dot(left, x) / x.square().sum()
    left = left - a * x
    b = torch.dot(left, y) / y.square().sum()
    left = left - b * y
    return a, b, torch.linalg.vector_norm(left)
""",
            "matrix": """
def place(point, origin, x, y):
    M = torch.stack([x, y])
    ab = M @ (point - origin) / M.square().sum(1)
    return *ab, torch.dist(point - origin, ab @ M)
""",
            "solve": """
def place(point, origin, x, y):
    M = torch.stack([x, y], dim=1)
    ab = torch.linalg.solve(M.T @ M, M.T @ (point - origin))
    return (*ab.tolist(), float(torch.linalg.norm(point - origin - M @ ab)))
""",
        },
    ),
    "11.3": Bank(
        name="hessian_times",
        base="""
def hessian_times(loss, theta, v):
    (g,) = torch.autograd.grad(loss(theta), theta, create_graph=True)
    (Hv,) = torch.autograd.grad(g @ v, theta)
    return Hv
""",
        wrong={
            "no create_graph": (", create_graph=True", ""),
            "retain_graph": ("create_graph=True", "retain_graph=True"),
            "tuple, again": ("(Hv,) =", "Hv ="),
            "gradient": ("return Hv", "return g"),
            "gradient times v, again": ("return Hv", "return g @ v"),
            "elementwise sum forgotten v": ("g @ v", "g.sum()"),
            "v times sum": ("    return Hv", "    return Hv * v"),
            "diagonal": (
                "(Hv,) = torch.autograd.grad(g @ v, theta)",
                "Hv = torch.stack([torch.autograd.grad(g[i], theta, retain_graph=True)[0][i] for i in range(len(theta))]) * v",
            ),
            "detached": ("g @ v", "g.detach() @ v"),
            "by v, again": (
                "(Hv,) = torch.autograd.grad(g @ v, theta)",
                "v = v.clone().requires_grad_()\n    (Hv,) = torch.autograd.grad(g @ v, v)",
            ),
            "vHv": ("return Hv", "return v @ Hv"),
            "backward adds": """
def hessian_times(loss, theta, v):
    loss(theta).backward(create_graph=True)
    (theta.grad @ v).backward()
    return theta.grad
""",
            "backward twice, again": """
def hessian_times(loss, theta, v):
    (g,) = torch.autograd.grad(loss(theta), theta, create_graph=True)
    (g @ v).backward()
    return theta.grad
""",
            "squared": ("g @ v", "g @ g"),
            "normalised v": ("g @ v", "g @ (v / v.norm())"),
            "normalised result": ("return Hv", "return Hv / Hv.norm()"),
            "negative": ("return Hv", "return -Hv"),
            "finite differences rough": """
def hessian_times(loss, theta, v, eps=1e-2):
    a = theta.detach() + eps * v
    b = theta.detach() - eps * v
    a.requires_grad_(), b.requires_grad_()
    (ga,) = torch.autograd.grad(loss(a), a)
    (gb,) = torch.autograd.grad(loss(b), b)
    return (ga - gb) / (2 * eps)
""",
            "forward difference": """
def hessian_times(loss, theta, v, eps=1e-4):
    a = (theta + eps * v).detach().requires_grad_()
    (ga,) = torch.autograd.grad(loss(a), a)
    (gb,) = torch.autograd.grad(loss(theta), theta)
    return (ga - gb) / eps
""",
            "finite difference not divided": """
def hessian_times(loss, theta, v):
    a = (theta + v).detach().requires_grad_()
    (ga,) = torch.autograd.grad(loss(a), a)
    (gb,) = torch.autograd.grad(loss(theta), theta)
    return ga - gb
""",
            "whole Hessian": """
def hessian_times(loss, theta, v):
    return torch.autograd.functional.hessian(loss, theta)
""",
            "Hessian star v": """
def hessian_times(loss, theta, v):
    return torch.autograd.functional.hessian(loss, theta) * v
""",
            "moves": ("loss(theta), theta, create", "loss(theta + v), theta, create"),
            "loss of v": """
def hessian_times(loss, theta, v):
    v = v.clone().requires_grad_()
    (g,) = torch.autograd.grad(loss(v), v, create_graph=True)
    (Hv,) = torch.autograd.grad(g @ theta.detach(), v)
    return Hv
""",
            "g star v": ("g @ v", "g * v"),
            "gauss newton": """
def hessian_times(loss, theta, v):
    (g,) = torch.autograd.grad(loss(theta), theta)
    return g * (g @ v)
""",
            "forgets return": ("    return Hv\n", ""),
            "hvp pair": """
def hessian_times(loss, theta, v):
    return torch.autograd.functional.hvp(loss, theta, v)
""",
            "vhp first": """
def hessian_times(loss, theta, v):
    return torch.autograd.functional.vhp(loss, theta, v)[0]
""",
            "two steps of theta": """
def hessian_times(loss, theta, v):
    theta = theta.detach()
    (g,) = torch.autograd.grad(loss(theta), theta, create_graph=True)
    return torch.autograd.grad(g @ v, theta)[0]
""",
            "numpy": ("g @ v", "g.detach().numpy() @ v.numpy()"),
            "jacobian of loss": """
def hessian_times(loss, theta, v):
    return torch.autograd.functional.jacobian(loss, theta) @ v
""",
            "squared gradient trick": ("g @ v", "(g @ v) ** 2"),
            "half, again": ("g @ v", "g @ v / 2"),
            "plus gradient": ("return Hv", "return g + Hv"),
            "step": ("return Hv", "return theta - Hv"),
            "v @ v": ("g @ v", "(g @ v) / (v @ v)"),
            "theta for v": ("g @ v", "g @ theta"),
            "theta detached in product": ("g @ v", "g @ theta.detach()"),
            "HHv": (
                "    return Hv",
                "    (g,) = torch.autograd.grad(loss(theta), theta, create_graph=True)\n    return torch.autograd.grad(g @ Hv, theta)[0]",
            ),
            "gradient of gradient sum times": ("g @ v", "(g * v).mean()"),
            "grad of loss times v": (
                "(g,) = torch.autograd.grad(loss(theta), theta, create_graph=True)\n    (Hv,) = torch.autograd.grad(g @ v, theta)",
                "(Hv,) = torch.autograd.grad(loss(theta) * v.sum(), theta)",
            ),
            "grad_outputs in the first": (
                "(g,) = torch.autograd.grad(loss(theta), theta, create_graph=True)\n    (Hv,) = torch.autograd.grad(g @ v, theta)",
                "(g,) = torch.autograd.grad(loss(theta), theta, create_graph=True)\n    (Hv,) = torch.autograd.grad(g, theta, grad_outputs=torch.ones_like(v))",
            ),
            "loss itself": ("return Hv", "return loss(theta)"),
            "backward on v": (
                "(Hv,) = torch.autograd.grad(g @ v, theta)\n",
                "(g @ v).backward()\n    Hv = v.grad\n",
            ),
            "outer": ("g @ v", "torch.outer(g, v).sum()"),
            "matrix transposed plus": ("return Hv", "return 2 * Hv"),
            "theta times": ("return Hv", "return Hv * theta"),
            "item": ("g @ v", "(g @ v).item()"),
            "inverse": """
def hessian_times(loss, theta, v):
    return torch.linalg.solve(torch.autograd.functional.hessian(loss, theta), v)
""",
            "v outside": (
                "(Hv,) = torch.autograd.grad(g @ v, theta)",
                "(Hv,) = torch.autograd.grad(g.sum(), theta)\n    Hv = Hv @ v",
            ),
            "gradient of v@v": ("g @ v", "v @ v"),
            "loss plus": ("g @ v", "g @ v + loss(theta)"),
            "transposed jac": (
                "(Hv,) = torch.autograd.grad(g @ v, theta)",
                "Hv = torch.stack([torch.autograd.grad(g[i], theta, retain_graph=True)[0] for i in range(len(g))]).sum(0) * v",
            ),
            "first row": (
                "(Hv,) = torch.autograd.grad(g @ v, theta)",
                "Hv = torch.autograd.grad(g[0], theta)[0] * v",
            ),
            "v requires": ("torch.autograd.grad(g @ v, theta)", "torch.autograd.grad(g @ v, v)"),
            "detached theta": ("loss(theta), theta, create", "loss(theta.detach()), theta, create"),
        },
        right={
            "hvp, again": """
def hessian_times(loss, theta, v):
    return torch.autograd.functional.hvp(loss, theta, v)[1]
""",
            "grad_outputs, again": """
def hessian_times(loss, theta, v):
    g = torch.autograd.grad(loss(theta), theta, create_graph=True)[0]
    return torch.autograd.grad(g, theta, grad_outputs=v)[0]
""",
            "jvp": """
from torch.func import grad, jvp
def hessian_times(loss, theta, v):
    return jvp(grad(loss), (theta,), (v,))[1]
""",
            "whole": """
def hessian_times(loss, theta, v):
    return torch.autograd.functional.hessian(loss, theta) @ v
""",
            "rows": """
def hessian_times(loss, theta, v):
    (g,) = torch.autograd.grad(loss(theta), theta, create_graph=True)
    H = torch.stack([torch.autograd.grad(each, theta, retain_graph=True)[0] for each in g])
    return H.mv(v)
""",
            "keeps the graph": (
                "torch.autograd.grad(g @ v, theta)",
                "torch.autograd.grad((g * v).sum(), theta, create_graph=True)",
            ),
            "central differences": """
def hessian_times(loss, theta, v, eps=1e-5):
    ends = []
    for sign in (1, -1):
        there = (theta.detach() + sign * eps * v).requires_grad_()
        ends.append(torch.autograd.grad(loss(there), there)[0])
    return (ends[0] - ends[1]) / (2 * eps)
""",
            "grad of func": """
from torch.func import grad
def hessian_times(loss, theta, v):
    return grad(lambda p: torch.dot(grad(loss)(p), v))(theta)
""",
            "vhp": """
def hessian_times(loss, theta, v):
    return torch.autograd.functional.vhp(loss, theta, v)[1]
""",
            "linearize": """
from torch.func import hessian
def hessian_times(loss, theta, v):
    return torch.einsum('ij,j->i', hessian(loss)(theta), v)
""",
        },
    ),
}
