//! `join!` and `try_join!` against the stand-in runtime.
#![deny(warnings)]

mod rt;

use std::cell::{Cell, RefCell};
use std::future::{Future, pending, ready};
use std::pin::Pin;
use std::task::{Context, Poll};

use rt::__private::{self, Owes};
use rt::{block_on, turns};

/// Notes each poll under its name, and panics when it is polled after its end.
struct Noted<'a> {
    name: char,
    polls: usize,
    log: &'a RefCell<String>,
}

impl Future for Noted<'_> {
    type Output = char;

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<char> {
        assert!(self.polls > 0, "polled after its end");
        self.log.borrow_mut().push(self.name);
        self.polls -= 1;
        if self.polls == 0 { Poll::Ready(self.name) } else { Poll::Pending }
    }
}

#[test]
fn join_gives_a_tuple_in_the_order_written() {
    block_on(async {
        let local = String::from("borrowed");
        let out = join!(
            async {
                turns(3).await;
                1
            },
            async { local.as_str() },
            ready(None::<u8>),
        );
        assert_eq!(out, (1, "borrowed", None));
        assert_eq!(join!(ready(1)), (1,));
        let () = join!();
        assert_eq!(join!(biased; ready(1), ready(2)), (1, 2));
    });
}

#[test]
fn join_polls_in_order_and_each_only_until_it_is_done() {
    let log = RefCell::new(String::new());
    let noted = |name, polls| Noted { name, polls, log: &log };
    assert_eq!(
        block_on(async { join!(noted('a', 1), noted('b', 3), noted('c', 2)) }),
        ('a', 'b', 'c')
    );
    assert_eq!(*log.borrow(), "abcbcb");
}

#[test]
fn a_future_is_dropped_when_it_is_done() {
    struct Sets<'a>(&'a Cell<bool>);
    impl Drop for Sets<'_> {
        fn drop(&mut self) {
            self.0.set(true);
        }
    }
    impl Future for Sets<'_> {
        type Output = ();
        fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
            Poll::Ready(())
        }
    }
    let dropped = Cell::new(false);
    block_on(async {
        join!(Sets(&dropped), async {
            turns(1).await;
            assert!(dropped.get());
        });
    });
}

#[test]
fn try_join_gives_all_values() {
    block_on(async {
        let out = try_join!(
            async {
                turns(2).await;
                Ok::<_, String>(1)
            },
            ready(Ok("two"))
        );
        assert_eq!(out, Ok((1, "two")));
        let none: Result<(), ()> = try_join!();
        assert_eq!(none, Ok(()));
        async fn asks() -> Result<i32, std::fmt::Error> {
            let (a, b) = try_join!(ready(Ok(1)), biased())?;
            Ok(a + b)
        }
        async fn biased() -> Result<i32, std::fmt::Error> {
            Ok(2)
        }
        assert_eq!(asks().await, Ok(3));
    });
}

#[test]
fn try_join_drops_the_rest_at_the_first_error_and_awaits_what_they_owe() {
    let (log, seen) = std::sync::mpsc::channel();
    let polled = Cell::new(0);
    let out: Result<((), (), ()), &str> = block_on(async {
        let owes = log.clone();
        let out = try_join!(
            async {
                let _owes = Owes::new(async move {
                    turns(3).await;
                    owes.send("cleanup").unwrap();
                });
                pending().await
            },
            async {
                turns(1).await;
                Err("failed")
            },
            async {
                polled.set(polled.get() + 1);
                turns(1).await;
                polled.set(polled.get() + 1);
                Ok(())
            },
        );
        log.send("result").unwrap();
        out
    });
    assert_eq!(out, Err("failed"));
    assert_eq!(seen.try_iter().collect::<Vec<_>>(), ["cleanup", "result"]);
    assert_eq!(polled.get(), 1);
}

#[test]
fn a_panic_drops_the_others() {
    let log = std::rc::Rc::new(());
    let held = log.clone();
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        block_on(async {
            join!(
                async {
                    let _held = held;
                    pending::<()>().await
                },
                async {
                    turns(1).await;
                    panic!("as it should");
                },
            )
        })
    }));
    assert!(panicked.is_err());
    assert_eq!(std::rc::Rc::strong_count(&log), 1);
}

#[test]
fn joins_are_send_and_small() {
    fn is_send<T: Send>(t: T) -> T {
        t
    }
    let one = size_of_val(&turns(1));
    let word = size_of::<usize>();
    let join = is_send(async { join!(turns(1), turns(1), turns(1)) });
    // The futures, a tag for each, a pointer to them, and where it stands.
    assert!(size_of_val(&join) <= 3 * (one + word) + 2 * word, "{}", size_of_val(&join));
    block_on(join);
}
