//! running a program: run, Runner, shutdown, interrupts.

mod ctrl_c;
mod ending;
mod running;
mod several;
