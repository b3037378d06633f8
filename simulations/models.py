"""What is kept for good: experiments, runs with their branches and commands, grants, saved links.

Chunks, checkpoints, leases and everything else in Valkey can be thrown away and is rebuilt from these rows.
"""

from __future__ import annotations

from django.db import models

from simulations.sweeps_models import Shrink, Sweep, SweepBatch

__all__ = [
    "Branch",
    "Command",
    "Experiment",
    "Grant",
    "LinkTrace",
    "Run",
    "SavedLink",
    "Shrink",
    "Sweep",
    "SweepBatch",
]

ROLES = ("owner", "controller", "viewer")


class Experiment(models.Model):
    """One recipe in its normal form. Never changed: editing makes another row.

    `plain` is the canonical JSON text, `fingerprint` its hash (32 hex digits).
    """

    fingerprint = models.CharField(max_length=64, unique=True)
    name = models.CharField(max_length=120)
    plain = models.TextField()
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.name} {self.fingerprint[:8]}"


class Run(models.Model):
    """One live execution. `fence` is the fencing token: the owner of the run's lease holds its current value.

    `playhead` is live.playhead.Playhead as JSON; `open_control`: everybody who comes may drive; `pinned`:
    computed to its end and kept; `origin`: {run, branch, at_us} or {link} of a fork.
    """

    code = models.CharField(max_length=8, unique=True)
    experiment = models.ForeignKey(Experiment, on_delete=models.PROTECT, related_name="runs")
    seed = models.BigIntegerField()
    engine = models.PositiveIntegerField()
    title = models.CharField(max_length=200, blank=True)
    owner = models.CharField(max_length=40, db_index=True)
    fence = models.PositiveBigIntegerField(default=0)
    playhead = models.JSONField()
    stop_us = models.BigIntegerField()
    open_control = models.BooleanField(default=False)
    pinned = models.BooleanField(default=False)
    origin = models.JSONField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    visited_at = models.DateTimeField(auto_now_add=True, db_index=True)

    def __str__(self) -> str:
        return self.code


class Branch(models.Model):
    """A line of commands that left its parent at `fork_us`.

    `number` counts within the run, `revision` rises with every command, `played_us` is the furthest the
    shared playhead was when it was last anchored here, `key` the idempotency key of what made it; `experiment`
    is the run's with another fault script, None where it follows the run's own.
    """

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="branches")
    number = models.PositiveIntegerField()
    parent = models.PositiveIntegerField(null=True)
    fork_us = models.BigIntegerField(default=0)
    revision = models.PositiveIntegerField(default=0)
    played_us = models.BigIntegerField(default=0)
    title = models.CharField(max_length=200, blank=True)
    key = models.CharField(max_length=64, blank=True)
    experiment = models.ForeignKey(Experiment, on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "number"], name="branch_number")]

    def __str__(self) -> str:
        return f"{self.run_id}/{self.number}"


class Command(models.Model):
    """One thing a person did, on every branch that contains it.

    A branch holds its whole line: one that starts from another copies the rows it keeps. `seq` numbers the
    commands of a line; `key` is the sender's idempotency key, empty on copies; `refused` says why the
    command did not take part.
    """

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="commands")
    branch = models.ForeignKey(Branch, on_delete=models.CASCADE, related_name="commands")
    seq = models.PositiveIntegerField()
    at_us = models.BigIntegerField()
    do = models.JSONField()
    by = models.CharField(max_length=40, blank=True)
    key = models.CharField(max_length=64, blank=True)
    refused = models.JSONField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["branch", "seq"], name="command_seq"),
            models.UniqueConstraint(fields=["run", "key"], condition=~models.Q(key=""), name="command_key"),
        ]

    def __str__(self) -> str:
        return f"{self.branch_id}#{self.seq}"


class Grant(models.Model):
    """Who may what in a run. `holder` is empty until the one-time token (kept as a hash) is exchanged."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="grants")
    role = models.CharField(max_length=12, choices=[(role, role) for role in ROLES])
    holder = models.CharField(max_length=40, blank=True, db_index=True)
    token_hash = models.CharField(max_length=64, blank=True, db_index=True)
    expires_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.run_id} {self.role} {self.holder}"


class SavedLink(models.Model):
    """A moment to send to somebody: the recipe with all branches and, in LinkTrace, what was shown.

    `recipe`: {branches: [{number, parent, fork_us, title, commands}]}. `digest` is the trace digest at
    `digest_us` when it was saved; `reproduces` what the engine `checked_engine` made of it (None: not tried
    yet).
    """

    slug = models.CharField(max_length=16, unique=True)
    title = models.CharField(max_length=200)
    experiment = models.ForeignKey(Experiment, on_delete=models.PROTECT, related_name="links")
    run_code = models.CharField(max_length=8, blank=True)
    seed = models.BigIntegerField()
    engine = models.PositiveIntegerField()
    recipe = models.JSONField()
    branch = models.PositiveIntegerField()
    at_us = models.BigIntegerField()
    stop_us = models.BigIntegerField()
    owner = models.CharField(max_length=40, db_index=True)
    digest = models.CharField(max_length=64, blank=True)
    digest_us = models.BigIntegerField(default=0)
    reproduces = models.BooleanField(null=True)
    checked_engine = models.PositiveIntegerField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.slug


class LinkTrace(models.Model):
    """The recorded frames of a saved link, apart from its row so that lists never load them.

    `frames` is a range (docs/protocol.md) of complete frames from `from_us` to `to_us`; `complete`: from
    the start.
    """

    link = models.OneToOneField(SavedLink, on_delete=models.CASCADE, related_name="trace")
    frames = models.BinaryField()
    from_us = models.BigIntegerField(default=0)
    to_us = models.BigIntegerField(default=0)
    complete = models.BooleanField(default=True)

    def __str__(self) -> str:
        return f"trace of {self.link_id}"
