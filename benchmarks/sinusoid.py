"""How fast does MAML train on sinusoids? Ours beside learn2learn, higher, TorchOpt, a plain loop and JAX.

    .venv/bin/python -m pip install -c constraints.txt -e ".[benchmarks]"
    .venv/bin/python -m benchmarks.sinusoid

One meta-gradient over 25 tasks with ten support and ten query points each: Finn's network 1-40-40-1 with one inner step, and
Reptile's 1-64-64-1 with five. Rows as in `benchmarks.maml`. One torch thread: tensors this small do not get quicker by a second.

Writes ``data/results/speed-sinusoid.json`` and its table in ``benchmarks/README.md``. Keep the machine quiet meanwhile.
"""

from collections.abc import Sequence
from typing import Any

import torch

from benchmarks import limit, race
from benchmarks.maml import BASE, PEERS
from benchmarks.peers import Run, Setting
from benchmarks.peers.jitted import jax_scan
from benchmarks.peers.loops import learn2learn
from benchmarks.peers.ours import by_hand, by_hand_compiled, ours_compiled
from mlteach.nets import MLP
from mlteach.tasks import Sinusoids

META_BATCH, ROUNDS, REPEATS = 25, 15, 10
AT_ONCE = (META_BATCH, 4 * META_BATCH, 20 * META_BATCH)  # tasks in one batch for the machine's limit
SCAN = "JAX, scan over steps"
CONTESTANTS = {name: peer for name, peer in PEERS.items() if "queries" not in name} | {
    SCAN: jax_scan,
    "mlteach, by hand": by_hand,
    "mlteach, compiled": ours_compiled,  # half a minute before the first answer, the first time
    "mlteach, by hand, compiled": by_hand_compiled,
}
CASES = {
    "Finn's net, 1 step": (MLP((1, 40, 40, 1)), 1, 16.0),
    "Reptile's net, 5 steps": (MLP((1, 64, 64, 1), "tanh"), 5, None),
}


def setting_of(net: MLP, steps: int) -> Setting:
    """The same sinusoids every time."""
    generator = torch.Generator().manual_seed(0)
    episode = Sinusoids.finn().sample(META_BATCH, 10, 10, generator=generator)
    return Setting(net, net.init(generator), episode, steps, 0.01)


def measure(said: str) -> list[dict[str, Any]]:
    """All figures of one network."""
    net, steps, _ = CASES[said]
    setting = setting_of(net, steps)
    exact = setting.double(META_BATCH)
    base = learn2learn(exact)()
    errors = {name: race.error(peer(exact)(), base) for name, peer in CONTESTANTS.items()}
    commands = {name: ["benchmarks.sinusoid", "--alone", said, name] for name in CONTESTANTS}
    with limit.of(setting, AT_ONCE) as most:
        seconds = race.meet(commands, lambda name: repeated(name, setting), ROUNDS, said, beside=most.ways)
    found = race.figures(seconds, dict.fromkeys(CONTESTANTS, META_BATCH * REPEATS), BASE)
    for figure in found:
        name = figure["name"]
        figure |= {
            "case": said,
            "error": errors[name],
            "share": round(most.share(seconds, name, META_BATCH * REPEATS), 3),
            "limit": most.quickest(seconds),
            "peak_mb": round(race.peak_memory(*commands[name])),
        }
    return found


def repeated(name: str, setting: Setting) -> Run:
    """Enough outer steps for the clock: one after the other, or by the one who can in a program that contains them all."""
    if name == SCAN:
        return jax_scan(setting, REPEATS)
    return race.repeated(CONTESTANTS[name](setting), REPEATS)


def alone(said: str, name: str, served: bool) -> None:
    """One contestant in a process of its own."""
    net, steps, _ = CASES[said]
    race.alone(repeated(name, setting_of(net, steps)), served)


def table(found: Sequence[dict[str, Any]]) -> str:
    """The figures as markdown, a table for each network."""
    headings = {
        said: f"**{said}** ({'-'.join(map(str, net.sizes))}, meta-batch {META_BATCH}"
        + (f"; aim {aim:g} times learn2learn)" if aim else ")")
        for said, (net, _, aim) in CASES.items()
    }
    return race.case_tables(found, headings, unit="meta-steps/s", base=BASE, each=META_BATCH)


def said_of(kept: dict[str, Any]) -> str:
    """What stands in the README."""
    how = f"One torch thread on {kept['cores']} CPU cores, JAX as it likes, torch {kept['versions']['torch']}, {kept['date'][:10]}."
    return f"{how}\n\n{table(kept['figures'])}".rstrip()


def main() -> None:
    """Read the command line, measure, write."""
    race.cases(
        "sinusoid",
        __doc__,
        [*CASES],
        unit="network",
        measure=measure,
        alone=alone,
        table=table,
        said_of=said_of,
    )


if __name__ == "__main__":
    main()
