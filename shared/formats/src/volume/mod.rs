//! Volumes: voxels in the patient's own axes, and slices of them as radiologists look at them.

mod affine;
mod plane;
#[cfg(test)]
mod tests;

pub use affine::{Affine, cross, dot, length, unit};
pub use plane::{Edges, Plane};

use thiserror::Error;

use crate::error::ReadError;
use crate::limits::MAX_VOXELS;
use crate::scan::Scan;

/// Why voxels make no volume.
#[derive(Debug, Error, PartialEq)]
pub enum VolumeError {
    /// A side is zero.
    #[error("the volume is empty ({} x {} x {} voxels)", .0[0], .0[1], .0[2])]
    Empty([usize; 3]),
    /// Too many voxels.
    #[error("the volume is too large: {} x {} x {} voxels (at most {} million)", .0[0], .0[1], .0[2], MAX_VOXELS / 1_000_000)]
    TooLarge([usize; 3]),
    /// The number of values does not fit.
    #[error("{} x {} x {} voxels need another number of values than {found}", .dims[0], .dims[1], .dims[2])]
    Length {
        /// Voxels along each axis.
        dims: [usize; 3],
        /// Values given.
        found: usize,
    },
    /// The map into the patient is no map.
    #[error("the voxels' place in the patient makes no sense (flat or not finite)")]
    Affine,
}

/// How it is known which way the patient lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Orientation {
    /// The file says it.
    Known,
    /// The file does not say it; the usual order of voxels is assumed.
    Assumed,
}

/// A block of voxels, brought into the order of the patient's axes.
///
/// The first index (x) runs to the patient's right, the second (y) to the front, the third (z) up. Where the
/// scanner's axes lie askew, they are taken for the axes they are closest to: voxels are put into
/// another order, never interpolated.
#[derive(Debug, Clone, PartialEq)]
pub struct Volume {
    dims: [usize; 3],
    voxels: Vec<f32>,
    affine: Affine,
    orientation: Orientation,
    display_range: (f32, f32),
}

/// The number of voxels, where it is one that is accepted.
pub fn voxel_count(dims: [usize; 3]) -> Result<usize, VolumeError> {
    if dims.contains(&0) {
        return Err(VolumeError::Empty(dims));
    }
    dims.iter()
        .try_fold(1u64, |product, &side| product.checked_mul(side as u64))
        .filter(|count| *count <= MAX_VOXELS && dims.iter().all(|side| *side <= 65_535))
        .and_then(|count| usize::try_from(count).ok())
        .ok_or(VolumeError::TooLarge(dims))
}

impl Volume {
    /// A volume from `dims` voxels, the first index fastest, and the map of their indices into the
    /// patient (RAS+ millimetres); both are brought into the patient's order. Values that are not
    /// finite become 0.
    pub fn new(
        dims: [usize; 3],
        mut voxels: Vec<f32>,
        affine: Affine,
        orientation: Orientation,
        display_range: (f32, f32),
    ) -> Result<Self, VolumeError> {
        if voxel_count(dims)? != voxels.len() {
            return Err(VolumeError::Length {
                dims,
                found: voxels.len(),
            });
        }
        if !affine.is_sound() {
            return Err(VolumeError::Affine);
        }
        for voxel in &mut voxels {
            if !voxel.is_finite() {
                *voxel = 0.0;
            }
        }
        let stored = Self {
            dims,
            voxels,
            affine,
            orientation,
            display_range,
        };
        Ok(stored.into_canonical())
    }

    fn into_canonical(self) -> Self {
        let axes = self.affine.closest_axes();
        if axes == [(0, false), (1, false), (2, false)] {
            return self;
        }
        let strides = [1, self.dims[0], self.dims[0] * self.dims[1]];
        let dims = axes.map(|(index, _)| self.dims[index]);
        let stored = self.affine.steps();
        let mut first = [0.0; 3];
        let mut steps = [[0.0; 3]; 3];
        // Where the new first voxel lies among the old ones, and the way to its neighbours.
        let mut start = 0isize;
        let mut walk = [0isize; 3];
        for (axis, (index, backwards)) in axes.into_iter().enumerate() {
            let stride = strides[index] as isize;
            let last = self.dims[index] - 1;
            if backwards {
                start += stride * last as isize;
                first[index] = last as f64;
            }
            walk[axis] = if backwards { -stride } else { stride };
            steps[axis] = stored[index].map(|step| if backwards { -step } else { step });
        }
        let mut voxels = Vec::with_capacity(self.voxels.len());
        for z in 0..dims[2] as isize {
            for y in 0..dims[1] as isize {
                let row = start + z * walk[2] + y * walk[1];
                voxels.extend((0..dims[0] as isize).map(|x| {
                    let at = usize::try_from(row + x * walk[0]).unwrap_or(usize::MAX);
                    self.voxels.get(at).copied().unwrap_or_default()
                }));
            }
        }
        Self {
            dims,
            voxels,
            affine: Affine::from_steps(steps, self.affine.apply(first)),
            ..self
        }
    }

    /// Voxels along x, y and z.
    pub fn dims(&self) -> [usize; 3] {
        self.dims
    }

    /// The voxels, x fastest, all finite.
    pub fn voxels(&self) -> &[f32] {
        &self.voxels
    }

    /// Distance of neighbouring voxels along x, y and z, in millimetres.
    pub fn spacing(&self) -> [f64; 3] {
        self.affine.spacing()
    }

    /// The map of indices (x, y, z) into the patient, in RAS+ millimetres.
    pub fn affine(&self) -> &Affine {
        &self.affine
    }

    /// How it is known which way the patient lies.
    pub fn orientation(&self) -> Orientation {
        self.orientation
    }

    /// The values that are shown as black and as white.
    pub fn display_range(&self) -> (f32, f32) {
        self.display_range
    }

    /// How many slices there are in a plane.
    pub fn slices(&self, plane: Plane) -> usize {
        self.dims[plane.axis()]
    }

    /// The slice in the middle of a plane.
    pub fn middle(&self, plane: Plane) -> usize {
        self.slices(plane) / 2
    }

    /// The plane in which it was acquired: that of the thickest slices, axial where all are alike; the
    /// plane of a single slice in any case.
    pub fn acquired_plane(&self) -> Plane {
        let spacing = self.spacing();
        let single = Plane::ALL.into_iter().find(|plane| {
            self.slices(*plane) == 1 && self.dims.iter().filter(|&&n| n == 1).count() == 1
        });
        single.unwrap_or_else(|| {
            Plane::ALL.into_iter().fold(Plane::Axial, |best, plane| {
                // Small differences are no thick slices.
                if spacing[plane.axis()] > 1.25 * spacing[best.axis()] {
                    plane
                } else {
                    best
                }
            })
        })
    }

    /// The letters for the edges of a plane's pictures; none where the file does not say how the patient
    /// lies.
    pub fn edges(&self, plane: Plane) -> Option<Edges> {
        (self.orientation == Orientation::Known).then(|| plane.edges())
    }

    /// One slice in radiological convention: the patient's right at the left edge, anterior (in sagittal
    /// slices superior) at the top; in sagittal slices anterior is at the left. The scan knows its
    /// pixels' size: [`Scan::to_square_pixels`] makes them square.
    ///
    /// # Errors
    /// There is no such slice.
    pub fn slice(&self, plane: Plane, index: usize) -> Result<Scan, ReadError> {
        if index >= self.slices(plane) {
            return Err(ReadError::NoSlice {
                index,
                plane: plane.name(),
                last: self.slices(plane) - 1,
            });
        }
        let strides = [1, self.dims[0], self.dims[0] * self.dims[1]];
        let (across, down) = plane.picture_axes();
        let (width, height) = (self.dims[across], self.dims[down]);
        let start = index * strides[plane.axis()];
        let mut values = Vec::with_capacity(width * height);
        for row in (0..height).rev() {
            let start = start + row * strides[down];
            values.extend((0..width).rev().map(|column| {
                self.voxels
                    .get(start + column * strides[across])
                    .copied()
                    .unwrap_or_default()
            }));
        }
        let spacing = self.spacing();
        Ok(
            Scan::new(width as u32, height as u32, values, self.display_range)?
                .with_spacing([spacing[across] as f32, spacing[down] as f32]),
        )
    }
}
