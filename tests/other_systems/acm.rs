//! asynchronous context managers.
