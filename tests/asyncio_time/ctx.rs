//! context variables in tasks.
