//! Which public types may go to another thread, be shared by several, and be moved while they are
//! polled. A change of a row is a breaking change, so the compiler checks every one.
//!
//! `SSU` is `Send`, `Sync` and `Unpin`; a dot stands for one that is missing. A type with a parameter
//! has three entries: with `u8`, with `Cell<u8>` (not `Sync`), and with `Rc<u8>` (neither).

#[path = "common/has.rs"]
mod has;

use std::cell::Cell;
use std::future::Ready;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::rc::Rc;

use corio::io::framed::LinesCodec;
use corio::net::{TcpListener, TcpStream};
use corio::sync::queue::Fifo;
use has::has;

const fn same(traits: [bool; 3], expected: &str) -> bool {
    let expected = expected.as_bytes();
    expected.len() == 3
        && traits[0] == (expected[0] == b'S')
        && traits[1] == (expected[1] == b'S')
        && traits[2] == (expected[2] == b'U')
}

macro_rules! table {
    () => {};
    ($type:ty => $expected:literal; $($rest:tt)*) => {
        const _: () = assert!(
            same([has!($type: Send), has!($type: Sync), has!($type: Unpin)], $expected),
            concat!("not as in the table: ", stringify!($type)),
        );
        table! { $($rest)* }
    };
    ($param:ident in $type:ty => $plain:literal $cell:literal $rc:literal; $($rest:tt)*) => {
        const _: () = {
            type Row<$param> = $type;
            table! { Row<u8> => $plain; Row<Cell<u8>> => $cell; Row<Rc<u8>> => $rc; }
        };
        table! { $($rest)* }
    };
}

type Items<T> = corio::stream::Iter<std::vec::IntoIter<T>>;

// Streams
table! {
    T in Items<T> => "SSU" "S.U" "..U";
    T in corio::stream::Map<Items<T>, fn(T) -> T> => "SSU" "S.U" "..U";
    T in corio::stream::Filter<Items<T>, fn(&T) -> bool> => "SSU" "S.U" "..U";
    T in corio::stream::FilterMap<Items<T>, fn(T) -> Option<T>> => "SSU" "S.U" "..U";
    T in corio::stream::Then<Items<T>, fn(T) -> Ready<T>, Ready<T>> => "SSU" "S.U" "..U";
    T in corio::stream::Enumerate<Items<T>> => "SSU" "S.U" "..U";
    T in corio::stream::Take<Items<T>> => "SSU" "S.U" "..U";
    T in corio::stream::TakeWhile<Items<T>, fn(&T) -> bool> => "SSU" "S.U" "..U";
    T in corio::stream::Skip<Items<T>> => "SSU" "S.U" "..U";
    T in corio::stream::Chunks<Items<T>> => "SSU" "S.U" "..U";
    T in corio::stream::Chain<Items<T>, Items<T>> => "SSU" "S.U" "..U";
    T in corio::stream::Merge<Items<T>, Items<T>> => "SSU" "S.U" "..U";
    T in corio::stream::Zip<Items<T>, Items<T>> => "SSU" "S.U" "..U";
    T in corio::stream::Buffered<Items<Ready<T>>> => "SSU" "S.U" "..U";
    T in corio::stream::BufferUnordered<Items<Ready<T>>> => "SSU" "S.U" "..U";
    T in corio::stream::Timeout<Items<T>> => "SSU" "S.U" "..U";
    T in corio::stream::Throttle<Items<T>> => "SSU" "S.U" "..U";
    T in corio::stream::Next<'static, Items<T>> => "SSU" "S.U" "..U";
    T in corio::stream::Collect<Items<T>, Vec<T>> => "SSU" "S.U" "..U";
    T in corio::stream::Fold<Items<T>, T, fn(T, T) -> T> => "SSU" "S.U" "..U";
    T in corio::stream::ForEach<Items<T>, fn(T) -> Ready<T>, Ready<T>> => "SSU" "S.U" "..U";
    T in corio::stream::ForEachConcurrent<Items<T>, fn(T) -> Ready<T>, Ready<T>> => "SSU" "S.U" "..U";
    T in corio::stream::Close<Items<T>> => "SSU" "S.U" "..U";
    T in corio::stream::Yielder<T> => "SSU" "SSU" "..U";
    T in corio::stream::Emit<'static, T> => "SSU" "S.U" "..U";
    T in corio::stream::Generate<T, Ready<()>> => "SSU" "SSU" "..U";
    T in corio::stream::TryGenerate<T, Ready<T>> => "SSU" "S.U" "..U";
}

// Running and tasks
table! {
    corio::Runtime => "SSU";
    corio::Handle => "SSU";
    corio::runtime::Builder => "SSU";
    corio::runtime::EnterGuard<'static> => "..U";
    corio::runtime::NoRuntime => "SSU";
    corio::runtime::RuntimeMetrics => "SSU";
    corio::runtime::LongPoll => "SSU";
    corio::runtime::TimerHandle => "SSU";
    corio::runtime::UnawaitedPanic<'static> => "SSU";
    corio::blocking::CallCancelled => "SSU";
    corio::blocking::Options => "SSU";
    T in corio::Task<T> => "SSU" "SSU" "..U";
    corio::TaskError => "SSU";
    corio::task::Builder => "SSU";
    T in corio::task::CancelOnDrop<T> => "SSU" "SSU" "..U";
    corio::task::Canceller => "SSU";
    corio::task::CancelReason => "SSU";
    corio::task::ContextVars => "SSU";
    T in corio::task::WithContext<T> => "SSU" "S.U" "..U";
    corio::task::TaskId => "SSU";
    corio::task::TaskRef => "SSU";
    T in corio::task::ContextVar<T> => "SSU" "S.U" "..U";
    T in corio::task::Token<T> => "SSU" "..U" "..U";
    T in corio::task::WithValue<T> => "SSU" "S.U" "..U";
    corio::task::YieldNow => "SSU";
    corio::introspect::TaskInfo => "SSU";
    corio::introspect::TaskState => "SSU";
    corio::introspect::Wait => "SSU";
    corio::signal::CtrlC => "SSU";
    corio::signal::Recv<'static> => "SSU";
    corio::signal::RecvAny<'static> => "SSU";
    corio::signal::Signal => "SSU";
    corio::signal::SignalKind => "SSU";
    corio::signal::SignalSet => "SSU";
    corio::process::Command => "SSU";
    corio::process::Child => "SSU";
    corio::process::ChildHandle => "SSU";
    corio::process::Wait => "SSU";
    corio::process::Kill => "SSU";
    corio::process::Status => "SSU";
    corio::process::Communicate<'static> => "SSU";
}

// Time
table! {
    corio::time::Advance => "SSU";
    corio::time::Elapsed => "SSU";
    corio::time::Instant => "SSU";
    corio::time::Interval => "SSU";
    corio::time::MissedTick => "SSU";
    T in corio::time::MoveOnAfter<T> => "SSU" "S.U" "..U";
    corio::time::Sleep => "SSU";
    corio::time::Tick<'static> => "SSU";
    T in corio::time::Timeout<T> => "SSU" "S.U" "..U";
}

// Structured concurrency
table! {
    corio::TaskGroup<()> => "SSU";
    corio::structured::OwnedGroup<()> => "SSU";
    corio::structured::Join<()> => "SSU";
    T in corio::structured::GroupFuture<Ready<Result<T, ()>>, T, ()> => "S.U" "S.U" "..U";
    T in corio::structured::Finally<Ready<T>, fn() -> Ready<()>> => "S.U" "S.U" "..U";
    T in corio::structured::GroupError<T> => "SSU" "S.U" "..U";
    T in corio::structured::GroupBuilder<'static, T> => "SSU" "SSU" "..U";
    T in corio::structured::Next<'static, T> => "SSU" "SSU" "..U";
    corio::structured::ChildEnd => "SSU";
    corio::structured::Finished => "SSU";
    T in corio::structured::Start<T, ()> => "SSU" "SSU" "..U";
    T in corio::structured::TryStart<T, ()> => "SSU" "SSU" "..U";
    T in corio::structured::Ready<T> => "S.U" "S.U" "S.U";
    T in corio::structured::StartError<T> => "SSU" "S.U" "..U";
    T in corio::structured::Failure<T> => "SSU" "S.U" "..U";
    T in corio::structured::FailureKind<T> => "SSU" "S.U" "..U";
    corio::structured::PanicPayload => "SSU";
    T in corio::structured::Gather<Ready<T>> => "SSU" "S.U" "..U";
    T in corio::structured::TryGather<Ready<Result<T, T>>, T, T> => "SSU" "S.U" "..U";
    T in corio::structured::Race<Ready<T>> => "SSU" "S.U" "..U";
    T in corio::structured::RaceOk<Ready<Result<T, T>>, T, T> => "SSU" "S.U" "..U";
    T in corio::structured::AllFailed<T> => "SSU" "S.U" "..U";
    T in corio::structured::AsCompleted<Ready<T>> => "SSU" "S.U" "..U";
    T in corio::TaskSet<T> => "SSU" "SSU" "..U";
    T in corio::structured::TaskSetBuilder<'static, T> => "SSU" "SSU" "..U";
    T in corio::structured::NextResult<'static, T> => "SSU" "SSU" "..U";
    T in corio::structured::NextWithId<'static, T> => "SSU" "SSU" "..U";
    T in corio::structured::JoinTasks<T> => "SSU" "S.U" "..U";
    T in corio::structured::Shield<T> => "SSU" "SSU" "..U";
    T in corio::structured::Wait<T> => "SSU" "SSU" "..U";
    T in corio::structured::WaitTimeout<T> => "SSU" "SSU" "..U";
    corio::WaitFor => "SSU";
    corio::CancelScope => "SSU";
    corio::structured::ScopeHandle => "SSU";
    corio::Cancelled => "SSU";
    corio::CleanupStack => "SSU";
    corio::structured::CloseStack => "S.U";
    corio::CancelToken => "SSU";
    corio::structured::CancelGuard => "SSU";
    corio::structured::WaitCancelled<'static> => "SS.";
    T in corio::structured::RunUntilCancelled<'static, Ready<T>> => "SS." "S.." "...";
    T in corio::structured::CatchCancel<Ready<T>> => "SSU" "S.U" "..U";
    T in corio::structured::RunScope<Ready<T>> => "SSU" "S.U" "..U";
    T in corio::structured::TimeoutScope<Ready<T>> => "SSU" "S.U" "..U";
    T in corio::structured::RaceOk<Ready<Result<T, T>>, T, T> => "SSU" "S.U" "..U";
    T in corio::structured::AllFailed<T> => "SSU" "S.U" "..U";
    T in corio::structured::TaskSet<T> => "SSU" "SSU" "..U";
    T in corio::structured::TaskSetBuilder<'static, T> => "SSU" "SSU" "..U";
    T in corio::structured::NextResult<'static, T> => "SSU" "SSU" "..U";
    T in corio::structured::NextWithId<'static, T> => "SSU" "SSU" "..U";
    T in corio::structured::JoinTasks<T> => "SSU" "S.U" "..U";
    T in corio::structured::ScopedTask<T> => "SSU" "SSU" "..U";
    corio::structured::Scope<'static, 'static> => "SSU";
    corio::structured::LocalScope<'static, 'static> => "..U";
}

// Locks
table! {
    T in corio::sync::Mutex<T> => "SSU" "SSU" "..U";
    T in corio::sync::MutexGuard<'static, T> => "SSU" "S.U" "..U";
    T in corio::sync::OwnedMutexGuard<T> => "SSU" "S.U" "..U";
    T in corio::sync::MappedMutexGuard<'static, T> => "SSU" "S.U" "..U";
    T in corio::sync::OwnedMappedMutexGuard<T, T> => "SSU" "S.U" "..U";
    T in corio::sync::Lock<'static, T> => "SS." "SS." "...";
    T in corio::sync::LockOwned<T> => "SS." "SS." "...";
    corio::sync::TryLockError => "SSU";
    T in corio::sync::RwLock<T> => "SSU" "S.U" "..U";
    T in corio::sync::RwLockReadGuard<'static, T> => "SSU" "..U" "..U";
    T in corio::sync::RwLockWriteGuard<'static, T> => "SSU" "..U" "..U";
    T in corio::sync::RwLockUpgradableReadGuard<'static, T> => "SSU" "..U" "..U";
    T in corio::sync::RwLockMappedReadGuard<'static, T> => "SSU" "..U" "..U";
    T in corio::sync::RwLockMappedWriteGuard<'static, T> => "SSU" "S.U" "..U";
    T in corio::sync::OwnedRwLockReadGuard<T> => "SSU" "..U" "..U";
    T in corio::sync::OwnedRwLockWriteGuard<T> => "SSU" "..U" "..U";
    T in corio::sync::RwLockRead<'static, T> => "SS." "..." "...";
    T in corio::sync::RwLockWrite<'static, T> => "SS." "..." "...";
    T in corio::sync::RwLockUpgradableRead<'static, T> => "SS." "..." "...";
    T in corio::sync::RwLockUpgrade<'static, T> => "SS." "..." "...";
    T in corio::sync::RwLockReadOwned<T> => "SS." "..." "...";
    T in corio::sync::RwLockWriteOwned<T> => "SS." "..." "...";
    T in corio::sync::OwnedRwLockMappedReadGuard<T, T> => "SSU" "..U" "..U";
    T in corio::sync::OwnedRwLockMappedWriteGuard<T, T> => "SSU" "..U" "..U";
    T in corio::sync::OwnedRwLockUpgradableReadGuard<T> => "SSU" "..U" "..U";
    T in corio::sync::RwLockUpgradableReadOwned<T> => "SS." "..." "...";
    T in corio::sync::RwLockUpgradeOwned<T> => "SS." "..." "...";
    corio::sync::Condvar => "SSU";
    T in corio::sync::CondvarWait<'static, T> => "SS." "S.." "...";
    T in corio::sync::CondvarWaitFor<'static, T, fn(&mut T) -> bool> => "SS." "S.." "...";
    corio::sync::Semaphore => "SSU";
    corio::sync::SemaphorePermit<'static> => "SSU";
    corio::sync::OwnedSemaphorePermit => "SSU";
    corio::sync::Acquire<'static> => "SS.";
    corio::sync::AcquireOwned => "SS.";
    corio::sync::AcquireError => "SSU";
    corio::sync::TryAcquireError => "SSU";
    corio::sync::BoundedSemaphore => "SSU";
    corio::sync::TooManyPermits => "SSU";
    corio::sync::Event => "SSU";
    corio::sync::EventWait<'static> => "SS.";
    corio::sync::Notify => "SSU";
    corio::sync::Notified<'static> => "SS.";
    corio::sync::OwnedNotified => "SS.";
    corio::sync::Barrier => "SSU";
    corio::sync::BarrierWait<'static> => "SS.";
    corio::sync::BrokenBarrier => "SSU";
    T in corio::sync::OnceCell<T> => "SSU" "S.U" "..U";
    T in corio::sync::Lazy<T> => "SSU" "S.U" "..U";
    T in corio::sync::SetError<T> => "SSU" "S.U" "..U";
    T in corio::sync::SetOnce<T> => "SSU" "S.U" "..U";
    T in corio::sync::SetOnceWait<'static, T> => "SS." "..." "...";
    T in corio::sync::Promise<T> => "SSU" "..U" "..U";
    T in corio::sync::PromiseWait<T> => "SS." "..." "...";
    corio::sync::PromiseError => "SSU";
    T in corio::sync::AlreadyDone<T> => "SSU" "S.U" "..U";
    T in corio::sync::DoneCallback<T> => "SSU" "..U" "..U";
}

// Channels
table! {
    T in corio::sync::oneshot::Sender<T> => "SSU" "SSU" "..U";
    T in corio::sync::oneshot::Receiver<T> => "SSU" "SSU" "..U";
    T in corio::sync::oneshot::Closed<'static, T> => "SSU" "SSU" "..U";
    corio::sync::oneshot::RecvError => "SSU";
    corio::sync::oneshot::TryRecvError => "SSU";
    T in corio::sync::mpsc::Sender<T> => "SSU" "SSU" "..U";
    T in corio::sync::mpsc::WeakSender<T> => "SSU" "SSU" "..U";
    T in corio::sync::mpsc::Receiver<T> => "SSU" "SSU" "..U";
    T in corio::sync::mpsc::UnboundedSender<T> => "SSU" "SSU" "..U";
    T in corio::sync::mpsc::WeakUnboundedSender<T> => "SSU" "SSU" "..U";
    T in corio::sync::mpsc::UnboundedReceiver<T> => "SSU" "SSU" "..U";
    T in corio::sync::mpsc::Send<'static, T> => "SS." "S.." "...";
    T in corio::sync::mpsc::Recv<'static, T> => "SSU" "SSU" "..U";
    T in corio::sync::mpsc::RecvMany<'static, T> => "SSU" "S.U" "..U";
    T in corio::sync::mpsc::Reserve<'static, T> => "SS." "SS." "...";
    T in corio::sync::mpsc::ReserveMany<'static, T> => "SS." "SS." "...";
    T in corio::sync::mpsc::Permit<'static, T> => "SSU" "SSU" "..U";
    T in corio::sync::mpsc::PermitIterator<'static, T> => "SSU" "SSU" "..U";
    T in corio::sync::mpsc::SenderClosed<'static, T> => "SS." "SS." "...";
    T in corio::sync::mpsc::SendError<T> => "SSU" "S.U" "..U";
    T in corio::sync::mpsc::TrySendError<T> => "SSU" "S.U" "..U";
    corio::sync::mpsc::TryRecvError => "SSU";
    T in corio::sync::mpsc::OwnedPermit<T> => "SSU" "SSU" "..U";
    T in corio::sync::mpsc::ReserveOwned<T> => "SS." "SS." "...";
    T in corio::sync::mpsc::SendTimeoutError<T> => "SSU" "S.U" "..U";
    corio::sync::mpsc::RecvTimeoutError => "SSU";
    T in corio::sync::channel::Sender<T> => "SSU" "SSU" "..U";
    T in corio::sync::channel::Receiver<T> => "SSU" "SSU" "..U";
    T in corio::sync::channel::Recv<'static, T> => "SS." "SS." "...";
    T in corio::sync::channel::SendError<T> => "SSU" "S.U" "..U";
    T in corio::sync::channel::TrySendError<T> => "SSU" "S.U" "..U";
    corio::sync::channel::RecvError => "SSU";
    corio::sync::channel::TryRecvError => "SSU";
    T in corio::sync::broadcast::Sender<T> => "SSU" "SSU" "..U";
    T in corio::sync::broadcast::WeakSender<T> => "SSU" "SSU" "..U";
    T in corio::sync::broadcast::Receiver<T> => "SSU" "SSU" "..U";
    T in corio::sync::broadcast::Recv<'static, T> => "SS." "SS." "...";
    T in corio::sync::broadcast::Closed<'static, T> => "SS." "SS." "...";
    T in corio::sync::broadcast::SendError<T> => "SSU" "S.U" "..U";
    corio::sync::broadcast::RecvError => "SSU";
    corio::sync::broadcast::TryRecvError => "SSU";
    T in corio::sync::watch::Sender<T> => "SSU" "..U" "..U";
    T in corio::sync::watch::Receiver<T> => "SSU" "..U" "..U";
    T in corio::sync::watch::Ref<'static, T> => ".SU" "..U" "..U";
    T in corio::sync::watch::Changed<'static, T> => "SS." "..." "...";
    T in corio::sync::watch::Closed<'static, T> => "SS." "..." "...";
    T in corio::sync::watch::WaitFor<'static, T, fn(&T) -> bool> => "SS." "..." "...";
    T in corio::sync::watch::SendError<T> => "SSU" "S.U" "..U";
    corio::sync::watch::RecvError => "SSU";
    T in corio::sync::queue::Queue<T> => "SSU" "SSU" "..U";
    T in corio::sync::queue::LifoQueue<T> => "SSU" "SSU" "..U";
    corio::sync::queue::PriorityQueue<u8> => "SSU";
    T in corio::sync::queue::Get<'static, Fifo<T>> => "SS." "SS." "...";
    T in corio::sync::queue::Put<'static, Fifo<T>> => "SS." "S.." "...";
    T in corio::sync::queue::Join<'static, Fifo<T>> => "SS." "SS." "...";
    T in corio::sync::queue::QueueStream<Fifo<T>> => "SSU" "SSU" "..U";
    T in corio::sync::queue::PutError<T> => "SSU" "S.U" "..U";
    T in corio::sync::queue::TryPutError<T> => "SSU" "S.U" "..U";
    T in corio::sync::queue::PutTimeoutError<T> => "SSU" "S.U" "..U";
    corio::sync::queue::TryGetError => "SSU";
    corio::sync::queue::GetTimeoutError => "SSU";
    corio::sync::queue::QueueShutDown => "SSU";
    corio::sync::queue::TooManyDone => "SSU";
    T in corio::sync::queue::QueueOf<Fifo<T>> => "SSU" "SSU" "..U";
    T in corio::sync::queue::Fifo<T> => "SSU" "S.U" "..U";
    T in corio::sync::queue::Lifo<T> => "SSU" "S.U" "..U";
    T in corio::sync::queue::Priority<T> => "SSU" "S.U" "..U";
    corio::sync::queue::Shutdown => "SSU";
}

// Bytes
table! {
    T in corio::io::BufReader<T> => "SSU" "S.U" "..U";
    T in corio::io::BufWriter<T> => "SSU" "S.U" "..U";
    T in corio::io::BufStream<T> => "SSU" "S.U" "..U";
    T in corio::io::Cursor<T> => "SSU" "S.U" "..U";
    corio::io::Empty => "SSU";
    corio::io::Repeat => "SSU";
    corio::io::Sink => "SSU";
    corio::io::DuplexStream => "SSU";
    corio::io::SimplexReader => "SSU";
    corio::io::SimplexWriter => "SSU";
    T in corio::io::ReadHalf<T> => "SSU" "SSU" "..U";
    T in corio::io::WriteHalf<T> => "SSU" "SSU" "..U";
    T in corio::io::ReuniteError<T> => "SSU" "SSU" "..U";
    T in corio::io::Lines<T> => "SSU" "S.U" "..U";
    T in corio::io::Split<T> => "SSU" "S.U" "..U";
    T in corio::io::Chain<T, T> => "SSU" "S.U" "..U";
    T in corio::io::Take<T> => "SSU" "S.U" "..U";
    T in corio::io::Framed<T, LinesCodec> => "SSU" "S.U" "..U";
    corio::io::framed::Buffer => "SSU";
    corio::io::framed::BytesCodec => "SSU";
    corio::io::framed::LinesCodec => "SSU";
    corio::io::framed::LengthDelimitedCodec => "SSU";
    T in corio::io::framed::Next<'static, T, LinesCodec> => "SSU" "S.U" "..U";
    T in corio::io::framed::Feed<'static, T, LinesCodec, u8> => "SSU" "S.U" "..U";
    T in corio::io::framed::Sending<'static, T, LinesCodec, u8> => "SSU" "S.U" "..U";
    T in corio::io::framed::Flush<'static, T, LinesCodec> => "SSU" "S.U" "..U";
    T in corio::io::framed::Close<'static, T, LinesCodec> => "SSU" "S.U" "..U";
    T in corio::io::copy::Copy<'static, T, T> => "SSU" "S.U" "..U";
    T in corio::io::copy::CopyBuf<'static, T, T> => "SSU" "S.U" "..U";
    T in corio::io::copy::CopyBidirectional<'static, T, T> => "SSU" "S.U" "..U";
    T in corio::io::buf_read::FillBuf<'static, T> => "SSU" "S.U" "..U";
    T in corio::io::buf_read::NextLine<'static, T> => "SSU" "S.U" "..U";
    T in corio::io::buf_read::NextSegment<'static, T> => "SSU" "S.U" "..U";
    T in corio::io::buf_read::ReadLine<'static, T> => "SSU" "S.U" "..U";
    T in corio::io::buf_read::ReadUntil<'static, T> => "SSU" "S.U" "..U";
    T in corio::io::read::Read<'static, T> => "SSU" "S.U" "..U";
    T in corio::io::read::ReadExact<'static, T> => "SSU" "S.U" "..U";
    T in corio::io::read::ReadToEnd<'static, T> => "SSU" "S.U" "..U";
    T in corio::io::read::ReadToString<'static, T> => "SSU" "S.U" "..U";
    T in corio::io::read::ReadVectored<'static, 'static, T> => "SSU" "S.U" "..U";
    T in corio::io::read::ReadNumber<'static, T, u32, 4> => "SSU" "S.U" "..U";
    T in corio::io::write::Write<'static, T> => "SSU" "S.U" "..U";
    T in corio::io::write::WriteAll<'static, T> => "SSU" "S.U" "..U";
    T in corio::io::write::WriteAllVectored<'static, 'static, T> => "SSU" "S.U" "..U";
    T in corio::io::write::WriteVectored<'static, 'static, T> => "SSU" "S.U" "..U";
    T in corio::io::write::WriteNumber<'static, T, 4> => "SSU" "S.U" "..U";
    T in corio::io::write::Flush<'static, T> => "SSU" "S.U" "..U";
    T in corio::io::write::Close<'static, T> => "SSU" "S.U" "..U";
    T in corio::io::seek::Seek<'static, T> => "SSU" "S.U" "..U";
}

// Files, pipes and standard streams
table! {
    corio::io::Stdin => "SSU";
    corio::io::Stdout => "SSU";
    corio::io::Stderr => "SSU";
    corio::io::pipe::Sender => "SSU";
    corio::io::pipe::Receiver => "SSU";
    corio::fs::File => "SSU";
    corio::fs::OpenOptions => "SSU";
    corio::fs::ReadDir => "SSU";
    corio::fs::DirEntry => "SSU";
    T in corio::fs::Call<T> => "S.U" "S.U" "..U";
    T in corio::fs::Batch<T, T> => "S.U" "S.U" "..U";
    corio::fs::temp::TempDir => "SSU";
    corio::fs::temp::TempFile => "SSU";
}

#[cfg(target_os = "linux")]
table! {
    corio::io::Poller => "SSU";
    corio::io::PollerEvent => "SSU";
}

// Sockets
table! {
    corio::net::TcpListener => "SSU";
    corio::net::TcpStream => "SSU";
    corio::net::TcpSocket => "SSU";
    corio::net::UdpSocket => "SSU";
    corio::net::UnixListener => "SSU";
    corio::net::UnixStream => "SSU";
    corio::net::UnixDatagram => "SSU";
    corio::net::Accept<'static, TcpListener> => "SSU";
    corio::net::Incoming<'static, TcpListener> => "SSU";
    corio::net::ReadHalf<'static, TcpStream> => "SSU";
    corio::net::WriteHalf<'static, TcpStream> => "SSU";
    corio::net::OwnedReadHalf<TcpStream> => "SSU";
    corio::net::OwnedWriteHalf<TcpStream> => "SSU";
    corio::net::ReuniteError<TcpStream> => "SSU";
    corio::net::Addrs => "SSU";
    corio::net::Datagram<std::net::SocketAddr> => "SSU";
    corio::net::Keepalive => "SSU";
    corio::net::ListenOptions => "SSU";
    corio::net::UnixListenOptions => "SSU";
    corio::net::Server => "SSU";
    corio::net::ServerOptions => "SSU";
    corio::net::ConnectOptions => "SSU";
    corio::net::StreamReader => "SSU";
    corio::net::StreamWriter => "SSU";
    corio::net::Drain<'static> => "SSU";
    corio::net::IncompleteRead => "SSU";
    corio::net::LimitOverrun => "SSU";
    corio::net::Datagrams => "SSU";
    corio::net::DatagramRef<'static> => "SSU";
    corio::net::HandedOver => "SSU";
    corio::net::PeerCredentials => "SSU";
    corio::reactor::Direction => "SSU";
    corio::reactor::Interest => "SSU";
    corio::reactor::Readiness => "SSU";
    corio::reactor::Ready<'static> => "SSU";
    corio::reactor::Registration => "SSU";
    corio::reactor::Registered<std::net::TcpStream> => "SSU";
    corio::reactor::Wait => "SSU";
}

/// What may be used on both sides of `catch_unwind`. The primitives are in their own crate's table.
macro_rules! unwind_safe {
    ($($type:ty;)*) => {
        const _: () = {
            $(assert!(
                has!($type: UnwindSafe) && has!($type: RefUnwindSafe),
                concat!("not safe after a panic: ", stringify!($type)),
            );)*
        };
    };
}

unwind_safe! {
    corio::Runtime;
    corio::Handle;
    corio::Task<&'static mut Cell<u8>>;
    corio::TaskError;
    corio::task::Canceller;
    corio::task::TaskId;
    corio::CancelScope;
    corio::CancelToken;
    corio::TaskGroup<()>;
    corio::GroupError<u8>;
    corio::time::Instant;
    corio::time::Elapsed;
    corio::net::TcpListener;
    corio::net::TcpStream;
    corio::net::TcpSocket;
    corio::net::UdpSocket;
    corio::net::UnixListener;
    corio::net::UnixStream;
    corio::net::UnixDatagram;
    corio::fs::File;
    corio::fs::OpenOptions;
    corio::process::Child;
    corio::process::ChildHandle;
    corio::io::Stdin;
    corio::io::Stdout;
    corio::io::Stderr;
    corio::io::DuplexStream;
    corio::io::pipe::Sender;
    corio::io::pipe::Receiver;
    corio::signal::Signal;
    corio::sync::Lazy<u8>;
}
