"""The words for each error code: what happened, what to do, and which button does it.

English only, marked for translation; the caller passes the translating function. Codes of the service and of the
plugin share one table. An unknown code falls back to the sentence that came with the error.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, Dict

from .errors import GeoR1Error
from .hub_sentences import HUB_SENTENCES
from .remote_sentences import REMOTE_SENTENCES
from .scene_sentences import SCENE_SENTENCES
from .sentence import QT_TRANSLATE_NOOP, Mend, Sentence
from .server_sentences import SERVER_SENTENCES
from .training_sentences import TRAINING_SENTENCES

__all__ = ["SENTENCES", "Explanation", "Mend", "Sentence", "explain"]

CONTEXT = "GeoR1Errors"
Translate = Callable[[str, str], str]


@dataclass(frozen=True)
class Explanation:
    """A message as it is shown."""

    title: str
    text: str
    hint: str
    mend: Mend
    code: str


def explain(error: GeoR1Error, translate: Translate) -> Explanation:
    """Say `error` in the user's language; never fails, whatever its parameters are."""
    sentence = SENTENCES.get(error.code) or SENTENCES.get(_family_of(error.code))
    if sentence is None:
        title = translate(CONTEXT, _UNKNOWN_TITLE)
        return Explanation(title, error.message or error.code, error.hint, Mend.NONE, error.code)
    return Explanation(
        title=_fill(translate(CONTEXT, sentence.title), error) or error.code,
        text=_fill(translate(CONTEXT, sentence.text), error) if sentence.text else error.message,
        hint=_fill(translate(CONTEXT, sentence.hint), error) if sentence.hint else error.hint,
        mend=sentence.mend,
        code=error.code,
    )


def _family_of(code: str) -> str:
    """`layer-newer-schema` is a `layer-failed` with words of its own."""
    family = code.partition("-")[0]
    return f"{family}-failed" if family in ("layer", "capture") else code


def _fill(template: str, error: GeoR1Error) -> str:
    try:
        return template.format(**error.parameters)
    except (
        LookupError,
        ValueError,
        TypeError,
        AttributeError,
    ):  # a service of another version sends other parameters
        return error.message


_UNKNOWN_TITLE = QT_TRANSLATE_NOOP("GeoR1Errors", "That did not work")

SENTENCES: Dict[str, Sentence] = {
    **SERVER_SENTENCES,
    **REMOTE_SENTENCES,
    **TRAINING_SENTENCES,
    **HUB_SENTENCES,
    **SCENE_SENTENCES,
    # --- reaching the service
    "unreachable": Sentence(
        QT_TRANSLATE_NOOP("GeoR1Errors", "The Geo-R1 service is not answering"),
        QT_TRANSLATE_NOOP("GeoR1Errors", "Nothing answers at {url} ({reason})."),
        QT_TRANSLATE_NOOP("GeoR1Errors", "Start the service, or connect to another address."),
        Mend.START,
    ),
    "silent": Sentence(
        QT_TRANSLATE_NOOP("GeoR1Errors", "The service fell silent"),
        QT_TRANSLATE_NOOP("GeoR1Errors", "{url} sent nothing for {seconds:g} s."),
        QT_TRANSLATE_NOOP(
            "GeoR1Errors", "What it had found is kept. Ask again, or look into its log."
        ),
        Mend.RETRY,
    ),
    "connection-lost": Sentence(
        QT_TRANSLATE_NOOP("GeoR1Errors", "The service went away in the middle of the answer"),
        QT_TRANSLATE_NOOP("GeoR1Errors", "The connection to {url} broke ({reason})."),
        QT_TRANSLATE_NOOP("GeoR1Errors", "What it had found is kept. Ask again."),
        Mend.RETRY,
    ),
    "protocol": Sentence(
        QT_TRANSLATE_NOOP("GeoR1Errors", "The answer could not be understood"),
        QT_TRANSLATE_NOOP("GeoR1Errors", "In the answer, {path}: {reason}."),
        QT_TRANSLATE_NOOP(
            "GeoR1Errors", "Plugin and service may be of different versions: update both."
        ),
        Mend.RECONNECT,
    ),
    "server-elsewhere": Sentence(
        QT_TRANSLATE_NOOP("GeoR1Errors", "The service’s address is not on this machine"),
        QT_TRANSLATE_NOOP(
            "GeoR1Errors", "server.json names {url}. Nothing was sent there, and no token."
        ),
        QT_TRANSLATE_NOOP(
            "GeoR1Errors",
            "If that server is yours, enter its address and token under “Connect to a server…”.",
        ),
        Mend.SET_ADDRESS,
    ),
    "launch-failed": Sentence(
        QT_TRANSLATE_NOOP("GeoR1Errors", "The service did not start"),
        QT_TRANSLATE_NOOP("GeoR1Errors", "{command}: {reason}"),
        QT_TRANSLATE_NOOP("GeoR1Errors", "Its log says why."),
        Mend.OPEN_LOG,
    ),
    "command-not-found": Sentence(
        QT_TRANSLATE_NOOP("GeoR1Errors", "Geo-R1 is not installed on this machine"),
        QT_TRANSLATE_NOOP("GeoR1Errors", "No command “geo-r1” in {places} usual places."),
        QT_TRANSLATE_NOOP(
            "GeoR1Errors", "Install it with “pipx install geo-r1-backend”, or connect to a server."
        ),
        Mend.HOW_TO_INSTALL,
    ),
    "unauthorized": Sentence(
        QT_TRANSLATE_NOOP("GeoR1Errors", "The service does not accept the token"),
        "",
        QT_TRANSLATE_NOOP("GeoR1Errors", "Enter the token that the service’s owner gave you."),
        Mend.SET_ACCESS,
    ),
    "host-not-allowed": Sentence(
        QT_TRANSLATE_NOOP("GeoR1Errors", "The service does not answer under this name"),
        "",
        QT_TRANSLATE_NOOP("GeoR1Errors", "Use the address under which the service was started."),
        Mend.SET_ADDRESS,
    ),
    "wire-version": Sentence(
        QT_TRANSLATE_NOOP("GeoR1Errors", "Plugin and service are of different versions"),
        "",
        QT_TRANSLATE_NOOP("GeoR1Errors", "Update both to the same version."),
        Mend.HOW_TO_UPDATE,
    ),
    "service-stopping": Sentence(
        QT_TRANSLATE_NOOP("GeoR1Errors", "The service is stopping"),
        "",
        QT_TRANSLATE_NOOP("GeoR1Errors", "Ask again in a moment: it is started anew."),
        Mend.RETRY,
    ),
    "queue-full": Sentence(
        QT_TRANSLATE_NOOP("GeoR1Errors", "Too many questions are waiting"),
        QT_TRANSLATE_NOOP(
            "GeoR1Errors", "The service holds {limit} questions and all places are taken."
        ),
        QT_TRANSLATE_NOOP("GeoR1Errors", "Ask again when one of them is answered."),
        Mend.RETRY,
    ),
    # --- the question
    "query-empty": Sentence(
        QT_TRANSLATE_NOOP("GeoR1Errors", "What do you want to find?"),
        QT_TRANSLATE_NOOP("GeoR1Errors", "The question is empty."),
        QT_TRANSLATE_NOOP("GeoR1Errors", "Type something like “the largest storage tank”."),
    ),
    "query-too-long": Sentence(
        QT_TRANSLATE_NOOP("GeoR1Errors", "The question is too long"),
        "",
        QT_TRANSLATE_NOOP("GeoR1Errors", "Say it in one sentence."),
    ),
    "layer-missing": Sentence(
        QT_TRANSLATE_NOOP("GeoR1Errors", "No raster layer to look at"),
        QT_TRANSLATE_NOOP("GeoR1Errors", "The project has no raster layer."),
        QT_TRANSLATE_NOOP("GeoR1Errors", "Add an image: Layer ▸ Add Layer ▸ Add Raster Layer…"),
    ),
    "task-unsupported": Sentence(
        QT_TRANSLATE_NOOP("GeoR1Errors", "This model cannot do that"),
        "",
        QT_TRANSLATE_NOOP(
            "GeoR1Errors", "Look for one object or for all objects, or choose another model."
        ),
    ),
    "model-unknown": Sentence(
        QT_TRANSLATE_NOOP("GeoR1Errors", "The service does not have this model"),
        "",
        QT_TRANSLATE_NOOP("GeoR1Errors", "Choose another model in the menu."),
    ),
    "model-failed": Sentence(
        QT_TRANSLATE_NOOP("GeoR1Errors", "The model cannot be loaded"), "", "", Mend.OPEN_LOG
    ),
    "engine-failed": Sentence(
        QT_TRANSLATE_NOOP("GeoR1Errors", "The model failed while it was answering"),
        "",
        QT_TRANSLATE_NOOP(
            "GeoR1Errors", "Ask again; if it fails again, the service’s log says why."
        ),
        Mend.OPEN_LOG,
    ),
    "storage-failed": Sentence(
        QT_TRANSLATE_NOOP("GeoR1Errors", "The service cannot write its files"),
        QT_TRANSLATE_NOOP("GeoR1Errors", "{folder}: {reason}."),
        QT_TRANSLATE_NOOP("GeoR1Errors", "Make room on that disk, or allow writing there."),
        Mend.RETRY,
    ),
    # --- the image
    "capture-failed": Sentence(QT_TRANSLATE_NOOP("GeoR1Errors", "This area cannot be sent"), ""),
    "layer-failed": Sentence(
        QT_TRANSLATE_NOOP("GeoR1Errors", "The answer could not be written"), ""
    ),
    "layer-locked": Sentence(
        QT_TRANSLATE_NOOP("GeoR1Errors", "Another program holds the result file"),
        QT_TRANSLATE_NOOP("GeoR1Errors", "{path} is locked."),
        QT_TRANSLATE_NOOP(
            "GeoR1Errors",
            "What was found waits, and is written as soon as that program lets go of the file.",
        ),
        Mend.WRITE_AGAIN,
    ),
    "layer-disk-full": Sentence(
        QT_TRANSLATE_NOOP("GeoR1Errors", "The disk is full"),
        QT_TRANSLATE_NOOP("GeoR1Errors", "There is no room for {path}."),
        QT_TRANSLATE_NOOP(
            "GeoR1Errors", "What was found waits. Make some room, and it is written by itself."
        ),
        Mend.WRITE_AGAIN,
    ),
    "layer-transform": Sentence(
        QT_TRANSLATE_NOOP("GeoR1Errors", "The answer was kept without a polygon"),
        QT_TRANSLATE_NOOP(
            "GeoR1Errors", "Its place does not exist in the CRS of the result file, {crs}."
        ),
        QT_TRANSLATE_NOOP(
            "GeoR1Errors",
            "For a polygon: set the project to a CRS that has the whole area, save it under a new name, and ask again.",
        ),
    ),
    "image-too-large": Sentence(
        QT_TRANSLATE_NOOP("GeoR1Errors", "The area is too large"),
        QT_TRANSLATE_NOOP(
            "GeoR1Errors", "The image has {given_px:,} pixels; the service accepts {limit_px:,}."
        ),
        QT_TRANSLATE_NOOP("GeoR1Errors", "Zoom in, or draw a smaller rectangle."),
    ),
    "image-too-small": Sentence(
        QT_TRANSLATE_NOOP("GeoR1Errors", "The area is too small"),
        "",
        QT_TRANSLATE_NOOP("GeoR1Errors", "Zoom out, or draw a larger rectangle."),
    ),
    "image-aspect": Sentence(
        QT_TRANSLATE_NOOP("GeoR1Errors", "The area is too narrow"),
        "",
        QT_TRANSLATE_NOOP("GeoR1Errors", "Draw a rectangle that is less narrow."),
    ),
    "chip-unreadable": Sentence(
        QT_TRANSLATE_NOOP("GeoR1Errors", "The image could not be read by the service"),
        "",
        "",
        Mend.RETRY,
    ),
    "chip-truncated": Sentence(
        QT_TRANSLATE_NOOP("GeoR1Errors", "The image arrived incomplete"), "", "", Mend.RETRY
    ),
    "chip-hash-mismatch": Sentence(
        QT_TRANSLATE_NOOP("GeoR1Errors", "The image arrived damaged"), "", "", Mend.RETRY
    ),
    "chip-unknown": Sentence(
        QT_TRANSLATE_NOOP("GeoR1Errors", "The service no longer has the image"), "", "", Mend.RETRY
    ),
    "body-too-large": Sentence(
        QT_TRANSLATE_NOOP("GeoR1Errors", "The image is too large to send"),
        "",
        QT_TRANSLATE_NOOP("GeoR1Errors", "Zoom in, or draw a smaller rectangle."),
    ),
    # --- faults of ours
    "internal": Sentence(
        QT_TRANSLATE_NOOP("GeoR1Errors", "The service has a fault"),
        "",
        QT_TRANSLATE_NOOP("GeoR1Errors", "Its log says more; please report it."),
        Mend.OPEN_LOG,
    ),
    "unexpected": Sentence(
        QT_TRANSLATE_NOOP("GeoR1Errors", "The plugin has a fault"),
        QT_TRANSLATE_NOOP("GeoR1Errors", "{reason}"),
        QT_TRANSLATE_NOOP("GeoR1Errors", "Please report it with the text under Details."),
    ),
}
