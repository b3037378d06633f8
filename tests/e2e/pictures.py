"""Pictures of a page that can be compared: what is painted and where, and a coarse image.

A baseline is two small files: NAME.txt, one line for every box, word, shape and canvas stroke (pictures.js), and
NAME.png, the same at a tenth of its size. Both are compared with a tolerance: another build of the browser places
glyphs and blends edges a little differently, and that is no change; another colour, a moved node, a missing stroke
is one.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path

from PIL import Image, ImageChops
from playwright.sync_api import Locator

FOLDER = Path(__file__).parent / "recorded"
SCRIPT = Path(__file__).with_suffix(".js")
SCALE = 10
LOOK_MS, LOOKS_MAX = 150, 100
NEAR_PX = 3
NEAR_SHARE = 0.03
"""Words of another hinting are up to so much wider, and what stands beside them moves with them."""
MEAN_MAX = 3.0
SPOT_MAX = 72
"""Of 255, over the whole picture and in its worst spot of 10 by 10 pixels."""


@dataclass(frozen=True)
class Picture:
    """Lines of what is painted, and the same made small."""

    lines: list[str]
    image: Image.Image


def taken(part: Locator) -> Picture:
    """The picture of a part of a page that stands still. The page was opened with SCRIPT loaded first."""
    lines = settled(part)
    whole = Image.open(io.BytesIO(part.screenshot(animations="disabled", caret="hide"))).convert("RGB")
    small = whole.resize((whole.width // SCALE, whole.height // SCALE), Image.Resampling.BOX)
    return Picture(lines, small)


def settled(part: Locator) -> list[str]:
    """What is painted once it is the same twice in a row, fonts and all."""
    part.page.evaluate("document.fonts.ready")
    lines: list[str] = part.evaluate("element => window.painted(element)")
    for _ in range(LOOKS_MAX):
        part.page.wait_for_timeout(LOOK_MS)
        before, lines = lines, part.evaluate("element => window.painted(element)")
        if lines == before:
            return lines
    raise AssertionError("the page does not stand still")


def save(name: str, picture: Picture) -> None:
    """Make this the baseline."""
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"{name}.txt").write_text("\n".join(picture.lines) + "\n", encoding="utf-8")
    picture.image.quantize(64).save(FOLDER / f"{name}.png", optimize=True)


def saved(name: str) -> Picture:
    """The baseline. FileNotFoundError when there is none."""
    lines = (FOLDER / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    return Picture(lines, Image.open(FOLDER / f"{name}.png").convert("RGB"))


def differences(before: Picture, after: Picture) -> list[str]:
    """What differs, in words; empty when the pictures are the same to the eye."""
    return line_differences(before.lines, after.lines) + image_differences(before.image, after.image)


# Lines ---------------------------------------------------------


def parsed(line: str) -> tuple[str, list[int]]:
    """What a line says without its numbers, and its numbers: x, y, width, height."""
    kind, x, y, width, height, rest = (*line.split(" ", 5), "")[:6]
    return f"{kind} {rest}", [int(x), int(y), int(width), int(height)]


def line_differences(before: list[str], after: list[str]) -> list[str]:
    """Lines that came, went, or moved further than another hinting moves them."""
    old, new = [parsed(line) for line in before], [parsed(line) for line in after]
    found: list[str] = []
    matcher = SequenceMatcher(None, [what for what, _ in old], [what for what, _ in new], autojunk=False)
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        if tag == "equal":
            found += moved(before[i1:i2], after[j1:j2])
        else:
            found += [f"- {line}" for line in before[i1:i2]] + [f"+ {line}" for line in after[j1:j2]]
    return found


def moved(before: list[str], after: list[str]) -> list[str]:
    """Pairs of lines about the same thing that is no longer at the same place."""
    return [
        f"~ {old}  ->  {new}"
        for old, new in zip(before, after, strict=True)
        if not near(parsed(old)[1], parsed(new)[1])
    ]


def near(old: list[int], new: list[int]) -> bool:
    """Whether two boxes are the same to the eye."""
    room = NEAR_PX + NEAR_SHARE * old[2]
    return all(abs(one - other) <= room for one, other in zip(old, new, strict=True))


# Images ---------------------------------------------------------


def image_differences(before: Image.Image, after: Image.Image) -> list[str]:
    """Whether the small pictures differ, as a whole or in one spot."""
    if before.size != after.size:
        return [f"the picture is {after.size}, was {before.size}"]
    difference = ImageChops.difference(before, after).convert("L")
    histogram = difference.histogram()
    mean = sum(value * count for value, count in enumerate(histogram)) / (before.width * before.height)
    worst = max(value for value, count in enumerate(histogram) if count)
    if mean <= MEAN_MAX and worst <= SPOT_MAX:
        return []
    return [
        f"the picture differs by {mean:.1f} on average (at most {MEAN_MAX}), by {worst} somewhere (at most {SPOT_MAX})"
    ]
