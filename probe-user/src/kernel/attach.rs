//! Attaching the injector's programs to interfaces, by TCX where the kernel has it, else by a
//! clsact qdisc. All of it happens in the calling thread's network namespace.

use anyhow::{Context, Result};
use aya::{
    Ebpf,
    programs::{
        Link, LinkOrder, SchedClassifier, TcAttachType,
        tc::{NlOptions, SchedClassifierLink, TcAttachOptions, qdisc_add_clsact},
    },
    util::KernelVersion,
};

use super::{
    interfaces,
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

/// Filters of this priority are probe's, where the kernel has no TCX; which process's, their
/// handle tells.
const PRIORITY: u16 = 49_000;

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
            ledger.note(Leftover::Filters {
                interface: interface.to_owned(),
            })?;
            TcAttachOptions::Netlink(NlOptions {
                priority: PRIORITY,
                handle: std::process::id().into(),
                ..NlOptions::default()
            })
        }
    };
    classifier(ebpf, program)?
        .attach_with_options(interface, way, options)
        .with_context(|| format!("interface \"{interface}\": attaching {program}"))?;
    Ok(())
}

/// Attaches a loaded TC program to the ingress of an interface in a namespace of nobody's: it goes
/// with that namespace, so nothing is noted.
///
/// # Errors
/// Where the interface is gone, or refuses.
pub fn attach_unseen(ebpf: &mut Ebpf, program: &str, interface: &str) -> Result<()> {
    let options = match Method::of_this_kernel() {
        Method::Tcx => TcAttachOptions::TcxOrder(LinkOrder::default()),
        Method::Clsact => {
            qdisc_add_clsact(interface)
                .with_context(|| format!("interface \"{interface}\": adding a clsact qdisc"))?;
            TcAttachOptions::Netlink(NlOptions::default())
        }
    };
    classifier(ebpf, program)?
        .attach_with_options(interface, TcAttachType::Ingress, options)
        .with_context(|| format!("interface \"{interface}\": attaching {program}"))?;
    Ok(())
}

/// Takes the filters of a process away from an interface, where the kernel has no TCX.
///
/// # Errors
/// Where there is no such interface.
pub(super) fn remove_filters(interface: &str, pid: u32) -> Result<()> {
    for way in [TcAttachType::Egress, TcAttachType::Ingress] {
        let link = SchedClassifierLink::attached(interface, way, PRIORITY, pid.into(), None)?;
        if let Err(error) = link.detach() {
            // Most likely it is not there: not every interface has both, and its process took
            // away what it could.
            log::debug!("interface \"{interface}\": removing a filter: {error}");
        }
    }
    Ok(())
}

/// Gives an interface a clsact qdisc, where it has none. Notes that it is to be taken away, also
/// where it is another probe's: that one leaves it to who is the last to use it.
fn add_clsact(interface: &str, ledger: &mut Ledger) -> Result<()> {
    let clsact = Leftover::Clsact {
        interface: interface.to_owned(),
    };
    let index = interfaces::named(interface)?.index;
    if interfaces::has_clsact(index)? {
        return match ledger.others_note(&clsact) {
            true => ledger.note(clsact),
            false => Ok(()),
        };
    }
    ledger.note(clsact)?;
    qdisc_add_clsact(interface)
        .with_context(|| format!("interface \"{interface}\": adding a clsact qdisc"))
}

fn classifier<'a>(ebpf: &'a mut Ebpf, program: &str) -> Result<&'a mut SchedClassifier> {
    object::named(ebpf, program)?
        .try_into()
        .with_context(|| format!("{program} is not a TC program"))
}
