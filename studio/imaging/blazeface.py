"""BlazeFace: one look of MediaPipe's short-range face detector at a view of 128 pixels and more.

Bazarevsky et al., CVPR workshop 2019; numbers from MediaPipe's face_detection_short_range.pbtxt.
The net was trained on 128 × 128 px, but it only convolves: a larger view is the same as many
overlapping ones of 128 px, for a fraction of the work, and faces are found in it at the size that
they had in those. `faces` decides where to look and what to believe.

The file is TensorFlow's. It is written anew for ONNX Runtime when it is loaded, with channels that
fill vectors, which takes 0.45 of the CPU time of OpenCV's (18 ms instead of 41 ms for 512 × 512 px)
and gives the same answers to 0.001 px (2026-11-26).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from studio.imaging.image import FloatArray
from studio.imaging.loading import loaded_once
from studio.imaging.nets import Net, session
from studio.imaging.weights import weight_file

SIDE = 128  # the net's input as it was trained, px
STRIDE = 16  # of the coarser grid, px: sides of a view are multiples of it

_SAME = 0.3  # min_suppression_threshold: intersection over union of two boxes of one face
_CLIP = 80.0  # of the logits; MediaPipe has 100, which overflows float32

# The two grids: px a cell, and anchors in each; the coarser one is three layers of two.
_GRIDS = ((STRIDE // 2, 2), (STRIDE, 6))
_HALVING = (2, 5, 11)  # the blocks that halve their sides; the last begins the coarser grid
_VECTOR = 16  # channels: 512 bits of float32; 256 and 128 bits divide it

_Weights = tuple[FloatArray, FloatArray]  # filters (out, in, h, w) and biases (out,)


def look(pixels: npt.NDArray[np.uint8], min_score: float) -> list[tuple[FloatArray, float]]:
    """The faces in one view, best first, overlapping boxes merged.

    pixels: (h, w, 3) RGB, h and w multiples of 16, from 128 on; 70 CPU ns a pixel.
    Returns boxes (x0, y0, x1, y1) in units of the view, brows to chin, which may reach outside,
    each with its score ≥ min_score. Raises Unavailable or Broken if the weights are not in order.
    """
    blob = cv2.dnn.blobFromImage(pixels, 1 / 127.5, mean=(127.5, 127.5, 127.5))
    grids = _net().run(None, {"view": blob})
    found = [_likely(grid[0], *kind, min_score) for grid, kind in zip(grids, _GRIDS, strict=True)]
    boxes, scores = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return _merged(boxes, scores)


def _likely(
    grid: FloatArray, stride: int, each: int, min_score: float
) -> tuple[FloatArray, FloatArray]:
    """The boxes, (n, 4) in units of the view, and scores, (n,), of one of the net's two grids.

    grid: (5 * each, rows, columns), `each` anchors a cell: their logits, then the middle and the
    size of their boxes, in px, from the middle of the cell.
    """
    rows, columns = grid.shape[1:]
    logits = grid[:each].reshape(each, -1).T.ravel()
    likely = np.flatnonzero(logits >= math.log(min_score / (1 - min_score)))
    scores = 1 / (1 + np.exp(-logits[likely].clip(max=_CLIP)))
    cell, anchor = np.divmod(likely, each)
    raw = grid[each:].reshape(each, 4, -1)[anchor, :, cell]
    y, x = np.divmod(cell, columns)
    cells = np.array((columns, rows), np.float32)
    centres = (np.stack([x, y], axis=1) + np.float32(0.5)) / cells + raw[:, :2] / (cells * stride)
    halves = raw[:, 2:] / (cells * (2 * stride))
    boxes = np.hstack([centres - halves, centres + halves])
    return boxes.astype(np.float32), scores


def _merged(boxes: FloatArray, scores: FloatArray) -> list[tuple[FloatArray, float]]:
    """Weighted non-maximum suppression: the boxes of one face become their mean by score."""
    merged = []
    order = np.argsort(-scores, kind="stable")
    boxes, scores = boxes[order], scores[order]
    while len(boxes):
        same = _overlaps(boxes[0], boxes) > _SAME
        same[0] = True  # even a box without area is gone after its turn
        mean = scores[same] @ boxes[same] / scores[same].sum()
        merged.append((mean, float(scores[0])))
        boxes, scores = boxes[~same], scores[~same]
    return merged


def _overlaps(box: FloatArray, others: FloatArray) -> FloatArray:
    """Intersection over union of one box with each of (n, 4) others."""
    sides = (np.minimum(box[2:], others[:, 2:]) - np.maximum(box[:2], others[:, :2])).clip(0)
    shared = sides[:, 0] * sides[:, 1]
    areas = (others[:, 2] - others[:, 0]) * (others[:, 3] - others[:, 1])
    area = (box[2] - box[0]) * (box[3] - box[1]) + areas
    return np.asarray(shared / np.maximum(area - shared, 1e-9), np.float32)


@loaded_once
def _net() -> Any:
    """The loaded net.

    OpenCV reads the file. Its convolutions are, in this order: the first one, a depthwise and a
    pointwise one for each of sixteen blocks, and the heads: the scores of the finer and of the
    coarser grid, then the boxes of either.
    """
    # OpenCV 5's new engine keeps no layers that can be asked for their weights.
    file = cv2.dnn.readNetFromTFLite(
        str(weight_file("blazeface-short-range")), cv2.dnn.ENGINE_CLASSIC
    )
    layers = (file.getLayer(number + 1) for number in range(len(file.getLayerNames())))
    weights = [
        (np.asarray(one.blobs[0], np.float32), np.asarray(one.blobs[1], np.float32))
        for one in layers
        if one.type == "Convolution"
    ]
    return session(_written(weights[0], weights[1:-4], weights[-4:]), keeps_memory=True)


def _written(first: _Weights, blocks: Sequence[_Weights], heads: Sequence[_Weights]) -> bytes:
    """The net as an ONNX model: from a view, -1..1, to a map for either grid."""
    net = Net({"view": (1, 3, "height", "width")})
    seen = net.node("Relu", "first", _convolved(net, "first_", "view", first, stride=2))
    grids, step = [], 2  # px of the view from one place to the next
    for index, (deep, wide) in enumerate(zip(blocks[::2], blocks[1::2], strict=True)):
        stride = 2 if index in _HALVING else 1
        if index == _HALVING[-1]:
            grids.append(seen)
        step *= stride
        seen = _block(net, index, seen, (deep, wide), stride, step)
    grids.append(seen)
    outputs = []
    for index, (seen, (_, each)) in enumerate(zip(grids, _GRIDS, strict=True)):
        (score, score_bias), (box, box_bias) = heads[index], heads[index + 2]
        # Of the sixteen numbers of a box the last twelve are the eyes, the nose and so on.
        edges = [anchor * 16 + edge for anchor in range(each) for edge in range(4)]
        head = np.concatenate([score, box[edges]]), np.concatenate([score_bias, box_bias[edges]])
        outputs.append(_convolved(net, f"grid{index}", seen, head, is_last=True))
    return net.model(*outputs)


def _block(
    net: Net, index: int, seen: str, weights: tuple[_Weights, _Weights], stride: int, step: int
) -> str:
    """BlazeBlock (figure 1 of the paper): two convolutions beside a way around them."""
    deep, wide = weights
    name = f"block{index}_"
    through = _convolved(net, name + "deep", seen, deep, stride=stride, is_deep=True)
    through = _convolved(net, name + "wide", through, wide)
    if stride > 1:
        seen = net.node("MaxPool", name + "half", seen, kernel_shape=(2, 2), strides=(2, 2))
    more = _padded(len(wide[1])) - _padded(len(deep[1]))
    if more:
        none = np.zeros((more, 3, 1, 1), np.float32), np.zeros(more, np.float32)
        zeros = _convolved(net, name + "zeros", "view", none, stride=step)
        seen = net.node("Concat", name + "more", seen, zeros, axis=1)
    return net.node("Relu", name + "out", net.node("Add", name + "sum", through, seen))


def _convolved(
    net: Net,
    name: str,
    seen: str,
    weights: _Weights,
    *,
    stride: int = 1,
    is_deep: bool = False,
    is_last: bool = False,
) -> str:
    """A convolution, as wide as its file says at the ends of the net, and else as `_padded` says.

    is_deep: each channel by itself.
    """
    filters, bias = weights
    wide, deep, side, _ = filters.shape
    sides = wide if is_last else _padded(wide), deep if deep <= 3 else _padded(deep)
    kernel = np.zeros((*sides, side, side), np.float32)
    kernel[:wide, :deep] = filters
    biases = np.zeros(sides[0], np.float32)
    biases[:wide] = bias
    # As TensorFlow pads (SAME): what cannot be shared evenly is more below and to the right.
    before = (side - stride) // 2 if side > 1 else 0
    after = max(0, side - stride - before)
    return net.node(
        "Conv",
        name,
        seen,
        net.constant(name + ".filters", kernel),
        net.constant(name + ".bias", biases),
        kernel_shape=(side, side),
        strides=(stride, stride),
        pads=(before, before, after, after),
        group=sides[0] if is_deep else 1,
    )


def _padded(channels: int) -> int:
    """As many that they fill vectors: ONNX Runtime's fast layout takes no other number."""
    return -(-channels // _VECTOR) * _VECTOR
