import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mlteach.errors import DataError, EpisodeError
from mlteach.tasks import Characters

SIZES = {"A": 5, "B": 4, "C": 3}  # classes in each alphabet


def identifiable(drawers: int = 20) -> Characters:
    """Pictures that say what they are: the class in a corner pixel, the drawer in the pixel beside it."""
    names = tuple(f"{alphabet}/character{i:02d}" for alphabet, n in SIZES.items() for i in range(n))
    images = torch.zeros(len(names), drawers, 4, 4, dtype=torch.uint8)
    images[..., 0, 0] = torch.arange(1, len(names) + 1)[:, None]
    images[..., 0, 1] = torch.arange(1, drawers + 1)
    return Characters(images, names, tuple(name[0] for name in names), "glyphs")


def read(x: torch.Tensor) -> list[list[tuple[int, int, int]]]:
    """For every task, which (turn, class, drawer) each picture [tasks, S, 1, 4, 4] is."""
    codes = (x.squeeze(2) * 255).round().long()

    def one(picture: torch.Tensor) -> tuple[int, int, int]:
        turn = next(t for t in range(4) if picture.rot90(-t)[0, 0] > 0)
        upright = picture.rot90(-turn)
        return turn, int(upright[0, 0]), int(upright[0, 1])

    return [[one(picture) for picture in task] for task in codes]


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@st.composite
def requests(draw):
    within = draw(st.booleans())
    shots = draw(st.integers(1, 19))
    return {
        "tasks": draw(st.integers(1, 3)),
        "ways": draw(st.integers(1, max(SIZES.values()) if within else sum(SIZES.values()))),
        "shots": shots,
        "queries": draw(st.integers(1, 20 - shots)),
        "within_alphabet": within,
    }


@settings(max_examples=60, deadline=None)
@given(requests(), st.integers(0, 2**40), st.booleans())
def test_every_episode_keeps_its_promises(request, seed, rotated):
    characters = identifiable().rotated() if rotated else identifiable()
    episode = characters.sample(generator=seeded(seed), **request)
    tasks, ways, shots, queries = (request[key] for key in ("tasks", "ways", "shots", "queries"))
    assert episode.support_x.shape == (tasks, ways * shots, 1, 4, 4)
    assert episode.query_x.shape == (tasks, ways * queries, 1, 4, 4)
    assert episode.support_y.dtype == episode.query_y.dtype == torch.int64
    for t, (support, query) in enumerate(zip(read(episode.support_x), read(episode.query_x), strict=True)):
        labels = episode.support_y[t].tolist(), episode.query_y[t].tolist()
        assert len(set(support + query)) == ways * (shots + queries)  # no picture twice, none on both sides
        of_label = {(label, each[:2]) for part, y in zip((support, query), labels, strict=True)
                    for each, label in zip(part, y, strict=True)}  # fmt: skip
        assert len(of_label) == ways  # one class to a label, the same in support and query ...
        assert (
            len({label for label, _ in of_label}) == len({kind for _, kind in of_label}) == ways
        )  # ... and back
        for y, n in zip(labels, (shots, queries), strict=True):
            assert sorted(y) == sorted(list(range(ways)) * n)
        if request["within_alphabet"]:
            alphabets = {
                characters.alphabets[turn * sum(SIZES.values()) + code - 1] for turn, code, _ in support
            }
            assert len(alphabets) == 1

    again = characters.sample(generator=seeded(seed), **request)
    assert all(torch.equal(a, b) for a, b in zip(episode, again, strict=True))


def test_positions_and_labels_are_random_and_independent():
    episode = identifiable().sample(4000, 4, 2, 3, generator=seeded(0))
    first, query_first = episode.support_y[:, 0], episode.query_y[:, 0]
    margin = 4 * (0.25 * 0.75 / 4000) ** 0.5
    for position in range(8):
        share = torch.bincount(episode.support_y[:, position], minlength=4) / 4000
        assert (share - 0.25).abs().max() < margin
    assert (
        abs((first == query_first).float().mean() - 0.25) < margin
    )  # support order says nothing on query order
    codes = (episode.support_x[:, 0, 0, 0, 0] * 255).round().long()
    table = torch.bincount((codes - 1) * 4 + first, minlength=48).view(12, 4) / 4000
    assert (table - 1 / 48).abs().max() < 4 * (1 / 48 / 4000) ** 0.5  # any class under any label


def test_within_alphabet_reaches_every_alphabet_that_is_large_enough():
    episode = identifiable().sample(300, 4, 1, 1, generator=seeded(1), within_alphabet=True)
    codes = (episode.support_x[:, :, 0, 0, 0] * 255).round()
    a, b = (codes <= 5).all(1), ((codes > 5) & (codes <= 9)).all(1)
    assert bool((a | b).all()) and 100 < int(a.sum()) < 200


def test_precision_is_the_callers_choice_and_changes_no_choice():
    single, double = (
        identifiable().sample(2, 3, 1, 2, generator=seeded(5), dtype=each)
        for each in (torch.float32, torch.float64)
    )
    assert double.query_x.dtype == torch.float64
    assert torch.equal(single.query_x, double.query_x.float())


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_cpu_generator_draws_the_same_tasks_from_pictures_on_a_gpu():
    here = identifiable().sample(3, 4, 2, 3, generator=seeded(2))
    there = identifiable().to("cuda").sample(3, 4, 2, 3, generator=seeded(2))
    assert there.query_x.is_cuda and there.query_y.is_cuda
    assert all(torch.equal(a, b.cpu()) for a, b in zip(here, there, strict=True))


@pytest.mark.parametrize(
    ("request_", "says"),
    [
        ({"ways": 13, "shots": 1, "queries": 1}, "only 12 classes; ask for fewer ways"),
        (
            {"ways": 6, "shots": 1, "queries": 1, "within_alphabet": True},
            "largest alphabet here has 5 classes",
        ),
        ({"ways": 5, "shots": 6, "queries": 15}, "6 shots and 15 queries .* each class has 20 pictures"),
        ({"ways": 5, "shots": 0, "queries": 5}, "at least one of each"),
        ({"ways": 0, "shots": 1, "queries": 5}, "at least one of each"),
    ],
)
def test_more_than_the_data_can_give_ends_in_a_sentence(request_, says):
    with pytest.raises(EpisodeError, match=says) as caught:
        identifiable().sample(2, generator=seeded(0), **request_)
    assert "\n" not in str(caught.value)


def test_a_refused_request_costs_no_random_number():
    """So that a lesson that catches the error goes on as if it had not asked."""
    generator = seeded(0)
    for bad in ((13, 1, 1), (5, 10, 11)):
        with pytest.raises(EpisodeError):
            identifiable().sample(2, *bad, generator=generator)
    assert torch.equal(generator.get_state(), seeded(0).get_state())


def test_rotated_copies_are_classes_of_their_own():
    upright, turned = identifiable(), identifiable().rotated()
    assert len(turned) == 4 * len(upright)
    assert turned.names[12] == "A/character00/rot90" and turned.alphabets[12] == "A/rot90"
    assert torch.equal(turned.images[12], upright.images[0].rot90(1, (1, 2)))
    assert torch.equal(turned.images[12 * 3], upright.images[0].rot90(3, (1, 2)))


def test_parts_and_sums():
    characters = identifiable()
    assert characters.part([2, 0]).names == ("A/character02", "A/character00")
    both = characters.part([0, 1]) + characters.part([7])
    assert both.names == tuple(characters.names[i] for i in (0, 1, 7))
    assert torch.equal(both.images, characters.images[[0, 1, 7]])
    assert repr(both) == "Characters(3 classes of 2 alphabets, source='glyphs')"


def test_pictures_and_names_must_belong_together():
    images = torch.zeros(2, 20, 28, 28, dtype=torch.uint8)
    with pytest.raises(DataError, match="give one of each"):
        Characters(images, ("A/1",), ("A", "A"), "glyphs")
    with pytest.raises(DataError, match="give one of each"):
        Characters(images, ("A/1", "A/1"), ("A", "A"), "glyphs")
    with pytest.raises(DataError, match="Convert them first"):
        Characters(images.float(), ("A/1", "A/2"), ("A", "A"), "glyphs")
