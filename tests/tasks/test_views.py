"""Views: tasks without labels, and each kind of change by itself."""

import pytest
import torch

from mlteach.errors import EpisodeError
from mlteach.tasks import Characters
from mlteach.tasks.augment import covered, thickened, warped
from mlteach.tasks.views import View, two_views


def draw(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_a_batch_holds_different_pictures_and_two_views_of_each() -> None:
    images = Characters.glyphs(10).images
    still = two_views(images, 30, View(), generator=draw(), tasks=2)
    assert torch.equal(still.support_x, still.query_x) and torch.equal(still.support_y, still.query_y)
    assert still.support_y[1].tolist() == list(range(30))
    pool = {picture.numpy().tobytes() for picture in images.flatten(0, 1)}
    seen = {(255 * picture).round().to(torch.uint8).numpy().tobytes() for picture in still.support_x[0, :, 0]}
    assert len(seen) == 30 and seen <= pool
    moved = two_views(images, 30, View(shift=3), generator=draw(), tasks=2)
    assert not torch.equal(moved.support_x, moved.query_x)
    with pytest.raises(EpisodeError, match="there are 200"):
        two_views(images, 201, View(), generator=draw())


@pytest.mark.parametrize("kind, size", [("shift", 3), ("bend", 1.5), ("rotate", 20), ("scale", 0.3), ("shear", 0.3), ("thicken", 1), ("cover", 8)])  # fmt: skip
def test_every_kind_changes_each_picture_by_itself(kind: str, size: float) -> None:
    picture = Characters.glyphs(1).images[0, :1].float() / 255
    changed = View(**{kind: size})(picture.expand(6, 1, 28, 28), draw())
    assert changed.shape == (6, 1, 28, 28) and changed.min() >= 0 and changed.max() <= 1.0001
    different = len({each.numpy().tobytes() for each in changed})
    assert (different == 1) == (kind == "thicken") and (changed - picture).abs().amax() > 0.1


def test_a_dot_goes_where_the_sizes_say() -> None:
    x = torch.zeros(200, 1, 29, 29)
    x[:, :, 14, 22] = 1  # 8 pixels right of the middle
    middle = torch.arange(29.0) - 14

    def place(changed: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        mass = changed.sum((1, 2, 3))
        return (changed.sum((1, 2)) @ middle) / mass, (changed.sum((1, 3)) @ middle) / mass

    right, down = place(warped(x, rotate=45, generator=draw()))
    angle = torch.atan2(down, right).abs() * 180 / torch.pi
    assert 40 < angle.max() < 46 and (torch.hypot(right, down) - 8).abs().max() < 0.3
    right, down = place(warped(x, scale=0.3, generator=draw()))
    assert down.abs().max() < 0.01 and 8 * torch.tensor(-0.3).exp() - 0.3 < right.min() < right.max() < 8 * torch.tensor(0.3).exp() + 0.3  # fmt: skip
    high = x.transpose(2, 3)  # 8 pixels below the middle
    right, down = place(warped(high, shear=0.5, generator=draw()))
    assert (down - 8).abs().max() < 0.01 and 3.5 < right.abs().max() < 4.1
    with pytest.raises(EpisodeError, match="give pixels"):
        warped(x, rotate=-1, generator=draw())


def test_pens_and_squares() -> None:
    x = torch.zeros(400, 1, 9, 9)
    x[:, :, 4, 4] = 1
    thick = thickened(x, often=0.25, most=0.6, generator=draw())
    thicker = thick.sum((1, 2, 3)) > 1
    assert 0.15 < thicker.float().mean() < 0.35
    torch.testing.assert_close(thick[thicker][0, 0, 3:6, 3:6], torch.full((3, 3), 0.6).index_put((torch.tensor([1]), torch.tensor([1])), torch.tensor(1.0)))  # fmt: skip
    hidden = covered(torch.ones(400, 1, 9, 9), size=4, generator=draw())
    assert torch.equal(hidden.sum((1, 2, 3)), torch.full((400,), 81.0 - 16)) and (hidden.mean(0) < 1).all()
    with pytest.raises(EpisodeError, match="does not lie"):
        covered(x, size=10, generator=draw())
