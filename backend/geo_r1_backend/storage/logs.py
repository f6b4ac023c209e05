"""The log of the service: one line of JSON per record, rotating, readable by the user alone."""

from __future__ import annotations

import json
import logging
import logging.handlers
import os
from datetime import datetime, timezone
from pathlib import Path

from geo_r1_backend.storage.atomic import PRIVATE_FILE, make_private_folder

MAX_LOG_BYTES = 1024 * 1024
KEPT_LOGS = 3


class JsonLines(logging.Formatter):
    """A record as one line; the fields of a request lie beside its message."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        time = datetime.fromtimestamp(record.created, timezone.utc)
        line: dict[str, object] = {
            "time": time.isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line.update(getattr(record, "request", {}))
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line)


class PatientHandler(logging.handlers.RotatingFileHandler):
    """A log that cannot be written (full disk) stops nothing: the line is lost, the answer is not."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """Say nothing: standard error may lie on the same disk."""


def log_to_file(data_folder: Path) -> logging.Handler:
    """Send the log of this process to ``logs/serve.log``; returns the handler, for taking it away."""
    folder = make_private_folder(data_folder / "logs")
    path = folder / "serve.log"
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT, PRIVATE_FILE))
    handler = PatientHandler(path, maxBytes=MAX_LOG_BYTES, backupCount=KEPT_LOGS, encoding="utf-8")
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    logging.getLogger("geo_r1_backend").setLevel(logging.INFO)
    return handler
