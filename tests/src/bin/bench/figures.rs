//! Several takings of one figure, and what is told of them.

/// Takings of one figure.
#[derive(Clone, Debug, Default)]
pub(crate) struct Figures(Vec<f64>);

impl Figures {
    pub(crate) fn add(&mut self, figure: f64) {
        self.0.push(figure);
    }

    /// What a share of them are at most; 0 where there are none.
    pub(crate) fn quantile(&self, share: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let last = sorted.len().saturating_sub(1);
        let place = (share * last as f64).round() as usize;
        sorted.get(place).copied().unwrap_or(0.0)
    }

    pub(crate) fn median(&self) -> f64 {
        self.quantile(0.5)
    }

    pub(crate) fn sum(&self) -> f64 {
        self.0.iter().sum()
    }

    /// The smallest, the median and the largest, as cells of a table.
    pub(crate) fn spread(&self, decimals: usize) -> [String; 3] {
        [0.0, 0.5, 1.0].map(|share| format!("{:.decimals$}", self.quantile(share)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_spread_is_from_end_to_end() {
        let mut figures = Figures::default();
        [5.0, 1.0, 3.0].into_iter().for_each(|it| figures.add(it));
        assert_eq!(figures.spread(1), ["1.0", "3.0", "5.0"]);
        assert_eq!(figures.sum(), 9.0);
        assert_eq!(Figures::default().median(), 0.0);
    }
}
