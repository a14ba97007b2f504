//! Where a pixel of the network's input comes from in the original image.
//!
//! Coordinates are continuous and in pixels: pixel `i` covers `i..i + 1`, its centre is `i + 0.5`.

use serde::{Deserialize, Serialize};

/// An axis-aligned rectangle in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Rect {
    /// Left edge.
    pub x: f32,
    /// Top edge.
    pub y: f32,
    /// Width, above 0.
    pub width: f32,
    /// Height, above 0.
    pub height: f32,
}

/// The map between the network's input plane and the original image.
///
/// `source` (a part of the original image) was resized onto `target` (a part of the input plane).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Placement {
    /// Width and height of the original image in pixels.
    pub image: [u32; 2],
    /// Width and height of the network's input in pixels.
    pub model: [u32; 2],
    /// The part of the original image that is seen.
    pub source: Rect,
    /// Where it lies in the input plane; the rest is padding.
    pub target: Rect,
}

impl Placement {
    /// A point of the original image for a point of the input plane.
    pub fn image_from_model(&self, [x, y]: [f32; 2]) -> [f32; 2] {
        [
            self.source.x + (x - self.target.x) * self.source.width / self.target.width,
            self.source.y + (y - self.target.y) * self.source.height / self.target.height,
        ]
    }

    /// A point of the input plane for a point of the original image.
    pub fn model_from_image(&self, [x, y]: [f32; 2]) -> [f32; 2] {
        [
            self.target.x + (x - self.source.x) * self.target.width / self.source.width,
            self.target.y + (y - self.source.y) * self.target.height / self.source.height,
        ]
    }

    /// Whether the network saw this point of the original image.
    pub fn sees(&self, [x, y]: [f32; 2]) -> bool {
        self.sees_on(0, x) && self.sees_on(1, y)
    }

    /// Whether the network saw this place on one axis of the original image: 0 across, 1 down.
    pub fn sees_on(&self, axis: usize, at: f32) -> bool {
        let Rect {
            x,
            y,
            width,
            height,
        } = self.source;
        let (start, length) = if axis == 0 { (x, width) } else { (y, height) };
        (start..=start + length).contains(&at)
    }
}
