use super::*;
use crate::volume::Plane;

/// A NIfTI-1 header for these sizes, with voxels of 1 x 2 x 3 mm and no orientation.
fn header(dims: &[i16], code: i16, bits: i16, big: bool) -> Vec<u8> {
    let mut bytes = vec![0; 352];
    let mut put = |at: usize, value: &[u8]| {
        let mut value = value.to_vec();
        if big {
            value.reverse();
        }
        bytes[at..at + value.len()].copy_from_slice(&value);
    };
    put(0, &348i32.to_le_bytes());
    put(40, &(dims.len() as i16).to_le_bytes());
    for (index, length) in dims.iter().enumerate() {
        put(42 + 2 * index, &length.to_le_bytes());
    }
    put(70, &code.to_le_bytes());
    put(72, &bits.to_le_bytes());
    for (index, size) in [1f32, 1.0, 2.0, 3.0].iter().enumerate() {
        put(76 + 4 * index, &size.to_le_bytes());
    }
    put(108, &352f32.to_le_bytes());
    bytes[344..348].copy_from_slice(b"n+1\0");
    bytes
}

fn put(bytes: &mut [u8], at: usize, value: &[u8]) {
    bytes[at..at + value.len()].copy_from_slice(value);
}

fn gz(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn read(bytes: &[u8]) -> Result<Volume, NiftiError> {
    NiftiFile::parse(bytes)?.volume(0)
}

#[test]
fn every_number_type_and_byte_order_is_read() {
    macro_rules! check {
        ($($kind:ty, $code:expr);*) => {$(
            for big in [false, true] {
                let mut file = header(&[2, 2, 1], $code, 8 * size_of::<$kind>() as i16, big);
                for value in [1 as $kind, 2 as $kind, 3 as $kind, 100 as $kind] {
                    file.extend(if big { value.to_be_bytes() } else { value.to_le_bytes() });
                }
                let volume = read(&file).unwrap();
                // Without orientation the first axis runs to the left.
                assert_eq!(volume.voxels(), [2.0, 1.0, 100.0, 3.0], "{} {}", $code, big);
                assert_eq!(volume.orientation(), Orientation::Assumed);
                assert_eq!(volume.edges(Plane::Axial), None);
                assert_eq!(read(&gz(&file)).unwrap(), volume);
            }
        )*};
    }
    check!(u8, 2; i16, 4; i32, 8; f32, 16; f64, 64; i8, 256; u16, 512; u32, 768; i64, 1024; u64, 1280);
    let mut colour = header(&[1, 1, 1], 128, 24, false);
    colour.extend([0, 255, 0]);
    assert!((read(&colour).unwrap().voxels()[0] - 182.4).abs() < 0.1);
    for code in [32, 1792, 1, 999] {
        let error = NiftiFile::parse(&header(&[1, 1, 1], code, 64, false))
            .err()
            .unwrap();
        assert!(matches!(error, NiftiError::DataType(_)), "{error}");
    }
}

#[test]
fn slope_intercept_and_calibration_apply() {
    let mut file = header(&[2, 1, 1], 4, 16, false);
    put(&mut file, 112, &2f32.to_le_bytes());
    put(&mut file, 116, &(-10f32).to_le_bytes());
    file.extend(7i16.to_le_bytes());
    file.extend((-7i16).to_le_bytes());
    let volume = read(&file).unwrap();
    assert_eq!(volume.voxels(), [-24.0, 4.0]);
    assert_eq!(volume.display_range(), (-24.0, 4.0));
    put(&mut file, 124, &3f32.to_le_bytes());
    put(&mut file, 128, &(-1f32).to_le_bytes());
    assert_eq!(read(&file).unwrap().display_range(), (-1.0, 3.0));
    // A slope of 0 says: as stored.
    put(&mut file, 112, &0f32.to_le_bytes());
    assert_eq!(read(&file).unwrap().voxels(), [-7.0, 7.0]);
}

#[test]
fn sform_goes_before_qform() {
    let mut file = header(&[2, 1, 1], 2, 8, false);
    file.extend([10, 20]);
    // qform: half a turn about z, so that x runs to the left.
    put(&mut file, 252, &1i16.to_le_bytes());
    put(&mut file, 264, &1f32.to_le_bytes());
    let volume = read(&file).unwrap();
    assert_eq!(volume.orientation(), Orientation::Known);
    assert_eq!(volume.voxels(), [20.0, 10.0]);
    assert_eq!(volume.spacing(), [1.0, 2.0, 3.0]);
    // sform: x runs to the right, in voxels of 4 mm.
    put(&mut file, 254, &1i16.to_le_bytes());
    for (at, value) in [(280, 4f32), (300, 5.0), (320, 6.0)] {
        put(&mut file, at, &value.to_le_bytes());
    }
    let volume = read(&file).unwrap();
    assert_eq!(volume.voxels(), [10.0, 20.0]);
    assert_eq!(volume.spacing(), [4.0, 5.0, 6.0]);
    // An sform that is no map is passed over.
    put(&mut file, 280, &0f32.to_le_bytes());
    assert_eq!(read(&file).unwrap().spacing(), [1.0, 2.0, 3.0]);
}

#[test]
fn time_points_are_chosen() {
    let mut file = header(&[1, 1, 1, 3], 2, 8, false);
    file.extend([5, 6, 7]);
    for bytes in [file.clone(), gz(&file)] {
        let nifti = NiftiFile::parse(&bytes).unwrap();
        assert_eq!(nifti.time_points(), 3);
        assert_eq!(nifti.volume(2).unwrap().voxels(), [7.0]);
        assert!(matches!(
            nifti.volume(3),
            Err(NiftiError::TimePoint { last: 2, .. })
        ));
    }
}

#[test]
fn cut_and_lying_files_are_refused() {
    let mut file = header(&[4, 4, 4], 16, 32, false);
    file.extend([0; 255]);
    assert!(matches!(
        read(&file),
        Err(NiftiError::Truncated {
            expected: 608,
            found: 607
        })
    ));
    assert!(matches!(
        read(&gz(&file)[..60]),
        Err(NiftiError::Gzip(_) | NiftiError::Truncated { .. })
    ));
    assert!(matches!(read(&file[..100]), Err(NiftiError::Header(_))));
    // Half a terabyte stated by 352 bytes.
    let bomb = header(&[32767, 32767, 127], 64, 64, false);
    assert!(matches!(
        read(&bomb),
        Err(NiftiError::Volume(VolumeError::TooLarge(_)))
    ));
    assert!(matches!(
        read(&header(&[0, 4, 4], 2, 8, false)),
        Err(NiftiError::Header(_))
    ));
    assert!(matches!(
        read(&header(&[512, 512, 512], 2, 8, false)),
        Err(NiftiError::Truncated { .. })
    ));
}

#[test]
fn nifti_two_is_read() {
    for big in [false, true] {
        let mut file = vec![0; 544];
        let mut number = |at: usize, value: &[u8]| {
            let mut value = value.to_vec();
            if big {
                value.reverse();
            }
            put(&mut file, at, &value);
        };
        number(0, &540i32.to_le_bytes());
        number(12, &4i16.to_le_bytes());
        for (index, length) in [3i64, 1, 2, 1].iter().enumerate() {
            number(16 + 8 * index, &length.to_le_bytes());
        }
        for (index, size) in [1f64, 2.0, 2.0, 2.0].iter().enumerate() {
            number(104 + 8 * index, &size.to_le_bytes());
        }
        number(168, &544i64.to_le_bytes());
        number(348, &2i32.to_le_bytes());
        // The first stored axis runs up, the second to the right, the third to the front.
        for (at, value) in [(400 + 8, 2f64), (432 + 16, 2.0), (464, 2.0)] {
            number(at, &value.to_le_bytes());
        }
        put(&mut file, 4, b"n+2\0");
        for value in [11i16, 22] {
            file.extend(if big {
                value.to_be_bytes()
            } else {
                value.to_le_bytes()
            });
        }
        assert_eq!(NiftiFile::parse(&file).unwrap().dims(), [1, 2, 1]);
        let volume = read(&file).unwrap();
        assert_eq!(volume.dims(), [2, 1, 1]);
        assert_eq!(volume.voxels(), [11.0, 22.0]);
        assert_eq!(volume.orientation(), Orientation::Known);
    }
}
