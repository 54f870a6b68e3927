//! A process that does with sockets what it is told; see `tests::puppet`.

fn main() {
    tests::puppet::act::run();
}
