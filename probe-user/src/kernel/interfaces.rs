//! Interfaces of the calling thread's network namespace, and which of them lead to an address.

use std::net::IpAddr;

use anyhow::{Context, Result, anyhow};
use futures_util::TryStreamExt;
use rtnetlink::{
    Handle, RouteMessageBuilder,
    packet_route::{
        link::{LinkAttribute, LinkFlags, LinkLayerType, LinkMessage},
        route::RouteAttribute,
        tc::TcAttribute,
    },
};

/// An interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// Its index.
    pub index: u32,
    /// Its name.
    pub name: String,
    /// Whether it is up.
    pub up: bool,
    /// Whether its frames have an Ethernet header, as the programs expect.
    pub ethernet: bool,
    /// Whether it is a port of a bridge or a bond, which packets pass as well.
    pub is_port: bool,
    /// Frames it dropped because they found no room.
    pub dropped: u64,
}

/// Runs a conversation with the kernel's routing and link tables, in the calling thread's
/// network namespace.
pub(super) fn with_netlink<T, F>(work: impl FnOnce(Handle) -> F) -> Result<T>
where
    F: Future<Output = Result<T>>,
{
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()
        .context("netlink: starting a runtime")?;
    runtime.block_on(async {
        let (connection, handle, _) = rtnetlink::new_connection().context("netlink: connecting")?;
        let connection = tokio::spawn(connection);
        let result = work(handle).await;
        connection.abort();
        result
    })
}

/// All interfaces.
///
/// # Errors
/// Where the kernel doesn't answer.
pub fn all() -> Result<Vec<Interface>> {
    with_netlink(|handle| async move {
        let links = handle.link().get().execute();
        let links: Vec<_> = links.try_collect().await.context("listing interfaces")?;
        Ok(links.iter().map(interface_of).collect())
    })
}

/// The interface of a name.
///
/// # Errors
/// Where there is none, with a hint at those there are.
pub fn named(name: &str) -> Result<Interface> {
    let all = all()?;
    all.iter()
        .find(|interface| interface.name == name)
        .cloned()
        .ok_or_else(|| {
            let names: Vec<_> = all
                .iter()
                .map(|interface| interface.name.as_str())
                .collect();
            anyhow!(
                "interface \"{name}\": there is none of that name\nhint: there are {}",
                names.join(", ")
            )
        })
}

/// The index of the interface that packets to an address leave by.
///
/// # Errors
/// Where there is no route to it.
pub fn towards(address: IpAddr) -> Result<u32> {
    with_netlink(|handle| async move {
        let message = match address {
            IpAddr::V4(v4) => RouteMessageBuilder::<std::net::Ipv4Addr>::new()
                .destination_prefix(v4, 32)
                .build(),
            IpAddr::V6(v6) => RouteMessageBuilder::<std::net::Ipv6Addr>::new()
                .destination_prefix(v6, 128)
                .build(),
        };
        let no_route =
            || format!("endpoint {address}: there is no route to it in this network namespace");
        let mut routes = Box::pin(handle.route().get(message).execute());
        let route = routes
            .try_next()
            .await
            .with_context(no_route)?
            .with_context(no_route)?;
        route
            .attributes
            .iter()
            .find_map(|attribute| match attribute {
                RouteAttribute::Oif(index) => Some(*index),
                _ => None,
            })
            .with_context(no_route)
    })
}

fn interface_of(link: &LinkMessage) -> Interface {
    let mut interface = Interface {
        index: link.header.index,
        name: String::new(),
        up: link.header.flags.contains(LinkFlags::Up),
        ethernet: matches!(
            link.header.link_layer_type,
            LinkLayerType::Ether | LinkLayerType::Loopback
        ),
        is_port: false,
        dropped: 0,
    };
    for attribute in &link.attributes {
        match attribute {
            LinkAttribute::IfName(name) => interface.name.clone_from(name),
            LinkAttribute::Controller(controller) => interface.is_port = *controller != 0,
            LinkAttribute::Stats64(stats) => interface.dropped = stats.tx_dropped,
            _ => {}
        }
    }
    interface
}

/// Whether an interface has a clsact qdisc.
///
/// # Errors
/// Where the kernel doesn't answer.
pub fn has_clsact(index: u32) -> Result<bool> {
    with_netlink(|handle| async move {
        let qdiscs = handle.qdisc().get().index(index as i32).execute();
        let qdiscs: Vec<_> = qdiscs.try_collect().await.context("listing qdiscs")?;
        Ok(qdiscs.iter().any(|qdisc| {
            let clsact = TcAttribute::Kind("clsact".to_owned());
            qdisc.header.index == index as i32 && qdisc.attributes.contains(&clsact)
        }))
    })
}

/// Whether there are filters on an interface's clsact qdisc, whoever's.
///
/// # Errors
/// Where the kernel doesn't answer.
pub fn has_filters(index: u32) -> Result<bool> {
    with_netlink(|handle| async move {
        let filters = || handle.traffic_filter(index as i32).get();
        for request in [filters().egress(), filters().ingress()] {
            let filters: Vec<_> = request
                .execute()
                .try_collect()
                .await
                .context("listing filters")?;
            if !filters.is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    })
}

/// Takes a clsact qdisc away, and the filters on it.
///
/// # Errors
/// Where there is none, or the kernel refuses.
pub fn remove_clsact(index: u32) -> Result<()> {
    use rtnetlink::packet_route::tc::{TcHandle, TcMessage};
    with_netlink(|handle| async move {
        let mut request = handle.qdisc().del(index as i32);
        let message: &mut TcMessage = request.message_mut();
        message.header.parent = TcHandle::CLSACT;
        message.header.handle = TcHandle::from(0xffff_0000);
        request.execute().await.context("removing a clsact qdisc")
    })
}
