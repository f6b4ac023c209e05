"""The words of the Models tab: sizes, groups, states, plans, progress."""

from __future__ import annotations

from typing import List, Tuple

from qgis.PyQt.QtCore import QCoreApplication

from ..core import models_wire as mw
from ..core import wire

translate = QCoreApplication.translate

SHORT_COMMIT = 12
SHOWN_NAMES = 3


def size_words(size_bytes: int) -> str:
    """A size as people read it."""
    if size_bytes >= 1_000_000_000:
        return translate("Models", "{count} GB").format(count=f"{size_bytes / 1e9:.1f}")
    if size_bytes >= 1_000_000:
        return translate("Models", "{count} MB").format(count=round(size_bytes / 1e6))
    return translate("Models", "{count} kB").format(count=max(1, round(size_bytes / 1e3)))


def group_words(group: str) -> str:
    """The title of a group of models."""
    return {
        "embedded": translate("Models", "Part of the installation"),
        "hub": translate("Models", "From the hub"),
        "folder": translate("Models", "Folders"),
        "run": translate("Models", "Trained here"),
        "remote": translate("Models", "On other servers"),
    }[group]


def state_words(model: wire.ModelInfo) -> str:
    """What a model does now, in a word or two; nothing for the usual, that it waits on the disk."""
    return {
        "available": "",
        "loading": translate("Models", "loading…"),
        "loaded": translate("Models", "loaded"),
        "failed": translate("Models", "cannot run"),
    }[model.state]


def model_words(model: wire.ModelInfo) -> str:
    """What there is to know about one model, line by line."""
    lines = []
    if model.note:
        lines.append(model.note)
    licence = model.licence or translate("Models", "not named")
    lines.append(translate("Models", "Licence: {licence}").format(licence=licence))
    if model.repository:
        came = translate("Models", "From {repository} at {commit}")
        lines.append(came.format(repository=model.repository, commit=model.revision[:SHORT_COMMIT]))
    lines.append(
        translate("Models", "Engine: {engine} · id: {id}").format(engine=model.engine, id=model.id)
    )
    return "\n".join(lines)


def why_not_use(model: wire.ModelInfo, *, is_chosen: bool) -> str:
    """Why a model cannot be chosen now; empty = it can."""
    if is_chosen:
        return translate("Models", "Questions go to it already")
    if model.state == "failed":
        return translate("Models", "It cannot run here; the lines above say why")
    return ""


def why_not_delete(model: wire.ModelInfo, *, can_manage: bool) -> str:
    """Why a model cannot be deleted from here now; empty = it can."""
    if not can_manage:
        return translate("Models", "The service is too old for that")
    if model.origin == "embedded":
        return translate("Models", "It is part of the installation")
    if model.origin == "remote":
        return translate("Models", "It is not on this service's disk")
    if not model.can_delete:
        return translate("Models", "The folder was put there by hand: delete it in the same way")
    if model.state in ("loaded", "loading"):
        return translate("Models", "It is in memory: unload it first")
    return ""


def fetch_words(info: mw.FetchInfo) -> str:
    """How much of a download is here."""
    share = round(100 * info.done_bytes / max(1, info.size_bytes))
    return translate("Models", "{share} %").format(share=share)


def fetch_details(info: mw.FetchInfo) -> str:
    """What there is to know about a download that is not finished."""
    state = {
        "running": translate("Models", "It is on its way."),
        "stopped": translate("Models", "It was cut off; what has come is kept."),
        "failed": translate("Models", "It failed; what has come is kept."),
    }[info.state]
    text = translate(
        "Models", "{done} of {size} are here. Revision {revision}, commit {commit}."
    ).format(
        done=size_words(info.done_bytes),
        size=size_words(info.size_bytes),
        revision=info.revision,
        commit=info.commit[:SHORT_COMMIT],
    )
    return "\n".join((info.repository, state, text))


def plan_rows(plan: mw.FetchPlan, place: str) -> List[Tuple[str, str]]:
    """A plan as rows of a form."""
    size = translate("Models", "{size} in {count} files").format(
        size=size_words(plan.size_bytes), count=len(plan.files)
    )
    if plan.there_bytes:
        here = translate("Models", "{size} are here already")
        size += ", " + here.format(size=size_words(plan.there_bytes))
    free = translate("Models", "{size} free").format(size=size_words(plan.free_bytes))
    if not plan.fits:
        free = translate("Models", "only {size} free: too little").format(
            size=size_words(plan.free_bytes)
        )
    rows = [
        (translate("Models", "Size"), size),
        (translate("Models", "Place"), f"{place}\n{free}"),
        (translate("Models", "Licence"), plan.licence or translate("Models", "not named")),
        (translate("Models", "Commit"), plan.commit[:SHORT_COMMIT]),
    ]
    if plan.base:
        text = plan.base
        if plan.base_licence:
            licence = translate("Models", "licence {licence}").format(licence=plan.base_licence)
            text = f"{text} ({licence})"
        rows.append((translate("Models", "Processor from"), text))
    without = _without(plan)
    if without:
        rows.append((translate("Models", "Left out"), without))
    return rows


def plan_remark(plan: mw.FetchPlan) -> str:
    """What a plan says beside its rows; empty for nothing."""
    if not plan.installed:
        return ""
    if plan.installed_commit == plan.commit:
        return translate("Models", "It is here already, as “{model}”.").format(model=plan.installed)
    text = translate(
        "Models",
        "“{model}” is this repository at {commit}; “{revision}” has moved on since. The new one gets a place beside it.",
    )
    return text.format(
        model=plan.installed, commit=plan.installed_commit[:SHORT_COMMIT], revision=plan.revision
    )


def progress_words(progress: mw.FetchProgressEvent) -> str:
    """How far a download is, in one line."""
    if progress.phase == "asking":
        return translate("Models", "Asking the hub…")
    if progress.phase == "checking":
        return translate("Models", "Comparing with its hash: {file}").format(file=progress.file)
    parts = [
        translate("Models", "{done} of {size}").format(
            done=size_words(progress.done_bytes), size=size_words(progress.size_bytes)
        )
    ]
    if progress.bytes_per_s > 0:
        rate = size_words(round(progress.bytes_per_s))
        parts.append(translate("Models", "{size} per second").format(size=rate))
    if progress.remaining_s is not None:
        parts.append(left_words(progress.remaining_s))
    return " · ".join(parts)


def left_words(seconds: float) -> str:
    """Time left, as roughly as it is known."""
    if seconds < 90:
        return translate("Models", "{count} s left").format(count=max(1, round(seconds)))
    if seconds < 5400:
        return translate("Models", "{count} min left").format(count=round(seconds / 60))
    return translate("Models", "{count} h left").format(count=round(seconds / 3600))


def _without(plan: mw.FetchPlan) -> str:
    reasons = {
        "pickle": translate("Models", "can run code"),
        "code": translate("Models", "code"),
        "other-format": translate("Models", "another format"),
        "not-needed": translate("Models", "not needed"),
    }
    lines = []
    for reason, words in reasons.items():
        names = [left.name for left in plan.left_out if left.reason == reason]
        if not names:
            continue
        text = ", ".join(names[:SHOWN_NAMES])
        if len(names) > SHOWN_NAMES:
            more = translate("Models", "{count} more").format(count=len(names) - SHOWN_NAMES)
            text = f"{text}, {more}"
        lines.append(f"{text} ({words})")
    return "\n".join(lines)
