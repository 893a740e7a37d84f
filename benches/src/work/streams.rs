//! Lines from a socket.

use super::rt;
use crate::net::feed;
use crate::work_body::{Body, bodies};

pub(crate) fn body(name: &str) -> Option<Body> {
    bodies!(name, {
        "lines_80" => lines(80),
        "lines_1k" => lines(1 << 10),
    })
}

/// Counts the lines that have the right length.
async fn lines(n: u64, length: usize) -> u64 {
    let order = feed::order(n, length);
    rt::lines(feed::port(), &order, length).await.expect("lines from the other process")
}
