"""The published table of miniImageNet: each row whole in the ledger, and printed as it stands there."""

import re

from mlteach.measure import floor_of
from mlteach.measure.mini_imagenet import ROWS, as_text, mini_imagenet_table

ANCHORS = {  # as the papers print them
    "meta-learner LSTM": ("43.44 ± 0.77", "60.60 ± 0.71"),
    "FOMAML": ("48.07 ± 1.75", "63.15 ± 0.91"),
    "Reptile": ("47.07 ± 0.26*", "62.74 ± 0.37*"),
    "ANIL": ("46.7 ± 0.4*", "61.5 ± 0.5*"),
    "prototypes, more ways": ("49.42 ± 0.78", "68.20 ± 0.66"),
    "UNICORN-MAML": ("65.17", "84.30"),
    "LEO": ("61.76 ± 0.08*", "77.59 ± 0.12*"),
}


def test_each_row_says_what_it_depends_on_and_where_it_was_found() -> None:
    for said, network, *figures in mini_imagenet_table():
        for figure in figures:
            assert {"batch_norm", "batch_holds", "queries_per_class", "tasks", "link"} <= figure.keys(), said
            assert figure["where"] and figure["source"] and figure["network"] == network, said
            tasks, interval = figure["tasks"], figure["interval"]
            if tasks and interval and "spread" not in figure:  # over tasks: not below what counting gives
                counted = floor_of(figure["value"] / 100, 5 * figure["queries_per_class"], tasks)
                assert interval > 90 * counted, said  # nine tenths, for it was estimated
        assert figures[0]["value"] < figures[1]["value"], said  # five shots are easier
        assert (
            figures[0]["source"] == figures[1]["source"]
            and figures[0]["batch_norm"] == figures[1]["batch_norm"]
        ), said


def test_the_table_prints_what_the_papers_do() -> None:
    lines = as_text(mini_imagenet_table()).splitlines()
    assert max(map(len, lines)) <= 88
    cells = {}
    for line in lines:
        if line.startswith("  "):
            said, one, five, *_ = re.split(r" {2,}|(?<=\*) ", line.strip())
            cells[said] = (one, five)
    assert list(cells) == [said for _, said in ROWS]
    assert {said: cells[said] for said in ANCHORS} == ANCHORS
    networks = [line for line in lines if line.endswith(":")]
    assert len(networks) == len(set(networks)) == 6  # each stands once, above all of its rows


def test_maml_moves_more_with_its_network_than_the_methods_on_one_network_differ() -> None:
    rows = mini_imagenet_table()
    mamls = [row.one_shot["value"] for row in rows if row.said.split()[0] == "MAML"]
    one = [row.one_shot["value"] for row in rows if row.network == rows[0].network][
        2:
    ]  # without the baselines
    assert len(mamls) == 4 and max(mamls) - min(mamls) > 2 * (max(one) - min(one))
