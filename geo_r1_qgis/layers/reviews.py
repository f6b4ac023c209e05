"""What a person says of a detection, written into the column `review` of the result file."""

from __future__ import annotations

from typing import Sequence

from .geopackage import ResultFile
from .schema import DETECTIONS
from .store import DetectionStore

ACCEPTED, REJECTED, EDITED = "accepted", "rejected", "edited"


def write_review(store: DetectionStore, uids: Sequence[str], review: str) -> None:
    """Note a judgement in the background; the layer shows it when it is on disk."""
    for uid in uids:

        def write(file: ResultFile, uid: str = uid) -> None:
            file.change(DETECTIONS, "uid", uid, {"review": review})
            store.stored.emit(uid)

        store.submit(write)
