"""Encoding: what was asked for, readable by everyone, and nothing that nobody asked for."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO

import numpy as np
import pytest
from PIL import Image as Pillow
from PIL import JpegImagePlugin

from studio.imaging import provenance
from studio.imaging.decode import decode, inspect
from studio.imaging.encode import Subsampling, encode, thumbnail
from studio.imaging.image import Image
from studio.problems import Refused

MEDIA_TYPES = ("image/png", "image/jpeg", "image/webp", "image/avif")
TERMS = (
    provenance.TRAINED_ALGORITHMIC_MEDIA,
    provenance.ALGORITHMIC_MEDIA,
    provenance.COMPOSITE_WITH_TRAINED_ALGORITHMIC_MEDIA,
)


def reopened(data: bytes) -> Pillow.Image:
    opened = Pillow.open(BytesIO(data))
    opened.load()
    return opened


def pixel(image: Pillow.Image, x: int, y: int) -> tuple[int, ...]:
    """The channel values at a place."""
    value = image.getpixel((x, y))
    assert isinstance(value, tuple)
    return value


def psnr(one: Pillow.Image, other: Pillow.Image) -> float:
    a, b = (np.asarray(image.convert("RGB"), np.float64) for image in (one, other))
    return float(10 * np.log10(255**2 / np.square(a - b).mean()))


@pytest.mark.parametrize("media_type", MEDIA_TYPES)
def test_what_is_encoded_is_decoded_again(media_type: str, photo: Callable[[str], Image]) -> None:
    original = photo("coffee")
    data = encode(original, media_type)
    assert inspect(data).media_type == media_type
    again = decode(data)
    assert again.notes == ()
    assert again.pixels.size == original.pixels.size
    if media_type == "image/png":
        assert np.array_equal(np.asarray(again.pixels), np.asarray(original.pixels))
    else:
        assert psnr(again.pixels, original.pixels) > 30


@pytest.mark.parametrize("media_type", MEDIA_TYPES)
@pytest.mark.parametrize("term", TERMS)
def test_the_source_type_makes_the_round_trip(
    media_type: str, term: str, picture: Pillow.Image
) -> None:
    data = encode(Image(picture, source_type=term), media_type)
    assert decode(data).source_type == term
    uri = f"http://cv.iptc.org/newscodes/digitalsourcetype/{term}".encode()
    assert uri in data
    assert b"Iptc4xmpExt:DigitalSourceType" in data


@pytest.mark.parametrize("media_type", MEDIA_TYPES)
def test_without_a_source_type_nothing_is_stated(media_type: str, picture: Pillow.Image) -> None:
    data = encode(Image(picture), media_type)
    assert b"xmp" not in data.lower()
    assert decode(data).source_type is None


@pytest.mark.parametrize("media_type", MEDIA_TYPES)
def test_no_metadata_of_the_source_is_copied(media_type: str, picture: Pillow.Image) -> None:
    exif = Pillow.Exif()
    exif.get_ifd(0x8825)[1] = "N"  # GPSLatitudeRef
    picture.info = {
        "exif": exif.tobytes(),
        "icc_profile": b"somebody's profile",
        "xmp": b"<x:xmpmeta>secret</x:xmpmeta>",
        "comment": b"secret",
    }
    data = encode(Image(picture), media_type)
    assert not reopened(data).getexif()
    assert b"secret" not in data
    assert b"somebody" not in data
    assert picture.info["comment"] == b"secret"  # the image itself is left as it was


@pytest.mark.parametrize("media_type", ["image/png", "image/webp", "image/avif"])
def test_alpha_is_kept_where_the_format_has_it(media_type: str, see_through: Pillow.Image) -> None:
    again = decode(encode(Image(see_through), media_type))
    assert pixel(again.pixels, 4, 4)[3] == 0
    assert pixel(again.pixels, 60, 4)[3] == 255


def test_jpeg_shows_the_background_through_transparency(see_through: Pillow.Image) -> None:
    data = encode(Image(see_through), "image/jpeg", 95, background=(10, 200, 30))
    red, green, blue = pixel(decode(data).pixels, 8, 8)
    assert abs(red - 10) < 6
    assert abs(green - 200) < 6
    assert abs(blue - 30) < 6


def test_jpeg_is_progressive_and_subsampled_as_asked(photo: Callable[[str], Image]) -> None:
    asked: tuple[Subsampling, ...] = ("4:4:4", "4:2:2", "4:2:0")
    files = [encode(photo("coffee"), "image/jpeg", subsampling=one) for one in asked]
    assert all(reopened(data).info["progressive"] for data in files)
    kept = [JpegImagePlugin.get_sampling(reopened(data)) for data in files]
    assert kept == [0, 1, 2]  # Pillow's numbers for the three
    assert len(files[0]) > len(files[1]) > len(files[2])


@pytest.mark.parametrize("media_type", ["image/jpeg", "image/webp", "image/avif"])
def test_quality_trades_bytes_for_fidelity(media_type: str, photo: Callable[[str], Image]) -> None:
    original = photo("chelsea")
    low, high = (encode(original, media_type, quality) for quality in (20, 90))
    assert len(low) < len(high) / 2
    assert psnr(decode(low).pixels, original.pixels) < psnr(decode(high).pixels, original.pixels)


def test_lossless_webp_is_exact_even_under_transparency(see_through: Pillow.Image) -> None:
    again = reopened(encode(Image(see_through), "image/webp", lossless=True))
    assert np.array_equal(np.asarray(again), np.asarray(see_through))


def test_the_finest_jpeg_of_noise_fits_the_encoder() -> None:
    noise = np.random.default_rng(1).integers(0, 256, (300, 500, 3), dtype=np.uint8)
    original = Image(Pillow.fromarray(noise))
    again = decode(encode(original, "image/jpeg", 100, subsampling="4:4:4"))
    assert psnr(again.pixels, original.pixels) > 40


@pytest.mark.parametrize("media_type", MEDIA_TYPES)
def test_the_same_image_gives_the_same_bytes(
    media_type: str, photo: Callable[[str], Image]
) -> None:
    original = photo("chelsea")
    image = Image(original.pixels, source_type=provenance.ALGORITHMIC_MEDIA)
    assert encode(image, media_type) == encode(image, media_type)


def test_jpeg_and_png_say_that_they_are_srgb(picture: Pillow.Image) -> None:
    icc = reopened(encode(Image(picture), "image/jpeg")).info["icc_profile"]
    assert icc[24:36] == bytes.fromhex("07E800010001000000000000")  # no clock in the bytes
    assert reopened(encode(Image(picture), "image/png")).info["srgb"] == 0


@pytest.mark.parametrize(
    ("media_type", "quality", "size", "rule"),
    [
        ("image/tiff", None, (8, 8), "encode.format"),
        ("image/jpeg", 0, (8, 8), "encode.quality"),
        ("image/jpeg", 101, (8, 8), "encode.quality"),
        ("image/webp", 80, (16_384, 1), "encode.too_long"),
    ],
)
def test_what_cannot_be_written_is_refused_by_rule(
    media_type: str, quality: int | None, size: tuple[int, int], rule: str
) -> None:
    with pytest.raises(Refused) as refusal:
        encode(Image(Pillow.new("RGB", size)), media_type, quality)
    assert refusal.value.rule == rule


def test_a_thumbnail_fits_its_square_and_never_grows(
    photo: Callable[[str], Image], see_through: Pillow.Image
) -> None:
    small = decode(thumbnail(photo("coffee"), 150))
    assert (small.width, small.height) == (150, 100)
    assert decode(thumbnail(photo("coffee"), 4000)).width == 600
    assert decode(thumbnail(Image(see_through), 32)).has_alpha
    sliver = Image(Pillow.new("RGB", (3000, 2)))
    assert decode(thumbnail(sliver, 100)).pixels.size == (100, 1)


def test_a_thumbnail_keeps_the_source_type(photo: Callable[[str], Image]) -> None:
    made = Image(photo("coffee").pixels, source_type=provenance.ALGORITHMIC_MEDIA)
    assert decode(thumbnail(made, 64)).source_type == provenance.ALGORITHMIC_MEDIA


def test_only_a_bare_term_can_be_stated() -> None:
    with pytest.raises(ValueError, match="not a term"):
        provenance.xmp_packet('x"/><script>')
