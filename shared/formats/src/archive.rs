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
    wants: impl FnMut(&str) -> bool,
    take: impl FnMut(&str, Result<&[u8], ArchiveError>),
) -> Result<(), ArchiveError> {
    let limits = Limits {
        all: MAX_UNPACKED_BYTES,
        file: MAX_UNPACKED_FILE_BYTES,
        files: MAX_ARCHIVE_FILES,
    };
    unpack_within(bytes, limits, wants, take)
}

/// What an archive may unpack to.
#[derive(Clone, Copy)]
struct Limits {
    /// Bytes of all files together.
    all: u64,
    /// Bytes of one file.
    file: u64,
    /// Number of files.
    files: usize,
}

fn unpack_within(
    bytes: &[u8],
    limits: Limits,
    mut wants: impl FnMut(&str) -> bool,
    mut take: impl FnMut(&str, Result<&[u8], ArchiveError>),
) -> Result<(), ArchiveError> {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes))
        .map_err(|error| ArchiveError::Damaged(one_line(&error.to_string(), 120)))?;
    let count = archive.len();
    if count > limits.files {
        return Err(ArchiveError::TooManyFiles(count));
    }
    let mut left = limits.all;
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
        if file.size() > limits.file {
            take(&name, Err(ArchiveError::FileTooLarge));
            continue;
        }
        // The stated size is not believed: what is unpacked is counted.
        let most = limits.file.min(left);
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

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    const LIMITS: Limits = Limits {
        all: 5000,
        file: 3000,
        files: 4,
    };

    /// An archive of zeros.
    fn zeros(lengths: &[usize]) -> Vec<u8> {
        let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (index, length) in lengths.iter().enumerate() {
            let options = zip::write::SimpleFileOptions::default()
                .compression_method(zip::CompressionMethod::Deflated);
            writer.start_file(index.to_string(), options).unwrap();
            writer.write_all(&vec![0; *length]).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    /// What becomes of each file.
    fn outcome(bytes: &[u8]) -> (Vec<Result<usize, ArchiveError>>, Result<(), ArchiveError>) {
        let mut files = Vec::new();
        let all = unpack_within(
            bytes,
            LIMITS,
            |_| true,
            |_, file| files.push(file.map(<[u8]>::len)),
        );
        (files, all)
    }

    #[test]
    fn bombs_are_stopped() {
        let (files, all) = outcome(&zeros(&[10, 3000, 3001, 20]));
        assert!(all.is_ok());
        assert!(matches!(
            files.as_slice(),
            [Ok(10), Ok(3000), Err(ArchiveError::FileTooLarge), Ok(20)]
        ));
        let (files, _) = outcome(&zeros(&[3000, 2500, 1]));
        assert!(matches!(
            files.as_slice(),
            [Ok(3000), Err(ArchiveError::TooLarge)]
        ));
        let (files, all) = outcome(&zeros(&[1; 5]));
        assert!(files.is_empty() && matches!(all, Err(ArchiveError::TooManyFiles(5))));
    }

    #[test]
    fn a_stated_size_is_not_believed() {
        let mut bytes = zeros(&[4000]);
        // The unpacked size in both headers.
        let size = 4000u32.to_le_bytes();
        while let Some(at) = bytes.windows(4).position(|part| part == size) {
            bytes[at..at + 4].copy_from_slice(&9u32.to_le_bytes());
        }
        let (files, _) = outcome(&bytes);
        assert!(
            matches!(
                files.as_slice(),
                [Err(ArchiveError::FileTooLarge | ArchiveError::File(_))]
            ),
            "{files:?}"
        );
    }
}
