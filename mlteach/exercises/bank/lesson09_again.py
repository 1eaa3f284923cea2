"""More answers to the exercises of lesson 09, from bases of their own."""

from mlteach.exercises.bank import Bank

BANK = {
    "09.1": Bank(
        name="inner_step",
        base="""
def inner_step(loss, theta, alpha):
    grads = torch.autograd.grad(loss(theta), list(theta.values()), create_graph=True)
    phi = {}
    for (name, value), g in zip(theta.items(), grads):
        phi[name] = value - alpha * g
    return phi
""",
        wrong={
            "no create_graph": (", create_graph=True", ""),
            "retain_graph instead": ("create_graph=True", "retain_graph=True"),
            "create_graph=False": ("create_graph=True", "create_graph=False"),
            "ascends": ("value - alpha", "value + alpha"),
            "no rate, again": ("alpha * g", "g"),
            "detached gradient": ("alpha * g\n", "alpha * g.detach()\n"),
            "detached start": ("value - alpha", "value.detach() - alpha"),
            "backward, again": """
def inner_step(loss, theta, alpha):
    loss(theta).backward()
    return {name: value - alpha * value.grad for name, value in theta.items()}
""",
            "backward create_graph": """
def inner_step(loss, theta, alpha):
    loss(theta).backward(create_graph=True)
    return {name: value - alpha * value.grad for name, value in theta.items()}
""",
            "in place dict": """
def inner_step(loss, theta, alpha):
    grads = torch.autograd.grad(loss(theta), list(theta.values()), create_graph=True)
    for name, g in zip(theta, grads):
        theta[name] = theta[name] - alpha * g
    return theta
""",
            "in place data": """
def inner_step(loss, theta, alpha):
    grads = torch.autograd.grad(loss(theta), list(theta.values()), create_graph=True)
    for value, g in zip(theta.values(), grads):
        value.data -= alpha * g
    return theta
""",
            "no_grad update": """
def inner_step(loss, theta, alpha):
    grads = torch.autograd.grad(loss(theta), list(theta.values()), create_graph=True)
    with torch.no_grad():
        return {name: value - alpha * g for (name, value), g in zip(theta.items(), grads)}
""",
            "list": """
def inner_step(loss, theta, alpha):
    grads = torch.autograd.grad(loss(theta), list(theta.values()), create_graph=True)
    return [value - alpha * g for value, g in zip(theta.values(), grads)]
""",
            "the gradients": ("value - alpha * g", "g"),
            "the move": ("value - alpha * g", "-alpha * g"),
            "first gradient for all": """
def inner_step(loss, theta, alpha):
    g = torch.autograd.grad(loss(theta), list(theta.values()), create_graph=True)[0]
    return {name: value - alpha * g for name, value in theta.items()}
""",
            "dict to grad": ("list(theta.values())", "theta"),
            "forgets return": ("    return phi\n", ""),
            "returns in the loop": """
def inner_step(loss, theta, alpha):
    grads = torch.autograd.grad(loss(theta), list(theta.values()), create_graph=True)
    phi = {}
    for (name, value), g in zip(theta.items(), grads):
        phi[name] = value - alpha * g
        return phi
""",
            "also the loss": ("return phi", "return phi, loss(theta)"),
            "leaf afterwards": ("value - alpha * g", "(value - alpha * g).detach().requires_grad_()"),
            "sgd optimizer": """
def inner_step(loss, theta, alpha):
    phi = {name: value.clone().detach().requires_grad_() for name, value in theta.items()}
    opt = torch.optim.SGD(phi.values(), lr=alpha)
    loss(phi).backward()
    opt.step()
    return phi
""",
            "divides by tasks": ("alpha * g", "alpha * g / len(theta)"),
            "two steps": """
def inner_step(loss, theta, alpha):
    for _ in range(2):
        grads = torch.autograd.grad(loss(theta), list(theta.values()), create_graph=True)
        theta = {name: value - alpha * g for (name, value), g in zip(theta.items(), grads)}
    return theta
""",
            "new leaves before": """
def inner_step(loss, theta, alpha):
    start = {name: value.detach().requires_grad_() for name, value in theta.items()}
    grads = torch.autograd.grad(loss(start), list(start.values()), create_graph=True)
    return {name: value - alpha * g for (name, value), g in zip(start.items(), grads)}
""",
            "gradient times value": ("value - alpha * g", "value * (1 - alpha * g)"),
            "sorted names": ("zip(theta.items(), grads)", "zip(sorted(theta.items()), reversed(grads))"),
            "allows only one tensor": ("list(theta.values())", "list(theta.values())[0]"),
            "functional no graph": """
def inner_step(loss, theta, alpha):
    theta = {k: v.clone() for k, v in theta.items()}
    grads = torch.autograd.grad(loss(theta), theta.values())
    return {k: v - alpha * g for (k, v), g in zip(theta.items(), grads)}
""",
            "phi before": """
def inner_step(loss, theta, alpha):
    phi = dict(theta)
    for name in phi:
        (g,) = torch.autograd.grad(loss(phi), phi[name], create_graph=True)
        phi[name] = phi[name] - alpha * g
    return phi
""",
            "normalised": ("alpha * g", "alpha * g / g.norm()"),
            "sign": ("alpha * g", "alpha * g.sign()"),
            "divided by rate": ("alpha * g", "g / alpha"),
            "g minus value": ("value - alpha * g", "alpha * g - value"),
            "sub_": """
def inner_step(loss, theta, alpha):
    grads = torch.autograd.grad(loss(theta), list(theta.values()), create_graph=True)
    with torch.no_grad():
        for value, g in zip(theta.values(), grads):
            value.sub_(alpha * g)
    return theta
""",
            "rate on both": ("value - alpha * g", "(1 - alpha) * value - alpha * g"),
            "deepcopy": """
import copy
def inner_step(loss, theta, alpha):
    phi = copy.deepcopy(theta)
    grads = torch.autograd.grad(loss(phi), list(phi.values()), create_graph=True)
    return {n: v - alpha * g for (n, v), g in zip(phi.items(), grads)}
""",
            "zip of names": (
                "for (name, value), g in zip(theta.items(), grads)",
                "for name, g in zip(theta, grads)",
            ),
            "loss of phi": """
def inner_step(loss, theta, alpha):
    phi = {n: v - alpha for n, v in theta.items()}
    grads = torch.autograd.grad(loss(phi), list(theta.values()), create_graph=True)
    return {n: v - alpha * g for (n, v), g in zip(theta.items(), grads)}
""",
            "returns pair of lists": ("return phi", "return list(phi), list(phi.values())"),
            "Parameter": ("value - alpha * g", "torch.nn.Parameter(value - alpha * g)"),
            "no_grad on everything": """
@torch.no_grad()
def inner_step(loss, theta, alpha):
    grads = torch.autograd.grad(loss(theta), list(theta.values()), create_graph=True)
    return {n: v - alpha * g for (n, v), g in zip(theta.items(), grads)}
""",
            "loss divided": ("loss(theta)", "loss(theta) / 2"),
            "calls loss without theta": ("loss(theta)", "loss"),
            "gradient of sum of squares": ("loss(theta)", "loss(theta) ** 2"),
            "alpha on loss": ("loss(theta), list", "alpha * loss(theta), list"),
            "forgets value": ("value - alpha * g", "-alpha * g + 0 * value"),
            "last tensor twice": (
                "for (name, value), g in zip(theta.items(), grads):\n        phi[name] = value - alpha * g",
                "for name in theta:\n        for value, g in zip(theta.values(), grads):\n            phi[name] = value - alpha * g",
            ),
            "item rate": ("value - alpha * g", "value - alpha * g.item()"),
            "requires_grad_ on theta": (
                "    grads =",
                "    theta = {k: v.requires_grad_() for k, v in theta.items()}\n    loss(theta).backward()\n    grads = [v.grad for v in theta.values()]\n    unused =",
            ),
            "sums gradient": ("alpha * g", "alpha * g.sum(0)"),
            "mean over rows": ("alpha * g", "alpha * g.mean(0, keepdim=True)"),
        },
        right={
            "torch.func, again": """
from torch.func import grad
def inner_step(loss, theta, alpha):
    g = grad(loss)(theta)
    return {name: theta[name] - alpha * g[name] for name in theta}
""",
            "one by one": """
def inner_step(loss, theta, alpha):
    value = loss(theta)
    return {name: theta[name] - alpha * torch.autograd.grad(value, theta[name], create_graph=True)[0] for name in theta}
""",
            "tuple, again": """
def inner_step(loss, theta, alpha):
    names, values = zip(*theta.items())
    grads = torch.autograd.grad(loss(theta), values, retain_graph=True, create_graph=True)
    return dict(zip(names, [v - alpha * g for v, g in zip(values, grads)]))
""",
            "torch.sub, again": ("value - alpha * g", "torch.sub(value, alpha * g)"),
            "copy": """
def inner_step(loss, theta, alpha):
    phi = dict(theta)
    grads = torch.autograd.grad(loss(theta), tuple(theta.values()), create_graph=True)
    for name, g in zip(phi, grads):
        phi[name] = phi[name] - g * alpha
    return phi
""",
            "ordered dict": """
from collections import OrderedDict
def inner_step(loss, theta, alpha):
    grads = torch.autograd.grad(loss(theta), list(theta.values()), create_graph=True)
    return OrderedDict((n, torch.add(v, g, alpha=-alpha)) for (n, v), g in zip(theta.items(), grads))
""",
            "func vjp": """
from torch.func import grad_and_value
def inner_step(loss, theta, alpha):
    g, _ = grad_and_value(loss)(dict(theta))
    return {n: theta[n].sub(alpha * g[n]) for n in theta}
""",
            "flag retained": (
                "create_graph=True",
                "create_graph=True, allow_unused=True, materialize_grads=True",
            ),
        },
    ),
    "09.2": Bank(
        name="outer_loss",
        base="""
def outer_loss(loss, adapt, theta, support, query):
    x, y = support
    phi = adapt(theta, x, y)
    qx, qy = query
    return loss(phi, qx, qy)
""",
        wrong={
            "support again": ("qx, qy = query", "qx, qy = support"),
            "theta judged, again": ("loss(phi, qx", "loss(theta, qx"),
            "sets swapped, again": """
def outer_loss(loss, adapt, theta, support, query):
    phi = adapt(theta, *query)
    return loss(phi, *support)
""",
            "query both": ("x, y = support", "x, y = query"),
            "joint": """
def outer_loss(loss, adapt, theta, support, query):
    return loss(theta, *support) + loss(theta, *query)
""",
            "support loss before": """
def outer_loss(loss, adapt, theta, support, query):
    return loss(theta, *support)
""",
            "sum of both": ("return loss(phi, qx, qy)", "return loss(phi, qx, qy) + loss(phi, x, y)"),
            "difference": ("return loss(phi, qx, qy)", "return loss(theta, qx, qy) - loss(phi, qx, qy)"),
            "detach phi": (
                "adapt(theta, x, y)\n",
                "{k: v.detach() for k, v in adapt(theta, x, y).items()}\n",
            ),
            "detach phi, leaves": (
                "adapt(theta, x, y)\n",
                "{k: v.detach().requires_grad_() for k, v in adapt(theta, x, y).items()}\n",
            ),
            "item, again": ("return loss(phi, qx, qy)", "return loss(phi, qx, qy).item()"),
            "float, again": ("return loss(phi, qx, qy)", "return float(loss(phi, qx, qy))"),
            "no_grad": (
                "    phi = adapt(theta, x, y)\n",
                "    with torch.no_grad():\n        phi = adapt(theta, x, y)\n",
            ),
            "no_grad at the end": (
                "    return loss(phi, qx, qy)\n",
                "    with torch.no_grad():\n        return loss(phi, qx, qy)\n",
            ),
            "backward": (
                "    return loss(phi, qx, qy)\n",
                "    value = loss(phi, qx, qy)\n    value.backward()\n    return value\n",
            ),
            "adapts twice": ("loss(phi, qx, qy)", "loss(adapt(phi, x, y), qx, qy)"),
            "adapts to query as well": ("loss(phi, qx, qy)", "loss(adapt(phi, qx, qy), qx, qy)"),
            "x and y swapped, again": ("loss(phi, qx, qy)", "loss(phi, qy, qx)"),
            "mixed pairs": ("loss(phi, qx, qy)", "loss(phi, qx, y)"),
            "not unpacked": """
def outer_loss(loss, adapt, theta, support, query):
    phi = adapt(theta, support)
    return loss(phi, query)
""",
            "returns phi": ("return loss(phi, qx, qy)", "return phi"),
            "negative": ("return loss", "return -loss"),
            "mean of the two sets": (
                "return loss(phi, qx, qy)",
                "return (loss(phi, qx, qy) + loss(phi, x, y)) / 2",
            ),
            "forgets return": ("return loss(phi, qx, qy)", "loss(phi, qx, qy)"),
            "pair": ("return loss(phi, qx, qy)", "return loss(phi, qx, qy), phi"),
            "theta detached, again": (
                "adapt(theta,",
                "adapt({k: v.detach().requires_grad_() for k, v in theta.items()},",
            ),
            "reptile": (
                "return loss(phi, qx, qy)",
                "return sum(((theta[k] - phi[k]) ** 2).sum() for k in theta)",
            ),
            "concatenated": (
                "return loss(phi, qx, qy)",
                "return loss(phi, torch.cat([x, qx]), torch.cat([y, qy]))",
            ),
            "before plus after": (
                "return loss(phi, qx, qy)",
                "return loss(theta, qx, qy) + loss(phi, qx, qy)",
            ),
            "calls adapt with loss": ("adapt(theta, x, y)", "adapt(loss, theta, x, y)"),
            "mean over pictures again": ("return loss(phi, qx, qy)", "return loss(phi, qx, qy) / len(qx)"),
            "data": ("return loss(phi, qx, qy)", "return loss(phi, qx, qy).data"),
            "clone detach": (
                "phi = adapt(theta, x, y)",
                "phi = adapt(theta, x, y)\n    phi = {k: v.data.clone() for k, v in phi.items()}",
            ),
            "only support for adaptation x": ("adapt(theta, x, y)", "adapt(theta, x, query[1])"),
            "in place": (
                "phi = adapt(theta, x, y)",
                "phi = adapt(theta, x, y)\n    theta.update({k: v.detach() for k, v in phi.items()})",
            ),
            "squared": ("return loss(phi, qx, qy)", "return loss(phi, qx, qy) ** 2"),
            "phi plus theta": (
                "return loss(phi, qx, qy)",
                "return loss({k: (theta[k] + phi[k]) / 2 for k in phi}, qx, qy)",
            ),
            "first query only": ("loss(phi, qx, qy)", "loss(phi, qx[:1], qy[:1])"),
            "adapt the query with phi": (
                "    return loss(phi, qx, qy)",
                "    return loss(adapt(theta, qx, qy), x, y)",
            ),
            "support and query swapped in names": ("x, y = support", "y, x = support"),
            "theta's update": (
                "return loss(phi, qx, qy)",
                "g = torch.autograd.grad(loss(phi, qx, qy), list(theta.values()))\n    return {k: theta[k] - 0.1 * each for k, each in zip(theta, g)}",
            ),
            "fomaml by leaves": (
                "adapt(theta, x, y)\n",
                "adapt(theta, x, y)\n    phi = {k: torch.tensor(v.tolist(), dtype=v.dtype, requires_grad=True) for k, v in phi.items()}\n",
            ),
            "adapts the detached, adds back": (
                "adapt(theta, x, y)\n",
                "adapt(theta, x, y)\n    phi = {k: theta[k] + (v - theta[k]).detach() for k, v in phi.items()}\n",
            ),
            "list of losses": ("return loss(phi, qx, qy)", "return [loss(phi, qx, qy), loss(theta, qx, qy)]"),
            "theta adapted on support, loss on support of theta": ("loss(phi, qx, qy)", "loss(theta, x, y)"),
            "minus support": ("return loss(phi, qx, qy)", "return loss(phi, qx, qy) - loss(phi, x, y)"),
            "weighted": (
                "return loss(phi, qx, qy)",
                "return 0.9 * loss(phi, qx, qy) + 0.1 * loss(phi, x, y)",
            ),
            "max": ("return loss(phi, qx, qy)", "return torch.maximum(loss(phi, qx, qy), loss(phi, x, y))"),
            "gradients": (
                "return loss(phi, qx, qy)",
                "return torch.autograd.grad(loss(phi, qx, qy), list(theta.values()))",
            ),
            "query star": ("loss(phi, qx, qy)", "loss(phi, query)"),
            "sum over pictures": (
                "loss(phi, qx, qy)",
                "sum(loss(phi, qx[i : i + 1], qy[i : i + 1]) for i in range(len(qx)))",
            ),
        },
        right={
            "one line, again": """
def outer_loss(loss, adapt, theta, support, query):
    return loss(adapt(theta, *support), *query)
""",
            "indices, again": """
def outer_loss(loss, adapt, theta, support, query):
    phi = adapt(theta, support[0], support[1])
    return loss(phi, query[0], query[1])
""",
            "copy of theta": ("adapt(theta, x, y)", "adapt(dict(theta), x, y)"),
            "one-element shape": ("return loss(phi, qx, qy)", "return loss(phi, qx, qy).reshape(1)"),
            "sum with zero": (
                "return loss(phi, qx, qy)",
                "total = 0\n    total = total + loss(phi, qx, qy)\n    return total",
            ),
            "clone": ("adapt(theta, x, y)", "adapt({k: v.clone() for k, v in theta.items()}, x, y)"),
            "mean": ("return loss(phi, qx, qy)", "return torch.stack([loss(phi, qx, qy)]).mean()"),
            "kept names": ("adapt(theta, x, y)", "adapt({**theta}, *(x, y))"),
        },
    ),
    "09.4": Bank(
        name="half_width",
        base="""
def half_width(accuracies):
    n = len(accuracies)
    return 1.96 * accuracies.std() / n**0.5
""",
        wrong={
            "no root": ("n**0.5", "n"),
            "population": (".std()", ".std(correction=0)"),
            "unbiased False": (".std()", ".std(unbiased=False)"),
            "numpy std": ("accuracies.std()", "__import__('numpy').std(accuracies.numpy())"),
            "variance": (".std()", ".var()"),
            "variance over n": """
def half_width(accuracies):
    return 1.96 * (accuracies.var() / len(accuracies))
""",
            "whole width": ("1.96 *", "2 * 1.96 *"),
            "standard error": ("1.96 *", ""),
            "no n": (" / n**0.5", ""),
            "90 percent": ("1.96", "1.645"),
            "99 percent": ("1.96", "2.576"),
            "two, again": ("1.96", "2"),
            "interval": (
                "return 1.96 * accuracies.std() / n**0.5",
                "w = 1.96 * accuracies.std() / n**0.5\n    return accuracies.mean() - w, accuracies.mean() + w",
            ),
            "mean and half width": ("return 1.96 *", "return accuracies.mean(), 1.96 *"),
            "binomial": (
                "return 1.96 * accuracies.std() / n**0.5",
                "p = accuracies.mean()\n    return 1.96 * (p * (1 - p) / n) ** 0.5",
            ),
            "n - 1": ("n**0.5", "(n - 1) ** 0.5"),
            "times root": ("/ n**0.5", "* n**0.5"),
            "percent": ("1.96 *", "100 * 1.96 *"),
            "root of everything": (
                "1.96 * accuracies.std() / n**0.5",
                "(1.96 * accuracies.std() / n) ** 0.5",
            ),
            "precedence": ("n**0.5", "n ** 1 / 2"),
            "mean in place of std": (".std()", ".mean()"),
            "mean absolute deviation, again": (
                "accuracies.std()",
                "(accuracies - accuracies.mean()).abs().mean()",
            ),
            "quantiles": (
                "1.96 * accuracies.std() / n**0.5",
                "(accuracies.quantile(0.975) - accuracies.quantile(0.025)) / 2",
            ),
            "integer root": ("n**0.5", "math.isqrt(n)"),
            "root of std too": ("accuracies.std() / n**0.5", "(accuracies.std() / n) ** 0.5"),
            "0.95": ("1.96", "0.95"),
            "minus upper": (
                "1.96 * accuracies.std() / n**0.5",
                "accuracies.mean() + 1.96 * accuracies.std() / n**0.5",
            ),
            "hard coded n": ("n**0.5", "1000**0.5"),
            "median deviation": ("accuracies.std()", "(accuracies - accuracies.median()).abs().median()"),
            "square of n": ("n**0.5", "n**2"),
            "range": ("accuracies.std()", "(accuracies.max() - accuracies.min())"),
            "one sided": ("1.96", "1.6449"),
            "population and n - 1": (
                ("accuracies.std()", "accuracies.std(correction=0)"),
                ("n**0.5", "(n + 1) ** 0.5"),
            ),
            "relative": ("n**0.5", "n**0.5 / accuracies.mean()"),
            "natural": ("n**0.5", "math.log(n)"),
            "numpy default": """
import numpy as np
def half_width(accuracies):
    return 1.96 * np.std(np.array(accuracies)) / np.sqrt(len(accuracies))
""",
            "deviation not squared root": (
                "accuracies.std()",
                "((accuracies - accuracies.mean()) ** 2).sum() ** 0.5",
            ),
            "t for ten": ("1.96", "2.262"),
            "round to percent": (
                "return 1.96 * accuracies.std() / n**0.5",
                "return round(100 * 1.96 * accuracies.std().item() / n**0.5, 1)",
            ),
            "string": (
                "return 1.96 * accuracies.std() / n**0.5",
                "return f'± {1.96 * accuracies.std() / n**0.5:.3f}'",
            ),
            "n of 15 queries": ("n**0.5", "(15 * n) ** 0.5"),
            "min max": (
                "return 1.96 * accuracies.std() / n**0.5",
                "return (accuracies.max() - accuracies.min()) / 2",
            ),
            "std mean": (
                "return 1.96 * accuracies.std() / n**0.5",
                "return 1.96 * torch.std_mean(accuracies)[1] / n**0.5",
            ),
            "sum": ("accuracies.std()", "accuracies.sum()"),
            "half of half": ("1.96 *", "1.96 / 2 *"),
            "of squares": ("accuracies.std()", "(accuracies**2).mean() ** 0.5"),
            "double root": ("n**0.5", "n**0.25"),
            "std of mean": ("accuracies.std()", "accuracies.mean().std()"),
            "len of shape": ("n = len(accuracies)", "n = accuracies.ndim"),
            "both sides": (
                "return 1.96 * accuracies.std() / n**0.5",
                "w = 1.96 * accuracies.std() / n**0.5\n    return -w, w",
            ),
            "var root n - 1": ("accuracies.std() / n**0.5", "(accuracies.var() / (n - 1)) ** 0.5"),
            "percentile": (
                "return 1.96 * accuracies.std() / n**0.5",
                "return accuracies.quantile(0.975) - accuracies.mean()",
            ),
        },
        right={
            "statistics, again": """
import statistics
def half_width(accuracies):
    a = [float(x) for x in accuracies]
    return 1.96 * statistics.stdev(a) / math.sqrt(len(a))
""",
            "numpy ddof": """
import numpy as np
def half_width(accuracies):
    a = np.asarray(accuracies)
    return 1.96 * a.std(ddof=1) / np.sqrt(a.size)
""",
            "by hand, again": """
def half_width(accuracies):
    n = len(accuracies)
    m = sum(accuracies) / n
    v = sum((a - m) ** 2 for a in accuracies) / (n - 1)
    return 1.96 * (v / n) ** 0.5
""",
            "var over n": """
def half_width(accuracies):
    return 1.96 * torch.sqrt(accuracies.var() / accuracies.numel())
""",
            "item, again": ("accuracies.std()", "accuracies.std().item()"),
            "keepdim": ("accuracies.std()", "accuracies.std(0, keepdim=True)"),
            "exact quantile": ("1.96", "torch.distributions.Normal(0, 1).icdf(torch.tensor(0.975)).item()"),
            "float32, again": ("accuracies.std()", "accuracies.float().std()"),
            "scipy-like": """
def half_width(accuracies):
    a = torch.as_tensor(accuracies)
    se = torch.sqrt(((a - torch.mean(a)) ** 2).sum() / (a.shape[0] - 1)) / torch.sqrt(torch.tensor(a.shape[0], dtype=a.dtype))
    return float(1.96 * se)
""",
            "var_mean": """
def half_width(accuracies):
    v, m = torch.var_mean(accuracies)
    return 1.96 * (v / len(accuracies)) ** 0.5
""",
        },
    ),
}
