//! timeout.

mod due;
mod limits;
mod moved;
mod nested;
mod requests;
mod within;
