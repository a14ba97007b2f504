//! Procedural head phantoms: drawn slices that look like T1 MRI after contrast agent, with labelled lesions and boxes.
//!
//! Tests, demonstrations and a first training run need no download with them. They are drawings, not scans: nothing
//! in them was taken from a patient, and whoever shows one must say that it is synthetic.
//!
//! A head is a set of smooth outlines in one plane ([`Plane`]); every pixel looks up where it lies in them and takes
//! that tissue's signal; the lesion is drawn over it and pushes the brain aside; last come coil shading, point spread,
//! noise and window.

mod anatomy;
mod axial;
mod coronal;
mod dataset;
mod field;
mod finish;
mod lesion;
mod sagittal;
#[cfg(test)]
mod tests;
mod tissue;

use image::GrayImage;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use field::{Point, noise, pt};

pub use dataset::write_dataset;

/// Anatomical plane of a slice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Plane {
    /// Horizontal, seen from below; the nose points up.
    Axial,
    /// Parallel to the face; the vertex is up.
    Coronal,
    /// From front to back; the face is to the left or, more rarely, to the right.
    Sagittal,
}

impl Plane {
    /// Every plane.
    pub const ALL: [Self; 3] = [Self::Axial, Self::Coronal, Self::Sagittal];

    /// `axial`, `coronal` or `sagittal`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Axial => "axial",
            Self::Coronal => "coronal",
            Self::Sagittal => "sagittal",
        }
    }
}

/// What a phantom shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Finding {
    /// Inside the brain, irregular, with an enhancing rim, a dark core and oedema around it.
    Glioma,
    /// On the dura, evenly bright, sharply bounded, with a dural tail.
    Meningioma,
    /// A healthy head.
    NoTumor,
    /// A bright round mass on the sella.
    Pituitary,
}

impl Finding {
    /// Every finding, in the order of the canonical classes.
    pub const ALL: [Self; 4] = [
        Self::Glioma,
        Self::Meningioma,
        Self::NoTumor,
        Self::Pituitary,
    ];

    /// The canonical class name: `glioma`, `meningioma`, `notumor` or `pituitary`.
    #[must_use]
    pub fn class_name(self) -> &'static str {
        match self {
            Self::Glioma => "glioma",
            Self::Meningioma => "meningioma",
            Self::NoTumor => "notumor",
            Self::Pituitary => "pituitary",
        }
    }
}

/// A lesion's tight bounding box (enhancing part and core, without oedema and dural tail), in fractions of the image,
/// each 0..=1 with the origin at the top left; the whole box lies inside the image.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LesionBox {
    /// Horizontal middle.
    pub x_center: f32,
    /// Vertical middle.
    pub y_center: f32,
    /// Width.
    pub width: f32,
    /// Height.
    pub height: f32,
}

/// A drawn slice and what is known about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Phantom {
    /// The slice: square, 8 bits, air near 0.
    pub image: GrayImage,
    /// The lesion's box; none for [`Finding::NoTumor`].
    pub lesion: Option<LesionBox>,
    /// The plane it was drawn in.
    pub plane: Plane,
    /// What it shows.
    pub finding: Finding,
}

/// Least width and height of a phantom in pixels; smaller requests give this size.
pub const MIN_SIZE: u32 = 32;

/// Draws one phantom of `size` × `size` pixels (at least [`MIN_SIZE`]).
///
/// The same arguments give the same pixels on every platform.
#[must_use]
pub fn phantom(finding: Finding, plane: Plane, size: u32, seed: u64) -> Phantom {
    let size = size.max(MIN_SIZE);
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let pose = Pose::random(&mut rng, plane);
    let tissue = tissue::Tissue::random(&mut rng);
    let head = anatomy::random(&mut rng, plane, finding == Finding::Pituitary);
    let head = head.as_ref();
    let lesion = lesion::Lesion::random(&mut rng, finding, plane, head);

    let mut signal = Vec::with_capacity((size * size) as usize);
    let mut bounds = Bounds::default();
    for y in 0..size {
        for x in 0..size {
            let p = pose.to_head(x, y, size);
            signal.push(match &lesion {
                None => head.shade(&tissue, p),
                Some(lesion) => {
                    let site = lesion.site(head, p);
                    if site.mask > 0.5 {
                        bounds.add(x, y);
                    }
                    let healthy = head.shade(&tissue, lesion.displaced(&site, p));
                    lesion.shade(&tissue, &site, p, healthy)
                }
            });
        }
    }
    let image = finish::develop(&mut rng, signal, size);
    Phantom {
        image,
        lesion: bounds.lesion_box(size),
        plane,
        finding,
    }
}

/// How the head lies in the frame.
struct Pose {
    turns: f32,
    scale: f32,
    shift: Point,
    mirrored: bool,
    warp: f32,
    seed: u32,
}

impl Pose {
    fn random(rng: &mut ChaCha8Rng, plane: Plane) -> Self {
        let (scale, turns) = match plane {
            Plane::Axial => (rng.random_range(0.95..1.15), 0.025),
            Plane::Coronal => (rng.random_range(0.92..1.1), 0.012),
            Plane::Sagittal => (rng.random_range(0.95..1.12), 0.03),
        };
        Self {
            turns: rng.random_range(-turns..turns),
            scale,
            shift: pt(rng.random_range(-0.05..0.05), rng.random_range(-0.04..0.05)),
            mirrored: plane == Plane::Sagittal && rng.random_bool(0.15),
            warp: rng.random_range(0.01..0.035),
            seed: rng.random(),
        }
    }

    /// Head coordinates of a pixel's middle.
    fn to_head(&self, x: u32, y: u32, size: u32) -> Point {
        let unit = 2.0 / size as f32;
        let mut p = pt((x as f32 + 0.5) * unit - 1.0, (y as f32 + 0.5) * unit - 1.0);
        if self.mirrored {
            p.x = -p.x;
        }
        let p = (p - self.shift).rotated(-self.turns) * (1.0 / self.scale);
        p + pt(noise(p * 1.6, self.seed), noise(p * 1.6, self.seed ^ 1)) * self.warp
    }
}

/// The smallest rectangle around the pixels added so far.
#[derive(Default)]
struct Bounds(Option<[u32; 4]>);

impl Bounds {
    fn add(&mut self, x: u32, y: u32) {
        self.0 = Some(match self.0 {
            None => [x, y, x, y],
            Some([left, top, right, bottom]) => {
                [left.min(x), top.min(y), right.max(x), bottom.max(y)]
            }
        });
    }

    fn lesion_box(&self, size: u32) -> Option<LesionBox> {
        let [left, top, right, bottom] = self.0?;
        let size = size as f32;
        Some(LesionBox {
            x_center: (left + right + 1) as f32 / 2.0 / size,
            y_center: (top + bottom + 1) as f32 / 2.0 / size,
            width: (right + 1 - left) as f32 / size,
            height: (bottom + 1 - top) as f32 / size,
        })
    }
}
