//! `join!` and `try_join!`.

use proc_macro::{TokenStream, TokenTree};

use crate::code::Code;
use crate::error::{Error, Result};
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
    let calls = Calls::new(kind, &futures, &p, &mut code);
    code.push("{");
    calls.slots.iter().for_each(|slot| code.push(slot));
    match (kind, futures.is_empty()) {
        (Kind::Join, true) => {}
        (Kind::TryJoin, true) => code.push("::core::result::Result::Ok(())"),
        (Kind::Join, false) => calls.join(&mut code),
        (Kind::TryJoin, false) => calls.try_join(&mut code),
    }
    code.push("}");
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
    for future in &futures {
        if future.is_empty() {
            let at = tokens.iter().find(|t| is_punct(Some(t), ','));
            return Err(Error::over(
                at.map(std::slice::from_ref).unwrap_or_default(),
                format!("a future is missing before a comma: write `{name}(a, b)`"),
            ));
        }
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

/// The lines of the expansion that come once for each future.
struct Calls {
    /// `let mut future0 = ..`: each future pinned on the stack, in a cell for its output.
    slots: Vec<String>,
    /// Polls each future once, notes if it is not done, and leaves with its error.
    polls: Vec<String>,
    /// `take(&mut future0),`
    takes: String,
    /// `future0.set(..)`: drops the future.
    clears: String,
    private: String,
}

impl Calls {
    fn new(kind: Kind, futures: &[&[TokenTree]], p: &str, code: &mut Code) -> Self {
        let (make, poll) = match kind {
            Kind::Join => ("::core::future::IntoFuture::into_future", "poll_done"),
            Kind::TryJoin => ("{p}::fallible", "poll_ok"),
        };
        let mut calls = Self {
            slots: Vec::new(),
            polls: Vec::new(),
            takes: String::new(),
            clears: String::new(),
            private: p.to_owned(),
        };
        for (i, future) in futures.iter().enumerate() {
            let slot = format!(
                "let mut future{i} = ::core::pin::pin!({{p}}::MaybeDone::new({make}({{tokens}})));"
            );
            calls.slots.push(code.hole_about(future, p, &slot));
            let call = format!("{{p}}::{poll}(&mut future{i}, cx)");
            let polled = match kind {
                Kind::Join => format!("done &= {call};"),
                Kind::TryJoin => format!(
                    "match {call} {{
                        ::core::task::Poll::Ready(::core::result::Result::Ok(())) => {{}}
                        ::core::task::Poll::Ready(::core::result::Result::Err(error)) => {{
                            break 'failed error
                        }}
                        ::core::task::Poll::Pending => done = false,
                    }}"
                ),
            };
            calls.polls.push(code.hole_about(future, p, &polled));
            calls.takes += &format!("{p}::take_value(&mut future{i}), ");
            calls.clears += &format!("future{i}.set({p}::MaybeDone::Taken);\n");
        }
        calls
    }

    fn join(&self, code: &mut Code) {
        code.push("let out = ::core::future::poll_fn(move |cx| { let mut done = true;");
        self.polls.iter().for_each(|poll| code.push(poll));
        let takes = &self.takes;
        code.push(&format!(
            "if done {{ ::core::task::Poll::Ready(({takes})) }} else {{ ::core::task::Poll::Pending }}
            }}).await;
            out"
        ));
    }

    fn try_join(&self, code: &mut Code) {
        let Self { takes, clears, private: p, .. } = self;
        code.push(
            "let (out, cleanup) = ::core::future::poll_fn(move |cx| {
                let mut done = true;
                let error = 'failed: {",
        );
        self.polls.iter().for_each(|poll| code.push(poll));
        code.push(&format!(
            "return if done {{
                    ::core::task::Poll::Ready((
                        ::core::result::Result::Ok(({takes})),
                        ::core::option::Option::None,
                    ))
                }} else {{
                    ::core::task::Poll::Pending
                }};
            }};
            let sink = {p}::cleanup_sink();
            {clears}
            ::core::task::Poll::Ready((
                ::core::result::Result::Err(error),
                ::core::option::Option::Some(sink.finish()),
            ))
            }}).await;
            if let ::core::option::Option::Some(cleanup) = cleanup {{ cleanup.await; }}
            out"
        ));
    }
}
