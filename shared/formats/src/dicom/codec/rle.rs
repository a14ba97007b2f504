//! Run lengths (PS3.5 annex G): a segment for each byte of each colour, the most significant first.

use super::Shape;

pub fn decode(data: &[u8], shape: &Shape) -> Result<Vec<u32>, String> {
    let number = |index: usize| {
        data.get(4 * index..)
            .and_then(|rest| rest.first_chunk().copied())
            .map(u32::from_le_bytes)
            .ok_or("its header is cut off")
    };
    let bytes = usize::from(shape.bits_allocated / 8);
    let segments = bytes * usize::from(shape.colours);
    let stated = number(0)? as usize;
    if stated != segments {
        return Err(format!("it has {stated} segments instead of {segments}"));
    }
    let pixels = shape.pixels();
    let mut samples = vec![0u32; shape.samples()];
    for segment in 0..segments {
        let start = number(1 + segment)? as usize;
        let end = if segment + 1 < segments {
            number(2 + segment)? as usize
        } else {
            data.len()
        };
        let packed = data.get(start..end).ok_or("its segments overlap")?;
        let (colour, byte) = (segment / bytes, segment % bytes);
        let shift = 8 * (bytes - 1 - byte);
        let plane = unpack(packed, pixels);
        if plane.len() < pixels {
            return Err("a segment is too short".into());
        }
        let places = samples
            .iter_mut()
            .skip(colour)
            .step_by(usize::from(shape.colours));
        for (sample, value) in places.zip(plane) {
            *sample |= u32::from(value) << shift;
        }
    }
    Ok(samples)
}

/// PackBits, up to `length` bytes.
fn unpack(packed: &[u8], length: usize) -> Vec<u8> {
    // No more than what the packed bytes can say.
    let mut plane = Vec::with_capacity(length.min(packed.len().saturating_mul(64)));
    let mut rest = packed;
    while let [head, tail @ ..] = rest {
        if plane.len() >= length {
            break;
        }
        rest = tail;
        match *head as i8 {
            -128 => {}
            count @ 0.. => {
                let count = (count as usize + 1).min(rest.len());
                let (literal, tail) = rest.split_at(count);
                plane.extend(literal);
                rest = tail;
            }
            count => {
                let [value, tail @ ..] = rest else { break };
                plane.extend(std::iter::repeat_n(
                    *value,
                    (1 - isize::from(count)) as usize,
                ));
                rest = tail;
            }
        }
    }
    plane.truncate(length);
    plane
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_and_literals_are_unpacked() {
        assert_eq!(
            unpack(&[2, 1, 2, 3, 0xFE, 9, 0x80, 0, 7], 99),
            [1, 2, 3, 9, 9, 9, 7]
        );
        assert_eq!(unpack(&[0xFE, 9], 2), [9, 9]);
        assert_eq!(unpack(&[5, 1], 9), [1]);
        assert_eq!(unpack(&[0xFF], 9), [0u8; 0]);
    }
}
