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
# # 20 In-context learning is a learned step
#
# The course began inside gradient descent and found an LSTM cell. It ends inside attention. There, too, somebody takes a step.
#
# **You will be able to**
#
# - write a layer of linear self-attention, and by hand the weights under which it *is* one step of gradient descent,
# - show that training finds this step, and that the trained layer fails where the step fails,
# - set a small transformer beside MAML on the same tasks, inside their family and outside,
# - name two things gradient descent has and a trained reader lacks, and detect one of them,
# - say what of this was measured for large language models, and what was not.
#
# **Prerequisites:** [lesson 03](03_gradient_descent_is_an_lstm_cell.ipynb) for steps that are hidden in networks,
# [lesson 06](06_maml_on_sinusoids.ipynb) for MAML and the sinusoids. For the last part
# [lesson 09](09_omniglot_maml.ipynb) and the heads of zeros in [lesson 14](14_how_many_steps.ipynb).
#
# **Time:** 35 minutes of reading, and 40 minutes for the exercises.
#
# **What it costs to run:** *smoke* takes under 60 s on two cores. *lecture* takes under 3 minutes on two cores.
# *paper* trains longer, on batches of 2048 tasks: that takes minutes on a GPU.

# %% [markdown] slideshow={"slide_type": "notes"}
# 1 min. Say the promise and wait. Ask who has used a language model today. Ask whether its weights changed while they did.

# %% tags=["parameters"]
PROFILE = "smoke"  # "smoke", "lecture" or "paper": the same cells, three budgets
SEEDS = [0]

# %% tags=["setup"]
from functools import partial

import matplotlib.pyplot as plt
import torch

from mlteach.checkpoint import load_checkpoint, params_from
from mlteach.exercises import check, find, yours
from mlteach.explore import AttentionStep, style
from mlteach.explore.figure import show
from mlteach.fit import fit
from mlteach.inner import adapt, sgd
from mlteach.measure import compare, record
from mlteach.measure.ledger import data_folder, recorded
from mlteach.metric import linear_logits, matching_logits
from mlteach.nets import MLP, Conv4, LinearAttention, PairTransformer
from mlteach.nets import cross_entropy, squared_error
from mlteach.nets.attention import as_tokens, earlier, gradient_weights, linear_layer
from mlteach.outer import in_context_gradient, maml_gradient
from mlteach.params import stack
from mlteach.tasks import Characters, LinearRegression, Sinusoids

torch.set_num_threads(1)  # tensors as small as ours are quicker on one thread
style.use()
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


def kept(name):
    """A study's figures, or a line that says how to measure them."""
    found = recorded("20", name)
    if not found:
        script = "omniglot" if name == "omniglot" else f"in_context {name}"
        print(f"Not recorded here. Measure it: python -m studies.lesson20_{script}")
    return found


def number(found, name):
    """Value and half width; nan and 0 where nothing is recorded."""
    each = found.get(name, {"value": float("nan"), "interval": 0})
    return each["value"], each["interval"] or 0


# %% [markdown]
# ## Where does it keep what it learns?
#
# A task comes as a support set: pairs $(x_j, y_j)$. A question $x$ follows. MAML answers by changing its weights: it takes a few steps
# from $\theta$ to $\phi$, and $\phi$ answers. Now take a network whose weights never change at test. It reads the pairs and the question in one
# pass and answers. The support set is called its *context*, and what it does is called **in-context learning**.
#
# Where does it keep what it learns about the task? In its activations. There is no other place.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Two places to learn in
#
# | | MAML | in context |
# |---|---|---|
# | it gets | pairs $(x_j, y_j)$ and a question | the same |
# | what changes | the weights, $\theta \to \phi$ | nothing but activations |
# | what was trained | a start | how to read |
# | outer loop | gradient of the query loss | the same |
#
# The outer loop is the same. Are the inner ones so different?

# %% [markdown] slideshow={"slide_type": "notes"}
# 1 min. The last row of the table is the point: both are trained on tasks, by the query loss. Only what happens between support and query differs. The next picture puts it to the test for the smallest case there is.

# %% [markdown]
# Here is the smallest case: six points, one weight $w$, and a line through zero. On the left one question looks at the points. On the right is the
# loss as a function of $w$, and the steps of gradient descent from $w = 0$. Drag a point or the question. Both sides compute the
# prediction, each in its own way. Compare the two numbers.

# %% tags=["opening"] slideshow={"slide_type": "slide"}
step = AttentionStep(question=1.5)
step

# %% [markdown] slideshow={"slide_type": "notes"}
# 3 min. Drag one point far up and let them watch both numbers. Move the question: the lines of sight change, the right side does not. Then two layers, three layers. Do not explain why yet.

# %%
step.layers = 3
print(step.summary)

# %% [markdown]
# A number you can pull: the explorer has <span data-moves="AttentionStep.layers">3</span> layers now, and its rate is
# <span data-moves="AttentionStep.rate">0.5</span>. With more layers it moves on towards the best line. Why do the two numbers agree?
#
# ## A layer that reads pairs
#
# A *token* is a pair written as one row, $e_j = (x_j, y_j)$. The question is a token without its answer: $e = (x, 0)$. A layer of **linear
# self-attention** adds to every token what the context has to say to it:
#
# $$e \;\leftarrow\; e \;+\; P\;\frac1N\sum_{j=1}^{N} \underbrace{V e_j}_{\text{what } j \text{ says}}\;\underbrace{(K e_j \cdot Q e)}_{\text{how much it counts}}$$
#
# Aloud: *the question asks with $Q$, each pair answers to a key $K$, and says its value $V$; $P$ writes the mean into the token.* In a language
# model a softmax makes the weights positive with sum one. Here there is none. The weight is a plain product, and it may be negative.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Attention without a softmax
#
# Tokens $e_j = (x_j, y_j)$, the question $e = (x, 0)$.
#
# $$e \;\leftarrow\; e \;+\; P\;\frac1N\sum_{j=1}^{N} V e_j\;(K e_j \cdot Q e)$$
#
# - $Q$ asks, $K$ answers to it: how much does pair $j$ count?
# - $V$: what pair $j$ says. $P$: what is written into the token.
# - Keys and values come from the $N$ pairs only. The pairs look at each other too.

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Four matrices, one line. Write a token on the board as a column of x and y. Ask what kind of thing K e_j times Q e is. (A number: how much pair j counts for this token.)

# %% [markdown]
# **Your turn.** Write the layer. `tokens` is [..., n, width]: the first `context` tokens are the pairs, the others are questions. All of them look
# at the pairs.
#
# <details><summary>Hint 1</summary>Three products: how much each pair counts for each token, the values summed with these weights, and P. Then add.</details>
# <details><summary>Hint 2</summary>Tokens are rows, so <code>Q e</code> is <code>tokens @ Q.T</code>. With <code>seen = tokens[..., :context, :]</code> the weights are <code>(tokens @ Q.T) @ (seen @ K.T).mT / context</code>, of shape [..., n, context].</details>
# <details><summary>Hint 3</summary><code>tokens + weights @ (seen @ V.T) @ P.T</code></details>

# %% tags=["exercise"]
def attend(tokens, context, Q, K, V, P):
    """One layer of linear self-attention: each token plus what the pairs say to it."""
    ### BEGIN SOLUTION
    seen = tokens[..., :context, :]
    weights = (tokens @ Q.T) @ (seen @ K.T).mT / context
    return tokens + weights @ (seen @ V.T) @ P.T
    ### END SOLUTION


# %%
check("20.1", attend)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Where is the gradient in it?
#
# One step on $L(w) = \frac{1}{2N}\sum_j (w\cdot x_j - y_j)^2$ from $w_0$, and then the question $x$:
#
# $$w_1\cdot x \;=\; w_0\cdot x \;-\; {\color{#A26B00}{\alpha}}\;\frac1N\sum_j {\color{#008765}{(w_0\cdot x_j - y_j)}}\;{\color{#007CC2}{(x_j\cdot x)}}$$
#
# | | in the step | in the layer |
# |---|---|---|
# | rate | $\alpha$ | $P$ |
# | residual | $w_0\cdot x_j - y_j$ | $V e_j$ |
# | comparison | $x_j\cdot x$ | $K e_j\cdot Q e$ |

# %% [markdown] slideshow={"slide_type": "notes"}
# 3 min. This is the lecture. Write the step on the board, multiply by x from the right, and wait. Three factors, three places. The gradient of a linear model is a sum over pairs of residual times input; asked at x, the input becomes a comparison.

# %% [markdown]
# The gradient of a linear model is a sum over pairs: residual times input, $(w_0\cdot x_j - y_j)\,x_j$. It is only ever asked at a question $x$, and
# then the input turns into a *comparison*, $x_j\cdot x$. So the step has three factors, and attention has a place for each:
#
# - **comparison**: $Q = K$ pick the $x$ of a token and drop its last slot,
# - **residual**: $V = \begin{pmatrix} 0 & 0\\ w_0 & -1\end{pmatrix}$ makes $w_0\cdot x_j - y_j$ out of $(x_j, y_j)$ and puts it into the last slot,
# - **rate**: $P = \alpha\,I$.
#
# The question's last slot begins at $-w_0\cdot x$. After the layer it holds $-w_1\cdot x$: *minus* the prediction. That is the construction of
# [von Oswald et al.](https://arxiv.org/abs/2212.07677), proposition 1.
#
# **Your turn.** Write the four matrices for $w_0 = 0$ and inputs of `size` numbers, so that a token has `size + 1`.
#
# <details><summary>Hint 1</summary>Q and K: the identity, with a 0 at the end. What does V have to make of (x, y), if w0 is zero?</details>
# <details><summary>Hint 2</summary>V is zero but for its last entry. The residual is w0 . x - y, so that entry is -1.</details>
# <details><summary>Hint 3</summary><code>compare = torch.eye(size + 1); compare[-1, -1] = 0</code> for Q and K, <code>V = torch.zeros(size + 1, size + 1); V[-1, -1] = -1</code>, <code>P = rate * torch.eye(size + 1)</code>, all with <code>dtype=torch.float64</code>.</details>

# %% tags=["exercise"]
def step_weights(size, rate):
    """Q, K, V, P [size + 1, size + 1] of a layer that is one step from w = 0."""
    ### BEGIN SOLUTION
    compare = torch.eye(size + 1, dtype=torch.float64)
    compare[-1, -1] = 0
    V = torch.zeros(size + 1, size + 1, dtype=torch.float64)
    V[-1, -1] = -1
    return compare, compare, V, rate * torch.eye(size + 1, dtype=torch.float64)
    ### END SOLUTION


# %%
check("20.2", step_weights)

# %% [markdown] slideshow={"slide_type": "slide"}
# **Predict.** The pairs look at each other as well. After the layer, what stands in the last slot of a *pair*, where $y_j$ was?
#
# - ( ) still $y_j$
# - ( ) what is left of it: $y_j - w_1\cdot x_j$
# - ( ) minus the prediction, $-w_1\cdot x_j$
#
# <details><summary>After you have guessed</summary>
#
# what is left of it: $y_j - w_1\cdot x_j$. A pair begins at $y_j$ where a question begins at 0, and both have $w_1\cdot x$ taken off. So the layer leaves
# the new residuals behind, in the very slots where the next layer reads them. Put the same layer on top of it, and you have the second step.
#
# </details>

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Let them vote. The second answer is why depth is steps: the layer leaves the data of the next step in place. Nobody had to arrange that.

# %% [markdown]
# Now with your layer and your matrices, in double precision, beside the course's own inner loop, `adapt`. Ten inputs, twenty pairs, five tasks:

# %% slideshow={"slide_type": "slide"}
layer_of = yours("20.1", attend, otherwise=find("20.1").solution)
weights_of = yours("20.2", step_weights, otherwise=find("20.2").solution)
family, RATE = LinearRegression(size=10, noise=0.25), 0.5
draw = torch.Generator().manual_seed(0)
x, y, asked, _ = family.sample(5, 20, 7, generator=draw, dtype=torch.float64)


def half_error(params):
    return (x @ params["w"].unsqueeze(-1) - y).square().sum((1, 2)) / (2 * 20)


zeros = {"w": torch.zeros(5, 10, dtype=torch.float64)}
path = [phi["w"].unsqueeze(-1)
        for phi in adapt(half_error, zeros, sgd(RATE), 10, path=True)]

states = [as_tokens(x, y, asked)]
for _ in range(10):
    states.append(layer_of(states[-1], 20, *weights_of(10, RATE)))

compare("one layer", -states[1][:, 20:, -1:], "one step", asked @ path[1], to=1e-12)
compare("the pairs' slots", states[1][:, :20, -1:], "residuals", y - x @ path[1],
        to=1e-12)
compare("ten layers", -states[10][:, 20:, -1:], "ten steps", asked @ path[10],
        to=1e-12)

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Read the three lines. Equal to rounding, not close. In lesson 03 one step was one LSTM cell; here one step is one layer. The weights of the regression appear nowhere in the network: w lives in the residuals.

# %% [markdown]
# The layer never forms $w$. It carries the residuals instead, and they say the same. More facts, each a line: any start $w_0$; layers with a rate
# of their own each, as steps can have; GD++, a layer that
# bends the inputs too, $x \leftarrow x - \gamma\,\frac1N\sum_j x_j (x_j\cdot x)$, which is what
# the paper finds in deeper trained networks, and whose last $\gamma$ never matters, for no layer reads what it bends; a causal mask, as language models have it, under which every pair has looked at those before it and so *every
# prefix* has taken its own step; and that only the products $Q^\top K$ and $PV$ count, so that a trained layer need not look like ours.

# %%
start = torch.randn(10, generator=draw, dtype=torch.float64)
moved = linear_layer(gradient_weights(10, RATE, start=start),
                     as_tokens(x, y, asked, start), 20)
begun = adapt(half_error, stack({"w": start}, 5), sgd(RATE), 1)["w"].unsqueeze(-1)
compare("one layer from any start", -moved[:, 20:, -1:], "one step", asked @ begun,
        to=1e-12)

deep = LinearAttention(10, layers=2)
unequal = deep(deep.descent([0.3, 0.8]), x, y, asked)
w = zeros
for rate in (0.3, 0.8):
    w = adapt(half_error, w, sgd(rate), 1)
compare("two layers, unequal rates", unequal, "two such steps",
        asked @ w["w"].unsqueeze(-1), to=1e-12)

bent = deep(deep.descent([0.3, 0.5], curvatures=[0.2, 0.4]), x, y, asked)
compare("the last bend at 0.4", bent, "at 0",
        deep(deep.descent([0.3, 0.5], curvatures=[0.2, 0]), x, y, asked), to=1e-12)
gram, pull = x.mT @ x / 20, x.mT @ y / 20
rest, x_bent, asked_bent = (a - b * a_pull for a, b, a_pull in (
    (y, 0.3, x @ pull), (x, 0.2, x @ gram), (asked, 0.2, asked @ gram)))
by_hand = 0.3 * asked @ pull + 0.5 * asked_bent @ (x_bent.mT @ rest / 20)
compare("two layers of GD++", bent, "the same by hand", by_hand, to=1e-12)

prefixes = linear_layer(gradient_weights(10, RATE), as_tokens(x, y, x[:, :0]), 20,
                        mask=earlier(20))
told = torch.stack([RATE * (x[:, n, None] @ x[:, :n].mT @ y[:, :n] / n)[:, 0]
                    for n in range(1, 20)], 1)
compare("a causal layer", (y - prefixes[..., -1:])[:, 1:], "one step on each prefix",
        told, to=1e-12)

Q, K, V, P = weights_of(10, RATE)
A = torch.randn(11, 11, generator=draw, dtype=torch.float64)
other = layer_of(states[0], 20, A @ Q, torch.linalg.inv(A).T @ K, A @ V,
                 P @ torch.linalg.inv(A))
compare("quite other matrices", other, "the same products", states[1], to=1e-9)

# %% [markdown]
# ## From random weights
#
# Weights written by hand prove that a layer *can* take a step. Would it, if nobody told it? Take random matrices and train them as you train
# anything in this course: draw tasks, take the query loss, follow its gradient. Nobody mentions a step.
#
# What is there to reach? For tasks with $x$ and $w$ normal, $d$ inputs, $N$ pairs and noise of variance $\sigma^2$ the best single step from zero can be
# computed. Its rate is $\alpha^* = N / (N + d + 1 + \sigma^2)$ and its expected squared error is $d\,(1 - \alpha^*)$. Beside it stands the best that *anything* can do with these pairs, ridge
# regression with $\lambda = \sigma^2$.

# %%
best = family.best_rate(shots=20)
print(f"best rate {best:.2f}, error after one step {family.step_loss(best, 20):.2f}; "
      f"no step at all: {family.step_loss(0, 20):.0f}")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Does training find it?
#
# Random matrices, tasks of ten inputs and twenty pairs, the query loss, Adam. Nobody mentions a step.
#
# **Predict.** Where does one layer of linear attention end?
#
# - ( ) above one gradient step: it has 484 numbers to learn and no hint
# - ( ) at one gradient step, at the best rate
# - ( ) between one step and ridge regression: it can learn something better than a step
# - ( ) at ridge regression, the best there is
#
# <details><summary>After you have guessed</summary>
#
# at one gradient step, at the best rate. One layer can compute nothing better on such tasks: for them
# [Mahankali, Hashimoto and Ma](https://arxiv.org/abs/2307.03576) prove that a step of gradient descent is the best one layer of linear attention can do, and
# [Zhang, Frei and Bartlett](https://arxiv.org/abs/2306.09927) that training by gradient flow gets there from a suitable start.
#
# </details>

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Vote by hands, and ask the third group what the layer might do better. 484 is four matrices of 11 times 11. Then the figure.

# %%
STEPS, BATCH = {"smoke": (500, 128), "lecture": (800, 128),
                "paper": (5000, 2048)}[PROFILE]
test = family.sample(2000, 20, 10, generator=torch.Generator().manual_seed(99))
test = test.to(device=DEVICE)


def error_of(theta):
    return squared_error(one_layer(theta, *test.seen), test.query_y).mean().item()


def one_layer(theta, x, y, questions):
    """Your layer as a network: pairs and questions in, predictions out."""
    tokens = layer_of(as_tokens(x, y, questions), x.shape[-2],
                      *(theta[name] for name in "QKVP"))
    return -tokens[..., x.shape[-2]:, -1:]


def trained_layer(seed):
    generator = torch.Generator().manual_seed(100 + seed)
    theta = {name: 0.3 * torch.randn(11, 11, generator=generator).to(DEVICE)
             for name in "QKVP"}
    return fit(
        partial(in_context_gradient, one_layer, squared_error, cap=50.0), theta,
        lambda g: family.sample(BATCH, 20, 10, generator=g).to(device=DEVICE),
        steps=STEPS, generator=torch.Generator().manual_seed(seed), lr=1e-2,
        schedule="cosine", clip=10.0, progress="one layer", validate=error_of,
        every_validation=20, better="lower")


runs = [trained_layer(seed) for seed in SEEDS]
net = LinearAttention(10)
cpu = test.to(device="cpu")
step_error = squared_error(net(net.descent([best], dtype=torch.float32), *cpu.seen),
                           cpu.query_y).mean().item()
ridge_error = squared_error(family.ridge(cpu), cpu.query_y).mean().item()
at, errors = runs[0].validation.values()
ended = error_of(runs[0].theta)
record("live.one layer", ended / step_error, unit="times the best step",
       seeds=SEEDS[:1], seconds=runs[0].seconds, device=runs[0].device,
       note=f"{STEPS} steps")
print("within 2 % of the best step:", ended < 1.02 * step_error)

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "slide"}
theta = {name: value.double().cpu() for name, value in runs[0].theta.items()}
product = -(theta["P"] @ theta["V"])[-1, -1] * (theta["Q"].T @ theta["K"])[:-1, :-1]
fig, axes = plt.subplots(1, 2, figsize=(11, 3.8), width_ratios=[2.1, 1])
ax = axes[0]
ax.plot(at, errors, **style.method("metric") | {"marker": ""})
ax.axhline(step_error, **style.method("baseline"))
ax.axhline(ridge_error, **style.method("truth"))
for level, said, hue, over in ((step_error, "one step, best rate", "baseline", -16),
                               (ridge_error, "ridge regression", "truth", 5)):
    ax.annotate(said, (at[-1], level), xytext=(0, over), ha="right",
                textcoords="offset points", color=style.ink(style.color(hue)))
half = next(k for k, each in enumerate(errors) if each < 6)
ax.annotate("one trained layer", (at[half], errors[half]), xytext=(10, 6),
            textcoords="offset points", color=style.ink(style.color("metric")))
ax.set(xlabel="training step", ylabel="squared error", ylim=(0, 1.1 * errors[0]),
       title="It goes down to one step, and stays there")
image = axes[1].imshow(product, cmap="PuOr", vmin=-1, vmax=1)
axes[1].set(title="What it learned", xticks=[], yticks=[],
            xlabel="x of the pair", ylabel="x of the question")
fig.colorbar(image, ax=axes[1], shrink=0.8)
show(fig, alt="Left: the error of one layer over training falls from about ten to the "
     "line of one gradient step at the best rate and stays on it, far above ridge "
     "regression. Right: its learned ten by ten product is a diagonal of equal values, "
     "all else near zero.")

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. The left: it lands on the grey line and stays. The right: the product of its matrices, which nobody told to be an identity. Ask what the value on the diagonal is. (The rate.)

# %% [markdown]
# Its matrices look like nothing. Their product is a multiple of the identity: it compares inputs, as the step does. The number on the diagonal is the rate.
#
# Is it *the* step, or does it only come out at the same error? The control: train on contexts of other lengths. Then the best rate is another one, $\alpha^* = N/(N+d+1+\sigma^2)$, and the
# layer must follow.

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "slide"}
one = kept("one")
fig, ax = plt.subplots(figsize=(8, 3.8))
lengths = torch.linspace(2, 100, 200)
ax.plot(lengths, lengths / (lengths + 11.25), **style.method("baseline"))
ax.annotate("best rate, closed form", (60, 60 / 71.25), xytext=(0, 10), ha="center",
            textcoords="offset points", color=style.ink(style.color("baseline")))
for n in (5, 20, 80):
    value, half = number(one, f"{n}.rate")
    ax.errorbar(n, value, yerr=half, fmt="o", capsize=5, color=style.color("metric"),
                markersize=8)
    ax.annotate("learned" if n == 20 else "", (n, value), xytext=(10, -14),
                textcoords="offset points", color=style.ink(style.color("metric")))
ax.set(xlabel="pairs in the context, in training", ylabel="rate α", ylim=(0, 1),
       title="The learned rate is the best rate")
show(fig, alt="The learned rates for contexts of 5, 20 and 80 pairs, three seeds each, "
     "lie on the curve of the best rate, which rises from a third to nine tenths.")

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Three trainings at three lengths of context, three seeds each; the intervals are as small as the dots. The curve is not fitted: it is the formula from before.

# %%
if one:
    for n in (5, 20, 80):
        error, step_is = number(one, f"{n}.error")[0], number(one, f"{n}.step")[0]
        print(f"{n:2} pairs: error {error:.2f}, one step at best {step_is:.2f}, ridge "
              f" {number(one, f'{n}.ridge')[0]:.2f}; "
              f"cosine with the identity {number(one, f'{n}.cosine')[0]:.3f}")
    within = number(one, "20.within")[0]
    print(f"within 2 % of the step after {within:.0f} training steps "
          "(20 pairs, mean of three seeds)")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Does it share the failures?
#
# A rate that is best for one kind of task is wrong for another. The layer was trained with inputs of size one and 20 pairs.
#
# **Predict.** At test all inputs are twice as large; the relation $y = w\cdot x$ stays. What does the layer do?
#
# - ( ) It does as well as before: it has learned to regress.
# - ( ) Its error is worse than if it had said 0 every time.
# - ( ) It does somewhat worse, by the factor four that larger targets bring.
#
# <details><summary>After you have guessed</summary>
#
# Its error is worse than if it had said 0 every time. The curvature is four times what it was, so a rate of .64 is beyond 2 over the curvature, and the step
# overshoots. The layer does the same, to the digit. It has learned a step, and it has the step's weakness. Ridge regression does not notice.
#
# </details>

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Let them argue with the parabola from the explorer. If time allows, pull the slider for larger inputs there first and then show the figure.

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "slide"}
fig, axes = plt.subplots(1, 2, figsize=(11, 3.8))
for ax, kind, values, label, title in (
        (axes[0], "scale", ("0.5", "1", "1.5", "2"), "inputs times", "Larger inputs"),
        (axes[1], "context", ("5", "10", "20", "40", "80"), "pairs in the context",
         "Other lengths of context")):
    at = [float(value) for value in values]
    step_look = style.method("baseline")
    for arm, look, said in (("fixed", step_look, "one step, the same rate"),
                            ("best", step_look | {"linestyle": ":"},
                             "one step, best rate for these"),
                            ("ridge", style.method("truth"), "ridge regression")):
        ax.plot(at, [number(one, f"{kind}.{v}.{arm}")[0] for v in values], label=said,
                **look)
    means, halves = zip(*(number(one, f"{kind}.{v}.layer") for v in values))
    ax.errorbar(at, means, yerr=halves, fmt="o", color=style.color("metric"),
                markersize=8, capsize=4, label="trained layer")
    ax.set(yscale="log", xlabel=label, title=title)
axes[1].set(xscale="log", xticks=at, xticklabels=values)
axes[1].minorticks_off()
axes[0].set_ylabel("squared error")
axes[0].legend(frameon=False, fontsize=11)
show(fig, alt="Two panels of errors on a logarithmic axis. Left, over the size of the "
     "inputs, right, over the length of the context: the dots of the trained layer lie "
     "on the line of one gradient step at the rate of training, up to errors in the "
     "hundreds for inputs twice as large, while ridge regression stays low.")

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Orange dots on the grey line, everywhere, also where the grey line is a disaster. That is stronger than equal errors in one place: the same function. Ask what the dotted line has that the layer lacks. (It was told the new scale.)

# %% [markdown]
# The slider does it on six points: at inputs times <span data-moves="AttentionStep.scale">1</span> the steps land; pull it up and they
# overshoot. So "it has learned to learn" needs a second half: *on such tasks*. A rate is knowledge about a family of tasks, and it was learned from
# one.
#
# ## What do more layers buy?
#
# Two layers could be two steps. Could they be something better?

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "slide"}
deeper = kept("deeper")
rows = [("one trained layer", number(one, "20.error"), "metric")]
rows += [(f"{n} steps, tuned rates", number(deeper, f"gd.{n}"), "baseline")
         for n in (2, 3, 4)]
rows += [(f"{n} steps of GD++, tuned", number(deeper, f"gd++.{n}"), "baseline")
         for n in (2, 3, 4)]
rows += [("2 layers, random start", number(deeper, "random.2"), "metric")]
rows += [(f"{n} layers, from the written step", number(deeper, f"written.{n}"),
          "metric") for n in (2, 3, 4)]
fig, ax = plt.subplots(figsize=(9, 4.6))
for place, (_, (value, half), hue) in enumerate(reversed(rows)):
    ax.errorbar(value, place, xerr=[[min(half, 0.6 * value)], [half]], fmt="o",
                color=style.color(hue), markersize=8, capsize=4)
ax.axvline(number(deeper, "ridge")[0], **style.method("truth"))
ax.annotate("ridge", (number(deeper, "ridge")[0], len(rows) - 1), xytext=(6, 0),
            textcoords="offset points", va="center")
ax.set(xscale="log", xlabel="squared error on 20,000 tasks", yticks=range(len(rows)),
       yticklabels=[said for said, _, _ in reversed(rows)],
       title="More layers: better than tuned steps, near ridge")
ax.set_xticks([0.25, 0.5, 1, 2, 4], ["0.25", "0.5", "1", "2", "4"])
ax.minorticks_off()
show(fig, alt="Dots with intervals over three seeds on a logarithmic axis. From the "
     "construction two, three and four trained layers lie below as many tuned steps of "
     "gradient descent and of GD++, and four reach the line of ridge regression. "
     "Two layers from random weights come less far than from the construction.")

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. All started with the same number of layers as steps. From the written start, training goes on beyond the step it was given. From random weights two layers come less far: a good start is part of the result, and it is said on the axis.

# %% [markdown]
# From the construction with a little noise, training goes on where gradient descent has to stop. Two of its layers are better than two tuned steps of gradient descent or
# of GD++, and four come within a few percent of ridge regression. *What* they compute is not read off here; the paper finds layers close to GD++.
#
# The written start is part of that result: from random weights two layers come less far, though they train longer (2000 steps, not 1200). And the more
# layers, the harder they fail outside: $L$ layers are a polynomial of degree $3^L$ in what they read.

# %%
for layers in (2, 4) if deeper else ():
    median, worst, twice = (number(deeper, f"written.{layers}.{what}")[0]
                            for what in ("median", "worst", "twice"))
    print(f"{layers} layers: median {median:.2f}, worst of 20,000 tasks {worst:.3g}, "
          f"inputs times 2: {twice:.0e}")

# %% [markdown]
# ## All that was left out
#
# Now everything that was left out: a softmax, four heads, layers between, and a loss on every prefix at once. `PairTransformer` has some 110,000 parameters.
# It reads up to 39 points of a sinusoid, question $i$ sees the first $i$ points and nobody else's answer, and it is trained on
# [lesson 06](06_maml_on_sinusoids.ipynb)'s tasks, with the query loss. MAML is that lesson's recorded start, a network of 1761 parameters.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A transformer beside MAML
#
# | | MAML (lesson 06) | transformer |
# |---|---|---|
# | parameters | 1761 | about 110,000 |
# | trained on | sinusoids, amplitude .1 to 5, phase 0 to π | the same |
# | at test | 1, 5 or 10 steps on the points | one pass over the points, no step |
# | knows about gradient descent | all | nothing |

# %% [markdown] slideshow={"slide_type": "notes"}
# 1 min. Same tasks, same loss. The transformer is sixty times as large, and it never takes a step. Say that it trained for less than a minute of one core.

# %%
judged = kept("judge")
transformer = PairTransformer(48)
stored_in = data_folder() / "checkpoints"
stored = load_checkpoint(stored_in / "20-transformer.safetensors")
like = transformer.init(torch.Generator())
reader = {name: value.float() for name, value in params_from(stored, {
    each: value.half() for each, value in like.items()}).items()}
trained = kept("sinusoids")
print(sum(value.numel() for value in reader.values()), "parameters, kept as float16;",
      f"trained for {number(trained, 'finn.seconds')[0]:.0f} s of one core")
passed = [step for step in range(50, 801, 50) if number(
    trained, f"finn.curve.{step}.error")[0] < number(judged, "maml0.finn.10.10")[0]]
if passed:
    seconds = number(trained, f"finn.curve.{passed[0]}.seconds")[0]
    print(f"at 8 to 12 points below MAML's ten steps after {seconds:.0f} s")

# %% [markdown] slideshow={"slide_type": "slide"}
# **Predict.** Trained on phases from 0 to π, both now meet waves with phases from π to 2π: the same waves upside down. With 39 points to look at, who is closer?
#
# - ( ) The transformer: 39 points leave nothing to guess.
# - ( ) MAML: its ten steps follow the points, whatever wave they are from.
# - ( ) Neither: both are as bad as without any point.
#
# <details><summary>After you have guessed</summary>
#
# MAML: its ten steps follow the points, whatever wave they are from. A step descends on *this* task's loss, even where the start is a bad one. The transformer has learned to
# recognize waves of one family. Nothing in it descends on anything.
#
# </details>

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Remind them: inside the family first, left panel. Most groups vote for the transformer here, because it is the modern thing and has all the points.

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "slide"}
AT = (1, 2, 3, 5, 7, 10, 15, 20, 30, 39)
LOOKS = (("finn", "transformer", style.method("metric")),
         ("wide", "trained on wider family",
          style.method("metric") | {"linestyle": ":", "marker": "s"}))


def draw_family(ax, shift, title):
    for arm, said, look in LOOKS:
        each = [number(judged, f"{arm}.{shift}.{n}") for n in AT]
        ax.errorbar(AT, [v for v, _ in each], yerr=[min(h, 0.8 * v) for v, h in each],
                    capsize=3, label=said, **look)
    for start, steps, look, said in (
            (0, 1, {"linestyle": ":"}, "MAML, 1 step"), (0, 10, {}, "MAML, 10 steps"),
            (1, 10, {"linewidth": 1}, "MAML, 10 steps, two other starts"),
            (2, 10, {"linewidth": 1}, None)):
        name = f"maml{start}.{shift}.{{}}.{steps}"
        at = [n for n in AT if name.format(n) in judged]
        ax.plot(at, [number(judged, name.format(n))[0] for n in at], label=said,
                **style.method("maml") | look)
    ax.set(yscale="log", xlabel="points seen", title=title)


fig, axes = plt.subplots(1, 3, figsize=(13, 4.2), sharey=True)
draw_family(axes[0], "finn", "The family of training")
axes[0].axhline(number(judged, "zero-shot")[0], **style.method("baseline"))
draw_family(axes[1], "phase", "Phases π to 2π")
draw_family(axes[2], "amplitude", "Amplitudes 5 to 10")
axes[0].set_ylabel("squared error")
axes[2].legend(frameon=False, fontsize=10, loc="lower left")
show(fig, alt="Three panels of error over the number of points seen, logarithmic. In "
     "the family of training the transformer falls below MAML's ten steps. With phases "
     "or amplitudes outside of it the transformer falls little with more points, "
     "and MAML's ten steps fall below it. A transformer trained on a family "
     "that holds both shifts stays low in all three panels.")

# %% [markdown] slideshow={"slide_type": "notes"}
# 3 min. The picture of the lesson. Left: orange falls below blue. Middle and right: orange stays above blue, the more points the further. Then the dotted orange line: the same network, the same steps, trained on the wide family. So it is the family, and nothing else, that the first one lacks.

# %%
if judged:
    for shift in ("finn", "phase", "amplitude"):
        errors = {said: number(judged, f"{arm}.{shift}.39{steps}")[0]
                  for said, arm, steps in (("transformer", "finn", ""),
                                           ("the wide one", "wide", ""),
                                           ("MAML's ten steps", "maml0", ".10"))}
        median = number(judged, f"finn.{shift}.39.median")[0]
        print(f"{shift:10} 39 points:",
              ", ".join(f"{said} {error:.2g}" for said, error in errors.items()),
              f"(the transformer's median {median:.2g})")

# %% [markdown]
# Inside the family one pass is better than ten steps. Outside it is worse, and more points help it little: half of the waves with other phases it answers well, as
# the median says, and the mean is ruled by the rest. The dotted orange line is
# the control. The same network, the same number of steps, trained on amplitudes from .1 to 10 and all phases: now both shifts lie inside, and it is better than MAML there. (It pays on the old family: the same steps had to do for more.) What was missing outside was neither size
# nor softmax. It was the family. MAML pays less: its step descends on whatever it is given. It may run away, though: ten steps at a rate for small waves are too
# long for some large ones, and where a line is missing the mean has blown up. (The thin line is a second recorded start.)
#
# See it on one task, inside and outside:

# %% jupyter={"source_hidden": true}
mlp = MLP((1, 40, 40, 1))
maml = params_from(load_checkpoint(stored_in / "06-maml.safetensors"),
                   mlp.init(torch.Generator()))
grid = torch.linspace(-5, 5, 200).view(1, -1, 1)
fig, axes = plt.subplots(1, 2, figsize=(11, 3.6), sharey=True)
for ax, phase, title in ((axes[0], 1.0, "Inside: phase 1"),
                         (axes[1], 4.5, "Outside: phase 4.5")):
    wave = Sinusoids(amplitude=(3.0, 3.0), phase=(phase, phase))
    seen = wave.sample(1, 10, 1, generator=torch.Generator().manual_seed(8))
    truth = 3 * torch.sin(grid - phase)
    with torch.no_grad():
        read = transformer(reader, *seen[:2], grid, "last")
        phi = adapt(lambda p, seen=seen: squared_error(mlp(p, seen[0]), seen[1]),
                    stack(maml, 1), sgd(0.01), 10)
        stepped = mlp(phi, grid)
    for curve, said, look in ((truth, "truth", style.method("truth")),
                              (stepped, "MAML, 10 steps", style.method("maml")),
                              (read, "transformer", style.method("metric"))):
        ax.plot(grid.flatten(), curve.flatten(), label=said, **look | {"marker": ""})
    ax.plot(seen[0].flatten(), seen[1].flatten(), "o", color="black", markersize=6)
    ax.set(xlabel="x", title=title)
axes[0].set_ylabel("y")
axes[0].legend(frameon=False, fontsize=11)
show(fig, alt="Two panels with a wave, ten points on it, and two answers. Inside the "
     "family both answers follow the wave. Outside, the answers miss it, "
     "the transformer's by more.")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Does the order matter?
#
# A support set is a set. Gradient descent sums over it, so its order is nothing. A causal transformer reads it from left to right.
#
# **Predict.** Take ten points inside the family and shuffle them. How far does the transformer's answer move?
#
# - ( ) Not at all: it has learned that order means nothing.
# - ( ) A little, a tenth of its error or less.
# - ( ) About half as far as it is wrong.
#
# <details><summary>After you have guessed</summary>
#
# About half as far as it is wrong. A good part of what it gets wrong with one order it gets wrong another way with another. That also says how to
# mend it, at a price: ask in twenty orders and take the mean.
#
# </details>

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. The vote is usually for the second. Remind them of the 120 label orders of lesson 14: the same question, and the same one-line cure.

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "slide"}
told = {"order.maml": "MAML's answer moves", "order.moves": "its answer moves",
        "order.error": "its error", "order.vote": "error, mean of 20 orders",
        "order.open": "error, no causal mask"}
fig, ax = plt.subplots(figsize=(9, 3.6))
for place, key in enumerate(reversed(told)):
    value, half = number(judged, f"finn.{key}")
    hue = "maml" if "maml" in key else "warning" if "moves" in key else "metric"
    ax.barh(place, value, xerr=half, color=style.color(hue), capsize=4)
    ax.annotate(f"{value:.2f}", (value + half, place), xytext=(8, 0), va="center",
                textcoords="offset points")
ax.set(yticks=range(len(told)), yticklabels=list(reversed(told.values())),
       xlabel="root mean square, in units of y", title="Ten points, twenty orders")
ax.margins(x=0.12)
ax.set_xlim(left=0)
show(fig, alt="Bars with intervals over three seeds. MAML's answer does not move when "
     "its points are shuffled. The transformer's answer moves about half as far as its "
     "error is large; the mean over twenty orders has a smaller error, and so have the "
     "same weights without the causal mask.")

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. First bar: nothing, to rounding. Second and third bar side by side: a good part of its error is the order. Fourth: the vote helps. Last, and nobody expects it: take the mask away at test, and it does as well as the vote, with one pass.

# %% [markdown]
# The causal mask is what makes order visible: without it the network cannot tell one order from another, to rounding. The weights were trained under
# the mask, and still they do as well without it as the mean of twenty orders does (last bar): one pass, and no order left. Order is a price of reading from left to right. For language models it was measured as well: in few-shot prompts the order alone can decide between good and chance
# ([Lu et al.](https://arxiv.org/abs/2104.08786)).

# %%
turned = torch.randperm(10, generator=torch.Generator().manual_seed(0))
seen = Sinusoids.finn().sample(3, 10, 5, generator=torch.Generator().manual_seed(2),
                               dtype=torch.float64)
double = {name: value.double() for name, value in reader.items()}
compare("no causal mask, shuffled", transformer(double, seen.support_x[:, turned],
        seen.support_y[:, turned], seen.query_x, "open"), "in order",
        transformer(double, *seen.seen, "open"), to=1e-10)

# %% [markdown]
# ## Pitfall: as sure outside as inside
#
# The symptom is that there is none. Outside its family the transformer answers as quickly and as smoothly as inside. No loss is computed at test that could blow up. How would you
# know, without the answer?
#
# You have answers: those in the context. Every point of it can be foretold from the points before it, and you know what came. A learner that reads its context well foretells its later half well.
#
# **Your turn.** Write the detector. `answer(x, y, questions)` gives [Q, 1] for pairs x [n, 1], y [n, 1]. Foretell every point of the later half of the context from all that
# stand before it, and return the mean squared error.
#
# <details><summary>Hint 1</summary>Go through the later half. For each point: who stands before it, what does the learner say, what came?</details>
# <details><summary>Hint 2</summary>The later half is <code>range(len(x) // 2, len(x))</code>. Before point i stand <code>x[:i]</code> and <code>y[:i]</code>; it is asked as <code>x[i:i + 1]</code>.</details>
# <details><summary>Hint 3</summary><code>torch.stack([(answer(x[:i], y[:i], x[i:i + 1]) - y[i:i + 1]).square().mean() for i in ...]).mean()</code></details>

# %% tags=["exercise"]
def foretold(answer, x, y):
    """Mean squared error on a context's later half, each point from those before."""
    ### BEGIN SOLUTION
    errors = [(answer(x[:i], y[:i], x[i:i + 1]) - y[i:i + 1]).square().mean()
              for i in range(len(x) // 2, len(x))]
    return torch.stack(errors).mean()
    ### END SOLUTION


# %%
check("20.3", foretold)

# %% [markdown]
# On the two waves of the picture, with twenty points each:

# %%
detector = yours("20.3", foretold, otherwise=find("20.3").solution)


def by_transformer(x, y, questions):
    with torch.no_grad():
        return transformer(reader, x[None], y[None], questions[None], "last")[0]


for phase, where in ((1.0, "inside"), (4.5, "outside")):
    wave = Sinusoids(amplitude=(3.0, 3.0), phase=(phase, phase))
    points = wave.sample(1, 20, 1, generator=torch.Generator().manual_seed(8))
    found = detector(by_transformer, points.support_x[0], points.support_y[0])
    print(f"{where}: foretells its own context with an error",
          "below 0.3" if found < 0.3 else "above 0.3")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A detector: foretell the context
#
# Outside its family the transformer answers as smoothly as inside. No loss is computed that could blow up.
#
# **Detector.** It has seen answers: its context. Foretell each point of its later half from those before. Alarm where the error is above what 95 % of the training family's own tasks have.
#
# - No new data, no gradient, no access to weights.
# - By construction about 5 % false alarms inside.

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Ask how they would notice in practice. The answer is in the context: you hold labels that the model has not needed yet. Then the figures: false alarms, and what is missed.

# %% slideshow={"slide_type": "fragment"}
if judged:
    for shift, said in (("finn", "family of training"), ("phase", "phases π to 2π"),
                        ("amplitude", "amplitudes 5 to 10")):
        rung, bad, missed = (number(judged, f"finn.alarm.{shift}.{what}")[0]
                             for what in ("rung", "bad", "missed"))
        print(f"{said}: alarm on {rung:.0f} % of tasks, {bad:.0f} % answered badly, "
              f"{missed:.1f} % badly and without an alarm")

# %% [markdown]
# Badly: with a larger error than one makes without any point at all. In the first line every alarm is a false one. In the others the last number is what is missed. A shifted task that the transformer answers well all the same need not ring, and many with phases just above π do not.
#
# ## Attention on Omniglot: an old friend
#
# What if the pairs are pictures with labels? Let a Conv4 turn pictures into features $h$, as in [lesson 09](09_omniglot_maml.ipynb). Keys are the support features, values are their labels, the query asks. One
# layer, two kinds. With a **softmax** of cosines, and a sharpness $s$:
#
# $$p(x) \;=\; \sum_j \operatorname{softmax}_j\big(s\cos(h(x), h(x_j))\big)\;\text{onehot}(y_j)$$
#
# Vinyals et al. proposed it in 2016 as a [matching network](https://arxiv.org/abs/1606.04080), a year before the transformer. And **linear**, for $S$ pictures of $C$ classes:
#
# $$\text{logits}(x) \;=\; \frac{\alpha}{S}\sum_j \big(h(x)\cdot h(x_j)\big)\,\big(\text{onehot}(y_j) - \tfrac1C\big)$$
#
# You know this one too: it is MAML's first step from a *head of zeros*. All classes begin at $1/C$, so the residual of softmax is $\frac1C - \text{onehot}$, and below a
# head of zeros no gradient arrives, so nothing but the head moves.
#
# To rounding, on real drawings:

# %%
characters = Characters.load()
conv = Conv4(5, 16, head="flatten")
body = conv.init(torch.Generator().manual_seed(0), torch.float64)
body = {name: body[name] for name in conv.body_names}
task = characters.sample(2, 5, 3, 2, generator=torch.Generator().manual_seed(1),
                         dtype=torch.float64)
seen, asked = (conv.features_of(stack(body, 2), each)
               for each in (task.support_x, task.query_x))

by_layer = matching_logits(seen, task.support_y, asked, 5, scale=7.0).exp()
cosine = torch.cosine_similarity(asked[:, :, None], seen[:, None], dim=-1)
weight = (7 * cosine).exp()
member = torch.nn.functional.one_hot(task.support_y, 5).double()
compare("softmax attention over labels", by_layer, "a matching network's formula",
        weight @ member / weight.sum(-1, keepdim=True), to=1e-10)

rule = sgd(dict.fromkeys(conv.body_names, 0.4) | dict.fromkeys(conv.head_names, 2.0))
phi = adapt(lambda p: cross_entropy(conv(p, task.support_x), task.support_y),
            stack(conv.zero_head(body), 2), rule, 1)
compare("linear attention over labels",
        linear_logits(seen, task.support_y, asked, 5, rate=2.0),
        "one step of MAML, head of zeros", conv(phi, task.query_x), to=1e-10)


def read_linearly(params, x, y, questions):
    seen, asked = (conv.features_of(stack(params, 2), each) for each in (x, questions))
    return linear_logits(seen, y, asked, 5, rate=2.0)


compare("and trained end to end, its gradient",
        in_context_gradient(read_linearly, cross_entropy, body, task)[0], "MAML's",
        maml_gradient(conv, cross_entropy, body, task, rule, 1,
                      start=conv.zero_head)[0], to=1e-10)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Attention over (embedding, label)
#
# Keys are the support features, values their labels, the query asks. One layer, to rounding:
#
# - softmax attention with cosine keys *is* a matching network (2016),
# - linear attention *is* MAML's first step from a head of zeros.
#
# **Predict.** Now let a transformer learn it by itself: two blocks over (embedding, label), random weights, as many seconds of one core as the layer. How often is it right, 5 ways, one shot?
#
# - ( ) about as often as the one layer
# - ( ) ten points behind
# - ( ) one time in five
#
# <details><summary>After you have guessed</summary>
#
# one time in five. In this time it has not begun: on the 40 ways of its training it is right no more often than chance. What the one layer has, and it has not, is the
# comparison, built in.
#
# </details>

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. The two lines first: two old friends. The second ties all three parts of the course: zero head, first step, attention. Then vote.

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "slide"}
omniglot = kept("omniglot")
omniglot |= {name: each for name, each in recorded("09", "lecture").items()
             if name == "maml.5way1shot.transductive.seeds"}
omniglot |= {name: each for name, each in recorded("10", "runs").items()
             if name == "fomaml.transductive"}
arms = {"softmax attention, one layer": ("softmax.transductive", "metric"),
        "FOMAML (lesson 10)": ("fomaml.transductive", "fomaml"),
        "MAML (lesson 09)": ("maml.5way1shot.transductive.seeds", "maml"),
        "transformer": ("transformer.transductive", "warning")}
fig, ax = plt.subplots(figsize=(9, 3.4))
for place, (name, hue) in enumerate(reversed(arms.values())):
    value, half = number(omniglot, name)
    ax.barh(place, value, xerr=half, color=style.color(hue), capsize=4)
    ax.annotate(f"{value:.1f} ± {half:.1f}", (value + half, place), xytext=(6, 0),
                textcoords="offset points", va="center")
ax.axvline(20, **style.method("baseline"))
ax.set(yticks=range(len(arms)), yticklabels=list(reversed(arms)), xlim=(0, 125),
       xlabel="right answers, %, transductive", xticks=range(0, 101, 20),
       title="5 ways, one shot, lesson 09's test tasks")
show(fig, alt="Bars with intervals over seeds. One layer of softmax attention is "
     "right on nearly 97 % of the queries, a little above FOMAML and MAML; a "
     "transformer of two blocks stays at one in five from random weights.")

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Lesson 09's test tasks, three seeds; MAML and FOMAML as recorded in their lessons, with more seconds. The dashed line is chance. The transformer may well learn it with more time; here it has not started.

# %%
for arm, said in (("softmax", "softmax attention"), ("transformer", "transformer")):
    steps, seconds, training = (number(omniglot, f"{arm}.{what}")[0]
                                for what in ("steps", "seconds", "training"))
    print(f"{said:18} {steps:5.0f} steps, {seconds:3.0f} s of one core; at the end of "
          f"training right on {training:.0f} % of 40 ways")
for said, (name, _) in list(arms.items())[1:3]:
    print(f"{said:18} about {omniglot[name]['seconds']:.0f} s on two cores")
print(f"softmax attention, by the support set's statistics: "
      f"{number(omniglot, 'softmax.support')[0]:.1f} %")
value, half = number(recorded("18", "arms"), "matching.5way1shot.transductive")
print(f"the same layer in lesson 18, stopped at 40 s of one core: "
      f"{value:.1f} ± {half:.1f} %")

# %% [markdown]
# (Both were to have 40 s of one core, as many steps as fit by a measurement of twenty of them. The steps then took somewhat longer than that,
# as printed. The last line has no such excess: in [lesson 18](18_learning_a_metric.ipynb) the layer is the matching network, trained on tasks of 20 ways,
# and the process's own clock stops it.)
#
# The one layer is told to compare; the transformer would have to find that out. Whether this alone keeps it from starting is not shown here: it would need a run with
# nothing else changed. But here is where built-in structure and free learning differ, and our short training is not the end of the story: with enough data and time transformers do learn to compare. Here it has not begun.
#
# ## What this says of large language models, and what it does not
#
# A large language model, shown a few examples in its prompt, often goes on as they do ([Brown et al.](https://arxiv.org/abs/2005.14165)). Its weights stay. Is it gradient descent inside?

# %% [markdown] slideshow={"slide_type": "slide"}
# ## And large language models?
#
# | | who says so |
# |---|---|
# | One linear attention layer *can* take a gradient step, exactly | this lesson, to rounding |
# | Trained on regression, one layer *does* | this lesson; proofs for linear attention |
# | Transformers trained on simple functions learn them in context | this lesson; Garg et al. 2022 |
# | What they learn is bound to the tasks they saw, and to order | this lesson; Lu et al. 2021 for prompts |
# | A language model runs gradient descent on its prompt | **open**: Dai et al. 2023 argue for, Shen et al. 2023 against |

# %% [markdown] slideshow={"slide_type": "notes"}
# 3 min. Go down the rows slowly. Each is weaker than the one above. Ask what experiment would move the last row. (Order: descent does not care for it, language models do. Shen et al. use just that.)

# %% [markdown]
# What carries over is a *possibility* and a *manner of asking*. The possibility: attention has the parts that a step needs, so that "learning without changing weights" is no riddle. The manner: set the reader beside the learner it is said to be, inside
# and outside, in any order, and compare function with function.
#
# What does not carry over is the claim. It has been made for language models ([Dai et al.](https://arxiv.org/abs/2212.10559)) and disputed ([Shen et al.](https://arxiv.org/abs/2310.08540)), and nothing here decides it. Our tasks are regressions and waves, our tokens are pairs of numbers, our layers have no softmax where the identity is exact. Language models are trained on text, not on
# labelled pairs. Several things are measured there that a gradient step would not do: replacing the labels of the examples by random ones often hurts little
# ([Min et al.](https://arxiv.org/abs/2202.12837); larger models follow changed labels more, [Wei et al.](https://arxiv.org/abs/2303.03846)), and order matters, which it does not for a step on a set: that is
# one of the arguments of Shen et al. What is seen inside them are heads that copy what followed an earlier occurrence ([Olsson et al.](https://arxiv.org/abs/2209.11895)): a lookup, closer to the matching network than to a
# regression.
#
# So the thread of this course ends where it began. In [lesson 03](03_gradient_descent_is_an_lstm_cell.ipynb) a step of gradient descent was an LSTM cell with its gates set by hand, and training was free to set them otherwise. Here a step is an attention layer with its matrices set by hand,
# and training is free again. A learning rule is a network. And a network that is trained on tasks is a learning rule, as good as the tasks were like the one you have.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What you learned
#
# - A layer of linear self-attention is one step of gradient descent: residual in $V$, rate in $P$, comparison in $Q$ and $K$. Ten layers are ten steps.
# - Training finds it, at the best rate for its tasks, and the layer then fails wherever that step fails.
# - A transformer reads waves of its family better than MAML's ten steps, and waves outside it worse. Trained on a wider family it reads those too.
# - Gradient descent does not care for the order of its support set. A causal reader does.
# - Softmax attention over labels is a matching network; linear attention is a zero head's first step.
# - That a network *can* descend says nothing yet of one that was trained on something else.

# %% [markdown] slideshow={"slide_type": "notes"}
# 1 min. Read the first, the second and the last line. Say where the course began: a step that was a cell. It ends with a step that is a layer.

# %% [markdown]
# ## Quiz
#
# **1.** You train one layer of linear attention with 20 pairs and use it with 80. It does worse than a step at the best rate for 80. Why, and which one number would mend it?
#
# <details><summary>Answer</summary>
#
# Its rate is the best one for 20 pairs, .64. With 80 the mean gradient is less noisy, and .88 would be right. Multiply $P$ by the ratio of the two.
#
# </details>
#
# **2.** Somebody finds that a trained transformer and gradient descent have the same error on their test tasks, and concludes that it runs gradient descent. What would you ask for?
#
# <details><summary>Answer</summary>
#
# The same *function*, not the same error: predictions side by side, also where both are bad. Scale the inputs, lengthen the context, shuffle it. A step copies its own failures; another method with the same error has others.
#
# </details>
#
# **3.** Why can MAML's first step from a head of zeros not move the body?
#
# <details><summary>Answer</summary>
#
# What reaches the body passes through the head's weights, and they are zero. So the first step is one of the head alone, and that is linear attention over features and labels. From the second step on the body moves too.
#
# </details>
#
# ## References
#
# - von Oswald et al., [Transformers learn in-context by gradient descent](https://arxiv.org/abs/2212.07677), 2023: the construction, GD++.
# - Akyürek et al., [What learning algorithm is in-context learning?](https://arxiv.org/abs/2211.15661), 2023.
# - Dai et al., [Why can GPT learn in-context? Language models secretly perform gradient descent as meta-optimizers](https://arxiv.org/abs/2212.10559), 2023.
# - Garg et al., [What can transformers learn in-context? A case study of simple function classes](https://arxiv.org/abs/2208.01066), 2022.
# - Mahankali, Hashimoto, Ma, [One step of gradient descent is provably the optimal in-context learner with one layer of linear self-attention](https://arxiv.org/abs/2307.03576), 2023.
# - Zhang, Frei, Bartlett, [Trained transformers learn linear models in-context](https://arxiv.org/abs/2306.09927), 2023.
# - Vinyals et al., [Matching networks for one shot learning](https://arxiv.org/abs/1606.04080), 2016.
# - Brown et al., [Language models are few-shot learners](https://arxiv.org/abs/2005.14165), 2020.
# - Lu et al., [Fantastically ordered prompts and where to find them](https://arxiv.org/abs/2104.08786), 2021.
# - Min et al., [Rethinking the role of demonstrations](https://arxiv.org/abs/2202.12837), 2022; Wei et al., [Larger language models do in-context learning differently](https://arxiv.org/abs/2303.03846), 2023.
# - Olsson et al., [In-context learning and induction heads](https://arxiv.org/abs/2209.11895), 2022.
# - Shen, Mishra, Khashabi, [Do pretrained transformers really learn in-context by gradient descent?](https://arxiv.org/abs/2310.08540), 2023.
#
# ## Next
#
# Steps, starts, metrics, memories, readers: which one should you take? [Lesson 21](21_all_of_them.ipynb), *All of them on the same episodes*, sets them
# side by side, and has a place for a method of your own.
