"""The own loop of the torch engine: a tiny random Qwen2.5-VL in float32, held against transformers' `generate`, token by token."""

from __future__ import annotations

import json
from collections import defaultdict

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from geo_r1_backend.engines.torch_generate import TextPieces
from geo_r1_backend.engines.torch_loading import (
    load_model,
    load_processor,
    load_tokenizer,
    merge_adapter,
    repaired,
)
from geo_r1_backend.engines.torch_own import OwnAnswers
from geo_r1_backend.models.export import export_stock_folder
from geo_r1_backend.models.qwen import batcher, graphs
from geo_r1_backend.models.qwen.adapters import read_adapter
from geo_r1_backend.models.qwen.batcher import answers
from geo_r1_backend.models.qwen.decode import ONCE
from geo_r1_backend.models.qwen.operations import Operations
from geo_r1_backend.models.qwen.runtime import Question, QwenRuntime
from geo_r1_backend.training.lora import add_lora, lora_parameters
from tests.backend.fake_cuda import Cuda
from tests.backend.tiny_model import picture, write_tiny_model

TOKENS = 24
ASKED = [
    # (width, height, picture's seed, words): windows whole and cut, pictures twice, one size thrice
    (112, 112, 1, "Find ships."),
    (140, 84, 2, "Where is the largest tank left of the road?"),
    (140, 84, 3, "Find ships."),
    (112, 112, 1, "Find all planes."),
    (196, 140, 4, "Roofs"),
    (140, 84, 2, "Where is the smallest tank?"),
]


@pytest.fixture(scope="module")
def stock(tmp_path_factory):
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("runtime")
    export_stock_folder(write_tiny_model(folder / "tiny", max_positions=2048), folder / "stock")
    return folder / "stock"


def load(stock):
    return load_model(stock, device="cpu", precision="float32").model


def runtime(stock, **options):
    return QwenRuntime(load(stock), load_tokenizer(stock)[0], **options)


def questions(asked=ASKED):
    return [
        Question(np.array(picture(width, height, seed)), words)
        for width, height, seed, words in asked
    ]


def told(made, asked=ASKED, tokens=TOKENS, **options):
    """Ids of each answer, and how each ended."""
    ids, finish = defaultdict(list), {}
    for said in answers(made, questions(asked), max_new_tokens=tokens, **options):
        assert said.index not in finish
        ids[said.index] += said.ids
        if said.finish:
            finish[said.index] = said.finish
    return [ids[i] for i in range(len(asked))], [finish[i] for i in range(len(asked))]


def generated(stock, model, asked=ASKED, tokens=TOKENS):
    """The same through transformers, one by one, the picture through its own processor."""
    processor = load_processor(stock, "qwen2_5_vl")
    found = []
    for width, height, seed, words in asked:
        content = [{"type": "image"}, {"type": "text", "text": words}]
        chat = processor.apply_chat_template(
            [{"role": "user", "content": content}], add_generation_prompt=True, tokenize=False
        )
        inputs = processor(text=[chat], images=[picture(width, height, seed)], return_tensors="pt")
        output = model.generate(**inputs, max_new_tokens=tokens, do_sample=False)
        found.append(output[0, inputs["input_ids"].shape[1] :].tolist())
    return found


@pytest.fixture(scope="module")
def expected(stock):
    return generated(stock, load(stock))


@pytest.mark.parametrize("rows", [1, 2, 8])
def test_answers_are_those_of_generate(stock, expected, rows):
    """One after another, two at a time as rows become free, or all at once: every token is `generate`'s."""
    made = runtime(stock, max_rows=rows)

    found, finish = told(made)

    assert found == expected
    assert finish == ["stop" if ids[-1] in made.end_ids else "length" for ids in expected]


def test_weights_stay_what_they_were(stock, expected):
    """Fusing projections and windows changes no number: transformers' own forward over the fused module answers the same."""
    model = load(stock)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    bytes_before = sum({p.data_ptr(): p.nbytes for p in model.parameters()}.values())

    made = QwenRuntime(model, load_tokenizer(stock)[0])

    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert generated(stock, model, ASKED[:2]) == expected[:2]
    # views into the fused tensors: nothing is held twice
    held = {
        p.untyped_storage().data_ptr(): p.untyped_storage().nbytes() for p in model.parameters()
    }
    fused = [t for layer in made.language.weights.fused for t in (layer.qkv, layer.gate_up)]
    assert sum(held.values()) == bytes_before
    assert all(t.untyped_storage().data_ptr() in held for t in fused)


def test_second_question_about_a_picture_runs_only_what_differs(stock, expected):
    """A picture that was asked about is neither looked at nor run again, and the answer is the same as afresh."""
    made = runtime(stock)
    told(made, ASKED[:2])
    looked = []
    made.vision.encode = looked.append  # would break the answer

    found, _ = told(made, [ASKED[3], ASKED[5], ASKED[0]])

    assert found == [expected[3], expected[5], expected[0]]
    assert looked == []
    assert made.prefixes.hits >= 3


def test_kept_prefixes_stay_within_their_bytes(stock, expected):
    """What is kept of pictures never exceeds its limit; with none kept, answers are the same."""
    made = runtime(stock, kept_bytes=200_000)
    for asked in ASKED:
        told(made, [asked])
        assert made.prefixes.bytes <= 200_000

    found, _ = told(runtime(stock, kept_bytes=0))

    assert len(made.prefixes) < 4
    assert found == expected


def test_answers_end_at_their_end_token(stock, expected):
    """An answer that says an end token ends there, says so, and leaves its row to the next question; the others go on."""
    made = runtime(stock, max_rows=2)
    ends = {expected[0][3], expected[2][5], *made.end_ids}
    made.end_ids = sorted(ends)
    made.decoder._end_ids = torch.tensor(made.end_ids)

    found, finish = told(made)

    for ids, how, whole in zip(found, finish, expected, strict=True):
        first = next((i for i, token in enumerate(whole) if token in ends), None)
        assert ids == (whole if first is None else whole[: first + 1])
        assert how == ("length" if first is None else "stop")
    assert "stop" in finish


def test_repetition_penalty_is_transformers(stock):
    """The penalty of a folder's generation settings (Qwen2.5-VL ships 1.05) weighs what prompt and answer have said, as `generate` does."""
    model = load(stock)
    model.generation_config.repetition_penalty = 1.3
    expected = generated(stock, model, ASKED[:3])

    found, _ = told(QwenRuntime(model, load_tokenizer(stock)[0], max_rows=2), ASKED[:3])

    assert found == expected


def test_drawing_repeats_with_its_seed(stock):
    """With a temperature the same seed gives the same answers, another seed others."""
    made = runtime(stock)
    one, two, three = (told(made, temperature=1.0, seed=seed)[0] for seed in (1, 1, 2))

    assert one == two != three


def test_stopping_ends_everything_between_two_tokens(stock):
    """Whoever leaves is heard before the next token, in the middle of a batch, and the next question is answered."""
    made, said = runtime(stock), []
    for one in answers(made, questions(), max_new_tokens=200, should_stop=lambda: len(said) > 8):
        said.append(one)

    assert not any(one.finish for one in said)
    assert len(said) < 30
    assert told(made, ASKED[:1], tokens=3)[1] == ["length"]


def test_vision_tower_sees_what_transformers_sees(stock):
    """Windows in one call, cut windows at the border, two pictures together: the features of transformers' tower."""
    made = runtime(stock)
    processor = load_processor(stock, "qwen2_5_vl")
    untouched = load(stock)
    for width, height in ((112, 112), (504, 140), (224, 336), (28, 28)):
        pictures = [picture(width, height, seed) for seed in (1, 2)]
        seen = made.vision.encode(torch.from_numpy(np.stack([np.array(p) for p in pictures])))
        pixels = processor.image_processor(images=pictures, return_tensors="pt")
        with torch.no_grad():
            expected = untouched.model.visual(
                pixels["pixel_values"], grid_thw=pixels["image_grid_thw"]
            ).pooler_output
        torch.testing.assert_close(seen.flatten(0, 1), expected, rtol=1e-4, atol=1e-5)


def test_tables_lie_row_by_row(stock):
    """What kernels read through bare pointers is contiguous; numpy makes the rotary tables column by column."""
    made = runtime(stock)
    tensors = [*made.language.tables, made.language.head]
    for layer in made.language.weights.fused:
        tensors += [layer.qkv, layer.output, layer.gate_up, layer.down]

    assert all(tensor.is_contiguous() for tensor in tensors)


def write_adapter(stock, folder, seed):
    """A low-rank adapter with numbers that matter."""
    model = load(stock)
    adapters = add_lora(model, rank=4, alpha=8, seed=seed)
    source = torch.Generator().manual_seed(seed)
    parameters = lora_parameters(adapters)
    with torch.no_grad():
        for parameter in parameters.values():
            parameter.copy_(0.2 * torch.randn(parameter.shape, generator=source))
    folder.mkdir()
    stored = {name: value.detach().contiguous() for name, value in parameters.items()}
    save_file(stored, folder / "adapter_model.safetensors")
    (folder / "adapter.json").write_text(
        json.dumps({"rank": 4, "alpha": 8.0, "adaptation": "lora"})
    )
    return folder


def test_adapters_beside_the_weights_answer_as_merged_ones(stock, expected, tmp_path):
    """Two adapters and the base in turn, over one set of weights: each answers as if merged, and a picture's prefix is not mixed up."""
    folders = [write_adapter(stock, tmp_path / f"a{seed}", seed) for seed in (1, 2)]
    merged = []
    for folder in folders:
        model = load(stock)
        merge_adapter(model, folder)
        merged.append(generated(stock, model, ASKED[:3]))
    made = runtime(stock)
    for folder in folders:
        adapter = read_adapter(folder, made.linear_rows, made.language.head)
        made.add_adapter(folder.name, adapter)

    for name, answer in (
        ("a1", merged[0]),
        ("", expected[:3]),
        ("a2", merged[1]),
        ("a1", merged[0]),
    ):
        made.use(name)
        assert told(made, ASKED[:3])[0] == answer

    assert merged[0] != merged[1] != expected[:3]


def test_a_foreign_adapter_is_refused(stock, tmp_path):
    """An adapter of another base is named as such before anything is asked."""
    folder = write_adapter(stock, tmp_path / "foreign", 1)
    made = runtime(stock)
    fewer = made.linear_rows[:1]

    with pytest.raises(ValueError, match=r"layer 1\.\w+, which the base has not"):
        read_adapter(folder, fewer, made.language.head)


def test_a_config_of_an_older_transformers_is_read(stock):
    """Sizes beside text_config instead of in it (the README's "to_dict()" fault) are put in their places, and that is said."""
    whole = json.loads((stock / "config.json").read_text())
    old = {k: v for k, v in whole.items() if k != "text_config"} | whole["text_config"]
    old["model_type"] = "qwen2_5_vl"
    rope = old.pop("rope_parameters")
    old["rope_scaling"] = {"type": "mrope", "mrope_section": rope["mrope_section"]}
    old["rope_theta"] = rope["rope_theta"]

    document, said = repaired(old)

    assert "text_config" in said
    assert document["text_config"]["hidden_size"] == whole["text_config"]["hidden_size"]
    assert document["text_config"]["rope_parameters"] == rope
    assert repaired(whole) == (whole, "")


def test_a_folder_without_tokenizer_takes_its_neighbours(stock, tmp_path):
    """A checkpoint without processor files uses those of a base beside it, and says so; alone it is told what to copy."""
    alone = tmp_path / "checkpoint"
    alone.mkdir()
    (alone / "config.json").write_text((stock / "config.json").read_text())

    with pytest.raises(FileNotFoundError, match=r"copy tokenizer\.json"):
        load_tokenizer(alone)
    base = tmp_path / "base"
    base.mkdir()
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json"):
        (base / name).write_text((stock / name).read_text())
    tokenizer, notes = load_tokenizer(alone)

    assert notes["tokenizer"].startswith("of base")
    assert tokenizer.chat_template


def test_nothing_held_back_is_lost_at_the_end():
    """A word before a broken character is said at the end, the broken character is not."""
    pieces = TextPieces(lambda ids: bytes(ids).decode("utf-8", "replace"))

    assert pieces.add(*b"tank \xf0\x9f") == ""
    assert pieces.rest() == "tank "


def test_products_that_read_weights_once_answer_the_same(stock, expected, monkeypatch):
    """The step with norms, gates and sums inside of its matrix products says the same tokens."""
    made = runtime(stock)
    step, ways = made.decoder.step, []

    def once(*given, **named):
        ways.append(True)
        return step(*given, **named, way=ONCE)

    monkeypatch.setattr(made.decoder, "step", once)

    assert told(made, ASKED[:3])[0] == expected[:3]
    assert ways


@pytest.fixture
def cuda(monkeypatch):
    found = Cuda()
    found.put_in(monkeypatch, graphs)
    return found


def recorded_step(made, count=2):
    """A recorded step over new rows, and the rows."""
    rows = made.decoder.make_rows(count, 64)
    rows.limits.fill_(64)
    rows.ended.fill_(value=False)
    rows.used.fill_(3)
    rows.positions.fill_(3)
    return rows, made.decoder._captured(rows, count, draws=False)


def test_steps_are_recorded_again_when_all_rows_have_gone(stock, cuda):
    """Rows go with their graphs when another number of questions comes; the steps of the next rows are recorded all the same."""
    made = runtime(stock)
    for count in (1, 2, 4):
        rows, graph = recorded_step(made, count)
        graph.replay()
        assert rows.said.tolist() == [1] * count
        assert made.decoder.refused == ""
        del rows, graph


def test_a_step_that_cannot_be_recorded_is_told_and_tried_again(stock, cuda):
    """Without a graph the step runs as it is and says so; the next rows are recorded, and nothing is told any more."""
    made = runtime(stock)
    cuda.cannot |= {2, 3, 4, 5, 6}
    rows, step = recorded_step(made)
    step.replay()
    assert rows.said.tolist() == [1, 1]
    assert "not permitted" in made.decoder.refused

    cuda.cannot.clear()
    recorded_step(made)

    assert made.decoder.refused == ""


class StartingEarly(Operations):
    """Plain torch that also claims to have kernels for few rows, and kernels that start early; these may read too early."""

    def __init__(self, apart=0.0):
        self.apart = apart

    def reads_once(self, rows):
        return rows <= 2

    def early(self):
        return ReadingTooEarly(self.apart)


class ReadingTooEarly(StartingEarly):
    """What `StartingEarly` gives."""

    def linear_add(self, inputs, weight, hidden):
        return super().linear_add(inputs, weight, hidden) + self.apart


def test_a_step_that_starts_too_early_is_not_taken(stock, cuda):
    """Ways whose kernels start early count only with the same result to the last bit; which one is none, and why, is kept."""
    recorded_step(right := runtime(stock, operations=StartingEarly()))
    recorded_step(wrong := runtime(stock, operations=StartingEarly(1e-3)))

    assert set(right.decoder.chosen[2]["ms"]) == {"apart", "once", "apart, early", "once, early"}
    assert right.decoder.chosen[2]["left_out"] == {}
    # the other way has no such product, and is right
    assert set(wrong.decoder.chosen[2]["ms"]) == {"apart", "once", "apart, early"}
    assert wrong.decoder.chosen[2]["left_out"] == {"once, early": "another result than once"}


@pytest.mark.parametrize("questions", [1, 3])
def test_no_step_is_launched_that_nobody_wants(stock, expected, monkeypatch, questions):
    """Where steps run ahead of what the host has read, as on a GPU, an answer takes its limit less one, and says the same."""
    made = runtime(stock)
    made.end_ids, made.decoder._end_ids = [], made.decoder._end_ids[:0]
    monkeypatch.setattr(batcher, "_looks_ahead", lambda rows: True)
    run, steps = made.decoder.run, []

    def counted(rows, count, number, **named):
        steps.append(number)
        run(rows, count, number, **named)

    monkeypatch.setattr(made.decoder, "run", counted)
    usual = told(runtime(stock), ASKED[:questions], 24)[0]

    said = told(made, ASKED[:questions], 24)[0]

    assert sum(steps) == 23
    for mine, theirs in zip(said, usual, strict=True):
        assert mine[: len(theirs)] == theirs
        assert len(mine) == 24


def logits(made, asked):
    """Of the first token, and the keys that were put into a row."""
    one = made.asked(questions([asked])[0])
    rows = made.rows_for(1, len(one.prompt.ids) + 4)
    normed = made.prefill([one], rows, [0])
    used = int(rows.used[0])
    return normed @ made.language.head.T, rows.keys[:, 0, :, :used].clone()


@pytest.mark.parametrize("whole_tokens", [0, 1024])
def test_the_same_question_once_more_is_the_same_to_the_last_bit(stock, whole_tokens):
    """Nothing is run for it: hidden state, keys and values of the first time are put back."""
    made = runtime(stock)
    made.whole_tokens = whole_tokens
    first, keys = logits(made, ASKED[1])
    made.vision.encode = made.run_prompts = None  # would break the answer

    again, kept = logits(made, ASKED[1])

    assert torch.equal(again, first)
    assert torch.equal(kept, keys)


def test_another_question_run_whole_is_a_first_question_to_the_last_bit(stock, expected):
    """Where a whole prompt is quicker than its own part, the picture's tokens are kept: no second look, and the numbers of a first one."""
    fresh, fresh_keys = logits(runtime(stock), ASKED[5])
    made = runtime(stock)
    made.whole_tokens = 1024
    logits(made, ASKED[1])
    made.vision.encode = None  # would break the answer

    again, keys = logits(made, ASKED[5])

    assert torch.equal(again, fresh)
    assert torch.equal(keys, fresh_keys)
    assert made.prefixes.hits == 1


def test_pictures_asked_about_twice_in_a_batch_are_run_whole_as_well(stock, expected):
    """All questions of a batch, some about one picture, with prompts run whole: the answers of `generate`."""
    made = runtime(stock)
    made.whole_tokens = 1024

    assert told(made)[0] == expected
    assert told(made)[0] == expected


def test_an_adapter_leaves_no_trace(stock, expected, tmp_path):
    """Base, two adapters, base again, with a picture known to all and with new ones: weights, logits and keys are the same to the last bit."""
    made = runtime(stock)
    weights = {name: p.clone() for name, p in made.language.model.named_parameters()}
    before = [logits(made, asked) for asked in ASKED[:3]]
    adapted = []
    for seed in (1, 2):
        folder = write_adapter(stock, tmp_path / str(seed), seed)
        made.add_adapter(str(seed), read_adapter(folder, made.linear_rows, made.language.head))
        made.use(str(seed))
        adapted.append([logits(made, asked) for asked in ASKED[:3]])
    made.use("")

    known = [logits(made, asked) for asked in ASKED[:3]]
    made.prefixes.clear()
    new = [logits(made, asked) for asked in ASKED[:3]]

    for one, other, third in zip(before, known, new, strict=True):
        assert all(
            torch.equal(a, b) and torch.equal(a, c)
            for a, b, c in zip(one, other, third, strict=True)
        )
    assert all(torch.equal(p, weights[n]) for n, p in made.language.model.named_parameters())
    assert not torch.equal(adapted[0][0][0], before[0][0])
    assert not torch.equal(adapted[0][0][0], adapted[1][0][0])
    assert told(made)[0] == expected


def test_what_a_first_question_needs_is_recorded_before(stock, cuda, monkeypatch):
    """Two empty pictures, up to their first words: the first user's picture of that size is a replay, and nothing is kept of the empty ones."""
    monkeypatch.setattr(graphs.ByShape, "_can_record", lambda *_: True)
    monkeypatch.setattr(
        graphs.ByShape, "_on_cuda", lambda self, work, _: lambda given: work(*given)
    )
    made = runtime(stock)
    OwnAnswers(made, None).warm(112, 112, "Find ships.", 24)
    recorded = []
    monkeypatch.setattr(graphs.ByShape, "_recorded", lambda *_: recorded.append(1))

    assert (len(made.vision.by_shape), len(made.by_shape), len(made.prefixes)) == (1, 1, 0)
    assert told(made, ASKED[:1])[0]
    assert recorded == []


def test_a_first_adapter_leaves_the_bases_graphs(stock, tmp_path):
    """What was recorded for the base stays when an adapter comes; only buffers that are exchanged for others take their graphs with them."""
    made = runtime(stock)
    rows = made.rows_for(1, 40)
    for seed in (1, 2):
        folder = write_adapter(stock, tmp_path / str(seed), seed)
        made.add_adapter(str(seed), read_adapter(folder, made.linear_rows, made.language.head))
        made.use(str(seed))

    assert made.rows_for(1, 40) is rows
