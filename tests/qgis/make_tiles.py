"""A generated photograph with a kind of object whose name the embedded model was never taught: tiles laid out on a lawn."""

import numpy as np

SPACING_PX = 420
"""Between the middles of two tiles: a picture of one shows no other as a whole."""
LAWN, TILE = (96, 120, 80), (214, 120, 60)


def draw_tiles(columns, rows, seed=0):
    """``(3, height, width)`` uint8, and the box of every tile in its pixels, row by row from the top left.

    Args:
        columns: of tiles.
        rows: of tiles.
        seed: of sizes, places and grain.
    """
    dice = np.random.default_rng(seed)
    height, width = rows * SPACING_PX, columns * SPACING_PX
    pixels = np.array(LAWN, float)[:, None, None] + dice.normal(0, 6, (3, height, width))
    boxes = []
    for row in range(rows):
        for column in range(columns):
            x, y = (
                np.array([column, row]) * SPACING_PX + SPACING_PX // 2 + dice.integers(-40, 41, 2)
            )
            half_width, half_height = dice.integers(26, 46, 2)
            box = (x - half_width, y - half_height, x + half_width, y + half_height)
            left, top, right, bottom = (int(edge) for edge in box)
            pixels[:, top:bottom, left:right] = np.array(TILE)[:, None, None]
            boxes.append((left, top, right, bottom))
    return pixels.clip(0, 255).astype(np.uint8), boxes
