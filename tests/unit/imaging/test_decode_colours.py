"""Decoding colours: whatever profile or ink a file is in, the result is sRGB."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from PIL import Image as Pillow
from PIL import ImageCms

from studio.imaging.decode import decode


def difference(one: Pillow.Image, other: Pillow.Image) -> int:
    """The largest difference of any channel value."""
    a, b = (np.asarray(image, np.int16) for image in (one, other))
    assert a.shape == b.shape
    return int(np.abs(a - b).max())


def pixel(image: Pillow.Image, x: int, y: int) -> tuple[int, ...]:
    """The channel values at a place."""
    value = image.getpixel((x, y))
    assert isinstance(value, tuple)
    return value


def wide_gamut_icc() -> bytes:
    """A well-formed RGB profile that is not sRGB: sRGB with red and green colourants exchanged."""
    icc = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    red, green = icc.index(b"rXYZ"), icc.index(b"gXYZ")
    icc[red : red + 4], icc[green : green + 4] = icc[green : green + 4], icc[red : red + 4]
    return bytes(icc)


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "TIFF", "AVIF"])
def test_an_embedded_profile_is_converted_to_srgb(form: str, saved: Callable[..., bytes]) -> None:
    red = Pillow.new("RGB", (16, 16), (250, 10, 10))
    image = decode(saved(red, form, icc_profile=wide_gamut_icc()))
    r, g, b = pixel(image.pixels, 8, 8)
    assert g > 235
    assert r < 30
    assert b < 30
    assert "sRGB" in image.notes[0]


def test_alpha_survives_the_conversion_of_colours(
    see_through: Pillow.Image, saved: Callable[..., bytes]
) -> None:
    image = decode(saved(see_through, "PNG", icc_profile=wide_gamut_icc()))
    assert difference(image.pixels.getchannel("A"), see_through.getchannel("A")) == 0
    assert difference(image.pixels.convert("RGB"), see_through.convert("RGB")) > 100


def test_an_srgb_profile_changes_no_pixel(
    picture: Pillow.Image, saved: Callable[..., bytes]
) -> None:
    icc = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    image = decode(saved(picture, "PNG", icc_profile=icc))
    assert difference(image.pixels, picture) == 0
    assert image.notes == ()


@pytest.mark.parametrize(
    "icc",
    [
        b"not a profile",
        bytes(128),
        ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes(),
    ],
    ids=["text", "zeros", "other kind"],
)
def test_a_broken_profile_is_noted_and_the_pixels_taken_as_srgb(
    icc: bytes, picture: Pillow.Image, saved: Callable[..., bytes]
) -> None:
    image = decode(saved(picture, "PNG", icc_profile=icc))
    assert difference(image.pixels, picture) == 0
    assert "ignored" in image.notes[0]


@pytest.mark.parametrize("form", ["JPEG", "TIFF"])
def test_cmyk_without_a_profile_looks_as_meant_and_is_noted(
    form: str, saved: Callable[..., bytes]
) -> None:
    """Pillow writes CMYK JPEGs inverted with an Adobe marker, as Photoshop does."""
    inks = Pillow.new("CMYK", (32, 16), (0, 0, 0, 0))
    inks.paste((0, 255, 255, 0), (16, 0, 32, 16))
    data = saved(inks, form, **({"quality": 95} if form == "JPEG" else {}))
    assert form != "JPEG" or b"Adobe" in data
    image = decode(data)
    assert min(pixel(image.pixels, 4, 8)) > 245  # no ink: paper
    red, green, blue = pixel(image.pixels, 28, 8)
    assert red > 225
    assert max(green, blue) < 60
    assert "CMYK" in image.notes[0]


def test_cmyk_with_an_rgb_profile_is_read_and_noted(saved: Callable[..., bytes]) -> None:
    inks = Pillow.new("CMYK", (16, 16), (0, 0, 0, 0))
    image = decode(saved(inks, "JPEG", icc_profile=wide_gamut_icc()))
    assert min(pixel(image.pixels, 8, 8)) > 245
    assert "ignored" in image.notes[0]


def cmyk_icc() -> bytes:
    """A minimal CMYK output profile (ICC v2, lut8 both ways on a 2⁴ grid): ink darkens to black."""

    def lut(inputs: int, outputs: int, grid: Sequence[tuple[int, ...]]) -> bytes:
        identity = b"".join(struct.pack(">i", v) for v in (65536, 0, 0, 0, 65536, 0, 0, 0, 65536))
        ramp = bytes(range(256))
        cells = b"".join(bytes(cell) for cell in grid)
        head = struct.pack(">4s4xBBBx", b"mft1", inputs, outputs, 2)
        return head + identity + ramp * inputs + cells + ramp * outputs

    lab = [
        (int(255 * (1 - c * 0.3) * (1 - m * 0.4) * (1 - y * 0.1) * (1 - k)), 128, 128)
        for c in (0, 1)
        for m in (0, 1)
        for y in (0, 1)
        for k in (0, 1)
    ]
    inks = [(0, 0, 0, 255 if low else 0) for low in (1, 0) for _ in range(4)]
    text = b"test CMYK\0"
    tags = {
        b"desc": struct.pack(">4s4xI", b"desc", len(text)) + text + bytes(78),
        b"wtpt": struct.pack(">4s4x3i", b"XYZ ", 63190, 65536, 54061),
        b"A2B0": lut(4, 3, lab),
        b"B2A0": lut(3, 4, inks),
    }
    table, body, at = b"", b"", 132 + 12 * len(tags)
    for name, data in tags.items():
        padded = data + bytes(-len(data) % 4)
        table += struct.pack(">4sII", name, at + len(body), len(data))
        body += padded
    size = at + len(body)
    header = struct.pack(
        ">I4sI4s4s4s12s4s4sIII8sI3i4s44x",
        size, b"lcms", 0x02400000, b"prtr", b"CMYK", b"Lab ", bytes(12), b"acsp",
        b"\0\0\0\0", 0, 0, 0, bytes(8), 0, 63190, 65536, 54061, b"test",
    )  # fmt: skip
    return header + struct.pack(">I", len(tags)) + table + body


def test_cmyk_goes_through_its_embedded_profile(saved: Callable[..., bytes]) -> None:
    inks = Pillow.new("CMYK", (32, 16), (0, 0, 0, 0))
    inks.paste((255, 0, 0, 0), (16, 0, 32, 16))
    image = decode(saved(inks, "TIFF", icc_profile=cmyk_icc()))
    assert "test CMYK" in image.notes[0]
    assert min(pixel(image.pixels, 4, 8)) > 245
    cyan = pixel(image.pixels, 28, 8)  # this profile's cyan is a light grey, the formula's is not
    assert max(cyan) - min(cyan) < 12
    assert 120 < cyan[0] < 220


def test_a_grey_profile_is_honoured(saved: Callable[..., bytes]) -> None:
    grey = Pillow.new("L", (8, 8), 100)
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    image = decode(saved(grey, "PNG", icc_profile=srgb))
    assert pixel(image.pixels, 4, 4) == (100, 100, 100)


def test_lab_pixels_become_the_colours_that_they_mean(saved: Callable[..., bytes]) -> None:
    lab = Pillow.new("LAB", (8, 8), (136, 208, 195))  # red: L* 53, a* 80, b* 67, in Pillow's bytes
    red, green, blue = pixel(decode(saved(lab, "TIFF")).pixels, 4, 4)
    assert red > 245
    assert max(green, blue) < 25
