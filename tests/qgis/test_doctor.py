"""The doctor in the dock: each step with its time as it happens, what depends on what, Stop, and a report to hand on."""

import getpass
import json
import sys
import time
from pathlib import Path

import pytest
from qgis.core import QgsApplication
from qgis.PyQt.QtCore import Qt, QTimer
from qgis.PyQt.QtGui import QGuiApplication
from qgis.PyQt.QtTest import QTest
from qgis.PyQt.QtWidgets import QDialogButtonBox

from geo_r1_qgis.core.checkup import State
from geo_r1_qgis.gui.doctor_dialog import DoctorDialog
from geo_r1_qgis.tasks.known_answer import known_answer
from tests.qgis.stub_service import ACCESS, CLOSE, HANG, a_detection, queued, result, started

CHAIN = ["read", "connect", "send", "answer", "ground", "write"]
PLAN = ["package", "model", "service"]


def lines(*events):
    """What `geo-r1 doctor --json` prints."""
    return "".join(f"print({json.dumps(json.dumps(event))}, flush=True)\n" for event in events)


WELL = lines(
    {"event": "plan", "steps": PLAN},
    {"event": "begin", "step": "package"},
    {"event": "ok", "step": "package", "found": f"installed in {Path.home()}/lib", "took_ms": 12.5},
    {"event": "begin", "step": "model"},
    {"event": "ok", "step": "model", "found": "Nano", "took_ms": 3},
    {"event": "end", "steps": [], "well": True},
)
ILL = lines(
    {"event": "plan", "steps": PLAN},
    {"event": "begin", "step": "package"},
    {
        "event": "broken",
        "step": "package",
        "found": "no numpy",
        "hint": "Install it.",
        "took_ms": 1,
    },
    {"event": "end", "steps": ["model", "service"], "well": False},
)


@pytest.fixture
def command(plugin, tmp_path):
    """Put a program in the place of `geo-r1`."""

    def write(text):
        path = tmp_path / "geo-r1"
        path.write_text(f"#!{sys.executable}\nimport sys, time\n{text}")
        path.chmod(0o755)
        connection = plugin.services.connection
        connection.settings = connection.settings.with_changes(service_command=str(path))

    write(WELL)
    return write


@pytest.fixture
def right_answer(stub):
    """The service knows the answer."""
    box = known_answer().box_px
    stub.scripts = [[queued(), started(), result([a_detection(box=box)])]]
    return stub


def open_doctor(plugin, dock):
    """From the menu."""
    plugin.services.actions.examine()
    return next(reversed(dock.findChildren(DoctorDialog)))


def check(qtbot, plugin, dock, timeout=20_000):
    """From the menu until the end."""
    dialog = open_doctor(plugin, dock)
    qtbot.waitUntil(lambda: dialog.examination.is_over, timeout=timeout)
    return dialog


def states(dialog):
    """Name → how it ended."""
    return {name: step.state for name, step in dialog.examination.steps.items()}


def test_every_step_is_shown_with_its_time(qtbot, plugin, dock, right_answer, command, tmp_path):
    """All is well: the chain in order, then the service's own steps under theirs, each with a time, none out of place."""
    dialog = check(qtbot, plugin, dock)
    steps = dialog.examination.steps

    assert set(states(dialog).values()) == {State.OK}, steps
    assert list(steps) == [*CHAIN, "service", "service/package", "service/model"]
    assert all(step.took_ms > 0 for step in steps.values())
    assert "IoU 1.00" in steps["answer"].found
    assert float(steps["ground"].found.split()[0]) < 0.001
    assert dialog.verdict.text() == "All is well."
    tops = [dialog.tree.topLevelItem(i) for i in range(dialog.tree.topLevelItemCount())]
    assert [top.text(0)[:1] for top in tops] == ["✓"] * 7
    assert [tops[-1].child(i).text(0) for i in range(2)] == ["✓ package", "✓ model"]
    assert tops[-1].child(0).text(1) in ("12 ms", "13 ms")
    assert not (tmp_path / "doctor.gpkg").exists()
    assert not Path(dialog.examination._folder.path()).exists()


@pytest.mark.parametrize(
    ("script", "broken", "skipped"),
    [
        ([started(), result([a_detection(box=(0, 0, 9, 9))])], "answer", []),  # the wrong place
        ([started(), result([], outcome="none")], "answer", []),
        ([started(), CLOSE], "answer", []),
        ([CLOSE], "send", ["answer"]),
    ],
)
def test_a_bad_answer_is_found_and_the_rest_is_tried(
    qtbot, plugin, dock, stub, command, script, broken, skipped
):
    """What does not need the model is tried all the same; the verdict names what is broken."""
    stub.scripts = [script]
    dialog = check(qtbot, plugin, dock)
    found = states(dialog)

    assert [name for name, state in found.items() if state is State.BROKEN] == [broken]
    assert [name for name, state in found.items() if state is State.SKIPPED] == skipped
    assert dialog.verdict.text().startswith("Broken: ")


def test_without_a_service_the_plugin_is_checked(qtbot, plugin, dock, stub, command, tmp_path):
    """Nobody answers: connect is broken, what needs it is not tried, reading, ground and file are; so are its own steps."""
    command(ILL)
    stub.write_server_file(tmp_path, url="http://127.0.0.1:1")
    connection = plugin.services.connection
    connection.settings = connection.settings.with_changes(start_service=False)
    dialog = check(qtbot, plugin, dock)

    assert states(dialog) == {
        "read": State.OK,
        "connect": State.BROKEN,
        "send": State.SKIPPED,
        "answer": State.SKIPPED,
        "ground": State.OK,
        "write": State.OK,
        "service": State.BROKEN,
        "service/package": State.BROKEN,
        "service/model": State.SKIPPED,
        "service/service": State.SKIPPED,
    }
    assert "Install it." in dialog.report


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sys.exit('geo-r1: error: unrecognized arguments: --json')", "unrecognized"),
        ("print('hello')", "said nothing"),
        ("raise SystemExit(3)", "said nothing"),
    ],
)
def test_a_command_that_cannot_do_it_is_said(
    qtbot, plugin, dock, right_answer, command, text, said
):
    """An older geo-r1, or another program of that name: one broken step with its last words."""
    command(text)
    dialog = check(qtbot, plugin, dock)

    assert states(dialog)["service/doctor"] is State.BROKEN
    assert said in dialog.examination.steps["service/doctor"].found
    assert states(dialog)["answer"] is State.OK


def test_no_command_is_one_broken_step(qtbot, plugin, dock, right_answer):
    """Not installed: said with what to do."""
    dialog = check(qtbot, plugin, dock)

    assert states(dialog)["service"] is State.BROKEN
    assert "pipx install geo-r1-backend" in dialog.examination.steps["service"].hint


def test_stop_ends_it_at_once(qtbot, plugin, dock, stub, command):
    """In the middle of an answer: Stop frees the service within a second; what was found stays in the list."""
    stub.scripts = [[started(), HANG]]
    dialog = open_doctor(plugin, dock)
    qtbot.waitUntil(lambda: "answer" in dialog.examination.steps, timeout=10_000)
    QTest.mouseClick(dialog.stop_button, Qt.MouseButton.LeftButton)

    assert dialog.examination.is_over
    qtbot.waitUntil(lambda: bool(stub.left_after_s), timeout=1000)
    assert states(dialog)["read"] is State.OK
    assert states(dialog)["answer"] is State.SKIPPED
    assert dialog.verdict.text() == "Stopped."
    assert not dialog.stop_button.isEnabled()


def test_closing_stops_the_command_too(qtbot, plugin, dock, right_answer, command, tmp_path):
    """The window is closed while the service checks itself: the command is told to end."""
    mark = tmp_path / "ended"
    ends = f"import signal\nsignal.signal(15, lambda *_: (open({str(mark)!r}, 'w').close(), sys.exit(0)))\n"
    begins = lines({"event": "plan", "steps": PLAN}, {"event": "begin", "step": "package"})
    command(ends + begins + "time.sleep(60)\n")
    dialog = open_doctor(plugin, dock)
    qtbot.waitUntil(lambda: "service/package" in dialog.examination.steps, timeout=10_000)
    dialog.close()
    qtbot.waitUntil(mark.exists, timeout=3000)

    assert QgsApplication.taskManager().countActiveTasks() == 0


def test_the_window_is_never_held_up(qtbot, plugin, dock, right_answer, command):
    """From the first step to the last, no 50 ms of work without a turn of the event loop."""
    gaps_s = []
    for _ in range(3):  # the calmest of three: other programs share the machine
        gaps, last_s = [], [time.thread_time()]

        def tick(gaps=gaps, last_s=last_s):
            now_s = time.thread_time()
            gaps.append(now_s - last_s[0])
            last_s[0] = now_s

        dialog = open_doctor(plugin, dock)
        timer = QTimer()
        timer.timeout.connect(tick)
        last_s[0] = time.thread_time()
        timer.start(1)
        qtbot.waitUntil(lambda dialog=dialog: dialog.examination.is_over, timeout=20_000)
        timer.stop()
        gaps_s.append(max(gaps))
        dialog.close()

    assert min(gaps_s) < 0.05


def test_the_report_has_no_secrets(qtbot, plugin, dock, right_answer, command, monkeypatch):
    """Versions, settings and steps; no token, no home folder, no user name, no question, no layer."""
    monkeypatch.setattr(getpass, "getuser", lambda: "ada-lovelace")
    command(
        WELL.replace(
            "Nano", f"the token {ACCESS} of ada-lovelace in {Path.home()}/models and more of it"
        )
    )
    dock.ask_panel.query.setText("the secret villa")
    dialog = check(qtbot, plugin, dock)
    QTest.mouseClick(dialog.copy_button, Qt.MouseButton.LeftButton)
    report = QGuiApplication.clipboard().text()

    for word in ("QGIS", "Qt", "GDAL", "Python", "plugin", "service", "Geo-R1 Nano", "platform"):
        assert word in report
    for name in (*CHAIN, "service/package"):
        assert f"  {name}: " in report
    assert "~/models" in report
    for secret in (ACCESS, str(Path.home()) + "/", "ada-lovelace", "secret villa", "ortho"):
        assert secret not in report


def test_a_server_is_asked_too(qtbot, plugin, dock, right_answer, command):
    """With a server of somebody else the same picture goes there; its own steps are tried where it is."""
    services = plugin.services
    services.connection.access.keep_for_session(ACCESS, right_answer.url)
    services.connection.settings = services.connection.settings.with_changes(
        service_url=right_answer.url
    )
    dialog = check(qtbot, plugin, dock)

    assert dialog.verdict.text() == "All is well."
    assert states(dialog)["service"] is State.SKIPPED
    assert "geo-r1 doctor" in dialog.examination.steps["service"].found


@pytest.mark.parametrize("how", ["cross", "button", "escape"])
def test_the_window_can_be_closed(qtbot, plugin, dock, right_answer, command, how):
    """The window's cross, its button and Esc each close it for good, in the middle of a check as well."""
    dialog = open_doctor(plugin, dock)
    with qtbot.waitSignal(dialog.destroyed, timeout=3000):
        if how == "cross":
            dialog.close()
        elif how == "button":
            box = dialog.findChild(QDialogButtonBox)
            QTest.mouseClick(
                box.button(QDialogButtonBox.StandardButton.Close), Qt.MouseButton.LeftButton
            )
        else:
            QTest.keyClick(dialog, Qt.Key.Key_Escape)
