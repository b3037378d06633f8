"""The experiments that ship: one data file each, read once and kept.

ids()                          # ("RA-01", ...), in the order of the gallery
load("RA-01")                  # the base, with its variants inside
load("RA-01/no_prevote")       # one variant as an experiment of its own
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from simulations.engine.experiment import Experiment, ExperimentError, parse, variant
from simulations.engine.experiment.problems import Problems

FOLDER = Path(__file__).parent
TEXT_BYTES_MAX = 1_000_000
DEPTH_MAX = 40

GROUPS = ("RA", "PX", "ZK", "CAP", "BA", "MS", "SN", "AM", "MC", "HS", "CO", "DR", "GF", "EL", "PBS")
"""Prefixes of ids, in the order of the gallery."""

EXTRA = ("EL-LAN", "EL-WAN", "PBS")
"""Measurements against the literature; they stand beside the 63 experiments of the catalogue."""


class CatalogueLoader(yaml.CSafeLoader):
    """Plain YAML with unique keys."""


def unique_mapping(loader: CatalogueLoader, node: yaml.MappingNode) -> dict[Any, Any]:
    """A mapping; a key that is given twice is an error instead of the last one winning."""
    keys = [loader.construct_object(key, deep=True) for key, _ in node.value]
    if len(keys) != len({repr(key) for key in keys}):
        raise yaml.constructor.ConstructorError(None, None, "a key is given twice", node.start_mark)
    values = [loader.construct_object(value, deep=True) for _, value in node.value]
    return {str(key): value for key, value in zip(keys, values, strict=True)}


CatalogueLoader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, unique_mapping)


def read_yaml(text: str) -> Any:
    """Plain data of a YAML (or JSON) text. ValueError for anything but one small, alias-free, shallow
    document.
    """
    if len(text) > TEXT_BYTES_MAX:
        raise ValueError(f"the file is longer than {TEXT_BYTES_MAX} characters")
    try:
        refuse_tricks(text)
        return yaml.load(text, Loader=CatalogueLoader)
    except yaml.YAMLError as error:
        raise ValueError(f"not valid YAML: {error}") from error


def refuse_tricks(text: str) -> None:
    """No aliases (a short text could stand for a huge one) and no deep nesting."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        if isinstance(event, yaml.AliasEvent):
            raise ValueError("aliases are not allowed")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > DEPTH_MAX:
            raise ValueError(f"nested more than {DEPTH_MAX} deep")


@lru_cache(maxsize=1)
def ids() -> tuple[str, ...]:
    """Ids of all experiments, by group and number."""
    return tuple(sorted((path.stem for path in FOLDER.glob("*.yaml")), key=order))


def order(id: str) -> tuple[int, str]:
    """Sort key of an id; groups that are not listed come last."""
    group = id.partition("-")[0]
    return GROUPS.index(group) if group in GROUPS else len(GROUPS), id


@lru_cache(maxsize=1)
def examples() -> tuple[str, ...]:
    """Ids of what can be opened beside the catalogue: large things to look at, which show no row of the article."""
    return tuple(sorted(path.stem for path in FOLDER.glob("examples/*.yaml")))


def ships(reference: str) -> bool:
    """Whether this names an experiment, a variant or an example that ships."""
    return reference.partition("/")[0] in (*ids(), *examples())


@lru_cache(maxsize=512)
def load(id: str) -> Experiment:
    """An experiment (`RA-01`) or one of its variants (`RA-01/no_prevote`). Shared: do not change it.

    ExperimentError when there is none of this id; the allowed values are listed.
    """
    base, slash, part = id.partition("/")
    if not ships(base):
        problems = Problems()
        problems.add("id", "unknown_id", allowed=ids(), given=base)
        raise ExperimentError(problems.found)
    if slash:
        return variant(load(base), part)
    folder = FOLDER if base in ids() else FOLDER / "examples"
    return parse(read_yaml((folder / f"{base}.yaml").read_text(encoding="utf-8")))
