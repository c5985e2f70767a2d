//! One keep-alive connection: sends a request when it is free, follows the answer.

use super::tally::Tally;
use crate::body::Body;
use crate::events::Events;
use crate::http::{parse_head, status, Framing};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

const CONNECT_LIMIT: Duration = Duration::from_secs(5);
const MAX_HEAD: usize = 64 * 1024;

pub struct Connection {
    pub stream: TcpStream,
    call: Option<Call>,
}

/// A request under way.
struct Call {
    due: u64,
    written: usize,
    head: Vec<u8>,
    answer: Option<Answer>,
    events: Option<Events>,
    last_chunk: Option<u64>,
    bytes: u64,
}

/// An answer whose head has arrived.
struct Answer {
    status: u16,
    body: Body,
    closes: bool,
}

/// What is to be done with a connection after it was served.
#[derive(Debug, PartialEq)]
pub enum After {
    /// The answer is still coming, or none is awaited.
    Wait,
    Free,
    Reconnect,
}

impl Connection {
    pub fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect_timeout(&address, CONNECT_LIMIT)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        Ok(Connection { stream, call: None })
    }

    /// The due time of the request under way.
    pub fn due(&self) -> Option<u64> {
        self.call.as_ref().map(|call| call.due)
    }

    /// Begins a request; it is complete when `unsent` is false.
    pub fn start(&mut self, due: u64, request: &[u8], stream: bool) -> io::Result<()> {
        let events = stream.then(Events::new);
        self.call = Some(Call { due, written: 0, head: Vec::new(), answer: None, events, last_chunk: None, bytes: 0 });
        self.send(request)
    }

    pub fn unsent(&self, request: &[u8]) -> bool {
        self.call.as_ref().is_some_and(|call| call.written < request.len())
    }

    /// Writes as much as the socket takes.
    pub fn send(&mut self, request: &[u8]) -> io::Result<()> {
        let Some(call) = &mut self.call else { return Ok(()) };
        while call.written < request.len() {
            match self.stream.write(&request[call.written..]) {
                Ok(count) => call.written += count,
                Err(e) if e.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }

    /// Reads what has arrived, and tells the tally what came of the request.
    pub fn receive(&mut self, buffer: &mut [u8], clock: impl Fn() -> u64, tally: &mut Tally) -> After {
        let result = match self.stream.read(buffer) {
            Err(e) if e.kind() == ErrorKind::WouldBlock => return After::Wait,
            Err(e) => Err(e.to_string()),
            Ok(0) => self.at_end(),
            Ok(count) => self.bytes_arrived(&buffer[..count], clock(), tally),
        };
        self.settle(result, clock(), tally)
    }

    /// Counts the request as failed.
    pub fn fail(&mut self, reason: &str, tally: &mut Tally) {
        if let Some(call) = self.call.take() {
            tally.failure(call.due, reason);
        }
    }

    fn settle(&mut self, result: Result<bool, String>, now: u64, tally: &mut Tally) -> After {
        let complete = match result {
            Ok(complete) => complete,
            Err(reason) => {
                self.fail(&reason, tally);
                return After::Reconnect;
            }
        };
        if !complete {
            return After::Wait;
        }
        let Some(Call { due, answer: Some(answer), events, bytes, .. }) = self.call.take() else {
            return After::Reconnect;
        };
        match verdict(answer.status, events.as_ref()) {
            Ok(()) => tally.answer(due, now, bytes),
            Err(reason) => tally.failure(due, &reason),
        }
        if answer.closes {
            After::Reconnect
        } else {
            After::Free
        }
    }

    /// The server closed: an end for answers without a length, and no failure between two requests.
    fn at_end(&mut self) -> Result<bool, String> {
        match &mut self.call {
            None => Ok(true),
            Some(Call { answer: Some(answer), .. }) if answer.body.ends_with_connection() => {
                answer.closes = true;
                Ok(true)
            }
            Some(_) => Err("connection closed before the end of the answer".into()),
        }
    }

    /// Whether the answer is complete now.
    fn bytes_arrived(&mut self, bytes: &[u8], now: u64, tally: &mut Tally) -> Result<bool, String> {
        let call = self.call.as_mut().ok_or("bytes that nobody asked for")?;
        call.bytes += bytes.len() as u64;
        if call.answer.is_some() {
            return call.content_arrived(bytes, now, tally);
        }
        call.head.extend_from_slice(bytes);
        let Some(head) = parse_head(&call.head)? else {
            return if call.head.len() > MAX_HEAD { Err("a head beyond 64 kB".into()) } else { Ok(false) };
        };
        let status = status(&call.head)?;
        let framing = if status == 204 { Framing::Length(0) } else { head.framing };
        call.answer = Some(Answer { status, body: Body::new(framing), closes: head.closes });
        let rest = call.head.split_off(head.length);
        call.content_arrived(&rest, now, tally)
    }
}

impl Call {
    fn content_arrived(&mut self, bytes: &[u8], now: u64, tally: &mut Tally) -> Result<bool, String> {
        let answer = self.answer.as_mut().ok_or("content before a head")?;
        let Some(events) = &mut self.events else {
            answer.body.feed(bytes, |_| ())?;
            return Ok(answer.body.is_done());
        };
        let before = events.count();
        answer.body.feed(bytes, |content| events.feed(content))?;
        let count = events.count() - before;
        tally.chunks(self.due, self.last_chunk, now, count);
        if count > 0 {
            self.last_chunk = Some(now);
        }
        Ok(answer.body.is_done())
    }
}

fn verdict(status: u16, events: Option<&Events>) -> Result<(), String> {
    if status != 200 {
        return Err(format!("status {status}"));
    }
    if events.is_some_and(|events| !events.ended_well()) {
        return Err("a stream that did not end with [DONE]".into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    /// What a connection does and counts when the server sends `answer` and closes.
    fn exchange(answer: &[u8], stream: bool) -> (After, u64, Vec<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut connection = Connection::open(listener.local_addr().unwrap()).unwrap();
        connection.start(5, b"GET", stream).unwrap();
        assert!(!connection.unsent(b"GET"));
        let (mut peer, _) = listener.accept().unwrap();
        peer.read_exact(&mut [0; 3]).unwrap();
        peer.write_all(answer).unwrap();
        drop(peer);
        let mut tally = Tally::new(0..100);
        connection.stream.set_nonblocking(false).unwrap();
        let after = loop {
            match connection.receive(&mut [0; 7], || 50, &mut tally) {
                After::Wait => continue,
                after => break after,
            }
        };
        (after, tally.answered, tally.failures.into_keys().collect())
    }

    #[test]
    fn answers_and_what_becomes_of_the_connection() {
        let none = Vec::<String>::new;
        let cases: [(&str, bool, After, u64, Vec<String>); 7] = [
            ("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok", false, After::Free, 1, none()),
            ("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok", false, After::Reconnect, 1, none()),
            ("HTTP/1.1 200 OK\r\n\r\nuntil the end", false, After::Reconnect, 1, none()),
            ("HTTP/1.1 500 No\r\ncontent-length: 2\r\n\r\nno", false, After::Free, 0, vec!["status 500".into()]),
            ("HTTP/1.1 200 OK\r\ncontent-length: 14\r\n\r\ndata: [DONE]\n\n", true, After::Free, 1, none()),
            (
                "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\ndata: a\n\n",
                true,
                After::Free,
                0,
                vec!["a stream that did not end with [DONE]".into()],
            ),
            (
                "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nok",
                false,
                After::Reconnect,
                0,
                vec!["connection closed before the end of the answer".into()],
            ),
        ];
        for (answer, stream, after, answered, failures) in cases {
            assert_eq!(exchange(answer.as_bytes(), stream), (after, answered, failures), "{answer}");
        }
    }
}
