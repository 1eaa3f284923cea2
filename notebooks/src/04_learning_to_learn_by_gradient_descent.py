# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown] slideshow={"slide_type": "slide"}
# # 04 Learning to learn by gradient descent by gradient descent
#
# One small network trains another one for you, step by step, in place of SGD or Adam. In this lesson you build it, train it, race it
# against those who have done the work so far, and find where it stops.
#
# **You will be able to**
#
# - write an optimizer that is one small LSTM, shared by all weights, and say which weights it then moves alike,
# - turn one gradient into two numbers that an LSTM can read,
# - train such an optimizer by truncated unrolls, and say where the history is cut, and why,
# - race it against tuned rivals on the same fresh problems, and on steps and networks it was not trained for,
# - test a cause before you believe it, where it fails.
#
# **Prerequisites:** [lesson 03](03_gradient_descent_is_an_lstm_cell.ipynb): gradient descent as a memory line, momentum as a second cell,
# and what it costs to drop the dashed edges.
#
# **Time:** 40 minutes of reading, and 40 minutes for the exercises.
#
# **What it costs to run:** *smoke* takes under 60 s on two cores. *lecture* takes under 3 minutes, one of them spent training.
# *paper* takes about 15 minutes, and no GPU. The optimizers of the races were trained longer, by
# `python -m studies.lesson04_learned_optimizers`, and come with the course; `python -m studies.lesson04_controls` makes the controls.

# %% [markdown] slideshow={"slide_type": "notes"}
# 1 min. The title of the paper is a joke that is exact: gradient descent learns an optimizer, and the optimizer learns. Say the promise, and say that you will show as well where it fails.

# %% tags=["parameters"]
PROFILE = "smoke"  # "smoke", "lecture" or "paper": the same cells, three budgets

# %% tags=["setup"]
import json
import math
import time

import matplotlib.pyplot as plt
import torch
from matplotlib.patches import FancyArrowPatch

from mlteach.checkpoint import load_checkpoint, params_from
from mlteach.exercises import check, find, yours
from mlteach.explore import LearnedStep, UnrolledChain, style
from mlteach.explore.figure import show
from mlteach.fit import fit
from mlteach.inner import CoordinatewiseLSTM, adapt, preprocess
from mlteach.inner import adam, momentum, nesterov, rmsprop, sgd
from mlteach.inner.coordinatewise import momentum_omega
from mlteach.measure import compare, difference, log_losses, over_tasks
from mlteach.measure import record, recorded
from mlteach.measure.ledger import data_folder
from mlteach.nets import MLP, cross_entropy
from mlteach.outer.truncated import Truncated, log_score
from mlteach.params import dot, gradient_of, leaves, norm
from mlteach.tasks import Digits, Quadratics

torch.set_num_threads(1)  # tensors as small as ours are quicker on one thread
style.use()
BUDGETS = {
    "smoke": dict(updates=200, seeds=[1]),
    "lecture": dict(updates=1500, seeds=[1]),
    "paper": dict(updates=5000, seeds=[1, 2, 3]),
}
budget = BUDGETS[PROFILE]

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What is left to be chosen?
#
# In lesson 03 all optimizers were one family: the weights are a memory line, and more memories stand in front of it. Someone chose how many, and
# what they keep. Momentum has one in front, Adam has two. Here is the same picture with the choice left open:
#
# $${\color{#007CC2}{\theta_{t+1}}} \;=\; {\color{#C73F9E}{1}}\;{\color{#007CC2}{\theta_t}} \;+\; {\color{#A26B00}{u_t}}, \qquad\qquad
# ({\color{#A26B00}{u_t}},\; h_{t+1}) \;=\; \mathrm{LSTM}\bigl({\color{#008765}{\nabla L(\theta_t)}},\; h_t;\; \omega\bigr)$$
#
# Aloud: *the weights keep what they have, with a forget gate of 1, and add whatever a small LSTM answers to the gradient. What the LSTM
# remembers goes with it from step to step.*
#
# Everything about the optimizer is now in $\omega$, the weights of the LSTM. And $\omega$ is learned, by gradient descent, on the losses that the
# optimizer reaches. Hence the title of the paper.

# %% [markdown] slideshow={"slide_type": "notes"}
# 3 min. Point at the forget gate of 1: as in lesson 03, nothing of the weights is forgotten. New is that the step is an answer, and no longer a rate times the gradient. Ask what omega has to be good at: low losses, soon, on problems it has not seen.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## How can one LSTM look after a thousand weights?
#
# **Predict.** The network that we shall train has 1510 weights. An ordinary LSTM that reads 1510 gradients and answers 1510 updates, with 1510
# units inside: how many weights does it have itself? (And how many if instead one LSTM with two layers of 20 units looks at one gradient at a time?)
#
# - ( ) about 6 thousand
# - ( ) about 2 million
# - ( ) about 18 million
# - ( ) about 3 billion

# %% [markdown] slideshow={"slide_type": "notes"}
# 1 min. Let them guess both numbers, and vote on the first.

# %%
n = 64 * 20 + 20 + 20 * 10 + 10
each_gate = n * n + n * n + n  # reads n inputs and n hidden units, and has n biases
everything_at_once = 4 * each_gate
lstm = CoordinatewiseLSTM()
omega = lstm.init(torch.Generator().manual_seed(4), torch.float64)
own = sum(value.numel() for value in omega.values())
for said, count, layers in (
    (f"an LSTM for all {n} weights together:", everything_at_once, "one layer"),
    ("one LSTM for each by itself:", own, "two layers"),
):
    print(f"{said:38} {count:>12,} numbers, {layers}")

# %% [markdown] slideshow={"slide_type": "slide"}
# <details><summary><b>Explain.</b> How many, and where does the difference come from?</summary>
#
# About 18 million, and about five thousand. The difference comes from the square: with all weights together every one of them can look at every other. The small LSTM looks at one *coordinate* at a time: one single weight, not a layer. It is
# called for each coordinate, always with the same $\omega$, but with that coordinate's own gradient and that coordinate's own memory $h$, $c$.
#
# </details>
#
# So the optimizer is **coordinatewise**: the weights $\omega$ are shared, the memories are not. Two things follow at once (the appendix measures them).
#
# - It works for **any number of parameters**, in any shape. Nothing in $\omega$ knows how many there are. A learned *start* cannot do that: it is one number
#   for each weight of one network. Lesson 05 learns one, and pays this price.
# - It **does not know which** coordinate it serves. Permute the weights, and the path is permuted.
#
# You know optimizers of this kind. Gradient descent, momentum and Adam are all coordinatewise: one rule, and for each weight its own memory.

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Eighteen million against five thousand. Then the sentence to remember: weights shared, memories not. Ask which optimizers they know that work coordinate by coordinate: all of lesson 03.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### What does it read?
#
# Gradients come in all sizes: 10 at the beginning, $10^{-6}$ at the end. An LSTM reads numbers around 1. Dividing by a constant does not help,
# there is no constant that fits both ends. So the paper hands over *two* numbers for each gradient, its size and its direction, with $p = 10$:
#
# $$\nabla \;\mapsto\; \begin{cases}\bigl(\tfrac{1}{p}\log|\nabla|,\;\; \mathrm{sign}\,\nabla\bigr) & \text{where } |\nabla| \ge e^{-p}\\
# \bigl(-1,\;\; e^{p}\,\nabla\bigr) & \text{where it is smaller}\end{cases}$$
#
# In words: the size is counted in powers of $e$, and the direction is the sign. Below $e^{-10} \approx 0.00005$ the size stays at $-1$, and the
# direction fades to zero in a straight line. At the border both branches give $(-1, \pm 1)$: nothing jumps.

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Read the formula by its two numbers, size and direction. Ask what goes wrong with the logarithm alone: at a gradient of zero it is minus infinity, and weights behind a pixel that is always white have gradients of exactly zero.

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "slide"}
sizes = torch.cat([-torch.logspace(1, -8, 200), torch.logspace(-8, 1, 200)]).double()
seen = preprocess(sizes)
fig, ax = plt.subplots(figsize=(8.5, 3.8))
for column, name, look in (
    (0, "size", style.method("lstm")),
    (1, "direction", style.method("lstm") | {"linestyle": ":"}),
):
    (line,) = ax.plot(sizes, seen[:, column], **look)
    style.label_line(ax, line, name)
edge = math.exp(-10)
for side in (-edge, edge):
    ax.axvline(side, color="black", linewidth=0.8)
near = edge * torch.tensor([-1 - 1e-6, -1 + 1e-6, 1 - 1e-6, 1 + 1e-6])
ax.plot(near, preprocess(near), "o", color="black", markersize=5)
ax.annotate("below $e^{-10}$", (0, 0.45), ha="center", fontsize=12,
            backgroundcolor="white")
ax.set_xscale("symlog", linthresh=edge)  # a line in the axis' linear part is a line
ax.set(xlabel="gradient", ylabel="what the LSTM reads",
       xticks=[-10, -0.1, -1e-3, 0, 1e-3, 0.1, 10], xlim=(-12, 300), ylim=(-1.15, 1.2))
ax.set_title("Nine powers of ten, and both numbers stay near 1")
ax.minorticks_off()
show(fig, alt=(
    "The two numbers that the LSTM reads, against the gradient on a symmetric "
    "logarithmic axis. The size falls from about 0.2 at gradients of 10 to -1 at e to"
    " the -10 and stays there; the direction is the sign outside and a steep straight"
    " line through zero inside. Dots just inside and just outside the two borders lie"
    " on each other: nothing jumps."
))

# %% [markdown] slideshow={"slide_type": "notes"}
# 1 min. Nine powers of ten on the axis, and neither number leaves the reach of an LSTM. The two branches meet at e to the minus 10: the dots.

# %% [markdown]
# ## Your turn: 04.1, two numbers for one gradient
#
# `features(x, p)` takes a tensor of any shape, `[...]`, and returns `[..., 2]`, of the same type: first the size, then the direction.
#
# <details><summary>Hint 1</summary>
#
# Four expressions: the size and the direction, each for large and for small x. `torch.where(condition, a, b)` chooses between two.
#
# </details>
# <details><summary>Hint 2</summary>
#
# `large = x.abs() >= math.exp(-p)`. Where x is small, the size is -1 and the direction is `math.exp(p) * x`.
#
# </details>
# <details><summary>Hint 3</summary>
#
# `return torch.stack([torch.where(large, x.abs().log() / p, -1.0), torch.where(large, x.sign(), ...)], -1)`
#
# </details>


# %% tags=["exercise"]
def features(x, p):
    ### BEGIN SOLUTION
    large = x.abs() >= math.exp(-p)
    size = torch.where(large, x.abs().log() / p, -1.0)
    direction = torch.where(large, x.sign(), math.exp(p) * x)
    return torch.stack([size, direction], -1)
    ### END SOLUTION


# %%
check("04.1", features)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The whole optimizer, by hand
#
# Two layers of the ordinary LSTM, and one linear map at the end. That is all. The package has the same for a whole dict of tensors, as a rule like
# `sgd` or `momentum`. Ten steps on three random bowls in four dimensions say whether the two agree:


# %% slideshow={"slide_type": "-"}
def lstm_step(omega, gradient, memory, read=preprocess):
    """What to add to each of N weights [N], and each layer's memories h, c [N, 20]."""
    x, after = read(gradient), []
    for layer, (h, c) in zip(("layer1", "layer2"), memory):
        W, U, b = (omega[f"{layer}.{name}"] for name in ("input", "hidden", "bias"))
        z = x @ W.T + h @ U.T + b
        i, f, candidate, o = z.chunk(4, dim=1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(candidate)
        x = torch.sigmoid(o) * torch.tanh(c)
        after.append((x, c))
    return 0.1 * (x @ omega["output.weight"] + omega["output.bias"]), after


def empty(weights):
    """The memories before the first step."""
    return [(torch.zeros(weights, 20, dtype=torch.float64),) * 2 for _ in range(2)]


# %% slideshow={"slide_type": "-", "code": false}
draw = torch.Generator().manual_seed(1)
bowls = Quadratics(4).sample(3, generator=draw, dtype=torch.float64)
theta, memory = bowls.start["theta"], empty(12)
slope = torch.func.grad(lambda theta: bowls.loss({"theta": theta}, 0).sum())
for _ in range(10):
    gradient = slope(theta)
    update, memory = lstm_step(omega, gradient.flatten(), memory)
    theta = theta + update.view_as(theta)
packaged = adapt(bowls.seen(), bowls.start, lstm.rule(omega), 10, first_order=True)
compare("the cell above", theta, "the package", packaged["theta"], to=1e-10)

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Nothing here is new: the cell of lesson 02, twice, and a linear map. Show where the coordinates are: they are the rows of the matrix x. The 0.1 in the last line makes a fresh optimizer begin with small steps.

# %% [markdown]
# ### One rule, one gradient: one step?
#
# **Predict.** Two weights have a gradient of 1 now. In the four steps before, one of them always had 1, the other always −1. Gradient descent, momentum, Adam
# and a small untrained LSTM each look after both. Which of them now add the same to both weights?
#
# - ( ) all four: one rule, one gradient
# - ( ) gradient descent alone
# - ( ) gradient descent and Adam, for squares have no sign
# - ( ) none of them: each weight has its own memory

# %%
history = torch.tensor([[1.0, -1.0]] * 4 + [[1.0, 1.0]], dtype=torch.float64)
for name, rule in (
    ("gradient descent", sgd(0.1)),
    ("momentum", momentum(0.1, 0.9)),
    ("Adam", adam(0.1)),
    ("small LSTM", lstm.rule(omega)),
):
    w = {"w": torch.zeros(2, dtype=torch.float64)}
    state = rule.init(w)
    for gradient in history:
        before = w
        w, state = rule.step(w, {"w": gradient}, state, loss=torch.zeros(()))
    added = (w["w"] - before["w"]).tolist()
    print(f"{name:16} adds {added[0]:+.4f} and {added[1]:+.4f}")

# %% [markdown]
# <details><summary><b>Explain.</b> Which of them?</summary>
#
# Gradient descent alone: it has no memory. The others keep one for each weight, and what it holds differs: the velocity, Adam's average of the gradients (its average of squares is
# the same in both), the LSTM's $h$ and $c$. So weights part as soon as their histories do. Two weights that have always had the same gradients are moved alike for ever, by Adam as by the LSTM.
#
# </details>

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What are the two layers for?
#
# For history. One gradient says which way is down *here*. Several of them say whether the last steps were too short (they agree) or too long (they
# alternate). Momentum is the simplest use of history: a second memory with a forget gate $\mu$ that gathers gradients,
#
# $$m_t = \mu\, m_{t-1} + 1\cdot\nabla L(\theta_{t-1}) \qquad\qquad \theta_t = \theta_{t-1} - \alpha\, m_t .$$
#
# The second layer of the LSTM is such a memory. So *there is a* $\omega$ for which the learned optimizer **is** momentum:
#
# | | forget gate | input gate | output gate |
# |---|---|---|---|
# | layer 1 hands the gradient on | 0 | 1 | 1 |
# | layer 2 gathers | $\mu$ | 1 | 1 |
#
# One thing is in the way: tanh bends, $\tanh(x) = x - \tfrac13 x^3 + \dots$ But around zero it is nearly a straight line. So the gradient goes
# in times a small number $s$, and comes out divided by it. The smaller $s$ is, the less is left of the bend.

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Momentum, put into an ordinary LSTM. Layer one passes on, layer two gathers. Ask how a gate of exactly mu is made: exercise 04.2. And ask about the tanh: near zero it is a line, so we work near zero. So momentum lies inside the family, and the best of the family is no worse. Whether training finds its way there is another question.

# %% [markdown]
# ## Your turn: 04.2, a forget gate that is momentum
#
# A gate is the sigmoid of a bias (all its weights are zero here). `forget_bias(mu)` returns the bias of a forget gate that stands at `mu`.
#
# <details><summary>Hint 1</summary>
#
# A gate is sigmoid(b) = 1 / (1 + e^-b). Which b makes it mu?
#
# </details>
# <details><summary>Hint 2</summary>
#
# From mu = 1 / (1 + e^-b) follows e^-b = 1 / mu - 1.
#
# </details>
# <details><summary>Hint 3</summary>
#
# `return math.log(... / (1 - mu))`
#
# </details>


# %% tags=["exercise"]
def forget_bias(mu):
    ### BEGIN SOLUTION
    return math.log(mu / (1 - mu))
    ### END SOLUTION


# %%
check("04.2", forget_bias)

# %% [markdown]
# The package holds these weights as `momentum_omega`. Nobody has trained them. Twenty-five steps on the bowls, beside the rule of lesson 03, for smaller and
# smaller $s$:
#
# **Predict.** From $s = 10^{-2}$ to $10^{-3}$: by how much does the difference between the two shrink?
#
# - ( ) three times
# - ( ) ten times
# - ( ) a hundred times
# - ( ) a thousand times

# %%
by_rule = adapt(bowls.seen(), bowls.start, momentum(0.01, 0.9), 25)["theta"]
smalls, gaps = [10 ** (-k / 2) for k in range(3, 9)], []
for small in smalls:
    as_lstm, by_hand = momentum_omega(0.01, 0.9, small)
    by_lstm = adapt(bowls.seen(), bowls.start, as_lstm.rule(by_hand), 25,
                    first_order=True)["theta"]
    gaps.append(difference(by_lstm, by_rule))
fig, ax = plt.subplots(figsize=(7, 3.2))
ax.loglog(smalls, gaps, **style.method("lstm"), marker="o")
ax.set(xlabel="s, what the gradient is multiplied by on its way in",
       ylabel="largest difference",
       title="How far the LSTM set by hand is from momentum")
show(fig, alt=(
    "The largest difference between the LSTM with weights set by hand and momentum, "
    "against s, both axes in powers of ten: a straight line that falls two powers of "
    "ten for each power of ten of s."
))
print(f"from 0.01 to 0.001 the difference shrinks {gaps[1] / gaps[3]:.0f} times")

# %% [markdown]
# <details><summary><b>Explain.</b> How many times, and why?</summary>
#
# A hundred times: $\tanh(x) = x - x^3/3 + \dots$ With $x$ of the size of $s$, the bend is $s^2$ of the number itself. A tenth of $s$ makes a hundredth of the error.
#
# </details>
#
# So momentum is one point of the family, and training begins elsewhere, at random, and looks for a better one.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## How is it trained?
#
# Take a problem. Let the optimizer run for $T = 100$ steps. Add up all the losses on the way. Go down that sum, by gradient descent on $\omega$:
#
# $$\omega \;\leftarrow\; \omega - \beta\; \nabla_\omega \sum_{t=1}^{T} L\bigl(\theta_t(\omega)\bigr)$$
#
# Aloud: *whatever lowers the losses along the way is good, and sooner is better than later.* Two cuts make it possible.
#
# 1. **Within a step**: each gradient $\nabla L(\theta_t)$ counts as a number that fell from the sky. These are the dashed edges of lesson 03.
# 2. **After 20 steps**: the run is cut into pieces. $\omega$ moves after every piece, and the next piece begins from the same $\theta$ and the same memories, but
#    without their history. So the way back is never longer than 20 steps. This is called *truncated backpropagation through time*.

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Say the objective aloud. Then the two cuts: within a step, and after twenty steps. The next slide draws both. Ask what is lost by the second: a loss after the cut does not come back to a step before it.

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "slide"}
PARTS = {part: style.cell(part)["color"] for part in "cig"}
fig, ax = plt.subplots(figsize=(10, 4.3))


def box(x, y, text, color="black", shape="round"):
    """A named box around (x, y)."""
    ax.text(x, y, text, color=color, ha="center", va="center", fontsize=13,
            bbox=dict(boxstyle=f"{shape},pad=0.35", facecolor="white", edgecolor=color))


def arrow(start, end, color="black", dash="-", width=1.5):
    ax.add_patch(FancyArrowPatch(start, end, arrowstyle="-|>", mutation_scale=14,
                                 color=color, linestyle=dash, linewidth=width))


for t in range(4):
    box(2 * t, 2, f"$\\theta_{t}$", PARTS["c"], "circle")
    if t:
        box(2 * t, 3.05, f"$L(\\theta_{t})$")
        arrow((2 * t, 2.32), (2 * t, 2.8))
    if t == 3:
        break
    box(2 * t + 0.8, 0, f"batch {t + 1}")
    box(2 * t + 0.8, 0.85, r"$\nabla L$", PARTS["g"])
    box(2 * t + 1.5, 0.85, "LSTM")
    arrow((2 * t + 0.8, 0.2), (2 * t + 0.8, 0.62))
    arrow((2 * t + 0.15, 1.72), (2 * t + 0.66, 1.12), style.color("warning"), "--")
    arrow((2 * t + 0.97, 0.85), (2 * t + 1.22, 0.85))
    arrow((2 * t + 1.55, 1.1), (2 * t + 1.88, 1.72), PARTS["i"])
    arrow((2 * t + 0.27, 2), (2 * t + 1.73, 2), PARTS["c"], width=2.5)
    if t < 2:
        arrow((2 * t + 1.6, 0.5), (2 * t + 3.4, 0.5))
        ax.text(2 * t + 1.95, 0.28, "h, c", ha="center", fontsize=11)
ax.text(1.6, 1.42, "$u_0$", color=PARTS["i"], fontsize=13, ha="right")
ax.text(1, 2.12, "1", color=PARTS["c"], fontsize=12, ha="center")
ax.axvline(4.27, 0.03, 0.97, color="black", linewidth=1.2, linestyle=(0, (1, 2)))
ax.text(4.34, 3.4, "a piece ends:\nnumbers go on,\ntheir history does not",
        fontsize=11, va="top")
ax.set(xlim=(-0.5, 6.6), ylim=(-0.4, 3.5))
ax.axis("off")
show(fig, alt=(
    "The run as a chain. Along the top the weights theta 0 to theta 3, joined by a "
    "line with forget gate 1; above each but the first its loss. At each step a batch"
    " comes in from below and becomes a gradient; a dashed arrow leads from the "
    "weights into it. The gradient enters an LSTM, whose answer is added to the "
    "weights and whose memory goes on to the next LSTM. A dotted line after two steps"
    " says: a piece ends, numbers go on, their history does not."
))

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Read it as a recurrent network: batches come in, weights and memories go on. Then the dashed arrows. In a network that reads text the next letter does not ask what the cell remembers. Here the input is the gradient at theta, and theta is the memory. Cut one drops the dashed arrows. Cut two is the dotted line.

# %% [markdown]
# Read it as a recurrent network. The **batches are its inputs**; weights and memories go on from step to step. One thing is unlike any network that reads a text. There the
# input $x_t$ is the next letter, whatever the cell remembers. Here the input is the gradient *at* $\theta_t$, and $\theta_t$ is what the memory line holds: the dashed arrow. In an
# ordinary LSTM there is no such arrow, and its usual training knows no way back through it. Cut 1 makes this chain as ordinary as a text.
#
# Take the first cut into your hand, for the smallest optimizer there is: one number $\omega$ that multiplies minus the gradient, judged at the end alone. Cut the edges one by one and see what $\omega$ is told:

# %% slideshow={"slide_type": "slide"}
chain = UnrolledChain(reading="learned optimizer", steps=4, rate=0.4)
chain

# %% [markdown] slideshow={"slide_type": "notes"}
# 1 min. Play it forward and back. Then cut all dashed edges and play the way back again: it runs along the top alone.

# %%
for steps in (1, 4):
    chain.steps = steps
    print(chain.summary)

# %% [markdown]
# With a single step there is nothing to lose: the start does not depend on $\omega$, so neither does the first gradient. The more steps, the more the edges carry.
#
# ## Your turn: 04.3, one piece of the run
#
# `piece(step, loss, slope, omega, theta, state, steps)` runs `steps` steps and returns three things: the mean of the losses *after* each step, and the `theta` and
# the `state` with which the next piece begins.
#
# - `step(omega, gradient, state)` returns `(update, state)`: the optimizer. `slope(theta)` is the gradient that it reads, `loss(theta)` the number that it is judged by.
# - Gradients count as constants. The next piece must not go back into this one. Everything else keeps its way back to `omega`.
#
# <details><summary>Hint 1</summary>
#
# Four lines in a loop: the slope as a constant, the optimizer's answer, the move, the loss.
#
# </details>
# <details><summary>Hint 2</summary>
#
# `update, state = step(omega, slope(theta).detach(), state)`, then theta moves, then its loss is added up.
#
# </details>
# <details><summary>Hint 3</summary>
#
# `return total / steps, theta.detach(), ...`: what else does the next piece begin with?
#
# </details>


# %% tags=["exercise"]
def piece(step, loss, slope, omega, theta, state, steps):
    ### BEGIN SOLUTION
    total = 0
    for _ in range(steps):
        update, state = step(omega, slope(theta).detach(), state)
        theta = theta + update
        total = total + loss(theta)
    return total / steps, theta.detach(), state.detach()
    ### END SOLUTION


# %%
check("04.3", piece)

# %%
mine = yours("04.3", piece, otherwise=find("04.3").solution)

# %% [markdown]
# Whoever it is from, this piece trains the optimizer from here on. What is missing is where the run stands between two pieces. `step` is the LSTM that you have seen above, its four memories laid side by
# side in one tensor, and it reads a third number: the gradient itself, times 0.1. The package does the same for any rule and any problem in `Truncated`. Do two pieces of
# five steps give the same two gradients for $\omega$?

# %%
ours = CoordinatewiseLSTM(raw=0.1)


def step(omega, gradient, state):
    """`lstm_step` for weights of any shape; state [N, 80] is h, c, h, c."""
    h1, c1, h2, c2 = state.chunk(4, 1)
    memory = [(h1, c1), (h2, c2)]
    update, after = lstm_step(omega, gradient.flatten(), memory, read=ours.features)
    memory = torch.cat([part for pair in after for part in pair], 1)
    return update.view_as(gradient), memory


def training_by(piece, draw, steps=100, unroll=20):
    """What `fit` wants, (gradient, sample): runs in pieces, on what ``draw`` makes."""
    run = {"t": steps}  # where it stands

    def sample(generator):
        if run["t"] == steps:  # the run is over: the next one
            problems = draw(generator)
            theta = problems.start["theta"]
            state = theta.new_zeros(theta.numel(), 80)
            run.update(problems=problems, theta=theta, state=state, t=0)
        return run["problems"]

    def gradient(omega, problems):
        def loss(theta):
            return log_score(problems, {"theta": theta}, 0).mean()

        slope = torch.func.grad(lambda theta: problems.score({"theta": theta}).sum())
        point, begin = leaves(omega), (run["theta"], run["state"])
        mean, *end = piece(step, loss, slope, point, *begin, unroll)
        run["theta"], run["state"] = end
        run["t"] += unroll
        return gradient_of(mean.sum(), point), {"loss": mean.detach().sum()}

    return gradient, sample


fresh_omega = ours.init(torch.Generator().manual_seed(0), torch.float64)
gradient, sample = training_by(mine, lambda generator: bowls, steps=10, unroll=5)
package = Truncated(ours.rule, lambda generator: bowls, steps=10, unroll=5,
                    objective=log_score)
for number in (1, 2):
    by_piece, _ = gradient(fresh_omega, sample(torch.Generator()))
    packaged, _ = package.gradient(fresh_omega, package.sample(torch.Generator()))
    compare(f"piece {number}", by_piece, "the package", packaged, to=1e-10)

# %% [markdown]
# ### What does it buy to call the gradients constants?
#
# **Predict.** With the dashed edges kept, autograd needs the second derivatives of the problem. How much longer does an update of $\omega$ then take, on quadratics?
#
# - ( ) hardly any longer
# - ( ) about twice as long
# - ( ) about ten times as long


# %% tags=["setup"]
def trained(family, lstm, seed=1):
    """The omega that comes with the course for a family; seeds 1, 2 and 3."""
    kept = load_checkpoint(data_folder() / "checkpoints" / f"04-{family}.safetensors")
    mine = {name: value for name, value in kept.tensors.items()
            if name.startswith(f"theta.seed{seed}.")}
    blank = lstm.init(torch.Generator())
    return params_from(kept._replace(tensors=mine), blank, f"theta.seed{seed}.")


# %%
def one_piece(many, keep_edges):
    """Twenty steps on the bowls, with or without the dashed edges."""
    return Truncated(ours.rule, lambda g: many, steps=20, objective=log_score,
                     second_order=keep_edges)


def doubled(omega):
    return {name: value.double() for name, value in omega.items()}


found = {"fresh": [], "trained": []}  # lengths kept and cut, and their cosine
for seed in (1, 2, 3):
    draw = torch.Generator().manual_seed(seed)
    points = (ours.init(draw, torch.float64),
              doubled(trained("quadratics", ours, seed)))
    for problems in (5, 6, 7):
        draw = torch.Generator().manual_seed(problems)
        many = Quadratics().sample(64, generator=draw, dtype=torch.float64)
        for said, point in zip(found, points):
            kept, _ = one_piece(many, keep_edges=True).gradient(point, many)
            dropped, _ = one_piece(many, keep_edges=False).gradient(point, many)
            lengths = norm(kept).item(), norm(dropped).item()
            cosine = dot(kept, dropped).item() / math.prod(lengths)
            found[said].append((*lengths, cosine, seed))

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "slide"}
fig, axes = plt.subplots(1, 2, figsize=(9.6, 3.8))
axes[0].set_yscale("log")
for place, rows in enumerate(found.values()):
    for number, (kept, dropped, cosine, seed) in enumerate(rows):
        x = place + (number - 4) / 12
        look = dict(color=style.color("lstm"), markeredgecolor="black", markersize=7)
        axes[0].plot([x, x], [kept, dropped], "-", color="#6b6b6b", linewidth=1)
        axes[0].plot(x, kept, "o", **look | {"markersize": 10})
        axes[0].plot(x, dropped, "o", **look | {"color": "white"})
        axes[1].plot(x, cosine, "os^"[seed - 1], **look)
axes[0].annotate("edges kept", (1.2, 300), fontsize=12, ha="left")
axes[0].annotate("edges cut", (1.2, 0.14), fontsize=12, ha="left")
for number, seed in enumerate((1, 2, 3)):
    axes[1].annotate(f"{seed}", (1 + (3 * number - 3) / 12, -1.08), fontsize=11,
                     ha="center", va="top")
axes[0].set(ylabel="length of the gradient for $\\omega$",
            title="Trained: one is far longer")
axes[1].set(ylabel="cosine of the two", ylim=(-1.35, 1.1), yticks=[-1, 0, 1],
            title="and they point apart")
axes[1].annotate("seed", (0.62, -1.08), fontsize=11, ha="right", va="top")
axes[1].axhline(0, color="black", linewidth=0.6)
for ax in axes:
    ax.set(xticks=[0, 1], xticklabels=[f"{said} $\\omega$" for said in found],
           xlim=(-0.6, 1.65))
show(fig, alt=(
    "Two plots for three seeds on three sets of problems each. Left, lengths of the "
    "true and of the cut gradient, on a logarithmic axis: for a fresh omega they are "
    "equal; for a trained one the cut gradient stays around one while the true one is"
    " ten to several hundred times longer. Right, their cosine: 1 for a fresh omega; "
    "for a trained one it lies between -1 and 1, positive and negative."
))

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Left: fresh, both lengths are the same; trained, the true gradient is ten to several hundred times longer. Right: the direction. Fresh, the cosine is 1. Trained, it takes either sign, and changes with seed and problems. Ask which of the two should be the teacher. Then say what we measured: the true one as it comes is the worst, shortened to length 1 it is as good as the cut one.

# %% tags=["nbval-ignore-output"]
# not compared: seconds, which differ from machine to machine
seconds = {}
for keep in (True, False):
    race, began = one_piece(many, keep), time.process_time()
    for _ in range(3):
        race.gradient(points[1], many)
    seconds[keep] = (time.process_time() - began) / 3
longer = seconds[True] / seconds[False]
print(f"with second derivatives one update takes {longer:.1f} times as long")
record("second-derivatives.cost", longer, unit="times", seeds=[5],
       note="one update on 64 quadratics, float64")

# %% [markdown]
# <details><summary><b>Explain.</b> What does the cut buy, and what does it cost?</summary>
#
# Hardly any longer: the LSTM is the work, and the second derivatives of a bowl come almost for nothing. So on bowls the cut does not buy time.
#
# What it *costs* depends on $\omega$. The dashed edge carries *step times curvature*, as in lesson 03. A fresh $\omega$ makes short steps, and the two gradients are nearly one. With a trained $\omega$ the
# true gradient is ten to several hundred times longer. Look at length and direction apart: beside so long a gradient *any* short one differs by nearly 100 %, wherever it points. And the direction is settled by nothing: the cosine
# has either sign.
#
# </details>
#
# So the true gradient should be the better teacher. The choices below say: used as it comes, it is far the worse one; shortened wherever it is longer than 1, it is as good as the cut one. Its length
# does the harm. Metz and others met such exploding gradients in larger learned optimizers.
#
# ## Train one
#
# The problems are the paper's smallest: random quadratics in ten dimensions, $L(\theta) = \lVert W\theta - y\rVert^2$, all entries of $W$ and $y$ drawn from a normal
# distribution. Each run takes 64 new ones. Three things differ from the paper:
#
# - the LSTM reads the gradient itself as a third number, times 0.1,
# - the objective is the mean of the *logarithms* of the losses, so that a step from 0.01 to 0.001 counts as much as one from 10 to 1,
# - the outer rate falls to zero like a cosine.


# %%
def train(seed):
    """One optimizer, by `mine`: truncated unrolls on fresh quadratics."""
    gradient, sample = training_by(mine, lambda g: Quadratics().sample(64, generator=g))
    generator = torch.Generator().manual_seed(seed)
    return fit(gradient, ours.init(generator), sample, steps=budget["updates"],
               generator=generator, lr=1e-2, schedule="cosine",
               progress=f"learning to optimize, seed {seed}")


runs = [train(seed) for seed in budget["seeds"]]
per_run = 5  # pieces
print(f"{runs[0].step} updates of omega, on {runs[0].step // per_run} runs "
      "of 100 steps, 64 problems each")

# %% jupyter={"source_hidden": true}
fig, ax = plt.subplots(figsize=(8, 3.6))
for run in runs:
    pieces = torch.tensor(run.history["loss"]).view(-1, per_run) / math.log(10)
    window = min(10, len(pieces) // 2)
    for place, name in ((0, "steps 1 to 20"), (per_run - 1, "steps 81 to 100")):
        smooth = pieces[:, place].unfold(0, window, 1).mean(1)
        look = style.method("lstm") | ({"linestyle": ":"} if place == 0 else {})
        (line,) = ax.plot(range(window, len(pieces) + 1), smooth, **look)
        if run is runs[0]:
            style.label_line(ax, line, name)
ax.set(xlabel="run of 100 steps", ylabel="mean log10 loss",
       title="Two pieces of the run, while it is being learned")
ax.set_xlim(0, 1.3 * len(pieces))
show(fig, alt=(
    "Two curves over the training runs: the mean logarithm of the loss in steps 1 to "
    "20 falls early and stays; in steps 81 to 100 it falls further and for longer."
))

# %%
RIVALS = {
    "SGD": sgd,
    "momentum": lambda rate: momentum(rate, 0.9),
    "Nesterov": lambda rate: nesterov(rate, 0.9),
    "RMSprop": rmsprop,
    "Adam": adam,
}
races = {family: recorded("04", family) for family in ("quadratics", "digits")}
fresh = Quadratics().sample(256, generator=torch.Generator().manual_seed(20_000))
at = [*range(0, 101, 5), *range(110, 501, 10)]
live = log_losses(fresh, ours.rule(runs[0].theta), at)
sgd_rate = races["quadratics"]["as trained.100.SGD"]["rate"]
best_sgd = log_losses(fresh, sgd(sgd_rate), [100])
below = live[at.index(100)].mean() < best_sgd.mean()
print("after 100 steps yours is", "below" if below else "above", "tuned SGD")
record("quadratics.live.100", over_tasks(live[at.index(100)]), unit="log10 loss",
       seeds=budget["seeds"][:1], seconds=runs[0].seconds,
       note=f"{runs[0].step} updates, trained in the lesson")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The first race: quadratics
#
# The optimizers of the race had 5000 updates each, about three minutes on one core, from three seeds. A race is fair if the rivals are tuned. So each got its best rate out of a grid, chosen on 256 problems of their
# own, **for each horizon anew**: the best rate for 100 steps need not be the best for 500. Their forget gates are the usual ones: 0.9 for momentum, 0.9 and 0.999 for Adam.
# Then all of them run on the same 256 fresh problems, and the one that you have trained above as well.
#
# **Predict.** The learned optimizer was trained for 100 steps. Who is lowest at step 500?
#
# - ( ) the learned optimizer
# - ( ) SGD
# - ( ) momentum
# - ( ) Adam
#
# <details><summary><b>Explain.</b> Who is it?</summary>
#
# Momentum, and Adam after it. At step 100 the learned optimizer and momentum are level, far below the others, and at step 200 both momentum and Adam are ahead of it.
#
# </details>

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Say how it is made fair: every rival tuned, for every horizon, on problems of its own, and the same test problems for all. Have them write down three names, for 100, 200 and 500 steps.

# %% [markdown] tags=["open"]
# The grids, and the rates that were best for 100, 200 and 500 steps (rates, not losses: they say nothing of who wins):

# %% tags=["open"]
def grids_of(family):
    """The rates that each rival was tuned over."""
    text = (data_folder() / "results" / f"04-{family}.json").read_text()
    return json.loads(text)["recipe"]["grid"]


for name, grid in grids_of("quadratics").items():
    at_each = [races["quadratics"][f"as trained.{t}.{name}"] for t in (100, 200, 500)]
    chosen = ", ".join(f"{figure['rate']:.3g}" for figure in at_each)
    print(f"{name:9} {len(grid)} rates, {grid[0]:.2g} to {grid[-1]:.2g}; "
          f"the best: {chosen}")


# %% jupyter={"source_hidden": true} slideshow={"slide_type": "slide"}
GREYS = {
    "SGD": (0, (1, 1)),
    "RMSprop": (0, (3, 1, 1, 1, 1, 1)),
    "Adam": (0, (6, 2)),
    "Nesterov": (0, (6, 2, 1, 2)),
    "momentum": "-",
}


def curves(ax, family, case, until):
    """Mean curves: three seeds of the learned optimizer as a band, rivals in grey."""
    path = data_folder() / "checkpoints" / f"04-{family}-curves.safetensors"
    kept = load_checkpoint(path).tensors
    steps = kept[f"{case}.steps"]
    inside = steps <= until
    for name, dash in GREYS.items():
        look = style.method("baseline") | {"linestyle": dash, "linewidth": 1.6}
        (line,) = ax.plot(steps[inside], kept[f"{case}.{name}.{until}"][inside], **look)
        style.label_line(ax, line, name, fontsize=11)
    seeds = torch.stack([kept[f"{case}.LSTM.{seed}"] for seed in (1, 2, 3)])[:, inside]
    ax.fill_between(steps[inside], seeds.amin(0), seeds.amax(0),
                    color=style.color("lstm"), alpha=0.3, linewidth=0)
    (line,) = ax.plot(steps[inside], seeds.mean(0), **style.method("lstm"))
    style.label_line(ax, line, "LSTM", fontsize=11)


def differences(ax, family, case, steps):
    """LSTM minus each rival: mean and interval over problems, and its seeds."""
    for place, rival in enumerate(RIVALS):
        for number, t in enumerate(steps):
            figure = races[family][f"{case}.{t}.{rival}"]
            y = place + 0.25 * (number - (len(steps) - 1) / 2)
            ax.errorbar(figure["difference"], y, xerr=figure["difference_interval"],
                        fmt="os^"[number], color=style.color("lstm"),
                        markeredgecolor="black", capsize=3)
            ax.plot([mean for mean, _ in figure["difference_each"]], [y] * 3, "|",
                    color="black", markersize=7)
    ax.axvline(0, color="black", linewidth=0.8)
    ax.set(yticks=range(len(RIVALS)), yticklabels=RIVALS, ylim=(4.6, -0.6))


fig, axes = plt.subplots(1, 2, figsize=(10, 3.8))
titles = ("The steps it was trained for", "and afterwards")
for ax, until, title in zip(axes, (100, 500), titles):
    curves(ax, "quadratics", "as trained", until)
    inside = [k for k, t in enumerate(at) if t <= until]
    dark = style.ink(style.color("lstm"))
    look = style.method("lstm") | {"linestyle": ":", "color": dark}
    (line,) = ax.plot([at[k] for k in inside], live[inside].mean(1), **look)
    style.label_line(ax, line, "yours", fontsize=11)
    ax.set(xlabel="step", xlim=(0, 1.3 * until),
           xticks=torch.linspace(0, until, 6).int().tolist(), title=title)
axes[1].axvline(100, color="black", linewidth=0.8)
axes[1].annotate("trained\nup to here", (104, 0.6), fontsize=11, va="top")
axes[0].set_ylabel("mean log10 loss, 256 fresh problems")
show(fig, alt=(
    "Mean logarithm of the loss on fresh quadratics against the step, for the learned"
    " optimizer with a band over three training seeds, for the one trained in this "
    "lesson (dotted) and for five tuned rivals in grey. Left, up to step 100: the "
    "learned optimizer is the lowest for most of the way, momentum comes close at the"
    " end. Right, up to step 500: momentum, Adam and at last Nesterov go on falling, "
    "and the learned optimizer bends and stays behind them."
))

# %% [markdown] slideshow={"slide_type": "notes"}
# 3 min. Left picture first: it leads for a hundred steps, with momentum at its heels. Then the right one, and the guesses. At 500 it has lost to momentum and Adam by orders of magnitude. Say both with the same voice, and ask why it is overtaken. The next two slides test two answers.

# %% jupyter={"source_hidden": true}
fig, ax = plt.subplots(figsize=(8.5, 3.6))
differences(ax, "quadratics", "as trained", (100, 200, 500))
for mark, t in zip("os^", (100, 200, 500)):
    ax.plot([], [], mark, color=style.color("lstm"), markeredgecolor="black",
            label=f"step {t}")
ax.legend(loc="upper right", fontsize=11)
ax.set(xlabel="mean log10 loss: LSTM minus rival (left of 0: the LSTM is lower)",
       title="At step 100 only momentum is level with it")
show(fig, alt=(
    "For each rival the difference of the mean log10 loss, LSTM minus rival, at steps"
    " 100, 200 and 500, with intervals over problems and marks for the three seeds. "
    "At step 100 all are left of zero but momentum, whose interval touches it. At "
    "step 200 momentum and Adam are right of zero and Nesterov is at it; at step 500 "
    "these three are one to three powers of ten ahead. SGD and RMSprop stay behind."
))

# %% [markdown]
# Left of zero the learned optimizer is lower, and where an interval over the problems does not reach zero, more problems would not change that. The black marks are its three seeds.
#
# - **At step 100** it is below SGD, RMSprop, Adam and Nesterov, each at its best rate. **Momentum is the hard one**: ahead by a hair. One of the three seeds beats it, two do not.
# - **At step 200** momentum and Adam are ahead, and Nesterov is level. **At step 500** it loses to all three, by one to three powers of ten.
# - **The seeds differ** by more than the problems do. The intervals say how well *these three* optimizers are known. How the next training would turn out they do not say: three seeds
#   are few, and at step 500 they lie powers of ten apart.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### What happens after step 100?
#
# It is overtaken. Two suspicions. It may not stop when it has arrived, as gradient descent does, whose step is zero where the gradient is. And it may need practice beyond step 100.
#
# Test both. Run for 100 steps, then feed gradients of exactly zero. Make its steps die away after step 100. And train one on runs of 500 steps, with as many updates of $\omega$.

# %% [markdown] slideshow={"slide_type": "notes"}
# 1 min. Two suspicions, three tests. Take guesses: after two hundred zeros, who still moves: SGD, momentum, Adam, the LSTM?


# %%
def after_the_end(rule, warm=100, silent=200):
    """How far a weight still moves at each step with a gradient of zero, on average."""
    problems = Quadratics().sample(64, generator=torch.Generator().manual_seed(6))
    theta, state, moved = problems.start, rule.init(problems.start), []
    for t in range(warm + silent):
        gradient = torch.func.grad(lambda p: problems.score(p).sum())(theta)
        if t >= warm:
            gradient = {name: torch.zeros_like(g) for name, g in gradient.items()}
        before = theta
        theta, state = rule.step(theta, gradient, state, loss=torch.zeros(()))
        moved.append((theta["theta"] - before["theta"]).abs().mean().item())
    return moved[warm:]


omegas = [trained("quadratics", ours, seed) for seed in (1, 2, 3)]
rates = {name: races["quadratics"][f"as trained.500.{name}"]["rate"] for name in RIVALS}
with torch.no_grad():
    moved = {name: after_the_end(RIVALS[name](rates[name]))
             for name in ("SGD", "momentum", "Adam")}
    moved |= {f"LSTM, seed {seed}": after_the_end(ours.rule(omega))
              for seed, omega in enumerate(omegas, 1)}
for name, way in moved.items():
    print(f"{name:12} moves after 200 zeros:", "yes" if way[-1] else "exactly 0")

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "slide"}
controls = recorded("04", "controls")
fig, axes = plt.subplots(1, 2, figsize=(10, 3.9))
for name, way in moved.items():
    still = [step if step > 0 else math.nan for step in way]
    look = style.method("lstm") if "LSTM" in name else (
        style.method("baseline") | {"linestyle": GREYS[name], "linewidth": 1.6})
    if any(step > 0 for step in way):
        (line,) = axes[0].plot(range(1, 201), still, **look)
        if "LSTM" in name:
            style.label_line(axes[0], line, name.replace("LSTM, ", ""), fontsize=11)
axes[0].annotate("momentum, Adam", (84, 3e-6), fontsize=11)
axes[0].annotate("SGD: 0 at once", (4, 2.5e-10), fontsize=11)
axes[0].set(yscale="log", ylim=(1e-10, 1), xlim=(0, 260), xticks=range(0, 201, 50),
            xlabel="steps with a gradient of zero", ylabel="mean size of a step",
            title="Told nothing, the LSTM moves on")
best = min((name for name in controls if name.startswith("shrinking.")),
           key=lambda name: controls[name]["value"])
figures = races["quadratics"]
rows = {
    "LSTM": figures["as trained.500.LSTM"],
    "its steps die away": controls[best],
    "trained briefly, 100 steps": controls["horizon.runs of 100.500"],
    "trained briefly, 500 steps": controls["horizon.runs of 500.500"],
    "Adam": figures["as trained.500.Adam"],
    "momentum": figures["as trained.500.momentum"],
}
for y, figure in enumerate(rows.values()):
    look = style.color("lstm" if "each" in figure else "baseline")
    axes[1].plot(figure.get("each", []), [y] * len(figure.get("each", [])), "|",
                 color="black", markersize=10)
    axes[1].plot(figure["value"], y, "o", color=look, markeredgecolor="black")
axes[1].set(yticks=range(6), yticklabels=rows, ylim=(5.5, -0.5),
            xlabel="mean log10 loss at step 500",
            title="but this costs it little")
show(fig, alt=(
    "Left: the mean size of a step against the number of steps with a gradient of "
    "zero. Momentum and Adam fall in a straight line on the logarithmic axis and end "
    "at exactly zero; the three seeds of the LSTM level off and go on moving. Right: "
    "the loss at step 500 with three seeds each. Steps that die away help a little; "
    "training on runs of 500 steps in place of 100 does not. Adam and momentum are "
    "lower by powers of ten."
))

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Left: SGD stops at once; momentum and Adam roll out until nothing is left of their velocity; each seed of the LSTM goes on, at a size of its own. Right, the controls: its steps made to die away gain a little. As many updates on runs of 500 steps gain nothing. So say it plainly: we know that it is overtaken, and two causes that it is not, or hardly.

# %% [markdown]
# SGD stops at once. Momentum and Adam roll out: their velocity shrinks by 0.9 a step, until it is exactly zero. The three learned optimizers go on pushing, each at a size of its own.
#
# But look right. Made to die away (by the best of three factors), its steps gain a little, and momentum is still powers of ten lower. And with as many updates on runs of 500 steps it is no better at step 500:
# the seeds overlap. So neither suspicion explains it. What does, we have not found.
#
# ### And another scale?
#
# Multiply all entries of $W$ by 3, or divide them by 3. For a rival that is another rate, and it gets one: it is tuned anew. The learned optimizer comes as it is. And then, as the control, it too gets
# one tuned number: each of its steps times that.

# %% jupyter={"source_hidden": true}
fig, axes = plt.subplots(1, 2, figsize=(9.6, 3.2), sharex=True, sharey=True)
for ax, case in zip(axes, ("W three times smaller", "W three times larger")):
    figures, tuned = races["quadratics"], controls[f"scale.{case}"]
    rows = {name: figures[f"{case}.100.{name}"]["value"] for name in RIVALS}
    for y, value in enumerate(rows.values()):
        ax.plot(value, y, "o", color=style.color("baseline"))
    for y, figure in ((5, figures[f"{case}.100.LSTM"]), (6, tuned)):
        ax.plot(figure["value"], y, "o", color=style.color("lstm"),
                markeredgecolor="black")
        ax.plot(figure["each"], [y] * 3, "|", color="black", markersize=9)
    ax.set(title=case, xlabel="mean log10 loss at step 100", ylim=(6.6, -0.6))
axes[0].set(yticks=range(7),
            yticklabels=[*RIVALS, "LSTM as it comes", "LSTM, one number tuned"])
show(fig, alt=(
    "Mean log10 loss at step 100 on bowls whose W is three times smaller and three "
    "times larger: five tuned rivals, the LSTM as it comes, and the LSTM with its "
    "steps times one tuned number; marks for its three seeds."
))

# %% [markdown]
# As it comes it loses with the smaller $W$ to all three that remember gradients, and with the larger one to everybody. With one tuned number it is back where it was at home, in both. So what another scale
# spoils is the *length* of its steps, learned by heart, and nothing else. The features let an LSTM *read* gradients of all sizes. They do not tell it how far to go.
#
# ### What is each choice worth?
#
# One change at a time, three seeds each, with a small part of the budget. Loss at step 100:

# %% jupyter={"source_hidden": true}
choices = recorded("04", "choices")
fig, ax = plt.subplots(figsize=(9.2, 3.2))
for y, figure in enumerate(choices.values()):
    ax.plot(figure["each"], [y] * 3, "|", color="black", markersize=12)
    ax.plot(figure["value"], y, "o", color=style.color("lstm"), markeredgecolor="black")
ax.set(yticks=range(len(choices)), yticklabels=choices, ylim=(len(choices) - 0.5, -0.5),
       xlabel="mean log10 loss at step 100, and its three seeds",
       title="Short pieces are best here")
show(fig, alt=(
    "Mean log10 loss at step 100 for six recipes, with three seeds each. Unrolls of 5"
    " are lowest. Our recipe, one layer, and second derivatives shortened to length 1"
    " lie close together; the published recipe is higher, and second derivatives as "
    "they come are highest by far."
))

# %% [markdown]
# Read it with the seeds, and as what it is: a small budget, and no rate tuned for each row.
#
# - **Second derivatives kept**: by far the worst. The true gradient, used as it comes, teaches hardly anything. Shortened to length 1 wherever it is longer (the last row), it is as good as the cut one,
#   and no better.
# - **As published**, with two features and the plain sum: behind at this budget. What it would do at the paper's we have not measured.
# - **One layer**: the seeds overlap with those of two. So at this budget the second layer is not shown to help.
# - **Unrolls of 5**: as many inner steps, four times as many updates, and much better, better even than the optimizers of the race, which took many times as long. So our recipe for the bowls is not the best that there is. The optimizer of the second race is trained with pieces of 5.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The second race: a network on digits
#
# Now something real, if small: 8 × 8 handwritten digits, a network with one layer of 20 sigmoid units, minibatches of 64. One optimizer step is one minibatch. The learned
# optimizer saw 898 of the digits. The races are run on the other 899.

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "-"}
digits = Digits.load("test")
fig, axes = plt.subplots(2, 10, figsize=(9, 2.1))
for place, ax in enumerate(axes.flat):
    ax.imshow(digits.x[place].view(8, 8))
    ax.axis("off")
show(fig, alt="Twenty handwritten digits of eight by eight pixels, rough but readable.")

# %% [markdown] slideshow={"slide_type": "notes"}
# 1 min. A real task, if small. The learned optimizer has seen half of the digits; the races are run on the other half, each on fresh networks.

# %%
# gradients of a network are smaller than those of a bowl
on_digits = CoordinatewiseLSTM(raw=10.0)
net = MLP((64, 20, 10), "sigmoid", "uniform")
some = digits.problems(net, cross_entropy, 4, steps=60,
                       generator=torch.Generator().manual_seed(40))
digits_omega = trained("digits", on_digits)
rate = races["digits"]["as trained.100.Adam"]["rate"]
weights = sum(value[0].numel() for value in some.start.values())
print(f"one LSTM looks after {weights} weights in {len(some.start)} tensors")
asked = [*range(0, 61, 4)]
fig, ax = plt.subplots(figsize=(7.5, 3.2))
for name, rule, key in (("learned optimizer", on_digits.rule(digits_omega), "lstm"),
                        ("tuned Adam", adam(rate), "baseline")):
    (line,) = ax.plot(asked, log_losses(some, rule, asked).mean(1), **style.method(key))
    style.label_line(ax, line, name)
ax.set(xlabel="step", ylabel="mean log10 loss", xlim=(0, 78),
       title="On four fresh networks it is ahead of tuned Adam")
show(fig, alt="Mean logarithm of the loss of four fresh networks over 60 steps: the "
     "learned optimizer lies below tuned Adam at the end.")

# %% [markdown]
# (How it was trained: as before, one network a run, and with two changes. The objective is the loss on *all* 898 digits, while the gradients that the LSTM reads
# still come from 64. And the pieces are 5 steps long, as the
# choices above suggest. 16,000 updates take about five minutes on one free core. What each change brings on digits is not measured.)

# %% [markdown] slideshow={"slide_type": "slide"}
# **Predict.** It is trained on 20 sigmoid units, for 100 steps. Now change one thing at a time. With one of these changes momentum, Nesterov and Adam are all ahead of it. With which?
#
# - ( ) 200 steps
# - ( ) 40 units
# - ( ) two layers of 20
# - ( ) ReLU in place of sigmoid
#
# <details><summary><b>Explain.</b> With which?</summary>
#
# With ReLU in place of sigmoid, and that at step 100 already. With 40 units and with two layers it leads at step 100, as it does at home, and at home it still leads at step 200.
#
# </details>

# %% [markdown] slideshow={"slide_type": "notes"}
# 1 min. One vote, in writing. Momentum, Nesterov and Adam all ahead: with which change?

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "slide"}
fig, axes = plt.subplots(2, 2, figsize=(9.2, 6.0), sharex=True)
titles = {
    "as trained": "As trained: 20 sigmoid units",
    "40 units": "40 units",
    "two layers": "Two layers of 20",
    "ReLU": "ReLU",
}
for ax, (case, title) in zip(axes.flat, titles.items()):
    curves(ax, "digits", case, 200)
    ax.set(title=title, xlim=(0, 260), xticks=(0, 50, 100, 150, 200))
for ax in axes[1]:
    ax.set_xlabel("step (one minibatch of 64)")
for ax in axes[:, 0]:
    ax.set_ylabel("mean log10 loss")
show(fig, alt=(
    "Four plots of the mean logarithm of the loss over 200 steps: the learned "
    "optimizer with a band over three seeds, five tuned rivals in grey. As trained "
    "and with 40 units it falls fastest from the first steps and ends lowest. With "
    "two layers it leads by far up to step 100; Adam meets it near step 200. With "
    "ReLU it stays above Nesterov, Adam and momentum, and nearly stops after step "
    "100."
))

# %% [markdown] slideshow={"slide_type": "notes"}
# 3 min. One plot at a time, and read their predictions back. At home it is below all five rivals to the end, twice as long as it was trained for. Forty units: nothing has changed for it. Two layers: it leads, and Adam catches it at two hundred steps. ReLU: it loses to all three that remember gradients. The paper reports the same for ReLU, without a number. Ask why, and keep the answers: the next slide tests them.

# %% jupyter={"source_hidden": true}
fig, axes = plt.subplots(1, 4, figsize=(10, 3.4), sharey=True)
for ax, (case, title) in zip(axes, titles.items()):
    steps = (100, 200, 500) if case == "as trained" else (100, 200)
    differences(ax, "digits", case, steps)
    ax.set(title=title.removeprefix("As trained: "), xlim=(-1.5, 1.5))
fig.supxlabel("LSTM minus rival, mean log10 loss: ○ step 100, □ 200, △ 500")
show(fig, alt=(
    "For each of four kinds of network, LSTM minus each of five rivals, with "
    "intervals over networks and marks for three seeds. With 20 and 40 units all are "
    "left of zero at steps 100 and 200, and at step 500 right of it but SGD. With two"
    " layers all are left of zero at step 100 and Adam is at zero at step 200. With "
    "ReLU momentum, Nesterov and Adam are right of zero at step 100, and all five at "
    "step 200."
))

# %% [markdown]
# - **As trained** it is below all five rivals at steps 100 and 200, twice the steps it has practised. At step 500 only SGD has not passed it.
# - **40 units**: below all five at both steps, by more than before.
# - **Two layers**: below all five at step 100, each of the three seeds. At step 200 Adam is level with it.
# - **ReLU**: it loses to Nesterov, to Adam and to momentum at step 100, and to all five at step 200. The paper saw the same failure. Here the seeds lie far apart.
#
# One caution. The rivals were tuned on 16 networks, with four rates to a power of ten, and a rate that is good for those can be bad for some of the fresh ones. Nesterov at step 200 looks like such a case: its interval is the widest.
# Compare with the curves before you quote a difference.
#
# ### What does it see of another network?
#
# The optimizer does not see units or layers. It sees numbers: gradients. Here are those of the four kinds of network at their random start, 20 of each, for the weights behind pixels that are ever inked:

# %%
inked = digits.x.sum(0) > 0
kinds = {
    "20 units": net,
    "40 units": MLP((64, 40, 10), "sigmoid", "uniform"),
    "two layers": MLP((64, 20, 20, 10), "sigmoid", "uniform"),
    "ReLU": MLP((64, 20, 10), "relu", "uniform"),
}
for name, kind in kinds.items():
    starts = digits.problems(kind, cross_entropy, 20, steps=1,
                             generator=torch.Generator().manual_seed(12))
    slope = torch.func.grad(lambda p, starts=starts: starts.loss(p, 0).sum())
    first = slope(starts.start)["layer1.weight"][..., inked].abs().flatten()
    silent = (first == 0).float().mean().item()
    print(f"{name:12} median size {first.median().item():.4f}, "
          f"exactly zero: {100 * silent:.0f} %")

# %% [markdown]
# ReLU stands out by its zeros: a unit that is off has gradients of exactly zero for all its weights. (The zeros of the others are pixels that are white in the whole minibatch.) A tempting story: it has rarely
# met silence, so silence confuses it. Here is its control. Leave each silent weight and its memory untouched, as if that step had not been. Or let the units leak: from ReLU over a leak of 0.3 to a straight line,
# whose units are never off. And, once more, one tuned number:

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "slide"}
rows = {
    "sigmoid, as trained": races["digits"]["as trained.100.LSTM"],
    "ReLU": controls["silence.ReLU"],
    "ReLU, silent ones untouched": controls["silence.ReLU, silent ones spared"],
    "a leak of 0.3": controls["silence.leak 0.3"],
    "a straight line": controls["silence.straight line"],
    "ReLU, one number tuned": controls["one-number.ReLU"],
    "sigmoid, trained on it a tenth": controls["on-ReLU.trained on sigmoid.sigmoid"],
    "ReLU, by the row above": controls["on-ReLU.trained on sigmoid.ReLU"],
    "ReLU, trained on it a tenth": controls["on-ReLU.trained on ReLU.ReLU"],
}
rivals = [races["digits"]["as trained.100.Adam"]["value"],
          *(figure["adam"][0] for figure in list(rows.values())[1:5]),
          races["digits"]["ReLU.100.Adam"]["value"],
          *(races["digits"][f"{home}.100.Adam"]["value"]
            for home in ("as trained", "ReLU", "ReLU"))]
fig, ax = plt.subplots(figsize=(9.4, 4.7))
for y, (figure, rival) in enumerate(zip(rows.values(), rivals)):
    ax.plot(rival, y, "s", color="white", markeredgecolor=style.color("baseline"))
    ax.plot(figure["each"], [y] * 3, "|", color="black", markersize=12)
    ax.plot(figure["value"], y, "o", color=style.color("lstm"), markeredgecolor="black")
    if "silent" in figure:
        zeros = f"{figure['silent']:.0f} % zeros"
        ax.annotate(zeros, (0.12, y), fontsize=11, va="center")
ax.set(yticks=range(len(rows)), yticklabels=rows, ylim=(len(rows) - 0.5, -0.5),
       xlim=(-1.5, 0.5), xlabel="mean log10 loss at step 100 (square: tuned Adam)",
       title="Without its zeros it does no better")
show(fig, alt=(
    "Mean log10 loss at step 100 of the learned optimizer with three seeds, and of "
    "tuned Adam. As trained it is ahead of Adam. On ReLU it is behind, and stays there "
    "when silent weights are left untouched. With leaking units there are no more "
    "zeros than at home, and it does no better; on straight lines it is worst of all. "
    "On ReLU with one tuned number it is nearly level with Adam. Trained on ReLU with "
    "a tenth of the updates, two seeds of three guess, and one is near those of "
    "sigmoid."
))

# %% [markdown] slideshow={"slide_type": "notes"}
# 3 min. First their answers to why ReLU. Then the row that leaves silent weights untouched: nothing gained. Then the leaks: fewer zeros, no better, and worst where no unit is ever off. So the zeros are not the cause. Then one tuned number for the length of its steps, which closes most of the gap. The last three rows are other optimizers, trained with a tenth of the updates: on ReLU two seeds of three end at guessing, and the third does what sigmoid's do at home. To have seen ReLU would help, and on ReLU this recipe mostly breaks.

# %% [markdown]
# The story is wrong. Spared, the silent weights gain nothing. With a leak there are no more zeros than at home, and it does no better; with straight lines it is worst of all, while Adam stays where it was.
#
# The last row does more. With one tuned number, smaller than 1 in each seed, it is level with tuned momentum, and still behind Nesterov and a little behind Adam. So for the larger part it is again the *length* of its steps that
# does not fit. What the rest is, we have not found.
#
# Has it only never seen ReLU? The last three rows are trained with a tenth of the updates. On ReLU two seeds of three end at guessing; the third does what sigmoid's do at home. So this recipe mostly fails on ReLU, too. Whether longer training mends that is open.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What has it learned to do?
#
# Paint the gradients of one weight, and read off what the optimizer trained on digits adds to that weight at each step, beside SGD, momentum and Adam at their tuned rates. The second
# plot asks: what would it have done if the gradient at this step had been another?

# %% [markdown] slideshow={"slide_type": "notes"}
# 1 min. Say what one weight sees: a number at each step, its gradient, and nothing else.

# %% tags=["opening"] slideshow={"slide_type": "slide"}
explorer = LearnedStep.recorded("digits", scene="noise on a slope")
explorer

# %% [markdown] slideshow={"slide_type": "notes"}
# 4 min. Begin with *the same again*: within a few steps it is at more than ten times Adam's step. Then *up and down*: it becomes careful. *Turning back*: it brakes at once, waits, and goes the other way, slowly at first. Then pull the size down by a hundred: Adam stays, SGD shrinks by a hundred. Let them say first what the learned one does. The next slide shows all sizes.

# %%
for scene in ("the same again", "up and down", "turning back"):
    explorer.load(scene)
    print(f"{scene}: {explorer.summary}")
explorer.load("noise on a slope")  # as it was: your turn

# %% [markdown]
# One optimizer is an anecdote. Here are all three seeds, with bars of half of 0.01, and then the same bars at every size from $10^{-5}$ to 1:

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "slide"}
seeds = [LearnedStep.recorded("digits", seed=seed) for seed in (1, 2, 3)]
units = [10 ** (k / 3) for k in range(-14, 1)]
way = adapt(some.seen(), some.start, on_digits.rule(digits_omega), 59, first_order=True,
            path=True)
slopes = [torch.func.grad(lambda p, t=t: some.loss(p, t).sum())(theta)
          for t, theta in enumerate(way)]
meets = torch.cat([each["layer1.weight"].flatten() for each in slopes]).detach().abs()
met = meets[meets > 0].quantile(torch.tensor([0.05, 0.95])).tolist()
fig, axes = plt.subplots(1, 4, figsize=(11, 3.6), width_ratios=(1, 1, 1, 1.5))
for ax, scene in zip(axes, ("the same again", "up and down", "turning back")):
    for each in seeds:
        each.load(scene)
        ax.plot(range(1, 17), each.updates()["learned"], **style.method("lstm"))
    adams = style.method("baseline") | {"linestyle": "-."}
    ax.plot(range(1, 17), seeds[0].updates()["Adam"], **adams)
    ax.axhline(0, color="black", linewidth=0.6)
    ax.set(title=scene, xlabel="step", ylim=(-1.3, 0.6), xticks=(1, 8, 16))
axes[0].set_ylabel("added to the weight")
axes[1].annotate("purple: three seeds\ngrey: tuned Adam", (1.5, -0.9), fontsize=11)
for each in seeds:
    each.load("the same again")
    sums = {name: [] for name in ("learned", "SGD", "Adam")}
    for unit in units:
        each.unit = unit
        for name, row in sums.items():
            row.append(each.updates()[name].sum())
    (line,) = axes[3].plot(units, sums["learned"], **style.method("lstm"))
for name, look in (("Adam", adams), ("SGD", style.method("baseline"))):
    axes[3].plot(units, sums[name], **look)
axes[3].annotate("Adam", (5e-7, -1.2), fontsize=11)
axes[3].annotate("SGD", (0.16, -5.6), fontsize=11)
axes[3].axvspan(*met, color="black", alpha=0.08, linewidth=0)
axes[3].annotate("sizes it meets\nin its own runs", (math.sqrt(math.prod(met)), -14.6),
                 fontsize=11, ha="center")
axes[3].set(xscale="log", ylim=(-16, 1), xlabel="what a full bar means",
            title="all 16 equal steps")
axes[3].axhline(0, color="black", linewidth=0.6)
show(fig, alt=(
    "Four plots of three seeds of the learned optimizer, in purple, beside tuned "
    "Adam. When the gradient is the same again, all three speed up within a few steps"
    " to several times Adam's step; when it goes up and down their steps become "
    "small; when it turns back they brake, and later go the other way. The last plot:"
    " the sum of 16 equal gradients' steps against their size. Adam's sum is the same"
    " at all sizes, SGD's grows in proportion; that of the learned ones is large from"
    " 0.01 on and shrinks to nearly nothing below a thousandth, in each seed at "
    "another place."
))

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Three scenes first: purple are three seeds, and they share these habits. Then the last plot: the same sixteen gradients at another size. Adam does not care, SGD is proportional. The learned ones are neither: large steps from a hundredth on, next to nothing below a thousandth. So it reads the direction and the size. The grey band holds nine tenths of the gradients that it meets in its own runs: there size counts.

# %% [markdown]
# Three habits can be read off, in each of the three seeds.
#
# - **It speeds up while the signs agree**: within a few steps to more than ten times the step that tuned Adam makes.
# - **It brakes when they change.** After *turning back* it all but stops, waits, and then begins to go the other way. When they alternate, its steps become small.
# - **It goes by size as well.** Pull the size of all gradients, at first <span data-moves="LearnedStep.unit">0.01</span>, down by a hundred: SGD and momentum shrink by a hundred, Adam does not. The learned one is neither.
#   From 0.01 up its steps are large, whatever the size. Below they fade, sooner in one seed, later in another, and at the smallest sizes they can go up a little where they should go down. The grey band holds nine
#   tenths of the gradients that it meets in its own runs: that is where size counts.
#
# There is an old rule made by hand with the first two habits: a step that grows after each agreement of signs and shrinks after each change. It is called Rprop, from 1993. It looks at the sign alone; this LSTM does not.
#
# And the one that *you* have trained, on bowls? Their gradients are larger, so begin with bars of 1:

# %% tags=["nbval-ignore-output"]
# not compared: trained here, and so a little different on every machine
tuned = [races["quadratics"][f"as trained.100.{name}"]["rate"]
         for name in ("SGD", "momentum", "Adam")]
from_bowls = LearnedStep(runs[0].theta, ours.raw, unit=1.0, rates=tuned)
from_bowls

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Pitfall: a rival that nobody tuned
#
# Here are the same 256 quadratics once more. The learned optimizer of the race, and Adam at 0.001, the rate that PyTorch takes if you say none:

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "-"}
until = [t for t in at if t <= 100]
rate = races["quadratics"]["as trained.100.Adam"]["rate"]
fig, ax = plt.subplots(figsize=(8.5, 3.6))
for said, rule, look in (
    ("learned", ours.rule(omegas[0]), style.method("lstm")),
    ("Adam, 0.001", adam(1e-3), style.method("warning")),
    ("Adam, tuned", adam(rate), style.method("baseline")),
):
    (line,) = ax.plot(until, log_losses(fresh, rule, until).mean(1), **look)
    style.label_line(ax, line, said)
ax.set(xlabel="step", ylabel="mean log10 loss", xlim=(0, 130), xticks=range(0, 101, 20),
       title="One rival, two rates")
show(fig, alt=(
    "Mean log10 loss over 100 steps: Adam at 0.001 hardly falls; the learned "
    "optimizer falls far below; Adam at its tuned rate follows it closely."
))

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Cover the tuned line, and wait. Somebody will ask about the rate. The default of 0.001 was not made for these bowls: the best one is hundreds of times larger. Then show it.

# %% [markdown]
# The upper line is true, and worthless. Adam was not worse, it was at a rate made for other problems. Every claim that a learned optimizer beats the usual ones stands or falls with what was done for the
# usual ones: the same budget of trials, for the same horizon, on other problems than the ones of the test.
#
# **Detector.** A tuned rate lies *inside* its grid. If the best of the rates is the first or the last, the grid was too short, and the rival was not tuned:


# %%
def at_the_edge(figures, grids):
    """The rivals whose best rate is the first or the last of their grid."""
    found = []
    for name, figure in figures.items():
        grid = grids.get(name.split(".")[-1])  # the LSTM has none
        if grid and round(figure["rate"], 6) in (grid[0], grid[-1]):
            found.append(name)
    return found


for family, figures in races.items():
    edges = at_the_edge(figures, grids_of(family))
    tuned = sum("rate" in figure for figure in figures.values())
    print(f"{family}: {tuned} tuned rates, at the edge of their grid:",
          ", ".join(edges) or "none")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What you learned
#
# - A learned optimizer is one small LSTM, called for each weight with its own memory. It fits any number of weights, and knows the place of none.
# - It reads a gradient as size and direction, and its second layer can be momentum, to any precision, with weights set by hand.
# - Its input depends on its own memory: the gradient is taken where the weights stand. Training cuts that edge, and cuts the history after each piece. For a trained $\omega$ the cut gradient is
#   shorter and points elsewhere; the true one is too long to learn from as it comes.
# - Against tuned rivals on fresh problems it leads where it was trained, and on digits for twice as long, with twice the units, and with a second layer.
# - It loses later, at other scales and with ReLU. One tuned number brings it back at other scales, and most of the way with ReLU: the length of its steps is learned by heart.
#   Gradients of zero, the first suspicion, are not the cause. A cause needs its control.

# %% [markdown] slideshow={"slide_type": "notes"}
# 1 min. Read the last two lines with the same voice: where it was trained it wins, elsewhere it loses, and not for the reason one thinks of first. The next lecture lets the LSTM set the gates.

# %% [markdown]
# ## Quiz
#
# **1.** Your learned optimizer was trained on a network of 1510 weights. A colleague wants it for one with a million. What has to be changed?
#
# <details><summary>Answer</summary>
#
# Nothing in $\omega$: it is called a million times instead of 1510 times, with a million memories. Whether it is any good there is another question: it depends on whether the gradients look like those it was trained on.
#
# </details>
#
# **2.** You forget to detach $\theta$ and the memories between two pieces. What do you notice first?
#
# <details><summary>Answer</summary>
#
# PyTorch stops with an error in the second piece, because the graph of the first is freed already; if you silence that by keeping the graph, every update takes longer than the one before and the memory fills up. The way back then reaches to the first step of the run.
#
# </details>
#
# **3.** Why is the sum of all losses on the way a better objective than the last loss alone, with pieces of 20 steps?
#
# <details><summary>Answer</summary>
#
# The last loss gives a signal in the last piece alone: the other pieces end in the middle of the run, and without a loss there they learn nothing. With a loss at each step every piece has something to go down on.
#
# </details>

# %% [markdown]
# ## References
#
# - Marcin Andrychowicz et al., [Learning to learn by gradient descent by gradient descent](https://arxiv.org/abs/1606.04474), 2016. The optimizer of this lesson, its features, its races; its results are plots, so there is no table to compare ours with.
# - Sepp Hochreiter, Steven Younger, Peter Conwell, [Learning to learn using gradient descent](https://doi.org/10.1007/3-540-44668-0_13), 2001. An LSTM that learns to learn.
# - Olga Wichrowska et al., [Learned optimizers that scale and generalize](https://arxiv.org/abs/1703.04813), 2017. What it takes to get beyond the horizon of training.
# - Luke Metz et al., [Understanding and correcting pathologies in the training of learned optimizers](https://arxiv.org/abs/1810.10180), 2019. What truncated unrolls do wrong.
# - Diederik Kingma, Jimmy Ba, [Adam](https://arxiv.org/abs/1412.6980), 2015.
# - Martin Riedmiller, Heinrich Braun, [A direct adaptive method for faster backpropagation learning: the RPROP algorithm](https://doi.org/10.1109/ICNN.1993.298623), 1993.
# - E. Alpaydin, C. Kaynak, [Optical recognition of handwritten digits](https://doi.org/10.24432/C50P49), 1998. The 8 × 8 digits, as they come with scikit-learn.
#
# The words and the code of this lesson are our own.

# %% [markdown]
# ## Next
#
# Here the LSTM answered with the step. In [the meta-learner LSTM](05_the_meta_learner_lstm.ipynb) it answers with the *gates* of the
# memory line, and the start is learned as well, for pictures.

# %% [markdown]
# ## Appendix: it cannot know its place
#
# Shuffle the twelve coordinates of a problem, or cut them into other shapes, and the result is shuffled, or cut, in the same way, and otherwise untouched:

# %%
draw = torch.Generator().manual_seed(7)
strength = torch.rand(12, generator=draw, dtype=torch.float64)
place = torch.randn(12, generator=draw, dtype=torch.float64)
order = torch.randperm(12, generator=draw)


def eight_steps(strength, place, shape=(12,)):
    """Where eight steps lead on sum of strength * (w - place)^2, from zero."""
    start = {"w": torch.zeros(shape, dtype=torch.float64)}
    strength, place = strength.view(shape), place.view(shape)

    def loss(p):
        return (strength * (p["w"] - place).square()).sum()

    return adapt(loss, start, lstm.rule(omega), 8, first_order=True)["w"]


plain = eight_steps(strength, place)
shuffled = eight_steps(strength[order], place[order])
cut = eight_steps(strength, place, (3, 4)).flatten()
compare("shuffled problem", shuffled, "shuffled result", plain[order], to=1e-12)
compare("cut into 3 x 4", cut, "one row of 12", plain, to=1e-12)

# %% [markdown]
# Take both layers away, and hand over the gradient as it is. What is left is one number times the gradient, plus one number. That is gradient descent with
# a learned rate (and a constant push, here zero):

# %%
linear = CoordinatewiseLSTM(layers=(), scale=1.0, p=None, raw=1.0)
one_number = {
    "output.weight": torch.tensor([-0.05], dtype=torch.float64),
    "output.bias": torch.zeros((), dtype=torch.float64),
}
by_map = adapt(bowls.seen(), bowls.start, linear.rule(one_number), 10)
by_descent = adapt(bowls.seen(), bowls.start, sgd(0.05), 10)
compare("the map", by_map, "gradient descent", by_descent, to=1e-12)
