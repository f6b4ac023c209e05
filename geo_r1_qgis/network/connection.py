"""The one place that knows how the plugin stands with its service, and keeps that knowledge fresh.

Looks, starts the local service when it may, and tells everybody by one signal. Asks no questions of its own.
"""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from typing import Optional

from qgis.PyQt.QtCore import QObject, QTimer, pyqtSignal

from ..core.address import Way, destination_of
from ..core.errors import CommandNotFound, GeoR1Error, without_frames
from ..core.settings import Settings
from ..core.standing import Endpoint, Kind, Standing
from . import launcher
from .access import AccessKeeper
from .client import Client
from .handshake import Handshake

log = logging.getLogger(__name__)

WATCH_MS = 5000
"""How often the header looks whether the service is still there, while somebody looks at the header."""

STARTING_MS = 300
STARTING_S = 120.0
"""How often, and how long, a service that says of itself that it is starting is looked at."""


class Connection(QObject):
    """Keeps a `Standing`.

    `standing_changed` comes with every change; `settled` once after each `connect_service` or `start_service`,
    when there is nothing more to wait for.
    """

    standing_changed = pyqtSignal(object)
    settled = pyqtSignal(object)

    def __init__(
        self,
        settings: Settings,
        parent: Optional[QObject] = None,
        *,
        folder: str = "",
        access: Optional[AccessKeeper] = None,
    ) -> None:
        super().__init__(parent)
        self.settings = settings
        self.access = access or AccessKeeper()
        self.standing = Standing(Kind.UNKNOWN)
        self.folder = folder or launcher.data_folder()
        self._client: Optional[Client] = None
        self._handshake: Optional[Handshake] = None
        self._launcher: Optional[launcher.Launcher] = None
        self._may_start = False
        self._is_quiet = False
        self._is_held = False
        self._may_prompt = False
        self._waiting_since_s: Optional[float] = None
        self._wait = QTimer(self)
        self._wait.setSingleShot(True)
        self._wait.setInterval(STARTING_MS)
        self._wait.timeout.connect(lambda: self._look(quiet=False))
        self._refusal: Optional[Standing] = None
        self._refuse = QTimer(self)
        self._refuse.setSingleShot(True)
        self._refuse.timeout.connect(self._on_refused)
        self._watch = QTimer(self)
        self._watch.setInterval(WATCH_MS)
        self._watch.timeout.connect(self.look_quietly)

    @property
    def client(self) -> Client:
        """The client for the service that is there now; the same object as long as the address is the same."""
        endpoint = self.standing.endpoint or Endpoint("", "")
        if self._client is None or self._client.endpoint != endpoint:
            if self._client is not None:
                self._client.deleteLater()
            self._client = Client(endpoint, self)
        return self._client

    @property
    def is_settling(self) -> bool:
        """Whether `settled` is still to come."""
        is_looking = self._handshake is not None and not self._is_quiet
        is_waiting = self._wait.isActive() or self._refuse.isActive()
        return is_looking or self._launcher is not None or is_waiting

    def use_settings(self, settings: Settings) -> None:
        """Take other settings and look again with them."""
        self.settings = settings
        self.connect_service(may_start=settings.start_service, by_user=True)

    def connect_service(self, *, may_start: bool, by_user: bool = False) -> None:
        """Look who is there.

        Args:
            may_start: start the local service if nobody is.
            by_user: somebody has just asked for it, so that QGIS may ask for its master password.
        """
        if self._launcher is not None:
            return
        self._wait.stop()
        self._refuse.stop()
        self._may_prompt = by_user
        self._may_start = may_start
        self._waiting_since_s = None
        self._look(quiet=False)

    def start_service(self) -> None:
        """Start the local service, or find the one that runs."""
        self.connect_service(may_start=True, by_user=True)

    def watch(self, on: bool) -> None:
        """Keep the standing fresh (while the dock is visible), or leave the service alone."""
        if on:
            self._watch.start()
        else:
            self._watch.stop()

    def hold(self, on: bool) -> None:
        """Do not look while our own question makes the service busy."""
        self._is_held = on

    def stop_looking(self) -> None:
        """Nobody waits for `settled` any more; a service that is being started goes on starting."""
        self._wait.stop()
        if self._handshake is not None:
            self._handshake.cancel()
            self._handshake = None

    def close(self) -> None:
        """Stop looking and waiting; the service goes on."""
        self._watch.stop()
        self._wait.stop()
        self._refuse.stop()
        for call in (self._handshake, self._launcher):
            if call is not None:
                call.cancel()
        self._handshake = self._launcher = None
        if self._client is not None:
            self._client.deleteLater()
            self._client = None

    def look_quietly(self) -> None:
        """Look whether the service is still there, unless that is being found out already; starts nothing."""
        if self._handshake is None and not self.is_settling and not self._is_held:
            self._look(quiet=True)

    def _look(self, *, quiet: bool) -> None:
        if self._handshake is not None:
            self._handshake.cancel()
            self._handshake = None
        self._is_quiet = quiet
        try:
            remote = self._remote_endpoint()
        except GeoR1Error as error:
            locked = error.code == "access-locked"
            endpoint = Endpoint(self.settings.service_url, "", is_local=False)
            kind = Kind.LOCKED if locked else Kind.FAILED
            self._refusal = Standing(kind, endpoint, error=without_frames(error))
            self._refuse.start(0)  # later, as every other answer
            return
        self._handshake = Handshake(data_folder=self.folder, remote=remote, parent=self)
        self._handshake.judged.connect(self._on_judged)
        self._handshake.start()

    def _remote_endpoint(self) -> Optional[Endpoint]:
        """The server of the settings; none = the local service.

        Raises:
            GeoR1Error: if nothing may be sent to it: its token is not at hand, or nobody has agreed to plain HTTP.
        """
        url = self.settings.service_url
        if not url:
            return None
        destination = destination_of(url)
        if destination.way is Way.OPEN and self.settings.plain_http_url != url:
            raise GeoR1Error(code="not-encrypted", host=destination.host)
        may_prompt, self._may_prompt = self._may_prompt, False
        access = self.access.find(self.settings, may_prompt=may_prompt)
        return Endpoint(url, access, is_local=False)

    def _on_refused(self) -> None:
        standing, self._refusal = self._refusal, None
        if self._is_quiet:
            self._notice_quietly(standing)
        else:
            self._settle(standing)

    def _on_judged(self, standing: Standing) -> None:
        self._handshake = None
        if self._is_quiet:
            self._notice_quietly(standing)
            return
        if standing.kind is Kind.STARTING and self._waits_on():
            elapsed_s = time.monotonic() - (self._waiting_since_s or 0.0)
            self._set(replace(standing, elapsed_s=elapsed_s))
            self._wait.start()
            return
        is_local = not self.settings.service_url
        if standing.kind in (Kind.ABSENT, Kind.NOT_OURS) and is_local and self._may_start:
            self._launch()
            return
        self._settle(standing)

    def _waits_on(self) -> bool:
        """Whether there is patience left for a service that somebody else has started."""
        now_s = time.monotonic()
        if self._waiting_since_s is None:
            self._waiting_since_s = now_s
        return now_s - self._waiting_since_s < STARTING_S

    def _notice_quietly(self, standing: Standing) -> None:
        # why the last start failed is worth more than that nothing is there
        explained = self.standing.error is not None and self.standing.kind in (
            Kind.ABSENT,
            Kind.FAILED,
        )
        if not (explained and standing.kind is Kind.ABSENT):
            self._set(standing)

    def _launch(self) -> None:
        try:
            command = launcher.locate_command(self.settings.service_command)
        except CommandNotFound as error:
            self._settle(Standing(Kind.ABSENT, error=error))
            return
        self._set(Standing(Kind.STARTING))
        self._launcher = launcher.Launcher(folder=self.folder, command=command, parent=self)
        self._launcher.waiting.connect(lambda s: self._set(Standing(Kind.STARTING, elapsed_s=s)))
        self._launcher.ready.connect(self._on_launched)
        self._launcher.failed.connect(self._on_launch_failed)
        self._launcher.start()

    def _on_launched(self, standing: Standing) -> None:
        self._launcher = None
        self._settle(standing)

    def _on_launch_failed(self, error: GeoR1Error) -> None:
        self._launcher = None
        self._settle(Standing(Kind.FAILED, error=error))

    def _settle(self, standing: Standing) -> None:
        self._set(standing)
        self.settled.emit(standing)

    def _set(self, standing: Standing) -> None:
        if standing.kind is not self.standing.kind:
            log.info("service: %s", standing.kind.value)
        if standing != self.standing:
            self.standing = standing
            self.standing_changed.emit(standing)
