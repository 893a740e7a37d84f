//! cancelling.

mod awaited;
mod catching;
mod requests;
mod resources;

use crate::common::Log;

/// A body that says when it begins, and never ends; what it holds says when it is dropped.
fn endless(log: &Log) -> impl Future<Output = ()> + Send + 'static {
    let (theirs, guard) = (log.clone(), crate::common::OnDrop(log.clone(), "dropped"));
    async move {
        let _guard = guard;
        theirs.add("begun");
        std::future::pending::<()>().await;
        theirs.add("went on");
    }
}
