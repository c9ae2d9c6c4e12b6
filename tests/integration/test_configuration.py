"""A wrong setting ends a process with one clear sentence, and without a traceback."""

import socket

import pytest

from studio.bus.rabbit import RabbitBus
from studio.problems import Unavailable
from studio.settings import EX_CONFIG
from tests.e2e.conftest import environment  # noqa: F401
from tests.integration.one_service import OneService

PASSWORD = "horse-battery/staple"

WRONG = {
    "an AMQP address without a scheme": (
        {"STUDIO_AMQP_URL": f"guest:{PASSWORD}@127.0.0.1"},
        "STUDIO_AMQP_URL: it must be amqp:// or amqps://",
    ),
    "an AMQP address with a password that is not encoded": (
        {"STUDIO_AMQP_URL": f"amqp://guest:{PASSWORD}@127.0.0.1:5672/"},
        "STUDIO_AMQP_URL: it must be amqp:// or amqps://",
    ),
    "a MongoDB address of another kind": (
        {"STUDIO_MONGO_URL": f"postgres://guest:{PASSWORD}@127.0.0.1/"},
        "STUDIO_MONGO_URL: it must be mongodb:// or mongodb+srv://",
    ),
    "a MongoDB address that only its driver finds wrong": (
        {"STUDIO_MONGO_URL": "mongodb://us%er:horse-battery@127.0.0.1:27017/"},
        "STUDIO_MONGO_URL: it is no address of a MongoDB",
    ),
    "an S3 endpoint with a scheme": (
        {"STUDIO_S3_ENDPOINT": "http://127.0.0.1:9000"},
        "STUDIO_S3_ENDPOINT: it must be host or host:port",
    ),
    "a bucket that cannot be": (
        {"STUDIO_S3_BUCKET": "My_Bucket"},
        "STUDIO_S3_BUCKET: a bucket's name has 3 to 63 lower-case letters",
    ),
    "a collector that is no address": (
        {"STUDIO_OTLP_ENDPOINT": "grpc://collector/x"},
        "STUDIO_OTLP_ENDPOINT: it must be http://host:port, https://host:port (TLS)",
    ),
    "a directory of secrets that is not there": (
        {"STUDIO_SECRETS_DIR": "/there/is/none"},
        "STUDIO_SECRETS_DIR: there is no directory of that name.",
    ),
    "a slip of the pen": (
        {"STUDIO_AMPQ_URL": f"amqp://guest:{PASSWORD}@broker/"},
        "STUDIO_AMPQ_URL: there is no such setting; STUDIO_AMQP_URL was meant.",
    ),
    "an address of another machine": (
        {"STUDIO_HOST": "192.0.2.1"},
        "STUDIO_HOST: 192.0.2.1 is no address of this machine.",
    ),
    "keys that are no JSON": (
        {"STUDIO_API_KEYS": f"{PASSWORD}=acme"},
        "STUDIO_API_KEYS: it is not valid JSON.",
    ),
    "a workspace that is no name": (
        {"STUDIO_API_KEYS": f'{{"{PASSWORD}": 5}}'},
        "STUDIO_API_KEYS: Input should be a valid string.",
    ),
}


@pytest.mark.parametrize(("settings", "sentence"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_said_in_one_sentence_and_no_secret_in_it(settings, sentence, tmp_path):
    with OneService("gateway", settings, tmp_path) as service:
        assert service.ended() == EX_CONFIG
    [said] = [one for one in service.said.splitlines() if one.startswith("Configuration: ")]
    assert said.removeprefix("Configuration: ").startswith(sentence)
    assert said.endswith(".")
    assert "Traceback" not in service.said
    assert "horse" not in service.said


@pytest.mark.parametrize("port", ["STUDIO_HTTP_PORT", "STUDIO_GRPC_PORT"])
def test_a_port_that_is_taken_is_named(port, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number = str(taken.getsockname()[1])
        with OneService("library", {port: number}, tmp_path) as service:
            assert service.ended() == EX_CONFIG
    assert f"Configuration: {port}: port {number} of 127.0.0.1 is taken." in service.said
    assert "Traceback" not in service.said


def test_all_that_is_wrong_is_said_at_once(tmp_path):
    settings = {"STUDIO_PREFETCH": "many", "STUDIO_LOG_LEVEL": "LOUD"}
    with OneService("edit", settings, tmp_path) as service:
        assert service.ended() == EX_CONFIG
    assert [one.partition(" Input")[0] for one in service.said.splitlines()] == [
        "Configuration: STUDIO_PREFETCH:",
        "Configuration: STUDIO_LOG_LEVEL:",
    ]


def test_a_broker_that_refuses_the_password_is_waited_for_and_named(
    environment,  # noqa: F811
    broker_url,
    tmp_path,
):
    url = broker_url.replace("guest:guest", "guest:horse-battery")
    settings = {**environment, "STUDIO_AMQP_URL": url}
    with OneService("library", settings, tmp_path) as service:
        told = service.answers("/startupz", 503, "STUDIO_AMQP_URL")
        assert "refuses the user name or the password" in told.json()["waits_for"]
        assert "refuses the user name or the password" in service.answer("/readyz").text
        assert service.answer("/livez").status_code == 200
        service.signal()
        assert service.ended() == 0  # also while it is starting
    assert "Waiting: The broker (RabbitMQ) refuses the user name" in service.said
    assert "horse" not in service.said


async def test_a_virtual_host_that_is_not_there_is_named(broker_url):
    bus = RabbitBus(f"{broker_url}nowhere")
    try:
        with pytest.raises(Unavailable) as error:
            await bus.ping()
    finally:
        await bus.close()
    assert error.value.rule == "bus.vhost"


def test_a_blob_store_that_refuses_the_key_is_waited_for_and_named(
    environment,  # noqa: F811
    tmp_path,
):
    settings = {**environment, "STUDIO_S3_SECRET_KEY": "horse-battery"}
    with OneService("library", settings, tmp_path) as service:
        told = service.answers("/readyz", 503, "STUDIO_S3_SECRET_KEY")
        assert "The blob store (S3) refuses us" in told.json()["problems"]["blobs"]
    assert "horse" not in service.said


def test_addresses_with_passwords_are_in_no_line_even_when_all_is_logged(tmp_path):
    settings = {
        "STUDIO_AMQP_URL": "amqp://guest:horse-battery@127.0.0.1:1/",
        "STUDIO_MONGO_URL": "mongodb://guest:horse-battery@127.0.0.1:1/?serverSelectionTimeoutMS=9",
        "STUDIO_LOG_LEVEL": "DEBUG",
    }
    with OneService("edit", settings, tmp_path) as service:
        service.answers("/startupz", 503, "MongoDB")
        assert "horse" not in service.answer("/readyz").text
        service.signal()
        assert service.ended() == 0
    assert "Waiting: The metadata store (MongoDB) does not answer." in service.said
    assert "horse" not in service.said
