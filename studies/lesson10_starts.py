"""The starts of lessons 09 and 10 for several seeds: the recorded ones, and the same recipes trained again.

    python -m studies.lesson10_starts [NAME-SEED ...]

Seed 0 is recorded in ``data/checkpoints``. Seeds 1 and 2 are trained here, by the recipe that the checkpoint names and for as many
outer steps, and kept in ``runs/10-starts``; a start that lies there is not trained again.
"""

import sys
from pathlib import Path

import torch

from mlteach.checkpoint import load_checkpoint, params_from, save_checkpoint
from mlteach.fit import fit
from mlteach.inner import Rule, sgd
from mlteach.measure.ledger import data_folder
from mlteach.nets import Conv4, cross_entropy
from mlteach.outer import maml_gradient
from mlteach.params import Params
from mlteach.tasks import Characters
from studies.lesson09_lecture_recipe import CHOSEN
from studies.lesson10_recipes import FINALS, train

SEEDS = (0, 1, 2)
#: The recorded starts, and the steps they take at test.
STARTS = {"reptile": ("10-reptile", 10), "fomaml": ("10-fomaml", 5), "maml": ("09-maml-lecture", 3)}
MAML_STEPS = 1400  # outer steps of lesson 09's lecture recipe
KEPT = data_folder().parent / "runs" / "10-starts"


def start_of(name: str, seed: int = 0) -> tuple[Params, Rule, int]:
    """A start's body, its rule at its test rate, and its test steps. The rate was chosen with seed 0, on validation characters."""
    file, steps = STARTS[name]
    recorded = load_checkpoint(data_folder() / "checkpoints" / f"{file}.safetensors")
    net, recipe = Conv4(5, 32, head="flatten"), recorded.about["recipe"]
    like = net.init(torch.Generator())
    share = recorded.about.get("test_rate", recipe.get("test_rate"))
    rates = dict.fromkeys(net.body_names, share * recipe["rate_body"])
    rates |= dict.fromkeys(net.head_names, share * recipe["rate_head"])
    kept = recorded if seed == 0 else load_checkpoint(made(name, seed))
    return params_from(kept, {each: like[each] for each in net.body_names}), sgd(rates), steps


def made(name: str, seed: int) -> Path:
    """Where another seed's start lies; it is trained where it does not."""
    path = KEPT / f"{name}-{seed}.safetensors"
    if not path.exists():
        characters = Characters.omniglot().split("random").train
        theta = _maml(characters, seed) if name == "maml" else _recipe(name, characters, seed)
        tensors = {f"theta.{key}": value for key, value in theta.items()}
        save_checkpoint(path, tensors, {"name": name, "seed": seed})
    return path


def _recipe(name: str, characters: Characters, seed: int) -> Params:
    recipe, steps = FINALS[name]
    return train(recipe, characters, seed, steps, f"{name}, seed {seed}")[0].theta


def _maml(characters: Characters, seed: int) -> Params:
    net = Conv4(CHOSEN.ways, 32, head="flatten")
    rule = sgd(
        dict.fromkeys(net.body_names, CHOSEN.rate_body) | dict.fromkeys(net.head_names, CHOSEN.rate_head)
    )
    generator = torch.Generator().manual_seed(seed)
    theta = net.init(generator)
    return fit(
        lambda theta, episode: maml_gradient(
            net, cross_entropy, theta, episode, rule, CHOSEN.inner_steps, start=net.zero_head
        ),
        {name: theta[name] for name in net.body_names},
        lambda g: characters.sample(CHOSEN.meta_batch, CHOSEN.ways, 1, 2, generator=g),
        steps=MAML_STEPS, generator=generator, lr=CHOSEN.outer_rate, schedule="cosine", progress=f"maml, seed {seed}",
        checkpoint=KEPT / f"maml-{seed}-half.safetensors", every=200,
    ).theta  # fmt: skip


if __name__ == "__main__":
    for wanted in sys.argv[1:] or [f"{name}-{seed}" for name in STARTS for seed in SEEDS[1:]]:
        name, _, seed = wanted.rpartition("-")
        print(made(name, int(seed)), flush=True)
