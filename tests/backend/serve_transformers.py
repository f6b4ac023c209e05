"""`transformers serve` itself, with a processor class that needs no torchvision; run as a program.

The stock command line loads `Qwen2_5_VLProcessor`, whose video half needs torchvision, which is not installed here.
"""

from __future__ import annotations

import sys


def main() -> None:
    """Hand over to the command line of transformers; image limits stay those of the folder, as on any server."""
    from transformers import AutoProcessor
    from transformers.cli.transformers import main as command

    from geo_r1_backend.engines.torch_loading import image_only_class

    AutoProcessor.from_pretrained = image_only_class().from_pretrained
    sys.argv[0] = "transformers"
    command()


if __name__ == "__main__":
    main()
