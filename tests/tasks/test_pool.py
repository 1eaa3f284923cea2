"""The pool and its deals, and the pen, against what they imitate."""

import io
import itertools

import numpy as np
import pytest
import torch
from PIL import Image

from mlteach.errors import EpisodeError
from mlteach.tasks import Characters
from mlteach.tasks.omniglot import shrink
from mlteach.tasks.pen import ink
from mlteach.tasks.pool import deal, mulberry32, pack, pool_of, unpack


def test_mulberry32_gives_the_published_numbers() -> None:
    """The first numbers of seed 0 and 1, as every implementation of the generator prints them."""
    assert [round(x * 2**32) for x in itertools.islice(mulberry32(0), 2)] == [1144304738, 1416247]
    assert next(mulberry32(1)) == pytest.approx(0.6270739405881613, abs=1e-15)
    numbers = list(itertools.islice(mulberry32(7), 20000))
    assert np.mean(numbers) == pytest.approx(0.5, abs=0.01) and np.var(numbers) == pytest.approx(
        1 / 12, abs=0.002
    )


def test_a_deal_has_distinct_classes_and_no_support_picture_among_the_queries() -> None:
    met = np.zeros(12)
    for seed in range(300):
        dealt = deal(seed, range(12), drawers=6, ways=4, shots=2, queries=3)
        assert len(set(dealt.classes)) == 4
        met[dealt.classes] += 1
        for support, query in zip(dealt.support, dealt.query, strict=True):
            assert (len(support), len(query)) == (2, 3) and len({*support, *query}) == 5
            assert {*support, *query} <= set(range(6))
    assert met.min() > 60  # 100 each, if all are equally likely


def test_more_ways_shots_and_queries_leave_the_others_where_they_were() -> None:
    small, large = (deal(5, range(12), 8, *size) for size in ((3, 1, 2), (5, 4, 4)))
    assert large.classes[:3] == small.classes
    for a, b in zip(small.support, large.support, strict=False):
        assert b[:1] == a
    for a, b in zip(small.query, large.query, strict=False):
        assert b[-2:] == a


@pytest.mark.parametrize("size", [(13, 1, 1), (2, 4, 3), (0, 1, 1), (2, 0, 1)])
def test_more_than_there_is_is_refused(size: tuple[int, int, int]) -> None:
    with pytest.raises(EpisodeError, match="12 classes of 6 pictures"):
        deal(0, range(12), 6, *size)


def test_a_pool_is_the_largest_alphabets_in_four_grey_levels_and_packs_without_loss() -> None:
    glyphs = Characters.glyphs(60)  # three scripts of twenty
    uneven = glyphs.part([*range(5), *range(20, 60)])
    pool = pool_of(uneven, alphabets=2, classes=7, drawers=3)
    assert pool.images.shape == (14, 3, 28, 28) and list(dict.fromkeys(pool.alphabets)) == [
        "Script02",
        "Script03",
    ]
    assert set(pool.images.unique().tolist()) == {0, 85, 170, 255}
    whole = glyphs.images[20, :3].int()
    assert (pool.images[0].int() - whole).abs().max() <= 43
    assert torch.equal(unpack(pack(pool.images), 14, 3, 28, 28), pool.images)
    assert len(pack(pool.images)) == 14 * 3 * 196
    assert torch.equal(pool_of(pool, 2, 7, 3).images, pool.images)


def test_the_pen_draws_as_omniglot_was_drawn() -> None:
    """Against the course's own shrinking of a line of 5 pixels on paper of 105."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[0:105, 0:105] + 0.5
    apart = []
    for _ in range(40):
        a, b = rng.uniform(25, 80, (2, 2))
        along = np.clip(((x - a[0]) * (b - a)[0] + (y - a[1]) * (b - a)[1]) / ((b - a) @ (b - a)), 0, 1)
        distance = np.hypot(x - a[0] - along * (b - a)[0], y - a[1] - along * (b - a)[1])
        file = io.BytesIO()
        Image.fromarray(np.where(distance <= 2.5, 0, 255).astype(np.uint8)).convert("1", dither=0).save(
            file, "PNG"
        )
        theirs, ours = shrink(file.getvalue()) / 255, ink([[*(a / 3.75), *(b / 3.75)]]) / 255
        seen = (theirs > 0) | (ours > 0)
        apart.append(np.square(theirs - ours)[seen].mean())
        assert ours.sum() == pytest.approx(theirs.sum(), rel=0.1)
    assert np.mean(apart) ** 0.5 < 0.06


def test_a_touch_leaves_a_dot_and_nothing_leaves_white_paper() -> None:
    dot = ink([[14.0, 10.0]])
    assert dot.max() > 120 and dot[9:11, 13:15].min() > 120 and dot[:8].max() == 0
    assert ink([]).max() == 0
