//! Transfer syntaxes: how a file's data set is written and its pixels are compressed.

use crate::text::one_line;

/// How pixels are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Codec {
    /// Not at all.
    Native,
    /// Run lengths.
    Rle,
    /// JPEG: baseline, extended, progressive or lossless.
    Jpeg,
    /// JPEG 2000.
    Jpeg2000,
    /// JPEG-LS.
    JpegLs,
    /// In a way that is not read here.
    Unread,
}

/// A transfer syntax.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Syntax {
    /// Its unique identifier; empty where the file names none.
    pub uid: String,
    /// Its name in the standard.
    pub name: &'static str,
    /// Whether each element says its value representation.
    pub explicit: bool,
    /// Whether numbers are stored with their most significant byte first.
    pub big_endian: bool,
    /// Whether the data set is compressed as a whole.
    pub deflated: bool,
    /// How pixels are compressed.
    pub codec: Codec,
}

/// Those of PS3.5 section 10 with a name (<https://dicom.nema.org/medical/dicom/current/output/html/part05.html>):
/// the identifier behind `1.2.840.10008.1.2`.
const NAMES: [(&str, &str, Codec); 38] = [
    ("", "Implicit VR Little Endian", Codec::Native),
    (".1", "Explicit VR Little Endian", Codec::Native),
    (".1.99", "Deflated Explicit VR Little Endian", Codec::Native),
    (".2", "Explicit VR Big Endian", Codec::Native),
    (".5", "RLE Lossless", Codec::Rle),
    (".4.50", "JPEG Baseline", Codec::Jpeg),
    (".4.51", "JPEG Extended", Codec::Jpeg),
    (".4.53", "JPEG Spectral Selection", Codec::Jpeg),
    (".4.55", "JPEG Full Progression", Codec::Jpeg),
    (".4.57", "JPEG Lossless", Codec::Jpeg),
    (
        ".4.70",
        "JPEG Lossless, First-Order Prediction",
        Codec::Jpeg,
    ),
    (".4.80", "JPEG-LS Lossless", Codec::JpegLs),
    (".4.81", "JPEG-LS Near-Lossless", Codec::JpegLs),
    (".4.90", "JPEG 2000 Lossless", Codec::Jpeg2000),
    (".4.91", "JPEG 2000", Codec::Jpeg2000),
    (
        ".4.92",
        "JPEG 2000 Part 2 Multi-component Lossless",
        Codec::Unread,
    ),
    (".4.93", "JPEG 2000 Part 2 Multi-component", Codec::Unread),
    (".4.94", "JPIP Referenced", Codec::Unread),
    (".4.95", "JPIP Referenced Deflate", Codec::Unread),
    (".4.100", "MPEG2 Main Profile", Codec::Unread),
    (".4.100.1", "Fragmentable MPEG2 Main Profile", Codec::Unread),
    (".4.101", "MPEG2 High Level", Codec::Unread),
    (".4.101.1", "Fragmentable MPEG2 High Level", Codec::Unread),
    (".4.102", "MPEG-4 AVC/H.264", Codec::Unread),
    (".4.102.1", "Fragmentable MPEG-4 AVC/H.264", Codec::Unread),
    (".4.103", "MPEG-4 AVC/H.264 BD-compatible", Codec::Unread),
    (".4.104", "MPEG-4 AVC/H.264 2D Video", Codec::Unread),
    (".4.105", "MPEG-4 AVC/H.264 3D Video", Codec::Unread),
    (".4.106", "MPEG-4 AVC/H.264 Stereo", Codec::Unread),
    (".4.107", "HEVC/H.265 Main Profile", Codec::Unread),
    (".4.108", "HEVC/H.265 Main 10 Profile", Codec::Unread),
    (".4.110", "JPEG XL Lossless", Codec::Unread),
    (".4.111", "JPEG XL JPEG Recompression", Codec::Unread),
    (".4.112", "JPEG XL", Codec::Unread),
    (
        ".4.201",
        "High-Throughput JPEG 2000 Lossless",
        Codec::Unread,
    ),
    (".4.202", "High-Throughput JPEG 2000 RPCL", Codec::Unread),
    (".4.203", "High-Throughput JPEG 2000", Codec::Unread),
    (".8.1", "Deflated Image Frame Compression", Codec::Unread),
];

impl Syntax {
    /// By its identifier; an unknown one is taken for explicit little endian with pixels that are not read.
    pub fn from_uid(uid: &str) -> Self {
        let known = uid.strip_prefix("1.2.840.10008.1.2").and_then(|rest| {
            NAMES
                .iter()
                .find(|(end, _, _)| *end == rest)
                .map(|(end, name, codec)| (*end, *name, *codec))
        });
        let (end, name, codec) = known.unwrap_or(("?", "unknown transfer syntax", Codec::Unread));
        Self {
            // It stands in messages.
            uid: one_line(uid, 64),
            name,
            explicit: !end.is_empty(),
            big_endian: end == ".2",
            deflated: end == ".1.99",
            codec,
        }
    }

    /// For a data set without a word on its syntax.
    pub fn guessed(explicit: bool) -> Self {
        Self {
            uid: String::new(),
            ..Self::from_uid(if explicit {
                "1.2.840.10008.1.2.1"
            } else {
                "1.2.840.10008.1.2"
            })
        }
    }
}

impl std::fmt::Display for Syntax {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{} ({})", self.name, self.uid)
    }
}
