//! threads: calls that block, and threads that wait for tasks.

mod abandoned;
mod calls;
mod ends;
mod waiting;

use corio::context_var;

context_var! {
    static WHO: &'static str = "nobody";
}
