//! The veth pair of the lane: made across two namespaces, set up, removed.

use anyhow::{Context, Result};
use futures_util::TryStreamExt;
use rtnetlink::{
    LinkMessageBuilder, LinkUnspec, LinkVeth,
    packet_route::link::{InfoData, InfoVeth, LinkAttribute},
};

use crate::kernel::{
    interfaces::{self, with_netlink},
    netns::Netns,
};

/// The largest that a veth device may have: what isn't cut in pieces later has to fit.
const MTU: u32 = 65_535;
/// What the far end is called, where nobody sees it.
const FAR_NAME: &str = "far";

/// One end.
#[derive(Clone, Debug)]
pub(super) struct End {
    /// Index in its namespace.
    pub(super) index: u32,
    /// Name in its namespace.
    pub(super) name: String,
}

/// Makes a pair, both ends up; the near one is called probeN like every device of probe's.
pub(super) fn make(near: &Netns, far: &Netns) -> Result<(End, End)> {
    let peer = LinkMessageBuilder::<LinkUnspec>::new()
        .name(FAR_NAME)
        .mtu(MTU)
        .setns_by_fd(far.raw_fd())
        .build();
    let pair = LinkMessageBuilder::<LinkVeth>::new("probe%d", FAR_NAME)
        .set_info_data(InfoData::Veth(InfoVeth::Peer(peer)))
        .mtu(MTU)
        .build();
    near.within(|| {
        with_netlink(|handle| async move {
            let made = handle.link().add(pair).execute().await;
            made.context("making a veth pair")
        })
    })?;
    let (far_end, near_index) = far.within(|| {
        let (end, near_index) = far_end()?;
        set_up(&end)?;
        Ok((end, near_index))
    })?;
    let near_end = near.within(|| {
        let mut all = interfaces::all()?.into_iter();
        let found = all.find(|interface| interface.index == near_index);
        let end = End {
            index: near_index,
            name: found.context("a veth pair's near end is gone")?.name,
        };
        set_up(&end)?;
        Ok(end)
    })?;
    Ok((near_end, far_end))
}

/// The far end, and the index of the near one in its own namespace.
fn far_end() -> Result<(End, u32)> {
    const GONE: &str = "a veth pair's far end is gone";
    with_netlink(|handle| async move {
        let mut links = handle.link().get().match_name(FAR_NAME).execute();
        let link = links.try_next().await.context(GONE)?.context(GONE)?;
        let near = link.attributes.iter().find_map(|it| match it {
            LinkAttribute::Link(index) => Some(*index),
            _ => None,
        });
        let end = End {
            index: link.header.index,
            name: FAR_NAME.to_owned(),
        };
        Ok((end, near.context("a veth pair's far end has no peer")?))
    })
}

/// Switches an end on, without chatter of the kernel's own on it.
fn set_up(end: &End) -> Result<()> {
    // Without IPv6 there is no such file, and nothing to switch off.
    let setting = format!("/proc/sys/net/ipv6/conf/{}/disable_ipv6", end.name);
    let _ = std::fs::write(setting, "1");
    let link = LinkMessageBuilder::<LinkUnspec>::new()
        .index(end.index)
        .arp(false)
        .up()
        .build();
    with_netlink(|handle| async move {
        let set = handle.link().set(link).execute().await;
        set.context("setting up a veth pair")
    })
}

/// Removes an end of ours, and with it the other.
pub(super) fn remove(index: u32) -> Result<()> {
    with_netlink(|handle| async move {
        let removed = handle.link().del(index).execute().await;
        removed.context("removing a veth pair")
    })
}
