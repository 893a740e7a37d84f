//! The options in `#[corio::main(..)]` and `#[corio::test(..)]`.

mod literal;
mod value;

use std::time::Duration;

use proc_macro::{Span, TokenStream, TokenTree};

use crate::error::{Error, Result};
use crate::tokens::split_at_commas;
use value::NameValue;

/// Which attribute it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Main,
    Test,
}

impl Kind {
    /// The name of the attribute.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Main => "main",
            Self::Test => "test",
        }
    }

    fn known(self) -> &'static [&'static str] {
        match self {
            Self::Main => {
                &["flavor", "worker_threads", "cancel_on_ctrl_c", "start_paused", "seed", "crate"]
            }
            Self::Test => &["flavor", "worker_threads", "start_paused", "seed", "timeout", "crate"],
        }
    }
}

/// What the options say.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) multi_thread: bool,
    pub(crate) worker_threads: Option<u64>,
    pub(crate) cancel_on_ctrl_c: bool,
    pub(crate) start_paused: bool,
    pub(crate) seed: Option<u64>,
    pub(crate) timeout: Option<Duration>,
    /// The path of the corio crate.
    pub(crate) krate: TokenStream,
}

impl Options {
    /// What holds where nothing is said.
    pub(crate) fn new(kind: Kind) -> Self {
        Self {
            multi_thread: kind == Kind::Main,
            worker_threads: None,
            cancel_on_ctrl_c: false,
            start_paused: false,
            seed: None,
            timeout: None,
            krate: "::corio".parse().expect("a path"),
        }
    }

    pub(crate) fn parse(kind: Kind, tokens: TokenStream) -> Result<Self> {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut options = Self::new(kind);
        let mut seen: Vec<(String, Span)> = Vec::new();
        for part in split_at_commas(&tokens) {
            let option = NameValue::parse(kind, part)?;
            if seen.iter().any(|(name, _)| *name == option.name) {
                let name = option.name;
                return Err(Error::over(part, format!("`{name}` is set twice: remove one")));
            }
            options.set(&option)?;
            seen.push((option.name, option.span));
        }
        options.check(kind, &seen)?;
        Ok(options)
    }

    fn set(&mut self, option: &NameValue<'_>) -> Result<()> {
        match option.name.as_str() {
            "flavor" => self.multi_thread = option.flavor()?,
            "worker_threads" => self.worker_threads = Some(option.count()?),
            "cancel_on_ctrl_c" => self.cancel_on_ctrl_c = option.boolean()?,
            "start_paused" => self.start_paused = option.boolean()?,
            "seed" => self.seed = Some(option.integer()?),
            "timeout" => self.timeout = Some(option.duration()?),
            _ => self.krate = option.path()?,
        }
        Ok(())
    }

    /// Options that are right by themselves but not together.
    fn check(&self, kind: Kind, seen: &[(String, Span)]) -> Result<()> {
        let span_of = |name| seen.iter().find(|(n, _)| n == name).map(|(_, span)| *span);
        let asked = span_of("flavor").is_some();
        if let (Some(span), false) = (span_of("worker_threads"), self.multi_thread) {
            let say = if asked { "change the flavor to" } else { "add" };
            return Err(Error::at(
                span,
                format!(
                    "the current-thread flavor has no worker threads: remove `worker_threads`, or \
                     {say} `flavor = \"multi_thread\"`"
                ),
            ));
        }
        if self.start_paused && self.multi_thread && self.seed.is_none() {
            let span = span_of("start_paused").unwrap_or_else(Span::call_site);
            let say = if asked { "change the flavor to" } else { "add" };
            let name = kind.name();
            return Err(Error::at(
                span,
                format!(
                    "only a current-thread or a seeded runtime can pause its clock: {say} `flavor = \
                     \"current_thread\"`, or add a seed as in `#[corio::{name}(start_paused = true, \
                     seed = 7)]`"
                ),
            ));
        }
        Ok(())
    }
}
