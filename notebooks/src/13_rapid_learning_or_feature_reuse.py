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
# # 13 Rapid learning or feature reuse?
#
# Five steps move every weight of a network, and it knows five new characters. You hold layer after layer still, and find out which
# of these movements mattered.
#
# **You will be able to**
#
# - write an inner loop in which some layers are frozen, and train ANIL with it,
# - tell "these features must move" from "the head was too slow",
# - measure how alike two representations are, and see when the measure says nothing,
# - say how far a kernel has moved without being fooled by its length,
# - classify with no head and no inner loop at all, and say what that costs.
#
# **Prerequisites:** [lesson 09](09_omniglot_maml.ipynb): MAML on Omniglot, ANIL, and a first look at how far kernels move.
#
# **Time:** 35 minutes of reading, and 40 minutes for the exercises.
#
# **What it costs to run:** *smoke* takes under 60 s on two cores and trains far too little. *lecture* takes under 3 minutes on two
# cores, one of them spent training ANIL. *paper* trains ANIL for 30,000 outer steps of 20-way tasks: that asks for a GPU, or for a night.

# %% [markdown] slideshow={"slide_type": "notes"}
# 1 min. Today's question is a title of a paper: rapid learning, or feature reuse? The room will know two answers at the end, and which question each of them answers.

# %% tags=["parameters"]
PROFILE = "smoke"  # "smoke", "lecture" or "paper": the same cells, three budgets
SEEDS = [0]  # one training run for each

# %% tags=["setup"]
from dataclasses import dataclass
from functools import partial

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F

from mlteach.checkpoint import load_checkpoint, params_from
from mlteach.exercises import check, find, yours
from mlteach.explore import FrozenLayers, style
from mlteach.explore.figure import show
from mlteach.fit import fit
from mlteach.inner import sgd
from mlteach.measure import accuracy, cca, cka, compare, debiased_cka, is_it_maml
from mlteach.measure import over_seeds, over_tasks, path_of, published, step_accuracy
from mlteach.measure.ledger import data_folder, record, recorded
from mlteach.measure.similarity import points
from mlteach.nets import Conv4, cross_entropy, share_right
from mlteach.outer import maml_gradient
from mlteach.params import gradient_of, leaves, stack, task
from mlteach.tasks import Characters

style.use()
characters = Characters.load()
train, validation, test = characters.split("random")
net = Conv4(ways=5, filters=32, head="flatten")
GROUPS = ("conv1", "conv2", "conv3", "conv4", "head")


def draw(split, tasks, seed, size=50):
    """The same tasks for everybody, in batches, from one seed: 5 ways, 1 shot."""
    generator = torch.Generator().manual_seed(seed)
    return [split.sample(min(size, tasks), 5, 1, 15, generator=generator)
            for _ in range(0, tasks, size)]


def fresh(head, dtype=torch.float32):
    """A network nobody has trained; without its head for one that starts from zeros."""
    theta = net.init(torch.Generator().manual_seed(0), dtype)
    return theta if head else {name: theta[name] for name in net.body_names}


def kept(name, head):
    """A start as the studies of this lesson trained it, seed 0."""
    file = data_folder() / "checkpoints" / f"13-{name}.safetensors"
    return params_from(load_checkpoint(file), fresh(head))


def group_of(name):
    """"conv2" for conv2.weight, norm2.gamma and norm2.beta; "head" for the head."""
    return "head" if name.startswith("head") else f"conv{name.split('.')[0][-1]}"


def names(groups):
    """The parameters of some groups of layers."""
    return [name for name in (*net.body_names, *net.head_names)
            if group_of(name) in groups]


def dots(ax, rows, figures, color="maml", marker="o", shift=0.0, **look):
    """Recorded numbers with their intervals over seeds, one in a row."""
    seen = [figures[row] for row in rows]
    ax.errorbar([each["value"] for each in seen],
                [place + shift for place in range(len(rows))],
                xerr=[each["interval"] for each in seen], fmt=marker, capsize=3,
                color=style.color(color), **look)


# %% [markdown] slideshow={"slide_type": "slide"}
# ## Two stories about one curve
#
# Here is a network trained by MAML as the textbook has it: five ways, a learned head, five inner steps, one rate for all layers. On the
# left it learns five new characters. On the right, how far each group of weights went on the way.

# %% tags=["opening"] jupyter={"source_hidden": true} slideshow={"slide_type": "fragment", "code": false}
ALPHA, STEPS = 0.1, 5  # the textbook network's inner rate, and its inner steps
textbook, ours = kept("maml5", head=True), kept("ours", head=False)
tests = draw(test, {"smoke": 50, "lecture": 200, "paper": 600}[PROFILE], seed=2)
few = tests[0].part(slice(0, 25))
curve = step_accuracy(net, textbook, [few], sgd(ALPHA), STEPS)
path = path_of(net, textbook, few, sgd(ALPHA), STEPS)
went = {}
for group in GROUPS:
    weight = f"{group}.weight"
    apart = (path[-1][weight] - path[0][weight]).flatten(1).norm(dim=1).mean()
    went[group] = (100 * apart / textbook[weight].norm()).item()
fig, (left, right) = plt.subplots(1, 2, figsize=(10, 3.3))
means = [over_tasks(each).scaled(100).mean for each in curve["support"].T]
left.plot(range(STEPS + 1), means, **style.method("maml"), marker="o")
left.axhline(20, **style.method("baseline") | {"linewidth": 1})
left.annotate("chance", (STEPS, 20), xytext=(0, 6), textcoords="offset points",
              ha="right", color=style.color("baseline"))
left.set(xlabel="inner steps", ylabel="right answers, %", ylim=(0, 100),
         title="Five steps, and it knows")
bars = right.barh(GROUPS, list(went.values()), color=style.color("maml"), height=0.6)
right.bar_label(bars, fmt="%.0f %%", padding=4)
right.invert_yaxis()
right.set(xlabel="moved, % of the weights' length", title="Everything moves",
          xlim=(0, 1.25 * max(went.values())))
show(fig, alt="Left: right answers on new characters climb from chance within five "
     "inner steps. Right: all five groups of weights have moved by some percent, the "
     "head most.")

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Read both pictures. Before the first step it guesses; after five it knows; and on the way all of its weights have moved. Ask the room: which of these movements did it? Somebody will say the last layer. How would you find out?

# %% [markdown] slideshow={"slide_type": "slide"}
# Two stories fit. **Rapid learning**: the inner loop builds new features for the new task, in a few large steps. **Feature reuse**: the
# features were there already, good for every task, and the inner loop has only to say which of them is called A and which B.
#
# [Raghu and others](https://arxiv.org/abs/1909.09157) asked which one it is, froze layers, compared features, and answered: reuse. You will do
# what they did. Each of their three instruments can be read wrongly, so each gets a control that they did not print.

# %% [markdown] slideshow={"slide_type": "-"}
# Two networks take part. **The textbook's** is the one above. **Ours** has the recipe of lesson 09: 40 ways in training, a head of zeros at the start of
# every task, two inner steps.

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Write the two words on the board, left and right. Everything today goes under one of them, or under a third: "cannot be said".

# %% [markdown]
# The textbook's trains for 900 outer steps, its outer gradient clipped, because lesson 12's instability is not today's subject; ours for 800. There
# are three seeds of each. Both have 32 filters and are small, quick and a little under-trained. What they show is recorded by
# `python -m studies.lesson13_reuse`, on test tasks of lesson 09, with intervals over the three seeds.
#
# ## How do you hold a layer still?
#
# Freezing is one line: a layer whose gradient nobody asks for does not move. Adapt the head alone, and the method is **ANIL**, "almost no
# inner loop". Still, the gradient of the *outer* loop has to reach the frozen layers: it is they who learn the features.
#
# **Your turn.** Write the inner loop in which only some parameters move. `loss` is a function of the parameters, `moves` a list of names.
#
# <details><summary>Hint 1</summary>It is lesson 09's inner step in a loop, with one change: the gradient is asked for the tensors in moves alone.</details>
# <details><summary>Hint 2</summary>Begin with <code>phi = dict(theta)</code>. In each step take <code>torch.autograd.grad(loss(phi), [phi[name] for name in moves], ...)</code>.</details>
# <details><summary>Hint 3</summary>Keep the way back (<code>create_graph=True</code>), and put the new tensors into phi by name: <code>phi = phi | {name: phi[name] - alpha * g ...}</code>.</details>

# %% tags=["exercise"]
def inner_loop(loss, theta, alpha, steps, moves):
    """phi after some steps in which the parameters named in moves move, no others."""
    ### BEGIN SOLUTION
    phi = dict(theta)
    for _ in range(steps):
        gradient = torch.autograd.grad(loss(phi), [phi[name] for name in moves],
                                       create_graph=True)
        phi = phi | {name: phi[name] - alpha * g for name, g in zip(moves, gradient)}
    return phi
    ### END SOLUTION


# %%
check("13.1", inner_loop)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Almost no inner loop
#
# From here on the lesson runs your loop. Is it ANIL, whole, with the second derivatives? Three questions: does it agree with the
# package; what does the definition say, by finite differences; and is ANIL what it ought to be, MAML with a rate of zero for the body?

# %% slideshow={"slide_type": "fragment"}
loop = yours("13.1", inner_loop, otherwise=find("13.1").solution)
small = Conv4(ways=5, filters=8, head="flatten")
theta = small.init(torch.Generator().manual_seed(1), torch.float64)
batch = train.sample(3, 5, 1, 2, generator=torch.Generator().manual_seed(1))
batch = batch.to(dtype=torch.float64)


def task_loss(params, x, y):
    return F.cross_entropy(small(params, x), y)


def anil(theta, x, y):
    return loop(lambda phi: task_loss(phi, x, y), theta, 0.4, 2, small.head_names)


point = leaves(theta)
found = [task_loss(anil(point, support_x, support_y), query_x, query_y)
         for support_x, support_y, query_x, query_y in zip(*batch)]
how = dict(net=small, loss=cross_entropy, theta=theta, episode=batch, steps=2)
packaged, _ = maml_gradient(**how, rule=sgd(0.4), only=small.head_names)
compare("your loop's gradient", gradient_of(torch.stack(found).mean(), point),
        "the package's ANIL", packaged, to=1e-10)
still = dict.fromkeys(small.body_names, 0.0) | dict.fromkeys(small.head_names, 0.4)
compare("ANIL", packaged, "MAML with a body rate of 0",
        maml_gradient(**how, rule=sgd(still))[0], to=1e-10)
print("your loop is", is_it_maml(anil, task_loss, theta, batch))

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. ANIL is not "MAML without second derivatives": the step of the head depends on the features, and the outer gradient goes through that too. The last line asks the definition.

# %% [markdown]
# ANIL's body does not move in the inner loop, and its gradient still has a second-order part: the head's step depends on the features,
# and so on the body. A port that detaches the features, because "the body is frozen", loses that part.
#
# ## Which layers have to move?
#
# Take the trained textbook network and freeze its layers *at test*, from the bottom up: first layer 1, then 1 and 2, at last the whole body.
# Five steps for all, at the rates of its training.

# %% [markdown] slideshow={"slide_type": "slide"}
# **Predict.** Its body frozen at test, its five steps as in training. How many points does the textbook network lose?
#
# - ( ) none, to within a point
# - ( ) a few
# - ( ) about thirty
# - ( ) nearly all: it falls to chance
#
# <details><summary>After you have guessed</summary>
#
# A few: three or four, whichever statistics batch norm reads. Layers 1 to 3 can be frozen for nothing; what little the body does, layer 4 does.
#
# </details>

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Vote. Then let somebody who said "nothing" and somebody who said "thirty" give a reason each.

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "slide", "code": false}
freeze = recorded("13", "freeze")
held = ["layer 1", "layers 1-2", "layers 1-3", "body", "head"]
fig, axes = plt.subplots(1, 2, figsize=(10, 3.4), sharey=True)
for ax, name, title in zip(axes, ("maml5", "ours"), ("The textbook's", "Ours")):
    for mode, marker, shift in (("transductive", "o", -0.13), ("support", "s", 0.13)):
        rows = [f"{name}.full.{mode}.{each} - nothing" for each in held]
        dots(ax, rows, freeze, marker=marker, shift=shift, label=mode,
             markerfacecolor="white" if marker == "s" else None)
    ax.axvline(0, **style.method("truth"))
    ax.set(title=title, xlabel="points, against nothing frozen", xlim=(-85, 10))
axes[0].set(yticks=range(len(held)), yticklabels=[f"{each} frozen" for each in held])
axes[0].invert_yaxis()
axes[0].legend(loc="upper left")
show(fig, alt="Points lost by freezing, two networks. Freezing layers 1 to 3 costs "
     "nothing, the whole body a few points in the textbook network and none in ours. "
     "Freezing the head costs ours everything and the textbook network much.")

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Layers 1 to 3: nothing. The body: read the textbook's number aloud. Ours: zero, in both modes. Then the last row: with its head frozen ours is at chance, because a head of zeros hands the body no gradient.

# %% [markdown]
# So the textbook network loses a few points with its whole body frozen, and none with layers 1 to 3. Ours loses nothing at all, and not because nothing
# moves: its support loss is zero to the third digit after two full steps of the head alone, so there is nothing left for a body to do. The
# head is another matter. With it frozen, ours is at chance: a head of zeros gives the body no gradient. The textbook network, whose
# head was learned, gets part of the way by bending its features toward the rows it has, and how far depends on the seed.
#
# That is the published finding, and it looks like the end of the story. It is not, because one number stands behind all of these: how many
# steps, at which rates.

# %% [markdown] slideshow={"slide_type": "slide"}
# **Predict.** The same five steps at a *fifth* of the rates. The network with nothing frozen still learns, less well. Now freeze its body.
# How much does that cost?
#
# - ( ) nothing: the steps are smaller, so the body moves even less
# - ( ) about as much as before
# - ( ) several times as much
#
# <details><summary>After you have guessed</summary>
#
# Several times as much: eleven points in place of three or four (the seeds differ widely). The body moves less than before, and yet holding it still costs
# more. So what is measured here is not what the features had to learn.
#
# </details>

# %% [markdown] slideshow={"slide_type": "notes"}
# 1 min. Vote again. Most will say: the body moves even less, so it matters even less.

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "slide", "code": false}
LOOKED_AT = (0, 1, 2, 3, 5, 10, 20, 40)
fig, axes = plt.subplots(1, 2, figsize=(10, 3.5), sharey=True)
for ax, rates, title in zip(axes, ("full", "small"),
                            ("Rates of training", "A fifth of them")):
    for frozen, look, said in (("nothing", "maml", "nothing frozen"),
                               ("body", "warning", "body frozen")):
        rows = [freeze[f"curve.{rates}.{frozen}.{step}"] for step in LOOKED_AT]
        mean, half = ([each[what] for each in rows] for what in ("value", "interval"))
        line, = ax.plot(range(len(rows)), mean, **style.method(look)
                        | {"linestyle": "-" if frozen == "nothing" else "--"})
        ax.fill_between(range(len(rows)), [m - h for m, h in zip(mean, half)],
                        [m + h for m, h in zip(mean, half)], color=line.get_color(),
                        alpha=0.15, linewidth=0)
        if rates == "small":
            style.label_line(ax, line, said, dy=8 if frozen == "nothing" else -8)
    ax.axvline(LOOKED_AT.index(5), **style.method("truth"))
    ax.set(xticks=range(len(LOOKED_AT)), xticklabels=LOOKED_AT, ylim=(0, 100),
           xlabel="inner steps", title=title,
           xlim=(0, 10.4 if rates == "small" else 7.3))
axes[0].set(ylabel="right answers, %")
show(fig, alt="Accuracy over inner steps, at full rates and at a fifth. The curve "
     "with a frozen body lies below the other at five steps, more so at small rates, "
     "and reaches it when it is given more steps.")

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. The thin line is at five steps: that is where everybody measures. Left of it the frozen network is behind, to the right it catches up. At a fifth of the rates it is simply farther to the left on the same road.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Must the features move, or is the head too slow?
#
# At a fixed number of steps, "body frozen" changes two things at once. The features stay; and the *loss falls more slowly*, because fewer
# weights push. So make the second one equal: give the frozen network as many steps as it needs to bring the **support loss** as low as
# the other has it.

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "fragment", "code": false}
fig, ax = plt.subplots(figsize=(9, 3.2))
cases = {"maml5.full": "textbook's, rates of training",
         "maml5.small": "textbook's, a fifth",
         "ours.full": "ours, rates of training", "ours.small": "ours, a fortieth"}
for what, look, marker, shift, said in (
        ("body", "warning", "o", -0.14, "equal steps"),
        ("body, same support loss", "maml", "s", 0.14, "equal support loss")):
    dots(ax, [f"{case}.support.{what} - nothing" for case in cases], freeze, look,
         marker, shift, label=said)
needed = [freeze[f"{case}.steps of the body frozen for the same support loss"]["value"]
          for case in cases]
labels = [f"{said}\n({count:.0f} steps)" for said, count in zip(cases.values(), needed)]
ax.axvline(0, **style.method("truth"))
ax.set(yticks=range(4), yticklabels=labels, title="What the frozen body costs",
       xlabel="points, body frozen against nothing frozen; by the support's statistics")
ax.invert_yaxis()
ax.legend(loc="best")
show(fig, alt="What freezing the body costs, at equal steps and at equal support "
     "loss, for two networks at two rates. At equal steps the textbook network loses "
     "points, at equal support loss the cost is about nought.")

# %% [markdown] slideshow={"slide_type": "notes"}
# 3 min. Circles: everybody gets the same steps. Squares: everybody gets the same support loss; the number of steps that took stands at the left. This is the control that the published figure lacks.

# %% [markdown]
# At equal support loss the cost is gone: in the textbook network the frozen body is level at the rates of training, where it needs about 54 steps in place of five, and
# level or better at a fifth of them. In ours there was none to begin with. So the points that were lost at five steps are no sign of features that must
# move. They are the price of a slow head: its rate of 0.1 was chosen for a network in which everything pushes. Give each arm its own time, and
# **at test the features are reused**, in both networks.
#
# **Hold them yourself.** All 32 ways to freeze five groups, of the textbook network and of the fresh one it began as. Freeze
# one layer after the other, then the head alone. Set the rates to <span data-moves="FrozenLayers.rates">full</span> and back. The bars say how
# alike each layer's answers are before and after; a measure for that comes below. Then choose the *fresh* network: do its layers have to move?

# %% slideshow={"slide_type": "slide"}
layers = FrozenLayers.recorded()
layers

# %% [markdown] slideshow={"slide_type": "notes"}
# 4 min. Freeze from the bottom up and watch the large dot. Then small rates. Then the fresh network: it has no features to reuse, and freezing costs it too. Ask which single group must never be frozen.

# %%
for layers.frozen in ([], list(GROUPS[:4]), ["head"]):
    print(layers.summary)
layers.frozen, layers.net, layers.rates = [], "fresh", "small"
print(layers.summary)
layers.net, layers.rates = "trained", "full"  # as it was: your turn

# %% [markdown]
# ## Is it worse without the other queries?
#
# One more objection is heard: all of this was measured *transductively*, with the queries' own statistics in batch norm, and those adapt the
# features for free. [One port of MAML](https://github.com/fmu2/PyTorch-MAML) reports that a frozen body is dramatically worse when every query
# is answered alone. "Alone" can mean several things. By the statistics of the support set; by running statistics gathered in training;
# or by running statistics that begin at mean 0 and variance 1 in each task and follow the support set through the inner steps, a tenth at a time.

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "slide"}
company = recorded("13", "company")
modes = {"transductive": "all queries together", "support": "by the support set",
         "running, of training": "running, from training",
         "running, of the inner loop": "running, from (0, 1),\na tenth a step",
         "running, its last step": "the inner loop's last step"}
fig, axes = plt.subplots(1, 2, figsize=(10.5, 3.6), sharey=True)
for ax, name, title in zip(axes, ("maml5", "ours"), ("The textbook's", "Ours")):
    for frozen, look, marker, shift in (("nothing", "maml", "o", -0.13),
                                        ("body", "warning", "s", 0.13)):
        dots(ax, [f"{name}.{mode}.{frozen}" for mode in modes], company, look, marker,
             shift, label=f"{frozen} frozen")
    ax.axvline(20, **style.method("baseline") | {"linewidth": 1})
    ax.set(title=title, xlabel="right answers, %", xlim=(15, 100))
axes[0].set(yticks=range(len(modes)), yticklabels=modes.values())
axes[0].invert_yaxis()
axes[0].legend(loc="upper left", bbox_to_anchor=(0.03, 0.95))
show(fig, alt="Right answers with nothing and with the body frozen, under five ways "
     "to normalise the queries. The two lie close together except under running "
     "statistics; those that begin at 0 and 1 ruin both.")

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Inductive by the support set: freezing costs what it cost before. The fourth row is a bug that calls itself a mode: statistics that have seen half of the support set.

# %% [markdown]
# Dramatically worse? No. With each query answered by the support set's statistics, freezing costs the textbook network what it costs with all queries
# together, and ours nothing. What is dramatic is another mode. Statistics gathered in training cost the textbook network ten points whether its body
# moves or not; with the body frozen a little less. (Because they were gathered from features that then stay? No run here takes that apart.) And statistics
# that start at 0 and 1 are half wrong after five steps of a tenth: they ruin both networks, frozen or not. A frozen body that
# is "far worse inductively" is a batch norm that is.
#
# ## How alike are two sets of features?
#
# Freezing asks what the features are *for*. The second instrument asks whether they *changed*. Let a layer answer the same $n$ pictures before
# the inner loop, $X$ with a row of $d$ features for each, and after it, $Y$. A number-by-number difference would not do: the next layer
# does not care about the order of the features, nor about a common factor. So compare what pairs of pictures think of each other: $XX^\top$ holds
# all inner products between pictures, and so does $YY^\top$. With centred columns, their cosine as two long vectors is **linear CKA**:
#
# $$\text{CKA}(X, Y) \;=\; \frac{\langle XX^\top,\; YY^\top\rangle}{\lVert XX^\top\rVert\;\lVert YY^\top\rVert}
# \;=\; \frac{\lVert Y^\top X\rVert^2}{\lVert X^\top X\rVert\;\lVert Y^\top Y\rVert}.$$
#
# Aloud: *do the two layers find the same pairs of pictures alike?* It is 1 for equal features, for rotated ones and for scaled ones.
#
# **Your turn.** Write it, in the second form.
#
# <details><summary>Hint 1</summary>First take from every column of X and of Y its mean over the pictures.</details>
# <details><summary>Hint 2</summary>Above stands the sum of the squares of all entries of <code>Y.T @ X</code>. Below stand two lengths: <code>(X.T @ X).norm()</code> and the same of Y.</details>
# <details><summary>Hint 3</summary><code>x, y = x - x.mean(0), y - y.mean(0)</code>, then <code>(y.T @ x).square().sum() / ((x.T @ x).norm() * (y.T @ y).norm())</code>.</details>

# %% tags=["exercise"]
def linear_cka(x, y):
    """How alike x [n, d] and y [n, e] are, rows of the same n pictures: a number."""
    ### BEGIN SOLUTION
    x, y = x - x.mean(0), y - y.mean(0)
    return (y.T @ x).square().sum() / ((x.T @ x).norm() * (y.T @ y).norm())
    ### END SOLUTION


# %%
check("13.2", linear_cka)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Did the features change?
#
# $$\text{CKA}(X, Y) \;=\; \frac{\lVert Y^\top X\rVert^2}{\lVert X^\top X\rVert\;\lVert Y^\top Y\rVert}\qquad\text{with centred columns}$$
#
# Aloud: *do two layers find the same pairs of pictures alike?* 1 for equal, rotated or scaled features. A number like 0.97 needs a
# measuring stick beside it: the same layer in the *fresh* network, and the same layer asked about *other pictures*.

# %% slideshow={"slide_type": "fragment"}
alike = yours("13.2", linear_cka, otherwise=find("13.2").solution)
one = few.part(slice(0, 1)).to(dtype=torch.float64)
start = {name: value.double() for name, value in textbook.items()}
end = path_of(net, start, one, sgd(ALPHA), STEPS)[-1]
before, after = (net.layers(each, one.query_x[0])
                 for each in (start, task(end, 0)))
mine = torch.stack([alike(a.flatten(1), b.flatten(1)) for a, b in zip(before, after)])
package = [cka(a.flatten(1), b.flatten(1)) for a, b in zip(before, after)]
compare("your CKA of four layers", mine, "the package's", torch.stack(package),
        to=1e-10)
print("one task, layers 1 to 4:", ", ".join(f"{value:.2f}" for value in mine.tolist()))

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Derive the second form from the first at the board: the sum of squares of Y'X is the inner product of the two matrices of pairs. Then ask for the missing thing: 0.98 of what?

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "slide", "code": false}
similar = recorded("13", "similar")
blocks = [f"layer {k}" for k in range(1, 5)]
fig, axes = plt.subplots(1, 2, figsize=(10.5, 3.5), sharey=True)
for ax, name, title in zip(axes, ("maml5", "ours"), ("The textbook's", "Ours")):
    for what, look, said in (("after", "maml", "before and after"),
                             ("fresh", "baseline", "trained and fresh"),
                             ("other pictures", "warning", "other pictures")):
        figures = [similar[f"{name}.debiased.{what}.{block}"] for block in blocks]
        if what == "after" and f"{name}.debiased.after.head" in similar:
            figures.append(similar[f"{name}.debiased.after.head"])
        line, = ax.plot(range(len(figures)), [each["value"] for each in figures],
                        **style.method(look), marker="o")
        ax.errorbar(range(len(figures)), [each["value"] for each in figures],
                    yerr=[each["interval"] for each in figures], fmt="none", capsize=3,
                    color=line.get_color())
        if ax is axes[1]:
            style.label_line(ax, line, said)
    ax.set(xticks=range(5), xticklabels=[*"1234", "head"], ylim=(-0.12, 1.08),
           title=title, xlabel="layer", xlim=(-0.2, 6.3 if ax is axes[1] else 4.3))
axes[0].set(ylabel="CKA without bias")
show(fig, alt="CKA by layer. Before and after adapting it stays close to 1 in layers "
     "1 to 4 and falls in the head of the textbook network. Between trained and "
     "fresh it falls with depth, and for other pictures it is about nought.")

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. The grey line is the stick: this is how far apart training has brought the layers. Against it, the blue one has not moved, but for the head. A head of zeros has nothing to compare before its first step, so ours has no fifth dot.

# %% [markdown]
# Before and after, layers 1 to 4 stay at 0.97 and above, while training has brought layer 4 down to a third of likeness with the fresh one. The head
# changes. That is the published picture, and it holds. Two things keep it honest. In layer 1 even *trained and fresh* are alike to 0.96, so a number
# near 1 says little there. And high likeness is no sign of good features: at small rates the *fresh* network's layers are hardly
# changed by its steps either, as the explorer says. CKA measures how far the answers moved; whether they had to is what freezing asks.
#
# What does CKA pass over, and what not? Turn one side, make it three times as long and move it; then make every eighth feature five times as long.

# %%
x, y = before[3].flatten(1), after[3].flatten(1)
turn = torch.linalg.qr(torch.randn(128, 128, dtype=torch.float64,
                                   generator=torch.Generator().manual_seed(0))).Q
stretch = torch.ones(128, dtype=torch.float64)
stretch[::8] = 5
compare("CKA, one side turned, longer, moved", alike(3 * x @ turn + 1, y),
        "as it was", alike(x, y), to=1e-10)
print(f"some features longer: {alike(x * stretch, y):.2f}, not {alike(x, y):.2f}")

# %% [markdown]
# What is drawn is CKA without bias, `debiased_cka`. The plain one, estimated from few pictures with many features, is above 0 for
# representations that have nothing to do with each other: for other pictures it says
# what the next line prints, where the estimate without bias says about nought.

# %% jupyter={"source_hidden": true}
print("other pictures, layer by layer:")
for what, said in (("cka", "plain"), ("debiased", "without bias")):
    values = [similar[f"maml5.{what}.other pictures.{block}"]["value"]
              for block in blocks]
    print(f"{said:13}", "  ".join(f"{abs(round(value, 2)):5.2f}" for value in values))

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Pitfall: a measure that is easy to please
#
# The paper used another measure too. **CCA** looks for the directions in $X$ and $Y$ that go together best, then for the next best, and so on;
# its score is the mean of these correlations. It passes over *any* invertible map, not only rotations: more forgiving, so it seems safer.
#
# **Predict.** Layer 4 gives 128 features. Take a task's 75 queries, and compare the trained network's layer 4 with *random
# numbers* of the same shape, 75 by 128. What is the CCA?
#
# - ( ) about 0
# - ( ) about 0.3
# - ( ) about 0.7
# - ( ) 1
#
# <details><summary>After you have guessed</summary>
#
# 1. Centred, 75 pictures span at most 74 directions. 128 features have them all, whatever they are. So both sets span the same space, and CCA finds
# perfect agreement in it: with few pictures it cannot tell a network from noise.
#
# </details>

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Let them vote. Then count with them: how many directions can 75 points span? And how many features are there to choose from?

# %%
counts = (25, 50, 75, 100, 130, 200, 400, 800, 1600)
drawn = torch.Generator().manual_seed(13)
many = test.sample(1, 80, 1, 19, generator=drawn).to(dtype=torch.float64)
pictures = torch.cat([many.support_x[0], many.query_x[0]])
pictures = pictures[torch.randperm(len(pictures), generator=drawn)]
with torch.no_grad():
    features = net.features_of(start, pictures)
noise = torch.randn(features.shape, generator=drawn, dtype=torch.float64)
scores = {measure: [measure(features[:n], noise[:n]).item() for n in counts]
          for measure in (cca, cka, debiased_cka)}

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "slide", "code": false}
fig, ax = plt.subplots(figsize=(9, 3.3))
for values, look, said in zip(scores.values(), ("warning", "baseline", "maml"),
                                         ("CCA", "CKA", "CKA without bias")):
    line, = ax.plot(counts, values, **style.method(look), marker="o")
    style.label_line(ax, line, said)
ax.axvline(net.features + 1, **style.method("truth"))
ax.annotate("129 pictures", (net.features + 1, 0.42), xytext=(6, 0),
            textcoords="offset points")
ax.set(xscale="log", xticks=[25, 50, 100, 200, 400, 800, 1600], ylim=(-0.08, 1.08),
       xticklabels=[25, 50, 100, 200, 400, 800, 1600], xlim=(23, 4200),
       xlabel="pictures", ylabel="similarity", title="A trained layer, and noise")
ax.minorticks_off()
show(fig, alt="Similarity of a trained layer and random numbers over the number of "
     "pictures. CCA is 1 up to 129 pictures and still well above nought at 1600; CKA "
     "falls sooner; CKA without bias is about nought throughout.")

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. The answer was there to be counted. Note where the orange line is at 200 pictures, and at 1600: it does not go to zero soon. A CCA of 0.9 means nothing until you say how many pictures and how many features.

# %% [markdown]
# **Detector.** Shuffle the pictures of $Y$. What is left of the similarity has nothing to do with the pictures, so it is the number's zero. If
# it is nearly as high as the number itself, the number says nothing. How often is the detector wrong? Draw pairs of which we know: half of
# them have something in common and enough pictures, half have too few pictures for anyone to say.

# %%
def says_nothing(x, y, generator):
    """Does CCA stay as it is when the pictures of y are shuffled?"""
    shuffled = y[torch.randperm(len(y), generator=generator)]
    return (cca(x, y) - cca(x, shuffled) < 0.1).item()


chance = torch.Generator().manual_seed(1)
alarms = {True: [], False: []}
for trial in range(200):
    too_few = trial % 2 == 0
    n = 16 if too_few else 160  # pictures, of 20 features
    x = torch.randn(n, 20, generator=chance, dtype=torch.float64)
    y = x + 2 * torch.randn(n, 20, generator=chance, dtype=torch.float64)
    alarms[too_few].append(says_nothing(x, y, chance))
print("false alarms:", sum(alarms[False]), "of", len(alarms[False]))
print("misses:", alarms[True].count(False), "of", len(alarms[True]))
flat = says_nothing(features[:75], noise[:75], chance)
print("75 pictures, layer 4 against noise: alarm", flat)
maps = [points(each) for each in (before[3], after[3])]
print(f"each place of each picture a row, {len(maps[0])} by 32: alarm",
      says_nothing(*maps, chance))

# %% [markdown]
# The last line is the way out for a convolution: let the 32 channels be the features, and count every place of every picture as a row. Then
# there are ten times as many rows as features. CCA passes over a stretch that CKA saw. By that count it tells the same story:

# %% jupyter={"source_hidden": true}
compare("CCA, channels stretched", cca(maps[0] * stretch[:32], maps[1]), "as it was",
        cca(*maps), to=1e-8)
print("CCA, channels as features:", "  ".join(f"{block:>8}" for block in blocks))
for what, said in (("after", "before and after"), ("fresh", "trained and fresh"),
                   ("noise", "against noise")):
    values = [similar[f"maml5.cca.{what}.{block}"]["value"] for block in blocks]
    print(f"{said:25}", "  ".join(f"{value:8.2f}" for value in values))

# %% [markdown]
# ## How far did the kernels go?
#
# The third instrument looks at the weights themselves. Lesson 09 did so, and found that one thing must be kept apart: training makes kernels
# longer. Why does that matter? Batch norm divides by the spread of what the kernel gives, so a kernel $cK$ computes what $K$ does,
# $L(cK) = L(K)$. Differentiate by $K$: $c\,\nabla L(cK) = \nabla L(K)$. A kernel $c$ times as long has a gradient $c$ times *shorter*. As a share
# of its length, one step moves it
#
# $$\frac{\alpha\,\lVert\nabla L(cK)\rVert}{\lVert cK\rVert} \;=\; \frac{1}{c^2}\cdot\frac{\alpha\,\lVert\nabla L(K)\rVert}{\lVert K\rVert}.$$
#
# Aloud: *twice as long, a quarter of the way.* And it has nothing to do with what the kernel has learned. Check it:

# %%
def share_moved(theta, factor):
    """How far one step moves conv1, as a share of its length, which is made longer."""
    longer = leaves(theta | {"conv1.weight": factor * theta["conv1.weight"]})
    loss = F.cross_entropy(net(longer, one.support_x[0]), one.support_y[0])
    moved = ALPHA * gradient_of(loss, longer)["conv1.weight"]
    return moved.norm() / longer["conv1.weight"].norm(), loss


# float64, and pictures with ink: batch norm's epsilon is all that keeps it from exact
(once, loss_once), (twice, loss_twice) = share_moved(start, 1), share_moved(start, 2)
print(f"loss with a kernel twice as long: {loss_twice / loss_once:.3f} times as large")
print(f"share moved: {twice / once:.3f} of what it was")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What a ruler hides
#
# With batch norm, $L(cK) = L(K)$, so a kernel $c$ times as long moves $c^2$ times less, as a share of its length. *Twice as long, a quarter of
# the way*, whatever it has learned.
#
# So beside "fresh" and "trained" stands a third bar: **fresh, merely enlarged**: nobody has trained it, and its kernels are as long as the
# trained ones.
#
# **Predict.** Layer 4 is the last one below the head. In the inner loop, how far do its *trained* kernels move, beside fresh ones merely
# enlarged to the same length?
#
# - ( ) less far: training has taught them to keep still
# - ( ) about as far: it was all length
# - ( ) farther, in all three networks
#
# <details><summary>After you have guessed</summary>
#
# Farther, in all three networks: one and a half times to twice as far. Nothing there has learned to keep still.
#
# </details>

# %% [markdown] slideshow={"slide_type": "notes"}
# 3 min. Derive the square at the board: one c from the gradient, one from the ruler. Then vote.

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "slide", "code": false}
moved = recorded("13", "moved")
looks = {"fresh": "baseline", "fresh, enlarged": "metric", "trained": "maml",
         "trained, fresh lengths": "maml"}
rows = {"conv1": "layer 1 moves, %", "conv4": "layer 4 moves, %",
        "apart": "meta-gradient off, %"}
said = {"maml5": "The textbook's", "ours": "Ours", "anil": "ANIL's"}
fig, axes = plt.subplots(3, 3, figsize=(11, 5.6), sharey=True)
for column, name in enumerate(said):
    for ax, what in zip(axes[:, column], rows):
        figures = [moved[f"{name}.{look}.{what}"] for look in looks]
        bars = ax.barh(list(looks), [each["value"] for each in figures],
                       xerr=[each["interval"] for each in figures], height=0.65,
                       color=[style.color(look) for look in looks.values()],
                       hatch=["", "//", "", "xx"], edgecolor="white",
                       error_kw={"capsize": 3})
        far = max(each["value"] + each["interval"] for each in figures)
        for place, each in enumerate(figures):
            ax.annotate(f"{each['value']:.{0 if each['value'] > 10 else 1}f}",
                        (each["value"] + each["interval"], place), xytext=(6, 0),
                        textcoords="offset points", va="center")
        ax.set(xlim=(0, 1.25 * far), xlabel=rows[what])
    axes[0, column].set(title=said[name])
axes[0, 0].invert_yaxis()
show(fig, alt="Bars for three networks: how far layers 1 and 4 move in the inner "
     "loop, and how far off the meta-gradient is when the body may not move. In "
     "layer 4 trained kernels move farther than fresh ones merely enlarged; in "
     "layer 1 only the textbook's move less.")

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Orange against plain blue is the fair comparison, row by row. Grey against blue is the one that was published. Middle row: farther, in all three. Then the last column: ANIL's body never moved in training, and it looks like ours.

# %% [markdown]
# Read orange against plain blue. How many times as far do trained kernels move as fresh ones of the same length?

# %% jupyter={"source_hidden": true}
print("trained / fresh, enlarged     layer 1        layer 4    meta-gradient off")
for name, told in said.items():
    ratios = [moved[f"{name}.trained / enlarged.{what}"] for what in rows]
    words = [f"{each['value']:.1f} ± {each['interval']:.1f}" for each in ratios]
    print(f"{told:24}", "  ".join(f"{each:>13}" for each in words))
longer = recorded("09", "reuse")
equal, short = (longer[f"{name}.moved"]["value"]
                for name in ("trained, fresh lengths", "fresh"))
print(f"lesson 09's network, trained longer, the layer that moves most: "
      f"{equal / short:.1f}")

# %% [markdown]
# In **layer 4** the trained kernels move *farther*, in all three networks. In **layer 1** the textbook's really move less, to a fifth; ours rather
# more, and its seeds differ. Lesson 09's network had the recipe of ours and nearly twice the steps, and there it was half as far. So the sign depends on
# the layer, on the recipe, and on how long it was trained. The published reading, "after training the body hardly moves in the inner loop", is
# mostly the ruler's.
#
# The last column is the control for the rest. ANIL's body *never* moved in an inner loop, so nothing can have taught it how. Let it move now, as ours
# does, and it looks like ours. And the lowest row says why freezing in *training* is another matter than freezing at test: even where
# kernels move by a few percent, the meta-gradient without that is off by about half, and by more than all in the textbook network.
#
# ## Do you need a loop at all?
#
# If the features are good enough as they are, take the idea to its end: no inner loop. **NIL** drops the head, gives each class the *mean of
# its support features*, and answers with the class whose mean has the largest **cosine** with the query's features. No gradient is taken, and
# nothing is left that could learn rapidly.
#
# **Your turn.** Write it. `support` [S, d] and `query` [Q, d] are features, `labels` [S] the classes of the support. Return the cosines
# [Q, ways].
#
# <details><summary>Hint 1</summary>Two steps: the mean of the support features of each label, then a cosine of each query with each mean.</details>
# <details><summary>Hint 2</summary><code>support[labels == n].mean(0)</code> is the mean of class n; <code>torch.stack</code> puts the means of all labels on top of one another.</details>
# <details><summary>Hint 3</summary><code>F.normalize(..., dim=1)</code> gives each row the length 1; then the cosines are one matrix product, <code>queries @ means.T</code>.</details>

# %% tags=["exercise"]
def nearest_mean(support, labels, query, ways):
    """The cosine of each query with the mean of each class: [Q, ways]."""
    ### BEGIN SOLUTION
    means = torch.stack([support[labels == n].mean(0) for n in range(ways)])
    return F.normalize(query, dim=1) @ F.normalize(means, dim=1).T
    ### END SOLUTION


# %%
check("13.3", nearest_mean)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## No inner loop
#
# **NIL**: each class is the mean of its support features; the answer is the class whose mean has the largest cosine with the query's
# features. No head, no gradient, no step. Here it is on the textbook network, beside its own five steps, and on a fresh one:

# %% slideshow={"slide_type": "fragment"}
by_mean = yours("13.3", nearest_mean, otherwise=find("13.3").solution)


@torch.no_grad()
def nil_accuracy(theta, episodes):
    """Percent of right answers by nearest class mean, each query answered alone."""
    right = []
    for episode in episodes:
        for sx, sy, qx, qy in zip(*episode):
            support = net.features_of(theta, sx)
            query = net.features_of(theta, qx, "support", support=sx)
            answer = by_mean(support, sy, query, 5).argmax(1)
            right.append((answer == qy).double().mean())
    return over_tasks(torch.stack(right)).scaled(100)


own = accuracy(net, textbook, [few], sgd(ALPHA), STEPS, modes=["support"])["support"]
print(f"textbook network, its own five steps: {own.mean:.0f} %")
for said, theta_of in (("textbook network", textbook), ("fresh network", fresh(True))):
    print(f"{said + ', NIL:':37} {nil_accuracy(theta_of, [few]).mean:.0f} %")

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. No step at all, and it is better than five of them: the learned head and its five steps are what is weak in the textbook network. The fresh network says what the pictures give for nothing.

# %% [markdown]
# How long a picture's features are plays no part: with one picture a class, each can have a length of its own. And the mean of one picture is the
# picture, so NIL is then the *nearest neighbour by cosine*. Both are exact:

# %%
support, query = (net.features_of(start, x[0]) for x in (one.support_x, one.query_x))
labels = one.support_y[0]
lengths = 0.1 + torch.rand(75, 1, generator=torch.Generator().manual_seed(0)).double()
cosines = by_mean(support, labels, query, 5)
compare("NIL, every picture at its own length",
        by_mean(lengths[:5] * support, labels, lengths * query, 5), "NIL", cosines,
        to=1e-12)
single = F.cosine_similarity(query[:, None], support, dim=-1)
compare("cosines with single pictures", single[:, labels.argsort()], "NIL", cosines,
        to=1e-12)

# %% [markdown]
# NIL is better than the five steps that this network was trained for. So what did those steps add at test? A head, learned slowly.
#
# ## Train it that way
#
# Freezing at test is one thing, training without the loop another. Train ANIL, with your loop, from a head of zeros and with one step (its
# rate was chosen on validation characters, in lesson 09). With one step from a head of zeros the logits are cosines
# without their denominator, $\tfrac{\alpha}{N}\,\langle h(x), h(x_n)\rangle$ for each class's picture $x_n$, up to a number that all classes share.

# %%
@dataclass(frozen=True)
class Recipe:
    filters: int
    ways: int  # classes in a training task; tests have 5
    meta_batch: int
    outer_steps: int
    outer_rate: float  # beta
    head_rate: float = 4.0  # alpha; one inner step


OURS = Recipe(32, 40, 2, 800, 5e-3)
recipe = {"smoke": Recipe(32, 40, 2, 30, 5e-3), "lecture": OURS,
          "paper": Recipe(64, 20, 16, 30_000, 1e-3)}[PROFILE]


def anil_gradient(net, theta, episode):
    """ANIL's meta-gradient with your loop, all tasks side by side, and two numbers."""
    point = leaves(theta)

    def support_loss(phi):
        return cross_entropy(net(phi, episode.support_x), episode.support_y).sum()

    begin = {name: value if value.requires_grad else value.requires_grad_()
             for name, value in stack(net.zero_head(point), episode.tasks).items()}
    phi = loop(support_loss, begin, recipe.head_rate, 1, net.head_names)
    logits = net(phi, episode.query_x)
    loss = cross_entropy(logits, episode.query_y).mean()
    right = share_right(logits.detach(), episode.query_y).mean()
    return gradient_of(loss, point), {"loss": loss.detach(), "accuracy": right}


def train_anil(seed):
    wide = Conv4(recipe.ways, recipe.filters, head="flatten")
    generator = torch.Generator().manual_seed(seed)
    theta = wide.init(generator)

    def sample(generator):
        return train.sample(recipe.meta_batch, recipe.ways, 1, 2, generator=generator)

    body = {name: theta[name] for name in wide.body_names}
    return fit(partial(anil_gradient, wide), body, sample,
               steps=recipe.outer_steps, generator=generator, lr=recipe.outer_rate,
               schedule="cosine", seconds=120 if PROFILE == "lecture" else None,
               progress=f"ANIL, seed {seed}")


runs = [train_anil(seed) for seed in SEEDS]
print(f"{runs[0].step} outer steps")

# %% tags=["nbval-ignore-output"]
# not compared: accuracies of a network trained a moment ago, which differ in the last
# digit from processor to processor
test_net = Conv4(5, recipe.filters, head="flatten")
gentle = sgd(0.1)  # a fortieth of the training's, three steps, as in lesson 09
yours_now = accuracy(test_net, runs[0].theta, tests, gentle, 3,
                     only=test_net.head_names, start=test_net.zero_head)
print(f"ANIL trained with your loop: {yours_now['transductive']} % transductive, "
      f"{yours_now['support']} % by the support's statistics")

# %% tags=["setup"] jupyter={"source_hidden": true}
for mode, value in yours_now.items():
    record(f"anil.5way1shot.{mode}", value, unit="%", seeds=SEEDS[:1],
           seconds=runs[0].seconds, device=runs[0].device,
           note=f"{runs[0].step} outer steps")
if len(runs) > 1:
    each = [accuracy(test_net, run.theta, tests, gentle, 3, only=test_net.head_names,
                     start=test_net.zero_head, modes=["support"])["support"].mean
            for run in runs]
    record("anil.5way1shot.support.seeds", over_seeds(each), unit="%", seeds=SEEDS,
           note="interval over training runs")

# %% [markdown] slideshow={"slide_type": "slide"}
# **Predict.** NIL can be trained, too: no inner loop in training either, a softmax over the cosines, and the ordinary gradient. The paper
# tried it and found it far worse than ANIL. Cosines lie between −1 and 1. What does a factor of 10 before the softmax do to *our* NIL?
#
# - ( ) nothing: a factor does not change which cosine is the largest
# - ( ) a point or two
# - ( ) it decides: without the factor NIL trains badly
#
# <details><summary>After you have guessed</summary>
#
# It decides: without the factor NIL trains badly, ten points below. The largest cosine stays the largest, but the loss cannot see it: a softmax over 40 numbers
# between −1 and 1 gives no class more than 16 %. So the gradient never ends, and what it teaches is not which class is nearest.
#
# </details>

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Help: with 40 classes, what is the largest probability that a softmax over numbers between -1 and 1 can give? About a sixth. Is that a loss that says "you are done"?

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "slide", "code": false}
table = recorded("13", "table")
costs = recorded("13", "costs")
shown = {"ours.own": "ours (lesson 09's recipe)",
         "ours.nearest mean": "ours, tested by NIL",
         "anil.own": "ANIL, as many steps", "anil, equal cost.own": "ANIL, equal cost",
         "anil.nearest mean": "ANIL, tested by NIL",
         "nil, bare cosines.nearest mean": "NIL trained, bare cosines",
         "nil.nearest mean": "NIL trained, times 10",
         "nil, equal cost.nearest mean": "NIL times 10, equal cost",
         "maml5.own": "the textbook's",
         "maml5.nearest mean": "the textbook's, tested by NIL",
         "fresh.nearest mean": "fresh, tested by NIL"}
fig, ax = plt.subplots(figsize=(9.5, 4.4))
for mode, marker, shift in (("transductive", "o", -0.14), ("support", "s", 0.14)):
    dots(ax, [f"{name}.{mode}" for name in shown], table, marker=marker, shift=shift,
         label=mode, markerfacecolor="white" if marker == "s" else None)
for place, name in enumerate(shown):
    both = [table[f"{name}.{mode}"] for mode in ("transductive", "support")]
    end = max(each["value"] + each["interval"] for each in both)
    ax.annotate(f"{both[1]['value']:.1f}", (end, place), xytext=(8, 0), va="center",
                textcoords="offset points")
ax.set(yticks=range(len(shown)), yticklabels=shown.values(), xlim=(30, 104),
       xlabel="right answers on new characters, %; the number: by the support set")
ax.invert_yaxis()
ax.legend(loc="center left")
ax.grid(axis="y", alpha=0.3)
show(fig, alt="Right answers of eleven combinations of training and test: ours, ANIL "
     "and NIL with a factor lie close together at the top, NIL trained on bare "
     "cosines and the textbook network below, the fresh network far below.")

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Read in groups. Tested by NIL, every network keeps its place. Trained at equal cost, compare the three recipes. Then the bare cosines.

# %% [markdown]
# Tested by NIL, no trained network loses: the textbook's gains two points and more, for its learned head is what is weak in it. Trained with as many outer steps, ANIL
# is a point below ours at the most, and NIL level. At equal *cost*, ANIL is level, and NIL, with no inner loop anywhere, is nearly two points *above* MAML.
# The fresh network says what is for nothing: nearly two fifths, against one in five by chance. (It is the one for which the inner loop does something: five steps of everything
# bring it a few points further.)
#
# What does a step cost? Both were run in turns in one process, with the same tasks: the ratio holds on a busy machine too.

# %% jupyter={"source_hidden": true}
for name, told in (("anil", "ANIL"), ("nil", "NIL")):
    times = costs[f"ours / {name}"]["value"]
    print(f"one outer step of ours costs as much as {times:.1f} of {told}")
for count, pair in (("one inner step", "ours, 1 step / anil"),
                    ("two inner steps", "ours / anil, 2 steps")):
    print(f"both with {count}: {costs[pair]['value']:.1f} of ANIL")
ready = {name: figure["value"] for name, figure in
         recorded("13", "costs-at-test").items()}
print("adapting at test, five steps: all layers cost "
      f"{ready['all / head']:.1f} times the head alone, "
      f"{ready['all / class means']:.0f} times class means")
speed = published("raghu.anil.speed.training"), published("raghu.anil.speed.inference")
print(f"published for ANIL: {speed[0]['value']} times in training, {speed[1]['value']} "
      f"times at test ({speed[0]['setting']})")

# %% [markdown]
# At test the saving is about the published one: the head's gradient needs no way back through the body. In training ours saves more than they say, because ANIL
# takes one inner step there where MAML takes two: with equal steps the saving is nearer to theirs.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What the paper has
#
# MAML, ANIL and NIL (trained as ANIL) as published: mean and *standard deviation* over three seeds.

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "fragment", "code": false}
cells = {"omniglot.20way1shot": "Omniglot 20w 1s", "omniglot.20way5shot": "20w 5s",
         "miniimagenet.5way1shot": "mini-ImageNet 5w 1s",
         "miniimagenet.5way5shot": "5w 5s"}
print(f"{'':6}", "  ".join(f"{said:>19}" for said in cells.values()))
for method in ("maml", "anil", "nil"):
    figures = [published(f"raghu.{method}.{cell}") for cell in cells]
    said = [f"{each['value']:.1f} ± {each['interval']:g}" for each in figures]
    print(f"{method.upper():6}", "  ".join(f"{each:>19}" for each in said))
print("\nmini-ImageNet 5w 1s, tested by NIL, trained as")
for way in ("maml training", "anil training", "nil training", "random features"):
    figure = published(f"raghu.nil-head.{way}.miniimagenet.5way1shot")
    print(f"  {way:16} {figure['value']:.1f} ± {figure['interval']:.1f}")
print(f"{figure['source'].rpartition(',')[0]}, tables 2, 4, 5; ± {figure['spread']}; "
      f"{figure['setting']}")

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. ANIL is better than their MAML on Omniglot by two points and more, on mini-ImageNet equal or a little below. Their MAML at 20 ways is two points below Finn's own number: protocols again.

# %% [markdown]
# Their batch norm is MAML's, transductive; how many queries a class stood in a batch the paper does not say. Our table is 5-way, by 32 filters, after about
# a minute of training, and stands beside it only to show the same *order*. Note their last rows: NIL in training came out ten points below ANIL there.
# With bare cosines we get the same ten points, and a factor before the softmax takes them away. The paper concludes that the head is important in training; on
# characters it is the *scale* of the logits that is, which a head can learn and bare cosines cannot. (Whether their code scaled its cosines the
# paper does not say; lesson 18 meets the same trap in matching networks.)
#
# MAML's and ANIL's rows on miniImageNet were found again in a copy of the paper's text. Those on Omniglot stand here as
# [learn2learn's tutorial](https://github.com/learnables/learn2learn) quotes them, NIL's and the two speeds as notes on the paper do.
#
#
# ## When the head runs ten times as fast
#
# Many codes give the head a larger inner rate than the body; [UNICORN-MAML's](https://github.com/Han-Jia/UNICORN-MAML) has ten times. What does
# "the body hardly moves" mean then? Train the textbook network once more with a head rate of 1 in place of 0.1, the body's rate as it was, and
# freeze its body at test.

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "slide"}
fig, axes = plt.subplots(1, 2, figsize=(10, 2.9), sharey=True)
pair = {"maml5": "one rate for all", "steep": "head ten times\nas fast"}
for mode, marker, shift in (("transductive", "o", -0.12), ("support", "s", 0.12)):
    face = "white" if marker == "s" else None
    dots(axes[0], [f"{name}.full.{mode}.nothing" for name in pair], freeze,
         marker=marker, shift=shift, markerfacecolor=face)
    dots(axes[1], [f"{name}.full.{mode}.body - nothing" for name in pair], freeze,
         marker=marker, shift=shift, markerfacecolor=face, label=mode)
axes[1].axvline(0, **style.method("truth"))
axes[0].set(yticks=range(2), yticklabels=pair.values(), xlabel="right answers, %",
            title="Nothing frozen", ylim=(1.5, -0.5))
axes[1].set(xlabel="points, body frozen against nothing", title="The body frozen",
            xlim=(-6.5, 4))
axes[1].legend(loc="upper right")
show(fig, alt="Two networks with one rate for all and with a head ten times as fast: "
     "right answers with nothing frozen, and what freezing the body costs.")

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. The same architecture, the same number of steps; one number of the recipe decides how much "reuse" we find. Whoever reports reuse has to report the rates.

# %% [markdown]
# The two networks are equally good. Yet in one of them freezing the body costs three or four points, and in the other nothing. The second did not "discover"
# feature reuse: somebody typed a 1 where there had been a 0.1. A head that takes steps ten times as long is done before the body has
# begun. So a finding of reuse, or of rapid learning, belongs to a *pair of rates*, and has to name them.
#
# ## The verdict
#
# | instrument | what it says | with its control |
# |---|---|---|
# | freezing at test | the body need not move | true at equal support loss; at equal steps it is the head's speed that is measured |
# | CKA before and after | the features hardly change | holds, beside fresh networks and other pictures; the head changes |
# | CCA | the same | only with many more rows than features; from few pictures it says 1 of noise |
# | how far kernels move | the trained body hardly moves | not so: in layer 4 it moves farther than a fresh one merely enlarged; the rest depends on layer, recipe and length of training |
# | NIL | no loop is needed | holds in all networks here |
#
# So at *test*, on characters like those of the training, it is feature reuse: three instruments agree once each is read with its control. What cannot be said
# is that the network has *learned not to move*: that reading came from the ruler.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What you learned
#
# - ANIL is MAML with a rate of zero for the body. Its gradient still goes through the head's step.
# - "Body frozen" at equal steps mixes two questions. At equal support loss the body need not move.
# - A similarity needs its zero: the fresh network, other pictures, shuffled ones. CCA of few pictures is 1 of everything.
# - Under batch norm a kernel twice as long moves a quarter as far. Compare with "fresh, merely enlarged".
# - NIL answers without a loop, and trains well too, if its cosines are scaled.

# %% [markdown] slideshow={"slide_type": "notes"}
# 1 min. Read the second and the fourth: these are the two that published figures lack.

# %% [markdown]
# ## Quiz
#
# <details><summary>1. A paper freezes the body at test, loses eight points after five steps, and concludes that rapid learning happens. What do you ask for?</summary>
#
# The same at equal support loss: give the frozen network more steps, or its head a larger rate, until it fits the support set as well. If the eight
# points come back, the head was slow.
#
# </details>
#
# <details><summary>2. Somebody reports CCA 0.98 between two networks' last layers, 512 features, from 300 pictures. What is it worth?</summary>
#
# Nothing. 300 pictures span 299 directions at most, and 512 features fill them. Random numbers would have a CCA of 1. Take some thousand pictures, or CKA without bias, and
# print the value for shuffled pictures beside it.
#
# </details>
#
# <details><summary>3. You detach the features in ANIL's inner loop, because the body does not adapt anyway. What have you changed?</summary>
#
# The outer gradient. The head's step depends on the features, and through them on the body; detached, that part is gone, and what is left is first-order
# ANIL for the body. `is_it_maml` says so.
#
# </details>
#
# ## References
#
# - Raghu, Raghu, Bengio, Vinyals 2020, [Rapid learning or feature reuse?](https://arxiv.org/abs/1909.09157): freezing, CCA and CKA, ANIL, NIL.
# - Kornblith, Norouzi, Lee, Hinton 2019, [Similarity of neural network representations revisited](https://arxiv.org/abs/1905.00414): CKA.
# - Raghu, Gilmer, Yosinski, Sohl-Dickstein 2017, [SVCCA](https://arxiv.org/abs/1706.05806).
# - van Laarhoven 2017, [L2 regularization versus batch and weight normalization](https://arxiv.org/abs/1706.05350): lengths, rates and batch norm.
# - Ye, Chao 2022, [How to train your MAML to excel in few-shot classification](https://arxiv.org/abs/2106.16245), and the
#   [released code](https://github.com/Han-Jia/UNICORN-MAML).
#
# ## Next
#
# [Lesson 14](14_how_many_steps.ipynb) takes the other number of this lesson, how many steps, to its ends: none, twenty, some hundreds.
