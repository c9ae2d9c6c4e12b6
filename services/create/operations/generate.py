"""`create.generate`: pictures from a prompt, in one to ten variations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PIL import Image as Pillow

from services.create.details import asked
from services.create.providers.local.engine import (
    ENGINE,
    MAX_PIXELS,
    VERSION,
    check_words,
    left_out,
    paint,
)
from services.create.providers.local.reference import Look, look_at
from services.create.providers.local.unread import told
from services.create.quality import grade
from services.create.request import Params, Reference, requested
from studio.compute import compute
from studio.imaging.decode import decode
from studio.imaging.facts import ImageFacts
from studio.imaging.image import Image
from studio.imaging.provenance import ALGORITHMIC_MEDIA
from studio.money import PriceRange
from studio.operation import Failure, Operation, Output, Work
from studio.problems import Refused

__all__ = ["Generate", "Params"]


class Generate(Operation[Params]):
    """Generate pictures."""

    name = "create.generate"
    summary = "Make one to ten pictures from a prompt."
    needs_image = False
    limits = (
        f"width × height is at most {MAX_PIXELS:,} pixels",
        "both sides beat the aspect ratio, which beats the template's size; else 1024 × 1024",
        "the local engine paints what docs/prompts.md lists; what it left out it names for review",
        "a brand's logo and font are not drawn; add edit.text or an overlay for them",
    )

    def check(self, image: ImageFacts | None, params: Params) -> None:
        """Names and the ratio exist, the size can be painted, and a headline can be set."""
        request = requested(params)
        pixels = request.width * request.height
        if pixels > MAX_PIXELS:
            raise Refused(
                rule="create.generate.max_pixels",
                says=f"{request.width}×{request.height} are {pixels:,} pixels; the local engine "
                f"makes at most {MAX_PIXELS:,}.",
                fix="Make it smaller here, and add an upscale step after it.",
            )
        if request.transparent:
            grade("local", request.quality, "transparent")  # Refused
        check_words(request)

    def forecast(self, image: ImageFacts | None, params: Params) -> Sequence[ImageFacts]:
        """As many pictures as variations, all of one size."""
        request = requested(params)
        return [ImageFacts(width=request.width, height=request.height)] * request.variations

    def price(self, image: ImageFacts | None, params: Params, provider: str) -> PriceRange:
        """Each variation is paid for."""
        return self.unit_price(provider) * params.variations

    async def run(self, work: Work[Params]) -> Sequence[Output | Failure]:
        """One variation after another; each uses the seed that follows the one before."""
        request = requested(work.params, default_seed=work.step_id.int)
        look = await _look(work, request.followed)
        details = asked(work.params, request) | {"engine": ENGINE, "engine_version": VERSION}
        notes = tuple(told(missed) for missed in [left_out(request)] if missed)
        if notes:
            details["needs_review"] = notes[0]
        made = []
        for number in range(request.variations):
            seed = request.seed_of(number)
            pixels = await compute(paint, request, seed=seed, look=look)
            made.append(_output(pixels, number, {**details, "seed": seed}, notes))
        return made


async def _look(work: Work[Params], reference: Reference | None) -> Look | None:
    """The reference's colours and tones; Refused (`image.…`) if it is not a picture."""
    if reference is None:
        return None
    image = await compute(decode, await work.read_blob(reference.blob))
    return await compute(look_at, image.flattened((255, 255, 255)), reference.strength)


def _output(
    pixels: Pillow.Image, number: int, details: Mapping[str, object], notes: tuple[str, ...]
) -> Output:
    image = Image(pixels, source_type=ALGORITHMIC_MEDIA)
    return Output(image=image, label=f"variation {number + 1}", details=details, notes=notes)
