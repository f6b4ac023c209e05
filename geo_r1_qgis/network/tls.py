"""Whom the plugin trusts: the authorities that QGIS knows, and nobody else. No error of a certificate is ever ignored."""

from __future__ import annotations

from typing import Any, List

from qgis.core import QgsApplication
from qgis.PyQt.QtCore import QUrl
from qgis.PyQt.QtNetwork import QNetworkRequest, QSslConfiguration, QSslError

from ..core.errors import TlsRefused

_KINDS = QSslError.SslError
_WRONG_NAME = (_KINDS.HostNameMismatch,)
_WRONG_TIME = (_KINDS.CertificateExpired, _KINDS.CertificateNotYetValid)
DATE = "yyyy-MM-dd"


def trust_what_qgis_trusts(request: QNetworkRequest) -> None:
    """Let a request accept the system's authorities and those that the user has imported into QGIS."""
    configuration = QSslConfiguration(request.sslConfiguration())
    manager = QgsApplication.authManager()
    known = [] if manager.isDisabled() else list(manager.trustedCaCertsCache())
    own = list(configuration.caCertificates())
    configuration.setCaCertificates(own + [each for each in known if each not in own])
    request.setSslConfiguration(configuration)


def refusal(url: QUrl, errors: List[QSslError], reason: str) -> TlsRefused:
    """The error for a handshake that failed; the first thing to mend comes first."""
    host = url.host()
    kinds = [error.error() for error in errors]
    others = [
        error for error in errors if error.error() not in _WRONG_NAME and error.error() not in _WRONG_TIME
    ]  # fmt: skip
    if not errors:
        return TlsRefused(reason, code="tls-failed", host=host, reason=reason.rstrip("."))
    if others:
        words = "; ".join(dict.fromkeys(error.errorString() for error in others))
        return TlsRefused(words, code="tls-untrusted", host=host, reason=words.rstrip("."))
    certificate: Any = errors[0].certificate()
    if any(kind in _WRONG_TIME for kind in kinds):
        return TlsRefused(
            errors[0].errorString(),
            code="tls-expired",
            host=host,
            begin=certificate.effectiveDate().toString(DATE),
            end=certificate.expiryDate().toString(DATE),
        )
    names = sorted({name for value in certificate.subjectAlternativeNames().values() for name in value})  # fmt: skip
    common = certificate.subjectInfo(certificate.SubjectInfo.CommonName)
    shown = ", ".join(names or common) or "?"
    return TlsRefused(errors[0].errorString(), code="tls-host-name", host=host, names=shown)
