//! `t0-loadgen mock`: an OpenAI-compatible model provider that answers as fast, as slowly or as badly as told.

mod answers;
mod connection;
mod options;
mod server;

use crate::Failure;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub fn command(words: &[String]) -> Result<(), Failure> {
    let options = options::parse(words)?;
    let listener = TcpListener::bind(("127.0.0.1", options.port))
        .map_err(|e| Failure::Run(format!("cannot listen on port {}: {e}", options.port)))?;
    listener.set_nonblocking(true)?;
    println!("listening on {}", listener.local_addr()?);
    serve(listener, &options)
}

/// Serves until the time is over. The first thread that fails ends the command.
fn serve(listener: TcpListener, options: &options::Options) -> Result<(), Failure> {
    let end = Instant::now() + options.lifetime;
    let plan = Arc::new(options.plan());
    let mut threads = Vec::new();
    for seed in 0..options.threads {
        let (listener, plan) = (listener.try_clone()?, plan.clone());
        threads.push(std::thread::spawn(move || server::run(&listener, &plan, seed, end)));
    }
    while Instant::now() < end && !threads.iter().any(|thread| thread.is_finished()) {
        std::thread::sleep(Duration::from_millis(50));
    }
    for thread in threads {
        thread.join().map_err(|_| Failure::Run("a thread panicked".into()))??;
    }
    Ok(())
}
