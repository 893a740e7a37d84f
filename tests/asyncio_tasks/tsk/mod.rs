//! tasks.

mod awaiting;
mod making;
mod seeing;
mod unawaited;
