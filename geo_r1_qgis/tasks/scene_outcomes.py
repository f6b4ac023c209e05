"""What became of each look of a run, counted: answered, empty, failed, or not yet."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Dict, List, Optional, Tuple

from ..core import wire
from ..core.errors import GeoR1Error
from ..core.scene_records import TileCounts
from ..core.standing import service_error
from ..layers.scene_tiles import ANSWERED, EMPTY, FAILED, PARTIAL, Answer, TileRecord
from .scene_asking import Final, Place
from .scene_looks import Look

log = logging.getLogger(__name__)


class LookOutcomes:
    """Of one run.

    Args:
        total: looks that are planned.
        questions: how many are asked about each.
    """

    def __init__(self, total: int, questions: int) -> None:
        self._questions = questions
        self.counts = TileCounts(total=total)
        self.first_failure = ""
        """In one sentence."""
        self.failed_in_a_row = 0
        self.last_failure = GeoR1Error()

    def record(self, look: Look, index: int, finals: Dict[Place, Final]) -> Optional[TileRecord]:
        """What became of a look; none if the asking ended before it was answered.

        Args:
            look: that was to be asked about.
            index: of it in its batch.
            finals: what the service said of that batch.
        """
        blank = TileRecord(look.area.number, look.tile.number, look.tile.level, EMPTY)
        if look.record is not None and look.record.state in (ANSWERED, EMPTY):
            if look.record.state == ANSWERED:
                self.counts.answered += 1
                self.counts.earlier += 1
                self.counts.partial += look.record.error == PARTIAL
            else:
                self.counts.empty += 1
            return look.record
        if look.error is not None:
            return self._failed(look.error, blank)
        if look.chip is None:
            self.counts.empty += 1
            return blank
        answers: List[Optional[Tuple[Answer, ...]]] = []
        words: List[str] = []
        error: Optional[GeoR1Error] = None
        for question in range(self._questions):
            event = finals.get((index, question))
            if event is None and has_answer(look.record, question):
                answers.append(look.record.answers[question])
            elif event is None:
                return None
            elif isinstance(event, wire.ErrorEvent):
                answers.append(None)
                error = service_error(event.error)
            else:
                words.append(event.reasoning)
                answers.append(tuple(_answer_of(each) for each in event.detections))
        if error is not None:
            return self._failed(error, replace(blank, answers=tuple(answers)))
        self.failed_in_a_row = 0
        self.counts.answered += 1
        text = "\n".join(filter(None, words))
        partial = PARTIAL if look.chip.warning else ""
        if partial:
            self.counts.partial += 1
            self.first_failure = self.first_failure or look.chip.warning
        return replace(blank, state=ANSWERED, answers=tuple(answers), reasoning=text, error=partial)

    def _failed(self, error: GeoR1Error, record: TileRecord) -> TileRecord:
        self.counts.failed += 1
        self.failed_in_a_row += 1
        self.last_failure = error
        self.first_failure = self.first_failure or str(error)
        log.warning("tile %s of area %s: %s", record.tile, record.area, error.code)
        return replace(record, state=FAILED, error=error.code)


def _answer_of(detection: wire.Detection) -> Answer:
    x_min, y_min, x_max, y_max = (float(side) for side in detection.box_px)
    return detection.label, (x_min, y_min, x_max, y_max), detection.polygons_px


def has_answer(record: Optional[TileRecord], question: int) -> bool:
    """Whether an earlier session has the answer to a question about a look."""
    return (
        record is not None
        and question < len(record.answers)
        and record.answers[question] is not None
    )
