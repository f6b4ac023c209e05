"""Rasters of rectangles at known places, each in a colour of its own, and a detector that finds them without a fault."""

from dataclasses import dataclass

import numpy as np

from tests.qgis.make_rasters import picture, write_tiff

BACKGROUND = 90
UTM = (500_000.0, 0.3, 0.0, 5_400_000.0, 0.0, -0.3)


@dataclass(frozen=True)
class Made:
    """A raster file and the boxes in it, in its own pixels."""

    path: str
    boxes: list
    geotransform: tuple = UTM


def colour_of(number):
    """Colour of the object of a number: no two are alike, and none is that of the ground."""
    return 200 + number // 400, 10 + number % 20 * 12, 10 + number // 20 % 20 * 12


def make_scene(path, width, height, boxes, *, geotransform=UTM, epsg=32633, wkt=None, empty=()):
    """Write the raster.

    Args:
        path: of the GeoTIFF.
        width: in pixels.
        height: in pixels.
        boxes: (x_min, y_min, x_max, y_max) of each object.
        geotransform: GDAL's six numbers.
        epsg: of the CRS, or none.
        wkt: of the CRS instead.
        empty: boxes without data.
    """
    pixels = np.full((3, height, width), BACKGROUND, np.uint8)
    for number, (x0, y0, x1, y1) in enumerate(boxes):
        pixels[:, y0:y1, x0:x1] = np.array(colour_of(number), np.uint8)[:, None, None]
    for x0, y0, x1, y1 in empty:
        pixels[:, y0:y1, x0:x1] = 0
    write_tiff(path, pixels, geotransform, epsg, wkt, nodata=0 if empty else None)
    return Made(str(path), [tuple(map(float, box)) for box in boxes], geotransform)


def spread(width, height, count, seed, smallest=12, largest=60):
    """Boxes anywhere that do not touch."""
    dice, boxes = np.random.default_rng(seed), []
    for _ in range(count * 50):
        w, h = (int(side) for side in dice.integers(smallest, largest, 2))
        x, y = int(dice.integers(0, width - w)), int(dice.integers(0, height - h))
        box = (x, y, x + w, y + h)
        if all(
            box[0] > b[2] + 3 or b[0] > box[2] + 3 or box[1] > b[3] + 3 or b[1] > box[3] + 3
            for b in boxes
        ):
            boxes.append(box)
        if len(boxes) == count:
            break
    return boxes


def eyes(boxes, kinds=None, least_px=4):
    """A detector for `StubService.answer_items`: the box of every colour that it sees, whatever it is asked.

    Args:
        boxes: those of the raster.
        kinds: label of each; an item asks for those whose label its query contains. None = all are tanks.
        least_px: pixels from which it says that something is there.
    """
    numbers = {colour_of(number): number for number in range(len(boxes))}

    def answer(item, image):
        pixels = picture(image)
        keys = (pixels.astype(np.uint32) * np.array([65536, 256, 1], np.uint32)).sum(axis=2)
        found = []
        for key in np.unique(keys):
            number = numbers.get((int(key) >> 16, int(key) >> 8 & 255, int(key) & 255))
            label = "tank" if kinds is None else kinds[number] if number is not None else ""
            if number is None or (kinds is not None and label not in item["query"]):
                continue
            rows, columns = np.nonzero(keys == key)
            if len(rows) >= least_px:
                box = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
                found.append(
                    {"rank": len(found), "label": label, "box_px": [float(v) for v in box]}
                )
        return found

    return answer
