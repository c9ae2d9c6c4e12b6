"""diffusers: a model of one's own, on a GPU node with local weights. Nothing is paid.

An optional extra: `torch`, `diffusers` and `transformers` are imported when a picture is made, and
nothing is downloaded. The weights are a directory as `save_pretrained` writes it; any pipeline that
makes pictures from words will do. A picture to follow goes through the same model's image-to-image.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from math import sqrt
from typing import Any

from PIL import Image as Pillow

from services.create.details import asked
from services.create.providers.following import departure, middle
from services.create.quality import Manner, grade
from services.create.request import ImageRequest, Params, requested
from services.create.settings import CreateSettings
from studio import telemetry
from studio.compute import compute
from studio.imaging.decode import decode
from studio.imaging.facts import ImageFacts
from studio.imaging.image import Image
from studio.imaging.provenance import TRAINED_ALGORITHMIC_MEDIA
from studio.money import Money, PriceRange
from studio.operation import Failure, Output, PaidEngine, Work
from studio.problems import Broken, Moderated, Problem, Refused

NAME = "diffusers"
_PACKAGES = ("torch", "diffusers", "transformers")
_STEP = 8  # px; what the pipelines' autoencoders divide sides by
_SHORTEST = 64  # px of a side


def absent(settings: CreateSettings) -> Problem | None:
    """Why no picture can be made here (`create.generate.diffusers`); None if one can."""
    missing = [one for one in _PACKAGES if find_spec(one) is None]
    weights = settings.diffusers_weights
    if weights is None:
        says, fix = "This service was given no weights.", "Set STUDIO_DIFFUSERS_WEIGHTS"
    elif missing:
        says = f"This service has no {', '.join(missing)}."
        fix = "Install the extra `diffusers`"
    elif not (weights / "model_index.json").is_file():
        says = "The directory of STUDIO_DIFFUSERS_WEIGHTS has no model_index.json."
        fix = "Put a pipeline there, as `save_pretrained` writes it"
    else:
        return None
    return Refused(
        rule="create.generate.diffusers",
        says=f"diffusers is not set up here. {says}",
        fix=f"{fix}, or use another provider.",
    ).as_problem()


class Diffusers(PaidEngine[Params]):
    """`create.generate` by local weights. One seed gives one picture on one kind of device."""

    provider = NAME

    def __init__(self, settings: CreateSettings) -> None:
        self._model = _Model(settings)
        self._most = settings.diffusers_pixels
        self._turn = asyncio.Lock()  # a pipeline makes one picture at a time

    def check(self, image: ImageFacts | None, params: Params) -> None:
        """Names and the ratio exist. Refused (`create.generate.transparent`): it needs a whole
        picture."""
        request = requested(params)
        if request.transparent:
            grade(NAME, request.quality, "transparent")

    def forecast(self, image: ImageFacts | None, params: Params) -> Sequence[ImageFacts]:
        """As many pictures as variations, with sides that are multiples of 8 px."""
        request = requested(params)
        width, height = _size(request, self._most)
        return [ImageFacts(width=width, height=height)] * request.variations

    def price(self, image: ImageFacts | None, params: Params, provider: str) -> PriceRange:
        """Nothing."""
        return PriceRange.exactly(Money.zero())

    async def run(self, work: Work[Params]) -> Sequence[Output | Failure]:
        """One variation after another. What the pipeline's safety checker blackens is moderated;
        Moderated is raised if that is all of it."""
        request = requested(work.params, default_seed=work.step_id.int)
        size = _size(request, self._most)
        start = None
        if request.followed:
            image = await compute(decode, await work.read_blob(request.followed.blob))
            start = await compute(middle, image, size)
        made: list[Output | Failure] = []
        for number in range(request.variations):
            async with self._turn:
                drawn = await compute(self._model.draw, request, number, size, start)
            label = f"variation {number + 1}"
            details = self._details(work.params, request, request.seed_of(number))
            if drawn is None:
                problem = _filtered().as_problem(telemetry.trace_id())
                made.append(Failure(problem, label=label, details=details))
                continue
            output = Image(drawn, source_type=TRAINED_ALGORITHMIC_MEDIA)
            notes = _notes(request, size, self._model)
            made.append(Output(image=output, label=label, details=details, notes=notes))
        if not any(isinstance(one, Output) for one in made):
            raise _filtered()
        return made

    def _details(self, params: Params, request: ImageRequest, seed: int) -> dict[str, Any]:
        """How the pictures were made: with the same weights, enough to make them again."""
        return asked(params, request) | {
            "provider": NAME,
            "model": self._model.name,
            "engine": NAME,
            "engine_version": self._model.version,
            "seed": seed,
        }


class _Model:
    """The weights, loaded when they are first needed; both pipelines share them."""

    def __init__(self, settings: CreateSettings) -> None:
        self._settings = settings
        self._pipes: dict[str, Any] = {}
        self.name = self.version = ""

    def takes(self, parameter: str, *, followed: bool = False) -> bool:
        """Whether the pipeline has a parameter; True before it is loaded."""
        pipe = self._pipes.get("image" if followed else "text")
        return pipe is None or parameter in inspect.signature(pipe.__call__).parameters

    def draw(
        self,
        request: ImageRequest,
        number: int,
        size: tuple[int, int],
        start: Pillow.Image | None,
    ) -> Pillow.Image | None:
        """One variation; None if the safety checker blackened it. GPU or CPU work."""
        torch, pipe = import_module("torch"), self._pipe(start is not None)
        manner: Manner = "grades" if start is None else "reference"
        steps = int(grade(NAME, request.quality, manner).settings["num_inference_steps"])
        asked: dict[str, Any] = {
            "prompt": request.prompt,
            "num_inference_steps": steps,
            "generator": torch.Generator(device="cpu").manual_seed(request.seed_of(number)),
        }
        if request.negative_prompt and self.takes("negative_prompt", followed=start is not None):
            asked["negative_prompt"] = request.negative_prompt
        if start is None:
            asked |= {"width": size[0], "height": size[1]}
        else:  # a pipeline refuses to take less than one of its steps
            asked |= {"image": start, "strength": max((1 + 1e-6) / steps, departure(request))}
        with torch.inference_mode():
            result = pipe(**asked)
        if any(getattr(result, "nsfw_content_detected", None) or ()):
            return None
        picture: Pillow.Image = result.images[0].convert("RGB")
        return picture

    def _pipe(self, is_followed: bool) -> Any:
        if "text" not in self._pipes:
            self._pipes["text"] = self._loaded()
        if is_followed and "image" not in self._pipes:
            kind = import_module(NAME).AutoPipelineForImage2Image
            self._pipes["image"] = kind.from_pipe(self._pipes["text"])
        return self._pipes["image" if is_followed else "text"]

    def _loaded(self) -> Any:
        """Broken (`create.generate.diffusers_weights`) if the weights are not in order."""
        torch, diffusers = import_module("torch"), import_module(NAME)
        settings, weights = self._settings, self._settings.diffusers_weights
        kind = torch.float32 if settings.diffusers_device == "cpu" else torch.float16
        try:
            pipe = diffusers.AutoPipelineForText2Image.from_pretrained(
                str(weights), local_files_only=True, torch_dtype=kind
            ).to(settings.diffusers_device)
        except Exception as error:  # whatever the packages find wrong with files or device
            raise Broken(
                rule="create.generate.diffusers_weights",
                says=f"The local weights could not be loaded ({type(error).__name__}).",
                fix="The platform team checks STUDIO_DIFFUSERS_WEIGHTS and _DEVICE.",
            ) from error
        pipe.set_progress_bar_config(disable=True)
        self.name = f"{weights.name if weights else ''} ({type(pipe).__name__})"
        self.version = str(diffusers.__version__)
        return pipe


def _size(request: ImageRequest, most: int) -> tuple[int, int]:
    """What is asked for in multiples of 8 px; of about its shape with at most so many pixels."""
    scale = min(1.0, sqrt(most / (request.width * request.height)))
    sides = (int(side * scale) // _STEP * _STEP for side in (request.width, request.height))
    width, height = (max(_SHORTEST, side) for side in sides)
    return width, height


def _notes(request: ImageRequest, size: tuple[int, int], model: _Model) -> tuple[str, ...]:
    notes = []
    if size != (request.width, request.height):
        notes.append(
            f"diffusers makes {size[0]}×{size[1]} px where {request.width}×{request.height} were "
            "asked for; a later step brings it to size."
        )
    if request.negative_prompt and not model.takes(
        "negative_prompt", followed=request.followed is not None
    ):
        notes.append("This model takes no negative prompt; what is not wanted was not told.")
    return tuple(notes)


def _filtered() -> Moderated:
    return Moderated(
        rule="provider.moderated",
        says="diffusers filtered this picture: the model's safety checker blackened it.",
        fix="Reword the prompt, or use another seed.",
    )
