"""Answers to the exercises of lesson 08."""

from mlteach.exercises.bank import Bank

#: What the lesson has imported and defined at the cell of 08.2.
MEASURING = """
import itertools
from torch.func import grad, jvp
from mlteach.measure.expansion import avg_grad, avg_grad_inner
from mlteach.params import add, dot, norm, scale, subtract

def total(parts):
    return {name: sum(part[name] for part in parts) for name in parts[0]}
"""

BANK = {
    "08.1": Bank(
        name="counted",
        base="""
def counted(method, k):
    if method == "maml":
        return 1, 2 * (k - 1)
    if method == "fomaml":
        return 1, k - 1
    return k, k * (k - 1) / 2
""",
        wrong={
            "MAML as FOMAML": ("return 1, 2 * (k - 1)", "return 1, k - 1"),
            "FOMAML as MAML": ("return 1, k - 1", "return 1, 2 * (k - 1)"),
            "MAML and FOMAML swapped": (
                ("return 1, k - 1", "return 1, 2*(k-1)"),
                ("return 1, 2 * (k - 1)", "return 1, k - 1"),
            ),
            "k steps for MAML": ("2 * (k - 1)", "2 * k"),
            "k steps for FOMAML": ("return 1, k - 1", "return 1, k"),
            "k steps for both": (("2 * (k - 1)", "2 * k"), ("return 1, k - 1", "return 1, k")),
            "MAML 2k - 1": ("2 * (k - 1)", "2 * k - 1"),
            "MAML without brackets": ("2 * (k - 1)", "2 * k - 2 + 1"),
            "Reptile's last gradient alone": ("return k, k * (k - 1) / 2", "return 1, k - 1"),
            "Reptile k - 1": ("k, k * (k - 1) / 2", "k, k - 1"),
            "Reptile's own minibatch counted": ("k * (k - 1) / 2", "k * (k + 1) / 2"),
            "Reptile's pairs twice": ("k * (k - 1) / 2", "k * (k - 1)"),
            "Reptile's mean": ("return k, k * (k - 1) / 2", "return 1, (k - 1) / 2"),
            "Reptile c = 1": ("return k, k * (k - 1) / 2", "return 1, k * (k - 1) / 2"),
            "Reptile c = k - 1": ("return k, k * (k - 1) / 2", "return k - 1, k * (k - 1) / 2"),
            "Reptile k squared": ("k * (k - 1) / 2", "k ** 2 / 2"),
            "Reptile stops one early": ("k * (k - 1) / 2", "(k - 1) * (k - 2) / 2"),
            "Reptile by integer halves": ("k * (k - 1) / 2", "k * ((k - 1) // 2)"),
            "c = k for all": (
                ("return 1, 2 * (k - 1)", "return k, 2 * (k - 1)"),
                ("return 1, k - 1", "return k, k - 1"),
            ),
            "minus in front": (
                ("return 1, 2 * (k - 1)", "return 1, -2 * (k - 1)"),
                ("return 1, k - 1", "return 1, 1 - k"),
                ("return k, k * (k - 1) / 2", "return k, -k * (k - 1) / 2"),
            ),
            "d before c": (
                ("return 1, 2 * (k - 1)", "return 2 * (k - 1), 1"),
                ("return 1, k - 1", "return k - 1, 1"),
                ("return k, k * (k - 1) / 2", "return k * (k - 1) / 2, k"),
            ),
            "the ratio alone": (
                ("return 1, 2 * (k - 1)", "return 2 * (k - 1)"),
                ("return 1, k - 1", "return k - 1"),
                ("return k, k * (k - 1) / 2", "return (k - 1) / 2"),
            ),
            "right for k = 2 alone": (
                ("2 * (k - 1)", "k"),
                ("return 1, k - 1", "return 1, 1"),
                ("k * (k - 1) / 2", "1"),
            ),
            "capital names": (('"maml"', '"MAML"'), ('"fomaml"', '"FOMAML"')),
            "in dots of a range": ("k * (k - 1) / 2", "sum(range(k + 1))"),
            "nothing for Reptile": ("    return k, k * (k - 1) / 2\n", "    k, k * (k - 1) / 2\n"),
            "second order for Reptile": ("k * (k - 1) / 2", "2 * k * (k - 1) / 2"),
        },  # fmt: skip
        pitfalls=("MAML as FOMAML", "MAML and FOMAML swapped", "Reptile c = 1", "Reptile's pairs twice"),
        right={
            "the solution": """
def counted(method, k):
    if method == "reptile":
        return k, k * (k - 1) / 2
    return 1, (2 if method == "maml" else 1) * (k - 1)
""",
            "whole numbers": ("k * (k - 1) / 2", "k * (k - 1) // 2"),
            "a list": (
                ("return 1, 2 * (k - 1)", "return [1, 2 * (k - 1)]"),
                ("return 1, k - 1", "return [1, k - 1]"),
                ("return k, k * (k - 1) / 2", "return [k, k * (k - 1) / 2]"),
            ),
            "an array": """
import numpy as np
def counted(method, k):
    return np.array({"maml": [1, 2 * k - 2], "fomaml": [1, k - 1], "reptile": [k, sum(range(k))]}[method])
""",
            "one tensor": """
def counted(method, k):
    c, d = {"maml": (1, 2 * (k - 1)), "fomaml": (1, k - 1), "reptile": (k, k * (k - 1) / 2)}[method]
    return torch.tensor([c, d])
""",
            "two tensors": """
def counted(method, k):
    if method == "reptile":
        return torch.tensor(k), torch.arange(k).sum()
    return torch.tensor(1.0), torch.tensor([2.0 * (k - 1) if method == "maml" else k - 1.0])
""",
            "counted out": """
def counted(method, k):
    earlier = [i for i in range(k)]
    if method == "reptile":
        return len(earlier), sum(earlier)
    inner = len(earlier) - 1
    return 1, inner + inner if method == "maml" else inner
""",
        },  # fmt: skip
    ),
    "08.2": Bank(
        name="measured",
        setup=MEASURING,
        base="""
def measured(descends_on, losses, theta):
    def mean(alpha):
        orders = list(itertools.permutations(losses))
        found = [descends_on(order, theta, alpha) for order in orders]
        return scale(1 / len(orders), total(found))

    zero, one = torch.tensor([0.0, 1.0], dtype=torch.float64)
    value, slope = jvp(mean, (zero,), (one,))
    first, second = avg_grad(losses, theta), avg_grad_inner(losses, theta)
    c = dot(value, first) / dot(first, first)
    d = -dot(slope, second) / dot(second, second)
    return c.item(), d.item()
""",
        wrong={
            "one order": ("list(itertools.permutations(losses))", "[losses]"),
            "there and back": ("list(itertools.permutations(losses))", "[losses, losses[::-1]]"),
            "turned round": (
                "list(itertools.permutations(losses))",
                "[losses[i:] + losses[:i] for i in range(len(losses))]",
            ),
            "pairs only": ("permutations(losses)", "permutations(losses, 2)"),
            "combinations": ("permutations(losses)", "combinations(losses, len(losses))"),
            "with repeats": ("permutations(losses)", "product(losses, repeat=len(losses))"),
            "the sum": ("scale(1 / len(orders), total(found))", "total(found)"),
            "over k": ("1 / len(orders)", "1 / len(losses)"),
            "no minus": ("-dot(slope", "dot(slope"),
            "d first": ("return c.item(), d.item()", "return d.item(), c.item()"),
            "the ratio": ("return c.item(), d.item()", "return (d / c).item()"),
            "c alone": ("return c.item(), d.item()", "return c.item()"),
            "at alpha 1": ("(zero,), (one,)", "(one,), (one,)"),
            "at alpha 0.02": ("[0.0, 1.0]", "[0.02, 1.0]"),
            "tangent zero": ("(zero,), (one,)", "(zero,), (zero,)"),
            "value and slope swapped": ("value, slope = jvp", "slope, value = jvp"),
            "the terms swapped": ("first, second = avg_grad(", "second, first = avg_grad("),
            "by the length": ("dot(second, second)", "norm(second)"),
            "both by the length": (
                ("dot(first, first)", "norm(first)"),
                ("dot(second, second)", "norm(second)"),
            ),
            "not divided": ((" / dot(first, first)", ""), (" / dot(second, second)", "")),
            "upside down": ("dot(value, first) / dot(first, first)", "dot(first, first) / dot(value, first)"),
            "cosines": (
                ("dot(first, first)", "(norm(value) * norm(first))"),
                ("dot(second, second)", "(norm(slope) * norm(second))"),
            ),
            "d of AvgGrad": (
                "-dot(slope, second) / dot(second, second)",
                "-dot(slope, first) / dot(first, first)",
            ),
            "a long difference": """
def measured(descends_on, losses, theta):
    def mean(alpha):
        orders = list(itertools.permutations(losses))
        return scale(1 / len(orders), total([descends_on(order, theta, alpha) for order in orders]))
    first, second = avg_grad(losses, theta), avg_grad_inner(losses, theta)
    value = mean(0.0)
    slope = scale(1 / 0.05, subtract(mean(0.05), value))
    return (dot(value, first) / dot(first, first)).item(), -(dot(slope, second) / dot(second, second)).item()
""",
            "a difference, not divided": """
def measured(descends_on, losses, theta):
    def mean(alpha):
        orders = list(itertools.permutations(losses))
        return scale(1 / len(orders), total([descends_on(order, theta, alpha) for order in orders]))
    first, second = avg_grad(losses, theta), avg_grad_inner(losses, theta)
    value = mean(0.0)
    slope = subtract(mean(1e-3), value)
    return (dot(value, first) / dot(first, first)).item(), -(dot(slope, second) / dot(second, second)).item()
""",
            "own pairs too": (
                "avg_grad(losses, theta), avg_grad_inner(losses, theta)",
                """avg_grad(losses, theta), scale(
        1 / len(losses), total([jvp(grad(loss), (theta,), (avg_grad(losses, theta),))[1] for loss in losses]))""",
            ),
            "no return": ("return c.item(), d.item()", "c.item(), d.item()"),
            "theta moves": (
                "[descends_on(order, theta, alpha) for",
                "[descends_on(order, subtract(theta, scale(alpha, avg_grad(losses, theta))), alpha) for",
            ),
            "alpha fixed": ("descends_on(order, theta, alpha)", "descends_on(order, theta, 0.0)"),
        },  # fmt: skip
        pitfalls=("one order", "the sum", "no minus", "by the length", "at alpha 0.02"),
        right={
            "central differences": """
def measured(descends_on, losses, theta):
    def mean(alpha):
        orders = list(itertools.permutations(losses))
        return scale(1 / len(orders), total([descends_on(order, theta, alpha) for order in orders]))
    first, second, h = avg_grad(losses, theta), avg_grad_inner(losses, theta), 1e-5
    slope = scale(1 / (2 * h), subtract(mean(h), mean(-h)))
    c, d = dot(mean(0.0), first) / dot(first, first), dot(slope, second) / dot(second, second)
    return c, -d
""",
            "a short difference": """
def measured(descends_on, losses, theta):
    def mean(alpha):
        orders = list(itertools.permutations(losses))
        return scale(1 / len(orders), total([descends_on(order, theta, alpha) for order in orders]))
    first, second, h = avg_grad(losses, theta), avg_grad_inner(losses, theta), 1e-7
    value = mean(0.0)
    slope = scale(1 / h, subtract(value, mean(h)))
    return [float(dot(value, first) / dot(first, first)), float(dot(slope, second) / dot(second, second))]
""",
            "lengths": """
def measured(descends_on, losses, theta):
    def mean(alpha):
        orders = list(itertools.permutations(losses))
        return scale(1 / len(orders), total([descends_on(order, theta, alpha) for order in orders]))
    zero = torch.zeros((), dtype=torch.float64)
    value, slope = jvp(mean, (zero,), (torch.ones_like(zero),))
    return norm(value) / norm(avg_grad(losses, theta)), norm(slope) / norm(avg_grad_inner(losses, theta))
""",
            "each order by itself": """
def measured(descends_on, losses, theta):
    first, second = avg_grad(losses, theta), avg_grad_inner(losses, theta)
    zero, one = torch.tensor(0.0, dtype=torch.float64), torch.tensor(1.0, dtype=torch.float64)
    cs, ds = [], []
    for order in itertools.permutations(losses):
        value, slope = jvp(lambda alpha: descends_on(order, theta, alpha), (zero,), (one,))
        cs.append(dot(value, first) / dot(first, first))
        ds.append(-dot(slope, second) / dot(second, second))
    return sum(cs) / len(cs), sum(ds) / len(ds)
""",
            "its own terms": """
def measured(descends_on, losses, theta):
    def mean(alpha):
        orders = list(itertools.permutations(losses))
        return scale(1 / len(orders), total([descends_on(order, theta, alpha) for order in orders]))
    b = [grad(loss)(theta) for loss in losses]
    first = scale(1 / len(b), total(b))
    pairs = list(itertools.permutations(range(len(b)), 2))
    second = scale(1 / len(pairs), total([jvp(grad(losses[i]), (theta,), (b[j],))[1] for i, j in pairs]))
    zero = torch.tensor(0.0, dtype=torch.float64)
    value, slope = jvp(mean, (zero,), (zero + 1,))
    return torch.stack([dot(value, first) / dot(first, first), -dot(slope, second) / dot(second, second)])
""",
        },
    ),
    "08.3": Bank(
        name="inner",
        base="""
def inner(H1, b1, H2, b2):
    return (H1 @ b2 + H2 @ b1) / 2
""",
        wrong={
            "each its own": ("H1 @ b2 + H2 @ b1", "H1 @ b1 + H2 @ b2"),
            "the sum": ("(H1 @ b2 + H2 @ b1) / 2", "H1 @ b2 + H2 @ b1"),
            "half of one": ("(H1 @ b2 + H2 @ b1) / 2", "H1 @ b2 + H2 @ b1 / 2"),
            "half of the other": ("(H1 @ b2 + H2 @ b1) / 2", "H1 @ b2 / 2 + H2 @ b1"),
            "1 after 2 only": ("(H1 @ b2 + H2 @ b1) / 2", "H1 @ b2"),
            "2 after 1 only": ("(H1 @ b2 + H2 @ b1) / 2", "H2 @ b1"),
            "half of one order": ("(H1 @ b2 + H2 @ b1) / 2", "H2 @ b1 / 2"),
            "means of both": ("(H1 @ b2 + H2 @ b1) / 2", "((H1 + H2) / 2) @ ((b1 + b2) / 2)"),
            "all four over four": ("(H1 @ b2 + H2 @ b1) / 2", "(H1 @ b1 + H1 @ b2 + H2 @ b1 + H2 @ b2) / 4"),
            "all four over two": ("(H1 @ b2 + H2 @ b1) / 2", "(H1 + H2) @ (b1 + b2) / 2"),
            "a minus": ("return (", "return -("),
            "the difference": ("+", "-"),
            "the inner product": ("(H1 @ b2 + H2 @ b1) / 2", "b1 @ b2"),
            "half the inner product": ("(H1 @ b2 + H2 @ b1) / 2", "b1 @ b2 / 2"),
            "over four": ("/ 2", "/ 4"),
            "number by number": ("H1 @ b2 + H2 @ b1", "H1 * b2 + H2 * b1"),
            "Hessians multiplied": ("(H1 @ b2 + H2 @ b1) / 2", "(H1 @ H2 @ b2 + H2 @ H1 @ b1) / 2"),
            "both by b1": ("H1 @ b2", "H1 @ b1"),
            "both by b2": ("H2 @ b1", "H2 @ b2"),
            "both by H1": ("H2 @ b1", "H1 @ b1"),
            "a pair": ("(H1 @ b2 + H2 @ b1) / 2", "H1 @ b2, H2 @ b1"),
            "stacked": ("(H1 @ b2 + H2 @ b1) / 2", "torch.stack([H1 @ b2, H2 @ b1])"),
            "a mean over all": ("(H1 @ b2 + H2 @ b1) / 2", "torch.stack([H1 @ b2, H2 @ b1]).mean()"),
            "float32": ("return (H1 @ b2 + H2 @ b1) / 2", "return ((H1 @ b2 + H2 @ b1) / 2).float()"),
            "no return": ("return (H1 @ b2 + H2 @ b1) / 2", "avg = (H1 @ b2 + H2 @ b1) / 2"),
            "a column": (
                "return (H1 @ b2 + H2 @ b1) / 2",
                "return (H1 @ b2[:, None] + H2 @ b1[:, None]) / 2",
            ),
            "in place": ("return (H1 @ b2 + H2 @ b1) / 2", "b1 += b2\n    return (H1 + H2) @ b1 / 2"),
        },  # fmt: skip
        pitfalls=("each its own", "the sum", "means of both", "2 after 1 only"),
        right={
            "halves": ("(H1 @ b2 + H2 @ b1) / 2", "0.5 * H1 @ b2 + 0.5 * H2 @ b1"),
            "mv": ("(H1 @ b2 + H2 @ b1) / 2", "torch.mv(H1, b2).add(H2.mv(b1)).div(2)"),
            "matmul": ("(H1 @ b2 + H2 @ b1) / 2", "(torch.matmul(H2, b1) + torch.matmul(H1, b2)) * 0.5"),
            "stack and mean": ("(H1 @ b2 + H2 @ b1) / 2", "torch.stack([H1 @ b2, H2 @ b1]).mean(0)"),
            "einsum": (
                "(H1 @ b2 + H2 @ b1) / 2",
                'torch.einsum("kij,kj->i", torch.stack([H1, H2]), torch.stack([b2, b1])) / 2',
            ),
            "sums of rows": ("(H1 @ b2 + H2 @ b1) / 2", "((H1 * b2).sum(1) + (H2 * b1).sum(1)) / 2"),
            "from the left": ("(H1 @ b2 + H2 @ b1) / 2", "(b2 @ H1.T + b1 @ H2.T) / 2"),
        },  # fmt: skip
    ),
    "08.4": Bank(
        name="project",
        base="""
def project(theta, at, normal):
    return theta - normal * (normal @ (theta - at)) / (normal @ normal)
""",
        wrong={
            "a normal of length 1": (" / (normal @ normal)", ""),
            "divided by the length": ("(normal @ normal)", "normal.norm()"),
            "multiplied": (" / (normal @ normal)", " * (normal @ normal)"),
            "from zero": ("(theta - at)", "theta"),
            "away": ("theta - normal *", "theta + normal *"),
            "away, by at - theta": ("(theta - at)", "(at - theta)"),
            "the step": (
                "theta - normal * (normal @ (theta - at)) / (normal @ normal)",
                "normal * (normal @ (theta - at)) / (normal @ normal)",
            ),
            "the arrow": (
                "theta - normal * (normal @ (theta - at)) / (normal @ normal)",
                "-normal * (normal @ (theta - at)) / (normal @ normal)",
            ),
            "the given point": ("theta - normal * (normal @ (theta - at)) / (normal @ normal)", "at"),
            "theta itself": ("theta - normal * (normal @ (theta - at)) / (normal @ normal)", "theta"),
            "the part kept": ("theta - normal *", "at + normal *"),
            "from at": ("return theta -", "return at -"),
            "the mirror image": ("theta - normal *", "theta - 2 * normal *"),
            "half way": ("theta - normal *", "theta - 0.5 * normal *"),
            "number by number": ("(normal @ (theta - at))", "(normal * (theta - at))"),
            "by theta's length": ("(normal @ normal)", "(theta @ theta)"),
            "along theta - at": (
                "theta - normal * (normal @ (theta - at)) / (normal @ normal)",
                "theta - (theta - at) * (normal @ (theta - at)) / ((theta - at) @ (theta - at))",
            ),
            "at forgotten in the answer": (
                "theta - normal * (normal @ (theta - at)) / (normal @ normal)",
                "(theta - at) - normal * (normal @ (theta - at)) / (normal @ normal)",
            ),
            "the distance": (
                "theta - normal * (normal @ (theta - at)) / (normal @ normal)",
                "(normal @ (theta - at)).abs() / normal.norm()",
            ),
            "the coefficient": (
                "theta - normal * (normal @ (theta - at)) / (normal @ normal)",
                "(normal @ (theta - at)) / (normal @ normal)",
            ),
            "minus the coefficient": (
                "normal * (normal @ (theta - at)) / (normal @ normal)",
                "(normal @ (theta - at)) / (normal @ normal)",
            ),
            "unit normal once": (
                "theta - normal * (normal @ (theta - at)) / (normal @ normal)",
                "theta - normal * (normal / normal.norm() @ (theta - at))",
            ),
            "in place": (
                "return theta - normal * (normal @ (theta - at)) / (normal @ normal)",
                "theta -= normal * (normal @ (theta - at)) / (normal @ normal)\n    return theta",
            ),
            "no return": ("return theta", "point = theta"),
            "brackets": (
                "theta - normal * (normal @ (theta - at)) / (normal @ normal)",
                "(theta - normal) * (normal @ (theta - at)) / (normal @ normal)",
            ),
            "the norm of theta - at": ("(normal @ (theta - at))", "(theta - at).norm()"),
            "absolute": ("(normal @ (theta - at))", "(normal @ (theta - at)).abs()"),
        },  # fmt: skip
        pitfalls=("a normal of length 1", "divided by the length", "from zero", "away", "the mirror image"),
        right={
            "a unit normal": """
def project(theta, at, normal):
    n = normal / normal.norm()
    return theta - n * torch.dot(n, theta - at)
""",
            "squares summed": ("(normal @ normal)", "normal.square().sum()"),
            "norm squared": ("(normal @ normal)", "normal.norm() ** 2"),
            "from at": """
def project(theta, at, normal):
    away = theta - at
    return at + away - (away @ normal) / (normal @ normal) * normal
""",
            "a matrix": """
def project(theta, at, normal):
    P = torch.eye(len(theta), dtype=theta.dtype) - torch.outer(normal, normal) / (normal @ normal)
    return at + P @ (theta - at)
""",
            "two dots": ("(normal @ (theta - at))", "(normal @ theta - normal @ at)"),
            "cosine": """
def project(theta, at, normal):
    t = torch.sum(normal * (theta - at), dim=-1, keepdim=True) / torch.sum(normal * normal, dim=-1, keepdim=True)
    return theta - t * normal
""",
        },  # fmt: skip
    ),
}
