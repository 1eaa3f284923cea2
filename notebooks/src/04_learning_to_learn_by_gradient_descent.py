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
# - show in its own numbers why it fails where it fails.
#
# **Prerequisites:** [lesson 03](03_gradient_descent_is_an_lstm_cell.ipynb): gradient descent as a memory line, momentum as a second cell,
# and what it costs to drop the dashed edges.
#
# **Time:** 40 minutes of reading, and 40 minutes for the exercises.
#
# **What it costs to run:** *smoke* takes under 60 s on two cores. *lecture* takes under 3 minutes, one of them spent training.
# *paper* takes about 15 minutes, and no GPU. The optimizers of the races were trained longer, by
# `python -m studies.lesson04_learned_optimizers`, and come with the course.

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

from mlteach.checkpoint import load_checkpoint, params_from
from mlteach.exercises import check
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
from mlteach.params import gradient_of, leaves, norm, subtract
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
# About 18 million, and about five thousand. The difference comes from the square: with all weights together every one of them can look at every other. The small LSTM looks at one *coordinate* at a time. It is
# called for each coordinate, always with the same $\omega$, but with that coordinate's own gradient and that coordinate's own memory $h$, $c$.
#
# </details>
#
# So the optimizer is **coordinatewise**: the weights $\omega$ are shared, the memories are not. Two things follow at once.
#
# - It works for **any number of parameters**, in any shape. Nothing in $\omega$ knows how many there are.
# - It **does not know which** coordinate it serves. Permute the weights, and the path is permuted.
#
# You know optimizers of this kind. Gradient descent, momentum, RMSprop and Adam are all coordinatewise: one rule, and for each weight its own memory.

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Eighteen million against five thousand. Then the sentence to remember: weights shared, memories not. Ask which optimizers they know that work coordinate by coordinate. All of them.

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
# direction fades to zero in a straight line.

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

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "fragment"}
sizes = torch.cat([-torch.logspace(1, -8, 200), torch.logspace(-8, 1, 200)]).double()
seen = preprocess(sizes)
fig, ax = plt.subplots(figsize=(8.5, 3.8))
for column, name, look in (
    (0, "size", style.method("lstm")),
    (1, "direction", style.method("lstm") | {"linestyle": ":"}),
):
    (line,) = ax.plot(sizes, seen[:, column], **look)
    style.label_line(ax, line, name)
for edge in (-math.exp(-10), math.exp(-10)):
    ax.axvline(edge, color="black", linewidth=0.8)
ax.annotate("below $e^{-10}$", (0, 0.45), ha="center", fontsize=12,
            backgroundcolor="white")
ax.set_xscale("symlog", linthresh=1e-5)
ax.set(xlabel="gradient", ylabel="what the LSTM reads",
       xticks=[-10, -0.1, -1e-3, 0, 1e-3, 0.1, 10], xlim=(-12, 300), ylim=(-1.15, 1.2))
ax.set_title("Nine powers of ten, and nothing leaves the reach of an LSTM")
ax.minorticks_off()
show(fig, alt=(
    "The two numbers that the LSTM reads, against the gradient on a symmetric "
    "logarithmic axis. The size falls from about 0.2 at gradients of 10 to -1 at e to "
    "the -10 and stays there; the direction is the sign outside and a steep straight "
    "line through zero inside. Neither has a jump in size; both stay between -1 and "
    "1.3."
))

# %% [markdown] slideshow={"slide_type": "notes"}
# 3 min. Read the formula by its two numbers, size and direction. Then the picture: nine powers of ten on the axis. Ask what goes wrong with log alone: at a gradient of zero it is minus infinity, and weights behind a pixel that is always white have gradients of exactly zero. The two branches meet at e to the minus 10.

# %% [markdown]
# Do the two branches meet? At $|\nabla| = e^{-p}$ both must give $(-1, \pm1)$, or the LSTM would see a jump where there is none:

# %%
edge = math.exp(-10.0)
just = torch.tensor([edge * (1 - 1e-9), edge * (1 + 1e-9)], dtype=torch.float64)
print("difference across the border below 1e-8:",
      difference(preprocess(just)[0], preprocess(just)[1]) < 1e-8)
print("at the border:", [f"{value:.3f}" for value in preprocess(just)[1].tolist()])
print("for a gradient of zero:", preprocess(torch.zeros(())).tolist())

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The whole optimizer, by hand
#
# Two layers of the ordinary LSTM, and one linear map at the end. That is all. The package has the same for a whole dict of tensors, as a rule like
# `sgd` or `momentum`. Ten steps on three random bowls in four dimensions say whether the two agree:


# %% slideshow={"slide_type": "-"}
def lstm_step(omega, gradient, memory):
    """What to add to each of N weights [N], and each layer's memories h, c [N, 20]."""
    x, after = preprocess(gradient), []
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
# 3 min. Nothing here is new: the cell of lesson 02, twice, and a linear map. Show where the coordinates are: they are the rows of the matrix x. The 0.1 in the last line makes a fresh optimizer begin with small steps.

# %% [markdown]
# ### If all share one LSTM, do all weights move alike?
#
# **Predict.** Three weights start at the same value, 0.7. The loss is $w_1^2 + w_2^2 + 2 w_3^2$, so the first two have equal gradients and the third has
# another one. After five steps of one shared, untrained LSTM: which of the three are still equal?
#
# - ( ) all three: they share one LSTM
# - ( ) the first two
# - ( ) none: each has its own memory

# %%
slopes = torch.tensor([1.0, 1.0, 2.0], dtype=torch.float64)
alike = {"w": torch.full((3,), 0.7, dtype=torch.float64)}
w = adapt(lambda p: (slopes * p["w"].square()).sum(), alike, lstm.rule(omega), 5,
          first_order=True)["w"]
for name, other in (("first and second", w[1]), ("first and third", w[2])):
    gap = (w[0] - other).abs()
    print(f"{name:16} {'apart' if gap > 1e-4 else 'equal' if gap < 1e-12 else 'near'}")

# %% [markdown]
# <details><summary><b>Explain.</b> Which are equal, and what makes weights different?</summary>
#
# The first two. What makes weights different is what they have seen. Same rule, same history, same path; another history, another path. In a network the random start and the data give every
# weight gradients of its own. That is as true of Adam: it too treats two weights alike that have always had the same gradient.
#
# </details>
#
# And it cannot know its place. Shuffle the twelve coordinates of a problem, or cut them into other shapes, and the result is shuffled, or cut, in the same
# way, and otherwise untouched:

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
print("shuffled problem, shuffled result: difference below 1e-12:",
      difference(shuffled, plain[order]) < 1e-12)
print("cut into 3 x 4, or one row of 12:  difference below 1e-12:",
      difference(cut, plain) < 1e-12)

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
print("difference to gradient descent below 1e-12:",
      difference(by_map, by_descent) < 1e-12)

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
# 3 min. Momentum, put into an ordinary LSTM. Layer one passes on, layer two gathers. Ask how a gate of exactly mu is made: exercise 04.2. And ask about the tanh: near zero it is a line, so we work near zero. A tenth of s leaves a hundredth of the gap. So momentum lies inside the family, and training can only do better on the problems it trains for. Whether it finds its way there is another question.

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
gaps = []
for small in (1e-2, 1e-3, 1e-4):
    as_lstm, by_hand = momentum_omega(0.01, 0.9, small)
    by_lstm = adapt(bowls.seen(), bowls.start, as_lstm.rule(by_hand), 25,
                    first_order=True)["theta"]
    gaps.append(difference(by_lstm, by_rule))
    above = 10 ** math.ceil(math.log10(gaps[-1]))
    print(f"s = {small:g}: the LSTM and momentum differ by less than {above:.0e}")
print(f"from 0.01 to 0.001 the difference shrinks {gaps[0] / gaps[1]:.0f} times")

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
# 2 min. Cut one, the dashed edges of lesson 03: no second derivative; they are on the next slide. Cut two, every twenty steps, across theta and h. Ask what is lost by the second cut: nobody is told that a step now pays off in fifty steps.

# %% [markdown]
# Here is the first cut in the hand, for the smallest optimizer there is: one number $\omega$ that multiplies minus the gradient, judged at the end alone. Cut the edges one by one and see what $\omega$ is told:

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
# - `step(omega, gradient, state)` returns `(update, state)`: the optimizer. `loss(theta)` is a number, `slope(theta)` is its gradient.
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

# %% [markdown]
# Here is the same for our LSTM, written out, and the package's `Truncated`, which does it for any rule and any problem, all problems side by side. Two pieces of
# five steps: do they give the same two gradients for $\omega$?


# %%
def two_pieces(omega, problems):
    slope = torch.func.grad(lambda theta: problems.loss({"theta": theta}, 0).sum())
    theta, memory, found = problems.start["theta"], empty(12), []
    for first in (0, 5):
        point, total = leaves(omega), 0
        for t in range(first, first + 5):
            gradient = slope(theta.detach())
            update, memory = lstm_step(point, gradient.flatten(), memory)
            theta = theta + update.view_as(theta)
            total = total + problems.loss({"theta": theta}, t + 1).mean() / 5
        found.append(gradient_of(total, point))
        theta, memory = theta.detach(), [(h.detach(), c.detach()) for h, c in memory]
    return found


training = Truncated(lstm.rule, lambda generator: bowls, steps=10, unroll=5)
for number, by_hand in enumerate(two_pieces(omega, bowls), start=1):
    packaged, _ = training.gradient(omega, training.sample(torch.Generator()))
    compare(f"piece {number} by hand", by_hand, "the package", packaged, to=1e-10)

# %% [markdown]
# ### What does it buy to call the gradients constants?
#
# **Predict.** With the dashed edges kept, autograd needs the second derivatives of the problem. How much longer does an update of $\omega$ then take, on quadratics? (And by how many per cent do the edges
# change the gradient, for a fresh $\omega$ and for a trained one?)
#
# - ( ) hardly any longer
# - ( ) about twice as long
# - ( ) about ten times as long


# %% tags=["setup"]
def trained(family, lstm, seed=1):
    """The omega that comes with the course for a family of problems; seeds 1, 2 and 3."""
    kept = load_checkpoint(data_folder() / "checkpoints" / f"04-{family}.safetensors")
    mine = {name: value for name, value in kept.tensors.items()
            if name.startswith(f"theta.seed{seed}.")}
    blank = lstm.init(torch.Generator())
    return params_from(kept._replace(tensors=mine), blank, f"theta.seed{seed}.")


# %%
ours = CoordinatewiseLSTM(raw=0.1)  # reads a third number: the gradient, times 0.1
fresh_phi = ours.init(torch.Generator().manual_seed(0), torch.float64)
trained_phi = trained("quadratics", ours)
trained_phi = {name: value.double() for name, value in trained_phi.items()}
draw = torch.Generator().manual_seed(5)
many = Quadratics().sample(64, generator=draw, dtype=torch.float64)


def one_piece(keep_edges):
    """Twenty steps on the bowls, with or without the dashed edges."""
    return Truncated(ours.rule, lambda g: many, steps=20, objective=log_score,
                     second_order=keep_edges)


for said, point in (("fresh", fresh_phi), ("trained", trained_phi)):
    kept, _ = one_piece(keep_edges=True).gradient(point, many)
    dropped, _ = one_piece(keep_edges=False).gradient(point, many)
    apart = (norm(subtract(dropped, kept)) / norm(kept)).item()
    print(f"{said} omega: dropping the edges changes its gradient by {100 * apart:.0f} %")

# %% tags=["nbval-ignore-output"]
# not compared: seconds, which differ from machine to machine
seconds = {}
for keep in (True, False):
    race, began = one_piece(keep), time.process_time()
    for _ in range(3):
        race.gradient(trained_phi, many)
    seconds[keep] = (time.process_time() - began) / 3
longer = seconds[True] / seconds[False]
print(f"with second derivatives one update takes {longer:.1f} times as long")
record("second-derivatives.cost", longer, unit="times", seeds=[5],
       note="one update on 64 quadratics, float64")

# %% [markdown]
# <details><summary><b>Explain.</b> What does the cut buy, and what does it cost?</summary>
#
# An update takes hardly any longer with the edges, so the cut buys hardly any time here: the LSTM is the work, and the second derivatives of a bowl come almost for nothing. For a large network they would about double the price. What the cut *costs* depends on
# the steps, as in lesson 03: the dashed edge carries *step times curvature*. A fresh $\omega$ makes short steps, and hardly anything flows there. A trained $\omega$ makes steps as long as the bowl
# allows, and then the two gradients have next to nothing in common.
#
# So the true gradient should be the better teacher. The table of choices below says: used as it comes, it is far the worse one; shortened wherever it is long, it is as good as the cut one. Over twenty
# long steps the factors *one plus step times curvature* multiply, and the true gradient becomes huge now and then. The cut gradient is wrong, and calm. Metz and others found the same in larger
# learned optimizers.
#
# </details>
#
# ## Train one
#
# The problems are the paper's smallest: random quadratics in ten dimensions, $L(\theta) = \lVert W\theta - y\rVert^2$, all entries of $W$ and $y$ drawn from a normal
# distribution. Each run takes 64 new ones. Three things differ from the paper, and the table further below says what each is worth:
#
# - the LSTM reads the gradient itself as a third number, times 0.1,
# - the objective is the mean of the *logarithms* of the losses, so that a step from 0.01 to 0.001 counts as much as one from 10 to 1,
# - the outer rate falls to zero like a cosine.


# %%
def training_of(lstm):
    """Truncated unrolls on fresh quadratics."""
    return Truncated(lstm.rule,
                     lambda generator: Quadratics().sample(64, generator=generator),
                     objective=log_score)


def train(seed):
    training, generator = training_of(ours), torch.Generator().manual_seed(seed)
    return fit(training.gradient, ours.init(generator), training.sample,
               steps=budget["updates"], generator=generator, lr=1e-2, schedule="cosine",
               progress=f"learning to optimize, seed {seed}")


runs = [train(seed) for seed in budget["seeds"]]
per_run = 5  # pieces
print(f"{runs[0].step} updates of omega, on {runs[0].step // per_run} runs "
      "of 100 steps, 64 problems each")

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "slide"}
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
       title="The end of the run is learned last")
ax.set_xlim(0, 1.3 * len(pieces))
show(fig, alt=(
    "Two curves over the training runs: the mean logarithm of the loss in steps 1 to "
    "20 falls early and stays; in steps 81 to 100 it falls further and for longer."
))

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. If you train live, this is the moment to have it finished. The first twenty steps are learned quickly, the last twenty need good first eighty. That is the price of training on runs.

# %%
RIVALS = {
    "SGD": sgd,
    "momentum": lambda rate: momentum(rate, 0.9),
    "Nesterov": lambda rate: nesterov(rate, 0.9),
    "RMSprop": rmsprop,
    "Adam": adam,
}
races = {family: recorded("04", family) for family in ("quadratics", "digits")}
fresh = Quadratics().sample(256, generator=torch.Generator().manual_seed(404))
live = log_losses(fresh, ours.rule(runs[0].theta), [0, 100])
sgd_rate = races["quadratics"]["as trained.100.SGD"]["rate"]
best_sgd = log_losses(fresh, sgd(sgd_rate), [100])
print("it gets down:", bool(live[1].mean() < live[0].mean() - 1))
print("and below tuned SGD after 100 steps:", bool(live[1].mean() < best_sgd.mean()))
record("quadratics.live.100", over_tasks(live[1]), unit="log10 loss",
       seeds=budget["seeds"][:1], seconds=runs[0].seconds,
       note=f"{runs[0].step} updates, trained in the lesson")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The first race: quadratics
#
# The optimizers of the race had 5000 updates each, about three minutes on one core, from three seeds. You can make them with
# `python -m studies.lesson04_learned_optimizers`. A race is fair if the rivals are tuned. So each got its best rate out of a grid, chosen on 256 problems of their
# own, **for each horizon anew**: the best rate for 100 steps is often not the best for 500. Their other settings are the usual ones ($\mu = 0.9$, $\beta = 0.9, 0.999$).
# Then all of them run on the same 256 fresh problems.
#
# **Predict.** The learned optimizer was trained for 100 steps. Who is lowest at step 500? (And at 100, and at 200?)
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
# The grids, and the rates that were best for 100, 200 and 500 steps:

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


# %% tags=["setup"]
def table(family, case, steps):
    """Mean log10 losses; in brackets how far the LSTM is below (-) or above (+)."""
    figures = races[family]
    print(f"{case:12}" + "".join(f"{f'step {t}':>8}{'':15}" for t in steps).rstrip())
    for name in ("LSTM", *RIVALS):
        line = f"{name:12}"
        for t in steps:
            figure, gap = figures[f"{case}.{t}.{name}"], ""
            if name != "LSTM":
                half = figure["difference_interval"]
                gap = f"({figure['difference']:+.2f} ± {half:.2f})"
            line += f"{figure['value']:8.2f} {gap:14}"
        print(line.rstrip())
    for t in steps:
        figure = figures[f"{case}.{t}.LSTM"]
        each = ", ".join(f"{value:.2f}" for value in figure["each"])
        print(f"its three seeds at step {t}: {each}; "
              f"± {figure['interval']:.2f} over problems")


# %%
table("quadratics", "as trained", (100, 200, 500))

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


fig, axes = plt.subplots(1, 2, figsize=(10, 3.8))
titles = ("Where it was trained, it leads", "and afterwards it is overtaken")
for ax, until, title in zip(axes, (100, 500), titles):
    curves(ax, "quadratics", "as trained", until)
    ax.set(xlabel="step", xlim=(0, 1.3 * until),
           xticks=torch.linspace(0, until, 6).int().tolist(), title=title)
axes[1].axvline(100, color="black", linewidth=0.8)
axes[1].annotate("trained\nup to here", (104, 0.6), fontsize=11, va="top")
axes[0].set_ylabel("mean log10 loss, 256 fresh problems")
show(fig, alt=(
    "Mean logarithm of the loss on fresh quadratics against the step, for the learned "
    "optimizer with a band over three training seeds and for five tuned rivals in "
    "grey. Left, up to step 100: the learned optimizer is the lowest for most of the "
    "way, momentum comes close at the end. Right, up to step 500: momentum, Adam and "
    "at last Nesterov go on falling, and the learned optimizer bends and stays behind "
    "them."
))

# %% [markdown] slideshow={"slide_type": "notes"}
# 4 min. Left picture first: it leads for a hundred steps, with momentum at its heels. Then the right one, and the guesses. At 500 it has lost to momentum and Adam by orders of magnitude. Say both with the same voice: it was trained for a hundred steps, and that is what it is good at.

# %% [markdown]
# Read the brackets: negative means that the learned optimizer is lower, and where the interval does not reach zero, more problems would not change that.
#
# - **At step 100** it is below SGD, RMSprop, Adam and Nesterov, each at its best rate. **Momentum is the hard one.** On quadratics it is known to be close to the best that a method of
#   its kind can do, and at the right rate it is ahead by a hair. One of the three seeds beats it, two do not.
# - **At step 200** momentum and Adam are ahead, and Nesterov is level. **At step 500** it loses to all three, by one to three powers of ten.
# - **The seeds differ** by more than the problems do. The intervals say how well *these three* optimizers are known. How the next training would turn out they do not say: three seeds
#   are few, and at step 500 they lie powers of ten apart.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### What happens after step 100?
#
# It is overtaken. An optimizer that has arrived must stop. Gradient descent does so by itself: its step is the gradient times a number, so where the gradient is zero, nothing moves. For the
# LSTM nobody has arranged that. Its answer is a sum of bounded numbers, and it was asked for at most a hundred of them.
#
# So ask it. Let it run for 100 steps, then feed it gradients of exactly zero:


# %% slideshow={"slide_type": "fragment", "code": false}
def still_moving(rule, warm=100, silent=50):
    """How far a step still is, on average, after some steps with a gradient of zero."""
    problems = Quadratics().sample(64, generator=torch.Generator().manual_seed(6))
    theta, state = problems.start, rule.init(problems.start)
    for t in range(warm + silent):
        gradient = torch.func.grad(lambda p: problems.score(p).sum())(theta)
        if t >= warm:
            gradient = {name: torch.zeros_like(g) for name, g in gradient.items()}
        before = theta
        theta, state = rule.step(theta, gradient, state, loss=torch.zeros(()))
    return (theta["theta"] - before["theta"]).abs().mean().item()


kept_phi = trained("quadratics", ours)
rates = {name: races["quadratics"][f"as trained.500.{name}"]["rate"] for name in RIVALS}
with torch.no_grad():
    for name in ("LSTM", "SGD", "momentum", "Adam"):
        rule = ours.rule(kept_phi) if name == "LSTM" else RIVALS[name](rates[name])
        moving = still_moving(rule)
        size = f"about 10^{round(math.log10(moving))}" if moving else "0"
        print(f"{name:10} still moves by {size} a step")

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. The test is two lines: feed zeros, and look whether anything moves. SGD stops at once, momentum and Adam let their velocity die away. The learned optimizer keeps pushing. Ask what it would need in order to stop. Nobody asked it to in a hundred steps.

# %% [markdown]
# SGD stops at once. Momentum and Adam roll out: their velocity shrinks by 0.9 a step. The learned optimizer goes on pushing, in steps that are small for a bowl of which it has seen a hundred
# steps, and far too large for the last digits. It hovers around the bottom, and the others pass by.
#
# Two more answers to the same question lie in the training. It never saw step 101, so its memories $h$ and $c$ are then in places where no loss has ever
# corrected them. And pieces of 20 steps cannot tell it that a short step now would pay off fifty steps later.
#
# ### And another scale?
#
# Multiply all entries of $W$ by 3, or divide them by 3. For a rival that is another rate, and it gets one: it is tuned anew. The learned optimizer comes as it is.

# %%
for case in ("W three times smaller", "W three times larger"):
    figures = races["quadratics"]
    line = ", ".join(f"{name} {figures[f'{case}.100.{name}']['value']:.2f}"
                     for name in ("LSTM", *RIVALS))
    print(f"{case}, step 100: {line}")

# %% [markdown]
# With the smaller $W$ it loses to all three that have a memory of the gradients, with the larger one to everybody. The rivals do not notice: their rate makes up for the scale. So the
# features make an LSTM *able to read* gradients of all sizes. They do not teach it how far to go on a bowl it has never met, and its steps have a size of their own, learned by heart.
#
# ### What is each choice worth?
#
# One change at a time, three seeds each, with a small part of the budget. Loss at step 100, as the mean of log10:

# %%
choices = recorded("04", "choices")
if not choices:
    measure = "python -m studies.lesson04_learned_optimizers choices"
    print("Not recorded here. Measure it with:", measure)
for name, figure in choices.items():
    each = ", ".join(f"{value:.2f}" for value in figure["each"])
    print(f"{name:44} {figure['value']:6.2f}   seeds: {each}")

# %% [markdown]
# Read it with the seeds, and as what it is: a small budget, and no rate tuned for each row.
#
# - **Second derivatives kept**: by far the worst. The true gradient, used as it comes, teaches hardly anything. Shortened to length 1 wherever it is longer (the last row), it is as good as the cut one,
#   and no better.
# - **As published**, with two features and the plain sum: slower at first. The paper trains for much longer.
# - **One layer**: the seeds overlap with those of two. That the second layer *can* be momentum does not mean that training needs it for that.
# - **Unrolls of 5**: as many inner steps, four times as many updates, and much better, better even than the optimizers of the race, which took many times as long. At this budget $\omega$ needs updates
#   more than a long view. So our recipe for the bowls is not the best that there is. The optimizer of the second race is trained with pieces of 5.

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
phi_digits = trained("digits", on_digits)
down = log_losses(some, on_digits.rule(phi_digits), [0, 60])
rate = races["digits"]["as trained.100.Adam"]["rate"]
weights = sum(value[0].numel() for value in some.start.values())
print(f"one LSTM looks after {weights} weights in {len(some.start)} tensors")
by_adam = log_losses(some, adam(rate), [60])
print("after 60 steps on 4 fresh networks it is below tuned Adam:",
      bool(down[1].mean() < by_adam.mean()))

# %% [markdown]
# (How it was trained: as before, one network a run, and with two changes that mattered. The objective is the loss on *all* 898 digits, while the gradients that the LSTM reads
# still come from 64: with the loss of 64 digits a lucky minibatch looks like a good optimizer. And the pieces are 5 steps long, as the table of
# choices suggests. 16,000 updates take about five minutes on one free core.)

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

# %%
table("digits", "as trained", (100, 200, 500))

# %%
for case in ("40 units", "two layers", "ReLU"):
    table("digits", case, (100, 200))
    print()

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "slide"}
fig, axes = plt.subplots(2, 2, figsize=(9.2, 6.0), sharex=True)
titles = {
    "as trained": "As trained: 20 sigmoid units",
    "40 units": "40 units",
    "two layers": "Two layers of 20",
    "ReLU": "ReLU: it is left behind",
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
    "optimizer with a band over three seeds, five tuned rivals in grey. As trained and "
    "with 40 units it falls fastest from the first steps and ends lowest. With two "
    "layers it leads by far up to step 100; Adam meets it near step 200. With ReLU it "
    "stays above Nesterov, Adam and momentum, and nearly stops after step 100."
))

# %% [markdown] slideshow={"slide_type": "notes"}
# 4 min. One plot at a time, and read their predictions back. At home it is below all five rivals to the end, twice as long as it was trained for. Forty units: nothing has changed for it. Two layers: it leads, and Adam catches it at two hundred steps. ReLU: it loses to all three that remember gradients. That is what the paper reports as well, without a number. Ask why.

# %% [markdown]
# - **As trained** it is below all five rivals at steps 100 and 200, so it lasts for twice the steps it has practised. At step 500 only SGD has not passed it, for the same reasons as on the bowls.
# - **40 units**: below all five at both steps, by more than before. For a coordinatewise optimizer a wider network is more of the same.
# - **Two layers**: below all five at step 100, each of the three seeds. At step 200 Adam is level with it.
# - **ReLU**: it loses to Nesterov, to Adam and to momentum at step 100, and to all five at step 200. The paper saw the same failure. Here the seeds lie far apart: on gradients of a kind it
#   never met, training has settled nothing.
#
# One caution. The rivals were tuned on 16 networks, with four rates to a power of ten, and a rate near the edge of stability can be unlucky on the fresh ones. Nesterov at step 200 is such a case: its interval is the widest
# in its column. Compare with the curves before you quote a difference.
#
# ### What does it see of another network?
#
# The optimizer does not see units or layers. It sees numbers: gradients. So the question is how the gradients differ. Take the four kinds of network at their random start, 20 of
# each, and look at the gradients of all weights behind pixels that are ever inked:

# %%
inked = digits.x.sum(0) > 0
kinds = {
    "20 units": net,
    "40 units": MLP((64, 40, 10), "sigmoid", "uniform"),
    "two layers": MLP((64, 20, 20, 10), "sigmoid", "uniform"),
    "ReLU": MLP((64, 20, 10), "relu", "uniform"),
}
for name, kind in kinds.items():
    starts = digits.problems(kind, cross_entropy, 20, steps=20,
                             generator=torch.Generator().manual_seed(12))
    path = adapt(starts.seen(), starts.start, sgd(1.0), 20, first_order=True)
    path = {key: value.detach() for key, value in path.items()}
    slope = torch.func.grad(lambda p, starts=starts: starts.loss(p, 20).sum())(path)
    first = slope["layer1.weight"][..., inked].abs().flatten()
    silent = (first == 0).float().mean().item()
    print(f"{name:12} median size {first.median().item():.4f}, "
          f"exactly zero: {100 * silent:.0f} %")

# %% [markdown]
# The first three differ in size, and the optimizer hardly looks at size. With ReLU something else is new: a unit that is off has gradients of exactly zero for all its weights, and more of what it reads is
# silence, between gradients that come and go at once. It has rarely met that in training. (Ten in a hundred are silent in all of them: pixels that are white in the whole minibatch.)
#
# This shows that its input is another, and not yet that this is the cause. What would show it? Train one on ReLU, and see whether it then fails on sigmoids. You have all the parts.

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
# 5 min. Begin with *the same again*: it speeds up within three steps to ten times Adam's step and stays there. Then *up and down*: it becomes careful. *Turning back*: it brakes at once, waits, and goes the other way, slowly at first. Then pull the size of the gradients down by a hundred: the curves hardly change. Ask who knows Rprop. It has found it by itself.

# %%
for scene in ("the same again", "up and down", "turning back"):
    explorer.load(scene)
    print(f"{scene}: {explorer.summary}")
explorer.load("noise on a slope")  # as it was: your turn

# %% [markdown]
# Three habits can be read off.
#
# - **It goes by the direction, hardly by the size.** The curve on the right is a cliff at zero with two plains. Pull the size of all gradients, at first <span data-moves="LearnedStep.unit">0.01</span>, down by a hundred: SGD and momentum shrink by a hundred,
#   Adam does not, and neither does the learned optimizer.
# - **It speeds up while the signs agree**: within three steps to several times the step that tuned Adam would make.
# - **It brakes when they change.** After *turning back* it all but stops within two steps, waits, and then begins to go the other way. When they alternate, its steps become small.
#
# There is an old rule made by hand that does just this: a step by the sign of the gradient, longer after each agreement, shorter after each change. It is called Rprop, from 1993. Nobody has told the LSTM.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Pitfall: a rival that nobody tuned
#
# Here are the same 256 quadratics once more. The learned optimizer, three minutes of training. And Adam, at the rate that stands in everybody's code, 0.001:

# %% slideshow={"slide_type": "-"}
tuned = races["quadratics"]["as trained.100.Adam"]["rate"]
ours_now = log_losses(fresh, ours.rule(kept_phi), [100])
for said, rule in (("Adam at 0.001", adam(1e-3)), ("Adam, tuned", adam(tuned))):
    lead = (log_losses(fresh, rule, [100]) - ours_now).mean().item()
    print(f"{said:14} is behind the learned optimizer by a factor of "
          f"about 10^{lead:.1f}")

# %% [markdown] slideshow={"slide_type": "notes"}
# 3 min. Show the first line alone, and wait. Somebody will ask about the rate. Good: this is the most frequent way to be wrong in this field. The default 0.001 is a rate for networks, and for thousands of steps; on these bowls the best one is hundreds of times larger.

# %% [markdown]
# The first line is true, and worthless. Adam was not worse, it was at a rate made for other problems. Every claim that a learned optimizer beats the usual ones stands or falls with what was done for the
# usual ones: the same budget of trials, for the same horizon, on other problems than the ones of the test.
#
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
# - A learned optimizer is one small LSTM, called for each weight with its own memory. Shared weights, separate histories.
# - It reads a gradient as size and direction, and its second layer can be momentum, to any precision, with weights set by hand.
# - It is trained on runs, cut twice: gradients are constants, and the history ends after each piece.
# - Against tuned rivals on fresh problems it leads where it was trained, and on digits for twice as long, with twice the units, and with a second layer.
# - It loses where the gradients look different from those it has seen: later steps, other scales, ReLU.

# %% [markdown] slideshow={"slide_type": "notes"}
# 1 min. Read the last two lines with the same voice: where it was trained it wins, where the gradients look different it loses. The next lecture lets the LSTM set the gates.

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
# - Diederik Kingma, Jimmy Ba, [Adam](https://arxiv.org/abs/1412.6980), 2015. The strongest rival in most of the races.
# - E. Alpaydin, C. Kaynak, [Optical recognition of handwritten digits](https://doi.org/10.24432/C50P49), 1998. The 8 × 8 digits, as they come with scikit-learn.
#
# The words and the code of this lesson are our own.

# %% [markdown]
# ## Next
#
# Here the LSTM answered with the step. In [the meta-learner LSTM](05_the_meta_learner_lstm.ipynb) it answers with the *gates* of the
# memory line, and the start is learned as well, for pictures.
