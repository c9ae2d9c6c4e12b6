"""Telemetry: one trace from the HTTP request to the last catalogued rendition, and the trace id
in every log line.

The trace travels as the CloudEvents `traceparent` attribute (W3C Trace Context), so it does not
matter which broker carries the event or how often it is redelivered.
"""

from __future__ import annotations

import json
import logging
import socket
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBasedTraceIdRatio
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from studio.events import Event
from studio.metrics import version
from studio.settings import Settings, secrets

_W3C = TraceContextTextMapPropagator()

tracer = trace.get_tracer("image-studio")


def configure(service: str, settings: Settings) -> TracerProvider:
    """Set up logging and tracing for this process; call once, at start."""
    _configure_logging(service, settings)
    who = {
        "service.name": f"image-studio-{service}",
        "service.version": version(),
        "service.instance.id": socket.gethostname(),  # of a pod: its name
    }
    provider = TracerProvider(
        resource=Resource.create(who), sampler=ParentBasedTraceIdRatio(settings.trace_ratio)
    )
    if settings.otlp_endpoint:
        is_plain = not settings.otlp_endpoint.startswith("https://")
        exporter = OTLPSpanExporter(endpoint=settings.otlp_endpoint, insecure=is_plain)
        provider.add_span_processor(BatchSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    return provider


def traceparent() -> str | None:
    """The current span as a W3C traceparent, or None outside of any trace."""
    carrier: dict[str, str] = {}
    _W3C.inject(carrier)
    return carrier.get("traceparent")


def trace_id(header: str | None = None) -> str | None:
    """The 32-hex trace id of a traceparent, by default the current span's."""
    header = header or traceparent()
    return header.split("-")[1] if header else None


@contextmanager
def producing_for(event: Event, key: str) -> Iterator[Event]:
    """A producer span in the trace that the event carries already, outside of any request."""
    with producing(event, key, _context(event)) as carried:
        yield carried


@contextmanager
def producing(event: Event, key: str, context: Context | None = None) -> Iterator[Event]:
    """A producer span around publishing; yields the event that carries it."""
    with tracer.start_as_current_span(
        f"{event.type} publish",
        context=context,
        kind=SpanKind.PRODUCER,
        attributes={
            "messaging.system": "image-studio",
            "messaging.operation.type": "send",
            "messaging.destination.name": key,
            "cloudevents.event_id": event.id,
            "cloudevents.event_type": event.type,
        },
    ):
        yield event.model_copy(update={"traceparent": traceparent()})


@contextmanager
def consuming(event: Event, service: str, attempt: int) -> Iterator[Span]:
    """A consumer span, child of the span that published the event, also after a redelivery."""
    with tracer.start_as_current_span(
        f"{service} process {event.type}",
        context=_context(event),
        kind=SpanKind.CONSUMER,
        attributes={
            "messaging.system": "image-studio",
            "messaging.operation.type": "process",
            "messaging.message.delivery_attempt": attempt,
            "studio.service": service,
            "cloudevents.event_id": event.id,
            "cloudevents.event_type": event.type,
        },
    ) as span:
        yield span


@contextmanager
def span(name: str, **attributes: str | int | float | bool) -> Iterator[Span]:
    """A span for one part of the work: fetch, decode, operate, encode, store."""
    with tracer.start_as_current_span(name, attributes=attributes) as current:
        yield current


def mark_failed(says: str) -> None:
    """Mark the current span as failed, with the sentence a person would read."""
    trace.get_current_span().set_status(Status(StatusCode.ERROR, says))


def _context(event: Event) -> Context:
    carrier = {"traceparent": event.traceparent} if event.traceparent else {}
    if event.tracestate:
        carrier["tracestate"] = event.tracestate
    return _W3C.extract(carrier, context=Context())


def _configure_logging(service: str, settings: Settings) -> None:
    handler = logging.StreamHandler(sys.stderr)
    hidden = secrets(settings)
    if settings.log_format == "json":
        handler.setFormatter(JsonLines(service, hidden))
    else:
        handler.setFormatter(TextLines(hidden))
    logging.basicConfig(level=settings.log_level, handlers=[handler], force=True)
    logging.captureWarnings(True)
    for noisy in ("aiormq", "aio_pika", "pymongo", "httpx", "httpcore", "uvicorn", "grpc"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    logging.getLogger("urllib3").setLevel(logging.ERROR)  # what it retries, we report if it fails


#: What is shorter is no secret that anybody could keep, and hiding it would garble the log.
_SHORTEST_SECRET = 6
_HIDDEN = "[hidden]"


class _Hiding:
    """Takes secrets out of lines: the last resort, as nobody writes them on purpose."""

    def __init__(self, secrets_: Collection[str]) -> None:
        forms = {form for one in secrets_ for form in (one, json.dumps(one)[1:-1])}
        self._forms = sorted((one for one in forms if len(one) >= _SHORTEST_SECRET), key=len)[::-1]

    def __call__(self, line: str) -> str:
        for one in self._forms:
            line = line.replace(one, _HIDDEN)
        return line


class TextLines(logging.Formatter):
    """Lines for a person at a terminal."""

    def __init__(self, hidden: Collection[str] = ()) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(name)s %(message)s")
        self._hide = _Hiding(hidden)

    def format(self, record: logging.LogRecord) -> str:
        """Render a record, with its traceback if it has one."""
        return self._hide(super().format(record))


class JsonLines(logging.Formatter):
    """One JSON object a line, with the trace and the span that the line belongs to."""

    def __init__(self, service: str, hidden: Collection[str] = ()) -> None:
        super().__init__()
        self.service = service
        self._hide = _Hiding(hidden)

    def format(self, record: logging.LogRecord) -> str:
        """Render a record; `extra={"facts": {…}}` adds fields."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname,
            "service": self.service,
            "logger": record.name,
            "message": record.getMessage(),
            **_ids(),
            **getattr(record, "facts", {}),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return self._hide(json.dumps({k: v for k, v in line.items() if v is not None}, default=str))


def _ids() -> dict[str, str]:
    context = trace.get_current_span().get_span_context()
    if not context.is_valid:
        return {}
    return {"trace_id": f"{context.trace_id:032x}", "span_id": f"{context.span_id:016x}"}
