"""What QGIS calls: put the plugin into the window, and take it out again without a trace."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any, Optional

from qgis.core import QgsApplication, QgsSettings
from qgis.PyQt.QtCore import QCoreApplication, QLocale, Qt, QTranslator
from qgis.PyQt.QtGui import QIcon

from .crs import reference
from .gui.message_log import MessageLogHandler
from .gui.qt_names import QAction
from .network import main_thread
from .network.access import AccessKeeper
from .processing.provider import GeoR1Provider
from .services import Services

translate = QCoreApplication.translate

HERE = Path(__file__).resolve().parent
MENU = "Geo-R1"


class GeoR1Plugin:
    """The object that `classFactory` returns."""

    def __init__(self, iface: Any) -> None:
        self.iface = iface
        self.services: Optional[Services] = None
        self._action: Optional[QAction] = None
        self._translator: Optional[QTranslator] = None
        self._waits_for_window = False
        self._access = AccessKeeper()
        self._provider: Optional[GeoR1Provider] = None

    def initProcessing(self) -> None:
        """Add the algorithms; `qgis_process` calls this alone, without a window and with no `iface`."""
        main_thread.begin()
        if self._provider is not None:
            return
        self._translator = _install_translator()
        self._provider = GeoR1Provider(self._access)
        QgsApplication.processingRegistry().addProvider(self._provider)

    def initGui(self) -> None:
        """Add the algorithms, the dock, the menu entry and the tool button."""
        self._log = logging.getLogger(__package__)
        self._log_handler = MessageLogHandler()
        self._log.addHandler(self._log_handler)
        self._log.setLevel(logging.INFO)
        self.initProcessing()
        services = self.services = Services(self.iface, self._access)
        dock = services.dock
        self._action = QAction(
            _icon(), translate("GeoR1Plugin", "Ask the image…"), self.iface.mainWindow()
        )
        self._action.setObjectName("geoR1Action")
        self._action.setCheckable(True)
        self._action.setToolTip(translate("GeoR1Plugin", "Geo-R1: ask the image in plain words"))
        dock.setToggleVisibilityAction(self._action)
        self._action.toggled.connect(self._on_toggled)
        self.iface.registerMainWindowAction(self._action, "Ctrl+Alt+G")
        self.iface.addPluginToRasterMenu(MENU, self._action)
        self.iface.addToolBarIcon(self._action)
        self.iface.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, dock)
        dock.setUserVisible(False)
        if not services.connection.settings.dock_was_shown:
            self._show_when_ready()

    def unload(self) -> None:
        """Undo `initGui` in reverse, or `initProcessing` alone."""
        if self.services is not None:
            self._leave_window()
        if self._provider is not None:
            QgsApplication.processingRegistry().removeProvider(self._provider)
        if self._translator is not None:
            QCoreApplication.removeTranslator(self._translator)
        self._provider = self._translator = None
        reference.forget()
        main_thread.close()

    def _leave_window(self) -> None:
        if self._waits_for_window:
            self.iface.initializationCompleted.disconnect(self._show_first_time)
            self._waits_for_window = False
        self.iface.removeDockWidget(self.services.dock)
        self.iface.removeToolBarIcon(self._action)
        self._leave_menu()
        self.iface.unregisterMainWindowAction(self._action)
        self.services.close()
        self._action.deleteLater()
        self._log.removeHandler(self._log_handler)
        self._log.setLevel(logging.NOTSET)
        self.services = self._action = None

    def _leave_menu(self) -> None:
        """QGIS takes an emptied submenu off its menu and keeps the object for ever; it goes as well."""
        entries = [entry.menu() for entry in self.iface.rasterMenu().actions()]
        ours = [each for each in entries if each is not None and self._action in each.actions()]
        self.iface.removePluginRasterMenu(MENU, self._action)
        for menu in ours:
            if not menu.actions():
                menu.deleteLater()

    def _show_when_ready(self) -> None:
        """Once, after installing. QGIS puts its window in order after the plugins are loaded: not before that."""
        if self.iface.mainWindow().isVisible():
            self._show_first_time()
        else:
            self.iface.initializationCompleted.connect(self._show_first_time)
            self._waits_for_window = True

    def _show_first_time(self) -> None:
        services = self.services
        if services is None or services.connection.settings.dock_was_shown:
            return
        services.dock.setUserVisible(True)
        width_px = services.dock.widget().sizeHint().width()
        self.iface.mainWindow().resizeDocks([services.dock], [width_px], Qt.Orientation.Horizontal)
        settings = services.connection.settings.with_changes(dock_was_shown=True)
        services.connection.settings = settings
        services.save_settings(settings)

    def _on_toggled(self, is_on: bool) -> None:
        if is_on and self.services is not None:
            self.services.dock.ask_panel.query.setFocus()


def _icon() -> QIcon:
    return QIcon(str(HERE / "resources" / "icon.svg"))


def _install_translator() -> Optional[QTranslator]:
    translator = QTranslator()
    locale = QLocale(QgsSettings().value("locale/userLocale", "") or QgsApplication.locale())
    if not translator.load(locale, "geo_r1", "_", str(HERE / "i18n")):
        return None
    QCoreApplication.installTranslator(translator)
    return translator
