"""Where the token of a server is kept: in QGIS's own password store, or in memory until QGIS is closed.

The store is opened (which may show QGIS's own prompt) only when the caller says that the user wants it; a look at
start-up never does. A token belongs to one address and is not handed out for another one.
"""

from __future__ import annotations

import logging
from typing import Any, Dict

from qgis.core import QgsApplication, QgsAuthMethodConfig

from ..core.address import destination_of
from ..core.errors import GeoR1Error
from ..core.settings import LEGACY_ACCESS, Settings

log = logging.getLogger(__name__)

METHOD = "Basic"
"""The one method that every QGIS since 3.22 has; it is used as a safe, the header is made by `transport.py`."""
USER = "geo-r1"


class AccessKeeper:
    """Finds, keeps and forgets tokens."""

    def __init__(self, manager: Any = None) -> None:
        """Use QGIS's own authentication manager, or another one (tests)."""
        self._manager = manager if manager is not None else QgsApplication.authManager()
        self._session: Dict[str, str] = {}
        self._is_moving = False

    @property
    def problem(self) -> str:
        """Why the store cannot be used at all; empty = it can."""
        if self._manager.isDisabled():
            return str(self._manager.disabledMessage()).strip() or "it is switched off"
        return ""

    @property
    def is_open(self) -> bool:
        """Whether tokens can be read and kept without any prompt."""
        return not self.problem and bool(self._manager.masterPasswordIsSet())

    def find(self, settings: Settings, *, may_prompt: bool) -> str:
        """The token for the server in the settings; empty if it needs none.

        Raises:
            GeoR1Error: `access-locked` or `access-gone`.
        """
        url, authcfg = settings.service_url, settings.service_authcfg
        if url in self._session or not authcfg:
            return self._session.get(url, "")
        host = destination_of(url).host
        if self.problem or authcfg not in self._manager.configIds():
            raise GeoR1Error(code="access-gone", host=host)
        if not self._open(may_prompt):
            raise GeoR1Error(code="access-locked", host=host)
        config = QgsAuthMethodConfig()
        loaded = self._manager.loadAuthenticationConfig(authcfg, config, True)
        is_loaded, config = loaded if isinstance(loaded, tuple) else (loaded, config)
        access = config.config("password") if is_loaded else ""
        if not access or config.uri() != url:
            raise GeoR1Error(code="access-gone", host=host)
        self._session[url] = access
        return access

    def keep(self, access: str, url: str, *, authcfg: str = "") -> str:
        """Put a token into the store, which may prompt; returns its id there. It works for this session in any case.

        Raises:
            GeoR1Error: `access-not-kept`, if the store does not take it.
        """
        self._session[url] = access
        if self.problem:
            raise GeoR1Error(code="access-not-kept", reason=self.problem)
        if not self._open(may_prompt=True):
            raise GeoR1Error(code="access-not-kept", reason="it was not unlocked")
        config = QgsAuthMethodConfig(METHOD)
        config.setName(f"Geo-R1 · {destination_of(url).host}")
        config.setUri(url)
        config.setConfigMap({"username": USER, "password": access, "realm": ""})
        if authcfg and authcfg in self._manager.configIds():
            config.setId(authcfg)
            is_stored = self._manager.updateAuthenticationConfig(config)
        else:
            stored = self._manager.storeAuthenticationConfig(config)
            is_stored, config = stored if isinstance(stored, tuple) else (stored, config)
        if not is_stored:
            raise GeoR1Error(code="access-not-kept", reason="it refused")
        return str(config.id())

    def keep_for_session(self, access: str, url: str) -> None:
        """Remember a token until QGIS is closed."""
        self._session[url] = access

    def forget(self, url: str, authcfg: str) -> None:
        """Erase a token wherever it is."""
        self._session.pop(url, None)
        if authcfg and not self.problem and authcfg in self._manager.configIds():
            self._manager.removeAuthenticationConfig(authcfg)

    def move_legacy(self, settings: Settings, store: Any) -> Settings:
        """Move the token that version 0.1.0 left in the settings, without a prompt; the settings as they are then.

        Where the store is not open yet, the token works from memory and stays where it is until the next call.
        """
        access = str(store.value(LEGACY_ACCESS, "") or "")
        url = settings.service_url
        if not access or not url:
            store.remove(LEGACY_ACCESS)
            return settings
        self._session[url] = access
        if not self.is_open or self._is_moving:
            return settings
        self._is_moving = True  # the store says with every use that it is open
        try:
            authcfg = self.keep(access, url)
        except GeoR1Error as error:
            log.warning("the token stays in the settings: %s", error.parameters.get("reason"))
            return settings
        finally:
            self._is_moving = False
        store.remove(LEGACY_ACCESS)
        return settings.with_changes(service_authcfg=authcfg)

    def on_opened(self, listener: Any) -> None:
        """Call `listener(is_open)` whenever somebody unlocks the store."""
        self._manager.masterPasswordVerified.connect(listener)

    def off_opened(self, listener: Any) -> None:
        """Call it no more."""
        self._manager.masterPasswordVerified.disconnect(listener)

    def _open(self, may_prompt: bool) -> bool:
        return self.is_open or (may_prompt and bool(self._manager.setMasterPassword(True)))
