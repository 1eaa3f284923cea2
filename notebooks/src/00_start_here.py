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
# # 00 Start here
#
# You learn a new letter from one example. A fresh network does not. This course is about closing that gap, and about one idea that
# closes it: learning itself can be learned.
#
# **You will be able to**
#
# - hold a network's weights in a dict, and make a step of gradient descent on them,
# - say what a task, a support set, a query set and an inner and an outer loop are,
# - place any method of the course in four columns, and say in which column two methods differ,
# - read the symbols here in any of the papers, whatever letters those use,
# - tell what works on your machine, and what to do about what does not.
#
# **Prerequisites:** you have trained a network in PyTorch before. If not, begin with
# [their tutorial](https://docs.pytorch.org/tutorials/beginner/basics/intro.html); an afternoon is enough.
#
# **Time:** 15 minutes of reading, and 5 minutes for the exercise.
#
# **In JupyterLab** you run a cell with Shift+Enter: click into it, press the two keys, and JupyterLab goes on to the cell below.
#
# **What it costs to run:** *smoke* takes under 10 s. *lecture* and *paper* cost the same: under 10 s. Nothing is trained here.

# %% [markdown] slideshow={"slide_type": "notes"}
# 1 min. Say what the course is about in one sentence: learning itself can be learned. Then ask who has trained a network in PyTorch; that is all one needs.

# %% tags=["parameters"]
# every lesson has this cell; "smoke", "lecture" and "paper" are explained below
PROFILE = "smoke"

# %% tags=["setup"]
import matplotlib.pyplot as plt
import torch

from mlteach.course.selfcheck import machine, self_check
from mlteach.exercises import check, hint, progress, yours
from mlteach.explore import MethodMap, style
from mlteach.explore.figure import show
from mlteach.inner import adapt, sgd
from mlteach.measure import compare
from mlteach.nets import MLP, cross_entropy
from mlteach.params import gradient_of, leaves, scale, stack, subtract
from mlteach.tasks import Characters

style.use()

# %% [markdown]
# ## Does your machine work?
#
# Each line says "works", or what to do.

# %%
self_check()

# %% tags=["nbval-ignore-output"]
# not compared: it describes the machine it runs on
machine()

# %% [markdown] slideshow={"slide_type": "slide"}
# ## How many examples do you need?
#
# Here is an invented alphabet. Nobody has ever read it, so you have not either. You see five of its letters, once each, and then
# one letter again, from another hand.

# %% jupyter={"source_hidden": true} slideshow={"slide_type": "fragment"}
generator = torch.Generator().manual_seed(4)
letters = Characters.glyphs(classes=40, seed=7)
task = letters.sample(1, ways=5, shots=1, queries=1, generator=generator)
names = "ABCDE"
asked = 2  # which of the query pictures we show

fig, axes = plt.subplots(1, 7, figsize=(10, 2.1), width_ratios=[1, 1, 1, 1, 1, 0.35, 1])
for ax in axes:
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set_visible(False)
for picture, label in zip(task.support_x[0, :, 0], task.support_y[0], strict=True):
    axes[label].imshow(picture, cmap="gray_r")
    axes[label].set_title(names[label], loc="center")
axes[6].imshow(task.query_x[0, asked, 0], cmap="gray_r")
axes[6].set_title("which?", loc="center")
show(fig, alt=(
    "Five letters of an unknown alphabet, named A to E, and one more drawing of one of "
    "them with the question: which?"
))

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Nobody has ever read this alphabet. Let them say the letter aloud, together, as soon as they know it. Then ask how many examples they needed: one.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Weights are a dict
#
# Before you ask a network, see how networks are written here. A `torch.nn.Module` keeps its weights inside. Here they stand outside, in a
# **dict** of tensors, and a network is a function of its weights and its input: `net(theta, x)`.

# %% [markdown] slideshow={"slide_type": "notes"}
# 1 min. One line of code to remember: net of theta and x. Whoever learns to learn needs the weights before a step and those after it at once.

# %%
net = MLP((28 * 28, 128, 5))  # pictures in, five letters out
theta = net.init(generator)
for name, value in theta.items():
    print(f"{name:14} {list(value.shape)}")

logits = net(theta, task.support_x[0].flatten(1))
print("net(theta, five pictures):", list(logits.shape))

# %% [markdown]
# Why? Learning to learn needs **several sets of weights of one network at once**: those before a step, those after it, and others for
# every task. So, in every lesson:
#
# - A step builds a *new* dict. The old one stays, to be compared with, and later to be differentiated by.
# - `stack(theta, tasks=50)` hands one start to fifty tasks: every tensor gets a leading axis of 50, and one call of `net` runs fifty networks.
# - `adapt(loss, theta, rule, steps)` is a whole inner loop: it makes so many steps of a rule, such as `sgd(0.1)`, and returns the weights
#   where it ends.
#
# **Your turn.** Make one step of gradient descent. `theta` and `gradient` are dicts with the same names; `alpha` is a number, the size of the
# step. Return the new weights, and leave `theta` as it is. Replace the three dots, run the cell, then run the check below it.
#
# <details><summary>Hint 1</summary>Go through the names: for each, the tensor <code>theta[name]</code> and its slope <code>gradient[name]</code>.</details>
# <details><summary>Hint 2</summary>One tensor's new value is <code>theta[name] - alpha * gradient[name]</code>.</details>
# <details><summary>Hint 3</summary><code>{name: ... for name in theta}</code> builds a new dict and leaves <code>theta</code> as it was.</details>

# %% tags=["exercise"]
def step_down(theta, gradient, alpha):
    """New weights: each tensor of theta minus alpha times its gradient."""
    ### BEGIN SOLUTION
    return {name: theta[name] - alpha * gradient[name] for name in theta}
    ### END SOLUTION


# %%
check("00.1", step_down)

# %% [markdown]
# Ten of these steps are an inner loop. From here on it is your step that runs, where it passed: fifty tasks, one fresh network copied for
# each, five pictures each. Beside it, the course's `adapt`.

# %% tags=["nbval-ignore-output"]
# not compared: exact on one processor, equal to rounding on another
step = yours("00.1", step_down, otherwise=lambda theta, gradient, alpha:
             subtract(theta, scale(alpha, gradient)))
many = letters.sample(50, ways=5, shots=1, queries=3, generator=generator)


def loss(params):
    """How wrong each network is on the five pictures of its task, [tasks]."""
    return cross_entropy(net(params, many.support_x.flatten(2)), many.support_y)


def ten_steps(theta):
    for _ in range(10):
        theta = leaves(theta)  # torch shall differentiate by these
        theta = step(theta, gradient_of(loss(theta).sum(), theta), alpha=0.1)
    return theta


start = stack(theta, tasks=50)
phi = ten_steps(start)
compare("ten steps", phi, "adapt", adapt(loss, start, sgd(0.1), steps=10), to=1e-5)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## How many does a network need?
#
# Which letter was the last one? You needed one example.
#
# **Predict.** A fresh network with 100,000 random weights makes ten steps of gradient descent on five such pictures. How often is it right on
# new drawings of the same five letters?
#
# - ( ) 20 %, which is guessing
# - ( ) about 45 %
# - ( ) about 70 %
# - ( ) 95 %

# %% slideshow={"slide_type": "fragment", "code": false}
print("It is", names[task.query_y[0, asked]])


def share_right(x, y):
    """In how many of a hundred the adapted networks are right, to the nearest five."""
    right = net(phi, x.flatten(2)).argmax(-1) == y
    return 5 * round(20 * right.float().mean().item())


on_support = share_right(many.support_x, many.support_y)
on_query = share_right(many.query_x, many.query_y)
print(f"After ten steps, on the five pictures it learned from: {on_support} % right.")
print(f"After ten steps, on new drawings: about {on_query} % right.")

# %% [markdown] slideshow={"slide_type": "notes"}
# 3 min. Take a vote: 20, 45, 70 or 95 %. Then show the two lines. All five pictures it learned from are right, and on new drawings not even half. You are not better at gradient descent than the machine. You have seen letters before. That knowledge is what this course learns.

# %% [markdown]
# <details><summary><b>Explain.</b> Why are you better?</summary>
#
# It is right in about 45 % of all cases. The network fits its five pictures perfectly. That is no feat with 100,000 weights, and it does not carry over to another hand. You are not
# better at gradient descent. You have seen thousands of letters before, and you know *what a letter survives*: another hand, another
# slant, another pen. That knowledge is what the methods of this course learn, out of many small tasks like this one.
#
# </details>

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What is learned when learning is learned?
#
# What you just did is a **task**: five letters to learn from, the **support set**, and one to be judged on, the **query set**. Meta-learning
# trains on many tasks, as ordinary learning trains on many examples. So there are two loops:
#
# - the **inner loop** learns one task from its support set,
# - the **outer loop** changes *how* the inner loop learns, so that the query set comes out right.

# %% [markdown] slideshow={"slide_type": "notes"}
# 2 min. Point at the letters again: support set, query set, one task. Many tasks are the training set now. Write the two loops on the board and leave them there for the whole course.

# %% [markdown] slideshow={"slide_type": "slide"}
# And this is the thread of the course: **gradient descent is a recurrent network**. It carries a state, the weights, and at every step it
# takes in something new, the gradient. Once you see that, everything in it can be learned: the step, the starting point, the loss.

# %% [markdown] slideshow={"slide_type": "notes"}
# 1 min. One sentence, then silence. It carries a state, the weights, and takes in something new at every step, the gradient. That is what a recurrent network does.

# %% [markdown] slideshow={"slide_type": "slide"}
# Every method here is one choice in each of four columns:
#
# | what is sampled | what adapts | one inner step | how the meta-parameters move |
# |---|---|---|---|
# | few-shot tasks, optimization problems | all weights, the head alone, a memory | gradient descent, learned rates, an LSTM cell, none | full meta-gradient, first order, Reptile's difference |
# | `mlteach.tasks` | `mlteach.nets` | `mlteach.inner` | `mlteach.outer` |
#
# The last column in one line each; lessons 06 to 08 derive them. *Full meta-gradient*: the outer loop differentiates through the inner steps.
# *First order*: it takes the steps as given. *Reptile's difference*: it goes a little towards where the inner loop ended.

# %% [markdown] slideshow={"slide_type": "notes"}
# 1 min. Read the four columns as four questions. The last row is where it stands in the code, so nobody has to search.

# %% [markdown]
# Here they are to play with. Choose a method, say <span data-moves="MethodMap.method">MAML</span>, and its row lights up. Press a choice beside it and you are at the method that differs in
# that column alone. **How few presses take you from Reptile to MAML++?**

# %% tags=["opening"] slideshow={"slide_type": "subslide"}
methods = MethodMap(method="MAML")
methods

# %% [markdown] slideshow={"slide_type": "notes"}
# 4 min. Ask: how few presses take you from Reptile to MAML++? Let the room direct you. It is three, and each press changes one idea. Then choose Siamese networks from the list: no arrow leaves it, it is an island.

# %% [markdown]
# <details><summary>How few?</summary>
#
# Three. Reptile to MAML (another way to move the start), MAML to Meta-SGD (the rates are learned too), Meta-SGD to MAML++ (the loss
# looks at every step). Each press changes one idea.
#
# </details>
#
# Presses do not lead everywhere: the map has islands. The two LSTM methods, the metric methods with joint training, and each alone Siamese
# networks and the memory are two choices or more from all others. The list above the map has every method.
#
# An explorer is also an object in Python. What you see is what you can print:

# %%
methods.method = "Reptile"
print(methods.summary)

# %% [markdown]
# ## Where does the road go?
#
# You can read the parts in any order; inside a part, each lesson leans on the one before it.
#
# | | lesson | the question it answers |
# |---|---|---|
# | 00 | Start here | What is all this? |
# | **I** | **Gradient descent is a recurrent network** | |
# | 01 | [A task is a data point](01_a_task_is_a_data_point.ipynb) | How well can you do without meta-learning? |
# | 02 | [RNN and LSTM from the inside](02_rnn_and_lstm_from_the_inside.ipynb) | What do the three gates do? |
# | 03 | [Gradient descent is an LSTM cell](03_gradient_descent_is_an_lstm_cell.ipynb) | Which gates has gradient descent, and can they be learned? |
# | 04 | [Learning to learn by gradient descent](04_learning_to_learn_by_gradient_descent.ipynb) | Can an LSTM beat Adam? |
# | 05 | [The meta-learner LSTM](05_the_meta_learner_lstm.ipynb) | Can it learn from five pictures? |
# | **II** | **Learning where to start** | |
# | 06 | [MAML on sinusoids](06_maml_on_sinusoids.ipynb) | Is there a start from which one step is enough? |
# | 07 | [Reptile](07_reptile.ipynb) | Can the same be had without second derivatives? |
# | 08 | [Why first order works](08_why_first_order_works.ipynb) | What do all these gradients have in common? |
# | 09 | [Omniglot MAML](09_omniglot_maml.ipynb) | Does it work on real letters, and is it really MAML? |
# | 10 | [Omniglot FOMAML and Reptile](10_omniglot_fomaml_and_reptile.ipynb) | What does first order cost on the same episodes? |
# | 11 | [Loss landscapes](11_loss_landscapes.ipynb) | What does a good start look like? |
# | **III** | **Training MAML well** | |
# | 12 | [MAML++](12_maml_plus_plus.ipynb) | Why is MAML hard to train, and what helps? |
# | 13 | [Rapid learning or feature reuse?](13_rapid_learning_or_feature_reuse.ipynb) | Does anything but the last layer adapt? |
# | 14 | [How many steps? UNICORN and implicit MAML](14_how_many_steps.ipynb) | What if the classes come in another order, or the steps are hundreds? |
# | 15 | [Task-adaptive losses and starts](15_task_adaptive_losses_and_starts.ipynb) | One loss and one start for all tasks? |
# | 16 | [Fewer tasks: interpolation](16_fewer_tasks.ipynb) | Can tasks be mixed, as pictures can? |
# | **IV** | **Other ways to learn to learn** | |
# | 17 | [Contrastive learning is meta-learning](17_contrastive.ipynb) | Is an augmented picture a task? |
# | 18 | [Learning a metric](18_learning_a_metric.ipynb) | What if nothing adapts? |
# | 19 | [Learning with memory](19_learning_with_memory.ipynb) | What if only a memory adapts? |
# | 20 | [In-context learning is a learned step](20_in_context_learning.ipynb) | Does attention take a gradient step? |
# | 21 | [All of them on the same episodes](21_all_of_them.ipynb) | Which one should you take? |
#
# In a hurry? [Every explorer on one page](90_every_explorer.ipynb).

# %% [markdown]
# ## How does a lesson work?
#
# **Predict, run, explain.** Before a result appears, the lesson asks for your guess. Commit to it; write it down. A wrong guess that you
# wrote down teaches more than a right answer that you read.
#
# **Exercises.** The check tries your answer on several cases and, when it is wrong, says which mistake it looks like. Three hints and a
# solution are folded away. Nothing breaks if you leave an exercise: you can run the whole notebook with every exercise untouched. What
# passes, the lesson goes on with: its figures are then made by your code. A hint can also be printed:

# %%
hint("00.1", 2)

# %% [markdown]
# What you have solved is kept in `my/progress.json` in the course's folder. It stays on this machine; `MLTEACH_PROGRESS=off` in the
# environment keeps no score. The cell below shows it whenever you run it, and so does `python3 start.py progress` in a terminal.

# %%
progress()

# %% [markdown]
# **Three budgets.** Each lesson has one cell with `PROFILE`. The same cells run with three budgets:
#
# | profile | for | a lesson takes | on |
# |---|---|---|---|
# | `smoke` | seeing that everything runs | under a minute | two CPU cores |
# | `lecture` | training live in front of a class | under three minutes | a laptop |
# | `paper` | the protocol of the paper | minutes to hours | a GPU, where the lesson says so |
#
# Change the word and run all cells, or run a lesson from the command line: `python3 start.py run 09 --profile lecture`. Where a budget is
# beyond your machine, the lesson prints a recorded run, with its date, device and interval.
#
# **Colours are words.** A method has the same colour and the same line style in every figure and explorer: MAML is a solid blue line,
# FOMAML sky blue and dash-dotted, Reptile green and dotted, the LSTM family purple, metric and memory methods orange, and plain gradient
# descent, the baseline, a grey dashed line. Vermillion always means: careful.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What you learned
#
# - A network is a function of its weights, a dict, and its input; a step makes a new dict.
# - A task is a support set to learn from and a query set to be judged on. Tasks are the data points of meta-learning.
# - The inner loop learns a task; the outer loop learns how to learn.
# - Every method is one choice in each of four columns, and neighbours differ in one.
# - Three budgets run the same cells, and a check says what is wrong.

# %% [markdown] slideshow={"slide_type": "notes"}
# 1 min. Read the first three lines. The next lecture opens gradient descent and finds the gates in it.

# %% [markdown]
# ## Quiz
#
# **1.** MAML and Reptile differ in one column. Which, and what follows for the query set?
#
# <details><summary>Answer</summary>
#
# They differ in how the meta-parameters move. MAML differentiates the query loss through the inner loop; Reptile moves the start towards
# the weights that the inner loop reached. So Reptile never looks at a query loss and needs no query set in training.
#
# </details>
#
# **2.** A friend lets the *inner* loop learn from the query pictures too, "because more data is better". What goes wrong? And why may the
# *outer* loop look at them?
#
# <details><summary>Answer</summary>
#
# The query set judges how well the inner loop learns from the support set. If the inner loop has seen it, it can get it right by heart, the
# outer loop rewards that, and the number you report says nothing about new drawings. The outer loop may look: on training tasks the query
# loss is what it makes small. What it is judged by are *other tasks*.
#
# </details>
#
# **3.** You read $\phi$ in a paper. What do you ask first?
#
# <details><summary>Answer</summary>
#
# Whether it is a starting point (Reptile), or the weights of a learned optimizer (Andrychowicz). The table in the appendix tells them apart;
# the same letter names two different things.
#
# </details>
#
# ## References
#
# - Andrychowicz et al. 2016, [Learning to learn by gradient descent by gradient descent](https://arxiv.org/abs/1606.04474)
# - Ravi and Larochelle 2017, [Optimization as a model for few-shot learning](https://openreview.net/forum?id=rJY0-Kcll)
# - Finn, Abbeel and Levine 2017, [Model-agnostic meta-learning for fast adaptation of deep networks](https://arxiv.org/abs/1703.03400)
# - Nichol, Achiam and Schulman 2018, [On first-order meta-learning algorithms](https://arxiv.org/abs/1803.02999)
# - Lake, Salakhutdinov and Tenenbaum 2015, [Human-level concept learning through probabilistic program induction](https://www.science.org/doi/10.1126/science.aab3050), the source of Omniglot
#
# ## Next
#
# [A task is a data point](01_a_task_is_a_data_point.ipynb): five drawings, one look, and a guess.

# %% [markdown]
# ## Appendix: which letter is which in the papers?
#
# The papers use one letter for two things and two letters for one. Here each thing has one symbol, and its name in the code. Where a
# paper has a dash, it has no such thing.
#
# | symbol | in the code | meaning | Finn 2017 (MAML) | Nichol 2018 (Reptile) | Ravi & Larochelle 2017 | Andrychowicz 2016 |
# |---|---|---|---|---|---|---|
# | $\theta$ | `theta` | the weights where learning starts; what meta-learning learns | $\theta$ | $\phi$ | $c_0$ | – |
# | $\theta_t$ | `path[t]` | weights after $t$ inner steps | – | $U^t_\tau(\phi)$ | $c_t = \theta_t$ | $\theta_t$, the optimizee |
# | $k$ | `steps` | inner steps; in Part I they are a network's time steps, $t = 1 \ldots T$ | – | $k$ | $T$ | $T$ |
# | $\varphi$ | `phi` | where the inner loop ends on a task: $\varphi = \theta_k$ | $\theta'_i$ | $\widetilde\phi$ | $\theta_T$ | – |
# | $\alpha$ | `alpha`; `rate`, where it is any rule's or several are tried | inner rate, the size of one step | $\alpha$ | $\alpha$ | $i_t$, the input gate, learned | – |
# | $\beta$ | `beta`, `lr` in `fit` | outer rate | $\beta$ | $\epsilon$ | rate of Adam | rate of Adam |
# | $f_t,\, i_t$ | `forget`, `input` | gates of the cell: what is kept, what is let in | – | – | $f_t,\, i_t$ | inside $m$ |
# | $\omega$ | `omega` | meta-parameters of a learned step | – | – | $\Theta$ | $\phi$ |
# | $\mathcal T$ | `task` | one task; $n$ of them stand side by side, on the first axis of every tensor | $\mathcal T_i$ | $\tau$ | dataset $\mathcal D$ | function $f$ |
# | $S,\, Q$ | `support_x`, `query_x` | what a task is learned from, judged on | $\mathcal D,\, \mathcal D'$ | mini-batches $A$, $B$ | $D_{train},\, D_{test}$ | – |
# | $N,\, K$ | `ways`, `shots` | classes in a task, examples of each | $N,\, K$ | $N,\, K$ | $N,\, k$ | – |
#
# Two traps: Reptile's $\phi$ is a *start* and Andrychowicz' $\phi$ is an *optimizer*; and $k$ counts inner steps in Reptile but
# examples in Ravi & Larochelle.
