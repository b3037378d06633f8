"""Histories of other people's systems and our own: reading them, and checking them."""

from __future__ import annotations

from collections.abc import Callable

from simulations.histories.entries import parse_knossos_edn, parse_porcupine_kv
from simulations.histories.jepsen_log import parse_jepsen_etcd
from simulations.histories.json_format import parse_json, written
from simulations.histories.parsed import Fault, HistoryFormatError, ParsedHistory

FORMATS: dict[str, Callable[[str], ParsedHistory]] = {
    "jepsen-etcd": parse_jepsen_etcd,
    "porcupine-kv": parse_porcupine_kv,
    "knossos-edn": parse_knossos_edn,
    "json": parse_json,
}

__all__ = ["FORMATS", "Fault", "HistoryFormatError", "ParsedHistory", "written"]
