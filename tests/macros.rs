//! The macros, as a crate sees them that names `corio` alone.

use std::time::Duration;

#[corio::test]
async fn a_test_is_a_test() {
    assert!(corio::task::try_current().is_some() || corio::Handle::try_current().is_ok());
}

#[corio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_test_may_have_threads() {
    assert_eq!(corio::Handle::current().metrics().workers, 2);
}

#[corio::test(start_paused = true, timeout = "2h")]
async fn a_paused_test_takes_no_time() {
    let start = std::time::Instant::now();
    corio::sleep(Duration::from_secs(3600)).await;
    assert!(start.elapsed() < Duration::from_secs(60));
}

#[corio::test(start_paused = true, timeout = "1h")]
#[should_panic(expected = "timeout of 3600s")]
async fn a_test_that_takes_too_long_fails() {
    corio::sleep(Duration::from_secs(3601)).await;
}

#[corio::test(seed = 7)]
async fn a_seeded_test() -> Result<(), corio::TaskError> {
    corio::spawn(async {}).await
}

#[corio::test]
#[should_panic(expected = "as planned")]
async fn a_test_may_panic() {
    panic!("as planned");
}

#[test]
fn main_is_a_plain_function() {
    #[corio::main(flavor = "current_thread", start_paused = true)]
    async fn main() -> Result<u32, std::io::Error> {
        corio::sleep(Duration::from_secs(3600)).await;
        Ok(corio::spawn(async { 42 }).await?)
    }
    assert_eq!(main().unwrap(), 42);
}

#[corio::test]
async fn select_takes_the_first() {
    let mut count = 0;
    let won = corio::select! {
        _ = corio::sleep(Duration::from_secs(60)) => "slow",
        () = corio::yield_now() => { count += 1; "quick" }
    };
    assert_eq!((won, count), ("quick", 1));
}

#[corio::test]
async fn select_has_patterns_guards_and_else() {
    let pick = async |wanted: bool| {
        corio::select! {
            Some(n) = async { None::<i32> } => n,
            n = async { 2 }, if wanted => n,
            else => 3,
        }
    };
    assert_eq!((pick(true).await, pick(false).await), (2, 3));
}

#[corio::test]
async fn select_handlers_may_leave_the_function() -> Result<(), std::io::Error> {
    for _ in 0..3 {
        corio::select! {
            biased;
            result = async { Ok::<_, std::io::Error>(1) } => { result?; continue }
            _ = std::future::pending::<()>() => unreachable!(),
        }
    }
    corio::select! {
        () = async {} => return Ok(()),
        else => {}
    }
    unreachable!("the handler has returned")
}

#[corio::test(seed = 1)]
async fn select_starves_nobody() {
    let mut counts = [0; 3];
    for _ in 0..300 {
        corio::select! {
            () = async {} => counts[0] += 1,
            () = async {} => counts[1] += 1,
            () = async {} => counts[2] += 1,
        }
    }
    assert!(counts.iter().all(|count| *count > 30), "{counts:?}");
}

#[corio::test]
async fn each_branch_is_the_first_equally_often_also_where_others_draw_in_between() {
    let mut counts = [0; 6];
    for _ in 0..6000 {
        corio::select! {
            outer = async { 0 } => counts[outer] += 1,
            outer = async { 1 } => counts[outer] += 1,
            inner = async {
                corio::select! { inner = async { 2 } => inner, inner = async { 3 } => inner }
            } => counts[inner] += 1,
            inner = async {
                corio::select! { inner = async { 4 } => inner, inner = async { 5 } => inner }
            } => counts[inner] += 1,
        }
    }
    // Two with a quarter of the rounds each, and four with an eighth.
    assert!(counts[..2].iter().all(|count| (1200..1800).contains(count)), "{counts:?}");
    assert!(counts[2..].iter().all(|count| (550..950).contains(count)), "{counts:?}");
}

#[corio::test(start_paused = true)]
async fn a_select_dropped_while_it_waits_leaves_the_wait_to_who_drops_it() {
    let (ended, mut ends) = corio::sync::mpsc::unbounded();
    let select = async {
        corio::select! {
            biased;
            _ = corio::finally(std::future::pending::<()>(), || async move {
                corio::sleep(Duration::from_secs(3)).await;
                ended.send(()).ok();
            }) => {}
            held = async { String::from("the winner's") } => drop(held),
        }
        unreachable!("given up before")
    };
    let given_up: Result<(), _> = corio::timeout(Duration::from_secs(1), select).await;
    assert!(given_up.is_err());
    assert_eq!(ends.try_recv(), Ok(()));
}

#[test]
fn mains_with_and_without_the_core_wake_themselves() {
    let runtime = corio::runtime::Builder::new_current_thread().build().unwrap();
    let turns = |turns: usize| async move {
        for _ in 0..turns {
            let mut polled = false;
            std::future::poll_fn(|cx| {
                if std::mem::replace(&mut polled, true) {
                    return std::task::Poll::Ready(());
                }
                cx.waker().wake_by_ref();
                cx.waker().wake_by_ref();
                std::task::Poll::Pending
            })
            .await;
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| runtime.block_on(turns(10_000)));
        }
    });
    runtime.block_on(async { corio::join!(turns(10), corio::spawn(turns(10))) }).1.unwrap();
}

#[corio::test]
async fn join_borrows_and_returns_in_order() {
    let text = String::from("text");
    let (length, (), upper) = corio::join!(
        async {
            corio::sleep(Duration::from_millis(1)).await;
            text.len()
        },
        corio::yield_now(),
        async { text.to_uppercase() },
    );
    assert_eq!((length, &upper[..]), (4, "TEXT"));
}

#[corio::test]
async fn try_join_stops_at_the_first_error() {
    let failed: Result<((), ()), &str> =
        corio::try_join!(std::future::pending(), async { Err("failed") });
    assert_eq!(failed, Err("failed"));
    assert_eq!(corio::try_join!(async { Ok::<_, ()>(1) }, async { Ok(2) }), Ok((1, 2)));
}
