//! trio's channels.
