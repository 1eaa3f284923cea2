"""Answers to the exercises of lesson 10."""

from mlteach.exercises.bank import Bank

BANK = {
    "10.1": Bank(
        name="adam_step",
        base="""
def adam_step(theta, gradient, v, t, alpha, mu2):
    v = mu2 * v + (1 - mu2) * gradient**2
    v_hat = v / (1 - mu2**t)
    theta = theta - alpha * gradient / (v_hat.sqrt() + 1e-8)
    return theta, v
""",
        wrong={
            "a new Adam each task": ("mu2 * v + (1", "(1"),
            "no correction": ("v / (1 - mu2**t)", "v"),
            "corrected as if new": ("mu2**t", "mu2"),
            "t from zero": ("mu2**t", "mu2**(t - 1)"),
            "t one too far": ("mu2**t", "mu2**(t + 1)"),
            "mu2 times t": ("mu2**t", "mu2 * t"),
            "multiplied by the correction": ("v / (1", "v * (1"),
            "no root": ("v_hat.sqrt()", "v_hat"),
            "corrected v handed on": ("return theta, v", "return theta, v_hat"),
            "old v handed on": (
                ("    v = mu2 * v", "    new = mu2 * v"),
                ("v_hat = v /", "v_hat = new /"),
            ),
            "old v used": (
                ("    v = mu2 * v", "    new = mu2 * v"),
                ("return theta, v", "return theta, new"),
            ),
            "theta alone": ("return theta, v", "return theta"),
            "swapped outputs": ("return theta, v", "return v, theta"),
            "swapped weights": ("mu2 * v + (1 - mu2) * gradient", "(1 - mu2) * v + mu2 * gradient"),
            "sizes, not squares": ("gradient**2", "gradient.abs()"),
            "the gradient itself": ("gradient**2", "gradient"),
            "uphill": ("theta - alpha", "theta + alpha"),
            "no rate": ("alpha * gradient", "gradient"),
            "the step alone": ("theta - alpha * gradient", "-alpha * gradient"),
            "eps inside the root": ("(v_hat.sqrt() + 1e-8)", "(v_hat + 1e-8).sqrt()"),
            "eps 1e-3": ("1e-8", "1e-3"),
            "eps missing a bracket": ("/ (v_hat.sqrt() + 1e-8)", "/ v_hat.sqrt() + 1e-8"),
            "weights not summing to one": ("(1 - mu2) * gradient", "gradient"),
            "the mean of the squares": ("gradient**2", "(gradient**2).mean()"),
            "AdaGrad": ("mu2 * v + (1 - mu2) * gradient**2", "v + gradient**2"),
            "in place": (
                "v = mu2 * v + (1 - mu2) * gradient**2",
                "v.mul_(mu2).add_((1 - mu2) * gradient**2)",
            ),
            "theta in place": (
                "theta = theta - alpha * gradient / (v_hat.sqrt() + 1e-8)",
                "theta -= alpha * gradient / (v_hat.sqrt() + 1e-8)",
            ),
            "sign only": ("gradient / (v_hat.sqrt() + 1e-8)", "gradient.sign()"),
            "momentum too": ("alpha * gradient /", "alpha * (1 - 0.9) * gradient /"),
            "the gradient squared in the step": ("alpha * gradient /", "alpha * gradient**2 /"),
            "whole norm": ("v_hat.sqrt()", "v_hat.sum().sqrt()"),
            "three outputs": ("return theta, v", "return theta, v, t + 1"),
            "mu2 default": ("v = mu2 * v + (1 - mu2)", "v = 0.999 * v + (1 - 0.999)"),
        },  # fmt: skip
        pitfalls=(
            "a new Adam each task",
            "no correction",
            "no root",
            "corrected v handed on",
            "uphill",
            "swapped outputs",
        ),
        right={
            "the solution": """
def adam_step(theta, gradient, v, t, alpha, mu2):
    v = mu2 * v + (1 - mu2) * gradient**2
    return theta - alpha * gradient / ((v / (1 - mu2**t)).sqrt() + 1e-8), v
""",
            "a list": ("return theta, v", "return [theta, v]"),
            "stacked": ("return theta, v", "return torch.stack([theta, v])"),
            "lerp": ("mu2 * v + (1 - mu2) * gradient**2", "torch.lerp(gradient.square(), v, mu2)"),
            "addcmul": (
                "mu2 * v + (1 - mu2) * gradient**2",
                "v.mul(mu2).addcmul(gradient, gradient, value=1 - mu2)",
            ),
            "corrected after the root": """
def adam_step(theta, gradient, v, t, alpha, mu2):
    v = mu2 * v + (1 - mu2) * gradient * gradient
    size = v.sqrt() / math.sqrt(1 - mu2**t) + 1e-8
    return theta - alpha * gradient / size, v
""",
            "torch.optim's order": """
def adam_step(theta, gradient, v, t, alpha, mu2):
    new = v + (1 - mu2) * (gradient.pow(2) - v)
    bias = 1 - math.pow(mu2, t)
    return theta.addcdiv(gradient, (new / bias).sqrt().add(1e-8), value=-alpha), new
""",
        },  # fmt: skip
    ),
    "10.2": Bank(
        name="minibatches",
        base="""
def minibatches(order, steps, size):
    last = order[-size:]
    rest = order[:-size]
    found = []
    for step in range(steps - 1):
        places = (step * size + torch.arange(size)) % len(rest)
        found.append(rest[places])
    return found + [last]
""",
        wrong={
            "round through all": ("rest = order[:-size]", "rest = order"),
            "the last is the support set": ("return found + [last]", "return found + [order]"),
            "all the same": (
                "(step * size + torch.arange(size)) % len(rest)",
                "torch.arange(size) % len(rest)",
            ),
            "always the last": ("found.append(rest[places])", "found.append(last)"),
            "the last from the rest": ("last = order[-size:]", "last = order[:-size][-size:]"),
            "the last first": ("found + [last]", "[last] + found"),
            "one too many": ("range(steps - 1)", "range(steps)"),
            "one too few": ("range(steps - 1)", "range(steps - 2)"),
            "without the last": ("return found + [last]", "return found"),
            "the last alone": ("return found + [last]", "return [last]"),
            "not going round": (
                "(step * size + torch.arange(size)) % len(rest)",
                "torch.arange(step * size, min((step + 1) * size, len(rest)))",
            ),
            "stays at the end": (
                "(step * size + torch.arange(size)) % len(rest)",
                "(step * size + torch.arange(size)).clamp(max=len(rest) - 1)",
            ),
            "one short of the end": ("% len(rest)", "% (len(rest) - 1)"),
            "round the whole length": ("% len(rest)", "% len(order)"),
            "one place a step": ("step * size + torch", "step + torch"),
            "begins one late": ("step * size", "step * size + 1"),
            "begins at the second": ("step * size", "(step + 1) * size"),
            "the first is kept apart": (
                ("last = order[-size:]", "last = order[:size]"),
                ("rest = order[:-size]", "rest = order[size:]"),
            ),
            "the end is one picture": ("last = order[-size:]", "last = order[-1:]"),
            "size - 1 in each": ("torch.arange(size)", "torch.arange(size - 1)"),
            "places, not pictures": ("found.append(rest[places])", "found.append(places)"),
            "shuffled again": (
                "rest = order[:-size]",
                "rest = order[:-size][torch.randperm(len(order) - size)]",
            ),
            "sorted": ("rest = order[:-size]", "rest = order[:-size].sort().values"),
            "reversed": ("rest = order[:-size]", "rest = order[:-size].flip(0)"),
            "the last reversed": ("last = order[-size:]", "last = order.flip(0)[:size]"),
            "chunks": (
                """    for step in range(steps - 1):
        places = (step * size + torch.arange(size)) % len(rest)
        found.append(rest[places])
""",
                """    found = list(rest.split(size))[: steps - 1]
""",
            ),
            "drawn with replacement": (
                "(step * size + torch.arange(size)) % len(rest)",
                "torch.randint(len(rest), (size,))",
            ),
            "one long tensor": ("return found + [last]", "return torch.cat(found + [last])"),
            "a pair": ("return found + [last]", "return found, last"),
            "steps and size swapped": (
                "def minibatches(order, steps, size):",
                "def minibatches(order, size, steps):",
            ),
            "no return": ("return found", "found"),
            "floats": ("found.append(rest[places])", "found.append(rest[places].float())"),
        },  # fmt: skip
        pitfalls=(
            "round through all",
            "all the same",
            "the last from the rest",
            "the last first",
            "the last is the support set",
        ),
        right={
            "the solution": """
def minibatches(order, steps, size):
    rest = order[:-size]
    earlier = [rest[(step * size + torch.arange(size)) % len(rest)] for step in range(steps - 1)]
    return [*earlier, order[-size:]]
""",
            "order by places": ("rest[places]", "order[places]"),
            "a tuple": ("return found + [last]", "return tuple(found + [last])"),
            "one tensor, a row each": ("return found + [last]", "return torch.stack(found + [last])"),
            "repeated": """
def minibatches(order, steps, size):
    rest, last = order[:-size], order[-size:]
    long = rest.repeat(steps * size // len(rest) + 1)
    return [long[s * size : (s + 1) * size] for s in range(steps - 1)] + [last]
""",
            "itertools": """
from itertools import cycle, islice
def minibatches(order, steps, size):
    pictures = cycle(order[:-size].tolist())
    return [torch.tensor(list(islice(pictures, size))) for _ in range(steps - 1)] + [order[-size:]]
""",
            "lists of numbers": """
def minibatches(order, steps, size):
    numbers = order.tolist()
    rest = numbers[:-size]
    out = []
    place = 0
    for _ in range(steps - 1):
        batch = []
        for _ in range(size):
            batch.append(rest[place % len(rest)])
            place += 1
        out.append(batch)
    out.append(numbers[-size:])
    return out
""",
            "roll": """
def minibatches(order, steps, size):
    rest, out = order[:-size], []
    for _ in range(steps - 1):
        while len(rest) < size:
            rest = torch.cat([rest, rest])
        out.append(rest[:size])
        rest = rest.roll(-size)
    return out + [order[-size:]]
""",
        },  # fmt: skip
    ),
    "10.3": Bank(
        name="half_width_of_gain",
        base="""
def half_width_of_gain(transductive, support):
    difference = transductive - support
    return 1.96 * difference.std() / len(difference) ** 0.5
""",
        wrong={
            "as if from other tasks": (
                "    return 1.96 * difference.std() / len(difference) ** 0.5",
                "    return 1.96 * ((transductive.var() + support.var()) / len(support)) ** 0.5",
            ),
            "two widths added": (
                "    return 1.96 * difference.std() / len(difference) ** 0.5",
                "    n = len(support) ** 0.5\n    return 1.96 * transductive.std() / n + 1.96 * support.std() / n",
            ),
            "two widths subtracted": (
                "    return 1.96 * difference.std() / len(difference) ** 0.5",
                "    n = len(support) ** 0.5\n    return 1.96 * transductive.std() / n - 1.96 * support.std() / n",
            ),
            "spreads subtracted": ("difference.std()", "(transductive.std() - support.std()).abs()"),
            "pooled": ("difference.std()", "torch.cat([transductive, support]).std()"),
            "pooled, twice as many": (
                "    difference = transductive - support\n",
                "    difference = torch.cat([transductive, support])\n",
            ),
            "one mode alone": ("transductive - support", "transductive"),
            "the other mode alone": ("transductive - support", "support"),
            "the sum": ("transductive - support", "transductive + support"),
            "the mean of both": ("transductive - support", "(transductive + support) / 2"),
            "absolute differences": ("transductive - support", "(transductive - support).abs()"),
            "the spread": (" / len(difference) ** 0.5", ""),
            "one standard deviation": (
                "1.96 * difference.std() / len(difference) ** 0.5",
                "difference.std()",
            ),
            "one standard error": ("1.96 * ", ""),
            "divided by n": (" ** 0.5", ""),
            "the population's spread": (".std()", ".std(correction=0)"),
            "the variance": (".std()", ".var()"),
            "2 n tasks": ("len(difference)", "(2 * len(difference))"),
            "the whole width": ("1.96", "3.92"),
            "1.645": ("1.96", "1.645"),
            "the gain itself": ("1.96 * difference.std() / len(difference) ** 0.5", "difference.mean()"),
            "gain and width": ("return 1.96", "return difference.mean(), 1.96"),
            "a ratio": ("transductive - support", "transductive / support"),
            "relative": ("transductive - support", "(transductive - support) / support"),
            "the mean first": ("transductive - support", "transductive.mean() - support.mean()"),
            "halved": ("return 1.96", "return 0.5 * 1.96"),
            "unequal, sorted": (
                "transductive - support",
                "transductive.sort().values - support.sort().values",
            ),
            "the largest of two": ("difference.std()", "max(transductive.std(), support.std())"),
            "around zero": ("difference.std()", "(difference**2).mean() ** 0.5"),
            "no return": ("return 1.96", "width = 1.96"),
        },  # fmt: skip
        pitfalls=("as if from other tasks", "two widths added", "the spread", "one standard error"),
        right={
            "1.959964": ("1.96", "1.959964"),
            "the course's own": """
from mlteach.measure import over_tasks
def half_width_of_gain(transductive, support):
    return over_tasks(transductive - support).half_width
""",
            "the other way round": ("transductive - support", "support - transductive"),
            "a float": (
                "return 1.96 * difference.std() / len(difference) ** 0.5",
                "return (1.96 * difference.std() / len(difference) ** 0.5).item()",
            ),
            "covariance": """
def half_width_of_gain(transductive, support):
    c = torch.cov(torch.stack([transductive, support]))
    return 1.96 * ((c[0, 0] + c[1, 1] - 2 * c[0, 1]) / len(support)) ** 0.5
""",
            "numpy": """
import numpy as np
def half_width_of_gain(transductive, support):
    d = transductive.numpy() - support.numpy()
    return 1.96 * np.std(d, ddof=1) / np.sqrt(d.size)
""",
            "exercise 09.4": """
def half_width(accuracies):
    return 1.96 * accuracies.std() / accuracies.numel() ** 0.5
def half_width_of_gain(transductive, support):
    return half_width(transductive - support)
""",
            "one element": (
                "return 1.96 * difference.std()",
                "return 1.96 * difference.std(dim=0, keepdim=True)",
            ),
        },  # fmt: skip
    ),
}
