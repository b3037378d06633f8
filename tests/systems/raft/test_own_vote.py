"""RequestVote leaves while the candidate's own vote is being written; that vote counts when it is on the disk."""

from __future__ import annotations

from simulations.engine.systems.raft.messages import AppendEntries, RequestVote
from tests.systems.raft.helpers import entries, group, vote
from tests.systems.recording import Group


def campaign(cluster: Group) -> None:
    """n1, whose disk takes its time, begins an election."""
    cluster.contexts["n1"].instant = False
    cluster.fire("n1", "election")


def asked(cluster: Group) -> list[str]:
    """Whom n1 has sent RequestVote since the last look."""
    return [to for to, message in cluster.contexts["n1"].take() if isinstance(message, RequestVote)]


def test_the_question_leaves_at_once() -> None:
    cluster = group(3)
    campaign(cluster)
    assert asked(cluster) == ["n2", "n3"]
    assert cluster.processes["n1"].votes == {}


def test_nobody_leads_before_the_own_vote_is_durable() -> None:
    cluster = group(5)
    campaign(cluster)
    for voter in ("n2", "n3", "n4"):
        cluster.receive("n1", voter, vote(1))
    assert cluster.processes["n1"].role == "candidate"
    cluster.flush("n1")
    assert cluster.processes["n1"].role == "leader"


def test_an_earlier_write_is_not_the_own_vote() -> None:
    cluster = group(3)
    cluster.contexts["n1"].instant = False
    cluster.receive("n1", "n2", AppendEntries(1, 0, 0, entries(1), 0, 1))
    earlier = cluster.contexts["n1"].written
    cluster.fire("n1", "election")
    cluster.processes["n1"].on_durable(earlier)
    assert cluster.processes["n1"].votes == {}
    cluster.flush("n1")
    assert cluster.processes["n1"].votes == {"n1": True}


def test_a_single_server_leads_when_its_vote_is_durable() -> None:
    cluster = group(1)
    campaign(cluster)
    assert cluster.processes["n1"].role == "candidate"
    cluster.flush("n1")
    assert cluster.processes["n1"].role == "leader"


def test_the_question_waits_while_the_log_it_speaks_of_is_not_durable() -> None:
    """A crash could take the end of the log; the same term could then be won again with votes for the longer log."""
    cluster = group(3)
    cluster.contexts["n1"].instant = False
    cluster.receive("n1", "n2", AppendEntries(1, 0, 0, entries(1, 1), 0, 1))
    cluster.contexts["n1"].take()
    cluster.fire("n1", "election")
    assert asked(cluster) == []
    cluster.flush("n1")
    assert asked(cluster) == ["n2", "n3"]


def test_a_vote_of_an_older_campaign_is_not_counted_for_a_newer_one() -> None:
    cluster = group(3)
    campaign(cluster)
    cluster.fire("n1", "election")
    cluster.flush("n1")
    assert (cluster.processes["n1"].term, cluster.processes["n1"].votes) == (2, {"n1": True})
    cluster.receive("n1", "n2", vote(1))
    assert cluster.processes["n1"].role == "candidate"


def test_the_question_waits_for_the_entries_that_took_the_place_of_others() -> None:
    cluster = group(3, logs={"n1": [1, 1]})
    cluster.contexts["n1"].instant = False
    cluster.receive("n1", "n2", AppendEntries(2, 1, 1, entries(2), 0, 1))
    cluster.contexts["n1"].take()
    cluster.fire("n1", "election")
    assert asked(cluster) == []
    cluster.flush("n1")
    assert asked(cluster) == ["n2", "n3"]
