//! Decoding a data set into memory, at training size.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Result, bail};
use rayon::prelude::*;
use scanlight_model::formats::{ReadError, read_scan};
use scanlight_model::preprocess::{InputGeometry, Region, normalise, place};

use super::{Dataset, Entry, lesions};
use crate::audit::signature::{Thumbnail, thumbnail};
use crate::explain::LesionBox;
use crate::progress::Progress;

/// A decoded image.
pub struct Image {
    /// Index into the classes.
    pub class: usize,
    /// The network's input as evaluation sees it: `width * height` normalised values.
    pub clean: Vec<f32>,
    /// The image on a plane twice as wide and high, 8 bits: what augmentation draws from.
    pub source: Vec<u8>,
    /// The whole picture as the audit compares it, without the preprocessing.
    pub thumbnail: Thumbnail,
    /// Where the lesion is, in fractions of the input plane, if a table says so.
    pub lesion: Option<LesionBox>,
}

/// A file that could not be read.
#[derive(Debug, Clone)]
pub struct Skipped {
    /// Path relative to the data set.
    pub relative: String,
    /// Why, in one line.
    pub reason: String,
}

/// A data set in memory.
pub struct Loaded {
    /// Decoded images with their index into the data set's entries, in order.
    pub images: Vec<(usize, Image)>,
    /// Files that were left out.
    pub skipped: Vec<Skipped>,
}

/// The factor between the network's input and [`Image::source`].
pub const SOURCE_FACTOR: u32 = 2;

impl Image {
    /// Memory that its pixels take.
    pub fn bytes(&self) -> usize {
        size_of_val(self.clean.as_slice())
            + size_of_val(self.thumbnail.as_slice())
            + self.source.len()
    }

    /// Decodes one file's bytes; of a volume or a file with several frames it is one slice, see [`read_scan`].
    /// `augmentable` also keeps the larger copy; `lesion` is in fractions of
    /// the image, where it is known.
    pub fn from_bytes(
        bytes: &[u8],
        class: usize,
        geometry: &InputGeometry,
        augmentable: bool,
        lesion: Option<LesionBox>,
    ) -> Result<Self, ReadError> {
        let scan = read_scan(bytes)?;
        let mut input = place(&scan, geometry);
        normalise(&mut input.values, geometry.normalisation);
        let source = if augmentable {
            let large = place(&scan, &geometry.scaled(SOURCE_FACTOR)).values;
            let low = large.iter().copied().fold(f32::INFINITY, f32::min);
            let high = large.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let scale = if high > low {
                255.0 / (high - low)
            } else {
                0.0
            };
            large
                .iter()
                .map(|v| ((v - low) * scale).round() as u8)
                .collect()
        } else {
            Vec::new()
        };
        Ok(Self {
            class,
            clean: input.values,
            source,
            thumbnail: thumbnail(&scan, Region::whole(&scan)),
            lesion: lesion.and_then(|lesion| lesion.on_plane(&input.placement)),
        })
    }
}

/// Decodes the chosen entries on all cores; broken files are reported and left out.
pub fn load(
    dataset: &Dataset,
    chosen: &[usize],
    geometry: &InputGeometry,
    augmentable: bool,
) -> Result<Loaded> {
    let lesions = if augmentable {
        lesions(dataset)?
    } else {
        HashMap::new()
    };
    let progress = Progress::new("reading images", chosen.len() as u64);
    let done = AtomicUsize::new(0);
    let results: Vec<(usize, Result<Image, String>)> = chosen
        .par_iter()
        .map(|&index| {
            let entry = &dataset.entries[index];
            let lesion = lesions.get(&entry.path).copied();
            let result = read(entry, geometry, augmentable, lesion);
            progress.set(done.fetch_add(1, Ordering::Relaxed) as u64 + 1, "");
            (index, result)
        })
        .collect();
    progress.finish();
    let mut loaded = Loaded {
        images: Vec::with_capacity(chosen.len()),
        skipped: Vec::new(),
    };
    for (index, result) in results {
        match result {
            Ok(image) => loaded.images.push((index, image)),
            Err(reason) => loaded.skipped.push(Skipped {
                relative: dataset.entries[index].relative.clone(),
                reason,
            }),
        }
    }
    for skipped in &loaded.skipped {
        eprintln!("skipped {}: {}", skipped.relative, skipped.reason);
    }
    if loaded.images.is_empty() {
        bail!(
            "none of the {} images of {} could be read",
            chosen.len(),
            dataset.name()
        );
    }
    Ok(loaded)
}

/// The pictures of the chosen entries as the audit compares them; what cannot be read is left out.
pub fn thumbnails(dataset: &Dataset, chosen: &[usize]) -> Vec<(usize, Thumbnail)> {
    chosen
        .par_iter()
        .filter_map(|&index| {
            let bytes = std::fs::read(&dataset.entries[index].path).ok()?;
            let scan = read_scan(&bytes).ok()?;
            Some((index, thumbnail(&scan, Region::whole(&scan))))
        })
        .collect()
}

fn read(
    entry: &Entry,
    geometry: &InputGeometry,
    augmentable: bool,
    lesion: Option<LesionBox>,
) -> Result<Image, String> {
    let bytes = std::fs::read(&entry.path).map_err(|error| error.to_string())?;
    Image::from_bytes(&bytes, entry.class, geometry, augmentable, lesion).map_err(|e| e.to_string())
}
