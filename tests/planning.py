"""Planning without processes: every operation with every paid engine, asked as the gateway asks.

What is asked is what `StudioServicer` answers, over the same models, without the wire between.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gateway.studios import Foreseen
from services.create.operations.generate import Generate
from services.create.operations.import_ import Import
from services.create.service import engines as create_engines
from services.edit.service import operations as edit_operations
from services.upscale.service import operations as upscale_operations
from studio.imaging.facts import ImageFacts
from studio.operation import AnyEngine, AnyOperation, OperationParams
from studio.problems import Refused
from studio.providers.accounts import PROVIDERS
from studio.rpc import choose_provider, find_operation
from studio.slip import Step

#: What each operation is asked for; all work on any picture.
PARAMS: dict[str, dict[str, Any]] = {
    "create.generate": {"prompt": "a cup on a table", "aspect_ratio": "1:1"},
    "edit.erase": {"mask": {"box": {"x0": 0.4, "y0": 0.4, "x1": 0.6, "y1": 0.6}}},
    "edit.inpaint": {
        "mask": {"box": {"x0": 0.4, "y0": 0.4, "x1": 0.6, "y1": 0.6}},
        "prompt": "a bowl",
    },
    "edit.outpaint": {"left": 64, "right": 64},
    "edit.remove_background": {},
    "edit.replace_background": {"prompt": "a beach"},
    "edit.search_recolor": {"select": "the blue cup", "colour": "#d7263d"},
    "edit.search_replace": {"select": "the blue cup", "prompt": "a bowl"},
    "edit.general": {"instruction": "make it look like autumn"},
    "upscale.fast": {"factor": 2},
    "upscale.conservative": {"factor": 1.5, "prompt": "a cup"},
    "upscale.creative": {"factor": 2, "prompt": "a cup"},
}

#: A picture that a step is given beside the one it works on; whoever performs it has it.
REFERENCE = "sha256:" + "0" * 64

#: Other ways to ask for an operation, as they are called; some providers have them.
WAYS: dict[str, dict[str, dict[str, Any]]] = {
    "create.generate": {
        "following a picture": {"reference": {"blob": REFERENCE, "strength": 0.6}},
        "cut out": {"transparent": True},
        "cut out, following a picture": {
            "reference": {"blob": REFERENCE, "strength": 0.6},
            "transparent": True,
        },
    },
    "edit.replace_background": {"by a picture": {"prompt": None, "image": REFERENCE}},
}

#: At, below and above every documented limit of pixels, sides and ratios; px.
SIZES = [
    (16, 16), (32, 32), (63, 64), (64, 64), (128, 96), (512, 512), (1024, 1024), (1025, 1024),
    (1080, 1350), (1536, 682), (1536, 1024), (1537, 400), (2048, 2048), (2049, 2048), (2500, 1000),
    (2501, 1000), (3072, 3072), (3073, 3072), (4096, 4096), (1000, 5000), (6000, 4000),
]  # fmt: skip


def operations() -> dict[str, AnyOperation]:
    """All operations of the three studios that buy, with every provider's engines."""
    every: list[AnyOperation] = [
        Generate().with_engines(create_engines(PROVIDERS)),
        Import(),
        *edit_operations(PROVIDERS),
        *upscale_operations(PROVIDERS),
    ]
    return {one.name: one for one in every}


def paid_steps() -> Iterator[Step]:
    """A step for every operation and provider that can be paid for it, in every way that it has."""
    for name, operation in operations().items():
        for provider, engine in operation.paid.items():
            yield Step(operation=name, params=PARAMS[name], provider=provider)
            for extra in WAYS.get(name, {}).values():
                step = Step(operation=name, params={**PARAMS[name], **extra}, provider=provider)
                if _is_had(engine, operation.parse(step.params)):
                    yield step


def named(step: Step) -> str:
    """What a step is called: "create.generate@openai, cut out"."""
    for how, extra in WAYS.get(step.operation, {}).items():
        if step.params == {**PARAMS[step.operation], **extra}:
            return f"{step.operation}@{step.provider}, {how}"
    return f"{step.operation}@{step.provider}"


def _is_had(engine: AnyEngine, params: OperationParams) -> bool:
    """Whether the provider does it at all."""
    try:
        engine.check(None, params)
    except Refused:
        return False
    return True


class Studios:
    """As `gateway.studios.Studios`, in one process."""

    def __init__(self) -> None:
        self._operations = operations()

    async def describe(self) -> list[dict[str, Any]]:
        """Names and providers."""
        return [
            {"name": name, "providers": list(one.offered), "absent": {}}
            for name, one in self._operations.items()
        ]

    async def quote(self, workspace: str, step: Step, image: ImageFacts | None) -> Foreseen:
        """What a step would cost and output. Refused as running it would be."""
        operation = find_operation(self._operations, step.operation)
        params = operation.parse(step.params)
        provider = choose_provider(operation, step.provider)
        engine = operation.engine(provider)
        engine.check(image, params)
        return Foreseen(
            price=engine.price(image, params, provider),
            outputs=list(engine.forecast(image, params)),
            provider=provider,
            pinned={},
            failures=[],
        )
