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
# - say what is lost when the gradient's own dependence on the weights is ignored, and when that is safe.
#
# **Prerequisites:** [lesson 00](00_start_here.ipynb) for the notation, gradient descent, and what the gates of an LSTM do
# ([Olah's pictures](https://colah.github.io/posts/2015-08-Understanding-LSTMs/) are enough).
#
# **Time:** 40 minutes of reading, and as long again for the exercises.
#
# **What it costs to run:** *smoke* takes about 30 s on two cores. *lecture* takes about 2 minutes.
# *paper* takes about 15 minutes. There is no GPU in it.

# %% [markdown] slideshow={"slide_type": "notes"}
# 1 min. Say the promise and nothing more. Everyone here has called `optimizer.step()`; nobody has seen a gate in it. Run the first cells now if you train live: the gates need about a minute in the lecture profile.

# %% tags=["parameters"]
PROFILE = "smoke"  # "smoke", "lecture" or "paper": the same cells, three budgets

# %% tags=["setup"]
import math
from typing import NamedTuple

import matplotlib.pyplot as plt
import torch
from torch import Tensor

from mlteach.exercises import check
from mlteach.explore import GradientCell, StepMorph, UnrolledChain, style
from mlteach.explore.figure import show
from mlteach.fit import fit
from mlteach.inner import Rule, adapt, lstm_cell, momentum, sgd
from mlteach.measure import compare, over_tasks, record
from mlteach.measure.compare import difference

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
# 3 min. Vote by hands: left, or right? Ask two people what gave it away. They will name the smoothness, or the speed. Then press on: the difference is 0, not small, both loops are the same computation. Let the laugh happen, then ask what *same* has to mean, because we come back to it.

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
# ## Are they really the same?
#
# "The same" deserves a proof. We take ten thousand weights, ten thousand gradients, and make one step in three ways: with the cell, with the
# line everyone writes, and with the package's rule, which is the cell for a whole dict of tensors.

# %% slideshow={"slide_type": "slide"}
draw = torch.Generator().manual_seed(3)
theta = 4 * torch.rand(10_000, generator=draw) - 2
gradient = 4 * torch.rand(10_000, generator=draw) - 2
rate = 0.1

by_cell = 1.0 * theta + rate * (-gradient)
by_hand = theta - rate * gradient
rule = lstm_cell(forget=1.0, input=rate)
state = rule.init({"w": theta})
by_package, _ = rule.step({"w": theta}, {"w": gradient}, state, loss=torch.zeros(()))

compare("The cell", by_cell, "theta - rate * gradient", by_hand)
compare("The cell", by_cell, "mlteach.inner.lstm_cell", by_package["w"])
print("torch.equal says:", torch.equal(by_cell, by_hand))

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. The cell, the line everyone writes, and the package. Bit for bit: times 1 changes nothing, and adding -x is subtracting x. Ask whether `torch.optim.SGD` agrees to the bit. It does not on most machines: it rounds once, and we round twice.

# %% [markdown]
# Bit for bit. That is no luck: multiplying by 1 changes nothing, and adding $-x$ is subtracting $x$, in floating point as on paper.
#
# ### And the optimizer of PyTorch?
#
# Now against `torch.optim.SGD`, one step on the same ten thousand weights.
#
# **Predict.** On most processors, how many of the ten thousand results differ?
#
# - ( ) none: it is the same formula
# - ( ) a few in a hundred, in the last bit
# - ( ) about half of them, in the last bit
# - ( ) all of them, in the last bit

# %%
w = theta.clone().requires_grad_()
w.grad = gradient.clone()
torch.optim.SGD([w], lr=rate).step()
by_torch = w.detach()
print("largest difference below 1e-6:", difference(by_cell, by_torch) < 1e-6)

# %% [markdown]
# <details><summary><b>Explain.</b> How many, and why?</summary>
#
# A few in a hundred, in the last bit. Your formula rounds twice, once after the product
# and once after the sum. `torch.optim.SGD` calls one instruction, *fused multiply-add*, which rounds once. Processors without that instruction
# round twice and agree to the bit. So the number of differing entries is a property of your machine, and does not belong in a lesson.
#
# </details>
#
# We can play both processors. In float64 the product of two float32 numbers is exact, so one conversion at the end is one rounding.

# %%
rounded_twice = theta - rate * gradient
product = torch.tensor(rate).double() * gradient.double()
rounded_once = (theta.double() - product).float()
differ = (rounded_once != rounded_twice).float().mean()
print(f"rounding once or twice makes a difference in {100 * differ:.0f} of 100 entries")
print("every entry of torch.optim.SGD is one of the two:",
      bool(((by_torch == rounded_once) | (by_torch == rounded_twice)).all()))

# %% [markdown]
# So: gradient descent is an LSTM cell, exactly. But *equal* in floating point always means equal *as computed*. Whoever says "the same" has to say how.

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
# 5 min. Start with *Make the cell gradient descent*: one path. Turn the input gate up slowly until the path across the ravine swings and leaves. Turn the forget gate to 0.98: the memory drifts to zero, which is no special place.
# Give them two minutes with a neighbour: is there a pair of gates that beats the best fixed rate? Hardly any. Then turn momentum to 0.5, and it jumps.

# %% [markdown]
# Everything you can drag, a program can set. Four tries:

# %%
for f, i in ((1.0, 0.05), (0.98, 0.05), (1.0, 0.06), (1.0, 0.07)):
    explorer.forget, explorer.input = f, i
    print(explorer.summary)
explorer.forget, explorer.input = 1.0, 0.05  # as it was: your turn

# %% [markdown] slideshow={"slide_type": "slide"}
# You will have found three things.
#
# - Forgetting a little does not help. The memory drifts towards zero, and zero is no special place.
# - A larger input gate is faster along the ravine, until the path across it swings, grows, and leaves the picture.
# - One pair of numbers has to serve both directions. Across, the gate is almost too large; along, it is far too small.
#
# That is the argument for the rest of the lesson. We want gates that *look at what is coming in*. First, though: people have set these gates by hand for
# sixty years.

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Collect what they found before you show this. The last point is the argument for the rest: one pair of numbers serves two directions badly, so we want gates that look at what comes in.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What were the gates, before anyone called them that?
#
# ### Weight decay is a forget gate
#
# Weight decay adds the penalty $\tfrac{\lambda}{2}\lVert\theta\rVert^2$ to the loss, so that large weights are pulled towards zero. Then
#
# $$\theta_t = \theta_{t-1} - \alpha\,(\nabla L(\theta_{t-1}) + \lambda\,\theta_{t-1})$$

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Let them collect the two terms that hold theta, on paper: exercise 03.2. The forget gate is 1 minus rate times decay. With the usual numbers it stands at 0.99995, so people have turned it all along, by a hair.

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
    f, i = 1 - alpha * decay, alpha
    theta = f * theta + i * (-slope(theta))
    path.append(theta)
theirs = path_of_torch(lambda w: torch.optim.SGD(w, lr=alpha, weight_decay=decay))
print("difference to torch.optim.SGD(weight_decay=...) below 1e-12:",
      difference(torch.stack(path), theirs) < 1e-12)

# %% [markdown] slideshow={"slide_type": "fragment"}
# A forget gate of $1 - \alpha\lambda$: with the usual $\alpha = 0.1$ and $\lambda = 0.0005$ it stands at 0.99995. People have turned this gate all along, by a hair.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Momentum is a second cell in front
#
# Momentum gathers gradients in a velocity $m$ and moves the weights by it. The velocity is a memory too, with its own forget gate $\mu$:
#
# $$m_t = \mu\,m_{t-1} + 1\cdot\nabla L(\theta_{t-1}) \qquad\qquad \theta_t = 1\cdot\theta_{t-1} + \alpha\,(-m_t)$$

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Two memory lines. The first forgets slowly and takes each gradient in whole; the second forgets nothing. Point back at the explorer: that is what the slider *momentum* was.

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
# Go back to the explorer and turn *momentum* up, to <span data-moves="GradientCell.momentum">0.5</span>. One hand-set second cell does what no pair of fixed gates could:

# %%
explorer.forget, explorer.input, explorer.momentum = 1.0, 0.06, 0.5
print(explorer.summary)
explorer.input, explorer.momentum = 0.05, 0.0  # as it was: your turn

# %% [markdown]
# ### Adam has a third
#
# Adam averages the gradients in one cell and the *squared* gradients in another. Both averages have coupled gates, $f = \beta$ and $i = 1-\beta$. The third
# memory, the weights, then has an input gate of its own for every weight: small where gradients have been large.
#
# Here are the three memories, one line each. The corrections by $1-\beta^t$ make up for the empty memories at the start.


# %%
def three_cells(theta, m, v, gradient, t, rate, beta1=0.9, beta2=0.999):
    m = beta1 * m + (1 - beta1) * gradient
    v = beta2 * v + (1 - beta2) * gradient**2
    size = (v / (1 - beta2**t)).sqrt() + 1e-8
    i = rate / (1 - beta1**t) / size  # a gate that looks
    return 1.0 * theta + i * (-m), m, v


theta = m = v = torch.zeros(3, dtype=torch.float64)
path, velocity = [], []
for t in range(1, 21):
    theta, m, v = three_cells(theta, m, v, slope(theta), t, rate=0.1)
    path.append(theta)
theirs = path_of_torch(lambda w: torch.optim.Adam(w, lr=0.1))
print("difference to torch.optim.Adam below 1e-12:",
      difference(torch.stack(path), theirs) < 1e-12)

# %% [markdown]
# So the zoo of optimizers is one family: a few memory lines, with gates that someone set by hand.

# %% [markdown] slideshow={"slide_type": "slide"}
# | | memories | forget gates | input gate of the weights |
# |---|---|---|---|
# | gradient descent | $\theta$ | 1 | $\alpha$ |
# | weight decay | $\theta$ | $1 - \alpha\lambda$ | $\alpha$ |
# | momentum | $m$, $\theta$ | $\mu$, 1 | $\alpha$ |
# | Adam | $m$, $v$, $\theta$ | $\beta_1$, $\beta_2$, 1 | $\alpha / (\sqrt{v} + \epsilon)$, up to the corrections |

# %% [markdown] slideshow={"slide_type": "notes"}
# 1 min. Read the table downwards: one memory, one, two, three. Adam's input gate is the only one that looks at anything. All of these were set by hand, over sixty years.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## How does a real gate reach these numbers?
#
# The gates of an LSTM are not free numbers. Each is a sigmoid, $\sigma(b) = 1/(1 + e^{-b})$, of something the network computes, and lies between 0 and 1.
#
# Which bias $b$ gives an input gate of 0.01? The one that undoes the sigmoid, $b = \log\frac{0.01}{1 - 0.01}$, called the *logit*. And which bias gives a forget gate
# of exactly 1?

# %% [markdown]
# **Predict.** On paper there is none: the sigmoid comes near 1 and never arrives. In a computer it does, as soon as $e^{-b}$ is too small to make $1 + e^{-b}$ differ from 1. In float32 that is below
# about $6\cdot10^{-8}$. At which whole number $b$? (And in float64, where it is $1.1\cdot10^{-16}$?)
#
# - ( ) 8
# - ( ) 17
# - ( ) 60
# - ( ) far above 100

# %%
print(f"i = 0.01 needs the bias {torch.tensor(0.01, dtype=torch.float64).logit():.3f}")
for dtype in (torch.float32, torch.float64):
    bias = next(b for b in range(100)
                if torch.sigmoid(torch.tensor(float(b), dtype=dtype)) == 1)
    print(f"f = 1 needs the bias {bias} in {str(dtype).removeprefix('torch.')}")

# %% [markdown]
# <details><summary><b>Explain.</b> Which numbers, and why?</summary>
#
# 17 in float32, and 37 in float64. $\sigma(b) = 1/(1 + e^{-b})$ becomes 1 when $1 + e^{-b}$ is rounded to 1. That happens when $e^{-b}$ is below half the gap between 1 and the next number: about
# $6\cdot10^{-8}$ in float32, $1.1\cdot10^{-16}$ in float64. The logarithms of these are $-16.6$ and $-36.7$.
#
# </details>

# %% [markdown]
# ## Pitfall: a forget gate that is nearly open
#
# A common start for the meta-learner LSTM draws the bias of its forget gate between 4 and 5. That is a gate of 0.98 to 0.993. "Nearly 1", one thinks, "nearly gradient descent".
#
# But the gate is applied at every step. Let us give the cell *no gradient at all* for twelve steps. Gradient descent would leave the weights alone.

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "-"}
fig, ax = plt.subplots()
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
       xlim=(0, 14), ylim=(75, 102), title="A nearly open forget gate eats the weights")
show(fig, alt=(
    "What is left of a weight over twelve steps with zero gradient. With bias 17 it "
    "stays at 100 %. With bias 5 it falls to about 92 %, with bias 4 to about 80 %."
))

# %% [markdown] slideshow={"slide_type": "notes"}
# 3 min. The pitfall of the lesson. Bias 17 is the answer to the question: in float32 its sigmoid is exactly 1, so a gate *can* be gradient descent. A bias of 4 to 5 is what the papers start from: "nearly open". Ask what is left of a weight after twelve steps without any gradient. A fifth is gone at bias 4. The detector is three lines: feed the rule zeros.

# %% [markdown]
# The symptom in practice: the adapted network is worse than the start *before it has seen anything*, and nobody looks there. The detector is three lines, and works for
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
# Twelve steps cost 8 to 20 percent of every weight. Training can learn its way around that, and does, but you will have started from something that is not gradient descent.
# Whether the shrinking also *helps*, as weight decay does, nobody has shown, as far as we know.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What happens when the gates may learn?
#
# Now we release them. We need three things: problems to practise on, gates that are functions, and a score.

# %% [markdown]
# **The problems.** A bowl in ten dimensions, $L(\theta) = \tfrac12\lVert W\theta - y\rVert^2$, with random $W$ and with its lowest point near a common centre. The cell does not know where.
# As in real training, each gradient comes from a few examples, so it is noisy. We model that by tilting the bowl a little at every step, each time another way.

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
# that weight's two gates. The same network serves every weight. It starts with $f \approx 1$ and $i \approx 0.1$: close to gradient descent.
#
# **The start.** The first memory $c_0$ is a parameter as well. All that is learned stands in one dict, `omega`.


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
# **The score.** The true loss after 20 steps, averaged over many problems. Here is the whole unrolled cell, written out:


# %% slideshow={"slide_type": "fragment"}
def unrolled(omega, bowls):
    """Twenty steps of the cell from c0 on many problems: the final theta [n, D]."""
    theta = omega["c0"].expand(len(bowls.y), D)
    for t in range(T):
        error = (bowls.W @ theta[..., None])[..., 0] - bowls.y
        gradient = (error[..., None, :] @ bowls.W)[..., 0, :] + bowls.tilt[t]
        f, i = gates(omega, gradient, t)
        theta = f * theta + i * (-gradient)
    return theta

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Three things: problems to practise on, gates that are functions, a score. The loop is all of it. The only new line is the one that asks the network for the gates. Everything is differentiable, so we descend on the final loss.


# %% [markdown]
# The package does the same with `adapt`, for any rule and any loss. It finds the gradients by autograd, so we give it the tilted loss and the rule. One check, then we use it:


# %%
def learned(omega, gates=gates):
    """The cell with the gates in ``omega``, as a rule. Its state counts steps, from 0."""

    def step(theta, gradient, t, *, loss):
        f, i = gates(omega, gradient["theta"], t)
        return {"theta": f * theta["theta"] + i * (-gradient["theta"])}, t + 1

    return Rule(init=lambda theta: 0, step=step)


def run(rule, c0, bowls, **how):
    """Twenty steps of ``rule`` from ``c0`` on tilted bowls: the final theta [n, D]."""
    tilts = iter(bowls.tilt)

    def tilted(p):
        return loss(p["theta"], bowls) + (next(tilts) * p["theta"]).sum(-1)

    return adapt(tilted, {"theta": c0.expand(len(bowls.y), D)}, rule, T, **how)["theta"]


omega = first_omega()
few = sample(5, torch.Generator().manual_seed(4))
print("difference between the two below 1e-12:",
      difference(unrolled(omega, few), run(learned(omega), omega["c0"], few)) < 1e-12)

# %% [markdown] slideshow={"slide_type": "slide"}
# **Predict.** We descend on the final loss, with respect to `omega`. Nobody tells the gates anything else. What will the input gate of the trained cell do from step 1 to step 20? (And the forget gate?)
#
# - ( ) It stays about where it is.
# - ( ) It rises.
# - ( ) It falls.


# %% [markdown] slideshow={"slide_type": "notes"}
# 1 min. Make them commit before you go on, in writing: will the input gate stay, rise, or fall? The answer is on the next slide.

# %%
def meta_gradient(first_order=False):
    """For `fit`: (omega, problems) -> gradient of the mean final loss, what to show."""

    def gradient(omega, bowls):
        end = run(learned(omega), omega["c0"], bowls, first_order=first_order)
        final = loss(end, bowls).mean()
        found = torch.autograd.grad(final, list(omega.values()))
        return dict(zip(omega, found, strict=True)), {"loss": final.item()}

    return gradient


def train(seed, noise=NOISE, first_order=False):
    return fit(meta_gradient(first_order), first_omega(),
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
# 3 min. Read the guesses back before you show this. It invented a learning rate schedule, and nobody told it. Ask why small steps at the end: near the bottom the gradient is mostly noise.

# %%
first, last = i[0].mean(), i[-1].mean()
print(f"input gate:  {first:.1f} at the first step, {last:.1f} at the last")
print(f"forget gate: never below {math.floor(100 * f.min()) / 100}")

# %% [markdown]
# <details><summary><b>Explain.</b> What do the gates do, and why?</summary>
#
# It falls, and the forget gate stays open. Early on, the gradient says mostly where the bottom is: take large steps. Near the bottom it is mostly noise: take small steps, so that the noise averages out. That is a learning rate schedule, and the
# cell invented it from nothing but "end low". The forget gate stays near 1, as Ravi and Larochelle saw in theirs: in this problem nothing is worth forgetting.
#
# The narrow band says more: for all the weights the gate is nearly the same. The cell looks at the step far more than at the gradient. Here, a schedule is most of what there is to learn.
#
# </details>

# %% [markdown]
# ## Is the learned cell any good?
#
# A learned optimizer that beats an untuned one proves nothing. So each rival gets its best setting out of a grid, chosen on 256 problems of their own, for the same score:
#
# - gradient descent with one fixed rate,
# - momentum, rate and $\mu$,
# - gradient descent with a rate that falls in a straight line to zero, which is the schedule a good engineer would try.
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
    """The rule with the lowest mean final loss from ``start`` on practice problems."""
    return min(rules, key=lambda rule: final_loss(rule, start, practice).mean().item())


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

# %%
print(f"{'log10 of the final loss':24}{'from zero':>14}{'from c0':>16}")
for name in [*RIVALS, "learned cell"]:
    cells = [f"{mean:8.2f} ± {half:.2f}"
             for mean, half, _ in (results[name, place] for place in PLACES)]
    print(f"{name:24}" + "".join(cells))
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
       title="The learned cell found the good engineer's schedule")
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
# <details><summary><b>Explain.</b> What does the table say, and what does it not say?</summary>
#
# The cell beats every *fixed* rate and momentum, by far more than the intervals. A rate that falls in a straight line, once a person has thought of it, does about as well from zero: what the cell has
# learned is worth as much as a good idea, and nobody had to have it. The learned start helps everyone, because the bowls share a region, and it is the cell's own find too.
#
# It does not say that learned optimizers beat hand-made ones in general. The cell is tested on the kind of bowl it was trained on, for the same 20 steps. Lesson 04 leaves home.
#
# </details>

# %% [markdown]
# ### And without the noise?
#
# Change one thing: every gradient is exact. Then there is nothing to average out, and all that counts is speed along the ravine. The cell is trained anew on such bowls, and every rival is tuned anew.

# %% [markdown] slideshow={"slide_type": "slide"}
# **Predict.** On bowls without noise: who ends lowest?
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
# 2 min. Hide nothing: here it loses, by more than a hundred times. One memory against two. No gate replaces a memory that is not there, and that is lesson 04.

# %% [markdown]
# <details><summary><b>Explain.</b> Who wins?</summary>
#
# Momentum, by more than a hundred times. The learned cell still beats every fixed rate, but it has one memory and momentum has two. No gate, however clever, replaces a memory that is not there.
# Lesson 04 gives the learned optimizer memories of its own.
#
# </details>

# %% [markdown]
# ## What did we differentiate?
#
# To train the gates we ran 20 steps and differentiated the last loss. But each gradient along the way was computed *at* the weights, so it depends on them, and they depend on the gates.
# Autograd followed those edges too. Here is the unrolled cell in small, one weight on a bowl, with those edges dashed. $S$ is what a step sees, $Q$ what the end is judged on. Play it: values go forward, slopes come back.
# Then cut an edge, at a rate of <span data-moves="UnrolledChain.rate">0.4</span>.

# %% slideshow={"slide_type": "slide"}
chain = UnrolledChain(reading="gates", steps=3, rate=0.4)
chain

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Play it forward and back once. Follow the solid lines with a finger, then the dashed ones; cut them all, and the memory line is the only way back. The papers drop the dashed edges: no second derivative, and each step is cheaper. It is another gradient. How far off can it be?

# %% [markdown] slideshow={"slide_type": "slide"}
# Andrychowicz et al. and Ravi and Larochelle *drop* the dashed edges: they treat each gradient as a number that fell from the sky. Then no second derivative is needed. That is cheaper, and most
# papers after them do it. But it is another gradient. How far can it be off?
#
# The smallest example: one weight, $L(\theta) = \tfrac12\theta^2$, start $\theta_0 = 1$, a rate of $\eta = 1.5$, two steps. The rate is the input gate, and we ask how the final loss changes with it:
#
# $$\theta_1 = \theta_0 - \eta\,g_1,\qquad \theta_2 = \theta_1 - \eta\,g_2,\qquad g_1 = \theta_0,\; g_2 = \theta_1,\qquad \frac{d L(\theta_2)}{d\eta} = \;?$$

# %% [markdown] slideshow={"slide_type": "fragment"}
# **Predict.** The rate 1.5 jumps over the bottom, from 1 to −0.5 to 0.25. Which way does each of the two gradients turn $\eta$?
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
# 3 min. By hand, with a neighbour, two minutes: exercise 03.4. The answers are +0.25 and -0.125. Opposite signs: one gradient says the rate is too large, the other turns it up.

# %% [markdown]
# ## Your turn: 03.4, two gradients by hand
#
# Compute $dL(\theta_2)/d\eta$ at $\eta = 1.5$ twice: first with the dashed edges, then without them ($g_1$ and $g_2$ are plain numbers). Write the two numbers, in this order, with a comma between them.
#
# <details><summary>Hint 1</summary>
#
# The gradient of theta^2/2 is theta. So theta_1 = theta_0 - eta * theta_0 = (1 - eta) * theta_0.
#
# </details>
# <details><summary>Hint 2</summary>
#
# With the edges: the loss is (1 - eta)^4 / 2. Differentiate that by eta and put in 1.5.
#
# </details>
# <details><summary>Hint 3</summary>
#
# Without them: theta_2 = theta_0 - eta * g_1 - eta * g_2 with g_1 = 1 and g_2 = theta_1 = -0.5 as plain numbers. The slope is theta_2 * -(g_1 + g_2).
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

# %% [markdown]
# ## Your turn: 03.5, the same two gradients by autograd
#
# `loss_after(theta, eta, steps, keep_edges)` makes `steps` steps of gradient descent on $\tfrac12\theta^2$ with the rate `eta` and returns the final loss. The check differentiates it for `eta`.
# With `keep_edges=False` the result must be the gradient without the dashed edges. All of `theta` and `eta` are tensors.
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
def loss_after(theta, eta, steps, keep_edges):
    ### BEGIN SOLUTION
    for _ in range(steps):
        gradient = theta if keep_edges else theta.detach()
        theta = theta - eta * gradient
    return theta**2 / 2
    ### END SOLUTION


# %%
check("03.5", loss_after)

# %% [markdown]
# Now ours, in three ways: by autograd through the package's `adapt`, by the closed forms, and by central differences, which know nothing of edges. They try $\eta$ a little larger and a little smaller
# and look at what happens.


# %% tags=["answer"]
def final(eta, keep_edges, steps=2):
    """The loss after some steps from theta = 1 with the rate eta, on theta^2 / 2."""

    def bowl(p):
        return p["theta"] ** 2 / 2

    start = {"theta": torch.ones((), dtype=torch.float64)}
    return bowl(adapt(bowl, start, sgd(eta), steps, first_order=not keep_edges))


def slope_of_rate(eta, keep_edges):
    eta = torch.tensor(eta, dtype=torch.float64, requires_grad=True)
    return torch.autograd.grad(final(eta, keep_edges), eta)[0].item()


eta, step = 1.5, 1e-5
theta_2 = (1 - eta) ** 2
kept, kept_formula = slope_of_rate(eta, True), -2 * (1 - eta) ** 3
cut, cut_formula = slope_of_rate(eta, False), -theta_2 * (1 - theta_2) / eta
nudged = (final(eta + step, True) - final(eta - step, True)).item() / (2 * step)
print(f"with the edges:    autograd {kept:+.3f}, closed form {kept_formula:+.3f}")
print(f"without the edges: autograd {cut:+.3f}, closed form {cut_formula:+.3f}")
print(f"central differences:        {nudged:+.3f}")

# %% [markdown] tags=["answer"]
# The chain from above, with these two steps, says it as well:

# %% tags=["answer"]
chain.steps, chain.rate = 2, 1.5
print(chain.summary)
chain.steps, chain.rate = 3, 0.4  # as it was: your turn

# %% [markdown] tags=["answer"] slideshow={"slide_type": "fragment"}
# +0.25 and −0.125. The true gradient says: the rate is too large, turn it down. Without the dashed edges it says the opposite: turn it up. Follow it and the descent gets worse.

# %% [markdown]
# ### When is it safe?

# %% tags=["answer"] jupyter={"source_hidden": true} slideshow={"slide_type": "slide"}
fig, ax = plt.subplots()
etas = [k / 50 for k in range(1, 97)]
for keep, name, look in (
    (True, "with the edges", style.method("lstm")),
    (False, "without them", style.method("warning") | {"linestyle": "--"}),
):
    (line,) = ax.plot(etas, [slope_of_rate(eta, keep) for eta in etas], **look)
    style.label_line(ax, line, name, dy=6 if keep else -8)
ax.axhline(0, color="black", linewidth=0.8)
ax.axvspan(1, 2, color=style.color("warning"), alpha=0.12, linewidth=0)
ax.plot([1.5, 1.5], [0.25, -0.125], "o", color="black", zorder=3)
ax.text(1.5, -1.0, "opposite signs", ha="center",
        color=style.ink(style.color("warning")), fontsize=13)
ax.set(xlabel="rate η times curvature (here 1)",
       ylabel="how the final loss changes with η", xlim=(0, 2.5), ylim=(-2, 2),
       title="Small steps agree, large steps contradict each other")
show(fig, alt=(
    "Two slopes against the rate times the curvature. Near zero they agree, both "
    "negative. Between 1 and 2 the slope with the edges is positive and the one "
    "without is negative: opposite signs, marked at 1.5 with +0.25 and -0.125."
))

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. The rule to take home: dropping is safe while rate times curvature is small. Between 1 and 2 the sign is wrong. Nobody knows the curvature of a network, so one tries both; lesson 08 is about why it so often works.

# %% [markdown]
# The dashed edge carries the factor *input gate times curvature*: moving the weights by 1 changes the next step by $i \cdot L''$. While that is small, hardly anything flows there, and dropping it is safe.
# When steps are about as large as the bowl is narrow, it is not. The curvature of your network is not known to you, so in practice one tries both.
#
# Let us try both. The same gates, the same problems, the same seeds, with the edges dropped:

# %%
dropped = [train(seed, first_order=True) for seed in budget["seeds"]]
print(f"{'log10 of the final loss':28}{'from zero':>14}{'from c0':>16}")
for name, group in (("edges kept", fits), ("edges dropped", dropped)):
    for seed, each in zip(budget["seeds"], group, strict=True):
        line = [
            over_tasks(final_loss(learned(each.theta), start, fresh).log10())
            for start in (zero, each.theta["c0"].detach())
        ]
        cells = "".join(f"{mean:8.2f} ± {half:.2f}" for mean, half, _ in line)
        print(f"{f'{name}, seed {seed}':28}{cells}")
        record(f"bowls.{name}.seed-{seed}".replace(" ", "-"), line[1],
               unit="log10 loss", seeds=[seed], seconds=each.seconds)

# %% [markdown]
# It still learns, and every time it learns something worse. With the edges kept the seeds agree. With the edges dropped they scatter, and from zero, where the gates have to do all the work, each loses more than the
# intervals allow for. Still, every one of them beats the best fixed rate of the table above, and a step of training was cheaper. Elsewhere dropping may cost nothing, or everything. The field's habit
# rests on experience more than on proof; lesson 08 is about why it so often works.
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
print("difference below 1e-12:", difference(for_the_start, at_the_end) < 1e-12)

# %% [markdown]
# Remember this line. In lesson 06 it returns under a name of its own, FOMAML, and the learned start is called MAML.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What you learned
#
# - Gradient descent is an LSTM cell: memory $\theta$, forget gate 1, input gate $\alpha$, candidate $-\nabla L$. Bit for bit, if you compute it in two roundings.
# - Weight decay turns the forget gate. Momentum and Adam put more cells in front. All of these are gates set by hand.
# - A sigmoid gate can reach exactly 1, at a bias of 17 in float32. At a bias of 4 to 5 it quietly eats a tenth of the weights.
# - Gates that may learn find a learning rate schedule by themselves, and the start can be learned along with them. They beat the best fixed rate, match a good schedule, and lose where a second memory is needed.
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
# **3.** You drop the dashed edges, the forget gate is 0.9, and you unroll three steps. The gradient at the end is $g$. What is the gradient for the start $c_0$?
#
# <details><summary>Answer</summary>
#
# $0.9^3 g = 0.729\,g$. Without the dashed edges the memory line is the only way back, and each step multiplies by its forget gate. With $f = 1$ the gradient arrives whole, for the same reason that an LSTM remembers.
#
# </details>

# %% [markdown]
# ## References
#
# - Sachin Ravi and Hugo Larochelle, [Optimization as a model for few-shot learning](https://openreview.net/forum?id=rJY0-Kcll), 2017. The cell of this lesson, for few-shot learning.
# - Marcin Andrychowicz et al., [Learning to learn by gradient descent by gradient descent](https://arxiv.org/abs/1606.04474), 2016. The dashed edges are theirs.
# - Sepp Hochreiter, Steven Younger, Peter Conwell, [Learning to learn using gradient descent](https://doi.org/10.1007/3-540-44668-0_13), 2001. The idea, with an LSTM, fifteen years earlier.
# - Chelsea Finn, Pieter Abbeel, Sergey Levine, [Model-agnostic meta-learning](https://arxiv.org/abs/1703.03400), 2017. The learned start alone.
# - Hung-yi Lee, [Machine Learning 2019](https://speech.ee.ntu.edu.tw/~hylee/ml/2019-spring.php), the lectures on meta-learning (in Chinese). "Gradient descent as LSTM" is a title of his.
#
# The words and the code of this lesson are our own.

# %% [markdown]
# ## Next
#
# [Learning to learn by gradient descent](04_learning_to_learn_by_gradient_descent.ipynb) gives one such cell a memory of its own and many weights to look after.
