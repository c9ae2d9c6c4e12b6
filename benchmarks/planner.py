"""The planner's table: every paid step on every size, and every pair of paid steps.

    python -m benchmarks.planner [--page docs/planner.md]

Nothing is bought: the planner asks limits, forecasts and prices. That what it accepts is really
taken is shown against the simulator by tests/contract/test_planned_sizes.py.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from gateway.planner import Plan, Planner
from studio.imaging.facts import ImageFacts
from studio.problems import Refused
from studio.slip import Step
from tests.planning import SIZES, Studios, named, paid_steps

_ABOUT = """\
# The planner's table

Made by `python -m benchmarks.planner --page docs/planner.md` from the limits
(`studio/providers/limits`), the forecasts of the engines and the price book.

## Every paid step, on every size

`yes`: taken as it is. `+ edit.resize`: the planner puts that step before it, and says so. `by`
another operation: the planner asks for that one instead, and says so. A dash: refused; the rule is
in the last column.

{singles}

## Every pair of paid steps

For each first step (rows, of whatever size it makes of the {count} sizes above) and each second
step: how many plans were accepted as they were, were repaired, and were refused by a rule. A
picture that is followed, or that a subject is put on, may have any size: it is cropped and scaled
before it is sent, to what the provider takes.

{pairs}

Refusals by rule: {rules}.
"""


async def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="benchmarks.planner", description=__doc__)
    parser.add_argument("--page", type=Path)
    wanted = parser.parse_args()
    planner = Planner(Studios())  # type: ignore[arg-type]
    rules: Counter[str] = Counter()
    page = _ABOUT.format(
        singles="\n".join([line async for line in singles(planner)]),
        pairs="\n".join([line async for line in pairs(planner, rules)]),
        count=len(SIZES),
        rules=", ".join(f"`{rule}` {count}" for rule, count in rules.most_common()),
    )
    if wanted.page:
        wanted.page.write_text(page)
    else:
        sys.stdout.write(page)


async def singles(planner: Planner) -> AsyncIterator[str]:
    """The rows of the first table."""
    steps = [one for one in paid_steps() if one.operation != "create.generate"]
    yield "| step | " + " | ".join(f"{w}×{h}" for w, h in SIZES) + " | refused by |"
    yield "| --- |" + " --- |" * (len(SIZES) + 1)
    for step in steps:
        cells, rules = [], set()
        for width, height in SIZES:
            try:
                plan = await planner.plan("table", [step], [ImageFacts(width=width, height=height)])
            except Refused as refused:
                rules.add(refused.rule.removeprefix(f"{step.provider}."))
                cells.append("–")
                continue
            cells.append(_told(step, plan))
        told = ", ".join(sorted(rules))
        yield f"| {named(step)} | " + " | ".join(cells) + f" | {told} |"


def _told(step: Step, plan: Plan) -> str:
    """What becomes of a step that is asked for alone."""
    *inserted, last = (one.operation for one in plan.steps)
    told = [f"+ {', '.join(inserted)}"] if inserted else []
    if last != step.operation:
        told.append(f"by {last}")
    return ", ".join(told) or "yes"


async def pairs(planner: Planner, rules: Counter[str]) -> AsyncIterator[str]:
    """The rows of the second table. rules: how often each refused; counted here."""
    yield "| first step | plans | as they were | repaired | refused |"
    yield "| --- | --- | --- | --- | --- |"
    for first in paid_steps():
        found: Counter[str] = Counter()
        for second, start in _seconds(first):
            try:
                plan = await planner.plan("table", [first, second], [start])
            except Refused as refused:
                rules[refused.rule] += 1
                found["refused"] += 1
                continue
            found["repaired" if plan.changes else "as they were"] += 1
        yield (
            f"| {named(first)} | {found.total()} | {found['as they were']} | "
            f"{found['repaired']} | {found['refused']} |"
        )


def _seconds(first: Step) -> Iterator[tuple[Step, ImageFacts | None]]:
    is_first = first.operation == "create.generate"
    for second in paid_steps():
        if second.operation == "create.generate":
            continue
        for width, height in SIZES[:1] if is_first else SIZES:
            yield second, None if is_first else ImageFacts(width=width, height=height)


if __name__ == "__main__":
    asyncio.run(main())
