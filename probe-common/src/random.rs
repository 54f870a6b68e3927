//! Decisions that look random and can be repeated: a hash of seed, flow and packet number.

/// Mixes a number so that every output bit depends on every input bit.
///
/// The finalizer "Mix13" of David Stafford (2011), which SplitMix64 uses as well.
#[inline(always)]
pub const fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// Draws the number that decides over packet `number` of the flow `flow` under `seed`.
#[inline(always)]
pub const fn draw(seed: u64, flow: u64, number: u64) -> u64 {
    let x = mix(seed.wrapping_add(0x9e37_79b9_7f4a_7c15)).wrapping_add(flow);
    mix(mix(x).wrapping_add(number.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
}

/// Tells whether a draw falls under a probability given in parts of 2³².
///
/// `u32::MAX` is certainty, so that 100 % never lets one through; 0 is never.
#[inline(always)]
pub const fn hits(draw: u64, probability: u32) -> bool {
    probability == u32::MAX || ((draw >> 32) as u32) < probability
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certainty_and_never_are_exact() {
        for n in 0..10_000 {
            assert!(hits(draw(1, 2, n), u32::MAX));
            assert!(!hits(draw(1, 2, n), 0));
        }
        assert!(hits(u64::MAX, u32::MAX));
    }

    #[test]
    fn a_share_of_the_draws_hits() {
        // 30 % of 10⁶: mean 300,000, σ 458; five σ either way.
        let p = (0.3 * 4_294_967_296.0) as u32;
        let hit = (0..1_000_000).filter(|&n| hits(draw(42, 7, n), p)).count();
        assert!((297_709..=302_291).contains(&hit), "{hit}");
    }

    #[test]
    fn seed_flow_and_number_each_matter() {
        assert_ne!(draw(1, 2, 3), draw(2, 2, 3));
        assert_ne!(draw(1, 2, 3), draw(1, 3, 3));
        assert_ne!(draw(1, 2, 3), draw(1, 2, 4));
        assert_eq!(draw(1, 2, 3), draw(1, 2, 3));
    }
}
