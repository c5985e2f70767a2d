//! The mock's event loop, one per thread.

use super::connection::{Connection, Wish};
use super::options::Plan;
use crate::random::Random;
use crate::sys::{wake_on_time, Poller, Ready};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;
use std::net::TcpListener;
use std::time::{Duration, Instant};

const BUFFER: usize = 256 * 1024;
const LISTENER: usize = usize::MAX;
const LONGEST_WAIT: Duration = Duration::from_millis(100);

/// Serves until `end`. Err only for what concerns the thread as a whole.
pub fn run(listener: &TcpListener, plan: &Plan, seed: u64, end: Instant) -> io::Result<()> {
    wake_on_time()?;
    let mut server = Server {
        plan,
        poller: Poller::new()?,
        connections: Vec::new(),
        vacant: Vec::new(),
        timers: BinaryHeap::new(),
        made: 0,
        random: Random::new(seed),
    };
    server.poller.add(listener, LISTENER)?;
    let (mut ready, mut buffer) = (Vec::new(), vec![0; BUFFER]);
    while Instant::now() < end {
        server.poller.wait(server.pause(), &mut ready)?;
        for event in ready.drain(..) {
            if event.token == LISTENER {
                server.accept(listener)?;
            } else {
                server.on_ready(event, &mut buffer);
            }
        }
        server.on_time();
    }
    Ok(())
}

struct Server<'a> {
    plan: &'a Plan,
    poller: Poller,
    connections: Vec<Option<Slot>>,
    vacant: Vec<usize>,
    timers: BinaryHeap<Reverse<Timer>>,
    made: u64,
    random: Random,
}

/// A connection; `id` tells it from an earlier one with the same token.
struct Slot {
    id: u64,
    connection: Connection,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Timer {
    due: Instant,
    token: usize,
    id: u64,
    step: Step,
}

/// What is sent next.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Complete,
    Error,
    NotFound,
    StreamChunk(usize),
}

impl Server<'_> {
    fn pause(&self) -> Duration {
        match self.timers.peek() {
            Some(Reverse(timer)) => timer.due.saturating_duration_since(Instant::now()).min(LONGEST_WAIT),
            None => LONGEST_WAIT,
        }
    }

    fn accept(&mut self, listener: &TcpListener) -> io::Result<()> {
        loop {
            let stream = match listener.accept() {
                Ok((stream, _)) => stream,
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(e) => return Err(e),
            };
            stream.set_nonblocking(true)?;
            stream.set_nodelay(true)?;
            let token = self.vacant.pop().unwrap_or(self.connections.len());
            self.poller.add(&stream, token)?;
            self.made += 1;
            let slot = Some(Slot { id: self.made, connection: Connection::new(stream) });
            if token == self.connections.len() {
                self.connections.push(slot);
            } else {
                self.connections[token] = slot;
            }
        }
    }

    fn on_ready(&mut self, event: Ready, buffer: &mut [u8]) {
        let Some(slot) = &mut self.connections[event.token] else { return };
        let is_open = !event.readable || slot.connection.receive(buffer).unwrap_or(false);
        if !is_open {
            return self.close(event.token);
        }
        if event.writable {
            self.flush(event.token);
        }
        self.answer_requests(event.token);
    }

    fn answer_requests(&mut self, token: usize) {
        while let Some(slot) = &mut self.connections[token] {
            if slot.connection.is_busy {
                return;
            }
            match slot.connection.next_request() {
                Ok(Some(wish)) => {
                    slot.connection.is_busy = true;
                    let id = slot.id;
                    self.begin(token, id, wish);
                }
                Ok(None) => return,
                Err(_) => return self.close(token),
            }
        }
    }

    fn begin(&mut self, token: usize, id: u64, wish: Wish) {
        let fails = self.plan.error_rate > 0.0 && self.random.unit() <= self.plan.error_rate;
        let step = match wish {
            Wish::Unknown => Step::NotFound,
            _ if fails => Step::Error,
            Wish::Complete => Step::Complete,
            Wish::Stream => Step::StreamChunk(0),
        };
        if self.plan.latency.is_zero() {
            self.take(token, id, step);
        } else {
            self.timers.push(Reverse(Timer { due: Instant::now() + self.plan.latency, token, id, step }));
        }
    }

    fn on_time(&mut self) {
        let now = Instant::now();
        while self.timers.peek().is_some_and(|Reverse(timer)| timer.due <= now) {
            let Some(Reverse(timer)) = self.timers.pop() else { return };
            self.take(timer.token, timer.id, timer.step);
            self.answer_requests(timer.token);
        }
    }

    /// Sends what `step` says. A gone connection's timers find another id, or nothing.
    fn take(&mut self, token: usize, id: u64, step: Step) {
        let Some(slot) = self.connections[token].as_mut().filter(|slot| slot.id == id) else { return };
        let (connection, answers) = (&mut slot.connection, &self.plan.answers);
        match step {
            Step::Complete => connection.write(&answers.complete),
            Step::Error => connection.write(&answers.error),
            Step::NotFound => connection.write(&answers.not_found),
            Step::StreamChunk(index) => return self.stream(token, id, index),
        }
        connection.is_busy = false;
        self.flush(token);
    }

    /// Sends one chunk, or all that are left when there is no gap between them.
    fn stream(&mut self, token: usize, id: u64, index: usize) {
        let Some(slot) = &mut self.connections[token] else { return };
        let (connection, answers) = (&mut slot.connection, &self.plan.answers);
        if index == 0 {
            connection.write(&answers.stream_head);
        }
        let next = if self.plan.gap.is_zero() { answers.stream.len() } else { index + 1 };
        answers.stream[index..next].iter().for_each(|chunk| connection.write(chunk));
        if next < answers.stream.len() {
            let due = Instant::now() + self.plan.gap;
            self.timers.push(Reverse(Timer { due, token, id, step: Step::StreamChunk(next) }));
        } else {
            connection.is_busy = false;
        }
        self.flush(token);
    }

    fn flush(&mut self, token: usize) {
        let Some(slot) = &mut self.connections[token] else { return };
        let done = slot.connection.flush().and_then(|all| {
            if all == slot.connection.awaits_output {
                slot.connection.awaits_output = !all;
                self.poller.await_output(&slot.connection.stream, token, !all)?;
            }
            Ok(())
        });
        if done.is_err() {
            self.close(token);
        }
    }

    fn close(&mut self, token: usize) {
        self.connections[token] = None;
        self.vacant.push(token);
    }
}
