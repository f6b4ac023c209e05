"""The words for what can be wrong with a server that somebody else runs: its address, certificate and token."""

from __future__ import annotations

from typing import Dict

from .sentence import QT_TRANSLATE_NOOP, Mend, Sentence

SERVER_SENTENCES: Dict[str, Sentence] = {
    "not-ours": Sentence(
        QT_TRANSLATE_NOOP("GeoR1Errors", "Another program answers in place of Geo-R1"),
        QT_TRANSLATE_NOOP("GeoR1Errors", "What answers at {url} is no Geo-R1 service."),
        QT_TRANSLATE_NOOP("GeoR1Errors", "Check the address of the server."),
        Mend.SET_ADDRESS,
    ),
    "proxy-failed": Sentence(
        QT_TRANSLATE_NOOP("GeoR1Errors", "The proxy does not answer"),
        QT_TRANSLATE_NOOP("GeoR1Errors", "{url} is reached through the proxy {proxy} ({reason})."),
        QT_TRANSLATE_NOOP(
            "GeoR1Errors",
            "Correct it under Settings ▸ Options ▸ Network, or add the address to those without a proxy.",
        ),
        Mend.RECONNECT,
    ),
    "address-invalid": Sentence(
        QT_TRANSLATE_NOOP("GeoR1Errors", "This is not the address of a server"),
        QT_TRANSLATE_NOOP("GeoR1Errors", "“{address}”: {reason}."),
        QT_TRANSLATE_NOOP("GeoR1Errors", "It looks like https://server:8443."),
        Mend.SET_ADDRESS,
    ),
    "not-encrypted": Sentence(
        QT_TRANSLATE_NOOP("GeoR1Errors", "Nothing was sent: the way to the server is open"),
        QT_TRANSLATE_NOOP(
            "GeoR1Errors",
            "With http, everybody on the way to {host} can read pictures, questions and the token.",
        ),
        QT_TRANSLATE_NOOP(
            "GeoR1Errors", "Use an https address, or say in the dialog that this is all right."
        ),
        Mend.SET_ADDRESS,
    ),
    "tls-untrusted": Sentence(
        QT_TRANSLATE_NOOP("GeoR1Errors", "Nobody known vouches for this server"),
        QT_TRANSLATE_NOOP("GeoR1Errors", "Nothing was sent to {host}: {reason}."),
        QT_TRANSLATE_NOOP(
            "GeoR1Errors",
            "Ask its owner for the certificate of the authority and import it: Settings ▸ Options ▸ "
            "Authentication ▸ Manage Certificates ▸ Authorities.",
        ),
        Mend.RECONNECT,
    ),
    "tls-host-name": Sentence(
        QT_TRANSLATE_NOOP("GeoR1Errors", "The certificate belongs to another server"),
        QT_TRANSLATE_NOOP(
            "GeoR1Errors", "Nothing was sent to {host}: its certificate is for {names}."
        ),
        QT_TRANSLATE_NOOP("GeoR1Errors", "Use the name in the certificate as the address."),
        Mend.SET_ADDRESS,
    ),
    "tls-expired": Sentence(
        QT_TRANSLATE_NOOP("GeoR1Errors", "The certificate of the server is not valid now"),
        QT_TRANSLATE_NOOP(
            "GeoR1Errors", "Nothing was sent to {host}: it is valid from {begin} until {end}."
        ),
        QT_TRANSLATE_NOOP(
            "GeoR1Errors", "Its owner has to renew it; look at the clock of this machine, too."
        ),
        Mend.RECONNECT,
    ),
    "tls-failed": Sentence(
        QT_TRANSLATE_NOOP("GeoR1Errors", "No encrypted connection to the server"),
        QT_TRANSLATE_NOOP("GeoR1Errors", "Nothing was sent to {host}: {reason}."),
        QT_TRANSLATE_NOOP("GeoR1Errors", "Does the address begin with the right word, http or https?"),
        Mend.SET_ADDRESS,
    ),
    "access-locked": Sentence(
        QT_TRANSLATE_NOOP("GeoR1Errors", "The token for {host} is locked"),
        QT_TRANSLATE_NOOP("GeoR1Errors", "It lies in QGIS's password store, which is not open yet."),
        QT_TRANSLATE_NOOP("GeoR1Errors", "Unlock it with your master password, or ask: QGIS will want it then."),
        Mend.UNLOCK,
    ),
    "access-gone": Sentence(
        QT_TRANSLATE_NOOP("GeoR1Errors", "The token for {host} is not known any more"),
        QT_TRANSLATE_NOOP("GeoR1Errors", "QGIS's password store has no token for this address."),
        QT_TRANSLATE_NOOP("GeoR1Errors", "Enter the token that the server’s owner gave you."),
        Mend.SET_ACCESS,
    ),
    "access-not-kept": Sentence(
        QT_TRANSLATE_NOOP("GeoR1Errors", "The token is kept for this session only"),
        QT_TRANSLATE_NOOP("GeoR1Errors", "QGIS's password store could not take it ({reason})."),
        QT_TRANSLATE_NOOP("GeoR1Errors", "It works until QGIS is closed; enter it again to keep it."),
        Mend.SET_ACCESS,
    ),
    "access-in-settings": Sentence(
        QT_TRANSLATE_NOOP("GeoR1Errors", "The token lies in QGIS's settings as plain text"),
        QT_TRANSLATE_NOOP(
            "GeoR1Errors",
            "An earlier version put it there. It moves into QGIS's password store as soon as that is open.",
        ),
        QT_TRANSLATE_NOOP("GeoR1Errors", "Press OK in the dialog to move it now."),
        Mend.SET_ACCESS,
    ),
}  # fmt: skip
