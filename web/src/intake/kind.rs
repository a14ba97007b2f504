//! What a file is, as far as its first bytes and its name tell.

/// So many bytes tell what a file is.
pub const HEAD: u32 = 132;

/// What pictures begin with, and where: those that are read, and the commonest of those that are not.
const PICTURES: [(usize, &[u8]); 8] = [
    (0, b"\x89PNG"),
    (0, b"\xFF\xD8\xFF"),
    (0, b"RIFF"),
    (0, b"BM"),
    (0, b"II*\0"),
    (0, b"MM\0*"),
    (0, b"GIF8"),
    (4, b"ftyp"),
];

/// Who reads a file. What it is for sure, that one finds out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The engine: a picture.
    Picture,
    /// The engine, which says what is wrong with it: nothing that is known here.
    Unknown,
    /// The reader: DICOM, of which several files may belong together.
    Dicom,
    /// The reader: NIfTI, an archive.
    Other,
}

impl Kind {
    /// By a file's first [`HEAD`] bytes.
    pub fn of(head: &[u8]) -> Self {
        let is = |at: usize, what: &[u8]| head.get(at..).is_some_and(|rest| rest.starts_with(what));
        let number = |bytes: [u8; 4]| [u32::from_le_bytes(bytes), u32::from_be_bytes(bytes)];
        // A NIfTI header begins with its own size.
        let nifti = head
            .first_chunk()
            .is_some_and(|bytes| number(*bytes).iter().any(|size| [348, 540].contains(size)));
        if is(128, b"DICM") || is(0, b"DICM") {
            Self::Dicom
        } else if is(0, b"PK") || is(0, b"\x1F\x8B") || nifti {
            Self::Other
        } else if is(0, b"\x02\0") || is(0, b"\x08\0") {
            // DICOM without its preamble begins with an element of group 2 or 8.
            Self::Dicom
        } else if PICTURES.iter().any(|(at, magic)| is(*at, magic)) {
            Self::Picture
        } else {
            Self::Unknown
        }
    }

    /// Whether the reader reads it, not the engine.
    pub fn needs_reader(self) -> bool {
        matches!(self, Self::Dicom | Self::Other)
    }
}

/// What file managers and systems leave behind, which is none of the visitor's.
pub fn is_clutter(path: &str) -> bool {
    let mut parts = path.rsplit('/');
    let name = parts.next().unwrap_or_default();
    let lower = name.to_ascii_lowercase();
    name.starts_with('.')
        || ["thumbs.db", "desktop.ini", "dicomdir"].contains(&lower.as_str())
        || parts.any(|folder| folder == "__MACOSX")
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasm_bindgen_test::wasm_bindgen_test;

    #[wasm_bindgen_test(unsupported = test)]
    fn plain_pictures_go_to_the_engine() {
        let mut dicom = b"II*\0".to_vec();
        dicom.resize(128, 0);
        dicom.extend(b"DICM");
        for (head, kind) in [
            (dicom.as_slice(), Kind::Dicom),
            (b"\x08\0\x05\0CS\x0A\0ISO_IR 100", Kind::Dicom),
            (b"PK\x03\x04", Kind::Other),
            (&348u32.to_be_bytes(), Kind::Other),
            (b"\x1F\x8B\x08\0", Kind::Other),
        ] {
            assert_eq!(Kind::of(head), kind, "{head:?}");
        }
        for picture in [
            b"\x89PNG\r\n\x1a\n".as_slice(),
            b"\xFF\xD8\xFF\xE0",
            b"II*\0\x08\0\0\0",
            b"BM",
            b"RIFF....WEBP",
        ] {
            assert_eq!(Kind::of(picture), Kind::Picture, "{picture:?}");
        }
        for other in [b"Dear diary".as_slice(), b""] {
            assert_eq!(Kind::of(other), Kind::Unknown, "{other:?}");
        }
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn what_systems_leave_behind() {
        for path in [
            "a/.DS_Store",
            "Thumbs.db",
            "cd/DICOMDIR",
            "x.zip/__MACOSX/a/b.png",
        ] {
            assert!(is_clutter(path), "{path}");
        }
        assert!(!is_clutter("a.b/IM0001") && !is_clutter("scan.png"));
    }
}
