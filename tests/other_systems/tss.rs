//! scheduling from other threads.
