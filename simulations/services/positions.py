"""Where viewers really are: the playhead, but never beyond what has been simulated for them."""

from __future__ import annotations

import msgspec
import redis

from simulations import selectors
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
    if live is None:
        branch = selectors.branch_of(run, head.branch)
        return min(here, max(head.anchor_us, branch.played_us if branch else 0))
    return msgspec.structs.replace(live, playhead=head, stop_us=run.stop_us).shown_us(now_ms)
