//! Turns a packet around: link-layer addresses, addresses and ports change places, so that it
//! goes back to who sent it. The checksums don't notice: they sum the same words.

use aya_ebpf::helpers::generated::bpf_skb_store_bytes;

use super::Case;
use crate::skb::Skb;

/// Turns a packet that has ports; `carry_out` then sends it the other way.
#[inline(never)]
pub(super) fn turn(skb: &Skb, case: &Case) -> Result<(), ()> {
    swap::<6, 12>(skb, 0)?;
    if case.v6 != 0 {
        swap::<16, 32>(skb, case.network + 8)?;
    } else {
        swap::<4, 8>(skb, case.network + 12)?;
    }
    swap::<2, 4>(skb, case.transport)
}

/// Exchanges two neighbouring fields of `HALF` bytes; `BOTH` is twice that.
#[inline(always)]
fn swap<const HALF: usize, const BOTH: usize>(skb: &Skb, at: u32) -> Result<(), ()> {
    const { assert!(BOTH == 2 * HALF) };
    let mut bytes = [0u8; BOTH];
    // SAFETY: room for both fields.
    unsafe { skb.load(at, bytes.as_mut_ptr(), BOTH as u32)? };
    let (first, second) = bytes.split_at(HALF);
    let raw = skb.raw().cast();
    // SAFETY: helper calls on the context the kernel gave; the bytes outlive them.
    let code = unsafe {
        bpf_skb_store_bytes(raw, at, second.as_ptr().cast(), HALF as u32, 0)
            | bpf_skb_store_bytes(raw, at + HALF as u32, first.as_ptr().cast(), HALF as u32, 0)
    };
    if code == 0 { Ok(()) } else { Err(()) }
}
