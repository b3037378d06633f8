"""Rows of sweeps and of searches for the smallest failing case. Imported by models.py."""

from __future__ import annotations

from django.db import models


class Sweep(models.Model):
    """One experiment over many runs. `plan` is sweeps.plan.Plan as JSON; `reference` and `settings` name the
    experiment on a command line.

    `state`: running | cancelled | done. `generation` rises with every start and cancel: tasks of an older one
    do nothing. `result`: the final summary. `elapsed_s`: wall time of the stretches of work that are over,
    `done_before` the runs done in them.
    """

    code = models.CharField(max_length=8, unique=True)
    experiment = models.ForeignKey("simulations.Experiment", on_delete=models.PROTECT, related_name="sweeps")
    reference = models.CharField(max_length=200)
    settings = models.JSONField(default=dict)
    plan = models.JSONField()
    engine = models.PositiveIntegerField()
    owner = models.CharField(max_length=40, db_index=True)
    state = models.CharField(max_length=12, default="running")
    generation = models.PositiveIntegerField(default=1)
    runs = models.PositiveIntegerField()
    result = models.JSONField(null=True)
    done_before = models.PositiveIntegerField(default=0)
    elapsed_s = models.FloatField(default=0)
    started_at = models.DateTimeField()
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.code


class SweepBatch(models.Model):
    """Runs [start, stop) of a sweep. `state`: waiting | done | quarantined; `data`: sweeps.parts.Part when done.

    `attempts` counts how often a worker began; a batch that takes its worker down three times is quarantined.
    A batch that turns out too long is cut: it keeps what is done, and the rest becomes batches of its own.
    """

    sweep = models.ForeignKey(Sweep, on_delete=models.CASCADE, related_name="batches")
    start = models.PositiveIntegerField()
    stop = models.PositiveIntegerField()
    state = models.CharField(max_length=12, default="waiting")
    attempts = models.PositiveIntegerField(default=0)
    data = models.BinaryField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["sweep", "start"], name="sweep_batch")]

    def __str__(self) -> str:
        return f"{self.sweep_id} {self.start}..{self.stop}"


class Shrink(models.Model):
    """A search for the fewest faults that still fail a check. `memo`: what was tried and came out.

    `state`: running | cancelled | done | failed; `progress`: {tests, lines, ...}; `result`: {experiment, seed,
    check, faults, from_faults, tests, minimal, at_us, run} of the smallest case found so far.
    """

    code = models.CharField(max_length=8, unique=True)
    experiment = models.ForeignKey("simulations.Experiment", on_delete=models.PROTECT, related_name="shrinks")
    seed = models.BigIntegerField()
    commands = models.JSONField(default=list)
    check_name = models.CharField(max_length=300)
    owner = models.CharField(max_length=40, db_index=True)
    state = models.CharField(max_length=12, default="running")
    generation = models.PositiveIntegerField(default=1)
    memo = models.JSONField(default=dict)
    progress = models.JSONField(default=dict)
    result = models.JSONField(null=True)
    error = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.code
