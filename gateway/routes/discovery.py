"""Discovery: what can be run."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request

from gateway.definition import UnknownWorkflow, find_workflow, workflows
from gateway.http import PROBLEMS, Workspace
from studio.problems import NotFound

router = APIRouter(prefix="/v1", tags=["discovery"], responses=PROBLEMS)


@router.get("/workflows", summary="List workflows")
async def every_workflow(workspace: Workspace) -> list[dict[str, Any]]:
    """The patterns and workflows of the guide, with their parameters."""
    return [one.described() for one in workflows().values()]


@router.get("/workflows/{name}", summary="Look at a workflow")
async def one_workflow(name: str, workspace: Workspace) -> dict[str, Any]:
    """Its parameters as JSON Schema, and its steps."""
    try:
        return find_workflow(name).described()
    except UnknownWorkflow as unknown:
        raise NotFound(
            rule=unknown.rule, says=unknown.says, fix=unknown.fix, valid=unknown.valid
        ) from unknown


@router.get("/operations", summary="List operations")
async def operations(request: Request, workspace: Workspace) -> list[dict[str, Any]]:
    """Every operation of every studio, with the JSON Schema of its parameters."""
    described: list[dict[str, Any]] = await request.app.state.studios.describe()
    return described
