"""Settings that only the gateway reads."""

from __future__ import annotations

from pydantic import Field, SecretStr

from studio.settings import Settings


class GatewaySettings(Settings):
    """The gateway's settings."""

    create_grpc: str = Field(default="127.0.0.1:50051", description="host:port of the studio")
    edit_grpc: str = Field(default="127.0.0.1:50052", description="host:port of the studio")
    upscale_grpc: str = Field(default="127.0.0.1:50053", description="host:port of the studio")
    optimizer_grpc: str = Field(default="127.0.0.1:50054", description="host:port of the studio")
    library_grpc: str = Field(default="127.0.0.1:50055", description="host:port of the library")

    api_keys: dict[SecretStr, str] = Field(
        default_factory=dict,
        description='JSON, key → workspace: {"s3cret": "acme"}; empty: no authentication',
    )
    max_upload_bytes: int = Field(default=64 * 1024 * 1024, gt=0)
    max_body_bytes: int = Field(default=1024 * 1024, gt=0, description="of a JSON request")
    resume_on_start: bool = Field(
        default=False, description="publish the beginnings of unfinished runs again (ADR 2)"
    )
    settle_interval: float = Field(default=0.2, gt=0, description="s between looks at changed runs")
    sweep_interval: float = Field(default=30, gt=0, description="s between looks at all open runs")
