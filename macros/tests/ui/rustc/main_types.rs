#[path = "../../rt/mod.rs"]
mod rt;

#[corio_macros::main(crate = "rt")]
async fn unit_expected() {
    Ok(())
}

#[corio_macros::main(crate = "rt")]
async fn semicolon_too_many() -> Result<(), String> {
    Ok(());
}

#[corio_macros::main(crate = "rt")]
async fn wrong_return() -> i32 {
    if rt::turns(1).await == () {
        return "text";
    }
    0
}

#[corio_macros::main(crate = "rt")]
async fn question_mark_in_unit() {
    "x".parse::<i32>()?;
}

#[corio_macros::main(crate = "rt")]
async fn unknown_type() -> Resutl<(), String> {
    Ok(())
}

fn main() {}
