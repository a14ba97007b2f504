//! What the blocks of a network make of an input: its intermediate feature maps.
//!
//! [`Runner::layers`](crate::runner::Runner::layers) gives them, for the cost of one pass.

use crate::arch::BlockName;

/// The output of one block for one input.
#[derive(Debug, Clone, PartialEq)]
pub struct Layer {
    block: BlockName,
    values: Vec<f32>,
    width: usize,
    height: usize,
}

impl Layer {
    /// From values `[channels, height, width]`, row-major. `None` where the sizes do not fit together
    /// or a value is not finite.
    pub fn new(block: BlockName, values: Vec<f32>, width: usize, height: usize) -> Option<Self> {
        let area = width.checked_mul(height)?;
        let whole = values.len().checked_rem(area)? == 0 && !values.is_empty();
        (whole && values.iter().all(|value| value.is_finite())).then_some(Self {
            block,
            values,
            width,
            height,
        })
    }

    /// The block.
    pub fn block(&self) -> BlockName {
        self.block
    }

    /// Cells across.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Cells down.
    pub fn height(&self) -> usize {
        self.height
    }

    /// Number of channels, at least 1.
    pub fn channels(&self) -> usize {
        self.values.len() / (self.width * self.height)
    }

    /// All values, channel by channel.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// One channel, row-major; nothing for one that does not exist.
    pub fn channel(&self, index: usize) -> &[f32] {
        let area = self.width * self.height;
        self.values.chunks_exact(area).nth(index).unwrap_or(&[])
    }

    /// How active a channel is: the mean of its values' magnitudes. (Blocks that end without an
    /// activation function, such as MobileNetV2's, have values below 0.)
    pub fn activity(&self, channel: usize) -> f32 {
        let values = self.channel(channel);
        let sum: f32 = values.iter().map(|value| value.abs()).sum();
        sum / values.len().max(1) as f32
    }

    /// At most `most` channels with their [`Self::activity`], the most active first; of equal ones the
    /// first.
    pub fn most_active(&self, most: usize) -> Vec<(usize, f32)> {
        let mut channels: Vec<(usize, f32)> = (0..self.channels())
            .map(|channel| (channel, self.activity(channel)))
            .collect();
        channels.sort_by(|a, b| b.1.total_cmp(&a.1));
        channels.truncate(most);
        channels
    }

    /// A channel with its lowest value as 0 and its highest as 1; an even one is all 0.
    pub fn scaled(&self, channel: usize) -> Vec<f32> {
        let values = self.channel(channel);
        let low = values.iter().copied().fold(f32::INFINITY, f32::min);
        let high = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let scale = if high > low { 1.0 / (high - low) } else { 0.0 };
        values.iter().map(|value| (value - low) * scale).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer() -> Layer {
        let values = vec![
            0.0, 1.0, 0.0, 0.0, // weak
            -3.0, 3.0, -3.0, 3.0, // strong, about 0
            0.5, 0.5, 0.5, 0.5, // even
        ];
        Layer::new(BlockName::Block(2), values, 2, 2).unwrap()
    }

    #[test]
    fn channels_come_by_activity() {
        let layer = layer();
        assert_eq!((layer.channels(), layer.width(), layer.height()), (3, 2, 2));
        assert_eq!(layer.most_active(9), [(1, 3.0), (2, 0.5), (0, 0.25)]);
        assert_eq!(layer.most_active(1), [(1, 3.0)]);
        assert_eq!(layer.block().to_string(), "blocks.2");
    }

    #[test]
    fn scaled_to_their_own_range() {
        let layer = layer();
        assert_eq!(layer.scaled(1), [0.0, 1.0, 0.0, 1.0]);
        assert_eq!(layer.scaled(2), [0.0; 4]);
        assert_eq!(layer.scaled(3), [] as [f32; 0]);
        assert_eq!(layer.activity(3), 0.0);
    }

    #[test]
    fn sizes_must_fit() {
        let new =
            |values: Vec<f32>, width, height| Layer::new(BlockName::Stem, values, width, height);
        assert!(new(vec![0.0; 5], 2, 2).is_none());
        assert!(new(vec![], 2, 2).is_none());
        assert!(new(vec![0.0; 4], 0, 2).is_none());
        assert!(new(vec![0.0; 4], usize::MAX, 2).is_none());
        assert!(new(vec![f32::NAN; 4], 2, 2).is_none());
    }
}
