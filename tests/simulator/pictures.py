"""Pictures: cheap, deterministic, and of exactly the asked size.

Edits are visible: what a mask marks is repainted, so that a test can see whether an adapter
sent the mask the right way round.
"""

from __future__ import annotations

import hashlib
import io
import math

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, UnidentifiedImageError

Size = tuple[int, int]

READ_FORMATS = ("PNG", "JPEG", "WEBP")
#: The warning, too: pytest may make it an error.
_UNREADABLE = (
    UnidentifiedImageError,
    OSError,
    SyntaxError,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
)
#: Sides of generated pictures are multiples of this.
GRID = 64


class NotAPicture(Exception):
    """The bytes cannot be decoded as PNG, JPEG or WebP."""


def painted(seed: str, size: Size) -> Image.Image:
    """A picture in RGB: two gradients in colours of the seed."""
    width, height = size
    digest = hashlib.sha256(seed.encode()).digest()
    near, far = (np.frombuffer(digest, np.uint8, 3, at).astype(np.float32) for at in (0, 3))
    across = np.linspace(0, 1, width, dtype=np.float32)[None, :, None]
    down = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
    pixels = near * (1 - across) + far * across
    return Image.fromarray((pixels * (0.5 + down / 2)).astype(np.uint8), "RGB")


def decoded(data: bytes) -> Image.Image:
    """Really decoded, as RGB, RGBA or L. `format` says what it was. Raises NotAPicture."""
    try:
        image = Image.open(io.BytesIO(data), formats=READ_FORMATS)
        image.load()
    except _UNREADABLE as why:
        raise NotAPicture(str(why)) from why
    kept = image if image.mode in ("RGB", "RGBA", "L") else image.convert("RGBA")
    kept.format = image.format
    return kept


def encoded(image: Image.Image, output_format: str, quality: int = 90) -> bytes:
    """In png, jpeg (transparency over white) or webp."""
    out = io.BytesIO()
    if output_format == "png":
        image.save(out, "PNG", compress_level=1)
    elif output_format == "webp":
        image.save(out, "WEBP", quality=quality, method=0)
    else:
        opaque(image).save(out, "JPEG", quality=quality)
    return out.getvalue()


def opaque(image: Image.Image) -> Image.Image:
    """RGB, over white."""
    if image.mode != "RGBA":
        return image.convert("RGB")
    under = Image.new("RGB", image.size, "white")
    under.paste(image, mask=image.getchannel("A"))
    return under


def by_recraft(image: Image.Image) -> Image.Image:
    """Opaque, four times each side but no longer than 4096 px (as users report; no page tells)."""
    scale = max(1.0, min(4.0, 4096 / max(image.size)))
    return opaque(image).resize((round(image.width * scale), round(image.height * scale)))


def cut_out(image: Image.Image) -> Image.Image:
    """RGBA: an ellipse in the middle stays, the rest is transparent."""
    width, height = image.size
    matte = Image.new("L", image.size, 0)
    box = (width // 8, height // 8, width - width // 8, height - height // 8)
    ImageDraw.Draw(matte).ellipse(box, fill=255)
    cut = opaque(image).convert("RGBA")
    cut.putalpha(matte)
    return cut


def repainted(image: Image.Image, mask: Image.Image, seed: str) -> Image.Image:
    """RGB: new where the mask (L, 255 = change; resized to the picture) says so."""
    new = opaque(image)
    fits = mask if mask.size == image.size else mask.resize(image.size)
    new.paste(painted(seed, image.size), mask=fits)
    return new


def middle_repainted(image: Image.Image, seed: str) -> Image.Image:
    """RGB: what a search finds is in the middle half."""
    width, height = image.size
    mask = Image.new("L", image.size, 0)
    mask.paste(255, (width // 4, height // 4, width - width // 4, height - height // 4))
    return repainted(image, mask, seed)


def transparency(image: Image.Image) -> Image.Image:
    """L: 255 where the picture is transparent; all 0 if it has no alpha channel."""
    if image.mode != "RGBA":
        return Image.new("L", image.size, 0)
    return image.getchannel("A").point(lambda alpha: 255 - alpha)


def grown(image: Image.Image, sides: tuple[int, int, int, int], seed: str) -> Image.Image:
    """RGB: with so many new pixels on the left, right, top and bottom."""
    left, right, up, down = sides
    canvas = painted(seed, (image.width + left + right, image.height + up + down))
    canvas.paste(opaque(image), (left, up))
    return canvas


def blurred(image: Image.Image) -> Image.Image:
    """So that nothing can be told any more."""
    small = image.resize((max(1, image.width // 16), max(1, image.height // 16)))
    return small.filter(ImageFilter.BoxBlur(2)).resize(image.size)


def misshapen(image: Image.Image) -> Image.Image:
    """Of another size than was asked for."""
    return image.resize((max(1, image.width * 3 // 4), max(1, image.height // 2)))


def scaled_to(size: Size, pixels: int) -> Size:
    """The same aspect with at most so many pixels, and hardly fewer."""
    factor = math.sqrt(pixels / (size[0] * size[1]))
    return max(1, math.floor(size[0] * factor)), max(1, math.floor(size[1] * factor))


def no_larger(size: Size, pixels: int) -> Size:
    """As it is, unless it has more pixels than that."""
    return size if size[0] * size[1] <= pixels else scaled_to(size, pixels)


def on_grid(size: Size, pixels: int) -> Size:
    """The same aspect at about so many pixels, sides multiples of GRID."""
    width, height = scaled_to(size, pixels)
    return max(GRID, round(width / GRID) * GRID), max(GRID, round(height / GRID) * GRID)


def nearest_aspect(size: Size, aspects: dict[str, Size]) -> str:
    """The name of the aspect that a picture has most nearly."""
    ratio = math.log(size[0] / size[1])
    return min(aspects, key=lambda one: abs(math.log(aspects[one][0] / aspects[one][1]) - ratio))
