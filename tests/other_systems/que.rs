//! the queue module of threads.
