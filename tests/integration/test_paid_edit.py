"""Edits by providers: over HTTP, against a simulator that bills and knows their rules."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from decimal import Decimal
from io import BytesIO
from typing import Any
from uuid import UUID, uuid4

import numpy as np
import pytest
from PIL import Image as Pillow
from pydantic import SecretStr

from services.edit.service import operations
from studio.imaging.decode import decode
from studio.imaging.image import Image
from studio.imaging.provenance import COMPOSITE_WITH_TRAINED_ALGORITHMIC_MEDIA as COMPOSITE
from studio.operation import Output, Work
from studio.problems import Refused
from studio.providers.accounts import Account
from studio.providers.buying import Buyer
from studio.providers.call import Moderated, Parked
from studio.providers.purchases import Purchases
from studio.providers.turns import Turns
from tests.simulator import running_simulator

PROVIDERS = ("stability", "openai", "google", "ideogram", "replicate")
OPERATIONS = {one.name: one for one in operations(PROVIDERS)}
BOX = {"box": {"x0": 0.25, "y0": 0.25, "x1": 0.5, "y1": 0.5}}
PATIENCE = 20  # s
#: What the simulator bills for Gemini it only assumes (bill.yaml).
BILLED_OTHERWISE = ("google",)


@pytest.fixture(scope="module")
def started() -> Iterator[Any]:
    with running_simulator(poll_s=0.0, job_s=0.1) as simulator:
        yield simulator


@pytest.fixture
def simulator(started):
    started.reset()
    return started


class Studio:
    """Performs operations by providers, as a worker does."""

    def __init__(self, buyer: Buyer, blobs) -> None:
        self.buyer, self.blobs = buyer, blobs
        self.parked = 0

    async def edited(
        self, operation: str, provider: str, image: Image, step: UUID | None = None, /, **raw: Any
    ) -> Output:
        """Until it is done; the step comes back whenever it was parked."""
        own = OPERATIONS[operation]
        params = own.params_type.model_validate(raw)
        step = step or uuid4()
        work = Work(
            step_id=step,
            params=params,
            image=image,
            facts=image.facts,
            provider=provider,
            read_blob=self.blobs.get,
            write_blob=self.blobs.put,
            buy=lambda call, index: self.buyer.buy(step, call, index),
        )
        engine = own.engine(provider)
        engine.check(image.facts, params)
        async with asyncio.timeout(PATIENCE):
            while True:
                try:
                    [made] = await engine.run(work)
                except Parked:
                    self.parked += 1
                    await asyncio.sleep(0.05)
                else:
                    assert isinstance(made, Output)
                    return made


@pytest.fixture
async def studio(simulator, database, blobs) -> AsyncIterator[Studio]:
    house = {"google": "gemini"}
    accounts = {}
    for name in PROVIDERS:
        at = house.get(name, name)
        url = simulator.base[at] + ("/v1beta" if name == "google" else "")
        accounts[name] = Account(name, url, SecretStr(simulator.keys[at][0]))
    buyer = Buyer(accounts, Purchases(database), Turns(database), blobs)
    yield Studio(buyer, blobs)
    await buyer.close()


@pytest.fixture
def coffee(photos) -> Image:
    """A cup on a table, 600 × 400."""
    return decode((photos / "coffee.jpg").read_bytes())


def billed(simulator) -> Decimal:
    return sum((Decimal(one["amount"]) for one in simulator.bill()["calls"]), Decimal(0))


def middle(image: Image) -> np.ndarray[Any, Any]:
    """The pixels of the box that was masked, well inside."""
    return pixels(image, 0.3, 0.45)


def corner(image: Image) -> np.ndarray[Any, Any]:
    return pixels(image, 0.7, 0.95)


def pixels(image: Image, first: float, last: float) -> np.ndarray[Any, Any]:
    box = (
        round(first * image.width),
        round(first * image.height),
        round(last * image.width),
        round(last * image.height),
    )
    return np.asarray(image.pixels.convert("RGB").crop(box), np.int16)


CASES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "stability erase": ("edit.erase", "stability", {"mask": BOX}),
    "stability inpaint": ("edit.inpaint", "stability", {"mask": BOX, "prompt": "tulips"}),
    "stability inpaint without words": ("edit.inpaint", "stability", {"mask": BOX}),
    "stability outpaint": ("edit.outpaint", "stability", {"left": 64, "down": 32}),
    "stability outpaint to a ratio": ("edit.outpaint", "stability", {"ratio": "16:9"}),
    "stability cut-out": ("edit.remove_background", "stability", {"feather": 2}),
    "stability relight": (
        "edit.replace_background",
        "stability",
        {"prompt": "a beach", "relight": 0.5},
    ),
    "stability replace by words": (
        "edit.search_replace",
        "stability",
        {"select": "the cup", "prompt": "a vase"},
    ),
    "stability replace by mask": (
        "edit.search_replace",
        "stability",
        {"mask": BOX, "prompt": "a vase"},
    ),
    "stability replace by nothing": (
        "edit.search_replace",
        "stability",
        {"mask": BOX, "erase": True},
    ),
    "stability recolour by words": (
        "edit.search_recolor",
        "stability",
        {"select": "the cup", "colour": "#0b7285"},
    ),
    "stability recolour by mask": (
        "edit.search_recolor",
        "stability",
        {"mask": BOX, "colour": "navy"},
    ),
    "openai instruction": ("edit.general", "openai", {"instruction": "make it winter"}),
    "openai inpaint": ("edit.inpaint", "openai", {"mask": BOX, "prompt": "tulips"}),
    "openai erase": ("edit.erase", "openai", {"mask": BOX}),
    "openai replace": ("edit.search_replace", "openai", {"mask": BOX, "prompt": "a vase"}),
    "openai background": ("edit.replace_background", "openai", {"prompt": "a beach"}),
    "ideogram inpaint": ("edit.inpaint", "ideogram", {"mask": BOX, "prompt": "tulips"}),
    "ideogram replace": ("edit.search_replace", "ideogram", {"mask": BOX, "prompt": "a vase"}),
    "ideogram background": ("edit.replace_background", "ideogram", {"prompt": "a beach"}),
    "gemini instruction": ("edit.general", "google", {"instruction": "make it winter"}),
}
EACH = pytest.mark.parametrize("name", CASES)


@EACH
async def test_an_edit_is_what_was_forecast_and_costs_what_was_billed(
    studio, simulator, coffee, name
):
    operation, provider, raw = CASES[name]
    own = OPERATIONS[operation]
    params = own.params_type.model_validate(raw)
    engine = own.engine(provider)
    [forecast] = engine.forecast(coffee.facts, params)
    quoted = engine.price(coffee.facts, params, provider)
    made = await studio.edited(operation, provider, coffee, **raw)
    assert made.image.facts == forecast
    assert "needs_review" not in made.details
    assert made.details["provider"] == provider
    assert quoted.minimum <= made.cost <= quoted.maximum
    assert provider in BILLED_OTHERWISE or made.cost.amount == billed(simulator)
    assert len(simulator.bill()["calls"]) == 1
    if operation != "edit.remove_background":
        assert made.image.source_type == COMPOSITE


@EACH
async def test_a_repeated_edit_buys_nothing_and_is_the_same(studio, simulator, coffee, name):
    operation, provider, raw = CASES[name]
    step = uuid4()
    first = await studio.edited(operation, provider, coffee, step, **raw)
    again = await studio.edited(operation, provider, coffee, step, **raw)
    assert len(simulator.bill()["calls"]) == 1
    assert first.cost == again.cost
    assert first.image.pixels.tobytes() == again.image.pixels.tobytes()


@pytest.mark.parametrize(
    "name", [one for one in CASES if "inpaint" in one or "mask" in one or "erase" in one]
)
async def test_what_the_mask_covers_is_edited_and_the_rest_is_not(studio, coffee, blobs, name):
    operation, provider, raw = CASES[name]
    made = await studio.edited(operation, provider, coffee, **raw)
    same_size = coffee.with_pixels(coffee.pixels.resize(made.image.pixels.size))
    assert np.abs(middle(made.image) - middle(same_size)).mean() > 10
    assert np.abs(corner(made.image) - corner(same_size)).mean() < 4
    mask = Pillow.open(BytesIO(await blobs.get(made.details["mask"])))
    assert (mask.mode, mask.size) == ("L", coffee.pixels.size)
    assert mask.getpixel((coffee.width * 3 // 8, coffee.height * 3 // 8)) == 255


async def test_a_relit_subject_is_a_job_that_parks_and_has_one_bill(studio, simulator, coffee):
    made = await studio.edited("edit.replace_background", "stability", coffee, prompt="a beach")
    assert studio.parked > 0
    assert [one["amount"] for one in simulator.bill()["calls"]] == ["0.08"]
    assert made.cost.amount == Decimal("0.08")


async def test_a_background_to_follow_travels_beside_the_subject(studio, blobs, coffee, photos):
    reference = await blobs.put((photos / "rocket.jpg").read_bytes())
    made = await studio.edited("edit.replace_background", "stability", coffee, image=reference)
    assert made.image.pixels.size == coffee.pixels.size


async def test_a_picture_that_is_too_large_is_refused_before_it_is_paid(studio, simulator):
    large = Image(Pillow.new("RGB", (2400, 2000), "red"))
    with pytest.raises(Refused) as caught:
        await studio.edited("edit.remove_background", "stability", large)
    assert caught.value.rule == "stability.edit.remove_background.max_pixels"
    assert "providers.md §4.1" in caught.value.says
    assert caught.value.remedy == {
        "operation": "edit.resize",
        "params": {"max_pixels": 4_194_304},
    }
    assert simulator.bill()["calls"] == []


async def test_a_large_png_travels_as_jpeg_and_is_taken(studio):
    noise = np.random.default_rng(1).integers(0, 256, (1900, 2000, 3), np.uint8)
    made = await studio.edited("edit.erase", "stability", Image(Pillow.fromarray(noise)), mask=BOX)
    assert made.image.pixels.size == (2000, 1900)


async def test_a_large_picture_comes_back_at_four_megapixels_as_forecast(studio):
    own = OPERATIONS["edit.erase"]
    large = Image(Pillow.linear_gradient("L").resize((3000, 2000)).convert("RGB"))
    params = own.params_type.model_validate({"mask": BOX})
    [forecast] = own.engine("stability").forecast(large.facts, params)
    made = await studio.edited("edit.erase", "stability", large, mask=BOX)
    assert made.image.facts == forecast
    assert forecast.pixels <= 4_194_304


async def test_what_was_transparent_stays_so(studio, coffee):
    clear = coffee.pixels.copy()
    clear.putalpha(Pillow.linear_gradient("L").resize(clear.size))
    made = await studio.edited("edit.erase", "stability", Image(clear), mask=BOX)
    assert made.image.pixels.getchannel("A").tobytes() == clear.getchannel("A").tobytes()


@pytest.mark.parametrize("provider", ["stability", "openai", "ideogram"])
async def test_a_picture_of_another_size_is_kept_and_marked_for_a_person(
    studio, simulator, coffee, provider
):
    simulator.faults(provider, "wrong_size")
    made = await studio.edited("edit.inpaint", provider, coffee, mask=BOX, prompt="tulips")
    assert "were expected" in made.details["needs_review"]
    assert made.details["needs_review"] in made.notes
    assert made.cost.amount > 0


async def test_a_filtered_edit_is_moderated(studio, simulator, coffee):
    simulator.faults("stability", "blurred_200")
    with pytest.raises(Moderated):
        await studio.edited("edit.erase", "stability", coffee, mask=BOX)
