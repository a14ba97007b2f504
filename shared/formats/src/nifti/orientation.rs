//! How voxels lie in the patient: by sform, else by qform, else by the voxels' sizes alone.

use super::header::Header;
use crate::volume::Affine;

/// The map into the patient (RAS+ millimetres), and whether the file states it.
///
/// Without sform and qform the first axis is taken to run to the patient's left, as in ANALYZE files and as
/// nibabel reads them; that is a guess.
pub fn affine(header: &Header) -> (Affine, bool) {
    let unit = header.unit;
    let sform = header
        .sform
        .map(|rows| Affine(rows.map(|row| row.map(|v| v * unit))));
    let qform = header
        .qform
        .map(|quaternion| by_quaternion(header, quaternion));
    for stated in [sform, qform].into_iter().flatten() {
        if stated.is_sound() {
            return (stated, true);
        }
    }
    let [_, x, y, z] = header.pixdim.map(|size| voxel_size(size) * unit);
    let mut plain = Affine::from_spacing([x, y, z]);
    plain.0[0] = [-x, 0.0, 0.0, x * (header.dims[0] as f64 - 1.0)];
    (plain, false)
}

/// A size that can be one: 1 where it is 0 or not finite.
fn voxel_size(size: f64) -> f64 {
    let size = size.abs();
    if size.is_finite() && (1e-6..1e6).contains(&size) {
        size
    } else {
        1.0
    }
}

/// Method 2 of the NIfTI-1 standard: a rotation as a quaternion (b, c, d), a shift, and the sign of the third axis
/// in `pixdim[0]`.
fn by_quaternion(header: &Header, [b, c, d, x, y, z]: [f64; 6]) -> Affine {
    let rest = 1.0 - (b * b + c * c + d * d);
    // Rounding may leave a little less than 0: then it is half a turn, and b, c, d are brought to length 1.
    let (a, b, c, d) = if rest < 1e-7 {
        let length = (b * b + c * c + d * d).sqrt();
        (0.0, b / length, c / length, d / length)
    } else {
        (rest.sqrt(), b, c, d)
    };
    let [sign, i, j, k] = header.pixdim;
    let handed = if sign < 0.0 { -1.0 } else { 1.0 };
    let (i, j, k) = (
        voxel_size(i) * header.unit,
        voxel_size(j) * header.unit,
        voxel_size(k) * header.unit * handed,
    );
    let shift = [x, y, z].map(|value| value * header.unit);
    Affine::from_steps(
        [
            [
                (a * a + b * b - c * c - d * d) * i,
                2.0 * (b * c + a * d) * i,
                2.0 * (b * d - a * c) * i,
            ],
            [
                2.0 * (b * c - a * d) * j,
                (a * a + c * c - b * b - d * d) * j,
                2.0 * (c * d + a * b) * j,
            ],
            [
                2.0 * (b * d + a * c) * k,
                2.0 * (c * d - a * b) * k,
                (a * a + d * d - c * c - b * b) * k,
            ],
        ],
        shift,
    )
}
