//! Sockets of the corio async runtime.
//!
//! *Which one do I want?* [`TcpStream`] and [`TcpListener`] for connections over a network,
//! [`UnixStream`] and [`UnixListener`] for those within one machine, [`UdpSocket`] and
//! [`UnixDatagram`] for single messages. [`TcpSocket`] and [`ListenOptions`] set what has to be set
//! before a socket is connected or listens; [`lookup_host`] asks the resolver.
//!
//! All are non-blocking sockets in the reactor of the core that first waits for them. Reading and writing
//! take `&self`, so one task may read while another writes, and several may wait in one direction; the
//! streams also implement futures-io's `AsyncRead` and `AsyncWrite`, as do references to them.
//!
//! Every descriptor is closed on exec from birth, and no write raises `SIGPIPE`.

#![forbid(unsafe_code)]
#![cfg_attr(
    not(feature = "streams"),
    allow(dead_code, reason = "streams use parts of sockets that nobody else does")
)]

mod accept;
mod addr;
mod connect;
mod datagram;
mod error;
mod handed_over;
mod happy;
mod host;
mod methods;
mod open_datagram;
mod options;
mod resolve;
mod rt;
mod say;
mod send_file;
#[cfg(feature = "streams")]
mod server;
mod socket;
mod split;
mod stream_core;
#[cfg(feature = "streams")]
mod streams;
mod tcp_listener;
mod tcp_socket;
mod tcp_stream;
#[cfg(feature = "tls")]
pub mod tls;
mod udp;
mod udp_many;
mod unix_addr;
mod unix_datagram;
mod unix_listener;
mod unix_stream;

pub use accept::{Accept, Incoming};
pub use addr::{Addrs, ToSocketAddrs};
pub use datagram::Datagram;
pub use handed_over::{HandedOver, handed_over};
pub use open_datagram::{MaybeAddr, open_datagram};
pub use options::{Keepalive, ListenOptions, UnixListenOptions};
pub use resolve::lookup_host;
#[cfg(feature = "streams")]
pub use server::{HandlerResult, Server, ServerOptions, start_server, start_unix_server};
pub use split::{OwnedReadHalf, OwnedWriteHalf, ReadHalf, ReuniteError, WriteHalf};
#[cfg(feature = "streams")]
pub use streams::{
    ConnectOptions, DEFAULT_LIMIT, Drain, IncompleteRead, LimitOverrun, Lines, StreamReader,
    StreamWriter, open_connection, open_unix_connection, stream_pair,
};
pub use tcp_listener::TcpListener;
pub use tcp_socket::TcpSocket;
pub use tcp_stream::TcpStream;
#[cfg(feature = "tls")]
pub use tls::{
    TlsAcceptor, TlsConnector, TlsInfo, open_connection_tls, start_tls, start_tls_server,
};
pub use udp::UdpSocket;
pub use udp_many::{DatagramRef, Datagrams};
pub use unix_datagram::UnixDatagram;
pub use unix_listener::UnixListener;
#[cfg(target_os = "linux")]
pub use unix_stream::PeerCredentials;
pub use unix_stream::UnixStream;
