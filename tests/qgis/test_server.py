"""A server that somebody else runs: who is trusted, where the token lies, what is said before and after.

The password store is QGIS's own, in a folder of the tests, opened with a master password that no person has to type.
"""

import pytest
from qgis.core import QgsApplication, QgsAuthMethodConfig, QgsCredentials, QgsSettings
from qgis.PyQt.QtCore import QObject, Qt
from qgis.PyQt.QtNetwork import QSslCertificate  # noqa: TID251 - imports an authority into QGIS
from qgis.PyQt.QtTest import QTest
from qgis.PyQt.QtWidgets import QDialogButtonBox, QMessageBox

from geo_r1_qgis import classFactory
from geo_r1_qgis.core.errors import GeoR1Error
from geo_r1_qgis.core.settings import LEGACY_ACCESS, Settings
from geo_r1_qgis.core.standing import Endpoint, Kind
from geo_r1_qgis.gui.server_dialog import ServerDialog
from geo_r1_qgis.network.access import AccessKeeper
from geo_r1_qgis.network.connection import Connection
from geo_r1_qgis.network.handshake import Handshake
from tests.certificates import Authority
from tests.qgis.stub_service import ACCESS, StubService

MASTER = "a master password of the tests"
URL = "https://gpu.office:8443"


class Prompts(QgsCredentials):
    """Stands where QGIS's window for the master password would open, and counts."""

    def __init__(self):
        super().__init__()
        self.count = 0
        self.setInstance(self)

    def request(self, realm, username, password, message=""):
        return False, "", ""

    def requestMasterPassword(self, password, stored):  # noqa: N802 - QGIS's name
        self.count += 1
        return False, ""


@pytest.fixture(scope="module")
def prompts(qgis_app):
    """Every prompt that QGIS would have shown since the module began."""
    return Prompts()


@pytest.fixture
def store(prompts):
    """QGIS's password store, open, empty of our tokens; closed again afterwards."""
    manager = QgsApplication.authManager()
    assert not manager.isDisabled(), manager.disabledMessage()
    manager.setPasswordHelperEnabled(False)
    assert manager.setMasterPassword(MASTER, True)
    prompts.count = 0
    yield manager
    manager.setMasterPassword(MASTER, True)
    for authcfg in manager.configIds():
        manager.removeAuthenticationConfig(authcfg)
    manager.clearMasterPassword()


@pytest.fixture
def locked(store):
    """The store as it is when QGIS has just started."""

    def lock():
        store.clearMasterPassword()
        store.clearAllCachedConfigs()
        assert not store.masterPasswordIsSet()

    return lock


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """Signs the certificates of this file; QGIS does not know it until a test says so."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def known_authority(authority, store):
    """The authority, imported into QGIS as a user does it."""
    (certificate,) = QSslCertificate.fromPath(str(authority.root.chain))
    assert store.storeCertAuthority(certificate)
    store.initSslCaches()
    yield authority
    store.removeCertAuthority(certificate)
    store.initSslCaches()


@pytest.fixture
def parent(qtbot):
    """Owner of what lives for one test."""
    made = QObject()
    yield made
    made.deleteLater()


def look(qtbot, url, parent, access=ACCESS):
    """Who is there?"""
    handshake = Handshake(
        data_folder="", remote=Endpoint(url, access, is_local=False), parent=parent
    )
    with qtbot.waitSignal(handshake.judged, timeout=5000) as judged:
        handshake.start()
    return judged.args[0]


def test_an_authority_that_qgis_knows_is_trusted(qtbot, known_authority, parent):
    """Imported under Authentication ▸ Authorities, the office's own authority is enough."""
    certificate = known_authority.sign("good", "localhost", "127.0.0.1")
    with StubService(certificate=certificate) as stub:
        standing = look(qtbot, stub.url, parent)

    assert standing.kind is Kind.READY


@pytest.mark.parametrize(
    ("fault", "code", "words"),
    [
        ("self-signed", "tls-untrusted", "self-signed"),
        ("unknown authority", "tls-untrusted", "issuer"),
        ("wrong name", "tls-host-name", "gpu.example.org"),
        ("expired", "tls-expired", "20"),
        ("not yet valid", "tls-expired", "20"),
        ("no TLS", "tls-failed", "127.0.0.1"),
    ],
)
def test_a_bad_certificate_is_refused_before_anything_is_sent(
    qtbot, request, authority, parent, store, fault, code, words
):
    """Whatever is wrong with it: no request arrives, no token with it, and the sentence says what and what to do."""
    if fault not in ("self-signed", "unknown authority"):
        request.getfixturevalue("known_authority")
    name = fault.replace(" ", "-")
    certificate = {
        "self-signed": lambda: authority.self_signed(name, "127.0.0.1"),
        "unknown authority": lambda: authority.sign(name, "127.0.0.1"),
        "wrong name": lambda: authority.sign(name, "gpu.example.org"),
        "expired": lambda: authority.sign(name, "127.0.0.1", days=(-30, -2)),
        "not yet valid": lambda: authority.sign(name, "127.0.0.1", days=(2, 30)),
        "no TLS": lambda: None,
    }[fault]()
    with StubService(certificate=certificate) as stub:
        url = stub.url.replace("http:", "https:")
        standing = look(qtbot, url, parent)
        requests = list(stub.requests)

    assert (standing.kind, standing.error.code) == (Kind.FAILED, code)
    assert requests == []
    said = " ".join(str(value) for value in standing.error.parameters.values())
    assert words in said


def test_the_token_does_not_follow_a_redirect(qtbot, known_authority, parent):
    """A server that sends the plugin elsewhere is not followed: the other one hears nothing."""
    certificate = known_authority.sign("redirects", "127.0.0.1")
    with StubService(certificate=certificate) as other, StubService(certificate=certificate) as one:
        one.health_status, one.health, one.location = 307, b"", f"{other.url}/v1/health"
        standing = look(qtbot, one.url, parent)
        heard = list(other.requests)

    assert standing.kind is Kind.NOT_OURS
    assert heard == []


def test_a_token_is_kept_in_the_store_and_for_its_address_alone(store, prompts):
    """Kept under an id, encrypted, readable by a fresh plugin without a prompt, never handed out for another address."""
    authcfg = AccessKeeper().keep("s3cret-token", URL)
    there = Settings(service_url=URL, service_authcfg=authcfg)
    elsewhere = there.with_changes(service_url="https://evil.example")

    assert AccessKeeper().find(there, may_prompt=False) == "s3cret-token"
    with pytest.raises(GeoR1Error) as refusal:
        AccessKeeper().find(elsewhere, may_prompt=False)
    assert refusal.value.code == "access-gone"
    assert prompts.count == 0
    with open(store.authenticationDatabasePath(), "rb") as file:  # noqa: PTH123 - the whole file
        assert b"s3cret-token" not in file.read()
    config = QgsAuthMethodConfig()
    assert store.loadAuthenticationConfig(authcfg, config, False)
    AccessKeeper().forget(URL, authcfg)
    assert authcfg not in store.configIds()


def test_a_locked_store_prompts_only_when_the_user_asks(qtbot, store, locked, prompts, parent):
    """At start-up the header says that the token is locked; a button or a question opens QGIS's own prompt, once."""
    authcfg = AccessKeeper().keep("t" * 30, URL)
    locked()
    connection = Connection(
        Settings(service_url=URL, service_authcfg=authcfg), parent, access=AccessKeeper()
    )
    with qtbot.waitSignal(connection.settled, timeout=3000):
        connection.connect_service(may_start=True)
    assert (connection.standing.kind, prompts.count) == (Kind.LOCKED, 0)
    connection._look(quiet=True)
    qtbot.wait(30)
    assert prompts.count == 0
    with qtbot.waitSignal(connection.settled, timeout=3000):
        connection.connect_service(may_start=True, by_user=True)

    assert (connection.standing.kind, prompts.count) == (Kind.LOCKED, 1)
    connection.close()


def test_a_store_that_is_off_keeps_tokens_for_the_session(parent):
    """Where QGIS's store is disabled, the token works until the end, and the reason is said."""

    class Off:
        def isDisabled(self):  # noqa: N802 - QGIS's name
            return True

        def disabledMessage(self):  # noqa: N802 - QGIS's name
            return "QCA has no cipher"

    keeper = AccessKeeper(Off())
    with pytest.raises(GeoR1Error) as refusal:
        keeper.keep("abc", URL)

    assert (refusal.value.code, refusal.value.parameters["reason"]) == (
        "access-not-kept",
        "QCA has no cipher",
    )
    assert keeper.find(Settings(service_url=URL), may_prompt=False) == "abc"
    dialog = ServerDialog(Settings(service_url=URL), access=keeper)
    assert not dialog.keep.isEnabled()
    assert not dialog.keep.isChecked()


def test_a_token_in_the_settings_moves_into_the_store(store, locked, prompts):
    """What version 0.1.0 left as plain text is moved and erased; with a locked store it works and moves later."""
    settings, ini = Settings(service_url=URL), QgsSettings()
    ini.setValue(LEGACY_ACCESS, "from-0.1.0")
    locked()
    keeper = AccessKeeper()
    same = keeper.move_legacy(settings, ini)
    assert (same, ini.value(LEGACY_ACCESS)) == (settings, "from-0.1.0")
    assert keeper.find(settings, may_prompt=False) == "from-0.1.0"
    store.setMasterPassword(MASTER, True)
    moved = keeper.move_legacy(settings, ini)

    assert not ini.contains(LEGACY_ACCESS)
    assert AccessKeeper().find(moved, may_prompt=False) == "from-0.1.0"
    assert prompts.count == 0


def test_the_plugin_moves_it_when_the_store_is_opened(
    qtbot, window, stub, store, locked, tmp_path, prompts
):
    """With the plugin loaded: said once, without a prompt; unlocked for whatever reason, nothing is left in the settings."""
    ini = QgsSettings()
    Settings(service_url=stub.url).save(ini)
    ini.setValue(LEGACY_ACCESS, ACCESS)
    locked()
    loaded = classFactory(window)
    loaded.initGui()
    connection = loaded.services.connection
    qtbot.waitUntil(lambda: connection.standing.kind is Kind.READY, timeout=3000)
    assert loaded.services.dock.notice.code == "access-in-settings"
    assert prompts.count == 0
    assert store.setMasterPassword(MASTER, True)
    qtbot.waitUntil(lambda: not ini.contains(LEGACY_ACCESS), timeout=2000)

    kept = Settings.load(ini)
    loaded.unload()
    assert AccessKeeper().find(kept, may_prompt=False) == ACCESS


def fill(dialog, url, access=""):
    """Type an address and a token."""
    dialog.show()
    dialog.remote.setChecked(True)
    dialog.url.clear()
    QTest.keyClicks(dialog.url, url)
    QTest.keyClicks(dialog.access, access)


def ok_button(dialog):
    """The button that takes over what was typed."""
    return dialog.buttons.button(QDialogButtonBox.StandardButton.Ok)


def test_the_connection_can_be_tested_before_ok(qtbot, known_authority, store, tmp_path):
    """The dialog says who answers, on what, in which version; then a wrong token; then a server that is not there."""
    certificate = known_authority.sign("dialog", "127.0.0.1")
    dialog = ServerDialog(Settings(), access=AccessKeeper())
    qtbot.addWidget(dialog)
    seen = []
    with StubService(certificate=certificate) as stub:
        for access in (ACCESS, "wrong"):
            dialog.access.clear()
            fill(dialog, stub.url, access)
            QTest.mouseClick(dialog.test_button, Qt.MouseButton.LeftButton)
            qtbot.waitUntil(dialog.test_button.isEnabled, timeout=5000)
            seen.append(dialog.result.text())
            dialog.grab().save(str(tmp_path / f"dialog-{access}.png"))
    QTest.mouseClick(dialog.test_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(dialog.test_button.isEnabled, timeout=5000)

    assert seen[0].startswith("Geo-R1 Nano on CPU answers, version 0.1.0.")
    assert "The certificate is good." in seen[0]
    assert "does not accept the token" in seen[1]
    assert "does not answer" in dialog.result.text()


def test_plain_http_is_not_used_without_a_word(qtbot, store, parent):
    """An http address of another host warns, and nothing can be tested or taken over before the user agrees."""
    dialog = ServerDialog(Settings(), access=AccessKeeper())
    qtbot.addWidget(dialog)
    fill(dialog, "http://gpu.office:8080", "t")

    assert "can be read by everybody" in dialog.warning.text()
    assert not ok_button(dialog).isEnabled()
    assert not dialog.test_button.isEnabled()
    dialog.agree.setChecked(True)
    assert ok_button(dialog).isEnabled()
    assert dialog.settings.plain_http_url == "http://gpu.office:8080"
    connection = Connection(Settings(service_url="http://gpu.office:8080"), parent)
    with qtbot.waitSignal(connection.settled, timeout=3000):
        connection.connect_service(may_start=True)
    assert connection.standing.error.code == "not-encrypted"
    connection.close()


def test_ok_puts_the_token_into_the_store_and_not_into_the_settings(qtbot, store, prompts):
    """The settings get an id; opened again, the field is empty and says where the token is."""
    dialog = ServerDialog(Settings(), access=AccessKeeper())
    qtbot.addWidget(dialog)
    fill(dialog, "gpu.office:8443/", "s3cret-token")
    dialog.accept()
    settings, ini = dialog.settings, QgsSettings()
    settings.save(ini)

    assert settings.service_url == URL
    assert AccessKeeper().find(settings, may_prompt=False) == "s3cret-token"
    assert "s3cret-token" not in " ".join(str(ini.value(key)) for key in ini.allKeys())
    again = ServerDialog(settings, access=AccessKeeper())
    qtbot.addWidget(again)
    assert again.access.text() == ""
    assert "kept" in again.access.placeholderText()
    again.accept()
    assert again.settings.service_authcfg == settings.service_authcfg
    assert prompts.count == 0


def test_a_token_can_be_for_this_session_only(qtbot, store):
    """Unticked, nothing reaches the store, and the token works until QGIS is closed."""
    keeper = AccessKeeper()
    dialog = ServerDialog(Settings(), access=keeper)
    qtbot.addWidget(dialog)
    fill(dialog, URL, "for-today")
    dialog.keep.setChecked(False)
    dialog.accept()

    assert store.configIds() == []
    assert dialog.settings.service_authcfg == ""
    assert keeper.find(dialog.settings, may_prompt=False) == "for-today"
    assert AccessKeeper().find(dialog.settings, may_prompt=False) == ""


def test_a_prompt_that_is_cancelled_is_no_loss(qtbot, store, locked, prompts):
    """The user closes QGIS's prompt: the token works for this session, and that is said."""
    locked()
    keeper = AccessKeeper()
    dialog = ServerDialog(Settings(), access=keeper)
    qtbot.addWidget(dialog)
    fill(dialog, URL, "for-today")
    dialog.accept()

    assert prompts.count == 1
    assert dialog.failure.code == "access-not-kept"
    assert keeper.find(dialog.settings, may_prompt=False) == "for-today"


@pytest.mark.parametrize(
    ("url", "line", "details"),
    [
        ("", "Nothing leaves this machine", "Nothing."),
        ("https://gpu.office:8443", "Views and questions go to gpu.office (TLS)", "encrypted"),
        ("http://gpu.office", "go to gpu.office, not encrypted", "not encrypted"),
        ("http://127.0.0.1:9000", "127.0.0.1:9000, and on if that is a tunnel", "tunnel"),
    ],
)
def test_the_header_says_what_leaves_the_machine(plugin, dock, url, line, details):
    """At a glance in the header, in full behind it."""
    plugin.services.actions._use(Settings(service_url=url))
    assert line in dock.header.leaves.text()
    QTest.mouseClick(dock.header.leaves, Qt.MouseButton.LeftButton)

    box = dock.findChild(QMessageBox, "geoR1Leaves")
    assert details in box.text()
    box.close()
