//! Log-linear buckets for latencies: 26 octaves from 1 µs, 32 steps each.
//!
//! A bucket spans at most 1/32 of its values; told by its middle, it is wrong by at most 1.6 %. The same arithmetic runs in the kernel and here.

/// Steps an octave is divided into.
pub const STEPS: u32 = 32;
/// Octaves: the last one ends at 2³⁰ µs, just under 18 minutes.
pub const OCTAVES: u32 = 26;
/// Number of buckets.
pub const BUCKETS: usize = (STEPS * OCTAVES) as usize;

/// One histogram as a map holds it.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Buckets {
    /// How many values fell into each bucket.
    pub counts: [u32; BUCKETS],
}

impl Default for Buckets {
    fn default() -> Self {
        Self {
            counts: [0; BUCKETS],
        }
    }
}

// SAFETY: `#[repr(C)]`, an array of `u32` only: no padding, any bit pattern valid.
#[cfg(feature = "user")]
unsafe impl aya::Pod for Buckets {}

/// The bucket of a value in microseconds; the last one for all that lies beyond.
///
/// Up to 31 µs each microsecond has its own; above, the octave is found from the leading one
/// and divided by the five bits behind it.
#[inline(always)]
pub const fn bucket_of(us: u64) -> usize {
    if us < STEPS as u64 {
        return us as usize;
    }
    let octave = 63 - us.leading_zeros() - 5;
    let index = octave * STEPS + (us >> octave) as u32;
    if index as usize >= BUCKETS {
        BUCKETS - 1
    } else {
        index as usize
    }
}

/// Lowest value of a bucket and how many whole microseconds it spans.
pub const fn bounds_of(bucket: usize) -> (u64, u64) {
    let bucket = bucket as u64;
    let steps = STEPS as u64;
    if bucket < steps {
        return (bucket, 1);
    }
    let octave = bucket / steps - 1;
    let step = bucket % steps + steps;
    (step << octave, 1 << octave)
}

/// The value a bucket stands for: the middle of those in it, in microseconds.
pub const fn value_of(bucket: usize) -> u64 {
    let (low, width) = bounds_of(bucket);
    low + (width - 1) / 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_lies_in_its_bucket() {
        for us in (0..100_000)
            .chain((1..40).map(|n| (1u64 << n) - 1))
            .chain((0..30).map(|n| 1 << n))
        {
            let bucket = bucket_of(us);
            let (low, width) = bounds_of(bucket);
            if bucket < BUCKETS - 1 {
                assert!(
                    (low..low + width).contains(&us),
                    "{us} in {bucket}: {low}+{width}"
                );
            }
        }
    }

    #[test]
    fn a_bucket_tells_its_values_within_1_6_percent() {
        for us in 1..1_000_000u64 {
            let error = value_of(bucket_of(us)).abs_diff(us) as f64 / us as f64;
            assert!(error <= 0.016, "{us}: {error}");
        }
    }

    #[test]
    fn what_lies_beyond_is_in_the_last_bucket() {
        assert_eq!(bucket_of(u64::MAX), BUCKETS - 1);
        assert_eq!(bucket_of(0), 0);
    }
}
