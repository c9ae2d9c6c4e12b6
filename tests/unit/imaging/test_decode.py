"""Decoding: every file becomes what its sender sees in it, or a refusal that says why."""

from __future__ import annotations

import struct
import tracemalloc
import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from io import BytesIO

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow
from PIL import ImageCms, ImageOps
from PIL.PngImagePlugin import PngInfo
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from studio.imaging.decode import DecodeLimits, decode, inspect
from studio.problems import NotAnImage, Refused, TooLarge

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


def png(width: int, height: int, *, bits: int = 8, colour: int = 2, **chunks: bytes) -> bytes:
    """A PNG that announces a size, with the chunks given and no pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0))
    rest = b"".join(chunk(kind.encode(), body) for kind, body in chunks.items())
    return b"\x89PNG\r\n\x1a\n" + header + rest + chunk(b"IEND", b"")


# What is refused


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (b"", "image.empty"),
        (b"\0", "image.not_an_image"),
        (b"Hello, this is a letter and not a picture at all.", "image.not_an_image"),
        (b"BMW builds cars and motorcycles in Munich.", "image.not_an_image"),
        (b"RIFF\x24\0\0\0WAVEfmt " + bytes(32), "image.not_an_image"),
        (bytes(4096), "image.not_an_image"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(64), "image.format"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic" + bytes(64), "image.format"),
        (b"\0\0\0\x18ftypisom\0\0\0\0isommp41" + bytes(64), "image.format"),
        (b"%PDF-1.7\n", "image.format"),
        (b"8BPS\0\1" + bytes(64), "image.format"),
        (b"\n  <svg xmlns='http://www.w3.org/2000/svg'/>", "image.format"),
        (b"II*\0\x10\0\0\0CR\2\0" + bytes(64), "image.format"),
        (b"\xff\xd8\xff\xe0 a segment longer than the file", "image.truncated"),
        (b"\xff\xd8\xff\xfe\0\4ok what follows is no JPEG", "image.damaged"),
        (b"\x89PNG\r\n\x1a\n" + bytes(64), "image.truncated"),
        (b"II*\0" + b"\xff" * 64, "image.damaged"),
        (b"GIF89a", "image.damaged"),
    ],
)
def test_what_is_not_a_readable_image_is_refused_by_rule(data: bytes, rule: str) -> None:
    for read in (decode, inspect):
        with pytest.raises(NotAnImage) as refusal:
            read(data)
        assert refusal.value.rule == rule
        assert refusal.value.fix


def test_a_foreign_format_is_named_and_the_accepted_ones_are_listed() -> None:
    with pytest.raises(NotAnImage) as refusal:
        decode(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(64))
    assert refusal.value.status == 415
    assert "HEIC" in refusal.value.says
    assert "JPEG, PNG, WebP, AVIF, GIF, TIFF or BMP" in (refusal.value.fix or "")
    assert "image/jpeg" in refusal.value.valid


@pytest.mark.parametrize("form", ALL_FORMATS)
@pytest.mark.parametrize("kept", [0.5, 0.9])
def test_a_file_that_ends_early_is_refused(
    form: str, kept: float, photo: Callable[[str], Image], saved: Callable[..., bytes]
) -> None:
    whole = saved(photo("coffee").pixels, form)
    with pytest.raises(NotAnImage) as refusal:
        decode(whole[: int(len(whole) * kept)])
    assert refusal.value.rule in {"image.truncated", "image.damaged"}
    if form in {"JPEG", "PNG", "WEBP"}:
        assert refusal.value.rule == "image.truncated"


def test_a_decompression_bomb_is_refused_by_its_header_without_unpacking_it() -> None:
    bomb = png(29_999, 29_999, bits=1, colour=0, IDAT=zlib.compress(bytes(10_000_000)))
    tracemalloc.start()
    with pytest.raises(TooLarge) as refusal:
        decode(bomb)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert refusal.value.rule == "image.too_many_pixels"
    assert "899,940,001 pixels" in refusal.value.says
    assert peak < 5_000_000


def test_limits_are_per_call_and_checked_before_the_pixels(
    picture: Pillow.Image, saved: Callable[..., bytes]
) -> None:
    data = saved(picture, "PNG")
    assert decode(data, DecodeLimits(max_pixels=64 * 48, max_side=64)).width == 64
    for limits, rule in (
        (DecodeLimits(max_pixels=64 * 48 - 1), "image.too_many_pixels"),
        (DecodeLimits(max_side=63), "image.too_long"),
        (DecodeLimits(max_bytes=len(data) - 1), "image.too_many_bytes"),
    ):
        for read in (decode, inspect):
            with pytest.raises(TooLarge) as refusal:
                read(data, limits)
            assert refusal.value.rule == rule
            assert refusal.value.status == 413


def test_a_picture_below_our_limit_but_above_pillows_warning_is_read(
    saved: Callable[..., bytes],
) -> None:
    data = saved(Pillow.new("1", (10_000, 9_500), 1), "PNG")  # Pillow warns from 89.5 megapixels
    assert inspect(data).pixels == 95_000_000


def test_a_text_chunk_that_unpacks_without_end_is_refused(
    picture: Pillow.Image, saved: Callable[..., bytes]
) -> None:
    body = b"note\0\0" + zlib.compress(bytes(50_000_000), 9)
    text = (
        struct.pack(">I", len(body))
        + b"zTXt"
        + body
        + struct.pack(">I", zlib.crc32(b"zTXt" + body))
    )
    whole = saved(picture, "PNG")
    at = whole.index(b"IDAT") - 4
    with pytest.raises(NotAnImage) as refusal:
        decode(whole[:at] + text + whole[at:])
    assert refusal.value.rule == "image.damaged"


@given(data=st.data())
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
def test_damaged_bytes_give_an_image_or_a_refusal_and_never_a_stack_trace(
    data: st.DataObject,
) -> None:
    form = data.draw(st.sampled_from(ALL_FORMATS))
    file = BytesIO()
    Pillow.radial_gradient("L").resize((40, 30)).convert("RGB").save(file, form)
    damaged = bytearray(file.getvalue())
    for _ in range(data.draw(st.integers(1, 8))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    damaged = damaged[: data.draw(st.integers(0, len(damaged)))]
    with suppress(Refused):
        image = decode(bytes(damaged), DecodeLimits(max_pixels=1_000_000))
        assert image.pixels.mode in {"RGB", "RGBA"}


def test_a_camera_raw_file_is_not_mistaken_for_its_thumbnail(
    picture: Pillow.Image, saved: Callable[..., bytes]
) -> None:
    tags = ImageFileDirectory_v2()
    tags[50_706] = bytes([1, 4, 0, 0])  # DNGVersion
    with pytest.raises(NotAnImage) as refusal:
        decode(saved(picture, "TIFF", tiffinfo=tags))
    assert refusal.value.rule == "image.format"
    assert "camera raw" in refusal.value.says


# What is read


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
    assert decode(saved(grey, "PNG")).pixel(pixels, 0, 0) == (77, 77, 77, 128)
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


# Colours


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
    cyan = image.pixels.getpixel(
        (28, 8)
    )  # this profile's cyan is a light grey, the formula's is not
    assert max(cyan) - min(cyan) < 12
    assert 120 < cyan[0] < 220


def test_a_grey_profile_is_honoured(saved: Callable[..., bytes]) -> None:
    grey = Pillow.new("L", (8, 8), 100)
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    image = decode(saved(grey, "PNG", icc_profile=srgb))
    assert pixel(image.pixels, 4, 4) == (100, 100, 100)


# Provenance and concurrency


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


def test_many_threads_decode_at_once_with_limits_of_their_own(
    photo: Callable[[str], Image], saved: Callable[..., bytes]
) -> None:
    data = saved(photo("coffee").pixels, "JPEG", icc_profile=wide_gamut_icc())
    alone = decode(data).pixels.tobytes()

    def attempt(index: int) -> bool:
        if index % 2:
            with pytest.raises(TooLarge):
                decode(data, DecodeLimits(max_pixels=1000))
            return True
        return decode(data).pixels.tobytes() == alone

    with ThreadPoolExecutor(4) as threads:
        assert all(threads.map(attempt, range(16)))
