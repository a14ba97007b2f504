//! Where voxels lie in the patient.

/// An affine map from voxel indices (i, j, k) to millimetres in the patient: three rows of four numbers, the
/// last of each row the shift. The axes point to the patient's right, anterior and superior (RAS+), as in NIfTI.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Affine(pub [[f64; 4]; 3]);

impl Affine {
    /// Voxels of these sizes along the patient's axes, from the origin.
    pub fn from_spacing(spacing: [f64; 3]) -> Self {
        let mut rows = [[0.0; 4]; 3];
        for (axis, (row, size)) in rows.iter_mut().zip(spacing).enumerate() {
            if let Some(cell) = row.get_mut(axis) {
                *cell = size;
            }
        }
        Self(rows)
    }

    /// From the steps that one voxel along each index makes, and the first voxel's place.
    pub fn from_steps(steps: [[f64; 3]; 3], origin: [f64; 3]) -> Self {
        let [i, j, k] = steps;
        Self([
            [i[0], j[0], k[0], origin[0]],
            [i[1], j[1], k[1], origin[1]],
            [i[2], j[2], k[2], origin[2]],
        ])
    }

    /// The step in millimetres that one voxel along each index makes.
    pub fn steps(&self) -> [[f64; 3]; 3] {
        let [x, y, z] = self.0;
        [[x[0], y[0], z[0]], [x[1], y[1], z[1]], [x[2], y[2], z[2]]]
    }

    /// The first voxel's place.
    pub fn origin(&self) -> [f64; 3] {
        self.0.map(|row| row[3])
    }

    /// Distance between neighbouring voxels along each index, in millimetres.
    pub fn spacing(&self) -> [f64; 3] {
        self.steps().map(length)
    }

    /// The place of a voxel, in millimetres.
    pub fn apply(&self, index: [f64; 3]) -> [f64; 3] {
        self.0
            .map(|row| row[0] * index[0] + row[1] * index[1] + row[2] * index[2] + row[3])
    }

    /// The determinant of the map without its shift.
    pub fn determinant(&self) -> f64 {
        let [i, j, k] = self.steps();
        dot(i, cross(j, k))
    }

    /// Whether all numbers are finite and no voxel is flat.
    pub fn is_sound(&self) -> bool {
        let [a, b, c] = self.spacing();
        let finite = self.0.iter().flatten().all(|value| value.is_finite());
        let volume = a * b * c;
        finite && volume.is_finite() && volume > 0.0 && self.determinant().abs() > 1e-3 * volume
    }

    /// Which index runs closest along the patient's x, y and z axis, and whether against it.
    ///
    /// Of all assignments the one whose directions agree best in sum is taken.
    pub fn closest_axes(&self) -> [(usize, bool); 3] {
        const ORDERS: [[usize; 3]; 6] = [
            [0, 1, 2],
            [0, 2, 1],
            [1, 0, 2],
            [1, 2, 0],
            [2, 0, 1],
            [2, 1, 0],
        ];
        let steps = self.steps().map(unit);
        // How far index `index` runs along the patient's axis `axis`.
        let along = |index: usize, axis: usize| -> f64 {
            steps
                .get(index)
                .and_then(|step| step.get(axis))
                .copied()
                .unwrap_or_default()
        };
        let score = |order: &[usize; 3]| -> f64 {
            order
                .iter()
                .enumerate()
                .map(|(axis, &index)| along(index, axis).abs())
                .sum()
        };
        let mut best = ORDERS[0];
        for order in &ORDERS[1..] {
            if score(order) > score(&best) + 1e-9 {
                best = *order;
            }
        }
        let mut axes = [(0, false); 3];
        for (axis, (place, index)) in axes.iter_mut().zip(best).enumerate() {
            *place = (index, along(index, axis) < 0.0);
        }
        axes
    }
}

/// A vector's length.
pub fn length(v: [f64; 3]) -> f64 {
    dot(v, v).sqrt()
}

/// The scalar product.
pub fn dot(a: [f64; 3], b: [f64; 3]) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

/// The vector product.
pub fn cross(a: [f64; 3], b: [f64; 3]) -> [f64; 3] {
    [
        a[1] * b[2] - a[2] * b[1],
        a[2] * b[0] - a[0] * b[2],
        a[0] * b[1] - a[1] * b[0],
    ]
}

/// The vector of length 1 in the same direction; zeros stay zeros.
pub fn unit(v: [f64; 3]) -> [f64; 3] {
    let length = length(v);
    if length > 0.0 {
        v.map(|x| x / length)
    } else {
        v
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_are_found_in_any_order() {
        let plain = Affine::from_spacing([1.0, 2.0, 3.0]);
        assert_eq!(plain.closest_axes(), [(0, false), (1, false), (2, false)]);
        assert_eq!(plain.spacing(), [1.0, 2.0, 3.0]);
        assert!(plain.is_sound());
        // Sagittal as scanners store it: i runs to the back, j down, k to the left, tilted a little.
        let sagittal = Affine::from_steps(
            [[0.1, -1.0, 0.0], [0.0, 0.1, -1.0], [-1.2, 0.0, 0.1]],
            [5.0, 6.0, 7.0],
        );
        assert_eq!(sagittal.closest_axes(), [(2, true), (0, true), (1, true)]);
        assert_eq!(sagittal.apply([0.0; 3]), [5.0, 6.0, 7.0]);
    }

    #[test]
    fn flat_and_infinite_maps_are_unsound() {
        assert!(!Affine::from_spacing([1.0, 0.0, 1.0]).is_sound());
        assert!(!Affine::from_spacing([1.0, f64::NAN, 1.0]).is_sound());
        let doubled = Affine::from_steps(
            [[1.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]],
            [0.0; 3],
        );
        assert!(!doubled.is_sound());
    }
}
