"""Faults: what goes wrong between an adapter and a provider, on order.

A fault waits until its endpoint was called `after` times and then befalls `times` calls.
Kinds that change what is sold (moderated, blurred_200, wrong_size) pass over calls that sell
nothing; `expired` passes over calls that fetch nothing.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Kind = Literal[
    "timeout_mid_body",
    "close_before_reply",
    "slow",
    "429",
    "500",
    "503",
    "html",
    "blurred_200",
    "wrong_size",
    "expired",
    "moderated",
]

_OF_A_SALE = {"moderated", "blurred_200", "wrong_size"}
#: Replies that replace the provider's own before it did any work.
STATUS_OF = {"429": 429, "500": 500, "503": 503, "expired": 404}


class Fault(BaseModel):
    """One order of trouble."""

    model_config = ConfigDict(extra="forbid")

    provider: str
    endpoint: str = "*"
    """As on the bill ("generate/core"), or * for any."""
    kind: Kind
    times: int = Field(1, ge=1)
    after: int = Field(0, ge=0)
    seconds: float = Field(0.5, ge=0, le=300)
    """slow: the added latency. timeout_mid_body: how long it hangs before it closes."""
    retry_after: int = Field(1, ge=0)
    """429: the Retry-After header, s."""
    variant: str = ""
    """Which of the provider's ways to say it; see the provider's file."""
    billed: bool = False
    """html only: the provider did the work, and a proxy lost it."""

    @model_validator(mode="after")
    def _only_stability_blurs(self) -> Fault:
        if self.kind == "blurred_200" and self.provider != "stability":
            raise ValueError("blurred_200 is Stability's; use kind moderated with a variant")
        return self

    def concerns(self, provider: str, endpoint: str, sells: bool) -> bool:
        """Whether a call is one that it counts."""
        if self.provider != provider or self.endpoint not in ("*", endpoint):
            return False
        if self.kind == "expired":
            return not sells
        return sells or self.kind not in _OF_A_SALE


class Faults:
    """The orders that are still open, oldest first."""

    def __init__(self) -> None:
        self._open: list[Fault] = []

    def order(self, fault: Fault) -> None:
        """From now on."""
        self._open.append(fault)

    def take(self, provider: str, endpoint: str, *, sells: bool) -> Fault | None:
        """The fault that befalls this call, counted as used; None if it goes well."""
        for fault in self._open:
            if not fault.concerns(provider, endpoint, sells):
                continue
            if fault.after:
                fault.after -= 1
                continue
            fault.times -= 1
            if not fault.times:
                self._open.remove(fault)
            return fault
        return None

    def still_open(self) -> list[Fault]:
        """What has not happened yet."""
        return list(self._open)

    def clear(self) -> None:
        """Everything goes well again."""
        self._open.clear()
