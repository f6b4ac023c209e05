"""The provider `geo_r1`: whole rasters and fine-tuning in Processing's toolbox, in models, in scripts and under `qgis_process`."""

from __future__ import annotations

from pathlib import Path

from qgis.core import QgsProcessingProvider
from qgis.PyQt.QtGui import QIcon

from ..network.access import AccessKeeper
from .build_dataset import BuildDataset
from .detect_all import DetectAll
from .evaluate import Evaluate
from .ground import Ground
from .ground_table import GroundTable
from .train import Train

ICON = Path(__file__).resolve().parent.parent / "resources" / "icon.svg"


class GeoR1Provider(QgsProcessingProvider):
    """Needs no window: the dock may never have been opened."""

    def __init__(self, access: AccessKeeper) -> None:
        super().__init__()
        self._access = access

    def id(self) -> str:
        return "geo_r1"

    def name(self) -> str:
        return "Geo-R1"

    def icon(self) -> QIcon:
        return QIcon(str(ICON))

    def loadAlgorithms(self) -> None:
        for algorithm in (Ground, DetectAll, GroundTable, BuildDataset, Train, Evaluate):
            self.addAlgorithm(algorithm(self._access))
