//! What a comparison leaves behind: a table, a JSON file and a page.

pub(crate) mod table;
