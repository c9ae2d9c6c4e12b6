"""Decoding every way to store pixels: what comes out is what its sender sees."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from PIL import Image as Pillow
from PIL import ImageOps
from PIL.PngImagePlugin import PngInfo

from studio.imaging.decode import decode, inspect
from studio.problems import NotAnImage

ALL_FORMATS = ("JPEG", "PNG", "WEBP", "AVIF", "GIF", "TIFF", "BMP")
LOSSLESS = ("PNG", "TIFF", "BMP")


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


@pytest.mark.parametrize("form", ALL_FORMATS)
def test_every_accepted_format_is_read(
    form: str, picture: Pillow.Image, saved: Callable[..., bytes]
) -> None:
    data = saved(picture, form)
    image = decode(data)
    assert image.pixels.mode == "RGB"
    assert image.notes == ()
    assert image.pixels.info == {}
    tolerance = 0 if form in LOSSLESS else 40
    assert difference(image.pixels, picture) <= tolerance
    facts = inspect(data)
    assert (facts.width, facts.height) == (64, 48)
    assert facts.media_type == f"image/{form.lower()}"


@pytest.mark.parametrize("form", ["PNG", "WEBP", "TIFF", "AVIF"])
def test_transparency_is_kept(
    form: str, see_through: Pillow.Image, saved: Callable[..., bytes]
) -> None:
    data = saved(see_through, form)
    image = decode(data)
    assert image.pixels.mode == "RGBA"
    assert pixel(image.pixels, 5, 5)[3] == 0
    assert pixel(image.pixels, 60, 5)[3] == 255
    assert inspect(data).alpha


def test_an_alpha_channel_without_transparency_is_dropped(
    picture: Pillow.Image, saved: Callable[..., bytes]
) -> None:
    opaque = picture.convert("RGBA")
    assert decode(saved(opaque, "PNG")).pixels.mode == "RGB"


def test_a_palette_with_transparency_becomes_colours_with_alpha(
    saved: Callable[..., bytes],
) -> None:
    palette = Pillow.new("P", (4, 1))
    palette.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 9, 9])
    palette.putdata([0, 1, 2, 3])
    image = decode(saved(palette, "PNG", transparency=bytes([255, 128, 0, 255])))
    pixels = [pixel(image.pixels, x, 0) for x in range(4)]
    assert pixels == [(255, 0, 0, 255), (0, 255, 0, 128), (0, 0, 255, 0), (9, 9, 9, 255)]


def test_grey_with_alpha_and_bilevel_become_rgb(saved: Callable[..., bytes]) -> None:
    grey = Pillow.merge("LA", (Pillow.new("L", (2, 2), 77), Pillow.new("L", (2, 2), 128)))
    assert pixel(decode(saved(grey, "PNG")).pixels, 0, 0) == (77, 77, 77, 128)
    bilevel = Pillow.new("1", (2, 1))
    bilevel.putpixel((1, 0), 1)
    image = decode(saved(bilevel, "PNG"))
    assert [pixel(image.pixels, x, 0) for x in (0, 1)] == [(0, 0, 0), (255, 255, 255)]


@pytest.mark.parametrize("extension", [".png", ".tiff"])
def test_sixteen_bits_are_scaled_and_not_clipped(extension: str) -> None:
    ramp = np.linspace(0, 65_535, 256).astype(np.uint16)[None].repeat(4, 0)
    expected = np.arange(256)
    grey = decode(cv2.imencode(extension, ramp)[1].tobytes())
    assert np.abs(np.asarray(grey.pixels, np.int16)[0, :, 1] - expected).max() <= 1
    colour = decode(cv2.imencode(extension, np.dstack([ramp, ramp[:, ::-1], ramp]))[1].tobytes())
    assert np.abs(np.asarray(colour.pixels, np.int16)[0, :, 0] - expected).max() <= 1
    assert np.abs(np.asarray(colour.pixels, np.int16)[0, :, 1] - expected[::-1]).max() <= 1


def test_the_clear_value_of_a_sixteen_bit_grey_png_is_clear(saved: Callable[..., bytes]) -> None:
    values = Pillow.fromarray(np.array([[0, 500, 65_535]], np.uint16))
    image = decode(saved(values, "PNG", transparency=500))
    assert [pixel(image.pixels, x, 0)[3] for x in range(3)] == [255, 0, 255]


def test_floating_point_pixels_are_stretched_and_noted(saved: Callable[..., bytes]) -> None:
    image = decode(saved(Pillow.fromarray(np.array([[0.0, 0.5, 2.0]], np.float32)), "TIFF"))
    assert [pixel(image.pixels, x, 0)[0] for x in range(3)] == [0, 64, 255]
    assert "stretched" in image.notes[0]


@pytest.mark.parametrize("form", ["GIF", "WEBP", "PNG", "TIFF"])
def test_of_an_animation_the_first_frame_is_used_and_noted(
    form: str, saved: Callable[..., bytes]
) -> None:
    frames = [Pillow.new("RGB", (16, 16), colour) for colour in ("red", "lime", "blue")]
    image = decode(saved(frames[0], form, save_all=True, append_images=frames[1:]))
    assert difference(image.pixels, frames[0]) <= 3
    assert "only the first" in image.notes[0]


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_exif_orientation_is_applied_and_noted(
    form: str, orientation: int, saved: Callable[..., bytes]
) -> None:
    corners = Pillow.new("RGB", (32, 16), "white")
    corners.paste("red", (0, 0, 16, 8))  # top left
    corners.paste("blue", (16, 8, 32, 16))  # bottom right
    exif = Pillow.Exif()
    exif[274] = orientation
    settings = {"quality": 95} if form != "TIFF" else {}
    data = saved(corners, form, exif=exif, **settings)
    asked = Pillow.Image.copy(corners)
    asked.getexif()[274] = orientation
    expected = ImageOps.exif_transpose(asked)
    image = decode(data)
    assert image.pixels.size == expected.size
    for x, y in ((4, 4), (expected.width - 4, expected.height - 4)):
        got, want = pixel(image.pixels, x, y), pixel(expected, x, y)
        assert max(abs(a - b) for a, b in zip(got, want, strict=True)) < 40
    assert any("EXIF orientation" in note for note in image.notes) == (orientation > 1)
    facts = inspect(data)
    assert (facts.width, facts.height) == expected.size


def test_inspecting_a_png_does_not_decode_it(
    picture: Pillow.Image, saved: Callable[..., bytes]
) -> None:
    whole = saved(picture, "PNG")
    header_only = whole[: whole.index(b"IDAT") + 4]
    assert inspect(header_only).width == 64
    with pytest.raises(NotAnImage):
        decode(header_only)


def test_malformed_exif_does_not_stop_a_picture(
    picture: Pillow.Image, saved: Callable[..., bytes]
) -> None:
    data = saved(picture, "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff garbage")
    assert decode(data).width == 64
    assert inspect(data).width == 64


def test_a_multi_picture_jpeg_is_the_photo_that_it_shows(
    picture: Pillow.Image, saved: Callable[..., bytes]
) -> None:
    image = decode(saved(picture, "MPO", save_all=True, append_images=[picture]))
    assert image.pixels.size == picture.size
    assert image.notes == ()


@pytest.mark.parametrize(
    "statement",
    [
        'Iptc4xmpExt:DigitalSourceType="{uri}"',
        "><Iptc4xmpExt:DigitalSourceType>{uri}</Iptc4xmpExt:DigitalSourceType><x",
        '><Iptc4xmpExt:DigitalSourceType rdf:resource="{uri}"/><x',
    ],
)
def test_the_source_type_is_read_in_every_form_of_xmp(
    statement: str, picture: Pillow.Image, saved: Callable[..., bytes]
) -> None:
    uri = "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture"
    xmp = f"<x:xmpmeta><rdf:Description {statement.format(uri=uri)}/></x:xmpmeta>"
    assert decode(saved(picture, "JPEG", xmp=xmp.encode())).source_type == "digitalCapture"
    chunks = PngInfo()
    chunks.add_itxt("XML:com.adobe.xmp", xmp)
    assert decode(saved(picture, "PNG", pnginfo=chunks)).source_type == "digitalCapture"


def test_xmp_without_a_source_type_says_nothing(
    picture: Pillow.Image, saved: Callable[..., bytes]
) -> None:
    assert decode(saved(picture, "JPEG", xmp=b"<x:xmpmeta/>")).source_type is None
