//! `t0-loadgen load` offers load to an HTTP server of this machine; `t0-loadgen mock` is a model provider to put behind it.

mod args;
mod arrivals;
mod body;
mod events;
mod histogram;
mod http;
mod json;
mod load;
mod mock;
mod random;
mod sys;

use std::process::ExitCode;

const USAGE: &str = "usage: t0-loadgen {load,mock} [OPTION]...   (t0-loadgen COMMAND --help tells the options)";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let (command, options) = match words.split_first() {
        Some((command, options)) => (command.as_str(), options),
        None => return usage_error(USAGE),
    };
    let run = match command {
        "load" => load::command,
        "mock" => mock::command,
        "--help" | "-h" => return print(USAGE),
        other => return usage_error(&format!("unknown command `{other}`\n{USAGE}")),
    };
    match run(options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Help(text)) => print(text),
        Err(Failure::Usage(text)) => usage_error(&text),
        Err(Failure::Run(text)) => {
            eprintln!("t0-loadgen: {text}");
            ExitCode::from(1)
        }
    }
}

/// Why a command did not do its work.
#[derive(Debug, PartialEq)]
pub enum Failure {
    Help(&'static str),
    Usage(String),
    Run(String),
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Failure::Run(error.to_string())
    }
}

fn print(text: &str) -> ExitCode {
    println!("{text}");
    ExitCode::SUCCESS
}

fn usage_error(text: &str) -> ExitCode {
    eprintln!("t0-loadgen: {text}");
    ExitCode::from(2)
}
