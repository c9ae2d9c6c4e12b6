"""Files: a picture as one that a provider takes, in a format that is small enough."""

from __future__ import annotations

from studio.imaging.encode import encode
from studio.imaging.image import Image
from studio.problems import Refused
from studio.providers.limits import product_limits

#: Formats that a picture is sent in, the first that fits: PNG loses nothing.
_OPAQUE: tuple[tuple[str, int | None], ...] = (
    ("image/png", None),
    ("image/jpeg", 95),
    ("image/jpeg", 85),
)
_CLEAR: tuple[tuple[str, int | None], ...] = (
    ("image/png", None),
    ("image/webp", 95),
    ("image/webp", 85),
)
_FORM = 65_536  # bytes of a body that are no picture: a prompt, two texts, and the form itself


def as_file(image: Image, provider: str, product: str, beside: int = 0) -> bytes:
    """The picture as PNG, or as JPEG (WebP if it is transparent) if that would be too large, and
    the provider takes it.

    beside: bytes of other files in the same body. CPU work.
    Refused (`<provider>.<product>.max_bytes`) if nothing fits.
    """
    known = product_limits(provider, product)
    room = (known.image.max_bytes or 2**62) - beside - _FORM
    for media_type, quality in _CLEAR if image.has_alpha else _OPAQUE:
        if known.image.formats and media_type not in known.image.formats:
            continue
        data = encode(image, media_type, quality, subsampling="4:4:4")
        if len(data) <= room:
            return data
    raise Refused(
        rule=f"{provider}.{product}.max_bytes",
        says=f"{provider} takes at most {known.image.max_bytes or 0:,} bytes for {product}; this "
        f"picture is larger in every format that it takes ({known.source}).",
        fix="Scale it down before this step, or use another provider.",
        remedy={"operation": "edit.resize", "params": {"max_pixels": image.facts.pixels // 2}},
    )
