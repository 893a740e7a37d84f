//! Mutex, RwLock and Condvar.

#[path = "../kit/mod.rs"]
mod kit;

mod condvar;
mod mutex;
mod rwlock;
