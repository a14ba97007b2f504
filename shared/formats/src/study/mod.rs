//! Any number of files at once: pictures, volumes, series, archives of them.

mod names;
mod reader;
#[cfg(feature = "dicom")]
mod series;

pub use names::{clean_name, is_clutter};

use crate::detect::FileKind;
use crate::error::ReadError;
use crate::identity::IdentifyingTag;
use crate::scan::Scan;
use crate::volume::{Edges, Volume};

/// What a file, or several together, turned out to be.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// A single picture.
    Picture(Scan),
    /// A volume with three planes.
    Volume(Box<Volume>),
    /// Pictures in order that make no volume.
    Stack(Vec<Scan>),
}

/// Something that can be looked at.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// A name for people: the file's, or its folder's where several files belong together.
    pub name: String,
    /// Names of the files that it came from.
    pub sources: Vec<String>,
    /// What they were.
    pub kind: FileKind,
    /// What is in them.
    pub content: Content,
    /// What is at the edges of its pictures, where the file says how the patient lies; a volume says it for each plane.
    pub edges: Option<Edges>,
    /// What of the files may say who the patient is; for the screen only, never for an export.
    pub identifying: Vec<IdentifyingTag>,
    /// How many volumes the file holds, of which this is one; 1 for all but 4-D files.
    pub time_points: usize,
}

/// A file that could not be read, or only in part.
#[derive(Debug)]
pub struct Failure {
    /// Its name.
    pub name: String,
    /// Why.
    pub error: ReadError,
}

/// What became of all the files.
#[derive(Debug, Default)]
pub struct Study {
    /// What can be looked at, in the order of the files.
    pub items: Vec<Item>,
    /// Files that could not be read.
    pub failures: Vec<Failure>,
    /// Files that were passed over on purpose.
    pub skipped: Vec<Skipped>,
}

/// A file that was passed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// Its name.
    pub name: String,
    /// Why.
    pub reason: SkipReason,
}

/// Why a file is passed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SkipReason {
    /// A system left it behind: resource forks, folder settings, thumbnails.
    Clutter,
    /// It is a DICOMDIR, an index of other files.
    Index,
    /// A DICOM file with the identifier and the pixels of one before it.
    Copy,
}

impl SkipReason {
    /// In words.
    pub fn text(self) -> &'static str {
        match self {
            Self::Clutter => "left behind by a system",
            Self::Index => "an index of other files",
            Self::Copy => "a copy of a picture before it",
        }
    }
}

/// Reads files by their bytes: names are for people alone. A bad file never stops the others.
///
/// Of a 4-D file the first volume is read; [`read_time_point`] reads another.
pub fn read_files<N: AsRef<str>, B: AsRef<[u8]>>(files: impl IntoIterator<Item = (N, B)>) -> Study {
    read_time_point(files, 0)
}

/// [`read_files`] with the volume `time_point` of 4-D files.
pub fn read_time_point<N: AsRef<str>, B: AsRef<[u8]>>(
    files: impl IntoIterator<Item = (N, B)>,
    time_point: usize,
) -> Study {
    let mut reader = reader::Reader::new(time_point);
    for (name, bytes) in files {
        reader.add(name.as_ref(), bytes.as_ref());
    }
    reader.finish()
}

/// Reads one file to one scan with square pixels, as data sets need it: of several frames the middle one, of a volume
/// the middle axial slice of its first time point.
///
/// # Errors
/// Everything that is wrong with the file, and archives.
pub fn read_scan(bytes: &[u8]) -> Result<Scan, ReadError> {
    reader::read_scan(bytes)
}
