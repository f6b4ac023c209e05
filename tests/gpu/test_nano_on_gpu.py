"""The embedded model on a GPU: it rolls out, learns and answers there in float32 as it does on the CPU."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from geo_r1_backend.models.registry import embedded_folder
from geo_r1_backend.training.policies.nano import NanoPolicy
from geo_r1_backend.training.rollout_check import RolloutCheck

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
]
PROMPT = "Find all buildings."


def picture():
    image = np.full((448, 448, 3), 120, np.uint8)
    image[80:160, 60:180] = (200, 60, 50)
    image[260:330, 300:390] = (230, 230, 235)
    return image


@pytest.fixture(scope="module")
def policies():
    return [NanoPolicy.load(embedded_folder(), device=device) for device in ("cuda", "cpu")]


def test_rollout_is_held_against_the_trainer(policies):
    """Log-probabilities decoded on the GPU are those of the update there, and gradients of the CPU's size come out of them."""
    norms = []
    said = None
    for policy in policies:
        image = policy.encode(picture())
        if said is None:
            said = policy.sample(
                policy.prefix(image, PROMPT),
                8,
                max_new_tokens=48,
                temperature=1.0,
                generator=torch.Generator().manual_seed(1),
            )
            decoded = policy.last_rollout.log_probs
            check = RolloutCheck()
            check.look(
                decoded,
                policy.log_probs(image, PROMPT, said)[0],
                policy.log_probs(image, PROMPT, said)[1],
            )
            assert check.mean < 1e-3
        found, mask = policy.log_probs(image, PROMPT, said)
        found[mask].mean().backward()
        norms.append(
            torch.stack(
                [p.grad.norm().cpu() for p in policy.trainable().values() if p.grad is not None]
            )
        )

    torch.testing.assert_close(norms[0], norms[1], rtol=1e-2, atol=1e-4)


def test_answers_are_the_cpus(policies):
    """Likeliest answers, asked together, are those of the CPU."""
    answers = [
        policy.answers(
            [policy.encode(picture())] * 2, [PROMPT, "Find all ships."], max_new_tokens=100
        )
        for policy in policies
    ]

    assert answers[0] == answers[1]


def test_numbers_to_publish_come_back_to_the_cpu(policies):
    """What a run publishes is float32 in main memory, wherever it was trained."""
    on_gpu, on_cpu = (policy.merged_state() for policy in policies)

    assert on_gpu.keys() == on_cpu.keys()
    assert all(np.array_equal(on_gpu[name], on_cpu[name]) for name in on_cpu)
