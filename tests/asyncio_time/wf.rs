//! wait_for.
