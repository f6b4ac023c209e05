"""The part of a reward that is for the form of the answer."""

from __future__ import annotations

from geo_r1_backend.training.rewards.said import Said


def format_reward(said: Said) -> float:
    """1 where the completion has the form that was asked for, else 0.

    ``R_format = 1 if <think>...</think><answer>...</answer> holds else 0``. Stricter than the source, so that form alone is
    no way out: each tag exactly once and in this order, some reasoning, and an answer that can be used (boxes that
    become boxes of the chip, or "None"; for REC at most one).

    Source: Geo-R1 (arXiv 2509.21976), eq. 5; VLM-R1's regular expression.
    """
    return 1.0 if said.well_formed else 0.0
