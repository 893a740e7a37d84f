//! task groups.

mod cancelled;
mod newer;
mod one_child;
mod other;
mod parent;
mod results;
mod spawning;
