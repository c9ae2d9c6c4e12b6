"""The contact sheet: one page with everything that the demo made, to be looked at."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Image Studio: contact sheet</title>
<style>
:root {{ color-scheme: light dark; --line: color-mix(in srgb, currentColor 16%, transparent);
  --quiet: color-mix(in srgb, currentColor 62%, transparent); }}
body {{ font: 15px/1.5 system-ui, sans-serif; margin: 2rem clamp(1rem, 4vw, 4rem); }}
h1 {{ font-size: 1.5rem; margin: 0 0 .2rem; }}
h2 {{ font-size: 1.15rem; margin: 2.5rem 0 .2rem; }}
h3 {{ font-size: .95rem; margin: 1.4rem 0 .6rem; font-weight: 600; }}
p {{ margin: .2rem 0; color: var(--quiet); }}
code {{ font-size: .85em; }}
.sheet {{ display: flex; flex-wrap: wrap; gap: 1.1rem; align-items: flex-end; }}
figure {{ margin: 0; max-width: 100%; }}
figure img {{ display: block; height: var(--h); width: auto; max-width: 100%;
  border: 1px solid var(--line); border-radius: 4px;
  background: repeating-conic-gradient(#8882 0 25%, transparent 0 50%) 0 0 / 16px 16px; }}
figcaption {{ font-size: .8rem; margin-top: .35rem; line-height: 1.35; }}
figcaption small {{ color: var(--quiet); display: block; }}
.review {{ color: light-dark(#9a5b00, #f0b35a); }}
</style></head><body>
<h1>Image Studio</h1>
<p>Two campaigns, made by five services from a prompt and from a photo.</p>
{campaigns}
</body></html>
"""

_HEIGHT = 250  # px on the page


def contact_sheet(out: Path, made: Sequence[dict[str, Any]]) -> Path:
    """Write `index.html` into the folder; returns its path."""
    page = out / "index.html"
    page.write_text(_PAGE.format(campaigns="\n".join(_campaign(one) for one in made)))
    return page


def _campaign(made: dict[str, Any]) -> str:
    campaign, run, assets = made["campaign"], made["run"], made["assets"]
    said = campaign.parameters.get("prompt") or f"the photo {campaign.photo.name}"
    cost = run["cost"]
    masters = [one for one in assets if one["operation"] != "optimizer.export"]
    renditions = [one for one in assets if one["operation"] == "optimizer.export"]
    by_master: dict[str, list[dict[str, Any]]] = {}
    for one in renditions:
        by_master.setdefault(one["parents"][0], []).append(one)
    parts = [
        f"<h2>{escape(campaign.title)}: {escape(campaign.parameters['campaign'])}</h2>",
        f"<p>{escape(said)}</p>",
        f"<p>{len(assets)} images, {escape(cost['amount'])} {escape(cost['currency'])}, trace "
        f"<code>{escape(run['trace_id'] or '')}</code></p>",
        "<h3>Masters</h3>",
        _sheet(campaign.folder, masters),
    ]
    for number, group in enumerate(by_master.values(), start=1):
        parts.append(f"<h3>Renditions of master {number}</h3>")
        parts.append(_sheet(campaign.folder, sorted(group, key=lambda one: one["label"])))
    return "\n".join(parts)


def _sheet(folder: str, assets: Sequence[dict[str, Any]]) -> str:
    return '<div class="sheet">' + "".join(_figure(folder, one) for one in assets) + "</div>"


def _figure(folder: str, asset: dict[str, Any]) -> str:
    image, details = asset["image"], asset["details"]
    size = f"{image['width']}×{image['height']}"
    height = min(_HEIGHT, round(_HEIGHT * 1.9 * image["height"] / image["width"]))
    facts = [f"{size}, {asset['bytes'] / 1000:,.0f} kB", f"{asset['seconds']:g} s"]
    if "focal_kept" in details:
        facts = [facts[0], f"focus kept {details['focal_kept']:.0%}"]
    review = details.get("needs_review")
    note = f'<small class="review">Review: {escape(review)}</small>' if review else ""
    name = asset["label"] or asset["title"] or asset["operation"]
    return (
        f'<figure style="--h:{height}px"><a href="{escape(folder)}/{escape(asset["file"])}">'
        f'<img src="{escape(folder)}/{escape(asset["file"])}" alt="{escape(name)}, {size}" '
        f'width="{image["width"]}" height="{image["height"]}" loading="lazy"></a>'
        f"<figcaption>{escape(name)} <code>{escape(asset['operation'])}</code>"
        f"<small>{escape(', '.join(facts))}</small>{note}</figcaption></figure>"
    )
