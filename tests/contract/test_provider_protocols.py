"""Our calls, held against a simulator that was written from the providers' documents, not from us.

Each call is sent as the buyer sends it (`studio.providers.buying`), asked for until it is done,
and its links are fetched. What the simulator bills has to lie within what our price book says.
"""

import io
import time
from decimal import Decimal

import httpx
import pytest
from PIL import Image

from studio.providers import fal, google, huggingface, ideogram, openai, replicate, stability
from studio.providers.call import Call, Files, Job, Links, Moderated, ProviderRefused
from studio.providers.pictures import media_type
from studio.providers.prices import price_book
from tests.simulator import running_simulator

_JOB_SECONDS = 10


def photo(width: int = 640, height: int = 480, mode: str = "RGB", kind: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    Image.linear_gradient("L").resize((width, height)).convert(mode).save(buffer, kind)
    return buffer.getvalue()


PHOTO, MASK, CUT_OUT = photo(), photo(mode="L"), photo(mode="LA")
GEMINI, IMAGEN = "gemini-3.1-flash-image", "imagen-4.0-generate-001"

CALLS: dict[str, Call] = {
    "ultra": stability.generate_ultra("a calm sea", negative_prompt="boats", aspect_ratio="16:9"),
    "ultra of an image": stability.generate_ultra("a calm sea", image=PHOTO, strength=0.6),
    "core": stability.generate_core("a calm sea", style_preset="photographic", seed=7),
    "sd3": stability.generate_sd3("a calm sea", model="sd3.5-medium", cfg_scale=5),
    "sd3 of an image": stability.generate_sd3("a calm sea", image=PHOTO, strength=0.4),
    "remove background": stability.remove_background(PHOTO, output_format="webp"),
    "erase": stability.erase(PHOTO, MASK, grow_mask=3),
    "inpaint": stability.inpaint(PHOTO, "a boat", MASK, seed=3),
    "outpaint": stability.outpaint(PHOTO, left=64, down=32, creativity=0.2),
    "search and replace": stability.search_replace(PHOTO, "a bus", "the car"),
    "search and recolor": stability.search_recolor(PHOTO, "red", "the car"),
    "relight": stability.replace_background(
        PHOTO,
        background_prompt="a beach",
        keep_original_background=False,
        light_source_direction="left",
        light_source_strength=0.5,
    ),
    "fast": stability.upscale_fast(PHOTO),
    "conservative": stability.upscale_conservative(PHOTO, "a slope", creativity=0.3),
    "creative": stability.upscale_creative(PHOTO, "a slope", creativity=0.3),
    "openai": openai.generate("a fox", model="gpt-image-1", quality="low", n=2),
    "openai edit": openai.edit([PHOTO], "in winter", model="gpt-image-1.5", mask=CUT_OUT),
    "openai edit of two": openai.edit([PHOTO, photo(kind="JPEG")], "both", model="gpt-image-2"),
    "gemini": google.gemini_generate("a fox", model=GEMINI, aspect_ratio="4:5", size="2K"),
    "gemini edit": google.gemini_edit([PHOTO], "in winter", model=GEMINI),
    "imagen": google.imagen_generate("a fox", model=IMAGEN, n=2, aspect_ratio="3:4", seed=4),
    "hugging face": huggingface.text_to_image("a fox", width=512, height=384, seed=3),
    "hugging face edit": huggingface.image_to_image(PHOTO, "in winter", size=(512, 384)),
    "ideogram": ideogram.generate("a fox", speed="TURBO", aspect_ratio="16:9", num_images=2),
    "ideogram in colours": ideogram.generate(
        "a fox", colors=["#0B7285"], style_references=[photo(kind="JPEG")]
    ),
    "ideogram transparent": ideogram.generate_transparent("ein Füchslein", upscale_factor="X1"),
    "ideogram edit": ideogram.edit(PHOTO, MASK, "a boat"),
    "ideogram remix": ideogram.remix(PHOTO, "a boat", image_weight=60),
    "ideogram reframe": ideogram.reframe(PHOTO, "1280x800"),
    "ideogram background": ideogram.replace_background(PHOTO, "a beach"),
    "ideogram upscale": ideogram.upscale(PHOTO, resemblance=70, detail=50),
    "replicate": replicate.generate("a fox", aspect_ratio="16:9", num_outputs=2),
    "real-esrgan": replicate.upscale(photo(64, 48), scale=2),
    "replicate of an image": replicate.generate(
        "a fox", model="flux-dev", image=PHOTO, prompt_strength=0.4
    ),
    "flux 1.1 pro": replicate.generate("a fox", model="flux-1.1-pro", aspect_ratio="3:2"),
    "recraft": replicate.remove_background(PHOTO),
    "recraft creative": replicate.enlarge(photo(300, 256)),
    "fal": fal.generate("a fox", image_size="portrait_4_3", num_images=2, seed=5),
    "fal of an image": fal.follow(PHOTO, "a fox", strength=0.4, steps=20, num_images=2),
    "recraft crisp": fal.enlarge(PHOTO),
    "clarity": fal.upscale(PHOTO, prompt="a slope", factor=2, creativity=0.4, resemblance=0.6),
}
_MADE = {"openai": 2, "imagen": 2, "ideogram": 2, "replicate": 2, "fal": 2, "fal of an image": 2}
#: Whose bill the simulator only assumes (bill.yaml), where our book has a source.
_ASSUMED = {"openai edit of two", "gemini", "gemini edit", "replicate", "replicate of an image"}
_ASSUMED |= {"flux 1.1 pro"}
_HEADERS = {
    "gemini": ("x-goog-api-key", "{}"),
    "imagen": ("x-goog-api-key", "{}"),
    "ideogram": ("Api-Key", "{}"),
    "fal": ("Authorization", "Key {}"),
}
CALM = pytest.mark.parametrize("name", CALLS)


@pytest.fixture(scope="module")
def started():
    with running_simulator(poll_s=0.0) as simulator:
        yield simulator


@pytest.fixture
def simulator(started):
    started.reset()
    return started


def house(call: Call) -> str:
    """Under which name the simulator keeps the provider: it divides Google in two."""
    if call.provider != "google":
        return call.provider
    return "imagen" if call.path.endswith(":predict") else "gemini"


def ask(simulator, call: Call, path: str | None = None, account: int = 0) -> httpx.Response:
    """Send it as the buyer does; with a path, ask for its job."""
    name = house(call)
    header, form = _HEADERS.get(name, ("Authorization", "Bearer {}"))
    headers = {header: form.format(simulator.keys[name][account]), **call.headers}
    base = simulator.base[name] + ("/v1beta" if call.provider == "google" else "")
    if path:
        return httpx.get(base + path, headers=headers)
    files = [(field, (one.name, one.data, one.media_type)) for field, one in call.files]
    return httpx.post(
        base + call.path, headers=headers, json=call.json, data=call.form, files=files or None
    )


def bought(simulator, call: Call) -> list[bytes]:
    """The pictures of a call, however long the way to them is."""
    answer = call.read(ask(simulator, call))
    give_up = time.monotonic() + _JOB_SECONDS
    while isinstance(answer, Job):
        assert time.monotonic() < give_up, f"{call.product} never ended"
        time.sleep(0.05)
        answer = call.read(ask(simulator, call, answer.path))
    if isinstance(answer, Links):
        return [httpx.get(url).raise_for_status().content for url in answer.urls]
    assert isinstance(answer, Files)
    return list(answer.files)


@CALM
def test_a_call_brings_its_pictures_for_a_price_that_was_expected(simulator, name):
    call = CALLS[name]
    pictures = bought(simulator, call)
    assert [media_type(one)[:6] for one in pictures] == ["image/"] * _MADE.get(name, 1)
    billed = sum(Decimal(one["amount"]) for one in simulator.bill()["calls"])
    price = price_book().price(call.provider, call.product, _MADE.get(name, 1))
    assert billed > 0
    assert name in _ASSUMED or price.minimum.amount <= billed <= price.maximum.amount


@CALM
def test_a_wrong_key_is_told_from_everything_else(simulator, name):
    call = CALLS[name]
    keys = {**simulator.keys, house(call): ("sk-nobody:secret", "")}
    stranger = type(simulator)(**{**vars(simulator), "keys": keys})
    with pytest.raises(ProviderRefused) as caught:
        call.read(ask(stranger, call))
    assert caught.value.rule == "provider.key"
    assert "nobody" not in caught.value.says


@CALM
def test_a_filtered_call_is_moderated(simulator, name):
    call = CALLS[name]
    simulator.faults(house(call), "moderated")
    with pytest.raises(Moderated):
        bought(simulator, call)


@CALM
def test_a_web_page_in_place_of_a_reply_is_unreadable(simulator, name):
    call = CALLS[name]
    simulator.faults(house(call), "html")
    with pytest.raises(ValueError):
        call.read(ask(simulator, call))


@pytest.mark.parametrize("name", ["core", "relight"])
def test_a_blurred_picture_is_moderated_and_billed(simulator, name):
    simulator.faults("stability", "blurred_200")
    with pytest.raises(Moderated) as caught:
        bought(simulator, CALLS[name])
    assert caught.value.billed == "yes"


def test_a_picture_that_imagen_left_out_is_told_beside_those_that_came(simulator):
    simulator.faults("imagen", "moderated", variant="some")
    answer = CALLS["imagen"].read(ask(simulator, CALLS["imagen"]))
    assert len(answer.files) == answer.details["filtered"] == 1
    (billed,) = simulator.bill()["calls"]
    assert Decimal(billed["amount"]) == answer.cost.amount


@pytest.mark.parametrize("name", ["creative", "replicate", "fal"])
def test_a_result_that_was_deleted_is_told_as_expired(simulator, name):
    call = CALLS[name]
    job = call.read(ask(simulator, call))
    assert isinstance(job, Job)
    with pytest.raises(ProviderRefused) as caught:
        call.read(ask(simulator, call, job.path, account=1))  # another key's jobs are not there
    assert (caught.value.rule, caught.value.billed) == ("provider.expired", "yes")


def test_an_image_that_is_too_large_is_refused_in_stabilitys_words(simulator):
    call = stability.upscale_fast(photo(1200, 1000))
    with pytest.raises(ProviderRefused, match="1,048,576") as caught:
        call.read(ask(simulator, call))
    assert caught.value.rule == "provider.refused"
