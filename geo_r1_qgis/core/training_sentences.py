"""The words for what can be wrong with fine-tuning, on this side of the wire."""

from __future__ import annotations

from typing import Dict

from .sentence import QT_TRANSLATE_NOOP, Mend, Sentence

TRAINING_SENTENCES: Dict[str, Sentence] = {
    "labels-missing": Sentence(
        QT_TRANSLATE_NOOP("GeoR1Errors", "No polygons to learn from"),
        QT_TRANSLATE_NOOP("GeoR1Errors", "The project has no polygon layer."),
        QT_TRANSLATE_NOOP(
            "GeoR1Errors", "Make one and draw a polygon around ten objects: Layer ▸ Create Layer."
        ),
    ),
    "dataset-empty": Sentence(
        QT_TRANSLATE_NOOP("GeoR1Errors", "No picture to learn from came out"),
        QT_TRANSLATE_NOOP("GeoR1Errors", "No chip of the raster shows a label whole enough."),
        QT_TRANSLATE_NOOP("GeoR1Errors", "Check that the polygons lie on the chosen raster."),
    ),
    "chips-gone": Sentence(
        QT_TRANSLATE_NOOP("GeoR1Errors", "The pictures to learn from are gone"),
        QT_TRANSLATE_NOOP("GeoR1Errors", "Their temporary files cannot be read ({reason})."),
        QT_TRANSLATE_NOOP("GeoR1Errors", "Start again."),
        Mend.NONE,
    ),
}
