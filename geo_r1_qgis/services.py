"""Builds the objects of the plugin and joins them; takes them apart again in reverse.

The composition root: the only place that knows which object gets which. Needs `iface`; holds no logic.
"""

from __future__ import annotations

from configparser import ConfigParser
from pathlib import Path
from typing import Any

from qgis.core import QgsProject, QgsSettings
from qgis.PyQt import sip

from .core.errors import GeoR1Error
from .core.settings import LEGACY_ACCESS, Settings
from .gui.answers_controller import AnswersController
from .gui.ask_controller import AskController
from .gui.crs_offer import CrsOffer
from .gui.dock import GeoR1Dock
from .gui.models_controller import ModelsController
from .gui.preview import SendingPreview
from .gui.review import ReviewController
from .gui.scene_controller import SceneController
from .gui.service_actions import ServiceActions
from .gui.train_controller import TrainController
from .layers.store import DetectionStore
from .network.access import AccessKeeper
from .network.connection import Connection


class Services:
    """Everything that lives as long as the plugin is loaded."""

    def __init__(self, iface: Any, access: AccessKeeper) -> None:
        self._store = QgsSettings()
        self._has_told = False
        self.access = access
        settings = self.access.move_legacy(Settings.load(self._store), self._store)
        settings.save(self._store)
        canvas = iface.mapCanvas()
        self.dock = GeoR1Dock(iface.mainWindow())
        self.connection = Connection(settings, self.dock, access=self.access)
        self.store = DetectionStore(parent=self.dock)
        self.preview = SendingPreview(canvas, self.dock.ask_panel, self.dock)
        self.actions = ServiceActions(
            dock=self.dock,
            connection=self.connection,
            plugin_version=plugin_version(),
            parent=self.dock,
        )
        self.asking = AskController(
            dock=self.dock,
            preview=self.preview,
            connection=self.connection,
            store=self.store,
            plugin_version=plugin_version(),
            parent=self.dock,
        )
        self.scenes = SceneController(
            dock=self.dock,
            preview=self.preview,
            connection=self.connection,
            store=self.store,
            access=self.access,
            canvas=canvas,
            view_px=lambda: self.actions.view_px,
            plugin_version=plugin_version(),
            parent=self.dock,
        )
        self.answers = AnswersController(
            dock=self.dock, asking=self.asking, store=self.store, canvas=canvas, parent=self.dock
        )
        self.scenes.began.connect(self.answers.show_frame)
        self.review = ReviewController(
            panel=self.dock.answers, store=self.store, canvas=canvas, parent=self.dock
        )
        self.review.edit_begun.connect(lambda layer: _use_vertex_tool(iface, layer))
        self.training = TrainController(
            panel=self.dock.train, connection=self.connection, canvas=canvas, parent=self.dock
        )
        self.training.model_chosen.connect(self.actions.use_model)
        self.dock.tabs.currentChanged.connect(self.training.on_tab)
        self.models = ModelsController(
            panel=self.dock.models, connection=self.connection, parent=self.dock
        )
        self.models.model_chosen.connect(self.actions.use_model)
        self.models.models_changed.connect(self.actions.list_models_anew)
        self.dock.tabs.currentChanged.connect(self.models.on_tab)
        self.crs_offer = CrsOffer(dock=self.dock, canvas=canvas, parent=self.dock)
        self.crs_offer.changed.connect(self.preview.refresh)
        self.actions.settings_changed.connect(self.save_settings)
        self.actions.server_chosen.connect(lambda: self._store.remove(LEGACY_ACCESS))
        self.actions.retry_requested.connect(self.asking.ask)
        self.actions.retry_requested.connect(self.scenes.ask)
        self.actions.write_again_requested.connect(self.store.retry)
        self.actions.plugin_manager_requested.connect(
            lambda: iface.pluginManagerInterface().showPluginManager()
        )
        self.dock.visibilityChanged.connect(self._on_visibility)
        QgsProject.instance().readProject.connect(self._on_project_read)
        self.access.on_opened(self._move_legacy)

    def close(self) -> None:
        """Stop what runs and delete what was built; the service and the layers stay."""
        self.access.off_opened(self._move_legacy)
        self.dock.visibilityChanged.disconnect(self._on_visibility)
        QgsProject.instance().readProject.disconnect(self._on_project_read)
        self.asking.close()
        self.scenes.close()
        self.training.close()
        self.models.close()
        self.answers.close()
        self.crs_offer.close()
        self.preview.close()
        self.connection.close()
        self.store.close()
        self.dock.ask_panel.query.close_project_links()
        # now and not later: until then Python may already have collected the slots of widgets that still get signals
        sip.delete(self.dock)

    def save_settings(self, settings: Settings) -> None:
        """Keep `settings` in the user's profile."""
        settings.save(self._store)
        if settings.service_authcfg or not settings.service_url:
            self._store.remove(LEGACY_ACCESS)

    def _move_legacy(self, is_open: bool) -> None:
        """The password store was opened for whatever reason: a token in plain text moves into it."""
        if not is_open or not self._store.contains(LEGACY_ACCESS):
            return
        settings = self.access.move_legacy(self.connection.settings, self._store)
        self.connection.settings = settings
        self.save_settings(settings)

    def _on_visibility(self, is_visible: bool) -> None:
        self.connection.watch(is_visible)
        if is_visible:
            self.store.look_back()
            self.scenes.look_for_unfinished()
        if is_visible and not self.connection.is_settling:
            self.connection.connect_service(may_start=self.connection.settings.start_service)
        if is_visible and self._store.contains(LEGACY_ACCESS) and not self._has_told:
            self._has_told = True
            self.dock.notice.show_error(GeoR1Error(code="access-in-settings"))

    def _on_project_read(self) -> None:
        if self.dock.isUserVisible():
            self.store.look_back()
            self.scenes.look_for_unfinished()


def _use_vertex_tool(iface: Any, layer: Any) -> None:
    """Let the user drag the corners at once, where QGIS has the tool."""
    action = getattr(iface, "actionVertexToolActiveLayer", None)
    if action is not None:
        iface.setActiveLayer(layer)
        action().trigger()


def plugin_version() -> str:
    """From metadata.txt, where it is typed."""
    metadata = ConfigParser(interpolation=None)
    here = Path(__file__).resolve().parent
    # in a clone the file lies beside the package, in the zip inside it
    metadata.read([here.parent / "metadata.txt", here / "metadata.txt"], encoding="utf-8")
    return metadata.get("general", "version", fallback="")
