//! running a program: run, Runner, shutdown, interrupts.
