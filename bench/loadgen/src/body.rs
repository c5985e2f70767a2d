//! Follows the body of a response to its end, however the bytes arrive.

use crate::http::Framing;

/// Where in the body the next byte belongs.
enum Place {
    Data {
        left: usize,
    },
    UntilEnd,
    ChunkSize {
        size: usize,
    },
    ChunkExtension {
        size: usize,
    },
    ChunkData {
        left: usize,
    },
    /// The line end after a chunk's data.
    ChunkEnd,
    Trailer {
        empty_line: bool,
    },
    Done,
}

pub struct Body(Place);

impl Body {
    pub fn new(framing: Framing) -> Self {
        Body(match framing {
            Framing::Length(0) => Place::Done,
            Framing::Length(left) => Place::Data { left },
            Framing::Chunked => Place::ChunkSize { size: 0 },
            Framing::Unstated => Place::UntilEnd,
        })
    }

    pub fn is_done(&self) -> bool {
        matches!(self.0, Place::Done)
    }

    /// Whether the end of the connection completes the body.
    pub fn ends_with_connection(&self) -> bool {
        matches!(self.0, Place::UntilEnd | Place::Done)
    }

    /// Passes the content among `bytes` to `content`. Err for what breaks the framing, or follows the end.
    pub fn feed(&mut self, mut bytes: &[u8], mut content: impl FnMut(&[u8])) -> Result<(), String> {
        while !bytes.is_empty() {
            let used = match self.0 {
                Place::Data { left } | Place::ChunkData { left } => {
                    let used = left.min(bytes.len());
                    content(&bytes[..used]);
                    self.consume_data(left - used);
                    used
                }
                Place::UntilEnd => {
                    content(bytes);
                    bytes.len()
                }
                Place::Done => return Err("bytes after the end of the body".into()),
                _ => {
                    self.frame_byte(bytes[0])?;
                    1
                }
            };
            bytes = &bytes[used..];
        }
        Ok(())
    }

    fn consume_data(&mut self, left: usize) {
        self.0 = match self.0 {
            Place::Data { .. } if left == 0 => Place::Done,
            Place::Data { .. } => Place::Data { left },
            _ if left == 0 => Place::ChunkEnd,
            _ => Place::ChunkData { left },
        };
    }

    /// One byte between the chunks. Carriage returns mean nothing: the line feed after them ends the line.
    fn frame_byte(&mut self, byte: u8) -> Result<(), String> {
        self.0 = match (&self.0, byte) {
            (Place::ChunkSize { size: 0 } | Place::ChunkExtension { size: 0 }, b'\n') => {
                Place::Trailer { empty_line: true }
            }
            (Place::ChunkSize { size } | Place::ChunkExtension { size }, b'\n') => Place::ChunkData { left: *size },
            (Place::ChunkEnd, b'\n') => Place::ChunkSize { size: 0 },
            (Place::Trailer { empty_line: true }, b'\n') => Place::Done,
            (Place::Trailer { .. }, b'\n') => Place::Trailer { empty_line: true },
            (_, b'\r') => return Ok(()),
            (Place::Trailer { .. }, _) => Place::Trailer { empty_line: false },
            (Place::ChunkSize { size } | Place::ChunkExtension { size }, b';' | b' ') => {
                Place::ChunkExtension { size: *size }
            }
            (Place::ChunkExtension { size }, _) => Place::ChunkExtension { size: *size },
            (Place::ChunkSize { size }, _) => Place::ChunkSize { size: with_digit(*size, byte)? },
            _ => return Err(format!("byte {byte} after a chunk")),
        };
        Ok(())
    }
}

fn with_digit(size: usize, byte: u8) -> Result<usize, String> {
    let digit = (byte as char).to_digit(16).ok_or_else(|| format!("byte {byte} in a chunk size"))?;
    size.checked_mul(16).map(|s| s + digit as usize).ok_or_else(|| "a chunk size beyond all bounds".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The content and whether the end was reached, with the bytes arriving in pieces of `size`.
    fn read(framing: Framing, bytes: &[u8], size: usize) -> Result<(String, bool), String> {
        let (mut body, mut content) = (Body::new(framing), Vec::new());
        for piece in bytes.chunks(size) {
            body.feed(piece, |c| content.extend_from_slice(c))?;
        }
        Ok((String::from_utf8(content).unwrap(), body.is_done()))
    }

    #[test]
    fn content_does_not_depend_on_how_bytes_arrive() {
        let cases: [(Framing, &[u8], &str, bool); 6] = [
            (Framing::Length(5), b"hello", "hello", true),
            (Framing::Length(6), b"hello", "hello", false),
            (Framing::Unstated, b"hello", "hello", false),
            (Framing::Chunked, b"5\r\nhello\r\nA;x=1\r\n, 10 bytes\r\n0\r\n\r\n", "hello, 10 bytes", true),
            (Framing::Chunked, b"1\r\na\r\n0\r\nDigest: x\r\n\r\n", "a", true),
            (Framing::Chunked, b"1\r\na\r\n0\r\n", "a", false),
        ];
        for (framing, bytes, content, done) in cases {
            for size in 1..=bytes.len() {
                assert_eq!(read(framing, bytes, size), Ok((content.into(), done)), "pieces of {size}");
            }
        }
    }

    #[test]
    fn broken_framing_is_refused() {
        for bytes in [&b"g\r\n"[..], b"1\r\naX", b"11111111111111111\r\n"] {
            assert!(read(Framing::Chunked, bytes, bytes.len()).is_err(), "{bytes:?}");
        }
        assert!(read(Framing::Length(1), b"ab", 2).is_err());
        assert!(Body::new(Framing::Length(0)).is_done());
        assert!(Body::new(Framing::Unstated).ends_with_connection());
        assert!(!Body::new(Framing::Length(1)).ends_with_connection());
    }
}
