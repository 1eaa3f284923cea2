"""Learning to learn, taught with code that can be read: the thin package behind the lessons in ``notebooks/``.

Importing this module costs nothing: each room is imported where it is used, for example
``from mlteach.tasks import Sinusoids``.
"""

__version__ = "0.1.0"
