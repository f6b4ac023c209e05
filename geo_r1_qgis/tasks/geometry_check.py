"""The check of an answer on a view, in metres: quick enough for the end of a question, and never what makes it fail."""

from __future__ import annotations

import logging

from qgis.core import QgsCsException

from ..core import wire
from ..core.answer_check import NOTHING, Check, check_answer
from ..core.frame import Frame
from ..crs.flat import FlatFrame

log = logging.getLogger(__name__)

MOST_ANSWERS = 60
"""As many as the embedded model says of one view; more are no answer to a comparison, and would hold up the window."""


def geometry_check(query: str, result: wire.ResultEvent, frame: Frame) -> Check:
    """What the geometry says of an answer; `NOTHING` where there is nothing to compare."""
    if result.outcome != "found" or not result.reasoning or len(result.detections) > MOST_ANSWERS:
        return NOTHING
    boxes = [each.box_px for each in result.detections]
    try:
        flat = FlatFrame(frame)
        return check_answer(
            query, result.reasoning, boxes, flat.place, flat.axes, precision_m=flat.precision_m
        )
    except QgsCsException:  # a corner of the view lies off the earth
        return NOTHING
    except Exception:  # border: a chain is a stranger's text; the answer counts, whatever it says
        log.exception("the check of an answer")
        return NOTHING
