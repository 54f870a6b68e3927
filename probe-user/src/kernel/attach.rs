//! Attaching the injector's programs to interfaces, by TCX where the kernel has it, else by a
//! clsact qdisc. All of it happens in the calling thread's network namespace.

use anyhow::{Context, Result};
use aya::{
    Ebpf,
    programs::{
        LinkOrder, SchedClassifier, TcAttachType,
        tc::{NlOptions, TcAttachOptions, TcError, qdisc_add_clsact},
    },
    util::KernelVersion,
};

use super::{
    leftovers::{Ledger, Leftover},
    object,
};

/// How programs are attached to interfaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// TCX links, which go with the process.
    Tcx,
    /// Filters on a clsact qdisc, which have to be taken away.
    Clsact,
}

impl Method {
    /// The better one that this kernel has.
    pub fn of_this_kernel() -> Self {
        let has_tcx = KernelVersion::current().is_ok_and(|it| it >= KernelVersion::new(6, 6, 0));
        if has_tcx { Self::Tcx } else { Self::Clsact }
    }
}

/// Filters of this priority are ours, where the kernel has no TCX.
const PRIORITY: u16 = 49_000;

/// Loads a TC program, so that it can be attached.
///
/// # Errors
/// Where the kernel's verifier refuses it.
pub fn load(ebpf: &mut Ebpf, program: &str) -> Result<()> {
    classifier(ebpf, program)?
        .load()
        .map_err(object::refusal)
        .with_context(|| format!("loading {program}"))
}

/// Attaches a loaded TC program to an interface.
///
/// # Errors
/// Where the interface is gone, or refuses.
pub fn attach(
    ebpf: &mut Ebpf,
    program: &str,
    interface: &str,
    way: TcAttachType,
    ledger: &mut Ledger,
) -> Result<()> {
    let options = match Method::of_this_kernel() {
        Method::Tcx => TcAttachOptions::TcxOrder(LinkOrder::default()),
        Method::Clsact => {
            add_clsact(interface, ledger)?;
            TcAttachOptions::Netlink(NlOptions {
                priority: PRIORITY,
                ..NlOptions::default()
            })
        }
    };
    classifier(ebpf, program)?
        .attach_with_options(interface, way, options)
        .with_context(|| format!("interface \"{interface}\": attaching {program}"))?;
    Ok(())
}

/// Gives an interface a clsact qdisc, where it has none; notes that it is ours to take away.
fn add_clsact(interface: &str, ledger: &mut Ledger) -> Result<()> {
    match qdisc_add_clsact(interface) {
        Ok(()) => ledger.note(Leftover::Clsact {
            interface: interface.to_owned(),
        }),
        Err(TcError::AlreadyAttached) => Ok(()),
        Err(TcError::IoError(error)) if error.raw_os_error() == Some(libc::EEXIST) => Ok(()),
        Err(error) => {
            Err(error).with_context(|| format!("interface \"{interface}\": adding a clsact qdisc"))
        }
    }
}

fn classifier<'a>(ebpf: &'a mut Ebpf, program: &str) -> Result<&'a mut SchedClassifier> {
    ebpf.program_mut(program)
        .with_context(|| format!("{program} is not in the object"))?
        .try_into()
        .with_context(|| format!("{program} is not a TC program"))
}
