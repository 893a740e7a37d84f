//! A plan of failing system calls for one thread, for tests.

use std::cell::RefCell;
use std::io;

use super::Call;

#[derive(Debug, Default)]
struct Plan {
    /// Which call fails, with which error, and how many calls of it succeed before that.
    failures: Vec<(Call, i32, usize)>,
    /// Every call made on this thread since `record`.
    made: Option<Vec<Call>>,
}

thread_local! {
    static PLAN: RefCell<Plan> = RefCell::default();
}

/// Ends the plan of this thread when dropped.
#[derive(Debug)]
pub(crate) struct Faults(());

/// Makes the call of kind `call` that follows `after` successful ones fail with `errno`, once.
pub(crate) fn fail(call: Call, errno: i32, after: usize) -> Faults {
    PLAN.with_borrow_mut(|plan| plan.failures.push((call, errno, after)));
    Faults(())
}

/// Starts to write down the calls of this thread.
pub(crate) fn record() -> Faults {
    PLAN.with_borrow_mut(|plan| plan.made = Some(Vec::new()));
    Faults(())
}

impl Faults {
    /// How many calls of kind `call` have been recorded.
    pub(crate) fn made(&self, call: Call) -> usize {
        PLAN.with_borrow(|plan| plan.made.iter().flatten().filter(|made| **made == call).count())
    }
}

impl Drop for Faults {
    fn drop(&mut self) {
        PLAN.take();
    }
}

pub(super) fn step(call: Call) -> io::Result<()> {
    PLAN.with_borrow_mut(|plan| {
        if let Some(made) = &mut plan.made {
            made.push(call);
        }
        let Some(index) = plan.failures.iter().position(|(kind, ..)| *kind == call) else {
            return Ok(());
        };
        let (_, errno, after) = &mut plan.failures[index];
        if *after > 0 {
            *after -= 1;
            return Ok(());
        }
        let errno = *errno;
        plan.failures.remove(index);
        Err(io::Error::from_raw_os_error(errno))
    })
}
