"""Quoted imports: what is foretold of an upload is what comes of it."""

import io

import httpx
from PIL import Image as Pillow
from PIL import ImageDraw

from tests.integration.test_api import finished, http, url

__all__ = ["http", "url"]  # fixtures: the platform in one process, and a client of it

PLACEMENTS = ["instagram_square", "facebook_link"]  # both are larger than what is uploaded


def uploaded(http: httpx.Client, pixels: Pillow.Image, form: str) -> str:
    file = io.BytesIO()
    pixels.save(file, form)
    return http.post("/v1/uploads", content=file.getvalue()).json()["blob"]


def cut_out(side: int) -> Pillow.Image:
    pixels = Pillow.new("RGBA", (side, side), (0, 0, 0, 0))
    ImageDraw.Draw(pixels).ellipse((20, 20, side - 20, side - 20), fill="#e4572e")
    return pixels


def body(blob: str, **said: object) -> dict:
    export = {"operation": "optimizer.export", "params": {"placements": PLACEMENTS}}
    steps = [{"operation": "create.import", "params": {"blob": blob, **said}}, export]
    return {"steps": steps, "repair": False}


def test_an_uploaded_cut_out_is_quoted_as_the_run_delivers_it(http):
    """It stands free in placements that are larger than itself."""
    asked = body(uploaded(http, cut_out(1000), "PNG"))
    quote = http.post("/v1/quotes", json=asked).json()
    assert [one["failures"] for one in quote["steps"]] == [[], []]
    started = http.post("/v1/runs", json=asked).json()
    assert finished(http, started["id"])["counts"] == {"catalogued": quote["images"]}
    assert quote["images"] == len(PLACEMENTS)


def test_an_uploaded_photo_is_quoted_with_the_placements_that_it_is_too_small_for(http):
    blob = uploaded(http, Pillow.new("RGB", (1000, 1000), "#335577"), "JPEG")
    asked = body(blob, width=4000, height=4000, alpha=True)  # the file itself says otherwise
    answer = http.post("/v1/quotes", json=asked)
    assert answer.status_code == 422, answer.text
    assert answer.json()["type"].endswith(":run.nothing")
