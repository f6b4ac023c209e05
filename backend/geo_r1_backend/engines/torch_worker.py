"""The process behind `torch_engine.py`: loads a Qwen2.5-VL folder and answers lines of JSON with lines of JSON.

In: ``{"op": "generate", "id", "items", "options"}``, ``{"op": "stop", "id"}``; the end of input is the end.
Out: ``loaded`` or ``failed`` once; for each request ``piece`` lines, then ``done`` or ``error``.
It answers the items of a request one after another; the protocol is batched so that a later worker may do better.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import queue
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from geo_r1_backend.models.learned import ADAPTER_FILE, WEIGHTS_FILE

Message = dict[str, Any]

PEFT_PREFIX = "base_model.model."
"""Before the name of each layer in the files of adapters."""


class Wire:
    """Standard input and output as messages; everything else that prints goes to standard error."""

    def __init__(self) -> None:
        # libraries print; their words on stdout would break the protocol
        self._out: IO[str] = os.fdopen(os.dup(1), "w", encoding="utf-8")
        os.dup2(2, 1)
        self.requests: queue.Queue[Message] = queue.Queue()
        self._stopped: set[int] = set()
        self._lock = threading.Lock()
        threading.Thread(target=self._read, daemon=True).start()

    def say(self, **message: object) -> None:
        """One line out."""
        self._out.write(json.dumps(message) + "\n")
        self._out.flush()

    def should_stop(self, request: int) -> bool:
        """Whether the service has lost interest in a request."""
        with self._lock:
            return request in self._stopped

    def _read(self) -> None:
        for line in sys.stdin:
            message = json.loads(line)
            if message["op"] == "stop":
                with self._lock:
                    self._stopped.add(int(message["id"]))
            else:
                self.requests.put(message)
        # the service is gone, however it went; nothing here is worth keeping
        os._exit(0)


class TextPieces:
    """Token ids to text: says only whole characters, so that a letter of several tokens is not broken."""

    def __init__(self, decode: Callable[[list[int]], str]) -> None:
        self._decode = decode
        self._ids: list[int] = []
        self._said_to = 0
        self._context_from = 0

    def add(self, token_id: int) -> str:
        """What one more token adds; empty while its character is not complete."""
        self._ids.append(token_id)
        known = self._decode(self._ids[self._context_from : self._said_to])
        text = self._decode(self._ids[self._context_from :])
        if text.endswith("\ufffd"):
            return ""
        # the decoder joins neighbours (spaces, bytes), so the last said token stays as context
        self._context_from, self._said_to = self._said_to, len(self._ids)
        return text[len(known) :]


def load(
    folder: Path, adapter: Path | None = None, device: str | None = None
) -> tuple[Any, Any, str]:
    """Model, processor and device of a folder; what was learned is merged into the weights."""
    import torch
    from transformers import AutoConfig, AutoModelForImageTextToText

    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    config = AutoConfig.from_pretrained(folder, local_files_only=True)
    processor = load_processor(folder, str(config.model_type))
    model = AutoModelForImageTextToText.from_pretrained(
        folder,
        local_files_only=True,
        dtype=torch.bfloat16 if device == "cuda" else torch.float32,
    )
    # greedy decoding; these would only raise warnings about what they do not change
    for name in ("temperature", "top_p", "top_k"):
        setattr(model.generation_config, name, None)
    if adapter is not None:
        merge_adapter(model, adapter)
    return model.to(device).eval(), processor, device


def merge_adapter(model: Any, folder: Path) -> None:
    """Add what a training run has learned: ``W + alpha / rank · B A`` for a LoRA adapter, else the new values themselves.

    Raises:
        ValueError: if the adapter is not one of this model.
    """
    import torch
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
                change = (up.float() @ value.float()) * (float(about["alpha"]) / int(about["rank"]))
            elif ".lora_B." in key:
                continue
            else:
                target, change = parameters.get(key), None
            shape = value.shape if change is None else change.shape
            if target is None or target.shape != shape:
                raise ValueError(f"the adapter has {key} of {tuple(shape)}, which the base has not")
            target.copy_(value if change is None else target.float() + change)


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


def answer_item(
    model: Any,
    processor: Any,
    item: Message,
    options: Message,
    *,
    say: Callable[..., None],
    should_stop: Callable[[], bool],
) -> None:
    """Generate for one item, saying pieces as they come."""
    import torch
    from PIL import Image
    from transformers import StoppingCriteria
    from transformers.generation.streamers import BaseStreamer

    size = (item["width_px"], item["height_px"])
    image = Image.frombytes("RGB", size, base64.b64decode(item["rgb"]))
    content = [{"type": "image"}, {"type": "text", "text": item["prompt"]}]
    chat = processor.apply_chat_template(
        [{"role": "user", "content": content}], add_generation_prompt=True, tokenize=False
    )
    inputs = processor(text=[chat], images=[image], return_tensors="pt").to(model.device)
    _check_grid(inputs["image_grid_thw"][0].tolist(), processor, size)
    ends = model.generation_config.eos_token_id
    end_ids = {ends} if isinstance(ends, int) else set(ends or ())
    pieces = TextPieces(lambda ids: str(processor.tokenizer.decode(ids, skip_special_tokens=True)))
    unsaid = 0

    class Streamer(BaseStreamer):
        prompt_seen = False

        def put(self, value: Any) -> None:
            nonlocal unsaid
            if not self.prompt_seen:
                self.prompt_seen = True
                return
            for token_id in value.reshape(-1).tolist():
                unsaid += 1
                text = pieces.add(int(token_id))
                if text:
                    say(text=text, tokens=unsaid, finish="")
                    unsaid = 0

        def end(self) -> None:
            """Nothing: the finish is said when generate returns."""

    class Left(StoppingCriteria):
        def __call__(self, input_ids: Any, scores: Any, **_: Any) -> Any:
            return torch.full((input_ids.shape[0],), should_stop(), device=input_ids.device)

    temperature = float(options["temperature"])
    torch.manual_seed(int(options["seed"]))
    sampling = (
        {"do_sample": True, "temperature": temperature} if temperature > 0 else {"do_sample": False}
    )
    with torch.inference_mode():
        output = model.generate(
            **inputs,
            max_new_tokens=int(options["max_new_tokens"]),
            streamer=Streamer(),
            stopping_criteria=[Left()],
            **sampling,
        )
    if not should_stop():
        last_id = int(output[0, -1])
        say(text="", tokens=unsaid, finish="stop" if last_id in end_ids else "length")


def _check_grid(grid: list[int], processor: Any, size: tuple[int, int]) -> None:
    """Whether the processor looked at the pixels it was given.

    Raises:
        ValueError: if it resized them; boxes would come back in unknown pixels.
    """
    patch = int(processor.image_processor.patch_size)
    seen = (grid[2] * patch, grid[1] * patch)
    if seen != size:
        raise ValueError(f"the processor resized {size} to {seen}")


def main() -> None:
    """Load, then answer until the input ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--adapter", type=Path)
    parser.add_argument("--device", choices=("cpu", "cuda"))
    arguments = parser.parse_args()
    wire = Wire()
    try:
        import torch
        import transformers

        transformers.logging.set_verbosity_error()
        if arguments.threads:
            torch.set_num_threads(arguments.threads)
        model, processor, device = load(arguments.folder, arguments.adapter, arguments.device)
    except Exception as error:
        wire.say(event="failed", reason=f"{type(error).__name__}: {error}")
        return
    facts = {
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "dtype": str(model.dtype),
    }
    wire.say(event="loaded", device=device, facts=facts)
    while True:
        _answer(wire, wire.requests.get(), model, processor)


def _answer(wire: Wire, request: Message, model: Any, processor: Any) -> None:
    number = int(request["id"])
    try:
        for index, item in enumerate(request["items"]):
            if wire.should_stop(number):
                break
            answer_item(
                model,
                processor,
                item,
                request["options"],
                say=lambda index=index, **piece: wire.say(
                    event="piece", id=number, index=index, **piece
                ),
                should_stop=lambda: wire.should_stop(number),
            )
    except Exception as error:
        wire.say(event="error", id=number, reason=f"{type(error).__name__}: {error}")
        return
    wire.say(event="done", id=number)


if __name__ == "__main__":
    main()
