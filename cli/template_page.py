"""docs/templates.md: the templates and styles of create.generate, from their data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from services.create.styles import Style, styles
from services.create.templates import Template, templates

_HEAD = """\
# Templates and styles

Generated from `services/create/templates` and `services/create/styles` by `make docs`; do not edit.

A template is a purpose: a size, and the style and quality that suit it, each of which a parameter
beside it overrides (`-p style=…`, `-p quality=…`; some workflows have a quality of their own). The
words are added to the prompt of an engine that reads sentences; [prompts.md](prompts.md) says what
the local engine makes of them. Where a placement is named, the size is the placement's own
([placements.md](placements.md)): an export to it neither crops nor enlarges.

    studio templates
    studio styles

    GET /v1/templates
    GET /v1/styles

How they are used in a workflow: [workflows.md](workflows.md).
"""

_STYLES = """\
## Styles

A style is named by `style`, or spoken of in the prompt. A provider that has a style of its own for
it gets that name, each other one the words.

    studio run pattern-1-create -p prompt="a harbour at dusk" -p style=watercolor

    POST /v1/runs {"workflow": "pattern-1-create",
        "parameters": {"prompt": "a harbour at dusk", "style": "watercolor"}}
"""


class _Category(NamedTuple):
    """What a category of templates is for, and a command that uses its first one."""

    title: str
    workflow: str
    prompt: str
    needs: str = ""  # what else the workflow cannot do without


#: In the order of the page; a category of the data that is missing here is a KeyError.
_CATEGORIES = {
    "social": _Category("Social posts and covers", "quick-social-post", "a calm sea at sunset"),
    "blog": _Category("Blog posts", "blog-featured-image", "a calm sunrise over misty mountains"),
    "ad": _Category("Ads", "pattern-1-create", "a red cup on a table"),
    "product": _Category(
        "Products", "product-photography", "a red ceramic mug, matt glaze", "product_line=Ceramics"
    ),
    "brand": _Category(
        "Brands", "brand-asset-creation", "calm waves", 'palette=\'["#0b3954", "#e58e26"]\''
    ),
    "email": _Category("E-mail", "pattern-1-create", "a cup of coffee on a table"),
    "web": _Category("Websites", "pattern-1-create", "misty mountains at dawn"),
}


def templates_page() -> str:
    """docs/templates.md."""
    every = list(templates().values())
    missing = {one.category for one in every} - set(_CATEGORIES)
    if missing:
        raise KeyError(f"categories without a title: {missing}")
    lines = [_HEAD]
    for name, category in _CATEGORIES.items():
        lines += _section(name, category, [one for one in every if one.category == name])
    lines += [_STYLES, "| style | what it looks like | spoken as | own name at |"]
    lines += ["| --- | --- | --- | --- |", *map(_style, styles().values())]
    return "\n".join(lines) + "\n"


def _section(name: str, category: _Category, some: list[Template]) -> Iterator[str]:
    needs = f" -p {category.needs}" if category.needs else ""
    yield f"## {category.title}\n\nCategory `{name}`. For example:\n"
    yield f"    studio run {category.workflow} -p template={some[0].id} \\"
    yield f'        -p prompt="{category.prompt}"{needs}\n'
    yield "| template | for | px | style | quality | placement | words, and more |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    yield from map(_template, some)
    yield ""


def _template(one: Template) -> str:
    cells = (
        f"`{one.id}`",
        one.name,
        f"{one.width}×{one.height}",
        f"`{one.style}`" if one.style else "by the words",
        one.quality,
        f"`{one.placement}`" if one.placement else "",
        "; ".join(_remarks(one)),
    )
    return f"| {' | '.join(cells)} |"


def _remarks(one: Template) -> Iterator[str]:
    yield from one.hints
    if one.negative:
        yield f"without {', '.join(one.negative)}"
    if one.copy_space:
        yield f"calm {one.copy_space}"
    if one.alone:
        yield "to be cut out"
    if one.note:
        yield one.note


def _style(one: Style) -> str:
    own = ", ".join(f"{provider}: {name}" for provider, name in one.presets.items())
    return f"| `{one.id}` | {one.description} | {', '.join(one.spoken)} | {own} |"
