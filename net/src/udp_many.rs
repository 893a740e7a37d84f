//! Many datagrams at once.

use std::fmt;
use std::io;
use std::net::SocketAddr;

use corio_runtime::reactor::{Direction, Wait};
use corio_sync::hooks::WaitKind;

use crate::error::invalid;
use crate::udp::UdpSocket;

/// Memory for datagrams that are received together; for [`UdpSocket::recv_many`].
///
/// # Examples
///
/// ```
/// use corio_net::{Datagrams, UdpSocket};
///
/// # corio_runtime::run(async {
/// let server = UdpSocket::bind("127.0.0.1:0").await?;
/// let client = UdpSocket::bind("127.0.0.1:0").await?;
/// let to = server.local_addr()?;
/// client.send_many(&[(b"one", to), (b"two", to)]).await?;
///
/// let mut datagrams = Datagrams::new(16, 1500);
/// let mut received = Vec::new();
/// while received.len() < 2 {
///     server.recv_many(&mut datagrams).await?;
///     received.extend(datagrams.iter().map(|datagram| datagram.data.to_vec()));
/// }
/// assert_eq!(received, [b"one", b"two"]);
/// # Ok::<(), std::io::Error>(()) }).unwrap();
/// ```
pub struct Datagrams {
    memory: Vec<u8>,
    size: usize,
    arrivals: Vec<Arrival>,
    /// How many of them are of the last call.
    count: usize,
}

#[cfg(target_os = "linux")]
use corio_runtime::reactor::messages::{Arrival, MOST};

#[cfg(not(target_os = "linux"))]
const MOST: usize = 64;

#[cfg(not(target_os = "linux"))]
#[derive(Clone, Copy, Default)]
struct Arrival {
    len: usize,
    from: Option<SocketAddr>,
    truncated: bool,
}

/// One of several datagrams; from [`Datagrams::iter`].
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct DatagramRef<'a> {
    /// What it says; it may be empty.
    pub data: &'a [u8],
    /// Who sent it.
    pub from: SocketAddr,
    /// It was longer than the memory for it, and the rest is lost.
    pub truncated: bool,
}

// What was received is not for logs: its length is.
impl fmt::Debug for DatagramRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DatagramRef")
            .field("len", &self.data.len())
            .field("from", &self.from)
            .field("truncated", &self.truncated)
            .finish()
    }
}

impl Datagrams {
    /// Memory for `count` datagrams of up to `size` bytes. More than 64 are never received in one call.
    ///
    /// # Panics
    ///
    /// When one of them is 0.
    #[track_caller]
    pub fn new(count: usize, size: usize) -> Self {
        assert!(count > 0 && size > 0, "there must be room for one datagram of one byte");
        let count = count.min(MOST);
        Self {
            memory: vec![0; count * size],
            size,
            arrivals: vec![Arrival::default(); count],
            count: 0,
        }
    }

    /// How many datagrams the last call received.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The datagrams of the last call, in the order in which they came.
    pub fn iter(&self) -> impl Iterator<Item = DatagramRef<'_>> {
        let parts = self.memory.chunks_exact(self.size).zip(&self.arrivals).take(self.count);
        parts.filter_map(|(part, arrival)| {
            let (data, truncated) = (&part[..arrival.len], arrival.truncated);
            Some(DatagramRef { data, from: arrival.from?, truncated })
        })
    }

    #[cfg(target_os = "linux")]
    fn fill(&mut self, socket: &std::net::UdpSocket) -> io::Result<usize> {
        use std::os::fd::AsFd;
        corio_runtime::reactor::messages::recv_many(
            socket.as_fd(),
            &mut self.memory,
            self.size,
            &mut self.arrivals,
        )
    }

    /// One call for each, where the system has none for many.
    #[cfg(not(target_os = "linux"))]
    fn fill(&mut self, socket: &std::net::UdpSocket) -> io::Result<usize> {
        let mut count = 0;
        // Longer by one than what is wanted, so that a cut shows.
        let mut scratch = vec![0; self.size + 1];
        for (part, arrival) in self.memory.chunks_exact_mut(self.size).zip(&mut self.arrivals) {
            let (len, from) = match socket.recv_from(&mut scratch) {
                Ok(received) => received,
                Err(_) if count > 0 => break,
                Err(error) => return Err(error),
            };
            let kept = len.min(part.len());
            part[..kept].copy_from_slice(&scratch[..kept]);
            *arrival = Arrival { len: kept, from: Some(from), truncated: len > kept };
            count += 1;
        }
        Ok(count)
    }
}

impl fmt::Debug for Datagrams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Datagrams")
            .field("len", &self.count)
            .field("room", &self.arrivals.len())
            .field("size", &self.size)
            .finish()
    }
}

impl UdpSocket {
    /// Receives the datagrams that are there, as many as there is room for, waiting until there is one.
    /// Returns how many.
    ///
    /// On Linux it is one system call; elsewhere one for each.
    ///
    /// # Errors
    ///
    /// Those of [`recv`](Self::recv).
    ///
    /// # Cancel safety
    ///
    /// Safe: no datagram is lost.
    #[track_caller]
    #[doc(alias = "recvmmsg")]
    pub fn recv_many<'a>(
        &'a self,
        datagrams: &'a mut Datagrams,
    ) -> impl Future<Output = io::Result<usize>> + Send {
        datagrams.count = 0;
        self.io().io(Direction::Read, Wait::here(WaitKind::Read), move |socket| {
            datagrams.count = datagrams.fill(socket)?;
            Ok(datagrams.count)
        })
    }

    /// Sends all of `messages`, each to its address, in order. Each of them is a datagram of its own.
    ///
    /// On Linux up to 64 go with one system call.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) when a socket of one family is to send to the other; else
    /// those of [`send_to`](Self::send_to) for the first one that cannot be sent: those before it are sent,
    /// those behind it not.
    ///
    /// # Cancel safety
    ///
    /// Unsafe: some of them may be sent, and nothing says how many.
    #[track_caller]
    #[doc(alias = "sendmmsg")]
    pub fn send_many<'a, D: AsRef<[u8]> + Sync>(
        &'a self,
        messages: &'a [(D, SocketAddr)],
    ) -> impl Future<Output = io::Result<()>> + Send + 'a {
        let wait = Wait::here(WaitKind::Write);
        async move {
            let ours = self.local_addr()?;
            if let Some((_, to)) = messages.iter().find(|(_, to)| to.is_ipv4() != ours.is_ipv4()) {
                return Err(other_family(ours, *to));
            }
            let mut rest = messages;
            while !rest.is_empty() {
                let batch: Vec<_> =
                    rest.iter().take(MOST).map(|(data, to)| (data.as_ref(), Some(*to))).collect();
                let sent =
                    self.io().io(Direction::Write, wait, |socket| send(socket, &batch)).await?;
                rest = &rest[sent..];
            }
            Ok(())
        }
    }
}

/// A socket sends within its family only; the system's own words for it do not say so.
pub(crate) fn other_family(ours: SocketAddr, to: SocketAddr) -> io::Error {
    let name = |addr: SocketAddr| if addr.is_ipv4() { "IPv4" } else { "IPv6" };
    invalid(format_args!(
        "cannot send to {to}: it is an address of {}, and the socket at {ours} is one of {}",
        name(to),
        name(ours)
    ))
}

#[cfg(target_os = "linux")]
fn send(socket: &std::net::UdpSocket, batch: &[(&[u8], Option<SocketAddr>)]) -> io::Result<usize> {
    use std::os::fd::AsFd;
    corio_runtime::reactor::messages::send_many(socket.as_fd(), batch)
}

#[cfg(not(target_os = "linux"))]
fn send(socket: &std::net::UdpSocket, batch: &[(&[u8], Option<SocketAddr>)]) -> io::Result<usize> {
    let mut sent = 0;
    for (data, to) in batch {
        let Some(to) = to else { break };
        match socket.send_to(data, to) {
            Ok(_) => sent += 1,
            Err(_) if sent > 0 => break,
            Err(error) => return Err(error),
        }
    }
    Ok(sent)
}
