"""Query parameters: those that a route does not know are refused, not ignored.

Whoever misspells a filter would otherwise get everything, and take it for what was asked for.
"""

from __future__ import annotations

from collections.abc import Iterator

from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from pydantic import BaseModel

from gateway.http import Workspace
from studio.naming import did_you_mean
from studio.problems import Refused


async def known_parameters(request: Request, workspace: Workspace) -> None:
    """A dependency of every route. Refused (request.parameter) names near ones and lists all.

    workspace: known first, for who carries no key is told that, and nothing of the route.
    """
    known = parameters_of(request.scope["route"])
    for name in request.query_params:
        if name not in known:
            raise _unknown(name, known)


def parameters_of(route: APIRoute) -> tuple[str, ...]:
    """The names of a route's query parameters, sorted; a model's are those of its fields."""
    return tuple(sorted(_names(route.dependant)))


def _names(dependant: Dependant) -> Iterator[str]:
    for one in dependant.query_params:
        model = one.field_info.annotation
        if isinstance(model, type) and issubclass(model, BaseModel):
            yield from (field.alias or name for name, field in model.model_fields.items())
        else:
            yield one.alias
    for inner in dependant.dependencies:
        yield from _names(inner)


def _unknown(name: str, known: tuple[str, ...]) -> Refused:
    otherwise = "Leave it out, or use a valid one." if known else "Leave it out: none is taken."
    return Refused(
        rule="request.parameter",
        says=f"There is no query parameter {name[:80]!r} here.",
        fix=did_you_mean(name[:80], known, otherwise),
        valid=list(known),
    )
