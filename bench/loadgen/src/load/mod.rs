//! `t0-loadgen load`: offers requests, measures the answers.
//!
//! In an open loop each request has a due time that does not depend on the server. When all connections are busy it
//! waits for one, and this wait is part of its latency: a slow server cannot slow the clock that judges it.

mod connection;
mod options;
mod report;
mod run;
mod tally;
mod target;

use crate::Failure;

pub fn command(words: &[String]) -> Result<(), Failure> {
    let options = options::parse(words)?;
    let tally = run::run(&options.plan)?;
    println!("{}", report::table(&options.plan, &tally));
    if let Some(path) = &options.json {
        std::fs::write(path, report::json(&options.plan, &tally) + "\n")
            .map_err(|e| Failure::Run(format!("cannot write `{path}`: {e}")))?;
    }
    Ok(())
}
