"""A real OTLP/gRPC receiver inside the test."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent import futures
from contextlib import contextmanager
from dataclasses import dataclass

import grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc
from opentelemetry.proto.trace.v1.trace_pb2 import Span as Received


@dataclass(frozen=True)
class Span:
    """What the test asks of a span."""

    trace: str
    id: str
    parent: str
    name: str
    kind: int
    service: str

    @property
    def is_producer(self) -> bool:
        return self.kind == Received.SPAN_KIND_PRODUCER

    @property
    def is_consumer(self) -> bool:
        return self.kind == Received.SPAN_KIND_CONSUMER


class Receiver(trace_service_pb2_grpc.TraceServiceServicer):
    """Keeps every span that it is sent."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.raw: list[bytes] = []  # every request as it came
        self.endpoint = ""

    def Export(self, request, context):  # noqa: N802
        self.raw.append(request.SerializeToString())
        for resource in request.resource_spans:
            attributes = {one.key: one.value.string_value for one in resource.resource.attributes}
            for scope in resource.scope_spans:
                for span in scope.spans:
                    self.spans.append(
                        Span(
                            span.trace_id.hex(),
                            span.span_id.hex(),
                            span.parent_span_id.hex(),
                            span.name,
                            span.kind,
                            attributes.get("service.name", ""),
                        )
                    )
        return trace_service_pb2.ExportTraceServiceResponse()


@contextmanager
def receiver() -> Iterator[Receiver]:
    """Listen on a free loopback port."""
    server = grpc.server(futures.ThreadPoolExecutor(4))
    one = Receiver()
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(one, server)
    one.endpoint = f"http://127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    try:
        yield one
    finally:
        server.stop(2).wait(5)
