//! semaphores.
