"""Settings: everything that differs between the three ways to run, and nothing else.

Read from `STUDIO_*` environment variables (or mounted secret files named like them, in the
directory that STUDIO_SECRETS_DIR names). A wrong value stops the process with one sentence.
"""

from __future__ import annotations

import os
import sys
from typing import Literal, TypeVar

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """What every service reads. Subclasses add what only they need."""

    model_config = SettingsConfigDict(env_prefix="STUDIO_", extra="ignore", frozen=True)

    amqp_url: str = Field(
        default="amqp://guest:guest@127.0.0.1:5672/", description="RabbitMQ, amqp:// or amqps://"
    )
    amqp_prefix: str = Field(
        default="studio", pattern=r"^[a-z][a-z0-9-]*$", description="of every exchange and queue"
    )
    mongo_url: str = Field(default="mongodb://127.0.0.1:27017", description="MongoDB")
    database_prefix: str = Field(
        default="studio",
        pattern=r"^[a-z][a-z0-9_]*$",
        description="databases are <prefix>_<service>",
    )
    s3_endpoint: str = Field(default="127.0.0.1:9000", description="host:port of any S3")
    s3_access_key: SecretStr = Field(default=SecretStr("minioadmin"))
    s3_secret_key: SecretStr = Field(default=SecretStr("minioadmin"))
    s3_bucket: str = Field(default="image-studio", min_length=3, max_length=63)
    s3_secure: bool = Field(default=False, description="TLS to the S3 endpoint")
    s3_region: str = Field(default="us-east-1")

    host: str = Field(default="127.0.0.1", description="the address that servers bind to")
    grpc_port: int = Field(default=0, ge=0, le=65_535, description="0: any free port")
    http_port: int = Field(
        default=0, ge=0, le=65_535, description="probes and metrics (gateway: the API); 0: any"
    )

    prefetch: int = Field(default=2, ge=1, le=64, description="deliveries at a time, per lane")
    drain_grace: float = Field(
        default=25,
        gt=0,
        le=3600,
        description="s that running work has to finish after SIGTERM (create, edit, upscale: 150)",
    )
    lease: float = Field(
        default=15,
        ge=1,
        le=600,
        description="s without a sign of life until a step is up for grabs",
    )

    otlp_endpoint: str | None = Field(
        default=None, description="OTLP/gRPC traces go here, e.g. http://collector:4317"
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["json", "text"] = "json"


SettingsT = TypeVar("SettingsT", bound=Settings)


def load(kind: type[SettingsT]) -> SettingsT:
    """Read the environment, or end the process with one clear sentence per wrong value."""
    try:
        return kind(_secrets_dir=os.environ.get("STUDIO_SECRETS_DIR"))
    except ValidationError as error:
        for one in error.errors(include_url=False, include_input=False):
            name = "STUDIO_" + "_".join(str(part) for part in one["loc"]).upper()
            print(f"Configuration: {name}: {one['msg']}.", file=sys.stderr)
        raise SystemExit(78) from None  # EX_CONFIG of sysexits.h
