"""H: what the interpreter does per second at best, so that engine rates can be told as ratios on noisy machines.

The hold model: 50 pending tuples (time, number, node); pop one, push it again 1000 + int(random() * 9000) later. Times
are CPU times of this process: what others do on the machine counts only through its caches.
"""

from __future__ import annotations

import heapq
import random
import statistics
import time
from collections.abc import Callable

ROUNDS = 9


def hold(operations: int = 60_000) -> float:
    """Operations per second of the hold model."""
    draw = random.Random(1).random
    queue = [(int(draw() * 9000), number, number % 5) for number in range(50)]
    heapq.heapify(queue)
    pop, push, number = heapq.heappop, heapq.heappush, 50
    began = time.process_time()
    for _ in range(operations):
        at, _, node = pop(queue)
        number += 1
        push(queue, (at + 1000 + int(draw() * 9000), number, node))
    return operations / (time.process_time() - began)


def paired(
    measure: Callable[[], float], rounds: int = ROUNDS, operations: int = 60_000
) -> tuple[float, float, float]:
    """(ratio to H, rate, H): medians over rounds in which both run one after the other in this process."""
    pairs = [(measure(), hold(operations)) for _ in range(rounds)]
    ratio = statistics.median(rate / h for rate, h in pairs)
    return ratio, statistics.median(rate for rate, _ in pairs), statistics.median(h for _, h in pairs)
