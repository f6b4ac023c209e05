"""Names only: nothing that reads or writes rasters and layers runs here."""


class _Names:
    """A constant is its name, so that modules can be imported; a call fails."""

    def __init__(self, module):
        self._module = module

    def __getattr__(self, name):
        return f"{self._module}.{name}"


gdal, ogr, osr = _Names("gdal"), _Names("ogr"), _Names("osr")
