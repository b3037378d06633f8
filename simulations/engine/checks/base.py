"""What a check is: an observer that judges a run from outside, and its verdict.

The harness calls ``changed`` after an event only when the watched tuple of the touched process differs;
the other hooks tell what no process can know of itself. A check reads processes and never changes them. Its
fields are plain data, so that its state lies in the checkpoint and forks with the world; per-entry history
belongs in ``Chunks``, whose full chunks are shared between forks.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from simulations.engine.checks.history import Operation
from simulations.engine.process import Process

if TYPE_CHECKING:
    from simulations.engine.ledger import Ledger

HOLDS, VIOLATED, UNKNOWN = "holds", "violated", "unknown"

Moment = tuple[int, int]
"""(time, event); an event below 0 is a command (see kernel.py)."""
BEGINNING: Moment = (0, 0)


class Verdict(msgspec.Struct, frozen=True):
    """What a check says of the trace so far.

    ``verdict``: holds | violated | unknown; ``judged``: how many facts it judged (0: it says unknown);
    ``event``, ``at_us``: the event that decides a violation; ``message``: id of a sentence, with ``values``.
    """

    name: str
    verdict: str
    judged: int = 0
    event: int | None = None
    at_us: int | None = None
    message: str = ""
    values: dict[str, Any] = {}


class NoOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A check that takes no arguments."""


class Check(msgspec.Struct):
    """Base of every check. The first violation sticks.

    ``process_index``: position of the process in the world, the same for the whole run; ``before`` and
    ``after``: its watched attributes, in the order of ``watched``.
    """

    name: ClassVar[str] = ""
    watches: ClassVar[tuple[int, ...] | None] = None
    """Positions of the watched attributes that ``changed`` is called for; None: all."""
    options: ClassVar[type[msgspec.Struct]] = NoOptions
    """The arguments that an experiment may give to it."""
    speaks: ClassVar[bool] = False
    """Whether it tells of what no process can know yet: it leaves (note id, values) in ``said``, for the trace."""
    judged: int = 0
    violation: Verdict | None = None
    said: list[tuple[str, dict[str, Any]]] = []

    @classmethod
    def made(cls, arguments: Mapping[str, Any]) -> Check:
        """A new check with an experiment's arguments. Raises msgspec.ValidationError, which names the field."""
        check = cls()
        if arguments:
            check.configure(msgspec.convert(arguments, cls.options))
        return check

    def configure(self, options: Any) -> None:
        """Take over the arguments, before anything happened."""

    def watches_of(self, process: Any) -> tuple[int, ...] | None:
        """``watches``, as far as this process with its parameters needs to be looked at."""
        return self.watches

    def changed(
        self,
        at_us: int,
        event: int,
        process_index: int,
        before: tuple[Any, ...],
        after: tuple[Any, ...],
        process: Any,
    ) -> None:
        """A watched attribute of the process changed in this event."""

    def crashed(self, at_us: int, event: int, process_index: int) -> None:
        """The process died: its memory is gone."""

    def restarted(self, at_us: int, event: int, process_index: int) -> None:
        """The process began a new life."""

    def began(self, at_us: int, event: int, process_index: int, process: Any) -> None:
        """The process began a life, its first one included; it has read nothing of its disk yet."""

    def parameters_changed(self, process: Any) -> None:
        """The process has other parameters from now on, and has done nothing with them yet."""

    def invoked(self, at_us: int, event: int, operation: Operation) -> None:
        """A client started an operation (history.Operation: id, client, kind, key, argument)."""

    def completed(self, at_us: int, event: int, operation: Operation) -> None:
        """A client learned how its operation ended: ``operation.outcome`` is ok | fail | unknown."""

    def look(self, at_us: int, event: int, running: Mapping[int, Process]) -> None:
        """Read the processes that run now (by process index). Called before ``verdict`` is asked for."""

    def verdict(self) -> Verdict:
        """The verdict on everything seen so far."""
        if self.violation is not None:
            return self.violation
        return Verdict(self.name, HOLDS if self.judged else UNKNOWN, self.judged)

    def final(self, ledger: Ledger) -> Verdict:
        """The verdict when the run is over and there is time for a second look at what was left open."""
        return self.verdict()

    def violate(self, at_us: int, event: int, message: str, **values: Any) -> None:
        """Record a violation; only the first one counts."""
        if self.violation is None:
            self.violation = Verdict(self.name, VIOLATED, self.judged, event, at_us, message, values)

    def fork(self) -> Check:
        """An independent copy; immutable parts and full chunks are shared."""
        return type(self)(*[fork_value(getattr(self, name)) for name in self.__struct_fields__])


def fork_value(value: Any) -> Any:
    """Copy one field of a check: containers one level deep, a ``Log`` or ``Chunks`` by its own fork."""
    if isinstance(value, (list, dict, set)):
        return value.copy()
    fork = getattr(value, "fork", None)
    return fork() if fork else value
