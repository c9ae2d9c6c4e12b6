"""Settings: everything that differs between the three ways to run, and nothing else.

Read from `STUDIO_*` environment variables, or from mounted secret files named like them in the
directory that STUDIO_SECRETS_DIR names; a variable goes before a file. A wrong value stops the
process with one sentence, and so does a name that is almost that of a setting: what was meant to
be set and is not is worse than not to start. No value is ever repeated in what is said.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Literal, NoReturn, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from studio.problems import Refused

PREFIX = "STUDIO_"
SECRETS_DIR = "STUDIO_SECRETS_DIR"

#: EX_CONFIG of sysexits.h: whoever restarts a process may know that it is of no use.
EX_CONFIG = 78

#: How much two names have in common (difflib, 0..1) when one is a slip of the pen: AMPQ_URL for
#: AMQP_URL has 0.88; no two settings of all services have more than 0.8 (a test looks).
_ALIKE = 0.85

_BUCKET = re.compile(r"[a-z0-9](?!.*\.\.)[a-z0-9.-]{1,61}[a-z0-9]")  # S3's bucket naming rules
_HOST_PORT = re.compile(r"(\[[0-9a-fA-F:]+\]|[A-Za-z0-9._-]+)(:(?P<port>\d{1,5}))?")


class Misconfigured(Refused):
    """A setting is wrong, which only its use could tell. Ends the process, see `stop`."""

    kind = "misconfigured"

    def __init__(self, setting: str, says: str) -> None:
        """setting: `STUDIO_HTTP_PORT`; says: a sentence that repeats no value of a secret."""
        super().__init__(rule="settings", says=f"{setting}: {says}")


def _address(*schemes: str) -> AfterValidator:
    """A URL with a host and one of these schemes; what is said of it repeats nothing."""
    form = " or ".join(f"{one}://" for one in schemes)

    def checked(url: str) -> str:
        try:
            parts = urlsplit(url)
            is_right = parts.scheme in schemes and bool(parts.hostname)
            if not parts.scheme.endswith("+srv") and "," not in parts.netloc:
                _ = parts.port  # raises ValueError
        except ValueError:
            is_right = False
        if not is_right:
            raise ValueError(
                f"it must be {form}user:password@host:port/…, with what is special in a "
                "password percent-encoded"
            )
        return url

    return AfterValidator(checked)


def host_port(value: str) -> str:
    """The value if it is a host, with or without a port; ValueError otherwise."""
    found = _HOST_PORT.fullmatch(value)
    if not found or int(found["port"] or 0) > 65_535:
        raise ValueError("it must be host or host:port, without scheme and path")
    return value


def _bucket(name: str) -> str:
    if not _BUCKET.fullmatch(name):
        raise ValueError(
            "a bucket's name has 3 to 63 lower-case letters, digits, dots and hyphens, and begins "
            "and ends with a letter or digit"
        )
    return name


def _collector(url: str | None) -> str | None:
    if url and not (re.match(r"https?://[^/@]+", url) or _HOST_PORT.fullmatch(url)):
        raise ValueError("it must be http://host:port, https://host:port (TLS) or host:port")
    return url or None


HostPort = Annotated[str, AfterValidator(host_port)]


class Settings(BaseSettings):
    """What every service reads. Subclasses add what only they need."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore", frozen=True)

    amqp_url: Annotated[str, _address("amqp", "amqps")] = Field(
        default="amqp://guest:guest@127.0.0.1:5672/",
        description="RabbitMQ: amqp:// or amqps:// (TLS), with user, password and virtual host",
        repr=False,
        json_schema_extra={"secret": True},
    )
    amqp_prefix: str = Field(
        default="studio",
        pattern=r"^[a-z][a-z0-9-]*$",
        description="how the name of every exchange and queue begins",
    )
    mongo_url: Annotated[str, _address("mongodb", "mongodb+srv")] = Field(
        default="mongodb://127.0.0.1:27017",
        description="MongoDB, with user, password and options such as tls and replicaSet",
        repr=False,
        json_schema_extra={"secret": True},
    )
    database_prefix: str = Field(
        default="studio",
        pattern=r"^[a-z][a-z0-9_]*$",
        description="databases are `<prefix>_<service>`, and `<prefix>_accounts`, which create, "
        "edit and upscale share",
    )
    s3_endpoint: HostPort = Field(default="127.0.0.1:9000", description="host:port of any S3")
    s3_access_key: SecretStr = Field(
        default=SecretStr("minioadmin"), description="whose objects they are"
    )
    s3_secret_key: SecretStr = Field(
        default=SecretStr("minioadmin"), description="what requests are signed with"
    )
    s3_bucket: Annotated[str, AfterValidator(_bucket)] = Field(
        default="image-studio", description="where all blobs are; created if it is missing"
    )
    s3_secure: bool = Field(default=False, description="TLS to the S3 endpoint")
    s3_region: str = Field(default="us-east-1", description="the bucket's region")

    host: str = Field(
        default="127.0.0.1", description="the address that servers bind to; in a pod: 0.0.0.0"
    )
    grpc_port: int = Field(default=0, ge=0, le=65_535, description="of gRPC; 0: any free port")
    http_port: int = Field(
        default=0, ge=0, le=65_535, description="probes and metrics (gateway: the API); 0: any"
    )

    prefetch: int = Field(default=2, ge=1, le=64, description="deliveries at a time, per lane")
    pixels_at_once: int = Field(
        default=100_000_000,
        ge=1_000_000,
        description="pixels that a process works on at the same time, as memory follows them; a "
        "picture that has more is worked on alone",
    )
    drain_grace: float = Field(
        default=25, gt=0, le=3600, description="s that running work has to finish after SIGTERM"
    )
    drain_delay: float = Field(
        default=0,
        ge=0,
        le=60,
        description="s that a draining service, not ready any more, goes on to answer HTTP and "
        "gRPC, so that load balancers forget it first; 3 to 5 in Kubernetes, part of drain_grace",
    )
    lease: float = Field(
        default=15,
        ge=1,
        le=600,
        description="s without a sign of life until a step is up for grabs",
    )

    otlp_endpoint: Annotated[str | None, AfterValidator(_collector)] = Field(
        default=None,
        description="OTLP/gRPC traces go here: http://collector:4317, or https:// for TLS",
    )
    trace_ratio: float = Field(
        default=1.0,
        ge=0,
        le=1,
        description="part of the traces that is sent; a caller's own decision goes before it",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO", description="what is logged at least"
    )
    log_format: Literal["json", "text"] = Field(
        default="json", description="json: one object a line, with service, trace_id and span_id"
    )


SettingsT = TypeVar("SettingsT", bound=Settings)


def is_secret(kind: type[Settings], name: str) -> bool:
    """Whether a field's value is told to nobody: a key, or an address with a password."""
    field = kind.model_fields[name]
    extra = field.json_schema_extra
    return "SecretStr" in str(field.annotation) or (isinstance(extra, dict) and "secret" in extra)


def secrets(settings: Settings) -> set[str]:
    """Every secret of these settings, in the forms in which it could be told by mistake."""
    found: set[str] = set()
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        values = [*value, *value.values()] if isinstance(value, dict) else [value]
        told = [one.get_secret_value() for one in values if isinstance(one, SecretStr)]
        found |= {part.strip() for one in told for part in (one, *one.split(","))}
        if isinstance(value, str) and is_secret(type(settings), name):
            password = _password(value)
            found |= {password} if password else set()
    return found - {""}


def _password(url: str) -> str | None:
    return urlsplit(url).password  # as it is in the URL: percent-encoded


def load(kind: type[SettingsT]) -> SettingsT:
    """Read the environment, or end the process with one clear sentence per wrong value."""
    directory = os.environ.get(SECRETS_DIR) or None
    if directory and not Path(directory).is_dir():
        stop(f"{SECRETS_DIR}: there is no directory of that name.")
    files = [one.name for one in Path(directory).iterdir()] if directory else []
    if slips := misspelt([*os.environ, *files], kind):
        stop(*(f"{is_}: there is no such setting; {meant} was meant." for is_, meant in slips))
    try:
        return kind(_secrets_dir=directory)
    except SettingsError as error:  # its text names the field, its cause has the value
        field = re.search(r'field "(\w+)"', str(error))
        stop(f"{PREFIX}{field[1].upper() if field else '*'}: it is not valid JSON.")
    except ValidationError as error:
        stop(
            *(
                # only the field's name: deeper in a location there are keys, which are secrets
                f"{PREFIX}{str(one['loc'][0]).upper()}: {one['msg'].removeprefix('Value error, ')}."
                for one in error.errors(include_url=False, include_input=False)
            )
        )


def misspelt(names: Iterable[str], kind: type[Settings]) -> list[tuple[str, str]]:
    """Names that are almost those of settings, each with the one that it was meant to be."""
    known = [PREFIX + name.upper() for name in kind.model_fields] + [SECRETS_DIR]
    unknown = {name for name in names if name.upper().startswith(PREFIX)}
    unknown = {name for name in unknown if name.upper() not in known}
    close = {
        name: get_close_matches(_bare(name), map(_bare, known), n=1, cutoff=_ALIKE)
        for name in sorted(unknown)
    }
    return [(name, PREFIX + found[0]) for name, found in close.items() if found]


def _bare(name: str) -> str:
    return name.upper().removeprefix(PREFIX)


def stop(*sentences: str) -> NoReturn:
    """End the process: what is wrong is for whoever set it, and waiting would not mend it."""
    for one in sentences:
        print(f"Configuration: {one}", file=sys.stderr)
    raise SystemExit(EX_CONFIG)
