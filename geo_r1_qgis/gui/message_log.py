"""Sends the plugin's log records to QGIS's message log, tab “Geo-R1”."""

from __future__ import annotations

import logging

from qgis.core import Qgis, QgsMessageLog

TAB = "Geo-R1"


class MessageLogHandler(logging.Handler):
    """A handler for the package's logger; never pops anything up."""

    def emit(self, record: logging.LogRecord) -> None:
        level = Qgis.MessageLevel.Info
        if record.levelno >= logging.ERROR:
            level = Qgis.MessageLevel.Critical
        elif record.levelno >= logging.WARNING:
            level = Qgis.MessageLevel.Warning
        QgsMessageLog.logMessage(self.format(record), TAB, level, False)
