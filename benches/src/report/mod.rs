//! What a comparison leaves behind: a table, in print and as Markdown, a JSON file and a page.

mod file;
mod machine;
mod markdown;
mod page;
mod peers;
mod svg;
mod table;
mod verdict;

use crate::compare::{Options, Outcome};
use machine::Machine;
use std::fs;
use std::path::Path;

/// What `publish` writes.
const FILES: [&str; 3] = ["compare.json", "compare.html", "compare.md"];

/// Makes `folder`, and sees to it that [`publish`] can write there: a comparison takes too long to be lost in the end.
/// What is there stays until then.
pub(crate) fn prepare(folder: &Path) -> Result<(), String> {
    fs::create_dir_all(folder)
        .map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
    for path in FILES.map(|name| folder.join(name)) {
        let opened = fs::OpenOptions::new().append(true).create(true).open(&path);
        opened.map_err(|error| format!("cannot write {}: {error}", path.display()))?;
    }
    Ok(())
}

/// Prints the table, and writes `compare.json`, `compare.html` and `compare.md` into `folder`, which was prepared.
pub(crate) fn publish(outcome: &Outcome, options: &Options, folder: &Path) -> Result<(), String> {
    print!("{}", table::render(outcome));
    let machine = Machine::here();
    let json = format!("{}\n", file::render(outcome, options, &machine));
    let page = page::render(outcome, options, &machine);
    let table = markdown::render(outcome, options, &machine);
    for (name, text) in FILES.into_iter().zip([json, page, table]) {
        let path = folder.join(name);
        fs::write(&path, text)
            .map_err(|error| format!("cannot write {}: {error}", path.display()))?;
        println!("{}", path.display());
    }
    Ok(())
}
