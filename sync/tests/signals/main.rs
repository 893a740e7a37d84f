//! What wakes waiters and what hands out turns: events, notifications, semaphores, barriers, cells, promises.

#[path = "../kit/mod.rs"]
mod kit;

mod barrier;
mod cells;
mod event;
mod notify;
mod promise;
mod semaphore;
