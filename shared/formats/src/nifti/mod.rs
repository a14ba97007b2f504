//! NIfTI-1 and NIfTI-2 files, in either byte order, plain or compressed with gzip.
//!
//! A reader of our own: the `nifti` crate knows neither NIfTI-2 nor limits, and reads all time points at
//! once. The formats are those of <https://nifti.nimh.nih.gov/nifti-1> and
//! <https://nifti.nimh.nih.gov/nifti-2>.

mod header;
mod orientation;
#[cfg(test)]
mod tests;
mod voxels;

pub use header::DataType;

use std::io::Read;

use thiserror::Error;

use crate::limits::{MAX_UNPACKED_BYTES, MAX_VOXELS};
use crate::range;
use crate::text::one_line;
use crate::volume::{Orientation, Volume, VolumeError, voxel_count};
use header::Header;

/// Why a NIfTI file cannot be read.
#[derive(Debug, Error)]
pub enum NiftiError {
    /// The header is cut off or no header.
    #[error("this is no NIfTI file: {0}")]
    Header(&'static str),
    /// The voxels are only partly there.
    #[error(
        "the NIfTI file is cut off: its header promises {expected} bytes, but there are {found}"
    )]
    Truncated {
        /// Bytes that the header promises.
        expected: u64,
        /// Bytes that are there.
        found: u64,
    },
    /// gzip's data are damaged.
    #[error("the compressed NIfTI file is damaged or incomplete: {0}")]
    Gzip(String),
    /// A number type that is not shown as grey.
    #[error(
        "NIfTI voxels of the type {0} are not read; save the volume with real numbers (for example float32)"
    )]
    DataType(String),
    /// There is no such time point.
    #[error("there is no time point {index}: they go from 0 to {last}")]
    TimePoint {
        /// The one asked for.
        index: usize,
        /// The last one.
        last: usize,
    },
    /// Unpacked it would be too large.
    #[error("the NIfTI file is too large (at most {} million voxels a volume, {} MiB in front of it)", MAX_VOXELS / 1_000_000, MAX_UNPACKED_BYTES >> 20)]
    TooLarge,
    /// Voxels that make no volume.
    #[error(transparent)]
    Volume(#[from] VolumeError),
}

/// A NIfTI file of which the header is read.
pub struct NiftiFile<'a> {
    bytes: &'a [u8],
    header: Header,
}

impl<'a> NiftiFile<'a> {
    /// Reads the header; gzip is recognised.
    ///
    /// # Errors
    /// No or half a header, impossible sizes, a type of numbers that is not read.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, NiftiError> {
        let mut head = Vec::new();
        let result = reader(bytes)
            .take(header::LENGTH as u64)
            .read_to_end(&mut head);
        if let Err(error) = result
            && head.len() < header::SHORT
        {
            return Err(gzip_error(&error));
        }
        let header = Header::parse(&head)?;
        voxel_count(header.dims)?;
        Ok(Self { bytes, header })
    }

    /// Voxels along each of the stored axes.
    pub fn dims(&self) -> [usize; 3] {
        self.header.dims
    }

    /// How many volumes there are: time points, directions and the like.
    pub fn time_points(&self) -> usize {
        self.header.time_points
    }

    /// The type of the stored numbers.
    pub fn data_type(&self) -> DataType {
        self.header.data_type
    }

    /// The display range: `cal_min` and `cal_max` where they are set, else robust percentiles.
    ///
    /// # Errors
    /// No such time point, or voxels that are not whole.
    pub fn volume(&self, time_point: usize) -> Result<Volume, NiftiError> {
        let header = &self.header;
        if time_point >= header.time_points {
            return Err(NiftiError::TimePoint {
                index: time_point,
                last: header.time_points - 1,
            });
        }
        let count = voxel_count(header.dims)? as u64;
        let length = count * header.data_type.bytes() as u64;
        let start = length
            .checked_mul(time_point as u64)
            .and_then(|skip| skip.checked_add(header.offset))
            .filter(|start| *start <= MAX_UNPACKED_BYTES)
            .ok_or(NiftiError::TooLarge)?;
        self.check_length(start + length)?;
        let mut source = reader(self.bytes);
        let skipped = std::io::copy(&mut (&mut source).take(start), &mut std::io::sink())
            .map_err(|error| gzip_error(&error))?;
        if skipped < start {
            return Err(NiftiError::Truncated {
                expected: start + length,
                found: skipped,
            });
        }
        let voxels =
            voxels::read(&mut source, header, count as usize).map_err(|stop| match stop {
                voxels::Stop::Io(error) => gzip_error(&error),
                voxels::Stop::End(found) => NiftiError::Truncated {
                    expected: start + length,
                    found: start + found,
                },
            })?;
        let (affine, known) = orientation::affine(header);
        let range = match header.calibration {
            (low, high) if high > low => (low, high),
            _ => range::robust(&voxels),
        };
        let orientation = if known {
            Orientation::Known
        } else {
            Orientation::Assumed
        };
        Ok(Volume::new(
            header.dims,
            voxels,
            affine,
            orientation,
            range,
        )?)
    }

    /// Refuses, before memory is taken, what cannot be whole: gzip shrinks at most 1032 times.
    fn check_length(&self, expected: u64) -> Result<(), NiftiError> {
        let found = self.bytes.len() as u64;
        let most = if is_gzip(self.bytes) {
            found.saturating_mul(1032)
        } else {
            found
        };
        if most < expected {
            return Err(NiftiError::Truncated {
                expected,
                found: most,
            });
        }
        Ok(())
    }
}

fn is_gzip(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\x1F\x8B")
}

/// The file's bytes, unpacked while they are read.
fn reader(bytes: &[u8]) -> Box<dyn Read + '_> {
    if is_gzip(bytes) {
        Box::new(flate2::read::MultiGzDecoder::new(bytes))
    } else {
        Box::new(bytes)
    }
}

fn gzip_error(error: &std::io::Error) -> NiftiError {
    NiftiError::Gzip(one_line(&error.to_string(), 120))
}
