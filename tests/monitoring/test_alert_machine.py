"""Any order of sights, acknowledgements, mutes, ends, clock jumps and deliveries keeps what alerts promise."""

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from volant.kernel.codec import decode
from volant.kernel.errors import IllegalTransitionError
from volant.monitoring.alert_model import Notice, NoticeKind, Severity
from volant.monitoring.alerts import Alerts
from volant.testing.clock import CountingIds, FakeClock
from volant.wiring.stores import memory_stores

MODELS, CAUSES = ("bikes", "cars"), ("performance", "labels late", "contract")
TARGETS = ("log", "slack:env:URL")
subjects = st.tuples(st.sampled_from(MODELS), st.sampled_from(CAUSES))


class AlertLife(RuleBasedStateMachine):
    """The model: open causes with their worst severity, how often seen, whether acknowledged; mutes, what they keep quiet and
    who heard of what; and all that should be told.
    """

    def __init__(self):
        super().__init__()
        self.clock = FakeClock()
        self.stores = memory_stores(self.clock, CountingIds())
        self.alerts = Alerts(self.stores.alerts, self.clock, CountingIds(), tx=self.stores.tx, events=self.stores.events, targets=TARGETS)
        self.standing = {}
        self.mutes = []
        self.quiet = set()
        self.heard = set()
        self.expected = []
        self.delivered = []

    @rule(subject=subjects, severity=st.sampled_from(Severity))
    def see(self, subject, severity):
        model, cause = subject
        alert = self.alerts.raise_(cause, severity=severity, sentence="x", facts={}, model=model)
        if subject not in self.standing:
            self.standing[subject] = [severity, 1, False]
            self.said(subject, alert.id, NoticeKind.RAISED)
            return
        known = self.standing[subject]
        known[1] += 1
        if severity.rank > known[0].rank:
            known[0], known[2] = severity, False
            self.said(subject, alert.id, NoticeKind.WORSENED)

    def said(self, subject, alert, kind):
        if self.held(subject):
            self.quiet.add(subject)
            return
        self.quiet.discard(subject)
        self.heard.add(alert)
        self.expected.append((alert, kind, self.standing[subject][0]))

    def held(self, subject):
        page = self.standing[subject][0] is Severity.CRITICAL
        now = self.clock.now()
        return any(subject == about and now < until and (pages or not page) for about, until, pages in self.mutes)

    @rule(subject=subjects, lasts=st.integers(1, 3_000_000_000), pages=st.booleans())
    def mute(self, subject, lasts, pages):
        model, cause = subject
        self.alerts.mute(model, self.clock.now() + lasts, "x", "ann", cause=cause, pages=pages)
        self.mutes.append((subject, self.clock.now() + lasts, pages))
        if subject in self.standing and self.held(subject):
            self.quiet.add(subject)

    @rule()
    def wake(self):
        due = {subject for subject in self.quiet if not self.held(subject)}
        assert self.alerts.wake() == len(due)
        for model, cause in due:
            alert = self.stores.alerts.open_cause(model, cause)
            self.said((model, cause), alert.id, NoticeKind.RETURNED if alert.id in self.heard else NoticeKind.RAISED)

    @rule(subject=subjects)
    def end(self, subject):
        model, cause = subject
        ended = self.alerts.resolve(cause, model=model)
        assert (ended is None) == (subject not in self.standing)
        if ended is not None:
            severity = self.standing.pop(subject)[0]
            self.quiet.discard(subject)
            if ended.id in self.heard:
                self.expected.append((ended.id, NoticeKind.RESOLVED, severity))

    @rule(subject=subjects)
    def acknowledge(self, subject):
        model, cause = subject
        found = next((one for one in self.alerts.all(model) if one.cause == cause), None)
        if found is None:
            return
        known = self.standing.get(subject)
        try:
            self.alerts.acknowledge(str(found.number), "ann", model=model)
        except IllegalTransitionError:
            assert known is None or known[2]
        else:
            assert not known[2]
            known[2] = True

    @rule(by=st.integers(-4_000_000_000, 4_000_000_000))
    def time_passes(self, by):
        self.clock.advance(by)

    @rule(taken=st.booleans())
    def deliver(self, taken):
        for one in self.stores.alerts.due(self.clock.now()):
            assert self.stores.alerts.claim(one, self.clock.now() + 60)
            assert not self.stores.alerts.claim(one, self.clock.now() + 60)
            if taken:
                self.stores.alerts.delivered(one.id, self.clock.now())
                notice = decode(one.notice, Notice)
                self.delivered.append((one.target, (notice.alert.id, notice.kind, notice.alert.severity)))
            else:
                self.stores.alerts.failed(one.id, "no", self.clock.now() + 1000)

    @invariant()
    def one_open_alert_for_each_standing_cause(self):
        found = {(one.model, one.cause): [one.severity, one.count, one.acknowledged_at is not None] for one in self.alerts.open()}
        assert found == self.standing
        assert len(self.alerts.open()) == len(self.standing)

    @invariant()
    def quiet_are_those_that_a_mute_keeps(self):
        assert {(one.model, one.cause) for one in self.alerts.open() if one.quiet} == self.quiet

    @invariant()
    def numbers_and_events_have_no_gaps(self):
        for model in MODELS:
            numbers = [one.number for one in self.alerts.all(model)]
            assert numbers == list(range(len(numbers), 0, -1))
            events = self.stores.events.read(f"alert/{model}")
            assert self.stores.alerts.last(model) == (len(numbers), len(events))

    @invariant()
    def every_change_is_told_to_every_target_once_and_in_order(self):
        for target in TARGETS:
            for alert in {name for name, _, _ in self.expected}:
                sent = [told for to, told in self.delivered if to == target and told[0] == alert]
                owed = [told for told in self.expected if told[0] == alert]
                assert sent == owed[: len(sent)]
                outbox = [one for one in self.stores.alerts.deliveries(alert) if one.target == target]
                assert len(outbox) == len(owed)
                assert sum(one.done_at is not None for one in outbox) == len(sent)


AlertLife.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
TestAlertLife = AlertLife.TestCase
