"""Patches: 7 × 7 px of a picture as vectors, and their leading principal components."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from studio.imaging.image import FloatArray

Ints = npt.NDArray[np.int32]

RADIUS = 3  # px: patches of 7 × 7, as in Newson et al.

_COMPONENTS = 16
_SAMPLES = 4096
_ROWS = 32  # of a picture, projected at a time


def windows(image: FloatArray) -> FloatArray:
    """A view (h, w, c, 7, 7) of the patch around every pixel, mirrored beyond the edge."""
    edge = ((RADIUS, RADIUS), (RADIUS, RADIUS), (0, 0))
    side = 2 * RADIUS + 1
    return np.lib.stride_tricks.sliding_window_view(
        np.pad(image, edge, mode="symmetric"), (side, side), axis=(0, 1)
    )


def patches_at(seen: FloatArray, centres: Ints) -> FloatArray:
    """The patches of `windows` around (n, 2) centres (row, column): (n, 49 c) float32."""
    return seen[centres[:, 0], centres[:, 1]].reshape(len(centres), -1)


@dataclass(frozen=True, slots=True)
class Basis:
    """An orthonormal basis in which distances are nearly those of whole patches."""

    mean: FloatArray  # (147,)
    axes: FloatArray  # (147, 16)

    def project(self, seen: FloatArray, centres: Ints) -> FloatArray:
        """(n, 16) of the patches around centres; `seen` are the picture's windows."""
        parts = [
            (patches_at(seen, centres[start : start + 16_384]) - self.mean) @ self.axes
            for start in range(0, len(centres), 16_384)
        ]
        return np.concatenate(parts)

    def project_all(self, seen: FloatArray) -> FloatArray:
        """(h, w, 16) of every pixel's patch."""
        height, width = seen.shape[:2]
        known = np.empty((height, width, self.axes.shape[1]), np.float32)
        columns = np.arange(width, dtype=np.int32)
        for top in range(0, height, _ROWS):
            rows = np.arange(top, min(height, top + _ROWS), dtype=np.int32)
            grid = np.stack(np.meshgrid(rows, columns, indexing="ij"), -1).reshape(-1, 2)
            known[rows] = self.project(seen, grid).reshape(len(rows), width, -1)
        return known


def basis_of(seen: FloatArray, centres: Ints) -> Basis:
    """The basis of the patches around centres, by a sample of them."""
    sample = patches_at(seen, centres[:: max(1, len(centres) // _SAMPLES)])
    mean = sample.mean(axis=0)
    _, axes = np.linalg.eigh((sample - mean).T @ (sample - mean))
    return Basis(mean, np.ascontiguousarray(axes[:, -_COMPONENTS:]))
