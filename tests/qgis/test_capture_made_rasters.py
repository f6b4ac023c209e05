"""Rasters of every kind of number, band and file, made here: the picture is QGIS's to the last bit, or a sentence."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest
from osgeo import gdal
from qgis.core import QgsContrastEnhancement, QgsMapSettings, QgsRasterLayer

from geo_r1_qgis.capture.plan import plan_view
from geo_r1_qgis.tasks.capture_task import CaptureTask
from geo_r1_qgis.tasks.outcome import Done, Failed
from tests.qgis.make_odd_rasters import HOLE, RGBA, make, mask, palette, scene, with_hole
from tests.qgis.make_rasters import picture
from tests.qgis.test_capture_render import settings_over, shown_by_qgis

NO_DATA = "has no data in this area"
NOT_DRAWN = "which QGIS does not draw"
ONE_COLOUR = "is one colour here"
GREY = 128


class Made(NamedTuple):
    """How a raster is made, and what comes of it."""

    pixels: Callable[[], np.ndarray]
    kind: int
    sentence: str = ""
    """Part of the error that is expected instead of a picture."""
    warning: str = ""
    has_hole: bool = False
    options: tuple = ()
    nodata: float | None = None
    colours: tuple = ()
    before: Callable | None = None


def numbers(kind, bands, low, high, **more):
    return Made(lambda: scene(bands, low, high), kind, **more)


def holed(kind, bands, low, high, value, **more):
    return Made(lambda: with_hole(scene(bands, low, high), value), kind, has_hole=True, **more)


def constant(kind, bands, value, **more):
    return Made(lambda: np.full((bands, 160, 240), value), kind, **more)


def complex_numbers(kind):
    return Made(
        lambda: scene(1, -90, 900) + 1j * scene(1, 0, 200, seed=9), kind, sentence=NOT_DRAWN
    )


def infinite():
    pixels = with_hole(scene(1, 0, 1), np.nan)
    pixels[:, 70:90, :30], pixels[:, 100:120, :30] = np.inf, -np.inf
    return pixels


BYTE, UINT16, FLOAT32 = gdal.GDT_Byte, gdal.GDT_UInt16, gdal.GDT_Float32
RASTERS = {
    "uint8, 1 band": numbers(BYTE, 1, 0, 255),
    "uint8, 2 bands": numbers(BYTE, 2, 0, 255),
    "uint8, 3 bands": numbers(BYTE, 3, 0, 255),
    "uint8, 4 bands": numbers(BYTE, 4, 0, 255),
    "uint8, 6 bands": numbers(BYTE, 6, 0, 255),
    "uint8, 224 bands": numbers(BYTE, 224, 0, 255),
    "int8": Made(
        lambda: scene(1, -100, 100).astype(np.int8).view(np.uint8),
        BYTE,
        options=("PIXELTYPE=SIGNEDBYTE",),
    ),
    "uint16, 3 bands": numbers(UINT16, 3, 0, 40_000),
    "int16, below zero": numbers(gdal.GDT_Int16, 1, -3000, 3000),
    "uint32": numbers(gdal.GDT_UInt32, 1, 0, 4e9),
    "int32": numbers(gdal.GDT_Int32, 1, -2e9, 2e9),
    "float32, the largest numbers": numbers(FLOAT32, 1, -3e38, 3e38),
    "float64, very small numbers": numbers(gdal.GDT_Float64, 1, -1e-6, 1e-6),
    "float of 16 bits": numbers(FLOAT32, 1, 0, 1, options=("NBITS=16",)),
    "float with NaN": holed(FLOAT32, 1, 0, 1, np.nan),
    "float with NaN, 3 bands": holed(FLOAT32, 3, 0, 1, np.nan),
    "float with NaN and both infinities": Made(
        infinite, FLOAT32, has_hole=True, warning=ONE_COLOUR
    ),
    "all NaN": constant(FLOAT32, 1, np.nan, sentence=NO_DATA),
    "all infinite": constant(FLOAT32, 1, np.inf, sentence=NO_DATA),
    "complex int16": complex_numbers(gdal.GDT_CInt16),
    "complex int32": complex_numbers(gdal.GDT_CInt32),
    "complex float32": complex_numbers(gdal.GDT_CFloat32),
    "complex float64": complex_numbers(gdal.GDT_CFloat64),
    "palette": numbers(BYTE, 1, 0, 7.99, before=palette),
    "palette of 16 bits": numbers(UINT16, 1, 0, 7.99, before=palette),
    "1 bit": numbers(BYTE, 1, 0, 1.99, options=("NBITS=1",)),
    "4 bits": numbers(BYTE, 1, 0, 15.99, options=("NBITS=4",)),
    "12 bits": numbers(UINT16, 3, 0, 4095, options=("NBITS=12",)),
    "white is 0": numbers(BYTE, 1, 0, 255, options=("PHOTOMETRIC=MINISWHITE",)),
    "JPEG inside, as brightness and colour": numbers(
        BYTE, 3, 0, 255, options=("COMPRESS=JPEG", "PHOTOMETRIC=YCBCR")
    ),
    "ink colours": numbers(BYTE, 4, 0, 255, options=("PHOTOMETRIC=CMYK",)),
    "grey and alpha": Made(
        lambda: np.stack([scene(1, 0, 255)[0], with_hole(scene(1, 255, 255.9), 0)[0]]),
        BYTE,
        has_hole=True,
        options=("ALPHA=YES",),
        colours=(gdal.GCI_GrayIndex, gdal.GCI_AlphaBand),
    ),
    "alpha of 8 bits, soft": numbers(BYTE, 4, 0, 255, options=("ALPHA=YES",), colours=RGBA),
    "nodata all over": constant(FLOAT32, 1, -9999, nodata=-9999, sentence=NO_DATA),
    "nodata all over, 3 bands": constant(BYTE, 3, 0, nodata=0, sentence=NO_DATA),
    "nodata of 16 bits": holed(UINT16, 3, 0, 60_000, 65_535, nodata=65_535),
    "nodata is infinite": holed(FLOAT32, 1, 0, 1, np.inf, nodata=float("inf")),
    "mask": numbers(BYTE, 3, 0, 255, before=mask, has_hole=True),
    "mask, 1 band": numbers(BYTE, 1, 0, 255, before=mask, has_hole=True),
    "one value": constant(FLOAT32, 1, 7.5, warning=ONE_COLOUR),
    "one value, 3 bands": constant(UINT16, 3, 77, warning=ONE_COLOUR),
    "one pixel": Made(lambda: np.full((3, 1, 1), 77), BYTE, warning=ONE_COLOUR),
    "one row": Made(lambda: scene(3, 0, 255)[:, :1], BYTE, warning="no data"),
}
if hasattr(gdal, "GDT_Int64"):  # GDAL 3.5
    RASTERS["int64"] = numbers(gdal.GDT_Int64, 1, -2e12, 2e12, sentence=NOT_DRAWN)
DRAWN_BY_SOME = ("complex", "int64")
"""What newer versions of QGIS draw: then the picture is compared, and there is no sentence."""


def outcome_of(layer):
    settings = settings_over(layer) if layer.isValid() else QgsMapSettings()
    plan = plan_view(settings, layer)
    task = CaptureTask(plan)
    task.run()
    task.finished(True)
    return plan, task.outcome


WHERE = [(name, "in the file") for name in RASTERS] + [
    (name, "beside it") for name, made in RASTERS.items() if made.before is mask
]


@pytest.mark.parametrize(("name", "where"), WHERE)
def test_made_raster_is_sent_as_it_is_shown(tmp_path, qgis_app, name, where):
    """Every bit of the picture is QGIS's own, or the error says why there is none and what to do."""
    made = RASTERS[name]
    gdal.SetConfigOption("GDAL_TIFF_INTERNAL_MASK", "YES" if where == "in the file" else "NO")
    make(
        tmp_path / "made.tif",
        made.pixels(),
        made.kind,
        options=made.options,
        nodata=made.nodata,
        colours=made.colours,
        before=made.before,
    )
    gdal.SetConfigOption("GDAL_TIFF_INTERNAL_MASK", None)
    layer = QgsRasterLayer(str(tmp_path / "made.tif"), "made")

    plan, outcome = outcome_of(layer)

    shown = shown_by_qgis(plan)
    is_drawn = (shown != GREY).any() or name.startswith("one pixel")
    if made.sentence and not (is_drawn and name.startswith(DRAWN_BY_SOME)):
        assert isinstance(outcome, Failed)
        assert made.sentence in str(outcome.error)
        assert outcome.error.hint
        return
    assert isinstance(outcome, Done), outcome.error
    sent = picture(outcome.value.image_bytes)
    assert np.array_equal(sent, shown)
    assert made.warning in outcome.value.warning
    if made.has_hole:
        assert (sent[HOLE] == GREY).all()
        assert outcome.value.empty_share > 0.05


def stretch_alike(layer, other):
    """Give both the contrast of the first: QGIS 3.40 and later leave hidden pixels out when they look for it."""
    for colour in ("Red", "Green", "Blue"):
        found = getattr(layer.renderer(), f"{colour.lower()}ContrastEnhancement")()
        set_to = getattr(other.renderer(), f"set{colour}ContrastEnhancement")
        set_to(QgsContrastEnhancement(found))


@pytest.mark.parametrize(
    ("low", "high"), [(0, 65_535), (0, 255), (1, 200)], ids=["0 .. 65535", "0 .. 255", "1 .. 200"]
)
def test_wide_alpha_keeps_the_colours(tmp_path, qgis_app, low, high):
    """Where an alpha band of 16 bits is not zero the colours are the file's; QGIS 3.22 shows others in between."""
    pixels = scene(4, 0, 65_535)
    pixels[3] = with_hole(scene(1, low, high), 0)[0]
    pixels[3][pixels[3] < 1] = 0
    make(tmp_path / "rgba.tif", pixels, UINT16, options=("ALPHA=YES",), colours=RGBA)
    make(tmp_path / "rgb.tif", pixels[:3], UINT16)
    layer = QgsRasterLayer(str(tmp_path / "rgba.tif"), "rgba")
    opaque = QgsRasterLayer(str(tmp_path / "rgb.tif"), "rgb")
    stretch_alike(layer, opaque)

    _, outcome = outcome_of(layer)
    _, truth = outcome_of(opaque)

    sent, colours = (picture(each.value.image_bytes) for each in (outcome, truth))
    there = pixels[3] >= 1
    assert np.array_equal(sent[there], colours[there])
    assert (sent[~there] == GREY).all()


FILES = {
    "empty": lambda whole: b"",
    "only a header": lambda whole: whole[:200],
    "another kind of file": lambda whole: b"hello",
    "cut off": lambda whole: whole[: len(whole) // 2],
    "overwritten": lambda whole: whole[:9000] + bytes(range(256)) * 40 + whole[19_240:],
}


@pytest.mark.parametrize("damage", FILES)
def test_damaged_file_is_a_sentence_or_what_is_left_of_it(tmp_path, qgis_app, damage):
    """A file that is empty, cut off, overwritten or no raster is refused by name, or its readable part is remarked on."""
    options = ("COMPRESS=DEFLATE", "TILED=YES", "BLOCKXSIZE=64", "BLOCKYSIZE=64")
    whole = make(tmp_path / "whole.tif", scene(3, 0, 255), BYTE, options=options).read_bytes()
    (tmp_path / "harmed.tif").write_bytes(FILES[damage](whole))

    _, outcome = outcome_of(QgsRasterLayer(str(tmp_path / "harmed.tif"), "harmed"))

    if isinstance(outcome, Done):
        assert "Parts of “harmed” could not be drawn" in outcome.value.warning
    else:
        assert "harmed" in str(outcome.error)
        assert any(
            words in str(outcome.error) for words in ("could not be drawn", "cannot be read")
        )


def test_file_that_is_cut_off_under_the_layer_is_a_sentence(tmp_path, qgis_app):
    """A file that another program truncates after QGIS opened it: the reason, not a grey picture."""
    path = make(tmp_path / "made.tif", scene(3, 0, 255), BYTE)
    layer = QgsRasterLayer(str(path), "made")
    path.write_bytes(path.read_bytes()[:2000])

    _, outcome = outcome_of(layer)

    assert isinstance(outcome, Failed)
    assert "“made” could not be drawn" in str(outcome.error)


FORMATS = ("PNG", "JPEG", "GPKG", "VRT", "JP2OpenJPEG", "AAIGrid", "netCDF")
KNOWN_FORMATS = [name for name in FORMATS if gdal.GetDriverByName(name) is not None]


@pytest.mark.parametrize("driver", KNOWN_FORMATS)
def test_other_formats_are_sent_as_they_are_shown(tmp_path, qgis_app, driver):
    """A raster that is no GeoTIFF is sent like one."""
    bands = 1 if driver in ("AAIGrid", "netCDF") else 3
    source = make(tmp_path / "source.tif", scene(bands, 0, 255), BYTE)
    options = ["WORLDFILE=YES"] if driver in ("PNG", "JPEG") else []
    path = tmp_path / f"copy.{driver.lower()}"
    gdal.GetDriverByName(driver).CreateCopy(str(path), gdal.Open(str(source)), options=options)

    plan, outcome = outcome_of(QgsRasterLayer(str(path), "copy"))

    assert isinstance(outcome, Done), outcome.error
    difference = np.abs(picture(outcome.value.image_bytes).astype(int) - shown_by_qgis(plan))
    assert np.percentile(difference, 99) <= 2
    assert outcome.value.empty_share < 0.5


def test_mosaic_with_a_missing_file_is_a_sentence(tmp_path, qgis_app):
    """A virtual mosaic one of whose files is gone is refused, or sent with the remark that parts are missing."""
    names = [tmp_path / "left.tif", tmp_path / "right.tif"]
    for name in names:
        make(name, scene(3, 0, 255), BYTE)
    right = gdal.Open(str(names[1]), gdal.GA_Update)
    right.SetGeoTransform((500_072.0, 0.3, 0.0, 5_400_000.0, 0.0, -0.3))
    del right
    gdal.BuildVRT(str(tmp_path / "both.vrt"), [str(name) for name in names]).FlushCache()
    names[1].unlink()

    _, outcome = outcome_of(QgsRasterLayer(str(tmp_path / "both.vrt"), "both"))

    said = outcome.value.warning if isinstance(outcome, Done) else str(outcome.error)
    assert "could not be drawn" in said
    assert "both" in said
