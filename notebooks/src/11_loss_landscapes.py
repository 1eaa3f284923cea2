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
# # 11 Loss landscapes
#
# You draw the ground on which a network adapts, before and after meta-training, and you learn to tell what such a picture shows from what it makes up.
#
# **You will be able to**
#
# - draw a slice of a loss honestly: with directions that grow with the network, or through three points, and with the distance to what is left out,
# - say what a picture of a loss can tell, and choose directions that make two pictures comparable,
# - find the top eigenvalue of a Hessian without writing the Hessian down, and check it against the whole one,
# - read $2/\alpha$ as the edge of stability, and find out which starts stand on which side of it,
# - hold a PCA picture of a path against what chance would draw.
#
# **Prerequisites:** [lesson 09](09_omniglot_maml.ipynb) for MAML and the network of its second half, and
# [lesson 03](03_gradient_descent_is_an_lstm_cell.ipynb) for gradients of gradients. The five starts come from [lesson 06](06_maml_on_sinusoids.ipynb).
#
# **Time:** 40 minutes of reading, and 40 minutes for the exercises.
#
# **What it costs to run:** *smoke* takes about 20 s on two cores. *lecture* takes about 30 s.
# *paper* takes about 1 minute, and no GPU. Nothing is trained here. What takes longer was recorded by the studies
# `lesson11_landscapes`, `lesson11_curvatures` and `lesson11_trained_rates` (`python -m studies.lesson11_landscapes`), and comes with the course.

# %% [markdown] slideshow={"slide_type": "notes"}
# 1 min. Say the promise, and warn them: half of this lesson is about pictures that lie. Ask who has seen mountains of a loss on a poster. Today they learn to ask what the axes are.

# %% tags=["parameters"]
PROFILE = "smoke"  # "smoke", "lecture" or "paper": the same cells, three budgets

# %% tags=["setup"]
import math

import matplotlib.pyplot as plt
import torch
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, LogNorm

from mlteach.checkpoint import load_checkpoint, params_from
from mlteach.exercises import check, yours
from mlteach.explore import LossLandscape, style
from mlteach.explore.figure import show
from mlteach.explore.loss_landscape import RAMP, two_tasks
from mlteach.inner import adapt, sgd
from mlteach.measure import compare, difference, record, recorded
from mlteach.measure.curvature import hessian_vector, top_eigenvalue
from mlteach.measure.landscape import (
    filter_normalised, on_task, picture, plane_through, project, random_direction,
    rescaled, surface,
)
from mlteach.measure.ledger import data_folder
from mlteach.nets import MLP, Conv4, cross_entropy, squared_error
from mlteach.params import detach, dot, from_vector, gradient_of, leaves, map_params
from mlteach.params import norm, scale, stack, subtract, to_vector
from mlteach.params import task as task_of
from mlteach.tasks import Sinusoids

torch.set_num_threads(1)  # tensors as small as ours are quicker on one thread
style.use()
budget = {
    "smoke": dict(points=25, tasks=200, walks=3),
    "lecture": dict(points=41, tasks=1000, walks=10),
    "paper": dict(points=61, tasks=4000, walks=30),
}[PROFILE]

# %% [markdown]
# The five starts of lesson 06: a random one, and what joint training, MAML, FOMAML and Reptile made of it. One network, 1761 numbers. And
# one task: a sinusoid of amplitude 4, ten support points, a hundred query points. All of it in double precision.

# %%
NET, FAMILY, RATE = MLP((1, 40, 40, 1)), Sinusoids.finn(), 0.01
like = NET.init(torch.Generator().manual_seed(0), torch.float64)
STARTS = {
    name: params_from(
        load_checkpoint(data_folder() / "checkpoints" / f"06-{name}.safetensors"), like,
    )
    for name in ("random", "joint", "maml", "fomaml", "reptile")
}
SAID = {"random": "random start", "joint": "joint training", "maml": "MAML",
        "fomaml": "FOMAML", "reptile": "Reptile"}
LOOK = {name: style.method({"random": "truth", "joint": "baseline"}.get(name, name))
        for name in STARTS}


def sinusoid(amplitude, phase, seed=11):
    """Support x and y [10, 1], query x and y [100, 1] of one task."""
    draw = torch.Generator().manual_seed(seed)
    x = 10 * torch.rand(10, 1, generator=draw, dtype=torch.float64) - 5
    query_x = torch.linspace(-5, 5, 100, dtype=torch.float64)[:, None]
    y, query_y = (amplitude * torch.sin(places - phase) for places in (x, query_x))
    return x, y, query_x, query_y


x, y, query_x, query_y = sinusoid(4.0, 0.6)


def support_loss(theta):
    return squared_error(NET(theta, x), y)


def descend(theta, steps, loss=support_loss, rate=RATE):
    """The path [theta_0, ..., theta_steps] of gradient descent."""
    path = adapt(loss, theta, sgd(rate), steps, first_order=True, path=True)
    return [detach(each) for each in path]


print("numbers in the network:", sum(value.numel() for value in like.values()))

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Which of the two is flatter?
#
# Two trained networks have learned the same task. Around each we walk the same distances in the same two random directions, and draw the loss.
#
# **Predict.** Which of the two will be better on points it has not seen? People have written papers on the question.
#
# - ( ) the one on the left
# - ( ) the one on the right
# - ( ) neither

# %% tags=["open"] jupyter={"source_hidden": true} slideshow={"slide_type": "-"}
ramp = LinearSegmentedColormap.from_list("loss", RAMP)


def draw_loss(ax, losses, extent, low=1e-3, high=30.0):
    """A surface in flat shades, one scale of colours for all. Returns the scale."""
    a, b = (torch.linspace(*ends, len(losses)) for ends in (extent[:2], extent[2:]))
    shades = torch.logspace(math.log10(low), math.log10(high), 21)
    inside = losses.T.clamp(low * 1.000001, high * 0.999999)
    ax.contourf(a, b, inside, levels=shades.tolist(), cmap=ramp,
                norm=LogNorm(low, high), antialiased=False)
    ax.set_aspect("equal")
    ax.xaxis.set_major_locator(plt.MaxNLocator(2, steps=[1, 5, 10]))
    ax.tick_params(labelsize=10)
    return ScalarMappable(LogNorm(low, high), ramp)


one = descend(STARTS["maml"], 100)[-1]
other = rescaled(one, "layer1", "layer2", 1 / 8)
draws = [random_direction(one, generator=torch.Generator().manual_seed(seed))
         for seed in (1, 2)]
raw = [scale(2 / norm(each), each) for each in draws]
ticks = torch.linspace(-1, 1, budget["points"], dtype=torch.float64)
task_loss = on_task(NET, squared_error, x, y)
trap = [surface(task_loss, theta, raw, (ticks, ticks)) for theta in (one, other)]
fig, axes = plt.subplots(1, 2, figsize=(9, 3.9), sharey=True)
for ax, losses, name in zip(axes, trap, ("left", "right")):
    seen = draw_loss(ax, losses, (-1, 1, -1, 1))
    ax.plot(0, 0, "k*", markersize=12)
    ax.set(title=name, xlabel="first direction")
axes[0].set_ylabel("second direction")
fig.colorbar(seen, ax=axes, label="support loss")
show(fig,
     alt="Two contour pictures of a loss around a star. On the left the bright ground "
     "around the star is wide; on the right it is a small pit in steep dark walls.",
     colours=96)

# %% [markdown] slideshow={"slide_type": "notes"}
# 3 min. Show it, let them vote: left is flatter, so left generalises better, says the poster. Take two arguments. Then press on: the answers of the two are equal.

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "fragment", "code": false}
compare("The left network's answers", NET(one, query_x), "the right network's",
        NET(other, query_x), to=1e-10)

# %% [markdown]
# <details><summary><b>Explain.</b> How can that be?</summary>
#
# Neither is better: they are one function, on every input. A ReLU lets a positive factor through: $\max(0, cz) = c \max(0, z)$. So you can divide a layer by 8 and
# multiply the next one by 8, and nothing that the network says has changed. What has changed is the ruler. A step of fixed length is large for the shrunk layer and small for
# the grown one. Dinh and others showed in 2017 that this makes any minimum of such a network as sharp as you like.
# (8 is a power of two, so not even the rounding differs.)
#
# </details>
#
# So a picture can be true, and say nothing about the function. What has to be drawn, then?

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What is such a picture?
#
# Take a point $\theta$ in parameter space and two directions $d_1, d_2$. The picture is
#
# $$f(a, b) \;=\; L\,(\theta + a\,d_1 + b\,d_2)$$
#
# Aloud: *go $a$ steps in one direction and $b$ steps in the other, and read off the loss.* It is two axes out of 1761. By hand it is two loops; the package sends all points
# through the network at once.

# %% slideshow={"slide_type": "-"}
def two_loops(theta, directions, ticks):
    d_1, d_2 = directions
    losses = torch.empty(len(ticks), len(ticks), dtype=torch.float64)
    for i, a in enumerate(ticks):
        for j, b in enumerate(ticks):
            moved = {name: theta[name] + a * d_1[name] + b * d_2[name]
                     for name in theta}
            losses[i, j] = support_loss(moved)
    return losses


few = ticks[::4]
compare("two loops", two_loops(one, raw, few), "the package",
        surface(task_loss, one, raw, (few, few)), to=1e-10)

# %% [markdown] slideshow={"slide_type": "notes"}
# 1 min. One formula, two loops. Say the number 1761 aloud: two of them are on screen. All of the lesson is about the choice of the two.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Which ruler grows with the network?
#
# Li and others (2018) let the direction decide by the network itself. Draw it at random, then make **every filter of it as long as the same filter of the network**:
#
# $$d_k \;\leftarrow\; \frac{\lVert \theta_k \rVert}{\lVert d_k \rVert}\; d_k \qquad \text{for every filter } k$$
#
# Aloud: *each filter moves by a share of its own length.* A filter is what feeds one output: a row of a matrix, a slice of a kernel. Biases stay where they are.

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. One unit of the axis now means: as far as the filter is long. Ask what happens to it when a layer is divided by 8.

# %% [markdown]
# ## Your turn: 11.1, a direction that grows with the network
#
# `fitted(direction, weight)` takes two tensors of one shape and returns the direction with every filter as long as the weight's.
#
# - Shapes: `[out, in]`, or `[out, in, 3, 3]`, or `[out]`. A filter is one slice along the first axis.
# - A tensor with one axis (a bias) does not move: zeros.
#
# <details><summary>Hint 1</summary>
#
# Three steps: the length of each filter of the direction, the length of each filter of the weight, and their ratio.
#
# </details>
# <details><summary>Hint 2</summary>
#
# `weight.flatten(1).norm(dim=1)` is one length for each filter. A tensor with `weight.ndim == 1` gets zeros.
#
# </details>
# <details><summary>Hint 3</summary>
#
# `return direction * ratio.view(-1, *[1] * (weight.ndim - 1))`, so that each filter meets its own factor.
#
# </details>


# %% tags=["exercise"]
def fitted(direction, weight):
    ### BEGIN SOLUTION
    if weight.ndim == 1:
        return torch.zeros_like(weight)
    ratio = weight.flatten(1).norm(dim=1) / direction.flatten(1).norm(dim=1)
    return direction * ratio.view(-1, *[1] * (weight.ndim - 1))
    ### END SOLUTION


# %%
check("11.1", fitted)

# %%
def packaged(direction, weight):
    return filter_normalised({"w": direction}, {"w": weight})["w"]


ruler = yours("11.1", fitted, otherwise=packaged)


def with_filters(theta, draws=draws):
    """Two random directions, every filter as long as the network's."""
    return [map_params(ruler, each, theta) for each in draws]

# %% [markdown]
# Every filter-normalised picture below is drawn with this ruler, the explorer's of your own task too.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Why can it not be fooled by a factor?
#
# Write the factor as a matrix $S$: it multiplies each filter of layer 1 (and its bias) by $c$ and each of layer 2 by $1/c$. The other network is $S\theta$, and $L(S\theta) = L(\theta)$ everywhere. A filter that is $c$ times as long gets a
# direction that is $c$ times as long, so the new direction is $S d$. Then
#
# $$L\,(S\theta + a\,S d_1 + b\,S d_2) \;=\; L\,\bigl(S(\theta + a\,d_1 + b\,d_2)\bigr) \;=\; L\,(\theta + a\,d_1 + b\,d_2).$$
#
# The same picture, point by point:

# %% slideshow={"slide_type": "-", "code": false}
honest = [surface(task_loss, theta, with_filters(theta), (ticks, ticks))
          for theta in (one, other)]
compare("the picture of the left network", honest[0], "that of the right one",
        honest[1], to=1e-9)

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "-"}
fig, ax = plt.subplots(figsize=(5.2, 3.7))
seen = draw_loss(ax, honest[0], (-1, 1, -1, 1))
ax.plot(0, 0, "k*", markersize=12)
ax.set(title="left and right alike", xlabel="first direction",
       ylabel="second direction")
fig.colorbar(seen, ax=ax, label="support loss")
show(fig, alt="One picture for both networks, along filter-normalised directions: a "
     "small bright valley around the star, and high dark ground at a distance of one.",
     colours=96)

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Do the line of algebra with them: S comes out of the bracket. Then one picture for both: they are identical. This is what filter normalisation gives you; what follows is what it does not.

# %% [markdown]
# ### And a factor for each unit?
#
# It is exact for a factor on whole layers. The same ReLU lets you scale each *unit* by a factor of its own: its incoming row times $c_j$, its outgoing column divided by $c_j$.
#
# **Predict.** Same function again. Same filter-normalised picture?
#
# - ( ) the same, point by point
# - ( ) the same up to a few percent
# - ( ) another picture

# %%
def unit_by_unit(theta, factors):
    """Scale each unit of layer 1 by its own factor and take it back in layer 2."""
    moved = dict(theta)
    moved["layer1.weight"] = factors[:, None] * theta["layer1.weight"]
    moved["layer1.bias"] = factors * theta["layer1.bias"]
    moved["layer2.weight"] = theta["layer2.weight"] / factors
    return moved


draw = torch.Generator().manual_seed(3)
factors = torch.randn(40, generator=draw, dtype=torch.float64).exp()
third = unit_by_unit(one, factors)
compare("The left network's answers", NET(one, query_x), "the third network's",
        NET(third, query_x), to=1e-10)
ratio = surface(task_loss, third, with_filters(third), (ticks, ticks)) / honest[0]
most = torch.maximum(ratio, 1 / ratio).max()
apart = f"up to {round(most.item(), -2):.0f}-fold apart"
told = "the same" if most < 1 + 1e-9 else apart
print(f"its picture and the left one's: {told}")

# %% [markdown]
# <details><summary><b>Explain.</b> What is left of the promise?</summary>
#
# Another picture. The rows of the next layer change in shape, not in length alone, and no factor for each row can follow. Filter normalisation takes out a layer that has grown, and with batch norm the factor of a single filter. It does not take out all that
# leaves the function as it is. A picture compares two networks fairly only as far as its ruler does.
#
# </details>
#
# So: no ruler is the right one for everything. Say which one you used, and what it is blind to.

# %% [markdown]
# ## Where in the picture do your points lie?
#
# Random directions show the ground around one point. If you have three points to compare, such as a start, the adapted network and the one from joint training, they span a plane, and that plane holds
# all three. Make the first axis point from the first to the second, and the other one at right angles to it. Everything else *falls* onto the plane, and its distance to it is part of the picture.

# %% [markdown]
# ## Your turn: 11.2, where a point stands, and how far off the picture
#
# `place(point, origin, x, y)` takes four vectors. `x` and `y` are at right angles, of any length. It returns three numbers `(a, b, distance)`: the point's shadow is
# `origin + a * x + b * y`, and `distance` is how far the point is from its shadow.
#
# <details><summary>Hint 1</summary>
#
# First the offset from the origin. Then its shadow along x, and along y. Then what is left over.
#
# </details>
# <details><summary>Hint 2</summary>
#
# The shadow of the offset along x is `a * x` with `a = offset @ x / (x @ x)`. The two directions are at right angles.
#
# </details>
# <details><summary>Hint 3</summary>
#
# `return a, b, (offset - ...).norm()`
#
# </details>


# %% tags=["exercise"]
def place(point, origin, x, y):
    ### BEGIN SOLUTION
    offset = point - origin
    a, b = offset @ x / (x @ x), offset @ y / (y @ y)
    return a, b, (offset - a * x - b * y).norm()
    ### END SOLUTION


# %%
check("11.2", place)

# %%
def packaged(point, origin, x, y):
    found = project([{"w": point}], {"w": origin}, [{"w": x}, {"w": y}])
    return tuple(found[0])


where = yours("11.2", place, otherwise=packaged)


def shadows(points, origin, directions):
    """Each point's two coordinates on the plane, and its distance from it: [n, 3]."""
    x, y = map(to_vector, directions)
    return torch.tensor([[float(number) for number in
                          where(to_vector(point), to_vector(origin), x, y)]
                         for point in points], dtype=torch.float64)


# %% [markdown]
# And the plane itself? The first axis points to the second corner. Take from the third corner's offset its shadow along that axis, and what is left is at right angles to it:

# %%
def plane(origin, second, third):
    """Two directions of length 1 at right angles, in the plane of three points."""
    a, b, c = map(to_vector, (origin, second, third))
    x = (b - a) / (b - a).norm()
    y = (c - a) - (c - a) @ x * x
    return from_vector(x, origin), from_vector(y / y.norm(), origin)


path = descend(STARTS["maml"], 10)
corners = [path[0], path[-1], STARTS["joint"]]
axes_here, packaged = plane(*corners), plane_through(*corners)
for said, ours, theirs in zip(("first", "second"), axes_here, packaged):
    compare(f"the {said} direction", ours, "the package's", theirs, to=1e-10)
places = shadows([*corners, path[1], path[5]], path[0], axes_here)
compare("the way between two corners", (places[2] - places[1])[:2].norm(),
        "in the network", norm(subtract(corners[2], corners[1])), to=1e-10)
who = ("joint training", "after 1 step", "after 5 steps")
for said, (a, b, off) in zip(who, places[2:].tolist()):
    print(f"{said:15} at ({round(a, 2) + 0:5.2f}, {round(b, 2) + 0:5.2f}), "
          f"off the plane by {off:.2f}")

# %% [markdown]
# The steps between the corners lie off the plane, by up to a quarter of the way that adaptation goes. And joint training is tens of times as far away as adaptation goes. All five starts began as the
# same random network. What training did to each is a long way; what adaptation does is a short one.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What has meta-training changed?
#
# Below is the support loss, the one that the inner loop descends, around the random start (*before*) and around MAML's (*after*), for three tasks and on five planes. All five paths are projected on each. Scrub the
# steps. A path that is farther off the plane than the picture is wide is not drawn; the words below say how far.
#
# **Predict.** After meta-training, before any step, where in the picture does the start stand?
#
# - ( ) at the bottom of the valley
# - ( ) on a slope above it
# - ( ) on level ground

# %% [markdown] slideshow={"slide_type": "notes"}
# 1 min. Let them vote, and keep the vote.

# %% slideshow={"slide_type": "slide"}
explorer = LossLandscape.recorded(scene="network", task="strong, phase 0.6",
                                  start="after", plane="path", step=10)
explorer

# %% [markdown] slideshow={"slide_type": "notes"}
# 4 min. Plane of the path, before, step 10: the path creeps a little way down a slope that hardly falls. Then after: the first step crosses the slope, and the rest is small. The start stands on the slope, not in the valley.
# Then the raw and rescaled planes: the trap from the beginning, live. Then filter-normalised: all paths on one spot. Ask why: two random directions, and the paths go elsewhere.

# %%
for explorer.plane in ("path", "filter"):
    print(explorer.summary)
explorer.plane = "path"  # as it was: your turn

# %% [markdown]
# <details><summary><b>Explain.</b> Where does MAML's start stand?</summary>
#
# On a slope above it. Before any step its loss is as high as joint training's, which has learned the best answer that can be given before a point is seen. What is good about MAML's start is what lies one step ahead.
#
# </details>
#
# On the plane of two random directions no path is to be seen at all. Adaptation goes where the loss falls, and two directions drawn at random out of 1761 know nothing of that. Remember this when you see a landscape with a smooth bowl
# around a trained network.
#
# The same, computed here, for **your** task: change the amplitude and the phase and run the cell again. Each start has its own plane, through the start, its first step and its tenth, and all pictures have one scale, in distance and in colour.

# %%
AMPLITUDE, PHASE = 3.0, 1.6  # amplitude 0.1 to 5, phase 0 to 3.1: yours
mine = sinusoid(AMPLITUDE, PHASE)


def my_loss(theta):
    return squared_error(NET(theta, mine[0]), mine[1])


my_paths = {name: descend(theta, 10, my_loss) for name, theta in STARTS.items()}
pictures = {}
for start, own in (("before", "random"), ("after", "maml")):
    way = my_paths[own]
    planes = {"path": plane(way[0], way[1], way[-1]),
              "filter": tuple(with_filters(way[0]))}
    for name, directions in planes.items():
        reach = 0.75 if name == "path" else 1.0
        pictures["my task", start, name] = picture(
            on_task(NET, squared_error, *mine[:2]), way[0], directions, my_paths,
            (-0.35, reach, -0.55, 0.55), points=25
        )
        pictures["my task", start, name] = pictures["my task", start, name]._replace(
            paths={each: shadows(path, way[0], directions)
                   for each, path in my_paths.items()}
        )
scores = {
    ("my task", name): torch.tensor(
        [[my_loss(p), squared_error(NET(p, mine[2]), mine[3])] for p in way]
    )
    for name, way in my_paths.items()
}
my_landscape = LossLandscape(pictures, scores, plane="path")
my_landscape

# %%
print(my_landscape.summary)

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "slide"}
fig, axes = plt.subplots(2, 3, figsize=(10.4, 5.2))
extent = (-0.3, 0.75, -0.3, 0.45)
for ax, name in zip(axes.flat, STARTS):
    way = descend(STARTS[name], 10)
    directions = plane(way[0], way[1], way[-1])
    grid = [torch.linspace(*ends, budget["points"], dtype=torch.float64)
            for ends in (extent[:2], extent[2:])]
    losses = surface(task_loss, way[0], directions, grid)
    seen = draw_loss(ax, losses, extent, low=0.03, high=30)
    shadow = shadows(way, way[0], directions)
    ax.plot(shadow[:, 0], shadow[:, 1], color="white", linewidth=5)
    ax.plot(shadow[:, 0], shadow[:, 1], **LOOK[name])
    hue = {"random": "truth", "joint": "baseline"}.get(name, name)
    ax.scatter(shadow[:, 0], shadow[:, 1], c=style.steps(11, hue), s=22, zorder=4,
               edgecolors="white", linewidths=0.6)
    ax.set_title(f"{SAID[name]}: {support_loss(way[0]):.1f} to "
                 f"{support_loss(way[-1]):.2f}", fontsize=12)
    ax.set_xlabel("along the first step", fontsize=11)
    (line,) = axes[1, 2].semilogy(
        [squared_error(NET(each, query_x), query_y) for each in way], **LOOK[name],
    )
    style.label_line(axes[1, 2], line, SAID[name], fontsize=10)
axes[1, 2].set_title("query loss", fontsize=12)
axes[1, 2].set_xlabel("inner step", fontsize=11)
axes[1, 2].tick_params(labelsize=10)
axes[1, 2].set(xlim=(0, 18), xticks=(0, 5, 10))
fig.colorbar(seen, ax=axes[:, :2], location="left", label="support loss", shrink=0.8)
show(fig, alt="Five contour pictures at one scale with the path of ten steps from each "
     "start, and the query loss over the steps. From the random start and from joint "
     "training the path goes along a slope and stays high. MAML's, FOMAML's and "
     "Reptile's first step crosses into a bright valley, and the other steps are "
     "short; their query loss ends more than ten times lower.", colours=96)

# %% [markdown] slideshow={"slide_type": "notes"}
# 3 min. Five starts, one task, one scale. The titles say from which support loss to which. Before meta-training nothing much is to be had. Joint training goes along a slope and is not done after ten steps. The three others make one long step, and then short ones. Ask where each start stands: on the slope.

# %% [markdown]
# On this one task FOMAML ends lowest. The explorer's *strong* task is the same sinusoid, seen at ten other points, and there MAML ended lower: ten points decide. Over a hundred tasks and three seeds the order of the two is within the intervals after ten steps.

# %%
bends = recorded("11", "curvature")


def row(name, what):
    """Mean over 100 tasks and three seeds, with the interval over the seeds."""
    figure = bends[f"{name}.{what}"]
    return f"{figure['value']:7.0f} ± {figure['interval']:<5.0f}"


def by_start(ax, places, said, filled, of="value"):
    """A mark for each start, one below the other, with the interval of a mean."""
    for y, (name, what) in enumerate(places.items()):
        hue = LOOK[name]["color"]
        ax.errorbar(what[of], y, xerr=what["interval"] if of == "value" else None,
                    fmt="o", color=hue, markersize=7 if filled else 11, capsize=4,
                    linewidth=1.5, markerfacecolor=hue if filled else "none")
        if name == "maml":
            ax.annotate(said, (what[of], y), xytext=(0, 9), ha="center",
                        textcoords="offset points", fontsize=11)
    ax.set(yticks=range(len(places)), yticklabels=[SAID[name] for name in places],
           ylim=(len(places) - 0.5, -0.8))


fig, ax = plt.subplots(figsize=(8, 3.4))
for step, said in ((1, "after 1 step"), (10, "after 10 steps")):
    by_start(ax, {name: bends[f"{name}.query loss.step{step}"] for name in STARTS},
             said, filled=step == 10)
ax.set_xscale("log")
ax.set_xticks([0.1, 0.2, 0.5, 1, 2, 5], ["0.1", "0.2", "0.5", "1", "2", "5"])
ax.minorticks_off()
ax.set_xlabel("query loss, mean of 100 tasks and three seeds")
show(fig, alt="The query loss of five starts after one and after ten steps, with "
     "intervals over three seeds. Random start and joint training stay above one. "
     "After one step MAML and FOMAML are near a half and Reptile is near one; after "
     "ten all three are far below, and the intervals of MAML and FOMAML overlap.")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## How sharp is it, in every direction at once?
#
# A picture shows two directions. The **Hessian** $H$, all second derivatives, knows them all: along a unit vector $v$ the loss bends by $v^\top H v$. It bends most along its top eigenvector, and that is the direction in which steps
# go wrong first. But $H$ has $1761^2$ entries, and for a million weights it would have a million squared.
#
# You never need them all. Hessian times *one* vector is the gradient of a number (Pearlmutter 1994):
#
# $$H v \;=\; \nabla_\theta \bigl( \nabla L(\theta)^\top v \bigr)$$
#
# Aloud: *take the gradient, multiply it with $v$, and take the gradient of that.*

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Let them say why: the entry ij of H is the derivative by i of the gradient's entry j; summing over j with v gives the line. It costs two backward passes, whatever the size.

# %% [markdown]
# ## Your turn: 11.3, the Hessian times a direction
#
# `hessian_times(loss, theta, v)`: `theta` and `v` are vectors `[n]`, `theta` asks for gradients already, `loss(theta)` is a number. It returns $Hv$, `[n]`.
#
# <details><summary>Hint 1</summary>
#
# The gradient's inner product with v is one number, and theta is still in it.
#
# </details>
# <details><summary>Hint 2</summary>
#
# `(gradient,) = torch.autograd.grad(loss(theta), theta, create_graph=True)`, so that it can be differentiated again.
#
# </details>
# <details><summary>Hint 3</summary>
#
# `torch.autograd.grad(gradient @ v, ...)`: by what, and which entry of the tuple?
#
# </details>


# %% tags=["exercise"]
def hessian_times(loss, theta, v):
    ### BEGIN SOLUTION
    (gradient,) = torch.autograd.grad(loss(theta), theta, create_graph=True)
    (product,) = torch.autograd.grad(gradient @ v, theta)
    return product
    ### END SOLUTION


# %%
check("11.3", hessian_times)

# %%
def packaged(loss, theta, v):
    return hessian_vector(lambda p: loss(p["w"]), {"w": theta}, {"w": v})["w"]


product_of = yours("11.3", hessian_times, otherwise=packaged)

# %% [markdown] slideshow={"slide_type": "slide"}
# ### The sharpest direction
#
# Multiply by $H$ again and again, and make the result a unit vector each time. What lies along the top eigenvector grows most and is all that remains. That is **power iteration**. (It finds the eigenvalue of largest *size*. If
# that one is negative, it has to be subtracted first; the package does so.)

# %% slideshow={"slide_type": "-"}
def power_iteration(loss, theta, products, seed=0):
    """The eigenvalue of largest size, and its unit eigenvector, a vector."""
    point = to_vector(theta).requires_grad_()
    draw = torch.Generator().manual_seed(seed)
    v = torch.randn(len(point), generator=draw, dtype=torch.float64)
    for _ in range(products):
        v = v / v.norm()
        Hv = product_of(lambda flat: loss(from_vector(flat, theta)), point, v)
        value, v = (v @ Hv).item(), Hv
    return value, v / v.norm()


# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. A product for each turn, and a hundred turns are enough. Here one can afford the whole Hessian, three million numbers, and the notebook checks against it: equal to eight digits. On the network of lesson 09 one cannot, and trusts the check.

# %%
def whole_hessian(theta):
    """All 1761 x 1761 second derivatives of the support loss."""
    loss_at = torch.func.hessian(lambda flat: support_loss(from_vector(flat, theta)))
    return loss_at(to_vector(theta))


start = STARTS["maml"]
top, vector = power_iteration(support_loss, start, 100)
packaged = top_eigenvalue(support_loss, start,
                          generator=torch.Generator().manual_seed(0), tolerance=1e-9)
whole = whole_hessian(start)
spectrum, vectors = torch.linalg.eigh(whole)
found = torch.tensor([top, packaged.value], dtype=torch.float64)
compare("power iteration", found[0], "the whole Hessian", spectrum[-1], to=1e-8)
compare("the package", found[1], "the whole Hessian", spectrum[-1], to=1e-8)
compare("its eigenvector, up to the sign", (vector @ vectors[:, -1]).sign() * vector,
        "the whole Hessian's", vectors[:, -1], to=1e-6)

# %% [markdown] slideshow={"slide_type": "slide"}
# ### All directions at once
#
# Since we have the whole Hessian once, look at all of it.
#
# **Predict.** 1761 eigenvalues at MAML's start, ten support points. How many of them are larger than a hundredth of the top one?
#
# - ( ) one
# - ( ) a few dozen
# - ( ) a few hundred
# - ( ) more than half

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "fragment"}
adapted = whole_hessian(descend(start, 100)[-1])
for said, values in (("at MAML's start", spectrum),
                     ("after 100 steps", torch.linalg.eigvalsh(adapted))):
    limit = values[-1] / 100
    print(f"{said}: top {values[-1].item():.0f}, mean {values.mean().item():.1f}; "
          f"above a hundredth of the top {int((values > limit).sum())}, "
          f"as far below zero {int((values < -limit).sum())}")
point = leaves(start)
slope = to_vector(gradient_of(support_loss(point), point))
chance = torch.randn(1761, generator=torch.Generator().manual_seed(6),
                     dtype=torch.float64)
shares = [((vectors[:, -10:].mT @ way).norm() / way.norm()).item()
          for way in (slope, chance)]
print(f"share of the length along the ten sharpest: first gradient {shares[0]:.2f}, "
      f"random direction {shares[1]:.2f}")
reach = torch.linspace(-0.4, 0.4, 81, dtype=torch.float64)
top_way = from_vector(vectors[:, -1], start)
random_way = random_direction(start, generator=torch.Generator().manual_seed(5))
random_way = scale(1 / norm(random_way), random_way)
along_top, along_random = (surface(task_loss, start, (way,), (reach,))
                           for way in (top_way, random_way))
fig, ax = plt.subplots(figsize=(8, 3.8))
for losses, said, look in (
    (along_top, "top eigenvector", style.method("warning")),
    (along_random, "random direction", style.method("baseline")),
):
    (line,) = ax.plot(reach, losses, **look)
    style.label_line(ax, line, said)
ax.plot(0, support_loss(start), "ko", markersize=6)
ax.set(xlabel="distance from MAML's start", ylabel="support loss", xlim=(-0.4, 0.4),
       title="A random slice does not see the sharp direction")
show(fig, alt="The support loss along two straight lines through MAML's start. Along a "
     "random direction it is nearly level; along the top eigenvector it bends sharply "
     "at the start, from a dip on one side to a steep rise on the other.", colours=96)

# %% [markdown] slideshow={"slide_type": "notes"}
# 3 min. Ask for the number first. Ten points that are learned can bend ten directions. The other 1750 are flat, and a random direction is made of those. So a random slice of a large network looks smooth, whatever the network is. Say it twice: the poster is smooth because it is random.

# %% [markdown]
# <details><summary><b>Explain.</b> Why so few?</summary>
#
# A few dozen at the start, about as many as far below zero, and fewer than ten when the task is learned. The loss is a mean of ten squares. Where an answer is right, its square bends along one direction, the gradient of that answer, so ten of them bend along ten directions at most. That is what is left when the task is learned. At the start the errors
# are large, and the network's own bends come on top, times the errors: more directions, about as many upward as downward.
#
# </details>
#
# Is that the reason? Take the two apart. With $J$, the ten answers' gradients as rows, the first part is $\tfrac{2}{10} J^\top J$, whatever the errors are. What is left of $H$ is the errors times the network's own bends:

# %% jupyter={"source_hidden": true}
fig, axes = plt.subplots(1, 2, figsize=(10, 3.6), sharey=True)
for ax, theta, title in ((axes[0], start, "MAML's start"),
                         (axes[1], descend(start, 100)[-1], "after 100 steps")):
    slopes = torch.func.jacrev(lambda flat: NET(from_vector(flat, like), x)[:, 0])
    J = slopes(to_vector(theta))
    of_slopes = J.mT @ J * (2 / len(x))
    of_bends = torch.linalg.eigvalsh(whole_hessian(theta) - of_slopes)
    limit = torch.linalg.eigvalsh(of_slopes)[-1] / 100
    for values, said, look in (
        (torch.linalg.eigvalsh(of_slopes), "ten slopes", style.method("warning")),
        (of_bends, "errors times bends, up", style.method("baseline")),
        (-of_bends, "and down", style.method("baseline") | {"linestyle": ":"}),
    ):
        most = values.sort(descending=True).values[:60].clamp(min=1e-3)
        (line,) = ax.semilogy(range(1, 61), most, **look)
        if ax is axes[0] and said != "and down":
            at = 3 if said == "ten slopes" else 30
            ax.annotate(said, (at, most[at - 1]), xytext=(8, 6),
                        textcoords="offset points", fontsize=11,
                        color=style.ink(look["color"]))
    ax.axhline(limit, color="black", linewidth=0.6)
    ax.set(title=title, xlabel="eigenvalues, the largest first", ylim=(1e-2, 1e3))
axes[0].set_ylabel("size of the eigenvalue")
axes[1].annotate("a hundredth of the top one", (59, limit), xytext=(0, 3), ha="right",
                 textcoords="offset points", fontsize=10)
show(fig, alt="The eigenvalues of the two parts of the Hessian, sorted. At MAML's "
     "start the part of the ten slopes has the largest ones and breaks off before the "
     "tenth; the part of errors times bends has some thirty above a hundredth of the "
     "top one, and as many below zero, on one line. After a hundred steps this part is "
     "gone and that of the slopes is left.", colours=96)

# %% [markdown]
# It is. The sharpest directions belong to the ten slopes. The few dozen beside them, half upward and half downward, belong to the errors, and go with them.
#
# That is the first thing no slice can show: **a random direction feels the mean of all eigenvalues**, and the top one is hundreds of times that. Steps of gradient descent are not random. The first one here lies almost wholly along the few sharp directions, of which a random direction has next to nothing.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Too sharp for the rate?
#
# Near a minimum the loss is a bowl, $\tfrac12 e^\top H e$ with $e$ the offset from it. One step of gradient descent makes $e - \alpha H e$ out of $e$. Along an eigenvector with eigenvalue $\lambda$ that is
#
# $$e \;\leftarrow\; (1 - \alpha\lambda)\; e$$
#
# Aloud: *each step multiplies the offset by one minus rate times curvature.* At $\alpha\lambda = 1$ a step is perfect. Between 1 and 2 it lands on the other side, nearer. **Above 2 it lands on the other side, farther away, and each step makes it worse.** So
# $2/\alpha$ is the edge of stability: for our rate, 200.

# %% slideshow={"slide_type": "-"}
def bowl_steps(rate, steps=12):
    """Gradient descent on the whole Hessian's bowl, begun along the top eigenvector."""
    e = vectors[:, -1]
    for _ in range(steps):
        e = e - rate * whole @ e
    return e @ vectors[:, -1]


for rate in (0.004, 0.009, 0.01):
    factor = 1 - rate * spectrum[-1]
    compare(f"rate {rate}, each step times {factor:.1f}: offset over the formula's",
            bowl_steps(rate) / factor**12, "1", torch.ones_like(factor), to=1e-9)

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Draw the parabola, and the steps on it: perfect, to the other side, and away. Ask for the number at rate 0.01. Then ask where MAML's start is.

# %% [markdown] slideshow={"slide_type": "slide"}
# **Predict.** MAML's start and FOMAML's were trained for one step at rate 0.01. A careful person would want a top eigenvalue below 200. Which of the five starts have one
# above it, on the mean of 100 tasks?
#
# - ( ) none
# - ( ) MAML's
# - ( ) MAML's and FOMAML's
# - ( ) MAML's, FOMAML's and Reptile's
#
# <details><summary>After you have guessed</summary>
#
# MAML's, and on most single tasks. FOMAML's is above it on about one task in four. Nobody told MAML to be sharp, and nobody punished it: the loss is looked at after the
# step, where it is below.
#
# </details>

# %% slideshow={"slide_type": "fragment", "code": false}
print(f"{'':16}{'top eigenvalue':>16}{'tasks above 200':>20}{'after one step':>18}")
for name in STARTS:
    before, stepped = (row(name, f"top eigenvalue.step{step}") for step in (0, 1))
    share = 100 * bends[f"{name}.above the edge.step0"]["value"]
    print(f"{SAID[name]:16}{before:>16}{share:>16.0f} %{stepped:>20}")

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Take the vote. Then read the column: MAML is above 200 on most tasks, FOMAML on about one in four. Joint training, Reptile and the random start are below, on the mean. Nobody told MAML to be sharp, and nobody punished it.

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "slide"}
steps = (0, 1, 2, 5, 10, 50, 100)
fig, axes = plt.subplots(1, 2, figsize=(10, 4.2))
for ax, what, title in ((axes[0], "top eigenvalue", "Sharpness along the path"),
                        (axes[1], "gradient norm", "and the length of the gradient")):
    for name in STARTS:
        figures = [bends[f"{name}.{what}.step{step}"] for step in steps]
        (line,) = ax.plot(range(len(steps)), [figure["value"] for figure in figures],
                          **LOOK[name])
        for seed in range(3):
            ax.plot(range(len(steps)), [figure["each"][seed] for figure in figures],
                    color=LOOK[name]["color"], alpha=0.35, linewidth=0.8)
        style.label_line(ax, line, SAID[name], fontsize=11)
    ax.set(xticks=range(len(steps)), xticklabels=steps,
           xlabel="inner steps at rate 0.01", title=title, xlim=(0, len(steps) + 1.6))
axes[0].axhline(200, color=style.color("warning"), linewidth=1.5)
axes[0].annotate("2 / rate", (len(steps) + 1.5, 204),
                 color=style.ink(style.color("warning")), ha="right", fontsize=11)
axes[0].set_ylabel("top eigenvalue of the support loss")
axes[1].set_yscale("log")
axes[1].set_ylabel("gradient norm")
show(fig, alt="Two plots over inner steps for five starts, means over a hundred tasks "
     "with thin lines for three seeds, and a line at two over the rate. MAML begins "
     "above the line and falls below it with the first step; FOMAML begins a little "
     "below it; the others stay far below, and joint training and the random start "
     "rise slowly. Gradient norms fall by powers of ten for the meta-trained starts "
     "and slowly for the others.", colours=96)

# %% [markdown] slideshow={"slide_type": "notes"}
# 3 min. Left: MAML starts above the line and comes down with the first step. Thin lines are the three seeds. Joint training and the random start rise slowly. Right: gradients. MAML's and FOMAML's first are the longest of all, and nothing is left of them after a hundred steps.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Where does the first step land?
#
# By the formula, MAML's first step overshoots: along the top eigenvector it lands farther away than it began, on most tasks. Draw what lies along that step, and beside it the parabola that value, slope and curvature at the start foretell.

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "-"}
fig, axes = plt.subplots(1, 2, figsize=(10, 3.8), sharey=True)
times = torch.linspace(0, 2, 81, dtype=torch.float64)
for ax, name in zip(axes, ("maml", "joint")):
    point = leaves(STARTS[name])
    value = support_loss(point)
    slope = gradient_of(value, point)
    step = scale(-RATE, slope)
    real = surface(task_loss, STARTS[name], (step,), (times,))
    bend = dot(step, hessian_vector(support_loss, STARTS[name], step)).item()
    parabola = value.item() + times * dot(slope, step).item() + times**2 * bend / 2
    ax.plot(times, parabola, color=style.color("warning"), linestyle="--",
            linewidth=1.5)
    ax.plot(times, real, **LOOK[name])
    ax.plot([0, 1], [real[0], real[40]], "o", color="black", markersize=6)
    spot = (1.32, 8.4) if name == "maml" else (1.2, 3.2)
    ax.text(*spot, "parabola at\nthe start", color=style.ink(style.color("warning")),
            fontsize=11)
    ax.axvline(1, color="black", linewidth=0.6)
    foretold = "not as foretold" if name == "maml" else "as foretold"
    ax.set(title=f"{SAID[name]}: {foretold}", ylim=(0, 14),
           xlabel="steps of rate 0.01 along the gradient")
axes[0].set_ylabel("support loss")
show(fig, alt="The support loss along the first gradient from two starts, with the "
     "parabola fitted at the start. From MAML's start the parabola turns up before the "
     "step ends, while the real loss goes on falling and is near its lowest at the end "
     "of the step. From joint training's start parabola and loss go down together.",
     colours=96)

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. The parabola is what you know at the start. The real loss is where the step lands. By the parabola MAML's step gains hardly anything, really almost all. MAML was trained on the landing. It never looked at the parabola. Say the other side as well: this works for the rate it was trained for.

# %% jupyter={"source_hidden": true}
fig, ax = plt.subplots(figsize=(8, 3.4))
for which, said in (("quadratic", "by the parabola"), ("step", "really")):
    by_start(ax, {name: bends[f"{name}.left by the {which}"] for name in STARTS},
             said, filled=which == "step", of="median")
ax.set(xlim=(0, 1), xlabel="share of the support loss left after the first step\n"
       "(median of 100 tasks, mean of three seeds)")
show(fig, alt="The share of the support loss that is left after the first step, by the "
     "parabola at the start and really, for five starts. For the random start, joint "
     "training and Reptile the two marks lie on each other. For FOMAML less is left "
     "than foretold; for MAML the parabola leaves nearly all, and hardly any is left.")

# %% [markdown]
# The parabola is a guess from one point, and a poor one. On the way the curvature falls (the last column of the table above), so the step lands well inside the valley. MAML's objective is the query loss **where the step lands**. Nothing in it speaks of the curvature at the start, and
# so it is free to stand on ground that is too sharp, as long as the step leads off it.
#
# Two things have to be kept apart here.
#
# - What is measured: at the rate it was trained for, MAML's start is above the edge on most tasks, and one step brings it below on most of these.
# - What is a reading: that MAML *wants* this. A long gradient makes one step go far, and where gradients are long for ten points, curvature is high. Whether a start with the same landing and less curvature exists, these numbers do not say.
#
# (What gradient descent does at the edge when the steps go on stands in the first appendix.)
#
# ### And at another rate?
#
# Take one step from each start, at several rates, and judge the queries.
#
# **Predict.** MAML was trained at rate 0.01. One step at 0.03 takes it three times as far, in the same direction. How good is the landing?
#
# - ( ) about as good as at 0.01
# - ( ) worse, and still far better than from joint training's start at its best rate
# - ( ) hardly better than from a random start
#
# <details><summary>After you have guessed</summary>
#
# Hardly better than from a random start. The rate is part of the start.
#
# </details>

# %%
RATES = (0.0025, 0.005, 0.0075, 0.01, 0.0125, 0.015, 0.02, 0.03)
episode = FAMILY.sample(budget["tasks"], 10, 100,
                        generator=torch.Generator().manual_seed(21),
                        dtype=torch.float64)


def on(x, y):
    return lambda params: squared_error(NET(params, x), y)


after_one = {}
with torch.no_grad():
    for name, theta in STARTS.items():
        begin = stack(theta, episode.tasks)
        landed = [adapt(on(*episode[:2]), begin, sgd(rate), 1) for rate in RATES]
        after_one[name] = [on(*episode[2:])(phi).mean().item() for phi in landed]
for name, errors in after_one.items():
    record(f"one step at 0.03.{name}", errors[-1], unit="mean squared error", seeds=[0],
           tasks=episode.tasks)
trained, far = after_one["maml"][3], after_one["maml"][-1]
print(f"MAML at 0.01: {trained:.1f}, at 0.03: {far:.0f}; "
      f"random start at 0.03: {after_one['random'][-1]:.0f}; "
      f"joint training at its best rate: {min(after_one['joint']):.1f}")

# %% [markdown]
# That was one training seed. The record has three, on a thousand tasks:

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "slide"}
by_rate = recorded("11", "rates")
fig, ax = plt.subplots(figsize=(8, 4))
for name in STARTS:
    figures = [by_rate[f"{name}.rate{rate}"] for rate in RATES]
    (line,) = ax.plot(RATES, [figure["value"] for figure in figures], **LOOK[name])
    for seed in range(3):
        errors = [figure["each"][seed] for figure in figures]
        ax.plot(RATES, errors, color=LOOK[name]["color"], alpha=0.4, linewidth=0.8)
        best = min(range(len(RATES)), key=errors.__getitem__)
        ax.plot(RATES[best], errors[best], "o", color=LOOK[name]["color"], markersize=5)
    style.label_line(ax, line, SAID[name])
for rate, name in ((0.01, "maml"), (0.02, "reptile")):
    ax.axvline(rate, color=LOOK[name]["color"], linewidth=0.8)
    ax.annotate("trained at " + str(rate), (rate, 0.24), xytext=(4, 0),
                textcoords="offset points", fontsize=11,
                color=style.ink(LOOK[name]["color"]))
ax.set_yscale("log")
ax.set_yticks([0.25, 0.5, 1, 2, 4, 8], ["0.25", "0.5", "1", "2", "4", "8"])
ax.minorticks_off()
ax.set(xlabel="inner rate", ylabel="query loss after one step", ylim=(0.2, 9),
       xlim=(0.002, 0.03), title="A start is made for its rate")
show(fig, alt="The mean query loss after one step against the inner rate, for five "
     "starts, means of three seeds with a thin line for each and a dot at its lowest "
     "point. MAML's and FOMAML's dots all stand at the rate of training, 0.01, and the "
     "curves rise steeply "
     "beyond it; Reptile's stand at its own, 0.02; joint training's and the "
     "random start's are flat and high.", colours=96)

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. The other side of the coin. The dots are the lowest points, one a seed: each start is best at the rate it was trained at. Three times the rate, and MAML's landing is hardly better than the random start's. The thin lines are the three seeds.

# %% [markdown]
# All three seeds agree: of these rates, MAML and FOMAML are best at 0.01 and Reptile at 0.02, each at its own. At three times its rate MAML's landing is hardly better than that of the random start.
#
# But MAML and Reptile differ in more than their rates. So change the rate alone: the same recipe of MAML, trained at half and at twice the rate, three seeds each. It does two things at once.

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "slide"}
trained_at = recorded("11", "trained-rates")
own = (0.005, 0.01, 0.02)
tested = sorted({float(name.split("rate")[1]) for name in trained_at
                 if ".rate" in name})
fig, axes = plt.subplots(1, 2, figsize=(10, 4))
for rate, dashes in zip(own, ("-", "--", ":")):
    look = LOOK["maml"] | {"linestyle": dashes}
    curves = torch.tensor([trained_at[f"trained at {rate}.rate{each}"]["each"]
                           for each in tested])
    axes[0].loglog(tested, curves.mean(1), **look)
    for curve in curves.mT:
        axes[0].plot(tested, curve, color=look["color"], alpha=0.4, linewidth=0.8)
        best = int(curve.argmin())
        axes[0].plot(tested[best], curve[best], "o", color=look["color"], markersize=5)
    axes[0].annotate(f"at {rate}", (rate, 0.215), ha="center", fontsize=10)
    axes[0].plot(rate, 0.28, "^", color="black", markersize=7)
    sharp = trained_at[f"trained at {rate}.top eigenvalue"]
    axes[1].plot([rate] * 3, sharp["each"], "o", color=look["color"], markersize=8,
                 alpha=0.7)
    product = f"{rate * sharp['value']:.1f} ± {rate * sharp['interval']:.1f}"
    axes[1].annotate(product, (rate, max(sharp["each"])), xytext=(0, 9), ha="center",
                     textcoords="offset points", fontsize=11)
every = torch.linspace(0.0042, 0.024, 50)
axes[1].loglog(every, 2 / every, color=style.color("warning"), linewidth=1.5)
axes[1].annotate("2 / rate", (0.0075, 2 / 0.0075), xytext=(8, 6),
                 textcoords="offset points", fontsize=11,
                 color=style.ink(style.color("warning")))
axes[0].annotate("trained", (0.00235, 0.215), fontsize=10)
axes[0].set(xlabel="inner rate of the one step", ylabel="query loss after it",
            ylim=(0.2, 12), xlim=(0.0022, 0.045),
            title="Best at the rate it was trained at")
axes[1].set(xlabel="inner rate of training", ylabel="top eigenvalue at the start",
            ylim=(70, 700), title="and as sharp as that allows")
for ax, marks in ((axes[0], (0.0025, 0.005, 0.01, 0.02, 0.04)), (axes[1], own)):
    ax.set_xticks(marks, [str(mark) for mark in marks])
    ax.minorticks_off()
axes[0].set_yticks([0.5, 1, 2, 4, 8], ["0.5", "1", "2", "4", "8"])
axes[1].set_yticks([100, 200, 400], ["100", "200", "400"])
show(fig, alt="Left: query loss after one step against its rate for MAML trained at "
     "0.005, 0.01 and 0.02; every seed's lowest point, a dot, stands at its own rate. "
     "Right: the top eigenvalue at the start against the rate of training, three seeds "
     "each, with rate times eigenvalue and its interval; the points lie close to the "
     "line two over the rate, most of them a little above.", colours=96)

# %% [markdown] slideshow={"slide_type": "notes"}
# 1 min. Nothing but the rate was changed. The landing is best at the rate of training, and the start is as sharp as that rate allows: twice the rate, half the sharpness.

# %% [markdown]
# Every seed lands best at the rate it was trained for. And the sharpness goes with the rate: half the rate, about twice the top eigenvalue, so that the product, the number at the points, stays near 2. The rate is part of the start. Whoever loads somebody's meta-trained start and changes the inner rate should look at the loss after *every* step.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Does it look the same on pictures?
#
# Now the network of lesson 09: conv-4, 32 filters, 28,192 numbers below its head, trained for a minute by MAML; and beside it a random one. Both adapt to the same episode of held-out characters, five ways, one shot, as lesson 09 tests: a head of zeros, three small steps.
#
# There is a trap before the first line is drawn. **With a head of zeros every answer is 20 %, whatever the body does. Around the start the loss is exactly $\ln 5$ along every filter-normalised direction**: a filter of length 0 gets a direction of length 0. A perfectly flat landscape, and a network that learns
# in one step.

# %% slideshow={"slide_type": "-"}
conv = Conv4(5, 8, head="flatten")
body = conv.init(torch.Generator().manual_seed(0), torch.float64)
zeroed = conv.zero_head(body)
five = torch.rand(5, 1, 28, 28, generator=torch.Generator().manual_seed(1),
                  dtype=torch.float64)
two_ways = [random_direction(zeroed, generator=torch.Generator().manual_seed(seed))
            for seed in (1, 2)]
flat = surface(
    on_task(conv, cross_entropy, five, torch.arange(5)), zeroed,
    [filter_normalised(each, zeroed) for each in two_ways],
    (torch.linspace(-1, 1, 5, dtype=torch.float64),) * 2,
)
compare("the landscape around a head of zeros", flat, "ln 5 everywhere",
        torch.full_like(flat, math.log(5)), to=1e-12)

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. A perfectly flat picture of a network that learns in one step. Ask what went wrong. The ruler: a share of nothing is nothing. So we draw around the adapted network instead.

# %% [markdown]
# So the pictures are drawn around the *adapted* network. Batch norm is stated, always: the support loss normalises the five support pictures by their own statistics; the query loss uses the support's statistics for every query (lesson 09's mode *support*), so no query sees another. Gammas, betas and biases do not
# move. They were recorded, with everything in the next table, by `python -m studies.lesson11_curvatures characters`.

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "slide"}
kept, about = load_checkpoint(data_folder() / "checkpoints"
                              / "11-characters.safetensors")
reach = about["reach"]
fig, axes = plt.subplots(2, 2, figsize=(8.4, 6.4), sharex=True, sharey=True)
for line, start_name in zip(axes, ("random", "maml")):
    for ax, what in zip(line, ("support", "query")):
        seen = draw_loss(ax, kept[f"{start_name}.{what}"],
                         (-reach, reach, -reach, reach), low=0.1, high=10)
        ax.plot(0, 0, "k*", markersize=11)
        ax.set_title(f"{'before' if start_name == 'random' else 'after'}: {what} loss",
                     fontsize=13)
for ax in axes[1]:
    ax.set_xlabel("first direction")
for ax in axes[:, 0]:
    ax.set_ylabel("second direction")
fig.colorbar(seen, ax=axes, label="loss", shrink=0.8)
show(fig,
     alt="Four contour pictures of conv-4 around the adapted network, upper row random "
     "start, lower row after meta-training, support loss on the left, query loss on "
     "the right. Before meta-training both are near ln 5 everywhere; after it there is "
     "a bright basin around the star, in the support loss and in the query loss alike.",
     colours=96)

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Upper row: a network that has not been meta-trained. Lower row: lesson 09's. What counts is that the two lower pictures have their basin in one place: what is good for the support set is good for the queries. Above, there is no such thing.

# %%
shown = recorded("11", "characters")
fig, axes = plt.subplots(1, 4, figsize=(10.4, 3))
for ax, what in zip(axes, ("support loss", "query loss", "gradient norm",
                           "top eigenvalue")):
    for name, said in (("random", "random start"), ("maml", "MAML")):
        figures = [shown[f"{name}.{what}.step{step}"] for step in range(4)]
        ax.errorbar(range(4), [each["value"] for each in figures], capsize=3,
                    yerr=[each["interval"] for each in figures], **LOOK[name])
        if ax is axes[0]:
            ax.annotate(said, (3, figures[3]["value"]), xytext=(0, 8), ha="right",
                        textcoords="offset points", fontsize=11,
                        color=style.ink(LOOK[name]["color"]))
    ax.set(xlabel="inner steps", xticks=range(4), ylim=(0, None))
    ax.set_title(what, fontsize=12)
show(fig, alt="Support loss, query loss, length of the gradient and top eigenvalue "
     "over three inner steps on characters, of the random start and of MAML's, with "
     "intervals over the episodes. MAML's gradient and sharpness begin far above the "
     "random start's and fall, the gradient to about its height; its losses fall too. "
     "Around the random start little changes.")
right = [shown[f"{name}.right answers.step3"] for name in ("random", "maml")]
print("right answers after three steps: "
      + ", ".join(f"{said} {each['value']:.0f} ± {each['interval']:.0f} %"
                  for said, each in zip(("random start", "MAML"), right))
      + f" (over {about['episodes']} episodes, one network each)")

# %% [markdown]
# The story is that of the sinusoids, with one network each: the meta-trained start has the longer gradient and the sharper ground, and both fall as it adapts. Around the random one little happens at all. How a network looks that was trained on the same characters in another way is not measured here.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Two tasks, and a start that you drag
#
# All of this in two dimensions, where nothing is left out. Two tasks, two parameters $\theta_1, \theta_2$: each loss is a curved valley, steep across and flat along. The arrows say where four methods would move the shared start. Drag it, or use the arrow keys.
#
# **Task.** *Find a start that MAML likes and joint training does not.* MAML likes it if the loss after one step is at most half of what it is from joint training's best start. Joint training dislikes it the more, the higher the mean loss is there: one star for 3 times its minimum, two for 10, three for 20.
# The inner rate is yours to choose; it begins at <span data-moves="LossLandscape.rate">0.15</span>.

# %% [markdown] slideshow={"slide_type": "notes"}
# 1 min. Read the task aloud, and the three stars.

# %% tags=["opening"] slideshow={"slide_type": "slide"}
two = LossLandscape()
two

# %% [markdown] slideshow={"slide_type": "notes"}
# 3 min. Give them two minutes in pairs. Start on joint training's best place: its arrow vanishes, MAML's does not. Switch the ground to the loss after one step: that is what MAML sees. Then hunt for stars: far up on the steep slopes, and the rate decides how far.

# %%
for spot in (two_tasks.BEST, two_tasks.walk("maml", *two.theta, two.rate, 1, 200)[-1]):
    two.theta = spot
    print(two.summary)
two.theta = (-0.7, 0.2)  # as it was: your turn

# %% [markdown]
# Is MAML's arrow the slope of what MAML says it minimises? The loss after one step is a function of the start, so finite differences can ask it. And by the chain rule it is $(I - \alpha H)\nabla L$ at the point where the step lands, averaged over the tasks:

# %%
def maml_arrow(x, y, rate):
    """Minus the mean of (I - rate H) gradient-after-the-step, by hand."""
    total = torch.zeros(2, dtype=torch.float64)
    for valley in two_tasks.TASKS.values():
        landed = two_tasks.adapt(valley, x, y, rate)
        slope = torch.tensor(two_tasks.gradient(valley, *landed), dtype=torch.float64)
        xx, xy, yy = two_tasks.hessian(valley, x, y)
        bend = torch.tensor([[xx, xy], [xy, yy]], dtype=torch.float64)
        total += slope - rate * bend @ slope
    return -total / 2


at, rate, h = (-0.7, 0.2), 0.15, 1e-5
pairs = [[(at[0] + h, at[1]), (at[0] - h, at[1])],
         [(at[0], at[1] + h), (at[0], at[1] - h)]]
rises = [two_tasks.after(*ahead, rate) - two_tasks.after(*behind, rate)
         for ahead, behind in pairs]
finite = -torch.tensor(rises, dtype=torch.float64) / (2 * h)
by_hand = maml_arrow(*at, rate)
shown_there = torch.tensor(two_tasks.move("maml", *at, rate, 1), dtype=torch.float64)
compare("MAML's arrow by hand", by_hand, "the explorer's", shown_there, to=1e-12)
compare("MAML's arrow by hand", by_hand, "finite differences of the loss after a step",
        finite, to=1e-8)

# %% [markdown]
# What have you found? Good starts for one step are not low, they are *well placed*: the steep side of both valleys, where one gradient leads to both floors. The factor $1 - \alpha\lambda$ is at work there: with rate 0.15 the steep directions have $\alpha\lambda$ of about 0.45 and 0.9, so a step takes away about half of the one error and nearly all of the other.
#
# ## Pitfall: a picture of the ruler
#
# The first page of this lesson was the trap: raw directions. It is tempting because it needs no thought, `torch.randn_like` and two loops. And it is not cured by giving each direction one length, which we did.
#
# **Detector.** Multiply one layer by 4 and divide the next by 4. If the picture changes, it shows the ruler. One direction is enough to see it.

# %%
def before_and_after(directions_of, theta=one, factor=4.0):
    """Slices of one function: as it is, and with a factor moved between layers."""
    return [surface(task_loss, network, directions_of(network)[1:], (ticks,))
            for network in (theta, rescaled(theta, "layer1", "layer2", factor))]


def shows_the_ruler(before, after):
    """Does the picture change although the network stays the same function?"""
    return difference(before.log(), after.log()) > 1e-6


def unit_length(theta):
    return [scale(2 / norm(each), each) for each in draws]


def by_layer(theta):
    """Every tensor of the direction as long as the network's."""
    return [map_params(lambda d, w: d * w.norm() / d.norm(), each, theta)
            for each in draws]


fig, axes = plt.subplots(1, 3, figsize=(10, 3.3), sharey=True)
for ax, name, directions_of in zip(
    axes, ("raw", "tensor by tensor", "filter-normalised"),
    (unit_length, by_layer, with_filters),
):
    pair = before_and_after(directions_of)
    for losses, said, look in zip(pair, ("as it is", "× 4, then / 4"),
                                  (style.method("baseline"), style.method("warning"))):
        ax.semilogy(ticks, losses, label=said,
                    **look | {"linestyle": "-" if said == "as it is" else "--"})
    told = "shows the ruler" if shows_the_ruler(*pair) else "unmoved"
    ax.set_title(f"{name}:\n{told}", fontsize=12)
    ax.set_xlabel("second direction")
axes[0].legend(fontsize=11, loc="upper center")
axes[0].set_ylabel("support loss")
show(fig, alt="The loss of a network along one direction, and that of the same "
     "function with one layer times four and the next divided by four. Along a raw "
     "direction the two curves differ; scaled tensor by tensor and filter by filter "
     "they lie on each other.", colours=96)

# %% [markdown]
# A detector finds what it looks for: scaling tensor by tensor passes as well, because our factor is on whole layers. It would not see through the factor of a single filter.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Pitfall: a path in two components
#
# To see a whole path people take the two principal components of its points. One of the two pictures below is 400 steps of gradient descent from the random start. The other is a random walk in as many dimensions: every step a fresh random direction, with no loss and no learning.
#
# **Predict.** Which one is the learning?
#
# - ( ) the left one
# - ( ) the right one

# %% tags=["open"] jupyter={"source_hidden": true} slideshow={"slide_type": "-"}
def components(points):
    """The points on two principal components [n, 2], and all shares of the variance."""
    centred = points - points.mean(0)
    u, s, _ = torch.linalg.svd(centred, full_matrices=False)
    return u[:, :2] * s[:2], s**2 / (s**2).sum()


learning = torch.stack([to_vector(each)
                        for each in descend(STARTS["random"], 400, rate=0.003)])
draw = torch.Generator().manual_seed(7)
strides = torch.randn(400, learning.shape[1], generator=draw, dtype=torch.float64)
walk = strides.cumsum(0)
seen_walk, walk_share = components(walk)
seen_learning, learning_share = components(learning)
fig, axes = plt.subplots(1, 2, figsize=(9, 3.7))
for ax, places, name in zip(axes, (seen_walk, seen_learning), ("left", "right")):
    ax.plot(places[:, 0], places[:, 1], color="black", linewidth=1)
    ax.scatter(places[:, 0], places[:, 1], c=range(len(places)), cmap="cividis", s=9)
    ax.set(title=name, xlabel="first component", ylabel="second component", xticks=[],
           yticks=[])
show(fig, alt="Two smooth curves, each turning once, in the plane of the first two "
     "principal components. One is a path of gradient descent, the other a random "
     "walk. Both look purposeful.", colours=96)

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Both turn a neat curve. Take the vote. Then say it: the left one is noise. In many dimensions the principal components of a random walk are cosines, so the picture is always the same parabola.

# %% [markdown]
# <details><summary><b>Explain.</b> Which was it, and why?</summary>
#
# The right one is the learning, the left one is the random walk, and no picture of this kind can tell you. In many dimensions all steps are at right angles, so how far apart two points are depends only on how many steps lie between them. The principal components of such points are cosines in time: half a wave, a whole wave, and so on. Drawn against
# each other they are a parabola, on every run (Antognini and Sohl-Dickstein 2018). Component $k$ holds $6/(\pi k)^2$ of the variance: 61 % and 15 %.
#
# </details>
#
# **Detector.** Before you read anything into a curve, compare the shares with those of a random walk, and the curve with a cosine.

# %%
law = [6 / (math.pi * k) ** 2 for k in (1, 2, 3)]
found = []
for seed in range(budget["walks"]):
    draw = torch.Generator().manual_seed(seed)
    strides = torch.randn(400, 1761, generator=draw, dtype=torch.float64)
    found.append(components(strides.cumsum(0))[1][:3])
mean = torch.stack(found).mean(0)
record("pca.random walk.first", 100 * mean[0].item(), unit="%",
       seeds=range(budget["walks"]), note="400 steps, 1761 dimensions")
wave = torch.cos(math.pi * (torch.arange(400) + 0.5) / 400).double()
first = seen_walk[:, 0] * (seen_walk[:, 0] @ wave).sign()
fig, axes = plt.subplots(1, 2, figsize=(10, 3.7))
for values, said, look in (
    (law, "law", dict(fmt="--", color="black")),
    (mean, "random walks", dict(fmt="o", color="black", markerfacecolor="none")),
    (learning_share[:3], "gradient descent",
     dict(fmt="s", color=style.color("baseline"))),
):
    shares = [100 * float(value) for value in values]
    axes[0].errorbar((1, 2, 3), shares, label=said, markersize=9, **look)
axes[0].legend(fontsize=11)
axes[0].set(yscale="log", xticks=(1, 2, 3), xlabel="principal component",
            xlim=(0.8, 3.2), ylim=(0.1, 150), title="The shares tell them apart")
axes[0].set_yticks([1, 10, 100], ["1", "10", "100"])
axes[0].set_ylabel("share of the variance, %")
axes[1].plot(first / first.norm() * math.sqrt(200), color="black")
axes[1].plot(wave, color=style.color("warning"), linestyle="--")
axes[1].annotate("a cosine", (290, wave[290]), xytext=(12, 6),
                 textcoords="offset points", fontsize=11,
                 color=style.ink(style.color("warning")))
axes[1].set(xlabel="step of the random walk", ylabel="first component, scaled",
            title="and the walk is a cosine")
show(fig, alt="Left: the shares of the variance that the first three components hold. "
     "Those of random walks lie on the law, six over pi times k squared; gradient "
     "descent has nearly all in the first. Right: the first component of the random "
     "walk over its steps lies on half a wave of a cosine.")

# %% [markdown]
# Gradient descent is no random walk, and the shares say so. The picture does not. (Where do ours and the law differ? The law is for infinitely many steps in infinitely many dimensions.)
#
# ## The papers, and ours
#
# The papers of this lesson print pictures. Three of their statements can be held against ours:

# %%
one_run = bends["maml.top eigenvalue.step0"]
print("Antognini and Sohl-Dickstein 2018: the first component of a random walk holds",
      f"{100 * law[0]:.1f} %")
print(f"  ours: {100 * mean[0]:.0f} %, {budget['walks']} walks of 400 steps in 1761 "
      "dimensions; theirs is a limit")
print("Li et al. 2018, a factor on a layer: the picture stays the same")
print("  ours: to 1e-9 in float64; and it changes for factors on single units")
print("Cohen et al. 2021, long gradient descent: "
      "the top eigenvalue hovers just above 2 / rate")
for step in (0, 100):
    print(f"  ours, MAML's start, 2 / rate = 200, after {step:3} steps: "
          f"{row('maml', f'top eigenvalue.step{step}').strip()}")
print(f"  ({one_run['tasks']} tasks, seeds {one_run['seeds']}, interval over the "
      f"seeds, {one_run['device']})")

# %% [markdown]
# Why does ours differ from the last one? They train one network on one data set for thousands of steps. Here ten points are fitted after a few steps, and then nothing drives the sharpness up any more.
#
# ## What a landscape cannot show
#
# - **It is a slice.** Two directions, and thousands that are not drawn. Random ones are smooth by chance; sharp ones are few.
# - **It is one task, or one batch.** Another sinusoid has another surface around the same start.
# - **It is one ruler.** Every ruler is blind to something, and the top eigenvalue has a ruler as well: rescale a layer, and it changes, though the function does not.
#
# The last point deserves its numbers:

# %%
for said, theta in (("the left network", one), ("the right one", other),
                    ("the third one", third)):
    draw = torch.Generator().manual_seed(0)
    value = top_eigenvalue(support_loss, theta, generator=draw, tolerance=1e-4).value
    print(f"top eigenvalue of {said:16} {value:7.0f}")
grown = dict.fromkeys(one, 1.0)
grown |= {"layer1.weight": 1 / 8, "layer1.bias": 1 / 8, "layer2.weight": 8.0}
v = random_direction(one, generator=torch.Generator().manual_seed(8))
shrunk = {name: v[name] / grown[name] for name in v}
there = hessian_vector(support_loss, other, v)
back = {name: value / grown[name]
        for name, value in hessian_vector(support_loss, one, shrunk).items()}
compare("the Hessian of the right network", there,
        "that of the left between two inverse factors", back, to=1e-9)

# %% [markdown]
# One function, three sharpnesses. That is why this lesson compares curvature along paths of networks of one size from one random start, at one rate: gradient descent at a fixed rate has chosen the ruler, and $2/\alpha$ is a number on it. It does *not* say that a flatter minimum generalises better.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What you learned
#
# - A landscape is $L(\theta + a d_1 + b d_2)$. All of its honesty is in the two directions, and in the distances it leaves out.
# - Filter normalisation is exact against factors on layers, and blind to factors on single units. A head of zeros makes it flat.
# - The Hessian times a vector costs two gradients, and power iteration finds the sharpest direction, which no random slice shows.
# - MAML's start stands at the edge $2/\alpha$ or beyond it, on a slope, and lands in the valley with one step of the rate it was trained for. At another rate it is a worse start; trained at another rate it is as sharp as that rate allows.
# - PCA bends every path, random walks too.

# %% [markdown] slideshow={"slide_type": "notes"}
# 1 min. Read the fourth line twice: not low, but well placed, for one rate. Then send them back to the two tasks with their three stars.

# %% [markdown]
# ## Quiz
#
# **1.** A paper shows a smooth bowl around its network and a rugged one around its rival's. What do you ask first?
#
# <details><summary>Answer</summary>
#
# Along which directions, and how long they are for each of the two networks. If they are raw, the picture may show the size of the weights alone. Then: how many pairs of directions were tried, and where the bowl's width lies against the way that training went.
#
# </details>
#
# **2.** The top eigenvalue at your start is 300 and the rate is 0.01. Will gradient descent diverge?
#
# <details><summary>Answer</summary>
#
# On a bowl it would: $|1 - 0.01 \cdot 300| = 2$. A network is no bowl. The step leads somewhere else, with another curvature; from MAML's start, on the mean, with a smaller one. You have to look at the loss after the step. What you do know is that the parabola at the start is no guide.
#
# </details>
#
# **3.** Why does MAML not mind that its start has a high loss?
#
# <details><summary>Answer</summary>
#
# The loss at the start is not in its objective. Only the query loss after the inner step is. So the start may stand high on the slopes of all tasks, if one gradient step from there lands low for each of them.
#
# </details>

# %% [markdown]
# ## References
#
# - Hao Li, Zheng Xu, Gavin Taylor, Christoph Studer, Tom Goldstein, [Visualizing the loss landscape of neural nets](https://arxiv.org/abs/1712.09913), 2018. Filter normalisation, section 4.
# - Laurent Dinh, Razvan Pascanu, Samy Bengio, Yoshua Bengio, [Sharp minima can generalize for deep nets](https://arxiv.org/abs/1703.04933), 2017. The factor that goes through a ReLU.
# - Timur Garipov et al., [Loss surfaces, mode connectivity, and fast ensembling of DNNs](https://arxiv.org/abs/1802.10026), 2018. Planes through three networks.
# - Barak Pearlmutter, [Fast exact multiplication by the Hessian](https://doi.org/10.1162/neco.1994.6.1.147), 1994.
# - Jeremy Cohen et al., [Gradient descent on neural networks typically occurs at the edge of stability](https://arxiv.org/abs/2103.00065), 2021.
# - Alex Damian, Eshaan Nichani, Jason Lee, [Self-stabilization](https://arxiv.org/abs/2209.15594), 2022. Why the curvature falls again beyond the edge.
# - Joseph Antognini, Jascha Sohl-Dickstein, [PCA of high dimensional random walks](https://arxiv.org/abs/1806.08805), 2018.
# - Chelsea Finn, Pieter Abbeel, Sergey Levine, [Model-agnostic meta-learning](https://arxiv.org/abs/1703.03400), 2017, and Alex Nichol, Joshua Achiam, John Schulman, [On first-order meta-learning algorithms](https://arxiv.org/abs/1803.02999), 2018. The methods whose starts are drawn.
#
# The words and the code of this lesson are our own.

# %% [markdown]
# ## Next
#
# A start at the edge of stability, good for one rate, asks for rates that are learned with it. [Lesson 12](12_maml_plus_plus.ipynb), MAML++, does that, layer by layer and step by step.

# %% [markdown]
# ## Appendix: what happens at the edge when the steps go on?
#
# Cohen and others found in 2021 that plain gradient descent on a network sharpens its ground: the top eigenvalue rises to about $2/\alpha$ and stays there, while the loss goes up and down from step to step and falls all the same. They called it the edge of stability.
# Joint training's start on our task shows it:

# %% jupyter={"source_hidden": true}
long_way = descend(STARTS["joint"], 300)
looked = range(0, 301, 10)


def sharpness(theta):
    draw = torch.Generator().manual_seed(0)
    return top_eigenvalue(support_loss, theta, generator=draw, tolerance=1e-3).value


sharp = [sharpness(long_way[k]) for k in looked]
fig, axes = plt.subplots(1, 2, figsize=(10, 3.6))
axes[0].plot(looked, sharp, **LOOK["joint"])
axes[0].axhline(2 / RATE, color=style.color("warning"), linewidth=1.5)
axes[0].annotate("2 / rate", (0, 2 / RATE), xytext=(4, 5), textcoords="offset points",
                 color=style.ink(style.color("warning")), fontsize=11)
axes[1].semilogy([support_loss(each) for each in long_way],
                 **LOOK["joint"] | {"linestyle": "-", "linewidth": 1.2})
axes[0].set(xlabel="inner steps", ylabel="top eigenvalue", ylim=(0, 280),
            title="It sharpens up to the edge")
axes[1].set(xlabel="inner steps", ylabel="support loss",
            title="and then the loss is shaken")
show(fig, alt="Gradient descent from joint training's start on one task, 300 steps. "
     "Left: the top eigenvalue rises to the line at two over the rate within a hundred "
     "steps and stays on it. Right: the support loss falls smoothly until then; "
     "afterwards it goes up and down and ends above its lowest value.", colours=96)

# %%
for name in ("joint", "maml"):
    above = [bends[f"{name}.above the edge.step{step}"] for step in (0, 2, 100)]
    climbs = bends[f"{name}.steps that climb"]
    shares = ", ".join(f"{100 * figure['value']:.0f} % at step {step}"
                       for figure, step in zip(above, (0, 2, 100)))
    print(f"{SAID[name]:15} tasks above the edge: {shares}")
    print(f"{'':15} of 100 steps, {climbs['value']:.0f} ± {climbs['interval']:.0f} "
          f"climb on the mean task, {climbs['median']:.0f} on the median one")

# %% [markdown]
# Theirs falls on over the long way, in fits. Ours, on ten points, is thrown up and stays there for the rest of the picture. And this task is not the rule. From joint training's start about one task in eight stands beyond the edge before any step, hardly any after two, and about one in seven after a hundred; on the median task no step climbs. MAML goes one way only: it begins beyond the edge and leaves it.

# %% [markdown]
# ## Appendix: two rates, and one edge
#
# Lesson 09 has one rate for the body and another for the head, so $2/\alpha$ is not one number. Put the rates into the ruler: with $\theta = \sqrt{\alpha}\,u$, layer by layer, a step of $\theta$ is a step of $u$ at rate 1, and the edge is at 2.

# %%
for name, said in (("random", "random start"), ("maml", "MAML, lesson 09")):
    edge = shown[f"{name}.rate times curvature"]
    print(f"{said:16} rate times curvature {edge['value']:4.1f} ± "
          f"{edge['interval']:.1f} at the training rates;", end=" ")
    print(f"edge at {2 / edge['value']:.3f} of them")
print(f"lesson 09 tests at {about['rates']['share']} of them")

# %% [markdown]
# Lesson 09 found its test rate by trying, on the validation characters, and had no theory for it. Now there is a number to set beside it. It is a coincidence of one network until somebody looks at more. And why *training* at forty times
# that share went well, these numbers do not say: there the episodes have forty classes, and two steps.
#
# Can the whole Hessian be trusted for this network too? For a small one we can afford the check: through batch norm and convolutions, and through the package's fast path for many tasks.

# %%
tiny = Conv4(3, 2, head="flatten")
theta = tiny.init(torch.Generator().manual_seed(2), torch.float64)
pictures_x, labels = five[:3], torch.arange(3)
v = random_direction(theta, generator=torch.Generator().manual_seed(3))
flat_theta = to_vector(theta)
hessian = torch.func.hessian(
    lambda u: cross_entropy(tiny(from_vector(u, theta), pictures_x), labels)
)(flat_theta)
exact = from_vector(hessian @ to_vector(v), theta)
one_task = hessian_vector(lambda p: cross_entropy(tiny(p, pictures_x), labels), theta,
                          v)
side_by_side = hessian_vector(
    lambda p: cross_entropy(tiny(p, pictures_x[None]), labels[None]).sum(),
    stack(theta, 1), stack(v, 1),
)
compare("one task", one_task, f"the whole Hessian of {len(flat_theta)} numbers", exact,
        to=1e-10)
compare("many tasks side by side", task_of(side_by_side, 0), "the same", exact,
        to=1e-10)
