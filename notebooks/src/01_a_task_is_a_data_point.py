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
# A network that has seen a million pictures still asks for thousands more when you show it something new. Here you find out why, and
# what to give it instead of more pictures: more *tasks*.
#
# **You will be able to**
#
# - build an N-way K-shot task from a pile of drawings, without leaking an answer,
# - name the floor that any learner must beat, and measure it,
# - show in two pictures why training from scratch on five examples fails,
# - say what a start that knows other tasks is worth, in per cent with an interval,
# - tell how many test tasks a claim needs.
#
# **Prerequisites:** [lesson 00](00_start_here.ipynb).
#
# **Time:** 25 minutes of reading, and 30 minutes for the exercises.
#
# **What it costs to run:** *smoke* takes under 60 s on two cores. *lecture* takes under 3 minutes on two cores; most of it goes into
# training an ordinary classifier. *paper* trains it for longer and tests on more tasks, about 5 minutes.

# %% [markdown] slideshow={"slide_type": "notes"}
# 1 min. One sentence is the lecture: a task is a data point. Ask who has ever trained a network on five pictures.

# %% tags=["parameters"]
PROFILE = "smoke"  # "smoke", "lecture" or "paper": the same cells, three budgets
SEEDS = [0]  # one training run for each

# %% tags=["setup"]
import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F

from mlteach.checkpoint import load_checkpoint, params_from
from mlteach.exercises import check
from mlteach.explore import EpisodeInspector, style
from mlteach.explore.figure import show
from mlteach.fit import fit
from mlteach.inner import adapt, sgd
from mlteach.measure import compare, floor_of, over_seeds, over_tasks, published
from mlteach.measure import step_accuracy
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
# **Five new characters, one drawing of each. Then twenty more drawings: which is which?** This is a *5-way 1-shot task*. It has its own
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
# 3 min. Go through the table row by row. The line that matters is the last one: one can overfit to tasks as one overfits to pictures.

# %% [markdown]
# ## How is a task dealt?
#
# Choose the classes, shuffle each class's twenty drawers, give the first $K$ to the support set and the others to the query set. Labels
# are 0 to $N-1$, new in every task: "class 3" means nothing outside it.
#
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
# The package deals many tasks at once, with a leading task axis: `sample` returns an `Episode`. Its pictures also stand in random order,
# so that no learner can read the label off the place.

# %%
episode = test.sample(tasks=2, ways=5, shots=1, queries=15,
                      generator=torch.Generator().manual_seed(1))
for name, part in zip(Episode._fields, episode):
    print(f"{name:10}", list(part.shape))

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
# Near 45 %. A character drawn two pixels to the side is far from itself in pixel space.
#
# </details>

# %% [markdown] tags=["open"]
# Here it is for all tasks at once, so that it is quick. (Squared distances through products: $|q-s|^2 = |q|^2 - 2\,q\cdot s + |s|^2$.)

# %% slideshow={"slide_type": "fragment", "code": false}
def neighbours_right(episode):
    """The share of queries [tasks] whose nearest support picture has their label."""
    support = episode.support_x.flatten(2).double()
    query = episode.query_x.flatten(2).double()
    # without |q|^2, which changes no order
    distance = support.square().sum(2)[:, None] - 2 * query @ support.transpose(1, 2)
    answer = episode.support_y.gather(1, distance.argmin(2))
    return (answer == episode.query_y).double().mean(1)


def draw(split, tasks, seed, ways=5, shots=1, queries=15, within=False):
    """The same tasks for everybody: batches of at most 50, from one seed."""
    generator = torch.Generator().manual_seed(seed)
    return [split.sample(min(50, tasks - done), ways, shots, queries,
                         generator=generator, within_alphabet=within)
            for done in range(0, tasks, 50)]


def floor_on(batches):
    """The nearest neighbour's accuracy in %, with its interval over all tasks."""
    right = torch.cat([neighbours_right(batch) for batch in batches])
    return over_tasks(right).scaled(100)


pixels = floor_on(draw(test, 600, seed=2))
print("nearest neighbour on pixels, 5-way 1-shot: "
      f"{pixels.mean:.0f} % ± {pixels.half_width:.0f}")

# %% [markdown] slideshow={"slide_type": "notes"}
# 3 min. Collect guesses before you uncover the number. It is the floor of the whole course; write it on the board and leave it there.

# %% [markdown]
# **That is the floor.** A method that does not beat it has learned nothing from other characters.

# %% [markdown]
# See it in single tasks. The explorer deals tasks of real drawings and answers with the nearest neighbour. It deals
# <span data-moves="EpisodeInspector.ways">5</span> ways and <span data-moves="EpisodeInspector.shots">1</span> shot: change both. Then take all classes from *one* alphabet: hands and habits are alike there, and the characters too.

# %% slideshow={"slide_type": "slide"}
inspector = EpisodeInspector(test)
inspector

# %% [markdown] slideshow={"slide_type": "notes"}
# 5 min. Deal a few episodes. Let the room answer before the network of neighbours does. Then take one alphabet, and let them draw a character of their own.

# %%
print(inspector.summary)
inspector.shots = 3
print(inspector.summary)
inspector.shots = 1  # as it was: your turn

# %% [markdown] slideshow={"slide_type": "slide"}
# How much harder is one alphabet? And how does the floor move with the number of classes and of examples? For whole alphabets that
# nobody trained on, the split of Omniglot's authors keeps 20 alphabets apart.

# %%
lake = characters.split("lake", rotations="none")
settings = {
    "2-way 1-shot": (2, 1),
    "5-way 1-shot": (5, 1),
    "5-way 5-shot": (5, 5),
    "20-way 1-shot": (20, 1),
}
floors = {}
for name, (ways, shots) in settings.items():
    for within in (False, True):
        batches = draw(lake.test, 200, seed=3, ways=ways, shots=shots, queries=5,
                       within=within)
        floors[name, within] = floor_on(batches)
lower = all(floors[name, True].mean < floors[name, False].mean for name in settings)
print("lower within one alphabet, in all four settings:", lower)

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "fragment"}
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

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Read two bars aloud with their intervals. Within one alphabet the characters are alike, and so are the hands.

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
# axis, so one call trains them all. All ten learn their five pictures by heart.
#
# **Predict.** Take any two of the ten. On how many of the queries do they give the same answer?
#
# - ( ) on nearly all: the five pictures settle it
# - ( ) on a little more than half
# - ( ) on one in five, as if both were guessing
#
# <details><summary><b>Explain.</b> How far do they agree?</summary>
#
# On a little more than half. Each of the ten has a support loss near zero, so the data cannot say which of them is right, and each
# carries its own random start into its answers. They agree more than chance would, because they have the same five pictures in common.
#
# </details>

# %% [markdown] slideshow={"slide_type": "notes"}
# 1 min. Ask for the guess, in writing, before anything is drawn.

# %%
task = test.sample(tasks=1, ways=5, shots=1, queries=15,
                   generator=torch.Generator().manual_seed(3))
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
    logits = [net(theta, ten.query_x, "support", support=ten.support_x)
              for theta in path]
answers = torch.stack(logits).argmax(3)
right = 100 * (answers == ten.query_y).double().mean(2)

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "slide"}
fig, (left, middle) = plt.subplots(1, 2, figsize=(10, 3.9))
for k in range(10):
    left.semilogy(support_loss[:, k], **style.method("baseline") | {"linewidth": 1.4})
    middle.plot(right[:, k], **style.method("baseline") | {"linewidth": 1.4})
    middle.plot(25, right[-1, k], "o", color=style.color("warning"), markersize=7)
middle.axhline(20, color="black", linewidth=1)
middle.annotate("guessing", (25, 20), xytext=(-4, -12), textcoords="offset points",
                ha="right")
left.set(xlabel="step of training", ylabel="loss on the five pictures (log)",
         title="They all learn the five ...")
middle.set(xlabel="step of training", ylabel="right answers on queries, %",
           ylim=(0, 100))
middle.set_title("... and end up far apart")
show(fig, alt=(
    "Left: ten support losses all fall to nearly zero. Right: the ten query accuracies "
    "spread widely and stay low."
))

# %% slideshow={"slide_type": "fragment", "code": false}
pairs = [(i, j) for i in range(10) for j in range(i)]
same = [(answers[-1, i] == answers[-1, j]).double().mean() for i, j in pairs]
agree = torch.stack(same).mean().item()
print(f"any two of them give the same answer to {round(10 * agree)} queries in ten")

# %% [markdown] slideshow={"slide_type": "notes"}
# 3 min. Left: all ten know their five pictures by heart. Right: they disagree about everything else. Both at once is the point. Then read the guess back.

# %% [markdown] slideshow={"slide_type": "slide"}
# Two things went wrong, and the whole course is about them.
#
# 1. **Few steps in a landscape full of valleys.** After a step or two the network has hardly left its random start. With many steps it
#    reaches *a* valley of the five pictures, but five pictures have many. Nothing tells it which one also holds the queries. The
#    *optimiser* has no experience with such tasks. *Learn the step*: lessons 03 to 05.
# 2. **A new random start for every task.** Whatever the network found out about strokes in the last task is thrown away. *Learn the
#    start*: lessons 06 to 11.

# %% [markdown] slideshow={"slide_type": "notes"}
# 3 min. The two failures are the two parts of the course. Say both slowly: learn the step, learn the start.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Do more pictures help?
#
# They do, slowly. Ordinary training asks for examples, because examples are all it has to learn from. Count how many it needs.

# %%
def from_scratch(split, tasks, seed, shots, rate=0.3, steps=25):
    """Accuracy [tasks] of networks trained from a random start on each support set."""
    theta = net.init(torch.Generator().manual_seed(seed))
    batches = draw(split, tasks, seed, shots=shots, queries=5)
    seen = step_accuracy(net, theta, batches, sgd(rate), steps, last=True,
                         progress=f"{shots} shots")
    return seen["support"][:, -1]


few = max(20, TASKS // 10)
shots_shown = [1, 2, 5, 10]
scratch, nearest = {}, {}
for shots in shots_shown:
    scratch[shots] = over_tasks(from_scratch(test, few, 5, shots)).scaled(100)
    nearest[shots] = floor_on(draw(test, 200, seed=5, shots=shots, queries=5))

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "fragment"}
fig, ax = plt.subplots(figsize=(8, 3.8))
for seen, look, name in (
    (scratch, style.method("baseline"), "network from\na random start"),
    (nearest, style.method("metric"), "nearest\nneighbour"),
):
    line, = ax.plot(shots_shown, [seen[k].mean for k in shots_shown], **look)
    halves = [seen[k].half_width for k in shots_shown]
    ax.errorbar(shots_shown, [seen[k].mean for k in shots_shown], halves, fmt="none",
                ecolor=look["color"], capsize=4)
    style.label_line(ax, line, name)
ax.set(xscale="log", xticks=shots_shown, xticklabels=shots_shown,
       xlabel="examples of each class (shots)", xlim=(0.9, 22),
       ylabel="right answers, %", ylim=(0, 100))
ax.minorticks_off()
ax.set_title("Without experience, examples are all that helps")
show(fig, alt=(
    "Accuracy against shots, one to ten: the network from a random start and the "
    "nearest neighbour rise slowly with more examples."
))

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. More examples do help. People need one, and they have no better gradient descent.

# %% [markdown]
# People need one. They are no better at gradient descent; they have seen *other characters*.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What is experience worth?
#
# The simplest way to bring experience along is older than meta-learning. Train an ordinary classifier on all training characters, one
# class each. Throw its head away, keep the body, and *fine-tune* on the five pictures of a new task. This is called **transfer**.

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

# %% [markdown]
# **Predict.** The nearest neighbour on pixels is right in about 44 % of all cases. Where will fine-tuning land, with the same five
# pictures?
#
# - ( ) near 50 %: five pictures are five pictures
# - ( ) near 65 %
# - ( ) near 80 %
# - ( ) near 95 %: it has seen 4400 characters
#
# <details><summary><b>Explain.</b> Where does it land?</summary>
#
# Near 80 %. The five pictures are the same. The start has changed.
#
# </details>

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
    "from a random start": curve_of(anywhere, 0.3, tests, label="random start"),
    "fine-tuned": curve_of(body, 0.3, tests, zero, label="fine-tuned"),
    "fine-tuned, head only": curve_of(body, 0.3, tests, zero, head, label="head only"),
}
pixels_here = floor_on(tests)
for name, points in curves.items():
    record(f"transfer.{name}", points[-1], unit="%", seeds=SEEDS[:1],
           seconds=run.seconds, tasks=TASKS,
           note="10 steps, rate 0.3, 15 queries a class, batch norm by the support set")
record("nearest neighbour", pixels_here, unit="%", seeds=[],
       note="squared distance of pixels")
if len(runs) > 1:
    ends = [curve_of(each, 0.3, tests, zero, label="every seed")[-1].mean
            for each, _ in runs]
    record("transfer.fine-tuned.seeds", over_seeds(ends), unit="%", seeds=SEEDS,
           seconds=run.seconds, tasks=TASKS,
           note=f"mean of {len(runs)} training runs, interval over them")

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "fragment"}
fig, ax = plt.subplots(figsize=(8, 4))
looks = {
    "from a random start": ("from\na random start", style.method("baseline"), 16),
    "fine-tuned": ("start from\nother characters",
                   style.method("maml") | {"color": style.color("reptile")}, 0),
}
for name, (said, look, up) in looks.items():
    points = curves[name]
    means = torch.tensor([p.mean for p in points])
    wide = torch.tensor([p.half_width for p in points])
    line, = ax.plot(means, **look)
    ax.fill_between(range(11), means - wide, means + wide, color=look["color"],
                    alpha=0.18, linewidth=0)
    style.label_line(ax, line, said, dy=up)
ax.axhline(pixels_here.mean, color="black", linewidth=1)
ax.annotate("nearest neighbour", (13.5, pixels_here.mean), xytext=(0, -14),
            textcoords="offset points", ha="right")
ax.set(xlabel="steps on the five pictures", ylabel="right answers, %", ylim=(0, 100),
       xlim=(0, 13.5), xticks=range(0, 11, 2))
ax.set_title("The same five pictures, another start")
show(fig, alt=(
    "Accuracy over ten steps: from a random start it stays near the nearest neighbour, "
    "from other characters it rises far above."
))

# %% tags=["nbval-ignore-output"]
# not compared: trained networks' accuracies differ in the last digit between processors
print(f"{'right answers, %, 5-way 1-shot':34} after 10 steps")
print(f"{'nearest neighbour on pixels':34} {pixels_here!s:>14}")
for name, points in curves.items():
    print(f"{name:34} {points[-1]!s:>14}")

# %%
gain = curves["fine-tuned"][-1].mean - curves["from a random start"][-1].mean
same = abs(curves["fine-tuned"][-1].mean - curves["fine-tuned, head only"][-1].mean)
print("fine-tuning gains more than 15 points over a random start:", gain > 15)
print("adapting the head alone is within 3 points of adapting everything:", same < 3)

# %% slideshow={"slide_type": "fragment", "code": false}
seeds = recorded("01", "lecture").get("transfer.fine-tuned.seeds")
if seeds:
    interval = f"{seeds['value']:.1f} ± {seeds['interval']:.1f} %"
    print(f"fine-tuned, as recorded: {interval}, {seeds['note']}")

# %% [markdown] slideshow={"slide_type": "notes"}
# 4 min. The same five pictures, another start. Then the honest part: this is no meta-learning yet, and every method has to beat it.

# %% [markdown]
# Transfer is a strong baseline. Every method of this course has to beat *it*, not only the random start. And notice what nobody asked
# for during that training: that the body be easy to **adapt**. It was asked to tell 4400 characters apart. The next idea is to ask for
# what is wanted: *train so that five pictures are enough.* That is a loss over tasks.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Three families
#
# | family | what carries the experience | what happens on a new task | in this course |
# |---|---|---|---|
# | **recurrent** | the weights of a network that reads the support set in order | its state changes | the step as an LSTM: [03](03_gradient_descent_is_an_lstm_cell.ipynb) to 05; memory: 19 |
# | **optimisation** | a start, step sizes, a loss | a few gradient steps | 06 to 16, [Omniglot MAML: 09](09_omniglot_maml.ipynb) |
# | **metric** | a space in which like lies near like | nothing but a comparison | 18; and 20 compares all three |
#
# The nearest neighbour on pixels is the metric family without experience. Training from a random start is the optimisation family
# without experience. Each family replaces one thing that was random or fixed by hand with something learned.

# %% [markdown] slideshow={"slide_type": "notes"}
# 3 min. Place the two lines of the lesson in the table: nearest neighbour is the metric family without experience, the random start is the second one without.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## How many test tasks does a claim need?
#
# An accuracy is a mean over tasks. If every query were an independent coin, right with probability $p$, the 95 % interval of $n$ tasks with
# $Q$ queries each would reach
#
# $$\pm\, 1.96\, \sqrt{\frac{p\,(1-p)}{Q\, n}}$$
#
# to each side. Aloud: *the spread of one answer, over the root of how many answers.* Look at published intervals beside it:

# %% slideshow={"slide_type": "fragment", "code": false}
for name in ("omniglot.5way1shot", "omniglot.5way5shot", "omniglot.20way1shot",
             "miniimagenet.5way1shot", "miniimagenet.5way5shot"):
    paper = published(f"maml.{name}")
    ways = int(name.split(".")[1].split("way")[0])
    queries = ways * paper["queries_per_class"]
    counted = 100 * floor_of(paper["value"] / 100, queries, paper["tasks"])
    print(f"MAML, {name:24} {paper['value']:5.1f} ± {paper['interval']:.2f} published, "
          f"± {counted:.2f} by counting   ({paper['source']})")

# %% [markdown] slideshow={"slide_type": "notes"}
# 3 min. Compare two columns: published and counted. Where they agree, the interval has measured counting.

# %% [markdown]
# With one or five queries a class, the published width *is* the counting error. It says nothing about how MAML varies from task to task.
# The remedy is cheap: more queries. But not without end, because tasks differ in difficulty. Measure it on the nearest neighbour:

# %%
widths = {}
for queries in (1, 15):
    batches = draw(test, 1000, seed=8, queries=queries)
    each = torch.cat([neighbours_right(batch) for batch in batches])
    widths[queries] = [over_tasks(each[:n]).scaled(100)
                       for n in (50, 100, 200, 400, 1000)]
    whole = widths[queries][-1]
    counted = 100 * floor_of(whole.mean / 100, 5 * queries, 1000)
    print(f"{queries:2} queries a class, 1000 tasks: ± {whole.half_width:.1f}; "
          f"by counting ± {counted:.1f}")

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "slide"}
fig, ax = plt.subplots(figsize=(8, 3.8))
counts = [50, 100, 200, 400, 1000]
for queries, look in ((1, style.method("warning")), (15, style.method("maml"))):
    line, = ax.plot(counts, [w.half_width for w in widths[queries]], **look, marker="o")
    rate = widths[queries][-1].mean / 100
    floor = [100 * floor_of(rate, 5 * queries, n) for n in counts]
    ax.plot(counts, floor, color=look["color"], linewidth=1.5, linestyle=":")
    style.label_line(ax, line,
                     f"{queries} quer{'y' if queries == 1 else 'ies'} a class")
ax.set(xscale="log", yscale="log", xticks=counts, xticklabels=counts,
       xlabel="test tasks", xlim=(45, 2600))
ax.set(ylabel="half width, points (log)", yticks=[0.5, 1, 2, 5],
       yticklabels=["0.5", "1", "2", "5"])
ax.minorticks_off()
ax.set_title("Queries help until the tasks themselves differ")
show(fig, alt=(
    "Half width of the interval against the number of tasks, for 1 and 15 queries a "
    "class. Dotted: counting alone, far lower for 15."
))

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. One query a class: counting. Fifteen: the tasks themselves differ, and only more tasks help.

# %% [markdown]
# With one query a class the width is what counting gives (a little less, because five characters of unlike difficulty are steadier than
# five tosses of one coin). With fifteen it lies well above its dotted line: what is left is that *tasks* differ, and only more tasks help
# against that. This course tests with 15 queries a class and says how many tasks it used.
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
# **Predict.** With 5 shots of 20 drawings, dealt apart, the nearest neighbour is right in 63 % of all cases. What does it seem to
# score when queries and support are drawn each on its own?
#
# - ( ) about 65 %
# - ( ) about 72 %
# - ( ) about 88 %
# - ( ) 100 %
#
# <details><summary><b>Explain.</b> How much is it worth to cheat?</summary>
#
# About 72 %. A query is any of 20 drawings, and five of them are in the support set: one query in four leaks, and those are all answered
# right. The other three quarters stay at 63 %, and $\tfrac14 \cdot 100 + \tfrac34 \cdot 63 \approx 72$.
#
# </details>

# %% slideshow={"slide_type": "fragment", "code": false}
def careless(split, tasks, ways, shots, queries, generator):
    """Support and query drawn independently: the bug."""
    first = split.sample(tasks, ways, shots, queries, generator=generator)
    pictures = torch.cat([first.support_x, first.query_x], dim=1)  # all that were dealt
    labels = torch.cat([first.support_y, first.query_y], dim=1)
    order = torch.rand(tasks, pictures.shape[1], generator=generator).argsort(1)
    again = order[:, : ways * queries]
    each_pixel = again[..., None, None, None].expand(-1, -1, *pictures.shape[2:])
    x, y = pictures.gather(1, each_pixel), labels.gather(1, again)
    return Episode(first.support_x, first.support_y, x, y)


def leaks(episode):
    """Detector: the share of queries that are, pixel by pixel, in their support set."""
    support = episode.support_x.flatten(2).double()
    query = episode.query_x.flatten(2).double()
    nearest = torch.cdist(query, support).amin(2)
    return (nearest < 1e-6).double().mean().item()


honest = test.sample(100, 5, 5, 15, generator=torch.Generator().manual_seed(9))
wrong = careless(test, 100, 5, 5, 15, torch.Generator().manual_seed(9))
for name, each in (("dealt apart", honest), ("each on its own", wrong)):
    print(f"{name:16} nearest neighbour {100 * neighbours_right(each).mean():.0f} %, "
          f"queries that leak {100 * leaks(each):.0f} %")

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Nothing crashes and the number is better. Ask how they would find it. The detector is one line.

# %% [markdown]
# The second line is not a better learner. Run the detector on any data loader before you believe its numbers.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What you learned
#
# - A task is a small learning problem, with a support set and a query set. In meta-learning it is the unit of data.
# - The floor is the nearest neighbour on pixels. It is lower within one alphabet.
# - From a random start a network fits five pictures perfectly, and ten starts give ten different answers.
# - A start that knows other characters is worth more than any number of steps. Transfer is a strong baseline.
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
# <details><summary>3. Paper A reports 95.2 ± 0.4 and paper B 95.6 ± 0.4, each with one query a class on 600 tasks. Which is better?</summary>
#
# Nobody can tell. Half a point is within what counting alone gives, and the intervals do not even contain the spread over training runs.
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
