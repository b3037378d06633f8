"""A log whose history is shared between copies: chunks of entries that are full are never changed again.

A fork copies the short tail, whatever the length; a checkpoint of 50,000 entries costs what one of 50 does.
Each entry carries the hash of the prefix that ends with it, so equal hashes at an index mean equal prefixes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from zlib import crc32

import msgspec

CHUNK = 64
BLOCK = 32
"""Full chunks in a block: what one more full chunk copies stays short however long the history is."""
_MASK = (1 << 60) - 1
_encode = msgspec.msgpack.Encoder().encode
_KNOWN_MAX = 4096
_known: dict[int, tuple[Any, int]] = {}
"""Links of chains found lately: hash of the prefix -> (entry, hash with it). An entry reaches many logs and disks as
one object, so all but the first need not encode it again."""


def chain(previous: int, entry: Any) -> int:
    """Hash of the prefix that ends with ``entry`` (60 bits), from the hash of the prefix before it."""
    found = (previous * 0x5851F42D + crc32(_encode(entry), previous & 0xFFFFFFFF) + 1) & _MASK
    if len(_known) >= _KNOWN_MAX:
        _known.clear()
    _known[previous] = (entry, found)
    return found


class Log(msgspec.Struct, array_like=True, gc=False):
    """Entries at the indexes ``first .. last`` (1-based); entries before ``first`` were compacted away.

    ``hash``: of the whole prefix that ends at ``last``; ``base``: of the compacted one. ``tail`` begins at index
    ``tail_first``; what lies before is in ``full`` chunks, and before those in ``blocks`` of chunks. Entries are
    immutable. ``version`` rises with every change.
    """

    first: int = 1
    last: int = 0
    hash: int = 0
    version: int = 0
    base: int = 0
    tail_first: int = 1
    full: tuple[tuple[Any, ...], ...] = ()
    full_hashes: tuple[tuple[int, ...], ...] = ()
    tail: list[Any] = msgspec.field(default_factory=list)
    tail_hashes: list[int] = msgspec.field(default_factory=list)
    blocks: tuple[tuple[tuple[Any, ...], ...], ...] = ()
    block_hashes: tuple[tuple[tuple[int, ...], ...], ...] = ()

    def __len__(self) -> int:
        return self.last - self.first + 1

    def __iter__(self) -> Iterator[Any]:
        for block in self.blocks:
            for chunk in block:
                yield from chunk
        for chunk in self.full:
            yield from chunk
        yield from self.tail

    @property
    def mark(self) -> tuple[int, int, int]:
        """(first, last, hash): equal marks mean equal logs."""
        return (self.first, self.last, self.hash)

    def __getitem__(self, index: int) -> Any:
        """The entry at a 1-based index; IndexError outside ``first .. last``."""
        at = index - self.tail_first
        if at >= 0:
            return self.tail[at]
        at = index - self.first
        if at < 0:
            raise IndexError(f"index {index} is outside {self.first}..{self.last}")
        number = at // CHUNK - len(self.blocks) * BLOCK
        chunk = self.full[number] if number >= 0 else self.blocks[at // CHUNK // BLOCK][at // CHUNK % BLOCK]
        return chunk[at % CHUNK]

    def hash_at(self, index: int) -> int:
        """Hash of the prefix that ends at ``index``; ``first - 1`` gives the compacted prefix's."""
        at = index - self.tail_first
        if at >= 0:
            return self.tail_hashes[at]
        at = index - self.first
        if at >= 0:
            number = at // CHUNK
            if number >= len(self.blocks) * BLOCK:
                return self.full_hashes[number % BLOCK][at % CHUNK]
            return self.block_hashes[number // BLOCK][number % BLOCK][at % CHUNK]
        if at == -1:
            return self.base
        raise IndexError(f"index {index} is outside {self.first - 1}..{self.last}")

    def slice(self, start: int, stop: int) -> tuple[Any, ...]:
        """Entries at ``start .. stop - 1``, cut to what is there."""
        low = start - self.tail_first
        if low >= 0:
            return tuple(self.tail[low : stop - self.tail_first])
        start, stop = max(start, self.first), min(stop, self.last + 1)
        return tuple([self[index] for index in range(start, stop)])

    def append(self, entry: Any) -> None:
        self.extend((entry,))

    def extend(self, entries: Sequence[Any]) -> None:
        """Append all of them, in order."""
        found, tail, hashes = self.hash, self.tail, self.tail_hashes
        for entry in entries:
            known = _known.get(found)
            found = known[1] if known is not None and known[0] is entry else chain(found, entry)
            tail.append(entry)
            hashes.append(found)
            if len(tail) == CHUNK:
                self.fill(tuple(tail), tuple(hashes))
                self.tail, self.tail_hashes = tail, hashes = [], []
                self.tail_first += CHUNK
        more = len(entries)
        self.hash = found
        self.last += more
        self.version += more

    def fill(self, entries: tuple[Any, ...], hashes: tuple[int, ...]) -> None:
        """One more full chunk; so many make a block."""
        self.full += (entries,)
        self.full_hashes += (hashes,)
        if len(self.full) == BLOCK:
            self.blocks += (self.full,)
            self.block_hashes += (self.full_hashes,)
            self.full = self.full_hashes = ()

    def open_chunk(self, number: int) -> None:
        """The full chunk with this number becomes the tail, and those after it are gone."""
        block, number = divmod(number, BLOCK)
        if block < len(self.blocks):
            self.full, self.full_hashes = self.blocks[block], self.block_hashes[block]
            self.blocks, self.block_hashes = self.blocks[:block], self.block_hashes[:block]
        self.tail, self.tail_hashes = list(self.full[number]), list(self.full_hashes[number])
        self.full, self.full_hashes = self.full[:number], self.full_hashes[:number]

    def truncate_from(self, index: int) -> None:
        """Drop the entry at ``index`` and all after it; nothing that was compacted."""
        index = max(index, self.first)
        if index > self.last:
            return
        self.version += 1
        keep = index - self.first
        if index < self.tail_first:
            self.open_chunk(keep // CHUNK)
            self.tail_first = self.first + keep // CHUNK * CHUNK
        del self.tail[self.first + keep - self.tail_first :]
        del self.tail_hashes[self.first + keep - self.tail_first :]
        self.last = self.first + keep - 1
        self.hash = self.hash_at(self.last)

    def drop_before(self, index: int) -> None:
        """Compact: ``index`` becomes the first; ``last + 1`` at most."""
        index = min(index, self.last + 1)
        if index <= self.first:
            return
        self.version += 1
        base = self.hash_at(index - 1)
        entries = self.slice(index, self.last + 1)
        hashes = [self.hash_at(at) for at in range(index, self.last + 1)]
        self.first, self.base = index, base
        whole = len(entries) // CHUNK * CHUNK
        self.full = self.full_hashes = self.blocks = self.block_hashes = ()
        for at in range(0, whole, CHUNK):
            self.fill(entries[at : at + CHUNK], tuple(hashes[at : at + CHUNK]))
        self.tail, self.tail_hashes, self.tail_first = list(entries[whole:]), hashes[whole:], index + whole

    def reset(self, first: int, base: int) -> None:
        """Empty the log; what lies before ``first`` has the hash ``base`` (a snapshot was installed)."""
        self.version += 1
        self.first, self.last, self.tail_first = first, first - 1, first
        self.base = self.hash = base
        self.full = self.full_hashes = self.blocks = self.block_hashes = ()
        self.tail, self.tail_hashes = [], []

    def fork(self) -> Log:
        """An independent copy that shares the full chunks."""
        return Log(
            self.first, self.last, self.hash, self.version, self.base, self.tail_first, self.full, self.full_hashes,
            self.tail.copy(), self.tail_hashes.copy(), self.blocks, self.block_hashes,
        )  # fmt: skip
