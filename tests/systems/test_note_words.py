"""The English of what systems and checks say: "1 write", not "1 writes"."""

from __future__ import annotations

import re
from collections import defaultdict

import pytest

from simulations.engine.process import Note
from simulations.engine.registry import SYSTEMS
from tests.systems.sentences import filled

ADJECTIVES = r"(?:acknowledged |accepted |changed |deep |health |new )*"
PLURALS = (
    r"(?:acceptors|checks|entries|keys|members|moves|nodes|operations|parts|pieces|pods|proposals|questions|reads|replicas|"
    r"requests|retries|rounds|rows|sentinels|servers|threads|transactions|trials|updates|versions|voters|votes|writes)"
)
OF_ONE = re.compile(rf"\b1 {ADJECTIVES}{PLURALS}\b")


def of_one(template: str) -> str:
    """The sentence where every place is one."""
    return filled(template, defaultdict(lambda: 1))


def notes() -> dict[str, Note]:
    return {id: note for made in SYSTEMS.values() for id, note in made.descriptor.notes.items()}


@pytest.mark.parametrize("id", sorted(notes()))
def test_one_is_no_plural(id: str) -> None:
    note = notes()[id]
    assert not OF_ONE.search(of_one(note.en)), of_one(note.en)
    assert "|" not in note.zh


def test_the_rule_sees_what_it_forbids() -> None:
    assert OF_ONE.search(of_one("takes {count} acknowledged writes"))
    assert not OF_ONE.search(of_one("takes {count} acknowledged {count|write|writes}"))
