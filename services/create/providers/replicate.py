"""Replicate: the FLUX models of Black Forest Labs; a prediction makes up to four pictures."""

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
from studio.providers import replicate
from studio.providers.call import Call

#: The models' own sizes, as remembered; providers.md §4.6 does not tell them.
_SIZES: dict[str, Size] = {
    "1:1": (1024, 1024),
    "16:9": (1344, 768),
    "21:9": (1536, 640),
    "3:2": (1216, 832),
    "2:3": (832, 1216),
    "4:5": (896, 1088),
    "5:4": (1088, 896),
    "3:4": (896, 1152),
    "4:3": (1152, 896),
    "9:16": (768, 1344),
    "9:21": (640, 1536),
}


class Replicate(PaidGenerate):
    """Up to four variations a job; FLUX 1.1 pro makes one."""

    provider = account = ladder = "replicate"
    seeds = 2**31 - 1  # what the models take is not told; a positive 32-bit number always fits
    tolerance = 0.05

    def plan(self, request: ImageRequest) -> Plan:
        """The model by quality, in the nearest of eleven shapes."""
        grade, shape = self.grade(request), nearest(_SIZES, request)
        model = str(grade.model)
        notes = unwanted_unsaid(request, model)
        return Plan(grade.bought(), model, request.prompt, _SIZES[shape], shape, notes)

    def call(
        self, request: ImageRequest, plan: Plan, part: range, reference: bytes | None = None
    ) -> Call:
        """One prediction."""
        return replicate.generate(
            plan.prompt,
            model=plan.model,
            aspect_ratio=plan.shape,
            image=reference,
            prompt_strength=None if reference is None else departure(request),
            num_outputs=len(part),
            seed=self.seed(request, part),
        )
