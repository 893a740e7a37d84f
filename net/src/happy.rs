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
pub(crate) const STAGGER: Duration = Duration::from_millis(250);

/// How the addresses of a name are tried.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plan {
    /// Where the connections come from; the system decides if it is empty.
    pub(crate) locals: Vec<SocketAddr>,
    /// After so long the next attempt begins although the one before goes on; never, if there is none.
    pub(crate) stagger: Option<Duration>,
    /// The families take turns, beginning with so many addresses of the first; 0 leaves the order as it is.
    pub(crate) interleave: usize,
}

impl Plan {
    pub(crate) fn happy() -> Self {
        Self { locals: Vec::new(), stagger: Some(STAGGER), interleave: 1 }
    }
}

/// Connects to whichever address answers first: they are tried in turn, each a little after the one
/// before, or as soon as that has failed.
pub(crate) async fn connect(
    target: io::Result<Target>,
    plan: Plan,
    wait: Wait,
) -> io::Result<Registered<TcpStream>> {
    let target = target?;
    let addrs = interleave(resolve(&target).await?, plan.interleave);
    let next: VecDeque<_> = addrs.into_iter().enumerate().collect();
    let mut race = Race { next, plan, running: Vec::new(), stagger: None, failures: vec![] };
    match poll_fn(|cx| race.poll(wait, cx)).await {
        // The losers are dropped with the race, and their descriptors closed.
        Some(winner) => Ok(winner),
        None => {
            race.failures.sort_by_key(|(place, ..)| *place);
            let failures = race.failures.into_iter().map(|(_, addr, error)| (addr, error));
            Err(all_failed(CannotConnect(&target), failures.collect()))
        }
    }
}

struct Race {
    /// Addresses not yet tried, with their places in the list.
    next: VecDeque<(usize, SocketAddr)>,
    plan: Plan,
    running: Vec<(usize, Connecting)>,
    /// There while an attempt has the field to itself and another waits for it.
    stagger: Option<Pin<Box<Sleep>>>,
    failures: Vec<(usize, String, io::Error)>,
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
                None => self.plan.stagger.is_some(),
            };
            if !(failed || waited || self.running.is_empty()) {
                return Poll::Pending;
            }
            let Some((place, addr)) = self.next.pop_front() else {
                self.stagger = None;
                if self.running.is_empty() {
                    return Poll::Ready(None);
                }
                return Poll::Pending;
            };
            self.running.push((place, Connecting::from_one_of(&self.plan.locals, addr, wait)));
            self.stagger = self.plan.stagger.map(|time| Box::pin(sleep(time)));
        }
    }

    fn poll_running(&mut self, cx: &mut Context<'_>) -> Option<Registered<TcpStream>> {
        let mut index = 0;
        while let Some((place, attempt)) = self.running.get_mut(index) {
            match Pin::new(&mut *attempt).poll(cx) {
                Poll::Pending => index += 1,
                Poll::Ready(Ok(winner)) => return Some(winner),
                Poll::Ready(Err(error)) => {
                    self.failures.push((*place, attempt.addr().to_string(), error));
                    self.running.remove(index);
                }
            }
        }
        None
    }
}

/// The addresses with the families in turn, beginning with `lead` of that of the first.
pub(crate) fn interleave(addrs: Vec<SocketAddr>, lead: usize) -> Vec<SocketAddr> {
    if lead == 0 {
        return addrs;
    }
    let first_is_v6 = addrs.first().is_some_and(SocketAddr::is_ipv6);
    let (first, second): (Vec<_>, Vec<_>) =
        addrs.into_iter().partition(|addr| addr.is_ipv6() == first_is_v6);
    let (mut first, mut second) = (first.into_iter(), second.into_iter());
    let mut mixed: Vec<_> = first.by_ref().take(lead - 1).collect();
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
    fn he_03_families_take_turns_and_keep_their_order() {
        let addr = |text: &str| text.parse::<SocketAddr>().unwrap();
        let (a, b, c) = (addr("[::1]:1"), addr("[::2]:1"), addr("[::3]:1"));
        let (x, y) = (addr("1.1.1.1:1"), addr("2.2.2.2:1"));
        assert_eq!(interleave(vec![a, b, c, x, y], 1), [a, x, b, y, c]);
        assert_eq!(interleave(vec![a, b, c, x, y], 2), [a, b, x, c, y]);
        assert_eq!(interleave(vec![a, b, c, x, y], 9), [a, b, c, x, y]);
        assert_eq!(interleave(vec![a, b, x], 0), [a, b, x]);
        assert_eq!(interleave(vec![x, y, a], 1), [x, a, y]);
        assert_eq!(interleave(vec![], 1), []);
    }
}
