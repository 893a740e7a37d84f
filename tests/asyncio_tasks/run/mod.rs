//! running a program: run, Runner, shutdown, interrupts.

// ThreadSanitizer holds a signal back for as long as the thread that the system has chosen for it, which is
// the idle main thread of the test program, sleeps in a futex.
#[cfg(not(corio_tsan))]
mod ctrl_c;
mod ending;
mod running;
mod several;
