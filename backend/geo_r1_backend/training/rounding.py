"""Trained numbers into the base's int8 grid, so that small changes survive. No torch.

The base's weights lie on their grid exactly, and a run moves most of them by less than half a step of it: rounding to the nearest
would undo the training without a trace. So a change of a third of a step moves a third of the numbers by a whole one, drawn by a
seed. The rounding has no bias: what a layer adds up is what was trained, and what was not trained keeps its bytes.

Source: stochastic rounding, Gupta et al. 2015 (arXiv 1502.02551), section 3.1.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from geo_r1_backend.models.config import ModelConfig
from geo_r1_backend.models.weights import (
    SCALE_SUFFIX,
    Array,
    Arrays,
    quantise_matrix,
    quantise_state,
    stock_name,
)

GREATEST = 127
ROOM = 1.02
"""A row may pass the greatest number of its grid by so much and is cut; beyond it the row gets a grid of its own."""


def rounded_state(
    state: Arrays, base: Arrays, config: ModelConfig, *, seed: int
) -> dict[str, Array]:
    """Stored form of a trained state, on the base's grids.

    Args:
        state: float32 arrays by the names of ``state_dict()`` or of the file.
        base: tensors of the base's file, see `models.weights.read_tensors`.
        config: the model's shape.
        seed: of the rounding; the same numbers give the same file.

    Raises:
        ValueError: if a parameter is missing, unknown or not finite.
    """
    stored = quantise_state(state, config)
    given = {stock_name(name): np.asarray(array) for name, array in state.items()}
    dice = np.random.default_rng(seed)
    for name in [name for name, array in stored.items() if array.dtype == np.int8]:
        values, scale = rounded_matrix(
            given[name], np.asarray(base[name]), np.asarray(base[name + SCALE_SUFFIX]), dice
        )
        stored[name], stored[name + SCALE_SUFFIX] = values, scale
    return stored


def rounded_matrix(
    matrix: Array, base: Array, base_scale: Array, dice: np.random.Generator
) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.float32]]:
    """One matrix on its base's grid.

    Args:
        matrix: trained, ``(out, ...)`` float.
        base: int8 of the same shape.
        base_scale: ``(out,)``.
        dice: decides which numbers move.

    Returns:
        int8 of the same shape, and float32 scales ``(out,)``.
    """
    rows = matrix.astype(np.float32).reshape(len(matrix), -1)
    before = base.reshape(rows.shape).astype(np.float32)
    change = rows / base_scale[:, None] - before
    # float32 gives back what was stored only to its last bits
    change[np.abs(change) < 1e-3] = 0
    moved = before + np.floor(change + dice.random(rows.shape, dtype=np.float32))
    values = np.clip(moved, -GREATEST, GREATEST).astype(np.int8)
    scale = base_scale.astype(np.float32).copy()
    beyond = np.abs(rows).max(1) > ROOM * GREATEST * base_scale
    if beyond.any():
        values[beyond], scale[beyond] = quantise_matrix(rows[beyond])
    return values.reshape(matrix.shape), scale
