//! What makes a loop of operations that are always ready give way to other tasks.

use std::task::{Context, Poll};

use super::task::with_tls;

/// How many operations a task may complete in one poll before the leaves tell it to give way. tokio's figure.
pub const BUDGET: u32 = 128;

/// How often wakers that are not the task's are refused, before the leaves take it that the task has no way
/// to give way.
const REFUSALS: u32 = 1024;

const LEFT: u32 = 0xffff;
const ONE_REFUSAL: u32 = LEFT + 1;

/// Asks whether a leaf may complete another operation in this poll.
///
/// Ready means go on; call [`spend`] when the operation completes. Pending means that the task has
/// completed so many without a pause that others should run first: the waker is already woken, and
/// the leaf returns `Pending` without registering anything.
#[inline]
pub fn poll_budget(cx: &mut Context<'_>) -> Poll<()> {
    if budget_is_spent() {
        return give_way(cx);
    }
    Poll::Ready(())
}

/// The budget is spent: `Pending`, unless that leads nowhere.
///
/// What polls with a waker of its own may be a combinator, which will give way when it has asked its other
/// futures; or the `block_on` of another executor within the task, which would ask for ever, because only
/// the task's return brings a new budget. A combinator does not come a thousand times in one poll of the
/// task, so who does gets another budget.
#[cold]
fn give_way(cx: &mut Context<'_>) -> Poll<()> {
    let granted = with_tls(|tls| {
        // A task's waker holds the address of its header, which begins with the head.
        if std::ptr::eq(cx.waker().data(), tls.task().cast()) {
            return false;
        }
        let refused = tls.budget.get() + ONE_REFUSAL;
        let enough = refused / ONE_REFUSAL > REFUSALS;
        tls.budget.set(if enough { BUDGET } else { refused });
        enough
    });
    if granted {
        return Poll::Ready(());
    }
    cx.waker().wake_by_ref();
    Poll::Pending
}

/// Whether the budget of this poll is spent, so that a leaf that is asked now gives no answer.
#[inline]
pub fn budget_is_spent() -> bool {
    with_tls(|tls| is_spent(tls.budget.get()))
}

/// Whether `budget`, a word of [`Tls::budget`](super::Tls::budget), is spent.
#[inline]
pub fn is_spent(budget: u32) -> bool {
    budget & LEFT == 1
}

/// Takes one operation off the budget.
#[inline]
pub fn spend() {
    with_tls(|tls| {
        let budget = tls.budget.get();
        if budget & LEFT > 1 {
            tls.budget.set(budget - 1);
        }
    });
}
