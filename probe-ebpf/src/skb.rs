//! Packets as the kernel hands them to programs: reading, tagging, sending elsewhere.

use aya_ebpf::{
    bindings::__sk_buff,
    helpers::generated::{
        bpf_clone_redirect, bpf_redirect, bpf_redirect_peer, bpf_set_hash, bpf_set_hash_invalid,
        bpf_skb_change_tail, bpf_skb_change_type, bpf_skb_load_bytes, bpf_skb_set_tstamp,
        bpf_skb_store_bytes, bpf_skb_vlan_pop, bpf_skb_vlan_push, bpf_tcp_sock,
    },
};
use probe_common::line;
use probe_ebpf::packet::Source;

/// A packet that a program was called for.
#[derive(Clone, Copy)]
pub(crate) struct Skb {
    raw: *mut __sk_buff,
}

/// `pkt_type` of a packet that is for this host.
const PACKET_HOST: u32 = 0;
/// `bpf_redirect` flag: the packet goes on inwards.
const BPF_F_INGRESS: u64 = 1;
/// `bpf_skb_set_tstamp` kinds of time: none, and a departure time on CLOCK_MONOTONIC.
const BPF_SKB_TSTAMP_UNSPEC: u32 = 0;
const BPF_SKB_TSTAMP_DELIVERY_MONO: u32 = 1;
/// `bpf_skb_store_bytes` flag: the sum that the card made of the whole packet changes with it.
const BPF_F_RECOMPUTE_CSUM: u64 = 1;
/// No interface has this index: redirecting there drops a packet without telling the sender.
const NO_INTERFACE: u32 = 0x7fff_ffff;

impl Skb {
    #[inline(always)]
    pub(crate) fn new(raw: *mut __sk_buff) -> Self {
        Self { raw }
    }

    #[inline(always)]
    pub(crate) fn raw(&self) -> *mut __sk_buff {
        self.raw
    }

    #[inline(always)]
    pub(crate) fn len(&self) -> u32 {
        // SAFETY: the kernel gave the context; the verifier checks the access.
        unsafe { (*self.raw).len }
    }

    #[inline(always)]
    pub(crate) fn ifindex(&self) -> u32 {
        // SAFETY: as in `len`.
        unsafe { (*self.raw).ifindex }
    }

    /// The marks of the lines that the packet has been through.
    #[inline(always)]
    pub(crate) fn marks(&self) -> u16 {
        // SAFETY: as in `len`.
        unsafe { (*self.raw).tc_index as u16 }
    }

    #[inline(always)]
    pub(crate) fn set_marks(&self, marks: u16) {
        // SAFETY: as in `len`.
        unsafe { (*self.raw).tc_index = u32::from(marks) };
    }

    /// The socket's smoothed round-trip time; 0 where there is no TCP socket, or none is known yet.
    #[inline(always)]
    pub(crate) fn smoothed_rtt_us(&self) -> u32 {
        /// The kernel keeps eighths of microseconds.
        const EIGHTHS: u32 = 3;
        // SAFETY: as in `len`; the helper gives the socket's own part of memory, or null.
        unsafe {
            let socket = core::ptr::read_volatile(&raw const (*self.raw).__bindgen_anon_2.sk);
            if socket.is_null() {
                return 0;
            }
            let tcp = bpf_tcp_sock(socket);
            if tcp.is_null() {
                return 0;
            }
            core::ptr::read_volatile(&raw const (*tcp).srtt_us) >> EIGHTHS
        }
    }

    /// Leaves a number in the packet's control block, for who runs the program over a frame in
    /// memory.
    #[inline(always)]
    pub(crate) fn leave(&self, number: u64) {
        // SAFETY: as in `len`.
        unsafe {
            (*self.raw).cb[0] = number as u32;
            (*self.raw).cb[1] = (number >> 32) as u32;
        }
    }

    #[inline(always)]
    pub(crate) fn mark(&self) -> u32 {
        // SAFETY: as in `len`.
        unsafe { (*self.raw).mark }
    }

    #[inline(always)]
    pub(crate) fn set_mark(&self, mark: u32) {
        // SAFETY: as in `len`.
        unsafe { (*self.raw).mark = mark };
    }

    #[inline(always)]
    pub(crate) fn priority(&self) -> u32 {
        // SAFETY: as in `len`.
        unsafe { (*self.raw).priority }
    }

    #[inline(always)]
    pub(crate) fn set_priority(&self, priority: u32) {
        // SAFETY: as in `len`.
        unsafe { (*self.raw).priority = priority };
    }

    /// What the packet's flow is known by; zero where nobody has asked yet.
    #[inline(always)]
    pub(crate) fn hash(&self) -> u32 {
        // SAFETY: as in `len`.
        unsafe { (*self.raw).hash }
    }

    #[inline(always)]
    pub(crate) fn set_hash(&self, hash: u32) {
        // SAFETY: a helper call on the context the kernel gave; it can't fail.
        unsafe { bpf_set_hash(self.raw, hash) };
    }

    /// Makes the hash what it was before, or has the kernel find it anew.
    #[inline(always)]
    pub(crate) fn restore_hash(&self, hash: u32) {
        if hash != 0 {
            return self.set_hash(hash);
        }
        // SAFETY: a helper call on the context the kernel gave.
        unsafe { bpf_set_hash_invalid(self.raw) };
    }

    /// Tells when the packet is to leave, on CLOCK_MONOTONIC; fq obeys. The kernel refuses it for
    /// packets that it doesn't take for IP, such as those with a VLAN tag inside.
    #[inline(always)]
    pub(crate) fn set_departure(&self, at_ns: u64) -> Result<(), ()> {
        // SAFETY: a helper call on the context the kernel gave.
        let code = unsafe { bpf_skb_set_tstamp(self.raw, at_ns, BPF_SKB_TSTAMP_DELIVERY_MONO) };
        if code == 0 { Ok(()) } else { Err(()) }
    }

    /// Takes the time of departure off the packet, so that no other qdisc obeys it.
    #[inline(always)]
    pub(crate) fn clear_departure(&self) {
        // SAFETY: a helper call on the context the kernel gave. It fails only where setting did.
        unsafe { bpf_skb_set_tstamp(self.raw, 0, BPF_SKB_TSTAMP_UNSPEC) };
    }

    /// The VLAN tag that stands beside the packet, if one does.
    #[inline(always)]
    pub(crate) fn tag(&self) -> Option<u16> {
        // SAFETY: as in `len`.
        unsafe { ((*self.raw).vlan_present != 0).then(|| (*self.raw).vlan_tci as u16) }
    }

    #[inline(always)]
    pub(crate) fn push_tag(&self, tag: u16) -> Result<(), ()> {
        // SAFETY: a helper call on the context the kernel gave.
        let code = unsafe { bpf_skb_vlan_push(self.raw, line::TAG_PROTOCOL.to_be(), tag) };
        if code == 0 { Ok(()) } else { Err(()) }
    }

    #[inline(always)]
    pub(crate) fn pop_tag(&self) -> Result<(), ()> {
        // SAFETY: a helper call on the context the kernel gave.
        let code = unsafe { bpf_skb_vlan_pop(self.raw) };
        if code == 0 { Ok(()) } else { Err(()) }
    }

    /// Makes the packet one for this host, whatever its link-layer address says.
    #[inline(always)]
    pub(crate) fn make_ours(&self) {
        // SAFETY: a helper call on the context the kernel gave. It fails only for a packet that
        // is ours already.
        unsafe { bpf_skb_change_type(self.raw, PACKET_HOST) };
    }

    /// Copies `length` bytes from `offset` to `to`, which has room for them.
    ///
    /// # Safety
    /// `to` must be valid for writes of `length` bytes.
    #[inline(always)]
    pub(crate) unsafe fn load(&self, offset: u32, to: *mut u8, length: u32) -> Result<(), ()> {
        // SAFETY: the caller vouches for `to`; the verifier checks it again.
        let code = unsafe { bpf_skb_load_bytes(self.raw.cast(), offset, to.cast(), length) };
        if code == 0 { Ok(()) } else { Err(()) }
    }

    /// Copies up to `N` bytes from `offset` on to `to` and tells how many.
    ///
    /// # Safety
    /// `to` must be valid for writes of `N` bytes.
    #[inline(always)]
    pub(crate) unsafe fn load_up_to<const N: usize>(&self, offset: u32, to: *mut u8) -> u32 {
        let available = self.len().saturating_sub(offset);
        // SAFETY: the caller vouches for `to`.
        unsafe { self.load_at_most::<N>(offset, to, available) }
    }

    /// Copies `available` bytes, though at most `N`, from `offset` on to `to` and tells how many.
    ///
    /// # Safety
    /// `to` must be valid for writes of `N` bytes.
    #[inline(always)]
    pub(crate) unsafe fn load_at_most<const N: usize>(
        &self,
        offset: u32,
        to: *mut u8,
        available: u32,
    ) -> u32 {
        if available == 0 {
            return 0;
        }
        let last = u64::from(available - 1);
        // Read back as something the compiler knows nothing of: else it proves the bounds below by
        // comparing something else, and the verifier can't follow. That of 6.1 neither learns that
        // what isn't zero is at least one, nor the bounds of a copy of 32 bits.
        // SAFETY: a variable of this function's own.
        let last = unsafe { core::ptr::read_volatile(&raw const last) };
        let length = if last >= N as u64 { N as u64 } else { last + 1 };
        // SAFETY: at most N bytes, for which the caller vouches.
        if unsafe { self.load(offset, to, length as u32) }.is_ok() {
            length as u32
        } else {
            0
        }
    }

    /// Writes bytes whose change a checksum in the packet makes up for.
    #[inline(always)]
    pub(crate) fn store<const N: usize>(&self, at: u32, bytes: &[u8; N]) -> Result<(), ()> {
        self.store_with(at, bytes, 0)
    }

    /// Writes bytes that no checksum makes up for.
    #[inline(always)]
    pub(crate) fn store_summed<const N: usize>(&self, at: u32, bytes: &[u8; N]) -> Result<(), ()> {
        self.store_with(at, bytes, BPF_F_RECOMPUTE_CSUM)
    }

    #[inline(always)]
    fn store_with<const N: usize>(&self, at: u32, bytes: &[u8; N], flags: u64) -> Result<(), ()> {
        let from = bytes.as_ptr().cast();
        // SAFETY: a helper call on the context the kernel gave; `bytes` outlives it.
        let code = unsafe { bpf_skb_store_bytes(self.raw.cast(), at, from, N as u32, flags) };
        if code == 0 { Ok(()) } else { Err(()) }
    }

    /// Cuts the packet off behind so many bytes. A frame to be cut into several is one then.
    #[inline(always)]
    pub(crate) fn cut(&self, length: u32) -> Result<(), ()> {
        // SAFETY: a helper call on the context the kernel gave.
        let code = unsafe { bpf_skb_change_tail(self.raw, length, 0) };
        if code == 0 { Ok(()) } else { Err(()) }
    }

    /// Sends a copy on from where the packet is, inwards or outwards, marked so that it isn't
    /// looked at again.
    #[inline(always)]
    pub(crate) fn send_copy(&self, ingress: bool, mark: u16) -> Result<(), ()> {
        if mark == 0 {
            // It would be met again, and copied, without end.
            return Err(());
        }
        let marks = self.marks();
        self.set_marks(marks | mark);
        let flags = if ingress { BPF_F_INGRESS } else { 0 };
        // SAFETY: a helper call on the context the kernel gave.
        let code = unsafe { bpf_clone_redirect(self.raw, self.ifindex(), flags) };
        self.set_marks(marks);
        // Above zero it was sent, and a full queue didn't take it: as on a wire.
        if code >= 0 { Ok(()) } else { Err(()) }
    }

    /// Where `length` bytes at `offset` lie, if they are in the packet's directly readable part.
    #[inline(always)]
    fn at(&self, offset: usize, length: usize) -> Option<*const u8> {
        // SAFETY: as in `len`.
        let (data, end) = unsafe { ((*self.raw).data as usize, (*self.raw).data_end as usize) };
        let start = data + offset;
        (start + length <= end).then_some(start as *const u8)
    }
}

/// Reads need no alignment: no machine that BPF programs are compiled for on Linux's supported
/// 64-bit hosts faults on it, and the verifier refuses the program where one would.
impl Source for Skb {
    #[inline(always)]
    fn u16(&self, offset: usize) -> Option<u16> {
        let at = self.at(offset, 2)?.cast::<u16>();
        // SAFETY: `at` checked the bounds; for alignment see above.
        Some(u16::from_be(unsafe { *at }))
    }

    #[inline(always)]
    fn u32(&self, offset: usize) -> Option<u32> {
        let at = self.at(offset, 4)?.cast::<u32>();
        // SAFETY: `at` checked the bounds; for alignment see above.
        Some(unsafe { *at })
    }

    #[inline(always)]
    fn copy<const N: usize>(&self, offset: usize) -> Option<[u8; N]> {
        let mut bytes = [0; N];
        // SAFETY: the room is N bytes.
        unsafe { self.load(offset as u32, bytes.as_mut_ptr(), N as u32) }.ok()?;
        Some(bytes)
    }
}

/// Sends the packet on from an interface, inwards or outwards; returns the program's verdict.
#[inline(always)]
pub(crate) fn redirect(ifindex: u32, ingress: bool) -> i32 {
    // SAFETY: a helper call without pointers.
    unsafe { bpf_redirect(ifindex, if ingress { BPF_F_INGRESS } else { 0 }) as i32 }
}

/// Lets the packet arrive at the other end of the veth pair whose end in another namespace it has
/// just come to; returns the program's verdict.
#[inline(always)]
pub(crate) fn redirect_to_peer(ifindex: u32) -> i32 {
    // SAFETY: a helper call without pointers.
    unsafe { bpf_redirect_peer(ifindex, 0) as i32 }
}

/// Makes an outgoing packet vanish as on a wire: the sender's stack is told it was sent.
/// `TC_ACT_SHOT` would tell it otherwise, by ENOBUFS or by TCP's congestion window.
#[inline(always)]
pub(crate) fn vanish() -> i32 {
    redirect(NO_INTERFACE, false)
}
