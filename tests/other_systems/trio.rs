//! trio: nurseries, cancel scopes.
