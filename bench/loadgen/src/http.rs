//! Heads of HTTP/1.1 messages, as far as framing needs them.

use crate::sys::find;

/// A head of a request or a response.
#[derive(Debug, PartialEq)]
pub struct Head {
    /// Bytes up to the first of the body.
    pub length: usize,
    pub framing: Framing,
    /// The sender closes the connection after this message.
    pub closes: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Framing {
    Length(usize),
    Chunked,
    /// Neither length nor chunks are given: nothing for a request, all until the end for a response.
    Unstated,
}

/// `None` while the blank line has not arrived. Err names what cannot be understood.
pub fn parse_head(bytes: &[u8]) -> Result<Option<Head>, String> {
    let Some(end) = find(bytes, b"\r\n\r\n") else { return Ok(None) };
    let mut head = Head { length: end + 4, framing: Framing::Unstated, closes: false };
    for line in bytes[..end].split(|b| *b == b'\n').skip(1) {
        let colon = line.iter().position(|b| *b == b':').ok_or("a field without a colon")?;
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        if name.eq_ignore_ascii_case(b"content-length") {
            head.framing = Framing::Length(decimal(value)?);
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") && value.eq_ignore_ascii_case(b"chunked") {
            head.framing = Framing::Chunked;
        } else if name.eq_ignore_ascii_case(b"connection") {
            head.closes = value.eq_ignore_ascii_case(b"close");
        }
    }
    Ok(Some(head))
}

/// The status of a response.
pub fn status(head: &[u8]) -> Result<u16, String> {
    match head {
        [b'H', b'T', b'T', b'P', b'/', b'1', b'.', _, b' ', rest @ ..] if rest.len() >= 3 => {
            Ok(decimal(&rest[..3])? as u16)
        }
        _ => Err("no HTTP/1 status line".into()),
    }
}

fn decimal(text: &[u8]) -> Result<usize, String> {
    std::str::from_utf8(text)
        .ok()
        .and_then(|t| t.parse().ok())
        .ok_or_else(|| format!("a number expected, got {text:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_of_each_framing() {
        let cases: [(&str, Framing, bool); 4] = [
            ("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 12\r\n\r\n", Framing::Length(12), false),
            ("HTTP/1.1 200 OK\r\nTRANSFER-ENCODING: chunked\r\nconnection: Close\r\n\r\n", Framing::Chunked, true),
            ("HTTP/1.1 200 OK\r\nConnection: keep-alive\r\n\r\n", Framing::Unstated, false),
            ("GET / HTTP/1.1\r\n\r\n", Framing::Unstated, false),
        ];
        for (text, framing, closes) in cases {
            let head = Head { length: text.len(), framing, closes };
            assert_eq!(parse_head(&[text.as_bytes(), b"body"].concat()), Ok(Some(head)));
            for cut in 0..text.len() {
                assert_eq!(parse_head(&text.as_bytes()[..cut]), Ok(None));
            }
        }
    }

    #[test]
    fn what_is_no_head_is_refused() {
        assert!(parse_head(b"GET / HTTP/1.1\r\nno colon\r\n\r\n").is_err());
        assert!(parse_head(b"GET / HTTP/1.1\r\ncontent-length: x\r\n\r\n").is_err());
        assert_eq!(status(b"HTTP/1.1 503 Busy"), Ok(503));
        assert!(status(b"HTTP/2 200").is_err());
        assert!(status(b"HTTP/1.1 2").is_err());
    }
}
