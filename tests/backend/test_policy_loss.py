"""The loss per token, its clipping and its normalisations; `test_trl_oracle.py` holds it against TRL."""

from __future__ import annotations

import pytest
import torch

from geo_r1_backend.training.loss import policy_loss

METHODS = ["grpo", "dapo", "dr_grpo"]


def batch(groups=3, size=4, length=7, seed=0):
    """Groups of different lengths, as micro-batches: logits, old, reference, mask, advantages."""
    made = torch.Generator().manual_seed(seed)
    parts = []
    for index in range(groups):
        long = length - index
        new = -torch.rand(size, long, generator=made) * 3
        old = new + 0.4 * torch.randn(size, long, generator=made)
        ref = new + 0.3 * torch.randn(size, long, generator=made)
        lengths = torch.randint(1, long + 1, (size,), generator=made)
        mask = torch.arange(long)[None] < lengths[:, None]
        advantages = torch.randn(size, generator=made)
        parts.append((new.requires_grad_(), old, ref, mask, advantages))
    return parts


def loss_of(part, method, tokens, sequences, kl_weight=0.1):
    new, old, ref, mask, advantages = part
    return policy_loss(
        new,
        old,
        ref,
        mask,
        advantages,
        method=method,
        clip_low=0.2,
        clip_high=0.28,
        kl_weight=kl_weight,
        max_tokens=16,
        tokens_in_batch=tokens,
        sequences_in_batch=sequences,
    )


def padded(parts):
    """The groups as one batch."""
    longest = max(part[0].shape[1] for part in parts)

    def wide(tensor, value):
        return torch.nn.functional.pad(tensor, (0, longest - tensor.shape[1]), value=value)

    return (
        torch.cat([wide(p[0].detach(), float("-inf")) for p in parts]).requires_grad_(),
        torch.cat([wide(p[1], -9.0) for p in parts]),
        torch.cat([wide(p[2], float("-inf")) for p in parts]),
        torch.cat([wide(p[3], False) for p in parts]),
        torch.cat([p[4] for p in parts]),
    )


@pytest.mark.parametrize("method", METHODS)
def test_micro_batches_sum_to_the_whole_batch(method):
    """Loss, KL, clipped share and gradient of the groups, one by one, sum to those of one batch of all groups."""
    parts = batch()
    tokens = sum(int(part[3].sum()) for part in parts)
    sequences = sum(len(part[4]) for part in parts)
    whole_batch = padded(parts)

    shares = [loss_of(part, method, tokens, sequences) for part in parts]
    whole = loss_of(whole_batch, method, tokens, sequences)
    for share in shares:
        share.loss.backward()
    whole.loss.backward()

    for name in ("loss", "kl", "clipped"):
        summed = sum(getattr(share, name) for share in shares)
        torch.testing.assert_close(summed, getattr(whole, name), rtol=1e-6, atol=1e-7)
    row = 0
    for part in parts:
        gradient, wide = part[0].grad, whole_batch[0].grad[row : row + len(part[4])]
        torch.testing.assert_close(gradient, wide[:, : gradient.shape[1]], rtol=1e-6, atol=1e-8)
        row += len(part[4])


@pytest.mark.parametrize("method", METHODS)
def test_padding_weighs_nothing(method):
    """Whatever stands behind the end of a completion, infinities included, has neither loss nor gradient."""
    new, old, ref, mask, advantages = padded(batch())
    loss_of((new, old, ref, mask, advantages), method, 50, 12).loss.backward()

    assert torch.isfinite(new.grad).all()
    assert (new.grad[~mask] == 0).all()


@pytest.mark.parametrize("method", METHODS)
def test_on_policy_gradient_is_that_of_reinforce(method):
    """At the first update the ratio is 1, so the gradient of each token is -advantage times its weight."""
    new, _, _, mask, advantages = batch(groups=1)[0]
    tokens, sequences = int(mask.sum()), len(advantages)
    part = (new, new.detach().clone(), None, mask, advantages)

    loss_of(part, method, tokens, sequences, kl_weight=0.0).loss.backward()

    weight = {
        "grpo": mask / mask.sum(1, keepdim=True) / sequences,
        "dapo": mask / tokens,
        "dr_grpo": mask / (sequences * 16),
    }[method]
    torch.testing.assert_close(new.grad, -advantages[:, None] * weight)


@pytest.mark.parametrize(
    ("step", "advantage", "moves"),
    [
        (0.24, 1.0, True),  # up to 1.28 a good token may still be raised
        (0.26, 1.0, False),  # beyond: no gradient
        (-0.5, 1.0, True),  # a good token that fell is raised from anywhere
        (-0.21, -1.0, True),  # exp(-0.21) = 0.81
        (-0.24, -1.0, False),  # exp(-0.24) = 0.79
        (0.5, -1.0, True),
    ],
)
def test_clip_is_asymmetric(step, advantage, moves):
    """The ratio is held in [0.8, 1.28] on the side that the advantage pushes to, and the token is counted as clipped."""
    new = torch.tensor([[-1.0 + step]], requires_grad=True)
    part = (new, torch.tensor([[-1.0]]), None, torch.tensor([[True]]), torch.tensor([advantage]))

    found = loss_of(part, "dapo", 1, 1, kl_weight=0.0)
    found.loss.backward()

    assert bool(new.grad.abs().sum() > 0) is moves
    assert bool(found.clipped == 1) is not moves


def test_kl_is_zero_at_the_reference_and_positive_elsewhere():
    """k3 is never negative and vanishes where policy and base agree."""
    new, old, ref, mask, advantages = batch(groups=1)[0]
    same = loss_of((new, old, new.detach(), mask, advantages), "dapo", int(mask.sum()), 4)
    other = loss_of((new, old, ref, mask, advantages), "dapo", int(mask.sum()), 4)

    watched = loss_of((new, old, ref, mask, advantages), "dapo", int(mask.sum()), 4, kl_weight=0.0)
    without = loss_of((new, old, None, mask, advantages), "dapo", int(mask.sum()), 4, kl_weight=0.0)

    assert same.kl == 0
    assert watched.kl == other.kl  # a KL may be watched without being in the loss
    assert watched.loss == without.loss
    assert without.kl == 0
    assert other.kl > 0


def test_unbiased_kl_has_the_gradient_of_the_reverse_kl():
    """Averaged over samples of a small policy, the gradient of the corrected term is that of the exact KL(policy, base)."""
    torch.manual_seed(0)
    logits = torch.randn(5, dtype=torch.float64, requires_grad=True)
    base = torch.log_softmax(torch.randn(5, dtype=torch.float64), 0)
    policy = torch.log_softmax(logits, 0)
    (exact,) = torch.autograd.grad((policy.exp() * (policy - base)).sum(), logits)

    # every token once, weighted by its probability, stands for endless sampling
    new = torch.log_softmax(logits, 0)[:, None]
    total = 0.0
    for token, share in enumerate(policy.exp().detach()):
        row = new[token : token + 1]
        nothing = torch.zeros(1, dtype=torch.float64)
        part = (row, row.detach(), base[token].view(1, 1), torch.ones(1, 1), nothing)
        total = total + share * loss_of(part, "dapo", 1, 1, kl_weight=1.0).loss
    (found,) = torch.autograd.grad(total, logits)

    torch.testing.assert_close(found, exact)


def test_a_kl_weight_needs_a_reference():
    """A KL term without the base's log-probabilities is refused by name, not skipped."""
    new, old, _, mask, advantages = batch(groups=1)[0]

    with pytest.raises(ValueError, match="ref_logp"):
        loss_of((new, old, None, mask, advantages), "grpo", 10, 4)
