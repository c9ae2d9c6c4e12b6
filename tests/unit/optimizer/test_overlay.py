"""Overlays: words and a logo inside the safe zone that can be read."""

from uuid import uuid4

import numpy as np
import pytest
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFilter

from services.optimizer.operations.export import Export
from services.optimizer.overlay import Overlay, lay_out
from services.optimizer.placements import placement_book
from studio.imaging.decode import decode
from studio.imaging.encode import encode
from studio.imaging.geometry import Box
from studio.imaging.image import Image
from studio.imaging.legibility import READABLE
from studio.operation import Failure, Output, Work
from studio.problems import Refused

PLACEMENTS = {one.id: one for one in placement_book().placements}
TEXTS = {
    "latin": ("Made for mornings", "Shop now"),
    "arabic": ("قهوة الصباح الطازجة", "تسوق الآن"),
    "japanese": ("毎日を、もっと美しく。", "詳しく見る"),
}
GROUNDS = {
    "white": lambda size: Pillow.new("RGB", size, "white"),
    "black": lambda size: Pillow.new("RGB", size, "black"),
    "grey": lambda size: Pillow.new("RGB", size, "#777777"),
    "noise": lambda size: Pillow.effect_noise(size, 120).convert("RGB"),
}
#: One of each shape: tall with a narrow zone, portrait, square, wide.
SHAPES = ("instagram_story", "instagram_portrait", "instagram_square", "open_graph")
WHOLE = Box(x0=0, y0=0, x1=1, y1=1)
SLACK = 1e-6


@pytest.fixture(scope="module")
def logo() -> Pillow.Image:
    image = Pillow.new("RGBA", (400, 160))
    ImageDraw.Draw(image).ellipse((0, 0, 159, 159), fill="#e4572e")
    ImageDraw.Draw(image).rectangle((180, 40, 399, 120), fill="#e4572e")
    return image


@pytest.mark.parametrize("ground", ["white", "noise"])
@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("placement", SHAPES)
def test_everything_lies_in_the_safe_zone_apart_and_readable(placement, text, ground, logo):
    place = PLACEMENTS[placement]
    headline, call = TEXTS[text]
    overlay = Overlay(headline=headline, call_to_action=call)
    image = GROUNDS[ground]((place.width, place.height))
    laid = lay_out(image, overlay, place.safe_zone, logo=logo)
    boxes = [block.box for block in laid.blocks]
    assert [block.kind for block in laid.blocks] == ["headline", "call_to_action", "logo"]
    assert all(place.safe_zone.contains(box, slack=SLACK) for box in boxes)
    assert not any(one.intersection(two) for one in boxes for two in boxes if one is not two)
    assert all(block.contrast >= READABLE for block in laid.blocks if block.kind != "logo")
    assert laid.blocks[-1].contrast >= 3
    assert laid.pixels.size == image.size


def test_a_calm_dark_ground_needs_no_scrim_and_a_restless_one_does():
    size, words = (1080, 1350), Overlay(headline="Made for mornings")
    calm = lay_out(GROUNDS["black"](size), words, WHOLE)
    restless = lay_out(GROUNDS["noise"](size), words, WHOLE)
    assert (calm.blocks[0].scrim, restless.blocks[0].scrim) == ("none", "gradient")


def test_without_a_scrim_what_cannot_be_read_is_refused():
    grey = GROUNDS["grey"]((1080, 1080))
    with pytest.raises(Refused) as refused:
        lay_out(
            grey,
            Overlay(headline="Grey", text_colour="#888888", scrim="none"),
            WHOLE,
        )
    assert refused.value.rule == "overlay.contrast"


def test_words_keep_clear_of_a_face_where_there_is_room():
    face = Box(x0=0.3, y0=0.55, x1=0.7, y1=0.95)
    laid = lay_out(
        GROUNDS["grey"]((1080, 1350)), Overlay(headline="Good morning"), WHOLE,
        [face],
    )  # fmt: skip
    assert not laid.blocks[0].box.intersection(face)
    assert laid.notes == ()


def test_words_that_must_cover_a_face_are_told():
    everywhere = Box(x0=0.02, y0=0.02, x1=0.98, y1=0.98)
    laid = lay_out(
        GROUNDS["grey"]((600, 300)),
        Overlay(headline="This is a rather long headline, and there is nowhere else for it to go"),
        Box(x0=0.2, y0=0.2, x1=0.8, y1=0.8),
        [everywhere],
    )
    assert "face or the subject" in laid.notes[0]


def test_the_picture_outside_of_words_and_shade_is_untouched():
    photo = Pillow.effect_noise((1080, 1350), 20).convert("RGB").point(lambda value: value // 4)
    laid = lay_out(photo, Overlay(headline="Night", position="bottom"), WHOLE)
    assert laid.blocks[0].scrim == "none"
    top = round(laid.blocks[0].box.y0 * 1350) - 1
    assert np.array_equal(np.asarray(laid.pixels)[:top], np.asarray(photo)[:top])


def test_a_cut_out_stays_transparent_beside_the_words():
    clear = Pillow.new("RGBA", (1080, 1080))
    laid = lay_out(clear, Overlay(headline="Sale", position="bottom"), WHOLE)
    assert laid.blocks[0].contrast >= READABLE
    assert laid.blocks[0].scrim == "box"
    assert laid.pixels.getpixel((5, 5))[3] == 0


@pytest.mark.parametrize(
    "params", [{}, {"headline": "  "}, {"text_colour": "#fff"}, {"logo": "http://x/y.png"}]
)
def test_an_overlay_of_nothing_or_of_nonsense_is_refused(params):
    with pytest.raises(Refused):
        Export().parse({"placements": ["x"], "overlay": params})


async def export(image: Image, blobs: dict[str, bytes], **params):
    operation = Export()

    async def read(name: str) -> bytes:
        return blobs[name]

    work = Work(uuid4(), operation.parse(params), image, image.facts, "local", read)
    return await operation.run(work)


async def test_an_export_writes_on_each_rendition_and_tells_where(photos, logo):
    master = decode((photos / "astronaut.jpg").read_bytes())
    master = master.with_pixels(master.pixels.resize((2048, 2048)))
    name = "sha256:" + "a" * 64
    made = await export(
        master,
        {name: encode(Image(logo), "image/png", 90)},
        placements=["instagram_portrait", "instagram_story", "youtube_thumbnail"],
        overlay={"headline": "Made for mornings", "call_to_action": "Shop now", "logo": name},
    )
    for one in made:
        assert isinstance(one, Output)
        kinds = [block["kind"] for block in one.details["overlay"]]
        assert kinds == ["headline", "call_to_action", "logo"]
        zone = PLACEMENTS[one.label].safe_zone
        assert all(
            zone.contains(Box(**block["box"]), slack=SLACK) for block in one.details["overlay"]
        )


@pytest.mark.parametrize(
    ("own", "of_the_logo", "told"),
    [
        (None, "trainedAlgorithmicMedia", "compositeSynthetic"),
        ("trainedAlgorithmicMedia", None, "trainedAlgorithmicMedia"),
        (None, None, None),
    ],
)
async def test_a_file_with_a_generated_logo_says_so(logo, own, of_the_logo, told):
    master = Image(Pillow.new("RGB", (1080, 1080), "#335577"), source_type=own)
    name = "sha256:" + "c" * 64
    drawn = encode(Image(logo, source_type=of_the_logo), "image/png", 90)
    asked = {"placements": ["instagram_square"], "overlay": {"logo": name}}
    [made] = await export(master, {name: drawn}, **asked)
    assert decode(made.data).source_type == told


async def test_text_that_does_not_fit_one_placement_fails_there_alone():
    master = Image(Pillow.new("RGB", (2000, 2000), "#335577").filter(ImageFilter.BoxBlur(1)))
    long = "Donaudampfschifffahrtsgesellschaftskapitänsmützenabzeichenverleihungsurkundenmappe"
    made = await export(
        master, {}, placements=["facebook_cover", "instagram_story"], fit="cover",
        overlay={"headline": long},
    )  # fmt: skip
    failed = [one for one in made if isinstance(one, Failure)]
    assert {one.problem.rule for one in failed} <= {"text.does_not_fit"}
    assert failed


def on_nothing() -> Image:
    """A green disc low on clear ground, with room for a headline above it."""
    pixels = Pillow.new("RGBA", (2400, 2400))
    ImageDraw.Draw(pixels).ellipse((700, 1300, 1700, 2300), fill="#1e783c")
    return Image(pixels)


async def test_words_are_judged_on_the_background_that_an_opaque_file_will_have():
    """On clear ground there may be anything behind them; behind a JPEG there is what was asked."""
    overlay = {"headline": "Made for mornings", "scrim": "none", "position": "top"}
    for background in ("#ffffff", "#000000"):
        [made] = await export(
            on_nothing(), {}, placements=["instagram_square"], overlay=overlay,
            background=background,
        )  # fmt: skip
        assert isinstance(made, Output)
        assert made.facts.media_type == "image/jpeg"
        [block] = made.details["overlay"]
        assert block["contrast"] > 15
        assert block["scrim"] == "none"
    [kept] = await export(
        on_nothing(), {}, placements=["facebook_square"], overlay=overlay, format="png"
    )
    assert isinstance(kept, Failure)
    assert kept.problem.rule == "overlay.contrast"


async def test_a_logo_of_which_nothing_can_be_seen_is_refused():
    name = "sha256:" + "b" * 64
    clear = encode(Image(Pillow.new("RGBA", (300, 300), (255, 0, 0, 2))), "image/png", 90)
    master = Image(Pillow.new("RGB", (1200, 1200), "#335577"))
    with pytest.raises(Refused) as refused:
        await export(master, {name: clear}, placements=["instagram_square"], overlay={"logo": name})
    assert refused.value.rule == "overlay.logo"
