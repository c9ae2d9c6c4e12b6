"""Exports: exact sizes, bytes within limits, nothing enlarged, nothing lost silently."""

from datetime import date
from uuid import uuid4

import numpy as np
import pytest
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFilter

from services.optimizer.crop import WHOLE
from services.optimizer.encoding import Wish, encode_for
from services.optimizer.focus import Focus, find_focus
from services.optimizer.operations.export import Batch, Export, Params
from services.optimizer.placements import placement_book
from services.optimizer.rendition import Fitting, render
from services.upscale.operations.conservative import Conservative
from studio.imaging.decode import decode, inspect
from studio.imaging.geometry import Box
from studio.imaging.image import Image
from studio.imaging.provenance import ALGORITHMIC_MEDIA
from studio.imaging.similarity import ssim
from studio.operation import Failure, Output, Work
from studio.problems import Refused

BOOK = placement_book()
PLACEMENTS = {one.id: one for one in BOOK.placements}


@pytest.fixture(scope="module")
def astronaut() -> Image:
    from tests.conftest import PHOTOS

    photo = decode((PHOTOS / "astronaut.jpg").read_bytes())
    return photo.with_pixels(photo.pixels.resize((2048, 2048), Pillow.Resampling.LANCZOS))


async def export(image: Image, **params):
    operation = Export()
    parsed = operation.parse(params)
    forecast = operation.forecast(image.facts, parsed)
    made = await operation.run(Work(uuid4(), parsed, image, image.facts, "local", None))
    return forecast, made


async def test_every_placement_gets_its_exact_size_within_its_limits(astronaut):
    large = astronaut.with_pixels(astronaut.pixels.resize((3000, 3000)))
    forecast, made = await export(large, placements=["all"], format="jpeg", alt_text="An astronaut")
    assert len(made) == len(BOOK.placements)
    for facts, one, placement in zip(forecast, made, BOOK.placements, strict=True):
        assert isinstance(one, Output), placement.id
        assert one.facts == facts == inspect(one.data)
        assert (facts.width, facts.height) == (placement.width, placement.height)
        assert placement.min_bytes <= len(one.data) <= (placement.max_bytes or len(one.data))
        assert one.details["faces"] == 1


async def test_the_optimizer_chooses_a_format_that_the_placement_takes(astronaut):
    chosen = ["instagram_square", "tiktok_photo", "x_landscape", "threads_post", "bluesky_avatar"]
    _, made = await export(astronaut, placements=chosen)
    for one, id_ in zip(made, chosen, strict=True):
        assert one.facts == inspect(one.data)
        assert one.facts.media_type.removeprefix("image/") in PLACEMENTS[id_].formats


async def test_what_needs_a_text_for_the_blind_is_refused_alone_without_one(astronaut):
    both = ["bluesky_post", "bluesky_link"]
    _, [refused, link] = await export(astronaut, placements=both)
    assert isinstance(refused, Failure)
    assert refused.problem.rule == "optimizer.alt_text"
    assert isinstance(link, Output)
    _, [post] = await export(astronaut, placements=["bluesky_post"], alt_text="An astronaut smiles")
    assert post.details["alt_text"] == "An astronaut smiles"
    assert len(post.data) <= 2_000_000


def test_no_placement_that_is_tall_enough_cuts_the_face(astronaut):
    focus = find_focus(astronaut)
    [face] = [one.box for one in focus.regions if one.kind == "face"]
    for placement in BOOK.placements:
        fitting = Fitting(too_small="contain")
        crop = render(astronaut, placement, focus, fitting).crop
        assert crop.contains(face, slack=0.005) or face.height > crop.height, placement.id


async def test_what_would_have_to_be_enlarged_fails_alone_and_says_what_to_do():
    small = Image(Pillow.effect_noise((1280, 720), 60).convert("RGB"))
    _, made = await export(small, placements=["youtube_thumbnail", "instagram_story"], fit="cover")
    assert isinstance(made[0], Output)
    assert isinstance(made[1], Failure)
    assert made[1].problem.rule == "optimizer.would_upscale"
    assert "long_side 3414" in made[1].problem.fix


async def test_the_master_that_the_fix_asks_for_is_large_enough():
    enough = Image(Pillow.new("RGB", (3414, 1920)))
    _, [made] = await export(enough, placements=["instagram_story"], fit="cover")
    assert isinstance(made, Output)


@pytest.mark.parametrize(("size", "fits"), [((900, 200), set()), ((2000, 400), {"email_banner"})])
async def test_no_remedy_is_named_that_no_upscale_can_do_and_what_fits_is_made(size, fits):
    banner = Image(Pillow.effect_noise(size, 60).convert("RGB"))
    operation, enlarge = Export(), Conservative()
    params = operation.parse({"placements": ["all"], "alt_text": "A banner"})
    foreseen = operation.failures(banner.facts, params)
    _, made = await export(banner, placements=["all"], alt_text="A banner")
    small = [one for one in made if isinstance(one, Failure)]
    assert fits <= {one.label for one in made if isinstance(one, Output)}
    # A shop's frame may hold it as a product, which only the run sees.
    assert {one.label for one in foreseen} <= {one.label for one in small}
    remedies = [one.details["remedy"] for one in (*small, *foreseen) if one.details.get("remedy")]
    for remedy in remedies:
        enlarge.check(banner.facts, enlarge.parse(remedy["params"]))
    hopeless = [one for one in (*small, *foreseen) if not one.details.get("remedy")]
    assert remedies
    assert "instagram_story" in {one.label for one in hopeless}
    for one in hopeless:
        assert one.problem.fix.startswith("Use a larger master, or fit: contain")


@pytest.mark.parametrize("size", [(1, 1), (1, 3000), (4000, 30), (500, 400), (1080, 1080)])
@pytest.mark.parametrize("padding", ["colour", "brand", "blur", "mirror", "transparent"])
def test_contain_loses_no_pixel_and_enlarges_none(size, padding):
    marked = Pillow.new("RGB", size, (0, 200, 0))
    for corner in ((0, 0), (size[0] - 1, 0), (0, size[1] - 1), (size[0] - 1, size[1] - 1)):
        marked.putpixel(corner, (255, 0, 0))
    placement = PLACEMENTS["instagram_square"]
    rendition = render(
        Image(marked),
        placement,
        find_focus(Image(marked), [WHOLE]),
        Fitting("contain", padding=padding),
    )
    assert rendition.image.pixels.size == (1080, 1080)
    assert rendition.crop == Box(x0=0, y0=0, x1=1, y1=1)
    if max(size) <= 1080:
        found = np.asarray(rendition.image.pixels.convert("RGB"), np.int16)
        green = (abs(found - (0, 200, 0)).sum(-1) < 8).sum()
        red = (abs(found - (255, 0, 0)).sum(-1) < 8).sum()
        assert green + red >= size[0] * size[1]


def test_bytes_stay_within_the_limit_by_quality_and_never_under_the_floor():
    noise = np.random.default_rng(1).integers(0, 256, (630, 1200, 3), np.uint8)
    soft = Image(Pillow.fromarray(noise).resize((150, 79)).resize((1200, 630)))
    tight = PLACEMENTS["open_graph"].model_copy(update={"max_bytes": 40_000})
    encoded = encode_for(soft, tight)
    assert len(encoded.data) <= 40_000
    assert encoded.quality < 85
    with pytest.raises(Refused) as refused:
        encode_for(Image(Pillow.fromarray(noise)), tight)
    assert refused.value.rule == "optimizer.max_bytes"


def test_a_format_that_the_placement_refuses_is_refused(astronaut):
    with pytest.raises(Refused) as refused:
        encode_for(astronaut, PLACEMENTS["tiktok_photo"], Wish(format="png"))
    assert refused.value.valid == ["jpeg", "webp"]


def test_transparency_is_kept_where_it_can_be_and_flattened_where_not():
    clear = Image(Pillow.new("RGBA", (1200, 630), (255, 0, 0, 0)))
    assert encode_for(clear, PLACEMENTS["open_graph"]).media_type == "image/png"
    flat = encode_for(clear, PLACEMENTS["instagram_square"], Wish(background=(0, 0, 255)))
    assert flat.media_type == "image/jpeg"
    blue = decode(flat.data).pixels.getpixel((5, 5))
    assert blue[2] > 240
    assert blue[0] < 15


def test_provenance_survives_the_export():
    made = Image(Pillow.new("RGB", (1200, 630)), source_type=ALGORITHMIC_MEDIA)
    encoded = encode_for(made, PLACEMENTS["open_graph"])
    assert decode(encoded.data).source_type == ALGORITHMIC_MEDIA


async def test_a_blank_or_fully_transparent_master_is_cropped_to_its_centre():
    for pixels in (Pillow.new("RGB", (1400, 1400)), Pillow.new("RGBA", (1400, 1400))):
        _, [made] = await export(Image(pixels), placements=["facebook_link"])
        box = made.details["crop"]
        assert (box["y0"] + box["y1"]) / 2 == pytest.approx(0.5, abs=0.02)


def cut_out(colour: str, size: int = 2000) -> Image:
    """A disc on clear ground."""
    pixels = Pillow.new("RGBA", (size, size))
    ImageDraw.Draw(pixels).ellipse((size / 4, size / 4, size * 0.75, size * 0.75), fill=colour)
    return Image(pixels)


@pytest.mark.parametrize("fit", ["smart", "contain"])
async def test_a_picture_of_nothing_is_left_for_people_to_look_at(fit):
    clear = Image(Pillow.new("RGBA", (2000, 2000), (255, 0, 0, 3)))
    _, made = await export(clear, placements=["instagram_square", "facebook_link"], fit=fit)
    assert all("Nothing" in one.details["needs_review"] for one in made)


@pytest.mark.parametrize(
    ("colour", "background", "is_seen"),
    [("white", "#ffffff", False), ("black", "#000000", False), ("white", "#000000", True)],
)
async def test_a_cut_out_that_vanishes_in_its_background_is_left_for_people(
    colour, background, is_seen
):
    chosen = ["instagram_square", "instagram_portrait"]  # JPEG only
    _, made = await export(cut_out(colour), placements=chosen, background=background)
    for one in made:
        review = one.details["needs_review"]
        assert (review is None) if is_seen else ("colour of its background" in review)


async def test_a_white_product_on_a_shops_white_ground_is_left_for_people():
    _, [white] = await export(cut_out("white", 3600), placements=["amazon_main"])
    assert "colour of its background" in white.details["needs_review"]
    _, [red] = await export(cut_out("red", 3600), placements=["amazon_main"])
    assert red.details["needs_review"] is None


async def test_transparency_that_is_kept_hides_nothing():
    _, [made] = await export(cut_out("white"), placements=["facebook_link"], format="png")
    assert made.facts.alpha
    assert made.details["needs_review"] is None


async def test_a_picture_that_is_lost_in_its_padding_is_left_for_people():
    speck = Image(Pillow.effect_noise((60, 60), 60).convert("RGB"))
    _, [made] = await export(speck, placements=["instagram_square"], fit="contain")
    assert made.details["needs_review"] == (
        "The picture covers 0.3% of the placement; all else is padding."
    )


async def test_what_the_crop_was_led_by_is_told_with_the_rendition(astronaut):
    _, [made] = await export(astronaut, placements=["facebook_link"])
    told = made.details["focus"]
    assert 1 <= len(told) <= 8
    face = next(one for one in told if one["kind"] == "face")
    assert face["detector"] == "BlazeFace short-range"
    assert face["weight"] > 0.25
    box = face["box"]
    assert 0 <= box["x0"] < box["x1"] <= 1
    assert 0 <= box["y0"] < box["y1"] <= 1
    assert {"kind", "box", "weight", "detector"} == set(face)


@pytest.mark.parametrize(
    ("version", "day", "said"),
    [
        ("2025-10", date(2026, 3, 1), "was valid until 2026-02-28"),
        ("2025-10", date(2026, 2, 28), None),
        ("2026-11", date(2026, 2, 28), "is valid from 2026-03-01 on"),
        ("2026-11", date(2026, 3, 1), None),
    ],
)
async def test_a_placement_that_does_not_hold_on_the_day_says_so_in_a_note(
    astronaut, version, day, said
):
    params = Params(placements=["meta_vertical"], placements_version=version)
    focus = find_focus(astronaut, [WHOLE])
    batch = Batch(astronaut, focus, params, alt_text=None, logo=None, today=day)
    [made] = await batch.exported([placement_book(version).placement("meta_vertical")])
    assert isinstance(made, Output)
    found = [note for note in made.notes if "valid" in note]
    assert (said in found[0]) if said else not found


async def test_a_quality_that_is_asked_for_is_used_and_the_floor_still_holds(astronaut):
    wish = {"placements": ["instagram_square"], "format": "jpeg"}
    _, [usual] = await export(astronaut, **wish)
    _, [coarse] = await export(astronaut, **wish, quality=60)
    assert (usual.details["quality"], coarse.details["quality"]) == (85, 60)
    assert len(coarse.data) < len(usual.data)
    _, [floored] = await export(astronaut, **wish, quality=60, quality_floor=0.995)
    assert floored.details["quality"] > 60
    assert floored.details["ssim"] >= 0.995
    _, [exact] = await export(astronaut, placements=["open_graph"], format="png", quality=60)
    assert exact.details["quality"] is None


@pytest.mark.parametrize("quality", [50, 60])
async def test_a_quality_that_is_asked_for_is_that_of_every_format(astronaut, quality):
    wish = {"placements": ["x_landscape", "tiktok_photo"], "quality": quality}
    _, made = await export(astronaut, **wish, quality_floor=0.5)
    assert [one.details["quality"] for one in made] == [quality, quality]


@pytest.mark.parametrize(
    ("shop", "wish"),
    [
        ("google_merchant_main", {"fit": "contain", "padding": "transparent"}),
        ("amazon_main", {"fit": "cover"}),
    ],
)
async def test_a_shop_judges_the_ground_that_the_file_will_have(shop, wish):
    cut_out = Pillow.new("RGBA", (2400, 2100))
    ImageDraw.Draw(cut_out).ellipse((300, 150, 2100, 1950), fill=(40, 90, 160, 255))
    asked = {"placements": [shop], "format": "jpeg", "background": "#ff0000", **wish}
    _, [made] = await export(Image(cut_out), **asked)
    assert made.details["needs_review"] is not None


@pytest.mark.parametrize("shop", ["amazon_main", "walmart_item", "google_merchant_main"])
async def test_a_product_that_is_too_small_is_padded_if_the_policy_is_so(shop):
    pixels = Pillow.new("RGB", (1200, 1200), "white")
    ImageDraw.Draw(pixels).rectangle((400, 400, 800, 800), fill=(40, 90, 160))
    forecast, [made] = await export(Image(pixels), placements=[shop], too_small="contain")
    assert isinstance(made, Output)
    assert (made.facts.width, made.facts.height) == (forecast[0].width, forecast[0].height)


async def test_no_file_is_avif_unless_a_placement_names_it(astronaut):
    """Bluesky takes image/*, without a word on what its readers can show."""
    assert not [one.id for one in BOOK.placements if "avif" in one.formats]
    _, [link] = await export(astronaut, placements=["bluesky_link"])
    assert link.facts.media_type in ("image/jpeg", "image/webp")


async def test_regions_that_are_given_count_alone(astronaut):
    corner = {"x0": 0.7, "y0": 0.75, "x1": 0.95, "y1": 0.95}
    _, [made] = await export(astronaut, placements=["facebook_link"], regions=[corner])
    assert [one["name"] for one in made.details["detectors"]] == ["given"]
    assert made.details["crop"]["y1"] >= 0.95 - 0.01


def test_platforms_and_all_choose_placements_and_unknown_ones_name_near_ones():
    assert [one.id for one in BOOK.chosen(["threads", "pinterest_pin"])] == [
        "threads_post",
        "pinterest_pin",
    ]
    assert {one.platform for one in BOOK.chosen(["instagram"])} == {"instagram"}
    assert len(BOOK.chosen(["instagram_square", "all"])) == len(BOOK.placements)
    with pytest.raises(Refused) as refused:
        BOOK.chosen(["instagram_sqare"])
    assert "instagram_square" in refused.value.fix


@pytest.mark.parametrize("blur", [0, 2])
def test_the_chosen_format_is_no_larger_and_looks_no_worse_than_jpeg(astronaut, blur):
    blurred = astronaut.pixels.resize((1600, 900)).filter(ImageFilter.GaussianBlur(blur))
    small = astronaut.with_pixels(blurred)
    accepted = PLACEMENTS["x_landscape"].model_copy(update={"formats": ("jpeg", "webp")})
    chosen = encode_for(small, accepted)
    jpeg = encode_for(small, accepted, Wish(format="jpeg"))
    assert len(chosen.data) <= len(jpeg.data)
    seen, usual = (ssim(small.pixels, decode(one.data).pixels) for one in (chosen, jpeg))
    assert seen >= usual - 0.006


def test_flat_art_becomes_a_small_lossless_palette_png():
    flat = Pillow.new("RGB", (1200, 630), (10, 60, 200))
    flat.paste((250, 90, 0), (200, 100, 700, 500))
    encoded = encode_for(Image(flat), PLACEMENTS["open_graph"])
    assert encoded.media_type == "image/png"
    assert decode(encoded.data).pixels.tobytes() == flat.tobytes()
    assert len(encoded.data) < 2_000


def soft_cut_out() -> Image:
    """A shaded disc with a soft edge on clear ground, of the size of facebook_cover."""
    across, down = np.meshgrid(np.arange(1640), np.arange(624))
    shade = np.clip(60 + 90 * np.sin(across / 90) * np.cos(down / 70) + across / 20, 0, 255)
    grain = np.random.default_rng(3).normal(0, 2, shade.shape)
    reach = np.hypot(across - 820, down - 312)
    alpha = np.clip((250 - reach) * 40, 0, 255)
    bands = [shade + grain, shade * 0.7 + grain, 255 - shade + grain, alpha]
    return Image(Pillow.fromarray(np.stack(bands, -1).clip(0, 255).astype(np.uint8), "RGBA"))


def flat_art() -> Image:
    """Shapes in eight colours with soft edges, of the size of facebook_cover."""
    pixels = Pillow.new("RGBA", (1640, 624))
    draw, dice = ImageDraw.Draw(pixels), np.random.default_rng(8)
    colours = [tuple(int(one) for one in dice.integers(0, 255, 3)) for _ in range(8)]
    for number in range(60):
        x, y, side = (int(one) for one in dice.integers((0, 0, 60), (1500, 500, 200)))
        draw.ellipse((x, y, x + side, y + side), fill=(*colours[number % 8], 255))
    return Image(pixels.filter(ImageFilter.GaussianBlur(1)))


def test_a_png_over_what_is_advised_has_fewer_colours_if_nobody_sees_it():
    cover, image = PLACEMENTS["facebook_cover"], flat_art()
    exact = encode_for(image, cover.model_copy(update={"advised_bytes": None}))
    advised = len(exact.data) - 1
    made = encode_for(image, cover.model_copy(update={"advised_bytes": advised}))
    assert made.media_type == "image/png"
    assert len(made.data) <= advised
    assert any("colours to stay within" in note for note in made.notes)
    alike = decode(made.data).flattened((128, 128, 128))
    assert ssim(image.flattened((128, 128, 128)), alike) >= 0.98


def test_a_png_with_shades_keeps_them_where_a_limit_is_only_advised():
    """256 colours of them have a similarity of 0.98 in luma, and bands."""
    cover, image = PLACEMENTS["facebook_cover"], soft_cut_out()
    made = encode_for(image, cover)
    assert made.ssim == 1
    assert len(made.data) > 100_000
    assert "advises at most 100,000 bytes" in made.notes[0]


def test_a_png_keeps_its_colours_if_fewer_would_be_seen_or_do_not_help():
    cover, image = PLACEMENTS["facebook_cover"], soft_cut_out()
    for advised, floor in ((100_000, 0.9999), (2_000, 0.92)):
        tight = cover.model_copy(update={"advised_bytes": advised})
        made = encode_for(image, tight, Wish(floor=floor))
        assert made.ssim == 1
        assert made.notes == (
            f"facebook_cover advises at most {advised:,} bytes; good quality needs more.",
        )


def test_a_smaller_picture_is_delivered_only_where_the_placement_takes_one():
    noise = np.random.default_rng(2).integers(0, 256, (630, 1200, 3), np.uint8)
    detailed = Image(Pillow.fromarray(noise).resize((300, 158)).resize((1200, 630)))
    limit = {"max_bytes": 40_000, "formats": ("jpeg",)}
    exact = PLACEMENTS["open_graph"].model_copy(update=limit)
    with pytest.raises(Refused, match="best that was reached"):
        encode_for(detailed, exact, Wish(floor=0.9))
    lenient = exact.model_copy(update={"min_width": 600, "min_height": 315})
    smaller = encode_for(detailed, lenient, Wish(floor=0.9))
    assert len(smaller.data) <= 40_000
    assert smaller.width < 1200
    assert smaller.ssim >= 0.9


def test_a_file_that_a_platform_finds_too_small_is_made_finer():
    blank = Image(Pillow.new("RGB", (720, 720), (200, 180, 40)))
    placement = PLACEMENTS["open_graph"].model_copy(
        update={"width": 720, "height": 720, "min_bytes": 10_240, "max_bytes": 5_000_000}
    )
    assert len(encode_for(blank, placement).data) >= 10_240


def test_stretching_is_refused_unless_it_is_meant(astronaut):
    focus = find_focus(astronaut, [WHOLE])
    with pytest.raises(Refused, match="distorts"):
        render(astronaut, PLACEMENTS["open_graph"], focus, Fitting("stretch"))
    stretched = render(astronaut, PLACEMENTS["open_graph"], focus, Fitting("stretch", force=True))
    assert stretched.image.pixels.size == (1200, 630)
    assert stretched.crop == WHOLE


@pytest.mark.parametrize(("gravity", "y0"), [("north", 0.0), ("centre", 0.2375), ("south", 0.475)])
def test_cover_keeps_the_side_that_gravity_names(astronaut, gravity, y0):
    focus = find_focus(astronaut, [WHOLE])
    cover = render(astronaut, PLACEMENTS["open_graph"], focus, Fitting("cover", gravity=gravity))
    assert cover.crop.y0 == pytest.approx(y0, abs=0.001)


async def test_a_subject_that_leaves_the_safe_zone_is_padded_if_the_policy_says_so(astronaut):
    tall = {"x0": 0.1, "y0": 0.02, "x1": 0.9, "y1": 0.98}
    wish = {"placements": ["facebook_cover"], "regions": [tall]}
    _, [flagged] = await export(astronaut, **wish)
    assert flagged.details["needs_review"]
    _, [padded] = await export(astronaut, **wish, unsafe="contain")
    assert padded.details["fit"] == "contain"
    assert padded.details["safe_zone_ok"]


async def test_what_was_seen_in_a_master_is_not_looked_for_again(astronaut):
    kept: dict[str, dict] = {}

    async def found(kind, look):
        if kind not in kept:
            kept[kind] = await look()
        return kept[kind]

    async def crop() -> dict:
        work = Work(uuid4(), params, astronaut, astronaut.facts, "local", None, found=found)
        [made] = await Export().run(work)
        return made.details["crop"]

    params = Export().parse({"placements": ["facebook_link"]})
    first = await crop()
    assert len(kept) == 1
    assert await crop() == first
    kept_weights = Focus.from_document(next(iter(kept.values())))
    assert kept_weights.regions[0].kind == "face"


async def test_an_opaque_part_of_one_colour_is_no_cut_out_that_vanishes():
    pixels = Pillow.new("RGBA", (3000, 1500), (0, 0, 0, 0))
    pixels.paste((20, 40, 200, 255), (0, 0, 1500, 1500))
    _, [made] = await export(Image(pixels), placements=["instagram_square"])
    assert isinstance(made, Output)
    assert "colour of its background" not in (made.details["needs_review"] or "")
