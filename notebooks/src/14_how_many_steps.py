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
# # 14 How many steps? UNICORN and implicit MAML
#
# You number five characters in all 120 ways and watch a good network change its mind. Then you go through an inner loop of any length, and
# remember none of it.
#
# **You will be able to**
#
# - say how many inner steps a network needs at test, and what its head has to do with it,
# - measure what the order of the labels costs, and undo it by a vote of your own,
# - prove that UNICORN's learned vector is a head of zeros, and name the losses and rules for which it is not,
# - write conjugate gradient for many tasks at once, and meta-train with it,
# - tell when the implicit gradient is right, when it is nonsense, and when it pays.
#
# **Prerequisites:** [lesson 09](09_omniglot_maml.ipynb): MAML's gradient from back to front, and the head of zeros;
# [lesson 06](06_maml_on_sinusoids.ipynb) for the sinusoids.
#
# **Time:** 35 minutes of reading, and 45 minutes for the exercises.
#
# **What it costs to run:** *smoke* takes under 30 s on two cores. *lecture* takes about a minute. *paper* is the same as *lecture* with longer
# training on sinusoids: what was trained for long came from `python -m studies.lesson14_heads` and `studies.lesson14_implicit`, and
# comes with the course.

# %% [markdown] slideshow={"slide_type": "notes"}
# 1 min. Two questions in one lesson. How many steps does a network need, and what if it needs hundreds? The first half is about the head, the second about a gradient that forgets the way.

# %% tags=["parameters"]
PROFILE = "smoke"  # "smoke", "lecture" or "paper": the same cells, three budgets

# %% tags=["setup"]
from functools import partial

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F

from mlteach.checkpoint import load_checkpoint, params_from
from mlteach.exercises import check, find, yours
from mlteach.explore import Permutations, style
from mlteach.explore.figure import show
from mlteach.fit import fit
from mlteach.inner import Rule, adam, adapt, momentum, proximal, sgd
from mlteach.measure import compare, is_it_maml, orders_of, path_of
from mlteach.measure import over_seeds, permuted_accuracy, permuted_logits
from mlteach.measure import published, recorded
from mlteach.measure.held import held_bytes
from mlteach.measure.ledger import data_folder, record
from mlteach.nets import MLP, Conv4, cross_entropy, squared_error
from mlteach.outer import implicit_gradient, maml_gradient, richardson, tied_head
from mlteach.params import norm, stack, subtract
from mlteach.tasks import Characters, Sinusoids

style.use()


def study(profile):
    """What a study of this lesson recorded, by name; {} and a word where nothing is."""
    found = recorded("14", profile)
    if not found:
        file = {"implicit": "implicit", "beyond": "beyond", "vector": "vector reads"}
        print("Not recorded here. Measure it with: python -m studies.lesson14_"
              + file.get(profile, f"heads {profile}"))
    return found


# %% [markdown] slideshow={"slide_type": "slide"}
# ## One task, 120 tasks
#
# A task has five new characters. Somebody decides which of them is called 1, which 2, and so on. It is an accident: there are
# $5! = 120$ ways to do it, and they are the same task. Is the network as good in all of them?
#
# Below is one task under all 120 label orders. A blue dot is one order, seen by a network that has learned the first weights of its head, five
# rows, one for each label. Dark dots: a network whose head starts from zeros. Both were trained with five inner steps.

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Write five signs on the board and number them; then number them otherwise, and ask what has changed about the task. Nothing.

# %% tags=["opening"] slideshow={"slide_type": "slide"}
permutations = Permutations.recorded(task=5, at=4)
permutations

# %% [markdown] slideshow={"slide_type": "notes"}
# 3 min. Same pictures, same network, same steps; only the numbers that the classes are called by change. Let somebody choose a task and press Best and Worst. Read the table under the picture aloud: this character was a 3 and is now a 5, and that is all. Then move the inner steps to 0 and to 20.

# %% [markdown]
# Marked is label order <span data-moves="Permutations.order">0</span>, of 0 to 119: move it. Choose another task, and move the inner steps. Press *Best*,
# then *Worst*: the table says which character got which number.

# %%
for permutations.at in (1, 4, 6):
    print(permutations.summary)
permutations.at = 4

# %% [markdown]
# ## How many inner steps?
#
# Finn's MAML makes one step on Omniglot, five on the harder pictures of *mini*ImageNet. Ye and Chao asked in 2022 what happens if you go
# on to twenty. To see why that can matter, look at what a learned head must do first. Its five rows differ from the start: each has
# an opinion of what "1" looks like. On a new task all of these opinions are wrong, and the first steps go into unlearning them.

# %% [markdown] slideshow={"slide_type": "slide"}
# **Predict.** A network with a learned head was trained with five inner steps. On new characters you stop after the first one. How often is it
# right? A blind guess is right in 20 % of all cases.
#
# - ( ) about 25 %
# - ( ) about 50 %
# - ( ) about 75 %, as after all five
#
# <details><summary>After you have guessed</summary>
#
# About 50 %. It comes to its end only at the fifth step, with three quarters of all answers right. A head of zeros is further after its first step
# than a learned one after its second.
#
# </details>

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "fragment", "code": false}
curves = study("steps")
HEADS = {"learned": "a learned head", "zero": "a head of zeros"}
COLOR = {"learned": style.color("maml"), "zero": "black"}
WALK = {"1": ":", "5": "-", "10": "--"}


def walk(name):
    """Values and half widths after 0, 1, ..., 20 steps."""
    figures = [curves[f"{name}.{t}"] for t in range(21)]
    return ([figure["value"] for figure in figures],
            [figure["interval"] for figure in figures])


fig, axes = plt.subplots(1, 2, figsize=(10, 3.5), sharey=True)
for ax, (head, said) in zip(axes, HEADS.items()):
    for count, dash in WALK.items():
        if f"{head}.{count}.1.0" not in curves:
            continue
        mean, half = map(torch.tensor, walk(f"{head}.{count}.1"))
        ax.plot(range(21), mean, dash, color=COLOR[head], label=f"trained with {count}")
        ax.fill_between(range(21), mean - half, mean + half, color=COLOR[head],
                        alpha=0.12, linewidth=0)
    ax.set(xlabel="inner steps at test", title=said, xticks=(0, 1, 2, 3, 5, 10, 20),
           ylim=(0, 100))
    ax.legend(loc="lower right", frameon=False)
axes[0].set_ylabel("right answers, %")
show(fig, alt="Two panels of accuracy over 0 to 20 inner steps, for networks trained "
     "with the numbers of steps in the legend. Left, a learned head climbs slowly. "
     "Right, a head of zeros is near its end after the second or third step.")

# %% [markdown] slideshow={"slide_type": "notes"}
# 3 min. Left: five rows that must first be unlearned; the curve climbs for five steps, also where ten were trained with. Right: nothing to unlearn. Ask where each curve stops rising, and what the number of steps in training has to do with it.

# %% [markdown]
# Trained with five steps, the learned head climbs for five and is flat from there on. Trained with one, it is nearly there after the first.
# Trained with ten, at the same rate, it begins lower still and is at its end after five all the same. So few steps in training make for
# few at test, and many do not make for many. More of them do no harm here, and little good. The head of
# zeros stands higher at every count from one on, with the same number of outer steps, from the same seeds, at a rate chosen in the same way.
#
# And beyond 20, for the six networks that were trained with five, three seeds of each head?

# %% jupyter={"source_hidden": true}
beyond = study("beyond")
for head, said in HEADS.items() if beyond else ():
    print(f"{said:16}", ", ".join(f"{beyond[f'{head}.{t}']['value']:.0f} % after {t}"
                                  for t in (5, 20, 50, 100)))
    first, last = (map(float, beyond[f"{head}.{t}"]["note"].rpartition("seeds ")[2]
                       .split(", ")) for t in (20, 100))
    more = over_seeds([after - before for before, after in zip(first, last)])
    print(f"{'':16} from 20 to 100: {more.mean:+.1f} ± {more.half_width:.1f} points, "
          "paired")

# %% [markdown]
# Nothing more comes. A learned head stays where it is, and a head of zeros loses half a point.
#
# Is it the number of steps, or how far they lead? Take the networks that were trained with five, and walk in shorter and longer steps.

# %% jupyter={"source_hidden": true}
RATES = {"0.25": (":", "a quarter of the rate"), "1": ("-", "the rate of training"),
         "2.5": ("--", "two and a half times it")}
fig, axes = plt.subplots(1, 2, figsize=(10, 3.3), sharey=True)
for ax, (head, said) in zip(axes, HEADS.items()):
    for name, (dash, words) in RATES.items():
        if f"{head}.5.{name}.0" not in curves:
            continue
        mean, _ = walk(f"{head}.5.{name}")
        ax.plot(range(21), mean, dash, color=COLOR[head], label=words)
    ax.set(xlabel="inner steps at test", title=said, xticks=(0, 1, 2, 3, 5, 10, 20),
           ylim=(0, 100))
    ax.legend(loc="lower right", frameon=False)
axes[0].set_ylabel("right answers, %")
show(fig, alt="Two panels of accuracy over inner steps at a quarter of, at, and at two "
     "and a half times the training rate. Shorter steps need more of them.")

# %% [markdown]
# Both. Shorter steps reach nearly the same end with either head. Longer ones hurt the learned head most; why, no run here takes apart. So
# "five steps are needed" is a sentence about a head and a rate, not about a task.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What does the order of the labels cost?
#
# The mean over tasks hides it: in the mean every order is as good as another. Within one task they are not. Twelve test tasks, 120 orders
# each, three training seeds: best, worst and mean.

# %% [markdown]
# Two ways to get rid of it. Start the head from zeros: then nothing in the network knows a label before it has seen the support set. Or
# keep the learned head, adapt under *all* the orders, and let them vote. That costs 120 times as much. Five of the orders cost as much as
# five networks.

# %% [markdown] slideshow={"slide_type": "-"}
# **Predict.** The learned head adapts under all 120 orders, and their probabilities are averaged. Where does the vote come out?
#
# - ( ) at the mean of the 120
# - ( ) well above the mean, and below the best order
# - ( ) above the best order
#
# <details><summary>After you have guessed</summary>
#
# Well above the mean, and below the best order. The orders err in different places, so their errors partly cancel; but the best order is picked
# by looking at the answers, and a vote may not look.
#
# </details>

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Let them vote on the vote. Ask what a vote may look at: the pictures, never the answers.

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "slide"}
orders = study("orders")
ROWS = {"learned.best": "learned head: best order of each task",
        "learned.mean": "mean of all orders", "learned.worst": "worst order",
        "learned.vote of 5": "vote of 5 orders",
        "learned.vote of 120": "vote of all 120", "zero.all tasks": "a head of zeros"}
fig, ax = plt.subplots(figsize=(9, 3.3))
for place, name in enumerate(ROWS if orders else ()):
    figure = orders[name]
    look = ("s" if "vote" in name else "o", COLOR[name.split(".")[0]])
    ax.errorbar(figure["value"], place, xerr=figure["interval"], fmt=look[0],
                color=look[1], capsize=4)
    ax.annotate(f"{figure['value']:.1f}", (figure["value"], place), xytext=(0, 7),
                textcoords="offset points", ha="center")
ax.set(yticks=range(len(ROWS)), yticklabels=ROWS.values(), ylim=(5.6, -0.8),
       xlim=(40, 100), xlabel="right answers, %; intervals over three seeds",
       title="The same tasks, other numbers on the classes")
show(fig, alt="Six dots: the learned head's best order, mean, worst order, a vote of "
     "five orders and of all 120, and the head of zeros.")

# %% [markdown] slideshow={"slide_type": "notes"}
# 3 min. The two squares are the votes. A vote of five has most of the gain already, at five times the cost. The head of zeros costs nothing. Then say the warning aloud: the best of 120 is chosen by the test answers.

# %% jupyter={"source_hidden": true}
for name, said in (("learned.spread", "best minus worst order, mean over tasks"),
                   ("learned.widest", "the task where it is largest")):
    if orders:
        spread = orders[name]
        print(f"{said:42} {spread['value']:4.0f} ± {spread['interval']:.0f} points")

# %% [markdown]
# For the head of zeros best minus worst is zero in every task that was tried, in all three seeds: nothing in it knows a label. The vote is a real gain, and most of it comes with five
# orders. The head of zeros has at least as much for the price of one, with wide intervals over seeds: twelve tasks are few.
#
# **A warning for readers of papers.** The best of 120 orders is chosen by the answers to the queries. Whoever reports it reports the test set.

# %% [markdown]
# **Your turn.** Write the vote. Under order $i$ class $c$ of the task was given the label `orders[i, c]`. `logits` [orders, queries, ways] are the
# answers *for labels*. Give the mean probability of the task's *own* classes, [queries, ways].
#
# <details><summary>Hint 1</summary>After adapting under order i, column 0 is not class 0. In which column does class c stand?</details>
# <details><summary>Hint 2</summary>Class c of the task was given the label <code>orders[i, c]</code>. So its answer is in column <code>orders[i, c]</code>: <code>torch.gather</code>, or indexing with <code>orders[i]</code>.</details>
# <details><summary>Hint 3</summary>Softmax first, then the columns, then the mean over the first axis.</details>

# %% tags=["exercise"]
def vote(logits, orders):
    """The mean probability of each of the task's own classes, [queries, ways]."""
    ### BEGIN SOLUTION
    probabilities = logits.softmax(-1)
    where = orders[:, None].expand_as(probabilities)
    return probabilities.gather(-1, where).mean(0)
    ### END SOLUTION


# %%
check("14.1", vote)

# %% [markdown]
# Now let yours vote on one task, with the recorded networks. In *smoke* it hears 24 of the orders, in *lecture* all.

# %%
my_vote = yours("14.1", vote, otherwise=find("14.1").solution)
net = Conv4(5, 32, head="flatten")
like = net.init(torch.Generator())
kept = {head: load_checkpoint(data_folder() / "checkpoints" / f"14-{head}.safetensors")
        for head in HEADS}
theta = {"learned": params_from(kept["learned"], like),
         "zero": params_from(kept["zero"], {n: like[n] for n in net.body_names})}
start = {"learned": dict, "zero": net.zero_head}
_, _, test = Characters.load().split("random")
five = test.sample(1, 5, 1, 15, generator=torch.Generator().manual_seed(3))
every = orders_of(5)[:: 5 if PROFILE == "smoke" else 1]

for head in HEADS:
    own = permuted_logits(net, theta[head], five, sgd(kept[head].about["rate"]), (5,),
                          every, start=start[head])[0]
    shares = 100 * permuted_accuracy(own, five)
    # the columns as the network gave them, by label: your vote puts them back
    by_label = torch.stack([z[:, o.argsort()] for z, o in zip(own, every)])
    right = (my_vote(by_label, every).argmax(-1) == five.query_y[0]).double().mean()
    print(f"{HEADS[head]:16} {len(every)} orders: {shares.min():.0f} to "
          f"{shares.max():.0f} % right, vote {100 * right:.0f} %")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## UNICORN: one vector for all rows
#
# Ye and Chao saw the trouble and cured it with one learned vector $w$: at the start of a task *every* row of the head is $w$. They call
# it UNICORN-MAML. The rows are equal, so the order cannot matter. And $w$, learned, should be a better place to start from than nothing.
#
# Is it? Write the logit of class $c$ for a picture with features $f$:
#
# $$z_c \;=\; w \cdot f \;+\; (\text{what row } c \text{ has learned in the inner loop}) \cdot f$$
#
# The first part is the same for all classes. Softmax does not see it: what is added to all logits cancels. So the answers, the loss
# and its gradient by the logits, $e_c = p_c - y_c$, are those of a head of zeros. Then the gradient that reaches $w$ is the sum of what
# reaches the rows:
#
# $$\nabla_w L \;=\; \sum_{\text{pictures}} \Bigl(\sum_c e_c\Bigr) f, \qquad \sum_c e_c = \sum_c p_c - \sum_c y_c = 1 - 1 = 0 .$$
#
# And the body? Its gradient is $\sum_c e_c W_c$, where $w$ drops out by the same sum. So nothing that depends on $w$ ever comes into the inner loop.

# %% [markdown] slideshow={"slide_type": "notes"}
# 3 min. Three lines on the board. The common part of the logits; softmax forgets it; the errors sum to zero. Ask which of the three steps used softmax, and which used plain gradient descent. That is the next slide's question.

# %% [markdown]
# **Your turn.** One step of the proof as code: the gradient that reaches a vector which stands in every row. `error` [pictures, ways] is the derivative
# of *any* loss by the logits, `features` [pictures, d] are what the head reads.
#
# <details><summary>Hint 1</summary>Write the logit of picture n for class c with the shared vector in it: w · f_n + ... How does it change with w?</details>
# <details><summary>Hint 2</summary>By the chain rule the gradient is the sum over n and c of <code>error[n, c]</code> times f_n: every row hands in its share.</details>
# <details><summary>Hint 3</summary><code>error.sum(1)</code> is one number for each picture. What is left is a product with features.</details>

# %% tags=["exercise"]
def tied_gradient(error, features):
    """The gradient [d] of the loss for the one vector that stands in all rows."""
    ### BEGIN SOLUTION
    return error.sum(1) @ features
    ### END SOLUTION


# %%
check("14.2", tied_gradient)

# %% [markdown]
# Ask yours about five losses on the same logits. Only the error differs.

# %%
shared = yours("14.2", tied_gradient, otherwise=find("14.2").solution)
small = Conv4(5, 8, head="flatten")
draw = torch.Generator().manual_seed(0)
weights = small.init(draw, torch.float64)
episode = test.sample(3, 5, 1, 3, generator=draw).to(dtype=torch.float64)
truth = F.one_hot(episode.support_y, 5).double()
features = small.features_of(stack(weights, 3), episode.support_x)


def sigmoids(logits, y):
    """A sigmoid for each class: is it this one, yes or no?"""
    asked = F.one_hot(y, 5).to(logits.dtype)
    return F.binary_cross_entropy_with_logits(
        logits, asked, reduction="none").sum(-1).mean(-1)


def squares(logits, y):
    return (logits - F.one_hot(y, 5).to(logits.dtype)).square().sum(-1).mean(-1)


def smoothed(logits, y):
    asked = 0.9 * F.one_hot(y, 5).to(logits.dtype) + 0.02
    return -(asked * logits.log_softmax(-1)).sum(-1).mean(-1)


LOSSES = {"softmax": cross_entropy, "softmax, labels smoothed": smoothed,
          "a sigmoid for each class": sigmoids, "squared error": squares}
for said, loss in LOSSES.items():
    logits = small(stack(weights, 3), episode.support_x).detach().requires_grad_()
    error, = torch.autograd.grad(loss(logits, episode.support_y).sum(), logits)
    length = shared(error[0], features[0]).norm()
    print(f"{said:26}", "nothing reaches w" if length < 1e-12
          else f"w gets a gradient of length {length:.2f}")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Does the rule matter, or the loss?
#
# The proof used two things: a loss that forgets what is added to all logits, and a rule that makes of equal gradients equal steps. Take one away at
# a time. Adapt three tasks, body and head, with five inner steps, once with a drawn $w$ in all rows and once with zeros; how far do the
# answers to the queries move?

# %% [markdown] slideshow={"slide_type": "-"}
# **Predict.** For which of these does the vector change the answers?
#
# - ( ) momentum in the inner loop
# - ( ) weight decay: all rows shrink
# - ( ) a sigmoid for each class in place of softmax
# - ( ) Adam: every weight has a rate of its own
#
# <details><summary>After you have guessed</summary>
#
# A sigmoid for each class in place of softmax: it does see what is added to all logits. Momentum and Adam make equal steps of equal gradients,
# and weight decay shrinks all rows alike, so what they share stays shared.
#
# </details>

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Vote. Whoever says Adam: ask whether it treats equal gradients equally.

# %%
def decaying(rule, decay):
    """Weight decay: the gradient, and a pull to zero."""
    def step(theta, gradient, state, /, *, loss):
        pulled = {n: gradient[n] + decay * theta[n] for n in theta}
        return rule.step(theta, pulled, state, loss=loss)

    return Rule(rule.init, step)


def lars(rate, counted=0.0):
    """A rule that reads the weights: a tensor's step is a share of its own length."""
    def step(theta, gradient, state, /, *, loss):
        def length(value, besides):  # for each task by itself, and smooth at zero
            squared = value.flatten(1).square().sum(1) + besides
            return squared.sqrt().view(-1, *[1] * (value.ndim - 1))

        besides = {n: 0.01 + (counted**2 if n == "head.weight" else 0) for n in theta}
        return {n: theta[n] - rate * gradient[n] * length(theta[n], besides[n])
                / length(gradient[n], 1e-4) for n in theta}, state

    return Rule(lambda theta: None, step)


def cosine(params, x):
    """Logits are cosines: only the direction of a row counts."""
    f, W = small.features_of(params, x), params["head.weight"]
    return 5 * F.normalize(f, dim=-1) @ F.normalize(W, dim=-1).transpose(1, 2)


# %%
vector = {"tied.weight": 0.3 * torch.randn(small.features, generator=draw).double(),
          "tied.bias": torch.tensor(0.7, dtype=torch.float64)}
body = {name: weights[name] for name in small.body_names}


def moved(rule, loss=cross_entropy, net=small, other=0.0, answers=None):
    """How far the answers are from those with ``other`` times the vector."""
    own = rule._replace(objective=lambda net, theta, seen, t: loss(
        net(theta, seen.support_x), seen.support_y))
    ends = []
    for size in (1.0, other):
        begin = body | {name: size * value for name, value in vector.items()}
        phi = path_of(net, begin, episode, own, 5, start=tied_head(small))[-1]
        ends.append((answers or (lambda z: z.softmax(-1)))(net(phi, episode.query_x)))
    return (ends[0] - ends[1]).abs().max().item()


far = {"SGD": moved(sgd(0.1)), "momentum": moved(momentum(0.03, 0.9)),
       "weight decay": moved(decaying(sgd(0.1), 0.1)),
       "Adam": moved(adam(0.01, eps=1e-2)),
       "labels smoothed": moved(sgd(0.1), smoothed),
       "LARS, which reads |W|": moved(lars(0.02)),
       "a sigmoid a class": moved(sgd(0.1), sigmoids, answers=torch.sigmoid),
       "squared error": moved(sgd(0.02), squares, answers=lambda z: z),
       "cosine head (w, w / 2)": moved(sgd(0.1), net=cosine, other=0.5)}

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "slide"}
fig, ax = plt.subplots(figsize=(9, 3.4))
tied = [value < 1e-12 for value in far.values()]
ax.barh(list(far), [max(value, 1e-17) for value in far.values()], left=1e-18,
        color=["black" if each else style.color("warning") for each in tied],
        hatch=["" if each else "//" for each in tied], edgecolor="white", height=0.65)
ax.axvline(1e-12, color=style.color("baseline"), linestyle="--", linewidth=1)
ax.invert_yaxis()
ax.set(xscale="log", xlim=(1e-18, 1e3), xlabel="largest change of an answer",
       title="Five times nothing, four times not")
show(fig, alt="Nine bars on a logarithmic axis. SGD, momentum, weight decay, Adam and "
     "smoothed labels are at rounding, below one in a million million. LARS, a sigmoid "
     "for each class, squared error and a cosine head are above a thousandth.")

# %% [markdown] slideshow={"slide_type": "notes"}
# 3 min. Left of the dashed line is rounding. With softmax the vector is the head of zeros, under four rules. On the right are the four ways out: a rule that looks at the weights, and three losses that see a shift of all logits. Ask for a fifth.

# %%
for said, value in far.items():
    print(f"{said:24}", "the head of zeros" if value < 1e-12 else "something else")
begin = body | vector
unicorn, _ = maml_gradient(small, cross_entropy, begin, episode, sgd(0.1), 5,
                           start=tied_head(small))
zeros, _ = maml_gradient(small, cross_entropy, body, episode, sgd(0.1), 5,
                         start=small.zero_head)
compare("UNICORN's gradient for w", {n: unicorn.pop(n) for n in vector}, "zero",
        {n: 0 * v for n, v in vector.items()}, to=1e-12)
compare("and for the body", unicorn, "that of a head of zeros", zeros, to=1e-10)

rows = tied_head(small)
before = small(stack(rows(begin), 3), episode.support_x)
compare("the loss before the first step", cross_entropy(before, episode.support_y),
        "log 5", torch.tensor([5.0] * 3, dtype=torch.float64).log(), to=1e-12)


def one_loss(phi, x, y):
    return F.cross_entropy(small(phi, x), y)


for said, at in (("UNICORN", begin), ("a head of zeros", body)):
    print(f"{said} is", is_it_maml(
        lambda theta, x, y: adapt(lambda phi: one_loss(phi, x, y), rows(theta),
                                  sgd(0.1), 5), one_loss, at, episode))

# %% [markdown]
# Before the first step all answers are equal, whatever $w$ is, so the loss is $\log 5$ and the network guesses. And both are MAML, second derivatives included: to
# be equal to a head of zeros is no shortcut.
#
# One footnote on Adam. With a head of zeros the body's first gradient is zero, up to rounding of $10^{-17}$. Adam divides it by its own size. What
# keeps it small is $\epsilon$: with the usual $10^{-8}$ rounding grows to $10^{-9}$, with the $10^{-2}$ used here it stays rounding.
#
# So under softmax no gradient ever reaches $w$: it stays where it was drawn. The gain that the paper reports is real. It is the gain of
# equal rows, and zero is one way to have them. The published numbers, with their protocol, and what they leave out:

# %% jupyter={"source_hidden": true}
for images in ("miniimagenet", "tieredimagenet"):
    for shots in ("5way1shot", "5way5shot"):
        maml, one = (published(f"{who}.{images}.{shots}")
                     for who in ("unicorn.maml", "unicorn"))
        print(f"{images:15} {shots}  their MAML {maml['value']:.1f} %   "
              f"UNICORN {one['value']:.1f} %")
print(f"\n{one['source']}; {one['split']}; {one['note']}")
print("A head of zeros has no row in their table.")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Where it is not the head of zeros: does it help there?
#
# With a sigmoid for each class, and with squared error, $w$ gets a gradient. So train it there, three seeds. The rival is one number: a *bias* that all
# classes share, $w = 0$. It can say "a class is wrong in four cases of five", which a sigmoid has to learn from somewhere.

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "fragment", "code": false}
trained = study("losses")
ARMS = {"zero": "zeros", "bias": "one shared bias",
        "vector": "a shared vector and bias"}
asked = {loss: said for loss, said in (("sigmoid", "a sigmoid for each class"),
                                       ("square", "squared error"))
         if f"{loss}.vector" in trained}
fig, axes = plt.subplots(1, max(1, len(asked)), figsize=(10, 2.7), sharey=True,
                         squeeze=False)
for ax, (loss, said) in zip(axes[0], asked.items()):
    for place, arm in enumerate(ARMS):
        if f"{loss}.{arm}" in trained:
            figure = trained[f"{loss}.{arm}"]
            ax.errorbar(figure["value"], place, xerr=figure["interval"], fmt="o",
                        color=style.color("warning" if arm == "vector" else "maml"),
                        capsize=4)
            ax.annotate(f"{figure['value']:.1f}", (figure["value"], place),
                        xytext=(0, 7), textcoords="offset points", ha="center")
    ax.set(yticks=range(3), yticklabels=ARMS.values(), ylim=(2.6, -0.7), title=said,
           xlabel="right answers, %")
    if loss == "square":  # one seed of three ends at chance: the interval is wider
        ax.set_xlim(0, 100)
show(fig, alt="For each loss three dots with intervals: zeros, a shared bias, and a "
     "shared vector with a bias.")

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Read the differences with their intervals, not the dots. The rival is one number for all classes.

# %% jupyter={"source_hidden": true}
for loss in ("sigmoid", "square"):
    for what in ("bias - zero", "vector - zero", "vector - bias"):
        if figure := trained.get(f"{loss}.{what}"):
            print(f"{loss:8} {what:14} {figure['value']:+5.1f} ± "
                  f"{figure['interval']:.1f} points, paired over three seeds")

# %% [markdown]
# Under both losses the shared bias brings nothing that three seeds can see. Under sigmoids the vector, trained with it, *costs* about five points. Under squared
# error it costs more than ten in two seeds, and the third never gets off chance, so the interval is as wide as the panel. So under these
# losses UNICORN's vector is no gift, in this small budget of 150 outer steps with three inner ones.
#
# Why does squared error scatter so? Look at the inner loop before any training: the support loss of fresh networks, before and after three steps of
# the rate that was chosen for both.

# %%
new = test.sample(20, 5, 1, 2, generator=torch.Generator().manual_seed(5))
new = new.to(dtype=torch.float64)
by_squares = sgd(0.02)._replace(objective=lambda net, theta, seen, t: squares(
    net(theta, seen.support_x), seen.support_y))
for seed in range(3):
    fresh = {name: value.double() for name, value in
             net.init(torch.Generator().manual_seed(seed)).items()}
    zeros = {name: fresh[name] for name in net.body_names}
    told = []
    for at in (zeros, zeros | {"tied.weight": fresh["head.weight"][0]}):
        path = path_of(net, at, new, by_squares, 3, start=tied_head(net))
        first, last = (squares(net(path[t], new.support_x), new.support_y).mean()
                       for t in (0, 3))
        told.append(f"{first:4.1f} to {last:4.1f}")
    print(f"seed {seed}   from zeros: {told[0]}   from a vector: {told[1]}")

# %% jupyter={"source_hidden": true}
ways_out = study("vector")
for name, said in (("more", "two more seeds"), ("short", "at a quarter of the rate")):
    if figure := ways_out.get(f"square.vector, {name}"):
        print(f"the vector, trained, {said}: {figure['note'].partition('seeds ')[2]} %")

# %% [markdown]
# From zeros the steps lead down. From a drawn vector, on the same tasks at the same rate, they lead *up*, or hardly down. Training has to get out of that
# first, and one seed of five did not. At a quarter of the rate all three leave chance behind, and scatter far less; but they are not better than the mean was. (Of sigmoids the same picture is not drawn here, so why the vector costs there is left open.)
#
# **A rule that reads the weights** is another matter. What the rows learn under softmax sums to zero, so it stands at right angles to $w$ in all of them:
# $\lVert W\rVert^2 = 5\,\lVert w\rVert^2 + \lVert\text{learned}\rVert^2$. All that such a rule sees of $w$ is one number, its length.

# %%
w = vector["tied.weight"]
ends = [path_of(small, at, episode, rule, 5, start=rows)[-1] for at, rule in (
    (body | {"tied.weight": w}, lars(0.02)), (body, lars(0.02, 5**0.5 * w.norm())))]
one, other = (small(end, episode.query_x).softmax(-1) for end in ends)
compare("LARS from the vector", one, "from zeros, if told its length", other, to=1e-10)
print(f"a head of zeros counts as 0.1 long here, five rows of a drawn vector as "
      f"{5**0.5 * like['head.weight'][0].norm():.1f}")

# %% jupyter={"source_hidden": true}
KINDS = {"reads": ("a rule that reads the weights", {"zero": "zeros"}),
         "cosine": ("a cosine head", {"rows": "five learned rows",
                                      "drawn": "a vector left as drawn"})}
for kind, (said, arms) in KINDS.items():
    for arm, told in (arms | {"vector": "a learned vector"}).items():
        if figure := ways_out.get(f"{kind}.{arm}"):
            print(f"{said:30} {told:24} {figure['value']:5.1f} ± "
                  f"{figure['interval']:.1f} %")
    for arm, told in arms.items():
        if figure := ways_out.get(f"{kind}.vector - {arm}"):
            print(f"{'':30} {'the vector minus ' + told} "
                  f"{figure['value']:+5.1f} ± {figure['interval']:.1f} points")

# %% [markdown]
# There the vector helps, by nearly thirty points: from zeros this rule crawls, at either of the two rates tried. But by the line above it is the vector's
# *length* that helps. One number typed into the rule is the same start, to the last digits.
#
# In a **cosine head** it helps as well, and there it is more than equal rows: a vector left as it was drawn stands in all rows too, and the learned one is some five
# points above it, and above five learned rows by more. Zeros are no rival here, for a row of zeros has no direction.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## And if a task needs hundreds of steps?
#
# MAML's gradient goes back through every step. Each of them has to be remembered: a loop of 200 steps holds 200 networks. Rajeswaran and others
# asked in 2019: what if only the *end* counts?
#
# Let the inner loop run until it stands still. So that it stands somewhere that depends on the start, pull it back to $\theta$:
#
# $$\varphi \;=\; \arg\min\; L_S(\varphi) + \tfrac{\lambda}{2}\,\lVert \varphi - \theta \rVert^2$$
#
# Weight decay pulls to zero with $\lambda$. This is the same pull, to the start.

# %% [markdown] slideshow={"slide_type": "notes"}
# 3 min. Draw a bowl, a start on its rim, and a spring between the start and the ball. The ball comes to rest where spring and slope balance. Where it rests depends on the start. How it got there does not matter.

# %% [markdown]
# A pull is no new loop: `proximal(rule, strength)` adds $\lambda(\varphi - \theta)$ to the gradient that a rule is given, and MAML's gradient through the
# steps knows of it. That is our reference: the *unrolled* gradient.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What does the end know of the start?
#
# Standing still means
#
# $$\nabla L_S(\varphi) + \lambda(\varphi - \theta) = 0 .$$
#
# Move $\theta$ a little. $\varphi$ moves so that the equation still holds: $H\,d\varphi + \lambda\,(d\varphi - d\theta) = 0$, with the Hessian $H$ of the
# support loss at $\varphi$. So $d\varphi = (I + H/\lambda)^{-1} d\theta$, and the meta-gradient of a task is the solution $x$ of
#
# $$\bigl(I + H/\lambda\bigr)\, x \;=\; v, \qquad v = \nabla L_Q(\varphi) .$$
#
# Aloud: *take the query gradient at the end, and shorten it in the directions in which the support loss is steep, for there the end does not
# follow the start.* No step of the loop is in it.

# %% [markdown] slideshow={"slide_type": "notes"}
# 4 min. Three lines on the board: the balance, the balance moved a little, the system solved. Ask what it says in a flat direction, and what in a steep one: flat, the end goes along with the start; steep, it does not care where it began.

# %% [markdown]
# ## How do you solve it without a matrix?
#
# $H$ has too many entries to write down. But $Hu$ is one vector, as in lesson 09. A method that solves $Ax = b$ by products alone is **conjugate gradient**.
# It walks along directions $p$ and keeps what is left of the equation, $r = b - Ax$:
#
# $$a = \frac{r\cdot r}{p\cdot Ap}, \quad x \leftarrow x + a\,p, \quad r \leftarrow r - a\,Ap, \quad p \leftarrow r + \frac{r\cdot r}{(r\cdot r)_{\text{before}}}\; p .$$
#
# It begins with $x = 0$ and $r = p = b$. Many tasks stand side by side, each with an equation of its own: its own $a$, its own share of the old direction.

# %% [markdown]
# **Your turn.** Write it. `times(x)` gives $Ax$, and `b` is [tasks, n]. One product with $A$ for each of `solves` iterations.
#
# <details><summary>Hint 1</summary>Four things are carried along: x, the residual r, the direction p, and rr = r · r. All but x start from b.</details>
# <details><summary>Hint 2</summary>Every task has its own a and its own share: <code>(p * Ap).sum(-1, keepdim=True)</code> keeps the task axis, so that they multiply [tasks, n].</details>
# <details><summary>Hint 3</summary>In the loop: Ap; a = rr / (p · Ap); x + a p; r - a Ap; new = r · r; p = r + (new / rr) p; rr = new.</details>

# %% tags=["exercise"]
def conjugate_gradient(times, b, solves):
    """x after so many iterations on A x = b from x = 0, for all tasks at once."""
    ### BEGIN SOLUTION
    x, r, p = torch.zeros_like(b), b, b
    rr = (r * r).sum(-1, keepdim=True)
    for _ in range(solves):
        Ap = times(p)
        a = rr / (p * Ap).sum(-1, keepdim=True)
        x, r = x + a * p, r - a * Ap
        new = (r * r).sum(-1, keepdim=True)
        p, rr = r + new / rr * p, new
    return x
    ### END SOLUTION


# %%
check("14.3", conjugate_gradient)

# %% [markdown]
# The rest of implicit MAML is short. Here it is for one task, with yours inside, beside the package's version, which has all tasks side by side.

# %%
solve = yours("14.3", conjugate_gradient, otherwise=find("14.3").solution)
mlp = MLP((1, 20, 20, 1), "tanh", "uniform")
finn = Sinusoids.finn()
draw = torch.Generator().manual_seed(0)
theta = mlp.init(draw, torch.float64)
waves = finn.sample(4, 10, 10, generator=draw, dtype=torch.float64)
PULL, RATE = 10.0, 0.02


def implicit_by_hand(theta, task, steps, solves):
    x, y, query_x, query_y = (each[0] for each in task)
    with torch.no_grad():  # the way is forgotten
        phi = adapt(lambda p: squared_error(mlp(p, x), y), theta,
                    proximal(sgd(RATE), PULL), steps)
    at = {name: value.requires_grad_() for name, value in phi.items()}
    names, sizes = list(at.values()), [value.numel() for value in at.values()]
    v = torch.autograd.grad(squared_error(mlp(at, query_x), query_y), names)
    g = torch.autograd.grad(squared_error(mlp(at, x), y), names, create_graph=True)

    def times(u):  # u + H u / lambda, as one row of numbers
        parts = [p.view_as(n) for p, n in zip(u[0].split(sizes), names)]
        Hu = torch.autograd.grad(g, names, parts, retain_graph=True)
        return u + torch.cat([each.flatten() for each in Hu]) / PULL

    found = solve(times, torch.cat([each.flatten() for each in v])[None], solves)[0]
    return {n: p.view_as(at[n]) for n, p in zip(at, found.split(sizes))}


alone = waves.part(slice(0, 1))
compare("by hand", implicit_by_hand(theta, alone, 150, 8), "the package",
        implicit_gradient(mlp, squared_error, theta, alone, sgd(RATE), 150,
                          strength=PULL, solves=8)[0], to=1e-10)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Is it the same gradient?
#
# At rest it must be what unrolling gives. Four tasks; steps from 1 to 200; both beside the gradient at rest. And count the
# bytes that autograd holds for the way back.

# %%
def implicit(steps, solves=30, strength=PULL, rate=RATE, tasks=waves):
    return implicit_gradient(mlp, squared_error, theta, tasks, sgd(rate), steps,
                             strength=strength, solves=solves, solve=solve)[0]


def unrolled(steps, strength=PULL, rate=RATE, tasks=waves):
    return maml_gradient(mlp, squared_error, theta, tasks,
                         proximal(sgd(rate), strength), steps)[0]


def off(found, wanted):
    """The distance, as a share of the length of what is wanted."""
    return (norm(subtract(found, wanted)) / norm(wanted)).item()


at_rest = implicit(400)
STEPS = (1, 2, 5, 10, 20, 50, 100, 200)
errors = {"unrolled": [off(unrolled(k), at_rest) for k in STEPS],
          "implicit": [off(implicit(k), at_rest) for k in STEPS],
          "no solve": [off(implicit(k, solves=0), at_rest) for k in STEPS]}
megabytes = {"unrolled": [held_bytes(partial(unrolled, k)) / 2**20 for k in STEPS],
             "implicit": [held_bytes(partial(implicit, k)) / 2**20 for k in STEPS]}
print("after 200 steps implicit and unrolled agree to 1e-6:",
      off(implicit(200), unrolled(200)) < 1e-6)
print(f"memory at 200 steps: unrolled {megabytes['unrolled'][-1]:.1f} MB, "
      f"implicit {megabytes['implicit'][-1]:.2f} MB, at one step "
      f"{megabytes['implicit'][0]:.2f} MB")

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "fragment", "code": false}
LOOKS = {"unrolled": style.method("maml"), "implicit": style.method("reptile"),
         "no solve": style.method("fomaml")}
fig, (left, right) = plt.subplots(1, 2, figsize=(10, 3.5))
for name, values in errors.items():
    line, = left.loglog(STEPS, values, **LOOKS[name])
    place = -1 if name == "no solve" else 5
    left.annotate({"no solve": "v alone, no solve"}.get(name, name),
                  (STEPS[place], values[place]),
                  xytext=(-8, -16) if name == "implicit" else (4, 8),
                  textcoords="offset points",
                  ha="left" if name == "unrolled" else "right",
                  color=style.ink(LOOKS[name]["color"]))
for name, values in megabytes.items():
    right.loglog(STEPS, values, **LOOKS[name])
    right.annotate(name, (STEPS[5], values[5]), xytext=(-6, 8), ha="right",
                   textcoords="offset points", color=style.ink(LOOKS[name]["color"]))
left.set(xlabel="inner steps", ylabel="off the gradient at rest", ylim=(1e-13, 10),
         title="Both come to the same")
right.set(xlabel="inner steps", ylabel="held for the way back, MB",
          title="One of them remembers the way")
show(fig, alt="Left: the error of the unrolled and of the implicit gradient falls "
     "together over 200 inner steps to one in a million million; v alone stays half "
     "off. Right: the memory of the unrolled gradient grows with the steps, that of "
     "the implicit one is flat.")

# %% [markdown] slideshow={"slide_type": "notes"}
# 3 min. Left: the same gradient, at rest. The light line is the cheap shortcut: leave the system out, take v. It never gets there. Right: bytes, counted and not timed. One grows with the steps, the other does not know how many there were.

# %% [markdown]
# ## Why does unrolling need so many steps?
#
# Because it solves the same equation, in the slow way. Near the rest every step back multiplies $v$ by $I - \alpha(H + \lambda I)$ and adds what the
# pull hands on. Written out, $k$ unrolled steps are $k$ steps of *gradient descent on the linear system* $(H + \lambda I)\,x = \lambda v$, begun at $x = v$.
# That is Richardson's method, from 1910. On a quadratic the identity is exact, and you can check it:

# %%
draw = torch.Generator().manual_seed(0)
H = torch.randn(5, 5, generator=draw, dtype=torch.float64)
H, low, goal = H @ H.T / 5, *torch.randn(2, 5, generator=draw, dtype=torch.float64)
begin = {"w": torch.zeros(5, dtype=torch.float64, requires_grad=True)}
end = adapt(lambda p: (p["w"] - low) @ H @ (p["w"] - low) / 2, begin,
            proximal(sgd(0.1), 0.7), 7)["w"]
back, = torch.autograd.grad((end - goal).square().sum() / 2, begin["w"])
v = (end - goal).detach()
compare("7 unrolled steps", back, "7 steps of Richardson's",
        richardson(lambda u: H @ u + 0.7 * u, 0.7 * v, 7, 0.1, v), to=1e-12)

# %% [markdown] slideshow={"slide_type": "slide"}
# **Predict.** The network has 481 weights, so the system has 481 unknowns for each task. How many iterations of conjugate gradient bring the error below 1 %,
# with $\lambda = 10$?
#
# - ( ) about 4
# - ( ) about 40
# - ( ) about 480, one for each unknown
#
# <details><summary>After you have guessed</summary>
#
# About 4. Ten support points can bend the loss in ten directions at most (nearly so, off the exact minimum), and in all others $I + H/\lambda$ is nearly the
# identity. Conjugate gradient needs one iteration for each cluster of eigenvalues.
#
# </details>

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "fragment", "code": false}
COUNTS = (0, 1, 2, 3, 4, 5, 7, 10, 15, 20)


def slow(times, b, solves):
    """Richardson's method on the same system, at the largest rate that is safe here."""
    return richardson(times, b, solves, 0.02 * PULL, b)


solved = {"conjugate gradient": [off(implicit(400, c), at_rest) for c in COUNTS]}
solved["as unrolling does it"] = [
    off(implicit_gradient(mlp, squared_error, theta, waves, sgd(RATE), 400,
                          strength=PULL, solves=c, solve=slow)[0], at_rest)
    for c in COUNTS]
fig, ax = plt.subplots(figsize=(8, 3.3))
for (name, values), look in zip(solved.items(), ("implicit", "unrolled")):
    ax.semilogy(COUNTS, [max(value, 1e-15) for value in values], **LOOKS[look],
                marker="o", markersize=4)
    ax.annotate(name, (COUNTS[6], values[6]), xytext=(8, 4), ha="left",
                textcoords="offset points", color=style.ink(LOOKS[look]["color"]))
ax.axhline(0.01, color=style.color("baseline"), linestyle="--", linewidth=1)
ax.set(xlabel="products with the Hessian", ylabel="off the gradient at rest",
       ylim=(1e-13, 3), xticks=COUNTS, title="The quick solver and the slow one")
show(fig, alt="Error over products with the Hessian: conjugate gradient falls below "
     "one percent at four and below one in a million at ten; Richardson's method is at "
     "ten percent after many.")
print("below 1 % after", next(c for c, e in zip(COUNTS, solved["conjugate gradient"])
                              if e < 0.01), "iterations")

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. The same products, spent in two ways. Richardson's is what going back through the steps amounts to. The dashed line is one percent.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Pitfall: the loop that did not stand still
#
# The formula is about the point of rest. Ask it elsewhere and it answers all the same, without a word. How bad is that? A weaker pull, $\lambda = 2$, and
# only a few steps.

# %% [markdown] slideshow={"slide_type": "-"}
# **Predict.** $\lambda = 2$, five inner steps, the system solved to the end. How far is the implicit gradient from the true gradient of that
# loop, the unrolled one?
#
# - ( ) within a few percent
# - ( ) by about half of its length
# - ( ) by more than its whole length
#
# <details><summary>After you have guessed</summary>
#
# By more than its whole length: it is worse than the answer zero. Far from a minimum $H$ has negative eigenvalues, some of them near $-\lambda$ or below it.
# There $I + H/\lambda$ is nearly singular, or not positive at all, and the solution is long and points anywhere.
#
# </details>

# %%
def unrest(steps, strength, rate, tasks):
    """How far each task is from rest: slope plus pull, beside the pull."""
    begin = stack(theta, tasks.tasks)
    with torch.no_grad():
        phi = adapt(lambda p: squared_error(mlp(p, tasks.support_x), tasks.support_y),
                    begin, proximal(sgd(rate), strength), steps)
    at = {name: value.requires_grad_() for name, value in phi.items()}
    loss = squared_error(mlp(at, tasks.support_x), tasks.support_y).sum()
    slope = dict(zip(at, torch.autograd.grad(loss, list(at.values()))))
    pull = {name: strength * (at[name] - begin[name]).detach() for name in at}

    def length(of):
        return torch.stack([value.flatten(1).square().sum(1) for value in of.values()])

    left = length({name: slope[name] + pull[name] for name in at}).sum(0)
    return (left / length(pull).sum(0)).sqrt()


# %% jupyter={"source_hidden": true} slideshow={"slide_type": "fragment", "code": false}
FEW = (1, 2, 5, 10, 20, 50, 100, 200)
weak = {"implicit, solved": [], "v alone, no solve": []}
for k in FEW:
    truth_k = unrolled(k, 2.0, 0.03)
    weak["implicit, solved"].append(off(implicit(k, 30, 2.0, 0.03), truth_k))
    weak["v alone, no solve"].append(off(implicit(k, 0, 2.0, 0.03), truth_k))
fig, ax = plt.subplots(figsize=(8.5, 3.3))
for (name, values), look in zip(weak.items(), ("warning", "fomaml")):
    look = style.method(look)
    ax.loglog(FEW, values, **look, marker="o", markersize=4)
    ax.annotate(name, (FEW[3], values[3]), xytext=(0, 9), ha="center",
                textcoords="offset points", color=style.ink(look["color"]))
ax.axhline(1, color=style.color("baseline"), linestyle="--", linewidth=1)
ax.set(xlabel="inner steps, λ = 2", ylabel="off the gradient of this loop",
       ylim=(0.03, 3e3), title="Short of rest, solving makes it worse")
show(fig, alt="Error over inner steps on two logarithmic axes. The solved implicit "
     "gradient is off by more than its length, up to ten times and more, below a "
     "hundred steps; leaving the solve out is off by about its length or less.")

# %% [markdown] slideshow={"slide_type": "notes"}
# 3 min. Above the dashed line the answer zero would be nearer to the truth. The training code would not notice: a gradient comes out, of some length. Clipping hides the length. The detector is one line: how much of slope plus pull is left.

# %% [markdown]
# **Detector.** At rest slope and pull cancel. So measure what is left of their sum beside the pull, and sound the alarm above 10 %. Is it a good alarm? Try it
# on 24 tasks, two pulls and several loops, one task at a time. *Bad* means: off the unrolled gradient by more than a tenth.

# %%
many = finn.sample(6 if PROFILE == "smoke" else 24, 10, 10, dtype=torch.float64,
                   generator=torch.Generator().manual_seed(5))
alarms = {"false alarms": 0, "misses": 0, "right": 0}
for strength, rate in ((10.0, 0.02), (2.0, 0.03)):
    for k in (2, 10, 40, 120):
        noisy = unrest(k, strength, rate, many) > 0.1
        for index in range(many.tasks):
            one = many.part(slice(index, index + 1))
            bad = off(implicit(k, 30, strength, rate, one),
                      unrolled(k, strength, rate, one)) > 0.1
            wrong = "misses" if bad else "false alarms"
            alarms["right" if bad == noisy[index] else wrong] += 1
print(alarms)

# %% [markdown]
# The released code of the paper has a trap of another kind. Its inner loop has no pull; its system is $(2I + H/(\lambda + 10))\,x = v$. That is not the
# equation above, whatever $\lambda$ is. How far off is its direction? At rest, with $\lambda = 2$ and with $\lambda = 10$:

# %%
def cosine_to(a, b):
    return (sum((a[n] * b[n]).sum() for n in a) / norm(a) / norm(b)).item()


def released(strength):
    """Their matrix in the place of ours: 2 x + H x / (lambda + 10)."""
    def theirs(times, b, solves):
        return solve(lambda x: 2 * x + (times(x) - x) * strength / (strength + 10),
                     b, solves)

    return theirs


for strength, rate, k in ((2.0, 0.03, 2000), (10.0, 0.02, 400)):
    right, matrix, no_solve = (
        implicit_gradient(mlp, squared_error, theta, waves, sgd(rate), k,
                          strength=strength, solves=c, solve=how)[0]
        for c, how in ((40, solve), (5, released(strength)), (0, solve)))
    print(f"lambda {strength:2.0f}: cosine with the exact gradient: "
          f"{cosine_to(matrix, right):.1f} by the released matrix, "
          f"{cosine_to(no_solve, right):.1f} without any solve")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## When does it pay?
#
# Train with it, and look: at equal cost, on sinusoids.

# %% [markdown] slideshow={"slide_type": "notes"}
# 1 min. Take bets before you go on: one step, five, or thirty?

# %% [markdown]
# Sinusoids, ten points; five ways to spend the same cost: MAML with one step, with five, and three loops of 30
# steps with a pull: unrolled, implicit with five iterations, and $v$ alone. One outer step of each was timed side by side, and each
# got outer steps in that ratio. Rate and $\lambda$ were chosen on validation tasks, for each by itself.

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "slide"}
race = study("implicit")
RIVALS = {"MAML, 1 step": "maml", "MAML, 5 steps": "maml",
          "unrolled, 30 steps": "baseline", "implicit, 30 steps": "reptile",
          "no solve, 30 steps": "fomaml"}
fig, ax = plt.subplots(figsize=(9.5, 3.6))
for place, (name, look) in enumerate(RIVALS.items()):
    if f"{name}.error" in race:
        color, ends = style.color(look), [race[f"{name}.{what}"]
                                          for what in ("error", "after 30")]
        for figure, full in zip(ends, ("full", "none")):
            ax.errorbar(figure["value"], place, xerr=figure["interval"], fmt="o",
                        color=color, capsize=4, fillstyle=full)
        cost, outer = (race[f"{name}.{what}"]["value"]
                       for what in ("cost", "outer steps"))
        ax.annotate(f"{ends[0]['value']:.2f}   ({outer:.0f} outer steps, each "
                    f"{cost:.0f} times the cheapest)",
                    (ends[1]["value"], place), xytext=(0, 9),
                    textcoords="offset points")
ax.set(yticks=range(len(RIVALS)), yticklabels=RIVALS, ylim=(4.6, -0.8), xlim=(0, 5),
       xlabel="test error, MSE; filled: after its own steps, hollow: after 30",
       title="Thirty steps, or many more tasks?")
show(fig, alt="Five dots with intervals: the test error of MAML with one and with five "
     "steps, and of three loops of 30 steps with a pull, at equal cost.")

# %% [markdown] slideshow={"slide_type": "notes"}
# 3 min. First compare unrolled and implicit: more than twice as many outer steps for the same cost, and a lower error. Then implicit and no solve: no difference in this budget. Then look at the first row. One step, a thousand times, and its start is good for thirty steps as well.

# %% [markdown]
# Three answers. If the loop *must* be long, unrolling is the dear way: for the same cost implicit MAML makes more than twice the outer steps, ends lower, and
# holds the memory of one step. But its one-line rival does as much: leave the system out and take $v$. In this budget the intervals of the two lie on each
# other, so what helped is that a step is cheaper, not that it is solved; thirty steps at $\lambda = 2$ are short of rest. And nothing on sinusoids asks for a long
# loop. MAML with one step sees ten times as many tasks, and its start is better, also when all of them walk 30 steps at test (hollow). All of these
# budgets are small, so the long loops are far from their end. Look for the method's use where a task cannot be learned in a few steps, or the memory is full.
#
# Train with yours, live. A loop of 30 steps, your conjugate gradient inside, and the error on new tasks before and after.

# %%
OUTER = {"smoke": 8, "lecture": 300, "paper": 3000}[PROFILE]
tanh = MLP((1, 40, 40, 1), "tanh", "uniform")
rest = dict(steps=30, strength=2.0, solves=5)
judged = finn.sample(200, 10, 50, generator=torch.Generator().manual_seed(1))


def after(theta, steps=30):
    with torch.no_grad():
        phi = adapt(lambda p: squared_error(tanh(p, judged.support_x),
                                            judged.support_y),
                    stack(theta, judged.tasks), proximal(sgd(0.01), 2.0), steps)
        return squared_error(tanh(phi, judged.query_x), judged.query_y).mean().item()


fresh = tanh.init(torch.Generator().manual_seed(0))
run = fit(partial(implicit_gradient, tanh, squared_error, rule=sgd(0.01), solve=solve,
                  **rest),
          fresh, lambda g: finn.sample(25, 10, 10, generator=g), steps=OUTER,
          generator=torch.Generator().manual_seed(0), lr=5e-3, schedule="cosine",
          clip=10.0, progress="implicit MAML")
better = "lower" if after(run.theta) < after(fresh) else "not lower"
print(f"after {OUTER} outer steps the error on new tasks is {better} than at first")

# %% tags=["setup"] jupyter={"source_hidden": true}
record("live.implicit.error", after(run.theta), unit="MSE", seeds=[0], tasks=200,
       seconds=run.seconds, device=run.device,
       note=f"{run.step} outer steps through 30 inner ones; after 30 steps")

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "slide"}
curve = torch.tensor(run.history["loss"])
fig, ax = plt.subplots(figsize=(8, 2.9))
ax.plot(range(1, OUTER + 1), curve, **LOOKS["implicit"])
ax.set(xlabel="outer step", ylabel="query loss at the end", yscale="log",
       title="Meta-training through a loop that nobody remembers")
show(fig, alt="The query loss over the outer steps of implicit MAML.")

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. If somebody in the room has passed the exercise, this is their solver at work.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What you learned
#
# - One task is 120 tasks. A head with learned rows answers differently in each; a vote over orders mends it, a head of zeros does so for nothing.
# - UNICORN's vector under softmax is the head of zeros: no gradient reaches it, under SGD, momentum, weight decay and Adam.
# - With sigmoids, squared error, cosines, or a rule that reads the weights it is something else, and costs or helps. Ask then what one number does in its place.
# - At rest the meta-gradient is the solution of one linear system. Unrolling solves it too, slowly and with memory.
# - Short of rest the formula is worse than none. Measure slope plus pull.

# %% [markdown] slideshow={"slide_type": "notes"}
# 1 min. Read the first and the last line. The first is a habit for reading papers, the last one for writing code.

# %% [markdown]
# ## Quiz
#
# <details><summary>1. A colleague tests each task under 120 label orders and reports the best. What is wrong?</summary>
#
# Which order is best is known only from the queries' answers. It is a choice made on the test set. The mean over orders is honest, and so is
# a vote.
#
# </details>
#
# <details><summary>2. You use UNICORN's shared vector with softmax and find it unchanged after training. Is it a bug?</summary>
#
# No. What all rows share is added to all logits, softmax forgets it, and the errors sum to zero. No gradient can reach it. If it had moved, that would be
# the outer optimizer's weight decay, or a bug.
#
# </details>
#
# <details><summary>3. Why is the memory of the implicit gradient flat in the number of inner steps, and what does that cost?</summary>
#
# It needs the end of the loop and products with the Hessian there, none of the steps. The price is that the end must be a point of rest: a
# loop long enough, and a pull strong enough that there is one.
#
# </details>
#
# ## References
#
# - Ye, Chao 2022, [How to train your MAML to excel in few-shot classification](https://arxiv.org/abs/2106.16245): UNICORN-MAML.
# - Rajeswaran, Finn, Kakade, Levine 2019, [Meta-learning with implicit gradients](https://arxiv.org/abs/1909.04630), and the
#   [released code](https://github.com/aravindr93/imaml_dev).
# - Shewchuk 1994, [An introduction to the conjugate gradient method without the agonizing pain](https://www.cs.cmu.edu/~quake-papers/painless-conjugate-gradient.pdf).
# - Finn, Abbeel, Levine 2017, [Model-agnostic meta-learning](https://arxiv.org/abs/1703.03400).
#
# ## Next
#
# Five steps of one loss from one start: [lesson 15](15_task_adaptive_losses_and_starts.ipynb), *Task-adaptive losses and starts*, learns the loss and
# keeps several starts.
