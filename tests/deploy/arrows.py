"""Who may open a connection to whom, as the NetworkPolicies of an overlay say.

An arrow is there only if it is allowed at both of its ends: by the egress rules of who calls, and
by the ingress rules of who is called. An end whose policies are not ours (another namespace, the
Internet) allows everything.
"""

from collections.abc import Iterator, Mapping, Sequence
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any, NamedTuple

from tests.deploy.manifests import Document, every, pods, selects


class Peer(NamedTuple):
    """Somebody on the network."""

    name: str
    namespace: str | None = None  # None: outside of the cluster
    namespace_labels: Mapping[str, str] = {}
    labels: Mapping[str, str] = {}
    ports: Mapping[str, int] = {}  # that are named
    address: str | None = None


class Arrow(NamedTuple):
    """A connection that may be opened."""

    client: str
    server: str
    port: int


def inside(folder: Path) -> list[Peer]:
    """The pods of an overlay."""
    return [
        Peer(
            name=workload["metadata"]["name"],
            namespace=workload["metadata"]["namespace"],
            namespace_labels={"kubernetes.io/metadata.name": workload["metadata"]["namespace"]},
            labels=pod["metadata"]["labels"],
            ports={
                port["name"]: port["containerPort"]
                for container in pod["spec"]["containers"]
                for port in container.get("ports", ())
            },
        )
        for workload, pod in pods(folder)
    ]


def arrows(folder: Path, outside: Sequence[Peer], ports: Sequence[int]) -> set[Arrow]:
    """Every connection that is allowed between these pods and peers at any of the ports."""
    policies, ours = every("NetworkPolicy", folder), inside(folder)
    return {
        Arrow(client.name, server.name, port)
        for client in (*ours, *outside)
        for server in (*ours, *outside)
        if client is not server and (client in ours or server in ours)
        for port in ports
        if allows("Egress", policies, client, server, port)
        and allows("Ingress", policies, server, client, port)
    }


def allows(way: str, policies: Sequence[Document], subject: Peer, other: Peer, port: int) -> bool:
    """Whether the policies of one end let the connection pass."""
    server = other if way == "Egress" else subject
    concerned = [
        policy["spec"]
        for policy in policies
        if policy["metadata"]["namespace"] == subject.namespace
        and way in policy["spec"]["policyTypes"]
        and selects(policy["spec"]["podSelector"], subject.labels)
    ]
    if not concerned:
        return True
    return any(
        _matches(rule.get("to" if way == "Egress" else "from"), other, subject)
        and port in _ports(rule.get("ports"), server, port)
        for policy in concerned
        for rule in policy.get(way.lower(), ())
    )


def _ports(said: Sequence[Document] | None, server: Peer, any_: int) -> Iterator[int]:
    if said is None:
        yield any_
    for each in said or ():
        port: Any = each["port"]
        yield port if isinstance(port, int) else server.ports.get(port, -1)


def _matches(peers: Sequence[Document] | None, other: Peer, subject: Peer) -> bool:
    return peers is None or any(_is(peer, other, subject) for peer in peers)


def _is(peer: Document, other: Peer, subject: Peer) -> bool:
    if block := peer.get("ipBlock"):
        return other.address is not None and _in_block(other.address, block)
    if other.namespace is None:
        return False
    if "namespaceSelector" in peer:
        is_there = selects(peer["namespaceSelector"], other.namespace_labels)
    else:
        is_there = other.namespace == subject.namespace
    return is_there and selects(peer.get("podSelector"), other.labels)


def _in_block(address: str, block: Document) -> bool:
    def within(network: str) -> bool:
        return ip_address(address) in ip_network(network)

    return within(block["cidr"]) and not any(within(each) for each in block.get("except", ()))
