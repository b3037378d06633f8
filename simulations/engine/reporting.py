"""What a system adds to the report of a run: tables, told by whoever knows what they mean."""

from __future__ import annotations

from typing import Any

import msgspec

from simulations.engine.process import Text


class Section(msgspec.Struct, frozen=True):
    """A table of the report. A cell is a number, a plain text (an id), a ``Text``, a bool or None (unknown)."""

    title: Text
    columns: tuple[Text, ...]
    rows: tuple[tuple[Any, ...], ...]
    remark: Text | None = None
