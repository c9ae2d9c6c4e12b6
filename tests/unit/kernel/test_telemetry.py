"""Log lines: one JSON object each, in their trace, and without secrets."""

import json
import logging
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider

from studio import metrics, telemetry
from studio.settings import Settings
from studio.telemetry import JsonLines, TextLines

SECRET = 'horse"battery'


@pytest.fixture
def record() -> logging.LogRecord:
    return logging.getLogger("studio.test").makeRecord(
        "studio.test", logging.WARNING, __file__, 1, "It took %s s", (3,), None
    )


@pytest.fixture(autouse=True)
def own_logging() -> Iterator[None]:
    """`configure` changes the root logger; the session gets its own back."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    logging.captureWarnings(False)


def test_a_line_has_all_that_a_search_asks_for(record):
    line = json.loads(JsonLines("edit").format(record))
    assert line.pop("time").endswith("+00:00")
    assert line == {
        "level": "WARNING",
        "service": "edit",
        "logger": "studio.test",
        "message": "It took 3 s",
    }


def test_a_line_in_a_span_names_the_trace_and_the_span(record):
    tracer = TracerProvider().get_tracer("test")
    with tracer.start_as_current_span("work") as span:
        line = json.loads(JsonLines("edit").format(record))
    context = span.get_span_context()
    assert line["trace_id"] == trace.format_trace_id(context.trace_id)
    assert line["span_id"] == trace.format_span_id(context.span_id)


def test_an_exception_is_a_field_of_its_line(record):
    try:
        raise ValueError("the reason")
    except ValueError as error:
        record.exc_info = (type(error), error, error.__traceback__)
    text = JsonLines("edit").format(record)
    assert "\n" not in text
    assert "ValueError: the reason" in json.loads(text)["exception"]


@pytest.mark.parametrize("kind", ["json", "text"])
def test_no_secret_is_in_a_line_wherever_it_came_from(record, kind):
    lines = JsonLines("edit", {SECRET}) if kind == "json" else TextLines({SECRET})
    record.msg, record.args = "Cannot connect to amqp://guest:%s@broker", (SECRET,)
    record.facts = {"key": f"Bearer {SECRET}"}
    try:
        raise ValueError(f"refused {SECRET}")
    except ValueError as error:
        record.exc_info = (type(error), error, error.__traceback__)
    text = lines.format(record)
    assert "horse" not in text
    assert "[hidden]" in text
    if kind == "json":
        assert json.loads(text)["message"] == "Cannot connect to amqp://guest:[hidden]@broker"


def test_a_longer_secret_is_hidden_whole_where_a_shorter_one_is_its_beginning(record):
    record.msg, record.args = "horse-battery-staple", ()
    text = JsonLines("edit", {"horse-", "horse-battery-staple"}).format(record)
    assert json.loads(text)["message"] == "[hidden]"


def test_what_is_as_short_as_a_word_is_not_taken_for_a_secret(record):
    record.msg, record.args = "be our guest", ()
    assert json.loads(JsonLines("edit", {"guest"}).format(record))["message"] == "be our guest"


_SPEAKING = """
import logging
from studio import telemetry
from studio.settings import Settings
provider = telemetry.configure("edit", Settings())
logging.getLogger("uvicorn.error").error("a server's line")
logging.getLogger("grpc._cython.cygrpc").error("another server's line")
logging.getLogger("py.warnings").warning("a warning")
provider.shutdown()
"""


def test_warnings_and_the_servers_speak_json_too():
    # A process of its own: what is configured here is configured for a whole process.
    said = subprocess.run([sys.executable, "-c", _SPEAKING], capture_output=True, check=True)
    lines = [json.loads(line) for line in said.stderr.splitlines()]
    assert [one["message"] for one in lines] == [
        "a server's line",
        "another server's line",
        "a warning",
    ]
    assert {one["service"] for one in lines} == {"edit"}


def test_traces_say_which_service_which_version_and_which_instance_they_are_of():
    provider = telemetry.configure("edit", Settings())
    who = provider.resource.attributes
    assert who["service.name"] == "image-studio-edit"
    assert who["service.version"] == metrics.version()
    assert who["service.instance.id"] == socket.gethostname()
    provider.shutdown()


@pytest.mark.parametrize(("ratio", "sampled"), [(0, False), (1, True)])
def test_the_part_of_the_traces_that_is_sent_can_be_set(ratio, sampled):
    provider = telemetry.configure("edit", Settings(trace_ratio=ratio))
    with provider.get_tracer("test").start_as_current_span("work") as span:
        assert span.get_span_context().trace_flags.sampled == sampled
    provider.shutdown()


@pytest.mark.parametrize(
    ("scheme", "first"), [("http", b"PRI * HTTP/2"), ("https", b"\x16\x03")], ids=["http", "https"]
)
def test_a_collector_is_spoken_to_as_its_scheme_says(scheme, first):
    """https: the first bytes are a TLS handshake; http: HTTP/2 as it is."""
    with socket.create_server(("127.0.0.1", 0)) as collector:
        collector.settimeout(30)
        endpoint = f"{scheme}://127.0.0.1:{collector.getsockname()[1]}"
        provider = telemetry.configure("edit", Settings(otlp_endpoint=endpoint))
        provider.get_tracer("test").start_span("work").end()
        provider._active_span_processor._span_processors[0]._batch_processor._worker_awaken.set()
        caller, _ = collector.accept()
        with caller:
            caller.settimeout(30)
            assert caller.recv(12).startswith(first)
    provider._active_span_processor._span_processors[0]._batch_processor._exporter.shutdown(0)
