"""Mirror images of scenes: asking anew is cheaper than drawing anew."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from geo_r1_backend.pretraining.scenes import Scene


def turned(scene: Scene, *, mirrored: bool, upside_down: bool) -> Scene:
    """The same scene mirrored left to right, upside down, or both."""
    across, down = (-1 if mirrored else 1), (-1 if upside_down else 1)
    shift = np.array([scene.width_px if mirrored else 0, scene.height_px if upside_down else 0])
    objects = []
    for item in scene.objects:
        corners = np.array(item.box_px).reshape(2, 2) * (across, down) + shift
        low, high = corners.min(0), corners.max(0)
        box = (int(low[0]), int(low[1]), int(high[0]), int(high[1]))
        outlines = tuple(outline * (across, down) + shift for outline in item.outlines_px)
        objects.append(replace(item, box_px=box, outlines_px=outlines))
    image = np.ascontiguousarray(scene.image[::down, ::across])
    return replace(scene, image=image, objects=tuple(objects))
