"""Settings of a pretraining run."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from geo_r1_backend.models.nano import NanoConfig


@dataclass(frozen=True)
class PretrainSettings:
    """Settings of one run."""

    seconds: float
    """Length of the run; compilation counts."""
    out: Path
    tokenizer: Path
    backgrounds: Path | None = None
    photographs: Path | None = None
    """Folder with naip-backgrounds/, aerial-airport/ and kit-ais-cars/: scenes like photographs, and photographs."""
    street_held_out: int | None = None
    """Street scene that is not trained on (0 to 2), for the three-fold figures; none for weights that ship."""
    batch: int = 128
    """Pictures per GPU and step; each carries up to six questions."""
    lr: float = 2e-3
    muon: bool = True
    """Muon for the matrices of the layers (it was ahead of AdamW after equal time, docs/experiments.md)."""
    dense_weight: float = 1.0
    warmup_steps: int = 200
    final_lr_share: float = 0.02
    workers: int = 15
    """Loader processes per GPU."""
    seed: int = 1
    compile: bool = True
    save_every_s: float = 60.0
    """A lost machine costs at most this much; saving takes about a second."""
    sizes: NanoConfig = field(default_factory=NanoConfig)
    """Sizes of the model."""
    start_from: Path | None = None
    """Model folder to go on from (its dequantised weights); the auxiliary head starts anew. None = from nothing."""
    freeze_vision: bool = False
    """Train the language model alone: half the arithmetic, for new wordings of what is already seen."""
    max_steps: int = 0
    """Stop after so many steps; 0 = by time alone."""
