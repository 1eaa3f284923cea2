"""Plausible answers to the exercises of lesson 02."""

from mlteach.exercises.bank import Bank

RNN_STEP = Bank(
    name="rnn_step",
    base='''
def rnn_step(x, h, W, U, b):
    z = x @ W.T + h @ U.T + b
    return torch.tanh(z)
''',
    wrong={
        "no tanh": ("torch.tanh(z)", "z"),
        "sigmoid": ("torch.tanh(z)", "torch.sigmoid(z)"),
        "relu": ("torch.tanh(z)", "torch.relu(z)"),
        "tanh twice": ("torch.tanh(z)", "torch.tanh(torch.tanh(z))"),
        "no bias": (" + b", ""),
        "bias outside": ((" + b", ""), ("torch.tanh(z)", "torch.tanh(z) + b")),
        "bias twice": (" + b", " + b + b"),
        "bias taken away": (" + b", " - b"),
        "no old state": (" + h @ U.T", ""),
        "no input": ("x @ W.T + ", ""),
        "squashed one by one": ("return torch.tanh(z)", "return torch.tanh(x @ W.T + b) + torch.tanh(h @ U.T)"),
        "the old state not squashed": ("return torch.tanh(z)", "return torch.tanh(x @ W.T + b) + h @ U.T"),
        "residual": ("return torch.tanh(z)", "return h + torch.tanh(z)"),
        "no U": ("h @ U.T", "h"),
        "multiplied": ("x @ W.T + h @ U.T", "(x @ W.T) * (h @ U.T)"),
        "subtracted": ("+ h @", "- h @"),
        "U not transposed": ("U.T", "U"),
        "W not transposed": ("W.T", "W"),
        "neither transposed": (("U.T", "U"), ("W.T", "W")),
        "on the left": ("x @ W.T + h @ U.T", "W @ x + U @ h"),
        "columns": ("x @ W.T + h @ U.T + b", "W @ x.T + U @ h.T + b[:, None]"),
        "weights swapped": ("x @ W.T + h @ U.T", "x @ U.T + h @ W.T"),
        "W twice": ("U.T", "W.T"),
        "number by number": ("x @ W.T + h @ U.T", "x * W + h * U"),
        "the old state squashed": ("h @ U.T", "torch.tanh(h) @ U.T"),
        "two come back": ("return torch.tanh(z)", "return torch.tanh(z), z"),
        "the mean of the batch": ("torch.tanh(z)", "torch.tanh(z).mean(0)"),
        "in place": ("return torch.tanh(z)", "return h.copy_(torch.tanh(z))"),
        "detached": ("return torch.tanh(z)", "return torch.tanh(z).detach()"),
        "the old state detached": ("h @ U.T", "h.detach() @ U.T"),
        "no gradients": ("def rnn_step", "@torch.no_grad()\ndef rnn_step"),
        "in single precision": ("torch.tanh(z)", "torch.tanh(z).float()"),
        "a number": ("torch.tanh(z)", "torch.tanh(z).sum()"),
        "no return": ("return torch.tanh(z)", "torch.tanh(z)"),
        "prints": ("return torch.tanh(z)", "print(torch.tanh(z))"),
        "math.tanh": ("torch.tanh(z)", "math.tanh(z)"),
    },
    pitfalls=("no tanh", "no bias", "no old state", "U not transposed", "weights swapped", "bias outside", "detached"),
    right={
        "in one line": '''
def rnn_step(x, h, W, U, b):
    return (x @ W.T + h @ U.T + b).tanh()
''',
        "by F.linear": ("x @ W.T + h @ U.T + b", "F.linear(x, W, b) + F.linear(h, U)"),
        "by einsum": ("h @ U.T", "torch.einsum('bj,ij->bi', h, U)"),
        "by mT": ("x @ W.T", "x @ W.mT"),
        "side by side": (
            "x @ W.T + h @ U.T + b",
            "torch.cat([x, h], dim=-1) @ torch.cat([W, U], dim=1).T + b",
        ),
        "columns, turned back": (
            ("x @ W.T + h @ U.T + b", "W @ x.T + U @ h.T + b[:, None]"), ("torch.tanh(z)", "torch.tanh(z).T"),
        ),
        "by torch's own": ("return torch.tanh(z)", "return torch.rnn_tanh_cell(x, h, W, U, b, torch.zeros_like(b))"),
        "row by row": '''
def rnn_step(x, h, W, U, b):
    return torch.stack([torch.tanh(W @ one + U @ old + b) for one, old in zip(x, h)])
''',
        "tanh by hand": ("torch.tanh(z)", "2 * torch.sigmoid(2 * z) - 1"),
        "addmm": ("x @ W.T + h @ U.T + b", "torch.addmm(torch.addmm(b, x, W.T), h, U.T)"),
    },
)  # fmt: skip

LEFT = Bank(
    name="left",
    base='''
def left(f):
    later = torch.cat([f[1:], torch.ones_like(f[:1])])
    return later.flip(0).cumprod(0).flip(0)
''',
    wrong={
        "its own gate too": ("torch.cat([f[1:], torch.ones_like(f[:1])])", "f"),
        "its own gate too, by a loop": '''
def left(f):
    return torch.stack([f[t:].prod() for t in range(len(f))])
''',
        "a gate too late": '''
def left(f):
    return torch.stack([f[t + 2:].prod() for t in range(len(f))])
''',
        "without the last gate": '''
def left(f):
    return torch.stack([f[t + 1:-1].prod() for t in range(len(f))])
''',
        "from the front": ("later.flip(0).cumprod(0).flip(0)", "f.cumprod(0)"),
        "from the front, one later": ("later.flip(0).cumprod(0).flip(0)", "later.cumprod(0)"),
        "the gates before": '''
def left(f):
    return torch.stack([f[:t].prod() for t in range(len(f))])
''',
        "from the front, a 1 in front": '''
def left(f):
    return torch.cat([torch.ones_like(f[:1]), f[:-1]]).cumprod(0)
''',
        "not flipped back": ("later.flip(0).cumprod(0).flip(0)", "later.flip(0).cumprod(0)"),
        "flipped once, own gates": '''
def left(f):
    return f.flip(0).cumprod(0)
''',
        "a power of its own gate": '''
def left(f):
    return f ** torch.arange(len(f) - 1, -1, -1)
''',
        "a power of the mean": '''
def left(f):
    return f.mean() ** torch.arange(len(f) - 1, -1, -1)
''',
        "a power of the first gate": '''
def left(f):
    T = len(f)
    return torch.stack([f[0] ** (T - 1 - t) for t in range(T)])
''',
        "a zero at the end": ("torch.ones_like", "torch.zeros_like"),
        "the last gate at the end": ("torch.ones_like(f[:1])", "f[-1:]"),
        "rolled": ("torch.cat([f[1:], torch.ones_like(f[:1])])", "f.roll(-1)"),
        "the next gate alone": ("later.flip(0).cumprod(0).flip(0)", "later"),
        "added": ("cumprod", "cumsum"),
        "added, by a loop": '''
def left(f):
    return torch.stack([f[t + 1:].sum() for t in range(len(f))])
''',
        "the mean of the later gates": '''
def left(f):
    return torch.stack([f[t + 1:].mean() for t in range(len(f))])
''',
        "the smallest of the later gates": ("cumprod(0)", "cummin(0).values"),
        "divided": ("later.flip(0).cumprod(0).flip(0)", "f.prod() / f.cumprod(0)"),
        "divided logarithms": ("later.flip(0).cumprod(0).flip(0)", "(f.log().sum() - f.log().cumsum(0)).exp()"),
        "the logarithm": ("later.flip(0).cumprod(0).flip(0)", "later.log().flip(0).cumsum(0).flip(0)"),
        "one number": ("later.flip(0).cumprod(0).flip(0)", "f[1:].prod()"),
        "one number, all gates": ("later.flip(0).cumprod(0).flip(0)", "f.prod()"),
        "one too few": '''
def left(f):
    return torch.stack([f[t + 1:].prod() for t in range(len(f) - 1)])
''',
        "one too many": ("f[1:]", "f"),
        "what is gone": ("return later.flip(0).cumprod(0).flip(0)", "return 1 - later.flip(0).cumprod(0).flip(0)"),
        "what each gate loses": ("f[1:]", "1 - f[1:]"),
        "squashed again": ("f[1:]", "torch.sigmoid(f[1:])"),
        "in per cent": ("return later", "return 100 * later"),
        "cut off by detach": ("cumprod(0).flip(0)", "cumprod(0).flip(0).detach()"),
        "cut off by data": ("return later", "return later.data"),
        "no gradients": '''
@torch.no_grad()
def left(f):
    later = torch.cat([f[1:], torch.ones_like(f[:1])])
    return later.flip(0).cumprod(0).flip(0)
''',
        "in place": '''
def left(f):
    for t in range(len(f) - 2, 0, -1):
        f[t] = f[t] * f[t + 1]
    return torch.cat([f[1:], torch.ones_like(f[:1])])
''',
        "the loop starts at the wrong end": '''
def left(f):
    out = torch.ones_like(f)
    for t in range(1, len(f)):
        out[t] = out[t - 1] * f[t]
    return out
''',
        "the loop takes its own gate": '''
def left(f):
    out, r = [], 1.0
    for g in f.flip(0):
        r = r * g
        out.append(r)
    return torch.stack(out[::-1])
''',
        "the loop leaves it reversed": '''
def left(f):
    out, r = [], torch.ones_like(f[0])
    for g in f.flip(0):
        out.append(r)
        r = r * g
    return torch.stack(out)
''',
        "a column": ("return later.flip(0).cumprod(0).flip(0)", "return later.flip(0).cumprod(0).flip(0)[:, None]"),
        "no return": ("return later", "later"),
        "prints": ("return later.flip(0).cumprod(0).flip(0)", "print(later.flip(0).cumprod(0).flip(0))"),
        "all the others": '''
def left(f):
    return torch.stack([torch.cat([f[:t], f[t + 1 :]]).prod() for t in range(len(f))])
''',
        "two gates": '''
def left(f):
    return torch.stack([f[t + 1 : t + 3].prod() for t in range(len(f))])
''',
        "moved the wrong way": ("torch.cat([f[1:], torch.ones_like(f[:1])])", "torch.cat([torch.ones_like(f[:1]), f[:-1]])"),
        "the recursion takes the gate before": '''
def left(f):
    out = [torch.ones_like(f[0])]
    for t in range(len(f) - 1, 0, -1):
        out.append(out[-1] * f[t - 1])
    return torch.stack(out[::-1])
''',
        "numbers taken out": '''
def left(f):
    return torch.tensor([f[t + 1 :].prod().item() for t in range(len(f))], dtype=torch.float64)
''',
        "a tensor of tensors": '''
def left(f):
    return torch.tensor([f[t + 1 :].prod() for t in range(len(f))])
''',
        "the largest of the later gates": '''
def left(f):
    later = [f[t + 1 :] for t in range(len(f))]
    return torch.stack([g.max() if len(g) else torch.ones_like(f[0]) for g in later])
''',
    },
    pitfalls=("its own gate too", "from the front", "not flipped back", "one number", "divided"),
    right={
        "products": '''
def left(f):
    return torch.stack([f[t + 1:].prod() for t in range(len(f))])
''',
        "a loop from behind": '''
def left(f):
    out = [torch.ones_like(f[0])]
    for t in range(len(f) - 1, 0, -1):
        out.append(out[-1] * f[t])
    return torch.stack(out[::-1])
''',
        "put in front": '''
def left(f):
    r = torch.ones((), dtype=f.dtype)
    out = []
    for g in reversed(f):
        out.insert(0, r)
        r = r * g
    return torch.stack(out)
''',
        "filled": '''
def left(f):
    out = torch.ones_like(f)
    for t in range(len(f) - 1):
        out[t] = f[t + 1:].prod()
    return out
''',
        "filled from behind": '''
def left(f):
    out = torch.ones_like(f)
    for t in range(len(f) - 2, -1, -1):
        out[t] = out[t + 1] * f[t + 1]
    return out
''',
        "ones of torch's own type": '''
def left(f):
    out = torch.ones(len(f))
    for t in range(len(f)):
        out[t] = f[t + 1 :].prod()
    return out
''',
        "in single precision": ("return later", "return later.float()"),
        "by logarithms": ("later.flip(0).cumprod(0).flip(0)", "later.log().flip(0).cumsum(0).flip(0).exp()"),
        "own gate, then moved on": '''
def left(f):
    full = torch.flip(torch.cumprod(torch.flip(f, [0]), 0), [0])
    return torch.cat([full[1:], full.new_ones(1)])
''',
        "padded": ("torch.cat([f[1:], torch.ones_like(f[:1])])", "F.pad(f[1:], (0, 1), value=1.0)"),
        "reduced by a table": '''
def left(f):
    T = len(f)
    t = torch.arange(T)
    later = t[None] > t[:, None]
    return torch.where(later, f[None], torch.ones_like(f)[None]).prod(1)
''',
        "by functools": '''
def left(f):
    from itertools import accumulate
    from operator import mul

    return torch.stack(list(accumulate(reversed(list(f[1:])), mul, initial=torch.ones_like(f[0])))[::-1])
''',
        "by autograd": '''
def left(f):
    states = [torch.ones((), dtype=f.dtype, requires_grad=True)]
    for gate in f[1:]:
        states.append(states[-1] * gate)
    return torch.stack(torch.autograd.grad(states[-1], states, create_graph=True))
''',
        "by recursion": '''
def left(f):
    if len(f) == 1:
        return torch.ones_like(f)
    rest = left(f[1:])
    return torch.cat([(f[1] * rest[0])[None], rest])
''',
    },
)  # fmt: skip

STEP = Bank(
    name="step",
    base='''
def step(z, c):
    i, f, g, o = z.chunk(4, dim=-1)
    i, f, o = torch.sigmoid(i), torch.sigmoid(f), torch.sigmoid(o)
    g = torch.tanh(g)
    new = f * c + i * g
    h = o * torch.tanh(new)
    return h, new
''',
    wrong={
        "f, i, g, o": ("i, f, g, o = z", "f, i, g, o = z"),
        "i, f, o, g": ("i, f, g, o = z", "i, f, o, g = z"),
        "f, i, o, g": ("i, f, g, o = z", "f, i, o, g = z"),
        "i, g, f, o": ("i, f, g, o = z", "i, g, f, o = z"),
        "g, i, f, o": ("i, f, g, o = z", "g, i, f, o = z"),
        "sigmoid on the candidate": ("torch.tanh(g)", "torch.sigmoid(g)"),
        "no tanh on the candidate": ("    g = torch.tanh(g)\n", ""),
        "no tanh on the way out": ("torch.tanh(new)", "new"),
        "sigmoid on the way out": ("torch.tanh(new)", "torch.sigmoid(new)"),
        "tanh of the product": ("o * torch.tanh(new)", "torch.tanh(o * new)"),
        "gates not squashed": ("    i, f, o = torch.sigmoid(i), torch.sigmoid(f), torch.sigmoid(o)\n", ""),
        "output gate not squashed": ("torch.sigmoid(f), torch.sigmoid(o)", "torch.sigmoid(f), o"),
        "forget gate not squashed": (" torch.sigmoid(f),", " f,"),
        "gates by tanh": (
            "torch.sigmoid(i), torch.sigmoid(f), torch.sigmoid(o)",
            "torch.tanh(i), torch.tanh(f), torch.tanh(o)",
        ),
        "all four by a sigmoid": (
            ("z.chunk", "torch.sigmoid(z).chunk"),
            ("    i, f, o = torch.sigmoid(i), torch.sigmoid(f), torch.sigmoid(o)\n    g = torch.tanh(g)\n", ""),
        ),
        "gates by softmax": (
            "torch.sigmoid(i), torch.sigmoid(f), torch.sigmoid(o)",
            "i.softmax(-1), f.softmax(-1), o.softmax(-1)",
        ),
        "candidate by relu": ("torch.tanh(g)", "torch.relu(g)"),
        "h of the old memory": ("torch.tanh(new)", "torch.tanh(c)"),
        "h of the candidate": ("torch.tanh(new)", "torch.tanh(g)"),
        "h without the output gate": ("o * torch.tanh(new)", "torch.tanh(new)"),
        "h is the output gate": ("o * torch.tanh(new)", "o"),
        "the memory squashed": ("new = f * c + i * g", "new = torch.tanh(f * c + i * g)"),
        "the memory squashed once": (("new = f * c + i * g", "new = torch.tanh(f * c + i * g)"), ("torch.tanh(new)", "new")),
        "the old memory squashed": ("f * c", "f * torch.tanh(c)"),
        "the memory clamped": ("new = f * c + i * g", "new = (f * c + i * g).clamp(-1, 1)"),
        "no forget gate": ("f * c", "c"),
        "no input gate": ("i * g", "g"),
        "forgets the candidate too": ("f * c + i * g", "f * (c + i * g)"),
        "coupled gates": ("i * g", "(1 - f) * g"),
        "forgets with 1 - f": ("f * c", "(1 - f) * c"),
        "gates swapped": ("f * c + i * g", "i * c + f * g"),
        "candidate subtracted": ("f * c + i * g", "f * c - i * g"),
        "no old memory": ("f * c + i * g", "i * g"),
        "c first": ("return h, new", "return new, h"),
        "h only": ("return h, new", "return h"),
        "h twice": ("return h, new", "return h, h"),
        "the old memory back": ("return h, new", "return h, c"),
        "tanh of c back": ("return h, new", "return h, torch.tanh(new)"),
        "the output gate too": ("return h, new", "return h, new, o"),
        "every fourth": ("z.chunk(4, dim=-1)", "(z[..., k::4] for k in range(4))"),
        "the batch cut in four": ("z.chunk(4, dim=-1)", "z.chunk(4)"),
        "two axes only": ("z.chunk(4, dim=-1)", "z.chunk(4, dim=1)"),
        "two axes only, by slices": (
            "z.chunk(4, dim=-1)",
            "[z[:, k * c.shape[1] : (k + 1) * c.shape[1]] for k in range(4)]",
        ),
        "one axis only": ("z.chunk(4, dim=-1)", "z.view(4, -1)"),
        "four numbers": ("i, f, g, o = z.chunk(4, dim=-1)", "i, f, g, o = z"),
        "in place": ("new = f * c + i * g", "new = c.mul_(f).add_(i * g)"),
        "c changed by *=": ("new = f * c + i * g", "c *= f\n    c += i * g\n    new = c"),
        "detached": ("return h, new", "return h.detach(), new.detach()"),
        "the memory detached": ("f * c", "f * c.detach()"),
        "gates detached": ("i, f, g, o = z", "i, f, g, o = z.detach()"),
        "no gradients": ("def step", "@torch.no_grad()\ndef step"),
        "in single precision": ("return h, new", "return h.float(), new.float()"),
        "no return": ("return h, new", "h, new"),
        "one more on the forget gate": ("torch.sigmoid(f)", "torch.sigmoid(f + 1)"),
        "as in a GRU": ("f * c + i * g", "i * c + (1 - i) * g"),
        "the output gate lets in": ("i * g", "o * g"),
        "the input gate shows": ("o * torch.tanh(new)", "i * torch.tanh(new)"),
        "as a mean": ("new = f * c + i * g", "new = (f * c + i * g) / (f + i)"),
        "four numbers a part": ("z.chunk(4, dim=-1)", "z.split(4, dim=-1)"),
        "as many as the batch": ("z.chunk(4, dim=-1)", "(z[..., k * len(c) : (k + 1) * len(c)] for k in range(4))"),
        "new memory detached": ("return h, new", "return h, new.detach()"),
        "h and both": ("return h, new", "return h, (h, new)"),
        "in half precision": ("return h, new", "return h.half(), new.half()"),
        "keeps the memory itself": '''
memory = None


def step(z, c):
    global memory
    memory = c if memory is None or memory.shape != c.shape else memory
    i, f, g, o = z.chunk(4, dim=-1)
    memory = torch.sigmoid(f) * memory + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(memory), memory
''',
    },
    pitfalls=(
        "f, i, g, o", "i, f, o, g", "sigmoid on the candidate", "no tanh on the way out", "h of the old memory",
        "the memory squashed", "c first", "in place", "two axes only", "detached",
    ),
    right={
        "in three lines": '''
def step(z, c):
    i, f, g, o = torch.chunk(z, 4, -1)
    c = f.sigmoid() * c + i.sigmoid() * g.tanh()
    return o.sigmoid() * c.tanh(), c
''',
        "split": ("z.chunk(4, dim=-1)", "z.split(c.shape[-1], dim=-1)"),
        "slices": (
            "i, f, g, o = z.chunk(4, dim=-1)",
            "n = z.shape[-1] // 4\n    i, f, g, o = z[..., :n], z[..., n : 2 * n], z[..., 2 * n : 3 * n], z[..., 3 * n :]",
        ),
        "unflattened": ("z.chunk(4, dim=-1)", "z.unflatten(-1, (4, -1)).unbind(-2)"),
        "reshaped": ("z.chunk(4, dim=-1)", "z.reshape(*z.shape[:-1], 4, c.shape[-1]).unbind(-2)"),
        "sigmoid by hand": (
            "torch.sigmoid(i), torch.sigmoid(f), torch.sigmoid(o)",
            "1 / (1 + torch.exp(-i)), 1 / (1 + torch.exp(-f)), 1 / (1 + torch.exp(-o))",
        ),
        "tanh by hand": ("g = torch.tanh(g)", "g = 2 * torch.sigmoid(2 * g) - 1"),
        "a list": ("return h, new", "return [h, new]"),
        "stacked": ("return h, new", "return torch.stack([h, new])"),
        "addcmul": ("new = f * c + i * g", "new = torch.addcmul(f * c, i, g)"),
        "from F": ("torch.sigmoid(i), torch.sigmoid(f), torch.sigmoid(o)", "F.sigmoid(i), F.sigmoid(f), F.sigmoid(o)"),
        "the gates in one go": '''
def step(z, c):
    n = c.shape[-1]
    s = torch.sigmoid(z)
    new = s[..., n : 2 * n] * c + s[..., :n] * torch.tanh(z[..., 2 * n : 3 * n])
    return s[..., 3 * n :] * torch.tanh(new), new
''',
        "narrow": ("z.chunk(4, dim=-1)", "[z.narrow(-1, k * c.shape[-1], c.shape[-1]) for k in range(4)]"),
        "a named tuple": (
            ("\ndef step", "from collections import namedtuple\n\nState = namedtuple('State', 'h c')\n\n\ndef step"),
            ("return h, new", "return State(h, new)"),
        ),
    },
)  # fmt: skip

BIAS = Bank(
    name="forget_bias",
    base='''
def forget_bias(steps, share):
    f = share ** (1 / steps)
    return math.log(f / (1 - f))
''',
    wrong={
        "the gate": ("math.log(f / (1 - f))", "f"),
        "squashed again": ("math.log(f / (1 - f))", "1 / (1 + math.exp(-f))"),
        "the logarithm of the gate": ("math.log(f / (1 - f))", "math.log(f)"),
        "minus the logarithm of the gate": ("math.log(f / (1 - f))", "-math.log(f)"),
        "the inverse of tanh": ("math.log(f / (1 - f))", "math.atanh(f)"),
        "no logarithm": ("math.log(f / (1 - f))", "f / (1 - f)"),
        "the brackets forgotten": ("math.log(f / (1 - f))", "math.log(f / 1 - f)"),
        "the bracket closed too early": ("math.log(f / (1 - f))", "math.log(f) / (1 - f)"),
        "1 + f": ("(1 - f)", "(1 + f)"),
        "f - 1": ("(1 - f)", "(f - 1)"),
        "log 10": ("math.log(", "math.log10("),
        "log 2": ("math.log(", "math.log2("),
        "log1p": ("math.log(", "math.log1p("),
        "the sign": ("return math", "return -math"),
        "upside down": ("f / (1 - f)", "(1 - f) / f"),
        "one step only": ("share ** (1 / steps)", "share"),
        "lost evenly": ("share ** (1 / steps)", "1 - (1 - share) / steps"),
        "divided by the steps": ("share ** (1 / steps)", "share / steps"),
        "the brackets of the root": ("share ** (1 / steps)", "share ** 1 / steps"),
        "one minus divided": ("share ** (1 / steps)", "1 - share / steps"),
        "the power": ("share ** (1 / steps)", "share**steps"),
        "a step too many": ("share ** (1 / steps)", "share ** (1 / (steps + 1))"),
        "a step too few": ("share ** (1 / steps)", "share ** (1 / max(steps - 1, 1))"),
        "a square root": ("share ** (1 / steps)", "math.sqrt(share)"),
        "what is lost": ("share ** (1 / steps)", "(1 - share) ** (1 / steps)"),
        "one minus the root of what is lost": ("share ** (1 / steps)", "1 - (1 - share) ** (1 / steps)"),
        "the time constant": ("share ** (1 / steps)", "math.exp(-1 / steps)"),
        "one in steps": ("share ** (1 / steps)", "1 - 1 / steps"),
        "always a half": ("share ** (1 / steps)", "0.5 ** (1 / steps)"),
        "per cent": ("share ** (1 / steps)", "(share / 100) ** (1 / steps)"),
        "steps times the bias": ("return math.log(f / (1 - f))", "return steps * math.log(share / (1 - share))"),
        "the bias by steps": ("return math.log(f / (1 - f))", "return math.log(share / (1 - share)) / steps"),
        "steps and share swapped": ("share ** (1 / steps)", "steps ** (1 / share)"),
        "log of the steps": ("return math.log(f / (1 - f))", "return math.log(steps)"),
        "integer division": ("(1 / steps)", "(1 // steps)"),
        "gate and bias": ("return math.log(f / (1 - f))", "return f, math.log(f / (1 - f))"),
        "torch.log of a number": ("math.log(", "torch.log("),
        "rounded": ("return math.log(f / (1 - f))", "return round(math.log(f / (1 - f)), 1)"),
        "no return": ("return ", ""),
        "prints": ("return math.log(f / (1 - f))", "print(math.log(f / (1 - f)))"),
        "logs added": ("math.log(f / (1 - f))", "math.log(f) + math.log(1 - f)"),
        "log minus 1": ("math.log(f / (1 - f))", "math.log(f) - 1"),
        "root of the steps": ("(1 / steps)", "(1 / math.sqrt(steps))"),
        "an exponential gate": ("share ** (1 / steps)", "math.exp(-share / steps)"),
        "the log divided, no exponential": ("share ** (1 / steps)", "math.log(share) / steps"),
        "of what each step loses": ("share ** (1 / steps)", "1 - share ** (1 / steps)"),
        "the root of the odds": ("math.log(f / (1 - f))", "(f / (1 - f)) ** (1 / steps)"),
        "half of it": ("return math", "return 0.5 * math"),
        "searched by tenths": '''
def forget_bias(steps, share):
    bias = -10.0
    while (1 / (1 + math.exp(-bias))) ** steps < share:
        bias += 0.1
    return bias
''',
    },
    pitfalls=("the gate", "one step only", "lost evenly", "the sign", "divided by the steps", "the logarithm of the gate"),
    right={
        "minus the log": ("math.log(f / (1 - f))", "-math.log(1 / f - 1)"),
        "two logs": ("math.log(f / (1 - f))", "math.log(f) - math.log(1 - f)"),
        "the root by exp": ("share ** (1 / steps)", "math.exp(math.log(share) / steps)"),
        "torch.logit": ("math.log(f / (1 - f))", "torch.logit(torch.tensor(f, dtype=torch.float64)).item()"),
        "a tensor in single precision": ("math.log(f / (1 - f))", "torch.logit(torch.tensor(f))"),
        "a tensor of one number": ("math.log(f / (1 - f))", "torch.tensor([math.log(f / (1 - f))])"),
        "all in torch": '''
def forget_bias(steps, share):
    f = torch.tensor(share, dtype=torch.float64) ** (1 / steps)
    return torch.log(f / (1 - f))
''',
        "numpy": ("return math.log(f / (1 - f))", "import numpy as np\n\n    return np.log(f / (1 - f))"),
        "atanh": ("math.log(f / (1 - f))", "2 * math.atanh(2 * f - 1)"),
        "by halving": '''
def forget_bias(steps, share):
    low, high = -50.0, 50.0
    for _ in range(200):
        middle = (low + high) / 2
        if (1 / (1 + math.exp(-middle))) ** steps < share:
            low = middle
        else:
            high = middle
    return middle
''',
        "pow": ("share ** (1 / steps)", "math.pow(share, 1.0 / steps)"),
        "torch.special": (
            "math.log(f / (1 - f))",
            "torch.special.logit(torch.tensor([f], dtype=torch.float64))[0]",
        ),
        "expm1": ("math.log(f / (1 - f))", "-math.log(math.expm1(-math.log(share) / steps))"),
    },
)  # fmt: skip

BANK = {"02.1": RNN_STEP, "02.2": LEFT, "02.3": STEP, "02.4": BIAS}
