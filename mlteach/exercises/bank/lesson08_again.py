"""More answers to the exercises of lesson 08, from bases of their own."""

from mlteach.exercises.bank import Bank

BANK = {
    "08.1": Bank(
        name="counted",
        base="""
def counted(method, k):
    if method == "reptile":
        return k, k * (k - 1) / 2
    if method == "maml":
        return 1, 2 * (k - 1)
    return 1, k - 1
""",
        wrong={
            "reptile all k steps counted": ("k * (k - 1) / 2", "k * (k + 1) / 2"),
            "maml and fomaml exchanged": (('method == "maml"', 'method == "fomaml"'),),
            "reptile forgets the half": ("k * (k - 1) / 2", "k * (k - 1)"),
            "maml k steps": ("2 * (k - 1)", "2 * k"),
            "fomaml k steps": ("return 1, k - 1", "return 1, k"),
            "both 2k and k": (
                ("2 * (k - 1)", "2 * k"),
                ("return 1, k - 1", "return 1, k"),
            ),
            "maml 2k - 1": ("2 * (k - 1)", "2 * k - 1"),
            "reptile averaged": ("return k, k * (k - 1) / 2", "return 1, (k - 1) / 2"),
            "second first": (
                ("return k, k * (k - 1) / 2", "return k * (k - 1) / 2, k"),
                ("return 1, 2 * (k - 1)", "return 2 * (k - 1), 1"),
                ("return 1, k - 1", "return k - 1, 1"),
            ),
            "maml has only one kind": ("2 * (k - 1)", "k - 1"),
            "d negative": (
                ("k * (k - 1) / 2", "-k * (k - 1) / 2"),
                ("2 * (k - 1)", "-2 * (k - 1)"),
                ("return 1, k - 1", "return 1, -(k - 1)"),
            ),
            "reptile one gradient": ("return k, k", "return 1, k"),
            "reptile floor before product": ("k * (k - 1) / 2", "k * ((k - 1) // 2)"),
            "maml sums k gradients": ("return 1, 2 * (k - 1)", "return k, 2 * (k - 1)"),
            "maml extra term also has the square": ("2 * (k - 1)", "(k - 1) ** 2"),
            "upper case": """
def counted(method, k):
    if method == "MAML":
        return 1, 2 * (k - 1)
    if method == "FOMAML":
        return 1, k - 1
    return k, k * (k - 1) / 2
""",
            "falls through": """
def counted(method, k):
    if method == "maml":
        return 1, 2 * (k - 1)
    if method == "fomaml":
        return 1, k - 1
    if method == "Reptile":
        return k, k * (k - 1) / 2
""",
            "maml in method": """
def counted(method, k):
    if "maml" in method:
        return 1, 2 * (k - 1)
    return k, k * (k - 1) / 2
""",
            "only d": (
                ("return k, k * (k - 1) / 2", "return k * (k - 1) / 2"),
                ("return 1, 2 * (k - 1)", "return 2 * (k - 1)"),
                ("return 1, k - 1", "return k - 1"),
            ),
            "printed": """
def counted(method, k):
    if method == "reptile":
        print(k, k * (k - 1) / 2)
    elif method == "maml":
        print(1, 2 * (k - 1))
    else:
        print(1, k - 1)
""",
            "sum over range(k - 1)": ("k * (k - 1) / 2", "sum(range(k - 1))"),
            "sum over range(1, k + 1)": ("k * (k - 1) / 2", "sum(range(1, k + 1))"),
            "ratio": (("k * (k - 1) / 2", "(k - 1) / 2"),),
            "fomaml has no second term": ("return 1, k - 1", "return 1, 0"),
            "reptile counts backwards too": ("k * (k - 1) / 2", "k * k / 2"),
            "reptile steps are k - 1": ("return k, k * (k - 1) / 2", "return k - 1, (k - 1) * (k - 2) / 2"),
            "everyone has k - 1": """
def counted(method, k):
    c = k if method == "reptile" else 1
    return c, k - 1
""",
            "maml like reptile doubled": ("return 1, 2 * (k - 1)", "return 1, k * (k - 1)"),
            "strings": """
def counted(method, k):
    return {"maml": ("1", "2(k-1)"), "fomaml": ("1", "k-1"), "reptile": ("k", "k(k-1)/2")}[method]
""",
            "maml minus fomaml": ("2 * (k - 1)", "(k - 1) + k"),
            "k is two": """
def counted(method, k):
    return {"maml": (1, 2), "fomaml": (1, 1), "reptile": (2, 1)}[method]
""",
            "reptile factorial": ("k * (k - 1) / 2", "math.factorial(k - 1)"),
            "all swapped: reptile for fomaml": """
def counted(method, k):
    if method == "fomaml":
        return k, k * (k - 1) / 2
    return 1, (2 if method == "maml" else 1) * (k - 1)
""",
            "reptile k(k-1)/2 as both": (
                "return k, k * (k - 1) / 2",
                "return k * (k - 1) / 2, k * (k - 1) / 2",
            ),
            "maml 3(k-1)": ("2 * (k - 1)", "3 * (k - 1)"),
            "d per gradient": ("k * (k - 1) / 2", "sum(range(k)) / k"),
            "joint training": """
def counted(method, k):
    return 1, 0
""",
            "dict by name": """
def counted(method, k):
    return {'c': k if method == 'reptile' else 1, 'd': {'maml': 2 * (k - 1), 'fomaml': k - 1, 'reptile': k * (k - 1) / 2}[method]}
""",
            "fomaml counts all": ("return 1, k - 1", "return k, k * (k - 1) / 2"),
            "integer halves": ("k * (k - 1) / 2", "k // 2 * (k - 1)"),
            "maml two steps each": ("return 1, 2 * (k - 1)", "return 2, 2 * (k - 1)"),
            "elif falls to fomaml": """
def counted(method, k):
    if method == 'reptile':
        return k, k * (k - 1) / 2
    if method == 'maml' or 'fomaml':
        return 1, 2 * (k - 1)
""",
            "reptile k - 1 gradients, right d": ("return k, k", "return k - 1, k"),
            "reptile k(k+1)/2 and maml 2k": (
                ("k * (k - 1) / 2", "k * (k + 1) / 2"),
                ("2 * (k - 1)", "2 * k"),
            ),
            "only reptile returned": """
def counted(method, k):
    return k, k * (k - 1) / 2
""",
            "d times c": ("return k, k * (k - 1) / 2", "return k, k * k * (k - 1) / 2"),
            "brackets": ("2 * (k - 1)", "2 * k - 2 - 1"),
            "maml half": ("2 * (k - 1)", "(k - 1) / 2"),
        },
        right={
            "table": """
def counted(method, k):
    return {"maml": (1, 2 * k - 2), "fomaml": (1, k - 1), "reptile": (k, sum(range(k)))}[method]
""",
            "torch": """
def counted(method, k):
    i = torch.arange(k)
    if method == "reptile":
        return torch.tensor(k), i.sum()
    return torch.tensor(1), i[-1] * (2 if method == "maml" else 1)
""",
            "list of floats": """
def counted(method, k):
    c, d = 1.0, float(k - 1)
    if method == "maml":
        d += k - 1
    elif method == "reptile":
        c, d = float(k), math.comb(k, 2)
    return [c, d]
""",
            "match": """
def counted(method, k):
    match method:
        case "maml":
            return (1, 2 * (k - 1))
        case "fomaml":
            return (1, k - 1)
        case "reptile":
            return (k, k * (k - 1) // 2)
""",
            "numpy": """
import numpy as np
def counted(method, k):
    if method == "reptile":
        return np.array([k, np.arange(k).sum()])
    return np.array([1, (k - 1) * (2 if method == "maml" else 1)])
""",
            "one tensor, again": """
def counted(method, k):
    c = {"maml": 1, "fomaml": 1, "reptile": k}
    d = {"maml": 2 * (k - 1), "fomaml": k - 1, "reptile": (k**2 - k) / 2}
    return torch.tensor([c[method], d[method]])
""",
            "count by loops": """
def counted(method, k):
    c, d = 0, 0
    for i in range(1, k + 1):
        if method == 'reptile' or i == k:
            c += 1
            d += i - 1
    if method == 'maml':
        d *= 2
    return c, d
""",
            "comb": """
def counted(method, k):
    if method == 'reptile':
        return float(k), torch.tensor(math.comb(k, 2))
    return 1.0, torch.tensor(float(k - 1)) * (1 + (method == 'maml'))
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
            "own gradients": ("H1 @ b2 + H2 @ b1", "H1 @ b1 + H2 @ b2"),
            "sum": ("(H1 @ b2 + H2 @ b1) / 2", "H1 @ b2 + H2 @ b1"),
            "precedence": ("(H1 @ b2 + H2 @ b1) / 2", "H1 @ b2 + H2 @ b1 / 2"),
            "all four": ("(H1 @ b2 + H2 @ b1) / 2", "(H1 @ b1 + H1 @ b2 + H2 @ b1 + H2 @ b2) / 4"),
            "means multiplied": ("(H1 @ b2 + H2 @ b1) / 2", "(H1 + H2) / 2 @ (b1 + b2) / 2"),
            "one only": ("(H1 @ b2 + H2 @ b1) / 2", "H2 @ b1"),
            "star": ("H1 @ b2 + H2 @ b1", "H1 * b2 + H2 * b1"),
            "inner product": ("(H1 @ b2 + H2 @ b1) / 2", "b1 @ b2 / 2"),
            "minus": ("H1 @ b2 + H2", "H1 @ b2 - H2"),
            "negative": ("return (", "return -("),
            "mean over entries": ("(H1 @ b2 + H2 @ b1) / 2", "((H1 @ b2 + H2 @ b1) / 2).mean()"),
            "stack without dim": ("(H1 @ b2 + H2 @ b1) / 2", "torch.stack([H1 @ b2, H2 @ b1]).mean()"),
            "stack dim 1": ("(H1 @ b2 + H2 @ b1) / 2", "torch.stack([H1 @ b2, H2 @ b1]).mean(1)"),
            "quarter": ("/ 2", "/ 4"),
            "outer": ("H1 @ b2 + H2 @ b1", "torch.outer(b1, b2) @ b1 + torch.outer(b2, b1) @ b2"),
            "b1 H1 b2": ("(H1 @ b2 + H2 @ b1) / 2", "b1 @ H1 @ b2"),
            "tuple": ("(H1 @ b2 + H2 @ b1) / 2", "H1 @ b2 / 2, H2 @ b1 / 2"),
            "in place, again": """
def inner(H1, b1, H2, b2):
    b2 = H1 @ b2
    b1 = H2 @ b1
    b1 += b2
    b1 /= 2
    H1 /= 2
    return b1
""",
            "overwrites b2": """
def inner(H1, b1, H2, b2):
    b1 = H1 @ b2
    b2 = H2 @ b1
    return (b1 + b2) / 2
""",
            "two H": ("(H1 @ b2 + H2 @ b1) / 2", "(H1 + H2) @ (b1 + b2) / 2"),
            "no grad": (
                "    return",
                "    H1, H2 = H1.detach(), H2.detach()\n    b1, b2 = b1.float(), b2.float()\n    return",
            ),
            "sum axis": ("(H1 @ b2 + H2 @ b1) / 2", "(H1 * b2 + H2 * b1).sum(0) / 2"),
            "integer division": ("/ 2", "// 2"),
            "expectation over all indices by means": (
                "(H1 @ b2 + H2 @ b1) / 2",
                "((H1 + H2) / 2) @ ((b1 + b2) / 2)",
            ),
            "first order only": ("(H1 @ b2 + H2 @ b1) / 2", "H1 @ b2"),
            "list of both": ("(H1 @ b2 + H2 @ b1) / 2", "[H1 @ b2, H2 @ b1]"),
            "half of one, again": ("(H1 @ b2 + H2 @ b1) / 2", "H2 @ b1 / 2"),
            "matrix product of Hessians": ("(H1 @ b2 + H2 @ b1) / 2", "(H1 @ H2) @ (b1 + b2) / 2"),
            "column": ("(H1 @ b2 + H2 @ b1) / 2", "(H1 @ b2[:, None] + H2 @ b1[:, None]) / 2"),
            "dot product of gradients times H": ("(H1 @ b2 + H2 @ b1) / 2", "(H1 + H2) * (b1 @ b2) / 2"),
            "pairs i < j": """
def inner(H1, b1, H2, b2):
    H, b = [H1, H2], [b1, b2]
    return sum(H[i] @ b[j] for i in range(2) for j in range(i + 1, 2))
""",
            "i != j and divides by four": """
def inner(H1, b1, H2, b2):
    H, b = [H1, H2], [b1, b2]
    total = 0
    for i in range(2):
        for j in range(2):
            if i != j:
                total = total + H[i] @ b[j]
    return total / 4
""",
            "b from the wrong side for one": ("H2 @ b1", "H1 @ b1"),
            "H2 both": ("H1 @ b2", "H2 @ b2"),
            "times two": ("/ 2", "* 2"),
            "root": ("(H1 @ b2 + H2 @ b1) / 2", "torch.sqrt((H1 @ b2) * (H2 @ b1))"),
            "norms": ("(H1 @ b2 + H2 @ b1) / 2", "((H1 @ b2).norm() + (H2 @ b1).norm()) / 2"),
            "product": ("H1 @ b2 + H2 @ b1", "(H1 @ b2) * (H2 @ b1)"),
            "inverse": (
                "(H1 @ b2 + H2 @ b1) / 2",
                "(torch.linalg.solve(H1, b2) + torch.linalg.solve(H2, b1)) / 2",
            ),
            "with alpha": ("(H1 @ b2 + H2 @ b1) / 2", "b2 - 0.1 * H2 @ b1"),
            "concatenated": ("(H1 @ b2 + H2 @ b1) / 2", "torch.cat([H1 @ b2, H2 @ b1]) / 2"),
            "one half forgotten": ("(H1 @ b2 + H2 @ b1) / 2", "H1 @ b2 / 2 + H2 @ b1"),
            "transposed outer": (
                "(H1 @ b2 + H2 @ b1) / 2",
                "(torch.outer(H1 @ b2, b1) + torch.outer(H2 @ b1, b2)) / 2",
            ),
            "second only, own": ("(H1 @ b2 + H2 @ b1) / 2", "H1 @ b1"),
            "H mean": ("(H1 @ b2 + H2 @ b1) / 2", "((H1 + H2) / 2) @ (b1 + b2)"),
            "gradient difference": ("(H1 @ b2 + H2 @ b1) / 2", "(H1 @ (b2 - b1) + H2 @ (b1 - b2)) / 2"),
            "three": ("/ 2", "/ 3"),
            "elementwise then sum": ("(H1 @ b2 + H2 @ b1) / 2", "((H1 * b2).sum() + (H2 * b1).sum()) / 2"),
        },
        right={
            "row vectors": ("H1 @ b2 + H2 @ b1", "b2 @ H1 + b1 @ H2"),
            "mv, again": ("(H1 @ b2 + H2 @ b1) / 2", "0.5 * torch.mv(H1, b2) + 0.5 * torch.mv(H2, b1)"),
            "einsum, again": (
                "(H1 @ b2 + H2 @ b1) / 2",
                'torch.einsum("nij,nj->i", torch.stack([H1, H2]), torch.stack([b2, b1])) / 2',
            ),
            "stack": ("(H1 @ b2 + H2 @ b1) / 2", "torch.stack([H1 @ b2, H2 @ b1]).mean(0)"),
            "sum of rows": ("(H1 @ b2 + H2 @ b1) / 2", "((H1 * b2).sum(1) + (H2 * b1).sum(-1)) / 2"),
            "loops": """
def inner(H1, b1, H2, b2):
    n = len(b1)
    return [sum(H1[i][j] * b2[j] + H2[i][j] * b1[j] for j in range(n)) / 2 for i in range(n)]
""",
            "numpy": """
import numpy as np
def inner(H1, b1, H2, b2):
    H1, b1, H2, b2 = (np.asarray(each.detach()) for each in (H1, b1, H2, b2))
    return np.mean([H1.dot(b2), H2.dot(b1)], axis=0)
""",
            "all minus own": ("(H1 @ b2 + H2 @ b1) / 2", "((H1 + H2) @ (b1 + b2) - H1 @ b1 - H2 @ b2) / 2"),
            "torch.mean of stack": (
                "(H1 @ b2 + H2 @ b1) / 2",
                "torch.mean(torch.stack((torch.matmul(H1, b2), torch.matmul(H2, b1))), dim=0)",
            ),
            "columns": ("(H1 @ b2 + H2 @ b1) / 2", "((H1 @ b2[:, None] + H2 @ b1[:, None]) / 2)[:, 0]"),
            "addmv": ("(H1 @ b2 + H2 @ b1) / 2", "torch.addmv(H1 @ b2, H2, b1) * 0.5"),
        },
    ),
    "08.4": Bank(
        name="project",
        base="""
def project(theta, at, normal):
    n = normal / normal.norm()
    return theta - n * (n @ (theta - at))
""",
        wrong={
            "not normalised": ("normal / normal.norm()", "normal"),
            "divided by the length once": ("normal / normal.norm()", "normal / normal.norm() ** 0.5"),
            "at forgotten": ("n @ (theta - at)", "n @ theta"),
            "plus": ("theta - n *", "theta + n *"),
            "returns the offset": ("theta - n * (n @ (theta - at))", "n * (n @ (theta - at))"),
            "mirror": ("theta - n *", "theta - 2 * n *"),
            "at - theta": ("(theta - at)", "(at - theta)"),
            "starts at at": ("return theta -", "return at -"),
            "along the normal": ("theta - n * (n @ (theta - at))", "at + n * (n @ (theta - at))"),
            "returns v's part in plane": ("return theta - n", "return theta - at - n"),
            "elementwise": ("n * (n @ (theta - at))", "n * (n * (theta - at))"),
            "distance": ("theta - n * (n @ (theta - at))", "(n @ (theta - at)).abs()"),
            "abs": ("(n @ (theta - at))", "(n @ (theta - at)).abs()"),
            "just at": ("theta - n * (n @ (theta - at))", "at"),
            "step by whole distance": ("n * (n @ (theta - at))", "n * (theta - at).norm()"),
            "divides by n not squared": """
def project(theta, at, normal):
    return theta - normal * (normal @ (theta - at)) / normal.norm()
""",
            "divides by theta": """
def project(theta, at, normal):
    v = theta - at
    return theta - v * (normal @ v) / (v @ v)
""",
            "projects on normal of theta": """
def project(theta, at, normal):
    return normal * (normal @ theta) / (normal @ normal)
""",
            "precedence": """
def project(theta, at, normal):
    return theta - normal * (normal @ (theta - at)) / normal @ normal
""",
            "precedence 2": """
def project(theta, at, normal):
    return theta - normal * normal @ (theta - at) / (normal @ normal)
""",
            "in place, again": """
def project(theta, at, normal):
    theta -= normal * (normal @ (theta - at)) / (normal @ normal)
    return theta
""",
            "normal in place": """
def project(theta, at, normal):
    normal /= normal.norm()
    return theta - normal * (normal @ (theta - at))
""",
            "at as normal": """
def project(theta, at, normal):
    return theta - at * (at @ (theta - normal)) / (at @ at)
""",
            "sum of normal": """
def project(theta, at, normal):
    return theta - normal * (normal @ (theta - at)) / normal.sum()
""",
            "half": ("n * (n @ (theta - at))", "n * (n @ (theta - at)) / 2"),
            "projects the origin": """
def project(theta, at, normal):
    return normal * (normal @ at) / (normal @ normal)
""",
            "theta normalised": """
def project(theta, at, normal):
    return theta - normal * (normal @ (theta - at)) / (theta @ theta)
""",
            "L1": ("normal.norm()", "normal.norm(p=1)"),
            "only the factor": ("theta - n * (n @ (theta - at))", "(n @ (theta - at)) / (n @ n)"),
            "max": ("normal.norm()", "normal.abs().max()"),
            "plus at again": (
                "return theta - n * (n @ (theta - at))",
                "return theta - n * (n @ (theta - at)) + at",
            ),
            "exchanged roles": ("theta - n * (n @ (theta - at))", "at - n * (n @ (at - theta))"),
            "offset's length": ("n * (n @ (theta - at))", "n * (n @ (theta - at)) / (theta - at).norm()"),
            "relu": ("(n @ (theta - at))", "torch.relu(n @ (theta - at))"),
            "normal divided by its square": ("normal / normal.norm()", "normal / (normal @ normal)"),
            "midpoint": ("theta - n * (n @ (theta - at))", "(theta + at) / 2"),
            "inner of at": ("(n @ (theta - at))", "(n @ theta - at)"),
            "n @ at": ("n @ (theta - at)", "n @ at"),
            "step towards at": (
                "theta - n * (n @ (theta - at))",
                "theta + (at - theta) * (n @ (at - theta))",
            ),
            "normal + theta": ("theta - n * (n @ (theta - at))", "theta - n"),
            "component zeroed": ("theta - n * (n @ (theta - at))", "torch.where(normal != 0, at, theta)"),
            "loop overwrites": """
def project(theta, at, normal):
    p = theta.clone()
    for i in range(len(p)):
        p[i] = p[i] - normal[i] * (normal @ (p - at)) / (normal @ normal)
    return p
""",
            "square outside": ("normal / normal.norm()", "normal / normal.norm() ** 2"),
            "forgets normal twice": ("theta - n * (n @ (theta - at))", "theta - n @ (theta - at)"),
            "norm squared of offset": ("n * (n @ (theta - at))", "n * ((theta - at) @ (theta - at))"),
            "wrong bracket": ("theta - n * (n @ (theta - at))", "(theta - n) * (n @ (theta - at))"),
            "unit, minus abs, sign": ("(n @ (theta - at))", "(n @ (theta - at)) ** 2"),
            "n@theta / n@at": ("(n @ (theta - at))", "(n @ theta) / (n @ at)"),
            "detour over zero": ("theta - n * (n @ (theta - at))", "theta - n * (n @ theta) + at"),
        },
        right={
            "hint": """
def project(theta, at, normal):
    return theta - normal * (normal @ (theta - at)) / (normal @ normal)
""",
            "from at, again": """
def project(theta, at, normal):
    v = theta - at
    along = torch.dot(v, normal) / torch.dot(normal, normal) * normal
    return at + v - along
""",
            "matrix": """
def project(theta, at, normal):
    P = torch.eye(len(theta), dtype=theta.dtype) - torch.outer(normal, normal) / normal.square().sum()
    return at + P @ (theta - at)
""",
            "normalize": """
def project(theta, at, normal):
    n = F.normalize(normal, dim=0)
    return theta - (n * (theta - at)).sum() * n
""",
            "list": """
def project(theta, at, normal):
    c = sum(n * (t - a) for n, t, a in zip(normal, theta, at)) / sum(n * n for n in normal)
    return [t - c * n for t, n in zip(theta, normal)]
""",
            "unit by vector_norm": ("normal.norm()", "torch.linalg.vector_norm(normal)"),
            "offset in n": """
def project(theta, at, normal):
    c = (normal @ theta - normal @ at) / normal.pow(2).sum()
    return theta - c * normal
""",
            "lagrange": """
def project(theta, at, normal):
    lam = (torch.inner(normal, at) - torch.inner(normal, theta)) / torch.inner(normal, normal)
    return torch.add(theta, lam * normal)
""",
            "lstsq": """
def project(theta, at, normal):
    a = torch.linalg.lstsq(normal[:, None], (theta - at)[:, None]).solution
    return theta - (normal[:, None] @ a)[:, 0]
""",
        },
    ),
}
