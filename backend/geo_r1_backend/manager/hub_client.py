"""The one importer of huggingface_hub: what a repository holds, the bytes of its files, what went wrong in our words.

It runs in the process of `hub_worker.py` alone, so that whatever happens there can be ended.
"""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from errno import EACCES, EROFS
from typing import Any
from urllib.parse import urlsplit

import httpx2  # the client's own HTTP library; it comes with it
from huggingface_hub import (
    HfApi,
    errors,
    get_hf_file_metadata,
    get_session,
    hf_hub_url,
    utils,
)

from geo_r1_backend.errors import (
    GeoR1Error,
    HubGated,
    HubMissing,
    HubRevisionMissing,
    HubTokenRefused,
    HubUnreachable,
)
from geo_r1_backend.errors.storage import FULL
from geo_r1_backend.manager.plan import Listing, RemoteFile
from geo_r1_backend.models.stock_files import CONFIG_FILE

ASK_TIMEOUT_S = 15.0
SILENCE_S = 20.0
"""A line that says nothing for so long is taken for cut."""
CONFIG_LIMIT_BYTES = 1_000_000
BAD_CREDENTIALS = "Invalid credentials in Authorization header"


class Hub:
    """One hub, asked with or without a token.

    Args:
        address: such as ``https://huggingface.co``.
        token: empty = none is sent, whatever else lies on this machine.
        token_place: where the token is from, for messages.
    """

    def __init__(self, address: str, token: str = "", token_place: str = "") -> None:
        self.address = address
        self._token: str | bool = token or False
        self._place = token_place
        self._api = HfApi(endpoint=address, token=self._token, library_name="geo-r1")

    def look(self, repository: str, revision: str) -> Listing:
        """What a repository (``owner/name``) holds at a branch, a tag or a commit.

        Raises:
            HubMissing, HubRevisionMissing, HubGated, HubTokenRefused, HubUnreachable: in this order of likelihood.
        """
        try:
            info = self._api.model_info(
                repository, revision=revision, files_metadata=True, timeout=ASK_TIMEOUT_S
            )
            files = [_file_of(sibling) for sibling in info.siblings or []]
            listing = Listing(
                repository=repository,
                commit=str(info.sha),
                files=files,
                licence=_licence_of(info.card_data),
                bases=_bases_of(info.card_data),
            )
            small = any(f.name == CONFIG_FILE and f.size_bytes < CONFIG_LIMIT_BYTES for f in files)
            config = self._config(listing) if small else None
        except Exception as error:
            raise self.explain(error, repository, revision) from error
        return replace(listing, config=config)

    def open(self, repository: str, commit: str, name: str, first_byte: int = 0) -> Any:
        """The content of a file from a byte on, as a response that streams (`with` it).

        Large files lie on another host, whose address the hub gives anew each time; the token stays with the hub.
        """
        url = hf_hub_url(repository, name, revision=commit, endpoint=self.address)
        found = get_hf_file_metadata(
            url, token=self._token, timeout=ASK_TIMEOUT_S, endpoint=self.address
        )
        same = urlsplit(found.location)[:2] == urlsplit(url)[:2]
        headers = utils.build_hf_headers(  # type: ignore[attr-defined]
            token=self._token if same else False
        )
        headers["Accept-Encoding"] = "identity"  # ranges count bytes of the file itself
        if first_byte:
            headers["Range"] = f"bytes={first_byte}-"
        limits = httpx2.Timeout(SILENCE_S)
        return get_session().stream("GET", found.location, headers=headers, timeout=limits)

    def explain(self, error: Exception, repository: str, revision: str) -> GeoR1Error:
        """What happened, in our words."""
        cause: BaseException | None = error
        last: BaseException = error
        while cause is not None:
            known = self._known(cause, repository, revision)
            if known is not None:
                return known
            if isinstance(cause, OSError) and cause.errno in (*FULL, EACCES, EROFS):
                raise cause  # the disk's word, not the hub's
            last, cause = cause, cause.__cause__
        if isinstance(error, (OSError, httpx2.HTTPError, ValueError)):
            return HubUnreachable(hub=self.address, reason=_first_line(last))
        raise error

    def _known(self, error: BaseException, repository: str, revision: str) -> GeoR1Error | None:
        if isinstance(error, GeoR1Error):
            return error
        if isinstance(error, errors.RevisionNotFoundError):
            return HubRevisionMissing(repository=repository, revision=revision)
        if isinstance(error, errors.HfHubHTTPError):
            return self._refusal(error, repository)
        if isinstance(error, errors.OfflineModeIsEnabled):
            return HubUnreachable(hub=self.address, reason="HF_HUB_OFFLINE is set")
        return None

    def _refusal(self, error: errors.HfHubHTTPError, repository: str) -> GeoR1Error:
        status = error.response.status_code
        said = error.response.headers.get("X-Error-Message", "")
        known: GeoR1Error = HubUnreachable(
            hub=self.address, reason=f"it answers with HTTP {status}"
        )
        if isinstance(error, errors.GatedRepoError):
            known = HubGated(repository=repository, hub=self.address)
        elif self._token and (said == BAD_CREDENTIALS or status == 401):
            known = HubTokenRefused(hub=self.address, place=self._place)
        elif isinstance(error, errors.RepositoryNotFoundError) or status in (401, 404):
            known = HubMissing(repository=repository, hub=self.address)
        elif status == 403:
            known = HubGated(repository=repository, hub=self.address)
        return known

    def _config(self, listing: Listing) -> dict[str, Any] | None:
        with self.open(listing.repository, listing.commit, CONFIG_FILE) as response:
            utils.hf_raise_for_status(response)  # type: ignore[attr-defined]
            text = response.read()
        try:
            found = json.loads(text)
        except ValueError:
            return None
        return found if isinstance(found, dict) else None


def quiet() -> None:
    """Progress bars and warnings of the client would end in a log that nobody asked for."""
    utils.disable_progress_bars()  # type: ignore[attr-defined]
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)


def _file_of(sibling: Any) -> RemoteFile:
    lfs = sibling.lfs
    return RemoteFile(
        name=str(sibling.rfilename),
        size_bytes=int((lfs.size if lfs else sibling.size) or 0),
        sha256=str(lfs.sha256) if lfs else "",
        git="" if lfs else str(sibling.blob_id or ""),
    )


def _licence_of(card: Any) -> str:
    """``other`` says nothing; the name beside it does."""
    known = card.to_dict() if card is not None and hasattr(card, "to_dict") else {}
    licence = known.get("license") or ""
    if isinstance(licence, list):
        licence = ", ".join(map(str, licence))
    name = known.get("license_name") or ""
    return str(name if licence in ("other", "") and name else licence)


def _bases_of(card: Any) -> list[str]:
    known = card.to_dict() if card is not None and hasattr(card, "to_dict") else {}
    bases = known.get("base_model") or []
    return [str(base) for base in ([bases] if isinstance(bases, str) else bases) if base]


def _first_line(error: BaseException) -> str:
    text = str(error).strip().splitlines()
    return (text[0] if text else type(error).__name__)[:200]
