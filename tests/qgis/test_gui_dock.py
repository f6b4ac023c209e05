"""The dock itself: header, names for screen readers, tab order, size, menu."""

import pytest
from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtWidgets import (
    QAbstractButton,
    QComboBox,
    QLineEdit,
    QMenu,
)

from geo_r1_qgis.core import wire
from geo_r1_qgis.core.errors import CommandNotFound, GeoR1Error, LaunchFailed, ServiceUnreachable
from geo_r1_qgis.core.sentences import Mend
from geo_r1_qgis.core.standing import Endpoint, Kind, Standing
from geo_r1_qgis.gui.header import HeaderPanel

LOCAL, REMOTE = (
    Endpoint("http://127.0.0.1:40123", "t"),
    Endpoint("https://gpu.office:8443", "t", is_local=False),
)
READY = wire.Health(
    "geo-r1", "0.1.0", "1.0", "ready", 1, "geo-r1-nano", "Geo-R1 Nano", "onnx", "cpu", 0.9
)
BUSY = wire.Health(
    "geo-r1", "0.1.0", "1.0", "busy", 1, "geo-r1-nano", "Geo-R1 Nano", "onnx", "cpu", 0.9, 2
)
VERSIONS = GeoR1Error(code="wire-version", given="1.0", expected="2.0")


@pytest.mark.parametrize(
    ("standing", "words", "mend"),
    [
        (Standing(Kind.UNKNOWN), "Looking for", Mend.NONE),
        (Standing(Kind.READY, LOCAL, READY), "Geo-R1 Nano · CPU · ready in 0.9 s", Mend.NONE),
        (Standing(Kind.BUSY, LOCAL, BUSY), "Geo-R1 Nano · CPU · busy, 2 waiting", Mend.RECONNECT),
        (Standing(Kind.STARTING, elapsed_s=2.2), "starting… 2 s", Mend.NONE),
        (Standing(Kind.STARTING, elapsed_s=20), "starting… 20 s", Mend.OPEN_LOG),
        (Standing(Kind.ABSENT), "is not running", Mend.START),
        (
            Standing(Kind.ABSENT, error=CommandNotFound(["/a"])),
            "is not installed",
            Mend.HOW_TO_INSTALL,
        ),
        (
            Standing(Kind.ABSENT, REMOTE, error=ServiceUnreachable("u", "r")),
            "server does not answer",
            Mend.RECONNECT,
        ),
        (Standing(Kind.REFUSED, LOCAL), "does not accept the token", Mend.RECONNECT),
        (Standing(Kind.REFUSED, REMOTE), "does not accept the token", Mend.SET_ACCESS),
        (Standing(Kind.TOO_OLD, LOCAL, error=VERSIONS), "service is too old", Mend.HOW_TO_UPDATE),
        (
            Standing(Kind.TOO_NEW, LOCAL, error=VERSIONS),
            "plugin is too old",
            Mend.OPEN_PLUGIN_MANAGER,
        ),
        (Standing(Kind.NOT_OURS, LOCAL), "Another program answers", Mend.START),
        (Standing(Kind.NOT_OURS, REMOTE), "Another program answers", Mend.SET_ADDRESS),
        (Standing(Kind.FAILED, LOCAL), "has a fault", Mend.OPEN_LOG),
        (
            Standing(Kind.FAILED, error=LaunchFailed("/x/geo-r1", "boom")),
            "did not start",
            Mend.OPEN_LOG,
        ),
    ],
)
def test_every_state_has_its_sentence_and_its_button(qtbot, standing, words, mend):
    """Each state of the header says something of its own and offers what mends it."""
    menu = QMenu()
    header = HeaderPanel(menu)
    qtbot.addWidget(header)
    header.show()
    header.show_standing(standing)
    pressed = []
    header.mend_requested.connect(pressed.append)
    header.button.click()

    assert words in header.line.text().replace("\N{NO-BREAK SPACE}", " ")
    assert header.button.isVisible() is (mend is not Mend.NONE)
    assert pressed == [mend]
    assert header.line.accessibleName().startswith("Status of the service")
    header.hide()  # nobody holds it from here on: the collector must not find it while it is being painted


def test_everything_has_a_name_for_screen_readers(qtbot, dock):
    """Each control that takes the focus says what it is."""
    controls = (
        dock.findChildren(QAbstractButton)
        + dock.findChildren(QComboBox)
        + dock.findChildren(QLineEdit)
    )
    own = [each for each in controls if each.isVisible() and each.objectName().startswith("geoR1")]

    assert len(own) >= 6
    for control in [*own, dock.ask_panel.draw, dock.reasoning.view, dock.answers.tree]:
        text = control.text() if isinstance(control, QAbstractButton) else ""
        assert control.accessibleName() or text, control


def test_tab_goes_from_top_to_bottom(qtbot, plugin, dock, window):
    """The keyboard reaches query, choices, Ask, reasoning and answers, in the order of the eye."""
    window.window.activateWindow()
    dock.ask_panel.query.setFocus()
    panel = dock.ask_panel
    order = [
        panel.task_combo,
        panel.layer_combo,
        panel.area_combo,
        panel.draw,
        panel.button,
        dock.reasoning.view,
    ]
    widget = panel.query
    for expected in order:
        widget = widget.nextInFocusChain()
        while not (
            widget.isVisible()
            and widget.focusPolicy() & Qt.FocusPolicy.TabFocus
            and widget.isEnabled()
        ):
            widget = widget.nextInFocusChain()
        assert widget is expected


def test_the_dock_fits_a_small_screen(qtbot, dock):
    """On a 1280-wide screen the dock leaves more than two thirds to the map, and nothing is cut off."""
    assert dock.minimumSizeHint().width() <= 400
    assert dock.minimumSizeHint().height() <= 640


@pytest.mark.parametrize(("letters_pt", "width_px", "height_px"), [(9, 300, 620), (14, 420, 700)])
def test_a_low_dock_scrolls_its_form_and_squeezes_nothing(
    qtbot, dock, window, letters_pt, width_px, height_px
):
    """With the fullest form, large letters and a low window, each field keeps its height, and the answers stay in sight."""
    dock.setStyleSheet(f"* {{ font-size: {letters_pt}pt; }}")
    dock.setFloating(True)
    dock.show()
    dock.ask_panel.query.setText("the largest white storage tank left of the building")
    dock.ask_panel.set_area("features")
    qtbot.waitUntil(lambda: dock.minimumSizeHint().width() <= width_px)
    dock.resize(width_px, height_px)
    answers = dock.answers.tree
    qtbot.waitUntil(lambda: answers.isVisible() and dock.height() == height_px)
    form = dock.ask_panel

    def squeezed():
        return [
            (each.objectName(), each.height(), each.minimumSizeHint().height())
            for each in (*vars(form).values(), *vars(form.scene_form).values())
            if isinstance(each, (QComboBox, QLineEdit, QAbstractButton))
            and each.isVisible()
            and each.height() < each.minimumSizeHint().height()
        ]

    qtbot.waitUntil(lambda: not squeezed())
    bottom = answers.mapTo(dock, answers.rect().bottomLeft()).y()
    assert bottom <= dock.height()
    assert answers.height() >= 40
    button = dock.ask_panel.button
    assert button.visibleRegion().boundingRect() == button.rect(), "Ask is out of sight"
    assert dock.width() == width_px


def test_the_dock_is_not_narrower_than_its_letters_allow(qtbot, dock):
    """300 pixels with small letters; more with large ones."""
    body = dock.widget()
    dock.setStyleSheet("* { font-size: 6pt; }")
    qtbot.waitUntil(lambda: body.minimumSizeHint().width() == 300)
    dock.setStyleSheet("* { font-size: 20pt; }")
    qtbot.waitUntil(lambda: body.minimumSizeHint().width() > 400)
