"""The table that the bench of the torch engine prints."""

from __future__ import annotations

import sys

from geo_r1_backend.config import clone_folder

sys.path.insert(0, str(clone_folder() / "scripts" / "bench"))

from engine_table import table


def test_a_missed_aim_is_said_and_a_missing_figure_is_not_invented():
    """Ours beside the peers: met, missed, or plainly not run."""
    rows = {
        "machine": {"device": "H100", "torch": "2.11"},
        "floor": {"floor_ms_per_token": 2.04},
        "ours": {
            "decode": {1: {"ms_per_token": 2.7}, 8: {"ms_per_token": 4.4}},
            "tiles_per_s": 31.0,
        },
        "peers": {"generate": {1: {"ms_per_token": 32.1}}},
        "exact": {"failed": "out of memory"},
    }

    said = table(rows).splitlines()

    assert "| decode, batch 1, ms/token | **2.7** | 32.1 | – | 2.04 | <= 3.0 | met |" in said
    assert "| decode, batch 8, ms/token | **4.4** | – | – | 2.04 | <= 4.0 | **missed** |" in said
    assert any(line.startswith("| tiles") and line.endswith(">= 25.0 | met |") for line in said)
    assert "| prefill, ms | not run | – | – | – | <= 12.0 |  |" in said
