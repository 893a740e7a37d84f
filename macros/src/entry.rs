//! `#[corio::main]` and `#[corio::test]`.
//!
//! `async fn f() -> T { body }` becomes
//!
//! ```text
//! fn f() -> T {
//!     async fn f() -> T { body }
//!     ::corio::__private::run_main(Config { .. }, f())
//! }
//! ```
//!
//! The inner function is what the user wrote, to the token. So the compiler checks the body against
//! the return type as in any `async fn`, and its errors and suggestions point at the right place; an
//! `async` block would have them point at the attribute.

use proc_macro::{Delimiter, Ident, Span, TokenStream, TokenTree};

use crate::code::Code;
use crate::error::{Error, Result};
use crate::options::{Kind, Options};
use crate::tokens::{group, is_punct, is_word, private};

/// Expands the attribute. With a mistake in the options, the function is expanded without them: one
/// error shall not bring others after it.
pub(crate) fn expand(kind: Kind, options: TokenStream, item: TokenStream) -> TokenStream {
    let function = match Function::parse(kind, item) {
        Ok(function) => function,
        Err((error, recovery)) => {
            let mut out = error.into_tokens();
            out.extend(recovery);
            return out;
        }
    };
    match Options::parse(kind, options) {
        Ok(options) => function.expand(kind, &options),
        Err(error) => {
            let mut out = error.into_tokens();
            out.extend(function.without_runtime(kind));
            out
        }
    }
}

/// A function, cut into what the expansion needs.
struct Function {
    /// `#[..]` and doc comments.
    attributes: Vec<TokenTree>,
    visibility: Vec<TokenTree>,
    name: Ident,
    /// `-> T`, or nothing.
    output: Vec<TokenTree>,
    body: TokenTree,
}

impl Function {
    /// Cuts `item` up. An error comes with what to emit beside it.
    fn parse(kind: Kind, item: TokenStream) -> std::result::Result<Self, (Error, TokenStream)> {
        let tokens = open_invisible(item.clone());
        Self::cut(kind, &tokens).map_err(|error| {
            // The compiler complains about a program without `main` and about an `async` or a
            // generic `main`; none of that is the mistake.
            let name = tokens.iter().skip_while(|t| !is_word(Some(t), "fn")).nth(1);
            let recovery = match (kind, name) {
                (Kind::Main, Some(TokenTree::Ident(name))) => {
                    let mut code = Code::default();
                    let name = code.hole([name.clone().into()]);
                    code.push(&format!("fn {name}() {{}}"));
                    code.finish(Span::call_site())
                }
                _ => TokenStream::new(),
            };
            (error, recovery)
        })
    }

    fn cut(kind: Kind, tokens: &[TokenTree]) -> Result<Self> {
        let attribute = kind.name();
        let Some(at_fn) = tokens.iter().position(|t| is_word(Some(t), "fn")) else {
            return Err(Error::over(
                tokens,
                format!("`#[corio::{attribute}]` stands before an `async fn`"),
            ));
        };
        let mut start = 0;
        while is_punct(tokens.get(start), '#') {
            start += 2;
        }
        let (attributes, head) = tokens[..at_fn].split_at(start.min(at_fn));
        reject_second_test(kind, attributes)?;
        let mut visibility = head.len().min(usize::from(is_word(head.first(), "pub")));
        if visibility == 1 && group(head.get(1), Delimiter::Parenthesis).is_some() {
            visibility = 2;
        }
        let (visibility, qualifiers) = head.split_at(visibility);
        let Some(TokenTree::Ident(name)) = tokens.get(at_fn + 1) else {
            return Err(Error::at(tokens[at_fn].span(), "a name is missing behind `fn`"));
        };
        check_qualifiers(qualifiers, &tokens[at_fn], name)?;
        let tail = check_arguments(kind, name, &tokens[at_fn + 2..])?;
        let Some((body, output)) =
            tail.split_last().filter(|(body, _)| group(Some(body), Delimiter::Brace).is_some())
        else {
            return Err(Error::over(tail, format!("`{name}` needs a body: `{{ .. }}`")));
        };
        if let Some(at) = output.iter().position(|t| is_word(Some(t), "where")) {
            return Err(Error::over(
                &output[at..],
                format!(
                    "`{name}` cannot have a `where` clause: nothing calls it with type arguments"
                ),
            ));
        }
        Ok(Self {
            attributes: attributes.to_vec(),
            visibility: visibility.to_vec(),
            name: name.clone(),
            output: output.to_vec(),
            body: body.clone(),
        })
    }

    fn expand(self, kind: Kind, options: &Options) -> TokenStream {
        let mut code = Code::default();
        let private = code.hole(private(options.krate.clone()));
        let name = code.hole([self.name.clone().into()]);
        // Not a setting: what listens for signals is to be in those programs only that ask for it.
        let run = match kind {
            Kind::Main if options.cancel_on_ctrl_c => "run_cancellable_main",
            Kind::Main => "run_main",
            Kind::Test => "run_test",
        };
        let config = config(&private, options);
        let call = format!("{private}::{run}({config}, {name}())");
        self.wrap(kind, code, &name, &call)
    }

    /// A stand-in that keeps the body checked while the options are wrong.
    fn without_runtime(self, kind: Kind) -> TokenStream {
        let mut code = Code::default();
        let name = code.hole([self.name.clone().into()]);
        let call = format!("let _ = {name}(); ::core::unreachable!()");
        self.wrap(kind, code, &name, &call)
    }

    fn wrap(self, kind: Kind, mut code: Code, name: &str, call: &str) -> TokenStream {
        let attributes = code.hole(self.attributes);
        let visibility = code.hole(self.visibility);
        let output = code.hole(self.output);
        let body = code.hole([self.body]);
        if kind == Kind::Test {
            code.push("#[::core::prelude::v1::test]");
        }
        // `async` is asked for by the attribute, so no lint shall say that it could go.
        code.push(&format!(
            "{attributes} {visibility} fn {name}() {output} {{
                #[allow(clippy::unused_async)]
                async fn {name}() {output} {body}
                {call}
            }}"
        ));
        code.finish(Span::call_site())
    }
}

/// The `Config { .. }` that says what `options` say.
fn config(private: &str, options: &Options) -> String {
    let mut fields = String::new();
    if options.multi_thread {
        fields += "multi_thread: true, ";
    }
    if let Some(n) = options.worker_threads {
        fields += &format!("worker_threads: ::core::option::Option::Some({n}), ");
    }
    if options.start_paused {
        fields += "start_paused: true, ";
    }
    if let Some(seed) = options.seed {
        fields += &format!("seed: ::core::option::Option::Some({seed}), ");
    }
    if let Some(timeout) = options.timeout {
        let (secs, nanos) = (timeout.as_secs(), timeout.subsec_nanos());
        fields += &format!(
            "timeout: ::core::option::Option::Some(::core::time::Duration::new({secs}, {nanos})), "
        );
    }
    format!("{private}::Config {{ {fields} ..::core::default::Default::default() }}")
}

/// Takes the invisible brackets off that `$vis` and `$body:block` of another macro come in. Those
/// around a type or an expression hold it together and stay; here they are only around a visibility,
/// which may be empty, and the body, which [`group`] sees through.
fn open_invisible(item: TokenStream) -> Vec<TokenTree> {
    let mut tokens = Vec::new();
    let mut in_head = true;
    for token in item {
        in_head &= !is_word(Some(&token), "fn");
        match &token {
            TokenTree::Group(group) if in_head && group.delimiter() == Delimiter::None => {
                tokens.extend(open_invisible(group.stream()));
            }
            _ => tokens.push(token),
        }
    }
    tokens
}

fn reject_second_test(kind: Kind, attributes: &[TokenTree]) -> Result<()> {
    for pair in attributes.chunks(2) {
        let path = group(pair.get(1), Delimiter::Bracket).map(|g| g.stream());
        let path: Vec<_> = path
            .into_iter()
            .flatten()
            .take_while(|t| matches!(t, TokenTree::Ident(_)) || is_punct(Some(t), ':'))
            .collect();
        if kind == Kind::Test && is_word(path.last(), "test") {
            return Err(Error::over(
                pair,
                "a second test attribute would run the test twice: remove it",
            ));
        }
    }
    Ok(())
}

/// `async` must stand before `fn`, and nothing else.
fn check_qualifiers(qualifiers: &[TokenTree], at_fn: &TokenTree, name: &Ident) -> Result<()> {
    if !qualifiers.iter().any(|t| is_word(Some(t), "async")) {
        return Err(Error::at(
            at_fn.span(),
            format!("the `async` keyword is missing: write `async fn {name}()`"),
        ));
    }
    match qualifiers.iter().find(|t| !is_word(Some(t), "async")) {
        None => Ok(()),
        Some(other) => Err(Error::at(
            other.span(),
            format!("`{other}` cannot stand here: write `async fn {name}()`"),
        )),
    }
}

/// There must be no generics and no arguments. Gives what comes behind them.
fn check_arguments<'a>(
    kind: Kind,
    name: &Ident,
    tokens: &'a [TokenTree],
) -> Result<&'a [TokenTree]> {
    let at = tokens.iter().position(|t| group(Some(t), Delimiter::Parenthesis).is_some());
    let Some(at) = at else {
        return Err(Error::at(name.span(), format!("`()` is missing behind `{name}`")));
    };
    if is_punct(tokens.first(), '<') {
        return Err(Error::over(
            &tokens[..at],
            format!("`{name}` cannot be generic: nothing calls it with type arguments"),
        ));
    }
    let arguments = group(tokens.get(at), Delimiter::Parenthesis).expect("found above").stream();
    if !arguments.is_empty() {
        let hint = match kind {
            Kind::Main => "read the command line with `std::env::args`",
            Kind::Test => "make a helper function that takes them and call it from the test",
        };
        let arguments: Vec<_> = arguments.into_iter().collect();
        return Err(Error::over(&arguments, format!("`{name}` takes no arguments: {hint}")));
    }
    Ok(&tokens[at + 1..])
}
