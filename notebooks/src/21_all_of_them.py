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
# # 21 All of them on the same episodes
#
# Twenty methods, one body, the same tasks, the same seconds. You find out what a difference between two of them is worth, where each one
# breaks, and you put a method of your own into the table.
#
# **You will be able to**
#
# - compare two methods on the same tasks, and say when a difference is luck,
# - read accuracy beside what it costs: seconds, memory, numbers learned, time for a new task,
# - find out what breaks when the pictures change, by a control that changes one thing,
# - count five differences between MAML and the meta-learner LSTM,
# - add a method in one file, and choose one for a task of your own with a reason.
#
# **Prerequisites:** [lesson 09](09_omniglot_maml.ipynb) for Omniglot and batch norm's modes, [lesson 18](18_learning_a_metric.ipynb) for
# readings. Each row links to the lesson it comes from; you need not have done all of them.
#
# **Time:** 30 minutes of reading, and 40 minutes for the exercises.
#
# **What it costs to run:** *smoke* takes under 60 s on two cores. *lecture* takes under 3 minutes on two cores.
# *paper* trains your method and its rival for a minute each with three seeds, and tests both on 1000 tasks: ten minutes on two cores.

# %% [markdown] slideshow={"slide_type": "notes"}
# 1 min. Ask each row of seats for the method they would bet on, and write the bets on the board. You come back to them twice.

# %% tags=["parameters"]
PROFILE = "smoke"  # "smoke", "lecture" or "paper": the same cells, three budgets
SEEDS = [0]  # one training run for each

# %% tags=["setup"]
import itertools
import math

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F

from mlteach.checkpoint import load_checkpoint
from mlteach.errors import DataError
from mlteach.exercises import check, find, yours
from mlteach.explore import Scoreboard, ShiftMap, style
from mlteach.explore.figure import show
from mlteach.measure import compare, over_seeds, over_tasks
from mlteach.measure.ledger import data_folder, record, recorded
from mlteach.measure.mini_imagenet import as_text, mini_imagenet_table
from mlteach.methods import METHODS, comparing, right, trained
from mlteach.metric import init_ridge
from mlteach.metric import ridge_logits as packaged_ridge
from mlteach.tasks import Characters, mini_imagenet
from mlteach.tasks.several import tasks_of
from mlteach.tasks.shifts import SHIFTS, shifted

torch.set_num_threads(1)  # the table's seconds are those of one core
style.use()
table, shifts, curves, counted = (recorded("21", part)
                                  for part in ("all", "shifts", "curves", "five"))
if not table:
    print("Not recorded here. Measure it with: python -m studies.lesson21_all")
kept = load_checkpoint(data_folder() / "checkpoints" / "21-tasks.safetensors")
#: Percent of right answers of each method, [seeds, modes of batch norm, tasks].
SCORES = {name: 100 * kept.tensors[name].double() / kept.about["questions"]
          for name in METHODS if name in kept.tensors}
NAMES = list(SCORES)
#: Family -> look of a dot: a colour and a shape.
LOOKS = {"floor": ("baseline", "o"), "step": ("lstm", "s"), "start": ("maml", "^"),
         "first order": ("fomaml", "v"), "metric": ("metric", "D"),
         "memory": ("metric", "X"), "attention": ("metric", "o")}


def value(name, column, found=None):
    """A recorded value and half its interval; nan where there is none."""
    each = (table if found is None else found).get(f"{name}.{column}")
    return (each["value"], each["interval"] or 0) if each else (math.nan, 0)


def look(name):
    """How a method's dot looks: colour and shape say its family."""
    kind, shape = LOOKS[METHODS[name].family]
    colour = style.color(kind)
    if METHODS[name].family == "attention":
        return {"marker": shape, "color": "#F0E442", "markeredgecolor": "black"}
    return {"marker": shape, "color": colour}


def dots(ax, column, *, found=None, names=None, best="high"):
    """One dot a method with its interval, the best on top; labels stand at the left."""
    rows = {name: value(name, column, found) for name in names or NAMES}
    rows = {name: each for name, each in rows.items() if not math.isnan(each[0])}
    order = sorted(rows, key=lambda name: rows[name][0], reverse=best == "low")
    for place, name in enumerate(order):
        ax.errorbar(rows[name][0], place, xerr=rows[name][1], capsize=3,
                    ecolor="#6b6b6b", markersize=8, linestyle="", **look(name))
    ax.set(yticks=range(len(order)), yticklabels=order)
    ax.tick_params(axis="y", labelsize=11)
    return order


# %% [markdown] slideshow={"slide_type": "slide"}
# ## One task, seen six ways

# %% tags=["setup"]
characters = Characters.load()
split = characters.split("random")
OMNIGLOT = characters.source == "omniglot"
one = tasks_of(split.test, 1, 3, at_once=1)[0]

# %% tags=["opening"] jupyter={"source_hidden": true} slideshow={"slide_type": "fragment"}
fig, axes = plt.subplots(5, len(SHIFTS), figsize=(9, 6.4))
for column, shift in zip(axes.T, SHIFTS):
    seen = shifted(one, shift).support_x[0, :, 0]
    for ax, picture in zip(column, seen):
        ax.imshow(picture.clamp(0, 1), vmin=0, vmax=1)
        ax.axis("off")
    column[0].set_title(shift, loc="center", fontsize=13)
show(fig, alt="Five drawings of a task, one below the other, six times side by side: "
     "as drawn, turned by 45 degrees, with thick lines, at half the size, inverted, "
     "and under noise.")

# %% [markdown] slideshow={"slide_type": "notes"}
# 1 min. You would still know all five in every column. Ask for a vote: in which column does a network that has never seen it fall furthest? Do not answer.

# %% [markdown]
# You know the five characters in each column. No network in this lesson's table was trained on any column but the first, and its four
# quarter turns. Before you ask which of them gets by, there is a simpler question: which of them is any good, and how would you know?
#
# ## What is equal, and what is not
#
# A table of methods compares more than methods. Here is what this one holds equal:
#
# | equal for all | |
# |---|---|
# | **body** | Conv-4 with 32 filters, 128 features (nearest neighbour has none) |
# | **training** | the same 1100 characters and their quarter turns, 60 processor seconds of one core, drawing the tasks included |
# | **test** | lesson 09's 1000 tasks: 5 ways, one shot, 15 questions a class |
# | **tuning at test** | the size of an inner step, one of four, on validation characters, for each run |
#
# And what it does not:
#
# | not equal | |
# |---|---|
# | **settings** | each has those of its lesson. Some were searched for longer |
# | **ways in training** | 5, 20 or 40, whatever its lesson chose; two rows differ in little else |
# | **outer steps** | as many as fit into the seconds: from about a hundred to eight thousand |
#
# The last row is no flaw. Seconds are what you pay; a method whose step is cheap takes more of them. But then a lead may be a lead of the
# method or of its price. You will want to see both.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Equal for all, and not
#
# | | |
# |---|---|
# | body | equal: Conv-4, 32 filters |
# | training | equal: same characters, 60 s of one core |
# | test | equal: the same 1000 tasks, 5 ways, one shot |
# | settings | each from its own lesson |
# | ways in training | 5, 20 or 40 |
# | outer steps | what fits into 60 s: a hundred to eight thousand |

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Ask which "equal" they would have chosen: steps, seconds, tasks seen, or until nothing improves. Each has a winner. We show seconds, and later the same curves by steps.

# %% [markdown]
# In the package a method is one value with five functions: what it begins with, the tasks of one step, the gradient, what it makes of a support
# set, and how it answers. So adding one is adding a file. `mlteach/methods/` has them all, and the longest is a page.

# %%
for name in ("prototypes", "MAML"):
    method = METHODS[name]
    theta = method.init(torch.Generator().manual_seed(0))
    drawn = method.sample(split.train, torch.Generator().manual_seed(0))
    print(f"{name}: {sum(v.numel() for v in theta.values())} learned numbers, "
          f"tasks of {int(drawn.support_y.max()) + 1} ways, "
          f"from lesson {method.lesson}")
took = [each["seconds"] for key, each in table.items()
        if key.endswith(".transductive") and each["seconds"]]
print(f"the runs took {min(took):.0f} to {max(took):.0f} s: steps are counted before, "
      "by the price of one")

# %% [markdown]
# Is that *every* method of the course? It is those that answer lesson 09's question. The others have no row, each for a reason:
#
# | no row | lesson | why |
# |---|---|---|
# | learned optimizers | [04](04_learning_to_learn_by_gradient_descent.ipynb) | their step is for long trainings; that for few pictures is the meta-learner LSTM |
# | implicit MAML | [14](14_how_many_steps.ipynb) | another way to MAML's own gradient, for hundreds of inner steps; here there are two |
# | UNICORN | [14](14_how_many_steps.ipynb) | under softmax it *is* the head of zeros, and MAML's row begins with that |
# | several starts | [15](15_task_adaptive_losses_and_starts.ipynb) | for families of tasks, and none are known here |
# | interpolated tasks (MLTI) | [16](16_fewer_tasks.ipynb) | for as few as 20 training characters; there *shift and bend* did more, and that has a row |
# | BYOL | [17](17_contrastive.ipynb) | far behind NT-Xent at equal seconds, and that is *no labels* |
# | MANN, the lookup | [19](19_learning_with_memory.ipynb) | asked at every step of a stream, another question; the two *readers* stand for them |
# | a free transformer | [20](20_in_context_learning.ipynb) | still at chance when lesson 20 ends; *linear attention* stands for its layer |

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Two methods, the same tasks
#
# Some tasks are easy for everybody: five characters that look nothing like each other. On other tasks everybody stumbles.
#
# **Predict.** MAML and ANIL answer 1000 tasks. You want the 95 % interval of the *difference* of their accuracies. Either each gets 1000 tasks
# of its own, or both get the same ones. How much narrower is the interval with the same tasks?
#
# - ( ) By a third or more.
# - ( ) Not at all: a thousand tasks are a thousand tasks.
# - ( ) Ten times.
#
# <details><summary>After you have guessed</summary>
#
# By a third or more. What a task has in luck goes into both scores and leaves the difference. What remains is what the two methods do not share.
#
# </details>

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Draw two columns of numbers on the board that go up and down together. Ask for the spread of each column, then of the differences.

# %% [markdown]
# **Your turn.** Write the comparison. `first` and `second` hold the percent right of two methods on the same tasks, [n]. Return how much better
# the second is on average, and half of the 95 % interval of that difference over tasks: 1.96 standard errors.
#
# <details><summary>Hint 1</summary>Form the difference of each task first. Everything else is about these n numbers.</details>
# <details><summary>Hint 2</summary>The standard error of a mean of n numbers is their standard deviation, with n - 1, over the square root of n.</details>
# <details><summary>Hint 3</summary><code>d = second - first</code>; then <code>d.mean()</code> and <code>1.96 * d.std() / len(d) ** 0.5</code>.</details>

# %% tags=["exercise"]
def paired(first, second):
    """How much better the second is on the same tasks: (gain, half of the interval)."""
    ### BEGIN SOLUTION
    difference = second - first
    half = 1.96 * difference.std() / len(difference) ** 0.5
    return difference.mean(), half
    ### END SOLUTION


# %%
check("21.1", paired)

# %% [markdown]
# From here on every comparison is yours, if the check has passed. First the question above, for four pairs:

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "slide"}
paired = yours("21.1", paired, otherwise=find("21.1").solution)


def unpaired(first, second):
    """The half width that two sets of tasks would give."""
    return 1.96 * (first.var() / len(first) + second.var() / len(second)).sqrt()


fig, ax = plt.subplots(figsize=(9, 4.2))
PAIRS = (("MAML", "ANIL"), ("matching", "prototypes"), ("MAML", "prototypes"),
         ("nearest neighbour", "matching"))
shares = []
for place, (a, b) in enumerate(PAIRS):
    first, second = (SCORES[each][0, 0] for each in (a, b))
    gain, half = paired(first, second)
    apart = unpaired(first, second)
    shares.append(float(half / apart))
    for shift_, width, colour, said in ((-0.15, apart, "baseline", "tasks of its own"),
                                        (0.15, half, "maml", "the same tasks")):
        ax.errorbar(float(gain), place + shift_, xerr=float(width), capsize=5,
                    marker="o", color=style.color(colour), linestyle="",
                    label=said if place == 0 else None)
ax.axvline(0, color="black", linewidth=1)
ax.set(yticks=range(len(PAIRS)), yticklabels=[f"{b} - {a}" for a, b in PAIRS],
       xlabel="difference, points (seed 0, transductive)",
       title="The same tasks tell more")
ax.legend(frameon=False, loc="best")
fig.get_layout_engine().set(w_pad=0.12)
show(fig, alt="Differences of four pairs of methods, each with two intervals. The one "
     "on the same tasks is narrower than the one on tasks of its own in every pair.")
print("the interval on the same tasks, as a share of the other: "
      + ", ".join(f"{each:.2f}" for each in shares))

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Read off a pair whose grey interval holds zero and whose blue one does not, if there is one. Then the last pair: luck is shared between relatives; a nearest neighbour on pixels finds other tasks hard.

# %% [markdown]
# The gain is largest where two methods find the same tasks hard. Nobody pays for it. All numbers of this lesson are on the same tasks.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Pitfall: one seed, a thousand tasks
#
# An interval over tasks says how sure you are of *this network*. A method is what makes networks.
#
# **Predict.** Take one method and train it twice, with two seeds. Compare the two networks like two methods: same 1000 tasks, paired, 95 %. How often
# is the difference "significant"?
#
# - ( ) In about half of the cases.
# - ( ) In one case of twenty: that is what 95 % means.
# - ( ) Never: it is the same method.
#
# <details><summary>After you have guessed</summary>
#
# In about half of the cases. The interval is right about the two networks: one *is* better than the other. It says nothing about the method,
# for the next seed turns it round.
#
# </details>

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Ask how many papers they have read whose interval is over tasks. In the published table near the end of this lesson those without a star are.

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "slide"}
trainable = [name for name in NAMES if METHODS[name].learns]
fig, ax = plt.subplots(figsize=(9.4, 5))
alarms = total = 0
for place, name in enumerate(trainable):
    for k, (a, b) in enumerate(itertools.combinations(range(len(SCORES[name])), 2)):
        gain, half = (float(x) for x in paired(SCORES[name][a, 0], SCORES[name][b, 0]))
        found = abs(gain) > half
        alarms, total = alarms + found, total + 1
        ax.errorbar(gain, place + 0.25 * (k - 1), xerr=half, marker="o", markersize=4,
                    color=style.color("warning" if found else "baseline"))
ax.axvline(0, color="black", linewidth=1)
ax.set(yticks=range(len(trainable)), yticklabels=trainable,
       xlabel="one seed against another, points",
       title="The same method, trained twice")
ax.tick_params(axis="y", labelsize=11)
fig.get_layout_engine().set(w_pad=0.12)
show(fig, alt="For each method the differences between its three seeds with intervals "
     "over 1000 tasks. Many of them, drawn in red, do not hold zero.")
print(f"{alarms} of {total} comparisons of a method with itself call a winner")

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Red is a winner where there is none. Ask what would make the red ones fewer: more tasks make it worse. The interval shrinks, the luck of the seed stays.

# %% [markdown]
# More test tasks make this worse, for the interval shrinks and the luck of the seed stays. The detector is an interval over *seeds*: train each
# method several times, pair by seed, and use Student's $t$, which is wide for three. What does it cost? Misses. Here are both rules. A false
# alarm is a winner among two seeds of one method; a miss is a pair of methods whose means over all seeds are more than two points apart and
# that the rule does not call.

# %%
def by_seeds(a, b):
    """The gain over seeds, paired by seed, and half of its interval."""
    means = [SCORES[name][:, 0].mean(1).tolist() for name in (b, a)]
    each = over_seeds([x - y for x, y in zip(*means)])
    return each.mean, each.half_width


misses = {"one seed, over tasks": 0, "three seeds": 0}
apart = [pair for pair in itertools.combinations(trainable, 2)
         if abs(by_seeds(*pair)[0]) > 2]
for a, b in apart:
    gain, half = (float(x) for x in paired(SCORES[a][0, 0], SCORES[b][0, 0]))
    misses["one seed, over tasks"] += abs(gain) <= half
    gain, half = by_seeds(a, b)
    misses["three seeds"] += abs(gain) <= half
for rule, missed in misses.items():
    false = f"{alarms} of {total}" if "one" in rule else "not measured"
    print(f"{rule:22} false alarms {false:14} missed {missed} of {len(apart)}")

# %% [markdown]
# How often three seeds raise a false alarm cannot be counted with three seeds; Student's $t$ promises one in twenty. From here on an interval is over three seeds, and two rows whose intervals overlap widely are a tie until somebody trains more.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Who is first to 95 %?
#
# **Predict.** All train for 60 seconds of one core. Which of these is the first to answer 95 % right on unseen characters?
#
# - ( ) matching
# - ( ) MAML
# - ( ) Siamese
# - ( ) linear attention
#
# <details><summary>After you have guessed</summary>
#
# matching. It takes more than seven thousand outer steps in the time of MAML's thousand. Whether it would also be first at equal *steps* is the
# other half of the picture.
#
# </details>

# %% [markdown] slideshow={"slide_type": "notes"}
# 1 min. Take the bets from the board. Then ask what they would bet on if the axis were outer steps.

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "slide"}
RACE = {"matching": "metric", "MAML": "maml", "Siamese": "fomaml",
        "linear attention": "warning", "attention reader": "baseline",
        "meta-learner LSTM": "lstm"}


def looks_at(name):
    """The recorded looks at a method in training, in their order."""
    return [curves[key] for k in range(20) if (key := f"{name}.{k}") in curves]


def pictures_in_a_step(name):
    """How many pictures one outer step draws."""
    drawn = METHODS[name].sample(split.train, torch.Generator().manual_seed(0))
    return drawn.support_y.numel() + drawn.query_y.numel()


fig, axes = plt.subplots(1, 3, figsize=(12.5, 4.4), sharey=True)
for name, kind in RACE.items():
    if not (points := looks_at(name)):
        continue
    right_, steps = ([each[key] for each in points] for key in ("value", "steps"))
    each = pictures_in_a_step(name)
    for ax, x in zip(axes, ([point["seconds"] for point in points], steps,
                            [each * step / 1000 for step in steps])):
        line, = ax.plot(x, right_, label=name, **style.method(kind))
for ax, said, title in zip(axes, ("seconds of one core", "outer steps",
                                  "pictures drawn, thousands"),
                           ("By seconds", "By outer steps", "By pictures")):
    ax.axhline(95, color="black", linewidth=1)
    ax.set(xlabel=said, title=title)
axes[1].set_xscale("log")
axes[2].set_xscale("log")
axes[0].set(ylabel="right answers, %", ylim=(40, 100))
axes[0].legend(frameon=False, loc="lower right", fontsize=11)
show(fig, alt="Right answers on validation tasks over 60 seconds of training for six "
     "methods, by seconds, by outer steps and by pictures drawn.")

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Left: matching is first. In the middle, by steps, MAML is above it. At the right, by pictures, they are close. So "faster" has three meanings. Ask which of the three they would pay for.

# %% [markdown]
# Three axes, three answers. By seconds matching leads. After as many *steps* MAML is above it. But a step of MAML draws four times as many
# pictures, and by *pictures* the two are close. So the lead by seconds is mostly the price of a step.

# %%
each = {name: pictures_in_a_step(name) for name in ("matching", "MAML")}
for axis, about in (("steps", 700), ("pictures", 100_000)):
    for name in each:
        share = each[name] if axis == "pictures" else 1
        near = min(looks_at(name), key=lambda look: abs(share * look["steps"] - about),
                   default=None)
        if near:
            print(f"{name:9} {near['value']:.0f} ± {near['interval']:.0f} % after "
                  f"{near['steps']:.0f} steps, {each[name] * near['steps'] / 1000:.0f} "
                  f"thousand pictures, {near['seconds']:.0f} s")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The whole table

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "fragment"}
fig, ax = plt.subplots(figsize=(9.4, 6))
order = dots(ax, "transductive")
for place, name in enumerate(order):
    ax.plot(value(name, "support")[0], place, marker="|", markersize=13, color="black")
ax.set(xlabel="right answers, % (dot: transductive; bar: support)", xlim=(50, 100),
       title="After sixty seconds of one core")
fig.get_layout_engine().set(w_pad=0.12)
show(fig, alt="Right answers of all methods on 1000 test tasks with intervals over "
     "three seeds, best on top.")

# %% [markdown] slideshow={"slide_type": "notes"}
# 3 min. Shapes are families. Point at the grey dot: nearest neighbour on centred, blurred drawings learned nothing. Ask which methods are behind it, and what they have in common. (Five ways in training, or a reader of everything.)

# %% [markdown]
# Look at the grey dot. Nearest neighbour on drawings that were centred and blurred learned nothing, and several learners stand below it after a minute.
# What do they have in common?
#
# **Is it the method, or how it was trained?** One pair of rows answers for MAML. *MAML* trains on tasks of 40 classes and begins each with a head
# of zeros. *MAML, 5 ways* trains on tasks of five, as they are tested, with a learned head. Both take gradients through their inner steps.

# %%
def told(a, b, column="transductive"):
    """One line: two rows and their difference over the seeds."""
    gain, half = by_seeds(a, b)
    return (f"{b}: {value(b, column)[0]:.1f}, {a}: {value(a, column)[0]:.1f}; "
            f"difference {gain:+.1f} ± {half:.1f} points, paired by seed")


for pair in (("MAML, 5 ways", "MAML"), ("MAML", "ANIL"), ("MAML", "prototypes"),
             ("matching", "prototypes"), ("MAML", "shift and bend")):
    print(told(*pair))

# %% [markdown]
# So the way of training moves MAML by more points than lie between MAML and any method that compares. (Two things differ in that pair, the ways and
# the head; [lesson 09](09_omniglot_maml.ipynb) has taken them apart.) Whoever compares two methods with two ways of training has compared the
# ways of training.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What does it cost?
#
# **Predict.** One outer step must remember, for the way back, what it did. Which holds the most memory?
#
# - ( ) the meta-learner LSTM
# - ( ) MAML, with its second derivatives
# - ( ) full context, with its two LSTMs
# - ( ) the attention reader
#
# <details><summary>After you have guessed</summary>
#
# the meta-learner LSTM. It runs an LSTM with 20 hidden numbers for *every weight* of the learner, at eight inner steps. MAML holds two steps of the
# learner itself.
#
# </details>

# %% [markdown] slideshow={"slide_type": "notes"}
# 1 min. Ask what each of the four must keep. Only one of them keeps something for every weight and every step.

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "slide"}
fig, axes = plt.subplots(1, 2, figsize=(12, 5.4), gridspec_kw={"wspace": 0.55})
for ax, column, said, title in (
        (axes[0], "memory", "held for one outer step, MB", "Memory of training"),
        (axes[1], "cost", "one new task, ms of one core", "Price of a new task")):
    dots(ax, column, best="low",
         names=[name for name in NAMES if value(name, column)[0] > 0])
    ax.set(xscale="log", xlabel=said, title=title)
    ax.minorticks_off()
    least, most = ax.get_xlim()
    ticks = [x for x in (0.5, 1, 2, 5, 10, 20, 50, 100, 200) if least < x < most]
    ax.set(xticks=ticks, xticklabels=ticks)
    ax.tick_params(axis="y", labelsize=11)
fig.get_layout_engine().set(w_pad=0.12)
show(fig, alt="Two lists of methods, cheapest on top, on logarithmic axes: megabytes "
     "held for one outer step, and milliseconds for one new task of five drawings.")

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Left: two orders of magnitude. Reptile holds least of those with inner steps, since nothing goes through them. Right: methods that compare pay one pass through the body; the others pay for each inner step. Both axes are logarithmic.

# %% [markdown]
# ## Try it
#
# The table as a picture. Choose what each axis shows; a line joins the methods that nobody beats in both. It begins with those that are right in
# at least <span data-moves="Scoreboard.least">50</span> % of the answers. **Ask:** which methods are on the line whatever you choose? A dot opens its lesson.

# %% slideshow={"slide_type": "slide"}
scoreboard = Scoreboard.recorded(x="memory", y="transductive", least=50)
scoreboard

# %% [markdown] slideshow={"slide_type": "notes"}
# 3 min. Memory against accuracy first, then seconds against accuracy, then five shots against twenty ways. Let somebody choose axes that make their bet from the beginning look good. It nearly always works: that is the lesson.

# %%
for x, y in (("memory", "transductive"), ("cost", "5 shots"), ("support", "20 ways")):
    scoreboard.x, scoreboard.y = x, y
    print(scoreboard.summary)
scoreboard.x, scoreboard.y = "memory", "transductive"

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Now the pictures change
#
# **Predict.** At test all drawings of a task are inverted, support and queries alike. Nobody has trained on that. MAML may change its whole
# body to them, ANIL its head, prototypes nothing. Batch norm reads the task. Who keeps most?
#
# - ( ) None of them by ten points: all lose about as much.
# - ( ) MAML, by ten points or more: it alone can adapt its body.
# - ( ) Prototypes, by ten points or more: there is nothing to get wrong.
#
# <details><summary>After you have guessed</summary>
#
# None of them by ten points: all lose about as much. Three inner steps are few, and their gradient is that of a body which sees badly.
#
# </details>

# %% [markdown] slideshow={"slide_type": "notes"}
# 1 min. Let them argue for MAML: it can adapt its body, the others cannot. That is the best wrong answer, and the table refutes it.

# %% slideshow={"slide_type": "slide"}
shift_map = ShiftMap.recorded()
shift_map

# %% [markdown] slideshow={"slide_type": "notes"}
# 3 min. Go down the column "inverted": no family stands out. Then the row of Reptile. Do not touch the switch of the statistics yet: it is the next prediction.

# %%
for shift in ("turned", "thick", "half size", "inverted", "noisy", "one alphabet"):
    line = f"{shift:12}"
    for name in ("MAML", "ANIL", "prototypes"):
        mean, half = value(name, f"{shift}.transductive", shifts)
        line += f"  {name} {mean:4.1f} ± {half:4.1f}"
    print(line)
if OMNIGLOT:
    lake, seen = characters.split("lake").test, set(split.train.names)
    print(f"Lake's evaluation alphabets: {len(lake)} characters, "
          f"{len(seen.intersection(lake.names))} of them in training here")

# %% [markdown]
# The last column changes no picture. *One alphabet* draws all five characters of a task from one alphabet, out of the same test characters:
# they resemble each other, as in [lesson 18](18_learning_a_metric.ipynb)'s question. It stands for another split. A split with other *alphabets*
# cannot be had from these networks: theirs deals the characters of all fifty, so most of Lake's evaluation characters were trained on.
#
# Under inversion adapting more does not help, and comparing does not either. (Under noise MAML is some ten points ahead, with an interval as wide.) Is it the
# methods, then, that decide who breaks? Look at what else saw the task: batch norm. Its statistics were those of the inverted drawings, all this time.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Whose statistics?
#
# Batch norm can take its mean and variance from the task, queries included; from the support set; or from training, fixed for ever.
#
# **Predict.** Inverted again, and now the statistics are *fixed*. Three methods without an inner loop, each on its own body: linear attention
# reads products of features, matching reads cosines, prototypes read distances. Who falls to chance, 20 %?
#
# - ( ) linear attention alone
# - ( ) all three
# - ( ) prototypes alone
# - ( ) none
#
# <details><summary>After you have guessed</summary>
#
# linear attention alone. Inverted drawings move the mean of all features. A product of two features that share a large part is large for every pair. A
# difference takes the shared part away.
#
# </details>

# %% [markdown] slideshow={"slide_type": "notes"}
# 1 min. Ask what changes first in a network when white and black change places: the mean of the first layer. Who subtracts it, if batch norm does not?

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "slide"}
ALL_SHIFTS = [*SHIFTS, "one alphabet"]
fig, axes = plt.subplots(1, 4, figsize=(13, 4.6), sharey=True)
for ax, name in zip(axes, ("prototypes", "matching", "linear attention", "MAML")):
    for mode, kind in (("transductive", "metric"), ("support", "maml"),
                       ("fixed", "warning")):
        each = [value(name, f"{shift}.{mode}", shifts) for shift in ALL_SHIFTS]
        ax.errorbar(range(len(each)), [x for x, _ in each], yerr=[h for _, h in each],
                    capsize=3, label=mode, **style.method(kind))
    ax.axhline(20, color="black", linewidth=1)
    ax.set(xticks=range(len(ALL_SHIFTS)), title=name)
    ax.set_xticklabels(ALL_SHIFTS, rotation=60, ha="right", fontsize=10)
axes[0].set(ylabel="right answers, %", ylim=(0, 100))
axes[0].legend(frameon=False, loc="lower left", fontsize=11, title="statistics")
show(fig, alt="Right answers of prototypes, matching, linear attention and MAML under "
     "seven shifts with three kinds of batch norm's statistics. With fixed ones linear "
     "attention and MAML fall to chance on inverted drawings, the two others do not.")

# %% [markdown] slideshow={"slide_type": "notes"}
# 3 min. Red is "fixed". The two at the left lose little by it, and sometimes gain. Linear attention falls to chance, and MAML with it. What have these two in common? Lesson 20: a head of zeros, its first step, is linear attention.

# %% [markdown]
# MAML falls with linear attention, and you know why it might: [lesson 20](20_in_context_learning.ipynb) showed that the first step of a head of zeros
# *is* linear attention. But all four bodies were trained in different ways. Is it the rule of reading, or the body?
#
# **The control.** No training: the same bodies, statistics fixed, read otherwise. First the body of linear attention: by products, by products of
# features from which the mean of the support set was taken away, and by distances. Then the body of prototypes in the same three ways.

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "slide"}
fig, axes = plt.subplots(1, 2, figsize=(12, 4.4), sharey=True)
READ = (
    ("the body of linear attention",
     (("linear attention", shifts), ("linear attention, centred", counted),
      ("linear attention, read as prototypes", counted))),
    ("the body of prototypes",
     (("prototypes, read by products", counted),
      ("prototypes, by products, centred", counted), ("prototypes", shifts))),
)
for ax, (title, ways) in zip(axes, READ):
    for (name, found), kind, said in zip(
            ways, ("warning", "maml", "metric"),
            ("products", "centred, products", "distances")):
        each = [value(name, f"{shift}.fixed", found) for shift in ALL_SHIFTS]
        ax.errorbar(range(len(each)), [x for x, _ in each], yerr=[h for _, h in each],
                    capsize=4, label=said, **style.method(kind))
    ax.axhline(20, color="black", linewidth=1)
    ax.set(xticks=range(len(ALL_SHIFTS)), title=title)
    ax.set_xticklabels(ALL_SHIFTS, rotation=45, ha="right", fontsize=10)
axes[0].set(ylabel="right answers, %, statistics fixed", ylim=(0, 100))
axes[0].legend(frameon=False, loc="lower left")
show(fig, alt="Two trained bodies under seven shifts with fixed statistics, each read "
     "in three ways. Read by products both fall to near 20 % on inverted drawings; "
     "after centring, or by distances, they stay above 50 %.")

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. One body, three lines: only the rule of reading differs. Blue differs from red by one subtraction. This is the lesson's sharpest result, and it took no training.

# %% [markdown]
# One subtraction does it, on both bodies. So what broke was neither adapting nor comparing. It was a *product* that nobody had centred; batch norm had
# done the centring, and a table of shifts without this switch would have praised the methods for it.
#
# **And a rule that was learned?** The two readers were told nothing about comparing. One might expect them to break first. But their features are
# centred on the support set before they read. Here they are, with the first one's body read by distances, and with a third reader that is trained
# without this centring, everything else equal:

# %% jupyter={"source_hidden": true}
fig, ax = plt.subplots(figsize=(9.4, 4.4))
for found, name, kind, said in (
        (counted, "attention reader, body", "metric", "its body, distances"),
        (shifts, "attention reader", "maml", "attention reader, centred"),
        (counted, "attention reader, not centred", "warning", "not centred"),
        (shifts, "LSTM reader", "lstm", "LSTM reader, centred")):
    each = [value(name, f"{shift}.transductive", found) for shift in ALL_SHIFTS]
    ax.errorbar(range(len(each)), [x for x, _ in each], yerr=[h for _, h in each],
                capsize=4, label=said, **style.method(kind))
ax.axhline(20, color="black", linewidth=1)
ax.set(xticks=range(len(ALL_SHIFTS)), xticklabels=ALL_SHIFTS, ylim=(0, 100),
       ylabel="right answers, %, transductive",
       title="Rules of reading that were learned")
ax.legend(frameon=False, loc="lower left", ncol=2)
show(fig, alt="Right answers of three readers, and of one reader's body read by "
     "distances, under seven shifts, with batch norm's statistics of the task.")

# %%
for shift in ("as drawn", "inverted"):
    for mode in ("transductive", "fixed"):
        line = f"{shift:9} {mode:13}"
        for name, found in (("attention reader, body", counted),
                            ("attention reader", shifts),
                            ("attention reader, not centred", counted)):
            mean, half = value(name, f"{shift}.{mode}", found)
            line += f"  {mean:4.1f} ± {half:4.1f}"
        print(line)
print("columns: its body read by distances, the reader, the reader not centred")

# %% [markdown]
# The reader does *not* break first: under inversion it is little below its body read by distances. And the one subtraction does more than
# travel. Without it, the same reader has learned nothing after a minute, on any pictures. We had expected a rule that was learned to fall to chance on inverted
# drawings, and this one does not. What stands before a rule decides as much as the rule.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## MAML and the meta-learner LSTM: five differences, counted
#
# Both learn a start. [Lesson 09](09_omniglot_maml.ipynb) set them side by side in words, and the papers say them so. Here each is a number.

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "fragment"}
def counts(name):
    """A recorded figure of both, or a dash."""
    each = counted.get(name)
    return f"{each['value']:.2f} ± {each['interval']:.2f}" if each else "-"


two = ("MAML", "meta-learner LSTM")
own = {name: METHODS[name].init(torch.Generator().manual_seed(0)) for name in two}
beside = {name: sum(each.numel() for key, each in own[name].items()
                    if key.startswith("lstm.")) for name in two}
lines = [
    ("cosine of a step with minus its gradient", [counts(f"{n}.cosine") for n in two]),
    ("learned numbers beside the start", [str(beside[n]) for n in two]),
    ("held for one outer step, MB", [f"{value(n, 'memory')[0]:.0f}" for n in two]),
    ("right after the trained steps, %", [counts(f"{n}.steps x1") for n in two]),
    ("... after twice as many", [counts(f"{n}.steps x2") for n in two]),
    ("... after four times as many", [counts(f"{n}.steps x4") for n in two]),
    ("second derivatives left out, cosine", [counts("outer cosine"), "1 (never used)"]),
]
print(f"{'':42}{two[0]:18}{two[1]}")
for said, both in lines:
    print(f"{said:42}{both[0]:18}{both[1]}")

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. One line a difference. How the weights move: along the gradient, or not quite. What is learned beside the start. What it must hold. What more steps do: this is Finn's argument, that MAML can go on. And what first order leaves out.

# %% [markdown]
# The sources, one by one. The learner moves by its gradient in MAML, by a learned update in the meta-learner LSTM (Finn et al. 2017, section 4; Ravi and
# Larochelle 2017, section 3). MAML "does not introduce additional parameters"; the LSTM has those of its gates. It asks for no particular
# architecture; the LSTM needs a memory for each weight, and that is the megabytes. At test MAML can be given more steps than it was trained
# with; the LSTM was trained for a fixed number, and its row says what more of them do. And MAML keeps second derivatives, which the LSTM leaves
# out from the start: the last line is how far the outer gradient turns without them.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What was published
#
# Most papers of this field have one table in common: miniImageNet, 5 ways. Photographs in place of drawings, and hours in place of a minute.

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "fragment"}
rows = mini_imagenet_table()[::-1]
fig, ax = plt.subplots(figsize=(10.5, 5.6))
for place, row in enumerate(rows):
    kind = "maml" if row.said.startswith("MAML") else "baseline"
    ax.errorbar(row.one_shot["value"], place, xerr=row.one_shot["interval"] or 0,
                capsize=3, marker="o", color=style.color(kind))
ax.set(yticks=range(len(rows)), xlim=(25, 70),
       yticklabels=[f"{row.said.replace(' by ', ', ').replace(' authors', '')} "
                    f"({row.network.replace(', pre-trained', '+')})" for row in rows],
       xlabel="right answers, %, 5 ways, one shot, as published (+: pre-trained)",
       title="MAML stands there four times")
ax.tick_params(axis="y", labelsize=11)
fig.get_layout_engine().set(w_pad=0.12)
show(fig, alt="Published right answers of nineteen methods on miniImageNet, grouped by "
     "network. MAML, in blue, is there four times, from about 47 to 64 %.")

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Find the blue dots. Ask what moves MAML, and compare that with the distance between methods on one network. Then the two pairs in which only the protocol differs: Reptile with and without transduction, prototypes with more ways.

# %%
print(as_text(mini_imagenet_table()))

# %% [markdown]
# MAML stands there four times. Network, pre-training and protocol move it further than the meta-learners on one network lie apart. Compare only rows under
# one network, with one kind of batch norm, out of one paper's code. Two pairs change nothing but the protocol: Reptile gains from transduction, and prototypes from more ways in training,
# about as much as most methods differ by. You have seen both on Omniglot.
#
# If you have the photographs, all methods of the course run on them, grey and at 28 x 28. That is not the published protocol, and its numbers do not
# belong beside these:

# %% tags=["nbval-ignore-output"]
# not compared: what is printed depends on whether miniImageNet is on this computer
try:
    photographs = mini_imagenet.load()
    tasks = tasks_of(photographs.test, 100, 2)
    found = right(METHODS["nearest neighbour"], {}, tasks)["support"]
    print(f"nearest neighbour on grey pixels: {over_tasks(found).scaled(100)} %")
except DataError as error:
    print(error)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A method of your own
#
# Lesson 20 ended beside ridge regression: the best line through a few points, in closed form. Let it be the *head*. The body makes features, ridge
# regression fits the labels of the support set, and the query loss goes back *through the solution*:
#
# $$W = \operatorname*{argmin}_W\; \lVert Z W - Y\rVert^2 + \lambda \lVert W\rVert^2 = Z^\top (Z Z^\top + \lambda I)^{-1} Y$$
#
# $$\text{logits}(x) = s\, f(x)^\top W$$
#
# Inner steps without a rate or a number of them: the inner problem is solved. $Z$ are the support features, $Y$ the labels as rows of zeros and a one.
# Bertinetto and colleagues (2019) call it R2-D2.

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Which matrix is inverted? In a task of five drawings it is 5 x 5. Ask what MAML would need to get there: many inner steps of the head. Then which lesson had a solution in place of steps. (Fourteen.)

# %% [markdown]
# **Your turn.** Write it. `support` [S, d] and `query` [Q, d] are features, `y` [S] the labels, `strength` is $\lambda$. Return `query @ W`, [Q, ways].
#
# <details><summary>Hint 1</summary>Labels become rows first: <code>F.one_hot(y, ways)</code>, in the features' type.</details>
# <details><summary>Hint 2</summary>The matrix <code>support @ support.T</code> is [S, S]. Add <code>strength</code> times the identity of that size, and solve for the labels.</details>
# <details><summary>Hint 3</summary><code>torch.linalg.solve(support @ support.T + strength * torch.eye(len(support)), labels)</code> is [S, ways]; <code>query @ support.T</code> times that is the answer.</details>

# %% tags=["exercise"]
def ridge_logits(support, y, query, ways, strength):
    """What ridge regression on the support set says of each query, [Q, ways]."""
    ### BEGIN SOLUTION
    labels = F.one_hot(y, ways).to(support.dtype)
    gram = support @ support.T
    weights = torch.linalg.solve(gram + strength * torch.eye(len(y)).to(gram), labels)
    return query @ support.T @ weights
    ### END SOLUTION


# %%
check("21.2", ridge_logits)

# %% [markdown]
# Two things that it is equal to. Solved the other way round, with a matrix of the features' size, it is the same. And with an enormous $\lambda$ it becomes
# what you know from [lesson 20](20_in_context_learning.ipynb): linear attention, one step of gradient descent.

# %%
ridge = yours("21.2", ridge_logits, otherwise=find("21.2").solution)
draw = torch.Generator().manual_seed(0)
Z, asked = (torch.randn(n, 8, generator=draw, dtype=torch.float64) for n in (6, 4))
y = torch.tensor([2, 0, 1, 1, 0, 2])
Y = F.one_hot(y, 3).double()
other = torch.linalg.solve(Z.T @ Z + 0.5 * torch.eye(8).double(), Z.T @ Y)
compare("yours", ridge(Z, y, asked, 3, 0.5), "the other way round", asked @ other,
        to=1e-10)
compare("yours", ridge(Z, y, asked, 3, 0.5), "the package",
        packaged_ridge(Z, y, asked, 3, strength=0.5), to=1e-10)
compare("1e9 times yours at 1e9", 1e9 * ridge(Z, y, asked, 3, 1e9),
        "linear attention's sum", asked @ Z.T @ Y, to=1e-5)

# %% [markdown]
# Now make it a method. It needs two learned numbers beside the body, $\lambda$ and the scale $s$. `comparing` adds the rest: tasks of 20 classes, the
# outer gradient, the answers. In a file of your own these lines are all there is.

# %%
def reading(theta, support, y, query, ways):
    strength, scale = (theta[f"ridge.log_{which}"].exp()
                       for which in ("strength", "scale"))
    return scale * torch.stack([ridge(*one, ways, strength)
                                for one in zip(support, y, query)])


mine = comparing("mine", "21", reading, extra=lambda generator: init_ridge())
SECONDS, STEPS, TESTS = {"smoke": (0, 40, 50), "lecture": (20, None, 200),
                         "paper": (60, None, 1000)}[PROFILE]

# %% [markdown]
# It trains beside prototypes, for the same time (*smoke*: the same few steps).

# %%
tests = tasks_of(split.test, TESTS, 2)
runs = {method: [trained(method, split.train, seconds=SECONDS, steps=STEPS, seed=seed,
                         progress=f"{method.name}, seed {seed}") for seed in SEEDS]
        for method in (mine, METHODS["prototypes"])}

# %% tags=["nbval-ignore-output"] slideshow={"slide_type": "slide", "code": false}
# not compared: accuracies of networks trained a moment ago, which differ in the last
# digits from processor to processor
live = {}
for method, each in runs.items():
    live[method.name] = [100 * right(method, run.theta, tests)["transductive"]
                         for run in each]
    mean = torch.stack(live[method.name]).mean().item()
    print(f"{method.name:12} {each[0].steps:5} outer steps, {each[0].seconds:4.0f} s: "
          f"{mean:.1f} % of {TESTS} tasks right")
    record(f"live.{method.name}", mean, unit="%", seeds=SEEDS, tasks=TESTS,
           seconds=each[0].seconds, note=f"{each[0].steps} outer steps")
gain, half = paired(live["prototypes"][0], live["mine"][0])
print(f"yours - prototypes, seed {SEEDS[0]}: {gain:+.1f} ± {half:.1f} points, "
      "over tasks")

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Read the last line, then ask whether that is a difference of methods. They should answer: one seed. The recorded row, with three seeds and a minute, is on the next slide.

# %% [markdown]
# One seed, a few seconds: you know by now what that interval is worth. Here is the recorded row, a minute and three seeds, beside its neighbours:

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "slide"}
fig, axes = plt.subplots(1, 2, figsize=(11, 3.6))
ROWS = [name for name in ("ridge head", "prototypes", "matching", "linear attention",
                          "ANIL", "MAML") if name in NAMES]
for ax, found, column, title in (
        (axes[0], table, "transductive", "As drawn, 1000 tasks"),
        (axes[1], shifts, "inverted.fixed", "Inverted, statistics fixed, 100 tasks")):
    dots(ax, column, found=found, names=ROWS)
    ax.set(xlabel="right answers, %", title=title)
fig.get_layout_engine().set(w_pad=0.12)
show(fig, alt="Right answers of the ridge head and five neighbours with intervals over "
     "three seeds, as drawn and inverted.")

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Where does the new row stand, and is it a tie? Use the rule: intervals over seeds. Then the second panel: it reads products too, and stays. With an enormous strength it is linear attention, which falls. Ask what the inverse does to a part that all features share.

# %% [markdown]
# To put *any* method into the table, write a file that ends in `METHOD = ...` and say
#
# ```
# python -m mlteach compare my/methods/mine.py --seconds 20
# ```
#
# Ideas that take less than a page: a ridge head whose features are centred on the task; prototypes that the queries pull along (transductive, so
# say so); matching with a temperature for each class; MAML whose head begins as ridge. Whatever it is: give it its one-line rival.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What to choose, when
#
# No row wins everywhere. What you can defend is a choice with its reason and its number:

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "fragment"}
def percent(name, column="transductive", found=None):
    mean, half = value(name, column, found)
    return f"{mean:.1f} ± {half:.1f} %"


choices = [
    ("new classes every minute", "prototypes, matching",
     f"{value('prototypes', 'cost')[0]:.1f} ms a task, {percent('prototypes')}"),
    ("no labels to train on", "contrastive", percent("no labels")),
    ("few training classes", "bend the pictures", "see lesson 16"),
    ("a number, or an action", "MAML, Reptile", "need only a loss: lesson 06"),
    ("little memory", "Reptile, matching",
     f"{value('Reptile', 'memory')[0]:.1f}, {value('matching', 'memory')[0]:.1f} MB"),
    ("pictures may change", "distances; centre",
     f"inverted, fixed: {percent('prototypes', 'inverted.fixed', shifts)}"),
    ("order, or late labels", "a reader", "see lessons 19 and 20"),
    ("nothing trained yet", "nearest neighbour", percent("nearest neighbour")),
]
print(f"{'when':26}{'choose':24}because")
for when, what, why in choices:
    print(f"{when:26}{what:24}{why}")

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Go through the lines and ask for an objection to each. Good ones: fifteen questions a class are asked at once; the settings were not equally tuned; nobody tried photographs.

# %% [markdown]
# What this table cannot tell you: anything about photographs, about hours of training, or about a method whose settings somebody searches for longer.
# It is small enough to be measured again in an afternoon, and that is its use.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What you learned
#
# - The same tasks for both: an interval of the difference that costs nothing.
# - An interval over tasks is about a network. A method needs seeds.
# - "Faster" has three meanings: by seconds, by steps, by pictures. Say which.
# - How MAML was trained moves it further than which method it is compared with.
# - Under a shift no family was safe. What broke was a product that nobody had centred, once batch norm no longer did it.
# - A method is five functions. Yours is one of them now.

# %% [markdown] slideshow={"slide_type": "notes"}
# 1 min. Go back to the bets on the board. Who would still make theirs, and on which axes?

# %% [markdown]
# ## Quiz
#
# **1.** A paper reports 97.2 ± .3 for its method and 96.6 ± .3 for the old one, intervals over 600 tasks. Is it better?
#
# <details><summary>Answer</summary>
#
# You cannot say. The intervals are over tasks of one network each. If the tasks were the same, the paired interval is narrower, and even then two seeds of
# one method often differ by as much. Ask for seeds.
#
# </details>
#
# **2.** Method A is at 95 % after 20 s, method B after 40 s. Your colleague has a machine on which every step costs the same. Who is first there?
#
# <details><summary>Answer</summary>
#
# Whoever needs fewer *steps*. The middle panel of the race shows it: the order by steps is another one than by seconds.
#
# </details>
#
# **3.** A new method keeps 80 % on inverted drawings, where all others are at 60. What do you ask first?
#
# <details><summary>Answer</summary>
#
# Which statistics its batch norm used, and which the others used; and whether it centres its features. Then whether inverted drawings, or anything like them, were among its augmentations.
#
# </details>
#
# ## References
#
# - Finn, Abbeel, Levine, [Model-agnostic meta-learning for fast adaptation of deep networks](https://arxiv.org/abs/1703.03400), 2017.
# - Ravi, Larochelle, [Optimization as a model for few-shot learning](https://openreview.net/forum?id=rJY0-Kcll), 2017.
# - Bertinetto, Henriques, Torr, Vedaldi, [Meta-learning with differentiable closed-form solvers](https://arxiv.org/abs/1805.08136), 2019: the ridge head.
# - Chen, Liu, Kira, Wang, Huang, [A closer look at few-shot classification](https://arxiv.org/abs/1904.04232), 2019: baselines on one body.
# - Triantafillou et al., [Meta-Dataset: a dataset of datasets for learning to learn from few examples](https://arxiv.org/abs/1903.03096), 2020.
# - Bouthillier et al., [Accounting for variance in machine learning benchmarks](https://arxiv.org/abs/2103.03098), 2021: seeds, and what else varies.
#
# ## Next
#
# This was the last lesson. [Lesson 00](00_start_here.ipynb) has the map: every method of this table is a choice in each of its four columns, and most
# combinations have no name yet.
