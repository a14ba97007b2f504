//! Which bytes belong to which frame.

use std::ops::Range;

use super::layout::Pixels;

/// The bytes of each frame that is whole, as places in the data set; a compressed frame may lie in several.
///
/// `length` is the length of an uncompressed frame.
pub fn frames(data: &[u8], pixels: &Pixels, count: usize, length: usize) -> Vec<Vec<Range<usize>>> {
    match pixels {
        Pixels::Native { place, .. } => {
            let whole = (place.len() / length.max(1)).min(count);
            (0..whole)
                .map(|index| {
                    let start = place.start + index * length;
                    vec![Range {
                        start,
                        end: start + length,
                    }]
                })
                .collect()
        }
        Pixels::Fragments { parts, .. } if parts.is_empty() => Vec::new(),
        Pixels::Fragments { parts, .. } if count == 1 => vec![parts.clone()],
        Pixels::Fragments { parts, .. } if parts.len() == count => {
            parts.iter().map(|part| vec![part.clone()]).collect()
        }
        Pixels::Fragments { table, parts } => by_table(table, parts, count)
            .or_else(|| by_marker(data, parts, count))
            // Cut off: one part is one frame, as in most files.
            .unwrap_or_else(|| {
                let whole = if parts.len() < count { parts.len() } else { 0 };
                parts
                    .iter()
                    .take(whole)
                    .map(|part| vec![part.clone()])
                    .collect()
            }),
    }
}

/// By the table of the frames' beginnings, counted from the first part's item header.
fn by_table(table: &[u32], parts: &[Range<usize>], count: usize) -> Option<Vec<Vec<Range<usize>>>> {
    if table.len() != count {
        return None;
    }
    // A part's place is its value's; its header takes the eight bytes before it.
    let base = parts.first()?.start;
    let mut frames: Vec<Vec<Range<usize>>> = Vec::new();
    for part in parts {
        let offset = part.start - base;
        let next = table.get(frames.len()).map(|next| *next as usize);
        if next == Some(offset) {
            frames.push(Vec::new());
        }
        frames.last_mut()?.push(part.clone());
    }
    Some(frames)
}

/// By the marker that begins a JPEG or JPEG 2000 stream.
fn by_marker(data: &[u8], parts: &[Range<usize>], count: usize) -> Option<Vec<Vec<Range<usize>>>> {
    let mut frames: Vec<Vec<Range<usize>>> = Vec::new();
    for part in parts {
        let begins = matches!(
            data.get(part.clone())?,
            [0xFF, 0xD8, 0xFF, ..] | [0xFF, 0x4F, 0xFF, 0x51, ..]
        );
        if begins {
            frames.push(Vec::new());
        }
        frames.last_mut()?.push(part.clone());
    }
    (frames.len() == count).then_some(frames)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Frames as pairs of numbers, to be compared.
    fn found(pixels: &Pixels, count: usize) -> Vec<Vec<(usize, usize)>> {
        frames(&[0; 40], pixels, count, 6)
            .iter()
            .map(|frame| frame.iter().map(|part| (part.start, part.end)).collect())
            .collect()
    }

    #[test]
    fn parts_find_their_frames() {
        let by = |table: &[u32], count| {
            let pixels = Pixels::Fragments {
                table: table.to_vec(),
                parts: vec![8..10, 18..20, 28..30],
            };
            found(&pixels, count)
        };
        let [a, b, c] = [(8, 10), (18, 20), (28, 30)];
        assert_eq!(by(&[], 1), [[a, b, c]]);
        assert_eq!(by(&[], 3), [[a], [b], [c]]);
        assert_eq!(by(&[0, 20], 2), [vec![a, b], vec![c]]);
        // A table that fits no part, and nothing else to go by.
        assert!(by(&[7, 9], 2).is_empty());
        // Three of five frames are there.
        assert_eq!(by(&[], 5), [[a], [b], [c]]);
    }

    #[test]
    fn native_frames_are_whole() {
        let pixels = Pixels::Native {
            place: 10..25,
            whole: false,
        };
        assert_eq!(found(&pixels, 4), [[(10, 16)], [(16, 22)]]);
    }
}
