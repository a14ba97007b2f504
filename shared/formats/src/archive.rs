//! Zip archives, file by file.

use std::io::{Cursor, Read};

use thiserror::Error;

use crate::limits::{MAX_ARCHIVE_FILES, MAX_UNPACKED_BYTES, MAX_UNPACKED_FILE_BYTES};
use crate::text::one_line;

/// Why an archive, or a file in it, cannot be read.
#[derive(Debug, Error)]
pub enum ArchiveError {
    /// No archive, or a damaged one.
    #[error("the zip archive is damaged or incomplete: {0}")]
    Damaged(String),
    /// Too many files.
    #[error("the zip archive holds {0} files (at most {MAX_ARCHIVE_FILES})")]
    TooManyFiles(usize),
    /// It unpacks to too much.
    #[error("the zip archive unpacks to more than {} MiB; what lies behind this file is left out", MAX_UNPACKED_BYTES >> 20)]
    TooLarge,
    /// One file unpacks to too much.
    #[error("this file of the archive unpacks to more than {} MiB", MAX_UNPACKED_FILE_BYTES >> 20)]
    FileTooLarge,
    /// A file cannot be unpacked.
    #[error("this file of the archive cannot be unpacked: {0}")]
    File(String),
}

/// Unpacks one file after another, those for whose name `wants` is true, and hands each to `take`; names are as
/// the archive states them.
///
/// # Errors
/// The archive as a whole cannot be read. Files that cannot be unpacked are handed on as errors.
pub fn unpack(
    bytes: &[u8],
    mut wants: impl FnMut(&str) -> bool,
    mut take: impl FnMut(&str, Result<&[u8], ArchiveError>),
) -> Result<(), ArchiveError> {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes))
        .map_err(|error| ArchiveError::Damaged(one_line(&error.to_string(), 120)))?;
    let count = archive.len();
    if count > MAX_ARCHIVE_FILES {
        return Err(ArchiveError::TooManyFiles(count));
    }
    let mut left = MAX_UNPACKED_BYTES;
    for index in 0..count {
        let name = archive
            .name_for_index(index)
            .unwrap_or("unnamed")
            .to_owned();
        let mut file = match archive.by_index(index) {
            Ok(file) => file,
            Err(error) => {
                if wants(&name) {
                    let reason = one_line(&error.to_string(), 120);
                    take(&name, Err(ArchiveError::File(reason)));
                }
                continue;
            }
        };
        if file.is_dir() || !wants(&name) {
            continue;
        }
        if file.size() > MAX_UNPACKED_FILE_BYTES {
            take(&name, Err(ArchiveError::FileTooLarge));
            continue;
        }
        // The stated size is not believed: what is unpacked is counted.
        let most = MAX_UNPACKED_FILE_BYTES.min(left);
        let mut unpacked = Vec::new();
        let result = (&mut file).take(most + 1).read_to_end(&mut unpacked);
        let length = unpacked.len() as u64;
        if length > most {
            if most == left {
                take(&name, Err(ArchiveError::TooLarge));
                return Ok(());
            }
            take(&name, Err(ArchiveError::FileTooLarge));
        } else if let Err(error) = result {
            let reason = one_line(&error.to_string(), 120);
            take(&name, Err(ArchiveError::File(reason)));
        } else {
            take(&name, Ok(&unpacked));
        }
        left -= length.min(left);
    }
    Ok(())
}
