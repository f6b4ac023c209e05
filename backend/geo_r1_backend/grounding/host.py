"""The models of a service while it runs: which are known, loading, loaded or failed, and the engines of the loaded ones.

Loading may happen on any thread, one model at a time each; closing happens only on the thread that answers, so that
no engine disappears under an answer.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from geo_r1_backend.engines.base import Engine
from geo_r1_backend.engines.select import Selection
from geo_r1_backend.errors import DeviceBusy, GeoR1Error, ModelFailed, ModelUnknown
from geo_r1_backend.grounding.arbiter import Arbiter
from geo_r1_backend.models.disk import model_bytes
from geo_r1_backend.models.registry import ModelFolder
from geo_r1_backend.wire import ModelInfo

log = logging.getLogger(__name__)

State = Literal["available", "loading", "loaded", "failed"]
ENGINES = {"transformers": "torch", "remote": "remote"}
"""What will run a kind of model, before it does."""
Loader = Callable[[ModelFolder], tuple[Engine, Selection]]


@dataclass
class _Slot:
    """One model with its engine, if it has one."""

    folder: ModelFolder
    lock: threading.Lock = field(default_factory=threading.Lock)
    state: State = "available"
    engine: Engine | None = None
    selection: Selection | None = None
    error: GeoR1Error | None = None
    used: int = 0
    on_cpu: bool = False
    """Started where it is slow, because a training run had the GPU."""


class ModelHost:
    """Owner of all engines of one service."""

    def __init__(
        self,
        find: Callable[[], list[ModelFolder]],
        load: Loader,
        *,
        default: str | None = None,
        can_cut: Callable[[], bool] = lambda: False,
        arbiter: Arbiter | None = None,
    ) -> None:
        self._find = find
        self._load = load
        self._slots: dict[str, _Slot] = {}
        self._slots_lock = threading.Lock()
        self._gone: list[_Slot] = []
        """Deleted while they were loaded."""
        self._uses = 0
        self._wanted_default = default
        self._can_cut = can_cut
        self._arbiter = arbiter or Arbiter(lambda: None)
        self._refresh()

    @property
    def default_id(self) -> str | None:
        """Id of the model that answers when a request names none."""
        if self._wanted_default is not None:
            return self._wanted_default
        return next(iter(self._slots), None)

    def folder(self, model_id: str | None) -> ModelFolder:
        """The model of a request.

        Raises:
            ModelUnknown: if there is none of that id (folders are looked at again before saying so).
        """
        return self._slot(model_id).folder

    def engine(self, model_id: str | None) -> Engine:
        """The engine of a model, started if need be; blocks while it loads.

        Raises:
            ModelUnknown, ModelFailed: a failed model is tried again on the next call.
        """
        slot = self._slot(model_id)
        with slot.lock:
            if slot.engine is None:
                self._start(slot)
            if slot.engine is None:
                raise slot.error or ModelFailed(model=slot.folder.id, reason="it did not start")
            with self._slots_lock:
                self._uses += 1
                slot.used = self._uses
            return slot.engine

    def trim(self, keep: str) -> None:
        """Close all engines but the default one and the one to keep; only the answering thread may call it."""
        with self._slots_lock:
            gone, self._gone = self._gone, []
        for slot in gone:
            with slot.lock:
                if slot.engine is not None:
                    slot.engine.close()
                    slot.engine = None
        self._leave_cpu(keep)
        for model_id, slot in list(self._slots.items()):
            if model_id in (keep, self.default_id) or not slot.lock.acquire(blocking=False):
                continue
            try:
                if slot.engine is not None:
                    slot.engine.close()
                    slot.engine, slot.state = None, "available"
            finally:
                slot.lock.release()

    def note(self, model_id: str) -> str:
        """What to know of the answers of a loaded model at this moment; empty = nothing."""
        slot = self._slot(model_id)
        status = slot.engine.status() if slot.engine is not None else None
        device = status.device if status is not None else None
        slow = status.facts.get("slow", "") if status is not None else ""
        return (
            self._arbiter.place(slot.folder, device=device).note
            or (
                "A training run has the GPU: the processor answers, much more slowly."
                if slot.on_cpu
                else ""
            )
            or (f"The GPU answers more slowly than it could: {slow}" if slow else "")
        )

    def _leave_cpu(self, model_id: str) -> None:
        """Close a model that had to start on the processor, once there is room where it belongs."""
        slot = self._slots.get(model_id)
        if slot is None or not slot.on_cpu or slot.engine is None:
            return
        try:
            still = self._arbiter.place(slot.folder).on_cpu
        except DeviceBusy:
            still = True
        if not still:
            with slot.lock:
                slot.engine.close()
                slot.engine, slot.state, slot.on_cpu = None, "available", False

    def unload(self, model_id: str) -> None:
        """Close a model's engine; only between two answers, see `GroundQueue.run_between`."""
        slot = self._slots.get(model_id)
        if slot is None:
            return
        with slot.lock:
            if slot.engine is not None:
                slot.engine.close()
                slot.engine, slot.state, slot.on_cpu = None, "available", False

    def forget(self, model_id: str) -> None:
        """Ask no more of a model that is about to be deleted; what it answers now is finished first."""
        with self._slots_lock:
            slot = self._slots.pop(model_id, None)
            if slot is not None:
                self._gone.append(slot)

    def state(self, model_id: str | None) -> State:
        """What a model does at the moment."""
        return self._slot(model_id).state

    def error(self, model_id: str | None) -> GeoR1Error | None:
        """Why a model failed."""
        return self._slot(model_id).error

    def loaded(self, model_id: str | None) -> tuple[Engine, Selection] | None:
        """The engine of a loaded model and how it was chosen, without loading it."""
        slot = self._slot(model_id)
        if slot.engine is None or slot.selection is None:
            return None
        return slot.engine, slot.selection

    def infos(self) -> list[ModelInfo]:
        """All models as the wire shows them."""
        self._refresh()
        return [self._info(slot) for slot in self._slots.values()]

    def info(self, model_id: str | None) -> ModelInfo:
        """One model as the wire shows it."""
        return self._info(self._slot(model_id))

    def close(self) -> None:
        """Close every engine."""
        for slot in [*self._slots.values(), *self._gone]:
            with slot.lock:
                if slot.engine is not None:
                    slot.engine.close()
                    slot.engine, slot.state = None, "available"

    def _start(self, slot: _Slot) -> None:
        slot.state, slot.error = "loading", None
        try:
            slot.on_cpu = self._arbiter.place(slot.folder).on_cpu
            slot.engine, slot.selection = self._load(replace(slot.folder, on_cpu=slot.on_cpu))
            slot.state = "loaded"
        except GeoR1Error as error:
            slot.error, slot.state = error, "failed"
        except Exception as error:  # border: a loader is other people's code
            log.exception("loading %s", slot.folder.id)
            reason = f"{type(error).__name__}: {error}"
            slot.error, slot.state = ModelFailed(model=slot.folder.id, reason=reason), "failed"

    def _slot(self, model_id: str | None) -> _Slot:
        wanted = model_id if model_id is not None else self.default_id
        if wanted not in self._slots:
            self._refresh()
        slot = self._slots.get(wanted or "")
        if slot is None:
            raise ModelUnknown(model=wanted or "(default)", known=list(self._slots))
        return slot

    def _refresh(self) -> None:
        with self._slots_lock:
            found = {folder.id: folder for folder in self._find()}
            gone = [i for i, s in self._slots.items() if i not in found and s.engine is None]
            for model_id in gone:
                del self._slots[model_id]
            for model_id, folder in found.items():
                # what is said of a model may change while it is loaded
                self._slots.setdefault(model_id, _Slot(folder)).folder = folder

    def _tasks(self, tasks: Sequence[str]) -> list[str]:
        """What to offer: masks where there is a segmenter, whatever model gives the boxes."""
        boxes = [task for task in tasks if task != "gres"]
        return [*boxes, "gres"] if tasks and self._can_cut() else boxes

    def _info(self, slot: _Slot) -> ModelInfo:
        folder, engine = slot.folder, slot.engine
        status = engine.status() if engine else None
        views = engine.profile.view_sizes_px if engine else ()
        return ModelInfo(
            id=folder.id,
            title=folder.title,
            engine=status.name if status else ENGINES.get(folder.kind, "onnx"),
            tasks=self._tasks(engine.profile.tasks if engine else folder.tasks),
            state="failed" if folder.kind == "broken" else slot.state,
            is_default=folder.id == self.default_id,
            device=status.device if status else folder.remote.shown if folder.remote else "cpu",
            licence=folder.licence,
            max_view_px=max((max(view) for view in views), default=0),
            grid_px=engine.profile.grid_px if engine else 28,
            note=slot.error.message if slot.error else folder.note,
            run=folder.run,
            origin=folder.origin,
            size_bytes=model_bytes(folder),
            repository=folder.repository,
            revision=folder.revision,
            can_delete=folder.can_delete,
        )
