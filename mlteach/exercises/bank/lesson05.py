"""Answers to the exercises of lesson 05."""

from mlteach.exercises.bank import Bank

CELL = Bank(
    name="cell",
    base="""
def cell(h, theta, f, i, gradient, omega):
    old_f, old_i, old = f, i, theta
    f = torch.sigmoid(torch.cat([h, old[:, None], old_f[:, None]], 1) @ omega["W_F"] + omega["b_F"])
    i = torch.sigmoid(torch.cat([h, theta[:, None], old_i[:, None]], 1) @ omega["W_I"] + omega["b_I"])
    theta = f * theta - i * gradient
    return theta, f, i
""",
    pitfalls=(
        "uphill",
        "tanh of the candidate",
        "1 - f for i",
        "the sums returned",
        "no sigmoid",
        "moved with the old gates",
        "theta first",
        "the input gate reads the new f",
        "the way back cut: omega",
        "the gates swapped in the step",
    ),
    wrong={
        "uphill": ("- i * gradient", "+ i * gradient"),
        "tanh of the candidate": ("- i * gradient", "- i * torch.tanh(gradient)"),
        "sign of the gradient": ("- i * gradient", "- i * torch.sign(gradient)"),
        "no gradient": ("- i * gradient", "- i"),
        "1 - f for i": (
            'torch.sigmoid(torch.cat([h, theta[:, None], old_i[:, None]], 1) @ omega["W_I"] + omega["b_I"])',
            "1 - f",
        ),
        "1 - i for f": (
            (
                'torch.sigmoid(torch.cat([h, old[:, None], old_f[:, None]], 1) @ omega["W_F"] + omega["b_F"])',
                "None",
            ),
            ('omega["b_I"])', 'omega["b_I"])\n    f = 1 - i'),
        ),
        "gradient descent with a rate": ("f * theta", "theta"),
        "no input gate": ("i * gradient", "gradient"),
        "the forget gate on both": ("i * gradient", "f * gradient"),
        "the gates swapped in the step": ("f * theta - i * gradient", "i * theta - f * gradient"),
        "the weights swapped": (
            ('omega["W_F"] + omega["b_F"]', 'omega["W_A"] + omega["b_A"]'),
            ('omega["W_I"] + omega["b_I"]', 'omega["W_F"] + omega["b_F"]'),
            ('omega["W_A"] + omega["b_A"]', 'omega["W_I"] + omega["b_I"]'),
        ),
        "one pair of weights": ('omega["W_I"] + omega["b_I"]', 'omega["W_F"] + omega["b_F"]'),
        "the biases swapped": (
            ('omega["b_F"]', 'omega["b_A"]'),
            ('omega["b_I"]', 'omega["b_F"]'),
            ('omega["b_A"]', 'omega["b_I"]'),
        ),
        "no biases": ((' + omega["b_F"]', ""), (' + omega["b_I"]', "")),
        "no bias for i": (' + omega["b_I"]', ""),
        "no bias for f": (' + omega["b_F"]', ""),
        "bias subtracted": ((' + omega["b_F"]', ' - omega["b_F"]'), (' + omega["b_I"]', ' - omega["b_I"]')),
        "bias behind the sigmoid": (
            (' + omega["b_F"])', ') + omega["b_F"]'),
            (' + omega["b_I"])', ') + omega["b_I"]'),
        ),
        "no sigmoid": (("f = torch.sigmoid(", "f = ("), ("i = torch.sigmoid(", "i = (")),
        "no sigmoid for i": ("i = torch.sigmoid(", "i = ("),
        "tanh gates": (("f = torch.sigmoid(", "f = torch.tanh("), ("i = torch.sigmoid(", "i = torch.tanh(")),
        "tanh for i": ("i = torch.sigmoid(", "i = torch.tanh("),
        "softmax": (
            ("f = torch.sigmoid(", "f = torch.softmax(dim=0, input="),
            ("i = torch.sigmoid(", "i = torch.softmax(dim=0, input="),
        ),
        "the gates do not read theta": (
            ("old[:, None]", "0 * old[:, None]"),
            ("theta[:, None]", "0 * theta[:, None]"),
        ),
        "the gates do not read themselves": (
            ("old_f[:, None]", "0 * old_f[:, None]"),
            ("old_i[:, None]", "0 * old_i[:, None]"),
        ),
        "the gates do not read h": (("[h, old", "[0 * h, old"), ("[h, theta", "[0 * h, theta")),
        "the gates read the gradient": (
            ("old[:, None]", "gradient[:, None]"),
            ("theta[:, None]", "gradient[:, None]"),
        ),
        "the input gate reads the new f": ("old_i[:, None]", "f[:, None]"),
        "the input gate reads the old f": ("old_i[:, None]", "old_f[:, None]"),
        "the forget gate reads the old i": ("old_f[:, None]", "old_i[:, None]"),
        "each reads the other": (("old_f[:, None]", "i[:, None]"), ("old_i[:, None]", "old_f[:, None]")),
        "moved with the old gates": ("f * theta - i * gradient", "old_f * theta - old_i * gradient"),
        "moved with the old f": ("f * theta - i", "old_f * theta - i"),
        "the input gate reads a moved theta": ("    i = ", "    theta = f * theta\n    i = "),
        "theta first": (
            ("[h, old[:, None], old_f[:, None]]", "[old[:, None], old_f[:, None], h]"),
            ("[h, theta[:, None], old_i[:, None]]", "[theta[:, None], old_i[:, None], h]"),
        ),
        "the gate before theta": (
            ("old[:, None], old_f[:, None]", "old_f[:, None], old[:, None]"),
            ("theta[:, None], old_i[:, None]", "old_i[:, None], theta[:, None]"),
        ),
        "the forgotten part with 1 - f": ("f * theta", "(1 - f) * theta"),
        "the gradient is forgotten too": ("f * theta - i * gradient", "f * (theta - i * gradient)"),
        "the sums returned": (
            ("f = torch.sigmoid(", "f = ("),
            ("i = torch.sigmoid(", "i = ("),
            ("f * theta - i * gradient", "torch.sigmoid(f) * theta - torch.sigmoid(i) * gradient"),
        ),
        "the old gates returned": ("return theta, f, i", "return theta, old_f, old_i"),
        "the old theta returned": ("return theta, f, i", "return old, f, i"),
        "gates returned the other way round": ("return theta, f, i", "return theta, i, f"),
        "gates first": ("return theta, f, i", "return f, i, theta"),
        "theta alone": ("return theta, f, i", "return theta"),
        "the way back cut: omega": (
            ('omega["W_F"] + omega["b_F"]', 'omega["W_F"].detach() + omega["b_F"].detach()'),
            ('omega["W_I"] + omega["b_I"]', 'omega["W_I"].detach() + omega["b_I"].detach()'),
        ),
        "the way back cut: theta": ("f * theta", "f * theta.detach()"),
        "the way back cut: theta in the gates": (
            ("old[:, None]", "old.detach()[:, None]"),
            ("theta[:, None]", "theta.detach()[:, None]"),
        ),
        "the way back cut: the gates": (
            ("old_f[:, None]", "old_f.detach()[:, None]"),
            ("old_i[:, None]", "old_i.detach()[:, None]"),
        ),
        "the way back cut: everything": (
            "return theta, f, i",
            "return theta.detach(), f.detach(), i.detach()",
        ),
        "the way back cut: the gates returned": (
            "return theta, f, i",
            "return theta, f.detach(), i.detach()",
        ),
        "the way back cut: h": (("[h, old", "[h.detach(), old"), ("[h, theta", "[h.detach(), theta")),
        "a column": ("return theta, f, i", "return theta[:, None], f[:, None], i[:, None]"),
        "theta in place": ("theta = f * theta - i * gradient", "theta.mul_(f).sub_(i * gradient)"),
        "cat along the other axis": (
            ("old_f[:, None]], 1)", "old_f[:, None]], 0)"),
            ("old_i[:, None]], 1)", "old_i[:, None]], 0)"),
        ),
        "no new axis": (
            ("old[:, None], old_f[:, None]", "old, old_f"),
            ("theta[:, None], old_i[:, None]", "theta, old_i"),
        ),
        "no return": ("return ", "result = "),
        "one reading for both gates": """
def cell(h, theta, f, i, gradient, omega):
    z = torch.cat([h, theta[:, None], f[:, None], i[:, None]], 1)
    f = torch.sigmoid(z[:, :-1] @ omega["W_F"] + omega["b_F"])
    i = torch.sigmoid(z[:, :-1] @ omega["W_I"] + omega["b_I"])
    return f * theta - i * gradient, f, i
""",
        "theta kept as well": """
def cell(h, theta, f, i, gradient, omega):
    f = torch.sigmoid(torch.cat([h, theta[:, None], f[:, None]], 1) @ omega["W_F"] + omega["b_F"])
    i = torch.sigmoid(torch.cat([h, theta[:, None], i[:, None]], 1) @ omega["W_I"] + omega["b_I"])
    return theta - i * gradient + f * theta, f, i
""",
        "biases outside": """
def cell(h, theta, f, i, gradient, omega):
    f = torch.sigmoid(torch.cat([h, theta[:, None], f[:, None]], 1) @ omega["W_F"]) + omega["b_F"]
    i = torch.sigmoid(torch.cat([h, theta[:, None], i[:, None]], 1) @ omega["W_I"]) + omega["b_I"]
    return f * theta - i * gradient, f, i
""",
        "what is read is cut": """
def cell(h, theta, f, i, gradient, omega):
    f = torch.sigmoid(torch.cat([h, theta[:, None], f[:, None]], 1).detach() @ omega["W_F"] + omega["b_F"])
    i = torch.sigmoid(torch.cat([h, theta[:, None], i[:, None]], 1).detach() @ omega["W_I"] + omega["b_I"])
    return f * theta - i * gradient, f, i
""",
        "new names, old ones returned": """
def cell(h, theta, f, i, gradient, omega):
    nf = torch.sigmoid(torch.cat([h, theta[:, None], f[:, None]], 1) @ omega["W_F"] + omega["b_F"])
    ni = torch.sigmoid(torch.cat([h, theta[:, None], i[:, None]], 1) @ omega["W_I"] + omega["b_I"])
    return nf * theta - ni * gradient, f, i
""",
        "one gate for all": """
def cell(h, theta, f, i, gradient, omega):
    f = torch.sigmoid(torch.cat([h, theta[:, None], f[:, None]], 1) @ omega["W_F"] + omega["b_F"]).mean()
    i = torch.sigmoid(torch.cat([h, theta[:, None], i[:, None]], 1) @ omega["W_I"] + omega["b_I"]).mean()
    return f * theta - i * gradient, f, i
""",
        "weights as columns": """
def cell(h, theta, f, i, gradient, omega):
    f = torch.sigmoid(torch.cat([h, theta[:, None], f[:, None]], 1) @ omega["W_F"][:, None] + omega["b_F"])
    i = torch.sigmoid(torch.cat([h, theta[:, None], i[:, None]], 1) @ omega["W_I"][:, None] + omega["b_I"])
    return f * theta - i * gradient, f, i
""",
        "h alone": """
def cell(h, theta, f, i, gradient, omega):
    H = h.shape[1]
    f = torch.sigmoid(h @ omega["W_F"][:H] + omega["b_F"])
    i = torch.sigmoid(h @ omega["W_I"][:H] + omega["b_I"])
    return f * theta - i * gradient, f, i
""",
        "the memory line cut": """
def cell(h, theta, f, i, gradient, omega):
    f = torch.sigmoid(torch.cat([h, theta[:, None], f[:, None]], 1) @ omega["W_F"] + omega["b_F"])
    i = torch.sigmoid(torch.cat([h, theta[:, None], i[:, None]], 1) @ omega["W_I"] + omega["b_I"])
    return (f * theta).detach() - i * gradient, f, i
""",
        "h too": """
def cell(h, theta, f, i, gradient, omega):
    f = torch.sigmoid(torch.cat([h, theta[:, None], f[:, None]], 1) @ omega["W_F"] + omega["b_F"])
    i = torch.sigmoid(torch.cat([h, theta[:, None], i[:, None]], 1) @ omega["W_I"] + omega["b_I"])
    return f * theta - i * gradient, f, i, h
""",
        "1 - i lets in": """
def cell(h, theta, f, i, gradient, omega):
    f = torch.sigmoid(torch.cat([h, theta[:, None], f[:, None]], 1) @ omega["W_F"] + omega["b_F"])
    i = torch.sigmoid(torch.cat([h, theta[:, None], i[:, None]], 1) @ omega["W_I"] + omega["b_I"])
    return f * theta + (1 - i) * -gradient, f, i
""",
        "uphill and swapped": """
def cell(h, theta, f, i, gradient, omega):
    f = torch.sigmoid(torch.cat([h, theta[:, None], f[:, None]], 1) @ omega["W_F"] + omega["b_F"])
    i = torch.sigmoid(torch.cat([h, theta[:, None], i[:, None]], 1) @ omega["W_I"] + omega["b_I"])
    return f * theta + i * gradient, i, f
""",
        "the gates cut in the step": """
def cell(h, theta, f, i, gradient, omega):
    f = torch.sigmoid(torch.cat([h, theta[:, None], f[:, None]], 1) @ omega["W_F"] + omega["b_F"])
    i = torch.sigmoid(torch.cat([h, theta[:, None], i[:, None]], 1) @ omega["W_I"] + omega["b_I"])
    return f.detach() * theta - i.detach() * gradient, f, i
""",
        "theta moved in place": """
def cell(h, theta, f, i, gradient, omega):
    f = torch.sigmoid(torch.cat([h, theta[:, None], f[:, None]], 1) @ omega["W_F"] + omega["b_F"])
    i = torch.sigmoid(torch.cat([h, theta[:, None], i[:, None]], 1) @ omega["W_I"] + omega["b_I"])
    theta -= i * gradient
    return f * theta, f, i
""",
        "a dict": """
def cell(h, theta, f, i, gradient, omega):
    f = torch.sigmoid(torch.cat([h, theta[:, None], f[:, None]], 1) @ omega["W_F"] + omega["b_F"])
    i = torch.sigmoid(torch.cat([h, theta[:, None], i[:, None]], 1) @ omega["W_I"] + omega["b_I"])
    return {'theta': f * theta - i * gradient, 'f': f, 'i': i}
""",
        "by the gradient's length": """
def cell(h, theta, f, i, gradient, omega):
    f = torch.sigmoid(torch.cat([h, theta[:, None], f[:, None]], 1) @ omega["W_F"] + omega["b_F"])
    i = torch.sigmoid(torch.cat([h, theta[:, None], i[:, None]], 1) @ omega["W_I"] + omega["b_I"])
    return f * theta - i * gradient.norm(), f, i
""",
        "data": """
def cell(h, theta, f, i, gradient, omega):
    f = torch.sigmoid(torch.cat([h, theta[:, None], f[:, None]], 1) @ omega["W_F"] + omega["b_F"])
    i = torch.sigmoid(torch.cat([h, theta[:, None], i[:, None]], 1) @ omega["W_I"] + omega["b_I"])
    return f * theta.data - i * gradient, f, i
""",
        "theta cut at once": """
def cell(h, theta, f, i, gradient, omega):
    theta = theta.detach()
    f = torch.sigmoid(torch.cat([h, theta[:, None], f[:, None]], 1) @ omega["W_F"] + omega["b_F"])
    i = torch.sigmoid(torch.cat([h, theta[:, None], i[:, None]], 1) @ omega["W_I"] + omega["b_I"])
    return f * theta - i * gradient, f, i
""",
        "biases as numbers": """
def cell(h, theta, f, i, gradient, omega):
    omega = {n: v.item() if v.dim() == 0 else v for n, v in omega.items()}
    f = torch.sigmoid(torch.cat([h, theta[:, None], f[:, None]], 1) @ omega["W_F"] + omega["b_F"])
    i = torch.sigmoid(torch.cat([h, theta[:, None], i[:, None]], 1) @ omega["W_I"] + omega["b_I"])
    return f * theta - i * gradient, f, i
""",
        "gates mixed with the old ones": """
def cell(h, theta, f, i, gradient, omega):
    f0, i0 = f, i
    f = torch.sigmoid(torch.cat([h, theta[:, None], f[:, None]], 1) @ omega["W_F"] + omega["b_F"])
    i = torch.sigmoid(torch.cat([h, theta[:, None], i[:, None]], 1) @ omega["W_I"] + omega["b_I"])
    f = 0.5 * (f + f0)
    i = 0.5 * (i + i0)
    return f * theta - i * gradient, f, i
""",
        "i squashed twice": """
def cell(h, theta, f, i, gradient, omega):
    f = torch.sigmoid(torch.cat([h, theta[:, None], f[:, None]], 1) @ omega["W_F"] + omega["b_F"])
    i = torch.sigmoid(torch.cat([h, theta[:, None], i[:, None]], 1) @ omega["W_I"] + omega["b_I"])
    return theta * f - torch.tanh(i) * gradient, f, i
""",
        "a mean gradient": """
def cell(h, theta, f, i, gradient, omega):
    f = torch.sigmoid(torch.cat([h, theta[:, None], f[:, None]], 1) @ omega["W_F"] + omega["b_F"])
    i = torch.sigmoid(torch.cat([h, theta[:, None], i[:, None]], 1) @ omega["W_I"] + omega["b_I"])
    return f * theta - i * gradient / len(theta), f, i
""",
        "f added": """
def cell(h, theta, f, i, gradient, omega):
    f = torch.sigmoid(torch.cat([h, theta[:, None], f[:, None]], 1) @ omega["W_F"] + omega["b_F"])
    i = torch.sigmoid(torch.cat([h, theta[:, None], i[:, None]], 1) @ omega["W_I"] + omega["b_I"])
    return f + theta - i * gradient, f, i
""",
        "an average with weight i": """
def cell(h, theta, f, i, gradient, omega):
    f = torch.sigmoid(torch.cat([h, theta[:, None], f[:, None]], 1) @ omega["W_F"] + omega["b_F"])
    i = torch.sigmoid(torch.cat([h, theta[:, None], i[:, None]], 1) @ omega["W_I"] + omega["b_I"])
    return theta.lerp(-gradient, i), f, i
""",
    },
    right={
        "sums written out": """
def cell(h, theta, f, i, gradient, omega):
    H = h.shape[1]
    def gate(name, before):
        w = omega["W_" + name]
        return torch.sigmoid(h @ w[:H] + theta * w[H] + before * w[H + 1] + omega["b_" + name])
    new_f, new_i = gate("F", f), gate("I", i)
    return new_f * theta + new_i * (-gradient), new_f, new_i
""",
        "stack and linear": """
def cell(h, theta, f, i, gradient, omega):
    read = lambda gate: torch.cat((h, torch.stack([theta, gate], dim=1)), dim=-1)
    f = F.linear(read(f), omega["W_F"][None], omega["b_F"][None]).squeeze(-1).sigmoid()
    i = F.linear(read(i), omega["W_I"][None], omega["b_I"][None]).squeeze(-1).sigmoid()
    return torch.addcmul(f * theta, i, gradient, value=-1), f, i
""",
        "a list": ("return theta, f, i", "return [theta, f, i]"),
        "a constant gradient": ("- i * gradient", "- i * gradient.detach()"),
        "exp by hand": (
            ("f = torch.sigmoid(", "f = 1 / (1 + torch.exp(-("),
            ('omega["b_F"])', 'omega["b_F"])))'),
            ("i = torch.sigmoid(", "i = (lambda s: 1 / (1 + torch.exp(-s)))("),
        ),
        "one coordinate after another": """
def cell(h, theta, f, i, gradient, omega):
    new, fs, is_ = [], [], []
    for n in range(len(theta)):
        def gate(before, name):
            z = torch.cat([h[n], theta[n : n + 1], before[n : n + 1]])
            return torch.sigmoid((z * omega["W_" + name]).sum() + omega["b_" + name])
        a, b = gate(f, "F"), gate(i, "I")
        new.append(a * theta[n] - b * gradient[n])
        fs.append(a)
        is_.append(b)
    return torch.stack(new), torch.stack(fs), torch.stack(is_)
""",
        "matrix as column": (
            ('@ omega["W_F"] + omega["b_F"])', '@ omega["W_F"][:, None] + omega["b_F"])[:, 0]'),
        ),
        "a stack of three": ("return theta, f, i", "return torch.stack([theta, f, i])"),
        "a gate in a function": """
def cell(h, theta, f, i, gradient, omega):
    def gate(g, W, b):
        return (torch.cat([h, torch.stack([theta, g], 1)], 1) @ W + b).sigmoid()
    f, i = gate(f, omega["W_F"], omega["b_F"]), gate(i, omega["W_I"], omega["b_I"])
    return f * theta - i * gradient, f, i
""",
        "both gates at once": """
def cell(h, theta, f, i, gradient, omega):
    W = torch.stack([omega["W_F"], omega["W_I"]])
    zf = torch.hstack([h, theta.unsqueeze(1), f.unsqueeze(1)])
    zi = torch.hstack([h, theta.unsqueeze(1), i.unsqueeze(1)])
    z = torch.stack([zf, zi])
    s = torch.einsum("gnk,gk->gn", z, W) + torch.stack([omega["b_F"], omega["b_I"]])[:, None]
    f, i = torch.sigmoid(s)
    return f.mul(theta).sub(i.mul(gradient)), f, i
""",
        "in other words": """
def cell(h, theta, f, i, gradient, omega):
    f = torch.sigmoid(torch.cat([h, theta[:, None], f[:, None]], 1) @ omega["W_F"] + omega["b_F"])
    i = torch.sigmoid(torch.cat([h, theta[:, None], i[:, None]], 1) @ omega["W_I"] + omega["b_I"])
    candidate = -gradient
    return f * theta + i * candidate, f, i
""",
        "by another road": """
def cell(h, theta, f, i, gradient, omega):
    zf = torch.column_stack((h, theta, f))
    zi = torch.column_stack((h, theta, i))
    f = torch.sigmoid(zf @ omega['W_F'] + omega['b_F'])
    i = torch.sigmoid(zi @ omega['W_I'] + omega['b_I'])
    return f * theta - i * gradient, f, i
""",
        "in a third way": """
def cell(h, theta, f, i, gradient, omega):
    theta = theta.clone()
    f = torch.sigmoid(torch.cat([h, theta[:, None], f[:, None]], 1) @ omega["W_F"] + omega["b_F"])
    i = torch.sigmoid(torch.cat([h, theta[:, None], i[:, None]], 1) @ omega["W_I"] + omega["b_I"])
    theta = f * theta
    theta = theta - i * gradient
    return theta, f, i
""",
        "in a fourth way": """
def cell(h, theta, f, i, gradient, omega):
    f = torch.sigmoid(torch.cat([h, theta[:, None], f[:, None]], 1) @ omega["W_F"] + omega["b_F"])
    i = torch.sigmoid(torch.cat([h, theta[:, None], i[:, None]], 1) @ omega["W_I"] + omega["b_I"])
    from collections import namedtuple
    Moved = namedtuple('Moved', 'theta f i')
    return Moved(f * theta - i * gradient, f, i)
""",
    },
)

GATE = Bank(
    name="for_the_gate",
    base="""
def for_the_gate(f, gradients, at_the_end, t):
    later = f[t + 1 :].prod(0)
    return -later * at_the_end * gradients[t]
""",
    pitfalls=(
        "the sign",
        "one gate too many",
        "the gates before",
        "no forget gates",
        "summed over the coordinates",
        "gates added up",
    ),
    wrong={
        "the sign": ("-later", "later"),
        "one gate too many": ("f[t + 1 :]", "f[t:]"),
        "one gate too few": ("f[t + 1 :]", "f[t + 2 :]"),
        "the gates before": ("f[t + 1 :]", "f[:t]"),
        "the gates up to t": ("f[t + 1 :]", "f[: t + 1]"),
        "all gates": ("f[t + 1 :]", "f"),
        "the last gate left out": ("f[t + 1 :]", "f[t + 1 : -1]"),
        "only the next gate": ("f[t + 1 :].prod(0)", "(f[t + 1] if t + 1 < len(f) else 1)"),
        "only the gate itself": ("f[t + 1 :].prod(0)", "f[t]"),
        "only the last gate": ("f[t + 1 :].prod(0)", "f[-1]"),
        "no forget gates": ("-later * at_the_end", "-at_the_end"),
        "gates added up": ("prod(0)", "sum(0)"),
        "the mean of the gates": ("prod(0)", "mean(0)"),
        "one minus the gates": ("f[t + 1 :]", "(1 - f[t + 1 :])"),
        "counted from one": ("gradients[t]", "gradients[t - 1]"),
        "all counted from one": (("f[t + 1 :]", "f[t:]"), ("gradients[t]", "gradients[t - 1]")),
        "the gradient after": ("gradients[t]", "gradients[min(t + 1, len(gradients) - 1)]"),
        "the last gradient": ("gradients[t]", "gradients[-1]"),
        "the last gradient for the end": ("later * at_the_end", "later * gradients[-1]"),
        "all gradients from t on": ("gradients[t]", "gradients[t:].sum(0)"),
        "all gradients": ("gradients[t]", "gradients.sum(0)"),
        "the gradient missing": (" * gradients[t]", ""),
        "the gradient squared": ("gradients[t]", "gradients[t] ** 2"),
        "the end missing": (" * at_the_end", ""),
        "the gradient's sign": ("gradients[t]", "gradients[t].sign()"),
        "the end and the gradient added": (
            "-later * at_the_end * gradients[t]",
            "-later * (at_the_end + gradients[t])",
        ),
        "summed over the coordinates": (
            "return -later * at_the_end * gradients[t]",
            "return -(later * at_the_end * gradients[t]).sum()",
        ),
        "a dot product": (
            "return -later * at_the_end * gradients[t]",
            "return -later * (at_the_end @ gradients[t])",
        ),
        "the mean over the coordinates": (
            "return -later * at_the_end * gradients[t]",
            "return -(later * at_the_end * gradients[t]).mean()",
        ),
        "product over everything": ("prod(0)", "prod()"),
        "product over the coordinates": ("prod(0)", "prod(1)[:1].sum()"),
        "cumulative": ("f[t + 1 :].prod(0)", "f.cumprod(0)[t]"),
        "for the forget gate": ("-later * at_the_end * gradients[t]", "later * at_the_end * f[t]"),
        "divided by the gates": ("-later * at_the_end", "-at_the_end / later"),
        "kept as a row": ("prod(0)", "prod(0, keepdim=True)"),
        "every step": ("gradients[t]", "gradients"),
        "a loop that stops early": (
            "f[t + 1 :].prod(0)",
            "math.prod([f[s] for s in range(t + 1, len(f) - 1)])",
        ),
        "no return": ("return ", "result = "),
        "gates before and the sign": """
def for_the_gate(f, gradients, at_the_end, t):
    p = 1
    for s in range(t):
        p = p * f[s]
    return p * at_the_end * gradients[t]
""",
        "summed over the steps": """
def for_the_gate(f, gradients, at_the_end, t):
    return -(f[t + 1:] * at_the_end * gradients[t]).sum(0)
""",
        "product of everything": """
def for_the_gate(f, gradients, at_the_end, t):
    return -(f[t + 1:] * at_the_end * gradients[t]).prod(0)
""",
        "counted from the end": """
def for_the_gate(f, gradients, at_the_end, t):
    return -f[-t - 1:].prod(0) * at_the_end * gradients[t]
""",
        "the gradients' difference": """
def for_the_gate(f, gradients, at_the_end, t):
    return -f[t + 1:].prod(0) * (at_the_end - gradients[t])
""",
        "a power of one gate": """
def for_the_gate(f, gradients, at_the_end, t):
    return -f[t] ** (len(f) - t - 1) * at_the_end * gradients[t]
""",
        "a minus for every gate": """
def for_the_gate(f, gradients, at_the_end, t):
    return (-f[t + 1:]).prod(0) * at_the_end * gradients[t]
""",
        "one gate for all": """
def for_the_gate(f, gradients, at_the_end, t):
    return -f[t + 1:].prod(0).prod() * at_the_end * gradients[t]
""",
        "the end alone": """
def for_the_gate(f, gradients, at_the_end, t):
    return -at_the_end
""",
        "divided by the gradient": """
def for_the_gate(f, gradients, at_the_end, t):
    return -f[t + 1:].prod(0) * at_the_end / gradients[t]
""",
        "the exponential of a sum": """
def for_the_gate(f, gradients, at_the_end, t):
    return -torch.exp(f[t + 1:].sum(0)) * at_the_end * gradients[t]
""",
        "the later gradients": """
def for_the_gate(f, gradients, at_the_end, t):
    return -f[t + 1:].prod(0) * at_the_end * gradients[t + 1:].prod(0)
""",
        "later gates and gradients": """
def for_the_gate(f, gradients, at_the_end, t):
    return -(f[t + 1:] * gradients[t + 1:]).prod(0) * at_the_end
""",
        "a sum in between": """
def for_the_gate(f, gradients, at_the_end, t):
    return -(f[t + 1:].prod(0) * at_the_end).sum() * gradients[t]
""",
        "an outer product": """
def for_the_gate(f, gradients, at_the_end, t):
    return -torch.outer(at_the_end, gradients[t])
""",
        "logs without exp": """
def for_the_gate(f, gradients, at_the_end, t):
    return -f[t + 1:].log().sum(0) * at_the_end * gradients[t]
""",
        "two gradients of the run": """
def for_the_gate(f, gradients, at_the_end, t):
    return -f[t + 1:].prod(0) * gradients[t] * gradients[-1]
""",
    },
    right={
        "a loop": """
def for_the_gate(f, gradients, at_the_end, t):
    back = at_the_end
    for s in reversed(range(t + 1, len(f))):
        back = back * f[s]
    return -back * gradients[t]
""",
        "autograd": """
def for_the_gate(f, gradients, at_the_end, t):
    gates = torch.zeros_like(f, requires_grad=True)
    theta = torch.zeros_like(at_the_end)
    for s in range(len(f)):
        theta = f[s] * theta - gates[s] * gradients[s]
    return torch.autograd.grad((theta * at_the_end).sum(), gates)[0][t]
""",
        "math.prod": ("f[t + 1 :].prod(0)", "math.prod(f[t + 1 :])"),
        "torch.prod": ("f[t + 1 :].prod(0)", "torch.prod(f[t + 1 :, :], dim=0)"),
        "exp of logs": ("f[t + 1 :].prod(0)", "f[t + 1 :].log().sum(0).exp()"),
        "reversed cumprod": (
            "f[t + 1 :].prod(0)",
            "torch.cat([torch.ones_like(f[:1]), f.flip(0).cumprod(0)])[len(f) - 1 - t]",
        ),
        "a list": (
            "return -later * at_the_end * gradients[t]",
            "return (-later * at_the_end * gradients[t]).tolist()",
        ),
        "one coordinate after another": """
def for_the_gate(f, gradients, at_the_end, t):
    answer = []
    for n in range(f.shape[1]):
        product = 1
        for s in range(t + 1, f.shape[0]):
            product = product * f[s, n]
        answer.append(-product * at_the_end[n] * gradients[t, n])
    return torch.stack(answer)
""",
        "single precision": ("gradients[t]\n", "gradients[t].float()\n"),
        "brackets": """
def for_the_gate(f, gradients, at_the_end, t):
    return -(torch.prod(f[t + 1:], dim=0)) * (at_the_end * gradients[t])
""",
        "divided by its own gate": """
def for_the_gate(f, gradients, at_the_end, t):
    return (f.flip(0).cumprod(0).flip(0)[t] / f[t]) * -gradients[t] * at_the_end
""",
        "a loop over rows": """
def for_the_gate(f, gradients, at_the_end, t):
    p = torch.ones_like(at_the_end)
    for row in f[t + 1:]:
        p *= row
    return p.neg() * at_the_end * gradients[t]
""",
        "in other words": """
def for_the_gate(f, gradients, at_the_end, t):
    later = torch.ones(f.shape[1], dtype=f.dtype)
    for s in range(len(f) - 1, t, -1):
        later = later * f[s]
    return -(later * at_the_end * gradients[t])
""",
        "by another road": """
def for_the_gate(f, gradients, at_the_end, t):
    import functools
    return -functools.reduce(torch.mul, f[t + 1:], at_the_end * gradients[t])
""",
        "in a third way": """
def for_the_gate(f, gradients, at_the_end, t):
    return -torch.vstack([f[t + 1:], at_the_end[None], gradients[t][None]]).prod(0)
""",
    },
)

BANK = {"05.1": CELL, "05.2": GATE}
