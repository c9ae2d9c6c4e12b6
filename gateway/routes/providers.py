"""Providers: who can do what here, whose key is missing, and what each would cost."""

from __future__ import annotations

from typing import Any, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from gateway.http import PROBLEMS, Workspace
from gateway.studios import offered
from studio.keyless import key_setting
from studio.money import PriceRange
from studio.providers.accounts import PROVIDERS
from studio.providers.offers import offers
from studio.providers.prices import price_book

router = APIRouter(prefix="/v1", tags=["discovery"], responses=PROBLEMS)

#: What the price book's products begin with, and the studio that would buy them.
_STUDIOS = {"generate": "create", "edit": "edit", "upscale": "upscale"}


class ProductView(BaseModel):
    """One thing that can be bought, as the price book and the limits have it."""

    name: str = Field(examples=["generate.core"])
    unit: str = Field(description="what the price is of: call or image")
    price: PriceRange
    limits: list[str] = Field(description="what it takes and makes, in sentences")
    source: str = Field(description="of the price")
    checked_on: str
    note: str | None = None


class ProviderOperation(BaseModel):
    """One operation as this provider does it."""

    operation: str = Field(examples=["create.generate"])
    is_default: bool = Field(description="whether it does what names no provider")
    unit_price: PriceRange | None = Field(description="of one output; null: it cannot do it here")
    products: list[ProductView] = Field(description="what it may buy; the usual one first")
    lacks: dict[str, Any] | None = Field(
        default=None,
        description="why it cannot be used here (RFC 9457); if that is a key, with the `setting`",
    )


def _without_key(operation: str, *valid: str) -> dict[str, Any]:
    """An operation of the example: fal's, where it has no key."""
    studio, setting = operation.partition(".")[0], key_setting("fal")
    return {
        "operation": operation,
        "is_default": False,
        "unit_price": None,
        "products": [],
        "lacks": {
            "type": "urn:image-studio:problem:provider.no_key",
            "title": "refused",
            "status": 422,
            "detail": f"{operation} cannot be done by 'fal' here: the {studio} service has no key "
            "of fal.",
            "fix": f"Set {setting} for the {studio} service, or use one of the valid ones.",
            "valid": list(valid),
            "account": "fal",
            "setting": setting,
        },
    }


#: A provider without a key, and one of the products that it has.
_EXAMPLE: dict[str, Any] = {
    "provider": "fal",
    "account": "fal",
    "key": "absent",
    "setting": key_setting("fal"),
    "operations": [
        _without_key("create.generate", "local"),
        _without_key("upscale.fast", "local", "waifu2x", "lanczos"),
        _without_key("upscale.creative", "local", "lanczos"),
    ],
    "studios": ["create", "upscale"],
    "products": [
        {
            "name": "upscale.clarity",
            "unit": "call",
            "price": {
                "minimum": {"amount": "0.03", "currency": "USD"},
                "expected": {"amount": "0.12", "currency": "USD"},
                "maximum": {"amount": "0.51", "currency": "USD"},
            },
            "limits": ["the picture has at most 4,194,304 pixels"],
            "source": "fal.ai/models/fal-ai/clarity-upscaler/llms.txt",
            "checked_on": "2026-11-25",
            "note": "0.03 per megapixel of the result: expected 4, at most 17.",
        }
    ],
}


class ProviderView(BaseModel):
    """A provider."""

    model_config = ConfigDict(json_schema_extra={"example": _EXAMPLE})

    provider: str = Field(description="as steps and `providers` of a run name it")
    account: str | None = Field(description="whose key pays; null: nothing is paid")
    key: Literal["present", "absent", "not needed"]
    setting: str | None = Field(description="the setting of the studios that takes the key")
    operations: list[ProviderOperation] = Field(
        description="what it does here, and what it would if it had what it `lacks`"
    )
    studios: list[str] = Field(description="which would use it, or do")
    products: list[ProductView] = Field(
        default_factory=list, description="of one without a key: all that could be bought with it"
    )


@router.get("/providers", summary="List providers")
async def providers(request: Request, workspace: Workspace) -> list[ProviderView]:
    """Local engines first, then those with a key, then those without.

    A provider without a key is not offered: each of its operations tells the setting that it
    `lacks`, `products` what they would cost. A key may be there for the operations of one studio,
    and missing for another's. Prices are data with a source and a day. Name providers in a step, or
    in `providers` of a run.
    """
    return providers_of(await request.app.state.studios.describe())


def providers_of(described: list[dict[str, Any]]) -> list[ProviderView]:
    """Every provider that these operations name, and those that have no key with any of them."""
    parts: dict[str, list[ProviderOperation]] = {}
    accounts: dict[str, str] = {}
    for operation in described:
        for name, part in _parts(operation):
            parts.setdefault(name, []).append(part)
        accounts |= _accounts(operation)
    found = [_view(name, accounts.get(name), its) for name, its in parts.items()]
    unnamed = [_view(one, one, []) for one in PROVIDERS if one not in accounts.values()]
    order = ("not needed", "present", "absent")
    return sorted([*found, *unnamed], key=lambda one: order.index(one.key))


def _parts(operation: dict[str, Any]) -> list[tuple[str, ProviderOperation]]:
    """What each provider does of an operation, and what others lack for it."""
    products = {one["provider"]: one["products"] for one in operation["engines"]}
    able = [
        (
            name,
            ProviderOperation(
                operation=operation["name"],
                is_default=name == operation["providers"][0],
                unit_price=operation["unit_prices"].get(name),
                products=products.get(name, []),
            ),
        )
        for name in operation["providers"]
    ]
    lacking = [
        (
            name,
            ProviderOperation(
                operation=operation["name"],
                is_default=False,
                unit_price=None,
                products=[],
                lacks=problem,
            ),
        )
        for name, problem in operation["absent"].items()
    ]
    return [*able, *lacking]


def _accounts(operation: dict[str, Any]) -> dict[str, str]:
    """Whose key pays, or would, by provider; without those whom nobody pays."""
    paid = {one["provider"]: one["account"] for one in operation["engines"] if one["account"]}
    lacking = operation["absent"].items()
    return paid | {name: lack["account"] for name, lack in lacking if "account" in lack}


def _view(provider: str, account: str | None, parts: list[ProviderOperation]) -> ProviderView:
    """A provider by what it does and lacks in every operation."""
    key: Literal["present", "absent", "not needed"] = "not needed"
    if account:
        key = "present" if any(not one.lacks for one in parts) else "absent"
    priced = _priced(account) if account == provider and key == "absent" else {}
    return ProviderView(
        provider=provider,
        account=account,
        key=key,
        setting=key_setting(account) if account else None,
        operations=parts,
        studios=sorted({one.operation.partition(".")[0] for one in parts} | {*priced.values()}),
        products=[ProductView(**offered(one)) for one in offers(provider, priced)]
        if priced
        else [],
    )


def _priced(account: str) -> dict[str, str]:
    """All that the price book has of an account, and the studio that would buy it; without the
    tokens that others are made of."""
    priced = [one.product for one in price_book().providers[account].prices]
    studios = {one: _STUDIOS.get(one.partition(".")[0]) for one in priced}
    return {product: studio for product, studio in studios.items() if studio}
