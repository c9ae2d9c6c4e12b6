"""The edit studio, wired."""

from __future__ import annotations

from collections.abc import Container

from services.edit.operations.adjust import Adjust
from services.edit.operations.erase import Erase
from services.edit.operations.general import General
from services.edit.operations.inpaint import Inpaint
from services.edit.operations.outpaint import Outpaint
from services.edit.operations.remove_background import RemoveBackground
from services.edit.operations.replace_background import ReplaceBackground
from services.edit.operations.resize import Resize
from services.edit.operations.search_recolor import SearchRecolor
from services.edit.operations.search_replace import SearchReplace
from services.edit.operations.text import Text
from services.edit.providers import google, huggingface, ideogram, openai, replicate, stability
from services.edit.providers.local import LocalMatting
from studio.keyless import equip, keyed
from studio.operation import AnyOperation
from studio.providers.accounts import accounts
from studio.service import Ports, Service, StudioService

#: By provider, then by operation.
ENGINES = {
    "stability": stability.ENGINES,
    "openai": openai.ENGINES,
    "google": google.ENGINES,
    "huggingface": huggingface.ENGINES,
    "ideogram": ideogram.ENGINES,
    "replicate": replicate.ENGINES,
}


def edit(ports: Ports) -> Service:
    """Everything that changes one image."""
    return StudioService("edit", ports, operations(accounts(ports.settings)))


def operations(keys: Container[str] = ()) -> list[AnyOperation]:
    """What the studio can do; `edit.general` does it in words, by itself or by a provider.

    keys: the names of the providers that may be paid.
    """
    matting = LocalMatting()
    single: list[AnyOperation] = [
        Adjust(),
        Erase(matting),
        Inpaint(matting),
        Outpaint(matting),
        RemoveBackground(matting),
        ReplaceBackground(matting),
        Resize(),
        SearchRecolor(matting),
        SearchReplace(matting),
        Text(),
    ]
    every = [*single, General(single)]
    for one in every:
        able = [some[one.name] for some in ENGINES.values() if one.name in some]
        equip(one, [engine(matting) for engine in keyed(able, keys)], able, keys)
    return every
