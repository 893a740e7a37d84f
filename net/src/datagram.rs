//! What UDP and Unix datagram sockets have in common.

use std::cell::RefCell;
use std::io;
use std::net::SocketAddr;
use std::os::fd::AsFd;

/// The longest message that either kind of socket takes without a setting of its own.
const LONGEST: usize = 64 * 1024;

/// One message, whole.
#[derive(Clone, PartialEq, Eq)]
pub struct Datagram<A> {
    /// What it says; it may be empty, which is a message like any other.
    pub data: Vec<u8>,
    /// Who sent it.
    pub from: A,
}

// What was received is not for logs: its length is.
impl<A: std::fmt::Debug> std::fmt::Debug for Datagram<A> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Datagram")
            .field("len", &self.data.len())
            .field("from", &self.from)
            .finish_non_exhaustive()
    }
}

/// A socket that receives messages.
pub(crate) trait Receive: AsFd {
    type Addr;
    fn recv_from(&self, buffer: &mut [u8]) -> io::Result<(usize, Self::Addr)>;
}

impl Receive for std::net::UdpSocket {
    type Addr = SocketAddr;
    fn recv_from(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        std::net::UdpSocket::recv_from(self, buffer)
    }
}

impl Receive for std::os::unix::net::UnixDatagram {
    type Addr = std::os::unix::net::SocketAddr;
    fn recv_from(&self, buffer: &mut [u8]) -> io::Result<(usize, Self::Addr)> {
        std::os::unix::net::UnixDatagram::recv_from(self, buffer)
    }
}

thread_local! {
    /// Where a message of unknown length is received before it is copied to a vector of its length.
    static SCRATCH: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Receives one message whole.
pub(crate) fn recv_whole<S: Receive>(socket: &S) -> io::Result<Datagram<S::Addr>> {
    SCRATCH.with_borrow_mut(|scratch| {
        scratch.resize(LONGEST, 0);
        let (len, from) = socket.recv_from(scratch)?;
        Ok(Datagram { data: scratch[..len].to_vec(), from })
    })
}

/// Sending to and receiving from a peer that the socket is connected to, and readiness. `$addr` is
/// the type of addresses.
macro_rules! datagram_methods {
    ($socket:ident, $addr:ty) => {
        impl $socket {
            /// Receives one message into `buffer`, and returns its length.
            ///
            /// 0 is an empty message, not an end. Of a message longer than `buffer` the rest is lost;
            /// [`recv_datagram`](Self::recv_datagram) loses nothing.
            ///
            /// # Errors
            ///
            /// Those of the system's `recv`, which may be about a message sent earlier:
            /// [`ConnectionRefused`](io::ErrorKind::ConnectionRefused) when nobody received it.
            ///
            /// # Cancel safety
            ///
            /// Safe: no message is lost.
            #[track_caller]
            pub fn recv<'a>(
                &'a self,
                buffer: &'a mut [u8],
            ) -> impl Future<Output = io::Result<usize>> + Send {
                self.io.io(Direction::Read, Wait::here(WaitKind::Read), |s| s.recv(buffer))
            }

            /// Receives one message into `buffer`, and returns its length and its sender.
            ///
            /// # Errors
            ///
            /// Those of [`recv`](Self::recv).
            ///
            /// # Cancel safety
            ///
            /// Safe: no message is lost.
            #[track_caller]
            pub fn recv_from<'a>(
                &'a self,
                buffer: &'a mut [u8],
            ) -> impl Future<Output = io::Result<(usize, $addr)>> + Send {
                self.io.io(Direction::Read, Wait::here(WaitKind::Read), |s| s.recv_from(buffer))
            }

            /// Receives one message of whatever length, and its sender.
            ///
            /// It costs a copy, and cuts nothing off.
            ///
            /// # Errors
            ///
            /// Those of [`recv`](Self::recv).
            ///
            /// # Cancel safety
            ///
            /// Safe: no message is lost.
            #[track_caller]
            pub fn recv_datagram(
                &self,
            ) -> impl Future<Output = io::Result<Datagram<$addr>>> + Send {
                self.io.io(Direction::Read, Wait::here(WaitKind::Read), recv_whole)
            }

            /// Sends `data` as one message to the peer that the socket is connected to.
            ///
            /// # Errors
            ///
            /// Those of the system's `send`: too long a message; no peer.
            ///
            /// # Cancel safety
            ///
            /// Safe: nothing has been sent.
            #[track_caller]
            pub fn send<'a>(
                &'a self,
                data: &'a [u8],
            ) -> impl Future<Output = io::Result<usize>> + Send {
                self.io.io(Direction::Write, Wait::here(WaitKind::Write), |s| send(s, data))
            }

            /// Receives a message that is there now.
            ///
            /// # Errors
            ///
            /// [`WouldBlock`](io::ErrorKind::WouldBlock) when there is none; else those of
            /// [`recv`](Self::recv).
            pub fn try_recv(&self, buffer: &mut [u8]) -> io::Result<usize> {
                self.io.try_io(Direction::Read, |s| s.recv(buffer))
            }

            /// Receives a message that is there now, with its sender.
            ///
            /// # Errors
            ///
            /// Those of [`try_recv`](Self::try_recv).
            pub fn try_recv_from(&self, buffer: &mut [u8]) -> io::Result<(usize, $addr)> {
                self.io.try_io(Direction::Read, |s| s.recv_from(buffer))
            }

            /// Sends a message if it can be sent now.
            ///
            /// # Errors
            ///
            /// [`WouldBlock`](io::ErrorKind::WouldBlock) when it cannot; else those of
            /// [`send`](Self::send).
            pub fn try_send(&self, data: &[u8]) -> io::Result<usize> {
                self.io.try_io(Direction::Write, |s| send(s, data))
            }

            /// Waits until receiving is worth trying.
            ///
            /// # Errors
            ///
            /// When there is no runtime, or it has been shut down.
            ///
            /// # Cancel safety
            ///
            /// Safe.
            #[track_caller]
            pub fn readable(&self) -> impl Future<Output = io::Result<()>> + Send {
                let wait = Wait::here(WaitKind::Readiness);
                poll_fn(move |cx| self.io.poll_ready(Direction::Read, wait, cx).map_ok(|_| ()))
            }

            /// Waits until sending is worth trying.
            ///
            /// # Errors
            ///
            /// When there is no runtime, or it has been shut down.
            ///
            /// # Cancel safety
            ///
            /// Safe.
            #[track_caller]
            pub fn writable(&self) -> impl Future<Output = io::Result<()>> + Send {
                let wait = Wait::here(WaitKind::Readiness);
                poll_fn(move |cx| self.io.poll_ready(Direction::Write, wait, cx).map_ok(|_| ()))
            }

            /// Waits until receiving is worth trying; the poll form of [`readable`](Self::readable).
            ///
            /// # Errors
            ///
            /// Those of [`readable`](Self::readable).
            #[track_caller]
            pub fn poll_recv_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                let wait = Wait::here(WaitKind::Readiness);
                self.io.poll_ready(Direction::Read, wait, cx).map_ok(|_| ())
            }

            /// Waits until sending is worth trying; the poll form of [`writable`](Self::writable).
            ///
            /// # Errors
            ///
            /// Those of [`writable`](Self::writable).
            #[track_caller]
            pub fn poll_send_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                let wait = Wait::here(WaitKind::Readiness);
                self.io.poll_ready(Direction::Write, wait, cx).map_ok(|_| ())
            }

            /// Tries an operation of the caller's own on the socket, once.
            ///
            /// If it fails with [`WouldBlock`](io::ErrorKind::WouldBlock), the next wait in
            /// `direction` waits for an event.
            ///
            /// # Errors
            ///
            /// Those of `operation`.
            pub fn try_io<R>(
                &self,
                direction: Direction,
                operation: impl FnOnce() -> io::Result<R>,
            ) -> io::Result<R> {
                self.io.try_io(direction, |_| operation())
            }

            /// Performs an operation of the caller's own on the socket as soon as it does not block.
            ///
            /// # Errors
            ///
            /// Those of `operation`.
            ///
            /// # Cancel safety
            ///
            /// Safe: the operation has not happened.
            #[track_caller]
            pub fn async_io<R>(
                &self,
                direction: Direction,
                mut operation: impl FnMut() -> io::Result<R>,
            ) -> impl Future<Output = io::Result<R>> {
                let wait = Wait::here(match direction {
                    Direction::Read => WaitKind::Read,
                    Direction::Write => WaitKind::Write,
                });
                poll_fn(move |cx| self.io.poll_io(direction, wait, cx, |_| operation()))
            }

            /// Takes the error that the socket has to report, if there is one.
            ///
            /// # Errors
            ///
            /// Those of the system's `getsockopt`.
            pub fn take_error(&self) -> io::Result<Option<io::Error>> {
                self.io.get_ref().take_error()
            }

            /// Our address.
            ///
            /// # Errors
            ///
            /// Those of the system's `getsockname`.
            pub fn local_addr(&self) -> io::Result<$addr> {
                self.io.get_ref().local_addr()
            }

            /// The address of the peer that the socket is connected to.
            ///
            /// # Errors
            ///
            /// [`NotConnected`](io::ErrorKind::NotConnected) when there is none.
            pub fn peer_addr(&self) -> io::Result<$addr> {
                self.io.get_ref().peer_addr()
            }

            buffer_size_methods!(io);
        }

        socket_traits!($socket, |this| &this.io);
    };
}

pub(crate) use datagram_methods;
