//! Groups of tasks, waiting for the first or for all, cancelling, and cleaning up.

use super::{Kind, Workload};
use crate::work_body::Place;

pub(super) fn list(list: &mut Vec<Workload>) {
    let mut add = |group, name, batch, floor, about| {
        let kind = Kind::Loop { body: name, place: Place::Worker, batch, counts: 1 };
        list.push(Workload { floor, ..Workload::new(group, name, about, kind) });
    };
    let mut structure = |name, batch, about| add("structure", name, batch, 1.5, about);
    structure("group_1000", 1000, "a child of a group of 1,000 that do nothing, waited for");
    structure("group_1000_values", 1000, "the same, with the value of each child");
    structure(
        "group_cancel_1000",
        1000,
        "a sleeping child of a group of 1,000, cancelled and gone",
    );
    structure("select_2_ready", 1, "the first of two futures, one ready, one pending for ever");
    structure("select_2", 1, "the first of two futures, one pending once, one for ever");
    structure("select_2_receive", 1, "a message, in a loop that would also hear of an end");
    structure("join_10_ready", 1, "all of ten futures that are ready");
    structure("join_10", 1, "all of ten futures, each pending once");
    structure("cancel_sleeping", 1, "spawn a task that sleeps, cancel it, wait until it is gone");
    let about = "the same with 1,000 tasks at a time";
    structure("cancel_sleeping_1000", 1000, about);

    let mut cleanup = |name, about| add("cleanup", name, 1000, 1.0, about);
    cleanup("plain_task", "spawn 1,000 tasks that wait once, then await them");
    let about = "the same where a cleanup has run before and another is still owed by a task";
    cleanup("plain_task_beside", about);
    let about = "the same, each with a cleanup (elsewhere: code that no cancel would reach)";
    cleanup("cleanup_task", about);
}
