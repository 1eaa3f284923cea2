"""Pairs, the threshold that is right most often, and what stands on either side of it."""

import pytest
import torch

from mlteach.errors import EpisodeError
from mlteach.metric import best_threshold, pairs, verified
from mlteach.tasks import Characters


def where(characters: Characters, pictures: torch.Tensor) -> list[tuple[int, int]]:
    """The class and the drawing that each picture is."""
    known = characters.images.float() / 255
    return [tuple((known == each).flatten(2).all(2).nonzero()[0].tolist()) for each in pictures]


@pytest.mark.parametrize("within", [False, True])
def test_every_other_pair_is_two_drawings_of_one_class(within: bool) -> None:
    characters = Characters.glyphs(30)
    drawn = pairs(characters, 40, generator=torch.Generator().manual_seed(0), within_alphabet=within)
    assert drawn.same.tolist() == [True, False] * 20
    for a, b, same in zip(*(where(characters, each) for each in drawn[:2]), drawn.same, strict=True):
        assert (a[0] == b[0]) == bool(same) and a != b
        if within:
            assert characters.alphabets[a[0]] == characters.alphabets[b[0]]


@pytest.mark.parametrize("seed", range(20))
def test_no_other_threshold_is_right_more_often(seed: int) -> None:
    g = torch.Generator().manual_seed(seed)
    same = torch.rand(30, generator=g) < 0.2 + 0.03 * seed
    scores = torch.randint(0, 12, (30,), generator=g) / 4 + same * 0.5  # with ties
    ours = verified(scores, same, best_threshold(scores, same)).sum()
    places = torch.cat([scores - 0.1, scores + 0.1])
    assert ours == max(verified(scores, same, float(t)).sum() for t in places)


def test_pairs_of_one_kind_choose_nothing() -> None:
    for same in (torch.ones(4, dtype=torch.bool), torch.zeros(4, dtype=torch.bool)):
        with pytest.raises(EpisodeError, match="two kinds of pairs"):
            best_threshold(torch.arange(4.0), same)


def test_scores_that_say_nothing_are_right_in_the_larger_half() -> None:
    same = torch.tensor([True, True, True, False])
    assert verified(torch.zeros(4), same, best_threshold(torch.zeros(4), same)).tolist() == same.tolist()
    assert verified(torch.zeros(4), ~same, best_threshold(torch.zeros(4), ~same)).sum() == 3
