"""Accounts: keys and addresses of the providers, from the settings.

Keys are secrets: they go into one request header and nowhere else. What is written down instead
is the account's name, a short hash of the key. A key is changed by putting the new one before the
old one, with a comma between: the first buys, and what was ordered with another is still asked for
with that one. Once no job of the old one is under way and none of its calls is in doubt, it can be
left out (docs/adr/0013).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import Field, SecretStr, field_validator

from studio.providers.purchases import LONGEST_JOB
from studio.settings import PREFIX, Settings


class ProviderSettings(Settings):
    """Settings of a service that may buy. A provider without a key is not offered."""

    stability_api_key: SecretStr | None = Field(
        default=None,
        description="of Stability AI; here as below: of several, separated by commas, the first "
        "buys, and the others fetch what was ordered with them",
    )
    stability_url: str = Field(default="https://api.stability.ai", description="its API")
    openai_api_key: SecretStr | None = Field(default=None, description="of OpenAI")
    openai_url: str = Field(default="https://api.openai.com/v1", description="its API")
    google_api_key: SecretStr | None = Field(default=None, description="of Gemini and Imagen")
    google_url: str = Field(
        default="https://generativelanguage.googleapis.com/v1beta", description="its API"
    )
    huggingface_api_key: SecretStr | None = Field(default=None, description="of Hugging Face")
    huggingface_url: str = Field(default="https://router.huggingface.co", description="its API")
    ideogram_api_key: SecretStr | None = Field(default=None, description="of Ideogram")
    ideogram_url: str = Field(default="https://api.ideogram.ai", description="its API")
    replicate_api_key: SecretStr | None = Field(default=None, description="of Replicate")
    replicate_url: str = Field(default="https://api.replicate.com/v1", description="its API")
    fal_api_key: SecretStr | None = Field(default=None, description="of fal")
    fal_url: str = Field(default="https://queue.fal.run", description="its API")
    fal_admin_api_key: SecretStr | None = Field(
        default=None,
        description="of the same account at fal, one, with admin scope: it only reads the balance; "
        "without it calls in doubt of fal stay at their most",
    )
    fal_admin_url: str = Field(
        default="https://api.fal.ai/v1", description="the API that tells fal's balance"
    )
    drain_grace: float = Field(
        default=150,
        gt=0,
        le=3600,
        description="s that running work has to finish after SIGTERM; a paid call that is cut off "
        "is in doubt, so longer than a call may take",
    )
    provider_share: float = Field(
        default=1,
        gt=0,
        le=1,
        description="this installation's part of each account's rate limit; 1: nobody else uses "
        "the accounts, so their balances settle calls in doubt",
    )
    reconcile_interval: float = Field(
        default=600,
        gt=0,
        description="s between two readings of the accounts' balances; also the age that a call in "
        "doubt must have to be settled by one, and the time for which nothing may have been sent "
        "to fal or have come from it (there at least 600, or STUDIO_LONGEST_JOB if that is less)",
    )
    longest_job: float = Field(
        default=LONGEST_JOB,
        gt=0,
        description="s that a provider may be at work on a call: a job that takes longer is in "
        "doubt, and a call in doubt of fal, which may wait in its queue, is not settled before. "
        "The same in all services, and not less than the provider's queue may take",
    )

    @field_validator("*")
    @classmethod
    def _can_be_sent(cls, value: Any) -> Any:
        """A key as it goes into a header: files and variables often end with a line break."""
        if not isinstance(value, SecretStr):
            return value
        key = value.get_secret_value().strip()
        if not (key.isascii() and key.isprintable()):
            raise ValueError("a key consists of visible ASCII characters")
        return SecretStr(key)

    @field_validator("fal_admin_api_key")
    @classmethod
    def _is_one(cls, key: SecretStr | None) -> SecretStr | None:
        if key and "," in key.get_secret_value():
            raise ValueError("one key is meant, without commas: it only reads the balance")
        return key

    def buying(self) -> dict[str, Any]:
        """What of it concerns providers, as the environment has it."""
        own = set(type(self).model_fields) - set(Settings.model_fields)
        return self.model_dump(include=own)


PROVIDERS = ("stability", "openai", "google", "huggingface", "ideogram", "replicate", "fal")


@dataclass(frozen=True, slots=True)
class Admin:
    """How to ask about an account, where its own key may not."""

    url: str
    key: SecretStr = field(repr=False)  # that only asks: we buy nothing with it


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who pays a provider."""

    provider: str
    url: str
    key: SecretStr = field(repr=False)
    former: tuple[SecretStr, ...] = field(default=(), repr=False)  # they buy nothing any more
    admin: Admin | None = None

    @property
    def name(self) -> str:
        """The provider and a hash that tells two keys apart and gives neither away."""
        digest = hashlib.sha256(self.key.get_secret_value().encode()).hexdigest()
        return f"{self.provider} {digest[:10]}"

    @property
    def names(self) -> list[str]:
        """Of all its keys, the one that buys first: they spend of one balance."""
        return [self.name, *(replace(self, key=key, former=()).name for key in self.former)]

    def named(self, name: str) -> Account | None:
        """The account of that name: this one, or one of a former key; None if its key is gone."""
        every = [self, *(replace(self, key=key, former=()) for key in self.former)]
        return next((one for one in every if one.name == name), None)


def accounts(settings: Settings) -> dict[str, Account]:
    """The providers that have a key, by name."""
    found = {}
    for provider in PROVIDERS:
        if every := _keys(settings, f"{provider}_api_key"):
            url = getattr(settings, f"{provider}_url")
            admin = _admin(settings, provider)
            found[provider] = Account(provider, url, every[0], tuple(every[1:]), admin)
    return found


def idle_settings(settings: Settings) -> dict[str, str]:
    """Settings that are set and of no use, each with the one that it lacks."""
    names = {name: f"{name}_api_key" for name in PROVIDERS}
    return {
        f"{PREFIX}{name}_admin_api_key".upper(): f"{PREFIX}{key}".upper()
        for name, key in names.items()
        if _admin(settings, name) and not _keys(settings, key)
    }


def _admin(settings: Settings, provider: str) -> Admin | None:
    keys = _keys(settings, f"{provider}_admin_api_key")
    return Admin(getattr(settings, f"{provider}_admin_url"), keys[0]) if keys else None


def _keys(settings: Settings, name: str) -> list[SecretStr]:
    """The keys of a setting, in order; none if it is not set, or there is no such setting."""
    given = getattr(settings, name, None)
    keys = given.get_secret_value().split(",") if given is not None else []
    return [SecretStr(one.strip()) for one in keys if one.strip()]
