"""MethodMap: every method of the course is one choice in each of four columns.

Choose a method and its four choices light up; press a choice next to them and you are at the method that differs in
that column alone. The table below is the one place where the course says what a method is. Taught in: lesson 00.
"""

import re
from pathlib import Path
from typing import Any, NamedTuple

import traitlets as t
from matplotlib.figure import Figure

from mlteach.explore import style
from mlteach.explore.base import Explorer

_LESSONS = Path(__file__).parents[3] / "notebooks" / "src"

#: Column -> (its question, the package's folder, the choices there are).
COLUMNS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "sampled": (
        "What is sampled?",
        "tasks",
        (
            "a few-shot task",
            "an optimization problem",
            "two views of a picture",
            "a pair: same or not",
            "a sequence with late labels",
        ),
    ),
    "adapts": (
        "What adapts?",
        "nets",
        (
            "all weights",
            "all weights, equal head rows",
            "one of K starts",
            "the head alone",
            "a memory",
            "nothing",
        ),
    ),
    "step": (
        "One inner step",
        "inner",
        (
            "SGD",
            "SGD with learned rates",
            "SGD on a learned loss",
            "LSTM cell",
            "none: write and read",
            "none: nearest class mean",
            "none: attention to the support",
            "none: learned layers read",
            "none: compare two",
            "none",
        ),
    ),
    "moves": (
        "How the meta-parameters move",
        "outer",
        (
            "full meta-gradient",
            "multi-step loss",
            "implicit gradient",
            "first order",
            "inner gradients detached",
            "Reptile's difference",
            "plain gradient",
        ),
    ),
}


class Method(NamedTuple):
    """One row: a choice in each column, its equation, the lesson that derives it, the paper that proposed it."""

    hue: str
    sampled: str
    adapts: str
    step: str
    moves: str
    equation: str
    lesson: str
    paper: str

    @property
    def choices(self) -> tuple[str, str, str, str]:
        return self.sampled, self.adapts, self.step, self.moves


_TASK, _ALL, _SGD, _PLAIN = "a few-shot task", "all weights", "SGD", "plain gradient"

# θ the start, φ where the inner loop ends on a task, ω the meta-parameters of a learned step, α the inner rate, β the outer
# rate, S support, Q query, h the features: the letters of lesson 00's table.
METHODS: dict[str, Method] = {
    "MAML": Method("maml", _TASK, _ALL, _SGD, "full meta-gradient",
        "θ ← θ − β ∇θ L_Q(φ),  φ = θ − α ∇L_S(θ)", "06", "Finn 2017"),
    "FOMAML": Method("fomaml", _TASK, _ALL, _SGD, "first order",
        "θ ← θ − β ∇L_Q at φ,  φ = θ − α ∇L_S(θ)", "06", "Finn 2017"),
    "Reptile": Method("reptile", _TASK, _ALL, _SGD, "Reptile's difference",
        "θ ← θ + β (φ − θ),  φ = θ after k steps of SGD  (no query set)", "07", "Nichol 2018"),
    "ANIL": Method("maml", _TASK, "the head alone", _SGD, "full meta-gradient",
        "as MAML, but only the head steps: w′ = w − α ∇w L_S", "13", "Raghu 2020"),
    "Meta-SGD": Method("maml", _TASK, _ALL, "SGD with learned rates", "full meta-gradient",
        "as MAML, with φ = θ − α ⊙ ∇L_S(θ) and α learned too", "12", "Li 2017"),
    "MAML++": Method("maml", _TASK, _ALL, "SGD with learned rates", "multi-step loss",
        "θ ← θ − β ∇θ Σₜ wₜ L_Q(θₜ),  a rate for each layer and step", "12", "Antoniou 2019"),
    "MeTAL": Method("maml", _TASK, _ALL, "SGD on a learned loss", "full meta-gradient",
        "as MAML, with φ = θ − α ∇(L_S + L_ω)(θ) and ω learned too", "15", "Baik 2021"),
    "TSA-MAML": Method("maml", _TASK, "one of K starts", _SGD, "full meta-gradient",
        "as MAML, from the start θₖ whose group's mean is nearest to φ,  K groups by K-means of all φ", "15", "Zhou 2021"),
    "UNICORN-MAML": Method("maml", _TASK, "all weights, equal head rows", _SGD, "first order",
        "as FOMAML, with one vector w as the start of every class: under softmax a head of zeros", "14", "Ye & Chao 2022"),
    "Implicit MAML": Method("maml", _TASK, _ALL, _SGD, "implicit gradient",
        "θ ← θ − β (I + H_S(φ)/λ)⁻¹ ∇L_Q(φ),  φ = argmin L_S(φ) + λ/2 ‖φ − θ‖²", "14", "Rajeswaran 2019"),
    "Learned optimizer": Method("lstm", "an optimization problem", _ALL, "LSTM cell", "inner gradients detached",
        "θₜ₊₁ = θₜ + gₜ,  (gₜ, hₜ₊₁) = LSTM(∇L(θₜ), hₜ; ω),  ω ← ω − β ∇ω Σₜ L(θₜ)", "04", "Andrychowicz 2016"),
    "Meta-learner LSTM": Method("lstm", _TASK, _ALL, "LSTM cell", "inner gradients detached",
        "cₜ = fₜ ⊙ cₜ₋₁ + iₜ ⊙ (−∇L_S(cₜ₋₁)),  c₀ and the gates' weights learned on L_Q(c_T)", "05", "Ravi 2017"),
    "Prototypical networks": Method("metric", _TASK, "nothing", "none: nearest class mean", _PLAIN,
        "p(n | x) ∝ exp(−‖h(x) − cₙ‖²),  cₙ = mean of h over the support of class n", "18", "Snell 2017"),
    "Matching networks": Method("metric", _TASK, "nothing", "none: attention to the support", _PLAIN,
        "p(y | x) = Σᵢ a(x, xᵢ) yᵢ,  a = softmax of cosine similarities to the support", "18", "Vinyals 2016"),
    "Contrastive learning": Method("metric", "two views of a picture", "nothing", "none: attention to the support", _PLAIN,
        "θ ← θ − β ∇θ Σᵢ −log softmaxⱼ(cos(zᵢ, zⱼ)/τ) at i's other view,  j over all other views", "17", "Chen 2020"),
    "In-context learning": Method("metric", _TASK, "nothing", "none: learned layers read", _PLAIN,
        "ŷ = net(S, x; θ),  θ ← θ − β ∇θ L_Q  (a linear attention layer can be one step of SGD)", "20", "Garg 2022"),
    "Siamese networks": Method("metric", "a pair: same or not", "nothing", "none: compare two", _PLAIN,
        "p(same) = σ(Σⱼ wⱼ |hⱼ(x) − hⱼ(x′)|)", "18", "Koch 2015"),
    "Memory-augmented network": Method("metric", "a sequence with late labels", "a memory", "none: write and read", _PLAIN,
        "r = Σᵢ aᵢ Mᵢ,  a = softmax of cosine similarities to the key;  the rows least used are written", "19", "Santoro 2016"),
    "Joint training": Method("baseline", _TASK, "nothing", "none", _PLAIN,
        "θ ← θ − β ∇L(θ),  all tasks at once, no inner loop", "06", "the baseline"),
}  # fmt: skip


def _beside(name: str) -> dict[str, str]:
    """Choice -> the method that makes this choice and is otherwise the same as ``name``."""
    near = {}
    for other, row in METHODS.items():
        changed = [b for a, b in zip(METHODS[name].choices, row.choices, strict=True) if a != b]
        if len(changed) == 1:
            near[changed[0]] = other
    return near


def _nearest(name: str) -> tuple[int, list[str]]:
    """In how few columns another method differs from ``name``, and which do in that many."""
    apart = {
        other: sum(a != b for a, b in zip(METHODS[name].choices, row.choices, strict=True))
        for other, row in METHODS.items()
        if other != name
    }
    fewest = min(apart.values())
    return fewest, [other for other, changed in apart.items() if changed == fewest]


def page_of(lesson: str) -> str:
    """What the file of a lesson is called, without its ending; "" for one that is not written, or not here."""
    return next((path.stem for path in _LESSONS.glob(f"{lesson}_*.py")), "")


def _sentence(name: str) -> str:
    """The row in words."""
    row, (fewest, near) = METHODS[name], _nearest(name)
    text = f"{name} = {' + '.join(row.choices)}. Taught in lesson {row.lesson}."
    if fewest == 1:
        return f"{text} One choice away: {', '.join(near)}."
    return f"{text} No other method is one choice away; {fewest} away: {', '.join(near)}."


class MethodMap(Explorer):
    """Choose a method, see its row.

        chart = MethodMap(method="MAML")
        print(chart.summary)

    A name that is not in the table raises ``TraitError`` with the names that are.
    """

    module = "method_map"
    shows = ("method",)
    size = (8.0, 4.6)

    method = t.Enum(list(METHODS), default_value="MAML").tag(sync=True)
    columns: Any = t.List(read_only=True).tag(sync=True)
    methods: Any = t.Dict(read_only=True).tag(sync=True)
    #: The order of the methods: a stored notebook sorts the keys of a dict.
    names: Any = t.List(list(METHODS), read_only=True).tag(sync=True)

    def __init__(self, method: str = "MAML", **traits: Any) -> None:
        super().__init__(method=method, **traits)

    @t.default("columns")
    def _columns(self) -> list[dict[str, Any]]:
        return [dict(title=q, folder=folder, choices=list(c)) for q, folder, c in COLUMNS.values()]

    @t.default("methods")
    def _methods(self) -> dict[str, dict[str, Any]]:
        return {
            name: dict(
                hue=row.hue,
                choices=list(row.choices),
                equation=row.equation,
                lesson=row.lesson,
                page=page_of(row.lesson),
                paper=row.paper,
                beside=_beside(name),
                summary=_sentence(name),
            )
            for name, row in METHODS.items()
        }

    @property
    def summary(self) -> str:
        return _sentence(self.method)

    def draw(self, fig: Figure) -> None:
        """The four columns with the method's choices marked, and its equation."""
        ax, row = fig.subplots(), METHODS[self.method]
        ax.set(xlim=(0, 4), ylim=(-10.6, 1), title=f"{self.method} (lesson {row.lesson})")
        ax.axis("off")
        for x, ((question, _, choices), chosen) in enumerate(zip(COLUMNS.values(), row.choices, strict=True)):
            ax.text(x, 0.3, question, fontsize=9, weight="bold")
            for y, choice in enumerate(choices):
                lit = choice == chosen
                look: dict[str, Any] = dict(fontsize=8, color="#6b6b6b")
                if lit:
                    look = dict(
                        fontsize=8, weight="bold", bbox=dict(fc="white", ec=style.color(row.hue), lw=2, pad=3)
                    )
                ax.text(x, -0.9 - y, ("✓ " if lit else "") + choice, **look)
        said = re.sub(r"∇([θωw]) ", r"$\\nabla_\1$ ", re.sub(r"(\w)_(\w)", r"$\1_\2$", row.equation))
        ax.text(0, -10.4, said, fontsize=10)
