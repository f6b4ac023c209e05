"""`geo-r1 ask`: one image, one question, in this process; reasoning as it comes, then places, perhaps a file."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from PIL import Image

from geo_r1_backend.engines.cutting import Cutting
from geo_r1_backend.engines.select import load_engine
from geo_r1_backend.errors import ChipUnreadable, ConfigError, ModelFailed, QueryEmpty
from geo_r1_backend.geo import raster, vector
from geo_r1_backend.geo.outlines import area_px
from geo_r1_backend.grounding.ground import GroundOptions, Question, ground
from geo_r1_backend.grounding.images import check_size, open_image
from geo_r1_backend.models.registry import choose_model
from geo_r1_backend.wire import Detail, Detection, ErrorEvent, Event, ResultEvent, Task, TokenEvent

LONGEST_SIDE_PX = 1024
"""What is read of a raster: more than the embedded model sees, about what Qwen2.5-VL sees."""

Say = Callable[[str], None]
"""Takes text without adding a line's end."""


@dataclass(frozen=True)
class AskOptions:
    """One question about one file."""

    image: Path
    query: str
    data_folder: Path
    task: Task = "rec"
    detail: Detail = "auto"
    out: Path | None = None
    overwrite: bool = False
    model: str | None = None
    think: bool = True
    as_json: bool = False
    threads: int | None = None


def ask(options: AskOptions, say: Say) -> int:
    """Answer one question; the exit code of the command.

    Raises:
        GeoR1Error: whatever keeps the question from being asked.
    """
    if not options.query.strip():
        raise QueryEmpty
    if options.detail == "windows" and options.task == "rec":
        raise ConfigError(
            "--detail windows does not go with --task rec.",
            hint="Windows are for all objects of a kind: add --all. One object is sought in the whole view.",
        )
    if options.out is not None:
        vector.check_target(options.out, overwrite=options.overwrite)
    chip = read_chip(options.image)
    engine, _ = load_engine(
        choose_model(options.data_folder, options.model), threads=options.threads
    )
    cutting = Cutting(options.data_folder, options.threads)
    try:
        question = Question(
            options.image.name,
            options.task,
            options.query,
            lambda: chip.image,
            detail=options.detail,
        )
        settings = GroundOptions(think=options.think)
        last: Event | None = None
        for last in ground([question], engine, settings, lambda: False, cutting.segmenter):
            _tell(last, options, say)
    finally:
        cutting.close()
        engine.close()
    if isinstance(last, ErrorEvent):
        return 1
    if not isinstance(last, ResultEvent):
        raise ModelFailed(model=engine.profile.id, reason="it ended without an answer")
    return _conclude(last, chip, options, say)


def read_chip(path: Path) -> raster.RasterChip:
    """The image to ask about and where it lies; a plain picture lies nowhere.

    Raises:
        ChipError, MissingExtra: if it cannot be read.
    """
    if not path.is_file():
        raise ChipUnreadable(reason=f"there is no file {path}", hint="Check the name.")
    if path.suffix.lower() in raster.SUFFIXES:
        found = raster.read_raster(path, longest_side_px=LONGEST_SIDE_PX)
        check_size(found.image.width, found.image.height)
        return found
    image: Image.Image = open_image(path)
    # y upwards, as GIS programs place a raster that says nothing of its place
    return raster.RasterChip(image, (1.0, 0.0, 0.0, 0.0, -1.0, 0.0), "", image.width, image.height)


def _tell(event: Event, options: AskOptions, say: Say) -> None:
    """What is shown while the answer comes."""
    if options.as_json:
        say(json.dumps(asdict(event)) + "\n")
    elif isinstance(event, TokenEvent) and event.section == "think":
        say(event.text)
    elif isinstance(event, ErrorEvent):
        say(f"\n{event.error.message} {event.error.hint}\n")


def _conclude(result: ResultEvent, chip: raster.RasterChip, options: AskOptions, say: Say) -> int:
    """What is shown and written at the end."""
    outlines = [vector.polygons_of(detection, chip.to_map) for detection in result.detections]
    if not options.as_json:
        say(_summary(result, chip, options.task))
    if options.out is not None and result.detections:
        answer = vector.Answer(options.query, result.reasoning, result.model)
        vector.write_detections(
            options.out,
            result.detections,
            outlines,
            answer,
            crs_wkt=chip.crs_wkt,
            overwrite=options.overwrite,
        )
    if options.out is not None and not options.as_json:
        said = "written" if result.detections else "not written, there is nothing to write"
        say(f"{options.out}: {said}\n")
    return 0


def _summary(result: ResultEvent, chip: raster.RasterChip, task: Task) -> str:
    lines = [""] if result.reasoning else []
    count = len(result.detections)
    sentences = {
        "none": "The model says that there is no such object.",
        "unparsable": "The model's answer could not be read.",
        "truncated": "The answer was cut off at the token limit; what was complete:",
        "found": f"{count} objects fit; all are listed." if task == "rec" and count > 1 else "",
    }
    if sentences[result.outcome]:
        lines.append(sentences[result.outcome])
    for detection in result.detections:
        box = ", ".join(f"{value:.0f}" for value in detection.box_px)
        place = ""
        if chip.crs_wkt:
            x_min, y_min, x_max, y_max = detection.box_px
            x, y = chip.to_map((x_min + x_max) / 2, (y_min + y_max) / 2)
            place = f"  centre {x:.7g}, {y:.7g}" if abs(x) <= 360 else f"  centre {x:.1f}, {y:.1f}"
        lines.append(
            f"{detection.rank + 1}. {detection.label or 'object'}  [{box}] px{place}{_mask_text(detection)}"
        )
    lines += [
        f"   {'box only' if piece.code else 'dropped'}: {piece.reason}: {piece.text}".rstrip(": ")
        for piece in result.dropped
    ]
    return "\n".join(lines) + "\n"


def _mask_text(detection: Detection) -> str:
    if detection.kind != "mask" or not detection.polygons_px:
        return ""
    return f"  mask of {area_px(detection.polygons_px):.0f} px"
