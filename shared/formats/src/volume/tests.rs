use proptest::prelude::*;

use super::*;

/// A head of 4 x 5 x 6 voxels, each with its place: 100 x + 10 y + z.
fn head() -> Volume {
    let mut voxels = Vec::new();
    for z in 0..6 {
        for y in 0..5 {
            for x in 0..4 {
                voxels.push((100 * x + 10 * y + z) as f32);
            }
        }
    }
    Volume::new(
        [4, 5, 6],
        voxels,
        Affine::from_spacing([1.0, 2.0, 3.0]),
        Orientation::Known,
        (0.0, 400.0),
    )
    .unwrap()
}

#[test]
fn slices_are_radiological() {
    let head = head();
    let axial = head.slice(Plane::Axial, 2).unwrap();
    assert_eq!((axial.width(), axial.height()), (4, 5));
    // Top left: the patient's right (x = 3) and front (y = 4).
    assert_eq!(axial.luma()[0], 342.0);
    assert_eq!(axial.luma()[3], 42.0);
    assert_eq!(axial.luma()[19], 2.0);
    assert_eq!(axial.spacing(), Some([1.0, 2.0]));
    let coronal = head.slice(Plane::Coronal, 1).unwrap();
    assert_eq!((coronal.width(), coronal.height()), (4, 6));
    assert_eq!(coronal.luma()[0], 315.0);
    let sagittal = head.slice(Plane::Sagittal, 1).unwrap();
    assert_eq!((sagittal.width(), sagittal.height()), (5, 6));
    // Top left: the front (y = 4) and above (z = 5).
    assert_eq!(sagittal.luma()[0], 145.0);
    assert_eq!(sagittal.spacing(), Some([2.0, 3.0]));
    assert!(matches!(
        head.slice(Plane::Axial, 6),
        Err(ReadError::NoSlice { last: 5, .. })
    ));
    let edges = head.edges(Plane::Axial).unwrap();
    assert_eq!((edges.left, edges.top), ('R', 'A'));
    assert_eq!(head.acquired_plane(), Plane::Axial);
}

#[test]
fn impossible_sizes_are_refused() {
    let refused = |dims, count| {
        Volume::new(
            dims,
            vec![0.0; count],
            Affine::from_spacing([1.0; 3]),
            Orientation::Assumed,
            (0.0, 1.0),
        )
        .unwrap_err()
    };
    assert_eq!(refused([0, 1, 1], 0), VolumeError::Empty([0, 1, 1]));
    assert!(matches!(refused([2, 2, 2], 7), VolumeError::Length { .. }));
    assert!(matches!(
        refused([usize::MAX, 2, 2], 7),
        VolumeError::TooLarge(_)
    ));
}

proptest! {
    /// Whichever way a scanner stores its voxels, each keeps its place in the patient.
    #[test]
    fn every_voxel_keeps_its_place(
        order in 0usize..6, flips in prop::array::uniform3(any::<bool>()),
        dims in prop::array::uniform3(1usize..5), tilt in -0.3f64..0.3,
    ) {
        let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
        let mut steps = [[0.0; 3]; 3];
        for (index, axis) in orders[order].into_iter().enumerate() {
            steps[index][axis] = if flips[index] { -1.5 } else { 1.5 };
            steps[index][(axis + 1) % 3] = tilt;
        }
        let affine = Affine::from_steps(steps, [3.0, -4.0, 5.0]);
        prop_assume!(affine.is_sound());
        // Each voxel's value is a number for its place in the patient.
        let number = |place: [f64; 3]| (place[0] * 7.0 + place[1] * 61.0 + place[2] * 523.0) as f32;
        let mut voxels = Vec::new();
        for k in 0..dims[2] {
            for j in 0..dims[1] {
                for i in 0..dims[0] {
                    voxels.push(number(affine.apply([i as f64, j as f64, k as f64])));
                }
            }
        }
        let volume = Volume::new(dims, voxels, affine, Orientation::Known, (0.0, 1.0)).unwrap();
        let [nx, ny, nz] = volume.dims();
        prop_assert_eq!(nx * ny * nz, dims.iter().product::<usize>());
        for (axis, step) in volume.affine().steps().into_iter().enumerate() {
            prop_assert!(step[axis] > 1.0);
        }
        for z in 0..nz {
            for y in 0..ny {
                for x in 0..nx {
                    let expected = number(volume.affine().apply([x as f64, y as f64, z as f64]));
                    let found = volume.voxels()[x + nx * (y + ny * z)];
                    prop_assert!((found - expected).abs() < 1e-2, "{} {}", found, expected);
                }
            }
        }
    }
}
