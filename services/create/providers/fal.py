"""fal: the FLUX models in six sizes; a request makes up to four pictures."""

from __future__ import annotations

from services.create.providers.paid import PaidGenerate, Plan, Size, nearest, unwanted_unsaid
from services.create.quality import Quality
from services.create.request import ImageRequest
from studio.providers import fal
from studio.providers.call import Call

#: Until services/create/quality has it: the two that have a price, and the steps of each
#: (schnell is made for 1 to 4, dev for up to 50; as the models' pages say, as remembered).
_MODELS: dict[Quality, tuple[str, int]] = {
    "draft": ("flux.schnell", 4),
    "standard": ("flux.dev", 28),
    "premium": ("flux.dev", 50),
}
#: skillspool.org (the models' inputs), as in studio/providers/limits.
_SIZES: dict[str, Size] = {
    "square_hd": (1024, 1024),
    "portrait_4_3": (768, 1024),
    "portrait_16_9": (576, 1024),
    "landscape_4_3": (1024, 768),
    "landscape_16_9": (1024, 576),
}
_SMALL_SQUARE = 512  # px, the sixth


class Fal(PaidGenerate):
    """Up to four variations a job; it takes a seed, and no negative prompt."""

    provider = account = ladder = "fal"
    seeds = 2**31 - 1  # what the models take is not told; a positive 32-bit number always fits

    def plan(self, request: ImageRequest) -> Plan:
        """The model by quality, in the nearest of five shapes; a square also small."""
        model, _ = _MODELS[request.quality]
        shape = nearest(_SIZES, request)
        size = _SIZES[shape]
        if shape == "square_hd" and max(request.width, request.height) <= _SMALL_SQUARE:
            shape, size = "square", (_SMALL_SQUARE, _SMALL_SQUARE)
        notes = unwanted_unsaid(request, model)
        return Plan(f"generate.{model}", model, request.prompt, size, shape, notes)

    def call(self, request: ImageRequest, plan: Plan, part: range) -> Call:
        """One request of the queue."""
        return fal.generate(
            plan.prompt,
            model=plan.model,
            image_size=str(plan.shape),
            num_images=len(part),
            steps=_MODELS[request.quality][1],
            seed=self.seed(request, part),
        )
