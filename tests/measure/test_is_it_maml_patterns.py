"""Ten ways in which people write MAML, right and wrong: each is named, and the page that shows them is true."""

import re
import sys
from collections import Counter
from pathlib import Path

import pytest
import torch

from studies.lesson06_is_it_maml import PAGE, VARIANTS, Variant
from tests.measure import stand_ins

BLOCKS = re.findall(r"^## (\d+\. .*?)$.*?```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S | re.M)
SETUP = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)[0]


@pytest.fixture(autouse=True)
def small_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, module in stand_ins.modules().items():
        monkeypatch.setitem(sys.modules, name, module)


@pytest.mark.filterwarnings("ignore:Using backward")
@pytest.mark.parametrize("variant", VARIANTS, ids=lambda each: f"{each.pattern}: {each.said}")
def test_each_variant_gets_its_verdict(variant: Variant) -> None:
    verdict = variant.judge()
    assert verdict.order == variant.order, verdict
    assert "\n" not in str(verdict)
    assert torch.get_default_dtype() == torch.float32


def test_torch_func_is_seen_through_in_older_versions_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(torch.func, "debug_unwrap", raising=False)
    for variant in VARIANTS:
        if variant.pattern.startswith("2"):
            assert variant.judge().order == variant.order


def test_each_pattern_stands_there_right_and_in_three_wrong_ways() -> None:
    counted = Counter(variant.pattern.split()[0] for variant in VARIANTS)
    assert set(counted) == {str(number) for number in range(1, 11)}
    assert min(counted.values()) >= 4


def test_the_page_shows_ten_patterns_and_each_block_prints_what_it_says(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert [title.split(".")[0] for title, _ in BLOCKS] == [str(number) for number in range(1, 11)]
    space: dict[str, object] = {}
    exec(SETUP, space)
    for title, block in BLOCKS:
        exec(block, space)
        said = capsys.readouterr().out
        promised = block.rstrip().rpartition("  # ")[2]
        assert said.startswith(promised), f"{title}: {said}"


def test_the_page_s_table_is_of_these_variants() -> None:
    rows = re.findall(r"^\| (\d+ .*?) \| (.*?) \| (.*?) \| .* \|$", PAGE.read_text(encoding="utf-8"), re.M)
    assert rows == [(each.pattern, each.said, each.order) for each in VARIANTS]


def test_the_stand_ins_are_not_the_packages() -> None:
    """The page's table was made with the packages; here are stand-ins, whatever is installed."""
    import higher

    assert Path(stand_ins.__file__).name == "stand_ins.py"
    assert higher.innerloop_ctx is stand_ins.innerloop_ctx
