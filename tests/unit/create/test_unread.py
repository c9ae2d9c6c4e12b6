"""What the engine could not paint is told, and what names no thing raises nothing."""

from uuid import uuid4

import pytest

from services.create.operations.generate import Generate
from services.create.providers.local.engine import left_out
from services.create.providers.local.vocabulary import vocabulary
from services.create.request import Params, requested
from services.create.styles import styles
from services.create.templates import templates
from studio.operation import Work


def missed(prompt, **more) -> tuple[str, ...]:
    return left_out(requested(Params(prompt=prompt, **more)))


@pytest.mark.parametrize(
    ("prompt", "words"),
    [
        ("a running shoe", ("shoe",)),
        ("a pair of leather boots on a wooden table", ("boots", "table")),
        ("a cat on a sofa", ("cat", "sofa")),
        ("headphones, matte black", ("headphones",)),
        ("a coffee machine", ("machine",)),
        ("a mountain bike", ("bike",)),
        ("a cup sits on a table next to a laptop", ("laptop",)),
        ("portrait of a woman drinking coffee", ("woman",)),
        ("a dog running on the beach", ("dog",)),
        ("our team celebrating", ("team",)),
        ("bakery", ("bakery",)),
        ("a rose", ("rose",)),
        ("a plate", ("plate",)),
        ("зелёный холм", ("холм",)),
    ],
)
def test_things_that_it_does_not_know_are_named(prompt, words):
    assert missed(prompt) == words


def test_things_that_it_knows_and_did_not_show_are_named():
    assert missed("a lake below snowy mountains") == ("snowy mountains",)
    assert missed("mountains", style="watercolor-wash") == ("mountains",)
    assert missed("mountains", template="product_square") == ("mountains",)
    assert missed("a mug and a candle", template="product_square") == ("candle",)
    assert missed("a mug and a candle") == ()


@pytest.mark.parametrize(
    "prompt",
    [
        "a calm sunrise over misty mountains",
        "a red ceramic mug, matt glaze, seen slightly from above",
        "premium coffee cup on marble, cream and terracotta, calm morning light",
        "High fidelity upscale preserving original details",
        "soft natural light, 85mm lens, shallow depth of field, 4k, sea",
        "Q1 launch campaign, bold and energetic, coral and navy",
        "cozy autumn mood, warm light",
        "minimalist poster for a summer festival of our bakery in teal",
        'a poster that says "Free shoes" in coral',
        "mountains without people",
        "an elegant perfume bottle on a marble plinth, glossy reflections",
        "sunny beach with gentle waves and a sailboat at golden hour",
        "a bouquet of fresh pink roses in a white vase on a wooden table",
        "pastel abstract background with flowing lines, copy space on the left",
        "calm blue",
        "#0b3954",
    ],
)
def test_light_mood_camera_colour_and_purpose_raise_nothing(prompt):
    assert missed(prompt) == ()


@pytest.mark.parametrize("style", list(styles().values()), ids=lambda one: one.id)
def test_the_words_of_a_style_raise_nothing(style):
    for word in style.spoken:
        assert missed(f"a cup, {word}", style="still-life") == ()
    assert missed("calm blue", style=style.id) == ()


@pytest.mark.parametrize("word", ["rose", "peach", "salmon"])
def test_a_thing_that_is_a_colour_too_is_a_thing_where_nothing_else_is(word):
    assert missed(f"a {word}") == missed(f"a pink {word}") == (word,)
    assert missed(f"a bowl in {word}") == ()


def test_the_words_of_templates_raise_nothing():
    for template in templates().values():
        assert missed("calm teal", template=template.id) == ()


def test_every_subject_by_itself_is_painted_by_whom_it_belongs_to():
    assert {word: missed(f"two {word}") for word in vocabulary().subjects if missed(word)} == {}


async def made(**params):
    operation = Generate()
    return await operation.run(Work(uuid4(), operation.parse(params), None, None, "local", None))


async def test_a_picture_of_something_else_says_so_and_asks_for_a_look():
    [one] = await made(prompt="a running shoe", width=64, height=64, template="product_square")
    assert "“shoe”" in one.details["needs_review"]
    assert one.notes == (one.details["needs_review"],)


async def test_a_picture_of_what_was_asked_for_says_nothing():
    [one] = await made(prompt="a red mug", width=64, height=64, template="product_square")
    assert "needs_review" not in one.details
    assert one.notes == ()
