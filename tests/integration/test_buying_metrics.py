"""What is measured of calls to providers: how they ended, and what was billed."""

from __future__ import annotations

from contextlib import suppress
from uuid import uuid4

import pytest

from studio.problems import StudioError
from studio.providers.buying import Buyer
from tests.integration.test_buying import account, buyer, call, shop  # noqa: F401
from tests.integration.test_metrics import sample


@pytest.mark.parametrize(
    ("path", "outcome", "billed"),
    [
        ("/picture", "answered", 0.05),
        ("/filtered", "answered", 0.05),  # moderated afterwards, and billed
        ("/refused", "refused", 0),
        ("/down", "failed", 0),
        ("/proxy", "failed", 0),  # in doubt
        ("/lost", "lost", 0),  # in doubt
    ],
)
async def test_a_call_is_counted_by_its_end_and_its_money_if_it_was_billed(
    buyer: Buyer,  # noqa: F811
    path: str,
    outcome: str,
    billed: float,
) -> None:
    def counted() -> tuple[float, float, float]:
        labels = {"provider": "stability", "operation": "edit.erase"}
        return (
            sample("studio_provider_calls_total", **labels, outcome=outcome),
            sample("studio_provider_call_seconds_count", **labels),
            sample("studio_spent_total", provider="stability", currency="USD"),
        )

    step, before = uuid4(), counted()
    for _ in range(1 if path == "/down" else 2):  # the second time it is only remembered
        with suppress(StudioError):
            await buyer.buy(step, call(path))
    change = [now - then for now, then in zip(counted(), before, strict=True)]
    assert change == [1, 1, pytest.approx(billed)]
