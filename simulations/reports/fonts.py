"""A TrueType font with the characters of a document, made from the slices of Noto Sans SC that the page ships.

The page loads about a hundred slices of one variable font by the ranges that its stylesheet names. A PDF needs one
plain font: the outlines of the wanted characters are drawn at regular weight into a new one.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.recordingPen import DecomposingRecordingPen
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib import TTFont

REGULAR = {"wght": 400}
FIXED_SECONDS = 3_600_000_000
"""A moment since 1904, as fonts count: the same for every font."""
FACE = re.compile(r"@font-face\s*\{([^}]*noto-sans-sc[^}]*)\}")
URL = re.compile(r"url\(\"?([^)\"]*)\"?\)")
RANGES = re.compile(r"unicode-range:([^;}]*)")
PLACES = (
    Path("frontend/node_modules/@fontsource-variable/noto-sans-sc"),
    Path("static/build/assets"),
)
"""Where stylesheet and files are: the package that the page is built from, or the built page."""


class NoFont(RuntimeError):
    """The page is not built, so its font is not there."""


@dataclass(frozen=True)
class Slice:
    """One file and the ranges of characters it has."""

    path: Path
    ranges: tuple[tuple[int, int], ...]

    def has(self, character: int) -> bool:
        return any(low <= character <= high for low, high in self.ranges)


def stylesheet() -> str:
    """The built stylesheet that names the font's slices, below the static folder; "" when the page is not built."""
    folder = Path(settings.BASE_DIR) / "static"
    found = sorted(folder.glob("build/assets/noto-sans-sc-*.css"))
    return found[0].relative_to(folder).as_posix() if found else ""


@lru_cache(maxsize=4)
def slices(place: Path) -> tuple[Slice, ...]:
    """Every slice that a stylesheet of this place names and that is there."""
    found = [
        made
        for style in sorted(place.glob("*.css"))
        for face in FACE.findall(style.read_text(encoding="utf-8"))
        if (made := slice_of(place, face)) is not None
    ]
    return tuple({one.path: one for one in found}.values())


def slice_of(folder: Path, face: str) -> Slice | None:
    """One font face of the stylesheet; None when its file is missing."""
    url, ranges = URL.search(face), RANGES.search(face)
    if url is None or ranges is None:
        return None
    name = url.group(1).rpartition("/")[2]
    path = next((one for one in (folder / name, folder / "files" / name) if one.is_file()), None)
    return None if path is None else Slice(path, tuple(map(range_of, ranges.group(1).split(","))))


def range_of(text: str) -> tuple[int, int]:
    """``U+4E00-4E8C``, ``U+4E00`` or ``U+4E??`` as (first, last)."""
    low, _, high = text.strip().removeprefix("U+").partition("-")
    first, last = low.replace("?", "0"), (high or low).replace("?", "F")
    return int(first, 16), int(last, 16)


@lru_cache(maxsize=8)
def font_with(characters: frozenset[str]) -> bytes:
    """A TrueType font with those of the characters that the page's font has. NoFont when there is none."""
    for place in PLACES:
        try:
            parts = slices(Path(settings.BASE_DIR) / place)
            if parts:
                return drawn(parts, {ord(character) for character in characters} | {0x20, 0x3F})
        except OSError:  # The page is being built again: its files have other names now.
            slices.cache_clear()
    raise NoFont("the page is not built: its font is not there (make setup)")


def drawn(parts: tuple[Slice, ...], wanted: set[int]) -> bytes:
    """The outlines of the wanted characters, from the slices that have them."""
    glyphs: dict[str, Any] = {".notdef": TTGlyphPen(None).glyph()}
    widths = {".notdef": 500}
    cmap: dict[int, str] = {}
    units = 1000
    for part in parts:
        mine = sorted(one for one in wanted if one not in cmap and part.has(one))
        if not mine:
            continue
        font = TTFont(part.path, lazy=True)
        units = font["head"].unitsPerEm
        names, shapes = font.getBestCmap(), font.getGlyphSet(location=REGULAR)
        for one in mine:
            if one in names:
                cmap[one] = name = f"u{one:05X}"
                glyphs[name], widths[name] = outline(shapes, names[one])
    return built(units, glyphs, widths, cmap)


def outline(shapes: Any, name: str) -> tuple[Any, int]:
    """One glyph without references to others, and its width."""
    recorded, pen = DecomposingRecordingPen(shapes), TTGlyphPen(None)
    shapes[name].draw(recorded)
    recorded.replay(pen)
    return pen.glyph(), round(shapes[name].width)


def built(units: int, glyphs: dict[str, Any], widths: dict[str, int], cmap: dict[int, str]) -> bytes:
    """The font as bytes. Its times are fixed, so that equal reports are equal files."""
    builder = FontBuilder(units, isTTF=True)
    builder.setupGlyphOrder(list(glyphs))
    builder.setupCharacterMap(cmap)
    builder.setupGlyf(glyphs)
    table = builder.font["glyf"]
    lefts = {name: (width, getattr(table[name], "xMin", 0)) for name, width in widths.items()}
    builder.setupHorizontalMetrics(lefts)
    builder.setupHorizontalHeader(ascent=round(0.88 * units), descent=round(-0.2 * units))
    builder.setupOS2(sTypoAscender=round(0.88 * units), sTypoDescender=round(-0.2 * units))
    builder.setupNameTable({"familyName": "Report", "styleName": "Regular", "fullName": "Report"})
    builder.setupPost()
    builder.font["head"].created = builder.font["head"].modified = FIXED_SECONDS
    builder.font.recalcTimestamp = False
    out = io.BytesIO()
    builder.save(out)
    return out.getvalue()
