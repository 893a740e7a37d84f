//! cancelling.
