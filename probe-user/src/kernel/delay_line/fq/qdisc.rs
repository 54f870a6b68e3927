//! The fq qdisc of the lane's own device: put there, and asked what it holds and dropped.

use anyhow::{Context, Result, bail};
use futures_util::{StreamExt, TryStreamExt};
use probe_common::lane::SLOTS;
use rtnetlink::{
    packet_core::{
        DefaultNla, NLM_F_ACK, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REQUEST, NetlinkMessage,
        NetlinkPayload,
    },
    packet_route::{
        RouteNetlinkMessage,
        tc::{TcAttribute, TcHandle, TcMessage, TcOption},
    },
};

use crate::kernel::interfaces::with_netlink;

/// Attributes of fq, from linux/pkt_sched.h.
mod attribute {
    pub(super) const LIMIT: u16 = 1;
    pub(super) const FLOW_LIMIT: u16 = 2;
    pub(super) const QUANTUM: u16 = 3;
    pub(super) const RATE_ENABLE: u16 = 5;
    pub(super) const ORPHAN_MASK: u16 = 10;
    pub(super) const TIMER_SLACK: u16 = 13;
}

/// Most bytes that a flow may send in its turn: the most that the kernel allows, and many times
/// the largest packet.
const MOST_QUANTUM: u32 = 1 << 20;

/// What a qdisc holds, and has dropped.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Queue {
    /// Packets that wait.
    pub(super) waiting: u32,
    /// Packets that it had no room for.
    pub(super) drops: u32,
}

/// Gives an interface of ours the qdisc. It has room for more packets than there are slots; tells
/// flows apart by their whole hash; paces nobody; lets no flow step back for others, which would
/// change the order; and is as exact as it can be. Its horizon, ten
/// seconds, is far beyond the lane's hops.
pub(super) fn add(index: u32) -> Result<()> {
    let options = [
        (attribute::LIMIT, 2 * SLOTS),
        (attribute::FLOW_LIMIT, 2 * SLOTS),
        (attribute::QUANTUM, MOST_QUANTUM),
        (attribute::RATE_ENABLE, 0),
        (attribute::ORPHAN_MASK, u32::MAX),
        (attribute::TIMER_SLACK, 1_000),
    ];
    let options = options.map(|(attribute, value)| {
        TcOption::Other(DefaultNla::new(attribute, value.to_ne_bytes().to_vec()))
    });
    let mut message = TcMessage::with_index(index as i32);
    message.header.parent = TcHandle::ROOT;
    message.attributes = vec![
        TcAttribute::Kind("fq".to_owned()),
        TcAttribute::Options(options.to_vec()),
    ];
    with_netlink(|mut handle| async move {
        let mut request = NetlinkMessage::from(RouteNetlinkMessage::NewQueueDiscipline(message));
        request.header.flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL;
        let mut answers = handle.request(request).context("making the fq qdisc")?;
        while let Some(answer) = answers.next().await {
            if let NetlinkPayload::Error(error) = answer.payload
                && error.code.is_some()
            {
                return Err(error.to_io()).context("making the fq qdisc");
            }
        }
        Ok(())
    })
}

/// Reads what the fq qdisc of an interface of ours holds and dropped.
pub(super) fn read(index: u32) -> Result<Queue> {
    with_netlink(|handle| async move {
        let mut qdiscs = handle.qdisc().get().index(index as i32).execute();
        while let Some(qdisc) = qdiscs.try_next().await.context("reading a qdisc")? {
            let is_ours = qdisc.header.index == index as i32
                && qdisc
                    .attributes
                    .contains(&TcAttribute::Kind("fq".to_owned()));
            let statistics = qdisc.attributes.iter().find_map(|it| match it {
                TcAttribute::Stats(statistics) => Some(statistics),
                _ => None,
            });
            if let (true, Some(statistics)) = (is_ours, statistics) {
                return Ok(Queue {
                    waiting: statistics.qlen,
                    drops: statistics.drops,
                });
            }
        }
        bail!("reading a qdisc: there is no fq")
    })
}
