"""Paid edits: what is sent, and what becomes of what comes."""

import json
from io import BytesIO
from uuid import UUID

import numpy as np
import pytest
from PIL import Image as Pillow

from services.edit.providers.paid import cut_out_of, sent
from services.edit.service import operations
from studio.imaging.image import Image
from studio.imaging.provenance import TRAINED_ALGORITHMIC_MEDIA
from studio.money import Money
from studio.operation import Work
from studio.problems import Refused
from studio.providers.buying import Bought

ALL = {
    one.name: one
    for one in operations(("stability", "openai", "google", "huggingface", "ideogram", "replicate"))
}
BOX = {"box": {"x0": 0.0, "y0": 0.0, "x1": 0.5, "y1": 0.5}, "grow": 0}
COST = Money.of("0.07")


class Shop:
    """Sells one picture, and keeps what it was asked."""

    def __init__(self, picture: Pillow.Image) -> None:
        file = BytesIO()
        picture.save(file, "PNG")
        self.picture, self.calls = file.getvalue(), []

    async def buy(self, call, index):
        assert index == 0
        self.calls.append(call)
        return Bought([self.picture], COST, {"seed": 5, "request": "r1"})

    def file(self, name) -> Pillow.Image:
        """A file of the last call."""
        [data] = [one.data for field, one in self.calls[-1].files if field == name]
        return Pillow.open(BytesIO(data))


@pytest.fixture
def performed(blobs):
    async def run(operation, provider, image, shop, **raw):
        own = ALL[operation]
        params = own.params_type.model_validate(raw)
        work = Work(
            step_id=UUID(int=41),
            params=params,
            image=image,
            facts=image.facts,
            provider=provider,
            read_blob=blobs.read,
            write_blob=blobs.write,
            buy=shop.buy,
        )
        [made] = await own.engine(provider).run(work)
        return made

    return run


def grey(width=640, height=480) -> Image:
    return Image(Pillow.new("RGB", (width, height), "grey"))


def noise(side) -> Image:
    samples = np.random.default_rng(1).integers(0, 256, (side, side, 3), np.uint8)
    return Image(Pillow.fromarray(samples))


async def test_a_mask_is_white_for_stability_where_it_works(performed):
    shop = Shop(Pillow.new("RGB", (640, 480)))
    made = await performed("edit.erase", "stability", grey(), shop, mask=BOX)
    mask = shop.file("mask")
    assert (mask.mode, mask.size) == ("L", (640, 480))
    assert (mask.getpixel((10, 10)), mask.getpixel((600, 400))) == (255, 0)
    assert shop.calls[0].form["grow_mask"] == "0"
    assert shop.calls[0].form["seed"] == "42"
    assert made.cost == COST
    assert made.details["mask_coverage"] == 0.25
    assert (made.details["product"], made.details["request"]) == ("edit.erase", "r1")


async def test_a_mask_is_black_for_ideogram_where_it_works(performed):
    shop = Shop(Pillow.new("RGB", (640, 480)))
    await performed("edit.inpaint", "ideogram", grey(), shop, mask=BOX, prompt="a cup")
    mask = shop.file("mask")
    assert mask.size == shop.file("image").size
    assert (mask.getpixel((10, 10)), mask.getpixel((600, 400))) == (0, 255)


async def test_a_mask_is_clear_for_openai_where_it_works_and_margins_are_kept(performed):
    shop = Shop(Pillow.new("RGB", (1536, 1024)))
    made = await performed("edit.inpaint", "openai", grey(), shop, mask=BOX, prompt="a cup")
    mask, image = shop.file("mask"), shop.file("image")
    assert (mask.mode, mask.size) == ("RGBA", image.size)
    assert image.size == (720, 480)  # 4:3 in the middle of 3:2
    alpha = mask.getchannel("A")
    assert [alpha.getpixel((x, 10)) for x in (5, 60, 500, 715)] == [255, 0, 255, 255]
    assert made.image.pixels.size == (1365, 1024)
    assert any("1536x1024" in note for note in made.notes)


async def test_a_large_picture_is_sent_to_openai_no_larger_than_it_is_drawn(performed):
    shop = Shop(Pillow.new("RGB", (1024, 1024)))
    await performed("edit.general", "openai", grey(3000, 2900), shop, instruction="winter")
    assert shop.file("image").size == (1024, 1024)


async def test_gemini_is_told_the_shape_and_the_size(performed):
    shop = Shop(Pillow.new("RGB", (2400, 1792)))
    made = await performed("edit.general", "google", grey(2000, 1500), shop, instruction="winter")
    config = shop.calls[0].json["generationConfig"]["imageConfig"]
    assert config == {"aspectRatio": "4:3", "imageSize": "2K"}
    assert made.image.pixels.size == (2389, 1792)  # of 2400, 4:3 being 75:56 to it
    assert "needs_review" not in made.details


async def test_words_are_found_by_stability_and_masks_here(performed, blobs):
    shop = Shop(Pillow.new("RGB", (640, 480)))
    by_words = {"select": "the zebra", "prompt": "a vase"}  # nothing here could see one
    made = await performed("edit.search_replace", "stability", grey(), shop, **by_words)
    assert shop.calls[-1].form["search_prompt"] == "the zebra"
    assert made.details["searched"] == "the zebra"
    await performed("edit.search_replace", "stability", grey(), shop, mask=BOX, prompt="a vase")
    assert shop.calls[-1].product == "edit.inpaint"


async def test_what_stability_cannot_recolour_by_is_noted(performed):
    shop = Shop(Pillow.new("RGB", (640, 480)))
    wish = {"select": "the cup", "colour": "#ff0000", "strength": 0.5}
    made = await performed("edit.search_recolor", "stability", grey(), shop, **wish)
    assert shop.calls[-1].form["prompt"] == "red (#ff0000)"
    assert made.notes == ("stability takes no strength; it was not told.",)


async def test_relight_lets_go_of_the_subject_and_says_where_light_comes_from(performed):
    shop = Shop(Pillow.new("RGB", (640, 480)))
    wish = {"prompt": "a sea", "relight": 0.4, "shadow_direction": "left"}
    await performed("edit.replace_background", "stability", grey(), shop, **wish)
    form = shop.calls[-1].form
    assert form["preserve_original_subject"] == "0.6"
    assert (form["light_source_direction"], form["light_source_strength"]) == ("right", "0.4")


async def test_a_cut_out_without_transparency_is_marked_for_a_person(performed):
    shop = Shop(Pillow.new("RGB", (640, 480)))
    for provider in ("stability", "replicate"):
        made = await performed("edit.remove_background", provider, grey(), shop)
        assert "no transparency" in made.details["needs_review"]


async def test_a_generated_picture_stays_generated(performed):
    shop = Shop(Pillow.new("RGB", (640, 480)))
    generated = Image(grey().pixels, source_type=TRAINED_ALGORITHMIC_MEDIA)
    made = await performed("edit.erase", "stability", generated, shop, mask=BOX)
    assert made.image.source_type == TRAINED_ALGORITHMIC_MEDIA


async def test_a_picture_that_is_only_cut_out_is_no_composite(performed):
    shop = Shop(Pillow.new("RGBA", (640, 480), (9, 9, 9, 128)))
    made = await performed("edit.remove_background", "stability", grey(), shop)
    assert made.image.source_type is None
    assert made.image.pixels.getpixel((5, 5)) == (9, 9, 9, 128)


def test_a_cut_out_is_clear_where_its_source_was():
    source = Image(Pillow.new("RGBA", (8, 8), (0, 0, 0, 0)))
    made = cut_out_of(source, 0)(Image(Pillow.new("RGBA", (8, 8), (9, 9, 9, 255))))
    assert made.pixels.getchannel("A").getextrema() == (0, 0)


async def test_a_picture_is_sent_as_png_unless_that_is_too_large():
    small = await sent(grey(), "stability", "edit.erase")
    large = await sent(noise(2000), "stability", "edit.erase")
    assert small.startswith(b"\x89PNG")
    assert large.startswith(b"\xff\xd8")
    assert len(large) < 10_485_760


@pytest.mark.parametrize(
    ("provider", "product", "side", "most"),
    [
        ("google", "edit.gemini-3.1-flash-image.2k", 2300, 20_000_000),
        ("huggingface", "edit.flux.1-kontext-dev", 1024, 4_000_000),
    ],
)
async def test_what_travels_in_json_stays_within_the_providers_limit(
    performed, provider, product, side, most
):
    large = noise(side)  # as a PNG it takes as many bytes as it has samples
    assert (await sent(large, provider, product)).startswith(b"\xff\xd8")
    drawn = 2048 if provider == "google" else 1024
    shop = Shop(Pillow.new("RGB", (drawn, drawn)))
    await performed("edit.general", provider, noise(2400), shop, instruction="winter")
    assert shop.calls[0].product == product
    assert len(json.dumps(shop.calls[0].json)) < most


async def test_a_picture_that_fits_in_no_format_is_refused():
    with pytest.raises(Refused) as caught:
        await sent(grey(), "stability", "edit.erase", beside=10_485_760)
    assert caught.value.rule == "stability.edit.erase.max_bytes"


async def test_a_square_is_reframed_and_comes_back_at_its_own_size(performed):
    shop = Shop(Pillow.new("RGB", (1312, 736), "navy"))
    square = grey(500, 500)
    made = await performed("edit.outpaint", "ideogram", square, shop, ratio="16:9")
    assert shop.calls[0].form["resolution"] == "1312x736"
    assert shop.file("image").size == (500, 500)
    assert made.image.pixels.size == (889, 500)
    assert made.details["margins"] == {"left": 194, "right": 195, "up": 0, "down": 0}
    assert "needs_review" not in made.details


async def test_an_instruction_goes_to_hugging_face_with_the_size_that_is_wanted(performed):
    shop = Shop(Pillow.new("RGB", (640, 480), "navy"))
    made = await performed("edit.general", "huggingface", grey(), shop, instruction="winter")
    parameters = shop.calls[0].json["parameters"]
    assert parameters["prompt"] == "winter"
    assert parameters["target_size"] == {"width": 640, "height": 480}
    assert made.image.pixels.size == (640, 480)
    assert made.cost == COST
