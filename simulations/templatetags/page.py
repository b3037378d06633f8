"""Tags of the templates: the built page's files by their hashed names."""

from __future__ import annotations

import json
from base64 import b64encode
from functools import lru_cache
from pathlib import Path
from typing import Any

from django import template
from django.conf import settings
from django.templatetags.static import static
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from simulations.reports import fonts

register = template.Library()

ENTRY = "src/main.ts"


def manifest_path() -> Path:
    """Where `npm run build` leaves the names of what it built."""
    return Path(settings.BASE_DIR) / "static" / "build" / "manifest.json"


@lru_cache(maxsize=4)
def read_manifest(path: Path, modified_ns: int) -> dict[str, dict[str, Any]]:
    """The manifest; read again when the file changes."""
    found: dict[str, dict[str, Any]] = json.loads(path.read_text())
    return found


@register.simple_tag
@lru_cache(maxsize=1)
def page_icon() -> SafeString:
    """The icon, within the page: it is smaller than what asking for it costs."""
    drawing = (Path(settings.BASE_DIR) / "static" / "icons" / "platform-lab.svg").read_bytes()
    address = f"data:image/svg+xml;base64,{b64encode(drawing).decode()}"
    return format_html('<link rel="icon" type="image/svg+xml" href="{}">', address)


@register.simple_tag
def chinese_font() -> SafeString:
    """A link to the styles that name the page's Chinese font; nothing when the page is not built."""
    name = fonts.stylesheet()
    return format_html('<link rel="stylesheet" href="{}">', static(name)) if name else SafeString("")


@register.simple_tag
def page_assets() -> SafeString:
    """Links to the entry's styles and script, with static imports preloaded; a comment when unbuilt."""
    path = manifest_path()
    if not path.exists():
        return format_html("<!-- {} -->", "The page is not built: run make setup.")
    manifest = read_manifest(path, path.stat().st_mtime_ns)
    needed = files_of(manifest, ENTRY)
    styles = [css for name in needed for css in manifest[name].get("css", [])]
    imports = [manifest[name]["file"] for name in needed if name != ENTRY]
    return format_html(
        '{}{}<script type="module" src="{}"></script>',
        format_html_join(
            "", '<link rel="stylesheet" href="{}">', ((built(name),) for name in dict.fromkeys(styles))
        ),
        format_html_join("", '<link rel="modulepreload" href="{}">', ((built(name),) for name in imports)),
        built(manifest[ENTRY]["file"]),
    )


def files_of(manifest: dict[str, dict[str, Any]], entry: str) -> list[str]:
    """The entry and everything it imports statically, each once."""
    found = [entry]
    for name in found:
        found.extend(item for item in manifest[name].get("imports", []) if item not in found)
    return found


def built(name: str) -> str:
    return static(f"build/{name}")
