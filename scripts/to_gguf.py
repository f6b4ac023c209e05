"""A folder of `geo-r1 models export` as the two files of llama.cpp, by llama.cpp's own converter.

    scripts/to_gguf.py LLAMA_CPP FOLDER TARGET

LLAMA_CPP is what scripts/llama_cpp.sh made. The converter knows tokenizers by a hash of what they make of a test text, and ours is not
on its list; ``gpt-2`` splits words as ours does (numbers of four and more digits apart, which no prompt of ours has).
"""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

SPLITS_LIKE = "gpt-2"
NEVER_MET = "\u0100 \u0100"
"""A merge of two zero bytes."""


def main() -> None:
    """Write model.gguf and mmproj.gguf, in float32."""
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    llama_cpp, folder, target = (Path(argument).resolve() for argument in sys.argv[1:])
    source = llama_cpp / "llama.cpp"
    sys.path[:0] = [str(source), str(source / "gguf-py"), str(llama_cpp / "python")]
    from conversion import base

    for kind in vars(base).values():
        if isinstance(kind, type) and "get_vocab_base_pre" in vars(kind):
            kind.get_vocab_base_pre = lambda self, tokenizer: SPLITS_LIKE
    import gguf

    read = gguf.SpecialVocab.__init__

    def with_merges(self, *given, **named) -> None:  # noqa: ANN001, ANN002, ANN003 - another project's
        read(self, *given, **named)
        # a tokenizer of single bytes has none, which llama.cpp takes for a broken file
        self.merges = self.merges or [NEVER_MET]

    gguf.SpecialVocab.__init__ = with_merges
    for name, more in (("model.gguf", []), ("mmproj.gguf", ["--mmproj"])):
        given = [str(folder), "--outfile", str(target / name), "--outtype", "f32", *more]
        sys.argv = ["convert_hf_to_gguf.py", *given]
        runpy.run_path(str(source / "convert_hf_to_gguf.py"), run_name="__main__")


if __name__ == "__main__":
    main()
