"""Studies: a grid of parameters over a lesson or a function, run by dask, each run in a folder of its own.

`file` is what is asked for, `target` what one run does, `work` how a worker carries it out, `cluster` the workers,
`table` and `figure` what comes of it; `run` puts them together.
"""

from mlteach.course.study.run import STUDIES, study
from mlteach.course.study.target import StudyError

__all__ = ["STUDIES", "StudyError", "study"]
