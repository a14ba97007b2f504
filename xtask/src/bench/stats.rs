//! Medians and spreads.

/// The middle of some numbers; the mean of the middle two of an even count. 0 of none.
pub fn median(values: &[f64]) -> f64 {
    quantile(values, 0.5)
}

/// The value below which this share of the numbers lies, straight between the two nearest. 0 of none.
fn quantile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let Some(last) = sorted.len().checked_sub(1) else {
        return 0.0;
    };
    let at = share * last as f64;
    let (below, above) = (at.floor() as usize, at.ceil() as usize);
    sorted[below] + (sorted[above] - sorted[below]) * (at - below as f64)
}

/// A median with the quarters around it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Summary {
    /// How many values there are.
    pub count: usize,
    /// The middle one.
    pub median: f64,
    /// A quarter is below it.
    pub low: f64,
    /// A quarter is above it.
    pub high: f64,
}

impl Summary {
    /// The summary of some numbers; nothing of none.
    pub fn of(values: &[f64]) -> Option<Self> {
        (!values.is_empty()).then(|| Self {
            count: values.len(),
            median: median(values),
            low: quantile(values, 0.25),
            high: quantile(values, 0.75),
        })
    }

    /// `12.3 (11.9 to 13.0)`, multiplied by `factor`.
    pub fn show(&self, factor: f64) -> String {
        let [median, low, high] =
            [self.median, self.low, self.high].map(|value| digits(value * factor));
        format!("{median} ({low} to {high})")
    }
}

/// A number with three digits or all before the point.
pub fn digits(value: f64) -> String {
    let places = match value.abs() {
        size if size >= 100.0 => 0,
        size if size >= 10.0 => 1,
        _ => 2,
    };
    format!("{value:.places$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
        assert_eq!(median(&[]), 0.0);
    }

    #[test]
    fn quarters() {
        let found = Summary::of(&[5.0, 1.0, 3.0, 2.0, 4.0]);
        let expected = Summary {
            count: 5,
            median: 3.0,
            low: 2.0,
            high: 4.0,
        };
        assert_eq!(found, Some(expected));
        assert_eq!(expected.show(10.0), "30.0 (20.0 to 40.0)");
        assert_eq!(Summary::of(&[]), None);
        assert_eq!(
            Summary::of(&[7.0]).map(|one| (one.low, one.high)),
            Some((7.0, 7.0))
        );
    }

    #[test]
    fn three_digits() {
        assert_eq!(digits(0.126), "0.13");
        assert_eq!(digits(12.34), "12.3");
        assert_eq!(digits(1234.4), "1234");
    }
}
