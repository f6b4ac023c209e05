"""At the very end: what cannot be written where it belongs is written elsewhere, and the next start says so."""

from __future__ import annotations

import json
import logging
import time
from typing import List, Sequence, Tuple

from qgis.core import QgsSettings

from .target import Target

log = logging.getLogger(__name__)

NOTES = "geo_r1/rescued"
"""In the user's settings: a JSON list of [the file that was wanted, the file it became]."""

Note = Tuple[str, str]


def write_somewhere(targets: Sequence[Target], timeout_s: float) -> None:
    """Write what waits; after half of the time, in the user's own folder. Blocks until it is done or the time is up."""
    began_s = time.monotonic()
    for is_last in (False, True):
        until_s = began_s + (timeout_s if is_last else timeout_s / 2)
        # also those that only close their file: Python ends a thread inside of OGR with a crash
        waiting = [target for target in targets if not target.writer.is_idle]
        for target in waiting:
            wanted = target.path
            if is_last and not target.writer.wait(0.0) and target.go_elsewhere():
                _note((str(wanted), str(target.path)))
                log.warning("%s cannot be written; the rest goes to %s", wanted, target.path)
            target.writer.retry()
        for target in waiting:
            target.writer.wait(max(0.0, until_s - time.monotonic()))
    for target in targets:
        if target.writer.waiting:
            log.error(
                "%s could not be written: %d rows are lost", target.path, target.writer.waiting
            )


def take_notes() -> List[Note]:
    """What earlier sessions wrote elsewhere; said once."""
    settings = QgsSettings()
    try:
        notes = json.loads(settings.value(NOTES, "") or "[]")
    except (TypeError, ValueError):
        notes = []
    settings.remove(NOTES)
    return [
        (str(each[0]), str(each[1])) for each in notes if isinstance(each, list) and len(each) == 2
    ]


def _note(note: Note) -> None:
    earlier = take_notes()
    QgsSettings().setValue(NOTES, json.dumps([*earlier, note]))
