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
# # 08 Why first order works
#
# FOMAML throws MAML's second derivatives away, Reptile never had any, and both find good starts. You take one Taylor series apart, find the
# term that all three share, and then look for it in real networks.
#
# **You will be able to**
#
# - derive, in three steps, what MAML, FOMAML and Reptile descend on to first order in the inner rate,
# - measure their coefficients with a function of your own, over all orders of the minibatches, to eight digits,
# - say what the shared term does, and test whether a trained network shows it,
# - explain the second view, a start near every task's solutions, with lines and circles,
# - tell where the series stops being true, what plain SGD has of it, and why joint training is a stronger rival than it looks.
#
# **Prerequisites:** [lesson 07](07_reptile.ipynb): Reptile's step as a sum of gradients; gradients and Hessians.
# [Lesson 06](06_maml_on_sinusoids.ipynb) has MAML and FOMAML on sinusoids.
#
# **Time:** 30 minutes of reading, and 40 minutes for the exercises.
#
# **What it costs to run:** *smoke* takes about 20 s on two cores. *lecture* takes about 30 s, with one more minibatch to put in order.
# *paper* is the same as *lecture*: nothing is trained here, and there is no GPU. The networks were trained by
# `python -m studies.lesson07_sinusoids`, `studies.lesson08_agreement` and `studies.lesson06_starts`, and come with the course.

# %% [markdown] slideshow={"slide_type": "notes"}
# 1 min. This is the lesson with the algebra. Promise that none of it is hidden, and that every line is checked by a computer beside it. And promise a surprise at the end of part two: the term is there, it works, and it is not the whole story.

# %% tags=["parameters"]
PROFILE = "smoke"  # "smoke", "lecture" or "paper": the same cells, three budgets

# %% tags=["setup"]
import itertools

import matplotlib.pyplot as plt
import torch
from torch.func import grad, jvp

from mlteach.checkpoint import load_checkpoint
from mlteach.exercises import check, find, yours
from mlteach.explore import Projections, style
from mlteach.explore.figure import show
from mlteach.inner import sgd
from mlteach.measure import compare, over_tasks, recorded
from mlteach.measure.expansion import (
    avg_grad,
    avg_grad_inner,
    coefficients,
    gradient_product,
)
from mlteach.measure.ledger import data_folder
from mlteach.nets import MLP, squared_error
from mlteach.outer import reptile_gradient
from mlteach.params import add, dot, gradient_of, leaves, norm, scale, subtract
from mlteach.tasks import Episode, Sinusoids

torch.set_num_threads(1)  # tensors as small as ours are quicker on one thread
style.use()
# minibatches whose orders are all taken: 24 orders or 120
MOST = {"smoke": 4, "lecture": 5, "paper": 5}[PROFILE]


def total(parts):
    return {name: sum(part[name] for part in parts) for name in parts[0]}


# %% [markdown] slideshow={"slide_type": "slide"}
# ## How much is lost by dropping the second derivatives?
#
# The five starts below were trained on Finn's sinusoids for [lesson 06](06_maml_on_sinusoids.ipynb), one seed each. All are tested alike: one step on ten points, 1000 new
# tasks, each start at its own best rate.
#
# FOMAML, which takes MAML's path and treats its gradients as constants, ends close to MAML. Reptile ends a little above, and joint training far off. Whatever
# MAML's second derivatives do, most of it must be had without them. The next three sections find out what "it" is.

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "fragment"}
folder = data_folder() / "checkpoints"
stored = {name: load_checkpoint(folder / f"06-{name}.safetensors")
          for name in ("random", "joint", "reptile", "fomaml", "maml")}
fig, ax = plt.subplots(figsize=(8, 2.9))
found = {name: each.about["query_mse_at_best_rate"]["after 1 step"]
         for name, each in stored.items()}
colors = [style.color("baseline" if name in ("random", "joint") else name)
          for name in found]
bars = ax.barh(["random", "joint training", "Reptile", "FOMAML", "MAML"],
               [each["mean"] for each in found.values()],
               xerr=[each["half_width"] for each in found.values()], color=colors,
               height=0.62)
ax.bar_label(bars, labels=[f"{each['mean']:.2f}" for each in found.values()],
             padding=10)
ax.set(
    xlabel="mean squared error after one step on ten points (lines: 95 % over tasks)",
    xlim=(0, 4.9),
)
ax.set_title("Most of it is there without second derivatives")
show(fig, alt="Five bars of error after one step: random start and joint training are "
     "long, Reptile, FOMAML and MAML short, in this order.")

# %% [markdown] slideshow={"slide_type": "notes"}
# 1 min. They have seen these starts. One seed each, so read nothing into the gap between FOMAML and MAML but this: it is small beside the gap to joint training. That asks for an explanation.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What is the i-th gradient?
#
# One task, $k$ minibatches of it, one step of gradient descent on each. Minibatch $i$ has the loss $L_i$. Two kinds of gradient have to be
# kept apart:
#
# - $b_i = \nabla L_i(\theta)$, taken **at the start**, where joint training takes all of them. $H_i$ is the Hessian there.
# - $g_i = \nabla L_i(\theta_{i-1})$, taken **on the way**, at the point $\theta_{i-1}$ to which the $i-1$ earlier steps have led. The way begins at $\theta_0 = \theta$.

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Draw a path with four points, and at each a gradient. Then draw all four minibatches' gradients at the start. b for begin, g for on the go. Everything that follows is the difference between the two.

# %% [markdown]
# **Step 1. Where is $\theta_{i-1}$?** Every earlier step went $-\alpha$ times its gradient:
#
# $$\theta_{i-1} \;=\; \theta - \alpha\,(g_1 + \dots + g_{i-1})$$
#
# **Step 2. A gradient close by.** For a smooth loss, the gradient at a point near $\theta$ is the gradient at $\theta$, plus the Hessian times the way. What
# is left out is of the order of the way squared:
#
# $$g_i \;=\; b_i + H_i\,(\theta_{i-1} - \theta) + O(\alpha^2) \;=\; b_i - \alpha\,H_i\,(g_1 + \dots + g_{i-1}) + O(\alpha^2)$$
#
# **Step 3. Put it into itself.** On the right there are $g$ again. But each is $b$ plus something with an $\alpha$, and one $\alpha$ stands in front already. So
# there we may write $b$ for $g$, and the mistake is of order $\alpha^2$:

# %% [markdown] slideshow={"slide_type": "slide"}
# **The key line:**
#
# $$g_i \;=\; b_i \;-\; \alpha\,H_i\,(b_1 + \dots + b_{i-1}) \;+\; O(\alpha^2)$$
#
# Aloud: *gradient number i is what it would have been at the start, minus alpha times its own curvature along the earlier gradients.*
#
# True? The claim is about how the error *shrinks*. With $b_i$ alone it should fall like $\alpha$; with the key line like $\alpha^2$, so half the rate leaves a quarter.

# %% [markdown] slideshow={"slide_type": "notes"}
# 3 min. Do steps one to three on the board, from the cell above in the notebook. The only trick is step three: inside the bracket g may be replaced by b, because an alpha stands in front. Then ask how one could catch a mistake in such a formula. Not by one number: by how the error falls.

# %%
def small_task(k, seed=0, points=3):
    """The losses of k minibatches of one sinusoid, and a small network's start."""
    g = torch.Generator().manual_seed(seed)
    x = torch.rand(k, points, 1, generator=g, dtype=torch.float64) * 4 - 2
    y = torch.sin(2 * x)
    net = MLP((1, 4, 1), activation="tanh")
    losses = [lambda theta, x=x_i, y=y_i: squared_error(net(theta, x), y)
              for x_i, y_i in zip(x, y)]
    return losses, net.init(g, torch.float64)


def walk(losses, theta, alpha):
    """Gradient descent on the losses in turn: its end, and the gradients it met."""
    phi, met = theta, []
    for loss in losses:
        met.append(grad(loss)(phi))
        phi = subtract(phi, scale(alpha, met[-1]))
    return phi, met


# %%
losses, theta = small_task(4)
b = [grad(loss)(theta) for loss in losses]
# H_4 (b_1 + b_2 + b_3), without ever writing H_4 down
bend = jvp(grad(losses[3]), (theta,), (total(b[:3]),))[1]
rates = [0.4 / 2**n for n in range(10)]
without, with_term = [], []
for alpha in rates:
    g_4 = walk(losses, theta, alpha)[1][3]
    without.append(norm(subtract(g_4, b[3])).item())
    with_term.append(norm(subtract(g_4, subtract(b[3], scale(alpha, bend)))).item())
# where the key line is no better than b alone: between two of the rates
worse = [rate for rate, a, b_alone in zip(rates, with_term, without) if a >= b_alone]
print(f"half the rate leaves {without[-1] / without[-2]:.2f} of the error of b alone, "
      f"and {with_term[-1] / with_term[-2]:.2f} of the key line's")
print(f"worse with the term than without: at rates of {min(worse):.1f} and more")

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "slide"}
fig, ax = plt.subplots(figsize=(8, 3.8))
for values, look, said in ((without, style.method("baseline"), "b alone"),
                           (with_term, style.method("reptile"), "key line")):
    line, = ax.loglog(rates, values, **look | {"marker": "o", "markersize": 5})
    style.label_line(ax, line, said, x=rates[0], dx=8)
edge = min(worse) / 2**0.5
ax.axvspan(edge, 1, color="#e4e6ea", linewidth=0)
ax.text(edge * 1.06, with_term[-1], "here the term\nmakes it worse", fontsize=11,
        color="#55595f")
for start, power in ((without[-1], 1), (with_term[-1], 2)):
    ax.loglog(rates, [0.55 * start * (alpha / rates[-1]) ** power for alpha in rates],
              color="#9aa0a8", linewidth=1)
ax.text(rates[7], without[-1] * 0.75, "slope 1", fontsize=11, color="#55595f")
ax.text(rates[6], with_term[-1] * 11, "slope 2", fontsize=11, color="#55595f")
ax.set(xlabel="inner rate α", ylabel="what is missing of gradient 4",
       xlim=(rates[-1], 0.9))
ax.set_title("Half the rate, a quarter of the error; but only at small rates")
show(fig, alt="Error of two formulas for the fourth gradient against the inner rate, "
     "both axes logarithmic. The gradient at the start alone follows a thin line of "
     "slope one, the formula with the Hessian term a thin line of slope two. At large "
     "rates, in a shaded band, they have crossed, and the formula is the worse one.")

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. A slope is the best proof of an expansion that a computer can give. A sign wrong in it, and the green line would run parallel to the grey one. Then the grey band: a steeper line is higher on the right. There the formula is worse than no formula.

# %% [markdown]
# Both slopes are there, so the key line is right. And it is right *in the limit*: the steeper line must be the higher one somewhere. In the grey band the term takes you further from the true gradient than leaving it out. An exact
# coefficient is no promise about the rate that you use. We come back to that twice.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What do the three methods make of it?
#
# **FOMAML** adapts on the first $k-1$ minibatches and uses the last gradient: $g_k$. That is the key line with $i = k$.
#
# **Reptile** adds all of them: $g_1 + \dots + g_k$. Add up the key lines.
#
# **MAML** wants the true gradient of $L_k(\theta_{k-1})$ by $\theta$. By the chain rule each of the $k-1$ steps multiplies by $I - \alpha\,\nabla^2 L_j(\theta_{j-1})$:
#
# $$\nabla_\theta L_k(\theta_{k-1}) \;=\; (I - \alpha H_1)\cdots(I - \alpha H_{k-1})\; g_k + O(\alpha^2)$$
#
# With one $\alpha$ allowed, a product of $I - \alpha H_j$ is $I$ minus $\alpha$ times the sum:
#
# $$\nabla_\theta L_k(\theta_{k-1}) \;=\; g_k - \alpha\,(H_1 + \dots + H_{k-1})\,b_k + O(\alpha^2)$$

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. FOMAML and Reptile need no work. For MAML, multiply two factors out on the board, and cross out everything with alpha squared. Then compare: in FOMAML's term the Hessian belongs to the last minibatch, in MAML's extra term to the earlier ones.

# %% [markdown] slideshow={"slide_type": "slide"}
# Side by side, up to $\alpha^2$:
#
# | | gradients at the start | minus $\alpha$ times |
# |---|---|---|
# | FOMAML | $b_k$ | $H_k\,(b_1 + \dots + b_{k-1})$ |
# | MAML | $b_k$ | $H_k\,(b_1 + \dots + b_{k-1}) \;+\; (H_1 + \dots + H_{k-1})\,b_k$ |
# | Reptile | $b_1 + \dots + b_k$ | $\sum_i H_i\,(b_1 + \dots + b_{i-1})$ |
#
# Only two kinds of things occur: a gradient $b_i$, and a Hessian of one minibatch times the gradient of **another**. Minibatches come in random order. So in the mean all $b_i$ are
# alike, and all $H_i b_j$ with $i \neq j$ are alike. They get names:
#
# $$\mathrm{AvgGrad} = E[\,b_i\,] \qquad\qquad \mathrm{AvgGradInner} = E[\,H_i\, b_j\,],\; i \neq j$$

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Let them look at the table in silence. Ask which products occur in it. Nowhere does a minibatch's Hessian meet its own gradient. Then give the two names, and go to the exercise: count.

# %% [markdown]
# ## Your turn: 08.1, count the terms
#
# In the mean over all orders, each method descends on $c\;\mathrm{AvgGrad} - \alpha\,d\;\mathrm{AvgGradInner}$. `counted(method, k)` returns `(c, d)` for `"maml"`, `"fomaml"`, `"reptile"` with $k$ minibatches.
#
# <details><summary>Hint 1</summary>Take the table above. How many b, and how many H b, stand in each row?</details>
# <details><summary>Hint 2</summary>FOMAML is gradient k alone: one b, and one H b for each of the k - 1 steps before. MAML has as many again.</details>
# <details><summary>Hint 3</summary>Reptile adds up gradients 1 to k. The i-th brings one b and i - 1 times H b: what is 0 + 1 + ... + (k - 1)?</details>


# %% tags=["exercise"]
def counted(method, k):
    """How often AvgGrad and -alpha AvgGradInner are in what the method descends on."""
    ### BEGIN SOLUTION
    if method == "reptile":
        return k, k * (k - 1) / 2
    return 1, (2 if method == "maml" else 1) * (k - 1)
    ### END SOLUTION


# %%
check("08.1", counted)

# %%
counted = yours("08.1", counted, otherwise=find("08.1").solution)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Are these the coefficients?
#
# "In the mean over random orders" needs no sampling: five minibatches have 120 orders, so take them all. And "to first order in $\alpha$" needs no small $\alpha$: the
# value at $\alpha = 0$ and the *derivative* there are the two terms, and autograd gives both. So this is a test to the last digits, on a network that is not quadratic.

# %% [markdown] slideshow={"slide_type": "notes"}
# 1 min. Two traps avoided: no random orders, no small alpha. Ask how one reads c and d off: the share of AvgGrad in the value, and of AvgGradInner in the slope.

# %%
def maml(losses, theta, alpha):
    """What each method descends on, with the minibatches in this order."""
    return grad(lambda start: losses[-1](walk(losses[:-1], start, alpha)[0]))(theta)


def fomaml(losses, theta, alpha):
    return walk(losses, theta, alpha)[1][-1]


def reptile(losses, theta, alpha):
    return total(walk(losses, theta, alpha)[1])


METHODS = {"maml": maml, "fomaml": fomaml, "reptile": reptile}

# %% [markdown]
# ## Your turn: 08.2, measure them
#
# `measured(descends_on, losses, theta)` returns `(c, d)`. `descends_on(order, theta, alpha)` is one of the three functions above. Take its mean over all orders of the losses; its value at $\alpha = 0$ holds $c$ times AvgGrad, its derivative there $-d$ times
# AvgGradInner. The package has both terms: `avg_grad(losses, theta)` and `avg_grad_inner(losses, theta)`. You have `total`, `scale` and `dot` for dicts of tensors, and `jvp` from `torch.func`.
#
# <details><summary>Hint 1</summary>First a function <code>mean(alpha)</code>: what the method descends on, in the mean over <code>itertools.permutations(losses)</code>.</details>
# <details><summary>Hint 2</summary>Value and derivative at alpha = 0 come together: <code>value, slope = jvp(mean, (zero,), (one,))</code>, with zero and one as float64 tensors.</details>
# <details><summary>Hint 3</summary>The share of a term in x is <code>dot(x, term) / dot(term, term)</code>. c: of avg_grad(losses, theta) in the value. d: of avg_grad_inner(losses, theta) in the slope, with a minus.</details>


# %% tags=["exercise"]
def measured(descends_on, losses, theta):
    """c and d: of AvgGrad in the value at alpha = 0, of -AvgGradInner in the slope."""
    ### BEGIN SOLUTION
    def mean(alpha):
        orders = list(itertools.permutations(losses))
        found = [descends_on(order, theta, alpha) for order in orders]
        return scale(1 / len(orders), total(found))

    zero, one = torch.tensor([0.0, 1.0], dtype=torch.float64)
    value, slope = jvp(mean, (zero,), (one,))
    first, second = avg_grad(losses, theta), avg_grad_inner(losses, theta)
    c = dot(value, first) / dot(first, first)
    d = -dot(slope, second) / dot(second, second)
    return c.item(), d.item()
    ### END SOLUTION


# %%
check("08.2", measured)

# %% [markdown]
# ## Measured beside counted
#
# The picture after this, and what we say of plain SGD, are measured by your function, where it passes.

# %%
measured = yours("08.2", measured, otherwise=find("08.2").solution)
ks, seen = range(2, MOST + 1), {}
for name, method in METHODS.items():
    for k in ks:
        seen[name, k] = measured(method, *small_task(k))
        package = coefficients(name, *small_task(k))
        assert max(abs(a - b) / b for a, b in zip(seen[name, k], package)) < 1e-4
        assert package.residual < 1e-8  # nothing points anywhere else
off = max(abs(a - b) / b for (name, k), pair in seen.items()
          for a, b in zip(pair, counted(name, k)))
assert off < 1e-8
print(f"{2 * len(seen)} coefficients measured: each is within 1e-8 of its count, "
      "and nothing else is left")

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "slide"}
looks = {"maml": "MAML: 2(k − 1)", "fomaml": "FOMAML: k − 1",
         "reptile": "Reptile: (k − 1)/2"}
fig, ax = plt.subplots(figsize=(8.5, 3.9))
for name, said in looks.items():
    smooth = [counted(name, k) for k in (1, *ks)]
    line, = ax.plot((1, *ks), [d / c for c, d in smooth], **style.method(name))
    ax.plot(ks, [seen[name, k][1] / seen[name, k][0] for k in ks], "o", markersize=9,
            color=style.color(name), markeredgecolor="white")
    style.label_line(ax, line, said)
ax.axhline(0, **style.method("baseline"))
ax.annotate("joint training, one step: 0", (max(ks) + 1.4, 0), xytext=(0, 6),
            textcoords="offset points", ha="right", fontsize=12)
ax.set(xlabel="minibatches k", xticks=[1, *ks], xlim=(1, max(ks) + 1.4),
       ylim=(-0.3, 2 * max(ks) - 1.5),
       ylabel="weight of the second term\nbeside the first")
ax.set_title("One term, three weights: dots measured, lines counted")
show(fig, alt="How much of the second term each method has for one of the first, over "
     "the number of minibatches. Three straight lines rise from zero at one minibatch: "
     "MAML steepest, FOMAML half as steep, Reptile a quarter. The measured dots lie on "
     "the lines. Joint training stays at zero.")

# %% [markdown] slideshow={"slide_type": "notes"}
# 3 min. This is no fit and no sampling: all orders, and it holds to eight digits. Ask: where did the Hessian come from, when FOMAML and Reptile never computed one? From taking a gradient somewhere else.

# %% [markdown]
# | $k$ minibatches | AvgGrad | $-\alpha$ AvgGradInner | the second over the first |
# |---|---|---|---|
# | joint training, one step | 1 | 0 | 0 |
# | MAML | 1 | $2(k-1)$ | $2(k-1)$ |
# | FOMAML | 1 | $k-1$ | $k-1$ |
# | Reptile | $k$ | $k(k-1)/2$ | $(k-1)/2$ |
#
# **The three descend on the same two terms.** They differ in how much they weigh the second. So they need no second derivatives to have it: walking a few steps and
# looking at the gradient *there* puts the Hessian in.
#
# ## At a rate that is not zero
#
# How do the exact coefficients meet the rates that people use? Take the true mean over all orders, and ask what share of its way from $c\,$AvgGrad the second term leaves unexplained.

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "slide"}
losses, theta = small_task(3)
first, second = avg_grad(losses, theta), avg_grad_inner(losses, theta)
orders, tried = list(itertools.permutations(losses)), [0.4 / 2**n for n in range(8)]
fig, ax = plt.subplots(figsize=(8.5, 3.8))
for name, method in METHODS.items():
    (c, d), missed = counted(name, 3), []
    for alpha in tried:
        true = scale(1 / 6, total([method(order, theta, alpha) for order in orders]))
        change = subtract(true, scale(c, first))
        left = norm(add(change, scale(alpha * d, second)))
        missed.append(100 * (left / norm(change)).item())
    line, = ax.loglog(tried, missed, **style.method(name) | {"marker": "o"})
    style.label_line(ax, line, looks[name].split(":")[0], x=tried[0])
ax.axhline(100, **style.method("truth"))
ax.annotate("no better than AvgGrad alone", (tried[-1], 100), xytext=(4, 6),
            textcoords="offset points", fontsize=12)
ax.set(xlabel="inner rate α", ylabel="not explained by\nthe second term, %",
       xlim=(tried[-1], 0.75), yticks=[1, 10, 100])
ax.set_yticklabels(["1", "10", "100"])
ax.set_title("Exact at zero, and worn out well before a rate of one half")
show(fig, alt="For MAML, FOMAML and Reptile with three minibatches, the share of the "
     "change that the second term leaves unexplained, against the inner rate, both "
     "logarithmic. All three fall in proportion to the rate; at the largest rates they "
     "lie at or above the line of a hundred percent, where the term is of no use.")

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Small network, three minibatches, all six orders. The lines fall with slope one: the coefficients are right. Where a line crosses the black one, the term explains nothing. So a coefficient is exact, and its use depends on alpha. In the pitfall we do this for trained networks.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Is joint training's zero true?
#
# It is the row of *one* step, with all gradients taken at $\theta$. But nobody trains with one step. **Plain SGD** walks: its second minibatch is seen where the first has led.
#
# **Predict.** Plain SGD goes once through $k$ minibatches in random order, each from *another* task. The sum of its gradients is again $c\,\mathrm{AvgGrad} - \alpha\,d\,\mathrm{AvgGradInner}$. What are $c$ and $d$?
#
# - ( ) $k$ and $0$
# - ( ) $k$ and $k-1$
# - ( ) $k$ and $k(k-1)/2$
#
# <details><summary>After you have guessed</summary>
#
# $k$ and $k(k-1)/2$, Reptile's own. The sum of the gradients on the way is the same sum, and the derivation never asked where the minibatches come from. What has changed is the pairs: AvgGradInner is now the mean over minibatches of *different* tasks.
#
# </details>

# %% [markdown] slideshow={"slide_type": "notes"}
# 1 min. Vote. Who says zero, ask: where is the second gradient taken?

# %%
def several_tasks(tasks, k, seed=1):
    """The losses of k minibatches of each of some sinusoids, and one start for all."""
    g = torch.Generator().manual_seed(seed)
    net, found = MLP((1, 4, 1), activation="tanh"), []
    for _ in range(tasks):
        amplitude, phase = 1 + torch.rand(2, generator=g, dtype=torch.float64)
        x = torch.rand(k, 3, 1, generator=g, dtype=torch.float64) * 4 - 2
        y = amplitude * torch.sin(2 * x + 3 * phase)
        found.append([lambda theta, x=x_i, y=y_i: squared_error(net(theta, x), y)
                      for x_i, y_i in zip(x, y)])
    return found, net.init(g, torch.float64)


four, theta = several_tasks(4, 1)
c, d = measured(reptile, [task[0] for task in four], theta)  # a pass of plain SGD
print(f"plain SGD through four minibatches of four tasks: c = {c:.3f}, d = {d:.3f}")

# %% [markdown]
# So **plain SGD contains the agreement term**, at Reptile's weight, and asks it of every pair of minibatches, of one task or of two. What is left for Reptile? Let it take two tasks in turn, two minibatches each, and measure
# the two kinds of pairs by themselves. $\beta = 1$ is plain SGD, which stays two steps with a task.

# %% jupyter={"source_hidden": true}
def in_turn(tasks, theta, alpha, beta):
    """Reptile, a task after the other: (theta - where it ends) / (alpha beta)."""
    start, gone = theta, []
    for losses in tasks:
        gone.append(total(walk(losses, start, alpha)[1]))
        start = subtract(start, scale(alpha * beta, gone[-1]))
    return total(gone)


def by_kind(beta):
    """d for pairs of one task and of two, for each such pair: both from one slope."""
    def mean(alpha):
        found = [in_turn([one, other], theta, alpha, beta) for a, b in (two, two[::-1])
                 for one in (a, a[::-1]) for other in (b, b[::-1])]
        return scale(1 / 8, total(found))

    zero, one = torch.tensor([0.0, 1.0], dtype=torch.float64)
    slope = jvp(mean, (zero,), (one,))[1]
    within = scale(1 / 2, total([avg_grad_inner(task, theta) for task in two]))
    every = avg_grad_inner(two[0] + two[1], theta)  # 12 ordered pairs, 4 within a task
    across = scale(1 / 8, subtract(scale(12, every), scale(4, within)))
    terms = torch.stack([torch.cat([v.flatten() for v in term.values()])
                         for term in (within, across)], 1)
    wanted = -torch.cat([v.flatten() for v in slope.values()])
    found = torch.linalg.lstsq(terms, wanted[:, None]).solution.flatten()
    return (found / torch.tensor([2, 4])).tolist()  # 2 pairs of one task, 4 of two


two, theta = several_tasks(2, 2)
betas = [0.0, 0.25, 0.5, 0.75, 1.0]
kinds = [by_kind(beta) for beta in betas]
assert all(abs(w - 1) + abs(x - beta) < 1e-6 for (w, x), beta in zip(kinds, betas))

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "slide"}
fig, ax = plt.subplots(figsize=(8.5, 3.7))
for kind, (look, said) in enumerate((("reptile", "of one task"),
                                     ("baseline", "of two tasks"))):
    line, = ax.plot(betas, [pair[kind] for pair in kinds],
                    **style.method(look) | {"marker": "o", "markersize": 8})
    style.label_line(ax, line, said, x=0.25, dy=13 if kind == 0 else -22)
ax.text(-0.01, 0.3, "batched Reptile:\nno such pairs", fontsize=12)
ax.text(0.985, 0.82, "plain SGD", fontsize=12)
ax.set(xlabel="outer rate β", ylabel="weight of the term\nfor a pair of minibatches",
       xlim=(-0.03, 1.08), ylim=(-0.1, 1.25), xticks=betas)
ax.set_title("SGD wants all minibatches to agree, Reptile those of a task")
show(fig, alt="Weight of the agreement term for a pair of minibatches over Reptile's "
     "outer rate. For two minibatches of one task it is one at every rate. For "
     "minibatches of two tasks it rises in a straight line from zero to one: at the "
     "outer rate one, which is plain SGD, both are equal.")

# %% [markdown] slideshow={"slide_type": "notes"}
# 3 min. Read it from the right. At beta one it is plain SGD: all pairs alike. To the left the pairs of two tasks fade, with beta itself; in a batch of tasks there are none. So Reptile is SGD that turns down the agreement between tasks. The paper ends on this: SGD has the term by itself, and this may be a part of why pretraining and fine-tuning works. A part: nothing here measures how large.

# %% [markdown]
# The weight between tasks is $\beta$, and within a task it is 1. That is all of the difference in this order: *Reptile is SGD that turns down the agreement between tasks.* Nichol and others conclude from the term in plain SGD that it may be a part of
# why ordinary training with fine-tuning works so well, and so a strong baseline. That the term is there, you have measured. How much of fine-tuning it explains, neither they nor we have.

# %% [markdown]
# ## Your turn: 08.3, AvgGradInner of two minibatches
#
# `inner(H1, b1, H2, b2)` returns the mean of $H_i b_j$ over $i \neq j$.
#
# <details><summary>Hint 1</summary>There are two orders: first 1 then 2, or first 2 then 1. Which H b comes from each?</details>
# <details><summary>Hint 2</summary>If minibatch 1 moves first, gradient 2 changes by -alpha H2 b1.</details>
# <details><summary>Hint 3</summary><code>return (H1 @ b2 + ...) / 2</code>: the other order, and the mean of both.</details>


# %% tags=["exercise"]
def inner(H1, b1, H2, b2):
    """AvgGradInner of two minibatches."""
    ### BEGIN SOLUTION
    return (H1 @ b2 + H2 @ b1) / 2
    ### END SOLUTION


# %%
check("08.3", inner)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What does the second term want?
#
# Take the inner product of two minibatches' gradients, $b_1 \cdot b_2$, and differentiate it. By the product rule,
#
# $$\nabla_\theta\,(b_1 \cdot b_2) \;=\; H_1 b_2 + H_2 b_1 \;=\; 2\,\mathrm{AvgGradInner}$$
#
# So AvgGradInner is the gradient of $\tfrac12\, b_1 \cdot b_2$. The methods descend on *minus* it: they **climb** the inner product.
#
# Aloud: *they look for a start at which a step on one minibatch also helps another minibatch of the same task.* That is generalising within a task, asked for directly.

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Draw two arrows at an acute angle: a step along one goes along the other. At a right angle it is no help. So the term asks for what we want from few-shot learning: what you learn from these points shall hold for those. AvgGrad alone, joint training, never asks.

# %%
losses, theta = small_task(4)
point = leaves(theta)
half_product = gradient_product(losses, point) / 2
assert compare("AvgGradInner", avg_grad_inner(losses, theta),
               "the gradient of half the inner product",
               gradient_of(half_product, point), to=1e-12)
before = gradient_product(losses, theta)
after = gradient_product(losses, add(theta, scale(0.01, avg_grad_inner(losses, theta))))
print(f"after a small step along AvgGradInner the mean product is {after:.4f}, "
      f"before it was {before:.4f}")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Does a trained network show it?
#
# The series says in which direction the methods *leave* joint training. Whether 30,000 steps later the gradients agree is a question to a real network. Take each
# start, draw two disjoint minibatches of ten points from one task, and measure the cosine between their gradients: 1 is full agreement, 0 none. As a control take the second minibatch
# from *another* task.
#
# **Predict.** Take three starts: a random one, one from joint training, one from Reptile. Whose gradients agree most, and what will the control show?
#
# - ( ) Reptile's, and the control is high as well: its gradients are alike for all tasks.
# - ( ) Reptile's, and the control is near 0.
# - ( ) Joint training's, and the control is near 0.
# - ( ) All three agree about equally.
#
# <details><summary>After you have guessed</summary>
#
# Reptile's starts have nearly parallel gradients within a task, and not between tasks. Joint training's agree far less, and whether they agree more than at a random start these seeds cannot tell:
# random starts differ widely from seed to seed.
#
# </details>

# %% [markdown] slideshow={"slide_type": "notes"}
# 1 min. Say what is measured, a cosine, and what the control is for. Then vote.

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "slide"}
seen = recorded("08", "agreement")
rows = {
    "random start": "random", "joint training": "joint", "Reptile, the demo": "serial",
    "Reptile, five tasks a step": "batched",
    "Reptile, Adam outside": "adam",
}
fig, ax = plt.subplots(figsize=(9, 3.4))
for place, name in enumerate(rows.values()):
    hue = "baseline" if name in ("random", "joint") else "reptile"
    for which, marker, fill in (("same", "o", style.color(hue)),
                                ("other", "s", "white")):
        row = seen[f"{name}.{which}"]
        ax.errorbar(row["value"], place + (0.13 if which == "other" else -0.13),
                    xerr=row["interval"], fmt=marker, markersize=9,
                    color=style.color(hue), markerfacecolor=fill, linewidth=2)
ax.axvline(0, color="#9aa0a8", linewidth=1)
ax.annotate("same task", (seen["serial.same"]["value"], 1.87), xytext=(0, 10),
            textcoords="offset points", ha="center", fontsize=12)
ax.annotate("another task", (seen["serial.other"]["value"], 2.13), xytext=(10, -4),
            textcoords="offset points", fontsize=12)
ax.set(yticks=range(len(rows)), yticklabels=list(rows),
       xlabel="cosine between two minibatches' gradients (lines: 95 % over seeds)",
       xlim=(-0.3, 1.02))
ax.invert_yaxis()
ax.set_title("At Reptile's starts a task's gradients agree")
show(fig, alt="Cosines between gradients of two minibatches at five starts. For two "
     "minibatches of one task Reptile's three starts lie near one, joint training and "
     "the random start far below, with a wide interval. For two tasks all lie near "
     "zero.")

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Filled: one task. Hollow: two tasks. Read Reptile first, then joint training. Three seeds, a thousand tasks. The control matters: it is not that all gradients have become alike.

# %% [markdown]
# It does. At the starts of lesson 07 (three seeds, smooth network) the agreement within a task is almost complete, and it does not come from gradients that are alike for all tasks. Does the same hold
# for the other network, with ReLU, and for MAML? The five starts of lesson 06, one seed each, measured here and now:

# %%
NET = MLP((1, 40, 40, 1))


def minibatch_gradients(theta, x, y):
    """Each task's gradient at theta as one vector: [tasks, parameters]."""
    point = leaves({name: value.double().repeat(len(x), *[1] * value.ndim)
                    for name, value in theta.items()})
    found = gradient_of(squared_error(NET(point, x), y).sum(), point)
    return torch.cat([each.flatten(1) for each in found.values()], 1)


drawn = Sinusoids.finn().sample(500, 10, 10, generator=torch.Generator().manual_seed(8),
                                dtype=torch.float64)
starts = {name: {n.removeprefix("theta."): v for n, v in each.tensors.items()}
          for name, each in stored.items()}
print(f"{'cosine, 500 tasks':20}{'one task':>12}{'two tasks':>12}")
agree = {}
for name, start in starts.items():
    one, other = (minibatch_gradients(start, *drawn[part : part + 2])
                  for part in (0, 2))
    agree[name] = over_tasks(torch.cosine_similarity(one, other, dim=1))
    control = over_tasks(torch.cosine_similarity(one, other.roll(1, 0), dim=1))
    print(f"{name:20}{agree[name].mean:>12.1f}{abs(control.mean):>12.1f}")
meta = [agree[name] for name in ("maml", "fomaml", "reptile")]
lowest = min(each.mean - each.half_width for each in meta)
assert lowest > agree["joint"].mean + agree["joint"].half_width

# %% [markdown]
# Here too, and for all three methods, beyond the intervals. But joint training has gained as well: on these tasks its gradients agree more than at the random start, though nothing in its objective asks for it. So
# agreement goes *with* good starts. That does not yet say that it makes them.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Is agreement enough?
#
# So take it at its word. No inner loop, no path: joint training with the reward alone,
#
# $$L \;-\; w\; b_1 \cdot b_2,$$
#
# for two halves of each task's points. From the table, Reptile with $k = 5$ and $\alpha = 0.02$ weighs it with $w = \alpha (k-1)/4 = 0.02$: $(k-1)/2$ is its weight in the table, and another half comes from AvgGradInner being the gradient of *half* the product.
#
# **Predict.** Train with some weights $w$ below Reptile's, and with Reptile's own. What comes out at Reptile's own weight?
#
# - ( ) A start about as good as Reptile's.
# - ( ) A start worse than Reptile's, and better than joint training's.
# - ( ) Nothing of use.
#
# <details><summary>After you have guessed</summary>
#
# Nothing of use: the training explodes, though a little of the reward does help. An inner product of gradients can be made as large as you like, by making the gradients *long*. The real
# Reptile cannot do that. It has to walk along those gradients, and would be thrown out. The terms that the series cuts off hold it back.
#
# </details>

# %% [markdown] slideshow={"slide_type": "notes"}
# 1 min. No inner loop, no path: the reward by itself. Let them commit to one of the three before you go on.

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "slide"}
names = {"reward.0": "joint training,\nw = 0", "reward.0.001": "w = 0.001",
         "reward.0.003": "w = 0.003", "reward.0.02": "w = 0.02,\nReptile's own",
         "reptile": "Reptile\nitself"}
fig, ax = plt.subplots(figsize=(9, 4.3))
for shift, after, shade in ((-0.2, "1", 0.35), (0, "5", 0.65), (0.2, "32", 1.0)):
    for place, name in enumerate(names):
        row = seen[f"{name}.after {after}"]
        hue = style.color("reptile" if name == "reptile" else "baseline")
        if row["value"] is None:
            ax.plot(place + shift, 5.2, marker="x", markersize=11, markeredgewidth=3,
                    color=style.color("warning"))
            continue
        ax.errorbar(place + shift, row["value"], yerr=row["interval"], fmt="o",
                    markersize=9, color=hue, alpha=shade, capsize=4)
ax.text(3, 4.75, "exploded", ha="center", color=style.ink(style.color("warning")))
ax.set(xticks=range(len(names)), xticklabels=list(names.values()), ylim=(0, 5.6),
       ylabel="mean squared error\non new tasks",
       xlabel="in each group, pale to dark: after 1, 5 and 32 steps on ten points")
ax.set_title("A little of the reward helps; Reptile's own weight explodes")
show(fig, alt="Errors on new tasks after one, five and thirty-two steps, with intervals"
     " over seeds, for five trainings. A small reward for agreement lowers all three"
     " below those of joint training, a larger one does so with wide intervals, and "
     "at Reptile's own weight the training has exploded. Reptile itself is far below"
     " all.")

# %% [markdown] slideshow={"slide_type": "notes"}
# 3 min. This is the surprise. The reward alone does bring something, so the mechanism is real. And at the weight that the theory names it explodes, because a product of gradients has no upper bound. A series tells you how a function begins, not where it goes.

# %% [markdown]
# So agreement is more than a companion: with the smallest reward, joint training learns to adapt, after one, five and 32 steps, by more than the intervals. (With three times as much the three seeds differ too
# widely to say.) And it is less than the whole: at the weight that the series names nothing is learned but long gradients, and Reptile, which walks, is far better than all of them. Its agreement is also the highest of those that
# did not explode.
#
# **What we can say, then.** The term is exact, trained starts show it, and it helps by itself. That it *is* the reason why Reptile works does not follow, and these numbers speak against it being the only one.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A second view: near every task's solutions
#
# The series looks at short training. Look at the other end: each task is trained until it is solved. A network has more parameters than a task has points, so a task has not one solution but a
# whole surface of them, $W_\tau$. Training ends at a point of $W_\tau$ close by. Say it is the nearest one, $P_\tau(\theta)$. Then Reptile's arrow is $P_\tau(\theta) - \theta$, and
#
# $$\nabla_\theta\; \tfrac12\, D(\theta, W_\tau)^2 \;=\; \theta - P_\tau(\theta)$$
#
# Aloud: *the arrow from the nearest solution to me is the gradient of half my squared distance to the solutions.* So Reptile descends on the mean squared distance to all the $W_\tau$. Its start is the point
# that is near a solution of **every** task.

# %% [markdown] slideshow={"slide_type": "notes"}
# 3 min. Two lines on the board, a point beside them, two perpendiculars, and the mean of the two. Repeat it: the point walks into the crossing. Then say what is idealised: gradient descent ends near the nearest solution, not at it.

# %% [markdown]
# ## Your turn: 08.4, the nearest solution
#
# When a task has one point and the network is linear, its solutions are a line or a plane: all points with $n \cdot (\text{point} - a) = 0$. `project(theta, at, normal)` returns the nearest of them to `theta`. `at` is one solution, and
# `normal` may have any length.
#
# <details><summary>Hint 1</summary>Only the part of theta - at that points along the normal is wrong. How long is it?</details>
# <details><summary>Hint 2</summary>The part of v along n is n (n @ v) / (n @ n).</details>
# <details><summary>Hint 3</summary><code>return theta - normal * (normal @ (theta - at)) / ...</code></details>


# %% tags=["exercise"]
def project(theta, at, normal):
    """The nearest point to theta with normal . (point - at) = 0."""
    ### BEGIN SOLUTION
    return theta - normal * (normal @ (theta - at)) / (normal @ normal)
    ### END SOLUTION


# %%
check("08.4", project)

# %% [markdown]
# Is it true of the real `reptile_gradient`? Five linear tasks with two points each and four parameters: every task is solved on a plane, and no point solves all. An inner step at rate 0.9 leaves a tenth of the way to the plane; after twenty,
# less than a float64 rounds away. So the arrow should be the mean way to the nearest solutions, and Reptile should rest where they cancel: at the least-squares point.

# %%
g = torch.Generator().manual_seed(4)
# [5 tasks, 2 points, 4 inputs]
rows_of = torch.linalg.qr(torch.randn(5, 4, 2, generator=g, dtype=torch.float64)).Q.mT
y_of = torch.randn(5, 2, 1, generator=g, dtype=torch.float64)
linear = Episode(rows_of, y_of, rows_of, y_of)
here = {"theta": torch.ones(4, dtype=torch.float64)}


def answers(params, x):
    return x @ params["theta"].unsqueeze(-1)


def half_squares(outputs, y):
    return (outputs - y).square().sum((-2, -1)) / 2


arrow, _ = reptile_gradient(answers, half_squares, here, linear, sgd(0.9), 20)
# theta - P(theta), because the rows are orthonormal
way = (rows_of.mT @ (answers(here, rows_of) - y_of)).squeeze(-1)
assert compare("theta - phi after 20 steps", arrow["theta"],
               "the mean way to the nearest solutions", way.mean(0), to=1e-12)
for _ in range(600):
    arrow, _ = reptile_gradient(answers, half_squares, here, linear, sgd(0.9), 20)
    here = subtract(here, arrow)
least_squares = torch.linalg.lstsq(rows_of.reshape(10, 4),
                                   y_of.reshape(10, 1)).solution.squeeze(-1)
assert compare("where Reptile rests", here["theta"], "the least-squares point",
               least_squares, to=1e-9)

# %% [markdown]
# ## Walk it yourself
#
# Below, the plane is the space of two parameters, and each black curve holds the solutions of one task. $h$ says how steep the loss is beside it. Drag the start. Thin grey: training on each task. Dotted green: Reptile.
#
# - **Two lines** cross. Wherever you start, Reptile ends in the crossing. Take the tasks in turn: it zigzags there.
# - **Three lines** do not. Find the place where the pulls cancel. Then turn $k$ down to 1, and see which task the place moves to.
# - **Circles** cross twice. Which of the two crossings do you get?
#
# <details><summary>What you should have found</summary>
#
# With $k = 1$ the place moves towards the steep task C; with many steps it is nearly where exact projections rest. Of the two crossings you get the one on your side of the line through both centres.
#
# </details>
#
# At first the scene is <span data-moves="Projections.scene">three lines</span>, the tasks are taken <span data-moves="Projections.order">all at once</span>, the outer rate is <span data-moves="Projections.beta">0.3</span>.

# %% tags=["opening"] slideshow={"slide_type": "slide"}
view = Projections("three lines", exact=True)
view

# %% [markdown] slideshow={"slide_type": "notes"}
# 4 min. Begin with two lines, tasks in turn, beta 1: projections bounce into the crossing. Then three lines: let the room say where it will rest before you drag. Then k equal to 1, joint training: the place moves towards the steep task C, because short training goes further where the loss is steep. Exact projections do not care how steep a task is. So the two views are two ends of one method: few short steps are joint training plus a little agreement, training to the end is the point nearest to all solutions.

# %%
for scene, inner_steps, exact in (("two lines", 1, True), ("three lines", 1, True),
                                  ("three lines", 1, False), ("circles", 20, False)):
    view.scene, view.inner, view.exact = scene, inner_steps, exact
    print(view.summary)
view.scene, view.inner, view.exact = "three lines", 3, True  # as it was: your turn

# %% [markdown]
# **What moved the place?** With one inner step the arrow of a task is $\alpha h$ times the way to its solutions, so a steep task pulls harder. That is joint training: its minimum is near the steep task, because there mistakes cost
# most. With many steps every task is solved, and counts the same.
#
# The two views are two ends of one method. Few short steps: joint training, plus a little agreement. Training to the end: the point nearest to all solutions.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Why is joint training such a strong rival?
#
# In all three formulas the first term is AvgGrad: joint training. The rest has an $\alpha$ in front. So the question is not why joint training and fine-tuning often works. It is when it *fails*. Three
# cases where it does not:
#
# - **One point solves all tasks.** Then all $W_\tau$ meet there, and joint training finds it as well.
# - **All tasks bend alike.** For losses $\tfrac12(\theta - a_\tau)^\top H\,(\theta - a_\tau)$ with one $H$, joint training, MAML and Reptile all rest at the mean of the $a_\tau$.
# - **The tasks do not contradict each other.** Classes with labels of their own can all be trained into one network, and its features serve new classes.

# %% [markdown] slideshow={"slide_type": "notes"}
# 3 min. Take the second point to the board: if every task has the same Hessian, one step multiplies every error by the same matrix, so it does not matter for the best start. The third is a guess at why careful baselines on mini-ImageNet keep up with meta-learning.

# %% [markdown]
# The second case, checked: ten tasks with two parameters. MAML's best start has a closed form on quadratics, the weighted mean with the weights $M H_\tau M$, $M = I - \alpha H_\tau$. Joint training weighs with $H_\tau$. How much lower is the mean loss after one step from MAML's
# start than from that of joint training?

# %%
def best_starts(hessians, centres, alpha):
    """The starts with the least mean loss before a step (joint) and after it (MAML)."""
    found = []
    for steps in (0, 1):
        one_step = torch.eye(2, dtype=torch.float64) - alpha * hessians
        shrink = torch.linalg.matrix_power(one_step, steps)
        weights = shrink.mT @ hessians @ shrink
        found.append(torch.linalg.solve(weights.sum(0), (weights @ centres).sum(0)))
    return found


def after_one_step(theta, hessians, centres, alpha):
    left = (torch.eye(2, dtype=torch.float64) - alpha * hessians) @ (theta - centres)
    return (left.mT @ hessians @ left / 2).mean().item()


g = torch.Generator().manual_seed(9)
centres = torch.randn(10, 2, 1, generator=g, dtype=torch.float64)
turns = torch.linalg.qr(torch.randn(10, 2, 2, generator=g, dtype=torch.float64)).Q
random = torch.rand(10, 2, generator=g, dtype=torch.float64)
for spread in (1, 3, 10):
    steep = spread ** (2 * random - 1) if spread > 1 else torch.ones_like(random)
    hessians = turns @ torch.diag_embed(steep) @ turns.mT
    alpha = 0.9 / steep.max().item()
    joint, maml = best_starts(hessians, centres, alpha)
    from_joint, from_maml = (after_one_step(start, hessians, centres, alpha)
                             for start in (joint, maml))
    gain = 1 - from_maml / from_joint
    print(f"steepness between 1/{spread} and {spread}: {abs(100 * gain):3.0f} % lower "
          f"from MAML's start; starts {(joint - maml).norm():.2f} apart")

# %% [markdown]
# Sinusoids are the opposite of the third case. For the same $x$ one task says $+3$ and another $-3$. Joint training can only answer with the mean, and the features it needs for that are none. We take that for the reason why
# it loses by so much here. On image benchmarks Chen et al. 2019 and Tian et al. 2020 found that training on all classes at once, with a new classifier at test, was level with or above the meta-learners they compared. We have not
# repeated those experiments.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Pitfall: a series, quoted
#
# The two-term formula is a statement about small $\alpha$. As a reason why these methods work it must be true *at the rates that they are trained with*. Is it? Take two trained starts, Reptile's smooth tanh network and MAML's
# ReLU network, walk some steps on minibatches of a task, and compare the next gradient with the key line. What share of the change $g - b$ do the two terms miss?

# %% [markdown] slideshow={"slide_type": "-"}
# **Predict.** The networks were trained with rates of 0.01 and 0.02. Take such a rate, and three walks: one step of the tanh network, four steps of it, one
# step of the ReLU network. After which of them does the formula miss less than a fifth of the change?
#
# - ( ) all three
# - ( ) both walks of the smooth tanh network
# - ( ) one step of the tanh network
# - ( ) none
#
# <details><summary>After you have guessed</summary>
#
# One step of the tanh network. There it is good, and after four steps it is poor, the number that Reptile's last gradient has behind it. For the ReLU network it misses half and more, and it does *not* become good at small rates: a ReLU network is linear in pieces, its
# Hessian knows nothing of the kinks between them, and there is no Taylor series across a kink.
#
# </details>

# %% [markdown] slideshow={"slide_type": "notes"}
# 1 min. Collect three guesses, the smooth network first.

# %%
def share_missed(net, theta, episode, steps, alpha):
    """The share of g - b that the two terms miss after some steps: the median task."""
    missed = []
    for x, y in zip(episode.support_x, episode.support_y):
        parts = [(x[i : i + 10], y[i : i + 10]) for i in range(0, 10 * (steps + 1), 10)]
        losses = [lambda p, x=x, y=y: squared_error(net(p, x), y) for x, y in parts]
        b, (_, met) = [grad(loss)(theta) for loss in losses], walk(losses, theta, alpha)
        change = subtract(met[-1], b[-1])
        predicted = scale(-alpha, jvp(grad(losses[-1]), (theta,), (total(b[:-1]),))[1])
        missed.append((norm(subtract(change, predicted)) / norm(change)).item())
    return 100 * torch.tensor(missed).median().item()


smooth = load_checkpoint(folder / "07-serial.safetensors").tensors
tanh = MLP((1, 64, 64, 1), activation="tanh")
cases = {
    "MAML, ReLU, one step": (NET, stored["maml"].tensors, Sinusoids.finn(), 1, "maml"),
    "Reptile, tanh, four steps": (tanh, smooth, Sinusoids.reptile(), 4, "reptile"),
    "Reptile, tanh, one step": (tanh, smooth, Sinusoids.reptile(), 1, "reptile"),
}
tried = [0.04 / 2**n for n in range(8)]
misses = {}
for name, (net, tensors, family, steps, _) in cases.items():
    start = {n.removeprefix("theta."): v.double() for n, v in tensors.items()}
    tasks = family.sample(40, 50, 1, generator=torch.Generator().manual_seed(10),
                          dtype=torch.float64)
    misses[name] = [share_missed(net, start, tasks, steps, alpha) for alpha in tried]

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "slide"}
fig, ax = plt.subplots(figsize=(8.5, 3.9))
for name, (*_, look) in cases.items():
    thin = {"linewidth": 2.0} if "one step" in name and look == "reptile" else {}
    line, = ax.loglog(tried, misses[name], **style.method(look) | thin)
    style.label_line(ax, line, name, x=tried[0])
ax.axvspan(0.01, 0.02, color="#e4e6ea", linewidth=0)
ax.text(0.0142, 0.75, "rates they were\ntrained with", ha="center", fontsize=11)
ax.set(xlabel="inner rate α", ylabel="missed by the two terms,\n% of the change",
       yticks=[1, 10, 100], ylim=(0.5, 1000))
ax.set_yticklabels(["1", "10", "100"])
ax.set_title("Good for one smooth step, and for little else")
show(fig, alt="Share of a gradient's change that the formula misses, against the inner "
     "rate, both logarithmic. For the tanh network it falls in proportion to the rate; "
     "after one step it is small at the rates of training, after four it is large. For "
     "the ReLU network it is large at all rates.")

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. The grey band is where the networks were trained. Thin green, one step: the formula is good there. Thick green, four steps: it is not. Blue never becomes good. So the term is a true statement about the beginning of the path, and a hint about the rest. Say so when you use it.

# %% [markdown]
# **Detector.** Before you explain anything with a series, look at the share that it misses: it should be small, and halve with the rate.

# %%
def verdict(at, at_half):
    """Good if little is missed at the rate, and at half the rate about half of that."""
    good = at < 30 and at_half < 0.65 * at
    return f"{at:.2g} %, then {at_half:.2g} %: {'good' if good else 'alarm'}"


print(f"{'missed at the rate, at half':26}{'rate 0.02':>26}{'rate 0.0006':>26}")
for name, shares in misses.items():
    print(f"{name:26}{verdict(*shares[1:3]):>26}{verdict(*shares[6:8]):>26}")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What you learned
#
# - To first order in $\alpha$, MAML, FOMAML and Reptile descend on AvgGrad minus some AvgGradInner: $2(k-1)$, $k-1$ and $k(k-1)/2$ times $\alpha$.
# - AvgGradInner is the gradient of how much two minibatches of one task agree. No second derivative is needed to follow it.
# - Trained starts show the agreement. Rewarding it alone helps, and at full weight it explodes: the rest of the series matters.
# - The second view is a start near every task's solutions.
# - Plain SGD has the agreement term too, for all pairs of minibatches. Reptile turns those of two tasks down, by $\beta$.
# - Joint training is the first term of everything. It fails where tasks contradict each other or bend differently.

# %% [markdown] slideshow={"slide_type": "notes"}
# 1 min. Two true stories, neither of them complete.

# %% [markdown]
# ## Quiz
#
# <details><summary>1. In your FOMAML the last minibatch is the same as one of the earlier ones. Which term of the table has changed?</summary>
#
# The one with H_k (b_1 + ... + b_(k-1)): one of the b is now b_k itself. H_k b_k is the gradient of half its own squared length, so a part of the reward for agreement has become a reward for long gradients. Nichol and others found that FOMAML gets
# worse by this, and [lesson 10](10_omniglot_fomaml_and_reptile.ipynb) looks at it.
#
# </details>
#
# <details><summary>2. Reptile weighs the second term least of the three, (k - 1)/2 for one of the first. Does it then adapt worst?</summary>
#
# Not for that reason alone. The weight comes with alpha, and Reptile may take more and longer inner steps, because they cost little. And beyond small alpha the two terms describe none of the methods well.
#
# </details>
#
# <details><summary>3. Two tasks' solution lines are parallel. Where does Reptile rest with exact projections, and where does joint training, if one task is four times as steep?</summary>
#
# Reptile rests anywhere on the line halfway between them: the pulls are equally long there. Joint training weighs them with 4 and 1 and rests at a fifth of the way from the steep one.
#
# </details>
#
# ## References
#
# - Nichol, Achiam, Schulman 2018, [On first-order meta-learning algorithms](https://arxiv.org/abs/1803.02999), section 5: both views.
# - Finn, Abbeel, Levine 2017, [Model-agnostic meta-learning](https://arxiv.org/abs/1703.03400), section 5.2: first order.
# - Chen, Liu, Kira, Wang, Huang 2019, [A closer look at few-shot classification](https://arxiv.org/abs/1904.04232).
# - Tian, Wang, Krishnan, Tenenbaum, Isola 2020, [A good embedding is all you need?](https://arxiv.org/abs/2003.11539).
#
# ## Next
#
# [Lesson 09: MAML on real letters](09_omniglot_maml.ipynb), and with [lesson 10](10_omniglot_fomaml_and_reptile.ipynb) the same episodes for FOMAML and Reptile.
# [Lesson 11](11_loss_landscapes.ipynb) draws what such starts look like.
