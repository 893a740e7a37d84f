//! Connections as a reader and a writer, and servers of them: asyncio's streams.
//!
//! `Conn` is what both sides share; `Outgoing` what is unsent; a `Flusher` is the task that sends it, and is
//! there only while the system takes no more; a `Hold` keeps the buffer back while a file is sent; a `Linger` reads
//! what still comes once we have closed. `Transport` hides whether there is a socket underneath.

mod buffer;
pub(crate) mod conn;
pub(crate) mod error;
mod flusher;
pub(crate) mod hold;
mod linger;
pub(crate) mod open;
pub(crate) mod outgoing;
pub(crate) mod reader;
mod search;
mod send_file;
pub(crate) mod transport;
pub(crate) mod waiters;
pub(crate) mod writer;

pub use error::{IncompleteRead, LimitOverrun};
pub use open::{ConnectOptions, open_connection, open_unix_connection, stream_pair};
pub use reader::{DEFAULT_LIMIT, Lines, StreamReader};
pub use writer::{Drain, StreamWriter};
