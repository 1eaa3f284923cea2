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
# # 16 Fewer tasks: interpolation
#
# So far you had 1100 characters to learn from. Now you have twenty. You make new tasks out of the ones you have, and find out what else
# would have done it.
#
# **You will be able to**
#
# - write a prototypical network, and show that it is a linear head that nobody trained,
# - write the interpolation of two tasks, at the pictures and at a hidden layer, and train with it,
# - set a published method beside its cheapest rival, at equal steps, over several sets of tasks,
# - say when a mixture of two tasks is a task, and when it is none,
# - tell a network that reads its support set from one that knows its tasks by heart.
#
# **Prerequisites:** [lesson 09](09_omniglot_maml.ipynb) for Omniglot, MAML and batch norm's modes, and
# [lesson 01](01_a_task_is_a_data_point.ipynb) for episodes and for the drawings that are centred.
#
# **Time:** 35 minutes of reading, and 40 minutes for the exercises.
#
# **What it costs to run:** *smoke* takes under 60 s on two cores. *lecture* takes under 3 minutes on two cores. 
# *paper* trains with the published settings, 30,000 steps for each of three networks: that takes hours on a GPU.

# %% [markdown] slideshow={"slide_type": "notes"}
# 1 min. Ask who has ever had a thousand classes to train on at work. Then ask who has had twenty. This lesson is for the second group.

# %% tags=["parameters"]
PROFILE = "smoke"  # "smoke", "lecture" or "paper": the same cells, three budgets
SEEDS = [0]  # one set of training characters for each

# %% tags=["setup"]

import matplotlib.pyplot as plt
import torch

from mlteach.exercises import check, find, yours
from mlteach.explore import TaskMixer, style
from mlteach.explore.figure import show
from mlteach.fit import fit
from mlteach.inner import adapt, sgd
from mlteach.measure import compare, is_it_maml, over_seeds, over_tasks, published
from mlteach.measure.ledger import record, recorded
from mlteach.metric import prototype_accuracy, prototype_gradient, prototype_head
from mlteach.metric import prototype_logits as packaged_logits
from mlteach.metric import prototypes
from mlteach.nets import Conv4, cross_entropy
from mlteach.outer import maml_gradient, maml_gradient_loop
from mlteach.outer.interpolated import Mixed, beside
from mlteach.params import gradient_of, leaves, stack
from mlteach.tasks import Characters, Sinusoids
from mlteach.tasks.augment import warped
from mlteach.tasks.interpolation import by_class, cutmix, interpolate, mixing_share
from mlteach.tasks.interpolation import partners

style.use()
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What is between two characters?
#
# Two characters, and a *share* $\lambda$ that slides from the one to the other. Somewhere in the middle there is a sign that is neither.
# Nobody has drawn it. A network could be asked to tell it from four other signs that nobody has drawn, and that is a task.

# %%
characters = Characters.load().to(DEVICE)
train, validation, test = characters.split("random", rotations="none")
dice = torch.Generator().manual_seed(100 + SEEDS[0])
order = torch.randperm(len(train), generator=dice)
twenty = train.part(order[:20].tolist())
print("to learn from:", len(twenty), "characters of", len(train))

# %% tags=["opening"] jupyter={"source_hidden": true} slideshow={"slide_type": "fragment"}
shares = [1, 0.75, 0.5, 0.25, 0]
draw = torch.Generator().manual_seed(3)
seen = by_class(twenty.sample(2, ways=3, shots=1, queries=1, generator=draw))
fig, axes = plt.subplots(3, 5, figsize=(8, 4.6))
for k, line in enumerate(axes):
    for ax, share in zip(line, shares):
        first, second = (seen.support_x[task, k, 0].cpu() for task in (0, 1))
        ax.imshow(share * first + (1 - share) * second)
        ax.axis("off")
        if k == 0:
            ax.set_title(f"λ = {share}", loc="center", fontsize=12)
show(fig, alt="Three rows of five pictures. On the left a character of one task, on "
     "the right a character of another, and between them their mixtures with shares of "
     "three quarters, a half and a quarter.")

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Cover the two outer columns with your hands. Is the middle one a character? Would you know it again if another hand drew it?

# %% [markdown]
# Here $\lambda$ is the share of the first task. It is the letter of the paper that this lesson is about, Yao, Zhang and Finn's
# [MLTI](https://arxiv.org/abs/2106.02695), "meta-learning with task interpolation". In the code it is called `share`.
#
# ## Which learner? One without an inner loop
#
# To try many things we want a quick learner. MAML comes back further down. Here is the simplest one that learns from few pictures: a
# *prototypical network*. The network $h$ turns every picture into a row of numbers, its features. A class is the mean of its support
# features, its *prototype* $c_k$. A query belongs to the nearest prototype:
#
# $$\text{logit}_k(x) \;=\; -\lVert h(x) - c_k\rVert^2, \qquad c_k \;=\; \text{mean of } h \text{ over the support of class } k.$$
#
# Aloud: *the closer to what the class looks like on average, the larger the logit.* Nothing adapts. The outer loop trains $h$ with an
# ordinary gradient of the query loss.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A learner without an inner loop
#
# $$\text{logit}_k(x) \;=\; -\lVert h(x) - c_k\rVert^2, \qquad c_k \;=\; \text{mean of } h \text{ over the support of class } k$$
#
# - Nothing adapts at test: a class is the mean of its features.
# - The outer loop trains $h$, with an ordinary gradient.
# - Multiplied out: $2\,c_k \cdot h(x) - \lVert c_k\rVert^2$, and a term that all classes share.

# %% [markdown] slideshow={"slide_type": "notes"}
# 3 min. Draw three dots and a cross on the board. Multiply the square out with the class: the part with h(x) squared is the same for all classes, softmax drops it. What is left is a linear layer. So this is a head that is computed, not trained.

# %% [markdown]
# **Your turn.** Write the logits. `support` [S, d] and `query` [Q, d] are features, `y` [S] the labels of the support rows.
#
# <details><summary>Hint 1</summary>Two lines: the mean of each class, then the distance of each query to each mean.</details>
# <details><summary>Hint 2</summary><code>support[y == k].mean(0)</code> is the prototype of class k; <code>torch.stack</code> puts all of them into [ways, d].</details>
# <details><summary>Hint 3</summary><code>query[:, None] - means</code> has the shape [Q, ways, d]. Square it, sum over the last axis, and mind the sign.</details>

# %% tags=["exercise"]
def prototype_logits(support, y, query, ways):
    """Minus the squared distance of each query to each class's mean, [Q, ways]."""
    ### BEGIN SOLUTION
    means = torch.stack([support[y == k].mean(0) for k in range(ways)])
    return -(query[:, None] - means).square().sum(-1)
    ### END SOLUTION


# %%
check("16.1", prototype_logits)

# %% [markdown]
# Multiply the square out: $-\lVert h\rVert^2 + 2\,c_k\cdot h - \lVert c_k\rVert^2$. The first term is the same for all classes, and softmax
# forgets it. The rest is a linear head with $W = 2C$ and $b_k = -\lVert c_k\rVert^2$. Is it, in numbers? And do prototypes of a mixture lie
# between the prototypes?

# %%
logits_of = yours("16.1", prototype_logits, otherwise=find("16.1").solution)
draw = torch.Generator().manual_seed(0)
rows, others, asked = (torch.randn(n, 8, generator=draw, dtype=torch.float64)
                       for n in (6, 6, 4))
labels = torch.tensor([2, 0, 1, 1, 0, 2])
weight, bias = prototype_head(rows, labels, ways=3)
compare("distance to prototypes, after softmax",
        logits_of(rows, labels, asked, 3).softmax(-1),
        "a linear head", (asked @ weight.T + bias).softmax(-1), to=1e-10)
compare("the package", packaged_logits(rows, labels, asked, 3), "yours",
        logits_of(rows, labels, asked, 3), to=1e-10)
compare("prototypes of mixed features",
        prototypes(0.3 * rows + 0.7 * others, labels, 3), "mixed prototypes",
        0.3 * prototypes(rows, labels, 3) + 0.7 * prototypes(others, labels, 3),
        to=1e-10)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What goes wrong with twenty characters?
#
# Twenty characters give $\binom{20}{5} = 15{,}504$ tasks of five classes, and far more drawings of them. Is that few?
#
# **Predict.** A prototypical network trains on tasks of these twenty characters. Every hundred steps you ask it about tasks of the *same*
# characters, and about tasks of characters it has never seen. What do the two curves do?
#
# - ( ) Both rise together: there are fifteen thousand tasks, and none is seen twice.
# - ( ) Its own characters go to nearly 100 %. The new ones stop early, tens of points below.
# - ( ) Its own go to nearly 100 %. The new ones rise and then fall back to chance.
#
# <details><summary>After you have guessed</summary>
#
# Its own characters go to nearly 100 %. The new ones stop early, tens of points below. The tasks are many, but they are made of twenty
# things. After a hundred steps the network tells these twenty apart, and five hundred more bring nothing on new ones. That is overfitting
# *to tasks*: no task is seen twice, and still there is nothing left to learn.
#
# </details>

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "fragment"}
curves = recorded("16", "curves")
if not curves:
    print("Not recorded here. Measure it with: "
          "python -m studies.lesson16_few_tasks curves")


def line_of(arm, what):
    """Steps, means and half widths of a recorded curve."""
    found = {int(name.rpartition(".")[2]): each for name, each in curves.items()
             if name.startswith(f"{arm}.{what}.")}
    steps = sorted(found)
    return steps, *([found[k][key] for k in steps] for key in ("value", "interval"))


def draw_pair(ax, arm, title):
    for what, said, look, under in (
            ("own", "its own characters", style.method("metric"), 8),
            ("new", "new characters", style.method("warning"), -18)):
        steps, means, halves = line_of(arm, what)
        if not steps:
            continue
        line, = ax.plot(steps, means, **look)
        ax.fill_between(steps, [m - h for m, h in zip(means, halves)],
                        [m + h for m, h in zip(means, halves)],
                        color=look["color"], alpha=0.15, linewidth=0)
        ax.annotate(said, (steps[-1], means[-1]), xytext=(0, under),
                    textcoords="offset points", ha="right",
                    va="bottom" if under > 0 else "top",
                    color=style.ink(look["color"]))
    ax.set(xlabel="outer step", ylabel="right answers, %", ylim=(20, 118), title=title,
           yticks=range(20, 101, 20))


fig, ax = plt.subplots(figsize=(8, 3.8))
draw_pair(ax, "none", "It knows its own twenty; new ones stay behind")
show(fig, alt="Two curves over 600 outer steps with bands over three sets: tasks of "
     "the network's own characters stand near 100 % from the first look on, tasks of "
     "new characters stay flat, more than thirty points below.")

# %% [markdown] slideshow={"slide_type": "notes"}
# 3 min. Let them draw both curves first. The point: fifteen thousand tasks, and still only twenty characters. The lower curve is flat from the first look on, after a hundred steps. The training loss goes on falling.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A task between two tasks
#
# Take two tasks $i$ and $j$ and a share $\lambda$. Mix picture with picture, in the support set and in the query set, with the same share:
#
# $$x \;=\; \lambda\, x_i + (1-\lambda)\, x_j, \qquad \lambda \sim \text{Beta}(2, 2)$$
#
# Class $k$ of one and class $k$ of the other make one *new* class, and it is called $k$. Labels are names that chance has dealt: nothing
# is lost by dealing them again.
#
# From 20 characters come 190 pairs, each with any share in between.

# %% [markdown] slideshow={"slide_type": "notes"}
# 3 min. Beta(2, 2) is a hill on the interval from 0 to 1: mean one half, variance one twentieth. Ask what happens if support and queries get two different shares. (They are no longer the same class.)

# %% [markdown]
# Yao, Zhang and Finn call this *non-label-sharing*. Where two tasks hold other drawings of the *same* characters under the same labels,
# the mixture is one more drawing of the same class: *label-sharing*. And where targets are numbers, not names, they are mixed as the
# inputs are.
#
# **Your turn.** Write it for one set, the support set or the queries. Each task's pictures come as they were dealt, in any order. Return
# them in the order of the labels.
#
# <details><summary>Hint 1</summary>Two things: bring both tasks into one order, then add a share of one to the rest of the other.</details>
# <details><summary>Hint 2</summary><code>order = y_i.argsort(stable=True)</code> says where the rows of class 0 stand, then those of class 1, and so on: <code>x_i[order]</code> is in the order of its labels. The other task has an order of its own.</details>
# <details><summary>Hint 3</summary><code>share * first + (1 - share) * second</code>, and the labels of either, which are the same by now.</details>

# %% tags=["exercise"]
def between(x_i, y_i, x_j, y_j, share):
    """Class k of one task mixed with class k of the other: pictures and labels."""
    ### BEGIN SOLUTION
    i, j = y_i.argsort(stable=True), y_j.argsort(stable=True)
    return share * x_i[i] + (1 - share) * x_j[j], y_i[i]
    ### END SOLUTION


# %%
check("16.2", between)

# %% [markdown]
# The package does the same for all tasks of an episode side by side, each mixed with its neighbour. Four things can be checked: it gives
# your numbers, a share of 1 gives back task $i$, swapping tasks and shares changes nothing, and the shares have the moments of Beta(2, 2).
#
# And a fifth. Where classes are shared and two labels differ, the paper mixes the labels too, as rows of ones and zeros. Cross-entropy is linear in
# that row: a mixed label asks for the mixed loss.

# %%
mixing = yours("16.2", between, otherwise=find("16.2").solution)
dealt = twenty.sample(2, ways=5, shots=1, queries=2, dtype=torch.float64,
                      generator=torch.Generator().manual_seed(1)).to(device="cpu")
one, two = by_class(dealt), partners(by_class(dealt))
mine, names = mixing(dealt.query_x[0], dealt.query_y[0], dealt.query_x[1],
                     dealt.query_y[1], 0.3)
compare("yours", mine, "the package", interpolate(one, two, 0.3).query_x[0], to=1e-10)
compare("a share of 1", interpolate(one, two, 1.0).query_x, "the first task",
        one.query_x, to=1e-10)
compare("share of the first", interpolate(one, two, 0.3).support_x,
        "the rest of the second", interpolate(two, one, 0.7).support_x, to=1e-10)
many = mixing_share(100_000, generator=torch.Generator().manual_seed(0))
print(f"shares: mean {many.mean():.2f}, variance {many.var():.3f}; "
      f"Beta(2, 2) has {1 / 2:.2f} and {1 / 20:.3f}")


def row_loss(row):
    """Cross-entropy of labels that are rows, with three logits."""
    return -(row * rows[:3, :3].log_softmax(-1)).sum(-1).mean()


ones = torch.eye(3, dtype=torch.float64)
compare("loss of the mixed label", row_loss(0.3 * ones + 0.7 * ones.flip(0)),
        "mixed loss", 0.3 * row_loss(ones) + 0.7 * row_loss(ones.flip(0)), to=1e-10)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Where to mix?
#
# | | what is mixed | what comes out |
# |---|---|---|
# | **pictures** | $\lambda x_i + (1-\lambda) x_j$ | a ghost of both |
# | **CutMix** | a box of $x_j$ of the area $1 - \lambda$, set into $x_i$ | parts of both, each sharp |
# | **hidden layer** | the maps after block 1, 2 or 3 | what the rest of the network sees of both |
#
# At a hidden layer the network's first blocks see real pictures, and the mixture is made of what they found.

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. The paper mixes at a layer drawn anew in each step. The released code cuts boxes for pictures. Both are in the figure that comes.

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "slide"}
pair = by_class(twenty.sample(2, ways=3, shots=1, queries=1,
                              generator=torch.Generator().manual_seed(3)))
mate = partners(pair)
whole = interpolate(pair, mate, 0.6)
boxed = cutmix(pair, mate, 0.6, generator=torch.Generator().manual_seed(3))
moved = warped(pair.support_x, shift=3, bend=1.5,
               generator=torch.Generator().manual_seed(3))
shown = {"task i": pair.support_x, "task j": mate.support_x, "mixed": whole.support_x,
         "CutMix": boxed.support_x, "task i, shifted\nand bent": moved}
fig, axes = plt.subplots(3, 5, figsize=(8, 4.8))
for column, (said, pictures) in zip(axes.T, shown.items()):
    column[0].set_title(said, loc="center", fontsize=12)
    for ax, picture in zip(column, pictures[0, :, 0].cpu()):
        ax.imshow(picture)
        ax.axis("off")
show(fig, alt="Three rows of five pictures: a character of task i, one of task j, both "
     "mixed, the first with a box out of the second, and the first shifted and bent.")

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Point at the last column. It makes no new task. It says that a character stays the same when the hand slips. Anybody who has trained a network on pictures knows it. Nobody pays for it here.

# %% [markdown]
# The last column is the rival. Every picture is *shifted* by up to three pixels and *bent* a little, each for itself. That makes no new
# task. It says what does not matter about a drawing. There are more rivals: **rotations** as new classes (the usual protocol on Omniglot, three
# more characters out of each), **centring** each drawing on its ink as in [lesson 01](01_a_task_is_a_data_point.ipynb), which learns
# nothing, and **dropout** on the features.
#
# ## Train, with your functions
#
# All of ProtoNet's gradient, out of what you wrote: the first blocks, your mixture, the other blocks, your logits.

# %%
net, SCALE = Conv4(5, 32, head="flatten"), 0.05


def one_step(theta, episode, layer, share):
    """The gradient of the query loss; each task is mixed with its neighbour."""
    point, count = leaves(theta), episode.support_y.shape[1]
    params = stack(point, episode.tasks)
    x = torch.cat([episode.support_x, episode.query_x], 1)
    maps = net.blocks(params, x, 0, layer)
    between_maps, names = [], []
    for i in range(episode.tasks):  # each task with the one before it
        for part, y in ((slice(count), episode.support_y),
                        (slice(count, None), episode.query_y)):
            x, label = mixing(maps[i, part], y[i], maps[i - 1, part], y[i - 1], share)
            between_maps.append(x)
            names.append(label)
    mixed = torch.cat(between_maps).unflatten(0, maps.shape[:2])
    features = net.features_from(params, mixed, layer)
    losses = [cross_entropy(SCALE * logits_of(row[:count], y, row[count:], 10), asked)
              for row, y, asked in zip(features, names[::2], names[1::2])]
    loss = torch.stack(losses).mean()
    return gradient_of(loss, point), {"loss": loss.detach()}


# %% [markdown]
# The package's `prototype_gradient` takes all tasks at once. Is it the same?

# %%
theta = net.init(torch.Generator().manual_seed(0), torch.float64)
theta = {name: theta[name] for name in net.body_names}
tried = twenty.sample(2, ways=10, shots=1, queries=2, dtype=torch.float64,
                      generator=torch.Generator().manual_seed(5)).to(device="cpu")


def quick(theta, episode, layer, share):
    def mix(maps):
        return interpolate(maps, partners(maps), share)

    def below(params, x):
        return net.blocks(params, x, 0, layer)

    def features(params, x):
        return net.features_from(params, x, layer)

    return prototype_gradient(features, theta, by_class(episode), scale=SCALE,
                              below=below, mix=mix)


compare("yours, mixed after block 2", one_step(theta, tried, 2, 0.3)[0],
        "the package", quick(theta, tried, 2, 0.3)[0], to=1e-10)

# %% [markdown] slideshow={"slide_type": "slide"}
# **Predict.** Three networks train on the same twenty characters, with the same number of steps: one as it is, one with tasks mixed at a
# hidden layer, one on pictures that are shifted and bent. Tested on new characters, one drawing each: who gains what?
#
# - ( ) Mixing gains most: it alone makes new classes.
# - ( ) Both gain about the same.
# - ( ) Shifting and bending gains several times as much as mixing.
# - ( ) Neither gains: twenty characters are twenty characters.
#
# <details><summary>After you have guessed</summary>
#
# Shifting and bending gains several times as much as mixing, and it makes no class. Is a supply of classes no help, then? Wait for the arm that
# makes real ones.
#
# </details>

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Vote by hands. Most will vote for mixing: it is what the lesson is called. Then the numbers of one set of characters.

# %%
STEPS, TESTS = {"smoke": (40, 50), "lecture": (300, 200),
                "paper": (30_000, 600)}[PROFILE]
LR, TASKS, QUERIES = (1e-3, 4, 15) if PROFILE == "paper" else (5e-3, 2, 4)
draw = torch.Generator().manual_seed(2)
tests = [test.sample(50, 5, 1, 15, generator=draw) for _ in range(0, TESTS, 50)]


def trained(arm, seed=SEEDS[0]):
    dice = torch.Generator().manual_seed(1000 + seed)
    generator = torch.Generator().manual_seed(seed)
    theta = {name: value.to(DEVICE) for name, value in net.init(generator).items()
             if name in net.body_names}

    def sample(generator):
        episode = twenty.sample(TASKS, 10, 1, QUERIES, generator=generator)
        if arm != "shift + bend":
            return episode
        return episode._replace(**{
            part: warped(getattr(episode, part), shift=3, bend=1.5, generator=generator)
            for part in ("support_x", "query_x")})

    def gradient(theta, episode):
        if arm != "hidden mix":
            return quick(theta, episode, 0, 1.0)
        layer = int(torch.randint(1, 4, (), generator=dice))
        return one_step(theta, episode, layer, mixing_share(1, generator=dice).item())

    return fit(gradient, theta, sample, steps=STEPS, generator=generator, lr=LR,
               schedule="cosine", progress=arm)


runs = {arm: trained(arm) for arm in ("none", "hidden mix", "shift + bend")}

# %% tags=["nbval-ignore-output"] slideshow={"slide_type": "fragment", "code": false}
# not compared: accuracies of networks trained a moment ago, which differ in the last
# digit from processor to processor
print(f"{STEPS} steps, new characters, %   transductive      support")
for arm, run in runs.items():
    scores = prototype_accuracy(net.features_of, run.theta, tests)
    each = {mode: over_tasks(values).scaled(100) for mode, values in scores.items()}
    print(f"{arm:28} {each['transductive']:>12}  {each['support']:>11}")
    for mode, value in each.items():
        record(f"live.{arm}.{mode}", value, unit="%", seeds=SEEDS[:1],
               seconds=run.seconds, device=run.device, note=f"{run.step} outer steps")

# %% [markdown]
# (In the *smoke* profile all three are hardly trained.) That was one set of twenty characters and one seed. A result needs more.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Five sets of characters, every rival
#
# The same start, 300 steps for all, settings chosen on validation characters. Each dot is the gain over the plain network with the
# *same* twenty (or sixty) characters, the line its 95 % interval over five sets. On the right: four times as many steps, three sets.

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "fragment"}
arms, longer = recorded("16", "characters"), recorded("16", "longer")
if not arms:
    print("Not recorded here. Measure it with: "
          "python -m studies.lesson16_few_tasks characters")
listed = ("label-sharing", "dropout", "hidden mix", "CutMix", "centring", "bend",
          "shift", "rotations", "shift + bend")
hues = {name: "warning" if name in ("hidden mix", "CutMix", "label-sharing")
        else "reptile" for name in listed}
fig, axes = plt.subplots(1, 3, figsize=(12, 4.2), sharey=True)
for ax, found, count, steps in zip(axes, (arms, arms, longer), ("20", "60", "60"),
                                   (300, 300, 1200)):
    for place, name in enumerate(listed):
        gain = found.get(f"{count}.{name}.transductive.gain")
        if gain:
            ax.errorbar(gain["value"], place, xerr=gain["interval"], fmt="o",
                        capsize=4, color=style.color(hues[name]))
    ax.axvline(0, **style.method("baseline"))
    plain = found.get(f"{count}.none.transductive")
    said = f"; plain: {plain['value']:.0f} %" if plain else ""
    ax.set(xlabel=f"points gained{said}", title=f"{count} characters, {steps} steps")
    ax.grid(axis="y", alpha=0.3)
axes[0].set(yticks=range(len(listed)), yticklabels=listed)
show(fig, alt="Dots with intervals, gains over the plain network. With 20 characters "
     "label-sharing and dropout are level with it, hidden mix and CutMix gain two to "
     "four points, centring about ten, bend, shift, rotations and shift with bend 13 "
     "to 16. With 60 characters and 300 steps centring gains five and bend alone about "
     "four; dropout, shift, rotations and shift with bend are level; label-sharing, "
     "hidden mix and CutMix lose two to three. After 1200 steps "
     "rotations gain seven, shift with bend eight, and hidden mix is level.")

# %% [markdown] slideshow={"slide_type": "notes"}
# 3 min. Read from below, left panel first. The three mixtures in orange-red, the rivals in green. Centring learns nothing at all and gains more than any mixture. Then the middle: with sixty, only centring and bending are right of zero, and every mixture is left of it. Ask whether they believe that, and show the right panel: the same sixty, four times as many steps. Equal steps had starved the arms with the harder tasks.

# %% jupyter={"source_hidden": true}
def values_of(figure):
    """The numbers of the single sets, from a record's note."""
    return [float(value) for value in figure["note"].partition(": ")[2].split(", ")]


if arms:
    print("5-way 1-shot, %    20 characters:                        60 characters:")
    print(f"{'':18} {'new':>11} {'support':>11} {'own':>11}    {'new':>11} {'own':>11}")
for name in ("none", *listed) if arms else ():
    cells = [arms.get(f"{key[:2]}.{name}.{key[3:]}") for key in
             ("20.transductive", "20.support", "20.training tasks",
              "60.transductive", "60.training tasks")]
    told = [f"{c['value']:.1f} ± {c['interval']:.1f}" if c else "–" for c in cells]
    print(f"{name:18} {told[0]:>11} {told[1]:>11} {told[2]:>11}    "
          f"{told[3]:>11} {told[4]:>11}")
if arms:
    bent, turned = (values_of(arms[f"20.{name}.transductive"])
                    for name in ("shift + bend", "rotations"))
    apart = over_seeds([a - b for a, b in zip(bent, turned)])
    print(f"20 characters, shift + bend above rotations: {apart.mean:+.1f} ± "
          f"{apart.half_width:.1f} points, paired")

# %% [markdown]
# Shift and bend make no class, rotations make three more of each character, and with twenty characters the two are level. So either helps, alone: more
# real classes, or being told that a character may be drawn somewhere else and a little crooked. (A drawing turned by ninety degrees is no crooked
# drawing here: it is another class.) What no arm shows is a class *between* two that is worth as much as a turned one.

# %% [markdown] slideshow={"slide_type": "slide"}
# **Predict.** You already shift and bend every picture. Now you mix tasks as well. What does mixing add?
#
# - ( ) about what it gained alone
# - ( ) more than alone: now it has better pictures to mix
# - ( ) less than nothing: it takes points away
#
# <details><summary>After you have guessed</summary>
#
# less than nothing: it takes points away. But look at the columns *own*, too: after 300 steps the networks with both do not yet know
# their own characters. Harder tasks take more steps. That mixing costs points *at equal steps* is measured; what it would do after ten
# times as many is not.
#
# </details>

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "fragment", "code": false}
def on_top(count, name):
    """What mixing adds, paired by set, and accuracy on own tasks without and with."""
    pair = name, f"{name} + mix"
    lone, both = (arms.get(f"{count}.{arm}.transductive") for arm in pair)
    if not (lone and both):
        return None
    lone, both = (dict(zip(each["seeds"], values_of(each))) for each in (lone, both))
    own = [arms[f"{count}.{arm}.training tasks"] for arm in pair]
    added = over_seeds([both[k] - lone[k] for k in both if k in lone])
    return f"{added.mean:+.1f} ± {added.half_width:.1f}", len(both), *(
        f"{each['value']:.1f}" for each in own)


if arms:
    print("mixing on top of                gained  sets  own, without   own, with")
for count in ("20", "60") if arms else ():
    for name in ("dropout", "centring", "rotations", "shift + bend"):
        if told := on_top(count, name):
            print(f"{f'{count} characters, {name}':27} {told[0]:>10} {told[1]:>5} "
                  f"{told[2]:>12}  {told[3]:>11}")

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Ask before you show the numbers. Paired by set of characters. Then say it aloud: at 300 steps for all. The two first rows go the other way: ask what their networks have in common (the column before the last).

# %% [markdown]
# On top of centring and dropout mixing keeps, with 20 characters, about what it gained alone. Both leave the network at 100 % on its own
# characters; shifts, bends and rotations do not. Whether that is why, no arm here takes apart. With 60 characters mixing alone costs three points,
# and on top of dropout it costs about as much; on top of centring it does neither good nor harm. In no row does it gain.

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "slide"}
fig, axes = plt.subplots(1, 3, figsize=(11, 3.4), sharey=True)
for ax, (arm, title) in zip(axes, (("none", "plain"), ("hidden mix", "mixed"),
                                   ("shift + bend", "shifted and bent"))):
    draw_pair(ax, arm, title)
for ax in axes[1:]:
    ax.set_ylabel("")
show(fig, alt="Three panels, each with a curve for the network's own characters that "
     "ends near 100 % and one for new characters. The gap is widest for the plain "
     "network, a little smaller with mixed tasks, and less than half as wide with "
     "shifted and bent pictures, where both curves rise for 400 steps.")

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. The same two curves for three networks, three sets, 600 steps. The gap between them is what overfitting to tasks is. Mixing closes a little of it. Then point at step 300, where the table stopped: the third panel is the only one that still has points to gain there.

# %% jupyter={"source_hidden": true}
for arm in ("none", "hidden mix", "shift + bend") if curves else ():
    _, losses, halves = line_of(arm, "loss")
    print(f"{arm:14} training loss in the last hundred steps: "
          f"{losses[-1]:.3f} ± {halves[-1]:.3f}")

# %% [markdown]
# The lower the training loss, the worse on new characters: of these three the loss says the opposite of what you want to know. And *equal
# steps* is a choice. The plain network is done after a hundred, the shifted and bent one goes on for four hundred. So its gain above,
# at 300 steps, is too small if anything. With 60 characters shift and bend together are no better than plain at 300 steps (bending alone is), nor are rotations, and the
# column *own* says that these networks know their own sixty less well than the plain one by then. So the right panel gave four of them four
# times as many steps: there shift and bend gain most, rotations nearly as much, and the hidden mix is a tie. What mixing does *on top*
# after so many steps is not measured. (On the validation characters the mixtures and dropout stand at the best setting that was tried,
# shift and bend a little below.)
#
# What does a step cost? A mixture at a hidden layer is one weighted sum; bending a picture is one resampling. The ratios below are of one
# step beside a plain one, measured in turn.

# %% jupyter={"source_hidden": true}
costs = recorded("16", "costs")
if not costs:
    print("Not recorded here. Measure it with: "
          "python -m studies.lesson16_few_tasks costs")
for name, each in costs.items():
    print(f"{name:20} {each['value']:.2f} times a plain step")

# %% [markdown]
# ## Try it
#
# Two tasks of real characters, and a share. Move $\lambda$ with the slider, choose where to mix, and read the recorded gain of each kind of
# mixing and of its rivals beside it. It begins at a share of <span data-moves="TaskMixer.share">0.6</span> of task $i$. **Ask:** at which share would you still know the
# character?

# %% slideshow={"slide_type": "slide"}
mixer = TaskMixer.recorded()
mixer

# %% [markdown] slideshow={"slide_type": "notes"}
# 3 min. Drag the share slowly through the middle. Choose the box, then the hidden layer: look how much of both maps survives. Then switch from 20 to 60 characters: which bar is left? Remind them that all had 300 steps.

# %%
for how in ("pictures", "box", "hidden"):
    mixer.how = how
    print(mixer.summary)
mixer.how = "pictures"

# %% [markdown] slideshow={"slide_type": "slide"}
# ## And MAML?
#
# MAML adapts, so there is one more question: which layers? What lies *below* the mixture sees two tasks, and belongs to neither. So the
# layers below stay where the start has them, and only those above adapt.
#
# $$\varphi_{\text{above}} \;=\; \theta_{\text{above}} - \alpha \nabla L\bigl(\lambda\, h_i + (1-\lambda)\, h_j\bigr), \qquad h = \text{the maps below, at } \theta$$

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. The meta-gradient still reaches the layers below: through the maps. Ask what is left of MAML if you mix after the last block. (The head alone adapts: ANIL.)

# %% [markdown]
# In the package a task and its partner travel as one episode of two-channel pictures, and the network `Mixed` mixes what comes out of its
# first blocks. So it runs through the same engine as everything else. Mixed after the last block, only the head adapts.

# %%
small = Conv4(5, 8, head="flatten")
start = small.init(torch.Generator().manual_seed(0), torch.float64)
mixed_net = Mixed(small, layer=2, share=0.3)
couples = beside(one, two)
how = dict(rule=sgd(0.4), steps=2, only=mixed_net.above)
mine, _ = maml_gradient(mixed_net, cross_entropy, start, couples, **how)
compare("side by side", mine, "one after the other",
        maml_gradient_loop(mixed_net, cross_entropy, start, couples, **how), to=1e-10)
unmixed, plain = (maml_gradient(network, cross_entropy, start, tasks, sgd(0.4), 2)[0]
                  for network, tasks in ((Mixed(small, 2, 1.0), couples), (small, one)))
compare("a share of 1", unmixed, "plain MAML", plain, to=1e-10)
print("mixed after block 2 these adapt:", ", ".join(mixed_net.above))
print("after the last:", ", ".join(Mixed(small, 4, 0.3).above))


def task_loss(params, x, y):
    return cross_entropy(mixed_net(params, x), y)


def inner_loop(theta, x, y):
    """Two steps on the mixture, for one task."""
    return adapt(lambda phi: task_loss(phi, x, y), theta, sgd(0.4), 2,
                 only=mixed_net.above)


print("this inner loop is", is_it_maml(inner_loop, task_loss, start, couples))

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "slide"}
maml = recorded("16", "maml")
if not maml:
    print("Not recorded here. Measure it with: "
          "python -m studies.lesson16_few_tasks maml")
names = ("none", "label-sharing", "hidden mix", "CutMix", "rotations", "shift + bend")
fig, axes = plt.subplots(1, 2, figsize=(11, 3.4), sharey=True)
for ax, count in zip(axes, ("20", "60")):
    for found, method, shift in ((arms, "metric", -0.15), (maml, "maml", 0.15)):
        for place, name in enumerate(names):
            each = found.get(f"{count}.{name}.transductive")
            if each:
                ax.errorbar(each["value"], place + shift, xerr=each["interval"],
                            fmt="o" if method == "metric" else "s", capsize=4,
                            color=style.color(method))
    ax.set(title=f"{count} characters, 300 steps", ylim=(5.6, -0.6),
           xlabel="right answers, %; circles ProtoNet, squares MAML")
    ax.grid(axis="y", alpha=0.3)
axes[0].set(yticks=range(len(names)), yticklabels=names)
show(fig, alt="Accuracies on new characters with intervals for six kinds of training, "
     "prototypical network as circles and MAML as squares. With 20 characters "
     "rotations and shift with bend stand far above plain training for both; for MAML "
     "the three mixtures are within three points of plain. With 60 characters no kind "
     "of training stands clear above plain MAML.")

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Five sets of characters for the circles, three for the squares. Left: mixing gives MAML nothing that three sets can show. Rotations and bends give it several points, fewer than they give the prototypes. Right: with sixty nothing is above plain MAML. Ask what made it so for the prototypes. (300 steps: there, four times as many showed the gains. For MAML that was not run.)

# %% jupyter={"source_hidden": true}
for count in ("20", "60") if maml else ():
    for name in names[1:]:
        if gain := maml.get(f"{count}.{name}.transductive.gain"):
            print(f"MAML, {count} characters, {name:13} {gain['value']:+5.1f} ± "
                  f"{gain['interval']:.1f} points ({gain['note'].partition(': ')[2]})")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Where nobody knows an augmentation
#
# Pictures can be shifted. What about a table of numbers, or a curve? There interpolation needs no knowledge of the data, and that is its
# promise. Two tests.
#
# - **Features.** Each drawing as 196 numbers, in an order nobody tells you. Shifting means nothing here. Rivals: noise on the inputs,
#   dropout, weight decay, stopping early.
# - **Sinusoids.** Five training tasks $a \sin(x - b)$. Is a mixture of two of them a sinusoid?

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Let them find the answer to the last question on the board: at the same x, a sum of two sinusoids of one frequency is a sinusoid. At two different x it is a point on no curve.

# %% [markdown] slideshow={"slide_type": "slide"}
# **Predict.** Two sinusoids, each measured at forty places of its own. You mix point with point, half and half, inputs and targets. Where do
# the mixed points lie?
#
# - ( ) on a sinusoid between the two
# - ( ) on a smaller sinusoid of twice the frequency
# - ( ) on no curve: they scatter
#
# <details><summary>After you have guessed</summary>
#
# on no curve: they scatter. A mixed point stands at $(x_i + x_j)/2$, and its height depends on which two places were mixed. At the *same*
# places it is another matter: $\lambda\, a_i \sin(x - b_i) + (1-\lambda)\, a_j \sin(x - b_j)$ is a sinusoid of the same frequency.
#
# </details>

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Let them answer for the same places first: a sum of two sinusoids of one frequency is a sinusoid. Then for different ones.

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "slide"}
x = torch.linspace(-5, 5, 200, dtype=torch.float64)
family = Sinusoids.finn()
a, phase = family.draw(2, generator=torch.Generator().manual_seed(11))
truth = [family.value(x, a[k, 0, 0], phase[k, 0, 0]) for k in range(2)]
draw = torch.Generator().manual_seed(1)
x_i, x_j = 10 * torch.rand(2, 40, generator=draw, dtype=torch.float64) - 5
y_i, y_j, y_same = (family.value(at, a[k, 0, 0], phase[k, 0, 0])
                    for at, k in ((x_i, 0), (x_j, 1), (x_i, 1)))
fig, axes = plt.subplots(1, 2, figsize=(11, 3.2), sharey=True)
for ax, at, target, title in (
        (axes[0], x_i / 2 + x_j / 2, y_i / 2 + y_j / 2, "Measured at other places"),
        (axes[1], x_i, y_i / 2 + y_same / 2, "Measured at the same places")):
    for curve in truth:
        ax.plot(x, curve, **style.method("baseline"))
    ax.plot(at, target, "o", color=style.color("maml"), markersize=5)
    ax.set(xlabel="x", title=title)
axes[0].set_ylabel("y")
show(fig, alt="Two panels, each with two dashed sinusoids. Left: points mixed from "
     "different inputs scatter on no curve. Right: points mixed at the same inputs lie "
     "on one sinusoid between the two.")

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Left is what the recipe does if you apply it blindly. Right needs both tasks measured at the same places.

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "slide"}
waves, tables = recorded("16", "sinusoids"), recorded("16", "features")
for name, found in (("sinusoids", waves), ("features", tables)):
    if not found:
        print("Not recorded here. Measure it with: "
              f"python -m studies.lesson16_no_augmentation {name}")
fig, axes = plt.subplots(1, 2, figsize=(11, 3.6))
for ax, found, key, title, said in (
        (axes[0], tables, "20", "Tables, 20 characters", "points gained"),
        (axes[1], waves, "5", "Five sinusoids", "squared error added: less is better")):
    names = [name.split(".")[1] for name in found if name.endswith(".test.gain")]
    gains = {name: (found[f"{key}.{name}.test.gain"]["value"],
                    found[f"{key}.{name}.test.gain"]["interval"]) for name in names}
    if found:
        early, last = (values_of(found[f"{key}.none.{what}"])
                       for what in ("early", "test"))
        each = over_seeds([a - b for a, b in zip(early, last)])
        gains["stop early"] = each.mean, each.half_width
    for place, (name, (value, half)) in enumerate(gains.items()):
        hue = "warning" if name.split(",")[0] in ("mix", "swap", "turn") else "reptile"
        ax.errorbar(value, place, xerr=half, fmt="o", capsize=4, color=style.color(hue))
    ax.axvline(0, **style.method("baseline"))
    ax.set(yticks=range(len(gains)), yticklabels=list(gains), xlabel=said, title=title)
    ax.grid(axis="y", alpha=0.3)
show(fig, alt="Two panels of dots with intervals over five sets, one row for each kind "
     "of training. Left, points gained on tables of numbers: swap and noise on "
     "the inputs gain two to four points, the intervals of all others hold zero. "
     "Right, squared error added on five sinusoids: the blind mixture adds a quarter, "
     "all others reach over zero, and the turn at the same inputs has the lowest mean.")

# %% [markdown] slideshow={"slide_type": "notes"}
# 3 min. Mixtures in orange-red, rivals in green. Left: look for the dot of the noise, one line of code, beside the dot of the swap. Right: less is better, and only the blind mixture is clear of zero, on the wrong side.

# %% [markdown]
# *Turn* is the mixture $\cos\vartheta\, y_i + \sin\vartheta\, y_j$ at the same inputs: shares that sum to one draw all tasks towards the middle,
# a turn keeps their size. *Swap* is CutMix without neighbours: some numbers of one drawing, the others of another.
#
# So is interpolation the right tool here? *On tables* the plain mixture is a tie, and the swap gains. Noise on the inputs, one line, gains
# no less. *On curves* no arm is better than plain beyond its interval. The turn has the best mean; its interval reaches zero. Mixing blindly
# costs. How much was there to cure?

# %% jupyter={"source_hidden": true}
for found, key, unit, said in ((tables, "20", " %", "right answers"),
                               (waves, "5", "", "squared error")):
    for what, where in (("training", "own"), ("test", "new")) if found else ():
        each = found[f"{key}.none.{what}"]
        digits = 1 if unit else 2
        print(f"plain, {said} on {where} tasks: {each['value']:.{digits}f} ± "
              f"{each['interval']:.{digits}f}{unit}")

# %% [markdown]
# (The own tasks of tables have ten classes, the new ones five.) On tables the gap is as wide as with pictures. On sinusoids it is small: five of
# them teach MAML almost what it needs for the others, and where nothing is missing nothing helps. To mix them rightly you had to know that
# sums of sinusoids are sinusoids. If you know that much about your data, you know an augmentation.
#
# ## Pitfall: known by heart
#
# There is another way to have too few tasks: tasks that need no support set. Give each of the twenty characters a label for good, the same in every task.
# Then a network can learn *which character has which label* and need not look at the support set at all. Such tasks are not *mutually
# exclusive*: one function solves them all. Deal the labels anew for each task, and no single function does.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Labels for good, or dealt anew?
#
# Twenty characters in five groups; a task takes one of each group.
#
# - **Fixed:** the group is the label, in every task. One function solves all tasks.
# - **Permuted:** the same tasks, with labels dealt anew. Now only the support set tells.
#
# **Predict.** MAML with a learned head trains on each. Before its first inner step, on its own characters, how often is each right?
#
# - ( ) fixed: nearly always; permuted: one time in five
# - ( ) both one time in five: nobody has seen the support set
# - ( ) both nearly always
#
# <details><summary>After you have guessed</summary>
#
# fixed: nearly always; permuted: one time in five. With fixed labels the answer is in the weights, and no support set is needed. On new
# characters, where one is, it ends several points below the other.
#
# </details>

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. On its own characters the network with fixed labels looks like the better one. Ask how they would notice that it is not.

# %% [markdown]
# **Your turn.** Write the detector. Ask the same queries twice: once with the support labels as they are, once with every label moved on by
# one, and the last to 0. A network that answers by its support set must change all its answers. `answer(support_x, support_y, query_x)` gives
# logits [Q, ways].
#
# <details><summary>Hint 1</summary>Ask twice, with the same pictures and with other support labels, and compare what it says.</details>
# <details><summary>Hint 2</summary><code>(support_y + 1) % ways</code> gives every class the next one's label, and the last one label 0.</details>
# <details><summary>Hint 3</summary><code>answer(...)</code> gives logits [Q, ways]: <code>argmax(-1)</code> is what it says. Where both are equal it did not move; take the mean of that.</details>

# %% tags=["exercise"]
def unmoved(answer, support_x, support_y, query_x, ways):
    """The share of queries whose answer stays when support labels move on by one."""
    ### BEGIN SOLUTION
    before = answer(support_x, support_y, query_x).argmax(-1)
    after = answer(support_x, (support_y + 1) % ways, query_x).argmax(-1)
    return (before == after).double().mean()
    ### END SOLUTION


# %%
check("16.3", unmoved)

# %% [markdown]
# First on a learner that cannot know anything by heart, the network with prototypes that you trained above:

# %%
detector = yours("16.3", unmoved, otherwise=find("16.3").solution)
best = {name: value.detach() for name, value in runs["shift + bend"].theta.items()}


def by_prototypes(support_x, support_y, query_x):
    with torch.no_grad():
        both = torch.cat([support_x, query_x])
        features = net.features_of(best, both)
        return logits_of(features[:5], support_y, features[5:], 5)


asked = tests[0]
share = detector(by_prototypes, asked.support_x[0], asked.support_y[0],
                 asked.query_x[0], 5)
print(f"prototypes: {100 * share:.0f} % of the answers stay")

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "slide"}
labels_of = recorded("16", "labels")
if not labels_of:
    print("Not recorded here. Measure it with: "
          "python -m studies.lesson16_no_augmentation labels")
told = {"own before": "own characters,\nbefore the first step",
        "own after": "own characters,\nadapted",
        "new after": "new characters,\nadapted",
        "own unmoved": "answers that stay\nwhen labels move"}
fig, ax = plt.subplots(figsize=(10, 3.5))
for shift, name, hue in ((-0.2, "fixed", "warning"), (0.2, "permuted", "maml")):
    each = [labels_of.get(f"{name}.{key}") for key in told]
    if all(each):
        bars = ax.bar([k + shift for k in range(4)], [e["value"] for e in each],
                      yerr=[e["interval"] for e in each], width=0.36, capsize=4,
                      color=style.color(hue), hatch="//" if name == "fixed" else "",
                      edgecolor="white", label=f"labels {name}")
ax.axhline(20, **style.method("baseline"))
ax.set(xticks=range(4), xticklabels=told.values(), ylim=(0, 118), ylabel="%",
       title="Fixed labels are learned by heart")
if labels_of:
    ax.legend(loc="upper right", ncols=2, frameon=False)
show(fig, alt="Pairs of bars for labels fixed and permuted. Right answers on own "
     "characters before the first step: over 90 % and 20 %; adapted, about 90 % and "
     "75 %; on new characters, adapted, fixed is several points lower. The share of "
     "answers that stay when support labels move is near 10 % for both.")

# %% [markdown] slideshow={"slide_type": "notes"}
# 3 min. The first pair tells: it answers before it has seen a support set. The third pair is the price, on new characters. The last pair is the detector they wrote: low for both, it has missed. Ask which of the two asks the right question.

# %% [markdown]
# Two detectors, two questions. *Does it read its support set?* That is yours. *Does it need it?* For that, ask before the first inner step: on
# permuted labels nobody can be right more than one time in five. Here the first is silent and the second is not. The network knows its tasks
# by heart, *and* it obeys a support set with other labels: one inner step writes them over what it knew. So yours finds a network that
# ignores its support set, and not one that has no need of it.

# %%
for key, limit, said in (("own before", 40, "right before the first step"),
                         ("own unmoved", 50, "answers that stay")):
    if labels_of:
        fixed, permuted = (values_of(labels_of[f"{name}.{key}"])
                           for name in ("fixed", "permuted"))
        print(f"{said:28} alarm from {limit} %: "
              f"{sum(v < limit for v in fixed)} of {len(fixed)} missed, "
              f"{sum(v >= limit for v in permuted)} of {len(permuted)} false alarms")

# %% [markdown]
# Would interpolation help? Not as you wrote it: class $k$ is mixed with class $k$, so a fixed label stays fixed. Permuting costs nothing.
# Where labels are names, permute them first.
#
# ## What the paper says, and what came out
#
# Yao, Zhang and Finn report that interpolation gains on all eight data sets they try, with few tasks in each. With 20 characters and
# prototypes so it does here, at a hidden layer and by boxes, over five sets. With MAML neither gains beyond its interval over three. With 60 characters
# both cost the prototypes points at our 300 steps, as label-sharing does, and at a hidden layer it is a tie after 1200. MAML with 60 had 300 steps only, and there no arm is
# above plain, rotations and bends included. Their released code leaves pictures neither shifted nor rotated; those rows are what this
# lesson adds. Their data are other data and their training a hundred times longer, so their numbers stand here alone, and none beside ours:

# %% jupyter={"source_hidden": true}
print("published, %        without   with interpolation")
for who, said in (("maml", "MAML"), ("prototypes", "ProtoNet")):
    for cell, shots in (("5way1shot", "1 shot"), ("5way5shot", "5 shots")):
        plain, theirs = (published(f"{name}.miniimagenet-s.{cell}")
                         for name in (f"{who}.mlti", f"mlti.{who}"))
        print(f"{said:9} {shots:8}  {plain['value']:7.2f}   {theirs['value']:18.2f}")
print(f"{theirs['source']}; 5 ways, {theirs['split']};")
print(theirs["where"].replace("; network", ";\nProtoNet's network"))

# %% [markdown]
# ## All of Part III, for the same seconds
#
# Lessons 12 to 16 set each method beside a rival, in a training of its own. Here all stand on the same 1000 test tasks, those of lesson 09. Equal is
# what training costs: as many outer steps as fit into the same processor seconds of one core, drawing the tasks included. All 964 training characters,
# three seeds; how long the inner steps are at test is chosen on validation characters, for every run.
#
# The kind of training task tells two groups apart, so each has its own plain MAML. *40 ways*: lesson 09's recipe, two inner steps from a head
# of zeros, and one thing changed. *5 ways*: lesson 12's, five steps at its tuned rate from a learned head, and one thing changed; MeTAL as in lesson 15.

# %% jupyter={"source_hidden": true}
rows = recorded("part3", "rows")
if not rows:
    print("Not recorded here. Measure it with: python -m studies.part3_rows")
groups = {
    "40 ways in training": {
        "MAML": "MAML (09)", "ANIL": "ANIL (13)", "NIL": "NIL (13)",
        "implicit MAML": "implicit MAML (14)",
        "task interpolation": "interpolation (16)",
        "shift and bend": "shift + bend (16)"},
    "5 ways in training": {
        "MAML, 5 ways": "MAML (12)", "clipped": "gradient clipped (12)",
        "zero head": "head of zeros (14)", "MAML++": "MAML++ (12)",
        "learned rates": "learned rates (15)", "MeTAL": "MeTAL (15)",
        "two starts": "zeros, two starts (15)"}}
fig, axes = plt.subplots(1, 2, figsize=(10, 3.4), layout="constrained")
for ax, (group, names) in zip(axes, groups.items()):
    print(f"{group:22}{'one batch':>13}{'support':>13}{'above MAML':>14}   steps")
    for place, (name, said) in enumerate(names.items()):
        cells = []
        for what, look in (("transductive", "o"), ("support", "s"),
                           ("transductive.gain", "")):
            if each := rows.get(f"{name}.{what}"):
                value, half = each["value"], each["interval"]
                cells.append(f"{value:{'.1f' if look else '+.1f'}} ± {half:.1f}")
            if each and look:
                ax.errorbar(value, place - 0.15 + 0.3 * (look == "s"), xerr=half,
                            fmt=look, capsize=4, mfc=None if look == "o" else "none",
                            color=style.color("maml" if place else "baseline"))
                steps = each["outer_steps"][0]
        if cells:
            print(f"{said:22}{cells[0]:>13}{cells[1]:>13}"
                  f"{cells[2] if place else 'control':>14}   {steps:5}")
    taken = rows.get(f"{next(iter(names))}.transductive", {}).get("seconds") or 0
    ax.set(yticks=range(len(names)), yticklabels=names.values(), title=group,
           ylim=(len(names) - 0.4, -0.6),
           xlabel=f"right answers, %, after {taken:.0f} seconds")
    ax.grid(axis="y", alpha=0.3)
show(fig, alt="Accuracies with intervals over three seeds, those of the table: on the "
     "left six methods trained with 40 ways, on the right seven with 5 ways, "
     "plain MAML first in both. Circles: all queries in one batch. Squares: by the "
     "support set's statistics.")
if added := rows.get("MeTAL minus learned rates.transductive"):
    print(f"MeTAL above learned rates, paired by seed: {added['value']:+.1f} ± "
          f"{added['interval']:.1f} points")

# %% [markdown]
# What is above MAML is paired, seed by seed. Where its interval holds zero, three seeds do not tell the two apart. Do not read across the panels: more than one thing
# differs there. MeTAL's row changes more than the loss: it comes with lesson 15's head of zeros and learned rates. Those two without the learned loss are the row above
# it, and what the loss adds to them is printed last. (In lesson 15, in a training of its own, it added nothing that its seeds could show at equal cost, also where each row had its best outer rate.) And no method was tuned for these seconds; each has the settings of its lesson. A head of zeros is UNICORN, under softmax.
# The two starts stand beside the head of zeros they are made with: half of their seconds went into one start, a quarter into each of the two. All three seeds end below the one start that had all the seconds.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What you learned
#
# - A prototypical network is a linear head, computed from the support set and never trained.
# - With few training characters it learns them by sight. The training loss shows nothing of that.
# - With 20 characters interpolating tasks gains a few points. Shift and bend gain several times that; mixing on top of them costs.
# - Equal steps are a choice: harder tasks need more. With 60 characters shift and bend together gain nothing at our short training, and most of all at four times its length.
# - A mixture is a task only where the family holds it. Sinusoids mixed at different inputs are none, and cost.
# - Before you add a method, add its cheapest rival. Before you have too few tasks, permute their labels.

# %% [markdown] slideshow={"slide_type": "notes"}
# 1 min. Read the third, the fourth and the last line.

# %% [markdown]
# ## Quiz
#
# **1.** Support and queries of a mixed task get two different shares. What goes wrong?
#
# <details><summary>Answer</summary>
#
# The classes of the queries are no longer those of the support set. With shares .9 and .1 a query of "class 2" looks like task $j$'s class 2, and
# the support picture like task $i$'s. The label is noise.
#
# </details>
#
# **2.** Mixing raises the training loss. Is that a sign that it works?
#
# <details><summary>Answer</summary>
#
# No. It is a sign that the tasks are harder. Centring the drawings leaves the network's own tasks at 100 % and gains more on new characters
# than mixing. And mixing on top of shift and bend makes tasks harder still, and costs points. Only tasks of new characters tell.
#
# </details>
#
# **3.** You mix two tasks of *the same* characters under the same labels (label-sharing). In the figure it is level with plain. Why might that be?
#
# <details><summary>Answer</summary>
#
# No class is added. Two drawings of one character, laid over each other, are a blurred drawing, and not one that a third hand would make.
# A bend is.
#
# </details>
#
# ## References
#
# - Yao, Zhang, Finn, [Meta-learning with fewer tasks through task interpolation](https://arxiv.org/abs/2106.02695), 2022.
# - Snell, Swersky, Zemel, [Prototypical networks for few-shot learning](https://arxiv.org/abs/1703.05175), 2017.
# - Yun et al., [CutMix: regularization strategy to train strong classifiers](https://arxiv.org/abs/1905.04899), 2019.
# - Yin et al., [Meta-learning without memorization](https://arxiv.org/abs/1912.03820), 2020.
# - Santoro et al., [One-shot learning with memory-augmented neural networks](https://arxiv.org/abs/1605.06065), 2016: rotations as classes.
#
# ## Next
#
# Here you made tasks out of few characters. Can you make them out of no labels at all? On to
# [lesson 17: Contrastive learning is meta-learning](17_contrastive.ipynb).
