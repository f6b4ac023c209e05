"""A folder of transformers as a policy: a tiny random Qwen2.5-VL, held against transformers' own forward and generate."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import Qwen2_5_VLForConditionalGeneration

from geo_r1_backend.engines.torch_loading import load_processor
from geo_r1_backend.models.export import export_stock_folder
from geo_r1_backend.models.qwen.head import TokenLogProbs
from geo_r1_backend.training.lora import adapters_off, add_lora, lora_parameters
from geo_r1_backend.training.policies.memory import (
    CHECKPOINTED,
    FAST,
    GIB,
    LEAN,
    MemoryPlan,
    Sizes,
    choose_plan,
    needed_bytes,
)
from geo_r1_backend.training.policies.qwen import QwenPolicy
from geo_r1_backend.training.rollout_check import RolloutCheck
from tests.backend.tiny_model import picture, write_tiny_model

PROMPT = "Find ships."
SIDES = [(112, 112), (140, 84)]
COMPLETIONS = [[5, 9, 11, 40, 258], [7, 8], [200, 100, 50, 25, 12, 6, 3], [258]]


@pytest.fixture(scope="module")
def stock(tmp_path_factory):
    """A random model as transformers writes it."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("qwen")
    ours = write_tiny_model(folder / "tiny", max_positions=2048)
    export_stock_folder(ours, folder / "stock")
    return folder / "stock"


def load(stock, **options):
    return QwenPolicy.load(stock, device="cpu", rank=4, alpha=8, **options)


def shaken(policy, seed=3, size=0.05):
    """Adapters that do something."""
    source = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in policy.trainable().values():
            parameter.add_(size * torch.randn(parameter.shape, generator=source))
    return policy


def naive(policy, processor, image, completion):
    """Log-probabilities of one completion through transformers' own forward, prompt and image computed anew."""
    chat = processor.apply_chat_template(
        [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": PROMPT}]}],
        add_generation_prompt=True,
        tokenize=False,
    )
    inputs = dict(processor(text=[chat], images=[image], return_tensors="pt"))
    said = torch.tensor([completion])
    inputs["input_ids"] = torch.cat((inputs["input_ids"], said), 1)
    inputs["attention_mask"] = torch.ones_like(inputs["input_ids"])
    inputs["mm_token_type_ids"] = torch.nn.functional.pad(
        inputs["mm_token_type_ids"], (0, len(completion))
    )
    logits = policy.model(**inputs).logits[0, -len(completion) - 1 : -1]
    return logits.log_softmax(-1).gather(1, said[0][:, None])[:, 0]


def gradients(policy):
    return {name: p.grad.clone() for name, p in policy.trainable().items()}


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize(
    "plan", [FAST, CHECKPOINTED, MemoryPlan(merged=False, checkpointed=True, logit_rows=3)]
)
def test_shared_prefix_gives_the_naive_values_and_gradients(stock, side, plan):
    """Prompt and image run once for the group: log-probabilities and gradients are those of one forward per completion."""
    policy = shaken(load(stock, plan=plan))
    processor = load_processor(stock, "qwen2_5_vl")
    image = picture(*side)
    weights = [torch.randn(len(c), generator=torch.Generator().manual_seed(9)) for c in COMPLETIONS]

    found, mask = policy.log_probs(policy.encode(np.asarray(image)), PROMPT, COMPLETIONS)
    sum((row[m] * w).sum() for row, m, w in zip(found, mask, weights, strict=True)).backward()
    shared = gradients(policy)
    for parameter in policy.trainable().values():
        parameter.grad = None
    singly = [naive(policy, processor, image, completion) for completion in COMPLETIONS]
    sum((row * w).sum() for row, w in zip(singly, weights, strict=True)).backward()

    assert found.shape == mask.shape == (4, 7)
    assert mask.sum(1).tolist() == [len(c) for c in COMPLETIONS]
    for row, kept, alone in zip(found, mask, singly, strict=True):
        torch.testing.assert_close(row[kept], alone, rtol=1e-5, atol=1e-5)
    for name, gradient in gradients(policy).items():
        scale = gradient.abs().max()
        torch.testing.assert_close(shared[name], gradient, rtol=1e-5, atol=float(1e-5 * scale))
        assert scale > 0, name


def test_full_fine_tuning_has_the_naive_gradients_too(stock):
    """Embeddings, norms and head learn as well; the shared prefix changes nothing about it."""
    policy = load(stock, adaptation="full")
    processor = load_processor(stock, "qwen2_5_vl")
    image = picture(112, 112)

    found, mask = policy.log_probs(policy.encode(np.asarray(image)), PROMPT, COMPLETIONS)
    found[mask].sum().backward()
    shared = gradients(policy)
    for parameter in policy.trainable().values():
        parameter.grad = None
    sum(naive(policy, processor, image, c).sum() for c in COMPLETIONS).backward()

    assert any("embed_tokens" in name for name in shared)
    assert not any("visual" in name for name in shared)
    for name, gradient in gradients(policy).items():
        torch.testing.assert_close(
            shared[name], gradient, rtol=1e-5, atol=float(1e-5 * gradient.abs().max())
        )


def test_a_full_fine_tune_has_no_reference(stock):
    """Without an adapter there is nothing to switch off; the two ways out are named."""
    policy = load(stock, adaptation="full")

    with pytest.raises(ValueError, match="kl_weight to 0, or adaptation to lora"):
        policy.log_probs(
            policy.encode(np.zeros((112, 112, 3), np.uint8)), PROMPT, [[1]], reference=True
        )


def test_reference_is_the_untrained_model(stock):
    """With the adapter off the base answers, without gradient, and the adapter is on again afterwards."""
    untouched, policy = load(stock), shaken(load(stock))
    image = policy.encode(np.asarray(picture(112, 112)))

    base, _ = untouched.log_probs(image, PROMPT, COMPLETIONS)
    reference, _ = policy.log_probs(image, PROMPT, COMPLETIONS, reference=True)
    trained, _ = policy.log_probs(image, PROMPT, COMPLETIONS)

    torch.testing.assert_close(reference, base.detach(), rtol=0, atol=1e-6)
    assert not reference.requires_grad
    assert trained.requires_grad
    assert (trained - reference).abs().max() > 1e-3


def test_encoded_image_is_what_transformers_sees(stock):
    """Patches, windows and merger give the features of transformers' own processor and tower, at any grid."""
    policy = load(stock)
    processor = load_processor(stock, "qwen2_5_vl")
    image = picture(196, 140)

    seen = policy.encode(np.asarray(image))
    pixels = processor.image_processor(images=[image], return_tensors="pt")
    with torch.no_grad():
        expected = policy.model.model.visual(
            pixels["pixel_values"], grid_thw=pixels["image_grid_thw"]
        ).pooler_output

    assert (seen.rows, seen.columns) == (5, 7)
    torch.testing.assert_close(seen.features, expected, rtol=1e-5, atol=1e-5)


def test_an_image_of_half_tokens_is_refused(stock):
    """A side that is no multiple of 28 px is an error that names the size."""
    with pytest.raises(ValueError, match="150 x 112 px"):
        load(stock).encode(np.zeros((112, 150, 3), np.uint8))


@pytest.mark.parametrize("plan", [FAST, LEAN])
def test_greedy_completions_are_those_of_transformers(stock, plan):
    """Temperature 0 gives `generate`'s own tokens, with merged weights and without."""
    policy = shaken(load(stock, plan=plan))
    processor = load_processor(stock, "qwen2_5_vl")
    image = picture(140, 84)
    chat = processor.apply_chat_template(
        [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": PROMPT}]}],
        add_generation_prompt=True,
        tokenize=False,
    )
    inputs = processor(text=[chat], images=[image], return_tensors="pt")
    expected = policy.model.generate(**inputs, max_new_tokens=30, do_sample=False)

    said = policy.sample(
        policy.prefix(policy.encode(np.asarray(image)), PROMPT),
        2,
        max_new_tokens=30,
        temperature=0.0,
        generator=torch.Generator(),
    )

    assert said[0] == said[1] == expected[0, inputs["input_ids"].shape[1] :].tolist()


def test_sampling_follows_the_models_probabilities(stock):
    """First and second tokens of 3,000 completions are drawn as often as the model says, at a temperature of its own."""
    policy = shaken(load(stock), size=0.3)
    prefix = policy.prefix(policy.encode(np.asarray(picture(112, 112))), PROMPT)
    heat = 0.7

    said = policy.sample(
        prefix, 3000, max_new_tokens=1, temperature=heat, generator=torch.Generator().manual_seed(1)
    )

    logits = prefix.last_hidden @ policy.model.lm_head.weight.T
    expected = torch.softmax(logits / heat, 0).detach().numpy()
    counts = np.bincount([one[0] for one in said], minlength=len(expected))
    frequent = expected * 3000 >= 5
    pulls = (counts[frequent] - 3000 * expected[frequent]) / np.sqrt(3000 * expected[frequent])
    # chi-square: its mean is the number of classes, its standard deviation sqrt(2 n)
    assert (pulls**2).sum() < frequent.sum() + 4 * math.sqrt(2 * frequent.sum())
    assert frequent.sum() > 5


def test_log_probs_of_a_sample_are_those_it_was_drawn_with(stock):
    """Rollout and update agree: tokens decoded behind the cached prefix are the likeliest ones of the update's forward."""
    policy = shaken(load(stock))
    image = policy.encode(np.asarray(picture(112, 112)))
    (said,) = policy.sample(
        policy.prefix(image, PROMPT),
        1,
        max_new_tokens=12,
        temperature=0,
        generator=torch.Generator(),
    )
    for index, token in enumerate(said):
        tries = [[*said[:index], token], [*said[:index], (token + 1) % 250], [*said[:index], 77]]
        found, _ = policy.log_probs(image, PROMPT, tries)
        assert found[0, index] >= found[1:, index].max()


def test_samples_repeat_with_their_seed(stock):
    """The same generator state gives the same completions, another one others; a used generator moves on."""
    policy = load(stock)
    prefix = policy.prefix(policy.encode(np.asarray(picture(112, 112))), PROMPT)

    def say(generator):
        return policy.sample(prefix, 3, max_new_tokens=9, temperature=1.0, generator=generator)

    first = torch.Generator().manual_seed(4)
    one, two = say(first), say(first)

    assert one == say(torch.Generator().manual_seed(4))
    assert one != two
    assert len({tuple(row) for row in one}) == 3


def test_completions_end_at_their_end_token(stock):
    """A completion has its end token last and nothing behind it; others go on to the limit."""
    policy = load(stock)
    prefix = policy.prefix(policy.encode(np.asarray(picture(112, 112))), PROMPT)
    policy.end_ids = list(range(0, 256, 12))

    said = policy.sample(
        prefix, 16, max_new_tokens=20, temperature=1.0, generator=torch.Generator().manual_seed(2)
    )

    ended = [one for one in said if one[-1] in policy.end_ids]
    assert all(token not in policy.end_ids for one in said for token in one[:-1])
    assert all(len(one) == 20 for one in said if one not in ended)
    assert len({len(one) for one in said}) > 3


@pytest.mark.parametrize("options", [{"fused": True}, {"foreach": True}, {"foreach": False}])
def test_rollout_follows_every_optimizer(stock, options):
    """After an optimizer step the merged weights are the new ones. A fused optimizer leaves a tensor's version counter as it is."""
    policy = load(stock, plan=FAST)
    image = policy.encode(np.asarray(picture(112, 112)))

    def say():
        prefix = policy.prefix(image, PROMPT)
        return policy.sample(
            prefix, 1, max_new_tokens=12, temperature=0, generator=torch.Generator()
        )[0]

    before = say()
    optimizer = torch.optim.AdamW(policy.trainable().values(), lr=0.1, **options)
    for _ in range(3):
        found, _ = policy.log_probs(image, PROMPT, [[5, 6, 7, 8]])
        (-found.mean()).backward()
        optimizer.step()
        optimizer.zero_grad()
    after = say()

    assert after != before
    for index in range(len(after)):  # each token is the likeliest one of the update's own forward
        tries = [[*after[:index], token] for token in range(288)]
        found, _ = policy.log_probs(image, PROMPT, tries)
        assert int(found[:, index].argmax()) == after[index]


def test_rollout_follows_every_change_of_the_adapter(stock):
    """Merged weights are brought up to date when a parameter was changed in place, as loading a checkpoint does."""
    policy = load(stock, plan=FAST)
    image = policy.encode(np.asarray(picture(112, 112)))

    def say():
        return policy.sample(
            policy.prefix(image, PROMPT),
            1,
            max_new_tokens=16,
            temperature=0,
            generator=torch.Generator(),
        )

    before = say()
    shaken(policy, size=0.4)
    after = say()
    fresh = shaken(load(stock, plan=LEAN), size=0.4)
    expected = fresh.sample(
        fresh.prefix(image, PROMPT),
        1,
        max_new_tokens=16,
        temperature=0,
        generator=torch.Generator(),
    )

    assert after == expected != before


def test_adapter_is_saved_and_read_again(stock, tmp_path):
    """The trainable numbers in a safetensors file, copied into a fresh policy, give the same log-probabilities."""
    trained, fresh = shaken(load(stock)), load(stock, seed=7)
    save_file({n: p.detach() for n, p in trained.trainable().items()}, tmp_path / "a.safetensors")
    image = trained.encode(np.asarray(picture(112, 112)))

    with torch.no_grad():
        for name, values in load_file(tmp_path / "a.safetensors").items():
            fresh.trainable()[name].copy_(values)

    expected, _ = trained.log_probs(image, PROMPT, COMPLETIONS)
    found, _ = fresh.log_probs(image, PROMPT, COMPLETIONS)
    assert torch.equal(found, expected)


@pytest.mark.filterwarnings("ignore:.*is deprecated and will be removed:FutureWarning")  # peft 0.21
def test_peft_reads_our_adapter(stock):
    """Our names are peft's: its own LoRA with our file gives the same logits."""
    from peft import LoraConfig, get_peft_model, set_peft_model_state_dict

    policy = shaken(load(stock))
    plain = Qwen2_5_VLForConditionalGeneration.from_pretrained(stock, dtype=torch.float32).eval()
    settings = LoraConfig(
        r=4,
        lora_alpha=8,
        target_modules=r".*language_model.*\.(q_proj|k_proj|v_proj|o_proj|gate_proj|up_proj|down_proj)",
    )
    theirs = get_peft_model(plain, settings)
    result = set_peft_model_state_dict(
        theirs, {name: p.detach() for name, p in policy.trainable().items()}
    )
    ids = torch.tensor([[3, 1, 4, 1, 5, 9]])

    assert not result.unexpected_keys
    torch.testing.assert_close(
        policy.model(input_ids=ids).logits, theirs(input_ids=ids).logits, rtol=1e-5, atol=1e-5
    )


def test_adapter_leaves_the_base_alone():
    """A fresh adapter changes nothing, a trained one is off inside of its block, and merging gives the same outputs."""
    model = torch.nn.Sequential()
    model.add_module("layers", torch.nn.ModuleList([torch.nn.ModuleDict()]))
    model.layers[0]["mlp"] = torch.nn.ModuleDict({"up_proj": torch.nn.Linear(6, 5)})
    plain, inputs = model.layers[0]["mlp"]["up_proj"], torch.randn(3, 6)
    before = plain(inputs)

    adapters = add_lora(model, rank=2, alpha=4)
    (layer,) = adapters.values()

    torch.testing.assert_close(layer(inputs), before)
    torch.nn.init.normal_(layer.up)
    with adapters_off(adapters):
        torch.testing.assert_close(layer(inputs), before)
    assert (layer(inputs) - before).abs().max() > 0.01
    torch.testing.assert_close(
        torch.nn.functional.linear(inputs, layer.merged(), plain.bias), layer(inputs)
    )
    room = torch.empty_like(plain.weight)
    layer.merge_into(room)
    torch.testing.assert_close(room, layer.merged())
    assert [p.requires_grad for p in plain.parameters()] == [False, False]
    assert len(lora_parameters(adapters)) == 2


@pytest.mark.parametrize(
    ("options", "reason"), [({"rank": 0}, "at least 1"), ({"names": "x"}, "'x'")]
)
def test_adapters_that_cannot_be_are_refused(options, reason):
    """A rank below one, or a pattern that matches no layer, is an error that names it."""
    with pytest.raises(ValueError, match=reason):
        add_lora(torch.nn.Sequential(torch.nn.Linear(2, 2)), **{"rank": 2, "alpha": 4, **options})


THREE_B = Sizes(
    layers=36,
    hidden=2048,
    intermediate=11008,
    vocabulary=151_936,
    value_bytes=2,
    layer_parameters=2_774_000_000,
    trained_parameters=29_933_568,
    key_value_width=256,
    tokens=430 + 8 * 256,
)


@pytest.mark.parametrize(
    ("free_gib", "expected"),
    [
        (70, FAST),  # an H100 with the model loaded
        (14, CHECKPOINTED),  # a 24 GB card beside 7.5 GB of weights
        (8, LEAN),  # 16 GB
        (1, LEAN),  # the estimate may be wrong, and trying costs nothing
    ],
)
def test_memory_is_spent_as_far_as_it_reaches(free_gib, expected):
    """The fastest plan that fits the free memory is chosen."""
    assert choose_plan(free_gib * GIB, THREE_B) == expected


@pytest.mark.parametrize(("plan", "peak_gb"), [(FAST, 28.67), (CHECKPOINTED, 15.59), (LEAN, 9.26)])
def test_memory_is_estimated_as_measured(plan, peak_gb):
    """What one H100 needed for this group beside 7.51 GB of weights (docs/experiments.md) is in the estimate, with little to spare."""
    measured = (peak_gb - 7.51) * 1e9

    assert measured <= needed_bytes(plan, THREE_B) <= 1.5 * measured


def test_leaner_plans_need_less():
    """Each plan needs less than the one before, and lean training of a 3B model fits a 16 GB card."""
    needs = [needed_bytes(plan, THREE_B) for plan in (FAST, CHECKPOINTED, LEAN)]

    assert needs == sorted(needs, reverse=True)
    assert needs[2] + 7.5e9 < 16e9
    assert LEAN.is_lean
    assert not CHECKPOINTED.is_lean


def test_buffers_of_old_sizes_are_given_back(stock):
    """Prompts and lengths of many sizes keep few sets of buffers, and every size goes on answering the same."""
    policy = load(stock)
    image = policy.encode(np.asarray(picture(112, 112)))

    def say(tokens):
        prefix = policy.prefix(image, PROMPT)
        return policy.sample(
            prefix, 1, max_new_tokens=tokens, temperature=0, generator=torch.Generator()
        )[0]

    first = say(8)
    for tokens in (70, 130, 200, 260, 330):
        assert say(tokens)[:8] == first

    assert len(policy._rollout._rows) == 4
    assert say(8) == first


@pytest.mark.parametrize("plan", [FAST, LEAN])
def test_decoded_log_probs_are_the_trainers(stock, plan):
    """Each token's log-probability out of the decode loop is that of the update's forward, and the check that every run makes says so."""
    policy = shaken(load(stock, plan=plan))
    image = policy.encode(np.asarray(picture(112, 112)))
    said = policy.sample(
        policy.prefix(image, PROMPT),
        4,
        max_new_tokens=12,
        temperature=1.0,
        generator=torch.Generator().manual_seed(5),
    )
    trained, mask = policy.log_probs(image, PROMPT, said)
    decoded = policy.last_rollout.log_probs
    check = RolloutCheck()

    check.look(decoded, trained, mask)

    torch.testing.assert_close(decoded[mask], trained[mask], rtol=1e-4, atol=1e-4)
    assert check.mean < 1e-4
    assert check.verdict() == ""


def test_a_rollout_beside_the_trainer_is_told_once_and_another_model_stops_the_run():
    """More than rounding is a note, once for a run; what no rounding makes is an error that ends it."""
    check, mask = RolloutCheck(), torch.ones(2, 3, dtype=torch.bool)
    trained = torch.zeros(2, 3)

    check.look(None, trained, mask)  # a policy that keeps none
    assert check.verdict() == ""
    check.look(trained + 0.05, trained, mask)
    assert "0.050 on average (limit 0.02)" in check.verdict()
    assert check.verdict() == ""
    check.begin()
    check.look(trained - 3, trained, mask)
    with pytest.raises(RuntimeError, match="another model"):
        check.verdict()


@pytest.fixture(scope="module")
def deep(stock):
    """Two dozen narrow layers in bfloat16: enough for their sums to round differently in two programs."""
    policy = load(stock)
    config = policy.model.config
    config.text_config.num_hidden_layers = 24
    config.text_config.layer_types = None
    config.text_config.__post_init__()
    torch.manual_seed(0)
    model = Qwen2_5_VLForConditionalGeneration._from_config(config, attn_implementation="sdpa")
    made = QwenPolicy(model.bfloat16(), policy._tokenizer, policy.profile, rank=4, plan=FAST)
    made.end_ids = []
    return made


def test_rollout_and_trainer_agree_in_bfloat16(deep):
    """Sums of all layers are float32 in both, so two dozen layers of bfloat16 keep log-probabilities within a few thousandths."""
    image = deep.encode(np.asarray(picture(112, 112)))
    said = deep.sample(
        deep.prefix(image, PROMPT),
        4,
        max_new_tokens=24,
        temperature=1.0,
        generator=torch.Generator().manual_seed(5),
    )
    with torch.no_grad():
        trained, mask = deep.log_probs(image, PROMPT, said)

    apart = (deep.last_rollout.log_probs - trained).abs()[mask]

    assert trained.std() > 0.1
    assert 0 < apart.mean() < 0.0009  # 0.0013 where the sums are bfloat16


@pytest.mark.parametrize("learns", [False, True])
def test_log_probabilities_made_again_have_the_same_gradient(learns):
    """Logits that are never kept: values and gradients are those of logits that are, of the head's too where it learns."""
    source = torch.Generator().manual_seed(2)
    hidden = torch.randn(7, 16, generator=source, requires_grad=True)
    head = torch.randn(30, 16, generator=source, requires_grad=learns)
    ids = torch.randint(0, 30, (7,), generator=source)
    weights = torch.randn(7, generator=source)
    mine = TokenLogProbs.apply(hidden, head, ids)
    kept = (hidden @ head.T).log_softmax(1).gather(1, ids[:, None])[:, 0]
    wanted = [hidden, head] if learns else [hidden]

    torch.testing.assert_close(mine, kept)
    for one, other in zip(
        torch.autograd.grad((mine * weights).sum(), wanted),
        torch.autograd.grad((kept * weights).sum(), wanted),
        strict=True,
    ):
        torch.testing.assert_close(one, other)
