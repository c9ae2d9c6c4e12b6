"""Choices: the templates and styles that can be named, as the create studio describes them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from gateway.http import PROBLEMS, Workspace

router = APIRouter(prefix="/v1", tags=["discovery"], responses=PROBLEMS)

_OPERATION = "create.generate"

Category = Literal["social", "blog", "ad", "product", "brand", "email", "web"]


class TemplateView(BaseModel):
    """A purpose, and what it sets where nothing else is asked for."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "id": "instagram_feed_square",
                "title": "Instagram feed, square",
                "description": "1080 × 1080 px: centred composition.",
                "category": "social",
                "width": 1080,
                "height": 1080,
                "style": "photographic",
                "quality": "premium",
                "placement": "instagram_square",
            }
        }
    )

    id: str = Field(description="the value of `template`")
    title: str
    description: str
    category: str
    width: int = Field(description="px")
    height: int = Field(description="px")
    style: str | None = Field(default=None, description="null: the words of the prompt decide")
    quality: str
    placement: str | None = Field(default=None, description="see /v1/placements")
    copy_space: str | None = Field(default=None, description="where the picture stays calm")
    note: str | None = None


class StyleView(BaseModel):
    """How a picture is made to look."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "id": "product-photography",
                "title": "Product photography",
                "description": "One product on a plinth in a studio, lit from the side.",
                "spoken": ["product photo", "packshot"],
                "presets": {"stability": "photographic"},
            }
        }
    )

    id: str = Field(description="the value of `style`")
    title: str
    description: str
    spoken: list[str] = Field(description="words of a prompt that choose it by themselves")
    presets: dict[str, str] = Field(description="provider: its own name of this style")


@router.get("/templates", summary="List templates")
async def templates(
    request: Request,
    workspace: Workspace,
    category: Annotated[Category | None, Query(description="only these")] = None,
) -> list[TemplateView]:
    """What `template` of create.generate, and of the workflows that begin with it, can name."""
    found = [TemplateView(**one) async for one in _named(request, "template")]
    return [one for one in found if category in (None, one.category)]


@router.get("/styles", summary="List styles")
async def styles(request: Request, workspace: Workspace) -> list[StyleView]:
    """What `style` of create.generate, and of the workflows that begin with it, can name."""
    return [StyleView(**one) async for one in _named(request, "style")]


async def _named(request: Request, parameter: str) -> Any:
    """Each value that the parameter's schema lists, with what is said of it."""
    for operation in await request.app.state.studios.describe("create"):
        if operation["name"] == _OPERATION:
            for one in _listed(operation["parameters"]["properties"][parameter]):
                told = one.get(f"x-{parameter}", {})
                yield {"id": one["const"], **told, **_texts(one)}


def _listed(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for either in schema.get("anyOf", ()):
        yield from either.get("oneOf", ())


def _texts(one: dict[str, Any]) -> dict[str, str]:
    return {name: one.get(name, "") for name in ("title", "description")}
