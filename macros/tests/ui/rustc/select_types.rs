#[path = "../../rt/mod.rs"]
mod rt;

use std::future::{pending, ready};

use rt::__private;

async fn not_a_future() {
    select! {
        x = 1 + 1 => x,
        y = ready(2) => y,
    };
}

async fn pattern_of_another_type() {
    select! {
        Some(x) = ready(1) => x,
        _ = pending::<()>() => 0,
    };
}

async fn guard_is_no_bool() {
    select! {
        x = ready(1), if 1 => x,
    };
}

async fn handlers_of_two_types() {
    let _: i32 = select! {
        x = ready(1) => x,
        _ = ready(2) => "two",
    };
}

async fn unused_binding() {
    #![deny(unused_variables)]
    select! {
        x = ready(1) => {}
    }
}

fn spawn(_: impl Future + Send) {}

fn a_loser_that_is_not_send() {
    spawn(async {
        let not_send = std::rc::Rc::new(1);
        select! {
            _ = async { rt::turns(1).await; drop(not_send.clone()) } => {}
            _ = ready(2) => {}
        }
    });
}

fn an_output_that_is_not_send() {
    spawn(async {
        select! {
            x = async { std::rc::Rc::new(1) } => drop(x),
            _ = ready(2) => {}
        }
    });
}

fn not_async() {
    select! {
        x = ready(1) => x,
    };
}

fn main() {}
