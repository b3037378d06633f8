"""An append-only list whose full chunks are shared between copies: a fork copies the short tail."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Generic, TypeVar

import msgspec

SIZE = 128
"""Items in a chunk."""
BLOCK = 32
"""Chunks in a block: what one more full chunk copies stays short however long the history is."""
BLOCK_SIZE = SIZE * BLOCK

T = TypeVar("T")


class Chunks(msgspec.Struct, Generic[T], array_like=True):
    """Items in order: first in ``blocks`` of chunks, then in ``full`` chunks (tuples that never change again), then in
    the ``tail``, which begins at ``tail_start``. Their type is part of the annotation: a checkpoint is read by it."""

    full: tuple[tuple[T, ...], ...] = ()
    tail: list[T] = msgspec.field(default_factory=list)
    blocks: tuple[tuple[tuple[T, ...], ...], ...] = ()
    tail_start: int = 0

    def append(self, item: T) -> None:
        tail = self.tail
        tail.append(item)
        if len(tail) == SIZE:
            self.tail = []
            self.tail_start += SIZE
            self.full += (tuple(tail),)
            if len(self.full) == BLOCK:
                self.blocks += (self.full,)
                self.full = ()

    def __len__(self) -> int:
        return self.tail_start + len(self.tail)

    def chunks(self, first: int = 0) -> Iterator[tuple[T, ...]]:
        """The full chunks from the one with this number on."""
        block, within = divmod(first, BLOCK)
        if block < len(self.blocks):
            yield from self.blocks[block][within:]
            yield from chain.from_iterable(self.blocks[block + 1 :])
            yield from self.full
        else:
            yield from self.full[first - len(self.blocks) * BLOCK :]

    def __iter__(self) -> Iterator[T]:
        yield from chain.from_iterable(self.chunks())
        yield from self.tail

    def __getitem__(self, index: int) -> T:
        at = index - self.tail_start
        if at >= 0:
            return self.tail[at]
        chunk = index // SIZE
        block, within = divmod(chunk, BLOCK)
        if block < len(self.blocks):
            return self.blocks[block][within][index % SIZE]
        return self.full[within][index % SIZE]

    def since(self, index: int) -> list[T]:
        """The items from ``index`` on."""
        at = index - self.tail_start
        if at >= 0:
            return self.tail[at:]
        items = [*chain.from_iterable(self.chunks(index // SIZE)), *self.tail]
        return items[index % SIZE :]

    def fork(self) -> Chunks[T]:
        return Chunks(self.full, self.tail.copy(), self.blocks, self.tail_start)
