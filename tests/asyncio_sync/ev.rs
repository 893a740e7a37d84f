//! Event.
