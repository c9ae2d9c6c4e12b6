"""Settings that only the gateway reads."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr

from studio.settings import Settings, host_port

_RESOLVED = "dns:///"  # gRPC's own scheme: it then connects to every address of the name


def _target(value: str) -> str:
    host_port(value.removeprefix(_RESOLVED))
    return value


Target = Annotated[str, AfterValidator(_target)]


class GatewaySettings(Settings):
    """The gateway's settings."""

    create_grpc: Target = Field(
        default="127.0.0.1:50051", description="host:port of this studio's gRPC"
    )
    edit_grpc: Target = Field(
        default="127.0.0.1:50052", description="host:port of this studio's gRPC"
    )
    upscale_grpc: Target = Field(
        default="127.0.0.1:50053", description="host:port of this studio's gRPC"
    )
    optimizer_grpc: Target = Field(
        default="127.0.0.1:50054", description="host:port of this studio's gRPC"
    )
    library_grpc: Target = Field(
        default="127.0.0.1:50055", description="host:port of the library's gRPC"
    )

    api_keys: dict[SecretStr, str] = Field(
        default_factory=dict,
        description='JSON, key → workspace: {"s3cret": "acme"}; empty: no authentication',
    )
    max_upload_bytes: int = Field(
        default=64 * 1024 * 1024, gt=0, description="bytes of a picture sent to /v1/uploads"
    )
    max_body_bytes: int = Field(default=1024 * 1024, gt=0, description="bytes of a JSON request")
    resume_on_start: bool = Field(
        default=False, description="publish the beginnings of unfinished runs again (ADR 2)"
    )
    settle_interval: float = Field(default=0.2, gt=0, description="s between looks at changed runs")
    sweep_interval: float = Field(default=30, gt=0, description="s between looks at all open runs")
    observe_interval: float = Field(
        default=10, gt=0, description="s between readings of studio_runs_open and its like"
    )
