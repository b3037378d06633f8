"""The built page as it is served: cacheable for ever, compressed, and readable by no other site."""

import gzip
import json
import urllib.request
from email.message import Message

from tests.stack import ROOT, RunningStack

BUILD = ROOT / "static" / "build"


def entry() -> str:
    """The address of the page's own script, from Vite's manifest."""
    manifest = json.loads((BUILD / "manifest.json").read_text(encoding="utf-8"))
    return str(next(part["file"] for part in manifest.values() if part.get("isEntry")))


def fetch(stack: RunningStack, path: str) -> tuple[Message, bytes]:
    request = urllib.request.Request(stack.base_url + path, headers={"Accept-Encoding": "gzip"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.headers, answer.read()


def test_a_hashed_file_is_kept_for_ever_and_comes_compressed(stack: RunningStack) -> None:
    headers, body = fetch(stack, f"/static/build/{entry()}")
    assert "immutable" in headers["Cache-Control"]
    assert headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(body) == (BUILD / entry()).read_bytes()
    assert "Access-Control-Allow-Origin" not in headers


def test_a_file_without_a_hash_is_asked_for_again(stack: RunningStack) -> None:
    headers, _ = fetch(stack, "/static/build/manifest.json")
    assert "immutable" not in headers["Cache-Control"]
