"""The table from the vocabulary's words to what carries them out."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from simulations.engine.faults import links, messages, nodes, places

if TYPE_CHECKING:
    from simulations.engine.faults.state import Fault
    from simulations.engine.world import World

Arguments = dict[str, Any]

CARRY_OUT: dict[str, Callable[[World, Fault, Arguments], None]] = {
    "kill": nodes.kill,
    "restart": nodes.restart,
    "pause": nodes.pause,
    "resume": nodes.resume,
    "slow": nodes.slow,
    "unslow": nodes.unslow,
    "disk_delay": nodes.disk_delay,
    "disk_fail": nodes.disk_fail,
    "disk_lie": nodes.disk_lie,
    "disk_lose": nodes.disk_lose,
    # Damage is found by its checksum when the disk is read again, and what is damaged is dropped: so it is a loss.
    "disk_corrupt": nodes.disk_lose,
    "disk_mend": nodes.disk_mend,
    "clock": nodes.clock,
    "clock_mend": nodes.clock_mend,
    "cut": links.cut,
    "partition": links.partition,
    "only_links": links.only_links,
    "heal": links.heal,
    "delay": links.change,
    "jitter": links.change,
    "loss": links.change,
    "duplicate": links.change,
    "reorder": links.change,
    "bandwidth": links.change,
    "reset_links": links.reset_links,
    "hold": links.hold,
    "release": links.release,
    "drop": messages.message_rule,
    "duplicate_message": messages.message_rule,
    "delay_message": messages.message_rule,
    "deliver": messages.on_flight,
    "stop_matching": messages.stop_matching,
    "zone_outage": places.outage,
    "region_outage": places.outage,
    "switch_outage": places.switch_outage,
    "restore_place": places.restore_place,
    "load": nodes.load,
    "load_normal": nodes.load_normal,
    "campaign": nodes.operate,
    "fire_timer": nodes.fire_timer,
    "set_parameter": nodes.set_parameter,
    "transfer": nodes.operate,
    "configure": nodes.operate,
    "promote": nodes.operate,
    "backup": nodes.operate,
    "restore_backup": nodes.operate,
    "command": nodes.operate,
}

END: dict[str, Callable[[World, Fault], None]] = {
    "kill": lambda world, fault: nodes.restart(world, fault, {}),
    "pause": lambda world, fault: nodes.resume(world, fault, {}),
    "slow": lambda world, fault: nodes.unslow(world, fault, {}),
    "disk_delay": lambda world, fault: nodes.disk_mend(world, fault, {}),
    "disk_fail": lambda world, fault: nodes.disk_mend(world, fault, {}),
    "disk_lie": lambda world, fault: nodes.disk_mend(world, fault, {}),
    "clock": lambda world, fault: nodes.clock_mend(world, fault, {}),
    "cut": links.end_cut,
    "partition": links.end_cut,
    "only_links": links.end_cut,
    "hold": links.end_cut,
    "delay": links.end_change,
    "jitter": links.end_change,
    "loss": links.end_change,
    "duplicate": links.end_change,
    "reorder": links.end_change,
    "bandwidth": links.end_change,
    "drop": messages.end_rules,
    "duplicate_message": messages.end_rules,
    "delay_message": messages.end_rules,
    "zone_outage": places.end_outage,
    "region_outage": places.end_outage,
    "switch_outage": places.end_outage,
    "load": lambda world, fault: nodes.load_normal(world, fault, {}),
}
"""How a fault with ``for_s`` ends."""

ENDS_OTHERS = {
    "restart": ("kill",),
    "resume": ("pause",),
    "unslow": ("slow",),
    "disk_mend": ("disk_delay", "disk_fail", "disk_lie"),
    "clock_mend": ("clock",),
    "load_normal": ("load",),
}
"""Actions that end faults in force of the ids they hit."""
