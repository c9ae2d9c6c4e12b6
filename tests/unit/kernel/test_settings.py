"""Settings: what is wrong is said, and nothing of it that is secret."""

from itertools import permutations

import pytest

from cli.reference import SERVICES
from gateway.settings import GatewaySettings
from studio.providers.accounts import ProviderSettings
from studio.settings import EX_CONFIG, Settings, is_secret, load, misspelt, secrets

SECRET = "horse-battery"


@pytest.fixture(autouse=True)
def environment(monkeypatch) -> pytest.MonkeyPatch:
    """No setting but those of the test."""
    import os

    for name in [one for one in os.environ if one.startswith("STUDIO_")]:
        monkeypatch.delenv(name)
    return monkeypatch


def test_a_secret_is_read_from_a_file_whatever_the_case_of_its_name(environment, tmp_path):
    (tmp_path / "STUDIO_S3_SECRET_KEY").write_text(SECRET)
    (tmp_path / "studio_amqp_prefix").write_text("mine")
    environment.setenv("STUDIO_SECRETS_DIR", str(tmp_path))
    settings = load(Settings)
    assert settings.s3_secret_key.get_secret_value() == SECRET
    assert settings.amqp_prefix == "mine"


def test_a_secret_is_read_as_kubernetes_mounts_it(environment, tmp_path):
    version = tmp_path / "..2026_11_25"
    version.mkdir()
    (version / "STUDIO_S3_SECRET_KEY").write_text(SECRET)
    (tmp_path / "..data").symlink_to(version.name)
    (tmp_path / "STUDIO_S3_SECRET_KEY").symlink_to("..data/STUDIO_S3_SECRET_KEY")
    environment.setenv("STUDIO_SECRETS_DIR", str(tmp_path))
    assert load(Settings).s3_secret_key.get_secret_value() == SECRET


def test_a_variable_goes_before_a_file(environment, tmp_path):
    (tmp_path / "STUDIO_AMQP_PREFIX").write_text("of-the-file")
    environment.setenv("STUDIO_SECRETS_DIR", str(tmp_path))
    environment.setenv("STUDIO_AMQP_PREFIX", "of-the-variable")
    assert load(Settings).amqp_prefix == "of-the-variable"


def test_a_file_whose_name_is_a_slip_of_the_pen_is_told(environment, tmp_path, capsys):
    (tmp_path / "STUDIO_S3_SECRT_KEY").write_text(SECRET)
    environment.setenv("STUDIO_SECRETS_DIR", str(tmp_path))
    with pytest.raises(SystemExit) as ended:
        load(Settings)
    assert ended.value.code == EX_CONFIG
    assert "STUDIO_S3_SECRET_KEY was meant" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("STUDIO_AMPQ_URL", "STUDIO_AMQP_URL"),
        ("STUDIO_MONGO_URI", "STUDIO_MONGO_URL"),
        ("STUDIO_MONGODB_URL", "STUDIO_MONGO_URL"),
        ("STUDIO_LOGLEVEL", "STUDIO_LOG_LEVEL"),
        ("STUDIO_HTTP_PORTS", "STUDIO_HTTP_PORT"),
        ("STUDIO_API_KEY", "STUDIO_API_KEYS"),  # of the client; here it would let everybody in
        ("STUDIO_SECRET_DIR", "STUDIO_SECRETS_DIR"),
    ],
)
def test_a_name_that_is_almost_right_is_told_with_the_right_one(written, meant):
    assert misspelt([written, "PATH", "STUDIO_HTTP_PORT"], GatewaySettings) == [(written, meant)]


def test_no_setting_of_one_service_is_taken_for_a_slip_in_another():
    """All services may be given one ConfigMap."""
    for one, other in permutations(SERVICES.values(), 2):
        names = [f"STUDIO_{name.upper()}" for name in one.model_fields]
        assert misspelt(names, other) == []
    tests = ["STUDIO_TEST_AMQP_URL", "STUDIO_TEST_S3_ENDPOINT", "STUDIO_TEST_S3_SECRET_KEY"]
    assert misspelt(tests, GatewaySettings) == []


@pytest.mark.parametrize(
    "url",
    [
        "amqp://guest:guest@127.0.0.1:5672/",
        "amqps://user:p%40ss@broker.example/vhost?heartbeat=30",
        "amqp://[::1]:5672/",
    ],
)
def test_every_address_of_a_broker_that_works_is_taken(url):
    assert Settings(amqp_url=url).amqp_url == url


@pytest.mark.parametrize(
    "url",
    [
        "mongodb://127.0.0.1:27017",
        "mongodb://user:p%40ss@a:27017,b:27017,c:27017/?replicaSet=rs0&tls=true",
        "mongodb+srv://user:pass@cluster.example/",
    ],
)
def test_every_address_of_a_mongodb_that_works_is_taken(url):
    assert Settings(mongo_url=url).mongo_url == url


@pytest.mark.parametrize("value", ["minio", "minio:9000", "[::1]:9000", "s3.eu.example.com:443"])
def test_an_endpoint_is_a_host_with_or_without_a_port(value):
    assert Settings(s3_endpoint=value).s3_endpoint == value


@pytest.mark.parametrize("value", ["https://minio", "minio:70000", "minio/x", "", "a:b@minio"])
def test_nothing_else_is_an_endpoint(value):
    with pytest.raises(ValueError, match="it must be host or host:port"):
        Settings(s3_endpoint=value)


def test_a_studio_may_be_found_by_all_addresses_of_its_name():
    assert GatewaySettings(edit_grpc="dns:///edit:50051").edit_grpc == "dns:///edit:50051"
    with pytest.raises(ValueError, match="host:port"):
        GatewaySettings(edit_grpc="http://edit:50051")


def test_settings_that_are_printed_show_no_secret():
    shown = repr(
        Settings(
            amqp_url=f"amqp://guest:{SECRET}@broker/",
            mongo_url=f"mongodb://guest:{SECRET}@mongo/",
            s3_secret_key=SECRET,
        )
    )
    assert SECRET not in shown
    assert "s3_endpoint" in shown


def test_every_secret_is_known_to_whoever_hides_them():
    settings = ProviderSettings(
        amqp_url="amqp://guest:of-the-broker@broker/",
        mongo_url="mongodb://guest:of%40mongo@mongo/",
        s3_secret_key="of-the-store",
        openai_api_key="of-openai, and-an-older-one",
    )
    known = {"of-the-broker", "of%40mongo", "of-the-store", "of-openai", "and-an-older-one"}
    assert known <= secrets(settings)
    assert {"key-of-acme"} <= secrets(GatewaySettings(api_keys={"key-of-acme": "acme"}))


def test_every_field_that_holds_a_secret_is_marked_as_one():
    marked = {
        name for model in SERVICES.values() for name in model.model_fields if is_secret(model, name)
    }
    named = {
        name
        for model in SERVICES.values()
        for name in model.model_fields
        if name.endswith(("_key", "_keys", "password", "amqp_url", "mongo_url"))
    }
    assert marked == named
