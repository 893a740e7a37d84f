//! Barrier.
