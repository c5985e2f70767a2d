//! The options of `mock`.

use super::answers::Answers;
use crate::args::{usage, Args};
use crate::Failure;
use std::time::Duration;

const HELP: &str = "\
usage: t0-loadgen mock [OPTION]...

Answers POST /…/chat/completions on 127.0.0.1 as OpenAI does; `\"stream\": true` in the request makes it a stream.

  --port N              default: a free one; it is printed
  --threads N           1 to 64 (default: 1)
  --latency-ms MS       before the answer, or the first chunk (default: 0)
  --answer-bytes N      size of a complete answer's JSON, at least 512 (default: 622)
  --chunks N            of a stream's text, 1 to 100000 (default: 10)
  --chunk-bytes N       size of each of them, at least 256 (default: 370)
  --gap-ms MS           between chunks (default: 0, all at once)
  --error-rate X        share of requests that fail, 0 to 1 (default: 0)
  --error-status N      their status, 400 to 599 (default: 500)
  --seconds S           ends after so long, at most 3600 (default: 3600)
";
const VALUED: [&str; 10] = [
    "--port",
    "--threads",
    "--latency-ms",
    "--answer-bytes",
    "--chunks",
    "--chunk-bytes",
    "--gap-ms",
    "--error-rate",
    "--error-status",
    "--seconds",
];

#[derive(Debug)]
pub struct Options {
    pub port: u16,
    pub threads: u64,
    pub lifetime: Duration,
    latency: Duration,
    gap: Duration,
    error_rate: f64,
    error_status: u16,
    answer_bytes: usize,
    chunks: usize,
    chunk_bytes: usize,
}

/// How requests are answered.
pub struct Plan {
    pub answers: Answers,
    pub latency: Duration,
    pub gap: Duration,
    pub error_rate: f64,
}

impl Options {
    pub fn plan(&self) -> Plan {
        let answers = Answers::new(self.answer_bytes, self.chunks, self.chunk_bytes, self.error_status);
        Plan { answers, latency: self.latency, gap: self.gap, error_rate: self.error_rate }
    }
}

pub fn parse(words: &[String]) -> Result<Options, Failure> {
    let args = Args::parse(words, &VALUED, &[], HELP)?;
    let options = Options {
        port: args.number("--port", 0, 0, u16::MAX)?,
        threads: args.number("--threads", 1, 1, 64)?,
        lifetime: args.seconds("--seconds", 3600.0)?,
        latency: args.milliseconds("--latency-ms", 0.0)?,
        gap: args.milliseconds("--gap-ms", 0.0)?,
        error_rate: args.number("--error-rate", 0.0, 0.0, 1.0)?,
        error_status: args.number("--error-status", 500, 400, 599)?,
        answer_bytes: args.number("--answer-bytes", 622, 512, 64 << 20)?,
        chunks: args.number("--chunks", 10, 1, 100_000)?,
        chunk_bytes: args.number("--chunk-bytes", 370, 256, 1 << 20)?,
    };
    if options.chunks * options.chunk_bytes > 64 << 20 {
        return Err(usage("`--chunks` times `--chunk-bytes` is more than 64 MB".into()));
    }
    Ok(options)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(words: &[&str]) -> Result<Options, Failure> {
        parse(&words.iter().map(|w| w.to_string()).collect::<Vec<_>>())
    }

    #[test]
    fn times_and_rates() {
        let options = of(&["--latency-ms", "1.5", "--error-rate", "0.25"]).unwrap();
        assert_eq!((options.latency, options.error_rate, options.port), (Duration::from_micros(1500), 0.25, 0));
    }

    #[test]
    fn bounds_are_kept() {
        for words in [["--answer-bytes", "100"], ["--error-rate", "2"], ["--threads", "0"], ["--port", "70000"]] {
            assert!(matches!(of(&words), Err(Failure::Usage(_))), "{words:?}");
        }
        assert!(matches!(of(&["--chunks", "100000", "--chunk-bytes", "1000000"]), Err(Failure::Usage(_))));
    }
}
