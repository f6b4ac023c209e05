"""What algorithms about whole rasters are given and what they hand out."""

from __future__ import annotations

from qgis.core import (
    QgsProcessing,
    QgsProcessingOutputNumber,
    QgsProcessingOutputString,
    QgsProcessingParameterExtent,
    QgsProcessingParameterFeatureSink,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterField,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterNumber,
    QgsProcessingParameterRasterLayer,
    QgsProcessingParameterString,
)
from qgis.PyQt.QtCore import QCoreApplication

from .algorithm import ServiceAlgorithm

translate = QCoreApplication.translate


class SceneParameters(ServiceAlgorithm):
    """Declares them; an algorithm calls these in the order in which its dialog shows them."""

    def add_raster(self) -> None:
        """Declare what is looked at."""
        raster = translate("GeoR1Processing", "Raster to look at")
        self.add(QgsProcessingParameterRasterLayer("RASTER", raster))

    def add_place(self) -> None:
        """Declare which part of it, and what most people leave as it is."""
        extent = translate("GeoR1Processing", "Part to look at (empty: all of it)")
        self.add(QgsProcessingParameterExtent("EXTENT", extent, optional=True))
        self.add(
            QgsProcessingParameterFeatureSource(
                "AREAS",
                translate("GeoR1Processing", "Areas, each with answers of its own (instead of a part)"),
                [QgsProcessing.SourceType.TypeVectorPolygon],
                optional=True,
            )
        )  # fmt: skip
        self.add(
            QgsProcessingParameterField(
                "AREA_FIELD",
                translate("GeoR1Processing", "Field that names the areas (empty: number of the feature)"),
                parentLayerParameterName="AREAS",
                optional=True,
            )
        )  # fmt: skip
        self.add(
            QgsProcessingParameterNumber(
                "M_PER_PX",
                translate("GeoR1Processing", "Metres per pixel that is sent (0: the raster's own)"),
                QgsProcessingParameterNumber.Type.Double,
                defaultValue=0.0,
                minValue=0.0,
            ),
            is_advanced=True,
        )
        self.add(
            QgsProcessingParameterString(
                "MODEL",
                translate("GeoR1Processing", "Model (empty: the one chosen in the dock)"),
                optional=True,
            ),
            is_advanced=True,
        )
        self.add(
            QgsProcessingParameterFileDestination(
                "JOURNAL",
                translate("GeoR1Processing", "Result file in which every tile is kept: run it again, and only what is missing is asked"),
                translate("GeoR1Processing", "GeoPackage (*.gpkg)"),
                optional=True,
                createByDefault=False,
            ),
            is_advanced=True,
        )  # fmt: skip

    def add_outputs(self) -> None:
        """Declare the objects and how it ended."""
        objects = translate("GeoR1Processing", "Objects")
        polygons = QgsProcessing.SourceType.TypeVectorPolygon
        self.add(QgsProcessingParameterFeatureSink("OUTPUT", objects, polygons))
        for name, says in (
            ("COUNT", translate("GeoR1Processing", "Objects that were found")),
            ("TILES", translate("GeoR1Processing", "Tiles that were answered")),
            (
                "EMPTY",
                translate(
                    "GeoR1Processing", "Tiles that were not asked: no data, or beside all areas"
                ),
            ),
            ("FAILED", translate("GeoR1Processing", "Tiles without an answer")),
        ):
            self.addOutput(QgsProcessingOutputNumber(name, says))
        ended = translate("GeoR1Processing", "How it ended: finished or stopped")
        self.addOutput(QgsProcessingOutputString("OUTCOME", ended))
