"""How far a long run is, in words, for the dock and the toolbox."""

from __future__ import annotations

from typing import Optional

from qgis.PyQt.QtCore import QCoreApplication

translate = QCoreApplication.translate


def duration_words(seconds: float) -> str:
    """A time to wait, no more exact than it is known: “6 s”, “4 min”, “2.5 h”, “3 days”."""
    if seconds < 90:
        return translate("SceneWords", "{n} s").format(n=max(1, round(seconds)))
    if seconds < 90 * 60:
        return translate("SceneWords", "{n} min").format(n=round(seconds / 60))
    if seconds < 48 * 3600:
        return translate("SceneWords", "{n} h").format(n=f"{seconds / 3600:.1f}")
    return translate("SceneWords", "{n} days").format(n=round(seconds / 86400))


def progress_words(done: int, total: int, seconds_left: Optional[float], count: int) -> str:
    """How far a run is: “40 of 120 tiles · 17 found · 2 min left”."""
    words = [
        translate("SceneWords", "{done} of {total} tiles").format(
            done=f"{done:,}", total=f"{total:,}"
        )
    ]
    if count:
        words.append(translate("SceneWords", "{count} found").format(count=f"{count:,}"))
    if seconds_left is not None and done < total:
        left = translate("SceneWords", "{time} left").format(time=duration_words(seconds_left))
        words.append(left)
    return " · ".join(words)
