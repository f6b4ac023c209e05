"""The process behind `sam.py`: loads a SAM or SAM 2 folder and answers lines of JSON with lines of JSON.

In: ``{"op": "segment", "id", "boxes", "points"}``, with ``width_px``, ``height_px`` and ``rgb`` when the picture is another than before.
Out: ``loaded`` or ``failed`` once; for each request ``masks`` (bits of each mask, row by row) or ``error``.

Pictures are prepared here: the image processors of transformers want torchvision for SAM 2, and the arithmetic is short.
"""

from __future__ import annotations

import argparse
import base64
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from geo_r1_backend.engines.torch_worker import Message, Wire

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of ImageNet: what SAM was trained with, where preprocessor_config.json says nothing else."""
NO_POINT = -10
"""Label of a place without a point, in both families."""
PROMPTS_AT_ONCE = 16


@dataclass(frozen=True)
class Seen:
    """A picture as the model knows it."""

    embeddings: Any
    width_px: int
    height_px: int
    scale: tuple[float, float]
    """Model pixels per pixel, across and down."""
    inside: tuple[int, int]
    """(width, height) of the picture in model pixels; padding follows."""


class Sam:
    """A checkpoint, and the last picture that it saw.

    Args:
        folder: config.json and *.safetensors.

    Raises:
        ValueError: if weights are missing in the file.
    """

    def __init__(self, folder: Path) -> None:
        import torch
        from transformers import Sam2Model, SamModel

        kind = json.loads((folder / "config.json").read_text(encoding="utf-8"))["model_type"]
        self.stretched = kind != "sam"
        """SAM 2 stretches a picture to a square; SAM keeps its shape and pads it."""
        loader: Any = Sam2Model if self.stretched else SamModel
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        model, report = loader.from_pretrained(
            folder,
            local_files_only=True,
            use_safetensors=True,
            dtype=torch.float32,
            output_loading_info=True,
        )
        if missing := sorted(report["missing_keys"]):
            message = f"the weights lack {missing[0]} ({len(missing)} names in all)"
            raise ValueError(message)
        self.model = model.to(self.device).eval()
        self.side_px = int(model.config.prompt_encoder_config.image_size)
        self.mean, self.std = _normalisation(folder)
        self._seen: Seen | None = None

    def look(self, image: np.ndarray) -> None:
        """Encode a picture ``(height, width, 3)`` uint8; it stays until the next."""
        import torch
        import torch.nn.functional as F

        height, width = image.shape[:2]
        inside = self._inside(width, height)
        pixels = torch.from_numpy(image.copy()).to(self.device).permute(2, 0, 1)[None].float() / 255
        pixels = F.interpolate(
            pixels, inside[::-1], mode="bilinear", align_corners=False, antialias=True
        )
        mean, std = (
            torch.tensor(v, device=self.device).view(1, 3, 1, 1) for v in (self.mean, self.std)
        )
        pixels = F.pad(
            (pixels - mean) / std, (0, self.side_px - inside[0], 0, self.side_px - inside[1])
        )
        with torch.inference_mode():
            embeddings = self.model.get_image_embeddings(pixels)
        scale = (inside[0] / width, inside[1] / height)
        self._seen = Seen(embeddings, width, height, scale, inside)

    def masks(self, boxes: list[list[float]], points: list[list[list[float]]]) -> list[np.ndarray]:
        """Masks ``(height, width)`` bool on the picture that was looked at.

        Raises:
            ValueError: if there was none.
        """
        if self._seen is None:
            raise ValueError("no picture was shown")
        found: list[np.ndarray] = []
        for first in range(0, len(boxes), PROMPTS_AT_ONCE):
            part = slice(first, first + PROMPTS_AT_ONCE)
            found += self._some(self._seen, boxes[part], points[part])
        return found

    def _some(
        self, seen: Seen, boxes: list[list[float]], points: list[list[list[float]]]
    ) -> list[np.ndarray]:
        import torch
        import torch.nn.functional as F

        across, down = seen.scale
        prompts: dict[str, Any] = {
            "input_boxes": torch.tensor(boxes, device=self.device)[None]
            * torch.tensor([across, down, across, down], device=self.device)
        }
        most = max(map(len, points))
        if most:
            empty = [float(NO_POINT)] * 2
            filled = [
                [[x * across, y * down] for x, y in some] + [empty] * (most - len(some))
                for some in points
            ]
            labels = [[1] * len(some) + [NO_POINT] * (most - len(some)) for some in points]
            prompts["input_points"] = torch.tensor([filled], device=self.device)
            prompts["input_labels"] = torch.tensor([labels], device=self.device)
        with torch.inference_mode():
            answer = self.model(image_embeddings=seen.embeddings, multimask_output=False, **prompts)
            logits = answer.pred_masks[0].float()  # (prompts, 1, low, low)
            if not self.stretched:
                square = (self.side_px, self.side_px)
                logits = F.interpolate(logits, square, mode="bilinear", align_corners=False)
                logits = logits[..., : seen.inside[1], : seen.inside[0]]
            size = (seen.height_px, seen.width_px)
            logits = F.interpolate(logits, size, mode="bilinear", align_corners=False)
        return list((logits[:, 0] > 0).cpu().numpy())

    def _inside(self, width: int, height: int) -> tuple[int, int]:
        if self.stretched:
            return self.side_px, self.side_px
        scale = self.side_px / max(width, height)
        return max(1, int(width * scale + 0.5)), max(1, int(height * scale + 0.5))


def _normalisation(folder: Path) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and spread of colours, from the folder's own description where there is one."""
    try:
        given = json.loads((folder / "preprocessor_config.json").read_text(encoding="utf-8"))
        mean, std = given.get("image_mean", MEAN), given.get("image_std", STD)
    except (OSError, ValueError):
        mean, std = MEAN, STD
    return tuple(map(float, mean)), tuple(map(float, std))


def main() -> None:
    """Load, then answer until the input ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--threads", type=int)
    arguments = parser.parse_args()
    wire = Wire()
    try:
        import torch
        import transformers

        transformers.logging.set_verbosity_error()
        if arguments.threads:
            torch.set_num_threads(arguments.threads)
        sam = Sam(arguments.folder)
    except Exception as error:
        wire.say(event="failed", reason=f"{type(error).__name__}: {error}")
        return
    wire.say(event="loaded", device=sam.device)
    while True:
        _answer(wire, wire.requests.get(), sam)


def _answer(wire: Wire, request: Message, sam: Sam) -> None:
    number = int(request["id"])
    try:
        if "rgb" in request:
            size = int(request["height_px"]), int(request["width_px"]), 3
            sam.look(np.frombuffer(base64.b64decode(request["rgb"]), np.uint8).reshape(size))
        masks = sam.masks(request["boxes"], request["points"])
    except Exception as error:
        wire.say(event="error", id=number, reason=f"{type(error).__name__}: {error}")
        return
    packed = [base64.b64encode(np.packbits(mask).tobytes()).decode("ascii") for mask in masks]
    wire.say(event="masks", id=number, masks=packed)


if __name__ == "__main__":
    main()
