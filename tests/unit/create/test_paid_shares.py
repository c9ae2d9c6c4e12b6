"""What a call cost is divided among its pictures, also among those that did not arrive."""

from uuid import UUID

from services.create.providers.openai import OpenAI
from services.create.providers.stability import Stability
from studio.money import Money
from studio.operation import Failure, Output, Work
from studio.problems import Problem
from studio.providers.buying import Bought
from studio.providers.call import InDoubt, ProviderAway, ProviderRefused
from tests.unit.create.test_paid_engines import CORE, Till, bought, params, picture, run


async def no_blob(key: str) -> bytes:
    raise AssertionError(key)


EXPIRED = Problem(kind="refused", rule="provider.expired", says="Its store has it no more.")
SQUARE = picture(1024, 1024)


async def test_a_result_that_is_gone_is_a_failure_of_its_own_with_its_share_of_the_cost():
    came = Bought([SQUARE, None, SQUARE], Money.of("0.1"), problem=EXPIRED)
    first, second, third = await run(OpenAI(), Till(lambda _: came), variations=3)
    assert isinstance(first, Output)
    assert isinstance(third, Output)
    assert isinstance(second, Failure)
    assert (second.problem.rule, second.label) == ("provider.expired", "variation 2")
    assert second.cost.amount > 0
    assert first.cost + second.cost + third.cost == Money.of("0.1")


async def test_a_doubt_that_was_settled_costs_what_the_bill_told():
    settled = ProviderRefused.as_before(
        InDoubt("stability", "generate.core").as_problem(), Money.zero()
    )
    till = Till(lambda index: settled if index else bought(CORE))
    _, failed = await run(Stability(), till, variations=2)
    assert (failed.problem.rule, failed.cost) == ("provider.in_doubt", Money.zero())


async def test_what_is_kept_at_a_provider_that_is_away_is_not_told_as_free():
    away = ProviderAway.because("stability", "HTTP 503", None, Money.of("0.03"))
    till = Till(lambda index: away if index else bought(CORE))
    asked = params(variations=2)
    work = Work(UUID(int=7), asked, None, None, "stability", no_blob, buy=till.buy, is_last=True)
    _, failed = await Stability().run(work)
    assert (failed.problem.rule, failed.cost) == ("provider.away", Money.of("0.03"))
