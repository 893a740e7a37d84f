//! `select!` against the stand-in runtime.
#![deny(warnings)]

mod rt;

use std::cell::Cell;
use std::future::{Future, pending, ready};

use rt::__private::{self, Owes};
use rt::{block_on, turns};

#[test]
fn it_returns_what_the_handler_of_the_first_branch_returns() {
    let out = block_on(async {
        select! {
            _ = turns(5) => "slow",
            x = async { turns(1).await; "fast" } => x,
        }
    });
    assert_eq!(out, "fast");
}

#[test]
fn handlers_may_be_blocks_or_expressions_with_or_without_last_comma() {
    block_on(async {
        assert_eq!(select! { x = ready(1) => x }, 1);
        assert_eq!(select! { x = ready(1) => x, }, 1);
        assert_eq!(select! { x = ready(1) => { x } }, 1);
        assert_eq!(select! { x = ready(1) => { x }, }, 1);
        assert_eq!(select! { x = ready(1) => { x } y = pending::<i32>() => { y } }, 1);
        assert_eq!(select! { x = ready(1) => { x }, y = pending::<i32>() => y }, 1);
        assert_eq!(select! { x = ready(1) => { x.to_string() }.len(), y = pending() => y }, 1);
    });
}

#[test]
fn commas_inside_generics_and_closures_do_not_separate() {
    fn two<A, B>(a: A, b: B) -> std::future::Ready<(A, B)> {
        ready((a, b))
    }
    block_on(async {
        let out = select! {
            (a, b) = two::<u8, u16>(1, 2), if 1 < 2 => std::collections::BTreeMap::<u8, u16>::from([(a, b)]),
            _ = pending::<()>() => <std::collections::BTreeMap::<u8, u16> as Default>::default(),
        };
        assert_eq!(out[&1], 2);
        let sum: fn(i32, i32) -> i32 = select! {
            _ = ready(()) => |a, b| a + b,
            _ = pending::<()>() => |a, b| -> i32 { a | b },
        };
        assert_eq!(sum(1, 2), 3);
        let less = select! {
            x = ready(1) => x < 2 && x as std::primitive::i64 + 1 > 0,
            _ = pending::<()>() => 1 | 2 == 3,
        };
        assert!(less);
    });
}

#[test]
fn operators_are_told_from_generics_and_closures() {
    block_on(async {
        let (a, b, c) = (1, 2, 3);
        for i in 0..4 {
            let out = select! {
                biased;
                () = ready(()), if i == 0 || a > b => a < b || b > c,
                () = ready(()), if i == 1 && b << 1 == 4 => (a << b, c >> a) == (4, 1),
                | 1 | 2 = ready(a | b), if i == 2 => false,
                | 3 = ready(a | b), if i == 2 => c | b == 3,
                n = if a < b { ready(5) } else if b < c { ready(6) } else { ready(7) } => n == 5 || n > 7,
            };
            assert!(out, "{i}");
        }
    });
}

#[test]
fn a_value_that_does_not_match_disables_its_branch() {
    block_on(async {
        let out = select! {
            Some(x) = ready(None::<String>) => x,
            Ok(x) | Err(x) = async { turns(2).await; Ok::<_, String>("other".to_owned()) } => x,
        };
        assert_eq!(out, "other");
        let out = select! {
            Some(_) = ready(None::<String>) => 1,
            1..=5 = ready(6) => 2,
            else => 3,
        };
        assert_eq!(out, 3);
    });
}

#[test]
fn patterns_bind_by_move_by_reference_and_mutably() {
    struct Point {
        x: String,
        y: (i32, [u8; 3]),
    }
    block_on(async {
        let point = || async { Point { x: "x".to_owned(), y: (1, [1, 2, 3]) } };
        let out = select! { Point { x: mut s, y: (n @ 1.., [_, rest @ ..]) } = point() => {
            s.push_str(&format!("{n}{rest:?}"));
            s
        }
        else => String::new() };
        assert_eq!(out, "x1[2, 3]");
        let out = select! { Some(&n) = ready(Some(&3)) => n, else => 0 };
        assert_eq!(out, 3);
        let out = select! { Some(ref mut s) = async { Some("s".to_owned()) } => {
            s.push('t');
            s.len()
        }, else => 0 };
        assert_eq!(out, 2);
        let out = select! { Some(ref s) = async { Some("s".to_owned()) } => s.len(), else => 0 };
        assert_eq!(out, 1);
    });
}

#[test]
fn a_guard_disables_its_branch_and_the_future_is_still_made() {
    block_on(async {
        let made = Cell::new(0);
        let make = |n| {
            made.set(made.get() + 1);
            ready(n)
        };
        let out = select! {
            x = make(1), if made.get() > 0 => x,
            x = make(2), if made.get() == 0 => x,
        };
        assert_eq!((out, made.get()), (2, 2));
    });
}

#[test]
fn else_runs_when_all_branches_are_disabled() {
    block_on(async {
        assert_eq!(select! { x = ready(1), if false => x, else => 7 }, 7);
        assert_eq!(select! { else => 8 }, 8);
        assert_eq!(select! { biased; else => { 9 } }, 9);
    });
}

#[test]
fn all_disabled_without_else_panics_at_the_call() {
    let (panics, seen) = std::sync::mpsc::channel();
    let line = Cell::new(0);
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        let location = info.location().expect("panics have one");
        let _ = panics.send((location.file().to_owned(), location.line()));
        before(info);
    }));
    let payload = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        block_on(async {
            select! { _ = ready(1), if { line.set(line!()); false } => {} }
        });
    }))
    .unwrap_err();
    let message = payload.downcast_ref::<&str>().expect("a fixed message");
    assert!(message.contains("every branch of this `select!` is disabled"), "{message}");
    assert!(seen.try_iter().any(|place| place == (file!().to_owned(), line.get())));
}

#[test]
fn control_flow_in_a_handler_is_the_enclosing_one() {
    async fn returns() -> Result<i32, String> {
        let mut seen = 0;
        loop {
            select! {
                _ = ready(()), if seen < 3 => { seen += 1; continue },
                _ = ready(()), if seen == 3 => { seen += 1; break },
            }
        }
        select! { _ = ready(()) => if seen == 4 { turns(1).await } }
        let value = select! { x = ready(Ok::<_, String>(1)) => { turns(1).await; x? } };
        select! {
            x = ready(Err::<(), _>("failed".to_owned())) => x?,
        }
        Ok(value)
    }
    assert_eq!(block_on(returns()), Err("failed".to_owned()));
    async fn early() -> i32 {
        select! { _ = ready(()) => return 5, _ = pending::<()>() => {} }
        6
    }
    assert_eq!(block_on(early()), 5);
}

#[test]
fn every_branch_is_first_in_its_turn() {
    block_on(async {
        let mut wins = [0; 3];
        for _ in 0..300 {
            let i = select! { _ = ready(()) => 0, _ = ready(()) => 1, _ = ready(()) => 2 };
            wins[i] += 1;
        }
        assert_eq!(wins, [100, 100, 100]);
        for _ in 0..10 {
            select! { biased; _ = ready(()) => {}, _ = ready(()) => unreachable!() }
        }
    });
}

#[test]
fn biased_may_be_a_variable() {
    block_on(async {
        let out = select! { biased = ready(4) => biased };
        assert_eq!(out, 4);
    });
}

#[test]
fn losers_are_dropped_and_their_cleanups_awaited_before_the_handler() {
    let (log, seen) = std::sync::mpsc::channel();
    block_on(async {
        let owes = |what: &'static str| {
            let log = log.clone();
            Owes::new(async move {
                turns(3).await;
                log.send(what).unwrap();
            })
        };
        select! {
            _ = async { let _owes = owes("first loser"); pending::<()>().await } => {}
            _ = turns(2) => log.send("handler").unwrap(),
            _ = async { let _owes = owes("second loser"); pending::<()>().await } => {}
        }
    });
    assert_eq!(seen.try_iter().collect::<Vec<_>>(), ["first loser", "second loser", "handler"]);
}

#[test]
fn a_branch_may_borrow_what_the_handlers_use() {
    block_on(async {
        let mut list = vec![1];
        select! {
            _ = async { list.push(2); pending::<()>().await } => {}
            _ = turns(1) => list.push(3),
        }
        assert_eq!(list, [1, 2, 3]);
        let mut future = std::pin::pin!(turns(3));
        let mut rounds = 0;
        loop {
            select! {
                _ = &mut future => break,
                _ = turns(1) => rounds += 1,
            }
        }
        assert!(rounds >= 1);
    });
}

#[test]
fn w09_without_budget_it_gives_way_once() {
    let polls = Cell::new(0);
    let future = async {
        __private::exhaust_budget();
        select! { _ = ready(()) => {} }
    };
    let mut future = std::pin::pin!(future);
    block_on(std::future::poll_fn(|cx| {
        polls.set(polls.get() + 1);
        future.as_mut().poll(cx)
    }));
    assert_eq!(polls.get(), 2);
}

#[test]
fn local_names_of_the_expansion_and_of_the_user_do_not_meet() {
    block_on(async {
        let (out, enabled, future0, cx, branch, value, guard) = (1, 2, ready(3), 4, 5, 6, true);
        let got = select! {
            x = future0, if guard => x + out + enabled + cx + branch + value,
            cleanup = pending::<i32>() => cleanup,
        };
        assert_eq!(got, 21);
    });
}

#[test]
fn a_future_with_select_is_send_and_small() {
    fn is_send<T: Send>(t: T) -> T {
        t
    }
    let future = is_send(async {
        select! {
            _ = turns(1) => turns(1).await,
            _ = turns(2) => {},
        }
    });
    // The two futures, the bits with a tag, a pointer to both, and where it stands.
    let most = 2 * size_of_val(&turns(1)) + 3 * size_of::<usize>();
    assert!(size_of_val(&future) <= most, "{} > {most}", size_of_val(&future));
    block_on(future);
}

#[test]
fn it_nests() {
    block_on(async {
        let out = select! {
            x = async { select! { x = ready(1) => x + 1 } } => select! { y = ready(x) => y + 1 },
        };
        assert_eq!(out, 3);
    });
}

#[test]
fn it_takes_fragments_of_other_macros() {
    macro_rules! first {
        ($($p:pat, $e:expr, $c:expr, $b:block;)*) => { select! { $($p = $e, if $c => $b)* } };
    }
    block_on(async {
        let out =
            first! { Some(x), ready(Some(1)), true, { x }; y, pending::<i32>(), true, { y }; };
        assert_eq!(out, 1);
    });
}

#[test]
fn it_takes_64_branches() {
    macro_rules! count_to_64 {
        (@ [$($done:tt)*]) => {
            select! { biased; $($done)* _ = ready(64) => { 64 } }
        };
        (@ [$($done:tt)*] $_next:tt $($left:tt)*) => {
            count_to_64!(@ [$($done)* _ = pending::<()>() => { 0 }] $($left)*)
        };
        ($($all:tt)*) => { count_to_64!(@ [] $($all)*) };
    }
    block_on(async {
        let out = count_to_64!(
            1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32
            33 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59 60 61
            62 63
        );
        assert_eq!(out, 64);
    });
}

#[test]
fn a_branch_may_never_return() {
    async fn serve() -> ! {
        loop {
            turns(1).await;
        }
    }
    block_on(async {
        let out = select! {
            never = serve() => never,
            () = turns(3) => 1,
            infallible = pending::<std::convert::Infallible>() => match infallible {},
        };
        assert_eq!(out, 1);
    });
}

#[test]
fn futures_are_made_in_order_and_temporaries_end_with_each() {
    block_on(async {
        let list = std::cell::RefCell::new(Vec::new());
        let made = |mut list: std::cell::RefMut<'_, Vec<u8>>, n| {
            list.push(n);
            ready(n)
        };
        let at_once = |list: &mut Vec<u8>, n| {
            list.push(n);
            ready(n)
        };
        let out = select! {
            biased;
            n = at_once(&mut list.borrow_mut(), 1), if false => n,
            n = at_once(&mut list.borrow_mut(), 2) => n,
            n = made(list.borrow_mut(), 3) => n,
        };
        assert_eq!((out, list.into_inner()), (2, vec![1, 2, 3]));
    });
}
