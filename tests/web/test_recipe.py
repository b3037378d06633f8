"""Recipes, and which chunk covers which part of a branch."""

from pathlib import Path

import pytest

from simulations.live import recipe as recipes
from simulations.live.build import BUILD, HOME, fingerprint
from simulations.live.recipe import LoggedCommand, Recipe
from simulations.live.store import Tile, chunk_key
from simulations.live.tiles import cover_at, true_tiles


def recipe(*commands: tuple[int, int]) -> Recipe:
    """A recipe with commands (seq, at_us)."""
    given = [LoggedCommand(seq, at_us, {"do": "kill", "target": "n1"}) for seq, at_us in commands]
    return Recipe("{}", "f", 1, 1, given)


def tile(line: Recipe, t0_us: int, t1_us: int, done: int) -> Tile:
    return Tile(t0_us, t1_us, f"{t0_us}", "", "", done, line.prefix(done))


def test_commands_take_effect_in_order_of_time_then_number() -> None:
    assert [command.seq for command in recipe((1, 900), (2, 500), (3, 500)).commands] == [2, 3, 1]


def test_equal_beginnings_have_equal_names_and_others_do_not() -> None:
    short, long = recipe((1, 500)), recipe((1, 500), (2, 900))
    assert short.prefix(1) == long.prefix(1)
    assert long.shares(1, short.prefix(1))
    assert not long.shares(2, short.prefix(1))
    assert recipe((1, 501)).prefix(1) != short.prefix(1)
    assert not short.shares(2, long.prefix(2))


def test_who_sent_a_command_is_no_part_of_the_recipe() -> None:
    one = Recipe("{}", "f", 1, 1, [LoggedCommand(1, 5, {"do": "heal"}, "ann", "k1")])
    two = Recipe("{}", "f", 1, 1, [LoggedCommand(1, 5, {"do": "heal"}, "bob", "k2")])
    assert one.prefix(1) == two.prefix(1)


def test_seed_experiment_and_engine_are() -> None:
    keys = {Recipe("{}", name, seed, engine, []).key for name in "fg" for seed in (1, 2) for engine in (1, 2)}
    assert len(keys) == 8


def test_what_another_build_made_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a run from each would be neither's, and its checkpoints may have another shape."""
    ours = recipe((1, 500))
    monkeypatch.setattr(recipes, "BUILD", "another")
    theirs = recipe((1, 500))
    assert theirs.key != ours.key
    tiles = [tile(theirs, 0, 500, 0), tile(theirs, 500, 900, 1)]
    assert (true_tiles(tiles, theirs), true_tiles(tiles, ours)) == (tiles, [])


def test_a_build_is_its_sources(tmp_path: Path) -> None:
    (tmp_path / "engine" / "systems").mkdir(parents=True)
    inner, outer = tmp_path / "engine" / "systems" / "raft.py", tmp_path / "wire.py"
    seen = set()
    for text, other in (("", ""), ("a", ""), ("", "a"), ("b", "")):
        inner.write_text(text)
        outer.write_text(other)
        seen.add(fingerprint(tmp_path, ("engine", "wire.py")))
    inner.rename(inner.with_name("paxos.py"))
    seen.add(fingerprint(tmp_path, ("engine", "wire.py")))
    assert len(seen) == 5
    assert fingerprint(HOME) == BUILD


def test_a_chunk_is_shared_until_a_command_takes_effect_in_it() -> None:
    plain, early, late = recipe(), recipe((1, 700)), recipe((1, 5_000))
    assert chunk_key(plain, 0, 0, 1_000, "full") == chunk_key(late, 0, 0, 1_000, "full")
    assert chunk_key(plain, 0, 0, 1_000, "full") != chunk_key(early, 0, 0, 1_000, "full")


def test_a_chunk_before_a_command_at_its_start_is_not_the_one_after_it() -> None:
    line = recipe((1, 1_000))
    assert chunk_key(line, 0, 1_000, 2_000, "full") != chunk_key(line, 1, 1_000, 2_000, "full")


def test_cover_goes_on_until_the_first_hole() -> None:
    line = recipe()
    tiles = [tile(line, 0, 100, 0), tile(line, 100, 200, 0), tile(line, 300, 400, 0)]
    cover = cover_at(tiles, 50, line)
    assert cover is not None
    assert (cover.from_us, cover.to_us) == (0, 200)
    assert cover_at(tiles, 250, line) is None


def test_a_new_command_cuts_the_chunk_it_falls_into_and_drops_the_later_ones() -> None:
    before = recipe()
    tiles = [tile(before, 0, 100, 0), tile(before, 100, 200, 0), tile(before, 200, 300, 0)]
    now = recipe((1, 150))
    true = true_tiles(tiles, now)
    assert [item.t0_us for item in true] == [0, 100]
    cover = cover_at(true, 50, now)
    assert cover is not None
    assert (cover.to_us, cover.done) == (150, 0)


def test_a_command_at_the_very_end_of_a_chunk_belongs_to_the_next() -> None:
    before = recipe()
    tiles = [tile(before, 0, 100, 0), tile(before, 100, 200, 0)]
    now = recipe((1, 100))
    true = true_tiles(tiles, now)
    assert [item.t0_us for item in true] == [0]
    again = [*true, tile(now, 100, 125, 1)]
    cover = cover_at(again, 0, now)
    assert cover is not None
    assert (cover.to_us, cover.done) == (125, 1)


def test_a_later_chunk_cuts_the_one_it_begins_in() -> None:
    line = recipe((1, 150))
    tiles = [tile(recipe(), 0, 200, 0), tile(line, 150, 175, 1)]
    cover = cover_at(tiles, 10, line)
    assert cover is not None
    assert (cover.to_us, cover.done) == (175, 1)
