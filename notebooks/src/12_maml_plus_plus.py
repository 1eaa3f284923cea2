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
# # 12 MAML++
#
# You take five inner steps at a rate that is too large, and watch MAML fail. Then you put in the five repairs of one paper, one at a
# time, and beside each of them one line that nobody published.
#
# **You will be able to**
#
# - say where MAML's outer gradient gets its length from, and measure it,
# - write the whole loss of MAML++: a query loss after every step, a learned rate for each tensor and step, second derivatives that come later,
# - read an ablation: what each ingredient does alone, and what is missed without it,
# - name the rivals that belong into the same table, and say what is left of the method beside them,
# - catch running statistics that a program writes and never reads.
#
# **Prerequisites:** [lesson 09](09_omniglot_maml.ipynb) for MAML on Omniglot and the modes of batch norm, and
# [lesson 11](11_loss_landscapes.ipynb) for what a rate at the edge of stability does.
#
# **Time:** 35 minutes of reading, and 40 minutes for the exercises.
#
# **What it costs to run:** *smoke* takes about 30 s on two cores and trains far too little. *lecture* takes about 2 minutes: it trains two
# networks with the recorded budget. *paper* is the published protocol for 5 ways, 50,000 outer steps with 64 filters: about a day on two
# cores. It was not run here.

# %% [markdown] slideshow={"slide_type": "notes"}
# 1 min. A lesson about repairs. Promise two things: all five repairs of MAML++ in one function that they write themselves, and the question that the paper's table does not ask: what does one line of clipping do?

# %% tags=["parameters"]
PROFILE = "smoke"  # "smoke", "lecture" or "paper": the same cells, three budgets
SEEDS = [0]  # one training run for each

# %% tags=["setup"]
from functools import partial

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F

from mlteach.exercises import check, find, yours
from mlteach.explore import Ingredients, style
from mlteach.explore.figure import show
from mlteach.fit import fit
from mlteach.inner import adapt, sgd
from mlteach.inner.per_step import LearnedRates
from mlteach.measure import compare, is_it_maml, over_seeds, over_tasks, path_of
from mlteach.measure import published, step_accuracy
from mlteach.measure.ledger import data_folder, read_json, record, recorded
from mlteach.nets import Conv4, cross_entropy
from mlteach.nets.per_step import PerStep
from mlteach.outer import maml_gradient, maml_gradient_loop
from mlteach.outer.chunks import sum_over_chunks
from mlteach.outer.multi_step import annealed, in_two_schedules
from mlteach.params import gradient_of, leaves, norm, scale, stack
from mlteach.tasks import Characters

style.use()
K, BAD = 5, 1.0  # inner steps, and the rate that is too large
study = read_json(data_folder() / "results" / "12-ingredients.json",
                  "python -m studies.lesson12_ingredients makes it.", dict)
RUNS, FIGURES = study["runs"], recorded("12", "ingredients")
TUNED = RUNS["tuned/plain"]["arm"]["alpha"]


def seeds_of(name):
    """Percent right after the last inner step, one number a seed."""
    return [seed[-1] for seed in RUNS[name]["test"]["transductive"]]

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Where does MAML break?
#
# Everything here is 5-way 1-shot Omniglot, as in lesson 09, and two things are different. The head is *learned*, as in the first MAML, and
# there are **five** inner steps, as in most papers since. Take the inner rate $\alpha = 1$. Below is the length of the outer gradient
# while plain MAML trains, for three seeds.

# %% tags=["opening"] jupyter={"source_hidden": true} slideshow={"slide_type": "fragment"}
def lengths(ax, name, look, every=10):
    """The length of the outer gradient over training, a thin line for each seed."""
    for seed in RUNS[name]["norms"]:
        line, = ax.semilogy([every * (k + 0.5) for k in range(len(seed))], seed,
                            **look | {"linewidth": 1.3})
    return line


fig, ax = plt.subplots(figsize=(10, 3.4))
lengths(ax, "bad/plain", style.method("warning"))
ax.axhline(1, color="#9aa0a8", linewidth=1)
ax.text(4, 1.15, "length 1", color="#55595f", fontsize=11)
ax.set(xlabel="outer step (medians of ten)", ylabel="length of the outer gradient",
       title="Five inner steps at rate 1: gradients of length 10 to 1000, all the way")
show(fig, alt="Three jagged lines on a logarithmic axis: the length of the outer "
     "gradient of plain MAML over the outer steps, between ten and a thousand for most "
     "of the training.")

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Say what is the same as in lesson 09, and the two things that are not: the learned head and five steps. Then let them read the axis: it is logarithmic. These are medians of ten steps, single ones are worse. Ask what Adam makes of a gradient that is a thousand times longer than the last.

# %%
spread = over_seeds(seeds_of("bad/plain"))
quantiles = RUNS["bad/plain"]["quantiles"]
print("plain MAML, α = 1, right answers by seed:",
      ", ".join(f"{each:.1f} %" for each in seeds_of("bad/plain")))
print("length of the outer gradient, seed 0: median "
      f"{quantiles[0][0]:.0f}, the longest {quantiles[0][-1]:.0f}")

# %% [markdown]
# The runs end where they end by luck: the seeds are points apart, and all of them are bad. (Lesson 01's nearest neighbour on centred
# drawings, which learns nothing, is not far below.)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Where does the length come from?
#
# Lesson 09 had the chain rule for $k$ inner steps:
#
# $$\nabla_\theta L_{\text{query}}(\varphi) \;=\; (I - \alpha H_0)\,(I - \alpha H_1) \cdots (I - \alpha H_{k-1})\;\nabla L_{\text{query}}(\varphi)$$
#
# Aloud: *the gradient at the end, corrected once for each step that led there.* Where the support loss is curved more than $2/\alpha$,
# a factor does not shrink what it meets. It makes it longer. Five factors make it longer five times.
#
# If that is the reason, two things must be true. A gradient without the factors, FOMAML's, is short at the same place. And a rate that
# keeps $\alpha H$ small keeps the gradient short.

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Write the product on the board. One factor, curvature 10, rate 1: it multiplies by minus nine. Five of them: by fifty thousand. Then ask for the two controls before you show them: leave the factors out, or make alpha small.

# %% [markdown] slideshow={"slide_type": "slide"}
# **Predict.** A fresh network, four tasks, five inner steps at $\alpha = 1$. How much longer is MAML's gradient than FOMAML's at the same place?
#
# - ( ) about as long: the factors turn it, on average
# - ( ) about twice as long
# - ( ) about ten times as long
# - ( ) more than fifty times as long
#
# <details><summary>After you have guessed</summary>
#
# More than fifty times as long, in the median over groups of tasks. The first factor alone makes it ten times as long, and each further one adds to that. At the tuned rate five factors together
# make less than that one. So the length comes out of the product, and out of α.
#
# </details>

# %%
characters = Characters.load()
train, validation, test = characters.split("random")
plain_net = Conv4(5, 32, head="flatten")
ADAPTS = tuple(f"conv{block}.weight" for block in (1, 2, 3, 4)) + plain_net.head_names


def draw_training(generator, tasks=4):
    return train.sample(tasks, ways=5, shots=1, queries=1, generator=generator)


def length_of(steps, alpha, first_order, seed):
    """The length of one outer gradient of a fresh network."""
    generator = torch.Generator().manual_seed(seed)
    theta = plain_net.init(generator)
    found, _ = maml_gradient(plain_net, cross_entropy, theta, draw_training(generator),
                             sgd(alpha), steps, only=ADAPTS, first_order=first_order)
    return norm(found).item()


LOOKS = 8 if PROFILE == "smoke" else 20
counts = range(K + 1)
measured = {
    (alpha, first_order): [
        torch.tensor([length_of(k, alpha, first_order, seed) for seed in range(LOOKS)])
        for k in counts]
    for alpha in (BAD, TUNED) for first_order in (False, True)
}
ratio = measured[BAD, False][K].median() / measured[BAD, True][K].median()
calm = measured[TUNED, False][K].median() / measured[TUNED, True][K].median()
print("after five steps MAML's gradient is more than fifty times as long as FOMAML's",
      f"at α = 1: {bool(ratio > 50)}")
print(f"and less than ten times at α = {TUNED:g}: {bool(calm < 10)}")

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "fragment"}
fig, ax = plt.subplots(figsize=(9, 3.4))
for (alpha, first_order), look, said in (
        ((BAD, False), style.method("warning"), "MAML, α = 1"),
        ((BAD, True), style.method("fomaml"), "FOMAML, α = 1"),
        ((TUNED, False), style.method("maml"), f"MAML, α = {TUNED:g}")):
    values = torch.stack(measured[alpha, first_order])
    low, middle, high = values.quantile(torch.tensor([0.25, 0.5, 0.75]), dim=1)
    line, = ax.semilogy(counts, middle, **look)
    ax.fill_between(counts, low, high, color=look["color"], alpha=0.15, linewidth=0)
    style.label_line(ax, line, said)
ax.set(xlabel="inner steps k", ylabel="length of the outer gradient",
       xlim=(0, K + 1.3), xticks=counts,
       title="The length comes out of the factors, and out of α")
show(fig, alt="Median length of the outer gradient against the number of inner steps, "
     "with quartiles. MAML at rate 1 grows with every step; FOMAML at rate 1 and MAML "
     "at the tuned rate stay low.")

# %% [markdown] slideshow={"slide_type": "notes"}
# 3 min. Take the vote, then the picture. The band is the middle half of the groups of tasks. Both controls are in it: the dash-dotted line has the same steps and no factors, the blue one has the factors and a small alpha.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Repair 1: listen after every step
#
# MAML judges the queries after the last step alone, so every word that reaches the start has come through all factors. The **multi-step
# loss** judges them after *every* step:
#
# $$L \;=\; \sum_{t=1}^{k} w_t \; L_{\text{query}}(\theta_t), \qquad \sum_t w_t = 1 .$$
#
# Aloud: *a weighted mean of the query losses along the way.* The loss after the first step comes back through one factor, that after the
# second through two. At first all weights are the same. While training goes on, the earlier ones fall to zero, and in the end only the last step
# counts: ordinary MAML.

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Draw the path with five points, and an arrow back to the start from each. Short arrows are safe. Then the annealing: we want to be good after step five, so the short arrows must go in the end.

# %% [markdown]
# **Your turn.** Write the weights. `steps` is the number of inner steps, `done` the share of the annealing that is over: 0 at first, and it may
# pass 1. Return `steps + 1` numbers: one for before the first step (it is 0: no step has led there), and one for after each step. The earlier
# ones begin at `1 / steps` and fall along a straight line to 0; the last gets what they leave.
#
# <details><summary>Hint 1</summary>One weight for each number of steps from 0 to <code>steps</code>. The first is 0.</details>
# <details><summary>Hint 2</summary>The earlier ones are 1 / steps at first and fall along a straight line: <code>max(1 - done, 0) / steps</code>.</details>
# <details><summary>Hint 3</summary>There are <code>steps - 1</code> earlier ones. The last gets 1 minus their sum.</details>

# %% tags=["exercise"]
def step_weights(steps, done):
    """The weights of the query loss after 0, 1, ..., steps inner steps."""
    ### BEGIN SOLUTION
    early = max(1 - done, 0) / steps
    return [0.0] + [early] * (steps - 1) + [1 - (steps - 1) * early]
    ### END SOLUTION


# %%
check("12.1", step_weights)

# %%
weights_at = yours("12.1", step_weights, otherwise=find("12.1").solution)
shares = torch.linspace(0, 1.2, 25)
table = torch.tensor([weights_at(K, share) for share in shares.tolist()])
packaged = torch.tensor([annealed(K, share) for share in shares.tolist()])
compare("the weights", table, "the package's", packaged)
compare("their sums, at every epoch,", table.sum(1), "one", torch.ones(len(table)))

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "slide"}
fig, ax = plt.subplots(figsize=(9, 2.9))
shades = style.steps(K)
for t in range(1, K + 1):
    line, = ax.plot(100 * shares, table[:, t], color=shades[t - 1], linewidth=2.5)
    if t in (1, K):
        said = "step 5" if t == K else "steps 1 to 4, each"
        style.label_line(ax, line, said, dy=10 if t == 1 else 0)
ax.set(xlabel="share of the annealing that is over, %", ylabel="weight",
       ylim=(-0.04, 1.1), xlim=(0, 160), xticks=range(0, 121, 20),
       title="At first every step counts, in the end the last alone")
show(fig, alt="Weights over the annealing: those of steps one to four fall together "
     "from one fifth to zero, that of step five rises from one fifth to one and stays.")

# %% [markdown] slideshow={"slide_type": "notes"}
# 1 min. If you solve the exercise with the room: the trap is what happens past the end. The sum is one at every epoch; the cell checks it.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Repairs 2 to 5
#
# 2. **Order annealing.** Leave second derivatives out at first: no factors, no long gradients, and cheaper. Bring them in later.
# 3. **Batch norm by step.** After $t$ inner steps the features are others than before. So batch norm gets $\gamma$ and $\beta$ of its own for
#    each step, learned by the outer loop. (The paper gives it running statistics by step too. Of those below.)
# 4. **Learned rates.** A rate $\alpha_{l,t}$ for each tensor $l$ and each step $t$, learned by the outer loop as the start is.
# 5. **Cosine.** The outer rate $\beta$ falls along half a cosine.
#
# Number 4 has a gradient that you can write down. With the gradient $v_{t+1}$ that the outer loop walks back with,
#
# $$\frac{\partial L_{\text{query}}}{\partial \alpha_{l,t}} \;=\; -\, v_{l,t+1} \cdot \nabla_l L_{\text{support}}(\theta_t) .$$
#
# Aloud: *a rate grows where the step it makes and the step that would have helped point the same way.*

# %% [markdown] slideshow={"slide_type": "notes"}
# 3 min. One sentence for each, no more. Ask of each: does it touch the long gradients, or something else? Two of them do by design. Spend the time on the formula: minus sign, two gradients, one rate. Agree, and the rate grows.

# %% [markdown]
# The package has each of them in one file, and they are all choices in the same engine: `LearnedRates` is a rule that counts its steps, `PerStep`
# a network that knows which step it is at. First the formula, for one task and one step, where $v$ is the query gradient at $\varphi$:

# %%
small = PerStep(Conv4(5, 8, head="flatten"), K)
rates = LearnedRates(ADAPTS, K)
theta = small.init(small.net.init(torch.Generator().manual_seed(0), torch.float64))
theta |= rates.init(0.5, torch.float64)
batch = train.sample(2, ways=5, shots=1, queries=2, dtype=torch.float64,
                     generator=torch.Generator().manual_seed(1))
one = batch.part(slice(1))
how = dict(rule=rates.rule, only=ADAPTS, start=rates.start)
found, _ = maml_gradient(small, cross_entropy, theta, one, steps=1, **how)

begin, end = (leaves(phi) for phi in path_of(small, theta, one, rates.rule(theta), 1,
                                             only=ADAPTS, start=rates.start))
before = cross_entropy(small.at(0)(begin, one.support_x), one.support_y).sum()
after = cross_entropy(small.at(1)(end, one.query_x), one.query_y).sum()
g, v = gradient_of(before, begin), gradient_of(after, end)
by_hand = torch.stack([-(v[name] * g[name]).sum() for name in ADAPTS])
by_autograd = torch.stack([found["rate." + name][0] for name in ADAPTS])
compare("minus v times g", by_hand, "the package's gradient of the rates", by_autograd,
        to=1e-10)

# %% [markdown]
# ## Your turn: all of it in one loss
#
# **Write MAML++.** `support_loss(phi, t)` and `query_loss(phi, t)` give one loss for each task, [tasks], by the network as it is after $t$ inner steps (its
# $\gamma$ and $\beta$ are inside). `phi` is where the inner loop begins, a dict [tasks, ...]. `rates[name][t]` is a rate. `weights` are yours from
# above, `len(weights) - 1` inner steps. Where `first_order` is true, an inner gradient counts as a constant. Return the mean over the tasks. The lesson trains
# with it.
#
# <details><summary>Hint 1</summary>Begin with <code>weights[0] * query_loss(phi, 0)</code>. After step t add <code>weights[t + 1] * query_loss(phi, t + 1)</code>.</details>
# <details><summary>Hint 2</summary>A step: the gradient of <code>support_loss(phi, t).sum()</code>, and <code>phi[name] - rates[name][t] * g</code> for each name.</details>
# <details><summary>Hint 3</summary><code>create_graph=not first_order</code> keeps the way back, or leaves it out.</details>

# %% tags=["exercise"]
def multi_step_loss(support_loss, query_loss, phi, rates, weights, first_order):
    """The loss that MAML++ descends on, of all tasks side by side."""
    ### BEGIN SOLUTION
    total = weights[0] * query_loss(phi, 0)
    for t in range(len(weights) - 1):
        gradient = torch.autograd.grad(support_loss(phi, t).sum(), list(phi.values()),
                                       create_graph=not first_order)
        phi = {name: phi[name] - rates[name][t] * g for name, g in zip(phi, gradient)}
        total = total + weights[t + 1] * query_loss(phi, t + 1)
    return total.mean()
    ### END SOLUTION


# %%
check("12.2", multi_step_loss)

# %% [markdown]
# Around it goes what turns a loss into a gradient: each task gets its own $\varphi$, the norms of each step are laid beside it, and the tasks are
# dealt to the processor's cores.

# %% slideshow={"slide_type": "slide"}
plus_plus = yours("12.2", multi_step_loss, otherwise=find("12.2").solution)


def plus_plus_gradient(net, theta, episode, weights, first_order=False):
    """MAML++'s gradient by everything in theta: start, norms of each step, rates."""
    def part(tasks):
        point = leaves(theta)
        phi = stack({name: point[name] for name in ADAPTS}, tasks.tasks)
        norms = stack({name: point[name] for name in net.net.norm_names}, tasks.tasks)
        rates = {name: point["rate." + name] for name in ADAPTS}

        def loss_on(x, y):
            return lambda phi, t: cross_entropy(net.at(t)(phi | norms, x), y)

        loss = plus_plus(loss_on(tasks.support_x, tasks.support_y),
                         loss_on(tasks.query_x, tasks.query_y),
                         phi, rates, weights, first_order)
        share = tasks.tasks / episode.tasks
        return (scale(share, gradient_of(loss, point)),
                {"loss": share * loss.detach()})

    return sum_over_chunks(part, episode)


# %% [markdown] slideshow={"slide_type": "notes"}
# 3 min. All five repairs are in this slide but the cosine, which is an option of the loop. Find them with the room: weights, first_order, net.at(t), rates. Ask where the head is: it is learned, no zero head here.

# %%
for said, done, first_order in (("as it begins", 0.0, True),
                                ("half way", 0.5, False), ("at the end", 1.0, False)):
    weights = weights_at(K, done)
    ours, _ = plus_plus_gradient(small, theta, batch, weights, first_order)
    package = maml_gradient_loop(small, cross_entropy, theta, batch, steps=K,
                                 weights=weights, first_order=first_order, **how)
    compare(f"MAML++ {said}", ours, "the package", package, to=1e-10)

# %% [markdown]
# And the definition, by finite differences, says what it is. At the end of the annealing MAML++ is MAML with other rates and norms: second order.

# %%
def adapt_plus_plus(start, x, y):
    losses = [partial(lambda t, phi: cross_entropy(small.at(t)(phi, x), y), t)
              for t in range(K)]
    return adapt(losses, rates.start(start), rates.rule(start), K, only=ADAPTS)


def loss_at_the_end(phi, x, y):
    return cross_entropy(small.at(K)(phi, x), y)


print("MAML++:", is_it_maml(adapt_plus_plus, loss_at_the_end, theta, one))

# %% [markdown]
# ## Train both
#
# Plain MAML and yours, at the rate that breaks, the same tasks in the same order. One outer step of MAML++ judges the queries five times, and
# leaves second derivatives out in the first part: what does that cost together?

# %%
PARTS = ("multi-step loss", "order annealing", "norm weights", "learned rates",
         "cosine")
for told, name in (("MAML++", "all"), *((each, each) for each in PARTS[:-1]),
                   ("first order to the end", "first order"),
                   ("zero head", "zero head")):
    cost = FIGURES[f"cost.{name}"]["value"]
    print(f"{told:22} {cost:.2f} times a plain step, its schedules included")

# %% [markdown]
# With all parts in it, a step of MAML++ costs about what a plain one does: what the multi-step loss takes, order annealing saves. Single parts differ. Below,
# steps are equal. So order annealing has fewer seconds than plain MAML, first order to the end has less than half, and the multi-step loss has more. Where the
# cheaper one ends higher, seconds are not the reason. Where it ends lower, they might be.

# %%
# The study's settings, and those that were released with the paper for 5 ways.
OURS = dict(filters=32, pool="stride", tasks=4, alpha=BAD, beta=4e-3, over=0.5,
            first_order=0.3, outer=study["outer_steps"], schedule="cosine")
PAPER = OURS | dict(filters=64, pool="max", tasks=8, alpha=0.1, beta=1e-3, over=0.1,
                    first_order=0.0, outer=50_000)
setting = PAPER if PROFILE == "paper" else OURS
OUTER = 24 if PROFILE == "smoke" else setting["outer"]
base = Conv4(5, setting["filters"], pool=setting["pool"], head="flatten")
net = PerStep(base, K)


def with_length(found, numbers):
    return found, {"loss": numbers["loss"], "norm": norm(found)}


def plain_step(theta, episode):
    return with_length(*maml_gradient(base, cross_entropy, theta, episode,
                                      sgd(setting["alpha"]), K, only=ADAPTS))


def plus_plus_step(theta, episode, weights, first_order):
    return with_length(*plus_plus_gradient(net, theta, episode, weights, first_order))


def train_one(label, seed):
    generator = torch.Generator().manual_seed(seed)
    theta, gradient, schedule = base.init(generator), plain_step, "constant"
    if label == "MAML++":
        theta = net.init(theta) | rates.init(setting["alpha"])
        gradient = in_two_schedules(plus_plus_step, K, OUTER, over=setting["over"],
                                    first_order=setting["first_order"])
        schedule = setting["schedule"]
    return fit(gradient, theta, partial(draw_training, tasks=setting["tasks"]),
               steps=OUTER, generator=generator, lr=setting["beta"], schedule=schedule,
               progress=f"{label}, seed {seed}")


live = {label: [train_one(label, seed) for seed in SEEDS]
        for label in ("plain MAML", "MAML++")}


# %%
def tests_of(count, ways=5, queries=15):
    """Lesson 09's test tasks, the first of them."""
    generator = torch.Generator().manual_seed(2)
    return [test.sample(min(50, count), ways, 1, queries, generator=generator)
            for _ in range(0, count, 50)]


asked = {"smoke": (10, 15), "paper": (600, 1)}.get(PROFILE, (study["tasks"], 15))
tests = tests_of(asked[0], queries=asked[1])
curves = {
    "plain MAML": [step_accuracy(base, run.theta, tests, sgd(setting["alpha"]), K,
                                 only=ADAPTS) for run in live["plain MAML"]],
    "MAML++": [step_accuracy(net, run.theta, tests, rates.rule(run.theta), K,
                             only=ADAPTS, start=rates.start) for run in live["MAML++"]],
}
for name, runs in curves.items():
    for mode in ("transductive", "support"):
        record(f"{name}.{mode}", over_tasks(runs[0][mode][:, -1]).scaled(100), unit="%",
               seeds=SEEDS[:1], note=f"{OUTER} steps at rate {setting['alpha']:g}")

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "slide"}
fig, (left, right) = plt.subplots(1, 2, figsize=(11, 3.6))
for name, look in (("plain MAML", style.method("warning")),
                   ("MAML++", style.method("maml"))):
    for run, found in zip(live[name], curves[name]):
        left.semilogy(run.history["norm"], **look | {"linewidth": 1.2})
        points = [over_tasks(each).scaled(100) for each in found["transductive"].T]
        line, = right.plot(range(K + 1), [point.mean for point in points], **look)
        right.fill_between(
            range(K + 1), [p.mean - p.half_width for p in points],
            [p.mean + p.half_width for p in points], color=look["color"], alpha=0.15,
            linewidth=0)
    style.label_line(right, line, name)
left.set(xlabel="outer step", ylabel="length of the outer gradient",
         title="Trained a moment ago")
right.set(xlabel="inner steps", ylabel="right answers, %", xlim=(0, K + 2),
          ylim=(15, 100), title="and tested on new characters")
show(fig, alt="Left: the length of the outer gradient of plain MAML and of MAML++ over "
     "training, logarithmic. Right: right answers on new characters after each inner "
     "step, with intervals over tasks.")

# %% [markdown] slideshow={"slide_type": "notes"}
# 3 min. If you train live, this is the room's own function. Two networks, the same tasks in the same order. In the smoke profile both are half trained and the right picture says little. One seed is an anecdote: the next slides have three.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Does it stand over seeds, and does one line do it too?
#
# What a repair is worth is seen beside the cheapest thing that might do the same. Long gradients have a remedy as old as recurrent
# networks: **clip** them. `clip=1.0` in the training loop shortens a gradient that is longer than 1, and changes nothing else. And lesson 09 has another line:
# a **head of zeros** at the start of each task.
#
# **Predict.** The same steps, the same tasks, three seeds, at $\alpha = 1$. Plain MAML with its outer gradient clipped ends ...
#
# - ( ) where plain MAML ends: the direction is as bad as it was
# - ( ) half way between plain MAML and MAML++
# - ( ) above MAML++
#
# <details><summary>After you have guessed</summary>
#
# Above MAML++. What spoiled the training was the length of the gradients and not their direction: clipping changes the length alone. How sure that is, say the
# intervals.
#
# </details>

# %% [markdown] slideshow={"slide_type": "notes"}
# 1 min. Explain clipping with one sentence. Vote by hands, and ask for a reason. Somebody will say that the direction is random; that is a good argument, and it is wrong.

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "slide"}
def dots(ax, rows):
    """A dot for each seed, and the mean with its interval over the seeds."""
    for place, name in enumerate(rows):
        color = style.color("baseline" if name.endswith("/plain") else
                            "maml" if "/all" in name else "warning")
        values = seeds_of(name)
        every = over_seeds(values)
        ax.plot(values, [place] * len(values), "o", color=color, alpha=0.5,
                markerfacecolor="none")
        half = every.half_width
        ax.errorbar(every.mean, place, xerr=half, fmt="s", capsize=4, color=color)
        told = f"{every.mean:.1f} ± {half:.1f}"
        ax.annotate(told, (every.mean, place), xytext=(0, 7), fontsize=11,
                    textcoords="offset points", ha="center")
    ax.set(yticks=range(len(rows)), yticklabels=rows.values(),
           ylim=(len(rows) - 0.4, -0.8), xlabel="right answers on new characters, %")


fig, axes = plt.subplots(1, 2, figsize=(12, 3.7), sharex=True)
said = {"plain": "plain MAML", "all": "MAML++", "clip": "plain + clip",
        "zero head": "plain + zero head", "all + clip": "MAML++ and clip"}
for ax, rate, alpha in ((axes[0], "bad", BAD), (axes[1], "tuned", TUNED)):
    dots(ax, {f"{rate}/{arm}": each for arm, each in said.items()
              if f"{rate}/{arm}" in RUNS})
    ax.set_title(f"α = {alpha:g}, three seeds")
axes[0].set_xlim(30, 95)
show(fig, alt="Two groups of dots, three seeds each, with intervals. At rate 1: plain "
     "MAML lowest and widely spread, the zero head little above it, MAML++ far higher "
     "and close together, plain MAML with clipping higher still. At the tuned rate all "
     "of them lie much closer together.")

# %% [markdown] slideshow={"slide_type": "notes"}
# 3 min. Left first. MAML++ does what it promises: nearly twenty points, and the seeds lie together. Then let them read the row below it. Then the right picture, same axis: at a tuned rate there is next to nothing left to repair, and the zero head is the one that gains.

# %%
spreads = [over_seeds(seeds_of(f"bad/{arm}")).half_width for arm in ("all", "plain")]
print(f"spread over seeds at α = 1, MAML++ against plain: {spreads[0]:.1f} against"
      f" {spreads[1]:.1f}, a third or less: {spreads[0] <= spreads[1] / 3}")
for rate in ("bad", "tuned"):
    for arm in ("all", "clip", "zero head"):
        gain = FIGURES[f"{rate}/{arm} - plain"]
        print(f"{rate:6} {said[arm]:18} {gain['value']:+5.1f} ± {gain['interval']:.1f}"
              " points above plain, paired by seed")

# %% [markdown]
# At the rate that breaks, MAML++ does what it promises: it is far above plain MAML, and its seeds lie close together. Clipping does it too, with one line, and ends higher;
# both together are no better than clipping alone. The head of zeros is of little use there: the gradients are as long as before.
#
# At the rate that was chosen on validation characters, out of three, the picture is another one. Clipping changes nothing, and MAML++ ends no higher than plain MAML. There it is
# the head of zeros that helps, by a few points, in every seed: it is ahead after the first step already. So "MAML is unstable, and MAML++ repairs it" is true, and
# half of the truth: the instability was a rate that nobody had tuned, and a gradient that nobody had clipped.
#
# Which settings were chosen, and how? The tuned $\alpha$ on validation characters, by plain MAML; every arm takes it over. The length 1 of the clip, and the places
# where the annealing and first order end, were tried at three values each: on validation characters too, with seeds that no arm above has used.

# %% jupyter={"source_hidden": true}
tried = {"clip": ("clip at length", (0.25, 1, 4)),
         "multi_step": ("weights annealed over a share of", (0.1, 0.5, 1)),
         "first_order": ("first order for a share of", (0.1, 0.3, 0.6))}
USED, RATES = (1, 0.5, 0.3), ("bad", "tuned")
print(f"{'right answers, % (* as used above)':42}{'alpha = 1':>14}{'tuned':>14}")
for (key, (words, values)), used in zip(tried.items(), USED):
    for value in values:
        row = [FIGURES.get(f"tried/{rate}/{key}/{value:g}") for rate in RATES]
        cells = [f"{each['value']:.1f} ± {each['interval']:.1f}" if each else "–"
                 for each in row]
        print(f"{words:34}{value:5g}{' *' if value == used else '  '} "
              + "".join(f"{cell:>14}" for cell in cells))

# %% [markdown]
# No other value ends more than a point and a half above the one that was used, and their intervals overlap. What clipping and order annealing gain at $\alpha = 1$ is
# twenty points and more, so nothing hangs on these choices. The outer rate had one value, .004, and was tuned for nobody. `OURS` and `PAPER` show where all of them
# differ from the paper's.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Which ingredient does it?
#
# **Predict.** Each ingredient put in alone, at $\alpha = 1$. Which one brings the most?
#
# - ( ) the multi-step loss
# - ( ) order annealing
# - ( ) norm weights by step
# - ( ) learned rates
#
# <details><summary>After you have guessed</summary>
#
# Order annealing. Alone it ends above all of MAML++ together, about where clipping ends. Next comes the multi-step loss, with about half of that gain. Norm weights, learned
# rates and the cosine alone bring nothing at this rate.
#
# </details>

# %% [markdown] slideshow={"slide_type": "notes"}
# 1 min. Remind them of the question of the repairs slide: which ones touch the long gradients by design?

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "slide"}
def parts_at(rate, limits):
    """Each ingredient put in alone, and left out of MAML++, at one inner rate."""
    fig, axes = plt.subplots(1, 2, figsize=(12, 4.2), sharex=True)
    for ax, kind, base, title in ((axes[0], "only", "plain", "put in alone"),
                                  (axes[1], "without", "all", "left out of MAML++")):
        rows = {f"{rate}/{base}": "plain MAML" if base == "plain" else "MAML++"}
        rows |= {f"{rate}/{kind} {name}": f"{'only' if kind == 'only' else 'no'} {name}"
                 for name in PARTS if f"{rate}/{kind} {name}" in RUNS}
        dots(ax, rows)
        reference = over_seeds(seeds_of(f"{rate}/{base}")).mean
        ax.axvline(reference, color="#9aa0a8", linewidth=1, zorder=0)
        ax.set_title(title)
    axes[0].set_xlim(*limits)
    return fig


show(parts_at("bad", (20, 95)),
     alt="Two groups of dots, one for each seed, their mean and interval. Put in "
     "alone: order annealing far above plain MAML, the multi-step loss half way, norm "
     "weights, learned rates and cosine about where plain MAML is. Left out: without "
     "order annealing or the multi-step loss far below MAML++, without learned rates a "
     "little below, without norm weights or cosine above.")

# %% [markdown] slideshow={"slide_type": "notes"}
# 3 min. Left: order annealing, then the multi-step loss. Right: the same two are missed, each about as much. Say what the others do here: little, or they cost a little. And then the sting: in the settings that were released with the paper, order annealing is switched off.

# %% [markdown]
# Both sides tell of the same two. Alone, order annealing does all of it and the multi-step loss about half. Left out of MAML++, either is missed, by about as much: with the other ingredients
# around it neither is enough by itself. What touches the long gradients helps. Learned rates bring nothing alone, and a couple of points on top of the others. Norm weights and the cosine are better left out here. Would a longer training
# want them? These runs cannot say. (In every settings file released with the paper's code, order annealing is switched off.)

# %% [markdown]
# And at the tuned rate? The same arms, seeds and steps.

# %% jupyter={"source_hidden": true}
fig = parts_at("tuned", (58, 80))
told = ", ".join(f"{name.partition('/')[2]} {over_seeds(seeds_of(name)).mean:.0f}"
                 for name in RUNS if name.startswith("tuned/"))
show(fig, alt="Two groups of dots, one for each seed, their mean and interval, at the "
     "tuned rate: each ingredient put in alone, and left out of MAML++. The means in "
     f"percent: {told}.")

# %%
for kind, base, told in (("only", "plain", "alone, against plain MAML"),
                         ("without", "all", "left out, against MAML++")):
    for part in PARTS:
        if f"tuned/{kind} {part}" in RUNS:
            pairs = zip(seeds_of(f"tuned/{kind} {part}"), seeds_of(f"tuned/{base}"))
            gain = over_seeds([one - other for one, other in pairs])
            print(f"{part:16} {told}: {gain.mean:+5.1f} ± {gain.half_width:.1f} points")

# %% [markdown]
# There the two that do it at the bad rate bring nothing alone, as clipping brings nothing. One part stands out, by what it takes: without the cosine MAML++ ends higher in
# every seed, and its mean is above plain MAML's. The cosine alone takes something from plain MAML too, though no more than its interval allows for luck. All other parts, alone or left out,
# move less than their intervals.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Why does first order at the start help to the end?
#
# Second derivatives come back after 30 % of the training, and with them the factors. Here is the length of the gradient, the median over the seeds.

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "fragment"}
fig, ax = plt.subplots(figsize=(10, 3.6))
for name, look, told in (
        ("bad/plain", style.method("baseline"), "plain MAML"),
        ("bad/only multi-step loss", style.method("reptile"), "multi-step loss"),
        ("bad/clip", style.method("warning"), "plain + clip"),
        ("bad/only order annealing", style.method("maml"), "order annealing")):
    middle = torch.tensor(RUNS[name]["norms"]).median(0).values
    line, = ax.semilogy([10 * (k + 0.5) for k in range(len(middle))], middle, **look)
    style.label_line(ax, line, told)
ends = 0.3 * study["outer_steps"]
ax.axvline(ends, color="#9aa0a8", linewidth=1)
ax.text(ends, ax.get_ylim()[1] / 1.5, " second order begins", color="#55595f",
        fontsize=11, va="top")
ax.set(xlabel="outer step", ylabel="length of the outer gradient",
       xlim=(0, 1.25 * study["outer_steps"]),
       title="Once the start has moved, the factors are harmless")
show(fig, alt="Four curves on a logarithmic axis. Plain MAML falls slowly from some "
     "hundreds. With order annealing the gradient is short, jumps a few times higher "
     "when second order begins, and falls again. With clipping the unclipped length "
     "falls to the same level.")

# %% [markdown] slideshow={"slide_type": "notes"}
# 3 min. Follow the blue line: short, a small jump where second order begins, short again. The start has moved to a place where five factors do no harm. The clipped run gets to the same place by itself: what is drawn there is its length before the clip.

# %% [markdown]
# With order annealing there is a jump where the second derivatives come back, and it is small, and it goes away. By then the start has moved to a place where the
# factors do no harm. Clipping gets to such a place too: drawn is the length *before* it is clipped. Plain MAML creeps there, thrown about by its own
# steps. So a long gradient is a thing of the beginning.
#
# Then are second derivatives of any use here? The control is one word: first order to the end, which is FOMAML.

# %%
for rate, alpha in (("bad", BAD), ("tuned", TUNED)):
    rows = ["plain", "first order"] + ["only order annealing"] * (rate == "bad")
    for name in rows:
        every = over_seeds(seeds_of(f"{rate}/{name}"))
        print(f"α = {alpha:<4g} {name:22} {every} % right")
    gap = FIGURES[f"{rate}/first order - plain"]
    print(f"{'':8} first order against plain: {gap['value']:+.1f} ±"
          f" {gap['interval']:.1f} points, paired by seed")

# %% [markdown]
# At the rate that breaks, one word, `first_order=True` from the first step to the last, brings more than all of MAML++, in every seed. What annealing adds to that is second
# derivatives once they do no harm: a little more, and small beside the seeds' spread. At the tuned rate the sign is the other one: without second derivatives every seed ends lower, by
# a few points; three seeds are too few to be sure of how many. And that is at equal steps: in the seconds of plain MAML, first order could take more
# than twice as many, and that run is not here. So, step for step, second derivatives are worth having where they are harmless, and order annealing is a way to get there.

# %% [markdown]
# ## Switch them yourself
#
# The explorer has all recorded runs. Not every combination was run; where yours was not, it shows the nearest and says so. Begin with nothing. Switch on what
# shortens the gradients. Then go to the <span data-moves="Ingredients.rate">bad</span> rate and back: what is left to repair at the tuned one?

# %% slideshow={"slide_type": "slide"}
ingredients = Ingredients.recorded()
ingredients

# %% [markdown] slideshow={"slide_type": "notes"}
# 4 min. Let the room call out switches. First one alone, then all, then clip. Watch the lower picture while the upper one rises. Then the tuned rate.

# %%
for on in ([], ["multi-step loss"], ["clip"], ["multi-step loss", "clip"]):
    ingredients.on = on
    print(ingredients.summary)
ingredients.on = []  # as it was: your turn

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What did the rates learn?
#
# At the beginning they are the same for every tensor and every step. Here is where they ended, at both inner rates, means over three seeds.

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "fragment"}
fig, axes = plt.subplots(1, 2, figsize=(11, 3.4))
for ax, rate, alpha in ((axes[0], "bad", BAD), (axes[1], "tuned", TUNED)):
    kept = RUNS[f"{rate}/all"]["rates"]
    layers = [name for name in ADAPTS if name.endswith("weight")]
    for place, (name, look) in enumerate(zip(layers, ("o-", "s--", "^-.", "D:", "v-"))):
        values = torch.tensor([seed[name] for seed in kept]).mean(0)
        line, = ax.plot(range(1, K + 1), values, look, markersize=5,
                        color=style.steps(5)[place])
        style.label_line(ax, line, name.removesuffix(".weight"))
    ax.axhline(alpha, color="#9aa0a8", linewidth=1)
    ax.set(xlabel="inner step", ylabel="learned rate", xlim=(0.8, 6.4),
           xticks=range(1, K + 1), title=f"all began at {alpha:g} (thin line)")
show(fig, alt="Two charts of learned rates against the inner step, one line for each "
     "layer, with a thin line where all began. At the bad rate the head's lie lowest.")

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. What would they bet: do rates fall where they were too large? On the left the head's fall most, and most at the first step. On the right they go apart: the last convolution wants larger steps, the first layers smaller ones. Lesson 13 asks what that means.

# %% [markdown]
# Where all began too large, the head's rates fall most, and nearly all others stay within a tenth or two of where they were. A rate moves by about $\beta$ in an outer
# step of Adam, so it cannot go far in a short training: to fall from 1 to the tuned rate takes half of it. A tuned rate is there at once. Where all began at the tuned rate they go apart: the last convolution's
# doubles, and those of the first layers stay or fall. The paper learns its rates over 50,000 steps.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Are running statistics any good here?
#
# Batch norm in MAML uses the statistics of its batch. The paper says: gather *running* statistics instead, one set for each step, and normalise with those. So
# we did what it says. In training and in test, support and queries are normalised by running statistics, as constants; after every outer
# step they move by a tenth towards the new ones. Norm weights by step in all three arms, the tuned rate, the same steps.
#
# **Predict.** Which arm answers best?
#
# - ( ) statistics of the batch
# - ( ) running, one set for each step
# - ( ) running, one set shared by all steps
#
# <details><summary>After you have guessed</summary>
#
# Statistics of the batch, by far. With running statistics, of either kind, where a run ends hangs on its seed: between chance and half right.
#
# </details>

# %% [markdown] slideshow={"slide_type": "notes"}
# 1 min. Say what was done, slowly: read in training and in test. The paper names this as a repair. Vote.

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "slide"}
fig, ax = plt.subplots(figsize=(9, 3))
arms = {"read/batch": ("of the batch", "transductive"),
        "read/per step": ("running, one set a step", "running"),
        "read/shared": ("running, one set for all", "running"),
        "read/per step + clip": ("one set a step, and clip", "running")}
for place, (name, (_, mode)) in enumerate(arms.items()):
    values = [seed[-1] for seed in RUNS[name]["test"][mode]]
    every = over_seeds(values)
    ax.plot(values, [place] * len(values), "o", markerfacecolor="none", alpha=0.6,
            color=style.color("maml"))
    ax.errorbar(every.mean, place, xerr=every.half_width, fmt="s", capsize=4,
                color=style.color("maml" if place == 0 else "warning"))
    ax.annotate(f"{every.mean:.0f} %", (every.mean, place), xytext=(0, 8),
                textcoords="offset points", ha="center")
ax.axhline(2.4, color="#9aa0a8", linewidth=1)
ax.set(yticks=range(len(arms)), yticklabels=[told for told, _ in arms.values()],
       ylim=(3.5, -0.8), xlim=(-12, 100), xlabel="right answers on new characters, %",
       title=f"Statistics that are really read, α = {TUNED:g}")
show(fig, alt="Rows of dots: with the statistics of the batch right answers are far "
     "more than with running statistics, by step or shared; a last row is per-step "
     "statistics with clipping.")

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Batch statistics win by far, and their three seeds lie together. With running statistics look at the dots, not at the means: one run in three is half right, two guess. The last row is the control, with clipping: then no run guesses.

# %% [markdown]
# Are the long gradients back? Here is what one step in a hundred is longer than, and where the run ended, for each seed.

# %%
for name, (told, mode) in arms.items():
    print(f"{told:26}", "   ".join(
        f"{lengths[2]:6.0f} -> {seed[-1]:2.0f} %"
        for lengths, seed in zip(RUNS[name]["quantiles"], RUNS[name]["test"][mode])))

# %% [markdown]
# They are, and they go with the failure: in either arm that reads running statistics the run with the shortest long gradients is the one that ends highest, and where
# they reach hundreds and thousands it stays near chance. Clipped, no run stays at chance, and all stay far below the statistics of the batch. So
# the length is a part of it, and not all.
#
# It is a short training, four tasks a step, and a momentum that nobody tuned. But the sentence "per-step running statistics stabilise MAML" does not follow
# from anything that was run with them: in the released code nobody ever reads them, as you will see now.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Pitfall: statistics that are written and never read
#
# How did the paper's own networks train with them, then? They did not. In the released code the layer `MetaBatchNormLayer` picks the row of the step out of its running means, and hands it to
# PyTorch in [one line](https://github.com/AntreasAntoniou/HowToTrainYourMAMLPytorch/blob/09dbacc7415bb0659f84f40d5c264179d80a9bd6/meta_neural_network_architectures.py#L269): `F.batch_norm(..., training=True, ...)`, in training and in test alike. (The method has an argument `training`. The line passes it
# over.) With `training=True` PyTorch normalises by the batch, and *writes* into the running statistics. Nobody ever reads them. Two readers found it
# ([issue 3](https://github.com/AntreasAntoniou/HowToTrainYourMAMLPytorch/issues/3), [issue 24](https://github.com/AntreasAntoniou/HowToTrainYourMAMLPytorch/issues/24)).
#
# The symptom: the statistics move, step after step, as they should. And everything works.

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. This is the best bug of the lesson, because everything works. Ask how one would ever notice. Then: what would happen to the answers if we filled the statistics with nonsense?

# %% slideshow={"slide_type": "fragment"}
def torch_net(params, x, running, training):
    """Conv-4 with PyTorch's batch norm; the released code calls it with True."""
    for block in (1, 2, 3, 4):
        x = F.conv2d(x, params[f"conv{block}.weight"], stride=2, padding=1)
        mean, variance = running[f"norm{block}"]
        x = F.relu(F.batch_norm(x, mean, variance, training=training, momentum=0.1))
    return F.linear(x.flatten(1), params["head.weight"], params["head.bias"])


params = plain_net.init(torch.Generator().manual_seed(3))
pictures = batch.query_x[0].float()
kept = {f"norm{block}": (torch.zeros(32), torch.ones(32)) for block in (1, 2, 3, 4)}
torch_net(params, pictures, kept, training=True)
moved_by = max(mean.abs().max().item() for mean, _ in kept.values())
print("the running means have moved:", moved_by > 1e-3)
nonsense = {name: (mean + 1000, variance) for name, (mean, variance) in kept.items()}
same = torch.equal(torch_net(params, pictures, kept, training=True),
                   torch_net(params, pictures, nonsense, training=True))
print("and with nonsense in their place the answers are the same:", same)

# %% [markdown]
# (The author's answer in issue 3 is that with `training=True` the moving statistics are updated *and* used. The second line above is the test of that.)

# %% [markdown]
# **Your turn: the detector.** `answer(running)` gives the answers of some program with these running statistics, a dict of `(mean, variance)` by layer.
# Does the program read any of them? Return `True` or `False`. Leave `running` as it is: somebody may still need it.
#
# <details><summary>Hint 1</summary>Ask once with the statistics as they are, and again with changed ones. Is the answer another?</details>
# <details><summary>Hint 2</summary>Change the mean of a block, and its variance, each for itself, in every block.</details>
# <details><summary>Hint 3</summary><code>running | {name: (mean + 1, variance)}</code> is a new dict; <code>torch.equal</code> says whether two answers are the same.</details>

# %% tags=["exercise"]
def is_read(answer, running):
    """Whether the program reads any of its running statistics."""
    ### BEGIN SOLUTION
    before = answer(running)
    for name, (mean, variance) in running.items():
        for changed in ((mean + 1, variance), (mean, 2 * variance + 1)):
            if not torch.equal(answer(running | {name: changed}), before):
                return True
    return False
    ### END SOLUTION


# %%
check("12.3", is_read)

# %% [markdown]
# Now let it judge seven programs, of which we know the truth. Beside it stands one that is closer at hand: *do the statistics move when the program
# runs?*

# %% slideshow={"slide_type": "slide", "code": false}
detector = yours("12.3", is_read, otherwise=find("12.3").solution)
sets = [plain_net.running_statistics(params, pictures)] * (K + 1)
by_step = PerStep(plain_net, K, weights=False)
support = batch.support_x[0].float()


def copied(running):
    return {name: (m.clone(), v.clone()) for name, (m, v) in running.items()}


def last_alone(running):
    """Statistics of the batch in all blocks but the last."""
    own = plain_net.running_statistics(params, pictures)
    return plain_net(params, pictures, "running",
                     running=own | {"norm4": running["norm4"]})


def gathering(running):
    """It notes the statistics of all pictures down, and reads those of the batch."""
    here = plain_net.running_statistics(params, torch.cat([support, pictures]))
    for name, noted in running.items():
        for each, new in zip(noted, here[name]):
            each.lerp_(new, 0.1)
    return plain_net(params, pictures)


def ours(running):
    reading = by_step.reading([running] * (K + 1), always=True)
    return reading.at(K)(params, pictures)


# the program, and whether it reads its statistics
programs = {
    "ours, reading": (ours, True),
    "PyTorch, eval": (lambda r: torch_net(params, pictures, copied(r), False), True),
    "reads the last block alone": (last_alone, True),
    "ours, gathering": (gathering, False),
    "ours, transductive": (lambda r: plain_net(params, pictures), False),
    "ours, by the support set": (
        lambda r: plain_net(params, pictures, "support", support=support), False),
    "PyTorch, train, as released": (
        lambda r: torch_net(params, pictures, r, True), False),
}


def they_move(answer, running):
    before = copied(running)
    answer(running)
    return any(not torch.equal(a, b) for name in running
               for a, b in zip(running[name], before[name]))


for name, test_for in (("changed, is the answer another?", detector),
                       ("do they move?", they_move)):
    said_so = {each: test_for(answer, copied(sets[0]))
               for each, (answer, _) in programs.items()}
    alarms = sum(said_so[each] and not reads for each, (_, reads) in programs.items())
    misses = sum(reads and not said_so[each] for each, (_, reads) in programs.items())
    print(f"{name:32} taken for read though it is not: {alarms} of 4,"
          f" read and not noticed: {misses} of 3")

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. The handy detector is wrong on all programs that matter, in both directions: what moves is not read, what is read in eval does not move. To take home: change a thing to nonsense, and see whether anybody minds.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The paper's table, and ours
#
# The published ablation is 20-way 1-shot, after 100 epochs of 500 steps. It puts each ingredient on top of MAML, and it has no row for clipping.

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "fragment"}
ROWS = {"replication": "MAML, their replication", "msl": "+ multi-step loss",
        "da": "+ order annealing", "ca": "+ cosine",
        "norm": "+ batch norm by step", "lslr": "+ learned rates", "all": "all: MAML++"}
fig, ax = plt.subplots(figsize=(10, 3.3))
for place, name in enumerate(ROWS):
    figure = published(f"maml++.omniglot.20way1shot.{name}")
    color = style.color("maml" if name == "all" else "baseline")
    ax.errorbar(figure["value"], place, xerr=figure["interval"], fmt="o", capsize=4,
                color=color)
    ax.annotate(f"{figure['value']:.1f}", (figure["value"], place), xytext=(0, 7),
                textcoords="offset points", ha="center", fontsize=11)
first = published("maml.omniglot.20way1shot")
ax.axvline(first["value"], color="#9aa0a8", linewidth=1, zorder=0)
ax.text(first["value"], 2.2, " MAML as\n first published", fontsize=11, color="#55595f")
ax.set(yticks=range(len(ROWS)), yticklabels=ROWS.values(), ylim=(6.5, -1.1),
       xlabel="right answers, %, 20-way 1-shot, as published",
       title="The published ablation begins below the MAML it repairs")
show(fig, alt="Seven dots with whiskers, the published 20-way ablation: their own "
     "MAML lowest, the multi-step loss and order annealing little above it, cosine "
     "higher, batch norm by step and learned rates higher still, all together highest. "
     "A vertical line, MAML as first published, is above all but the last two.")

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Read the line first: their MAML is more than four points below the MAML of the first paper. Then the protocol: an ensemble of five checkpoints, one query a class, spread over three seeds. And the row that is missing.

# %%
whole = published("maml++.omniglot.20way1shot.all")
third = published("maml++.omniglot.20way1shot.third-party")
for name in ("queries_per_class", "tasks", "batch_holds", "turned", "split", "note"):
    print(f"{name.replace('_', ' '):18} {whole[name]}")
print(f"{'somebody else':18} {third['value']} ± {third['interval']}: {third['source']}")
print(f"{'ours':18} 5-way, 15 queries a class, {study['tasks']} tasks, one network "
      f"a seed, {study['outer_steps']} outer steps")

# %% [markdown]
# So that more than one thing is alike, here are ours under their protocol, with 20 ways and with 5: one query a class, ten checkpoints of a run, and the
# mean answer of the five that were best on validation characters. The tuned rate, three seeds, 400 outer steps.

# %% jupyter={"source_hidden": true}
THREE = {arm: said[arm] for arm in ("plain", "all", "zero head")}
fig, axes = plt.subplots(1, 2, figsize=(12, 3.1), sharey=True)
for ax, (ways, title) in zip(axes, {"twenty": "20 ways", "five": "5 ways"}.items()):
    for place, arm in enumerate(THREE):
        for shift, which, sign in ((-0.16, "last", "o"), (0.16, "together", "s")):
            figure = FIGURES[f"{ways}/{arm}.{which}"]
            color = style.color("maml" if which == "together" else "baseline")
            ax.errorbar(figure["value"], place + shift, xerr=figure["interval"],
                        fmt=sign, capsize=4, color=color,
                        label={"last": "the last checkpoint alone",
                               "together": "five checkpoints together"}[which]
                        if place == 0 else None)
            ax.annotate(f"{figure['value']:.1f}",
                        (figure["value"] + figure["interval"], place + shift),
                        xytext=(8, 0), textcoords="offset points", va="center",
                        fontsize=11)
    ax.set(yticks=range(3), yticklabels=THREE.values(), ylim=(2.5, -0.7),
           xlim=(30, 100), title=f"{title}, 1 shot, under their protocol",
           xlabel="right answers, %; one query a class")
axes[1].legend(loc="lower left", frameon=False)
show(fig, alt="Two panels, 20 ways and 5 ways, of three rows each: plain MAML, MAML++ "
     "and plain MAML with a zero head, with two dots and intervals over three seeds, "
     "the last checkpoint, and the mean answer of the five best.")

# %% [markdown]
# With 20 ways and with 5 MAML++ is no further than plain MAML at the tuned rate, and the head of zeros, one line, is ahead of both. And look at the squares: with 20 ways five
# checkpoints together bring plain MAML some points and MAML++ none. (Is it the cosine? Plain MAML's outer rate is constant, and MAML++'s falls to zero. A MAML++ without the cosine
# would say, and none was trained under this protocol.) A published number of five networks and one of a single network are not the same thing.
#
# Why do the tables differ? Theirs trains more than a hundred times as long, with 20 ways, and reports the mean answer of the five checkpoints that were best on
# validation. Its whiskers are a spread over three seeds. And its MAML is not ours: no rate was tuned for it. In their table the learned rates and
# batch norm by step bring most, and the multi-step loss next to nothing; read ours above beside it. A short training at a rate that breaks asks
# for other repairs than a long one at a rate that nearly works. What their table cannot tell is what a clipped MAML would have
# reached under its protocol. Neither can ours: 400 steps are not 50,000.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What you learned
#
# - MAML's outer gradient is a product with one factor for each inner step. At a large rate that makes it a hundred times too long.
# - MAML++ repairs that. Of its parts, first order at the beginning does all of it here, alone, and the multi-step loss about half.
# - One line, clipping, does it too. At a tuned rate there is nothing left to repair. Put both into every table of that kind.
# - Rates and batch norms by step are parameters like others. In a training as short as ours they bring little or nothing.
# - Running statistics that move need not be read. Change them to nonsense, and see whether anybody minds.

# %% [markdown] slideshow={"slide_type": "notes"}
# 1 min. Read the third line twice. Before you repair a method, clip its gradient and tune its rate.

# %% [markdown]
# ## Quiz
#
# <details><summary>1. The weights of your multi-step loss sum to 3. What changes, if the outer optimizer is Adam?</summary>
#
# Little: Adam divides by the length of past gradients, so a constant factor 3 falls out, but for its epsilon. With SGD the outer rate would be three times as
# large. And a clip at length 1 would bite more often. Weights that sum to one at every epoch keep the loss comparable while they change.
#
# </details>
#
# <details><summary>2. You train MAML++ with five inner steps and want to take ten at test. What stops you?</summary>
#
# There are rates, and batch norms, for five steps. A sixth has none; the package says so. You would have to decide what step six is: the last row
# again, or a rate shared by all steps.
#
# </details>
#
# <details><summary>3. Your method gains 17 points over a baseline whose seeds are 7 points apart. What do you run before you write that down?</summary>
#
# The baseline with a tuned rate and a clipped gradient. A baseline whose seeds differ by so much is broken, and what repairs it in one line belongs into the same
# table. Only what is left then is your method's.
#
# </details>
#
# ## References
#
# - Antoniou, Edwards, Storkey 2019, [How to train your MAML](https://arxiv.org/abs/1810.09502), and the
#   [released code](https://github.com/AntreasAntoniou/HowToTrainYourMAMLPytorch).
# - Finn, Abbeel, Levine 2017, [Model-agnostic meta-learning](https://arxiv.org/abs/1703.03400).
# - Li, Zhou, Chen, Li 2017, [Meta-SGD](https://arxiv.org/abs/1707.09835): rates that are learned.
# - Pascanu, Mikolov, Bengio 2013, [On the difficulty of training recurrent neural networks](https://arxiv.org/abs/1211.5063): why gradients explode, and clipping.
# - Ye, Chao 2022, [How to train your MAML to excel in few-shot classification](https://arxiv.org/abs/2106.16245): the zero head and its kin.
#
# ## Next
#
# The inner loop moves all layers. Do they need it? [Lesson 13](13_rapid_learning_or_feature_reuse.ipynb) freezes them one by one.
