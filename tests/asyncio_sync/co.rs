//! Condition.
