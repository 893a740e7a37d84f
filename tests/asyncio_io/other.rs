//! Streams and datagrams as other systems have them.
