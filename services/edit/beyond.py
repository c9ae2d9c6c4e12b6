"""Beyond: what the local engine cannot do, said in one way, with who can."""

from __future__ import annotations

from studio.problems import Refused

#: Providers that make new pixels from a prompt, where an installation has a key for them.
GENERATIVE = ("stability", "openai", "google", "ideogram")


def needs_provider(operation: str, cannot: str, instead: str) -> Refused:
    """The refusal (`<operation>.needs_provider`) of work that needs a generative model.

    cannot: what the local engine cannot do, as in “paint what a prompt describes”.
    instead: what it can do, as an order.
    """
    return Refused(
        rule=f"{operation}.needs_provider",
        says=f"The local engine cannot {cannot}: it has no generative model.",
        fix=f"{instead} Or set up a provider that generates ({', '.join(GENERATIVE)}).",
        valid=list(GENERATIVE),
    )
