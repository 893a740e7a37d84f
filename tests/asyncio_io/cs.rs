//! create_server.
