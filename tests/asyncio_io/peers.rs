//! Programs of others on the other side.
