#!/usr/bin/python3
"""Write geo_r1_qgis/resources/detections.qml, the style of the result layer. Run with QGIS's Python; commit the outcome.

Made with the oldest QGIS that we support, so that every newer one reads it.
"""

import os
import sys
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))

from qgis.core import (  # noqa: E402 - after the platform is chosen
    QgsApplication,
    QgsEditorWidgetSetup,
    QgsFillSymbol,
    QgsLabelObstacleSettings,
    QgsPalLayerSettings,
    QgsProperty,
    QgsRuleBasedRenderer,
    QgsSimpleFillSymbolLayer,
    QgsSimpleLineSymbolLayer,
    QgsSymbolLayer,
    QgsTextBufferSettings,
    QgsTextFormat,
    QgsUnitTypes,
    QgsVectorLayer,
    QgsVectorLayerSimpleLabeling,
)
from qgis.PyQt.QtCore import Qt  # noqa: E402
from qgis.PyQt.QtGui import QColor, QFont  # noqa: E402

HALO = "#ffffff"
TINT = 40
"""Of 255."""
MOST_LABELS = 500
"""In a view: placing those of 20,000 objects takes all cores for half a second, and nobody reads them."""
STATES = (
    # label, filter, colour, width in mm, dashed
    ("Accepted", "\"review\" = 'accepted'", "#00a651", 0.7, False),
    ("Rejected", "\"review\" = 'rejected'", "#6b6b6b", 0.4, True),
    ("Answered", "ELSE", "#e6007e", 0.7, False),  # magenta: neither plant, soil, roof nor water
)


def outline(colour: str, width_mm: float, *, dashed: bool) -> QgsFillSymbol:
    """A light halo below a strong line; the inside stays free, because one wants to see the object.

    That of a mask is tinted, or nobody could tell its holes.
    """
    symbol = QgsFillSymbol()
    symbol.deleteSymbolLayer(0)
    inside = QgsSimpleFillSymbolLayer(QColor(0, 0, 0, 0))
    inside.setStrokeStyle(Qt.PenStyle.NoPen)
    tint = QColor(colour)
    inside.setDataDefinedProperty(
        QgsSymbolLayer.Property.PropertyFillColor,
        QgsProperty.fromExpression(
            f"if(\"kind\" = 'mask', color_rgba({tint.red()}, {tint.green()}, {tint.blue()}, {TINT}), color_rgba(0, 0, 0, 0))"
        ),
    )
    symbol.appendSymbolLayer(inside)
    for line_colour, line_width, style in (
        (HALO, width_mm + 0.8, Qt.PenStyle.SolidLine),
        (colour, width_mm, Qt.PenStyle.DashLine if dashed else Qt.PenStyle.SolidLine),
    ):
        line = QgsSimpleLineSymbolLayer(QColor(line_colour), line_width, style)
        line.setPenJoinStyle(Qt.PenJoinStyle.MiterJoin)
        if line_colour == HALO:
            line.setColor(QColor(255, 255, 255, 200))
        symbol.appendSymbolLayer(line)
    return symbol


def labels() -> QgsPalLayerSettings:
    """Rank as people count, and the label, outside of the polygon."""
    font = QFont("Open Sans")
    font.setBold(True)
    text = QgsTextFormat()
    text.setFont(font)
    text.setSize(9)
    text.setSizeUnit(QgsUnitTypes.RenderUnit.RenderPoints)
    text.setColor(QColor("#7a0043"))
    halo = QgsTextBufferSettings()
    halo.setEnabled(True)
    halo.setSize(1.1)
    halo.setColor(QColor(HALO))
    text.setBuffer(halo)
    settings = QgsPalLayerSettings()
    settings.fieldName = "to_string(coalesce(\"rank\", 0) + 1) || ' ' || coalesce(\"label\", '')"
    settings.isExpression = True
    settings.setFormat(text)
    settings.placement = QgsPalLayerSettings.Placement.OutsidePolygons
    settings.dist = 1.6
    settings.priority = 8
    settings.limitNumLabels, settings.maxNumLabels = True, MOST_LABELS
    obstacles = QgsLabelObstacleSettings()
    obstacles.setIsObstacle(True)
    settings.setObstacleSettings(obstacles)
    shown = QgsProperty.fromExpression("coalesce(\"review\", '') <> 'rejected'")
    settings.dataDefinedProperties().setProperty(QgsPalLayerSettings.Property.Show, shown)
    return settings


def escaped(field: str) -> str:
    """A field for a map tip, which is HTML: the words of a model in it are not."""
    expression = f"coalesce(\"{field}\", '')"
    for character, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        expression = f"replace({expression}, '{character}', '{entity}')"
    return f"[% {expression} %]"


def main() -> None:
    """Make the style on an empty layer with our fields and save it."""
    application = QgsApplication([], False)
    application.initQgis()
    from geo_r1_qgis.layers.schema import DETECTION_FIELDS

    layer = QgsVectorLayer("MultiPolygon?crs=EPSG:4326", "detections", "memory")
    kinds = {0: "integer", 2: "double", 4: "string", 11: "datetime"}
    uri = "MultiPolygon?crs=EPSG:4326&" + "&".join(
        f"field={n}:{kinds[k]}" for n, k in DETECTION_FIELDS
    )
    layer = QgsVectorLayer(uri, "detections", "memory")
    root = QgsRuleBasedRenderer.Rule(None)
    for label, rule_filter, colour, width_mm, dashed in STATES:
        rule = QgsRuleBasedRenderer.Rule(
            outline(colour, width_mm, dashed=dashed), 0, 0, rule_filter, label
        )
        root.appendChild(rule)
    layer.setRenderer(QgsRuleBasedRenderer(root))
    layer.setLabeling(QgsVectorLayerSimpleLabeling(labels()))
    layer.setLabelsEnabled(True)
    layer.setDisplayExpression('"label" || \': \' || "query"')
    layer.setMapTipTemplate(f"<b>{escaped('label')}</b><br>{escaped('query')}")
    fields = layer.fields()
    layer.setEditorWidgetSetup(
        fields.indexOf("reasoning"),
        QgsEditorWidgetSetup("TextEdit", {"IsMultiline": True, "UseHtml": False}),
    )
    choices = [{"": ""}, {"accepted": "accepted"}, {"rejected": "rejected"}, {"edited": "edited"}]
    layer.setEditorWidgetSetup(
        fields.indexOf("review"), QgsEditorWidgetSetup("ValueMap", {"map": choices})
    )
    target = PROJECT / "geo_r1_qgis" / "resources" / "detections.qml"
    message, is_saved = layer.saveNamedStyle(str(target))
    if not is_saved:
        sys.exit(message)
    print(f"{target.relative_to(PROJECT)}: {target.stat().st_size} bytes")


main()
