"""The Models tab: what is listed, what can be done about it, and a download from plan to list, with a service that plays it."""

import threading

import pytest
from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtTest import QTest
from qgis.PyQt.QtWidgets import QLabel

from geo_r1_qgis.core.errors import GeoR1Error
from geo_r1_qgis.core.sentences import explain
from tests.qgis.stub_models import COMMIT, DONE, NAME, PLAN, REPOSITORY, coming, cut_off, model
from tests.qgis.stub_service import CLOSE, HEALTH, MODEL

SHORT = REPOSITORY.split("/")[1]
OTHERS = [
    model("mine", origin="folder", size_bytes=8_000_000_000),
    model(
        "geo-r1-7b", title="Geo-R1 7B", origin="hub", size_bytes=16_600_000_000, licence="apache-2.0",
        repository="Geo-R1/Geo-R1-7B-GRPO-REC-10shot", revision=COMMIT, can_delete=True,
    ),
    model(
        "run-20261125-164512-3f2a", title="Roofs", origin="run", run="20261125-164512-3f2a", can_delete=True,
        note="Fine-tuned from geo-r1-nano: acc@0.5 10 % → 55 % on 60 held-out objects.", size_bytes=36_000_000,
    ),
]  # fmt: skip


@pytest.fixture
def stub(stub):
    """A service that manages models."""
    stub.health = {**HEALTH, "wire_version": "1.3"}
    stub.models = [{**MODEL, "origin": "embedded", "size_bytes": 37_000_000}, *map(dict, OTHERS)]
    return stub


@pytest.fixture
def panel(qtbot, plugin, dock):
    """The Models tab, open and filled."""
    dock.setUserVisible(True)
    dock.tabs.setCurrentIndex(2)
    qtbot.waitUntil(lambda: dock.models.tree.topLevelItemCount() > 0, timeout=5000)
    return dock.models


def rows(panel):
    """Texts of the tree, by group."""
    found = {}
    for index in range(panel.tree.topLevelItemCount()):
        top = panel.tree.topLevelItem(index)
        found[top.text(0)] = [
            tuple(top.child(i).text(c) for c in range(3)) for i in range(top.childCount())
        ]
    return found


def choose(panel, title):
    """Click a row."""
    for index in range(panel.tree.topLevelItemCount()):
        top = panel.tree.topLevelItem(index)
        for place in range(top.childCount()):
            if top.child(place).text(0) in (title, f"✓ {title}"):
                panel.tree.setCurrentItem(top.child(place))
                return
    raise AssertionError(f"no row {title} in {rows(panel)}")


def click(button):
    """Press a button that can be pressed."""
    assert button.isVisible(), button.objectName()
    assert button.isEnabled(), button.objectName()
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


def look_up(qtbot, plugin, panel, text=REPOSITORY):
    """Open the dialog, type a repository and ask for its plan."""
    click(panel.get)
    dialog = plugin.services.models.dialog
    QTest.keyClicks(dialog.repository, text)
    click(dialog.look)
    qtbot.waitUntil(lambda: dialog.plan is not None or dialog.notice.isVisible(), timeout=5000)
    return dialog


def wait_for_list(qtbot, panel, title):
    """Until a row is there."""
    qtbot.waitUntil(
        lambda: any(title in [row[0] for row in group] for group in rows(panel).values()),
        timeout=5000,
    )


def test_models_stand_in_groups(panel):
    """Embedded, hub, folders and trained models, each with state and size; what is known of the selected one is below."""
    assert rows(panel) == {
        "Part of the installation": [("✓ Geo-R1 Nano", "loaded", "37 MB")],
        "From the hub": [("Geo-R1 7B", "", "16.6 GB")],
        "Folders": [("mine", "", "8.0 GB")],
        "Trained here": [("Roofs", "", "36 MB")],
    }
    assert panel.total.text() == "Together 24.7 GB"
    choose(panel, "Geo-R1 7B")
    for words in ("apache-2.0", "Geo-R1/Geo-R1-7B-GRPO-REC-10shot", COMMIT[:12]):
        assert words in panel.details.text()
    choose(panel, "Roofs")
    assert "10 % → 55 %" in panel.details.text()


def test_what_can_be_done_follows_the_model(panel):
    """The embedded model is unloaded and never deleted; one put in place by hand is used and loaded; a fetched one deleted."""
    offered = {}
    for title in ("Geo-R1 Nano", "mine", "Geo-R1 7B"):
        choose(panel, title)
        buttons = (panel.use, panel.load, panel.delete)
        offered[title] = [button.text() for button in buttons if button.isEnabled()]

    assert offered == {
        "Geo-R1 Nano": ["Unload"],
        "mine": ["Use", "Load"],
        "Geo-R1 7B": ["Use", "Load", "Delete…"],
    }


def test_a_button_that_cannot_be_pressed_says_why(panel):
    """Also to people who listen; and how a folder comes in without network stands below the list."""
    reasons = {}
    for title in ("Geo-R1 Nano", "mine"):
        choose(panel, title)
        reasons[title] = (panel.use.toolTip(), panel.delete.toolTip())
    choose(panel, "Geo-R1 7B")

    assert reasons == {
        "Geo-R1 Nano": ("Questions go to it already", "It is part of the installation"),
        "mine": ("", "The folder was put there by hand: delete it in the same way"),
    }
    assert (panel.use.toolTip(), panel.delete.toolTip()) == ("", "")
    choose(panel, "Geo-R1 Nano")
    assert panel.delete.accessibleDescription() == "It is part of the installation"
    assert "geo-r1 models import" in panel.by_hand.text()


def test_model_is_used_loaded_and_unloaded(qtbot, plugin, panel):
    """Use makes it the model of the next question; Load and Unload change its state in the list."""
    choose(panel, "mine")
    click(panel.use)
    assert plugin.services.connection.settings.model == "mine"
    assert rows(panel)["Folders"] == [("✓ mine", "", "8.0 GB")]
    click(panel.load)
    qtbot.waitUntil(lambda: rows(panel)["Folders"][0][1] == "loaded", timeout=5000)
    assert panel.load.text() == "Unload"
    click(panel.load)
    qtbot.waitUntil(lambda: rows(panel)["Folders"][0][1] == "", timeout=5000)


def test_deleting_is_confirmed(qtbot, plugin, panel, stub):
    """Delete asks with the size; Cancel keeps the model; the model that was in use is followed by the service's own choice."""
    choose(panel, "Geo-R1 7B")
    click(panel.use)
    click(panel.delete)
    box = plugin.services.models.box
    assert "Geo-R1 7B" in box.text()
    assert "16.6 GB" in box.informativeText()
    box.reject()
    assert stub.hub.deleted == []
    click(panel.delete)
    box = plugin.services.models.box
    click(next(button for button in box.buttons() if button.text().replace("&", "") == "Delete"))
    qtbot.waitUntil(lambda: "From the hub" not in rows(panel), timeout=5000)

    assert stub.hub.deleted == ["geo-r1-7b"]
    assert plugin.services.connection.settings.model == ""


def test_refused_deletion_is_explained(qtbot, plugin, panel, stub):
    """A model that somebody needs stays, and the notice says who."""
    stub.hub.deletion_refusal = (409, "model-in-use", {"reason": "2 run(s) need it: a, b"})
    choose(panel, "Geo-R1 7B")
    click(panel.delete)
    box = plugin.services.models.box
    click(next(button for button in box.buttons() if button.text().replace("&", "") == "Delete"))
    qtbot.waitUntil(panel.notice.isVisible, timeout=5000)

    assert panel.notice.code == "model-in-use"
    assert "2 run(s) need it: a, b" in panel.notice.text


def test_from_plan_to_model(qtbot, plugin, panel, stub):
    """Size, place, licences and what is left out are shown first; Fetch repeats commit and size; progress, and it is listed."""
    gate = stub.hub.waits[2] = threading.Event()
    dialog = look_up(qtbot, plugin, panel)
    shown = "\n".join(label.text() for label in dialog.findChildren(QLabel))
    for words in (
        "7.5 GB in 3 files",
        f"models/{NAME}",
        "61.6 GB free",
        "apache-2.0",
        "Qwen/Qwen2.5-VL-3B-Instruct (licence qwen-research)",
        "training_args.bin (can run code)",
        COMMIT[:12],
    ):
        assert words in shown
    assert dialog.fetch.text() == "Fetch 7.5 GB"
    assert stub.hub.fetched == []

    click(dialog.fetch)
    qtbot.waitUntil(lambda: "2.4 GB of 7.5 GB" in panel.coming_words.text(), timeout=5000)
    assert panel.coming_words.text() == "2.4 GB of 7.5 GB · 25 MB per second · 3 min left"
    assert panel.bar.value() == 319
    assert not panel.get.isEnabled()
    stub.models.append(model(NAME, origin="hub", can_delete=True, size_bytes=PLAN["size_bytes"]))
    gate.set()
    wait_for_list(qtbot, panel, NAME)

    assert stub.hub.fetched == [
        {
            "repository": REPOSITORY,
            "commit": COMMIT,
            "size_bytes": PLAN["size_bytes"],
            "revision": "main",
            "base": None,
        }
    ]
    assert "is here, whole and checked" in panel.notice.text
    assert not panel.coming.isVisible()
    assert panel.selected.id == NAME
    menu = plugin.services.actions._model_menu  # asks the service by itself
    qtbot.waitUntil(lambda: NAME in [action.text() for action in menu.actions()], timeout=5000)


def test_pasted_address_is_understood(qtbot, plugin, panel, stub):
    """The address of a page of the hub is as good as owner/name; what is neither cannot be asked for."""
    dialog = look_up(qtbot, plugin, panel, f"https://huggingface.co/{REPOSITORY}/tree/main")

    assert stub.hub.planned[0]["repository"] == REPOSITORY
    dialog.repository.setText("no name")
    assert not dialog.look.isEnabled()
    assert not dialog.fetch.isEnabled()
    assert dialog.plan is None


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"free_bytes": 1_000_000_000}, "only 1.0 GB free: too little"),
        ({"installed": NAME, "installed_commit": COMMIT}, f"It is here already, as “{NAME}”"),
    ],
)
def test_plan_that_cannot_be_agreed_to(qtbot, plugin, panel, stub, changes, words):
    """Without room, or where the same is here already, Fetch cannot be pressed, and the reason is shown."""
    stub.hub.plan.update(changes)
    dialog = look_up(qtbot, plugin, panel)

    assert words in "\n".join(label.text() for label in dialog.findChildren(QLabel))
    assert not dialog.fetch.isEnabled()


def test_moved_branch_is_said(qtbot, plugin, panel, stub):
    """A repository that is here at another commit says that its branch has moved on."""
    stub.hub.plan.update(installed=NAME, installed_commit=40 * "a")
    dialog = look_up(qtbot, plugin, panel)

    assert "“main” has moved on since" in dialog.remark.text()
    assert dialog.fetch.isEnabled()


def test_gated_repository_is_explained(qtbot, plugin, panel, stub):
    """Why there is no plan is said in the dialog, with what to do; it can be asked again."""
    stub.hub.refusal = (
        403,
        "hub-gated",
        {"repository": REPOSITORY, "hub": "https://huggingface.co"},
    )
    dialog = look_up(qtbot, plugin, panel)
    assert dialog.notice.code == "hub-gated"
    assert f"https://huggingface.co/{REPOSITORY}" in dialog.notice.text
    assert "HF_TOKEN" in dialog.notice.text
    stub.hub.refusal = ()
    click(dialog.look)
    qtbot.waitUntil(lambda: dialog.plan is not None, timeout=5000)

    assert not dialog.notice.isVisible()


def test_cut_stream_is_listened_to_again(qtbot, plugin, panel, stub):
    """Where the way to the service breaks the same consent is sent again, and the end is heard."""
    stub.hub.events = [coming(0, "asking"), coming(1_000), CLOSE]
    dialog = look_up(qtbot, plugin, panel)
    click(dialog.fetch)
    qtbot.waitUntil(lambda: len(stub.hub.fetched) == 1, timeout=5000)
    stub.hub.events = [coming(2_000), DONE]
    qtbot.waitUntil(lambda: not plugin.services.models.is_fetching, timeout=5000)

    assert len(stub.hub.fetched) == 2
    assert stub.hub.fetched[0] == stub.hub.fetched[1]
    assert "is here, whole and checked" in panel.notice.text


def test_stop_keeps_and_go_on_continues(qtbot, plugin, panel, stub):
    """Stop asks the service to end it; what has come is listed, is gone on with, or is forgotten."""
    gate = stub.hub.waits[2] = threading.Event()
    stub.hub.events = [
        coming(0, "asking"),
        coming(1_000_000_000),
        {"event": "stopped", "done_bytes": 1_000_000_000},
    ]
    dialog = look_up(qtbot, plugin, panel)
    click(dialog.fetch)
    stub.hub.fetches = [cut_off(state="running")]
    qtbot.waitUntil(lambda: panel.bar.value() == 133, timeout=5000)
    click(panel.stop)
    qtbot.waitUntil(lambda: stub.hub.stopped != [], timeout=5000)
    gate.set()
    wait_for_list(qtbot, panel, SHORT)
    assert rows(panel)["Not finished"] == [(SHORT, "13 %", "1.0 GB")]

    choose(panel, SHORT)
    assert "It was cut off; what has come is kept." in panel.details.text()
    assert [panel.use.text(), panel.delete.text()] == ["Go on", "Forget…"]
    stub.hub.waits, stub.hub.events = {}, [coming(7_000_000_000), DONE]
    click(panel.use)
    qtbot.waitUntil(lambda: len(stub.hub.fetched) == 2 and not plugin.services.models.is_fetching)
    assert stub.hub.fetched[1] == stub.hub.fetched[0]

    choose(panel, SHORT)
    click(panel.delete)
    box = plugin.services.models.box
    click(next(button for button in box.buttons() if button.text().replace("&", "") == "Forget"))
    qtbot.waitUntil(lambda: "Not finished" not in rows(panel), timeout=5000)


def test_download_of_yesterday_is_found(qtbot, plugin, dock, stub):
    """A download that the service goes on with is listened to as soon as the tab is opened; leaving QGIS leaves it alone."""
    gate = stub.hub.waits[1] = threading.Event()
    stub.hub.fetches = [cut_off(state="running")]
    stub.hub.events = [coming(3_000_000_000), DONE]
    dock.setUserVisible(True)
    dock.tabs.setCurrentIndex(2)
    qtbot.waitUntil(lambda: dock.models.bar.value() == 399, timeout=5000)
    assert "Not finished" not in rows(dock.models)
    assert dock.models.coming_title.text() == REPOSITORY

    plugin.unload()
    gate.set()
    assert stub.hub.stopped == []


def test_failed_download_is_explained(qtbot, plugin, panel, stub):
    """The last event of a download that fails is said in the user's words, with what to do."""
    error = {
        "code": "fetch-damaged",
        "message": "m",
        "parameters": {"file": "x.safetensors", "reason": "its hash"},
    }
    stub.hub.events = [coming(0, "asking"), {"event": "error", "error": error}]
    dialog = look_up(qtbot, plugin, panel)
    click(dialog.fetch)
    qtbot.waitUntil(panel.notice.isVisible, timeout=5000)

    assert panel.notice.code == "fetch-damaged"
    assert "x.safetensors: its hash" in panel.notice.text
    assert "only this file is fetched anew" in panel.notice.text


def test_older_service_lists_and_no_more(qtbot, plugin, dock, stub):
    """A service of an older wire version lists its models; what it cannot do is not offered, and the notice says why."""
    stub.health = {**HEALTH, "wire_version": "1.2"}
    stub.models = [dict(MODEL)]
    plugin.services.connection.look_quietly()
    qtbot.waitUntil(
        lambda: plugin.services.connection.standing.health.wire_version == "1.2", timeout=5000
    )
    dock.setUserVisible(True)
    dock.tabs.setCurrentIndex(2)
    qtbot.waitUntil(dock.models.notice.isVisible, timeout=5000)

    assert dock.models.notice.code == "service-too-old"
    assert rows(dock.models) == {"Part of the installation": [("✓ Geo-R1 Nano", "loaded", "")]}
    assert not dock.models.get.isVisible()
    assert not dock.models.load.isEnabled()


HOSTILE = [
    {"commit": "../../etc"},
    {"size_bytes": "many"},
    {"files": [{"name": "x"}]},
]


@pytest.mark.parametrize("change", HOSTILE)
def test_hostile_plan_is_an_error(qtbot, plugin, panel, stub, change):
    """A plan that cannot be right is refused as a whole: nothing of it is shown or sent back."""
    stub.hub.plan.update(change)
    dialog = look_up(qtbot, plugin, panel)

    assert dialog.notice.code == "protocol"
    assert not dialog.fetch.isEnabled()


def test_markup_of_a_hub_is_shown_as_text(qtbot, plugin, panel, stub):
    """A licence or a file name that looks like HTML is shown as it is, in one line, and cut."""
    stub.hub.plan.update(licence="<b>free</b>\n\u202eevil" + "x" * 900)
    dialog = look_up(qtbot, plugin, panel)
    label = next(each for each in dialog.findChildren(QLabel) if "<b>free" in each.text())

    assert label.textFormat() == Qt.TextFormat.PlainText
    assert "\n" not in label.text()
    assert "\u202e" not in label.text()
    assert len(label.text()) < 300


def test_every_code_of_the_hub_has_words():
    """Each error about getting models is said in words of the plugin, whatever its parameters are."""
    for code in ("hub-missing", "hub-moved", "disk-too-small", "downloads-off", "plan-changed"):
        words = explain(GeoR1Error("m", code=code), lambda context, text: text)
        assert words.title != "That did not work"
        assert "{" not in words.title
