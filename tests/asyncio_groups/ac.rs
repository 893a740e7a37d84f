//! as_completed.
