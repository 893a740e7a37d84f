//! happy eyeballs.
