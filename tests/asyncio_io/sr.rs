//! StreamReader.
