//! The bytes of every answer, made once.

const USAGE: &str = r#"{"prompt_tokens":57,"completion_tokens":17,"total_tokens":74,"prompt_tokens_details":{"cached_tokens":2},"completion_tokens_details":{"reasoning_tokens":1}}"#;
const WORDS: &str = "The answer is made of these words again and again. ";

pub struct Answers {
    pub complete: Vec<u8>,
    pub error: Vec<u8>,
    pub not_found: Vec<u8>,
    pub stream_head: Vec<u8>,
    /// Each is one chunk of the transfer coding; the last also ends it.
    pub stream: Vec<Vec<u8>>,
}

impl Answers {
    pub fn new(answer_bytes: usize, chunks: usize, chunk_bytes: usize, error_status: u16) -> Self {
        let error = r#"{"error":{"message":"The mock provider was told to fail","type":"server_error","param":null,"code":null}}"#;
        let not_found =
            r#"{"error":{"message":"Unknown path","type":"invalid_request_error","param":null,"code":null}}"#;
        Answers {
            complete: response(200, &padded(answer_bytes, completion)),
            error: response(error_status, error),
            not_found: response(404, not_found),
            stream_head: head(200, "text/event-stream", "transfer-encoding: chunked"),
            stream: stream(chunks, chunk_bytes),
        }
    }
}

fn head(status: u16, content_type: &str, framing: &str) -> Vec<u8> {
    let reason = if status == 200 { "OK" } else { "Error" };
    format!("HTTP/1.1 {status} {reason}\r\ncontent-type: {content_type}\r\nx-request-id: mock\r\n{framing}\r\n\r\n")
        .into_bytes()
}

fn response(status: u16, body: &str) -> Vec<u8> {
    let head = head(status, "application/json", &format!("content-length: {}", body.len()));
    [&head, body.as_bytes()].concat()
}

fn completion(text: &str) -> String {
    format!(
        r#"{{"id":"chatcmpl-mock","object":"chat.completion","created":1780000000,"model":"mock","choices":[{{"index":0,"message":{{"role":"assistant","content":"{text}","refusal":null}},"logprobs":null,"finish_reason":"stop"}}],"usage":{USAGE},"system_fingerprint":null}}"#
    )
}

fn event(choices: &str, usage: &str) -> String {
    format!(
        "data: {{\"id\":\"chatcmpl-mock\",\"object\":\"chat.completion.chunk\",\"created\":1780000000,\"model\":\"mock\",\"choices\":[{choices}],\"usage\":{usage}}}\n\n"
    )
}

fn delta(text: &str) -> String {
    event(&format!(r#"{{"index":0,"delta":{{"role":"assistant","content":"{text}"}},"finish_reason":null}}"#), "null")
}

fn stream(chunks: usize, chunk_bytes: usize) -> Vec<Vec<u8>> {
    let mut events = vec![padded(chunk_bytes, delta); chunks];
    let finish = event(r#"{"index":0,"delta":{},"finish_reason":"stop"}"#, "null");
    events.push(finish + &event("", USAGE) + "data: [DONE]\n\n");
    let mut chunks: Vec<Vec<u8>> = events.iter().map(|e| format!("{:x}\r\n{e}\r\n", e.len()).into_bytes()).collect();
    if let Some(last) = chunks.last_mut() {
        last.extend_from_slice(b"0\r\n\r\n");
    }
    chunks
}

/// What `make` makes of a text so long that the result has `size` bytes.
fn padded(size: usize, make: fn(&str) -> String) -> String {
    let length = size.saturating_sub(make("").len());
    make(&WORDS.chars().cycle().take(length).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body::Body;
    use crate::events::Events;
    use crate::http::{parse_head, status, Framing};

    #[test]
    fn answers_have_the_size_asked_for() {
        let answers = Answers::new(622, 1, 256, 503);
        let head = parse_head(&answers.complete).unwrap().unwrap();
        assert_eq!(head.framing, Framing::Length(622));
        assert_eq!(answers.complete.len(), head.length + 622);
        assert!(answers.complete.ends_with(b"\"system_fingerprint\":null}"));
        assert_eq!((status(&answers.error), status(&answers.not_found)), (Ok(503), Ok(404)));
    }

    #[test]
    fn a_stream_is_well_framed() {
        let answers = Answers::new(512, 10, 370, 500);
        let (mut body, mut events, mut length) = (Body::new(Framing::Chunked), Events::new(), 0);
        for piece in &answers.stream {
            let feed = |content: &[u8]| {
                events.feed(content);
                length += content.len();
            };
            body.feed(piece, feed).unwrap();
        }
        assert!(body.is_done() && events.ended_well());
        assert_eq!((events.count(), answers.stream.len()), (13, 11));
        assert!(length > 3700 && length < 4500, "{length}");
    }
}
