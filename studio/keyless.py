"""Keyless: what a service could do if it were given a provider's key, and which key that is.

An engine without a key is not offered. Whoever names its provider all the same is told the setting
that is missing, and who can do that very operation now.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from typing import TypeVar

from pydantic import Field

from studio.operation import AnyEngine, AnyOperation
from studio.problems import Problem
from studio.settings import PREFIX


class MissingKey(Problem):
    """Why a provider cannot be asked for an operation: the service has no key of its account."""

    account: str = Field(description="whose key is missing", examples=["stability"])


EngineT = TypeVar("EngineT", bound=AnyEngine)


def key_setting(account: str) -> str:
    """The setting of a service that takes an account's key: STUDIO_STABILITY_API_KEY."""
    return f"{PREFIX}{account}_api_key".upper()


def keyed(engines: Iterable[type[EngineT]], keys: Container[str]) -> list[type[EngineT]]:
    """Those engines whose account is among those that have a key."""
    return [one for one in engines if one.account in keys]


def equip(
    operation: AnyOperation,
    engines: Iterable[AnyEngine],
    every: Iterable[type[AnyEngine]],
    keys: Container[str],
) -> None:
    """Give an operation its engines, and say of every other whose account has no key what it lacks.

    keys: the accounts that have one.
    """
    operation.with_engines(engines)
    operation.absent = missing_keys(operation, every, keys)


def missing_keys(
    operation: AnyOperation, engines: Iterable[type[AnyEngine]], keys: Container[str]
) -> dict[str, Problem]:
    """Of those engines of an operation whose account has no key: by provider, what is missing
    (`provider.no_key`).

    operation: with the engines that have one; they are among the valid ones.
    """
    return {
        one.provider: MissingKey(
            kind="refused",
            rule="provider.no_key",
            says=f"{operation.name} cannot be done by {one.provider!r} here: the "
            f"{operation.studio} service has no key of {one.account}.",
            fix=f"Set {key_setting(one.account)} for the {operation.studio} service, or use one of "
            "the valid ones.",
            status=422,
            valid=list(operation.offered),
            account=one.account,
        )
        for one in engines
        if one.account not in keys
    }
