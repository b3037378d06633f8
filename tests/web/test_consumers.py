"""Browsers on one run, against the real stack: frames, commands, playhead, presence."""

from __future__ import annotations

from itertools import accumulate
from typing import Any

import pytest

from simulations import wire
from tests.stack import RunningStack
from tests.web.browser import Browser, shown_us


@pytest.fixture
def owner(stack: RunningStack) -> Browser:
    return Browser(stack.base_url)


def chained(frames: list[tuple[wire.FrameHeader, bytes]]) -> bool:
    """Whether each frame begins no later than where those before it reach: a frame sent twice is no hole."""
    reached = accumulate((header.t1_us for header, _ in frames), max)
    return all(header.t0_us <= before for (header, _), before in zip(frames[1:], reached, strict=False))


def test_a_new_run_plays_and_frames_arrive_without_a_hole(owner: Browser) -> None:
    code = owner.new_run()
    with owner.socket(code) as socket:
        welcome = socket.messages[0]
        assert (welcome["type"], welcome["code"], welcome["role"]) == ("welcome", code, "owner")
        while len(socket.frames) < 6:
            header = socket.frame()
            socket.say("ack", branch=header.branch, to_us=header.t1_us)
        assert socket.frames[0][0].t0_us <= 1_000_000
        assert chained(socket.frames)
        chunk = wire.decode_chunk(socket.frames[0][1])
        assert set(chunk["keyframe"]["nodes"]) == {"n1", "n2", "n3", "n4", "n5"}


def test_a_command_reaches_every_viewer_as_a_new_revision(stack: RunningStack, owner: Browser) -> None:
    code = owner.new_run()
    guest = Browser(stack.base_url)
    with owner.socket(code) as mine, guest.socket(code) as theirs:
        mine.frame()
        theirs.frame()
        answer = mine.command({"do": "kill", "target": "n2"}, key="k1")
        assert answer["type"] == "accepted"
        for socket in (mine, theirs):
            header = socket.frame(lambda header: header.revision == answer["revision"])
            assert header.t0_us <= answer["at_us"] < header.t1_us
            _, body = socket.frames[socket.seen - 1]
            commands = [event for event in wire.decode_chunk(body)["events"] if event[2] == 4]
            assert commands[0][5]["do"] == "kill"
        while not any(message["type"] == "accepted" for message in theirs.messages):
            theirs.take()  # it may come after the frames that it made
        assert [message["key"] for message in theirs.messages if message["type"] == "accepted"] == ["k1"]


def test_a_double_click_acts_once(owner: Browser) -> None:
    code = owner.new_run()
    with owner.socket(code) as socket:
        first = socket.command({"do": "kill", "target": "n2"}, key="same")
        again = socket.command({"do": "kill", "target": "n2"}, key="same")
        assert (first["seq"], first["at_us"]) == (again["seq"], again["at_us"])
    state = owner.get(f"/api/runs/{code}").json()
    assert len(state["branches"][0]["commands"]) == 1


def test_two_drivers_at_once_are_both_heard(stack: RunningStack, owner: Browser) -> None:
    code = owner.new_run()
    assert owner.post(f"/api/runs/{code}/share", {"open_control": True}).status == 200
    guest = Browser(stack.base_url)
    with owner.socket(code) as mine, guest.socket(code) as theirs:
        now_us = mine.shown_us()
        mine.say("command", key="a", branch=0, at_us=now_us, do={"do": "pause", "target": "n2"})
        theirs.say("command", key="b", branch=0, at_us=now_us, do={"do": "pause", "target": "n3"})
        first = mine.until("accepted", lambda message: message["key"] == "a")
        second = theirs.until("accepted", lambda message: message["key"] == "b")
        assert {first["seq"], second["seq"]} == {1, 2}


def test_a_viewer_watches_and_may_not_drive(stack: RunningStack, owner: Browser) -> None:
    code = owner.new_run()
    guest = Browser(stack.base_url)
    with guest.socket(code) as socket:
        assert socket.messages[0]["role"] == "viewer"
        refused = socket.command({"do": "kill", "target": "n2"}, key="k1")
        assert (refused["type"], refused["reason"], refused["offer"]) == ("refused", "viewer", "fork")
        socket.say("playhead", play=False)
        error = socket.until("error")
        assert (error["field"], error["status"]) == ("role", 403)


def test_the_shared_playhead_moves_for_everybody(stack: RunningStack, owner: Browser) -> None:
    code = owner.new_run()
    guest = Browser(stack.base_url)
    with owner.socket(code) as mine, guest.socket(code) as theirs:
        mine.say("playhead", play=False, to_us=3_000_000)
        head = theirs.until("playhead", lambda m: m["playhead"]["anchor_us"] == 3_000_000)["playhead"]
        assert not head["playing"]
        for socket in (mine, theirs):
            socket.frame(lambda header: header.t0_us <= 3_000_000 <= header.t1_us)
        mine.say("playhead", speed=0.5)
        assert theirs.until("playhead", lambda m: m["playhead"]["speed"] == 0.5)


def test_a_late_joiner_starts_at_the_playhead(stack: RunningStack, owner: Browser) -> None:
    code = owner.new_run()
    with owner.socket(code) as mine:
        mine.say("playhead", play=False, to_us=5_000_000)
        mine.frame(lambda header: header.t1_us >= 5_250_000)
        with Browser(stack.base_url).socket(code) as late:
            first = late.frame()
            assert first.t0_us <= 5_000_000 <= first.t1_us


def test_run_until_an_election_stops_there(owner: Browser) -> None:
    code = owner.new_run()
    with owner.socket(code) as socket:
        socket.say("playhead", play=False, to_us=4_500_000)
        socket.until("playhead", lambda m: m["playhead"]["anchor_us"] == 4_500_000)
        socket.say("until", condition="election")
        result = socket.until("until_result")
        assert result["found"], result
        assert result["at_us"] > 5_000_000  # the script kills the leader at 5 s
        head = owner.get(f"/api/runs/{code}").json()["playhead"]
        assert (head["anchor_us"], head["playing"]) == (result["at_us"], False)


def test_heartbeats_and_presence_tell_who_is_there(stack: RunningStack, owner: Browser) -> None:
    code = owner.new_run()
    with owner.socket(code) as mine, Browser(stack.base_url).socket(code):
        assert mine.until("presence", lambda m: m["viewers"] == 2)
        beat = mine.until("heartbeat", lambda m: m["viewers"] == 2)
        assert {"branch", "revision", "head_us", "playhead", "server_ms"} <= set(beat)


def test_presence_names_those_who_may_drive(stack: RunningStack, owner: Browser) -> None:
    assert owner.post("/api/name", {"name": " <b>安妮</b>\u202e\n Lee "}).json()["name"] == "<b>安妮</b> Lee"
    code = owner.new_run()
    guest = Browser(stack.base_url)
    with owner.socket(code) as mine, guest.socket(code) as theirs:
        me = {"id": mine.messages[0]["you"], "name": "<b>安妮</b> Lee"}
        theirs.until("presence", lambda m: m["viewers"] == 2 and m["drivers"] == [me])
        mine.say("name", name="Ann")
        theirs.until("presence", lambda m: m["drivers"] == [{**me, "name": "Ann"}])
        assert owner.post(f"/api/runs/{code}/share", {"open_control": True}).status == 200
        everybody = {me["id"], theirs.messages[0]["you"]}
        theirs.until("presence", lambda m: {driver["id"] for driver in m["drivers"]} == everybody)
    assert owner.get("/api/mine").json()["name"] == "<b>安妮</b> Lee"


def test_a_script_follows_one_node(owner: Browser) -> None:
    code = owner.new_run()
    with owner.socket(code) as socket:
        socket.frame()
        socket.say("follow", node="n3", on=True)
        message = socket.until("node")
        assert message["node"] == "n3"
        assert "role" in message["fields"]
        socket.say("follow", node="n9", on=True)
        error = socket.until("error")
        assert (error["field"], error["status"]) == ("node", 400)
        assert error["allowed"] == ["n1", "n2", "n3", "n4", "n5"]


def test_a_grant_gives_the_pen_and_revoking_takes_it_back(stack: RunningStack, owner: Browser) -> None:
    code = owner.new_run()
    guest = Browser(stack.base_url)
    grant = owner.post("/api/grants", {"run": code, "role": "controller"}).json()
    with guest.socket(code) as socket:
        assert guest.get(grant["url"]).status == 200
        assert socket.until("role")["role"] == "controller"
        assert socket.command({"do": "pause", "target": "n2"}, key="k1")["type"] == "accepted"
        assert owner.request("DELETE", f"/api/grants/{grant['id']}").status == 200
        assert socket.until("role")["role"] == "viewer"
        assert socket.command({"do": "resume", "target": "n2"}, key="k2")["reason"] == "viewer"
    assert Browser(stack.base_url).get(grant["url"]).status == 404


def test_who_polls_is_present_and_hears_what_everybody_is_told(owner: Browser) -> None:
    from tests.stack import wait_until

    code = owner.new_run()

    def poll(after: str = "") -> Any:
        return owner.get(f"/api/runs/{code}/poll?after={after}").json()

    owner.post(f"/api/runs/{code}/messages", {"type": "playhead", "play": False, "to_us": 4_500_000})
    before = poll()
    after = before["after"]
    assert before["searching"] is False
    owner.post(f"/api/runs/{code}/messages", {"type": "until", "condition": "election"})
    wait_until(lambda: poll(after)["messages"], "the answer to a search")
    told = poll(after)
    assert [message["type"] for message in told["messages"]] == ["until_result"]
    assert poll(told["after"])["messages"] == []
    assert poll()["messages"] == []
    assert poll()["viewers"] == 1
    with owner.socket(code) as socket:
        socket.until("presence", lambda m: m["viewers"] == 2)
    assert owner.get(f"/api/runs/{code}/poll?after=x").status == 400


def test_a_page_without_a_socket_polls(owner: Browser) -> None:
    code = owner.new_run()
    from tests.stack import wait_until

    wait_until(lambda: owner.get(f"/api/runs/{code}/poll").json()["head_us"] > 100_000, "frames by polling")
    answer = owner.get(f"/api/runs/{code}/range?from_us=0")
    frames = [wire.read_frame(item) for item in wire.split_frames(answer.body)]
    assert frames[0][0].t0_us == 0
    assert chained(frames)
    at_us = shown_us(owner.get(f"/api/runs/{code}/poll").json()["playhead"])
    message = {
        "type": "command",
        "key": "k",
        "branch": 0,
        "at_us": at_us,
        "do": {"do": "kill", "target": "n2"},
    }
    assert owner.post(f"/api/runs/{code}/messages", message).json()["messages"][0]["type"] == "accepted"


@pytest.mark.parametrize("at_us", [0, 1_500_000])
def test_a_link_to_a_run_that_nobody_opened_has_its_recording(owner: Browser, at_us: int) -> None:
    code = owner.new_run()
    slug = owner.post("/api/links", {"run": code, "branch": 0, "at_us": at_us}).json()["slug"]
    trace = owner.get(f"/api/links/{slug}").json()["trace"]
    assert (trace["from_us"], trace["complete"]) == (0, True)
    assert trace["to_us"] > 0
    assert trace["to_us"] >= at_us
    frames = [
        wire.read_frame(item)[0] for item in wire.split_frames(owner.get(f"/api/links/{slug}/range").body)
    ]
    assert (frames[0].t0_us, frames[-1].t1_us) == (0, trace["to_us"])
