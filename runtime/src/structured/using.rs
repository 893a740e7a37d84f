//! Using something that takes a wait to close.

use std::sync::Arc;

use corio_sync::prim::SpinLock;

use super::finally::finally;

/// The resource while the body has it; whatever becomes of the body, it goes back to where `close` finds it.
struct Lent<R> {
    resource: Option<R>,
    back_to: Arc<SpinLock<Option<R>>>,
}

impl<R> Drop for Lent<R> {
    fn drop(&mut self) {
        let resource = self.resource.take();
        *self.back_to.lock() = resource;
    }
}

/// Runs `body` with `resource`, then closes the resource, whatever becomes of the body. Python's `async with`.
///
/// It is [`finally`] with something that both the body and the cleanup need: the body borrows it, and
/// `close` gets it, by value, when everything in the body has been cleaned up. All that is said of
/// [`finally`] holds: the closing runs to its end whether the body returns, panics, or is dropped because its
/// task was cancelled, a timeout elapsed, or it lost a `select!`, and whoever dropped it waits for that.
///
/// A call that is never polled does not close the resource but drops it; so open, and await this at once.
/// Several resources that are opened one after the other go on a [`CleanupStack`](super::CleanupStack).
///
/// # Panics
///
/// When the body or the closing panics; a panic of the body comes out after the closing.
///
/// # Cancel safety
///
/// Safe, but a result that the body gave while the resource was being closed is lost.
///
/// # Examples
///
/// ```
/// use corio_runtime::structured::using;
/// use corio_runtime::time::{sleep, timeout};
/// use std::time::Duration;
///
/// struct Session(std::sync::mpsc::Sender<&'static str>);
///
/// impl Session {
///     async fn query(&mut self) -> u32 {
///         sleep(Duration::from_secs(600)).await;
///         7
///     }
///     async fn close(self) {
///         sleep(Duration::from_millis(1)).await; // say goodbye
///         self.0.send("closed").unwrap();
///     }
/// }
///
/// # corio_runtime::run(async {
/// let (log, logged) = std::sync::mpsc::channel();
/// let work = using(Session(log), async |session| session.query().await, Session::close);
/// assert!(timeout(Duration::from_millis(5), work).await.is_err());
/// assert_eq!(logged.try_recv(), Ok("closed"));
/// # });
/// ```
#[doc(alias("with", "async with", "aclosing", "asynccontextmanager", "bracket"))]
#[track_caller]
pub fn using<R, T, B, C, F>(resource: R, body: B, close: C) -> impl Future<Output = T>
where
    R: Send + 'static,
    B: AsyncFnOnce(&mut R) -> T,
    C: FnOnce(R) -> F + Send + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let slot = Arc::new(SpinLock::new(None));
    let lent = Lent { resource: Some(resource), back_to: slot.clone() };
    let body = async move {
        let mut lent = lent;
        match &mut lent.resource {
            Some(resource) => body(resource).await,
            None => unreachable!("the resource goes back when this is dropped"),
        }
    };
    let closing = move || async move {
        let resource = slot.lock().take();
        if let Some(resource) = resource {
            close(resource).await;
        }
    };
    finally(body, closing)
}
