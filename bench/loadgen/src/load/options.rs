//! The options of `load`.

use super::target::{self, Target};
use crate::args::{usage, Args};
use crate::arrivals::Spacing;
use crate::Failure;
use std::time::Duration;

const HELP: &str = "\
usage: t0-loadgen load --url http://127.0.0.1:PORT/PATH [OPTION]...

  --url URL             an address of this machine; others are refused
  --connections N       keep-alive connections, 1 to 4096 (default: 1)
  --rate R              open loop: R requests/s whatever the server does (default: closed loop)
  --arrivals KIND       of the open loop: poisson (default) or uniform
  --duration S          seconds measured, at most 3600 (default: 10)
  --warm-up S           seconds before that which do not count (default: 1)
  --requests N          stop after N requests (default and most: 1000000000)
  --drain S             seconds to wait for answers after the end (default: 10)
  --body TEXT           sent with POST, as is the text of --body-file FILE; GET without either
  --header 'NAME: VALUE'  may be repeated
  --stream              answers are server-sent events that must end with `data: [DONE]`
  --seed N              of the Poisson arrivals (default: 1)
  --json FILE           also write the figures there
";
const VALUED: [&str; 13] = [
    "--url",
    "--connections",
    "--rate",
    "--arrivals",
    "--duration",
    "--warm-up",
    "--requests",
    "--drain",
    "--body",
    "--body-file",
    "--header",
    "--seed",
    "--json",
];

pub struct Options {
    pub plan: Plan,
    pub json: Option<String>,
}

/// What is asked of the generator.
pub struct Plan {
    pub target: Target,
    pub connections: usize,
    /// None for a closed loop.
    pub rate: Option<f64>,
    pub spacing: Spacing,
    pub seed: u64,
    pub warm_up: Duration,
    pub duration: Duration,
    pub drain: Duration,
    pub requests: u64,
    pub stream: bool,
    /// The bytes of one request.
    pub request: Vec<u8>,
}

pub fn parse(words: &[String]) -> Result<Options, Failure> {
    let args = Args::parse(words, &VALUED, &["--stream"], HELP)?;
    let url = args.text("--url").ok_or_else(|| usage("`--url` is missing".into()))?;
    let target = target::parse(url).map_err(usage)?;
    let request = request(&target, &args)?;
    let plan = Plan {
        connections: args.number("--connections", 1, 1, 4096)?,
        rate: if args.has("--rate") { Some(args.number("--rate", 1.0, 0.001, 1e6)?) } else { None },
        spacing: spacing(args.text("--arrivals"))?,
        seed: args.number("--seed", 1, 0, u64::MAX)?,
        warm_up: args.seconds("--warm-up", 1.0)?,
        duration: args.seconds("--duration", 10.0)?,
        drain: args.seconds("--drain", 10.0)?,
        requests: args.number("--requests", 1_000_000_000, 1, 1_000_000_000)?,
        stream: args.has("--stream"),
        target,
        request,
    };
    Ok(Options { plan, json: args.text("--json").map(String::from) })
}

fn spacing(text: Option<&str>) -> Result<Spacing, Failure> {
    match text {
        None | Some("poisson") => Ok(Spacing::Poisson),
        Some("uniform") => Ok(Spacing::Uniform),
        Some(other) => Err(usage(format!("`--arrivals` is `{other}`: expected `poisson` or `uniform`"))),
    }
}

fn request(target: &Target, args: &Args) -> Result<Vec<u8>, Failure> {
    let body = match (args.text("--body"), args.text("--body-file")) {
        (Some(_), Some(_)) => return Err(usage("`--body` and `--body-file` exclude each other".into())),
        (Some(text), None) => Some(text.as_bytes().to_vec()),
        (None, Some(path)) => {
            Some(std::fs::read(path).map_err(|e| Failure::Run(format!("cannot read `{path}`: {e}")))?)
        }
        (None, None) => None,
    };
    let method = if body.is_some() { "POST" } else { "GET" };
    let mut head = format!("{method} {} HTTP/1.1\r\nhost: {}\r\n", target.path, target.authority);
    for header in args.all("--header") {
        if !header.contains(':') || header.contains(['\r', '\n']) {
            return Err(usage(format!("`--header` is `{header}`: expected `NAME: VALUE`")));
        }
        head += &format!("{header}\r\n");
    }
    if let Some(body) = &body {
        head += &format!("content-type: application/json\r\ncontent-length: {}\r\n", body.len());
    }
    Ok([head.as_bytes(), b"\r\n", &body.unwrap_or_default()].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(words: &[&str]) -> Result<Options, Failure> {
        parse(&words.iter().map(|w| w.to_string()).collect::<Vec<_>>())
    }

    #[test]
    fn the_request_is_built_once() {
        let options = of(&["--url", "http://localhost:1/p", "--body", "{}", "--header", "a: b"]).unwrap();
        let expected = "POST /p HTTP/1.1\r\nhost: localhost:1\r\na: b\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}";
        assert_eq!(String::from_utf8(options.plan.request).unwrap(), expected);
        let options = of(&["--url", "http://localhost:1/p"]).unwrap();
        assert_eq!(options.plan.request, b"GET /p HTTP/1.1\r\nhost: localhost:1\r\n\r\n");
    }

    #[test]
    fn the_loop_is_closed_unless_a_rate_is_given() {
        assert_eq!(of(&["--url", "http://localhost:1/"]).unwrap().plan.rate, None);
        let plan = of(&["--url=http://localhost:1/", "--rate=50", "--arrivals=uniform"]).unwrap().plan;
        assert_eq!((plan.rate, plan.spacing), (Some(50.0), Spacing::Uniform));
    }

    #[test]
    fn bounds_are_kept() {
        for words in [
            vec!["--connections", "0"],
            vec!["--connections", "5000"],
            vec!["--duration", "3601"],
            vec!["--rate", "0"],
            vec!["--arrivals", "often"],
            vec!["--header", "x"],
            vec!["--header", "a: b\r\nc: d"],
            vec!["--body", "a", "--body-file", "b"],
        ] {
            assert!(
                matches!(of(&[vec!["--url", "http://localhost/"], words.clone()].concat()), Err(Failure::Usage(_))),
                "{words:?}"
            );
        }
        assert!(matches!(of(&[]), Err(Failure::Usage(_))));
    }
}
