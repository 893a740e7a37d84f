//! Several futures of a stream at once, and streams that share their task with others.

use std::cell::Cell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use corio_runtime::runtime::Builder;
use corio_runtime::stream::{Stream, StreamExt, iter};
use corio_runtime::time::{Instant, sleep, timeout};
use corio_runtime::{spawn, yield_now};
use corio_sync::oneshot;

use crate::kit::ms;
use crate::support::run;

/// Notes how many of its futures are under way.
#[derive(Clone, Default)]
struct Crowd(Rc<Cell<(usize, usize)>>);

impl Crowd {
    async fn with(self, count: u64) -> u64 {
        let (now, most) = self.0.get();
        self.0.set((now + 1, most.max(now + 1)));
        sleep(ms(count)).await;
        let (now, most) = self.0.get();
        self.0.set((now - 1, most));
        count
    }

    fn most(&self) -> usize {
        self.0.take().1
    }
}

#[test]
fn so_many_run_at_once_and_no_more() {
    run(async {
        let crowd = Crowd::default();
        let start = Instant::now();
        let work = || iter((0..100).map(|n| 10 + n % 7)).map(|n| crowd.clone().with(n));
        let ordered: Vec<_> = work().buffered(10).collect().await;
        assert_eq!(ordered, (0..100).map(|n| 10 + n % 7).collect::<Vec<_>>());
        assert_eq!(crowd.most(), 10);
        let mut unordered: Vec<_> = work().buffer_unordered(10).collect().await;
        unordered.sort_unstable();
        let mut expected = ordered;
        expected.sort_unstable();
        assert_eq!((unordered, crowd.most()), (expected, 10));
        let done = Cell::new(0);
        let each = iter(0..100).for_each_concurrent(10, |_| async {
            crowd.clone().with(10).await;
            done.set(done.get() + 1);
        });
        each.await;
        assert_eq!((done.get(), crowd.most()), (100, 10));
        iter(0..100)
            .for_each_concurrent(None, |_| async {
                crowd.clone().with(10).await;
            })
            .await;
        assert_eq!(crowd.most(), 100);
        assert!(start.elapsed() < ms(1000), "they run side by side");
    });
}

#[test]
fn a_stream_that_is_always_ready_leaves_its_task_a_turn() {
    struct Endless;
    impl Stream for Endless {
        type Item = u8;

        fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<u8>> {
            Poll::Ready(Some(0))
        }
    }
    let runtime = Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let each = Endless.for_each_concurrent(None, |_| async {});
        assert!(timeout(ms(5), each).await.is_err());
        let each = Endless.for_each_concurrent(None, |_| std::future::pending::<()>());
        assert!(timeout(ms(5), each).await.is_err());
        let started = |_| async { yield_now().await };
        let unordered = Endless.map(started).buffer_unordered(usize::MAX).collect::<Vec<_>>();
        assert!(timeout(ms(5), unordered).await.is_err());
        let ordered = Endless.map(started).buffered(usize::MAX).collect::<Vec<_>>();
        assert!(timeout(ms(5), ordered).await.is_err());
    });
}

/// What is always ready lets other tasks run, whatever goes through it.
#[test]
fn an_endless_stream_gives_way() {
    run(async {
        for way in 0..5 {
            let (tell, told) = oneshot::channel::<()>();
            let over = Rc::new(Cell::new(false));
            drop(spawn(async move { tell.send(()) }));
            let sees = over.clone();
            drop(corio_runtime::spawn_local(async move {
                told.await.unwrap();
                sees.set(true);
            }));
            let endless = iter(0_u64..).take_while(|_| !over.get());
            match way {
                0 => assert!(endless.filter(|_| false).collect::<Vec<_>>().await.is_empty()),
                1 => assert!(endless.fold(0, |count, _| count + 1).await > 0),
                2 => endless.for_each(|_| async {}).await,
                3 => assert!(endless.chunks(usize::MAX).collect::<Vec<_>>().await.len() == 1),
                _ => assert!(endless.skip(usize::MAX).next().await.is_none()),
            }
        }
    });
}
