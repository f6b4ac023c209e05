"""Model, auxiliary head and optimizers, and one optimisation step over a batch of packed rows."""

from __future__ import annotations

import torch
import torch.distributed as dist
from tokenizers import Tokenizer
from torch import Tensor

from geo_r1_backend.models.nano import Nano, image_positions
from geo_r1_backend.models.weights import float_state
from geo_r1_backend.pretraining.batches import IGNORED, MERGED_PX
from geo_r1_backend.pretraining.initial import initialise
from geo_r1_backend.pretraining.objective import DenseHead, dense_loss, token_loss
from geo_r1_backend.pretraining.optimizer import make_optimizers
from geo_r1_backend.pretraining.settings import PretrainSettings

PREFIX = "<|im_start|>user\n<|vision_start|>"


class Step:
    """Model, head, optimizers, and one optimisation step over a batch."""

    def __init__(
        self, settings: PretrainSettings, tokenizer: Tokenizer, device: torch.device
    ) -> None:
        self.device = device
        self.settings = settings
        numbers = [tokenizer.encode(f"[{n}").ids[-1] for n in range(1000)]
        self.model = Nano(settings.sizes)
        initialise(self.model, numbers)
        if settings.start_from is not None:
            stored = float_state(settings.start_from)
            self.model.load_state_dict(
                {n: torch.from_numpy(stored[n]) for n in self.model.state_dict()}
            )
        self.model.model.visual.requires_grad_(not settings.freeze_vision)
        self.model.to(device)
        self.head = DenseHead(self.model.config.hidden).to(device)
        self.parameters = [*self.model.parameters(), *self.head.parameters()]
        self.optimizers = make_optimizers(self.model, self.head, lr=settings.lr, muon=settings.muon)
        self.prefix = torch.tensor(tokenizer.encode(PREFIX).ids, device=device)
        self.suffix = torch.tensor([tokenizer.token_to_id("<|vision_end|>")], device=device)
        self.number_of = torch.full((self.model.config.vocabulary,), -1, device=device)
        self.token_of = torch.tensor(numbers, device=device)
        self.number_of[self.token_of] = torch.arange(1000, device=device)
        if settings.compile:
            # Layer by layer: one small compilation per shape instead of one of minutes for the whole model.
            for block in (*self.model.model.visual.blocks, *self.model.model.language_model.layers):
                block.compile(dynamic=False)
            torch._dynamo.config.cache_size_limit = 64

    def run(self, arrays: dict[str, Tensor], factor: float, world: int) -> dict[str, Tensor]:
        """One step at ``factor`` of the base learning rates.

        Returns figures as device tensors, so that nothing waits for the GPU.
        """
        data = {name: value.to(self.device, non_blocking=True) for name, value in arrays.items()}
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.device.type == "cuda"):
            hidden, visual = self.forward(data)
            targets = data["labels"] != IGNORED
            labels = data["labels"][targets]
            logits = self.model.logits(hidden[targets])
            outputs = self.head(visual)
        losses = token_loss(logits.float(), labels, self.number_of, self.token_of)
        columns = data["image"].shape[2] // MERGED_PX
        dense, right = dense_loss(
            outputs,
            data["slot_kind"],
            data["slot_box"],
            data["slot_colour"],
            data["background_kinds"],
            columns,
        )
        loss = losses.mean() + self.settings.dense_weight * dense
        loss.backward()
        self._exchange(world)
        torch.nn.utils.clip_grad_norm_(self.parameters, 1.0)
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = group["initial_lr"] * factor
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        return self._figures(logits, labels, losses, dense, right, data)

    def forward(self, data: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Hidden states of the questions ``(B, T, hidden)`` and visual tokens ``(B, N, hidden)``."""
        image, ids = data["image"], data["ids"]
        batch, text = ids.shape
        rows, columns = image.shape[1] // MERGED_PX, image.shape[2] // MERGED_PX
        visual = self.model.model.visual(image)
        embed = self.model.model.language_model.embed_tokens
        fixed = embed(torch.cat((self.prefix, self.suffix))).to(visual.dtype)
        before = fixed[: len(self.prefix)].expand(batch, -1, -1)
        after = fixed[len(self.prefix) :].expand(batch, -1, -1)
        embeds = torch.cat((before, visual, after, embed(ids).to(visual.dtype)), 1)
        pictured, behind = image_positions(len(self.prefix), rows, columns)
        shared = torch.cat(
            (torch.arange(len(self.prefix)).expand(3, -1), pictured, torch.full((3, 1), behind)), 1
        )
        shared = shared.to(self.device)[:, None].expand(-1, batch, -1)
        own = (data["offsets"] + behind + 1).expand(3, -1, -1)
        positions = torch.cat((shared, own), 2)
        segments = torch.cat(
            (data["segments"].new_zeros(batch, shared.shape[2]), data["segments"]), 1
        )
        mask = packed_mask(segments)
        hidden, _ = self.model.model.language_model(embeds, positions, mask.to(embeds.dtype))
        return hidden[:, -text:], visual

    def _exchange(self, world: int) -> None:
        if world == 1:
            return
        gradients = [p.grad for p in self.parameters if p.grad is not None]
        flat = torch._utils._flatten_dense_tensors(gradients)  # one all-reduce instead of 250
        dist.all_reduce(flat)
        flat /= world
        torch._foreach_copy_(
            gradients, list(torch._utils._unflatten_dense_tensors(flat, gradients))
        )

    def _figures(
        self,
        logits: Tensor,
        labels: Tensor,
        losses: Tensor,
        dense: Tensor,
        right: Tensor,
        data: dict[str, Tensor],
    ) -> dict[str, Tensor]:
        with torch.no_grad():
            number = self.number_of[labels]
            is_number = number >= 0
            off = (self.number_of[logits.argmax(-1)] - number).abs()[is_number].float()
            return {
                "words": losses[~is_number].mean(),
                "numbers": losses[is_number].mean(),
                "dense": dense.detach(),
                "kind_right": right,
                "within_2": (off <= 2).float().mean(),
                "within_8": (off <= 8).float().mean(),
                "asked": data["asked"].sum(),
                "left_out": data["left_out"].sum(),
                "pictures": torch.tensor(len(data["ids"])),
            }


def packed_mask(segments: Tensor) -> Tensor:
    """Additive attention mask ``(B, 1, S, S)`` of packed rows, see `batches`.

    Empty places (segment -1) see only themselves and segment 0, so that no row of the softmax is empty.
    """
    length = segments.shape[1]
    causal = torch.ones(length, length, dtype=torch.bool, device=segments.device).tril()
    same = (segments[:, None] == 0) | (segments[:, None] == segments[:, :, None])
    allowed = causal & same
    return torch.zeros(allowed.shape, device=segments.device).masked_fill(~allowed, -1e9)[:, None]
