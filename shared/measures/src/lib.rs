//! What trainer and page count alike: pure functions without burn, so that the page stays small.
//!
//! - [`labels`]: the spellings of class names,
//! - [`classification`]: accuracy, confusion matrix, AUC, precision, recall and F1,
//! - [`calibration`]: whether confidence is kept,
//! - [`intervals`]: how far a share can be trusted.

pub mod calibration;
pub mod classification;
pub mod intervals;
pub mod labels;

/// Index of the highest value; of equal ones the last.
pub fn argmax(values: &[f32]) -> usize {
    (0..values.len())
        .max_by(|&a, &b| values[a].total_cmp(&values[b]))
        .unwrap_or_default()
}
