//! StreamReader.

mod exact;
mod lines;
mod reads;
mod separators;
mod whole;
