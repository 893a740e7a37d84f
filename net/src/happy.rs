//! Connecting to a name with several addresses without waiting for those that do not answer (RFC 8305,
//! "happy eyeballs").

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use corio_runtime::reactor::{Registered, Wait};

use crate::addr::Target;
use crate::connect::{CannotConnect, Connecting};
use crate::error::all_failed;
use crate::resolve::resolve;
use crate::rt::{Sleep, sleep};

/// How long one attempt has the field to itself.
const STAGGER: Duration = Duration::from_millis(250);

/// Connects to whichever address answers first: they are tried in turn, each a little after the one
/// before, or as soon as that has failed.
pub(crate) async fn connect(
    target: io::Result<Target>,
    wait: Wait,
) -> io::Result<Registered<TcpStream>> {
    let target = target?;
    let addrs = interleave(resolve(&target).await?);
    let mut race =
        Race { next: addrs.into(), running: Vec::new(), stagger: None, failures: vec![] };
    match poll_fn(|cx| race.poll(wait, cx)).await {
        // The losers are dropped with the race, and their descriptors closed.
        Some(winner) => Ok(winner),
        None => Err(all_failed(CannotConnect(&target), race.failures)),
    }
}

struct Race {
    /// Addresses not yet tried.
    next: VecDeque<SocketAddr>,
    running: Vec<Connecting>,
    /// There while an attempt has the field to itself and another waits for it.
    stagger: Option<Pin<Box<Sleep>>>,
    failures: Vec<(String, io::Error)>,
}

impl Race {
    /// The winner, or `None` when all have failed.
    fn poll(&mut self, wait: Wait, cx: &mut Context<'_>) -> Poll<Option<Registered<TcpStream>>> {
        loop {
            let before = self.failures.len();
            if let Some(winner) = self.poll_running(cx) {
                return Poll::Ready(Some(winner));
            }
            let failed = self.failures.len() > before;
            let waited = match &mut self.stagger {
                Some(stagger) => stagger.as_mut().poll(cx).is_ready(),
                None => true,
            };
            if !(failed || waited || self.running.is_empty()) {
                return Poll::Pending;
            }
            let Some(addr) = self.next.pop_front() else {
                self.stagger = None;
                if self.running.is_empty() {
                    return Poll::Ready(None);
                }
                return Poll::Pending;
            };
            self.running.push(Connecting::new(addr, wait));
            self.stagger = Some(Box::pin(sleep(STAGGER)));
        }
    }

    fn poll_running(&mut self, cx: &mut Context<'_>) -> Option<Registered<TcpStream>> {
        let mut index = 0;
        while let Some(attempt) = self.running.get_mut(index) {
            match Pin::new(attempt).poll(cx) {
                Poll::Pending => index += 1,
                Poll::Ready(Ok(winner)) => return Some(winner),
                Poll::Ready(Err(error)) => {
                    let failed = self.running.remove(index);
                    self.failures.push((failed.addr().to_string(), error));
                }
            }
        }
        None
    }
}

/// The addresses with the families in turn, beginning with that of the first.
fn interleave(addrs: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let first_is_v6 = addrs.first().is_some_and(SocketAddr::is_ipv6);
    let (first, second): (Vec<_>, Vec<_>) =
        addrs.into_iter().partition(|addr| addr.is_ipv6() == first_is_v6);
    let (mut first, mut second) = (first.into_iter(), second.into_iter());
    let mut mixed = Vec::new();
    loop {
        let (a, b) = (first.next(), second.next());
        if a.is_none() && b.is_none() {
            return mixed;
        }
        mixed.extend(a);
        mixed.extend(b);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_take_turns_and_keep_their_order() {
        let addr = |text: &str| text.parse::<SocketAddr>().unwrap();
        let (a, b, c) = (addr("[::1]:1"), addr("[::2]:1"), addr("[::3]:1"));
        let (x, y) = (addr("1.1.1.1:1"), addr("2.2.2.2:1"));
        assert_eq!(interleave(vec![a, b, c, x, y]), [a, x, b, y, c]);
        assert_eq!(interleave(vec![x, y, a]), [x, a, y]);
        assert_eq!(interleave(vec![]), []);
    }
}
