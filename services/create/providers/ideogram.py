"""Ideogram 3.0: up to eight pictures a call; the only one that takes a brand's colours as such."""

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
#: Speeds that have no price, by the next that has one.
_UNPRICED = {"FLASH": "TURBO", "BALANCED": "DEFAULT"}


class Ideogram(PaidGenerate):
    """All variations in one call, in the style's type and the brand's colours."""

    provider = account = ladder = "ideogram"
    seeds = 2_147_483_647  # providers.md §4.5
    tolerance = 0.05

    def plan(self, request: ImageRequest) -> Plan:
        """The speed by data, and the nearest of 15 shapes."""
        shape = nearest(_SIZES, request)
        product = f"generate.v3.{self._speed(request).lower()}"
        return Plan(product, "ideogram-v3", request.prompt, _SIZES[shape], shape)

    def call(self, request: ImageRequest, plan: Plan, part: range) -> Call:
        """One call of as many pictures. Its own rewriting of prompts is off: ours is composed."""
        return ideogram.generate(
            plan.prompt,
            speed=self._speed(request),
            aspect_ratio=plan.shape,
            num_images=len(part),
            seed=self.seed(request, part),
            negative_prompt=request.negative_prompt or None,
            magic_prompt="OFF",
            style_type=request.preset(self.provider),
            colors=[colour.upper() for colour in request.palette],
        )

    def _speed(self, request: ImageRequest) -> str:
        speed = str(self.grade(request).settings["rendering_speed"])
        return _UNPRICED.get(speed, speed)
