"""The embedded model (trained, so its answers mean something) through our loop and through transformers, on drawn pictures."""

from __future__ import annotations

import re
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageDraw

from geo_r1_backend.engines.same_boxes import boxes_of, overlap
from geo_r1_backend.engines.torch_loading import load_model, load_processor, load_tokenizer
from geo_r1_backend.models.export import export_stock_folder
from geo_r1_backend.models.qwen.batcher import answers
from geo_r1_backend.models.qwen.choice import choose_operations
from geo_r1_backend.models.qwen.runtime import Question, QwenRuntime

NANO = Path(__file__).resolve().parent.parent.parent / "resources" / "models" / "geo-r1-nano"
TOKENS = 160
BATCH = 50
ASKED = (
    "Please provide the bounding box coordinate of the region this sentence describes: the red building",
    "Please provide the bounding box coordinate of the region this sentence describes: the largest storage tank",
    "Please carefully check the image and detect the following objects: building.",
    "Please carefully check the image and detect the following objects: storage tank.",
    "Please provide the bounding box coordinate of the region this sentence describes: the building left of the road",
)
NUMBERS = re.compile(r"\[\s*\d+\s*,\s*\d+\s*,\s*\d+\s*,\s*\d+\s*\]")


def drawn(seed: int) -> Image.Image:
    """Roofs, tanks and a road on a green ground; every seed another one."""
    random = np.random.default_rng(seed)
    ground = np.clip(random.normal((96, 120, 84), 9, (448, 448, 3)), 0, 255).astype(np.uint8)
    image = Image.fromarray(ground)
    draw = ImageDraw.Draw(image)
    x = int(random.integers(120, 320))
    draw.line([(x, 0), (x + int(random.integers(-80, 80)), 448)], fill=(128, 128, 130), width=22)
    for _ in range(int(random.integers(2, 7))):
        left, top = random.integers(5, 370, 2).tolist()
        wide, high = random.integers(24, 72, 2).tolist()
        colour = ((178, 62, 48), (205, 205, 208), (120, 96, 80))[int(random.integers(3))]
        draw.rectangle([left, top, left + wide, top + high], fill=colour, outline=(60, 60, 60))
    for _ in range(int(random.integers(1, 5))):
        left, top, size = random.integers(10, 390, 3).tolist()
        size = 16 + size % 40
        draw.ellipse(
            [left, top, left + size, top + size], fill=(232, 232, 228), outline=(150, 150, 150)
        )
    return image


def embedded_rows(device: str, queries: int) -> dict[str, Any]:
    """Shares of equal texts and of equal boxes, in bfloat16 and float32, and seconds of both sides.

    What bfloat16 alone changes is measured beside it: transformers with its other attention, and both beside float32.
    """
    found: dict[str, Any] = {"queries": queries}
    texts: dict[str, dict[str, list[str]]] = {}
    with tempfile.TemporaryDirectory() as place:
        stock = Path(place) / "stock"
        export_stock_folder(NANO, stock)
        for precision in ("bfloat16", "float32"):
            found[precision], texts[precision] = _compared(stock, device, queries, precision)
    right = texts["float32"]["theirs"]
    found["bfloat16"]["same_boxes_beside_float32"] = {
        name: _same_boxes(texts["bfloat16"][name], right) for name in ("ours", "theirs")
    }
    return found


def _same_boxes(some: list[str], others: list[str]) -> int:
    return sum(boxes_of(a) == boxes_of(b) for a, b in zip(some, others, strict=True))


def _compared(
    stock: Path, device: str, queries: int, precision: Any
) -> tuple[dict[str, Any], dict[str, list[str]]]:
    model = load_model(stock, device=device, precision=precision).model
    tokenizer, _ = load_tokenizer(stock)
    pictures = [drawn(n) for n in range(-(-queries // len(ASKED)))]
    asked = [(p, w) for p in pictures for w in ASKED][:queries]
    began = time.perf_counter()
    theirs = _theirs(model, load_processor(stock, "qwen2_5_vl"), asked)
    theirs_s = time.perf_counter() - began
    runtime = QwenRuntime(
        model, tokenizer, operations=choose_operations(torch.device(device).type, model.dtype)
    )
    ids: dict[int, list[int]] = {}
    began = time.perf_counter()
    questions = [Question(np.array(picture), words) for picture, words in asked]
    for said in answers(runtime, questions, max_new_tokens=TOKENS):
        ids.setdefault(said.index, []).extend(said.ids)
    ours_s = time.perf_counter() - began
    ours = [tokenizer.decode(ids[i], skip_special_tokens=True) for i in range(len(asked))]
    boxes = [(NUMBERS.findall(a), NUMBERS.findall(b)) for a, b in zip(ours, theirs, strict=True)]
    model.set_attn_implementation("eager")
    other = _theirs(model, load_processor(stock, "qwen2_5_vl"), asked)
    return {
        "same_boxes_of_its_other_attention": _same_boxes(other, theirs),
        "same_text": sum(a == b for a, b in zip(ours, theirs, strict=True)),
        "same_boxes": sum(a == b for a, b in boxes),
        "mean_iou": round(
            statistics.mean(
                overlap(boxes_of(a), boxes_of(b)) for a, b in zip(ours, theirs, strict=True)
            ),
            4,
        ),
        "with_boxes": sum(bool(b) for _, b in boxes),
        "ours_s": round(ours_s, 1),
        "generate_batched_s": round(theirs_s, 1),
        "example": theirs[0][:160],
    }, {"ours": ours, "theirs": theirs}


def _theirs(model: Any, processor: Any, asked: list[tuple[Image.Image, str]]) -> list[str]:
    """Transformers' generate in batches, padded on the left."""
    processor.tokenizer.padding_side = "left"
    texts: list[str] = []
    for first in range(0, len(asked), BATCH):
        some = asked[first : first + BATCH]
        chats = [
            processor.apply_chat_template(
                [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": words}]}],
                add_generation_prompt=True,
                tokenize=False,
            )
            for _, words in some
        ]
        inputs = processor(
            text=chats, images=[picture for picture, _ in some], return_tensors="pt", padding=True
        ).to(model.device)
        with torch.inference_mode():
            out = model.generate(**inputs, max_new_tokens=TOKENS, do_sample=False)
        texts += processor.tokenizer.batch_decode(
            out[:, inputs["input_ids"].shape[1] :], skip_special_tokens=True
        )
    return texts
