//! ScoreCAM's masks and sum.
//!
//! Wang et al. 2020, <https://arxiv.org/abs/1910.01279>, Algorithm 1: each feature map, enlarged to
//! the input and scaled to 0..1, masks the input; the class's logit under the mask, through a softmax
//! over the feature maps, is the map's weight. (The logit of the empty input, which the paper
//! subtracts first, is the same for all maps and drops out of the softmax.)

use super::activations::Activations;
use super::map::enlarge;

impl Activations {
    /// The feature maps that ScoreCAM masks with: at most `most`, by falling energy (sum of squares).
    /// A map without contrast makes no mask and is never among them.
    pub fn strongest_channels(&self, most: usize) -> Vec<usize> {
        let mut channels: Vec<(usize, f32)> = (0..self.channels())
            .filter(|&channel| {
                let (low, high) = range(self.feature(channel));
                high > low
            })
            .map(|channel| {
                let squares = self.feature(channel).iter().map(|v| v * v);
                (channel, squares.sum())
            })
            .collect();
        channels.sort_by(|a, b| b.1.total_cmp(&a.1));
        channels.truncate(most);
        channels.into_iter().map(|(channel, _)| channel).collect()
    }

    /// The input seen through a feature map: where the map is at its highest the input stays, where
    /// it is at its lowest it becomes as dark as the input's darkest value (the paper's black).
    ///
    /// `input` has `plane[0] * plane[1]` values; `origin` is where the first cell lies, in cells.
    pub fn masked(
        &self,
        channel: usize,
        input: &[f32],
        plane: [usize; 2],
        origin: [f32; 2],
    ) -> Vec<f32> {
        let feature = self.feature(channel);
        let (low, high) = range(feature);
        let scale = if high > low { 1.0 / (high - low) } else { 0.0 };
        let (dark, _) = range(input);
        enlarge(feature, [self.width(), self.height()], origin, plane)
            .into_iter()
            .zip(input)
            .map(|(mask, value)| dark + (value - dark) * ((mask - low) * scale).clamp(0.0, 1.0))
            .collect()
    }

    /// ScoreCAM from the class's logit under each channel's mask; both lists are equally long.
    pub fn score_cam(&self, channels: &[usize], scores: &[f32]) -> Vec<f32> {
        let (_, highest) = range(scores);
        let powers: Vec<f32> = scores.iter().map(|score| (score - highest).exp()).collect();
        let sum: f32 = powers.iter().sum();
        let weights = powers.into_iter().map(|power| power / sum);
        self.weighted_sum(channels.iter().copied().zip(weights))
    }
}

fn range(values: &[f32]) -> (f32, f32) {
    values
        .iter()
        .fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), &v| {
            (low.min(v), high.max(v))
        })
}

#[cfg(test)]
mod tests {
    use super::super::map::MIDDLE;
    use super::*;

    fn activations() -> Activations {
        let features = vec![
            0.0, 2.0, 0.0, 0.0, // weak
            3.0, 3.0, 3.0, 3.0, // strong but flat
            0.0, 0.0, 0.0, 5.0, // strong
        ];
        Activations::new(vec![0.0; 2], vec![0.0; 6], features, 2, 2).unwrap()
    }

    #[test]
    fn channels_come_by_energy_and_flat_ones_never() {
        assert_eq!(activations().strongest_channels(9), [2, 0]);
        assert_eq!(activations().strongest_channels(1), [2]);
    }

    #[test]
    fn a_mask_darkens_what_the_channel_ignores() {
        let masked = activations().masked(2, &[-1.0, 4.0, 5.0, 7.0], [2, 2], MIDDLE);
        assert_eq!(masked, [-1.0, -1.0, -1.0, 7.0]);
        // A flat map hides everything rather than dividing by zero.
        let masked = activations().masked(1, &[-1.0, 4.0, 5.0, 7.0], [2, 2], MIDDLE);
        assert_eq!(masked, [-1.0; 4]);
    }

    #[test]
    fn weights_are_a_softmax_of_the_scores() {
        let a = activations();
        let map = a.score_cam(&[2, 0], &[1000.0, 1000.0 + 3f32.ln()]);
        assert!((map[1] - 0.75 * 2.0).abs() < 1e-4);
        assert!((map[3] - 0.25 * 5.0).abs() < 1e-4);
        assert_eq!(a.score_cam(&[], &[]), [0.0; 4]);
    }
}
