//! runners and the keyboard interrupt.
