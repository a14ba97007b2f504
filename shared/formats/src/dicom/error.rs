//! Why a DICOM file cannot be read.

use thiserror::Error;

use crate::limits::{
    MAX_DICOM_ATTRIBUTES, MAX_DICOM_NESTING, MAX_PIXELS, MAX_SIDE, MAX_UNPACKED_BYTES,
};
use crate::scan::ScanError;

/// Why a DICOM file cannot be read.
#[derive(Debug, Error)]
pub enum DicomError {
    /// The attributes contradict the format.
    #[error("the DICOM file is damaged: {0}")]
    Damaged(String),
    /// There is no picture in it.
    #[error("this DICOM file holds no picture: it is {what}")]
    NoPixels {
        /// What it is.
        what: String,
    },
    /// An index of other files.
    #[error("this is a DICOMDIR, an index of other files; choose the files or their folder")]
    Directory,
    /// It ends before the pixels, or within the first frame.
    #[error(
        "the DICOM file is cut off: {found} of the {expected} bytes of its first picture are there"
    )]
    Truncated {
        /// Bytes of a frame; at least 1.
        expected: usize,
        /// Bytes that are there.
        found: usize,
    },
    /// An attribute that is needed is missing or senseless.
    #[error("this DICOM file cannot be shown: {name} {problem}")]
    Attribute {
        /// The attribute's keyword.
        name: &'static str,
        /// What is wrong.
        problem: &'static str,
    },
    /// Too many pixels.
    #[error("the DICOM picture is too large: {columns} x {rows} pixels, {frames} frames (at most {MAX_SIDE} a side, {} million in a frame)", MAX_PIXELS / 1_000_000)]
    TooLarge {
        /// Width as the file states it.
        columns: i64,
        /// Height as the file states it.
        rows: i64,
        /// Frames as the file states them.
        frames: i64,
    },
    /// The attributes take too much memory.
    #[error("the DICOM file's attributes take more than {} MiB", MAX_DICOM_ATTRIBUTES >> 20)]
    Attributes,
    /// Sequences within sequences within sequences.
    #[error("the DICOM file's sequences are nested more than {MAX_DICOM_NESTING} deep")]
    Nesting,
    /// The compressed data set is too large.
    #[error("the DICOM file unpacks to more than {} MiB", MAX_UNPACKED_BYTES >> 20)]
    Unpacked,
    /// Pixels compressed in a way that is not read.
    #[error(
        "this DICOM file is compressed as {0}, which is not read here; convert it, for example with `gdcmconv \
         --raw in.dcm out.dcm`"
    )]
    Syntax(String),
    /// One frame cannot be decoded.
    #[error(
        "frame {} of the DICOM file, compressed as {syntax}, cannot be decoded: {reason}; if other programs \
         show it, convert it with `gdcmconv --raw in.dcm out.dcm`",
        frame + 1
    )]
    Frame {
        /// The frame, from 0.
        frame: usize,
        /// The transfer syntax.
        syntax: String,
        /// Why.
        reason: String,
    },
    /// Some frames are not there; those that are, are read.
    #[error("the DICOM file is cut off: {found} of its {expected} frames are there")]
    MissingFrames {
        /// Frames that are whole.
        found: usize,
        /// Frames that the file promises.
        expected: usize,
    },
    /// There is no such frame.
    #[error("there is no frame {index}: they go from 0 to {last}")]
    NoFrame {
        /// The one asked for.
        index: usize,
        /// The last one.
        last: usize,
    },
    /// The pixels make no scan.
    #[error(transparent)]
    Scan(#[from] ScanError),
}
