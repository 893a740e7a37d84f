#[path = "../../rt/mod.rs"]
mod rt;

use std::future::ready;

use rt::__private;

async fn not_a_future() {
    join!(ready(1), 2 + 2);
}

async fn not_a_result() {
    let _ = try_join!(ready(Ok::<i32, ()>(1)), ready(2));
}

async fn two_error_types() {
    let _ = try_join!(ready(Ok::<i32, String>(1)), ready(Ok::<i32, u8>(2)));
}

fn main() {}
