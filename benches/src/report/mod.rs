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

/// Prints the table, and writes `compare.json`, `compare.html` and `compare.md` into `folder`.
pub(crate) fn publish(outcome: &Outcome, options: &Options, folder: &Path) -> Result<(), String> {
    print!("{}", table::render(outcome));
    let machine = Machine::here();
    fs::create_dir_all(folder)
        .map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
    let json = format!("{}\n", file::render(outcome, options, &machine));
    let page = page::render(outcome, options, &machine);
    let table = markdown::render(outcome, options, &machine);
    for (name, text) in [("compare.json", json), ("compare.html", page), ("compare.md", table)] {
        let path = folder.join(name);
        fs::write(&path, text)
            .map_err(|error| format!("cannot write {}: {error}", path.display()))?;
        println!("{}", path.display());
    }
    Ok(())
}
