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
# # 17 Contrastive learning is meta-learning
#
# So far somebody had labelled every picture. Now nobody has. You make tasks out of bare pictures, train on them, and test the network on
# characters it has never seen. Then you find out what taught it.
#
# **You will be able to**
#
# - write NT-Xent, the loss of SimCLR, and take it apart into a loss of few-shot learning and one more term,
# - make tasks out of pictures without a label, and train on them with the loop you know,
# - measure which kind of view carries the result, and tell a useless one before you train,
# - say why a low training loss can mean that nothing was learned,
# - say what keeps a network from falling together that only pulls views to each other.
#
# **Prerequisites:** [lesson 09](09_omniglot_maml.ipynb) for Omniglot and batch norm's modes, and
# [lesson 16](16_fewer_tasks.ipynb) for prototypes and for shifted and bent pictures.
#
# **Time:** 30 minutes of reading, and 40 minutes for the exercises.
#
# **What it costs to run:** *smoke* takes under 60 s on two cores. *lecture* takes under 3 minutes on two cores.
# *paper* trains for 1000 passes over the pictures, 1024 in a batch, as the paper does: that takes hours on a GPU.

# %% [markdown] slideshow={"slide_type": "notes"}
# 1 min. Ask who has ever paid for labels. Then ask what a network could learn from a box of pictures that nobody has looked at.

# %% tags=["parameters"]
PROFILE = "smoke"  # "smoke", "lecture" or "paper": the same cells, three budgets
SEEDS = [0]

# %% tags=["setup"]
import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F

from mlteach.exercises import check, find, yours
from mlteach.explore import TwoViews, style
from mlteach.explore.figure import show
from mlteach.fit import fit
from mlteach.measure import compare, over_tasks
from mlteach.measure.ledger import record, recorded
from mlteach.measure.neighbour import SIGMA, blurred, centred
from mlteach.metric import prototype_accuracy
from mlteach.metric.contrastive import byol_loss, contrastive_gradient
from mlteach.metric.contrastive import matching_loss, prototype_view_loss
from mlteach.metric.contrastive import same_view_surplus, symmetric_matching_loss, unit
from mlteach.nets import Conv4
from mlteach.params import gradient_of, leaves
from mlteach.tasks import Characters
from mlteach.tasks.interpolation import by_class
from mlteach.tasks.views import View, two_views

style.use()
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A task that nobody labelled
#
# Take a picture. You do not know what it shows. But you know this: shifted a little and bent a little, it still shows *the same*. So make
# two such *views* of it. One is the support picture of a class, the other is its query.

# %%
characters = Characters.load().to(DEVICE)
train, validation, test = characters.split("random", rotations="train")
VIEW = View(shift=3, bend=1.5)
few = two_views(train.images, 6, VIEW, generator=torch.Generator().manual_seed(4))
print("pictures:", train.images.flatten(0, 1).shape[0], " labels used: none")

# %% tags=["opening"] jupyter={"source_hidden": true} slideshow={"slide_type": "fragment"}
fig, axes = plt.subplots(2, 6, figsize=(9, 3.3))
for line, pictures, said in zip(axes, (few.support_x, few.query_x),
                                ("support", "query")):
    for k, (ax, picture) in enumerate(zip(line, pictures[0, :, 0].cpu())):
        ax.imshow(picture)
        ax.set(xticks=[], yticks=[])
        if k == 0:
            ax.set_ylabel(said)
        if said == "support":
            ax.set_title(f"class {k}", loc="center", fontsize=12)
show(fig, alt="Six pictures of characters in two rows. Each column shows one picture "
     "twice, shifted and bent in two different ways: above as the support picture of "
     "a class, below as its query.")

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Every column is one picture, twice. The label of a column is its number in the batch. Ask: what if two columns show the same character? (Nobody knows, and the loss pushes them apart. How often that happens is counted further down.)

# %% [markdown]
# Six pictures are a 6-way 1-shot task with one query a class. Sixty-four are a 64-way task. The labels 0 to 63 are dealt by nobody: they
# are places in the batch. A network that solves such tasks has learned to see what stays when a picture is shifted and bent. Whether this
# is also what stays when *another hand* draws the character is the question of this lesson.
#
# ## The loss of a batch
#
# The network turns view 1 of picture $n$ into a row $a_n$ and view 2 into $b_n$, both divided by their length. Their product is then the cosine of
# the angle between them. Divided by a *temperature* $\tau$ it is a logit, and the right class of query $n$ is support picture $n$:
#
# $$\text{matching}(a, b) \;=\; \frac1N \sum_n -\log \frac{\exp(b_n \cdot a_n / \tau)}{\sum_m \exp(b_n \cdot a_m / \tau)}$$
#
# Aloud: *each query is asked which of the N support pictures is its partner.* That is the loss of a matching network at one shot. (Vinyals and
# others' *matching network* has it in 2016; [lesson 18](18_learning_a_metric.ipynb) has more of it.) The letter $\tau$ is that of the papers.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A batch is a task
#
# Rows of length one: $a_n$ of view 1 (support), $b_n$ of view 2 (query). Cosines over a temperature are logits.
#
# $$\text{matching}(a, b) \;=\; \frac1N \sum_n -\log \frac{\exp(b_n \cdot a_n / \tau)}{\sum_m \exp(b_n \cdot a_m / \tau)}$$
#
# **NT-Xent** puts all $2N$ views $z = (a, b)$ into one bag. Each looks for its partner $p$ among *all other* views:
#
# $$\text{NT-Xent} \;=\; \frac1{2N} \sum_i -\log \frac{\exp(z_i \cdot z_{p(i)} / \tau)}{\sum_{j \neq i} \exp(z_i \cdot z_j / \tau)}$$

# %% [markdown] slideshow={"slide_type": "notes"}
# 3 min. Draw the 2N by 2N matrix on the board, four blocks. Cross out the diagonal. Ask where the partners stand: on the diagonals of the two outer blocks. The matching loss sees one outer block alone.

# %% [markdown]
# SimCLR (2020) calls its loss *NT-Xent*: normalised, temperature-scaled cross entropy. It is the
# second formula. **Your turn.** Write it. `a` and `b` are [N, d], not yet at length one.
#
# <details><summary>Hint 1</summary>One matrix: put both sides into 2 N rows and compare every row with every other. Then it is a classification with 2 N classes.</details>
# <details><summary>Hint 2</summary><code>both = F.normalize(torch.cat([a, b]), dim=-1)</code> are rows of length one; <code>both @ both.T / temperature</code> are the logits.</details>
# <details><summary>Hint 3</summary><code>masked_fill</code> with <code>torch.eye(2 * n, dtype=torch.bool)</code> puts -inf on the diagonal. The right class of row n is n + N in the first half and n - N in the second: <code>F.cross_entropy</code> does the rest.</details>

# %% tags=["exercise"]
def nt_xent(a, b, temperature):
    """Each of the 2 N views asked for its partner among all others: a mean loss."""
    ### BEGIN SOLUTION
    n = len(a)
    both = F.normalize(torch.cat([a, b]), dim=-1)
    similar = both @ both.T / temperature
    itself = torch.eye(2 * n, dtype=torch.bool, device=a.device)
    partner = torch.arange(2 * n, device=a.device).roll(n)
    return F.cross_entropy(similar.masked_fill(itself, -torch.inf), partner)
    ### END SOLUTION


# %%
check("17.1", nt_xent)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## How far apart are the two losses?
#
# **Predict.** On the same rows: matching, averaged over both directions ($b$ asks among $a$, then $a$ among $b$), and NT-Xent, which also asks among
# the views of its own side. How do they compare?
#
# - ( ) NT-Xent is larger, always.
# - ( ) They are equal: the own side holds no partner, so it changes nothing.
# - ( ) NT-Xent is smaller: it averages over twice as many views.
#
# <details><summary>After you have guessed</summary>
#
# NT-Xent is larger, always. Below the line stand the same terms and those of the own side. Call the sum over the other side $C$ and over the own side
# $S$: then $-\log\frac{p}{C + S} = -\log\frac{p}{C} + \log(1 + S/C)$. So NT-Xent is the symmetric matching loss, plus the mean of $\log(1 + S/C)$. Where strangers look
# alike on both sides, that term is near $\log 2$.
#
# </details>

# %% [markdown] slideshow={"slide_type": "notes"}
# 3 min. Split the fraction on the board: two lines. Nothing is approximated. The next output shows it to rounding.

# %% slideshow={"slide_type": "fragment", "code": false}
nt_loss = yours("17.1", nt_xent, otherwise=find("17.1").solution)
draw = torch.Generator().manual_seed(0)
a, other = (torch.randn(64, 32, generator=draw, dtype=torch.float64) for _ in range(2))
b, tau = a + 0.7 * other, 0.2
compare("NT-Xent", nt_loss(a, b, tau), "matching both ways + mean log(1 + S/C)",
        symmetric_matching_loss(a, b, temperature=tau)
        + same_view_surplus(a, b, temperature=tau), to=1e-10)
compare("prototypes on unit rows, distance over 2 tau",
        prototype_view_loss(a, b, temperature=tau), "matching",
        matching_loss(a, b, temperature=tau), to=1e-10)
print(f"the second term: {same_view_surplus(a, b, temperature=tau):.2f}, "
      f"log 2 = {torch.tensor(2.0).log():.2f}")

# %% [markdown]
# The second line is the prototypical network of [lesson 16](16_fewer_tasks.ipynb). Its logit is minus a squared distance, and between rows of length one
# $-\lVert b - a\rVert^2 / (2\tau) = b \cdot a / \tau - 1/\tau$. The last term is the same for all classes, and softmax forgets it. So these are three names for
# nearly one thing. What differs between the fields is where the pairs come from: two drawings that somebody gave one label, or two views of one picture.
#
# ## In what sense is this meta-learning?
#
# Go through the parts of lesson 06. There is a *distribution of tasks*: draw 64 pictures, make two views of each. There is a *support set* and a *query set*. There is an
# *outer loop* that moves $\theta$ by the query loss, task after task, and no task comes twice. And at test there are *new tasks*, of classes that were in no training task. What there is not
# is an inner loop: as with prototypes, a class is learned by storing its row.
#
# One thing is new, and it is a risk. In all lessons so far, training tasks and test tasks came from one distribution: other characters, but dealt in the same way. Here they do
# not. In training a query is *the same picture*, changed by a program. At test it is *another drawing*, by another hand. The network is good at the test only as far as the program's
# changes are like those of hands. So the views are not a detail of the method. They are the task distribution.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Three names for nearly one loss
#
# | | a field calls it | is |
# |---|---|---|
# | matching loss | few-shot learning, 2016 | $-\log$ of the partner's share among the other side |
# | prototypes, rows of length one | few-shot learning, 2017 | the same, with $2\tau$ |
# | NT-Xent | contrastive learning, 2020 | both directions, and $\log(1 + S/C)$ |
#
# What differs is where the pairs come from: **two drawings with one label, or two views of one picture.**

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. So if the loss is the same, one thing is left to compare: the pairs. That is the experiment of this lesson.

# %% [markdown]
# Where do all these terms stand? In one matrix. Put the $2N$ rows under each other and multiply each with each. On the diagonal a view meets itself: crossed out. The two
# blocks off the diagonal hold *view against other view*, and on *their* diagonals stand the partners. The matching loss reads one of them by rows. NT-Xent reads all
# but what is crossed out. Here it is for eight pictures, seen by the pixels and by a network that nobody has trained:

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "slide"}
eight = two_views(train.images, 8, VIEW, generator=torch.Generator().manual_seed(11))
both = torch.cat([eight.support_x[0], eight.query_x[0]]).cpu()
fresh = Conv4(5, 32, head="flatten")
seen_by = {"pixels": both.flatten(1), "an untrained network": fresh.features_of(
    fresh.init(torch.Generator().manual_seed(0)), both)}
fig, axes = plt.subplots(1, 2, figsize=(9.5, 4.2))
for ax, (said, rows) in zip(axes, seen_by.items()):
    similar = (unit(rows) @ unit(rows).T).fill_diagonal_(torch.nan)
    picture = ax.imshow(similar, vmin=0, vmax=1, cmap="cividis")
    for line in (ax.axhline, ax.axvline):
        line(7.5, color="white", linewidth=2)
    places = [*range(8), *range(8)]
    ax.plot(range(16), [*range(8, 16), *range(8)], "s", markersize=15, fillstyle="none",
            color="white")
    ax.set(xticks=range(16), yticks=range(16), xticklabels=places, yticklabels=places,
           title=said)
    ax.tick_params(labelsize=10)
fig.colorbar(picture, ax=axes, label="cosine", shrink=0.8)
show(fig, alt="Two matrices of cosines, sixteen by sixteen, in four blocks: view 1 and "
     "view 2 of eight pictures. Squares mark the partners on the diagonals of the two "
     "outer blocks. For pixels and for the untrained network alike, most partners are "
     "no lighter than strangers.")

# %% [markdown] slideshow={"slide_type": "notes"}
# 3 min. Find the four blocks, then the crossed-out diagonal, then the squares: the partners. Ask which block the matching loss reads. What should this picture look like after training? (Light in the squares, dark in all else.) The explorer below shows one of the blocks.

# %% [markdown]
# ## Train, without a label and with
#
# The gradient of your loss, and the loop of the course. A batch is one episode of 64 classes. *Without a label* it is 64 pictures in two views.
# *With* labels it is two drawings each of 64 characters, dealt by `sample` as always. Nothing else differs: network, loss, 128 pictures in
# a batch, rate, steps.

# %%
STEPS, PICTURES, TEMPERATURE, TESTS = {
    "smoke": (40, 64, 0.05, 50), "lecture": (600, 64, 0.05, 200),
    "paper": (86_000, 1024, 0.5, 600)}[PROFILE]
net = Conv4(5, 32, head="flatten")


def gradient(theta, episode):
    """The gradient of NT-Xent on one batch; labels are not looked at."""
    point = leaves(theta)
    both = torch.cat([episode.support_x[0], episode.query_x[0]])
    a, b = net.features_of(point, both).chunk(2)
    loss = nt_loss(a, b, TEMPERATURE)
    return gradient_of(loss, point), {"loss": loss.detach()}


def unlabelled(generator):
    return two_views(train.images, PICTURES, VIEW, generator=generator)


def labelled(generator):
    return by_class(train.sample(1, PICTURES, 1, 1, generator=generator))


# %%
theta = net.init(torch.Generator().manual_seed(0), torch.float64)
theta = {name: theta[name] for name in net.body_names}
tried = two_views(validation.images.cpu(), 8, VIEW, dtype=torch.float64,
                  generator=torch.Generator().manual_seed(1))


def packaged(a, b):  # over the axis of tasks, which has one entry here
    return torch.stack([nt_loss(*rows, TEMPERATURE) for rows in zip(a, b)])


compare("yours", gradient(theta, tried)[0], "the package's gradient",
        contrastive_gradient(net.features_of, theta, tried, loss=packaged)[0], to=1e-10)

# %% slideshow={"slide_type": "slide"}
draw = torch.Generator().manual_seed(2)
tests = [test.sample(50, 5, 1, 15, generator=draw) for _ in range(0, TESTS, 50)]


def start():
    theta = net.init(torch.Generator().manual_seed(SEEDS[0]))
    return {name: theta[name].to(DEVICE) for name in net.body_names}


def trained(sample, label):
    generator = torch.Generator().manual_seed(SEEDS[0])
    return fit(gradient, start(), sample, steps=STEPS, generator=generator, lr=5e-3,
               schedule="cosine", progress=label)


runs = {"views": trained(unlabelled, "views"), "labels": trained(labelled, "labels")}

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. It trains while you talk. Read the two samplers aloud: that is the whole difference. The test is that of lesson 09: new characters, five ways, one drawing each; a query belongs to the support row with the largest cosine.

# %% [markdown]
# The test has labels, of course: five new characters, one support drawing each, as in lesson 09. A query belongs to the support picture with
# the largest cosine. Beside both networks stand two that have learned nothing: the untrained network, and the pixels themselves.

# %% tags=["nbval-ignore-output"] slideshow={"slide_type": "slide", "code": false}
# not compared: accuracies of networks trained a moment ago, which differ in the last
# digit from processor to processor
def by_cosine(params, x, *mode, **more):
    return unit(net.features_of(params, x, *mode, **more))


def pixels(params, x, *mode, **more):
    return unit(x.flatten(2))


def middle(episode):
    return episode._replace(support_x=centred(episode.support_x),
                            query_x=centred(episode.query_x))


def prepared(episode):
    episode = middle(episode)
    return episode._replace(support_x=blurred(episode.support_x, SIGMA),
                            query_x=blurred(episode.query_x, SIGMA))


print(f"5-way 1-shot, {STEPS} steps, %          transductive      support")
for said, rows, theta, asked in (
        ("pixels", pixels, start(), tests),
        ("pixels, each drawing centred", pixels, start(), map(middle, tests)),
        ("pixels, centred and blurred", pixels, start(), map(prepared, tests)),
        ("untrained network", by_cosine, start(), tests),
        ("views, no label", by_cosine, runs["views"].theta, tests),
        ("labels", by_cosine, runs["labels"].theta, tests)):
    scores = prototype_accuracy(rows, theta, asked)
    each = {mode: over_tasks(values).scaled(100) for mode, values in scores.items()}
    print(f"{said:32} {each['transductive']:>12}  {each['support']:>11}")
    if said.startswith(("views", "labels")):
        for mode, value in each.items():
            record(f"live.{said.partition(',')[0]}.{mode}", value, unit="%",
                   seeds=SEEDS[:1], note=f"{STEPS} outer steps")

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Compare the first three lines: where a hand puts the character on the sheet already costs the pixels many points, and a blur gives more. The third is lesson 01's floor. Keep that in mind for the question which view matters.

# %% [markdown]
# (In the *smoke* profile both networks are hardly trained.) Three lines to keep in mind are those of the pixels. Centring each drawing on its ink
# learns nothing, and gains many points: two hands differ, among other things, in *where* they draw. A blur gains more still. That third line is
# the floor of [lesson 01](01_a_task_is_a_data_point.ipynb), but for the cosine in place of the distance: what a network has to pass before it has
# learned something.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What do labels buy?
#
# **Predict.** Both train for fifteen seconds of one core, three seeds each, and are tested on lesson 09's 1000 tasks. How far is the
# network without labels behind?
#
# - ( ) A few points: most of what labels teach is also in the views.
# - ( ) Thirty points: without a label it learns to know pictures, not characters.
# - ( ) It is ahead: there are twenty times as many classes.
#
# <details><summary>After you have guessed</summary>
#
# A few points: most of what labels teach is also in the views. The intervals below say how many. Judge it from
# the floor up, the third line of that table, and not from the pixels as drawn.
#
# </details>

# %% [markdown] slideshow={"slide_type": "notes"}
# 1 min. Vote, and let two of them give a reason.

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "slide"}
equal = recorded("17", "equal")
if not equal:
    print("Not recorded here. Measure it with: python -m studies.lesson17_views equal")
arms = {"NT-Xent, views": "metric", "matching, views": "metric",
        "matching, labels": "maml", "matching, labels and views": "maml"}
marks = dict(zip(arms, "osoD"))
fig, axes = plt.subplots(1, 2, figsize=(12, 3.6), width_ratios=[1, 1.1])
for place, (name, hue) in enumerate(arms.items()):
    end = equal.get(f"{name}.transductive")
    if not end:
        continue
    axes[0].errorbar(end["value"], place, xerr=end["interval"], fmt=marks[name],
                     capsize=4, color=style.color(hue))
    looks = [equal[f"{name}.curve.{k}"] for k in range(9)
             if f"{name}.curve.{k}" in equal]
    took = equal[f"{name}.seconds"]["value"]
    times = [took * (k + 1) / len(looks) for k in range(len(looks))]
    axes[1].plot(times, [each["value"] for each in looks], marker=marks[name],
                 color=style.color(hue), label=name,
                 linestyle="--" if place % 2 else "-")
axes[0].set(yticks=range(len(arms)), yticklabels=list(arms), ylim=(3.6, -0.6),
            xlabel="right answers, %; 1000 tasks, three seeds")
axes[0].grid(axis="y", alpha=0.3)
axes[1].set(xlabel="seconds of one core", ylabel="right answers, %; 50 tasks")
if equal:
    axes[1].legend(frameon=False, loc="lower right")
show(fig, alt="Left, accuracies with intervals over three seeds: NT-Xent and matching "
     "on views are level and a few points below matching on labels. Right, the same "
     "four against seconds of one core: all rise fast and flatten.")

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Read the axes aloud first. Left is the end, 1000 tasks; right is the way there, on 50 tasks. The third row against the second: only the pairs differ.

# %% jupyter={"source_hidden": true}
for name in arms if equal else ():
    end, alone, steps, took = (equal[f"{name}.{key}"] for key in
                               ("transductive", "support", "steps", "seconds"))
    print(f"{name:28} {end['value']:.1f} ± {end['interval']:.1f} %   "
          f"support {alone['value']:.1f} ± {alone['interval']:.1f} %   "
          f"{steps['value']:.0f} steps in {took['value']:.0f} s")
floor = recorded("01", "floor").get("test.5way1shot.centred and blurred")
if floor:
    print(f"{'floor: pixels, prepared':28} {floor['value']:.1f} ± "
          f"{floor['interval']:.1f} % over {floor['tasks']} tasks")

# %% [markdown]
# The two losses on views are level: the own side's strangers change little here. Between the second row and the third only the pairs differ, so their distance is what a drawing
# by *another hand* says and no view of ours does. The fourth row is the control: labels *and* views, in case the views alone had made a difference. It is as far ahead of the second.
#
# ## Strangers that are none
#
# The batch calls two pictures strangers because they have two numbers. Nobody has looked whether both show the same character. How often does it happen? You can count, because here the labels exist,
# only unused. Beside it the same for a training set of ten characters.

# %%
def pairs_of_one_class(classes, drawings, batches=200):
    """How many pairs in a batch of 64 pictures show the same character: the mean."""
    draw = torch.Generator().manual_seed(3)
    found = []
    for _ in range(batches):
        chosen = torch.randperm(classes * drawings, generator=draw)[:64] // drawings
        found.append((chosen[:, None] == chosen).triu(1).sum())
    return torch.stack(found).double().mean()


for classes in (len(train), 10):
    pairs = pairs_of_one_class(classes, 20)
    print(f"{classes:5} characters of 20 drawings: {pairs:6.1f} of {64 * 63 // 2} "
          "pairs in a batch show the same character")

# %% [markdown]
# With thousands of classes a false stranger is rare, and the loss may ignore it. With ten, a tenth of all pushes goes the wrong way. That is the price of not looking, and it grows with
# the batch and as classes become fewer. Labels know better; a method without strangers, further down, does not need to know.
#
# ## Two settings: the temperature and the number of strangers
#
# Two numbers of this loss belong to no other lesson. The temperature $\tau$ says how much the hardest stranger counts. At a large $\tau$ all strangers push alike. At a small
# one nearly all of the push comes from the one that is mistaken for the partner most. And the batch says how many strangers there are. Both were chosen on *validation* characters, before anything
# was tested, with eight seconds of one core and one seed each. So the table below is a choice, and no result over seeds; differences of a point or two say nothing.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Two settings
#
# $$\frac{\exp(b_n \cdot a_n / \tau)}{\sum_m \exp(b_n \cdot a_m / \tau)}$$
#
# - **Temperature** $\tau$: small, and the hardest stranger does nearly all the pushing; large, and all push alike.
# - **Pictures in a batch**: how many strangers. More of them cost more seconds a step.
#
# **Predict.** SimCLR uses $\tau = 0.5$ on photographs. The same eight seconds, validation characters: which of 0.05, 0.1, 0.2 and 0.5 is best here?
#
# - ( ) 0.05, and 0.5 is far behind.
# - ( ) 0.5, as in the paper.
# - ( ) It makes no difference: the order of the cosines is the same.
#
# <details><summary>After you have guessed</summary>
#
# 0.05, and 0.5 is far behind. The order of the cosines is the same *at test*, where the temperature does nothing. In training it decides which strangers push.
#
# </details>

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. The last choice is the tempting one: at test it is true. Let somebody say why it is false in training.

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "slide", "code": false}
choices = recorded("17", "choices")
if not choices:
    print("Not recorded here. Measure it with: "
          "python -m studies.lesson17_views choices")
said = {"as above": "temperature 0.1, 64 pictures, shift 3, bend 1.5"}
print("validation characters, eight seconds, one seed")
for name in dict.fromkeys(each.rpartition(".")[0] for each in choices):
    right, steps = (choices[f"{name}.{key}"]["value"] for key in
                    ("transductive", "steps"))
    print(f"{said.get(name, name):50} {right:3.0f} % right   {steps:5.0f} steps")

# %% [markdown] slideshow={"slide_type": "notes"}
# 1 min. One seed and validation characters: a choice, not a result. Only the temperature makes a difference that is larger than a point or two.

# %% [markdown]
# Read the columns together. With 32 pictures a batch there are more steps and fewer strangers, with 128 the other way round: at equal seconds neither is better than 64. And read the losses
# of these runs nowhere: a smaller temperature and a smaller batch both lower the loss by what they are. Which brings us to the views.
#
# ## Seven kinds of view
#
# A view says what does not matter. There are many things that might not: where the drawing stands, how it is bent, how large it is, how it is turned, how thick the
# pen was, whether a corner is covered.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Which view carries it?
#
# **Predict.** Seven networks train with one kind of view each, four seconds of one core. Which kind alone teaches most?
#
# - ( ) Shifting by up to three pixels.
# - ( ) Turning by up to 20 degrees: hands turn their sheets.
# - ( ) A thicker pen: pens differ from hand to hand.
# - ( ) None: it takes all of them together.
#
# <details><summary>After you have guessed</summary>
#
# Shifting by up to three pixels. Bending comes next, about a dozen points behind. With a thicker pen, a shear or a covered square the network stays where the pixels are, or below. All seven
# together stand below the shift alone: in four seconds a task as hard as that is hardly learned, and its training loss is still high.
#
# </details>

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Ask for reasons, not only for votes. Remind them of the two lines of pixels: as they are, and centred.

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "slide"}
alone = recorded("17", "alone")
if not alone:
    print("Not recorded here. Measure it with: python -m studies.lesson17_views alone")
kinds = ("cover", "thicken", "shear", "rotate", "scale", "all seven", "bend",
         "shift + bend", "shift", "thicken, centred", "shift, centred",
         "bend, centred")


def at(name, key):
    return alone[f"{name}.{key}"]


fig, ax = plt.subplots(figsize=(9, 4.6))
for place, name in enumerate(kinds):
    if alone:
        ax.errorbar(at(name, "transductive")["value"], place, capsize=4,
                    xerr=at(name, "transductive")["interval"],
                    fmt="s" if name.endswith("centred") else "o",
                    color=style.color("maml" if name.endswith("centred") else "metric"))
untouched, moved = (float(100 * prototype_accuracy(pixels, start(), asked)[
    "transductive"].mean()) for asked in (tests, map(middle, tests)))
for place, said in ((untouched, "pixels"), (moved, "centred"),
                    (floor["value"] if floor else None, "floor")):
    if place is not None:
        ax.axvline(place, **style.method("baseline"))
        ax.annotate(said, (place, 12.1), xytext=(4, 0), textcoords="offset points")
ax.set(yticks=range(len(kinds)), yticklabels=kinds, ylim=(-0.6, 12.9),
       xlabel="right answers on new characters, %; 200 tasks, three seeds")
ax.grid(axis="y", alpha=0.3)
show(fig, alt="Accuracies with intervals for nine kinds of views, and for three of "
     "them on centred drawings. Cover, thicken and shear stand near the line of the "
     "pixels, rotate and scale a little above it, all seven together and bend far "
     "above, shift and shift with bend higher still, about at the line of the floor. "
     "On centred drawings bend and shift stand highest of all, right of that line, and "
     "thicken below the line of centred pixels.")

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Read from the bottom: the dashed lines are pixels, which have learned nothing: as drawn, centred, and centred and blurred, the floor. Then the squares, the control: on centred drawings the place is gone. What does a shift still teach, and what a bend?

# %% [markdown]
# The views that help are those the pixels stumble over; those the pixels do not notice teach nothing. Is it the *place* of the drawing, then? The three rows of squares are the control: all drawings
# are centred, in training and at test, and pixels stand at the second dashed line before anything is learned. There a shift gains less than half of what it had gained over the pixels
# before, and a bend stands at least level with it. So much of what the shift taught was the place, and centring gives that for nothing. The rest is not: a thicker pen gains nothing with place out of the way, either.
#
# And look at the third line, the floor: centred and blurred pixels. After four seconds a shift has taught no more than that to a network that sees the drawings as they
# are, and a bend less. On centred drawings bend stands above it, and the interval of shift reaches down to it. After fifteen seconds, in the figure before, views were well above.
#
# Mind the budget. Four seconds are few, and harder tasks need more of them: all seven views together stand below the shift alone here, and their training loss is still high. Equal seconds are a choice, as in
# [lesson 16](16_fewer_tasks.ipynb).
#
# ## Try it
#
# Eight pictures, and another view of all eight. Drag view 2, turn it, bend it, and look at the matrix: a row is a query, and the largest cosine of the row is framed,
# solid where it is the partner and dashed where it is a stranger. It begins <span data-moves="TwoViews.right">2</span> pixels to the right. **Ask:** how
# far can you shift until the pixels lose all partners? And the network that was trained with a thicker pen?

# %% slideshow={"slide_type": "slide"}
views = TwoViews.recorded()
views

# %% [markdown] slideshow={"slide_type": "notes"}
# 3 min. Drag view 2 slowly. Seen by the network of shift and bend the diagonal stays. Then choose pixels, then the network of the thicker pen: two pixels are enough. Ask them to find a view that breaks the first network. (Turn it by 45 degrees.)

# %%
for eye in ("views", "thicken", "pixels"):
    views.eye = eye
    print(views.summary)
views.eye = "views"

# %% [markdown]
# Now suppose that you had no test. You try seven kinds of views and look at the training loss of each. It is all you have: you have no labels.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Pitfall: the training loss is a false friend
#
# **Predict.** You have no labels, so you look at the training loss. Which of the seven networks has the lowest?
#
# - ( ) The best one, with shifted views.
# - ( ) One of the worst, with the thicker pen.
# - ( ) All are alike: the loss is the same function.
#
# <details><summary>After you have guessed</summary>
#
# One of the worst, with the thicker pen. Its task is so easy that it needs no learning: pixels alone find the partner. A loss tells how well a task is solved. It does
# not tell whether the task was worth it.
#
# </details>

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Let them write the symptom down: loss near zero, partners found in the batch 100 %, and on new characters no better than pixels.

# %% [markdown]
# So you need a detector, and one that uses no label. If the pixels find the partner, there is nothing to learn. **Your turn.** Write the share of
# queries whose nearest support row is their partner, by cosine. It works for any rows, a network's or plain pixels.
#
# <details><summary>Hint 1</summary>It is the accuracy of a task with one shot: each row of b is a query, each row of a a class of its own.</details>
# <details><summary>Hint 2</summary><code>F.normalize(b, dim=-1) @ F.normalize(a, dim=-1).T</code> are the cosines, a row for each query; <code>argmax(-1)</code> says which support row is nearest.</details>
# <details><summary>Hint 3</summary>The partner of query n is support row n: compare with <code>torch.arange(len(a))</code> and take the mean of the yeses, as numbers.</details>

# %% tags=["exercise"]
def partners_found(a, b):
    """The share of rows of b whose nearest row of a, by cosine, is their partner."""
    ### BEGIN SOLUTION
    nearest = (F.normalize(b, dim=-1) @ F.normalize(a, dim=-1).T).argmax(-1)
    return (nearest == torch.arange(len(a), device=a.device)).double().mean()
    ### END SOLUTION


# %%
check("17.2", partners_found)

# %% [markdown]
# Ask it before anything is trained, of 64 pictures and ten batches of each kind:

# %%
found_by = yours("17.2", partners_found, otherwise=find("17.2").solution)
KINDS = {"shift": View(shift=3), "bend": View(bend=1.5), "scale": View(scale=0.25),
         "rotate": View(rotate=20), "shear": View(shear=0.3), "cover": View(cover=8),
         "thicken": View(thicken=0.5), "cover most": View(cover=20)}
easy = {}
for name, view in KINDS.items():
    batch = two_views(validation.images.cpu(), 64, view, tasks=10,
                      generator=torch.Generator().manual_seed(5))
    easy[name] = 100 * sum(float(found_by(a.flatten(1), b.flatten(1))) for a, b in
                           zip(batch.support_x, batch.query_x)) / 10
    print(f"{name:12} pixels find {easy[name]:3.0f} % of the partners")

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "slide"}
fig, axes = plt.subplots(1, 2, figsize=(11, 3.7), sharey=True)
for ax, key, said in ((axes[0], "loss", "training loss, nats"),
                      (axes[1], "pixels", "partners that pixels find, %")):
    for name in KINDS if alone else ():
        hue = "warning" if name == "cover most" else "metric"
        x, y = at(name, key)["value"], at(name, "transductive")["value"]
        ax.plot(x, y, "o", color=style.color(hue))
        dy = {"cover": 9, "thicken": -13}.get(name, -3)  # these lie on each other
        left = key == "pixels" and x > 90
        ax.annotate(name, (x, y), xytext=(-7 if left else 7, dy), fontsize=11,
                    textcoords="offset points", ha="right" if left else "left")
    ax.set(xlabel=said, ylim=(30, 100))
    ax.margins(x=0.18)
axes[0].set(ylabel="right answers, %", title="The loss")
axes[1].set_title("The detector")
show(fig, alt="Two scatter plots of eight kinds of views, accuracy on new characters "
     "upwards. Left against the training loss: the kinds with the lowest loss have "
     "the lowest accuracy. Right against the share of partners that pixels find: "
     "accuracy falls as the share rises, except for cover most, which has a low share "
     "and a low accuracy.")

# %% [markdown] slideshow={"slide_type": "notes"}
# 3 min. Left: low loss, low accuracy. Right: the detector, before training. Then the outlier in orange-red: a square of 20 pixels covered. Pixels do not find the partner, the loss is high, and little is learned either: too much is gone. The detector misses it.

# %%
ALARM, GOOD = 75, 70  # % of the partners found by pixels; % right that count as learned
alarms = {name: easy[name] > ALARM for name in KINDS}
learned = {name: at(name, "transductive")["value"] > GOOD for name in KINDS if alone}
if alone:
    wrong = [name for name in KINDS if alarms[name] and learned[name]]
    missed = [name for name in KINDS if not alarms[name] and not learned[name]]
    print(f"alarm for {sum(alarms.values())} of {len(KINDS)} kinds")
    print("false alarms:", ", ".join(wrong) or "none",
          "  misses:", ", ".join(missed) or "none")

# %% [markdown]
# The detector costs a second and no label, and it is no proof. It finds views that are too easy. It misses those that leave too little to see, such as a
# covered square of 20 pixels: pixels do not find the partner there, and the network learns little. For that side, look at the pictures. If *you* cannot tell which two belong
# together, the view is too strong.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What keeps it from falling together?
#
# NT-Xent pulls partners together and pushes strangers apart. **BYOL** (Grill and others, 2020) has no strangers. It only pulls:
#
# $$L \;=\; \frac1N \sum_n \bigl\lVert \text{predict}(a_n) - \text{hold}(b_n) \bigr\rVert^2, \qquad \text{both sides at length one}$$
#
# The lowest loss there is: give every picture the same row. Then all partners agree, and the network is blind. Three things stand in the way, and
# BYOL has all three:
#
# - a **predictor**, a small network on one side only,
# - a **target held still**: no gradient enters it,
# - a **slow target**: a second network that follows the first.

# %% [markdown] slideshow={"slide_type": "notes"}
# 3 min. Let them find the blind solution themselves: what is the lowest value of this loss, and which network reaches it? Then ask which of the three they would drop first.

# %% [markdown]
# **Your turn.** Write the loss for rows `predicted` [N, d] and `target` [N, d], neither at length one yet. The target is held still: it has its numbers, and no
# gradient enters it.
#
# <details><summary>Hint 1</summary>No other pictures, no softmax: row n of the prediction is to point where row n of the target points.</details>
# <details><summary>Hint 2</summary><code>target.detach()</code> has the same numbers and lets no gradient through.</details>
# <details><summary>Hint 3</summary>With rows at length one the squared distance is 2 - 2 cosine: <code>F.cosine_similarity(..., dim=-1)</code> gives a cosine for each row; take the mean.</details>

# %% tags=["exercise"]
def pull(predicted, target):
    """The mean squared distance of unit rows; the target is held still."""
    ### BEGIN SOLUTION
    cosine = F.cosine_similarity(predicted, target.detach(), dim=-1)
    return (2 - 2 * cosine).mean()
    ### END SOLUTION


# %%
check("17.3", pull)

# %%
pulled = yours("17.3", pull, otherwise=find("17.3").solution)
compare("yours", pulled(a, b), "the package", byol_loss(a, b), to=1e-10)
moving = b.clone().requires_grad_()
loss = pulled(a.clone().requires_grad_(), moving)
(reaches,) = torch.autograd.grad(loss, moving, allow_unused=True)
print("gradient that enters the target:", "none" if reaches is None else reaches.norm())

# %% [markdown] slideshow={"slide_type": "slide"}
# **Predict.** The same views, the same ten seconds of one core, and no strangers. Which is the least that keeps the network from falling
# together?
#
# - ( ) Holding the target still is enough.
# - ( ) A predictor is enough.
# - ( ) It takes both: a predictor, and a target held still.
# - ( ) It takes all three; without the slow target it falls together.
#
# <details><summary>After you have guessed</summary>
#
# It takes both: a predictor, and a target held still. Either alone falls together: after ten seconds two different pictures have a cosine of nearly 1. The slow
# target is no condition. And *not fallen together* is not yet *good*: at equal seconds NT-Xent is far ahead here.
#
# </details>

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Vote for each of the four. Batch norm is in all of them, so it alone does not prevent it, as some thought at the time.

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "slide"}
fallen = recorded("17", "collapse")
if not fallen:
    print("Not recorded here. Measure it with: "
          "python -m studies.lesson17_views collapse")
ways = ("pull alone", "held still", "predictor", "predictor, held still",
        "BYOL: and a slow target", "NT-Xent")
fig, axes = plt.subplots(1, 2, figsize=(12, 3.6), sharey=True)
for ax, key, said in ((axes[0], "cosine", "cosine of two different pictures"),
                      (axes[1], "transductive", "right answers, %; 200 tasks")):
    for place, name in enumerate(ways):
        if fallen:
            each = fallen[f"{name}.{key}"]
            ax.errorbar(each["value"], place, xerr=each["interval"], capsize=4, fmt="o",
                        color=style.color("warning" if place < 3 else "metric"))
    ax.set(xlabel=said)
    ax.grid(axis="y", alpha=0.3)
axes[0].set(yticks=range(len(ways)), yticklabels=ways, ylim=(5.6, -0.6), xlim=(0, 1.05))
for place in (untouched, floor["value"] if floor else untouched):
    axes[1].axvline(place, **style.method("baseline"))
show(fig, alt="Six ways to train, three seeds with intervals. Left, the cosine of two "
     "different pictures: nearly 1 for pulling alone, with the target held still "
     "and with a predictor; clearly less with both, with a slow target, and least "
     "for NT-Xent. Right, accuracy: the first three are at or below the line of the "
     "pixels, the next two between it and the line of the floor, NT-Xent above both.")

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. The first three fall together, and they have the lowest losses of all. Then the honest reading of the right panel: at ten seconds, without its long training and large networks, BYOL is no match for a loss with strangers. The second dashed line is the floor: only NT-Xent has passed it.

# %% jupyter={"source_hidden": true}
for name in ways if fallen else ():
    loss, near, wide, right = (fallen[f"{name}.{key}"]["value"] for key in
                               ("loss", "cosine", "directions", "transductive"))
    print(f"{name:24} loss {loss:6.4f}   cosine {near:.2f}   "
          f"in {wide:3.0f} directions   {right:.0f} % right")

# %% [markdown]
# The three that fall together have the lowest losses of all: the false friend once more. *Directions* says in how many directions the rows of 1000 pictures
# are spread; a difference of the fourth decimal can still have many. Why is a predictor with a held target enough? Chen and He read it as two steps in turn: the predictor
# learns to guess the mean of what other views give, and the network follows its guess. A proof for networks like this one is not known.
#
# ## And the paper?
#
# Ni, Shu, Souri, Goldblum and Goldstein train on pictures as we do, each a class of its own, and report that a prototypical network's loss does about as well as
# SimCLR's. So it is here, and the two identities above say why it had to be. Their data are photographs, their networks larger and their training
# longer, so no number of theirs stands beside ours. Their views are those of photographs, too: crops and colours. What carries the result on *your* data is not in
# their paper: it is in your data, and you measure it.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What the papers say, and what came out
#
# - Ni and others, 2022: each picture a class of its own; prototypes do about as well as SimCLR. So it is here, and the identities say why.
# - Vinyals and others, 2016: the matching loss, with labels.
# - Chen and others, 2020: NT-Xent; views of photographs are crops and colours.
# - Grill and others, 2020: without strangers, with a predictor and a slow target that is held still.
#
# **What carries it on your data is in none of them. Measure it.**

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Ask for a data set of somebody in the room: what does not matter there? That is the list of views to try, and the detector says in a minute which are too easy.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What you learned
#
# - A batch of pictures in two views is a task: N ways, one shot, one query each, and nobody labelled it.
# - NT-Xent is the matching loss in both directions, plus $\log(1 + S/C)$ for the own side. Prototypes on unit rows are matching, with $2\tau$.
# - On new characters the network without labels ends a few points behind the one with labels, at equal seconds, and well above the floor.
# - The view carries it: of seven kinds a shift alone teaches most, and much of that is place. A thicker pen teaches nothing.
# - A low training loss can mean an easy task. Ask the pixels first: if they find the partner, there is nothing to learn.
# - Without strangers it takes a predictor *and* a target held still, or all rows fall together.

# %% [markdown] slideshow={"slide_type": "notes"}
# 1 min. Read the second, the fourth and the fifth line.

# %% [markdown]
# ## Quiz
#
# **1.** You write matching($a$, $b$) without bringing rows to length one. The loss falls all the same. What may go wrong?
#
# <details><summary>Answer</summary>
#
# A row can become long: a long support row has large products with all queries, and a long query is sure of whatever it says. The loss can then be lowered by length alone. And at test, by cosine, lengths do not
# count: what was learned in them is lost.
#
# </details>
#
# **2.** Which loss is larger for the same network, NT-Xent with 64 pictures or with 1024? Which network is better?
#
# <details><summary>Answer</summary>
#
# NT-Xent with 1024: the partner stands among more strangers. That says nothing of the networks. Losses of different tasks cannot be compared, and a batch size makes
# the task, as a view does.
#
# </details>
#
# **3.** You know that your characters are never mirrored in use. Should a view mirror them?
#
# <details><summary>Answer</summary>
#
# No. A view tells the network that both are the same. Where a mirrored sign is another sign, as b and d are, such a view teaches it to confuse them.
#
# </details>
#
# ## References
#
# - Vinyals, Blundell, Lillicrap, Kavukcuoglu, Wierstra, [Matching networks for one shot learning](https://arxiv.org/abs/1606.04080), 2016.
# - Snell, Swersky, Zemel, [Prototypical networks for few-shot learning](https://arxiv.org/abs/1703.05175), 2017.
# - Chen, Kornblith, Norouzi, Hinton, [A simple framework for contrastive learning of visual representations](https://arxiv.org/abs/2002.05709), 2020.
# - Grill et al., [Bootstrap your own latent](https://arxiv.org/abs/2006.07733), 2020.
# - Chen, He, [Exploring simple Siamese representation learning](https://arxiv.org/abs/2011.10566), 2021: without the slow target.
# - Ni, Shu, Souri, Goldblum, Goldstein, [The close relationship between contrastive learning and meta-learning](https://iclr.cc/virtual/2022/poster/6024), 2022.
#
# ## Next
#
# Views or labels, the network learned *what is near to what*. On to [lesson 18: Learning a metric](18_learning_a_metric.ipynb), which compares the ways to do that.
