//! A few of the labelled cases of `cargo xtask ground-truth`: clients of other people's making, one
//! in each language, whose resilience patterns are known.

use std::thread;

use anyhow::{Result, ensure};
use serde_json::Value;
use tests::{
    ground_truth::{
        case::{self, Case},
        score::Board,
        trial,
    },
    turn::Turn,
};

/// What was said of each client of some cases, run at once.
fn told(cases: &[Case], seed: u64) -> Result<Vec<Vec<Value>>> {
    thread::scope(|scope| {
        let run = |case| scope.spawn(move || trial::run(case, seed, None));
        let running: Vec<_> = cases.iter().map(run).collect();
        let joined = running.into_iter().map(|it| match it.join() {
            Ok(said) => said,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        joined.collect()
    })
}

#[test]
#[ignore = "needs root"]
fn what_real_clients_do_is_told_right() -> Result<()> {
    const SEED: u64 = 1;
    let _turn = Turn::together()?;
    let mut cases = case::all()?;
    cases.retain(|it| it.in_sample);
    ensure!(cases.len() >= 4, "{} cases", cases.len());
    let mut board = Board::default();
    for two in cases.chunks(2) {
        let mut said = told(two, SEED)?;
        let mut first = Board::default();
        first.count_all(two, SEED, &said);
        // A busy machine may leave too little evidence; what is wrong it doesn't excuse.
        let is_little = |it: &String| {
            let left_out = [
                " unknown: ",
                " null, not ",
                " \"unknown\", not ",
                " not told: ",
            ];
            left_out.iter().any(|words| it.contains(words))
        };
        if !first.wrong.is_empty() && first.wrong.iter().all(is_little) {
            println!("once more: {:#?}", first.wrong);
            said = told(two, SEED + 1)?;
        }
        board.count_all(two, SEED, &said);
    }
    println!("{}", board.table());
    ensure!(board.wrong.is_empty(), "{:#?}", board.wrong);
    Ok(())
}
