//! The extension traits, to be imported together: `use corio_io::prelude::*;`.
//!
//! They are imported without their names, so that they never stand in the way of another trait of
//! the same name.

pub use crate::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncSeekExt as _, AsyncWriteExt as _};
pub use futures_io::{AsyncBufRead, AsyncRead, AsyncSeek, AsyncWrite};
