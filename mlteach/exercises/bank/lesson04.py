"""Answers to the exercises of lesson 04."""

from mlteach.exercises.bank import Bank

FEATURES = Bank(
    name="features",
    base="""
def features(x, p):
    large = x.abs() >= math.exp(-p)
    size = torch.where(large, x.abs().log() / p, -1.0)
    direction = torch.where(large, x.sign(), math.exp(p) * x)
    return torch.stack([size, direction], -1)
""",
    pitfalls=(
        "no branch",
        "not divided by p",
        "order swapped",
        "the direction is lost",
        "small branch is x itself",
    ),
    wrong={
        "no branch": """
def features(x, p):
    return torch.stack([x.abs().log() / p, x.sign()], -1)
""",
        "no branch, clamped": """
def features(x, p):
    return torch.stack([x.abs().clamp_min(1e-12).log() / p, torch.sign(x)], dim=-1)
""",
        "no branch, a little added": """
def features(x, p):
    return torch.stack([torch.log(x.abs() + 1e-8) / p, torch.sign(x)], dim=-1)
""",
        "only the size has a branch": ("math.exp(p) * x)", "x.sign())"),
        "only the direction has a branch": (
            "torch.where(large, x.abs().log() / p, -1.0)",
            "x.abs().log() / p",
        ),
        "small size is 0": ("-1.0", "0.0"),
        "small size is 1": ("-1.0", "1.0"),
        "small size is -p": ("-1.0", "-p * torch.ones_like(x)"),
        "not divided by p": ("x.abs().log() / p", "x.abs().log()"),
        "times p": ("x.abs().log() / p", "x.abs().log() * p"),
        "log to base 10": ("x.abs().log() / p", "torch.log10(x.abs()) / p"),
        "log to base 2": ("x.abs().log() / p", "x.abs().log2() / p"),
        "log of one plus x": ("x.abs().log() / p", "torch.log1p(x.abs()) / p"),
        "log of x over p": ("x.abs().log() / p", "(x.abs() / p).log()"),
        "size by sign": ("x.abs().log() / p", "x.sign() * x.abs().log() / p"),
        "size with the sign turned": ("x.abs().log() / p", "-x.abs().log() / p"),
        "no absolute value in the log": ("x.abs().log()", "x.log()"),
        "no absolute value in the condition": ("x.abs() >= ", "x >= "),
        "small branch is x itself": ("math.exp(p) * x", "x"),
        "small branch with e^-p": ("math.exp(p) * x", "math.exp(-p) * x"),
        "small branch with p": ("math.exp(p) * x", "p * x"),
        "small branch is zero": ("math.exp(p) * x", "torch.zeros_like(x)"),
        "small branch unsigned": ("math.exp(p) * x", "math.exp(p) * x.abs()"),
        "order swapped": ("[size, direction]", "[direction, size]"),
        "the direction is lost": ("x.sign()", "1.0"),
        "the direction is zero or one": ("x.sign()", "(x > 0).double()"),
        "the direction is x": ("x.sign()", "x"),
        "the direction turned round": ("x.sign()", "-x.sign()"),
        "the border is p": (">= math.exp(-p)", ">= p"),
        "the border is e^p": (">= math.exp(-p)", ">= math.exp(p)"),
        "the border is 10^-p": (">= math.exp(-p)", ">= 10 ** (-p)"),
        "the border is -p": (">= math.exp(-p)", ">= -p"),
        "the border of p = 10, always": (">= math.exp(-p)", ">= math.exp(-10)"),
        "branches the wrong way round": (">= math.exp(-p)", "< math.exp(-p)"),
        "one condition for all": (
            "x.abs() >= math.exp(-p)",
            "(x.abs() >= math.exp(-p)).all()",
        ),
        "an if on a tensor": """
def features(x, p):
    if x.abs() >= math.exp(-p):
        return torch.stack([x.abs().log() / p, x.sign()], -1)
    return torch.stack([-torch.ones_like(x), math.exp(p) * x], -1)
""",
        "a new first axis": (", -1)\n", ")\n"),
        "axis 1": ("direction], -1)", "direction], 1)"),
        "put behind one another": ("torch.stack", "torch.cat"),
        "two tensors": ("torch.stack([size, direction], -1)", "size, direction"),
        "only the size": ("torch.stack([size, direction], -1)", "size"),
        "in single precision": ("    large", "    x = x.float()\n    large"),
        "no return": ("return ", "result = "),
        "size clamped, direction the sign": """
def features(x, p):
    size = torch.log(torch.abs(x)) / p
    size = torch.where(size < -1, torch.tensor(-1.0, dtype=x.dtype), size)
    return torch.stack([size, torch.sign(x)], -1)
""",
        "filled into float32": """
def features(x, p):
    out = torch.zeros(*x.shape, 2)
    big = x.abs() >= math.exp(-p)
    out[..., 0][big] = (x.abs().log() / p)[big]
    out[..., 1][big] = x.sign()[big]
    out[..., 1][~big] = (math.exp(p) * x)[~big].float()
    return out
""",
        "small branch the wrong way round": """
def features(x, p):
    big = x.abs() >= math.exp(-p)
    return torch.where(big[..., None], torch.stack([x.abs().log() / p, x.sign()], -1), torch.stack([math.exp(p) * x, -torch.ones_like(x)], -1))
""",
        "clamped and not divided": """
def features(x, p):
    big = x.abs() > math.exp(-p)
    a = x.abs().log().clamp(-1, 1)
    return torch.stack([a, torch.where(big, x.sign(), math.exp(p) * x)], -1)
""",
        "divided by the largest first": """
def features(x, p):
    x = x / x.abs().max()
    a = (x.abs().log() / p).clamp(min=-1)
    return torch.stack([a, (math.exp(p) * x).clamp(-1, 1)], -1)
""",
        "over log p": """
def features(x, p):
    big = x.abs() >= math.exp(-p)
    size = torch.where(big, (x.abs().log() / math.log(p)), -1.0)
    return torch.stack([size, torch.where(big, x.sign(), math.exp(p) * x)], -1)
""",
        "a loop over the first axis": """
def features(x, p):
    result = []
    for v in x:
        if abs(v) >= math.exp(-p):
            result.append((math.log(abs(v)) / p, math.copysign(1, v)))
        else:
            result.append((-1.0, math.exp(p) * v))
    return torch.tensor(result)
""",
        "the border for the square": """
def features(x, p):
    big = (x * x) >= math.exp(-p)
    size = torch.where(big, (x.abs().log() / p), -1.0)
    return torch.stack([size, torch.where(big, x.sign(), math.exp(p) * x)], -1)
""",
        "the log of the square": """
def features(x, p):
    big = x.abs() >= math.exp(-p)
    size = torch.where(big, (x.pow(2).log() / p), -1.0)
    return torch.stack([size, torch.where(big, x.sign(), math.exp(p) * x)], -1)
""",
        "columns stacked": """
def features(x, p):
    big = x.abs() >= math.exp(-p)
    size = torch.where(big, (x.abs().log() / p), -1.0)
    return torch.column_stack([size, torch.where(big, x.sign(), math.exp(p) * x)])
""",
        "the condition has an axis too few": """
def features(x, p):
    big = x.abs() >= math.exp(-p)
    return torch.where(big, torch.stack([x.abs().log() / p, x.sign()], -1), torch.stack([-torch.ones_like(x), math.exp(p) * x], -1))
""",
        "the direction grows": """
def features(x, p):
    s = torch.sign(x)
    return torch.stack([torch.where(x.abs() >= math.exp(-p), torch.log(x.abs()) / p, -1), s * math.exp(p) * x], -1)
""",
        "the size has no floor": """
def features(x, p):
    l = torch.log(x.abs()) / p
    return torch.stack([l, torch.where(l >= -1, x.sign(), math.exp(p) * x)], -1)
""",
        "all to base 10": """
def features(x, p):
    l = torch.log10(x.abs())
    big = l >= -p
    return torch.stack([torch.where(big, l / p, -1.0), torch.where(big, x.sign(), 10 ** p * x)], -1)
""",
        "the sign in the size": """
def features(x, p):
    big = x.abs() >= math.exp(-p)
    return torch.stack([torch.where(big, x.abs().log() / p, -1.0) * x.sign(), torch.where(big, 1.0, math.exp(p) * x)], -1)
""",
        "nan taken for zero": """
def features(x, p):
    big = x.abs() >= math.exp(-p)
    return torch.stack([torch.where(big, x.log() / p, -1.0), torch.where(big, x.sign(), math.exp(p) * x)], -1).nan_to_num(0)
""",
        "minus infinity taken for minus one": """
def features(x, p):
    out = torch.stack([x.abs().log() / p, x.sign()], -1)
    return out.nan_to_num(neginf=-1.0)
""",
        "both clamped": """
def features(x, p):
    out = torch.stack([x.abs().log() / p, x.sign()], -1)
    return out.clamp(-1, 1)
""",
        "an if for the largest": """
def features(x, p):
    if x.abs().max() >= math.exp(-p):
        return torch.stack([x.abs().log() / p, x.sign()], -1)
    return torch.stack([-torch.ones_like(x), math.exp(p) * x], -1)
""",
    },
    right={
        "clamped": """
def features(x, p):
    size = (x.abs().log() / p).clamp_min(-1)
    return torch.stack([size, (math.exp(p) * x).clamp(-1, 1)], dim=-1)
""",
        "cat of new axes": """
def features(x, p):
    small = x.abs() < math.e ** -p
    size = torch.log(torch.abs(x)) / p
    size[small] = -1
    way = torch.sign(x)
    way[small] = math.exp(p) * x[small]
    return torch.cat([size.unsqueeze(-1), way[..., None]], -1)
""",
        "one number after another": """
def features(x, p):
    def two(number):
        if abs(number) >= math.exp(-p):
            return [math.log(abs(number)) / p, math.copysign(1, number)]
        return [-1.0, math.exp(p) * number]
    numbers = [two(number) for number in x.flatten().tolist()]
    return torch.tensor(numbers, dtype=torch.float64).reshape(*x.shape, 2)
""",
        "an empty tensor filled": """
def features(x, p):
    result = torch.empty(x.shape + (2,), dtype=x.dtype)
    large = x.abs() > math.exp(-p)
    result[..., 0] = torch.where(large, x.abs().clamp(min=math.exp(-p)).log() / p, -torch.ones_like(x))
    result[..., 1] = torch.where(large, x / x.abs(), x * math.exp(p))
    return result
""",
        "numpy": """
import numpy as np
def features(x, p):
    x = x.numpy()
    large = np.abs(x) >= np.exp(-p)
    with np.errstate(divide="ignore"):
        size = np.where(large, np.log(np.abs(x)) / p, -1)
    return torch.from_numpy(np.stack([size, np.where(large, np.sign(x), np.exp(p) * x)], -1))
""",
        "a tensor's exponential": """
def features(x, p):
    border = torch.exp(torch.tensor(-p))
    large = x.abs() >= border
    size = torch.where(large, torch.log(x.abs()) / p, torch.tensor(-1.0))
    return torch.stack([size, torch.where(large, x.sign(), x / border)], dim=x.dim())
""",
        "masks multiplied": """
def features(x, p):
    mask = (x.abs() >= math.exp(-p)).to(x)
    log = torch.log(x.abs() + (1 - mask)) / p
    return torch.stack((mask * log - (1 - mask), mask * x.sign() + (1 - mask) * math.exp(p) * x), -1)
""",
        "clamped twice": """
def features(x, p):
    size = (x.abs().log() / p)
    return torch.stack((torch.clamp(size, min=-1.0), torch.clamp(x * math.exp(p), -1.0, 1.0)), dim=-1)
""",
        "pairs chosen": """
def features(x, p):
    large = x.abs() >= math.exp(-p)
    a = torch.stack([x.abs().log() / p, torch.sign(x)], -1)
    b = torch.stack([torch.full_like(x, -1), x * math.exp(p)], -1)
    return torch.where(large.unsqueeze(-1), a, b)
""",
        "filled one by one": """
def features(x, p):
    flat = x.reshape(-1)
    out = torch.zeros(len(flat), 2, dtype=x.dtype)
    for k, v in enumerate(flat):
        if v.abs() >= math.exp(-p):
            out[k, 0] = v.abs().log() / p
            out[k, 1] = v.sign()
        else:
            out[k, 0] = -1
            out[k, 1] = math.exp(p) * v
    return out.reshape(*x.shape, 2)
""",
        "in other words": """
def features(x, p):
    l = torch.log(x.abs()) / p
    return torch.stack([torch.maximum(l, torch.tensor(-1.0)), torch.where(l >= -1, x.sign(), math.exp(p) * x)], -1)
""",
        "by another road": """
def features(x, p):
    big = (x > math.exp(-p)) | (x < -math.exp(-p))
    return torch.stack([torch.where(big, torch.log(torch.abs(x)) / p, -1), torch.where(big, torch.sign(x), math.exp(p) * x)], -1)
""",
        "in a third way": """
def features(x, p):
    out = x.new_empty((*x.shape, 2))
    big = torch.log(x.abs()) >= -p
    out[..., 0] = -1
    out[..., 1] = x * math.exp(p)
    out[..., 0][big] = x[big].abs().log() / p
    out[..., 1][big] = x[big].sign()
    return out
""",
    },
)

BIAS = Bank(
    name="forget_bias",
    base="""
def forget_bias(mu):
    return math.log(mu / (1 - mu))
""",
    pitfalls=("mu itself", "squashed once more", "upside down", "the log of mu", "no logarithm"),
    wrong={
        "mu itself": ("math.log(mu / (1 - mu))", "mu"),
        "squashed once more": ("math.log(mu / (1 - mu))", "1 / (1 + math.exp(-mu))"),
        "squashed by torch": ("math.log(mu / (1 - mu))", "torch.sigmoid(torch.tensor(mu)).item()"),
        "the gate of the bias": ("math.log(mu / (1 - mu))", "1 / (1 + (1 - mu) / mu)"),
        "upside down": ("mu / (1 - mu)", "(1 - mu) / mu"),
        "a minus too many": ("math.log(mu", "-math.log(mu"),
        "one over mu minus one": ("mu / (1 - mu)", "1 / mu - 1"),
        "the log of mu": ("mu / (1 - mu)", "mu"),
        "minus the log of mu": ("math.log(mu / (1 - mu))", "-math.log(mu)"),
        "one over mu": ("mu / (1 - mu)", "1 / mu"),
        "the log of 1 - mu": ("mu / (1 - mu)", "1 - mu"),
        "minus the log of 1 - mu": ("math.log(mu / (1 - mu))", "-math.log(1 - mu)"),
        "no logarithm": ("math.log(mu / (1 - mu))", "mu / (1 - mu)"),
        "no logarithm, upside down": ("math.log(mu / (1 - mu))", "(1 - mu) / mu"),
        "the sum for the difference": ("(1 - mu)", "(1 + mu)"),
        "a quotient of logs": ("math.log(mu / (1 - mu))", "math.log(mu) / math.log(1 - mu)"),
        "a sum of logs": ("math.log(mu / (1 - mu))", "math.log(mu) + math.log(1 - mu)"),
        "the log above only": ("math.log(mu / (1 - mu))", "math.log(mu) / (1 - mu)"),
        "base 10": ("math.log(", "math.log10("),
        "base 2": ("math.log(", "math.log2("),
        "the brackets forgotten": ("mu / (1 - mu)", "mu / 1 - mu"),
        "tanh undone": ("math.log(mu / (1 - mu))", "math.atanh(mu)"),
        "a factor of two": ("math.log(mu / (1 - mu))", "math.atanh(2 * mu - 1)"),
        "the slope of the sigmoid": ("math.log(mu / (1 - mu))", "mu * (1 - mu)"),
        "what is forgotten": ("math.log(mu / (1 - mu))", "1 - mu"),
        "the horizon": ("math.log(mu / (1 - mu))", "1 / (1 - mu)"),
        "for mu = 0.9 only": ("math.log(mu / (1 - mu))", "math.log(9)"),
        "rounded": ("math.log(mu / (1 - mu))", "round(math.log(mu / (1 - mu)), 2)"),
        "exp for log": ("math.log(", "math.exp("),
        "prints": ("return math.log(mu / (1 - mu))", "print(math.log(mu / (1 - mu)))"),
        "no return": ("return ", "b = "),
        "torch.log of a number": ("math.log(", "torch.log("),
        "a function": ("return math.log(mu / (1 - mu))", "return lambda: math.log(mu / (1 - mu))"),
        "another sigmoid": """
def forget_bias(mu):
    return math.exp(mu) / (1 + math.exp(mu))
""",
        "the sum below, no log": """
def forget_bias(mu):
    return mu / (1 + mu)
""",
        "the log above only, times": """
def forget_bias(mu):
    return math.log(mu) * (1 - mu)
""",
        "a straight line": """
def forget_bias(mu):
    return 10 * mu - 5
""",
        "a root": """
def forget_bias(mu):
    return math.sqrt(mu / (1 - mu))
""",
        "cut to a whole number": """
def forget_bias(mu):
    return int(math.log(mu / (1 - mu)))
""",
        "a text": """
def forget_bias(mu):
    return str(math.log(mu / (1 - mu)))
""",
        "mu minus one": """
def forget_bias(mu):
    return math.log(mu / (mu - 1))
""",
        "a log minus the rest": """
def forget_bias(mu):
    return (math.log(mu)) - (1 - mu)
""",
        "one minus a sigmoid": """
def forget_bias(mu):
    return math.exp(-mu) / (1 + math.exp(-mu))
""",
        "one less": """
def forget_bias(mu):
    return math.log(mu / (1 - mu)) - 1
""",
        "half a log, over the rest": """
def forget_bias(mu):
    return math.log(1 - mu) / (1 - mu)
""",
        "minus the log of one over mu": """
def forget_bias(mu):
    return -math.log(1 / mu)
""",
    },
    right={
        "logit": ("math.log(mu / (1 - mu))", "torch.logit(torch.tensor(mu, dtype=torch.float64))"),
        "logit in single precision": ("math.log(mu / (1 - mu))", "torch.logit(torch.tensor(mu))"),
        "two logs": ("math.log(mu / (1 - mu))", "math.log(mu) - math.log1p(-mu)"),
        "minus a log": ("math.log(mu / (1 - mu))", "-math.log(1 / mu - 1)"),
        "atanh": ("math.log(mu / (1 - mu))", "2 * math.atanh(2 * mu - 1)"),
        "one element": (
            "math.log(mu / (1 - mu))",
            "torch.tensor([mu / (1 - mu)], dtype=torch.float64).log()",
        ),
        "numpy": """
import numpy as np
def forget_bias(mu):
    return np.log(mu / (1 - mu))
""",
        "halving": """
def forget_bias(mu):
    low, high = -50.0, 50.0
    for _ in range(200):
        middle = (low + high) / 2
        if 1 / (1 + math.exp(-middle)) < mu:
            low = middle
        else:
            high = middle
    return middle
""",
        "float of a tensor": """
def forget_bias(mu):
    return float(torch.logit(torch.tensor(mu)))
""",
        "a difference of logs": """
def forget_bias(mu):
    return math.log(mu) - math.log(1 - mu)
""",
        "Newton": """
def forget_bias(mu):
    b = 0.0
    for _ in range(200):
        g = 1 / (1 + math.exp(-b))
        b = b - (g - mu) / (g * (1 - g))
    return b
""",
        "a tensor's log": """
def forget_bias(mu):
    return torch.tensor(mu / (1 - mu)).log()
""",
        "in other words": """
def forget_bias(mu):
    return torch.logit(torch.tensor([mu], dtype=torch.float64))
""",
        "by another road": """
def forget_bias(mu):
    return math.log(mu) + math.log(1 / (1 - mu))
""",
        "in a third way": """
def forget_bias(mu):
    return torch.tensor(math.log(mu / (1 - mu)))
""",
        "in a fourth way": """
def forget_bias(mu):
    return -math.log((1 - mu) / mu)
""",
    },
)

PIECE = Bank(
    name="piece",
    base="""
def piece(step, loss, slope, omega, theta, state, steps):
    total = 0
    for _ in range(steps):
        gradient = slope(theta).detach()
        update, state = step(omega, gradient, state)
        theta = theta + update
        total = total + loss(theta)
    return total / steps, theta.detach(), state.detach()
""",
    pitfalls=(
        "the slope keeps its way back",
        "theta cut inside",
        "the last loss",
        "the sum",
        "nothing detached",
        "losses before the step",
        "the state stays",
        "the mean is a number",
    ),
    wrong={
        "the slope keeps its way back": ("slope(theta).detach()", "slope(theta)"),
        "theta cut inside": ("theta = theta + update", "theta = theta.detach() + update"),
        "theta cut after each step": ("loss(theta)\n", "loss(theta)\n        theta = theta.detach()\n"),
        "the state cut inside": ("gradient, state)\n", "gradient, state.detach())\n"),
        "both cut inside": (
            "loss(theta)\n",
            "loss(theta)\n        theta, state = theta.detach(), state.detach()\n",
        ),
        "the update cut": ("theta + update", "theta + update.detach()"),
        "the loss of a cut theta": ("loss(theta)\n", "loss(theta.detach())\n"),
        "the loss cut": ("loss(theta)\n", "loss(theta).detach()\n"),
        "the mean is a number": ("total / steps,", "(total / steps).item(),"),
        "the losses are numbers": ("loss(theta)\n", "loss(theta).item()\n"),
        "the mean cut": ("total / steps,", "(total / steps).detach(),"),
        "no gradients at all": """
@torch.no_grad()
def piece(step, loss, slope, omega, theta, state, steps):
    total = 0
    for _ in range(steps):
        update, state = step(omega, slope(theta), state)
        theta = theta + update
        total = total + loss(theta)
    return total / steps, theta, state
""",
        "omega cut": ("step(omega,", "step(omega.detach(),"),
        "the last loss": ("total = total + loss(theta)", "total = steps * loss(theta)"),
        "the last loss over steps": ("total = total + loss(theta)", "total = loss(theta)"),
        "the least loss": """
def piece(step, loss, slope, omega, theta, state, steps):
    losses = []
    for _ in range(steps):
        update, state = step(omega, slope(theta).detach(), state)
        theta = theta + update
        losses.append(loss(theta))
    return min(losses), theta.detach(), state.detach()
""",
        "losses before the step": """
def piece(step, loss, slope, omega, theta, state, steps):
    total = 0
    for _ in range(steps):
        total = total + loss(theta)
        update, state = step(omega, slope(theta).detach(), state)
        theta = theta + update
    return total / steps, theta.detach(), state.detach()
""",
        "the start counts too": (
            ("total = 0", "total = loss(theta)"),
            ("total / steps", "total / (steps + 1)"),
        ),
        "the start counts too, over steps": ("total = 0", "total = loss(theta)"),
        "the sum": ("total / steps", "total"),
        "one step fewer": ("range(steps)", "range(steps - 1)"),
        "counted from one": ("range(steps)", "range(1, steps)"),
        "one step more": ("range(steps)", "range(steps + 1)"),
        "over one less": ("total / steps", "total / (steps - 1 or 1)"),
        "uphill": ("theta + update", "theta - update"),
        "theta is the update": ("theta = theta + update", "theta = update"),
        "down the gradient as well": ("theta + update", "theta + update - gradient"),
        "update times gradient": ("theta + update", "theta + update * gradient"),
        "the gradient turned": ("slope(theta).detach()", "-slope(theta).detach()"),
        "the state stays": ("update, state = step", "update, _ = step"),
        "the state begins anew": (
            "        gradient =",
            "        state = torch.zeros_like(state)\n        gradient =",
        ),
        "always the slope of the start": (
            ("    total = 0", "    total, first = 0, slope(theta).detach()"),
            ("slope(theta).detach()\n        u", "first\n        u"),
        ),
        "theta stays": (
            "        theta = theta + update\n        total = total + loss(theta)",
            "        total = total + loss(theta + update)",
        ),
        "the loss is handed on": ("slope(theta).detach()", "loss(theta).detach()"),
        "nothing detached": ("theta.detach(), state.detach()", "theta, state"),
        "theta not detached": (", theta.detach(),", ", theta,"),
        "state not detached": ("state.detach()", "state"),
        "state cloned, not detached": ("theta.detach(), state.detach()", "theta.clone(), state.clone()"),
        "where it began": (
            ("    total = 0", "    total, first, memory = 0, theta, state"),
            ("theta.detach(), state.detach()", "first, memory"),
        ),
        "the state it began with": (
            ("    total = 0", "    total, memory = 0, state"),
            ("state.detach()", "memory"),
        ),
        "theta and state swapped": ("theta.detach(), state.detach()", "state.detach(), theta.detach()"),
        "the mean last": (
            "total / steps, theta.detach(), state.detach()",
            "theta.detach(), state.detach(), total / steps",
        ),
        "the mean only": ("total / steps, theta.detach(), state.detach()", "total / steps"),
        "no state": ("theta.detach(), state.detach()", "theta.detach()"),
        "theta in place": ("theta = theta + update", "theta += update.detach()"),
        "the answer taken apart the wrong way": ("update, state = step", "state, update = step"),
        "gradient and state swapped": ("step(omega, gradient, state)", "step(omega, state, gradient)"),
        "it walks by itself": """
def piece(step, loss, slope, omega, theta, state, steps):
    total = 0
    for _ in range(steps):
        theta = theta - 0.1 * slope(theta).detach()
        total = total + loss(theta)
    return total / steps, theta.detach(), state.detach()
""",
        "no return": ("return ", "result = "),
        "losses collected as numbers": """
def piece(step, loss, slope, omega, theta, state, steps):
    losses = torch.zeros(steps)
    for t in range(steps):
        update, state = step(omega, slope(theta).detach(), state)
        theta = theta + update
        losses[t] = loss(theta).item()
    return losses.mean(), theta.detach(), state.detach()
""",
        "moved twice": """
def piece(step, loss, slope, omega, theta, state, steps):
    total = 0
    for _ in range(steps):
        update, state = step(omega, slope(theta).detach(), state)
        total += loss(theta + update)
        theta = theta + update + update
    return total / steps, theta.detach(), state.detach()
""",
        "theta cut at once": """
def piece(step, loss, slope, omega, theta, state, steps):
    total = 0
    for _ in range(steps):
        update, state = step(omega, slope(theta).detach(), state)
        theta = (theta + update).detach()
        total += loss(theta)
    return total / steps, theta, state.detach()
""",
        "returns in the loop": """
def piece(step, loss, slope, omega, theta, state, steps):
    total = 0
    for _ in range(steps):
        update, state = step(omega, slope(theta).detach(), state)
        theta = theta + update
        total += loss(theta)
        return total / steps, theta.detach(), state.detach()
""",
        "the mean cut, the ends not": """
def piece(step, loss, slope, omega, theta, state, steps):
    total = 0
    for _ in range(steps):
        update, state = step(omega, slope(theta).detach(), state)
        theta = theta + update
        total += loss(theta)
    return (total / steps).detach(), theta, state
""",
        "the mean of slopes": """
def piece(step, loss, slope, omega, theta, state, steps):
    total = 0
    for _ in range(steps):
        update, state = step(omega, slope(theta).detach(), state)
        theta = theta + update
        total += slope(theta).sum()
    return total / steps, theta.detach(), state.detach()
""",
        "one step fewer and the start": """
def piece(step, loss, slope, omega, theta, state, steps):
    total = loss(theta)
    for _ in range(steps - 1):
        update, state = step(omega, slope(theta).detach(), state)
        theta = theta + update
        total = total + loss(theta)
    return total / steps, theta.detach(), state.detach()
""",
        "the answer not taken apart": """
def piece(step, loss, slope, omega, theta, state, steps):
    total = 0
    for _ in range(steps):
        update = step(omega, slope(theta).detach(), state)
        theta = theta + update
        total = total + loss(theta)
    return total / steps, theta.detach(), state.detach()
""",
        "later losses weigh more": """
def piece(step, loss, slope, omega, theta, state, steps):
    total = 0
    for t in range(steps):
        update, state = step(omega, slope(theta).detach(), state)
        theta = theta + update
        total = total + (t + 1) * loss(theta)
    return total / steps, theta.detach(), state.detach()
""",
        "a dict": """
def piece(step, loss, slope, omega, theta, state, steps):
    total = 0
    for _ in range(steps):
        update, state = step(omega, slope(theta).detach(), state)
        theta = theta + update
        total = total + loss(theta)
    return {"loss": total / steps, "theta": theta.detach(), "state": state.detach()}
""",
        "uphill, summed, attached": """
def piece(step, loss, slope, omega, theta, state, steps):
    total = 0
    for _ in range(steps):
        update, state = step(omega, slope(theta), state)
        theta = theta - update
        total = total + loss(theta)
    return total, theta, state
""",
        "cut to a leaf": """
def piece(step, loss, slope, omega, theta, state, steps):
    total = 0
    for _ in range(steps):
        g = slope(theta).detach()
        update, state = step(omega, g, state)
        theta = (theta + update).detach().requires_grad_()
        total = total + loss(theta)
    return total / steps, theta.detach(), state.detach()
""",
        "always from the start": """
def piece(step, loss, slope, omega, theta, state, steps):
    total = 0
    first = theta
    for _ in range(steps):
        update, state = step(omega, slope(theta).detach(), state)
        theta = first + update
        total = total + loss(theta)
    return total / steps, theta.detach(), state.detach()
""",
        "losses in a new tensor": """
def piece(step, loss, slope, omega, theta, state, steps):
    losses = []
    for _ in range(steps):
        update, state = step(omega, slope(theta).detach(), state)
        theta = theta + update
        losses.append(loss(theta))
    return torch.tensor(losses).mean(), theta.detach(), state.detach()
""",
        "both ends": """
def piece(step, loss, slope, omega, theta, state, steps):
    total = 0
    for _ in range(steps):
        update, state = step(omega, slope(theta).detach(), state)
        total = total + loss(theta)
        theta = theta + update
    total = total + loss(theta)
    return total / (steps + 1), theta.detach(), state.detach()
""",
        "a pair in a pair": """
def piece(step, loss, slope, omega, theta, state, steps):
    total = 0
    for _ in range(steps):
        update, state = step(omega, slope(theta).detach(), state)
        theta = theta + update
        total = total + loss(theta)
    return total / steps, (theta.detach(), state.detach())
""",
        "the state cut, the ends not": """
def piece(step, loss, slope, omega, theta, state, steps):
    total = 0
    for _ in range(steps):
        update, state = step(omega, slope(theta).detach(), state.detach())
        theta = theta + update
        total = total + loss(theta)
    return total / steps, theta, state
""",
        "the step without a way back": """
def piece(step, loss, slope, omega, theta, state, steps):
    total = 0
    for _ in range(steps):
        with torch.no_grad():
            update, state = step(omega, slope(theta), state)
        theta = theta + update
        total = total + loss(theta)
    return total / steps, theta, state
""",
        "the total after the loop": """
def piece(step, loss, slope, omega, theta, state, steps):
    total = 0
    for _ in range(steps):
        update, state = step(omega, slope(theta).detach(), state)
        theta = theta + update
    total = total + loss(theta)
    return total / steps, theta.detach(), state.detach()
""",
        "what each step gains": """
def piece(step, loss, slope, omega, theta, state, steps):
    total = 0
    for _ in range(steps):
        update, state = step(omega, slope(theta).detach(), state)
        theta = theta + update
        total = total + loss(theta) - loss(theta - update)
    return total / steps, theta.detach(), state.detach()
""",
        "the slope of the start": """
def piece(step, loss, slope, omega, theta, state, steps):
    total = 0
    theta0 = theta
    for _ in range(steps):
        update, state = step(omega, slope(theta0).detach(), state)
        theta = theta + update
        total = total + loss(theta)
    return total / steps, theta.detach(), state.detach()
""",
    },
    right={
        "a list of losses": """
def piece(step, loss, slope, omega, theta, state, steps):
    losses = []
    for k in range(steps):
        update, state = step(omega, slope(theta.detach()), state)
        theta = theta + update
        losses.append(loss(theta))
    return torch.stack(losses).mean(), theta.detach(), state.detach()
""",
        "a list of three": (
            "return total / steps, theta.detach(), state.detach()",
            "return [total / steps, theta.detach(), state.detach()]",
        ),
        "a share at each step": (("loss(theta)\n", "loss(theta) / steps\n"), ("total / steps,", "total,")),
        "with no_grad": (
            "        gradient = slope(theta).detach()",
            "        with torch.no_grad():\n            gradient = slope(theta)",
        ),
        "detached at the end": (
            "    return total / steps, theta.detach(), state.detach()",
            "    theta, state = theta.detach().clone(), state.detach().clone()\n    return total / steps, theta, state",
        ),
        "data": ("theta.detach(), state.detach()", "theta.data, state.data"),
        "a leaf that asks for gradients": (", theta.detach(),", ", theta.detach().requires_grad_(),"),
        "recursion": """
def piece(step, loss, slope, omega, theta, state, steps):
    def total(theta, state, left):
        if left == 0:
            return 0, theta, state
        update, state = step(omega, slope(theta).detach(), state)
        rest, end, last = total(theta + update, state, left - 1)
        return loss(theta + update) + rest, end, last
    value, theta, state = total(theta, state, steps)
    return value / steps, theta.detach(), state.detach()
""",
        "sum of a list": (
            ("total = 0", "seen = []"),
            ("total = total + loss(theta)", "seen += [loss(theta)]"),
            ("total / steps", "sum(seen) / len(seen)"),
        ),
        "a mean with one axis": ("total / steps,", "(total / steps).reshape(1),"),
        "add": """
def piece(step, loss, slope, omega, theta, state, steps):
    losses = []
    for _ in range(steps):
        with torch.no_grad():
            g = slope(theta)
        update, state = step(omega, g, state)
        theta = theta.add(update)
        losses.append(loss(theta))
    return sum(losses) / steps, theta.detach().clone(), state.detach().clone()
""",
        "while": """
def piece(step, loss, slope, omega, theta, state, steps):
    t = 0
    total = torch.tensor(0.0)
    while t < steps:
        update, state = step(omega, slope(theta.detach()).detach(), state)
        theta = theta + update
        total = total + loss(theta) / steps
        t += 1
    return (total, theta.detach(), state.detach())
""",
        "in other words": """
def piece(step, loss, slope, omega, theta, state, steps):
    losses = []
    for k in range(steps):
        answer = step(omega, slope(theta).detach(), state)
        theta, state = theta + answer[0], answer[1]
        losses += [loss(theta)]
    return torch.stack(losses).mean(dim=0), theta.detach(), state.detach()
""",
        "by another road": """
def piece(step, loss, slope, omega, theta, state, steps):
    mean = torch.zeros((), dtype=theta.dtype)
    for k in range(steps):
        update, state = step(omega, slope(theta).clone().detach(), state)
        theta = update + theta
        mean = mean + (loss(theta) - mean) / (k + 1)
    return mean, theta.detach(), state.detach()
""",
    },
)

BANK = {"04.1": FEATURES, "04.2": BIAS, "04.3": PIECE}
