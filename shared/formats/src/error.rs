//! Why a file cannot be read.

use thiserror::Error;

use crate::limits::MAX_STUDY_PIXELS;
use crate::scan::ScanError;

/// Why a file cannot be read; each message is one line fit for a person.
#[derive(Debug, Error)]
pub enum ReadError {
    /// There are no bytes.
    #[error("the file is empty (0 bytes)")]
    Empty,
    /// The bytes are of no kind that is known here.
    #[error(
        "this is no file that can be read here; choose a picture (PNG, JPEG, WebP, BMP, TIFF), \
         a DICOM file, a NIfTI file (.nii, .nii.gz) or a zip archive of them"
    )]
    Unknown,
    /// Half of a pair of files.
    #[error(
        "this is the header of a pair .hdr/.img (ANALYZE or two-file NIfTI), which is not read here; convert \
         the pair to one .nii file, for example with `nib-convert` or MRIcroGL"
    )]
    Pair,
    /// Compressed with gzip, but no NIfTI file is inside.
    #[error("this gzip file holds no NIfTI file; unpack it and choose what is inside")]
    Gzip,
    /// A kind that this build does not read.
    #[error("{kind} files are not read by this build")]
    NotBuilt {
        /// The kind's name.
        kind: &'static str,
    },
    /// An archive where one file is wanted, or in another archive.
    #[error("this is a zip archive {place}; unpack it first")]
    Archive {
        /// Where it was found.
        place: &'static str,
    },
    /// An index of other files without a picture of its own.
    #[error("this is a DICOMDIR, an index of other files; choose the files or their folder")]
    Directory,
    /// All the files together are too large.
    #[error("everything chosen together has more than {} million pixels; choose fewer files", MAX_STUDY_PIXELS / 1_000_000)]
    TooMuch,
    /// There is no such slice.
    #[error("there is no slice {index} in the {plane} plane: they go from 0 to {last}")]
    NoSlice {
        /// The index asked for.
        index: usize,
        /// The plane's name.
        plane: &'static str,
        /// The last index.
        last: usize,
    },
    /// The pixels make no scan.
    #[error(transparent)]
    Scan(#[from] ScanError),
    /// A picture.
    #[cfg(feature = "images")]
    #[error(transparent)]
    Image(#[from] crate::decode::DecodeError),
    /// A DICOM file.
    #[cfg(feature = "dicom")]
    #[error(transparent)]
    Dicom(#[from] crate::dicom::DicomError),
    /// A NIfTI file.
    #[cfg(feature = "nifti")]
    #[error(transparent)]
    Nifti(#[from] crate::nifti::NiftiError),
    /// A zip archive.
    #[cfg(feature = "archive")]
    #[error(transparent)]
    Zip(#[from] crate::archive::ArchiveError),
    /// Voxels that make no volume.
    #[error(transparent)]
    Volume(#[from] crate::volume::VolumeError),
}
