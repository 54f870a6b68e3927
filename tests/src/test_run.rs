//! Running a kernel program over a packet that is in memory (`BPF_PROG_TEST_RUN`).

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
pub struct Program(OwnedFd);

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
    context_size_in: u32,
    context_size_out: u32,
    context_in: u64,
    context_out: u64,
    rest: u64,
}

/// Bytes of `struct __sk_buff`, at least, and where its control block stands.
const CONTEXT_LENGTH: usize = 192;
const CONTROL_BLOCK_AT: usize = 48;

/// Loads a program that lets every packet go on.
///
/// # Errors
/// Without the privilege.
pub fn empty() -> Result<Program> {
    load(&[RETURN_UNSPEC, EXIT])
}

/// A program that sends a copy of the packet out of the interface it came by, and does nothing
/// else: what the kernel takes for that, to be told from what a fault takes that does the same.
///
/// # Errors
/// Without the privilege.
pub fn copying() -> Result<Program> {
    /// r2 = the packet's interface
    const INTERFACE: u64 = 0x0028_1261;
    /// r3 = 0
    const OUTWARDS: u64 = 0x03b7;
    /// call bpf_clone_redirect
    const CLONE_REDIRECT: u64 = 0x0d_0000_0085;
    load(&[INTERFACE, OUTWARDS, CLONE_REDIRECT, RETURN_UNSPEC, EXIT])
}

/// r0 = -1
const RETURN_UNSPEC: u64 = 0xffff_ffff_0000_00b7;
const EXIT: u64 = 0x95;

fn load(instructions: &[u64]) -> Result<Program> {
    let mut load = Load {
        kind: SCHED_CLS,
        instruction_count: instructions.len() as u32,
        instructions: instructions.as_ptr() as u64,
        license: c"GPL".as_ptr() as u64,
        rest: [0; 13],
    };
    let fd = bpf(PROG_LOAD, &mut load).context("loading a program of a few instructions")?;
    // SAFETY: the kernel has just made this descriptor, and nobody else knows of it.
    Ok(Program(unsafe { OwnedFd::from_raw_fd(fd) }))
}

impl Program {
    /// Takes a program that somebody else loaded.
    pub fn of(fd: OwnedFd) -> Self {
        Self(fd)
    }

    /// Runs it `repeat` times over one packet; returns its last verdict and the mean time in
    /// nanoseconds.
    ///
    /// # Errors
    /// Where the kernel refuses the packet.
    pub fn run(&self, packet: &[u8], repeat: u32) -> Result<(u32, f64)> {
        let mut run = self.over(packet, repeat);
        bpf(PROG_TEST_RUN, &mut run).context("running a program over a packet")?;
        Ok((run.verdict, f64::from(run.duration_ns)))
    }

    /// Runs it once; returns its verdict and the first two words that it left in the packet's
    /// control block.
    ///
    /// # Errors
    /// Where the kernel refuses the packet.
    pub fn answer(&self, packet: &[u8]) -> Result<(u32, [u32; 2])> {
        let mut context = [0u8; CONTEXT_LENGTH];
        let mut run = self.over(packet, 1);
        run.context_size_out = CONTEXT_LENGTH as u32;
        run.context_out = context.as_mut_ptr() as u64;
        bpf(PROG_TEST_RUN, &mut run).context("running a program over a packet")?;
        let word = |at: usize| {
            let bytes = context[at..].first_chunk().copied().unwrap_or_default();
            u32::from_ne_bytes(bytes)
        };
        Ok((
            run.verdict,
            [word(CONTROL_BLOCK_AT), word(CONTROL_BLOCK_AT + 4)],
        ))
    }

    fn over(&self, packet: &[u8], repeat: u32) -> TestRun {
        TestRun {
            program: self.0.as_raw_fd() as u32,
            verdict: 0,
            size_in: packet.len() as u32,
            size_out: 0,
            data_in: packet.as_ptr() as u64,
            data_out: 0,
            repeat,
            duration_ns: 0,
            context_size_in: 0,
            context_size_out: 0,
            context_in: 0,
            context_out: 0,
            rest: 0,
        }
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
