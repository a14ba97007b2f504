//! Where values lie: pixel by pixel, a pixel's channels side by side.
//!
//! With the channels innermost, every loop over channels is a loop over neighbouring values, and a
//! pixel's values are a row of a matrix product as they stand: no layer has to rearrange its input.

/// Channels that are computed at once. Two 128-bit vectors: wasm's SIMD instructions hold one each.
pub(super) const LANES: usize = 8;

/// Values of neighbouring channels.
pub(super) type Lanes = [f32; LANES];

/// Size of a stack of feature maps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Shape {
    pub(super) height: usize,
    pub(super) width: usize,
    pub(super) channels: usize,
}

impl Shape {
    /// Groups of channels of a pixel; the last may have lanes to spare.
    pub(super) fn groups(self) -> usize {
        self.channels.div_ceil(LANES)
    }

    /// Pixels.
    pub(super) fn area(self) -> usize {
        self.height * self.width
    }

    /// Groups of all pixels.
    pub(super) fn len(self) -> usize {
        self.area() * self.groups()
    }
}

/// Feature maps `[height][width][channel]`. Lanes to spare hold 0, which every layer keeps: their
/// weights are 0.
#[derive(Debug, Clone, Default)]
pub(super) struct Planes {
    shape: Shape,
    values: Vec<Lanes>,
}

impl Planes {
    /// Takes another shape; the values are whatever they are.
    pub(super) fn reshape(&mut self, shape: Shape) {
        self.shape = shape;
        self.values.resize(shape.len(), [0.0; LANES]);
    }

    pub(super) fn shape(&self) -> Shape {
        self.shape
    }

    /// All values, pixel by pixel.
    pub(super) fn values(&self) -> &[Lanes] {
        &self.values
    }

    /// All values, to be written.
    pub(super) fn values_mut(&mut self) -> &mut [Lanes] {
        &mut self.values
    }

    /// The channels of a pixel inside the planes.
    pub(super) fn pixel(&self, y: usize, x: usize) -> &[Lanes] {
        let groups = self.shape.groups();
        &self.values[(y * self.shape.width + x) * groups..][..groups]
    }

    /// The channels of a pixel; `outside` beyond the planes' edges.
    pub(super) fn pixel_or<'a>(&'a self, y: isize, x: isize, outside: &'a [Lanes]) -> &'a [Lanes] {
        match (usize::try_from(y), usize::try_from(x)) {
            (Ok(y), Ok(x)) if y < self.shape.height && x < self.shape.width => self.pixel(y, x),
            _ => outside,
        }
    }

    /// Each channel's mean.
    pub(super) fn means(&self) -> Vec<f32> {
        let groups = self.shape.groups();
        let mut sums = vec![[0.0; LANES]; groups];
        // A sum for each line first: thousands of values added to one number lose its last digits.
        let mut line = sums.clone();
        for pixels in self.values.chunks_exact(groups * self.shape.width) {
            line.fill([0.0; LANES]);
            for pixel in pixels.chunks_exact(groups) {
                for (sum, value) in line.iter_mut().zip(pixel) {
                    *sum = added(*sum, *value);
                }
            }
            for (sum, line) in sums.iter_mut().zip(&line) {
                *sum = added(*sum, *line);
            }
        }
        let area = self.shape.area() as f32;
        let means = sums.as_flattened().iter().map(|sum| sum / area);
        means.take(self.shape.channels).collect()
    }

    /// The same values as `[channel][height][width]`, without lanes to spare.
    pub(super) fn by_channel(&self) -> Vec<f32> {
        let (area, groups) = (self.shape.area(), self.shape.groups());
        let values = self.values.as_flattened();
        let pitch = groups * LANES;
        let mut result = Vec::with_capacity(self.shape.channels * area);
        for channel in 0..self.shape.channels {
            result.extend((0..area).map(|pixel| values[pixel * pitch + channel]));
        }
        result
    }
}

/// Lane by lane.
#[inline(always)]
pub(super) fn added(a: Lanes, b: Lanes) -> Lanes {
    std::array::from_fn(|lane| a[lane] + b[lane])
}

/// Values by channel as groups; lanes to spare become 0.
pub(super) fn grouped(values: &[f32]) -> Vec<Lanes> {
    let groups = values.chunks(LANES).map(|group| {
        let mut lanes = [0.0; LANES];
        lanes[..group.len()].copy_from_slice(group);
        lanes
    });
    groups.collect()
}

#[cfg(test)]
impl Planes {
    /// From values `[channel][height][width]`.
    pub(super) fn from_channels(shape: Shape, values: &[f32]) -> Self {
        let mut planes = Self::default();
        planes.reshape(shape);
        let pitch = shape.groups() * LANES;
        let lanes = planes.values.as_flattened_mut();
        lanes.fill(0.0);
        for (index, &value) in values.iter().enumerate() {
            lanes[index % shape.area() * pitch + index / shape.area()] = value;
        }
        planes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_come_back_in_order_and_have_their_means() {
        let shape = Shape {
            height: 2,
            width: 3,
            channels: 11,
        };
        let values: Vec<f32> = (0..66).map(|i| i as f32).collect();
        let planes = Planes::from_channels(shape, &values);
        assert_eq!(planes.by_channel(), values);
        let means: Vec<f32> = (0..11).map(|channel| channel as f32 * 6.0 + 2.5).collect();
        assert_eq!(planes.means(), means);
        assert_eq!(
            planes.pixel(1, 2)[1],
            [53.0, 59.0, 65.0, 0.0, 0.0, 0.0, 0.0, 0.0]
        );
        assert_eq!(planes.pixel_or(2, 0, &[]), &[] as &[Lanes]);
        assert_eq!(planes.pixel_or(0, -1, &[]), &[] as &[Lanes]);
    }
}
