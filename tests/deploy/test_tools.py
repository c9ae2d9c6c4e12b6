"""The check tools are there, and each of them sees a mistake when there is one."""

import re
from pathlib import Path

import pytest
import yaml

from tests.deploy import tools

CHECKS = tools.CHECKS

SCALED = """
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: edit}
spec:
  scaleTargetRef: {name: edit}
  triggers: [{type: rabbitmq, metadata: {protocol: http, value: "4"}}]
"""
DISRUPTION = """
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: edit}
spec: {maxUnavailable: 1}
"""
UNKNOWN = "{apiVersion: example.com/v1, kind: Teapot, metadata: {name: short}}"


def manifests(*texts):
    return tools.check_manifests([yaml.safe_load(text) for text in texts])


def test_good_manifests_have_no_problem_and_unknown_kinds_are_said_to_be_unknown():
    scaled, disruption, teapot = manifests(SCALED, DISRUPTION, UNKNOWN)
    assert (scaled.by, scaled.problems) == ("cloudcoil.models.keda.v1alpha1", [])
    assert (disruption.by, disruption.problems) == ("Kubernetes 1.31, 1.37", [])
    assert (teapot.kind, teapot.name, teapot.by) == ("Teapot", "short", None)


def test_a_misspelled_field_is_a_problem_whoever_defined_the_kind():
    scaled, number, disruption = manifests(
        SCALED.replace("scaleTargetRef: {", "scaleTargetRef: {kin: Deployment, "),
        SCALED.replace('"4"', "4"),
        DISRUPTION.replace("maxUnavailable", "maxUnavailble"),
    )
    assert scaled.problems == [".spec.scaleTargetRef.kin: no such field"]
    assert number.problems == [".spec.triggers.0.metadata.value: Input should be a valid string"]
    assert "'maxUnavailble' was unexpected" in disruption.problems[0]


def test_a_query_is_parsed_with_its_types_and_names_its_series_and_labels():
    good, bad = tools.parse_queries(
        ['sum by (queue) (rate(studio_steps_total{result="made"}[5m]))', "rate(studio_steps_total)"]
    )
    assert good == tools.Query(None, ["studio_steps_total"], ["queue", "result"])
    assert "expected type matrix" in bad.problem


@pytest.fixture
def compose(tmp_path: Path) -> Path:
    file = tmp_path / "compose.yaml"
    file.write_text(
        "services: {edit: {image: 'image-studio/edit:${TAG:?which tag}', ports: [8080]}}"
    )
    return file


def test_compose_files_are_merged_and_their_variables_filled_in(compose, tmp_path):
    host = tmp_path / "host.yaml"
    host.write_text("services: {edit: {network_mode: host, ports: !reset []}}")
    found = tools.effective_compose(compose, host, env={"TAG": "1.2"})
    assert found["services"] == {"edit": {"image": "image-studio/edit:1.2", "network_mode": "host"}}


def test_a_compose_file_that_no_engine_would_take_says_why(compose):
    with pytest.raises(ValueError, match="TAG is missing a value: which tag"):
        tools.effective_compose(compose)
    compose.write_text(compose.read_text().replace("ports", "portz"))
    with pytest.raises(ValueError, match="portz"):
        tools.effective_compose(compose, env={"TAG": "1.2"})


def test_yaml_that_says_a_thing_twice_is_found(tmp_path):
    twice = tmp_path / "twice.yaml"
    twice.write_text("a: 1\na: 2\n")
    assert "key-duplicates" in "".join(tools.yaml_problems(twice))


def test_the_yaml_of_deploy_is_clean():
    assert tools.yaml_problems(tools.ROOT / "deploy") == []


def test_kubectl_brings_kustomize_5():
    said = tools.run("kubectl", "version", "--client").stdout
    assert re.search(r"Kustomize Version: v5\.", said)


def test_the_tools_are_pinned_with_hashes_and_from_no_named_host():
    lock = (CHECKS / "requirements.lock").read_text()
    wanted = re.findall(r"^([a-z][a-z-]+)", (CHECKS / "requirements.in").read_text(), re.MULTILINE)
    assert {name for name in wanted if f"\n{name}==" not in f"\n{lock}"} == set()
    assert "://" not in lock
    assert all("--hash=sha256:" in block for block in re.split(r"^(?=[a-z])", lock, flags=re.M)[1:])
