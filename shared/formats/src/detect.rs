//! What a file is, by its bytes.

/// A kind of file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FileKind {
    /// A PNG picture.
    Png,
    /// A JPEG picture.
    Jpeg,
    /// A WebP picture.
    WebP,
    /// A BMP picture.
    Bmp,
    /// A TIFF picture.
    Tiff,
    /// A picture of a kind that is known by name only: GIF, AVIF and the like.
    OtherImage,
    /// A DICOM file, with or without its preamble.
    Dicom,
    /// A NIfTI-1 or NIfTI-2 file, header and voxels in one.
    Nifti,
    /// The same, compressed with gzip.
    NiftiGz,
    /// The header of a pair of files: ANALYZE 7.5 or two-file NIfTI.
    Pair,
    /// Something else compressed with gzip.
    Gzip,
    /// A zip archive.
    Zip,
    /// None of these.
    Unknown,
}

impl FileKind {
    /// Its name for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Png => "PNG",
            Self::Jpeg => "JPEG",
            Self::WebP => "WebP",
            Self::Bmp => "BMP",
            Self::Tiff => "TIFF",
            Self::OtherImage => "picture",
            Self::Dicom => "DICOM",
            Self::Nifti | Self::NiftiGz => "NIfTI",
            Self::Pair => "ANALYZE",
            Self::Gzip => "gzip",
            Self::Zip => "zip",
            Self::Unknown => "unknown",
        }
    }

    /// Whether [`crate::decode`] answers for it.
    pub fn is_image(self) -> bool {
        matches!(
            self,
            Self::Png | Self::Jpeg | Self::WebP | Self::Bmp | Self::Tiff | Self::OtherImage
        )
    }
}

/// The bytes that [`detect`] looks at, at most.
pub const HEAD: usize = 1024;

/// What a file is; its first [`HEAD`] bytes are enough.
pub fn detect(bytes: &[u8]) -> FileKind {
    let is = |at: usize, what: &[u8]| bytes.get(at..).is_some_and(|rest| rest.starts_with(what));
    if is(0, b"\x89PNG\r\n\x1a\n") {
        FileKind::Png
    } else if is(0, b"\xFF\xD8\xFF") {
        FileKind::Jpeg
    } else if is(0, b"RIFF") && is(8, b"WEBP") {
        FileKind::WebP
    } else if is(128, b"DICM") {
        // Before the formats with short signatures: the preamble may hold anything, a TIFF header too.
        FileKind::Dicom
    } else if is(0, b"II*\0") || is(0, b"MM\0*") || is(0, b"II+\0") || is(0, b"MM\0+") {
        FileKind::Tiff
    } else if is(0, b"BM") && bytes.len() >= 26 {
        FileKind::Bmp
    } else if is(0, b"GIF8") || is(4, b"ftypavif") || is(4, b"ftypheic") {
        FileKind::OtherImage
    } else if is(0, b"PK\x03\x04") || is(0, b"PK\x05\x06") || is(0, b"PK\x07\x08") {
        FileKind::Zip
    } else if is(0, b"\x1F\x8B") {
        gzip(bytes)
    } else if let Some(kind) = nifti(bytes) {
        kind
    } else if dicom_without_preamble(bytes) {
        FileKind::Dicom
    } else {
        FileKind::Unknown
    }
}

/// A NIfTI or ANALYZE header: its size, in either byte order, is its first number.
fn nifti(bytes: &[u8]) -> Option<FileKind> {
    let size = |bytes: [u8; 4]| {
        [u32::from_le_bytes(bytes), u32::from_be_bytes(bytes)]
            .into_iter()
            .find(|size| [348, 540].contains(size))
    };
    match size(bytes.first_chunk().copied()?)? {
        540 => match bytes.get(4..8)? {
            b"n+2\0" => Some(FileKind::Nifti),
            b"ni2\0" => Some(FileKind::Pair),
            _ => None,
        },
        _ => match bytes.get(344..348)? {
            b"n+1\0" => Some(FileKind::Nifti),
            _ => Some(FileKind::Pair),
        },
    }
}

#[cfg(feature = "nifti")]
fn gzip(bytes: &[u8]) -> FileKind {
    use std::io::Read;

    let mut head = Vec::new();
    // An error ends the reading early; what came before it is judged.
    let _ = flate2::read::GzDecoder::new(bytes)
        .take(HEAD as u64)
        .read_to_end(&mut head);
    match nifti(&head) {
        Some(FileKind::Nifti) => FileKind::NiftiGz,
        Some(FileKind::Pair) => FileKind::Pair,
        _ => FileKind::Gzip,
    }
}

#[cfg(not(feature = "nifti"))]
fn gzip(_: &[u8]) -> FileKind {
    FileKind::Gzip
}

/// Whether the bytes read as DICOM data elements from the start: two elements of groups that begin a
/// file, in ascending order, whose lengths make sense.
fn dicom_without_preamble(bytes: &[u8]) -> bool {
    if bytes.starts_with(b"DICM") {
        return dicom_without_preamble(&bytes[4..]);
    }
    let mut at = 0usize;
    let mut last = None;
    for number in 0..2 {
        let Some([g0, g1, e0, e1, a, b, c, d]) = bytes
            .get(at..)
            .and_then(|rest| rest.first_chunk::<8>())
            .copied()
        else {
            return false;
        };
        let tag = (u16::from_le_bytes([g0, g1]), u16::from_le_bytes([e0, e1]));
        if number == 0 && !matches!(tag.0, 0x0002 | 0x0008) || last.is_some_and(|last| tag <= last)
        {
            return false;
        }
        let explicit = a.is_ascii_uppercase() && b.is_ascii_uppercase();
        let length = if explicit && matches!(&[a, b], b"OB" | b"OW" | b"UN" | b"SQ" | b"UT") {
            let Some(length) = bytes
                .get(at + 8..)
                .and_then(|rest| rest.first_chunk().copied())
            else {
                return false;
            };
            at += 4;
            u32::from_le_bytes(length)
        } else if explicit {
            u32::from(u16::from_le_bytes([c, d]))
        } else {
            u32::from_le_bytes([a, b, c, d])
        };
        // What begins a file is short: identifiers, dates, kinds.
        if tag.0 > 0x0010 || length > 512 {
            return false;
        }
        last = Some(tag);
        at += 8 + length as usize;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_files_by_their_bytes() {
        assert_eq!(detect(b""), FileKind::Unknown);
        assert_eq!(detect(b"\x89PNG\r\n\x1a\n"), FileKind::Png);
        assert_eq!(detect(b"\xFF\xD8\xFF\xE0"), FileKind::Jpeg);
        assert_eq!(detect(b"RIFF....WEBPVP8 "), FileKind::WebP);
        assert_eq!(detect(b"II*\0"), FileKind::Tiff);
        assert_eq!(detect(b"PK\x03\x04"), FileKind::Zip);
        assert_eq!(
            detect(b"Dear diary, this is no picture."),
            FileKind::Unknown
        );
        let mut dicom = b"II*\0".to_vec();
        dicom.resize(128, 0);
        dicom.extend(b"DICM");
        assert_eq!(detect(&dicom), FileKind::Dicom);
    }

    #[test]
    fn knows_nifti_in_either_byte_order() {
        for order in [u32::to_le_bytes, u32::to_be_bytes] {
            let mut one = vec![0; 352];
            one[..4].copy_from_slice(&order(348));
            assert_eq!(detect(&one), FileKind::Pair);
            one[344..348].copy_from_slice(b"n+1\0");
            assert_eq!(detect(&one), FileKind::Nifti);
            one[344..348].copy_from_slice(b"ni1\0");
            assert_eq!(detect(&one), FileKind::Pair);
            let mut two = vec![0; 544];
            two[..4].copy_from_slice(&order(540));
            two[4..8].copy_from_slice(b"n+2\0");
            assert_eq!(detect(&two), FileKind::Nifti);
        }
    }

    #[test]
    fn dicom_needs_no_preamble_when_it_is_plausible() {
        let explicit = b"\x08\0\x05\0CS\x0A\0ISO_IR 100\x08\0\x16\0UI\x02\x001\0";
        let implicit = b"\x08\0\x05\0\x0A\0\0\0ISO_IR 100\x08\0\x16\0\x02\0\0\x001\0";
        assert_eq!(detect(explicit), FileKind::Dicom);
        assert_eq!(detect(implicit), FileKind::Dicom);
        let descending = b"\x08\0\x16\0UI\x02\x001\0\x08\0\x05\0CS\x0A\0ISO_IR 100";
        assert_eq!(detect(descending), FileKind::Unknown);
        assert_eq!(detect(&[8, 0, 0, 0, 0, 0, 0, 0, 0, 0]), FileKind::Unknown);
    }
}
