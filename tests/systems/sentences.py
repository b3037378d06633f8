"""Sentences of notes, filled as the page fills them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any


def filled(template: str, values: Mapping[str, Any]) -> str:
    """`{name}` is the value, `{name|one|many}` the form that goes with it."""

    def word(place: re.Match[str]) -> str:
        name, one, many = place.groups()
        value = str(values[name])
        return value if one is None else one if value == "1" else many

    return re.sub(r"{(\w+)(?:\|([^|}]*)\|([^}]*))?}", word, template)
