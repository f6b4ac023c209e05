"""The words for what can be wrong with other servers that run a model for the service."""

from __future__ import annotations

from typing import Dict

from .sentence import QT_TRANSLATE_NOOP, Mend, Sentence

REMOTE_SENTENCES: Dict[str, Sentence] = {
    "remote-unreachable": Sentence(
        QT_TRANSLATE_NOOP("GeoR1Errors", "The server of this model does not answer"),
        QT_TRANSLATE_NOOP("GeoR1Errors", "{reason}."),
        QT_TRANSLATE_NOOP(
            "GeoR1Errors", "Ask again when it is back, or choose another model in the menu."
        ),
        Mend.RETRY,
    ),
    "remote-unauthorized": Sentence(
        QT_TRANSLATE_NOOP("GeoR1Errors", "The server of this model does not accept the key"),
        QT_TRANSLATE_NOOP("GeoR1Errors", "{endpoint}; the key is taken from: {key}."),
        QT_TRANSLATE_NOOP("GeoR1Errors", "Put the right key there and start the service again."),
    ),
    "remote-model-unknown": Sentence(
        QT_TRANSLATE_NOOP("GeoR1Errors", "The server does not have this model"),
        QT_TRANSLATE_NOOP("GeoR1Errors", "“{model}” is not among what {endpoint} has: {known}."),
        QT_TRANSLATE_NOOP("GeoR1Errors", "Name one of these in remote.json."),
    ),
    "remote-context": Sentence(
        QT_TRANSLATE_NOOP("GeoR1Errors", "Image and question are too long for the server"),
        QT_TRANSLATE_NOOP("GeoR1Errors", "{width_px} × {height_px} px; {endpoint} says: {said}."),
        QT_TRANSLATE_NOOP(
            "GeoR1Errors", "Zoom in, or set a smaller max_pixels in remote.json (docs/remote.md)."
        ),
    ),
    "remote-image-refused": Sentence(
        QT_TRANSLATE_NOOP("GeoR1Errors", "The server does not take the image"),
        QT_TRANSLATE_NOOP("GeoR1Errors", "{width_px} × {height_px} px; {endpoint} says: {said}."),
        QT_TRANSLATE_NOOP("GeoR1Errors", "See whether it serves a model that sees."),
    ),
    "remote-refused": Sentence(
        QT_TRANSLATE_NOOP("GeoR1Errors", "The server refuses the question"),
        QT_TRANSLATE_NOOP("GeoR1Errors", "{endpoint} says ({status}): {said}."),
        QT_TRANSLATE_NOOP("GeoR1Errors", "Its log says more."),
    ),
    "remote-views": Sentence(
        QT_TRANSLATE_NOOP("GeoR1Errors", "The server changes the size of images"),
        QT_TRANSLATE_NOOP(
            "GeoR1Errors",
            "Of {width_px} × {height_px} px {endpoint} makes {tokens} tokens instead of {expected}: boxes would be shifted.",
        ),
        QT_TRANSLATE_NOOP("GeoR1Errors", "Give it this model’s limits of size (docs/remote.md)."),
    ),
}
