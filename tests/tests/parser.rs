//! One source, two builds: what the kernel runs reads every frame as what the host tests does.

use std::os::fd::AsFd;

use anyhow::{Context, Result, ensure};
use aya::{EbpfLoader, include_bytes_aligned, programs::SchedClassifier};
use probe_common::names::program;
use probe_ebpf::packet::{Packet, Segment};
use rand::{SeedableRng, rngs::StdRng};
use tests::{frames::frame, test_run::Program};

static OBJECT: &[u8] = include_bytes_aligned!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../probe-user/bpf/probe.bpf.o"
));

const FRAMES: u64 = 1_000_000;

#[test]
#[ignore = "needs root"]
fn a_million_frames_are_read_alike_in_the_kernel_and_here() -> Result<()> {
    let mut ebpf = EbpfLoader::new().load(OBJECT)?;
    let parser = ebpf.program_mut(program::TC_PARSE).context("no parser")?;
    let parser: &mut SchedClassifier = parser.try_into()?;
    parser.load()?;
    let parser = Program::of(parser.fd()?.as_fd().try_clone_to_owned()?);
    let mut random = StdRng::seed_from_u64(6);
    let (mut read, mut segments, mut fragments) = (0, 0, 0);
    for number in 0..FRAMES {
        let frame = frame(&mut random);
        let here = Packet::from_ethernet(&frame[..]);
        let segment = here.and_then(|packet| Segment::of(&frame[..], &packet));
        let (could, [low, high]) = parser.answer(&frame)?;
        let there = (could == 1).then_some(u64::from(low) | u64::from(high) << 32);
        ensure!(
            here.map(|packet| packet.digest(segment)) == there,
            "frame {number}: {here:?} {segment:?} here, otherwise in the kernel: {frame:02x?}"
        );
        read += u64::from(here.is_some());
        segments += u64::from(segment.is_some());
        fragments += u64::from(here.is_some_and(|packet| packet.later_fragment));
    }
    println!("{read} of {FRAMES} read, {segments} segments, {fragments} later fragments");
    // Else it would be agreement over nothing.
    ensure!(read > FRAMES / 2 && read < FRAMES * 9 / 10, "{read} read");
    ensure!(segments > FRAMES / 20 && fragments > FRAMES / 20);
    Ok(())
}
