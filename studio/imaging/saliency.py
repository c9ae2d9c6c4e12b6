"""Saliency: what the eye goes to, by U²-Net (Qin et al., Pattern Recognition 106, 2020).

The small variant, u2netp, on ONNX Runtime. What it sees serves as the cut-out of the subject
(`matte`) and, smaller, as a measure of what draws the eye (`saliency`, and `glance` for crops).

A cut-out needs the 320 px that the net was trained on. Where things are shows in 192 px, too, for a
third of the work. Where to crop shows before the net is done: it makes six maps, from coarse to
fine, and the last stage, which makes the finest, is more than half of its work. The third map is a
quarter of the input's sides and is there after a third of the work, so that 224 px can be had for
0.06 s of CPU time, where the whole net needs 0.14 s for 192 px.

Chosen by the scenes of `benchmarks.crops` (2026-11-26): subjects kept, of 2317 with seeds 2026 to
2030, by which it was chosen, and of 2322 with seeds 2031 to 2035, which had no say. No face is cut.

    whole net, 192 px               2308, 2298    0.14 s
    second map, 192 px              2307, 2316    0.06 s; 160 px: 2298, 176 px: 2295
    second map, 224 px              2315, 2315    0.08 s
    third map, 192 px               2307, 2320    0.04 s, but less of the focal weight
    third map, 208 px               2302          0.05 s; 240 px: 2315, 256 px: 2307
    third map, 224 px               2316, 2320    0.06 s
    mean of maps 3 to 6, 224 px     2316, 2320    0.06 s
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from PIL import Image as Pillow

from studio.imaging.image import FloatArray, Image
from studio.imaging.loading import loaded_once
from studio.imaging.nets import cut, session
from studio.imaging.weights import weight_file

#: The net's input, px a side, for a cut-out, and for focal weights, whose map is as large.
MATTE_SIDE = 320
SALIENCY_SIDE = 192

#: The same for a glance, and the places a side that it tells of.
GLANCE_SIDE = 224
_GLANCE_PLACES = 96

# In the pinned file: what the net takes, and the logits of its third map (its layer side3).
_ENTRY, _QUARTER = "input.1", "1877"

# A second, coarser look for cut-outs: a large or pale part that the net doubts from near is whole
# from further off (the rocket's foot, the cat's cheek). It is coarser, so it adds whole parts only:
# elsewhere the first look's edge stays. On 160 scenes with known mattes (benchmarks.matting, seeds
# 2026 to 2033; the first 60 had a say) the sum of errors falls from 17.9 to 15.5 thousand pixels,
# the error at edges from 0.115 to 0.101, and IoU rises from 0.935 to 0.956, for 1.6 times the work;
# no scene gets worse. The greater of both looks everywhere softened the edges of most scenes. Looks
# from nearer, at a crop around the subject, made both worse (2026-11-26).
_FURTHER_OFF = 256
_PART = (0.2, 5)  # what is more certain by so much, and so wide (px of 320), is a part

# Per channel, as the net was trained (ImageNet statistics; U-2-Net, data_loader.py, ToTensorLab).
_MEAN = np.array([0.485, 0.456, 0.406], np.float32)
_DEVIATION = np.array([0.229, 0.224, 0.225], np.float32)

# Below this peak, by input, the net has seen nothing: blank and graded pictures and noise peak at
# most at 0.06 (320 px) and 0.02 (192 px). Drawn dots of 2 to 16 px in 400 × 300 peak at 0.10 and
# more (320 px) and at 0.07 and more (192 px), dark ones on white from 3 px on at 0.67 and more at
# either. For a glance it is 0.05, and dots of less than 12 px may have less: where it sees nothing,
# the whole net looks. Stretching the former to 0..1, as the reference code does, would make a
# subject out of rounding noise.
_NOTHING = {MATTE_SIDE: 0.25, _FURTHER_OFF: 0.25, SALIENCY_SIDE: 0.06, GLANCE_SIDE: 0.06}

# The input's two sides as the file has them, and as a symbol that fits any number, of the same
# length (onnx.proto, TensorShapeProto.Dimension: field 1 is dim_value, here 320; 2 is dim_param).
# Nothing else in the pinned file depends on 320, and at 320 the answers stay the same to the bit.
_FIXED_SIDES = bytes.fromhex("0a0308c002") * 2
_ANY_SIDES = bytes.fromhex("0a03120173") * 2


def saliency(image: Image) -> FloatArray:
    """How much each place draws the eye.

    Returns (h, w) float32, 0..1, in the image's ratio with the longer side at most 192; its
    maximum is about 1, or all is 0 where nothing stands out. Transparent places have none.
    Raises Unavailable or Broken if the weights are not in order.
    """
    square = _square(image, SALIENCY_SIDE, _fused)
    return _fitted(square, image, _within(image, SALIENCY_SIDE))


def glance(image: Image) -> FloatArray:
    """What `saliency` tells, for half its work or less: enough to know where to crop.

    Returns (h, w) float32, 0..1, in the image's ratio with the longer side at most 96; else as
    `saliency`.
    """
    square = _square(image, GLANCE_SIDE, _quarter, gap=2.0)
    if not square.any():  # something small may be there all the same
        square = _square(image, SALIENCY_SIDE, _fused)
    return _fitted(square, image, _within(image, _GLANCE_PLACES))


def matte(image: Image) -> FloatArray:
    """The subject cut out: (height, width) float32 of the image, 0 = background, 1 = subject.

    All 0 where nothing stands out. Raises as `saliency` does.
    """
    near = _square(image, MATTE_SIDE, _fused)
    if not near.any():
        return _fitted(near, image, image.pixels.size)
    far = _square(image, _FURTHER_OFF, _fused)
    enlarged = cv2.resize(far, near.shape, interpolation=cv2.INTER_CUBIC)
    whole = with_parts(near, np.asarray(enlarged, np.float32))
    return _fitted(whole, image, image.pixels.size)


def with_parts(near: FloatArray, far: FloatArray) -> FloatArray:
    """A look with the parts that only another saw, both (side, side); its edges stay."""
    more, wide = _PART
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (wide, wide))
    parts = cv2.morphologyEx((far - near > more).astype(np.uint8), cv2.MORPH_OPEN, disc)
    return np.where(cv2.dilate(parts, disc) > 0, np.maximum(near, far), near)


def _within(image: Image, side: int) -> tuple[int, int]:
    """Width and height of the image's ratio, the longer at most `side`."""
    shrink = min(1.0, side / max(image.width, image.height))
    return max(1, round(image.width * shrink)), max(1, round(image.height * shrink))


def _fitted(square: FloatArray, image: Image, size: tuple[int, int]) -> FloatArray:
    """The net's square map at (width, height), times the image's own alpha."""
    shrinking = max(size) < len(square)
    how = cv2.INTER_AREA if shrinking else cv2.INTER_CUBIC
    fitted = np.asarray(cv2.resize(square, size, interpolation=how), np.float32)
    np.clip(fitted, 0, 1, out=fitted)
    if image.has_alpha:
        alpha = image.pixels.getchannel("A")
        if alpha.size != size:
            alpha = alpha.resize(size, Pillow.Resampling.BOX)
        fitted *= np.asarray(alpha, np.float32) / np.float32(255)
    return fitted


def _square(
    image: Image, side: int, answer: Callable[[FloatArray], FloatArray], gap: float = 3.0
) -> FloatArray:
    """The net's answer to (side, side) px, float32, stretched to 0..1; all 0 for nothing.

    gap: `reducing_gap` of Pillow: less is rougher and sooner done.
    """
    # Grey behind transparency: white or black would hide white or black subjects.
    flat = image.flattened((128, 128, 128))
    small = flat.resize((side, side), Pillow.Resampling.LANCZOS, reducing_gap=gap)
    pixels = np.asarray(small, np.float32)
    pixels = (pixels / max(float(pixels.max()), 1.0) - _MEAN) / _DEVIATION
    seen = answer(pixels.transpose(2, 0, 1)[None])
    low, high = float(seen.min()), float(seen.max())
    if high < _NOTHING[side]:
        return np.zeros_like(seen)
    return (seen - low) / (high - low)


def _fused(pixels: FloatArray) -> FloatArray:
    """The first of the net's seven maps, which fuses the other six: as large as its input."""
    net = _net()
    answers = net.run([net.get_outputs()[0].name], {_ENTRY: pixels})
    return np.asarray(answers[0][0, 0])


def _quarter(pixels: FloatArray) -> FloatArray:
    """The third of the six, before it is enlarged to be fused: a quarter of its input's sides."""
    logits: FloatArray = _quarter_net().run(None, {_ENTRY: pixels})[0][0, 0]
    return np.asarray(1 / (1 + np.exp(-logits)), np.float32)


@loaded_once
def _net() -> Any:
    """The whole net. To keep its memory would save a tenth of the time and cost 240 MB."""
    return session(_any_size())


@loaded_once
def _quarter_net() -> Any:
    """What leads to the third map: all but the last stages, which are most of the work."""
    return session(cut(_any_size(), _QUARTER), keeps_memory=True)


def _any_size() -> bytes:
    return weight_file("u2netp").read_bytes().replace(_FIXED_SIDES, _ANY_SIDES)
