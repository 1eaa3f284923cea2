"""EpisodeInspector: what is dealt and adapted, what it refuses, and that JavaScript computes and says the same."""

import json
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
import traitlets

from mlteach.checkpoint import load_checkpoint
from mlteach.errors import DataError, EpisodeError
from mlteach.explore import EpisodeInspector
from mlteach.measure.ledger import data_folder
from mlteach.nets import Conv4
from mlteach.tasks import Characters
from mlteach.tasks.pen import ink

CROSS = [[6.0, 6.0, 22.0, 6.5, 14.0, 22.0], [14.0, 22.0, 14.0, 4.0]]


@cache
def glyphs() -> Characters:
    return Characters.glyphs(120)


def small(head: str = "mean", gamma: bool = False, **traits: Any) -> EpisodeInspector:
    """With a little network of random weights, of the other kind than the recorded one."""
    net = Conv4(3, 10, head=head, gamma=gamma)  # type: ignore[arg-type]
    return EpisodeInspector(
        glyphs(), net.init(torch.Generator().manual_seed(0)), net=net, **{"rate": 0.5} | traits
    )


def two(**traits: Any) -> EpisodeInspector:
    """Two little networks of random weights, by name."""
    net = Conv4(3, 10, head="mean")
    bodies = {
        name: net.init(torch.Generator().manual_seed(seed))
        for seed, name in enumerate(("recorded", "made here"))
    }
    return EpisodeInspector(glyphs(), bodies, net=net, **{"rate": 0.5} | traits)


@cache
def recorded() -> EpisodeInspector:
    return EpisodeInspector.recorded()


def test_the_path_is_gradient_descent_on_the_head_alone_by_autograd() -> None:
    """Written out here: features once, then softmax regression from zero, its gradient by autograd."""
    x = EpisodeInspector.recorded(ways=4, shots=2, seed=3)
    episode = x.episode()
    body, net = x._body, Conv4(4, 32, head="flatten")
    whole = {name: body[name] for name in net.body_names}
    identity = {
        "head.weight": torch.eye(128, dtype=torch.float64),
        "head.bias": torch.zeros(128, dtype=torch.float64),
    }
    support = Conv4(128, 32, head="flatten")(whole | identity, episode.support_x[0])
    query = Conv4(128, 32, head="flatten")(
        whole | identity, episode.query_x[0], "support", support=episode.support_x[0]
    )
    weight, bias = torch.zeros(4, 128, dtype=torch.float64), torch.zeros(4, dtype=torch.float64)
    for step in range(4):
        torch.testing.assert_close(
            x.probabilities(step), (query @ weight.T + bias).softmax(1), atol=1e-12, rtol=0
        )
        weight.requires_grad_(), bias.requires_grad_()
        loss = torch.nn.functional.cross_entropy(support @ weight.T + bias, episode.support_y[0])
        slopes = torch.autograd.grad(loss, (weight, bias))
        weight, bias = (
            (value - 0.0125 * slope).detach() for value, slope in zip((weight, bias), slopes, strict=True)
        )


def test_before_adaptation_it_guesses_and_afterwards_it_knows() -> None:
    x = EpisodeInspector.recorded(step=0)
    assert torch.equal(x.probabilities(), torch.full((25, 5), 0.2, dtype=torch.float64))
    assert x.accuracy() == 0.2
    means = {}
    for alphabet in ("any", "Oriya"):
        x.alphabet = alphabet
        scores = []
        for seed in range(1, 16):
            x.seed = seed
            scores.append((x.accuracy(3), x.accuracy(classifier="pixels")))
        means[alphabet] = np.mean(scores, 0)
    assert (
        means["any"][0] > 0.88 and means["any"][0] > means["Oriya"][0] + 0.1
    )  # within an alphabet it is harder
    assert all(network > pixels + 0.2 for network, pixels in means.values())


def test_the_shipped_pool_is_of_characters_the_network_has_not_seen_and_does_what_it_claims() -> None:
    about = load_checkpoint(data_folder() / "checkpoints" / "01-characters.safetensors").about
    assert len(about["classes"]) == 50 and about["command"] == "python -m studies.lesson01_character_pool"
    pixels = float(about["accuracy"]["any"]["nearest neighbour"].split()[0])
    x = EpisodeInspector.recorded(network=False)
    assert 100 * x.floor().mean() / 25 == pytest.approx(pixels, abs=4)  # 100 of its 400 tasks
    try:
        held_out = Characters.omniglot(download=False).split("random").test
    except DataError:
        pytest.skip("Omniglot is not here, so the pool is not compared with it.")
    assert set(about["classes"]) <= set(held_out.names)


def test_an_episode_is_an_episode() -> None:
    x = small(ways=3, shots=2, queries=4, seed=9)
    episode = x.episode()
    assert episode.support_x.shape == (1, 6, 1, 28, 28) and episode.query_x.shape == (1, 12, 1, 28, 28)
    assert episode.support_y[0].tolist() == [0, 0, 1, 1, 2, 2] and episode.query_y.shape == (1, 12)
    pool = {bytes(p) for p in (x._pool.flatten(0, 1).numpy())}
    for picture in (*episode.support_x[0, :, 0], *episode.query_x[0, :, 0]):
        assert bytes((255 * picture).round().to(torch.uint8).numpy()) in pool
    again = small(ways=3, shots=2, queries=4, seed=9).episode()
    assert all(torch.equal(a, b) for a, b in zip(episode, again, strict=True))


def test_one_alphabet_means_one_alphabet() -> None:
    x = EpisodeInspector.recorded(network=False)
    for alphabet in ("Bengali", "Gujarati"):
        x.alphabet = alphabet
        assert {x.names[c].split("/")[0] for c in x._deal(4).classes} == {alphabet}


def test_your_own_drawing_is_classified_and_becomes_a_support_picture() -> None:
    x = EpisodeInspector.recorded(strokes=CROSS)
    before = x.classify()
    assert before.probabilities.sum() == pytest.approx(1) and "Your drawing: the network says" in x.summary
    x.own = {"2": CROSS}
    episode = x.episode()
    assert torch.equal(
        (255 * episode.support_x[0, 2, 0]).round().to(torch.uint8), torch.from_numpy(ink(CROSS))
    )
    after = x.classify()
    assert after.says == after.like == 2 and after.probabilities[2] > before.probabilities[2]
    assert "You drew the support picture of C." in x.summary
    x.classifier = "pixels"
    assert x.classify().says == 2 and x.classify().probabilities.tolist() == [0, 0, 1, 0, 0]
    x.judge(2)
    assert x.judged == [-1, -1, 3, -1, -1] and x.classifier == "pixels"
    assert x.summary.endswith("In your hand: the network knows 1 of 1, nearest neighbour 1 of 1.")
    x.seed += 1
    assert x.own == {} and x.judged == []


def test_a_picture_is_classified_whatever_it_is_made_of_and_alone() -> None:
    x = EpisodeInspector.recorded(mode="transductive")
    picture = x.episode().query_x[0, 7, 0]
    for same in (picture, picture.float(), (255 * picture).round().to(torch.uint8), picture.numpy()):
        torch.testing.assert_close(
            x.classify(same).probabilities, x.classify(picture).probabilities, atol=1e-6, rtol=0
        )
    x.mode = "support"
    torch.testing.assert_close(x.classify(picture).probabilities, x.probabilities()[7])
    with pytest.raises(EpisodeError, match=r"\[28, 28\]"):
        x.classify(torch.zeros(1, 28, 28))


def test_of_several_networks_the_one_that_is_named_answers() -> None:
    x, net = two(strokes=CROSS), Conv4(3, 10, head="mean")
    assert x.networks == ["recorded", "made here"] and x.network == "recorded"
    first = x.probabilities()
    x.judge(0)
    x.network = "made here"
    assert x.judged == [] and not torch.equal(x.probabilities(), first)
    alone = EpisodeInspector(glyphs(), net.init(torch.Generator().manual_seed(1)), net=net, rate=0.5)
    assert torch.equal(x.probabilities(), alone.probabilities()) and alone.networks == []
    assert "The network (made here) after 3 inner steps" in x.summary and "The network after" in alone.summary
    with pytest.raises(traitlets.TraitError, match="no network 'mine' here; there are recorded, made here"):
        x.network = "mine"
    with pytest.raises(traitlets.TraitError, match="no choice of networks"):
        alone.network = "mine"
    assert x.network == "made here"


def test_stars_want_every_class_drawn() -> None:
    x = small(ways=5, strokes=CROSS)
    for judged, stars in (
        ([1, 1, 1, 1], 0),
        ([1, 1, 1, 0, 0], 1),
        ([1, 3, 1, 1, 2], 2),
        ([1, 3, 1, 1, 1], 3),
        ([2] * 5, 0),
    ):
        x.judged = judged
        assert x.stars == stars
    alone = EpisodeInspector(glyphs(), ways=5, judged=[2] * 5)
    assert alone.stars == 3 and "In your hand: nearest neighbour 5 of 5." in alone.summary
    with pytest.raises(EpisodeError, match="Draw first"):
        alone.judge(0)


@pytest.mark.parametrize("name, value, message", [
    ("alphabet", "Klingon", "any or one of Oriya"), ("ways", 11, "10"), ("ways", 1, "2"),
    ("shots", 4, "4 shots and 5 queries"), ("classifier", "network", "hand one in"), ("picked", 25, "0 to 24"),
    ("step", 11, "10"), ("strokes", [[1.0]], "at least one point"), ("strokes", [[1.0, 29.0]], "0 to 28"),
    ("own", {"7": CROSS}, 'no class "7"'), ("mode", "running", "support"),
])  # fmt: skip
def test_what_cannot_be_dealt_is_refused_in_a_sentence(name: str, value: Any, message: str) -> None:
    x = EpisodeInspector.recorded(network=False)
    before = x.summary
    with pytest.raises(traitlets.TraitError, match=message):
        setattr(x, name, value)
    assert x.summary == before


def test_what_a_hand_changes_at_once_arrives_at_once() -> None:
    """One message of the widget may hold a change that is allowed only with the others in it."""
    x = EpisodeInspector.recorded(own={"4": CROSS}, picked=24)
    x.set_state(
        {"ways": 3, "shots": 5, "queries": 3, "picked": 8, "own": {}, "judged": [], "alphabet": "Oriya"}
    )
    assert x.summary.startswith("3-way 5-shot, Oriya, episode 1.") and "Query 8 is C" in x.summary
    assert x.own == {} and len(x.probabilities()) == 9


def test_a_network_it_cannot_run_is_refused() -> None:
    net = Conv4(5, 8)
    theta = net.init(torch.Generator().manual_seed(0))
    with pytest.raises(EpisodeError, match="by stride"):
        EpisodeInspector(glyphs(), theta, net=Conv4(5, 8, pool="max"))
    with pytest.raises(EpisodeError, match="conv1.weight is"):
        EpisodeInspector(glyphs(), theta, net=Conv4(5, 16))
    with pytest.raises(EpisodeError, match="norm1.gamma is missing"):
        EpisodeInspector(glyphs(), {k: v for k, v in theta.items() if "gamma" not in k})


def test_the_floor_is_nearest_neighbour_on_a_hundred_episodes() -> None:
    x = EpisodeInspector(glyphs(), ways=4, shots=2, queries=3)
    counts = x.floor()
    for seed in (1, 40, 100):
        x.seed = seed
        episode = x.episode()
        distance = torch.cdist(episode.query_x[0].flatten(1), episode.support_x[0].flatten(1))
        assert counts[seed - 1] == int((episode.support_y[0][distance.argmin(1)] == episode.query_y[0]).sum())
    mean, half = x._overall()
    assert mean == pytest.approx(100 * counts.mean() / 12)
    assert half == pytest.approx(100 * 1.96 * counts.std(ddof=1) / 10 / 12)


def test_it_is_small_enough_to_travel_in_a_page() -> None:
    state = recorded().get_state()
    size = sum(len(v) * 4 / 3 if isinstance(v, bytes) else len(json.dumps(v)) for k, v in state.items()
               if k not in ("_esm", "_css") and isinstance(v, (bytes, str, int, float, list, dict)))  # fmt: skip
    assert size < 300_000


def cases() -> list[EpisodeInspector]:
    """Random episodes of five explorers: the recorded network, two small ones of other kinds, none, and two by name."""
    rng, made = np.random.default_rng(11), []
    makers = [EpisodeInspector.recorded, small, lambda **t: small("flatten", True, **t),
              lambda **t: EpisodeInspector.recorded(network=False, **t), lambda **t: two(network="made here", **t)]  # fmt: skip
    for k in range(30):
        shots, queries = int(rng.integers(1, 5)), int(rng.integers(1, 5))
        x = makers[k % 5](
            ways=int(rng.integers(2, 8)), shots=shots, queries=queries, seed=int(rng.integers(1, 200))
        )
        x.alphabet = str(rng.choice(["any", *x._alphabets]))
        x.step, x.mode = int(rng.integers(0, 11)), str(rng.choice(["support", "transductive"]))
        x.picked = int(rng.integers(0, x.ways * queries))
        if k % 3 == 0 and x._body:
            x.classifier = "pixels"
        if k % 2:
            x.strokes = [
                list(map(float, rng.uniform(0, 28, 2 * int(rng.integers(1, 6))).round(1))) for _ in range(3)
            ]
            x.own = {str(x.ways - 1): x.strokes[:2]} if k % 4 > 1 else {}
            x.judge(int(rng.integers(0, x.ways)))
        made.append(x)
    return made


SAME = """data.explorers.flatMap((e) => {
  const view = (hex) => new DataView(Uint8Array.from(Buffer.from(hex, 'hex')).buffer);
  const ask = m.inspector({ ...e.fixed, pictures: view(e.fixed.pictures), theta: view(e.fixed.theta) });
  return e.states.map((s) => ({
    summary: m.summary(ask, s), stars: m.stars(s, ask.trained),
    support: ask.episode(s).support.map((p) => Array.from(p)), query: ask.episode(s).query.map((p) => Array.from(p)),
    probabilities: s.classifier === 'network' ? ask.judged(s).map((step) => step.map((p) => Array.from(p))) : null,
    drawn: s.strokes.length ? ask.classify(s) : null, ink: Array.from(m.ink(s.strokes)), counts: s.classifier === 'pixels' ? ask.counts(s) : null,
    verdict: s.strokes.length ? s.judged.map((v, label) => (v < 0 ? -1 : m.verdict(ask, s, label))) : [],
  }));
})"""


def test_javascript_deals_adapts_and_says_the_same(javascript) -> None:
    made = cases()
    fixed = ("names", "drawers", "filters", "head", "networks")
    varied = (*EpisodeInspector.shows, "rate", "strokes", "own", "judged")
    explorers = [
        {"fixed": {k: getattr(x, k) for k in fixed} | {"pictures": x.pictures.hex(), "theta": x.theta.hex()},
         "states": [{k: getattr(x, k) for k in varied}]}
        for x in made
    ]  # fmt: skip
    theirs = javascript("episode_inspector", SAME, {"explorers": explorers})
    for x, they in zip(made, theirs, strict=True):
        assert they["summary"] == x.summary
        assert they["stars"] == x.stars and they["verdict"] == (x.judged if x.strokes else [])
        episode = x.episode()
        for part, pictures in (("support", episode.support_x), ("query", episode.query_x)):
            assert torch.equal(
                (255 * pictures[0].flatten(1)).round().int(), torch.tensor(they[part], dtype=torch.int32)
            )
        assert they["ink"] == ink(x.strokes).flatten().tolist()
        if x.classifier == "network":
            ours = torch.stack([x.probabilities(step) for step in range(11)])
            np.testing.assert_allclose(they["probabilities"], ours, rtol=0, atol=1e-6)
        else:
            assert they["counts"] == x.floor().tolist()
        if x.strokes:
            ours = x.classify()
            assert (they["drawn"]["says"], they["drawn"]["like"]) == (ours.says, ours.like)
            if x.classifier == "network":
                found = [they["drawn"]["values"][str(c)] for c in range(x.ways)]
                np.testing.assert_allclose(found, ours.probabilities, rtol=0, atol=1e-6)


def test_both_languages_draw_the_same_numbers(javascript) -> None:
    import itertools

    from mlteach.tasks.pool import mulberry32

    seeds = [0, 1, 7, 1009 * 100 + 50, 2**31 - 1]
    theirs = javascript(
        "episode_inspector",
        "data.map((s) => { const f = m.mulberry32(s); return [f(), f(), f(), f()]; })",
        seeds,
    )
    assert theirs == [list(itertools.islice(mulberry32(s), 4)) for s in seeds]


def test_pictures_fit_their_room_and_stay_large_enough_to_press(javascript) -> None:
    asked = [[{"ways": w, "shots": s, "queries": q}, *room]
             for w in (2, 5, 7, 10) for s, q in ((1, 5), (3, 5), (5, 3), (1, 1)) for room in ((420, 410), (435, 330), (327, 260))]  # fmt: skip
    found = javascript("episode_inspector", "data.map((a) => m.fit(...a))", asked)
    for (episode, width, height), f in zip(asked, found, strict=True):
        pictures, lines = episode["shots"] + episode["queries"], -(-episode["ways"] // f["columns"])
        across = f["columns"] * (44 + pictures * f["tile"] + 5 * (pictures - 1)) + 14 * (f["columns"] - 1)
        assert f["tile"] >= 22 and across <= width
        assert f["tile"] == 22 or lines * (f["tile"] + (11 if f["tight"] else 27)) <= height
    five, ten = (
        javascript("episode_inspector", "m.fit(...data)", [{"ways": w, "shots": 1, "queries": 5}, 420, 410])
        for w in (5, 10)
    )
    assert five["tile"] >= 50 and not five["tight"] and ten["tile"] < five["tile"]
