"""Templates, styles and qualities: dated data that agrees with the platforms and the providers."""

from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

import services.create
from services.create.providers.local.engine import MAX_PIXELS
from services.create.quality import Ladder, grade, ladders
from services.create.styles import Style, find_style, styles
from services.create.templates import Template, find_template, templates
from services.optimizer.placements import placement_book
from studio.problems import Refused

FOLDER = Path(services.create.__file__).parent

#: earlier-system.md §2
GUIDE = [
    "instagram_feed_square",
    "instagram_feed_portrait",
    "instagram_story",
    "instagram_reel_cover",
    "linkedin_post",
    "linkedin_post_square",
    "linkedin_article",
    "linkedin_cover",
    "facebook_feed",
    "facebook_feed_square",
    "facebook_story",
    "facebook_cover",
    "twitter_post",
    "twitter_card",
    "twitter_header",
    "youtube_thumbnail",
    "youtube_channel_art",
    "pinterest_pin",
    "pinterest_story",
    "tiktok_video_cover",
    "blog_header",
    "blog_header_wide",
    "email_banner",
    "email_product",
    "website_hero",
    "website_banner",
]

#: providers.md §4.1, style_preset
STABILITY = [
    "enhance",
    "anime",
    "photographic",
    "digital-art",
    "comic-book",
    "fantasy-art",
    "line-art",
    "analog-film",
    "neon-punk",
    "isometric",
    "low-poly",
    "origami",
    "modeling-compound",
    "cinematic",
    "3d-model",
    "pixel-art",
    "tile-texture",
]


def test_all_26_templates_of_the_guide_are_there():
    assert len(GUIDE) == 26
    assert set(GUIDE) <= set(templates())


def test_every_category_has_templates():
    categories = [one.category for one in templates().values()]
    for category in ("social", "blog", "ad", "product", "brand", "email", "web"):
        assert categories.count(category) >= 2, category


@pytest.mark.parametrize("template", [t for t in templates().values() if t.placement], ids=str)
def test_a_template_has_the_size_of_its_placement(template):
    placement = placement_book().placement(template.placement)
    assert (template.width, template.height) == (placement.width, placement.height)


@pytest.mark.parametrize("template", templates().values(), ids=lambda one: one.id)
def test_a_template_can_be_painted_in_a_style_that_exists(template):
    assert template.width * template.height <= MAX_PIXELS
    assert template.style is None or template.style in styles()


def test_display_ads_are_masters_of_whole_multiples():
    for name, (width, height) in {
        "ad_display_rectangle": (300, 250), "ad_display_leaderboard": (728, 90),
        "ad_display_skyscraper": (160, 600), "ad_display_half_page": (300, 600),
        "ad_display_billboard": (970, 250), "ad_display_mobile": (320, 50),
    }.items():  # fmt: skip
        one = find_template(name)
        assert one.width % width == 0, name
        assert (one.width // width, one.width / width) == (
            one.height // height,
            one.height / height,
        )


def test_all_17_presets_of_stability_are_styles_of_the_same_name():
    assert len(STABILITY) == 17
    for name in STABILITY:
        assert find_style(name).presets["stability"] == name
    assert {s.presets.get("stability") for s in styles().values()} - {None} == set(STABILITY)


def test_there_are_the_styles_that_the_guide_names_and_they_differ():
    assert {"product-photography", "oil-painting", "watercolor", "minimal"} <= set(styles())
    assert len(styles()) >= 20
    said = [(one.prompt, one.negative) for one in styles().values()]
    assert len(set(said)) == len(said)


def test_unknown_names_are_refused_with_near_ones():
    for find, name, near in (
        (find_style, "Photographic!", "photographic"),
        (find_template, "blog_heder", "blog_header"),
        (lambda name: grade(name, "draft"), "stabilty", "stability"),
    ):
        with pytest.raises(Refused) as refused:
            find(name)
        assert near in refused.value.fix
        assert near in refused.value.valid


def test_every_provider_makes_every_quality():
    assert {"local", "stability", "openai", "ideogram", "huggingface", "gemini"} <= set(ladders())
    for provider, ladder in ladders().items():
        steps = [ladder.grades[quality] for quality in ("draft", "standard", "premium")]
        assert all(one.model for one in steps), provider
        assert steps[0] != steps[2], provider
    assert grade("stability", "premium").model == "ultra"


@pytest.mark.parametrize(
    ("book", "read"), [("quality", ladders), ("styles", styles), ("templates", templates)]
)
def test_the_newest_book_is_read(book, read, tmp_path, monkeypatch):
    (tmp_path / "2026-11.yaml").write_text("an older one, which nobody reads")
    (tmp_path / "2027-01.yaml").write_text(max(FOLDER.glob(f"{book}/*.yaml")).read_text())
    monkeypatch.setattr(f"services.create.{book}.__file__", str(tmp_path / "__init__.py"))
    assert read.__wrapped__() == read()


def test_data_that_is_wrong_is_not_loaded():
    template = {
        "id": "x",
        "name": "X",
        "category": "social",
        "width": 64,
        "height": 64,
        "source": "s",
    }
    Template.model_validate(template)
    for wrong in ({"width": 63}, {"category": "print"}, {"source": ""}, {"colour": "red"}):
        with pytest.raises(ValidationError):
            Template.model_validate(template | wrong)
    style = yaml.safe_load("{id: x-y, name: X, description: d, prompt: [p], local: {}, source: s}")
    Style.model_validate(style)
    for wrong in ({"id": "X y"}, {"prompt": []}, {"local": {"strength": 2}}):
        with pytest.raises(ValidationError):
            Style.model_validate(style | wrong)
    with pytest.raises(ValidationError):
        Ladder.model_validate({"grades": {"draft": {"model": "m"}}, "source": "s"})


def test_a_quality_that_would_buy_what_has_no_price_is_not_loaded():
    def of(product: str) -> dict[str, object]:
        grades = {one: {"product": product} for one in ("draft", "standard", "premium")}
        return {"account": "fal", "grades": grades, "source": "s"}

    Ladder.model_validate(of("generate.flux.dev"))
    with pytest.raises(ValidationError, match="has no price or no limits"):
        Ladder.model_validate(of("generate.flux.ultra"))
