"""`geo-r1 ask`: pictures and rasters in, reasoning and outlines out."""

from __future__ import annotations

import json
import math

import numpy as np
import pyogrio
import pyproj
import pytest
import rasterio
import shapely
from rasterio.enums import ColorInterp
from rasterio.transform import Affine

from geo_r1_backend import ask as ask_module
from geo_r1_backend.cli import main
from geo_r1_backend.errors import ChipUnreadable, ConfigError, ImageAspect, ImageTooSmall
from geo_r1_backend.geo.raster import read_raster
from tests.backend.conftest import png
from tests.backend.fixed_engine import FixedEngine, loader

UTM = "EPSG:32651"
COS, SIN = 0.5 * math.cos(math.radians(30)), 0.5 * math.sin(math.radians(30))
ROTATED = Affine(COS, SIN, 500_000, SIN, -COS, 1_600_000)
"""Half-metre pixels, turned by 30 degrees."""


@pytest.fixture
def fixed(monkeypatch, model_folder, tmp_path):
    """Every question of this test goes to a fixed engine; commands get a data folder of their own."""
    monkeypatch.setenv("GEO_R1_HOME", str(tmp_path / "home"))
    engines = []

    def use(answer=None, **settings):
        engine = FixedEngine(**({"answer": answer} if answer else {}), **settings)
        engines.append(engine)
        monkeypatch.setattr(ask_module, "load_engine", lambda model, threads: loader(engine)(model))
        return engine

    use()
    return use


def write_tif(path, pixels, *, transform=ROTATED, crs=UTM, **more):
    bands, height_px, width_px = pixels.shape
    profile = {
        "driver": "GTiff",
        "count": bands,
        "width": width_px,
        "height": height_px,
        "dtype": pixels.dtype,
    }
    with rasterio.open(path, "w", **profile, crs=crs, transform=transform, **more) as target:
        target.write(pixels)
    return path


def rgb(width_px=448, height_px=448):
    return np.full((3, height_px, width_px), 90, np.uint8)


def ask(*arguments):
    return main(["ask", *map(str, arguments), "--model", "fixed"])


def test_picture_is_answered_in_words(fixed, tmp_path, capsys):
    """A PNG gives reasoning and boxes on the terminal."""
    (tmp_path / "a.png").write_bytes(png(448, 448))

    code = ask(tmp_path / "a.png", "the largest tank")

    said = capsys.readouterr().out
    assert code == 0
    assert "Largest: [50,60,90,95]." in said
    assert "1. tank  [50, 60, 90, 95] px" in said


def test_rotated_raster_gives_true_quadrilaterals(fixed, tmp_path):
    """All four corners of a box go through the raster's affine; the outline is turned with it."""
    path = write_tif(tmp_path / "a.tif", rgb())
    out = tmp_path / "a.gpkg"

    code = ask(path, "the largest tank", "--out", out)

    meta, _, geometry, fields = pyogrio.raw.read(out, layer="detections")
    shape = shapely.from_wkb(geometry[0])
    corners = {
        (COS * x + SIN * y + 500_000, SIN * x - COS * y + 1_600_000)
        for x, y in [(50, 60), (90, 60), (90, 95), (50, 95)]
    }
    found = {tuple(xy) for xy in shape.geoms[0].exterior.coords}
    assert code == 0
    assert shape.geom_type == "MultiPolygon"
    assert {tuple(np.round(xy, 6)) for xy in found} == {tuple(np.round(xy, 6)) for xy in corners}
    assert shape.area == pytest.approx(40 * 35 * 0.25)
    assert shape.geoms[0].exterior.is_ccw
    columns = dict(zip(meta["fields"], fields, strict=True))
    assert pyproj.CRS(meta["crs"]) == pyproj.CRS(UTM)
    assert columns["label"][0] == "tank"
    assert columns["area_m2"][0] == pytest.approx(40 * 35 * 0.25, rel=0.01)
    assert (columns["x_min_px"][0], columns["y_max_px"][0]) == (50, 95)


def test_large_raster_is_read_small_and_answered_in_its_place(fixed, tmp_path):
    """A raster larger than what is looked at is shrunk on reading; outlines lie where the object is."""
    path = write_tif(tmp_path / "a.tif", rgb(4096, 2048), transform=Affine(2, 0, 1000, 0, -2, 9000))

    chip = ask_module.read_chip(path)

    assert (chip.image.width, chip.image.height) == (1024, 512)
    assert (chip.source_width_px, chip.source_height_px) == (4096, 2048)
    assert chip.to_map(0, 0) == (1000, 9000)
    assert chip.to_map(1024, 512) == (1000 + 4096 * 2, 9000 - 2048 * 2)


def test_geojson_is_in_longitude_and_latitude(fixed, tmp_path):
    """GeoJSON is written as its standard wants it, whatever the raster's CRS."""
    path = write_tif(tmp_path / "a.tif", rgb())

    ask(path, "the largest tank", "--out", tmp_path / "a.geojson")

    written = json.loads((tmp_path / "a.geojson").read_text())
    x, y = written["features"][0]["geometry"]["coordinates"][0][0][0]
    assert 122 < x < 124
    assert 14 < y < 15


def test_file_is_not_overwritten_without_being_told(fixed, tmp_path):
    """A file that is there stays, and no model is asked in vain."""
    (tmp_path / "a.png").write_bytes(png(448, 448))
    out = tmp_path / "a.gpkg"

    assert ask(tmp_path / "a.png", "tank", "--out", out) == 0
    before = out.stat().st_mtime_ns
    engine = fixed()
    assert ask(tmp_path / "a.png", "tank", "--out", out) == 1
    assert engine.seen == []
    assert out.stat().st_mtime_ns == before
    assert ask(tmp_path / "a.png", "tank", "--out", out, "--overwrite") == 0


def test_nothing_found_is_said_and_no_file_is_made(fixed, tmp_path, capsys):
    """None is an answer: it is said, the exit code is 0, and no empty file pretends otherwise."""
    fixed("<think>Find ships: none.</think><answer>None</answer>")
    (tmp_path / "a.png").write_bytes(png(448, 448))

    code = ask(tmp_path / "a.png", "ship", "--all", "--out", tmp_path / "a.gpkg")

    assert code == 0
    assert "no such object" in capsys.readouterr().out
    assert not (tmp_path / "a.gpkg").exists()


def test_failing_engine_is_a_failing_command(fixed, tmp_path, capsys):
    """When the engine fails, the command says why and fails."""
    fixed(fail_after=1)
    (tmp_path / "a.png").write_bytes(png(448, 448))

    assert ask(tmp_path / "a.png", "ship") == 1
    assert "out of memory" in capsys.readouterr().out


def test_all_objects_of_a_large_picture_are_sought_through_windows(fixed, tmp_path, capsys):
    """The reasoning names the windows; `--detail view` looks once; windows for one object are refused with the way out."""
    from tests.backend.test_windows_answers import (  # fmt: skip
        SEES_448,
        a_picture,
        rows_of_small_things,
        what_is_red,
    )

    fixed(what_is_red, profile=SEES_448, step=200)
    path = tmp_path / "tanks.png"
    a_picture(rows_of_small_things()).save(path)

    assert main(["ask", str(path), "tanks", "--all"]) == 0
    closely = capsys.readouterr().out
    assert main(["ask", str(path), "tanks", "--all", "--detail", "view"]) == 0
    once = capsys.readouterr().out
    assert main(["ask", str(path), "tanks", "--detail", "windows"]) == 1
    refused = capsys.readouterr()

    assert "Window 2 of 12 [" in closely
    assert closely.count("  [") == len(rows_of_small_things())
    assert "Window" not in once
    assert once.count("  [") == 1
    assert "--all" in refused.out + refused.err


def test_json_prints_the_events(fixed, tmp_path, capsys):
    """--json prints the events of the wire, one per line, and nothing else."""
    (tmp_path / "a.png").write_bytes(png(448, 448))

    ask(tmp_path / "a.png", "tank", "--json")

    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert events[0]["event"] == "started"
    assert events[-1]["event"] == "result"


@pytest.mark.parametrize(
    ("pixels", "expected"),
    [
        (
            np.linspace(0, 4000, 64 * 64).reshape(1, 64, 64).astype(np.uint16),
            (0, 255),
        ),  # 16 bits: stretched
        (
            np.linspace(-1, 1, 64 * 64).reshape(1, 64, 64).astype(np.float32),
            (0, 255),
        ),  # floats as well
        (
            np.full((4, 64, 64), 50, np.uint8),
            (50, 50),
        ),  # 8 bits: as they are; the fourth band is left out
        (np.full((2, 64, 64), 50, np.uint8), (50, 50)),  # two bands: the first, in grey
    ],
)
def test_every_kind_of_band_becomes_8_bit_rgb(tmp_path, pixels, expected):
    """Rasters of any type come out as RGB; more than 8 bits are stretched between the 2nd and 98th percentile."""
    chip = read_raster(write_tif(tmp_path / "a.tif", pixels), longest_side_px=1024)

    extremes = chip.image.getchannel("R").getextrema()
    assert chip.image.mode == "RGB"
    assert extremes == expected


def test_nodata_and_palette_are_understood(tmp_path):
    """Pixels without data are grey; indices of a palette become its colours."""
    pixels = np.zeros((1, 64, 64), np.uint8)
    pixels[0, :, 32:] = 7
    path = write_tif(tmp_path / "p.tif", pixels, nodata=0)
    with rasterio.open(path, "r+") as target:
        target.colorinterp = [ColorInterp.palette]
        target.write_colormap(1, {0: (1, 1, 1), 7: (255, 0, 0)})

    chip = read_raster(path, longest_side_px=64)

    assert chip.image.getpixel((10, 10)) == (127, 127, 127)
    assert chip.image.getpixel((50, 10)) == (255, 0, 0)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["missing.png", "tank"], ChipUnreadable),
        (["broken.tif", "tank"], ChipUnreadable),
        (["small.tif", "tank"], ImageTooSmall),
        (["strip.tif", "tank"], ImageAspect),
        (["good.png", " "], ConfigError),
        (["good.png", "tank", "--out", "a.shp"], ConfigError),
        (["good.png", "tank", "--out", "no/such/folder/a.gpkg"], ConfigError),
    ],
)
def test_what_cannot_work_is_a_sentence_and_exit_code_1(
    fixed, tmp_path, monkeypatch, capsys, arguments, error
):
    """Whatever is wrong with the command is one sentence with a hint, never a traceback."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "good.png").write_bytes(png(64, 64))
    (tmp_path / "broken.tif").write_bytes(b"II*\x00nonsense")
    write_tif(tmp_path / "small.tif", rgb(4, 4))
    write_tif(tmp_path / "strip.tif", rgb(1000, 4))

    assert ask(*arguments) == 1

    said = capsys.readouterr().err
    assert said.startswith("geo-r1: ")
    assert "Traceback" not in said
    assert len(said.splitlines()) >= 2
