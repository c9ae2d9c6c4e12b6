"""Slips: the steps still ahead of an item, carried in its event.

A routing slip (Hohpe & Woolf, *Enterprise Integration Patterns*, 2003) needs no conductor: each
studio performs the head step and publishes the outcome to the studio of the next one.
"""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID, uuid5

from pydantic import BaseModel, ConfigDict, Field

#: Everything that is derived is derived in this namespace; changing it changes every id.
NAMESPACE = UUID("6d1f7c9e-0d0b-5f0a-9c38-3a1a8a6f3e11")

MAX_STEPS = 64


class Step(BaseModel):
    """One operation with its parameters."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    operation: str = Field(
        pattern=r"^[a-z]+\.[a-z_]+$", max_length=64, examples=["edit.remove_background"]
    )
    params: dict[str, Any] = Field(default_factory=dict, description="as the operation describes")
    provider: str | None = Field(
        default=None, pattern=r"^[a-z0-9_-]+$", description="an engine; null: the operation's first"
    )
    fallbacks: tuple[str, ...] = Field(
        default=(),
        max_length=10,
        description="engines to turn to, in this order, while the provider is away; only before "
        "anything was bought",
    )

    @property
    def studio(self) -> str:
        """The studio that performs it."""
        return self.operation.partition(".")[0]


class Slip(BaseModel):
    """The steps ahead, and how many are behind."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    steps: tuple[Step, ...] = Field(default=(), max_length=MAX_STEPS)
    position: int = Field(default=0, ge=0, description="index of the first step ahead in the run")

    @property
    def is_done(self) -> bool:
        """Whether nothing is ahead."""
        return not self.steps

    @property
    def head(self) -> Step:
        """The step to perform now."""
        return self.steps[0]

    @property
    def address(self) -> str | None:
        """The studio that must act next; None when nobody must."""
        return self.steps[0].studio if self.steps else None

    def advanced(self) -> Slip:
        """The slip after its head step is done."""
        return Slip(steps=self.steps[1:], position=self.position + 1)


def step_id(run: UUID, item: UUID, slip: Slip) -> UUID:
    """The id of the head step for this item: the same for every delivery of the same work."""
    head = slip.head
    what = json.dumps(
        [head.operation, head.params, head.provider], sort_keys=True, separators=(",", ":")
    )
    return derived(run, item, slip.position, what)


def derived(*parts: object) -> UUID:
    """UUIDv5 (RFC 9562) of the parts: the same parts give the same id, on every machine."""
    return uuid5(NAMESPACE, "\x1f".join(str(part) for part in parts))
