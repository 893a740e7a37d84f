//! the threading module.
