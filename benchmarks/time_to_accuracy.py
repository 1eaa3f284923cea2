"""How many seconds of training to 95 % of 5-way 1-shot? On real Omniglot, on whatever this machine has.

    .venv/bin/python -m pip install -c constraints.txt -e ".[benchmarks]"
    .venv/bin/python -m benchmarks.time_to_accuracy                       all: 40 minutes on two quiet cores
    .venv/bin/python -m benchmarks.time_to_accuracy run ProtoNet ANIL     some of them
    .venv/bin/python -m benchmarks.time_to_accuracy run MAML --seed 0     one training of one
    .venv/bin/python -m benchmarks.time_to_accuracy choose                how recipes were found: a quarter of an hour

Each recipe is trained from three seeds. It stops twenty times on the way and is tried on 200 tasks of the *validation* characters:
the first time that it has the share it is after, its seconds are noted, and the 1000 test tasks of lesson 09 are asked. They are
asked once more at the end. Seconds are training alone, the drawing of tasks included, testing and loading left out; beside them
stand those of all cores together, as the processor counts them.

- ProtoNet: distances to the mean of each class's pictures. No inner loop at all.
- matching: attention to the support pictures by cosine, its temperature learned. attention: linear attention, without a softmax.
- ANIL: a head of zeros and one inner step, which is what some call MAML. Here it has its own name.
- MAML: lesson 09's recipe (40-way training, a head of zeros, two inner steps), so the body adapts.
- MAML by learn2learn: the same recipe, the same tasks in the same order, by learn2learn's own ``MAML``.
- MAML, long: the same with 64 filters, from one seed, to 97.5 %.
- by any method: to 97.5 %, by whatever gets there.

The recipes are in `benchmarks.recipes`. Every training is kept in ``runs/time-to-accuracy/`` when it is over, and one that is there
is not made again, so the whole can be stopped and gone on with; ``--again`` makes it anew. Once all seeds of a recipe are there,
its row is written to ``data/results/speed-time-to-accuracy.json``, to the table in ``benchmarks/README.md`` and to
``docs/speed-time-to-accuracy.png``; the other rows stay. Keep the machine quiet meanwhile.
"""

import argparse
import functools
import json
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from benchmarks import race
from benchmarks.recipes import MODES, RECIPES, SEEDS, Recipe, candidates
from mlteach.files import write_atomic
from mlteach.fit import Fit, fit
from mlteach.measure import over_seeds
from mlteach.params import Params
from mlteach.tasks import Characters
from mlteach.tasks.episode import Episode
from studies.shared import tasks_of

LOOKS = 20
VALIDATION_TASKS, CHOICE_TASKS, TEST_TASKS = 200, 600, 1000
KEPT = Path(__file__).resolve().parents[1] / "runs" / "time-to-accuracy"

#: What a look is given: theta, the seconds of training until then, and those of all cores.
Look = Callable[[Params, float, float], None]


def trained(recipe: Recipe, seed: int, train: Characters, look: Look) -> Fit:
    """The whole run, with as many looks on the way."""
    gradient, run, spent = recipe.gradient(), Fit({}), 0.0
    with tempfile.TemporaryDirectory() as folder:
        for part in range(1, LOOKS + 1):
            generator = torch.Generator().manual_seed(seed)
            theta = {name: value.to(train.images.device) for name, value in recipe.init(generator).items()}
            began = time.process_time()
            run = fit(
                gradient,
                theta,
                functools.partial(recipe.sample, train),
                steps=recipe.steps,
                generator=generator,
                lr=recipe.outer_rate,
                schedule="cosine",
                clip=recipe.clip,
                optimizer=functools.partial(torch.optim.Adam, fused=True),
                checkpoint=Path(folder) / "run.safetensors",
                every=recipe.steps,
                until=part * recipe.steps // LOOKS,
                progress=None,
            )
            spent += time.process_time() - began
            look(run.theta, run.seconds, spent)
    return run


def one_run(recipe: Recipe, seed: int, characters: Characters) -> dict[str, Any]:
    """Train from one seed, look at the validation tasks, and ask the test tasks twice: when it is there, and at the end."""
    train, validation, test = characters.split("random")
    tries, tests = tasks_of(validation, VALIDATION_TASKS, 77), tasks_of(test, TEST_TASKS, 2)  # lesson 09's
    seen: list[tuple[float, float]] = []
    found: dict[str, Any] = {"seed": seed, "there": None, "cpu_there": None, "test_there": None}

    def look(theta: Params, seconds: float, cpu: float) -> None:
        right = recipe.tested(theta, tries, MODES[:1])[MODES[0]].mean
        seen.append((round(seconds, 2), right))
        if found["there"] is None and right >= recipe.after:
            found.update(there=seen[-1][0], cpu_there=round(cpu, 2), test_there=_means(recipe, theta, tests))
        found["cpu"] = round(cpu, 1)

    run = trained(recipe, seed, train, look)
    answers = recipe.tested(run.theta, tests)
    found |= {
        "seconds": round(run.seconds, 1),
        "seen": seen,
        "device": run.device,
        "threads": torch.get_num_threads(),
    }
    found |= {mode: value.mean for mode, value in answers.items()}
    return found | {"intervals": {mode: value.half_width for mode, value in answers.items()}}


def _means(recipe: Recipe, theta: Params, tests: Sequence[Episode]) -> dict[str, float]:
    return {mode: value.mean for mode, value in recipe.tested(theta, tests).items()}


def figure_of(recipe: Recipe, runs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The runs of all seeds as one figure for the ledger."""
    figure: dict[str, Any] = {"name": recipe.said, "recipe": vars(recipe), "runs": list(runs)}
    for mode in MODES:
        over = over_seeds([run[mode] for run in runs])
        half = over.half_width if len(runs) > 1 else runs[0]["intervals"][mode]  # of one seed: over tasks
        figure[mode] = {"value": over.mean, "interval": half}
    over = over_seeds([run["seconds"] for run in runs])
    figure["seconds"] = {"value": over.mean, "interval": over.half_width if len(runs) > 1 else None}
    times = [run["there"] for run in runs]
    figure["there"] = {
        "slowest": None if None in times else max(times),
        "quickest": min(filter(None, times), default=None),
    }
    return figure


def kept_run(recipe: Recipe, seed: int, characters: Characters, again: bool) -> dict[str, Any]:
    """What the training of a seed gave: out of ``runs/`` where the same recipe was trained on the same device, else made now."""
    path = KEPT / f"{race.named(recipe.said.replace(' ', '-'))}-{seed}.json"
    own = json.loads(json.dumps(vars(recipe) | {"seeds": [seed], "aim": None}))
    if path.exists() and not again:
        kept = json.loads(path.read_text(encoding="utf-8"))
        if kept["recipe"] == own:
            return kept["run"]
    run = one_run(recipe, seed, characters)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, json.dumps({"recipe": own, "run": run}, indent=2) + "\n")
    return run


def there_of(run: dict[str, Any], recipe: Recipe) -> str:
    """One run in a line."""
    end = f"{run['seconds']:.1f} s in all ({run['cpu']:.1f} s of all cores, {run['threads']} torch threads), then {run['seen'][-1][1]:.2f} % on validation and {run[MODES[0]]:.2f} % on test"
    if run["there"] is None:
        return f"{recipe.said}, seed {run['seed']}: {recipe.after:g} % not reached; {end}"
    asked = run["test_there"][MODES[0]]
    return f"{recipe.said}, seed {run['seed']}: {recipe.after:g} % after {run['there']:.1f} s ({run['cpu_there']:.1f} s of all cores), test {asked:.2f} % there; {end}"


def table(found: Sequence[dict[str, Any]]) -> str:
    """The figures as markdown. The aims are those of today."""
    lines = [
        "| | outer steps | seeds | training, s | after | there after, s | aim, s | test there, % | test, transductive, % | support, % |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for row in found:
        recipe, there = row["recipe"], row["there"]
        spread = f"{there['quickest']:.1f} to {there['slowest']:.1f}" if there["slowest"] else "not always"
        if there["quickest"] is None:
            spread = "never"
        elif there["quickest"] == there["slowest"]:
            spread = f"{there['slowest']:.1f}"
        half, aim = row["seconds"]["interval"], RECIPES[row["name"]].aim
        cells = [
            row["name"], str(recipe["steps"]), str(len(row["runs"])),
            f"{row['seconds']['value']:.1f}" + (f" ± {half:.1f}" if half is not None else ""),
            f"{recipe['after']:g} %", spread, f"{aim:g}" if aim else "", _test_there(row["runs"]),
            *(f"{row[mode]['value']:.2f} ± {row[mode]['interval']:.2f}" for mode in MODES),
        ]  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _test_there(runs: Sequence[dict[str, Any]]) -> str:
    """The test tasks' share when it was there, mean over the runs; nothing where it was not asked."""
    asked = [run["test_there"][MODES[0]] for run in runs if run.get("test_there")]
    if len(asked) < len(runs):
        return ""
    return f"{over_seeds(asked).mean:.2f}" + (
        f" ± {over_seeds(asked).half_width:.2f}" if len(asked) > 1 else ""
    )


def said_of(kept: dict[str, Any]) -> str:
    """What stands in the README."""
    return f"{kept['cores']} CPU cores, {kept['device']}, torch {kept['versions']['torch']}, {kept['date'][:10]}.\n\n{table(kept['figures'])}"


def draw(found: Sequence[dict[str, Any]]) -> None:
    """The picture of it: how much of the validation tasks was solved after how many seconds."""
    if (tools := race.plotting()) is None:
        return
    plt, style = tools
    looks: dict[str, dict[str, Any]] = {
        "ProtoNet": style.method("metric") | {"marker": ""},
        "matching": style.method("metric") | {"marker": "", "linestyle": "--"},
        "attention": style.method("metric") | {"marker": "", "linestyle": ":"},
        "by any method": style.method("metric") | {"marker": "", "linestyle": "-."},
        "ANIL": style.method("maml") | {"linestyle": ":"},
        "MAML": style.method("maml"),
        "MAML by learn2learn": style.method("baseline"),
        "MAML, long": style.method("lstm"),
    }
    fig, ax = plt.subplots(figsize=(9, 5))
    for row in found:
        look, seen = looks[row["name"]], torch.tensor([run["seen"] for run in row["runs"]])
        for one in seen if len(seen) > 1 else ():
            ax.plot(*one.T, **look | {"linewidth": 0.7, "alpha": 0.5})
        (line,) = ax.plot(*seen.mean(0).T, **look)
        line.set_label(row["name"])
    # most of them rise side by side: a name beside each line would stand on another's
    ax.legend(loc="lower right")
    for share in {row["recipe"]["after"] for row in found}:
        ax.axhline(share, color=style.color("baseline"), linewidth=1)
    ticks = [1, 2, 5, 10, 20, 50, 100, 200]
    ax.set(xscale="log", xlabel="seconds of training", ylabel="right, % of validation tasks", ylim=(80, 98.5))
    ax.set_xticks(ticks, list(map(str, ticks)))
    ax.minorticks_off()
    ax.set_xlim(0.7, 400)
    race.keep_picture(race.named("time-to-accuracy"), fig)
    plt.close(fig)


def choose(named: Sequence[str], characters: Characters) -> None:
    """Train candidates once, try them on the validation tasks, and write down what was seen."""
    train, validation, _ = characters.split("random")
    tries = tasks_of(validation, CHOICE_TASKS, 77)
    rows = race.rows("choice")
    every = candidates()
    for name in tqdm(named or every, "candidates", unit="recipe"):
        run = trained(every[name], SEEDS[0], train, lambda *seen: None)
        right = every[name].tested(run.theta, tries, MODES[:1])[MODES[0]]
        rows[name] = {
            "name": name, "value": right.mean, "interval": right.half_width, "unit": "%", "tasks": CHOICE_TASKS,
            "steps": every[name].steps, "seconds": round(run.seconds, 1), "seeds": [SEEDS[0]],
        }  # fmt: skip
        kept = race.about() | {"command": "python -m benchmarks.time_to_accuracy choose"}
        kept |= {"figures": [rows[each] for each in every if each in rows]}
        race.keep("choice", kept, said_of_choice(kept))


def said_of_choice(kept: dict[str, Any]) -> str:
    """What stands in the README."""
    lines = ["| candidate | outer steps | training, s | validation, % |", "|---|--:|--:|--:|"]
    for row in kept["figures"]:
        cells = (
            row["name"],
            str(row["steps"]),
            f"{row['seconds']:.0f}",
            f"{row['value']:.1f} ± {row['interval']:.1f}",
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def run_all(names: Sequence[str], seed: int | None, again: bool) -> None:
    """Make the runs that are missing, and write every row that is whole."""
    characters = Characters.omniglot(device="cuda" if torch.cuda.is_available() else "cpu")
    name = race.named("time-to-accuracy")
    for said in names:
        recipe = RECIPES[said]
        for each in [seed] if seed is not None else recipe.seeds:
            print(there_of(kept_run(recipe, each, characters, again), recipe), flush=True)
        if seed is not None:
            continue
        rows = race.rows(name)
        rows[said] = figure_of(recipe, [kept_run(recipe, each, characters, False) for each in recipe.seeds])
        kept = race.about() | {
            "command": "python -m benchmarks.time_to_accuracy",
            "figures": [rows[each] for each in RECIPES if each in rows],
        }
        race.keep(name, kept, said_of(kept))
        draw(kept["figures"])
        print(table([rows[said]]), flush=True)


def main() -> None:
    """Read the command line, train, test, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", nargs="?", choices=["run", "choose"], default="run")
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"recipes, default all: {', '.join(RECIPES)}"
    )
    parser.add_argument("--seed", type=int, help="one seed only; the row waits for all of them")
    parser.add_argument("--again", action="store_true", help="train anew what is kept")
    given = parser.parse_args()
    known = candidates() if given.what == "choose" else RECIPES
    if unknown := [name for name in given.names if name not in known]:
        parser.error(f"There is no recipe {unknown[0]!r}; choose from: {'; '.join(known)}.")
    if given.what == "choose":
        choose(given.names, Characters.omniglot())
    else:
        run_all(given.names or list(RECIPES), given.seed, given.again)


if __name__ == "__main__":
    main()
