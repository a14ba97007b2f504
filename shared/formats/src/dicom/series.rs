//! Frames of many files to volumes and stacks.

use std::collections::HashMap;

use super::frame::{FrameInfo, Place};
use crate::range;
use crate::scan::Scan;
use crate::volume::{Affine, Orientation, Volume, dot, length, voxel_count};

/// A decoded frame with what is needed to find its neighbours.
pub struct Slice {
    /// The picture.
    pub scan: Scan,
    /// Where it lies.
    pub info: FrameInfo,
    /// Identifier of its series.
    pub series: Option<String>,
    /// Its file's number within the series.
    pub instance: Option<i64>,
    /// Number of the file that it came from, in the order of reading.
    pub source: usize,
}

/// Slices that belong together.
pub enum Group {
    /// One alone.
    Single(Box<Slice>),
    /// A volume, with the numbers of its files.
    Volume(Box<Volume>, Vec<usize>),
    /// Slices in order that make no volume: without places, or at uneven distances.
    Stack(Vec<Slice>),
}

/// Parts slices by series, size and direction, sorts them, and makes volumes of those that lie evenly.
pub fn group(slices: Vec<Slice>) -> Vec<Group> {
    let mut order = Vec::new();
    let mut by_key: HashMap<(String, u32, u32), Vec<Vec<Slice>>> = HashMap::new();
    for slice in slices {
        let series = slice
            .series
            .clone()
            .unwrap_or_else(|| format!("file {}", slice.source));
        let key = (series, slice.scan.width(), slice.scan.height());
        let groups = by_key.entry(key.clone()).or_insert_with(|| {
            order.push(key);
            Vec::new()
        });
        let found = groups.iter_mut().find(|group| {
            group
                .first()
                .is_some_and(|other| same_direction(other, &slice))
        });
        match found {
            Some(group) => group.push(slice),
            None => groups.push(vec![slice]),
        }
    }
    order
        .iter()
        .filter_map(|key| by_key.remove(key))
        .flatten()
        .flat_map(assemble)
        .collect()
}

fn same_direction(a: &Slice, b: &Slice) -> bool {
    match (&a.info.place, &b.info.place) {
        (Some(a), Some(b)) => {
            dot(a.along_row, b.along_row) > 0.999 && dot(a.down_column, b.down_column) > 0.999
        }
        (None, None) => true,
        _ => false,
    }
}

/// One group of slices of one series, size and direction.
fn assemble(mut slices: Vec<Slice>) -> Vec<Group> {
    if slices.len() == 1 {
        return slices
            .pop()
            .map(|slice| Group::Single(Box::new(slice)))
            .into_iter()
            .collect();
    }
    // Stable: frames of a file, and files without number, stay in their order.
    slices.sort_by_key(|slice| slice.instance.unwrap_or(i64::MAX));
    repetitions(slices)
        .into_iter()
        .map(|slices| match volume(&slices) {
            Some(volume) => {
                let mut sources: Vec<usize> = slices.iter().map(|slice| slice.source).collect();
                sources.sort_unstable();
                sources.dedup();
                Group::Volume(Box::new(volume), sources)
            }
            None => Group::Stack(slices),
        })
        .collect()
}

/// Sorts by depth, and parts what was scanned several times at the same places (time points, echoes); what
/// has no places stays as it is.
fn repetitions(mut slices: Vec<Slice>) -> Vec<Vec<Slice>> {
    let depth = |slice: &Slice| slice.info.place.as_ref().map(Place::depth);
    if slices.iter().any(|slice| depth(slice).is_none()) {
        return vec![slices];
    }
    slices.sort_by(|a, b| {
        depth(a)
            .unwrap_or_default()
            .total_cmp(&depth(b).unwrap_or_default())
    });
    let mut places: Vec<Vec<Slice>> = Vec::new();
    let mut last = f64::NEG_INFINITY;
    for slice in slices {
        let here = depth(&slice).unwrap_or_default();
        if here - last > 1e-3 {
            places.push(Vec::new());
        }
        last = here;
        if let Some(place) = places.last_mut() {
            place.push(slice);
        }
    }
    let times = places.first().map_or(0, Vec::len);
    if times < 2 || places.len() < 2 || places.iter().any(|place| place.len() != times) {
        return vec![places.into_iter().flatten().collect()];
    }
    let mut repeated: Vec<Vec<Slice>> = (0..times).map(|_| Vec::new()).collect();
    for place in places {
        for (slices, slice) in repeated.iter_mut().zip(place) {
            slices.push(slice);
        }
    }
    repeated
}

/// How far a slice may lie from its place in an even row, as a share of the slices' distance.
const UNEVEN: f64 = 0.1;

/// A volume, if the slices lie evenly one behind another.
fn volume(slices: &[Slice]) -> Option<Volume> {
    let [first, .., last] = slices else {
        return None;
    };
    let (place, end) = (first.info.place?, last.info.place?);
    let [width, height] = first.info.spacing?;
    let gaps = (slices.len() - 1) as f64;
    let mut step = [0.0; 3];
    for ((step, start), end) in step.iter_mut().zip(place.position).zip(end.position) {
        *step = (end - start) / gaps;
    }
    let distance = length(step);
    if distance < 1e-3 {
        return None;
    }
    for (index, slice) in slices.iter().enumerate() {
        let position = slice.info.place?.position;
        let mut away = [0.0; 3];
        for (axis, away) in away.iter_mut().enumerate() {
            *away =
                position.get(axis)? - place.position.get(axis)? - step.get(axis)? * index as f64;
        }
        if length(away) > UNEVEN * distance || slice.info.spacing != first.info.spacing {
            return None;
        }
    }
    let dims = [
        first.scan.width() as usize,
        first.scan.height() as usize,
        slices.len(),
    ];
    let mut voxels = Vec::with_capacity(voxel_count(dims).ok()?);
    for slice in slices {
        voxels.extend_from_slice(slice.scan.luma());
    }
    let windows = slices.iter().all(|slice| slice.info.window.is_some());
    let range = match slices.get(slices.len() / 2) {
        Some(middle) if windows => middle.scan.display_range(),
        _ => range::full(&voxels),
    };
    // DICOM's x and y run to the left and to the back.
    let patient = |[x, y, z]: [f64; 3]| [-x, -y, z];
    let affine = Affine::from_steps(
        [
            patient(place.along_row.map(|x| x * width)),
            patient(place.down_column.map(|x| x * height)),
            patient(step),
        ],
        patient(place.position),
    );
    Volume::new(dims, voxels, affine, Orientation::Known, range).ok()
}
