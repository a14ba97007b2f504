//! Maps from many passes: the input is changed again and again, and what the network says of each
//! change is the explanation.
//!
//! ScoreCAM masks the input with feature maps, occlusion covers one place after the other. Both are
//! [`Trials`]: [`Pipeline::advance`] makes some of the passes, so that a caller can show progress and
//! stop between two calls, and [`Pipeline::trial_maps`] makes the maps once all are done.
//!
//! **Cost**: a pass for each trial. ScoreCAM tries at most the number of feature maps asked for
//! (32 by default), occlusion a place for each cell of its grid that the picture reaches (at most 256
//! by default).

use crate::cam::ClassMap;
use crate::classify::{ClassifyError, Look, Pipeline, softmax};
use crate::geometry::{Placement, Rect};
use crate::runner::Runner;

/// Changed versions of one input, and the logits of those that were tried.
#[derive(Debug, Clone, PartialEq)]
pub struct Trials {
    kind: Kind,
    /// Width and height of the input plane.
    plane: [usize; 2],
    rows: Vec<Vec<f32>>,
}

#[derive(Debug, Clone, PartialEq)]
enum Kind {
    /// The input seen through each of these feature maps.
    ScoreCam { channels: Vec<usize> },
    /// The input with each of these places covered.
    Occlusion { cells: usize, places: Vec<Place> },
}

/// A place that is covered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    /// Index of its cell, row by row.
    cell: usize,
    /// First row or column, and the one behind the last.
    rows: [usize; 2],
    columns: [usize; 2],
}

/// How finely occlusion looks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OcclusionOptions {
    /// Places across and down the input plane, at least 1; the time grows with its square.
    pub cells: usize,
    /// Side of the patch that covers a place, in cells, above 0. Patches of more than one cell overlap.
    pub patch: f32,
}

impl Default for OcclusionOptions {
    fn default() -> Self {
        Self {
            cells: 16,
            patch: 2.0,
        }
    }
}

impl Trials {
    /// How many there are. It may be none: a network whose feature maps are all even gives ScoreCAM
    /// nothing to mask with.
    pub fn count(&self) -> usize {
        match &self.kind {
            Kind::ScoreCam { channels } => channels.len(),
            Kind::Occlusion { places, .. } => places.len(),
        }
    }

    /// How many were tried.
    pub fn tried(&self) -> usize {
        self.rows.len()
    }

    /// Whether all were tried.
    pub fn done(&self) -> bool {
        self.tried() >= self.count()
    }
}

impl<R: Runner> Pipeline<R> {
    /// ScoreCAM with at most `most` feature maps, those with the most energy.
    ///
    /// Wang et al. 2020, <https://arxiv.org/abs/1910.01279>.
    pub fn score_cam_trials(&self, look: &Look, most: usize) -> Trials {
        let channels = look.activations.strongest_channels(most);
        self.trials(Kind::ScoreCam { channels })
    }

    /// Occlusion sensitivity: a patch of the input's mean slides over it, and each class's map holds
    /// how much of its probability a place costs when it is covered.
    ///
    /// Zeiler and Fergus 2014, <https://arxiv.org/abs/1311.2901>. Padding around the picture is not
    /// covered, and the input is not normalised anew. Unlike class-activation maps this is as fine as
    /// the grid asks for and knows nothing of the network's inside; but a patch is itself something to
    /// see, and what two places hold only together, covering one may not show.
    pub fn occlusion_trials(&self, look: &Look, options: &OcclusionOptions) -> Trials {
        let cells = options.cells.max(1);
        let places = places(&look.input.placement, cells, options.patch);
        self.trials(Kind::Occlusion { cells, places })
    }

    fn trials(&self, kind: Kind) -> Trials {
        let input = &self.manifest().input;
        Trials {
            kind,
            plane: [input.width as usize, input.height as usize],
            rows: Vec::new(),
        }
    }

    /// Makes the next `batch` passes (at least one), or as many as are left. `look` is the one that the
    /// trials were made for.
    pub async fn advance(
        &self,
        trials: &mut Trials,
        look: &Look,
        batch: usize,
    ) -> Result<(), ClassifyError> {
        let next = trials.tried()..trials.count().min(trials.tried() + batch.max(1));
        let changed: Vec<Vec<f32>> = next
            .filter_map(|index| self.changed(trials, look, index))
            .collect();
        let planes: Vec<&[f32]> = changed.iter().map(Vec::as_slice).collect();
        trials.rows.extend(self.logits(&planes).await?);
        Ok(())
    }

    fn changed(&self, trials: &Trials, look: &Look, index: usize) -> Option<Vec<f32>> {
        let (values, activations) = (&look.input.values, &look.activations);
        match &trials.kind {
            Kind::ScoreCam { channels } => {
                let origin = self.cell_origin(activations.width(), activations.height());
                let channel = *channels.get(index)?;
                Some(activations.masked(channel, values, trials.plane, origin))
            }
            Kind::Occlusion { places, .. } => {
                Some(covered(values, trials.plane[0], places.get(index)?))
            }
        }
    }

    /// The map of every class, in class order, from all trials that were made.
    ///
    /// An occlusion map's [strength](ClassMap::strength) is the largest drop of the class's
    /// (calibrated) probability, 0..=1; what raises it when covered counts as 0.
    pub fn trial_maps(&self, trials: &Trials, look: &Look) -> Vec<ClassMap> {
        let activations = &look.activations;
        let classes = 0..activations.classes();
        match &trials.kind {
            Kind::ScoreCam { channels } => classes
                .map(|class| {
                    let scores: Vec<f32> = trials.rows.iter().map(|row| row[class]).collect();
                    let tried = &channels[..scores.len().min(channels.len())];
                    self.map(activations, activations.score_cam(tried, &scores))
                })
                .collect(),
            Kind::Occlusion { cells, places } => {
                let temperature = self.manifest().temperature();
                let before = softmax(activations.logits(), temperature);
                let mut drops = vec![vec![0.0; cells * cells]; activations.classes()];
                for (row, place) in trials.rows.iter().zip(places) {
                    let now = softmax(row, temperature);
                    for (drops, (before, now)) in drops.iter_mut().zip(before.iter().zip(now)) {
                        drops[place.cell] = (before - now).max(0.0);
                    }
                }
                let maps = drops.into_iter();
                maps.map(|drops| ClassMap::new(*cells, *cells, drops))
                    .collect()
            }
        }
    }
}

/// The places of a grid over the input plane that reach the picture, row by row.
fn places(placement: &Placement, cells: usize, patch: f32) -> Vec<Place> {
    let Rect {
        x,
        y,
        width,
        height,
    } = placement.target;
    // The patch around a cell's middle, cut to the picture.
    let span = |cell: usize, side: u32, start: f32, length: f32| {
        let step = side as f32 / cells as f32;
        let middle = (cell as f32 + 0.5) * step;
        let reach = patch * step / 2.0;
        let first = (middle - reach).round().max(start);
        let end = (middle + reach).round().min(start + length);
        (end > first).then_some([first as usize, end as usize])
    };
    let mut places = Vec::new();
    for row in 0..cells {
        for column in 0..cells {
            let rows = span(row, placement.model[1], y, height);
            let columns = span(column, placement.model[0], x, width);
            if let (Some(rows), Some(columns)) = (rows, columns) {
                places.push(Place {
                    cell: row * cells + column,
                    rows,
                    columns,
                });
            }
        }
    }
    places
}

/// The plane, `width` values across, with its mean in one place.
fn covered(values: &[f32], width: usize, place: &Place) -> Vec<f32> {
    let mean = values.iter().sum::<f32>() / values.len().max(1) as f32;
    let mut covered = values.to_vec();
    let [first, end] = place.rows;
    let lines = covered.chunks_exact_mut(width.max(1));
    for line in lines.take(end).skip(first) {
        if let Some(part) = line.get_mut(place.columns[0]..place.columns[1]) {
            part.fill(mean);
        }
    }
    covered
}

#[cfg(test)]
mod tests {
    use super::*;

    fn placement(target: Rect) -> Placement {
        Placement {
            image: [100, 100],
            model: [16, 16],
            source: Rect {
                x: 0.0,
                y: 0.0,
                width: 100.0,
                height: 100.0,
            },
            target,
        }
    }

    fn whole() -> Placement {
        placement(Rect {
            x: 0.0,
            y: 0.0,
            width: 16.0,
            height: 16.0,
        })
    }

    #[test]
    fn places_cover_the_plane_evenly() {
        let places = places(&whole(), 4, 2.0);
        assert_eq!(places.len(), 16);
        let [first, second] = [places[0], places[5]];
        // Two cells of four pixels around the middle of the first cell, cut at the edge.
        assert_eq!((first.rows, first.columns), ([0, 6], [0, 6]));
        assert_eq!((second.rows, second.columns), ([2, 10], [2, 10]));
        let mut count = [0; 256];
        for place in &places {
            for row in place.rows[0]..place.rows[1] {
                for column in place.columns[0]..place.columns[1] {
                    count[row * 16 + column] += 1;
                }
            }
        }
        assert!(count.iter().all(|&times| times > 0));
    }

    #[test]
    fn padding_is_left_alone() {
        let letterboxed = placement(Rect {
            x: 0.0,
            y: 4.0,
            width: 16.0,
            height: 8.0,
        });
        let places = places(&letterboxed, 8, 1.0);
        assert_eq!(places.len(), 8 * 4);
        assert!(places.iter().all(|p| p.rows[0] >= 4 && p.rows[1] <= 12));
        assert_eq!(places[0].cell, 2 * 8);
    }

    #[test]
    fn a_patch_is_the_mean() {
        let values: Vec<f32> = (0..256).map(|i| i as f32).collect();
        let place = Place {
            cell: 0,
            rows: [1, 3],
            columns: [14, 16],
        };
        let covered = covered(&values, 16, &place);
        let changed: Vec<usize> = (0..256).filter(|&i| covered[i] != values[i]).collect();
        assert_eq!(changed, [30, 31, 46, 47]);
        assert!(changed.iter().all(|&i| covered[i] == 127.5));
    }

    #[test]
    fn a_grid_finer_than_the_pixels_does_no_harm() {
        let places = places(&whole(), 40, 1.0);
        assert!(!places.is_empty());
        assert!(places.iter().all(|p| p.rows[1] <= 16 && p.columns[1] <= 16));
    }
}
