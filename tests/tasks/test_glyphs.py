import os
import time

import pytest
import torch

from mlteach.errors import DataError
from mlteach.tasks import Characters


def nearest_neighbour(characters: Characters, tasks: int = 1000) -> tuple[float, float]:
    """5-way 1-shot accuracy of the nearest picture by Euclidean distance, in percent, and half its 95 % interval."""
    generator, right = torch.Generator().manual_seed(0), []
    for _ in range(tasks // 50):
        episode = characters.sample(50, 5, 1, 15, generator=generator)
        nearest = torch.cdist(episode.query_x.flatten(2), episode.support_x.flatten(2)).argmin(-1)
        right.append((episode.support_y.gather(1, nearest) == episode.query_y).double().mean(1))
    each = 100 * torch.cat(right)
    return each.mean().item(), 1.96 * each.std().item() / tasks**0.5


@pytest.fixture(scope="module")
def glyphs() -> Characters:
    return Characters.glyphs()


def test_they_are_ready_in_five_seconds():
    begin = time.process_time()
    Characters.glyphs()
    assert time.process_time() - begin < 5


def test_one_seed_one_set_and_fewer_classes_are_the_first_of_more(glyphs):
    assert glyphs.images.shape == (400, 20, 28, 28) and glyphs.source == "glyphs"
    few = Characters.glyphs(25)
    assert few.names == glyphs.names[:25] and torch.equal(few.images, glyphs.images[:25])
    assert not torch.equal(few.images, Characters.glyphs(25, seed=1).images)


def test_seed_0_is_the_same_on_every_machine(glyphs):
    """Read off once; a rounding may turn a grey level, a change of these means other characters."""
    ink = glyphs.images[[0, 150, 399]].double().mean((1, 2, 3))
    torch.testing.assert_close(
        ink, torch.tensor([21.8381, 27.6301, 23.8219], dtype=torch.float64), atol=1e-3, rtol=0
    )


def test_no_picture_is_empty_cut_off_or_a_blot(glyphs):
    ink = glyphs.images.double().div(255).sum((2, 3))
    assert ink.min() > 5 and ink.max() < 250
    on_the_edge = glyphs.images.amax((2,)).double()[..., [0, -1]].amax(-1) > 128
    assert on_the_edge.double().mean() < 0.1


def test_scripts_are_alphabets_of_twenty(glyphs):
    assert len(set(glyphs.alphabets)) == 20
    episode = glyphs.sample(2, 20, 1, 1, generator=torch.Generator().manual_seed(0), within_alphabet=True)
    assert episode.support_x.shape == (2, 20, 1, 28, 28)


def test_glyphs_are_as_hard_as_omniglot_for_nearest_neighbour(glyphs):
    if not os.environ.get("MLTEACH_OMNIGLOT"):
        pytest.skip("the environment variable MLTEACH_OMNIGLOT is not set")
    ours, theirs = nearest_neighbour(glyphs), nearest_neighbour(Characters.omniglot(download=False))
    print(
        f"5-way 1-shot nearest neighbour: glyphs {ours[0]:.1f} +- {ours[1]:.1f}, Omniglot {theirs[0]:.1f} +- {theirs[1]:.1f}"
    )
    assert abs(ours[0] - theirs[0]) < 6


def test_a_senseless_request_ends_in_a_sentence():
    with pytest.raises(DataError, match="ask for at least one"):
        Characters.glyphs(0)
