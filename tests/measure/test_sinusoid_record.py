"""What lesson 06 claims about its recorded runs stands in the record, with the intervals it needs."""

import pytest

from mlteach.measure import recorded

KEPT = recorded("06", "starts")
RIVALS = [
    "joint.10shot.step0",
    *(f"joint.10shot.step{step}" for step in (1, 2, 5, 10)),
    *(f"{name}.best rate.step1" for name in ("joint", "reptile", "fomaml")),
    "joint.best rate.step10",
]


def reach(name: str, side: int) -> float:
    """The end of the wider of the two intervals, over seeds and over tasks."""
    figure = KEPT[name]
    return figure["value"] + side * max(figure["interval"], figure["interval_over_tasks"])


def test_there_are_three_seeds_and_at_least_600_tasks():
    assert all(len(figure["seeds"]) >= 3 and figure["tasks"] >= 600 for figure in KEPT.values())
    assert all(figure["device"] == "cpu" for figure in KEPT.values())


def test_one_step_of_maml_is_under_the_line_that_was_asked_for():
    assert reach("maml.10shot.step1", +1) < 0.7


@pytest.mark.parametrize("rival", [name for name in RIVALS if "fomaml" not in name])
def test_one_step_of_maml_is_below_its_rivals_with_all_intervals(rival):
    assert reach("maml.10shot.step1", +1) < reach(rival, -1)


def test_and_below_fomaml_task_by_task():
    assert reach("fomaml minus maml.10shot.step1", -1) > 0
    assert KEPT["fomaml.best rate.step1"]["value"] >= KEPT["fomaml.10shot.step1"]["value"]


def test_joint_training_stands_on_its_reference_line():
    figure = KEPT["joint.10shot.step0"]
    assert abs(figure["value"] - 3.0057) < figure["interval_over_tasks"]


def test_every_variant_is_below_its_own_reference_line():
    for name, reference in (
        ("maml", 3.0057),
        ("maml-openai-ranges", 4.2517),
        ("maml-functorch-ranges", 0.0344),
    ):
        assert reach(f"{name}.10shot.step1", +1) < reference / 3
