"""Answers to the exercises of lesson 06."""

from dataclasses import replace

import torch

from mlteach.exercises.bank import Bank

GUESS = Bank(
    name="best_guess",
    base="""
def best_guess(x):
    return -2.55 * 2 / math.pi * torch.cos(x)
""",
    pitfalls=(
        "the mean sinusoid",
        "zero",
        "upside down",
        "no amplitude",
        "the integral is not divided by pi",
        "half of it",
    ),
    wrong={
        "the mean sinusoid": ("-2.55 * 2 / math.pi * torch.cos(x)", "2.55 * torch.sin(x - math.pi / 2)"),
        "the mean sinusoid of a mean of 2.5": (
            "-2.55 * 2 / math.pi * torch.cos(x)",
            "2.5 * torch.sin(x - math.pi / 2)",
        ),
        "the mean phase, no amplitude": ("-2.55 * 2 / math.pi * torch.cos(x)", "torch.sin(x - math.pi / 2)"),
        "the mean phase added": ("-2.55 * 2 / math.pi * torch.cos(x)", "2.55 * torch.sin(x + math.pi / 2)"),
        "zero": ("-2.55 * 2 / math.pi * torch.cos(x)", "0 * x"),
        "the phases go all round": """
def best_guess(x):
    phase = (torch.arange(1000) + 0.5) * 2 * math.pi / 1000
    return 2.55 * torch.sin(x[..., None] - phase).mean(-1)
""",
        "upside down": ("-2.55", "2.55"),
        "the phases added": """
def best_guess(x):
    phase = torch.linspace(0, math.pi, 100001)
    return 2.55 * torch.sin(x[..., None] + phase).mean(-1)
""",
        "no amplitude": ("-2.55 * 2", "-2"),
        "the mean is 2.5": ("-2.55", "-2.5"),
        "half the range": ("-2.55", "-2.45"),
        "the range": ("-2.55", "-4.9"),
        "the largest amplitude": ("-2.55", "-5"),
        "the smallest amplitude": ("-2.55", "-0.1"),
        "sum of the ends": ("-2.55", "-5.1"),
        "the integral is not divided by pi": (" / math.pi", ""),
        "divided by two pi": ("2 / math.pi", "1 / math.pi"),
        "half of it": ("-2.55 * 2", "-2.55"),
        "the mean over x": ("torch.cos(x)", "torch.cos(x).mean()"),
        "times pi": ("/ math.pi", "* math.pi"),
        "a sine": ("torch.cos", "torch.sin"),
        "a sine, right way up": ("-2.55 * 2 / math.pi * torch.cos", "2.55 * 2 / math.pi * torch.sin"),
        "the phase forgotten": ("-2.55 * 2 / math.pi * torch.cos(x)", "2.55 * torch.sin(x)"),
        "the largest phase": ("-2.55 * 2 / math.pi * torch.cos(x)", "2.55 * torch.sin(x - math.pi)"),
        "a sine of the largest phase, weighed": ("torch.cos(x)", "torch.sin(x - math.pi)"),
        "amplitude from sin squared": ("-2.55 * 2 / math.pi", "-2.55 / math.sqrt(2)"),
        "half the mean amplitude": ("-2.55 * 2 / math.pi", "-2.55 / 2"),
        "the root mean square amplitude": ("-2.55", "-math.sqrt((5**3 - 0.1**3) / 3 / 4.9)"),
        "cos of pi x": ("torch.cos(x)", "torch.cos(math.pi * x)"),
        "in degrees": ("torch.cos(x)", "torch.cos(x * math.pi / 180)"),
        "math.cos": ("torch.cos", "math.cos"),
        "absolute value": ("torch.cos(x)", "torch.cos(x).abs()"),
        "the amplitude alone": ("-2.55 * 2 / math.pi * torch.cos(x)", "torch.full_like(x, 2.55)"),
        "one task drawn": """
def best_guess(x):
    generator = torch.Generator().manual_seed(0)
    amplitude = 0.1 + 4.9 * torch.rand((), generator=generator)
    phase = math.pi * torch.rand((), generator=generator)
    return amplitude * torch.sin(x - phase)
""",
        "a few tasks drawn": """
def best_guess(x):
    generator = torch.Generator().manual_seed(0)
    amplitude = 0.1 + 4.9 * torch.rand(300, generator=generator)
    phase = math.pi * torch.rand(300, generator=generator)
    return (amplitude * torch.sin(x[..., None] - phase)).mean(-1)
""",
        "a sum over phases": """
def best_guess(x):
    phase = torch.linspace(0, math.pi, 1000)
    return 2.55 * torch.sin(x[..., None] - phase).sum(-1)
""",
        "prints": "def best_guess(x):\n    print(-5.1 / math.pi * torch.cos(x))\n",
        "no return": ("return ", "y = "),
        "the number zero": """
def best_guess(x):
    return 0.0
""",
        "the integral, not divided": """
def best_guess(x):
    return 2.55 * (torch.cos(x - math.pi) - torch.cos(x))
""",
        "the mean of two phases": """
def best_guess(x):
    return 2.55 * (torch.sin(x) + torch.sin(x - math.pi)) / 2
""",
        "a grid all round": """
def best_guess(x):
    phases = torch.linspace(0, 2 * math.pi, 1001)
    return 2.55 * torch.sin(x[..., None] - phases).mean(-1)
""",
        "a coarse grid": """
def best_guess(x):
    phases = torch.linspace(0, math.pi, 10)
    return 2.55 * torch.sin(x[..., None] - phases).mean(-1)
""",
        "drawn at random": """
def best_guess(x):
    A = torch.rand(100) * 4.9 + 0.1
    phase = torch.rand(100) * math.pi
    return (A * torch.sin(x[..., None] - phase)).mean(-1)
""",
        "rounded to -1.6": """
def best_guess(x):
    return -1.6 * torch.cos(x)
""",
        "of the first x": """
def best_guess(x):
    return -5.1 / math.pi * torch.cos(x[0])
""",
        "flattened": """
def best_guess(x):
    return -(5.1 / math.pi) * torch.cos(x.flatten())
""",
        "a function in a function": """
def best_guess(x):
    return lambda x: -(5.1 / math.pi) * torch.cos(x)
""",
        "a sine in between": """
def best_guess(x):
    return 2.55 * 2 / math.pi * torch.sin(x - math.pi / 4)
""",
        "times x": """
def best_guess(x):
    return -5.1 / math.pi * torch.cos(x) * x
""",
        "a wave of period one": """
def best_guess(x):
    return -5.1 / math.pi * torch.cos(2 * math.pi * x)
""",
        "a mean of 2.6": """
def best_guess(x):
    return -2.6 * 2 / math.pi * torch.cos(x)
""",
        "minus the cosine": """
def best_guess(x):
    return -torch.cos(x)
""",
        "the mean of three phases": """
def best_guess(x):
    return 2.55 * (torch.sin(x) + torch.sin(x - math.pi / 2) + torch.sin(x - math.pi)) / 3
""",
        "180 for pi": """
def best_guess(x):
    return -5.1 / 180 * torch.cos(x)
""",
    },
    right={
        "another constant": ("-2.55 * 2 / math.pi * torch.cos(x)", "-(5.1 / math.pi) * x.cos()"),
        "four digits": ("-2.55 * 2 / math.pi", "-1.6234"),
        "a shifted sine": (
            "-2.55 * 2 / math.pi * torch.cos(x)",
            "5.1 / math.pi * torch.sin(x - math.pi / 2)",
        ),
        "the antiderivative": (
            "-2.55 * 2 / math.pi * torch.cos(x)",
            "2.55 * (torch.cos(x - math.pi) - torch.cos(x)) / math.pi",
        ),
        "a numerical integral": """
def best_guess(x):
    n = 1000
    phase = (torch.arange(n, dtype=torch.float64) + 0.5) * math.pi / n
    return 2.55 * torch.sin(x[..., None] - phase).mean(-1)
""",
        "trapezoids in single precision": """
def best_guess(x):
    phase = torch.linspace(0, math.pi, 500)
    return 2.55 * torch.trapezoid(torch.sin(x[..., None] - phase), phase, dim=-1) / math.pi
""",
        "many points, mean": """
def best_guess(x):
    phases = torch.linspace(0, torch.pi, 5001)
    amplitudes = torch.linspace(0.1, 5, 51)
    return amplitudes.mean() * torch.stack([torch.sin(x - phase) for phase in phases]).mean(0)
""",
        "rounded": ("torch.cos(x)", "torch.cos(x.float())"),
        "a tensor's pi": ("math.pi", "torch.tensor(math.pi)"),
        "numpy": "import numpy as np\n\ndef best_guess(x):\n    return -(0.1 + 5) / np.pi * np.cos(np.asarray(x))\n",
        "pi to nine digits": """
def best_guess(x):
    return -(5.1 / 3.14159265) * torch.sin(x + math.pi / 2)
""",
        "math.cos of each": """
def best_guess(x):
    return torch.tensor([-5.1 / math.pi * math.cos(v) for v in x.flatten().tolist()]).reshape(x.shape)
""",
        "six digits": """
def best_guess(x):
    return -1.62338 * torch.cos(x)
""",
        "trapezoids": """
def best_guess(x):
    phase = torch.linspace(0, math.pi, 2001, dtype=torch.float64)
    return 2.55 * torch.trapezoid(torch.sin(x.unsqueeze(-1) - phase), phase) / math.pi
""",
        "in other words": """
def best_guess(x):
    phases = (torch.arange(200) + 0.5) / 200 * math.pi
    return sum(2.55 * torch.sin(x - p) for p in phases) / 200
""",
        "by another road": """
def best_guess(x):
    A = torch.linspace(0.1, 5, 50).mean()
    return -A * 2 / torch.pi * x.cos()
""",
        "in a third way": """
def best_guess(x):
    return [[-5.1 / math.pi * math.cos(v) for v in row] for row in x.tolist()] if x.dim() == 2 else -5.1 / math.pi * torch.cos(x)
""",
        "in a fourth way": """
def best_guess(x):
    s = torch.sin(x)
    c = torch.cos(x)
    return 2.55 * (0 * s - 2 * c / math.pi)
""",
    },
)

BOWL = Bank(
    name="meta_gradient",
    base="""
def meta_gradient(theta, alpha, A, a, B, b):
    phi = theta - alpha * A @ (theta - a)
    back = B @ (phi - b)
    return (torch.eye(len(theta)) - alpha * A).to(B) @ back
""",
    pitfalls=(
        "FOMAML",
        "joint training",
        "the factor on the right",
        "1 for the identity",
        "the query gradient at theta",
        "judged on the support set",
    ),
    wrong={
        "FOMAML": ("(torch.eye(len(theta)) - alpha * A).to(B) @ back", "back"),
        "joint training": (
            ("B @ (phi - b)", "B @ (theta - b)"),
            ("(torch.eye(len(theta)) - alpha * A).to(B) @ back", "back"),
        ),
        "the support gradient": ("(torch.eye(len(theta)) - alpha * A).to(B) @ back", "A @ (theta - a)"),
        "Reptile": ("(torch.eye(len(theta)) - alpha * A).to(B) @ back", "theta - phi"),
        "the query gradient at theta": ("B @ (phi - b)", "B @ (theta - b)"),
        "the factor on the right": """
def meta_gradient(theta, alpha, A, a, B, b):
    phi = theta - alpha * A @ (theta - a)
    return B @ (torch.eye(len(theta), dtype=A.dtype) - alpha * A) @ (phi - b)
""",
        "1 for the identity": ("(torch.eye(len(theta)) - alpha * A).to(B) @ back", "(1 - alpha * A) @ back"),
        "a matrix of ones": ("torch.eye(len(theta))", "torch.ones_like(A)"),
        "plus in the factor": ("- alpha * A).to(B)", "+ alpha * A).to(B)"),
        "B in the factor": ("- alpha * A).to(B)", "- alpha * B).to(B)"),
        "no alpha in the factor": ("- alpha * A).to(B)", "- A).to(B)"),
        "alpha twice": ("- alpha * A).to(B)", "- alpha**2 * A).to(B)"),
        "no alpha anywhere": (("- alpha * A @", "- A @"), ("- alpha * A).to(B)", "- A).to(B)")),
        "no alpha in the step": ("- alpha * A @", "- A @"),
        "the factor's second part alone": (
            "(torch.eye(len(theta)) - alpha * A).to(B) @ back",
            "-alpha * A @ back",
        ),
        "the second part, plus": ("(torch.eye(len(theta)) - alpha * A).to(B) @ back", "alpha * A @ back"),
        "the Hessian alone": ("(torch.eye(len(theta)) - alpha * A).to(B) @ back", "A @ back"),
        "two steps' factor": (
            "(torch.eye(len(theta)) - alpha * A).to(B) @ back",
            "(torch.eye(len(theta)).to(A) - alpha * A) @ (torch.eye(len(theta)).to(A) - alpha * A) @ back",
        ),
        "the factor inverted": (
            "(torch.eye(len(theta)) - alpha * A).to(B) @ back",
            "torch.linalg.solve(torch.eye(len(theta)).to(A) - alpha * A, back)",
        ),
        "uphill": ("theta - alpha * A @", "theta + alpha * A @"),
        "uphill and its factor": (
            ("theta - alpha * A @", "theta + alpha * A @"),
            ("- alpha * A).to(B)", "+ alpha * A).to(B)"),
        ),
        "minus the gradient": ("return (", "return -("),
        "the update": (
            "return (torch.eye(len(theta)) - alpha * A).to(B) @ back",
            "return theta - alpha * ((torch.eye(len(theta)) - alpha * A).to(B) @ back)",
        ),
        "judged on the support set": ("B @ (phi - b)", "A @ (phi - a)"),
        "judged with A": ("B @ (phi - b)", "A @ (phi - b)"),
        "judged at a": ("B @ (phi - b)", "B @ (phi - a)"),
        "the sets swapped": (
            ("alpha * A @ (theta - a)", "alpha * B @ (theta - b)"),
            ("B @ (phi - b)", "A @ (phi - a)"),
            ("alpha * A).to(B)", "alpha * B).to(B)"),
        ),
        "the step on the query set": ("alpha * A @ (theta - a)", "alpha * B @ (theta - b)"),
        "the bottom of the support bowl forgotten": ("A @ (theta - a)", "A @ theta"),
        "the bottom of the query bowl forgotten": ("B @ (phi - b)", "B @ phi"),
        "brackets": ("A @ (theta - a)", "(A @ theta - a)"),
        "brackets outside": ("B @ (phi - b)", "B @ phi - b"),
        "B forgotten": ("B @ (phi - b)", "(phi - b)"),
        "A forgotten in the step": ("alpha * A @ (theta - a)", "alpha * (theta - a)"),
        "differences the wrong way": (("(theta - a)", "(a - theta)"), ("(phi - b)", "(b - phi)")),
        "b minus phi": ("(phi - b)", "(b - phi)"),
        "a minus theta": ("(theta - a)", "(a - theta)"),
        "twice": ("return (", "return 2 * ("),
        "without the half": (
            ("alpha * A @ (theta - a)", "2 * alpha * A @ (theta - a)"),
            ("B @ (phi - b)", "2 * B @ (phi - b)"),
        ),
        "number by number": ("@ back", "* back"),
        "stars for all": """
def meta_gradient(theta, alpha, A, a, B, b):
    phi = theta - alpha * A * (theta - a)
    return (1 - alpha * A) * B * (phi - b)
""",
        "support and query together": (
            "return (torch.eye(len(theta)) - alpha * A).to(B) @ back",
            "return (torch.eye(len(theta)) - alpha * A).to(B) @ back + A @ (theta - a)",
        ),
        "the loss": (
            "return (torch.eye(len(theta)) - alpha * A).to(B) @ back",
            "return 0.5 * (phi - b) @ back",
        ),
        "the end": ("return (torch.eye(len(theta)) - alpha * A).to(B) @ back", "return phi"),
        "diagonal only": ("alpha * A).to(B)", "alpha * torch.diag(torch.diag(A))).to(B)"),
        "theta in place": (
            "    phi = theta - alpha * A @ (theta - a)",
            "    theta -= alpha * A @ (theta - a)\n    phi = theta",
        ),
        "no return": ("return ", "g = "),
        "the gradient in the factor": """
def meta_gradient(theta, alpha, A, a, B, b):
    I = torch.eye(len(theta), dtype=theta.dtype)
    phi = theta - alpha * A @ (theta - a)
    return (I - alpha * A @ (theta - a)) @ B @ (phi - b)
""",
        "the gradient times the gradient": """
def meta_gradient(theta, alpha, A, a, B, b):
    phi = theta - alpha * A @ (theta - a)
    g = B @ (phi - b)
    return g - alpha * (A @ (theta - a)) * g
""",
        "two brackets": """
def meta_gradient(theta, alpha, A, a, B, b):
    I = torch.eye(len(theta), dtype=theta.dtype)
    phi = theta - alpha * (A @ theta - a)
    return (I - alpha * A) @ (B @ phi - b)
""",
        "the bottoms swapped": """
def meta_gradient(theta, alpha, A, a, B, b):
    I = torch.eye(len(theta), dtype=theta.dtype)
    phi = theta - alpha * A @ (theta - b)
    return (I - alpha * A) @ B @ (phi - a)
""",
        "FOMAML and a support step": """
def meta_gradient(theta, alpha, A, a, B, b):
    phi = theta - alpha * A @ (theta - a)
    return B @ (phi - b) + alpha * A @ (theta - a)
""",
        "autograd, detached": """
def meta_gradient(theta, alpha, A, a, B, b):
    theta = theta.clone().requires_grad_()
    g = A @ (theta - a)
    phi = theta - alpha * g.detach()
    q = 0.5 * (phi - b) @ B @ (phi - b)
    return torch.autograd.grad(q, theta)[0]
""",
        "two parameters only": """
def meta_gradient(theta, alpha, A, a, B, b):
    I = torch.eye(2)
    phi = theta - alpha * A @ (theta - a)
    return (I - alpha * A) @ B @ (phi - b)
""",
        "a mean over the parameters": """
def meta_gradient(theta, alpha, A, a, B, b):
    I = torch.eye(len(theta), dtype=theta.dtype)
    phi = theta - alpha * A @ (theta - a)
    return ((I - alpha * A) @ B @ (phi - b)) / len(theta)
""",
        "no bottoms": """
def meta_gradient(theta, alpha, A, a, B, b):
    I = torch.eye(len(theta), dtype=theta.dtype)
    phi = theta - alpha * A @ theta
    return (I - alpha * A) @ B @ phi
""",
        "alpha squared": """
def meta_gradient(theta, alpha, A, a, B, b):
    phi = theta - alpha * A @ (theta - a)
    return B @ (phi - b) - A @ B @ (phi - b) * alpha * alpha
""",
        "diagonal, number by number": """
def meta_gradient(theta, alpha, A, a, B, b):
    phi = theta - alpha * A @ (theta - a)
    g = B @ (phi - b)
    return g * (1 - alpha * torch.diag(A))
""",
        "a trace": """
def meta_gradient(theta, alpha, A, a, B, b):
    phi = theta - alpha * A @ (theta - a)
    g = B @ (phi - b)
    return g - alpha * torch.trace(A) * g
""",
        "two steps": """
def meta_gradient(theta, alpha, A, a, B, b):
    phi = theta - alpha * A @ (theta - a)
    phi = phi - alpha * A @ (phi - a)
    M = torch.eye(len(theta)).double() - alpha * A
    return M @ M @ B @ (phi - b)
""",
        "the query set twice": """
def meta_gradient(theta, alpha, A, a, B, b):
    g = B @ (theta - b)
    return g - alpha * B @ g
""",
        "both Hessians": """
def meta_gradient(theta, alpha, A, a, B, b):
    phi = theta - alpha * A @ (theta - a)
    I = torch.eye(len(theta)).double()
    return (I - alpha * (A + B)) @ B @ (phi - b)
""",
        "the slope of the step": """
def meta_gradient(theta, alpha, A, a, B, b):
    phi = theta - alpha * A @ (theta - a)
    return (phi - theta) / alpha
""",
        "b outside at the end": """
def meta_gradient(theta, alpha, A, a, B, b):
    phi = theta - alpha * A @ (theta - a)
    I = torch.eye(len(theta), dtype=theta.dtype)
    return (I - alpha * A) @ (B @ phi) - b
""",
        "minus the whole": """
def meta_gradient(theta, alpha, A, a, B, b):
    phi = theta - alpha * A @ (theta - a)
    I = torch.eye(len(theta), dtype=theta.dtype)
    return alpha * A @ B @ (phi - b) - B @ (phi - b)
""",
    },
    right={
        "written out": (
            "return (torch.eye(len(theta)) - alpha * A).to(B) @ back",
            "return back - alpha * A @ back",
        ),
        "autograd": """
def meta_gradient(theta, alpha, A, a, B, b):
    theta = theta.detach().requires_grad_()
    phi = theta - alpha * A.mv(theta - a)
    loss = 0.5 * (phi - b).dot(B.mv(phi - b))
    return torch.autograd.grad(loss, theta)[0]
""",
        "from the left": (
            "(torch.eye(len(theta)) - alpha * A).to(B) @ back",
            "back @ (torch.eye(len(theta)).to(A) - alpha * A)",
        ),
        "einsum": """
def meta_gradient(theta, alpha, A, a, B, b):
    M = torch.eye(A.shape[0], dtype=A.dtype) - alpha * A
    phi = a + torch.einsum("ij,j->i", M, theta - a)
    return torch.einsum("ij,jk,k->i", M.T, B, phi - b)
""",
        "differences of the loss": """
def meta_gradient(theta, alpha, A, a, B, b):
    def loss(theta):
        phi = theta - alpha * (A @ (theta - a))
        return 0.5 * (phi - b) @ B @ (phi - b)
    h = 1e-4
    nudges = h * torch.eye(len(theta), dtype=theta.dtype)
    return torch.stack([(loss(theta + n) - loss(theta - n)) / (2 * h) for n in nudges])
""",
        "columns": """
def meta_gradient(theta, alpha, A, a, B, b):
    phi = theta[:, None] - alpha * A @ (theta - a)[:, None]
    back = B @ (phi - b[:, None])
    return (back - alpha * (A @ back)).squeeze(1)
""",
        "single precision": """
def meta_gradient(theta, alpha, A, a, B, b):
    theta, A, a, B, b = theta.float(), A.float(), a.float(), B.float(), b.float()
    phi = theta - alpha * A @ (theta - a)
    back = B @ (phi - b)
    return back - alpha * A @ back
""",
        "a list": (
            "return (torch.eye(len(theta)) - alpha * A).to(B) @ back",
            "return (back - alpha * A @ back).tolist()",
        ),
        "through the bottom": """
def meta_gradient(theta, alpha, A, a, B, b):
    M = torch.eye(len(theta), dtype=theta.dtype) - alpha * A
    return M.T @ (B @ (a + M @ (theta - a) - b))
""",
        "autograd, backward": """
def meta_gradient(theta, alpha, A, a, B, b):
    theta = theta.clone().requires_grad_(True)
    support = 0.5 * (theta - a) @ A @ (theta - a)
    g, = torch.autograd.grad(support, theta, create_graph=True)
    phi = theta - alpha * g
    query = 0.5 * (phi - b) @ B @ (phi - b)
    query.backward()
    return theta.grad
""",
        "in other words": """
def meta_gradient(theta, alpha, A, a, B, b):
    phi = theta - alpha * A @ (theta - a)
    g = torch.linalg.multi_dot([B, (phi - b)[:, None]])[:, 0]
    return g - alpha * torch.mv(A, g)
""",
        "by another road": """
def meta_gradient(theta, alpha, A, a, B, b):
    from torch.func import grad
    s = lambda t: 0.5 * (t - a) @ A @ (t - a)
    q = lambda p: 0.5 * (p - b) @ B @ (p - b)
    return grad(lambda t: q(t - alpha * grad(s)(t)))(theta)
""",
        "in a third way": """
def meta_gradient(theta, alpha, A, a, B, b):
    phi = theta - alpha * A @ (theta - a)
    J = torch.autograd.functional.jacobian(lambda t: t - alpha * A @ (t - a), theta)
    return J.T @ B @ (phi - b)
""",
        "in a fourth way": """
def meta_gradient(theta, alpha, A, a, B, b):
    M = torch.eye(len(A)).to(A.dtype) - alpha * A
    return M @ B @ (M @ theta + alpha * A @ a - b)
""",
    },
)

META_SGD = Bank(
    name="meta_sgd_step",
    setup="from mlteach.params import gradient_of, leaves, map_params, scale, subtract\n",
    base="""
def meta_sgd_step(loss, theta, rates):
    gradient = torch.autograd.grad(loss(theta), list(theta.values()), create_graph=True)
    return {name: theta[name] - rates[name] * g for name, g in zip(theta, gradient)}
""",
    pitfalls=(
        "no create_graph",
        "the gradients pile up",
        "rates cut",
        "the mean rate",
        "uphill",
        "in place",
        "everything cut",
    ),
    wrong={
        "no create_graph": (", create_graph=True", ""),
        "the package's gradient": """
def meta_sgd_step(loss, theta, rates):
    gradient = gradient_of(loss(theta), theta)
    return subtract(theta, {name: rates[name] * gradient[name] for name in theta})
""",
        "retain_graph for create_graph": ("create_graph", "retain_graph"),
        "the gradient cut": ("* g for", "* g.detach() for"),
        "the gradients pile up": """
def meta_sgd_step(loss, theta, rates):
    value = loss(theta)
    value.backward(create_graph=True)
    return {name: v - rates[name] * v.grad for name, v in theta.items()}
""",
        "backward": """
def meta_sgd_step(loss, theta, rates):
    loss(theta).backward()
    return {name: v - rates[name] * v.grad for name, v in theta.items()}
""",
        "rates cut": ("rates[name] * g", "rates[name].detach() * g"),
        "rates' data": ("rates[name] * g", "rates[name].data * g"),
        "rates as a number": ("rates[name] * g", "rates[name].mean().item() * g"),
        "the start cut": ("theta[name] - ", "theta[name].detach() - "),
        "a fresh start": ("    gradient", "    theta = leaves(theta)\n    gradient"),
        "the start's data": ("theta[name] - ", "theta[name].data - "),
        "everything cut": (
            "theta[name] - rates[name] * g for",
            "(theta[name] - rates[name] * g).detach() for",
        ),
        "a fresh leaf": (
            "theta[name] - rates[name] * g for",
            "(theta[name] - rates[name] * g).detach().requires_grad_() for",
        ),
        "no_grad": (
            "    return {name: theta[name] - rates[name] * g for name, g in zip(theta, gradient)}",
            "    with torch.no_grad():\n        return {name: theta[name] - rates[name] * g for name, g in zip(theta, gradient)}",
        ),
        "the mean rate": ("rates[name] * g", "rates[name].mean() * g"),
        "the summed rate": ("rates[name] * g", "rates[name].sum() * g"),
        "the first rate": ("rates[name] * g", "rates[name].flatten()[0] * g"),
        "one rate for all": (
            "rates[name] * g",
            "torch.cat([r.flatten() for r in rates.values()]).mean() * g",
        ),
        "the same rate always": ("rates[name] * g", "0.01 * g"),
        "uphill": ("- rates", "+ rates"),
        "no rates": ("rates[name] * g", "g"),
        "exp of the rates": ("rates[name] * g", "rates[name].exp() * g"),
        "the sigmoid of the rates": ("rates[name] * g", "torch.sigmoid(rates[name]) * g"),
        "softplus": ("rates[name] * g", "F.softplus(rates[name]) * g"),
        "positive rates only": ("rates[name] * g", "rates[name].abs() * g"),
        "negative rates stopped": ("rates[name] * g", "rates[name].clamp(min=0) * g"),
        "divided": ("rates[name] * g", "g / rates[name]"),
        "rates squared": ("rates[name] * g", "rates[name] ** 2 * g"),
        "rate times theta": ("theta[name] - rates[name] * g", "rates[name] * theta[name] - g"),
        "a share of theta": ("theta[name] - rates[name] * g", "theta[name] * (1 - rates[name] * g)"),
        "the rates subtracted": ("rates[name] * g", "rates[name] - g"),
        "the sign of the gradient": ("rates[name] * g", "rates[name] * g.sign()"),
        "normalised": ("rates[name] * g", "rates[name] * g / g.norm()"),
        "the change alone": ("theta[name] - rates[name] * g", "-rates[name] * g"),
        "the gradient alone": ("theta[name] - rates[name] * g", "g"),
        "two steps": """
def meta_sgd_step(loss, theta, rates):
    for _ in range(2):
        gradient = torch.autograd.grad(loss(theta), list(theta.values()), create_graph=True)
        theta = {name: theta[name] - rates[name] * g for name, g in zip(theta, gradient)}
    return theta
""",
        "one after the other": """
def meta_sgd_step(loss, theta, rates):
    phi = dict(theta)
    for name in theta:
        (g,) = torch.autograd.grad(loss(phi), [phi[name]], create_graph=True)
        phi[name] = phi[name] - rates[name] * g
    return phi
""",
        "the first one only": """
def meta_sgd_step(loss, theta, rates):
    name = next(iter(theta))
    (g,) = torch.autograd.grad(loss(theta), [theta[name]], create_graph=True)
    return {**theta, name: theta[name] - rates[name] * g}
""",
        "the rates move": ("theta[name] - rates[name] * g", "rates[name] - theta[name] * g"),
        "in place": """
def meta_sgd_step(loss, theta, rates):
    gradient = torch.autograd.grad(loss(theta), list(theta.values()), create_graph=True)
    with torch.no_grad():
        for (name, value), g in zip(theta.items(), gradient):
            value -= rates[name] * g
    return theta
""",
        "data in place": """
def meta_sgd_step(loss, theta, rates):
    gradient = torch.autograd.grad(loss(theta), list(theta.values()), create_graph=True)
    for name, g in zip(theta, gradient):
        theta[name].data = theta[name].data - rates[name] * g
    return theta
""",
        "the dict itself": """
def meta_sgd_step(loss, theta, rates):
    gradient = torch.autograd.grad(loss(theta), list(theta.values()), create_graph=True)
    for name, g in zip(list(theta), gradient):
        theta[name] = theta[name] - rates[name] * g
    return theta
""",
        "a list": (
            "{name: theta[name] - rates[name] * g for name, g in zip(theta, gradient)}",
            "[theta[name] - rates[name] * g for name, g in zip(theta, gradient)]",
        ),
        "the loss too": ("zip(theta, gradient)}", "zip(theta, gradient)}, loss(theta)"),
        "no list": ("list(theta.values())", "theta"),
        "the derivative by the rates": ("list(theta.values())", "list(rates.values())"),
        "no return": ("return ", "phi = "),
        "the first gradient for all": """
def meta_sgd_step(loss, theta, rates):
    g = torch.autograd.grad(loss(theta), theta.values(), create_graph=True)
    return {n: theta[n] - rates[n] * g[0] for n in theta}
""",
        "backward with create_graph, cleared before": """
def meta_sgd_step(loss, theta, rates):
    for v in theta.values():
        v.grad = None
    loss(theta).backward(create_graph=True)
    return {n: v - rates[n] * v.grad for n, v in theta.items()}
""",
        "backward with fresh grads": """
def meta_sgd_step(loss, theta, rates):
    for v in theta.values():
        v.grad = None
    loss(theta).backward()
    return {n: (v - rates[n] * v.grad) for n, v in theta.items()}
""",
        "cloned and detached": """
def meta_sgd_step(loss, theta, rates):
    phi = {n: v.clone().detach().requires_grad_() for n, v in theta.items()}
    g = torch.autograd.grad(loss(phi), list(phi.values()), create_graph=True)
    return {n: phi[n] - rates[n] * gg for n, gg in zip(phi, g)}
""",
        "an optimizer": """
def meta_sgd_step(loss, theta, rates):
    opt = torch.optim.SGD(list(theta.values()), lr=0.01)
    opt.zero_grad()
    loss(theta).backward()
    opt.step()
    return theta
""",
        "names in another order": """
def meta_sgd_step(loss, theta, rates):
    g = torch.autograd.grad(loss(theta), list(theta.values()), create_graph=True)
    return {n: theta[n] - rates[n] * gg for n, gg in zip(sorted(theta), g)}
""",
        "the rates too": """
def meta_sgd_step(loss, theta, rates):
    g = torch.autograd.grad(loss(theta), list(theta.values()) + list(rates.values()), create_graph=True, allow_unused=True)
    return {n: theta[n] - rates[n] * gg for n, gg in zip(theta, g)}, rates
""",
        "ten to the rates": """
def meta_sgd_step(loss, theta, rates):
    g = torch.autograd.grad(loss(theta), list(theta.values()), create_graph=True)
    return {n: theta[n] - 10 ** rates[n] * gg for n, gg in zip(theta, g)}
""",
        "rates moved": """
def meta_sgd_step(loss, theta, rates):
    g = torch.autograd.grad(loss(theta), list(theta.values()), create_graph=True)
    new_rates = {n: rates[n] - 0.01 * gg for n, gg in zip(theta, g)}
    return {n: theta[n] - new_rates[n] * gg for n, gg in zip(theta, g)}
""",
        "the loss a number": """
def meta_sgd_step(loss, theta, rates):
    l = loss(theta).item()
    g = torch.autograd.grad(l, list(theta.values()), create_graph=True)
    return {n: theta[n] - rates[n] * gg for n, gg in zip(theta, g)}
""",
        "the loss for the gradient": """
def meta_sgd_step(loss, theta, rates):
    g = loss(theta)
    return {n: theta[n] - rates[n] * g for n in theta}
""",
        "under no_grad": """
def meta_sgd_step(loss, theta, rates):
    with torch.no_grad():
        g = torch.autograd.grad(loss(theta), list(theta.values()), create_graph=True)
    return {n: theta[n] - rates[n] * gg for n, gg in zip(theta, g)}
""",
        "uphill and cut": """
def meta_sgd_step(loss, theta, rates):
    gradient = torch.autograd.grad(loss(theta), list(theta.values()), create_graph=True)
    return {name: (theta[name] + rates[name] * g).detach() for name, g in zip(theta, gradient)}
""",
        "backward, then cut": """
def meta_sgd_step(loss, theta, rates):
    loss(theta).backward(create_graph=True)
    phi = {n: v - rates[n] * v.grad for n, v in theta.items()}
    for v in theta.values():
        v.grad = None
    return {n: p.detach() for n, p in phi.items()}
""",
        "through a list": """
def meta_sgd_step(loss, theta, rates):
    gradient = torch.autograd.grad(loss(theta), list(theta.values()), create_graph=True)
    return {name: torch.tensor((theta[name] - rates[name] * g).tolist()) for name, g in zip(theta, gradient)}
""",
        "a deep copy": """
def meta_sgd_step(loss, theta, rates):
    from copy import deepcopy
    theta = deepcopy(theta)
    gradient = torch.autograd.grad(loss(theta), list(theta.values()), create_graph=True)
    return {name: theta[name] - rates[name] * g for name, g in zip(theta, gradient)}
""",
        "the rates overwritten": """
def meta_sgd_step(loss, theta, rates):
    gradient = torch.autograd.grad(loss(theta), list(theta.values()), create_graph=True)
    for name, g in zip(theta, gradient):
        rates[name] = rates[name] * g
    return {name: theta[name] - rates[name] for name in theta}
""",
        "other names": """
def meta_sgd_step(loss, theta, rates):
    gradient = torch.autograd.grad(loss(theta), list(theta.values()), create_graph=True)
    return {'phi_' + name: theta[name] - rates[name] * g for name, g in zip(theta, gradient)}
""",
        "the mean of means": """
def meta_sgd_step(loss, theta, rates):
    gradient = torch.autograd.grad(loss(theta), list(theta.values()), create_graph=True)
    return {n: theta[n] - sum(r.mean() for r in rates.values()) / len(rates) * g for n, g in zip(theta, gradient)}
""",
        "both cut": """
def meta_sgd_step(loss, theta, rates):
    gradient = torch.autograd.grad(loss(theta), list(theta.values()), create_graph=True)
    return {n: theta[n].detach() - rates[n].detach() * g for n, g in zip(theta, gradient)}
""",
        "summed up": """
def meta_sgd_step(loss, theta, rates):
    gradient = torch.autograd.grad(loss(theta), list(theta.values()), create_graph=True)
    return {n: theta[n] - (rates[n] * g).sum() for n, g in zip(theta, gradient)}
""",
        "three steps": """
def meta_sgd_step(loss, theta, rates):
    phi = theta
    for _ in range(3):
        gradient = torch.autograd.grad(loss(phi), list(phi.values()), create_graph=True)
        phi = {n: phi[n] - rates[n] * g for n, g in zip(phi, gradient)}
    return phi
""",
        "rates for theta": """
def meta_sgd_step(loss, theta, rates):
    gradient = torch.autograd.grad(loss(theta), list(theta.values()), create_graph=True)
    return {n: rates[n] - rates[n] * g for n, g in zip(theta, gradient)}
""",
    },
    right={
        "torch.func": """
def meta_sgd_step(loss, theta, rates):
    gradient = torch.func.grad(loss)(theta)
    return {name: value - rates[name] * gradient[name] for name, value in theta.items()}
""",
        "a loop": """
def meta_sgd_step(loss, theta, rates):
    names = sorted(theta)
    grads = torch.autograd.grad(loss(theta), [theta[n] for n in names], create_graph=True, retain_graph=True)
    phi = {}
    for n, g in zip(names, grads):
        phi[n] = torch.addcmul(theta[n], rates[n], g, value=-1)
    return phi
""",
        "cloned first": (
            "    gradient",
            "    theta = {name: value.clone() for name, value in theta.items()}\n    gradient",
        ),
        "one gradient at a time": """
def meta_sgd_step(loss, theta, rates):
    return {name: theta[name] - rates[name] * torch.autograd.grad(loss(theta), theta[name], create_graph=True)[0] for name in theta}
""",
        "minus first": ("theta[name] - rates[name] * g", "-(rates[name] * g) + theta[name]"),
        "an ordered dict": (
            "    return {name: theta[name] - rates[name] * g for name, g in zip(theta, gradient)}",
            "    from collections import OrderedDict\n    return OrderedDict((name, theta[name] - rates[name] * g) for name, g in zip(theta, gradient))",
        ),
        "backward, cleared behind": """
def meta_sgd_step(loss, theta, rates):
    loss(theta).backward(create_graph=True)
    phi = {n: v - rates[n] * v.grad for n, v in theta.items()}
    for v in theta.values():
        v.grad = None
    return phi
""",
        "three zipped": """
def meta_sgd_step(loss, theta, rates):
    g = torch.autograd.grad(loss(theta), tuple(theta.values()), create_graph=True)
    return dict((n, t - r * d) for (n, t), r, d in zip(theta.items(), [rates[n] for n in theta], g))
""",
        "grad_and_value": """
def meta_sgd_step(loss, theta, rates):
    g, l = torch.func.grad_and_value(loss)(theta)
    return {n: theta[n] - rates[n] * g[n] for n in rates}
""",
        "a dict of gradients": """
def meta_sgd_step(loss, theta, rates):
    g = torch.autograd.grad(loss(theta), theta, create_graph=True)
    return {n: theta[n] - rates[n] * g[n] for n in theta}
""",
        "in other words": """
def meta_sgd_step(loss, theta, rates):
    l = loss(theta)
    phi = {}
    for name in theta:
        (g,) = torch.autograd.grad(l, [theta[name]], create_graph=True)
        phi[name] = theta[name] - rates[name].mul(g)
    return phi
""",
        "by another road": """
def meta_sgd_step(loss, theta, rates):
    names = list(theta)
    def f(*values):
        return loss(dict(zip(names, values)))
    g = torch.func.grad(f, argnums=tuple(range(len(names))))(*theta.values())
    return {n: theta[n] - rates[n] * d for n, d in zip(names, g)}
""",
        "in a third way": """
def meta_sgd_step(loss, theta, rates):
    start = {n: v * 1 for n, v in theta.items()}
    g = torch.autograd.grad(loss(start), list(start.values()), create_graph=True)
    return {n: start[n] - rates[n] * d for n, d in zip(start, g)}
""",
    },
)

MAML = Bank(
    name="maml",
    base="""
def maml(loss, theta, episode, alpha, k=1, first_order=False):
    phi = stack(theta, episode.tasks)
    for _ in range(k):
        support = loss(phi, episode.support_x, episode.support_y).sum()
        gradient = torch.autograd.grad(support, list(phi.values()), create_graph=not first_order)
        phi = {name: value - alpha * g for (name, value), g in zip(phi.items(), gradient)}
    query = loss(phi, episode.query_x, episode.query_y).mean()
    found = torch.autograd.grad(query, list(theta.values()))
    return dict(zip(theta, found)), query.detach()
""",
    setup="from mlteach.params import stack",
    pitfalls=(
        "no create_graph",
        "always second order",
        "the inner mean",
        "the outer sum",
        "judged on the support set",
        "one phi for all",
        "backward",
    ),
    wrong={
        "no create_graph": (", create_graph=not first_order", ""),
        "retain_graph for create_graph": ("create_graph=not first_order", "retain_graph=not first_order"),
        "always second order": ("create_graph=not first_order", "create_graph=True"),
        "the flag turned round": ("create_graph=not first_order", "create_graph=first_order"),
        "first order makes no step": (
            "for _ in range(k):",
            "for _ in range(0 if first_order else k):",
        ),
        "phi detached": (
            "    query = ",
            "    phi = {name: value.detach() + 0 * theta[name] for name, value in phi.items()}\n    query = ",
        ),
        "gradients detached": ("value - alpha * g for", "value - alpha * g.detach() for"),
        "the inner mean": (".support_y).sum()", ".support_y).mean()"),
        "the outer sum": (".query_y).mean()", ".query_y).sum()"),
        "both means and sums": (
            (".support_y).sum()", ".support_y).mean()"),
            (".query_y).mean()", ".query_y).sum()"),
        ),
        "steps on the queries": ("episode.support_x, episode.support_y", "episode.query_x, episode.query_y"),
        "judged on the support set": (
            "episode.query_x, episode.query_y",
            "episode.support_x, episode.support_y",
        ),
        "the sets swapped": (
            ("episode.support_x, episode.support_y", "episode.query_x, episode.query_Y"),
            ("episode.query_x, episode.query_y", "episode.support_x, episode.support_y"),
            ("query_Y", "query_y"),
        ),
        "uphill": ("value - alpha * g", "value + alpha * g"),
        "no alpha": ("value - alpha * g", "value - g"),
        "a rate of one's own": ("value - alpha * g", "value - 0.01 * g"),
        "one step always": ("for _ in range(k)", "for _ in range(1)"),
        "at least one step": ("for _ in range(k)", "for _ in range(max(k, 1))"),
        "no step": ("for _ in range(k)", "for _ in range(0)"),
        "one step more": ("for _ in range(k)", "for _ in range(k + 1)"),
        "one step less": ("for _ in range(k)", "for _ in range(1, k)"),
        "each step from theta": ("value - alpha * g for", "theta[name] - alpha * g for"),
        "gradients at theta": """
def maml(loss, theta, episode, alpha, k=1, first_order=False):
    start = stack(theta, episode.tasks)
    phi = start
    for _ in range(k):
        support = loss(start, episode.support_x, episode.support_y).sum()
        gradient = torch.autograd.grad(support, list(start.values()), create_graph=not first_order)
        phi = {name: value - alpha * g for (name, value), g in zip(phi.items(), gradient)}
    query = loss(phi, episode.query_x, episode.query_y).mean()
    return dict(zip(theta, torch.autograd.grad(query, list(theta.values())))), query.detach()
""",
        "one phi for all": """
def maml(loss, theta, episode, alpha, k=1, first_order=False):
    phi = theta
    for _ in range(k):
        support = loss(phi, episode.support_x, episode.support_y).mean()
        gradient = torch.autograd.grad(support, list(phi.values()), create_graph=not first_order)
        phi = {name: value - alpha * g for (name, value), g in zip(phi.items(), gradient)}
    query = loss(phi, episode.query_x, episode.query_y).mean()
    return dict(zip(theta, torch.autograd.grad(query, list(theta.values())))), query.detach()
""",
        "the first task": """
def maml(loss, theta, episode, alpha, k=1, first_order=False):
    phi = theta
    for _ in range(k):
        support = loss(phi, episode.support_x[0], episode.support_y[0])
        gradient = torch.autograd.grad(support, list(phi.values()), create_graph=not first_order)
        phi = {name: value - alpha * g for (name, value), g in zip(phi.items(), gradient)}
    query = loss(phi, episode.query_x[0], episode.query_y[0])
    return dict(zip(theta, torch.autograd.grad(query, list(theta.values())))), query.detach()
""",
        "the last task": """
def maml(loss, theta, episode, alpha, k=1, first_order=False):
    for sx, sy, qx, qy in zip(*episode):
        phi = theta
        for _ in range(k):
            gradient = torch.autograd.grad(loss(phi, sx, sy), list(phi.values()), create_graph=not first_order)
            phi = {name: value - alpha * g for (name, value), g in zip(phi.items(), gradient)}
        query = loss(phi, qx, qy)
    return dict(zip(theta, torch.autograd.grad(query, list(theta.values())))), query.detach()
""",
        "one task after the other": """
def maml(loss, theta, episode, alpha, k=1, first_order=False):
    total, phi = 0, theta
    for sx, sy, qx, qy in zip(*episode):
        for _ in range(k):
            gradient = torch.autograd.grad(loss(phi, sx, sy), list(phi.values()), create_graph=not first_order)
            phi = {name: value - alpha * g for (name, value), g in zip(phi.items(), gradient)}
        total = total + loss(phi, qx, qy) / episode.tasks
    return dict(zip(theta, torch.autograd.grad(total, list(theta.values())))), total.detach()
""",
        "a loop that sums": """
def maml(loss, theta, episode, alpha, k=1, first_order=False):
    total = 0
    for sx, sy, qx, qy in zip(*episode):
        phi = theta
        for _ in range(k):
            gradient = torch.autograd.grad(loss(phi, sx, sy), list(phi.values()), create_graph=not first_order)
            phi = {name: value - alpha * g for (name, value), g in zip(phi.items(), gradient)}
        total = total + loss(phi, qx, qy)
    return dict(zip(theta, torch.autograd.grad(total, list(theta.values())))), total.detach()
""",
        "backward": """
def maml(loss, theta, episode, alpha, k=1, first_order=False):
    phi = stack(theta, episode.tasks)
    for _ in range(k):
        support = loss(phi, episode.support_x, episode.support_y).sum()
        gradient = torch.autograd.grad(support, list(phi.values()), create_graph=not first_order)
        phi = {name: value - alpha * g for (name, value), g in zip(phi.items(), gradient)}
    query = loss(phi, episode.query_x, episode.query_y).mean()
    query.backward()
    return {name: value.grad for name, value in theta.items()}, query.detach()
""",
        "backward inside": """
def maml(loss, theta, episode, alpha, k=1, first_order=False):
    total = 0
    for sx, sy, qx, qy in zip(*episode):
        phi = theta
        for _ in range(k):
            loss(phi, sx, sy).backward(create_graph=not first_order)
            phi = {name: value - alpha * value.grad for name, value in phi.items()}
        total = total + loss(phi, qx, qy) / episode.tasks
    return dict(zip(theta, torch.autograd.grad(total, list(theta.values())))), total.detach()
""",
        "by phi": (
            "torch.autograd.grad(query, list(theta.values()))",
            "torch.autograd.grad(query, list(phi.values()))",
        ),
        "by phi, averaged": (
            "return dict(zip(theta, found))",
            "found = torch.autograd.grad(loss(phi, episode.query_x, episode.query_y).mean(), list(phi.values()))\n"
            "    return {n: g.mean(0) for n, g in zip(theta, found)}",
        ),
        "both sets": (
            ".query_y).mean()",
            ".query_y).mean() + loss(phi, episode.support_x, episode.support_y).mean()",
        ),
        "minus the gradient": ("dict(zip(theta, found))", "{n: -g for n, g in zip(theta, found)}"),
        "theta moved": ("dict(zip(theta, found))", "{n: theta[n] - 0.01 * g for n, g in zip(theta, found)}"),
        "theta moved by alpha": (
            "dict(zip(theta, found))",
            "{n: theta[n] - alpha * g for n, g in zip(theta, found)}",
        ),
        "theta moved in place": (
            "    return dict",
            "    with torch.no_grad():\n        for v, g in zip(theta.values(), found):\n            v -= 0.001 * g\n    return dict",
        ),
        "Reptile": ("dict(zip(theta, found))", "{n: (theta[n] - phi[n]).mean(0) for n in theta}"),
        "phi returned": ("dict(zip(theta, found))", "phi"),
        "the gradient alone": ("dict(zip(theta, found)), query.detach()", "dict(zip(theta, found))"),
        "the loss alone": ("dict(zip(theta, found)), query.detach()", "query"),
        "the loss first": (
            "dict(zip(theta, found)), query.detach()",
            "query.detach(), dict(zip(theta, found))",
        ),
        "a tuple of gradients": ("dict(zip(theta, found))", "found"),
        "a list of both": (
            "return dict(zip(theta, found)), query.detach()",
            "return [dict(zip(theta, found)), query.detach()]",
        ),
        "nothing returned": ("return dict", "result = dict"),
        "the loss not averaged": (
            "query.detach()",
            "loss(phi, episode.query_x, episode.query_y).sum().detach()",
        ),
        "the support loss returned": (
            "query.detach()",
            "loss(phi, episode.support_x, episode.support_y).mean().detach()",
        ),
        "no copies": ("phi = stack(theta, episode.tasks)", "phi = dict(theta)"),
        "under no_grad": (
            "        support =",
            "        torch.set_grad_enabled(False)\n        support =",
        ),
        "a fresh start": (
            "phi = stack(theta, episode.tasks)",
            "phi = {n: v.detach().requires_grad_() for n, v in stack(theta, episode.tasks).items()}",
        ),
    },
    right={
        "a loop over tasks": """
def maml(loss, theta, episode, alpha, k=1, first_order=False):
    total = 0
    for support_x, support_y, query_x, query_y in zip(*episode):
        phi = dict(theta)
        for _ in range(k):
            grads = torch.autograd.grad(loss(phi, support_x, support_y), list(phi.values()), create_graph=not first_order)
            phi = {name: phi[name] - alpha * g for name, g in zip(phi, grads)}
        total = total + loss(phi, query_x, query_y) / episode.tasks
    grads = torch.autograd.grad(total, list(theta.values()))
    return dict(zip(theta, grads)), total.item()
""",
        "the loss a number": ("query.detach()", "query.item()"),
        "the loss with its graph": ("query.detach()", "query"),
        "clones": (
            "phi = stack(theta, episode.tasks)",
            "phi = {n: torch.stack([v] * episode.tasks) for n, v in theta.items()}",
        ),
        "retained too": ("create_graph=not first_order", "create_graph=not first_order, retain_graph=True"),
        "detached when first order": (
            ("create_graph=not first_order", "create_graph=True"),
            ("    query =", "    query ="),
            (
                "        phi = {",
                "        gradient = [g.detach() if first_order else g for g in gradient]\n        phi = {",
            ),
        ),
        "torch.func": """
def maml(loss, theta, episode, alpha, k=1, first_order=False):
    def outer(theta):
        phi = stack(theta, episode.tasks)
        for _ in range(k):
            g = torch.func.grad(lambda p: loss(p, episode.support_x, episode.support_y).sum())(phi)
            phi = {n: phi[n] - alpha * (g[n].detach() if first_order else g[n]) for n in phi}
        return loss(phi, episode.query_x, episode.query_y).mean()
    gradient, value = torch.func.grad_and_value(outer)(theta)
    return gradient, value
""",
        "backward, cleared before": """
def maml(loss, theta, episode, alpha, k=1, first_order=False):
    for v in theta.values():
        v.grad = None
    phi = stack(theta, episode.tasks)
    for _ in range(k):
        support = loss(phi, episode.support_x, episode.support_y).sum()
        gradient = torch.autograd.grad(support, list(phi.values()), create_graph=not first_order)
        phi = {name: value - alpha * g for (name, value), g in zip(phi.items(), gradient)}
    query = loss(phi, episode.query_x, episode.query_y).mean()
    query.backward()
    return {name: value.grad.clone() for name, value in theta.items()}, query.detach()
""",
        "the sum, divided": (".query_y).mean()", ".query_y).sum() / episode.tasks"),
        "no list": ("list(phi.values())", "phi.values()"),
    },
)


def differentiates_by_a_dict() -> bool:
    """Whether this PyTorch does: an older one takes a list of tensors alone."""
    x = torch.ones((), requires_grad=True)
    try:
        torch.autograd.grad(x * x, {"x": x})
    except (RuntimeError, TypeError):
        return False
    return True


if not differentiates_by_a_dict():
    known = {label: answer for label, answer in META_SGD.right.items() if label != "a dict of gradients"}
    META_SGD = replace(META_SGD, right=known)

BANK = {"06.1": GUESS, "06.2": BOWL, "06.3": MAML, "06.4": META_SGD}
