#!/usr/bin/python3
"""Make the GeoTIFF of the demo: a generated scene, laid on the map. Run with QGIS's Python (it needs osgeo).

    scripts/make_demo_raster.py OUT.tif

EPSG:32633, 0.3 m, north-up: a place near Vienna that looks nothing like this.
"""

import sys
from pathlib import Path

from osgeo import gdal, osr

PICTURE = Path(__file__).resolve().parent.parent / "resources" / "demo" / "tank-farm.png"
EPSG = 32633
PIXEL_M = 0.3
LEFT_M, TOP_M = 601_200.0, 5_340_900.0


def make(path: str) -> None:
    """Write the raster, replacing an older one."""
    gdal.UseExceptions()
    picture = gdal.Open(str(PICTURE))
    driver = gdal.GetDriverByName("GTiff")
    raster = driver.Create(
        path,
        picture.RasterXSize,
        picture.RasterYSize,
        3,
        gdal.GDT_Byte,
        ["TILED=YES", "COMPRESS=DEFLATE", "PREDICTOR=2", "PHOTOMETRIC=RGB"],
    )
    crs = osr.SpatialReference()
    crs.ImportFromEPSG(EPSG)
    raster.SetProjection(crs.ExportToWkt())
    raster.SetGeoTransform((LEFT_M, PIXEL_M, 0.0, TOP_M, 0.0, -PIXEL_M))
    for number in (1, 2, 3):
        raster.GetRasterBand(number).WriteRaster(
            0,
            0,
            picture.RasterXSize,
            picture.RasterYSize,
            picture.GetRasterBand(number).ReadRaster(),
        )
    raster.FlushCache()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    make(sys.argv[1])
