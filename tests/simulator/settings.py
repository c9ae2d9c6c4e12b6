"""Settings of the simulator: how fast it answers, how long it keeps, how much it allows."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

#: Two accounts at each provider, in the form of the provider's own keys.
KEYS: dict[str, tuple[str, str]] = {
    "stability": ("sk-sim-stability-one", "sk-sim-stability-two"),
    "openai": ("sk-sim-openai-one", "sk-sim-openai-two"),
    "gemini": ("sim-gemini-one", "sim-gemini-two"),
    "imagen": ("sim-imagen-one", "sim-imagen-two"),
    "huggingface": ("hf_simone", "hf_simtwo"),
    "ideogram": ("sim-ideogram-one", "sim-ideogram-two"),
    "replicate": ("r8_simone", "r8_simtwo"),
    "fal": ("sim-id-one:sim-secret", "sim-id-two:sim-secret"),
}
#: Of the same accounts, where another key than the one that buys asks about them.
ADMIN_KEYS: dict[str, tuple[str, str]] = {
    "fal": ("sim-id-admin-one:sim-secret", "sim-id-admin-two:sim-secret"),
}


@dataclass(frozen=True)
class Rate:
    """At most `requests` in any `window_s` seconds; beyond it, 429 for `timeout_s` more."""

    requests: int
    window_s: float
    timeout_s: float = 0.0


@dataclass(frozen=True)
class SimulatorSettings:
    """What a test may change. Durations in seconds; lifetimes and rates are the documented."""

    keys: dict[str, tuple[str, str]] = field(default_factory=lambda: dict(KEYS))
    admin_keys: dict[str, tuple[str, str]] = field(default_factory=lambda: dict(ADMIN_KEYS))
    latency_s: float = 0.003
    """Before any answer; `slow` faults add their own."""
    job_s: float = 0.2
    """From the start of an asynchronous job to its end."""
    poll_s: float = 0.02
    """Stability: a result polled sooner than this after the last poll is a 429 (really 10 s)."""

    stability_rate: Rate = Rate(150, 10, 60)
    stability_credits: Decimal = Decimal(1000)
    """Of each account at the start (a new real one has 25, too few for one upscale)."""
    stability_result_s: float = 24 * 3600
    content_filtered_billed: bool = True
    """A 200 with a blurred picture. The documents say only that failed calls are free."""

    openai_images_per_minute: int = 250
    """Tier 5; tier 1 is about 5."""
    ideogram_in_flight: int = 10
    ideogram_url_s: float = 3600
    """The documents say that URLs expire, not when."""
    huggingface_credit_usd: Decimal = Decimal(2)
    """The monthly credit of a PRO seat; when it is gone, 402."""
    replicate_creates: Rate = Rate(600, 60)
    replicate_others: Rate = Rate(3000, 60)
    replicate_data_s: float = 3600
    replicate_gpu_s: Decimal = Decimal(2)
    """What a prediction reports and is billed as predict_time, however short it really was."""
    fal_credits: Decimal = Decimal(1000)
    """US$ of each account at the start."""
    fal_balance_lag: float = 0
    """Seconds from the end of a request until it is in the balance."""
    fal_concurrency: int = 2
    fal_file_s: float = 24 * 3600
    """Unless the request's lifecycle header says otherwise."""
    fal_422_billed: bool = False
    """The documents: 5xx is never charged, 422 may be."""
