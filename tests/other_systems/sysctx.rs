//! contextvars and thread-local storage.
