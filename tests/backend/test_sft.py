"""`training/sft.py`: supervised steps on the embedded model."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from geo_r1_backend.training.dataset import Dataset
from geo_r1_backend.training.policies.nano import NanoPolicy
from geo_r1_backend.training.sft import sft_step
from geo_r1_backend.training.targets import target_text
from tests.pure.training_data import embedded, write_dataset

THINKS = SimpleNamespace(think=True)


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Two processes with two threads each would wait for one another on a small machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def policy():
    """The embedded model with adapters."""
    return NanoPolicy.load(embedded().folder, adaptation="lora")


@pytest.fixture(scope="module")
def samples(tmp_path_factory):
    """Two chips with a kind of object that the model has no name for."""
    folder = write_dataset(
        tmp_path_factory.mktemp("sft"), {"train": 2}, query="the gazebo", label="gazebo"
    )
    return Dataset(folder, embedded_profile(), think=True).part("train")


def embedded_profile():
    """How the embedded model sees a chip."""
    from geo_r1_backend.engines.profiles import read_profile

    return read_profile(embedded().folder)


def gradients(policy):
    """All gradients in one vector."""
    return torch.cat([p.grad.flatten() for p in policy.trainable().values()])


def test_the_loss_falls(policy, samples):
    """Ten steps on one chip more than halve the loss."""
    one = samples[:1]
    images = [policy.encode(sample.image) for sample in one]
    optimizer = torch.optim.AdamW(list(policy.trainable().values()), lr=3e-3)
    losses = []
    for _ in range(10):
        optimizer.zero_grad()
        losses.append(sft_step(policy, one, images, THINKS).loss)
        optimizer.step()
    assert losses[-1] < 0.5 * losses[0]


def test_the_loss_is_the_mean_over_all_tokens(policy, samples):
    """Loss and gradient of a batch are those of all its target tokens together, whatever the lengths of the samples."""
    images = [policy.encode(sample.image) for sample in samples]
    step = sft_step(policy, samples, images, THINKS)
    found = gradients(policy)
    policy.model.zero_grad()
    losses, lengths = [], []
    for sample, image in zip(samples, images, strict=True):
        target = policy.tokens(target_text(sample.sample, sample.view))
        log_probs, mask = policy.log_probs(image, sample.prompt, [target])
        losses.append(-(log_probs * mask).sum())
        lengths.append(len(target))
    loss = sum(losses) / sum(lengths)
    loss.backward()
    assert step.loss == pytest.approx(float(loss.detach()), rel=1e-5)
    assert step.tokens == sum(lengths) / 2
    torch.testing.assert_close(found, gradients(policy), rtol=1e-4, atol=1e-6)


def test_an_empty_batch_is_refused(policy):
    """No samples is an error of the caller, not a loss of nothing."""
    with pytest.raises(ValueError, match="at least one sample"):
        sft_step(policy, [], [], THINKS)
