//! A folder of phantoms in the layout of the training data.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::{Finding, Plane, phantom};

/// What [`write_dataset`] wrote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SynthSummary {
    /// The folder that holds the class folders and `slices.csv`.
    pub out: PathBuf,
    /// Slices of each class.
    pub per_class: usize,
    /// Slices in all.
    pub slices: usize,
    /// Width and height of every slice in pixels.
    pub size: u32,
    /// The seed that the slices came from.
    pub seed: u64,
}

/// Why phantoms could not be written.
#[derive(Debug, thiserror::Error)]
pub enum SynthError {
    /// A folder could not be made.
    #[error("cannot make the folder {path}")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// A slice could not be encoded or written.
    #[error("cannot write the slice {path}")]
    Slice {
        /// The file.
        path: PathBuf,
        /// The encoder's or the system's reason.
        source: image::ImageError,
    },
    /// The table of slices could not be written.
    #[error("cannot write the table {path}")]
    Table {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
}

/// Writes `out/<class>/<class>_NNNN.png` for every class and `out/slices.csv`.
///
/// The table's columns are `path,label,patient,slice,x_center,y_center,width,height,plane`: paths relative to `out` with
/// `/`, the box in fractions of the image, its four fields empty for `notumor`. Every slice is of another head, so each
/// is its own patient. Planes take turns: axial, coronal, sagittal.
/// Each slice depends on `seed`, its class and its number alone, so a larger `per_class` keeps the slices of a smaller.
///
/// # Errors
///
/// [`SynthError`], which names the file or folder that could not be written.
pub fn write_dataset(
    out: &Path,
    per_class: usize,
    size: u32,
    seed: u64,
) -> Result<SynthSummary, SynthError> {
    let mut table = String::from("path,label,patient,slice,x_center,y_center,width,height,plane\n");
    let mut slices = 0;
    let mut written_size = size;
    for (class, finding) in Finding::ALL.into_iter().enumerate() {
        let name = finding.class_name();
        let folder = out.join(name);
        fs::create_dir_all(&folder).map_err(|source| SynthError::Folder {
            path: folder.clone(),
            source,
        })?;
        for number in 0..per_class {
            let plane = Plane::ALL[number % Plane::ALL.len()];
            let slice = phantom(
                finding,
                plane,
                size,
                slice_seed(seed, class as u64, number as u64),
            );
            let file = format!("{name}_{number:04}.png");
            let path = folder.join(&file);
            slice
                .image
                .save(&path)
                .map_err(|source| SynthError::Slice { path, source })?;
            let place = slice.lesion.map_or_else(
                || ",,,".to_owned(),
                |b| {
                    format!(
                        "{:.4},{:.4},{:.4},{:.4}",
                        b.x_center, b.y_center, b.width, b.height
                    )
                },
            );
            // Writing to a String cannot fail.
            let _ = writeln!(
                table,
                "{name}/{file},{name},{name}-{number:04},1,{place},{}",
                plane.name()
            );
            slices += 1;
            written_size = slice.image.width();
        }
    }
    fs::create_dir_all(out).map_err(|source| SynthError::Folder {
        path: out.to_owned(),
        source,
    })?;
    let path = out.join("slices.csv");
    fs::write(&path, table).map_err(|source| SynthError::Table { path, source })?;
    Ok(SynthSummary {
        out: out.to_owned(),
        per_class,
        slices,
        size: written_size,
        seed,
    })
}

/// Spreads the three numbers over 64 bits (SplitMix64's finaliser).
fn slice_seed(seed: u64, class: u64, number: u64) -> u64 {
    let mut z = seed.wrapping_add(
        number
            .wrapping_mul(4)
            .wrapping_add(class)
            .wrapping_add(1)
            .wrapping_mul(0x9E37_79B9_7F4A_7C15),
    );
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}
