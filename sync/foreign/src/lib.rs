//! The tests of `corio-sync` under the executors of others: see `tests/`.
//!
//! A package of its own, so that none that is published depends on another runtime, not even to be tested.
#![forbid(unsafe_code)]
