//! Mains that more than one test program plays in a process of its own.

use std::future::pending;

use corio::finally;

use crate::roles::say;

#[corio::main(flavor = "current_thread", cancel_on_ctrl_c = true)]
pub(crate) async fn cancels_itself() {
    say("ready");
    corio::task::current().cancel();
    pending::<()>().await;
}

#[corio::main(flavor = "current_thread", cancel_on_ctrl_c = true)]
pub(crate) async fn cleans_up_for_ever() {
    let body = async {
        say("ready");
        pending::<()>().await;
    };
    let cleanup = || async {
        say("cleaning up");
        pending::<()>().await;
    };
    finally(body, cleanup).await;
}
