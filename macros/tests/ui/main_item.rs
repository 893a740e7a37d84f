#[path = "../rt/mod.rs"]
mod rt;

#[corio_macros::main(crate = "rt")]
fn no_async() {}

#[corio_macros::main(crate = "rt")]
async fn arguments(count: usize, names: &[String]) {
    println!("{count} {names:?}");
}

#[corio_macros::main(crate = "rt")]
async fn generic<T: Default>() -> T {
    T::default()
}

#[corio_macros::main(crate = "rt")]
async fn bound() -> i32
where
    i32: Copy,
{
    0
}

#[corio_macros::main(crate = "rt")]
async unsafe fn dangerous() {}

#[corio_macros::main(crate = "rt")]
struct NoFunction;

#[corio_macros::main(crate = "rt")]
fn main() {}
