//! futures.
