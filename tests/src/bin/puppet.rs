//! A process that does with sockets what it is told; see `tests::puppet`.

use std::time::Duration;

fn main() {
    tests::puppet::act::run(Duration::from_millis(400));
}
