//! Links and addresses: a veth pair from the shop's namespace straight into each of the others.
//! Everything is made inside the lab's namespaces; the host's own never sees a link of it.

use std::fs::{self, File};
use std::net::IpAddr;
use std::os::fd::{AsRawFd, RawFd};
use std::time::Duration;

use anyhow::{Context, Result};
use futures_util::TryStreamExt;
use nix::net::if_::if_nametoindex;
use rtnetlink::packet_route::address::AddressHeaderFlags;
use rtnetlink::packet_route::link::{InfoData, InfoVeth, LinkAttribute, State};
use rtnetlink::{Handle, LinkMessageBuilder, LinkUnspec, LinkVeth};
use tokio::time::{sleep, timeout};

use crate::namespace;
use crate::topology::{LabName, Link, Role};

/// How long links may take to come up, and how often to look.
const LINK_UP: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(5);

/// Connects the namespaces of a lab, which must exist and be empty.
pub(crate) fn connect(lab: &LabName) -> Result<()> {
    namespace::inside(&lab.namespace_path(Role::Shop), || {
        with_netlink(async |netlink| {
            bring_up(&netlink, "lo").await?;
            for link in Link::ALL {
                add_pair(&netlink, lab, link).await?;
                configure(&netlink, link.far.name(), link.shop_end()).await?;
            }
            Ok(())
        })
    })?;
    for link in Link::ALL {
        namespace::inside(&lab.namespace_path(link.far), || {
            with_netlink(async |netlink| {
                bring_up(&netlink, "lo").await?;
                configure(&netlink, Role::Shop.name(), link.far_end()).await
            })
        })?;
    }
    for link in Link::ALL {
        namespace::inside(&lab.namespace_path(link.far), || {
            with_netlink(async |netlink| wait_until_up(&netlink, Role::Shop.name()).await)
        })?;
    }
    Ok(())
}

/// Runs `work` with a netlink socket of the calling thread's namespace.
fn with_netlink(work: impl AsyncFnOnce(Handle) -> Result<()>) -> Result<()> {
    // New namespaces take the host's default; this one is the lab's own, so it may be changed.
    // Where the file is missing, adding the address says so.
    let _ = fs::write("/proc/sys/net/ipv6/conf/all/disable_ipv6", "0");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let (connection, netlink, _) = rtnetlink::new_connection().context("open netlink")?;
        tokio::spawn(connection);
        work(netlink).await
    })
}

async fn add_pair(netlink: &Handle, lab: &LabName, link: Link) -> Result<()> {
    let far = File::open(lab.namespace_path(link.far))?;
    let peer = far_interface(far.as_raw_fd());
    let pair = LinkVeth::new(link.far.name(), Role::Shop.name())
        .set_info_data(InfoData::Veth(InfoVeth::Peer(peer.build())));
    netlink
        .link()
        .add(pair.build())
        .execute()
        .await
        .with_context(|| format!("add the link from shop to {}", link.far.name()))
}

fn far_interface(namespace: RawFd) -> LinkMessageBuilder<LinkUnspec> {
    LinkUnspec::new_with_name(Role::Shop.name()).setns_by_fd(namespace)
}

async fn configure(netlink: &Handle, interface: &str, addresses: [IpAddr; 2]) -> Result<()> {
    let index = if_nametoindex(interface).with_context(|| format!("find {interface}"))?;
    for address in addresses {
        let prefix = if address.is_ipv4() {
            Link::V4_PREFIX
        } else {
            Link::V6_PREFIX
        };
        let mut request = netlink.address().add(index, address, prefix);
        if address.is_ipv6() {
            // Nobody else can have it, and duplicate address detection takes a second.
            request.message_mut().header.flags |= AddressHeaderFlags::Nodad;
        }
        request
            .execute()
            .await
            .with_context(|| format!("add {address} to {interface}"))?;
    }
    bring_up(netlink, interface).await
}

async fn bring_up(netlink: &Handle, interface: &str) -> Result<()> {
    let index = if_nametoindex(interface).with_context(|| format!("find {interface}"))?;
    let request = LinkUnspec::new_with_index(index).up().build();
    netlink
        .link()
        .set(request)
        .execute()
        .await
        .with_context(|| format!("bring up {interface}"))
}

/// Waits until the kernel has noticed that both ends are up: it takes up to a second over it, and
/// IPv6 answers nobody until then.
async fn wait_until_up(netlink: &Handle, interface: &str) -> Result<()> {
    let index = if_nametoindex(interface).with_context(|| format!("find {interface}"))?;
    let waiting = async {
        loop {
            let mut links = netlink.link().get().match_index(index).execute();
            let link = links.try_next().await?;
            let up = LinkAttribute::OperState(State::Up);
            if link.is_some_and(|link| link.attributes.contains(&up)) {
                return anyhow::Ok(());
            }
            sleep(POLL).await;
        }
    };
    timeout(LINK_UP, waiting)
        .await
        .with_context(|| format!("wait for {interface} to come up"))?
}
