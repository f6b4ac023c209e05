"""One run over a whole raster, or over areas of it: for the dock and for the toolbox.

Example:
    On the main thread, which may copy layers::

        plan = plan_scene(layer, context=project.transformContext())
        run = SceneRun(plan, SceneOptions("all storage tanks"), journal=SceneJournal.at(path, ...))

    On any thread that may wait::

        with BlockingService(...) as service:
            result = run.run(service, progress=..., found=..., is_cancelled=...)

Looks are taken in the order of the plan: their pixels are read one batch ahead (`scene_looks.py`), asked about in one
request per batch (`scene_asking.py`), written down (`layers/scene_journal.py`) and merged row by row
(`core/sweep.py`), so that memory does not grow with the raster. What is said twice by overlapping tiles, or cut by
their borders, is one object. With a journal the same call goes on with a run that was stopped or broken off
(`resume=`): looks that were answered are read from the journal and not asked again.
"""

from __future__ import annotations

import json
import time
from collections import deque
from typing import Callable, Deque, Dict, Iterator, Optional, Tuple

from ..capture.scene_pixels import pixels_of
from ..capture.scene_plan import ScenePlan
from ..capture.scene_reader import SceneReader
from ..capture.web_reader import WebReader
from ..core import wire
from ..core.errors import CaptureError, GeoR1Error
from ..core.records import RunStart
from ..core.scene_question import questions_of
from ..core.scene_records import FINISHED, STOPPED, SceneFind, SceneOptions, SceneResult, TileCounts
from ..layers.scene_journal import SceneJournal
from ..layers.scene_tiles import TileRecord
from ..network import main_thread
from ..network.blocking import Left
from .scene_asking import Answering, Asker, Final, Place
from .scene_looks import Batch, LookReader
from .scene_objects import SceneObjects
from .scene_outcomes import LookOutcomes, has_answer

__all__ = ["SceneFind", "SceneOptions", "SceneResult", "SceneRun", "TileCounts"]

Progress = Callable[[int, int, Optional[float]], object]
"""Looks that are done, looks in all, and seconds that are left (none while that is not known)."""
TURN_S = 0.1
SPEED_OVER = 64
"""Batches over which the speed is measured."""
MOST_FAILED = 32
"""Looks that fail one after the other until the run gives up: that is no bad tile any more."""


class SceneRun:
    """One run. Make it on the main thread (anywhere with a `reader`); `run` it once, on a thread that may wait."""

    def __init__(
        self,
        plan: ScenePlan,
        options: SceneOptions,
        *,
        journal: Optional[SceneJournal] = None,
        resume: str = "",
        versions: Optional[Dict[str, str]] = None,
        layer_id: str = "",
        areas_layer_id: str = "",
        recipe: str = "{}",
        reader: Optional[SceneReader] = None,
    ) -> None:
        """Copy what is needed of the layer, unless a reader has it already.

        Args:
            plan: what is looked at.
            options: what is asked.
            journal: where looks and detections are written down; none = they are only told, and Stop forgets.
            resume: uid of the run in the journal to go on with; plan and options must be those of that run.
            versions: program -> version, for the record.
            layer_id: of the raster in its project, for going on.
            areas_layer_id: of the layer that the areas come from, for going on.
            recipe: JSON that says how the plan is made again, for going on.
            reader: of the plan's layer, that runs share one after the other; whoever made it closes it.

        Raises:
            CaptureError: if the plan has a problem.
        """
        if plan.problem or plan.frame is None:
            raise CaptureError(plan.problem, code="capture-refused")
        self._plan = plan
        self._options = options
        self._journal = journal
        self._resume = resume
        self._versions = dict(versions or {})
        self._notes = {"layer_id": layer_id, "areas_layer_id": areas_layer_id}
        self._recipe = recipe
        self._source = plan.layer.source()
        self._is_shared = reader is not None
        self._reader = reader or _reader_of(plan)
        self._model = self._engine = ""  # as the last answer names them
        self._batches: Deque[Tuple[float, int]] = deque(maxlen=SPEED_OVER)
        self._questions = questions_of(options)
        self._outcomes = LookOutcomes(plan.tile_count, len(self._questions))

    def run(
        self,
        service: Answering,
        *,
        progress: Progress = lambda _done, _total, _left: None,
        found: Callable[[SceneFind], object] = lambda _find: None,
        is_cancelled: Callable[[], bool] = lambda: False,
    ) -> SceneResult:
        """Look at everything.

        Args:
            service: of this thread; it must want to leave when `is_cancelled` says so.
            progress: told after each answer; may be called often.
            found: told of each object that no tile to come can change; where something is compared, of the winners at
                the end of each area.
            is_cancelled: asked all the time; the run then ends within a second, keeps what it has and returns.

        Returns:
            What it came to, also where it was stopped.

        Raises:
            GeoR1Error: if it cannot go on; with a journal, it can be gone on with later.
        """
        began = time.monotonic()
        self._progress, self._is_cancelled = progress, is_cancelled
        self._begin_journal()
        objects = SceneObjects(self._plan, self._options, self._journal, found, bool(self._resume))
        looks = LookReader(
            self._plan,
            self._reader,
            chips_per_batch=max(1, self._options.batch // len(self._questions)),
            earlier=self._earlier(),
        )
        asker = Asker(service, self._options, self._questions, is_cancelled)
        outcome = FINISHED
        try:
            try:
                self._go_through(looks, asker, objects)
            except Left:
                outcome = STOPPED
            finally:
                looks.close()
        except GeoR1Error:
            self._end_journal("failed", objects)
            raise
        self._end_journal(outcome, objects)
        return SceneResult(
            outcome=outcome,
            run_uid=self._journal.run_uid if self._journal else "",
            count=objects.count,
            tiles=self._outcomes.counts,
            reasoning=objects.reasoning,
            first_failure=self._outcomes.first_failure,
            seconds=time.monotonic() - began,
        )

    @property
    def model(self) -> str:
        """Which model answered; empty until one has."""
        return self._model

    def close(self) -> None:
        """Let go of the layer's copy, if it is ours: on the main thread, after `run` and before QGIS ends."""
        if not self._is_shared:
            self._reader.close()

    def cancel_reading(self) -> None:
        """From any thread: the tile that is being read ends soon."""
        self._reader.cancel()

    # ---- the way through

    def _go_through(self, looks: LookReader, asker: Asker, objects: SceneObjects) -> None:
        while True:
            batch: Optional[Batch] = None
            while batch is None:
                if self._is_cancelled():
                    raise Left
                batch = looks.next_batch(TURN_S)
            if not batch:
                return
            began = time.monotonic()
            ending = self._ask(batch, asker)
            taken = [
                (look, self._outcomes.record(look, index, self._finals))
                for index, look in enumerate(batch)
            ]
            fresh = [record for look, record in taken if record and record is not look.record]
            if self._journal is not None and fresh:
                self._journal.record(fresh, self._outcomes.counts.done)
            is_whole = True
            for look, record in taken:
                is_whole = is_whole and record is not None
                if record is not None:
                    objects.take(
                        look.area,
                        look.tile,
                        record,
                        is_last=look.is_last_of_area,
                        is_final=is_whole,
                    )
            objects.flush()
            if ending is not None:
                raise ending
            if self._outcomes.failed_in_a_row >= MOST_FAILED:
                raise self._outcomes.last_failure
            asked = sum(record is not look.record for look, record in taken)
            if (
                asked
            ):  # what an earlier session knows takes no time, and tells nothing of what is to come
                self._batches.append((time.monotonic() - began, asked))
            self._tell()

    def _ask(self, batch: Batch, asker: Asker) -> Optional[Exception]:
        """Ask what the journal does not know; why it was broken off, if it was."""
        self._finals: Dict[Place, Final] = {}
        asked = [index for index, look in enumerate(batch) if look.chip is not None]
        questions = range(len(self._questions))
        wanted = [
            (number, question)
            for number, index in enumerate(asked)
            for question in questions
            if not has_answer(batch[index].record, question)
        ]

        def take(place: Place, event: Final) -> None:
            self._finals[asked[place[0]], place[1]] = event
            if isinstance(event, wire.ResultEvent):
                self._model, self._engine = event.model, event.engine
            self._tell(len(self._finals) / len(questions))

        chips = [(batch[index].chip.sha256, batch[index].chip.image_bytes) for index in asked]
        try:
            asker.ask(chips, wanted, take)
        except (Left, GeoR1Error) as error:
            return error
        return None

    # ---- the journal and the clock

    def _begin_journal(self) -> None:
        if self._journal is None:
            return
        options, plan = self._options, self._plan
        start = RunStart(
            query=options.query,
            frame=plan.frame,
            task=options.task,
            model=options.model or "",
            seed=options.seed,
            think=options.think,
            source=self._reader.source,
            versions=self._versions,
        )
        pixels = pixels_of(self._source)
        if self._resume:
            self._compare(pixels)
            self._journal.go_on(self._resume, start)
            return
        recipe = json.dumps({**json.loads(self._recipe), "pixels": pixels})
        self._journal.begin(
            start, options=options.to_json(), tiles=plan.tile_count, plan=recipe, **self._notes
        )

    def _compare(self, pixels: str) -> None:
        """See that it is the raster of before: on the same grid may lie another picture."""
        before = self._journal.recipe_of(self._resume).get("pixels")
        if before != pixels:
            code = "scene-changed" if before else "scene-old"
            raise GeoR1Error(code=code, layer=self._plan.layer_name)

    def _earlier(self) -> Iterator[TileRecord]:
        return self._journal.earlier() if self._journal is not None else iter(())

    def _end_journal(self, outcome: str, objects: SceneObjects) -> None:
        provisional = objects.end(is_whole=outcome == FINISHED)
        if self._journal is not None:
            self._journal.end(
                _outcome_word(outcome, objects.count),
                reasoning=objects.reasoning,
                provisional=provisional,
                more={"model": self._model or None, "engine": self._engine or None},
            )

    def _tell(self, more: float = 0.0) -> None:
        done, total = self._outcomes.counts.done, self._outcomes.counts.total
        seconds = sum(seconds for seconds, _ in self._batches)
        looks = sum(count for _, count in self._batches)
        left = seconds / looks * max(0.0, total - done - more) if looks else None
        self._progress(min(total, done + int(more)), total, left)


def _reader_of(plan: ScenePlan) -> SceneReader:
    """Takes the pictures of a plan; made on the main thread."""
    return WebReader(plan, main_thread.do_there) if plan.web is not None else SceneReader(plan)


def _outcome_word(outcome: str, count: int) -> str:
    """In the words of the file's table of runs."""
    if outcome == FINISHED:
        return "found" if count else "none"
    return outcome
