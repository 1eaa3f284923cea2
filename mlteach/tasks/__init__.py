"""What is sampled: tasks of regression and classification, always with a leading task axis."""

from mlteach.tasks.characters import Characters, Split
from mlteach.tasks.episode import Episode
from mlteach.tasks.sinusoids import Sinusoids

__all__ = ["Characters", "Episode", "Sinusoids", "Split"]
