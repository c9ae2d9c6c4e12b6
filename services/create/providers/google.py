"""Google: Gemini's native images, one a call, and Imagen, up to four; both by one key."""

from __future__ import annotations

from services.create.providers.following import by_words
from services.create.providers.paid import (
    PaidGenerate,
    Plan,
    Size,
    nearest,
    unwanted_unsaid,
)
from services.create.request import ImageRequest
from studio.providers import google
from studio.providers.call import Call

#: At 1K; 2K and 4K have two and four times the sides. The shapes are those of providers.md §4.3,
#: the pixels are of Google's guide to image generation, as remembered.
_GEMINI: dict[str, Size] = {
    "1:1": (1024, 1024),
    "2:3": (848, 1264),
    "3:2": (1264, 848),
    "3:4": (896, 1200),
    "4:3": (1200, 896),
    "4:5": (928, 1152),
    "5:4": (1152, 928),
    "9:16": (768, 1376),
    "16:9": (1376, 768),
    "21:9": (1584, 672),
}
#: Likewise, of Vertex AI's page.
_IMAGEN: dict[str, Size] = {
    "1:1": (1024, 1024),
    "3:4": (896, 1280),
    "4:3": (1280, 896),
    "9:16": (768, 1408),
    "16:9": (1408, 768),
}


class Gemini(PaidGenerate):
    """One picture a call; it takes neither a seed nor a negative prompt."""

    provider = account = "google"
    ladder = "gemini"
    tolerance = 0.05

    def plan(self, request: ImageRequest) -> Plan:
        """The model and its size by data, in the nearest of ten shapes."""
        grade = self.grade(request)
        level, shape = str(grade.settings["imageSize"]), nearest(_GEMINI, request)
        size = _enlarged(_GEMINI[shape], level)
        prompt, notes = by_words(request, self.provider)
        return Plan(grade.bought(), str(grade.model), prompt, size, shape, notes)

    def call(
        self, request: ImageRequest, plan: Plan, part: range, reference: bytes | None = None
    ) -> Call:
        """One picture; an edit if there is one to follow."""
        level = str(self.grade(request).settings["imageSize"])
        if reference is not None:
            return google.gemini_edit(
                [reference],
                plan.prompt,
                model=plan.model,
                aspect_ratio=plan.shape,
                size=level,
            )
        return google.gemini_generate(
            plan.prompt, model=plan.model, aspect_ratio=plan.shape, size=level
        )


class Imagen(PaidGenerate):
    """Up to four pictures a call. It is given no seed: one would turn its watermark off."""

    provider = ladder = "imagen"
    account = "google"
    tolerance = 0.05

    def plan(self, request: ImageRequest) -> Plan:
        """The model and its size by data, in the nearest of five shapes."""
        grade = self.grade(request)
        shape = nearest(_IMAGEN, request)
        size = _enlarged(_IMAGEN[shape], str(grade.settings["sampleImageSize"]))
        notes = unwanted_unsaid(request, str(grade.model))  # providers.md §4.3: older models only
        return Plan(grade.bought(), str(grade.model), request.prompt, size, shape, notes)

    def call(
        self, request: ImageRequest, plan: Plan, part: range, reference: bytes | None = None
    ) -> Call:
        """One call of as many pictures."""
        return google.imagen_generate(
            plan.prompt,
            model=plan.model,
            n=len(part),
            aspect_ratio=plan.shape,
            size=str(self.grade(request).settings["sampleImageSize"]),
        )


def _enlarged(size: Size, level: str) -> Size:
    """The size at "2K": twice the sides of "1K"."""
    times = int(level.removesuffix("K"))
    return size[0] * times, size[1] * times
