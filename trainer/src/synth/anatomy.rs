//! What every plane offers to the renderer.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::Plane;
use super::axial::Axial;
use super::coronal::Coronal;
use super::field::{Point, pt};
use super::sagittal::Sagittal;
use super::tissue::Tissue;

/// One random head cut in one plane.
pub(super) trait Anatomy {
    /// Signal at `p` without a lesion: 0 for air, about 1 for fat.
    fn shade(&self, tissue: &Tissue, p: Point) -> f32;
    /// Signed distance to the brain's surface: negative inside.
    fn brain(&self, p: Point) -> f32;
    /// Where the pituitary gland lies.
    fn sella(&self) -> Point;
}

/// A random head in `plane`; `sella` asks for a level through the pituitary gland.
pub(super) fn random(rng: &mut ChaCha8Rng, plane: Plane, sella: bool) -> Box<dyn Anatomy> {
    match plane {
        Plane::Axial => Box::new(Axial::random(rng, sella)),
        Plane::Coronal => Box::new(Coronal::random(rng, sella)),
        Plane::Sagittal => Box::new(Sagittal::random(rng, sella)),
    }
}

/// The points, each moved by up to `amount` in x and y; points on the midline stay on it.
pub(super) fn jittered(rng: &mut ChaCha8Rng, points: &[Point], amount: f32) -> Vec<Point> {
    points
        .iter()
        .map(|p| {
            let (dx, dy) = (
                rng.random_range(-amount..=amount),
                rng.random_range(-amount..=amount),
            );
            if p.x.abs() < 1e-4 {
                pt(0.0, p.y + dy)
            } else {
                pt(p.x + dx, p.y + dy)
            }
        })
        .collect()
}
