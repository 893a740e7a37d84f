//! What a primitive tells the runtime that drives it, without knowing which one it is.
//!
//! A thread that polls a task points [`Tls::task`] at the task's [`TaskHead`]. A leaf future that returns
//! `Pending` leaves one word there: where in the source it waits ([`Site`]), and for what ([`WaitKind`]). Under
//! another executor the pointer is null and nothing happens.

mod budget;
mod kind;
mod site;
mod task;

pub use budget::{BUDGET, budget_is_spent, is_spent, poll_budget, spend};
pub use kind::WaitKind;
pub use site::{Caller, Site};
pub use task::{
    TaskHead, Tls, current_task_id, forbid_blocking, set_wait, set_wait_for_several, set_wait_on,
    with_tls,
};
