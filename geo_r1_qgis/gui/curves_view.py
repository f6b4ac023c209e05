"""The live curves of a run, drawn with QPainter: no plotting library has to be in QGIS for them."""

from __future__ import annotations

from typing import List, Optional

from qgis.PyQt.QtCore import QPointF, QRectF, QSize, Qt
from qgis.PyQt.QtGui import QColor, QPainter, QPaintEvent, QPalette, QPen, QPolygonF
from qgis.PyQt.QtWidgets import QSizePolicy, QWidget

from ..core.curves import Chart, Series, smoothed, ticks
from . import colours
from .qt_names import as_number
from .small_print import smaller

CHART_PX = 104
LINE_PX, AXIS_PX, GAP_PX = 15, 34, 6
KEY_PX = 11 + 10
"""What a name in the legend needs besides its own width: its square, and the way to the next one."""
PALETTE = (
    colours.NEUTRAL, colours.WAITING, colours.GOOD, colours.BAD, QColor(140, 98, 190), QColor(80, 160, 170),
)  # fmt: skip


class CurvesView(QWidget):
    """One small chart under the other, over the steps of the run."""

    def __init__(self, parent: Optional[QWidget] = None) -> None:
        super().__init__(parent)
        self.setObjectName("geoR1Curves")
        self.charts: List[Chart] = []
        self.steps = 1
        self.setFont(smaller(self.font()))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(self.tr("Curves of the training"))

    def show_charts(self, charts: List[Chart], steps: int) -> None:
        """Draw these from now on; `steps` is how long the run will be."""
        is_other_height = len(charts) != len(self.charts)
        self.charts, self.steps = charts, max(1, steps)
        said = []
        for chart in charts:
            for series in chart.series:
                name, value = self._name(series.key), series.points[-1][1]
                said.append(f"{self._title(chart.key)}, {name}: {value:.2f}")
        self.setAccessibleDescription(", ".join(said))
        if is_other_height:
            self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(300, max(1, len(self.charts)) * self._chart_px())

    def minimumSizeHint(self) -> QSize:
        return QSize(200, self.sizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        for number, chart in enumerate(self.charts):
            self._draw(painter, chart, number * self._chart_px())
        painter.end()

    def _line_px(self) -> int:
        return max(LINE_PX, self.fontMetrics().lineSpacing())

    def _chart_px(self) -> int:
        """Plots keep their height; large letters need more above them."""
        return CHART_PX + 2 * (self._line_px() - LINE_PX)

    def _draw(self, painter: QPainter, chart: Chart, top: int) -> None:
        has_legend = len(chart.series) > 1
        line_px = self._line_px()
        head_px = (2 if has_legend else 1) * line_px + 3
        plot = QRectF(
            AXIS_PX,
            top + head_px,
            self.width() - AXIS_PX - GAP_PX,
            self._chart_px() - head_px - GAP_PX * 2,
        )
        ink = self.palette().color(QPalette.ColorRole.WindowText)
        faint = colours.mixed(ink, self.palette().color(QPalette.ColorRole.Window), 0.8)
        for tick in ticks(chart.low, chart.high, 2):
            y = self._y(plot, chart, tick)
            painter.setPen(QPen(faint, 1))
            painter.drawLine(QPointF(plot.left(), y), QPointF(plot.right(), y))
            painter.setPen(ink)
            flags = as_number(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            painter.drawText(QRectF(0, y - 8, AXIS_PX - 5, 16), flags, f"{tick:g}")
        painter.setPen(ink)
        metrics, right = self.fontMetrics(), Qt.TextElideMode.ElideRight
        title = metrics.elidedText(self._title(chart.key), right, self.width())
        painter.drawText(QPointF(0, top + metrics.ascent()), title)
        names = [self._name(series.key) for series in chart.series]
        needed = sum(metrics.boundingRect(name).width() + KEY_PX for name in names)
        x = max(0.0, min(plot.left(), self.width() - needed))  # a narrow dock has no room to indent
        for index, series in enumerate(chart.series):
            colour = PALETTE[index % len(PALETTE)]
            self._line(painter, plot, chart, series, colour)
            if not has_legend:
                continue
            name = metrics.elidedText(names[index], right, max(20, int(self.width() - x - 11)))
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colour)
            painter.drawRect(QRectF(x, top + line_px + (line_px - 8) / 2, 8, 8))
            painter.setPen(ink)
            painter.drawText(QPointF(x + 11, top + line_px + metrics.ascent()), name)
            x += metrics.boundingRect(names[index]).width() + KEY_PX

    def _line(
        self, painter: QPainter, plot: QRectF, chart: Chart, series: Series, colour: QColor
    ) -> None:
        points = series.points if series.is_marked else smoothed(series.points)
        places = QPolygonF(
            [
                QPointF(
                    plot.left() + plot.width() * min(1.0, x / self.steps), self._y(plot, chart, y)
                )
                for x, y in points
            ]
        )
        painter.setPen(QPen(colour, 2 if not series.is_marked else 1.5))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPolyline(places)
        if series.is_marked or len(points) == 1:
            painter.setBrush(colour)
            for index in range(places.size() if hasattr(places, "size") else len(places)):
                painter.drawEllipse(places[index], 2.5, 2.5)

    def _y(self, plot: QRectF, chart: Chart, value: float) -> float:
        share = (value - chart.low) / (chart.high - chart.low)
        return plot.bottom() - plot.height() * min(1.0, max(0.0, share))

    def _title(self, key: str) -> str:
        titles = {
            "loss": self.tr("Learning from examples: how far off"),
            "reward": self.tr("Learning from rewards: what an answer earns"),
            "quality": self.tr("How well the answers fit, 0 to 1"),
            "length": self.tr("Length of the answers, tokens"),
        }
        return titles.get(key, key)

    def _name(self, key: str) -> str:
        names = {
            "reward": self.tr("in all"),
            "part:format": self.tr("form"),
            "part:iou": self.tr("overlap"),
            "part:giou": self.tr("overlap of masks"),
            "part:f1": self.tr("right and complete"),
            "part:ap": self.tr("right and complete"),
            "part:near": self.tr("near misses"),
            "loss": self.tr("loss"),
            "metric": self.tr("tries while learning"),
            "validation:iou": self.tr("validation pictures"),
            "held_out:iou": self.tr("held-out pictures"),
            "tokens": self.tr("length"),
        }
        return names.get(key, key.rpartition(":")[2])
