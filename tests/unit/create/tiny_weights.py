"""A Stable Diffusion pipeline of random weights, made from its configuration: it draws noise, by
the very code that draws pictures with real weights."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def saved(folder: Path, *, blackens: bool = False) -> Path:
    """Write it as `save_pretrained` does. blackens: with a safety checker that passes nothing."""
    import torch
    from diffusers import (
        AutoencoderKL,
        DDIMScheduler,
        StableDiffusionPipeline,
        UNet2DConditionModel,
    )
    from transformers import CLIPTextConfig, CLIPTextModel

    torch.manual_seed(0)
    unet = UNet2DConditionModel(
        sample_size=8,
        layers_per_block=1,
        block_out_channels=(32, 64),
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=32,
        norm_num_groups=8,
    )
    vae = AutoencoderKL(
        block_out_channels=(8, 8, 8, 8),  # four blocks: sides are divided by 8
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        latent_channels=4,
        norm_num_groups=4,
    )
    text = CLIPTextConfig(
        vocab_size=514,
        hidden_size=32,
        intermediate_size=37,
        num_hidden_layers=2,
        num_attention_heads=4,
        bos_token_id=512,
        eos_token_id=513,
        pad_token_id=513,
    )
    checker, extractor = _checker() if blackens else (None, None)
    pipe = StableDiffusionPipeline(
        vae=vae,
        text_encoder=CLIPTextModel(text),
        tokenizer=_tokenizer(folder / "words"),
        unet=unet,
        scheduler=DDIMScheduler(),
        safety_checker=checker,
        feature_extractor=extractor,
        requires_safety_checker=blackens,
    )
    pipe.save_pretrained(folder / "weights")
    return folder / "weights"


def _tokenizer(folder: Path) -> Any:
    """Bytes as words: 256 of them, and again as the ends of words."""
    from transformers import CLIPTokenizer

    signs = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [256 + place for place in range(256 - len(signs))]
    letters = [chr(one) for one in (*signs, *others)]
    words = [*letters, *(one + "</w>" for one in letters), "<|startoftext|>", "<|endoftext|>"]
    folder.mkdir(parents=True)
    vocabulary = {word: number for number, word in enumerate(words)}
    (folder / "vocab.json").write_text(json.dumps(vocabulary))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    return CLIPTokenizer(
        str(folder / "vocab.json"), str(folder / "merges.txt"), model_max_length=77
    )


def _checker() -> tuple[Any, Any]:
    import torch
    from diffusers.pipelines.stable_diffusion import StableDiffusionSafetyChecker
    from transformers import CLIPConfig, CLIPImageProcessor

    sizes = {
        "hidden_size": 32, "intermediate_size": 37, "num_hidden_layers": 1,
        "num_attention_heads": 4, "projection_dim": 32,
    }  # fmt: skip
    vision = {**sizes, "image_size": 30, "patch_size": 15}
    checker = StableDiffusionSafetyChecker(
        CLIPConfig(vision_config=vision, text_config=sizes, projection_dim=32)
    )
    with torch.no_grad():  # every likeness is above a threshold of -2
        checker.concept_embeds_weights.fill_(-2.0)
        checker.special_care_embeds_weights.fill_(-2.0)
    size = {"height": 30, "width": 30}
    return checker, CLIPImageProcessor(size={"shortest_edge": 30}, crop_size=size)
