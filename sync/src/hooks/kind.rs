//! What a leaf can wait for, by name.

/// What a pending leaf waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[allow(missing_docs, reason = "each is the name of the thing waited for")]
pub enum WaitKind {
    None = 0,
    Sleep,
    Mutex,
    RwLock,
    Semaphore,
    Condvar,
    Event,
    Notify,
    Barrier,
    OnceCell,
    Channel,
    Oneshot,
    Broadcast,
    Watch,
    Queue,
    Promise,
    Task,
    Group,
    Read,
    Write,
    Accept,
    Connect,
    Readiness,
    Blocking,
    Signal,
    Process,
    Cleanup,
    Yield,
    Other,
    Several,
}

const KINDS: [(WaitKind, &str); 30] = [
    (WaitKind::None, "none"),
    (WaitKind::Sleep, "sleep"),
    (WaitKind::Mutex, "mutex"),
    (WaitKind::RwLock, "rwlock"),
    (WaitKind::Semaphore, "semaphore"),
    (WaitKind::Condvar, "condvar"),
    (WaitKind::Event, "event"),
    (WaitKind::Notify, "notify"),
    (WaitKind::Barrier, "barrier"),
    (WaitKind::OnceCell, "once_cell"),
    (WaitKind::Channel, "channel"),
    (WaitKind::Oneshot, "oneshot"),
    (WaitKind::Broadcast, "broadcast"),
    (WaitKind::Watch, "watch"),
    (WaitKind::Queue, "queue"),
    (WaitKind::Promise, "promise"),
    (WaitKind::Task, "task"),
    (WaitKind::Group, "group"),
    (WaitKind::Read, "read"),
    (WaitKind::Write, "write"),
    (WaitKind::Accept, "accept"),
    (WaitKind::Connect, "connect"),
    (WaitKind::Readiness, "readiness"),
    (WaitKind::Blocking, "blocking"),
    (WaitKind::Signal, "signal"),
    (WaitKind::Process, "process"),
    (WaitKind::Cleanup, "cleanup"),
    (WaitKind::Yield, "yield"),
    (WaitKind::Other, "other"),
    (WaitKind::Several, "several futures"),
];

impl WaitKind {
    /// The word that introspection shows.
    pub fn as_str(self) -> &'static str {
        KINDS[self as usize].1
    }

    /// The kind of the word `self as u32`; a number that is none is something else.
    pub(super) fn from_bits(bits: u32) -> Self {
        KINDS.get(bits as usize).map_or(Self::Other, |k| k.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_own_name() {
        for (i, (kind, name)) in KINDS.iter().enumerate() {
            assert_eq!(*kind as usize, i);
            assert_eq!(WaitKind::from_bits(i as u32).as_str(), *name);
        }
    }
}
