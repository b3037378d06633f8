"""How much script a first visit loads, read from what was built and compressed: the files as they are served."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

BUILD = Path(__file__).resolve().parent.parent / "static" / "build"
ENTRY = "src/main.ts"


def manifest() -> dict[str, dict[str, Any]]:
    """What Vite wrote of its files."""
    found: dict[str, dict[str, Any]] = json.loads((BUILD / "manifest.json").read_text(encoding="utf-8"))
    return found


def pages() -> tuple[str, ...]:
    """The names of all pages, those that come with the entry among them."""
    folder = BUILD.parent.parent / "frontend" / "src" / "pages"
    return tuple(sorted(path.stem.removesuffix("Page").lower() for path in folder.glob("*Page.svelte")))


PAGES = pages()


def parts_of(page: str) -> list[str]:
    """The entry, the page, and everything they import statically, each once."""
    known = manifest()
    named = {name.lower(): name for name in known}
    wanted = named.get(f"src/pages/{page}page.svelte")
    found = [ENTRY] if wanted is None else [ENTRY, wanted]
    for name in found:
        found.extend(item for item in known[name].get("imports", []) if item not in found)
    return found


def script_bytes(page: str, encoding: str) -> int:
    """Compressed bytes (`br` or `gz`) of the scripts of a first visit; a small file is served as it is."""
    known = manifest()
    files = {known[part]["file"] for part in parts_of(page)}
    return sum(served(BUILD / name, encoding) for name in files if name.endswith(".js"))


def served(file: Path, encoding: str) -> int:
    """The size on the wire."""
    packed = file.with_name(f"{file.name}.{encoding}")
    return (packed if packed.exists() else file).stat().st_size


def css_of(page: str) -> list[str]:
    """The styles that come with a first visit."""
    known = manifest()
    return [name for part in parts_of(page) for name in known[part].get("css", [])]
