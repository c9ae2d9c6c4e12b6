"""docs/providers.md: who does what, for how much, within which limits; from the data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from services.create.operations.generate import Generate
from services.create.quality import Ladder, ladders
from services.create.service import ENGINES as CREATE_ENGINES
from services.create.service import engines as create_engines
from services.edit.service import operations as edit_operations
from services.upscale.service import operations as upscale_operations
from studio.keyless import key_setting
from studio.operation import AnyEngine, AnyOperation
from studio.providers.accounts import PROVIDERS
from studio.providers.balances import balance_setting
from studio.providers.limits import product_limits, provider_limits
from studio.providers.models import Choice
from studio.providers.offers import Offer, offers, spanning
from studio.providers.prices import price_book

_HEAD = """\
# Providers and prices

Generated from the data of `studio/providers` (prices, limits), `services/create/quality`,
`services/edit/models` and `services/upscale/models` by `make docs`; do not edit.

Without keys, local engines do everything, for nothing. A key makes its provider available: to
steps that name it, and to runs that name an order. Who is away is passed over for the next one;
whose key is missing, is refused. Nothing is bought whose price is not here.

    studio providers
    studio run pattern-1-create -p prompt="a red cup" --providers stability,local --quote
    studio run pattern-1-create -p prompt="a red cup" --providers stability,local --budget 0.50

    GET /v1/providers
    POST /v1/quotes {"workflow": "pattern-1-create", "parameters": {"prompt": "a red cup"},
        "providers": ["stability", "local"]}

Prices are what the sources said on that day, not a provider's word of today: look at notes marked
[recheck]. A quote tells the price of the whole run before it starts, and the most that it may be.
Where a source says “survey”, it is the survey of providers that the data were made from
(`providers.md` in the data), which is not part of this repository. What a picture may measure at
each provider, and what the planner does about it: [planner.md](planner.md).
"""

_MATRIX = """\
## Who does what

The usual price of one call or picture in the account's currency, and in brackets the cheapest and
the dearest of what the operation may buy, by quality, shape or way. `create.import`,
`optimizer.export` and `library.organise` are local, too, and free. Imagen has Google's key.
"""

_LOCAL = """\
## What the local engines do instead

They need no key and no network, send no picture anywhere, and give the same pixels for the same
request. [pictures.md](pictures.md) shows what they make, [operations-cost.md](operations-cost.md)
what it takes, [prompts.md](prompts.md) which words they know. A model of your own paints, too, if
`STUDIO_DIFFUSERS_WEIGHTS` names its weights ([settings.md](settings.md)): provider `diffusers`.
"""

_QUALITIES = """\
## Qualities

What `quality` of `create.generate` means to each provider: the model, its settings, and the usual
price of a picture (of several shapes, the first) in the account's currency. What has no line, a
provider does not make.
"""

_MANNERS = {
    "grades": "from words",
    "reference": "following a picture",
    "transparent": "without a background",
    "transparent_reference": "both",
}


class _Bought(NamedTuple):
    """What one operation may buy of one provider."""

    operation: str
    engine: AnyEngine
    offers: list[Offer]


def providers_page() -> str:
    """docs/providers.md."""
    every = _operations()
    bought = [_bought(one, engine) for one in every for engine in one.paid.values()]
    lines = [_HEAD, _MATRIX, *_matrix(every, bought), _LOCAL, *_local(every)]
    lines += [_QUALITIES, *_qualities(), "## Accounts and products", ""]
    for account in PROVIDERS:
        lines += _account(account, [one for one in bought if one.engine.account == account])
    return "\n".join(lines).rstrip() + "\n"


def _operations() -> list[AnyOperation]:
    """All that a provider could do, as if every key were there."""
    generate = Generate().with_engines(create_engines(PROVIDERS))
    return [generate, *edit_operations(PROVIDERS), *upscale_operations(PROVIDERS)]


def _bought(operation: AnyOperation, engine: AnyEngine) -> _Bought:
    return _Bought(operation.name, engine, offers(engine.account, engine.products()))


def _matrix(every: Sequence[AnyOperation], bought: Sequence[_Bought]) -> Iterator[str]:
    names = list(dict.fromkeys(one.engine.provider for one in bought))
    prices = {(one.operation, one.engine.provider): _span(one.offers) for one in bought}
    yield from _table(
        ("operation", "local", *names),
        (
            (f"`{one.name}`", "yes", *(prices.get((one.name, name), "") for name in names))
            for one in every
        ),
    )


def _span(some: Sequence[Offer]) -> str:
    found = spanning(some)
    if found is None:
        return ""
    usual = [one.price.expected.amount for one in some]
    least, most = min(usual), max(usual)
    return f"{usual[0]:f}" + (f" ({least:f} to {most:f})" if least != most else "")


def _local(every: Sequence[AnyOperation]) -> Iterator[str]:
    yield from _table(
        ("operation", "engines, the usual one first", "what it does", "how", "limits"),
        (
            (
                f"`{one.name}`",
                ", ".join(f"`{name}`" for name in one.providers),
                one.summary,
                " ".join((type(one).__doc__ or "").split()),
                "; ".join(one.limits),
            )
            for one in every
        ),
    )


def _qualities() -> Iterator[str]:
    providers = {engine.ladder: engine.provider for engine in CREATE_ENGINES}
    yield from _table(
        ("provider", "manner", "draft", "standard", "premium"),
        (
            row
            for name, ladder in ladders().items()
            for row in _rungs(providers.get(name, name), ladder)
        ),
    )


def _rungs(name: str, ladder: Ladder) -> Iterator[tuple[str, ...]]:
    for manner, says in _MANNERS.items():
        if grades := getattr(ladder, manner):
            made = (_grade(ladder.account, grades[one]) for one in ("draft", "standard", "premium"))
            yield f"`{name}`", says, *made


def _grade(account: str | None, grade: Choice) -> str:
    settings = ", ".join(f"{key} {value}" for key, value in grade.settings.items())
    told = f"{grade.model} ({settings})" if settings else str(grade.model)
    if not account:
        return told
    first = price_book().price(account, grade.products[0])
    return f"{told}: {first.expected.amount:f}"


def _account(account: str, bought: Sequence[_Bought]) -> Iterator[str]:
    known, book = provider_limits(account), price_book().providers[account]
    told = [f"Key: `{key_setting(account)}`. Prices in {book.currency}."]
    if setting := balance_setting(account):
        told.append(f"`{setting}` reads its balance, which settles calls in doubt.")
    if known.rate:
        told.append(f"At most {known.rate.calls:,} calls in {known.rate.seconds:g} s.")
    told.append(f"Whoever is refused for more rests {known.rest_after_429:g} s.")
    if known.keeps_results:
        told.append(f"What was ordered is kept for {known.keeps_results / 3600:g} h.")
    yield f"### {account}\n\n{' '.join(told)}\n"
    asked: dict[str, list[str]] = {}
    for one in bought:
        for offer in one.offers:
            asked.setdefault(offer.product, []).append(f"`{one.operation}`")
    yield from _table(
        ("product", "bought by", "price", "of a", "takes and makes", "source", "checked", "note"),
        (_product(account, one, asked[one.product]) for one in offers(account, asked)),
    )
    if others := [one.product for one in book.prices if one.product not in asked]:
        yield f"Priced as well, but bought by nothing: {', '.join(f'`{one}`' for one in others)}.\n"


def _product(account: str, offer: Offer, asked: Iterable[str]) -> tuple[str, ...]:
    price = offer.price
    least, most = price.minimum.amount, price.maximum.amount
    span = f" ({least:f} to {most:f})" if least != most else ""
    limits = f"{'; '.join(offer.limits)} ({product_limits(account, offer.product).source})"
    return (
        f"`{offer.product}`",
        ", ".join(dict.fromkeys(asked)),
        f"{price.expected.amount:f}{span}",
        offer.unit if offer.unit == "call" else "picture",
        limits,
        offer.source,
        offer.checked_on.isoformat(),
        offer.note or "",
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{' --- |' * len(head)}"
    for row in rows:
        cells = (one.replace("|", "\\|").replace("providers.md §", "survey §") for one in row)
        yield f"| {' | '.join(cells)} |"
    yield ""
