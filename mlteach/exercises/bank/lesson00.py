"""Plausible answers to the exercise of lesson 00."""

from mlteach.exercises.bank import Bank

STEP = Bank(
    name="step_down",
    base='''
def step_down(theta, gradient, alpha):
    """New weights, by name."""
    new = {}
    for name in theta:
        new[name] = theta[name] - alpha * gradient[name]
    return new
''',
    wrong={
        "uphill": ("- alpha", "+ alpha"),
        "no alpha": ("alpha * ", ""),
        "alpha times everything": ("theta[name] - alpha * gradient[name]", "alpha * (theta[name] - gradient[name])"),
        "alpha times theta": ("theta[name] - alpha * gradient[name]", "alpha * theta[name] - gradient[name]"),
        "divided by alpha": ("alpha * gradient[name]", "gradient[name] / alpha"),
        "alpha subtracted": ("alpha * gradient", "alpha - gradient"),
        "an average": ("theta[name] - alpha * gradient[name]", "(1 - alpha) * theta[name] + alpha * gradient[name]"),
        "decay as well": ("theta[name] - alpha", "(1 - alpha) * theta[name] - alpha"),
        "the step alone": ("theta[name] - alpha", "-alpha"),
        "the step alone, not negated": ("theta[name] - alpha", "alpha"),
        "the gradient alone": ("theta[name] - alpha * gradient[name]", "gradient[name]"),
        "swapped": ("theta[name] - alpha * gradient[name]", "gradient[name] - alpha * theta[name]"),
        "theta as it was": ("theta[name] - alpha * gradient[name]", "theta[name]"),
        "returns theta": ("return new", "return theta"),
        "the sign": ("gradient[name]", "gradient[name].sign()"),
        "normalised": ("gradient[name]", "gradient[name] / gradient[name].norm()"),
        "the mean of the gradient": ("gradient[name]", "gradient[name].mean()"),
        "the sum of the gradient": ("gradient[name]", "gradient[name].sum()"),
        "returns in the loop": ("    return new", "        return new"),
        "the last name only": '''
def step_down(theta, gradient, alpha):
    for name in theta:
        new = {name: theta[name] - alpha * gradient[name]}
    return new
''',
        "the weight alone": '''
def step_down(theta, gradient, alpha):
    return {name: theta[name] - alpha * gradient[name] for name in theta if "weight" in name}
''',
        "biases stay": '''
def step_down(theta, gradient, alpha):
    return {name: theta[name] - alpha * gradient[name] if theta[name].dim() > 1 else theta[name] for name in theta}
''',
        "weight and bias by name": '''
def step_down(theta, gradient, alpha):
    return {"weight": theta["weight"] - alpha * gradient["weight"], "bias": theta["bias"] - alpha * gradient["bias"]}
''',
        "by place": '''
def step_down(theta, gradient, alpha):
    return {name: t - alpha * g for (name, t), g in zip(theta.items(), gradient.values())}
''',
        "whole dicts": '''
def step_down(theta, gradient, alpha):
    return theta - alpha * gradient
''',
        "a list": '''
def step_down(theta, gradient, alpha):
    return [theta[name] - alpha * gradient[name] for name in theta]
''',
        "one vector": '''
def step_down(theta, gradient, alpha):
    return torch.cat([(theta[name] - alpha * gradient[name]).flatten() for name in theta])
''',
        "pairs": ("return new", "return list(new.items())"),
        "a tensor": ("return new", "return new[name]"),
        "other names": ("new[name] =", 'new["new " + name] ='),
        "into the dict": ("new = {}", "new = theta"),
        "in place": '''
def step_down(theta, gradient, alpha):
    for name in theta:
        theta[name] -= alpha * gradient[name]
    return theta
''',
        "in place by sub_": '''
def step_down(theta, gradient, alpha):
    for name in theta:
        theta[name].sub_(alpha * gradient[name])
    return theta
''',
        "detached": ("theta[name] - alpha * gradient[name]", "(theta[name] - alpha * gradient[name]).detach()"),
        "the gradient detached": ("gradient[name]", "gradient[name].detach()"),
        "the names forgotten": ("theta[name] - alpha * gradient[name]", "theta - alpha * gradient"),
        "no return": ("    return new\n", ""),
        "prints": ("return new", "print(new)"),
        "both": ("return new", "return new, gradient"),
        "names without tensors": ("return new", "return list(new)"),
        "alpha squared": ("alpha *", "alpha**2 *"),
        "fixed alpha": ("alpha *", "0.1 *"),
        "clipped": ("gradient[name]", "gradient[name].clamp(-1, 1)"),
        "rounded": ("theta[name] - alpha * gradient[name]", "(theta[name] - alpha * gradient[name]).round()"),
        "twice": ("alpha *", "2 * alpha *"),
        "a misspelt name": ("gradient[name]", "gradients[name]"),
    },
    pitfalls=("uphill", "no alpha", "the step alone", "in place", "into the dict", "a list", "returns in the loop", "by place"),
    right={
        "a comprehension": '''
def step_down(theta, gradient, alpha):
    return {name: theta[name] - alpha * gradient[name] for name in theta}
''',
        "items": '''
def step_down(theta, gradient, alpha):
    return {name: value - alpha * gradient[name] for name, value in theta.items()}
''',
        "by the package": '''
def step_down(theta, gradient, alpha):
    from mlteach.params import scale, subtract

    return subtract(theta, scale(alpha, gradient))
''',
        "torch.sub": ("theta[name] - alpha * gradient[name]", "torch.sub(theta[name], gradient[name], alpha=alpha)"),
        "the step added": ("theta[name] - alpha * gradient[name]", "theta[name] + (-alpha) * gradient[name]"),
        "a copy first": '''
def step_down(theta, gradient, alpha):
    new = dict(theta)
    for name in gradient:
        new[name] = new[name] - alpha * gradient[name]
    return new
''',
        "a clone changed in place": '''
def step_down(theta, gradient, alpha):
    new = {name: value.clone() for name, value in theta.items()}
    for name in new:
        new[name] -= alpha * gradient[name]
    return new
''',
        "dict of pairs": '''
def step_down(theta, gradient, alpha):
    return dict((n, t - alpha * gradient[n]) for n, t in theta.items())
''',
    },
)  # fmt: skip

BANK = {"00.1": STEP}
