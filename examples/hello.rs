//! Two tasks side by side: what one waits for, the other need not.
//!
//! Run it: `cargo run --example hello` or `cargo run --example hello -- Ada`
//!
//! You will see three lines: the quick greeting first, though it was spawned second.

#[path = "support/args.rs"]
#[allow(dead_code, reason = "shared by all examples, and this one has no options")]
mod args;

use std::error::Error;
use std::time::Duration;

const HELP: &str = "hello [NAME]    greets NAME (world) from two tasks";

async fn greet(greeting: &'static str, name: String, after: Duration) -> String {
    corio::sleep(after).await;
    println!("{greeting}, {name}!");
    greeting.to_owned()
}

#[corio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let args = args::Args::read(HELP, 1, &[])?;
    let name = args.word(0).unwrap_or("world").to_owned();

    let slow = corio::spawn(greet("Good morning", name.clone(), Duration::from_millis(300)));
    let quick = corio::spawn(greet("Hello", name, Duration::from_millis(10)));

    let (slow, quick) = (slow.await?, quick.await?);
    println!("Said {quick:?} and {slow:?}.");
    Ok(())
}
