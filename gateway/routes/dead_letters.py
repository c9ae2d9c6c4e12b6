"""Dead letters: messages that were given up, and their second chance."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from gateway.http import PROBLEMS, Workspace
from studio.bus.base import Bus, DeadLetter
from studio.problems import Problem

router = APIRouter(prefix="/v1/dead-letters", tags=["operations"], responses=PROBLEMS)

QueueName = Literal["create", "edit", "upscale", "optimizer", "library", "tracker"]


class LetterView(BaseModel):
    """A message, and why it was given up."""

    id: str
    routing_key: str
    lane: str
    attempts: int
    died_at: datetime
    problem: Problem
    event: Any = Field(description="the message; text if it is not JSON")


class ReplayRequest(BaseModel):
    """Which to put back."""

    queue: QueueName
    ids: list[str] | None = Field(default=None, description="null: all")


@router.get("", summary="List the dead letters of a service")
async def letters(
    request: Request,
    workspace: Workspace,
    queue: QueueName,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> list[LetterView]:
    """Oldest first. They stay where they are."""
    bus: Bus = request.app.state.bus
    found = [(one, _read(one)) for one in await bus.dead_letters(queue, limit=limit)]
    return [_view(one, event) for one, event in found if _may_see(event, workspace, request)]


@router.post("/replay", summary="Put dead letters back")
async def replay(request: Request, body: ReplayRequest, workspace: Workspace) -> dict[str, int]:
    """Their attempts begin anew; what had been done is not done twice."""
    bus: Bus = request.app.state.bus
    ids = body.ids
    if request.app.state.settings.api_keys:
        mine = {
            one.id
            for one in await bus.dead_letters(body.queue, limit=10_000)
            if _may_see(_read(one), workspace, request)
        }
        ids = sorted(mine if ids is None else mine & set(ids))
    return {"replayed": await bus.replay(body.queue, ids)}


def _may_see(event: Any, workspace: str, request: Request) -> bool:
    """With keys configured, a workspace sees its own letters only."""
    if not request.app.state.settings.api_keys:
        return True
    return isinstance(event, dict) and event.get("workspace", "default") == workspace


def _read(letter: DeadLetter) -> Any:
    text = letter.message.body.decode(errors="replace")
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def _view(letter: DeadLetter, event: Any) -> LetterView:
    return LetterView(
        id=letter.id,
        routing_key=letter.message.routing_key,
        lane=letter.message.lane,
        attempts=letter.attempts,
        died_at=letter.died_at,
        problem=letter.problem,
        event=event,
    )
