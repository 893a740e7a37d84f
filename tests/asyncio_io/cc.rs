//! create_connection.
