"""Histories written as one map an entry: Knossos' EDN vectors and the key-value files of Porcupine.

`{:process 0, :type :invoke, :f :append, :key "0", :value "x"}`. Order of the entries is real-time order;
type is invoke, ok, fail or info (outcome unknown). Entries of processes that are no integers (the
nemesis) are faults.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from simulations.engine.checks.linearizability import Model
from simulations.histories.edn import Keyword, Reader
from simulations.histories.parsed import HistoryBuilder, HistoryFormatError, ParsedHistory

KIND_OF = {
    "read": "get",
    "get": "get",
    "write": "put",
    "put": "put",
    "append": "append",
    "cas": "cas",
    "delete": "delete",
    "acquire": "lock",
    "lock": "lock",
    "release": "unlock",
    "unlock": "unlock",
}
OUTCOME_OF = {"ok": "ok", "fail": "fail", "info": "unknown"}
TYPES = ("invoke", *OUTCOME_OF)


def parse_porcupine_kv(text: str) -> ParsedHistory:
    """Key-value logs: get, put and append of text per key, at first empty. Raises HistoryFormatError."""
    return _built(text, keyed=True).parsed(Model("kv", initial=""))


def parse_knossos_edn(text: str) -> ParsedHistory:
    """Knossos histories: a compare-and-set register, at first 0, or a mutex. Raises HistoryFormatError."""
    builder = _built(text, keyed=False)
    kinds = {operation.kind for operation in builder.history.operations.values()}
    if kinds and kinds <= {"lock", "unlock"}:
        return builder.parsed(Model("mutex", nil_reads_say_nothing=True, locks_have_owners=False))
    return builder.parsed(
        Model("cas-register", initial=0, nil_reads_say_nothing=True, locks_have_owners=False)
    )


def _built(text: str, keyed: bool) -> HistoryBuilder:
    builder = HistoryBuilder()
    for line, entry in _entries(text):
        _add(builder, line, entry, keyed)
    return builder


def _entries(text: str) -> Iterator[tuple[int, Any]]:
    """(line, value) of every entry: those of one vector or list, or one value after another."""
    reader = Reader(text)
    while reader.skip():
        opener = reader.text[reader.at]
        if opener in "([":
            for at, value in reader.items(opener, 0):
                yield reader.line(at), value
        else:
            line = reader.line()
            yield line, reader.value()


def _add(builder: HistoryBuilder, line: int, entry: Any, keyed: bool) -> None:
    if not isinstance(entry, dict):
        raise HistoryFormatError(
            line, f"an entry is a map such as {{:process 0, :type :invoke, ...}}, not {_shown(entry)}"
        )
    process = _field(line, entry, "process")
    if isinstance(process, bool) or not isinstance(process, int):
        said = (_text(entry[name]) for name in ("f", "value") if entry.get(name) is not None)
        builder.fault(line, " ".join(said))
        return
    kind = _one_of(line, "f", _field(line, entry, "f"), KIND_OF)
    type_ = _field(line, entry, "type")
    if type_ not in TYPES:
        raise HistoryFormatError(line, f":type {_shown(type_)} is not one of {', '.join(TYPES)}")
    client, value = str(process), entry.get("value")
    if type_ == "invoke":
        builder.invoke(line, client, kind, _key(line, entry, keyed), _argument(line, kind, value))
        return
    operation = builder.running(line, client, kind)
    if entry.get("key") is not None and _text(entry["key"]) != operation.key:
        raise HistoryFormatError(
            line, f"process {client} completes key {_shown(entry['key'])}, invoked {operation.key!r}"
        )
    result = _plain(value) if kind == "get" and type_ == "ok" else None
    builder.complete(line, operation, OUTCOME_OF[type_], result)


def _key(line: int, entry: dict[Any, Any], keyed: bool) -> str:
    return _text(_field(line, entry, "key")) if keyed else _text(entry.get("key", "register"))


def _field(line: int, entry: dict[Any, Any], name: str) -> Any:
    if name not in entry:
        raise HistoryFormatError(line, f":{name} is missing")
    return entry[name]


def _one_of(line: int, field: str, value: Any, allowed: dict[str, str]) -> str:
    if not isinstance(value, str) or value not in allowed:
        raise HistoryFormatError(line, f":{field} {_shown(value)} is not one of {', '.join(allowed)}")
    return allowed[value]


def _argument(line: int, kind: str, value: Any) -> Any:
    if kind == "cas" and not (isinstance(value, list) and len(value) == 2):
        raise HistoryFormatError(line, f":value of a cas is [expected new], not {_shown(value)}")
    if kind == "append" and not isinstance(value, str):
        raise HistoryFormatError(line, f":value of an append is text, not {_shown(value)}")
    return _plain(value) if kind in ("put", "append", "cas") else None


def _plain(value: Any) -> Any:
    """Without keyword and symbol types, so that it can be written as JSON."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {_text(key): _plain(item) for key, item in value.items()}
    return str(value) if isinstance(value, str) else value


def _text(value: Any) -> str:
    return str(value) if isinstance(value, str) else repr(value)


def _shown(value: Any) -> str:
    text = f":{value}" if isinstance(value, Keyword) else repr(_plain(value))
    return text if len(text) <= 60 else text[:57] + "..."
