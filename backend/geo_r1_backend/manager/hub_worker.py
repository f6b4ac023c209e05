"""The process that talks to a hub: lines of JSON in, lines of JSON out; the end of its input is its end.

In: ``{"op": "look", …}``, ``{"op": "get", …}``. Out: ``listing``, ``checking``, ``got`` for each file, ``done``, ``failed``.
"""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

from geo_r1_backend.errors import GeoR1Error

Message = dict[str, Any]


def main() -> None:
    """Do what is asked, one thing after another."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # libraries print; their words would break the protocol
    requests: queue.Queue[Message] = queue.Queue()
    threading.Thread(target=_read, args=(requests,), daemon=True).start()
    from geo_r1_backend.manager import hub_client

    hub_client.quiet()
    while True:
        message = requests.get()
        try:
            hub = hub_client.Hub(message["hub"], message["token"], message["token_place"])
            if message["op"] == "look":
                _look(hub, message, out)
            else:
                _get(hub, message, out)
        except GeoR1Error as error:
            body = error.to_body()
            _say(out, event="failed", status=error.status, **asdict(body))
        except OSError as error:
            reason = error.strerror or str(error)
            _say(out, event="disk", errno=error.errno or 0, reason=reason)


def _look(hub: Any, message: Message, out: IO[str]) -> None:
    listing = hub.look(message["repository"], message["revision"])
    _say(out, event="listing", listing=asdict(listing))


def _get(hub: Any, message: Message, out: IO[str]) -> None:
    from geo_r1_backend.manager.hub_file import get
    from geo_r1_backend.manager.plan import RemoteFile

    def checking(name: str) -> None:
        _say(out, event="checking", file=name)

    for wanted in message["files"]:
        file = RemoteFile(**wanted["file"])
        _say(out, event="getting", file=file.name)
        get(hub, wanted["repository"], wanted["commit"], file, Path(wanted["folder"]), checking)
        _say(out, event="got", file=file.name)
    _say(out, event="done")


def _say(out: IO[str], **message: object) -> None:
    out.write(json.dumps(message) + "\n")
    out.flush()


def _read(requests: queue.Queue[Message]) -> None:
    for line in sys.stdin:
        requests.put(json.loads(line))
    os._exit(0)  # whoever asked is gone, however it went; files that are begun can be gone on with


if __name__ == "__main__":
    main()
