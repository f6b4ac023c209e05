"""Training and answering spell a prompt with the same tokens."""

from __future__ import annotations

import pytest

pytest.importorskip("cv2", reason="scenes are drawn with opencv")

from geo_r1_backend.engines import prompts
from geo_r1_backend.evaluation.recipe import frozen_questions
from geo_r1_backend.models.tokens import ChatTokens
from geo_r1_backend.pretraining.batches import Encoder
from geo_r1_backend.pretraining.vocabulary import build_tokenizer


def test_prompts_are_the_tokens_of_training(tmp_path):
    """For questions of every family, thinking or not, the engine's prompt has the ids that training used."""
    tokenizer = build_tokenizer()
    (tmp_path / "tokenizer.json").write_text(tokenizer.to_str(), encoding="utf-8")
    tokens, encoder = ChatTokens(tmp_path / "tokenizer.json"), Encoder(tokenizer)

    for question in frozen_questions(None, per_family=3):
        asked = question.expression
        for think in (True, False):
            trained, completion = encoder.question(asked, think=think)
            text = prompts.prompt_for(asked.task, asked.query, think=think)

            assert tokens.prompt_ids(text) == [tokens.control_id("<|vision_end|>"), *trained]
            assert tokens.text(completion) == (
                asked.completion if think else f"<answer>{asked.answer}</answer>"
            )
