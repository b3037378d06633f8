"""Commands that make no sense now, and why: the same sentences for disabled buttons and refused commands."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import msgspec

from simulations.engine.experiment.details import in_chinese
from simulations.engine.experiment.problems import ExperimentError
from simulations.engine.faults.nodes import armed, changed_parameters, contexts_of, having_parameter, hosts_of
from simulations.engine.faults.targets import hit_by
from simulations.engine.hosts import DOWN, PAUSED, UP, Host
from simulations.engine.phrases import Named, filled
from simulations.engine.process import Text, fixed_parameters

if TYPE_CHECKING:
    from simulations.engine.world import World


class Refusal(msgspec.Struct, frozen=True):
    """Why not. ``reason``: a key of REASONS; ``text``: the sentence."""

    reason: str
    text: Text


REASONS = {
    "malformed": ("{detail}", "{detail_zh}"),
    "no_target": ("Nobody is {target} now.", "现在没有这样的节点：{target_zh:、}。"),
    "running": ("{node} {node:is|are} running.", "{node:、} 正在运行。"),
    "down": ("{node} {node:is|are} down.", "{node:、} 已宕机。"),
    "paused": ("{node} {node:is|are} frozen already.", "{node:、} 已被冻结。"),
    "not_paused": ("{node} {node:is|are} not frozen.", "{node:、} 没有被冻结。"),
    "nothing_cut": ("No link is cut.", "没有断开的链路。"),
    "nothing_held": ("Nothing is held.", "没有被扣住的消息。"),
    "no_client": ("There is no client {target}.", "没有客户端 {target}。"),
    "no_timer": ("{node} {node:has|have} no such timer running.", "{node:、} 没有这个正在计时的定时器。"),
    "no_message": ("That message is not under way.", "该消息不在途中。"),
    "no_parameter": ("The system has no parameter {target}.", "该系统没有参数 {target}。"),
    "fixed_parameter": ("{target} cannot change while the system runs.", "系统运行时不能更改 {target}。"),
}


TARGETS_ZH = {
    "leader": "领导者",
    "follower": "跟随者",
    "followers": "跟随者",
    "candidate": "候选人",
    "minority": "少数派",
    "majority": "多数派",
    "random": "运行中的节点",
    "down": "已宕机的节点",
    "previous": "上一条命中的节点",
    "all": "节点",
    "rest": "其余节点",
}
"""Targets that are looked for when a line fires, as the page calls them."""


def refuse(reason: str, **values: str) -> Refusal:
    en, zh = REASONS[reason]
    named = {name: Named(value) for name, value in values.items()}
    return Refusal(reason, Text(en.format(**named), filled(zh, **values)))


def targets_zh(targets: Iterable[str]) -> str:
    """What a line is aimed at, in Chinese: `leader/zookeeper` is the leader of one system."""
    return "、".join(target_zh(target) for target in targets)


def target_zh(target: str) -> str:
    word, _, system = target.partition("/")
    if word not in TARGETS_ZH:
        return target
    return f"{system} 的{TARGETS_ZH[word]}" if system else TARGETS_ZH[word]


def refusal(world: World, do: dict[str, Any]) -> Refusal | None:
    """Why the command makes no sense in this world now, or None."""
    if do.get("do") == "client":
        known = world.client(do.get("client") or "")
        return None if known is not None else refuse("no_client", target=str(do.get("client", "")))
    try:
        line = world.read_line(do)
    except ExperimentError as error:
        problem = error.problems[0]
        return refuse("malformed", detail=str(problem), detail_zh=problem.in_chinese())
    hit = hit_by(world, line, world.fork_stream("refusal"))
    if line.target and not hit:
        return refuse("no_target", target=", ".join(line.target), target_zh=targets_zh(line.target))
    return of_network(world, line) or of_nodes(world, line.do, hit) or of_system(world, line, hit)


def of_network(world: World, line: Any) -> Refusal | None:
    network = world.kernel.network
    if line.do == "heal" and not (network.cuts or line.arguments.get("links_too")):
        return refuse("nothing_cut")
    if line.do == "release" and not network.holds:
        return refuse("nothing_held")
    match = line.arguments.get("match")
    named = match.event if match is not None else None
    waiting = any(entry[0] == named for entry in network.held)
    if named is not None and not waiting and not any(event[2] == named for event in world.kernel.queue):
        return refuse("no_message")
    return None


def of_nodes(world: World, do: str, hit: tuple[str, ...]) -> Refusal | None:
    """A line on several nodes is refused only when it would change none of them."""
    hosts = hosts_of(world, hit)
    wrong = {"kill": not_up, "restart": not_down, "pause": not_running, "resume": not_paused}.get(do)
    if wrong is None or not hosts:
        return None
    found = [wrong(host) for host in hosts]
    if all(reason is not None for reason in found):
        return refuse(found[0] or "down", node=", ".join(host.id for host in hosts))
    return None


def not_up(host: Host) -> str | None:
    return "down" if host.state == DOWN else None


def not_down(host: Host) -> str | None:
    return None if host.state == DOWN else "running"


def not_running(host: Host) -> str | None:
    return {UP: None, DOWN: "down", PAUSED: "paused"}[host.state]


def not_paused(host: Host) -> str | None:
    return {UP: "not_paused", DOWN: "down", PAUSED: None}[host.state]


def of_system(world: World, line: Any, hit: tuple[str, ...]) -> Refusal | None:
    contexts = contexts_of(world, hit)
    if line.do in ("campaign", "transfer", "promote"):
        down = [context.id for context in contexts if context.host and context.host.state == DOWN]
        if contexts and len(down) == len(contexts):
            return refuse("down", node=", ".join(down))
    if line.do == "fire_timer" and not armed(world, hit, line.arguments["timer"]):
        return refuse("no_timer", node=", ".join(hit))
    if line.do == "set_parameter":
        return of_parameter(world, hit, line.arguments["name"], line.arguments["value"])
    return None


def of_parameter(world: World, hit: tuple[str, ...], name: str, value: Any) -> Refusal | None:
    """Nobody has it, or the value does not fit: not at all, or not beside what the others are now."""
    having = having_parameter(world, hit, name)
    if not having:
        return refuse("no_parameter", target=name)
    for context in having:
        if name in fixed_parameters(type(context.process.parameters)):
            return refuse("fixed_parameter", target=name)
        try:
            changed_parameters(context, name, value)
        except msgspec.ValidationError as error:
            return refuse("malformed", detail=str(error), detail_zh=in_chinese(str(error)))
    return None
