//! StreamWriter.

mod closing;
mod draining;
mod whole;
mod writing;
