//! Where the last layer's inputs lie.

/// Where the inputs lie and how far they spread.
///
/// All scans tell it, those that are held out among them, but no class has a part in it.
pub(super) struct Spread {
    /// The mean.
    pub(super) middle: Vec<f32>,
    /// The deviation, over all inputs.
    pub(super) scale: f32,
}

impl Spread {
    /// Scans that are all but the same must not make small differences count for much: other scans, which lie far from
    /// them, would be torn apart.
    const LEAST: f64 = 0.1;

    /// Of these rows, all of one length.
    pub(super) fn of(rows: &[&[f32]]) -> Self {
        let count = rows.len().max(1) as f64;
        let width = rows.first().map_or(0, |row| row.len());
        let mut middle = vec![0.0f64; width];
        let mut squares = 0.0;
        for row in rows {
            for (sum, &value) in middle.iter_mut().zip(*row) {
                *sum += f64::from(value) / count;
                squares += f64::from(value).powi(2);
            }
        }
        let values = count * width.max(1) as f64;
        let whole = squares / values;
        let own = middle.iter().map(|m| m * m).sum::<f64>() / width.max(1) as f64;
        let deviation = (whole - own).max(0.0).sqrt();
        let scale = deviation.max(Self::LEAST * whole.sqrt()).max(1e-6);
        Self {
            middle: middle.into_iter().map(|m| m as f32).collect(),
            scale: scale as f32,
        }
    }
}
