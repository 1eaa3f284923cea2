"""How good are learners that learn nothing, and what does training from five pictures lack? For lesson 01, and for every
later lesson that names a floor.

    python -m studies.lesson01_floor          # the floors: sigma chosen on validation characters, then 600 test tasks
    python -m studies.lesson01_floor starts   # ten random starts on each of forty tasks, rates and steps, three bodies

Both write ``data/results/01-floor.json`` and keep what the other has written there.
"""

import sys
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from mlteach.checkpoint import load_checkpoint
from mlteach.fit import fit
from mlteach.inner import adapt, sgd
from mlteach.measure import Interval, nearest_neighbour, over_seeds, over_tasks, recorded, step_accuracy
from mlteach.measure.ledger import data_folder, keep_results
from mlteach.measure.neighbour import SIGMA, blurred, centred
from mlteach.nets import Conv4, cross_entropy
from mlteach.params import Params, gradient_of
from mlteach.tasks import Characters, Episode

TASKS, SEED = 600, 100
SIGMAS = (0, 0.5, 1, 1.5, 2, 2.5, 3, 4)
ARMS = {
    "pixels": (False, False),
    "blurred": (False, True),
    "centred": (True, False),
    "centred and blurred": (True, True),
}
SETTINGS = {"5way1shot": (5, 1), "5way5shot": (5, 5), "20way1shot": (20, 1), "20way5shot": (20, 5)}
NET = Conv4(ways=5, filters=32, head="flatten")
RATE, STEPS = 0.3, 10
RATES, MARKS = (0.03, 0.1, 0.3, 1.0), (0, 1, 2, 3, 5, 10, 20, 50)


def drawn(
    split: Characters,
    tasks: int,
    seed: int,
    ways: int = 5,
    shots: int = 1,
    queries: int = 15,
    within: bool = False,
) -> list[Episode]:
    """The same tasks for everybody, in batches of 50."""
    generator = torch.Generator().manual_seed(seed)
    return [
        split.sample(50, ways, shots, queries, generator=generator, within_alphabet=within) for _ in range(tasks // 50)
    ]  # fmt: skip


def floor(batches: list[Episode], centre: bool, sigma: float) -> Interval:
    """The nearest neighbour's accuracy in percent."""
    return over_tasks(
        torch.cat([nearest_neighbour(each, centre=centre, sigma=sigma) for each in batches])
    ).scaled(100)


def figure(name: str, found: Interval, note: str, seeds: Sequence[int] = ()) -> dict[str, Any]:
    """One entry of the record, which is printed as well."""
    print(f"{name:50} {found}", flush=True)
    return {"name": name, "value": round(found.mean, 2), "interval": round(found.half_width, 2), "unit": "%",
            "tasks": found.n, "seeds": list(seeds), "device": "cpu", "note": note}  # fmt: skip


def floors(characters: Characters) -> list[dict[str, Any]]:
    """Sigma by the validation characters; then all four arms on test characters, in several settings."""
    split, lake = characters.split("random"), characters.split("lake", rotations="none")
    kept, chosen = [], {}
    validation = drawn(split.validation, TASKS, SEED)
    for centre in (False, True):
        by_sigma = {sigma: floor(validation, centre, sigma) for sigma in SIGMAS}
        chosen[centre] = max(by_sigma, key=lambda sigma: by_sigma[sigma].mean)
        kept += [figure(f"validation.{'centred' if centre else 'as drawn'}.sigma{sigma:g}", found,
                        "validation characters, 5-way 1-shot, 15 queries a class")
                 for sigma, found in by_sigma.items()]  # fmt: skip
    for place, (ways, shots) in SETTINGS.items():
        tests = drawn(split.test, TASKS, SEED + 1, ways, shots)
        for arm, (centre, blur) in ARMS.items():
            sigma = chosen[centre] if blur else 0
            note = f"test characters, split random, 15 queries a class, sigma {sigma:g} chosen on validation"
            kept.append(figure(f"test.{place}.{arm}", floor(tests, centre, sigma), note))
    for within in (False, True):
        tests = drawn(lake.test, TASKS, SEED + 2, within=within)
        for arm, (centre, blur) in ARMS.items():
            note = f"Lake's evaluation alphabets, {'classes of one' if within else 'classes of any'}, 15 queries a class"
            name = f"lake.{'one alphabet' if within else 'any alphabet'}.5way1shot.{arm}"
            kept.append(figure(name, floor(tests, centre, chosen[centre] if blur else 0), note))
    return kept


def prepared(episode: Episode, sigma: float) -> Episode:
    """Support and query centred and blurred."""
    x = [blurred(centred(part), sigma) for part in (episode.support_x, episode.query_x)]
    return Episode(x[0], episode.support_y, x[1], episode.query_y)


def side_by_side(thetas: Sequence[Params]) -> Params:
    """Several networks on the task axis."""
    return {name: torch.stack([theta[name] for theta in thetas]) for name in thetas[0]}


def walked(thetas: Sequence[Params], episode: Episode, rate: float, steps: int) -> list[Params]:
    """Each network's path on the support set of the task beside it."""
    with torch.no_grad():
        return adapt(lambda theta: cross_entropy(NET(theta, episode.support_x), episode.support_y),
                     side_by_side(thetas), sgd(rate), steps, path=True)  # fmt: skip


def answers(theta: Params, episode: Episode) -> Tensor:
    """What the networks say, [tasks, Q]; batch norm takes its statistics from the support pictures."""
    with torch.no_grad():
        return NET(theta, episode.query_x, "support", support=episode.support_x).argmax(-1)


def agreement(said: Tensor) -> float:
    """Over all pairs of rows of ``said`` [networks, Q]: the share of queries on which both say the same."""
    n = len(said)
    same = (said[:, None] == said[None]).double().mean(2)
    return float((same.sum() - n) / (n * (n - 1)))


def classifier(train: Characters, seed: int, steps: int = 1000) -> Params:
    """The body of a classifier of all training characters, as lesson 01's lecture profile trains it."""
    net = Conv4(ways=len(train), filters=32, head="flatten")

    def sample(generator: torch.Generator) -> Any:
        y = torch.randint(len(train), (128,), generator=generator)
        drawer = torch.randint(train.images.shape[1], (128,), generator=generator)
        return train.images[y, drawer].unsqueeze(1) / 255, y

    def gradient(theta: Params, batch: Any) -> tuple[Params, dict[str, Tensor | float]]:
        loss = F.cross_entropy(net(theta, batch[0]), batch[1])
        return gradient_of(loss, theta), {"loss": loss.item()}

    draw = torch.Generator().manual_seed(seed)
    run = fit(gradient, net.init(draw), sample, steps=steps, generator=draw, lr=1e-2, schedule="cosine")
    return {name: run.theta[name] for name in NET.body_names}


def starts(characters: Characters) -> list[dict[str, Any]]:
    """What the start decides, and what the steps do."""
    split = characters.split("random")
    kept = []
    tests = drawn(split.test, 300, SEED + 3)

    # Three bodies trained on other characters, one of them recorded with the lesson; random starts beside them.
    body = load_checkpoint(data_folder() / "checkpoints" / "01-classifier-lecture.safetensors")
    bodies = [{n.removeprefix("theta."): v for n, v in body.tensors.items()}]
    bodies += [classifier(split.train, seed) for seed in (1, 2)]
    generator = torch.Generator().manual_seed(SEED)
    random = [NET.init(generator) for _ in range(10)]
    for name, thetas, start in (
        ("fine-tuned", bodies, NET.zero_head),
        ("from a random start", random[:3], dict),
    ):
        by_seed = [step_accuracy(NET, theta, tests, sgd(RATE), STEPS, modes=["support"], start=start, last=True)
                   ["support"].mean().item() * 100 for theta in thetas]  # fmt: skip
        note = f"300 test tasks for each of {len(thetas)} starts, interval over the starts; {STEPS} steps, rate {RATE}"
        kept.append(figure(f"starts.{name}", over_seeds(by_seed), note, range(len(thetas))))
    better = [prepared(each, SIGMA) for each in tests]
    by_seed = [step_accuracy(NET, theta, better, sgd(RATE), STEPS, modes=["support"], last=True)["support"].mean().item()
               * 100 for theta in random[:3]]  # fmt: skip
    kept.append(figure("starts.from a random start, pictures centred and blurred", over_seeds(by_seed),
                       f"the same 300 tasks, sigma {SIGMA:g}", range(3)))  # fmt: skip
    kept.append(
        figure(
            "starts.nearest neighbour, centred and blurred", floor(tests, True, SIGMA), "the same 300 tasks"
        )
    )

    # Ten random starts, and three trained ones, on one task after the other.
    pairs: dict[str, list[float]] = {"random": [], "trained": []}
    spread, counting, right, voted = [], [], [], []
    for task in (each.part(slice(k, k + 1)) for each in drawn(split.test, 50, SEED + 4) for k in range(40)):
        for name, thetas in (("random", random), ("trained", [NET.zero_head(theta) for theta in bodies])):
            copies = Episode(*(part.expand(len(thetas), *part.shape[1:]).contiguous() for part in task))
            said = answers(walked(thetas, copies, RATE, 25)[-1], copies)
            pairs[name].append(agreement(said))
            if name == "random":
                share = (said == copies.query_y).double().mean(1)
                p = share.mean().item()
                spread.append(share.var().item())
                counting.append(p * (1 - p) / said.shape[1])
                right.append(p)
                voted.append((said.mode(0).values == task.query_y[0]).double().mean().item())
    note = "40 test tasks, 25 steps, rate 0.3; over all pairs of starts on the same five pictures"
    kept += [
        figure(f"agreement.{name}", over_tasks(found).scaled(100), note) for name, found in pairs.items()
    ]
    kept.append(
        figure("ten starts.right", over_tasks(right).scaled(100), "40 test tasks, ten random starts each")
    )
    kept.append(
        figure("ten starts.right, by vote", over_tasks(voted).scaled(100), "the ten starts' commonest answer")
    )
    for name, variances in (("spread", spread), ("counting", counting)):
        value = 100 * (sum(variances) / len(variances)) ** 0.5
        print(f"ten starts.{name:20} {value:.2f}")
        kept.append({"name": f"ten starts.{name}", "value": round(value, 2), "interval": None, "unit": "points", "tasks": 40,
                     "seeds": list(range(10)), "device": "cpu",
                     "note": "standard deviation of the ten accuracies of a task; by counting: of ten tosses of 75 coins"})  # fmt: skip

    # Rates and steps from random starts: does the support loss tell how the queries do?
    few = drawn(split.test, 100, SEED + 5)
    for rate in RATES:
        by_mark: dict[int, list[Tensor]] = {mark: [] for mark in MARKS}
        losses: dict[int, list[Tensor]] = {mark: [] for mark in MARKS}
        for k, batch in enumerate(few):
            path = walked([random[(k * 50 + j) % 10] for j in range(50)], batch, rate, MARKS[-1])
            with torch.no_grad():
                for mark in MARKS:
                    by_mark[mark].append((answers(path[mark], batch) == batch.query_y).double().mean(1))
                    losses[mark].append(cross_entropy(NET(path[mark], batch.support_x), batch.support_y))
        for mark in MARKS:
            found = over_tasks(torch.cat(by_mark[mark])).scaled(100)
            loss = float(torch.cat(losses[mark]).mean())
            entry = figure(f"rates.{rate:g}.step{mark}", found, "100 test tasks, ten random starts in turn")
            kept.append(entry | {"support_loss": float(f"{loss:.3g}")})
    return kept


def main() -> None:
    """Measure what is asked for, and write it beside the rest."""
    what = sys.argv[1] if len(sys.argv) > 1 else "floors"
    torch.set_num_threads(1)
    characters = Characters.omniglot()
    found = {"floors": floors, "starts": starts}[what](characters)
    names = {each["name"] for each in found}
    old = [each for name, each in recorded("01", "floor").items() if name not in names]
    keep_results(
        "01_a_task_is_a_data_point", "floor", old + found, command="python -m studies.lesson01_floor [starts]"
    )


if __name__ == "__main__":
    main()
