//! What the network made of one input, off the device.

/// One input's feature maps, its logits, and what the logits owe to the features.
///
/// Every method works on this, in plain loops: the arrays are small (128 maps of 8 x 8 in the compact
/// network), and reading them back once is cheaper than running each method on the device.
#[derive(Debug, Clone, PartialEq)]
pub struct Activations {
    logits: Vec<f32>,
    gradients: Vec<f32>,
    features: Vec<f32>,
    width: usize,
    height: usize,
}

impl Activations {
    /// From logits `[C]`, gradients `[C, K]` of each logit with respect to the pooled features, and
    /// feature maps `[K, height, width]`, all row-major. `None` where the sizes do not fit together.
    pub fn new(
        logits: Vec<f32>,
        gradients: Vec<f32>,
        features: Vec<f32>,
        width: usize,
        height: usize,
    ) -> Option<Self> {
        let area = width.checked_mul(height)?;
        let channels = features.len().checked_div(area)?;
        let fits = !logits.is_empty()
            && channels > 0
            && features.len() == channels * area
            && gradients.len() == channels * logits.len();
        fits.then_some(Self {
            logits,
            gradients,
            features,
            width,
            height,
        })
    }

    /// Logits in class order.
    pub fn logits(&self) -> &[f32] {
        &self.logits
    }

    /// Logits in class order.
    pub fn into_logits(self) -> Vec<f32> {
        self.logits
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.logits.len()
    }

    /// Number of feature maps.
    pub fn channels(&self) -> usize {
        self.features.len() / self.area()
    }

    /// Cells across a feature map.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Cells down a feature map.
    pub fn height(&self) -> usize {
        self.height
    }

    /// Cells of a feature map.
    pub(super) fn area(&self) -> usize {
        self.width * self.height
    }

    /// One feature map, row-major.
    pub fn feature(&self, channel: usize) -> &[f32] {
        let area = self.area();
        &self.features[channel * area..(channel + 1) * area]
    }

    /// The gradients of one class's logit with respect to the pooled features, `[K]`.
    pub fn gradient(&self, class: usize) -> &[f32] {
        let channels = self.channels();
        &self.gradients[class * channels..(class + 1) * channels]
    }

    /// Each feature map's mean, then each one's deviation over its cells, `[2 K]`.
    pub fn moments(&self) -> Vec<f32> {
        let area = self.area() as f32;
        let mean = |values: &mut dyn Iterator<Item = f32>| values.sum::<f32>() / area;
        let features = || self.features.chunks_exact(self.area());
        let mut moments: Vec<f32> = features()
            .map(|map| mean(&mut map.iter().copied()))
            .collect();
        for (map, channel) in features().zip(0..) {
            let middle: f32 = moments[channel];
            let squares = &mut map.iter().map(|value| (value - middle) * (value - middle));
            moments.push(mean(squares).sqrt());
        }
        moments
    }

    /// The positive part of a weighted sum of feature maps.
    pub(super) fn weighted_sum(&self, weights: impl IntoIterator<Item = (usize, f32)>) -> Vec<f32> {
        let mut sum = vec![0.0; self.area()];
        for (channel, weight) in weights {
            for (total, value) in sum.iter_mut().zip(self.feature(channel)) {
                *total += weight * value;
            }
        }
        for value in &mut sum {
            *value = value.max(0.0);
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_must_fit() {
        let new = |logits: usize, gradients: usize, features: usize, width, height| {
            let zeros = |n| vec![0.0; n];
            Activations::new(
                zeros(logits),
                zeros(gradients),
                zeros(features),
                width,
                height,
            )
        };
        let good = new(2, 6, 12, 2, 2).unwrap();
        assert_eq!((good.classes(), good.channels()), (2, 3));
        assert!(new(2, 5, 12, 2, 2).is_none());
        assert!(new(2, 6, 13, 2, 2).is_none());
        assert!(new(0, 0, 12, 2, 2).is_none());
        assert!(new(2, 0, 0, 2, 2).is_none());
        assert!(new(2, 6, 12, 0, 2).is_none());
        assert!(new(2, 6, 12, usize::MAX, 2).is_none());
    }
}
