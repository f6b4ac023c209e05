"""Prompts as token ids, and answers as text that streams."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo_r1_backend.models.tokens import ChatTokens, TextStream
from tests.backend.tiny_model import CONTROL, tokenizer

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
TYPED = st.lists(
    st.sampled_from([*CONTROL, "<think>", "</think>", "<|im_", "end|>", " ", "ships", "<t", "é"]),
    max_size=8,
)


@pytest.fixture(scope="module")
def tokens(tmp_path_factory):
    path = tmp_path_factory.mktemp("tokens") / "tokenizer.json"
    path.write_text(tokenizer().to_str(), encoding="utf-8")
    return ChatTokens(path)


@settings(max_examples=200, deadline=None)
@given(typed=TYPED.map("".join) | TEXTS)
def test_typed_text_never_becomes_a_control_token(tokens, typed):
    """Whatever a user types, no control token and no tag comes of it, and no character is lost."""
    ids = tokens.text_ids(typed)

    forbidden = {tokens.control_id(name) for name in (*CONTROL, "<think>", "</think>")}
    assert forbidden.isdisjoint(ids)
    assert tokens.tokenizer.decode(ids, skip_special_tokens=False) == typed


def test_a_sentence_of_the_prompt_stays_whole(tokens):
    """A tag inside a sentence that the vocabulary holds whole is that sentence's token."""
    sentence = tokens.tokenizer.token_to_id("Put tags <think> here.")

    assert tokens.text_ids("Put tags <think> here.") == [sentence]
    assert tokens.text_ids("a Put tags <think> here.<think>")[2] == sentence


def test_the_turn_is_the_chat_template(tokens):
    """Prefix and prompt around one image token read as Qwen's chat template, token by token."""
    ids = [
        *tokens.image_prefix_ids(),
        tokens.control_id("<|image_pad|>"),
        *tokens.prompt_ids("Find ships."),
    ]
    whole = "<|im_start|>user\n<|vision_start|><|image_pad|><|vision_end|>Find ships.<|im_end|>\n<|im_start|>assistant\n"
    plain = tokenizer()  # control tokens in the text are control tokens here

    assert ids == plain.encode(whole).ids


def test_a_missing_control_token_is_named(tokens):
    """A vocabulary of another family is refused with the token that it lacks."""
    with pytest.raises(ValueError, match=r"no token '<\|box_start\|>'"):
        tokens.control_id("<|box_start|>")


@settings(max_examples=200, deadline=None)
@given(text=TEXTS)
def test_streamed_pieces_are_whole_characters(tokens, text):
    """Pieces join to the text, none holds half a character, and every token is counted once."""
    ids = tokens.text_ids(text)
    stream = TextStream(tokens)
    pieces = [stream.push(token) for token in ids]
    pieces.append(stream.flush())

    assert "".join(piece for piece, _ in pieces) == text
    assert sum(count for _, count in pieces) == len(ids)
    if "\ufffd" not in text:
        assert not any("\ufffd" in piece for piece, _ in pieces)


def test_bytes_that_are_no_character_do_not_block_the_stream(tokens):
    """After broken bytes the text goes on; a random model would otherwise stream nothing."""
    broken = tokens.text_ids("é")[:1] * 20
    stream = TextStream(tokens)
    text = (
        "".join(stream.push(token)[0] for token in [*broken, *tokens.text_ids(" ships é")])
        + stream.flush()[0]
    )

    assert text.endswith(" ships é")
    assert text.startswith("\ufffd")


def test_control_tokens_do_not_show(tokens):
    """A control token in an answer is no text."""
    stream = TextStream(tokens)
    ids = [tokens.control_id("<|image_pad|>"), *tokens.text_ids("a")]

    assert "".join(stream.push(token)[0] for token in ids) == "a"
