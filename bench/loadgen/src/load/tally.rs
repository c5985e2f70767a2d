//! What came of the requests.

use crate::histogram::Histogram;
use std::collections::BTreeMap;
use std::ops::Range;

pub struct Tally {
    /// Requests due in this range (nanoseconds from the start) are measured.
    pub window: Range<u64>,
    /// Answers of the whole run, warm-up included: what the server worked for.
    pub answered_in_all: u64,
    /// Answers that arrived in the window, whenever they were due.
    pub arrived: u64,
    /// Of the requests due in the window, from here on.
    pub answered: u64,
    pub failures: BTreeMap<String, u64>,
    /// No answer came until the end; their latency is the time they had waited by then.
    pub unanswered: u64,
    pub latency: Histogram,
    pub first_chunk: Histogram,
    pub gap: Histogram,
    pub bytes: u64,
    pub last_arrival: u64,
}

impl Tally {
    pub fn new(window: Range<u64>) -> Self {
        Tally {
            window,
            answered_in_all: 0,
            arrived: 0,
            answered: 0,
            failures: BTreeMap::new(),
            unanswered: 0,
            latency: Histogram::new(),
            first_chunk: Histogram::new(),
            gap: Histogram::new(),
            bytes: 0,
            last_arrival: 0,
        }
    }

    pub fn answer(&mut self, due: u64, now: u64, bytes: u64) {
        self.answered_in_all += 1;
        if self.window.contains(&now) {
            self.arrived += 1;
            self.last_arrival = now;
        }
        if self.window.contains(&due) {
            self.answered += 1;
            self.bytes += bytes;
            self.latency.add(now - due);
        }
    }

    /// `count` chunks arrived at once; `last` is when the ones before them did.
    pub fn chunks(&mut self, due: u64, last: Option<u64>, now: u64, count: u64) {
        if count == 0 || !self.window.contains(&due) {
            return;
        }
        match last {
            None => self.first_chunk.add(now - due),
            Some(last) => self.gap.add(now - last),
        }
        (1..count).for_each(|_| self.gap.add(0));
    }

    /// A refusal or a broken answer; its latency is not mixed with that of answers.
    pub fn failure(&mut self, due: u64, reason: &str) {
        if self.window.contains(&due) {
            *self.failures.entry(reason.to_string()).or_default() += 1;
        }
    }

    pub fn no_answer(&mut self, due: u64, now: u64) {
        if self.window.contains(&due) {
            self.unanswered += 1;
            self.latency.add(now.saturating_sub(due));
        }
    }

    pub fn failed(&self) -> u64 {
        self.failures.values().sum()
    }

    /// How long was measured: the window, or less of it when the last request came early.
    pub fn seconds(&self, all_requests_sent: bool) -> f64 {
        let end = if all_requests_sent { self.last_arrival.max(self.window.start) } else { self.window.end };
        (end - self.window.start) as f64 / 1e9
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_requests_due_in_the_window_are_measured() {
        let mut tally = Tally::new(100..200);
        tally.answer(99, 150, 7);
        tally.answer(100, 250, 7);
        tally.answer(199, 199, 7);
        tally.failure(200, "status 500");
        tally.failure(150, "status 500");
        tally.no_answer(120, 500);
        assert_eq!((tally.answered_in_all, tally.arrived, tally.answered, tally.bytes), (3, 2, 2, 14));
        assert_eq!((tally.failed(), tally.unanswered), (1, 1));
        assert_eq!((tally.latency.count(), tally.latency.max_ns()), (3, 380));
    }

    #[test]
    fn chunks_that_arrive_together_have_no_gap() {
        let mut tally = Tally::new(0..100);
        tally.chunks(10, None, 30, 2);
        tally.chunks(10, Some(30), 70, 3);
        assert_eq!((tally.first_chunk.count(), tally.first_chunk.max_ns()), (1, 20));
        assert_eq!((tally.gap.count(), tally.gap.max_ns(), tally.gap.mean_ns()), (4, 40, 10.0));
    }
}
