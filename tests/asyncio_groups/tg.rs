//! task groups.
