//! What was read, in the protocol's words, and slices of it.

use crate::protocol::{Failure, Item, Plane, Shape};
use crate::reasons;
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
        shape: shape(item),
        identifying,
    }
}

fn shape(item: &study::Item) -> Shape {
    let pictures = |count| Shape::Pictures {
        count,
        edges: item.edges.map(letters),
    };
    match &item.content {
        Content::Picture(_) => pictures(1),
        Content::Stack(scans) => pictures(scans.len()),
        Content::Volume(volume) => {
            let spacing = volume.spacing();
            let planes = Plane::ALL.map(of_volume);
            let edges = planes.map(|plane| volume.edges(plane).map(letters));
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

fn letters(edges: volume::Edges) -> [char; 4] {
    [edges.left, edges.right, edges.top, edges.bottom]
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
            complaint: reasons::complaint(&failure.error),
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
            complaint: reasons::passed_over(skipped.reason),
        })
        .collect()
}

#[cfg(test)]
#[allow(clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;
    use scanlight_formats::FileKind;
    use scanlight_formats::volume::{Affine, Orientation};
    use wasm_bindgen_test::wasm_bindgen_test;

    /// 2 x 3 x 4 voxels of 1 x 1 x 3 mm, each the number of its place.
    fn item(orientation: Orientation) -> study::Item {
        let steps = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 3.0]];
        let affine = Affine::from_steps(steps, [0.0; 3]);
        let voxels = (0..24).map(|value| value as f32).collect();
        let volume = Volume::new([2, 3, 4], voxels, affine, orientation, (0.0, 23.0));
        study::Item {
            name: "a\nvolume".into(),
            sources: vec!["a".into()],
            kind: FileKind::Nifti,
            content: Content::Volume(Box::new(volume.expect("a sound volume"))),
            edges: None,
            identifying: Vec::new(),
            time_points: 1,
        }
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn a_volume_says_its_planes() {
        let described = describe(&item(Orientation::Known));
        assert_eq!(described.name, "a volume");
        let Shape::Volume {
            slices,
            thickness,
            acquired,
            edges,
        } = described.shape
        else {
            panic!("{described:?}");
        };
        assert_eq!((slices, thickness), ([4, 3, 2], [3.0, 1.0, 1.0]));
        assert_eq!(acquired, Plane::Axial);
        assert_eq!(edges.map(|edges| edges[2]), Some(['A', 'P', 'S', 'I']));
        let Shape::Volume { edges, .. } = describe(&item(Orientation::Assumed)).shape else {
            panic!("no volume");
        };
        assert_eq!(edges, None);
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn pictures_say_their_edges() {
        let scan = Scan::from_luma8(1, 1, &[7]).expect("a scan");
        let mut pictures = item(Orientation::Known);
        pictures.content = Content::Stack(vec![scan.clone(), scan]);
        pictures.edges = Some(volume::Plane::Sagittal.edges());
        let shape = describe(&pictures).shape;
        assert_eq!(shape.slices(Plane::Axial), 2);
        assert_eq!(shape.edges(Plane::Axial), Some(['A', 'P', 'S', 'I']));
        pictures.edges = None;
        assert_eq!(describe(&pictures).shape.edges(Plane::Axial), None);
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn slices_are_the_crate_s_own_with_square_pixels() {
        let item = item(Orientation::Known);
        let axial = slice(&item, Plane::Axial, 1).expect("a slice");
        assert_eq!((axial.width(), axial.height()), (2, 3));
        // Right at the left edge, anterior at the top.
        assert_eq!(axial.luma()[..2], [11.0, 10.0]);
        let coronal = slice(&item, Plane::Coronal, 0).expect("a slice");
        assert_eq!((coronal.width(), coronal.height()), (2, 12));
        assert!(slice(&item, Plane::Axial, 4).is_err());
    }
}
