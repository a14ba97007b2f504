//! Reads the files that people have, in the page and in the trainer: pictures, DICOM, NIfTI, and
//! archives and lists of them. What a file is, its bytes tell, never its name.
//!
//! - [`read_files`]: any number of files to a [`Study`] of pictures, volumes and stacks, with what
//!   could not be read beside it,
//! - [`read_scan`]: one file to one [`Scan`], as data sets need it,
//! - [`detect()`]: what a file is,
//! - [`volume`]: planes, slices and orientation letters in radiological convention,
//! - [`decode`], `dicom`, `nifti`, `archive`: the formats, each behind a feature of its name (`images` for
//!   the first),
//! - [`directory`]: the list of a zip archive's files, for the page, where the browser unpacks them.
//!
//! Hostile files are expected: no input panics, sizes are held against [`limits`] before memory is
//! taken, and one bad file never stops the others. The crate opens no files and starts no threads.

#[cfg(feature = "archive")]
pub mod archive;
pub mod colour;
#[cfg(feature = "images")]
pub mod decode;
pub mod detect;
#[cfg(feature = "dicom")]
pub mod dicom;
pub mod directory;
mod error;
pub mod identity;
pub mod limits;
#[cfg(feature = "nifti")]
pub mod nifti;
pub mod range;
pub mod scan;
pub mod study;
mod text;
pub mod volume;

pub use detect::{FileKind, detect};
pub use error::ReadError;
pub use scan::Scan;
pub use study::{Study, read_files, read_scan};
pub use volume::Volume;
