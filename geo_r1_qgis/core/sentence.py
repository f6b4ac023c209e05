"""What a message is made of; the tables of messages are `sentences.py` and those it collects."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Mend(Enum):
    """What a button can do about a fault."""

    NONE = "none"
    START = "start"
    SET_ACCESS = "set-access"
    SET_ADDRESS = "set-address"
    SET_COMMAND = "set-command"
    RECONNECT = "reconnect"
    RETRY = "retry"
    WRITE_AGAIN = "write-again"
    OPEN_LOG = "open-log"
    HOW_TO_INSTALL = "how-to-install"
    HOW_TO_UPDATE = "how-to-update"
    OPEN_PLUGIN_MANAGER = "open-plugin-manager"
    USE_PROJECT_CRS = "use-project-crs"
    TAKE_CRS_BACK = "take-crs-back"
    UNLOCK = "unlock"


@dataclass(frozen=True)
class Sentence:
    """Template of one message; `{name}` is a parameter of the error."""

    title: str
    text: str
    hint: str = ""
    mend: Mend = Mend.NONE


def QT_TRANSLATE_NOOP(context: str, text: str) -> str:
    """Mark `text` for translation without translating it yet."""
    return text
