"""`training/policies/nano.py`: what the routine trains is the model that answers, with the gradients of the naive sum."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from PIL import Image

from geo_r1_backend.engines.prompts import prompt_for
from geo_r1_backend.models.generate import answer_batch, load_float_model
from geo_r1_backend.models.nano import image_positions
from geo_r1_backend.models.weights import stock_name, stock_names
from geo_r1_backend.training.policies.nano import NanoPolicy
from tests.pure.training_data import chip_png, embedded

PROMPT = prompt_for("rec", "the storage tank", think=True)
ANSWER = '<think>Find storage tanks: {0}. Only one.</think><answer>{{"bbox_2d":{0},"label":"storage tank"}}</answer>'


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Two processes with two threads each would wait for one another on a small machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def picture():
    """A chip of the model's size."""
    return np.asarray(Image.open(io.BytesIO(chip_png([100, 100, 200, 180], seed=1))))


def policy_of(**options):
    """The embedded model as a policy; adapters of a LoRA do something."""
    policy = NanoPolicy.load(embedded().folder, **options)
    if options.get("adaptation") == "lora":
        generator = torch.Generator().manual_seed(3)
        with torch.no_grad():
            for name, parameter in policy.trainable().items():
                if name.endswith("lora_B.weight"):
                    parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.02)
    return policy


def completions_of(policy):
    """Answers of different lengths."""
    texts = [ANSWER.format("[10,20,110,140]"), ANSWER.format("[100,100,200,180]")]
    return [policy.tokens(text) for text in (*texts, "<think>None.</think><answer>None</answer>")]


def naive_log_probs(policy, picture, completion):
    """Log-probabilities of one completion, the whole sequence run through the plain model's own forward."""
    tokens, text = policy._tokens, policy.model.model.language_model
    before, behind = tokens.image_prefix_ids(), tokens.prompt_ids(PROMPT)
    visual = policy.model.model.visual(torch.from_numpy(picture.copy())[None])
    said = torch.tensor([*before, *behind, *completion])
    embeds = text.embed_tokens(said)
    embeds = torch.cat((embeds[: len(before)], visual[0], embeds[len(before) :]))[None]
    rows, columns = picture.shape[0] // 28, picture.shape[1] // 28
    pictured, after = image_positions(len(before), rows, columns)
    own = torch.arange(len(said) - len(before)) + after
    positions = torch.cat(
        (torch.arange(len(before)).expand(3, -1), pictured, own.expand(3, -1)), 1
    )[:, None]
    length = embeds.shape[1]
    mask = torch.ones(length, length, dtype=torch.bool).tril()[None, None]
    hidden, _ = text(embeds, positions, mask)
    logits = policy.model.logits(hidden[0, -len(completion) - 1 : -1]).log_softmax(-1)
    return logits.gather(1, torch.tensor(completion)[:, None])[:, 0]


ways = pytest.mark.parametrize("adaptation", ["full", "lora", "full_vision"])


def with_base(adaptation):
    """A policy that keeps its base for the KL term."""
    return NanoPolicy.load(embedded().folder, adaptation=adaptation, keep_base=adaptation != "lora")


@ways
def test_a_group_costs_its_prefix_once_and_has_the_naive_gradient(picture, adaptation):
    """Values and gradients of a group behind one shared prefix are those of each completion run alone (1e-5)."""
    policy = policy_of(adaptation=adaptation)
    completions = completions_of(policy)
    weights = [
        torch.linspace(0.5, -1.0, len(one)) / len(one) for one in completions
    ]  # any loss: another weight for each token

    found, mask = policy.log_probs(policy.encode(picture), PROMPT, completions)
    sum((found[row, : len(w)] * w).sum() for row, w in enumerate(weights)).backward()
    ours = {name: p.grad.clone() for name, p in policy.trainable().items()}
    for parameter in policy.trainable().values():
        parameter.grad = None
    naive = [naive_log_probs(policy, picture, one) for one in completions]
    sum((one * w).sum() for one, w in zip(naive, weights, strict=True)).backward()

    assert mask.sum(1).tolist() == [len(one) for one in completions]
    for row, one in enumerate(naive):
        assert torch.allclose(found[row, : len(one)], one, atol=1e-5 * one.abs().max().item())
    largest = max(p.grad.abs().max() for p in policy.trainable().values())
    for name, parameter in policy.trainable().items():
        assert (ours[name] - parameter.grad).abs().max() <= 1e-5 * largest, name


@ways
def test_the_untrained_policy_answers_as_the_model_does(picture, adaptation):
    """Before any step, likeliest tokens are those of the model that ships, and the reference is the policy itself."""
    policy = with_base(adaptation)
    image = policy.encode(picture)
    (said,) = policy.sample(
        policy.prefix(image, PROMPT),
        1,
        max_new_tokens=128,
        temperature=0,
        generator=torch.Generator(),
    )
    folder = embedded().folder
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    (expected,) = answer_batch(load_float_model(folder), tokenizer, [picture], [PROMPT])
    new, _ = policy.log_probs(image, PROMPT, [said])
    reference, _ = policy.log_probs(image, PROMPT, [said], reference=True)

    assert policy.decode(said) == expected
    assert torch.allclose(new.detach(), reference, atol=1e-6)
    assert not reference.requires_grad


@ways
def test_the_reference_stays_while_the_policy_moves(picture, adaptation):
    """After a step the policy's log-probabilities differ, the reference's do not; the merged weights are the policy."""
    policy = with_base(adaptation)
    image, completions = policy.encode(picture), completions_of(policy)
    with torch.no_grad():
        before, mask = policy.log_probs(image, PROMPT, completions)
    policy.log_probs(image, PROMPT, completions)[0][mask].sum().backward()
    for _ in range(2):  # the first step of LoRA moves one of its matrices only
        torch.optim.SGD(policy.trainable().values(), lr=1e-4).step()
    with torch.no_grad():
        after, _ = policy.log_probs(image, PROMPT, completions)
        reference, _ = policy.log_probs(image, PROMPT, completions, reference=True)
        merged = load_float_model(embedded().folder)
        merged.load_state_dict(
            {n: torch.from_numpy(policy.merged_state()[n]) for n in merged.state_dict()}
        )
        plain = NanoPolicy(merged, policy.config, policy._tokens, policy.profile)
        alone, _ = plain.log_probs(plain.encode(picture), PROMPT, completions)

    assert (after - before)[mask].abs().max() > 1e-3
    assert torch.allclose(reference[mask], before[mask], atol=1e-6)
    assert torch.allclose(alone[mask], after[mask], atol=1e-4)
    assert {stock_name(n) for n in policy.merged_state()} == set(stock_names(policy.config))


def test_samples_follow_the_seed(picture):
    """The same generator gives the same completions, the next call others; each ends with the end token or at the limit."""
    policy = policy_of(adaptation="lora")
    prefix = policy.prefix(policy.encode(picture), PROMPT)

    def drawn(generator):
        return policy.sample(prefix, 4, max_new_tokens=24, temperature=5.0, generator=generator)

    first, again = torch.Generator().manual_seed(5), torch.Generator().manual_seed(5)
    said = drawn(first)

    assert said == drawn(again)
    assert said != drawn(first)
    end = policy.tokens("")[-1]
    assert all(len(one) == 24 or one[-1] == end for one in said)
    assert all(end not in one[:-1] for one in said)


def test_a_full_fine_tune_without_its_base_has_no_reference(picture):
    """Asking for the reference where none was kept is refused."""
    policy = policy_of()
    with pytest.raises(ValueError, match="keep_base"):
        policy.log_probs(policy.encode(picture), PROMPT, [[1]], reference=True)


@ways
def test_questions_asked_together_are_answered_as_alone(picture, adaptation):
    """Different pictures, shapes and lengths of prompts in one call: the answers that each has by itself."""
    policy = policy_of(adaptation=adaptation)
    pictures = [picture, picture[::-1].copy(), picture[:224], picture[:, ::-1].copy()]
    prompts = [PROMPT, PROMPT, PROMPT, PROMPT.replace("the", "the the the")]
    images = [policy.encode(one) for one in pictures]
    alone = [
        policy.sample(
            policy.prefix(image, prompt),
            1,
            max_new_tokens=96,
            temperature=0,
            generator=torch.Generator(),
        )[0]
        for image, prompt in zip(images, prompts, strict=True)
    ]

    assert policy.answers(images, prompts, max_new_tokens=96) == [policy.decode(a) for a in alone]
