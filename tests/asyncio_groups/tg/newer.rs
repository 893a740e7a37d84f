//! Children that are started at once.
