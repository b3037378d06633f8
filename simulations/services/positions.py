"""Where viewers really are: the playhead, but never beyond what has been simulated for them."""

from __future__ import annotations

import redis

from simulations.live import lease
from simulations.live.playhead import Playhead
from simulations.live.valkey import client
from simulations.models import Run


def shown_us(run: Run, head: Playhead, now_ms: int) -> int:
    """The virtual time viewers see now: they stop where frames end until a worker goes on."""
    here = head.at(now_ms, run.stop_us)
    if not head.playing:
        return here
    try:
        live = lease.read_live(client().hgetall(f"live:{run.code}"))
    except redis.RedisError:
        return here
    if live is None or live.head_branch != head.branch:
        return head.anchor_us
    return min(here, max(live.head_us, head.anchor_us))
