"""OpenAI: the GPT image models, in three sizes; a call makes up to ten pictures."""

from __future__ import annotations

from services.create.providers.following import by_words
from services.create.providers.paid import PaidGenerate, Plan, Size, nearest
from services.create.request import ImageRequest
from studio.providers import openai
from studio.providers.call import Call

#: providers.md §4.2; the sizes that have a price.
_SIZES: dict[str, Size] = {
    "1024x1024": (1024, 1024),
    "1536x1024": (1536, 1024),
    "1024x1536": (1024, 1536),
}


class OpenAI(PaidGenerate):
    """All variations in one call; it takes no seed."""

    provider = account = ladder = "openai"

    def plan(self, request: ImageRequest) -> Plan:
        """The model and its quality by data, and the nearest of three sizes."""
        grade = self.grade(request)
        shape = nearest(_SIZES, request)
        prompt, notes = by_words(request, self.provider)
        return Plan(
            grade.bought(openai.shape(shape)),
            str(grade.model),
            prompt,
            _SIZES[shape],
            shape,
            notes,
            alpha=request.transparent,
        )

    def call(
        self, request: ImageRequest, plan: Plan, part: range, reference: bytes | None = None
    ) -> Call:
        """One call of as many pictures; an edit if there is a picture to follow."""
        quality = str(self.grade(request).settings["quality"])
        background = "transparent" if plan.alpha else None
        if reference is not None:
            return openai.edit(
                [reference],
                plan.prompt,
                model=plan.model,
                size=str(plan.shape),
                quality=quality,
                n=len(part),
                background=background,
            )
        return openai.generate(
            plan.prompt,
            model=plan.model,
            size=str(plan.shape),
            quality=quality,
            n=len(part),
            background=background,
        )
