"""Compare check_history with known verdicts: `python -m benchmarks.known_histories FOLDER...`.

A folder holds histories and a verdicts.json: {"files": {name: {"linearizable": bool, "failing_index": number}}}.
Exits 1 when an answer differs.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from simulations.histories.checking import check_file

FORMAT_OF = {".log": "jepsen-etcd", ".txt": "porcupine-kv", ".edn": "knossos-edn", ".json": "json"}


def differing(folder: Path) -> list[str]:
    """Print one line a history; return the names of those with another answer than the known one."""
    known = json.loads((folder / "verdicts.json").read_text())["files"]
    wrong = []
    for name, expected in sorted(known.items()):
        start = time.perf_counter()
        answer = check_file(folder / name, format=FORMAT_OF[Path(name).suffix])
        milliseconds = (time.perf_counter() - start) * 1000
        right = answer["verdict"] == ("holds" if expected["linearizable"] else "violated")
        violation = answer["first_violation"] or {}
        if "failing_index" in expected:
            right = right and violation.get("index") == expected["failing_index"]
        place = f"line {violation['line']}" if violation else ""
        print(
            f"{'ok   ' if right else 'WRONG'} {name:28} {answer['verdict']:9} {milliseconds:7.1f} ms  {place}"
        )
        if not right:
            wrong.append(name)
    return wrong


if __name__ == "__main__":
    sys.exit(1 if [name for folder in sys.argv[1:] for name in differing(Path(folder))] else 0)
