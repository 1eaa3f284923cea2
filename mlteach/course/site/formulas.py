"""TeX to MathML, when a page is built: what a browser draws by itself, with no script and no network."""

import re
from functools import cache
from typing import Any

from mlteach.course.lessons import LessonError
from mlteach.explore.style import dark

#: JupyterLab knows this colour syntax, the converter the other.
HEX_COLOUR = re.compile(r"\\color\{#([0-9A-Fa-f]{6})\}")
#: As the converter writes it. What stands on dark paper besides is the colour that figures have there.
COLOUR = re.compile(r"(?<=color:)#[0-9A-Fa-f]{6}")
#: What the converter lacks, and what it writes with combining characters, which fonts put in the wrong place.
MACROS = {
    "widetilde": r"\tilde{#1}",
    "widehat": r"\hat{#1}",
    "overline": r"\bar{#1}",
    "vec": r"\overset{\rightarrow}{#1}",
}
#: Fonts draw a prime raised and a browser raises it once more; the style sheet takes that back.
PRIME = re.compile("<mo>(?=[\u2032\u2033\u2034]</mo>)")


def mathml(tex: str, *, display: bool) -> str:
    """The formula ``tex`` as a ``<math>`` element. Raises LessonError when it cannot be read as TeX."""
    from math_core import LatexError

    try:
        made: str = _converter().convert_with_local_state(
            HEX_COLOUR.sub(r"\\color[HTML]{\1}", tex), displaystyle=display
        )
    except LatexError as error:
        raise LessonError(
            f"The formula {tex.strip()} cannot be read: {error} Write it in another way."
        ) from error
    made = COLOUR.sub(lambda found: f"light-dark({found[0]},{dark(found[0])})", made)
    return PRIME.sub('<mo class="prime">', made)


@cache
def _converter() -> Any:
    from math_core import LatexToMathML

    return LatexToMathML(macros=MACROS, fancy_error=False)
