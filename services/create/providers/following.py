"""Following a picture: what of it is sent, and how closely it is followed.

Strength counts from 0 (not at all) to 1 (as it is). Some providers count the other way, and models
that are instructed take no number: they are told in words.
"""

from __future__ import annotations

from PIL import Image as Pillow
from PIL import ImageOps

from services.create.request import ImageRequest
from studio.imaging.encode import WHITE
from studio.imaging.image import Image
from studio.providers.files import as_file

#: How closely a picture is followed, in words, from which strength on.
_CLOSENESS = (
    (0.67, "Keep closely to the reference picture: its composition, its shapes and its colours."),
    (0.34, "Take the reference picture as a guide to composition, colours and style."),
    (0.0, "Take from the reference picture only its mood and its colours."),
)


def with_unwanted(request: ImageRequest) -> str:
    """The prompt for models that follow instructions and take no negative prompt."""
    if not request.negative_prompt:
        return request.prompt
    return f"{request.prompt}\nAvoid: {request.negative_prompt}."


def by_words(request: ImageRequest, who: str) -> tuple[str, tuple[str, ...]]:
    """The prompt for models that see the picture to follow and take no number for how closely, and
    the note that says so."""
    prompt = with_unwanted(request)
    if request.followed is None:
        return prompt, ()
    strength = request.followed.strength
    most = next(words for least, words in _CLOSENESS if strength >= least)
    note = f"{who} takes no strength of a reference as a number; it was told in words."
    return f"{prompt}\n{most}", (note,)


def departure(request: ImageRequest) -> float:
    """0..1: how far providers that count that way may depart from the picture to follow."""
    return round(1 - request.followed.strength, 3) if request.followed else 1.0


def middle(image: Image, size: tuple[int, int]) -> Pillow.Image:
    """The middle of a picture to follow, on white, of the size that is asked for. CPU work."""
    return ImageOps.fit(image.flattened(WHITE), size, Pillow.Resampling.LANCZOS)


def fitted(image: Image, size: tuple[int, int], account: str, product: str) -> bytes:
    """The same as a file that the provider takes. CPU work."""
    return as_file(Image(middle(image, size)), account, product)
