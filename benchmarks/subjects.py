"""Subjects: what the picture sheets show of each operation, and what was seen in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Params = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Case:
    """An operation's parameters, for all photos or for one each."""

    title: str
    params: Params
    each: Mapping[str, Params] = field(default_factory=dict)  # by photo, beside `params`

    def of(self, photo: str) -> dict[str, Any]:
        """All parameters for a photo."""
        return {**self.params, **self.each.get(photo, {})}


@dataclass(frozen=True, slots=True)
class Subject:
    """What a sheet shows of an operation, and what is said of it."""

    operation: str
    cases: tuple[Case, ...]
    judged: str  # by eye, on the day that the page names


def box_mask(x0: float, y0: float, x1: float, y1: float) -> Params:
    """A rectangle, normalised, as parameters take it."""
    return {"mask": {"box": {"x0": x0, "y0": y0, "x1": x1, "y1": y1}}}


def point_mask(x: float, y: float) -> Params:
    """What lies at a point, normalised."""
    return {"mask": {"point": {"x": x, "y": y}}}


_PARTS: Mapping[str, Params] = {
    "astronaut": {"select": "the orange suit"},
    "chelsea": point_mask(0.375, 0.37),
    "coffee": {"select": "the red cup"},
    "rocket": {"select": "the blue background"},
    "china": point_mask(0.92, 0.62),
}

SUBJECTS = (
    Subject(
        "create.generate",
        (
            Case("", {"prompt": "a calm sunrise over misty mountains"}),
            Case("", {"prompt": "a city skyline at night with lit windows", "style": "cinematic"}),
            Case(
                "",
                {"prompt": "a green perfume bottle on a beige plinth",
                 "style": "product-photography"},
            ),
            Case("", {"prompt": "a red cup of coffee on a wooden table", "style": "photographic"}),
            Case("", {"prompt": "a vase of tulips, pink and yellow", "style": "watercolor"}),
            Case("", {"prompt": "a forest in autumn", "style": "oil-painting"}),
            Case("", {"prompt": "three lemons on a blue plate", "style": "comic-book"}),
            Case("", {"prompt": "a poster that says “Summer Sale” in coral and navy"}),
            Case("", {"prompt": "abstract flow in teal and gold", "style": "abstract"}),
            Case("", {"prompt": "botanical leaves, sage and cream", "style": "pattern"}),
        ),
        "Good: the bottle, the cup, the ribbons, the leaves and the poster look designed, "
        "light and shadows agree, and the headline is set cleanly. Not good: the lemons lie "
        "small on a bare table without the blue plate that was asked for; one vase became "
        "two, with generic flowers that are no tulips; the autumn forest dissolves into brown "
        "strokes without a tree; the sunrise is hardly a sunrise; “coral and navy” came out "
        "greyed; and every table scene is composed alike.",
    ),
    Subject(
        "edit.remove_background",
        (Case("default", {}), Case("feather 4", {"feather": 4})),
        "Good: the cup with its saucer and spoon, the astronaut's hair and the cat's outline "
        "are clean, without a fringe. Not good: pieces of the flag stay at the astronaut's "
        "left; the cat's lower cheek and whiskers are half transparent; a smear stays at the "
        "rocket's foot; and feather 4 makes edges look soft rather than finer.",
    ),
    Subject(
        "edit.replace_background",
        (
            Case("a colour", {"colour": "#f2efe9"}),
            Case("a gradient", {"gradient": {"first": "white", "last": "#5b7fa6", "angle": 90}}),
            Case("an image", {"image": "picture:mountains"}),
            Case("an image, relit", {"image": "picture:mountains", "relight": 0.7}),
        ),
        "Good: the cup stands on its shadow and the edges keep no old background. Not good: "
        "what is wrong with the mattes shows more here (flag, white helmet lost on a light "
        "ground, see-through rocket and a smear at its foot); on a picture nothing has a "
        "shadow by default, so the cup floats before the mountains; and relight tints the "
        "white rim cyan and lifts blacks to grey.",
    ),
    Subject(
        "edit.erase",
        (
            Case(
                "by a box",
                {},
                {
                    "astronaut": box_mask(0.68, 0.0, 0.93, 0.56),
                    "chelsea": box_mask(0.70, 0.0, 0.90, 0.27),
                    "coffee": box_mask(0.52, 0.15, 0.72, 0.83),
                    "rocket": box_mask(0.25, 0.27, 0.33, 0.88),
                    "china": box_mask(0.8, 0.28, 1.0, 0.95),
                },
            ),
            Case("the subject", {"mask": {"subject": True}}),
        ),
        "Good: the ear and the mast are gone without a trace, and the black stand and the sky "
        "go on plausibly. Not good: the wall where the shuttle was is flat, pale patches with "
        "hard edges; a box that covers half of a thing leaves half of it (the cup is bitten "
        "off); erasing a subject that fills the picture fails: copies of the shuttle and grey "
        "shapes where the astronaut was, smears and bricks for the cat, under the cup a black "
        "hole copied from the dark corner, a piece of the ship in the sky where the tower was. "
        "All of these say that a person should look. A piece of a mast that hangs in the air "
        "above the rocket's place does not.",
    ),
    Subject(
        "edit.inpaint",
        (
            Case(
                "by a point, without a prompt",
                {},
                {
                    "astronaut": point_mask(0.33, 0.75),
                    "chelsea": point_mask(0.575, 0.81),
                    "coffee": point_mask(0.48, 0.36),
                    "rocket": point_mask(0.503, 0.6),
                    "china": point_mask(0.6, 0.53),
                },
            ),
        ),
        "Good: no seam shows, and the emblem and the nose are filled with what is around "
        "them. Not good: a point selects less than a person means (half of the emblem, the "
        "rocket without its tip, which then floats and says nothing of it), the coffee is "
        "filled with the table's wood and the lake with bushes, which both say so.",
    ),
    Subject(
        "edit.outpaint",
        (
            Case("to 16:9", {"ratio": "16:9"}),
            Case("96 px up and down", {"up": 96, "down": 96}),
        ),
        "Good: 16:9 of the cup, the cat and the rocket passes at this size, as long as the "
        "margin is narrow. Not good: wide margins beside and above the astronaut show a "
        "second fuel tank, spires and red curtains; above the cat a second ear begins; below "
        "the cup the dark corner comes back as a black wedge; below the rocket are blurred blue "
        "patches, and above the tower a pale one. All but the rocket's 16:9 say that a person "
        "should look, also the cup and the cat, which pass.",
    ),
    Subject(
        "edit.search_recolor",
        (
            Case(
                "words",
                {},
                {
                    "astronaut": {"select": "the orange suit", "colour": "#1f5fbf"},
                    "chelsea": {"select": "the green eyes", "colour": "#2a7fd4"},
                    "coffee": {"select": "the red cup", "colour": "teal"},
                    "rocket": {"select": "the blue background", "colour": "#8a2f7a"},
                    "china": {"select": "the green background", "colour": "#c8641e"},
                },
            ),
            Case("the background", {"select": "the background", "colour": "#2f7d4f"}),
        ),
        "Good: the suit, the cup with its saucer and the sky change colour and keep folds, "
        "gloss and gradient. Not good: the coffee's dark rim turns teal with the cup and the "
        "suit's sleeve patch and flag get specks of blue; a green background also dyes the "
        "shuttle, the flag and the cat's own chest; the dark sky becomes far more saturated "
        "than the colour that was asked for. “The green eyes” are found, "
        "pupils and all, by being greener than the fur; of the trees, half stays green.",
    ),
    Subject(
        "edit.search_replace",
        (
            Case("by nothing", {"erase": True}, _PARTS),
            Case("by a picture", {"image": "picture:leaves"}, _PARTS),
            Case("the subject by a cut-out", {"select": "subject", "image": "picture:cup"}),
        ),
        "Good: the picture fills what is selected up to its edges, and the cut-out stands in "
        "the subject's place and size. Not good: erasing a suit, a saucer or the whole sky "
        "leaves smears (purple, a black hole, wavy bands) and lamps that multiply; a point on "
        "the cat's eye takes its pupil only; a plain picture lies flat in the shape without "
        "light or folds, with holes where the spoon and the seams are; and a wide cut-out in "
        "a person's place covers nearly everything, face and all.",
    ),
    Subject(
        "edit.text",
        (
            Case("by itself", {"text": "Grand opening"}),
            Case(
                "two lines, by themselves",
                {"text": "Every day\nfrom seven", "size": 0.1, "colour": "#ffe08a"},
            ),
            Case(
                "Arabic",
                {"text": "مرحبا بكم", "anchor": "centre", "size": 0.16},
            ),
        ),
        "Good: every word can be read, the panel appears only where contrast needs it, the "
        "Arabic is shaped and runs right to left, and words that find their place by "
        "themselves keep off faces, the cat's eyes, the cup and the rocket. Not good: the tower's "
        "tip is covered; what is "
        "sent into the middle covers what is there and says so, the astronaut's helmet gives "
        "way to a panel, and the panel is plain.",
    ),
    Subject(
        "edit.general",
        (
            Case("", {"instruction": "brighter and slightly warmer, crop to 1:1"}),
            Case("", {"instruction": "make the background white, write “Hello” at the top"}),
            Case("", {"instruction": "black and white, more contrast, flip horizontally"}),
        ),
        "Good: all three instructions do what they say, in order, on every photo. Not good: "
        "crops take the middle and not the subject, the words at the top cover the hair and "
        "the cup's rim, and white grounds show the faults of the mattes.",
    ),
    Subject(
        "edit.adjust",
        (
            Case(
                "palette, 0.5",
                {"palette": ["#0a3d62", "#e58e26", "#f8efba"], "palette_strength": 0.5},
            ),
            Case(
                "palette, 1",
                {"palette": ["#0a3d62", "#e58e26", "#f8efba"], "palette_strength": 1},
            ),
            Case(
                "tone",
                {"brightness": 0.2, "contrast": 0.2, "temperature": -0.4, "saturation": 0.3,
                 "sharpness": 0.3},
            ),
            Case("auto contrast, turned", {"auto_contrast": 1, "rotate": 7, "rotate_fit": "crop"}),
        ),
        "Good: tone and auto contrast look clean, and half a palette reads as a mild grade. "
        "At full strength surfaces stay whole (the saucer is one brown in light and in shadow, "
        "skin stays skin). Not good: at full strength the whole picture turns orange where it "
        "was brown, and the cat's nose and eyes lose their own colours.",
    ),
    Subject("upscale.fast", (Case("fast", {"factor": 4}),),
        "Good: clearly crisper than bicubic at no cost in artefacts. Not good: edges still "
        "show the stairs of the pixels (the eye's rim, the cup's rim), and the blocks of the "
        "JPEG in the sky are sharpened with them.",
    ),
    Subject("upscale.conservative", (Case("conservative", {"factor": 4}),),
        "Good: lashes, the eye's rim, the cup's highlights and the rocket's lettering are "
        "much finer than bicubic, without halos. Not good: isolated specks appear along "
        "strong edges and in noise (beside the rocket's nose, on skin, in the cup's shadow), "
        "and round highlights get a dark middle.",
    ),
    Subject(
        "upscale.creative",
        (
            Case("creative 0.3", {"factor": 4, "creativity": 0.3}),
            Case("creative 0.8", {"factor": 4, "creativity": 0.8}),
        ),
        "Good: at 0.3 it is conservative with a little more bite. Not good: at 0.8 skin gets "
        "blotchy, edges get bright halos and the specks beside the rocket stand out; nothing "
        "is invented, so it adds contrast and no detail.",
    ),
)  # fmt: skip
