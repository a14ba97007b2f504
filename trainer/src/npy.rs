//! NumPy's file of one array (<https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>).

/// The file's bytes: 32-bit floats in C order, of this shape.
pub fn write(shape: &[usize], values: &[f32]) -> Vec<u8> {
    let sides: String = shape.iter().map(|side| format!("{side}, ")).collect();
    let mut header =
        format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({sides}), }}").into_bytes();
    // Magic, version, length, header and line end together are a multiple of 64.
    const BEFORE: usize = 10;
    header.resize(
        (BEFORE + header.len() + 1).next_multiple_of(64) - BEFORE - 1,
        b' ',
    );
    header.push(b'\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header);
    bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    bytes
}

#[cfg(test)]
mod tests {
    use super::write;

    #[test]
    fn the_header_is_what_numpy_writes() {
        let bytes = write(&[1, 2], &[0.5, -1.0]);
        assert_eq!(&bytes[..8], b"\x93NUMPY\x01\x00");
        let length = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
        assert_eq!((10 + length) % 64, 0);
        let header = std::str::from_utf8(&bytes[10..10 + length]).unwrap();
        assert!(
            header.starts_with("{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2, ), }")
        );
        assert!(header.ends_with('\n'));
        assert_eq!(bytes[10 + length..], [0, 0, 0, 63, 0, 0, 128, 191]);
    }
}
