"""HTTP on the GUI thread without ever waiting: one exchange is an object that tells what arrived.

Knows bytes, status codes and time limits; the meaning of the bytes is `network/client.py`'s. The loopback address is
never sent through a proxy, every other host goes through the proxy that QGIS would use; who is trusted is `tls.py`'s.

The manager is a plain one of Qt: QGIS's own shows a window for each certificate that it does not know, offers to ignore
it, and would do so at start-up and again with every look at the server.
"""

from __future__ import annotations

from typing import Any, Dict, List, Optional

from qgis.core import QgsNetworkAccessManager
from qgis.PyQt.QtCore import QObject, QTimer, QUrl, pyqtSignal
from qgis.PyQt.QtNetwork import (
    QNetworkAccessManager,
    QNetworkProxy,
    QNetworkProxyQuery,
    QNetworkReply,
    QNetworkRequest,
    QSslError,
)

from ..core import wire
from ..core.address import is_loopback_host
from ..core.errors import (
    ConnectionLost,
    GeoR1Error,
    ProtocolError,
    ServiceSilent,
    ServiceUnreachable,
)
from ..core.standing import Endpoint
from .tls import refusal, trust_what_qgis_trusts

SILENCE_S = 30.0
"""The service sends a heartbeat every 5 s; QGIS's own manager gives up after 60 s."""

MAX_BODY_BYTES = 1024 * 1024
"""Of an answer that is not a stream: a list of a hundred models has 50 kB."""

READ_BUFFER_BYTES = 256 * 1024
"""What Qt may hold of an answer that is not read yet; then the sender has to wait."""


def is_loopback(url: str) -> bool:
    """Whether `url` names this machine itself."""
    return is_loopback_host(QUrl(url).host())


class Exchange(QObject):
    """One request and its answer.

    `chunk_read` passes on bytes as they come; without a listener for them they are collected in `body`. `ended` is
    emitted exactly once, unless the exchange was aborted: then never.
    """

    chunk_read = pyqtSignal(bytes)
    ended = pyqtSignal()

    def __init__(
        self, reply: QNetworkReply, *, silence_s: float, streamed: bool, parent: QObject
    ) -> None:
        super().__init__(parent)
        self.url = reply.url().toString()
        self._body = bytearray()
        self._is_paused = False
        self.error: Optional[GeoR1Error] = None
        self.status = 0
        self._headers: Dict[str, str] = {}
        self._reply: Optional[QNetworkReply] = reply
        self._ssl_errors: List[QSslError] = []
        self._streamed = streamed
        self._silence_s = silence_s
        self._watch = QTimer(self)
        self._watch.setSingleShot(True)
        self._watch.setInterval(int(silence_s * 1000))
        self._watch.timeout.connect(self._on_silence)
        reply.setReadBufferSize(READ_BUFFER_BYTES)
        reply.readyRead.connect(self._on_ready_read)
        reply.uploadProgress.connect(self._on_sign_of_life)
        reply.sslErrors.connect(self._on_ssl_errors)
        reply.finished.connect(self._on_finished)
        self._watch.start()

    @property
    def is_running(self) -> bool:
        """Whether bytes may still come."""
        return self._reply is not None

    @property
    def body(self) -> bytes:
        """What was collected of an answer without a listener."""
        return bytes(self._body)

    @property
    def is_paused(self) -> bool:
        """Whether bytes wait because of `pause`."""
        return self._is_paused

    def pause(self) -> None:
        """Read no more until `resume`; a sender that goes on is stopped by TCP, not by the memory."""
        self._is_paused = True

    def resume(self) -> None:
        """Read on."""
        if self._is_paused:
            self._is_paused = False
            self._on_ready_read()

    def header(self, name: str) -> str:
        """A header of the answer, empty if it is not there."""
        if self._reply is None:
            return self._headers.get(name.lower(), "")
        return bytes(self._reply.rawHeader(name.encode())).decode("latin-1")

    def abort(self) -> None:
        """Close the connection now; the service stops working for it. Nothing is emitted any more."""
        if self._reply is None:  # it has ended, and Qt may have deleted it already
            return
        reply = self._release()
        reply.abort()
        reply.deleteLater()
        self.deleteLater()

    def _on_ssl_errors(self, errors: List[QSslError]) -> None:
        self._ssl_errors = list(errors)  # remembered for the sentence; never ignored

    def _on_sign_of_life(self, *_: Any) -> None:
        self._watch.start()

    def _on_ready_read(self) -> None:
        if self._streamed:  # any other answer is short: a byte now and then does not keep it alive
            self._watch.start()
        if self._reply is None or not self._reply.isOpen() or self._is_paused:
            return
        self._read_status()
        piece = bytes(self._reply.readAll())
        if self._streamed and self.status == 200:
            self.chunk_read.emit(piece)
            return
        self._body += piece
        if len(self._body) > MAX_BODY_BYTES:
            self._fail(ProtocolError("$", f"an answer of more than {MAX_BODY_BYTES:,} bytes"))

    def _on_silence(self) -> None:
        if self._reply is not None and self._reply.bytesAvailable():
            self._watch.start()  # it was QGIS that was busy, not the service that was silent
            self._on_ready_read()
            return
        self._fail(ServiceSilent(self.url, self._silence_s))

    def _on_finished(self) -> None:
        self._is_paused = False
        if self._reply is not None and self._reply.isOpen() and self._reply.bytesAvailable():
            self._on_ready_read()
        if self._reply is None:
            return
        self._read_status()
        failure = self._reply.error()
        is_http_error = self.status >= 400
        if failure == QNetworkReply.NetworkError.SslHandshakeFailedError:
            self.error = refusal(self._reply.url(), self._ssl_errors, self._reply.errorString())
        elif failure != QNetworkReply.NetworkError.NoError and not is_http_error:
            reason = self._reply.errorString()
            arrived = self.status > 0
            self.error = ConnectionLost(self.url, reason) if arrived else _unreachable(self._reply)
        self._end()

    def _read_status(self) -> None:
        status = self._reply.attribute(QNetworkRequest.Attribute.HttpStatusCodeAttribute)
        self.status = int(status or 0)

    def _fail(self, error: GeoR1Error) -> None:
        if self._reply is not None:
            self.error = error
            self._end()

    def _end(self) -> None:
        reply = self._release()
        reply.abort()
        reply.deleteLater()
        self.ended.emit()
        self.deleteLater()

    def _release(self) -> QNetworkReply:
        reply, self._reply = self._reply, None
        self._watch.stop()
        self._headers = {
            bytes(name).decode("latin-1").lower(): bytes(reply.rawHeader(name)).decode("latin-1")
            for name in reply.rawHeaderList()
        }
        for signal in (reply.readyRead, reply.uploadProgress, reply.sslErrors, reply.finished):
            signal.disconnect()
        return reply


class Transport(QObject):
    """Sends requests to one endpoint. `blocking.py` is the face of the same for threads that wait."""

    def __init__(self, endpoint: Endpoint, parent: Optional[QObject] = None) -> None:
        super().__init__(parent)
        self.endpoint = endpoint
        self._manager = QNetworkAccessManager(self)
        self._manager.setProxy(_proxy_for(endpoint.url))

    def send(
        self,
        verb: str,
        path: str,
        *,
        body: Optional[bytes] = None,
        content_type: str = "application/json",
        silence_s: float = SILENCE_S,
        streamed: bool = False,
    ) -> Exchange:
        """Begin an exchange; it belongs to this transport and ends with it."""
        request = QNetworkRequest(QUrl(self.endpoint.url.rstrip("/") + path))
        _set(request, "CacheLoadControlAttribute", QNetworkRequest.CacheLoadControl.AlwaysNetwork)
        # a redirect would carry the token to another host
        _set(
            request, "RedirectPolicyAttribute", QNetworkRequest.RedirectPolicy.ManualRedirectPolicy
        )
        request.setAttribute(QNetworkRequest.Attribute.CacheSaveControlAttribute, False)
        request.setRawHeader(b"X-Geo-R1-Wire", wire.WIRE_VERSION.encode())
        request.setRawHeader(
            b"Accept-Encoding", b"identity"
        )  # a compressed stream arrives in lumps
        if self.endpoint.access:
            request.setRawHeader(
                b"Authorization", b"Bearer " + self.endpoint.access.encode("utf-8")
            )
        if body is not None:
            request.setRawHeader(b"Content-Type", content_type.encode())
        if request.url().scheme() == "https":
            trust_what_qgis_trusts(request)
        reply = self._manager.sendCustomRequest(request, verb.encode(), body or b"")
        return Exchange(reply, silence_s=silence_s, streamed=streamed, parent=self)


def _proxy_for(url: str) -> QNetworkProxy:
    """None for this machine itself, else the one that the user has set for this host in QGIS."""
    if not is_loopback(url):
        factory = QgsNetworkAccessManager.instance().proxyFactory()
        proxies = factory.queryProxy(QNetworkProxyQuery(QUrl(url))) if factory is not None else []
        if proxies:
            return proxies[0]
        return QgsNetworkAccessManager.instance().proxy()
    return QNetworkProxy(QNetworkProxy.ProxyType.NoProxy)


def _set(request: QNetworkRequest, attribute: str, value: Any) -> None:
    # Qt 6's Python enums do not turn into numbers by themselves
    request.setAttribute(
        getattr(QNetworkRequest.Attribute, attribute), int(getattr(value, "value", value))
    )


def _unreachable(reply: QNetworkReply) -> ServiceUnreachable:
    url = reply.url().toString(QUrl.UrlFormattingOption.RemovePath)
    errors = QNetworkReply.NetworkError
    error = ServiceUnreachable(url, reply.errorString())
    proxy = reply.manager().proxy()
    if proxy.type() in (QNetworkProxy.ProxyType.NoProxy, QNetworkProxy.ProxyType.DefaultProxy):
        return error
    of_the_proxy = (
        errors.ConnectionRefusedError,  # what Qt says of an HTTP proxy that is not there
        errors.ProxyConnectionRefusedError,
        errors.ProxyConnectionClosedError,
        errors.ProxyNotFoundError,
        errors.ProxyTimeoutError,
        errors.ProxyAuthenticationRequiredError,
        errors.UnknownProxyError,
    )
    if reply.error() in of_the_proxy:
        error.code = "proxy-failed"
        error.parameters["proxy"] = f"{proxy.hostName()}:{proxy.port()}"
    return error
