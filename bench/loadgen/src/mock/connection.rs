//! One client of the mock: collects requests, keeps what is to be written.

use crate::http::{parse_head, Framing};
use crate::sys::find;
use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;

const MAX_REQUEST: usize = 32 << 20;

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Wish {
    Complete,
    Stream,
    Unknown,
}

pub struct Connection {
    pub stream: TcpStream,
    input: Vec<u8>,
    output: Vec<u8>,
    written: usize,
    /// An answer is due later or half sent: the next request waits.
    pub is_busy: bool,
    /// The socket was full: the rest goes out when there is room.
    pub awaits_output: bool,
}

impl Connection {
    pub fn new(stream: TcpStream) -> Self {
        Connection { stream, input: Vec::new(), output: Vec::new(), written: 0, is_busy: false, awaits_output: false }
    }

    /// Takes what has arrived. `false` when the client is gone, or sends without end.
    pub fn receive(&mut self, buffer: &mut [u8]) -> io::Result<bool> {
        match self.stream.read(buffer) {
            Ok(0) => Ok(false),
            Ok(count) => {
                self.input.extend_from_slice(&buffer[..count]);
                Ok(self.input.len() <= MAX_REQUEST)
            }
            Err(e) if e.kind() == ErrorKind::WouldBlock => Ok(true),
            Err(e) => Err(e),
        }
    }

    /// Takes the next request out of the input, once it is complete.
    pub fn next_request(&mut self) -> Result<Option<Wish>, String> {
        let Some(head) = parse_head(&self.input)? else { return Ok(None) };
        let length = match head.framing {
            Framing::Length(length) => length,
            Framing::Unstated => 0,
            Framing::Chunked => return Err("a chunked request".into()),
        };
        let end = head.length + length;
        if self.input.len() < end {
            return Ok(None);
        }
        let wish = wish(&self.input[..head.length], &self.input[head.length..end]);
        self.input.drain(..end);
        Ok(Some(wish))
    }

    pub fn write(&mut self, bytes: &[u8]) {
        self.output.extend_from_slice(bytes);
    }

    /// Sends as much as the socket takes; whether all is out.
    pub fn flush(&mut self) -> io::Result<bool> {
        while self.written < self.output.len() {
            match self.stream.write(&self.output[self.written..]) {
                Ok(count) => self.written += count,
                Err(e) if e.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(e) => return Err(e),
            }
        }
        self.output.clear();
        self.written = 0;
        Ok(true)
    }
}

fn wish(head: &[u8], body: &[u8]) -> Wish {
    let line = &head[..find(head, b"\r\n").unwrap_or(head.len())];
    if !line.starts_with(b"POST ") || !line.ends_with(b"/chat/completions HTTP/1.1") {
        return Wish::Unknown;
    }
    if asks_for_stream(body) {
        Wish::Stream
    } else {
        Wish::Complete
    }
}

/// Whether a field `"stream"` is true. In a JSON string its quotes would be escaped.
fn asks_for_stream(mut body: &[u8]) -> bool {
    const FIELD: &[u8] = b"\"stream\"";
    while let Some(at) = find(body, FIELD) {
        body = body[at + FIELD.len()..].trim_ascii_start();
        if let Some(value) = body.strip_prefix(b":") {
            return value.trim_ascii_start().starts_with(b"true");
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_requests_ask_for() {
        let post = b"POST /v1/chat/completions HTTP/1.1\r\n\r\n";
        for (head, body, expected) in [
            (&post[..], r#"{"messages":[]}"#, Wish::Complete),
            (post, r#"{"stream": true}"#, Wish::Stream),
            (post, "{\"stream\" :\n true}", Wish::Stream),
            (post, r#"{"stream":false}"#, Wish::Complete),
            (post, r#"{"content":"\"stream\":true"}"#, Wish::Complete),
            (post, r#"{"content":"stream","stream":true}"#, Wish::Stream),
            (b"GET /v1/chat/completions HTTP/1.1\r\n\r\n", "", Wish::Unknown),
            (b"POST /v1/embeddings HTTP/1.1\r\n\r\n", "{}", Wish::Unknown),
        ] {
            assert_eq!(wish(head, body.as_bytes()), expected, "{body}");
        }
    }
}
