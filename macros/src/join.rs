//! `join!` and `try_join!`.

use proc_macro::{TokenStream, TokenTree};

use crate::code::Code;
use crate::error::{Error, Result};
use crate::list::{push_list, split_list};
use crate::tokens::{Input, is_arrow, is_punct, is_word, split_at_commas};

/// Which of the two it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Join,
    TryJoin,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Join => "join!",
            Self::TryJoin => "try_join!",
        }
    }
}

pub(crate) fn expand(kind: Kind, input: TokenStream) -> Result<TokenStream> {
    let Input { private, tokens } = Input::parse(input)?;
    let futures = parse(kind, &tokens)?;
    let mut code = Code::default();
    let p = code.hole(private);
    match (kind, futures.is_empty()) {
        (Kind::Join, true) => code.push("{}"),
        (Kind::TryJoin, true) => code.push("::core::result::Result::Ok(())"),
        (Kind::Join, false) => push_join(&mut code, &futures, &p),
        (Kind::TryJoin, false) => push_try_join(&mut code, &futures, &p),
    }
    Ok(code.finish_hygienic())
}

/// The expressions between the commas.
fn parse(kind: Kind, tokens: &[TokenTree]) -> Result<Vec<&[TokenTree]>> {
    let mut tokens = tokens;
    if is_word(tokens.first(), "biased") && is_punct(tokens.get(1), ';') {
        // tokio's way to ask for the order that this macro always has.
        tokens = &tokens[2..];
    }
    let futures = split_at_commas(tokens);
    let name = kind.name();
    let mut comma = 0;
    for future in &futures {
        comma += future.len();
        if future.is_empty() {
            return Err(Error::over(
                &tokens[comma..=comma],
                format!("a future is missing before this comma: write `{name}(a, b)`"),
            ));
        }
        comma += 1;
        if let Some(at) = future.iter().position(|t| is_punct(Some(t), ';')) {
            return Err(Error::over(
                &future[at..=at],
                format!("`{name}` separates its futures by commas: write `,` instead of `;`"),
            ));
        }
        if let Some(at) = (0..future.len()).find(|&at| is_arrow(future, at)) {
            return Err(Error::over(
                &future[at..at + 2],
                format!(
                    "`{name}` takes futures and gives back a tuple of what they return: write \
                     `{name}(a, b)` (handlers are for `select!`)"
                ),
            ));
        }
    }
    Ok(futures)
}

fn push_join(code: &mut Code, futures: &[&[TokenTree]], p: &str) {
    let make = "{p}::MaybeDone::new(::core::future::IntoFuture::into_future({tokens}))";
    push_start(code, futures, p, make);
    for (i, future) in futures.iter().enumerate() {
        let poll = format!("if !{{p}}::poll_done(&mut future{i}, cx) {{ done = false; }}");
        let poll = code.hole_about(future, p, &poll);
        code.push(&poll);
    }
    let values = take_values(futures.len(), p);
    code.push(&format!(
        "   if done {{
                ::core::task::Poll::Ready({p}::take_list(&mut list))
            }} else {{
                ::core::task::Poll::Pending
            }}
        }}).await;
        {values}
        }}"
    ));
}

fn push_try_join(code: &mut Code, futures: &[&[TokenTree]], p: &str) {
    push_start(code, futures, p, "{p}::MaybeDone::new({p}::fallible({tokens}))");
    code.push("let error = 'failed: {");
    for (i, future) in futures.iter().enumerate() {
        let poll = format!(
            "match {{p}}::poll_ok(&mut future{i}, cx) {{
                ::core::task::Poll::Ready(::core::result::Result::Ok(())) => {{}}
                ::core::task::Poll::Ready(::core::result::Result::Err(error)) => {{
                    break 'failed error
                }}
                ::core::task::Poll::Pending => done = false,
            }}"
        );
        let poll = code.hole_about(future, p, &poll);
        code.push(&poll);
    }
    let values = take_values(futures.len(), p);
    let split = split_list(futures.len(), p);
    let clears = (0..futures.len())
        .map(|i| format!("future{i}.set({p}::MaybeDone::Taken);\n"))
        .collect::<String>();
    code.push(&format!(
        "       return if done {{
                    ::core::task::Poll::Ready(::core::result::Result::Ok({p}::take_list(&mut list)))
                }} else {{
                    ::core::task::Poll::Pending
                }};
            }};
            let owed = {p}::empty_catching({p}::take_list(&mut list), |rest| {{
                {split}
                {clears}
            }});
            ::core::task::Poll::Ready(::core::result::Result::Err((error, owed)))
        }}).await;
        match list {{
            ::core::result::Result::Ok(mut list) => ::core::result::Result::Ok({values}),
            ::core::result::Result::Err((error, owed)) => {{
                if let ::core::option::Option::Some(owed) = owed {{ owed.await; }}
                ::core::result::Result::Err(error)
            }}
        }}
        }}"
    ));
}

/// Pins the futures, each in a cell for its value, and starts the closure that polls them.
///
/// When it is over it gives back the pointer to them, which it keeps in an `Option` until then: the
/// values go from their cells to where they are wanted, and not through what a poll returns.
fn push_start(code: &mut Code, futures: &[&[TokenTree]], p: &str, make: &str) {
    code.push("{");
    let list = push_list(code, futures, p, make);
    let split = split_list(futures.len(), p);
    code.push(&format!(
        "let list = ::core::pin::pin!({list});
        let mut list = ::core::option::Option::Some(list);
        let mut list = {p}::poll_here(move |cx| {{
            let rest = {p}::borrow_list(&mut list);
            {split}
            let mut done = true;"
    ));
}

/// The tuple of the values of the futures in `list`, which are all done.
fn take_values(futures: usize, p: &str) -> String {
    let split = split_list(futures, p);
    let values =
        (0..futures).map(|i| format!("{p}::take_value(&mut future{i}), ")).collect::<String>();
    format!("{{ let rest = list.as_mut(); {split} ({values}) }}")
}
