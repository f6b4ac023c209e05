"""Sends the plugin's log records to QGIS's message log, tab “Geo-R1”."""

from __future__ import annotations

import logging

from qgis.core import Qgis, QgsMessageLog

from ..core.plain_text import several_lines

TAB = "Geo-R1"
MAX_CHARACTERS = 8_000
"""A long traceback; more helps nobody and stays in memory."""


class MessageLogHandler(logging.Handler):
    """A handler for the package's logger; never pops anything up."""

    def emit(self, record: logging.LogRecord) -> None:
        level = Qgis.MessageLevel.Info
        if record.levelno >= logging.ERROR:
            level = Qgis.MessageLevel.Critical
        elif record.levelno >= logging.WARNING:
            level = Qgis.MessageLevel.Warning
        QgsMessageLog.logMessage(harmless_line(self.format(record)), TAB, level, False)


def harmless_line(text: str) -> str:
    """A message as the log panel of QGIS can take it: it shows messages as HTML, with links and pictures."""
    return several_lines(text, MAX_CHARACTERS).replace(
        "<", "\N{SINGLE LEFT-POINTING ANGLE QUOTATION MARK}"
    )
