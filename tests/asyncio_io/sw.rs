//! StreamWriter.
