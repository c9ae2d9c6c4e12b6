"""Hugging Face's router: a model of somebody else's, one picture a call, of almost any size."""

from __future__ import annotations

from math import sqrt

from services.create.providers.following import by_words
from services.create.providers.paid import PaidGenerate, Plan, Size
from services.create.request import ImageRequest
from studio.providers import huggingface
from studio.providers.call import Call
from studio.providers.limits import product_limits

_STEP = 16  # px; FLUX works on patches of 16
_SHORTEST, _LONGEST = 256, 2048  # px of a side; beyond, its pictures fall apart (ours)


class HuggingFace(PaidGenerate):
    """Takes a seed and a negative prompt; the sides are asked for, so they are exact."""

    provider = account = ladder = "huggingface"
    seeds = 2**31 - 1  # what every host behind the router takes (ours)

    def seed(self, request: ImageRequest, part: range) -> int | None:
        """The models that follow a picture take none."""
        return None if request.followed else super().seed(request, part)

    def plan(self, request: ImageRequest) -> Plan:
        """The model by data, at the asked size or the nearest that it is paid for."""
        grade = self.grade(request)
        product = grade.bought()
        most = product_limits(self.account, product).output_pixels
        size = _fitting((request.width, request.height), most or _LONGEST**2)
        if request.followed is None:
            return Plan(product, str(grade.model), request.prompt, size)
        prompt, notes = by_words(request, self.provider)
        return Plan(product, str(grade.model), prompt, size, notes=notes)

    def call(
        self, request: ImageRequest, plan: Plan, part: range, reference: bytes | None = None
    ) -> Call:
        """One picture."""
        steps = int(self.grade(request).settings["num_inference_steps"])
        if reference is not None:
            return huggingface.image_to_image(
                reference, plan.prompt, model=plan.model, size=plan.size, steps=steps
            )
        return huggingface.text_to_image(
            plan.prompt,
            model=plan.model,
            negative_prompt=request.negative_prompt or None,
            width=plan.size[0],
            height=plan.size[1],
            steps=steps,
            seed=self.seed(request, part),
        )


def _fitting(size: Size, most: int) -> Size:
    """The size itself if it can be made; else of about its shape, with at most so many pixels."""
    scale = min(1.0, sqrt(most / (size[0] * size[1])))
    width, height = (int(side * scale) // _STEP * _STEP for side in size)
    return min(_LONGEST, max(_SHORTEST, width)), min(_LONGEST, max(_SHORTEST, height))
