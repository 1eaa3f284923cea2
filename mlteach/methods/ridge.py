"""A ridge head: the labels of the support set are fitted in closed form, and the outer gradient goes through the solution.

Strength and scale are learned beside the body. The exercise of lesson 21.
"""

from mlteach.methods.by_comparing import comparing
from mlteach.metric import init_ridge, read_ridge

METHOD = comparing("ridge head", "21", read_ridge, extra=lambda generator: init_ridge())
