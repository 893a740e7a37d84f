//! What belongs to one thread stays there. `auto_traits` has the table of all types.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;

use corio::queue::{LifoQueue, PriorityQueue, Queue};
use corio::sync::{Mutex, RwLock, broadcast, channel, mpsc, oneshot, watch};

use crate::common::multi;

/// Whether a type has a trait. A type that has it has two functions of that name, which then is
/// ambiguous: the line compiles only if the trait is missing.
macro_rules! is_not {
    ($trait:ident: $($type:ty),+ $(,)?) => {$(
        const _: () = {
            trait Ambiguous<Which> {
                fn found() {}
            }
            struct Has;
            impl<T: ?Sized> Ambiguous<()> for T {}
            impl<T: ?Sized + $trait> Ambiguous<Has> for T {}
            let _ = Has;
            let _ = <$type as Ambiguous<_>>::found;
        };
    )+};
}

type NotSync = Cell<u8>;

type Neither = Rc<u8>;

// U15: what belongs to one thread stays there. `auto_traits` has the table of all types.
is_not! { Send:
    corio::runtime::EnterGuard<'static>,
    Mutex<Neither>, corio::sync::MutexGuard<'static, Neither>,
    corio::sync::OwnedMutexGuard<Neither>, corio::sync::MappedMutexGuard<'static, Neither>,
    RwLock<Neither>, corio::sync::RwLockReadGuard<'static, NotSync>,
    corio::sync::RwLockWriteGuard<'static, Neither>, corio::sync::OnceCell<Neither>,
    watch::Ref<'static, u8>, watch::Sender<NotSync>, watch::Receiver<NotSync>,
    mpsc::Sender<Neither>, mpsc::Receiver<Neither>, mpsc::Permit<'static, Neither>,
    channel::Sender<Neither>, channel::Receiver<Neither>,
    broadcast::Sender<Neither>, broadcast::Receiver<Neither>,
    oneshot::Sender<Neither>, oneshot::Receiver<Neither>,
    Queue<Neither>, LifoQueue<Neither>, PriorityQueue<Neither>,
    corio::Task<Neither>, corio::Promise<NotSync>,
}

is_not! { Sync:
    corio::runtime::EnterGuard<'static>,
    Mutex<Neither>, corio::sync::MutexGuard<'static, NotSync>,
    corio::sync::OwnedMutexGuard<NotSync>, corio::sync::MappedMutexGuard<'static, NotSync>,
    RwLock<NotSync>, corio::sync::RwLockReadGuard<'static, NotSync>,
    corio::sync::RwLockWriteGuard<'static, NotSync>, corio::sync::OnceCell<NotSync>,
    watch::Ref<'static, NotSync>, watch::Sender<NotSync>, watch::Receiver<NotSync>,
    mpsc::Sender<Neither>, mpsc::Receiver<Neither>,
    channel::Sender<Neither>, broadcast::Sender<Neither>, oneshot::Receiver<Neither>,
    Queue<Neither>, corio::Task<Neither>, corio::Promise<NotSync>,
}

#[test]
fn u15_what_is_not_sync_is_never_used_by_two_threads_at_once() {
    // A lock makes a payload that is not `Sync` usable from several threads, one after the other.
    let runtime = multi(2);
    let cell = Arc::new(Mutex::new(Cell::new(0_u32)));
    runtime.block_on(async {
        let tasks: Vec<_> = (0..8)
            .map(|_| {
                let cell = cell.clone();
                corio::spawn(async move {
                    for _ in 0..500 {
                        let cell = cell.lock().await;
                        let before = cell.get();
                        std::hint::spin_loop();
                        cell.set(before + 1);
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(cell.lock().await.get(), 4000);
    });
}
