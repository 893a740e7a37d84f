//! The options in `#[corio::main(..)]` and `#[corio::test(..)]`.

use std::time::Duration;

use proc_macro::{Span, TokenStream, TokenTree};

use crate::error::{Error, Result};
use crate::tokens::{is_punct, split_at_commas};

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

/// One option: `name = value`.
struct NameValue<'a> {
    name: String,
    span: Span,
    value: &'a [TokenTree],
}

/// What the value of an option looks like, for the errors.
enum Value {
    Text(String),
    /// Digits and perhaps a suffix.
    Number(String),
    Bool(bool),
    Other,
}

impl<'a> NameValue<'a> {
    fn parse(kind: Kind, tokens: &'a [TokenTree]) -> Result<Self> {
        let Some(TokenTree::Ident(ident)) = tokens.first() else {
            let hint = "an option is written `name = value`, and options are separated by commas";
            return Err(Error::over(tokens, hint));
        };
        let (name, span) = (ident.to_string(), ident.span());
        if !kind.known().contains(&name.as_str()) {
            return Err(Error::at(span, unknown(kind, &name)));
        }
        if !is_punct(tokens.get(1), '=') {
            return Err(Error::at(
                span,
                format!("`{name}` needs a value: write `{}`", usage(&name)),
            ));
        }
        let value = &tokens[2..];
        if value.is_empty() {
            let usage = usage(&name);
            return Err(Error::over(tokens, format!("`{name}` needs a value: write `{usage}`")));
        }
        let option = Self { name, span, value };
        // A path may be any number of tokens; every other value is one, or a sign and a number.
        let signed = is_punct(value.first(), '-') && value.len() == 2;
        if option.name != "crate" && value.len() > 1 && !signed {
            let next = &value[1..];
            return Err(Error::over(next, "write a comma between this and the option before it"));
        }
        Ok(option)
    }

    fn value(&self) -> Value {
        let [token] = self.value else { return Value::Other };
        let mut token = token.clone();
        // A literal that another macro passed on comes in invisible brackets.
        while let TokenTree::Group(group) = &token {
            let mut inner = group.stream().into_iter();
            match (inner.next(), inner.next()) {
                (Some(only), None) => token = only,
                _ => return Value::Other,
            }
        }
        let text = token.to_string();
        match (token, text.as_str()) {
            (TokenTree::Ident(_), "true") => Value::Bool(true),
            (TokenTree::Ident(_), "false") => Value::Bool(false),
            (TokenTree::Literal(_), text) => match unquote(text) {
                Some(inner) => Value::Text(inner),
                None if text.starts_with(|c: char| c.is_ascii_digit()) => {
                    Value::Number(text.to_owned())
                }
                None => Value::Other,
            },
            _ => Value::Other,
        }
    }

    /// The value is not what it should be: says what was found and what to write.
    fn mismatch<T>(&self, wants: &str) -> Result<T> {
        let found: String = self.value.iter().map(TokenTree::to_string).collect();
        let (name, usage) = (&self.name, usage(&self.name));
        Err(Error::over(
            self.value,
            format!("`{name}` takes {wants}, found `{found}`: write for example `{usage}`"),
        ))
    }

    fn flavor(&self) -> Result<bool> {
        match self.value() {
            Value::Text(text) if text == "multi_thread" => Ok(true),
            Value::Text(text) if text == "current_thread" => Ok(false),
            _ => self.mismatch("\"current_thread\" or \"multi_thread\" (in quotes)"),
        }
    }

    fn boolean(&self) -> Result<bool> {
        match self.value() {
            Value::Bool(value) => Ok(value),
            _ => self.mismatch("`true` or `false` (without quotes)"),
        }
    }

    fn integer(&self) -> Result<u64> {
        let wants = "a whole number from 0 to 2^64 - 1 (without quotes)";
        match self.value() {
            Value::Number(text) => parse_integer(&text).map_or_else(|| self.mismatch(wants), Ok),
            _ => self.mismatch(wants),
        }
    }

    fn count(&self) -> Result<u64> {
        // No computer has more; the runtime's own type for it may be as small as this.
        let most = u64::from(u16::MAX);
        let number = match self.value() {
            Value::Number(text) => parse_integer(&text),
            _ => None,
        };
        match number {
            Some(0) => Err(Error::over(
                self.value,
                "a multi-thread runtime needs at least one worker: leave `worker_threads` out for \
                 one worker per core",
            )),
            Some(number) if number <= most => Ok(number),
            _ => self.mismatch("a whole number from 1 to 65535 (without quotes)"),
        }
    }

    fn duration(&self) -> Result<Duration> {
        let wants = "a number and a unit (\"ms\", \"s\", \"m\" or \"h\") in quotes";
        let Value::Text(text) = self.value() else { return self.mismatch(wants) };
        match parse_duration(&text) {
            Some(Duration::ZERO) => Err(Error::over(
                self.value,
                format!("a timeout of \"{text}\" fails every test: leave `timeout` out for none"),
            )),
            Some(duration) => Ok(duration),
            None => self.mismatch(wants),
        }
    }

    fn path(&self) -> Result<TokenStream> {
        let wants = "the path of the corio crate";
        let tokens: TokenStream = match self.value() {
            Value::Text(text) => {
                let Ok(path) = text.parse::<TokenStream>() else { return self.mismatch(wants) };
                let span = self.value[0].span();
                path.into_iter()
                    .map(|mut token| {
                        token.set_span(span);
                        token
                    })
                    .collect()
            }
            Value::Number(_) | Value::Bool(_) => return self.mismatch(wants),
            Value::Other => self.value.iter().cloned().collect(),
        };
        let is_part = |token: TokenTree| match token {
            TokenTree::Ident(_) => true,
            TokenTree::Punct(p) => p.as_char() == ':',
            TokenTree::Group(group) => group.delimiter() == proc_macro::Delimiter::None,
            TokenTree::Literal(_) => false,
        };
        if tokens.is_empty() || !tokens.clone().into_iter().all(is_part) {
            return self.mismatch(wants);
        }
        Ok(tokens)
    }
}

/// An example of the option `name`.
fn usage(name: &str) -> &'static str {
    match name {
        "flavor" => "flavor = \"current_thread\"",
        "worker_threads" => "worker_threads = 4",
        "cancel_on_ctrl_c" => "cancel_on_ctrl_c = true",
        "start_paused" => "start_paused = true",
        "seed" => "seed = 7",
        "timeout" => "timeout = \"5s\"",
        _ => "crate = \"my_corio\"",
    }
}

fn unknown(kind: Kind, name: &str) -> String {
    let attribute = kind.name();
    if matches!(name, "current_thread" | "multi_thread") {
        return format!("write `flavor = \"{name}\"` to choose the flavor");
    }
    if kind == Kind::Test && name == "cancel_on_ctrl_c" {
        return format!("`{name}` is an option of `#[corio::main]` only: remove it");
    }
    if kind == Kind::Main && name == "timeout" {
        return format!(
            "`{name}` is an option of `#[corio::test]` only: use `corio::timeout` in the body"
        );
    }
    let known: Vec<_> = kind.known().iter().map(|name| format!("`{name}`")).collect();
    let known = known.join(", ");
    format!("`#[corio::{attribute}]` has no option `{name}`: it knows {known}")
}

/// The text between the quotes of a string literal without escapes, raw or not.
fn unquote(literal: &str) -> Option<String> {
    let raw = literal.strip_prefix('r').map(|rest| rest.trim_matches('#'));
    let text = raw.unwrap_or(literal).strip_prefix('"')?.strip_suffix('"')?;
    Some(text.to_owned())
}

/// The value of an integer literal: any base, underscores, an integer's suffix.
fn parse_integer(literal: &str) -> Option<u64> {
    let text: String = literal.chars().filter(|c| *c != '_').collect();
    let (text, radix) = match text.get(..2) {
        Some("0x") => (&text[2..], 16),
        Some("0o") => (&text[2..], 8),
        Some("0b") => (&text[2..], 2),
        _ => (&text[..], 10),
    };
    let end = text.find(['u', 'i']).unwrap_or(text.len());
    let (digits, suffix) = text.split_at(end);
    let suffixes = ["", "u8", "u16", "u32", "u64", "usize", "i8", "i16", "i32", "i64", "isize"];
    if !suffixes.contains(&suffix) {
        return None;
    }
    u64::from_str_radix(digits, radix).ok()
}

/// `"500ms"`, `"1.5s"`, `"2 m"`, `"1h"`.
fn parse_duration(text: &str) -> Option<Duration> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let (number, unit) = text.split_at(end);
    let nanos_per_unit: u64 = match unit.trim_start() {
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return None,
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let mut nanos = whole.parse::<u64>().ok()?.checked_mul(nanos_per_unit)?;
    if fraction.is_empty() || fraction.contains('.') {
        return None;
    }
    let mut place = nanos_per_unit;
    for digit in fraction.bytes() {
        place /= 10;
        nanos = nanos.checked_add(u64::from(digit - b'0') * place)?;
    }
    Some(Duration::from_nanos(nanos))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_number_and_a_unit() {
        assert_eq!(parse_duration("5s"), Some(Duration::from_secs(5)));
        assert_eq!(parse_duration("500ms"), Some(Duration::from_millis(500)));
        assert_eq!(parse_duration(" 2 m "), Some(Duration::from_secs(120)));
        assert_eq!(parse_duration("1h"), Some(Duration::from_secs(3600)));
        assert_eq!(parse_duration("1.25s"), Some(Duration::from_millis(1250)));
        for wrong in ["", "5", "s", "5 parsecs", "-1s", "1..5s", "1.s", ".5s", "99999999999999h"] {
            assert_eq!(parse_duration(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn integers_may_have_a_base_and_a_suffix() {
        for (text, value) in
            [("7", 7), ("1_000", 1000), ("0xffu64", 255), ("0b11", 3), ("4usize", 4)]
        {
            assert_eq!(parse_integer(text), Some(value), "{text}");
        }
        for wrong in ["1.5", "7x", "18446744073709551616", "0x", "7u128x"] {
            assert_eq!(parse_integer(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn strings_may_be_raw() {
        assert_eq!(unquote("\"5s\"").as_deref(), Some("5s"));
        assert_eq!(unquote("r#\"rt\"#").as_deref(), Some("rt"));
        assert_eq!(unquote("7"), None);
        assert_eq!(unquote("b\"5s\""), None);
    }
}
