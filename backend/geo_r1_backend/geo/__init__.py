"""Rasters and vectors of the command line; the only importer of rasterio, pyogrio, shapely and pyproj."""
