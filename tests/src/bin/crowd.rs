//! A member of a crowd; see `tests::crowd`.

use std::env;

use anyhow::{Context, Result};

fn main() -> Result<()> {
    let numbers = env::args().skip(1).map(|it| it.parse().context("a number"));
    tests::crowd::member(&numbers.collect::<Result<Vec<u32>>>()?)
}
