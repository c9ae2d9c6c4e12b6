"""Is this PromQL, and which metrics and labels does it name?

    .venv-deploy/bin/python deploy/checks/promql.py < expressions.json

Reads a JSON list of expressions. Answers a JSON list in the same order, of objects with
`problem` (a sentence, or null), `metrics` (names of series), `labels` (matched or grouped by).
The parser is a port of Prometheus' own grammar: it knows functions and the types they take.
"""

import json
import sys
from typing import Any

import promql_parser
from promql_parser import AggregateExpr, BinaryExpr, Expr, VectorSelector


def answer(expression: str) -> dict[str, Any]:
    """Parse one expression."""
    metrics, labels = set[str](), set[str]()

    def note(part: Expr) -> bool:
        if isinstance(part, VectorSelector):
            metrics.add(part.name or "")
            labels.update(matcher.name for matcher in part.matchers.matchers)
        if isinstance(part, AggregateExpr) and part.modifier:
            labels.update(part.modifier.labels)
        if isinstance(part, BinaryExpr) and part.modifier and part.modifier.matching:
            labels.update(part.modifier.matching.labels)
        return True

    try:
        promql_parser.walk(promql_parser.parse(expression), note)
    except ValueError as wrong:
        return {"problem": str(wrong), "metrics": [], "labels": []}
    return {"problem": None, "metrics": sorted(metrics - {""}), "labels": sorted(labels)}


if __name__ == "__main__":
    json.dump([answer(expression) for expression in json.load(sys.stdin)], sys.stdout)
