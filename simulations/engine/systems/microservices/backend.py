"""What a balancer knows of one backend."""

from __future__ import annotations

import msgspec

from simulations.engine.systems.microservices.detectors import PhiDetector


class Backend(msgspec.Struct):
    """What the balancer knows of one backend, from its health checks and from the answers to requests alone.

    ``misses``: health checks in a row that failed; ``probe``: the one under way (0: none); ``ok``, ``bad``: answers
    since the last look for outliers; ``version_ok``, ``version_bad``: since it was given the version it runs;
    ``ejected_us``: until when it is ejected (-1: it is not); ``ejections``: how often it was; ``is_out``: taken out
    for a rollout.
    """

    is_healthy: bool = True
    misses: int = 0
    probe: int = 0
    open: int = 0
    ok: int = 0
    bad: int = 0
    version_ok: int = 0
    version_bad: int = 0
    ejected_us: int = -1
    ejections: int = 0
    is_out: bool = False
    detector: PhiDetector | None = None
