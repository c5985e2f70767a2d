from math import inf

from hypothesis import given
from hypothesis import strategies as st

from t0.timers import TimerWheel

TICK_S = 0.02


class Loop:
    """A loop whose time is moved by hand. `armed` counts the timers it was asked for."""

    def __init__(self):
        self.now_s, self.armed, self._timers = 0.0, 0, []

    def time(self):
        return self.now_s

    def call_at(self, when_s, callback):
        self.armed += 1
        timer = Timer(when_s, callback)
        self._timers.append(timer)
        return timer

    def advance_to(self, now_s):
        while due := [t for t in self._timers if not t.cancelled and t.when_s <= now_s]:
            timer = min(due, key=lambda t: t.when_s)
            self._timers.remove(timer)
            self.now_s = timer.when_s
            timer.callback()
        self.now_s = now_s

    @property
    def waiting(self):
        return sum(not t.cancelled for t in self._timers)


class Timer:
    def __init__(self, when_s, callback):
        self.when_s, self.callback, self.cancelled = when_s, callback, False

    def when(self):
        return self.when_s

    def cancel(self):
        self.cancelled = True


class Item:
    """Is due at `due_s`, which may change; keeps the time at which it acted."""

    def __init__(self, due_s):
        self.due_s, self.acted_s, self.asked, self.checked_s = due_s, None, 0, inf

    def on_timer(self, now_s):
        self.asked += 1
        if self.due_s > now_s:
            return self.due_s
        self.acted_s = now_s
        return inf


def test_an_item_acts_at_its_time():
    loop = Loop()
    wheel, item = TimerWheel(loop, TICK_S), Item(0.5)
    wheel.schedule(item, 0.5)
    loop.advance_to(0.49)
    assert item.acted_s is None
    loop.advance_to(0.53)
    assert item.acted_s is not None
    assert loop.waiting == 0


def test_a_time_that_moves_away_costs_nothing_until_the_first_time_has_come():
    loop = Loop()
    wheel, item = TimerWheel(loop, TICK_S), Item(1.0)
    wheel.schedule(item, 1.0)
    for request in range(1, 100):
        item.due_s = 1.0 + request / 100
        wheel.schedule(item, item.due_s)
    assert loop.armed == 1
    loop.advance_to(1.5)
    assert (item.asked, item.acted_s) == (1, None)
    loop.advance_to(2.1)
    assert (item.asked, item.acted_s is None) == (2, False)


def test_a_nearer_time_is_kept():
    loop = Loop()
    wheel, item = TimerWheel(loop, TICK_S), Item(900.0)
    wheel.schedule(item, 900.0)
    item.due_s = 0.1
    wheel.schedule(item, 0.1)
    loop.advance_to(0.2)
    assert item.acted_s is not None
    loop.advance_to(1000.0)
    assert item.asked == 1


def test_a_discarded_item_is_not_asked():
    loop = Loop()
    wheel, item = TimerWheel(loop, TICK_S), Item(0.1)
    wheel.schedule(item, 0.1)
    wheel.discard(item)
    wheel.discard(item)
    loop.advance_to(1.0)
    assert (item.asked, item.checked_s) == (0, inf)


def test_an_item_may_be_discarded_by_another_of_its_tick():
    loop = Loop()
    wheel = TimerWheel(loop, TICK_S)

    class Discarding(Item):
        def on_timer(self, now_s):
            for other in items:
                wheel.discard(other)
            return super().on_timer(now_s)

    items = [Discarding(0.1), Discarding(0.1)]
    for item in items:
        wheel.schedule(item, 0.1)
    loop.advance_to(1.0)
    assert sorted(item.asked for item in items) == [0, 1]


def test_a_closed_wheel_leaves_no_timer():
    loop = Loop()
    wheel = TimerWheel(loop, TICK_S)
    wheel.schedule(Item(0.1), 0.1)
    wheel.close()
    assert loop.waiting == 0


@given(st.lists(st.floats(0.001, 50.0), min_size=1, max_size=30))
def test_every_item_acts_within_a_tick_of_its_time(times):
    loop = Loop()
    wheel, items = TimerWheel(loop, TICK_S), [Item(due_s) for due_s in times]
    for item in items:
        wheel.schedule(item, item.due_s)
    loop.advance_to(60.0)
    assert all(0 <= item.acted_s - item.due_s <= TICK_S + 1e-9 for item in items)
    assert loop.waiting == 0
