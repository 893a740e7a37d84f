//! The command line of the examples: words, `--name value` options, and `--help`.

use std::error::Error;
use std::fmt::Display;
use std::str::FromStr;

/// What was written after the program's name.
#[derive(Debug)]
pub(crate) struct Args {
    words: Vec<String>,
    options: Vec<(String, String)>,
}

impl Args {
    /// Reads the command line; `--help` prints `help` and ends the program.
    ///
    /// There may be up to `max_words` words, and `options` lists the options, each of which takes a
    /// value.
    pub(crate) fn read(help: &str, max_words: usize, options: &[&str]) -> Result<Self, String> {
        let mut args = Self { words: Vec::new(), options: Vec::new() };
        let mut rest = std::env::args().skip(1);
        while let Some(arg) = rest.next() {
            if arg == "--help" || arg == "-h" {
                println!("{help}");
                std::process::exit(0);
            } else if options.contains(&arg.as_str()) {
                let value = rest.next().ok_or_else(|| format!("{arg} needs a value"))?;
                args.options.push((arg, value));
            } else if arg.starts_with('-') {
                return Err(format!("no option is called `{arg}`; try --help"));
            } else if args.words.len() == max_words {
                return Err(format!("`{arg}` is one word too many; try --help"));
            } else {
                args.words.push(arg);
            }
        }
        Ok(args)
    }

    /// The word at `index`, if there is one.
    pub(crate) fn word(&self, index: usize) -> Option<&str> {
        self.words.get(index).map(String::as_str)
    }

    /// The value of the option `name`, or `default`.
    pub(crate) fn option<T>(&self, name: &str, default: T) -> Result<T, String>
    where
        T: FromStr<Err: Error> + Display,
    {
        match self.options.iter().rev().find(|(option, _)| option == name) {
            None => Ok(default),
            Some((_, value)) => {
                value.parse().map_err(|error| format!("{name} {value}: {error} (try {default})"))
            }
        }
    }
}
