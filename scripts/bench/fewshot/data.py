"""Few-shot data sets from NWPU `real-rec`, split by picture, in the form in which the service keeps data sets.

NWPU VHR-10 is for research: what is trained on it here is measured and thrown away.
"""

from __future__ import annotations

import hashlib
import io
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from geo_r1_backend.evaluation.real.suites import RealQuestion, real_questions
from geo_r1_backend.pretraining.dice import Dice
from geo_r1_backend.storage.datasets import DatasetStore
from geo_r1_backend.training_wire import DatasetRequest, Part, Sample

VALIDATION_QUESTIONS = 64
"""The same for every arm and seed: the budget that chooses steps, rates and arms."""


def test_questions(data: Path) -> list[RealQuestion]:
    """What no arm sees before its end."""
    return real_questions("real-rec", "nwpu", data, split="test")


def split_shots(
    questions: Sequence[RealQuestion], shots: int, seed: int
) -> tuple[list[RealQuestion], list[RealQuestion]]:
    """(train, validation) from the `shots` split; a picture is in one of them only.

    Args:
        questions: of the split that few-shot training may see.
        shots: questions for each class.
        seed: chooses them; the validation part does not depend on it.
    """
    by_group: dict[str, list[RealQuestion]] = defaultdict(list)
    for question in questions:
        by_group[question.group].append(question)
    validation: list[RealQuestion] = []
    left: list[RealQuestion] = []
    for group in Dice(20261125).shuffled(sorted(by_group)):
        place = validation if len(validation) < VALIDATION_QUESTIONS else left
        place += by_group[group]
    by_class: dict[str, list[RealQuestion]] = defaultdict(list)
    for question in Dice(1000 + seed).shuffled(left):
        by_class[question.question.expression.answers[0].kind].append(question)
    train = [question for kind in sorted(by_class) for question in by_class[kind][:shots]]
    return train, validation[:VALIDATION_QUESTIONS]


def write_dataset(
    store: DatasetStore, folder: Path, name: str, parts: dict[Part, Sequence[RealQuestion]]
) -> str:
    """Keep a data set; returns its id.

    Args:
        store: where it goes.
        folder: for the chips on their way there.
        name: for people.
        parts: questions of each part.
    """
    chips: dict[str, Path] = {}
    samples: list[Sample] = []
    folder.mkdir(parents=True, exist_ok=True)
    for part, questions in parts.items():
        for one in questions:
            data = io.BytesIO()
            Image.fromarray(one.question.scene.image).save(data, "PNG")
            sha256 = hashlib.sha256(data.getvalue()).hexdigest()
            if sha256 not in chips:
                chips[sha256] = folder / sha256
                chips[sha256].write_bytes(data.getvalue())
            target = one.question.expression.answers[0]
            samples.append(
                Sample(
                    chip=sha256,
                    query=one.question.expression.query,
                    task="rec",
                    boxes_px=[[float(v) for v in target.box_px]],
                    label=target.kind,
                    part=part,
                    place=hashlib.sha256(one.group.encode()).hexdigest()[:16],
                )
            )
    return store.create(DatasetRequest(name=name, samples=samples), chips).id
