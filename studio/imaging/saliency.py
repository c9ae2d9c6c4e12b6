"""Saliency: what the eye goes to, by U²-Net (Qin et al., Pattern Recognition 106, 2020).

The small variant, u2netp, on ONNX Runtime. Its sigmoid output serves twice: as focal weights
for cropping (`saliency`) and as the cut-out of the subject (`matte`). A cut-out needs the 320 px
that the net was trained on. Where to crop shows in 192 px, too, for a third of the work: 0.14 s
of CPU time instead of 0.40 s (one thread). Of the subjects in the scenes of `benchmarks.crops`, 192
px keep 2308 of 2317 and 320 px 2305 (seeds 2026 to 2030, by which 192 was chosen over 160 and 176),
and 2298 and 2292 of 2322 with seeds 2031 to 2035, which had no say. No face is cut (2026-11-25).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from PIL import Image as Pillow

from studio.imaging.image import FloatArray, Image
from studio.imaging.weights import weight_file

#: The net's input, px a side, for a cut-out, and for focal weights, whose map is as large.
MATTE_SIDE = 320
SALIENCY_SIDE = 192

# A second, coarser look for cut-outs: a large or pale part that the net doubts from near is whole
# from further off (the rocket's foot, the cat's cheek). What either look is sure of is subject. On
# 40 scenes with known mattes (benchmarks.matting, seeds 2026 and 2027) the sum of errors falls by a
# tenth (16.9 to 15.2 thousand pixels), IoU rises from 0.945 to 0.958, for 1.6 times the work. Looks
# from nearer, at a crop around the subject, made both worse (2026-11-25).
_FURTHER_OFF = 256

# Per channel, as the net was trained (ImageNet statistics; U-2-Net, data_loader.py, ToTensorLab).
_MEAN = np.array([0.485, 0.456, 0.406], np.float32)
_DEVIATION = np.array([0.229, 0.224, 0.225], np.float32)

# Below this peak, by input, the net has seen nothing: blank and graded pictures and noise peak at
# most at 0.06 (320 px) and 0.02 (192 px). Drawn dots of 2 to 16 px in 400 × 300 peak at 0.10 and
# more (320 px) and at 0.07 and more (192 px), dark ones on white from 3 px on at 0.67 and more at
# either. Stretching the former to 0..1, as the reference code does, would make a subject out of
# rounding noise.
_NOTHING = {MATTE_SIDE: 0.25, _FURTHER_OFF: 0.25, SALIENCY_SIDE: 0.06}

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
    width, height = image.width, image.height
    shrink = min(1.0, SALIENCY_SIDE / max(width, height))
    size = max(1, round(width * shrink)), max(1, round(height * shrink))
    return _fitted(_square(image, SALIENCY_SIDE), image, size)


def matte(image: Image) -> FloatArray:
    """The subject cut out: (height, width) float32 of the image, 0 = background, 1 = subject.

    All 0 where nothing stands out. Raises as `saliency` does.
    """
    near = _square(image, MATTE_SIDE)
    if not near.any():
        return _fitted(near, image, image.pixels.size)
    far = cv2.resize(_square(image, _FURTHER_OFF), near.shape, interpolation=cv2.INTER_CUBIC)
    return _fitted(np.maximum(near, far), image, image.pixels.size)


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


def _square(image: Image, side: int) -> FloatArray:
    """The net's answer, (side, side) float32, stretched to 0..1; all 0 for nothing."""
    # Grey behind transparency: white or black would hide white or black subjects.
    flat = image.flattened((128, 128, 128))
    small = flat.resize((side, side), Pillow.Resampling.LANCZOS, reducing_gap=3.0)
    pixels = np.asarray(small, np.float32)
    pixels = (pixels / max(float(pixels.max()), 1.0) - _MEAN) / _DEVIATION
    session = _session()
    feed = {session.get_inputs()[0].name: pixels.transpose(2, 0, 1)[None]}
    fused = session.get_outputs()[0].name  # the first of seven maps fuses the other six
    seen: FloatArray = session.run([fused], feed)[0][0, 0]
    low, high = float(seen.min()), float(seen.max())
    if high < _NOTHING[side]:
        return np.zeros_like(seen)
    return (seen - low) / (high - low)


@lru_cache(maxsize=1)
def _session() -> Any:
    """The loaded net, for inputs of any size; ONNX Runtime lets threads share it."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    # One thread: a second one shortens the wait by a third and costs a third more CPU time, most
    # of it spent waiting in a loop (2026-11-25); services have several pictures at work instead.
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.use_deterministic_compute = True
    # 240 MB less resident, for a fifth more time (0.42 s instead of 0.34 s on two CPUs).
    options.enable_cpu_mem_arena = False
    options.log_severity_level = 3
    net = weight_file("u2netp").read_bytes().replace(_FIXED_SIDES, _ANY_SIDES)
    return onnxruntime.InferenceSession(net, options, providers=["CPUExecutionProvider"])
