"""A hostile service: nothing that it says opens, loads, hides, hangs or fills anything; the dock says what happened."""

import http.server
import json
import os
import threading
import time
from pathlib import Path

import pytest
from qgis.core import QgsApplication, QgsExpression, QgsExpressionContext, QgsExpressionContextUtils
from qgis.gui import QgsAttributeForm, QgsMessageLogViewer
from qgis.PyQt.QtCore import Qt, QUrl
from qgis.PyQt.QtGui import QDesktopServices
from qgis.PyQt.QtWidgets import QLabel, QLineEdit, QPlainTextEdit, QTextEdit

from geo_r1_qgis.core.ask_state import Stage
from geo_r1_qgis.core.standing import Kind
from geo_r1_qgis.gui.message_log import MessageLogHandler
from geo_r1_qgis.network import ground_call
from tests.qgis.person import rows, type_question, wait_for_end
from tests.qgis.stub_service import (
    HEALTH,
    MODEL,
    a_detection,
    detection,
    failure,
    queued,
    result,
    started,
    token,
)


@pytest.fixture
def trap(monkeypatch, qapp):
    """A web server that notes who comes, and a desktop that notes what is to be opened."""
    hits, opened = [], []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            hits.append(self.path)
            self.send_response(404)
            self.end_headers()

        def log_message(self, *_):
            """Say nothing on the console."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    monkeypatch.setattr(
        QDesktopServices, "openUrl", lambda url: opened.append(url.toString()) or True
    )
    yield Trap(f"http://127.0.0.1:{server.server_port}", hits, opened)
    server.shutdown()
    server.server_close()


class Trap:
    """Where it is, and what fell into it."""

    def __init__(self, url, hits, opened):
        self.url, self.hits, self.opened = url, hits, opened

    @property
    def words(self):
        """Text that wants to be more than text."""
        return (
            f'<img src="{self.url}/img">[% 1+1 %]<a href="{self.url}/a">click</a><script>x()</script><img src=file:///etc/passwd>'
            f"[md]({self.url}/md) ![i]({self.url}/mdi) javascript:alert(1) &amp; "
            "\x1b[31m\u202egnp.exe\u200b\x07 <b>bold</b>"
        )

    def is_empty(self, qtbot):
        """Whether nothing was loaded or opened, some time for it given."""
        qtbot.wait(150)
        return (self.hits, self.opened) == ([], [])


def resident_bytes():
    """Memory of this process; none where the system does not say it as Linux does."""
    statm = Path("/proc/self/statm")
    return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") if statm.exists() else 0


def shown_texts(dock):
    """Everything that the dock's labels show, and how each would read it."""
    return [(label.text(), label.textFormat()) for label in dock.findChildren(QLabel)]


def test_hostile_words_are_words_everywhere(qtbot, plugin, dock, stub, trap, tmp_path):
    """Markup, links and control characters in reasoning, labels and remarks are shown as they are, and stored so."""
    words = trap.words
    found = a_detection(label=words)
    dropped = [{"text": words, "reason": words}] * 50
    stub.scripts = [[
        {**started(), "model": words, "engine": words, "device": words}, token(words), token(words, "answer"),
        {"event": "detection", "item": "1", "detection": found}, result([found], reasoning=words, dropped=dropped),
    ]]  # fmt: skip
    type_question(dock)
    state = wait_for_end(qtbot, plugin)

    assert state.stage is Stage.DONE
    view = dock.reasoning.view
    assert "<b>bold</b>" in view.toPlainText()
    assert "\u202e" not in view.toPlainText()
    html = view.toHtml()
    assert "<img" not in html
    assert trap.url not in "".join(part.split('"')[0] for part in html.split('href="')[1:])
    row = dock.answers.tree.topLevelItem(0).child(0)
    assert "<b>" in row.text(0) or len(row.text(0)) >= 200
    assert "\x1b" not in row.text(0)
    assert Qt.mightBeRichText(row.toolTip(0)) is False or "&lt;" in row.toolTip(0)
    (stored,) = rows(tmp_path, "label")
    assert stored[0].startswith("<img src=")
    for text, how in shown_texts(dock):
        assert how == Qt.TextFormat.PlainText or not Qt.mightBeRichText(text), text
    assert len(dock.notice.text.splitlines()) < 12
    view.anchorClicked.emit(QUrl(f"{trap.url}/clicked"))
    assert trap.is_empty(qtbot)


def test_the_map_tip_and_the_form_show_words(qtbot, plugin, dock, stub, trap):
    """In QGIS's own map tip and attribute form a hostile label stays text: no picture, no link, no expression."""
    found = a_detection(label=trap.words)
    stub.scripts = [[started(), result([found])]]
    type_question(dock)
    wait_for_end(qtbot, plugin)
    layer = plugin.services.store.layer
    feature = next(layer.getFeatures())
    context = QgsExpressionContext(QgsExpressionContextUtils.globalProjectLayerScopes(layer))
    context.setFeature(feature)
    tip = QgsExpression.replaceExpressionText(layer.mapTipTemplate(), context)
    form = QgsAttributeForm(layer, feature)
    form.show()
    qtbot.addWidget(form)

    assert tip.startswith("<b>&lt;img src=")
    assert tip.count("<") == 3  # <b>, </b> and <br> are ours
    assert "[% 1+1 %]" in tip
    for label in form.findChildren(QLabel):
        assert "<img" not in label.text()
    texts = [edit.text() for edit in form.findChildren(QLineEdit)]
    texts += [
        edit.toPlainText()
        for edit in form.findChildren(QTextEdit) + form.findChildren(QPlainTextEdit)
    ]
    assert any("<img src=" in text for text in texts)
    assert trap.is_empty(qtbot)


def test_the_log_panel_shows_words(qtbot, plugin, dock, stub, trap):
    """QGIS's log panel reads messages as HTML; what the plugin logs of a service is none."""
    import logging

    viewer = QgsMessageLogViewer()
    qtbot.addWidget(viewer)
    stub.scripts = [[failure(trap.words, reason=trap.words)]]
    type_question(dock)
    wait_for_end(qtbot, plugin)
    MessageLogHandler().emit(logging.LogRecord("x", logging.WARNING, "", 0, trap.words, None, None))
    pages = [page.toPlainText() for page in viewer.findChildren(QPlainTextEdit)]
    html = "".join(page.document().toHtml() for page in viewer.findChildren(QPlainTextEdit))

    assert any("\N{SINGLE LEFT-POINTING ANGLE QUOTATION MARK}img src=" in page for page in pages), (
        pages
    )
    assert "<img" not in html
    assert "<a href" not in html
    assert trap.is_empty(qtbot)


def test_hostile_errors_and_names_are_words(qtbot, plugin, dock, stub, trap):
    """Messages, hints, parameters, titles of models and names in health: shown as text, at a bearable length."""
    words = trap.words
    stub.models = [{**MODEL, "title": words * 50, "note": words, "licence": words}] * 500
    stub.health = {
        **HEALTH,
        "model_title": words,
        "device": words,
        "version": words * 99,
        "wire_version": "1.0",
    }
    plugin.services.connection.connect_service(may_start=False)
    qtbot.waitUntil(
        lambda: "IMG" in dock.header.line.text() or "img" in dock.header.line.text(), timeout=3000
    )
    body = {
        "code": "x-y",
        "message": words * 99,
        "hint": words * 99,
        "parameters": {"a": words},
        "request_id": words,
    }
    stub.scripts = [[{"event": "error", "item": "1", "error": body}]]
    type_question(dock)
    wait_for_end(qtbot, plugin)

    assert "<b>bold</b>" in dock.notice.text
    assert len(dock.notice.text) < 3000
    for text, how in shown_texts(dock):
        assert how == Qt.TextFormat.PlainText or not Qt.mightBeRichText(text), text
    assert not Qt.mightBeRichText(dock.header.toolTip())
    for action in dock.menu.actions():
        for each in action.menu().actions() if action.menu() else []:
            assert len(each.text()) < 200
            assert not Qt.mightBeRichText(each.toolTip()) or "&lt;" in each.toolTip()
    assert trap.is_empty(qtbot)


BAD_STREAMS = {
    "a line without end": [started(), detection()] + [b"x" * 65536] * 100,
    "nesting": [started(), detection(), b"[" * 200_000 + b"\n"],
    "a box of three numbers": [started(), detection(), detection(box=(1, 2, 3))],
    "a box of infinity": [started(), detection(),
        b'{"event":"detection","item":"1","detection":{"rank":0,"label":"","box_px":[0,0,1e999,1]}}\n'],
    "a box far away": [started(), detection(), detection(box=(1e300, 2, 2e300, 3))],
    "not a number": [started(), detection(), b'{"event":"heartbeat","item":"","elapsed_s":NaN}\n'],
    "a name twice": [started(), detection(), b'{"event":"token","event":"result","item":"1"}\n'],
    "wrong types": [started(), detection(), {"event": "token", "item": "1", "text": [1], "section": "think"}],
    "too many detections": [started(), detection(), result([a_detection()] * 1001)],
    "a digit bomb": [started(), detection(), b'{"event":"queued","item":"1","position":' + b"9" * 300_000 + b"}\n"],
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_STREAMS)
def test_a_broken_answer_ends_in_a_sentence(qtbot, plugin, dock, stub, tmp_path, name):
    """The question fails with the reason, the dock is ready for the next one, and what was found before is kept."""
    stub.scripts = [BAD_STREAMS[name]]
    began = time.monotonic()
    type_question(dock)
    state = wait_for_end(qtbot, plugin)

    assert state.stage is Stage.FAILED
    assert state.error.code == "protocol"
    assert dock.notice.isVisible()
    assert len(dock.notice.text) < 800
    assert len(rows(tmp_path)) == 1
    assert time.monotonic() - began < 8
    assert dock.ask_panel.button.text() == "Ask"


def test_events_out_of_order_and_of_others_are_borne(qtbot, plugin, dock, stub, tmp_path):
    """Back into the queue, started twice, about another question, after the end: the one answer is still the answer."""
    other = {**result([a_detection(label="other")]), "item": "2"}
    stub.scripts = [[
        token("t"), queued(7), started(), started(), other, {**result([]), "item": ""}, detection(), queued(-3),
        {"event": "invented", "item": "1"}, result(), result(), failure("internal"),
    ]]  # fmt: skip
    type_question(dock)

    assert wait_for_end(qtbot, plugin).stage is Stage.DONE
    assert [label for (label,) in rows(tmp_path, "label")] == ["storage tank"]


@pytest.mark.parametrize(
    "unit", [token("word " * 2000), {"event": "invented", "item": "1"}, detection()]
)
def test_an_endless_answer_fills_nothing(qtbot, plugin, dock, stub, monkeypatch, unit):
    """An answer that never ends is cut at its limit; until then memory stays bounded and the window alive."""
    monkeypatch.setattr(ground_call, "MAX_ANSWER_BYTES", 6_000_000)
    line = json.dumps(unit).encode() + b"\n"
    stub.scripts = [[started()] + [line * (65536 // len(line) + 1)] * 300]
    before = resident_bytes()
    type_question(dock)
    state = wait_for_end(qtbot, plugin, timeout=60_000)

    assert state.error.code == "protocol"
    assert "6,000,000" in dock.notice.text
    assert len(dock.reasoning.view.toPlainText()) < 70_000
    assert resident_bytes() - before < 300_000_000


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(qtbot, plugin, stub, trap, status):
    """A service that sends the plugin elsewhere sees it stay: nothing, and no token, goes to the other address."""
    stub.health_status, stub.location = status, f"{trap.url}/v1/health"
    plugin.services.connection.connect_service(may_start=False)
    qtbot.waitUntil(lambda: plugin.services.connection.standing.kind is Kind.NOT_OURS, timeout=3000)

    assert trap.is_empty(qtbot)


def test_a_foreign_address_gets_no_token(qtbot, plugin, dock, stub, tmp_path, trap):
    """A `server.json` that names another machine is not believed: nothing is sent, the dock says where it pointed."""
    stub.write_server_file(tmp_path, url=trap.url.replace("127.0.0.1", "127.0.0.1@localhost"))
    qtbot.waitUntil(lambda: "/v1/models" in stub.paths("GET"), timeout=3000)
    before = len(stub.requests)
    plugin.services.connection.connect_service(may_start=True)
    qtbot.waitUntil(lambda: plugin.services.connection.standing.kind is Kind.FAILED, timeout=3000)

    assert "server.json names" in dock.header.hint.text()
    assert len(stub.requests) == before
    assert trap.is_empty(qtbot)
    assert QgsApplication.instance() is not None
