"""What `geometry_check` is worth: the embedded model's answers on generated scenes, right and wrong ones, against "agrees" and "disagrees".

    python scripts/bench/answer_check.py --questions 200

Questions of the frozen families that compare (size, extreme, ordinal, relation), on scenes beyond the seeds of training and evaluation.
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

from PIL import Image

from geo_r1_backend.engines.select import load_engine
from geo_r1_backend.evaluation.answering import ask
from geo_r1_backend.grounding.ground import GroundOptions
from geo_r1_backend.models.registry import choose_model
from geo_r1_backend.pretraining.dice import Dice
from geo_r1_backend.pretraining.examiner import Examiner
from geo_r1_backend.pretraining.scenes import SceneRecipe, draw_scene
from geo_r1_qgis.core.answer_check import check_answer
from geo_r1_qgis.core.seams import iou

FIRST_SEED = 7_900_000
FAMILIES = ("size", "extreme", "ordinal", "relation")


def main() -> None:
    """Ask, check, count."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--questions", type=int, default=200)
    count = parser.parse_args().questions
    engine, _ = load_engine(choose_model(Path("build/bench"), None), threads=None)
    table: Counter[tuple[str, bool, str]] = Counter()
    seed = FIRST_SEED
    while table.total() < count:
        seed += 1
        scene = draw_scene(seed, SceneRecipe())
        family = FAMILIES[seed % len(FAMILIES)]
        question = Examiner(scene, Dice(seed)).ask(family)
        if question is None:
            continue
        image = Image.fromarray(scene.image)
        answer = ask(engine, "rec", question.query, lambda image=image: image, GroundOptions())  # type: ignore[misc]
        right = (
            len(answer.boxes_px) == 1 and iou(answer.boxes_px[0], question.answers[0].box_px) >= 0.5
        )
        check = check_answer(
            question.query, answer.reasoning, answer.boxes_px, lambda x, y: (x, -y), precision_m=1.0
        )
        table[family, right, check.word or "nothing"] += 1
    engine.close()
    for family in (*FAMILIES, "all"):
        for right in (True, False):
            row: Counter[str] = Counter()
            for (of_family, was_right, word), number in table.items():
                if was_right == right and family in (of_family, "all"):
                    row[word] += number
            print(f"{family:9} {'right' if right else 'wrong':6} {dict(row)}")


if __name__ == "__main__":
    main()
