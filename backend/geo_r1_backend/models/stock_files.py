"""Which files of a model repository are data that the engines read, and which are not fetched, and why.

Weights come as safetensors alone. A pickle (`.bin`, `.pt`, `.ckpt`) can run code when it is opened, a `.py` is code:
neither is ever fetched, copied or loaded.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal

Use = Literal["weights", "settings", "pickle", "code", "other-format", "not-needed"]

WEIGHTS = re.compile(r"model(-[0-9]{5}-of-[0-9]{5})?\.safetensors")
INDEX_FILE = "model.safetensors.index.json"
CONFIG_FILE = "config.json"
PROCESSOR_NEEDED = ("preprocessor_config.json", "tokenizer.json", "tokenizer_config.json")
"""Without these no picture and no word gets into the model."""
PROCESSOR_FILES = (
    *PROCESSOR_NEEDED,
    "processor_config.json",
    "chat_template.json",
    "chat_template.jinja",
    "vocab.json",
    "merges.txt",
    "special_tokens_map.json",
    "added_tokens.json",
    "generation_config.json",
)
"""What a checkpoint without a processor takes from its base, where the base has it."""
SETTINGS = frozenset({*PROCESSOR_FILES, CONFIG_FILE, INDEX_FILE, "profile.json", "README.md"})
_LICENCE = re.compile(r"(LICENSE|LICENCE|NOTICE)(\.(txt|md))?", re.IGNORECASE)
_PICKLE = re.compile(r"\.(bin|pt|pth|ckpt|pkl|pickle|npy|npz|joblib)$", re.IGNORECASE)
_CODE = re.compile(r"\.(py|pyc|so|dll|dylib|exe|sh|bat|js|ipynb)$", re.IGNORECASE)
_OTHER = re.compile(r"\.(gguf|ggml|onnx|onnx_data|h5|msgpack|tflite|safetensors)$", re.IGNORECASE)


def use_of(name: str) -> Use:
    """What a file of a repository is for, by its name; files in folders are never needed.

    Example:
        >>> use_of("model-00001-of-00002.safetensors"), use_of("pytorch_model.bin"), use_of("modeling.py")
        ('weights', 'pickle', 'code')
    """
    if WEIGHTS.fullmatch(name):
        return "weights"
    if name in SETTINGS or _LICENCE.fullmatch(name):
        return "settings"
    if _PICKLE.search(name):
        return "pickle"
    if _CODE.search(name):
        return "code"
    return "other-format" if _OTHER.search(name) and "/" not in name else "not-needed"


def missing_processor_files(names: Iterable[str]) -> list[str]:
    """What of a processor is not among these files."""
    there = set(names)
    missing = [name for name in PROCESSOR_NEEDED if name not in there]
    if "preprocessor_config.json" in missing and "processor_config.json" in there:
        missing.remove("preprocessor_config.json")  # newer folders keep it inside of the other
    return missing


def missing_shards(names: Iterable[str]) -> list[str]:
    """Shards that the names of the others speak of: ``-00001-of-00002`` alone lacks the second."""
    there = {name for name in names if WEIGHTS.fullmatch(name)}
    missing = []
    for count in sorted(
        {name[-len("00002.safetensors") :][:5] for name in there if "-of-" in name}
    ):
        for number in range(1, int(count) + 1):
            shard = f"model-{number:05}-of-{count}.safetensors"
            if shard not in there:
                missing.append(shard)
    return missing
