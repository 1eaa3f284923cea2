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
# # 03 Gradient descent is an LSTM cell
#
# You have trained a recurrent network every time you called `optimizer.step()`. In this lesson you open it, find its gates, and let it learn.
#
# **You will be able to**
#
# - write gradient descent as an LSTM cell, and prove that it is one,
# - read weight decay, momentum and Adam as gates that someone set by hand,
# - train such gates, and a starting point, on many small problems,
# - say what is lost when the gradient's own dependence on the weights is ignored, and when that is safe,
# - test what a gate is for by turning it off.
#
# **Prerequisites:** [lesson 00](00_start_here.ipynb) for the notation, gradient descent, and what the gates of an LSTM do
# ([Olah's pictures](https://colah.github.io/posts/2015-08-Understanding-LSTMs/) are enough).
#
# **Time:** 45 minutes of reading, and as long again for the exercises.
#
# **What it costs to run:** *smoke* takes about 30 s on two cores. *lecture* takes about 2 minutes.
# *paper* takes about 15 minutes. There is no GPU in it.

# %% [markdown] slideshow={"slide_type": "notes"}
# 1 min. Say the promise and nothing more. Ask who has called `optimizer.step()`, and who has seen a gate in it. Run the first cells now if you train live: the gates need about a minute in the lecture profile.

# %% tags=["parameters"]
PROFILE = "smoke"  # "smoke", "lecture" or "paper": the same cells, three budgets

# %% tags=["setup"]
import math
from typing import NamedTuple

import matplotlib.pyplot as plt
import torch
from torch import Tensor

from mlteach.exercises import check, find, yours
from mlteach.explore import GradientCell, StepMorph, UnrolledChain, style
from mlteach.explore.figure import show
from mlteach.fit import fit
from mlteach.inner import Rule, adapt, lstm_cell, momentum, sgd
from mlteach.measure import compare, over_tasks, record, recorded

torch.set_num_threads(1)  # tensors as small as ours are quicker on one thread
style.use()
BUDGETS = {
    "smoke": dict(meta_steps=250, seeds=[1, 2], problems=256),
    "lecture": dict(meta_steps=1000, seeds=[1, 2, 3], problems=1024),
    "paper": dict(meta_steps=5000, seeds=[1, 2, 3, 4, 5], problems=4096),
}
budget = BUDGETS[PROFILE]

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Which is which?
#
# Below are two plots. One shows the three weights of a small model over 20 steps of gradient descent. The other shows the memory of
# an LSTM cell over 20 time steps. A coin decided which one stands on the left.

# %% tags=["opening"] jupyter={"source_hidden": true} slideshow={"slide_type": "fragment"}
draw = torch.Generator().manual_seed(303)
inputs = torch.rand(16, 3, generator=draw) * 2 - 1
targets = inputs @ torch.tensor([1.0, -0.6, 0.3])


def slope(theta):
    """Gradient of the mean squared error / 2 of the model inputs @ theta."""
    x, y = inputs.to(theta), targets.to(theta)
    return x.T @ (x @ theta - y) / len(x)


theta = torch.zeros(3)
weights = [theta]
for _ in range(20):
    theta = theta - 0.5 * slope(theta)
    weights.append(theta)

memory = [torch.zeros(3)]
for _ in range(20):
    candidate = -slope(memory[-1])
    memory.append(1.0 * memory[-1] + 0.5 * candidate)

weights, memory = torch.stack(weights), torch.stack(memory)
coin = torch.rand((), generator=draw) < 0.5
fig, axes = plt.subplots(1, 2, figsize=(10, 3.8), sharey=True)
sides = (weights, memory) if coin else (memory, weights)
for ax, values, name in zip(axes, sides, ("left", "right"), strict=True):
    ax.plot(values, color="black", linestyle="-", linewidth=2)
    ax.set(title=name, xlabel="step", xticks=range(0, 21, 5))
axes[0].set_ylabel("value")
fig.suptitle("One is gradient descent, one is an LSTM", fontweight="bold", x=0.01,
             ha="left")
show(fig, alt=(
    "Two plots with no names, left and right. In each, three black lines start at zero "
    "and bend towards three different values. The two plots look the same."
))

# %% [markdown] slideshow={"slide_type": "notes"}
# 1 min. Show the picture, and let them look for half a minute in silence.

# %% [markdown] slideshow={"slide_type": "slide"}
# **Predict.** Which is the LSTM? Say what gives it away.
#
# - ( ) the left one
# - ( ) the right one
# - ( ) nobody can tell
#
# <details><summary><b>Explain.</b> Which was it?</summary>
#
# Nobody can tell: they are the same numbers. Open the code of the figure (it is folded so as not to spoil the guess). Its two loops are
# two ways to write one computation. Do they agree to the last bit? This compares them:
#
# </details>

# %% slideshow={"slide_type": "fragment", "code": false}
assert compare("The memory of the LSTM", memory, "the weights under gradient descent",
               weights)

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Vote by hands: left, or right? Ask two people what gave it away. Then press on: the difference is 0, not small, both loops are the same computation. Let the laugh happen, then ask what *same* has to mean, because we come back to it.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Where is the LSTM in gradient descent?
#
# An LSTM cell carries a memory $c$. At every time step it keeps a part of the old memory and lets in a part of a candidate:
#
# $${\color{#007CC2}{c_t}} \;=\; {\color{#C73F9E}{f_t}}\;{\color{#007CC2}{c_{t-1}}} \;+\; {\color{#A26B00}{i_t}}\;{\color{#008765}{\tilde c_t}}$$
#
# Gradient descent carries weights $\theta$. At every step it keeps them and adds a part of minus the gradient:
#
# $${\color{#007CC2}{\theta_t}} \;=\; {\color{#C73F9E}{1}}\;{\color{#007CC2}{\theta_{t-1}}} \;+\; {\color{#A26B00}{\alpha}}\;\,{\color{#008765}{(-\nabla L(\theta_{t-1}))}}$$
#
# Read both aloud: *new memory is the forget gate times old memory, plus the input gate times the candidate.* The same sentence fits both lines,
# term by term:

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Write the first line on the board and read it aloud. Then put the second line under it, so that equal colours stand under each other. Read it with the same words.

# %% [markdown]
# Watch one line become the other. Play it, or pull the slider, and choose a part to see its partner in every line. Below it stands one real step, in both ways of writing:

# %% slideshow={"slide_type": "slide"}
morph = StepMorph()
morph

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Play it once and say nothing. Then go back, stop by stop: the minus goes to the gradient, the 1 comes to light, four parts get new names. Ask at each stop whether a number has changed. None has, to the last digit.

# %%
morph.at = 3
print(morph.summary)
morph.at = 0  # as it was: your turn

# %% [markdown] slideshow={"slide_type": "slide"}
# | colour | in the LSTM cell | in gradient descent |
# |---|---|---|
# | blue | memory $c$ | weights $\theta$ |
# | magenta | forget gate $f$ | 1: nothing is forgotten |
# | ochre | input gate $i$ | learning rate $\alpha$ |
# | green | candidate $\tilde c$ | minus the gradient |

# %% [markdown] slideshow={"slide_type": "notes"}
# 1 min. Say what is missing: no tanh on the candidate, because a gradient may be longer than 1, and no output gate, because the weights are the memory. Then the question that carries the course: if this is a recurrent network, why are its gates fixed numbers?

# %% [markdown]
# Two things of the ordinary LSTM are left out. There is no tanh on the candidate, because a gradient may be longer than 1. And there is no
# output gate, because the weights *are* the memory.
#
# Ravi and Larochelle saw this in 2017. It sounds like a play on words, until you ask the next question: if gradient descent is a
# recurrent network, why are its gates fixed numbers?

# %% [markdown]
# ## Your turn: 03.1, the cell in one line
#
# `cell(theta, gradient, f, i)` returns the new memory.
#
# - `theta` and `gradient` are tensors of one shape. The result has that shape too.
# - `f` and `i` are numbers, or tensors that broadcast: one gate for each row, or one for each weight.
# - The caller still needs `theta` afterwards.
# - Gradients flow through the result back to every tensor that came in.
#
# <details><summary>Hint 1</summary>
#
# Read the line aloud: keep this much of the old memory, let in that much of the candidate. It is two products and one sum.
#
# </details>
# <details><summary>Hint 2</summary>
#
# The old memory is `theta`, the candidate is `-gradient`, the gates are `f` and `i`. Nothing is squashed.
#
# </details>
# <details><summary>Hint 3</summary>
#
# `return f * theta + ...`: what is let in, and through which gate?
#
# </details>


# %% tags=["exercise"]
def cell(theta, gradient, f, i):
    ### BEGIN SOLUTION
    return f * theta + i * (-gradient)
    ### END SOLUTION


# %%
check("03.1", cell)

# %% [markdown]
# From here on this lesson runs on *your* cell. Where the check has not passed yet, the course's own stands in, so that you can read on:

# %%
cell = yours("03.1", cell, otherwise=find("03.1").solution)

# %% [markdown]
# ## Are they really the same?
#
# "The same" deserves a proof. We take ten thousand weights, ten thousand gradients, and make one step in three ways: with your cell, with the
# line written by hand, and with the package's rule, which is the cell for a whole dict of tensors.

# %%
draw = torch.Generator().manual_seed(3)
theta = 4 * torch.rand(10_000, generator=draw) - 2
gradient = 4 * torch.rand(10_000, generator=draw) - 2
rate = 0.1

by_cell = cell(theta, gradient, 1.0, rate)
by_hand = theta - rate * gradient
rule = lstm_cell(forget=1.0, input=rate)
state = rule.init({"w": theta})
by_package, _ = rule.step({"w": theta}, {"w": gradient}, state, loss=torch.zeros(()))

compare("The cell", by_cell, "theta - rate * gradient", by_hand)
compare("The cell", by_cell, "mlteach.inner.lstm_cell", by_package["w"])

# %% [markdown]
# Bit for bit. That is no luck: multiplying by 1 changes nothing, and adding $-x$ is subtracting $x$, in floating point as on paper.
# (`torch.optim.SGD` may differ in the last bit. The appendix says why.)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What does this network read?
#
# A recurrent network reads something at every time step. The LSTM of lesson 02 read one entry of a sequence, $x_t$. It came from outside, and the cell had no say
# in it.
#
# Gradient descent reads a **batch**: at step $t$ a few examples $X_t$ with their targets $Y_t$. Their gradient is what is let in. But that gradient is
# computed *at the weights*, and the weights are the memory. So here the input depends on the cell itself. That is the dashed arrow:

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "-"}
def box(ax, x, y, text, part=None, round_=False):
    """A node of the sketch, in the colour of a part of the cell."""
    look = style.cell(part)["color"] if part else "black"
    shape = "circle,pad=0.35" if round_ else "round,pad=0.4"
    ax.text(x, y, text, color=look, ha="center", va="center", fontsize=15,
            bbox=dict(boxstyle=shape, facecolor="white", edgecolor=look, linewidth=1.8))


def arrow(ax, start, end, part=None, dashed=False):
    look = style.color("warning") if dashed else (
        style.cell(part)["color"] if part else "black")
    ax.annotate("", end, start, arrowprops=dict(
        arrowstyle="-|>", color=look, linewidth=2.2, mutation_scale=16,
        linestyle="--" if dashed else "-", shrinkA=0, shrinkB=0))


fig, axes = plt.subplots(1, 2, figsize=(10, 3.9))
for ax, old, new, read in zip(axes, ("$c_{t-1}$", r"$\theta_{t-1}$"),
                              ("$c_t$", r"$\theta_t$"),
                              (r"$\tilde c_t$", r"$-\nabla L_t$"), strict=True):
    box(ax, 0, 2, old, "c", True)
    box(ax, 4, 2, new, "c", True)
    box(ax, 2, 0.75, read, "g")
    ax.text(2.75, 0.45, "candidate", fontsize=12, color=style.cell("g")["color"])
    ax.text(0, 2.55, "memory", ha="center", fontsize=12, color=style.cell("c")["color"])
    arrow(ax, (0.5, 2), (3.55, 2), "c")
    arrow(ax, (2.55, 0.95), (3.68, 1.68), "i")
    arrow(ax, (2, -0.35), (2, 0.42))
    ax.text(2, 2.15, "forget gate", ha="center", color=style.cell("f")["color"])
    ax.text(3.3, 1.15, "input gate", color=style.cell("i")["color"])
    ax.set(xlim=(-0.7, 4.9), ylim=(-0.95, 2.85))
    ax.axis("off")
axes[0].text(2, -0.65, "$x_t$, from outside", ha="center", fontsize=13)
axes[1].text(2, -0.65, "the batch $X_t$, $Y_t$", ha="center", fontsize=13)
arrow(axes[1], (0.33, 1.66), (1.42, 0.95), dashed=True)
axes[1].text(0.7, 0.95, "depends on\nthe weights", ha="right", va="center", fontsize=12,
             color=style.ink(style.color("warning")))
axes[0].set_title("An ordinary LSTM")
axes[1].set_title("Gradient descent")
show(fig, alt=(
    "Two sketches of one time step. In an ordinary LSTM the candidate is computed from "
    "an input that comes from outside. In gradient descent it is minus the gradient, "
    "computed from a batch and, by a dashed arrow, from the weights, which are the "
    "memory."
))

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Left: what they know. Right: the same cell, but what it reads is computed at its own memory. Say "batch" aloud: X and Y of one step. The dashed arrow is the only new thing, and it comes back at the end of the lecture.

# %% [markdown]
# Now all the steps in a row. This is the whole data flow of Part I in one picture: batches go in from below, $\theta_0$ becomes $\theta_T$ along the top, a loss on *other* examples
# judges the end, and the slope of that loss goes all the way back, to the gates and to $\theta_0$. $S$ is the batch of a step, $Q$ the examples for the test. (A real chain gets another batch at every step; in this one,
# all are one bowl, and a weight is one number.) Play it, forward and back:

# %% slideshow={"slide_type": "slide"}
chain = UnrolledChain(reading="gates", steps=3, rate=0.4)
chain

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Play it once without a word. Then follow it: batch, gradient, weights, three times; the test loss; and back. Say where it leads: the slope arrives at the gates, so the gates can be learned. Leave the dashed edges alone for now.

# %%
chain.at = chain.last
print(chain.moment)
chain.at = None  # as it was: your turn

# %% [markdown]
# ## Can you beat gradient descent by turning the gates?
#
# Here is the cell on a surface with two parameters: a ravine, 30 times steeper across than along. The dashed grey path is gradient descent with its
# rate. The blue path is the cell with its gates. Drag the start (or use the arrow keys), turn the gates.
# They begin as gradient descent's: forget <span data-moves="GradientCell.forget">1</span>, input <span data-moves="GradientCell.input">0.05</span>.
#
# **Task.** Leave momentum at zero for now. Find $f$ and $i$ that end lower than gradient descent after 20 steps.

# %% slideshow={"slide_type": "slide"}
explorer = GradientCell(surface="ravine")
explorer

# %% [markdown] slideshow={"slide_type": "notes"}
# 3 min. Start with *Cell = descent*: one path. Turn the input gate up slowly until the path across the ravine swings and leaves. Turn the forget gate to 0.98: the memory drifts to zero, which is no special place.
# Give them two minutes with a neighbour: is there a pair of gates that beats the best fixed rate? Leave the answer open.

# %% [markdown]
# Everything you can drag, a program can set. Four tries:

# %%
for f, i in ((1.0, 0.05), (0.98, 0.05), (1.0, 0.06), (1.0, 0.07)):
    explorer.forget, explorer.input = f, i
    print(explorer.summary)
explorer.forget, explorer.input = 1.0, 0.05  # as it was: your turn

# %% [markdown]
# You will have found three things.
#
# - Forgetting a little does not help. The memory drifts towards zero, and zero is no special place.
# - A larger input gate is faster along the ravine, until the path across it swings, grows, and leaves the picture.
# - One pair of numbers has to serve both directions. Across, the gate is almost too large; along, it is far too small.
#
# Is the explorer's cell yours? Both walk from the same start:

# %%
STEEP = torch.tensor([1.0, 30.0], dtype=torch.float64)  # how the ravine bends: H
LOWEST = torch.tensor([1.2, 0.3], dtype=torch.float64)


def walk(start, f, i, mu, steps=20):
    """Down the ravine, a second cell in front, start [..., 2]: [steps + 1, ..., 2]."""
    theta, m, path = start, torch.zeros_like(start), [start]
    for _ in range(steps):
        gradient = STEEP * (theta - LOWEST)
        m = cell(m, -gradient, mu, 1.0)  # with mu = 0 it remembers nothing
        theta = cell(theta, m, f, i)
        path.append(theta)
    return torch.stack(path)


explorer.forget, explorer.input, explorer.momentum = 0.98, 0.06, 0.5
shown = torch.tensor(explorer.paths().cell)
yours_walked = walk(shown[0], 0.98, 0.06, 0.5)
compare("Your cell's path", yours_walked, "the explorer's", shown)
explorer.forget, explorer.input, explorer.momentum = 1.0, 0.05, 0.0  # as it was

# %% [markdown]
# That one pair serves both directions badly is the argument for the rest of the lesson: we want gates that *look at what is coming in*. First, though: people have set these gates by hand since
# the 1960s.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What were the gates, before anyone called them that?
#
# ### Weight decay is a forget gate
#
# Weight decay adds the penalty $\tfrac{\lambda}{2}\lVert\theta\rVert^2$ to the loss, so that large weights are pulled towards zero. Then
#
# $$\theta_t = \theta_{t-1} - \alpha\,(\nabla L(\theta_{t-1}) + \lambda\,\theta_{t-1})$$

# %% [markdown] slideshow={"slide_type": "notes"}
# 1.5 min. Let them collect the two terms that hold theta, on paper: exercise 03.2. The forget gate is 1 minus rate times decay. With a rate of 0.1 and a decay of 0.0005 it stands at 0.99995: whoever trains with weight decay turns this gate, by a hair.

# %% [markdown]
# In words: step against the gradient, and against a share of yourself.
#
# ## Your turn: 03.2, the gates of weight decay
#
# That line is an LSTM cell with the candidate $-\nabla L$, as before. `gates_of_weight_decay(rate, decay)` returns its two gates `(f, i)`, two numbers.
#
# <details><summary>Hint 1</summary>
#
# Weight decay adds the penalty decay/2 * |theta|^2 to the loss. What does it add to the gradient?
#
# </details>
# <details><summary>Hint 2</summary>
#
# Write down theta - rate * (gradient + decay * theta) and collect the two terms that contain theta.
#
# </details>
# <details><summary>Hint 3</summary>
#
# What stands in front of theta is f, what stands in front of -gradient is i.
#
# </details>


# %% tags=["exercise"]
def gates_of_weight_decay(rate, decay):
    ### BEGIN SOLUTION
    return 1 - rate * decay, rate
    ### END SOLUTION


# %%
check("03.2", gates_of_weight_decay)
gates_of_decay = yours("03.2", gates_of_weight_decay, otherwise=find("03.2").solution)

# %% [markdown]
# Is that the weight decay of `torch.optim.SGD`? We let both train the small model of the first figure for 20 steps, in float64, so that rounding does not
# hide a mistake.


# %%
def path_of_torch(optimizer, steps=20):
    """The small model's weights after each step of a torch optimizer: [steps, 3]."""
    theta = torch.zeros(3, dtype=torch.float64, requires_grad=True)
    opt = optimizer([theta])
    path = []
    for _ in range(steps):
        theta.grad = slope(theta.detach())
        opt.step()
        path.append(theta.detach().clone())
    return torch.stack(path)


alpha, decay = 0.5, 0.2
theta = torch.zeros(3, dtype=torch.float64)
path = []
for _ in range(20):
    theta = cell(theta, slope(theta), *gates_of_decay(alpha, decay))
    path.append(theta)
theirs = path_of_torch(lambda w: torch.optim.SGD(w, lr=alpha, weight_decay=decay))
compare("the cell", torch.stack(path), "torch.optim.SGD(weight_decay=...)", theirs,
        to=1e-12)

# %% [markdown] slideshow={"slide_type": "fragment"}
# A forget gate of $1 - \alpha\lambda$: with $\alpha = 0.1$ and $\lambda = 0.0005$ it stands at 0.99995. Whoever trains with weight decay turns this gate, by a hair.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Momentum is a second cell in front
#
# Momentum gathers gradients in a velocity $m$ and moves the weights by it. The velocity is a memory too, with its own forget gate $\mu$:
#
# $$m_t = \mu\,m_{t-1} + 1\cdot\nabla L(\theta_{t-1}) \qquad\qquad \theta_t = 1\cdot\theta_{t-1} + \alpha\,(-m_t)$$

# %% [markdown] slideshow={"slide_type": "notes"}
# 1.5 min. Two memory lines. The first forgets slowly and takes each gradient in whole; the second forgets nothing. Point back at the explorer: that is what the slider *momentum* was.

# %% [markdown]
# In words: the first cell forgets slowly and takes in each gradient whole. The second forgets nothing and takes in a part of what the first one remembers.
#
# ## Your turn: 03.3, momentum as a second cell in front
#
# `two_cells(theta, m, gradient, rate, mu)` makes one step of both memories and returns `(theta, m)`, the new ones, in new tensors through which
# gradients flow back to the three that came in.
#
# <details><summary>Hint 1</summary>
#
# Two memory lines, one after the other. The first has forget gate mu, input gate 1 and the gradient as its candidate.
#
# </details>
# <details><summary>Hint 2</summary>
#
# The second has forget gate 1, input gate `rate`, and minus the first one's *new* memory as its candidate.
#
# </details>
# <details><summary>Hint 3</summary>
#
# `m = mu * m + gradient`; now use this m for theta.
#
# </details>


# %% tags=["exercise"]
def two_cells(theta, m, gradient, rate, mu):
    ### BEGIN SOLUTION
    m = mu * m + gradient
    return theta - rate * m, m
    ### END SOLUTION


# %%
check("03.3", two_cells)

# %% [markdown]
# Go back to the explorer and turn *momentum* up, to <span data-moves="GradientCell.momentum">0.5</span>:

# %%
explorer.forget, explorer.input, explorer.momentum = 1.0, 0.06, 0.5
print(explorer.summary)
explorer.input, explorer.momentum = 0.05, 0.0  # as it was: your turn

# %% [markdown]
# ### Is it the second cell?
#
# Or did we not look long enough for two good gates? Give both two knobs and the same search. One cell gets every pair of $f$ and $i$ on a grid; two cells keep
# $f = 1$ and get every pair of $\mu$ and $i$. All are judged after 20 steps from two starts, the explorer's and its mirror image across the lowest point, by the worse of the two: a forget gate that pulls the right way from one
# side would be luck.

# %%
far = torch.tensor([-2.0, 0.8], dtype=torch.float64)
starts = torch.stack([LOWEST + far, LOWEST - far])  # [2, 2]
i = torch.logspace(-3, 0, 151, dtype=torch.float64)[:, None, None, None]
knob = {"f": torch.linspace(0.8, 1.02, 111, dtype=torch.float64),
        "mu": torch.linspace(0, 0.95, 96, dtype=torch.float64)}


def curve_of(f, mu):
    """Of all pairs with i the best one's loss after every step: [steps + 1]."""
    grid = starts.expand(len(i), max(f.numel(), mu.numel()), 2, 2)
    apart = walk(grid, f[:, None, None], i, mu[:, None, None]) - LOWEST
    worse = (0.5 * STEEP * apart**2).sum(-1).amax(-1)  # [steps + 1, i, f or mu]
    return worse.flatten(1)[:, worse[-1].argmin()]


keep, off = torch.ones(1, dtype=torch.float64), torch.zeros(1, dtype=torch.float64)
curves = {"best fixed rate": curve_of(keep, off),
          "best f and i": curve_of(knob["f"], off),
          "best μ and i": curve_of(keep, knob["mu"])}

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "slide"}
fig, ax = plt.subplots()
looks = (style.method("baseline"), style.cell("f"), style.cell("c"))
for (name, values), look in zip(curves.items(), looks, strict=True):
    (line,) = ax.semilogy(values, **look)
    style.label_line(ax, line, name)
ax.set(xlabel="step", ylabel="loss on the ravine", xlim=(0, 26),
       xticks=range(0, 21, 5),
       title="On this ravine a second cell beats any two gates")
show(fig, alt=(
    "Loss on the ravine over twenty steps, logarithmic. The best fixed rate and the "
    "best pair of forget and input gate fall together, slowly. The best pair of "
    "momentum and input gate ends far lower."
))

# %% [markdown] slideshow={"slide_type": "notes"}
# 1 min. Here is the answer to the question at the explorer. Every pair of f and i on a grid, every pair of mu and i on a grid: the same search. The best forget gate is 1, so the best pair is the best rate. The second cell is what helps; the appendix has the eigenvalues.

# %% [markdown]
# The best forget gate is 1, so the best pair is no better than the best rate. It is the second cell that helps, here. (The appendix shows why, with eigenvalues.)

# %% [markdown]
# ### Adam has a third
#
# Adam averages the gradients in one cell and the *squared* gradients in another. Both averages have coupled gates, $f = \mu$ and $i = 1-\mu$, with a $\mu$ each
# (`torch` calls them `betas`). The third
# memory, the weights, then has an input gate of its own for every weight: small where gradients have been large.
#
# Here are the three memories, your cell three times. The corrections by $1-\mu^t$ make up for the empty memories at the start.


# %%
def three_cells(theta, m, v, gradient, t, rate, mu1=0.9, mu2=0.999):
    m = cell(m, -gradient, mu1, 1 - mu1)
    v = cell(v, -(gradient**2), mu2, 1 - mu2)
    size = (v / (1 - mu2**t)).sqrt() + 1e-8
    i = rate / (1 - mu1**t) / size  # a gate that looks
    return cell(theta, m, 1.0, i), m, v


theta = m = v = torch.zeros(3, dtype=torch.float64)
path = []
for t in range(1, 21):
    theta, m, v = three_cells(theta, m, v, slope(theta), t, rate=0.1)
    path.append(theta)
theirs = path_of_torch(lambda w: torch.optim.Adam(w, lr=0.1))
compare("the three cells", torch.stack(path), "torch.optim.Adam", theirs, to=1e-12)

# %% [markdown]
# So these optimizers are one family: a few memory lines, with gates that someone set by hand.

# %% [markdown] slideshow={"slide_type": "slide"}
# | | memories | forget gates | input gate of the weights |
# |---|---|---|---|
# | gradient descent | $\theta$ | 1 | $\alpha$ |
# | weight decay | $\theta$ | $1 - \alpha\lambda$ | $\alpha$ |
# | momentum | $m$, $\theta$ | $\mu$, 1 | $\alpha$ |
# | Adam | $m$, $v$, $\theta$ | $\mu_1$, $\mu_2$, 1 | $\alpha / (\sqrt{v} + 10^{-8})$, up to the corrections |

# %% [markdown] slideshow={"slide_type": "notes"}
# 1 min. Read the table downwards: one memory, one, two, three. Adam's input gate is the only one that looks at anything. All of these were set by hand; momentum is from 1964.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Pitfall: a forget gate that is nearly open
#
# The gates of an LSTM are not free numbers. Each is a **sigmoid**, $\sigma(b) = 1/(1 + e^{-b})$, of a number $b$ that the network computes, and lies between 0 and 1. Before training, $b$ is little more than a *bias*.
#
# The code that Ravi and Larochelle released draws the bias of the forget gate between 4 and 5. That is a gate of 0.982 to 0.993. "Nearly 1", one thinks, "nearly gradient descent".
# Now give that cell *no gradient at all* for twelve steps, which is how many they make from one picture a class. Gradient descent would leave the weights alone.

# %% [markdown] slideshow={"slide_type": "-"}
# **Predict.** How much of every weight is left after the twelve steps?
#
# - ( ) all of it, but for rounding
# - ( ) 98 to 99 %
# - ( ) 80 to 92 %
# - ( ) less than half

# %% [markdown] slideshow={"slide_type": "notes"}
# 1 min. A gate is a sigmoid of a bias; write 0.982 on the board. Twelve steps without any gradient. Let them vote, then let one of them say how to compute it.

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "slide"}
fig, (ax, right) = plt.subplots(1, 2, figsize=(10, 4.2))
steps = range(13)
for bias, look in (
    (17.0, style.method("lstm")),
    (5.0, style.method("warning")),
    (4.0, style.method("warning") | {"linestyle": "--"}),
):
    f = torch.sigmoid(torch.tensor(bias))
    (line,) = ax.plot(steps, [100 * f.item() ** t for t in steps], **look)
    style.label_line(ax, line, f"bias {bias:.0f}")
ax.set(xlabel="step, with a gradient of zero", ylabel="what is left of a weight, in %",
       xlim=(0, 16), xticks=range(0, 13, 3), ylim=(75, 102),
       title="Nearly open eats the weights")

biases = torch.linspace(0, 20, 401, requires_grad=True)
(slopes,) = torch.autograd.grad(torch.sigmoid(biases).sum(), biases)
dead = biases[slopes == 0].min().item()
right.semilogy(biases.detach(), slopes.where(slopes > 0, torch.nan),
               **style.method("lstm"))
right.axvspan(dead, 20, color=style.color("warning"), alpha=0.15, linewidth=0)
right.text((dead + 20) / 2, 1e-4, "exactly 0", ha="center", rotation=90, va="center",
           color=style.ink(style.color("warning")))
right.set(xlabel="bias of the gate", ylabel="slope of its sigmoid, float32",
          xlim=(0, 20), xticks=range(0, 21, 5), title="Fully open cannot learn")
show(fig, alt=(
    "Left: what is left of a weight over twelve steps with zero gradient. With bias "
    "17 it stays at 100 %. With bias 5 it falls to about 92 %, with bias 4 to about "
    "80 %. "
    "Right: the slope of the sigmoid falls with the bias, and from about 17 on it is "
    "exactly zero in float32."
))

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Left: 0.982 to the twelfth is 0.80. The detector is three lines: feed the rule zeros. Right: so why not a bias of 17, where the sigmoid is 1 in float32? Because its slope there is 0, exactly. Such a gate is gradient descent, and stays it, whatever you train. Choose: a gate that eats a little, or one that cannot learn.

# %% [markdown]
# <details><summary><b>Explain.</b> How much, and why not open it further?</summary>
#
# 80 to 92 %. The gate multiplies at every step, and $0.982^{12}$ is 0.80, $0.993^{12}$ is 0.92.
#
# A gate of *exactly* 1 can be had: in float32 the sigmoid of 17 is 1 (the appendix says why). But its slope, which is $f(1 - f)$, is then exactly 0. No gradient passes, and such a gate stays at 1 for ever: it is
# gradient descent, and cannot become anything else. We come back to one that had to.
#
# </details>

# %% [markdown]
# The symptom in practice: the adapted network is worse than the start *before it has seen anything*. The detector is three lines, and works for
# any rule: feed it zeros, see what is left.


# %%
def left_after(rule, steps=12):
    """What is left of a weight of 1 after some steps with gradient zero, in percent."""
    one, nothing = {"w": torch.ones(())}, {"w": torch.zeros(())}
    theta, state = one, rule.init(one)
    for _ in range(steps):
        theta, state = rule.step(theta, nothing, state, loss=torch.zeros(()))
    return 100 * theta["w"].item()


for name, rule in {
    "gradient descent": sgd(0.1),
    "momentum": momentum(0.1, 0.9),
    "cell, bias 4": lstm_cell(forget=torch.sigmoid(torch.tensor(4.0)), input=0.1),
    "cell, bias 5": lstm_cell(forget=torch.sigmoid(torch.tensor(5.0)), input=0.1),
    "cell, bias 17": lstm_cell(forget=torch.sigmoid(torch.tensor(17.0)), input=0.1),
}.items():
    print(f"{name:16} leaves {left_after(rule):5.1f} %")

# %% [markdown]
# Does it cost anything in the end, after training? We try it below, under "Why forget at all?".

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What happens when the gates may learn?
#
# Now we release them. We need three things: *problems* to practise on (bowls in ten dimensions, with noisy gradients), *gates* that are functions (of a gradient's size and of the step), and a *score* (the loss after
# 20 steps).

# %% [markdown]
# **The problems.** A bowl in ten dimensions, $L(\theta) = \tfrac12\lVert W\theta - y\rVert^2$, with random $W$ and with its lowest point near a common centre. The cell does not know where.
# As in real training, each gradient comes from one batch, so it is noisy. We model that by tilting the bowl a little at every step, each time another way.

# %%
# dimensions, inner steps, size of the noise on each entry of the gradient
D, T, NOISE = 10, 20, 0.3
CENTRE = 1.5 * torch.randn(D, generator=torch.Generator().manual_seed(5),
                           dtype=torch.float64)


class Bowls(NamedTuple):
    """Many problems at once. W: [n, 2D, D], y: [n, 2D], a tilt a step: [T, n, D]."""

    W: Tensor
    y: Tensor
    tilt: Tensor


def sample(n, generator, noise=NOISE):
    def normal(*shape):
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    W = normal(n, 2 * D, D) / math.sqrt(2 * D)
    lowest = CENTRE + normal(n, D)
    return Bowls(W, (W @ lowest[..., None])[..., 0], noise * normal(T, n, D))


def loss(theta, bowls):
    """The true loss of each problem at its theta [n, D]: [n]."""
    return 0.5 * ((bowls.W @ theta[..., None])[..., 0] - bowls.y).square().sum(-1)


# %% [markdown]
# **The gates.** A small network looks at one weight at a time: how large is its gradient (the logarithm, because gradients come in all sizes), and which step is it? It answers with
# that weight's two gates. The same network serves every weight, one *coordinate* at a time: a coordinate is one number, not a layer. It starts with $f \approx 1$ and $i \approx 0.1$: close to gradient descent.
#
# **The start.** The first memory $c_0$ (lesson 00's $\theta$) is a parameter as well. All that is learned stands in one dict, `omega`.
#
# The two differ in kind. The gates would fit a bowl of any size. $c_0$ has one number for each weight and fits ten dimensions alone: who learns the start as well gives up "any size of network".


# %%
def first_omega(hidden=8):
    draw = torch.Generator().manual_seed(0)

    def normal(*shape):
        return torch.randn(*shape, generator=draw, dtype=torch.float64)

    return {
        "W1": 0.3 * normal(2, hidden),
        "b1": torch.zeros(hidden, dtype=torch.float64),
        "W2": 0.1 * normal(hidden, 2),
        "b2": torch.tensor([6.0, -2.2], dtype=torch.float64),  # sigmoids: 0.998 and 0.1
        "c0": torch.zeros(D, dtype=torch.float64),
    }


def gates(omega, gradient, t):
    """The two gates of every weight, each of the shape of ``gradient``."""
    size = (gradient.abs() + 0.01).log() / 5
    time = torch.full_like(gradient, 2 * t / T - 1)
    seen = torch.stack([size, time], dim=-1)
    hidden = torch.tanh(seen @ omega["W1"] + omega["b1"])
    opened = torch.sigmoid(hidden @ omega["W2"] + omega["b2"])
    return opened[..., 0], opened[..., 1]


# %% [markdown]
# **The score.** The true loss after 20 steps, averaged over many problems. Here is the whole unrolled cell, around the line that you wrote:


# %% slideshow={"slide_type": "fragment"}
def unrolled(omega, bowls):
    """Twenty steps of the cell from c0 on many problems: the final theta [n, D]."""
    theta = omega["c0"].expand(len(bowls.y), D)
    for t in range(T):
        error = (bowls.W @ theta[..., None])[..., 0] - bowls.y
        gradient = (error[..., None, :] @ bowls.W)[..., 0, :] + bowls.tilt[t]
        f, i = gates(omega, gradient, t)
        theta = cell(theta, gradient, f, i)
    return theta

# %% [markdown] slideshow={"slide_type": "notes"}
# 1.5 min. Three things: problems to practise on (bowls in ten dimensions, each with its lowest point elsewhere, and noisy gradients), gates that are functions (a small network looks at the size of a gradient and at the step), a score (the loss after 20 steps). The loop is all of it. The only new line is the one that asks the network for the gates. Everything is differentiable, so we descend on the final loss.


# %% [markdown]
# The package does the same with `adapt`, for any rule and any loss. It finds the gradients by autograd, so we give it the tilted loss and the rule. A **rule** is two functions: `init(theta)` gives what
# it remembers before the first step, its state, and `step(theta, gradient, state, *, loss)` returns the new weights and the new state. `theta` and `gradient` are dicts of tensors. Our state is the number `t` of the
# step; the loss comes along for rules that look at it, and ours does not. One check, then we use it:


# %%
def learned(omega, gates=gates):
    """The cell with the gates in ``omega``, as a rule. Its state counts the steps."""

    def step(theta, gradient, t, *, loss):
        f, i = gates(omega, gradient["theta"], t)
        return {"theta": cell(theta["theta"], gradient["theta"], f, i)}, t + 1

    return Rule(init=lambda theta: 0, step=step)


def run(rule, c0, bowls, **how):
    """Twenty steps of ``rule`` from ``c0`` on tilted bowls: the final theta [n, D]."""
    tilts = iter(bowls.tilt)

    def tilted(p):
        return loss(p["theta"], bowls) + (next(tilts) * p["theta"]).sum(-1)

    return adapt(tilted, {"theta": c0.expand(len(bowls.y), D)}, rule, T, **how)["theta"]


omega = first_omega()
few = sample(5, torch.Generator().manual_seed(4))
compare("the unrolled cell", unrolled(omega, few), "the rule",
        run(learned(omega), omega["c0"], few), to=1e-12)

# %% [markdown] slideshow={"slide_type": "slide"}
# **Predict.** We descend on the final loss, with respect to `omega`. Nobody tells the gates anything else. What will the input gate of the trained cell do from step 1 to step 20? (And the forget gate?)
#
# - ( ) It stays about where it is.
# - ( ) It rises.
# - ( ) It falls.


# %% [markdown] slideshow={"slide_type": "notes"}
# 1 min. Make them commit before you go on, in writing: will the input gate stay, rise, or fall? The answer is on the next slide.

# %%
def meta_gradient(omega, bowls):
    """For `fit`: the gradient of the mean final loss for omega, and what to show."""
    final = loss(run(learned(omega), omega["c0"], bowls), bowls).mean()
    found = torch.autograd.grad(final, list(omega.values()))
    return dict(zip(omega, found, strict=True)), {"loss": final.item()}


def train(seed, noise=NOISE):
    return fit(meta_gradient, first_omega(),
               lambda draw: sample(64, draw, noise), steps=budget["meta_steps"],
               generator=torch.Generator().manual_seed(seed), lr=0.05,
               schedule="cosine")


fits = [train(seed) for seed in budget["seeds"]]
first, last = fits[0].history["loss"][0], fits[0].history["loss"][-1]
print(f"mean final loss, log10: from {math.log10(first):.1f} to {math.log10(last):.1f}")

# %% jupyter={"source_hidden": true}
fig, ax = plt.subplots()
steps = range(1, budget["meta_steps"] + 1)
(line,) = ax.loglog(steps, fits[0].history["loss"],
                    **style.method("lstm") | {"linewidth": 1.5})
ax.set(xlabel="meta-training step", ylabel="final loss, mean of 64 problems",
       yticks=(0.05, 0.1, 0.2, 0.5), yticklabels=("0.05", "0.1", "0.2", "0.5"),
       title="Most is learned in ten steps, the rest takes hundreds")
ax.minorticks_off()
show(fig, alt=(
    "The mean final loss against the meta-training step, both on logarithmic axes. It "
    "falls to about an eighth within the first ten steps, then creeps lower over "
    "hundreds."
))

# %% [markdown]
# Look at both gates, at every step, on problems that the cell has not seen:


# %%
@torch.no_grad()
def gates_over_steps(omega, bowls):
    """Both gates of every weight of every problem at every step: [T, n, D] each."""
    opened = []

    def watched(*seen):
        opened.append(gates(*seen))
        return opened[-1]

    run(learned(omega, watched), omega["c0"], bowls)
    return [torch.stack(gate) for gate in zip(*opened, strict=True)]


fresh = sample(budget["problems"], torch.Generator().manual_seed(99))
f, i = gates_over_steps(fits[0].theta, fresh)

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "slide"}
fig, ax = plt.subplots()
for gate, name, look in (
    (f, "forget gate f", style.method("lstm") | {"linestyle": ":"}),
    (i, "input gate i", style.method("lstm")),
):
    low, middle, high = (gate.flatten(1).quantile(q, dim=1) for q in (0.05, 0.5, 0.95))
    (line,) = ax.plot(range(1, T + 1), middle, **look)
    ax.fill_between(range(1, T + 1), low, high, color=line.get_color(), alpha=0.25,
                    linewidth=0)
    style.label_line(ax, line, name)
ax.set(xlabel="inner step", ylabel="how far the gate is open", xlim=(0, 25),
       xticks=range(0, 21, 5), ylim=(0, 1.08),
       title="Large steps first, small steps last: nobody told it")
show(fig, alt=(
    "The two gates over twenty inner steps, with bands that hold ninety percent of all "
    "weights and problems. The forget gate stays at 1. The input gate is wide open at "
    "the first steps and nearly closed at the last."
))

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Read the guesses back before you show this. It invented a learning rate schedule, and nobody told it. Ask why small steps at the end: near the bottom the gradient is mostly noise.

# %%
first, last = i[0].mean(), i[-1].mean()
print(f"input gate:  {first:.1f} at the first step, {last:.1f} at the last")
print(f"forget gate: never below {math.floor(100 * f.min()) / 100}")

schedule = i.mean((1, 2))  # blind: the same for every weight, whatever its gradient
blind = lstm_cell(1.0, lambda name, theta, gradient, t: schedule[t])
for name, rule in {"gates that look": learned(fits[0].theta), "blind": blind}.items():
    with torch.no_grad():
        end = loss(run(rule, fits[0].theta["c0"], fresh), fresh).log10().mean()
    print(f"{name:15} end at {end:.1f}, log10")

# %% [markdown]
# <details><summary><b>Explain.</b> What do the gates do, and why?</summary>
#
# It falls, and the forget gate stays open. Early on, the gradient says mostly where the bottom is: take large steps. Near the bottom it is mostly noise: take small steps, so that the noise averages out. That is a learning rate schedule, and the
# cell invented it from nothing but "end low".
#
# The narrow band says more: for all the weights the gate is nearly the same. Is the cell a schedule and nothing else? Put its mean at every step in its place, 20 numbers that look at no gradient: it ends about as low. Here, a schedule is what there is to learn. (What the noise has to do with it, we test below.)
#
# </details>

# %% [markdown]
# ## Is the learned cell any good?
#
# A learned optimizer that beats an untuned one proves nothing. So each rival gets its best setting out of a grid, chosen on 256 problems of their own, for the number that the figure shows, the mean of the loss's logarithm:
#
# - gradient descent with one fixed rate,
# - momentum, rate and $\mu$,
# - gradient descent with a rate that falls in a straight line to zero, which an engineer may try by hand.
#
# Then all of them meet problems that none has seen, first from zero, then from the start $c_0$ that the cell has learned.

# %%
practice = sample(256, torch.Generator().manual_seed(77))
RATES = [10 ** (k / 8) for k in range(-12, 2)]


def falling(rate):
    return lstm_cell(1.0, lambda name, theta, gradient, t: rate * (1 - t / T))


RIVALS = {
    "fixed rate": [sgd(rate) for rate in RATES],
    "momentum": [momentum(rate, mu) for rate in RATES
                 for mu in (0.3, 0.45, 0.6, 0.75, 0.9)],
    "falling rate": [falling(rate) for rate in RATES],
}

# %% [markdown]
# Now the match. For each rival the best setting on the practice problems, and then its loss on the fresh ones, with a 95 % interval over the problems:


# %%
@torch.no_grad()
def final_loss(rule, c0, bowls):
    return loss(run(rule, c0, bowls), bowls)


def best_of(rules, start, practice):
    """The rule with the lowest mean log loss from ``start`` on practice problems."""
    def score(rule):
        return final_loss(rule, start, practice).log().mean().item()

    return min(rules, key=score)


PLACES = ("from zero", "from c0")
zero, c0 = torch.zeros(D, dtype=torch.float64), fits[0].theta["c0"].detach()
results = {}
for name, rules in RIVALS.items():
    for place, start in zip(PLACES, (zero, c0), strict=True):
        best = best_of(rules, start, practice)
        results[name, place] = over_tasks(final_loss(best, start, fresh).log10())
for place in PLACES:
    logs = []
    for each in fits:
        start = zero if place == "from zero" else each.theta["c0"]
        logs.append(final_loss(learned(each.theta), start, fresh).log10())
    over_seeds = torch.stack(logs).mean(0)  # problem by problem
    results["learned cell", place] = over_tasks(over_seeds)

# %% tags=["setup"]
for (name, place), interval in results.items():
    seconds = sum(each.seconds for each in fits) if name == "learned cell" else None
    record(f"bowls.{name}.{place}".replace(" ", "-"), interval, unit="log10 loss",
           seeds=budget["seeds"], seconds=seconds)

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "slide"}
fig, ax = plt.subplots(figsize=(8.5, 4.2))
for row, name in enumerate([*RIVALS, "learned cell"]):
    look = style.color("lstm" if name == "learned cell" else "baseline")
    for place, face in zip(PLACES, ("white", look), strict=True):
        mean, half, _ = results[name, place]
        ax.errorbar(mean, -row, xerr=half, fmt="o", color=look, markerfacecolor=face,
                    markersize=10, capsize=5, linewidth=2)
        if row == 0:
            ax.annotate(place, (mean, 0), (0, 14), textcoords="offset points",
                        ha="center", fontsize=12)
ax.set(yticks=range(0, -4, -1), ylim=(-3.4, 0.6),
       xlabel="final loss, log10 (further left is better), with 95 % intervals",
       title="The learned cell is as good as a falling rate")
ax.set_yticklabels([*RIVALS, "learned cell"])
show(fig, alt=(
    "Final losses with intervals, from zero (hollow) and from the learned start "
    "(filled). The learned cell and gradient descent with a falling rate end lowest "
    "and near each other; momentum and the fixed rate end clearly higher. The learned "
    "start helps each of them."
))

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Every rival got its best setting out of a grid, on other problems. The cell beats every fixed rate and momentum; a falling rate, once a person has thought of it, does about as well. Say what this does not show: these are the bowls it was trained on.

# %% [markdown]
# <details><summary><b>Explain.</b> What does the figure say, and what does it not say?</summary>
#
# The cell beats every *fixed* rate and momentum, by far more than the intervals. A rate that falls in a straight line, once a person has thought of it, does about as well from zero: what the cell has
# learned is worth as much as a good idea, and nobody had to have it. The learned start helps everyone, because the bowls share a region, and it is the cell's own find too. (Compare the filled marks with the hollow ones: the start is all that differs.)
#
# It does not say that learned optimizers beat hand-made ones in general. The cell is tested on the kind of bowl it was trained on, for the same 20 steps. Lesson 04 leaves home.
#
# </details>

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Why forget at all?
#
# The forget gate stayed open. Ravi and Larochelle saw the same in theirs, and gave a reason to have one all the same: forgetting helps *where the loss is high and the gradient next to zero*, in a bad place that no gradient leads out of.
#
# Let us build that place. Every start lies far out on a plateau, around a valley near zero. The same cell is trained there, in the same way. Then we do not look at its gates, we *intervene*: in the trained cell some gates are
# held, and the end is measured again.

# %% [markdown] slideshow={"slide_type": "-"}
# **Predict.** Which of these costs the cell that was trained on the plateaus nothing?
#
# - ( ) It never forgets.
# - ( ) It does not forget from step 4 on.
# - ( ) From step 4 on it only forgets.
# - ( ) It stops after step 3.

# %% [markdown] slideshow={"slide_type": "notes"}
# 1.5 min. Draw the plateau and the valley near zero on the board, with a start far out and its tiny gradient. To hold a gate in a trained network is an experiment; to look at a gate is not. Which of the four costs nothing?

# %%
def one(gate):
    return torch.ones_like(gate)


CHANGES = {
    "as trained": lambda f, i, t: (f, i),
    "never forgets": lambda f, i, t: (one(f), i),
    "does not forget from step 4": lambda f, i, t: (f if t < 3 else one(f), i),
    "only forgets from step 4": lambda f, i, t: (f, i if t < 3 else 0 * i),
    "stops after step 3": lambda f, i, t: (f, i) if t < 3 else (one(f), 0 * i),
}


def ends(change):
    """On the bowls, with some gates held: the mean over seeds, with its interval."""
    logs = []
    for each in fits:
        held = learned(each.theta, lambda *seen: change(*gates(*seen), seen[-1]))
        logs.append(final_loss(held, each.theta["c0"], fresh).log10())
    return over_tasks(torch.stack(logs).mean(0))


on_bowls = [ends(change) for change in CHANGES.values()]

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "slide"}
found = recorded("03", "forgetting")
rows = dict(zip(CHANGES, (
    "free.as-trained", "free.f-1-throughout", "free.f-1-from-4",
    "free.only-forgets-from-4", "free.stops-after-3"), strict=True))
rows |= {"trained with f = 1": "held.as-trained",
         "trained from bias 37": "bias-37.as-trained"}
fig, axes = plt.subplots(1, 2, figsize=(10.5, 4.4), sharey=True)
for y, interval in enumerate(on_bowls):
    axes[0].errorbar(interval.mean, -y, xerr=interval.half_width, fmt="o", markersize=8,
                     capsize=4, color=style.color("lstm"))
for y, name in enumerate(rows.values()):
    axes[1].errorbar(found[name]["value"], -y, xerr=found[name]["interval"], fmt="o",
                     markersize=8, capsize=4,
                     color=style.color("lstm" if y < 5 else "baseline"))
axes[1].axvline(found["start"]["value"], color="black", linewidth=0.8, linestyle=":")
axes[1].text(found["start"]["value"], 0.45, "start ", ha="right", fontsize=12)
axes[0].set(yticks=range(0, -7, -1), ylim=(-6.5, 0.9), xlabel="final loss, log10",
            title="Bowls, trained above")
axes[0].set_yticklabels(list(rows))
axes[1].set(xlabel="final loss, 10 seeds", xlim=(-0.03, 1.02),
            title="Plateaus, recorded")
show(fig, alt=(
    "Final losses with some gates held. On the bowls holding the forget gate at 1 "
    "changes nothing; without steps the cell is far off. On the plateaus, never to "
    "forget leaves the loss near where it began; not to forget from step 4 on costs "
    "nothing; only to forget from step 4 on is no better than to stop. A cell trained "
    "with f = 1, and one whose forget gate began at bias 37, stay near the start."
))

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Left, the bowls: hold f at 1, and nothing happens, so there it is no use. Right, the plateaus: without forgetting the cell stays where it began. From step 4 on it does not need it: it forgets first, and descends then. The last row is the pitfall: bias 37 is where a float64 sigmoid has no slope, and that cell never learns to forget.

# %% [markdown]
# <details><summary><b>Explain.</b> Which, and what is forgetting for?</summary>
#
# It does not forget from step 4 on: that costs nothing. It never forgets: then the cell stays near where it began, for there is no gradient to follow. From step 4 on it only forgets: that is no better than to stop after step 3.
# So the trained cell forgets *first*, which carries it to where gradients are, and descends *then*. On the bowls every place has a gradient, and holding the gate at 1 changes nothing.
#
# Mind what we built: forgetting leads to zero and nowhere else, and our valleys lie around zero. That zero is a better place than here is all that such a gate can bet on.
#
# The last row is the pitfall again. The cells of this lesson compute in float64, where a sigmoid is exactly 1, and has no slope, from a bias of 37 on. Begun there, the forget gate never learns, and the cell ends where the one ends that was
# trained with $f = 1$.
#
# </details>
#
# And the nearly open gate? On the bowls, where there is nothing to forget, with as much training as in the lecture profile (ten seeds, recorded):

# %%
found = recorded("03", "edges")
for bias, name in (("4.5", "forget.4.5"), ("6", "kept"), ("37", "forget.37")):
    each = found[f"{name}.from-c0"]
    mean, half, seeds = each["value"], each["interval"], each["each"]
    print(f"from bias {bias:4} it ends at {mean:.2f} ± {half:.2f};",
          f"best seed {min(seeds):.2f}, worst {max(seeds):.2f}")

# %% [markdown]
# Training learns its way around a nearly open gate, in all of the ten seeds but one. That one does not get there, and makes the interval wide; why, we do not know. A gate that cannot learn costs nothing here, where there is nothing to forget.

# %% [markdown]
# ### And without the noise?
#
# Change one thing: every gradient is exact. Then there is nothing to average out, and all that counts is speed along the ravine. The cell is trained anew on such bowls, and every rival is tuned anew.

# %% [markdown] slideshow={"slide_type": "slide"}
# **Predict.** On bowls without noise, every gradient exact: who ends lowest?
#
# - ( ) gradient descent with the best fixed rate
# - ( ) momentum
# - ( ) gradient descent with a falling rate
# - ( ) the learned cell

# %% slideshow={"slide_type": "fragment", "code": false}
quiet = train(budget["seeds"][0], noise=0.0)
practice_quiet = sample(256, torch.Generator().manual_seed(77), noise=0.0)
fresh_quiet = sample(budget["problems"], torch.Generator().manual_seed(99), noise=0.0)
start = quiet.theta["c0"].detach()
for name, rules in (RIVALS | {"learned cell": [learned(quiet.theta)]}).items():
    best = best_of(rules, start, practice_quiet)
    quiet_loss = over_tasks(final_loss(best, start, fresh_quiet).log10())
    record(f"quiet-bowls.{name}".replace(" ", "-"), quiet_loss, unit="log10 loss",
           seeds=budget["seeds"][:1])
    print(f"{name:16} {quiet_loss.mean:6.1f}")

# %% [markdown] slideshow={"slide_type": "notes"}
# 1.5 min. Hide nothing: here it loses, by powers of ten. The obvious story is that momentum has two memories and the cell has one. Ask how one would test it. Then the next picture.

# %% [markdown]
# <details><summary><b>Explain.</b> Who wins?</summary>
#
# Momentum, by powers of ten. The learned cell still beats every fixed rate.
#
# </details>

# %% [markdown] tags=["answer"]
# ### What made the difference?
#
# Is it the second memory? That is the story one would tell: momentum has two and the cell has one. So give the cell a second one, with a gate of its own, and train it in the same way. And take everything else away: twenty plain numbers, one rate a step, no
# gate, no second memory. Each is trained on the mean of the final loss, as above, and on the mean of its logarithm (ten seeds, recorded):

# %% tags=["answer"] jupyter={"source_hidden": true} slideshow={"slide_type": "slide"}
found = recorded("03", "second-memory")
arms = {"learned cell, one memory": "one-memory",
        "learned cell, two memories": "two-memories",
        "learned cell, gate up to 12": "one-memory-wide",
        "20 rates, one memory": "rates", "20 rates and 20 μ": "rates-and-mu"}
fig, (ax, right) = plt.subplots(1, 2, figsize=(11, 4.4), width_ratios=(1.7, 1))
for y, name in enumerate(arms.values()):
    for aim, marker in (("mean", "o"), ("log", "D")):
        each = found[f"{name}.{aim}"]
        look = style.color("lstm" if y < 3 else "baseline")
        ax.errorbar(each["value"], -y, xerr=each["interval"], fmt=marker, markersize=9,
                    capsize=4, color=look,
                    markerfacecolor=look if aim == "log" else "white")
        if y == 3:
            ax.annotate(f"trained on the {aim}", (each["value"], -3), (0, 12),
                        textcoords="offset points", ha="center", fontsize=12)
ax.set(yticks=range(0, -5, -1), ylim=(-4.6, 0.8), xlim=(-6.9, -1.4),
       xlabel="final loss, log10 (further left is better)",
       title="A second memory helps; so do rates alone")
ax.set_yticklabels(list(arms))
rates = [found[f"rate.{t}"]["each"][0] for t in range(1, T + 1)]
right.semilogy(range(1, T + 1), rates, color=style.color("baseline"), marker="D",
               linewidth=1)
right.axhspan(1, 14, color=style.color("lstm"), alpha=0.15, linewidth=0)
right.text(10.5, 10, "beyond a sigmoid gate", fontsize=12, ha="center",
           color=style.ink(style.color("lstm")))
right.set(xlabel="inner step", ylabel="rate", xticks=(1, 5, 10, 15, 20), ylim=(0.2, 14),
          yticks=(0.2, 0.5, 1, 2, 5, 10),
       yticklabels=("0.2", "0.5", "1", "2", "5", "10"),
          title="These rates jump")
right.minorticks_off()
show(fig, alt=(
    "Final losses without noise, ten seeds each, trained on the mean of the loss and "
    "on its logarithm. The learned cell with one memory ends highest, with a wider "
    "gate no lower. A second memory lowers it by powers of ten. Twenty plain rates, "
    "with one memory, end as low as that when trained on the logarithm, and high when "
    "trained on the mean. Right: those rates, of one seed, jump from step to step, and "
    "some are far above 1, where a sigmoid gate ends."
))

# %% [markdown] slideshow={"slide_type": "notes"}
# 1.5 min. Look at the full marks. A second memory helps, by powers of ten. But row four has one memory, no gate and no network: twenty numbers, and it ends as low. So a second memory is enough, and it is not needed. Right: its rates jump from step to step, and some are far above 1. The gates of the cell come from a small smooth network.

# %% tags=["answer"]
rates = torch.tensor([found[f"rate.{t}"]["each"] for t in range(1, T + 1)])
apart = rates.sort(0).values  # in the order of their size, [T, seeds]
spread = (apart.std(1) / apart.mean(1)).median()
print(f"sorted by size, the rates of the ten seeds differ by {100 * spread:.0f} %")

# %% [markdown] tags=["answer"]
# Give the cell a second memory, and it ends lower, by powers of ten: the second memory is *enough*. A wider gate alone changes little. But look at the twenty rates. They have one memory and look at nothing, and trained on the logarithm they end
# as low as anything here: a second memory is *not needed*. Their rates (right, one seed) jump up and down from step to step, and some lie far above 1. All ten seeds find nearly the same twenty rates, each in another order. (Numerical mathematics knows such schedules by the name of Chebyshev.) Our gates come from a small network that is smooth in the step.
#
# So "one memory against two" is half of the story. The other half is the target: the mean of the loss is ruled by the few worst bowls, and what is safe there is slow elsewhere. Lesson 04 gives the learned optimizer memories of its own.

# %% [markdown]
# And the schedule? We said that the steps are small at the end because gradients near the bottom are mostly noise. Take the noise away, and see what the gate of the other cell does:

# %% jupyter={"source_hidden": true}
fig, ax = plt.subplots()
_, i_quiet = gates_over_steps(quiet.theta, fresh_quiet)
for gate, name, look in (
    (i, "with noise", style.method("lstm")),
    (i_quiet, "without", style.method("lstm") | {"linestyle": "--"}),
):
    low, middle, high = (gate.flatten(1).quantile(q, dim=1) for q in (0.05, 0.5, 0.95))
    (line,) = ax.plot(range(1, T + 1), middle, **look)
    ax.fill_between(range(1, T + 1), low, high, color=line.get_color(), alpha=0.2,
                    linewidth=0)
    style.label_line(ax, line, name)
ax.set(xlabel="inner step", ylabel="how far the input gate is open", xlim=(0, 25),
       xticks=range(0, 21, 5), ylim=(0, 1.08),
       title="Without noise the gate stays half open")
show(fig, alt=(
    "The input gate over twenty steps, of a cell trained with noisy gradients and of "
    "one trained with exact ones. With noise it falls to nearly zero. Without, it "
    "begins at its upper end and stays about half open at the last step."
))

# %% [markdown]
# ## What did we differentiate?
#
# To train the gates we ran 20 steps and differentiated the last loss. But each gradient along the way was computed *at* the weights, so it depends on them, and they depend on the gates.
# Autograd followed those edges too, the dashed ones. Here is the chain again, with every dashed edge cut: a gradient counts as a number that fell from the sky. Play it, and compare the columns of its table. Then keep an edge, at a rate of <span data-moves="UnrolledChain.rate">0.4</span>.

# %% slideshow={"slide_type": "slide"}
cut = UnrolledChain(reading="gates", steps=3, rate=0.4, keep=False)
cut

# %% [markdown] slideshow={"slide_type": "notes"}
# 1 min. The chain of before, with the dashed edges cut: the memory line is the only way back. Two of the papers of Part I cut them: no second derivative, and each step is cheaper. Point at the table: another number for every gate. How far off can it be?

# %% [markdown]
# Andrychowicz et al. and Ravi and Larochelle *drop* the dashed edges. Then no second derivative is needed, and that is cheaper. But it is another gradient. How far can it be off?

# %% [markdown] slideshow={"slide_type": "slide"}
# The smallest example: one weight, $L(\theta) = \tfrac12\theta^2$, start $\theta_0 = 1$, a rate of $\alpha = 1.5$, two steps. The rate is the input gate, and we ask how the final loss changes with it:
#
# $$\theta_1 = \theta_0 - \alpha\,g_1,\qquad \theta_2 = \theta_1 - \alpha\,g_2,\qquad g_1 = \theta_0,\; g_2 = \theta_1,\qquad \frac{d L(\theta_2)}{d\alpha} = \;?$$

# %% [markdown] slideshow={"slide_type": "fragment"}
# **Predict.** The rate 1.5 jumps over the bottom, from 1 to −0.5 to 0.25. Which way does each of the two gradients turn $\alpha$?
#
# - ( ) Both turn it down.
# - ( ) Both turn it up.
# - ( ) With the edges down, without them up.
# - ( ) With the edges up, without them down.
#
# <details><summary><b>Explain.</b> Which way?</summary>
#
# With the edges down, without them up. A smaller rate lands nearer to the bottom, and the gradient that follows every edge says so. The one without them takes the second gradient, −0.5, for given:
# it does not see that a smaller first step would have changed it. The two numbers are for you to find, in exercise 03.4.
#
# </details>

# %% [markdown] slideshow={"slide_type": "notes"}
# 2.5 min. By hand, with a neighbour, two minutes: exercise 03.4. Then vote. The derivation is on the next slide.

# %% [markdown]
# ## Your turn: 03.4, two gradients by hand
#
# Compute $dL(\theta_2)/d\alpha$ at $\alpha = 1.5$ twice: first with the dashed edges, then without them ($g_1$ and $g_2$ are plain numbers). Write the two numbers, in this order, with a comma between them.
#
# <details><summary>Hint 1</summary>
#
# The gradient of theta^2/2 is theta. So theta_1 = theta_0 - alpha * theta_0 = (1 - alpha) * theta_0.
#
# </details>
# <details><summary>Hint 2</summary>
#
# With the edges: the loss is (1 - alpha)^4 / 2. Differentiate that by alpha and put in 1.5.
#
# </details>
# <details><summary>Hint 3</summary>
#
# Without them: theta_2 = theta_0 - alpha * g_1 - alpha * g_2 with g_1 = 1 and g_2 = theta_1 = -0.5 as plain numbers. The slope is theta_2 * -(g_1 + g_2).
#
# </details>

# %% tags=["exercise"]
by_hand = (
    ### BEGIN SOLUTION
    0.25,
    -0.125,
    ### END SOLUTION
)

# %%
check("03.4", by_hand)

# %% [markdown] tags=["answer"] slideshow={"slide_type": "slide"}
# ### Both gradients, line by line
#
# *With the edges*, $g_1$ and $g_2$ move with the rate:
#
# $$\theta_1 = (1-\alpha)\,\theta_0,\quad \theta_2 = (1-\alpha)^2\,\theta_0,\quad L = \tfrac12(1-\alpha)^4$$
#
# $$\frac{dL}{d\alpha} = -2\,(1-\alpha)^3 = -2\,(-0.5)^3 = +0.25$$
#
# *Without them*, $g_1 = 1$ and $g_2 = -0.5$ are plain numbers, and $\alpha$ stands only where it is written:
#
# $$\theta_2 = \theta_0 - \alpha\,(g_1 + g_2),\qquad \frac{dL}{d\alpha} = \theta_2\cdot\frac{d\theta_2}{d\alpha}$$
#
# $$\theta_2\cdot\bigl(-(g_1 + g_2)\bigr) = 0.25\cdot(-0.5) = -0.125$$
#
# The true gradient says: the rate is too large, turn it down. Without the dashed edges it says the opposite. Follow it and the descent gets worse.

# %% [markdown] slideshow={"slide_type": "notes"}
# 1.5 min. Two lines, the same example. In the first alpha stands four times, in the second twice. Opposite signs: one gradient says the rate is too large, the other turns it up.

# %% [markdown]
# ## Your turn: 03.5, the same two gradients by autograd
#
# `loss_after(theta, alpha, steps, keep_edges)` makes `steps` steps of gradient descent on $\tfrac12\theta^2$ with the rate `alpha` and returns the final loss. The check differentiates it for `alpha`.
# With `keep_edges=False` the result must be the gradient without the dashed edges. All of `theta` and `alpha` are tensors.
#
# <details><summary>Hint 1</summary>
#
# The loss is theta^2 / 2, so the gradient at theta is theta. The loop has two lines.
#
# </details>
# <details><summary>Hint 2</summary>
#
# An edge is dropped by `.detach()`: the same number, without a memory of where it came from.
#
# </details>
# <details><summary>Hint 3</summary>
#
# Detach the gradient, and nothing else: `gradient = theta if keep_edges else theta.detach()`.
#
# </details>


# %% tags=["exercise"]
def loss_after(theta, alpha, steps, keep_edges):
    ### BEGIN SOLUTION
    for _ in range(steps):
        gradient = theta if keep_edges else theta.detach()
        theta = theta - alpha * gradient
    return theta**2 / 2
    ### END SOLUTION


# %%
check("03.5", loss_after)

# %% [markdown]
# Your `loss_after` now draws the picture that answers when it is safe. First against central differences, which know nothing of edges: they try $\alpha$ a little larger and a little smaller and look at
# what happens.

# %% tags=["answer"]
loss_after = yours("03.5", loss_after, otherwise=find("03.5").solution)


def number(x):
    return torch.tensor(x, dtype=torch.float64)


def slope_of_rate(alpha, keep_edges):
    alpha = number(alpha).requires_grad_()
    end = loss_after(number(1.0), alpha, 2, keep_edges)
    return torch.autograd.grad(end, alpha)[0].item()


higher, lower = (loss_after(number(1.0), number(1.5 + h), 2, True)
                 for h in (1e-5, -1e-5))
print(f"with the edges:      {slope_of_rate(1.5, True):+.3f}")
print(f"without the edges:   {slope_of_rate(1.5, False):+.3f}")
print(f"central differences: {(higher - lower).item() / 2e-5:+.3f}")

# %% [markdown]
# ### When is it safe?

# %% tags=["answer"] jupyter={"source_hidden": true} slideshow={"slide_type": "slide"}
fig, ax = plt.subplots()
rates = [k / 50 for k in range(1, 97)]
for keep, name, look in (
    (True, "with the edges", style.method("lstm")),
    (False, "without them", style.method("warning") | {"linestyle": "--"}),
):
    (line,) = ax.plot(rates, [slope_of_rate(each, keep) for each in rates], **look)
    style.label_line(ax, line, name, dy=6 if keep else -8)
ax.axhline(0, color="black", linewidth=0.8)
ax.axvspan(1, 2, color=style.color("warning"), alpha=0.12, linewidth=0)
ax.plot([1.5, 1.5], [0.25, -0.125], "o", color="black", zorder=3)
ax.text(1.5, -1.0, "opposite signs", ha="center",
        color=style.ink(style.color("warning")), fontsize=13)
ax.set(xlabel="rate α times curvature (here 1)",
       ylabel="how the final loss changes with α", xlim=(0, 2.5), ylim=(-2, 2),
       title="Small steps agree, large steps contradict each other")
show(fig, alt=(
    "Two slopes against the rate times the curvature. Near zero they agree, both "
    "negative. Between 1 and 2 the slope with the edges is positive and the one "
    "without is negative: opposite signs, marked at 1.5 with +0.25 and -0.125."
))

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. The rule to take home: dropping is safe while rate times curvature is small. Between 1 and 2 the sign is wrong. Nobody knows the curvature of a network, so one tries both. The next picture does.

# %% [markdown]
# The dashed edge carries the factor *input gate times curvature*: moving the weights by 1 changes the next step by $i \cdot L''$. While that is small, hardly anything flows there, and dropping it is safe.
# When steps are about as large as the bowl is narrow, it is not. The curvature of your network is not known to you, so in practice one tries both.
#
# ### What does it cost on our bowls?
#
# Let us try both. The same gates, the same problems, ten seeds for the first weights and for the problems (recorded):

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "slide"}
found = recorded("03", "edges")
fig, ax = plt.subplots(figsize=(9, 3.9))
rows = [(f"{arm}.{place.replace(' ', '-')}", f"edges {arm}, {place}")
        for place in PLACES for arm in ("kept", "dropped")]
for y, (name, _) in enumerate(rows):
    look = style.color("lstm" if name.startswith("kept") else "warning")
    each = found[name]
    ax.plot(each["each"], [-y + 0.18] * len(each["each"]), "|", color=look,
            markersize=12, markeredgewidth=1.8)
    ax.errorbar(each["value"], -y - 0.08, xerr=each["interval"], fmt="o", color=look,
                markersize=8, capsize=4)
for y, place in ((0, "from zero"), (2, "from c0")):
    fixed = results["fixed rate", place].mean
    ax.plot([fixed, fixed], [0.4 - y, -1.4 - y], color=style.color("baseline"),
            linestyle=":")
    ax.annotate("best fixed rate", (fixed, 0.4 - y), (4, -6), fontsize=12,
                textcoords="offset points", color=style.color("baseline"))
ax.set(yticks=range(0, -4, -1), ylim=(-3.5, 0.5), xlim=(-1.34, -0.83),
       xlabel="final loss, log10: each seed, and the mean",
       title="Dropped edges cost something, and the seeds scatter")
ax.set_yticklabels([label for _, label in rows])
show(fig, alt=(
    "Final losses of ten seeds with the edges kept and dropped, from zero and from the "
    "learned start. Kept, all seeds lie on one spot. Dropped, they scatter, and "
    "every one is higher, but below the best fixed rate."
))

# %% [markdown] slideshow={"slide_type": "notes"}
# 1.5 min. Ten seeds each. Kept, they lie on one spot; dropped, they scatter, and every seed is worse, from both starts. Some lose next to nothing. So one run tells you little; lesson 08 is about why it can work.

# %%
for place in PLACES:
    cost = found[f"cost.{place.replace(' ', '-')}"]
    worse = sum(each > 0 for each in cost["each"])
    mean, half = cost["value"], cost["interval"]
    print(f"{place}: dropping costs {mean:.2f} ± {half:.2f} in log10;",
          f"{worse} of {len(cost['each'])} seeds are worse")

# %% [markdown]
# It still learns, and every seed learns something worse, from both starts. With the edges kept the seeds lie on one spot. With the edges dropped they scatter: what it costs is anything between next to nothing and most of what the schedule had gained over the best fixed rate (dotted). So one
# seed tells little here. On other problems dropping may cost nothing, or everything; lesson 08 is about why it can work.
#
# One more thing falls out. Without the dashed edges, the only way from the start $c_0$ to the end is the memory line, and it multiplies by the forget gates. With $f = 1$ the gradient for the start is
# the gradient at the *end*, unchanged:

# %%
start = zero.clone().requires_grad_()
end = run(sgd(0.3), start, few, first_order=True)
for_the_start = torch.autograd.grad(loss(end, few).sum(), start)[0]

end = end.detach().requires_grad_()
# summed over the problems
at_the_end = torch.autograd.grad(loss(end, few).sum(), end)[0].sum(0)
compare("the gradient for the start", for_the_start, "the one at the end", at_the_end,
        to=1e-12)

# %% [markdown]
# Remember this line. In lesson 06 it returns under a name of its own, FOMAML, and the learned start is called MAML.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What you learned
#
# - Gradient descent is an LSTM cell: memory $\theta$, forget gate 1, input gate $\alpha$, candidate $-\nabla L$. What it reads, a batch's gradient, depends on its own memory: the dashed edge.
# - Weight decay turns the forget gate. Momentum and Adam put more cells in front. All of these are gates set by hand.
# - A nearly open forget gate eats the weights, and one at exactly 1 has no slope and never learns.
# - Gates that may learn find a learning rate schedule by themselves, and the start with them. They beat the best fixed rate and match a good schedule. What a gate is for, holding it tells: forgetting helps where no gradient leads out.
# - Without noise momentum beats the learned cell. A second memory makes up for it, and so does a schedule that may jump.
# - Dropping the dashed edges is another gradient. It is safe when rate times curvature is small, and can have the wrong sign when it is not.

# %% [markdown] slideshow={"slide_type": "notes"}
# 1 min. Read the first and the last line. The next lecture gives such a cell a memory of its own.

# %% [markdown]
# ## Quiz
#
# **1.** A cell has $f = 0.99$ and $i = 0.1$, with the candidate $-\nabla L$. Which weight decay $\lambda$ is that?
#
# <details><summary>Answer</summary>
#
# $\lambda = 0.1$. The forget gate is $1 - \alpha\lambda$ with $\alpha = i = 0.1$, so $\alpha\lambda = 0.01$. The decay in `torch.optim.SGD` is multiplied by the rate, which is why it looks ten times larger than what is forgotten.
#
# </details>
#
# **2.** Why can you not use `torch.nn.LSTMCell` for this, with its weights set by hand?
#
# <details><summary>Answer</summary>
#
# It squashes the candidate with a tanh, so its candidate can never be a gradient longer than 1, and only nearly proportional to a short one. It also shows the world tanh of its memory and not the memory, while the model needs the weights themselves.
#
# </details>
#
# **3.** You drop the dashed edges, the forget gate is 0.9 at every step whatever $\theta$ is (the gates do not read $\theta$), and you unroll three steps. The gradient at the end is $g$. What is the gradient for the start $c_0$?
#
# <details><summary>Answer</summary>
#
# $0.9^3 g = 0.729\,g$. Without the dashed edges the memory line is the only way back, and each step multiplies by its forget gate. (A gate that read $\theta$ would be a second way.) With $f = 1$ the gradient arrives whole, for the same reason that an LSTM remembers.
#
# </details>

# %% [markdown]
# ## References
#
# - Sachin Ravi and Hugo Larochelle, [Optimization as a model for few-shot learning](https://openreview.net/forum?id=rJY0-Kcll), 2017. The cell of this lesson, for few-shot learning.
# - Marcin Andrychowicz et al., [Learning to learn by gradient descent by gradient descent](https://arxiv.org/abs/1606.04474), 2016. The dashed edges are theirs.
# - Sepp Hochreiter, Steven Younger, Peter Conwell, [Learning to learn using gradient descent](https://doi.org/10.1007/3-540-44668-0_13), 2001. The idea, with an LSTM, fifteen years earlier.
# - Chelsea Finn, Pieter Abbeel, Sergey Levine, [Model-agnostic meta-learning](https://arxiv.org/abs/1703.03400), 2017. The learned start alone.
# - Boris Polyak, [Some methods of speeding up the convergence of iteration methods](https://doi.org/10.1016/0041-5553(64)90137-5), 1964. Momentum.
# - Sachin Ravi, [the code of the meta-learner LSTM](https://github.com/twitter/meta-learning-lstm), 2017. Where the bias of the forget gate is drawn.
# - Hung-yi Lee, [Machine Learning 2019](https://speech.ee.ntu.edu.tw/~hylee/ml/2019-spring.php), the lectures on meta-learning (in Chinese). "Gradient descent as LSTM" is a title of his.
#
# The words and the code of this lesson are our own.

# %% [markdown]
# ## Next
#
# [Learning to learn by gradient descent](04_learning_to_learn_by_gradient_descent.ipynb) gives one such cell a memory of its own and many weights to look after.

# %% [markdown]
# ## Appendix: what you can skip
#
# ### And the optimizer of PyTorch?
#
# One step of `torch.optim.SGD` on the ten thousand weights from above may differ from yours in the last bit of a few in a hundred entries. Your formula rounds twice, once after the product and once after the sum. `torch.optim.SGD` calls, where the processor has it, one
# instruction, *fused multiply-add*, which rounds once. So the number of differing entries is a property of your machine. We can play both processors: in float64 the product of two float32 numbers is exact, so one conversion at the end is one rounding.

# %%
theta = 4 * torch.rand(10_000, generator=torch.Generator().manual_seed(3)) - 2
gradient = 4 * torch.rand(10_000, generator=torch.Generator().manual_seed(4)) - 2
w = theta.clone().requires_grad_()
w.grad = gradient.clone()
torch.optim.SGD([w], lr=0.1).step()
rounded_twice = theta - 0.1 * gradient
rounded_once = (theta.double() - torch.tensor(0.1).double() * gradient.double()).float()
differ = (rounded_once != rounded_twice).float().mean()
print(f"rounding once or twice makes a difference in {100 * differ:.0f} of 100 entries")
neither = (w != rounded_once) & (w != rounded_twice)
print("entries of torch.optim.SGD that are neither of the two:", int(neither.sum()))

# %% [markdown]
# ### At which bias is a sigmoid exactly 1?
#
# On paper at none. In a computer $\sigma(b) = 1/(1 + e^{-b})$ becomes 1 when $1 + e^{-b}$ is rounded to 1: when $e^{-b}$ is below half the gap between 1 and the next number (`torch.finfo(dtype).eps`). The other way round, the bias that gives a gate $p$ is $\log\frac{p}{1-p}$, its *logit*.

# %%
for dtype in (torch.float32, torch.float64):
    bias = next(b for b in range(100)
                if torch.sigmoid(torch.tensor(float(b), dtype=dtype)) == 1)
    print(f"{dtype}: f = 1 from bias {bias} on, and -log(eps / 2) is",
          f"{-math.log(torch.finfo(dtype).eps / 2):.1f}")

# %% [markdown]
# ### Why does the second cell help on a ravine?
#
# Along one direction of a bowl with curvature $h$, a step multiplies the distance to the lowest point by $1 - i\,h$ (with $f = 1$). Twenty steps multiply it by that number to the power of 20, so its *size* is what counts, and the slowest direction decides.
#
# With a second cell the state of a direction is two numbers, the distance $d$ and the velocity $m$, and a step is a matrix. What counts is its largest eigenvalue in size:
#
# $$\begin{pmatrix} m_t \\ d_t \end{pmatrix} = \begin{pmatrix} \mu & h \\ -i\mu & 1 - i h \end{pmatrix} \begin{pmatrix} m_{t-1} \\ d_{t-1} \end{pmatrix}, \qquad \lambda^2 - (1 + \mu - i h)\,\lambda + \mu = 0$$
#
# Where the two eigenvalues are complex, both have the size $\sqrt{\mu}$, *whatever the curvature is*. That is what one pair of gates cannot do: be equally good along and across.
#
# And a forget gate below 1, alone? It makes the number smaller, $f - i\,h$, most of all along the ravine. But it moves the place where the walk rests. There $(1-f)\,\theta = -i\,\nabla L$: what is forgotten in a step is what the step brings. So of the way from 0 to the lowest point a share $\frac{1-f}{1-f+i\,h}$ is never gone (dotted below, along the ravine): faster, and to the wrong place.

# %%
below, gate, zero = torch.tensor([[0.9], [0.05], [0.0]], dtype=torch.float64)
rest = walk(LOWEST, below, gate, zero, steps=500)[-1]
compare("where the walk rests", rest, "the closed form",
        LOWEST * (1 - (1 - below) / (1 - below + gate * STEEP)), to=1e-12)

# %% jupyter={"source_hidden": true}
def slowest(i, mu, h, f=1.0):
    """The size of the largest eigenvalue of one step, for gates i [n]: [n]."""
    top = torch.stack([torch.full_like(i, mu), torch.full_like(i, h)], dim=-1)
    bottom = torch.stack([-i * mu, f - i * h], dim=-1)
    return torch.linalg.eigvals(torch.stack([top, bottom], dim=-2)).abs().amax(-1)


rate = torch.logspace(-2.3, -0.7, 321, dtype=torch.float64)
cells = (("One cell, f = 1", 1.0, 0.0), ("One cell, f = 0.9", 0.9, 0.0),
         ("A second cell, μ = 0.5", 1.0, 0.5))
fig, axes = plt.subplots(1, 3, figsize=(13, 4.2), sharey=True)
for ax, (name, f, mu) in zip(axes, cells, strict=True):
    along, across = (slowest(rate, mu, h.item(), f) for h in STEEP)
    for size, text, look in ((along, "along", style.cell("c")),
                             (across, "across", style.cell("i"))):
        (line,) = ax.semilogx(rate, size, **look)
        style.label_line(ax, line, text, x=0.008, dx=0, dy=-12, ha="center")
    worst = torch.maximum(along, across)
    ax.plot(rate[worst.argmin()], worst.min(), "o", color="black", zorder=3)
    if f < 1:
        (line,) = ax.semilogx(rate, (1 - f) / (1 - f + rate * STEEP[0]), ":",
                              color=style.cell("c")["color"])
        style.label_line(ax, line, "never gone", x=0.19, dx=4, dy=-16, ha="right")
    ax.axhline(1, color=style.color("warning"), linewidth=1)
    ax.set(title=name, xlabel="input gate i", ylim=(0, 1.6), xticks=(0.01, 0.1),
           xticklabels=("0.01", "0.1"))
    ax.minorticks_off()
axes[0].set_ylabel("what a step leaves of the distance")
show(fig, alt=(
    "What one step leaves of the distance along and across the ravine, against the "
    "input gate. With one cell the best gate, a dot, lies where both curves cross, "
    "above 0.9. With a forget gate of 0.9 the dot is lower, but a dotted line says "
    "how much of the way along the ravine is never gone: at the dot more than half. "
    "With a second cell both curves have a flat part at the root of mu, and the best "
    "gate leaves much less."
))
