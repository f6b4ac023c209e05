"""Names of Qt and QGIS in the plugin's source, asked of the QGIS that runs the tests: 3.22, 3.40, 3.44 alike."""

import pytest

from tests.plugin_names import fault_of, uses_in, uses_of_plugin


def test_every_name_is_there_and_scoped(project_folder, qgis_app):
    """Whatever class, method or enum the plugin names is in this QGIS, and no enum is used unscoped."""
    uses = uses_of_plugin(project_folder)
    assert len(uses) > 300

    assert sorted({fault_of(use) for use in uses} - {""}) == []


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("from qgis.core import QgsWkbTypes\nQgsWkbTypes.PolygonGeometry", "not scoped"),
        ("from qgis.core import Qgis\nQgis.Warning", "not scoped"),
        ("from qgis.core import QgsTask\nQgsTask.CanCancel", "not scoped"),
        ("from qgis.PyQt.QtCore import Qt\nQt.AlignLeft", "not scoped"),
        ("from qgis.PyQt.QtWidgets import QFrame\nQFrame.HLine", "not scoped"),
        ("from qgis.PyQt.QtWidgets import QSizePolicy\nkind = QSizePolicy.Policy\nkind.Fixed", ""),
        ("from qgis.core import QgsWkbTypes\nQgsWkbTypes.GeometryType.PolygonGeometry", ""),
        ("from qgis.core import QgsWkbTypes\nQgsWkbTypes.GeometryType.Polygons", "there is no"),
        ("from qgis.core import QgsRasterMagic", "there is no"),
    ],
)
def test_the_check_finds_what_it_should(qgis_app, line, word):
    """Unscoped enums and names that are not there are told; scoped ones are not."""
    faults = [fault_of(use) for use in uses_in(line, "x.py")]

    assert any(word in fault for fault in faults) if word else not any(faults)
