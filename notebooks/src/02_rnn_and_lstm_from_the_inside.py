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
# # 02 RNN and LSTM from the inside
#
# A network reads a hundred inputs and has to answer for the first one. You build the two classic cells, train them, and find out by experiment which of their gates it takes.
#
# **You will be able to**
#
# - write an RNN and an LSTM cell in a few lines, prove that they are PyTorch's, and train them,
# - say what the three gates do, and what the states $h$ and $c$ carry,
# - compute what is left of a memory, and of its gradient, after any number of steps,
# - find out by experiment which gates a long memory needs, and say what each of them is for,
# - find a forget gate that eats the memory before you waste a day on it.
#
# **Prerequisites:** [lesson 00](00_start_here.ipynb). You know what a gradient is and have trained a network in
# [PyTorch](https://docs.pytorch.org/tutorials/beginner/basics/intro.html). You need not have met a recurrent network.
#
# **Time:** 35 minutes of reading, and 55 minutes for the exercises.
#
# **What it costs to run:** *smoke* takes about half a minute on two cores. *lecture* takes about 2 minutes.
# *paper* takes about 10 minutes: the same networks with more seeds and more patience. There is no GPU in it.

# %% [markdown] slideshow={"slide_type": "notes"}
# 1 min. Read the promise aloud. If you train live, run all cells now: the test in the middle needs a minute or two in the lecture profile.

# %% tags=["parameters"]
PROFILE = "smoke"  # "smoke", "lecture" or "paper": the same cells, three budgets

# %% tags=["setup"]
import math
from typing import NamedTuple

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from torch.func import functional_call

from mlteach.exercises import check, find, yours
from mlteach.explore import LstmGates, style
from mlteach.explore.figure import show
from mlteach.fit import fit
from mlteach.measure import compare, over_seeds, record
from mlteach.measure.ledger import recorded
from mlteach.params import clip

torch.set_num_threads(1)  # tensors as small as ours are quicker on one thread
style.use()
BUDGETS = {
    "smoke": dict(training_steps=300, seeds=[1], rates=[0.01]),
    "lecture": dict(training_steps=300, seeds=[1, 2, 3], rates=[0.01, 0.003]),
    "paper": dict(training_steps=1000, seeds=[1, 2, 3, 4, 5], rates=[0.01, 0.003]),
}
budget = BUDGETS[PROFILE]

# %% [markdown] slideshow={"slide_type": "slide"}
# ## How much of a whisper arrives?
#
# A hundred people stand in a line. The first whispers a number to the second, the second to the third. Each of them passes on 90 % of what they heard. That sounds like a good line.
#
# **Predict.** What share of the number is left when a hundred people have passed it on? (And after ten? And if each passes on 110 %? Write those guesses down as well.)
#
# - ( ) about a half
# - ( ) about a tenth
# - ( ) about a hundredth
# - ( ) less than a ten-thousandth

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Let everyone write three numbers before you go on. Then ask who was within a factor of ten, for 0.9 and for 1.1.

# %%
for passed_on in (0.9, 1.1):
    shares = ", ".join(f"after {people} people {passed_on**people:.2g}"
                       for people in (10, 100))
    print(f"each passes on {passed_on}: {shares}")

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "slide"}
fig, ax = plt.subplots(figsize=(8.5, 4.2))
people = range(101)
for passed_on, look in (
    (1.1, style.method("warning")),
    (1.0, style.method("lstm")),
    (0.99, style.method("baseline") | {"linestyle": ":"}),
    (0.9, style.method("baseline")),
):
    (line,) = ax.semilogy(people, [passed_on**k for k in people], **look)
    style.label_line(ax, line, f"{passed_on:g}")
ax.set(xlabel="people in the line", ylabel="share that arrives (log)", xlim=(0, 100),
       title="Only a factor of 1 survives a long line")
show(fig, alt=(
    "The share that arrives against the number of people, on a logarithmic axis. With "
    "a factor of 1.1 it explodes past ten thousand, with 0.99 it falls to about a "
    "third, with 0.9 it falls to about one in forty thousand. With a factor of exactly "
    "1 it stays."
))

# %% [markdown] slideshow={"slide_type": "notes"}
# 1 min. Read the two ends off the axis, and the guesses beside them. Only a factor of 1 survives. Come back to this figure when the gradient is drawn.

# %% [markdown]
# <details><summary><b>Explain.</b> How much is it?</summary>
#
# Less than a ten-thousandth. Shares multiply: $0.9^{10}$ is 0.35, and $0.9^{100}$ is 0.000027, nothing. $1.1^{100}$ is 13,781: a scream. In a long line a factor a little below 1 is as good as 0, and a factor a little above 1
# is an explosion. Only 1 carries.
#
# </details>
#
# Everything in this lesson is such a line. In a network that reads step by step, the people are the time steps, and two things are whispered: what the network remembers, going forward, and the gradient, going back.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What is a recurrent network?
#
# A plain network sees one input and forgets it. A recurrent network (RNN) keeps a state $h$, a few numbers, and at every step mixes the new input into it:
#
# $$h_t \;=\; \tanh(W x_t + U h_{t-1} + b)$$
#
# Read it aloud: *the new state is a squashed mixture of what comes in and what was there.* The same $W$, $U$ and $b$ serve every step. So one small network reads a sequence of any length, as a `for` loop does.

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Draw the loop, then unroll it for three steps. Stress that it is the same W, U and b at every step. Read the formula aloud once. As code it is one line; the cell of the LSTM comes in code later.

# %% [markdown]
# In code a batch of sequences stands in the rows: `x` has the shape `[batch, inputs]`, so $W x_t$ is `x @ W.T`, for all rows at once.
#
# ## Your turn: 02.1, one step of the RNN
#
# `rnn_step(x, h, W, U, b)` returns the new state, `[batch, units]`, in a new tensor through which gradients flow back to all five. `h` is the old state, `W` is `[units, inputs]`, `U` is `[units, units]`, `b` is `[units]`. You train with it below.
#
# <details><summary>Hint 1</summary>
#
# The batch stands in the rows: `x @ W.T` is W times x for every row at once.
#
# </details>
# <details><summary>Hint 2</summary>
#
# What comes in goes through W, what was there goes through U. The two are added.
#
# </details>
# <details><summary>Hint 3</summary>
#
# Add b as well, and put the whole sum through `torch.tanh`.
#
# </details>


# %% tags=["exercise"]
def rnn_step(x, h, W, U, b):
    ### BEGIN SOLUTION
    return torch.tanh(x @ W.T + h @ U.T + b)
    ### END SOLUTION


# %%
check("02.1", rnn_step)

# %% [markdown]
# From here on the lesson runs your step, if it passed. Is it PyTorch's cell? PyTorch keeps two bias vectors where one would do, and adds them. We compare in float64, over 50 steps, so that no difference can hide in rounding:

# %%
rnn_step = yours("02.1", rnn_step, otherwise=find("02.1").solution)


def parts(named):
    """W, U and b out of weights with torch's names."""
    w = {name.removesuffix("_l0"): value for name, value in named.items()}
    return w["weight_ih"], w["weight_hh"], w["bias_ih"] + w["bias_hh"]


torch.manual_seed(2)
theirs = torch.nn.RNNCell(3, 5, dtype=torch.float64)
weights = parts(dict(theirs.named_parameters()))
h = h_theirs = torch.zeros(4, 5, dtype=torch.float64)
for x in torch.randn(50, 4, 3, dtype=torch.float64):
    h, h_theirs = rnn_step(x, h, *weights), theirs(x, h_theirs)
assert compare("Your RNN after 50 steps", h, "torch.nn.RNNCell", h_theirs, to=1e-12)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What becomes of a nudge?
#
# Now whisper. Change $h_t$ by a tiny amount and ask how much of it arrives in $h_T$. One step passes on the factor
#
# $$\frac{\partial h_t}{\partial h_{t-1}} \;=\; \mathrm{diag}(1 - h_t^2)\,U$$
#
# In words: the nudge goes through the weights $U$, and then through the slope of the tanh, which is at most 1 and near 0 where the unit is saturated. Over many steps these factors multiply. The nudge from
# step $t$ reaches step $T$ times the product of all the matrices between them. We check that against autograd:

# %% slideshow={"slide_type": "fragment", "code": false}
xs = torch.randn(20, 1, 3, dtype=torch.float64)
h = start = torch.zeros(1, 5, dtype=torch.float64, requires_grad=True)
product = torch.eye(5, dtype=torch.float64)
U = weights[1].detach()
for x in xs:
    h = rnn_step(x, h, *weights)
    product = torch.diag(1 - h[0].detach() ** 2) @ U @ product
rows = [torch.autograd.grad(h[0, k], start, retain_graph=True)[0][0] for k in range(5)]
assert compare("The product of 20 factors", product, "autograd", torch.stack(rows),
               to=1e-12)
print(f"of a nudge of 1, at most {product.abs().max():.0e} is left after 20 steps")

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Walk the nudge through one step: the weights, then the slope of the tanh. The factors multiply: it is the line of people. The gradient goes the same way back. After twenty steps not a thousandth is left.

# %% [markdown]
# After twenty steps not a thousandth of a nudge is left. And the gradient travels the same line backwards: it is multiplied by the same factors. So the loss at the end tells the weights next to nothing about what they
# should have done twenty steps earlier. This is the *vanishing gradient* that Sepp Hochreiter found in 1991.
#
# Could $U$ not be larger? Then the nudge explodes instead, or the tanh saturates and its slope closes the line. One matrix would have to be right for all inputs, at all steps, in all directions. So people went for another line.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What if the network could keep a number as it is?
#
# Give the network a second state $c$, the memory, and let nothing touch it but two gates:
#
# $${\color{#007CC2}{c_t}} \;=\; {\color{#C73F9E}{f_t}}\;{\color{#007CC2}{c_{t-1}}} \;+\; {\color{#A26B00}{i_t}}\;{\color{#008765}{g_t}} \qquad\qquad h_t \;=\; o_t\,\tanh({\color{#007CC2}{c_t}})$$
#
# Aloud: *keep a share $f$ of the memory, let in a share $i$ of the candidate, show a share $o$ of what is there.* Every gate is a number from 0 to 1, and every step may set it anew.

# %% [markdown] slideshow={"slide_type": "fragment"}
# | gate | its question | at 0 | at 1 |
# |---|---|---|---|
# | forget gate $f$ | how much of the memory stays? | empty it | keep all |
# | input gate $i$ | how much of the candidate $g$ comes in? | let nothing in | take it whole |
# | output gate $o$ | how much is shown to the others? | be silent | speak |

# %% [markdown] slideshow={"slide_type": "notes"}
# 3 min. Cover the gates and ask what the students would change about the line of people. If nobody says it, say it: let them pass it on whole. That is f = 1. Then the table, row by row.

# %% [markdown]
# This is the LSTM, *long short-term memory*. Hochreiter and Schmidhuber made it in 1997 without the magenta gate: their $f$ was always 1. Gers and others gave it the forget gate in 2000. Here is one with a single unit. A value $x$ comes in at every step, and it is the candidate: $g_t = x_t$. You draw the gates.
#
# Try the five scenes. The words under the picture speak of one step, at first of step <span data-moves="LstmGates.step">3</span>. The bars at the bottom say how much of the last $c$ each step has written, the magenta line what is left at the end of a nudge to $c$. Then choose *distractors* and do the task: one value matters, the others are noise.

# %% tags=["opening"] slideshow={"slide_type": "slide"}
explorer = LstmGates("remember")
explorer

# %% [markdown] slideshow={"slide_type": "notes"}
# 5 min. *remember*, then *leak*: read the magenta line at the bottom. *count*: c goes to six while h stays below one; c is what the cell knows, h is what it says, and c is never squashed. *distractors*: give them two minutes with a neighbour for the task. Two stars come from the input gate alone; the third needs the output gate.
# At the end, in *remember*, turn the RNN's weight u to 1.5: it holds the pulse. Look at its nudge. Leave the question open, it comes back.

# %% [markdown]
# Everything you can draw, a program can set. Here is a forget gate of 0.9 at every step: our line of people again.

# %%
for forget in (1.0, 0.9, 0.5):
    explorer.forget = forget
    print(explorer.summary, "\n")
explorer.load("remember")  # as it was: your turn

# %% [markdown] slideshow={"slide_type": "slide"}
# A nudge to the memory is multiplied by $f$ at every step and by nothing else: no matrix, no slope. With $f = 1$ it arrives whole, after 21 steps or after a million. So
#
# $$\frac{\partial c_T}{\partial c_t} \;=\; f_{t+1}\, f_{t+2} \cdots f_T$$
#
# along the memory line. In the explorer this is the magenta line at the bottom, *left of a nudge*.

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. No matrix, no slope: one number a step, and the network may choose it.

# %% [markdown]
# ## Your turn: 02.2, what is left at the end
#
# `left(f)` takes the forget gates of all steps, a tensor of length $T$, and returns a tensor of the same length: for each step, the share of a nudge to $c_t$ that arrives in $c_T$.
# A nudge at the last step arrives whole: 1. A gate may be closed, 0. Gradients flow through the result back to `f`.
#
# <details><summary>Hint 1</summary>
#
# A nudge to c at step t is multiplied by f at step t+1, then at t+2, and so on to the end.
#
# </details>
# <details><summary>Hint 2</summary>
#
# Work from the end: at the last step 1 is left; one step earlier, the last gate; then that times the gate before.
#
# </details>
# <details><summary>Hint 3</summary>
#
# Drop the first gate, put a 1 at the end, and multiply up from behind: `flip(0).cumprod(0).flip(0)`.
#
# </details>


# %% tags=["exercise"]
def left(f):
    ### BEGIN SOLUTION
    later = torch.cat([f[1:], torch.ones_like(f[:1])])
    return later.flip(0).cumprod(0).flip(0)
    ### END SOLUTION


# %%
check("02.2", left)

# %% [markdown]
# ## What do $h$ and $c$ carry?
#
# Two states seem one too many. Load the scene *count*: six pulses come in, all gates are open.

# %%
explorer.load("count")
explorer.step = 24
print("c:", [round(c) for c in explorer.trace().c.tolist()])
print("h:", [round(h, 2) for h in explorer.trace().h.tolist()])
explorer.load("start again")
print("c, with a forget gate that closes at the marks:",
      [round(c) for c in explorer.trace().c.tolist()])
explorer.load("remember")
explorer.step = 3  # as it was

# %% [markdown]
# $c$ counts: 1, 2, ... 6. It has no upper bound, it is never squashed, and that is why it can be kept as it is. $h$ is what the cell shows: a tanh of the memory, between −1 and 1, and only as much as the output gate lets out.
# It is $h$ that goes to the next layer, and to the gates at the next step. So $c$ is what the cell knows, and $h$ is what it says.
#
# And closing the forget gate for one step empties the memory. That is not a defect. Text has ends of sentences; the gate was added so that a cell can start again by itself.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Where do the gates look?
#
# Nobody draws the gates of a real cell. Each is computed, at each step, from what comes in and what the cell said last, by weights of its own:
#
# $$\begin{aligned}
# {\color{#A26B00}{i_t}} &= \sigma(W_i x_t + U_i h_{t-1} + b_i) & {\color{#C73F9E}{f_t}} &= \sigma(W_f x_t + U_f h_{t-1} + b_f) \\
# {\color{#008765}{g_t}} &= \tanh(W_g x_t + U_g h_{t-1} + b_g) & o_t &= \sigma(W_o x_t + U_o h_{t-1} + b_o)
# \end{aligned}$$
#
# Aloud: *all four look at the same two things; three of them answer with a share, from 0 to 1, and the candidate answers with a content, from −1 to 1.* The sigmoid $\sigma(z) = 1/(1+e^{-z})$ makes a share of any number.

# %% [markdown] slideshow={"slide_type": "-"}
# And look at the four $U$: the gates read $h$, and $h$ shows $c$. So a nudge to $c_t$ has a second way to the end: out through $h_t$, into the gates of step $t+1$, and back into $c$. The product of forget gates is the way along the memory line *alone*; what
# the detour does to the gradient you see below.

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Four formulas, one pattern: all four look at the same two things. Three answer with a share, one with a content. Ask which of them may be negative. Then point at U: the gates read h, and h shows c. That is a second way for a nudge, and for the gradient.

# %% [markdown]
# PyTorch computes the four sums at once and stacks them, in the order $i, f, g, o$: a vector of $4n$ numbers for $n$ units.
#
# ## Your turn: 02.3, one step of the cell
#
# `step(z, c)` gets the four sums `z` of shape `[..., 4n]`, in that order and not yet squashed, and the old memory `c` of shape `[..., n]`. It returns `(h, c)`, the new ones,
# in new tensors through which gradients flow back to `z` and to the old `c`.
#
# <details><summary>Hint 1</summary>
#
# `z.chunk(4, dim=-1)` gives the four parts in torch's order: input, forget, candidate, output.
#
# </details>
# <details><summary>Hint 2</summary>
#
# Three of them are gates and go through a sigmoid. The candidate goes through a tanh.
#
# </details>
# <details><summary>Hint 3</summary>
#
# First c = f * c + i * g, then h = o * tanh(c), with that new c. Return h, c.
#
# </details>


# %% tags=["exercise"]
def step(z, c):
    ### BEGIN SOLUTION
    i, f, g, o = z.chunk(4, dim=-1)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(c), c
    ### END SOLUTION


# %%
check("02.3", step)

# %% [markdown]
# ## Is that PyTorch's cell?
#
# The cell is the sum of your RNN, four times as long, and then your step. Is it `torch.nn.LSTMCell`?


# %%
step = yours("02.3", step, otherwise=find("02.3").solution)


# %% slideshow={"slide_type": "slide"}
def lstm_step(x, h, c, W, U, b):
    """The new (h, c). x: [batch, inputs]; h and c: [batch, units]; b: [4 units]."""
    return step(x @ W.T + h @ U.T + b, c)


theirs = torch.nn.LSTMCell(3, 5, dtype=torch.float64)
weights = parts(dict(theirs.named_parameters()))
h = c = torch.zeros(4, 5, dtype=torch.float64)
state = (h, c)
for x in torch.randn(50, 4, 3, dtype=torch.float64):
    h, c = lstm_step(x, h, c, *weights)
    state = theirs(x, state)
assert compare("Your h after 50 steps", h, "torch.nn.LSTMCell", state[0], to=1e-12)
assert compare("Your c after 50 steps", c, "torch.nn.LSTMCell", state[1], to=1e-12)

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. The sum is the RNN's, four times as long; `step` is the two formulas of the slides before, three lines, exercise 02.3. The order i, f, g, o is PyTorch's, other libraries have others. Two bias vectors where one would do: remember that, it bites in a minute. Equal to twelve digits.

# %% [markdown]
# The explorer computes the same. Switch it to *computed by the cell*: the gates now look at the value $x$, at a mark $m$ (1 says "write here", −1 says "read here"), and at the last $h$. The sliders are their weights.
#
# **Predict.** At first all weights of the gates are 0. What does a memory do then, over 24 steps?
#
# - ( ) It keeps: nothing tells it to forget.
# - ( ) It fades slowly, and about half is left at the end.
# - ( ) It vanishes: less than a thousandth is left.

# %%
explorer.load("distractors")
explorer.computed = True
print(explorer.summary)
explorer.load("remember")  # as it was

# %% [markdown]
# <details><summary><b>Explain.</b> What does it do?</summary>
#
# It vanishes: less than a thousandth is left. $\sigma(0) = 0.5$: all gates stand half open. So half of the memory is gone after *one* step, and after 21 steps $0.5^{21}$ is left, less than a millionth. A cell that nobody has trained forgets at once. Hold on to this, because training
# *begins* there. (The last words of the summary judge the task: the sequence runs twice, once as it is and once with the marked value turned round, and the worse of the two counts. Distractors that happen to add up to the value would be luck.)
#
# </details>

# %% [markdown]
# ## Your turn: 02.4, a bias that remembers
#
# Suppose a forget gate looks at nothing but its bias. `forget_bias(steps, share)` returns the bias, one number, with which `share` of the memory is left after `steps` steps. Both are plain numbers; `math` is imported.
#
# <details><summary>Hint 1</summary>
#
# A gate f leaves f ** steps of the memory after so many steps. Set that equal to the share.
#
# </details>
# <details><summary>Hint 2</summary>
#
# So f = share ** (1 / steps). Which number has this sigmoid?
#
# </details>
# <details><summary>Hint 3</summary>
#
# The inverse of the sigmoid is the logit: math.log(f / (1 - f)).
#
# </details>


# %% tags=["exercise"]
def forget_bias(steps, share):
    ### BEGIN SOLUTION
    f = share ** (1 / steps)
    return math.log(f / (1 - f))
    ### END SOLUTION


# %%
check("02.4", forget_bias)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Pitfall: a bias that nobody set
#
# You make a `torch.nn.LSTM`. It trains, the loss stops early, it has learned only what is near. Nothing is broken. But how much can a fresh one remember? The detector feeds it zeros and multiplies up its forget gates.
# Nothing else is on the memory line.


# %%
@torch.no_grad()
def left_after(net, steps=100):
    """What the forget gates leave of a memory after steps of zeros: % on average."""
    says, _ = net(torch.zeros(1, steps, net.input_size))
    n, forget = net.hidden_size, slice(net.hidden_size, 2 * net.hidden_size)
    bias = net.bias_ih_l0[forget] + net.bias_hh_l0[forget]
    before = torch.cat([torch.zeros(1, n), says[0, :-1]])  # h of the step before
    gates = torch.sigmoid(before @ net.weight_hh_l0[forget].T + bias)
    return 100 * gates.prod(0).mean().item()


def with_bias(bias, part=1, both=False, units=64):
    """A torch.nn.LSTM with one bias set: 0 input, 1 forget, 2 candidate, 3 output."""
    torch.manual_seed(0)
    net = torch.nn.LSTM(2, units, batch_first=True)
    with torch.no_grad():
        net.bias_ih_l0[part * units : (part + 1) * units] = bias
        net.bias_hh_l0[part * units : (part + 1) * units] = bias if both else 0
    return net


# %% slideshow={"slide_type": "fragment", "code": false}
torch.manual_seed(0)
for name, net in {
    "as torch makes it": torch.nn.LSTM(2, 64, batch_first=True),
    "forget bias 1": with_bias(1.0),
    "forget bias 3": with_bias(3.0),
    "forget bias 5": with_bias(5.0),
    "5 in the wrong place": with_bias(5.0, part=2),
    "5 in both vectors": with_bias(5.0, both=True),
}.items():
    print(f"{name:22} {left_after(net):5.0f} % left after 100 steps")

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. With weights near zero a gate stands half open, and half is gone after one step. Read the table from the top. Nobody is told any of this by an error. Ask who has set a forget bias before, and where.

# %% [markdown]
# Three traps in one table.
#
# - **The bias.** PyTorch draws it near 0, so a fresh LSTM forgets half of everything at every step. Keras starts it at 1, a gate of 0.73. Jozefowicz and others (2015) searched ten thousand designs and found
#   that this 1 closes the gap between the LSTM and its rival, the GRU, on their tasks. For a longer memory the bias has to know how long: `forget_bias(100, 0.5)` is about 5.
# - **The place.** The parts stand in the order $i, f, g, o$. Other libraries have other orders. A bias of 5 in the third part goes to the candidate, and no error tells you.
# - **The two vectors.** PyTorch adds `bias_ih` and `bias_hh`. Set both to 5 and you have 10: a gate that forgets next to nothing, whether you want it or not.
#

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Can it be learned? A hundred steps
#
# Now the test. At every step a bit comes in, −1 or 1. Once, near the beginning, a mark says: *this one*. At the end the network has to say which bit it was. Guessing is right in 50 of 100.
#
# | input | step 1 | 2 | 3 | 4 | ... | 100 |
# |---|---|---|---|---|---|---|
# | bit | 1 | −1 | **−1** | 1 | ... | 1 |
# | mark | 0 | 0 | **1** | 0 | ... | 0 |

# %% [markdown] slideshow={"slide_type": "-"}
# Three learners, with about as many weights each:
#
# - an **RNN** with 16 units. So that nobody can say we did not try, it may choose between two starts (PyTorch's, and one where $U$ is the identity, so that the whispering line begins with a factor near 1) and, beyond the smoke profile, two rates;
# - an **LSTM** with 8 units, **as PyTorch makes it**;
# - the same **LSTM, set to remember**: forget bias 5, input bias −5.

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. The task in one sentence: which bit was marked? Then the three learners. The RNN gets its choice of start and rate, so that nobody can say we did not try.


# %% jupyter={"source_hidden": true}
def sample(n, steps, generator):
    """n sequences [n, steps, 2] of bits and marks, and the marked bits [n], 0 or 1."""
    bits = torch.randint(0, 2, (n, steps), generator=generator)
    first_tenth = max(steps // 10, 2)  # where the mark may stand
    at = torch.randint(0, first_tenth, (n,), generator=generator)
    marks = F.one_hot(at, steps)
    x = torch.stack([2 * bits - 1, marks], dim=-1)
    return x.float(), (bits * marks).sum(1).float()


class Learner(NamedTuple):
    """What is trained: a kind of net, its units, its rate, and how it starts."""

    kind: type
    units: int
    rate: float
    start: str = "as made"

    def net(self):
        return self.kind(2, self.units, batch_first=True)

    def first(self, seed):
        """The first weights: as torch draws them, but for what is special."""
        n, draw = self.units, torch.Generator().manual_seed(seed)
        shapes = {name: p.shape for name, p in self.net().named_parameters()}
        shapes["answer"] = (n,)
        theta = {name: (2 * torch.rand(s, generator=draw) - 1) / n**0.5
                 for name, s in shapes.items()}
        if self.start == "identity":
            theta["weight_hh_l0"] = torch.eye(n)
        for part, bias in BIASES.get(self.start, {}).items():
            theta["bias_hh_l0"][part * n : (part + 1) * n] = 0
            theta["bias_ih_l0"][part * n : (part + 1) * n] = bias
        return theta


INPUT, FORGET = 0, 1  # the parts of torch's vectors
BIASES = {"input shut": {INPUT: -5}, "forget open": {FORGET: 5},
          "set to remember": {INPUT: -5, FORGET: 5}}
LEARNERS = {
    "RNN": [Learner(torch.nn.RNN, 16, rate, start) for rate in budget["rates"]
            for start in ("as made", "identity")],
    "LSTM, as made": [Learner(torch.nn.LSTM, 8, 0.02)],
    "LSTM, set to remember": [Learner(torch.nn.LSTM, 8, 0.02, "set to remember")],
}

# %% [markdown]
# One training step is a batch of 64 sequences, the gradient of the cross-entropy at the *last* step, clipped to length 1 so that an explosion does no harm, and Adam.
#
# Your two steps read the sequences, one after the other in a Python loop. Up to 10 steps they train as well. Beyond that PyTorch's own loop takes over, which is not written in Python and some ten times as quick. So prove first that it reads the same, 100 steps long:


# %%
def read(learner, theta, x):
    """Your last h, [batch, units], of sequences x, [batch, steps, 2]."""
    h = c = x.new_zeros(len(x), learner.units)
    weights = parts(theta)
    for now in x.unbind(1):
        if learner.kind is torch.nn.RNN:
            h = rnn_step(now, h, *weights)
        else:
            h, c = lstm_step(now, h, c, *weights)
    return h


def read_fast(learner, theta, x):
    """The same by torch."""
    weights = {name: p for name, p in theta.items() if name != "answer"}
    return functional_call(learner.net().to(x), weights, x)[0][:, -1]


for name, (learner, *_) in LEARNERS.items():
    theta = {each: p.double() for each, p in learner.first(1).items()}
    x = sample(64, 100, torch.Generator().manual_seed(7))[0].double()
    assert compare(f"{name}: your loop", read(learner, theta, x), "torch's",
                   read_fast(learner, theta, x), to=1e-12)

# %% jupyter={"source_hidden": true}
YOURS_UP_TO = 10


def logit(learner, theta, x):
    """What the net says at the last step: above 0 is "the bit was 1"."""
    reader = read if x.shape[1] <= YOURS_UP_TO else read_fast
    return reader(learner, theta, x) @ theta["answer"]


def train(learner, steps, seed):
    def gradient(theta, episode):
        x, bit = episode
        loss = F.binary_cross_entropy_with_logits(logit(learner, theta, x), bit)
        found = torch.autograd.grad(loss, list(theta.values()))
        return clip(dict(zip(theta, found, strict=True)), 1.0), {"loss": loss.item()}

    return fit(gradient, learner.first(seed), lambda draw: sample(64, steps, draw),
               steps=budget["training_steps"],
               generator=torch.Generator().manual_seed(seed), lr=learner.rate,
               schedule="cosine", progress=f"{learner.kind.__name__}, {steps} steps")


@torch.no_grad()
def percent_right(learner, theta, steps, seed, n=2000):
    x, bit = sample(n, steps, torch.Generator().manual_seed(seed))
    right = (logit(learner, theta, x) > 0) == (bit > 0)
    return 100 * right.float().mean().item()


# %% [markdown] slideshow={"slide_type": "slide"}
# **Predict.** We try sequences of 5, 10, 30 and 100 steps. The LSTM as PyTorch makes it begins with its gates half open. But it is trained, and training may open them. Which is the longest of the four at which it finds the bit? (For the RNN, guess as well.)
#
# - ( ) 5 steps
# - ( ) 10 steps
# - ( ) 30 steps
# - ( ) 100 steps: training opens the gate

# %% [markdown] slideshow={"slide_type": "notes"}
# 1 min. A guess for the LSTM as PyTorch makes it, and one for the RNN, on paper. Ask for one hand: who believes that it does 100 steps?

# %% [markdown]
# The RNN's setting is the one that does best on sequences kept for choosing; the numbers below are on others, which nobody has seen.

# %% jupyter={"source_hidden": true}
LENGTHS = (5, 10, 30, 100)


def figure_name(name, steps):
    return f"bit.{name}.{steps}-steps".replace(", ", "-").replace(" ", "-")


results = {}


def test(name, settings, steps):
    """Train every setting with every seed; the best one's right answers in 100."""
    runs = {learner: [train(learner, steps, seed) for seed in budget["seeds"]]
            for learner in settings}
    scores = {learner: sum(percent_right(learner, run.theta, steps, seed=77)
                           for run in group)
              for learner, group in runs.items()}
    best = max(settings, key=scores.__getitem__)
    right = [percent_right(best, run.theta, steps, seed=99) for run in runs[best]]
    results[name, steps] = over_seeds(right)
    seconds = sum(run.seconds for group in runs.values() for run in group)
    record(figure_name(name, steps), results[name, steps], unit="% right",
           seeds=budget["seeds"], seconds=seconds)


for name, settings in LEARNERS.items():
    for steps in LENGTHS:
        test(name, settings, steps)
print(f"{'right answers in 100':24}{'5 steps':>9}{'100 steps':>11}")
for name in LEARNERS:
    short, long = (10 * round(results[name, steps].mean / 10) for steps in (5, 100))
    print(f"{name:24}{short:9}{long:11}")

# %% [markdown] slideshow={"slide_type": "slide"}
# ### How far does each get?

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "-"}
fig, ax = plt.subplots(figsize=(9, 4.3))
LOOKS = {
    "RNN": style.method("baseline"),
    "LSTM, as made": style.method("lstm") | {"linestyle": ":"},
    "LSTM, set to remember": style.method("lstm"),
}
longer = recorded("02", "paper")
for (name, look), marker in zip(LOOKS.items(), "so^", strict=True):
    means = [results[name, steps].mean for steps in LENGTHS]
    halves = [results[name, steps].half_width for steps in LENGTHS]
    halves = [0 if math.isnan(half) else half for half in halves]  # one seed has none
    ax.errorbar(LENGTHS, means, yerr=halves, capsize=3, marker=marker, markersize=8,
                **look)
    if longer:  # five seeds, 1,000 training steps
        kept = [longer[figure_name(name, steps)] for steps in LENGTHS]
        ax.errorbar([1.07 * steps for steps in LENGTHS], [k["value"] for k in kept],
                    yerr=[k["interval"] for k in kept], capsize=3, marker=marker,
                    markersize=8, markerfacecolor="white", linestyle="none",
                    color=look["color"])
ax.text(100, 103.5, "LSTM, set to remember", ha="right",
        color=style.ink(style.color("lstm")), weight="bold", fontsize=12)
ax.annotate("RNN", (12, 66), color=style.ink(style.color("baseline")), weight="bold",
            fontsize=12, ha="right")
ax.annotate("LSTM, as made", (15.5, 85), color=style.ink(style.color("lstm")),
            weight="bold", fontsize=12)
ax.axhline(50, color="black", linewidth=0.8)
ax.text(5, 45.5, "guessing", fontsize=12)
ax.text(5, 41, "hollow: five seeds, 1,000 training steps", fontsize=12)
ax.set(xscale="log", xticks=LENGTHS, xticklabels=LENGTHS, ylim=(38, 110),
       yticks=range(50, 101, 10), xlabel="length of the sequence, in steps (log)",
       ylabel="right answers, in %",
       title="Short is easy; long takes gates set to remember")
ax.minorticks_off()
show(fig, alt=(
    "Right answers against the length of the sequence. At 5 steps all three learners "
    "are right in 100 of 100. The RNN loses ground first, the LSTM as made after it; "
    "at 30 steps the LSTM as made guesses, at 100 both do. The LSTM set to remember "
    "stays at 100 for every length. Recorded runs with more seeds and more training "
    "lie on the same curves."
))

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Ask which curve is which before the names are read. At 5 steps all is well, so the code is right. Further out the RNN and the LSTM as made guess. The same cell with two biases set does a hundred steps. Patience does not help: the hollow marks.

# %% [markdown]
# <details><summary><b>Explain.</b> How far does each get?</summary>
#
# 10 steps. At 30 and at 100 the LSTM as PyTorch makes it guesses. At 5 steps all three learn the task, so the code is right, and the RNN is large enough. At 100 steps the RNN guesses too, whatever its start and its rate. The same LSTM with two biases set does all lengths.
#
# </details>
#
# The hollow marks are recorded runs of this notebook (*paper*). A wide interval over seeds means that some learn it and some do not. Patience does not help where the line is too long.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Which of the two gates was it?
#
# Two biases were set at once: forget 5 and input −5. That is no experiment yet. Take one of them away, and then the other.
#
# | LSTM | forget bias | input bias |
# |---|---|---|
# | as made | near 0: half open | near 0: half open |
# | input shut | near 0: half open | **−5: nearly shut** |
# | forget open | **5: nearly open** | near 0: half open |
# | set to remember | **5: nearly open** | **−5: nearly shut** |

# %% [markdown] slideshow={"slide_type": "-"}
# **Predict.** The first guesses at 100 steps, the last is right, with every seed. Which bias was it?
#
# - ( ) The forget bias alone does it with every seed.
# - ( ) Either bias alone does it with every seed.
# - ( ) Only both together do it with every seed.

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Two things were changed at once, so nothing is known about either. Let them vote, and ask one of each camp for the reason. The whispering line speaks for the forget gate.

# %%
for start in ("input shut", "forget open"):
    test(f"LSTM, {start}", [Learner(torch.nn.LSTM, 8, 0.02, start)], 100)
    right = 10 * round(results[f"LSTM, {start}", 100].mean / 10)
    print(f"LSTM, {start}: {right} right answers in 100")

# %% [markdown]
# One run proves little. Here are five recorded seeds each, and beside them two things that you measure now, before any training.


# %%
def at_the_start(learner, seed, detour=True, n=64, steps=100):
    """Before training: the gradient's length at each step [steps], relative to the last
    one, and the mean slope of the last tanh. Without detour no gate reads h, for the
    gradient."""
    theta = {name: value.double() for name, value in learner.first(seed).items()}
    weights = parts(theta)
    x, bit = sample(n, steps, torch.Generator().manual_seed(7))
    h = c = torch.zeros(n, learner.units, dtype=torch.float64, requires_grad=True)
    states = []
    for now in x.double().unbind(1):
        if learner.kind is torch.nn.LSTM:
            h, c = lstm_step(now, h if detour else h.detach(), c, *weights)
            states.append(c)
        else:
            h = rnn_step(now, h, *weights)
            states.append(h)
    loss = F.binary_cross_entropy_with_logits(h @ theta["answer"], bit.double())
    lengths = torch.stack([g.norm(dim=1).mean()
                           for g in torch.autograd.grad(loss, states)])
    shown = torch.tanh(c) if learner.kind is torch.nn.LSTM else h
    return lengths / lengths[-1], (1 - shown**2).mean().item()


STARTS = {
    "RNN": Learner(torch.nn.RNN, 16, 0.01),
    "RNN, identity": Learner(torch.nn.RNN, 16, 0.01, "identity"),
    "LSTM, as made": Learner(torch.nn.LSTM, 8, 0.02),
    "LSTM, input shut": Learner(torch.nn.LSTM, 8, 0.02, "input shut"),
    "LSTM, forget open": Learner(torch.nn.LSTM, 8, 0.02, "forget open"),
    "LSTM, set to remember": Learner(torch.nn.LSTM, 8, 0.02, "set to remember"),
}
SEEDS = (1, 2, 3, 4, 5)
before = {name: [at_the_start(learner, seed) for seed in SEEDS]
          for name, learner in STARTS.items()}

# %% [markdown] slideshow={"slide_type": "slide"}
# ### What does it take?
#
# Six starts, five seeds each. *Kept?* How much of the gradient reaches step 1, before training. *Kept out?* How steep the tanh is that shows the memory, before training: flat means full. *Learned?* After training.

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "-"}
arms = recorded("02", "arms")
fig, (reach, room, right) = plt.subplots(
    1, 3, figsize=(11, 4.3), sharey=True, width_ratios=(1.2, 0.8, 1),
    layout="constrained")
names = list(STARTS)[::-1]
for row, name in enumerate(names):
    hue = style.color("lstm" if name.startswith("LSTM") else "baseline")
    dots = dict(color=hue, markersize=9, alpha=0.75, linestyle="none")
    here = [row] * len(SEEDS)
    arrives = [float(lengths[0]) for lengths, _ in before[name]]
    reach.semilogx(arrives, here, "o", **dots)
    room.plot([slope for _, slope in before[name]], here, "o", **dots)
    right.plot(arms[f"{name}.as in the lesson"]["each"], here, "o", **dots)
    if patient := arms.get(f"{name}.patient"):
        right.plot(patient["each"], [row - 0.25] * len(patient["each"]), "o",
                   **dots | {"markerfacecolor": "white"})
reach.axvspan(1e-2, 1e2, color=style.color("lstm"), alpha=0.12, linewidth=0)
room.axvspan(0.75, 1.02, color=style.color("lstm"), alpha=0.12, linewidth=0)
reach.set(xlim=(1e-30, 1e3), xticks=(1e-30, 1e-20, 1e-10, 1), yticks=range(len(names)),
          yticklabels=names, title="Kept?",
          xlabel="gradient at step 1,\nrelative to step 100 (log)")
reach.minorticks_off()
room.set(xlim=(0, 1.02), xticks=(0, 0.5, 1), title="Kept out?",
         xlabel="slope of the last tanh")
right.axvline(50, color="black", linewidth=0.8)
right.set(xlim=(45, 102), xticks=(50, 75, 100), title="Learned?",
          xlabel="right answers, in %\n(hollow: 1,000 training steps)")
show(fig, alt=(
    "Six starts in rows, one dot a seed, in three columns. Of the gradient at step 100 "
    "a share near 1 reaches step 1 in the LSTMs with an open forget gate; in the "
    "others it is many powers of ten less. The last tanh is steep in the LSTMs with "
    "the input gate shut and in the one as made, and flat in the one that has its "
    "forget gate open alone. Only the LSTM that has both is right in 100 of 100, with "
    "every seed. The others guess; with the forget gate open alone a few seeds get "
    "there, most of them only after 1,000 training steps."
))

# %% [markdown] slideshow={"slide_type": "notes"}
# 3 min. One row at a time, from the bottom. Only the bottom row has its dots in both shaded boxes, and only it learns with every seed. The forget gate alone: the gradient arrives, and the memory is full before training begins; some seeds work their way out, with patience (hollow). The input gate alone: the memory is empty, and nothing reaches the first step.

# %% [markdown]
# <details><summary><b>Explain.</b> Which gates does it take?</summary>
#
# Only both together do it with every seed. With the input gate alone the memory still halves at every step, and no gradient reaches the mark. With the forget gate alone the gradient arrives. But a memory that keeps everything also keeps all that comes in, and a half-open input gate
# lets in a share of the candidate a hundred times: the memory is full before training begins, and its tanh is flat. Some seeds find a way out, with patience (the hollow dots); most do not. Keeping is half of it. The other half is to keep out.
#
# </details>
#
# So the detector above has a blind spot: "forget open" passes it, and most seeds guess. Look at the last tanh as well. Tallec and Ollivier (2018) set just this pair of biases, forget at $b$ and input at $-b$, from the length of the memory.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Which way does the gradient take?
#
# Before training, back from step 100. On the right the whole gradient (dashed), and what stays on the memory line alone (solid).

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "-"}
fig, (ax, near) = plt.subplots(1, 2, figsize=(11, 4.3), width_ratios=(1.3, 1),
                               layout="constrained")
drawn = {
    "RNN": (style.method("baseline"), (48, -12)),
    "RNN, identity": (style.method("baseline") | {"linestyle": ":"}, (22, -14)),
    "LSTM, as made": (style.method("lstm") | {"linestyle": ":"}, (4, 44)),
    "LSTM, set to remember": (style.method("lstm"), (6, 14)),
}
for name, (look, (at, dy)) in drawn.items():
    (line,) = ax.semilogy(range(1, 101), before[name][0][0], **look)
    style.label_line(ax, line, name, x=at, dx=6, dy=dy)
for seed, (lengths, _) in zip(SEEDS, before["LSTM, forget open"], strict=True):
    whole = style.method("lstm") | {"linestyle": "--", "linewidth": 1.5}
    near.semilogy(range(1, 101), lengths, **whole)
    alone, _ = at_the_start(STARTS["LSTM, forget open"], seed, detour=False)
    (line,) = near.semilogy(range(1, 101), alone, color=style.cell("f")["color"],
                            linewidth=1.5)
style.label_line(near, line, "memory line alone", x=30, dx=0, dy=-20)
ax.set(xlabel="step t", ylabel="gradient at step t, relative to the last",
       xlim=(1, 100), ylim=(1e-22, 1e4), title="A factor a step: a straight line")
near.set(xlabel="step t", xlim=(1, 100), ylim=(1e-2, 1e3),
         title="Forget gate open alone, five seeds")
show(fig, alt=(
    "Length of the gradient at each step, relative to the last one, on logarithmic "
    "axes, for untrained networks. Left: going back from step 100 the RNN's and the "
    "LSTM's as made fall in straight lines by many powers of ten; the RNN that starts "
    "from the identity falls more slowly, the LSTM set to remember stays nearly level. "
    "Right, five LSTMs with the forget gate open alone: along the memory line the "
    "gradient is level for all; the whole gradient wanders away from it, up or down, "
    "by a factor of ten and more."
))

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Nothing is trained here yet. Straight lines: a factor a step, as in the line of people. On the right the level line is the product of forget gates alone; the dashed ones are the whole gradients of the same networks, with the detour through h and the gates.

# %% [markdown]
# Straight lines on a logarithmic axis: the whispering line. On the right are the networks with the forget gate open alone. The level line is the way along the memory *alone*, what `left` computes. The dashed lines are the whole gradients of the same five networks. The difference
# is the detour: out through $h$, into the gates by way of $U$, and back into $c$. It is no small matter where the gates are half open.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Why does the identity start fail?
#
# The RNN that starts with $U$ the identity keeps as well. It sends back far more gradient than the other one, and guesses all the same. Two things can fill a memory that keeps everything:
#
# - **the noise**: 99 bits that do not matter. Take it away: all bits but the marked one are 0, a *quiet* line;
# - **its own voice**: the same constant at every step, out of a bias, and in the LSTM what $h$ says to the candidate. Take it away: it *starts empty*, with those weights at 0 (training may change them).

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "-"}
LINES = {"as in the lesson": "noise and own voice", "quiet": "own voice, no noise",
         "empty": "noise, no own voice", "quiet and empty": "neither"}
SHOWN = ("RNN, identity", "LSTM, forget open", "LSTM, set to remember")
fig, axes = plt.subplots(1, 3, figsize=(11, 2.7), sharey=True, layout="constrained")
for ax, name in zip(axes, SHOWN, strict=True):
    hue = style.color("lstm" if name.startswith("LSTM") else "baseline")
    for row, line in enumerate(list(LINES)[::-1]):
        kept = arms[f"{name}.{line}"]
        ax.plot(kept["each"], [row] * len(kept["each"]), "o", color=hue, markersize=9,
                alpha=0.75)
        ax.plot(kept["value"], row, "|", color="black", markersize=16)
    ax.axvline(50, color="black", linewidth=0.8)
    ax.set(xlim=(45, 102), xticks=(50, 75, 100), ylim=(-0.5, 3.5), yticks=range(4),
           yticklabels=list(LINES.values())[::-1], title=name)
axes[1].set_xlabel("right answers at 100 steps, in %: a dot a seed, the mean a bar")
show(fig, alt="Right answers at 100 steps, the mean over seeds. " + " ".join(
    f"{name}: " + ", ".join(f"{words} {arms[f'{name}.{line}']['value']:.0f} %"
                            for line, words in LINES.items()) + "." for name in SHOWN
))

# %% [markdown] slideshow={"slide_type": "notes"}
# 3 min. The control for the question that the gradient leaves open. Read each panel from the top: take away the noise, take away the cell's own voice, take away both. The identity RNN has no gate to shut, so it is at the mercy of both. The last panel needs no favour: its input gate keeps both out.

# %% [markdown]
# So that is why the identity start fails. Take away both, and it learns the hundred steps. Leave it either one, and it guesses or is hardly better: it has no gate to shut, so what comes in stays in.
#
# The LSTM with its forget gate open alone is in the same place. With its own voice it guesses in a quiet line too; without it some seeds learn, and in a quiet line most. And the LSTM with both gates set needs no favour: its input gate keeps out both, the noise and the cell itself.


# %% [markdown] slideshow={"slide_type": "slide"}
# ### Remembering is not learning to remember
#
# An RNN *can* hold a bit. Give a single unit a weight $u$ above 1 and it has two resting places, one above zero and one below; a pulse pushes it into one of them and there it stays.

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "-"}
latch = LstmGates("remember", recurrent=1.5).trace()
fig, (holds, learns) = plt.subplots(1, 2, figsize=(10, 3.4), layout="constrained")
steps = range(1, 25)
for ax in (holds, learns):
    ax.axvline(3, color="black", linewidth=0.8)
    ax.set(xlabel="step (the pulse comes at 3)", xlim=(1, 24),
           xticks=(1, 6, 12, 18, 24))
holds.plot(steps, latch.rnn, **style.method("baseline"))
holds.set(ylim=(-0.1, 1), ylabel="h", title="It holds the pulse ...")
for values, look, word, at in (
    (latch.rnn_left, style.method("baseline"), "RNN, u = 1.5", 9),
    (latch.left, style.cell("f"), "memory line, f = 1", 9),
):
    (line,) = learns.semilogy(steps, values, **look)
    style.label_line(learns, line, word, x=at, dx=6, dy=-16)
learns.set(ylim=(1e-10, 1e2), ylabel="left at step 24 of a nudge",
           title="... and swallows every nudge")
show(fig, alt=(
    "Two panels over 24 steps. Left: the state of an RNN with one unit and u = 1.5 "
    "jumps at the pulse in step 3 and stays near 0.85. Right, logarithmic: of a nudge "
    "at an early step next to nothing is left at the end in this RNN, a straight line "
    "that falls by many powers of ten; on a memory line with f = 1 all of it is left."
))

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Now the question from the explorer. A state that is safe from noise pulls every nudge back, and swallows the gradient too. Bengio, Simard and Frasconi, 1994.

# %% [markdown]
# It remembers well, and *because* it does, nothing of a nudge is left: a resting place pulls every nudge back. Bengio, Simard and Frasconi showed in 1994 that this is no accident. A state that is safe from noise swallows the gradient too. The memory line
# of the LSTM escapes because it has no resting place: it stays wherever you put it. The price is that it also stays wherever the noise puts it, and so it needs a gate at the door.
#
# Other cures exist, and you may meet them: orthogonal matrices and identity starts for RNNs, the GRU with one gate less, residual connections, which are memory lines through
# depth, and attention, which looks back directly and needs no line at all.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What does training find?
#
# Back to a single unit, so that we can look inside. The task is the explorer's: hold the value that stood at the mark, keep silent, and say it when the last mark asks. In training there are two marks that say "write here", and the later one counts.
#
# The cell is yours, and it starts with its forget gate open (bias 5) and its input gate shut (bias −5). What should each gate do at the write mark, between the marks, and at the read mark?

# %% [markdown] slideshow={"slide_type": "notes"}
# 1 min. They have drawn these gates by hand. Let them say the three jobs again before the figure.


# %%
def marked(n, generator, steps=24):
    """Sequences [n, steps, 2] of values and marks, and the value at the later mark."""
    values = 2 * torch.rand(n, steps, generator=generator) - 1
    at = torch.randint(0, steps // 2, (n, 2), generator=generator)  # the later counts
    marks = F.one_hot(at, steps).amax(1).float()
    marks[:, -1] = -1  # "read here"
    wanted = values.gather(1, at.amax(1, keepdim=True))[:, 0]
    return torch.stack([values, marks], dim=-1), wanted


def hold_and_say(theta, episode):
    x, wanted = episode
    h = c = x.new_zeros(len(x), 1)
    says, weights = [], parts(theta)
    for now in x.unbind(1):
        h, c = lstm_step(now, h, c, *weights)
        says.append(h[:, 0])
    silence = torch.stack(says[:-1]).square().mean()
    loss = F.mse_loss(says[-1], torch.tanh(wanted)) + 0.1 * silence
    found = torch.autograd.grad(loss, list(theta.values()))
    return dict(zip(theta, found, strict=True)), {"loss": loss.item()}


cell, draw = torch.nn.LSTMCell(2, 1), torch.Generator().manual_seed(2)
first = {name: torch.rand(p.shape, generator=draw) - 0.5
         for name, p in cell.named_parameters()}
first["bias_ih"][:2] = torch.tensor([-5.0, 5.0])
found = fit(hold_and_say, first, lambda draw: marked(64, draw), steps=600,
            generator=draw, lr=0.05, schedule="cosine", progress="one unit")

cell.load_state_dict(found.theta)
inside = LstmGates("distractors", computed=True, weights=LstmGates.weights_of(cell))

# %% [markdown] slideshow={"slide_type": "slide"}
# ### The trained gates

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "-"}
fig = plt.figure(figsize=(9, 5.6), layout="constrained")
inside.draw(fig)
show(fig, alt=(
    "Six rows over 24 steps, computed by the trained cell. The forget gate is open "
    "everywhere but at the write mark, where it closes. The input gate opens at the "
    "write mark and hardly elsewhere. The output gate is shut until the read mark. The "
    "memory c jumps close to the marked value and stays nearly level to the end, while "
    "the RNN follows the noise."
))

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. From top to bottom: at the write mark forget and write, then keep, at the read mark speak. It found what they drew by hand, though not from every start, and not from nothing: the biases were set, and silence was asked for.

# %% [markdown]
# It found what you have drawn: at the mark, forget what was there and write; then keep; at the end, speak. Three gates, three jobs. But not from nothing. Two biases were set beforehand, and the loss asks for silence. How much of it is due to those? Recorded over 16 seeds, each of the six jobs, with one of the
# two taken away:

# %% jupyter={"source_hidden": true}
unit = recorded("02", "unit")
ARMS = ("as in the lesson", "silence not asked for", "biases not set")
JOBS = {
    "input opens": "input gate\nopens at write",
    "input shut": "input gate\nshut between",
    "forget closes": "forget gate\ncloses at write",
    "forget open": "forget gate\nopen between",
    "output opens": "output gate\nopens at read",
    "output shut": "output gate\nshut before", "all six": "all six",
}
fig, ax = plt.subplots(figsize=(10, 3.0), layout="constrained")
counts = [[unit[f"{arm}.{job}"]["value"] for job in JOBS] for arm in ARMS]
ax.imshow(counts, cmap="Purples", vmin=0, vmax=24, aspect="auto")
for row, line in enumerate(counts):
    for column, count in enumerate(line):
        ax.text(column, row, count, ha="center", va="center", color="black",
                fontsize=13)
ax.set(xticks=range(len(JOBS)), xticklabels=JOBS.values(), yticks=range(len(ARMS)),
       yticklabels=ARMS, title="How many of 16 runs find each job of the gates")
ax.tick_params(length=0, labelsize=10)
ax.grid(visible=False)
words = {job: name.replace("\n", " ") for job, name in JOBS.items()}
show(fig, alt="Counts out of 16 runs. " + " ".join(
    f"{arm}: " + ", ".join(f"{words[job]} {unit[f'{arm}.{job}']['value']}"
                           for job in JOBS) + "." for arm in ARMS
))

# %% [markdown]
# Take the wish for silence out of the loss, and the output gate is never shut. Leave the biases as they are drawn, and no run finds all six. So nobody tells the gates what to do, but the start and the loss point the way. Change the seed 2 and look at one that misses.
#
# Now see it move: this hands the trained weights to the explorer above. Go up, choose *distractors* and *computed by the cell*, and turn its forget bias down.

# %%
explorer.weights = inside.weights

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What if only the memory line is left?
#
# Take the cell apart. Leave out the output gate and both tanhs, and let the candidate come from wherever you like:
#
# $${\color{#007CC2}{c_t}} \;=\; {\color{#C73F9E}{f_t}}\;{\color{#007CC2}{c_{t-1}}} \;+\; {\color{#A26B00}{i_t}}\;{\color{#008765}{g_t}}$$

# %% [markdown]
# Two facts come out of this one line. Written out, the memory at the end is a sum of all that was ever let in, each part times the forget gates that came after it. And the only way from the start to the end is through the forget gates:
#
# $$c_T \;=\; \Big(\prod_{s=1}^{T} f_s\Big)\,c_0 \;+\; \sum_{t=1}^{T} \Big(\prod_{s=t+1}^{T} f_s\Big)\, i_t\, g_t \qquad\qquad \frac{\partial c_T}{\partial c_0} \;=\; \prod_{s=1}^{T} f_s$$
#
# Both are checked here, with random gates, against the plain loop and against autograd.

# %%
left = yours("02.2", left, otherwise=find("02.2").solution)
draw = torch.Generator().manual_seed(20)
f, i = torch.rand(2, 30, generator=draw, dtype=torch.float64)
g = torch.randn(30, generator=draw, dtype=torch.float64)
c0 = torch.tensor(0.7, dtype=torch.float64, requires_grad=True)

c = c0
for t in range(30):
    c = f[t] * c + i[t] * g[t]
written_out = f.prod() * c0 + (left(f) * i * g).sum()
slope = torch.autograd.grad(c, c0)[0]
assert compare("The loop", c, "the sum written out", written_out, to=1e-12)
assert compare("d c_T / d c_0", slope, "the product of the forget gates", f.prod(),
               to=1e-12)

# %% [markdown] slideshow={"slide_type": "fragment"}
# Now think of another loop you know. It carries a state through many steps. It keeps all of it. At each step it adds a share of something that was just computed. The share has a name, *learning rate*. The thing that is added has a name too.

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Take the cell apart until one line is left. Then read the last paragraph slowly and wait. If somebody says it, do not confirm it: that is the next lecture.

# %% [markdown]
# Which gates turn this line into something you have called a thousand times? That is lesson 03.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What you learned
#
# - A recurrent network is one small network in a loop. Its state is whispered from step to step, and so is the gradient, the other way.
# - In an RNN a nudge meets $\mathrm{diag}(1-h^2)\,U$ at every step. The product vanishes or explodes. An RNN that remembers safely swallows its gradient.
# - In an LSTM the memory line multiplies by the forget gate and by nothing else. $c$ is what the cell knows, $h$ is what it says, and three gates decide what stays, what comes in, and what is shown. The gates read $h$: a second way for the gradient.
# - A long memory takes two things: to **keep** (forget gate open) and to **keep out** (input gate shut). Without the first no gradient arrives from 100 steps back. Without the second the memory is full before training begins, with noise and with the cell's own voice, and few seeds get out of that.
# - The letters LSTM are not enough: as PyTorch makes it, its gates stand half open. Set both biases for the length you need, and look at what is left *and* at the last tanh.
# - With only the memory line left, the cell is a sum of what was let in. You will meet it again at once.

# %% [markdown] slideshow={"slide_type": "notes"}
# 1 min. One sentence to take home: in a long line only a factor of 1 survives, and a line that keeps everything needs a door that shuts. The LSTM may learn both.

# %% [markdown]
# ## Quiz
#
# **1.** A forget gate stands at 0.99 at every step. After how many steps is half of the memory gone: 7, 50, 69 or 99?
#
# <details><summary>Answer</summary>
#
# 69, because $0.99^{69} = 0.5$. For a gate near 1 the rule of thumb is 0.7 divided by what is lost a step: $0.7 / 0.01 = 70$. (7 steps is the half-life of 0.9.)
#
# </details>
#
# **2.** Somebody squashes the memory too: $c_t = \tanh(f_t c_{t-1} + i_t g_t)$. "It keeps the numbers small." What does it cost?
#
# <details><summary>Answer</summary>
#
# The memory itself now shrinks, with $f = 1$ and nothing coming in: from 0.5 it falls to 0.22 in 24 steps. And the nudge passes the slope of the tanh at every step, $1 - c_t^2$, which is below 1 for every memory but zero: 8.7 % of it is left. (If something keeps the memory at 0.5, the factor is 0.75 at
# every step, and a thousandth is left.) The memory line has become an RNN.
#
# </details>
#
# **3.** You open the forget gate of an LSTM (bias 5), the detector says that half of a memory is left after 100 steps, and it still guesses on a task of 100 steps. What do you look at?
#
# <details><summary>Answer</summary>
#
# At what comes in. With a half-open input gate such a memory fills up with noise and with the cell's own constant: look at the size of $c$ and at the slope of its tanh after 100 steps, and shut the input gate (bias −5). Then at the order of the axes, whether sequences talk to each other (appendix). And does the same code
# learn the task at 5 steps? If so the code is right.
#
# </details>

# %% [markdown]
# ## References
#
# - Sepp Hochreiter and Jürgen Schmidhuber, [Long short-term memory](https://doi.org/10.1162/neco.1997.9.8.1735), 1997. The memory line, with an input and an output gate. The vanishing gradient is in Hochreiter's diploma thesis of 1991 (in German).
# - Yoshua Bengio, Patrice Simard, Paolo Frasconi, [Learning long-term dependencies with gradient descent is difficult](https://doi.org/10.1109/72.279181), 1994. Remembering against learning.
# - Felix Gers, Jürgen Schmidhuber, Fred Cummins, [Learning to forget](https://doi.org/10.1162/089976600300015015), 2000. The forget gate.
# - Rafal Jozefowicz, Wojciech Zaremba, Ilya Sutskever, [An empirical exploration of recurrent network architectures](https://proceedings.mlr.press/v37/jozefowicz15.html), 2015. The forget bias of 1.
# - Corentin Tallec and Yann Ollivier, [Can recurrent neural networks warp time?](https://arxiv.org/abs/1804.11188), 2018. Biases of both gates, set for the length of the memory.
# - Quoc Le, Navdeep Jaitly, Geoffrey Hinton, [A simple way to initialize recurrent networks of rectified linear units](https://arxiv.org/abs/1504.00941), 2015. The identity start, there with rectified units.
# - Christopher Olah, [Understanding LSTM networks](https://colah.github.io/posts/2015-08-Understanding-LSTMs/), 2015. Pictures of the gates.
#
# The words and the code of this lesson are our own.

# %% [markdown]
# ## Next
#
# [Gradient descent is an LSTM cell](03_gradient_descent_is_an_lstm_cell.ipynb): two plots, no names, and a guess.

# %% [markdown]
# ## Appendix: time along the wrong axis
#
# `torch.nn.LSTM` expects `[steps, batch, inputs]`, unless you say `batch_first=True`. If you forget it, nothing fails: the network reads along the *batch*, and each sequence hears what its neighbours whisper. The detector: change one
# sequence, and see whether another one's answer moves.


# %%
@torch.no_grad()
def sequences_talk(net, batch=4, steps=6):
    """How far the last answer moves when the first sequence of a batch is changed."""
    torch.manual_seed(0)
    x = torch.randn(batch, steps, net.input_size)
    changed = x.clone()
    changed[0] += 1
    return (net(x)[0][-1] - net(changed)[0][-1]).abs().max().item()


for batch_first in (True, False):
    torch.manual_seed(0)
    moved = sequences_talk(torch.nn.LSTM(2, 8, batch_first=batch_first))
    print(f"batch_first={batch_first!s:5} the last answer moves by up to {moved:.2g}")
