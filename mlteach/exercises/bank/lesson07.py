"""Answers to the exercises of lesson 07."""

from dataclasses import replace

from mlteach.exercises.bank import Answer, Bank

#: The outer halves below, with the inner loop as a function of its own in front.
OUTER = "def reptile_step(adapt, theta, tasks, beta):"
WHOLE = """def reptile_step(loss, theta, tasks, beta, alpha):
    def adapt(start, minibatches):
        phi = start
        for minibatch in minibatches:
            point = leaves(phi)
            gradient = gradient_of(loss(point, minibatch), point)
            phi = {n: v - alpha * gradient[n] for n, v in phi.items()}
        return phi
"""


def whole(bank: Bank) -> Bank:
    """The same answers with their inner loop."""

    def text(answer: Answer) -> Answer:
        return answer.replace(OUTER, WHOLE) if isinstance(answer, str) else answer

    wrong = {label: text(answer) for label, answer in bank.wrong.items()}
    right = {label: text(answer) for label, answer in bank.right.items()}
    return replace(bank, base=bank.base.replace(OUTER, WHOLE), wrong=wrong, right=right)


STEP = Bank(
    name="reptile_step",
    setup="import copy\nfrom mlteach.params import gradient_of, leaves\nfrom torch.func import grad\n",
    base="""
def reptile_step(adapt, theta, tasks, beta):
    phis = [adapt(theta, task) for task in tasks]
    new = {}
    for name, value in theta.items():
        mean = sum(phi[name] for phi in phis) / len(phis)
        new[name] = value + beta * (mean - value)
    return new
""",
    pitfalls=(
        "no beta",
        "the wrong way",
        "weights swapped",
        "one after the other",
        "a move after every task",
        "the sum",
        "the last task only",
        "all gradients at theta",
        "one inner step",
        "the same minibatch",
        "uphill",
        "no alpha",
    ),
    wrong={
        "all gradients at theta": ("point = leaves(phi)", "point = leaves(start)"),
        "one inner step": ("for minibatch in minibatches:", "for minibatch in minibatches[:1]:"),
        "the last minibatch": ("for minibatch in minibatches:", "for minibatch in minibatches[-1:]:"),
        "starts anew for each minibatch": (
            "v - alpha * gradient[n] for n, v in phi.items()",
            "v - alpha * gradient[n] for n, v in start.items()",
        ),
        "the same minibatch": ("loss(point, minibatch)", "loss(point, minibatches[0])"),
        "a step too few": ("for minibatch in minibatches:", "for minibatch in minibatches[1:]:"),
        "backwards": ("for minibatch in minibatches:", "for minibatch in reversed(minibatches):"),
        "uphill": ("v - alpha", "v + alpha"),
        "no alpha": ("v - alpha * gradient[n]", "v - gradient[n]"),
        "beta inside": ("v - alpha * gradient[n]", "v - beta * gradient[n]"),
        "alpha outside": ("value + beta * (mean", "value + alpha * (mean"),
        "alpha over k": ("alpha * gradient", "alpha / len(minibatches) * gradient"),
        "signs inside": ("alpha * gradient[n]", "alpha * gradient[n].sign()"),
        "the demo's rate": ("alpha * gradient", "0.02 * gradient"),
        "one phi for all tasks": """
def reptile_step(loss, theta, tasks, beta, alpha):
    phi = theta
    for minibatches in tasks:
        for minibatch in minibatches:
            point = leaves(phi)
            gradient = gradient_of(loss(point, minibatch), point)
            phi = {n: v - alpha * gradient[n] for n, v in phi.items()}
    return {n: v + beta * (phi[n] - v) for n, v in theta.items()}
""",
        "plain SGD": """
def reptile_step(loss, theta, tasks, beta, alpha):
    for minibatches in tasks:
        for minibatch in minibatches:
            gradient = grad(loss)(theta, minibatch)
            theta = {n: v - alpha * gradient[n] for n, v in theta.items()}
    return theta
""",
        "theta moves inside": """
def reptile_step(loss, theta, tasks, beta, alpha):
    for minibatches in tasks:
        phi = theta
        for minibatch in minibatches:
            gradient = grad(loss)(phi, minibatch)
            phi = {n: v - alpha * gradient[n] for n, v in phi.items()}
        theta = {n: v + beta * (phi[n] - v) for n, v in theta.items()}
    return theta
""",
        "the last phi alone": """
def reptile_step(loss, theta, tasks, beta, alpha):
    for minibatches in tasks:
        phi = theta
        for minibatch in minibatches:
            gradient = grad(loss)(phi, minibatch)
            phi = {n: v - alpha * gradient[n] for n, v in phi.items()}
    return {n: v + beta * (phi[n] - v) for n, v in theta.items()}
""",
        "joint training": """
def reptile_step(loss, theta, tasks, beta, alpha):
    every = [grad(loss)(theta, minibatch) for minibatches in tasks for minibatch in minibatches]
    return {n: v - beta * alpha * sum(g[n] for g in every) / len(tasks) for n, v in theta.items()}
""",
        "backward on leaves that are kept": """
def reptile_step(loss, theta, tasks, beta, alpha):
    phis = []
    for minibatches in tasks:
        phi = {n: v.clone().requires_grad_() for n, v in theta.items()}
        for minibatch in minibatches:
            loss(phi, minibatch).backward()
            with torch.no_grad():
                for v in phi.values():
                    v -= alpha * v.grad
        phis.append(phi)
    return {n: (v + beta * sum(p[n] - v for p in phis) / len(phis)).detach() for n, v in theta.items()}
""",
        "no beta": ("value + beta * (mean - value)", "mean"),
        "the wrong way": ("value + beta", "value - beta"),
        "theta minus phi": ("(mean - value)", "(value - mean)"),
        "weights swapped": ("value + beta * (mean - value)", "beta * value + (1 - beta) * mean"),
        "one after the other": (
            "phis = [adapt(theta, task) for task in tasks]",
            """phis, here = [], theta
    for task in tasks:
        here = adapt(here, task)
        phis.append(here)""",
        ),
        "one after the other, to the last": (
            "phis = [adapt(theta, task) for task in tasks]",
            """here = theta
    for task in tasks:
        here = adapt(here, task)
    phis = [here]""",
        ),
        "one after the other, all the way": """
def reptile_step(adapt, theta, tasks, beta):
    for task in tasks:
        theta = adapt(theta, task)
    return theta
""",
        "a move after every task": """
def reptile_step(adapt, theta, tasks, beta):
    for task in tasks:
        phi = adapt(theta, task)
        theta = {name: value + beta * (phi[name] - value) for name, value in theta.items()}
    return theta
""",
        "a short move after every task": """
def reptile_step(adapt, theta, tasks, beta):
    for task in tasks:
        phi = adapt(theta, task)
        theta = {name: value + beta / len(tasks) * (phi[name] - value) for name, value in theta.items()}
    return theta
""",
        "moves added up, phis from the start": """
def reptile_step(adapt, theta, tasks, beta):
    new = dict(theta)
    for phi in [adapt(theta, task) for task in tasks]:
        new = {name: value + beta * (phi[name] - value) for name, value in new.items()}
    return new
""",
        "the sum": ("beta * (mean - value)", "beta * len(phis) * (mean - value)"),
        "the phis added up": (" / len(phis)", ""),
        "over one less": ("len(phis)", "max(len(phis) - 1, 1)"),
        "divided twice": ("beta * (mean - value)", "beta / len(phis) * (mean - value)"),
        "the last task only": ("mean = sum(phi[name] for phi in phis) / len(phis)", "mean = phis[-1][name]"),
        "the last task only, by a loop": """
def reptile_step(adapt, theta, tasks, beta):
    for task in tasks:
        phi = adapt(theta, task)
        new = {name: value + beta * (phi[name] - value) for name, value in theta.items()}
    return new
""",
        "the last task only, divided": """
def reptile_step(adapt, theta, tasks, beta):
    for task in tasks:
        phi = adapt(theta, task)
        new = {name: value + beta * (phi[name] - value) / len(tasks) for name, value in theta.items()}
    return new
""",
        "the first task only": ("mean = sum(phi[name] for phi in phis) / len(phis)", "mean = phis[0][name]"),
        "returns in the loop": """
def reptile_step(adapt, theta, tasks, beta):
    for task in tasks:
        phi = adapt(theta, task)
        return {name: value + beta * (phi[name] - value) for name, value in theta.items()}
""",
        "the change alone": ("value + beta * (mean - value)", "beta * (mean - value)"),
        "the difference alone": ("value + beta * (mean - value)", "mean - value"),
        "theta plus beta phi": ("(mean - value)", "mean"),
        "beta phi alone": ("value + beta * (mean - value)", "beta * mean"),
        "only theta shrunk": ("value + beta * (mean - value)", "(1 - beta) * value"),
        "beta on theta alone": ("value + beta * (mean - value)", "mean - beta * value"),
        "divided by beta": ("beta * (mean - value)", "(mean - value) / beta"),
        "the whole way past": ("value + beta * (mean - value)", "value + (mean - value)"),
        "brackets": ("beta * (mean - value)", "beta * mean - value"),
        "the median": (
            "sum(phi[name] for phi in phis) / len(phis)",
            "torch.stack([phi[name] for phi in phis]).median(0).values",
        ),
        "mean over everything": (
            "sum(phi[name] for phi in phis) / len(phis)",
            "torch.stack([phi[name] for phi in phis]).mean()",
        ),
        "trained on all tasks as one": (
            "[adapt(theta, task) for task in tasks]",
            "[adapt(theta, [sum(step) / len(step) for step in zip(*tasks)])]",
        ),
        "all tasks handed over": ("[adapt(theta, task) for task in tasks]", "[adapt(theta, tasks)]"),
        "beta one half, always": ("beta * (mean", "0.5 * (mean"),
        "theta in place": (
            "new[name] = value + beta * (mean - value)",
            "new[name] = value.add_(beta * (mean - value))",
        ),
        "the dict in place": ("new = {}", "new = theta"),
        "only the first name": (
            "        new[name] = value + beta * (mean - value)\n    return new",
            "        new[name] = value + beta * (mean - value)\n        return new",
        ),
        "a list": ("return new", "return list(new.values())"),
        "the trained weights": ("    return new", "    return phis"),
        "dicts subtracted": """
def reptile_step(adapt, theta, tasks, beta):
    phis = [adapt(theta, task) for task in tasks]
    return theta + beta * sum(phi - theta for phi in phis) / len(phis)
""",
        "no return": ("return new", "theta = new"),
        "differences added up": """
def reptile_step(adapt, theta, tasks, beta):
    grads = {n: torch.zeros_like(v) for n, v in theta.items()}
    for task in tasks:
        phi = adapt(theta, task)
        for n in theta:
            grads[n] += theta[n] - phi[n]
    return {n: theta[n] - beta * grads[n] for n in theta}
""",
        "theta as one of the phis": """
def reptile_step(adapt, theta, tasks, beta):
    phis = [adapt(theta, t) for t in tasks]
    return {n: (theta[n] + sum(p[n] for p in phis)) / (len(phis) + 1) for n in theta}
""",
        "phis added up in the average": """
def reptile_step(adapt, theta, tasks, beta):
    phis = [adapt(theta, t) for t in tasks]
    return {n: (1 - beta) * theta[n] + beta * sum(p[n] for p in phis) for n in theta}
""",
        "the last of a chain": """
def reptile_step(adapt, theta, tasks, beta):
    start = theta
    for task in tasks:
        theta = adapt(theta, task)
    return {n: start[n] + beta * (theta[n] - start[n]) for n in start}
""",
        "cat for stack": """
def reptile_step(adapt, theta, tasks, beta):
    phis = [adapt(theta, t) for t in tasks]
    return {n: theta[n] + beta * torch.cat([p[n] - theta[n] for p in phis]).mean(0) for n in theta}
""",
        "the mean of all numbers": """
def reptile_step(adapt, theta, tasks, beta):
    phis = [adapt(theta, t) for t in tasks]
    return {n: theta[n] + beta * torch.stack([p[n] - theta[n] for p in phis]).mean() for n in theta}
""",
        "a list of starts": """
def reptile_step(adapt, theta, tasks, beta):
    phis = [adapt(theta, t) for t in tasks]
    return [{n: theta[n] + beta * (p[n] - theta[n]) for n in theta} for p in phis]
""",
        "overwritten in a comprehension": """
def reptile_step(adapt, theta, tasks, beta):
    return {n: theta[n] + beta * (adapt(theta, t)[n] - theta[n]) for t in tasks for n in theta}
""",
        "task and theta swapped": """
def reptile_step(adapt, theta, tasks, beta):
    phis = [adapt(task, theta) for task in tasks]
    return {n: theta[n] + beta * sum(p[n] - theta[n] for p in phis) / len(phis) for n in theta}
""",
        "away from the mean": """
def reptile_step(adapt, theta, tasks, beta):
    phis = [adapt(theta, task) for task in tasks]
    mean = {n: sum(p[n] for p in phis) / len(phis) for n in theta}
    return {n: theta[n] + beta * (theta[n] - mean[n]) for n in theta}
""",
        "a chain, divided": """
def reptile_step(adapt, theta, tasks, beta):
    phis = [theta]
    for task in tasks:
        phis.append(adapt(phis[-1], task))
    return {n: theta[n] + beta * (phis[-1][n] - theta[n]) / len(tasks) for n in theta}
""",
        "brackets again": """
def reptile_step(adapt, theta, tasks, beta):
    phis = [adapt(theta, task) for task in tasks]
    return {n: theta[n] + beta * sum(p[n] for p in phis) / len(phis) - theta[n] for n in theta}
""",
        "all divided": """
def reptile_step(adapt, theta, tasks, beta):
    phis = [adapt(theta, task) for task in tasks]
    return {n: (theta[n] + beta * sum(p[n] - theta[n] for p in phis)) / len(phis) for n in theta}
""",
        "one change for all": """
def reptile_step(adapt, theta, tasks, beta):
    phis = [adapt(theta, task) for task in tasks]
    total = sum(p['w'] - theta['w'] for p in phis) / len(phis)
    return {n: theta[n] + beta * total for n in theta}
""",
        "shrunk and moved": """
def reptile_step(adapt, theta, tasks, beta):
    phis = [adapt(theta, task) for task in tasks]
    return {n: theta[n] * (1 - beta) + beta * sum(p[n] - theta[n] for p in phis) / len(phis) for n in theta}
""",
        "one task at random": """
def reptile_step(adapt, theta, tasks, beta):
    import random
    task = random.choice(tasks)
    phi = adapt(theta, task)
    return {n: theta[n] + beta * (phi[n] - theta[n]) for n in theta}
""",
        "divided by the sum": """
def reptile_step(adapt, theta, tasks, beta):
    phis = [adapt(theta, task) for task in tasks]
    return {n: theta[n] + beta / (len(phis) * sum(p[n] - theta[n] for p in phis)) for n in theta}
""",
        "theta taken once": """
def reptile_step(adapt, theta, tasks, beta):
    phis = [adapt(theta, task) for task in tasks]
    return {n: theta[n] + beta * (sum(p[n] for p in phis) - theta[n]) / len(phis) for n in theta}
""",
        "squares": """
def reptile_step(adapt, theta, tasks, beta):
    phis = [adapt(theta, task) for task in tasks]
    return {n: theta[n] + beta * sum((p[n] - theta[n]) ** 2 for p in phis) / len(phis) for n in theta}
""",
        "signs": """
def reptile_step(adapt, theta, tasks, beta):
    phis = [adapt(theta, task) for task in tasks]
    return {n: theta[n] + beta * sum((p[n] - theta[n]).sign() for p in phis) / len(phis) for n in theta}
""",
        "beta to the power of tasks": """
def reptile_step(adapt, theta, tasks, beta):
    phis = [adapt(theta, task) for task in tasks]
    return {n: theta[n] + beta ** len(phis) * sum(p[n] - theta[n] for p in phis) / len(phis) for n in theta}
""",
    },
    right={
        "two loops": """
def reptile_step(loss, theta, tasks, beta, alpha):
    phis = []
    for minibatches in tasks:
        phi = theta
        for minibatch in minibatches:
            gradient = grad(loss)(phi, minibatch)
            phi = {n: v - alpha * gradient[n] for n, v in phi.items()}
        phis.append(phi)
    return {n: v + beta * sum(phi[n] - v for phi in phis) / len(phis) for n, v in theta.items()}
""",
        "autograd": """
def reptile_step(loss, theta, tasks, beta, alpha):
    moved = {n: torch.zeros_like(v) for n, v in theta.items()}
    for minibatches in tasks:
        phi = {n: v.clone() for n, v in theta.items()}
        for minibatch in minibatches:
            phi = {n: v.detach().requires_grad_() for n, v in phi.items()}
            gradients = torch.autograd.grad(loss(phi, minibatch), list(phi.values()))
            phi = {n: v - alpha * g for (n, v), g in zip(phi.items(), gradients)}
        for n, v in theta.items():
            moved[n] += (phi[n].detach() - v) / len(tasks)
    return {n: v + beta * moved[n] for n, v in theta.items()}
""",
        "an optimizer inside": """
def reptile_step(loss, theta, tasks, beta, alpha):
    phis = []
    for minibatches in tasks:
        phi = {n: v.clone().requires_grad_() for n, v in theta.items()}
        optimizer = torch.optim.SGD(phi.values(), lr=alpha)
        for minibatch in minibatches:
            optimizer.zero_grad()
            loss(phi, minibatch).backward()
            optimizer.step()
        phis.append({n: v.detach() for n, v in phi.items()})
    return {n: v + beta * sum(phi[n] - v for phi in phis) / len(phis) for n, v in theta.items()}
""",
        "a comprehension": """
def reptile_step(adapt, theta, tasks, beta):
    phis = [adapt(theta, task) for task in tasks]
    return {n: v + beta * sum(phi[n] - v for phi in phis) / len(phis) for n, v in theta.items()}
""",
        "a running average": """
def reptile_step(adapt, theta, tasks, beta):
    new = {n: (1 - beta) * v for n, v in theta.items()}
    for task in tasks:
        for n, v in adapt(theta, task).items():
            new[n] = new[n] + beta / len(tasks) * v
    return new
""",
        "lerp of a stack": """
def reptile_step(adapt, theta, tasks, beta):
    phis = [adapt(theta, task) for task in tasks]
    return {n: torch.lerp(theta[n], torch.stack([phi[n] for phi in phis]).mean(dim=0), beta) for n in theta}
""",
        "an optimizer": """
def reptile_step(adapt, theta, tasks, beta):
    new = {n: v.detach().clone().requires_grad_() for n, v in theta.items()}
    optimizer = torch.optim.SGD(new.values(), lr=beta)
    phis = [adapt(theta, task) for task in tasks]
    for n, v in new.items():
        v.grad = torch.stack([theta[n] - phi[n] for phi in phis]).mean(0)
    optimizer.step()
    return {n: v.detach() for n, v in new.items()}
""",
        "copies first": ("adapt(theta, task) for", "adapt(copy.deepcopy(theta), task) for"),
        "beta as a tensor": ("beta * (mean", "torch.tensor(beta) * (mean"),
        "a clone moved in place": (
            "new[name] = value + beta * (mean - value)",
            "new[name] = value.clone().mul_(1 - beta).add_(mean, alpha=beta)",
        ),
        "single precision": (
            "new[name] = value + beta * (mean - value)",
            "new[name] = (value + beta * (mean - value)).float()",
        ),
        "added up": """
def reptile_step(adapt, theta, tasks, beta):
    new = {n: v.clone() for n, v in theta.items()}
    for task in tasks:
        phi = adapt(theta, task)
        for n in new:
            new[n] += beta * (phi[n] - theta[n]) / len(tasks)
    return new
""",
        "a gradient collected": """
def reptile_step(adapt, theta, tasks, beta):
    grads = {n: torch.zeros_like(v) for n, v in theta.items()}
    for task in tasks:
        phi = adapt({n: v.clone() for n, v in theta.items()}, task)
        for n in theta:
            grads[n] += (theta[n] - phi[n]) / len(tasks)
    return {n: theta[n] - beta * grads[n] for n in theta}
""",
        "in other words": """
def reptile_step(adapt, theta, tasks, beta):
    phis = [adapt(theta, task) for task in tasks]
    d = {n: torch.stack([theta[n] - p[n] for p in phis]).mean(0) for n in theta}
    return {n: theta[n] - beta * d[n] for n in theta}
""",
        "by another road": """
def reptile_step(adapt, theta, tasks, beta):
    new = dict(theta)
    for task in tasks:
        phi = adapt(theta, task)
        new = {n: new[n] + beta / len(tasks) * (phi[n] - theta[n]) for n in theta}
    return new
""",
        "in a third way": """
def reptile_step(adapt, theta, tasks, beta):
    phis = [adapt(theta, task) for task in tasks]
    return {n: (1 - beta) * theta[n] + beta * torch.stack([p[n] for p in phis], -1).mean(-1) for n in theta}
""",
    },
)

FAR = Bank(
    name="gone",
    base="""
def gone(theta, a, h, alpha, k):
    return (1 - (1 - alpha * h) ** k) * (theta - a)
""",
    pitfalls=(
        "all gradients at theta",
        "the way it went",
        "what is left",
        "where it ends",
        "no h",
        "one step",
        "divided by alpha",
    ),
    wrong={
        "all gradients at theta": ("(1 - (1 - alpha * h) ** k)", "k * alpha * h"),
        "the way it went": ("(theta - a)", "(a - theta)"),
        "what is left": ("(1 - (1 - alpha * h) ** k)", "(1 - alpha * h) ** k"),
        "what is left, the other way": ("(1 - (1 - alpha * h) ** k)", "-(1 - alpha * h) ** k"),
        "where it ends": (
            "(1 - (1 - alpha * h) ** k) * (theta - a)",
            "a + (1 - alpha * h) ** k * (theta - a)",
        ),
        "where a one-step training ends": (
            "(1 - (1 - alpha * h) ** k) * (theta - a)",
            "theta - alpha * h * (theta - a)",
        ),
        "no h": ("alpha * h", "alpha"),
        "no alpha": ("alpha * h", "h"),
        "half h": ("alpha * h", "alpha * h / 2"),
        "h squared": ("alpha * h", "alpha * h ** 2"),
        "two h": ("alpha * h", "2 * alpha * h"),
        "divided by alpha": ("(theta - a)", "(theta - a) / alpha"),
        "divided by alpha h": ("(theta - a)", "(theta - a) / (alpha * h)"),
        "divided by k": ("(theta - a)", "(theta - a) / k"),
        "one step": ("(1 - (1 - alpha * h) ** k)", "alpha * h"),
        "one step fewer": ("** k", "** (k - 1)"),
        "one step more": ("** k", "** (k + 1)"),
        "times k for to the k": ("(1 - alpha * h) ** k", "(1 - alpha * h) * k"),
        "k into the bracket": ("(1 - alpha * h) ** k", "(1 - k * alpha * h)"),
        "the power on the wrong thing": ("(1 - alpha * h) ** k", "(1 - (alpha * h) ** k)"),
        "the power on h": ("(1 - alpha * h) ** k", "(1 - alpha * h ** k)"),
        "the power outside": ("(1 - (1 - alpha * h) ** k)", "(1 - (1 - alpha * h)) ** k"),
        "uphill": ("1 - alpha * h", "1 + alpha * h"),
        "as if time were continuous": ("(1 - alpha * h) ** k", "torch.exp(-alpha * h * k)"),
        "to the second order": (
            "(1 - (1 - alpha * h) ** k)",
            "(k * alpha * h - k * (k - 1) / 2 * (alpha * h) ** 2)",
        ),
        "theta for the distance": ("(theta - a)", "theta"),
        "a for the distance": ("(theta - a)", "a"),
        "the sum for the distance": ("(theta - a)", "(theta + a)"),
        "no distance": (" * (theta - a)", ""),
        "the distance squared": ("(theta - a)", "(theta - a) ** 2"),
        "the distance without its sign": ("(theta - a)", "(theta - a).abs()"),
        "all the way": ("(1 - (1 - alpha * h) ** k) * (theta - a)", "theta - a"),
        "the sum of the factors": (
            "(1 - (1 - alpha * h) ** k)",
            "sum((1 - alpha * h) ** j for j in range(k))",
        ),
        "a step too many in the sum": (
            "(1 - (1 - alpha * h) ** k)",
            "alpha * h * sum((1 - alpha * h) ** j for j in range(k + 1))",
        ),
        "the last gradient": ("(1 - (1 - alpha * h) ** k)", "alpha * h * (1 - alpha * h) ** (k - 1)"),
        "alpha and h swapped round": ("(1 - (1 - alpha * h) ** k)", "(1 - (1 - alpha / h) ** k)"),
        "an xor": ("** k", "^ k"),
        "theta in place": """
def gone(theta, a, h, alpha, k):
    start = theta
    for _ in range(k):
        theta -= alpha * h * (theta - a)
    return start - theta
""",
        "the loss": ("(theta - a)", "h / 2 * (theta - a) ** 2"),
        "no return": ("return ", "d = "),
        "theta subtracted at the end": """
def gone(theta, a, h, alpha, k):
    return (theta - a) * (1 - alpha * h) ** k - theta
""",
        "the bracket too early": """
def gone(theta, a, h, alpha, k):
    return theta - a - (1 - alpha * h) ** k
""",
        "alpha outside": """
def gone(theta, a, h, alpha, k):
    return (theta - a) * (1 - (1 - h) ** k) * alpha
""",
        "the gradient in the bracket": """
def gone(theta, a, h, alpha, k):
    return (theta - a) * (1 - alpha * h * (theta - a)) ** k
""",
        "a loop with the first gradient": """
def gone(theta, a, h, alpha, k):
    phi = theta
    for _ in range(k):
        phi = phi - alpha * h * (theta - a)
    return theta - phi
""",
        "a loop to the end": """
def gone(theta, a, h, alpha, k):
    phi = theta
    for _ in range(k):
        phi = phi - alpha * h * (phi - a)
    return phi
""",
        "a loop down the loss": """
def gone(theta, a, h, alpha, k):
    phi = theta
    for _ in range(k):
        phi = phi - alpha * h / 2 * (phi - a) ** 2
    return theta - phi
""",
        "a loop in place": """
def gone(theta, a, h, alpha, k):
    phi = theta
    for _ in range(k):
        phi -= alpha * h * (phi - a)
    return theta - phi
""",
        "the bracket too late": """
def gone(theta, a, h, alpha, k):
    return 1 - (1 - alpha * h) ** k * (theta - a)
""",
        "logs": """
def gone(theta, a, h, alpha, k):
    return (theta - a) * (1 - torch.exp(k * torch.log(1 - alpha * h)))
""",
        "the wrong way and divided": """
def gone(theta, a, h, alpha, k):
    return (1 - (1 - alpha * h) ** k) * (a - theta) / alpha
""",
        "a too many": """
def gone(theta, a, h, alpha, k):
    return theta - (1 - alpha * h) ** k * (theta - a) + a
""",
        "the power inside": """
def gone(theta, a, h, alpha, k):
    return (1 - (1 - alpha) ** k * h) * (theta - a)
""",
        "a plus": """
def gone(theta, a, h, alpha, k):
    return (1 + (1 - alpha * h) ** k) * (theta - a)
""",
        "where it ends, mixed": """
def gone(theta, a, h, alpha, k):
    return theta * (1 - alpha * h) ** k + a * (1 - (1 - alpha * h) ** k)
""",
        "the fall of the loss": """
def gone(theta, a, h, alpha, k):
    return (theta - a) ** 2 * h / 2 * (1 - (1 - alpha * h) ** (2 * k))
""",
        "the distance, unsigned": """
def gone(theta, a, h, alpha, k):
    return torch.tensor((1 - (1 - float(alpha * h)) ** k) * abs(float(theta - a)))
""",
        "one step fewer, times alpha": """
def gone(theta, a, h, alpha, k):
    return (1 - (1 - alpha * h) ** (k - 1)) * (theta - a) * alpha
""",
        "the last step upside down": """
def gone(theta, a, h, alpha, k):
    return alpha * h * (theta - a) / (1 - alpha * h) ** k
""",
        "steps backwards": """
def gone(theta, a, h, alpha, k):
    return (1 - (1 + alpha * h) ** -k) * (theta - a)
""",
        "continuous, without h": """
def gone(theta, a, h, alpha, k):
    return (theta - a) * (1 - math.e ** (-alpha * k))
""",
    },
    right={
        "phi subtracted": (
            "(1 - (1 - alpha * h) ** k) * (theta - a)",
            "theta - (a + (1 - alpha * h) ** k * (theta - a))",
        ),
        "two distances": (
            "(1 - (1 - alpha * h) ** k) * (theta - a)",
            "(theta - a) - (1 - alpha * h) ** k * (theta - a)",
        ),
        "a loop": """
def gone(theta, a, h, alpha, k):
    phi = theta
    for _ in range(k):
        phi = phi - alpha * h * (phi - a)
    return theta - phi
""",
        "a geometric sum": (
            "(1 - (1 - alpha * h) ** k)",
            "alpha * h * sum((1 - alpha * h) ** j for j in range(k))",
        ),
        "torch.pow": ("(1 - alpha * h) ** k", "torch.pow(1 - alpha * h, k)"),
        "a number": """
def gone(theta, a, h, alpha, k):
    theta, a, h = float(theta), float(a), float(h)
    return (theta - a) * (1 - (1 - alpha * h) ** k)
""",
        "autograd": """
def gone(theta, a, h, alpha, k):
    phi = theta.clone()
    for _ in range(k):
        phi.requires_grad_()
        (g,) = torch.autograd.grad(h / 2 * (phi - a) ** 2, phi)
        phi = (phi - alpha * g).detach()
    return theta - phi
""",
        "one element": ("(theta - a)\n", "(theta - a).reshape(1)\n"),
        "single precision": ("(theta - a)\n", "(theta - a).float()\n"),
        "what is left taken away": """
def gone(theta, a, h, alpha, k):
    return theta - a - (theta - a) * (1 - alpha * h) ** k
""",
        "a minus outside": """
def gone(theta, a, h, alpha, k):
    return -(((1 - alpha * h) ** k - 1) * (theta - a))
""",
        "item": """
def gone(theta, a, h, alpha, k):
    return ((theta - a) * (1 - (1 - alpha * h) ** k)).item()
""",
        "in other words": """
def gone(theta, a, h, alpha, k):
    keep = (1 - alpha * h) ** k
    end = a + keep * (theta - a)
    return theta - end
""",
        "by another road": """
def gone(theta, a, h, alpha, k):
    x = alpha * h
    return (theta - a) * -sum(math.comb(k, j) * (-x) ** j for j in range(1, k + 1))
""",
        "in a fourth way": """
def gone(theta, a, h, alpha, k):
    return float((1 - (1 - alpha * h) ** k) * (theta - a))
""",
    },
)

SERVER = Bank(
    name="federated",
    base="""
def federated(clients, sizes):
    total = sum(sizes)
    new = {}
    for name in clients[0]:
        new[name] = sum(n / total * phi[name] for phi, n in zip(clients, sizes))
    return new
""",
    pitfalls=(
        "all count the same",
        "not divided",
        "divided by the number of clients",
        "the sum",
        "upside down",
    ),
    wrong={
        "all count the same": ("n / total * phi[name]", "phi[name] / len(clients)"),
        "not divided": ("n / total * phi[name]", "n * phi[name]"),
        "divided by the number of clients": ("n / total", "n / len(clients)"),
        "divided by both": ("n / total", "n / total / len(clients)"),
        "the sum": ("n / total * phi[name]", "phi[name]"),
        "the sum over examples": ("n / total * phi[name]", "phi[name] / total"),
        "upside down": ("n / total", "(1 / n) / sum(1 / m for m in sizes)"),
        "one over the share": ("n / total", "total / n"),
        "the rest of the share": ("n / total", "(1 - n / total)"),
        "the rest of the share, mean": ("n / total", "(1 - n / total) / (len(sizes) - 1)"),
        "the largest client": """
def federated(clients, sizes):
    return clients[sizes.index(max(sizes))]
""",
        "the smallest client": """
def federated(clients, sizes):
    return clients[sizes.index(min(sizes))]
""",
        "the first client": (
            "sum(n / total * phi[name] for phi, n in zip(clients, sizes))",
            "clients[0][name]",
        ),
        "the last client": (
            "sum(n / total * phi[name] for phi, n in zip(clients, sizes))",
            "clients[-1][name]",
        ),
        "the last one's share": """
def federated(clients, sizes):
    new = {}
    for phi, n in zip(clients, sizes):
        for name in phi:
            new[name] = n / sum(sizes) * phi[name]
    return new
""",
        "by the largest": ("total = sum(sizes)", "total = max(sizes)"),
        "softmax of the sizes": (
            "n / total",
            "torch.softmax(torch.tensor(sizes, dtype=torch.float64), 0)[sizes.index(n)]",
        ),
        "roots of the sizes": ("n / total", "n ** 0.5 / sum(m ** 0.5 for m in sizes)"),
        "logs of the sizes": ("n / total", "math.log(n + 1) / sum(math.log(m + 1) for m in sizes)"),
        "squares of the sizes": ("n / total", "n ** 2 / sum(m ** 2 for m in sizes)"),
        "whole division": ("n / total", "n // total"),
        "sizes in another order": ("zip(clients, sizes)", "zip(clients, sorted(sizes))"),
        "sizes the other way round": ("zip(clients, sizes)", "zip(clients, sizes[::-1])"),
        "a running mean": """
def federated(clients, sizes):
    new = dict(clients[0])
    for phi in clients[1:]:
        new = {name: (new[name] + phi[name]) / 2 for name in new}
    return new
""",
        "a running mean with the last size": """
def federated(clients, sizes):
    new = dict(clients[0])
    for k, phi in enumerate(clients[1:], 1):
        share = sizes[k] / sum(sizes)
        new = {name: (1 - share) * new[name] + share * phi[name] for name in new}
    return new
""",
        "the first one left out": ("zip(clients, sizes)", "list(zip(clients, sizes))[1:]"),
        "the median": (
            "sum(n / total * phi[name] for phi, n in zip(clients, sizes))",
            "torch.stack([phi[name] for phi in clients]).median(0).values",
        ),
        "mean over everything": (
            "sum(n / total * phi[name] for phi, n in zip(clients, sizes))",
            "sum(n / total * phi[name] for phi, n in zip(clients, sizes)).mean()",
        ),
        "one mean for all the numbers of a client": ("phi[name] for", "phi[name].mean() for"),
        "stacked, not summed": (
            "sum(n / total * phi[name] for phi, n in zip(clients, sizes))",
            "torch.stack([n / total * phi[name] for phi, n in zip(clients, sizes)])",
        ),
        "a list of shares": (
            "sum(n / total * phi[name] for phi, n in zip(clients, sizes))",
            "[n / total * phi[name] for phi, n in zip(clients, sizes)]",
        ),
        "the first client in place": """
def federated(clients, sizes):
    new, total = clients[0], sum(sizes)
    for name in new:
        new[name] *= sizes[0] / total
        for phi, n in zip(clients[1:], sizes[1:]):
            new[name] += n / total * phi[name]
    return new
""",
        "all clients in place": """
def federated(clients, sizes):
    for phi, n in zip(clients, sizes):
        for name in phi:
            phi[name].mul_(n / sum(sizes))
    return {name: sum(phi[name] for phi in clients) for name in clients[0]}
""",
        "a list of tensors": ("return new", "return list(new.values())"),
        "only the first name": ("    return new", "        return new"),
        "dicts multiplied": """
def federated(clients, sizes):
    return sum(n / sum(sizes) * phi for phi, n in zip(clients, sizes))
""",
        "the minimum": (
            "sum(n / total * phi[name] for phi, n in zip(clients, sizes))",
            "torch.stack([phi[name] for phi in clients]).amin(0)",
        ),
        "no return": ("return new", "theta = new"),
        "softmax, by torch": """
def federated(clients, sizes):
    w = torch.softmax(torch.tensor(sizes).double(), 0)
    return {n: sum(x * c[n] for x, c in zip(w, clients)) for n in clients[0]}
""",
        "normalized": """
def federated(clients, sizes):
    w = F.normalize(torch.tensor(sizes).double(), dim=0)
    return {n: sum(x * c[n] for x, c in zip(w, clients)) for n in clients[0]}
""",
        "broadcast along the wrong axis": """
def federated(clients, sizes):
    w = torch.tensor(sizes).double() / sum(sizes)
    return {n: (w * torch.stack([c[n] for c in clients])).sum(0) for n in clients[0]}
""",
        "mean of weighed": """
def federated(clients, sizes):
    w = torch.tensor(sizes).double() / sum(sizes)
    return {n: torch.stack([x * c[n] for x, c in zip(w, clients)]).mean(0) for n in clients[0]}
""",
        "added onto the first": """
def federated(clients, sizes):
    new = clients[0]
    for c, s in zip(clients[1:], sizes[1:]):
        for n in new:
            new[n] = new[n] + s / sum(sizes) * c[n]
    return new
""",
        "each divided by its size": """
def federated(clients, sizes):
    new = {n: torch.zeros_like(v) for n, v in clients[0].items()}
    for c, s in zip(clients, sizes):
        for n in new:
            new[n] = new[n] + c[n] / s
    return new
""",
        "a list of weighed": """
def federated(clients, sizes):
    total = sum(sizes)
    return {n: [s / total * c[n] for s, c in zip(sizes, clients)] for n in clients[0]}
""",
        "two clients only": """
def federated(clients, sizes):
    total = sum(sizes)
    return {n: clients[0][n] * sizes[0] / total + clients[1][n] * sizes[1] / total for n in clients[0]}
""",
        "zipped the wrong way": """
def federated(clients, sizes):
    total = sum(sizes)
    return {n: sum(s / total * c[n] for s, c in zip(clients, sizes)) for n in clients[0]}
""",
        "one number": """
def federated(clients, sizes):
    total = sum(sizes)
    return sum(s / total * sum(v.sum() for v in c.values()) for s, c in zip(sizes, clients))
""",
        "divided again and again": """
def federated(clients, sizes):
    new = {n: torch.zeros_like(v) for n, v in clients[0].items()}
    seen = 0
    for c, s in zip(clients, sizes):
        seen += s
        for n in new:
            new[n] = (new[n] + s * c[n]) / seen
    return new
""",
        "by the largest, listed": """
def federated(clients, sizes):
    w = [s / max(sizes) for s in sizes]
    return {n: sum(x * c[n] for x, c in zip(w, clients)) for n in clients[0]}
""",
        "overwritten in a loop": """
def federated(clients, sizes):
    w = [s / sum(sizes) for s in sizes]
    new = {}
    for n in clients[0]:
        for x, c in zip(w, clients):
            new[n] = x * c[n]
    return new
""",
        "a zero of another shape": """
def federated(clients, sizes):
    w = [s / sum(sizes) for s in sizes]
    new = {n: torch.zeros(1) for n in clients[0]}
    for n in new:
        for x, c in zip(w, clients):
            new[n] += x * c[n]
    return new
""",
        "shares added": """
def federated(clients, sizes):
    w = [s / sum(sizes) for s in sizes]
    return {n: sum(x + c[n] for x, c in zip(w, clients)) for n in clients[0]}
""",
        "what is left of the mean": """
def federated(clients, sizes):
    mean = {n: sum(c[n] for c in clients) / len(clients) for n in clients[0]}
    w = [s / sum(sizes) for s in sizes]
    return {n: sum(x * (c[n] - mean[n]) for x, c in zip(w, clients)) for n in clients[0]}
""",
        "the larger of two": """
def federated(clients, sizes):
    big = sizes[0] > sizes[1]
    return clients[0] if big else clients[1]
""",
        "a geometric mean": """
def federated(clients, sizes):
    w = [s / sum(sizes) for s in sizes]
    return {k: math.prod(c[k] ** x for x, c in zip(w, clients)) for k in clients[0]}
""",
        "a running mean of a kind": """
def federated(clients, sizes):
    new = clients[0]
    for c, s in zip(clients[1:], sizes[1:]):
        new = {k: (new[k] + s * c[k]) / (1 + s) for k in new}
    return new
""",
        "times the number of clients": """
def federated(clients, sizes):
    w = [len(sizes) * s / sum(sizes) for s in sizes]
    return {k: sum(x * c[k] for x, c in zip(w, clients)) for k in clients[0]}
""",
        "over the squares": """
def federated(clients, sizes):
    return {k: sum(c[k] * s for c, s in zip(clients, sizes)) / sum(s ** 2 for s in sizes) for k in clients[0]}
""",
    },
    right={
        "a comprehension": """
def federated(clients, sizes):
    total = sum(sizes)
    return {name: sum(n / total * phi[name] for phi, n in zip(clients, sizes)) for name in clients[0]}
""",
        "single precision shares": """
def federated(clients, sizes):
    shares = torch.tensor(sizes) / sum(sizes)
    return {name: sum(s * phi[name] for s, phi in zip(shares, clients)) for name in clients[0]}
""",
        "tensordot": """
def federated(clients, sizes):
    n = torch.tensor(sizes, dtype=torch.float64)
    return {name: torch.tensordot(n / n.sum(), torch.stack([c[name] for c in clients]), dims=1) for name in clients[0]}
""",
        "every example votes": """
def federated(clients, sizes):
    votes = [phi for phi, n in zip(clients, sizes) for _ in range(n)]
    return {name: torch.stack([phi[name] for phi in votes]).mean(0) for name in clients[0]}
""",
        "divided at the end": (
            ("n / total * phi", "n * phi"),
            ("zip(clients, sizes))", "zip(clients, sizes)) / total"),
        ),
        "a running weighted mean": """
def federated(clients, sizes):
    new, seen = {name: value.clone() for name, value in clients[0].items()}, sizes[0]
    for phi, n in zip(clients[1:], sizes[1:]):
        seen += n
        for name in new:
            new[name] += n / seen * (phi[name] - new[name])
    return new
""",
        "averaged by numpy": """
import numpy as np
def federated(clients, sizes):
    return {k: np.average([c[k].numpy() for c in clients], axis=0, weights=sizes) for k in clients[0]}
""",
        "zeros first": (
            "sum(n / total * phi[name] for phi, n in zip(clients, sizes))",
            "sum((phi[name] * (n / total) for phi, n in zip(clients, sizes)), torch.zeros(()))",
        ),
        "single precision": ("zip(clients, sizes))", "zip(clients, sizes)).float()"),
        "einsum": """
def federated(clients, sizes):
    w = torch.tensor(sizes).double()
    w = w / w.sum()
    return {n: torch.einsum("k,k...->...", w, torch.stack([c[n] for c in clients])) for n in clients[0]}
""",
        "divided last": """
def federated(clients, sizes):
    new = {n: torch.zeros_like(v) for n, v in clients[0].items()}
    for c, s in zip(clients, sizes):
        for n in new:
            new[n] += c[n] * s
    return {n: v / sum(sizes) for n, v in new.items()}
""",
        "in other words": """
def federated(clients, sizes):
    w = torch.tensor(sizes, dtype=torch.float64)
    return {n: (torch.stack([c[n] for c in clients], -1) * w).sum(-1) / w.sum() for n in clients[0]}
""",
        "by another road": """
def federated(clients, sizes):
    new = {}
    for n in clients[0]:
        new[n] = sum(c[n] * s for c, s in zip(clients, sizes)).div(sum(sizes))
    return new
""",
        "in a third way": """
def federated(clients, sizes):
    w = F.normalize(torch.tensor(sizes).float(), p=1, dim=0)
    return {n: sum(x * c[n] for x, c in zip(w, clients)) for n in clients[0]}
""",
    },
)

BANK = {"07.1": whole(STEP), "07.2": FAR, "07.3": SERVER}
