"""Plausible answers to the exercises of lesson 03."""

from mlteach.exercises.bank import Bank

CELL = Bank(
    name="cell",
    base='''
def cell(theta, gradient, f, i):
    return f * theta + i * (-gradient)
''',
    wrong={
        "uphill": ("(-gradient)", "gradient"),
        "gates swapped": ("f * theta + i * (-gradient)", "i * theta + f * (-gradient)"),
        "gates swapped, uphill": ("f * theta + i * (-gradient)", "i * theta + f * gradient"),
        "tanh on the candidate": ("(-gradient)", "torch.tanh(-gradient)"),
        "tanh on the memory": ("f * theta + i * (-gradient)", "torch.tanh(f * theta + i * (-gradient))"),
        "tanh on the old memory": ("f * theta", "f * torch.tanh(theta)"),
        "sigmoid on the gates": ("f * theta + i * (-gradient)",
                                 "torch.sigmoid(torch.as_tensor(f)) * theta - torch.sigmoid(torch.as_tensor(i)) * gradient"),
        "no forget gate": ("f * theta", "theta"),
        "no input gate": ("i * (-gradient)", "(-gradient)"),
        "forgets the candidate too": ("f * theta + i * (-gradient)", "f * (theta - i * gradient)"),
        "input gate on everything": ("f * theta + i * (-gradient)", "i * (f * theta - gradient)"),
        "the change alone": ("f * theta + i * (-gradient)", "-i * gradient"),
        "the change, uphill": ("f * theta + i * (-gradient)", "i * gradient"),
        "kept alone": ("f * theta + i * (-gradient)", "f * theta"),
        "the rate twice": ("i * (-gradient)", "i * i * (-gradient)"),
        "a fixed rate": ("i * (-gradient)", "0.1 * (-gradient)"),
        "coupled: 1 - f": ("i * (-gradient)", "(1 - f) * (-gradient)"),
        "coupled: 1 - i": ("f * theta", "(1 - i) * theta"),
        "forgets with 1 - f": ("f * theta", "(1 - f) * theta"),
        "candidate times theta": ("(-gradient)", "(-gradient * theta)"),
        "mean of the gates": ("f * theta + i * (-gradient)",
                              "torch.as_tensor(f).mean() * theta - torch.as_tensor(i).mean() * gradient"),
        "one number for a gate": ("f * theta + i * (-gradient)", "float(f) * theta + float(i) * (-gradient)"),
        "the first gate for all": ("def cell(theta, gradient, f, i):\n", '''def cell(theta, gradient, f, i):
    f = torch.as_tensor(f).flatten()[0]
    i = torch.as_tensor(i).flatten()[0]
'''),
        "matrix product": ("f * theta + i * (-gradient)", "f @ theta + i @ (-gradient)"),
        "gradient and theta swapped": ("f * theta + i * (-gradient)", "f * gradient - i * theta"),
        "sign of the gradient": ("(-gradient)", "(-gradient.sign())"),
        "gradient of length 1": ("(-gradient)", "(-gradient / gradient.norm())"),
        "output gate": ("f * theta + i * (-gradient)", "torch.tanh(f * theta + i * (-gradient)) * f"),
        "in place": '''
def cell(theta, gradient, f, i):
    theta *= f
    theta -= i * gradient
    return theta
''',
        "in place by mul_": ("f * theta + i * (-gradient)", "theta.mul_(f).sub_(i * gradient)"),
        "gradient in place": '''
def cell(theta, gradient, f, i):
    gradient *= -i
    return f * theta + gradient
''',
        "detached": ("f * theta + i * (-gradient)", "(f * theta + i * (-gradient)).detach()"),
        "theta detached": ("f * theta", "f * theta.detach()"),
        "gradient detached": ("(-gradient)", "(-gradient.detach())"),
        "theta as data": ("f * theta", "f * theta.data"),
        "no gradients": ("def cell", "@torch.no_grad()\ndef cell"),
        "gates as numbers in a tensor": ("def cell(theta, gradient, f, i):\n", '''def cell(theta, gradient, f, i):
    f = torch.tensor(f)
    i = torch.tensor(i)
'''),
        "in single precision": ("f * theta + i * (-gradient)", "(f * theta + i * (-gradient)).float()"),
        "computed in single precision": ("f * theta + i * (-gradient)", "f * theta.float() + i * (-gradient.float())"),
        "flattened": ("f * theta + i * (-gradient)", "(f * theta + i * (-gradient)).flatten()"),
        "summed": ("f * theta + i * (-gradient)", "(f * theta + i * (-gradient)).sum()"),
        "an axis too many": ("f * theta + i * (-gradient)", "(f * theta + i * (-gradient))[None]"),
        "new and old": ("f * theta + i * (-gradient)", "f * theta + i * (-gradient), theta"),
        "no return": ("return ", ""),
        "prints": ("return f * theta + i * (-gradient)", "print(f * theta + i * (-gradient))"),
        "the roots of the gates": ("i * (-gradient)", "i**0.5 * (-gradient)"),
        "tanh on both": ("f * theta + i * (-gradient)", "f * torch.tanh(theta) + i * torch.tanh(-gradient)"),
        "all multiplied": ("f * theta + i * (-gradient)", "f * theta * i * (-gradient)"),
        "absolute values": ("(-gradient)", "(-gradient.abs())"),
        "kept and let in apart": ("f * theta + i * (-gradient)", "f * theta, i * (-gradient)"),
        "an array": ("f * theta + i * (-gradient)", "(f * theta + i * (-gradient)).detach().numpy()"),
        "transposed": ("f * theta + i * (-gradient)", "(f * theta + i * (-gradient)).T"),
        "a new leaf": ("f * theta + i * (-gradient)", "(f * theta + i * (-gradient)).detach().requires_grad_()"),
        "minus everything": ("f * theta + i * (-gradient)", "-(f * theta + i * (-gradient))"),
    },
    pitfalls=("uphill", "gates swapped", "tanh on the candidate", "no forget gate", "in place", "one number for a gate", "detached"),
    right={
        "minus": ("f * theta + i * (-gradient)", "f * theta - i * gradient"),
        "with a candidate": '''
def cell(theta, gradient, f, i):
    candidate = -gradient
    kept = theta * f
    return kept + candidate * i
''',
        "theta by another name": '''
def cell(theta, gradient, f, i):
    theta = f * theta
    theta = theta - i * gradient
    return theta
''',
        "torch.add and torch.mul": ("f * theta + i * (-gradient)", "torch.add(torch.mul(theta, f), torch.mul(-gradient, i))"),
        "a copy changed in place": '''
def cell(theta, gradient, f, i):
    new = theta.clone()
    new = new * f
    new -= i * gradient
    return new
''',
        "gates as tensors": ("def cell(theta, gradient, f, i):\n", '''def cell(theta, gradient, f, i):
    f, i = torch.as_tensor(f), torch.as_tensor(i)
'''),
        "by change": ("f * theta + i * (-gradient)", "theta + (f - 1) * theta - i * gradient"),
        "the package's rule": '''
def cell(theta, gradient, f, i):
    from mlteach.inner import lstm_cell

    rule = lstm_cell(forget=f, input=i)
    new, _ = rule.step({"w": theta}, {"w": gradient}, rule.init({"w": theta}), loss=torch.zeros(()))
    return new["w"]
''',
        "a lambda": '''
cell = lambda theta, gradient, f, i: f * theta - i * gradient
''',
        "row by row": '''
def cell(theta, gradient, f, i):
    f = torch.as_tensor(f, dtype=theta.dtype).expand_as(theta)
    i = torch.as_tensor(i, dtype=theta.dtype).expand_as(theta)
    return torch.stack([f[row] * theta[row] - i[row] * gradient[row] for row in range(len(theta))])
''',
    },
)  # fmt: skip

WEIGHT_DECAY = Bank(
    name="gates_of_weight_decay",
    base='''
def gates_of_weight_decay(rate, decay):
    f = 1 - rate * decay
    i = rate
    return f, i
''',
    wrong={
        "no rate in f": ("1 - rate * decay", "1 - decay"),
        "grows": ("1 - rate * decay", "1 + rate * decay"),
        "the share that is lost": ("1 - rate * decay", "rate * decay"),
        "minus the share that is lost": ("1 - rate * decay", "-rate * decay"),
        "two too many": ("1 - rate * decay", "1 - 2 * rate * decay"),
        "half": ("1 - rate * decay", "1 - rate * decay / 2"),
        "i negative": ("i = rate", "i = -rate"),
        "shrinks the step too": ("i = rate", "i = rate * (1 - rate * decay)"),
        "shrinks the step by f": ("i = rate", "i = rate * f"),
        "wrong order": ("return f, i", "return i, f"),
        "f is 1": ("f = 1 - rate * decay", "f = 1"),
        "f is the decay": ("f = 1 - rate * decay", "f = decay"),
        "f is 1 - rate": ("f = 1 - rate * decay", "f = 1 - rate"),
        "rate and decay swapped": ("i = rate", "i = decay"),
        "i is 1": ("i = rate", "i = 1"),
        "i is rate + decay": ("i = rate", "i = rate + decay"),
        "i is rate * decay": ("i = rate", "i = rate * decay"),
        "i is 1 - f": ("i = rate", "i = 1 - f"),
        "i is rate * (1 + decay)": ("i = rate", "i = rate * (1 + decay)"),
        "brackets": ("1 - rate * decay", "(1 - rate) * decay"),
        "both brackets": ("1 - rate * decay", "(1 - rate) * (1 - decay)"),
        "squared decay": ("1 - rate * decay", "1 - rate * decay**2"),
        "squared rate": ("1 - rate * decay", "1 - rate**2 * decay"),
        "divided": ("1 - rate * decay", "1 - decay / rate"),
        "one over": ("1 - rate * decay", "1 / (1 + rate * decay)"),
        "exponential": ("1 - rate * decay", "math.exp(-rate * decay)"),
        "logits": ("1 - rate * decay", "math.log((1 - rate * decay) / (rate * decay + 1e-12))"),
        "f alone": ("return f, i", "return f"),
        "i alone": ("return f, i", "return i"),
        "summed": ("return f, i", "return f + i"),
        "three": ("return f, i", "return f, i, decay"),
        "a dict": ("return f, i", 'return {"f": f, "i": i}'),
        "rounded": ("1 - rate * decay", "round(1 - rate * decay, 2)"),
        "numbers of the first case": ("return f, i", "return 0.999, 0.1"),
        "as text": ("return f, i", 'return f"f = {f}, i = {i}"'),
        "no return": ("return f, i", "f, i"),
        "prints": ("return f, i", "print(f, i)"),
        "two things wrong": (("1 - rate * decay", "1 - decay"), ("i = rate", "i = -rate")),
        "i divided by f": ("i = rate", "i = rate / f"),
        "a power": ("1 - rate * decay", "(1 - decay) ** rate"),
        "rate taken, decay added": ("1 - rate * decay", "1 - rate + decay"),
        "both taken": ("1 - rate * decay", "1 - rate - decay"),
        "in per cent": ("return f, i", "return 100 * f, 100 * i"),
        "i is 1 - rate": ("i = rate", "i = 1 - rate"),
        "half in both": (("1 - rate * decay", "1 - rate * decay / 2"), ("i = rate", "i = rate / 2")),
    },
    pitfalls=("no rate in f", "grows", "the share that is lost", "wrong order", "shrinks the step too", "two too many", "i negative"),
    right={
        "one line": '''
def gates_of_weight_decay(rate, decay):
    return (1 - rate * decay, rate)
''',
        "a list": ("return f, i", "return [f, i]"),
        "a tensor": ("return f, i", "return torch.tensor([f, i])"),
        "a tensor in double precision": ("return f, i", "return torch.tensor([f, i], dtype=torch.float64)"),
        "two tensors": ("return f, i", "return torch.tensor(f), torch.tensor(i)"),
        "two tensors of one number": ("return f, i", "return torch.tensor([f]), torch.tensor([i])"),
        "numpy": ("return f, i", "import numpy as np\n\n    return np.array([f, i])"),
        "collected otherwise": ("1 - rate * decay", "(1 / rate - decay) * rate"),
        "by derivatives": '''
def gates_of_weight_decay(rate, decay):
    def new(theta, gradient):
        return theta - rate * (gradient + decay * theta)

    return new(1.0, 0.0), -new(0.0, 1.0)
''',
        "a named tuple": (
            "return f, i",
            'from collections import namedtuple\n\n    return namedtuple("Gates", "f i")(f, i)',
        ),
        "numpy numbers": ("return f, i", "import numpy as np\n\n    return np.float64(f), np.float32(i)"),
    },
)  # fmt: skip

MOMENTUM = Bank(
    name="two_cells",
    base='''
def two_cells(theta, m, gradient, rate, mu):
    new_m = mu * m + gradient
    new_theta = theta - rate * new_m
    return new_theta, new_m
''',
    wrong={
        "the old velocity": ("rate * new_m", "rate * m"),
        "averages": ("+ gradient", "+ (1 - mu) * gradient"),
        "Nesterov": ("rate * new_m", "rate * (gradient + mu * new_m)"),
        "the rate in the first cell": (("+ gradient", "+ rate * gradient"), ("rate * new_m", "new_m")),
        "the rate in both": ("+ gradient", "+ rate * gradient"),
        "no rate": ("rate * new_m", "new_m"),
        "uphill": ("theta - rate", "theta + rate"),
        "gathers minus the gradient": (("+ gradient", "- gradient"), ("theta - rate", "theta + rate")),
        "gathers minus the gradient, and subtracts": ("+ gradient", "- gradient"),
        "gathers minus the step": (("+ gradient", "- rate * gradient"), ("theta - rate * new_m", "theta + new_m")),
        "gathers minus the step, without mu": (("mu * m + gradient", "m - rate * gradient"), ("theta - rate * new_m", "theta + new_m")),
        "mu on the weights": ("theta - rate", "mu * theta - rate"),
        "mu on the weights instead": (("mu * m", "m"), ("theta - rate", "mu * theta - rate")),
        "forgets nothing": ("mu * m", "m"),
        "forgets all": ("mu * m + gradient", "gradient"),
        "no gradient": ("mu * m + gradient", "mu * m"),
        "mu on the gradient": ("mu * m + gradient", "m + mu * gradient"),
        "mu on both": ("mu * m + gradient", "mu * (m + gradient)"),
        "1 - mu on the velocity": ("mu * m", "(1 - mu) * m"),
        "rate and mu swapped": (("mu * m", "rate * m"), ("rate * new_m", "mu * new_m")),
        "plain gradient descent": ("rate * new_m", "rate * gradient"),
        "both at once": ("rate * new_m", "rate * (m + gradient)"),
        "velocity twice": ("rate * new_m", "rate * (new_m + gradient)"),
        "theta in the velocity": ("mu * m + gradient", "mu * m + theta"),
        "the change alone": ("theta - rate * new_m", "-rate * new_m"),
        "velocity as the weights": ("theta - rate * new_m", "m - rate * new_m"),
        "the old velocity back": ("return new_theta, new_m", "return new_theta, m"),
        "the old weights back": ("return new_theta, new_m", "return theta, new_m"),
        "wrong order": ("return new_theta, new_m", "return new_m, new_theta"),
        "weights alone": ("return new_theta, new_m", "return new_theta"),
        "the velocity scaled": ("return new_theta, new_m", "return new_theta, rate * new_m"),
        "in place": '''
def two_cells(theta, m, gradient, rate, mu):
    m.mul_(mu).add_(gradient)
    return theta - rate * m, m
''',
        "by *=": '''
def two_cells(theta, m, gradient, rate, mu):
    m *= mu
    m += gradient
    theta = theta - rate * m
    return theta, m
''',
        "weights in place": '''
def two_cells(theta, m, gradient, rate, mu):
    m = mu * m + gradient
    theta -= rate * m
    return theta, m
''',
        "the velocity detached": ("mu * m + gradient", "(mu * m + gradient).detach()"),
        "the old velocity detached": ("mu * m", "mu * m.detach()"),
        "all detached": ("return new_theta, new_m", "return new_theta.detach(), new_m.detach()"),
        "no gradients": ("def two_cells", "@torch.no_grad()\ndef two_cells"),
        "in single precision": ("return new_theta, new_m", "return new_theta.float(), new_m.float()"),
        "keeps the velocity itself": '''
velocity = 0


def two_cells(theta, m, gradient, rate, mu):
    global velocity
    velocity = mu * velocity + gradient
    return theta - rate * velocity, velocity
''',
        "squashed": ("mu * m + gradient", "mu * m + torch.tanh(gradient)"),
        "no return": ("return new_theta, new_m", "new_theta, new_m"),
        "mu twice": ("rate * new_m", "rate * mu * new_m"),
        "the velocity of this step alone, returned": ("return new_theta, new_m", "return new_theta, gradient"),
        "the change, returned": ("return new_theta, new_m", "return new_theta, new_theta - theta"),
        "lerp": ("mu * m + gradient", "torch.lerp(gradient, m, mu)"),
        "mu on the weights, plain gradient": ("theta - rate * new_m", "mu * theta - rate * gradient"),
        "averaged and corrected": (
            ("+ gradient", "+ (1 - mu) * gradient"), ("rate * new_m", "rate * new_m / (1 - mu)"),
        ),
        "squared gradient": ("+ gradient", "+ gradient**2"),
        "gradient detached": ("+ gradient", "+ gradient.detach()"),
        "a dict": ("return new_theta, new_m", 'return {"theta": new_theta, "m": new_m}'),
        "gradient set to zero": ("    return new_theta", "    gradient.zero_()\n    return new_theta"),
    },
    pitfalls=("the old velocity", "averages", "Nesterov", "the rate in the first cell", "uphill", "wrong order", "in place",
              "mu on the weights"),
    right={
        "m by its own name": '''
def two_cells(theta, m, gradient, rate, mu):
    m = mu * m + gradient
    theta = theta - rate * m
    return theta, m
''',
        "written out": '''
def two_cells(theta, m, gradient, rate, mu):
    return theta - rate * (mu * m + gradient), mu * m + gradient
''',
        "two calls of one cell": '''
def cell(theta, gradient, f, i):
    return f * theta + i * (-gradient)


def two_cells(theta, m, gradient, rate, mu):
    m = cell(m, -gradient, mu, 1)
    theta = cell(theta, m, 1, rate)
    return theta, m
''',
        "torch.add": ("mu * m + gradient", "torch.add(gradient, m, alpha=mu)"),
        "a list": ("return new_theta, new_m", "return [new_theta, new_m]"),
        "stacked": ("return new_theta, new_m", "return torch.stack([new_theta, new_m])"),
        "two parts of the step": ("theta - rate * new_m", "theta - rate * mu * m - rate * gradient"),
        "copies changed in place": '''
def two_cells(theta, m, gradient, rate, mu):
    m = m.clone().mul_(mu).add_(gradient)
    theta = theta.clone().sub_(rate * m)
    return theta, m
''',
        "torch.sub": ("theta - rate * new_m", "torch.sub(theta, new_m, alpha=rate)"),
    },
)  # fmt: skip

BY_HAND = Bank(
    name="by_hand",
    base='''
by_hand = (
    0.25,
    -0.125,
)
''',
    wrong={
        "wrong order": (("0.25,\n", "-0.125,\n"), ("\n    -0.125,\n)", "\n    0.25,\n)")),
        "with the edges twice": ("-0.125", "0.25"),
        "without the edges twice": (" 0.25", " -0.125"),
        "slopes of theta_2": ((" 0.25", " 1.0"), ("-0.125", "-0.5")),
        "theta squared": ((" 0.25", " 0.5"), ("-0.125", "-0.25")),
        "one step": ((" 0.25", " 0.5"), ("-0.125", "0.5")),
        "signs turned": ((" 0.25", " -0.25"), ("-0.125", "0.125")),
        "first sign turned": (" 0.25", " -0.25"),
        "second sign turned": ("-0.125", "0.125"),
        "first not halved": (" 0.25", " 0.5"),
        "second not halved": ("-0.125", "-0.25"),
        "first slope of theta_2": (" 0.25", " 1.0"),
        "second slope of theta_2": ("-0.125", "-0.5"),
        "no minus before the gradients": ("-0.125", "0.5"),
        "last gradient alone": ("-0.125", "0.125"),
        "first gradient alone": ("-0.125", "-0.25"),
        "halved twice": ((" 0.25", " 0.125"), ("-0.125", "-0.0625")),
        "the first factor only": (" 0.25", " 0.125"),
        "the losses": ((" 0.25", " 0.03125"), ("-0.125", "0.03125")),
        "thetas": ((" 0.25", " -0.5"), ("-0.125", "0.25")),
        "the gradients": ((" 0.25", " 1.0"), ("-0.125", "-0.5")),
        "without edges is zero": ("-0.125", "0.0"),
        "g_2 with plus": ("-0.125", "-0.375"),
        "power rule without the inner minus": (" 0.25", " -0.25"),
        "sum with alpha": ("-0.125", "-0.1875"),
        "one number": '''
by_hand = 0.25
''',
        "three numbers": ("-0.125,", "-0.125, 0.375,"),
        "text": '''
by_hand = ("up", "down")
''',
        "rounded": ("-0.125", "-0.13"),
        "second quartered": ("-0.125", "-0.0625"),
        "second of the first gradient, turned": ("-0.125", "0.25"),
        "first by a hundred": ((" 0.25", " 25.0"), ("-0.125", "-12.5")),
        "both slopes turned": ((" 0.25", " -1.0"), ("-0.125", "0.5")),
        "a dict": '''
by_hand = {"with": 0.25, "without": -0.125}
''',
        "a function": '''
def by_hand(alpha):
    return -2 * (1 - alpha) ** 3, -0.125
''',
    },
    pitfalls=("wrong order", "with the edges twice", "without the edges twice", "slopes of theta_2", "signs turned", "one step"),
    right={
        "a list": '''
by_hand = [0.25, -0.125]
''',
        "fractions": ((" 0.25", " 1 / 4"), ("-0.125", "-1 / 8")),
        "computed": ((" 0.25", " -2 * (1 - 1.5) ** 3"), ("-0.125", "0.25 * -(1 - 0.5)")),
        "a tensor": '''
by_hand = torch.tensor([0.25, -0.125])
''',
        "an array": '''
import numpy as np

by_hand = np.array([0.25, -0.125])
''',
        "two tensors": ((" 0.25", " torch.tensor(0.25)"), ("-0.125", "torch.tensor(-0.125)")),
        "by autograd": '''
theta = torch.tensor(1.0)
alpha = torch.tensor(1.5, requires_grad=True)
with_edges = (theta * (1 - alpha) ** 2) ** 2 / 2
without = (1 - alpha * 1.0 - alpha * -0.5) ** 2 / 2
by_hand = torch.autograd.grad(with_edges, alpha)[0], torch.autograd.grad(without, alpha)[0]
''',
        "a column": '''
by_hand = torch.tensor([[0.25], [-0.125]])
''',
    },
)  # fmt: skip

AUTOGRAD = Bank(
    name="loss_after",
    base='''
def loss_after(theta, alpha, steps, keep_edges):
    for _ in range(steps):
        gradient = theta
        if not keep_edges:
            gradient = gradient.detach()
        theta = theta - alpha * gradient
    return theta**2 / 2
''',
    wrong={
        "never cut": ("        if not keep_edges:\n            gradient = gradient.detach()\n", ""),
        "always cut": ("        if not keep_edges:\n            gradient = gradient.detach()\n", "        gradient = gradient.detach()\n"),
        "the wrong way round": ("if not keep_edges", "if keep_edges"),
        "theta detached": ("            gradient = gradient.detach()\n", "            gradient = theta = theta.detach()\n"),
        "the step detached": ("theta = theta - alpha * gradient", "theta = theta - (alpha * gradient if keep_edges else (alpha * gradient).detach())"),
        "the new theta detached": ("theta = theta - alpha * gradient", "theta = theta - alpha * gradient\n        if not keep_edges:\n            theta = theta.detach()"),
        "under no_grad": '''
def loss_after(theta, alpha, steps, keep_edges):
    with torch.set_grad_enabled(keep_edges):
        for _ in range(steps):
            theta = theta - alpha * theta
    return theta**2 / 2
''',
        "all under no_grad": '''
def loss_after(theta, alpha, steps, keep_edges):
    for _ in range(steps):
        with torch.no_grad():
            theta = theta - alpha * theta
    return theta**2 / 2
''',
        "alpha detached": ("theta - alpha * gradient", "theta - (alpha if keep_edges else alpha.detach()) * gradient"),
        "uphill": ("theta - alpha", "theta + alpha"),
        "theta, not the loss": ("return theta**2 / 2", "return theta"),
        "theta squared": ("theta**2 / 2", "theta**2"),
        "half of theta": ("theta**2 / 2", "theta / 2"),
        "power of a half": ("theta**2 / 2", "theta ** (2 / 2)"),
        "loss of two theta": ("theta**2 / 2", "(2 * theta) ** 2 / 2"),
        "gradient 2 theta": ("gradient = theta\n", "gradient = 2 * theta\n"),
        "gradient theta / 2": ("gradient = theta\n", "gradient = theta / 2\n"),
        "gradient is the loss": ("gradient = theta\n", "gradient = theta**2 / 2\n"),
        "gradient squared": ("gradient = theta\n", "gradient = theta**2\n"),
        "one step short": ("range(steps)", "range(steps - 1)"),
        "one step too many": ("range(steps)", "range(steps + 1)"),
        "from step 1": ("range(steps)", "range(1, steps)"),
        "always two": ("range(steps)", "range(2)"),
        "one step": '''
def loss_after(theta, alpha, steps, keep_edges):
    gradient = theta if keep_edges else theta.detach()
    theta = theta - alpha * gradient
    return theta**2 / 2
''',
        "returns in the loop": ("    return theta**2 / 2", "        return theta**2 / 2"),
        "the first gradient at every step": '''
def loss_after(theta, alpha, steps, keep_edges):
    gradient = theta if keep_edges else theta.detach()
    for _ in range(steps):
        theta = theta - alpha * gradient
    return theta**2 / 2
''',
        "cut once, before the loop": '''
def loss_after(theta, alpha, steps, keep_edges):
    if not keep_edges:
        theta = theta.detach()
    for _ in range(steps):
        theta = theta - alpha * theta
    return theta**2 / 2
''',
        "the loss cut": ("return theta**2 / 2", "return (theta**2 / 2).detach()"),
        "a number": ("return theta**2 / 2", "return (theta**2 / 2).item()"),
        "gradients as numbers": ("gradient = gradient.detach()", "gradient = gradient.item()\n        alpha = alpha.item()"),
        "in place": ("theta = theta - alpha * gradient", "theta -= alpha * gradient"),
        "sums the losses": '''
def loss_after(theta, alpha, steps, keep_edges):
    total = 0
    for _ in range(steps):
        gradient = theta if keep_edges else theta.detach()
        theta = theta - alpha * gradient
        total = total + theta**2 / 2
    return total
''',
        "the mean loss": '''
def loss_after(theta, alpha, steps, keep_edges):
    total = 0
    for _ in range(steps):
        gradient = theta if keep_edges else theta.detach()
        theta = theta - alpha * gradient
        total = total + theta**2 / 2
    return total / steps
''',
        "the loss before the last step": '''
def loss_after(theta, alpha, steps, keep_edges):
    for _ in range(steps):
        loss = theta**2 / 2
        gradient = theta if keep_edges else theta.detach()
        theta = theta - alpha * gradient
    return loss
''',
        "the slope itself": '''
def loss_after(theta, alpha, steps, keep_edges):
    for _ in range(steps):
        gradient = theta if keep_edges else theta.detach()
        theta = theta - alpha * gradient
    return torch.autograd.grad(theta**2 / 2, alpha)[0]
''',
        "the closed form, both times": '''
def loss_after(theta, alpha, steps, keep_edges):
    return (theta * (1 - alpha) ** steps) ** 2 / 2
''',
        "autograd without create_graph": '''
def loss_after(theta, alpha, steps, keep_edges):
    theta = theta.clone().requires_grad_()
    for _ in range(steps):
        gradient = torch.autograd.grad(theta**2 / 2, theta)[0]
        theta = theta - alpha * gradient
    return theta**2 / 2
''',
        "create_graph the wrong way round": '''
def loss_after(theta, alpha, steps, keep_edges):
    theta = theta.clone().requires_grad_()
    for _ in range(steps):
        gradient = torch.autograd.grad(theta**2 / 2, theta, create_graph=not keep_edges, retain_graph=True)[0]
        theta = theta - alpha * gradient
    return theta**2 / 2
''',
        "decay": ("theta - alpha * gradient", "(1 - alpha) * theta - alpha * gradient"),
        "theta and loss": ("return theta**2 / 2", "return theta, theta**2 / 2"),
        "no return": ("return ", ""),
        "only the last gradient cut": '''
def loss_after(theta, alpha, steps, keep_edges):
    for k in range(steps):
        gradient = theta.detach() if not keep_edges and k == steps - 1 else theta
        theta = theta - alpha * gradient
    return theta**2 / 2
''',
        "cloned, not cut": ("gradient.detach()", "gradient.clone()"),
        "a constant added": ("return theta**2 / 2", "return theta**2 / 2 + 1"),
        "the loss at the start": ("    for _ in range(steps):", "    loss = theta**2 / 2\n    return loss\n    for _ in range(steps):"),
        "a list of losses": '''
def loss_after(theta, alpha, steps, keep_edges):
    losses = []
    for _ in range(steps):
        gradient = theta if keep_edges else theta.detach()
        theta = theta - alpha * gradient
        losses.append(theta**2 / 2)
    return losses
''',
        "the rate divided by the steps": ("theta - alpha * gradient", "theta - alpha / steps * gradient"),
        "backward": '''
def loss_after(theta, alpha, steps, keep_edges):
    for _ in range(steps):
        theta = theta.detach().requires_grad_()
        (theta**2 / 2).backward()
        theta = theta - alpha * theta.grad
    return theta**2 / 2
''',
        "all constant without edges": '''
def loss_after(theta, alpha, steps, keep_edges):
    if keep_edges:
        return (theta * (1 - alpha) ** steps) ** 2 / 2
    return (theta - steps * alpha * theta.detach()) ** 2 / 2
''',
    },
    pitfalls=("never cut", "always cut", "the wrong way round", "theta detached", "the step detached", "uphill", "theta, not the loss",
              "autograd without create_graph"),
    right={
        "a condition": '''
def loss_after(theta, alpha, steps, keep_edges):
    for _ in range(steps):
        theta = theta - alpha * (theta if keep_edges else theta.detach())
    return 0.5 * theta**2
''',
        "autograd": '''
def loss_after(theta, alpha, steps, keep_edges):
    theta = theta.clone().requires_grad_()
    for _ in range(steps):
        gradient = torch.autograd.grad(theta**2 / 2, theta, create_graph=True)[0]
        if not keep_edges:
            gradient = gradient.detach()
        theta = theta - alpha * gradient
    return theta**2 / 2
''',
        "create_graph by the flag": '''
def loss_after(theta, alpha, steps, keep_edges):
    theta = theta.clone().requires_grad_()
    for _ in range(steps):
        gradient = torch.autograd.grad(theta**2 / 2, theta, create_graph=keep_edges, retain_graph=True)[0]
        theta = theta - alpha * gradient
    return theta**2 / 2
''',
        "no_grad for the gradient": '''
def loss_after(theta, alpha, steps, keep_edges):
    for _ in range(steps):
        with torch.set_grad_enabled(keep_edges):
            gradient = 1.0 * theta
        theta = theta - alpha * gradient
    return theta.pow(2) / 2
''',
        "gradient as a number": '''
def loss_after(theta, alpha, steps, keep_edges):
    for _ in range(steps):
        if keep_edges:
            theta = theta - alpha * theta
        else:
            theta = theta - alpha * theta.item()
    return theta * theta / 2
''',
        "closed form with the edges": '''
def loss_after(theta, alpha, steps, keep_edges):
    if keep_edges:
        return (theta * (1 - alpha) ** steps) ** 2 / 2
    for _ in range(steps):
        theta = theta - alpha * theta.detach()
    return theta**2 / 2
''',
        "data": ("gradient.detach()", "gradient.data"),
        "a copy": ("gradient.detach()", "gradient.detach().clone()"),
        "the package's adapt": '''
def loss_after(theta, alpha, steps, keep_edges):
    from mlteach.inner import adapt, sgd

    def bowl(p):
        return p["theta"] ** 2 / 2

    return bowl(adapt(bowl, {"theta": theta}, sgd(alpha), steps, first_order=not keep_edges))
''',
        "torch.func": '''
def loss_after(theta, alpha, steps, keep_edges):
    def bowl(theta):
        return theta**2 / 2

    for _ in range(steps):
        gradient = torch.func.grad(bowl)(theta)
        theta = theta - alpha * (gradient if keep_edges else gradient.detach())
    return bowl(theta)
''',
    },
)  # fmt: skip

BANK = {"03.1": CELL, "03.2": WEIGHT_DECAY, "03.3": MOMENTUM, "03.4": BY_HAND, "03.5": AUTOGRAD}
