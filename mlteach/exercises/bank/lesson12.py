"""Answers to the exercises of lesson 12."""

from mlteach.exercises.bank import Bank

BANK = {
    "12.1": Bank(
        name="step_weights",
        base="""
def step_weights(steps, done):
    early = max(1 - done, 0) / steps
    return [0.0] + [early] * (steps - 1) + [1 - (steps - 1) * early]
""",
        right={
            "a tensor": """
def step_weights(steps, done):
    weights = torch.zeros(steps + 1, dtype=torch.float64)
    weights[1:] = max(1 - done, 0) / steps
    weights[-1] = 1 - weights[:-1].sum()
    return weights
""",
            "as a mixture": """
def step_weights(steps, done):
    done = min(done, 1)
    equal = [1 / steps] * steps
    last = [0] * (steps - 1) + [1]
    return [0] + [(1 - done) * a + done * b for a, b in zip(equal, last)]
""",
            "in a loop": """
def step_weights(steps, done):
    weights = [0.0]
    for t in range(1, steps):
        weights.append((1 - min(done, 1.0)) / steps)
    weights.append(1 - sum(weights))
    return weights
""",
        },
        wrong={
            "negative past the end": ("max(1 - done, 0)", "(1 - done)"),
            "no annealing": ("max(1 - done, 0) / steps", "1 / steps"),
            "no annealing until the end": (
                "max(1 - done, 0) / steps",
                "1 / steps if done < 1 else 0",
            ),
            "the last alone": ("max(1 - done, 0) / steps", "0.0"),
            "without the first": ("[0.0] + [early]", "[early]"),
            "one too many": (
                "[early] * (steps - 1) + [1 - (steps - 1) * early]",
                "[early] * steps + [1 - steps * early]",
            ),
            "counted from before the first step": """
def step_weights(steps, done):
    early = max(1 - done, 0) / (steps + 1)
    return [early] * steps + [1 - steps * early]
""",
            "the first counts too": ("[0.0] +", "[early] +"),
            "one at the start": ("[0.0] +", "[1.0] +"),
            "the last is 1": ("[1 - (steps - 1) * early]", "[1.0]"),
            "the last is done": ("[1 - (steps - 1) * early]", "[done]"),
            "the last is one minus one": ("[1 - (steps - 1) * early]", "[1 - early]"),
            "the last like the others": ("[1 - (steps - 1) * early]", "[early]"),
            "one step too many taken off": ("1 - (steps - 1) * early", "1 - steps * early"),
            "not divided": ("max(1 - done, 0) / steps", "max(1 - done, 0)"),
            "divided by one more": ("/ steps", "/ (steps + 1)"),
            "backwards": ("max(1 - done, 0)", "min(done, 1)"),
            "backwards without an end": ("max(1 - done, 0)", "done"),
            "a square": ("max(1 - done, 0) / steps", "max(1 - done, 0) ** 2 / steps"),
            "a cosine": (
                "max(1 - done, 0) / steps",
                "0.5 * (1 + math.cos(math.pi * min(done, 1))) / steps",
            ),
            "an exponential": ("max(1 - done, 0) / steps", "math.exp(-done) / steps"),
            "done taken off the weight": ("max(1 - done, 0) / steps", "max(1 / steps - done, 0)"),
            "the last first": (
                "[early] * (steps - 1) + [1 - (steps - 1) * early]",
                "[1 - (steps - 1) * early] + [early] * (steps - 1)",
            ),
            "all turned round": (
                "return [0.0] + [early] * (steps - 1) + [1 - (steps - 1) * early]",
                "return ([0.0] + [early] * (steps - 1) + [1 - (steps - 1) * early])[::-1]",
            ),
            "the released floor": ("max(1 - done, 0)", "max(1 - done, 0.03)"),
            "a floor under the weight": ("max(1 - done, 0) / steps", "max((1 - done) / steps, 0.03)"),
        },
        pitfalls=("negative past the end", "without the first", "the last is 1"),
    ),
    "12.2": Bank(
        name="multi_step_loss",
        base="""
def multi_step_loss(support_loss, query_loss, phi, rates, weights, first_order):
    total = weights[0] * query_loss(phi, 0)
    for t in range(len(weights) - 1):
        gradient = torch.autograd.grad(support_loss(phi, t).sum(), list(phi.values()), create_graph=not first_order)
        phi = {name: phi[name] - rates[name][t] * g for name, g in zip(phi, gradient)}
        total = total + weights[t + 1] * query_loss(phi, t + 1)
    return total.mean()
""",
        right={
            "losses in a list": """
def multi_step_loss(support_loss, query_loss, phi, rates, weights, first_order):
    losses = [query_loss(phi, 0)]
    for t in range(len(weights) - 1):
        g = torch.autograd.grad(support_loss(phi, t).sum(), tuple(phi.values()), create_graph=not first_order)
        phi = {n: p - rates[n][t] * each for (n, p), each in zip(phi.items(), g)}
        losses.append(query_loss(phi, t + 1))
    return sum(w * loss.mean() for w, loss in zip(weights, losses))
""",
            "detached where first order": """
def multi_step_loss(support_loss, query_loss, phi, rates, weights, first_order):
    total = 0
    for t, weight in enumerate(weights):
        if weight:
            total = total + weight * query_loss(phi, t).mean()
        if t + 1 == len(weights):
            return total
        gradient = torch.autograd.grad(support_loss(phi, t).sum(), list(phi.values()), create_graph=True)
        if first_order:
            gradient = [g.detach() for g in gradient]
        phi = {name: phi[name] - rates[name][t] * g for name, g in zip(phi, gradient)}
""",
        },
        wrong={
            "always first order": (", create_graph=not first_order", ""),
            "always second order": ("not first_order)", "True)"),
            "the wrong way round": ("not first_order)", "first_order)"),
            "retain_graph in its place": ("create_graph=not first_order", "retain_graph=True"),
            "the mean inside": ("support_loss(phi, t).sum()", "support_loss(phi, t).mean()"),
            "the sum outside": ("return total.mean()", "return total.sum()"),
            "one for each task": ("return total.mean()", "return total"),
            "the first rate": ("rates[name][t]", "rates[name][0]"),
            "the last rate": ("rates[name][t]", "rates[name][-1]"),
            "another tensor's rate": ("rates[name][t]", "rates['w'][t]"),
            "no rate": ("rates[name][t] * g", "g"),
            "rates detached": ("rates[name][t]", "rates[name][t].detach()"),
            "rates as numbers": ("rates[name][t]", "rates[name][t].item()"),
            "uphill": ("phi[name] - rates", "phi[name] + rates"),
            "support of step 0": ("support_loss(phi, t)", "support_loss(phi, 0)"),
            "support of the next step": ("support_loss(phi, t)", "support_loss(phi, t + 1)"),
            "queries of this step": ("query_loss(phi, t + 1)", "query_loss(phi, t)"),
            "queries of step 0": ("query_loss(phi, t + 1)", "query_loss(phi, 0)"),
            "the last alone": """
def multi_step_loss(support_loss, query_loss, phi, rates, weights, first_order):
    for t in range(len(weights) - 1):
        gradient = torch.autograd.grad(support_loss(phi, t).sum(), list(phi.values()), create_graph=not first_order)
        phi = {name: phi[name] - rates[name][t] * g for name, g in zip(phi, gradient)}
    return query_loss(phi, len(weights) - 1).mean()
""",
            "weights shifted": ("weights[t + 1]", "weights[t]"),
            "nothing before the first step": ("weights[0] * query_loss(phi, 0)", "0"),
            "no weights": ("weights[t + 1] * query_loss", "query_loss"),
            "no weights at all": (
                ("weights[0] * query_loss(phi, 0)", "0"),
                ("weights[t + 1] * query_loss", "query_loss"),
            ),
            "divided by the steps": ("total.mean()", "total.mean() / (len(weights) - 1)"),
            "judged before the step": """
def multi_step_loss(support_loss, query_loss, phi, rates, weights, first_order):
    total = weights[0] * query_loss(phi, 0)
    for t in range(len(weights) - 1):
        total = total + weights[t + 1] * query_loss(phi, t + 1)
        gradient = torch.autograd.grad(support_loss(phi, t).sum(), list(phi.values()), create_graph=not first_order)
        phi = {name: phi[name] - rates[name][t] * g for name, g in zip(phi, gradient)}
    return total.mean()
""",
            "each from the beginning": """
def multi_step_loss(support_loss, query_loss, phi, rates, weights, first_order):
    total = weights[0] * query_loss(phi, 0)
    for t in range(len(weights) - 1):
        gradient = torch.autograd.grad(support_loss(phi, t).sum(), list(phi.values()), create_graph=not first_order)
        moved = {name: phi[name] - rates[name][t] * g for name, g in zip(phi, gradient)}
        total = total + weights[t + 1] * query_loss(moved, t + 1)
    return total.mean()
""",
            "phi detached": (
                "phi[name] - rates[name][t] * g for",
                "(phi[name] - rates[name][t] * g).detach().requires_grad_() for",
            ),
            "judged on the support set": (
                "weights[t + 1] * query_loss(phi, t + 1)",
                "weights[t + 1] * support_loss(phi, t + 1)",
            ),
            "both judged": (
                "weights[t + 1] * query_loss(phi, t + 1)",
                "weights[t + 1] * (query_loss(phi, t + 1) + support_loss(phi, t + 1))",
            ),
            "adapted on the queries": ("support_loss(phi, t).sum()", "query_loss(phi, t).sum()"),
            "a number": ("total.mean()", "total.mean().item()"),
            "phi too": ("return total.mean()", "return total.mean(), phi"),
            "phi alone": ("return total.mean()", "return phi"),
            "one step too few": ("range(len(weights) - 1)", "range(len(weights) - 2)"),
        },
        pitfalls=(
            "always first order",
            "the mean inside",
            "weights shifted",
            "queries of this step",
            "the first rate",
        ),
    ),
    "12.3": Bank(
        name="is_read",
        base="""
def is_read(answer, running):
    before = answer(running)
    for name, (mean, variance) in running.items():
        for changed in ((mean + 1, variance), (mean, variance + 1)):
            if not torch.equal(answer(running | {name: changed}), before):
                return True
    return False
""",
        right={
            "poisoned": """
def is_read(answer, running):
    poison = {name: (mean * torch.nan, variance * torch.nan) for name, (mean, variance) in running.items()}
    return bool(answer(poison).isnan().any())
""",
            "all at once": """
def is_read(answer, running):
    other = {name: (mean + 3, 2 * variance + 1) for name, (mean, variance) in running.items()}
    return not torch.allclose(answer(running), answer(other))
""",
            "drawn": """
def is_read(answer, running):
    g = torch.Generator().manual_seed(0)
    other = {n: tuple(torch.rand(v.shape, generator=g, dtype=v.dtype) + 1 for v in pair) for n, pair in running.items()}
    return bool((answer(running) != answer(other)).any())
""",
        },
        wrong={
            "means alone": ("((mean + 1, variance), (mean, variance + 1))", "((mean + 1, variance),)"),
            "means alone, doubled": (
                "((mean + 1, variance), (mean, variance + 1))",
                "((2 * mean, variance),)",
            ),
            "variances alone": ("((mean + 1, variance), (mean, variance + 1))", "((mean, variance + 1),)"),
            "both doubled": ("((mean + 1, variance), (mean, variance + 1))", "((2 * mean, 2 * variance),)"),
            "the sign turned": ("((mean + 1, variance), (mean, variance + 1))", "((-mean, variance + 1),)"),
            "where they begin": (
                "((mean + 1, variance), (mean, variance + 1))",
                "((torch.zeros_like(mean), torch.ones_like(variance)),)",
            ),
            "the first block": ("running.items()", "list(running.items())[:1]"),
            "the last block": ("running.items()", "list(running.items())[-1:]"),
            "all but the first": ("running.items()", "list(running.items())[1:]"),
            "all but the last": ("running.items()", "list(running.items())[:-1]"),
            "returns after the first": """
def is_read(answer, running):
    before = answer(running)
    for name, (mean, variance) in running.items():
        return not torch.equal(answer(running | {name: (mean + 1, variance + 1)}), before)
""",
            "inverted": ("if not torch.equal", "if torch.equal"),
            "answers swapped": (("return True", "return 0 == 1"), ("return False", "return True")),
            "always": "\ndef is_read(answer, running):\n    return True\n",
            "never": "\ndef is_read(answer, running):\n    return False\n",
            "asked twice the same": """
def is_read(answer, running):
    return not torch.equal(answer(running), answer(running))
""",
            "the same statistics copied": ("running | {name: changed}", "dict(running)"),
            "in place": """
def is_read(answer, running):
    before = answer(running)
    for mean, variance in running.values():
        mean += 1
        variance += 1
    return not torch.equal(answer(running), before)
""",
            "put into the dict": """
def is_read(answer, running):
    before = answer(running)
    for name, (mean, variance) in list(running.items()):
        running[name] = (mean + 1, variance + 1)
    return not torch.equal(answer(running), before)
""",
            "every block must matter": """
def is_read(answer, running):
    before = answer(running)
    return all(
        not torch.equal(answer(running | {name: (m + 1, v + 1)}), before) for name, (m, v) in running.items()
    )
""",
            "a number": (("return True", "return 1"), ("return False", "return 0")),
            "a word": (("return True", "return 'read'"), ("return False", "return 'not read'")),
            "nothing where it is not": ("    return False\n", ""),
            "means inverted": """
def is_read(answer, running):
    other = {name: (mean + 1, variance) for name, (mean, variance) in running.items()}
    return torch.equal(answer(running), answer(other))
""",
        },
        pitfalls=("means alone", "in place", "answers swapped"),
    ),
}
