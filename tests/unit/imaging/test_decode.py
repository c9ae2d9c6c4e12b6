"""Decoding hostile, damaged and oversized files: a refusal by rule, and never a stack trace."""

from __future__ import annotations

import struct
import tracemalloc
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from io import BytesIO
from sys import getrefcount

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from studio.imaging.decode import DecodeLimits, decode, inspect
from studio.imaging.image import Image
from studio.problems import NotAnImage, Refused, TooLarge

ALL_FORMATS = ("JPEG", "PNG", "WEBP", "AVIF", "GIF", "TIFF", "BMP")


def png(width: int, height: int, *, bits: int = 8, colour: int = 2, **chunks: bytes) -> bytes:
    """A PNG that announces a size, with the chunks given and no pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0))
    rest = b"".join(chunk(kind.encode(), body) for kind, body in chunks.items())
    return b"\x89PNG\r\n\x1a\n" + header + rest + chunk(b"IEND", b"")


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
@settings(
    max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
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


def test_a_webp_that_announces_a_huge_canvas_is_refused_without_making_it() -> None:
    side = (16_383 - 1).to_bytes(3, "little")
    body = b"WEBPVP8X\x0a\0\0\0\x10\0\0\0" + side + side
    with pytest.raises(TooLarge) as refusal:
        decode(b"RIFF" + struct.pack("<I", len(body)) + body)
    assert refusal.value.rule == "image.too_many_pixels"


def test_a_camera_raw_file_is_not_mistaken_for_its_thumbnail(
    picture: Pillow.Image, saved: Callable[..., bytes]
) -> None:
    tags = ImageFileDirectory_v2()
    tags[50_706] = bytes([1, 4, 0, 0])  # DNGVersion
    with pytest.raises(NotAnImage) as refusal:
        decode(saved(picture, "TIFF", tiffinfo=tags))
    assert refusal.value.rule == "image.format"
    assert "camera raw" in refusal.value.says


def test_the_clear_colour_of_a_sixteen_bit_png_is_clear() -> None:
    row = struct.pack(">6H", 40_000, 300, 9, 40_000, 10_000, 9)
    data = png(
        2, 1, bits=16, tRNS=struct.pack(">3H", 40_000, 300, 9), IDAT=zlib.compress(b"\0" + row)
    )
    image = decode(data)
    assert image.pixels.getchannel("A").tobytes() == bytes([0, 255])


def test_many_threads_decode_at_once_with_limits_of_their_own(
    photo: Callable[[str], Image], saved: Callable[..., bytes]
) -> None:
    data = saved(photo("coffee").pixels, "JPEG")
    alone = decode(data).pixels.tobytes()

    def attempt(index: int) -> bool:
        if index % 2:
            with pytest.raises(TooLarge):
                decode(data, DecodeLimits(max_pixels=1000))
            return True
        return decode(data).pixels.tobytes() == alone

    with ThreadPoolExecutor(4) as threads:
        assert all(threads.map(attempt, range(16)))


# Not AVIF, whose decoder keeps the file; such files are a hundredth of their pixels.
@pytest.mark.parametrize("format_", [one for one in ALL_FORMATS if one != "AVIF"])
def test_decoded_pixels_do_not_hold_the_file_that_they_came_from(format_: str) -> None:
    stream = BytesIO()
    Pillow.effect_noise((200, 200), 60).convert("RGB").save(stream, format_)
    file = stream.getvalue()
    before = getrefcount(file)
    image = decode(file)
    assert getrefcount(file) == before
    assert image.pixels.size == (200, 200)
