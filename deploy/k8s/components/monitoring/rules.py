"""Write prometheusrule.yaml from deploy/monitoring/rules.yaml: the same groups, one level deeper.

Prometheus reads its own file, its operator wants a resource, and kustomize cannot make one of the
other. A test says when this must run again.
"""

from pathlib import Path

HERE = Path(__file__).parent
RULES = HERE.parents[2] / "monitoring" / "rules.yaml"
RULE = HERE / "prometheusrule.yaml"

HEAD = """\
# Made by rules.py from deploy/monitoring/rules.yaml. Change that, and make this anew.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: image-studio
spec:
"""


def written(rules: str) -> str:
    """The PrometheusRule of a Prometheus rule file, comments before its groups left out."""
    groups = rules[rules.index("groups:") :]
    return HEAD + "".join(f"  {line}".rstrip() + "\n" for line in groups.splitlines())


if __name__ == "__main__":
    RULE.write_text(written(RULES.read_text()))
