"""NIL, the nearest class mean by cosine (lesson 13's exercise): what it passes over, and what it is with one picture a class."""

import pytest
import torch
import torch.nn.functional as F

from mlteach.exercises import find

NEAREST_MEAN = find("13.3").solution


def drawn(shots: int, ways: int = 5, queries: int = 40, size: int = 7):
    g = torch.Generator().manual_seed(shots)
    labels = torch.arange(ways).repeat(shots)[torch.randperm(ways * shots, generator=g)]
    support, query = (torch.randn(n, size, generator=g, dtype=torch.float64) for n in (ways * shots, queries))
    return support, labels, query, ways, g


@pytest.mark.parametrize("shots", [1, 3])
def test_i28_no_answer_hangs_on_how_long_the_features_are(shots):
    support, labels, query, ways, g = drawn(shots)
    cosines = NEAREST_MEAN(support, labels, query, ways)
    own = torch.rand(len(query), 1, generator=g, dtype=torch.float64) * 9 + 0.1  # for each query
    torch.testing.assert_close(NEAREST_MEAN(support, labels, own * query, ways), cosines, rtol=0, atol=1e-12)
    torch.testing.assert_close(NEAREST_MEAN(7 * support, labels, query, ways), cosines, rtol=0, atol=1e-12)
    for_class = torch.rand(ways, 1, generator=g, dtype=torch.float64) * 9 + 0.1
    rescaled = NEAREST_MEAN(for_class[labels] * support, labels, query, ways)
    torch.testing.assert_close(rescaled, cosines, rtol=0, atol=1e-12)


def test_with_more_shots_the_lengths_within_a_class_are_the_weights_of_its_mean():
    support, labels, query, ways, g = drawn(3)
    own = torch.rand(len(support), 1, generator=g, dtype=torch.float64) * 9 + 0.1
    gap = NEAREST_MEAN(own * support, labels, query, ways) - NEAREST_MEAN(support, labels, query, ways)
    assert gap.abs().max() > 0.05


def test_i28_one_shot_is_the_nearest_neighbour_by_cosine():
    support, labels, query, ways, _ = drawn(1)
    answer = NEAREST_MEAN(support, labels, query, ways).argmax(1)
    neighbour = F.cosine_similarity(query[:, None], support[None], dim=-1).argmax(1)
    assert torch.equal(answer, labels[neighbour])
