"""More answers to the exercises of lesson 10, from bases of their own."""

from mlteach.exercises.bank import Bank

BANK = {
    "10.1": Bank(
        name="adam_step",
        base="""
def adam_step(theta, gradient, v, t, alpha, beta2):
    v = beta2 * v + (1 - beta2) * gradient**2
    v_hat = v / (1 - beta2**t)
    return theta - alpha * gradient / (v_hat.sqrt() + 1e-8), v
""",
        wrong={
            "no correction, again": ("v_hat = v / (1 - beta2**t)", "v_hat = v"),
            "hands on v_hat": ("1e-8), v\n", "1e-8), v_hat\n"),
            "corrected v kept": ("v_hat = v / (1 - beta2**t)", "v = v_hat = v / (1 - beta2**t)"),
            "eps inside the root, again": ("(v_hat.sqrt() + 1e-8)", "(v_hat + 1e-8).sqrt()"),
            "no eps": (" + 1e-8", ""),
            "no root, again": ("v_hat.sqrt()", "v_hat"),
            "not squared": ("gradient**2", "gradient"),
            "betas swapped": (
                "beta2 * v + (1 - beta2) * gradient**2",
                "(1 - beta2) * v + beta2 * gradient**2",
            ),
            "ascends": ("theta - alpha", "theta + alpha"),
            "old v in the step": (
                "v = beta2 * v + (1 - beta2) * gradient**2\n    v_hat = v /",
                "old = v\n    v = beta2 * v + (1 - beta2) * gradient**2\n    v_hat = old /",
            ),
            "t from 0": ("beta2**t", "beta2 ** (t - 1)"),
            "t + 1": ("beta2**t", "beta2 ** (t + 1)"),
            "beta2 times t, again": ("beta2**t", "beta2 * t"),
            "multiplied by the correction, again": ("v / (1 - beta2**t)", "v * (1 - beta2**t)"),
            "correction after the root": ("v_hat.sqrt() + 1e-8", "v.sqrt() / (1 - beta2**t) + 1e-8"),
            "sign": ("gradient / (v_hat.sqrt() + 1e-8)", "gradient.sign()"),
            "adagrad": ("beta2 * v + (1 - beta2) * gradient**2", "v + gradient**2"),
            "only theta": ("1e-8), v\n", "1e-8)\n"),
            "v first": (
                "return theta - alpha * gradient / (v_hat.sqrt() + 1e-8), v",
                "return v, theta - alpha * gradient / (v_hat.sqrt() + 1e-8)",
            ),
            "also t": ("1e-8), v\n", "1e-8), v, t + 1\n"),
            "precedence": (
                "alpha * gradient / (v_hat.sqrt() + 1e-8)",
                "alpha * gradient / v_hat.sqrt() + 1e-8",
            ),
            "no 1 - beta2": ("(1 - beta2) * gradient**2", "gradient**2"),
            "squared mean": ("gradient**2", "(gradient**2).mean()"),
            "norm": ("gradient**2", "gradient.norm() ** 2"),
            "v in place": (
                "v = beta2 * v + (1 - beta2) * gradient**2",
                "v *= beta2\n    v += (1 - beta2) * gradient**2",
            ),
            "theta in place, again": (
                "return theta - alpha * gradient / (v_hat.sqrt() + 1e-8), v",
                "theta -= alpha * gradient / (v_hat.sqrt() + 1e-8)\n    return theta, v",
            ),
            "beta2 fixed": (
                ("beta2 * v + (1 - beta2)", "0.999 * v + (1 - 0.999)"),
                ("beta2**t", "0.999**t"),
            ),
            "eps 1e-6": ("1e-8", "1e-6"),
            "momentum of beta2": ("alpha * gradient /", "alpha * ((1 - beta2) * gradient) /"),
            "forgets alpha": ("alpha * gradient", "gradient"),
            "v from the new sizes only": ("beta2 * v + (1 - beta2) * gradient**2", "gradient**2"),
            "gradient squared in the step": ("alpha * gradient /", "alpha * gradient**2 /"),
            "weight of v and g both": ("beta2 * v + (1 - beta2) * gradient**2", "beta2 * (v + gradient**2)"),
            "correction on theta too": (
                "theta - alpha * gradient",
                "theta - alpha / (1 - beta2**t) * gradient",
            ),
            "returns the move": ("return theta - alpha", "return -alpha"),
            "abs": ("gradient**2", "gradient.abs()"),
            "beta2 to the t on old v": ("beta2 * v +", "beta2**t * v +"),
            "root twice": (
                "beta2 * v + (1 - beta2) * gradient**2",
                "(beta2 * v + (1 - beta2) * gradient**2).sqrt()",
            ),
            "global size": ("v_hat.sqrt()", "v_hat.mean().sqrt()"),
            "max of v": ("beta2 * v + (1 - beta2) * gradient**2", "torch.maximum(v, gradient**2)"),
            "theta in v": ("gradient**2", "theta * gradient"),
            "weight decay": ("return theta - alpha", "return (1 - alpha) * theta - alpha"),
            "v uses corrected later": (
                "    v = beta2 * v + (1 - beta2) * gradient**2\n    v_hat = v / (1 - beta2**t)\n",
                "    v_hat = v / (1 - beta2**t)\n    v_hat = beta2 * v_hat + (1 - beta2) * gradient**2\n    v = v_hat\n",
            ),
            "dict": (
                "return theta - alpha * gradient / (v_hat.sqrt() + 1e-8), v",
                "return {'theta': theta - alpha * gradient / (v_hat.sqrt() + 1e-8), 'v': v}",
            ),
            "beta2 powers of gradient": ("(1 - beta2) * gradient**2", "(1 - beta2**t) * gradient**2"),
            "xor": ("gradient**2", "gradient^2"),
            "numbers summed": (
                "return theta - alpha * gradient / (v_hat.sqrt() + 1e-8), v",
                "return theta - (alpha * gradient / (v_hat.sqrt() + 1e-8)).sum(), v",
            ),
            "root of sum": ("v_hat.sqrt() + 1e-8", "torch.sqrt(v_hat.sum()) + 1e-8"),
            "correction of g too": ("alpha * gradient /", "alpha * (gradient / (1 - beta2)) /"),
            "v_hat returned, v uncorrected used": (
                ("1e-8), v\n", "1e-8), v_hat\n"),
                ("(v_hat.sqrt()", "(v.sqrt()"),
            ),
            "beta1 0.9 correct": ("alpha * gradient /", "alpha * (gradient / (1 - 0.9**t)) /"),
            "sqrt of theta": ("v_hat.sqrt()", "v_hat ** 2"),
            "minus eps": ("+ 1e-8", "- 1e-8"),
            "abs of gradient in the step": ("alpha * gradient /", "alpha * gradient.abs() /"),
        },
        right={
            "mul addcmul": (
                "beta2 * v + (1 - beta2) * gradient**2",
                "torch.addcmul(beta2 * v, gradient, gradient, value=1 - beta2)",
            ),
            "torch.optim": """
def adam_step(theta, gradient, v, t, alpha, beta2):
    v = torch.lerp(v, gradient.square(), 1 - beta2)
    denominator = torch.sqrt(v) / math.sqrt(1 - beta2**t) + 1e-8
    return torch.addcdiv(theta, gradient, denominator, value=-alpha), v
""",
            "list": (
                "return theta - alpha * gradient / (v_hat.sqrt() + 1e-8), v",
                "return [theta - alpha * gradient / (v_hat.sqrt() + 1e-8), v]",
            ),
            "other names": (
                ("v_hat = v", "unbiased = v"),
                ("(v_hat", "(unbiased"),
            ),
            "numpy": """
import numpy as np
def adam_step(theta, gradient, v, t, alpha, beta2):
    theta, g, v = (np.asarray(each.detach()) for each in (theta, gradient, v))
    v = beta2 * v + (1 - beta2) * np.square(g)
    return theta - alpha * g / (np.sqrt(v / (1 - beta2**t)) + 1e-8), v
""",
            "clone in place": """
def adam_step(theta, gradient, v, t, alpha, beta2):
    v = v.clone()
    v.mul_(beta2).add_((1 - beta2) * gradient * gradient)
    return theta - alpha * gradient / (torch.sqrt(v / (1 - beta2**t)) + 1e-8), v
""",
            "no grad": """
@torch.no_grad()
def adam_step(theta, gradient, v, t, alpha, beta2):
    v = v * beta2 + gradient.pow(2) * (1 - beta2)
    return theta - alpha * gradient / (torch.sqrt(v / (1 - beta2**t)) + 1e-8), v
""",
            "loops": """
def adam_step(theta, gradient, v, t, alpha, beta2):
    new_theta, new_v = [], []
    for p, g, s in zip(theta.tolist(), gradient.tolist(), v.tolist()):
        s = beta2 * s + (1 - beta2) * g * g
        new_v.append(s)
        new_theta.append(p - alpha * g / (math.sqrt(s / (1 - beta2**t)) + 1e-8))
    return new_theta, new_v
""",
        },
    ),
    "10.2": Bank(
        name="minibatches",
        base="""
def minibatches(order, steps, size):
    last = order[-size:]
    rest = order[:-size]
    batches = []
    for step in range(steps - 1):
        places = (step * size + torch.arange(size)) % len(rest)
        batches.append(rest[places])
    batches.append(last)
    return batches
""",
        wrong={
            "rest not cut": ("rest = order[:-size]", "rest = order"),
            "last from the front": (
                ("last = order[-size:]", "last = order[:size]"),
                ("rest = order[:-size]", "rest = order[size:]"),
            ),
            "one too many, again": ("range(steps - 1)", "range(steps)"),
            "last missing": ("    batches.append(last)\n", ""),
            "last first": ("    batches = []\n", "    batches = [last]\n"),
            "last at the beginning": (
                ("    batches = []\n", "    batches = [last]\n"),
                ("    batches.append(last)\n", ""),
            ),
            "does not go round": (
                "(step * size + torch.arange(size)) % len(rest)",
                "slice(step * size, (step + 1) * size)",
            ),
            "places not the pictures": ("rest[places]", "places"),
            "modulo len(order)": ("% len(rest)", "% len(order)"),
            "always the first": ("step * size + ", ""),
            "step by one": ("step * size + torch", "step + torch"),
            "restarts at whole batches": (
                "places = (step * size + torch.arange(size)) % len(rest)",
                "start = (step % (len(rest) // size)) * size\n        places = torch.arange(start, start + size)",
            ),
            "clips at the end": ("% len(rest)", ""),
            "shuffles": (
                "rest = order[:-size]",
                "rest = order[:-size]\n    rest = rest[torch.randperm(len(rest))]",
            ),
            "sampled": (
                "(step * size + torch.arange(size)) % len(rest)",
                "torch.randint(len(rest), (size,))",
            ),
            "sorted, again": ("rest = order[:-size]", "rest = order[:-size].sort().values"),
            "range places": ("rest = order[:-size]", "rest = torch.arange(len(order) - size)"),
            "stacked": ("return batches", "return torch.cat(batches)"),
            "generator": """
def minibatches(order, steps, size):
    rest = order[:-size]
    for step in range(steps - 1):
        yield rest[(step * size + torch.arange(size)) % len(rest)]
""",
            "rest one too short": ("order[:-size]", "order[: -size - 1]"),
            "last one picture": (
                ("order[-size:]", "order[-1:]"),
                ("order[:-size]", "order[:-1]"),
            ),
            "split": """
def minibatches(order, steps, size):
    return list(order.split(size))[:steps]
""",
            "split and cycle": """
def minibatches(order, steps, size):
    import itertools
    parts = order[:-size].split(size)
    return [part for part, _ in zip(itertools.cycle(parts), range(steps - 1))] + [order[-size:]]
""",
            "backwards": ("rest = order[:-size]", "rest = order[:-size].flip(0)"),
            "last is next": """
def minibatches(order, steps, size):
    places = torch.arange(steps * size) % len(order)
    return list(order[places].split(size))
""",
            "counts from one": ("(step * size +", "((step + 1) * size +"),
            "steps and size swapped, again": """
def minibatches(order, steps, size):
    rest = order[:-steps]
    return [rest[(s * steps + torch.arange(steps)) % len(rest)] for s in range(size - 1)] + [order[-steps:]]
""",
            "consumes": """
def minibatches(order, steps, size):
    last, rest = order[-size:], order[:-size]
    batches = []
    for _ in range(steps - 1):
        batches.append(rest[:size])
        rest = rest[size:]
    return batches + [last]
""",
            "set difference of the last batch": ("order[:-size]", "order[size:]"),
            "overlapping by one": ("step * size + torch", "step * (size - 1) + torch"),
            "chunk": """
def minibatches(order, steps, size):
    rest, last = order[:-size], order[-size:]
    return [*rest.chunk(steps - 1), last]
""",
            "strided": (
                "places = (step * size + torch.arange(size)) % len(rest)",
                "places = torch.arange(step, len(rest), steps - 1)[:size]",
            ),
            "modulo size": ("% len(rest)", "% size"),
            "last repeated": ("batches.append(rest[places])", "batches.append(last)"),
            "step two": ("range(steps - 1)", "range(steps - 2)"),
            "last from the rest": (
                "last = order[-size:]\n    rest = order[:-size]",
                "rest = order[:-size]\n    last = rest[-size:]",
            ),
            "floats, again": ("rest[places]", "rest[places].float()"),
            "index by order": ("rest[places]", "order[rest[places]]"),
            "ends with step": ("range(steps - 1)", "range(1, steps)"),
            "sets": """
def minibatches(order, steps, size):
    last = set(order[-size:].tolist())
    rest = [p for p in range(len(order)) if p not in last]
    return [torch.tensor([rest[(s * size + i) % len(rest)] for i in range(size)]) for s in range(steps - 1)] + [order[-size:]]
""",
            "extends": ("batches.append(last)", "batches.extend(last)"),
            "extends all": (
                ("batches.append(rest[places])", "batches.extend(rest[places])"),
                ("batches.append(last)", "batches.extend(last)"),
            ),
            "reversed last": ("last = order[-size:]", "last = order[-size:].flip(0)"),
            "random last": ("last = order[-size:]", "last = order[-size:][torch.randperm(size)]"),
            "dict": ("return batches", "return dict(enumerate(batches))"),
            "skip the seam": (
                "(step * size + torch.arange(size)) % len(rest)",
                "(step * size) % len(rest) + torch.arange(size)",
            ),
            "appends order": ("batches.append(last)", "batches.append(order)"),
            "rest longer": ("rest = order[:-size]", "rest = order[: len(order) - size + 1]"),
            "steps by steps": ("step * size", "step * steps"),
            "last from the middle": (
                "last = order[-size:]",
                "last = order[steps * size : steps * size + size]",
            ),
            "all the rest each": ("rest[places]", "rest"),
            "roll, again, again": ("rest[places]", "rest.roll(step)[:size]"),
            "size - 1": ("torch.arange(size)", "torch.arange(1, size)"),
            "one tensor too many axes": ("return batches", "return [b[None] for b in batches]"),
        },
        right={
            "roll, again": """
def minibatches(order, steps, size):
    rest, last = order[:-size], order[-size:]
    out = []
    for _ in range(steps - 1):
        out.append(rest.repeat(size)[:size])
        rest = rest.roll(-size)
    return out + [last]
""",
            "lists": """
def minibatches(order, steps, size):
    places = [int(p) for p in order]
    rest, last = places[:-size], places[-size:]
    return [[rest[(s * size + i) % len(rest)] for i in range(size)] for s in range(steps - 1)] + [last]
""",
            "cycle": """
import itertools
def minibatches(order, steps, size):
    around = itertools.cycle(order[:-size].tolist())
    out = [torch.tensor([next(around) for _ in range(size)]) for _ in range(steps - 1)]
    out.append(order[-size:])
    return out
""",
            "repeat": """
def minibatches(order, steps, size):
    rest = order[: len(order) - size]
    long = rest.repeat(steps * size)
    return [long[s * size : (s + 1) * size] for s in range(steps - 1)] + [order[len(order) - size :]]
""",
            "tuple": ("return batches", "return tuple(batches)"),
            "stack": ("return batches", "return torch.stack(batches)"),
            "numpy": """
import numpy as np
def minibatches(order, steps, size):
    o = order.numpy()
    rest = o[:-size]
    return [np.take(rest, range(s * size, (s + 1) * size), mode="wrap") for s in range(steps - 1)] + [o[-size:]]
""",
            "gather": """
def minibatches(order, steps, size):
    n = len(order) - size
    places = torch.arange((steps - 1) * size).remainder(n).reshape(steps - 1, size)
    return [*order[places], order[n:]]
""",
            "deque": """
from collections import deque
def minibatches(order, steps, size):
    rest = deque(order[:-size])
    out = []
    for _ in range(steps - 1):
        batch = []
        for _ in range(size):
            batch.append(rest[0])
            rest.rotate(-1)
        out.append(torch.stack(batch))
    return out + [order[-size:]]
""",
        },
    ),
    "10.3": Bank(
        name="half_width_of_gain",
        base="""
def half_width_of_gain(transductive, support):
    d = transductive - support
    return 1.96 * d.std() / math.sqrt(len(d))
""",
        wrong={
            "independent": (
                "1.96 * d.std() / math.sqrt(len(d))",
                "1.96 * math.sqrt((transductive.var() + support.var()) / len(d))",
            ),
            "difference of half widths": (
                "1.96 * d.std() / math.sqrt(len(d))",
                "1.96 * (transductive.std() - support.std()) / math.sqrt(len(d))",
            ),
            "sum of half widths": (
                "1.96 * d.std() / math.sqrt(len(d))",
                "1.96 * (transductive.std() + support.std()) / math.sqrt(len(d))",
            ),
            "2n": ("math.sqrt(len(d))", "math.sqrt(2 * len(d))"),
            "n": ("math.sqrt(len(d))", "len(d)"),
            "population": ("d.std()", "d.std(correction=0)"),
            "no 1.96": ("1.96 * ", ""),
            "whole width": ("1.96 * ", "2 * 1.96 * "),
            "sum of accuracies": ("transductive - support", "transductive + support"),
            "absolute difference": ("transductive - support", "(transductive - support).abs()"),
            "only transductive": ("transductive - support", "transductive"),
            "only support": ("transductive - support", "support"),
            "the mean gain": ("return 1.96 * d.std() / math.sqrt(len(d))", "return d.mean()"),
            "mean and half width": ("return 1.96", "return d.mean(), 1.96"),
            "interval": (
                "return 1.96 * d.std() / math.sqrt(len(d))",
                "w = 1.96 * d.std() / math.sqrt(len(d))\n    return d.mean() - w, d.mean() + w",
            ),
            "cat": ("d = transductive - support", "d = torch.cat([transductive, support])"),
            "cat centred": (
                "d = transductive - support",
                "d = torch.cat([transductive - transductive.mean(), support - support.mean()])",
            ),
            "var": ("d.std()", "d.var()"),
            "no n": (" / math.sqrt(len(d))", ""),
            "relative gain": ("transductive - support", "(transductive - support) / support"),
            "average": ("transductive - support", "(transductive + support) / 2"),
            "max of both": (
                "1.96 * d.std() / math.sqrt(len(d))",
                "1.96 * max(transductive.std(), support.std()) / math.sqrt(len(d))",
            ),
            "n - 1": ("len(d)", "len(d) - 1"),
            "no covariance factor": (
                "1.96 * d.std() / math.sqrt(len(d))",
                "1.96 * math.sqrt((transductive.var() + support.var() - torch.cov(torch.stack([transductive, support]))[0, 1]) / len(d))",
            ),
            "two": ("1.96", "2"),
            "divides by std": (
                "1.96 * d.std() / math.sqrt(len(d))",
                "d.mean() / (d.std() / math.sqrt(len(d)))",
            ),
            "var over n no root": ("d.std() / math.sqrt(len(d))", "d.var() / len(d)"),
            "root mean square": ("d.std()", "d.square().mean().sqrt()"),
            "in place": ("d = transductive - support", "transductive -= support\n    d = transductive"),
            "hypot of widths without root n": (
                "1.96 * d.std() / math.sqrt(len(d))",
                "1.96 * math.hypot(transductive.std(), support.std())",
            ),
            "Welch with 2n": (
                "1.96 * d.std() / math.sqrt(len(d))",
                "1.96 * math.sqrt((transductive.var() + support.var()) / (2 * len(d)))",
            ),
            "difference of squares": (
                "1.96 * d.std() / math.sqrt(len(d))",
                "1.96 * math.sqrt(abs(transductive.var() - support.var()) / len(d))",
            ),
            "sorted": ("transductive - support", "transductive.sort().values - support.sort().values"),
            "ratio": ("transductive - support", "transductive / support"),
            "numpy default": ("d.std()", "__import__('numpy').std(d.numpy())"),
            "gain of means": ("transductive - support", "transductive.mean() - support"),
            "upper end": ("return 1.96", "return d.mean() + 1.96"),
            "mean of two widths": (
                "1.96 * d.std() / math.sqrt(len(d))",
                "1.96 * (transductive.std() + support.std()) / 2 / math.sqrt(len(d))",
            ),
            "difference of medians": ("d.std()", "(d - d.median()).abs().median()"),
            "abs mean": ("1.96 * d.std() / math.sqrt(len(d))", "1.96 * abs(d.mean()) / math.sqrt(len(d))"),
            "percent sign test": ("1.96 * d.std() / math.sqrt(len(d))", "1.96 * math.sqrt(0.25 / len(d))"),
            "binomial": (
                "1.96 * d.std() / math.sqrt(len(d))",
                "1.96 * math.sqrt(transductive.mean() * (100 - transductive.mean()) / len(d))",
            ),
            "n both": ("len(d)", "len(transductive) + len(support)"),
            "root twice": ("d.std() / math.sqrt(len(d))", "math.sqrt(d.std() / len(d))"),
            "corr": (
                "1.96 * d.std() / math.sqrt(len(d))",
                "torch.corrcoef(torch.stack([transductive, support]))[0, 1]",
            ),
            "per task": (
                "1.96 * d.std() / math.sqrt(len(d))",
                "1.96 * (d - d.mean()).abs() / math.sqrt(len(d))",
            ),
            "log n": ("math.sqrt(len(d))", "math.log(len(d))"),
            "support twice": ("d = transductive - support", "d = support - support.mean()"),
            "mean first": ("d = transductive - support", "d = transductive - support.mean()"),
            "interval ends of both": (
                "return 1.96 * d.std() / math.sqrt(len(d))",
                "return 1.96 * transductive.std() / math.sqrt(len(d)), 1.96 * support.std() / math.sqrt(len(d))",
            ),
            "variance twice": (
                "1.96 * d.std() / math.sqrt(len(d))",
                "1.96 * math.sqrt(2 * d.var() / len(d))",
            ),
            "90": ("1.96", "1.64"),
            "independent, 2": (
                "1.96 * d.std() / math.sqrt(len(d))",
                "2 * math.sqrt((transductive.var() + support.var()) / len(d))",
            ),
            "no difference in std": (
                "1.96 * d.std() / math.sqrt(len(d))",
                "1.96 * math.sqrt(transductive.std() ** 2 - support.std() ** 2 + 1e-9) if transductive.std() > support.std() else 0.0",
            ),
        },
        right={
            "other way round": ("transductive - support", "support - transductive"),
            "covariance, again": (
                "1.96 * d.std() / math.sqrt(len(d))",
                "1.96 * math.sqrt((transductive.var() + support.var() - 2 * torch.cov(torch.stack([transductive, support]))[0, 1]) / len(d))",
            ),
            "statistics": """
import statistics
def half_width_of_gain(transductive, support):
    d = [float(a - b) for a, b in zip(transductive, support)]
    return 1.96 * statistics.stdev(d) / len(d) ** 0.5
""",
            "numpy, again": """
import numpy as np
def half_width_of_gain(transductive, support):
    d = np.array(transductive) - np.array(support)
    return 1.96 * np.std(d, ddof=1) / np.sqrt(len(d))
""",
            "one element, again": ("d.std()", "d.std(dim=0, keepdim=True)"),
            "float32": ("transductive - support", "(transductive - support).float()"),
            "by squares": ("d.std()", "((d - d.mean()).square().sum() / (len(d) - 1)).sqrt()"),
            "mean squares": (
                "d.std()",
                "math.sqrt(((d * d).mean() - d.mean() ** 2) * len(d) / (len(d) - 1))",
            ),
            "torch cov": ("d.std()", "torch.cov(d) ** 0.5"),
        },
    ),
}
