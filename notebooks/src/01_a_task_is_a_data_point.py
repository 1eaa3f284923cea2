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
# # 01 A task is a data point
#
# Five drawings are enough for you. Here you find out how far they carry a machine: one that learns nothing, one that starts at random, and
# one that has seen other drawings. And you learn the unit in which the rest of this course counts: the *task*.
#
# **You will be able to**
#
# - build an N-way K-shot task from a pile of drawings, without leaking an answer,
# - name the floor that any learner must beat, measure it, and find a higher one,
# - show in two pictures why training from scratch on five examples fails,
# - say what a start that knows other tasks is worth, in per cent with an interval,
# - tell how many test tasks a claim needs.
#
# **Prerequisites:** [lesson 00](00_start_here.ipynb).
#
# **Time:** 30 minutes of reading, and 30 minutes for the exercises.
#
# **What it costs to run:** *smoke* takes under 60 s on two cores. *lecture* takes under 3 minutes on two cores; most of it goes into
# training an ordinary classifier. *paper* trains it for longer and tests on more tasks, about 5 minutes.

# %% [markdown] slideshow={"slide_type": "notes"}
# 1 min. One sentence is the lecture: a task is a data point. Ask who has ever trained a network on five pictures.

# %% tags=["parameters"]
PROFILE = "smoke"  # "smoke", "lecture" or "paper": the same cells, three budgets
SEEDS = [0]  # one training run for each

# %% tags=["setup"]
import math

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F

from mlteach.checkpoint import load_checkpoint, params_from
from mlteach.exercises import check, find, yours
from mlteach.explore import EpisodeInspector, style
from mlteach.explore.figure import show
from mlteach.fit import fit
from mlteach.inner import adapt, sgd
from mlteach.measure import blurred, centred, compare, floor_of, over_seeds, over_tasks
from mlteach.measure import nearest_neighbour as neighbours_right
from mlteach.measure import published, step_accuracy
from mlteach.measure.ledger import data_folder, keep_checkpoint, record, recorded
from mlteach.nets import Conv4
from mlteach.params import gradient_of
from mlteach.tasks import Characters, Episode

style.use()
BUDGETS = {"smoke": (60, 120), "lecture": (300, 1000), "paper": (1000, 3000)}
TASKS, STEPS = BUDGETS[PROFILE]

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What is asked?
#
# **Five new characters, one drawing of each. Then more drawings of the same five: which is which?** This is a *5-way 1-shot task*. It has its own
# small training set, the *support set*, and its own test set, the *query set*. The next task has other characters.
#
# The drawings are Omniglot: 1623 characters from 50 alphabets, each drawn by 20 people.

# %%
characters = Characters.load()
train, validation, test = characters.split("random")
print(f"{len(characters)} characters; {len(train)} training classes "
      f"(turned copies included), {len(test)} test classes")

# %% tags=["setup"] jupyter={"source_hidden": true}
def row_of_task(fig, spec, task, color, name):
    """One task as a row: support pictures, a gap, query pictures."""
    support, query = task.support_x[0, :, 0], task.query_x[0, :, 0]
    widths = [1.3] + [1] * len(support) + [0.4] + [1] * len(query)
    grid = spec.subgridspec(1, len(widths), width_ratios=widths)
    for place, picture in enumerate([name, *support, "", *query], start=-1):
        ax = fig.add_subplot(grid[place + 1])
        if isinstance(picture, str):
            ax.axis("off")
            ax.text(0.9, 0.5, picture, ha="right", va="center", color=style.ink(color),
                    weight="bold")
            continue
        ax.imshow(picture, vmin=0, vmax=1)
        ax.set(xticks=[], yticks=[])
        edge, width = (color, 2.5) if place < len(support) else ("#c9cdd3", 1)
        for side in ax.spines.values():
            side.set(visible=True, color=edge, linewidth=width)


# %% tags=["opening"] jupyter={"source_hidden": true} slideshow={"slide_type": "fragment", "code": false}
generator = torch.Generator().manual_seed(0)
fig = plt.figure(figsize=(10, 4.2))
rows = fig.add_gridspec(4, 1)
for place, name in enumerate(("task 1", "task 2", "task 3", "new task")):
    part, look = (test, "warning") if name == "new task" else (train, "maml")
    task = part.sample(1, ways=5, shots=1, queries=1, generator=generator)
    row_of_task(fig, rows[place], task, style.color(look), name)
fig.suptitle("Framed: what a task shows. Right: what it asks", x=0.02, ha="left",
             weight="bold")
show(fig, alt=(
    "Four tasks as rows of drawings: five framed support pictures, then five queries. "
    "Three tasks to learn from, one new task."
))

# %% [markdown] slideshow={"slide_type": "notes"}
# 3 min. Do one task aloud with the room: five framed drawings, five questions. Then point down: three rows to learn from, and one row that nobody has seen.

# %% [markdown] slideshow={"slide_type": "slide"}
# Read the figure as a table. In ordinary learning a row is one picture with its label. Here **a row is a whole learning problem**. The
# learner is trained on many rows and then given a new one. That is the sentence in the title: *a task is a data point.*
#
# | | ordinary learning | learning to learn |
# |---|---|---|
# | a data point | a picture and its label | a task: support set and query set |
# | to learn from | training pictures | training tasks (*meta-training*) |
# | tested on | new pictures of known classes | new tasks, whose classes nobody has seen |
# | overfitting means | it knows these pictures only | it can learn these tasks only |

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Go through the table row by row. The line that matters is the last one: one can overfit to tasks as one overfits to pictures.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## How is a task dealt?
#
# Choose $N$ classes, the *ways*. Shuffle each class's twenty drawers, give the first $K$, the *shots*, to the support set and the others to
# the query set. Labels are 0 to $N-1$, new in every task: "class 3" means nothing outside it.

# %% [markdown] slideshow={"slide_type": "notes"}
# 1 min. Deal one with your hands, as cards: choose, shuffle, cut, number. Ask why the numbers are new in every task.

# %% [markdown]
# **Your turn.** `pictures` is [ways, drawers, 28, 28], the classes already chosen; `order` [ways, drawers] is a shuffled order of the
# drawers for each class. Return `support_x, support_y, query_x, query_y`, class after class: pictures [ways * n, 28, 28] and their labels
# [ways * n], whole numbers of torch's usual kind, int64.
#
# <details><summary>Hint 1</summary>Three steps: shuffle each class by its own order, cut after <code>shots</code>, write the labels beside them.</details>
# <details><summary>Hint 2</summary><code>pictures[way, order[way]]</code> are the pictures of one class in their new order. <code>torch.stack</code> puts the classes together.</details>
# <details><summary>Hint 3</summary><code>flatten(0, 1)</code> makes [ways, n, ...] into [ways * n, ...], class after class. Which repeat makes 0, 0, 1, 1?</details>

# %% tags=["exercise"]
def deal(pictures, order, shots):
    """Support pictures and labels, query pictures and labels, class after class."""
    ### BEGIN SOLUTION
    ways = len(pictures)
    shuffled = torch.stack([pictures[way, order[way]] for way in range(ways)])
    support, query = shuffled[:, :shots], shuffled[:, shots:]
    labels = torch.arange(ways)
    return (support.flatten(0, 1), labels.repeat_interleave(support.shape[1]),
            query.flatten(0, 1), labels.repeat_interleave(query.shape[1]))
    ### END SOLUTION


# %%
check("01.1", deal)

# %% [markdown]
# From here on every task of this lesson is dealt by your function, where it passed: those that are drawn, those that the floor is measured
# on, those that networks are trained on. `draw` chooses the classes and the shuffles, calls `deal`, and puts tasks side by side on a
# leading **task axis**; four such tensors are an `Episode`.

# %%
deal = yours("01.1", deal, otherwise=find("01.1").solution)


def one_task(split, generator, ways, shots, queries, within):
    """Classes and shuffles at random, then `deal`; of each class so many queries."""
    among = torch.arange(len(split))
    if within:  # all classes of one alphabet that is large enough
        sizes = {name: split.alphabets.count(name) for name in split.alphabets}
        large = [name for name, size in sizes.items() if size >= ways]
        chosen = large[torch.randint(len(large), (), generator=generator)]
        among = among[[name == chosen for name in split.alphabets]]
    classes = among[torch.randperm(len(among), generator=generator)[:ways]]
    order = torch.rand(ways, split.images.shape[1], generator=generator).argsort(1)
    *support, x, y = deal(split.images[classes] / 255, order, shots)
    x, y = (part.unflatten(0, (ways, -1))[:, :queries].flatten(0, 1) for part in (x, y))
    return support[0][:, None], support[1], x[:, None], y  # [n, 1, 28, 28]: one channel


def draw(split, tasks, seed, ways=5, shots=1, queries=15, within=False):
    """The same tasks for everybody, from one seed, in batches of at most 50."""
    generator = torch.Generator().manual_seed(seed)
    each = [one_task(split, generator, ways, shots, queries, within)
            for _ in range(tasks)]
    return [Episode(*map(torch.stack, zip(*each[k : k + 50], strict=True)))
            for k in range(0, tasks, 50)]


(episode,) = draw(test, tasks=2, seed=1)
for name, part in zip(Episode._fields, episode, strict=True):
    print(f"{name:10}", list(part.shape))

# %% [markdown]
# The package's own `test.sample(...)` deals thousands of tasks in one call, and shuffles the pictures inside each, so that no learner can
# read a label off its place.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What does a learner without experience do?
#
# It compares pixels. The *nearest neighbour* answers with the label of the support picture at the smallest squared distance.

# %% [markdown]
# **Your turn.** `support_x` is [support, 1, 28, 28] with the labels `support_y` [support], one or several pictures of each class; `query_x` is
# [queries, 1, 28, 28]. Return one label for each query, [queries].
#
# <details><summary>Hint 1</summary>One distance for each pair of a query and a support picture: a table [queries, support].</details>
# <details><summary>Hint 2</summary><code>query_x[:, None] - support_x[None]</code> holds all differences at once. Square them, and sum over the pixels.</details>
# <details><summary>Hint 3</summary><code>argmin</code> along the support axis says which picture. The answer is not its number but its label.</details>

# %% tags=["exercise"]
def nearest_neighbour(support_x, support_y, query_x):
    """For each query the label of the nearest support picture (squared distance)."""
    ### BEGIN SOLUTION
    distance = (query_x[:, None] - support_x[None]).square().flatten(2).sum(2)
    return support_y[distance.argmin(1)]
    ### END SOLUTION


# %%
check("01.2", nearest_neighbour)

# %% [markdown] slideshow={"slide_type": "-"}
# **Predict.** Guessing is right in 20 % of all cases. Where will the nearest neighbour on pixels be?
#
# - ( ) near 25 %
# - ( ) near 45 %
# - ( ) near 65 %
# - ( ) near 85 %
#
# <details><summary><b>Explain.</b> Where is it?</summary>
#
# Near 45 %. Better than guessing, and not good.
#
# </details>

# %% [markdown]
# Here is yours on a few tasks, beside the package's `neighbours_right`, which does all tasks at once. (Squared distances through products:
# $|q-s|^2 = |q|^2 - 2\,q\cdot s + |s|^2$.)

# %%
mine = yours("01.2", nearest_neighbour, otherwise=find("01.2").solution)
(some,) = draw(test, 20, seed=2)
one_by_one = [(mine(*task[:3]) == task[3]).double().mean()
              for task in zip(*some.to(dtype=torch.float64), strict=True)]
compare("one task after the other", torch.stack(one_by_one), "all at once",
        neighbours_right(some))

# %% slideshow={"slide_type": "fragment", "code": false}
def floor_on(batches, **prepared):
    """The nearest neighbour's accuracy in %, with its interval over all tasks."""
    right = torch.cat([neighbours_right(batch, **prepared) for batch in batches])
    return over_tasks(right).scaled(100)


pixels = floor_on(draw(test, 600, seed=2))
print("nearest neighbour on pixels, 5-way 1-shot: "
      f"{pixels.mean:.0f} % ± {pixels.half_width:.0f}")

# %% [markdown] slideshow={"slide_type": "notes"}
# 3 min. Collect guesses before you uncover the number. Write it on the board, and leave room above it: it will be crossed out.

# %% [markdown]
# **That is a floor.** A method that does not beat it has learned nothing that helps.

# %% [markdown]
# See it in single tasks. The explorer deals tasks of real drawings and answers with the nearest neighbour. It deals
# <span data-moves="EpisodeInspector.ways">5</span> ways and <span data-moves="EpisodeInspector.shots">1</span> shot: change both. Then take all classes from *one* alphabet: hands and habits are alike there, and the characters too.

# %% slideshow={"slide_type": "slide"}
inspector = EpisodeInspector(test)
inspector

# %% [markdown] slideshow={"slide_type": "notes"}
# 4 min. Deal a few episodes. Let the room answer before the network of neighbours does. Then take one alphabet, and let them draw a character of their own.

# %%
print(inspector.summary)
inspector.shots = 3
print(inspector.summary)
inspector.shots = 1  # as it was: your turn

# %% [markdown]
# How much harder is one alphabet? And how does the floor move with the number of classes and of examples? For whole alphabets that
# nobody trained on, the split of Omniglot's authors keeps 20 alphabets apart.

# %%
apart = characters  # of invented ones nobody has seen any
if characters.source == "omniglot":
    apart = characters.split("lake", rotations="none").test
settings = {
    "2-way 1-shot": (2, 1),
    "5-way 1-shot": (5, 1),
    "5-way 5-shot": (5, 5),
    "20-way 1-shot": (20, 1),
}
floors = {}
for name, (ways, shots) in settings.items():
    for within in (False, True):
        batches = draw(apart, 200, seed=3, ways=ways, shots=shots, queries=5,
                       within=within)
        floors[name, within] = floor_on(batches)

# %% jupyter={"source_hidden": true}
fig, ax = plt.subplots(figsize=(8, 3.4))
for within, look, offset in ((False, "baseline", -0.18), (True, "warning", 0.18)):
    seen = [floors[name, within] for name in settings]
    ax.bar([k + offset for k in range(len(seen))], [s.mean for s in seen],
           yerr=[s.half_width for s in seen], width=0.34, color=style.color(look),
           hatch="//" if within else "", ecolor="black", capsize=3)
    ax.annotate("one alphabet" if within else "any characters", (0.7, 84 - 8 * within),
                fontsize=12, weight="bold", color=style.ink(style.color(look)))
for k, (ways, _) in enumerate(settings.values()):
    ax.plot([k - 0.4, k + 0.4], [100 / ways] * 2, color="black", linestyle="-",
            linewidth=2)
ax.annotate("guessing", (3.4, 5), xytext=(4, 0), textcoords="offset points",
            va="center", annotation_clip=False)
ax.set(xticks=range(len(settings)), xticklabels=list(settings),
       ylabel="right answers, %", ylim=(0, 90))
ax.set_title("Pixels are a poor judge, and poorer within one alphabet")
show(fig, alt=(
    "Bars of nearest-neighbour accuracy in four settings. Within one alphabet each bar "
    "is lower; black lines mark guessing."
))

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Is there a better floor?
#
# Still nothing is learned, but now each drawing is prepared: moved until the middle of its ink is the middle of the picture, then blurred.
# Then the nearest neighbour answers as before.
#
# **Predict.** You know its number on pixels as drawn. Where will it be on drawings that are centred and blurred?
#
# - ( ) near 45 %: blur takes away, it adds nothing
# - ( ) near 55 %
# - ( ) near 70 %
# - ( ) near 85 %
#
# <details><summary><b>Explain.</b> Where is it?</summary>
#
# Near 85 %. The figure shows what each of the two does alone.
#
# </details>

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Five pictures, no training, two lines of school mathematics. Let them write the number down before you go on.

# %% tags=["nbval-ignore-output"]
# not compared: exact on one processor, equal to rounding on another
def centre(picture):
    """Moved by whole pixels until its ink's centre of mass is in the middle."""
    place = torch.arange(28) - 13.5
    down = round((picture.sum(1) @ place / picture.sum()).item())
    across = round((picture.sum(0) @ place / picture.sum()).item())
    framed = F.pad(picture, (14, 14, 14, 14))
    return framed[14 + down : 42 + down, 14 + across : 42 + across]


def blur(picture, sigma):
    """Under a Gaussian of sigma pixels: down the columns, then along the rows."""
    place = torch.arange(28.0)
    bell = torch.exp(-(((place[:, None] - place) / sigma) ** 2) / 2)
    bell /= sigma * math.sqrt(2 * math.pi)
    return bell @ picture @ bell


def best_sigma(pictures):
    """The blur that was best on validation characters (studies/lesson01_floor.py)."""
    begin = f"validation.{pictures}.sigma"
    tried = {float(name.removeprefix(begin)): figure["value"]
             for name, figure in recorded("01", "floor").items() if begin in name}
    return max(tried, key=tried.get)


SIGMA = best_sigma("centred")
pictures = some.query_x[0, :, 0]
compare("these ten lines", torch.stack([blur(centre(x), SIGMA) for x in pictures]),
        "the package", blurred(centred(pictures), SIGMA))
arms = {
    "as drawn": {},
    "blurred": {"sigma": best_sigma("as drawn")},
    "centred": {"centre": True},
    "both": {"centre": True, "sigma": SIGMA},
}
prepared = {name: floor_on(draw(test, 600, seed=2), **arm)
            for name, arm in arms.items()}

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "slide"}
fig = plt.figure(figsize=(10.4, 4))
left, right = fig.subfigures(1, 2, width_ratios=[1, 1.25])
shown = some.query_x[0, [46, 52], 0]  # one character, two hands
steps = {"as drawn": shown, "centred": centred(shown),
         "and blurred": blurred(centred(shown), SIGMA)}
frames = left.subplots(3, 2, gridspec_kw={"hspace": 0.08})
for ax_row, (name, two) in zip(frames, steps.items(), strict=True):
    for ax, picture in zip(ax_row, two, strict=True):
        ax.imshow(picture, cmap="gray_r")
        ax.axhline(13.5, color=style.color("warning"), linewidth=0.8)
        ax.axvline(13.5, color=style.color("warning"), linewidth=0.8)
        ax.set(xticks=[], yticks=[])
    ax_row[0].set_ylabel(name, rotation=0, ha="right", va="center")
left.suptitle("Two drawings of one character", fontsize=12)
ax = right.subplots()
for place, (name, seen) in enumerate(prepared.items()):
    ax.bar(place, seen.mean, yerr=seen.half_width, width=0.62, capsize=4,
           color=style.color("metric" if name == "both" else "baseline"))
    ax.annotate(f"{seen.mean:.0f}", (place, seen.mean), xytext=(0, 8), ha="center",
                textcoords="offset points", weight="bold")
ax.axhline(20, color="black", linewidth=1)
ax.annotate("guessing", (3.4, 20), xytext=(2, 0), textcoords="offset points",
            va="center", annotation_clip=False)
ax.set(xticks=range(4), xticklabels=list(prepared), ylim=(0, 100), xlim=(-0.4, 3.4),
       ylabel="right answers, %")
ax.set_title("Not one weight was learned")
show(fig, alt=(
    "Left: two drawings of one character, as drawn, centred, and blurred as well. "
    "Right: nearest neighbour is right in less than half as drawn, in two thirds with "
    "blur or centring alone, and far higher with both."
))

# %% [markdown] slideshow={"slide_type": "notes"}
# 3 min. Four bars: each of the two alone, then both. Left, what was done to a drawing. Cross out the number on the board and write the new one. From now on a method must beat that.

# %% [markdown]
# Each alone is worth about as much as the other, and together they bring nearly the sum. So much of what looked hard about characters was
# *where a drawing stands* and *how exactly a line must lie on a line*. The widths of the blur were chosen on validation characters, not on
# these tasks. **This is the floor from here on**: what anybody gets who knows two things about drawings and learns nothing.
#
# How many raw examples is that knowledge worth?

# %% jupyter={"source_hidden": true}
shots_shown = [1, 2, 5, 10]
by_shots = {
    name: [floor_on(draw(test, 200, seed=5, shots=k, queries=5), **arms[name])
           for k in shots_shown]
    for name in ("as drawn", "both")
}
fig, ax = plt.subplots(figsize=(8, 3.6))
for (name, seen), look in zip(by_shots.items(), ("baseline", "metric"), strict=True):
    line, = ax.plot(shots_shown, [each.mean for each in seen], **style.method(look))
    ax.errorbar(shots_shown, [each.mean for each in seen],
                [each.half_width for each in seen], fmt="none",
                ecolor=style.color(look), capsize=4)
    said = {"as drawn": "as drawn", "both": "centred\nand blurred"}[name]
    style.label_line(ax, line, said)
ax.set(xscale="log", xticks=shots_shown, xticklabels=shots_shown, xlim=(0.9, 18),
       xlabel="examples of each class (shots)", ylim=(0, 100))
ax.set_ylabel("right answers, %")
ax.minorticks_off()
ax.set_title("One prepared example does more than ten raw ones")
show(fig, alt=(
    "Nearest neighbour against one to ten shots. On raw drawings it climbs slowly and "
    "with ten is still below what centred and blurred drawings reach with one."
))

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Why not train on the five pictures?
#
# Take a network with random weights and train it on the support set, as you would on any data. Here is all of it, and beside it the
# course's inner loop `adapt`, which you will meet in every lesson.

# %% slideshow={"slide_type": "fragment"}
net = Conv4(ways=5, filters=32, head="flatten")


def train_on_five(theta, x, y, rate, steps):
    """Gradient descent on the support set of one task."""
    for _ in range(steps):
        theta = {name: value.detach().requires_grad_() for name, value in theta.items()}
        gradient = gradient_of(F.cross_entropy(net(theta, x), y), theta)
        theta = {name: value - rate * gradient[name] for name, value in theta.items()}
    return theta


start = net.init(torch.Generator().manual_seed(0), torch.float64)
x, y = episode.support_x[0].double(), episode.support_y[0]
ours = train_on_five(start, x, y, rate=0.3, steps=5)
theirs = adapt(lambda theta: F.cross_entropy(net(theta, x), y), start, sgd(0.3),
               steps=5)
compare("the loop above", ours, "adapt", theirs, to=1e-10)

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Six lines are all of training. The last line of the output says that the package does the same.

# %% [markdown] slideshow={"slide_type": "slide"}
# Now do it **ten times on one task**: the same five pictures, ten random starts. Ten networks side by side are ten "tasks" on the task
# axis, so one call trains them all.
#
# **Predict.** All ten learn their five pictures by heart: every one is right on all five. Take any two of the ten. On how many of 75 new
# drawings do they give the same answer?
#
# - ( ) on about a quarter, as if both were guessing
# - ( ) on a little more than half
# - ( ) on about four in five
# - ( ) on nearly all of them
#
# <details><summary><b>Explain.</b> How far do they agree?</summary>
#
# On a little more than half. The five pictures are all they have in common, and those do not settle what to say about a sixth. Each carries
# its own random start into its answers.
#
# </details>

# %% [markdown] slideshow={"slide_type": "notes"}
# 1 min. Ask for the guess, in writing, before anything is drawn.

# %%
(task,) = draw(test, tasks=1, seed=3)
ten = Episode(*(part.expand(10, *part.shape[1:]).contiguous() for part in task))
generator = torch.Generator().manual_seed(0)
starts = [net.init(generator) for _ in range(10)]
starts = {name: torch.stack([each[name] for each in starts]) for name in starts[0]}


def loss_of_ten(theta):
    logits = net(theta, ten.support_x)
    loss = F.cross_entropy(logits.flatten(0, 1), ten.support_y.flatten(),
                           reduction="none")
    return loss.view(10, -1).mean(1)


path = adapt(loss_of_ten, starts, sgd(0.3), steps=25, path=True)
with torch.no_grad():
    support_loss = torch.stack([loss_of_ten(theta) for theta in path])
    # batch norm centres by a mean: here that of the support pictures, so that each
    # query is judged alone (lesson 09 says what else it could be)
    logits = [net(theta, ten.query_x, "support", support=ten.support_x)
              for theta in path]
answers = torch.stack(logits).argmax(3)
right = 100 * (answers == ten.query_y).double().mean(2)

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "slide"}
fig, (left, grid) = plt.subplots(1, 2, figsize=(10, 4.2), width_ratios=[1, 1.9])
for k in range(10):
    left.semilogy(support_loss[:, k], **style.method("baseline") | {"linewidth": 1.4})
left.set(xlabel="step of training", ylabel="loss on the five pictures (log)")
left.set_title("All ten learn the five")
asked = [15 * way + k for way in range(5) for k in range(3)]  # three of each class
rows = torch.cat([ten.query_y[:1, asked], answers[-1][:, asked]])
hues = [style.color(name) for name in ("maml", "metric", "reptile", "lstm", "fomaml")]
for y, row in enumerate(rows.tolist()):
    for x, label in enumerate(row):
        wrong = label != rows[0, x]
        grid.add_patch(plt.Rectangle((x, y + 0.4 * (y > 0)), 0.94, 0.94, linewidth=0,
                                     facecolor=hues[label], alpha=0.35 if wrong else 1))
        grid.text(x + 0.47, y + 0.5 + 0.4 * (y > 0), "ABCDE"[label], ha="center",
                  va="center", fontsize=10, weight="normal" if wrong else "bold",
                  color="white" if label == 0 and not wrong else "black")
grid.set(xlim=(0, 15), ylim=(11.4, 0), xticks=[], xlabel="fifteen new drawings",
         yticks=[0.5, *(k + 1.9 for k in range(10))],
         yticklabels=["truth", *(f"start {k + 1}" for k in range(10))])
grid.tick_params(length=0)
grid.spines[:].set_visible(False)
grid.set_title("What each of them says (pale: wrong)")
show(fig, alt=(
    "Left: ten support losses all fall to nearly zero. Right: a row of letters for "
    "each of the ten networks; their answers to the same fifteen drawings differ."
))

# %% slideshow={"slide_type": "fragment", "code": false} tags=["nbval-ignore-output"]
# not compared: trained networks' answers differ here and there between processors
pairs = [(i, j) for i in range(10) for j in range(i)]
same = [(answers[-1, i] == answers[-1, j]).double().mean() for i, j in pairs]
measured = recorded("01", "floor")
there = measured["agreement.random"]
print(f"any two of the ten say the same on {100 * torch.stack(same).mean():.0f} %; "
      f"on {there['tasks']} tasks: {there['value']:.0f} ± {there['interval']:.0f} %")
spread, coins = (measured[f"ten starts.{name}"]["value"]
                 for name in ("spread", "counting"))
print(f"their ten accuracies spread by {spread:.1f} points; "
      f"ten coins, tossed 75 times each, by {coins:.1f}")

# %% [markdown] slideshow={"slide_type": "notes"}
# 3 min. Left: all ten know their five pictures by heart. Right: read one column downwards, and nobody agrees. Both at once is the point. Then read the guess back.

# %% [markdown]
# Their ten *accuracies* alone would prove nothing: they spread no more than ten coins would, tossed 75 times each. It is the answers, one by
# one, that differ. Nor is it luck alone: where the ten vote, they win a few points, and the rest is missing in all of them.

# %% [markdown] slideshow={"slide_type": "slide"}
# Is it the step? Perhaps the rate was wrong, or the steps too few. Here are four rates and up to fifty steps, on a hundred tasks, recorded:

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "fragment"}
fig, (left, right) = plt.subplots(1, 2, figsize=(10, 3.8))
marks = [0, 1, 2, 3, 5, 10, 20, 50]
looks = zip((0.03, 0.1, 0.3, 1.0), style.steps(4, "baseline"), "osD^", strict=True)
for rate, hue, marker in looks:
    seen = [measured[f"rates.{rate:g}.step{mark}"] for mark in marks]
    left.semilogy(marks, [each["support_loss"] for each in seen], color=hue,
                  marker=marker)
    right.plot(marks, [each["value"] for each in seen], color=hue, marker=marker,
               label=f"rate {rate:g}")
    right.fill_between(marks, [each["value"] - each["interval"] for each in seen],
                       [each["value"] + each["interval"] for each in seen], color=hue,
                       alpha=0.15, linewidth=0)
for ax in (left, right):
    ax.set_xscale("symlog", linthresh=2)
    ax.set(xticks=marks, xticklabels=marks, xlabel="step of training")
    ax.minorticks_off()
left.set(ylabel="loss on the five pictures (log)")
left.set_title("The loss falls and falls ...")
right.set(ylabel="right answers on queries, %", ylim=(0, 100))
right.axhline(prepared["both"].mean, color=style.color("metric"), linewidth=1.5)
right.annotate("nearest neighbour, centred and blurred", (50, prepared["both"].mean),
               xytext=(0, -14), textcoords="offset points", ha="right")
right.legend(loc="lower right", ncols=2, frameon=False)
right.set_title("... the answers do not follow")
show(fig, alt=(
    "Left: the support loss falls by orders of magnitude at four rates. Right: the "
    "query accuracy is flat after a few steps at every rate, far below the floor."
))

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. The left picture falls for as long as you like. The right one stops after a few steps, at every rate. A good rate helps a little; none comes near the line.

# %% [markdown] slideshow={"slide_type": "slide"}
# Two things went wrong, and the whole course is about them.
#
# 1. **The step follows the wrong guide.** It sees the loss on five pictures, and that is near zero long before the answers are good. No rate
#    and no number of steps comes near the floor: a plain step does not know what such tasks have in common. *Learn the step*: lessons 03 to 05.
# 2. **A new random start for every task.** What the five pictures leave open, the start decides, and ten starts decide it in ten ways.
#    *Learn the start*: lessons 06 to 11.

# %% [markdown] slideshow={"slide_type": "notes"}
# 3 min. The two failures are the two parts of the course. Say both slowly: learn the step, learn the start.

# %% [markdown]
# Ravi and Larochelle (2017), who named the two, put the first otherwise: the updates are too few to get anywhere. On these tasks more updates
# do not help.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What is experience worth?
#
# The simplest way to bring experience along needs no meta-learning. Train an ordinary classifier on all training characters, one
# class each. Throw its head away, keep the body, and *fine-tune* on the five pictures of a new task. This is called **transfer**.

# %% [markdown] slideshow={"slide_type": "notes"}
# 1 min. No meta-learning yet: an ordinary training, and then a second one on five pictures. Say what is kept, the body, and what is thrown away, the head.

# %%
classes = Conv4(ways=len(train), filters=32, head="flatten")


def sample_pictures(generator, size=128):
    """An ordinary batch: pictures of any characters, with their class."""
    y = torch.randint(len(train), (size,), generator=generator)
    drawer = torch.randint(train.images.shape[1], (size,), generator=generator)
    return train.images[y, drawer].unsqueeze(1) / 255, y


def classifier_gradient(theta, batch):
    """The gradient of the cross-entropy, and what the bar shows."""
    x, y = batch
    logits = classes(theta, x)
    loss = F.cross_entropy(logits, y)
    right = (logits.argmax(1) == y).float().mean()
    return gradient_of(loss, theta), {"loss": loss.item(), "accuracy": right.item()}


def pretrain(seed, steps):
    """The body of a classifier of all training characters."""
    generator = torch.Generator().manual_seed(seed)
    run = fit(classifier_gradient, classes.init(generator), sample_pictures,
              steps=steps, generator=generator, lr=1e-2, schedule="cosine",
              progress=f"classifier, seed {seed}")
    return {name: run.theta[name] for name in net.body_names}, run


runs = [pretrain(seed, STEPS) for seed in SEEDS]
body, run = runs[0]

# %% [markdown]
# In the *smoke* profile that was a tenth of the training, enough to see that it runs. What follows uses the body that a *lecture* run
# recorded; the other profiles use the one you have just trained.

# %% tags=["setup"]
longest = "lecture" if PROFILE == "smoke" else PROFILE
kept = data_folder() / "checkpoints" / f"01-classifier-{longest}.safetensors"
keep_checkpoint(f"01-classifier-{PROFILE}", body,
                {"steps": run.step, "seed": SEEDS[0], "seconds": run.seconds})
if PROFILE == "smoke" and kept.exists():
    body = params_from(load_checkpoint(kept), body)

# %% [markdown] slideshow={"slide_type": "slide"}
# **Predict.** The same five pictures, ten steps, but from a start that has learned to tell 4400 other characters apart. Where will it land
# beside the two nearest neighbours?
#
# - ( ) near the one on pixels as drawn: five pictures are five pictures
# - ( ) halfway between the two
# - ( ) near the one on centred and blurred drawings
# - ( ) far above both: it has seen 4400 characters
#
# <details><summary><b>Explain.</b> Where does it land?</summary>
#
# Near the one on centred and blurred drawings. Against the random start that is a great gain, and the start is all that has changed. Against
# two lines that know nothing but "move and blur" it is none.
#
# </details>

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Does experience win? Take the vote, then show the curve.

# %%
def curve_of(theta, rate, tasks, start=dict, only=None, label=""):
    """Accuracy in % after each of 10 steps; batch norm by the support set."""
    seen = step_accuracy(net, theta, tasks, sgd(rate), 10, modes=["support"],
                         start=start, only=only, progress=label)
    return [over_tasks(values).scaled(100) for values in seen["support"].T]


tests = draw(test, TASKS, seed=6)
anywhere = net.init(torch.Generator().manual_seed(7))
zero, head = net.zero_head, net.head_names
curves = {
    "from a random start": curve_of(anywhere, 0.3, tests, zero, label="random start"),
    "fine-tuned": curve_of(body, 0.3, tests, zero, label="fine-tuned"),
    "fine-tuned, head only": curve_of(body, 0.3, tests, zero, head, label="head only"),
}
pixels_here, floor_here = floor_on(tests), floor_on(tests, **arms["both"])
for name, points in curves.items():
    record(f"transfer.{name}", points[-1], unit="%", seeds=SEEDS[:1],
           seconds=run.seconds, tasks=TASKS,
           note="10 steps, rate 0.3, 15 queries a class, batch norm by the support set")
record("nearest neighbour", pixels_here, unit="%", seeds=[],
       note="squared distance of pixels")
record("nearest neighbour, centred and blurred", floor_here, unit="%", seeds=[],
       note=f"sigma {SIGMA:g}, by the validation characters")
if len(runs) > 1:
    ends = [curve_of(each, 0.3, tests, zero, label="every seed")[-1].mean
            for each, _ in runs]
    record("transfer.fine-tuned.seeds", over_seeds(ends), unit="%", seeds=SEEDS,
           seconds=run.seconds, tasks=TASKS,
           note=f"mean of {len(runs)} training runs, interval over them")

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "slide"}
fig, ax = plt.subplots(figsize=(8.6, 4.2))
looks = {
    "from a random start": ("from a random start", style.method("baseline"), 34),
    "fine-tuned": ("from other characters",
                   style.method("maml") | {"color": style.color("reptile")}, 70),
}
for name, (said, look, height) in looks.items():
    points = curves[name]
    means = torch.tensor([p.mean for p in points])
    wide = torch.tensor([p.half_width for p in points])
    ax.plot(means, **look)
    ax.fill_between(range(11), means - wide, means + wide, color=look["color"],
                    alpha=0.18, linewidth=0)
    ax.text(4.2, height, said, color=style.ink(look["color"]), weight="bold")
PREPARED = "from a random start, pictures centred and blurred"
over = measured[f"starts.{PREPARED}"]
ax.errorbar(10.6, over["value"], over["interval"], fmt="D", color="black", capsize=4)
ax.annotate("a random start,\non drawings centred\nand blurred", (10.6, over["value"]),
            xytext=(10, -42), textcoords="offset points", fontsize=11)
for seen, said in ((pixels_here, "as drawn"), (floor_here, "centred and blurred")):
    ax.axhline(seen.mean, color=style.color("metric"), linewidth=1.6)
    ax.axhspan(seen.mean - seen.half_width, seen.mean + seen.half_width,
               color=style.color("metric"), alpha=0.18, linewidth=0)
    at, side = (14.9, "right") if seen is pixels_here else (0.1, "left")
    ax.annotate(f"nearest neighbour, {said}", (at, seen.mean), xytext=(0, 7), ha=side,
                textcoords="offset points", color=style.ink(style.color("metric")))
ax.set(xlabel="steps on the five pictures", ylabel="right answers, %", ylim=(0, 100),
       xlim=(0, 15), xticks=range(0, 11, 2))
ax.set_title("A start comes near centre and blur, not past it")
show(fig, alt=(
    "Accuracy over ten steps: from a random start it ends near the nearest neighbour "
    "on raw pixels; from other characters it comes near the line of the nearest "
    "neighbour on centred and blurred drawings, from below."
))

# %% [markdown] slideshow={"slide_type": "notes"}
# 3 min. The same five pictures, another start: a great gain. Then the honest part: a line without learning is no lower, and the diamond, a random start on prepared drawings, comes close. Nothing has been shown for learning yet.

# %% tags=["nbval-ignore-output"]
# not compared: trained networks' accuracies differ in the last digit between processors
for name, seen in (
    ("nearest neighbour, centred and blurred", floor_here),
    *((name, points[-1]) for name, points in curves.items()),
):
    print(f"{name:39} {seen!s:>12} %   ({seen.n} tasks)")
for name, said in (("fine-tuned", "fine-tuned, recorded"),
                   (PREPARED, "random start, prepared, recorded")):
    over = measured[f"starts.{name}"]
    print(f"{said:39} {over['value']:5.1f} ± {over['interval']:.1f} %   "
          f"({over['tasks']} starts)")
there = measured["agreement.trained"]
print(f"any two of three trained bodies say the same on {there['value']:.0f} "
      f"± {there['interval']:.0f} %")

# %% [markdown]
# So there are two lines to pass, and **the floor is the higher one**. And look at the diamond: on centred and blurred drawings even a random
# start comes close. What one knows about drawings can be built in by hand, as *centre* and *blur*, or learned from other drawings. By hand it
# ends here. Learning goes on: the networks of lesson 09 pass both lines.
#
# Two more things to notice. Adapting the head alone does as well as adapting everything: the body need not move (lesson 13 asks why). And
# nobody asked that body to be easy to **adapt**. It was asked to tell 4400 characters apart. The next idea is to ask for what is wanted:
# *train so that five pictures are enough.* That is a loss over tasks.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Three families
#
# | family | what carries the experience | what happens on a new task | in this course |
# |---|---|---|---|
# | **recurrent** | the weights of a network that reads the support set in order | its state changes | the step as an LSTM: [03](03_gradient_descent_is_an_lstm_cell.ipynb) to 05; memory: 19 |
# | **optimisation** | a start, step sizes, a loss | a few gradient steps | 06 to 16, [Omniglot MAML: 09](09_omniglot_maml.ipynb) |
# | **metric** | a space in which like lies near like | nothing but a comparison | 18; and 20 compares all three |
#
# The nearest neighbour on pixels is the metric family without experience, and *centre* and *blur* are a space made by hand. Training from a
# random start is the optimisation family without experience. Each family replaces one thing that was random or fixed by hand with something learned.

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Place the lines of the lesson in the table: nearest neighbour is the metric family without experience, with a space made by hand; the random start is the second one without.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## How many test tasks does a claim need?
#
# An accuracy is a mean over tasks. If every query were an independent coin, right with probability $p$, the 95 % interval of $n$ tasks with
# $Q$ queries each would reach
#
# $$\pm\, 1.96\, \sqrt{\frac{p\,(1-p)}{Q\, n}}$$
#
# to each side. Aloud: *the spread of one answer, over the root of how many answers.* Published intervals beside it (MAML, Finn et al. 2017):

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "fragment"}
fig, ax = plt.subplots(figsize=(8.4, 3.2))
papers = ("omniglot.5way1shot", "omniglot.5way5shot", "omniglot.20way1shot",
          "miniimagenet.5way1shot", "miniimagenet.5way5shot")
names = []
for row, name in enumerate(papers):
    paper, ways = published(f"maml.{name}"), int(name.split(".")[1].split("way")[0])
    each_class = paper["queries_per_class"]
    counted = 100 * floor_of(paper["value"] / 100, ways * each_class, paper["tasks"])
    ax.plot([counted, paper["interval"]], [row, row], color="#9aa0a6", linewidth=2)
    ax.plot(counted, row, "o", mfc="white", mec=style.color("baseline"), ms=10, mew=2,
            label="by counting" if row == 0 else None)
    ax.plot(paper["interval"], row, "D", color=style.color("maml"), ms=7,
            label="published" if row == 0 else None)
    data, setting = name.split(".")
    names.append(f"{data} {ways}-way {setting[-5]}-shot: {paper['value']} %, "
                 f"{each_class} quer{'y' if each_class == 1 else 'ies'} a class")
marks = [0.05, 0.1, 0.2, 0.5, 1, 2]
ax.set(yticks=range(5), yticklabels=names, xlabel="half width, points (log)",
       xscale="log", xticks=marks, xticklabels=[f"{mark:g}" for mark in marks])
ax.minorticks_off()
ax.invert_yaxis()
ax.legend(loc="lower left", frameon=False)
fig.suptitle("With one query a class the interval has measured counting", x=0.02,
             ha="left", weight="bold")
show(fig, alt=(
    "Published half widths of five results of MAML beside what counting alone gives: "
    "in the three with one query a class the two nearly agree; with five queries a "
    "class the published one is wider."
))

# %% [markdown] slideshow={"slide_type": "notes"}
# 3 min. Diamonds on circles: with one query a class the interval has measured counting. The two others are wider: one is printed to one digit only, in the other tasks differ.

# %% [markdown]
# With one query a class the published width *is* the counting error, or nearly. It says nothing about how MAML varies from task to task. The
# two rows with five queries a class are wider: 99.9 ± 0.1 is printed to one digit, so its 0.1 may be anything from 0.05 on; in the last, *tasks
# differ* beyond counting. The remedy is cheap: more queries. But not without end. Measure it on the nearest neighbour:

# %%
def answers_right(episode):
    """Which queries the nearest neighbour on pixels has right, [tasks, Q]."""
    support, query = episode.support_x.flatten(2), episode.query_x.flatten(2)
    nearest = torch.cdist(query.double(), support.double()).argmin(2)
    return (episode.support_y.gather(1, nearest) == episode.query_y).double()


def together(right, y):
    """Correlation of two answers of one task: of one class, and of two classes."""
    p = right.mean()
    both = (right - p)[:, :, None] * (right - p)[:, None] / (p * (1 - p))
    alike = (y[:, :, None] == y[:, None]) & ~torch.eye(y.shape[1], dtype=torch.bool)
    return [both[pairs].mean().item() for pairs in (alike, y[:, :, None] != y[:, None])]


widths, tied = {}, {}
counts = [50, 100, 200, 400, 1000]
for queries in (1, 15):
    batches = draw(test, 1000, seed=8, queries=queries)
    right = torch.cat([answers_right(batch) for batch in batches])
    tied[queries] = together(right, torch.cat([batch.query_y for batch in batches]))
    widths[queries] = [over_tasks(right.mean(1)[:n]).scaled(100) for n in counts]
print(f"two queries of one class: correlation {tied[15][0]:.2f}; "
      f"of two classes: {tied[15][1]:.2f}")

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "slide"}
fig, ax = plt.subplots(figsize=(8, 3.8))
for queries, look in ((1, style.method("warning")), (15, style.method("maml"))):
    line, = ax.plot(counts, [w.half_width for w in widths[queries]], **look, marker="o")
    rate = widths[queries][-1].mean / 100
    floor = [100 * floor_of(rate, 5 * queries, n) for n in counts]
    ax.plot(counts, floor, color=look["color"], linewidth=1.5, linestyle=":")
    ax.annotate("by counting", (counts[-1], floor[-1]), xytext=(6, -4),
                textcoords="offset points", color=style.ink(look["color"]), fontsize=10)
    style.label_line(ax, line,
                     f"{queries} quer{'y' if queries == 1 else 'ies'} a class")
ax.set(xscale="log", yscale="log", xticks=counts, xticklabels=counts,
       xlabel="test tasks", xlim=(45, 2600))
ax.set(ylabel="half width, points (log)", yticks=[0.5, 1, 2, 5],
       yticklabels=["0.5", "1", "2", "5"])
ax.minorticks_off()
ax.set_title("Queries of one class are right or wrong together")
show(fig, alt=(
    "Half width of the interval against the number of tasks, for 1 and 15 queries a "
    "class. Dotted: counting alone, a little higher for one query, far lower for 15."
))

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. One query a class: counting. Fifteen: they share one support picture, are right or wrong together, and only more tasks help.

# %% [markdown]
# Why is one line a little *below* its dots and the other far above? Counting takes every answer for a coin of its own. With a correlation
# $\rho$ between two answers of one class, and $\rho'$ between two of different classes, the variance of a task of $N$ classes with $q$ queries each
# is that of counting times
#
# $$1 + (q - 1)\,\rho + (N - 1)\,q\,\rho'$$
#
# You have measured both. Queries of one class are compared with the *same* support picture, a good or a bad one, and are right or wrong
# together: $\rho > 0$. Classes compete: a support picture that attracts everything has its own queries right and takes the others' away:
# $\rho' < 0$. With $q = 1$ only $\rho'$ is left, and the width is a little less than counting. With $q = 15$ the first term wins, and only more
# tasks help. This course tests with 15 queries a class and says how many tasks it used.
#
# **Your turn.** How many tasks must a test have, for counting alone to be below a given half width? `rate` and `half_width` are shares
# between 0 and 1.
#
# <details><summary>Hint 1</summary>Begin with the half width that counting alone gives, and ask for which n it is small enough.</details>
# <details><summary>Hint 2</summary>half_width = 1.96 * sqrt(rate * (1 - rate) / (queries * n)). Solve for n: square both sides.</details>
# <details><summary>Hint 3</summary><code>n = 1.96**2 * rate * (1 - rate) / (queries * half_width**2)</code>, rounded up.</details>

# %% tags=["exercise"]
def tasks_needed(rate, queries, half_width):
    """The smallest n with 1.96 sqrt(rate (1 - rate) / (queries n)) <= half_width."""
    ### BEGIN SOLUTION
    import math

    n = 1.96**2 * rate * (1 - rate) / (queries * half_width**2)
    return math.ceil(round(n, 6))  # 2401.0000000000005 is 2401: the rest is rounding
    ### END SOLUTION


# %%
check("01.3", tasks_needed)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Pitfall: the answer among the examples
#
# Draw the support set and the query set *each on its own* from the twenty drawings of a class. Now and then a query is also in the
# support set. Nothing crashes. The accuracy gets better, for learners of any kind, and even more so with more shots.
#
# **Predict.** Five shots, and queries drawn without a look at the support set. Which number rises more: the nearest neighbour's on drawings
# as they are, or on centred and blurred ones?
#
# - ( ) that on drawings as they are
# - ( ) that on centred and blurred drawings
# - ( ) both by the same
#
# <details><summary><b>Explain.</b> Whom does the bug favour?</summary>
#
# That on drawings as they are. A query that leaks is answered right by everybody, so whoever had more of them wrong is given more. A leak makes a
# poor learner look good, and brings two learners closer than they are.
#
# </details>

# %% slideshow={"slide_type": "fragment", "code": false}
def careless(honest, generator):
    """Queries drawn from all pictures that were dealt, support or not: the bug."""
    pictures = torch.cat([honest.support_x, honest.query_x], dim=1)
    labels = torch.cat([honest.support_y, honest.query_y], dim=1)
    order = torch.rand(labels.shape, generator=generator).argsort(1)
    again = order[:, : honest.query_y.shape[1]]
    each_pixel = again[..., None, None, None].expand(-1, -1, *pictures.shape[2:])
    x, y = pictures.gather(1, each_pixel), labels.gather(1, again)
    return Episode(honest.support_x, honest.support_y, x, y)


def leaks(episode):
    """Detector: the share of queries that are, pixel by pixel, in their support set."""
    support = episode.support_x.flatten(2).double()
    query = episode.query_x.flatten(2).double()
    nearest = torch.cdist(query, support).amin(2)
    return (nearest < 1e-6).double().mean().item()


honest = draw(test, 200, seed=9, shots=5)
wrong = [careless(batch, torch.Generator().manual_seed(k))
         for k, batch in enumerate(honest)]
for name, each in (("dealt apart", honest), ("each on its own", wrong)):
    found = sum(leaks(batch) for batch in each) / len(each)
    print(f"{name:16} queries that leak, says the detector: {100 * found:.0f} %")

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "fragment"}
fig, ax = plt.subplots(figsize=(7.6, 3.2))
for place, arm in enumerate(({}, arms["both"])):
    both = ((-0.19, honest, "baseline"), (0.19, wrong, "warning"))
    for offset, batches, look in both:
        seen = floor_on(batches, **arm)
        ax.bar(place + offset, seen.mean, yerr=seen.half_width, width=0.36, capsize=4,
               color=style.color(look), hatch="//" if look == "warning" else "")
        ax.annotate(f"{seen.mean:.0f}", (place + offset, seen.mean), xytext=(0, 7),
                    textcoords="offset points", ha="center", weight="bold")
for offset, said in ((-0.19, "dealt\napart"), (0.19, "each on\nits own")):
    ax.annotate(said, (offset, 4), ha="center", fontsize=10,
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 2})
ax.set(xticks=[0, 1], xticklabels=["as drawn", "centred and blurred"], ylim=(0, 112),
       yticks=range(0, 101, 20), ylabel="right answers, %", xlim=(-0.6, 1.6))
ax.set_title("A leak gives most to the poorer learner")
show(fig, alt=(
    "Nearest neighbour with five shots, dealt apart and with a leak: on drawings as "
    "they are the leak adds several points, on centred and blurred ones hardly any."
))

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Nothing crashes and the number is better. Ask how they would find it. The detector is one line.

# %% [markdown]
# The hatched bars are no better learners. Run the detector on any data loader before you believe its numbers. It has no false alarm on tasks
# dealt apart; it misses a leak that is changed by a pixel, a copy that was scanned again, say.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What you learned
#
# - A task is a small learning problem, with a support set and a query set. In meta-learning it is the unit of data.
# - The floor is the nearest neighbour on *centred and blurred* drawings. On drawings as they are it is far lower, and a straw man.
# - From a random start a network learns five pictures by heart. No rate and no number of steps brings it near the floor, and two starts agree on little more than half.
# - A start that knows other characters is worth more than any number of steps. It comes near the floor; it has yet to pass it.
# - An interval needs many tasks *and* enough queries. With one query a class it measures counting.

# %% [markdown] slideshow={"slide_type": "notes"}
# 1 min. Let the room say the five sentences; you only nod.

# %% [markdown]
# ## Quiz
#
# <details><summary>1. A network fits its support set perfectly after 10 steps and after 100. Why can its query accuracy be poor all the same?</summary>
#
# Five pictures leave most of the weights undetermined. Among the many networks that fit them, gradient descent finds one near its
# start, and a random start knows nothing about characters.
#
# </details>
#
# <details><summary>2. Why are labels dealt anew in every task?</summary>
#
# If a character always had the same label, the learner could remember it and would not have to look at the support set. With new labels
# the support set is the only place where the answer stands.
#
# </details>
#
# <details><summary>3. Paper A reports 95.2 ± 0.8 and paper B 95.6 ± 0.8, each 5-way with one query a class on 600 tasks. Which is better?</summary>
#
# Nobody can tell. Five answers a task on 600 tasks: counting alone gives about ± 0.8, twice the difference, and the intervals do not even
# contain the spread over training runs.
#
# </details>
#
# ## References
#
# - Lake, Salakhutdinov, Tenenbaum 2015, [Omniglot](https://github.com/brendenlake/omniglot): the characters, and people who need one.
# - Vinyals, Blundell, Lillicrap, Kavukcuoglu, Wierstra 2016, [Matching networks](https://arxiv.org/abs/1606.04080): the N-way K-shot task.
# - Ravi, Larochelle 2017, [Optimization as a model for few-shot learning](https://openreview.net/forum?id=rJY0-Kcll): the two failures.
# - Finn, Abbeel, Levine 2017, [Model-agnostic meta-learning](https://arxiv.org/abs/1703.03400): the published intervals.
#
# ## Next
#
# [Lesson 02](02_rnn_and_lstm_from_the_inside.ipynb): what a network needs to remember anything at all.
