//! The loop: starts what is due, serves what is ready, ends in time.

use super::connection::{After, Connection};
use super::options::Plan;
use super::tally::Tally;
use crate::arrivals::Arrivals;
use crate::sys::{wake_on_time, Poller, Ready};
use crate::Failure;
use std::iter::Peekable;
use std::time::{Duration, Instant};

const BUFFER: usize = 256 * 1024;
const LONGEST_WAIT: Duration = Duration::from_millis(100);

/// Offers the load and counts what came of it. Err when the server cannot be reached.
pub fn run(plan: &Plan) -> Result<Tally, Failure> {
    wake_on_time()?;
    let mut run = Run::new(plan)?;
    let (mut ready, mut buffer) = (Vec::new(), vec![0; BUFFER]);
    loop {
        run.start_what_is_due()?;
        if run.is_over() {
            return Ok(run.finish());
        }
        let pause = run.pause();
        run.poller.wait(pause, &mut ready)?;
        for event in ready.drain(..) {
            run.serve(event, &mut buffer)?;
        }
    }
}

struct Run<'a> {
    plan: &'a Plan,
    origin: Instant,
    poller: Poller,
    connections: Vec<Connection>,
    free: Vec<usize>,
    /// None in a closed loop.
    arrivals: Option<Peekable<Arrivals>>,
    started: u64,
    sending_end: u64,
    tally: Tally,
}

impl<'a> Run<'a> {
    fn new(plan: &'a Plan) -> Result<Self, Failure> {
        let poller = Poller::new()?;
        let mut connections = Vec::with_capacity(plan.connections);
        for token in 0..plan.connections {
            let connection = Connection::open(plan.target.address)
                .map_err(|e| Failure::Run(format!("cannot connect to {}: {e}", plan.target.address)))?;
            poller.add(&connection.stream, token)?;
            connections.push(connection);
        }
        let warm_up = plan.warm_up.as_nanos() as u64;
        let sending_end = warm_up + plan.duration.as_nanos() as u64;
        Ok(Run {
            plan,
            origin: Instant::now(),
            poller,
            connections,
            free: (0..plan.connections).rev().collect(),
            arrivals: plan.rate.map(|rate| Arrivals::new(plan.spacing, rate, plan.seed).peekable()),
            started: 0,
            sending_end,
            tally: Tally::new(warm_up..sending_end),
        })
    }

    fn now(&self) -> u64 {
        self.origin.elapsed().as_nanos() as u64
    }

    /// The due time of the next request; None when there is none any more.
    fn next_due(&mut self) -> Option<u64> {
        if self.started >= self.plan.requests {
            return None;
        }
        let due = match &mut self.arrivals {
            Some(arrivals) => *arrivals.peek()?,
            None => self.now(),
        };
        (due < self.sending_end).then_some(due)
    }

    fn start_what_is_due(&mut self) -> Result<(), Failure> {
        while let (Some(token), Some(due)) = (self.free.last().copied(), self.next_due()) {
            if due > self.now() {
                break;
            }
            self.free.pop();
            self.pass_arrival();
            let connection = &mut self.connections[token];
            if let Err(e) = connection.start(due, &self.plan.request, self.plan.stream) {
                connection.fail(&e.to_string(), &mut self.tally);
                self.reconnect(token)?;
            } else if connection.unsent(&self.plan.request) {
                self.poller.await_output(&connection.stream, token, true)?;
            }
        }
        Ok(())
    }

    fn pass_arrival(&mut self) {
        self.started += 1;
        if let Some(arrivals) = &mut self.arrivals {
            arrivals.next();
        }
    }

    fn is_over(&mut self) -> bool {
        let all_answered = self.free.len() == self.connections.len();
        (all_answered && self.next_due().is_none())
            || self.now() >= self.sending_end + self.plan.drain.as_nanos() as u64
    }

    fn pause(&mut self) -> Duration {
        match self.next_due() {
            Some(due) if !self.free.is_empty() => {
                Duration::from_nanos(due.saturating_sub(self.now())).min(LONGEST_WAIT)
            }
            _ => LONGEST_WAIT,
        }
    }

    fn serve(&mut self, event: Ready, buffer: &mut [u8]) -> Result<(), Failure> {
        let (token, request) = (event.token, &self.plan.request);
        let connection = &mut self.connections[token];
        if event.writable {
            if let Err(e) = connection.send(request) {
                connection.fail(&e.to_string(), &mut self.tally);
                return self.reconnect(token);
            }
            if !connection.unsent(request) {
                self.poller.await_output(&connection.stream, token, false)?;
            }
        }
        if event.readable {
            let origin = self.origin;
            match connection.receive(buffer, || origin.elapsed().as_nanos() as u64, &mut self.tally) {
                After::Wait => {}
                After::Free => self.free.push(token),
                After::Reconnect => self.reconnect(token)?,
            }
        }
        Ok(())
    }

    /// Replaces a connection that ended; the new one is free.
    fn reconnect(&mut self, token: usize) -> Result<(), Failure> {
        let connection = Connection::open(self.plan.target.address)
            .map_err(|e| Failure::Run(format!("cannot connect to {} again: {e}", self.plan.target.address)))?;
        self.poller.add(&connection.stream, token)?;
        self.connections[token] = connection;
        if !self.free.contains(&token) {
            self.free.push(token);
        }
        Ok(())
    }

    /// Requests without an answer, sent or not, count with the time they have waited.
    fn finish(mut self) -> Tally {
        let now = self.now();
        for due in self.connections.iter().filter_map(Connection::due) {
            self.tally.no_answer(due, now);
        }
        while let (Some(due), true) = (self.next_due(), self.arrivals.is_some()) {
            self.tally.no_answer(due, now);
            self.pass_arrival();
        }
        self.tally
    }
}
