//! Test-time augmentation: one scan seen in several slightly changed ways.
//!
//! Where the views disagree, the network is unsure (Ayhan and Berens 2018,
//! <https://openreview.net/forum?id=rJZz-knjz>). Views are drawn from a plane twice as wide and high
//! as the network's input, by the same supersampling as the training's augmentation: they are as
//! sharp as an untouched input.

use serde::{Deserialize, Serialize};

use crate::preprocess::{InputGeometry, ModelInput, normalise, place, preprocess};
use crate::scan::Scan;

/// Factor between the input plane and the plane that views are drawn from.
pub const FACTOR: u32 = 2;
/// The most views that a manifest may ask for.
pub const MAX_VIEWS: usize = 32;

/// A slight change of an image about its middle.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct View {
    /// Left and right exchanged.
    pub mirror: bool,
    /// Degrees clockwise.
    pub rotation: f32,
    /// Above 1 enlarges.
    pub zoom: f32,
    /// To the right and down, in fractions of the plane's sides.
    pub shift: [f32; 2],
}

impl Default for View {
    fn default() -> Self {
        Self {
            mirror: false,
            rotation: 0.0,
            zoom: 1.0,
            shift: [0.0; 2],
        }
    }
}

impl View {
    /// Whether it changes nothing, or no more than mirror.
    fn is_exact(&self) -> bool {
        self.rotation == 0.0 && self.zoom == 1.0 && self.shift == [0.0; 2]
    }

    /// Whether its numbers are finite and of a size at which a head stays in the picture: rotation
    /// within 45 degrees, zoom in 0.5..=2, shift within a quarter.
    pub fn is_sane(&self) -> bool {
        self.rotation.abs() <= 45.0
            && (0.5..=2.0).contains(&self.zoom)
            && self.shift.iter().all(|s| s.abs() <= 0.25)
    }
}

/// The views that are used unless a manifest says otherwise: the untouched image first, then seven
/// changes smaller than the training's augmentation, half of them mirrored.
pub fn default_views() -> Vec<View> {
    let view = |mirror, rotation, zoom, shift| View {
        mirror,
        rotation,
        zoom,
        shift,
    };
    vec![
        View::default(),
        view(true, 0.0, 1.0, [0.0; 2]),
        view(false, 5.0, 1.0, [0.0; 2]),
        view(true, -5.0, 1.0, [0.0; 2]),
        view(false, 0.0, 1.05, [0.02, 0.0]),
        view(true, 0.0, 0.95, [0.0, 0.02]),
        view(false, -3.0, 0.97, [-0.02, -0.02]),
        view(true, 3.0, 1.03, [0.0, -0.02]),
    ]
}

/// One view of a plane [`FACTOR`] times as wide and high as the input: `width * height` values, not
/// normalised. What lies outside is the plane's darkest value.
///
/// Each value is the mean of [`FACTOR`] x [`FACTOR`] bilinear samples.
pub fn warp(plane: &[f32], width: usize, height: usize, view: &View) -> Vec<f32> {
    let factor = FACTOR as usize;
    let (wide, high) = (width * factor, height * factor);
    debug_assert_eq!(plane.len(), wide * high);
    let background = plane.iter().copied().fold(f32::INFINITY, f32::min);
    let (sin, cos) = view.rotation.to_radians().sin_cos();
    let scale = 1.0 / view.zoom;
    let middle = [wide as f32 / 2.0, high as f32 / 2.0];
    let shift = [view.shift[0] * wide as f32, view.shift[1] * high as f32];
    let at = |x: f32, y: f32| {
        if x >= 0.0 && y >= 0.0 && x < wide as f32 && y < high as f32 {
            plane[y as usize * wide + x as usize]
        } else {
            background
        }
    };
    let sample = |x: f32, y: f32| {
        let (x, y) = (x - 0.5, y - 0.5);
        let (x0, y0) = (x.floor(), y.floor());
        let (fx, fy) = (x - x0, y - y0);
        let top = at(x0, y0) * (1.0 - fx) + at(x0 + 1.0, y0) * fx;
        let bottom = at(x0, y0 + 1.0) * (1.0 - fx) + at(x0 + 1.0, y0 + 1.0) * fx;
        top * (1.0 - fy) + bottom * fy
    };
    let mut values = Vec::with_capacity(width * height);
    for row in 0..height {
        for column in 0..width {
            let mut sum = 0.0;
            for sub in 0..factor * factor {
                let x = (column * factor + sub % factor) as f32 + 0.5 - middle[0] - shift[0];
                let y = (row * factor + sub / factor) as f32 + 0.5 - middle[1] - shift[1];
                // From the view back to the plane: undo the rotation and the zoom.
                sum += sample(
                    middle[0] + scale * (cos * x + sin * y),
                    middle[1] + scale * (cos * y - sin * x),
                );
            }
            values.push(sum / (factor * factor) as f32);
        }
    }
    if view.mirror {
        mirror(&mut values, width);
    }
    values
}

/// Exchanges left and right.
pub fn mirror(values: &mut [f32], width: usize) {
    for line in values.chunks_exact_mut(width.max(1)) {
        line.reverse();
    }
}

/// The network's inputs for several views of a scan, normalised, in their order.
///
/// A view that changes nothing but left and right is [`preprocess`]'s own input, so that the first
/// default view answers exactly as a plain classification.
pub fn inputs(scan: &Scan, geometry: &InputGeometry, views: &[View]) -> Vec<ModelInput> {
    let plain = preprocess(scan, geometry);
    let large = place(scan, &geometry.scaled(FACTOR)).values;
    views
        .iter()
        .map(|view| ModelInput {
            values: view_values(&plain.values, &large, geometry, view),
            ..plain.clone()
        })
        .collect()
}

/// One view's normalised values, from the plain input and the plane [`FACTOR`] times as large.
pub fn view_values(
    plain: &[f32],
    large: &[f32],
    geometry: &InputGeometry,
    view: &View,
) -> Vec<f32> {
    let width = geometry.width as usize;
    if view.is_exact() {
        let mut values = plain.to_vec();
        if view.mirror {
            mirror(&mut values, width);
        }
        return values;
    }
    let mut values = warp(large, width, geometry.height as usize, view);
    normalise(&mut values, geometry.normalisation);
    values
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn blob(side: usize, centre: [f32; 2]) -> Vec<f32> {
        (0..side * side)
            .map(|i| {
                let (x, y) = ((i % side) as f32 + 0.5, (i / side) as f32 + 0.5);
                let d = (x - centre[0]).powi(2) + (y - centre[1]).powi(2);
                200.0 * (-d / 60.0).exp()
            })
            .collect()
    }

    fn centroid(values: &[f32], width: usize) -> [f32; 2] {
        let mut sums = [0.0; 3];
        for (i, v) in values.iter().enumerate() {
            sums[0] += v * ((i % width) as f32 + 0.5);
            sums[1] += v * ((i / width) as f32 + 0.5);
            sums[2] += v;
        }
        [sums[0] / sums[2], sums[1] / sums[2]]
    }

    #[test]
    fn the_first_view_is_the_plain_input() {
        let pixels: Vec<u8> = (0..60 * 50).map(|i| (i * 7 % 251) as u8).collect();
        let scan = Scan::from_luma8(60, 50, &pixels).unwrap();
        let geometry = InputGeometry::square(32);
        let views = inputs(&scan, &geometry, &default_views());
        let plain = preprocess(&scan, &geometry);
        assert_eq!(views[0], plain);
        let mut mirrored = views[1].values.clone();
        mirror(&mut mirrored, 32);
        assert_eq!(mirrored, plain.values);
        assert!(default_views().iter().all(View::is_sane));
        // All are normalised.
        for view in &views {
            let mean = view.values.iter().sum::<f32>() / view.values.len() as f32;
            assert!(mean.abs() < 1e-3);
        }
    }

    #[test]
    fn rotation_is_clockwise_and_zoom_enlarges() {
        // A blob right of the middle goes below it after a quarter turn clockwise.
        let plane = blob(64, [52.0, 32.0]);
        let turned = View {
            rotation: 90.0,
            ..View::default()
        };
        let [x, y] = centroid(&warp(&plane, 32, 32, &turned), 32);
        assert!((x - 16.0).abs() < 0.5 && (y - 26.0).abs() < 0.5, "{x} {y}");
        let zoomed = View {
            zoom: 1.5,
            ..View::default()
        };
        // Not so far out that the edge cuts it: 4 pixels right of the middle become 6.
        let plane = blob(64, [40.0, 32.0]);
        let [x, _] = centroid(&warp(&plane, 32, 32, &zoomed), 32);
        assert!((x - 22.0).abs() < 0.5, "{x}");
    }

    proptest! {
        #[test]
        fn shifts_move_by_what_they_say(dx in -0.15f32..0.15, dy in -0.15f32..0.15) {
            let plane = blob(64, [32.0, 32.0]);
            let view = View { shift: [dx, dy], ..View::default() };
            let [x, y] = centroid(&warp(&plane, 32, 32, &view), 32);
            prop_assert!((x - 16.0 - 32.0 * dx).abs() < 0.3);
            prop_assert!((y - 16.0 - 32.0 * dy).abs() < 0.3);
        }

        #[test]
        fn values_stay_within_the_plane_s(
            plane in prop::collection::vec(-5f32..5.0, 16 * 16),
            rotation in -45f32..45.0, zoom in 0.5f32..2.0, mirror: bool,
        ) {
            let view = View { mirror, rotation, zoom, shift: [0.1, -0.1] };
            let (low, high) = plane.iter().fold((5f32, -5f32), |(l, h), &v| (l.min(v), h.max(v)));
            for value in warp(&plane, 8, 8, &view) {
                prop_assert!(value >= low - 1e-4 && value <= high + 1e-4);
            }
        }
    }
}
