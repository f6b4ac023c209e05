"""The words for what can be wrong with runs over whole rasters."""

from __future__ import annotations

from typing import Dict

from .sentence import QT_TRANSLATE_NOOP, Mend, Sentence

SCENE_SENTENCES: Dict[str, Sentence] = {
    "scene-changed": Sentence(
        QT_TRANSLATE_NOOP("GeoR1Errors", "The run cannot be gone on with"),
        QT_TRANSLATE_NOOP(
            "GeoR1Errors",
            "“{layer}”, or the areas on it, are not what they were when it was stopped.",
        ),
        QT_TRANSLATE_NOOP(
            "GeoR1Errors", "Choose the raster of before, or ask again; what was found is kept."
        ),
        Mend.NONE,
    ),
    "scene-old": Sentence(
        QT_TRANSLATE_NOOP("GeoR1Errors", "The run cannot be gone on with"),
        QT_TRANSLATE_NOOP(
            "GeoR1Errors",
            "An earlier version of the plugin did not keep which picture of “{layer}” it looked at.",
        ),
        QT_TRANSLATE_NOOP(
            "GeoR1Errors", "Ask again: the question is in its line. What was found is kept."
        ),
        Mend.NONE,
    ),
    "scene-areas-gone": Sentence(
        QT_TRANSLATE_NOOP("GeoR1Errors", "The areas of the run are gone"),
        QT_TRANSLATE_NOOP(
            "GeoR1Errors", "The polygon layer whose features it looks at is not in the project."
        ),
        QT_TRANSLATE_NOOP("GeoR1Errors", "Open the project of before, or ask again."),
        Mend.NONE,
    ),
    "scene-areas": Sentence(
        QT_TRANSLATE_NOOP("GeoR1Errors", "Too many areas for one run"),
        QT_TRANSLATE_NOOP("GeoR1Errors", "“{layer}” has more than {limit:,} polygons."),
        QT_TRANSLATE_NOOP("GeoR1Errors", "Select some of them, or look at the whole layer."),
        Mend.NONE,
    ),
    "scene-no-areas": Sentence(
        QT_TRANSLATE_NOOP("GeoR1Errors", "There are no areas to look at"),
        QT_TRANSLATE_NOOP("GeoR1Errors", "“{layer}” has no polygon that lies on the raster."),
        QT_TRANSLATE_NOOP("GeoR1Errors", "Choose another layer, or select features of this one."),
        Mend.NONE,
    ),
    "scene-unknown": Sentence(
        QT_TRANSLATE_NOOP("GeoR1Errors", "The run is not in its file any more"),
        QT_TRANSLATE_NOOP("GeoR1Errors", "Nothing is known of it in {path}."),
        QT_TRANSLATE_NOOP("GeoR1Errors", "Ask again."),
        Mend.NONE,
    ),
    "scene-unreadable": Sentence(
        QT_TRANSLATE_NOOP("GeoR1Errors", "The run cannot be read"),
        "",
        QT_TRANSLATE_NOOP("GeoR1Errors", "It may be of a newer plugin. Ask again."),
        Mend.NONE,
    ),
    "scene-not-written": Sentence(
        QT_TRANSLATE_NOOP("GeoR1Errors", "The run ended because its file cannot be written"),
        QT_TRANSLATE_NOOP("GeoR1Errors", "{path} could not be written for {seconds:g} s."),
        QT_TRANSLATE_NOOP(
            "GeoR1Errors", "See that nothing locks the file and the disk has room, then resume."
        ),
        Mend.NONE,
    ),
    "tiling": Sentence(
        QT_TRANSLATE_NOOP("GeoR1Errors", "The raster cannot be cut into tiles"),
        "",
        QT_TRANSLATE_NOOP("GeoR1Errors", "Choose another raster or another pixel size."),
        Mend.NONE,
    ),
}
