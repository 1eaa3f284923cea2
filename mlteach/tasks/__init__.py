"""What is sampled: tasks of regression and classification, always with a leading task axis."""

from mlteach.tasks.characters import Characters, Split
from mlteach.tasks.digits import Digits
from mlteach.tasks.episode import Episode
from mlteach.tasks.linear import LinearRegression
from mlteach.tasks.problem import Problems
from mlteach.tasks.quadratics import Quadratics
from mlteach.tasks.sinusoids import Sinusoids

__all__ = [
    "Characters",
    "Digits",
    "Episode",
    "LinearRegression",
    "Problems",
    "Quadratics",
    "Sinusoids",
    "Split",
]
