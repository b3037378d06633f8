"""What the first visit to a page loads: little script, and no font that holds back the text."""

from __future__ import annotations

import re

import pytest

from benchmarks.bundle import BUILD, PAGES, css_of, script_bytes

BYTES_MAX = 300_000


@pytest.mark.parametrize("encoding", ["br", "gz"])
@pytest.mark.parametrize("page", PAGES)
def test_a_first_visit_loads_at_most_300_kb_of_script(page: str, encoding: str) -> None:
    assert 50_000 < script_bytes(page, encoding) <= BYTES_MAX


def test_text_never_waits_for_a_font() -> None:
    faces = [
        face
        for name in css_of("home")
        for face in re.findall(r"@font-face\s*\{[^}]*\}", (BUILD / name).read_text(encoding="utf-8"))
    ]
    assert faces
    assert all("font-display:swap" in face.replace(" ", "") for face in faces)
