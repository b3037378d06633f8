"""The shared log against a plain list that does the same."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from simulations.engine.chunks import BLOCK_SIZE, SIZE, Chunks
from simulations.engine.log import BLOCK, CHUNK, Log, chain


def hash_of(items: list[str], start: int = 0) -> int:
    value = start
    for item in items:
        value = chain(value, item)
    return value


@pytest.mark.parametrize("seed", range(40))
def test_it_behaves_like_a_list(seed: int) -> None:
    draw = random.Random(seed)
    log, items, dropped, base = Log(), [], 0, 0
    forks: list[tuple[Log, list[str], int]] = []
    for step in range(400):
        choice = draw.random()
        if choice < 0.7:
            batch = [f"{seed}.{step}.{k}" for k in range(draw.randint(1, 9))]
            log.extend(batch)
            items += batch
        elif choice < 0.85:
            cut = draw.randint(dropped + 1, dropped + len(items) + 2)
            log.truncate_from(cut)
            del items[cut - dropped - 1 :]
        elif choice < 0.9 and items:
            count = draw.randint(0, len(items))
            base = hash_of(items[:count], base)
            log.drop_before(dropped + count + 1)
            dropped += count
            del items[:count]
        else:
            forks.append((log.fork(), items.copy(), dropped))
        assert list(log) == items, f"seed {seed}"
        assert (log.first, log.last, len(log)) == (dropped + 1, dropped + len(items), len(items))
        assert log.hash == hash_of(items, base) == log.hash_at(log.last)
        if items:
            index = draw.randint(log.first, log.last)
            assert log[index] == items[index - log.first]
            assert log.hash_at(index) == hash_of(items[: index - dropped], base)
            assert log.slice(index, index + 5) == tuple(items[index - log.first : index - log.first + 5])
    for fork, then, before in forks:
        assert list(fork) == then
        assert fork.first == before + 1


def test_equal_hashes_mean_equal_prefixes() -> None:
    first, second = Log(), Log()
    first.extend(["a", "b", "c"])
    second.extend(["a", "x", "c"])
    assert first.hash_at(1) == second.hash_at(1)
    assert first.hash_at(2) != second.hash_at(2)
    assert first.hash != second.hash


def test_the_version_rises_with_every_change() -> None:
    log = Log()
    seen = {log.version}
    changes: list[Callable[[], None]] = [
        lambda: log.append("a"),
        lambda: log.extend("bc"),
        lambda: log.truncate_from(3),
        lambda: log.drop_before(2),
        lambda: log.reset(9, 1),
    ]
    for change in changes:
        change()
        assert log.version not in seen
        seen.add(log.version)


def test_an_index_outside_is_an_error() -> None:
    log = Log()
    log.append("a")
    with pytest.raises(IndexError):
        log[0]
    with pytest.raises(IndexError):
        log[2]


@pytest.mark.parametrize("seed", range(4))
def test_a_log_of_many_blocks_behaves_like_a_list(seed: int) -> None:
    draw = random.Random(seed)
    log, items, dropped = Log(), [], 0
    hashes = [0]
    forks: list[tuple[Log, list[int]]] = []
    for step in range(60):
        choice = draw.random()
        if choice < 0.7:
            for item in range(step * 10_000, step * 10_000 + draw.randint(1, 900)):
                log.append(item)
                items.append(item)
                hashes.append(chain(hashes[-1], item))
        elif choice < 0.9:
            cut = dropped + 1 + int(len(items) * draw.random() ** 0.05)
            log.truncate_from(cut)
            del items[cut - dropped - 1 :], hashes[cut - dropped :]
        else:
            count = len(items) // draw.randint(3, 9)
            log.drop_before(dropped + count + 1)
            dropped += count
            del items[:count], hashes[:count]
        forks.append((log.fork(), items.copy()))
        assert list(log) == items
        assert (log.first, log.last) == (dropped + 1, dropped + len(items))
        assert [log.hash_at(index) for index in range(dropped, log.last + 1)] == hashes
        assert [log[index] for index in range(log.first, log.last + 1)] == items
    assert max(len(items) for _, items in forks) > 2 * CHUNK * BLOCK
    for fork, then in forks:
        assert list(fork) == then


def test_chunks_of_many_blocks_behave_like_a_list() -> None:
    chunks: Chunks[int | str] = Chunks()
    items: list[int] = []
    for item in range(2 * BLOCK_SIZE + 300):
        if item in (0, 127, 128, BLOCK_SIZE - 1, BLOCK_SIZE, BLOCK_SIZE + 5 * SIZE + 3):
            fork, then = chunks.fork(), items.copy()
            assert list(fork) == then
            fork.append("elsewhere")
            assert len(chunks) == item
        chunks.append(item)
        items.append(item)
    assert list(chunks) == items
    assert len(chunks) == len(items)
    assert [chunks[index] for index in range(len(items))] == items
    for start in (
        0,
        1,
        SIZE,
        BLOCK_SIZE - 1,
        BLOCK_SIZE,
        BLOCK_SIZE + SIZE + 1,
        2 * BLOCK_SIZE,
        len(items) - 1,
        len(items),
    ):
        assert chunks.since(start) == items[start:]


@pytest.mark.parametrize("entries", [0, 1, 5, 200])
@pytest.mark.parametrize("compacted", [0, 3])
@pytest.mark.parametrize("index", [-3, 0, 1])
def test_to_truncate_from_before_the_first_entry_leaves_none(
    entries: int, compacted: int, index: int
) -> None:
    log = Log()
    log.extend(range(entries))
    log.drop_before(min(compacted, entries) + 1)
    base = log.hash_at(log.first - 1)
    log.truncate_from(index)
    assert (list(log), log.last, log.hash) == ([], log.first - 1, base)
    log.append("again")
    assert list(log) == ["again"]
