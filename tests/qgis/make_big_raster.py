"""GeoTIFFs of any size, full of picture, in milliseconds and under a megabyte on disk.

A tiled TIFF names for each tile the place of its bytes in the file. Here many tiles name the same bytes: the file is
valid and a reader decodes every tile of it, but equal tiles are stored once. Overviews are made the same way: a tile of
the next level depends only on which four tiles it averages.
"""

import struct
import zlib
from pathlib import Path

import numpy as np

TILE_PX = 512
PIXEL_M = 0.3
WEST_M, NORTH_M = 500_000.0, 5_400_000.0
MARK = (230, 20, 20)
ASCII, SHORT, LONG, DOUBLE = 2, 3, 4, 12
SIZES_BYTES = {ASCII: 1, SHORT: 2, LONG: 4, DOUBLE: 8}
CODES = {ASCII: "s", SHORT: "H", LONG: "I", DOUBLE: "d"}


class BigRaster:
    """A square RGB raster in EPSG:32633 of one textured tile, with one red tile at `marked_tile` (column, row)."""

    def __init__(self, side_px: int, marked_tile=(0, 0)) -> None:
        self.side_px = side_px
        self.marked_tile = marked_tile
        self._tiles = [_texture(), np.full((TILE_PX, TILE_PX, 3), MARK, np.uint8)]
        self._parents = {}

    def write(self, path: Path, with_overviews: bool) -> Path:
        """Write the file."""
        across = -(-self.side_px // TILE_PX)
        grid = np.zeros((across, across), int)
        grid[self.marked_tile[1], self.marked_tile[0]] = 1
        levels = [(self.side_px, grid)]
        while with_overviews and levels[-1][0] > TILE_PX:
            side_px, grid = levels[-1]
            levels.append((-(-side_px // 2), self._halved(grid)))
        with path.open("wb") as file:
            file.write(b"II*\0\0\0\0\0")
            places = []
            for tile in self._tiles:
                data = zlib.compress(tile.tobytes(), 1)
                places.append((file.tell(), len(data)))
                file.write(data)
            link = 4
            for number, (side_px, grid) in enumerate(levels):
                link = _write_directory(file, link, side_px, grid.ravel(), places, number > 0)
        return path

    def marked_map(self):
        """Extent of the red tile: left, bottom, right, top."""
        column, row = self.marked_tile
        side_m = TILE_PX * PIXEL_M
        left, top = WEST_M + column * side_m, NORTH_M - row * side_m
        return left, top - side_m, left + side_m, top

    def _halved(self, grid):
        across = -(-len(grid) // 2)
        padded = np.pad(grid, (0, across * 2 - len(grid)), mode="edge")
        return np.array(
            [
                [
                    self._parent(tuple(padded[2 * y : 2 * y + 2, 2 * x : 2 * x + 2].ravel()))
                    for x in range(across)
                ]
                for y in range(across)
            ]
        )

    def _parent(self, children):
        """Number of the tile that averages four others, made when it is first asked for."""
        if children not in self._parents:
            four = [self._tiles[child] for child in children]
            whole = np.vstack([np.hstack(four[:2]), np.hstack(four[2:])])
            half = whole.reshape(TILE_PX, 2, TILE_PX, 2, 3).mean(axis=(1, 3))
            self._tiles.append(half.astype(np.uint8))
            self._parents[children] = len(self._tiles) - 1
        return self._parents[children]


def _texture():
    """Grey fields of several sizes, whose average is the same on every level."""
    rng = np.random.default_rng(5)
    grey = np.zeros((TILE_PX, TILE_PX))
    for size in (8, 32, 128):
        grey += np.kron(rng.normal(0, 20, (TILE_PX // size,) * 2), np.ones((size, size)))
    return np.repeat(np.clip(grey + 120, 1, 255).astype(np.uint8)[:, :, None], 3, axis=2)


def _write_directory(file, link, side_px, numbers, places, is_overview):
    """One image of the file, named at `link`; returns where the next one is to be named."""
    entries = [
        (254, LONG, [1 if is_overview else 0]),
        (256, LONG, [side_px]),
        (257, LONG, [side_px]),
        (258, SHORT, [8, 8, 8]),
        (259, SHORT, [8]),  # deflate
        (262, SHORT, [2]),  # RGB
        (277, SHORT, [3]),
        (284, SHORT, [1]),  # pixel by pixel
        (322, SHORT, [TILE_PX]),
        (323, SHORT, [TILE_PX]),
        (324, LONG, [places[number][0] for number in numbers]),
        (325, LONG, [places[number][1] for number in numbers]),
    ]
    if not is_overview:
        keys = [1, 1, 0, 3, 1024, 0, 1, 1, 1025, 0, 1, 1, 3072, 0, 1, 32633]
        entries += [
            (33550, DOUBLE, [PIXEL_M, PIXEL_M, 0.0]),
            (33922, DOUBLE, [0.0, 0.0, 0.0, WEST_M, NORTH_M, 0.0]),
            (34735, SHORT, keys),
        ]
    fields = []
    for tag, kind, values in entries:
        data = struct.pack(f"<{len(values)}{CODES[kind]}", *values)
        if len(data) > 4:
            file.write(b"\0" * (file.tell() % 2))
            data, place = struct.pack("<I", file.tell()), data
            file.write(place)
        fields.append(struct.pack("<HHI", tag, kind, len(values)) + data.ljust(4, b"\0"))
    file.write(b"\0" * (file.tell() % 2))
    here = file.tell()
    file.write(struct.pack("<H", len(fields)) + b"".join(fields))
    next_link = file.tell()
    file.write(struct.pack("<I", 0))
    end = file.tell()
    file.seek(link)
    file.write(struct.pack("<I", here))
    file.seek(end)
    return next_link
