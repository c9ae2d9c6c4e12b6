"""Each arrow of the NetworkPolicies has a client in the code, and each client has its arrow."""

import ast
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from studio.providers.accounts import ProviderSettings
from tests.deploy import tools
from tests.deploy.arrows import Arrow, Peer, arrows, inside
from tests.deploy.manifests import (
    DEV,
    EXAMPLES,
    OVERLAYS,
    PRODUCTION,
    SERVICES,
    entry,
    every,
    one,
    selects,
    title,
)

each_overlay = pytest.mark.parametrize("folder", OVERLAYS, ids=title)

STUDIOS = tuple(name for name in SERVICES if name != "gateway")
BUYERS = ("create", "edit", "upscale")
JOBS = tuple(f"prepare-{name}" for name in SERVICES)

#: What opens connections, and which modules may call it: the clients behind the arrows.
CLIENTS = {
    "aio_pika.connect_robust": {"studio/bus/recovery.py"},  # → RabbitMQ
    "motor.motor_asyncio.AsyncIOMotorClient": {"studio/metadata.py"},  # → MongoDB
    "minio.Minio": {"studio/blobs/s3.py"},  # → S3
    "httpx.AsyncClient": {"studio/providers/buying.py"},  # → providers
    "grpc.aio.insecure_channel": {"studio/rpc.py"},  # gateway → studios
    "opentelemetry.exporter.otlp.proto.grpc.trace_exporter.OTLPSpanExporter": {
        "studio/telemetry.py"  # → collector
    },
    "urllib.request.urlopen": {"studio/healthcheck.py"},  # → itself, which needs no arrow
}

#: Other ways to a network that Python has at hand. A new one needs an arrow, and a line above.
UNUSED = {
    "aiohttp", "asyncio.open_connection", "boto3", "ftplib", "grpc.aio.secure_channel",
    "grpc.insecure_channel", "http.client", "httpx.Client", "pika", "pymongo.AsyncMongoClient",
    "pymongo.MongoClient", "redis", "requests", "smtplib", "socket.create_connection",
    "urllib.request", "websockets",
}  # fmt: skip

#: Who is outside. `name.` of a namespace that is not ours.
RESOLVER = Peer("dns", "kube-system", {"kubernetes.io/metadata.name": "kube-system"},
                {"k8s-app": "kube-dns"})  # fmt: skip
CLIENT = Peer("client", "ingress-nginx", {"image-studio/client": "true"})
STRANGER = Peer("stranger", "other", {"kubernetes.io/metadata.name": "other"})
PROMETHEUS = Peer("prometheus", "monitoring", {"kubernetes.io/metadata.name": "monitoring"},
                  {"app.kubernetes.io/name": "prometheus"})  # fmt: skip
STORES = Peer("stores", "image-studio-stores",
              {"kubernetes.io/metadata.name": "image-studio-stores"})  # fmt: skip
TRACES = Peer("traces", "observability", {"kubernetes.io/metadata.name": "observability"})
INTERNET = (Peer("internet", address="1.1.1.1"), Peer("internet", address="2606:4700::1"))
PRIVATE = tuple(
    Peer("private", address=each)
    for each in ("10.0.0.1", "172.16.0.1", "192.168.0.1", "100.64.0.1", "169.254.169.254",
                 "127.0.0.1", "fd00::1", "fe80::1", "::1")
)  # fmt: skip
OUTSIDE = (RESOLVER, CLIENT, STRANGER, PROMETHEUS, STORES, TRACES, *INTERNET, *PRIVATE)

PORTS = (53, 80, 443, 4317, 5671, 5672, 8080, 9000, 9001, 13133, 15672, 15692, 27017, 50051)


def expected(folder: Path) -> set[Arrow]:
    """The arrows of architecture.md."""
    stores = (
        {("rabbitmq", 5672), ("mongodb", 27017), ("minio", 9000)}
        if folder == DEV
        else {("stores", 5671), ("stores", 27017), ("stores", 9000)}
    )
    users = SERVICES if folder == DEV else (*SERVICES, *JOBS)
    here = (*users, "rabbitmq", "mongodb", "minio") if folder == DEV else (*users, "otel-collector")
    wanted = {("client", "gateway", 8080)}
    wanted |= {("gateway", studio, 50051) for studio in STUDIOS}
    wanted |= {(user, *store) for user in users for store in stores}
    wanted |= {(buyer, "internet", 443) for buyer in BUYERS}
    wanted |= {(each, "dns", 53) for each in here}
    if folder == PRODUCTION:
        wanted |= {("prometheus", service, 8080) for service in SERVICES}
        wanted |= {(service, "otel-collector", 4317) for service in SERVICES}
        wanted |= {("otel-collector", "traces", 4317)}
    return {Arrow(*each) for each in wanted}


@each_overlay
def test_exactly_the_arrows_of_the_architecture_are_allowed(folder: Path) -> None:
    found, wanted = arrows(folder, OUTSIDE, PORTS), expected(folder)
    assert found - wanted == set(), "allowed, and nobody needs it"
    assert wanted - found == set(), "needed, and not allowed at both ends"


@each_overlay
def test_no_policy_opens_a_port_that_was_not_looked_at(folder: Path) -> None:
    opened = [
        port
        for policy in every("NetworkPolicy", folder)
        for way in ("ingress", "egress")
        for rule in policy["spec"].get(way, ())
        for port in rule.get("ports", ())
    ]
    assert {each["port"] for each in opened} <= set(PORTS)
    assert not [each for each in opened if "endPort" in each]
    named = {(each["protocol"], each["port"]) for each in opened}
    assert {port for protocol, port in named if protocol == "UDP"} == {53}
    assert ("TCP", 53) in named  # an answer that is too long for UDP
    assert {protocol for protocol, _ in named} == {"TCP", "UDP"}


@each_overlay
def test_whatever_is_not_allowed_is_denied_to_every_pod(folder: Path) -> None:
    policy = one("NetworkPolicy", "default-deny", folder)["spec"]
    assert policy == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


@cache
def sources() -> list[tuple[str, ast.Module]]:
    """The modules that run in a pod."""
    return [
        (str(path.relative_to(tools.ROOT)), ast.parse(path.read_text()))
        for package in ("studio", "services", "gateway")
        for path in sorted((tools.ROOT / package).rglob("*.py"))
        if "_pb2" not in path.name
    ]


def bound(tree: ast.Module) -> dict[str, str]:
    """Local names of what a module imports, by full name."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for each in node.names:
                found[each.asname or each.name.partition(".")[0]] = (
                    each.name if each.asname else each.name.partition(".")[0]
                )
        elif isinstance(node, ast.ImportFrom) and node.module:
            for each in node.names:
                found[each.asname or each.name] = f"{node.module}.{each.name}"
    return found


def called(tree: ast.Module) -> set[str]:
    """Full names of what a module calls, as far as they are imported."""
    names, found = bound(tree), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            first, dot, rest = ast.unparse(node.func).partition(".")
            found.add(names.get(first, first) + dot + rest)
    return found


def test_every_client_in_the_code_has_an_arrow_and_every_arrow_a_client() -> None:
    callers: dict[str, set[str]] = {name: set() for name in CLIENTS}
    for path, tree in sources():
        for name in called(tree) & set(CLIENTS):
            callers[name].add(path)
    assert callers == CLIENTS


def test_nothing_else_in_the_code_opens_connections() -> None:
    found = [
        (path, name)
        for path, tree in sources()
        for name in {*bound(tree).values(), *called(tree)} - set(CLIENTS)
        if any(name == each or name.startswith(f"{each}.") for each in UNUSED)
    ]
    assert found == []


def test_only_the_gateway_asks_by_grpc_and_only_buyers_have_accounts() -> None:
    asking = [path for path, tree in sources() if "studio.rpc.channel" in bound(tree).values()]
    assert asking == ["gateway/studios.py"]
    buying = {name for name in SERVICES if issubclass(entry(name).kind, ProviderSettings)}
    assert buying == set(BUYERS)


def test_every_provider_is_reached_by_https_at_its_usual_port() -> None:
    fields = entry("create").kind.model_fields
    urls = {name: urlsplit(field.default) for name, field in fields.items() if name[-4:] == "_url"}
    providers = {name: url for name, url in urls.items() if url.hostname != "127.0.0.1"}
    assert len(providers) >= 7
    assert {(url.scheme, url.port) for url in providers.values()} == {("https", None)}


@each_overlay
def test_each_policy_selects_somebody(folder: Path) -> None:
    peers = inside(folder)
    idle = [
        policy["metadata"]["name"]
        for policy in every("NetworkPolicy", folder)
        if not any(selects(policy["spec"]["podSelector"], peer.labels) for peer in peers)
    ]
    assert idle == []


def test_the_example_stores_let_in_who_is_sent_to_them() -> None:
    sent = {
        (policy["metadata"]["name"], port["port"])
        for policy in every("NetworkPolicy", PRODUCTION)
        for rule in policy["spec"].get("egress", ())
        if {"matchLabels": {"kubernetes.io/metadata.name": STORES.namespace}}
        in [peer.get("namespaceSelector") for peer in rule["to"]]
        for port in rule["ports"]
    }
    let_in = one("NetworkPolicy", "from-image-studio", EXAMPLES)["spec"]["ingress"][0]
    assert {port for _, port in sent} == {port["port"] for port in let_in["ports"]}
    assert len(sent) == 3
    (senders,) = {
        str(one("NetworkPolicy", name, PRODUCTION)["spec"]["podSelector"]["matchExpressions"])
        for name, _ in sent
    }
    assert str(let_in["from"][0]["podSelector"]["matchExpressions"]) == senders
