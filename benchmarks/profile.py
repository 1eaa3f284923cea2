"""Where the time of a meta-gradient goes: one of Finn's net, one inner step, on one core, by PyTorch's profiler.

    .venv/bin/python -m benchmarks.profile

Writes ``data/results/speed-profile.json`` and its line in ``benchmarks/README.md``. Keep the machine quiet meanwhile.
"""

from typing import Any

import torch
from torch.profiler import profile

from benchmarks import race
from benchmarks.maml import CASES, setting_of
from benchmarks.peers.ours import ours

KINDS = {  # what the profiler's names are called here; an operation counts where its name is found first
    "convolutions, backwards": ("convolution_backward",),
    "convolutions, forwards": ("convolution",),
    "batch norm": ("batch_norm", "_Norm"),
    "ReLU": ("clamp_min", "threshold", "relu"),
    "copies": ("copy_", "clone", "cat"),
}
REPEATS = 5


def shares() -> list[dict[str, Any]]:
    """For each kind of operation its share of the time, in percent; the rest under a name of its own."""
    run = ours(setting_of(CASES["finn"]))
    run()
    with profile() as seen:
        for _ in range(REPEATS):
            run()
    spent = dict.fromkeys([*KINDS, "everything else"], 0.0)
    for event in seen.key_averages():
        fits = (kind for kind, words in KINDS.items() if any(word in event.key for word in words))
        spent[next(fits, "everything else")] += event.self_cpu_time_total
    total = sum(spent.values())
    return [
        {"name": kind, "value": round(100 * time / total, 1), "unit": "%"} for kind, time in spent.items()
    ]


def said_of(kept: dict[str, Any]) -> str:
    """What stands in the README."""
    parts = ", ".join(f"{figure['name']} {figure['value']:.0f} %" for figure in kept["figures"])
    return (
        f"Of the time of a meta-gradient of Finn's net, one step, on one core ({kept['date'][:10]}): {parts}."
    )


def main() -> None:
    """Measure and write."""
    torch.set_num_threads(1)
    kept = race.about() | {"command": "python -m benchmarks.profile", "figures": shares()}
    race.keep("profile", kept, said_of(kept))
    print(said_of(kept))


if __name__ == "__main__":
    main()
