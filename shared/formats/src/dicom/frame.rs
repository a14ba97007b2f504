//! What may differ from frame to frame: where it lies, what its numbers mean, how it is shown.

use dicom_core::Tag;
use dicom_dictionary_std::tags;

use super::attributes::{Object, items, number, numbers, text};
use crate::volume::{Edges, cross, dot, length, unit};

/// Where a frame lies in the patient, in DICOM's axes: x to the left, y to the back, z up.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Place {
    /// The first pixel's centre in millimetres.
    pub position: [f64; 3],
    /// The direction along a row, of length 1.
    pub along_row: [f64; 3],
    /// The direction down a column, of length 1.
    pub down_column: [f64; 3],
}

impl Place {
    /// The direction across the frame.
    pub fn normal(&self) -> [f64; 3] {
        cross(self.along_row, self.down_column)
    }

    /// What is at the frame's edges; of an oblique one, what is nearest.
    pub fn edges(&self) -> Edges {
        // What lies at the end of a direction and at its beginning: along the axis that it follows most.
        let ends = |direction: [f64; 3]| {
            let letters = [('L', 'R'), ('P', 'A'), ('S', 'I')];
            let (along, (ahead, behind)) = direction
                .into_iter()
                .zip(letters)
                .max_by(|(a, _), (b, _)| a.abs().total_cmp(&b.abs()))
                .unwrap_or((0.0, letters[0]));
            if along < 0.0 {
                (behind, ahead)
            } else {
                (ahead, behind)
            }
        };
        let ((right, left), (bottom, top)) = (ends(self.along_row), ends(self.down_column));
        Edges {
            left,
            right,
            top,
            bottom,
        }
    }

    /// How far along its normal the frame lies.
    pub fn depth(&self) -> f64 {
        dot(self.position, self.normal())
    }
}

/// A frame's own attributes.
#[derive(Debug, Clone, PartialEq)]
pub struct FrameInfo {
    /// Where it lies, where the file says it.
    pub place: Option<Place>,
    /// A pixel's width and height in millimetres.
    pub spacing: Option<[f64; 2]>,
    /// Distance of the slices in millimetres, where the file says it: for one slice alone.
    pub thickness: Option<f64>,
    /// What a number is multiplied by, and what is added then.
    pub rescale: (f64, f64),
    /// The values that are shown as black and as white, before an inversion.
    pub window: Option<(f64, f64)>,
}

/// The attributes of each of `count` frames: its own, else those of all, else the file's.
pub fn frame_infos(object: &Object, count: usize) -> Vec<FrameInfo> {
    let own = items(object, tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE);
    let shared = items(object, tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE).first();
    if own.is_empty() && shared.is_none() {
        return vec![info(&[object]); count];
    }
    (0..count)
        .map(|index| {
            let groups: Vec<&Object> = own.get(index).into_iter().chain(shared).collect();
            let levels = |tag: Tag| -> Vec<&Object> {
                groups
                    .iter()
                    .filter_map(|group| items(group, tag).first())
                    .chain([object])
                    .collect()
            };
            FrameInfo {
                place: place(
                    &levels(tags::PLANE_POSITION_SEQUENCE),
                    &levels(tags::PLANE_ORIENTATION_SEQUENCE),
                ),
                spacing: spacing(&levels(tags::PIXEL_MEASURES_SEQUENCE)),
                thickness: thickness(&levels(tags::PIXEL_MEASURES_SEQUENCE)),
                rescale: rescale(&levels(tags::PIXEL_VALUE_TRANSFORMATION_SEQUENCE)),
                window: window(&levels(tags::FRAME_VOILUT_SEQUENCE)),
            }
        })
        .collect()
}

fn info(levels: &[&Object]) -> FrameInfo {
    FrameInfo {
        place: place(levels, levels),
        spacing: spacing(levels),
        thickness: thickness(levels),
        rescale: rescale(levels),
        window: window(levels),
    }
}

fn first<T>(levels: &[&Object], read: impl Fn(&Object) -> Option<T>) -> Option<T> {
    levels.iter().find_map(|level| read(level))
}

fn place(positions: &[&Object], orientations: &[&Object]) -> Option<Place> {
    let position = first(positions, |o| numbers(o, tags::IMAGE_POSITION_PATIENT))?;
    let [a, b, c, d, e, f] = first(orientations, |o| {
        numbers(o, tags::IMAGE_ORIENTATION_PATIENT)
    })?;
    let (along_row, down_column) = (unit([a, b, c]), unit([d, e, f]));
    // Directions of no length, or that are nearly one.
    let sound =
        length(cross(along_row, down_column)) > 0.9 && position.iter().all(|x: &f64| x.abs() < 1e6);
    sound.then_some(Place {
        position,
        along_row,
        down_column,
    })
}

fn spacing(levels: &[&Object]) -> Option<[f64; 2]> {
    let pair = first(levels, |o| numbers::<2>(o, tags::PIXEL_SPACING))
        .or_else(|| first(levels, |o| numbers::<2>(o, tags::IMAGER_PIXEL_SPACING)))?;
    // Rows' distance comes first: a pixel's height.
    let [height, width] = pair;
    let sound = [height, width]
        .iter()
        .all(|side| (1e-4..1e4).contains(side));
    sound.then_some([width, height])
}

fn thickness(levels: &[&Object]) -> Option<f64> {
    first(levels, |o| number(o, tags::SPACING_BETWEEN_SLICES))
        .or_else(|| first(levels, |o| number(o, tags::SLICE_THICKNESS)))
        .map(f64::abs)
        .filter(|size| (1e-4..1e4).contains(size))
}

fn rescale(levels: &[&Object]) -> (f64, f64) {
    let slope = first(levels, |o| number(o, tags::RESCALE_SLOPE)).filter(|slope| *slope != 0.0);
    let intercept = first(levels, |o| number(o, tags::RESCALE_INTERCEPT));
    (slope.unwrap_or(1.0), intercept.unwrap_or(0.0))
}

/// PS3.3 section C.11.2.1.2: which values a window shows as black and as white. Of a sigmoid the tangent
/// at its centre is taken, which is that of the exact linear function.
fn window(levels: &[&Object]) -> Option<(f64, f64)> {
    let level = levels
        .iter()
        .find(|level| number(level, tags::WINDOW_CENTER).is_some())?;
    let centre = number(level, tags::WINDOW_CENTER)?;
    let width = number(level, tags::WINDOW_WIDTH)?;
    let (low, high) = match text(level, tags::VOILUT_FUNCTION).as_deref() {
        Some("LINEAR_EXACT" | "SIGMOID") => (centre - width / 2.0, centre + width / 2.0),
        _ => (
            centre - 0.5 - (width - 1.0) / 2.0,
            centre - 0.5 + (width - 1.0) / 2.0,
        ),
    };
    // A width of 1 is a threshold; anything below is none.
    (width >= 1.0 || high > low).then_some((low, high.max(low + 1e-3)))
}
