import os

import pytest

from mlteach.errors import DataError
from mlteach.tasks import Characters
from mlteach.tasks.splits import VALIDATION, split

needs_omniglot = pytest.mark.skipif(
    not os.environ.get("MLTEACH_OMNIGLOT"), reason="the environment variable MLTEACH_OMNIGLOT is not set"
)


@pytest.fixture(scope="module")
def omniglot() -> Characters:
    return Characters.omniglot(download=False)


def parts(characters: Characters, scheme: str) -> list[list[int]]:
    return list(split(scheme, characters.names, characters.alphabets, characters.source))


@needs_omniglot
@pytest.mark.parametrize(
    ("scheme", "sizes"),
    [("random", [1100, 100, 423]), ("lake", [792, 172, 659]), ("vinyals", [1028, 172, 423])],
)
def test_sizes_and_no_class_on_two_sides(omniglot, scheme, sizes):
    found = parts(omniglot, scheme)
    assert [len(each) for each in found] == sizes
    assert sorted(sum(found, [])) == list(range(1623))
    assert found == parts(omniglot, scheme)


@needs_omniglot
def test_lake_tests_on_the_evaluation_alphabets_and_the_rest_is_the_background(omniglot):
    train, validation, test = omniglot.split("lake", rotations="none")
    assert [len(set(each.alphabets)) for each in (train, validation, test)] == [25, 5, 20]
    assert set(validation.alphabets) == set(VALIDATION)
    assert not set(test.alphabets) & set(train.alphabets + validation.alphabets)
    assert set((train + validation).names) == set(omniglot.names[:964])


@needs_omniglot
def test_vinyals_shares_one_alphabet_between_train_and_test(omniglot):
    train, validation, test = omniglot.split("vinyals", rotations="none")
    assert set(train.alphabets) & set(test.alphabets) == {"Gurmukhi"}
    assert [name for name in test.names if "Gurmukhi" in name] == [
        f"Gurmukhi/character{i}" for i in range(42, 46)
    ]
    assert [len(set(each.alphabets)) for each in (train, validation, test)] == [25 + 8, 5, 13]


@needs_omniglot
def test_random_is_the_same_for_ever(omniglot):
    """These names were read off once; a change of them changes every recorded number."""
    train, validation, test = omniglot.split(rotations="none")
    assert (train.names[0], validation.names[0], test.names[0]) == (
        "Alphabet_of_the_Magi/character02",
        "Alphabet_of_the_Magi/character08",
        "Alphabet_of_the_Magi/character01",
    )
    assert len(set(test.alphabets)) == 50


@needs_omniglot
@pytest.mark.parametrize(("rotations", "sizes"), [("train", [4400, 100, 423]), ("all", [4400, 400, 1692])])
def test_rotations_are_added_where_asked(omniglot, rotations, sizes):
    found = omniglot.split("random", rotations)
    assert [len(each) for each in found] == sizes
    upright = [{name.split("/rot")[0] for name in each.names} for each in found]
    assert not (upright[0] & upright[1] or upright[0] & upright[2] or upright[1] & upright[2])


def test_glyphs_have_the_random_split_in_the_same_shares():
    glyphs = Characters.glyphs(40)
    assert [len(each) for each in glyphs.split(rotations="none")] == [27, 2, 11]
    for scheme in ("lake", "vinyals"):
        with pytest.raises(
            DataError, match='for the 1623 characters of Omniglot only.*use split\\("random"\\)'
        ):
            glyphs.split(scheme)


def test_wrong_words_end_in_a_sentence():
    glyphs = Characters.glyphs(20)
    with pytest.raises(DataError, match='choose "random", "lake" or "vinyals"'):
        glyphs.split("finn")
    with pytest.raises(DataError, match='choose "train", "all" or "none"'):
        glyphs.split(rotations="test")
    with pytest.raises(DataError, match="split first"):
        glyphs.rotated().split()
