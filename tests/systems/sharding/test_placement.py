"""Where keys lie and how many of them move: the claims of Karger et al. (1997) and the figures of HS-01."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from statistics import mean, median

import pytest

from simulations.engine.systems.sharding.placement import evened, on_ring, placed, shard_of, stable_hash

TEN = tuple(f"n{number}" for number in range(1, 11))
ELEVEN = (*TEN, "n11")
SHARDS = 4096
SEEDS = range(200)
HASHES = [143151056, 713379770, 3100285578]


def share_moved(before: Sequence[str], after: Sequence[str]) -> float:
    return sum(a != b for a, b in zip(before, after, strict=True)) / len(before)


def max_over_mean(owners: Sequence[str], members: Sequence[str]) -> float:
    counts = Counter(owners)
    return max(counts.values()) * len(members) / len(owners)


def test_the_hash_is_the_same_on_every_machine() -> None:
    assert [stable_hash(key, 0) for key in ("k0", "k1", "热搜")] == HASHES
    assert stable_hash("k0", 1) != stable_hash("k0", 0)


def test_hashes_of_neighbouring_keys_are_spread_evenly() -> None:
    counts = Counter(shard_of(f"k{number}", 5, 16) for number in range(16_000))
    assert len(counts) == 16
    assert all(880 < count < 1120 for count in counts.values())


def test_modulo_moves_ten_of_eleven_shards_when_ten_nodes_become_eleven() -> None:
    moved = share_moved(placed("modulo", SHARDS, TEN, 1, 0), placed("modulo", SHARDS, ELEVEN, 1, 0))
    assert moved == pytest.approx(0.909, abs=0.002)


@pytest.mark.parametrize(("vnodes", "seeds", "low", "high"), [(1, 100, 0.07, 0.12), (128, 15, 0.086, 0.096)])
def test_a_ring_moves_one_of_eleven_on_average(vnodes: int, seeds: int, low: float, high: float) -> None:
    shares = [
        share_moved(on_ring(SHARDS, TEN, vnodes, seed), on_ring(SHARDS, ELEVEN, vnodes, seed))
        for seed in range(seeds)
    ]
    assert low < mean(shares) < high


@pytest.mark.parametrize("seed", range(5))
def test_on_a_ring_keys_move_only_to_the_node_that_joined(seed: int) -> None:
    """Monotonicity, Karger et al., section 4."""
    before, after = on_ring(SHARDS, TEN, 16, seed), on_ring(SHARDS, ELEVEN, 16, seed)
    assert {new for old, new in zip(before, after, strict=True) if old != new} == {"n11"}


@pytest.mark.parametrize(("vnodes", "expected", "tolerance"), [(1, 2.9, 0.2), (128, 1.14, 0.02)])
def test_virtual_nodes_even_the_load_out(vnodes: int, expected: float, tolerance: float) -> None:
    loads = [max_over_mean(on_ring(SHARDS, TEN, vnodes, seed), TEN) for seed in SEEDS]
    assert mean(loads) == pytest.approx(expected, abs=tolerance)


@pytest.mark.parametrize(
    ("before", "after"), [(TEN, ELEVEN), (ELEVEN, TEN), (TEN, TEN[:3]), (("a",), ("b",))]
)
def test_even_placement_moves_as_little_as_it_can(before: Sequence[str], after: Sequence[str]) -> None:
    old = evened(SHARDS, before, None)
    new = evened(SHARDS, after, old)
    counts = Counter(new)
    assert set(counts) == set(after)
    assert max(counts.values()) - min(counts.values()) <= 1
    held = Counter(old)
    must = sum(max(0, counts[node] - held.get(node, 0)) for node in after)
    assert share_moved(old, new) * SHARDS == must


def hot_over_mean(holder: Callable[[int], str]) -> float:
    """20 nodes; one key has 40 % of the load, in 10 sub-keys."""
    return (0.03 + 0.04 * max(Counter(map(holder, range(10))).values())) / 0.05


def test_sub_keys_placed_by_hash_collide_and_in_turn_do_not() -> None:
    """HS-02: median 2.2 times the mean by hash, 1.4 in turn."""
    twenty = [f"n{number}" for number in range(20)]
    owners = evened(SHARDS, twenty, None)
    loads = [
        hot_over_mean(lambda number, seed=seed: owners[shard_of(f"k0#{number}", seed, SHARDS)])  # type: ignore[misc]
        for seed in SEEDS
    ]
    assert median(loads) == pytest.approx(2.2, abs=0.01)
    assert min(loads) >= 1.4 - 1e-9
    assert hot_over_mean(lambda number: twenty[number]) == pytest.approx(1.4)
