"""Stability AI: Stable Diffusion 3.5 for drafts, Core as the standard, Ultra for the best."""

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
from studio.providers import stability
from studio.providers.call import Call

#: 1 MP: the buckets of SDXL (Stability's API v1 schema); providers.md §4.1 tells 1024×1024 only.
_ONE_MP: dict[str, Size] = {
    "21:9": (1536, 640),
    "16:9": (1344, 768),
    "3:2": (1216, 832),
    "5:4": (1088, 896),
    "1:1": (1024, 1024),
    "4:5": (896, 1088),
    "2:3": (832, 1216),
    "9:16": (768, 1344),
    "9:21": (640, 1536),
}
#: 1.5 MP (providers.md §4.1), in multiples of 32: assumed, as the provider tells no sides.
_CORE: dict[str, Size] = {
    "21:9": (1888, 832),
    "16:9": (1664, 928),
    "3:2": (1536, 1024),
    "5:4": (1376, 1120),
    "1:1": (1248, 1248),
    "4:5": (1120, 1376),
    "2:3": (1024, 1536),
    "9:16": (928, 1664),
    "9:21": (832, 1888),
}


class Stability(PaidGenerate):
    """One picture a call, with the style as a preset where it has one of that name."""

    provider = account = ladder = "stability"
    seeds = 4_294_967_294  # providers.md §4.1
    tolerance = 0.05

    def plan(self, request: ImageRequest) -> Plan:
        """Core, Ultra or a model of SD 3.5, in the nearest of nine shapes."""
        grade = self.grade(request)
        model = str(grade.model)
        sizes = _CORE if model == "core" else _ONE_MP
        shape = nearest(sizes, request)
        # providers.md §4.1: turbo ignores it
        notes = unwanted_unsaid(request, model) if model.endswith("-turbo") else ()
        return Plan(grade.bought(), model, request.prompt, sizes[shape], shape, notes)

    def call(
        self, request: ImageRequest, plan: Plan, part: range, reference: bytes | None = None
    ) -> Call:
        """SD 3.5 has no presets: the composed prompt has the style's words."""
        negative, seed = request.negative_prompt or None, self.seed(request, part)
        strength = None if reference is None else departure(request)
        if plan.model not in ("core", "ultra"):
            return stability.generate_sd3(
                plan.prompt,
                model=plan.model,
                negative_prompt=None if plan.notes else negative,
                aspect_ratio=plan.shape,
                seed=seed,
                image=reference,
                strength=strength,
            )
        preset = request.preset(self.provider)
        if plan.model == "core":
            return stability.generate_core(
                plan.prompt,
                negative_prompt=negative,
                aspect_ratio=plan.shape,
                seed=seed,
                style_preset=preset,
            )
        return stability.generate_ultra(
            plan.prompt,
            negative_prompt=negative,
            aspect_ratio=plan.shape,
            seed=seed,
            style_preset=preset,
            image=reference,
            strength=strength,
        )
