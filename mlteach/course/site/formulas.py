"""TeX to MathML, when a page is built: what a browser draws by itself, with no script and no network."""

import re
from functools import cache
from typing import Any

from mlteach.course.lessons import LessonError

#: JupyterLab knows this colour syntax, the converter the other; and what the converter lacks.
HEX_COLOUR = re.compile(r"\\color\{#([0-9A-Fa-f]{6})\}")
MACROS = {"widetilde": r"\tilde{#1}"}


def mathml(tex: str, *, display: bool) -> str:
    """The formula ``tex`` as a ``<math>`` element. Raises LessonError when it cannot be read as TeX."""
    from math_core import LatexError

    try:
        made: str = _converter().convert_with_local_state(
            HEX_COLOUR.sub(r"\\color[HTML]{\1}", tex), displaystyle=display
        )
    except LatexError as error:
        raise LessonError(f"The formula {tex.strip()} cannot be read: {error}") from error
    return made


@cache
def _converter() -> Any:
    from math_core import LatexToMathML

    return LatexToMathML(macros=MACROS, fancy_error=False)
