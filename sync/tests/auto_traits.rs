//! Which type may be sent to, and shared with, another thread, for each kind of payload.
//!
//! The table is checked by the compiler: an entry that is wrong does not build. A payload is written
//! `Both` (`Send + Sync`), `OnlySend` (like `Cell`), or `Neither` (like `Rc`). U01, U02, U03.

use std::cell::Cell;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::rc::Rc;
use std::sync::Arc;

use corio_sync::*;

type Both = u32;
type OnlySend = Cell<u32>;
type Neither = Rc<u32>;

/// `Probe::<T>::SEND` is true if the inherent impl applies, that is if `T: Send`; else the trait's.
struct Probe<T: ?Sized>(std::marker::PhantomData<T>);

trait No {
    const SEND: bool = false;
    const SYNC: bool = false;
    const UNPIN: bool = false;
}
impl<T: ?Sized> No for T {}
impl<T: ?Sized + Send> Probe<T> {
    const SEND: bool = true;
}
impl<T: ?Sized + Sync> Probe<T> {
    const SYNC: bool = true;
}
impl<T: ?Sized + Unpin> Probe<T> {
    const UNPIN: bool = true;
}

macro_rules! table {
    ($($type:ty => $($trait:ident)*;)*) => {
        $(const _: () = {
            let send = false $(| table!(@is_send $trait))*;
            let sync = false $(| table!(@is_sync $trait))*;
            let unpin = false $(| table!(@is_unpin $trait))*;
            assert!(Probe::<$type>::SEND == send, concat!("Send: ", stringify!($type)));
            assert!(Probe::<$type>::SYNC == sync, concat!("Sync: ", stringify!($type)));
            assert!(Probe::<$type>::UNPIN == unpin, concat!("Unpin: ", stringify!($type)));
        };)*
    };
    (@is_send Send) => { true };
    (@is_sync Sync) => { true };
    (@is_unpin Unpin) => { true };
    (@$question:ident $other:ident) => { false };
}

type Predicate<T> = fn(&mut T) -> bool;
type Look<T> = fn(&T) -> bool;

table! {
    // Locks.
    Mutex<Both> => Send Sync Unpin;
    Mutex<OnlySend> => Send Sync Unpin;
    Mutex<Neither> => Unpin;
    MutexGuard<'static, Both> => Send Sync Unpin;
    MutexGuard<'static, OnlySend> => Send Unpin;
    MutexGuard<'static, Neither> => Unpin;
    OwnedMutexGuard<Both> => Send Sync Unpin;
    OwnedMutexGuard<OnlySend> => Send Unpin;
    OwnedMutexGuard<Neither> => Unpin;
    MappedMutexGuard<'static, Both> => Send Sync Unpin;
    MappedMutexGuard<'static, OnlySend> => Send Unpin;
    MappedMutexGuard<'static, Neither> => Unpin;
    OwnedMappedMutexGuard<Both, Both> => Send Sync Unpin;
    OwnedMappedMutexGuard<Both, OnlySend> => Send Unpin;
    OwnedMappedMutexGuard<OnlySend, Both> => Send Sync Unpin;
    OwnedMappedMutexGuard<Neither, Both> => Unpin;
    OwnedMappedMutexGuard<Both, Neither> => Unpin;
    Lock<'static, Both> => Send Sync;
    Lock<'static, OnlySend> => Send Sync;
    Lock<'static, Neither> => ;
    LockOwned<Both> => Send Sync;
    LockOwned<Neither> => ;
    RwLock<Both> => Send Sync Unpin;
    RwLock<OnlySend> => Send Unpin;
    RwLock<Neither> => Unpin;
    RwLockReadGuard<'static, Both> => Send Sync Unpin;
    RwLockReadGuard<'static, OnlySend> => Unpin;
    RwLockReadGuard<'static, Neither> => Unpin;
    RwLockWriteGuard<'static, Both> => Send Sync Unpin;
    RwLockWriteGuard<'static, OnlySend> => Unpin;
    RwLockWriteGuard<'static, Neither> => Unpin;
    RwLockUpgradableReadGuard<'static, Both> => Send Sync Unpin;
    RwLockUpgradableReadGuard<'static, OnlySend> => Unpin;
    OwnedRwLockMappedReadGuard<Both, Both> => Send Sync Unpin;
    OwnedRwLockMappedReadGuard<Both, OnlySend> => Unpin;
    OwnedRwLockMappedReadGuard<OnlySend, Both> => Unpin;
    OwnedRwLockMappedWriteGuard<Both, Both> => Send Sync Unpin;
    OwnedRwLockMappedWriteGuard<Both, OnlySend> => Send Unpin;
    OwnedRwLockMappedWriteGuard<OnlySend, Both> => Unpin;
    OwnedRwLockMappedWriteGuard<Both, Neither> => Unpin;
    OwnedRwLockUpgradableReadGuard<Both> => Send Sync Unpin;
    OwnedRwLockUpgradableReadGuard<OnlySend> => Unpin;
    RwLockUpgradeOwned<Both> => Send Sync;
    RwLockUpgradeOwned<OnlySend> => ;
    RwLockMappedReadGuard<'static, Both> => Send Sync Unpin;
    RwLockMappedReadGuard<'static, OnlySend> => Unpin;
    RwLockMappedReadGuard<'static, Neither> => Unpin;
    RwLockMappedWriteGuard<'static, Both> => Send Sync Unpin;
    RwLockMappedWriteGuard<'static, OnlySend> => Send Unpin;
    RwLockMappedWriteGuard<'static, Neither> => Unpin;
    OwnedRwLockReadGuard<Both> => Send Sync Unpin;
    OwnedRwLockReadGuard<OnlySend> => Unpin;
    OwnedRwLockWriteGuard<Both> => Send Sync Unpin;
    OwnedRwLockWriteGuard<OnlySend> => Unpin;
    RwLockRead<'static, Both> => Send Sync;
    RwLockRead<'static, OnlySend> => ;
    RwLockWrite<'static, Both> => Send Sync;
    RwLockUpgrade<'static, Both> => Send Sync;
    OnceCell<Both> => Send Sync Unpin;
    OnceCell<OnlySend> => Send Unpin;
    OnceCell<Neither> => Unpin;
    SetOnce<Both> => Send Sync Unpin;
    SetOnce<OnlySend> => Send Unpin;
    SetOnceWait<'static, Both> => Send Sync;
    SetOnceWait<'static, OnlySend> => ;
    Condvar => Send Sync Unpin;
    CondvarWait<'static, Both> => Send Sync;
    CondvarWait<'static, OnlySend> => Send;
    CondvarWait<'static, Neither> => ;
    CondvarWaitFor<'static, Both, Predicate<Both>> => Send Sync;

    // Without a payload.
    Semaphore => Send Sync Unpin;
    BoundedSemaphore => Send Sync Unpin;
    SemaphorePermit<'static> => Send Sync Unpin;
    OwnedSemaphorePermit => Send Sync Unpin;
    Acquire<'static> => Send Sync;
    AcquireOwned => Send Sync;
    Event => Send Sync Unpin;
    EventWait<'static> => Send Sync;
    Notify => Send Sync Unpin;
    Notified<'static> => Send Sync;
    OwnedNotified => Send Sync;
    Barrier => Send Sync Unpin;
    BarrierWait<'static> => Send Sync;

    // Channels: what is sent moves, what is broadcast or watched is cloned under a lock.
    oneshot::Sender<Both> => Send Sync Unpin;
    oneshot::Sender<OnlySend> => Send Sync Unpin;
    oneshot::Sender<Neither> => Unpin;
    oneshot::Receiver<OnlySend> => Send Sync Unpin;
    oneshot::Receiver<Neither> => Unpin;
    oneshot::Closed<'static, OnlySend> => Send Sync Unpin;
    mpsc::Sender<OnlySend> => Send Sync Unpin;
    mpsc::Sender<Neither> => Unpin;
    mpsc::WeakSender<OnlySend> => Send Sync Unpin;
    mpsc::Receiver<OnlySend> => Send Sync Unpin;
    mpsc::Receiver<Neither> => Unpin;
    mpsc::UnboundedSender<OnlySend> => Send Sync Unpin;
    mpsc::UnboundedSender<Neither> => Unpin;
    mpsc::UnboundedReceiver<OnlySend> => Send Sync Unpin;
    mpsc::Permit<'static, OnlySend> => Send Sync Unpin;
    mpsc::Permit<'static, Neither> => Unpin;
    mpsc::Send<'static, Both> => Send Sync;
    mpsc::Send<'static, OnlySend> => Send;
    mpsc::Send<'static, Neither> => ;
    mpsc::Recv<'static, OnlySend> => Send Sync Unpin;
    mpsc::Reserve<'static, OnlySend> => Send Sync;
    channel::Sender<OnlySend> => Send Sync Unpin;
    channel::Sender<Neither> => Unpin;
    channel::Receiver<OnlySend> => Send Sync Unpin;
    channel::Receiver<Neither> => Unpin;
    channel::Recv<'static, OnlySend> => Send Sync;
    broadcast::Sender<OnlySend> => Send Sync Unpin;
    broadcast::Sender<Neither> => Unpin;
    broadcast::Receiver<OnlySend> => Send Sync Unpin;
    broadcast::Receiver<Neither> => Unpin;
    watch::Sender<Both> => Send Sync Unpin;
    watch::Sender<OnlySend> => Unpin;
    watch::Receiver<Both> => Send Sync Unpin;
    watch::Receiver<OnlySend> => Unpin;
    watch::Ref<'static, Both> => Sync Unpin;
    watch::Ref<'static, OnlySend> => Unpin;
    watch::Changed<'static, Both> => Send Sync;
    watch::WaitFor<'static, Both, Look<Both>> => Send Sync;
    queue::Queue<OnlySend> => Send Sync Unpin;
    queue::Queue<Neither> => Unpin;
    queue::LifoQueue<OnlySend> => Send Sync Unpin;
    queue::PriorityQueue<Both> => Send Sync Unpin;
    queue::QueueStream<queue::Fifo<OnlySend>> => Send Sync Unpin;
    queue::Get<'static, queue::Fifo<OnlySend>> => Send Sync;
    queue::Put<'static, queue::Fifo<OnlySend>> => Send;
    Promise<Both> => Send Sync Unpin;
    Promise<OnlySend> => Unpin;
    PromiseWait<Both> => Send Sync;
    PromiseWait<OnlySend> => ;
    Arc<Mutex<Both>> => Send Sync Unpin;
}

/// What may be used on both sides of `catch_unwind`, whatever it holds, as std's channels and tokio's.
macro_rules! unwind_safe {
    ($($type:ty;)*) => {
        const fn both<T: UnwindSafe + RefUnwindSafe>() {}
        const _: () = { $(both::<$type>();)* };
    };
}

type NotUnwindSafe = &'static mut Cell<u32>;

unwind_safe! {
    Semaphore;
    BoundedSemaphore;
    SemaphorePermit<'static>;
    OwnedSemaphorePermit;
    Event;
    Notify;
    Barrier;
    Condvar;
    OnceCell<Both>;
    SetOnce<Both>;
    Promise<NotUnwindSafe>;
    oneshot::Sender<NotUnwindSafe>;
    oneshot::Receiver<NotUnwindSafe>;
    mpsc::Sender<NotUnwindSafe>;
    mpsc::WeakSender<NotUnwindSafe>;
    mpsc::Receiver<NotUnwindSafe>;
    mpsc::UnboundedSender<NotUnwindSafe>;
    mpsc::UnboundedReceiver<NotUnwindSafe>;
    channel::Sender<NotUnwindSafe>;
    channel::Receiver<NotUnwindSafe>;
    broadcast::Sender<NotUnwindSafe>;
    broadcast::Receiver<NotUnwindSafe>;
    watch::Sender<NotUnwindSafe>;
    watch::Receiver<NotUnwindSafe>;
    queue::Queue<NotUnwindSafe>;
    queue::LifoQueue<NotUnwindSafe>;
    queue::PriorityQueue<Both>;
    Acquire<'static>;
    EventWait<'static>;
    Notified<'static>;
    BarrierWait<'static>;
}

/// The tables are checked when this file is compiled; the test says that they were.
#[test]
fn u02_the_table_holds() {}
