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
# # 15 Task-adaptive losses and starts
#
# MAML learns where to start, and everything else is the same for every task: the loss it descends on, and the start itself. Here both
# are set free, and each has to beat the simplest thing that does the same job.
#
# **You will be able to**
#
# - read the pull of a point off an inner loss, and write a robust loss from it,
# - write MeTAL's learned loss, which each task turns for itself, and prove that it starts as MAML,
# - say what a learned loss has to be compared with: learned rates, one learned number, the same seconds,
# - group tasks by where they adapt to, give each group a start, and tell when that helps and when it does not,
# - catch the trap in which groups of tasks are nothing but orders of labels.
#
# **Prerequisites:** [lesson 06](06_maml_on_sinusoids.ipynb): MAML on sinusoids. [Lesson 09](09_omniglot_maml.ipynb): learned starts with
# a head of zeros.
#
# **Time:** 40 minutes of reading, and 45 minutes for the exercises.
#
# **What it costs to run:** *smoke* takes about 25 s on two cores and trains next to nothing. *lecture* takes about 1 minute and trains
# three inner losses and three starts. *paper* takes about 15 minutes on two cores: the same, ten times longer; no GPU is needed.

# %% [markdown] slideshow={"slide_type": "notes"}
# 1 min. Two things that MAML holds fixed, and one question for each half of the lecture: is it worth setting free? Promise that each method meets its simplest rival, at the same price.

# %% tags=["parameters"]
PROFILE = "smoke"  # "smoke", "lecture" or "paper": the same cells, three budgets

# %% tags=["setup"]
import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F

from mlteach.checkpoint import load_checkpoint
from mlteach.exercises import check, find, yours
from mlteach.explore import LossPull, style
from mlteach.explore.figure import show
from mlteach.explore.loss_pull import AWAY
from mlteach.fit import fit
from mlteach.inner import adapt, sgd
from mlteach.inner.learned_loss import LearnedLoss, PlainLoss, RobustLoss
from mlteach.inner.objective import objectives
from mlteach.measure import compare, is_it_maml, over_tasks, published, record, recorded
from mlteach.measure.ledger import data_folder
from mlteach.nets import MLP, Conv4, cross_entropy, squared_error
from mlteach.outer import maml_gradient, maml_losses
from mlteach.outer.several_starts import (
    adapted_from,
    adapted_points,
    grouped,
    nearest,
    purity,
)
from mlteach.params import from_vector, map_params, stack
from mlteach.tasks import Characters, Episode, Sinusoids
from mlteach.tasks.episode import Seen
from mlteach.tasks.mixture import Mixture, drawn_from

torch.set_num_threads(1)  # tensors as small as ours are quicker on one thread
style.use()
OUTER, GO_ON = {"smoke": (40, 20), "lecture": (1500, 600),
                "paper": (15_000, 6_000)}[PROFILE]
NET, STEPS, SHOTS = MLP(), 2, 10
LOSSES, STARTS = recorded("15", "losses"), recorded("15", "starts")


def stored(name):
    """What a study kept, by the part of the name before the first dot."""
    found = {}
    file = load_checkpoint(data_folder() / "checkpoints" / f"15-{name}.safetensors")
    for key, value in file.tensors.items():
        who, _, what = key.partition(".")
        found.setdefault(who, {})[what] = value
    return found


def dots(ax, record, rows, hues):
    """One dot with its interval for each row, its mean in words, its seeds as ticks."""
    for place, key in enumerate(rows):
        each = record[key]
        seeds = [float(value) for value in each["note"].split(", ")]
        ax.plot(seeds, [place] * len(seeds), "|", color="black", markersize=9)
        ax.errorbar(each["value"], place, xerr=each["interval"], fmt="o", capsize=4,
                    color=style.color(hues.get(key, "maml")))
        ax.annotate(f"{each['value']:.2f}", (each["value"], place), xytext=(0, 8),
                    textcoords="offset points", ha="center")
    ax.set(yticks=range(len(rows)), yticklabels=rows.values(),
           ylim=(len(rows) - 0.4, -0.8))


# %% [markdown] slideshow={"slide_type": "slide"}
# ## What if one label is wrong?
#
# Ten points of a sinusoid, one inner loop, as in lesson 06. But somebody mistyped one label.

# %% tags=["opening"] jupyter={"source_hidden": true} slideshow={"slide_type": "fragment"}
lie = LossPull.recorded(amplitude=3.0, phase=1.0)
grid = torch.linspace(-5, 5, 41)
fig, ax = plt.subplots(figsize=(8, 3.3))
x, y = (each.squeeze(-1).numpy() for each in lie._points())
ax.plot(grid, lie.truth(grid.numpy()), color="black", linewidth=1)
line, = ax.plot(grid, lie.curve("mse"), **style.method("baseline"))
style.label_line(ax, line, "fitted in\ntwo steps", x=5.0, dx=6)
ax.plot(x, y, "o", color="black")
ax.plot(x[7], y[7], "o", markersize=13, markerfacecolor="none", markeredgewidth=2,
        color=style.color("warning"))
ax.annotate("one label is off by 7", (x[7], y[7]), xytext=(12, -4),
            textcoords="offset points")
ax.set(xlabel="x", ylabel="y", xlim=(-5.2, 6.4), title="One of ten labels is wrong")
show(fig, alt="Ten points, nine on a thin black sinusoid and one, ringed, seven below "
     "it. A dashed curve fitted to them in two steps leaves the sinusoid near the "
     "ringed point.")

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Let them look at where the dashed curve leaves the black one. The network was trained on tasks in which a fifth of the labels is off, so this is the best that a start and learned rates can do with the squared error. Who is at fault, the start, the rate, or the loss?

# %% [markdown]
# The network that you see was meta-trained on tasks in which a fifth of all support labels is off. Its start and one learned rate for
# each tensor have had their chance. What was never asked is the loss: squared error, because it always is.
#
# So ask what a point *does* in an inner step. With outputs $\hat y_i = f(x_i; \varphi)$ and residuals $r_i = \hat y_i - y_i$,
#
# $$\varphi' \;=\; \varphi - \alpha\, \tfrac{1}{K}\sum_i \ell'(r_i)\,\nabla_\varphi\, \hat y_i .$$
#
# The data enter through one number a point, $\ell'(r_i)$. Call it the point's **pull**. For the squared error it is $2r$: ten times as far off,
# ten times the pull, without end.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## How hard may one point pull?
#
# The inner step adds up what the points pull:
#
# $$\varphi' \;=\; \varphi - \alpha\,\tfrac{1}{K}\sum_i \ell'(r_i)\,\nabla_\varphi\, \hat y_i , \qquad r_i = \hat y_i - y_i$$
#
# | inner loss | its pull $\ell'(r)$ | for a point far off |
# |---|---|---|
# | squared error | $2r$ | grows without end |
# | robust | $2r / \sqrt{1 + (r/w)^2}$ | stops at $2w$ |
#
# Aloud: *below the width w it is the squared error; beyond, every point pulls alike.* One number, $w$, and it can be learned with the start.

# %% [markdown] slideshow={"slide_type": "notes"}
# 3 min. The derivative of the loss by the answer is all that the data can say in a step. Draw both pulls on the board, a line and a line that bends. Then the question for the whole first half: if one number bends it, what does a network bring?

# %% [markdown]
# **Your turn, 15.1.** Here is the pull; write the loss. `robust(r, width)` gives each residual's loss, entry by entry, 0 at $r = 0$, and its
# derivative by $r$ is $2r / \sqrt{1 + (r/\text{width})^2}$.
#
# <details><summary>Hint 1</summary>Near zero the pull is 2 r, so the loss is r squared there. Far out the pull is 2 width, so it is a straight line.</details>
# <details><summary>Hint 2</summary>The derivative of sqrt(1 + u²) is u / sqrt(1 + u²). Put u = r / width: the inner derivative brings 1 / width.</details>
# <details><summary>Hint 3</summary>A factor of 2 width² in front makes the pull right; then take away what the loss is at r = 0.</details>

# %% tags=["exercise"]
def robust(r, width):
    """A loss for each residual r: squared near zero, a straight line far out."""
    ### BEGIN SOLUTION
    return 2 * width**2 * ((1 + (r / width) ** 2).sqrt() - 1)
    ### END SOLUTION


# %%
check("15.1", robust)

# %%
robust = yours("15.1", robust, otherwise=find("15.1").solution)
r = torch.linspace(-6, 6, 121, dtype=torch.float64, requires_grad=True)
width = torch.tensor(1.5, dtype=torch.float64)
(pull,) = torch.autograd.grad(robust(r, width).sum(), r)
compare("the slope of your loss", pull, "2r / sqrt(1 + (r/w)^2)",
        (2 * r / (1 + (r / width) ** 2).sqrt()).detach(), to=1e-10)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A loss that is learned: MeTAL
#
# Why choose a loss at all? Add a small network $l_t$ to it, one for each inner step $t$, and learn its weights $\omega$ together with
# the start:
#
# $$\varphi_{t+1} \;=\; \varphi_t - \alpha\, \nabla\Bigl( L_{\text{support}}(\varphi_t) + \tfrac{1}{K}\sum_i l_t(r_i, \hat y_i, y_i;\, \omega'_t) \Bigr)$$
#
# And one loss for all tasks may be wrong too. So each task first *turns* the weights, from its state $s$: the support loss and the mean of
# each tensor of $\varphi_t$. A second network makes $\gamma$ and $\delta$ of it, a pair for each tensor $\omega$ of the first:
#
# $$\omega' \;=\; (1 + a\,\gamma(s))\;\omega \;+\; b\,\delta(s), \qquad a = b = 0 \text{ at the start}$$
#
# Aloud: *scale each tensor a little, shift it a little, by how this task is doing.* Scaling and shifting by a condition is called FiLM.

# %% [markdown] slideshow={"slide_type": "notes"}
# 3 min. Two networks: one is the loss, the other turns it. Gamma and delta here are FiLM's letters; batch norm's gamma is another one. Ask what a and b at zero buy: the turn starts as the identity, whatever gamma and delta are. And the last weights of the loss network start at zero, so the whole starts as MAML. Nothing is cut: the step sees the gradient through the state as well.

# %% [markdown]
# (In the code $a$ is `scale` and $b$ is `shift`. FiLM's $\gamma$ and $\delta$ are MeTAL's letters; batch norm's $\gamma$ is another one.)
#
# **Your turn, 15.2.** Write the turn. All five are dicts with the names of the loss network's tensors. `gamma`, `delta`, `scale`
# and `shift` hold one number for each tensor, in a shape that fits.
#
# <details><summary>Hint 1</summary>For each name: what has to come out when scale and shift are zero? The tensor as it is.</details>
# <details><summary>Hint 2</summary>So something is multiplied with the tensor that is 1 when scale is zero, and something is added that is 0 when shift is.</details>
# <details><summary>Hint 3</summary><code>{name: (1 + scale[name] * gamma[name]) * w + ... for name, w in weights.items()}</code></details>

# %% tags=["exercise"]
def turned(weights, gamma, delta, scale, shift):
    """The loss network's tensors as a task turns them; the identity at the start."""
    ### BEGIN SOLUTION
    return {name: (1 + scale[name] * gamma[name]) * w + shift[name] * delta[name]
            for name, w in weights.items()}
    ### END SOLUTION


# %%
check("15.2", turned)

# %% [markdown]
# With it, all of MeTAL's inner loss fits into a cell, for one task and one step.

# %%
turned = yours("15.2", turned, otherwise=find("15.2").solution)


def metal_by_hand(theta, phi, x, y, t):
    """What step t of MeTAL descends on, for one task."""
    answer = NET(phi, x)
    r = answer - y
    loss = r.square().mean()
    own = {n.removeprefix(f"loss.support{t}."): v for n, v in theta.items()}
    means = [5 * phi[name].mean() for name in sorted(phi)]
    state = torch.stack([loss.log1p(), *means])
    hidden = torch.tanh(own["film.weight1"] @ state + own["film.bias1"])
    gamma, delta = (own["film.weight2"] @ hidden).chunk(2)
    names = ("weight1", "bias1", "weight2")
    numbers = (dict(zip(names, each)) for each in
               (gamma, delta, own["film.scale"], own["film.shift"]))
    w = turned({name: own[name] for name in names}, *numbers)
    read = torch.cat([r.asinh(), r.square() / 10, answer / 5, y / 5], 1)
    said = F.softplus(read @ w["weight1"].T + w["bias1"]) @ w["weight2"].T
    return loss + said.mean()


# %%
KINDS = {"mse": PlainLoss(), "robust": RobustLoss(penalty=robust),
         "metal": LearnedLoss(steps=STEPS, turn=turned)}
generator = torch.Generator().manual_seed(0)
LYING = Mixture((Sinusoids.finn(),), outliers=0.2)
batch = LYING.sample(4, SHOTS, 20, generator=generator, dtype=torch.float64)
fresh = KINDS["metal"].init(generator, NET.init(generator, torch.float64))
noise = torch.Generator().manual_seed(1)
moved = {n: v + 0.1 * torch.randn(v.shape, generator=noise, dtype=v.dtype)
         for n, v in fresh.items()}  # nothing is zero any more
phi, task = KINDS["metal"].start(moved), [each[0] for each in batch]
ours = metal_by_hand(moved, phi, *task[:2], t=0)
packaged = KINDS["metal"].rule(moved).objective(NET, phi, Seen(*task[:3]), 0)
compare("your inner loss", ours, "the package's", packaged, to=1e-10)

# %%
metal = KINDS["metal"]
from_metal, _ = maml_losses(NET, squared_error, fresh, batch, metal.rule, STEPS,
                            start=metal.start)
from_maml, _ = maml_losses(NET, squared_error, metal.start(fresh), batch, sgd(0.01),
                           STEPS)
compare("a fresh MeTAL", from_metal, "MAML", from_maml)


# %%
def adapted_by(kind):
    """The inner loop of a kind of loss, for one task."""
    def inner_loop(theta, x, y):
        rule = kind.rule(theta)
        descent = objectives(NET, squared_error, Seen(x, y, x), rule, STEPS, None)
        return adapt(descent, kind.start(theta), rule, STEPS)
    return inner_loop


for name, kind in KINDS.items():
    theta = moved if name == "metal" else kind.init(
        generator, NET.init(generator, torch.float64))
    said = is_it_maml(adapted_by(kind), lambda phi, x, y: squared_error(NET(phi, x), y),
                      theta, batch)
    print(f"{name:7}", said)

# %% [markdown]
# So a learned loss changes nothing in the engine: the outer gradient goes through the inner steps, and the weights of the loss are
# parameters that those steps depend on, as the rates are. And a learned loss has an unfair friend: **learned rates**. A loss network can
# always make all steps longer. So every row below learns a rate for each tensor; only the loss differs.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Who wins when a fifth of the labels lie?
#
# Ten support points, two inner steps, clean queries. All learn their start and a rate for each tensor. Then:
#
# - **squared error**: nothing more,
# - **robust**: one number more, the width $w$,
# - **learned loss**: the network $l_t$, the same for every task,
# - **MeTAL**: the same, turned by the task.
#
# **Predict.** The same number of outer steps, five seeds. Which is below the squared error in *all five*?
#
# - ( ) the robust loss, and not MeTAL
# - ( ) MeTAL, and not the robust loss
# - ( ) both
# - ( ) neither
#
# <details><summary>After you have guessed</summary>
#
# The robust loss, and not MeTAL. MeTAL goes lower than it in four seeds. In the fifth it fails, and so do the two others that
# descend on the squared error.
#
# </details>

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Take a vote before the picture. Make clear what is equal: the same tasks, the same outer steps, learned rates in every row.

# %% [markdown]
# The three that you have parts of are trained here, with your functions in them, for as long as the profile allows. Beside them stands
# what was recorded over five seeds. Nothing was tuned, for no row: all rates begin at lesson 06's 0.01, the width at 1.5, and the outer rate is 0.002. These are
# constants, set once; what another outer rate would do to each row was not tried.

# %%
def train(kind, tasks, steps, shots=SHOTS):
    theta = kind.init(torch.Generator().manual_seed(0),
                      NET.init(torch.Generator().manual_seed(0)))

    def gradient(theta, episode):
        return maml_gradient(NET, squared_error, theta, episode, kind.rule, STEPS,
                             start=kind.start)

    return fit(gradient, theta, lambda g: tasks.sample(12, shots, 20, generator=g),
               steps=steps, generator=torch.Generator().manual_seed(0), lr=2e-3,
               schedule="cosine", clip=10.0, progress=None).theta


def error_of(kind, theta, tasks, shots=SHOTS):
    """The query error of 500 new tasks, labels of the queries clean."""
    new = tasks.sample(500, shots, 50, generator=torch.Generator().manual_seed(7))
    with torch.no_grad():
        losses, _ = maml_losses(NET, squared_error, theta, new, kind.rule, STEPS,
                                start=kind.start)
    return over_tasks(losses)


# %%
trained = {name: train(kind, LYING, OUTER) for name, kind in KINDS.items()}
here = {name: error_of(KINDS[name], theta, LYING) for name, theta in trained.items()}
for name, found in here.items():
    record(f"live.outliers.{name}", found, unit="query MSE", seeds=[0],
           note=f"{OUTER} outer steps")

# %% tags=["setup"]
HUES = {"mse": "baseline", "robust": "reptile", "learned": "fomaml", "metal": "maml"}
SAID = {"mse": "squared error", "robust": "robust: one number",
        "learned": "learned loss, no turn", "metal": "MeTAL"}


def arms(ax, part, names, live=None):
    """The recorded errors of some arms with intervals over seeds; crosses: this run."""
    rows = {f"{part}.{name}": SAID[name.removesuffix(", short")] for name in names}
    hues = {f"{part}.{name}": HUES[name.removesuffix(", short")] for name in names}
    dots(ax, LOSSES, rows, hues)
    if live and PROFILE != "smoke":
        places = [names.index(name) for name in live]
        ax.plot([found.mean for found in live.values()], places, "x", color="black")
    ax.set_xlim(left=0)


# %% jupyter={"source_hidden": true} slideshow={"slide_type": "slide"}
fig, ax = plt.subplots(figsize=(9, 3.2))
arms(ax, "outliers", ["mse", "robust", "learned", "metal"], here)
ax.set(xlabel="query error (MSE) after two steps; lines: 95 % over the seeds (ticks)",
       title="One number helps in every seed, a network in four of five")
show(fig, alt="Four dots of error with intervals and five ticks each, at equal "
     "outer steps. Robust has a short interval, below squared error; the learned loss "
     "and MeTAL have four low ticks and one far out.")

# %% [markdown] slideshow={"slide_type": "notes"}
# 3 min. Read the ticks, not only the dots: each is one seed. The robust loss is the one that never fails. Four seeds of MeTAL are lower. Ask what is not equal in this picture. Somebody will say: the price.

# %% [markdown]
# So the loss was at fault, in part. With the same start to learn, the same rates and the same steps, one number takes a third of the
# error away, in every seed. The two networks go lower in four seeds. In the fifth they go astray, and so does the squared error there. MeTAL *adds*
# to the squared error, it does not replace it. The turn by the task makes no difference that five seeds can show:

# %% jupyter={"source_hidden": true}
for name, said in (("robust minus mse", "robust minus squared error"),
                   ("metal minus mse", "MeTAL minus squared error"),
                   ("metal minus learned", "MeTAL minus the loss without a turn")):
    found = LOSSES[f"outliers.{name}"]
    print(f"{said:36} {found['value']:+.2f} ± {found['interval']:.2f}   "
          f"seed by seed {found['note']}")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## And at the same price?
#
# MeTAL runs two more networks in each step, and differentiates twice through them. Measured side by side in one process, an outer step costs

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "-", "code": false}
print("an outer step costs, in steps of the squared error:")
for name, said in SAID.items():
    print(f"  {said:24} {LOSSES['cost.' + name]['value']:.1f}")

# %% [markdown] slideshow={"slide_type": "-"}
# So give MeTAL only the outer steps that the price of the others pays for.

# %% [markdown] slideshow={"slide_type": "notes"}
# 1 min. Read the four prices. Ask how many outer steps MeTAL may have for the price of two thousand of the others. Seven hundred.

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "slide", "code": false}
fig, ax = plt.subplots(figsize=(9, 3.2))
arms(ax, "outliers", ["mse", "robust", "metal, short"])
ax.set(xlabel="query error (MSE) at the same cost; lines: 95 % over the seeds (ticks)",
       title="At equal cost, one number is ahead")
show(fig, alt="Three dots of error with intervals and ticks, at the same cost: robust "
     "is lowest, then squared error, and MeTAL with its fewer outer steps is highest.")

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. The same money, and the order turns over. MeTAL has had a third of the steps. Say it with care: on this task, at this budget.

# %% [markdown]
# At the same price MeTAL is the last of the three in every seed. One learned number costs nothing and is ahead of both. This is a
# statement about a budget: where steps are no matter, the picture before this one holds.

# %% [markdown] slideshow={"slide_type": "slide"}
# **Predict.** The same, but all labels are true. What does the robust loss do with its one number, and what does the learned loss do with its
# hundreds?
#
# - ( ) Both get in the way: the squared error is best.
# - ( ) The width grows, so robust ties with the squared error; the learned loss is behind at the same cost.
# - ( ) The width shrinks, and robust is behind; the learned loss ties.
# - ( ) The learned loss wins clearly: it adapts to more than lies.
#
# <details><summary>After you have guessed</summary>
#
# The width grows, so robust ties with the squared error; the learned loss is behind at the same cost. The wider a robust loss, the more it is
# the squared error.
#
# </details>

# %% [markdown] slideshow={"slide_type": "notes"}
# 1 min. Take the vote, and ask what the width would have to do to become the squared error. Grow.

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "slide", "code": false}
fig, axes = plt.subplots(1, 2, figsize=(11, 3.4), sharey=True)
for ax, names, said in zip(axes, (["mse", "robust", "metal"],
                                  ["mse", "robust", "metal, short"]),
                           ("the same outer steps", "the same cost")):
    arms(ax, "clean", names)
    ax.set(xlabel="query error (MSE)", title=said)
fig.suptitle("All labels true: a tie at equal steps, and the price stays")
show(fig, alt="Two panels of error with intervals and ticks, all labels true. At the "
     "same outer steps the three overlap; at the same cost MeTAL is far behind.")
for part, said in (("outliers", "a fifth lies"), ("clean", "all true")):
    found = LOSSES[f"{part}.width"]
    print(f"{said}: learned width {found['value']:.1f} ± {found['interval']:.1f}")

# %% [markdown] slideshow={"slide_type": "notes"}
# 3 min. The control. The width of the robust loss says by itself whether there are lies: read out both widths. A rival with one number can also be read.

# %% [markdown]
# The one number can be read, too: with lies the robust loss bends early, without them later. Nobody has to know beforehand which case
# it is.
#
# ## What did the loss learn?
#
# Drag a label away from the curve. Below stands the pull: how far that point moves the network's own answer at its place in the first step.
#
# - How far may <span data-moves="LossPull.at">7</span> (counted from 0) be dragged before the grey curve lets go of the sinusoid? And the others?
# - Tell FiLM that the support loss is <span data-moves="LossPull.told">1</span> times what it is, then more, then less. What happens to MeTAL's pull?
#
# <details><summary>What you should have found</summary>
#
# The squared error is pulled along without end; robust and MeTAL stop. With a large support loss MeTAL's curve becomes flat or even
# comes back, with a small one it rises on: the task turns its loss.
#
# </details>

# %% slideshow={"slide_type": "slide"}
pull = (LossPull.recorded() if PROFILE == "smoke"
        else LossPull(trained))  # your functions, trained above
pull

# %% [markdown] slideshow={"slide_type": "notes"}
# 3 min. Drag point 8 from far below up through the curve. Ask who follows it. Then the slider of the support loss that FiLM is told: the blue curve turns. Ask: if this task were doing badly, would you trust a far point more or less?

# %%
told = LossPull.recorded()
told.load("one wild label")
print(told.summary)

# %% [markdown]
# Here are the pulls on one task, from the recorded networks. MeTAL's is drawn five times: as it is, and as it would be if FiLM were told another
# support loss.

# %% jupyter={"source_hidden": true}
fig, ax = plt.subplots(figsize=(8, 3.7))
for name in ("mse", "robust"):
    line, = ax.plot(AWAY, told.moved(name), **style.method(HUES[name]))
    style.label_line(ax, line, SAID[name].split(":")[0], x=AWAY[-1], dx=6)
losses_told = (0.1, 0.3, 1.0, 3.0, 10.0)
for factor, hue in zip(losses_told, style.steps(len(losses_told))):
    told.told = factor
    line, = ax.plot(AWAY, told.moved("metal"), color=hue, linewidth=2)
    if factor in (0.1, 10.0):
        style.label_line(ax, line, f"MeTAL, {factor:g} times", x=AWAY[-1], dx=6)
ax.set(xlabel="label minus answer", ylabel="the point moves its answer by",
       xlim=(-10, 14.5), title="Told of a larger loss, MeTAL trusts a far label less")
show(fig, alt="How far a point moves its own answer against how far its label is away. "
     "The squared error is a straight line; robust bends and stays flat. MeTAL's "
     "curves bend as well, far below their straight continuation; the larger the "
     "support loss that FiLM is told, the weaker the pull of far labels.")

# %% [markdown]
# Nobody told the network what an outlier is. Is that bend there in every seed, and the turn?

# %% jupyter={"source_hidden": true}
for key, said in (("mse, twice as far", "squared error, a label at 10 beside one at 5"),
                  ("robust, twice as far", "robust, the same"),
                  ("metal, twice as far", "MeTAL, the same"),
                  ("metal, told 10 over told 0.1", "MeTAL, told 10 times over 0.1")):
    print(f"{said:44} times {LOSSES['pull.' + key]['note']}")

# %% [markdown]
# In four of five seeds MeTAL's pull grows by less than the distance does; in the fifth, the one that failed, it does not. And the turn is a judgement
# on the task, in all five: told that the support loss is large, MeTAL trusts a far label less. That is more than one width for all tasks can say.
# (MeTAL's curve is not zero at zero: it moves an answer that fits. Why it learns to, no run here tells.)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Can inputs without labels help?
#
# MeTAL has a third part: a loss on the *query inputs*. It reads the network's own answers there, and no label. Where could help come
# from? Only from what the inputs say of the task. So build a family in which they do: each task shows a window of x, and the place of
# the window tells the phase.
#
# **Predict.** The loss on query inputs is added. What happens?
#
# - ( ) It helps where windows tell the task, and another task's inputs do not help.
# - ( ) It helps everywhere: more inputs are more data.
# - ( ) It helps no more than another task's inputs do, or than nothing.
# - ( ) It hurts everywhere.
#
# <details><summary>After you have guessed</summary>
#
# It helps no more than another task's inputs do, or than nothing. All the intervals hold zero.
#
# </details>

# %% [markdown] slideshow={"slide_type": "notes"}
# 1 min. Insist on the question: where could information come from? Then name the two controls: another task's query inputs in the same loss, and windows that tell nothing.

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "slide"}
WINDOWS = {
    "windows.mse": "squared error",
    "windows.metal": "MeTAL, support alone",
    "windows.queries": "+ loss on the query inputs",
    "windows.others' queries": "+ on another task's inputs",
    "windows.told": "squared error, the network reads the window",
}
fig, ax = plt.subplots(figsize=(9.5, 3.4))
dots(ax, LOSSES, WINDOWS, {"windows.mse": "baseline", "windows.told": "reptile",
                           "windows.others' queries": "warning"})
ax.set(xlabel="query error (MSE), 5 shots; lines: 95 % over the seeds (ticks)",
       title="The loss on query inputs brings nothing")
ax.set_xlim(left=0)
show(fig, alt="Five dots of error with intervals and ticks over five seeds. MeTAL with "
     "and without query inputs, and with another task's, lie on top of each other. The "
     "network that reads the window has four seeds far below them and one above.")
pairs = {"windows.queries minus metal": "with the query inputs, minus without",
         "windows.queries minus others' queries": "real inputs minus another task's",
         "windows.queries, windows that tell nothing minus metal, windows that tell "
         "nothing": "the same where windows tell nothing",
         "windows.told minus queries": "the network told, minus the loss on inputs"}
for key, said in pairs.items():
    found = LOSSES[key]
    print(f"{said:44} {found['value']:+.3f} ± {found['interval']:.3f}")

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. The middle three are one cloud. Then the last row: the information is there, and a network that is handed it uses it, in four seeds of five. So it is the loss that does not carry it.

# %% [markdown]
# The information is there. A learner that reads the middle of its task's window with each input is far below the others in four seeds of five. The loss
# on query inputs does not bring it across: with the right inputs it does as well as with another task's, and where windows tell nothing it costs a little.
#
# ## And on pictures?
#
# What was published is about pictures. The paper's numbers, beside the MAML that its authors trained with the same code:

# %% jupyter={"source_hidden": true}
for cell in ("5way1shot", "5way5shot"):
    for name, said in (("maml.metal", "MAML"), ("metal", "MeTAL")):
        figure = published(f"{name}.miniimagenet.{cell}")
        print(f"mini-ImageNet {cell}  {said:6} {figure['value']:.2f} ± "
              f"{figure['interval']:.2f} {figure['unit']}")
print(figure["note"] + ";\n" + figure["batch_holds"])
print(figure["source"])

# %% [markdown]
# Read the protocol before the numbers: the mean of five checkpoints, all queries in one batch with the support, and an outer loss that counts the support too.
# A robust loss or learned rates alone stand nowhere in that table. Ours is small: Omniglot, 5-way 1-shot, a Conv-4 of 16 filters, a few hundred outer
# steps, lesson 09's test tasks, five seeds, learned rates in every row. *Longer* are learned rates with as many outer steps as MeTAL's price pays for.
#
# And one number? In a cross-entropy the one that comes to mind is a **temperature**, by which the logits are divided in the inner steps. It is learned with
# the rest, and at 1, where it begins, it is MAML. The kin of the robust loss above is the **bent** cross-entropy, $(1 - p^z)/z$ for a label's
# probability $p$: at $z = 0$ the cross-entropy, and for $z > 0$ a picture that is far off pulls less. It begins at $z = 0.1$.

# %% jupyter={"source_hidden": true}
RATES_TRIED = (0.002, 0.004, 0.008, 0.016)
ON_CHARACTERS = {"rates": "learned rates", "robust": "+ a bend",
                 "temperature": "+ a temperature", "metal": "+ MeTAL",
                 "rates, longer": "learned rates, longer"}
fig, axes = plt.subplots(1, 2, figsize=(11, 3.4), sharey=True)
for ax, mode, said in ((axes[0], "transductive", "all queries in one batch"),
                       (axes[1], "support", "by the support's statistics")):
    rows = {f"characters.{name}.{mode}": words for name, words in ON_CHARACTERS.items()
            if f"characters.{name}.{mode}" in LOSSES}
    looks = dict.fromkeys(rows, "baseline") | {
        f"characters.{name}.{mode}": look
        for name, look in (("metal", "maml"), ("temperature", "reptile"),
                           ("robust", "reptile"))}
    dots(ax, LOSSES, rows, looks)
    ax.set(xlabel="right answers, %", title=said)
show(fig, alt="Accuracies on Omniglot with intervals and a tick for each seed, in two "
     "panels, one for each mode of batch norm: learned rates and a learned bend level, "
     "a learned temperature above them, and MeTAL and learned rates for longer "
     "highest, level with one another.")
print(f"{'points, paired by seed':34}{'one batch':>13}{'support':>13}")
for key, said in (("metal minus rates", "MeTAL minus rates"),
                  ("robust minus rates", "bend minus rates"),
                  ("temperature minus rates", "temperature minus rates"),
                  ("metal minus temperature", "MeTAL minus temperature"),
                  ("metal minus rates, longer", "MeTAL minus rates, longer")):
    names = [f"characters.{key}.{mode}" for mode in ("transductive", "support")]
    cells = [LOSSES[name] for name in names if name in LOSSES]
    print(f"{said:34}" + "".join(f"{c['value']:+7.1f} ± {c['interval']:.1f}"
                                 for c in cells))
if bend := LOSSES.get("characters.robust.number"):
    print(f"the bend z, from 0.1 to {bend['value']:.2f} ± {bend['interval']:.2f}")
if "choices.rates.0.004" in LOSSES:
    print("\nvalidation characters, %, one batch, at four outer rates (ours is 0.004)")
for name in ("rates", "rates, longer", "metal"):
    cells = [LOSSES.get(f"choices.{name}.{rate}") for rate in RATES_TRIED]
    print(f"{ON_CHARACTERS[name]:24}" + "".join(
        f"{c['value']:6.1f} ± {c['interval']:.1f}" for c in cells if c))
for name in ("rates", "rates, longer"):
    if c := LOSSES.get(f"choices.metal minus {name}"):
        print(f"MeTAL minus {ON_CHARACTERS[name]}, each at its best: "
              f"{c['value']:+.1f} ± {c['interval']:.1f}")

# %% [markdown]
# At equal steps MeTAL gains two points on learned rates, in every seed and in both modes. The temperature (three seeds) brings more than half of that by itself, and
# MeTAL keeps about a point over it. Give learned rates the steps that MeTAL's price pays for, and nothing is left of the gain: a tie. The temperature's step
# costs more than a step of the rates, too; at equal price it was not run. On the sinusoids, at equal cost, it came last.
#
# The bend (three seeds) adds nothing, and where it goes can be read: below zero, in every seed. There a picture that is far off pulls *harder*. No label lies here, so
# there is nothing to be robust against, and the one number says so again.
#
# Is it the outer rate, which was set once? The last table tried four on validation characters, three seeds each. Ours is too small for every row. Where each row has
# its best, MeTAL's gain at equal steps is there again, nearly three points; at equal price about one is left, with an interval that ends at zero.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## One start for everybody?
#
# The second thing MAML holds fixed. Here are two families of sinusoids: phases from 0 to 90 degrees, and from 180 to 270. A task does not say
# which it is from.

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "fragment", "code": false}
PHASES, RATE = Mixture.phases(), 0.005
kept = stored("phases")
episode, family = PHASES.sample_with_family(
    1000, 5, 50, generator=torch.Generator().manual_seed(4))
some = torch.linspace(-5, 5, 101)[:, None]
fig, ax = plt.subplots(figsize=(8, 3.3))
for number, hue in enumerate(("fomaml", "metric")):
    draw = torch.Generator().manual_seed(8)
    truth = PHASES.families[number].draw(8, generator=draw)
    curves = PHASES.families[number].value(some.double().expand(8, -1, -1), *truth)
    for curve in curves:
        ax.plot(some, curve, color=style.color(hue), linewidth=0.9, alpha=0.6)
line, = ax.plot(some, NET(kept["one0"], some), **style.method("maml"))
style.label_line(ax, line, "MAML's start", x=5.0, dx=6)
ax.set(xlabel="x", ylabel="y", xlim=(-5, 7), title="Two families, one start")
show(fig, alt="Thin curves of two families of sinusoids, one the mirror image of the "
     "other, and MAML's start between them, flatter than all of them.")

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. The two families are nearly mirror images. Ask where the best single start has to lie, and what it costs: two steps on five points have to find the family and the task.

# %% [markdown]
# A start between two families is far from both. If we knew the families, we would train one start for each. We do not; but a task shows
# where it belongs when it adapts. TSA-MAML (*task-similarity-aware*) makes that a method:
#
# 1. Train MAML on everything: $\theta$.
# 2. Adapt many tasks from $\theta$. Each end $\varphi_i$ is a point. Group the points by **K-means**; the means of the groups are $K$ starts.
# 3. Go on with MAML from each of them, on the tasks of its group alone.
# 4. A new task adapts from $\theta$, goes to the nearest mean, and adapts again from that group's start.
#
# With $K = 1$ there is one group, one mean, and step 3 is MAML. That is exact:

# %%
points = adapted_points(NET, squared_error, kept["first"], episode, sgd(RATE), STEPS)
one_group = grouped(points, 1)
mean = from_vector(one_group.means[0], kept["first"])
everything = (one_group.group == 0).nonzero()[:, 0]
both = [maml_gradient(NET, squared_error, mean,
                      drawn_from(episode, places, 8,
                                 generator=torch.Generator().manual_seed(0)),
                      sgd(RATE), STEPS)[0]
        for places in (everything, range(1000))]
compare("step 3 with one group", both[0], "MAML from the mean", both[1])

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Several starts, in four lines
#
# 1. **MAML** on all tasks: $\theta$
# 2. **K-means** of where tasks adapt to: $K$ groups, their means are $K$ starts
# 3. **MAML** from each mean, on its group alone
# 4. a new task adapts from $\theta$, goes to the **nearest mean**, and adapts again from that group's start
#
# K-means itself is two lines, again and again: each point goes to the nearest mean; each mean goes to the middle of its points.
#
# **Predict.** After thorough training, how many of 100 tasks does K-means put with their own family? Chance is 50 for the two phase ranges, and 34 for a mixture of sinusoids,
# lines and quadratics.
#
# - ( ) about 99 and about 95
# - ( ) about 99 and about 40
# - ( ) about 60 and about 95
# - ( ) about 60 and about 40
#
# <details><summary>After you have guessed</summary>
#
# About 99 and about 40. Parameters move with the *values* that a network has to take, and the two phase ranges ask for opposite values. A steep
# line and half a sine wave ask for nearly the same ones; that one has a sine in its formula, no gradient knows.
#
# </details>

# %% [markdown] slideshow={"slide_type": "notes"}
# 3 min. Go through the four lines. With K = 1 lines two and three are MAML from one mean, to the last bit. Then the vote. The word for "share of tasks that are with their own family" is purity.

# %% [markdown]
# **Your turn, 15.3.** One step of K-means: `points` [n, numbers] and `means` [K, numbers] come in; the new means and each point's
# group go out. A group may be empty.
#
# <details><summary>Hint 1</summary><code>torch.cdist(points, means)</code> holds every point's distance to every mean, [points, K]. Which mean is nearest to each point?</details>
# <details><summary>Hint 2</summary><code>points[group == k].mean(0)</code> is the mean of group k. Put the K of them into one tensor with <code>torch.stack</code>.</details>
# <details><summary>Hint 3</summary><code>(group == k).any()</code> says whether a group has points at all. If it has none, <code>means[k]</code> stays.</details>

# %% tags=["exercise"]
def kmeans_step(points, means):
    """The new means [K, numbers], and the group of each point, int64 [n]."""
    ### BEGIN SOLUTION
    group = torch.cdist(points, means).argmin(1)
    moved = [points[group == k].mean(0) if (group == k).any() else means[k]
             for k in range(len(means))]
    return torch.stack(moved), group
    ### END SOLUTION


# %%
check("15.3", kmeans_step)

# %%
kmeans_step = yours("15.3", kmeans_step, otherwise=find("15.3").solution)


def kmeans(points, K, tries=3, steps=12):
    """Your step, until nothing moves; the best of a few random beginnings."""
    best = None
    for seed in range(tries):
        draw = torch.Generator().manual_seed(seed)
        means = points[torch.randperm(len(points), generator=draw)[:K]]
        for _ in range(steps):
            means, group = kmeans_step(points, means)
        cost = (points - means[group]).square().sum()
        if best is None or cost < best[0]:
            best = cost, means, group
    return best[1:]


means, group = kmeans(points, 2)
agree = purity(group, grouped(points, 2).group)
print(f"your groups and scikit-learn's: {100 * agree:.0f} % the same")
print("purity, two phase ranges:",
      "above 97 %" if purity(group, family) > 0.97 else "97 % or less")

# %% [markdown]
# Two things hold for every K-means, and so for yours: no step raises the squared distances to the means, and points that are all shifted
# alike keep their groups. So where zero lies in the space of parameters does not matter.

# %%
wide, centre, costs = points.double(), points[:2].double(), []
shift = torch.linspace(-1, 1, wide.shape[1], dtype=torch.float64)
elsewhere, _ = kmeans_step(wide + shift, centre + shift)
compare("means of shifted points", elsewhere, "the means, shifted",
        kmeans_step(wide, centre)[0] + shift, to=1e-10)
for _ in range(8):
    centre, mine = kmeans_step(wide, centre)
    costs.append((wide - centre[mine]).square().sum())
costs = torch.stack(costs)
compare("the lowest cost so far", costs.cummin(0).values, "each step's own", costs,
        to=1e-10)

# %% [markdown]
# The picture behind that number: each dot is a task, where it adapts to from MAML's start, seen along the two directions in which the
# dots spread most.

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "slide"}
def flat(points):
    """Two coordinates for each point: the directions of largest spread."""
    centred = (points - points.mean(0)).double()
    _, _, directions = torch.linalg.svd(centred, full_matrices=False)
    turn = directions[:2].T
    return centred @ (turn * turn.sum(0).sign())


forms, kinds = Mixture.formulas().sample_with_family(
    600, 10, 1, generator=torch.Generator().manual_seed(5))
at = adapted_points(NET, squared_error, kept["first"], forms, sgd(RATE), 5)
fig, axes = plt.subplots(1, 2, figsize=(10.5, 3.9))
views = ((flat(points[:600]), family[:600], "two phase ranges",
          ("0 to 90", "180 to 270")),
         (flat(at), kinds, "three formulas", ("sine", "line", "quadratic")))
for ax, (place, own, said, names) in zip(axes, views):
    for number, name in enumerate(names):
        look = dict(marker="o^s"[number], s=14, alpha=0.7,
                    color=style.color(("fomaml", "metric", "reptile")[number]))
        ax.scatter(*place[own == number].T, **look, label=name)
    ax.set(title=said, xlabel="first direction", xticks=[], yticks=[])
    ax.legend(loc="best", fontsize=10)
axes[0].set_ylabel("second direction")
show(fig, alt="Two clouds of dots, each a task where it adapts to. Left, two phase "
     "ranges: two clouds with a gap between them. Right, sine, line and quadratic: one "
     "cloud in which the three are mixed.")

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Left: a gap. Right: none. A family in our heads is not a family for gradient descent. Note what the recorded table says of K-means on the data themselves, without a network: it finds the phase ranges as well.

# %% jupyter={"source_hidden": true}
fig, ax = plt.subplots(figsize=(8, 2.9))
lengths = (0, 300, 1000, 3000)
found = [STARTS[f"purity.{n} outer.2 inner"] for n in lengths]
ax.errorbar(range(len(lengths)), [f["value"] for f in found],
            yerr=[f["interval"] for f in found], capsize=4, **style.method("maml"))
ax.axhline(STARTS["phases.purity of the support points"]["value"], color="black",
           linewidth=1)
ax.axhline(0.5, color=style.color("baseline"), linestyle="--")
ax.annotate("K-means on the support points themselves", (0, 1.0), va="bottom")
ax.annotate("chance", (3.05, 0.5), va="bottom", ha="right")
ax.set(xticks=range(len(lengths)), xticklabels=lengths, ylim=(0.4, 1.1),
       xlabel="outer steps of MAML before the tasks are grouped", ylabel="purity",
       title="Groups need a trained start; the data do not")
show(fig, alt="Purity of groups of adapted parameters against outer steps: a little "
     "above chance before training, almost one after three thousand steps. A line at "
     "the top: K-means on the support points themselves.")

# %% [markdown]
# K-means needs no network for this: summed up in eleven bins, the support points themselves show the families at once. Adapted
# parameters reach that after long training. What they have to be good for is the second column of the question: is a start for each group worth
# anything?

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Is a start for each group worth it?
#
# All go on from the same $\theta$, for as many tasks in all. Four rivals beside the method: the **true families**, **groups by the data** (K-means of
# the support points, no network asked), **groups by lot**, and **one start trained $K$ times as long**, twice where there are two groups.
#
# **Predict.** Two phase ranges, 5 shots, two steps. Where does *one start, twice as long* come out?
#
# - ( ) It catches up with the two starts: time is all that was missing.
# - ( ) It gains a quarter of what two starts gain, or less.
# - ( ) It gains nothing at all.
# - ( ) It is better than two starts, which see half of the tasks each.
#
# <details><summary>After you have guessed</summary>
#
# It gains a quarter of what two starts gain, or less. One start was not done yet, so it moves; but two steps on five points have to find the
# family first, and no training of one start takes that away.
#
# </details>

# %% [markdown] slideshow={"slide_type": "notes"}
# 1 min. Say what each rival is for. By lot: is it the grouping, or that there are two networks? By the data: has a network to adapt for it? Longer: is it only time? True families: how much is left to gain?

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "slide"}
GAINS = {"tsa": "groups by K-means", "tsa, by support loss": "start by support loss",
         "families": "true families", "random": "groups by lot",
         "data": "groups by the data", "longer": "one start, K times as long"}
GAIN_HUES = {"random": "warning", "longer": "baseline", "families": "metric",
             "data": "reptile"}
fig, axes = plt.subplots(1, 2, figsize=(11, 3.7), sharey=True)
for ax, part, said in ((axes[0], "phases", "two phase ranges"),
                       (axes[1], "formulas", "sine, line, quadratic")):
    rows = {f"{part}.{name} minus one": said for name, said in GAINS.items()
            if f"{part}.{name} minus one" in STARTS}
    hues = {f"{part}.{name} minus one": hue for name, hue in GAIN_HUES.items()}
    dots(ax, STARTS, rows, hues)
    ax.axvline(0, color="black", linewidth=1)
    ax.set(xlabel="query MSE, minus that of one start",
           title=f"{said}; one start: {STARTS[f'{part}.one']['value']:.2f}")
axes[0].set(yticks=range(len(GAINS)), yticklabels=GAINS.values(), ylim=(5.6, -0.8))
show(fig, alt="Differences to one start with intervals. Left, phase ranges: groups by "
     "K-means, groups by the data and the choice by support loss halve the error and "
     "nearly reach the true families; groups by lot gain nothing; one start trained "
     "twice as long gains a quarter of that. Right, formulas: groups by K-means and by "
     "the data gain nothing, choosing by support loss gains a little, and one start "
     "trained three times as long gains most.")

# %% [markdown] slideshow={"slide_type": "notes"}
# 3 min. Left first: half of the error, and nearly all that knowing the families is worth. By lot nothing, so it is the grouping. By the data as much, so it is not the adapting. Longer a quarter. Then right: no grouping gains anything there, choosing by the support loss gains a little, and one start with the steps of all three gains most.

# %% [markdown]
# Left, a start for each group is worth it: half of the error is gone, groups by lot do nothing, twice the training brings a quarter of it,
# and the true families are hardly better. But nobody has to adapt to find the groups. K-means of the support points, which asks no network, is worth no
# less. Right, it is another matter: where groups are not families, a start for each is worth nothing. And
# *choosing* is a part of its own. Adapting from all $K$ starts and keeping the one with the least support loss needs no means, and on
# formulas it gains where the nearest mean gains nothing. (What gains most there is the plainest rival: one start, trained for as many steps as the three together.) On the phase ranges it is a little worse. Is that the noise on the five points, or that
# they are five? Count who is sent to the start of the other family, of 1000 new tasks, with the recorded starts of one seed. Round to tens: one
# or two lie so near the border that another processor sends them elsewhere.

# %%
first, two = kept["first"], [kept["tsa0"], kept["tsa1"]]
print("sent to the wrong start by   the nearest mean   the support loss")
for noise in (0.3, 0.0):
    for shots in (5, 20):
        new, own = Mixture.phases(noise).sample_with_family(
            1000, shots, 1, generator=torch.Generator().manual_seed(6))
        at = adapted_points(NET, squared_error, first, new, sgd(RATE), STEPS)
        fit_of, _ = adapted_from(NET, squared_error, two, new, sgd(RATE), STEPS)
        wrong = [10 * round(100 * (1 - purity(chosen, own)))
                 for chosen in (nearest(at, means), fit_of.argmin(0))]
        print(f"{shots:3} points, {'noise' if noise else 'no noise':10}"
              f"{wrong[0]:19}{wrong[1]:19}")

# %% [markdown]
# Mostly that they are five. Without the noise the support loss still goes wrong more often than the nearest mean, with twenty points hardly ever.
#
# Does yours do it too? Here two starts go on from your means, and one start from $\theta$, each for the same tasks in all.

# %%
def go_on(start, places, tasks, seed):
    """MAML from a start, on some of the tasks alone."""
    def gradient(theta, drawn):
        return maml_gradient(NET, squared_error, theta, drawn, sgd(RATE), STEPS)
    return fit(gradient, start,
               lambda g: drawn_from(episode, places, tasks, generator=g), steps=GO_ON,
               generator=torch.Generator().manual_seed(seed), lr=1e-3,
               schedule="cosine", clip=10.0, progress=None).theta


one = go_on(first, range(1000), 16, seed=0)
mine = [go_on(from_vector(means[k], first), (group == k).nonzero()[:, 0], 8, seed=k)
        for k in range(2)]
new = PHASES.sample(500, 5, 50, generator=torch.Generator().manual_seed(6))
near = nearest(adapted_points(NET, squared_error, first, new, sgd(RATE), STEPS), means)
_, from_one = adapted_from(NET, squared_error, [one], new, sgd(RATE), STEPS)
_, from_two = adapted_from(NET, squared_error, mine, new, sgd(RATE), STEPS)
gain = over_tasks(from_two.gather(0, near[None])[0] - from_one[0])
record("live.phases.two starts minus one", gain, unit="query MSE, paired", seeds=[0],
       note=f"{GO_ON} outer steps")
print("two starts minus one, on 500 new tasks:",
      "clearly below 0" if gain.mean + gain.half_width < 0 else "not below 0")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Why should a nearer start help?
#
# The theory behind the method bounds the error of a new task by two things: **how many support points** there are, and **how far the start is from the
# task's optimum** $\varphi^*$. Both can be turned by hand.

# %%
def optimum(start, x, y, steps=200):
    """Where a task's own descent ends, with the truth at 60 points."""
    with torch.no_grad():
        return adapt(lambda phi: squared_error(NET(phi, x), y),
                     stack(start, len(x)), sgd(RATE), steps)


tasks = PHASES.sample(100, 40, 60, generator=torch.Generator().manual_seed(9))
best = optimum(kept["one0"], tasks.query_x, tasks.query_y)
theta = stack(kept["one0"], tasks.tasks)


def error_from(start, shots=5):
    """The query error after two steps on so many points, [tasks]."""
    x, y = tasks.support_x[:, :shots], tasks.support_y[:, :shots]
    with torch.no_grad():
        phi = adapt(lambda p: squared_error(NET(p, x), y), start, sgd(RATE), STEPS)
        return squared_error(NET(phi, tasks.query_x), tasks.query_y)


def nearer(share, towards):
    return map_params(lambda a, b: a + share * (b - a), theta, towards)


shares, counts = (0.0, 0.2, 0.4, 0.6, 0.8), (2, 5, 10, 20, 40)
own = [over_tasks(error_from(nearer(share, best))) for share in shares]
others = map_params(lambda v: v.roll(1, 0), best)  # another task's optimum
wrong = [over_tasks(error_from(nearer(share, others))) for share in shares]
more = [over_tasks(error_from(theta, shots=count)) for count in counts]

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "fragment", "code": false}
fig, axes = plt.subplots(1, 2, figsize=(11, 3.3))
axes[0].errorbar(range(len(counts)), [e.mean for e in more],
                 yerr=[e.half_width for e in more], capsize=3, **style.method("maml"))
axes[0].set(xticks=range(len(counts)), xticklabels=counts, xlabel="support points",
            ylabel="query MSE after two steps", title="More support points")
for found, look, said in ((own, "maml", "its own"),
                          (wrong, "warning", "another task's")):
    line = axes[1].errorbar(shares, [e.mean for e in found],
                            yerr=[e.half_width for e in found], capsize=3,
                            color=style.color(look), linestyle="-", linewidth=2.5)[0]
    style.label_line(axes[1], line, said, x=shares[-1], dx=8)
axes[1].set(xlabel="share of the way from the start to an optimum", xlim=(-0.03, 1.15),
            title="A start nearer the task's optimum")
for ax in axes:
    ax.set_ylim(bottom=0)
show(fig, alt="Left: the error after two steps falls as support points grow from two "
     "to forty. Right: it falls as the start is moved towards the task's own optimum, "
     "and rises when it is moved as far towards another task's.")

# %% [markdown] slideshow={"slide_type": "notes"}
# 3 min. Both conclusions of the theory, turned by hand. The control on the right: not moving helps, but moving to the right place. Then ask how far each start is from the optima.

# %%
def far(start):
    """Mean distance from a start to where each task's own descent from it ends."""
    ends = optimum(start, tasks.query_x, tasks.query_y)
    return torch.cat([(ends[n] - start[n]).flatten(1) for n in start], 1).norm(dim=1)


near = nearest(adapted_points(NET, squared_error, first,
                              Episode(tasks.support_x[:, :5], tasks.support_y[:, :5],
                                      *tasks[2:]), sgd(RATE), STEPS), means)
ways = {"one": [kept["one0"]], "tsa": [kept["tsa0"], kept["tsa1"]]}
away = {name: torch.stack([far(start) for start in starts]).min(0).values.mean()
        for name, starts in ways.items()}
print(f"from the nearer of two starts an optimum is {away['tsa'] / away['one']:.1f} "
      "times as far as from one start")

# %% [markdown]
# So the two starts do what the theory asks of them: they stand nearer to where their tasks end. That is the whole trick, and it says
# when to expect nothing: where groups are no nearer to their own mean than to the mean of all.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Pitfall: groups that are orders of labels
#
# Now few-shot classification. "Class 3" is another character in each task: the labels are dealt by lot. So two tasks of the *same* five
# characters, dealt in another order, adapt to different heads. K-means on adapted parameters may sort tasks by nothing but that.

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "fragment", "code": false}
ORDER = recorded("15", "order")
PAIRS = {"same characters, same order": ("same characters,\nsame order", "fomaml"),
         "same characters, other order": ("same characters,\nother order", "warning"),
         "other characters": ("other characters", "baseline")}
fig, axes = plt.subplots(1, 2, figsize=(11, 3.2), sharey=True)
for ax, head, part, said in ((axes[0], "learned", "all", "a learned head, all weights"),
                             (axes[1], "zero", "body", "a head of zeros, the body")):
    for place, (key, (_, hue)) in enumerate(PAIRS.items()):
        each = ORDER[f"{head} head.{part}.{key}"]
        ax.bar(place, each["value"], yerr=each["interval"], capsize=4, width=0.65,
               color=style.color(hue))
        ax.annotate(f"{each['value']:.2f}", (place + 0.04, each["value"]),
                    xytext=(4, 4), textcoords="offset points")
    ax.set(xticks=range(3), xticklabels=[words for words, _ in PAIRS.values()],
           title=said, ylim=(0, 1.15))
axes[0].set_ylabel("distance of adapted parameters\n(mean of all pairs: 1)")
show(fig, alt="Bars of the distance between adapted Omniglot tasks. With a learned "
     "head, tasks of the same characters in another label order are as far apart as "
     "tasks of other characters. With a head of zeros, the body's distance does not "
     "depend on the order.")

# %% [markdown] slideshow={"slide_type": "notes"}
# 3 min. Left: the same characters in another order are as far away as other characters. Any groups found there are groups of label orders. Right: with a head of zeros the body does not see the order, and what sets tasks apart is their characters. Leaving out the head from the points is no cure by itself.

# %% [markdown]
# With a learned head the middle bar is as high as the right one. Leaving the head out of the points does not cure it: the body's
# gradient comes *through* the head. With a head of zeros it does: then all classes begin equal, and the labels' order cannot reach the
# body. What is left over are the characters: K-means on the body's numbers alone puts most tasks with their own five.

# %% jupyter={"source_hidden": true}
for key, said in (("learned head.all", "learned head, all weights"),
                  ("learned head.body", "learned head, the body"),
                  ("zero head.body", "head of zeros, the body")):
    found = ORDER[f"{key}.purity by characters"]
    print(f"{said:26} purity {found['value']:.2f} ± {found['interval']:.2f}")
print(f"{'chance':26} purity {ORDER['zero head.chance, purity']['value']:.2f}")

# %% [markdown] slideshow={"slide_type": "slide"}
# **Detector.** Deal the labels of each task anew, and adapt again. A point that moves by more than a hundredth of what lies between tasks is
# a point of label orders.

# %%
def sees_the_order(points_of, episode, seed=0):
    """Do tasks' points, points_of(episode), move when labels are dealt anew?"""
    deal = torch.Generator().manual_seed(seed)
    dealt = torch.stack([torch.randperm(5, generator=deal)[y]
                         for y in episode.support_y])
    before = points_of(episode)
    moved = (points_of(episode._replace(support_y=dealt)) - before).norm(dim=1)
    return bool(moved.mean() > 0.01 * torch.pdist(before).mean())


def body_of(net, start):
    """The function that gives a task's adapted body as a point; the head comes last."""
    count = sum(start[name].numel() for name in net.body_names)
    return lambda episode: adapted_points(net, cross_entropy, start, episode, sgd(0.1),
                                          3)[:, :count]


# %% slideshow={"slide_type": "-", "code": false}
pictures = Characters.load().split("random").test
flags = {"learned": [], "zero": []}
for seed in range(10):
    net = Conv4(5, 8, head="flatten")
    start = net.init(torch.Generator().manual_seed(seed), torch.float64)
    tasks_5 = pictures.sample(8, 5, 1, 1, dtype=torch.float64,
                              generator=torch.Generator().manual_seed(seed))
    for head, begin in (("learned", start), ("zero", net.zero_head(start))):
        flags[head].append(sees_the_order(body_of(net, begin), tasks_5, seed))
print(f"misses: {10 - sum(flags['learned'])} of 10 networks with a learned head; "
      f"false alarms: {sum(flags['zero'])} of 10 with a head of zeros")

# %% [markdown] slideshow={"slide_type": "notes"}
# 1 min. The detector asks the question directly: deal the labels anew and see whether the point moves. It needs no families and no truth. Ten networks with a learned head, ten with a head of zeros.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What you learned
#
# - A point enters an inner step through its pull, $\ell'(r)$. Squared error lets a wrong label pull without end; one learned width stops it.
# - A learned loss needs three rivals: learned rates, one number, and the same cost. With a fifth of lies, the one number was the only one to help in every seed.
# - MeTAL starts as MAML, to rounding. At equal steps it gained, on sinusoids in four seeds of five, on characters in all. At equal cost it came last, and level.
# - Several starts halve the error where groups are families, found by adapting or in the data alike. Where they are not, one start trained longer does more.
# - With a learned head such groups may be orders of labels. Deal the labels anew and see.

# %% [markdown] slideshow={"slide_type": "notes"}
# 1 min. Read the second line and the fourth: they are the two that a table without rivals would have hidden.

# %% [markdown]
# ## Quiz
#
# <details><summary>1. A paper's learned loss beats MAML by three points. Which two rows do you miss in its table?</summary>
#
# MAML with learned rates, because a loss network can lengthen every step as a rate can; and a loss with one learned number. And both at the
# same cost, not at the same number of steps.
#
# </details>
#
# <details><summary>2. Your K-means groups of few-shot tasks are beautifully apart. What do you test before you train a start for each?</summary>
#
# Whether a task stays in its group when its labels are dealt in another order. With a learned head it may not, and then the groups are
# orders of labels, of which a new task has a random one.
#
# </details>
#
# <details><summary>3. Groups by lot, with a start for each, gain nothing. Why is that row in the table at all?</summary>
#
# It holds everything but the similarity: as many starts, as many tasks for each, the same training. If it gained as much, the gain would come from having
# several networks and not from the groups.
#
# </details>
#
# ## References
#
# - Baik, Choi, Kim, Cho, Min, Lee 2021, [Meta-learning with task-adaptive loss function](https://arxiv.org/abs/2110.03909): MeTAL, and the
#   [released code](https://github.com/baiksung/MeTAL).
# - Zhou, Zou, Yuan, Feng, Xiong, Hoi 2021, [Task similarity aware meta learning](https://proceedings.mlr.press/v161/zhou21a.html): TSA-MAML and its theory. Its tables, on image data, were not at hand; no number of them is quoted here.
# - Perez, Strub, de Vries, Dumoulin, Courville 2018, [FiLM](https://arxiv.org/abs/1709.07871): scaling and shifting by a condition.
# - Huber 1964, [Robust estimation of a location parameter](https://doi.org/10.1214/aoms/1177703732).
# - Antoniou, Edwards, Storkey 2019, [How to train your MAML](https://arxiv.org/abs/1810.09502): learned rates for each layer and step.
#
# ## Next
#
# [Lesson 16](16_fewer_tasks.ipynb), *Fewer tasks*: what to do when there are not enough of them to learn from. [Lesson 00](00_start_here.ipynb) has the whole way.
