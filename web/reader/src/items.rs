//! What was read, in the protocol's words, and slices of it.

use crate::protocol::{Failure, Item, Plane, Shape};
use scanlight_engine::wire::one_line;
use scanlight_formats::ReadError;
use scanlight_formats::study::{self, Content};
use scanlight_formats::{Scan, Volume, volume};

/// What there is to say about an item.
pub fn describe(item: &study::Item) -> Item {
    let mut identifying: Vec<String> = item
        .identifying
        .iter()
        .map(|tag| tag.keyword.to_owned())
        .collect();
    identifying.sort();
    identifying.dedup();
    Item {
        name: one_line(&item.name),
        kind: item.kind.name().to_owned(),
        files: item.sources.len(),
        time_points: item.time_points,
        shape: shape(&item.content),
        identifying,
    }
}

fn shape(content: &Content) -> Shape {
    match content {
        Content::Picture(_) => Shape::Pictures { count: 1 },
        Content::Stack(scans) => Shape::Pictures { count: scans.len() },
        Content::Volume(volume) => {
            let spacing = volume.spacing();
            let planes = Plane::ALL.map(of_volume);
            let edges = planes.map(|plane| {
                volume
                    .edges(plane)
                    .map(|edges| [edges.left, edges.right, edges.top, edges.bottom])
            });
            #[allow(clippy::cast_possible_truncation)]
            Shape::Volume {
                slices: planes.map(|plane| volume.slices(plane)),
                thickness: planes.map(|plane| spacing[plane.axis()] as f32),
                acquired: plane_of(volume),
                edges: match edges {
                    [Some(axial), Some(coronal), Some(sagittal)] => {
                        Some([axial, coronal, sagittal])
                    }
                    _ => None,
                },
            }
        }
    }
}

fn of_volume(plane: Plane) -> volume::Plane {
    match plane {
        Plane::Axial => volume::Plane::Axial,
        Plane::Coronal => volume::Plane::Coronal,
        Plane::Sagittal => volume::Plane::Sagittal,
    }
}

fn plane_of(volume: &Volume) -> Plane {
    let acquired = volume.acquired_plane();
    Plane::ALL
        .into_iter()
        .find(|plane| of_volume(*plane) == acquired)
        .unwrap_or_default()
}

/// A slice with square pixels: just what the trainer classifies.
///
/// # Errors
/// There is no such slice.
pub fn slice(item: &study::Item, plane: Plane, index: usize) -> Result<Scan, ReadError> {
    let scan = match &item.content {
        Content::Volume(volume) => volume.slice(of_volume(plane), index)?,
        Content::Picture(scan) if index == 0 => scan.clone(),
        Content::Picture(_) => return Err(missing(index, 0)),
        Content::Stack(scans) => scans
            .get(index)
            .cloned()
            .ok_or_else(|| missing(index, scans.len().saturating_sub(1)))?,
    };
    Ok(scan.to_square_pixels()?)
}

fn missing(index: usize, last: usize) -> ReadError {
    ReadError::NoSlice {
        index,
        plane: "picture",
        last,
    }
}

/// The files that could not be read.
pub fn failures(study: &study::Study) -> Vec<Failure> {
    study
        .failures
        .iter()
        .map(|failure| Failure {
            name: one_line(&failure.name),
            message: one_line(&failure.error.to_string()),
        })
        .collect()
}

/// The files that were passed over.
pub fn skipped(study: &study::Study) -> Vec<Failure> {
    study
        .skipped
        .iter()
        .map(|skipped| Failure {
            name: one_line(&skipped.name),
            message: skipped.reason.text().to_owned(),
        })
        .collect()
}
