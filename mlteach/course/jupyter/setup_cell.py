import importlib.util

if importlib.util.find_spec("mlteach") is None:  # not the course's kernel

    class CourseMissingError(ImportError):
        def _render_traceback_(self) -> list[str]:  # this sentence is all it shows
            return [str(self)]

    raise CourseMissingError(
        "This kernel does not have the course: open this lesson by `python3 start.py` "
        "in the course's folder, or choose a kernel that has it and run the cell again."
    )
