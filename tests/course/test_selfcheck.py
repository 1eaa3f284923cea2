"""The self-check says the same on every machine where all is well, and what to do where it is not."""

import pytest

from mlteach.course import selfcheck


def test_what_works_is_one_line_each_and_holds_no_version(capsys: pytest.CaptureFixture[str]) -> None:
    checks = tuple(each for each in selfcheck.CHECKS if each[0] != "data")
    selfcheck.self_check(checks)
    assert capsys.readouterr().out == (
        "Python     works\ntorch      works\ndevice     works\nexplorers  works\n\nEverything works.\n"
    )


def test_what_does_not_work_says_what_to_do(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlteach.errors import DataError
    from mlteach.tasks.characters import Characters

    def missing(*args: object, **kwargs: object) -> None:
        raise DataError("There is no network. Put the two archives into data/omniglot/.")

    def surprise() -> None:
        raise ZeroDivisionError("no")

    monkeypatch.setattr(Characters, "omniglot", missing)
    monkeypatch.setattr(selfcheck, "FRONT_END", ("no-such-extension",))
    selfcheck.self_check((("data", selfcheck.data), ("explorers", selfcheck.explorers), ("other", surprise)))
    data, explorers, other, _, last = capsys.readouterr().out.splitlines()
    assert data.startswith(
        "data       does not work yet: There is no network. Put the two archives into data/omniglot/."
    )
    assert "go on with drawn glyphs" in data
    assert "JupyterLab has no extension no-such-extension. Run python3 start.py" in explorers
    assert "ZeroDivisionError: no. Run python3 start.py" in other
    assert last == "3 of 3 do not work yet. The lines above say what to do."


def test_the_machine_is_described_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    selfcheck.machine()
    assert capsys.readouterr().out.count("\n") == 1
