//! Task groups: ids of the areas TG and TRIO, and what the group's other methods promise.

#[path = "../kit/mod.rs"]
mod kit;

mod children;
mod ends;
mod errors;
mod failures;
mod limit;
mod next;
mod panics;
mod start;
