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
# # 07 Reptile
#
# Train on a task, then move the start a little towards where training ended. That is the whole method, it needs no second derivative,
# and the start learns to learn.
#
# **You will be able to**
#
# - write Reptile in ten lines, train a start with them, and put Adam outside,
# - say what its step is made of, prove when it is a method that you know, and show what the minibatches do,
# - run the published demo and read its error beside the line that no start can beat without adapting,
# - recognise Reptile under three other names: Lookahead, federated averaging, parallel SGD,
# - catch a bug on which nothing crashes, with one line.
#
# **Prerequisites:** [lesson 03](03_gradient_descent_is_an_lstm_cell.ipynb) for gradient descent step by step, and
# [lesson 01](01_a_task_is_a_data_point.ipynb) for tasks. [Lesson 06](06_maml_on_sinusoids.ipynb) has MAML on the same kind of tasks;
# you can read this one first.
#
# **Time:** 30 minutes of reading, and 35 minutes for the exercises.
#
# **What it costs to run:** *smoke* takes under 60 s on two cores and trains too little. *lecture* takes about 1 minute: the published demo in full.
# *paper* takes about 5 minutes: the demo three times, from three seeds, and no GPU.
# What stands beside it was trained by `python -m studies.lesson07_sinusoids` and `studies.lesson07_minibatches`, and comes with the course.

# %% [markdown] slideshow={"slide_type": "notes"}
# 1 min. Read the promise. It is the shortest algorithm of the course, so the lecture is not about how it goes, but about why it is not what it looks like: training on everything at once.

# %% tags=["parameters"]
PROFILE = "smoke"  # "smoke", "lecture" or "paper": the same cells, three budgets

# %% tags=["setup"]
import copy
import json

import matplotlib.pyplot as plt
import torch

from mlteach.checkpoint import load_checkpoint, params_from
from mlteach.exercises import check, find, yours
from mlteach.explore import AdaptationLab, style
from mlteach.explore.figure import show
from mlteach.fit import fit
from mlteach.inner import adam, adapt, sgd
from mlteach.inner.adapt import steps_of
from mlteach.measure import compare, over_seeds, over_tasks, record, recorded
from mlteach.measure.ledger import data_folder
from mlteach.nets import MLP, squared_error
from mlteach.outer import reptile_gradient
from mlteach.params import gradient_of, leaves, norm, scale, stack, subtract
from mlteach.tasks import Episode, Sinusoids

torch.set_num_threads(1)  # tensors as small as ours are quicker on one thread
style.use()
BUDGETS = {
    "smoke": dict(outer_steps=1500, seeds=[0], tasks=200),
    "lecture": dict(outer_steps=30_000, seeds=[0], tasks=1000),
    "paper": dict(outer_steps=30_000, seeds=[0, 1, 2], tasks=1000),
}
budget = BUDGETS[PROFILE]

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The tasks
#
# The tasks are those of the demo that came with the Reptile paper: $y = A \sin(x + \text{phase})$ at 50 fixed places from $-5$ to $5$.
# The amplitude $A$ is between 0.1 and 5, and the phase goes all the way around, from 0 to $2\pi$. The network is small: one number in,
# two layers of 64 with tanh, one number out.
#
# For every sinusoid there is one with the opposite sign. So without a look at the task, the best guess is zero everywhere. Its mean
# squared error is $E[A^2]/2$, and *no* network can do better before it adapts.

# %% slideshow={"slide_type": "fragment", "code": false}
FAMILY = Sinusoids.reptile()
NET = MLP((1, 64, 64, 1), activation="tanh", start="uniform")
zero_shot = FAMILY.zero_shot_mse()


def grid_tasks(tasks, generator, points=50):
    """Tasks on the demo's 50 places: `points` of them as support, all as queries."""
    amplitude, phase = FAMILY.draw(tasks, generator=generator)
    x = torch.linspace(-5, 5, 50, dtype=torch.float64)
    x = x.reshape(1, 50, 1).expand(tasks, -1, -1)
    order = torch.rand(tasks, 50, generator=generator).argsort(1)[:, :points, None]
    support = x.gather(1, order)
    return Episode(support, FAMILY.value(support, amplitude, phase), x,
                   FAMILY.value(x, amplitude, phase))


def single(episode):
    """In float32, to train with."""
    return episode.to(dtype=torch.float32)


print(f"the lowest error without adapting: {zero_shot:.2f}")


# %% [markdown] slideshow={"slide_type": "notes"}
# 1 min. Draw two sinusoids of opposite sign, and their mean: the flat line. The number under the text is the error of that line, and it is the reference for the whole hour. It belongs to this family: Finn's sinusoids have phases from 0 to pi and another number, so errors of the two must not stand in one table.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Two flat lines
#
# Here are two trained starts. Both saw the same kind of tasks, $A \sin(x + \text{phase})$, and both took 150,000 gradients. One was trained on all
# tasks at once, the other by Reptile. Before it has seen a point of the new task, neither can do better than the flat line at zero.
#
# **Predict.** Both now make ten steps of gradient descent on ten points of one wave, at the same rate. What will you see?
#
# - ( ) Both follow the wave, about equally well.
# - ( ) One follows the wave, and the other moves a little and does not follow it.
# - ( ) Both have moved, and neither follows the wave.
#
# <details><summary>After you have guessed</summary>
#
# One follows the wave, and the other moves a little and does not follow it: Reptile's does, and joint training's does not. Both starts *are* nearly the same function, and they are not the same point. What a function is says nothing about how it
# changes when you pull at it.
#
# </details>

# %% [markdown] slideshow={"slide_type": "notes"}
# 1 min. Vote. The question to carry through the hour: two starts, one function; can they differ at all?

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "slide"}
like = NET.init(torch.Generator().manual_seed(0))
starts = {
    name: params_from(
        load_checkpoint(data_folder() / "checkpoints" / f"07-{name}.safetensors"), like,
    )
    for name in ("serial", "joint")
}
task = grid_tasks(1, torch.Generator().manual_seed(31), points=10)
x, y, all_x, all_y = (each[0] for each in single(task))
fig, axes = plt.subplots(1, 2, figsize=(10, 3.8), sharey=True)
for name, look, said in (("serial", "reptile", "Reptile"),
                         ("joint", "baseline", "joint training")):
    path = adapt(lambda theta: squared_error(NET(theta, x), y), starts[name], sgd(0.02),
                 10, path=True)
    for ax, theta in zip(axes, (path[0], path[-1])):
        line, = ax.plot(all_x, NET(theta, all_x).detach(), **style.method(look))
        if ax is axes[1]:
            style.label_line(ax, line, said)
for ax, title in zip(axes,
                     ("Before: two flat lines", "After ten steps: one has learned")):
    ax.plot(all_x, all_y, **style.method("truth"))
    ax.plot(x, y, "ko", markersize=5)
    ax.set(xlabel="x", title=title, xlim=(-5.2, 5.2))
axes[0].set_ylabel("y")
show(fig, alt="Two panels over x from -5 to 5, the same sinusoid in both with ten of "
     "its points. Left, before adapting: the lines of Reptile and of joint "
     "training lie near zero, both. Right, after ten steps: Reptile's line follows "
     "the sinusoid, the line of joint training has bent a little and does not.")

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Left first: nobody can tell the two apart. Then the right one. Where does the difference sit, if not in the function?

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What does Reptile do?
#
# Call the start $\theta$. Draw a task, train on it for $k$ steps at the rate $\alpha$ as you would train anything, and call the place where training ends $\varphi$, so
# $\varphi = \theta_k$. Then move with the outer rate $\beta$ (the paper writes $\epsilon$):
#
# $$\theta \;\leftarrow\; \theta + \beta\,(\varphi - \theta) \;=\; (1-\beta)\,\theta + \beta\,\varphi$$
#
# Aloud: *move the start a part of the way to where training ended.* Read the right side: $\theta$ is a **running average** of the ends of all trainings so far, in which the older ones fade.
#
# With several tasks, train on each from the same $\theta$, and move towards their mean:
#
# $$\theta \;\leftarrow\; \theta + \beta\,\frac{1}{n}\sum_{\tau=1}^{n} (\varphi^{\tau} - \theta)$$

# %% [markdown] slideshow={"slide_type": "notes"}
# 3 min. Draw it: a point, an arrow to phi, and a short step along it. Then the next task pulls elsewhere. Ask what is missing compared with MAML: no query set, no gradient through training.

# %% [markdown]
# Here is a plane of two parameters with five tasks. Each task's loss is a round valley, and the letter stands at its bottom. Training takes three steps on each.

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "slide"}
bottoms = torch.tensor([[1.9, 0.1], [1.4, -1.5], [-0.5, -1.7], [-2.0, 0.9], [0.2, 1.6]])
steep = torch.tensor([1.0, 2.2, 0.7, 1.5, 1.0])  # how steep each valley is


def trained_on(task, start, k=3, alpha=0.25):
    """The k + 1 places of gradient descent on one of the valleys."""
    places = [start]
    for _ in range(k):
        places.append(places[-1] - alpha * steep[task] * (places[-1] - bottoms[task]))
    return torch.stack(places)


begin, beta, green = torch.tensor([-1.4, -0.8]), 0.4, style.color("reptile")
fig, axes = plt.subplots(1, 2, figsize=(10, 4.3), sharex=True, sharey=True)
walks = [trained_on(task, begin) for task in range(5)]
mean = torch.stack([walk[-1] for walk in walks]).mean(0)
left = begin
for task in (0, 1, 2, 3, 4):
    for ax, walk in ((axes[0], walks[task]), (axes[1], trained_on(task, left))):
        ax.plot(*walk.T, color=style.color("baseline"), linewidth=1, linestyle="-",
                marker="o", markersize=4)
    after = left + beta * (trained_on(task, left)[-1] - left)
    axes[1].plot(*torch.stack([left, after]).T, "-", color=green, linewidth=3)
    axes[1].plot(*after, "o", color=green, markersize=8)
    left = after
axes[0].plot(*torch.stack([begin, mean]).T, ":", color=green, linewidth=2)
axes[0].plot(*mean, "o", color=green, markersize=9, markerfacecolor="white")
axes[0].annotate("mean of the φ", mean, xytext=(4, 9), textcoords="offset points",
                 color=style.ink(green))
moved = begin + beta * (mean - begin)
axes[0].plot(*torch.stack([begin, moved]).T, "-", color=green, linewidth=3)
axes[0].plot(*moved, "o", color=green, markersize=8)
for ax, title in zip(axes, ("Wait for five, step once",
                            "Or step after each: a running average")):
    ax.plot(*begin, "ko", markersize=7)
    ax.annotate("θ", begin, xytext=(-14, -10), textcoords="offset points", fontsize=14)
    for letter, place in zip("ABCDE", bottoms):
        ax.text(*place, letter, ha="center", va="center", fontsize=13, weight="bold")
    ax.set(title=title, xlabel="first parameter", xlim=(-2.5, 2.4), ylim=(-2, 2))
axes[0].set_ylabel("second parameter")
show(fig, alt="A plane of two parameters with the bottoms of five tasks, A to E, and a "
     "start at the lower left. Left: from the start a grey path of three steps leads "
     "towards each task, every one in its own direction, and a thick green step goes a "
     "part of the way to the mean of their ends. Right: a green step after each task, "
     "so that the start bends towards every task in turn.")

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Every task pulls theta its own way. Left: wait for five, and make one step. Right: step after each; that is the serial version, and the demo's. Ask who would go further with the same five trainings, and whose path depends on the order. Say what waiting buys: steps that agree, and five trainings at once on a GPU. It costs five times as many.

# %% [markdown]
# Why wait for a batch of tasks at all? What the tasks have in common, all arrows share; what one of them wants alone, mostly cancels in the mean. So a step of five is less noisy, and the five can be trained
# side by side. It also costs five trainings. With the same number of gradients in all, is it worth it? The table below shows both.
#
# ## Your turn: 07.1, Reptile in ten lines
#
# `reptile_step(loss, theta, tasks, beta, alpha)` returns the start after one outer step. A task is a list of $k$ minibatches, one for each inner step. `loss(phi, minibatch)` is a number. `theta` is a dict of
# tensors, and so is $\varphi$. Two loops, and a move: all of Reptile.
#
# The setup gives you `leaves(phi)`, the same numbers ready to be differentiated by, and `gradient_of(value, point)`, the gradient of `value` for each tensor of such a `point`.
#
# <details><summary>Hint 1</summary>Two loops: over the tasks, and inside over a task's minibatches. Every task begins with <code>phi = theta</code>.</details>
# <details><summary>Hint 2</summary>An inner step: <code>point = leaves(phi)</code>, then <code>gradient = gradient_of(loss(point, minibatch), point)</code>, and phi goes alpha times that downhill. Collect the phis.</details>
# <details><summary>Hint 3</summary>After the loops one move: <code>value + beta * sum(phi[name] - value for phi in phis) / ...</code>, for every name: divided by what?</details>


# %% tags=["exercise"]
def reptile_step(loss, theta, tasks, beta, alpha):
    """The start after one outer step of Reptile on some tasks."""
    ### BEGIN SOLUTION
    phis = []
    for minibatches in tasks:
        phi = theta
        for minibatch in minibatches:
            point = leaves(phi)
            gradient = gradient_of(loss(point, minibatch), point)
            phi = {name: value - alpha * gradient[name] for name, value in phi.items()}
        phis.append(phi)
    return {
        name: value + beta * sum(phi[name] - value for phi in phis) / len(phis)
        for name, value in theta.items()
    }
    ### END SOLUTION


# %%
check("07.1", reptile_step)

# %% [markdown]
# From here on the lesson runs on it: what is trained below, drawn, and handed to the explorer is made by your ten lines, where they pass.

# %%
reptile_step = yours("07.1", reptile_step, otherwise=find("07.1").solution)

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Ten lines, and no second derivative
#
# Two loops and a move; nothing flows back through the inner loop.
#
# <details><summary>The whole of it, when you have written yours</summary>
#
# ```python
# def reptile_step(loss, theta, tasks, beta, alpha):
#     phis = []
#     for minibatches in tasks:                    # each task from the same theta
#         phi = theta
#         for minibatch in minibatches:            # k steps of ordinary training
#             point = leaves(phi)
#             gradient = gradient_of(loss(point, minibatch), point)
#             phi = {name: value - alpha * gradient[name] for name, value in phi.items()}
#         phis.append(phi)
#     return {name: value + beta * sum(phi[name] - value for phi in phis) / len(phis)
#             for name, value in theta.items()}
# ```
#
# </details>

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Five of the lines are ordinary training. There is no `create_graph` anywhere: nothing flows through the inner loop. In the notebook this is the first exercise, and everything after it runs on the answer.

# %% [markdown]
# The package turns the same thing around. An optimizer wants something to descend on, and *minus the move*, $\theta - \varphi$, is such a thing:
# plain SGD with the rate $\beta$ then makes Reptile's step. So `reptile_gradient` returns $\theta - \varphi$, and everything
# else (schedules, Adam, checkpoints) comes from `fit`. Same numbers, for one task after the other with five minibatches each?

# %%
def in_tens(episode):
    """For each task the list of its minibatches, ten points each."""
    return [[(x[i : i + 10], y[i : i + 10]) for i in range(0, 50, 10)]
            for x, y in zip(*episode[:2])]


def loss_on(phi, minibatch):
    x, y = minibatch
    return (NET(phi, x) - y).square().mean()


def by_package(episodes, theta, beta, steps, batch):
    """Reptile on these episodes, one for each outer step."""
    drawn = iter(episodes)
    return fit(
        lambda theta, episode: reptile_gradient(
            NET, squared_error, theta, episode, sgd(0.02), steps, batch=batch,
        ),
        theta, lambda generator: next(drawn), steps=len(episodes),
        generator=torch.Generator(), lr=beta,
        optimizer=torch.optim.SGD, progress=None,
    ).theta


# %%
theta = NET.init(torch.Generator().manual_seed(1), torch.float64)
episodes = [grid_tasks(1, torch.Generator().manual_seed(seed)) for seed in range(5)]
ours = theta
for episode in episodes:
    ours = reptile_step(loss_on, ours, in_tens(episode), beta=0.1, alpha=0.02)
theirs = by_package(episodes, theta, beta=0.1, steps=5, batch=10)
assert compare("reptile_step", ours, "the package", theirs, to=1e-12)
pairs = [(episode.support_x[0], episode.support_y[0]) for episode in episodes]

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What is in the difference?
#
# Each inner step was $-\alpha$ times a gradient. Add the steps up, and everything in between cancels:
#
# $$\frac{\theta - \varphi}{\alpha} \;=\; g_1 + g_2 + \dots + g_k$$
#
# In words: the difference is the sum of the gradients that training met on its way. The first is taken at $\theta$, the second one step later,
# and so on.

# %% slideshow={"slide_type": "fragment"}
def gradients_on_the_way(theta, x, y, alpha, steps, batch, walk=True):
    """g_1, ..., g_k on one minibatch each: along the path, or (walk=False) at theta."""
    found, phi = [], theta
    for k in range(steps):
        point, some = leaves(phi if walk else theta), slice(k * batch, (k + 1) * batch)
        found.append(gradient_of(squared_error(NET(point, x[some]), y[some]), point))
        phi = subtract(phi, scale(alpha, found[-1]))
    return found


def total(parts):
    return {name: sum(part[name] for part in parts) for name in parts[0]}


(x, y), alpha = pairs[0], 0.02
met = gradients_on_the_way(theta, x, y, alpha, steps=5, batch=10)
moved, _ = reptile_gradient(NET, squared_error, theta, episodes[0], sgd(alpha), 5,
                            batch=10)
assert compare("the difference over alpha", scale(1 / alpha, moved),
               "the sum of the gradients", total(met), to=1e-10)

# %% [markdown] slideshow={"slide_type": "notes"}
# 3 min. Write the telescope on the board: theta minus theta one, plus theta one minus theta two, and so on. Everything in between cancels. Then the important half sentence: the second gradient is taken one step later.

# %% [markdown]
# ## Your turn: 07.2, how far does training go?
#
# A valley with one parameter: $L(\theta) = \tfrac{h}{2}(\theta - a)^2$. Its bottom is at $a$, and $h$ says how steep it is. `gone(theta, a, h, alpha, k)` returns $\theta - \varphi$
# after $k$ steps of gradient descent with the rate $\alpha$. One line, no loop.
#
# <details><summary>Hint 1</summary>One step takes theta to theta - alpha h (theta - a). By which factor has the distance to a shrunk?</details>
# <details><summary>Hint 2</summary>Each step multiplies the distance to a by (1 - alpha h). After k steps, phi - a = (1 - alpha h)^k (theta - a).</details>
# <details><summary>Hint 3</summary>theta - phi = (theta - a) - (phi - a). Put the second hint in.</details>


# %% tags=["exercise"]
def gone(theta, a, h, alpha, k):
    """theta - phi after k steps on L = h/2 (theta - a)^2."""
    ### BEGIN SOLUTION
    return (1 - (1 - alpha * h) ** k) * (theta - a)
    ### END SOLUTION


# %%
check("07.2", gone)

# %% [markdown]
# So in a valley the step goes *towards the bottom*, and the more steps, the nearer to all of the way: for large $k$ the factor is 1, and the difference is the
# whole distance to what solves the task. A sum of $k$ equal gradients would be something else: it would grow with $k$ for ever.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Is Reptile just SGD?
#
# The released code's own readers [asked this](https://github.com/openai/supervised-reptile/issues/20). The code looks like training on everything, with extra steps.
#
# **Predict.** Three settings. In which of them is Reptile exactly ordinary SGD?
#
# 1. One inner step, any $\beta$.
# 2. Several inner steps, one task at a time, $\beta = 1$.
# 3. Several inner steps, $\beta = 0.1$.
#
# - ( ) in none of them
# - ( ) in the first alone
# - ( ) in the first and the second
# - ( ) in all three
#
# <details><summary>After you have guessed</summary>
#
# In the first and the second. In the first it is SGD on all tasks, that is, joint training, with the rate $\alpha\beta$. In the second it is SGD too, only in an odd order: it stays $k$
# minibatches with a task before it goes on to the next. In the third it is not SGD.
#
# </details>

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Take the three votes one by one, and write the counts down. Ask those who say no to the second what plain SGD would do with the same minibatches.

# %% slideshow={"slide_type": "slide"}
def plain_sgd(theta, minibatches, rate):
    """Ordinary training: every minibatch moves the same weights."""
    weights = leaves(theta)
    optimizer = torch.optim.SGD(weights.values(), lr=rate)
    for x, y in minibatches:
        optimizer.zero_grad()
        squared_error(NET(weights, x), y).backward()
        optimizer.step()
    return {name: value.detach() for name, value in weights.items()}


whole = [(x, y) for x, y in pairs]
in_parts = [(x[i : i + 10], y[i : i + 10]) for x, y in pairs for i in range(0, 50, 10)]
for said, beta, k, minibatches in (
    ("1. k = 1, beta = 0.1", 0.1, 1, whole),
    ("2. k = 5, beta = 1", 1.0, 5, in_parts),
    ("3. k = 5, beta = 0.1", 0.1, 5, in_parts),
):
    reptile = by_package(episodes, theta, beta=beta, steps=k, batch=50 // k)
    ordinary = plain_sgd(theta, minibatches, beta * 0.02)
    apart = norm(subtract(reptile, ordinary)) / norm(subtract(ordinary, theta))
    told = "the same, to 1e-10" if apart < 1e-10 else f"{100 * apart:.0f} % apart"
    print(f"{said:21} and SGD at the rate alpha beta: {told}")

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Compare with the counts. The first answer is an identity that tests can hold on to: k equals one is joint training. The third is where Reptile begins.

# %% [markdown]
# And with many tasks and one step each, batched Reptile is joint training on the mean loss:

# %% jupyter={"source_hidden": true}
many = grid_tasks(20, torch.Generator().manual_seed(3))
point = leaves(theta)
mean_loss = squared_error(NET(stack(point, 20), many.support_x), many.support_y).mean()
one, _ = reptile_gradient(NET, squared_error, theta, many, sgd(alpha), 1)
assert compare("k = 1, 20 tasks", scale(1 / alpha, one),
               "the gradient of the mean loss", gradient_of(mean_loss, point), to=1e-12)

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Where does it leave joint training?
#
# The $k$ gradients are the same minibatches as in joint training. Only the *places* differ, at which they are taken. So take the five
# minibatches of a task twice: along the path, and all of them at $\theta$. How far are the two sums apart?

# %% jupyter={"source_hidden": true}
ks, tried = range(1, 11), grid_tasks(100, torch.Generator().manual_seed(4))


def gaps(theta):
    """For each k, over 100 tasks: how far the two sums are apart, in percent."""
    seen = {k: [] for k in ks}
    for x, y in zip(tried.support_x, tried.support_y):
        way, still = (gradients_on_the_way(theta, x, y, alpha, 10, 5, walk=walk)
                      for walk in (True, False))
        for k in ks:
            along, at = total(way[:k]), total(still[:k])
            seen[k].append(100 * (norm(subtract(along, at)) / norm(at)).item())
    return [over_tasks(seen[k]) for k in ks]


trained = {name: value.double() for name, value in starts["serial"].items()}
fresh = {name: value.double() for name, value in like.items()}

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "fragment"}
fig, ax = plt.subplots(figsize=(8, 3.8))
for found, look, said in ((gaps(trained), "reptile", "a start trained by Reptile"),
                          (gaps(fresh), "baseline", "a random start")):
    means, half = [each.mean for each in found], [each.half_width for each in found]
    line, = ax.plot(ks, means, **style.method(look))
    ax.fill_between(ks, [m - h for m, h in zip(means, half)],
                    [m + h for m, h in zip(means, half)], color=style.color(look),
                    alpha=0.15, linewidth=0)
    style.label_line(ax, line, said)
ax.set(xlabel="inner steps k, on minibatches of 5 points",
       ylabel="away from joint\ntraining's step, %", xticks=ks, xlim=(1, 10),
       ylim=(0, None))
ax.set_title("With one step there is no difference. Then it grows")
show(fig, alt="Two curves over the number of inner steps, both zero at one step and "
     "rising from there: Reptile's step leaves that of joint training. The curve for a "
     "start trained by Reptile lies above that of a random start.")

# %% [markdown] slideshow={"slide_type": "notes"}
# 3 min. Same minibatches, other places. At one step the gap is zero, by the identity. What it consists of is the whole of lesson 08: to first order in alpha it is curvature times gradient.

# %% [markdown]
# So the answer is one sentence: *Reptile is SGD whose later gradients are taken where the earlier ones have led.* Everything that it can do and joint training
# cannot sits in that gap. [Lesson 08](08_why_first_order_works.ipynb) opens it.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Does it need support and query?
#
# MAML learns on one set and is judged on another. Look for the query set in Reptile's formula: there is none. A task may come as one bag of
# examples. Hand `reptile_gradient` other queries, and see what changes.

# %% slideshow={"slide_type": "fragment"}
other = many._replace(query_y=many.query_y + 100)
kept, said = reptile_gradient(NET, squared_error, theta, many, sgd(alpha), 5, batch=10)
also, says = reptile_gradient(NET, squared_error, theta, other, sgd(alpha), 5, batch=10)
assert compare("with right queries", kept, "with wrong queries", also)
print(f"only the number it reports is another: {said['loss']:.1f} and "
      f"{says['loss']:.0f}")

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Exact, not nearly. Ask what MAML's gradient would do here. Then say what takes the place of the query set: the next minibatch is data that the earlier steps have not seen.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### What takes the place of the query set?
#
# The next minibatch: $g_2$ is taken on points that the first step has not seen. The demo shuffles a task's points and goes through them once. Does that matter? Three arms, everything else equal: each inner step sees **other ten** points, the **same
# ten** as all steps before, or **all fifty**. The starts are tested as ever, with five steps on ten points of new tasks, and once with five steps on all fifty.

# %% [markdown] slideshow={"slide_type": "notes"}
# 1 min. Ask for guesses, and keep them: is it the other points, or would all points at once be better still?

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "slide"}
control = recorded("07", "minibatches")
ks = sorted({int(name.split(".")[2]) for name in control})
arms = {
    "minibatches": ("other ten", style.method("reptile")),
    "same": ("same ten", style.method("warning")),
    "all": ("all fifty", style.method("baseline")),
}
fig, axes = plt.subplots(2, 2, figsize=(10, 6.2), sharex=True, sharey=True)
for row, points in zip(axes, (10, 50)):
    for ax, outer in zip(row, ("SGD", "Adam")):
        for nudge, (arm, (said, look)) in zip((0.98, 1.0, 1.02), arms.items()):
            cells = [control[f"{outer}.{arm}.{k}.judged on {points}"] for k in ks]
            means, half = [c["value"] for c in cells], [c["interval"] for c in cells]
            # a logarithmic axis has no zero: a bar that would reach it stops before
            bars = [min(h, 0.7 * m) for h, m in zip(half, means)], half
            drawn = ax.errorbar([k * nudge for k in ks], means, yerr=bars, capsize=4,
                                **look | {"marker": "o"})
            style.label_line(ax, drawn.lines[0], said)
        ax.axhline(zero_shot, **style.method("truth"))
        ax.set(xscale="log", xticks=ks, yscale="log", xlim=(1.8, 17),
               ylim=(0.02, 8), yticks=[0.05, 0.1, 0.2, 0.5, 1, 2, 5])
        ax.xaxis.set_major_formatter("{x:g}")
        ax.yaxis.set_major_formatter("{x:g}")
        ax.minorticks_off()
    row[0].set_ylabel(f"error after five steps\non {points} points")
axes[0][1].annotate("best without adapting", (16, zero_shot), xytext=(0, 5),
                    textcoords="offset points", ha="right", fontsize=12)
for ax, outer in zip(axes[0], ("plain SGD", "Adam")):
    ax.set_title(f"{outer} outside")
for ax in axes[1]:
    ax.set_xlabel("inner steps k in training")
show(fig, alt="Four panels of error on new tasks over the inner steps in training, with"
     " intervals over seeds: plain SGD or Adam outside, tested on ten points or on "
     "all fifty. From three steps on and tested on ten points, training on other "
     "ten points in each step is best by far. Tested on all fifty, the three come "
     "together as the steps become more. At two steps with plain SGD the order is "
     "another: the same ten are best. With Adam it is not.")

# %% [markdown] slideshow={"slide_type": "notes"}
# 3 min. Upper row first, from three steps on: other ten points beat the same ten by far, and the intervals are over five seeds. Then the lower row at five and ten steps: with all fifty points at the test the gap is nearly gone. So other points do not make the start faster, they make it generalise. Last the left panels at two steps: there the order is turned round, and at three it is halfway back. That is pace, not a better start: outside, plain SGD steps as far as the difference is long. Adam does not, and there the order holds.

# %% [markdown]
# Three things follow, at 6000 outer steps of five tasks, over five seeds:
#
# - **From three steps on, other points matter, and much.** Tested on ten points, a start from the same ten has two to five times the error of one from other ten, whichever optimizer is outside; with ten steps, when the minibatches come round a second time, still three times. All fifty in every step do no better than the same ten there, though each step sees more.
# - **What they buy is generalising, not speed.** Give the test all fifty points (lower row, five and ten steps), and the start from the same ten is nearly level. It learns a task from *all* its points about as well; it does not learn it from ten. With other points in each step, a later gradient is taken where the earlier points
#   have led, and asks whether that helped.
# - **At two steps with plain SGD outside, the order is reversed.** The same ten are the better ones there, and the minibatches have left the line by less than half. At three it is half reversed: other ten are ahead on ten points and behind on fifty. Adam outside, whose steps do not depend on how long the difference is, puts them first throughout. So what fails at two steps is the pace of that training, and not the minibatches. (Why with Adam two steps on the same ten stay behind even with fifty points at the test, these runs do not say.)

# %% [markdown]
# ## With another optimizer outside, and inside?
#
# **Outside.** $\theta - \varphi$ is an arrow, and any optimizer can follow it. The paper (section 3) would divide it by $\alpha$ first. For SGD that only renames $\beta$. For Adam it
# does not matter at all, up to the small constant in its denominator: Adam divides by the size of what comes in.

# %%
def run_with_adam(factor):
    """The start after some outer steps of Adam on factor * (theta - phi)."""
    drawn = iter(episodes)

    def scaled(theta, episode):
        moved, numbers = reptile_gradient(NET, squared_error, theta, episode,
                                          sgd(alpha), 5, batch=10)
        return scale(factor, moved), numbers

    return fit(scaled, theta, lambda generator: next(drawn), steps=len(episodes),
               generator=torch.Generator(), lr=1e-3, progress=None).theta


undivided, divided = run_with_adam(1.0), run_with_adam(1 / alpha)
apart = norm(subtract(undivided, divided)) / norm(subtract(undivided, theta))
print(f"dividing by alpha changes Adam's way by {100 * apart:.1g} % of its length")

# %% [markdown]
# **Inside.** For Omniglot the authors train with Adam in the inner loop, without its momentum ($\mu_1 = 0$; `adam` calls it `beta1`, as torch does). Then $k = 1$ is no longer
# joint training. Adam's first step divides the gradient by its own size, so what is left is its sign:

# %%
first, _ = reptile_gradient(NET, squared_error, theta, episodes[0],
                            adam(0.02, beta1=0.0), 1)
gradient = gradients_on_the_way(theta, x, y, alpha, steps=1, batch=50)[0]
sign = {name: 0.02 * g / (g.abs() + 1e-8) for name, g in gradient.items()}
assert compare("k = 1 with Adam inside", first, "alpha g / (|g| + 1e-8)", sign,
               to=1e-12)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The demo, as published
#
# One task after the other, five inner steps at rate 0.02 on minibatches of ten points, and a $\beta$ that falls from 0.1 to zero in a straight line. The published demo does this
# for 30,000 tasks, and so does *lecture*. *smoke* stops after 1500.
#
# With $\beta = 1$ your step goes all the way, to $\varphi$. So $\theta$ minus it is what SGD descends on, and SGD's falling rate is the falling $\beta$.

# %% [markdown] slideshow={"slide_type": "notes"}
# 1 min. This is the whole recipe, and the next picture is what it does. Nothing in it is tuned by us.

# %%
def minus_the_move(theta, episode):
    """theta - phi by your reptile_step, and the error after its five steps."""
    phi = reptile_step(loss_on, theta, in_tens(episode), beta=1.0, alpha=0.02)
    with torch.no_grad():
        after = loss_on(phi, (episode.query_x[0], episode.query_y[0]))
    return subtract(theta, phi), {"loss": after}


def train(seed):
    generator = torch.Generator().manual_seed(seed)
    return fit(
        minus_the_move, NET.init(generator),
        lambda generator: single(grid_tasks(1, generator)),
        steps=budget["outer_steps"], generator=generator, lr=0.1, schedule="linear",
        optimizer=torch.optim.SGD, progress=f"Reptile, seed {seed}",
    )


runs = [train(seed) for seed in budget["seeds"]]

# %% tags=["opening"] jupyter={"source_hidden": true} slideshow={"slide_type": "slide"}
kept = json.loads((data_folder() / "results" / "07-curve.json").read_text())
fig, ax = plt.subplots(figsize=(8.5, 3.6))
window = kept["window"]  # single tasks differ far too much to be read
for values in kept["serial"].values():
    line, = ax.plot([window * (k + 0.5) for k in range(len(values))], values,
                    color=style.color("reptile"), linestyle="-", linewidth=1)
style.label_line(ax, line, "recorded, three seeds", x=18_000, dx=0, dy=14)
for run in runs:
    means = torch.tensor(run.history["loss"]).unfold(0, window, window).mean(1)
    line, = ax.plot([window * (k + 0.5) for k in range(len(means))], means,
                    **style.method("reptile"))
if len(means) < 20:  # a short run has room for its name
    style.label_line(ax, line, "made here", dx=10)
ax.axhline(zero_shot, **style.method("truth"))
ax.annotate("no start does better than this without adapting", (30_000, zero_shot),
            xytext=(0, 8), textcoords="offset points", ha="right", fontsize=12)
ax.set(xlabel=f"tasks seen (means of {window})",
       ylabel="mean squared error\nafter five steps", ylim=(0, 1.25 * zero_shot),
       xlim=(0, 30_000))
ax.set_title("The start gets better at being trained")
show(fig, alt="The error after five inner steps over 30,000 tasks, for three recorded "
     "runs: it begins near the horizontal line of the best guess without adapting and "
     "falls to a small part of it, most of the way in the first third. The dotted line "
     "of the run made here follows the recorded ones as far as it goes.")

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Dotted is the run of this notebook: in the smoke profile it ends after 1500 tasks. The black line is the error that no start can beat without adapting. What falls below it is learned from the points of the task. If you have trained live, say so; the recorded runs come next.

# %% [markdown]
# Now the test, on tasks that no training has seen: gradient descent on ten random points of the 50, at the same rate 0.02, judged on all 50 after each step.

# %%
def errors(theta, episode, rate=0.02, steps=32):
    """Each task's error on all 50 points after 0, 1, ... steps: [tasks, steps + 1]."""
    start = stack({name: value.double() for name, value in theta.items()},
                  episode.tasks)
    with torch.no_grad():
        walk = steps_of(
            lambda phi: squared_error(NET(phi, episode.support_x), episode.support_y),
            start, sgd(rate), steps,
        )
        return torch.stack([squared_error(NET(phi, episode.query_x), episode.query_y)
                            for phi in walk], 1)


tests = grid_tasks(budget["tasks"], torch.Generator().manual_seed(1001), points=10)
live = [errors(run.theta, tests) for run in runs]
for step in (0, 1, 5, 32):
    seen = (over_tasks(live[0][:, step]) if len(live) == 1
            else over_seeds([each[:, step].mean().item() for each in live]))
    spread = "tasks" if len(live) == 1 else "seeds"
    record(f"serial.after {step}", seen, unit="MSE", seeds=budget["seeds"],
           seconds=runs[0].seconds, tasks=tests.tasks,
           note=f"{runs[0].step} tasks seen; interval over {spread}")
print(f"the start made here, before adapting: an error of {live[0][:, 0].mean():.1f}, "
      f"where the flat line has {zero_shot:.1f}")
print(f"after 32 steps: {live[0][:, 32].mean():.1f}")

# %% [markdown]
# The full runs are recorded: three seeds each, 1000 test tasks, always 150,000 minibatch gradients in training. *Serial* is the demo. *Batched* takes five tasks a step
# and a $\beta$ five times as large. *Adam* does the same with Adam outside. *Joint* takes one inner step: Reptile with $k = 1$, which is joint
# training, with Adam outside.

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "slide"}
demo = recorded("07", "demo")
steps = [int(name.split()[-1]) for name in demo
         if name.startswith("serial.after") and "best" not in name]
looks = {
    "random": ("baseline", {"linestyle": (0, (1, 3))}, "random"),
    "joint": ("baseline", {}, "joint"),
    "serial": ("reptile", {}, "serial"),
    "adam": ("reptile", {"linestyle": "-", "linewidth": 1.5}, "with Adam"),
}
fig, ax = plt.subplots(figsize=(9, 4.4))
for name, (look, more, said) in looks.items():
    rows = [demo[f"{name}.after {step}"] for step in steps]
    line, = ax.plot(steps, [row["value"] for row in rows], **style.method(look) | more)
    low, high = ([row["value"] + sign * row["interval"] for row in rows]
                 for sign in (-1, 1))
    ax.fill_between(steps, low, high, color=style.color(look), alpha=0.15, linewidth=0)
    style.label_line(ax, line, said, dy={"joint": 4, "random": -4}.get(name, 0))
ax.axhline(zero_shot, **style.method("truth"))
ax.annotate("best without adapting", (20, zero_shot), xytext=(0, 9),
            textcoords="offset points", fontsize=12)
ax.set(xlabel="steps of gradient descent on ten points", ylabel="mean squared error",
       xlim=(0, 32), xticks=[0, 1, 2, 5, 10, 20, 32], yscale="log", ylim=(0.03, 8),
       yticks=[0.05, 0.1, 0.2, 0.5, 1, 2, 5])
ax.yaxis.set_major_formatter("{x:g}")
ax.minorticks_off()
ax.set_title("From the same flat line, only Reptile's starts learn fast")
show(fig, alt="Error on new tasks over steps of gradient descent. All four starts "
     "begin near the error of the flat line. Reptile, serial and with Adam outside, "
     "falls fast; joint training and the random start fall slowly.")

# %% [markdown] slideshow={"slide_type": "notes"}
# 3 min. All begin at the line. Point at the shaded intervals over three seeds. The reference is this family's own.

# %% [markdown]
# Is that fair to joint training? Nothing in its training asked it to adapt, and it is tested at a rate that was made for Reptile. So each start may also choose its test rate, on
# other tasks. The last column has that.

# %% slideshow={"slide_type": "slide", "code": false}
names = {
    "random": "random start", "joint": "joint training (k = 1)",
    "serial": "Reptile, the demo",
    "batched": "Reptile, five tasks a step", "adam": "Reptile, Adam outside",
}
print(f"{'mean squared error after':27}{'1 step':>15}{'5 steps':>15}{'32 steps':>15}"
      f"{'32, own rate':>15}{'trained':>9}")
for name, said in names.items():
    cells = [demo[f"{name}.after {key}"] for key in ("1", "5", "32", "32.best rate")]
    row = "".join(f"{cell['value']:>7.2f} ± {cell['interval']:.3f}" for cell in cells)
    print(f"{said:27}{row}{cells[0]['seconds']:>7.0f} s")
print(f"± over {len(cells[0]['seeds'])} seeds; {cells[0]['tasks']} tasks, ten points "
      f"each; one {cells[0]['device']} core")
print(f"best without adapting: {zero_shot:.2f}")

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Read two rows: joint and the demo. Then say what the paper has to put beside it: a picture, and no number.

# %% [markdown]
# So the demo does what it promises. After *one* step most of its error is gone, after two it still has some way to go, and after five it is at its end. Joint training
# sits where the arithmetic puts it, at the flat line, and ten points hardly move it from there: with these intervals it is no better a start than a random one. A test
# rate of its own does not change that. (The random start's errors vary more than those of the others, from seed to seed.) Adam outside, with a rate chosen on other tasks (`data/results/07-demo.json` has what was tried), is better still by
# more than the intervals. Five tasks at once are level with one at a time, at the same number of gradients: here waiting for a batch costs nothing, and gains nothing but that it can run side by side.
#
# **And the paper?** It shows this experiment as a picture, before and after, and prints no number. So there is none to set beside ours. The
# line at 4.25 belongs to *this* family of sinusoids. MAML's paper takes phases from 0 to $\pi$ only; there the best guess without adapting has 3.01, and
# errors of the two families do not belong in one table.
#
# ## Pull at the starts yourself
#
# The explorer holds four starts of the demo's network: Reptile's from the full demo, the one that your `reptile_step` made here, that of joint training, and the random one. All adapt to your points with the same steps. At first they take <span data-moves="AdaptationLab.steps">10</span> steps at the inner rate <span data-moves="AdaptationLab.rate">0.02</span>.
# Choose a task with a large amplitude. Give them ten points, then four, then two. Which of the starts *knows* that the answer will be a wave?

# %% slideshow={"slide_type": "slide"}
lab = AdaptationLab(
    {"Reptile": starts["serial"], "made here": runs[0].theta, "joint": starts["joint"],
     "random": like},
    family=FAMILY, activation="tanh",
    trained={"Reptile": 5, "made here": 5, "joint": 0}, amplitude=4.0, phase=1.0,
    rate=0.02, steps=10,
)
lab

# %% [markdown] slideshow={"slide_type": "notes"}
# 5 min. Move the steps from 0 to 20. Then take away points until Reptile fails too. Put all points into the left half: does it go on with the wave on the right? Then leave the training range with the amplitude.

# %%
for steps_taken in (0, 1, 5, 20):
    lab.steps = steps_taken
    print(lab.summary)
lab.steps = 10  # as it was: your turn

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Where have you seen this before?
#
# "Train copies for a while, then average the weights" was there before Reptile, and again after it. Three methods with other aims *are* Reptile in
# special cases:
#
# | | what trains | what is averaged | as Reptile |
# |---|---|---|---|
# | parallel SGD (Zinkevich 2010) | one task, its data split over machines | once, at the end | $\beta = 1$, one outer step |
# | federated averaging (McMahan 2017) | clients with their own data | after every round | $\beta = 1$, a client is a task |
# | Lookahead (Zhang 2019) | one task | slow weights follow fast ones | one task, any $\beta$ |

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Nobody stole from anybody: averaging weights is an old trick. What is new in Reptile is the question. Federated averaging wants one model for all clients; Reptile wants one that each client can make its own in a few steps.

# %% [markdown]
# "Are" is meant exactly. The cell below writes each in its own terms, with `torch.optim.SGD` and no Reptile in it.

# %%
def lookahead(theta, minibatches, beta, k, rate):
    """Every k steps slow weights follow the fast ones, which start again from there."""
    slow = theta
    for first in range(0, len(minibatches), k):
        fast = plain_sgd(slow, minibatches[first : first + k], rate)
        slow = {name: value + beta * (fast[name] - value)
                for name, value in slow.items()}
    return slow


def federated_averaging(theta, rounds, rate):
    """Each client trains a copy on its own data; then the server takes the mean."""
    for clients in rounds:
        local = [plain_sgd(theta, minibatches, rate) for minibatches in clients]
        theta = scale(1 / len(local), total(local))
    return theta


# %%
one_task = grid_tasks(1, torch.Generator().manual_seed(5))
same_task = [one_task] * 4
batches = in_tens(one_task)[0] * 4
assert compare("Lookahead", lookahead(theta, batches, 0.4, 5, alpha),
               "Reptile on one task", by_package(same_task, theta, 0.4, 5, 10),
               to=1e-12)

rounds = [grid_tasks(4, torch.Generator().manual_seed(6))] * 3
clients = [in_tens(each) for each in rounds]
assert compare("federated averaging", federated_averaging(theta, clients, alpha),
               "batched Reptile", by_package(rounds, theta, 1.0, 5, 10), to=1e-12)
assert compare("parallel SGD, four machines",
               federated_averaging(theta, clients[:1], alpha), "one step of it",
               by_package(rounds[:1], theta, 1.0, 5, 10), to=1e-12)

# %% [markdown]
# One condition hides in the second line: all clients take part, and all have the same number of examples. In federated averaging a client with more
# examples weighs more.
#
# ## Your turn: 07.3, the server
#
# `federated(clients, sizes)` returns the server's new weights. `clients` are dicts of tensors, as the clients send them back; `sizes` says how many examples
# each of them has.
#
# <details><summary>Hint 1</summary>A mean over all examples, where each example votes for the weights that its client has found.</details>
# <details><summary>Hint 2</summary>Client k has a share of sizes[k] / sum(sizes) in every number.</details>
# <details><summary>Hint 3</summary><code>sum(n / total * phi[name] for phi, n in zip(clients, sizes))</code>, for every name.</details>


# %% tags=["exercise"]
def federated(clients, sizes):
    """The mean of the clients' weights, each counted as often as it has examples."""
    ### BEGIN SOLUTION
    total = sum(sizes)
    return {name: sum(n / total * phi[name] for phi, n in zip(clients, sizes))
            for name in clients[0]}
    ### END SOLUTION


# %%
check("07.3", federated)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Pitfall: one word in three lines
#
# Here is Reptile with a `torch.nn` model: keep the weights, train, interpolate. Two versions differ in how they keep them.
#
# ```python
# before = model.state_dict()                 # version 1
# before = copy.deepcopy(model.state_dict())  # version 2
# ...                                         # k steps of SGD on the model
# after = model.state_dict()
# model.load_state_dict({name: old + beta * (after[name] - old) for name, old in before.items()})
# ```
#
# Two facts to reason from: `state_dict()` hands out the model's own tensors, no copies of them. And SGD writes the new numbers into the tensors that are there.
#
# **Predict.** What does version 1 do?
#
# - ( ) the same as version 2
# - ( ) The start never moves.
# - ( ) The start moves all the way to where training ended, whatever $\beta$ is.
#
# <details><summary>After you have guessed</summary>
#
# The start moves all the way to where training ended, whatever $\beta$ is. Training changes the tensors in place, so "before" changes along with "after", their
# difference is zero, and the model stays where training left it. $\beta$ has no effect: it is 1, whatever you write. You saw above what that is: plain
# SGD, task after task. The loss falls nicely, and nothing crashes.
#
# </details>

# %%
def fresh_model(seed=0):
    model = torch.nn.Sequential(torch.nn.Linear(1, 16), torch.nn.Tanh(),
                                torch.nn.Linear(16, 1)).double()
    draw = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in model.parameters():
            weight.normal_(generator=draw)
    return model


def outer_step(model, keep, beta):
    before = keep(model.state_dict())
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02)
    for x, y in in_tens(one_task)[0]:
        optimizer.zero_grad()
        (model(x) - y).square().mean().backward()
        optimizer.step()
    after = model.state_dict()
    model.load_state_dict({name: value + beta * (after[name] - value)
                           for name, value in before.items()})
    return model


# %% slideshow={"slide_type": "fragment", "code": false}
def distance(model, other):
    return norm(subtract(dict(model.state_dict()), dict(other.state_dict()))).item()


print("how far the start moves:          beta = 0    0.1      1")
for said, keep in (("model.state_dict()", dict),  # a dict of the same tensors
                   ("deepcopy(model.state_dict())", copy.deepcopy)):
    moves = [distance(outer_step(fresh_model(), keep, beta), fresh_model())
             for beta in (0.0, 0.1, 1.0)]
    print(f"before = {said:29}" + "".join(f"{move:8.3f}" for move in moves))

# %% [markdown] slideshow={"slide_type": "notes"}
# 3 min. Show the two lines of code first: they differ in deepcopy. Nothing crashes, and the loss falls, so nobody looks. The detector takes one line: with beta zero the start must not move.

# %% [markdown]
# **Detector.** With $\beta = 0$ the start must not move.

# %%
def detector(keep):
    """What the start's move at beta = 0 says: it must be none at all."""
    moved = distance(outer_step(fresh_model(), keep, 0.0), fresh_model())
    return f"moves by {moved:.3f} at beta = 0" + (": alarm" if moved else ": no alarm")


print("version 1", detector(dict))
print("version 2", detector(copy.deepcopy))

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What you learned
#
# - Reptile moves the start towards what training made of it. No second derivative, no query set.
# - Its step is the sum of the gradients on the way. One inner step is joint training; $\beta = 1$ with one task is SGD. In between it is neither.
# - Give every inner step other points of the task: then the start learns to generalise from few.
# - Two starts can be the same function and learn differently. The test is the error *after* steps, beside the line that no start beats without them.
# - Parallel SGD, federated averaging and Lookahead are special cases.
# - Test your code with $\beta = 0$.

# %% [markdown] slideshow={"slide_type": "notes"}
# 1 min. The second line answers "is it just SGD?", which the code's own readers asked. Why the gap helps is the next lesson.

# %% [markdown]
# ## Quiz
#
# <details><summary>1. Someone runs Reptile with one inner step, to save time, and finds that it does not learn to adapt. A bug?</summary>
#
# No. With one inner step of gradient descent the difference is alpha times the gradient at the start: joint training. There is nothing in it
# that knows about adapting. Take two steps or more, on different minibatches.
#
# </details>
#
# <details><summary>2. Why does the loss at the start, before adapting, say so little about a start?</summary>
#
# Here all starts reach the same error without adapting, that of the flat line, and none can do better. They differ in how they move when they are
# trained, and that shows only after steps.
#
# </details>
#
# <details><summary>3. Your batched Reptile uses ten tasks instead of one, and you kept beta. What has changed?</summary>
#
# The mean of ten differences is about as long as what the ten have in common, and much of what single tasks want cancels. So each step has less noise, and ten times the cost. A larger
# beta makes up for it: five tasks with five times the beta were as good as the serial run here.
#
# </details>
#
# ## References
#
# - Nichol, Achiam, Schulman 2018, [On first-order meta-learning algorithms](https://arxiv.org/abs/1803.02999): Reptile, and its
#   [released code](https://github.com/openai/supervised-reptile). "Same as SGD?" is [a question there](https://github.com/openai/supervised-reptile/issues/20).
# - Zinkevich, Weimer, Smola, Li 2010, [Parallelized stochastic gradient descent](https://papers.nips.cc/paper/4006-parallelized-stochastic-gradient-descent).
# - McMahan, Moore, Ramage, Hampson, Agüera y Arcas 2017, [Federated averaging](https://arxiv.org/abs/1602.05629).
# - Zhang, Lucas, Hinton, Ba 2019, [Lookahead optimizer](https://arxiv.org/abs/1907.08610).
#
# ## Next
#
# [Lesson 08: why first order works](08_why_first_order_works.ipynb) opens the gap between Reptile and joint training, and finds in it what MAML does with second derivatives.
