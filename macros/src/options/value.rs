//! One option: its name, its value, and what is said when the value is not what it should be.

use std::time::Duration;

use proc_macro::{Span, TokenStream, TokenTree};

use super::Kind;
use super::literal::{parse_duration, parse_integer, unquote};
use crate::error::{Error, Result};
use crate::tokens::is_punct;

/// One option: `name = value`.
pub(super) struct NameValue<'a> {
    pub(super) name: String,
    pub(super) span: Span,
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
    pub(super) fn parse(kind: Kind, tokens: &'a [TokenTree]) -> Result<Self> {
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

    pub(super) fn flavor(&self) -> Result<bool> {
        match self.value() {
            Value::Text(text) if text == "multi_thread" => Ok(true),
            Value::Text(text) if text == "current_thread" => Ok(false),
            _ => self.mismatch("\"current_thread\" or \"multi_thread\" (in quotes)"),
        }
    }

    pub(super) fn boolean(&self) -> Result<bool> {
        match self.value() {
            Value::Bool(value) => Ok(value),
            _ => self.mismatch("`true` or `false` (without quotes)"),
        }
    }

    pub(super) fn integer(&self) -> Result<u64> {
        let wants = "a whole number from 0 to 2^64 - 1 (without quotes)";
        match self.value() {
            Value::Number(text) => parse_integer(&text).map_or_else(|| self.mismatch(wants), Ok),
            _ => self.mismatch(wants),
        }
    }

    pub(super) fn count(&self) -> Result<u64> {
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

    pub(super) fn duration(&self) -> Result<Duration> {
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

    pub(super) fn path(&self) -> Result<TokenStream> {
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
