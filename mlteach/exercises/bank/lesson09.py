"""Answers to the exercises of lesson 09."""

from mlteach.exercises.bank import Bank

BANK = {
    "09.1": Bank(
        name="inner_step",
        base="""
def inner_step(loss, theta, alpha):
    gradient = torch.autograd.grad(loss(theta), list(theta.values()), create_graph=True)
    return {name: value - alpha * g for (name, value), g in zip(theta.items(), gradient)}
""",
        wrong={
            "create_graph forgotten": (", create_graph=True", ""),
            "retain_graph in its place": ("create_graph=True", "retain_graph=True"),
            "gradient detached": ("alpha * g for", "alpha * g.detach() for"),
            "phi detached": ("value - alpha * g for", "(value - alpha * g).detach() for"),
            "phi by .data": ("value - alpha * g for", "value.data - alpha * g for"),
            "theta detached": ("value - alpha * g for", "value.detach() - alpha * g for"),
            "phi cloned and detached": (
                "value - alpha * g for",
                "(value - alpha * g).clone().detach().requires_grad_() for",
            ),
            "under no_grad": """
def inner_step(loss, theta, alpha):
    gradient = torch.autograd.grad(loss(theta), list(theta.values()), create_graph=True)
    with torch.no_grad():
        return {name: value - alpha * g for (name, value), g in zip(theta.items(), gradient)}
""",
            "uphill": ("value - alpha", "value + alpha"),
            "no rate": ("alpha * g", "g"),
            "rate squared": ("alpha * g", "alpha ** 2 * g"),
            "rate halved": ("alpha * g", "alpha / 2 * g"),
            "divided by the rate": ("alpha * g", "g / alpha"),
            "the change alone": ("value - alpha * g for", "-alpha * g for"),
            "the gradient alone": ("value - alpha * g for", "g for"),
            "in place": """
def inner_step(loss, theta, alpha):
    gradient = torch.autograd.grad(loss(theta), list(theta.values()))
    with torch.no_grad():
        for value, g in zip(theta.values(), gradient):
            value -= alpha * g
    return theta
""",
            "in place on .data": """
def inner_step(loss, theta, alpha):
    gradient = torch.autograd.grad(loss(theta), list(theta.values()), create_graph=True)
    for (name, value), g in zip(theta.items(), gradient):
        value.data -= alpha * g
    return theta
""",
            "in place, a new dict": """
def inner_step(loss, theta, alpha):
    gradient = torch.autograd.grad(loss(theta), list(theta.values()), create_graph=True)
    phi = dict(theta)
    for name, g in zip(phi, gradient):
        phi[name] -= alpha * g
    return phi
""",
            "theta's dict overwritten": """
def inner_step(loss, theta, alpha):
    gradient = torch.autograd.grad(loss(theta), list(theta.values()), create_graph=True)
    for name, g in zip(list(theta), gradient):
        theta[name] = theta[name] - alpha * g
    return theta
""",
            "backward": """
def inner_step(loss, theta, alpha):
    loss(theta).backward()
    return {name: value - alpha * value.grad for name, value in theta.items()}
""",
            "backward with a graph": """
def inner_step(loss, theta, alpha):
    loss(theta).backward(create_graph=True)
    return {name: value - alpha * value.grad for name, value in theta.items()}
""",
            "backward, and zeroed by none": """
def inner_step(loss, theta, alpha):
    for value in theta.values():
        value.requires_grad_()
    loss(theta).backward(create_graph=True)
    phi = {}
    for name, value in theta.items():
        phi[name] = value - alpha * value.grad
    return phi
""",
            "a deep copy": """
import copy
def inner_step(loss, theta, alpha):
    phi = {name: copy.deepcopy(value.detach()).requires_grad_() for name, value in theta.items()}
    gradient = torch.autograd.grad(loss(phi), list(phi.values()), create_graph=True)
    return {name: value - alpha * g for (name, value), g in zip(phi.items(), gradient)}
""",
            "an optimizer": """
def inner_step(loss, theta, alpha):
    phi = {name: value.detach().clone().requires_grad_() for name, value in theta.items()}
    sgd = torch.optim.SGD(phi.values(), lr=alpha)
    loss(phi).backward()
    sgd.step()
    return phi
""",
            "a list": (
                """{name: value - alpha * g for (name, value), g in zip(theta.items(), gradient)}""",
                """[value - alpha * g for (name, value), g in zip(theta.items(), gradient)]""",
            ),
            "one gradient for all": ("alpha * g for", "alpha * gradient[0].sum() for"),
            "gradients in the wrong order": (
                "zip(theta.items(), gradient)",
                "zip(theta.items(), gradient[::-1])",
            ),
            "the first name alone": """
def inner_step(loss, theta, alpha):
    gradient = torch.autograd.grad(loss(theta), list(theta.values()), create_graph=True)
    name = next(iter(theta))
    return {**theta, name: theta[name] - alpha * gradient[0]}
""",
            "the step taken twice": """
def inner_step(loss, theta, alpha):
    for _ in range(2):
        gradient = torch.autograd.grad(loss(theta), list(theta.values()), create_graph=True)
        theta = {name: value - alpha * g for (name, value), g in zip(theta.items(), gradient)}
    return theta
""",
            "normalised gradient": ("alpha * g for", "alpha * g / g.norm() for"),
            "the sign of it": ("alpha * g for", "alpha * g.sign() for"),
            "weights decay": ("value - alpha * g for", "(1 - alpha) * value - alpha * g for"),
            "values() as it is": ("list(theta.values())", "theta"),
            "loss not called": ("loss(theta)", "loss"),
            "no return": ("    return {name", "    phi = {name"),
            "phi and the loss": (
                "zip(theta.items(), gradient)}",
                "zip(theta.items(), gradient)}, loss(theta)",
            ),
        },  # fmt: skip
        pitfalls=(
            "create_graph forgotten",
            "phi detached",
            "in place",
            "backward with a graph",
            "uphill",
            "a list",
        ),
        right={
            "by names": """
def inner_step(loss, theta, alpha):
    names = list(theta)
    gradient = torch.autograd.grad(loss(theta), [theta[n] for n in names], create_graph=True)
    phi = {}
    for n, g in zip(names, gradient):
        phi[n] = theta[n] - alpha * g
    return phi
""",
            "tuple": ("list(theta.values())", "tuple(theta.values())"),
            "retained too": ("create_graph=True", "create_graph=True, retain_graph=True"),
            "torch.sub": ("value - alpha * g", "torch.sub(value, g, alpha=alpha)"),
            "one at a time": """
def inner_step(loss, theta, alpha):
    value = loss(theta)
    return {n: p - alpha * torch.autograd.grad(value, p, create_graph=True)[0] for n, p in theta.items()}
""",
            "torch.func": """
def inner_step(loss, theta, alpha):
    gradient = torch.func.grad(loss)(theta)
    return {n: theta[n] - alpha * gradient[n] for n in theta}
""",
            "an ordered dict": """
from collections import OrderedDict
def inner_step(loss, theta, alpha):
    L = loss(theta)
    grads = torch.autograd.grad(L, theta.values(), create_graph=True)
    return OrderedDict((n, p + (-alpha) * g) for (n, p), g in zip(theta.items(), grads))
""",
        },  # fmt: skip
    ),
    "09.2": Bank(
        name="outer_loss",
        base="""
def outer_loss(loss, adapt, theta, support, query):
    phi = adapt(theta, *support)
    return loss(phi, *query)
""",
        wrong={
            "theta judged": ("loss(phi, *query)", "loss(theta, *query)"),
            "judged on the support": ("loss(phi, *query)", "loss(phi, *support)"),
            "adapted on the query": ("adapt(theta, *support)", "adapt(theta, *query)"),
            "sets swapped": (
                ("adapt(theta, *support)", "adapt(theta, *query)"),
                ("return loss(phi, *query)", "return loss(phi, *support)"),
            ),
            "before adapting": ("loss(phi, *query)", "loss(theta, *support)"),
            "both losses": ("loss(phi, *query)", "loss(phi, *query) + loss(phi, *support)"),
            "the mean of both": ("loss(phi, *query)", "(loss(phi, *query) + loss(phi, *support)) / 2"),
            "plus theta's loss": ("loss(phi, *query)", "loss(phi, *query) + loss(theta, *query)"),
            "plus theta's support loss": ("loss(phi, *query)", "loss(phi, *query) + loss(theta, *support)"),
            "the gain": ("loss(phi, *query)", "loss(phi, *query) - loss(theta, *query)"),
            "phi detached": (
                "adapt(theta, *support)\n",
                "{n: v.detach() for n, v in adapt(theta, *support).items()}\n",
            ),
            "phi made a leaf": (
                "adapt(theta, *support)\n",
                "{n: v.detach().requires_grad_() for n, v in adapt(theta, *support).items()}\n",
            ),
            "theta detached": (
                "adapt(theta, *support)",
                "adapt({n: v.detach().requires_grad_() for n, v in theta.items()}, *support)",
            ),
            "item": ("loss(phi, *query)", "loss(phi, *query).item()"),
            "float": ("return loss(phi, *query)", "return float(loss(phi, *query))"),
            "value detached": ("return loss(phi, *query)", "return loss(phi, *query).detach()"),
            "under no_grad": """
def outer_loss(loss, adapt, theta, support, query):
    phi = adapt(theta, *support)
    with torch.no_grad():
        return loss(phi, *query)
""",
            "backward called": (
                "return loss(phi, *query)",
                "value = loss(phi, *query)\n    value.backward()\n    return value",
            ),
            "minus": ("return loss", "return -loss"),
            "adapted twice": ("adapt(theta, *support)", "adapt(adapt(theta, *support), *support)"),
            "adapted on both": ("adapt(theta, *support)", "adapt(adapt(theta, *support), *query)"),
            "pair not opened": ("adapt(theta, *support)", "adapt(theta, support)"),
            "query not opened": ("loss(phi, *query)", "loss(phi, query)"),
            "x and y swapped": ("loss(phi, *query)", "loss(phi, query[1], query[0])"),
            "support labels": ("loss(phi, *query)", "loss(phi, query[0], support[1])"),
            "phi returned": ("return loss(phi, *query)", "return phi"),
            "both returned": ("return loss(phi, *query)", "return loss(phi, *query), phi"),
            "no return": ("return loss", "outer = loss"),
            "graph of phi cut, loss of theta added": (
                "loss(phi, *query)",
                "loss(phi, *query) * 0 + loss(theta, *query)",
            ),
            "the gradient": (
                "return loss(phi, *query)",
                "return torch.autograd.grad(loss(phi, *query), list(theta.values()))",
            ),
            "the square": ("return loss(phi, *query)", "return loss(phi, *query) ** 2"),
        },  # fmt: skip
        pitfalls=("theta judged", "judged on the support", "adapted on the query", "phi detached", "item"),
        right={
            "one line": "def outer_loss(loss, adapt, theta, support, query):\n    return loss(adapt(theta, *support), *query)\n",
            "unpacked": """
def outer_loss(loss, adapt, theta, support, query):
    xs, ys = support
    xq, yq = query
    fast = adapt(theta, xs, ys)
    return loss(fast, xq, yq)
""",
            "indices": ("*query", "query[0], query[1]"),
            "a copy of the dict": ("adapt(theta, *support)", "adapt(dict(theta), *support)"),
            "one element": ("return loss(phi, *query)", "return loss(phi, *query).reshape(1)"),
            "cloned": ("return loss(phi, *query)", "return loss(phi, *query).clone()"),
            "enable_grad": """
def outer_loss(loss, adapt, theta, support, query):
    with torch.enable_grad():
        phi = adapt(theta, *support)
        return loss(phi, *query)
""",
        },  # fmt: skip
    ),
    "09.3": Bank(
        name="meta_gradient",
        base="""
def meta_gradient(support_loss, query_loss, begin, theta, steps, alpha):
    phi = begin(theta)
    for _ in range(steps):
        gradient = torch.autograd.grad(support_loss(phi).sum(), list(phi.values()), create_graph=True)
        phi = {name: phi[name] - alpha[name] * g for name, g in zip(phi, gradient)}
    gradient = torch.autograd.grad(query_loss(phi).mean(), list(theta.values()))
    return dict(zip(theta, gradient))
""",
        wrong={
            "the mean inside": ("support_loss(phi).sum()", "support_loss(phi).mean()"),
            "the sum outside": ("query_loss(phi).mean()", "query_loss(phi).sum()"),
            "both the wrong way round": (
                ("support_loss(phi).sum()", "support_loss(phi).mean()"),
                ("query_loss(phi).mean()", "query_loss(phi).sum()"),
            ),
            "no way back": (", create_graph=True", ""),
            "retain_graph in its place": ("create_graph=True", "retain_graph=True"),
            "the gradient detached": ("alpha[name] * g for", "alpha[name] * g.detach() for"),
            "phi detached": (
                "phi[name] - alpha[name] * g for",
                "(phi[name] - alpha[name] * g).detach().requires_grad_() for",
            ),
            "by phi": (
                (
                    "query_loss(phi).mean(), list(theta.values())",
                    "query_loss(phi).mean(), list(phi.values())",
                ),
                ("dict(zip(theta, gradient))", "dict(zip(phi, gradient))"),
            ),
            "judged on the support set": ("query_loss(phi).mean()", "support_loss(phi).mean()"),
            "adapted on the queries": ("support_loss(phi).sum()", "query_loss(phi).sum()"),
            "sets swapped": (
                ("support_loss(phi).sum()", "query_loss(phi).sum()"),
                ("query_loss(phi).mean()", "support_loss(phi).mean()"),
            ),
            "both losses": ("query_loss(phi).mean()", "(query_loss(phi) + support_loss(phi)).mean()"),
            "joint training": ("query_loss(phi).mean()", "query_loss(begin(theta)).mean()"),
            "one step": ("range(steps)", "range(1)"),
            "one step more": ("range(steps)", "range(steps + 1)"),
            "one step less": ("range(steps)", "range(steps - 1)"),
            "no step": ("range(steps)", "range(0)"),
            "always from the start": """
def meta_gradient(support_loss, query_loss, begin, theta, steps, alpha):
    start = begin(theta)
    for _ in range(steps):
        gradient = torch.autograd.grad(support_loss(start).sum(), list(start.values()), create_graph=True)
        phi = {name: start[name] - alpha[name] * g for name, g in zip(start, gradient)}
    gradient = torch.autograd.grad(query_loss(phi).mean(), list(theta.values()))
    return dict(zip(theta, gradient))
""",
            "uphill": ("- alpha[name]", "+ alpha[name]"),
            "no rate": ("alpha[name] * g", "g"),
            "one rate for all": ("alpha[name]", "alpha['w']"),
            "theta not laid out": ("phi = begin(theta)", "phi = theta"),
            "theta moved": (
                "dict(zip(theta, gradient))",
                "{name: theta[name] - g for name, g in zip(theta, gradient)}",
            ),
            "uphill outside": (
                "dict(zip(theta, gradient))",
                "{name: -g for name, g in zip(theta, gradient)}",
            ),
            "no names": ("dict(zip(theta, gradient))", "gradient"),
            "a list": ("dict(zip(theta, gradient))", "list(gradient)"),
            "the loss beside it": (
                "return dict(zip(theta, gradient))",
                "return dict(zip(theta, gradient)), query_loss(phi).mean()",
            ),
            "the loss alone": ("return dict(zip(theta, gradient))", "return query_loss(phi).mean()"),
            "the first task alone": ("support_loss(phi).sum()", "support_loss(phi)[0]"),
            "not summed": ("support_loss(phi).sum()", "support_loss(phi)"),
            "the rates whole": ("alpha[name] * g", "alpha * g"),
            "by backward at the end": """
def meta_gradient(support_loss, query_loss, begin, theta, steps, alpha):
    phi = begin(theta)
    for _ in range(steps):
        g = torch.autograd.grad(support_loss(phi).sum(), phi.values(), create_graph=True)
        phi = {name: value - alpha[name] * d for (name, value), d in zip(phi.items(), g)}
    query_loss(phi).mean().backward()
    return {name: value.grad for name, value in theta.items()}
""",
            "backward, never zeroed": """
def meta_gradient(support_loss, query_loss, begin, theta, steps, alpha):
    phi = begin(theta)
    for _ in range(steps):
        for value in phi.values():
            value.retain_grad()
        support_loss(phi).sum().backward(create_graph=True)
        phi = {name: phi[name] - alpha[name] * phi[name].grad for name in phi}
    query_loss(phi).mean().backward()
    return {name: value.grad for name, value in theta.items()}
""",
        },
        right={
            "grad_outputs in place of the sum": (
                "support_loss(phi).sum(), list(phi.values()), create_graph=True",
                "support_loss(phi), list(phi.values()), torch.ones_like(support_loss(phi)), create_graph=True",
            ),
            "the mean by hand": ("query_loss(phi).mean()", "query_loss(phi).sum() / len(query_loss(phi))"),
            "from the back to the front": """
def meta_gradient(support_loss, query_loss, begin, theta, steps, alpha):
    start = begin(theta)
    phi, walked = start, []
    for _ in range(steps):
        at = {name: value.detach().requires_grad_() for name, value in phi.items()}
        g = torch.autograd.grad(support_loss(at).sum(), list(at.values()), create_graph=True)
        walked.append((at, g))
        phi = {name: at[name].detach() - alpha[name] * d.detach() for name, d in zip(at, g)}
    end = {name: value.detach().requires_grad_() for name, value in phi.items()}
    v = torch.autograd.grad(query_loss(end).mean(), list(end.values()))
    for at, g in reversed(walked):
        wanted = [alpha[name] * b for name, b in zip(at, v)]
        Hv = torch.autograd.grad(g, list(at.values()), wanted)
        v = [a - b for a, b in zip(v, Hv)]
    back = torch.autograd.grad(list(start.values()), list(theta.values()), v, allow_unused=True)
    return dict(zip(theta, back))
""",
        },
        pitfalls=("the mean inside", "no way back", "by phi"),
    ),
    "09.4": Bank(
        name="half_width",
        base="""
def half_width(accuracies):
    return 1.96 * accuracies.std() / len(accuracies) ** 0.5
""",
        wrong={
            "the spread": (" / len(accuracies) ** 0.5", ""),
            "one standard deviation": (
                "1.96 * accuracies.std() / len(accuracies) ** 0.5",
                "accuracies.std()",
            ),
            "one standard error": ("1.96 * ", ""),
            "divided by n": (" ** 0.5", ""),
            "the population's spread": (".std()", ".std(correction=0)"),
            "the population's spread, by unbiased": (".std()", ".std(unbiased=False)"),
            "the variance": (".std()", ".var()"),
            "the variance over n": (
                "accuracies.std() / len(accuracies) ** 0.5",
                "accuracies.var() / len(accuracies)",
            ),
            "coin tosses": """
def half_width(accuracies):
    p = accuracies.mean()
    return 1.96 * (p * (1 - p) / len(accuracies)) ** 0.5
""",
            "the whole width": ("1.96", "2 * 1.96"),
            "n - 1 once more": ("len(accuracies)", "(len(accuracies) - 1)"),
            "1.645": ("1.96", "1.645"),
            "2.576": ("1.96", "2.576"),
            "two": ("1.96", "2"),
            "1.69": ("1.96", "1.69"),
            "multiplied": ("/ len", "* len"),
            "square instead of root": ("** 0.5", "** 2"),
            "of the mean": ("accuracies.std()", "accuracies.mean()"),
            "a pair": (
                """return 1.96 * accuracies.std() / len(accuracies) ** 0.5""",
                """w = 1.96 * accuracies.std() / len(accuracies) ** 0.5\n    return accuracies.mean() - w, accuracies.mean() + w""",
            ),
            "mean and width": (
                """return 1.96 * accuracies""",
                """return accuracies.mean(), 1.96 * accuracies""",
            ),
            "the upper end": ("return 1.96", "return accuracies.mean() + 1.96"),
            "in percent": ("return 1.96", "return 100 * 1.96"),
            "mean absolute deviation": ("accuracies.std()", "(accuracies - accuracies.mean()).abs().mean()"),
            "the range": ("accuracies.std()", "(accuracies.max() - accuracies.min())"),
            "root of the spread": ("accuracies.std()", "accuracies.std() ** 0.5"),
            "for each task": ("accuracies.std()", "(accuracies - accuracies.mean()).abs()"),
            "nine tasks": ("len(accuracies)", "9"),
            "600 tasks": ("len(accuracies)", "600"),
            "no return": ("return 1.96", "width = 1.96"),
            "printed": (
                "return 1.96 * accuracies.std() / len(accuracies) ** 0.5",
                "print(1.96 * accuracies.std() / len(accuracies) ** 0.5)",
            ),
            "rounded": (
                "return 1.96 * accuracies.std() / len(accuracies) ** 0.5",
                "return round(float(1.96 * accuracies.std() / len(accuracies) ** 0.5), 2)",
            ),
            "t of the bootstrap": ("accuracies.std()", "accuracies.median()"),
        },  # fmt: skip
        pitfalls=(
            "the spread",
            "one standard error",
            "divided by n",
            "coin tosses",
            "the population's spread",
        ),
        right={
            "1.959964": ("1.96", "1.959964"),
            "the course's own": """
from mlteach.measure import over_tasks
def half_width(accuracies):
    return over_tasks(accuracies).half_width
""",
            "a float": (
                "return 1.96 * accuracies.std() / len(accuracies) ** 0.5",
                "return float(1.96 * accuracies.std() / len(accuracies) ** 0.5)",
            ),
            "item": (".std()", ".std().item()"),
            "numpy": """
import numpy as np
def half_width(accuracies):
    a = np.asarray(accuracies)
    return 1.96 * a.std(ddof=1) / np.sqrt(len(a))
""",
            "numel": ("len(accuracies) ** 0.5", "math.sqrt(accuracies.numel())"),
            "by hand": """
def half_width(accuracies):
    n = accuracies.shape[0]
    m = accuracies.sum() / n
    return 1.96 * torch.sqrt(((accuracies - m) ** 2).sum() / (n - 1) / n)
""",
            "variance's root": (
                "accuracies.std() / len(accuracies) ** 0.5",
                "(accuracies.var() / len(accuracies)) ** 0.5",
            ),
            "float32": ("accuracies.std()", "accuracies.float().std()"),
            "one element": (
                "return 1.96 * accuracies.std()",
                "return 1.96 * accuracies.std(0, keepdim=True)",
            ),
            "statistics": """
import statistics
def half_width(accuracies):
    values = accuracies.tolist()
    return 1.96 * statistics.stdev(values) / len(values) ** 0.5
""",
            "scipy's normal": """
from statistics import NormalDist
def half_width(accuracies):
    return NormalDist().inv_cdf(0.975) * torch.std(accuracies) / torch.tensor(float(len(accuracies))).sqrt()
""",
        },  # fmt: skip
    ),
}
