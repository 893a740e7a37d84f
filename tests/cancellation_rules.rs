//! The rules of docs/cancellation.md, each with the test that holds it. The tests here are for those rules that no
//! other file is about.
#![allow(clippy::disallowed_types, reason = "the tests stand outside of the runtime")]

mod common;

use std::future::{Future, pending};
use std::path::Path;
use std::pin::pin;
use std::process::Command;
use std::time::Duration;

use common::{LONG, Log, OnDrop, multi, on_all, poll_once, single};
use corio::structured::current_deadline;
use corio::{CancelScope, CancelToken, catch_cancel, finally, finally_local, timeout};

const CLEANUPS: &str = "tests/structured/cleanups.rs";
const GROUPS: &str = "tests/structured/groups.rs";
const TOGETHER: &str = "tests/structured/together.rs";
const RT_CANCEL_CLEANUPS: &str = "runtime/tests/cancel/cleanups.rs";
const RT_ENDS: &str = "runtime/tests/cleanups/ends.rs";
const RT_FINALLY: &str = "runtime/tests/cleanups/finally.rs";
const RT_LIMITS: &str = "runtime/tests/cleanups/limits.rs";
const RT_LOCAL: &str = "runtime/tests/cleanups/local.rs";
const RT_OUTSIDE: &str = "runtime/tests/cleanups/outside.rs";
const RT_PANICS: &str = "runtime/tests/cleanups/panics.rs";
const RT_VARIABLES: &str = "runtime/tests/cleanups/variables.rs";
const RT_CHILDREN: &str = "runtime/tests/groups/children.rs";
const REQUESTS: &str = "tests/asyncio_tasks/can/requests.rs";
const CATCHING: &str = "tests/asyncio_tasks/can/catching.rs";
const CALLS: &str = "tests/asyncio_time/th/abandoned.rs";
const HERE: &str = "tests/cancellation_rules.rs";

/// What the page says, where it is tested, and by what.
#[rustfmt::skip]
const RULES: &[(&str, &str, &str)] = &[
    ("Cancelling a task drops its future", REQUESTS, "can_01_a_task_ends_where_it_waits"),
    ("it is done, and whoever awaits it goes on, when the set is empty", CLEANUPS, "a_task_is_not_done_before_its_cleanups_are"),
    ("cancel my children and wait until the last is gone", GROUPS, "a_dropped_group_ends_its_children_before_the_task_is_done"),
    ("so does a `TaskSet`", "runtime/tests/task_set.rs", "c04_a_set_that_is_dropped_is_waited_for"),
    ("is a `finally` whose body borrows what its cleanup closes", "tests/other_systems/acm.rs", "acm_01_what_the_body_borrows_is_closed_however_it_ends"),
    ("the body returns, or returns an error", RT_FINALLY, "cleanup_runs_when_the_body_returns"),
    ("| the body panics |", RT_PANICS, "a_panic_of_the_body_comes_out_after_the_cleanup"),
    ("its handle does not resolve before", RT_FINALLY, "cleanup_runs_when_the_task_is_cancelled_and_before_it_is_done"),
    ("a timeout elapses: `timeout`, `move_on_after`", RT_FINALLY, "a_timeout_waits_for_the_cleanup_of_what_it_drops"),
    ("a timeout elapses: `timeout`, `move_on_after`", CLEANUPS, "a_cleanup_may_use_the_whole_runtime"),
    ("a `select!`, `race`, `race_ok`, `try_join!`, `try_gather` drops a loser", TOGETHER, "a_select_waits_for_the_losers_before_its_handler"),
    ("a `select!`, `race`, `race_ok`, `try_join!`, `try_gather` drops a loser", "tests/waiting.rs", "a_race_has_one_winner_and_the_losers_are_cleaned_up"),
    ("a `select!`, `race`, `race_ok`, `try_join!`, `try_gather` drops a loser", "runtime/tests/race_ok.rs", "c04_the_losers_are_cleaned_up_before_it_returns"),
    ("a `select!`, `race`, `race_ok`, `try_join!`, `try_gather` drops a loser", TOGETHER, "a_try_join_waits_for_what_it_drops"),
    ("a `select!`, `race`, `race_ok`, `try_join!`, `try_gather` drops a loser", "tests/waiting.rs", "try_gather_stops_at_the_first_error_and_waits_for_what_it_drops"),
    ("plain `drop`, or another crate's `select!`", CLEANUPS, "what_a_plain_drop_owes_is_left_to_the_task"),
    ("the runtime, before `drop` returns", RT_ENDS, "shutdown_waits_for_cleanups"),
    ("the runtime of that thread", RT_OUTSIDE, "a_cleanup_dropped_outside_any_task_goes_to_the_runtime"),
    ("the one on which the body was polled", RT_OUTSIDE, "a_body_that_is_dropped_on_a_thread_without_a_runtime_is_cleaned_up_by_its_own"),
    ("the one on which its tasks run", "net/tests/servers.rs", "a_server_that_is_dropped_outside_any_task_is_waited_for"),
    ("holds wherever the whole is dropped, also on a plain thread", RT_OUTSIDE, "outside_any_task_children_are_cleaned_up_before_what_is_around_them"),
    ("**Inner first.**", TOGETHER, "nested_cleanups_and_groups_unwind_from_the_inside"),
    ("Two arms of a `join!` clean up concurrently", HERE, "two_arms_of_a_join_clean_up_concurrently"),
    ("A body that was never polled owes nothing", CLEANUPS, "a_body_that_was_never_polled_owes_nothing"),
    ("the last one runs first, and each runs whatever became of the others", "tests/other_systems/acm.rs", "acm_03_a_stack_runs_the_last_first_and_all"),
    ("A panic in the cleanup comes out likewise", "tests/other_systems/acm.rs", "acm_02_failures_to_open_and_to_close_are_told"),
    ("only the panic hook tells of it", REQUESTS, "can_31_a_panic_of_a_cleanup_ends_that_cleanup_only"),
    ("A cleanup sees those of the place that its `finally` is in", RT_VARIABLES, "a_cleanup_sees_the_variables_of_its_place_however_its_body_ends"),
    ("what it sets, nobody else sees", RT_VARIABLES, "a_cleanup_that_is_handed_over_has_variables_of_its_own"),
    ("**A second cancel changes nothing.**", CLEANUPS, "a_second_cancel_does_not_stop_a_cleanup"),
    ("`Runtime::shutdown_timeout` has waited for its time", RT_ENDS, "c10_a_cleanup_that_hangs_is_dropped_at_the_deadline"),
    ("`shutdown_background` waits for nothing", RT_LIMITS, "the_cleanups_that_are_dropped_are_counted"),
    ("a `CancelScope` with a `cleanup_limit` around it was cut off", RT_CANCEL_CLEANUPS, "trio_13_c10_a_cleanup_over_its_limit_is_dropped"),
    ("its runtime is gone, and it is dropped on a thread without one", HERE, "a_cleanup_without_a_place_to_run_is_told_of"),
    ("it is not `Send` (`finally_local`), and is dropped on a thread that runs no tasks", HERE, "a_cleanup_without_a_place_to_run_is_told_of"),
    ("A line on stderr tells of each", RT_LIMITS, "the_cleanups_that_are_dropped_are_counted"),
    ("A line on stderr tells of each", RT_OUTSIDE, "only_of_cleanups_that_are_lost_it_is_said_so"),
    ("What the cleanup waited for in turn is given up with it", RT_LIMITS, "the_limit_drops_a_cleanup_that_another_task_has"),
    ("waits until those that it cut off are gone", RT_LIMITS, "nothing_of_a_group_outlives_a_scope_that_limits_its_cleanups"),
    ("The body may borrow", CLEANUPS, "a_body_may_borrow_and_its_cleanup_owns"),
    ("it runs on the thread where it was made", RT_LOCAL, "a_local_cleanup_runs_on_its_thread_and_is_waited_for"),
    ("The body is gone, and with it all that it borrowed, before the cleanup starts", CLEANUPS, "the_body_is_gone_before_its_cleanup_starts"),
    ("A value that the body returned while its cleanup was running is lost", HERE, "a_value_that_waits_for_its_cleanup_is_lost_with_the_finally"),
    ("is never dropped, and never cleaned up", HERE, "a_body_that_is_leaked_is_not_cleaned_up"),
    ("each asks once, and asking again is harmless", REQUESTS, "can_05_two_requests_are_one"),
    ("cancelled before its first poll never runs its body", REQUESTS, "can_04_a_task_cancelled_at_birth_never_begins"),
    ("ends at its next `.await` that would wait", REQUESTS, "can_13_a_task_that_cancels_itself_ends_at_its_next_wait"),
    ("cannot be stopped, and is waited for", RT_CHILDREN, "a_cancelled_call_that_runs_is_waited_for"),
    ("`blocking::Options::abandon_on_cancel` is left alone instead", CALLS, "th_22_an_abandoned_call_runs_on"),
    ("neither its task nor the end of the runtime waits for it", CALLS, "th_22_the_end_does_not_wait_for_an_abandoned_call"),
    ("what it drops is cleaned up by the runtime", RT_OUTSIDE, "what_a_blocking_call_drops_is_cleaned_up_by_the_runtime"),
    ("The reason is in the task's error", REQUESTS, "can_20_the_reason_is_in_the_error"),
    ("in what `catch_cancel` gives", REQUESTS, "can_19_the_reason_arrives_in_the_body"),
    ("the first request is the one that counts", REQUESTS, "can_06_the_first_reason_counts"),
    ("the future is dropped and cleaned up, and the task goes on", CATCHING, "can_07_a_task_that_takes_its_request_gives_a_value"),
    ("stays pending, and takes effect at the task's next wait", HERE, "a_request_that_comes_too_late_to_be_taken_stays"),
    ("A `CancelScope` cuts a part of a task off, at a deadline or by its handle", "tests/cancelling.rs", "a_scope_is_cut_off_by_its_deadline_or_its_handle_and_cleaned_up"),
    ("it holds requests up until the part has ended", "tests/cancelling.rs", "a_shield_holds_a_request_up"),
    ("tells when the scopes around it cut a part off", "tests/other_systems/trio/scopes.rs", "trio_08_the_effective_deadline_is_known"),
    ("it does not know of `timeout`", HERE, "a_timeout_keeps_no_account_of_what_it_wraps"),
    ("A `CancelToken` only tells", HERE, "a_token_drops_nothing"),
];

fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Each sentence is on the page, and its test is where the table says.
#[test]
fn every_rule_has_its_test() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |file: &str| std::fs::read_to_string(root.join(file)).unwrap();
    let page = words(&read("docs/cancellation.md"));
    for (rule, file, test) in RULES {
        assert!(page.contains(&words(rule)), "the page does not say: {rule}");
        assert!(read(file).contains(&format!("fn {test}(")), "{file} has no test {test}");
    }
}

#[test]
fn two_arms_of_a_join_clean_up_concurrently() {
    on_all(|| async {
        let log = Log::default();
        let (go, gone) = corio::sync::oneshot::channel();
        let (first, second) = (log.clone(), log.clone());
        // The first cleanup waits for the second.
        let waits = finally(pending::<()>(), move || async move {
            gone.await.unwrap();
            first.add("waited");
        });
        let tells = finally(pending::<()>(), move || async move {
            second.add("told");
            go.send(()).unwrap();
        });
        let both = timeout(Duration::from_millis(2), async { corio::join!(waits, tells) });
        assert!(both.await.is_err());
        assert_eq!(log.get(), ["told", "waited"]);
    });
}

#[test]
fn a_value_that_waits_for_its_cleanup_is_lost_with_the_finally() {
    on_all(|| async {
        let log = Log::default();
        let (value, cleanup) = (OnDrop(log.clone(), "the value"), log.clone());
        let task = corio::spawn(async move {
            let mut work =
                Box::pin(finally(async move { value }, move || cleanup.slowly("closed")));
            poll_once(work.as_mut()).await;
        });
        task.await.unwrap();
        assert_eq!(log.get(), ["the value", "closed"]);
    });
}

#[test]
fn a_body_that_is_leaked_is_not_cleaned_up() {
    let log = Log::default();
    for runtime in [single(), multi(1)] {
        let theirs = log.clone();
        runtime.block_on(async {
            let mut work = Box::pin(theirs.endless("cleaned up"));
            poll_once(work.as_mut()).await;
            LEAKED.lock().unwrap().push(work);
        });
        drop(runtime);
        assert!(log.get().is_empty());
    }
}

type Leaked = std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;

/// A future in here is never dropped.
static LEAKED: std::sync::Mutex<Vec<Leaked>> = std::sync::Mutex::new(Vec::new());

#[test]
fn a_request_that_comes_too_late_to_be_taken_stays() {
    on_all(|| async {
        let log = Log::default();
        let theirs = log.clone();
        let task = corio::spawn(async move {
            // A shield holds the request up until the future has ended.
            let shielded = async {
                corio::task::current().cancel();
                corio::yield_now().await;
                7
            };
            let scope = CancelScope::new().shield(true);
            let caught = catch_cancel(scope.run(shielded)).await;
            theirs.add(format!("{caught:?}"));
            pending::<()>().await;
        });
        assert!(task.await.unwrap_err().is_cancelled());
        assert_eq!(log.get(), ["Ok(Some(7))"]);
    });
}

#[corio::test]
async fn a_timeout_keeps_no_account_of_what_it_wraps() {
    assert_eq!(timeout(LONG, async { current_deadline() }).await, Ok(None));
}

#[corio::test]
async fn a_token_drops_nothing() {
    let token = CancelToken::new();
    let mut work = pin!(async {
        token.cancelled().await;
        corio::yield_now().await;
        "ended in its own way"
    });
    poll_once(work.as_mut()).await;
    token.cancel();
    assert_eq!(work.await, "ended in its own way");
}

/// Set in the process that says what it drops.
const VARIABLE: &str = "CORIO_TEST_RULES";

#[test]
fn a_cleanup_without_a_place_to_run_is_told_of() {
    if std::env::var_os(VARIABLE).is_none() {
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "a_cleanup_without_a_place_to_run_is_told_of", "--nocapture"])
            .env(VARIABLE, "1")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{said}");
        let lines: Vec<_> = said.lines().filter(|line| line.starts_with("corio: ")).collect();
        assert_eq!(lines.len(), 2, "{said}");
        assert!(
            lines[0].contains("1 cleanup(s)") && lines[0].contains("runtime is gone"),
            "{said}"
        );
        assert!(lines[1].contains("this thread runs no tasks"), "{said}");
        return;
    }
    let never = || async { unreachable!("there is no place to run it") };
    let runtime = single();
    let mut work = Box::pin(finally(pending::<()>(), never));
    runtime.block_on(poll_once(work.as_mut()));
    drop(runtime);
    drop(work);

    let runtime = single();
    let mut work = Box::pin(finally_local(pending::<()>(), never));
    runtime.block_on(poll_once(work.as_mut()));
    drop(work);
}
