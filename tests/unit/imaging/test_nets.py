"""Nets are cut and written as ONNX Runtime reads them, and answer as their files do."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from PIL import Image as Pillow

from studio.imaging.blazeface import look
from studio.imaging.image import FloatArray, Image
from studio.imaging.nets import Net, cut, session
from studio.imaging.weights import weight_file


def chain() -> bytes:
    """x → double → square → last, and a branch that nobody asks for."""
    net = Net({"x": (1, 2, "side")})
    double = net.node("Add", "double", "x", "x")
    square = net.node("Mul", "square", double, double)
    net.node("Neg", "branch", double)
    weights = np.array([[[10], [100]]], np.float32)
    return net.model(net.node("Mul", "last", square, net.constant("weights", weights)))


def answers(model: bytes, x: FloatArray) -> dict[str, FloatArray]:
    loaded = session(model)
    names = [one.name for one in loaded.get_outputs()]
    return dict(zip(names, loaded.run(names, {"x": x}), strict=True))


@pytest.mark.parametrize("side", [1, 3, 300])
def test_a_net_that_was_written_computes_what_was_written(side: int) -> None:
    x = np.full((1, 2, side), 3, np.float32)
    [(name, last)] = answers(chain(), x).items()
    assert name == "last"
    assert last.tolist() == [[[360] * side, [3600] * side]]


def test_a_net_can_be_cut_at_a_value_within_it() -> None:
    x = np.full((1, 2, 1), 3, np.float32)
    [(name, square)] = answers(cut(chain(), "square"), x).items()
    assert name == "square"
    assert square.tolist() == [[[36], [36]]]
    assert b"branch" not in cut(chain(), "square")


def test_a_net_without_the_value_is_refused() -> None:
    with pytest.raises(ValueError, match="'nowhere'"):
        cut(chain(), "nowhere")


def test_what_is_no_model_is_refused() -> None:
    with pytest.raises(ValueError, match="no ONNX model"):
        cut(b"\x0f\x00", "last")


@pytest.mark.parametrize("size", [(128, 128), (512, 512), (144, 336)])
def test_blazeface_sees_what_its_file_sees_when_opencv_runs_it(
    size: tuple[int, int], photo: Callable[[str], Image]
) -> None:
    """The likeliest place, by the file's own scores and boxes."""
    view = np.asarray(photo("astronaut").pixels.resize(size, Pillow.Resampling.BILINEAR))
    file = str(weight_file("blazeface-short-range"))
    net = cv2.dnn.readNetFromTFLite(file, cv2.dnn.ENGINE_CLASSIC)
    net.setInput(cv2.dnn.blobFromImage(view, 1 / 127.5, mean=(127.5, 127.5, 127.5)))
    [logits] = net.forward(["classificators"])
    score = 1 / (1 + np.exp(-float(logits.max())))
    seen = look(view, 0.3)
    assert seen[0][1] == pytest.approx(score, abs=1e-5)
    assert seen[0][1] > 0.7
