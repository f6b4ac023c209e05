"""Everything a user reads can be translated: shown with a made-up language, no English is left."""

import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from qgis.core import QgsCoordinateReferenceSystem
from qgis.PyQt.QtCore import QCoreApplication, QTranslator
from qgis.PyQt.QtWidgets import QAbstractButton, QLabel

from geo_r1_qgis.core.errors import CaptureError, CommandNotFound, ServiceSilent
from geo_r1_qgis.core.settings import Settings
from geo_r1_qgis.core.standing import Endpoint, Kind, Standing
from geo_r1_qgis.gui.dock import GeoR1Dock
from geo_r1_qgis.gui.export_dialog import ExportDialog
from geo_r1_qgis.gui.server_dialog import ServerDialog
from geo_r1_qgis.network.access import AccessKeeper
from geo_r1_qgis.processing.provider import GeoR1Provider

SOURCE = Path(__file__).resolve().parent.parent.parent / "geo_r1_qgis" / "i18n" / "template.ts"
LRELEASE = shutil.which("lrelease") or shutil.which("lrelease-qt5")
UNTRANSLATED = re.compile(r"[A-Za-z]{3,}")

pytestmark = pytest.mark.skipif(
    LRELEASE is None, reason="lrelease is not installed (qttools5-dev-tools)"
)


@pytest.fixture
def made_up_language(qtbot, tmp_path):
    """Every string of the translation file, in double brackets."""
    tree = ET.parse(SOURCE)  # noqa: S314 - our own file
    for message in tree.iter("message"):
        translation = message.find("translation")
        translation.attrib.clear()
        translation.text = f"⟦{message.find('source').text}⟧"
    tree.write(tmp_path / "made_up.ts", encoding="utf-8", xml_declaration=True)
    subprocess.run([LRELEASE, "-silent", str(tmp_path / "made_up.ts")], check=True, timeout=30)
    translator = QTranslator()
    assert translator.load(str(tmp_path / "made_up.qm"))
    QCoreApplication.installTranslator(translator)
    yield
    QCoreApplication.removeTranslator(translator)


def texts(widget):
    """What stands on a widget and its children, and what a screen reader says."""
    found = []
    for child in [*widget.findChildren(QLabel), *widget.findChildren(QAbstractButton)]:
        found.append(child.text())
        found.append(child.toolTip() if "geoR1" in child.objectName() else "")
        found.append(child.accessibleName() if "geoR1" in child.objectName() else "")
    return [text for text in found if text and UNTRANSLATED.search(text)]


def test_no_english_is_left(qtbot, made_up_language):
    """Header, question, notices and dialogs speak the language of the translation file, which knows every string."""
    dock = GeoR1Dock()
    qtbot.addWidget(dock)
    dialogs = [
        ExportDialog(2, QgsCoordinateReferenceSystem("EPSG:4326"), dock),
        ServerDialog(Settings(), dock),
    ]
    seen = texts(dock)
    for dialog in dialogs:
        seen += [text for text in texts(dialog) if "EPSG" not in text]
    for kind in Kind:
        status = dock.header.describe(Standing(kind, Endpoint("u", "t")))
        seen += [text for text in (status.line, status.hint) if text]
    for error in (CommandNotFound(["/a"]), ServiceSilent("u", 30), CaptureError("⟦x⟧")):
        dock.notice.show_error(error)
        seen += dock.notice.text.splitlines()

    english = [
        text
        for text in seen
        if "⟦" not in text and text not in ("Geo-R1 · ready", "OK", "Cancel", "&OK", "&Cancel")
    ]
    assert english == []


def test_the_toolbox_speaks_it_too(made_up_language):
    """Names, help, parameters, choices and outputs of every algorithm, long texts included."""
    provider = GeoR1Provider(AccessKeeper())
    provider.refreshAlgorithms()
    seen = []
    for algorithm in provider.algorithms():
        seen += [algorithm.displayName(), algorithm.shortHelpString()]
        parts = [*algorithm.parameterDefinitions(), *algorithm.outputDefinitions()]
        seen += [part.description() for part in parts]
        for part in algorithm.parameterDefinitions():
            seen += part.options() if hasattr(part, "options") else []

    names_of_methods = ("DAPO", "GRPO", "Dr. GRPO")
    assert len(seen) > 40
    assert [each for each in seen if "⟦" not in each and each not in names_of_methods] == []
