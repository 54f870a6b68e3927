//! Decimal numbers, read exactly: no floating point between what is written and nanoseconds.

/// A non-negative decimal number.
pub(super) struct Number {
    /// Its digits with the point left out.
    digits: u128,
    /// How many of them stand after the point.
    decimals: u32,
}

impl Number {
    /// The number times a unit, what is less than one unit cut off; `None` on overflow.
    pub(super) fn times(&self, unit: u128) -> Option<u128> {
        Some(self.digits.checked_mul(unit)? / 10u128.pow(self.decimals))
    }

    /// The number, rounded as floating point is.
    pub(super) fn value(&self) -> f64 {
        self.digits as f64 / 10f64.powi(self.decimals as i32)
    }
}

/// Splits the number off that `text` begins with; `None` where it begins with none, or with
/// one of more than 18 digits before or after the point.
pub(super) fn split_number(text: &str) -> Option<(Number, &str)> {
    let is_digit = |c: char| c.is_ascii_digit();
    let whole_end = text.find(|c| !is_digit(c)).unwrap_or(text.len());
    let (whole, rest) = text.split_at(whole_end);
    let (fraction, rest) = match rest.strip_prefix('.') {
        Some(after) => after.split_at(after.find(|c| !is_digit(c)).unwrap_or(after.len())),
        None => ("0", rest),
    };
    if whole.is_empty() || fraction.is_empty() || whole.len() > 18 || fraction.len() > 18 {
        return None;
    }
    let number = Number {
        digits: format!("{whole}{fraction}").parse().ok()?,
        decimals: fraction.len() as u32,
    };
    Some((number, rest))
}
