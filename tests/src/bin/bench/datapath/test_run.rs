//! bpf(2), as far as running a program over a packet takes it.

use std::{
    io,
    os::fd::{AsRawFd, FromRawFd, OwnedFd},
};

use anyhow::{Context, Result};

// Commands and a program type of bpf(2), from linux/bpf.h.
const PROG_LOAD: libc::c_int = 5;
const PROG_TEST_RUN: libc::c_int = 10;
const SCHED_CLS: u32 = 3;

/// A loaded program.
#[derive(Debug)]
pub(super) struct Program(OwnedFd);

/// The attributes of `BPF_PROG_LOAD`, as far as they are needed.
#[repr(C)]
struct Load {
    kind: u32,
    instruction_count: u32,
    instructions: u64,
    license: u64,
    rest: [u64; 13],
}

/// The attributes of `BPF_PROG_TEST_RUN`.
#[repr(C)]
struct TestRun {
    program: u32,
    verdict: u32,
    size_in: u32,
    size_out: u32,
    data_in: u64,
    data_out: u64,
    repeat: u32,
    duration_ns: u32,
    rest: [u64; 4],
}

/// A program that lets every packet go on.
///
/// # Errors
/// Without the privilege.
pub(super) fn empty() -> Result<Program> {
    // r0 = -1; exit
    let instructions: [u64; 2] = [0xffff_ffff_0000_00b7, 0x95];
    let mut load = Load {
        kind: SCHED_CLS,
        instruction_count: 2,
        instructions: instructions.as_ptr() as u64,
        license: c"GPL".as_ptr() as u64,
        rest: [0; 13],
    };
    let fd = bpf(PROG_LOAD, &mut load).context("loading an empty program")?;
    // SAFETY: the kernel has just made this descriptor, and nobody else knows of it.
    Ok(Program(unsafe { OwnedFd::from_raw_fd(fd) }))
}

impl Program {
    pub(super) fn of(fd: OwnedFd) -> Self {
        Self(fd)
    }

    /// Runs it `repeat` times over one packet; returns its last verdict and the mean time in
    /// nanoseconds.
    ///
    /// # Errors
    /// Where the kernel refuses the packet.
    pub(super) fn run(&self, packet: &[u8], repeat: u32) -> Result<(u32, f64)> {
        let mut run = TestRun {
            program: self.0.as_raw_fd() as u32,
            verdict: 0,
            size_in: packet.len() as u32,
            size_out: 0,
            data_in: packet.as_ptr() as u64,
            data_out: 0,
            repeat,
            duration_ns: 0,
            rest: [0; 4],
        };
        bpf(PROG_TEST_RUN, &mut run).context("running a program over a packet")?;
        Ok((run.verdict, f64::from(run.duration_ns)))
    }
}

fn bpf<T>(command: libc::c_int, attributes: &mut T) -> io::Result<libc::c_int> {
    // SAFETY: `attributes` is as long as is said, and what it points at outlives the call.
    let result = unsafe {
        libc::syscall(
            libc::SYS_bpf,
            command,
            std::ptr::from_mut(attributes),
            size_of::<T>(),
        )
    };
    match result {
        ..0 => Err(io::Error::last_os_error()),
        fd => Ok(fd as libc::c_int),
    }
}
