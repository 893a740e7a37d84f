//! eager tasks.
