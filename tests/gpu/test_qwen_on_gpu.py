"""Any Qwen2.5-VL on a GPU: the captured decode step, its sampling, bfloat16, and the plan of memory."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import torch

from geo_r1_backend.config import clone_folder
from geo_r1_backend.training.policies.memory import CHECKPOINTED, FAST, LEAN, PLANS
from geo_r1_backend.training.policies.qwen import QwenPolicy

sys.path.insert(0, str(clone_folder() / "scripts" / "bench"))

from our_side import PROMPT, naive_log_probs
from qwen_size import PROFILE, make_model, make_tokenizer

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
]


def made(plan=FAST, dtype=torch.float32):
    tokenizer = make_tokenizer()
    model = make_model("tiny", "cuda", tokenizer).to(dtype)
    source = torch.Generator("cuda").manual_seed(1)
    with torch.no_grad():  # larger numbers than a fresh model's, so that likely tokens stand out
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=source, device="cuda"))
    policy = QwenPolicy(model, tokenizer, PROFILE, rank=4, alpha=8, plan=plan)
    policy.end_ids = []
    with torch.no_grad():
        for parameter in policy.trainable().values():
            noise = torch.randn(parameter.shape, generator=source, device="cuda")
            parameter.add_(0.05 * noise)
    return policy


def picture(width_px=112, height_px=112, seed=0):
    return np.random.default_rng(seed).integers(0, 255, (height_px, width_px, 3), dtype=np.uint8)


def say(policy, count, tokens, temperature=1.0, seed=0, image=None):
    prefix = policy.prefix(policy.encode(picture() if image is None else image), PROMPT)
    return policy.sample(
        prefix,
        count,
        max_new_tokens=tokens,
        temperature=temperature,
        generator=torch.Generator().manual_seed(seed),
    )


@pytest.mark.parametrize("plan", PLANS)
def test_captured_steps_say_what_transformers_finds_likeliest(plan):
    """Greedy tokens out of the CUDA graph are the likeliest ones of transformers' forward, token by token, for two prefixes."""
    policy = made(plan)
    for image in (picture(), picture(140, 84, seed=4)):
        (said,) = say(policy, 1, 40, temperature=0, image=image)
        with torch.no_grad():
            likeliest = naive_log_probs(policy, image, said).argmax(-1).tolist()

        assert said == likeliest


def test_captured_sampling_follows_the_model():
    """Tokens drawn inside the graph are as likely as the model says: their mean log-probability is minus the entropy."""
    policy = made()
    every = say(policy, 64, 32)
    # transformers' forward takes a sampled image token for another image
    said = [one for one in every if policy.model.config.image_token_id not in one]
    pieces = [naive_log_probs(policy, picture(), one).detach() for one in said]
    tokens = torch.tensor(said, device="cuda")

    taken = torch.stack(
        [p.gather(1, t[:, None])[:, 0] for p, t in zip(pieces, tokens, strict=True)]
    )
    entropy = torch.stack([-(p.exp() * p).sum(-1) for p in pieces])
    spread = torch.stack([(p.exp() * p**2).sum(-1) for p in pieces]) - entropy**2

    apart = (taken + entropy).mean() / (spread.mean() / taken.numel()).sqrt()
    assert abs(float(apart)) < 4
    assert len({tuple(one) for one in every}) == 64
    assert say(policy, 64, 32) == every
    assert say(policy, 64, 32, seed=1) != every


def test_graph_follows_the_optimizer():
    """After an optimizer step the graph, captured before, answers with the new weights."""
    policy = made()
    say(policy, 2, 20, temperature=0)
    optimizer = torch.optim.AdamW(policy.trainable().values(), lr=0.05, fused=True)
    image = policy.encode(picture())
    for _ in range(3):
        found, _ = policy.log_probs(image, PROMPT, [[5, 6, 7, 8]])
        (-found.mean()).backward()
        optimizer.step()
        optimizer.zero_grad()

    said = say(policy, 1, 20, temperature=0)[0]
    with torch.no_grad():
        assert naive_log_probs(policy, picture(), said).argmax(-1).tolist() == said


@pytest.mark.parametrize("plan", [FAST, CHECKPOINTED, LEAN])
def test_gradients_are_the_naive_ones(plan):
    """In float32 the gradients through fused attention kernels are those of one transformers forward per completion."""
    policy = made(plan)
    said = [[5, 9, 11, 40], [7, 8], [200, 100, 50, 25, 12, 6, 3]]
    found, mask = policy.log_probs(policy.encode(picture()), PROMPT, said)
    found[mask].sum().backward()
    shared = {name: p.grad.clone() for name, p in policy.trainable().items()}
    for parameter in policy.trainable().values():
        parameter.grad = None

    for one in said:
        rows = naive_log_probs(policy, picture(), one)
        rows.gather(1, torch.tensor(one, device="cuda")[:, None]).sum().backward()

    for name, parameter in policy.trainable().items():
        scale = float(parameter.grad.abs().max())
        torch.testing.assert_close(shared[name], parameter.grad, rtol=1e-3, atol=1e-3 * scale)


def test_bfloat16_stays_near():
    """In bfloat16 log-probabilities agree with transformers' forward to its rounding, and adapters learn in float32."""
    policy = made(dtype=torch.bfloat16)
    said = say(policy, 2, 16)

    found, _ = policy.log_probs(policy.encode(picture()), PROMPT, said)
    with torch.no_grad():
        naive = torch.stack(
            [
                naive_log_probs(policy, picture(), one).gather(
                    1, torch.tensor(one, device="cuda")[:, None]
                )[:, 0]
                for one in said
            ]
        )

    assert (found - naive).abs().mean() < 0.05
    assert {p.dtype for p in policy.trainable().values()} == {torch.float32}


def test_a_plan_is_chosen_by_free_memory():
    """Without a plan the policy looks at the device; a tiny model has room for everything."""
    assert made(plan=None).plan == FAST


@pytest.mark.parametrize("rows", [1, 3])
def test_captured_answers_are_those_of_generate(rows):
    """Questions through few rows, by captured steps, prefixes kept and tokens fetched late: every token is transformers'."""
    from engine_peers import generate, inputs_of

    from geo_r1_backend.models.qwen.batcher import answers
    from geo_r1_backend.models.qwen.choice import choose_operations
    from geo_r1_backend.models.qwen.runtime import Question, QwenRuntime

    tokenizer = make_tokenizer()
    model = make_model("tiny", "cuda", tokenizer).float()
    source = torch.Generator("cuda").manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=source, device="cuda"))
    model.generation_config.eos_token_id = None
    pictures = [picture(140, 84, seed) for seed in (1, 2, 3, 1, 4)]
    expected = []
    for one in pictures:
        inputs = inputs_of(model, tokenizer, [one], PROMPT)
        expected.append(generate(model, inputs, 40)[0, inputs["input_ids"].shape[1] :].tolist())
    made = QwenRuntime(
        model, tokenizer, operations=choose_operations("cuda", torch.float32), max_rows=rows
    )
    made.end_ids, made.decoder._end_ids = [], made.decoder._end_ids[:0]
    found = {}
    for said in answers(made, [Question(p, PROMPT) for p in pictures], max_new_tokens=40):
        found.setdefault(said.index, []).extend(said.ids)

    assert [found[i] for i in range(5)] == expected
    assert made.decoder.captures >= 1
    assert made.prefixes.hits >= 1


def test_recorded_pictures_and_prompts_are_what_runs_unrecorded():
    """The same sizes again and again: as they are, recorded, replayed with other pictures and words, and always the same as unrecorded."""
    from geo_r1_backend.models.qwen.choice import choose_operations
    from geo_r1_backend.models.qwen.runtime import Question, QwenRuntime

    tokenizer = make_tokenizer()
    model = make_model("tiny", "cuda", tokenizer).float()
    made = QwenRuntime(
        model, tokenizer, operations=choose_operations("cuda", torch.float32), kept_bytes=0
    )
    for number in range(4):
        pixels = picture(140, 84, seed=number)
        on_device = torch.from_numpy(pixels)[None].cuda()
        torch.testing.assert_close(
            made.vision.encode(on_device), made.vision._encoded(on_device)[0], rtol=1e-4, atol=1e-5
        )
        embeds, tables = made._embedded([made.asked(Question(pixels, PROMPT[: -1 - number]))])
        recorded = [one.clone() for one in made.run_prompts(embeds, tables)]
        for mine, plain in zip(recorded, made.by_shape._work(embeds, *tables), strict=True):
            torch.testing.assert_close(mine, plain, rtol=1e-4, atol=1e-5)

    assert (made.vision.by_shape.refused, made.by_shape.refused) == ("", "")
    assert len(made.vision.by_shape) == 1
    assert len(made.by_shape) >= 1


def test_a_pool_of_memory_outlives_its_graphs():
    """All graphs of a pool go, or a recording breaks off: the next one is recorded all the same, as the steps of other rows are."""
    from geo_r1_backend.models.qwen.graphs import Pool, recorded

    pool, source = Pool(), torch.ones(4, device="cuda")
    for factor in (2.0, 3.0):
        graph, found = recorded(lambda factor=factor: source * factor, pool=pool)
        graph.replay()
        assert found.tolist() == [factor] * 4
        del graph, found
    tried = [0]

    def speaks_to_the_host():
        tried[0] += 1
        return float(source.sum()) if tried[0] > 2 else 0.0

    with pytest.raises(RuntimeError):
        recorded(speaks_to_the_host, pool=pool)

    graph, found = recorded(lambda: source * 5.0, pool=pool)
    graph.replay()
    assert found.tolist() == [5.0] * 4


def test_every_way_of_a_step_is_recorded_and_says_the_same():
    """Norms, gates and sums inside of some matrix products or beside them, kernels that start early: all graphs of a step choose the same tokens."""
    from geo_r1_backend.models.qwen.choice import choose_operations
    from geo_r1_backend.models.qwen.decode import APART, ONCE, Way
    from geo_r1_backend.models.qwen.graphs import Pool, recorded
    from geo_r1_backend.models.qwen.runtime import QwenRuntime

    operations = choose_operations("cuda", torch.float32)
    if not operations.reads_once(2):
        pytest.skip(f"kernels here: {operations.name}")
    tokenizer = make_tokenizer()
    model = make_model("tiny", "cuda", tokenizer).float()
    made = QwenRuntime(model, tokenizer, operations=operations)
    said = []
    for way in (APART, ONCE, Way(early=True), Way(once=True, early=True)):
        rows = made.decoder.make_rows(2, 64)
        for tensor, value in ((rows.used, 4), (rows.positions, 4), (rows.limits, 64)):
            tensor.fill_(value)
        rows.ended.fill_(value=False)
        rows.current.copy_(torch.tensor([65, 66], device="cuda"))
        with torch.no_grad():
            graph, _ = recorded(
                lambda rows=rows, way=way: made.decoder.step(rows, 2, draws=False, way=way),
                pool=Pool(),
            )
        for _ in range(8):
            graph.replay()
        said.append(rows.tokens[:, :10].tolist())

    assert all(one == said[0] for one in said)
