"""A rollout's decisions made once more, one by one, by the rules that made them: on the counts and losses that were kept with
them, and the counts held against the prediction log, sealed or not. Reads only.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from volant.deployments import history, rules
from volant.deployments.arms import CANARY, CHAMPION, SHADOW
from volant.deployments.history import Observed, Said, Scored, Started, Weighed
from volant.deployments.model import End, Rollout
from volant.kernel.clock import SECOND_US
from volant.kernel.codec import decode
from volant.kernel.errors import VolantError
from volant.kernel.events import Event, NewEvent
from volant.loop.ledger import Entries
from volant.loop.ledger import stream_of as loop_stream
from volant.loop.retraced import Difference, Kind, Retraced
from volant.loop.retracing import LOG, STORED, differences
from volant.loop.setting import Ports
from volant.registry import rules as registry

if TYPE_CHECKING:
    import polars as pl

Promises = Callable[[int], tuple[int | None, ...]]
"""Time limits in microseconds that the gates may have promised when a version was rolled out."""

SLACK_US = 2 * SECOND_US  # a line is stamped before it is written, and written before it is counted
DECIDING = {
    history.STARTED,
    history.BEGAN,
    history.HELD,
    history.UNDECIDED,
    history.PROMOTED,
    history.ROLLED_BACK,
    history.REFUSED,
}
_BEGINNING = {history.STARTED, history.OBSERVED, history.WEIGHED, history.SCORED, history.CRASHED, history.APPROVED}
_ENDED_BY_WORKER = "The worker ended before the answer came."


def retraced_rollouts(ports: Ports, model: str, promises: Promises) -> tuple[Retraced, ...]:
    """All decisions of ``rollout/NAME``, in order. What was only kept, and what a person said, is checked to lead to no other."""
    state = Rollout(model=model)
    found: list[Retraced] = []
    log = _Log(ports, model)
    for events in transactions(ports.events.read(history.stream_of(model))):
        found += _retraced(ports, state, events, promises, log)
        state = history.replayed(model, events, state)
    return tuple(found)


def transactions(events: Sequence[Event]) -> Iterator[tuple[Event, ...]]:
    """Events that were kept together: a fact and what it led to, by one actor at one instant. Time may stand still."""
    together: list[Event] = []
    for event in events:
        if together and (event.kind in _BEGINNING or (event.recorded_at, event.actor) != (together[0].recorded_at, together[0].actor)):
            yield tuple(together)
            together = []
        together.append(event)
    if together:
        yield tuple(together)


def _retraced(ports: Ports, before: Rollout, events: tuple[Event, ...], promises: Promises, log: "_Log") -> Iterator[Retraced]:
    """The decision that a transaction kept, if it kept one; else only what differs."""
    telling = next((event for event in reversed(events) if event.kind in DECIDING), events[-1])
    after = history.replayed(before.model, events, before)
    expected, note = _made_again(ports, before, events, promises)
    found = () if expected is None else tuple(_compared(events, expected))
    found += tuple(log.against(before, events))
    if telling.kind not in DECIDING and not found:
        return
    yield Retraced(
        id=telling.id,
        kind=Kind.ROLLOUT,
        at=telling.recorded_at,
        action=telling.kind,
        version=after.candidate,
        sentence=after.sentence or f"{after.model}@{after.candidate}: {telling.kind.replace('_', ' ')}",
        checked=expected is not None,
        note=note,
        differences=found,
    )


Expected = Sequence[NewEvent] | None


def _made_again(ports: Ports, before: Rollout, events: tuple[Event, ...], promises: Promises) -> tuple[Expected, str | None]:
    """What the rules say on the state before and what came in; None with the reason where it was a person's or a process's word."""
    first = events[0]
    paused = Entries(_until(ports, loop_stream(before.model), first)).paused() is not None
    if first.kind == history.OBSERVED:
        return _observed(before, events, promises(before.candidate), paused=paused), None
    if first.kind in _ON_FACTS:
        return _ON_FACTS[first.kind](before, first, paused), None
    if first.kind == history.APPROVED and events[-1].kind != history.PROMOTED:
        said = decode(first.data, Said)
        return rules.approve(before, said.at, actor=said.actor or "", reason=said.reason or "", override=said.override), None
    looked = rules.look(before, _instant(first), paused=paused)
    if first.kind in _BY_LOOKING or [event.data for event in looked] == [event.data for event in events]:
        return looked, None
    return _ended_alone(ports, before, first)


def _started(before: Rollout, event: Event, _paused: bool) -> Sequence[NewEvent]:
    found = decode(event.data, Started)
    return rules.start(before, found.start, found.at)


def _weighed(before: Rollout, event: Event, paused: bool) -> Sequence[NewEvent]:
    found = decode(event.data, Weighed)
    return rules.weigh(before, found.losses, found.at, paused=paused)


def _scored(before: Rollout, event: Event, _paused: bool) -> Sequence[NewEvent]:
    found = decode(event.data, Scored)
    return rules.scored(before, found.epoch, found.batch, found.counts, found.at)


def _crashed(before: Rollout, event: Event, _paused: bool) -> Sequence[NewEvent]:
    found = decode(event.data, Said)
    return rules.crashed(before, found.at, found=found.sentence)


_ON_FACTS: dict[str, Callable[[Rollout, Event, bool], Sequence[NewEvent]]] = {
    history.STARTED: _started,
    history.WEIGHED: _weighed,
    history.SCORED: _scored,
    history.CRASHED: _crashed,
}
_BY_LOOKING = frozenset({history.BEGAN, history.HELD, history.UNDECIDED})


def _observed(before: Rollout, events: tuple[Event, ...], promised: tuple[int | None, ...], *, paused: bool) -> Sequence[NewEvent]:
    """By the promise that gives what was decided, if one does. Counts that led to nothing are only kept."""
    at, tally = _instant(events[0]), decode(events[0].data, Observed).tally
    made: Sequence[NewEvent] = ()
    for limit in promised:
        made = rules.observe(before, tally, at, promised_us=limit, paused=paused) or rules.kept(before, tally, at)
        if [event.data for event in made] == [event.data for event in events]:
            break
    return made


def _ended_alone(ports: Ports, before: Rollout, event: Event) -> tuple[Expected, str | None]:
    said = decode(event.data, Said)
    if said.end is End.OVERTAKEN:
        state = registry.replayed(before.model, tuple(_until(ports, registry.stream_of(before.model), event)))
        return rules.overtaken(before, state.champion, said.at), None
    if said.end is End.HARM:
        return [], None
    if said.end is End.UNFIT:
        return None, "it could not run beside the champion, or was rejected meanwhile"
    return None, f"a person's word: {event.actor}"


def _compared(events: Sequence[Event], expected: Sequence[NewEvent]) -> Iterator[Difference]:
    """Kind by kind and figure by figure."""
    kinds, made = [event.kind for event in events], [event.kind for event in expected]
    if kinds != made:
        yield Difference(where=STORED, figure="decision", then=", ".join(kinds), now=", ".join(made) or "nothing")
        return
    for event, other in zip(events, expected, strict=True):
        then, now = (msgspec.json.decode(data) for data in (event.data, other.data))
        yield from differences(STORED, then, now, event.kind)


def _instant(event: Event) -> int:
    return int(decode(event.data, dict[str, Any])["at"])


def _until(ports: Ports, stream: str, event: Event) -> list[Event]:
    """What had been appended to another stream by then."""
    return [other for other in ports.events.read(stream) if other.recorded_at <= event.recorded_at]


class _Log:
    """What the prediction log says of rollouts, read once."""

    def __init__(self, ports: Ports, model: str) -> None:
        self._ports = ports
        self._model = model
        self._lines: pl.DataFrame | None = None

    def against(self, before: Rollout, events: Sequence[Event]) -> Iterator[Difference]:
        """Counts that were kept, held against the lines of that time: between those surely written and those just being so."""
        for event in events:
            if event.kind != history.OBSERVED:
                continue
            seen = decode(event.data, Observed)
            try:
                most, least = self._counted(before.id, seen.at), self._counted(before.id, seen.at - SLACK_US, surely=True)
            except VolantError as error:
                yield Difference(where=LOG, figure="log", then="counted", now=f"cannot be read: {error}")
                return
            for epoch, counts in seen.tally.epochs.items():
                for arm, found in (("champion", counts.champion), ("candidate", counts.candidate)):
                    for name, value in (("rows", found.rows), ("requests", found.requests), ("errors", found.errors)):
                        place = (int(epoch), arm, name)
                        if not least[place] <= value <= most[place]:
                            now = most[place] if value > most[place] else least[place]
                            yield Difference(where=LOG, figure=f"{arm} {name}, epoch {epoch}", then=value, now=now)

    def _counted(self, rollout: str, until: int, *, surely: bool = False) -> Counter[tuple[int, str, str]]:
        """(epoch, arm, what) -> how many. ``surely``: without what nobody could count at once."""
        import polars as pl

        if self._lines is None:
            needed = ("prediction_id", "at", "arm", "outcome", "error", "rollout", "rollout_epoch", "assigned")
            self._lines = self._ports.predictions.table(self._model).select(needed).filter(pl.col("rollout").is_not_null())
        lines = self._lines.filter((pl.col("rollout") == rollout) & (pl.col("at") <= until))
        if surely:
            lines = lines.filter(pl.col("error").fill_null("") != _ENDED_BY_WORKER)
        request = pl.col("prediction_id").str.extract(r"^(.*)\.\d+$").fill_null(pl.col("prediction_id"))
        grouped = lines.with_columns(request.alias("request")).group_by("rollout_epoch", "arm", "assigned")
        sums = grouped.agg(
            pl.len().alias("rows"),
            pl.col("request").n_unique().alias("requests"),
            pl.col("request").filter(pl.col("outcome") != "ok").n_unique().alias("errors"),
        )
        found: Counter[tuple[int, str, str]] = Counter()
        for line in sums.iter_rows(named=True):
            for arm in _arms(line["arm"], line["assigned"]):
                for name in ("rows", "requests", "errors"):
                    found[int(line["rollout_epoch"]), arm, name] += int(line[name])
        return found if surely else found + self._unanswered(rollout, until)

    def _unanswered(self, rollout: str, until: int) -> Counter[tuple[int, str, str]]:
        """Attempts whose worker may have died: counted as errors once it is known."""
        found: Counter[tuple[int, str, str]] = Counter()
        for attempt in self._ports.predictions.unanswered(self._model):
            trial = attempt.trial
            if trial is not None and trial.rollout == rollout and attempt.at <= until:
                for name, count in (("rows", trial.rows), ("requests", 1), ("errors", 1)):
                    found[trial.epoch, "candidate", name] += count
        return found


def _arms(arm: str, assigned: str | None) -> tuple[str, ...]:
    """Whose a line is."""
    if arm in {CANARY, SHADOW}:
        return ("candidate",)
    return ("champion",) if arm == CHAMPION and assigned is None else ()
