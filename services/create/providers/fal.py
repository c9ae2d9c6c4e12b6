"""fal: the FLUX models in six sizes; a request makes up to four pictures.

A picture that is followed is made anew by FLUX dev, at its own size.
"""

from __future__ import annotations

from services.create.providers.following import departure
from services.create.providers.paid import (
    PaidGenerate,
    Plan,
    Size,
    nearest,
    unwanted_unsaid,
)
from services.create.request import ImageRequest
from studio.providers import fal
from studio.providers.call import Call

#: skillspool.org (the models' inputs), as in studio/providers/limits.
_SIZES: dict[str, Size] = {
    "square_hd": (1024, 1024),
    "portrait_4_3": (768, 1024),
    "portrait_16_9": (576, 1024),
    "landscape_4_3": (1024, 768),
    "landscape_16_9": (1024, 576),
}
_SMALL_SQUARE = 512  # px, the sixth
_LEAST = 0.01  # of a strength; fal.ai/models/fal-ai/flux/dev/image-to-image/llms.txt


class Fal(PaidGenerate):
    """Up to four variations a job; it takes a seed, and no negative prompt."""

    provider = account = ladder = "fal"
    seeds = 2**31 - 1  # what the models take is not told; a positive 32-bit number always fits

    def plan(self, request: ImageRequest) -> Plan:
        """The model by quality, in the nearest of five shapes; a square also small."""
        grade = self.grade(request)
        model = str(grade.model)
        shape = nearest(_SIZES, request)
        size = _SIZES[shape]
        if shape == "square_hd" and max(request.width, request.height) <= _SMALL_SQUARE:
            shape, size = "square", (_SMALL_SQUARE, _SMALL_SQUARE)
        notes = unwanted_unsaid(request, model)
        return Plan(grade.bought(), model, request.prompt, size, shape, notes)

    def call(
        self, request: ImageRequest, plan: Plan, part: range, reference: bytes | None = None
    ) -> Call:
        """One request of the queue."""
        steps = int(self.grade(request).settings["num_inference_steps"])
        if reference is not None:
            return fal.follow(
                reference,
                plan.prompt,
                model=plan.model,
                strength=max(_LEAST, departure(request)),
                num_images=len(part),
                steps=steps,
                seed=self.seed(request, part),
            )
        return fal.generate(
            plan.prompt,
            model=plan.model,
            image_size=str(plan.shape),
            num_images=len(part),
            steps=steps,
            seed=self.seed(request, part),
        )
