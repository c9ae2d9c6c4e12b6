"""Ideogram 3.0: up to eight pictures a call; the only one that takes a brand's colours as such.

A picture that is followed is remixed; pictures without a background have an endpoint of their own.
"""

from __future__ import annotations

from services.create.providers.paid import PaidGenerate, Plan, Size, nearest
from services.create.request import ImageRequest
from studio.providers import ideogram
from studio.providers.call import Call

#: providers.md §4.5 names the shapes; the sides are those of Ideogram's resolutions.
_SIZES: dict[str, Size] = {
    "1:3": (512, 1536),
    "3:1": (1536, 512),
    "1:2": (704, 1408),
    "2:1": (1408, 704),
    "9:16": (736, 1312),
    "16:9": (1312, 736),
    "10:16": (800, 1280),
    "16:10": (1280, 800),
    "2:3": (832, 1248),
    "3:2": (1248, 832),
    "3:4": (864, 1152),
    "4:3": (1152, 864),
    "4:5": (896, 1120),
    "5:4": (1120, 896),
    "1:1": (1024, 1024),
}


class Ideogram(PaidGenerate):
    """All variations in one call, in the style's type and the brand's colours."""

    provider = account = ladder = "ideogram"
    seeds = 2_147_483_647  # providers.md §4.5
    tolerance = 0.05

    def plan(self, request: ImageRequest) -> Plan:
        """The endpoint and the speed by data, and the nearest of 15 shapes."""
        grade, shape = self.grade(request), nearest(_SIZES, request)
        return Plan(
            grade.bought(),
            str(grade.model),
            request.prompt,
            _SIZES[shape],
            shape,
            alpha=request.transparent,
        )

    def call(
        self, request: ImageRequest, plan: Plan, part: range, reference: bytes | None = None
    ) -> Call:
        """One call of as many pictures. Its own rewriting of prompts is off: ours is composed."""
        seed, negative = self.seed(request, part), request.negative_prompt or None
        colors = [colour.upper() for colour in request.palette]
        if reference is not None and request.followed:
            return ideogram.remix(
                reference,
                plan.prompt,
                image_weight=max(1, round(100 * request.followed.strength)),
                aspect_ratio=plan.shape,
                num_images=len(part),
                seed=seed,
                negative_prompt=negative,
                magic_prompt="OFF",
                colors=colors,
            )
        if plan.alpha:
            return ideogram.generate_transparent(
                plan.prompt,
                aspect_ratio=plan.shape,
                upscale_factor="X1",
                num_images=len(part),
                seed=seed,
                negative_prompt=negative,
                magic_prompt="OFF",
            )
        return ideogram.generate(
            plan.prompt,
            speed=str(self.grade(request).settings["rendering_speed"]),
            aspect_ratio=plan.shape,
            num_images=len(part),
            seed=seed,
            negative_prompt=negative,
            magic_prompt="OFF",
            style_type=request.preset(self.provider),
            colors=colors,
        )
