"""One of the processes of a step: learns from its share of fixed groups and writes the sum of all gradients.

Started by torchrun or alone: ``shared_gradient.py FOLDER_OF_DATASET OUT.safetensors``.
"""

import sys
from pathlib import Path

import torch
from safetensors.torch import save_file

from geo_r1_backend.engines.profiles import read_profile
from geo_r1_backend.training.advantage import advantages
from geo_r1_backend.training.config import changed, make_config
from geo_r1_backend.training.dataset import Dataset
from geo_r1_backend.training.grpo import learn
from geo_r1_backend.training.policies.nano import NanoPolicy
from geo_r1_backend.training.rewards import reward
from geo_r1_backend.training.rollout import Group, Told
from geo_r1_backend.training.together import joined
from geo_r1_backend.training_wire import RunRequest
from tests.pure.training_data import embedded

METHODS = ("grpo", "dapo", "dr_grpo")
BOXES = ("[10,20,110,140]", "[100,100,200,180]", "[200,150,320,290]")
ANSWER = '<think>Find courts: {0}.</think><answer>{{"bbox_2d":{0},"label":"court"}}</answer>'


def main(dataset: Path, out: Path) -> None:
    """Gradients of every method, of all processes together; the first process writes them."""
    model = embedded()
    samples = Dataset(dataset, read_profile(model.folder), think=True).part("train")
    policy = NanoPolicy.load(model.folder, keep_base=True)
    found = {}
    with joined() as together:
        groups = [group_of(policy, sample, number) for number, sample in enumerate(samples)]
        lengths = [length for group in groups for length in group.told.lengths]
        for method in METHODS:
            config = make_config(
                RunRequest(dataset=dataset.name, method=method, kl_weight=0.1),
                run_id="r",
                model=model,
                dataset_folder=dataset,
                created="",
            )
            for parameter in policy.trainable().values():
                parameter.grad = None
            mine = [group for _, group in together.mine(groups)]
            learn(
                policy,
                mine,
                changed(config, replay=False),
                tokens=sum(lengths),
                sequences=len(lengths),
            )
            together.add_gradients(policy.trainable().values())
            found |= {f"{method}/{n}": p.grad.clone() for n, p in policy.trainable().items()}
        if together.is_first:
            save_file(found, out)


def group_of(policy, sample, number) -> Group:
    """Answers of different length and worth; the groups differ in size."""
    texts = [ANSWER.format(box) for box in BOXES[: 2 + number % 2]] + ["<answer>None</answer>"]
    completions = [policy.tokens(text) for text in texts]
    rewarded = [reward(sample.sample, text, sample.view, think=True) for text in texts]
    worth = advantages([one.total for one in rewarded], "grpo")
    lengths = [len(one) for one in completions]
    told = Told(sample.index, texts, lengths, rewarded, worth)
    return Group(sample, policy.encode(sample.image), completions, told)


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(Path(sys.argv[1]), Path(sys.argv[2]))
