"""HTTP, once for all routes: who is asking, and how problems are told (RFC 9457)."""

from __future__ import annotations

import hmac
import logging
import re
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from gateway.settings import GatewaySettings
from studio import telemetry
from studio.naming import did_you_mean
from studio.problems import (
    Broken,
    Problem,
    Refused,
    StudioError,
    TooLarge,
    Unauthorized,
    Unavailable,
)
from studio.wording import told

log = logging.getLogger(__name__)

_WORKSPACE = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_MEDIA_TYPE = "application/problem+json"


class ProblemDocument(Problem):
    """RFC 9457, as every error is answered."""


#: What the API's description says of errors.
PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {
        "description": text,
        "content": {
            _MEDIA_TYPE: {
                "example": {
                    "type": f"urn:image-studio:problem:{rule}",
                    "title": "refused",
                    "status": status,
                    "detail": "What happened, and which rule says so.",
                    "fix": "What to do about it.",
                }
            }
        },
    }
    for status, text, rule in (
        (404, "There is no such thing in this workspace", "run.unknown"),
        (422, "The request breaks a rule", "workflow.parameters"),
        (503, "Something that we need is away; try again", "create.unavailable"),
    )
}


def workspace_of(request: Request) -> str:
    """The caller's workspace: by key if keys are configured, else by header."""
    settings: GatewaySettings = request.app.state.settings
    if settings.api_keys:
        return _by_key(request, settings)
    name = request.headers.get("x-workspace", "default")
    if not _WORKSPACE.fullmatch(name):
        raise Refused(
            rule="workspace.name",
            says=f"{name[:80]!r} is not the name of a workspace.",
            fix="Use lower-case letters, digits and hyphens, at most 63.",
        )
    return name


Workspace = Annotated[str, Depends(workspace_of)]


def add_problems(app: FastAPI, max_body_bytes: int) -> None:
    """Make every failure of an application a problem document."""

    @app.exception_handler(StudioError)
    async def explained(request: Request, error: StudioError) -> JSONResponse:
        return _answer(request, error)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        return _answer(request, await _invalid(request, error.errors()))

    @app.exception_handler(HTTPException)
    async def plain(request: Request, error: HTTPException) -> JSONResponse:
        problem = Problem(
            kind="not_found" if error.status_code == 404 else "refused",
            rule=f"http.{error.status_code}",
            says=f"{request.method} {request.url.path}: {str(error.detail).lower()}.",
            fix="GET /openapi.json lists what there is.",
            status=error.status_code,
        )
        return JSONResponse(
            problem.as_rfc9457(request.url.path), error.status_code, media_type=_MEDIA_TYPE
        )

    @app.exception_handler(Exception)
    async def unexpected(request: Request, error: Exception) -> JSONResponse:
        log.exception("A request failed", exc_info=error)
        return _answer(request, Broken.because(error))

    @app.middleware("http")
    async def bounded(request: Request, call_next: Any) -> Any:
        if stranger := _stranger(request):
            return _answer(request, stranger)
        is_upload = request.url.path == "/v1/uploads"
        length = request.headers.get("content-length", "0")
        if not is_upload and length.isdigit() and int(length) > max_body_bytes:
            return _answer(
                request,
                TooLarge(
                    rule="request.too_large",
                    says=f"The body has {int(length):,} bytes; at most {max_body_bytes:,} are read",
                    fix="Upload pictures to /v1/uploads, and name them here.",
                ),
            )
        response = await call_next(request)
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        if trace := telemetry.trace_id():
            response.headers["X-Trace-Id"] = trace
        return response


def _stranger(request: Request) -> Unauthorized | None:
    """Why the request is nobody's; None if it carries a key, or needs none. Under /v1 that goes
    before all else, what paths and methods there are included: who is nobody learns nothing of
    what is here. The description of the API is public, and so is health."""
    if request.scope["path"] != "/v1" and not request.scope["path"].startswith("/v1/"):
        return None
    try:
        workspace_of(request)
    except Unauthorized as unknown:
        return unknown
    except Refused:
        return None  # a wrong name is told in its turn
    return None


async def _invalid(request: Request, errors: Sequence[Any]) -> Refused:
    """The refusal of a request that is not as its description says."""
    inner = [{**one, "loc": tuple(one["loc"][1:])} for one in errors]
    says = told(inner, _body_model(request), root="the body")
    fix, valid = "GET /openapi.json describes it.", []
    named = [one["input"] for one in errors if one["loc"][-1:] == ("operation",)]
    if named and isinstance(named[0], str):
        valid = await _operations(request)
        fix = did_you_mean(named[0], valid, "GET /v1/operations lists every operation.")
    return Refused(
        rule="request.invalid",
        says=f"The request is not as it should be: {says}.",
        fix=fix,
        valid=valid,
    )


def _body_model(request: Request) -> type[BaseModel] | None:
    """What the body of this route is, if it is one model."""
    dependant = getattr(request.scope.get("route"), "dependant", None)
    kinds = [one.field_info.annotation for one in dependant.body_params] if dependant else []
    if len(kinds) == 1 and isinstance(kinds[0], type) and issubclass(kinds[0], BaseModel):
        return kinds[0]
    return None


async def _operations(request: Request) -> list[str]:
    """The name of every operation; none if a studio does not answer, for it is only a hint."""
    try:
        described = await request.app.state.studios.describe()
    except Unavailable:
        return []
    return sorted(one["name"] for one in described)


def _answer(request: Request, error: StudioError) -> JSONResponse:
    problem = error.as_problem(telemetry.trace_id())
    headers = {}
    if retry_after := getattr(error, "retry_after", None):
        headers["Retry-After"] = str(max(1, round(retry_after)))
    if isinstance(error, Unauthorized):
        headers["WWW-Authenticate"] = "Bearer"
    return JSONResponse(
        problem.as_rfc9457(request.url.path), problem.status, headers, media_type=_MEDIA_TYPE
    )


def _by_key(request: Request, settings: GatewaySettings) -> str:
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    found = None
    for key, workspace in settings.api_keys.items():  # every key, so that time tells nothing
        if hmac.compare_digest(given.encode(), key.get_secret_value().encode()):
            found = workspace
    if scheme.lower() != "bearer" or found is None:
        raise Unauthorized(
            rule="api.key",
            says="The request carries no valid API key.",
            fix="Send “Authorization: Bearer <key>” with a key of your workspace.",
        )
    return found
