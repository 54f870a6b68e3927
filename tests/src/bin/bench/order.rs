//! In which order what is compared takes its turns.

/// The places of so many settings in one round: forwards, and backwards every other time, so that
/// whatever drifts meanwhile is in all of them alike.
pub(crate) fn of_round(settings: usize, round: usize) -> Vec<usize> {
    let mut order: Vec<_> = (0..settings).collect();
    if round % 2 == 1 {
        order.reverse();
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_other_round_is_backwards() {
        assert_eq!(of_round(3, 0), [0, 1, 2]);
        assert_eq!(of_round(3, 1), [2, 1, 0]);
    }
}
