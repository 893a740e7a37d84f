//! sleep.
