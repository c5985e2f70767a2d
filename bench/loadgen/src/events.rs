//! Counts server-sent events, and tells whether the stream ended as OpenAI's do.

const LAST: &[u8] = b"data: [DONE]";

pub struct Events {
    line_is_empty: bool,
    event_is_empty: bool,
    count: u64,
    /// The current line as far as it may be the last one.
    line: Vec<u8>,
    done: bool,
}

impl Events {
    pub fn new() -> Self {
        Events { line_is_empty: true, event_is_empty: true, count: 0, line: Vec::new(), done: false }
    }

    pub fn count(&self) -> u64 {
        self.count
    }

    /// Whether `data: [DONE]` was the last event.
    pub fn ended_well(&self) -> bool {
        self.done && self.event_is_empty
    }

    pub fn feed(&mut self, content: &[u8]) {
        for byte in content {
            match byte {
                b'\n' => self.end_line(),
                b'\r' => {}
                _ => self.line_byte(*byte),
            }
        }
    }

    fn line_byte(&mut self, byte: u8) {
        self.line_is_empty = false;
        if self.line.len() <= LAST.len() {
            self.line.push(byte);
        }
    }

    fn end_line(&mut self) {
        if !self.line_is_empty {
            self.event_is_empty = false;
            self.done = self.line == LAST;
        } else if !self.event_is_empty {
            self.count += 1;
            self.event_is_empty = true;
        }
        self.line_is_empty = true;
        self.line.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_events_however_they_arrive() {
        let cases: [(&[u8], u64, bool); 6] = [
            (b"data: a\n\ndata: [DONE]\n\n", 2, true),
            (b"data: a\r\n\r\ndata: [DONE]\r\n\r\n", 2, true),
            (b"event: x\ndata: a\n\n\n\n: ping\n\n", 2, false),
            (b"data: [DONE]\n", 0, false),
            (b"data: [DONE]\n\ndata: a\n\n", 2, false),
            (b"data: [DONE] \n\n", 1, false),
        ];
        for (bytes, count, well) in cases {
            for size in 1..=bytes.len() {
                let mut events = Events::new();
                bytes.chunks(size).for_each(|piece| events.feed(piece));
                assert_eq!((events.count(), events.ended_well()), (count, well), "pieces of {size}");
            }
        }
    }
}
