"""How fast is a meta-gradient? Ours beside learn2learn, higher, TorchOpt, a plain loop and JAX, on the same tasks.

    .venv/bin/python -m pip install -c constraints.txt -e ".[benchmarks]"
    .venv/bin/python -m benchmarks.maml                  all settings: half an hour on two quiet cores
    .venv/bin/python -m benchmarks.maml finn lecture     some of them; the others stay as they were recorded

On real Omniglot. For each setting: second order and first order, by everybody who can, in turns; then Reptile. Each row:
tasks a second, the ratio to learn2learn in the same round, peak memory of a process that does nothing else, the distance of
the meta-gradient to learn2learn's in float64, and the share of what the machine can do at all (`benchmarks.limit`).

Writes ``data/results/speed-maml.json`` and its table in ``benchmarks/README.md``, after each setting. Keep the machine quiet meanwhile.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from tqdm import tqdm

from benchmarks import limit, race
from benchmarks.peers import Peer, Setting
from benchmarks.peers.jitted import jax_map, jax_vmap
from benchmarks.peers.loops import by_hand, higher, learn2learn, torchopt
from benchmarks.peers.ours import our_reptile, ours, ours_rounded
from mlteach.nets import Conv4
from mlteach.tasks import Characters
from mlteach.tasks.episode import Episode

BASE, OURS, ROUNDED = "learn2learn", "mlteach", "mlteach, bfloat16 queries"
PEERS: dict[str, Peer] = {
    BASE: learn2learn,
    "higher": higher,
    "TorchOpt": torchopt,
    "plain loop": by_hand,
    "JAX, map": jax_map,
    "JAX, vmap": jax_vmap,
    OURS: ours,
    ROUNDED: ours_rounded,
}
SECOND_ORDER_ONLY = ("higher", "TorchOpt")
ROUNDS = 7
FEW = 2  # tasks for JAX's map on a CPU: one after the other, and so slow there that all of them would take the day


@dataclass(frozen=True)
class Case:
    """A network and how it is trained."""

    said: str
    net: Conv4
    meta_batch: int
    queries: int
    steps: int
    aim: float | None  # times learn2learn, second order


FINN = Conv4(5, head="mean", head_std=0.1)
CASES = {
    "finn": Case("Finn's net, 1 step", FINN, 32, 15, 1, 2.0),
    "finn-5": Case("Finn's net, 5 steps", FINN, 32, 15, 5, 2.0),
    "20-way": Case("20-way, 1 step", replace(FINN, ways=20), 16, 15, 1, None),
    "max-pool": Case("max-pool net, 1 step", replace(FINN, pool="max"), 16, 15, 1, 2.0),
    "lecture": Case("the lecture net, 1 step", Conv4(5, filters=32, head="flatten", head_std=0.1), 16, 5, 1, 3.5),
}  # fmt: skip


def setting_of(case: Case, first_order: bool = False) -> Setting:
    """The case on real characters, the same every time."""
    generator = torch.Generator().manual_seed(0)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.backends.cudnn.allow_tf32 = False  # float32 means float32, for all (jitted.py says the same to JAX)
    train = Characters.omniglot(device=device).split("random").train
    episode = train.sample(
        case.meta_batch, ways=case.net.ways, shots=1, queries=case.queries, generator=generator
    )
    theta = {name: value.to(device) for name, value in case.net.init(generator).items()}
    return Setting(case.net, theta, episode, case.steps, 0.4, first_order)


def contestants(first_order: bool) -> dict[str, Peer]:
    """Who can do it. On a CPU JAX's vmap of a convolution takes half a minute a meta-gradient; its map stands for both."""
    out = (SECOND_ORDER_ONLY if first_order else ()) + (() if torch.cuda.is_available() else ("JAX, vmap",))
    return {name: peer for name, peer in PEERS.items() if name not in out}


def measure(key: str, first_order: bool) -> list[dict[str, Any]]:
    """All figures of one case."""
    case = CASES[key]
    setting = setting_of(case, first_order)
    exact = setting.double(3)
    base = learn2learn(exact)()
    peers = contestants(first_order)
    errors = {name: race.error(peer(exact)(), base) for name, peer in peers.items()}
    order = "first order" if first_order else "second order"
    commands = {
        name: ["benchmarks.maml", "--alone", key, name, *["--first-order"] * first_order] for name in peers
    }
    each = {name: tasks_of(case, name) for name in peers}
    with limit.of(setting) as most:
        seconds = race.meet(
            commands, lambda name: peers[name](setting), ROUNDS, f"{case.said}, {order}", beside=most.ways
        )
    found = race.figures(seconds, each, BASE)
    for figure in found:
        name = figure["name"]
        figure |= {
            "case": key,
            "order": order,
            "error": errors[name],
            "share": round(most.share(seconds, name, each[name]), 3),
            "limit": most.quickest(seconds),
            "peak_mb": round(race.peak_memory(*commands[name])),
        }
    return found


def tasks_of(case: Case, name: str) -> int:
    """How many tasks a contestant does in a run."""
    return FEW if name == "JAX, map" and not torch.cuda.is_available() else case.meta_batch


def reptile(key: str) -> list[dict[str, Any]]:
    """Reptile with the same inner steps, beside MAML's first-order step by learn2learn."""
    case = CASES[key]
    setting = setting_of(case, first_order=True)
    runs = {BASE: learn2learn(setting), "mlteach, Reptile": our_reptile(setting)}
    seconds = race.timed(runs, ROUNDS, f"{case.said}, Reptile")
    found = race.figures(seconds, dict.fromkeys(runs, case.meta_batch), BASE)[1:]
    return [figure | {"case": key, "order": "first order"} for figure in found]


def alone(key: str, name: str, first_order: bool, served: bool) -> None:
    """One contestant in a process of its own."""
    case = CASES[key]
    setting = setting_of(case, first_order)
    if served:
        few = Episode(*(each[: tasks_of(case, name)] for each in setting.episode))
        setting = replace(setting, episode=few)
    race.alone(PEERS[name](setting), served)


def table(found: Sequence[dict[str, Any]]) -> str:
    """The figures as markdown, a table for each case."""
    lines = []
    for key, case in CASES.items():
        rows = [figure for figure in found if figure["case"] == key]
        if not rows:
            continue
        aim = f"; aim {case.aim:g} times learn2learn" if case.aim else ""
        lines += [
            f"**{case.said}** ({case.net.ways}-way 1-shot, {case.net.filters} filters, meta-batch {case.meta_batch}, "
            f"{case.queries} queries a class{aim})",
            "",
            "| | order | tasks/s | slowest to quickest | times learn2learn | peak MB | gradient's distance | share of the limit |",
            "|---|---|--:|--:|--:|--:|--:|--:|",
        ]
        for row in rows:
            distance = f"{row['error']:.0e}" if "error" in row else ""
            share = f"{row['share']:.0%}" if "share" in row else ""
            cells = [
                row["name"], row["order"], f"{row['value']:.1f}", f"{row['slowest']:.1f} to {row['quickest']:.1f}",
                f"{row['ratio']:.2f}", str(row.get("peak_mb", "")), distance, share,
            ]  # fmt: skip
            lines.append(f"| {' | '.join(cells)} |")
        lines.append("")
    return "\n".join(lines)


def summary(found: Sequence[dict[str, Any]]) -> str:
    """Ours in second order beside learn2learn and the aims, a line for each case: markdown."""
    lines = [
        "| second order | times learn2learn | aim | with bfloat16 queries | memory, times learn2learn's (aim 1.5) | share of the limit | learn2learn's |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    for key, case in CASES.items():
        rows = {row["name"]: row for row in found if (row["case"], row["order"]) == (key, "second order")}
        if not rows:
            continue
        base, own, rounded = rows[BASE], rows[OURS], rows[ROUNDED]
        cells = [
            case.said, f"{own['ratio']:.2f}", f"{case.aim:g}" if case.aim else "", f"{rounded['ratio']:.2f}",
            f"{own['peak_mb'] / base['peak_mb']:.2f}", f"{own['share']:.0%}", f"{base['share']:.0%}",
        ]  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def said_of(kept: dict[str, Any]) -> str:
    """What stands in the README."""
    days = sorted({figure.get("date", kept["date"])[:10] for figure in kept["figures"]})
    how = f"{kept['cores']} CPU cores, {kept['device']}, torch {kept['versions']['torch']}, {' to '.join(days[:1] + days[1:][-1:])}."
    return f"{how}\n\n{summary(kept['figures'])}\n\n{table(kept['figures'])}".rstrip()


def main() -> None:
    """Read the command line, measure, write."""
    parser = race.command_line(__doc__)
    parser.add_argument("cases", nargs="*", choices=[*CASES, []], default=[])
    parser.add_argument("--first-order", action="store_true", help="with --alone: in first order")
    given = parser.parse_args()
    if given.alone:
        alone(*given.alone, given.first_order, given.serve)
        return
    for key in tqdm(given.cases or CASES, "settings", unit="setting"):
        found = [*measure(key, False), *measure(key, True), *reptile(key)]
        print(table(found))
        keep(found)


def keep(found: Sequence[dict[str, Any]]) -> None:
    """Write what was found beside what this machine has measured of the other settings, with the same versions."""
    name, about = race.named("maml"), race.about()
    whole = [figure | {"date": about["date"]} for figure in found]
    cases = {figure["case"] for figure in found}
    whole += [figure for figure in race.comparable(name, about) if figure["case"] not in cases]
    kept = about | {"command": "python -m benchmarks.maml", "figures": whole}
    race.keep(name, kept, said_of(kept))
    second = [figure for figure in whole if figure["order"] == "second order"]
    titles = {key: case.said for key, case in CASES.items() if any(figure["case"] == key for figure in whole)}
    race.picture(name, second, titles)


if __name__ == "__main__":
    main()
