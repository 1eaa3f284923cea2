"""What the exercises of lessons 01 to 03 promise in particular: shapes, whole numbers, and no diagnosis that is not true."""

import pytest
import torch

from mlteach.exercises import find, judge
from mlteach.exercises.lesson01 import tasks_needed
from mlteach.exercises.lesson03 import loss_after


@pytest.mark.parametrize(
    ("asked", "tasks"),
    [((0.2, 1, 0.016), 2401), ((0.5, 25, 0.0196), 100), ((0.5, 16, 0.0098), 625), ((0.95, 75, 0.003), 271)],
)
def test_the_number_of_tasks_is_exact_where_it_is_whole(asked, tasks):
    assert tasks_needed(*asked) == tasks


def test_pictures_are_of_the_size_that_the_lesson_promises():
    for case in find("01.1").cases():
        pictures, order, _ = case.inputs
        assert pictures.shape[2:] == (28, 28) and order.shape == pictures.shape[:2]
    for case in find("01.2").cases():
        support_x, support_y, query_x = case.inputs
        assert support_x.shape[1:] == query_x.shape[1:] == (1, 28, 28) and len(support_y) == len(support_x)


@pytest.mark.parametrize(
    ("id", "answer", "words"),
    [
        ("01.2", lambda s, y, q: y[:1].expand(len(q)), "same support picture wins for every query"),
        ("01.2", lambda s, y, q: y.sort()[0][torch.cdist(q.flatten(1), s.flatten(1)).argmin(1)], "order of their classes"),
        ("02.3", lambda z, c: _coupled(z, c, lambda f, i: (f / (f + i), i / (f + i))), "divide by the sum of the gates"),
        ("03.4", (0.25, -0.5), "second is the slope of theta_2"),
        ("03.5", lambda theta, alpha, steps, keep_edges: loss_after(theta, alpha / steps, steps, keep_edges), "shared the rate"),
    ],
)  # fmt: skip
def test_a_mistake_is_called_what_it_is_and_not_what_it_resembles(id, answer, words):
    assert words in judge(find(id), answer).message


def test_a_loss_that_is_off_by_a_constant_has_the_right_slope_and_is_wrong():
    def answer(theta, alpha, steps, keep_edges):
        return loss_after(theta, alpha, steps, keep_edges) + 1

    assert not judge(find("03.5"), answer).passed


def test_the_edges_of_the_first_gradient_make_no_difference():
    def answer(theta, alpha, steps, keep_edges):
        for step in range(steps):
            theta = theta - alpha * (theta if keep_edges or step == 0 else theta.detach())
        return theta**2 / 2

    assert judge(find("03.5"), answer).passed


def _coupled(z, c, gates):
    i, f, g, o = z.chunk(4, -1)
    f, i = gates(torch.sigmoid(f), torch.sigmoid(i))
    c = f * c + i * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(c), c
