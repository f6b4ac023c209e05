"""From a folder of transformers to a model on its device: which precision fits, tokenizer and processor, what a run has learned."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from geo_r1_backend.engines.fitting import Choice, Precision, choose_precision, count_weights
from geo_r1_backend.models.learned import ADAPTER_FILE, WEIGHTS_FILE, read_json

PEFT_PREFIX = "base_model.model."
"""Before the name of each layer in the files of adapters."""
TOKENIZER_FILES = ("tokenizer.json", "vocab.json")
CHAT_TEMPLATE = (
    "{% for message in messages %}{% if loop.first and message.role != 'system' %}"
    "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n{% endif %}"
    "<|im_start|>{{ message.role }}\n"
    "{% if message.content is string %}{{ message.content }}{% else %}{% for part in message.content %}"
    "{% if part.type == 'image' or part.type == 'image_url' %}<|vision_start|><|image_pad|><|vision_end|>"
    "{% else %}{{ part.text }}{% endif %}{% endfor %}{% endif %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
"""What Qwen2.5-VL's own template makes of a picture and a sentence, for folders that lack it."""


@dataclass(frozen=True)
class Loaded:
    """A model on its device."""

    model: Any
    device: str
    choice: Choice
    notes: dict[str, str]
    """What was mended or borrowed, for the engine's status."""


def load_model(
    folder: Path, *, device: str | None = None, precision: Precision | None = None
) -> Loaded:
    """The weights of a folder on the GPU if there is one, in the best form that fits.

    Args:
        folder: as transformers writes it.
        device: `cpu` or `cuda`; None = the faster.
        precision: this one or none.

    Raises:
        DoesNotFitError: with the figures, before anything is read.
        ValueError: if a file is damaged.
    """
    from transformers import AutoModelForImageTextToText

    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    choice = choose_precision(
        count_weights(folder),
        free_bytes(device),
        on_gpu=device != "cpu",
        has_bitsandbytes=importlib.util.find_spec("bitsandbytes") is not None,
        wanted=precision,
    )
    config, notes = load_config(folder)
    more: dict[str, Any] = {}
    if choice.precision == "4-bit":
        from transformers import BitsAndBytesConfig

        more["quantization_config"] = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=torch.bfloat16,
            llm_int8_skip_modules=["visual", "lm_head"],
        )
    # weights go straight to the device where accelerate is there, else through main memory
    if device != "cpu" and importlib.util.find_spec("accelerate") is not None:
        more["device_map"] = {"": device}
    model = AutoModelForImageTextToText.from_pretrained(
        folder,
        config=config,
        local_files_only=True,
        dtype=torch.float32 if choice.precision == "float32" else torch.bfloat16,
        **more,
    )
    # greedy decoding; these would only raise warnings about what they do not change
    for name in ("temperature", "top_p", "top_k"):
        setattr(model.generation_config, name, None)
    if not more:
        model = model.to(device)
    return Loaded(model.eval(), device, choice, notes)


def load_config(folder: Path) -> tuple[Any, dict[str, str]]:
    """The configuration, mended where an older transformers has left it in a form that newer ones do not read.

    The paper's README knows the fault as an error about ``to_dict()`` and mends it with the base's `config.json`. The sizes
    are in the file all the same, only elsewhere, so they are put in their places; the user's file stays as it is.
    """
    from transformers import AutoConfig, Qwen2_5_VLConfig

    stored = read_json(folder / "config.json") or {}
    if stored.get("model_type") != "qwen2_5_vl":
        return AutoConfig.from_pretrained(folder, local_files_only=True), {}
    document, mended = repaired(stored)
    if not mended:
        return AutoConfig.from_pretrained(folder, local_files_only=True), {}
    return Qwen2_5_VLConfig.from_dict(document), {"config.json": f"mended while loading: {mended}"}


def repaired(stored: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """A `config.json` with both halves in their places, and what was wrong; empty = nothing."""
    text, vision = stored.get("text_config"), stored.get("vision_config")
    faults = []
    document = dict(stored)
    if not isinstance(text, dict) or "hidden_size" not in text:
        if "hidden_size" not in stored:
            raise ValueError(
                "config.json has no sizes of the language model; replace it by the base model's config.json"
            )
        faults.append("the language model's sizes stood outside of text_config")
        inner = {k: v for k, v in stored.items() if k not in ("vision_config", "text_config")}
        document["text_config"] = inner | {"model_type": "qwen2_5_vl_text"}
    text = document["text_config"] = dict(document["text_config"])
    if not isinstance(text.get("rope_parameters"), dict):
        scaling = text.get("rope_scaling") or stored.get("rope_scaling") or {}
        section = scaling.get("mrope_section", [16, 24, 24])
        theta = text.get("rope_theta") or stored.get("rope_theta") or 1e6
        text["rope_parameters"] = {
            "rope_type": "default",
            "mrope_section": section,
            "rope_theta": float(theta),
        }
        text.pop("rope_scaling", None)
        if faults or not scaling:
            faults.append("its rotary positions were not in rope_parameters")
    if not isinstance(vision, dict) or not vision:
        faults.append("vision_config was missing (the published tower's is taken)")
        document["vision_config"] = {"out_hidden_size": text["hidden_size"]}
    return (document, "; ".join(faults)) if faults else (stored, "")


def free_bytes(device: str) -> int | None:
    """Memory that is free on a device, where it can be measured."""
    if device != "cpu":
        return int(torch.cuda.mem_get_info()[0])
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError, IndexError):
        return None
    return None


def load_tokenizer(folder: Path, bases: Sequence[Path] = ()) -> tuple[Any, dict[str, str]]:
    """The folder's tokenizer with its chat template, or its base's.

    The paper's checkpoints come without: any Qwen2.5-VL folder beside them has the same one.

    Args:
        folder: of the model.
        bases: other folders to look in; None given = those beside it.

    Raises:
        FileNotFoundError: if no folder has one; it says which files to copy.
    """
    from transformers import AutoTokenizer

    notes: dict[str, str] = {}
    places = [folder, *(bases or _beside(folder))]
    place = next((p for p in places if any((p / n).is_file() for n in TOKENIZER_FILES)), None)
    if place is None:
        raise FileNotFoundError(
            f"{folder.name} has no tokenizer; copy tokenizer.json, tokenizer_config.json and chat_template.json of its base "
            "model (Qwen2.5-VL-3B-Instruct or -7B-Instruct) into it, or put the base model's folder beside it"
        )
    if place != folder:
        notes["tokenizer"] = f"of {place.name}, this folder has none"
    tokenizer = AutoTokenizer.from_pretrained(place, local_files_only=True)
    if not tokenizer.chat_template:
        template = _stored_template(place)
        tokenizer.chat_template = template or CHAT_TEMPLATE
        if template is None:
            notes["chat template"] = "Qwen2.5-VL's, the folder has none"
    return tokenizer, notes


def _stored_template(folder: Path) -> str | None:
    plain = folder / "chat_template.jinja"
    if plain.is_file():
        return plain.read_text(encoding="utf-8")
    found = (read_json(folder / "chat_template.json") or {}).get("chat_template")
    return str(found) if found else None


def _beside(folder: Path) -> list[Path]:
    """Other folders of the same family in the same place."""
    try:
        others = sorted(place for place in folder.resolve().parent.iterdir() if place.is_dir())
    except OSError:
        return []
    mine = read_json(folder / "config.json") or {}
    return [
        place
        for place in others
        if place != folder.resolve()
        and (read_json(place / "config.json") or {}).get("model_type") == mine.get("model_type")
    ]


def load_processor(folder: Path, model_type: str) -> Any:
    """The folder's processor without its video half, which would need torchvision.

    ProcessorMixin asks for the sub-processors that ``__init__`` names, so a subclass that does not name the video
    processor is not asked for it.

    Raises:
        TypeError: if the folder gives something else; AutoProcessor silently hands out a bare tokenizer then.
    """
    from transformers import AutoProcessor
    from transformers.processing_utils import ProcessorMixin

    if model_type in ("qwen2_5_vl", "qwen2_vl"):
        processor = image_only_class().from_pretrained(folder, local_files_only=True)
    else:
        processor = AutoProcessor.from_pretrained(folder, local_files_only=True)
    if not isinstance(processor, ProcessorMixin):
        raise TypeError(
            f"the folder gives a {type(processor).__name__} instead of a processor; "
            "copy the processor files of the base model into it"
        )
    # the view is planned by resize.py; a second resize here would shift every box
    processor.image_processor.size = {"shortest_edge": 1, "longest_edge": 2**40}
    return processor


def image_only_class() -> Any:
    """Qwen2.5-VL's processor class without a video half."""
    from transformers import Qwen2_5_VLProcessor
    from transformers.processing_utils import ProcessorMixin

    class ImageOnlyProcessor(Qwen2_5_VLProcessor):
        """Qwen2_5_VLProcessor for images and text alone."""

        def __init__(
            self,
            image_processor: Any = None,
            tokenizer: Any = None,
            chat_template: str | None = None,
            **_: Any,
        ) -> None:
            self.image_token, self.video_token = "<|image_pad|>", "<|video_pad|>"
            self.image_token_id = tokenizer.convert_tokens_to_ids(self.image_token)
            self.video_token_id = tokenizer.convert_tokens_to_ids(self.video_token)
            ProcessorMixin.__init__(self, image_processor, tokenizer, chat_template=chat_template)

    return ImageOnlyProcessor


def merge_adapter(model: Any, folder: Path) -> None:
    """Add what a training run has learned: ``W + alpha / rank · B A`` for a LoRA adapter, else the new values themselves.

    Raises:
        ValueError: if the adapter is not one of this model.
    """
    from safetensors.torch import load_file

    about = json.loads((folder / ADAPTER_FILE).read_text(encoding="utf-8"))
    tensors = load_file(folder / WEIGHTS_FILE)
    parameters = dict(model.named_parameters())
    with torch.no_grad():
        for key, value in tensors.items():
            name, is_lora, _ = key.removeprefix(PEFT_PREFIX).rpartition(".lora_A.")
            if is_lora:
                up = tensors[key.replace(".lora_A.", ".lora_B.")]
                target = parameters.get(f"{name}.weight")
                scale = float(about["alpha"]) / int(about["rank"])
                change = (up.float() @ value.float()) * scale
            elif ".lora_B." in key:
                continue
            else:
                target, change = parameters.get(key), None
            shape = value.shape if change is None else change.shape
            if target is None or target.shape != shape:
                raise ValueError(f"the adapter has {key} of {tuple(shape)}, which the base has not")
            new = value if change is None else target.float() + change.to(target.device)
            target.copy_(new)
