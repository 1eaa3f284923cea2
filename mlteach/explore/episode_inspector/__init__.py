"""EpisodeInspector: deal a few-shot episode, adapt a network to it step by step, and draw characters of your own.

A pool of held-out characters and a trained Conv-4 travel with the explorer, so everything is computed where it is shown.
At test only the head adapts, from zero; the body keeps its weights (lesson 09 measures that nothing is lost by that).
Without a network, nearest neighbour on pixels answers; of several networks one answers at a time. Taught in: lessons 01,
09, 10.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
import traitlets as t
from matplotlib.figure import Figure
from torch import Tensor

from mlteach.checkpoint import load_checkpoint
from mlteach.errors import EpisodeError
from mlteach.explore import style
from mlteach.explore.base import Explorer
from mlteach.explore.base.drawn import Strokes, body_bytes, checked_strokes
from mlteach.inner import sgd
from mlteach.measure import path_of
from mlteach.measure.ledger import data_folder
from mlteach.nets import Conv4
from mlteach.params import Params
from mlteach.tasks import Characters, Episode
from mlteach.tasks.pen import ink
from mlteach.tasks.pool import Deal, deal, pack, pool_of, unpack

#: Inner steps that can be scrubbed; episodes that can be dealt, and that the floor is measured on.
LAST, EPISODES = 10, 100
MOST_WAYS = 10
NAMES = "ABCDEFGHIJ"


class Answer(NamedTuple):
    """What a picture is taken for: ``probabilities`` float64 [ways], the class, and the most similar support picture."""

    probabilities: Tensor
    says: int
    like: int


class EpisodeInspector(Explorer):
    """Deal episodes from real characters, scrub the inner step, draw.

        inspector = EpisodeInspector.recorded()
        inspector.step = 1
        print(inspector.summary)

    ``characters``: a pool of at most 5 alphabets, 10 characters each, 8 drawers each is taken from them (`pool_of`).
    ``theta``: the body of a trained `Conv4`, ``net``, which halves by stride; a head in it is ignored, for the head
    starts from zero and may have any number of ways. Without ``theta`` only nearest neighbour on pixels answers.
    Several bodies of one shape may be given by name, {"recorded": theta, "made here": theta}; ``network`` says which of
    them answers, the first where nothing is said.
    ``rate``: the head's inner rate, for the mean cross-entropy.

    ``strokes`` are what you drew, [[x0, y0, x1, y1, ...], ...] in pixels of 28 from the upper left corner; ``own`` are
    such strokes for a class ("0" is A), in place of that class's first support picture.
    A new episode forgets ``own`` and ``judged``, another network ``judged``.

    Raises ``EpisodeError`` for a network it cannot run, ``TraitError`` for an episode the pool cannot give.
    """

    module = "episode_inspector"
    shows = ("alphabet", "ways", "shots", "queries", "seed", "classifier", "network", "mode", "step", "picked")  # fmt: skip
    size = (9.0, 4.6)

    alphabet = t.Unicode("any", help='"any", or the one all classes come from').tag(sync=True)
    ways = t.Int(5, min=2, max=MOST_WAYS).tag(sync=True)
    shots = t.Int(1, min=1, max=5).tag(sync=True)
    queries = t.Int(5, min=1, max=5, help="of each class").tag(sync=True)
    seed = t.Int(1, min=1, max=10**6, help="which episode").tag(sync=True)
    classifier = t.Enum(["network", "pixels"], default_value="pixels").tag(sync=True)
    network = t.Unicode(help="which of the networks, where there are several").tag(sync=True)
    mode = t.Enum(["support", "transductive"], default_value="support").tag(sync=True)
    rate = t.Float(0.0125, min=0.0, max=10.0).tag(sync=True)
    step = t.Int(0, min=0, max=LAST).tag(sync=True)
    picked = t.Int(0, min=0, help="the query that is looked at").tag(sync=True)
    strokes = t.List(t.List(t.Float())).tag(sync=True)
    own = t.Dict(key_trait=t.Unicode(), value_trait=t.List(t.List(t.Float()))).tag(sync=True)
    judged = t.List(t.Int(min=-1, max=3), help="of each class: -1 not asked, 1 the network knew it, 2 the pixels, 3 both").tag(sync=True)  # fmt: skip

    names = t.List(t.Unicode()).tag(sync=True)
    drawers = t.Int().tag(sync=True)
    pictures = t.Bytes(help="two bits a pixel [classes, drawers, 28, 28]").tag(sync=True)
    theta = t.Bytes(help="float32, one network after the other: of each block kernel, gamma, beta").tag(
        sync=True
    )
    networks = t.List(t.Unicode(), help="their names, where there are several").tag(sync=True)
    filters = t.Int().tag(sync=True)
    head = t.Unicode("flatten").tag(sync=True)

    def __init__(
        self, characters: Characters, theta: Params | Mapping[str, Params] | None = None, *, net: Conv4 | None = None,
        **traits: Any,
    ) -> None:  # fmt: skip
        pool = pool_of(characters).to("cpu")
        self._pool = pool.images
        self._alphabets = dict.fromkeys(pool.alphabets)
        self._bodies: dict[str, Params] = {}
        self._kept: dict[str, tuple[Any, Any]] = {}
        given = _by_name(theta)
        if given:
            first = next(iter(given))
            net = net or Conv4(2, len(given[first]["conv1.weight"]), head="flatten")
            self._bodies = {name: _body(net, each) for name, each in given.items()}
            traits = {"classifier": "network", "step": 3, "network": first} | traits
        super().__init__(
            names=list(pool.names), drawers=pool.images.shape[1], pictures=pack(pool.images), networks=[*filter(None, given)],
            theta=b"".join(body_bytes(body) for body in self._bodies.values()), filters=net.filters if net else 0,
            head=net.head if net else "flatten", **traits,
        )  # fmt: skip
        self.observe(self._new_episode, ["alphabet", "ways", "shots", "queries", "seed"])
        self.observe(self._new_network, "network")

    @classmethod
    def recorded(cls, network: bool = True, **traits: Any) -> "EpisodeInspector":
        """With the pool and the network that the course ships, for which Omniglot need not be there.

        The network is lesson 09's (lecture profile); it has never seen these characters.
        ``network=False``: the pool alone, as lesson 01 begins.
        """
        place = data_folder() / "checkpoints"
        packed, about = load_checkpoint(place / "01-characters.safetensors")
        names = tuple(about["classes"])
        images = unpack(packed["pictures"].numpy().tobytes(), len(names), -1, 28, 28)
        characters = Characters(images, names, tuple(name.split("/")[0] for name in names), "omniglot")
        if not network:
            return cls(characters, **traits)
        kept = load_checkpoint(place / "09-maml-lecture.safetensors")
        recipe = kept.about["recipe"]
        theta = {name.removeprefix("theta."): value for name, value in kept.tensors.items()}
        net = Conv4(2, recipe["filters"], head=recipe["head"])
        settings = {"rate": recipe["rate_head"] * recipe["test_rate"], "step": recipe["test_steps"]}
        return cls(characters, theta, net=net, **settings | traits)

    # What may be asked for.

    @t.validate("alphabet", "ways", "shots", "queries")
    def _can_be_dealt(self, proposal: dict[str, Any]) -> Any:
        name, value = proposal["trait"].name, proposal["value"]
        want = {key: getattr(self, key) for key in ("alphabet", "ways", "shots", "queries")} | {name: value}
        if want["alphabet"] not in ("any", *self._alphabets):
            raise t.TraitError(
                f"alphabet must be any or one of {', '.join(self._alphabets)}, not {want['alphabet']!r}."
            )
        there = len(self._classes(want["alphabet"]))
        if want["ways"] > there:
            raise t.TraitError(
                f"{want['ways']} ways were asked for, and {want['alphabet']} has {there} classes here; set ways to "
                f"{there} or less first."
            )
        if self.drawers and want["shots"] + want["queries"] > self.drawers:
            raise t.TraitError(
                f"{want['shots']} shots and {want['queries']} queries were asked for, and each class has "
                f"{self.drawers} pictures here; lower one of the two first."
            )
        return value

    @t.validate("picked")
    def _is_a_query(self, proposal: dict[str, Any]) -> int:
        if proposal["value"] >= self.ways * self.queries:
            raise t.TraitError(
                f"picked must be 0 to {self.ways * self.queries - 1}, not {proposal['value']}."
            )
        return int(proposal["value"])

    @t.validate("network")
    def _is_here(self, proposal: dict[str, Any]) -> str:
        if proposal["value"] not in (self._bodies or [""]):
            raise t.TraitError(
                f"There is no network {proposal['value']!r} here; there are {', '.join(self._bodies)}."
                if any(self._bodies) else "There is no choice of networks here; hand in several by name."
            )  # fmt: skip
        return str(proposal["value"])

    @t.validate("classifier")
    def _can_answer(self, proposal: dict[str, Any]) -> str:
        if proposal["value"] == "network" and not self._body:
            raise t.TraitError(
                "There is no network here; hand one in, EpisodeInspector(characters, theta), or use recorded()."
            )
        return str(proposal["value"])

    @t.validate("strokes")
    def _are_points(self, proposal: dict[str, Any]) -> Strokes:
        return checked_strokes(proposal["value"])

    @t.validate("own")
    def _are_classes(self, proposal: dict[str, Any]) -> dict[str, Strokes]:
        for label in proposal["value"]:
            if label not in map(str, range(self.ways)):
                raise t.TraitError(f'own has no class "{label}"; the classes are "0" to "{self.ways - 1}".')
        return {label: checked_strokes(strokes) for label, strokes in proposal["value"].items()}

    def _new_episode(self, change: dict[str, Any]) -> None:
        self.picked = min(self.picked, self.ways * self.queries - 1)
        self.own, self.judged = {}, []

    def _new_network(self, change: dict[str, Any]) -> None:
        self.judged = []

    @property
    def _body(self) -> Params:
        """The body that answers; none without a network."""
        return self._bodies.get(self.network, {})

    # The episode.

    def _classes(self, alphabet: str) -> list[int]:
        return [k for k, name in enumerate(self.names) if alphabet in ("any", name.split("/")[0])]

    def _deal(self, seed: int) -> Deal:
        classes = self._classes(self.alphabet)
        return deal(seed, classes, self.drawers, self.ways, self.shots, self.queries)

    def episode(self) -> Episode:
        """The task that is shown: pictures float64 [1, n, 1, 28, 28], labels in order, your own support pictures in place."""
        dealt = self._deal(self.seed)
        support, query = (
            self._pool.flatten(0, 1)[_ids(dealt, part, self.drawers)] for part in ("support", "query")
        )
        for label, strokes in self.own.items():
            support[int(label) * self.shots] = torch.from_numpy(ink(strokes))
        labels = [torch.arange(self.ways).repeat_interleave(n)[None] for n in (self.shots, self.queries)]
        x = [part.double()[None, :, None] / 255 for part in (support, query)]
        return Episode(x[0], labels[0], x[1], labels[1])

    @property
    def _net(self) -> Conv4:
        return Conv4(self.ways, self.filters, head=self.head)  # type: ignore[arg-type]

    def _keep(self, name: str, make: Callable[[], Any], *more: Any) -> Any:
        """What ``make`` gives, remembered until the episode changes, or one of ``more``."""
        dealt = self.alphabet, self.ways, self.shots, self.queries, self.seed
        key = *dealt, repr(self.own), self.rate, self.network, *more
        if self._kept.get(name, (None, None))[0] != key:
            self._kept[name] = key, make()
        return self._kept[name][1]

    def _path(self) -> list[Params]:
        """The parameters [1, ...] before and after each of ``LAST`` inner steps."""
        return self._keep("path", lambda: path_of(self._net, self._body, self.episode(), sgd(self.rate), LAST,
                          only=self._net.head_names, start=self._net.zero_head))  # fmt: skip

    def probabilities(self, step: int | None = None) -> Tensor:
        """The network's class probabilities of the queries after ``step`` inner steps, float64 [Q, ways]."""
        at = self.step if step is None else step

        def make() -> Tensor:
            episode = self.episode()
            with torch.no_grad():
                logits = self._net(self._path()[at], episode.query_x, self.mode, support=episode.support_x)  # type: ignore[arg-type]
            return logits[0].softmax(-1)

        return self._keep(f"probabilities {at}", make, self.mode)

    def distances(self) -> Tensor:
        """Squared distance in ink of each query to the nearest support picture of each class, float64 [Q, ways]."""
        episode = self.episode()
        return _in_ink(episode.query_x[0], episode.support_x[0]).unflatten(1, (self.ways, -1)).amin(2)

    def _answers(self, step: int | None = None, classifier: str | None = None) -> Tensor:
        if (classifier or self.classifier) == "pixels":
            return self.distances().argmin(1)
        return self.probabilities(step).argmax(1)

    def _right(self, step: int | None = None, classifier: str | None = None) -> Tensor:
        return self._answers(step, classifier) == self.episode().query_y[0]

    def accuracy(self, step: int | None = None, classifier: str | None = None) -> float:
        """Share of queries that are right, after ``step`` inner steps (default: what is shown), by either judge."""
        return float(self._right(step, classifier).double().mean())

    def floor(self) -> np.ndarray:
        """Queries that nearest neighbour has right in each of a hundred episodes dealt like this one, int [100]."""

        def make() -> np.ndarray:
            flat = self._pool.flatten(2).flatten(0, 1).double() / 255
            truth = torch.arange(self.ways).repeat_interleave(self.queries)
            between, found = _in_ink(flat, flat), []
            for seed in range(1, EPISODES + 1):
                support, query = (_ids(self._deal(seed), part, self.drawers) for part in ("support", "query"))
                found.append(int((between[query][:, support].argmin(1) // self.shots == truth).sum()))
            return np.array(found)

        return self._keep("floor", make)

    # What you draw.

    def classify(
        self, picture: Any = None, *, step: int | None = None, classifier: str | None = None
    ) -> Answer:
        """What a picture is taken for; without one, your drawing. uint8 or float [28, 28], ink 255 or 1.

        ``step``, ``classifier``: else those that are shown.

        It stands alone, so batch norm takes the support set's statistics in either mode. By pixels the class of the
        nearest support picture has all the probability. Raises ``EpisodeError`` for another shape.
        """
        x = torch.as_tensor(ink(self.strokes) if picture is None else picture)
        if x.shape != (28, 28):
            raise EpisodeError(f"A picture here is [28, 28], not {list(x.shape)}; shrink it first.")
        x = x.double() / (255 if x.dtype == torch.uint8 else 1)
        episode = self.episode()
        if (classifier or self.classifier) == "pixels":
            distance = _in_ink(x[None], episode.support_x[0])[0]
            says = int(distance.unflatten(0, (self.ways, -1)).amin(1).argmin())
            return Answer(torch.eye(self.ways, dtype=torch.float64)[says], says, int(distance.argmin()))
        phi = self._path()[self.step if step is None else step]
        with torch.no_grad():
            logits = self._net(phi, x[None, None, None], "support", support=episode.support_x)
            support = episode.support_x[0]
            pictures = torch.cat([x[None, None], support])
            rows = self._net.features_of(self._body, pictures, "support", support=support)
        p = logits[0, 0].softmax(-1)
        return Answer(p, int(p.argmax()), int(_apart(rows[1:], rows[:1])[:, 0].argmin()))

    def judge(self, label: int) -> None:
        """Ask both judges whether your drawing is of class ``label``, and keep what they say in ``judged``.

        Before any step the network knows nothing: then it is asked after the last. Raises ``EpisodeError`` without a
        drawing, or for a class that is not there.
        """
        if not self.strokes or not 0 <= label < self.ways:
            raise EpisodeError(
                f"Draw first (strokes), then ask about a class from 0 to {self.ways - 1}; this was class {label} with "
                f"{len(self.strokes)} strokes."
            )
        says = {
            judge: self.classify(step=self.step or LAST, classifier=judge).says
            for judge in (("network", "pixels") if self._body else ("pixels",))
        }
        judged = [*self.judged, *[-1] * self.ways][: self.ways]
        judged[label] = (says.get("network") == label) + 2 * (says["pixels"] == label)
        self.judged = judged

    @property
    def stars(self) -> int:
        """0 to 3 for the task: of your drawings, one for every class, how many does the network know?"""
        asked, network, pixels = _tally(self.judged)
        share = (network if self._body else pixels) / self.ways
        return 0 if asked < self.ways else sum(share >= limit for limit in (0.6, 0.8, 1))

    # What is seen.

    @property
    def summary(self) -> str:
        everything = self.ways * self.queries
        right, pixels = (int(self._right(classifier=c).sum()) for c in (self.classifier, "pixels"))
        where = "any alphabet" if self.alphabet == "any" else self.alphabet.replace("_", " ")
        known = f"{right} of {everything} queries right ({_percent(right, everything)} %)"
        truth, says = NAMES[self.picked // self.queries], int(self._answers()[self.picked])
        text = f"{self.ways}-way {self.shots}-shot, {where}, episode {self.seed}. "
        if self.classifier == "pixels":
            mean, half = self._overall()
            text += (
                f"Nearest neighbour on pixels: {known}; over {EPISODES} such episodes {_round(mean)} ± {_round(half)} %. "
                f"Query {self.picked} is {truth}; nearest to it is a picture of {NAMES[says]}."
            )
        else:
            p = float(self.probabilities()[self.picked, says])
            text += (
                f"The network {self._named}{_after(self.step)}, {self.mode} statistics: {known}; nearest neighbour on pixels "
                f"{_percent(pixels, everything)} %. Query {self.picked} is {truth}; the network says {NAMES[says]} with "
                f"probability {_tenth(p)}."
            )
        if self.strokes:
            answer = self.classify()
            says_it = NAMES[answer.says]
            text += (
                f" Your drawing is nearest to a picture of {says_it}."
                if self.classifier == "pixels"
                else f" Your drawing: the network says {says_it} with probability {_tenth(float(answer.probabilities.max()))}."
            )
        if self.own:
            text += (
                f" You drew the support picture of {', '.join(NAMES[k] for k in sorted(map(int, self.own)))}."
            )
        asked, network, by_pixels = _tally(self.judged)
        if asked:
            knows = f"the network knows {network} of {asked}, " if self._body else ""
            text += f" In your hand: {knows}nearest neighbour {by_pixels} of {asked}."
        return text

    @property
    def _named(self) -> str:
        return f"({self.network}) " if self.network else ""

    def _overall(self) -> tuple[float, float]:
        """Of the floor: the mean and the half width of its 95 % interval over the episodes, in percent."""
        counts, queries = self.floor(), self.ways * self.queries
        n, total, squares = len(counts), int(counts.sum()), int((counts**2).sum())
        spread = max(squares - total * total / n, 0.0)
        return 100 * total / (n * queries), 196 * math.sqrt(spread / (n - 1) / n) / queries

    def draw(self, fig: Figure) -> None:
        """A row a class (support framed, then its queries, the wrong ones crossed), and beside it how much is right."""
        grid, curve = fig.subplots(1, 2, width_ratios=(1.5, 1))
        episode, answers = self.episode(), self._answers()
        for row in range(self.ways):
            grid.text(-0.15, 0.45 - row, NAMES[row], ha="right", va="center", weight="bold")
            for k in range(self.shots):
                _tile(grid, episode.support_x[0, row * self.shots + k, 0], k, row, "black", 2)
            for k in range(self.queries):
                at = row * self.queries + k
                says = int(answers[at])
                color = "#6b6b6b" if says == row else style.color("warning")
                _tile(
                    grid,
                    episode.query_x[0, at, 0],
                    self.shots + 0.4 + k,
                    row,
                    color,
                    0.8 if says == row else 2,
                )
                if says != row:
                    grid.text(self.shots + 1.27 + k, -row + 0.03, f"✗{NAMES[says]}", color=style.ink(color), fontsize=8,
                              ha="right", va="bottom", weight="bold", bbox={"fc": "white", "ec": "none", "pad": 0.6})  # fmt: skip
        grid.set(xlim=(-0.5, self.shots + self.queries + 0.4), ylim=(0.85 - self.ways, 1.05), aspect="equal")
        grid.axis("off")
        right = f"{_percent(int(self._right().sum()), self.ways * self.queries)} % right"
        if self.classifier == "pixels":
            grid.set_title(f"Nearest neighbour: {right}")
            self._draw_floor(curve)
        else:
            title = f"{self.network + ', ' if self.network else ''}{_after(self.step)}: {right}"
            grid.set_title(title[0].upper() + title[1:])
            self._draw_steps(curve)

    def _draw_steps(self, ax: Any) -> None:
        points = [100 * self.accuracy(step) for step in range(LAST + 1)]
        (line,) = ax.plot(points, **style.method("maml"))
        style.label_line(ax, line, "network", dx=4, fontsize=9)
        ax.plot(self.step, points[self.step], "o", color=style.color("maml"), markersize=9)
        flat = (("pixels", 100 * self.accuracy(classifier="pixels"), style.method("metric") | {"linestyle": ":", "marker": None}),
                ("guessing", 100 / self.ways, style.method("baseline")))  # fmt: skip
        for text, value, look in flat:
            (line,) = ax.plot([0, LAST], [value, value], **look)
            style.label_line(ax, line, text, dx=4, fontsize=9)
        ax.set(ylim=(0, 103), xlabel="inner step", title="Queries right (%)", xticks=range(0, LAST + 1, 2))

    def _draw_floor(self, ax: Any) -> None:
        mean, half = self._overall()
        everything = self.ways * self.queries
        width = 100 / min(everything, 25)
        ax.hist(
            100 * self.floor() / everything,
            np.arange(-width / 2, 100 + width, width),
            color=style.color("metric"),
            rwidth=0.9,
        )
        ax.axvline(100 / self.ways, **style.method("baseline"))
        ax.axvline(mean, color=style.ink(style.color("metric")), lw=2)
        top = ax.get_ylim()[1] * 1.25
        ax.text(mean + 2, top * 0.93, f"mean {_round(mean)} ± {_round(half)} %", fontsize=9)
        ax.text(100 / self.ways + 1, top * 0.84, "guessing", fontsize=9, color=style.color("baseline"))
        ax.set(xlim=(0, 100), ylim=(0, top), xlabel="queries right (%)", title=f"{EPISODES} such episodes")


def _by_name(theta: Params | Mapping[str, Params] | None) -> dict[str, Params]:
    """Bodies by name; a single one has none."""
    if not theta:
        return {}
    values = theta.values()
    return {"": dict(theta)} if all(isinstance(each, Tensor) for each in values) else dict(theta)  # type: ignore[arg-type]


def _body(net: Conv4, theta: Params) -> Params:
    """The body's parameters in float64 on the CPU, gamma 1 where there was none. Raises EpisodeError."""
    if net.pool != "stride":
        raise EpisodeError(
            'The explorer runs a Conv4 that halves its pictures by stride; train one with pool="stride".'
        )
    wanted = net.init(torch.Generator())
    body: Params = {}
    for name in net.body_names:
        if name not in theta or theta[name].shape != wanted[name].shape:
            found = list(theta[name].shape) if name in theta else "missing"
            raise EpisodeError(
                f"theta is of another network: {name} is {found}, and {net} needs {list(wanted[name].shape)}. Give the "
                "net it was trained as: EpisodeInspector(characters, theta, net=net)."
            )
        body[name] = theta[name].detach().cpu().float().double()  # what travels is float32
    for block in range(1, 5):
        body.setdefault(f"norm{block}.gamma", torch.ones(net.filters, dtype=torch.float64))
    return body


def _ids(dealt: Deal, part: str, drawers: int) -> Tensor:
    """Positions in the pool, classes after classes."""
    return torch.tensor(
        [c * drawers + d for c, hand in zip(dealt.classes, getattr(dealt, part), strict=True) for d in hand]
    )


def _apart(a: Tensor, b: Tensor) -> Tensor:
    """Squared distances [len(a), len(b)] of rows of numbers."""
    return torch.cdist(a.flatten(1), b.flatten(1), compute_mode="donot_use_mm_for_euclid_dist").square()


def _in_ink(a: Tensor, b: Tensor) -> Tensor:
    """The same of pictures. Summed in whole grey levels, so that equal distances are equal in every language."""
    a, b = (255 * a).round().flatten(1), (255 * b).round().flatten(1)
    return (a.square().sum(1)[:, None] + b.square().sum(1) - 2 * a @ b.T) / 65025


def _tile(ax: Any, picture: Tensor, x: float, row: int, color: str, width: float) -> None:
    from matplotlib.patches import Rectangle

    ax.imshow(picture, extent=(x, x + 0.88, -row, -row + 0.88), vmin=0, vmax=1)
    ax.add_patch(Rectangle((x, -row), 0.88, 0.88, fill=False, ec=color, lw=width))


def _tally(judged: list[int]) -> tuple[int, int, int]:
    """Asked about, known to the network, known by pixels."""
    return sum(v >= 0 for v in judged), sum(v in (1, 3) for v in judged), sum(v >= 2 for v in judged)


def _round(x: float) -> int:
    return math.floor(x + 0.5)


def _percent(part: int, everything: int) -> int:
    return _round(100 * part / everything)


def _tenth(p: float) -> str:
    return f"{math.floor(10 * p + 0.5) / 10:.1f}"


def _after(step: int) -> str:
    return "before any inner step" if step == 0 else f"after {step} inner step{'s' * (step > 1)}"
