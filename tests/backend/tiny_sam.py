"""Small random checkpoints of SAM's architectures, as transformers saves them; not a test itself."""

from __future__ import annotations

import logging
import os
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"

SIDE_PX = 64


def write_sam(folder: Path, kind: str) -> Path:
    """A folder of that ``model_type``."""
    import torch
    import transformers

    transformers.logging.set_verbosity(logging.ERROR)
    torch.manual_seed(3)
    make = {"sam": _sam, "sam2": _sam2, "sam2_video": _sam2_video}[kind]
    model = make().eval()
    # random weights of this size say nearly nothing: louder ones make masks with edges
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.ndim > 1 and "pos" not in name:
                parameter.mul_(3.0)
    model.save_pretrained(folder)
    return folder


def _sam():
    from transformers import (
        SamConfig,
        SamMaskDecoderConfig,
        SamModel,
        SamPromptEncoderConfig,
        SamVisionConfig,
    )

    vision = SamVisionConfig(
        hidden_size=32,
        output_channels=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        image_size=SIDE_PX,
        patch_size=8,
        window_size=4,
        global_attn_indexes=[1],
        mlp_dim=64,
        num_pos_feats=16,
        initializer_range=0.05,
    )
    prompts = SamPromptEncoderConfig(
        hidden_size=32, image_size=SIDE_PX, patch_size=8, mask_input_channels=4
    )
    decoder = SamMaskDecoderConfig(
        hidden_size=32, mlp_dim=64, num_attention_heads=2, iou_head_hidden_dim=32
    )
    return SamModel(
        SamConfig(vision_config=vision, prompt_encoder_config=prompts, mask_decoder_config=decoder)
    )


def _sam2_parts():
    from transformers import Sam2HieraDetConfig, Sam2VisionConfig

    backbone = Sam2HieraDetConfig(
        hidden_size=16,
        image_size=[SIDE_PX, SIDE_PX],
        blocks_per_stage=[1, 2, 2, 1],
        embed_dim_per_stage=[16, 32, 64, 128],
        num_attention_heads_per_stage=[1, 2, 4, 8],
        window_size_per_stage=[4, 4, 4, 2],
        global_attention_blocks=[4],
    )
    vision = Sam2VisionConfig(
        backbone_config=backbone,
        backbone_channel_list=[128, 64, 32, 16],
        backbone_feature_sizes=[[16, 16], [8, 8], [4, 4]],
        fpn_hidden_size=32,
    )
    prompts = {
        "hidden_size": 32,
        "image_size": SIDE_PX,
        "patch_size": 16,
        "mask_input_channels": 4,
    }
    decoder = {
        "hidden_size": 32,
        "mlp_dim": 64,
        "num_attention_heads": 2,
        "iou_head_hidden_dim": 32,
    }
    return {
        "vision_config": vision,
        "prompt_encoder_config": prompts,
        "mask_decoder_config": decoder,
    }


def _sam2():
    from transformers import Sam2Config, Sam2Model

    return Sam2Model(Sam2Config(**_sam2_parts()))


def _sam2_video():
    from transformers import Sam2VideoConfig, Sam2VideoModel

    config = Sam2VideoConfig(
        **_sam2_parts(),
        image_size=SIDE_PX,
        memory_attention_hidden_size=32,
        memory_attention_num_layers=1,
        memory_attention_num_attention_heads=1,
        memory_attention_feed_forward_hidden_size=32,
        memory_encoder_hidden_size=32,
        memory_encoder_output_channels=16,
        mask_downsampler_embed_dim=32,
        memory_fuser_embed_dim=32,
        memory_fuser_intermediate_dim=32,
    )
    return Sam2VideoModel(config)
