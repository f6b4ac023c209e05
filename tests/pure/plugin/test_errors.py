"""Every error has a sentence, and no parameter can break it."""

import pytest

from geo_r1_qgis.core import errors
from geo_r1_qgis.core.sentences import SENTENCES, Mend, explain

WIRE_CODES = [
    "unauthorized",
    "host-not-allowed",
    "wire-version",
    "body-too-large",
    "query-empty",
    "query-too-long",
    "model-unknown",
    "model-failed",
    "task-unsupported",
    "chip-unknown",
    "chip-hash-mismatch",
    "chip-unreadable",
    "chip-truncated",
    "image-too-large",
    "image-too-small",
    "image-aspect",
    "queue-full",
    "engine-failed",
    "internal",
    "service-stopping",
]


def no_translation(_context, text):
    """What QCoreApplication.translate does without a translation."""
    return text


@pytest.mark.parametrize("code", WIRE_CODES)
def test_each_code_a_user_can_meet_has_a_sentence(code):
    """The codes of the wire contract that a user can meet are worded by the plugin, so they can be translated."""
    assert code in SENTENCES


@pytest.mark.parametrize("code", sorted(SENTENCES))
def test_no_code_is_left_speechless(code):
    """Even without a single parameter there is a title, and a text or the service's own message."""
    words = explain(errors.GeoR1Error("the service's own words", code=code), no_translation)

    assert words.title
    assert words.text
    assert "{" not in words.title + words.text + words.hint


def test_an_unknown_code_keeps_the_words_of_the_service():
    """A newer service may have codes that this plugin does not know."""
    error = errors.ServiceError(
        code="moon-phase", message="The moon is wrong.", hint="Wait.", parameters={}
    )

    words = explain(error, no_translation)

    assert (words.text, words.hint, words.mend) == ("The moon is wrong.", "Wait.", Mend.NONE)


def test_a_relative_of_a_known_code_has_its_title():
    """What went wrong with a layer is worded where it happened; the title is the same for all of them."""
    words = explain(
        errors.LayerError("The file is of a newer version.", code="layer-newer-schema"),
        no_translation,
    )

    assert (words.title, words.text) == (
        "The answer could not be written",
        "The file is of a newer version.",
    )


def test_the_values_are_in_the_sentence():
    """The message says what was given and what is allowed."""
    parameters = {"given_px": 70_000_000, "limit_px": 64_000_000}
    error = errors.ServiceError(code="image-too-large", message="", parameters=parameters)

    assert (
        "70,000,000 pixels; the service accepts 64,000,000" in explain(error, no_translation).text
    )


@pytest.mark.parametrize("value", ["many", None, "{0.__class__}", True])
def test_odd_parameters_do_no_harm(value):
    """Parameters of the wrong type fall back to the message; braces in them are only text."""
    parameters = {"given_px": value, "limit_px": value}
    error = errors.ServiceError(code="image-too-large", message="too large", parameters=parameters)

    assert "class 'str'" not in explain(error, no_translation).text


@pytest.mark.parametrize(
    ("error", "builtin"),
    [
        (errors.ProtocolError("$.x", "is missing"), ValueError),
        (errors.ServiceUnreachable("http://127.0.0.1:1", "refused"), ConnectionError),
        (errors.ServiceSilent("http://127.0.0.1:1", 30), TimeoutError),
        (errors.ConnectionLost("http://127.0.0.1:1", "closed"), ConnectionError),
        (errors.CommandNotFound(["/a", "/b"]), FileNotFoundError),
    ],
)
def test_errors_are_also_the_fitting_builtin(error, builtin):
    """Callers may catch our tree or Python's."""
    assert isinstance(error, builtin)
    assert isinstance(error, errors.GeoR1Error)
    assert str(error)


def test_the_unexpected_keeps_its_traceback():
    """A fault of ours can be reported: the traceback is in the details."""
    try:
        {}["gone"]
    except KeyError as caught:
        error = errors.Unexpected(caught, request_id="r1")

    assert "test_errors.py" in error.details
    assert error.request_id == "r1"
