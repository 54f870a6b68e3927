//! A few of the labelled cases of `cargo xtask ground-truth`: clients of other people's making, one
//! in each language, whose resilience patterns are known.

use std::thread;

use anyhow::{Result, ensure};
use tests::{
    ground_truth::{case, score::Board, trial},
    turn::Turn,
};

#[test]
#[ignore = "needs root"]
fn what_real_clients_do_is_told_right() -> Result<()> {
    const SEED: u64 = 1;
    let _turn = Turn::together()?;
    let mut cases = case::all()?;
    cases.retain(|it| it.in_sample);
    ensure!(cases.len() >= 4, "{} cases", cases.len());
    let said = thread::scope(|scope| {
        let run = |case| scope.spawn(move || trial::run(case, SEED, None));
        let running: Vec<_> = cases.iter().map(run).collect();
        let joined = running.into_iter().map(|it| match it.join() {
            Ok(said) => said,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        joined.collect::<Result<Vec<_>>>()
    })?;
    let mut board = Board::default();
    for (case, said) in cases.iter().zip(&said) {
        board.count(case, SEED, said);
    }
    println!("{}", board.table());
    ensure!(board.wrong.is_empty(), "{:#?}", board.wrong);
    Ok(())
}
