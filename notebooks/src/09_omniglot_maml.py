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
# # 09 Omniglot MAML
#
# You train a network for a minute or two. Then you show it five characters it has never seen, once each, and it tells new drawings of them
# apart.
#
# **You will be able to**
#
# - write MAML's inner step and the meta-gradient of many tasks at once, prove that it is right, and train with it,
# - tell MAML from its first-order look-alikes with one test,
# - train it on real Omniglot and read its accuracy before and after every inner step,
# - say whose statistics batch norm used, and why that alone moves the result,
# - set your number beside a published one, with an interval on both.
#
# **Prerequisites:** [lesson 00](00_start_here.ipynb) for the notation, and
# [lesson 03](03_gradient_descent_is_an_lstm_cell.ipynb) for gradients that go through gradient steps.
#
# **Time:** 35 minutes of reading, and 40 minutes for the exercises.
#
# **What it costs to run:** *smoke* takes under 60 s on two cores and trains far too little. *lecture* takes under 3 minutes on two
# cores, half of them spent training. *paper* is the published protocol, 60,000 meta-iterations of 0.4 s each on two cores: that asks for a
# GPU, or for a night. It can be stopped at any time, and goes on where it was.

# %% [markdown] slideshow={"slide_type": "notes"}
# 1 min. Say what the room will see: a network that trains for a minute or two and then learns five letters from one look each. If you train live, start the lecture profile now.

# %% tags=["parameters"]
PROFILE = "smoke"  # "smoke", "lecture" or "paper": the same cells, three budgets
SEEDS = [0]  # one training run for each

# %% tags=["setup"]
import time
from dataclasses import dataclass, replace

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F

from mlteach.checkpoint import load_checkpoint, params_from
from mlteach.exercises import check, find, yours
from mlteach.explore import EpisodeInspector, style
from mlteach.explore.figure import show
from mlteach.fit import fit
from mlteach.inner import MetaLSTM, sgd
from mlteach.measure import accuracy, compare, floor_of, is_it_maml, over_seeds
from mlteach.measure import over_tasks, path_of, published, step_accuracy
from mlteach.measure.ledger import data_folder, keep_checkpoint, record, recorded
from mlteach.nets import Conv4, cross_entropy
from mlteach.outer import maml_gradient, maml_gradient_loop, replayed
from mlteach.outer.chunks import sum_over_chunks
from mlteach.params import detach, leaves, norm, scale, stack, subtract
from mlteach.tasks import Characters

style.use()
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Five characters, one look
#
# Here is the whole problem. The upper row is the *support set*: five characters from alphabets you cannot read, each drawn once. Below
# are *queries*: the same five, drawn by other people. Which is which?

# %% [markdown]
# The split has the sizes that MAML was published with: 1100 characters to learn from, 100 to choose settings on, 423 that nobody
# looks at before the end, shuffled over all alphabets. (The paper's own is not recorded; this is ours.) Only training
# characters are also turned by 90, 180 and 270 degrees, and each turn counts as a new character.

# %%
characters = Characters.load().to(DEVICE)
train, validation, test = characters.split("random")
print(len(train), "training classes,", len(validation), "for choosing settings,",
      len(test), "for the final test")

# %% tags=["opening"] jupyter={"source_hidden": true} slideshow={"slide_type": "fragment"}
episode = test.sample(tasks=1, ways=5, shots=1, queries=2,
                      generator=torch.Generator().manual_seed(9))
order = episode.support_y[0].argsort()
fig = plt.figure(figsize=(10, 2.7))
grid = fig.add_gridspec(2, 10)
for place, index in enumerate(order):
    ax = fig.add_subplot(grid[0, 2 * place : 2 * place + 2])
    ax.imshow(episode.support_x[0, index, 0].cpu())
    ax.set_title("ABCDE"[place], loc="center", color=style.color("maml"))
    ax.axis("off")
for place in range(10):
    ax = fig.add_subplot(grid[1, place])
    ax.imshow(episode.query_x[0, place, 0].cpu())
    ax.set_title("?", loc="center")
    ax.axis("off")
show(fig, alt="Five support characters, named A to E, one drawing each; below them ten "
     "query drawings without a name.")

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Let them match two or three queries aloud. Name the parts: support set above, query set below, five ways, one shot. Test characters are ones that no training has touched.

# %% [markdown] slideshow={"slide_type": "slide"}
# **Predict.** Look at the pictures, then guess: how often is the *nearest neighbour* right, the support picture with the smallest
# squared distance to the query, pixel by pixel? A blind guess is right in 20 % of all cases.
#
# - ( ) about 25 %
# - ( ) about 45 %
# - ( ) about 65 %
# - ( ) about 85 %
#
# <details><summary>After you have guessed</summary>
#
# About 45 %. A character drawn two pixels to the side is far from itself in pixel space.
#
# </details>

# %% slideshow={"slide_type": "fragment", "code": false}
def nearest_neighbour(episode):
    """The share of queries [tasks] whose nearest support picture has their label."""
    support, query = (x.flatten(2).double()
                      for x in (episode.support_x, episode.query_x))
    products = query @ support.transpose(1, 2)
    lengths = support.square().sum(2)[:, None]
    distance = query.square().sum(2, keepdim=True) - 2 * products + lengths
    answer = episode.support_y.gather(1, distance.argmin(2))
    return (answer == episode.query_y).double().mean(1)


def draw(split, tasks, seed, queries=15, ways=5):
    """The same tasks for everybody: batches of 50, from one seed."""
    generator = torch.Generator().manual_seed(seed)
    return [split.sample(min(50, tasks), ways, 1, queries, generator=generator)
            for _ in range(0, tasks, 50)]


shares = torch.cat([nearest_neighbour(batch) for batch in draw(test, 1000, seed=1)])
pixels = over_tasks(shares).scaled(100)
print("nearest neighbour on pixels: "
      f"{pixels.mean:.0f} % right, ± {pixels.half_width:.0f}")
informed = recorded("01", "floor").get("test.5way1shot.centred and blurred")
if informed:
    print("on drawings centred and blurred, in lesson 01: "
          f"{informed['value']:.0f} % right, ± {informed['interval']:.0f}")

# %% [markdown] slideshow={"slide_type": "notes"}
# 3 min. Take guesses by hands: 20, 40, 60, 80. Two pixels to the side, and a character is far from itself. Then lesson 01's higher floor: centre the drawings, blur them, learn nothing. What is above that has to be learned from other characters.

# %% [markdown]
# That is a floor: what it costs nothing to know. Lesson 01 raises it, still without learning anything: it centres each drawing on its
# ink and blurs it before it looks for the neighbour. What lies above *that* has to be learned from other characters.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What does the network look like?
#
# Four times: convolve with stride 2, normalise, cut off below zero. Then one linear layer. As a function of its parameters it fits
# into a cell. The package has the same network as `Conv4`; the last line says whether the two agree.

# %% slideshow={"slide_type": "fragment"}
def conv4(theta, x):
    """Logits [N, ways] for x [N, 1, 28, 28]. Batch norm uses the statistics of x."""
    for block in (1, 2, 3, 4):
        x = F.conv2d(x, theta[f"conv{block}.weight"], stride=2, padding=1)
        mean = x.mean((0, 2, 3), keepdim=True)
        variance = (x - mean).square().mean((0, 2, 3), keepdim=True)
        x = (x - mean) / (variance + 1e-5).sqrt()
        gamma, beta = theta[f"norm{block}.gamma"], theta[f"norm{block}.beta"]
        x = F.relu(gamma[:, None, None] * x + beta[:, None, None])
    return F.linear(x.flatten(1), theta["head.weight"], theta["head.bias"])


small = Conv4(ways=5, filters=8, head="flatten")
theta = small.init(torch.Generator().manual_seed(0), torch.float64)
batch = train.sample(4, ways=5, shots=1, queries=3,
                     generator=torch.Generator().manual_seed(0))
batch = batch.to(device="cpu", dtype=torch.float64)
compare("conv4", conv4(theta, batch.query_x[0]), "Conv4",
        small(theta, batch.query_x[0]), to=1e-10)

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Do not read the code aloud. Point at one line: the mean and the variance are those of the batch itself. That line will bite us at the end. The parameters come in as a dict, because they are about to be replaced.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## How does it adapt, and how does the start learn from that?
#
# Call the start $\theta$. On one task, take one gradient step on the support set:
#
# $$\varphi \;=\; \theta - \alpha\, \nabla_\theta L_{\text{support}}(\theta)$$
#
# Then judge $\varphi$ on the query set, and move *the start*:
#
# $$\theta \;\leftarrow\; \theta - \beta\, \nabla_\theta\, L_{\text{query}}(\varphi)$$
#
# Aloud: *find the start from which one step does best on pictures that the step has not seen.* The second gradient goes through the
# first. By the chain rule, for one step,
#
# $$\nabla_\theta L_{\text{query}}(\varphi) \;=\; \bigl(I - \alpha H_{\text{support}}(\theta)\bigr)\, \nabla L_{\text{query}}(\varphi),$$
#
# with the Hessian $H$ of the support loss. FOMAML leaves the Hessian out.

# %% [markdown] slideshow={"slide_type": "notes"}
# 5 min. Three lines on the board, one under the other. The first is the step on the support set. The second moves the *start*, by the loss on the query set. The third is the chain rule, and in it the Hessian of the support loss. Ask: what does it cost to leave it out, and what is that called?

# %% [markdown]
# **Your turn.** Write the inner step. `loss` is a function of the parameters, `theta` a dict of tensors.
#
# <details><summary>Hint 1</summary>Two lines: the gradient of loss(theta) for every tensor in theta, then a new dict with theta moved against it.</details>
# <details><summary>Hint 2</summary><code>torch.autograd.grad(loss(theta), list(theta.values()), ...)</code> gives one gradient for each name, in order.</details>
# <details><summary>Hint 3</summary>The outer loop differentiates this step too. Which argument of <code>torch.autograd.grad</code> keeps the way back?</details>

# %% tags=["exercise"]
def inner_step(loss, theta, alpha):
    """phi = theta - alpha * gradient, a new dict that remembers where it came from."""
    ### BEGIN SOLUTION
    gradient = torch.autograd.grad(loss(theta), list(theta.values()), create_graph=True)
    return {name: theta[name] - alpha * g for name, g in zip(theta, gradient)}
    ### END SOLUTION


# %%
check("09.1", inner_step)

# %% [markdown]
# **And the outer loss.** `adapt(theta, x, y)` returns $\varphi$. `loss(parameters, x, y)` is a number. `support` and `query` are
# pairs `(x, y)`.
#
# <details><summary>Hint 1</summary>Two questions: which parameters are judged, and on which pictures?</details>
# <details><summary>Hint 2</summary><code>phi = adapt(theta, ...)</code> learns from the support set. Its loss is taken elsewhere.</details>
# <details><summary>Hint 3</summary><code>return loss(phi, *...)</code>: not the set that phi has seen.</details>

# %% tags=["exercise"]
def outer_loss(loss, adapt, theta, support, query):
    """The loss that MAML's outer loop descends on, for one task."""
    ### BEGIN SOLUTION
    phi = adapt(theta, *support)
    return loss(phi, *query)
    ### END SOLUTION


# %%
check("09.2", outer_loss)

# %% [markdown]
# Now all of MAML's gradient, made of your two functions: adapt to each task, take the query loss, go back through everything.

# %% slideshow={"slide_type": "slide"}
ALPHA = 0.4
step = yours("09.1", inner_step, otherwise=find("09.1").solution)


def task_loss(theta, x, y):
    return F.cross_entropy(conv4(theta, x), y)


def adapt_by_hand(theta, x, y, steps=1):
    for _ in range(steps):
        theta = step(lambda phi: task_loss(phi, x, y), theta, ALPHA)
    return theta

# %% [markdown] slideshow={"slide_type": "notes"}
# 1 min. Your step, as often as you like. Ask what has to survive inside `step` for a gradient to find its way back through it.

# %% slideshow={"slide_type": "slide"}
judged = yours("09.2", outer_loss, otherwise=find("09.2").solution)


def meta_gradient_by_hand(theta, episode):
    start, total = leaves(theta), 0
    for support_x, support_y, query_x, query_y in zip(*episode):
        one = judged(task_loss, adapt_by_hand, start, (support_x, support_y),
                     (query_x, query_y))
        total = total + one / episode.tasks
    return dict(zip(start, torch.autograd.grad(total, list(start.values()))))


ours = meta_gradient_by_hand(theta, batch)
packaged, _ = maml_gradient(small, cross_entropy, theta, batch, sgd(ALPHA), steps=1)
compare("one task after the other", ours, "the package", packaged, to=1e-10)

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. All of MAML: adapt to each task, judge, and one gradient through both, of the mean over the tasks.

# %% [markdown]
# Two programs that agree can both be wrong. So ask the definition: move $\theta$ a little, adapt again, and see how the query loss
# changes. `is_it_maml` does this in random directions, in double precision. It takes anybody's `adapt`, yours too.

# %% [markdown] slideshow={"slide_type": "slide"}
# **Predict.** Two programs stand beside the right one. `no_way_back` takes its inner gradient without `create_graph=True`.
# `through_a_copy` takes the right step, but from a detached copy of the start. What will the test say of them?
#
# - ( ) Both are FOMAML.
# - ( ) The first is FOMAML. From the second no gradient reaches the start.
# - ( ) From the first no gradient reaches the start. The second is FOMAML.
# - ( ) Both are MAML: the numbers of the inner loop are the same.
#
# <details><summary>After you have guessed</summary>
#
# The first is FOMAML: its step is a constant, so the factor with the Hessian is gone. The copy has no tie to $\theta$ at all, however well it
# remembers its own way. Nothing would be learned.
#
# </details>

# %% slideshow={"slide_type": "fragment"}
def no_way_back(theta, x, y):
    gradient = torch.autograd.grad(task_loss(theta, x, y), list(theta.values()))
    return {name: theta[name] - ALPHA * g for name, g in zip(theta, gradient)}


def through_a_copy(theta, x, y):
    copied = {name: value.detach().clone().requires_grad_()
              for name, value in theta.items()}
    return adapt_by_hand(copied, x, y)


for attempt in (adapt_by_hand, no_way_back, through_a_copy):
    print(f"{attempt.__name__:15}", is_it_maml(attempt, task_loss, theta, batch))

# %% [markdown] slideshow={"slide_type": "notes"}
# 3 min. The training loss of a program without that word falls nicely, and it is not MAML. Take a vote on what the test says. The test compares with the definition, by finite differences, and takes anybody's `adapt`.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Where is the Hessian, if nobody ever writes it down?
#
# With several inner steps the chain rule gives one factor for each, the first step on the left:
#
# $$\nabla_\theta L_{\text{query}}(\varphi) \;=\; \bigl(I - \alpha H(\theta_0)\bigr)\,\bigl(I - \alpha H(\theta_1)\bigr) \cdots \bigl(I - \alpha H(\theta_{k-1})\bigr)\;\nabla L_{\text{query}}(\varphi).$$
#
# Read it from the right. Begin with $v = \nabla L_{\text{query}}(\varphi)$, an ordinary gradient. Then walk the steps back, the last one first:
#
# $$v \;\leftarrow\; v - \alpha\, H(\theta_t)\, v .$$
#
# Aloud: *take the gradient at the end, and correct it once for every step that led there.* A Hessian of 100,000 weights would have ten
# thousand million entries. But $Hv$ is one vector: the derivative of $\nabla L \cdot v$. Autograd gives it for the price of a gradient.

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Let the class say the order: which step is corrected for first, and why? Nobody ever holds a Hessian; a product with it costs about as much as a gradient. Leave the walk back out, and what is left is FOMAML.

# %%
def gradient_at(theta, x, y, create_graph=False):
    at = {name: value.detach().requires_grad_() for name, value in theta.items()}
    return at, torch.autograd.grad(task_loss(at, x, y), list(at.values()),
                                   create_graph=create_graph)


def meta_gradient_backwards(theta, episode, steps):
    total = [0] * len(theta)
    for support_x, support_y, query_x, query_y in zip(*episode):
        walked, phi = [], theta
        for _ in range(steps):  # forwards, keeping every step
            at, gradient = gradient_at(phi, support_x, support_y, create_graph=True)
            walked.append((at, gradient))
            phi = {name: at[name] - ALPHA * g for name, g in zip(at, gradient)}
        _, v = gradient_at(phi, query_x, query_y)
        for at, gradient in reversed(walked):  # and back: v <- v - alpha H v
            Hv = torch.autograd.grad(gradient, list(at.values()), v)
            v = [a - ALPHA * b for a, b in zip(v, Hv)]
        total = [a + b / episode.tasks for a, b in zip(total, v)]
    return dict(zip(theta, total))


packaged, _ = maml_gradient(small, cross_entropy, theta, batch, sgd(ALPHA), steps=3)
compare("from back to front", meta_gradient_backwards(theta, batch, steps=3),
        "the package", packaged, to=1e-10)

# %% [markdown]
# So the query set, most of a task's pictures, is passed through the network as in ordinary training. Only the few support pictures are
# differentiated twice. Leave out the two lines that walk back, and what is left is FOMAML.

# %% [markdown]
# ## Why is one task after the other so slow?
#
# Each task is small: five pictures, a few thousand multiplications. The processor spends its time on being asked. So lay many tasks
# side by side: give every tensor of $\varphi$ a first axis, one entry for each of $n$ tasks. `small(phi, x)` takes them so. Five tasks
# with five sets of kernels are *one* convolution with five groups, and its derivatives, of any order, are convolutions again.
#
# What changes in the gradient? The support losses are $n$ numbers now, and autograd wants one. Each task's parameters are in its own
# loss alone. So whatever is done with one task's loss, the others' gradients must not notice.

# %% [markdown]
# **Your turn.** Write the meta-gradient of all tasks side by side; the lesson trains with it. `theta` is a dict of leaves: gradients can
# be taken by it. `begin(theta)` lays it out for every task, [tasks, ...]. `support_loss(phi)` and `query_loss(phi)` give one loss for
# each task. `alpha` holds a rate for each name.
#
# <details><summary>Hint 1</summary><code>phi = begin(theta)</code>, and from there on it is exercise 09.1, for all tasks in one go.</details>
# <details><summary>Hint 2</summary>Inside: the sum of the losses, or each task would step by a share of its rate. Outside: their mean.</details>
# <details><summary>Hint 3</summary><code>torch.autograd.grad</code> twice: by <code>list(phi.values())</code> with the way back kept, then by <code>list(theta.values())</code>.</details>

# %% tags=["exercise"]
def meta_gradient(support_loss, query_loss, begin, theta, steps, alpha):
    """The gradient by theta of the mean query loss, of all tasks side by side."""
    ### BEGIN SOLUTION
    phi = begin(theta)
    for _ in range(steps):
        gradient = torch.autograd.grad(support_loss(phi).sum(), list(phi.values()),
                                       create_graph=True)
        phi = {name: phi[name] - alpha[name] * g for name, g in zip(phi, gradient)}
    gradient = torch.autograd.grad(query_loss(phi).mean(), list(theta.values()))
    return dict(zip(theta, gradient))
    ### END SOLUTION


# %%
check("09.3", meta_gradient)

# %% [markdown]
# From here on yours is the meta-gradient of this lesson. The wrapper below deals the tasks to the processor's cores and keeps the numbers
# that the bar shows.

# %%
mine = yours("09.3", meta_gradient, otherwise=None)


def side_by_side(net, theta, episode, alpha, steps, start=dict):
    """The meta-gradient and two numbers to watch: yours, or the package's."""
    if mine is None:
        return maml_gradient(net, cross_entropy, theta, episode, sgd(alpha), steps,
                             start=start)

    def part(tasks):
        seen = {}

        def support_loss(phi):
            return cross_entropy(net(phi, tasks.support_x), tasks.support_y)

        def query_loss(phi):
            logits = net(phi, tasks.query_x)
            losses = cross_entropy(logits, tasks.query_y)
            right = (logits.argmax(-1) == tasks.query_y).to(losses.dtype)
            seen.update(loss=losses.detach().sum(), accuracy=right.mean(1).sum())
            return losses

        def begin(theta):  # what start adds, a head of zeros, adapts as well
            laid = stack(start(theta), tasks.tasks)
            return {name: value if value.requires_grad else value.requires_grad_()
                    for name, value in laid.items()}

        found = mine(support_loss, query_loss, begin, leaves(theta), steps, alpha)
        return scale(tasks.tasks / episode.tasks, found), seen

    gradient, sums = sum_over_chunks(part, episode)
    return gradient, {name: total / episode.tasks for name, total in sums.items()}


compare(
    "tasks side by side",
    side_by_side(small, theta, batch, dict.fromkeys(theta, ALPHA), steps=3)[0],
    "one after the other",
    maml_gradient_loop(small, cross_entropy, theta, batch, sgd(ALPHA), steps=3),
    to=1e-10,
)

# %% [markdown]
# How much quicker? *Smoke* shows what was recorded in a *lecture* run on two cores. The other profiles measure it on your machine.

# %%
def tasks_per_second(gradient, repeats=5):
    """The best of a few tries: eight 20-way tasks, two inner steps, second order."""
    race = train.sample(8, ways=20, shots=1, queries=2,
                        generator=torch.Generator().manual_seed(1))
    net = Conv4(ways=20, filters=32, head="flatten")
    theta = {name: value.to(DEVICE)
             for name, value in net.init(torch.Generator().manual_seed(1)).items()}
    seconds = []
    for _ in range(repeats + 1):  # the first one warms up
        began = time.perf_counter()
        gradient(net, cross_entropy, theta, race, sgd(ALPHA), 2)
        seconds.append(time.perf_counter() - began)
    return race.tasks / min(seconds[1:])


ways_to_do_it = {"one after the other": maml_gradient_loop,
                 "side by side": maml_gradient}
if PROFILE == "smoke":
    speed = {name: recorded("09", "lecture")[f"speed.{name}"]["value"]
             for name in ways_to_do_it}
else:
    speed = {name: tasks_per_second(gradient)
             for name, gradient in ways_to_do_it.items()}
for name, value in speed.items():
    record(f"speed.{name}", value, unit="tasks/s", seeds=[1], device=DEVICE,
           note="best of five")

# %% jupyter={"source_hidden": true}
fig, ax = plt.subplots(figsize=(8, 1.9))
bars = ax.barh(list(speed), list(speed.values()),
               color=[style.color("baseline"), style.color("maml")], height=0.6)
ax.bar_label(bars, fmt="%.0f", padding=4)
ax.set(xlabel="tasks a second, two inner steps, second order",
       title="Side by side, the same gradient costs less")
show(fig, alt="Two bars: tasks a second one after the other, and side by side. Side by "
     "side is the longer bar.")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A head of zeros: when is MAML really ANIL?
#
# A recipe that you will see below sets the head (the last linear layer, $W$) to zero at the start of each task. It has charm: all five classes begin
# equal, and the number of classes is free. But look at what the first step does to the *body* below. Its gradient arrives through the
# head, as $W^\top(p - y)$. With $W = 0$ nothing arrives.
#
# So with one inner step only the head adapts. That method has its own name, ANIL ("almost no inner loop"), and whoever calls it
# MAML has measured something else. From the second step on, the head is no longer zero and the body moves.

# %% slideshow={"slide_type": "fragment", "code": false}
body = {name: theta[name] for name in small.body_names}
for steps in (1, 2):
    zero_head = dict(net=small, loss=cross_entropy, theta=body, episode=batch,
                     rule=sgd(ALPHA), steps=steps, start=small.zero_head)
    maml = maml_gradient(**zero_head)[0]
    anil = maml_gradient(**zero_head, only=small.head_names)[0]
    apart = (norm(subtract(maml, anil)) / norm(maml)).item()
    said = "the same" if apart < 1e-10 else f"{100 * apart:.0f} % apart"
    print(f"{steps} inner step{'s' * (steps > 1)}: MAML and ANIL are", said)

# %% [markdown] slideshow={"slide_type": "notes"}
# 3 min. The gradient for the body arrives through the head. With a head of zeros nothing arrives. Let them say what that means for one inner step before you show the numbers: exactly ANIL, not nearly. Whoever calls this MAML has measured something else.

# %% [markdown]
# A cousin, UNICORN-MAML, starts all rows of the head from one *learned* vector. Softmax forgets whatever all rows share: it shifts all
# logits alike, and $\sum_c (p_c - y_c) = 0$ keeps it out of the body's gradient. So the vector never gets a gradient, and UNICORN is
# the zero head, however many steps you take.

# %%
def one_vector(theta):
    """All rows of the head from one vector."""
    rows = {"head.weight": theta["vector"].expand(5, -1),
            "head.bias": theta["vector"].new_zeros(5)}
    return {name: theta[name] for name in small.body_names} | rows


vector = torch.randn(small.features, generator=torch.Generator().manual_seed(4),
                     dtype=torch.float64)
unicorn, _ = maml_gradient(small, cross_entropy, body | {"vector": vector}, batch,
                           sgd(ALPHA), 2, start=one_vector)
compare("UNICORN's gradient for its vector", unicorn.pop("vector"), "zero",
        torch.zeros_like(vector), to=1e-10)
compare("UNICORN's gradient for the body", unicorn, "that of a zero head", maml,
        to=1e-10)

# %% [markdown]
# ## The recipe
#
# Two recipes share all cells from here on. Finn's is the published one. Ours is made for a class that waits: a smaller network, more
# to learn from in each task (40 characters at once), a head of zeros, and **two** inner steps, so that the body does adapt. It was
# chosen on the 100 validation characters, never on the test.

# %%
@dataclass(frozen=True)
class Recipe:
    filters: int
    # what the head reads: the "mean" of the last 2 x 2 map, or all of it ("flatten")
    head: str
    zero_head: bool
    ways: int  # classes in a training task; tests have 5
    queries: int  # a class, in training
    meta_batch: int
    inner_steps: int
    rate_body: float  # alpha, for the mean cross-entropy
    rate_head: float
    outer_rate: float  # beta
    schedule: str
    outer_steps: int
    test_steps: int
    test_rate: float  # how much of the training rates is used at test


OURS = Recipe(32, "flatten", True, 40, 2, 2, 2, 0.4, 0.5, 5e-3, "cosine", 1400,
              test_steps=3, test_rate=0.025)
FINN = Recipe(64, "mean", False, 5, 1, 32, 1, 2.0, 2.0, 1e-3, "constant", 60_000,
              test_steps=3, test_rate=1.0)
recipe, TASKS = {
    "smoke": (replace(OURS, outer_steps=120), 100),
    "lecture": (OURS, 1000),
    "paper": (FINN, 600),
}[PROFILE]

# %% [markdown]
# Why $\alpha = 2$ when the paper says 0.4? Finn's code sums the loss over the five classes, and we take the mean. $5 \times 0.4 = 2$.
# With the mean and 0.4 you would take steps a fifth as long.
#
# What each choice brought, measured on validation characters:

# %% jupyter={"source_hidden": true}
candidates, heads = recorded("09", "choice"), recorded("09", "heads")
if alike := candidates.get("5 ways, as in the test"):
    heads = {"zero": alike} | heads  # the same run, where no more seeds are recorded
pair = {f"5 ways, {said}": heads[name]
        for name, said in (("zero", "a head of zeros"), ("learned", "a learned head"))
        if name in heads}
bars = candidates | pair
if len(pair) < 2 or not candidates:
    print("Not all of it is recorded here. Measure it with: "
          "python -m studies.lesson09_controls heads")
fig, ax = plt.subplots(figsize=(9, 4.4))
for name, each in bars.items():
    ax.errorbar(each["value"], name, xerr=each["interval"],
                fmt="s" if name in pair else "o",
                capsize=3, color=style.color("warning" if name in pair else "maml"))
    ax.annotate(f"{each['value']:.1f}", (each["value"], name), xytext=(18, 0),
                textcoords="offset points", va="center")
ax.grid(axis="y", alpha=0.3)
ax.invert_yaxis()
ax.set(xlim=(70, 100), xlabel="right answers on validation characters, %",
       title="One change at a time; squares: the clean pair")
show(fig, alt="Dots with intervals, one for each candidate recipe: many ways and a "
     "head of zeros stand highest. Two squares are the pair of heads at 5 ways: the "
     "head of zeros is far above the learned one.")

# %% [markdown]
# Read it with the intervals: all of these were trained on less than half the budget, and a difference of half a point is noise. What
# counts is large: many classes in a training task, and a head that starts from zero. One dot mixes two changes: a learned head of 40
# rows, of which five are tested. So the two squares are the clean pair. They train with 5 ways and are tested with 5 ways, and
# only the head differs, over three seeds: the head of zeros is better at this budget there too. (With the published budget a learned head does well, as
# the paper's number says.) Three inner steps are no worse, and slower.
#
# ## Train
#
# One word in the code below is for GPUs: `replayed`. A meta-gradient is a thousand small operations, the same ones in every outer step. On a
# GPU it takes longer to ask for them than to do them, so they are recorded once and replayed. On a CPU the word does nothing.
#
# The function that is trained with is yours, if it passed. Watch the bar: it shows loss and accuracy on the queries of the training tasks, *after* adapting. Five times on the way, `validate` tests what
# has been learned on tasks of validation characters, the same ones each time. Stop it whenever you like. What it
# has learned up to then is kept.
#
# (On several GPUs, `torchrun --nproc-per-node=gpu -m studies.lesson09_paper_profile` trains the *paper* profile for this lesson.)

# %% tags=["setup"]
def nets_of(recipe):
    """The network in training and at test: only the number of classes differs."""
    look = dict(head=recipe.head, gamma=recipe.zero_head,
                head_std=None if recipe.zero_head else 1.0)
    return Conv4(recipe.ways, recipe.filters, **look), Conv4(5, recipe.filters, **look)


def rule_of(net, recipe, share=1.0):
    """Gradient descent with one rate for the body and one for the head."""
    rates = dict.fromkeys(net.body_names, share * recipe.rate_body)
    return sgd(rates | dict.fromkeys(net.head_names, share * recipe.rate_head))


def rates_of(net, recipe, only):
    """A rate for each name; what does not adapt has the rate 0."""
    rates = dict.fromkeys(net.body_names, recipe.rate_body)
    rates |= dict.fromkeys(net.head_names, recipe.rate_head)
    return {name: rate if only is None or name in only else 0.0
            for name, rate in rates.items()}


def start_of(net, recipe):
    return net.zero_head if recipe.zero_head else dict


def checkpoint_of(label, seed):
    """Where a long run keeps itself, to go on from there if it is stopped."""
    place = data_folder().parent / "runs" / "09-paper" / "training"
    place = place / f"{label}-{seed}.safetensors"
    return place if PROFILE == "paper" else None


# %%
# drawn once, so that every look sees the same tasks
watched = draw(validation, TASKS // 10, seed=1)


def train_one(recipe, seed, only=None, label="MAML"):
    net, test_net = nets_of(recipe)
    generator = torch.Generator().manual_seed(seed)
    theta = {name: value.to(DEVICE) for name, value in net.init(generator).items()}
    if recipe.zero_head:
        # the head is not learned: it starts from zero
        theta = {name: theta[name] for name in net.body_names}

    def packaged(theta, episode):
        return maml_gradient(net, cross_entropy, theta, episode, rule_of(net, recipe),
                             recipe.inner_steps, start=start_of(net, recipe), only=only)

    def own(theta, episode):
        return side_by_side(net, theta, episode, rates_of(net, recipe, only),
                            recipe.inner_steps, start_of(net, recipe))

    # ANIL saves time by not asking for the body's gradient; that the package can do
    gradient = packaged if mine is None or label == "ANIL" else own

    def sample(generator):
        return train.sample(recipe.meta_batch, recipe.ways, 1, recipe.queries,
                            generator=generator)

    def look(theta):
        return accuracy(test_net, theta, watched,
                        rule_of(test_net, recipe, recipe.test_rate), recipe.test_steps,
                        only=only, start=start_of(test_net, recipe), modes=["support"])

    # On a slow machine the class does not wait for the rest.
    seconds = 180 if PROFILE == "lecture" else None
    return fit(replayed(gradient), theta, sample, steps=recipe.outer_steps,
               generator=generator, lr=recipe.outer_rate, schedule=recipe.schedule,
               checkpoint=checkpoint_of(label, seed), validate=look,
               every_validation=recipe.outer_steps // 5, seconds=seconds,
               progress=f"{label}, seed {seed}")


# %%
net, test_net = nets_of(recipe)
# In Finn's code batch norm's shift is learned by the outer loop alone.
but_norm = [name for name in (*net.body_names, *net.head_names)
            if name not in net.norm_names]
adapts = None if recipe.zero_head else but_norm
runs = [train_one(recipe, seed, only=adapts) for seed in SEEDS]
for seed, run in zip(SEEDS, runs):
    print(f"seed {seed}: {run.step} outer steps"
          + ", stopped early, and all of it kept" * bool(run.stopped))

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "slide"}
def smooth(numbers, count=25):
    """Means over the last steps, each at the step where its window ends."""
    window = min(count, len(numbers))
    means = torch.tensor(numbers).unfold(0, window, 1).mean(1)
    return range(window, len(numbers) + 1), means


fig, (left, right) = plt.subplots(1, 2, figsize=(10, 3.6))
for run in runs:
    left.plot(*smooth(run.history["loss"]), **style.method("maml"))
    right.plot(*smooth([100 * share for share in run.history["accuracy"]]),
               **style.method("maml"))
    # none, if it was stopped at once
    steps, scores = (run.validation.get(name, []) for name in ("step", "support"))
    right.plot(steps, scores, "o", color=style.color("maml"), markerfacecolor="none")
left.set(xlabel="outer step", ylabel="query loss after adapting",
         title="The loss falls", xlim=(0, None))
# room for the words above the last point
right.set(xlabel="outer step", ylabel="right answers, %",
          title="and the answers get better", xlim=(0, None), ylim=(0, 125),
          yticks=range(0, 101, 20))
words = [(f"training tasks,\n{recipe.ways} at a time",
          (run.step, 100 * run.history["accuracy"][-1]), -44)]
words += [("new characters,\n5 at a time", point, 12)
          for point in zip(steps[-1:], scores[-1:])]
for said, point, shift in words:
    right.annotate(said, point, xytext=(0, shift), textcoords="offset points",
                   color=style.color("maml"), ha="right")
show(fig, alt="Two curves over the outer steps: the query loss after adapting falls, "
     "the share of right answers rises. Hollow points, five of them, show the accuracy "
     "on tasks of new characters.")

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. If you trained live, show yours in JupyterLab instead. Loss and accuracy on the queries of training tasks, after adapting.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Does it adapt?
#
# Now the test: characters nobody has trained on. For each task, the accuracy before the first inner step, and after every one.
#
# **Predict.** This network was trained with two inner steps. Let it take five on each new task. What does the curve look like after the
# first?
#
# - ( ) The second step brings about as much again, and the others follow.
# - ( ) It is flat from the first step on, to within a point or two.
# - ( ) It rises for two steps and then falls: nobody has trained a third.
#
# <details><summary>After you have guessed</summary>
#
# It is flat from the first step on, to within a point or two. Before it the network is at chance, 20 %: the classes of a new task have no
# meaning before it has seen the support set. The first step of the head settles who is who. The others change little, and do no
# harm: the steps at test are small.
#
# </details>

# %%
# Finn's protocol has one query a class, and turns the test characters too
as_finn = PROFILE == "paper"
asked = characters.split("random", rotations="all").test if as_finn else test
QUERIES = 1 if as_finn else 15
tests = draw(asked, TASKS, seed=2, queries=QUERIES)
few = tests[: max(1, len(tests) // 5)]
steps_shown = max(5, recipe.test_steps)
curves = step_accuracy(
    test_net, runs[0].theta, few, rule_of(test_net, recipe, recipe.test_rate),
    steps_shown, start=start_of(test_net, recipe), only=adapts, progress="testing",
)

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "fragment"}
fig, ax = plt.subplots(figsize=(8, 4.2))
for mode, look in (("transductive", style.method("maml")),
                   ("support", style.method("maml") | {"linestyle": "--"})):
    points = [over_tasks(values).scaled(100) for values in curves[mode].T]
    means = [point.mean for point in points]
    line, = ax.plot(range(steps_shown + 1), means, **look)
    ax.fill_between(range(steps_shown + 1), [p.mean - p.half_width for p in points],
                    [p.mean + p.half_width for p in points], color=look["color"],
                    alpha=0.15, linewidth=0)
    style.label_line(ax, line, mode, dy=8 if mode == "transductive" else -8)
ax.axhline(20, **style.method("baseline"))
ax.annotate("chance", (steps_shown, 20), xytext=(6, 8), textcoords="offset points",
            color=style.color("baseline"))
ax.set(xlabel="inner steps", ylabel="right answers on new characters, %", ylim=(0, 102),
       xlim=(-0.1, steps_shown + 0.9))
ax.set_title("The first step brings nearly everything")
show(fig, alt="Accuracy on new characters against inner steps: at chance before the "
     "first step, far above after it, flat from there.")

# %% [markdown] slideshow={"slide_type": "notes"}
# 3 min. Let them draw the curve in the air first. It starts at chance, because which character is called class 3 is decided when the task is drawn. Nearly everything comes with the first step.

# %% [markdown] slideshow={"slide_type": "slide"}
# The two lines are two ways to treat the queries in batch norm. *Transductive*: all queries of a task are normalised together, so each
# answer depends on the others. *Support*: each query is normalised with the statistics of the five support pictures, and answered
# alone. The published MAML numbers are transductive. This course prints both, always.

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Say slowly: in the transductive mode each answer depends on the other queries. Published MAML numbers are of that kind. We print both, always.

# %% [markdown]
# ## What adapts: the body or the head?
#
# Freeze one part in the inner loop and adapt the other. And train ANIL, which never adapts its body, with the same budget: it is the
# quicker method, so the same number of outer steps takes it less time. Its one inner step needs a larger head rate.

# %%
anil_recipe = (replace(recipe, inner_steps=1, rate_head=4.0) if recipe.zero_head
               else recipe)
anil = train_one(anil_recipe, SEEDS[0], only=net.head_names, label="ANIL")

# %%
def tested(theta, tasks, only=adapts, recipe=recipe):
    """Accuracy after the recipe's test steps, in both modes."""
    return accuracy(test_net, theta, tasks, rule_of(test_net, recipe, recipe.test_rate),
                    recipe.test_steps, start=start_of(test_net, recipe), only=only,
                    progress="testing")


head = test_net.head_names
rest = [name for name in adapts or test_net.body_names if name not in head]
table = {
    "MAML": tested(runs[0].theta, tests),
    "MAML, body frozen at test": tested(runs[0].theta, tests, only=head),
    "MAML, head frozen at test": tested(runs[0].theta, tests, only=rest),
    "ANIL": tested(anil.theta, tests, only=head, recipe=anil_recipe),
}

# %% tags=["nbval-ignore-output"] slideshow={"slide_type": "slide", "code": false}
# not compared: accuracies of networks trained a moment ago, which differ in the last
# digit from processor to processor
print(f"{'right answers, %, 5-way 1-shot':32} transductive      support")
print(f"{'nearest neighbour on pixels':32} {pixels!s:>12}")
if informed:
    told = f"{informed['value']:.1f} ± {informed['interval']:.1f}"
    print(f"{'the same, centred and blurred':32} {told:>12}")
for name, seen in table.items():
    print(f"{name:32} {seen['transductive']:>12}  {seen['support']:>11}")

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Read by differences. Head frozen: chance. Body frozen: nothing is lost. ANIL under its own name, in about half the time.

# %% tags=["setup"] jupyter={"source_hidden": true}
for label, run in (("MAML", runs[0]), ("ANIL", anil)):
    for mode, seen in table[label].items():
        record(f"{label.lower()}.5way1shot.{mode}", seen, unit="%", seeds=SEEDS[:1],
               seconds=run.seconds, device=run.device,
               note=f"{run.step} outer steps, {run.seconds:.0f} s, "
                    f"{QUERIES} quer{'y' if as_finn else 'ies'} a class")
for label in ("body", "head"):
    for mode, seen in table[f"MAML, {label} frozen at test"].items():
        record(f"maml.{label}frozen.{mode}", seen, unit="%", seeds=SEEDS[:1],
               seconds=runs[0].seconds, device=runs[0].device,
               note=f"the same network, its {label} frozen at test")
if len(runs) > 1:
    every = [tested(run.theta, tests) for run in runs]
    for mode in every[0]:
        record(f"maml.5way1shot.{mode}.seeds",
               over_seeds([each[mode].mean for each in every]), unit="%", seeds=SEEDS,
               seconds=max(run.seconds for run in runs), device=runs[0].device,
               tasks=every[0][mode].n,
               note=f"mean of {len(runs)} training runs, interval over them")
keep_checkpoint(f"09-maml-{PROFILE}", runs[0].theta,
                {"recipe": vars(recipe), "seed": SEEDS[0], "seconds": runs[0].seconds})

# %% [markdown]
# Read the table by its differences. (In the *smoke* profile all networks are half trained, and the differences are small.)
#
# - **Head frozen**: with a head of zeros the body gets no gradient at all, so nothing happens. The answer stays at chance.
# - **Body frozen**: nothing is lost. At test the head alone tells new characters apart.
# - **ANIL** stands under its own name. It has the same number of outer steps in about half the time.
#
# That was at test, with small steps. In training the rates are forty times as large, and the second inner step moves the body. How far
# do the kernels move in the inner loop, in a fresh network and in one trained with the *lecture* budget? And how much would the
# meta-gradient change if they were not allowed to?
#
# One thing must be kept apart. Training makes the kernels more than twice as long, and batch norm takes their length out again. A long
# kernel is moved by a smaller share, whatever it has learned. So there is a third network: the trained one, with its kernels scaled to the
# lengths of the fresh one's. It gives the same answers.

# %% [markdown]
# **Predict.** In training, at the same rates and with kernels of the same length: how far do the trained network's kernels move in the
# inner loop?
#
# - ( ) farther than the fresh network's: it has learned to adapt
# - ( ) about as far
# - ( ) about half as far
# - ( ) not at all: the table says that the head does the work
#
# <details><summary>After you have guessed</summary>
#
# About half as far. As they are, the trained kernels move by about an eighth of what the fresh ones do, but most of that is their length. What
# is left is a network that uses its body less than it did, and still uses it.
#
# </details>

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "slide"}
reuse = recorded("09", "reuse")
if not reuse:
    print("Not recorded here. Measure it with: "
          "python -m studies.lesson09_controls reuse")
fig, axes = plt.subplots(1, 2, figsize=(11, 2.9), sharey=True)
networks = {"fresh": "fresh", "trained": "trained, as it is",
            "trained, fresh lengths": "trained, as long\nas the fresh one's"}
for ax, what, said in zip(axes if reuse else (), ("moved", "apart"),
                          ("How far the kernels move", "What hangs on it")):
    seen = [reuse[f"{name}.{what}"] for name in networks]
    bars = ax.barh(list(networks.values()), [each["value"] for each in seen],
                   xerr=[each["interval"] for each in seen], height=0.6,
                   color=[style.color(name)
                          for name in ("baseline", "warning", "maml")],
                   error_kw={"capsize": 4}, hatch=["", "//", ""], edgecolor="white")
    ax.bar_label(bars, [f"{each['value']:.1f} %" for each in seen], padding=14)
    ax.set(xlim=(0, 1.45 * max(each["value"] for each in seen)), title=said)
axes[0].invert_yaxis()
axes[0].set_xlabel("in the block that moves most, %")
axes[1].set_xlabel("meta-gradient off without it, %")
show(fig, alt="Two groups of three bars. Left, how far kernels move in the inner loop: "
     "fresh most, trained by an eighth of that, trained at equal length about half. "
     "Right, how far off the meta-gradient is without that: in the same order.")

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Left: how far the inner loop moves the kernels; right: what that does to the meta-gradient. The middle bars look like the whole story, and most of them is length. The lowest bars are at equal length: half.

# %% [markdown]
# Less, but not by as much as the middle bars would have you believe: most of their difference is length. MAML began by adapting its
# whole network and, step after step, learned features that need less adapting. Nobody asked it to: it is what serves the query loss.
# Raghu and others call this *feature reuse*, and lesson 13 is about it. A share of movement says little before you have asked what it is
# a share of.

# %%
kept = load_checkpoint(data_folder() / "checkpoints" / "09-maml-lecture.safetensors")
net_5 = Conv4(5, 32, head="flatten")
like = net_5.init(torch.Generator(), torch.float64)
trained = params_from(kept, {name: like[name] for name in net_5.body_names})

# %% [markdown]
#
# ## One task, query by query
#
# The explorer below deals tasks of the test characters, and a network adapts to them on the spot, the recorded one or that *made here*
# (in *smoke* half trained). It adapts its head alone:
# the table above says that nothing is lost by that. Move the step from 0 to <span data-moves="EpisodeInspector.step">1</span> and see the marks turn. Choose a query to see its class
# probabilities. Then take all classes from one alphabet, and find the one that is hardest. All of it works from the keyboard.
#
# Last, draw. Copy a support picture in your own hand: does the network know it, and would nearest neighbour? Or replace the support
# pictures by signs that you have just made up, and see it learn those.

# %% slideshow={"slide_type": "slide"}
kept_theta = {name: value.float() for name, value in trained.items()}
networks = {"recorded": kept_theta}
if PROFILE != "paper":  # whose network is another, and learns its head
    networks["made here"] = detach(runs[0].theta)
# What was trained here answers first where it had time to: in lecture.
shown = "made here" if PROFILE == "lecture" else "recorded"
inspector = EpisodeInspector(test, networks, net=net_5, network=shown, step=0,
                             rate=OURS.test_rate * OURS.rate_head)
inspector

# %% [markdown] slideshow={"slide_type": "notes"}
# 5 min. Move the step from 0 to 1 and watch the marks turn; let the other network answer too. Take all classes from one alphabet: harder. Then draw. Copy a support picture in your own hand, badly, and ask whether nearest neighbour would know it. At the end let somebody invent five signs.

# %%
inspector.network = "recorded"
for step in (0, 1, OURS.test_steps):
    inspector.step = step
    print(inspector.summary)
inspector.step, inspector.network = 0, shown  # as it was: your turn

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Pitfall: whose statistics?
#
# Batch norm in MAML normalises with the batch it is given. At test the batch is the query set. So the answer to one query depends on
# which other queries came along. Take the recorded network, adapt it to 100 tasks, and feed it the *same* queries in four companies:
# all together, only queries of one class, one at a time, and by the statistics of the support set.

# %% [markdown] slideshow={"slide_type": "-"}
# **Predict.** In which company does the network do worst?
#
# - ( ) all 75 together
# - ( ) only queries of one class, 15 at a time
# - ( ) one at a time
# - ( ) by the statistics of the support set
#
# <details><summary>After you have guessed</summary>
#
# Only queries of one class, 15 at a time: what the class has in common is subtracted away. Next comes one at a time, where each picture is normalised by
# itself. All together is best: the batch holds 15 pictures of each class, as in training. With the support's statistics, company no
# longer matters, and nearly all of the accuracy is back.
#
# </details>

# %% [markdown] slideshow={"slide_type": "notes"}
# 1 min. Same network, same queries, four companies. Let them order the four, and vote for the worst.

# %%
def in_company(net, phi, episode, company):
    """Query accuracy [tasks], fed as "all", "one class", "alone", or by "support"."""
    x, y = episode.query_x, episode.query_y
    if company == "support":
        logits = net(phi, x, "support", support=episode.support_x)
    elif company == "all":
        logits = net(phi, x)
    else:
        as_they_come = torch.arange(y.shape[1]).expand_as(y)
        order = y.argsort(1) if company == "one class" else as_they_come
        size = 15 if company == "one class" else 1
        x = x.gather(1, order[..., None, None, None].expand_as(x))
        y = y.gather(1, order)
        logits = torch.cat([net(phi, part) for part in x.split(size, dim=1)], dim=1)
    return (logits.argmax(-1) == y).double().mean(1)


# %%
companies = {
    "all": "all 75 together",
    "one class": "one class at a time",
    "alone": "one at a time",
    "support": "by the support's statistics",
}
at_test = dict(rule=rule_of(net_5, OURS, OURS.test_rate), steps=OURS.test_steps,
               start=net_5.zero_head)
seen = {company: [] for company in companies}
for tasks in draw(test, 100, seed=3):
    tasks = tasks.to(device="cpu")
    with torch.no_grad():
        phi = path_of(net_5, kept_theta, tasks, **at_test)[-1]
        for company in companies:
            seen[company].append(in_company(net_5, phi, tasks, company))
seen = {company: over_tasks(torch.cat(values)).scaled(100)
        for company, values in seen.items()}

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "slide"}
fig, ax = plt.subplots(figsize=(9, 2.8))
colors = [style.color(name) for name in ("maml", "warning", "warning", "maml")]
bars = ax.barh([companies[c] for c in seen], [i.mean for i in seen.values()],
               xerr=[i.half_width for i in seen.values()], color=colors, height=0.6,
               hatch=["", "//", "//", ""])
ax.bar_label(bars, labels=[f"{i.mean:.0f} %" for i in seen.values()], padding=6)
ax.invert_yaxis()
ax.set(xlim=(0, 112), xlabel="right answers, %",
       title="The same network, the same queries, other company")
show(fig, alt="Four bars of accuracy: all queries together and support statistics are "
     "high, one class at a time and one at a time far lower.")

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. One class at a time is the trap: what the class has in common is subtracted away. Ask who has fed a test set sorted by class. The detector to take home: ask the same question in two companies. If the answer moves, the number is transductive, and has to say so.

# %% [markdown]
# **Detector.** Ask the same question in two companies. If the answer moves, your number is transductive, and you must say so.

# %%
def depends_on_company(answer, queries):
    """Does the first query's answer change when the others are left out?"""
    return not torch.allclose(answer(queries)[:, :1], answer(queries[:, :1]), atol=1e-3)


one = test.sample(1, ways=5, shots=1, queries=5,
                  generator=torch.Generator().manual_seed(90)).to(device="cpu")
last = path_of(net_5, kept_theta, one, **at_test)[-1]
with torch.no_grad():
    together = depends_on_company(lambda x: net_5(last, x), one.query_x)
    apart = depends_on_company(
        lambda x: net_5(last, x, "support", support=one.support_x), one.query_x,
    )
for said, moves in (("transductive", together), ("support", apart)):
    print(f"{said:12} ", "the answer moves: alarm" if moves else "no alarm")

# %% [markdown]
# ## How sure are we?
#
# An accuracy is a mean over tasks, and tasks differ. So it comes with a half width: the mean is off by more than that in 5 % of all
# repetitions. Write it. `accuracies` holds one number for each task.
#
# <details><summary>Hint 1</summary>One number for each task comes in. How far may their mean be off?</details>
# <details><summary>Hint 2</summary>The standard error of a mean is the standard deviation over the square root of how many there are.</details>
# <details><summary>Hint 3</summary>95 % of a normal distribution lie within 1.96 standard errors.</details>

# %% tags=["exercise"]
def half_width(accuracies):
    """Half the width of the 95 % interval of the mean over tasks."""
    ### BEGIN SOLUTION
    return 1.96 * accuracies.std() / len(accuracies) ** 0.5
    ### END SOLUTION


# %%
check("09.4", half_width)

# %% [markdown]
# This interval says how well the *test* is known. It says nothing about training: another seed gives another network. That takes
# several runs, and an interval over them.
#
# ## The paper, and ours
#
# Nothing below is typed in. The published numbers stand in `data/published.json` with their sources, ours in `data/results/`, as the
# runs recorded them.

# %% jupyter={"source_hidden": true}
def row(who, figure, mode):
    value = f"{figure['value']:.1f} ± {figure['interval']:.1f} {figure['unit']}"
    said = figure.get("note") or figure["source"]
    print(f"{who:26} {value:14} {mode:13} {said}")


row("MAML as published", published("maml.omniglot.5way1shot"), "transductive")
for profile, said in (("lecture", "our recipe"),
                      ("paper", "Finn's protocol, our code")):
    figures = recorded("09", profile)
    if not figures:
        print(f"{said:26} not recorded yet: "
              f"python3 start.py run 09 --profile {profile} --record")
    for name, figure in figures.items():
        if ".5way1shot." in name:
            method, _, mode, *_ = name.split(".")
            row(f"{method.upper()}, {said}", figure, mode)

# %% [markdown]
# Why do they differ? The recipe of the lecture trains a network of half the width for so few seconds, and it starts from a head of zeros.
# The paper trains for 60,000 meta-iterations. And the question is not the same. MAML's code asks **one** query of each class, so one
# batch of batch norm holds five pictures, one of each class; and it turns the test characters too. We ask fifteen, on characters as
# they were drawn. What is that worth? Take networks that stay as they are, three trainings of our recipe, and change the protocol alone.

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "slide"}
under = {name.removeprefix("maml.5way1shot."): figure
         for name, figure in recorded("09", "protocols").items()
         if name.startswith("maml.5way1shot.")}
rows = {"ours, by support": "ours: by the support's statistics",
        "ours": "ours: 75 queries in a batch",
        "ours, turned too": "the same, test characters turned too",
        "as MAML": "as MAML: that, and 5 queries in a batch",
        "as Reptile": "as Reptile: one query beside the support",
        "as Reptile, transductive": "as Reptile, transductive: 5 in a batch"}
fig, ax = plt.subplots(figsize=(10, 3.2))
each = [under[name]["by_seed"] for name in rows] if under else []
for seed, marker in zip(zip(*each), "os^"):
    ax.plot(seed, range(len(rows)), marker=marker, linewidth=1, markersize=8, alpha=0.7,
            color=style.color("maml"), linestyle="-")
told = [f"{said}   {sum(seeds) / len(seeds):.1f}"
        for said, seeds in zip(rows.values(), each)] if under else list(rows.values())
ax.set(yticks=range(len(rows)), yticklabels=told, ylim=(5.6, -0.6),
       xlabel="right answers, %: a line is one training, "
              f"{under['ours']['tasks'] if under else 0} tasks",
       title="The protocol alone moves the number")
show(fig, alt="Three lines, one for each training, over six protocols. They go the "
     "same way. As MAML tests, with one query of each class in a batch, each network "
     "is about a point higher than with 75 queries in a batch.")

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Follow one line: one network, six numbers. The other two trainings take the same turns. Turned test characters bring half a point, one query of each class, five pictures in a batch, another. Lesson 10 finds out why: the batch is dealt by the labels.

# %% [markdown]
# So a number has a protocol, or it is none. Here is MAML's for every cell of its table, and our networks under exactly that.
# Each of our three serves all four cells, and the larger cells are tested on fewer tasks. The interval of ours is over the three trainings.

# %% jupyter={"source_hidden": true}
print(f"{'5 or 20 ways':13} {'published':>11} {'ours':>11} {'on tasks':>9}   "
      f"{'one batch holds':32} {'turned':17}")
for cell in ("5way1shot", "5way5shot", "20way1shot", "20way5shot"):
    figure, own_one = published(f"maml.omniglot.{cell}"), recorded("09", "protocols")
    own_one = own_one.get(f"maml.{cell}.as MAML")
    told, on = ((f"{own_one['value']:.1f} ± {own_one['interval']:.1f}",
                 own_one["tasks"]) if own_one else ("–", "–"))
    value = f"{figure['value']:.1f} ± {figure['interval']:.1f}"
    print(f"{cell:13} {value:>11} {told:>11} {on:>9}   {figure['batch_holds']:32} "
          f"{figure['turned']:17}")
print(f"split {figure['split']}; published: {figure['tasks']} tasks, "
      f"{figure['source']}")
if own_run := recorded("09", "lecture").get("maml.5way1shot.transductive"):
    print(f"ours: {own_run['note'].split(',')[0]} in {own_run['seconds']:.0f} s")

# %% [markdown]
# Where does the width of the published interval come from? One query a class is 5 queries in each of 600 tasks. Counting
# them, with $1.96\sqrt{p(1-p)/n}$, gives:

# %%
paper = published("maml.omniglot.5way1shot")
counted = floor_of(paper["value"] / 100, queries=5 * paper["queries_per_class"],
                   tasks=paper["tasks"])
print(f"counting alone: ± {100 * counted:.1f}; published: ± {paper['interval']:.1f}")

# %% [markdown]
# That is all of it. Fifteen queries a class and a thousand tasks make it smaller.
#
# What papers print for photographs, miniImageNet, stands in [lesson 21](21_all_of_them.ipynb).
#
# ## Five differences from the meta-learner LSTM
#
# Lesson 05's meta-learner LSTM and MAML both learn where to start. Now that you know both, side by side:
#
# | | meta-learner LSTM | MAML |
# |---|---|---|
# | **what they exchange** | the learner hands over loss and gradient, and gets *weights* back | the learner gets the start, and hands back the gradient of its query loss |
# | **where the weights move** | in the meta-learner: they are its memory, $\theta_t = c_t$ | in the learner: $\theta_{t+1} = \theta_t - \alpha \nabla L$ |
# | **how often they talk** | at every inner step | twice a task: at its beginning and at its end |
# | **what the meta-learner is** | an LSTM, with parameters of its own beside the start | nothing but the start: no parameters are added |
# | **second derivatives** | left out: gradients are numbers | kept; FOMAML leaves them out |
#
# How far apart are they? Fix the gates at $f = 1$ and $i = \alpha$. The meta-learner LSTM *is* gradient descent, and the gradient for
# its start, past the inner gradients, is FOMAML's. Go *through* the inner gradients, and it is MAML's:

# %%
lstm = MetaLSTM(hidden=4)
drawn = torch.Generator().manual_seed(1)
wide = torch.tensor(40.0, dtype=torch.float64)  # its sigmoid is 1
closed = torch.zeros(6, dtype=torch.float64)
rate = torch.tensor(ALPHA / (1 - ALPHA), dtype=torch.float64).log()
meta = small.init(drawn, torch.float64) | lstm.init(drawn, torch.float64)
meta |= {"lstm.forget.weight": closed, "lstm.forget.bias": wide,
         "lstm.input.weight": closed, "lstm.input.bias": rate}
for first_order, name in ((True, "FOMAML"), (False, "MAML")):
    ours, _ = maml_gradient(small, cross_entropy, meta, batch, lstm.rule, 3,
                            first_order=first_order, start=lstm.start)
    theirs, _ = maml_gradient(small, cross_entropy, lstm.start(meta), batch, sgd(ALPHA),
                              3, first_order=first_order)
    way = "past" if first_order else "through"
    compare(f"c0's gradient, {way} the inner gradients,", lstm.start(ours),
            name, theirs, to=1e-10)

# %% [markdown]
# So the meta-learner LSTM contains first-order MAML: it is the case in which nobody touches the gates.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What you learned
#
# - MAML's gradient goes through the inner steps, for many tasks side by side. Finite differences prove it.
# - Without the way back it is FOMAML, whatever the file is called.
# - With a head of zeros and one inner step it is ANIL, exactly.
# - At test the first step of the head does nearly all the work. In training the body still moves, about half as far as at first.
# - An accuracy needs beside it: its interval, and what stood in one batch. The protocol alone moves it by more than a point.

# %% [markdown] slideshow={"slide_type": "notes"}
# 1 min. Read the second and the fourth line. The second can be tested, the fourth can be measured; both were, today.

# %% [markdown]
# ## Quiz
#
# <details><summary>1. Your MAML trains well, but <code>is_it_maml</code> says "first order". Which line do you look at?</summary>
#
# The one that takes the inner gradient: without `create_graph=True` autograd forgets how the gradient came about, and the Hessian term
# is gone.
#
# </details>
#
# <details><summary>2. Someone reports 99 % and feeds the test queries sorted by class, one class a batch. What do you suspect?</summary>
#
# Not a result of batch statistics: in that company they would be worse, as you saw. Perhaps the label leaks, for example because the
# order of the classes is always the same. Shuffle, and measure again.
#
# </details>
#
# <details><summary>3. Why does the accuracy start at 20 % before the first inner step, although the network is well trained?</summary>
#
# The labels of a new task are new: which character is called "class 3" is decided when the task is drawn. Before it has seen the
# support set no network can know.
#
# </details>
#
# ## References
#
# - Finn, Abbeel, Levine 2017, [Model-agnostic meta-learning](https://arxiv.org/abs/1703.03400), and the
#   [released code](https://github.com/cbfinn/maml).
# - Raghu, Raghu, Bengio, Vinyals 2020, [Rapid learning or feature reuse?](https://arxiv.org/abs/1909.09157): ANIL.
# - Ye, Chao 2022, [How to train your MAML to excel in few-shot classification](https://arxiv.org/abs/2106.16245): UNICORN-MAML.
# - Lake, Salakhutdinov, Tenenbaum 2015, [Human-level concept learning](https://github.com/brendenlake/omniglot): Omniglot.
# - Ioffe, Szegedy 2015, [Batch normalization](https://arxiv.org/abs/1502.03167).
#
# ## Next
#
# [Lesson 10](10_omniglot_fomaml_and_reptile.ipynb) leaves the second derivatives out, twice in different ways, on the same characters.
