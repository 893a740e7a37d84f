#![allow(unused_imports)]

#[path = "../rt/mod.rs"]
mod rt;

use std::future::ready;

use rt::__private;

async fn no_handler() {
    select! {
        x = ready(1) =>
    }
}

async fn no_handler_before_a_comma() {
    select! {
        x = ready(1) => ,
        y = ready(2) => y,
    }
}

async fn no_comma() {
    select! {
        x = ready(1) => x.to_string()
        y = ready(2) => y.to_string()
    }
}

async fn no_comma_behind_a_match() {
    select! {
        x = ready(1) => match x { _ => 2 }
        Some(y) = ready(Some(2)) => y
    }
}

async fn no_comma_before_a_tuple() {
    select! {
        x = ready(1) => x
        (y, _) = ready((2, 3)) => y
    }
}

async fn semicolon_behind_an_expression() {
    select! {
        x = ready(1) => x.to_string();
        y = ready(2) => y.to_string()
    }
}

async fn semicolon_behind_a_block() {
    select! {
        x = ready(1) => { x.to_string() };
        y = ready(2) => y.to_string()
    }
}

fn main() {}
