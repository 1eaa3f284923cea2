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

# %% [markdown]
# # 90 Every explorer on one page
#
# All the things to see and to hold, in the order of the lessons: for the lecturer who wants one of them on the wall in ten seconds, and for
# whoever would rather play first and read later.
#
# **You will be able to**
#
# - open any explorer of the course without its lesson,
# - drive it by mouse, by touch, by the keyboard alone, or from Python,
# - ask a class the one question each of them was made for.
#
# **Prerequisites:** none. Each explorer names [the lesson](00_start_here.ipynb) that explains it.
#
# **Time:** 30 minutes of reading; 40 if you do every task.
#
# **What it costs to run:** *smoke* takes under 20 s. *lecture* and *paper* cost the same: under 20 s. Nothing is trained here; the networks
# were trained by recorded runs and come with the course.
#
# **Keys, in all of them:** Tab goes to the next control. Arrow keys move what has the focus, with Shift ten times as far. Home and End go
# to its ends.

# %% tags=["parameters"]
PROFILE = "smoke"  # nothing here depends on it

# %% tags=["setup"]
from mlteach.explore import AdaptationLab, AttentionStep, EpisodeInspector, FrozenLayers
from mlteach.explore import GateHistory, GradientCell, Ingredients, LearnedStep
from mlteach.explore import LossLandscape, LossPull, LstmGates, MamlPlane, MemoryRows
from mlteach.explore import MethodMap, MetricMap, Permutations, Projections, Scoreboard
from mlteach.explore import ShiftMap, StepMorph, TaskMixer, TwoViews, UnrolledChain

# %% [markdown]
# ## The map of methods
#
# From [lesson 00](00_start_here.ipynb). **Ask:** in which of the four columns do MAML and Reptile differ?

# %%
method_map = MethodMap()
method_map

# %%
print(method_map.summary)

# %% [markdown]
# ## An episode, and your own hand
#
# From lessons [01](01_a_task_is_a_data_point.ipynb) and [09](09_omniglot_maml.ipynb). **Ask:** you have seen each character once. Which two
# would you mix up, and does the network mix up the same two?

# %%
episode_inspector = EpisodeInspector.recorded()
episode_inspector

# %%
print(episode_inspector.summary)

# %% [markdown]
# ## What an LSTM cell carries and forgets
#
# From [lesson 02](02_rnn_and_lstm_from_the_inside.ipynb). **Ask:** what must each gate do, so that the value under ▼ is still there at the end?

# %%
lstm_gates = LstmGates("distractors")
lstm_gates

# %%
print(lstm_gates.summary)

# %% [markdown]
# ## Gradient descent is an LSTM cell
#
# From [lesson 03](03_gradient_descent_is_an_lstm_cell.ipynb). **Ask:** which gate is the learning rate, and which one is weight decay?

# %%
gradient_cell = GradientCell(surface="ravine")
gradient_cell

# %%
print(gradient_cell.summary)

# %% [markdown]
# ## From the step to the cell, term by term
#
# From [lesson 03](03_gradient_descent_is_an_lstm_cell.ipynb). **Ask:** which term has no partner in the first line, and why not?

# %%
step_morph = StepMorph()
step_morph

# %%
print(step_morph.summary)

# %% [markdown]
# ## The unrolled chain, forward and back
#
# From lessons [03](03_gradient_descent_is_an_lstm_cell.ipynb) to [06](06_maml_on_sinusoids.ipynb). **Ask:** cut one dashed edge. Which one changes the slope most?

# %%
unrolled_chain = UnrolledChain()
unrolled_chain

# %%
print(unrolled_chain.summary)

# %% [markdown]
# ## What a learned optimizer does with a gradient
#
# **Ask:** the gradient is ten times as large. Is the step?

# %%
learned_step = LearnedStep.recorded("quadratics")
learned_step

# %%
print(learned_step.summary)

# %% [markdown]
# ## What the gates of a meta-learner LSTM do
#
# From [lesson 05](05_the_meta_learner_lstm.ipynb). **Ask:** the input gates are wide open after step 4. Why does hardly anything move?

# %%
gate_history = GateHistory.recorded(step=3)
gate_history

# %%
print(gate_history.summary)

# %% [markdown]
# ## A start, and three tasks that pull it
#
# From [lesson 06](06_maml_on_sinusoids.ipynb). **Ask:** before the step the flat bowl pulls least of all. Why does MAML's start go there all the same?

# %%
maml_plane = MamlPlane("MAML")
maml_plane

# %%
print(maml_plane.summary)

# %% [markdown]
# ## Five points, one step
#
# **Ask:** all five points lie on the left. What does each network say about the right?

# %%
adaptation_lab = AdaptationLab.recorded(points=[-4.6, -3.5, -2.6, -1.4, -0.3])
adaptation_lab

# %%
print(adaptation_lab.summary)

# %% [markdown]
# ## A start near every task's solutions
#
# From [lesson 08](08_why_first_order_works.ipynb). **Ask:** each task is solved anywhere on its line. Where is Reptile at rest, and which task does it lean to when training on each is short?

# %%
projections = Projections("three lines", exact=True)
projections

# %%
print(projections.summary)

# %% [markdown]
# ## The landscape around a start
#
# **Ask:** is a good start a place with a low loss? Then choose *A network* and look at real ones.

# %%
loss_landscape = LossLandscape.recorded(scene="tasks")
loss_landscape

# %%
print(loss_landscape.summary)

# %% [markdown]
# ## MAML++, one ingredient at a time
#
# From [lesson 12](12_maml_plus_plus.ipynb). **Ask:** the bad rate, nothing switched on. Which single switch repairs most? Watch the lower picture.

# %%
ingredients = Ingredients.recorded(on=["multi-step loss"])
ingredients

# %%
print(ingredients.summary)

# %% [markdown]
# ## Which layers have to move?
#
# From [lesson 13](13_rapid_learning_or_feature_reuse.ipynb). **Ask:** freeze one layer after the other. Where do the right answers break away, at
# full rates and at small ones?

# %%
frozen_layers = FrozenLayers.recorded(frozen=["conv1"])
frozen_layers

# %%
print(frozen_layers.summary)

# %% [markdown]
# ## One task, numbered in 120 ways
#
# From [lesson 14](14_how_many_steps.ipynb). **Ask:** the pictures are the same in all 120. What does the network know that it should not?

# %%
permutations = Permutations.recorded(task=5, at=4)
permutations

# %%
print(permutations.summary)

# %% [markdown]
# ## How hard does one point pull?
#
# From [lesson 15](15_task_adaptive_losses_and_starts.ipynb). **Ask:** drag a label far away. Which of the three networks lets itself be led
# astray?

# %%
loss_pull = LossPull.recorded()
loss_pull

# %%
print(loss_pull.summary)

# %% [markdown]
# ## Between two tasks
#
# From [lesson 16](16_fewer_tasks.ipynb). **Ask:** at which share would you still know the character?

# %%
task_mixer = TaskMixer.recorded()
task_mixer

# %%
print(task_mixer.summary)

# %% [markdown]
# ## Two views of a picture
#
# From [lesson 17](17_contrastive.ipynb). **Ask:** how far can you shift a picture until pixels take it for another one?

# %%
two_views = TwoViews.recorded()
two_views

# %%
print(two_views.summary)

# %% [markdown]
# ## A learned space
#
# From [lesson 18](18_learning_a_metric.ipynb). **Ask:** does the temperature change who wins, or how clearly?

# %%
metric_map = MetricMap.recorded()
metric_map

# %%
print(metric_map.summary)

# %% [markdown]
# ## The rows of a memory
#
# From [lesson 19](19_learning_with_memory.ipynb). **Ask:** which rows does the second memory read, those of the character that is shown?

# %%
memory_rows = MemoryRows.recorded()
memory_rows

# %%
print(memory_rows.summary)

# %% [markdown]
# ## A step inside attention
#
# From [lesson 20](20_in_context_learning.ipynb). **Ask:** the layers never form a weight. Where do they keep what they have learned?

# %%
attention_step = AttentionStep(layers=2)
attention_step

# %%
print(attention_step.summary)

# %% [markdown]
# ## All methods, by what you ask of them
#
# From [lesson 21](21_all_of_them.ipynb). **Ask:** which axes make your favourite method win, and which make it lose?

# %%
scoreboard = Scoreboard.recorded()
scoreboard

# %%
print(scoreboard.summary)

# %% [markdown]
# ## What a change of the pictures costs
#
# From [lesson 21](21_all_of_them.ipynb). **Ask:** the pens are thicker. Which column moves most when batch
# norm may no longer read the queries?

# %%
shift_map = ShiftMap.recorded(method="MAML", shift="thick")
shift_map

# %%
print(shift_map.summary)

# %% [markdown]
# ## Next
#
# [Start here](00_start_here.ipynb): the map of the course and its notation.
